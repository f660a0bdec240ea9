//! Trigger functions that are built in: `tsvector_update_trigger`, `tsvector_update_trigger_column` and
//! `suppress_redundant_updates_trigger`.

use super::ExecContext;
use crate::base::{Error, Oid, Result};
use crate::catalog::{Attribute, Relation};
use crate::err;
use crate::sql::plpgsql::{Level, TriggerData, When};
use crate::sql::text_search::Kind;
use crate::text_search::Words;
use crate::types::{TypeRef, Value, base_type, oid, record};

const BY_NAME: Oid = Oid(3752);
const BY_COLUMN: Oid = Oid(3753);
const SUPPRESS: Oid = Oid(1291);

/// Whether a function is one of these.
pub fn is_one(function: Oid) -> bool {
    matches!(function, BY_NAME | BY_COLUMN | SUPPRESS)
}

/// What it returns: the row, or NULL.
pub fn fire(cx: &mut ExecContext, function: Oid, event: TriggerData) -> Result<Value> {
    match function {
        SUPPRESS => suppress(event),
        _ => update_vector(cx, event, function == BY_COLUMN),
    }
}

fn misused(name: &str, what: &str) -> Error {
    Error::internal(format!("{name}: {what}"))
}

/// PostgreSQL 15, trigfuncs.c: the row is left alone if nothing in it changes.
fn suppress(event: TriggerData) -> Result<Value> {
    let name = "suppress_redundant_updates_trigger";
    let protocol = |what: &str| err!(TRIGGER_PROTOCOL_VIOLATED, "{name}: {what}");
    if event.operation != "UPDATE" {
        return Err(protocol("must be called on update"));
    }
    if event.when != When::Before {
        return Err(protocol("must be called before update"));
    }
    if event.level != Level::Row {
        return Err(protocol("must be called for each row"));
    }
    if event.new == event.old {
        return Ok(Value::Null);
    }
    Ok(row(&event.relation, event.new.as_deref().unwrap_or_default()))
}

/// A row as trigger functions return it.
fn row(rel: &Relation, values: &[Value]) -> Value {
    let mut bytes = Vec::new();
    let there = rel.attributes.iter().zip(values).filter(|(a, _)| !a.dropped);
    record::build(TypeRef::of(oid::RECORD), there.map(|(a, v)| (a.name.as_str(), a.ty.oid, v.datum())), &mut bytes);
    Value::Bytes(bytes.into())
}

fn column<'r>(rel: &'r Relation, name: &str, what: &str) -> Result<&'r Attribute> {
    rel.attribute(name).ok_or_else(|| err!(UNDEFINED_COLUMN, "{what}column \"{name}\" does not exist"))
}

/// PostgreSQL 15, tsvector_op.c, tsvector_update_trigger: same refusals.
fn update_vector(cx: &mut ExecContext, event: TriggerData, by_column: bool) -> Result<Value> {
    let name = "tsvector_update_trigger";
    if event.level != Level::Row {
        return Err(misused(name, "must be fired for row"));
    }
    if event.when != When::Before {
        return Err(misused(name, "must be fired BEFORE event"));
    }
    if !matches!(event.operation, "INSERT" | "UPDATE") {
        return Err(misused(name, "must be fired for INSERT or UPDATE"));
    }
    let [target, config, texts @ ..] = &event.args[..] else {
        return Err(misused(name, "arguments must be tsvector_field, ts_config, text_field1, ...)"));
    };
    if texts.is_empty() {
        return Err(misused(name, "arguments must be tsvector_field, ts_config, text_field1, ...)"));
    }
    let rel = event.relation.clone();
    let mut new = event.new.clone().unwrap_or_default();
    let value = |new: &[Value], a: &Attribute| new.get(a.attno as usize - 1).cloned().unwrap_or(Value::Null);
    let target = column(&rel, target, "tsvector ")?;
    if base_type(target.ty.oid) != oid::TSVECTOR {
        return Err(err!(DATATYPE_MISMATCH, "column \"{}\" is not of tsvector type", target.name));
    }
    let config = match by_column {
        true => {
            let a = column(&rel, config, "configuration ")?;
            if base_type(a.ty.oid) != oid::REGCONFIG {
                return Err(err!(DATATYPE_MISMATCH, "column \"{config}\" is not of regconfig type"));
            }
            match value(&new, a) {
                Value::U32(oid) => Oid(oid),
                _ => {
                    let text = format!("configuration column \"{config}\" must not be null");
                    return Err(err!(NULL_VALUE_NOT_ALLOWED, "{text}"));
                }
            }
        }
        false => {
            let (schema, plain) = crate::sql::names::schema_and_name(config)?;
            let Some(schema) = schema else {
                let text = format!("text search configuration name \"{config}\" must be schema-qualified");
                return Err(err!(INVALID_PARAMETER_VALUE, "{text}"));
            };
            Kind::Config.named(&cx.backend()?.catalog.clone(), &[schema, plain])?
        }
    };
    let config = cx.backend()?.ts_config(config)?;
    let mut words = Words::default();
    let mut needed = event.operation == "INSERT";
    for name in texts {
        let a = column(&rel, name, "")?;
        if !matches!(base_type(a.ty.oid), oid::TEXT | oid::VARCHAR | oid::BPCHAR) {
            return Err(err!(DATATYPE_MISMATCH, "column \"{name}\" is not of a character type"));
        }
        let now = value(&new, a);
        needed |= event.old.as_ref().is_none_or(|old| value(old, a) != now);
        if let Value::Bytes(_) = now {
            words.add(&config, now.datum().str());
        }
    }
    // An UPDATE of other columns may have set the vector itself.
    if needed && let Some(slot) = new.get_mut(target.attno as usize - 1) {
        *slot = Value::Bytes(words.vector()?.into());
    }
    Ok(row(&rel, &new))
}
