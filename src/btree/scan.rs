//! Walking a range of entries, in either direction. A leaf is read once, under its latch: the addresses of its entries in
//! the range are handed out from a list (PostgreSQL 15, nbtsearch.c, _bt_readpage: same).

use super::items::Items;
use super::node;
use super::packed::{compare, plain};
use super::store::IndexStore;
use crate::base::{BlockNo, Result, TupleId};
use crate::buffer::ReadGuard;
use crate::mvcc::Snapshot;
use crate::page::Page;
use crate::storage::Storage;
use std::ops::Range;
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Direction {
    Forward,
    Backward,
}

/// Entries from `low` (inclusive) up to `high` (exclusive); None: from the start, to the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    pub low: Vec<u8>,
    pub high: Option<Vec<u8>>,
}

impl Bounds {
    /// All entries whose key starts with `prefix`.
    pub fn prefix(prefix: Vec<u8>) -> Bounds {
        let high = super::keys::after_prefix(&prefix);
        Bounds { low: prefix, high }
    }
}

/// A position in an index. Entries are handed out with no latch held.
#[derive(Debug)]
pub struct IndexScan {
    store: Arc<IndexStore>,
    bounds: Bounds,
    direction: Direction,
    /// What the rows are looked at with: pages read count as read by its transaction.
    snapshot: Option<Snapshot>,
    /// The leaf read last; None before the first one.
    leaf: Option<Leaf>,
    /// Its entries in the range, in the scan's order, and the next one's place among them.
    tids: Vec<TupleId>,
    at: usize,
    /// Their keys, if they are wanted.
    keys: Option<Items>,
    /// Of a backward scan: what is on the leaf lies at or above it, what is to the left of it below.
    edge: Vec<u8>,
}

/// A leaf as it was when it was read.
#[derive(Clone, Copy, Debug)]
struct Leaf {
    block: BlockNo,
    left: BlockNo,
    right: BlockNo,
    /// Nothing of the range lies beyond it.
    is_last: bool,
}

impl IndexScan {
    pub fn new(store: Arc<IndexStore>, bounds: Bounds, direction: Direction) -> IndexScan {
        IndexScan {
            store,
            bounds,
            direction,
            snapshot: None,
            leaf: None,
            tids: Vec::new(),
            at: 0,
            keys: None,
            edge: Vec::new(),
        }
    }

    /// The entries are for a query: what it does not find must count as read, too.
    pub fn seeing(mut self, snapshot: &Snapshot) -> IndexScan {
        self.snapshot = snapshot.tracked().map(|_| snapshot.clone());
        self
    }

    /// Keys are wanted as well.
    pub fn with_keys(mut self) -> IndexScan {
        self.keys = Some(Items::default());
        self
    }

    /// Marks a page, which is latched, as read (SSI-1).
    fn mark(&self, block: BlockNo) -> Result<()> {
        match (self.snapshot.as_ref().and_then(Snapshot::tracked), self.store.target(block)) {
            (Some(tracked), Some(target)) => tracked.read(target),
            _ => Ok(()),
        }
    }

    /// Starts over with other bounds; the lists' memory is kept.
    pub fn restart(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.forget();
    }

    fn forget(&mut self) {
        self.leaf = None;
        self.tids.clear();
        self.at = 0;
    }

    /// Moves a forward scan over the entries of one key to the first of them at or above `target`, which is not below
    /// those it has left behind on earlier leaves.
    pub fn seek(&mut self, target: &[u8]) {
        let tid = node::tid_behind(target);
        let is_here = self.tids.last().is_some_and(|last| *last >= tid) || self.leaf.is_some_and(|l| l.is_last);
        if is_here {
            self.at = self.tids.partition_point(|t| *t < tid);
            return;
        }
        self.forget();
        self.bounds.low.clear();
        self.bounds.low.extend_from_slice(target);
    }

    /// The next entry's address.
    #[inline]
    pub fn next(&mut self, storage: &Storage) -> Result<Option<TupleId>> {
        loop {
            if let Some(tid) = self.tids.get(self.at) {
                self.at += 1;
                return Ok(Some(*tid));
            }
            if !self.turn(storage)? {
                return Ok(None);
            }
        }
    }

    /// The key of the entry handed out last, of a scan [with keys](Self::with_keys).
    pub fn key(&self) -> &[u8] {
        match (&self.keys, self.at.checked_sub(1)) {
            (Some(keys), Some(n)) if n < keys.len() => keys.get(n),
            _ => &[],
        }
    }

    /// Adds addresses to `out` until it has `limit`; false at the end.
    pub fn next_tids(&mut self, storage: &Storage, limit: usize, out: &mut Vec<TupleId>) -> Result<bool> {
        while out.len() < limit {
            let rest = &self.tids[self.at..];
            if rest.is_empty() {
                if !self.turn(storage)? {
                    return Ok(false);
                }
                continue;
            }
            let take = rest.len().min(limit - out.len());
            out.extend_from_slice(&rest[..take]);
            self.at += take;
        }
        Ok(true)
    }

    /// Reads the next leaf; false at the end.
    fn turn(&mut self, storage: &Storage) -> Result<bool> {
        if self.leaf.is_some_and(|l| l.is_last) {
            return Ok(false);
        }
        let store = self.store.clone();
        match self.direction {
            Direction::Forward => self.forward(storage, &store)?,
            Direction::Backward => self.backward(storage, &store)?,
        }
        Ok(true)
    }

    /// Takes over what of a leaf is in the range.
    fn take(&mut self, page: &Page, block: BlockNo, items: Range<u16>, is_last: bool) {
        self.leaf = Some(Leaf { block, left: node::left(page), right: node::right(page), is_last });
        self.at = 0;
        self.tids.clear();
        node::tids(page, items.clone(), &mut self.tids);
        if let Some(keys) = &mut self.keys {
            keys.clear();
            let mut push = |n: u16| {
                let entry = node::entry(page, n).plain(&self.store.keys);
                keys.push(node::split_entry(&entry).0, &[]);
            };
            match self.direction {
                Direction::Forward => items.for_each(&mut push),
                Direction::Backward => items.rev().for_each(&mut push),
            }
        }
        if self.direction == Direction::Backward {
            self.tids.reverse();
        }
    }

    fn forward(&mut self, storage: &Storage, store: &IndexStore) -> Result<()> {
        let (block, page, start) = match self.leaf {
            None => {
                let (block, page) = store.leaf_for(storage, &self.bounds.low)?;
                let start = node::lower_bound(&store.keys, &page, &self.bounds.low);
                (block, page, start)
            }
            // Entries that a split has moved since lie beyond the link as it was, or on the pages between, whose entries
            // were there already (BT-2).
            Some(leaf) => {
                let page = storage.pool.read(&store.fork, leaf.right)?;
                let start = node::first(&page);
                (leaf.right, page, start)
            }
        };
        self.mark(block)?;
        let gone = node::has(&page, node::DELETED);
        let end = if gone { start } else { self.end(&page, start) };
        let high = self.bounds.high.as_deref();
        let is_over = high.is_some_and(|h| node::high_key(&page).is_some_and(|k| compare(&store.keys, k, h).is_ge()));
        let is_last = !gone && end <= node::last(&page) || is_over || node::right(&page) == node::NO_BLOCK;
        self.take(&page, block, start..end, is_last);
        Ok(())
    }

    /// Where the range ends on a leaf; near `start` it is found soonest.
    fn end(&self, page: &Page, start: u16) -> u16 {
        let beyond = node::last(page) + 1;
        let Some(high) = self.bounds.high.as_deref() else { return beyond };
        let is_below = |n: u16| node::entry(page, n).compare(&self.store.keys, high).is_lt();
        let (mut low, mut up, mut step) = (start, start, 1);
        while up < beyond && is_below(up) {
            (low, up) = (up + 1, (up + step).min(beyond));
            step *= 2;
        }
        while low < up {
            let middle = low + (up - low) / 2;
            if is_below(middle) {
                low = middle + 1;
            } else {
                up = middle;
            }
        }
        low
    }

    fn backward(&mut self, storage: &Storage, store: &IndexStore) -> Result<()> {
        let (block, page, end) = match self.leaf {
            None => self.rightmost(storage, store)?,
            Some(leaf) => self.step_left(storage, store, leaf)?,
        };
        self.mark(block)?;
        let start = node::lower_bound(&store.keys, &page, &self.bounds.low).min(end);
        let first = node::first(&page);
        self.edge.clear();
        match first <= node::last(&page) {
            true => self.edge.extend_from_slice(&node::entry(&page, first).plain(&store.keys)),
            false => self.edge.extend_from_slice(&plain(&store.keys, node::high_key(&page).unwrap_or_default())),
        }
        let is_last = start > first || node::left(&page) == node::NO_BLOCK;
        self.take(&page, block, start..end, is_last);
        Ok(())
    }

    /// The leaf where a backward scan starts, and the place behind its last entry in the range.
    fn rightmost<'a>(&self, storage: &'a Storage, store: &'a IndexStore) -> Result<(BlockNo, ReadGuard<'a>, u16)> {
        if let Some(high) = self.bounds.high.as_deref() {
            return below(storage, store, high);
        }
        let (mut block, _) = store.root(storage)?;
        loop {
            let page = storage.pool.read(&store.fork, block)?;
            if node::right(&page) != node::NO_BLOCK {
                block = node::right(&page);
            } else if node::is_leaf(&page) {
                let end = node::last(&page) + 1;
                return Ok((block, page, end));
            } else {
                block = node::child(&page, page.item_count());
            }
        }
    }

    /// The leaf left of the last one as it is now: splits may have put pages between, deletion may have taken it.
    fn step_left<'a>(
        &self,
        storage: &'a Storage,
        store: &'a IndexStore,
        leaf: Leaf,
    ) -> Result<(BlockNo, ReadGuard<'a>, u16)> {
        let mut block = leaf.left;
        for _ in 0..64 {
            let page = storage.pool.read(&store.fork, block)?;
            if node::has(&page, node::DELETED) {
                break;
            }
            if node::right(&page) == leaf.block {
                let end = node::last(&page) + 1;
                return Ok((block, page, end));
            }
            if node::right(&page) == node::NO_BLOCK {
                break;
            }
            block = node::right(&page);
        }
        // The neighbourhood was rebuilt: find the place again by what the leaf began with.
        below(storage, store, &self.edge)
    }
}

/// The leaf that covers `bound`, and the place behind the last entry below it.
fn below<'a>(storage: &'a Storage, store: &'a IndexStore, bound: &[u8]) -> Result<(BlockNo, ReadGuard<'a>, u16)> {
    let (block, page) = store.leaf_for(storage, bound)?;
    let end = node::lower_bound(&store.keys, &page, bound);
    Ok((block, page, end))
}
