//! Sets out of JSON documents: elements, pairs, keys, and rows of a given shape.

use super::{Call, Rows, SetStream};
use crate::bail;
use crate::base::Result;
use crate::sql::exec::ExecContext;
use crate::sql::func::json::Node;
use crate::sql::func::json::populate::{self, Doc};
use crate::types::jsonb::Jsonb;
use crate::types::record::{self, Record};
use crate::types::{Column, Datum, IoContext, TypeRef, Value, base_type, oid};

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
            for found in crate::sql::func::json::path::query(&mut cx.fx, &args, name.ends_with("_tz"))? {
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
    let name = call.func.name;
    let set = name.ends_with("recordset");
    let before = match base.map(Value::datum) {
        Some(Datum::Bytes(b)) => Some(b),
        _ => None,
    };
    let of_record = base.is_some() && call.arg_types.first().is_some_and(|t| t.oid == oid::RECORD);
    let asked: Vec<(String, TypeRef)> = call.names.iter().cloned().zip(call.columns.iter().copied()).collect();
    // A row without a type of its own tells its columns itself, and the query asks for the same.
    let fields = match before.filter(|_| of_record) {
        Some(b) => populate::fields_of(&Record::new(b)),
        None if of_record && asked.is_empty() => return Err(populate::unknown_row(name)),
        None => asked,
    };
    let domain = match call.arg_types.first().filter(|_| base.is_some()) {
        Some(t) if base_type(t.oid) != t.oid => Some(*t),
        _ => None,
    };
    let mut push = |values: &[Value]| -> Result<()> {
        if let Some(ty) = domain {
            let mut row = Vec::new();
            record::build(ty, fields.iter().zip(values).map(|(f, v)| (f.0.as_str(), f.1.oid, v.datum())), &mut row);
            io.hooks.check_domain(ty.oid, Datum::Bytes(&row), io)?;
        }
        let found: Vec<TypeRef> = fields.iter().map(|f| f.1).collect();
        crate::sql::routine::check_columns(&found, call.columns)?;
        out.iter_mut().zip(values).for_each(|(column, v)| column.push(v.datum()));
        Ok(())
    };
    let typ = call.arg_types.get(at).map_or(oid::JSON, |t| t.oid);
    let doc = match call.arg(at) {
        Datum::Null if set => return Ok(()),
        Datum::Null => {
            let had = before.map(Record::new);
            let values = (0..fields.len()).map(|n| had.as_ref().map_or(Value::Null, |b| b.field(n).to_value()));
            return push(&values.collect::<Vec<_>>());
        }
        given => Doc::of(given, typ),
    };
    if !set {
        return push(&populate::row(doc, &fields, before, io)?);
    }
    if !doc.is_array() {
        let what = match (typ == oid::JSONB, doc.is_object()) {
            (true, _) => "a non-array",
            (false, true) => "an object",
            (false, false) => "a scalar",
        };
        bail!(INVALID_PARAMETER_VALUE, "cannot call {name} on {what}");
    }
    for item in doc.items() {
        if !item.is_object() {
            bail!(INVALID_PARAMETER_VALUE, "argument of {name} must be an array of objects");
        }
        push(&populate::row(item, &fields, before, io)?)?;
    }
    Ok(())
}
