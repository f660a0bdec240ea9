//! Sorting of any number of rows by memcmp-able keys: in memory, or in runs merged from temporary files.

use super::ExecContext;
use super::keys::{KeyArena, KeyColumn};
use super::row_order::{BoundedHeap, quicksort};
use super::spill::{Cursor, TempFile};
use super::store::RowStore;
use crate::base::Result;
use crate::base::memory::Claimed;
use crate::types::{BATCH_BYTES, BATCH_ROWS, Batch, Column, ColumnData, Datum, Phys, long};
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::collections::binary_heap::PeekMut;
use std::ops::Range;

/// What a run takes while it is merged: a piece of its file and a block of rows, or of one long row.
const RUN_MEMORY: usize = 256 * 1024;
/// Below this many rows a comparison sort beats the radix passes.
const RADIX_FROM: usize = 2048;
/// Up to this many rows with equal keys stand as PostgreSQL's sort leaves them.
const TIES_UP_TO: usize = 16 * 1024;

/// Where rows with equal keys stand.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Ties {
    /// In the order they came.
    Stable,
    /// Where PostgreSQL's sort would have left them, as long as they are few and in memory.
    AsPostgres,
    /// The same, but [`finish_parts`](Sorter::finish_parts) says which rows that would have sorted at once.
    InParts,
}

/// Rows that PostgreSQL would have sorted at once, of which it wants so many first ones (None: all). Of more than twice
/// as many the others are gone afterwards, and what comes behind them moves up.
pub(crate) type Part = (Range<usize>, Option<usize>);

/// Takes rows with keys, gives them back in order.
pub(crate) struct Sorter {
    spec: Vec<KeyColumn>,
    keys: KeyArena,
    rows: RowStore,
    bound: Option<usize>,
    ties: Ties,
    /// The first `bound` rows, once there are more than twice as many.
    heap: Option<BoundedHeap>,
    /// Rows that were not among the first are gone.
    pruned: bool,
    /// Once `bound` rows are known: rows with a key at or above this one cannot get among the first.
    cutoff: Option<Vec<u8>>,
    /// Bytes to be used; None: `work_mem`.
    memory: Option<usize>,
    claimed: Claimed,
    /// Sorted, in the order their rows came.
    runs: Vec<Run>,
    state: State,
    pub spilled: bool,
    /// The greatest memory used.
    pub peak: usize,
}

enum State {
    Filling,
    InMemory { order: Vec<u32>, at: usize },
    Merging(Merge),
}

/// A sorted run: in a file, read block by block.
struct Run {
    file: TempFile,
    /// How often its rows have been merged.
    level: u32,
    cursor: Cursor,
    block: Option<Batch>,
    at: usize,
}

/// Runs read side by side.
struct Merge {
    runs: Vec<Run>,
    heap: BinaryHeap<Head>,
}

/// The next row of a run, ordered for a heap whose greatest element comes first.
struct Head {
    key: Vec<u8>,
    run: usize,
}

impl PartialEq for Head {
    fn eq(&self, other: &Head) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Head {}

impl PartialOrd for Head {
    fn partial_cmp(&self, other: &Head) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Head {
    fn cmp(&self, other: &Head) -> Ordering {
        other.key.cmp(&self.key).then(other.run.cmp(&self.run))
    }
}

impl Sorter {
    /// Keys of `spec`, rows of columns of `forms`; `bound`: only so many first rows are wanted.
    pub fn new(spec: Vec<KeyColumn>, forms: &[Phys], bound: Option<usize>, ties: Ties) -> Sorter {
        Sorter {
            spec,
            keys: KeyArena::default(),
            rows: RowStore::new(forms),
            bound,
            ties,
            heap: None,
            pruned: false,
            cutoff: None,
            memory: None,
            claimed: Claimed::default(),
            runs: Vec::new(),
            state: State::Filling,
            spilled: false,
            peak: 0,
        }
    }

    /// Sorts bare keys, in this much memory instead of `work_mem`.
    pub fn of_keys(memory: usize) -> Sorter {
        Sorter { memory: Some(memory), ..Sorter::new(Vec::new(), &[], None, Ties::Stable) }
    }

    /// Adds one of the bare keys.
    pub fn push_key(&mut self, cx: &mut ExecContext, key: &[u8]) -> Result<()> {
        self.keys.push(key);
        self.spill_when_full(cx)
    }

    /// Adds rows: `keys` are the key columns, `payload` the columns to give back.
    pub fn push(&mut self, cx: &mut ExecContext, keys: &[&Column], payload: &Batch) -> Result<()> {
        if self.bound.is_some() {
            self.push_bounded(keys, payload);
        } else {
            self.keys.append_rows(keys, &self.spec, payload.rows);
            self.rows.append(payload);
        }
        let Some(bound) = self.bound else { return self.spill_when_full(cx) };
        self.peak = self.peak.max(self.used());
        self.claimed.grown(self.used(), "TupleSort main")?;
        let some = match self.ties {
            Ties::Stable => BATCH_ROWS,
            Ties::AsPostgres => 2 * bound + BATCH_ROWS,
            Ties::InParts => TIES_UP_TO,
        };
        if self.keys.len() > 2 * bound && (self.keys.len() > some || self.is_long(cx)) {
            self.prune(bound);
        }
        // Even the first rows alone may be too long for the memory.
        if self.is_long(cx) { self.spill(cx) } else { Ok(()) }
    }

    /// The memory is used up, and by more than some short rows.
    fn is_long(&self, cx: &ExecContext) -> bool {
        self.used() > self.budget(cx).max(2 * BATCH_BYTES)
    }

    fn used(&self) -> usize {
        self.keys.memory() + self.rows.bytes() + self.keys.len() * 16
    }

    fn budget(&self, cx: &ExecContext) -> usize {
        self.memory.unwrap_or_else(|| cx.settings.work_mem())
    }

    fn spill_when_full(&mut self, cx: &mut ExecContext) -> Result<()> {
        let used = self.used();
        self.peak = self.peak.max(used);
        self.claimed.grown(used, "TupleSort main")?;
        let full = used > self.budget(cx) && self.keys.len() > BATCH_ROWS || self.is_long(cx);
        if full { self.spill(cx) } else { Ok(()) }
    }

    fn push_bounded(&mut self, keys: &[&Column], payload: &Batch) {
        let mut kept = Vec::with_capacity(payload.rows);
        let mut fresh = KeyArena::default();
        fresh.append_rows(keys, &self.spec, payload.rows);
        let heaped = self.bound.filter(|b| self.ties == Ties::AsPostgres && *b <= TIES_UP_TO);
        for row in 0..payload.rows {
            let key = fresh.get(row);
            let last = match &self.heap {
                Some(heap) => heap.top().map(|top| self.keys.get(top as usize)),
                None => self.cutoff.as_deref(),
            };
            if last.map_or(self.heap.is_some(), |last| key >= last) {
                continue;
            }
            self.keys.push(key);
            kept.push(row as u32);
            let count = self.keys.len();
            let order = |a: u32, b: u32| self.keys.get(a as usize).cmp(self.keys.get(b as usize));
            match &mut self.heap {
                Some(heap) => _ = heap.offer(count as u32 - 1, &order),
                None => self.heap = heaped.filter(|b| count > 2 * b).map(|b| BoundedHeap::of_rows(count, b, &order)),
            }
        }
        self.rows.append_rows(payload, &kept);
    }

    /// Keeps the first `bound` rows.
    fn prune(&mut self, bound: usize) {
        let order = match &mut self.heap {
            Some(heap) => heap.renumber(),
            None => sorted(&self.keys),
        };
        let first = &order[..bound.min(order.len())];
        let mut keys = KeyArena::default();
        let mut rows = RowStore::new(&self.rows.forms());
        for part in first.chunks(BATCH_ROWS) {
            rows.append(&self.rows.gather(part));
        }
        first.iter().for_each(|r| keys.push(self.keys.get(*r as usize)));
        let last = if self.heap.is_some() { first.first() } else { first.last() };
        self.cutoff = last.map(|r| self.keys.get(*r as usize).to_vec());
        if bound == 0 {
            self.cutoff = Some(Vec::new());
        }
        self.pruned = true;
        self.keys = keys;
        self.rows = rows;
    }

    /// Writes what is in memory as a sorted run.
    fn spill(&mut self, cx: &mut ExecContext) -> Result<()> {
        let order = sorted(&self.keys);
        self.rows.finish();
        let mut file = TempFile::with_frames(cx, RUN_MEMORY)?;
        for part in order.chunks(BATCH_ROWS) {
            let mut block = self.rows.gather(part);
            block.columns.push(column_of(part.iter().map(|r| self.keys.get(*r as usize))));
            file.write(cx, &block)?;
        }
        file.flush(cx)?;
        self.runs.push(Run::new(file, 0));
        self.keys.clear();
        self.rows.clear();
        self.heap = None;
        self.spilled = true;
        self.merge_full_levels(cx)
    }

    /// As many runs of one level as may be merged at once become one of the next: what a merge needs in memory is
    /// limited, and a row is written again only once per level.
    fn merge_full_levels(&mut self, cx: &mut ExecContext) -> Result<()> {
        let widest = self.runs.iter().map(|r| r.file.widest()).max().unwrap_or(0);
        let most = (self.budget(cx) / RUN_MEMORY.max(widest)).clamp(if widest > BATCH_BYTES { 4 } else { 8 }, 512);
        while let Some(level) = self.runs.last().map(|r| r.level) {
            let alike = self.runs.iter().rev().take_while(|r| r.level == level).count();
            if alike < most {
                break;
            }
            let runs = self.runs.split_off(self.runs.len() - alike);
            let mut merge = Merge::start(runs)?;
            let mut file = TempFile::with_frames(cx, RUN_MEMORY)?;
            let mut keys = KeyArena::default();
            while let Some(mut block) = merge.next(&self.rows.forms(), Some(&mut keys))? {
                cx.interrupts.check()?;
                block.columns.push(column_of((0..keys.len()).map(|r| keys.get(r))));
                file.write(cx, &block)?;
            }
            file.flush(cx)?;
            self.runs.push(Run::new(file, level + 1));
        }
        Ok(())
    }

    /// To be called when all rows are in, and again to read them once more.
    pub fn finish(&mut self, cx: &mut ExecContext) -> Result<()> {
        let all = [(0..self.keys.len(), None)];
        self.finish_parts(cx, if self.ties == Ties::AsPostgres { &all } else { &[] })
    }

    /// The same for groups of rows that come one after the other and agree in the first `prefix` bytes of their keys.
    pub fn finish_groups(&mut self, cx: &mut ExecContext, prefix: usize) -> Result<()> {
        let group = |row: usize| self.keys.get(row).get(..prefix);
        let rows = 0..if self.spilled { 0 } else { self.keys.len() };
        let mut parts: Vec<Part> = Vec::new();
        for row in rows {
            match row.checked_sub(1).map_or(Ordering::Less, |before| group(before).cmp(&group(row))) {
                Ordering::Less => parts.push((row..row + 1, None)),
                Ordering::Equal => parts.iter_mut().last().into_iter().for_each(|p| p.0.end = row + 1),
                Ordering::Greater => {
                    parts.clear();
                    break;
                }
            }
        }
        self.finish_parts(cx, &parts)
    }

    /// The same for rows that PostgreSQL would have sorted in parts, one sort after the other where they overlap.
    pub fn finish_parts(&mut self, cx: &mut ExecContext, parts: &[Part]) -> Result<()> {
        match &mut self.state {
            State::InMemory { at, .. } => {
                *at = 0;
                return Ok(());
            }
            State::Merging(merge) => return merge.rewind(),
            State::Filling => {}
        }
        if self.runs.is_empty() {
            self.rows.finish();
            let order = |a: u32, b: u32| self.keys.get(a as usize).cmp(self.keys.get(b as usize));
            let mut order = match self.heap.take() {
                Some(heap) => heap.into_sorted(&order),
                None if self.pruned => sorted(&self.keys),
                None => sorted_in_parts(&self.keys, parts),
            };
            if let Some(b) = self.bound {
                order.truncate(b);
            }
            self.state = State::InMemory { order, at: 0 };
            return Ok(());
        }
        if self.keys.len() > 0 {
            self.spill(cx)?;
        }
        self.keys = KeyArena::default();
        self.state = State::Merging(Merge::start(std::mem::take(&mut self.runs))?);
        Ok(())
    }

    /// Up to a batch of rows in order, None at the end. If wanted, their keys go to `keys`.
    pub fn next(&mut self, mut keys: Option<&mut KeyArena>) -> Result<Option<Batch>> {
        if let Some(k) = &mut keys {
            k.clear();
        }
        match &mut self.state {
            State::Filling => Ok(None),
            State::InMemory { order, at } => {
                let part = &order[*at..(*at + BATCH_ROWS).min(order.len())];
                if part.is_empty() {
                    return Ok(None);
                }
                if let Some(k) = keys {
                    part.iter().for_each(|r| k.push(self.keys.get(*r as usize)));
                }
                *at += part.len();
                Ok(Some(self.rows.gather(part)))
            }
            State::Merging(merge) => merge.next(&self.rows.forms(), keys),
        }
    }

    /// Bytes in temporary files.
    pub fn disk_bytes(&self) -> u64 {
        let runs = match &self.state {
            State::Merging(merge) => &merge.runs,
            _ => &self.runs,
        };
        runs.iter().map(|r| r.file.bytes()).sum()
    }
}

impl Merge {
    fn start(runs: Vec<Run>) -> Result<Merge> {
        let mut merge = Merge { runs, heap: BinaryHeap::new() };
        merge.rewind()?;
        Ok(merge)
    }

    fn rewind(&mut self) -> Result<()> {
        self.heap.clear();
        for (number, run) in self.runs.iter_mut().enumerate() {
            run.cursor = Cursor::default();
            run.block = None;
            if let Some(key) = run.key()? {
                self.heap.push(Head { key: key.to_vec(), run: number });
            }
        }
        Ok(())
    }

    /// As `Sorter::next`.
    fn next(&mut self, forms: &[Phys], mut keys: Option<&mut KeyArena>) -> Result<Option<Batch>> {
        if let Some(k) = &mut keys {
            k.clear();
        }
        let mut columns: Vec<Column> = forms.iter().map(|p| Column::new(*p)).collect();
        let mut rows = 0;
        while rows < BATCH_ROWS
            && !long(&columns)
            && let Some(mut head) = self.heap.peek_mut()
        {
            let run = &mut self.runs[head.run];
            if let Some(block) = &run.block {
                columns.iter_mut().zip(&block.columns).for_each(|(to, from)| to.push_from(from, run.at));
            }
            if let Some(k) = &mut keys {
                k.push(&head.key);
            }
            run.at += 1;
            match run.key()? {
                Some(key) => {
                    head.key.clear();
                    head.key.extend_from_slice(key);
                }
                None => _ = PeekMut::pop(head),
            }
            rows += 1;
        }
        Ok((rows > 0).then_some(Batch { columns, rows }))
    }
}

impl Run {
    fn new(file: TempFile, level: u32) -> Run {
        Run { file, level, cursor: Cursor::default(), block: None, at: 0 }
    }

    /// The key at the present position, after reading a new block where needed.
    fn key(&mut self) -> Result<Option<&[u8]>> {
        if self.block.as_ref().is_none_or(|b| self.at >= b.rows) {
            self.block = self.file.read(&mut self.cursor)?;
            self.at = 0;
        }
        Ok(self.block.as_ref().and_then(|b| match &b.columns.last()?.data {
            ColumnData::Bytes(keys) => Some(keys.get(self.at)),
            _ => None,
        }))
    }
}

/// Keys as the last column of a run's block.
fn column_of<'a>(keys: impl ExactSizeIterator<Item = &'a [u8]>) -> Column {
    let mut column = Column::with_capacity(Phys::Bytes, keys.len());
    keys.for_each(|key| column.push(Datum::Bytes(key)));
    column
}

/// How many first bytes all keys share.
fn common_prefix(keys: &KeyArena) -> usize {
    let first = keys.get(0);
    let mut len = first.len();
    for row in 1..keys.len() {
        let key = keys.get(row);
        let max = len.min(key.len());
        if key[..max] != first[..max] {
            len = first.iter().zip(key).take_while(|(a, b)| a == b).count();
        } else {
            len = max;
        }
        if len == 0 {
            break;
        }
    }
    len
}

/// Eight bytes of a key from `skip` on, as a number; a shorter key is padded with zeroes.
fn head_of(key: &[u8], skip: usize) -> u64 {
    let rest = &key[skip..];
    match rest.first_chunk::<8>() {
        Some(b) => u64::from_be_bytes(*b),
        None => rest.iter().enumerate().fold(0, |h, (i, b)| h | u64::from(*b) << (56 - 8 * i)),
    }
}

/// Row numbers in key order. Equal keys stay in the order they came.
pub(crate) fn sorted(keys: &KeyArena) -> Vec<u32> {
    sorted_entries(keys).into_iter().map(|e| e.1).collect()
}

/// Row numbers in key order, equal keys where PostgreSQL's sorts of these parts leave them.
fn sorted_in_parts(keys: &KeyArena, parts: &[Part]) -> Vec<u32> {
    let entries = sorted_entries(keys);
    let n = entries.len();
    let bounded = |part: &Part| part.1.is_some_and(|b| part.0.len() > 2 * b);
    let sorted_before = || entries.iter().map(|e| e.1).eq(0..n as u32);
    if !(2..=TIES_UP_TO).contains(&n) || parts.is_empty() || !parts.iter().any(bounded) && sorted_before() {
        return entries.into_iter().map(|e| e.1).collect();
    }
    // From here on keys are compared by their ranks.
    let (mut ranks, mut rank) = (vec![0_u32; n], 0);
    for (before, e) in entries.iter().zip(&entries[1..]) {
        rank += u32::from(before.0 != e.0 || keys.get(before.1 as usize) != keys.get(e.1 as usize));
        ranks[e.1 as usize] = rank;
    }
    if rank as usize + 1 == n {
        return entries.into_iter().map(|e| e.1).collect();
    }
    let mut rows: Vec<(u32, u32)> = ranks.into_iter().zip(0..).collect();
    for (range, bound) in parts {
        let part = &mut rows[range.clone()];
        match bound {
            Some(bound) if part.len() > 2 * bound => {
                let first = first_of(part, *bound);
                rows.splice(range.clone(), first);
            }
            _ => quicksort(part, &|a, b| a.0.cmp(&b.0)),
        }
    }
    rows.into_iter().map(|r| r.1).collect()
}

/// The first rows of a part, by the heap.
fn first_of(part: &[(u32, u32)], bound: usize) -> Vec<(u32, u32)> {
    let order = |a: u32, b: u32| part[a as usize].0.cmp(&part[b as usize].0);
    let mut heap = BoundedHeap::of_rows(2 * bound + 1, bound, &order);
    (2 * bound + 1..part.len()).for_each(|row| _ = heap.offer(row as u32, &order));
    heap.into_sorted(&order).into_iter().map(|row| part[row as usize]).collect()
}

/// Heads of keys with row numbers, in key order; equal keys stay in the order they came.
///
/// By the measurements in the execution model: presorted input is recognised; else radix passes over the heads' bytes
/// that differ, then memcmp inside runs of equal heads.
fn sorted_entries(keys: &KeyArena) -> Vec<(u64, u32)> {
    let n = keys.len();
    if n < 2 {
        return (0..n as u32).map(|row| (0, row)).collect();
    }
    let skip = common_prefix(keys);
    let mut entries: Vec<(u64, u32)> = (0..n).map(|r| (head_of(keys.get(r), skip), r as u32)).collect();
    let tail = |r: u32| {
        let key = keys.get(r as usize);
        &key[(skip + 8).min(key.len())..]
    };
    let full =
        |a: &(u64, u32), b: &(u64, u32)| a.0.cmp(&b.0).then_with(|| tail(a.1).cmp(tail(b.1))).then(a.1.cmp(&b.1));
    if entries.is_sorted_by(|a, b| full(a, b) != Ordering::Greater) {
        return entries;
    }
    if n < RADIX_FROM {
        entries.sort_unstable_by(full);
        return entries;
    }
    radix(&mut entries);
    let mut at = 0;
    while at < n {
        let mut end = at + 1;
        while end < n && entries[end].0 == entries[at].0 {
            end += 1;
        }
        if end - at > 1 {
            entries[at..end].sort_unstable_by(full);
        }
        at = end;
    }
    entries
}

/// LSD radix sort by the head, over the bytes in which heads differ; stable.
fn radix(entries: &mut Vec<(u64, u32)>) {
    let (all, any) = entries.iter().fold((u64::MAX, 0), |(all, any), e| (all & e.0, any | e.0));
    let varying = all ^ any;
    let mut other = vec![(0u64, 0u32); entries.len()];
    for byte in 0..8 {
        let shift = byte * 8;
        if varying >> shift & 0xFF == 0 {
            continue;
        }
        let mut counts = [0usize; 256];
        entries.iter().for_each(|e| counts[(e.0 >> shift & 0xFF) as usize] += 1);
        let mut sum = 0;
        for c in &mut counts {
            sum += std::mem::replace(c, sum);
        }
        for e in entries.iter() {
            let slot = &mut counts[(e.0 >> shift & 0xFF) as usize];
            other[*slot] = *e;
            *slot += 1;
        }
        std::mem::swap(entries, &mut other);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::{TypeRef, oid};
    use std::sync::Arc;

    fn numbers(n: u32) -> Vec<i32> {
        let mut x = 12345u32;
        (0..n)
            .map(|_| {
                x = x.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (x >> 8) as i32 % 5000 - 2500
            })
            .collect()
    }

    fn run(work_mem_kb: usize, desc: bool, bound: Option<usize>) -> (Vec<Option<i32>>, bool) {
        let mut cx = ExecContext { temp: Some(Arc::new(crate::disk::Simulated::new(1))), ..ExecContext::default() };
        cx.settings.work_mem_kb = work_mem_kb;
        let spec = vec![KeyColumn { ty: TypeRef::of(oid::INT4), desc, nulls_first: desc }];
        let mut s = Sorter::new(spec, &[Phys::I32], bound, Ties::AsPostgres);
        for part in numbers(20_000).chunks(1000) {
            let mut c = Column::new(Phys::I32);
            part.iter().for_each(|v| c.push(if *v == 7 { Datum::Null } else { Datum::I32(*v) }));
            let payload = Batch { rows: c.len(), columns: vec![c.clone()] };
            s.push(&mut cx, &[&c], &payload).unwrap();
        }
        s.finish(&mut cx).unwrap();
        let mut out = Vec::new();
        while let Some(b) = s.next(None).unwrap() {
            out.extend((0..b.rows).map(|r| match b.columns[0].get(r) {
                Datum::I32(v) => Some(v),
                _ => None,
            }));
        }
        (out, s.spilled)
    }

    /// Bare keys come in order through several levels of merges, and once more when asked for again.
    #[test]
    fn levels_of_runs() {
        let mut cx = ExecContext { temp: Some(Arc::new(crate::disk::Simulated::new(1))), ..ExecContext::default() };
        let mut s = Sorter::of_keys(64 * 1024);
        let mut expected: Vec<[u8; 8]> = numbers(300_000)
            .into_iter()
            .enumerate()
            .map(|(i, n)| (((n + 5000) as u64) << 32 | i as u64).to_be_bytes())
            .collect();
        for key in &expected {
            s.push_key(&mut cx, key).unwrap();
        }
        expected.sort_unstable();
        for _ in 0..2 {
            s.finish(&mut cx).unwrap();
            let State::Merging(merge) = &s.state else { panic!("it did not spill") };
            assert!(merge.runs.len() < 24 && merge.runs[0].level >= 2, "{} runs", merge.runs.len());
            let (mut keys, mut at) = (KeyArena::default(), 0);
            while let Some(batch) = s.next(Some(&mut keys)).unwrap() {
                assert_eq!(batch.rows, keys.len());
                (0..keys.len()).for_each(|r| assert_eq!(keys.get(r), expected[at + r]));
                at += keys.len();
            }
            assert_eq!(at, expected.len());
        }
    }

    /// In memory, spilled and bounded sorts agree with a plain sort, NULLs where the direction puts them.
    #[test]
    fn memory_spill_and_bound_agree() {
        let mut expected: Vec<Option<i32>> = numbers(20_000).into_iter().map(|v| (v != 7).then_some(v)).collect();
        expected.sort_by_key(|v| (v.is_none(), *v));
        assert_eq!(run(4096, false, None), (expected.clone(), false));
        assert_eq!(run(64, false, None), (expected.clone(), true));
        assert_eq!(run(4096, false, Some(10)).0, expected[..10]);
        expected.reverse();
        assert_eq!(run(64, true, None), (expected.clone(), true));
        assert_eq!(run(4096, true, Some(3000)).0, expected[..3000]);
    }
}
