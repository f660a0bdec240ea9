//! Checks an index's structure (like amcheck's bt_index_check).

use super::node;
use super::store::IndexStore;
use crate::base::Result;
use crate::storage::Storage;

impl IndexStore {
    /// Walks every level from left to right. Returns the number of entries.
    ///
    /// # Errors
    /// XX002 naming the first fault: order within and between pages (BT-1), sibling links, levels.
    pub fn verify(&self, storage: &Storage) -> Result<u64> {
        let (mut start, top) = self.root(storage)?;
        let mut entries = 0;
        for level in (0..=top).rev() {
            let (mut block, mut left) = (start, node::NO_BLOCK);
            let mut bound: Option<Vec<u8>> = None;
            let mut below = node::NO_BLOCK;
            while block != node::NO_BLOCK {
                let page = storage.pool.read(&self.fork, block)?;
                if node::level(&page) != level || node::left(&page) != left {
                    return Err(self.damaged(&format!("has a wrong level or left link in block {block}")));
                }
                let first = node::first(&page);
                if below == node::NO_BLOCK && level > 0 {
                    below = node::child(&page, first);
                }
                for n in first..=page.item_count() {
                    let key = node::order_key(&page, n);
                    let above_last = n == first || node::order_key(&page, n - 1) < key;
                    let above_low = level > 0 && n == first || bound.as_deref().is_none_or(|b| b <= key);
                    if !above_last || !above_low || node::is_beyond(&page, key) {
                        return Err(self.damaged(&format!("has items out of order in block {block}, item {n}")));
                    }
                }
                if level == 0 {
                    entries += u64::from(page.item_count() + 1 - first);
                }
                bound = node::high_key(&page).map(<[u8]>::to_vec);
                left = block;
                block = node::right(&page);
            }
            start = below;
        }
        Ok(entries)
    }
}
