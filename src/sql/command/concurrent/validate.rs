//! The second look at a table whose writers maintain an index already: rows that it lacks are put in.
//!
//! PostgreSQL 15, index.c, validate_index: same. A row is known by its chain's root. Whoever has put a row in before he
//! committed has it in the list of what is there, which is made after the snapshot was taken.

use super::super::index::{Keys, of_table};
use crate::base::{BlockNo, Csn, Error, Flow, Oid, Result, TupleId};
use crate::btree::node::{push_tid, split_entry};
use crate::btree::{IndexEntry, Inserted};
use crate::catalog::{Index, Relation};
use crate::heap::{BuildRow, BuildScan, Occupant, TableStore, occupant};
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup};
use crate::sql::exec::{ExecContext, KeyArena, Sorter, after_row, patiently};
use crate::sql::expr::eval::Sel;
use crate::stat::Task;
use crate::types::{Batch, Column};
use std::sync::Arc;

/// Where an index's entries lead, in the table's order.
struct Present {
    sorter: Sorter,
    /// A piece of the sorted places, and how many of it have been looked at.
    piece: KeyArena,
    at: usize,
    block: Option<BlockNo>,
    /// The lines of that block.
    lines: Vec<u16>,
}

impl Present {
    fn gather(cx: &mut ExecContext, index: &Index) -> Result<Present> {
        let memory = cx.backend()?.view.bytes(Id::MaintenanceWorkMem).max(1 << 20) as usize;
        let storage = cx.storage()?;
        let mut sorter = Sorter::of_keys(memory);
        let mut key = Vec::new();
        index.every_tid(&storage, &mut |tid| {
            cx.interrupts.check()?;
            key.clear();
            push_tid(&mut key, tid);
            sorter.push_key(cx, &key)
        })?;
        cx.backend()?.activity.progress(Task::CreateIndex, &[(9, 5)]);
        sorter.finish(cx)?;
        Ok(Present { sorter, piece: KeyArena::default(), at: 0, block: None, lines: Vec::new() })
    }

    /// Whether an entry leads there; to be asked in ascending order of blocks.
    fn has(&mut self, tid: TupleId) -> Result<bool> {
        if self.block != Some(tid.block) {
            self.block = Some(tid.block);
            self.lines.clear();
            while let Some(next) = self.next_up_to(tid.block)? {
                if next.block == tid.block {
                    self.lines.push(next.offset);
                }
            }
        }
        Ok(self.lines.binary_search(&tid.offset).is_ok())
    }

    /// Takes the next place unless it lies behind that block.
    fn next_up_to(&mut self, block: BlockNo) -> Result<Option<TupleId>> {
        while self.at == self.piece.len() {
            (self.at, self.piece) = (0, KeyArena::default());
            if self.sorter.next(Some(&mut self.piece))?.is_none() {
                return Ok(None);
            }
        }
        let tid = split_entry(self.piece.get(self.at)).1;
        if tid.block > block {
            return Ok(None);
        }
        self.at += 1;
        Ok(Some(tid))
    }
}

/// Entries that some rows lack.
#[derive(Default)]
pub struct Missing {
    list: Vec<IndexEntry>,
    /// The row of `values` that each is of.
    rows: Vec<usize>,
    values: Vec<Column>,
    done: usize,
}

impl Missing {
    /// The entries of some rows of a batch, which lie where `place` says.
    pub fn of(
        cx: &mut ExecContext,
        index: &Index,
        keys: &mut Keys,
        batch: &Batch,
        rows: &[u32],
        place: &dyn Fn(u32) -> TupleId,
    ) -> Result<Missing> {
        let mut missing = Missing::default();
        if rows.is_empty() {
            return Ok(missing);
        }
        let columns = &mut keys.columns;
        missing.values = patiently(cx, |cx| columns.run(cx, batch, Sel::Rows(rows)))?;
        let mut found = Vec::new();
        let values = &missing.values;
        for (at, row) in rows.iter().enumerate() {
            let has_null = !index.nulls_not_distinct && values.iter().any(|c| c.is_null(at));
            index.keys(values.iter().map(|c| c.get(at)), &mut found);
            for key in found.drain(..) {
                let entry = IndexEntry { key, tid: Some(place(*row)), has_null };
                index.store.check_entry(&entry)?;
                missing.list.push(entry);
                missing.rows.push(at);
            }
        }
        Ok(missing)
    }

    /// Puts them in, one by one. Waits for transactions on whose end a duplicate depends.
    pub fn put(&mut self, cx: &mut ExecContext, table: &Relation, store: &TableStore, index: &Index) -> Flow<()> {
        while let Some(entry) = self.list.get(self.done) {
            let backend = cx.backend()?;
            let xid = backend.txn.xid();
            let own = backend.txn.own().clone();
            let storage = cx.storage()?;
            let one = std::slice::from_ref(entry);
            if !index.unique {
                index.insert(&storage, xid.into(), one)?;
                self.done += 1;
                continue;
            }
            let tid = entry.tid.unwrap_or(TupleId::INVALID);
            let mut judge = |tid| occupant(&storage, store, tid, &own);
            let met = index.store.insert_unique(&storage, xid.into(), one, &mut judge)?.1;
            let other = match met {
                Inserted::Done => None,
                Inserted::Doubtful(xid) => Some(xid),
                // What was deleted since the snapshot was taken is in nobody's way.
                Inserted::Duplicate(_) => match occupant(&storage, store, tid, &own)? {
                    Occupant::None { .. } => {
                        index.insert(&storage, xid.into(), one)?;
                        None
                    }
                    Occupant::Running(_, xid) => Some(xid),
                    Occupant::Live(_) => {
                        let row = self.rows[self.done];
                        return Err(after_row::unique::duplicate(cx, table, index, &self.values, row).into());
                    }
                },
            };
            if let Some(xid) = other {
                let name = &index.name;
                cx.wait_for(xid, || format!("while inserting index tuple {tid} in relation \"{name}\""))?;
                continue;
            }
            self.done += 1;
        }
        Ok(())
    }
}

pub struct Validation {
    table: Arc<Relation>,
    store: Arc<TableStore>,
    index: Arc<Index>,
    keys: Keys,
    csn: Csn,
    scan: BuildScan,
    present: Present,
    missing: Missing,
}

impl Validation {
    pub fn start(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<Validation> {
        let (table, index) = of_table(cx, table, index)?;
        let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
        let keys = Keys::new(cx, &table, &index)?;
        let snapshot: Snapshot = cx.backend()?.txn.latest_snapshot();
        cx.backend()?.activity.progress(Task::CreateIndex, &[(9, 4)]);
        let present = Present::gather(cx, &index)?;
        let csn = snapshot.csn;
        let scan = BuildScan::new(store.clone(), keys.attnos.clone(), Some(snapshot));
        cx.backend()?.activity.progress(Task::CreateIndex, &[(9, 6)]);
        Ok(Validation { table, store, index, keys, csn, scan, present, missing: Missing::default() })
    }

    /// Who sees all commits up to this one finds what he looks for.
    pub fn csn(&self) -> Csn {
        self.csn
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            self.missing.put(cx, &self.table, &self.store, &self.index)?;
            if !self.read(cx)? {
                return Ok(());
            }
        }
    }

    /// Reads a batch, and makes the entries that it lacks; false at the end.
    fn read(&mut self, cx: &mut ExecContext) -> Result<bool> {
        cx.interrupts.check()?;
        let storage = cx.storage()?;
        let (mut batch, mut rows) = (Batch::default(), Vec::<BuildRow>::new());
        self.missing = Missing::default();
        if !self.scan.next(&storage, &mut batch, &mut rows)? {
            return Ok(false);
        }
        batch.rows = rows.len();
        let mut picked = Vec::new();
        for (n, row) in (0u32..).zip(&rows) {
            if !self.present.has(row.tid)? {
                picked.push(n);
            }
        }
        self.keys.pick(cx, &batch, &mut picked)?;
        let place = |row: u32| rows[row as usize].tid;
        self.missing = Missing::of(cx, &self.index, &mut self.keys, &batch, &picked, &place)?;
        Ok(true)
    }
}
