//! Rows referred to that go, or get another key: what becomes of those that refer.

use super::lookup::Lookup;
use super::{Query, Reference, newest, words};
use crate::base::{Flow, Result, Stop};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::Nested;
use crate::types::{Batch, Value};
use std::sync::Arc;

/// Where the present key stands.
enum Step {
    /// NO ACTION: the parent may have the key again.
    Match(Lookup),
    Query(Query, Option<Box<Nested>>),
    Done,
}

/// The action for many keys of one constraint.
pub struct Action {
    reference: Arc<Reference>,
    update: bool,
    rows: Batch,
    row: usize,
    step: Step,
    key: Vec<u8>,
}

impl Action {
    pub fn start(reference: Arc<Reference>, update: bool, rows: Batch) -> Action {
        let mut action = Action { reference, update, rows, row: 0, step: Step::Done, key: Vec::new() };
        action.step = action.first();
        action
    }

    fn letter(&self) -> u8 {
        if self.update { self.reference.foreign.on_update } else { self.reference.foreign.on_delete }
    }

    fn first(&self) -> Step {
        match self.letter() {
            b'r' => Step::Query(Query::Child, None),
            b'c' if self.update => Step::Query(Query::Update, None),
            b'c' => Step::Query(Query::Delete, None),
            b'n' => Step::Query(Query::SetNull(self.update), None),
            b'd' => Step::Query(Query::SetDefault(self.update), None),
            _ => self.look_again(),
        }
    }

    /// Looks for the old key in the parent.
    fn look_again(&self) -> Step {
        match self.reference.parent.is_partitioned() {
            true => Step::Query(Query::Again, None),
            false => Step::Match(Lookup::default()),
        }
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while self.row < self.rows.rows {
            cx.poll()?;
            self.one(cx)?;
            self.row += 1;
            self.step = self.first();
        }
        Ok(())
    }

    fn one(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            let next = match &mut self.step {
                Step::Done => return Ok(()),
                Step::Match(lookup) => {
                    let r = &*self.reference;
                    let snapshot = newest(cx)?;
                    let there = r.encode(&self.rows.columns, self.row, &mut self.key)
                        && lookup.run(cx, r, &self.key, &snapshot)?;
                    if there { Step::Done } else { Step::Query(Query::Child, None) }
                }
                Step::Query(..) => self.query(cx)?,
            };
            self.step = next;
        }
    }

    /// Runs the present statement to its end; what comes after it.
    fn query(&mut self, cx: &mut ExecContext) -> Flow<Step> {
        let keys = self.reference.foreign.columns.len();
        let Step::Query(query, nested) = &mut self.step else { return Ok(Step::Done) };
        let query = *query;
        if nested.is_none() {
            let plan = self.reference.planned(cx, query)?;
            let wanted = if query == Query::Update { 2 * keys } else { keys };
            let row = self.row;
            let params: Arc<[Value]> = self.rows.columns[..wanted].iter().map(|c| c.get(row).to_value()).collect();
            let snapshot = newest(cx)?;
            let txn = &mut cx.backend()?.txn;
            let crosscheck = if txn.isolation.keeps_snapshot() { Some(txn.snapshot()) } else { None };
            *nested = Some(Box::new(Nested::start(cx, plan, params, snapshot, crosscheck)?));
        }
        let Some(running) = nested else { return Ok(Step::Done) };
        let mut any = false;
        let told = |stop| match stop {
            Stop::Error(e) => {
                Stop::Error(e.context(format!("SQL statement \"{}\"", words::statement(&self.reference, query))))
            }
            other => other,
        };
        while running.next(cx).map_err(told)?.is_some() {
            any = true;
            if matches!(query, Query::Child | Query::Again) {
                break;
            }
        }
        self.after(cx, query, any).map_err(Into::into)
    }

    fn after(&mut self, cx: &mut ExecContext, query: Query, any: bool) -> Result<Step> {
        if query == Query::Child {
            return match any {
                true => Err(words::still_referenced(cx, &self.reference, &self.rows.columns, self.row)),
                false => Ok(Step::Done),
            };
        }
        if query == Query::Again {
            return Ok(if any { Step::Done } else { Step::Query(Query::Child, None) });
        }
        // The next statement sees what this one did.
        cx.backend()?.txn.next_command();
        // Rows that have the default already were not changed: nobody would check them.
        Ok(match query {
            Query::SetDefault(_) => self.look_again(),
            _ => Step::Done,
        })
    }
}
