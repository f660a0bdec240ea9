//! Merge join: both sides sorted, equal keys meet as groups.

use super::keys::KeyArena;
use super::output::forms_of;
use super::pairs::{Chunk, Joiner, NONE, Pairs};
use super::store::RowStore;
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::eval::Projection;
use crate::sql::plan::{self, JoinKind, Plan};
use crate::types::{BATCH_BYTES, BATCH_ROWS, Batch, Column, TypeRef};
use std::cmp::Ordering;

/// One sorted input.
struct Side {
    node: Box<dyn Node>,
    exprs: Projection,
    types: Vec<TypeRef>,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    keys: KeyArena,
    nulls: Vec<bool>,
    keyed: bool,
    row: usize,
    done: bool,
    /// The rows of the run being joined.
    rows: RowStore,
}

impl Side {
    fn start(plan: &Plan, keys: &[crate::sql::expr::Expr], cx: &mut ExecContext) -> Result<Side> {
        let exprs = Projection::new(keys);
        Ok(Side {
            node: build(plan, cx)?,
            types: exprs.types(),
            exprs,
            batch: None,
            rest: None,
            keys: KeyArena::default(),
            nulls: Vec::new(),
            keyed: false,
            row: 0,
            done: false,
            rows: RowStore::new(&forms_of(&plan.columns)),
        })
    }

    /// Makes sure there is a present row, unless the input is at its end.
    fn ensure(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while !self.done {
            if self.batch.is_none() {
                self.batch = match self.rest.take() {
                    None => self.node.next(cx)?,
                    rest => rest,
                };
                self.keyed = false;
                self.row = 0;
            }
            if self.batch.is_none() {
                self.done = true;
                break;
            }
            if !self.keyed {
                let found = self.exprs.beside(cx, &mut self.batch, &mut self.rest)?;
                let Some((batch, columns)) = found else { continue };
                let refs: Vec<&Column> = columns.iter().map(|c| &**c).collect();
                self.keys.clear();
                self.keys.append_joined(&refs, &self.types, batch.rows);
                self.nulls = (0..batch.rows).map(|r| refs.iter().any(|c| c.is_null(r))).collect();
                self.keyed = true;
            }
            if self.batch.as_ref().is_some_and(|b| self.row < b.rows) {
                break;
            }
            self.batch = None;
        }
        Ok(())
    }

    fn key(&self) -> &[u8] {
        self.keys.get(self.row)
    }

    /// Moves the present row, and those after it in the batch with the same key, into the run; their number.
    fn take_equal(&mut self, key: &[u8]) -> usize {
        let Some(batch) = &self.batch else { return 0 };
        let end = (self.row..batch.rows).find(|r| self.keys.get(*r) != key).unwrap_or(batch.rows);
        let rows: Vec<u32> = (self.row as u32..end as u32).collect();
        self.rows.append_rows(batch, &rows);
        self.row = end;
        rows.len()
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.node.rescan(cx)?;
        self.exprs.reset();
        self.batch = None;
        self.rest = None;
        self.done = false;
        self.rows.clear();
        Ok(())
    }
}

/// What is being done with the present groups.
enum Step {
    /// Looking for the next equal keys.
    Align,
    /// Collecting the rows of this key: first the left ones, then the right ones.
    Group { key: Vec<u8>, left_from: usize, right_from: usize },
    /// Joining the collected run.
    Join,
    /// Right rows of the run without partner, from this one on.
    Unmatched(usize),
}

pub(super) struct MergeJoin {
    left: Side,
    right: Side,
    joiner: Joiner,
    step: Step,
    /// For each left row of the run: its candidates among the right rows.
    candidates: Vec<std::ops::Range<u32>>,
    matched: Vec<bool>,
    right_matched: Vec<bool>,
    /// Right rows of the run without partner, each with the left row before which it comes; those before `passed` came out.
    lonely: Vec<(u32, u32)>,
    passed: usize,
    row: usize,
    next: Option<u32>,
    chunk: Chunk,
    judging: bool,
}

impl MergeJoin {
    pub fn start(j: &plan::MergeJoin, cx: &mut ExecContext) -> Result<MergeJoin> {
        Ok(MergeJoin {
            left: Side::start(&j.left, &j.left_keys, cx)?,
            right: Side::start(&j.right, &j.right_keys, cx)?,
            joiner: Joiner::new(j.kind, &j.left, &j.right, j.condition.as_ref(), j.project.as_deref()),
            step: Step::Align,
            candidates: Vec::new(),
            matched: Vec::new(),
            right_matched: Vec::new(),
            lonely: Vec::new(),
            passed: 0,
            row: 0,
            next: None,
            chunk: Chunk::default(),
            judging: false,
        })
    }

    fn keeps_right(&self) -> bool {
        matches!(self.joiner.kind, JoinKind::Right | JoinKind::Full)
    }

    fn keeps_left(&self) -> bool {
        matches!(self.joiner.kind, JoinKind::Left | JoinKind::Full | JoinKind::Anti)
    }

    /// A left row without candidates joins the run only if it may come out.
    fn lonely_left(&mut self) {
        let keep = self.keeps_left();
        if let (true, Some(batch)) = (keep, &self.left.batch) {
            self.left.rows.append_rows(batch, &[self.left.row as u32]);
            self.candidates.push(0..0);
        }
        self.left.row += 1;
    }

    fn lonely_right(&mut self) {
        let keep = self.keeps_right();
        if let (true, Some(batch)) = (keep, &self.right.batch) {
            self.lonely.push((self.left.rows.len() as u32, self.right.rows.len() as u32));
            self.right.rows.append_rows(batch, &[self.right.row as u32]);
        }
        self.right.row += 1;
    }

    /// Advances to the next equal keys; false: both sides are done, or the run is long enough.
    fn align(&mut self, cx: &mut ExecContext) -> Flow<bool> {
        loop {
            self.left.ensure(cx)?;
            self.right.ensure(cx)?;
            if self.left.rows.len() + self.right.rows.len() >= BATCH_ROWS
                || self.left.rows.bytes() + self.right.rows.bytes() > BATCH_BYTES
            {
                return Ok(false);
            }
            match (self.left.done, self.right.done) {
                (true, true) => return Ok(false),
                (true, false) if self.keeps_right() => self.lonely_right(),
                (false, true) if self.keeps_left() => self.lonely_left(),
                (true, false) | (false, true) => return Ok(false),
                (false, false) if self.left.nulls[self.left.row] => self.lonely_left(),
                (false, false) if self.right.nulls[self.right.row] => self.lonely_right(),
                (false, false) => match self.left.key().cmp(self.right.key()) {
                    Ordering::Less => self.lonely_left(),
                    Ordering::Greater => self.lonely_right(),
                    Ordering::Equal => return Ok(true),
                },
            }
        }
    }

    /// Collects all rows with the present key; state is in the run, so a repetition goes on.
    fn group(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Step::Group { key, left_from, right_from } = &self.step else { return Ok(()) };
        loop {
            self.left.ensure(cx)?;
            if self.left.done || self.left.key() != key.as_slice() || self.left.take_equal(key) == 0 {
                break;
            }
        }
        loop {
            self.right.ensure(cx)?;
            if self.right.done || self.right.key() != key.as_slice() || self.right.take_equal(key) == 0 {
                break;
            }
        }
        let range = *right_from as u32..self.right.rows.len() as u32;
        self.candidates.extend((*left_from..self.left.rows.len()).map(|_| range.clone()));
        Ok(())
    }

    fn collect(&mut self) {
        let chunk = &mut self.chunk;
        chunk.pairs.clear();
        chunk.from = self.row;
        let one = self.joiner.first_decides();
        while self.row < self.candidates.len() && chunk.pairs.len() + (self.row - chunk.from) < BATCH_ROWS {
            let range = &self.candidates[self.row];
            let mut at = self.next.take().unwrap_or(range.start);
            while at < range.end && chunk.pairs.len() < BATCH_ROWS {
                chunk.pairs.push(self.row as u32, at);
                at = if one { range.end } else { at + 1 };
            }
            if at < range.end {
                self.next = Some(at);
                break;
            }
            self.row += 1;
        }
        chunk.to = self.row;
        chunk.lonely.clear();
        let is_out = |r: u32| self.right_matched.get(r as usize) == Some(&true);
        self.passed += self.lonely[self.passed..].iter().take_while(|(_, r)| is_out(*r)).count();
        let waiting = self.lonely[self.passed..].iter().take_while(|(before, _)| *before as usize <= chunk.to);
        chunk.lonely.extend(waiting);
        self.judging = true;
    }

    fn join(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.judging {
            self.collect();
        }
        let out = self.joiner.finish_chunk(
            cx,
            self.left.rows.columns(),
            self.right.rows.columns(),
            &self.chunk,
            &mut self.matched,
            &mut self.right_matched,
        )?;
        self.judging = false;
        Ok(out)
    }

    fn unmatched(&mut self, cx: &mut ExecContext, from: usize) -> Flow<Option<Batch>> {
        let mut pairs = Pairs::default();
        let mut at = from;
        while at < self.right_matched.len() && pairs.len() < BATCH_ROWS {
            if !self.right_matched[at] {
                pairs.push(NONE, at as u32);
            }
            at += 1;
        }
        if pairs.len() == 0 {
            self.clear_run();
            return Ok(None);
        }
        let out = self.joiner.unmatched(cx, &[], self.right.rows.columns(), &pairs)?;
        self.step = Step::Unmatched(at);
        Ok(Some(out))
    }

    fn clear_run(&mut self) {
        self.left.rows.clear();
        self.right.rows.clear();
        self.candidates.clear();
        self.lonely.clear();
        self.passed = 0;
        self.row = 0;
        self.next = None;
        self.step = Step::Align;
    }
}

impl Node for MergeJoin {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if let Some(batch) = self.joiner.more(cx)? {
            return Ok(Some(batch));
        }
        loop {
            match &self.step {
                Step::Align => {
                    if self.align(cx)? {
                        let (left_from, right_from) = (self.left.rows.len(), self.right.rows.len());
                        self.step = Step::Group { key: self.left.key().to_vec(), left_from, right_from };
                        continue;
                    }
                    if self.left.rows.is_empty() && self.right.rows.is_empty() {
                        return Ok(None);
                    }
                    self.left.rows.finish();
                    self.right.rows.finish();
                    self.matched = vec![false; self.left.rows.len()];
                    self.right_matched = vec![false; if self.keeps_right() { self.right.rows.len() } else { 0 }];
                    self.step = Step::Join;
                }
                Step::Group { .. } => {
                    self.group(cx)?;
                    self.step = Step::Align;
                }
                Step::Join => {
                    if self.row >= self.candidates.len() && !self.judging {
                        self.step = Step::Unmatched(0);
                        continue;
                    }
                    if let Some(out) = self.join(cx)? {
                        return Ok(Some(out));
                    }
                }
                Step::Unmatched(from) => {
                    let from = *from;
                    if let Some(out) = self.unmatched(cx, from)? {
                        return Ok(Some(out));
                    }
                }
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        self.right.rescan(cx)?;
        self.joiner.reset();
        self.judging = false;
        self.clear_run();
        Ok(())
    }
}
