//! Hash join: the right side in a table, the left side probes it. Too large a right side is split, with the left side,
//! into partitions on disk that are joined one after the other (DeWitt et al., 1984).

use super::deps::Versions;
use super::keys::{EqualKeys, KeyForm, forms};
use super::output::forms_of;
use super::pairs::{ChainTable, Chunk, Joiner, NONE, Pairs};
use super::row_order::Buckets;
use super::spill::{Cursor, TempFile};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Flow, Result};
use crate::sql::expr::eval::Projection;
use crate::sql::plan::{self, JoinKind};
use crate::types::{BATCH_ROWS, Batch, Column, Phys, TypeRef};

/// Partitions made at once, and how often a partition may be split again: equal keys cannot be split.
const FAN_OUT: usize = 32;
const FAN_BITS: u32 = 5;
const MAX_LEVEL: u32 = 4;
/// So few rows are kept however long they are: parting them costs more than it gains.
const LEAST_SPLIT: usize = 8;

/// Where rows of one side come from.
enum Source {
    /// The plan's own input.
    Input,
    File(TempFile, Cursor),
}

/// A pair of partitions still to be joined.
struct Task {
    left: TempFile,
    right: TempFile,
    level: u32,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Phase {
    Build,
    /// The right side did not fit: the left side is being split, too.
    Split,
    Probe,
    /// Right rows without partner, from this one on.
    Unmatched(usize),
    Done,
}

/// A batch of left rows on its way through the table.
struct Probe {
    batch: Batch,
    keys: EqualKeys,
    /// The row whose candidates are being collected, and the next candidate + 1 (None: not looked up yet).
    row: usize,
    candidate: Option<u32>,
    matched: Vec<bool>,
    /// The chunk is collected and waits to be judged.
    judging: bool,
}

pub(super) struct HashJoin {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    left_keys: Projection,
    right_keys: Projection,
    left_types: Vec<TypeRef>,
    right_types: Vec<TypeRef>,
    forms: Vec<KeyForm>,
    right_forms: Vec<Phys>,
    joiner: Joiner,
    null_aware: bool,
    phase: Phase,
    left_source: Source,
    right_source: Source,
    level: u32,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    claimed: Claimed,
    rows: RowStore,
    keys: EqualKeys,
    table: ChainTable,
    right_matched: Vec<bool>,
    right_null: bool,
    right_rows: usize,
    /// Where right rows without partner may come out: where PostgreSQL's table would have them.
    buckets: Option<Buckets>,
    /// The right rows in that order, once they are wanted.
    walk: Option<Vec<u32>>,
    splits: Option<(Vec<TempFile>, Vec<TempFile>)>,
    tasks: Vec<Task>,
    probe: Option<Probe>,
    chunk: Chunk,
    versions: Versions,
    /// The table holds the whole right side: a rescan may keep it.
    whole: bool,
}

/// The partition a hash belongs to at a level of splitting.
fn partition(hash: u64, level: u32) -> usize {
    (hash >> (64 - FAN_BITS * (level + 1)) & (FAN_OUT as u64 - 1)) as usize
}

impl HashJoin {
    pub fn start(j: &plan::HashJoin, cx: &mut ExecContext) -> Result<HashJoin> {
        let left_keys = Projection::new(&j.left_keys);
        let right_keys = Projection::new(&j.right_keys);
        let right_forms = forms_of(&j.right.columns);
        let (left_types, right_types) = (left_keys.types(), right_keys.types());
        let forms = forms(&right_types);
        let keeps_right = matches!(j.kind, JoinKind::Right | JoinKind::Full);
        let memory = cx.settings.hash_mem();
        Ok(HashJoin {
            left: build(&j.left, cx)?,
            right: build(&j.right, cx)?,
            left_keys,
            right_keys,
            left_types,
            right_types,
            rows: RowStore::new(&right_forms),
            right_forms,
            keys: EqualKeys::new(&forms),
            forms,
            joiner: Joiner::new(j.kind, &j.left, &j.right, j.condition.as_ref(), j.project.as_deref()),
            null_aware: j.null_aware,
            phase: Phase::Build,
            left_source: Source::Input,
            right_source: Source::Input,
            level: 0,
            batch: None,
            rest: None,
            claimed: Claimed::default(),
            table: ChainTable::default(),
            right_matched: Vec::new(),
            right_null: false,
            right_rows: 0,
            buckets: keeps_right.then(|| Buckets::new(j.right.cost.rows, j.right.cost.width as usize, memory)),
            walk: None,
            splits: None,
            tasks: Vec::new(),
            probe: None,
            chunk: Chunk::default(),
            versions: Versions::of_plan(&j.right),
            whole: false,
        })
    }

    /// Right rows without partner come out, too.
    fn keeps_right(&self) -> bool {
        matches!(self.joiner.kind, JoinKind::Right | JoinKind::Full)
    }

    fn memory(&self) -> usize {
        self.rows.bytes() + self.keys.memory() + ChainTable::memory(self.rows.len())
    }

    fn build(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if self.batch.is_none() {
                self.batch = match (self.rest.take(), &mut self.right_source) {
                    (None, Source::Input) => self.right.next(cx)?,
                    (None, Source::File(f, cursor)) => f.read(cursor)?,
                    (rest, _) => rest,
                };
            }
            let found = self.right_keys.beside(cx, &mut self.batch, &mut self.rest)?;
            let Some((batch, columns)) = found else { break };
            let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
            let before = self.keys.len();
            self.keys.extend(&refs, &self.right_types, batch.rows)?;
            if let Some(buckets) = &mut self.buckets {
                buckets.add(&refs, &self.right_types, batch.rows);
            }
            drop(columns);
            let Some(batch) = &self.batch else { break };
            self.right_rows += batch.rows;
            self.right_null |= (before..self.keys.len()).any(|r| self.keys.is_null(r));
            if self.splits.is_some() {
                self.split_right(cx)?;
            } else {
                self.rows.append(batch);
                let memory = self.memory();
                self.claimed.grown(memory, "HashBatchContext")?;
                if memory > cx.settings.hash_mem() && self.level < MAX_LEVEL && self.rows.len() >= LEAST_SPLIT {
                    self.begin_split(cx)?;
                }
            }
            self.batch = None;
        }
        if let Some((_, right)) = &mut self.splits {
            right.iter_mut().try_for_each(|f| f.flush(cx))?;
            self.phase = Phase::Split;
            return Ok(());
        }
        self.whole = matches!(self.right_source, Source::Input);
        if self.whole {
            self.versions.remember(cx);
        }
        self.rows.finish();
        self.table = ChainTable::build(&self.keys);
        self.right_matched = vec![false; if self.keeps_right() { self.rows.len() } else { 0 }];
        self.phase = Phase::Probe;
        Ok(())
    }

    /// Moves what was collected into partitions.
    fn begin_split(&mut self, cx: &mut ExecContext) -> Result<()> {
        let files = |cx: &ExecContext| (0..FAN_OUT).map(|_| TempFile::create(cx)).collect::<Result<Vec<_>>>();
        let mut right = files(cx)?;
        let left = files(cx)?;
        let hash = |r: usize| partition(self.keys.same_hash(r), self.level);
        let mut parts: Vec<Vec<u32>> = vec![Vec::new(); FAN_OUT];
        (0..self.rows.len()).for_each(|r| parts[hash(r)].push(r as u32));
        for (part, file) in parts.iter().zip(&mut right) {
            for rows in part.chunks(BATCH_ROWS) {
                file.write(cx, &self.rows.gather(rows))?;
            }
        }
        self.rows.clear();
        self.keys.clear();
        self.splits = Some((left, right));
        Ok(())
    }

    /// The batch's rows go to their partitions; `keys` holds their keys.
    fn split_right(&mut self, cx: &mut ExecContext) -> Result<()> {
        if let (Some((_, right)), Some(batch)) = (&mut self.splits, &self.batch) {
            scatter(cx, batch, &self.keys, self.level, right)?;
        }
        self.keys.clear();
        Ok(())
    }

    fn next_left(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        match (self.rest.take(), &mut self.left_source) {
            (None, Source::Input) => self.left.next(cx),
            (None, Source::File(f, cursor)) => Ok(f.read(cursor)?),
            (rest, _) => Ok(rest),
        }
    }

    fn split_left(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if self.batch.is_none() {
                self.batch = self.next_left(cx)?;
            }
            let found = self.left_keys.beside(cx, &mut self.batch, &mut self.rest)?;
            let Some((batch, columns)) = found else { break };
            let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
            let mut keys = EqualKeys::new(&self.forms);
            keys.extend(&refs, &self.left_types, batch.rows)?;
            drop(columns);
            if let (Some((left, _)), Some(batch)) = (&mut self.splits, &self.batch) {
                scatter(cx, batch, &keys, self.level, left)?;
            }
            self.batch = None;
        }
        let Some((left, right)) = self.splits.take() else { return Ok(()) };
        for (mut l, r) in left.into_iter().zip(right) {
            l.flush(cx)?;
            if l.rows > 0 || r.rows > 0 {
                self.tasks.push(Task { left: l, right: r, level: self.level + 1 });
            }
        }
        self.next_task();
        Ok(())
    }

    fn next_task(&mut self) {
        self.rows.clear();
        self.keys.clear();
        self.table = ChainTable::default();
        self.right_matched.clear();
        match self.tasks.pop() {
            None => self.phase = Phase::Done,
            Some(t) => {
                self.level = t.level;
                self.left_source = Source::File(t.left, Cursor::default());
                self.right_source = Source::File(t.right, Cursor::default());
                self.phase = Phase::Build;
            }
        }
    }

    /// Fetches a left batch and its keys; false at the end.
    fn fetch_probe(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        if self.batch.is_none() {
            self.batch = self.next_left(cx)?;
        }
        let found = self.left_keys.beside(cx, &mut self.batch, &mut self.rest)?;
        let Some((batch, columns)) = found else { return Ok(false) };
        let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
        let mut keys = EqualKeys::new(&self.forms);
        keys.extend(&refs, &self.left_types, batch.rows)?;
        drop(columns);
        let Some(batch) = self.batch.take() else { return Ok(false) };
        let mut matched = vec![false; batch.rows];
        if self.null_aware && self.right_rows > 0 {
            // NOT IN: a NULL is in no non-empty list, and not outside either.
            matched.iter_mut().enumerate().for_each(|(r, m)| *m = keys.is_null(r));
        }
        self.probe = Some(Probe { batch, keys, row: 0, candidate: None, matched, judging: false });
        self.chunk = Chunk::default();
        Ok(true)
    }

    /// Collects candidates until the chunk is full or the batch at its end.
    fn collect(&mut self) {
        let Some(p) = &mut self.probe else { return };
        let chunk = &mut self.chunk;
        chunk.pairs.clear();
        chunk.from = p.row;
        let one = self.joiner.first_decides();
        let rows = p.batch.rows;
        if let (EqualKeys::Int { values: asked, nulls: None }, EqualKeys::Int { values: have, .. }) =
            (&p.keys, &self.keys)
        {
            // The common case without a branch on the keys' shape per row.
            while p.row < rows && chunk.pairs.len() + (p.row - chunk.from) < BATCH_ROWS {
                let key = asked[p.row];
                let mut c = match p.candidate.take() {
                    Some(c) => c,
                    None => self.table.first(super::keys::hash_int(key)),
                };
                while c != 0 {
                    if have[c as usize - 1] == key {
                        chunk.pairs.push(p.row as u32, c - 1);
                        if one {
                            break;
                        }
                    }
                    c = self.table.after(c);
                    if chunk.pairs.len() >= BATCH_ROWS {
                        break;
                    }
                }
                if c != 0 && !one {
                    p.candidate = Some(c);
                    break;
                }
                p.row += 1;
            }
        } else {
            while p.row < rows && chunk.pairs.len() + (p.row - chunk.from) < BATCH_ROWS {
                let mut c = match p.candidate.take() {
                    Some(c) => c,
                    None if p.keys.is_null(p.row) => 0,
                    None => self.table.first(p.keys.hash(p.row)),
                };
                while c != 0 {
                    if p.keys.equals(p.row, &self.keys, c as usize - 1) {
                        chunk.pairs.push(p.row as u32, c - 1);
                        if one {
                            break;
                        }
                    }
                    c = self.table.after(c);
                    if chunk.pairs.len() >= BATCH_ROWS {
                        break;
                    }
                }
                if c != 0 && !one {
                    p.candidate = Some(c);
                    break;
                }
                p.row += 1;
            }
        }
        chunk.to = p.row;
        p.judging = true;
    }

    fn probe(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.probe.is_none() && !self.fetch_probe(cx)? {
                self.phase = if self.keeps_right() { Phase::Unmatched(0) } else { Phase::Done };
                return Ok(None);
            }
            if self.probe.as_ref().is_some_and(|p| !p.judging) {
                self.collect();
            }
            let Some(p) = &mut self.probe else { continue };
            let out = self.joiner.finish_chunk(
                cx,
                &p.batch.columns,
                self.rows.columns(),
                &self.chunk,
                &mut p.matched,
                &mut self.right_matched,
            )?;
            p.judging = false;
            if p.row == p.batch.rows {
                self.probe = None;
            }
            if let Some(out) = out {
                return Ok(Some(out));
            }
        }
    }

    fn unmatched(&mut self, cx: &mut ExecContext, from: usize) -> Flow<Option<Batch>> {
        if let (None, Some(buckets), true) = (&self.walk, &self.buckets, self.whole) {
            self.walk = buckets.walk();
        }
        let walk = self.walk.as_deref();
        let mut pairs = Pairs::default();
        let mut at = from;
        while at < self.right_matched.len() && pairs.len() < BATCH_ROWS {
            let row = walk.map_or(at, |walk| walk[at] as usize);
            if !self.right_matched[row] {
                pairs.push(NONE, row as u32);
            }
            at += 1;
        }
        if pairs.len() == 0 {
            self.phase = Phase::Done;
            return Ok(None);
        }
        let out = self.joiner.unmatched(cx, &[], self.rows.columns(), &pairs)?;
        self.phase = Phase::Unmatched(at);
        Ok(Some(out))
    }
}

/// Rows to the files of their partitions.
fn scatter(cx: &mut ExecContext, batch: &Batch, keys: &EqualKeys, level: u32, files: &mut [TempFile]) -> Result<()> {
    let mut parts: Vec<Vec<u32>> = vec![Vec::new(); FAN_OUT];
    (0..batch.rows).for_each(|r| parts[partition(keys.same_hash(r), level)].push(r as u32));
    for (rows, file) in parts.iter().zip(files).filter(|(rows, _)| !rows.is_empty()) {
        let columns = batch.columns.iter().map(|c| c.gather_rows(rows)).collect();
        file.write(cx, &Batch { columns, rows: rows.len() })?;
    }
    Ok(())
}

impl Node for HashJoin {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some(batch) = self.joiner.more(cx)? {
            return Ok(Some(batch));
        }
        loop {
            match self.phase {
                Phase::Build => {
                    self.build(cx)?;
                    let empty_right = self.right_rows == 0;
                    let nothing = empty_right && matches!(self.joiner.kind, JoinKind::Inner | JoinKind::Semi);
                    if nothing || (self.null_aware && self.right_null) {
                        self.tasks.clear();
                        self.splits = None;
                        self.phase = Phase::Done;
                    }
                }
                Phase::Split => self.split_left(cx)?,
                Phase::Probe => {
                    if let Some(out) = self.probe(cx)? {
                        return Ok(Some(out));
                    }
                }
                Phase::Unmatched(from) => {
                    if let Some(out) = self.unmatched(cx, from)? {
                        return Ok(Some(out));
                    }
                }
                Phase::Done => {
                    if self.tasks.is_empty() {
                        return Ok(None);
                    }
                    self.next_task();
                }
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        self.joiner.reset();
        self.left_keys.reset();
        self.batch = None;
        self.rest = None;
        self.probe = None;
        self.left_source = Source::Input;
        if self.whole && self.versions.unchanged(cx) {
            self.right_matched.fill(false);
            self.phase = Phase::Probe;
            if self.null_aware && self.right_null {
                self.phase = Phase::Done;
            }
            return Ok(());
        }
        self.right.rescan(cx)?;
        self.right_keys.reset();
        self.walk = None;
        if let Some(buckets) = &mut self.buckets {
            buckets.clear();
        }
        self.right_source = Source::Input;
        self.level = 0;
        self.rows = RowStore::new(&self.right_forms);
        self.keys.clear();
        self.right_null = false;
        self.right_rows = 0;
        self.splits = None;
        self.tasks.clear();
        self.whole = false;
        self.phase = Phase::Build;
        Ok(())
    }
}
