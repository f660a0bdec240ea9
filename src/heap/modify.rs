//! Deleting, updating and locking rows.
//!
//! Only one page is latched at a time. An update whose new version goes to another page first locks the old one in its
//! header, writes the new version, and comes back: nobody can have changed the old one meanwhile.
//!
//! Row locks live in the header's xmax as long as there is one holder, further ones in `mvcc::RowLockers`; the flag
//! [`mask::XMAX_MULTI`] tells to look there. A lock alone is not logged unless transactions can be prepared: only theirs
//! outlive a crash (`restore` brings those in memory back).

use super::encode::{Encoded, Stamp, append_row};
use super::insert::{WriteContext, place};
use super::prune;
use super::record::{Bytes, PASS_LOCK, flag, heap};
use super::result::{LockStrength, TmResult, UpdateKind, Updated};
use super::serial;
use super::shrink::{is_large, shrink};
use super::store::TableStore;
use super::toast::{self, Reference};
use super::tuple::{MAX_ITEMS, Tuple, mask, mask2, put};
use super::unchanged::unchanged;
use super::visibility::{Judge, cmax, cmin};
use super::vm;
use crate::base::{Error, Flow, Result, TupleId, Xid};
use crate::buffer::{WriteGuard, critical};
use crate::mvcc::XactStatus;
use crate::page::PAGE_SIZE;
use crate::twophase::RowLock;
use crate::types::Batch;
use crate::wal::{BlockMode, Record, Rmgr};

/// Deletes a row version.
pub fn delete(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId) -> Flow<TmResult> {
    delete_before(cx, store, tid, tid)
}

/// Deletes a row version that goes on in another table: whoever waits for it is told so.
pub fn delete_moved(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId) -> Flow<TmResult> {
    delete_before(cx, store, tid, TupleId::MOVED)
}

fn delete_before(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, next: TupleId) -> Flow<TmResult> {
    reserve(cx, store)?;
    let Some(mut page) = latch(cx, store, tid)? else { return Ok(TmResult::Invisible) };
    let t = Tuple(page.item(tid.offset));
    let found = check(cx, store, tid, t, LockStrength::Update);
    if found != TmResult::Ok {
        return Ok(found);
    }
    let gone = out_of_line(store, t);
    serial::write(cx, store, Some(tid))?;
    let cleared = vm::clear(cx.storage, store, &mut page)?;
    {
        let _critical = critical::enter();
        let xmax = Xmax { strength: LockStrength::Update, next, hot: false };
        set_xmax(cx, store, &mut page, tid, xmax);
        log_xmax(cx, &mut page, heap::DELETE, tid, cleared);
    }
    drop(page);
    delete_values(cx, store, &gone)?;
    Ok(TmResult::Ok)
}

/// Replaces a row version by the batch's row. The batch's columns are the table's attributes, all of them, in order.
pub fn update(
    cx: &WriteContext<'_>,
    store: &TableStore,
    tid: TupleId,
    batch: &Batch,
    row: usize,
    kind: UpdateKind,
) -> Flow<Updated> {
    reserve(cx, store)?;
    let strength = if kind.key_changed { LockStrength::Update } else { LockStrength::NoKeyUpdate };
    let stamp = Stamp { infomask: mask::XMAX_INVALID | mask::UPDATED, ..Stamp::fresh(cx.xid, cx.cid) };
    let mut encoded = Encoded::default();
    // Values out of line are written only once nothing can go wrong any more.
    let mut replaced = Vec::new();
    if is_large(store.desc(), batch, row) {
        let found = hold(cx, store, tid, strength)?;
        if found != TmResult::Ok {
            return Ok(failed(found));
        }
        let kept = unchanged(cx, store, tid, batch, row)?;
        replaced = shrink(cx, store, batch, row, kept)?;
    }
    append_row(&mut encoded, store.desc(), batch, row, stamp, &replaced);
    if let InPage::Done(updated) = update_in_place(cx, store, tid, &mut encoded, kind, strength)? {
        return Ok(updated);
    }
    update_elsewhere(cx, store, tid, &mut encoded, strength)
}

/// Locks a row version.
pub fn lock_tuple(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, strength: LockStrength) -> Flow<TmResult> {
    reserve(cx, store)?;
    let next = {
        let Some(mut page) = latch(cx, store, tid)? else { return Ok(TmResult::Invisible) };
        let t = Tuple(page.item(tid.offset));
        let found = check(cx, store, tid, t, strength);
        let updater = updater(cx, t);
        let held = holds(cx, store, tid, t, strength);
        if found != TmResult::Ok || held && updater.is_none() {
            return Ok(found);
        }
        if !cx.storage.pool.may_hint(&page) {
            return Err(Error::internal("rows cannot be locked in recovery").into());
        }
        let next = updater.map(|(xmax, _)| (t.ctid(), xmax));
        if held || updater.is_some_and(|(_, running)| !running) {
            // Who wants a row that was replaced meets its newer versions.
        } else if updater.is_some() || slot_taken(cx, t) {
            add_locker(cx, store, page.item_mut(tid.offset), tid, cx.xid, strength);
        } else {
            keep_own_lock(cx, store, page.item_mut(tid.offset), tid);
            put_lock(page.item_mut(tid.offset), cx.xid, strength);
        }
        log_lock(cx, &mut page, tid);
        next
    };
    let found = lock_successors(cx, store, tid, next, strength)?;
    match (found, next) {
        // Whoever follows updates begins with this one.
        (TmResult::Updated { .. }, Some((ctid, xmax))) => Ok(TmResult::Updated { ctid, xmax }),
        _ => Ok(found),
    }
}

/// Overwrites a row's values where they are, for everybody at once and whatever becomes of the transaction: statistics
/// in `pg_class`. The new row must have the same length and the same NULLs' room.
pub fn overwrite(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, batch: &Batch, row: usize) -> Flow<()> {
    reserve(cx, store)?;
    let mut encoded = Encoded::default();
    append_row(&mut encoded, store.desc(), batch, row, Stamp::fresh(cx.xid, cx.cid), &[]);
    let Some(mut page) = latch(cx, store, tid)? else {
        return Err(Error::internal("the row to overwrite is gone").into());
    };
    let new = encoded.row(0);
    if new.len() != page.item(tid.offset).len() || new[26] != page.item(tid.offset)[26] {
        return Err(Error::internal("wrong tuple length").into());
    }
    let _critical = critical::enter();
    page.item_mut(tid.offset)[27..].copy_from_slice(&new[27..]);
    let line = tid.offset.to_le_bytes();
    let data: [&[u8]; 2] = [&line, &new[27..]];
    cx.storage.pool.log(Rmgr::Heap, heap::INPLACE, cx.xid, &mut [(&mut page, BlockMode::Normal)], &data);
    Ok(())
}

fn reserve(cx: &WriteContext<'_>, store: &TableStore) -> Flow<()> {
    cx.storage.wal.reserve_for(Record::max_bytes(2, 2 * PAGE_SIZE), store.need())
}

fn latch<'a>(cx: &WriteContext<'a>, store: &TableStore, tid: TupleId) -> Result<Option<WriteGuard<'a>>> {
    if !tid.is_valid() || tid.block >= store.nblocks(cx.storage)? {
        return Ok(None);
    }
    let page = cx.storage.pool.write(&store.main, tid.block)?;
    Ok(page.pointer(tid.offset).is_normal().then_some(page))
}

/// What stands in the way of locking the version with that strength.
///
/// PostgreSQL 15, heapam_visibility.c, HeapTupleSatisfiesUpdate, with the conflicts of heap_lock_tuple.
fn check(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, t: Tuple<'_>, want: LockStrength) -> TmResult {
    let mut judge = Judge::new(cx.storage);
    if !t.has(mask::XMIN_COMMITTED) {
        if t.has(mask::XMIN_INVALID) {
            return TmResult::Invisible;
        }
        if cx.own.contains(t.xmin()) {
            if cmin(t, cx.own) >= cx.cid {
                return TmResult::Invisible;
            }
        } else if !matches!(judge.status(t.xmin()), XactStatus::Committed(_)) {
            return TmResult::Invisible;
        }
    }
    check_xmax(cx, store, tid, t, want)
}

/// The same, of a version that is there.
fn check_xmax(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, t: Tuple<'_>, want: LockStrength) -> TmResult {
    let mut judge = Judge::new(cx.storage);
    if t.has(mask::XMAX_MULTI) {
        for (xid, strength) in cx.storage.mvcc.lockers.get((store.file(), tid)) {
            let strength = strength_of(strength);
            if !cx.own.contains(xid) && strength.conflicts(want) && cx.storage.mvcc.is_running(xid) {
                return TmResult::BeingModified(xid);
            }
        }
    }
    if t.has(mask::XMAX_INVALID) {
        return TmResult::Ok;
    }
    let xmax = t.xmax();
    if t.has(mask::XMAX_LOCK_ONLY) {
        let in_the_way = !cx.own.contains(xmax) && lock_strength(t).conflicts(want) && cx.storage.mvcc.is_running(xmax);
        return if in_the_way { TmResult::BeingModified(xmax) } else { TmResult::Ok };
    }
    if cx.own.contains(xmax) {
        let cmax = cmax(t, cx.own);
        return if cmax >= cx.cid { TmResult::SelfModified { cmax } } else { TmResult::Invisible };
    }
    let ended =
        if t.has(mask::XMAX_COMMITTED) { XactStatus::Committed(crate::base::Csn(0)) } else { judge.status(xmax) };
    match ended {
        XactStatus::Running if update_strength(t).conflicts(want) => TmResult::BeingModified(xmax),
        XactStatus::Running | XactStatus::Aborted => TmResult::Ok,
        XactStatus::Committed(_) if t.ctid() == tid => TmResult::Deleted { xmax },
        XactStatus::Committed(_) if t.ctid() == TupleId::MOVED => TmResult::Moved { xmax },
        // The key is the same: what the lock is for goes on in the newer version.
        XactStatus::Committed(_) if !update_strength(t).conflicts(want) => TmResult::Ok,
        XactStatus::Committed(_) => TmResult::Updated { ctid: t.ctid(), xmax },
    }
}

fn strength_of(n: u8) -> LockStrength {
    match n {
        0 => LockStrength::KeyShare,
        1 => LockStrength::Share,
        2 => LockStrength::NoKeyUpdate,
        _ => LockStrength::Update,
    }
}

/// How strongly a version whose xmax only locks is locked.
fn lock_strength(t: Tuple<'_>) -> LockStrength {
    match t.infomask() & (mask::XMAX_KEYSHR_LOCK | mask::XMAX_EXCL_LOCK) {
        mask::XMAX_KEYSHR_LOCK => LockStrength::KeyShare,
        mask::XMAX_EXCL_LOCK => update_strength(t),
        _ => LockStrength::Share,
    }
}

/// How strongly an update or delete holds its row.
fn update_strength(t: Tuple<'_>) -> LockStrength {
    if t.has2(mask2::KEYS_UPDATED) { LockStrength::Update } else { LockStrength::NoKeyUpdate }
}

/// Whether this transaction has the lock, or a stronger one, already.
fn holds(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, t: Tuple<'_>, want: LockStrength) -> bool {
    let in_header = !t.has(mask::XMAX_INVALID)
        && t.has(mask::XMAX_LOCK_ONLY)
        && cx.own.contains(t.xmax())
        && lock_strength(t) >= want;
    in_header
        || t.has(mask::XMAX_MULTI)
            && cx
                .storage
                .mvcc
                .lockers
                .get((store.file(), tid))
                .iter()
                .any(|(xid, strength)| cx.own.contains(*xid) && strength_of(*strength) >= want)
}

/// The transaction that replaced the version, and whether it still runs (never our own: that was refused).
fn updater(cx: &WriteContext<'_>, t: Tuple<'_>) -> Option<(Xid, bool)> {
    if t.has(mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY) {
        return None;
    }
    if t.has(mask::XMAX_COMMITTED) {
        return Some((t.xmax(), false));
    }
    match Judge::new(cx.storage).status(t.xmax()) {
        XactStatus::Running => Some((t.xmax(), true)),
        XactStatus::Committed(_) => Some((t.xmax(), false)),
        XactStatus::Aborted => None,
    }
}

/// Whether the version's maker was rolled back.
fn was_rolled_back(cx: &WriteContext<'_>, t: Tuple<'_>) -> bool {
    t.has(mask::XMIN_INVALID)
        || !t.has(mask::XMIN_COMMITTED) && Judge::new(cx.storage).status(t.xmin()) == XactStatus::Aborted
}

/// Whether another transaction's lock occupies xmax.
fn slot_taken(cx: &WriteContext<'_>, t: Tuple<'_>) -> bool {
    !t.has(mask::XMAX_INVALID)
        && t.has(mask::XMAX_LOCK_ONLY)
        && !cx.own.contains(t.xmax())
        && cx.storage.mvcc.is_running(t.xmax())
}

/// Enters a holder in memory and tells so in the header.
fn add_locker(
    cx: &WriteContext<'_>,
    store: &TableStore,
    item: &mut [u8],
    tid: TupleId,
    xid: Xid,
    strength: LockStrength,
) {
    cx.storage.mvcc.lockers.add((store.file(), tid), xid, strength as u8);
    if xid != cx.xid {
        pass_on(cx, store, RowLock { file: store.file(), tid, xid, strength: strength as u8 });
    }
    let bits = Tuple(item).infomask() | mask::XMAX_MULTI;
    put::infomask(item, bits);
}

/// A lock that moves, from the header or from version to version, and belongs to a prepared transaction must survive a
/// crash as that does (TWO-3).
fn pass_on(cx: &WriteContext<'_>, store: &TableStore, row: RowLock) {
    if cx.storage.twophase.pass_on(row) && store.main.is_logged() {
        let data = serde_json::to_vec(&row).unwrap_or_default();
        let record = Record { rmgr: Rmgr::Transaction, info: PASS_LOCK, xid: cx.xid, blocks: &[], data: &[&data] };
        cx.storage.wal.insert(&record);
    }
}

/// Where transactions can be prepared a lock in a header must survive a crash.
fn log_lock(cx: &WriteContext<'_>, page: &mut WriteGuard<'_>, tid: TupleId) {
    if !cx.storage.twophase.is_enabled() || !page.rel().is_logged() {
        cx.storage.pool.mark_hint(page);
        return;
    }
    let _critical = critical::enter();
    log_xmax(cx, page, heap::LOCK, tid, false);
}

/// Before xmax is overwritten: a living lock that another of our (sub-)transactions, or a compatible stranger, has there
/// moves to memory.
fn keep_own_lock(cx: &WriteContext<'_>, store: &TableStore, item: &mut [u8], tid: TupleId) {
    let t = Tuple(item);
    let (xmax, strength) = (t.xmax(), lock_strength(t));
    let living =
        !t.has(mask::XMAX_INVALID) && t.has(mask::XMAX_LOCK_ONLY) && xmax != cx.xid && cx.storage.mvcc.is_running(xmax);
    if living {
        add_locker(cx, store, item, tid, xmax, strength);
    }
}

/// Enters a lock in xmax.
fn put_lock(item: &mut [u8], xid: Xid, strength: LockStrength) {
    let multi = Tuple(item).infomask() & mask::XMAX_MULTI;
    let lock = match strength {
        LockStrength::KeyShare => mask::XMAX_KEYSHR_LOCK,
        LockStrength::Share => mask::XMAX_KEYSHR_LOCK | mask::XMAX_EXCL_LOCK,
        LockStrength::NoKeyUpdate | LockStrength::Update => mask::XMAX_EXCL_LOCK,
    };
    let bits = Tuple(item).infomask() & !mask::XMAX_BITS | mask::XMAX_LOCK_ONLY | lock | multi;
    let mut bits2 = Tuple(item).infomask2() & !(mask2::KEYS_UPDATED | mask2::HOT_UPDATED);
    if strength == LockStrength::Update {
        bits2 |= mask2::KEYS_UPDATED;
    }
    put::xmax(item, xid);
    put::infomask(item, bits);
    put::infomask2(item, bits2);
}

/// A lock on a version that a compatible update has replaced, or is replacing, holds its newer versions, too; one of
/// them may be in others' hands. PostgreSQL 15, heapam.c, heap_lock_updated_tuple: same rule.
fn lock_successors(
    cx: &WriteContext<'_>,
    store: &TableStore,
    tid: TupleId,
    next: Option<(TupleId, Xid)>,
    strength: LockStrength,
) -> Flow<TmResult> {
    let (mut at, mut next) = (tid, next);
    while let Some((ctid, xmax)) = next.filter(|(ctid, _)| *ctid != at && *ctid != TupleId::MOVED) {
        reserve(cx, store)?;
        let Some(mut page) = latch(cx, store, ctid)? else { break };
        let t = Tuple(page.item(ctid.offset));
        if t.xmin() != xmax || was_rolled_back(cx, t) {
            break;
        }
        let updated = !t.has(mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY);
        next = updated.then(|| (t.ctid(), t.xmax()));
        at = ctid;
        // What we have changed ourselves is ours.
        if updated && cx.own.contains(t.xmax()) {
            continue;
        }
        let found = check_xmax(cx, store, ctid, t, strength);
        if found != TmResult::Ok {
            return Ok(found);
        }
        add_locker(cx, store, page.item_mut(ctid.offset), ctid, cx.xid, strength);
        cx.storage.pool.mark_hint(&mut page);
    }
    Ok(TmResult::Ok)
}

/// How a version's xmax is set by a delete or update.
#[derive(Clone, Copy)]
struct Xmax {
    strength: LockStrength,
    next: TupleId,
    hot: bool,
}

/// Enters the delete or update in the old version's header.
fn set_xmax(cx: &WriteContext<'_>, store: &TableStore, page: &mut WriteGuard<'_>, tid: TupleId, to: Xmax) {
    let item = page.item_mut(tid.offset);
    keep_own_lock(cx, store, item, tid);
    let t = Tuple(item);
    let mut bits = t.infomask() & !(mask::XMAX_BITS & !mask::XMAX_MULTI) & !mask::COMBO_CID;
    let mut bits2 = t.infomask2() & !(mask2::KEYS_UPDATED | mask2::HOT_UPDATED);
    let mut cid = cx.cid;
    if cx.own.contains(t.xmin()) {
        cid = cx.own.combo(cmin(t, cx.own), cx.cid);
        bits |= mask::COMBO_CID;
    }
    if to.strength == LockStrength::Update {
        bits2 |= mask2::KEYS_UPDATED;
    }
    if to.hot {
        bits2 |= mask2::HOT_UPDATED;
    }
    put::xmax(item, cx.xid);
    put::cid(item, cid);
    put::ctid(item, to.next);
    put::infomask(item, bits);
    put::infomask2(item, bits2);
}

/// DELETE's, LOCK's and UPDATE_OLD's data: flags (1), line (2), infomask (2), infomask2 (2), ctid (6).
fn log_xmax(cx: &WriteContext<'_>, page: &mut WriteGuard<'_>, info: u8, tid: TupleId, cleared: bool) {
    let t = Tuple(page.item(tid.offset));
    let mut b = Bytes::default();
    b.u8(if cleared { flag::ALL_VISIBLE_CLEARED } else { 0 }).u16(tid.offset);
    b.u16(t.infomask()).u16(t.infomask2()).u32(t.ctid().block).u16(t.ctid().offset);
    cx.storage.pool.log(Rmgr::Heap, info, cx.xid, &mut [(page, BlockMode::Normal)], &[&b.0]);
}

enum InPage {
    Done(Updated),
    /// No room: the old version is locked, the new one must go elsewhere.
    Locked,
}

fn failed(result: TmResult) -> Updated {
    Updated { result, tid: TupleId::INVALID, hot: false }
}

/// Tries to put the new version beside the old one.
fn update_in_place(
    cx: &WriteContext<'_>,
    store: &TableStore,
    tid: TupleId,
    encoded: &mut Encoded,
    kind: UpdateKind,
    strength: LockStrength,
) -> Flow<InPage> {
    let storage = cx.storage;
    let Some(mut page) = latch(cx, store, tid)? else { return Ok(InPage::Done(failed(TmResult::Invisible))) };
    let found = check(cx, store, tid, Tuple(page.item(tid.offset)), strength);
    if found != TmResult::Ok {
        return Ok(InPage::Done(failed(found)));
    }
    let need = encoded.row(0).len();
    let horizon = store.oldest_visible(storage);
    if page.heap_free_space(MAX_ITEMS) < need && prune::may_help(&page, horizon) {
        prune::prune(storage, &mut page, horizon);
    }
    if page.heap_free_space(MAX_ITEMS) < need {
        prune::mark_full(&mut page, horizon);
        hold_latched(cx, store, &mut page, tid, strength);
        return Ok(InPage::Locked);
    }
    let gone = given_up(store, Tuple(page.item(tid.offset)), encoded);
    serial::write(cx, store, Some(tid))?;
    let cleared = vm::clear(storage, store, &mut page)?;
    let hot = !kind.indexed_changed;
    let new = {
        let _critical = critical::enter();
        // The bytes go in first: their place is part of the old version's header.
        let offset = page.add_item(encoded.row(0)).expect("room was just found");
        let new = TupleId::new(tid.block, offset);
        put::ctid(page.item_mut(offset), new);
        if hot {
            let bits2 = Tuple(page.item(offset)).infomask2() | mask2::HEAP_ONLY;
            put::infomask2(page.item_mut(offset), bits2);
        }
        set_xmax(cx, store, &mut page, tid, Xmax { strength, next: new, hot });
        pass_lockers_on(cx, store, &mut page, tid, new);
        log_update(cx, &mut page, tid, new, hot, cleared);
        new
    };
    drop(page);
    delete_values(cx, store, &gone)?;
    Ok(InPage::Done(Updated { result: TmResult::Ok, tid: new, hot }))
}

/// UPDATE's and HOT_UPDATE's data: flags (1), old line, infomask, infomask2 (2 each), new line (2), length (2), the new
/// version from infomask2 on.
fn log_update(cx: &WriteContext<'_>, page: &mut WriteGuard<'_>, old: TupleId, new: TupleId, hot: bool, cleared: bool) {
    if !page.rel().is_logged() {
        page.mark_dirty();
        return;
    }
    let t = Tuple(page.item(old.offset));
    let mut b = Bytes::default();
    b.u8(if cleared { flag::ALL_VISIBLE_CLEARED } else { 0 });
    b.u16(old.offset).u16(t.infomask()).u16(t.infomask2()).u16(new.offset);
    let item = page.item(new.offset);
    b.u16(item.len() as u16).slice(&item[22..]);
    let info = if hot { heap::HOT_UPDATE } else { heap::UPDATE };
    cx.storage.pool.log(Rmgr::Heap, info, cx.xid, &mut [(page, BlockMode::Normal)], &[&b.0]);
}

/// Compatible holders of the old version hold the new one as well.
fn pass_lockers_on(cx: &WriteContext<'_>, store: &TableStore, page: &mut WriteGuard<'_>, old: TupleId, new: TupleId) {
    if !Tuple(page.item(old.offset)).has(mask::XMAX_MULTI) {
        return;
    }
    let lockers = &cx.storage.mvcc.lockers;
    for (xid, strength) in lockers.get((store.file(), old)) {
        if cx.storage.mvcc.is_running(xid) {
            add_locker(cx, store, page.item_mut(new.offset), new, xid, strength_of(strength));
        }
    }
}

/// Checks and locks the old version for the time its successor is written elsewhere.
fn hold(cx: &WriteContext<'_>, store: &TableStore, tid: TupleId, strength: LockStrength) -> Flow<TmResult> {
    let Some(mut page) = latch(cx, store, tid)? else { return Ok(TmResult::Invisible) };
    let found = check(cx, store, tid, Tuple(page.item(tid.offset)), strength);
    if found == TmResult::Ok {
        hold_latched(cx, store, &mut page, tid, strength);
    }
    Ok(found)
}

fn hold_latched(
    cx: &WriteContext<'_>,
    store: &TableStore,
    page: &mut WriteGuard<'_>,
    tid: TupleId,
    strength: LockStrength,
) {
    let item = page.item_mut(tid.offset);
    keep_own_lock(cx, store, item, tid);
    put_lock(item, cx.xid, strength);
    log_lock(cx, page, tid);
}

/// Puts the new version on another page, then enters it in the old one, which is locked by us.
fn update_elsewhere(
    cx: &WriteContext<'_>,
    store: &TableStore,
    tid: TupleId,
    encoded: &mut Encoded,
    strength: LockStrength,
) -> Flow<Updated> {
    let mut tids = Vec::with_capacity(1);
    place(cx, store, encoded, &mut tids, |_, _, _| {})?;
    let new = tids[0];
    reserve(cx, store)?;
    let Some(mut page) = latch(cx, store, tid)? else {
        return Err(Error::internal("HEAP-4: a locked row version is gone").into());
    };
    let t = Tuple(page.item(tid.offset));
    assert!(t.xmax() == cx.xid && t.has(mask::XMAX_LOCK_ONLY), "HEAP-4: a locked row version was changed");
    let gone = given_up(store, t, encoded);
    serial::write(cx, store, Some(tid))?;
    let cleared = vm::clear(cx.storage, store, &mut page)?;
    let lockers = {
        let _critical = critical::enter();
        set_xmax(cx, store, &mut page, tid, Xmax { strength, next: new, hot: false });
        log_xmax(cx, &mut page, heap::UPDATE_OLD, tid, cleared);
        Tuple(page.item(tid.offset)).has(mask::XMAX_MULTI)
    };
    drop(page);
    if lockers {
        pass_lockers_elsewhere(cx, store, tid, new)?;
    }
    delete_values(cx, store, &gone)?;
    Ok(Updated { result: TmResult::Ok, tid: new, hot: false })
}

fn pass_lockers_elsewhere(cx: &WriteContext<'_>, store: &TableStore, old: TupleId, new: TupleId) -> Flow<()> {
    reserve(cx, store)?;
    let Some(mut page) = latch(cx, store, new)? else { return Ok(()) };
    for (xid, strength) in cx.storage.mvcc.lockers.get((store.file(), old)) {
        if cx.storage.mvcc.is_running(xid) {
            add_locker(cx, store, page.item_mut(new.offset), new, xid, strength_of(strength));
        }
    }
    cx.storage.pool.mark_hint(&mut page);
    Ok(())
}

/// The values that go with a version.
fn out_of_line(store: &TableStore, t: Tuple<'_>) -> Vec<Reference> {
    if t.has(mask::HAS_EXTERNAL) { toast::references(store.desc(), t.0) } else { Vec::new() }
}

/// The values that go with the old version of a row: those that the new one does not keep.
fn given_up(store: &TableStore, old: Tuple<'_>, new: &Encoded) -> Vec<Reference> {
    let mut gone = out_of_line(store, old);
    if !gone.is_empty() {
        let kept = out_of_line(store, Tuple(new.row(0)));
        gone.retain(|value| !kept.contains(value));
    }
    gone
}

/// Deletes the chunks of values out of line; nobody else ever changes them.
fn delete_values(cx: &WriteContext<'_>, store: &TableStore, values: &[Reference]) -> Flow<()> {
    let Some(toast) = store.toast() else { return Ok(()) };
    for value in values {
        for tid in toast::chunks(cx.storage, toast, *value)? {
            reserve(cx, store)?;
            let Some(mut page) = latch(cx, toast, tid)? else { continue };
            let cleared = vm::clear(cx.storage, toast, &mut page)?;
            let _critical = critical::enter();
            set_xmax(cx, toast, &mut page, tid, Xmax { strength: LockStrength::Update, next: tid, hot: false });
            log_xmax(cx, &mut page, heap::DELETE, tid, cleared);
        }
    }
    Ok(())
}
