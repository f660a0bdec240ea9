//! INSERT without ON CONFLICT: whole batches.

use super::row_lock::Writer;
use super::target::{Entries, Target};
use super::{ChangeKind, Changed};
use crate::base::{Error, Flow, Stop, TupleId};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::RowChange;
use crate::sql::exec::user_trigger::RowFiring;
use crate::sql::plan::RowCheckKind;
use crate::types::Batch;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum Step {
    #[default]
    Before,
    Generate,
    Verify,
    View,
    Heap,
    /// Entries for this index.
    Index(usize),
}

/// A new row, as it is noted.
pub(super) fn inserted(batch: &Batch, row: usize, tid: TupleId) -> RowChange<'_> {
    let new = Some((batch.columns.as_slice(), row));
    RowChange { kind: ChangeKind::Insert, old: None, new, old_tid: TupleId::INVALID, tid, assigned: None }
}

#[derive(Default)]
pub(super) struct Insert {
    batch: Batch,
    tids: Vec<TupleId>,
    step: Step,
    entries: Option<Entries>,
    firing: RowFiring,
    /// A row broke a constraint, or a view's condition: raised when those before it are in, which may fail first.
    failed: Option<Error>,
}

impl Insert {
    pub fn feed(&mut self, batch: Batch) {
        self.batch = batch;
        self.tids.clear();
        self.step = Step::Before;
        self.entries = None;
    }

    /// Only the first rows go in, then the error is raised.
    fn keep(&mut self, rows: usize, failed: Error) {
        self.batch = self.batch.first(rows);
        self.failed = Some(failed);
    }

    pub fn run(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        if self.step == Step::Before {
            let triggers = target.triggers.clone();
            if triggers.fire_before(ChangeKind::Insert) {
                // The batch is one row then.
                let new = Some(&mut self.batch);
                if !self.firing.run(cx, &triggers.before, ChangeKind::Insert, None, None, new)? {
                    return Ok(());
                }
            }
            self.step = Step::Generate;
        }
        if self.step == Step::Generate {
            target.generate(cx, &mut self.batch)?;
            self.step = Step::Verify;
        }
        if self.step == Step::Verify {
            while let Err(stop) = target.verify(cx, &self.batch, RowCheckKind::Insert) {
                match stop {
                    Stop::Error(e) if e.0.input_row.is_some_and(|row| row > 0) => {
                        let before = e.0.input_row.unwrap_or_default().min(self.batch.rows - 1);
                        self.keep(before, e);
                    }
                    stop => return Err(stop),
                }
            }
            self.step = Step::View;
        }
        if self.step == Step::View {
            match target.enforce(cx, &self.batch, RowCheckKind::View) {
                // A row that its view refuses is put in before that is told: it may be a duplicate.
                Err(Stop::Error(e)) if e.0.input_row.is_some() => {
                    let with = e.0.input_row.unwrap_or_default().saturating_add(1).min(self.batch.rows);
                    self.keep(with, e);
                }
                other => other?,
            }
            self.step = Step::Heap;
        }
        if self.step == Step::Heap {
            let writer = Writer::of_statement(cx)?;
            crate::heap::insert(&writer.context(), &target.store, &self.batch, &mut self.tids)?;
            self.step = Step::Index(0);
        }
        while let Step::Index(n) = self.step
            && n < target.indexes.len()
        {
            if self.entries.is_none() {
                let rows: Vec<u32> = (0..self.batch.rows as u32).collect();
                self.entries = Some(target.entries(cx, n, &self.batch, &rows, &self.tids)?);
            }
            if let Some(entries) = &mut self.entries
                && target.put(cx, n, entries)?.is_some()
            {
                return Err(target.duplicate(cx, n, entries).into());
            }
            self.entries = None;
            self.step = Step::Index(n + 1);
        }
        if let Some(e) = self.failed.take() {
            return Err(e.into());
        }
        if target.wants(ChangeKind::Insert) {
            for (row, tid) in self.tids.iter().enumerate() {
                target.note(cx, &inserted(&self.batch, row, *tid))?;
            }
        }
        let backend = cx.backend()?;
        backend.stats.count_insert(target.rel.oid, self.tids.len() as u64);
        let xid = backend.txn.xid();
        for (row, tid) in self.tids.iter().enumerate() {
            changed.add((&self.batch.columns, row), *tid, xid, None);
        }
        Ok(())
    }
}
