//! Making JSON of other values: `to_json`, `to_jsonb`, `row_to_json`, `json_build_*`, `json_object`.

use super::Args;
use super::text::Node;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl, text};
use crate::types::datetime::civil::USECS_PER_SEC;
use crate::types::datetime::{Civil, date, format, timestamp};
use crate::types::jsonb::{Jsonb, Tree};
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum, IoContext, TypeRef, array, base_type, info, io, json, oid, record};
use crate::{bail, err};

fn is_composite(typ: crate::base::Oid) -> bool {
    typ == oid::RECORD || info(typ).is_some_and(|i| i.kind == b'c')
}

/// Dates and timestamps are shown in ISO 8601 whatever `DateStyle` says; None for other types.
fn iso_text(typ: TypeRef, value: Datum<'_>, io: &IoContext) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match (typ.oid, value) {
        (oid::DATE, Datum::I32(d)) if date::is_finite(d) => {
            format::json_text(&Civil::from_days(d), false, None, &mut out);
        }
        (oid::TIMESTAMP, Datum::I64(us)) if timestamp::is_finite(us) => {
            format::json_text(&Civil::from_us(us), true, None, &mut out);
        }
        (oid::TIMESTAMPTZ, Datum::I64(us)) if timestamp::is_finite(us) => {
            let east = io.time_zone.offset_at_utc(us);
            let local = us + i64::from(east) * USECS_PER_SEC;
            format::json_text(&Civil::from_us(local), true, Some(east), &mut out);
        }
        _ => return None,
    }
    Some(out)
}

/// A number is JSON only if it is finite.
fn is_json_number(text: &str) -> bool {
    !text.ends_with(['N', 'y'])
}

/// Appends a value as `to_json` shows it.
pub fn write_json(typ: TypeRef, value: Datum<'_>, out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let typ = TypeRef { oid: base_type(typ.oid), ..typ };
    match value {
        Datum::Null => out.extend_from_slice(b"null"),
        Datum::Bool(b) => out.extend_from_slice(if b { b"true" } else { b"false" }),
        Datum::Bytes(b) if typ.oid == oid::JSON => out.extend_from_slice(b),
        Datum::Bytes(b) if typ.oid == oid::JSONB => Jsonb::new(b).write(out),
        Datum::Bytes(b) if is_composite(typ.oid) => write_record(b, false, out, io_context)?,
        Datum::Bytes(b) if typ.oid == oid::ANYARRAY || info(typ.oid).is_some_and(|i| i.is_array()) => {
            write_array(b, false, out, io_context)?;
        }
        v => {
            if let Some(text) = iso_text(typ, v, io_context) {
                out.push(b'"');
                out.extend_from_slice(&text);
                out.push(b'"');
                return Ok(());
            }
            let text = io::to_text(typ, v, io_context)?;
            let number =
                matches!(typ.oid, oid::INT2 | oid::INT4 | oid::INT8 | oid::FLOAT4 | oid::FLOAT8 | oid::NUMERIC);
            if number && is_json_number(&text) {
                out.extend_from_slice(text.as_bytes());
            } else {
                json::write_string(&text, out);
            }
        }
    }
    Ok(())
}

fn write_record(stored: &[u8], pretty: bool, out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let r = record::Record::new(stored);
    let fields = io_context.hooks.composite(r.typ.oid);
    let r = match &fields {
        Some(fields) => r.fitted(fields),
        None => r,
    };
    out.push(b'{');
    for (i, c) in r.columns.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(if pretty { b",\n " } else { b"," });
        }
        json::write_string(&column_name(c.name, i), out);
        out.push(b':');
        write_json(TypeRef::of(c.typ), c.value, out, io_context)?;
    }
    out.push(b'}');
    Ok(())
}

fn column_name(name: &str, index: usize) -> String {
    if name.is_empty() { format!("f{}", index + 1) } else { name.to_owned() }
}

fn write_array(stored: &[u8], pretty: bool, out: &mut Vec<u8>, io_context: &IoContext) -> Result<()> {
    let a = array::Array::new(stored);
    if a.is_empty() {
        out.extend_from_slice(b"[]");
        return Ok(());
    }
    let mut elements = a.iter();
    write_level(&a, 0, pretty, &mut elements, out, io_context)
}

fn write_level(
    a: &array::Array<'_>,
    level: usize,
    pretty: bool,
    elements: &mut array::Elements<'_>,
    out: &mut Vec<u8>,
    io_context: &IoContext,
) -> Result<()> {
    out.push(b'[');
    for i in 0..a.dims[level].len {
        if i > 0 {
            out.extend_from_slice(if pretty && level == 0 { b",\n " } else { b"," });
        }
        if level + 1 < a.dims.len() {
            write_level(a, level + 1, pretty, elements, out, io_context)?;
        } else {
            write_json(TypeRef::of(a.element), elements.next().unwrap_or(Datum::Null), out, io_context)?;
        }
    }
    out.push(b']');
    Ok(())
}

/// A value as `to_jsonb` makes it.
pub fn to_tree(typ: TypeRef, value: Datum<'_>, io_context: &IoContext) -> Result<Tree> {
    let typ = TypeRef { oid: base_type(typ.oid), ..typ };
    Ok(match value {
        Datum::Null => Tree::Null,
        Datum::Bool(b) => Tree::Bool(b),
        Datum::Bytes(b) if typ.oid == oid::JSONB => Jsonb::new(b).to_tree(),
        Datum::Bytes(b) if typ.oid == oid::NUMERIC && Numeric::from_bytes(b).is_finite() => {
            Tree::Number(Numeric::from_bytes(b))
        }
        v => {
            let mut text = Vec::new();
            write_json(typ, v, &mut text, io_context)?;
            Tree::parse(std::str::from_utf8(&text).unwrap_or("null"))?
        }
    })
}

fn to_json(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push_bytes_with(|v| write_json(cx.arg_type(0), args[0], v, &cx.io))
}

fn to_jsonb(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_tree(out, to_tree(cx.arg_type(0), args[0], &cx.io)?)
}

pub(super) fn push_tree(out: &mut Column, tree: Tree) -> Result<()> {
    out.push(Datum::Bytes(&tree.encode()?));
    Ok(())
}

fn row_to_json(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let pretty = args.get(1).is_some_and(|p| p.bool());
    out.push_bytes_with(|v| write_record(args[0].bytes(), pretty, v, &cx.io))
}

fn array_to_json(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let pretty = args.get(1).is_some_and(|p| p.bool());
    out.push_bytes_with(|v| write_array(args[0].bytes(), pretty, v, &cx.io))
}

/// The arguments of a variadic call, or nothing if they are a NULL array.
fn values<'a>(cx: &FnContext, args: &[Datum<'a>]) -> Result<Option<Vec<(TypeRef, Datum<'a>)>>> {
    text::variadic(cx, args, 0)
}

fn build_array(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let Some(values) = values(cx, args)? else {
        out.push_null();
        return Ok(());
    };
    out.push_bytes_with(|v| {
        v.push(b'[');
        for (i, (typ, value)) in values.into_iter().enumerate() {
            if i > 0 {
                v.extend_from_slice(b", ");
            }
            write_json(typ, value, v, &cx.io)?;
        }
        v.push(b']');
        Ok(())
    })
}

/// A key as text; NULL and containers cannot be one.
fn key(typ: TypeRef, value: Datum<'_>, position: usize, binary: bool, io_context: &IoContext) -> Result<String> {
    if value.is_null() && !binary {
        return Err(
            err!(INVALID_PARAMETER_VALUE, "argument {position} cannot be null").hint("Object keys should be text.")
        );
    }
    if value.is_null() {
        bail!(INVALID_PARAMETER_VALUE, "argument {position}: key must not be null");
    }
    key_text(typ, value, io_context)
}

/// What a scalar is as a key: dates and times as in a value, others as their output functions write them.
pub fn key_text(typ: TypeRef, value: Datum<'_>, io_context: &IoContext) -> Result<String> {
    let base = base_type(typ.oid);
    let container =
        is_composite(base) || base == oid::JSON || base == oid::JSONB || info(base).is_some_and(|i| i.is_array());
    if container {
        bail!(INVALID_PARAMETER_VALUE, "key value must be scalar, not array, composite, or json");
    }
    if let Datum::Bool(b) = value {
        return Ok(b.to_string());
    }
    match iso_text(typ, value, io_context) {
        Some(t) => Ok(String::from_utf8_lossy(&t).into_owned()),
        None => io::to_text(typ, value, io_context),
    }
}

fn even_count(count: usize, name: &str) -> Result<()> {
    if count.is_multiple_of(2) {
        return Ok(());
    }
    Err(err!(INVALID_PARAMETER_VALUE, "argument list must have even number of elements")
        .hint(format!("The arguments of {name}() must consist of alternating keys and values.")))
}

fn build_object(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let Some(values) = values(cx, args)? else {
        out.push_null();
        return Ok(());
    };
    even_count(values.len(), "json_build_object")?;
    out.push_bytes_with(|v| {
        v.push(b'{');
        for (i, pair) in values.as_chunks::<2>().0.iter().enumerate() {
            if i > 0 {
                v.extend_from_slice(b", ");
            }
            let [(key_type, key_value), (typ, value)] = *pair;
            json::write_string(&key(key_type, key_value, 2 * i + 1, false, &cx.io)?, v);
            v.extend_from_slice(b" : ");
            write_json(typ, value, v, &cx.io)?;
        }
        v.push(b'}');
        Ok(())
    })
}

fn jsonb_build_array(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let Some(values) = values(cx, args)? else {
        out.push_null();
        return Ok(());
    };
    let items: Result<Vec<Tree>> = values.into_iter().map(|(t, v)| to_tree(t, v, &cx.io)).collect();
    push_tree(out, Tree::Array(items?))
}

fn jsonb_build_object(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let Some(values) = values(cx, args)? else {
        out.push_null();
        return Ok(());
    };
    even_count(values.len(), "jsonb_build_object")?;
    let mut pairs = Vec::new();
    for (i, [(key_type, key_value), (typ, value)]) in values.as_chunks::<2>().0.iter().enumerate() {
        pairs.push((key(*key_type, *key_value, 2 * i + 1, true, &cx.io)?, to_tree(*typ, *value, &cx.io)?));
    }
    push_tree(out, Tree::Object(pairs))
}

/// Keys and values of `json_object(text[])` or `json_object(keys, values)`.
fn text_pairs(args: Args<'_, '_>) -> Result<Vec<(String, Option<String>)>> {
    let texts = |d: Datum<'_>| -> Vec<Option<String>> {
        array::Array::new(d.bytes()).iter().map(|d| if d.is_null() { None } else { Some(d.str().to_owned()) }).collect()
    };
    let dims = |d: Datum<'_>| array::Array::new(d.bytes()).dims;
    let wrong = || err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    let key =
        |k: Option<String>| k.ok_or_else(|| err!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for object key"));
    let mut out = Vec::new();
    if let Some(values) = args.get(1) {
        if dims(args[0]).len() > 1 || dims(args[0]).len() != dims(*values).len() {
            return Err(wrong());
        }
        let (keys, values) = (texts(args[0]), texts(*values));
        if keys.len() != values.len() {
            bail!(ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions");
        }
        for (k, v) in keys.into_iter().zip(values) {
            out.push((key(k)?, v));
        }
        return Ok(out);
    }
    let shape = dims(args[0]);
    match shape.as_slice() {
        [] => return Ok(out),
        [d] if !d.len.is_multiple_of(2) => {
            bail!(ARRAY_SUBSCRIPT_ERROR, "array must have even number of elements")
        }
        [_] => {}
        [_, d] if d.len != 2 => bail!(ARRAY_SUBSCRIPT_ERROR, "array must have two columns"),
        [_, _] => {}
        _ => return Err(wrong()),
    }
    let mut all = texts(args[0]).into_iter();
    while let (Some(k), Some(v)) = (all.next(), all.next()) {
        out.push((key(k)?, v));
    }
    Ok(out)
}

fn json_object(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let pairs = text_pairs(args)?;
    out.push_bytes_with(|v| {
        v.push(b'{');
        for (i, (k, value)) in pairs.iter().enumerate() {
            if i > 0 {
                v.extend_from_slice(b", ");
            }
            json::write_string(k, v);
            v.extend_from_slice(b" : ");
            match value {
                Some(t) => json::write_string(t, v),
                None => v.extend_from_slice(b"null"),
            }
        }
        v.push(b'}');
        Ok(())
    })
}

fn jsonb_object(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let pairs = text_pairs(args)?;
    push_tree(out, Tree::Object(pairs.into_iter().map(|(k, v)| (k, v.map_or(Tree::Null, Tree::String))).collect()))
}

fn strip_text(node: Node<'_>, out: &mut Vec<u8>) -> Result<()> {
    if node.is_object() {
        out.push(b'{');
        let mut first = true;
        for (k, v) in node.pairs()?.into_iter().filter(|(_, v)| !v.is_null()) {
            if !std::mem::take(&mut first) {
                out.push(b',');
            }
            json::write_string(&k, out);
            out.push(b':');
            strip_text(v, out)?;
        }
        out.push(b'}');
    } else if node.is_array() {
        out.push(b'[');
        for (i, v) in node.items().into_iter().enumerate() {
            if i > 0 {
                out.push(b',');
            }
            strip_text(v, out)?;
        }
        out.push(b']');
    } else if node.first() == b'"' {
        json::write_string(&node.string()?, out);
    } else {
        out.extend_from_slice(node.0.as_bytes());
    }
    Ok(())
}

fn json_strip_nulls(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push_bytes_with(|v| strip_text(Node::new(args[0].str()), v))
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("to_json", Scalar(to_json)),
    ("to_jsonb", Scalar(to_jsonb)),
    ("row_to_json", Scalar(row_to_json)),
    ("row_to_json_pretty", Scalar(row_to_json)),
    ("array_to_json", Scalar(array_to_json)),
    ("array_to_json_pretty", Scalar(array_to_json)),
    ("json_build_array", Scalar(build_array)),
    ("json_build_array_noargs", Scalar(build_array)),
    ("json_build_object", Scalar(build_object)),
    ("json_build_object_noargs", Scalar(build_object)),
    ("jsonb_build_array", Scalar(jsonb_build_array)),
    ("jsonb_build_array_noargs", Scalar(jsonb_build_array)),
    ("jsonb_build_object", Scalar(jsonb_build_object)),
    ("jsonb_build_object_noargs", Scalar(jsonb_build_object)),
    ("json_object", Scalar(json_object)),
    ("json_object_two_arg", Scalar(json_object)),
    ("jsonb_object", Scalar(jsonb_object)),
    ("jsonb_object_two_arg", Scalar(jsonb_object)),
    ("json_strip_nulls", Scalar(json_strip_nulls)),
];
