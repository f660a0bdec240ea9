//! Splits, and telling the parent.

use super::keys::KeyType;
use super::node;
use super::packed::{self, compare};
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
            true => packed::separator(&self.keys, node::entry(&left, at - 1), node::entry(&left, at)),
            false => node::separator(&left, at).to_vec(),
        };
        let items: Vec<Vec<u8>> = (at..=left.item_count()).map(|n| left.item(n).to_vec()).collect();
        let old_high = node::high_key(&left).map(<[u8]>::to_vec);
        fill_right(&mut right, level, left_block, next_block, old_high.as_deref(), &items);
        cut_left(&mut left, new_block, at, &separator);
        let data = redo::encode_split(&redo::Split {
            at,
            level,
            separator: separator.clone(),
            old_high,
            items,
            left: left_block,
            right: new_block,
            next: next_block,
        });
        let mut pages = vec![(&mut left, BlockMode::Normal), (&mut right, BlockMode::Init)];
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
            if !known && !parent.insert_item(at + 1, &item) {
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

/// The item the right half starts with: half the bytes, or nearly all of them when the index grows at its end.
fn split_point(keys: &[KeyType], page: &Page, target: &[u8]) -> u16 {
    let (first, last) = (node::first(page), page.item_count());
    let total: usize = (first..=last).map(|n| page.item(n).len() + 4).sum();
    let at_end = node::right(page) == node::NO_BLOCK && compare(keys, node::order_key(page, last), target).is_lt();
    let wanted = if at_end { total * RIGHT_EDGE_FILL / 100 } else { total / 2 };
    let mut sum = 0;
    for n in first..=last {
        sum += page.item(n).len() + 4;
        if sum > wanted {
            return n.clamp(first + 1, last);
        }
    }
    last
}

/// Lays the right half out.
pub(super) fn fill_right(
    page: &mut Page,
    level: u32,
    left: BlockNo,
    next: BlockNo,
    high: Option<&[u8]>,
    items: &[Vec<u8>],
) {
    node::init(page, level, left, next);
    let mut n = 1;
    if let Some(high) = high {
        assert!(page.insert_item(n, &node::high_item(high)), "a high key fits on an empty page");
        n += 1;
    }
    for item in items {
        assert!(page.insert_item(n, item), "half a page's items fit on an empty page");
        n += 1;
    }
}

/// Takes the right half's items off the left page and gives it its new upper bound.
pub(super) fn cut_left(page: &mut Page, right: BlockNo, at: u16, separator: &[u8]) {
    let old = page.clone();
    let (level, left, first) = (node::level(&old), node::left(&old), node::first(&old));
    node::init(page, level, left, right);
    assert!(page.insert_item(1, &node::high_item(separator)), "a high key fits on an empty page");
    for (i, n) in (first..at).enumerate() {
        assert!(page.insert_item(2 + i as u16, old.item(n)), "half a page's items fit on an empty page");
    }
    node::set_flag(page, node::INCOMPLETE_SPLIT);
    page.set_lsn(old.lsn());
}
