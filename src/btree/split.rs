//! Splits, and telling the parent.

use super::dense::Dense;
use super::keys::KeyType;
use super::node;
use super::packed;
use super::redo;
use super::store::{IndexStore, META_BLOCK, init_meta};
use crate::base::{BlockNo, Flow, Xid};
use crate::buffer;
use crate::page::{PAGE_SIZE, Page};
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};

/// Fill factor of leaves that grow at the right edge, in percent (PostgreSQL 15, nbtree.h: same number).
const RIGHT_EDGE_FILL: usize = 90;

impl IndexStore {
    /// Splits the page that covers `target`, starting from `block`, if it is still full; then tells its parent.
    pub(super) fn split(&self, storage: &Storage, xid: Xid, block: BlockNo, target: &[u8]) -> Flow<()> {
        let _structure = self.structure_mutex();
        self.split_locked(storage, xid, block, target, 0)
    }

    /// Tells the parent of a split that a crash or an error kept from it.
    pub(super) fn finish_split(&self, storage: &Storage, xid: Xid, block: BlockNo) -> Flow<()> {
        let _structure = self.structure_mutex();
        let page = storage.pool.read(&self.fork, block)?;
        if !node::has(&page, node::INCOMPLETE_SPLIT) {
            return Ok(());
        }
        let (level, right) = (node::level(&page), node::right(&page));
        let separator = node::high_key(&page).unwrap_or_default().to_vec();
        drop(page);
        self.insert_downlink(storage, xid, block, right, &separator, level)
    }

    /// Under the structure mutex: makes room where `target` belongs.
    fn split_locked(&self, storage: &Storage, xid: Xid, block: BlockNo, target: &[u8], level: u32) -> Flow<()> {
        if self.fork.is_logged() {
            storage.wal.reserve(Record::max_bytes(3, 2 * PAGE_SIZE))?;
        }
        let new_block = self.new_block(storage)?;
        let mut left = self.move_right(storage, block, target, level)?;
        let left_block = left.block();
        let at = split_point(&self.keys, &left, target);
        let next_block = node::right(&left);
        let mut right = storage.pool.init(&self.fork, new_block)?;
        let mut next = match next_block {
            node::NO_BLOCK => None,
            block => Some(storage.pool.write(&self.fork, block)?),
        };
        self.page_moved(storage, left_block, new_block);
        let critical = buffer::critical::enter();
        let separator = match node::is_leaf(&left) {
            true => {
                let (below, above) = (node::entry(&left, at - 1), node::entry(&left, at));
                packed::separator(&self.keys, &below.stored(), &above.stored())
            }
            false => node::separator(&left, at).to_vec(),
        };
        let items = node::items(&left, at, node::last(&left) + 1);
        node::init(&mut right, level, left_block, next_block);
        assert!(node::fill(&mut right, node::high_key(&left), &items), "half a page's items fit on an empty page");
        cut_left(&mut left, new_block, at, &separator);
        let data = redo::encode_split(at, new_block, &separator);
        let mut pages = vec![(&mut left, BlockMode::Normal), (&mut right, BlockMode::Image)];
        if let Some(next) = &mut next {
            node::set_left(next, new_block);
            pages.push((next, BlockMode::Normal));
        }
        storage.pool.log(Rmgr::Btree, redo::SPLIT, xid, &mut pages, &[&data]);
        drop(critical);
        drop((left, right, next));
        self.insert_downlink(storage, xid, left_block, new_block, &separator, level)
    }

    /// Enters a split's right half, with its separator as it is stored, into the parent level, which may split in turn, or grows a new root.
    fn insert_downlink(
        &self,
        storage: &Storage,
        xid: Xid,
        left: BlockNo,
        right: BlockNo,
        separator: &[u8],
        level: u32,
    ) -> Flow<()> {
        let (root, root_level) = self.true_root(storage)?;
        let target = &*packed::plain(&self.keys, separator);
        if root == left && root_level == level {
            return self.grow_root(storage, xid, left, right, separator, level);
        }
        loop {
            if self.fork.is_logged() {
                storage.wal.reserve(Record::max_bytes(2, PAGE_SIZE))?;
            }
            let (parent_block, parent) = self.page_at(storage, target, level + 1)?;
            if node::has(&parent, node::INCOMPLETE_SPLIT) {
                let (grand, sep) = (node::right(&parent), node::high_key(&parent).unwrap_or_default().to_vec());
                drop(parent);
                self.insert_downlink(storage, xid, parent_block, grand, &sep, level + 1)?;
                continue;
            }
            drop(parent);
            let mut child = storage.pool.write(&self.fork, left)?;
            let mut parent = self.move_right(storage, parent_block, target, level + 1)?;
            let at = node::covering(&self.keys, &parent, target);
            let known = node::separator(&parent, at) == separator;
            let item = node::inner_item(right, separator);
            let critical = buffer::critical::enter();
            if !known && !node::insert(&mut parent, at + 1, &item) {
                drop(critical);
                let full = parent.block();
                drop((child, parent));
                self.split_locked(storage, xid, full, target, level + 1)?;
                continue;
            }
            node::clear_flag(&mut child, node::INCOMPLETE_SPLIT);
            let placed = if known { vec![] } else { vec![redo::PlacedItem { at: at + 1, item }] };
            let data = redo::encode_items(&placed);
            let pages = &mut [(&mut parent, BlockMode::Normal), (&mut child, BlockMode::Normal)];
            storage.pool.log(Rmgr::Btree, redo::INSERT_UPPER, xid, pages, &[&data]);
            drop(critical);
            return Ok(());
        }
    }

    /// The root as the meta page has it, not as it is remembered.
    fn true_root(&self, storage: &Storage) -> crate::base::Result<(BlockNo, u32)> {
        let meta = storage.pool.read(&self.fork, META_BLOCK)?;
        super::store::read_meta(&meta).ok_or_else(|| self.damaged("has a damaged meta page"))
    }

    fn grow_root(
        &self,
        storage: &Storage,
        xid: Xid,
        left: BlockNo,
        right: BlockNo,
        separator: &[u8],
        level: u32,
    ) -> Flow<()> {
        if self.fork.is_logged() {
            storage.wal.reserve(Record::max_bytes(3, PAGE_SIZE))?;
        }
        let root_block = self.new_block(storage)?;
        let mut child = storage.pool.write(&self.fork, left)?;
        let mut root = storage.pool.init(&self.fork, root_block)?;
        let mut meta = storage.pool.write(&self.fork, META_BLOCK)?;
        let critical = buffer::critical::enter();
        redo::build_root(&mut root, left, right, separator, level + 1);
        init_meta(&mut meta, root_block, level + 1);
        node::clear_flag(&mut child, node::INCOMPLETE_SPLIT);
        let data = redo::encode_root(left, right, separator, level + 1, root_block);
        let pages = &mut [(&mut root, BlockMode::Init), (&mut meta, BlockMode::Init), (&mut child, BlockMode::Normal)];
        storage.pool.log(Rmgr::Btree, redo::NEW_ROOT, xid, pages, &[&data]);
        drop(critical);
        self.remember_root(root_block, level + 1);
        Ok(())
    }
}

/// The item the right half starts with: half the bytes, or nearly all of them when the index, or the run of one key, grows at
/// its end (PostgreSQL 15, nbtsplitloc.c, SPLIT_SINGLE_VALUE: same reason). An entry that a dense leaf cannot take as it is
/// divides it where it belongs, so that both halves stay dense.
fn split_point(keys: &[KeyType], page: &Page, target: &[u8]) -> u16 {
    let (first, last) = (node::first(page), node::last(page));
    let is_above = node::order_key(page, last).compare(keys, target).is_lt();
    let mut grows = is_above && node::right(page) == node::NO_BLOCK;
    let mut most = last;
    if node::has(page, node::DENSE) {
        let leaf = Dense::of(page);
        most = last.min(first + leaf.most() as u16).max(first + 1);
        if !leaf.takes(target) {
            return node::lower_bound(keys, page, target).clamp(first + 1, most);
        }
        grows |= is_above && leaf.is_one_key();
    }
    let total: usize = (first..=last).map(|n| node::item_bytes(page, n)).sum();
    let wanted = if grows { total * RIGHT_EDGE_FILL / 100 } else { total / 2 };
    let mut sum = 0;
    let at = (first..=last).find(|n| {
        sum += node::item_bytes(page, *n);
        sum > wanted
    });
    let at = at.unwrap_or(last).clamp(first + 1, most);
    if node::is_leaf(page) { key_start(page, at, most) } else { at }
}

/// The place nearest to `at`, and not beyond `most`, where another key begins, so that a run of one key ends with its page
/// and grows by filling pages (PostgreSQL 15, nbtsplitloc.c, SPLIT_MANY_DUPLICATES: same reason). A page of one key has none.
fn key_start(page: &Page, at: u16, most: u16) -> u16 {
    let starts = |n: &u16| !node::entry(page, n - 1).same_key(node::entry(page, *n));
    let before = (node::first(page) + 1..=at).rev().find(starts);
    let behind = (at + 1..=most).find(starts);
    match (before, behind) {
        (Some(b), Some(a)) if a - at < at - b => a,
        (Some(n), _) | (None, Some(n)) => n,
        (None, None) => at,
    }
}

/// Takes the right half's items off the left page and gives it its new upper bound.
pub(super) fn cut_left(page: &mut Page, right: BlockNo, at: u16, separator: &[u8]) {
    let old = page.clone();
    node::init(page, node::level(&old), node::left(&old), right);
    let items = node::items(&old, node::first(&old), at);
    assert!(node::fill(page, Some(separator), &items), "half a page's items fit on an empty page");
    node::set_flag(page, node::INCOMPLETE_SPLIT);
    page.set_lsn(old.lsn());
}
