//! Rows, arrays and scalars out of JSON documents: `json_populate_record` and its kin.
//!
//! PostgreSQL 15, jsonfuncs.c, populate_record_field and what it calls: same rules, same hints.

use super::{Args, Node};
use crate::base::{Error, Result};
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::array::{Builder, Dim, Dims, MAX_DIMS, too_many_dims};
use crate::types::jsonb::{self, Jsonb};
use crate::types::record::{self, Record};
use crate::types::{self, Column, Datum, IoContext, TypeRef, Value, base_type, io, oid};
use crate::{bail, err};

/// A part of a document, as text that keeps how it is written, or stored.
#[derive(Clone, Copy)]
pub enum Doc<'a> {
    Text(Node<'a>),
    Stored(&'a [u8]),
}

impl<'a> Doc<'a> {
    pub fn of(value: Datum<'a>, typ: crate::base::Oid) -> Doc<'a> {
        match typ {
            oid::JSONB => Doc::Stored(value.bytes()),
            _ => Doc::Text(Node::new(value.str())),
        }
    }

    fn is_null(self) -> bool {
        match self {
            Doc::Text(n) => n.is_null(),
            Doc::Stored(b) => matches!(Jsonb::new(b), Jsonb::Null),
        }
    }

    fn is_string(self) -> bool {
        match self {
            Doc::Text(n) => n.first() == b'"',
            Doc::Stored(b) => matches!(Jsonb::new(b), Jsonb::String(_)),
        }
    }

    pub fn is_object(self) -> bool {
        match self {
            Doc::Text(n) => n.is_object(),
            Doc::Stored(b) => matches!(Jsonb::new(b), Jsonb::Object(_)),
        }
    }

    pub fn is_array(self) -> bool {
        match self {
            Doc::Text(n) => n.is_array(),
            Doc::Stored(b) => matches!(Jsonb::new(b), Jsonb::Array(_)),
        }
    }

    /// The items of an array.
    pub fn items(self) -> Vec<Doc<'a>> {
        match self {
            Doc::Text(n) => n.items().into_iter().map(Doc::Text).collect(),
            Doc::Stored(b) => match Jsonb::new(b) {
                Jsonb::Array(items) => (0..items.len()).map(|n| Doc::Stored(items.bytes(n))).collect(),
                _ => Vec::new(),
            },
        }
    }

    /// The pairs of an object.
    fn pairs(self) -> Result<Vec<(String, Doc<'a>)>> {
        Ok(match self {
            Doc::Text(n) => n.pairs()?.into_iter().map(|(k, v)| (k, Doc::Text(v))).collect(),
            Doc::Stored(b) => match Jsonb::new(b) {
                Jsonb::Object(pairs) => {
                    (0..pairs.len()).map(|n| (pairs.key(n).to_owned(), Doc::Stored(pairs.bytes(n)))).collect()
                }
                _ => Vec::new(),
            },
        })
    }

    /// What an input function reads: strings without their quotes, all else as it is written.
    fn text(self) -> Result<String> {
        match self {
            Doc::Text(n) => Ok(n.text()?.unwrap_or_default()),
            Doc::Stored(b) => match Jsonb::new(b) {
                Jsonb::String(s) => Ok(s.to_owned()),
                other => {
                    let mut text = Vec::new();
                    other.write(&mut text);
                    Ok(String::from_utf8_lossy(&text).into_owned())
                }
            },
        }
    }

    fn scalar(self, ty: TypeRef, io: &IoContext) -> Result<Value> {
        Ok(match (self, ty.oid) {
            (Doc::Text(n), oid::JSON) => Value::text(n.0),
            (Doc::Text(n), oid::JSONB) => Value::Bytes(jsonb::parse(n.0)?.into()),
            (Doc::Stored(b), oid::JSONB) => Value::Bytes(b.into()),
            (Doc::Stored(b), oid::JSON) => {
                let mut text = Vec::new();
                Jsonb::new(b).write(&mut text);
                Value::Bytes(text.into())
            }
            _ => types::text_in(ty, &self.text()?, io)?,
        })
    }
}

/// A value of a type; `name`: the field's, for hints; `before`: what a row there had.
fn field(doc: Option<Doc<'_>>, ty: TypeRef, name: Option<&str>, before: Datum<'_>, io: &IoContext) -> Result<Value> {
    let Some(doc) = doc.filter(|d| !d.is_null()) else {
        return io::null_in(ty.oid, io).map(|()| Value::Null);
    };
    let info = types::info(ty.oid);
    if let Some(domain) = info.filter(|i| i.kind == b'd') {
        let below = TypeRef::with(domain.base, domain.base_typmod);
        let value = field(Some(doc), below, name, before, io)?;
        io.hooks.check_domain(ty.oid, value.datum(), io)?;
        return Ok(value);
    }
    // Rows and arrays may be written as texts, too.
    if doc.is_string() {
        return doc.scalar(ty, io);
    }
    if let Some(info) = info.filter(|i| i.is_array()) {
        let element = TypeRef::with(info.element, ty.typmod);
        return Sub { io, element, name, dims: None, sizes: Vec::new() }.array(doc);
    }
    if info.is_some_and(|i| i.kind == b'c') {
        return composite(doc, ty, before, io);
    }
    doc.scalar(ty, io)
}

fn composite(doc: Doc<'_>, ty: TypeRef, before: Datum<'_>, io: &IoContext) -> Result<Value> {
    let before = match before {
        Datum::Bytes(b) => Some(b),
        _ => None,
    };
    let fields: Vec<(String, TypeRef)> = match (io.hooks.composite(base_type(ty.oid)), before) {
        (Some(fields), _) => fields.into_iter().map(|f| (f.name, f.typ)).collect(),
        (None, Some(b)) => fields_of(&Record::new(b)),
        (None, None) => return Err(Error::internal("a row type without columns")),
    };
    let values = row(doc, &fields, before, io)?;
    let mut out = Vec::new();
    let parts = fields.iter().zip(&values).map(|(f, v)| (f.0.as_str(), f.1.oid, v.datum()));
    record::build(ty, parts, &mut out);
    Ok(Value::Bytes(out.into()))
}

/// Names and types of a row's own columns.
pub fn fields_of(r: &Record<'_>) -> Vec<(String, TypeRef)> {
    r.columns.iter().map(|c| (c.name.to_owned(), TypeRef::of(c.typ))).collect()
}

/// A row's values; of columns the object has not those of the row there was.
///
/// # Errors
/// 22023 for what is no object, and the input functions'.
pub fn row(doc: Doc<'_>, fields: &[(String, TypeRef)], before: Option<&[u8]>, io: &IoContext) -> Result<Vec<Value>> {
    if !doc.is_object() {
        let what = if doc.is_array() { "an array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call populate_composite on {what}");
    }
    let pairs = doc.pairs()?;
    let before = before.map(Record::new);
    let mut values = Vec::with_capacity(fields.len());
    for (n, (name, ty)) in fields.iter().enumerate() {
        let found = pairs.iter().rev().find(|(k, _)| k == name).map(|(_, v)| *v);
        let had = before.as_ref().map_or(Datum::Null, |b| b.field(n));
        values.push(match (found, &before) {
            (None, Some(_)) => had.to_value(),
            _ => field(found, *ty, Some(name), had, io)?,
        });
    }
    Ok(values)
}

/// An array on its way.
struct Sub<'c> {
    io: &'c IoContext,
    element: TypeRef,
    name: Option<&'c str>,
    /// The number of elements in each dimension, as far as it is known; None: how many dimensions is not known yet.
    dims: Option<Vec<Option<usize>>>,
    /// Elements so far in each dimension.
    sizes: Vec<usize>,
}

impl Sub<'_> {
    fn array(mut self, doc: Doc<'_>) -> Result<Value> {
        let mut out = Builder::new(self.element.oid);
        self.dimension(doc, 1, &mut out)?;
        let mut dims = Dims::new();
        for (n, len) in self.dims.unwrap_or_default().iter().enumerate() {
            let len = if n == 0 { self.sizes[0] } else { len.unwrap_or(0) };
            dims.push(Dim { len, lower: 1 });
        }
        Ok(Value::Bytes(out.finish_with(dims).into()))
    }

    fn dimension(&mut self, doc: Doc<'_>, depth: usize, out: &mut Builder) -> Result<()> {
        if !doc.is_array() {
            return Err(self.expected(depth - 1));
        }
        if depth > MAX_DIMS {
            return Err(too_many_dims(depth));
        }
        if self.sizes.len() < depth {
            self.sizes.resize(depth, 0);
        }
        let items = doc.items();
        if self.dims.is_none() && items.first().is_none_or(|i| !i.is_array()) {
            self.dims = Some(vec![None; depth]);
        }
        for item in items {
            match &self.dims {
                Some(d) if depth >= d.len() => {
                    out.push(field(Some(item), self.element, None, Datum::Null, self.io)?.datum());
                }
                _ => {
                    self.dimension(item, depth + 1, out)?;
                    self.check(depth)?;
                }
            }
            self.sizes[depth - 1] += 1;
        }
        Ok(())
    }

    /// All arrays of a dimension have equally many elements.
    fn check(&mut self, depth: usize) -> Result<()> {
        let found = std::mem::take(&mut self.sizes[depth]);
        let Some(known) = self.dims.as_mut().and_then(|d| d.get_mut(depth)) else { return Ok(()) };
        match known {
            Some(n) if *n != found => Err(err!(INVALID_TEXT_REPRESENTATION, "malformed JSON array")
                .detail("Multidimensional arrays must have sub-arrays with matching dimensions.")),
            _ => {
                *known = Some(found);
                Ok(())
            }
        }
    }

    fn expected(&self, depth: usize) -> Error {
        let e = err!(INVALID_TEXT_REPRESENTATION, "expected JSON array");
        let place: String = self.sizes.iter().take(depth).map(|n| format!("[{n}]")).collect();
        match (depth, self.name) {
            (0, Some(name)) => e.hint(format!("See the value of key \"{name}\".")),
            (0, None) => e,
            (_, Some(name)) => e.hint(format!("See the array element {place} of key \"{name}\".")),
            (_, None) => e.hint(format!("See the array element {place}.")),
        }
    }
}

/// # Errors
/// 0A000 where neither an argument nor the query tells of a row's columns.
pub fn unknown_row(function: &str) -> Error {
    err!(FEATURE_NOT_SUPPORTED, "could not determine row type for result of {function}").hint(
        "Provide a non-null record argument, or call the function in the FROM clause using a column definition list.",
    )
}

/// `json_populate_record` and `jsonb_populate_record` where a value is wanted, not columns.
fn populate<const STORED: bool>(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let typ = cx.ret_type();
    if base_type(typ.oid) != oid::RECORD && cx.io.hooks.composite(base_type(typ.oid)).is_none() {
        let name = if STORED { "jsonb_populate_record" } else { "json_populate_record" };
        return Err(err!(DATATYPE_MISMATCH, "first argument of {name} must be a row type"));
    }
    if base_type(typ.oid) == oid::RECORD && args[0].is_null() {
        return Err(unknown_row(if STORED { "jsonb_populate_record" } else { "json_populate_record" }));
    }
    if args[1].is_null() {
        out.push(args[0]);
        return Ok(());
    }
    let doc = Doc::of(args[1], cx.arg_type(1).oid);
    let value = composite(doc, typ, args[0], &cx.io)?;
    if base_type(typ.oid) != typ.oid {
        cx.io.hooks.check_domain(typ.oid, value.datum(), &cx.io)?;
    }
    out.push(value.datum());
    Ok(())
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("json_populate_record", FuncImpl::Scalar(populate::<false>)),
    ("jsonb_populate_record", FuncImpl::Scalar(populate::<true>)),
];
