//! Reading a table to build an index on it: every version that some snapshot may look up, under its chain's root.
//!
//! PostgreSQL 15, heapam_handler.c, heapam_index_build_range_scan: same choice of versions. The table is locked against
//! writers. Departs from it in having no `indcheckxmin`: a snapshot older than the index may miss versions that a HOT
//! update replaced before the build.
//!
//! Where the table is written to meanwhile, only what one snapshot shows is read: of each row a single version. Whoever
//! updates it knows of the index then, and makes no version heap-only that the index would have elsewhere.

use super::decode::{self, Columns, RowAt};
use super::fetch::Chain;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple};
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Csn, Result, TupleId};
use crate::buffer::ScanReader;
use crate::mvcc::Snapshot;
use crate::page::{PAGE_SIZE, Page, State};
use crate::storage::Storage;
use crate::types::{BATCH_ROWS, Batch};
use std::ops::Range;
use std::sync::Arc;

/// A row of the new index leads here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BuildRow {
    /// The HOT chain's root.
    pub tid: TupleId,
    /// Deleted ones are indexed for old snapshots, but do not count for uniqueness.
    pub alive: bool,
}

pub struct BuildScan {
    store: Arc<TableStore>,
    attnos: Vec<i16>,
    next: BlockNo,
    end: Option<BlockNo>,
    horizon: Csn,
    reader: ScanReader,
    seen: Option<Snapshot>,
    /// Of these blocks every version that somebody may see, now or later.
    wanted: Option<Range<BlockNo>>,
    /// The pages read last and the versions chosen from them; how many of these were given: the values of the others
    /// found no room in the batch.
    buffers: Vec<Arc<[u8]>>,
    blocks: Vec<BlockNo>,
    places: Vec<RowAt>,
    found: Vec<BuildRow>,
    given: usize,
}

impl BuildScan {
    /// `seen`: what is to be read of a table that is written to.
    pub fn new(store: Arc<TableStore>, attnos: Vec<i16>, seen: Option<Snapshot>) -> BuildScan {
        BuildScan {
            store,
            attnos,
            next: 0,
            end: None,
            horizon: Csn(0),
            reader: ScanReader::default(),
            seen,
            wanted: None,
            buffers: Vec::new(),
            blocks: Vec::new(),
            places: Vec::new(),
            found: Vec::new(),
            given: 0,
        }
    }

    /// Reads of these blocks every version that is not dead to all, whatever becomes of who made or deleted it, of a table
    /// that is written to.
    pub fn of_blocks(store: Arc<TableStore>, attnos: Vec<i16>, blocks: Range<BlockNo>) -> BuildScan {
        BuildScan { next: blocks.start, wanted: Some(blocks), ..BuildScan::new(store, attnos, None) }
    }

    /// Pages in all, once started, and pages read.
    pub fn progress(&self) -> (BlockNo, BlockNo) {
        (self.end.unwrap_or(0), self.next)
    }

    /// Replaces `out` and `rows` by the next versions; false at the end.
    pub fn next(&mut self, storage: &Storage, out: &mut Batch, rows: &mut Vec<BuildRow>) -> Result<bool> {
        let end = match self.end {
            Some(end) => end,
            None => {
                let end = match &self.wanted {
                    Some(blocks) => blocks.end,
                    None => self.store.nblocks(storage)?,
                };
                self.horizon = self.store.compute_horizon(storage);
                self.reader = ScanReader::new(&storage.pool, end);
                *self.end.insert(end)
            }
        };
        out.columns = decode::new_columns(self.store.desc(), &self.attnos, 0);
        out.rows = 0;
        rows.clear();
        if self.given < self.places.len() {
            self.give(storage, out, rows)?;
            return Ok(true);
        }
        self.given = 0;
        self.buffers.clear();
        self.blocks.clear();
        self.places.clear();
        self.found.clear();
        if self.next >= end {
            return Ok(false);
        }
        while self.next < end && self.places.len() + MAX_ITEMS as usize <= BATCH_ROWS {
            let mut bytes = vec![0; PAGE_SIZE];
            self.reader.copy(&storage.pool, &self.store.main, self.next, end, &mut bytes)?;
            let page = Page::from_bytes(bytes[..].try_into().expect("a page's length"));
            self.choose(storage, &page);
            self.buffers.push(Arc::from(bytes));
            self.blocks.push(self.next);
            self.next += 1;
        }
        self.give(storage, out, rows)?;
        Ok(true)
    }

    /// The next of the versions chosen.
    fn give(&mut self, storage: &Storage, out: &mut Batch, rows: &mut Vec<BuildRow>) -> Result<()> {
        let places = &self.places[self.given..];
        Columns::new(storage, &self.store, &self.buffers, &self.blocks, places).fill(&self.attnos, out)?;
        rows.extend_from_slice(&self.found[self.given..self.given + out.rows]);
        self.given += out.rows;
        Ok(())
    }

    fn choose(&mut self, storage: &Storage, page: &Page) {
        if page.is_new() {
            return;
        }
        let buffer = self.buffers.len() as u16;
        let roots = roots(page);
        let mut judge = Judge::new(storage);
        for line in 1..=page.item_count() {
            let p = page.pointer(line);
            if !p.is_normal() {
                continue;
            }
            let t = Tuple(page.item(line));
            let alive = match &self.seen {
                Some(snapshot) => judge.visible(t, snapshot, &mut 0).then_some(true),
                None if self.wanted.is_some() => (judge.fate(t, self.horizon, &mut 0) != Fate::Dead).then_some(true),
                None => self.is_alive(&mut judge, t),
            };
            let Some(alive) = alive else { continue };
            let root = roots[line as usize];
            if root == 0 && self.wanted.is_none() {
                // A heap-only version of a rolled-back update.
                continue;
            }
            self.places.push(RowAt { buffer, start: p.offset() as u16, len: p.len() as u16, line });
            self.found.push(BuildRow { tid: TupleId::new(self.next, root), alive });
        }
    }
}

impl BuildScan {
    /// Whether a version counts for uniqueness; None: it is not to be indexed.
    fn is_alive(&self, judge: &mut Judge<'_>, t: Tuple<'_>) -> Option<bool> {
        match judge.fate(t, self.horizon, &mut 0) {
            Fate::Dead => None,
            // Its successor stands for the chain.
            Fate::RecentlyDead | Fate::DeleteInProgress(_) if t.is_hot_updated() => None,
            Fate::RecentlyDead | Fate::DeleteInProgress(_) => Some(false),
            Fate::Live | Fate::InsertInProgress(_) => Some(true),
        }
    }
}

/// The root of each line pointer's chain; 0 for versions no chain leads to.
pub(super) fn roots(page: &Page) -> Vec<u16> {
    let mut roots = vec![0; page.item_count() as usize + 1];
    for line in 1..=page.item_count() {
        let root = match page.pointer(line).state() {
            State::Redirect => true,
            State::Normal => !Tuple(page.item(line)).is_heap_only(),
            _ => false,
        };
        if root {
            Chain::new(page, TupleId::new(0, line)).for_each(|n| roots[n as usize] = line);
        }
    }
    roots
}
