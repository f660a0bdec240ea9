//! NOT NULL and CHECK constraints, and the words for rows that break them.

use crate::base::{Error, Result, SqlState};
use crate::catalog::Relation;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define;
use crate::types::{Batch, Column, ColumnData, Datum, TypeRef};

/// Values are shown up to this many bytes (PostgreSQL 15, execMain.c, ExecBuildSlotValueDescription: same).
const SHOWN: usize = 64;

/// The first row with a NULL where none may be.
pub(super) fn not_null(cx: &mut ExecContext, rel: &Relation, batch: &Batch) -> Result<()> {
    let mut worst: Option<(usize, usize)> = None;
    for (n, attr) in rel.attributes.iter().enumerate().filter(|(_, a)| a.not_null && !a.dropped) {
        let null = batch.columns[n].nulls.as_ref().and_then(|nulls| nulls.iter().position(|n| *n));
        if let Some(row) = null
            && worst.is_none_or(|(r, _)| row < r)
        {
            worst = Some((row, n));
        }
        let _ = attr;
    }
    let Some((row, n)) = worst else { return Ok(()) };
    let column = &rel.attributes[n].name;
    let text = format!("null value in column \"{column}\" of relation \"{}\" violates not-null constraint", rel.name);
    Err(with_row(cx, rel, batch, row, Error::new(SqlState::NOT_NULL_VIOLATION, text))
        .table(rel.schema.clone(), rel.name.clone())
        .column(column.clone())
        .place("ExecConstraints", "execMain.c", 1975))
}

/// The first row for which a CHECK is false.
pub(super) fn check(cx: &mut ExecContext, rel: &Relation, batch: &Batch, name: &str, answer: &Column) -> Result<()> {
    let ColumnData::Bool(values) = &answer.data else { return Ok(()) };
    let Some(row) = (0..values.len()).find(|r| !values[*r] && !answer.is_null(*r)) else { return Ok(()) };
    let text = format!("new row for relation \"{}\" violates check constraint \"{name}\"", rel.name);
    Err(with_row(cx, rel, batch, row, Error::new(SqlState::CHECK_VIOLATION, text))
        .table(rel.schema.clone(), rel.name.clone())
        .constraint(name)
        .place("ExecConstraints", "execMain.c", 2023))
}

/// A row that does not belong into the partition it is for.
#[cold]
pub(super) fn partition(cx: &mut ExecContext, rel: &Relation, batch: &Batch, row: usize) -> Error {
    let text = format!("new row for relation \"{}\" violates partition constraint", rel.name);
    with_row(cx, rel, batch, row, Error::new(SqlState::CHECK_VIOLATION, text))
        .table(rel.schema.clone(), rel.name.clone())
        .place("ExecPartitionCheckEmitError", "execMain.c", 1862)
}

/// A value as details show it, cut at a character boundary.
pub(super) fn shown(cx: &ExecContext, ty: TypeRef, value: Datum<'_>) -> String {
    if value.is_null() {
        return "null".into();
    }
    let mut text = Vec::new();
    if crate::types::text_out(ty, value, &mut text, &cx.fx.io).is_err() {
        return "?".into();
    }
    let mut text = String::from_utf8(text).unwrap_or_default();
    if text.len() > SHOWN {
        let cut = (0..=SHOWN).rev().find(|n| text.is_char_boundary(*n)).unwrap_or(0);
        text.truncate(cut);
        text.push_str("...");
    }
    text
}

/// Shows the row in an error's details, unless policies keep its like from the user.
pub(super) fn with_row(cx: &mut ExecContext, rel: &Relation, batch: &Batch, row: usize, e: Error) -> Error {
    let e = e.input_row(row);
    if cx.backend().is_ok_and(|b| crate::sql::exec::rights::hides_rows(b, rel)) {
        return e;
    }
    e.detail(failing_row(cx, rel, batch, row))
}

fn failing_row(cx: &ExecContext, rel: &Relation, batch: &Batch, row: usize) -> String {
    let values: Vec<String> = rel
        .attributes
        .iter()
        .enumerate()
        .filter(|(_, a)| !a.dropped)
        .map(|(n, a)| shown(cx, a.ty, batch.columns[n].get(row)))
        .collect();
    format!("Failing row contains ({}).", values.join(", "))
}

/// `(a, b)=(1, 2)` for a unique violation: names and values of the key columns.
pub(in crate::sql::exec) fn key_text(
    cx: &mut ExecContext,
    index: &crate::catalog::Index,
    columns: &[Column],
    types: &[TypeRef],
    row: usize,
) -> String {
    let key = &index.columns[..index.key_columns];
    // PostgreSQL 15, ruleutils.c, pg_get_indexdef_columns: expressions as they are shown to people.
    let catalog = cx.backend().map(|b| b.catalog.clone()).ok();
    let name = |c: &crate::catalog::IndexColumn| match &catalog {
        Some(catalog) => {
            let look = define::Look { catalog, io: &cx.fx.io, pretty: true, width: 0 };
            define::index_column(&look, index.table, c, true, true)
        }
        None => quoted(&c.name),
    };
    let names: Vec<String> = key.iter().map(name).collect();
    let value = |n: usize| {
        let mut text = Vec::new();
        match columns[n].get(row) {
            Datum::Null => "null".to_owned(),
            v => match crate::types::text_out(types[n], v, &mut text, &cx.fx.io) {
                Ok(()) => String::from_utf8(text).unwrap_or_default(),
                Err(_) => "?".into(),
            },
        }
    };
    let values: Vec<String> = (0..key.len()).map(value).collect();
    format!("({})=({})", names.join(", "), values.join(", "))
}

fn quoted(name: &str) -> String {
    crate::types::name::quote_identifier(name)
}
