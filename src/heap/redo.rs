//! Redo of the heap's records.

use super::freeze;
use super::prune::{self, Plan};
use super::record::{Reader, flag, heap, heap2};
use super::tuple::{HEADER_BYTES, Tuple, mask, put};
use super::vm;
use crate::base::{Error, Fork, Result, TupleId, Xid};
use crate::buffer::{Persistence, WriteGuard};
use crate::page::ALL_VISIBLE;
use crate::storage::{Action, RedoContext};
use crate::wal::{RedoRecord, Rmgr};

/// Redoes a record of `Rmgr::Heap` or `Rmgr::Heap2`.
pub fn redo(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    match (record.rmgr, record.info) {
        (Rmgr::Heap, heap::DELETE | heap::UPDATE_OLD) => change(cx, record, |page, r| set_xmax(page, r, record.xid)),
        (Rmgr::Heap, heap::UPDATE | heap::HOT_UPDATE) => change(cx, record, |page, r| update(page, r, record.xid)),
        (Rmgr::Heap, heap::LOCK) => plain(cx, record, |page, r| set_xmax(page, r, record.xid)),
        (Rmgr::Heap, heap::INPLACE) => plain(cx, record, overwrite),
        (Rmgr::Heap2, heap2::PRUNE) => plain(cx, record, |page, r| Plan::decode(r.0).map(|plan| plan.apply(page))),
        (Rmgr::Heap2, heap2::VACUUM) => plain(cx, record, vacuum),
        (Rmgr::Heap2, heap2::FREEZE_PAGE) => plain(cx, record, freeze::redo),
        (Rmgr::Heap2, heap2::VISIBLE) => visible(cx, record),
        (Rmgr::Heap2, info) if info & !heap2::INIT_PAGE == heap2::MULTI_INSERT => {
            let init = info & heap2::INIT_PAGE != 0;
            change(cx, record, |page, r| multi_insert(page, r, record.xid, init))
        }
        (rmgr, info) => Err(crate::err!(INTERNAL_ERROR, "heap_redo: unknown op code {info} of {}", rmgr.name())),
    }
}

/// Applies a change to block 0 unless it is there already.
fn plain(
    cx: &mut RedoContext<'_>,
    record: &RedoRecord<'_>,
    apply: impl FnOnce(&mut WriteGuard<'_>, &mut Reader<'_>) -> Option<()>,
) -> Result<()> {
    if let Action::Apply(mut page) = cx.block(record, 0)? {
        apply(&mut page, &mut Reader(record.data)).ok_or_else(|| damaged(record))?;
        cx.applied(record, &mut page);
    }
    Ok(())
}

/// As `plain`, for records whose data start with flags.
fn change(
    cx: &mut RedoContext<'_>,
    record: &RedoRecord<'_>,
    apply: impl FnOnce(&mut WriteGuard<'_>, &mut Reader<'_>) -> Option<()>,
) -> Result<()> {
    let cleared = record.data.first().is_some_and(|f| f & flag::ALL_VISIBLE_CLEARED != 0);
    if cleared {
        // The map's page has no LSN of its own for this: clearing once more is harmless.
        clear_map(cx, record)?;
    }
    plain(cx, record, |page, r| {
        page.clear_flag(ALL_VISIBLE);
        apply(page, r)
    })
}

fn clear_map(cx: &RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let map = cx.storage.pool.open(record.blocks[0].file, Fork::Vm, Persistence::Permanent);
    vm::clear_bit(cx.storage, &map, record.blocks[0].block)
}

fn damaged(record: &RedoRecord<'_>) -> Error {
    crate::err!(INTERNAL_ERROR, "heap_redo: record at {} does not fit its page", record.start)
}

fn set_xmax(page: &mut WriteGuard<'_>, r: &mut Reader<'_>, xid: Xid) -> Option<()> {
    r.u8()?;
    let line = r.u16()?;
    let (bits, bits2) = (r.u16()?, r.u16()?);
    let next = TupleId::new(r.u32()?, r.u16()?);
    old_version(page, line, bits, bits2, xid, next)
}

fn old_version(page: &mut WriteGuard<'_>, line: u16, bits: u16, bits2: u16, xid: Xid, next: TupleId) -> Option<()> {
    if !page.pointer(line).is_normal() {
        return None;
    }
    let item = page.item_mut(line);
    put::xmax(item, xid);
    put::infomask(item, bits & !mask::XMAX_MULTI);
    put::infomask2(item, bits2);
    put::ctid(item, next);
    Some(())
}

fn update(page: &mut WriteGuard<'_>, r: &mut Reader<'_>, xid: Xid) -> Option<()> {
    r.u8()?;
    let old = r.u16()?;
    let (bits, bits2) = (r.u16()?, r.u16()?);
    let new = r.u16()?;
    let len = r.u16()? as usize;
    let tid = TupleId::new(page.block(), new);
    old_version(page, old, bits, bits2, xid, tid)?;
    put_version(page, new, len, &[r.take(len - 22)?], xid)
}

/// Builds a version from its parts, which start with infomask2.
fn put_version(page: &mut WriteGuard<'_>, line: u16, len: usize, parts: &[&[u8]], xid: Xid) -> Option<()> {
    let mut item = vec![0; 22];
    parts.iter().for_each(|p| item.extend_from_slice(p));
    if item.len() != len || len < HEADER_BYTES {
        return None;
    }
    put::xmin(&mut item, xid);
    put::ctid(&mut item, TupleId::new(page.block(), line));
    let bits = Tuple(&item).infomask() & !mask::XMAX_MULTI;
    put::infomask(&mut item, bits);
    page.put_item(line, &item).then_some(())
}

fn multi_insert(page: &mut WriteGuard<'_>, r: &mut Reader<'_>, xid: Xid, init: bool) -> Option<()> {
    if init {
        page.init(0);
    }
    let flags = r.u8()?;
    let n = r.u16()?;
    let lines: Vec<u16> = match flags & flag::CONSECUTIVE {
        0 => (0..n).map(|_| r.u16()).collect::<Option<_>>()?,
        _ => {
            let first = r.u16()?;
            (first..first + n).collect()
        }
    };
    if flags & flag::UNIFORM == 0 {
        for line in lines {
            let len = r.u16()? as usize;
            put_version(page, line, len, &[r.take(len.checked_sub(22)?)?], xid)?;
        }
        return Some(());
    }
    let len = r.u16()? as usize;
    // The fifth byte of the common part tells the header's length.
    let head = *r.0.get(4)? as usize * 4;
    let common = r.take(head.checked_sub(22)?)?;
    for line in lines {
        put_version(page, line, len, &[common, r.take(len.checked_sub(head)?)?], xid)?;
    }
    Some(())
}

fn overwrite(page: &mut WriteGuard<'_>, r: &mut Reader<'_>) -> Option<()> {
    let line = r.u16()?;
    if !page.pointer(line).is_normal() {
        return None;
    }
    let item = page.item_mut(line);
    (item.len() == r.0.len() + 27).then(|| item[27..].copy_from_slice(r.0))
}

/// VACUUM's data: the line pointers that became free.
fn vacuum(page: &mut WriteGuard<'_>, r: &mut Reader<'_>) -> Option<()> {
    let lines: Vec<u16> = r.0.chunks_exact(2).map(|b| u16::from_le_bytes([b[0], b[1]])).collect();
    prune::free_dead(page, &lines);
    Some(())
}

/// VISIBLE: block 0 is the map's page, block 1 the heap's; the data name the heap's block and whether it is all frozen.
fn visible(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    if let Action::Apply(mut page) = cx.block(record, 1)? {
        page.set_flag(ALL_VISIBLE);
        cx.applied(record, &mut page);
    }
    let mut r = Reader(record.data);
    let block = r.u32().ok_or_else(|| damaged(record))?;
    let frozen = r.u8() == Some(1);
    match cx.block(record, 0)? {
        Action::Apply(mut map) => {
            vm::redo_set(&mut map, block, frozen);
            cx.applied(record, &mut map);
        }
        Action::Missing => {
            // A map page that was never written is new, not gone.
            let map = &record.blocks[0];
            let rel = cx.storage.pool.open(map.file, Fork::Vm, Persistence::Permanent);
            let mut map = cx.storage.pool.write(&rel, map.block)?;
            vm::redo_set(&mut map, block, frozen);
            cx.applied(record, &mut map);
        }
        Action::Restored | Action::Done => {}
    }
    Ok(())
}
