//! Taking out entries of dead rows, and pages that became empty.

use super::node;
use super::packed;
use super::recycle::OutOfUse;
use super::redo;
use super::store::{IndexStore, META_BLOCK};
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::buffer;
use crate::page::PAGE_SIZE;
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};

/// More levels than go out of a tree at once.
const MAX_LEVELS: usize = 8;

/// What a pass found and did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VacuumStats {
    pub pages: u32,
    pub entries_left: u64,
    pub entries_removed: u64,
    /// Newly taken out.
    pub pages_deleted: u32,
    /// Out of use after the pass, and those of them that may be used again.
    pub pages_out: u32,
    pub pages_free: u32,
}

/// A page that is to go, and its neighbours.
struct Gone {
    left: BlockNo,
    block: BlockNo,
    right: BlockNo,
}

impl IndexStore {
    /// Removes every entry that leads to one of `dead` (ascending). Follows the leaves from left to right, so that an
    /// entry that a split moves meanwhile is met on the page it moved to.
    pub fn bulk_delete(&self, storage: &Storage, dead: &[TupleId]) -> Result<VacuumStats> {
        let mut stats = VacuumStats::default();
        let mut empty: Vec<BlockNo> = Vec::new();
        // A bit for each leaf that stays.
        let mut leaves: Vec<u64> = Vec::new();
        let (mut block, page) = self.leaf_for(storage, &[])?;
        drop(page);
        loop {
            buffer::pace::point()?;
            if self.fork.is_logged() {
                storage.wal.reserve(Record::max_bytes(1, PAGE_SIZE)).map_err(|s| s.into_error())?;
            }
            let mut page = storage.pool.write(&self.fork, block)?;
            let is_dead = |n: &u16| dead.binary_search(&node::entry(&page, *n).tid()).is_ok();
            let gone: Vec<u16> = (node::first(&page)..=node::last(&page)).filter(is_dead).collect();
            if !gone.is_empty() {
                let critical = buffer::critical::enter();
                node::remove(&mut page, &gone);
                let data = redo::encode_positions(&gone);
                let pages = &mut [(&mut page, BlockMode::Normal)];
                storage.pool.log(Rmgr::Btree, redo::DELETE, Xid::INVALID, pages, &[&data]);
                drop(critical);
            }
            let left_over = node::last(&page) + 1 - node::first(&page);
            stats.pages += 1;
            stats.entries_removed += gone.len() as u64;
            stats.entries_left += u64::from(left_over);
            let right = node::right(&page);
            if left_over == 0 && right != node::NO_BLOCK && node::left(&page) != node::NO_BLOCK {
                empty.push(block);
            } else {
                let word = block as usize / 64;
                leaves.resize(leaves.len().max(word + 1), 0);
                leaves[word] |= 1 << (block % 64);
            }
            drop(page);
            if right == node::NO_BLOCK {
                break;
            }
            block = right;
        }
        // From the right: what is left of a parent in the end goes with it.
        for block in empty.into_iter().rev() {
            stats.pages_deleted += self.delete_branch(storage, block)?;
        }
        let blocks = META_BLOCK + 1..storage.pool.nblocks(&self.fork)?;
        let unseen = blocks.filter(|b| leaves.get(*b as usize / 64).is_none_or(|w| w >> (b % 64) & 1 == 0));
        stats.count(self.note_free(storage, unseen, node::in_use)?);
        Ok(stats)
    }

    /// Looks for pages out of use when nothing was dead, unless all of them are known.
    pub fn clean_up(&self, storage: &Storage) -> Result<Option<VacuumStats>> {
        if !self.has_unknown_free() {
            return Ok(None);
        }
        let mut stats = VacuumStats::default();
        let blocks = META_BLOCK + 1..storage.pool.nblocks(&self.fork)?;
        stats.count(self.note_free(storage, blocks, node::in_use)?);
        Ok(Some(stats))
    }

    /// Takes an empty leaf out of the tree, with the inner pages that lead to nothing else; the left neighbours take
    /// over their range. The number of pages; 0 if the neighbourhood does not allow it now: a later pass tries again.
    ///
    /// PostgreSQL 15, nbtpage.c, _bt_pagedel: departs, because there the right neighbour takes over, and pages are
    /// half dead for a while.
    fn delete_branch(&self, storage: &Storage, leaf: BlockNo) -> Result<u32> {
        let _structure = self.structure_mutex();
        if self.fork.is_logged() {
            let bytes = Record::max_bytes(3 * MAX_LEVELS + 1, PAGE_SIZE);
            storage.wal.reserve(bytes).map_err(|s| s.into_error())?;
        }
        // Splits are held up, so links and inner pages stay as they are read here; only entries may still come and go.
        let page = storage.pool.read(&self.fork, leaf)?;
        let Some(high) = node::high_key(&page).map(<[u8]>::to_vec) else { return Ok(0) };
        drop(page);
        let Some((gone, parent, at)) = self.branch_above(storage, leaf, &high)? else { return Ok(0) };
        let mut pages = Vec::with_capacity(3 * gone.len() + 1);
        for block in gone.iter().flat_map(|g| [g.left, g.block, g.right]).chain([parent]) {
            pages.push(storage.pool.write(&self.fork, block)?);
        }
        let empty = node::last(&pages[1]) < node::first(&pages[1]);
        let fits = (0..gone.len()).all(|n| redo::may_unlink(&pages[3 * n], &high));
        if !empty || !fits {
            return Ok(0);
        }
        // Read with the pages latched: whoever has read a link to them has begun before.
        let stamp = storage.mvcc.next_xid();
        self.page_moved(storage, leaf, gone[0].left);
        let critical = buffer::critical::enter();
        for (g, page) in gone.iter().zip(pages.chunks_exact_mut(3)) {
            let done = redo::unlink_left(&mut page[0], g.right, &high);
            assert!(done, "room for the high key was looked for");
            node::delete(&mut page[1], stamp);
            node::set_left(&mut page[2], g.left);
        }
        if let Some(parent) = pages.last_mut() {
            parent.remove_item(at);
        }
        let data = redo::encode_unlink(at, stamp, &high);
        let mut changed: Vec<_> = pages.iter_mut().map(|p| (p, BlockMode::Normal)).collect();
        storage.pool.log(Rmgr::Btree, redo::UNLINK, Xid::INVALID, &mut changed, &[&data]);
        drop(critical);
        Ok(gone.len() as u32)
    }

    /// The pages from the leaf up that have no other child, and the page and item that lead to the last of them. None
    /// if a left neighbour is not below the same page, or something is not as it will be.
    fn branch_above(&self, storage: &Storage, leaf: BlockNo, high: &[u8]) -> Result<Option<(Vec<Gone>, BlockNo, u16)>> {
        let (_, top) = self.root(storage)?;
        let mut gone: Vec<Gone> = Vec::new();
        let mut block = leaf;
        for level in 0..top.min(MAX_LEVELS as u32) {
            let page = storage.pool.read(&self.fork, block)?;
            let (left, right) = (node::left(&page), node::right(&page));
            let whole = !node::has(&page, node::INCOMPLETE_SPLIT | node::DELETED);
            if !whole || left == node::NO_BLOCK || node::high_key(&page) != Some(high) {
                return Ok(None);
            }
            drop(page);
            let page = storage.pool.read(&self.fork, left)?;
            let low = node::high_key(&page).unwrap_or_default().to_vec();
            if node::right(&page) != block || node::has(&page, node::INCOMPLETE_SPLIT | node::DELETED) {
                return Ok(None);
            }
            drop(page);
            gone.push(Gone { left, block, right });
            let (parent_block, parent) = self.page_at(storage, &packed::plain(&self.keys, &low), level + 1)?;
            let (first, last) = (node::first(&parent), parent.item_count());
            match (first..=last).find(|n| node::child(&parent, *n) == block) {
                Some(at) if at > first && node::child(&parent, at - 1) == left => {
                    return Ok(Some((gone, parent_block, at)));
                }
                Some(at) if at == first && first == last => block = parent_block,
                _ => return Ok(None),
            }
        }
        Ok(None)
    }
}

impl VacuumStats {
    pub(crate) fn count(&mut self, out: OutOfUse) {
        self.pages_out = out.deleted;
        self.pages_free = out.free;
    }
}
