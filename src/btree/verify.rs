//! Checks an index's structure (like amcheck's bt_index_check and bt_index_parent_check).

use super::node;
use super::packed::plain;
use super::store::IndexStore;
use crate::base::{BlockNo, Result};
use crate::page::Page;
use crate::storage::Storage;

/// The page that a walk to the right comes to.
struct Next {
    block: BlockNo,
    page: Page,
    /// It is still the neighbour of the page before.
    beside: bool,
}

impl IndexStore {
    /// Walks every level from left to right, while others may write. Returns the number of entries.
    ///
    /// # Errors
    /// XX002 naming the first fault: order within and between pages (BT-1), sibling links, levels.
    pub fn verify(&self, storage: &Storage) -> Result<u64> {
        let (mut start, top) = self.root(storage)?;
        let mut entries = 0;
        for level in (0..=top).rev() {
            let (mut block, mut page, mut bound) = (start, self.leftmost(storage, start, level)?, None);
            let below = if level > 0 { node::child(&page, node::first(&page)) } else { node::NO_BLOCK };
            loop {
                self.check_items(&page, block, bound.as_deref())?;
                if level == 0 {
                    entries += u64::from(node::last(&page) + 1 - node::first(&page));
                }
                let Some(next) = self.next_of(storage, block, &page, level)? else { break };
                bound = node::high_key(&page).filter(|_| next.beside).map(<[u8]>::to_vec);
                (block, page) = (next.block, next.page);
            }
            start = below;
        }
        Ok(entries)
    }

    /// Walks every level and asks whether the one above leads to each of its pages, in their order. Nobody writes.
    ///
    /// # Errors
    /// XX002 naming the first fault.
    pub fn verify_parents(&self, storage: &Storage) -> Result<()> {
        let (start, top) = self.root(storage)?;
        let mut children = vec![start];
        for level in (0..=top).rev() {
            let mut expected = std::mem::take(&mut children).into_iter();
            let mut block = expected.next().unwrap_or(node::NO_BLOCK);
            let mut known = true;
            while block != node::NO_BLOCK {
                let page = storage.pool.read(&self.fork, block)?;
                if node::has(&page, node::DELETED) || node::level(&page) != level {
                    return Err(self.damaged(&format!("leads to block {block}, which is not part of level {level}")));
                }
                if level > 0 {
                    children.extend((node::first(&page)..=page.item_count()).map(|n| node::child(&page, n)));
                }
                // The parent need not know the right half of a split that was not finished.
                known = !node::has(&page, node::INCOMPLETE_SPLIT);
                block = node::right(&page);
                if block != node::NO_BLOCK && known && expected.next() != Some(block) {
                    return Err(self.damaged(&format!("has no downlink to block {block}, or in the wrong place")));
                }
            }
            if !known || expected.next().is_some() {
                return Err(self.damaged(&format!("has downlinks beyond level {level}")));
            }
        }
        Ok(())
    }

    fn leftmost(&self, storage: &Storage, block: BlockNo, level: u32) -> Result<Page> {
        let page = storage.pool.read(&self.fork, block)?;
        if node::level(&page) != level || node::left(&page) != node::NO_BLOCK {
            return Err(self.damaged(&format!("has a wrong level or left link in block {block}")));
        }
        Ok(page.clone())
    }

    /// The right neighbour of a page as it was when its items were looked at. If the two stand beside each other still,
    /// while no page can come or go, the left link leads back, and no item may be below the left one's bound. PostgreSQL
    /// 15, verify_nbtree.c, bt_recheck_sibling_links: same rule.
    fn next_of(&self, storage: &Storage, block: BlockNo, seen: &Page, level: u32) -> Result<Option<Next>> {
        let right = node::right(seen);
        if right == node::NO_BLOCK {
            return Ok(None);
        }
        let _structure = self.structure_mutex();
        let now = storage.pool.read(&self.fork, block)?;
        let beside = node::right(&now) == right && !node::has(&now, node::DELETED);
        drop(now);
        let page = storage.pool.read(&self.fork, right)?;
        if beside && (node::has(&page, node::DELETED) || node::left(&page) != block) {
            return Err(self.damaged(&format!("has a wrong left link in block {right}")));
        }
        if node::level(&page) != level {
            return Err(self.damaged(&format!("has a wrong level in block {right}")));
        }
        Ok(Some(Next { block: right, page: page.clone(), beside }))
    }

    fn check_items(&self, page: &Page, block: BlockNo, bound: Option<&[u8]>) -> Result<()> {
        let first = node::first(page);
        for n in first..=node::last(page) {
            let key = &*node::order_key(page, n).plain(&self.keys);
            let above_last = n == first || node::order_key(page, n - 1).compare(&self.keys, key).is_lt();
            let above_low = !node::is_leaf(page) && n == first || bound.is_none_or(|b| *plain(&self.keys, b) <= *key);
            if !above_last || !above_low || node::is_beyond(&self.keys, page, key) {
                return Err(self.damaged(&format!("has items out of order in block {block}, item {n}")));
            }
        }
        Ok(())
    }
}
