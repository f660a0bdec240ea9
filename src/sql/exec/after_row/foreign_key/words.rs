//! The messages of foreign keys.

use super::{Query, Reference, positions};
use crate::base::{Error, SqlState};
use crate::catalog::Relation;
use crate::sql::exec::{ExecContext, rights};
use crate::types::{Column, Datum, IoContext};

/// `(a, b)=(1, 2)`: names as they are, values as text.
fn key(rel: &Relation, attnos: &[i16], columns: &[Column], row: usize, io: &IoContext) -> String {
    let attributes: Vec<&crate::catalog::Attribute> = positions(attnos).filter_map(|n| rel.attributes.get(n)).collect();
    let names: Vec<&str> = attributes.iter().map(|a| a.name.as_str()).collect();
    let value = |(column, a): (&Column, &&crate::catalog::Attribute)| {
        let mut text = Vec::new();
        match column.get(row) {
            Datum::Null => "null".to_owned(),
            v => match crate::types::text_out(a.ty, v, &mut text, io) {
                Ok(()) => String::from_utf8(text).unwrap_or_default(),
                Err(_) => "?".into(),
            },
        }
    };
    let values: Vec<String> = columns.iter().zip(&attributes).map(value).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

/// The key with a space behind; nothing where the user may not see it.
fn shown_key(cx: &mut ExecContext, rel: &Relation, attnos: &[i16], columns: &[Column], row: usize) -> String {
    match cx.backend().is_ok_and(|b| rights::hides_key(b, rel, attnos)) {
        true => String::new(),
        false => key(rel, attnos, columns, row, &cx.fx.io) + " ",
    }
}

fn violation(r: &Reference, text: String) -> Error {
    Error::new(SqlState::FOREIGN_KEY_VIOLATION, text)
        .table(r.child.schema.clone(), r.child.name.clone())
        .constraint(r.known_as.clone())
}

fn referring(r: &Reference) -> String {
    format!("insert or update on table \"{}\" violates foreign key constraint \"{}\"", r.child.name, r.constraint.name)
}

#[cold]
pub(super) fn not_present(cx: &mut ExecContext, r: &Reference, columns: &[Column], row: usize) -> Error {
    let key = shown_key(cx, &r.child, &r.constraint.columns, columns, row);
    violation(r, referring(r)).detail(format!("Key {key}is not present in table \"{}\".", r.parent.name)).place(
        "ri_ReportViolation",
        "ri_triggers.c",
        2528,
    )
}

#[cold]
pub(super) fn mixed(r: &Reference) -> Error {
    violation(r, referring(r)).detail("MATCH FULL does not allow mixing of null and nonnull key values.").place(
        "RI_FKey_check",
        "ri_triggers.c",
        314,
    )
}

#[cold]
pub(super) fn still_referenced(cx: &mut ExecContext, r: &Reference, columns: &[Column], row: usize) -> Error {
    let key = shown_key(cx, &r.parent, &r.foreign.columns, columns, row);
    let text = format!(
        "update or delete on table \"{}\" violates foreign key constraint \"{}\" on table \"{}\"",
        r.noted_in, r.known_as, r.child.name
    );
    violation(r, text).detail(format!("Key {key}is still referenced from table \"{}\".", r.child.name)).place(
        "ri_ReportViolation",
        "ri_triggers.c",
        2535,
    )
}

#[cold]
pub(super) fn leaves(cx: &mut ExecContext, r: &Reference, part: &Relation, columns: &[Column], row: usize) -> Error {
    let key = shown_key(cx, &r.child, &r.constraint.columns, columns, row);
    let text = format!("removing partition \"{}\" violates foreign key constraint \"{}\"", part.name, r.known_as);
    violation(r, text).detail(format!("Key {key}is still referenced from table \"{}\".", r.child.name)).place(
        "ri_ReportViolation",
        "ri_triggers.c",
        2519,
    )
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// What CONTEXT calls an action's statement. PostgreSQL 15, ri_triggers.c: the text that it runs there.
pub(super) fn statement(r: &Reference, query: Query) -> String {
    let only = if r.child.is_partitioned() { "" } else { "ONLY " };
    let table = format!("{only}{}.{}", quoted(&r.child.schema), quoted(&r.child.name));
    let column = |attno: &i16| r.child.attributes.get(*attno as usize - 1).map(|a| quoted(&a.name)).unwrap_or_default();
    let set = |columns: &[i16], value: &dyn Fn(usize) -> String| {
        let one = |(n, c): (usize, &i16)| format!("{} = {}", column(c), value(n));
        columns.iter().enumerate().map(one).collect::<Vec<_>>().join(", ")
    };
    let keys = &r.constraint.columns;
    let chosen =
        |all: &[i16]| if r.foreign.delete_columns.is_empty() { all.to_vec() } else { r.foreign.delete_columns.clone() };
    let given = |update: bool| if update { keys.clone() } else { chosen(keys) };
    let (verb, first) = match query {
        Query::Delete => (format!("DELETE FROM {table}"), 1),
        Query::Update => (format!("UPDATE {table} SET {}", set(keys, &|n| format!("${}", n + 1))), keys.len() + 1),
        Query::SetNull(update) => (format!("UPDATE {table} SET {}", set(&given(update), &|_| "NULL".into())), 1),
        Query::SetDefault(update) => (format!("UPDATE {table} SET {}", set(&given(update), &|_| "DEFAULT".into())), 1),
        _ => (format!("SELECT 1 FROM {table} x"), 1),
    };
    let text = |n: i16| r.child.attributes.get(n as usize - 1).is_some_and(|a| a.ty.oid == crate::types::oid::VARCHAR);
    let one = |(n, c): (usize, &i16)| {
        let cast = if text(*c) { "::pg_catalog.text" } else { "" };
        format!("${}{cast} OPERATOR(pg_catalog.=) {}{cast}", n + first, column(c))
    };
    let conditions: Vec<String> = keys.iter().enumerate().map(one).collect();
    format!("{verb} WHERE {}", conditions.join(" AND "))
}
