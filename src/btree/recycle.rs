//! Pages out of use: who takes them out of the tree stamps them with the next transaction id, and once nobody is left who
//! may have read a link to them they go into the free space map, from where splits take them again.
//!
//! PostgreSQL 15, nbtpage.c, BTPageIsRecyclable and _bt_getbuf: same rule. Readers hold a snapshot from before they read
//! the first link until they have followed the last one, writers their transaction id. The map is not logged and may be
//! wrong: the page itself is asked again.

use super::node;
use super::store::IndexStore;
use crate::base::{BlockNo, Result, Xid};
use crate::heap::fsm;
use crate::page::{PAGE_SIZE, Page};
use crate::storage::Storage;
use std::sync::atomic::Ordering;

/// A map that promises more often than this what is not so is left alone.
const ATTEMPTS: usize = 100;

/// What a page of an index is there for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Use {
    /// Part of the tree.
    Tree,
    /// Added to the file and never filled: its maker has failed, or is about to fill it under the structure mutex.
    New,
    /// Taken out when this was the next transaction id.
    Deleted(Xid),
}

impl Use {
    /// Whether nobody can come to the page any more, `oldest` being [`crate::mvcc::Mvcc::oldest_on_the_way`].
    fn is_over(self, oldest: Xid) -> bool {
        match self {
            Use::Tree => false,
            Use::New => true,
            Use::Deleted(stamp) => stamp < oldest,
        }
    }
}

/// Pages out of use, and those of them that may be used again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct OutOfUse {
    pub deleted: u32,
    pub free: u32,
}

impl IndexStore {
    /// A block to fill: one that is out of use, or a new one. Under the structure mutex, until it is filled.
    pub(super) fn new_block(&self, storage: &Storage) -> Result<BlockNo> {
        match self.free_block(storage, node::in_use)? {
            Some(block) => Ok(block),
            None => Ok(storage.pool.extend(&self.fork, 1)?.start),
        }
    }

    /// A block that may be used again; `what` tells what a page is there for. Under the structure mutex.
    pub(crate) fn free_block(&self, storage: &Storage, what: fn(&Page) -> Use) -> Result<Option<BlockNo>> {
        for _ in 0..ATTEMPTS {
            let Some(block) = fsm::search(storage, &self.map, PAGE_SIZE / 2)? else { return Ok(None) };
            fsm::record(storage, &self.map, block, 0)?;
            if block >= storage.pool.nblocks(&self.fork)? {
                continue;
            }
            let found = what(&*storage.pool.read(&self.fork, block)?);
            if found.is_over(storage.mvcc.oldest_on_the_way(self.file.db)) {
                return Ok(Some(block));
            }
        }
        Ok(None)
    }

    /// Counts those of the blocks that are out of use, and enters them in the map when nobody can come to them.
    pub(crate) fn note_free(
        &self,
        storage: &Storage,
        blocks: impl Iterator<Item = BlockNo>,
        what: fn(&Page) -> Use,
    ) -> Result<OutOfUse> {
        let oldest = storage.mvcc.oldest_on_the_way(self.file.db);
        let mut count = OutOfUse::default();
        for block in blocks {
            crate::buffer::pace::point()?;
            let found = what(&*storage.pool.read(&self.fork, block)?);
            count.deleted += u32::from(found != Use::Tree);
            if found.is_over(oldest) {
                fsm::record(storage, &self.map, block, PAGE_SIZE - 1)?;
                count.free += 1;
            }
        }
        self.map.stamp.store(u64::from(count.deleted - count.free) + 1, Ordering::Relaxed);
        Ok(count)
    }

    /// Whether there may be pages out of use that the map does not know. At first nobody knows.
    pub(crate) fn has_unknown_free(&self) -> bool {
        self.map.stamp.load(Ordering::Relaxed) != 1
    }
}
