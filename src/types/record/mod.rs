//! Rows as values: composite types and `record`.
//!
//! Bytes: type u32 LE, typmod i32 LE, number of columns u16 LE; per column its type u32 LE, the length of its name
//! u8 and the name; then per column 1 u8 for NULL, or 0 and the value: fixed width little-endian, or length u32 LE
//! and bytes. So a row tells its columns without a catalog.

mod reshape;

pub use reshape::Reshape;

use super::array::{put, take};
use super::context::Field;
use super::datum::Datum;
use super::{IoContext, TypeRef, Value, io, phys};
use crate::base::{Error, Oid, Result};
use crate::{bail, err};

/// A row taken apart.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    pub typ: TypeRef,
    pub columns: Vec<Column<'a>>,
}

#[derive(Clone, Copy, Debug)]
pub struct Column<'a> {
    pub typ: Oid,
    pub name: &'a str,
    pub value: Datum<'a>,
}

impl<'a> Record<'a> {
    /// Takes the stored form apart; damaged bytes read as a row without columns.
    pub fn new(stored: &'a [u8]) -> Record<'a> {
        Record::read(stored).unwrap_or(Record { typ: TypeRef::of(super::oid::RECORD), columns: Vec::new() })
    }

    fn read(stored: &'a [u8]) -> Option<Record<'a>> {
        fn u32_at<'b>(data: &mut &'b [u8]) -> Option<u32> {
            let (head, rest): (&'b [u8; 4], _) = data.split_first_chunk()?;
            *data = rest;
            Some(u32::from_le_bytes(*head))
        }
        let mut data = stored;
        let typ = TypeRef::with(Oid(u32_at(&mut data)?), u32_at(&mut data)? as i32);
        let (count, rest) = data.split_first_chunk::<2>()?;
        data = rest;
        let count = u16::from_le_bytes(*count) as usize;
        let mut columns = Vec::with_capacity(count);
        for _ in 0..count {
            let typ = Oid(u32_at(&mut data)?);
            let (len, rest) = data.split_first()?;
            let (name, rest) = rest.split_at_checked(*len as usize)?;
            data = rest;
            columns.push(Column { typ, name: std::str::from_utf8(name).ok()?, value: Datum::Null });
        }
        for column in &mut columns {
            let (null, rest) = data.split_first()?;
            data = rest;
            if *null == 0 {
                column.value = take(phys(column.typ), &mut data)?;
            }
        }
        Some(Record { typ, columns })
    }

    /// The row in the shape its type has now: attributes may have come, gone or got other names since it was stored.
    ///
    /// A column is found by its name and type, or, renamed, by its place; one that has come since is NULL.
    pub fn fitted(self, fields: &'a [Field]) -> Record<'a> {
        let old = &self.columns;
        let unchanged = old.len() == fields.len() && old.iter().zip(fields).all(|(c, f)| c.typ == f.typ.oid);
        let find = |(at, f): (usize, &'a Field)| {
            let of_type = |c: &&Column<'a>| c.typ == f.typ.oid;
            let renamed = |c: &&Column<'a>| unchanged || fields.iter().all(|f| f.name != c.name);
            let named = old.iter().filter(of_type).find(|c| c.name == f.name).filter(|_| !unchanged);
            let found = named.or_else(|| old.get(at).filter(of_type).filter(renamed));
            Column { typ: f.typ.oid, name: &f.name, value: found.map_or(Datum::Null, |c| c.value) }
        };
        Record { typ: self.typ, columns: fields.iter().enumerate().map(find).collect() }
    }

    /// The value of a column, 0-based.
    pub fn field(&self, index: usize) -> Datum<'a> {
        self.columns.get(index).map_or(Datum::Null, |c| c.value)
    }
}

/// Calls `f` with a stored row in the shape its type has now.
pub fn with_fitted<T>(stored: &[u8], io: &IoContext, f: impl FnOnce(&Record<'_>) -> T) -> T {
    let record = Record::new(stored);
    match io.hooks.composite(record.typ.oid) {
        Some(fields) => f(&record.fitted(&fields)),
        None => f(&record),
    }
}

/// Appends a row of these columns: name, type, value.
pub fn build<'a>(typ: TypeRef, columns: impl Iterator<Item = (&'a str, Oid, Datum<'a>)> + Clone, out: &mut Vec<u8>) {
    out.extend_from_slice(&typ.oid.0.to_le_bytes());
    out.extend_from_slice(&typ.typmod.to_le_bytes());
    out.extend_from_slice(&(columns.clone().count() as u16).to_le_bytes());
    for (name, typ, _) in columns.clone() {
        let name = super::text::clip(name, 255);
        out.extend_from_slice(&typ.0.to_le_bytes());
        out.push(name.len() as u8);
        out.extend_from_slice(name.as_bytes());
    }
    for (_, _, value) in columns {
        out.push(value.is_null().into());
        put(value, out);
    }
}

/// Appends the text form: `(1,"a b",)`.
pub fn write(stored: &[u8], out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    out.push(b'(');
    let mut text = Vec::new();
    let record = Record::new(stored);
    let fields = io_context.hooks.composite(record.typ.oid);
    let record = match &fields {
        Some(fields) => record.fitted(fields),
        None => record,
    };
    for (i, column) in record.columns.iter().enumerate() {
        if i > 0 {
            out.push(b',');
        }
        if column.value.is_null() {
            continue;
        }
        text.clear();
        io::text_out(TypeRef::of(column.typ), column.value, &mut text, io_context)?;
        let special = |b: &u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b',') || super::text::is_space(*b as char);
        if !text.is_empty() && !text.iter().any(special) {
            out.extend_from_slice(&text);
            continue;
        }
        out.push(b'"');
        for &b in &text {
            if b == b'"' || b == b'\\' {
                out.push(b);
            }
            out.push(b);
        }
        out.push(b'"');
    }
    out.push(b')');
    Ok(())
}

/// Reads the text form of a composite type.
pub fn parse(typ: TypeRef, text: &str, io_context: &IoContext) -> Result<Vec<u8>> {
    let Some(fields) = io_context.hooks.composite(typ.oid) else {
        bail!(FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
    };
    let malformed = |detail: &str| -> Error {
        err!(INVALID_TEXT_REPRESENTATION, "malformed record literal: \"{text}\"").detail(detail)
    };
    let trimmed = text.trim_start_matches(super::text::is_space);
    let Some(rest) = trimmed.strip_prefix('(') else { return Err(malformed("Missing left parenthesis.")) };
    let mut chars = rest.chars().peekable();
    let mut values: Vec<Value> = Vec::new();
    for (i, field) in fields.iter().enumerate() {
        if i > 0 && chars.next_if_eq(&',').is_none() {
            return Err(malformed("Too few columns."));
        }
        let mut value = String::new();
        let mut present = false;
        let mut quoted = false;
        loop {
            match chars.peek() {
                None => return Err(malformed("Unexpected end of input.")),
                Some(',' | ')') if !quoted => break,
                _ => {}
            }
            present = true;
            match chars.next() {
                Some('\\') => value.push(chars.next().ok_or_else(|| malformed("Unexpected end of input."))?),
                Some('"') if !quoted => quoted = true,
                Some('"') if chars.next_if_eq(&'"').is_some() => value.push('"'),
                Some('"') => quoted = false,
                Some(c) => value.push(c),
                None => return Err(malformed("Unexpected end of input.")),
            }
        }
        values.push(if present {
            io::text_in(field.typ, &value, io_context)?
        } else {
            io::null_in(field.typ.oid, io_context).map(|()| Value::Null)?
        });
    }
    match chars.next() {
        Some(')') => {}
        _ => return Err(malformed("Too many columns.")),
    }
    if chars.any(|c| !super::text::is_space(c)) {
        return Err(malformed("Junk after right parenthesis."));
    }
    let mut out = Vec::new();
    let columns = fields.iter().zip(&values).map(|(f, v)| (f.name.as_str(), f.typ.oid, v.datum()));
    build(typ, columns, &mut out);
    Ok(out)
}

/// Appends PostgreSQL's binary form.
pub fn write_binary(stored: &[u8], out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let record = Record::new(stored);
    let fields = io_context.hooks.composite(record.typ.oid);
    let record = match &fields {
        Some(fields) => record.fitted(fields),
        None => record,
    };
    out.extend_from_slice(&(record.columns.len() as i32).to_be_bytes());
    for c in &record.columns {
        out.extend_from_slice(&c.typ.0.to_be_bytes());
        io::sized_binary(TypeRef::of(c.typ), c.value, out, io_context)?;
    }
    Ok(())
}

pub fn from_binary(typ: TypeRef, bytes: &[u8], io_context: &IoContext) -> Result<Vec<u8>> {
    let Some(fields) = io_context.hooks.composite(typ.oid) else {
        bail!(FEATURE_NOT_SUPPORTED, "input of anonymous composite types is not implemented");
    };
    let mut r = io::Wire(bytes);
    let count = r.i32()?;
    if count != fields.len() as i32 {
        bail!(DATATYPE_MISMATCH, "wrong number of columns: {count}, expected {}", fields.len());
    }
    let mut values = Vec::new();
    for (i, f) in fields.iter().enumerate() {
        let sent = r.i32()? as u32;
        if sent != f.typ.oid.0 {
            bail!(
                DATATYPE_MISMATCH,
                "binary data has type {sent} ({}) instead of expected {} ({}) in record column {}",
                super::format_type_plain(Oid(sent), &*io_context.hooks),
                f.typ.oid.0,
                super::format_type_plain(f.typ.oid, &*io_context.hooks),
                i + 1
            );
        }
        values.push(match r.sized()? {
            None => io::null_in(f.typ.oid, io_context).map(|()| Value::Null)?,
            Some(b) => io::binary_in(f.typ, b, io_context)?,
        });
    }
    let mut out = Vec::new();
    let columns = fields.iter().zip(&values).map(|(f, v)| (f.name.as_str(), f.typ.oid, v.datum()));
    build(typ, columns, &mut out);
    Ok(out)
}
