//! `ts_stat`: how often lexemes occur in the vectors that a query returns; and the queries that text search functions run.

use super::{Call, SetStream};
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::sql::ast::Stmt;
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use crate::sql::routine::query::{self, Next, QueryRun, Variables};
use crate::types::tsvector::{read, weight};
use crate::types::{Column, Datum, base_type, oid};
use std::collections::BTreeMap;
use std::sync::Arc;

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    if !matches!(call.func.fact.src, "ts_stat1" | "ts_stat2") {
        return Ok(None);
    }
    let wrong = || err!(INVALID_PARAMETER_VALUE, "ts_stat query must return one tsvector column");
    let run = started(cx, call.text(0))?;
    match &run.plan.plan.columns[..] {
        [one] if base_type(one.ty.oid) == oid::TSVECTOR => {}
        _ => return Err(wrong()),
    }
    let letters = if call.args.len() > 1 { call.text(1) } else { "" };
    let bit = |c: char| match c.to_ascii_lowercase() {
        'a' => 8,
        'b' => 4,
        'c' => 2,
        'd' => 1,
        _ => 0,
    };
    let weights = letters.chars().fold(0, |w, c| w | bit(c));
    Ok(Some(Box::new(Stat { run: Some(run), weights, found: BTreeMap::new() })))
}

/// No variables.
struct Nothing;

impl Variables for Nothing {
    fn find(&self, _: &[String]) -> Result<Option<Expr>> {
        Ok(None)
    }
}

/// A query given as text, planned.
///
/// # Errors
/// Those of its parser and binder; 42P11 if it is not one query.
pub(crate) fn started(cx: &mut ExecContext, text: &str) -> Result<Box<QueryRun>> {
    let parsed = crate::sql::parse::parse(text).map_err(|e| e.inside(text))?;
    let [one] = &parsed[..] else {
        return Err(err!(INVALID_CURSOR_DEFINITION, "cannot open multi-query plan as cursor"));
    };
    if !matches!(one.stmt, Stmt::Select(_) | Stmt::Insert(_) | Stmt::Update(_) | Stmt::Delete(_)) {
        return Err(err!(INVALID_CURSOR_DEFINITION, "cannot open {} query as cursor", one.stmt.tag()));
    }
    let planned = query::plan(cx, &one.stmt, text, None, &Nothing, &[]).map_err(|e| e.inside(text))?;
    if !planned.returns_rows {
        return Err(err!(INVALID_CURSOR_DEFINITION, "cannot open {} query as cursor", planned.tag));
    }
    Ok(Box::new(QueryRun::new(Arc::new(planned), Arc::new([]), None)))
}

struct Stat {
    run: Option<Box<QueryRun>>,
    /// Weights that count; 0: all.
    weights: u8,
    /// In how many documents a lexeme is, and how often; the last one is told first, as in PostgreSQL.
    found: BTreeMap<String, (i32, i32)>,
}

impl Stat {
    fn add(&mut self, vector: &[u8]) {
        for lexeme in read(vector) {
            let heavy = |p: &&u16| self.weights == 0 || self.weights >> weight(**p) & 1 == 1;
            let count = match lexeme.positions.is_empty() {
                true => usize::from(self.weights == 0),
                false => lexeme.positions.iter().filter(heavy).count(),
            };
            if count > 0 {
                let entry = self.found.entry(lexeme.text).or_default();
                *entry = (entry.0.saturating_add(1), entry.1.saturating_add(count as i32));
            }
        }
    }
}

impl SetStream for Stat {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        while let Some(run) = &mut self.run {
            match run.next(cx)? {
                Next::Batch(batch) => {
                    for row in 0..batch.rows {
                        if let Datum::Bytes(vector) = batch.columns[0].get(row) {
                            self.add(vector);
                        }
                    }
                }
                Next::End => self.run = None,
                Next::Stale => return Err(Error::internal("the relation changed meanwhile").into()),
            }
        }
        let mut any = false;
        for _ in 0..max {
            let Some((text, (documents, entries))) = self.found.pop_last() else { break };
            any = true;
            let row = [Datum::Bytes(text.as_bytes()), Datum::I32(documents), Datum::I32(entries)];
            row.into_iter().zip(out.iter_mut()).for_each(|(d, c)| c.push(d));
        }
        Ok(any)
    }
}
