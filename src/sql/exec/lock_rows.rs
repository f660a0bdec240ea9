//! SELECT … FOR UPDATE and its weaker forms.
//!
//! A row another transaction changed meanwhile is looked at anew, in its newest version, as PostgreSQL's EvalPlanQual
//! does: its columns are replaced and the condition is evaluated again.

use super::modify::{Claim, Writer, claim};
use super::seq_scan::store_of;
use super::{ExecContext, Node, build};
use crate::base::{Error, Flow, Result, TupleId};
use crate::catalog::Relation;
use crate::heap::{HeapFetch, TableStore, tid_from_bytes};
use crate::mvcc::Snapshot;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::Predicate;
use crate::sql::plan::tree::mapped;
use crate::sql::plan::{Plan, RowLock};
use crate::types::{Batch, Column, Datum};
use std::sync::Arc;

/// One relation's part in the locking.
struct Target {
    lock: RowLock,
    members: Vec<Member>,
}

/// A table the relation's rows lie in.
struct Member {
    store: Arc<TableStore>,
    fetch: HeapFetch,
}

impl Target {
    fn start(lock: &RowLock) -> Result<Target> {
        let member = |(rel, map): &(Arc<Relation>, Vec<i16>)| {
            let store = store_of(rel)?;
            let attnos = lock.refresh.iter().map(|(_, attno)| mapped(map, *attno)).collect();
            Ok(Member { fetch: HeapFetch::new(store.clone(), Snapshot::any(), attnos), store })
        };
        Ok(Target { members: lock.members.iter().map(member).collect::<Result<_>>()?, lock: lock.clone() })
    }

    /// The member a row lies in.
    fn member_of(&self, batch: &Batch, row: usize) -> Result<usize> {
        let Some(column) = self.lock.tableoid else { return Ok(0) };
        let oid = batch.columns[column].get(row).u32();
        let found = self.lock.members.iter().position(|(rel, _)| rel.oid.0 == oid);
        found.ok_or_else(|| Error::internal("a row of no member of the tree"))
    }
}

pub(super) struct LockRows {
    input: Box<dyn Node>,
    targets: Vec<Target>,
    /// Of outer joins: what makes rows partners, and the columns that are NULL where there is none.
    outer: Vec<(Predicate, Vec<usize>)>,
    recheck: Option<Predicate>,
    batch: Option<Batch>,
    row: usize,
    /// The target being locked in the present row, and the version reached by following changes.
    target: usize,
    reached: Option<TupleId>,
    /// The present row as it is now, if it changed.
    fresh: Option<Batch>,
    kept: Vec<Kept>,
    /// A LIMIT above takes rows piecemeal: no row it does not want is locked.
    lazy: bool,
}

/// A row that comes out: as it came in, or as it is now.
enum Kept {
    AsIs(u32),
    Fresh(Batch),
}

impl LockRows {
    pub fn start(
        input: &Plan,
        locks: &[RowLock],
        outer: &[(Expr, Vec<usize>)],
        recheck: Option<&Expr>,
        lazy: bool,
        cx: &mut ExecContext,
    ) -> Result<LockRows> {
        Ok(LockRows {
            targets: locks.iter().map(Target::start).collect::<Result<_>>()?,
            outer: outer.iter().map(|(on, columns)| (Predicate::new(on), columns.clone())).collect(),
            recheck: recheck.map(Predicate::new),
            input: build(input, cx)?,
            batch: None,
            row: 0,
            target: 0,
            reached: None,
            fresh: None,
            kept: Vec::new(),
            lazy,
        })
    }

    /// Locks the present row in all relations; false: it is dropped.
    fn lock_row(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        while let Some(t) = self.targets.get_mut(self.target) {
            let Some(batch) = &self.batch else { return Ok(false) };
            let current = self.fresh.as_ref().map_or(batch, |b| b);
            let row = if self.fresh.is_some() { 0 } else { self.row };
            let named = match batch.columns[t.lock.ctid].get(self.row) {
                Datum::Bytes(b) => tid_from_bytes(b),
                _ => None,
            };
            let Some(tid) = self.reached.or(named) else {
                self.target += 1;
                continue;
            };
            let member = t.member_of(batch, self.row)?;
            let mut writer = Writer::for_locks(cx)?;
            // A cursor's rows may have been changed by later commands of its transaction: those rows are left alone.
            writer.cid = writer.cid.min(cx.snapshot()?.curcid);
            let strength = super::modify::strength(t.lock.strength);
            let found = crate::heap::lock_tuple(&writer.context(), &t.members[member].store, tid, strength)?;
            match claim(cx, found, &t.lock.members[member].0, t.lock.wait, ("locking", tid))? {
                Claim::Mine => {
                    if self.reached.is_some() {
                        let mut values = Batch::default();
                        if t.members[member].fetch.fetch_version(&writer.storage, tid, &mut values)?.is_none() {
                            return Ok(false);
                        }
                        let mut fresh = one_row(current, row);
                        for ((column, _), value) in t.lock.refresh.iter().zip(values.columns) {
                            fresh.columns[*column] = value;
                        }
                        self.fresh = Some(fresh);
                    }
                    self.reached = None;
                    self.target += 1;
                }
                Claim::Newer(ctid) => self.reached = Some(ctid),
                Claim::Gone => return Ok(false),
                Claim::Again => {}
            }
        }
        if let Some(fresh) = &mut self.fresh {
            for (on, columns) in &mut self.outer {
                if on.run(cx, fresh)?.is_some() {
                    let none = |n: &usize| Column::constant(fresh.columns[*n].phys(), Datum::Null, 1);
                    let empty: Vec<Column> = columns.iter().map(none).collect();
                    columns.iter().zip(empty).for_each(|(n, c)| fresh.columns[*n] = c);
                }
            }
        }
        match (&self.fresh, &mut self.recheck) {
            (Some(fresh), Some(p)) => Ok(p.run(cx, fresh)?.is_none()),
            _ => Ok(true),
        }
    }

    /// The rows kept; the batch goes once its last row is done.
    fn give(&mut self) -> Option<Batch> {
        let kept = std::mem::take(&mut self.kept);
        let batch = self.batch.as_mut()?;
        let plain: Vec<u32> = kept.iter().filter_map(|k| if let Kept::AsIs(r) = k { Some(*r) } else { None }).collect();
        let out = if kept.is_empty() {
            None
        } else if plain.len() == kept.len() {
            Some(batch.gather(&plain))
        } else {
            let mut columns: Vec<Column> = batch.columns.iter().map(|c| Column::new(c.phys())).collect();
            for k in &kept {
                let (from, row) = match k {
                    Kept::AsIs(r) => (&*batch, *r as usize),
                    Kept::Fresh(b) => (b, 0),
                };
                columns.iter_mut().zip(&from.columns).for_each(|(to, c)| to.push_from(c, row));
            }
            Some(Batch { columns, rows: kept.len() })
        };
        if self.row == batch.rows {
            self.batch = None;
        }
        out
    }

    fn next_row(&mut self) {
        self.row += 1;
        self.target = 0;
        self.reached = None;
        self.fresh = None;
    }
}

fn one_row(batch: &Batch, row: usize) -> Batch {
    Batch { columns: batch.columns.iter().map(|c| c.gather_rows(&[row as u32])).collect(), rows: 1 }
}

impl Node for LockRows {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.batch.is_none() {
                self.batch = self.input.next(cx)?;
                self.row = 0;
                self.target = 0;
            }
            let Some(rows) = self.batch.as_ref().map(|b| b.rows) else { return Ok(None) };
            while self.row < rows && (!self.lazy || self.kept.len() < cx.run.row_goal.max(1)) {
                cx.interrupts.check()?;
                if self.lock_row(cx)? {
                    self.kept.push(match self.fresh.take() {
                        Some(b) => Kept::Fresh(b),
                        None => Kept::AsIs(self.row as u32),
                    });
                }
                self.next_row();
            }
            if let Some(out) = self.give() {
                return Ok(Some(out));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.batch = None;
        self.kept.clear();
        self.fresh = None;
        self.reached = None;
        Ok(())
    }
}
