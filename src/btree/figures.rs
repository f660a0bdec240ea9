//! What an index's pages are and how full: what the extension `pgstattuple` tells. Reads only.

use super::node::{self, DELETED};
use super::store::{IndexStore, META_BLOCK};
use crate::base::{BlockNo, Result};
use crate::page::HEADER_SIZE;
use crate::storage::Storage;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Figures {
    pub root: BlockNo,
    pub level: u32,
    pub inner: u64,
    pub leaves: u64,
    /// Never used.
    pub empty: u64,
    pub deleted: u64,
    /// Of the leaves: bytes there is room for, and those that are free.
    pub room: u64,
    pub free: u64,
    /// Leaves whose right neighbour lies before them.
    pub fragments: u64,
    /// Items of leaves, and their bytes.
    pub entries: u64,
    pub entry_bytes: u64,
}

impl IndexStore {
    /// Looks at all pages; `pace` is called between them.
    pub fn figures(&self, storage: &Storage, pace: &mut dyn FnMut() -> Result<()>) -> Result<Figures> {
        let (root, level) = self.root(storage)?;
        let mut f = Figures { root, level, ..Figures::default() };
        for block in META_BLOCK + 1..storage.pool.nblocks(&self.fork)? {
            pace()?;
            let page = storage.pool.read(&self.fork, block)?;
            if page.is_new() {
                f.empty += 1;
            } else if node::has(&page, DELETED) {
                f.deleted += 1;
            } else if node::is_leaf(&page) {
                f.leaves += 1;
                f.room += page.special_start().saturating_sub(HEADER_SIZE) as u64;
                f.free += page.free_space() as u64;
                f.entries += u64::from(node::last(&page) + 1 - node::first(&page));
                f.entry_bytes +=
                    (node::first(&page)..=node::last(&page)).map(|n| node::entry(&page, n).len() as u64).sum::<u64>();
                let right = node::right(&page);
                f.fragments += u64::from(right != node::NO_BLOCK && right < block);
            } else {
                f.inner += 1;
            }
        }
        Ok(f)
    }
}
