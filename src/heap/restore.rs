//! Row locks of prepared transactions after a restart.

use super::tuple::{Tuple, mask, put};
use crate::base::{Fork, Result};
use crate::buffer::Persistence;
use crate::storage::Storage;
use crate::twophase::RowLock;

/// Enters the locks that did not stand in the rows' headers, and has the headers tell of them. A row that is gone, and
/// those of a file that is gone, cannot be locked.
///
/// # Errors
/// I/O.
pub fn restore_locks(storage: &Storage, rows: &[RowLock]) -> Result<()> {
    for row in rows {
        let rel = storage.pool.open(row.file, Fork::Main, Persistence::Permanent);
        if !rel.exists() || row.tid.block >= storage.pool.nblocks(&rel)? {
            continue;
        }
        storage.wal.reserve(2 * crate::page::PAGE_SIZE).map_err(crate::base::Stop::into_error)?;
        let mut page = storage.pool.write(&rel, row.tid.block)?;
        if page.is_new() || !page.pointer(row.tid.offset).is_normal() {
            continue;
        }
        storage.mvcc.lockers.add((row.file, row.tid), row.xid, row.strength);
        let item = page.item_mut(row.tid.offset);
        let bits = Tuple(item).infomask() | mask::XMAX_MULTI;
        put::infomask(item, bits);
        storage.pool.mark_hint(&mut page);
    }
    Ok(())
}
