//! REFRESH MATERIALIZED VIEW CONCURRENTLY: only what differs is changed, so that readers go on.
//!
//! PostgreSQL 15, matview.c, refresh_by_match_merge: same result. It joins old and new rows by a unique index and
//! compares them bit by bit; here both are sorted by their bits, which brings equal ones together.

use super::concurrent::Missing;
use super::index::Keys;
use crate::base::{Error, Flow, Oid, Result, SqlState, TupleId};
use crate::catalog::{Index, Relation};
use crate::heap::{BuildScan, TableStore, TmResult};
use crate::sql::exec::{ExecContext, KeyArena, KeyColumn, Sorter, Ties, Writer, phys_of};
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid, record};
use std::sync::Arc;

/// What is done next.
enum Phase {
    /// New rows are still to come.
    Take,
    Compare,
    /// Entries of the n-th index.
    Insert(usize),
}

/// Old and new rows of a materialized view.
pub struct Merge {
    table: Arc<Relation>,
    store: Arc<TableStore>,
    phase: Phase,
    /// Both by their images, old ones first; behind the columns stands where an old row lies, nothing for a new one.
    all: Sorter,
    /// Rows to be put in, once the others are gone.
    fresh: Sorter,
    /// The image that is looked at, old rows with it that no new row has been found for, and whether there was a new one.
    image: Vec<u8>,
    old: Vec<TupleId>,
    seen: bool,
    /// Rows that must go.
    dead: Vec<TupleId>,
    /// Rows being put in, where they lie, and their entries of one index.
    pending: Option<(Batch, Vec<TupleId>)>,
    missing: Option<Missing>,
}

/// A place as a number.
fn packed(tid: TupleId) -> i64 {
    i64::from(tid.block) << 16 | i64::from(tid.offset)
}

fn unpacked(n: i64) -> TupleId {
    TupleId::new((n >> 16) as u32, n as u16)
}

impl Merge {
    /// Reads the rows there are. Nobody else may change them.
    pub fn start(cx: &mut ExecContext, table: Oid) -> Result<Merge> {
        let table = super::constraint::relation(cx, table)?;
        let store = table.store.clone().ok_or_else(|| Error::internal("a relation without rows"))?;
        let forms: Vec<Phys> = table.attributes.iter().map(|a| phys_of(a.ty)).collect();
        let mut with_place = forms.clone();
        with_place.push(Phys::I64);
        let by_image = vec![KeyColumn::ascending(TypeRef::of(oid::BYTEA))];
        let mut merge = Merge {
            store: store.clone(),
            phase: Phase::Take,
            all: Sorter::new(by_image, &with_place, None, Ties::Stable),
            fresh: Sorter::new(Vec::new(), &forms, None, Ties::Stable),
            image: Vec::new(),
            old: Vec::new(),
            seen: false,
            dead: Vec::new(),
            pending: None,
            missing: None,
            table,
        };
        let storage = cx.storage()?;
        let snapshot = cx.backend()?.txn.latest_snapshot();
        let mut scan = BuildScan::new(store, (1..=forms.len() as i16).collect(), Some(snapshot));
        let (mut batch, mut rows) = (Batch::default(), Vec::new());
        while scan.next(&storage, &mut batch, &mut rows)? {
            cx.interrupts.check()?;
            batch.rows = rows.len();
            let places: Vec<Option<TupleId>> = rows.iter().map(|r| Some(r.tid)).collect();
            merge.add(cx, &batch, &places)?;
        }
        Ok(merge)
    }

    /// Takes new rows.
    pub fn take(&mut self, cx: &mut ExecContext, batch: &Batch) -> Result<()> {
        self.add(cx, batch, &vec![None; batch.rows])
    }

    fn add(&mut self, cx: &mut ExecContext, batch: &Batch, places: &[Option<TupleId>]) -> Result<()> {
        let (mut images, mut tids) = (Column::new(Phys::Bytes), Column::new(Phys::I64));
        let mut image = Vec::new();
        for (row, place) in places.iter().enumerate() {
            self.image_of(batch, row, &mut image);
            images.push(Datum::Bytes(&image));
            tids.push(place.map_or(Datum::Null, |tid| Datum::I64(packed(tid))));
        }
        let mut columns = batch.columns.clone();
        columns.push(tids);
        self.all.push(cx, &[&images], &Batch { columns, rows: batch.rows })
    }

    /// A row as a value, by which rows are compared and shown.
    fn image_of(&self, batch: &Batch, row: usize, out: &mut Vec<u8>) {
        out.clear();
        let columns = self.table.attributes.iter().zip(&batch.columns);
        let columns = columns.map(|(a, c)| (a.name.as_str(), a.ty.oid, c.get(row)));
        record::build(TypeRef::of(oid::RECORD), columns, out);
    }

    /// Changes what differs. To be repeated after a wait.
    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        if let Phase::Take = self.phase {
            self.all.finish(cx)?;
            self.phase = Phase::Compare;
        }
        if let Phase::Compare = self.phase {
            while self.compare(cx)? {
                self.delete(cx)?;
            }
            self.delete(cx)?;
            self.fresh.finish(cx)?;
            self.phase = Phase::Insert(0);
        }
        self.insert(cx)
    }

    /// Looks at some more rows; false at the end.
    fn compare(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        // What is left of the last call goes first.
        self.delete(cx)?;
        cx.interrupts.check()?;
        let mut keys = KeyArena::default();
        let Some(batch) = self.all.next(Some(&mut keys))? else {
            self.dead.append(&mut self.old);
            return Ok(false);
        };
        let width = batch.columns.len() - 1;
        let mut fresh = Vec::new();
        for row in 0..batch.rows {
            if keys.get(row) != self.image {
                self.dead.append(&mut self.old);
                self.image = keys.get(row).to_vec();
                self.seen = false;
            }
            match batch.columns[width].get(row) {
                Datum::I64(place) => self.old.push(unpacked(place)),
                _ => {
                    if self.seen && !batch.columns[..width].iter().any(|c| c.is_null(row)) {
                        return Err(self.twice(cx, &batch, row)?.into());
                    }
                    self.seen = true;
                    if self.old.pop().is_none() {
                        fresh.push(row as u32);
                    }
                }
            }
        }
        let columns = batch.columns[..width].iter().map(|c| c.gather_rows(&fresh)).collect();
        self.fresh.push(cx, &[], &Batch { columns, rows: fresh.len() })?;
        Ok(true)
    }

    /// 21000 for a new row that is there twice.
    fn twice(&self, cx: &ExecContext, batch: &Batch, row: usize) -> Result<Error> {
        let (mut image, mut shown) = (Vec::new(), Vec::new());
        self.image_of(batch, row, &mut image);
        record::write(&image, &mut shown, &cx.fx.io)?;
        let name = &self.table.name;
        let text =
            format!("new data for materialized view \"{name}\" contains duplicate rows without any null columns");
        let shown = String::from_utf8_lossy(&shown);
        Ok(Error::new(SqlState::CARDINALITY_VIOLATION, text).detail(format!("Row: {shown}")))
    }

    fn delete(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(tid) = self.dead.last() {
            let writer = Writer::for_rows(cx)?;
            match crate::heap::delete(&writer.context(), &self.store, *tid)? {
                TmResult::Ok => {}
                other => return Err(Error::internal(format!("a row of a locked view was changed: {other:?}")).into()),
            }
            cx.backend()?.stats.count_delete(self.table.oid, 1);
            self.dead.pop();
        }
        Ok(())
    }

    fn insert(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if self.pending.is_none() {
                cx.interrupts.check()?;
                let Some(batch) = self.fresh.next(None)? else { return Ok(()) };
                self.pending = Some((batch, Vec::new()));
            }
            let Some((batch, tids)) = &mut self.pending else { continue };
            if tids.len() < batch.rows {
                let writer = Writer::for_rows(cx)?;
                crate::heap::insert(&writer.context(), &self.store, batch, tids)?;
                cx.backend()?.stats.count_insert(self.table.oid, batch.rows as u64);
            }
            while let Phase::Insert(n) = self.phase
                && let Some(index) = self.table.indexes.get(n).cloned()
            {
                if self.missing.is_none() && index.ready {
                    self.missing = Some(entries(cx, &self.table, &index, batch, tids)?);
                }
                if let Some(missing) = &mut self.missing {
                    missing.put(cx, &self.table, &self.store, &index)?;
                }
                self.missing = None;
                self.phase = Phase::Insert(n + 1);
            }
            self.pending = None;
            self.phase = Phase::Insert(0);
        }
    }
}

/// The entries of one index for rows that lie at `tids`.
fn entries(
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    index: &Arc<Index>,
    batch: &Batch,
    tids: &[TupleId],
) -> Result<Missing> {
    let mut keys = Keys::new(cx, table, index)?;
    // The index reads a batch of just its attributes.
    let columns = keys.attnos.iter().map(|a| batch.columns[*a as usize - 1].clone()).collect();
    let batch = Batch { columns, rows: batch.rows };
    let mut picked: Vec<u32> = (0..batch.rows as u32).collect();
    keys.pick(cx, &batch, &mut picked)?;
    Missing::of(cx, index, &mut keys, &batch, &picked, &|row| tids[row as usize])
}
