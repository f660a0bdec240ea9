//! json_agg, json_object_agg and their jsonb forms: the text grows with each row, jsonb reads it at the end.

use super::{AggregateCall, Aggregator, Groups};
use crate::bail;
use crate::base::{Error, Oid, Result};
use crate::sql::func::{CallTypes, FnContext, FuncDef};
use crate::types::{Column, Datum, Phys, TypeRef, jsonb, oid};
use std::sync::Arc;

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let (binary, object) = match call.func.name {
        "json_agg" => (false, false),
        "jsonb_agg" => (true, false),
        "json_object_agg" => (false, true),
        "jsonb_object_agg" => (true, true),
        _ => return None,
    };
    let types = call.args.to_vec();
    Some(Box::new(JsonAgg { binary, object, types, texts: Vec::new(), bytes: 0 }))
}

struct JsonAgg {
    binary: bool,
    object: bool,
    types: Vec<TypeRef>,
    texts: Vec<Option<String>>,
    bytes: usize,
}

/// to_json(anyelement), PostgreSQL's number.
const TO_JSON: Oid = Oid(3176);

fn to_json() -> Result<&'static FuncDef> {
    crate::sql::func::func(TO_JSON).ok_or_else(|| Error::internal("to_json is missing"))
}

/// A value's JSON text.
fn json_text(fx: &mut FnContext, ty: TypeRef, value: Datum<'_>) -> Result<String> {
    if value.is_null() {
        return Ok("null".into());
    }
    let mut out = Column::new(Phys::Bytes);
    fx.call = Some(Arc::new(CallTypes { args: vec![ty], ret: TypeRef::of(oid::JSON), variadic: false }));
    crate::sql::func::call_scalar(fx, to_json()?, &[value], &mut out)?;
    Ok(out.get(0).str().to_owned())
}

/// A key's text as a JSON string.
fn key_text(fx: &FnContext, ty: TypeRef, value: Datum<'_>) -> Result<String> {
    let mut quoted = Vec::new();
    crate::types::json::write_string(&crate::sql::func::json::key_text(ty, value, &fx.io)?, &mut quoted);
    Ok(String::from_utf8(quoted).unwrap_or_default())
}

fn is_structured(ty: TypeRef) -> bool {
    crate::types::info(ty.oid).is_some_and(|i| i.is_array() || i.kind == b'c') || ty.oid == oid::RECORD
}

impl Aggregator for JsonAgg {
    fn resize(&mut self, groups: usize) {
        self.texts.resize(groups, None);
    }

    fn add(&mut self, fx: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let mut piece = String::new();
            let group = groups.of(row);
            let first = self.texts[group].is_none();
            if self.object {
                let key = args[0].get(row);
                if key.is_null() {
                    bail!(INVALID_PARAMETER_VALUE, "field name must not be null");
                }
                piece.push_str(if first { "{ " } else { ", " });
                piece.push_str(&key_text(fx, self.types[0], key)?);
                piece.push_str(" : ");
                piece.push_str(&json_text(fx, self.types[1], args[1].get(row))?);
            } else {
                let value = args[0].get(row);
                piece.push_str(if first { "[" } else { ", " });
                if !first && !value.is_null() && is_structured(self.types[0]) {
                    piece.push_str("\n ");
                }
                piece.push_str(&json_text(fx, self.types[0], value)?);
            }
            self.bytes += piece.len();
            self.texts[group].get_or_insert_default().push_str(&piece);
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let Some(text) = &self.texts[group] else {
            out.push_null();
            return Ok(());
        };
        let whole = format!("{text}{}", if self.object { " }" } else { "]" });
        match self.binary {
            true => out.push(Datum::Bytes(&jsonb::parse(&whole)?)),
            false => out.push(Datum::Bytes(whole.as_bytes())),
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}
