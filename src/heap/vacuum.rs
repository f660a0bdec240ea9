//! VACUUM's part in the heap: dead versions and, with the indexes' help, their line pointers go; pages become all
//! visible; the empty end is given back.
//!
//! PostgreSQL 15, vacuumlazy.c: same phases. A state machine: the caller may stop between any two steps.

use super::freeze;
use super::hint::deserves_flag;
use super::prune;
use super::record::heap2;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple, mask, put};
use super::visibility::{Fate, Judge};
use super::{fsm, vm};
use crate::base::{BlockNo, Csn, Result, Stop, TupleId, Xid};
use crate::buffer::{WriteGuard, critical};
use crate::page::{ALL_VISIBLE, PAGE_SIZE, State};
use crate::storage::Storage;
use crate::wal::{BlockMode, Record, Rmgr};
use std::sync::Arc;

/// Pages looked at in one step.
const STEP: u32 = 32;
/// Shorter runs of all-visible pages are read all the same (PostgreSQL 15, SKIP_PAGES_THRESHOLD).
const SKIP_AT_LEAST: u32 = 32;
/// The end is worth cutting off from this many pages, or this part of the table, on.
const TRUNCATE_PAGES: u32 = 1000;
const TRUNCATE_FRACTION: u32 = 16;

/// An index that forgets entries.
pub trait IndexVacuum {
    /// Removes all entries that lead to one of `dead`, sorted ascending; returns how many were removed.
    fn bulk_delete(&mut self, storage: &Storage, dead: &[TupleId]) -> Result<u64>;
    /// Called once at the end if none had to be removed.
    fn clean_up(&mut self, storage: &Storage) -> Result<()>;
}

/// What VACUUM needs from whoever runs it.
pub trait VacuumHost {
    /// Called between pages: interrupts, cost-based delay.
    fn pace(&mut self) -> Result<()>;
    /// Whether the table is locked against everybody now, so that its end can be cut off.
    fn lock_to_truncate(&mut self) -> bool;
    /// That lock is no longer needed.
    fn truncated(&mut self);
}

#[derive(Clone, Copy, Debug)]
pub struct VacuumOptions {
    /// Look at pages that the map calls all visible, too (DISABLE_PAGE_SKIPPING).
    pub all_pages: bool,
    /// INDEX_CLEANUP off: dead line pointers stay.
    pub index_cleanup: bool,
    pub truncate: bool,
    /// Look at all pages that are not all frozen, so that `relfrozenxid` can move on.
    pub aggressive: bool,
    /// Versions are frozen that are older than so many transactions.
    pub freeze_age: u64,
    /// `maintenance_work_mem`: bounds the list of dead line pointers.
    pub memory_bytes: usize,
}

impl Default for VacuumOptions {
    fn default() -> VacuumOptions {
        VacuumOptions {
            all_pages: false,
            index_cleanup: true,
            truncate: true,
            aggressive: false,
            freeze_age: 50_000_000,
            memory_bytes: 64 << 20,
        }
    }
}

/// What was found and done, in VERBOSE's terms.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VacuumReport {
    pub pages_before: BlockNo,
    pub pages_scanned: BlockNo,
    pub pages_removed: BlockNo,
    /// Pages that had dead line pointers when they were first looked at.
    pub pages_with_dead: BlockNo,
    pub pages_set_visible: BlockNo,
    pub tuples_removed: u64,
    /// In the pages scanned.
    pub tuples_live: u64,
    pub tuples_recently_dead: u64,
    pub dead_lines_freed: u64,
    pub index_scans: u32,
}

impl VacuumReport {
    /// The table's rows, from those counted and what was known before (PostgreSQL 15, vac_estimate_reltuples).
    pub fn estimate_rows(&self, old_pages: BlockNo, old_rows: f64) -> f64 {
        // As they were scanned: those cut off had no rows, and were looked at.
        let (pages, scanned) = (f64::from(self.pages_before), f64::from(self.pages_scanned));
        let counted = self.tuples_live as f64;
        if scanned >= pages {
            return counted;
        }
        // The same few pages again and again would let the estimate drift.
        if scanned <= 1.0 || old_pages == self.pages_before && scanned < pages * 0.02 {
            return old_rows;
        }
        if old_rows < 0.0 || old_pages == 0 {
            return (counted / scanned * pages + 0.5).floor();
        }
        let unscanned = pages - scanned;
        (old_rows / old_pages as f64 * unscanned + counted + 0.5).floor()
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Scan,
    /// Before the index with this number.
    Index(usize),
    /// Freeing the line pointers from this place in the list on.
    Free(usize),
    /// Before the index with this number, which had nothing to forget.
    CleanUp(usize),
    Truncate,
    Done,
}

/// One VACUUM of one table.
pub struct Vacuum {
    store: Arc<TableStore>,
    options: VacuumOptions,
    phase: Phase,
    horizon: Option<Csn>,
    next: BlockNo,
    /// Pages before this one need no look, as far as the map was asked.
    skip_to: BlockNo,
    end: BlockNo,
    /// One behind the last page that holds anything.
    used_end: BlockNo,
    dead: Vec<TupleId>,
    /// Everything below has ended: may be frozen.
    cutoff: Xid,
    /// The oldest id for which the commit log is needed by what was looked at, or may be by what comes later.
    kept: Xid,
    /// Some page was passed by that is not all frozen.
    skipped: bool,
    report: VacuumReport,
}

impl Vacuum {
    pub fn new(store: Arc<TableStore>, options: VacuumOptions) -> Vacuum {
        Vacuum {
            store,
            options,
            phase: Phase::Scan,
            horizon: None,
            next: 0,
            skip_to: 0,
            end: 0,
            used_end: 0,
            dead: Vec::new(),
            cutoff: Xid::INVALID,
            kept: Xid::INVALID,
            skipped: false,
            report: VacuumReport::default(),
        }
    }

    /// Once all is done: below this id no version of the table needs the commit log. None if not all was looked at.
    pub fn frozen(&self) -> Option<Xid> {
        (self.phase == Phase::Done && !self.skipped && self.kept.is_valid()).then_some(self.kept)
    }

    pub fn report(&self) -> VacuumReport {
        self.report
    }

    /// What the next step does, by its number in `pg_stat_progress_vacuum`; how many rows wait to be removed.
    pub fn progress(&self) -> (i64, usize) {
        let phase = match self.phase {
            Phase::Scan => 1,
            Phase::Index(_) => 2,
            Phase::Free(_) => 3,
            Phase::CleanUp(_) => 4,
            Phase::Truncate => 5,
            Phase::Done => 6,
        };
        (phase, self.dead.len())
    }

    /// Does a bounded piece of work (but for one index at a time); false when all is done.
    pub fn step(
        &mut self,
        storage: &Storage,
        indexes: &mut [&mut dyn IndexVacuum],
        host: &mut dyn VacuumHost,
    ) -> Result<bool> {
        match self.phase {
            Phase::Scan => self.scan(storage, !indexes.is_empty(), host)?,
            Phase::Index(n) => self.one_index(storage, indexes, n)?,
            Phase::Free(from) => self.free(storage, from, host)?,
            Phase::CleanUp(n) => self.clean_up(storage, indexes, n)?,
            Phase::Truncate => self.truncate(storage, host)?,
            Phase::Done => return Ok(false),
        }
        Ok(self.phase != Phase::Done)
    }

    fn scan(&mut self, storage: &Storage, indexed: bool, host: &mut dyn VacuumHost) -> Result<()> {
        if self.horizon.is_none() {
            // Older than the horizon: what it lets freeze, the horizon lets prune.
            let ended = self.store.oldest_on_the_way(storage);
            self.kept = ended;
            self.cutoff = Xid(ended.0.saturating_sub(self.options.freeze_age)).max(Xid::FIRST_NORMAL);
            self.horizon = Some(self.store.compute_horizon(storage));
            self.end = self.store.nblocks(storage)?;
            self.report.pages_before = self.end;
        }
        for _ in 0..STEP {
            if self.dead.len() * size_of::<TupleId>() >= self.options.memory_bytes {
                self.phase = Phase::Index(0);
                return Ok(());
            }
            self.skip(storage)?;
            if self.next >= self.end {
                self.phase = if self.dead.is_empty() { Phase::CleanUp(0) } else { Phase::Index(0) };
                return Ok(());
            }
            host.pace()?;
            let block = self.next;
            self.scan_page(storage, block, indexed)?;
            self.next = block + 1;
        }
        Ok(())
    }

    /// Jumps over a long run of pages that the map calls all visible; never over the last page.
    fn skip(&mut self, storage: &Storage) -> Result<()> {
        if self.options.all_pages || self.next < self.skip_to {
            return Ok(());
        }
        let mut to = self.next;
        let mut frozen = true;
        while to + 1 < self.end {
            let all_frozen = vm::all_frozen(storage, &self.store, to)?;
            if !all_frozen && (self.options.aggressive || !vm::all_visible(storage, &self.store, to)?) {
                break;
            }
            frozen &= all_frozen;
            to += 1;
        }
        if to - self.next >= SKIP_AT_LEAST {
            self.skipped |= !frozen;
            self.next = to;
            self.used_end = to;
        }
        self.skip_to = to;
        Ok(())
    }

    fn scan_page(&mut self, storage: &Storage, block: BlockNo, indexed: bool) -> Result<()> {
        let horizon = self.horizon.unwrap_or_default();
        reserve(storage, &self.store)?;
        let mut page = storage.pool.write(&self.store.main, block)?;
        self.report.pages_scanned += 1;
        if page.is_new() {
            if !self.store.main.is_ownerless(block) {
                // Whoever added it is about to use it.
                return Ok(());
            }
            page.init(0);
            page.mark_dirty();
        }
        let plan = prune::prune(storage, &mut page, horizon);
        self.report.tuples_removed += plan.removed as u64;
        let mut dead: Vec<u16> = (1..=page.item_count()).filter(|n| page.pointer(*n).state() == State::Dead).collect();
        if !dead.is_empty() {
            self.report.pages_with_dead += 1;
            if !indexed {
                self.report.dead_lines_freed += dead.len() as u64;
                free_lines(storage, &mut page, &dead);
                dead.clear();
            }
        }
        self.count(storage, &mut page, horizon);
        if let Some(oldest) = freeze::freeze(storage, &mut page, self.cutoff) {
            self.kept = self.kept.min(oldest);
        }
        // Dead line pointers are about to be freed: they do not keep the page.
        let keeps = |state| match state {
            State::Normal | State::Redirect => true,
            State::Dead => !self.options.index_cleanup,
            State::Unused => false,
        };
        if (1..=page.item_count()).any(|n| keeps(page.pointer(n).state())) {
            self.used_end = block + 1;
        }
        if dead.is_empty() {
            self.finish_page(storage, page)?;
        } else if self.options.index_cleanup {
            self.dead.extend(dead.into_iter().map(|n| TupleId::new(block, n)));
        }
        Ok(())
    }

    /// Counts what stays, and remembers in the headers what was found out.
    fn count(&mut self, storage: &Storage, page: &mut WriteGuard<'_>, horizon: Csn) {
        let mut judge = Judge::new(storage);
        let mut changed = false;
        for n in 1..=page.item_count() {
            if !page.pointer(n).is_normal() {
                continue;
            }
            let t = Tuple(page.item(n));
            let seen = t.infomask();
            let mut bits = 0;
            match judge.fate(t, horizon, &mut bits) {
                Fate::Live | Fate::InsertInProgress(_) => self.report.tuples_live += 1,
                Fate::RecentlyDead | Fate::Dead => self.report.tuples_recently_dead += 1,
                Fate::DeleteInProgress(_) => self.report.tuples_live += 1,
            }
            let lock_is_over = seen & (mask::XMAX_LOCK_ONLY | mask::XMAX_INVALID | mask::XMAX_MULTI)
                == mask::XMAX_LOCK_ONLY
                && !storage.mvcc.is_running(t.xmax());
            if lock_is_over {
                bits |= mask::XMAX_INVALID;
            }
            if bits != 0 {
                put::infomask(page.item_mut(n), seen | bits & mask::HINTS);
                changed = true;
            }
        }
        if changed && storage.pool.may_hint(page) {
            storage.pool.mark_hint(page);
        }
    }

    /// A page without dead line pointers: perhaps all visible; its room is known to everybody.
    fn finish_page<'a>(&mut self, storage: &'a Storage, mut page: WriteGuard<'a>) -> Result<()> {
        let block = page.block();
        let horizon = self.horizon.unwrap_or_default();
        if deserves_flag(&mut Judge::new(storage), &page, horizon) {
            let already = page.has_flag(ALL_VISIBLE) && {
                // Asked without the map's latch: only statistics depend on it.
                vm::all_visible(storage, &self.store, block)?
            };
            let frozen = freeze::is_all_frozen(&page);
            if !already || frozen && !vm::all_frozen(storage, &self.store, block)? {
                vm::set(storage, &self.store, &mut page, frozen)?;
                self.report.pages_set_visible += u32::from(!already);
            }
        }
        let free = page.heap_free_space(MAX_ITEMS);
        drop(page);
        fsm::record(storage, &self.store.fsm, block, free)
    }

    fn one_index(&mut self, storage: &Storage, indexes: &mut [&mut dyn IndexVacuum], n: usize) -> Result<()> {
        match indexes.get_mut(n) {
            Some(index) => {
                index.bulk_delete(storage, &self.dead)?;
                self.phase = Phase::Index(n + 1);
            }
            None => {
                self.report.index_scans += 1;
                self.phase = Phase::Free(0);
            }
        }
        Ok(())
    }

    fn clean_up(&mut self, storage: &Storage, indexes: &mut [&mut dyn IndexVacuum], n: usize) -> Result<()> {
        self.phase = Phase::Truncate;
        if self.report.index_scans == 0
            && self.options.index_cleanup
            && let Some(index) = indexes.get_mut(n)
        {
            index.clean_up(storage)?;
            self.phase = Phase::CleanUp(n + 1);
        }
        Ok(())
    }

    /// HEAP-5: no index entry leads to these line pointers any more.
    fn free(&mut self, storage: &Storage, from: usize, host: &mut dyn VacuumHost) -> Result<()> {
        let mut at = from;
        for _ in 0..STEP {
            let Some(first) = self.dead.get(at).copied() else { break };
            let lines: Vec<u16> =
                self.dead[at..].iter().take_while(|t| t.block == first.block).map(|t| t.offset).collect();
            host.pace()?;
            reserve(storage, &self.store)?;
            let mut page = storage.pool.write(&self.store.main, first.block)?;
            free_lines(storage, &mut page, &lines);
            self.report.dead_lines_freed += lines.len() as u64;
            self.finish_page(storage, page)?;
            at += lines.len();
        }
        self.phase = Phase::Free(at);
        if at >= self.dead.len() {
            self.dead.clear();
            self.phase = if self.next >= self.end { Phase::CleanUp(0) } else { Phase::Scan };
        }
        Ok(())
    }

    fn truncate(&mut self, storage: &Storage, host: &mut dyn VacuumHost) -> Result<()> {
        self.phase = Phase::Done;
        let blocks = self.store.nblocks(storage)?;
        let removable = blocks.saturating_sub(self.used_end);
        let worthwhile = removable > 0 && (removable >= TRUNCATE_PAGES || removable >= blocks / TRUNCATE_FRACTION);
        if !self.options.truncate || !worthwhile || !host.lock_to_truncate() {
            return Ok(());
        }
        let done = self.cut(storage, host);
        host.truncated();
        done
    }

    fn cut(&mut self, storage: &Storage, host: &mut dyn VacuumHost) -> Result<()> {
        let before = self.store.nblocks(storage)?;
        let mut keep = before;
        // Somebody may have written there before we got the lock.
        while keep > self.used_end {
            host.pace()?;
            let page = storage.pool.read(&self.store.main, keep - 1)?;
            let used = |n| page.pointer(n).state() != State::Unused;
            if !page.is_new() && (1..=page.item_count()).any(used) {
                break;
            }
            keep -= 1;
        }
        if keep < before {
            truncate(storage, &self.store, keep)?;
            self.report.pages_removed = before - keep;
        }
        Ok(())
    }
}

/// Cuts a table to `blocks` pages, logged; the caller holds its exclusive lock.
pub fn truncate(storage: &Storage, store: &TableStore, blocks: BlockNo) -> Result<()> {
    reserve(storage, store)?;
    // A checkpoint must not begin between the record and the deed: recovery would not repeat it.
    let _gate = storage.mvcc.delay_checkpoint();
    if store.main.is_logged() {
        let end = crate::storage::log_truncate(storage, store.file(), blocks);
        // The pages' last records must not outlive the pages.
        storage.wal.flush(end);
    }
    fsm::truncate(storage, &store.fsm, blocks)?;
    vm::truncate(storage, store, blocks)?;
    storage.pool.truncate(&store.main, blocks)
}

fn reserve(storage: &Storage, store: &TableStore) -> Result<()> {
    if store.main.is_logged() {
        storage.wal.reserve(Record::max_bytes(3, 2 * PAGE_SIZE)).map_err(Stop::into_error)?;
    }
    Ok(())
}

fn free_lines(storage: &Storage, page: &mut WriteGuard<'_>, lines: &[u16]) {
    let _critical = critical::enter();
    prune::free_dead(page, lines);
    let data: Vec<u8> = lines.iter().flat_map(|n| n.to_le_bytes()).collect();
    storage.pool.log(Rmgr::Heap2, heap2::VACUUM, Xid::INVALID, &mut [(page, BlockMode::Normal)], &[&data]);
}
