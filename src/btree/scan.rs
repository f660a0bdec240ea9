//! Walking a range of entries, in either direction, over private copies of the leaves.

use super::node;
use super::packed::{compare, plain};
use super::store::IndexStore;
use crate::base::{BlockNo, Result, TupleId};
use crate::mvcc::Snapshot;
use crate::page::Page;
use crate::storage::Storage;
use std::borrow::Cow;
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
    page: Option<Box<Leaf>>,
    done: bool,
    /// What the rows are looked at with: pages read count as read by its transaction.
    snapshot: Option<Snapshot>,
    /// The last entry handed out, if it does not lie on the page in one piece, or was packed.
    key: Vec<u8>,
}

#[derive(Debug)]
struct Leaf {
    block: BlockNo,
    page: PageCopy,
    /// Forward: the next item; backward: one past the next item.
    at: u16,
}

struct PageCopy(Page);

impl std::fmt::Debug for PageCopy {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} items", node::last(&self.0))
    }
}

impl IndexScan {
    pub fn new(store: Arc<IndexStore>, bounds: Bounds, direction: Direction) -> IndexScan {
        IndexScan { store, bounds, direction, page: None, done: false, snapshot: None, key: Vec::new() }
    }

    /// The entries are for a query: what it does not find must count as read, too.
    pub fn seeing(mut self, snapshot: &Snapshot) -> IndexScan {
        self.snapshot = snapshot.tracked().map(|_| snapshot.clone());
        self
    }

    /// Marks a page, which is latched, as read (SSI-1).
    fn mark(&self, block: BlockNo) -> Result<()> {
        match (self.snapshot.as_ref().and_then(Snapshot::tracked), self.store.target(block)) {
            (Some(tracked), Some(target)) => tracked.read(target),
            _ => Ok(()),
        }
    }

    /// Starts over with other bounds; the page copy's memory is kept.
    pub fn restart(&mut self, bounds: Bounds) {
        self.bounds = bounds;
        self.page = None;
        self.done = false;
    }

    /// Moves a forward scan on to the first entry at or above `target`, which is not below where it stands.
    pub fn seek(&mut self, target: &[u8]) {
        self.bounds.low.clear();
        self.bounds.low.extend_from_slice(target);
        self.done = false;
        match &mut self.page {
            Some(leaf) if !node::is_beyond(&self.store.keys, &leaf.page.0, target) => {
                leaf.at = node::lower_bound(&self.store.keys, &leaf.page.0, target);
            }
            page => *page = None,
        }
    }

    /// The next entry: its address and its key.
    pub fn next(&mut self, storage: &Storage) -> Result<Option<(TupleId, &[u8])>> {
        let (Some(n), Some(leaf)) = (self.step(storage)?, &self.page) else { return Ok(None) };
        let entry = node::entry(&leaf.page.0, n);
        let key = match entry.head {
            [] => plain(&self.store.keys, entry.tail),
            head => {
                self.key.clear();
                self.key.extend_from_slice(head);
                self.key.extend_from_slice(entry.tail);
                return Ok(Some((entry.tid(), node::split_entry(&self.key).0)));
            }
        };
        let key = match key {
            Cow::Borrowed(key) => key,
            Cow::Owned(key) => {
                self.key = key;
                &self.key
            }
        };
        Ok(Some((entry.tid(), node::split_entry(key).0)))
    }

    /// The next entry's address.
    fn next_tid(&mut self, storage: &Storage) -> Result<Option<TupleId>> {
        let (Some(n), Some(leaf)) = (self.step(storage)?, &self.page) else { return Ok(None) };
        Ok(Some(node::entry(&leaf.page.0, n).tid()))
    }

    /// Fills `out` with up to `limit` addresses; false at the end.
    pub fn next_tids(&mut self, storage: &Storage, limit: usize, out: &mut Vec<TupleId>) -> Result<bool> {
        while out.len() < limit {
            match self.next_tid(storage)? {
                Some(tid) => out.push(tid),
                None => return Ok(false),
            }
        }
        Ok(true)
    }

    /// The number of the next item, on the page at hand then.
    fn step(&mut self, storage: &Storage) -> Result<Option<u16>> {
        match self.direction {
            Direction::Forward => self.forward(storage),
            Direction::Backward => self.backward(storage),
        }
    }

    fn forward(&mut self, storage: &Storage) -> Result<Option<u16>> {
        if self.done {
            return Ok(None);
        }
        if self.page.is_none() {
            let (block, guard) = self.store.leaf_for(storage, &self.bounds.low)?;
            self.mark(block)?;
            let page = guard.clone();
            drop(guard);
            let at = node::lower_bound(&self.store.keys, &page, &self.bounds.low);
            self.page = Some(Box::new(Leaf { block, page: PageCopy(page), at }));
        }
        let keys = self.store.clone();
        let keys = &keys.keys;
        loop {
            let Some(leaf) = &mut self.page else { return Ok(None) };
            let page = &leaf.page.0;
            if leaf.at <= node::last(page) {
                let n = leaf.at;
                if self.bounds.high.as_deref().is_some_and(|high| node::entry(page, n).compare(keys, high).is_ge()) {
                    self.done = true;
                    return Ok(None);
                }
                leaf.at += 1;
                return Ok(Some(n));
            }
            let right = node::right(page);
            let over = self
                .bounds
                .high
                .as_deref()
                .is_some_and(|h| node::high_key(page).is_some_and(|k| compare(keys, k, h).is_ge()));
            if right == node::NO_BLOCK || over {
                self.done = true;
                return Ok(None);
            }
            // Entries that moved right by a split since the copy was made lie beyond the copy's right link (BT-2) only
            // if the link is followed as it was copied: the pages between hold what the copy had already.
            let guard = storage.pool.read(&self.store.fork, right)?;
            self.mark(right)?;
            let Some(leaf) = &mut self.page else { return Ok(None) };
            leaf.page.0.clone_from(&guard);
            drop(guard);
            leaf.block = right;
            leaf.at = node::first(&leaf.page.0);
            if node::has(&leaf.page.0, node::DELETED) {
                leaf.at = node::last(&leaf.page.0) + 1;
            }
        }
    }

    fn backward(&mut self, storage: &Storage) -> Result<Option<u16>> {
        if self.done {
            return Ok(None);
        }
        if self.page.is_none() {
            self.page = Some(self.last_leaf(storage)?);
        }
        loop {
            let Some(leaf) = &mut self.page else { return Ok(None) };
            let page = &leaf.page.0;
            if leaf.at > node::first(page) {
                leaf.at -= 1;
                if node::entry(page, leaf.at).compare(&self.store.keys, &self.bounds.low).is_lt() {
                    self.done = true;
                    return Ok(None);
                }
                return Ok(Some(leaf.at));
            }
            if node::left(page) == node::NO_BLOCK {
                self.done = true;
                return Ok(None);
            }
            let next = self.step_left(storage)?;
            self.page = Some(next);
        }
    }

    /// The leaf where a backward scan starts.
    fn last_leaf(&self, storage: &Storage) -> Result<Box<Leaf>> {
        match self.bounds.high.as_deref() {
            Some(high) => self.leaf_below(storage, high),
            None => {
                let (mut block, _) = self.store.root(storage)?;
                loop {
                    let page = storage.pool.read(&self.store.fork, block)?;
                    if node::right(&page) != node::NO_BLOCK {
                        block = node::right(&page);
                    } else if node::is_leaf(&page) {
                        self.mark(block)?;
                        let page = page.clone();
                        let at = node::last(&page) + 1;
                        return Ok(Box::new(Leaf { block, page: PageCopy(page), at }));
                    } else {
                        block = node::child(&page, page.item_count());
                    }
                }
            }
        }
    }

    /// The leaf that covers `bound`, positioned behind the last entry below it.
    fn leaf_below(&self, storage: &Storage, bound: &[u8]) -> Result<Box<Leaf>> {
        let (block, guard) = self.store.leaf_for(storage, bound)?;
        self.mark(block)?;
        let page = guard.clone();
        drop(guard);
        let at = node::lower_bound(&self.store.keys, &page, bound);
        Ok(Box::new(Leaf { block, page: PageCopy(page), at }))
    }

    /// The leaf left of the present one as it is now: splits may have put pages between, deletion may have taken it.
    fn step_left(&self, storage: &Storage) -> Result<Box<Leaf>> {
        let Some(leaf) = &self.page else { return self.last_leaf(storage) };
        let (target, mut block) = (leaf.block, node::left(&leaf.page.0));
        for _ in 0..64 {
            let page = storage.pool.read(&self.store.fork, block)?;
            if node::has(&page, node::DELETED) {
                break;
            }
            if node::right(&page) == target {
                self.mark(block)?;
                let page = page.clone();
                let at = node::last(&page) + 1;
                return Ok(Box::new(Leaf { block, page: PageCopy(page), at }));
            }
            if node::right(&page) == node::NO_BLOCK {
                break;
            }
            block = node::right(&page);
        }
        // The neighbourhood was rebuilt: find the place again by the smallest entry seen.
        let first = node::first(&leaf.page.0);
        let bound = if first <= node::last(&leaf.page.0) {
            node::entry(&leaf.page.0, first).plain(&self.store.keys)
        } else {
            plain(&self.store.keys, node::high_key(&leaf.page.0).unwrap_or_default())
        };
        self.leaf_below(storage, &bound)
    }
}
