//! Taking out entries of dead rows, and leaves that became empty; the structure's check.

use super::insert::{log, reserve};
use super::node::{self, Header};
use super::redo::{Change, Op};
use super::store::Tree;
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::btree::VacuumStats;
use crate::heap::fsm;
use crate::page::Page;
use crate::storage::Storage;
use crate::wal::Need;

impl Tree<'_> {
    /// Removes every entry that leads to one of `dead` (ascending). Goes through the blocks in their order: what a split
    /// moves meanwhile it moves to blocks behind, since no block is used again while this goes on.
    pub fn bulk_delete(&self, storage: &Storage, dead: &[TupleId]) -> Result<VacuumStats> {
        let mut stats = VacuumStats::default();
        let mut empty = Vec::new();
        let mut out = Vec::new();
        {
            let _alone = self.store.structure_mutex();
            fsm::truncate(storage, &self.store.map, 0)?;
        }
        let mut block = node::ROOT;
        while block < storage.pool.nblocks(&self.store.fork)? {
            crate::buffer::pace::point()?;
            if !self.clean(storage, block, dead, &mut stats, &mut empty)? {
                out.push(block);
            }
            block += 1;
        }
        if !empty.is_empty() {
            stats.pages_deleted += self.unlink(storage, &empty)?;
            out.append(&mut empty);
        }
        stats.count(self.store.note_free(storage, out.into_iter(), node::in_use)?);
        Ok(stats)
    }

    /// Looks for pages out of use when nothing was dead, unless all of them are known.
    pub fn clean_up(&self, storage: &Storage) -> Result<Option<VacuumStats>> {
        if !self.store.has_unknown_free() {
            return Ok(None);
        }
        let mut stats = VacuumStats::default();
        let blocks = node::ROOT..storage.pool.nblocks(&self.store.fork)?;
        stats.count(self.store.note_free(storage, blocks, node::in_use)?);
        Ok(Some(stats))
    }

    /// False: the block is no part of the tree.
    fn clean(
        &self,
        storage: &Storage,
        block: BlockNo,
        dead: &[TupleId],
        stats: &mut VacuumStats,
        empty: &mut Vec<BlockNo>,
    ) -> Result<bool> {
        let _alone = self.store.structure_mutex();
        let page = storage.pool.read(&self.store.fork, block)?.clone();
        // A block that a writer got and never filled.
        let Some(header) = Header::of(&page) else { return Ok(false) };
        if header.is_deleted() || header.level > 0 {
            return Ok(!header.is_deleted());
        }
        let gone: Vec<u16> =
            (1..=page.item_count()).filter(|n| dead.binary_search(&node::tid(page.item(*n))).is_ok()).collect();
        let left = page.item_count() as usize - gone.len();
        stats.pages += 1;
        stats.entries_removed += gone.len() as u64;
        stats.entries_left += left as u64;
        if left == 0 && block != node::ROOT {
            empty.push(block);
        }
        if gone.is_empty() {
            return Ok(true);
        }
        let ops = gone.into_iter().rev().map(Op::Remove).collect();
        self.make(storage, &mut [Change { block, new: false, ops }])?;
        Ok(true)
    }

    fn make(&self, storage: &Storage, changes: &mut [Change]) -> Result<()> {
        reserve(storage, &self.store.fork, changes, Need::Rows).map_err(|s| s.into_error())?;
        log(storage, &self.store.fork, Xid::INVALID, changes)
    }

    /// Takes empty leaves out of the tree, all but the last of a parent.
    fn unlink(&self, storage: &Storage, empty: &[BlockNo]) -> Result<u32> {
        let mut count = 0;
        let mut block = node::ROOT;
        while block < storage.pool.nblocks(&self.store.fork)? {
            let _alone = self.store.structure_mutex();
            let page = storage.pool.read(&self.store.fork, block)?.clone();
            block += 1;
            let Some(header) = Header::of(&page).filter(|h| h.level == 1 && !h.is_deleted()) else { continue };
            count += self.unlink_below(storage, block - 1, header, &page, empty)?;
        }
        Ok(count)
    }

    fn unlink_below(
        &self,
        storage: &Storage,
        block: BlockNo,
        header: Header,
        page: &Page,
        empty: &[BlockNo],
    ) -> Result<u32> {
        debug_assert_eq!(header.level, 1);
        let mut left = page.item_count();
        let mut count = 0;
        for n in (1..=page.item_count()).rev() {
            let child = node::child(page.item(n));
            if left == 1 || empty.binary_search(&child).is_err() {
                continue;
            }
            let below = storage.pool.read(&self.store.fork, child)?.clone();
            let Some(own) = Header::of(&below).filter(|h| h.level == 0 && !h.is_deleted()) else { continue };
            if below.item_count() > 0 {
                continue;
            }
            let gone = Header { flags: own.flags | node::DELETED, ..own };
            let parent = Change { block, new: false, ops: vec![Op::Remove(n)] };
            self.make(storage, &mut [parent, Change { block: child, new: false, ops: vec![Op::Header(gone)] }])?;
            left -= 1;
            count += 1;
        }
        Ok(count)
    }

    /// Checks the whole structure and counts the entries.
    ///
    /// # Errors
    /// XX002 with what is wrong.
    pub fn verify(&self, storage: &Storage) -> Result<u64> {
        let _alone = self.store.structure_mutex();
        let mut open: Vec<(BlockNo, Option<(Vec<u8>, Header)>)> = vec![(node::ROOT, None)];
        let mut seen = std::collections::HashSet::new();
        let mut entries = 0;
        while let Some((block, above)) = open.pop() {
            if !seen.insert(block) {
                return Err(self.damaged("has a page twice"));
            }
            let page = storage.pool.read(&self.store.fork, block)?.clone();
            let header = self.header(&page)?;
            if header.is_deleted() {
                return Err(self.damaged("leads to a deleted page"));
            }
            if let Some((keys, parent)) = &above {
                if header.level + 1 != parent.level || header.number > parent.seen {
                    return Err(self.damaged("has a page in the wrong place"));
                }
                let covered = |i: &[u8]| self.union(keys, node::keys(i)) == *keys;
                if !node::items(&page).all(covered) {
                    return Err(self.damaged("has a key that does not cover what is below"));
                }
            }
            match header.level {
                0 => entries += u64::from(page.item_count()),
                _ => open.extend(node::items(&page).map(|i| (node::child(i), Some((node::keys(i).to_vec(), header))))),
            }
        }
        Ok(entries)
    }
}
