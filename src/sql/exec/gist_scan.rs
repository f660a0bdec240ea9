//! Rows by a GiST index, as they come, or nearest first. What the index cannot tell is asked of the rows; where rows are
//! wanted in order, each waits until none that is nearer can come.

use super::output::Output;
use super::seq_scan::store_of;
use super::{ExecContext, Node};
use crate::base::{Flow, Result};
use crate::catalog::Index;
use crate::gist::{Code, Condition, Found, IS_NOT_NULL, IS_NULL, Scan, compare_distances};
use crate::heap::HeapFetch;
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Predicate, Projection, Sel};
use crate::sql::plan::{self, Search, SearchCondition};
use crate::storage::Storage;
use crate::types::datetime::Interval;
use crate::types::{BATCH_ROWS, Batch, Datum, TypeRef, float, oid};
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The first batch is small: a LIMIT may want no more.
const FIRST_BATCH: usize = 16;
/// Pages of the index read between two looks at the clock.
const STEP: usize = 64;

/// What is asked of an index, with values.
pub(super) struct Questions {
    values: Projection,
    conditions: Vec<(usize, i16, TypeRef)>,
    orders: Vec<(usize, i16, TypeRef)>,
}

impl Questions {
    pub fn new(conditions: &[SearchCondition], orders: &[SearchCondition]) -> Questions {
        let exprs: Vec<Expr> = conditions.iter().chain(orders).map(|c| c.value.clone()).collect();
        let of = |c: &SearchCondition| match c.strategy {
            Search::Gist(strategy) => Some((c.column, strategy, c.value.ty)),
            _ => None,
        };
        Questions {
            values: Projection::new(&exprs),
            conditions: conditions.iter().filter_map(of).collect(),
            orders: orders.iter().filter_map(of).collect(),
        }
    }

    pub fn reset(&mut self) {
        self.values.reset();
    }

    /// The search for the values of now; None: nothing fulfils a condition with NULL.
    pub fn scan(&mut self, cx: &mut ExecContext, index: &Index) -> Flow<Option<Scan>> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        cx.backend()?.stats.count_scan(index.oid);
        let (asked, near) = values.split_at(self.conditions.len());
        let mut conditions = Vec::with_capacity(asked.len());
        for ((column, strategy, ty), value) in self.conditions.iter().zip(asked) {
            conditions.push((
                *column,
                match *strategy {
                    IS_NULL => Condition::IsNull,
                    IS_NOT_NULL => Condition::IsNotNull,
                    _ if value.is_null(0) => return Ok(None),
                    strategy => {
                        let c = &index.gist[*column];
                        let threshold = threshold(cx, c.family.code, strategy)?;
                        Condition::Query(c.class.query(strategy, value.get(0), *ty, threshold)?)
                    }
                },
            ));
        }
        let mut orders = Vec::with_capacity(near.len());
        for ((column, strategy, ty), value) in self.orders.iter().zip(near) {
            let query = match value.get(0) {
                Datum::Null => None,
                value => Some(index.gist[*column].class.query(*strategy, value, *ty, 0.0)?),
            };
            orders.push((*column, query));
        }
        Ok(Some(Scan::new(index.tree(), conditions, orders)))
    }
}

/// What the session's settings say of an operator.
fn threshold(cx: &ExecContext, code: Code, strategy: i16) -> Result<f64> {
    let (name, usual) = match (code, strategy) {
        (Code::Trigram, 1) => ("pg_trgm.similarity_threshold", 0.3),
        (Code::Trigram, 7) => ("pg_trgm.word_similarity_threshold", 0.6),
        (Code::Trigram, 9) => ("pg_trgm.strict_word_similarity_threshold", 0.5),
        _ => return Ok(0.0),
    };
    // A value that is none is told of where the rows are asked.
    Ok(cx.fx.session.setting(name).map_or(usual, |text| float::parse_f64(&text).unwrap_or(0.0)))
}

/// A row whose turn comes when nothing nearer can.
struct Waiting {
    distances: Vec<f64>,
    turn: u64,
    row: Batch,
}

impl Ord for Waiting {
    /// The greatest goes first: the nearest.
    fn cmp(&self, other: &Waiting) -> std::cmp::Ordering {
        compare_distances(&other.distances, &self.distances).then(other.turn.cmp(&self.turn))
    }
}

impl PartialOrd for Waiting {
    fn partial_cmp(&self, other: &Waiting) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Waiting {
    fn eq(&self, other: &Waiting) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Waiting {}

pub(super) struct GistScan {
    storage: Arc<Storage>,
    index: Arc<Index>,
    fetch: HeapFetch,
    questions: Questions,
    scan: Option<Scan>,
    /// Nothing more comes from the index.
    done: bool,
    recheck: Option<Predicate>,
    removed: u64,
    distances: Option<(Projection, Vec<TypeRef>)>,
    /// Rows fetched whose conditions are still to be asked.
    fetched: Option<(Batch, Vec<Found>)>,
    /// Rows that fulfil them, and whose distances are still to be computed.
    passed: Option<Batch>,
    waiting: BinaryHeap<Waiting>,
    turn: u64,
    batch_rows: usize,
    output: Output,
}

impl GistScan {
    pub fn start(s: &plan::GistScan, lazy: bool, cx: &mut ExecContext) -> Result<GistScan> {
        let types = s.distances.iter().map(|e| e.ty).collect();
        Ok(GistScan {
            storage: cx.storage()?,
            index: s.index.clone(),
            fetch: HeapFetch::new(store_of(&s.rel)?, cx.snapshot()?, s.attnos.clone()),
            questions: Questions::new(&s.conditions, &s.orders),
            scan: None,
            done: false,
            recheck: s.recheck.as_ref().map(Predicate::new),
            removed: 0,
            distances: (!s.distances.is_empty()).then(|| (Projection::new(&s.distances), types)),
            fetched: None,
            passed: None,
            waiting: BinaryHeap::new(),
            turn: 0,
            batch_rows: FIRST_BATCH,
            output: Output::new(s.filter.as_ref(), s.project.as_deref()).lazy(lazy),
        })
    }

    /// Rows of the next entries; none at the end.
    fn fetch_some(&mut self, cx: &mut ExecContext) -> Result<()> {
        let Some(scan) = &mut self.scan else { return Ok(()) };
        // In order, one at a time: no more is read than is needed.
        let most = if self.distances.is_some() { 1 } else { self.batch_rows };
        let (mut batch, mut found, mut entries) = (Batch::default(), Vec::new(), 0);
        let mut pages = STEP;
        while batch.rows < most && !batch.is_full() {
            let Some(next) = scan.next(&self.storage, &mut pages)? else { break };
            entries += 1;
            if self.fetch.fetch(&self.storage, next.tid, &mut batch)?.is_some() {
                found.push(next);
            }
        }
        self.done = scan.is_done();
        self.batch_rows = (self.batch_rows * 4).min(BATCH_ROWS);
        let counts = cx.backend()?.stats.table(self.index.oid);
        counts.tuples_returned += entries;
        counts.tuples_fetched += batch.rows as i64;
        if batch.rows > 0 {
            self.fetched = Some((batch, found));
        }
        Ok(())
    }

    /// What is left of the rows fetched after the conditions were asked again.
    fn pass(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let Some((batch, found)) = &self.fetched else { return Ok(()) };
        let mut kept = None;
        if let Some(p) = self.recheck.as_mut().filter(|_| found.iter().any(|f| f.recheck)) {
            kept = p.run(cx, batch)?;
        }
        let Some((mut batch, _)) = self.fetched.take() else { return Ok(()) };
        if let Some(kept) = kept {
            self.removed += (batch.rows - kept.len()) as u64;
            batch = batch.gather(&kept);
        }
        self.passed = (batch.rows > 0).then_some(batch);
        Ok(())
    }

    /// Lets the rows that passed wait for their turn.
    fn measure(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let (Some(batch), Some((exprs, types))) = (&self.passed, &mut self.distances) else { return Ok(()) };
        let values = exprs.run(cx, batch, Sel::All(batch.rows))?;
        let Some(batch) = self.passed.take() else { return Ok(()) };
        for n in 0..batch.rows {
            let distances = values.iter().zip(&*types).map(|(c, ty)| number(c.get(n), *ty)).collect();
            let row = Batch { columns: batch.columns.iter().map(|c| c.gather_rows(&[n as u32])).collect(), rows: 1 };
            self.turn += 1;
            self.waiting.push(Waiting { distances, turn: self.turn, row });
        }
        Ok(())
    }

    /// Rows nearer than all that can still come.
    fn nearest(&mut self) -> Option<Batch> {
        let bound = self.scan.as_ref().and_then(Scan::bound);
        let mut out: Option<Batch> = None;
        while let Some(top) = self.waiting.peek() {
            let waits = bound.is_some_and(|b| compare_distances(&top.distances, b).is_gt());
            if waits || out.as_ref().is_some_and(|b| b.rows >= BATCH_ROWS) {
                break;
            }
            let Some(mut top) = self.waiting.pop() else { break };
            match &mut out {
                None => out = Some(top.row),
                Some(out) => {
                    out.columns.iter_mut().zip(&mut top.row.columns).for_each(|(a, b)| a.append(b));
                    out.rows += 1;
                }
            }
        }
        out
    }
}

/// A distance as a number that compares with those of the index.
fn number(value: Datum<'_>, ty: TypeRef) -> f64 {
    match value {
        Datum::I16(v) => v.into(),
        Datum::I32(v) => v.into(),
        Datum::U32(v) => v.into(),
        Datum::I64(v) => v as f64,
        Datum::F32(v) => v.into(),
        Datum::F64(v) => v,
        Datum::Bytes(b) if ty.oid == oid::INTERVAL => Interval::from_bytes(b).total() as f64,
        _ => f64::NAN,
    }
}

impl Node for GistScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
            if self.fetched.is_some() {
                self.pass(cx)?;
            }
            if self.distances.is_some() {
                self.measure(cx)?;
                if let Some(batch) = self.nearest() {
                    self.output.feed(batch);
                    continue;
                }
            } else if let Some(batch) = self.passed.take() {
                self.output.feed(batch);
                continue;
            }
            if self.done {
                return Ok(None);
            }
            cx.poll()?;
            if self.scan.is_none() {
                let scan = self.questions.scan(cx, &self.index)?;
                self.done = scan.is_none();
                self.scan = scan.map(|s| s.seeing(self.fetch.snapshot()));
                continue;
            }
            self.fetch_some(cx)?;
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.questions.reset();
        (self.scan, self.done) = (None, false);
        (self.fetched, self.passed) = (None, None);
        self.waiting.clear();
        if let Some(p) = &mut self.recheck {
            p.reset();
        }
        if let Some((exprs, _)) = &mut self.distances {
            exprs.reset();
        }
        self.batch_rows = FIRST_BATCH;
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
        stats.rows_removed_by_recheck = self.removed;
    }
}
