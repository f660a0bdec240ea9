//! The free-space map: how much room each heap page has, in steps of 32 bytes, findable from the top. Indexes note their
//! pages that are free for any use, too.
//!
//! Each map page holds a binary tree of bytes in its special space: leaves tell of heap pages (or, on page 0, of map
//! pages), each inner node the greater of its children. Page 0 is the root; page n + 1 tells of the heap pages
//! n × [`LEAVES`] and on. That reaches 4,073 × 4,073 pages (126 GB); pages beyond are never reused, only filled once.
//!
//! Nothing here is logged: a wrong entry costs a look at the page it names, which then corrects it (PostgreSQL 15,
//! freespace: same). A torn page fails its checksum and is emptied by the pool.

use crate::base::{BlockNo, Result};
use crate::buffer::{RelFork, WriteGuard};
use crate::page::{HEADER_SIZE, PAGE_SIZE};
use crate::storage::Storage;
use std::sync::Arc;

const NODES: usize = PAGE_SIZE - HEADER_SIZE;
const INNER: usize = 4095;
/// Entries per map page.
const LEAVES: u32 = (NODES - INNER) as u32;
const STEP: usize = 32;

/// The category of that much room, rounded down.
fn category(free: usize) -> u8 {
    (free / STEP).min(255) as u8
}

/// The category that surely holds that much, rounded up.
fn needed(bytes: usize) -> u8 {
    bytes.div_ceil(STEP).clamp(1, 255) as u8
}

/// Tells how much room a page has now.
pub fn record(storage: &Storage, map: &Arc<RelFork>, block: BlockNo, free: usize) -> Result<()> {
    set(storage, map, block, category(free))
}

/// A page that should have room for `bytes`, if one is known.
pub fn search(storage: &Storage, map: &Arc<RelFork>, bytes: usize) -> Result<Option<BlockNo>> {
    let pages = storage.pool.nblocks(map)?;
    if pages == 0 {
        return Ok(None);
    }
    let want = needed(bytes);
    // A parent may promise what its page no longer has: corrected, and asked again.
    for _ in 0..100 {
        let Some(slot) = find(&*storage.pool.read(map, 0)?, want) else { return Ok(None) };
        if slot + 1 >= pages {
            correct_root(storage, map, slot, 0)?;
            continue;
        }
        let (found, best) = {
            let page = storage.pool.read(map, slot + 1)?;
            (find(&page, want), top(&page))
        };
        match found {
            Some(leaf) => return Ok(Some(slot * LEAVES + leaf)),
            None => correct_root(storage, map, slot, best)?,
        }
    }
    Ok(None)
}

/// Room known in a page; for `pg_freespace` and tests.
pub fn known(storage: &Storage, map: &Arc<RelFork>, block: BlockNo) -> Result<usize> {
    let (map_block, slot) = place(block);
    if map_block >= storage.pool.nblocks(map)? {
        return Ok(0);
    }
    let page = storage.pool.read(map, map_block)?;
    Ok(if page.is_new() { 0 } else { page.special()[INNER + slot as usize] as usize * STEP })
}

/// Forgets pages from `blocks` on.
pub fn truncate(storage: &Storage, map: &Arc<RelFork>, blocks: BlockNo) -> Result<()> {
    let (map_block, slot) = place(blocks);
    if map_block >= storage.pool.nblocks(map)? {
        return Ok(());
    }
    let best = {
        let mut page = storage.pool.write(map, map_block)?;
        init(&mut page);
        for s in slot..LEAVES {
            put(&mut page, s, 0);
        }
        page.mark_dirty();
        top(&page)
    };
    storage.pool.truncate(map, map_block + 1)?;
    correct_root(storage, map, map_block - 1, best)
}

fn place(block: BlockNo) -> (BlockNo, u32) {
    (block / LEAVES + 1, block % LEAVES)
}

fn set(storage: &Storage, map: &Arc<RelFork>, block: BlockNo, value: u8) -> Result<()> {
    let (map_block, slot) = place(block);
    if map_block > LEAVES {
        return Ok(());
    }
    let pages = storage.pool.nblocks(map)?;
    if map_block >= pages {
        if value == 0 {
            return Ok(());
        }
        storage.pool.extend_to(map, map_block + 1)?;
    }
    let best = {
        let mut page = storage.pool.write(map, map_block)?;
        if !page.is_new() && page.special()[INNER + slot as usize] == value {
            return Ok(());
        }
        init(&mut page);
        put(&mut page, slot, value);
        page.mark_dirty();
        top(&page)
    };
    correct_root(storage, map, map_block - 1, best)
}

fn correct_root(storage: &Storage, map: &Arc<RelFork>, slot: u32, value: u8) -> Result<()> {
    let mut root = storage.pool.write(map, 0)?;
    if !root.is_new() && root.special()[INNER + slot as usize] == value {
        return Ok(());
    }
    init(&mut root);
    put(&mut root, slot, value);
    root.mark_dirty();
    Ok(())
}

fn init(page: &mut WriteGuard<'_>) {
    if page.is_new() {
        page.init(NODES);
    }
}

fn top(page: &crate::page::Page) -> u8 {
    if page.is_new() { 0 } else { page.special()[0] }
}

/// Sets a leaf and the nodes above it.
fn put(page: &mut WriteGuard<'_>, slot: u32, value: u8) {
    let nodes = page.special_mut();
    let mut at = INNER + slot as usize;
    nodes[at] = value;
    while at > 0 {
        at = (at - 1) / 2;
        let left = nodes[2 * at + 1];
        let right = nodes.get(2 * at + 2).copied().unwrap_or(0);
        let best = left.max(right);
        if nodes[at] == best {
            break;
        }
        nodes[at] = best;
    }
}

/// The first leaf with at least `want`.
fn find(page: &crate::page::Page, want: u8) -> Option<u32> {
    if page.is_new() {
        return None;
    }
    let nodes = page.special();
    if nodes.len() != NODES || nodes[0] < want {
        return None;
    }
    let mut at = 0;
    while at < INNER {
        at = 2 * at + 1;
        if nodes[at] < want {
            at += 1;
            // A damaged tree promises what no child has.
            if nodes.get(at).is_none_or(|n| *n < want) {
                return None;
            }
        }
    }
    Some((at - INNER) as u32)
}
