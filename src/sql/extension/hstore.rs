//! `hstore`: sets of keys and values. What its values are is in [`crate::types::hstore`].

use super::{Code, Extension, PLAIN, form, index_only};
use crate::base::{Flow, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::{FnContext, hash};
use crate::types::array::{self, Array, Dim};
use crate::types::hstore::{CODE, Pair, build, find, pairs};
use crate::types::record::{self, Record};
use crate::types::{Column, Datum, TypeRef, Value, json, jsonb, oid, text_in, text_out};

pub(super) const EXTENSION: Extension = Extension {
    name: "hstore",
    version: "1.8",
    comment: "data type for storing sets of (key, value) pairs",
    script: include_str!("hstore.sql"),
    code: &[
        ("hstore_in", Code::Scalar(|_, a, out| form::read(&CODE, a, out))),
        ("hstore_out", Code::Scalar(|_, a, out| form::show(&CODE, a, out))),
        ("hstore_recv", Code::Scalar(|_, a, out| form::receive(&CODE, a, out))),
        ("hstore_send", Code::Scalar(|_, a, out| form::send(&CODE, a, out))),
        ("hstore_version_diag", Code::Scalar(|_, _, out| number(2, out))),
        ("hstore_fetchval", Code::Scalar(|_, a, out| text(find(&pairs(a[0].bytes()), a[1].str()).flatten(), out))),
        ("hstore_slice_to_array", Code::Scalar(slice_to_array)),
        ("hstore_slice_to_hstore", Code::Scalar(slice)),
        ("hstore_exists", Code::Scalar(|_, a, out| truth(find(&pairs(a[0].bytes()), a[1].str()).is_some(), out))),
        (
            "hstore_defined",
            Code::Scalar(|_, a, out| truth(find(&pairs(a[0].bytes()), a[1].str()).flatten().is_some(), out)),
        ),
        (
            "hstore_exists_any",
            Code::Scalar(|_, a, out| truth(names(a[1]).iter().any(|k| find(&pairs(a[0].bytes()), k).is_some()), out)),
        ),
        (
            "hstore_exists_all",
            Code::Scalar(|_, a, out| truth(names(a[1]).iter().all(|k| find(&pairs(a[0].bytes()), k).is_some()), out)),
        ),
        ("hstore_delete", Code::Scalar(|_, a, out| kept(a[0], |p| p.0 != a[1].str(), out))),
        ("hstore_delete_array", Code::Scalar(delete_names)),
        ("hstore_delete_hstore", Code::Scalar(delete_pairs)),
        ("hstore_concat", Code::Scalar(concat)),
        ("hstore_contains", Code::Scalar(|_, a, out| truth(contains(a[0], a[1]), out))),
        ("hstore_contained", Code::Scalar(|_, a, out| truth(contains(a[1], a[0]), out))),
        ("hstore_from_text", Code::Scalar(from_text)),
        ("hstore_from_arrays", Code::Scalar(from_arrays)),
        ("hstore_from_array", Code::Scalar(from_array)),
        ("hstore_from_record", Code::Scalar(from_record)),
        ("hstore_populate_record", Code::Scalar(populate_record)),
        ("hstore_to_json", Code::Scalar(|_, a, out| to_json(a[0], false, out))),
        ("hstore_to_json_loose", Code::Scalar(|_, a, out| to_json(a[0], true, out))),
        ("hstore_to_jsonb", Code::Scalar(|_, a, out| to_jsonb(a[0], false, out))),
        ("hstore_to_jsonb_loose", Code::Scalar(|_, a, out| to_jsonb(a[0], true, out))),
        ("hstore_to_array", Code::Scalar(|_, a, out| flat(a[0], false, out))),
        ("hstore_to_matrix", Code::Scalar(|_, a, out| flat(a[0], true, out))),
        ("hstore_akeys", Code::Scalar(|_, a, out| texts(pairs(a[0].bytes()).iter().map(|p| Some(p.0)), out))),
        ("hstore_avals", Code::Scalar(|_, a, out| texts(pairs(a[0].bytes()).iter().map(|p| p.1), out))),
        ("hstore_skeys", Code::Rows(|_, a, _| rows(a, |p| vec![Value::text(p.0)]))),
        ("hstore_svals", Code::Rows(|_, a, _| rows(a, |p| vec![p.1.map_or(Value::Null, Value::text)]))),
        ("hstore_each", Code::Rows(each)),
        ("hstore_eq", Code::Scalar(|_, a, out| truth(order(a).is_eq(), out))),
        ("hstore_ne", Code::Scalar(|_, a, out| truth(order(a).is_ne(), out))),
        ("hstore_gt", Code::Scalar(|_, a, out| truth(order(a).is_gt(), out))),
        ("hstore_ge", Code::Scalar(|_, a, out| truth(order(a).is_ge(), out))),
        ("hstore_lt", Code::Scalar(|_, a, out| truth(order(a).is_lt(), out))),
        ("hstore_le", Code::Scalar(|_, a, out| truth(order(a).is_le(), out))),
        ("hstore_cmp", Code::Scalar(|_, a, out| number(order(a) as i32, out))),
        ("hstore_hash", Code::Scalar(|_, a, out| number(hashed(a[0], 0)? as i32, out))),
        ("hstore_hash_extended", Code::Scalar(hash_extended)),
        ("gin_extract_hstore", Code::Scalar(index_only)),
        ("gin_extract_hstore_query", Code::Scalar(index_only)),
        ("gin_consistent_hstore", Code::Scalar(index_only)),
    ],
    ..PLAIN
};

fn number(value: i32, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(value));
    Ok(())
}

fn truth(value: bool, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(value));
    Ok(())
}

fn text(value: Option<&str>, out: &mut Column) -> Result<()> {
    out.push(value.map_or(Datum::Null, |v| Datum::Bytes(v.as_bytes())));
    Ok(())
}

fn texts<'a>(values: impl Iterator<Item = Option<&'a str>>, out: &mut Column) -> Result<()> {
    let data = values.map(|v| v.map_or(Datum::Null, |v| Datum::Bytes(v.as_bytes())));
    out.push(Datum::Bytes(&array::from_values(oid::TEXT, data)));
    Ok(())
}

fn push(all: Vec<Pair<'_>>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&build(all)));
    Ok(())
}

/// The texts of an array; its NULLs do not count.
fn names(list: Datum<'_>) -> Vec<&str> {
    let Datum::Bytes(stored) = list else { return Vec::new() };
    Array::new(stored).iter().filter(|d| !d.is_null()).map(|d| d.str()).collect()
}

fn kept(of: Datum<'_>, keep: impl Fn(&Pair<'_>) -> bool, out: &mut Column) -> Result<()> {
    push(pairs(of.bytes()).into_iter().filter(keep).collect(), out)
}

fn slice_to_array(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (all, wanted) = (pairs(args[0].bytes()), Array::new(args[1].bytes()));
    let value = |k: Datum<'_>| if k.is_null() { None } else { find(&all, k.str()).flatten() };
    texts(wanted.iter().map(value), out)
}

fn slice(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let all = pairs(args[0].bytes());
    push(names(args[1]).into_iter().filter_map(|k| Some((k, find(&all, k)?))).collect(), out)
}

fn delete_names(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let gone = names(args[1]);
    kept(args[0], |p| !gone.contains(&p.0), out)
}

fn delete_pairs(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let gone = pairs(args[1].bytes());
    kept(args[0], |p| find(&gone, p.0) != Some(p.1), out)
}

fn concat(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    // Of two pairs with one key the first stays.
    let mut all = pairs(args[1].bytes());
    all.extend(pairs(args[0].bytes()));
    push(all, out)
}

fn contains(whole: Datum<'_>, part: Datum<'_>) -> bool {
    let whole = pairs(whole.bytes());
    pairs(part.bytes()).iter().all(|(k, v)| find(&whole, k) == Some(*v))
}

fn null_key() -> crate::base::Error {
    err!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for hstore key")
}

fn from_text(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    push(vec![(args[0].str(), (!args[1].is_null()).then(|| args[1].str()))], out)
}

fn pair<'a>(key: Datum<'a>, value: Datum<'a>) -> Result<Pair<'a>> {
    if key.is_null() {
        return Err(null_key());
    }
    Ok((key.str(), (!value.is_null()).then(|| value.str())))
}

fn wrong_dimensions() -> crate::base::Error {
    err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
}

fn from_arrays(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (Datum::Bytes(keys), values) = (args[0], args[1]) else {
        out.push_null();
        return Ok(());
    };
    let keys = Array::new(keys);
    let values = if values.is_null() { None } else { Some(Array::new(values.bytes())) };
    if keys.dims.len() > 1 || values.as_ref().is_some_and(|v| v.dims.len() > 1) {
        return Err(wrong_dimensions());
    }
    let bounds = |a: &Array<'_>| a.dims.first().map(|d| (d.lower, d.len));
    if let Some(values) = &values
        && bounds(&keys) != bounds(values)
    {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "arrays must have same bounds"));
    }
    let value = |n: usize| values.as_ref().map_or(Datum::Null, |v| v.nth(n));
    let all: Result<Vec<Pair<'_>>> = keys.iter().enumerate().map(|(n, k)| pair(k, value(n))).collect();
    push(all?, out)
}

fn from_array(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let list = Array::new(args[0].bytes());
    match list.dims.as_slice() {
        [] => {}
        [one] if one.len % 2 == 1 => {
            return Err(err!(ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements"));
        }
        [_] => {}
        [_, two] if two.len != 2 => return Err(err!(ARRAY_SUBSCRIPT_ERROR, "array must have two columns")),
        [_, _] => {}
        _ => return Err(wrong_dimensions()),
    }
    let all: Vec<Datum<'_>> = list.iter().collect();
    let read: Result<Vec<Pair<'_>>> = all.chunks_exact(2).map(|p| pair(p[0], p[1])).collect();
    push(read?, out)
}

fn from_record(fx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut read: Vec<(String, Option<String>)> = Vec::new();
    match args[0] {
        Datum::Bytes(stored) => {
            for c in Record::new(stored).columns {
                let mut shown = Vec::new();
                text_out(TypeRef::of(c.typ), c.value, &mut shown, &fx.io)?;
                let shown = String::from_utf8_lossy(&shown).into_owned();
                read.push((c.name.to_owned(), (!c.value.is_null()).then_some(shown)));
            }
        }
        // The names are known without a row.
        _ => match fx.io.hooks.composite(fx.arg_type(0).oid) {
            Some(fields) => read.extend(fields.into_iter().map(|f| (f.name, None))),
            None => return Err(err!(WRONG_OBJECT_TYPE, "record type has not been registered")),
        },
    }
    push(read.iter().map(|(k, v)| (k.as_str(), v.as_deref())).collect(), out)
}

fn populate_record(fx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let typ = fx.arg_type(0);
    let Some(fields) = fx.io.hooks.composite(typ.oid) else {
        return Err(err!(DATATYPE_MISMATCH, "first argument must be a rowtype"));
    };
    let Datum::Bytes(given) = args[1] else {
        out.push(args[0]);
        return Ok(());
    };
    let given = pairs(given);
    let old = if args[0].is_null() { None } else { Some(Record::new(args[0].bytes())) };
    let mut values: Vec<Value> = Vec::new();
    for (n, f) in fields.iter().enumerate() {
        values.push(match find(&given, &f.name) {
            Some(Some(v)) => text_in(f.typ, v, &fx.io)?,
            Some(None) => Value::Null,
            None => old.as_ref().map_or(Value::Null, |r| r.field(n).to_value()),
        });
    }
    let columns = fields.iter().zip(&values).map(|(f, v)| (f.name.as_str(), f.typ.oid, v.datum()));
    let mut stored = Vec::new();
    record::build(typ, columns, &mut stored);
    out.push(Datum::Bytes(&stored));
    Ok(())
}

/// Whether a value stands without quotes where types are guessed: a number as JSON writes them.
fn is_number(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    digits.starts_with(|c: char| c.is_ascii_digit()) && json::validate(text).is_ok()
}

fn json_text(of: Datum<'_>, loose: bool) -> Vec<u8> {
    let mut text = b"{".to_vec();
    for (n, (key, value)) in pairs(of.bytes()).into_iter().enumerate() {
        if n > 0 {
            text.extend_from_slice(b", ");
        }
        json::write_string(key, &mut text);
        text.extend_from_slice(b": ");
        match value {
            None => text.extend_from_slice(b"null"),
            Some("t") if loose => text.extend_from_slice(b"true"),
            Some("f") if loose => text.extend_from_slice(b"false"),
            Some(v) if loose && is_number(v) => text.extend_from_slice(v.as_bytes()),
            Some(v) => json::write_string(v, &mut text),
        }
    }
    text.push(b'}');
    text
}

fn to_json(of: Datum<'_>, loose: bool, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&json_text(of, loose)));
    Ok(())
}

fn to_jsonb(of: Datum<'_>, loose: bool, out: &mut Column) -> Result<()> {
    let text = json_text(of, loose);
    out.push(Datum::Bytes(&jsonb::parse(&String::from_utf8_lossy(&text))?));
    Ok(())
}

/// Keys and values in turn, in one dimension or in two.
fn flat(of: Datum<'_>, matrix: bool, out: &mut Column) -> Result<()> {
    let all = pairs(of.bytes());
    let mut list = array::Builder::new(oid::TEXT);
    for part in all.iter().flat_map(|(k, v)| [Some(*k), *v]) {
        list.push(part.map_or(Datum::Null, |p| Datum::Bytes(p.as_bytes())));
    }
    let dim = |len| Dim { len, lower: 1 };
    let stored = match matrix && !all.is_empty() {
        true => list.finish_with([dim(all.len()), dim(2)].into_iter().collect()),
        false => list.finish(),
    };
    out.push(Datum::Bytes(&stored));
    Ok(())
}

fn rows(args: &[Value], row: impl Fn(&Pair<'_>) -> Vec<Value>) -> Flow<Vec<Vec<Value>>> {
    Ok(pairs(args[0].datum().bytes()).iter().map(row).collect())
}

fn each(_: &mut ExecContext, args: &[Value], _: &[TypeRef]) -> Flow<Vec<Vec<Value>>> {
    rows(args, |(k, v)| vec![Value::text(k), v.map_or(Value::Null, Value::text)])
}

fn order(args: &[Datum<'_>]) -> std::cmp::Ordering {
    let key = |d: Datum<'_>| {
        let mut out = Vec::new();
        if let Some(encode) = CODE.key {
            encode(d.bytes(), &mut out);
        }
        out
    };
    key(args[0]).cmp(&key(args[1]))
}

/// The hash of the bytes PostgreSQL keeps: number of pairs, where each key and value ends, then all of them.
fn hashed(of: Datum<'_>, seed: u64) -> Result<u64> {
    let all = pairs(of.bytes());
    let mut bytes = (all.len() as u32 | 1 << 31).to_le_bytes().to_vec();
    let mut end = 0;
    for (n, (key, value)) in all.iter().enumerate() {
        end += key.len() as u32;
        bytes.extend((end | if n == 0 { 1 << 31 } else { 0 }).to_le_bytes());
        end += value.map_or(0, |v| v.len() as u32);
        bytes.extend((end | if value.is_none() { 1 << 30 } else { 0 }).to_le_bytes());
    }
    for (key, value) in &all {
        bytes.extend_from_slice(key.as_bytes());
        bytes.extend_from_slice(value.unwrap_or_default().as_bytes());
    }
    hash::extended_hash(oid::TEXT, Datum::Bytes(&bytes), seed)
}

fn hash_extended(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I64(hashed(args[0], args[1].i64() as u64)? as i64));
    Ok(())
}
