//! The visibility map: which pages hold only rows that everybody sees.
//!
//! Two bits a page: all visible, and all frozen, which implies the first; four pages a byte, in the special space of ordinary pages.
//! PostgreSQL 15, visibilitymap.c: same rules. A bit is set with a log record, under the heap page's latch, only while
//! the page's own flag is set; it is cleared, with the page's flag, before the record of the change that makes it
//! untrue, whose redo clears it again.

use super::record::heap2;
use super::store::TableStore;
use crate::base::{BlockNo, Result, Xid};
use crate::buffer::{RelFork, WriteGuard, critical};
use crate::page::{ALL_VISIBLE, HEADER_SIZE, PAGE_SIZE};
use crate::storage::Storage;
use crate::wal::{BlockMode, Rmgr};
use std::sync::Arc;

const BYTES: usize = PAGE_SIZE - HEADER_SIZE;
/// Heap pages per map page.
const PER_PAGE: u32 = BYTES as u32 * 4;

fn place(block: BlockNo) -> (BlockNo, usize, u8) {
    let at = block % PER_PAGE;
    (block / PER_PAGE, at as usize / 4, 1 << (at % 4 * 2))
}

/// Whether every row of the page is visible to everybody, as far as the map knows.
pub fn all_visible(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<bool> {
    let (map_block, byte, bit) = place(block);
    if map_block >= storage.pool.nblocks(&store.vm)? {
        return Ok(false);
    }
    let page = storage.pool.read(&store.vm, map_block)?;
    Ok(!page.is_new() && page.special()[byte] & bit != 0)
}

/// Whether nothing on the page needs the commit log, as far as the map knows.
pub fn all_frozen(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<bool> {
    let (map_block, byte, bit) = place(block);
    if map_block >= storage.pool.nblocks(&store.vm)? {
        return Ok(false);
    }
    let page = storage.pool.read(&store.vm, map_block)?;
    Ok(!page.is_new() && page.special()[byte] & (bit << 1) != 0)
}

/// How many pages the map calls all visible (`relallvisible`).
pub fn count(storage: &Storage, store: &TableStore) -> Result<u32> {
    let mut n = 0;
    for block in 0..storage.pool.nblocks(&store.vm)? {
        let page = storage.pool.read(&store.vm, block)?;
        if !page.is_new() {
            n += page.special().iter().map(|b| (b & 0x55).count_ones()).sum::<u32>();
        }
    }
    Ok(n)
}

/// Clears the flag of a latched page and its bit in the map; true if the flag was set. Before the change's record.
pub(super) fn clear(storage: &Storage, store: &TableStore, page: &mut WriteGuard<'_>) -> Result<bool> {
    if !page.has_flag(ALL_VISIBLE) {
        return Ok(false);
    }
    clear_bit(storage, &store.vm, page.block())?;
    page.clear_flag(ALL_VISIBLE);
    Ok(true)
}

pub(super) fn clear_bit(storage: &Storage, vm: &Arc<RelFork>, block: BlockNo) -> Result<()> {
    let (map_block, byte, bit) = place(block);
    if map_block >= storage.pool.nblocks(vm)? {
        return Ok(());
    }
    let mut map = storage.pool.write(vm, map_block)?;
    if !map.is_new() && map.special()[byte] & (bit * 3) != 0 {
        map.special_mut()[byte] &= !(bit * 3);
        map.mark_dirty();
    }
    Ok(())
}

/// Sets a page's flag and its bits in the map. The caller holds the latch, has looked at every row, and has reserved
/// room in the log.
pub(super) fn set<'a>(storage: &'a Storage, store: &TableStore, page: &mut WriteGuard<'a>, frozen: bool) -> Result<()> {
    let (map_block, byte, bit) = place(page.block());
    let bits = if frozen { bit * 3 } else { bit };
    storage.pool.extend_to(&store.vm, map_block + 1)?;
    let mut map = storage.pool.write(&store.vm, map_block)?;
    if page.has_flag(ALL_VISIBLE) && !map.is_new() && map.special()[byte] & bits == bits {
        return Ok(());
    }
    let _critical = critical::enter();
    init(&mut map);
    page.set_flag(ALL_VISIBLE);
    map.special_mut()[byte] |= bits;
    let heap_block = page.block().to_le_bytes();
    storage.pool.log(
        Rmgr::Heap2,
        heap2::VISIBLE,
        Xid::INVALID,
        &mut [(&mut map, BlockMode::Normal), (page, BlockMode::Normal)],
        &[&heap_block, &[u8::from(frozen)]],
    );
    Ok(())
}

/// Cuts the map to a table of `blocks` pages.
pub(super) fn truncate(storage: &Storage, store: &TableStore, blocks: BlockNo) -> Result<()> {
    let (map_block, byte, bit) = place(blocks);
    if map_block >= storage.pool.nblocks(&store.vm)? {
        return Ok(());
    }
    {
        let mut map = storage.pool.write(&store.vm, map_block)?;
        if !map.is_new() {
            map.special_mut()[byte] &= bit - 1;
            map.special_mut()[byte + 1..].fill(0);
            map.mark_dirty();
        }
    }
    storage.pool.truncate(&store.vm, map_block + 1)
}

/// Everything a map page holds lies in its special space, so that full images carry it.
pub(super) fn init(map: &mut WriteGuard<'_>) {
    if map.is_new() {
        map.init(BYTES);
    }
}

/// Redo of [`set`] on the map's page.
pub(super) fn redo_set(map: &mut WriteGuard<'_>, block: BlockNo, frozen: bool) {
    init(map);
    let (_, byte, bit) = place(block);
    map.special_mut()[byte] |= if frozen { bit * 3 } else { bit };
}
