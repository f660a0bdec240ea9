//! Making a whole index at once: its entries come in order, and pages are filled from left to right, those of all levels
//! at the same time (PostgreSQL 15, nbtsort.c, _bt_load: same). What it holds in memory is a page of each level.

use super::dense;
use super::items::Items;
use super::node;
use super::packed;
use super::store::{IndexStore, META_BLOCK, init_meta, write_pages};
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::page::{PAGE_SIZE, POINTER_SIZE, Page};
use crate::storage::Storage;
use crate::wal::Need;

/// PostgreSQL 15, nbtree.h, BTREE_DEFAULT_FILLFACTOR.
const LEAF_FILL: usize = 90;
const INNER_FILL: usize = 70;
/// Pages written and logged together.
const PAGES_PER_RECORD: usize = 16;

/// Fills the freshly created, empty fork of an index.
pub struct Loader<'a> {
    storage: &'a Storage,
    store: &'a IndexStore,
    xid: Xid,
    unique: bool,
    /// From the leaves up; the last one has had one page so far, which becomes the root if no second one is needed.
    levels: Vec<Level>,
    /// The last entry, as it is stored.
    last: Vec<u8>,
    /// The last entry that may be somebody's duplicate.
    rival: Option<Vec<u8>>,
    pending: Vec<(BlockNo, Page)>,
}

/// The page of a level that is being filled.
struct Level {
    number: usize,
    block: BlockNo,
    left: BlockNo,
    /// No key on it is below this one; empty on a level's first page.
    low: Vec<u8>,
    items: Items,
    /// The length of all of them so far, if they have one and may be a dense leaf's.
    one_length: Option<usize>,
}

impl Level {
    fn new(number: usize, block: BlockNo, left: BlockNo, low: Vec<u8>) -> Level {
        Level { number, block, left, low, items: Items::with_capacity(PAGE_SIZE), one_length: None }
    }

    /// At least two items go on a page, which always fit beside a high key.
    fn has_room(&self, item: &[u8], fill: usize) -> bool {
        let room = node::ROOM * fill / 100;
        let count = self.items.len() + 1;
        count <= 2
            || self.items.bytes() + item.len() + count * POINTER_SIZE <= room
            || self.one_length == Some(item.len()) && self.is_dense_with(item, count, room)
    }

    /// Whether a dense leaf takes another item and, were it the next page's first, a high key cut from it.
    fn is_dense_with(&self, item: &[u8], count: usize, room: usize) -> bool {
        let bytes = dense::size(self.items.first(), item, count, 0);
        bytes <= room && bytes + item.len() <= node::ROOM
    }

    fn fits_high(&self, high: &[u8]) -> bool {
        let count = self.items.len();
        self.items.bytes() + high.len() + (count + 1) * POINTER_SIZE <= node::ROOM
            || dense::suits(&self.items)
                && dense::size(self.items.first(), self.items.last(), count, high.len()) <= node::ROOM
    }

    fn push(&mut self, head: &[u8], rest: &[u8]) {
        self.items.push(head, rest);
        let last = self.items.last();
        let same = self.items.len() == 1 || self.one_length == Some(last.len());
        self.one_length = (self.number == 0 && same && dense::suits_item(last)).then_some(last.len());
    }

    fn page(&self, right: BlockNo, high: Option<&[u8]>) -> Page {
        let mut page = Page::default();
        node::init(&mut page, self.number as u32, self.left, right);
        assert!(node::fill(&mut page, high, &self.items), "items were counted to fit");
        page
    }
}

impl<'a> Loader<'a> {
    pub fn new(storage: &'a Storage, store: &'a IndexStore, xid: Xid, unique: bool) -> Result<Loader<'a>> {
        let meta = storage.pool.extend(&store.fork, 1)?.start;
        debug_assert_eq!(meta, META_BLOCK);
        let mut loader = Loader {
            storage,
            store,
            xid,
            unique,
            levels: Vec::new(),
            last: Vec::new(),
            rival: None,
            pending: Vec::new(),
        };
        let first = loader.next_block()?;
        loader.levels.push(Level::new(0, first, node::NO_BLOCK, Vec::new()));
        Ok(loader)
    }

    /// Adds the next entry: a key with its row's address, not below the one before. `exempt`: it cannot be anybody's
    /// duplicate.
    ///
    /// Returns the first pair of rows with equal keys in a unique index: nothing is of use then.
    pub fn add(&mut self, entry: &[u8], exempt: bool) -> Result<Option<(TupleId, TupleId)>> {
        if self.unique && !exempt {
            if let Some(pair) = self.duplicate(entry) {
                return Ok(Some(pair));
            }
            let rival = self.rival.get_or_insert_default();
            rival.clear();
            rival.extend_from_slice(entry);
        }
        let stored = packed::stored(&self.store.keys, entry);
        if !self.levels[0].has_room(&stored, LEAF_FILL) {
            let high = packed::separator(&self.store.keys, &self.last, &stored);
            self.turn(0, high)?;
        }
        self.levels[0].push(&stored, &[]);
        self.last.clear();
        self.last.extend_from_slice(&stored);
        Ok(None)
    }

    fn duplicate(&self, entry: &[u8]) -> Option<(TupleId, TupleId)> {
        let (before, first) = node::split_entry(self.rival.as_deref()?);
        let (key, second) = node::split_entry(entry);
        (before == key).then_some((first, second))
    }

    /// Writes the last page of each level, and the meta page.
    pub fn finish(mut self) -> Result<()> {
        let mut n = 0;
        // A level may get one above it until its last page is counted in.
        while n < self.levels.len() {
            let (block, low) = self.write(n, node::NO_BLOCK, None)?;
            n += 1;
            if n < self.levels.len() {
                self.child(n, block, &low)?;
                continue;
            }
            let mut meta = Page::default();
            init_meta(&mut meta, block, n as u32 - 1);
            self.pending.push((META_BLOCK, meta));
            self.flush()?;
            self.store.remember_root(block, n as u32 - 1);
        }
        Ok(())
    }

    /// Ends a level's page where keys from `high` on begin, and starts the one to its right.
    fn turn(&mut self, n: usize, mut high: Vec<u8>) -> Result<()> {
        let level = &mut self.levels[n];
        // What the fill factor leaves free is less than the longest keys need.
        let over = (!level.fits_high(&high)).then(|| level.items.pop());
        if let Some(item) = &over {
            high = match n {
                0 => packed::separator(&self.store.keys, level.items.last(), item),
                _ => item[4..].to_vec(),
            };
        }
        let right = self.next_block()?;
        let (block, low) = self.write(n, right, Some(&high))?;
        self.levels[n] = Level::new(n, right, block, high);
        if let Some(item) = over {
            self.levels[n].push(&item, &[]);
        }
        self.child(n + 1, block, &low)
    }

    /// Hangs a page into the level above it.
    fn child(&mut self, n: usize, block: BlockNo, low: &[u8]) -> Result<()> {
        if n == self.levels.len() {
            let first = self.next_block()?;
            self.levels.push(Level::new(n, first, node::NO_BLOCK, Vec::new()));
        }
        if !self.levels[n].has_room(&node::inner_item(block, low), INNER_FILL) {
            self.turn(n, low.to_vec())?;
        }
        self.levels[n].push(&block.to_le_bytes(), low);
        Ok(())
    }

    /// Returns the page's block and its lower bound.
    fn write(&mut self, n: usize, right: BlockNo, high: Option<&[u8]>) -> Result<(BlockNo, Vec<u8>)> {
        let level = &mut self.levels[n];
        let page = level.page(right, high);
        let done = (level.block, std::mem::take(&mut level.low));
        self.pending.push((done.0, page));
        if self.pending.len() >= PAGES_PER_RECORD {
            self.flush()?;
        }
        Ok(done)
    }

    fn flush(&mut self) -> Result<()> {
        for chunk in self.pending.chunks_mut(PAGES_PER_RECORD) {
            write_pages(self.storage, &self.store.fork, (self.xid, Need::Rows), chunk)?;
        }
        self.pending.clear();
        Ok(())
    }

    fn next_block(&self) -> Result<BlockNo> {
        Ok(self.storage.pool.extend(&self.store.fork, 1)?.start)
    }
}
