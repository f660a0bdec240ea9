//! Sets out of JSON documents: elements, pairs, keys, and rows of a given shape.

use super::{Call, Rows, SetStream};
use crate::bail;
use crate::base::Result;
use crate::sql::exec::ExecContext;
use crate::sql::func::json::Node;
use crate::types::array::{Builder, Dim, Dims};
use crate::types::jsonb::{self, Jsonb};
use crate::types::record::{self, Record};
use crate::types::{Column, Datum, IoContext, TypeRef, Value, oid};

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    let mut out = Rows::empty(call.columns);
    let name = call.func.name;
    match name {
        "json_array_elements" | "json_array_elements_text" => json_elements(call, &mut out)?,
        "jsonb_array_elements" | "jsonb_array_elements_text" => jsonb_elements(call, &mut out)?,
        "json_each" | "json_each_text" => json_each(call, &mut out)?,
        "jsonb_each" | "jsonb_each_text" => jsonb_each(call, &mut out)?,
        "json_object_keys" => json_keys(call, &mut out)?,
        "jsonb_object_keys" => jsonb_keys(call, &mut out)?,
        "pg_snapshot_xip" | "txid_snapshot_xip" => {
            let value = crate::types::snapshot::SnapshotValue::parse(call.text(0))?;
            value.running.iter().for_each(|x| out[0].push(Datum::I64(*x as i64)));
        }
        "jsonb_path_query" | "jsonb_path_query_tz" => {
            let args: Vec<Datum<'_>> = call.args.iter().map(Value::datum).collect();
            for found in crate::sql::func::json::path::query(&mut cx.fx, &args)? {
                out[0].push(Datum::Bytes(&found));
            }
        }
        "json_to_record" | "jsonb_to_record" | "json_to_recordset" | "jsonb_to_recordset" => {
            rows_of(call, 0, None, &cx.fx.io, &mut out)?;
        }
        "json_populate_record" | "jsonb_populate_record" | "json_populate_recordset" | "jsonb_populate_recordset" => {
            let base = call.args[0].clone();
            rows_of(call, 1, Some(&base), &cx.fx.io, &mut out)?;
        }
        _ => return Ok(None),
    }
    Ok(Some(Rows::stream(out)))
}

/// Functions of this file that return one row, not a set.
pub(super) fn is_row_function(name: &str) -> bool {
    matches!(name, "json_to_record" | "jsonb_to_record" | "json_populate_record" | "jsonb_populate_record")
}

fn push_text(out: &mut Column, text: Option<&str>) {
    out.push(text.map_or(Datum::Null, |t| Datum::Bytes(t.as_bytes())));
}

fn json_elements(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let (node, name) = (Node::new(call.text(0)), call.func.name);
    if node.is_object() {
        bail!(INVALID_PARAMETER_VALUE, "cannot call {name} on a non-array");
    }
    if !node.is_array() {
        bail!(INVALID_PARAMETER_VALUE, "cannot call {name} on a scalar");
    }
    for item in node.items() {
        match name.ends_with("_text") {
            true => push_text(&mut out[0], item.text()?.as_deref()),
            false => push_text(&mut out[0], Some(item.0)),
        }
    }
    Ok(())
}

fn jsonb_elements(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let items = match Jsonb::new(call.arg(0).bytes()) {
        Jsonb::Array(items) => items,
        Jsonb::Object(_) => bail!(INVALID_PARAMETER_VALUE, "cannot extract elements from an object"),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot extract elements from a scalar"),
    };
    let text = call.func.name.ends_with("_text");
    for n in 0..items.len() {
        push_jsonb(&mut out[0], items.bytes(n), text);
    }
    Ok(())
}

fn push_jsonb(out: &mut Column, stored: &[u8], text: bool) {
    match text {
        true => push_text(out, jsonb_text(Jsonb::new(stored)).as_deref()),
        false => out.push(Datum::Bytes(stored)),
    }
}

/// As `->>` shows it.
fn jsonb_text(j: Jsonb<'_>) -> Option<String> {
    match j {
        Jsonb::Null => None,
        Jsonb::String(s) => Some(s.to_owned()),
        other => {
            let mut v = Vec::new();
            other.write(&mut v);
            String::from_utf8(v).ok()
        }
    }
}

fn json_each(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let node = Node::new(call.text(0));
    if node.is_array() {
        bail!(INVALID_PARAMETER_VALUE, "cannot deconstruct an array as an object");
    }
    if !node.is_object() {
        bail!(INVALID_PARAMETER_VALUE, "cannot deconstruct a scalar");
    }
    for (key, value) in node.pairs()? {
        push_text(&mut out[0], Some(&key));
        match call.func.name.ends_with("_text") {
            true => push_text(&mut out[1], value.text()?.as_deref()),
            false => push_text(&mut out[1], Some(value.0)),
        }
    }
    Ok(())
}

fn jsonb_each(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let Jsonb::Object(pairs) = Jsonb::new(call.arg(0).bytes()) else {
        bail!(INVALID_PARAMETER_VALUE, "cannot call {} on a non-object", call.func.name)
    };
    let text = call.func.name.ends_with("_text");
    for n in 0..pairs.len() {
        push_text(&mut out[0], Some(pairs.key(n)));
        push_jsonb(&mut out[1], pairs.bytes(n), text);
    }
    Ok(())
}

fn json_keys(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let node = Node::new(call.text(0));
    if !node.is_object() {
        let what = if node.is_array() { "an array" } else { "a scalar" };
        bail!(INVALID_PARAMETER_VALUE, "cannot call {} on {what}", call.func.name);
    }
    node.pairs()?.iter().for_each(|(key, _)| push_text(&mut out[0], Some(key)));
    Ok(())
}

fn jsonb_keys(call: &Call<'_>, out: &mut [Column]) -> Result<()> {
    let pairs = match Jsonb::new(call.arg(0).bytes()) {
        Jsonb::Object(pairs) => pairs,
        Jsonb::Array(_) => bail!(INVALID_PARAMETER_VALUE, "cannot call {} on an array", call.func.name),
        _ => bail!(INVALID_PARAMETER_VALUE, "cannot call {} on a scalar", call.func.name),
    };
    (0..pairs.len()).for_each(|n| push_text(&mut out[0], Some(pairs.key(n))));
    Ok(())
}

/// Rows with the columns asked for out of an object, or an array of objects. Columns the object has not are those of
/// `base`, or NULL.
fn rows_of(call: &Call<'_>, at: usize, base: Option<&Value>, io: &IoContext, out: &mut [Column]) -> Result<()> {
    let set = call.func.name.ends_with("recordset");
    let document = match (call.arg(at), call.arg_types.get(at).map(|t| t.oid)) {
        (Datum::Null, _) if set => return Ok(()),
        (Datum::Null, _) => jsonb::parse("{}")?,
        (d, Some(oid::JSONB)) => d.bytes().to_vec(),
        (d, _) => jsonb::parse(d.str())?,
    };
    let objects: Vec<Jsonb<'_>> = match (Jsonb::new(&document), set) {
        (Jsonb::Array(items), true) => items.iter().collect(),
        (Jsonb::Object(_), true) => bail!(INVALID_PARAMETER_VALUE, "cannot call {} on an object", call.func.name),
        (_, true) => bail!(INVALID_PARAMETER_VALUE, "cannot call {} on a scalar", call.func.name),
        (object, false) => vec![object],
    };
    let base = match base.map(Value::datum) {
        Some(Datum::Bytes(b)) => Some(Record::new(b)),
        _ => None,
    };
    for object in objects {
        let Jsonb::Object(pairs) = object else {
            if set {
                bail!(INVALID_PARAMETER_VALUE, "argument of {} must be an array of objects", call.func.name);
            }
            let what = if matches!(object, Jsonb::Array(_)) { "an array" } else { "a scalar" };
            bail!(INVALID_PARAMETER_VALUE, "cannot call {} on {what}", call.func.name);
        };
        for (n, column) in out.iter_mut().enumerate() {
            let name = call.names.get(n).map_or("", String::as_str);
            match pairs.position(name) {
                Some(p) => column.push(convert(pairs.bytes(p), call.columns[n], io)?.datum()),
                None => column.push(base.as_ref().map_or(Datum::Null, |b| b.field(n))),
            }
        }
    }
    Ok(())
}

/// A JSON value as a value of an SQL type.
///
/// PostgreSQL 15, jsonfuncs.c, populate_record_field: same rules.
pub(crate) fn convert(stored: &[u8], ty: TypeRef, io: &IoContext) -> Result<Value> {
    let json = Jsonb::new(stored);
    if matches!(json, Jsonb::Null) {
        return crate::types::io::null_in(ty.oid, io).map(|()| Value::Null);
    }
    let info = crate::types::info(ty.oid);
    match ty.oid {
        oid::JSONB => return Ok(Value::Bytes(stored.into())),
        oid::JSON => {
            let mut text = Vec::new();
            json.write(&mut text);
            return Ok(Value::Bytes(text.into()));
        }
        _ => {}
    }
    if let (Some(info), Jsonb::Array(_)) = (info.filter(|i| i.is_array()), json) {
        let mut b = Builder::new(info.element);
        let mut dims = Dims::new();
        collect(stored, TypeRef { oid: info.element, typmod: ty.typmod }, 0, &mut dims, &mut b, io)?;
        return Ok(Value::Bytes(b.finish_with(dims).into()));
    }
    if info.is_some_and(|i| i.kind == b'c')
        && let Jsonb::Object(pairs) = json
    {
        let fields = io.hooks.composite(ty.oid).unwrap_or_default();
        let mut values = Vec::with_capacity(fields.len());
        for f in &fields {
            values.push(match pairs.position(&f.name) {
                Some(p) => convert(pairs.bytes(p), f.typ, io)?,
                None => crate::types::io::null_in(f.typ.oid, io).map(|()| Value::Null)?,
            });
        }
        let mut out = Vec::new();
        let parts = fields.iter().zip(&values).map(|(f, v)| (f.name.as_str(), f.typ.oid, v.datum()));
        record::build(ty, parts, &mut out);
        return Ok(Value::Bytes(out.into()));
    }
    let text = jsonb_text(json).unwrap_or_default();
    crate::types::text_in(ty, &text, io)
}

/// The elements of nested arrays in row-major order, and their dimensions.
fn collect(
    stored: &[u8],
    element: TypeRef,
    depth: usize,
    dims: &mut Dims,
    out: &mut Builder,
    io: &IoContext,
) -> Result<()> {
    let Jsonb::Array(items) = Jsonb::new(stored) else {
        out.push(convert(stored, element, io)?.datum());
        return Ok(());
    };
    if items.is_empty() && depth == 0 {
        return Ok(());
    }
    match dims.get(depth) {
        None => dims.push(Dim { len: items.len(), lower: 1 }),
        Some(d) if d.len == items.len() => {}
        Some(_) => bail!(INVALID_TEXT_REPRESENTATION, "malformed JSON array"),
    }
    for n in 0..items.len() {
        let nested = matches!(items.get(n), Jsonb::Array(_));
        if !nested && dims.len() > depth + 1 {
            bail!(INVALID_TEXT_REPRESENTATION, "malformed JSON array");
        }
        match nested {
            true => collect(items.bytes(n), element, depth + 1, dims, out, io)?,
            false => out.push(convert(items.bytes(n), element, io)?.datum()),
        }
    }
    Ok(())
}
