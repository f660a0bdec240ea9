//! Getting parts, and asking about them: `->`, `->>`, `#>`, `#>>`, `@>`, `?`, lengths and types.

use super::Args;
use super::text::Node;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::jsonb::Jsonb;
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum, array};
use crate::{bail, err};

fn push_opt(out: &mut Column, text: Option<String>) -> Result<()> {
    match text {
        Some(t) => push_text(out, t),
        None => {
            out.push_null();
            Ok(())
        }
    }
}

fn push_node(out: &mut Column, node: Option<Node<'_>>, as_text: bool) -> Result<()> {
    match node {
        Some(n) if as_text => push_opt(out, n.text()?),
        n => push_opt(out, n.map(|n| n.0.to_owned())),
    }
}

/// As `->>` shows it.
pub fn jsonb_text(j: Jsonb<'_>) -> Option<String> {
    match j {
        Jsonb::Null => None,
        Jsonb::String(s) => Some(s.to_owned()),
        other => {
            let mut v = Vec::new();
            other.write(&mut v);
            Some(String::from_utf8_lossy(&v).into_owned())
        }
    }
}

fn push_jsonb(out: &mut Column, stored: Option<&[u8]>, as_text: bool) -> Result<()> {
    match stored {
        Some(b) if as_text => push_opt(out, jsonb_text(Jsonb::new(b))),
        Some(b) => {
            out.push(Datum::Bytes(b));
            Ok(())
        }
        None => {
            out.push_null();
            Ok(())
        }
    }
}

fn json_field<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let node = Node::new(args[0].str());
    push_node(out, if node.is_object() { node.field(args[1].str())? } else { None }, TEXT)
}

fn json_item<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let node = Node::new(args[0].str());
    push_node(out, if node.is_array() { node.item(args[1].i32()) } else { None }, TEXT)
}

fn jsonb_field<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let found = match Jsonb::new(args[0].bytes()) {
        Jsonb::Object(o) => o.position(args[1].str()).map(|at| o.bytes(at)),
        _ => None,
    };
    push_jsonb(out, found, TEXT)
}

fn item_at(len: usize, index: i64) -> Option<usize> {
    let at = if index < 0 { len as i64 + index } else { index };
    usize::try_from(at).ok().filter(|at| *at < len)
}

fn jsonb_item<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let found = match Jsonb::new(args[0].bytes()) {
        Jsonb::Array(a) => item_at(a.len(), args[1].i32().into()).map(|at| a.bytes(at)),
        // PostgreSQL keeps a scalar at the top as an array of one.
        j if j.is_scalar() && matches!(args[1].i32(), 0 | -1) => Some(args[0].bytes()),
        _ => None,
    };
    push_jsonb(out, found, TEXT)
}

/// The steps of a path, None if one of them is NULL.
pub(super) fn path<'a>(d: Datum<'a>) -> Option<Vec<&'a str>> {
    array::Array::new(d.bytes()).iter().map(|d| if d.is_null() { None } else { Some(d.str()) }).collect()
}

fn json_path<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut node = Some(Node::new(args[0].str()));
    match path(args[1]) {
        None => node = None,
        Some(steps) => {
            for step in steps {
                node = match node {
                    Some(n) => n.step(step)?,
                    None => None,
                };
            }
        }
    }
    push_node(out, node, TEXT)
}

/// Follows a path through a stored document.
pub(super) fn follow<'a>(stored: &'a [u8], steps: &[&str]) -> Option<&'a [u8]> {
    let mut at = stored;
    for step in steps {
        at = match Jsonb::new(at) {
            Jsonb::Object(o) => o.bytes(o.position(step)?),
            Jsonb::Array(a) => a.bytes(item_at(a.len(), step.trim().parse::<i32>().ok()?.into())?),
            _ => return None,
        };
    }
    Some(at)
}

fn jsonb_path<const TEXT: bool>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_jsonb(out, path(args[1]).and_then(|steps| follow(args[0].bytes(), &steps)), TEXT)
}

fn json_typeof(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, Node::new(args[0].str()).type_name())
}

fn jsonb_typeof(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, Jsonb::new(args[0].bytes()).type_name())
}

fn json_array_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let node = Node::new(args[0].str());
    if !node.is_array() {
        let what = if node.is_object() { "a non-array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot get array length of {what}");
    }
    out.push(Datum::I32(node.items().len() as i32));
    Ok(())
}

fn jsonb_array_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    match Jsonb::new(args[0].bytes()) {
        Jsonb::Array(a) => out.push(Datum::I32(a.len() as i32)),
        Jsonb::Object(_) => bail!(INVALID_PARAMETER_VALUE, "cannot get array length of a non-array"),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot get array length of a scalar"),
    }
    Ok(())
}

fn contains(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(Jsonb::new(args[0].bytes()).contains(Jsonb::new(args[1].bytes()))));
    Ok(())
}

fn contained(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(Jsonb::new(args[1].bytes()).contains(Jsonb::new(args[0].bytes()))));
    Ok(())
}

/// Whether a text is a key of the object, an item of the array, or the string itself.
fn has(j: Jsonb<'_>, key: &str) -> bool {
    match j {
        Jsonb::Object(o) => o.position(key).is_some(),
        Jsonb::Array(a) => a.iter().any(|i| matches!(i, Jsonb::String(s) if s == key)),
        Jsonb::String(s) => s == key,
        _ => false,
    }
}

fn exists(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(has(Jsonb::new(args[0].bytes()), args[1].str())));
    Ok(())
}

fn exists_any(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let j = Jsonb::new(args[0].bytes());
    let keys = array::Array::new(args[1].bytes());
    out.push(Datum::Bool(keys.iter().any(|k| !k.is_null() && has(j, k.str()))));
    Ok(())
}

fn exists_all(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let j = Jsonb::new(args[0].bytes());
    let keys = array::Array::new(args[1].bytes());
    out.push(Datum::Bool(keys.iter().all(|k| k.is_null() || has(j, k.str()))));
    Ok(())
}

#[cold]
fn cannot_cast(j: Jsonb<'_>, to: &str) -> crate::base::Error {
    let what = match j {
        Jsonb::Null => "null",
        Jsonb::String(_) => "string",
        Jsonb::Number(_) => "numeric",
        Jsonb::Bool(_) => "boolean",
        Jsonb::Array(_) => "array",
        Jsonb::Object(_) => "object",
    };
    err!(INVALID_PARAMETER_VALUE, "cannot cast jsonb {what} to type {to}")
}

fn to_bool(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    match Jsonb::new(args[0].bytes()) {
        Jsonb::Bool(b) => out.push(Datum::Bool(b)),
        j => return Err(cannot_cast(j, "boolean")),
    }
    Ok(())
}

fn number(args: Args<'_, '_>, to: &str) -> Result<Numeric> {
    match Jsonb::new(args[0].bytes()) {
        Jsonb::Number(n) => Ok(Numeric::from_bytes(n)),
        j => Err(cannot_cast(j, to)),
    }
}

fn to_numeric(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    crate::sql::func::push_numeric(out, &number(args, "numeric")?)
}

fn to_int2(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I16(number(args, "smallint")?.to_int("smallint")?));
    Ok(())
}

fn to_int4(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(number(args, "integer")?.to_int("integer")?));
    Ok(())
}

fn to_int8(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(number(args, "bigint")?.to_int("bigint")?));
    Ok(())
}

fn to_float4(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::F32(number(args, "real")?.to_f32()));
    Ok(())
}

fn to_float8(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::F64(number(args, "double precision")?.to_f64()));
    Ok(())
}

fn pretty(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push_bytes_with(|v| {
        write_pretty(Jsonb::new(args[0].bytes()), 0, v);
        Ok(())
    })
}

fn indent(depth: usize, out: &mut Vec<u8>) {
    out.push(b'\n');
    out.resize(out.len() + 4 * depth, b' ');
}

fn write_pretty(j: Jsonb<'_>, depth: usize, out: &mut Vec<u8>) {
    match j {
        Jsonb::Array(a) => {
            out.push(b'[');
            for (i, v) in a.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                indent(depth + 1, out);
                write_pretty(v, depth + 1, out);
            }
            indent(depth, out);
            out.push(b']');
        }
        Jsonb::Object(o) => {
            out.push(b'{');
            for (i, (k, v)) in o.iter().enumerate() {
                if i > 0 {
                    out.push(b',');
                }
                indent(depth + 1, out);
                crate::types::json::write_string(k, out);
                out.extend_from_slice(b": ");
                write_pretty(v, depth + 1, out);
            }
            indent(depth, out);
            out.push(b'}');
        }
        scalar => scalar.write(out),
    }
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("json_object_field", Scalar(json_field::<false>)),
    ("json_object_field_text", Scalar(json_field::<true>)),
    ("json_array_element", Scalar(json_item::<false>)),
    ("json_array_element_text", Scalar(json_item::<true>)),
    ("jsonb_object_field", Scalar(jsonb_field::<false>)),
    ("jsonb_object_field_text", Scalar(jsonb_field::<true>)),
    ("jsonb_array_element", Scalar(jsonb_item::<false>)),
    ("jsonb_array_element_text", Scalar(jsonb_item::<true>)),
    ("json_extract_path", Scalar(json_path::<false>)),
    ("json_extract_path_text", Scalar(json_path::<true>)),
    ("jsonb_extract_path", Scalar(jsonb_path::<false>)),
    ("jsonb_extract_path_text", Scalar(jsonb_path::<true>)),
    ("json_typeof", Scalar(json_typeof)),
    ("jsonb_typeof", Scalar(jsonb_typeof)),
    ("json_array_length", Scalar(json_array_length)),
    ("jsonb_array_length", Scalar(jsonb_array_length)),
    ("jsonb_contains", Scalar(contains)),
    ("jsonb_contained", Scalar(contained)),
    ("jsonb_exists", Scalar(exists)),
    ("jsonb_exists_any", Scalar(exists_any)),
    ("jsonb_exists_all", Scalar(exists_all)),
    ("jsonb_bool", Scalar(to_bool)),
    ("jsonb_numeric", Scalar(to_numeric)),
    ("jsonb_int2", Scalar(to_int2)),
    ("jsonb_int4", Scalar(to_int4)),
    ("jsonb_int8", Scalar(to_int8)),
    ("jsonb_float4", Scalar(to_float4)),
    ("jsonb_float8", Scalar(to_float8)),
    ("jsonb_pretty", Scalar(pretty)),
];
