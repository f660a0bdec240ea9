//! Copying a table into new files: VACUUM FULL and CLUSTER.
//!
//! Versions keep who made and deleted them, so that every snapshot sees the same in the copy. Links between versions
//! are not kept: who finds a deleted version in the copy finds "deleted", not "updated" (departs from PostgreSQL 15,
//! rewriteheap.c). Pages are logged whole.

use super::decode;
use super::encode::{Encoded, Stamp, append_row};
use super::fetch::{self, Chain};
use super::freeze;
use super::insert::WriteContext;
use super::shrink::shrink;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple, mask, mask2, put};
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Csn, Flow, Result, Stop, TupleId, Xid};
use crate::buffer::critical;
use crate::page::{PAGE_SIZE, Page};
use crate::storage::Storage;
use crate::types::Batch;
use crate::wal::record::xlog;
use crate::wal::{BlockMode, Record, Rmgr};
use std::sync::Arc;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RewriteReport {
    pub live: u64,
    pub recently_dead: u64,
    pub removed: u64,
    pub pages: BlockNo,
    /// Below it nothing in the copy needs the commit log.
    pub frozen: Xid,
}

/// Copies versions one after another. Both tables have the same columns and are locked against everybody.
pub struct Rewrite<'a> {
    cx: WriteContext<'a>,
    from: Arc<TableStore>,
    to: Arc<TableStore>,
    page: Box<Page>,
    horizon: Csn,
    /// What is older is frozen.
    cutoff: Xid,
    report: RewriteReport,
}

impl<'a> Rewrite<'a> {
    pub fn new(cx: WriteContext<'a>, from: Arc<TableStore>, to: Arc<TableStore>) -> Rewrite<'a> {
        let horizon = from.compute_horizon(cx.storage);
        let page = Box::new(Page::initialised(0));
        let cutoff = from.oldest_on_the_way(cx.storage);
        let report = RewriteReport { frozen: cutoff, ..RewriteReport::default() };
        Rewrite { cx, from, to, page, horizon, cutoff, report }
    }

    /// Copies all versions of a page, in their order.
    pub fn copy_page(&mut self, block: BlockNo) -> Flow<()> {
        let page = {
            let page = self.cx.storage.pool.read(&self.from.main, block)?;
            Box::new(page.clone())
        };
        if page.is_new() {
            return Ok(());
        }
        for line in 1..=page.item_count() {
            if page.pointer(line).is_normal() {
                self.copy_version(TupleId::new(block, line), page.item(line))?;
            }
        }
        Ok(())
    }

    /// Copies all versions an index entry leads to: CLUSTER, in the index's order.
    pub fn copy_row(&mut self, root: TupleId) -> Flow<()> {
        let Some(guard) = fetch::page(self.cx.storage, &self.from, root)? else { return Ok(()) };
        let page = Box::new(guard.clone());
        drop(guard);
        for line in Chain::new(&page, root) {
            self.copy_version(TupleId::new(root.block, line), page.item(line))?;
        }
        Ok(())
    }

    /// Writes the last page.
    pub fn finish(mut self) -> Flow<RewriteReport> {
        if self.page.item_count() > 0 {
            self.write_page()?;
        }
        Ok(self.report)
    }

    fn copy_version(&mut self, tid: TupleId, bytes: &[u8]) -> Flow<()> {
        let mut judge = Judge::new(self.cx.storage);
        let mut bits = 0;
        let deleted = match judge.fate(Tuple(bytes), self.horizon, &mut bits) {
            Fate::Dead => {
                self.report.removed += 1;
                return Ok(());
            }
            Fate::RecentlyDead | Fate::DeleteInProgress(_) => true,
            Fate::Live | Fate::InsertInProgress(_) => false,
        };
        let mut copy = self.values(tid, bytes)?;
        self.header(Tuple(bytes), deleted, &mut copy);
        if let Some(kept) = freeze::freeze_copy(&mut judge, &mut copy, self.cutoff) {
            self.report.frozen = self.report.frozen.min(kept);
        }
        match deleted {
            true => self.report.recently_dead += 1,
            false => self.report.live += 1,
        }
        self.add(&copy)
    }

    /// The version's bytes with its values as the new table stores them.
    fn values(&mut self, tid: TupleId, bytes: &[u8]) -> Flow<Vec<u8>> {
        let desc = self.from.desc();
        let t = Tuple(bytes);
        let whole = t.natts() == desc.len() && !desc.attrs.iter().any(|a| a.dropped);
        if whole && !t.has(mask::HAS_EXTERNAL) {
            return Ok(bytes.to_vec());
        }
        let attnos: Vec<i16> = (1..=desc.len() as i16).collect();
        let mut row = Batch { columns: decode::new_columns(desc, &attnos, 1), rows: 0 };
        decode::append_version(self.cx.storage, &self.from, &attnos, bytes, tid, &mut row)?;
        let replaced = patiently(self.cx.storage, || shrink(&self.cx, &self.to, &row, 0, Vec::new()))?;
        let mut encoded = Encoded::default();
        append_row(&mut encoded, self.to.desc(), &row, 0, Stamp::fresh(t.xmin(), t.cid()), &replaced);
        Ok(encoded.bytes)
    }

    fn header(&self, old: Tuple<'_>, deleted: bool, copy: &mut [u8]) {
        let kept = mask::XMIN_COMMITTED | mask::XMIN_INVALID | mask::UPDATED;
        let mut bits = Tuple(copy).infomask() & (mask::HAS_NULL | mask::HAS_EXTERNAL) | old.infomask() & kept;
        let mut bits2 = Tuple(copy).infomask2() & mask2::NATTS;
        if deleted {
            bits |= old.infomask() & (mask::XMAX_COMMITTED | mask::COMBO_CID);
            bits2 |= old.infomask2() & mask2::KEYS_UPDATED;
            put::xmax(copy, old.xmax());
        } else {
            bits |= mask::XMAX_INVALID;
            put::xmax(copy, Xid::INVALID);
        }
        put::xmin(copy, old.xmin());
        put::cid(copy, old.cid());
        put::infomask(copy, bits);
        put::infomask2(copy, bits2);
    }

    fn add(&mut self, bytes: &[u8]) -> Flow<()> {
        let kept = if self.page.item_count() == 0 { 0 } else { self.to.kept_free() };
        if self.page.heap_free_space(MAX_ITEMS) < bytes.len() + kept {
            self.write_page()?;
        }
        let line = self.page.add_item(bytes).ok_or_else(|| crate::base::Error::internal("a row became too big"))?;
        let tid = TupleId::new(self.report.pages, line);
        put::ctid(self.page.item_mut(line), tid);
        Ok(())
    }

    fn write_page(&mut self) -> Flow<()> {
        let storage = self.cx.storage;
        if self.to.main.is_logged() {
            patiently(storage, || storage.wal.reserve(Record::max_bytes(1, PAGE_SIZE)))?;
        }
        let block = storage.pool.extend(&self.to.main, 1)?.start;
        assert_eq!(block, self.report.pages, "a rewritten table grows by its rewrite alone");
        let mut page = storage.pool.init(&self.to.main, block)?;
        let _critical = critical::enter();
        page.bytes_mut().copy_from_slice(self.page.bytes());
        storage.pool.log(Rmgr::Xlog, xlog::FPI, self.cx.xid, &mut [(&mut page, BlockMode::Image)], &[]);
        self.page.init(0);
        self.report.pages += 1;
        Ok(())
    }
}

/// A full log queue empties by itself: the copy, whose place in the old table would be lost, waits for it here. Nobody
/// else is held up, the table is the copier's alone.
fn patiently<T>(storage: &Storage, mut step: impl FnMut() -> Flow<T>) -> Flow<T> {
    loop {
        match step() {
            Err(Stop::Wait(_)) => storage.wal.flush(storage.wal.insert_lsn()),
            done => return done,
        }
    }
}

/// Copies the rows that an index leads to, in its order; `next` gives some of its entries, and false with the last.
/// The index must have all rows.
pub fn rewrite_by_index(
    cx: WriteContext<'_>,
    from: &Arc<TableStore>,
    to: &Arc<TableStore>,
    next: &mut dyn FnMut(&mut Vec<TupleId>) -> Result<bool>,
) -> Flow<RewriteReport> {
    let mut work = Rewrite::new(cx, from.clone(), to.clone());
    let mut roots = Vec::new();
    loop {
        roots.clear();
        let more = next(&mut roots)?;
        for root in &roots {
            work.copy_row(*root)?;
        }
        if !more {
            return work.finish();
        }
    }
}

/// Copies a whole table in physical order.
pub fn rewrite(
    cx: WriteContext<'_>,
    from: &Arc<TableStore>,
    to: &Arc<TableStore>,
    pace: &mut dyn FnMut() -> Result<()>,
) -> Flow<RewriteReport> {
    let blocks = from.nblocks(cx.storage)?;
    let mut work = Rewrite::new(cx, from.clone(), to.clone());
    for block in 0..blocks {
        pace()?;
        work.copy_page(block)?;
    }
    work.finish()
}
