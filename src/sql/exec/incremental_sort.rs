//! Sort of an input whose rows come in the order of the leading keys: what agrees in them is sorted and given out
//! before the next is read. PostgreSQL 15, nodeIncrementalSort.c: same idea, over batches.

use super::keys::{KeyArena, KeyColumn};
use super::output::forms_of;
use super::sort::{key_columns, key_exprs};
use super::sorter::{Part, Sorter, Ties};
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::eval::{Projection, Single};
use crate::sql::expr::{Expr, SortKey};
use crate::sql::plan::Plan;
use crate::types::{Batch, Column, Phys, Value};

pub(super) struct IncrementalSort {
    input: Box<dyn Node>,
    keys: Projection,
    spec: Vec<KeyColumn>,
    presorted: usize,
    forms: Vec<Phys>,
    bound: Option<Single>,
    bound_value: Option<Value>,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    /// Rows that belong together in the leading keys, and those before them, until they are given out.
    sorter: Option<Sorter>,
    /// The leading keys of the last row in the sorter.
    last: Option<Vec<u8>>,
    /// The sorter's rows are being given out; those in `batch` come after them.
    giving: bool,
    done: bool,
    given: usize,
    census: Census,
}

impl IncrementalSort {
    pub fn start(
        input: &Plan,
        keys: &[SortKey],
        presorted: usize,
        bound: Option<&Expr>,
        cx: &mut ExecContext,
    ) -> Result<IncrementalSort> {
        Ok(IncrementalSort {
            keys: Projection::new(&key_exprs(keys)),
            spec: key_columns(keys),
            presorted,
            forms: forms_of(&input.columns),
            bound: bound.map(Single::new),
            bound_value: None,
            batch: None,
            rest: None,
            sorter: None,
            last: None,
            giving: false,
            done: false,
            given: 0,
            census: Census::default(),
            input: build(input, cx)?,
        })
    }

    /// How many more rows LIMIT wants; NULL and negative numbers are its own to judge.
    fn left(&mut self, cx: &mut ExecContext) -> Flow<Option<usize>> {
        let Some(b) = &mut self.bound else { return Ok(None) };
        if self.bound_value.is_none() {
            self.bound_value = Some(b.run(cx)?);
        }
        Ok(match self.bound_value {
            Some(Value::I64(n)) => {
                let all = usize::try_from(n).ok().filter(|n| *n < 1_000_000);
                all.map(|n| n.saturating_sub(self.given))
            }
            _ => None,
        })
    }

    /// Reads until rows with other leading keys come, or none.
    fn fill(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let left = self.left(cx)?;
        while !self.giving {
            if self.batch.is_none() {
                self.batch = match self.rest.take() {
                    None => self.input.next(cx)?,
                    rest => rest,
                };
            }
            let Some((batch, keys)) = self.keys.beside(cx, &mut self.batch, &mut self.rest)? else {
                self.done = true;
                self.giving = true;
                break;
            };
            let refs: Vec<&Column> = keys.iter().map(|c| &**c).collect();
            // Nothing from here on waits.
            let rows = batch.rows;
            let mut leading = KeyArena::default();
            leading.append_rows(&refs[..self.presorted], &self.spec[..self.presorted], rows);
            let before = |r: usize| if r == 0 { self.last.as_deref() } else { Some(leading.get(r - 1)) };
            let is_new = |r: usize| before(r).is_some_and(|k| k != leading.get(r));
            let bound = self.bound_value.as_ref();
            let mut ahead = self.census.group;
            let end = (0..rows).filter(|r| ahead.row(is_new(*r), bound)).last().unwrap_or(rows);
            (0..end).for_each(|r| self.census.row(is_new(r), bound));
            if end > 0 {
                let sorter =
                    self.sorter.get_or_insert_with(|| Sorter::new(self.spec.clone(), &self.forms, left, Ties::InParts));
                if end == rows {
                    sorter.push(cx, &refs, batch)?;
                } else {
                    let part: Vec<Column> = refs.iter().map(|c| c.slice(0..end)).collect();
                    sorter.push(cx, &part.iter().collect::<Vec<_>>(), &batch.slice(0..end))?;
                }
                self.last = Some(leading.get(end - 1).to_vec());
            }
            let left = (end < rows).then(|| batch.slice(end..rows));
            drop(keys);
            self.batch = left;
            self.giving = end < rows;
        }
        if let Some(s) = &mut self.sorter {
            self.census.end_group(self.bound_value.as_ref());
            s.finish_parts(cx, &std::mem::take(&mut self.census.parts))?;
        }
        Ok(())
    }
}

impl Node for IncrementalSort {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if !self.giving {
                self.fill(cx)?;
            }
            cx.poll()?;
            if let Some(s) = &mut self.sorter {
                if let Some(batch) = s.next(None)? {
                    self.given += batch.rows;
                    return Ok(Some(batch));
                }
                self.census.sorted(s, self.bound.is_some());
                self.sorter = None;
            }
            if self.done {
                return Ok(None);
            }
            self.giving = false;
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.keys.reset();
        self.bound_value = None;
        self.batch = None;
        self.rest = None;
        self.sorter = None;
        self.last = None;
        self.giving = false;
        self.done = false;
        self.given = 0;
        self.census.ended();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        let mut census = self.census.clone();
        if let Some(s) = &self.sorter {
            census.sorted(s, self.bound.is_some());
        }
        census.end_group(self.bound_value.as_ref());
        stats.notes = census.notes();
    }
}

/// PostgreSQL 15 sorts at least so many rows at once by all keys, and past the second number goes on by the others
/// alone (nodeIncrementalSort.c, DEFAULT_MIN_GROUP_SIZE and DEFAULT_MAX_FULL_SORT_GROUP_SIZE).
const LEAST: usize = 32;
const MOST: usize = 64;

/// Rows PostgreSQL would sort at once.
#[derive(Clone, Copy, Default)]
struct Group {
    rows: usize,
    /// How many of them come before those that agree with the last one in the leading keys.
    before_last: usize,
    /// How often the leading keys changed.
    changes: u64,
    /// The last ones are sorted by the other keys alone.
    prefix: bool,
    /// Rows of the groups before it.
    complete: usize,
}

impl Group {
    /// How many rows LIMIT wants from here on.
    fn left(&self, bound: Option<&Value>) -> Option<usize> {
        match bound {
            Some(Value::I64(n)) => usize::try_from(*n).ok().map(|n| n.saturating_sub(self.complete)),
            _ => None,
        }
    }

    /// LIMIT has its rows.
    fn enough(&self, bound: Option<&Value>) -> bool {
        self.left(bound) == Some(0)
    }

    /// Another row; true: it begins another group.
    fn row(&mut self, is_new: bool, bound: Option<&Value>) -> bool {
        if self.enough(bound) {
            return false;
        }
        let least = self.left(bound).map_or(LEAST, |left| left.min(LEAST));
        if is_new && self.rows > 0 && (self.prefix || self.rows >= least) {
            *self = Group { rows: 1, complete: self.complete + self.rows, ..Group::default() };
            return true;
        }
        if is_new && self.rows > 0 {
            self.changes += 1;
            self.before_last = self.rows;
        }
        self.rows += 1;
        self.prefix |= self.rows > MOST;
        false
    }

    /// The sorts of a complete group that begins at this row of the sorter.
    fn parts(&self, at: usize, bound: Option<&Value>, parts: &mut Vec<Part>) {
        let left = self.left(bound);
        let few = left.filter(|left| *left < LEAST);
        if !self.prefix {
            return parts.push((at..at + self.rows, few));
        }
        parts.push((at..at + MOST + 1, few));
        let gone = few.map_or(0, |few| MOST + 1 - few);
        let others = at + self.before_last..at + self.rows - gone;
        parts.push((others, left.map(|left| left.saturating_sub(self.before_last))));
    }
}

/// The groups PostgreSQL would have sorted: for ties, and for EXPLAIN ANALYZE.
#[derive(Clone, Default)]
struct Census {
    group: Group,
    /// Rows in the sorter that belong to earlier groups, and how those are sorted.
    rows: usize,
    parts: Vec<Part>,
    full: u64,
    by_prefix: u64,
    sorts: u64,
    memory: usize,
    peak: usize,
    disk: u64,
    bounded: bool,
}

impl Census {
    fn row(&mut self, is_new: bool, bound: Option<&Value>) {
        let before = self.group;
        if self.group.row(is_new, bound) {
            self.count(before, bound);
        }
    }

    /// The rows in the sorter are complete.
    fn end_group(&mut self, bound: Option<&Value>) {
        let group = self.group;
        self.count(group, bound);
        self.group = Group { complete: group.complete + group.rows, ..Group::default() };
        self.rows = 0;
    }

    fn count(&mut self, group: Group, bound: Option<&Value>) {
        match group.prefix {
            true => {
                self.full += 1;
                self.by_prefix += group.changes + 1;
            }
            false => self.full += u64::from(group.rows > 0),
        }
        if group.rows > 0 {
            group.parts(self.rows, bound, &mut self.parts);
        }
        self.rows += group.rows;
    }

    /// Another scan begins.
    fn ended(&mut self) {
        self.group = Group::default();
        self.parts.clear();
        self.rows = 0;
    }

    fn sorted(&mut self, sorter: &Sorter, bounded: bool) {
        self.sorts += 1;
        self.memory += sorter.peak;
        self.peak = self.peak.max(sorter.peak);
        self.disk += sorter.disk_bytes();
        self.bounded |= bounded;
    }

    fn notes(&self) -> Vec<String> {
        let kb = |n: u64| n.div_ceil(1024);
        let average = |n: u64| kb(n / self.sorts.max(1));
        let method = match (self.disk > 0, self.bounded) {
            (true, _) => "external merge",
            (_, true) => "top-N heapsort",
            _ => "quicksort",
        };
        let space = match self.disk {
            0 => format!("Average Memory: {}kB  Peak Memory: {}kB", average(self.memory as u64), kb(self.peak as u64)),
            disk => format!("Average Disk: {}kB  Peak Disk: {}kB", average(disk), kb(disk)),
        };
        let line =
            |(word, n): (&str, u64)| (n > 0).then(|| format!("{word} Groups: {n}  Sort Method: {method}  {space}"));
        [("Full-sort", self.full), ("Pre-sorted", self.by_prefix)].into_iter().filter_map(line).collect()
    }
}
