//! WITH RECURSIVE: the left side once, then the right side again and again over the rows of the last round.

use super::context::{WorkRows, WorkTable};
use super::keys::DistinctSet;
use super::materialize::{Place, Tuplestore};
use super::output::{Output, forms_of};
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::plan::Plan;
use crate::types::{Batch, Column, Phys, TypeRef};
use std::sync::Arc;

pub(super) struct RecursiveUnion {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    seen: Option<DistinctSet>,
    types: Vec<TypeRef>,
    forms: Vec<Phys>,
    work_table: usize,
    left_done: bool,
    /// The right side's rescan for the present round is done.
    round_begun: bool,
    next_round: Tuplestore,
    claimed: Claimed,
    right_rescanned: bool,
    done: bool,
}

impl RecursiveUnion {
    pub fn start(
        left: &Plan,
        right: &Plan,
        distinct: bool,
        work_table: usize,
        cx: &mut ExecContext,
    ) -> Result<RecursiveUnion> {
        let types: Vec<TypeRef> = left.columns.iter().map(|c| c.ty).collect();
        let forms = forms_of(&left.columns);
        if cx.run.work_tables.len() <= work_table {
            cx.run.work_tables.resize(work_table + 1, WorkTable::default());
        }
        let mut node = RecursiveUnion {
            left: build(left, cx)?,
            right: build(right, cx)?,
            seen: None,
            types,
            work_table,
            left_done: false,
            round_begun: false,
            next_round: Tuplestore::new(&forms),
            forms,
            claimed: Claimed::default(),
            right_rescanned: false,
            done: false,
        };
        if distinct {
            node.seen = Some(DistinctSet::new(&node.types));
        }
        Ok(node)
    }

    /// New rows go to the next round and upwards.
    fn keep(&mut self, cx: &mut ExecContext, batch: Batch) -> Result<Option<Batch>> {
        let batch = match &mut self.seen {
            None => batch,
            Some(seen) => {
                let columns: Vec<&Column> = batch.columns.iter().collect();
                let fresh = seen.fresh(&columns, batch.rows)?;
                if fresh.is_empty() {
                    return Ok(None);
                }
                Batch { columns: batch.columns.iter().map(|c| c.gather_rows(&fresh)).collect(), rows: fresh.len() }
            }
        };
        self.next_round.append(cx, &batch)?;
        let seen = self.seen.as_ref().map_or(0, DistinctSet::memory);
        self.claimed.grown(seen, "ExecutorState")?;
        Ok(Some(batch))
    }
}

impl Node for RecursiveUnion {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while !self.left_done {
            match self.left.next(cx)? {
                None => self.left_done = true,
                Some(batch) => {
                    if let Some(out) = self.keep(cx, batch)? {
                        return Ok(Some(out));
                    }
                }
            }
        }
        while !self.done {
            if !self.round_begun {
                if self.next_round.is_empty() && !self.right_rescanned {
                    self.done = true;
                    break;
                }
                if !self.right_rescanned {
                    let mut rows = std::mem::replace(&mut self.next_round, Tuplestore::new(&self.forms));
                    rows.finish();
                    let table = &mut cx.run.work_tables[self.work_table];
                    *table = WorkTable { rows: WorkRows::Store(Arc::new(rows)), round: table.round + 1 };
                    self.right_rescanned = true;
                }
                self.right.rescan(cx)?;
                self.round_begun = true;
                self.right_rescanned = false;
            }
            match self.right.next(cx)? {
                None => self.round_begun = false,
                Some(batch) => {
                    if let Some(out) = self.keep(cx, batch)? {
                        return Ok(Some(out));
                    }
                }
            }
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        if self.seen.is_some() {
            self.seen = Some(DistinctSet::new(&self.types));
        }
        self.left_done = false;
        self.round_begun = false;
        self.right_rescanned = false;
        self.next_round = Tuplestore::new(&self.forms);
        self.done = false;
        Ok(())
    }
}

/// Reads the rows of the last round.
pub(super) struct WorkTableScan {
    work_table: usize,
    place: Place,
    /// Rows that were given as one batch were read.
    read: bool,
    output: Output,
}

impl WorkTableScan {
    pub fn start(work_table: usize, filter: Option<&Expr>, project: Option<&[Expr]>, lazy: bool) -> WorkTableScan {
        WorkTableScan {
            work_table,
            place: Place::default(),
            read: false,
            output: Output::new(filter, project).lazy(lazy),
        }
    }
}

impl Node for WorkTableScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        cx.poll()?;
        loop {
            if !self.output.is_busy() {
                let batch = match cx.run.work_tables.get(self.work_table).map(|t| &t.rows) {
                    Some(WorkRows::Store(rows)) => rows.read(&mut self.place)?,
                    Some(WorkRows::Batch(rows)) if !self.read => Some(rows.clone()),
                    _ => None,
                };
                self.read = true;
                let Some(batch) = batch else { return Ok(None) };
                self.output.feed(batch);
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        (self.place, self.read) = (Place::default(), false);
        self.output.reset();
        Ok(())
    }
}
