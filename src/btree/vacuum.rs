//! Taking out entries of dead rows, and pages that became empty.

use super::node;
use super::redo;
use super::store::{IndexStore, META_BLOCK};
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::buffer;
use crate::page::PAGE_SIZE;
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};

/// What a pass found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VacuumStats {
    pub pages: u32,
    pub entries_left: u64,
    pub entries_removed: u64,
    pub pages_deleted: u32,
}

impl IndexStore {
    /// Removes every entry that leads to one of `dead` (ascending). Follows the leaves from left to right, so that an
    /// entry that a split moves meanwhile is met on the page it moved to.
    pub fn bulk_delete(&self, storage: &Storage, dead: &[TupleId]) -> Result<VacuumStats> {
        let mut stats = VacuumStats::default();
        let mut empty: Vec<(BlockNo, Vec<u8>)> = Vec::new();
        let (mut block, page) = self.leaf_for(storage, &[])?;
        drop(page);
        loop {
            if self.fork.is_logged() {
                storage.wal.reserve(Record::max_bytes(1, PAGE_SIZE)).map_err(|s| s.into_error())?;
            }
            let mut page = storage.pool.write(&self.fork, block)?;
            let is_dead = |n: &u16| dead.binary_search(&node::split_entry(node::entry(&page, *n)).1).is_ok();
            let gone: Vec<u16> = (node::first(&page)..=page.item_count()).filter(is_dead).collect();
            if !gone.is_empty() {
                let critical = buffer::critical::enter();
                gone.iter().rev().for_each(|n| page.remove_item(*n));
                let data = redo::encode_positions(&gone);
                let pages = &mut [(&mut page, BlockMode::Normal)];
                storage.pool.log(Rmgr::Btree, redo::DELETE, Xid::INVALID, pages, &[&data]);
                drop(critical);
            }
            let left_over = page.item_count() + 1 - node::first(&page);
            stats.pages += 1;
            stats.entries_removed += gone.len() as u64;
            stats.entries_left += u64::from(left_over);
            let right = node::right(&page);
            if left_over == 0
                && right != node::NO_BLOCK
                && node::left(&page) != node::NO_BLOCK
                && let Some(high) = node::high_key(&page)
            {
                empty.push((block, high.to_vec()));
            }
            drop(page);
            if right == node::NO_BLOCK {
                break;
            }
            block = right;
        }
        for (block, high) in empty {
            stats.pages_deleted += self.delete_page(storage, block, &high)? as u32;
        }
        Ok(stats)
    }

    /// Pages that were taken out of the tree and are not in use again.
    pub fn deleted_pages(&self, storage: &Storage) -> Result<u32> {
        let mut deleted = 0;
        for block in META_BLOCK + 1..storage.pool.nblocks(&self.fork)? {
            let page = storage.pool.read(&self.fork, block)?;
            deleted += u32::from(!page.is_new() && node::has(&page, node::DELETED));
        }
        Ok(deleted)
    }

    /// Counts without changing: VACUUM's clean-up when nothing was dead.
    pub fn count(&self, storage: &Storage) -> Result<VacuumStats> {
        self.bulk_delete(storage, &[])
    }

    /// Takes an empty leaf out of the tree; its left neighbour, a child of the same parent, takes over its range.
    /// False if the neighbourhood does not allow it now; a later pass will try again.
    fn delete_page(&self, storage: &Storage, block: BlockNo, high: &[u8]) -> Result<bool> {
        let _structure = self.structure_mutex();
        if self.fork.is_logged() {
            storage.wal.reserve(Record::max_bytes(4, PAGE_SIZE)).map_err(|s| s.into_error())?;
        }
        // Splits are held up, so links and parents stay as they are read here; only entries may still come and go.
        let page = storage.pool.read(&self.fork, block)?;
        let (left_block, right_block) = (node::left(&page), node::right(&page));
        let unsplit = !node::has(&page, node::INCOMPLETE_SPLIT | node::DELETED);
        drop(page);
        if !unsplit || left_block == node::NO_BLOCK || right_block == node::NO_BLOCK {
            return Ok(false);
        }
        let Some((parent_block, at)) = self.parent_of(storage, block, high)? else { return Ok(false) };
        let mut left = storage.pool.write(&self.fork, left_block)?;
        let mut page = storage.pool.write(&self.fork, block)?;
        let mut right = storage.pool.write(&self.fork, right_block)?;
        let mut parent = storage.pool.write(&self.fork, parent_block)?;
        let still = page.item_count() < node::first(&page)
            && node::high_key(&page) == Some(high)
            && !node::has(&left, node::INCOMPLETE_SPLIT)
            && at > node::first(&parent)
            && node::child(&parent, at) == block
            && node::child(&parent, at - 1) == left_block;
        if !still {
            return Ok(false);
        }
        let critical = buffer::critical::enter();
        if !redo::unlink_left(&mut left, right_block, high) {
            drop(critical);
            return Ok(false);
        }
        self.page_moved(storage, block, left_block);
        node::set_flag(&mut page, node::DELETED);
        node::set_left(&mut right, left_block);
        parent.remove_item(at);
        let data = redo::encode_unlink(left_block, right_block, at, high);
        let pages = &mut [&mut left, &mut page, &mut right, &mut parent].map(|p| (p, BlockMode::Normal));
        storage.pool.log(Rmgr::Btree, redo::UNLINK, Xid::INVALID, pages, &[&data]);
        drop(critical);
        Ok(true)
    }

    /// The level-1 page and item that lead to a leaf whose upper bound is `high`.
    fn parent_of(&self, storage: &Storage, block: BlockNo, high: &[u8]) -> Result<Option<(BlockNo, u16)>> {
        let (root, level) = self.root(storage)?;
        if level == 0 || root == META_BLOCK {
            return Ok(None);
        }
        // The leaf lies just left of its upper bound: it is the item before the one that covers the bound, or the
        // last one of the page to the left, which is then left alone.
        let (parent_block, parent) = self.page_at(storage, high, 1)?;
        let found = (node::first(&parent)..=parent.item_count()).find(|n| node::child(&parent, *n) == block);
        Ok(found.map(|n| (parent_block, n)))
    }
}
