//! NOT NULL and CHECK constraints, and the words for rows that break them.

use crate::base::{Error, Result, SqlState};
use crate::catalog::Relation;
use crate::sql::exec::system::define;
use crate::sql::exec::{ExecContext, rights};
use crate::sql::plan::{self, tree::attribute_map};
use crate::types::{Batch, Column, ColumnData, Datum, TypeRef};
use std::sync::Arc;

/// Values are shown up to this many bytes (PostgreSQL 15, execMain.c, ExecBuildSlotValueDescription: same).
const SHOWN: usize = 64;

/// The first row with a NULL where none may be.
pub(super) fn not_null(cx: &mut ExecContext, rel: &Relation, shown: &Shown, batch: &Batch) -> Result<()> {
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
    Err(shown
        .with_row(cx, batch, row, Error::new(SqlState::NOT_NULL_VIOLATION, text))
        .table(rel.schema.clone(), rel.name.clone())
        .column(column.clone())
        .place("ExecConstraints", "execMain.c", 1975))
}

/// The first row for which a CHECK is false.
pub(super) fn check(
    cx: &mut ExecContext,
    rel: &Relation,
    shown: &Shown,
    batch: &Batch,
    name: &str,
    answer: &Column,
) -> Result<()> {
    let ColumnData::Bool(values) = &answer.data else { return Ok(()) };
    let Some(row) = (0..values.len()).find(|r| !values[*r] && !answer.is_null(*r)) else { return Ok(()) };
    let text = format!("new row for relation \"{}\" violates check constraint \"{name}\"", rel.name);
    Err(shown
        .with_row(cx, batch, row, Error::new(SqlState::CHECK_VIOLATION, text))
        .table(rel.schema.clone(), rel.name.clone())
        .constraint(name)
        .place("ExecConstraints", "execMain.c", 2023))
}

/// A row that does not belong into the partition it is for.
#[cold]
pub(super) fn partition(cx: &mut ExecContext, rel: &Relation, shown: &Shown, batch: &Batch, row: usize) -> Error {
    let text = format!("new row for relation \"{}\" violates partition constraint", rel.name);
    shown
        .with_row(cx, batch, row, Error::new(SqlState::CHECK_VIOLATION, text))
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

/// A row as messages may show it: as one of the table the statement names, as far as the user may see it there.
/// PostgreSQL 15, execMain.c, ExecConstraints and ExecBuildSlotValueDescription: same rules.
pub(super) struct Shown {
    pub named: Arc<Relation>,
    /// A part's attribute numbers of the attributes of the table named.
    pub map: Option<Vec<i16>>,
    /// Attribute numbers that the statement gives values.
    pub assigned: Arc<[i16]>,
}

impl Shown {
    pub fn of(m: &plan::Modify) -> Result<Shown> {
        let map = m.named.as_ref().map(|named| attribute_map(named, &m.rel)).transpose()?;
        let named = m.named.as_ref().unwrap_or(&m.rel).clone();
        Ok(Shown { named, map, assigned: m.assigned.clone() })
    }

    /// Shows the row in an error's details, unless policies or rights keep it from the user.
    pub fn with_row(&self, cx: &mut ExecContext, batch: &Batch, row: usize, e: Error) -> Error {
        let e = e.input_row(row);
        match self.failing_row(cx, batch, row) {
            Some(detail) => e.detail(detail),
            None => e,
        }
    }

    fn failing_row(&self, cx: &mut ExecContext, batch: &Batch, row: usize) -> Option<String> {
        let seen = rights::seen_in_messages(cx.backend().ok()?, &self.named, &self.assigned)?;
        let attributes = self.named.attributes.iter().enumerate().filter(|(_, a)| !a.dropped);
        let (mut names, mut values) = (Vec::new(), Vec::new());
        for (n, a) in attributes.filter(|(_, a)| seen.has(a.attno)) {
            let place = self.map.as_ref().map_or(a.attno, |m| m[n]);
            let value = match place {
                0 => Datum::Null,
                place => batch.columns[place as usize - 1].get(row),
            };
            names.push(a.name.as_str());
            values.push(shown(cx, a.ty, value));
        }
        let values = values.join(", ");
        match seen {
            rights::Seen::Whole => Some(format!("Failing row contains ({values}).")),
            rights::Seen::Columns(_) if names.is_empty() => None,
            rights::Seen::Columns(_) => Some(format!("Failing row contains ({}) = ({values}).", names.join(", "))),
        }
    }
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
