//! Getting single rows by their place: for indexes, for `ctid`, for rows found before.

use super::decode;
use super::hint::{self, Hint};
use super::result::Occupant;
use super::serial::Reading;
use super::store::TableStore;
use super::tuple::{Tuple, mask};
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Csn, Result, TupleId, Xid};
use crate::mvcc::{Own, Snapshot, XactStatus};
use crate::page::{Page, State};
use crate::storage::Storage;
use crate::types::{BATCH_BYTES, Batch};
use std::sync::Arc;

/// Fetches rows one at a time into a batch.
#[derive(Debug)]
pub struct HeapFetch {
    store: Arc<TableStore>,
    snapshot: Snapshot,
    attnos: Vec<i16>,
    scratch: Vec<u8>,
    /// A value lay out of line, or compressed.
    met_long: bool,
    /// Only the columns in these places are read at first, for a condition.
    places: Option<Vec<usize>>,
    /// The versions read so: their addresses and where their bytes end; which of them were kept, and how many given.
    sifted: Vec<(TupleId, usize)>,
    bytes: Vec<u8>,
    kept: Vec<u32>,
    given: usize,
}

impl HeapFetch {
    pub fn new(store: Arc<TableStore>, snapshot: Snapshot, attnos: Vec<i16>) -> HeapFetch {
        HeapFetch {
            store,
            snapshot,
            attnos,
            scratch: Vec::new(),
            met_long: false,
            places: None,
            sifted: Vec::new(),
            bytes: Vec::new(),
            kept: Vec::new(),
            given: 0,
        }
    }

    /// Whether values were read that lay out of line, or compressed: a condition is better asked before others are.
    pub fn met_long(&self) -> bool {
        self.met_long
    }

    /// Whether columns beside those in these places can have such values.
    pub fn may_be_long_beside(&self, places: &[usize]) -> bool {
        decode::may_be_long_beside(self.store.desc(), &self.attnos, places)
    }

    /// From now on rows fetched have only the columns in these places, ascending; the others are empty, and
    /// [`keep`](Self::keep) must follow. None: all of them, at once.
    pub fn sift(&mut self, places: Option<&[usize]>) {
        self.forget();
        self.places = places.map(<[usize]>::to_vec);
    }

    /// No row that was sifted is wanted any more.
    pub fn forget(&mut self) {
        self.sifted.clear();
        self.bytes.clear();
        self.kept.clear();
        self.given = 0;
    }

    /// Whether a batch of rows fetched is large enough.
    pub fn is_full(&self, batch: &Batch) -> bool {
        batch.is_full() || self.bytes.len() >= BATCH_BYTES
    }

    /// Of the rows fetched since [`sift`](Self::sift) these are wanted (None: all): [`kept`](Self::kept) gives them.
    pub fn keep(&mut self, wanted: Option<&[u32]>) {
        match wanted {
            Some(wanted) => self.kept.extend_from_slice(wanted),
            None => self.kept.extend(0..self.sifted.len() as u32),
        }
    }

    /// Replaces `out` by the next of the rows that were kept; false: there are no more.
    pub fn kept(&mut self, storage: &Storage, out: &mut Batch) -> Result<bool> {
        if self.given >= self.kept.len() {
            self.kept.clear();
            self.given = 0;
            return Ok(false);
        }
        self.prepare(out);
        while let Some(n) = self.kept.get(self.given).map(|n| *n as usize)
            && !out.is_full()
        {
            let start = if n == 0 { 0 } else { self.sifted[n - 1].1 };
            let (tid, end) = self.sifted[n];
            decode::append_version(storage, &self.store, &self.attnos, &self.bytes[start..end], tid, out)?;
            self.given += 1;
        }
        Ok(true)
    }

    pub fn set_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
    }

    pub fn store(&self) -> &Arc<TableStore> {
        &self.store
    }

    pub fn snapshot(&self) -> &Snapshot {
        &self.snapshot
    }

    /// Makes `out` an empty batch with the right columns.
    pub fn prepare(&self, out: &mut Batch) {
        out.columns = decode::new_columns(self.store.desc(), &self.attnos, 0);
        out.rows = 0;
    }

    /// Appends the version the snapshot shows of the row an index entry leads to; returns where it lies.
    /// An `out` without columns is prepared first.
    pub fn fetch(&mut self, storage: &Storage, tid: TupleId, out: &mut Batch) -> Result<Option<TupleId>> {
        let mut hint = None;
        let found = {
            let Some(page) = page(storage, &self.store, tid)? else { return Ok(None) };
            let mut judge = Judge::new(storage);
            let mut found = None;
            let mut reading = Reading::of(&self.store, &self.snapshot);
            if let Some(reading) = &reading {
                reading.check()?;
            }
            for line in Chain::new(&page, tid) {
                let t = Tuple(page.item(line));
                let mut bits = 0;
                let visible = judge.visible(t, &self.snapshot, &mut bits);
                if bits != 0 {
                    hint = Some(Hint { line, seen: t.infomask(), bits });
                }
                if let Some(reading) = &mut reading {
                    let at = TupleId::new(tid.block, line);
                    reading.row(storage, &self.store, &mut judge, (t, at, visible, false))?;
                }
                if visible {
                    self.scratch.clear();
                    self.scratch.extend_from_slice(t.0);
                    found = Some(TupleId::new(tid.block, line));
                    break;
                }
            }
            found
        };
        if let Some(hint) = hint {
            hint::apply(storage, &self.store, tid.block, &[hint], None);
        }
        match found {
            Some(at) => self.append(storage, at, out).map(Some),
            None => Ok(None),
        }
    }

    /// How many line pointers a page has.
    pub fn lines(&self, storage: &Storage, block: BlockNo) -> Result<u16> {
        Ok(page(storage, &self.store, TupleId::new(block, 1))?.map_or(0, |p| p.item_count()))
    }

    /// Appends exactly this version, if the snapshot shows it: no chain is followed (TID scans).
    pub fn fetch_exact(&mut self, storage: &Storage, tid: TupleId, out: &mut Batch) -> Result<Option<TupleId>> {
        let (snapshot, store) = (self.snapshot.clone(), self.store.clone());
        self.fetch_if(storage, tid, out, |judge, t| {
            let visible = judge.visible(t, &snapshot, &mut 0);
            if let Some(mut reading) = Reading::of(&store, &snapshot) {
                reading.check()?;
                reading.row(storage, &store, judge, (t, tid, visible, false))?;
            }
            Ok(visible)
        })
    }

    /// Appends exactly this version, whoever may see it: the newest one after `TmResult::Updated`, or one just written.
    pub fn fetch_version(&mut self, storage: &Storage, tid: TupleId, out: &mut Batch) -> Result<Option<TupleId>> {
        self.fetch_if(storage, tid, out, |_, _| Ok(true))
    }

    fn fetch_if(
        &mut self,
        storage: &Storage,
        tid: TupleId,
        out: &mut Batch,
        wanted: impl FnOnce(&mut Judge<'_>, Tuple<'_>) -> Result<bool>,
    ) -> Result<Option<TupleId>> {
        {
            let Some(page) = page(storage, &self.store, tid)? else { return Ok(None) };
            if !page.pointer(tid.offset).is_normal() {
                return Ok(None);
            }
            let t = Tuple(page.item(tid.offset));
            if !wanted(&mut Judge::new(storage), t)? {
                return Ok(None);
            }
            self.scratch.clear();
            self.scratch.extend_from_slice(t.0);
        }
        self.append(storage, tid, out).map(Some)
    }

    fn append(&mut self, storage: &Storage, at: TupleId, out: &mut Batch) -> Result<TupleId> {
        if out.columns.len() != self.attnos.len() {
            self.prepare(out);
        }
        let places = self.places.as_deref();
        self.met_long |= decode::append_some(storage, &self.store, (&self.attnos, places), &self.scratch, at, out)?;
        if self.places.is_some() {
            self.bytes.extend_from_slice(&self.scratch);
            self.sifted.push((at, self.bytes.len()));
        }
        Ok(at)
    }
}

/// The page a tuple id names, latched, if it is there.
pub(super) fn page<'a>(
    storage: &'a Storage,
    store: &TableStore,
    tid: TupleId,
) -> Result<Option<crate::buffer::ReadGuard<'a>>> {
    if !tid.is_valid() || tid.block >= store.nblocks(storage)? {
        return Ok(None);
    }
    let page = storage.pool.read(&store.main, tid.block)?;
    Ok((!page.is_new()).then_some(page))
}

/// The versions of a HOT chain, oldest first, beginning where an index entry leads.
///
/// PostgreSQL 15, heapam.c, heap_hot_search_buffer: same walk and same checks.
pub struct Chain<'a> {
    page: &'a Page,
    next: Option<u16>,
    xmax: Option<Xid>,
    first: bool,
    left: u16,
}

impl<'a> Chain<'a> {
    pub fn new(page: &'a Page, tid: TupleId) -> Chain<'a> {
        Chain { page, next: Some(tid.offset), xmax: None, first: true, left: page.item_count() + 1 }
    }
}

impl Iterator for Chain<'_> {
    type Item = u16;

    fn next(&mut self) -> Option<u16> {
        let mut line = self.next.take()?;
        let mut redirected = false;
        // Damage must not make us walk in circles.
        self.left = self.left.checked_sub(1)?;
        if self.first && self.page.pointer(line).state() == State::Redirect {
            line = self.page.pointer(line).target();
            redirected = true;
        }
        if !self.page.pointer(line).is_normal() {
            return None;
        }
        let t = Tuple(self.page.item(line));
        // An index entry never leads into the middle of a chain.
        if self.first && !redirected && t.is_heap_only() {
            return None;
        }
        // The line may have been given to another row meanwhile.
        if self.xmax.is_some_and(|x| x != t.xmin()) {
            return None;
        }
        self.first = false;
        if t.is_hot_updated() {
            self.xmax = Some(t.xmax());
            self.next = Some(t.ctid().offset);
        }
        Some(line)
    }
}

/// Who made exactly this version, if it is there.
pub fn xmin_of(storage: &Storage, store: &TableStore, tid: TupleId) -> Result<Option<Xid>> {
    let Some(page) = page(storage, store, tid)? else { return Ok(None) };
    Ok(page.pointer(tid.offset).is_normal().then(|| Tuple(page.item(tid.offset)).xmin()))
}

/// The newest version a snapshot shows of the row that has this one. PostgreSQL 15, heapam.c, heap_get_latest_tid.
pub fn latest(storage: &Storage, store: &TableStore, snapshot: &Snapshot, tid: TupleId) -> Result<TupleId> {
    let (mut newest, mut at, mut before) = (tid, tid, None);
    loop {
        let Some(page) = page(storage, store, at)? else { return Ok(newest) };
        if !page.pointer(at.offset).is_normal() {
            return Ok(newest);
        }
        let t = Tuple(page.item(at.offset));
        // The line may have been given to another row meanwhile.
        if before.is_some_and(|x| x != t.xmin()) {
            return Ok(newest);
        }
        if Judge::new(storage).visible(t, snapshot, &mut 0) {
            newest = at;
        }
        if t.has(mask::XMAX_INVALID) || t.ctid() == at || t.ctid() == TupleId::MOVED {
            return Ok(newest);
        }
        before = Some(t.xmax());
        at = t.ctid();
    }
}

/// What the row an index entry leads to means to somebody who wants to insert the same key.
pub fn occupant(storage: &Storage, store: &TableStore, tid: TupleId, own: &Own) -> Result<Occupant> {
    let Some(page) = page(storage, store, tid)? else { return Ok(Occupant::None { all_dead: true }) };
    let mut judge = Judge::new(storage);
    let horizon = store.oldest_visible(storage);
    let mut all_dead = true;
    for line in Chain::new(&page, tid) {
        let t = Tuple(page.item(line));
        match claim(&mut judge, t, own) {
            Claim::Gone => {}
            Claim::Live => return Ok(Occupant::Live(TupleId::new(tid.block, line))),
            Claim::Running(xid) => return Ok(Occupant::Running(TupleId::new(tid.block, line), xid)),
        }
        all_dead = all_dead && dead_to_all(&mut judge, t, horizon);
    }
    Ok(Occupant::None { all_dead })
}

enum Claim {
    Gone,
    Live,
    Running(Xid),
}

/// PostgreSQL 15, heapam_visibility.c, HeapTupleSatisfiesDirty: same answers.
fn claim(judge: &mut Judge<'_>, t: Tuple<'_>, own: &Own) -> Claim {
    if !t.has(mask::XMIN_COMMITTED) && !own.contains(t.xmin()) {
        if t.has(mask::XMIN_INVALID) {
            return Claim::Gone;
        }
        match judge.status(t.xmin()) {
            XactStatus::Running => return Claim::Running(t.xmin()),
            XactStatus::Aborted => return Claim::Gone,
            XactStatus::Committed(_) => {}
        }
    }
    if t.has(mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY) {
        return Claim::Live;
    }
    if t.has(mask::XMAX_COMMITTED) || own.contains(t.xmax()) {
        return Claim::Gone;
    }
    match judge.status(t.xmax()) {
        XactStatus::Running => Claim::Running(t.xmax()),
        XactStatus::Aborted => Claim::Live,
        XactStatus::Committed(_) => Claim::Gone,
    }
}

fn dead_to_all(judge: &mut Judge<'_>, t: Tuple<'_>, horizon: Csn) -> bool {
    judge.fate(t, horizon, &mut 0) == Fate::Dead
}
