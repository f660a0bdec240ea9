//! Making a whole index at once: sort, then fill pages from left to right, level by level.

use super::node;
use super::store::{IndexStore, META_BLOCK, init_meta, write_pages};
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::page::{HEADER_SIZE, PAGE_SIZE, Page};
use crate::storage::Storage;

/// PostgreSQL 15, nbtree.h, BTREE_DEFAULT_FILLFACTOR.
const LEAF_FILL: usize = 90;
const INNER_FILL: usize = 70;
/// Pages written and logged together.
const PAGES_PER_RECORD: usize = 16;

/// Collects the entries of a new index.
#[derive(Default)]
pub struct Builder {
    bytes: Vec<u8>,
    entries: Vec<Sortable>,
}

#[derive(Clone, Copy)]
struct Sortable {
    /// The first bytes behind the prefix all keys share.
    head: u64,
    offset: usize,
    entry_len: u16,
    payload_len: u16,
    /// Not to be compared with its neighbours for uniqueness: NULLs in it, or the row is dead already.
    exempt: bool,
}

impl Builder {
    pub fn new() -> Builder {
        Builder::default()
    }

    pub fn len(&self) -> usize {
        self.entries.len()
    }

    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Adds a row. `exempt`: it cannot be anybody's duplicate.
    ///
    /// # Errors
    /// 54000 for a key that is too long.
    pub fn add(&mut self, store: &IndexStore, key: &[u8], tid: TupleId, payload: &[u8], exempt: bool) -> Result<()> {
        let entry_len = key.len() + 6;
        if entry_len + payload.len() > node::MAX_ENTRY {
            let e = super::IndexEntry { key: key.to_vec(), tid: Some(tid), payload: payload.to_vec(), has_null: false };
            store.full_entry(&e)?;
        }
        let offset = self.bytes.len();
        self.bytes.extend_from_slice(key);
        node::push_tid(&mut self.bytes, tid);
        self.bytes.extend_from_slice(payload);
        let (entry_len, payload_len) = (entry_len as u16, payload.len() as u16);
        self.entries.push(Sortable { head: 0, offset, entry_len, payload_len, exempt });
        Ok(())
    }

    fn entry(&self, s: &Sortable) -> &[u8] {
        &self.bytes[s.offset..s.offset + s.entry_len as usize]
    }

    fn payload(&self, s: &Sortable) -> &[u8] {
        let at = s.offset + s.entry_len as usize;
        &self.bytes[at..at + s.payload_len as usize]
    }

    fn common_prefix(&self) -> usize {
        let Some(first) = self.entries.first() else { return 0 };
        let first = self.entry(first);
        self.entries.iter().fold(first.len(), |n, s| {
            let e = self.entry(s);
            if e.len() >= n && e[..n] == first[..n] {
                n
            } else {
                e.iter().zip(first).take_while(|(a, b)| a == b).count()
            }
        })
    }

    fn sort(&mut self) {
        let prefix = self.common_prefix();
        let mut entries = std::mem::take(&mut self.entries);
        for s in &mut entries {
            let rest = &self.entry(s)[prefix..];
            let mut head = [0; 8];
            let n = rest.len().min(8);
            head[..n].copy_from_slice(&rest[..n]);
            s.head = u64::from_be_bytes(head);
        }
        entries.sort_unstable_by(|a, b| a.head.cmp(&b.head).then_with(|| self.entry(a).cmp(self.entry(b))));
        self.entries = entries;
    }

    /// Sorts and writes the index into its freshly created, empty fork.
    ///
    /// Returns the first pair of rows with equal keys, if `unique` and there is one: nothing is of use then.
    pub fn finish(
        mut self,
        storage: &Storage,
        store: &IndexStore,
        xid: Xid,
        unique: bool,
    ) -> Result<Option<(TupleId, TupleId)>> {
        self.sort();
        if unique && let Some(pair) = self.duplicate() {
            return Ok(Some(pair));
        }
        let meta = storage.pool.extend(&store.fork, 1)?.start;
        debug_assert_eq!(meta, META_BLOCK);
        let mut out = Writer { storage, store, xid, pending: Vec::new() };
        let mut level = 0;
        let mut children = out.leaves(&self)?;
        while children.len() > 1 {
            level += 1;
            children = out.inner(level, &children)?;
        }
        let root = children.first().map_or(node::NO_BLOCK, |c| c.1);
        let mut page = Page::default();
        init_meta(&mut page, root, level);
        out.pending.push((META_BLOCK, page));
        out.flush()?;
        store.remember_root(root, level);
        Ok(None)
    }

    fn duplicate(&self) -> Option<(TupleId, TupleId)> {
        let mut previous: Option<(&[u8], TupleId)> = None;
        for s in self.entries.iter().filter(|s| !s.exempt) {
            let (key, tid) = node::split_entry(self.entry(s));
            if let Some((k, t)) = previous
                && k == key
            {
                return Some((t, tid));
            }
            previous = Some((key, tid));
        }
        None
    }
}

/// A finished page of the level below: its lower bound and its block.
type Child = (Vec<u8>, BlockNo);

struct Writer<'a> {
    storage: &'a Storage,
    store: &'a IndexStore,
    xid: Xid,
    pending: Vec<(BlockNo, Page)>,
}

impl Writer<'_> {
    fn flush(&mut self) -> Result<()> {
        for chunk in self.pending.chunks_mut(PAGES_PER_RECORD) {
            write_pages(self.storage, &self.store.fork, self.xid, chunk)?;
        }
        self.pending.clear();
        Ok(())
    }

    fn finished(&mut self, block: BlockNo, page: Page) -> Result<()> {
        self.pending.push((block, page));
        if self.pending.len() >= PAGES_PER_RECORD { self.flush() } else { Ok(()) }
    }

    fn next_block(&self) -> Result<BlockNo> {
        Ok(self.storage.pool.extend(&self.store.fork, 1)?.start)
    }

    fn leaves(&mut self, b: &Builder) -> Result<Vec<Child>> {
        let bound = |n: usize| node::shortest_separator(b.entry(&b.entries[n - 1]), b.entry(&b.entries[n])).to_vec();
        let sizes = |n: usize| 2 + b.entries[n].entry_len as usize + b.entries[n].payload_len as usize;
        let item = |n: usize| node::leaf_item(b.entry(&b.entries[n]), b.payload(&b.entries[n]));
        self.level(0, b.entries.len(), LEAF_FILL, &bound, &sizes, &item)
    }

    fn inner(&mut self, level: u32, below: &[Child]) -> Result<Vec<Child>> {
        let bound = |n: usize| below[n].0.clone();
        let sizes = |n: usize| 4 + below[n].0.len();
        let item = |n: usize| node::inner_item(below[n].1, &below[n].0);
        self.level(level, below.len(), INNER_FILL, &bound, &sizes, &item)
    }

    /// Lays `count` items out over as many pages as they need. `bound(n)` separates items n − 1 and n.
    fn level(
        &mut self,
        level: u32,
        count: usize,
        fill: usize,
        bound: &dyn Fn(usize) -> Vec<u8>,
        size: &dyn Fn(usize) -> usize,
        item: &dyn Fn(usize) -> Vec<u8>,
    ) -> Result<Vec<Child>> {
        let room = (PAGE_SIZE - HEADER_SIZE - node::SPECIAL) * fill / 100;
        let mut pages = Vec::new();
        let mut low = Vec::new();
        let (mut start, mut left, mut block) = (0, node::NO_BLOCK, self.next_block()?);
        loop {
            let (mut end, mut used) = (start, 0);
            // At least two items a page, which always fit; the high key's room is left free by the fill factor.
            while end < count && (end < start + 2 || used + size(end) + 4 <= room) {
                used += size(end) + 4;
                end += 1;
            }
            let last = end >= count;
            let right = if last { node::NO_BLOCK } else { self.next_block()? };
            let high = (!last).then(|| bound(end));
            let mut page = Page::default();
            node::init(&mut page, level, left, right);
            let mut at = 1;
            if let Some(high) = &high {
                assert!(page.insert_item(at, &node::high_item(high)), "a high key fits on an empty page");
                at += 1;
            }
            for n in start..end {
                // The first separator of a level's first page is below everything.
                let bytes = if level > 0 && n == 0 { item(0)[..4].to_vec() } else { item(n) };
                assert!(page.insert_item(at, &bytes), "items were counted to fit");
                at += 1;
            }
            pages.push((std::mem::take(&mut low), block));
            self.finished(block, page)?;
            let Some(high) = high else { return Ok(pages) };
            (low, start, left, block) = (high, end, block, right);
        }
    }
}
