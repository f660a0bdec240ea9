//! INSERT … ON CONFLICT: row by row.
//!
//! A row first looks for a duplicate in the arbiter indexes. If there is none it is inserted; should another session's
//! row have got in between, ours is taken back by a delete under a later command id, and the row starts over
//! (PostgreSQL 15, nodeModifyTable.c, ExecInsert: same loop, its speculative tokens spare others the wait).

use super::row_lock::{Claim, Writer, claim, refuse_triggered};
use super::target::{Entries, Target};
use super::{ChangeKind, Changed};
use crate::bail;
use crate::base::{Error, Flow, Result, SqlState, TupleId};
use crate::btree::Inserted;
use crate::heap::{self, HeapFetch, TmResult, UpdateKind, occupant};
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::RowChange;
use crate::sql::exec::exclusion::Met;
use crate::sql::exec::user_trigger::RowFiring;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::plan::{LockWait, OnConflict, RowCheckKind, SYSTEM_COLUMNS};
use crate::types::{Batch, Column};

/// Where the present row stands.
enum Step {
    /// Looking for a duplicate, from this arbiter on.
    Look { arbiter: usize, entries: Option<Entries> },
    /// To be put on a page.
    Heap,
    /// On a page: entries for this index.
    Index { tid: TupleId, index: usize, entries: Option<Entries> },
    /// This living row is in the way.
    Conflict(TupleId),
    /// The row in the way is locked and fetched: to be updated.
    /// `shown`: to the BEFORE UPDATE triggers.
    Update { tid: TupleId, combined: Batch, new: Option<Batch>, shown: bool },
    /// Updated: entries of the new version for this index.
    UpdateIndex {
        tid: TupleId,
        old_tid: TupleId,
        new: Batch,
        old: Batch,
        hot: bool,
        index: usize,
        entries: Option<Entries>,
    },
}

impl Step {
    fn look() -> Step {
        Step::Look { arbiter: 0, entries: None }
    }
}

pub(super) struct InsertOrUpdate {
    /// Positions of the arbiter indexes in the target's list.
    arbiters: Vec<usize>,
    attrs: Option<Vec<usize>>,
    /// The same with the generated columns that follow them, as triggers mean it.
    assigned: Option<Vec<usize>>,
    set: Projection,
    filter: Option<Predicate>,
    /// It did not hold for the row in the way.
    filtered: bool,
    fetch: HeapFetch,
    batch: Batch,
    prepared: bool,
    generated: bool,
    /// BEFORE INSERT triggers have seen the batch, which is one row then.
    fired: bool,
    firing: RowFiring,
    row: usize,
    step: Step,
}

impl InsertOrUpdate {
    pub fn new(c: &OnConflict, target: &Target) -> Result<InsertOrUpdate> {
        let arbiters = target
            .indexes
            .iter()
            .enumerate()
            .filter(|(_, i)| match &c.arbiters {
                Some(list) => list.contains(&i.index.oid),
                None => i.index.constrains(),
            })
            .map(|(n, _)| n)
            .collect();
        let exprs: Vec<Expr> = c.set.iter().flat_map(|s| s.iter().map(|(_, e)| e.clone())).collect();
        let system = (1..=SYSTEM_COLUMNS).map(|n| -n);
        let all = (1..=target.forms.len() as i16).chain(system).collect();
        let attrs: Option<Vec<usize>> = c.set.as_ref().map(|s| s.iter().map(|(n, _)| *n).collect());
        Ok(InsertOrUpdate {
            arbiters,
            assigned: attrs.as_deref().map(|a| target.with_generated(a)),
            attrs,
            set: Projection::new(&exprs),
            filter: c.filter.as_ref().map(Predicate::new),
            filtered: false,
            fetch: HeapFetch::new(target.store.clone(), Snapshot::any(), all),
            batch: Batch::default(),
            prepared: false,
            generated: false,
            fired: false,
            firing: RowFiring::default(),
            row: 0,
            step: Step::look(),
        })
    }

    pub fn feed(&mut self, batch: Batch) {
        self.batch = batch;
        self.prepared = false;
        self.generated = false;
        self.fired = false;
        self.row = 0;
        self.step = Step::look();
    }

    pub fn run(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        if !self.fired {
            let triggers = target.triggers.clone();
            if triggers.fire_before(ChangeKind::Insert) {
                let new = Some(&mut self.batch);
                if !self.firing.run(cx, &triggers.before, ChangeKind::Insert, None, None, new)? {
                    return Ok(());
                }
            }
            self.fired = true;
        }
        if !self.generated {
            target.generate(cx, &mut self.batch)?;
            self.generated = true;
        }
        if !self.prepared {
            target.verify(cx, &self.batch, RowCheckKind::Insert)?;
            self.prepared = true;
        }
        while self.row < self.batch.rows {
            cx.interrupts.check()?;
            self.one_row(cx, target, changed)?;
            self.row += 1;
            self.step = Step::look();
        }
        Ok(())
    }

    fn present(&self) -> [u32; 1] {
        [self.row as u32]
    }

    /// The present row alone, from `columns`.
    fn alone(columns: &[Column], row: usize) -> Batch {
        Batch { columns: columns.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 }
    }

    fn one_row(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        loop {
            match &mut self.step {
                Step::Look { .. } => self.look(cx, target)?,
                Step::Heap => {
                    let writer = Writer::of_statement(cx)?;
                    let one = Self::alone(&self.batch.columns, self.row);
                    let mut tids = Vec::new();
                    heap::insert(&writer.context(), &target.store, &one, &mut tids)?;
                    let Some(tid) = tids.pop() else { return Err(Error::internal("no row was inserted").into()) };
                    self.step = Step::Index { tid, index: 0, entries: None };
                }
                Step::Index { .. } => {
                    if let Some(tid) = self.index(cx, target)? {
                        changed.tally.conflict().inserted += 1;
                        target.enforce_view(cx, &self.batch, self.row)?;
                        let backend = cx.backend()?;
                        backend.stats.count_insert(target.rel.oid, 1);
                        let xid = backend.txn.xid();
                        target.note(cx, &super::insert::inserted(&self.batch, self.row, tid))?;
                        changed.add((&self.batch.columns, self.row), tid, xid, None);
                        return Ok(());
                    }
                }
                Step::Conflict(tid) => {
                    let tid = *tid;
                    if self.attrs.is_none() {
                        changed.tally.conflict().met += 1;
                        return Ok(must_see(cx, target, tid)?);
                    }
                    if !self.lock_conflict(cx, target, tid)? {
                        self.step = Step::look();
                    }
                }
                Step::Update { .. } => {
                    if !self.update(cx, target)? {
                        changed.tally.conflict().met += 1;
                        changed.tally.conflict().filtered += u64::from(std::mem::take(&mut self.filtered));
                        return Ok(());
                    }
                }
                Step::UpdateIndex { .. } => {
                    self.finish_update(cx, target, changed)?;
                    changed.tally.conflict().met += 1;
                    return Ok(());
                }
            }
        }
    }

    /// Goes through the arbiters; ends in `Heap` or `Conflict`.
    fn look(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<()> {
        let rows = self.present();
        let Step::Look { arbiter, entries } = &mut self.step else { return Ok(()) };
        while let Some(&n) = self.arbiters.get(*arbiter) {
            refuse_deferrable(target, n)?;
            if entries.is_none() {
                *entries = Some(target.entries(cx, n, &self.batch, &rows, &[TupleId::INVALID])?);
            }
            let Some(e) = entries.as_ref().and_then(|e| e.list.first()).filter(|e| !e.has_null) else {
                *entries = None;
                *arbiter += 1;
                continue;
            };
            if let Some(exclusion) = &mut target.indexes[n].exclusion {
                let values = entries.as_ref().map(|e| e.constrained.clone()).unwrap_or_default();
                match exclusion.look(cx, &values, 0, None)? {
                    Met::Nothing => {
                        *entries = None;
                        *arbiter += 1;
                    }
                    Met::Doubtful(xid) => {
                        let rel = &target.rel.name;
                        cx.wait_for(xid, || format!("while checking exclusion constraint in relation \"{rel}\""))?;
                    }
                    Met::Row(tid, _) => {
                        self.step = Step::Conflict(tid);
                        return Ok(());
                    }
                }
                continue;
            }
            let writer = Writer::for_locks(cx)?;
            let mut judge = |tid| occupant(&writer.storage, &target.store, tid, &writer.own);
            match target.indexes[n].index.store.find_conflict(&writer.storage, &e.key, &mut judge)? {
                Inserted::Done => {
                    *entries = None;
                    *arbiter += 1;
                }
                Inserted::Doubtful(xid) => {
                    let rel = &target.rel.name;
                    cx.wait_for(xid, || format!("while inserting index tuple in relation \"{rel}\""))?;
                }
                Inserted::Duplicate(tid) => {
                    self.step = Step::Conflict(tid);
                    return Ok(());
                }
            }
        }
        self.step = Step::Heap;
        Ok(())
    }

    /// Puts the new row into the indexes. Some: done. None: a duplicate got in between, the row starts over.
    fn index(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<Option<TupleId>> {
        let rows = self.present();
        let Step::Index { tid, index, entries } = &mut self.step else { return Ok(None) };
        let tid = *tid;
        while *index < target.indexes.len() {
            if entries.is_none() {
                *entries = Some(target.entries(cx, *index, &self.batch, &rows, &[tid])?);
            }
            if let Some(e) = entries
                && target.put(cx, *index, e)?.is_some()
            {
                if !self.arbiters.contains(index) {
                    return Err(target.duplicate(cx, *index, e).into());
                }
                take_back(cx, target, tid)?;
                self.step = Step::look();
                return Ok(None);
            }
            *entries = None;
            *index += 1;
        }
        Ok(Some(tid))
    }

    /// Locks the row in the way and fetches it; false: it is gone, look again.
    fn lock_conflict(&mut self, cx: &mut ExecContext, target: &Target, tid: TupleId) -> Flow<bool> {
        let writer = Writer::of_statement(cx)?;
        let strength = target.lock_to_assign(self.attrs.as_deref().unwrap_or_default());
        let found = heap::lock_tuple(&writer.context(), &target.store, tid, strength)?;
        if matches!(found, TmResult::Invisible | TmResult::SelfModified { .. }) {
            return Err(Error::new(
                SqlState::CARDINALITY_VIOLATION,
                "ON CONFLICT DO UPDATE command cannot affect row a second time",
            )
            .hint(
                "Ensure that no rows proposed for insertion within the same command have duplicate constrained values.",
            )
            .place("ExecOnConflictUpdate", "nodeModifyTable.c", 2579)
            .into());
        }
        let keeps = cx.backend()?.txn.isolation.keeps_snapshot();
        match found {
            // It is in nobody's way any more where it was.
            TmResult::Moved { .. } if !keeps => return Ok(false),
            TmResult::Deleted { .. } if keeps => {
                bail!(SERIALIZATION_FAILURE, "could not serialize access due to concurrent delete")
            }
            _ => {}
        }
        match claim(cx, found, &target.rel, LockWait::Block, ("locking", tid))? {
            Claim::Mine => {}
            Claim::Again | Claim::Gone | Claim::Newer(_) => return Ok(false),
        }
        must_see(cx, target, tid)?;
        let mut combined = Batch::default();
        self.fetch.prepare(&mut combined);
        if self.fetch.fetch_version(&writer.storage, tid, &mut combined)?.is_none() {
            return Ok(false);
        }
        combined.rows = 1;
        let system = combined.columns.split_off(target.forms.len());
        combined.columns.extend(Self::alone(&self.batch.columns, self.row).columns);
        combined.columns.extend(system);
        self.step = Step::Update { tid, combined, new: None, shown: false };
        Ok(true)
    }

    /// DO UPDATE's condition and new values; false: the condition does not hold, the row is left as it is.
    fn update(&mut self, cx: &mut ExecContext, target: &mut Target) -> Flow<bool> {
        let Step::Update { tid, combined, new, shown } = &mut self.step else { return Ok(false) };
        let width = target.forms.len();
        if new.is_none() {
            if let Some(p) = &mut self.filter
                && p.run(cx, combined)?.is_some()
            {
                self.filtered = true;
                return Ok(false);
            }
            target.enforce(cx, combined, RowCheckKind::Conflict)?;
            let columns = self.set.run(cx, combined, Sel::All(1))?;
            let mut made = Batch { columns: combined.columns[..width].to_vec(), rows: 1 };
            for (attr, c) in self.attrs.as_deref().unwrap_or_default().iter().zip(columns) {
                made.columns[*attr] = c;
            }
            *new = Some(made);
        }
        let Some(new) = new else { return Ok(false) };
        let triggers = target.triggers.clone();
        if !*shown && triggers.fire_before(ChangeKind::Update) {
            let old = Some((&combined.columns[..width], 0));
            let assigned = self.assigned.as_deref();
            if !self.firing.is_under_way() {
                target.forget_generated(new);
            }
            if !self.firing.run(cx, &triggers.before, ChangeKind::Update, assigned, old, Some(new))? {
                return Ok(false);
            }
        }
        *shown = true;
        // Without waits in them both can be repeated.
        target.generate(cx, new)?;
        target.verify_conflict(cx, new)?;
        let differs = |attr: &usize| combined.columns[*attr].get(0) != new.columns[*attr].get(0);
        let changed: Vec<&super::target::IndexTarget> =
            target.indexes.iter().filter(|i| i.reads.iter().any(differs)).collect();
        let kind = UpdateKind {
            indexed_changed: !changed.is_empty(),
            key_changed: changed.iter().any(|i| i.key.iter().any(differs)),
        };
        let writer = Writer::of_statement(cx)?;
        let done = heap::update(&writer.context(), &target.store, *tid, new, 0, kind)?;
        refuse_triggered(&done.result, writer.cid, "updated")?;
        // Another part of the statement (a WITH read by the new values) was faster: the row is left as that made it.
        if matches!(done.result, TmResult::SelfModified { .. }) {
            return Ok(false);
        }
        match claim(cx, done.result, &target.rel, LockWait::Block, ("updating", *tid))? {
            Claim::Mine => {}
            Claim::Again => return Ok(true),
            // We hold its lock: nobody else can have changed it.
            Claim::Newer(_) | Claim::Gone => return Err(Error::internal("a locked row was changed").into()),
        }
        let index = if done.hot { target.indexes.len() } else { 0 };
        let old = Batch { columns: combined.columns[..width].to_vec(), rows: 1 };
        let new = std::mem::take(new);
        let old_tid = *tid;
        self.step = Step::UpdateIndex { tid: done.tid, old_tid, new, old, hot: done.hot, index, entries: None };
        Ok(true)
    }

    fn finish_update(&mut self, cx: &mut ExecContext, target: &mut Target, changed: &mut Changed) -> Flow<()> {
        let Step::UpdateIndex { tid, old_tid, new, old, hot, index, entries } = &mut self.step else { return Ok(()) };
        while *index < target.indexes.len() {
            if entries.is_none() {
                *entries = Some(target.entries(cx, *index, new, &[0], &[*tid])?);
            }
            if let Some(e) = entries
                && target.put(cx, *index, e)?.is_some()
            {
                return Err(target.duplicate(cx, *index, e).into());
            }
            *entries = None;
            *index += 1;
        }
        target.enforce_view(cx, new, 0)?;
        let backend = cx.backend()?;
        backend.stats.count_update(target.rel.oid, *hot);
        let xid = backend.txn.xid();
        let change = RowChange {
            kind: ChangeKind::Update,
            old: Some((&old.columns, 0)),
            new: Some((&new.columns, 0)),
            old_tid: *old_tid,
            tid: *tid,
            assigned: self.assigned.as_deref(),
        };
        target.note(cx, &change)?;
        // The row was locked before it was changed, which its new version still tells (PostgreSQL 15, heapam.c, heap_update).
        changed.add_marked((&new.columns, 0), *tid, (xid, xid), None);
        Ok(())
    }
}

/// # Errors
/// 55000 for an arbiter that may have duplicates.
fn refuse_deferrable(target: &Target, arbiter: usize) -> Result<()> {
    let i = &target.indexes[arbiter];
    if i.deferrable.is_none() {
        return Ok(());
    }
    let text = "ON CONFLICT does not support deferrable unique constraints/exclusion constraints as arbiters";
    Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
        .table(target.rel.schema.clone(), target.rel.name.clone())
        .constraint(i.index.name.clone()))
}

/// A kept snapshot must not act on what it does not show, unless the transaction itself made it
/// (PostgreSQL 15, nodeModifyTable.c, ExecCheckTupleVisible).
fn must_see(cx: &mut ExecContext, target: &Target, tid: TupleId) -> Result<()> {
    if !cx.backend()?.txn.isolation.keeps_snapshot() {
        return Ok(());
    }
    let snapshot = cx.snapshot()?;
    let writer = Writer::for_locks(cx)?;
    let mut look = HeapFetch::new(target.store.clone(), snapshot, Vec::new());
    if look.fetch_exact(&writer.storage, tid, &mut Batch::default())?.is_some() {
        return Ok(());
    }
    match heap::xmin_of(&writer.storage, &target.store, tid)? {
        Some(xmin) if writer.own.contains(xmin) => Ok(()),
        _ => bail!(SERIALIZATION_FAILURE, "could not serialize access due to concurrent update"),
    }
}

/// Deletes a row this very command inserted: under a later command id, since a command does not see its own rows.
fn take_back(cx: &mut ExecContext, target: &Target, tid: TupleId) -> Flow<()> {
    cx.backend()?.txn.next_command();
    let writer = Writer::for_rows(cx)?;
    match heap::delete(&writer.context(), &target.store, tid)? {
        TmResult::Ok => Ok(()),
        other => Err(Error::internal(format!("a row just inserted could not be taken back: {other:?}")).into()),
    }
}
