//! Reading a table from one end to the other, a batch at a time.
//!
//! Each page is copied out under its latch and worked on without it.

use super::decode::{self, Columns, LongValues, RowAt};
use super::hint::{self, Hint};
use super::prune;
use super::serial::Reading;
use super::store::TableStore;
use super::tuple::{MAX_ITEMS, Tuple, mask};
use super::view::PageView;
use super::visibility::{Fate, Judge};
use crate::base::{BlockNo, Result, TupleId};
use crate::buffer::ScanReader;
use crate::mvcc::{Snapshot, SnapshotKind};
use crate::page::{ALL_VISIBLE, PAGE_SIZE};
use crate::storage::Storage;
use crate::types::{BATCH_ROWS, Batch};
use std::cell::RefCell;
use std::ops::Range;
use std::sync::Arc;

/// Page copies behind one batch: wide rows make smaller batches.
const MAX_PAGES: usize = 64;

/// A sequential scan. All state is in here: a caller may stop between any two calls of [`next`](Self::next).
#[derive(Debug)]
pub struct HeapScan {
    store: Arc<TableStore>,
    snapshot: Snapshot,
    attnos: Vec<i16>,
    backward: bool,
    /// What it reads is told for a serializable transaction.
    told: bool,
    /// The blocks asked for; `None`: all there are when the scan starts.
    wanted: Option<Range<BlockNo>>,
    /// Blocks still to read, once started.
    left: Option<Range<BlockNo>>,
    reader: ScanReader,
    buffers: Copies,
    blocks: Vec<BlockNo>,
    rows: Vec<RowAt>,
    /// How many of `rows` were given: the values of the others found no room in the batch.
    given: usize,
    /// How many of `rows` behind those were sifted, and which of all sifted were kept; how many of these were given.
    sifted: usize,
    kept: Vec<RowAt>,
    kept_given: usize,
    /// A value lay out of line, or compressed.
    met_long: bool,
    hints: Vec<Hint>,
    /// Long values are not read: what they are, by column.
    long: Option<Vec<LongValues>>,
}

impl HeapScan {
    /// Shows the columns `attnos` (1-based; see [`decode::system`] for those below 0), in that order.
    pub fn new(store: Arc<TableStore>, snapshot: Snapshot, attnos: Vec<i16>) -> HeapScan {
        HeapScan {
            store,
            snapshot,
            attnos,
            backward: false,
            told: true,
            wanted: None,
            left: None,
            reader: ScanReader::default(),
            buffers: Copies::default(),
            blocks: Vec::new(),
            rows: Vec::new(),
            given: 0,
            sifted: 0,
            kept: Vec::new(),
            kept_given: 0,
            met_long: false,
            hints: Vec::new(),
            long: None,
        }
    }

    /// Only these blocks: for parallel scans and TID ranges.
    pub fn with_range(mut self, blocks: Range<BlockNo>) -> HeapScan {
        self.wanted = Some(blocks);
        self
    }

    /// Nothing but estimates comes of it.
    pub fn untold(mut self) -> HeapScan {
        self.told = false;
        self
    }

    /// Shows stand-ins for long values, which are counted.
    pub fn without_long_values(mut self) -> HeapScan {
        self.long = Some(vec![LongValues::default(); self.attnos.len()]);
        self
    }

    /// The long values met so far, by column.
    pub fn long_values(&self) -> &[LongValues] {
        self.long.as_deref().unwrap_or_default()
    }

    fn reading(&self) -> Option<Reading<'_>> {
        Reading::of(&self.store, &self.snapshot).filter(|_| self.told)
    }

    /// From the last row to the first.
    pub fn backward(mut self) -> HeapScan {
        self.backward = true;
        self
    }

    /// Starts over; sees blocks added meanwhile.
    pub fn rescan(&mut self) {
        self.left = None;
        self.rows.clear();
        self.given = 0;
        self.kept.clear();
        self.kept_given = 0;
    }

    pub fn set_snapshot(&mut self, snapshot: Snapshot) {
        self.snapshot = snapshot;
    }

    pub fn store(&self) -> &Arc<TableStore> {
        &self.store
    }

    /// Blocks not read yet; `None` before the start.
    pub fn blocks_left(&self) -> Option<u32> {
        self.left.as_ref().map(|l| l.end.saturating_sub(l.start))
    }

    /// Replaces `out` by the next rows, at most 1,024 and fewer where their values are long; there may be none although
    /// more follow. False at the end.
    pub fn next(&mut self, storage: &Storage, out: &mut Batch) -> Result<bool> {
        if self.given < self.rows.len() {
            self.give(storage, out)?;
            return Ok(true);
        }
        // The caller's old batch may share our page copies: let go of it before they are reused.
        out.columns.clear();
        out.rows = 0;
        let Some(counted) = self.find(storage)? else { return Ok(false) };
        if self.attnos.is_empty() {
            out.rows = counted;
        } else {
            self.give(storage, out)?;
        }
        Ok(true)
    }

    /// Finds the rows of the next pages, and tells how many; None at the end.
    fn find(&mut self, storage: &Storage) -> Result<Option<usize>> {
        let mut left = match self.left.take() {
            Some(left) => left,
            None => self.start(storage)?,
        };
        self.rows.clear();
        self.given = 0;
        self.blocks.clear();
        let mut counted = 0;
        let mut pages = 0;
        while !left.is_empty() && pages < MAX_PAGES && counted + MAX_ITEMS as usize <= BATCH_ROWS {
            let block = if self.backward {
                left.end -= 1;
                left.end
            } else {
                left.start += 1;
                left.start - 1
            };
            counted += match self.read_page(storage, block, left.end.max(block + 1)) {
                Ok(n) => n,
                Err(e) => {
                    self.left = Some(left);
                    return Err(e);
                }
            };
            pages += 1;
        }
        self.left = Some(left);
        Ok((pages > 0).then_some(counted))
    }

    /// Whether values were read that lay out of line, or compressed: a condition is better asked before others are.
    pub fn met_long(&self) -> bool {
        self.met_long
    }

    /// Whether columns beside those in these places can have such values.
    pub fn may_be_long_beside(&self, places: &[usize]) -> bool {
        decode::may_be_long_beside(self.store.desc(), &self.attnos, places)
    }

    /// As [`next`](Self::next), but only the columns in these places, ascending, are filled, for a condition; the others are
    /// empty. [`keep`](Self::keep) must follow.
    pub fn sift(&mut self, storage: &Storage, places: &[usize], out: &mut Batch) -> Result<bool> {
        out.columns.clear();
        out.rows = 0;
        if self.given >= self.rows.len() && self.find(storage)?.is_none() {
            self.sifted = 0;
            return Ok(false);
        }
        let rows = &self.rows[self.given..];
        let attnos: Vec<i16> = places.iter().map(|p| self.attnos[*p]).collect();
        let mut narrow = Batch::default();
        self.decode(storage, rows, &attnos, &mut narrow)?;
        out.columns = decode::new_columns(self.store.desc(), &self.attnos, 0);
        for (place, column) in places.iter().zip(narrow.columns) {
            out.columns[*place] = column;
        }
        out.rows = narrow.rows;
        self.sifted = narrow.rows;
        Ok(true)
    }

    /// Of the rows sifted last these are wanted (None: all): [`kept`](Self::kept) gives them, before anything else is asked.
    pub fn keep(&mut self, wanted: Option<&[u32]>) {
        let sifted = &self.rows[self.given..self.given + self.sifted];
        match wanted {
            Some(wanted) => self.kept.extend(wanted.iter().map(|n| sifted[*n as usize])),
            None => self.kept.extend_from_slice(sifted),
        }
        self.given += self.sifted;
        self.sifted = 0;
    }

    /// Replaces `out` by the next of the rows that were kept; false: there are no more.
    pub fn kept(&mut self, storage: &Storage, out: &mut Batch) -> Result<bool> {
        let rows = &self.kept[self.kept_given..];
        if rows.is_empty() {
            self.kept.clear();
            self.kept_given = 0;
            return Ok(false);
        }
        self.decode(storage, rows, &self.attnos, out)?;
        self.kept_given += out.rows;
        Ok(true)
    }

    /// Replaces `out` by columns of rows found, as many as find room.
    fn decode(&self, storage: &Storage, rows: &[RowAt], attnos: &[i16], out: &mut Batch) -> Result<()> {
        out.columns = decode::new_columns(self.store.desc(), attnos, rows.len());
        Columns::new(storage, &self.store, &self.buffers.0, &self.blocks, rows).fill(attnos, out)
    }

    /// Replaces `out` by rows found and not given yet.
    fn give(&mut self, storage: &Storage, out: &mut Batch) -> Result<()> {
        let rows = &self.rows[self.given..];
        out.columns = decode::new_columns(self.store.desc(), &self.attnos, rows.len());
        let columns = Columns::new(storage, &self.store, &self.buffers.0, &self.blocks, rows);
        let mut columns = columns.standing_in(self.long.as_deref_mut());
        columns.fill(&self.attnos, out)?;
        self.met_long |= columns.met_long;
        self.given += out.rows;
        Ok(())
    }

    fn start(&mut self, storage: &Storage) -> Result<Range<BlockNo>> {
        if let Some(reading) = self.reading() {
            reading.whole(&self.store)?;
        }
        let n = self.store.nblocks(storage)?;
        self.reader = ScanReader::new(&storage.pool, n);
        Ok(match &self.wanted {
            Some(range) => range.start.min(n)..range.end.min(n),
            None => 0..n,
        })
    }

    /// Finds the visible rows of a page; returns how many. Without columns wanted they are only counted.
    fn read_page(&mut self, storage: &Storage, block: BlockNo, end: BlockNo) -> Result<usize> {
        if self.attnos.is_empty()
            && let Some(count) = count_all_visible(storage, &self.store, block)?
        {
            return Ok(count);
        }
        let at = if self.attnos.is_empty() { 0 } else { self.blocks.len() };
        let end = if self.backward { block + 1 } else { end };
        let buffer = self.buffers.exclusive(at);
        self.reader.copy(&storage.pool, &self.store.main, block, end, buffer)?;
        let page = PageView(buffer);
        if page.is_new() {
            return Ok(0);
        }
        let before = self.rows.len();
        if page.has_flag(ALL_VISIBLE) && self.snapshot.kind != SnapshotKind::Any {
            let rows = page.pointers().zip(1u16..).filter(|(p, _)| p.is_normal()).map(|(p, line)| RowAt {
                buffer: at as u16,
                start: p.offset() as u16,
                len: p.len() as u16,
                line,
            });
            self.rows.extend(rows);
        } else {
            let copy = self.buffers.0[at].clone();
            self.judge_page(storage, block, at, &copy)?;
        }
        let found = self.rows.len() - before;
        if self.backward {
            self.rows[before..].reverse();
        }
        if self.attnos.is_empty() {
            self.rows.clear();
        } else if found > 0 {
            self.blocks.push(block);
        }
        Ok(found)
    }

    fn judge_page(&mut self, storage: &Storage, block: BlockNo, at: usize, copy: &[u8]) -> Result<()> {
        let page = PageView(copy);
        let mut reading = Reading::of(&self.store, &self.snapshot).filter(|_| self.told);
        if let Some(reading) = &reading {
            reading.check()?;
        }
        let mut judge = Judge::new(storage);
        let horizon = self.store.oldest_visible(storage);
        let mut all_visible = true;
        let crowded = page.free_space() < prune::worthwhile_below(&self.store);
        let mut removable = false;
        self.hints.clear();
        self.rows.reserve(page.pointers().len());
        for (p, line) in page.pointers().zip(1u16..) {
            if !p.is_normal() {
                all_visible &= p.state() != crate::page::State::Dead;
                continue;
            }
            let (start, len) = (p.offset(), p.len());
            let t = Tuple(&copy[start..start + len]);
            let seen = t.infomask();
            let mut bits = 0;
            let visible = judge.visible(t, &self.snapshot, &mut bits);
            if bits != 0 {
                self.hints.push(Hint { line, seen, bits });
            }
            if let Some(reading) = &mut reading {
                let at = TupleId::new(block, line);
                reading.row(storage, &self.store, &mut judge, (t, at, visible, true))?;
            }
            all_visible = all_visible && judge.visible_to_all(seen | bits, t.xmin(), horizon);
            if visible {
                self.rows.push(RowAt { buffer: at as u16, start: start as u16, len: len as u16, line });
            } else if crowded && !removable {
                // What the transaction deleted itself cannot go yet, and need not be asked about.
                let own = self.snapshot.own.contains(t.xmax());
                removable = seen & mask::XMIN_INVALID != 0 || !own && judge.fate(t, horizon, &mut 0) == Fate::Dead;
            }
        }
        if !self.hints.is_empty() || all_visible {
            hint::apply(storage, &self.store, block, &self.hints, all_visible.then_some(horizon));
        }
        if removable {
            prune::opportunistic(storage, &self.store, block);
        }
        Ok(())
    }
}

/// The number of rows of a page whose flag says that everybody sees them all.
fn count_all_visible(storage: &Storage, store: &TableStore, block: BlockNo) -> Result<Option<usize>> {
    let page = storage.pool.read(&store.main, block)?;
    if !page.has_flag(ALL_VISIBLE) {
        return Ok(None);
    }
    Ok(Some(PageView(page.bytes()).count_normal()))
}

/// Copies of pages that the rows of a batch lie in.
#[derive(Debug, Default)]
struct Copies(Vec<Arc<[u8]>>);

/// Copies a thread keeps for its next scan: most statements read few pages.
const SPARE_COPIES: usize = 4;

thread_local! {
    static SPARE: RefCell<Vec<Arc<[u8]>>> = const { RefCell::new(Vec::new()) };
}

impl Copies {
    /// Number `at`, ours alone: a batch still in use keeps the old one.
    fn exclusive(&mut self, at: usize) -> &mut [u8] {
        if self.0.len() <= at {
            self.0.push(Copies::spare());
        }
        if Arc::get_mut(&mut self.0[at]).is_none() {
            self.0[at] = Copies::spare();
        }
        Arc::get_mut(&mut self.0[at]).expect("just made")
    }

    fn spare() -> Arc<[u8]> {
        SPARE.with_borrow_mut(Vec::pop).unwrap_or_else(|| Arc::from(vec![0; PAGE_SIZE]))
    }
}

impl Drop for Copies {
    fn drop(&mut self) {
        // A thread that is ending keeps nothing.
        let _ = SPARE.try_with(|spare| {
            let mut spare = spare.borrow_mut();
            let free = self.0.drain(..).filter_map(|mut copy| Arc::get_mut(&mut copy).is_some().then_some(copy));
            let room = SPARE_COPIES.saturating_sub(spare.len());
            spare.extend(free.take(room));
        });
    }
}
