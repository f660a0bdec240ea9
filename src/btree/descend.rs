//! From the root to the leaf.

use super::node;
use super::store::IndexStore;
use crate::base::{BlockNo, Result};
use crate::buffer::{ReadGuard, WriteGuard};
use crate::err;
use crate::storage::Storage;

/// More levels than any file can hold: a circle in a damaged index.
const MAX_STEPS: u32 = 10_000;

impl IndexStore {
    /// The leaf that covers `target`, latched for reading.
    pub(super) fn leaf_for<'a>(&'a self, storage: &'a Storage, target: &[u8]) -> Result<(BlockNo, ReadGuard<'a>)> {
        self.page_at(storage, target, 0)
    }

    /// The page of a level that covers `target`, latched for reading.
    pub(super) fn page_at<'a>(
        &'a self,
        storage: &'a Storage,
        target: &[u8],
        level: u32,
    ) -> Result<(BlockNo, ReadGuard<'a>)> {
        let (mut block, _) = self.root(storage)?;
        for _ in 0..MAX_STEPS {
            let page = storage.pool.read(&self.fork, block)?;
            if node::has(&page, node::DELETED) {
                drop(page);
                block = self.root(storage)?.0;
            } else if node::is_beyond(&self.keys, &page, target) {
                block = node::right(&page);
            } else if node::level(&page) == level {
                return Ok((block, page));
            } else if node::level(&page) < level {
                break;
            } else {
                block = node::child(&page, node::covering(&self.keys, &page, target));
            }
        }
        Err(self.damaged("has no way to a key"))
    }

    /// The page of a level that covers `target`, latched for writing.
    pub(super) fn page_for_write<'a>(
        &'a self,
        storage: &'a Storage,
        target: &[u8],
        level: u32,
    ) -> Result<WriteGuard<'a>> {
        let (block, page) = self.page_at(storage, target, level)?;
        drop(page);
        self.move_right(storage, block, target, level)
    }

    /// Latches `block` for writing, or whichever page to its right covers `target` by now.
    pub(super) fn move_right<'a>(
        &'a self,
        storage: &'a Storage,
        mut block: BlockNo,
        target: &[u8],
        level: u32,
    ) -> Result<WriteGuard<'a>> {
        for _ in 0..MAX_STEPS {
            let page = storage.pool.write(&self.fork, block)?;
            if node::has(&page, node::DELETED) {
                drop(page);
                block = self.page_at(storage, target, level)?.0;
            } else if node::is_beyond(&self.keys, &page, target) {
                block = node::right(&page);
            } else {
                return Ok(page);
            }
        }
        Err(self.damaged("has a circle of right links"))
    }

    pub(super) fn damaged(&self, what: &str) -> crate::base::Error {
        err!(INDEX_CORRUPTED, "index file \"{}\" {what}", self.fork.path()).hint("Please REINDEX it.")
    }
}
