//! Taking one entry out.

use super::node;
use super::redo;
use super::store::IndexStore;
use crate::base::{Flow, Xid};
use crate::buffer;
use crate::page::PAGE_SIZE;
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};

impl IndexStore {
    /// Takes out an entry, key and address; false if it is not there.
    pub(crate) fn remove(&self, storage: &Storage, entry: &[u8]) -> Flow<bool> {
        if self.fork.is_logged() {
            storage.wal.reserve(Record::max_bytes(1, PAGE_SIZE))?;
        }
        let mut page = self.page_for_write(storage, entry, 0)?;
        let at = node::lower_bound(&self.keys, &page, entry);
        if at > node::last(&page) || node::entry(&page, at).compare(&self.keys, entry).is_ne() {
            return Ok(false);
        }
        let _critical = buffer::critical::enter();
        node::remove(&mut page, &[at]);
        let data = redo::encode_positions(&[at]);
        let pages = &mut [(&mut page, BlockMode::Normal)];
        storage.pool.log(Rmgr::Btree, redo::DELETE, Xid::INVALID, pages, &[&data]);
        Ok(true)
    }
}
