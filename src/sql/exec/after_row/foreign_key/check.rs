//! Referring rows: what they refer to must be there.

use super::lookup::Lookup;
use super::{Query, Reference, newest, words};
use crate::base::{Flow, Result};
use crate::heap::HeapFetch;
use crate::lock::LockMode;
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::{Event, Nested, Work, triggers};
use crate::types::{Batch, Value};
use hashbrown::HashSet;
use std::sync::Arc;

/// The check of many rows of one constraint.
pub struct Check {
    reference: Arc<Reference>,
    event: Event,
    row: usize,
    locked: bool,
    snapshot: Snapshot,
    /// Keys found and locked.
    seen: HashSet<Box<[u8]>>,
    key: Vec<u8>,
    last: Vec<u8>,
    lookup: Lookup,
    nested: Option<Nested>,
    /// Looked a second time: by a snapshot taken then.
    again: bool,
}

impl Check {
    pub fn start(cx: &mut ExecContext, reference: Arc<Reference>, event: Event) -> Result<Check> {
        Ok(Check {
            reference,
            event,
            row: 0,
            locked: false,
            snapshot: cx.backend()?.txn.snapshot(),
            seen: HashSet::new(),
            key: Vec::new(),
            last: Vec::new(),
            lookup: Lookup::default(),
            nested: None,
            again: false,
        })
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if !self.locked {
            self.lock(cx)?;
        }
        while self.row < self.event.rows.rows {
            if self.row.is_multiple_of(256) {
                cx.poll()?;
            }
            self.one(cx)?;
            self.row += 1;
            self.again = false;
        }
        Ok(())
    }

    /// The parent stays as it is from now on; it may have been rewritten before.
    fn lock(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            cx.backend()?.txn.lock_relation(self.reference.parent.oid, LockMode::RowShare)?;
            if !self.reference.parent.is_stale() && !self.reference.child.is_stale() {
                self.locked = true;
                return Ok(());
            }
            match triggers::again(cx, &self.event.trigger)? {
                Some(trigger) => {
                    if let Work::Check(reference) = &trigger.work {
                        self.reference = reference.clone();
                    }
                    self.event.trigger = trigger;
                }
                None => {
                    self.row = self.event.rows.rows;
                    return Ok(());
                }
            }
        }
    }

    fn one(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let columns = &self.event.rows.columns;
        if columns.iter().any(|c| c.is_null(self.row)) {
            return match self.alive(cx)? {
                true => Err(words::mixed(&self.reference).into()),
                false => Ok(()),
            };
        }
        loop {
            let found = if self.reference.direct { self.by_index(cx)? } else { self.by_query(cx)? };
            if found || !self.alive(cx)? {
                return Ok(());
            }
            // Rows committed since the first look count, too, where snapshots do not last.
            if self.again || cx.backend()?.txn.isolation.keeps_snapshot() {
                let e = words::not_present(cx, &self.reference, &self.event.rows.columns, self.row);
                return Err(e.into());
            }
            self.again = true;
            self.snapshot = newest(cx)?;
            self.lookup = Lookup::default();
        }
    }

    fn by_index(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        let r = &*self.reference;
        if !r.encode(&self.event.rows.columns, self.row, &mut self.key) {
            return Ok(false);
        }
        if self.key == self.last && !self.last.is_empty() || self.seen.contains(&*self.key) {
            return Ok(true);
        }
        let found = self.lookup.run(cx, r, &self.key, &self.snapshot)?;
        self.lookup = Lookup::default();
        if found {
            self.seen.insert(self.key.as_slice().into());
            self.last.clone_from(&self.key);
        }
        Ok(found)
    }

    fn by_query(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        if self.nested.is_none() {
            let plan = self.reference.planned(cx, Query::Parent)?;
            let row = self.row;
            let params: Arc<[Value]> = self.event.rows.columns.iter().map(|c| c.get(row).to_value()).collect();
            self.nested = Some(Nested::start(cx, plan, params, self.snapshot.clone(), None)?);
        }
        let Some(nested) = &mut self.nested else { return Ok(false) };
        let found = nested.next(cx)?.is_some();
        self.nested = None;
        Ok(found)
    }

    /// Whether the row is still as it was written: if not, whoever changed it has it checked.
    fn alive(&self, cx: &mut ExecContext) -> Result<bool> {
        let Some(tid) = self.event.tids.get(self.row) else { return Ok(true) };
        let store = super::super::super::seq_scan::store_of(&self.reference.child)?;
        let backend = cx.backend()?;
        let snapshot = Snapshot::self_all(backend.txn.own().clone());
        let mut fetch = HeapFetch::new(store, snapshot, Vec::new());
        Ok(fetch.fetch_exact(&backend.txn.storage, *tid, &mut Batch::default())?.is_some())
    }
}
