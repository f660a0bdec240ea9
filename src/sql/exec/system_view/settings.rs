//! `pg_settings`.

use super::{Sink, View};
use crate::base::Flow;
use crate::settings::{Kind, PARAMETERS, Parameter, flag};
use crate::sql::exec::ExecContext;
use crate::types::{Value, oid};

pub(super) const VIEWS: &[View] = &[View {
    name: "pg_settings",
    columns: &[
        ("name", oid::TEXT),
        ("setting", oid::TEXT),
        ("unit", oid::TEXT),
        ("category", oid::TEXT),
        ("short_desc", oid::TEXT),
        ("extra_desc", oid::TEXT),
        ("context", oid::TEXT),
        ("vartype", oid::TEXT),
        ("source", oid::TEXT),
        ("min_val", oid::TEXT),
        ("max_val", oid::TEXT),
        ("enumvals", oid::TEXT_ARRAY),
        ("boot_val", oid::TEXT),
        ("reset_val", oid::TEXT),
        ("sourcefile", oid::TEXT),
        ("sourceline", oid::INT4),
        ("pending_restart", oid::BOOL),
    ],
    rows,
}];

fn rows(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let text = |s: &str| if s.is_empty() { Value::Null } else { Value::text(s) };
    for p in PARAMETERS.iter().filter(|p| !p.has(flag::NO_SHOW_ALL)) {
        let setting = cx.fx.session.setting(p.name).unwrap_or_else(|| p.boot.to_string());
        let (min, max, labels) = bounds(p);
        sink.push(&[
            Value::text(p.name),
            Value::text(setting),
            text(p.kind.unit().as_str()),
            Value::text(p.category),
            Value::text(p.description),
            Value::Null,
            Value::text(p.context.as_str()),
            Value::text(p.kind.as_str()),
            Value::text("default"),
            min,
            max,
            labels,
            Value::text(p.boot),
            Value::text(p.boot),
            Value::Null,
            Value::Null,
            Value::Bool(false),
        ]);
    }
    Ok(())
}

/// Least and greatest value, and the labels of an enum.
fn bounds(p: &Parameter) -> (Value, Value, Value) {
    match p.kind {
        Kind::Int { min, max, .. } => (Value::text(min.to_string()), Value::text(max.to_string()), Value::Null),
        Kind::Real { min, max, .. } => (Value::text(min.to_string()), Value::text(max.to_string()), Value::Null),
        Kind::Enum { values, .. } => {
            let labels = crate::types::array::from_texts(oid::TEXT, values);
            (Value::Null, Value::Null, Value::Bytes(labels.into()))
        }
        Kind::Bool | Kind::String => (Value::Null, Value::Null, Value::Null),
    }
}
