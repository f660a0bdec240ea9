//! Freezing: what became of a version's transactions is written down in its header, logged, so that the commit log can be
//! cut off behind.
//!
//! PostgreSQL 15, heapam.c, heap_prepare_freeze_tuple: same purpose. Departs from it: ids are never reused, so xmin stays
//! as it is; a version is frozen when the bits that are hints otherwise are known to be durable ([`mask::FROZEN`]). Row
//! locks need nothing: whether a locker still runs is asked of the running ones alone.

use super::record::{Bytes, Reader, heap2};
use super::tuple::{Tuple, mask, put};
use super::visibility::Judge;
use crate::base::Xid;
use crate::buffer::{WriteGuard, critical};
use crate::mvcc::XactStatus;
use crate::page::Page;
use crate::storage::Storage;
use crate::wal::{BlockMode, Rmgr};

/// With a line's number: xmax becomes invalid.
const NO_XMAX: u16 = 0x8000;

/// What is to be done to one version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Freeze {
    line: u16,
    /// To be set.
    bits: u16,
    no_xmax: bool,
}

/// Freezes what is older than `cutoff`, of which everything has ended, and logs it; room in the log is reserved. The
/// oldest id for which the commit log stays needed, if any.
pub(super) fn freeze(storage: &Storage, page: &mut WriteGuard<'_>, cutoff: Xid) -> Option<Xid> {
    let mut kept: Option<Xid> = None;
    let mut todo = Vec::new();
    let mut judge = Judge::new(storage);
    for line in 1..=page.item_count() {
        if !page.pointer(line).is_normal() {
            continue;
        }
        let (what, oldest) = prepare(&mut judge, Tuple(page.item(line)), cutoff);
        kept = [kept, oldest].into_iter().flatten().min();
        todo.extend(what.map(|w| Freeze { line, ..w }));
    }
    if !todo.is_empty() {
        let _critical = critical::enter();
        todo.iter().for_each(|f| apply(page, *f));
        let mut data = Bytes::default();
        for f in &todo {
            data.u16(f.line | if f.no_xmax { NO_XMAX } else { 0 }).u16(f.bits);
        }
        let pages = &mut [(page, BlockMode::Normal)];
        storage.pool.log(Rmgr::Heap2, heap2::FREEZE_PAGE, Xid::INVALID, pages, &[&data.0]);
    }
    kept
}

/// Freezes a version that is copied to where nobody sees it yet. The oldest id for which it stays in need of the commit log.
pub(super) fn freeze_copy(judge: &mut Judge<'_>, version: &mut [u8], cutoff: Xid) -> Option<Xid> {
    let (what, kept) = prepare(judge, Tuple(version), cutoff);
    if let Some(f) = what {
        apply_to(version, f);
    }
    kept
}

/// What freezes the version, and the oldest id that stays in need of the commit log.
fn prepare(judge: &mut Judge<'_>, t: Tuple<'_>, cutoff: Xid) -> (Option<Freeze>, Option<Xid>) {
    let mut f = Freeze { line: 0, bits: 0, no_xmax: false };
    let mut kept = None;
    let mut keep = |xid: Xid| kept = Some(kept.map_or(xid, |k: Xid| k.min(xid)));
    if needs_xmin(t) {
        match what_became(judge, t, t.xmin(), mask::XMIN_COMMITTED, mask::XMIN_INVALID) {
            XactStatus::Committed(_) if t.xmin() < cutoff => f.bits |= mask::XMIN_COMMITTED | mask::FROZEN,
            XactStatus::Aborted if t.xmin() < cutoff => f.bits |= mask::XMIN_INVALID | mask::FROZEN,
            _ => keep(t.xmin()),
        }
    }
    if needs_xmax(t) {
        match what_became(judge, t, t.xmax(), mask::XMAX_COMMITTED, mask::XMAX_INVALID) {
            // Whoever still needs the version: that it was deleted is durable from here on.
            XactStatus::Committed(_) if t.xmax() < cutoff => f.bits |= mask::XMAX_COMMITTED,
            XactStatus::Aborted if t.xmax() < cutoff => {
                f.bits |= mask::XMAX_INVALID;
                f.no_xmax = true;
            }
            _ => keep(t.xmax()),
        }
    }
    ((f.bits != 0).then_some(f), kept)
}

fn needs_xmin(t: Tuple<'_>) -> bool {
    t.xmin() >= Xid::FIRST_NORMAL && !t.has(mask::FROZEN)
}

fn needs_xmax(t: Tuple<'_>) -> bool {
    t.xmax() >= Xid::FIRST_NORMAL && !t.has(mask::XMAX_LOCK_ONLY)
}

fn what_became(judge: &mut Judge<'_>, t: Tuple<'_>, xid: Xid, committed: u16, invalid: u16) -> XactStatus {
    if t.has(committed) {
        return XactStatus::Committed(Default::default());
    }
    if t.has(invalid) { XactStatus::Aborted } else { judge.status(xid) }
}

fn apply(page: &mut Page, f: Freeze) {
    apply_to(page.item_mut(f.line), f);
}

fn apply_to(item: &mut [u8], f: Freeze) {
    let bits = Tuple(item).infomask() | f.bits;
    put::infomask(item, bits);
    if f.no_xmax {
        put::xmax(item, Xid::INVALID);
    }
}

/// Whether nothing on the page needs the commit log.
pub(super) fn is_all_frozen(page: &Page) -> bool {
    (1..=page.item_count()).filter(|n| page.pointer(*n).is_normal()).all(|n| is_frozen(Tuple(page.item(n))))
}

pub(super) fn is_frozen(t: Tuple<'_>) -> bool {
    !needs_xmin(t) && !needs_xmax(t)
}

/// FREEZE_PAGE's data: pairs of a line (with the mark that xmax goes) and the bits to set.
pub(super) fn redo(page: &mut WriteGuard<'_>, r: &mut Reader<'_>) -> Option<()> {
    while !r.0.is_empty() {
        let (line, bits) = (r.u16()?, r.u16()?);
        let f = Freeze { line: line & !NO_XMAX, bits, no_xmax: line & NO_XMAX != 0 };
        if !page.pointer(f.line).is_normal() {
            return None;
        }
        apply(page, f);
    }
    Some(())
}
