//! Adding rows: a batch goes down to whole pages, one latch and one log record a page.

use super::desc::Compression;
use super::encode::{Encoded, Stamp, append_plain_rows, append_row, is_plain};
use super::record::{Bytes, flag, heap2};
use super::shrink::shrink;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple, put};
use super::{fsm, serial, vm};
use crate::base::{BlockNo, CommandId, Flow, Result, TupleId, Xid};
use crate::buffer::{WriteGuard, critical};
use crate::mvcc::Own;
use crate::page::{HEADER_SIZE, PAGE_SIZE, POINTER_SIZE};
use crate::storage::Storage;
use crate::types::Batch;
use crate::wal::{BlockMode, Record, Rmgr};
use std::ops::Range;
use std::sync::Arc;

/// On whose behalf a write is done.
#[derive(Clone, Copy)]
pub struct WriteContext<'a> {
    pub storage: &'a Storage,
    /// The current sub-transaction's id, or the transaction's.
    pub xid: Xid,
    pub cid: CommandId,
    pub own: &'a Arc<Own>,
    /// For values of columns that name no method.
    pub compression: Compression,
}

/// Inserts the batch's rows from `tids.len()` on, and appends where they lie. The batch's columns are the table's
/// attributes, all of them, in order. After a `Stop`, call again with the same `tids`: rows in it are done.
///
/// # Errors
/// 53100 without disk space, 54000 for a row no page can hold.
pub fn insert(cx: &WriteContext<'_>, store: &TableStore, batch: &Batch, tids: &mut Vec<TupleId>) -> Flow<()> {
    assert_eq!(batch.columns.len(), store.desc().len(), "COL-1: a batch to insert has all attributes");
    let mut encoded = Encoded::reused();
    let done = encode(cx, store, batch, tids.len(), &mut encoded)
        .and_then(|()| place(cx, store, &mut encoded, tids, |_, _, _| {}));
    encoded.give_back();
    done
}

fn encode(cx: &WriteContext<'_>, store: &TableStore, batch: &Batch, from: usize, encoded: &mut Encoded) -> Flow<()> {
    let stamp = Stamp::fresh(cx.xid, cx.cid);
    let desc = store.desc();
    let large = desc.attrs.iter().any(|a| a.phys == crate::types::Phys::Bytes) || desc.len() > 200;
    if !large && is_plain(desc, batch) {
        append_plain_rows(encoded, batch, from..batch.rows, stamp);
        return Ok(());
    }
    for row in from..batch.rows {
        let replaced = if large { shrink(cx, store, batch, row, Vec::new())? } else { Vec::new() };
        append_row(encoded, desc, batch, row, stamp, &replaced);
    }
    Ok(())
}

/// Puts encoded rows on pages. `placed(rows, n, tid)` is called after row n got its place, before the next is written.
pub(super) fn place(
    cx: &WriteContext<'_>,
    store: &TableStore,
    encoded: &mut Encoded,
    tids: &mut Vec<TupleId>,
    mut placed: impl FnMut(&mut Encoded, usize, TupleId),
) -> Flow<()> {
    let storage = cx.storage;
    let mut fresh = Fresh { storage, store, blocks: 0..0 };
    let mut done = 0;
    while done < encoded.len() {
        if store.main.is_logged() {
            storage.wal.reserve_for(Record::max_bytes(1, 2 * PAGE_SIZE), store.need())?;
        }
        let need = encoded.row(done).len();
        let mut page = target(&mut fresh, need, |kept| pages_needed(encoded, done, kept))?;
        // No row is there yet for somebody to have read: marks on the whole are all that matters.
        serial::write(cx, store, None)?;
        let cleared = vm::clear(storage, store, &mut page)?;
        let before = done;
        {
            let _critical = critical::enter();
            let init = page.item_count() == 0;
            done = fill(store, &mut page, encoded, done, tids, &mut placed);
            log_insert(
                cx,
                store,
                &mut page,
                encoded,
                before..done,
                &tids[tids.len() - (done - before)..],
                init,
                cleared,
            );
        }
        store.main.hint.store(page.block() + 1, std::sync::atomic::Ordering::Relaxed);
        if done < encoded.len() {
            // The page is full: others may find what little is left.
            let (block, free) = (page.block(), page.heap_free_space(MAX_ITEMS));
            drop(page);
            fsm::record(storage, &store.fsm, block, free.saturating_sub(store.kept_free()))?;
        }
    }
    Ok(())
}

/// Puts as many rows as fit; returns the first one left.
fn fill(
    store: &TableStore,
    page: &mut WriteGuard<'_>,
    encoded: &mut Encoded,
    from: usize,
    tids: &mut Vec<TupleId>,
    placed: &mut impl FnMut(&mut Encoded, usize, TupleId),
) -> usize {
    let block = page.block();
    let kept = store.kept_free();
    let mut row = from;
    while row < encoded.len() {
        let bytes = encoded.row(row);
        // The first row always goes where `target` found room for it.
        if row > from && page.heap_free_space(MAX_ITEMS) < bytes.len() + kept {
            break;
        }
        let Some(offset) = page.add_item(bytes) else { break };
        let tid = TupleId::new(block, offset);
        put::ctid(page.item_mut(offset), tid);
        tids.push(tid);
        placed(encoded, row, tid);
        row += 1;
    }
    assert!(row > from, "HEAP-3: a row of {} bytes does not fit the page found for it", encoded.row(from).len());
    row
}

/// The data of MULTI_INSERT: flags (1), rows (2), line pointers (2 each, only the first if consecutive), then
/// uniform: length (2), header from infomask2 on, then each row's values; else for each row length (2) and all from
/// infomask2 on.
fn log_insert(
    cx: &WriteContext<'_>,
    store: &TableStore,
    page: &mut WriteGuard<'_>,
    encoded: &Encoded,
    rows: Range<usize>,
    tids: &[TupleId],
    init: bool,
    cleared: bool,
) {
    if !store.main.is_logged() {
        page.mark_dirty();
        return;
    }
    let first = encoded.row(rows.start);
    let head = Tuple(first).hoff();
    let uniform = rows.len() > 1
        && rows.clone().all(|r| {
            let bytes = encoded.row(r);
            bytes.len() == first.len() && bytes[22..head] == first[22..head]
        });
    let consecutive = tids.windows(2).all(|w| w[1].offset == w[0].offset + 1);
    let mut b = Bytes(Vec::with_capacity(64 + encoded.ends[rows.end - 1] - encoded.start(rows.start)));
    let flags = if cleared { flag::ALL_VISIBLE_CLEARED } else { 0 }
        | if uniform { flag::UNIFORM } else { 0 }
        | if consecutive { flag::CONSECUTIVE } else { 0 };
    b.u8(flags).u16(rows.len() as u16);
    for tid in if consecutive { &tids[..1] } else { tids } {
        b.u16(tid.offset);
    }
    if uniform {
        b.u16(first.len() as u16).slice(&first[22..head]);
        rows.for_each(|r| {
            b.slice(&encoded.row(r)[head..]);
        });
    } else {
        for r in rows {
            let bytes = encoded.row(r);
            b.u16(bytes.len() as u16).slice(&bytes[22..]);
        }
    }
    let (info, mode) = match init {
        true => (heap2::MULTI_INSERT | heap2::INIT_PAGE, BlockMode::Init),
        false => (heap2::MULTI_INSERT, BlockMode::Normal),
    };
    cx.storage.pool.log(Rmgr::Heap2, info, cx.xid, &mut [(page, mode)], &[&b.0]);
}

/// Blocks added to the file that nobody else touches; what is left of them becomes findable for everybody.
struct Fresh<'a> {
    storage: &'a Storage,
    store: &'a TableStore,
    blocks: Range<BlockNo>,
}

impl Drop for Fresh<'_> {
    fn drop(&mut self) {
        for block in self.blocks.clone() {
            // Only after an error; a page that stays zero is only room lost.
            let Ok(mut page) = self.storage.pool.init(&self.store.main, block) else { return };
            page.init(0);
            page.mark_dirty();
            let free = page.free_space();
            drop(page);
            if fsm::record(self.storage, &self.store.fsm, block, free).is_err() {
                return;
            }
        }
    }
}

/// A latched page with room for `need` bytes.
///
/// PostgreSQL 15, hio.c, RelationGetBufferForTuple: same order: the page used last, the free-space map, the end.
fn target<'a>(fresh: &mut Fresh<'a>, need: usize, pages: impl FnOnce(usize) -> u32) -> Result<WriteGuard<'a>> {
    let (storage, store) = (fresh.storage, fresh.store);
    if fresh.blocks.is_empty() {
        if let Some(page) = used_page(storage, store, need)? {
            return Ok(page);
        }
        fresh.blocks = storage.pool.extend(&store.main, pages(store.kept_free()))?;
    }
    let block = fresh.blocks.start;
    let mut page = storage.pool.init(&store.main, block)?;
    fresh.blocks.start += 1;
    page.init(0);
    Ok(page)
}

fn used_page<'a>(storage: &'a Storage, store: &TableStore, need: usize) -> Result<Option<WriteGuard<'a>>> {
    let blocks = store.nblocks(storage)?;
    let hint = store.main.hint.load(std::sync::atomic::Ordering::Relaxed);
    let mut candidate = match hint {
        0 => blocks.checked_sub(1),
        n => Some(n - 1),
    };
    let wanted = need + store.kept_free();
    for _ in 0..20 {
        let Some(block) = candidate.filter(|b| *b < blocks) else { break };
        let page = storage.pool.write(&store.main, block)?;
        // A zero page belongs to whoever is just adding it.
        let free = if page.is_new() { 0 } else { page.heap_free_space(MAX_ITEMS) };
        let empty = !page.is_new() && page.item_count() == 0;
        if free >= wanted || empty && free >= need {
            return Ok(Some(page));
        }
        drop(page);
        fsm::record(storage, &store.fsm, block, free.saturating_sub(store.kept_free()))?;
        candidate = fsm::search(storage, &store.fsm, need)?;
    }
    Ok(None)
}

/// How many fresh pages the rows from `from` on will take; exactly, so that tables are not longer than PostgreSQL's.
fn pages_needed(encoded: &Encoded, from: usize, kept: usize) -> u32 {
    let whole = PAGE_SIZE - HEADER_SIZE;
    let (mut pages, mut room, mut items) = (0, 0, 0);
    for row in from..encoded.len() {
        let bytes = encoded.row(row).len() + POINTER_SIZE;
        if pages == 0 || room < bytes + kept || items == MAX_ITEMS {
            pages += 1;
            room = whole;
            items = 0;
        }
        room -= bytes;
        items += 1;
    }
    pages
}
