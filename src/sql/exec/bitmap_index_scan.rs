//! The addresses of rows that an index leads to, in order: one int8 column, the block above 16 bits of offset.

use super::gist_scan::Questions;
use super::{ExecContext, Node, index_ranges};
use crate::base::{Flow, Oid, Result, TupleId};
use crate::brin;
use crate::btree::{Bounds, Direction, IndexScan as TreeScan};
use crate::catalog::{Index, IndexMethod};
use crate::gin::{Gather, Need, Strategy, condense, tidy};
use crate::gist;
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::{self, Search};
use crate::storage::Storage;
use crate::types::array::Array;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys, TypeRef};
use std::sync::Arc;

/// Entries of the index read between two looks at the clock.
const STEP: usize = 4096;
/// The same in pages.
const PAGES: usize = 64;

pub(super) struct BitmapIndexScan {
    storage: Arc<Storage>,
    snapshot: Snapshot,
    index: Arc<Index>,
    table: Oid,
    values: Projection,
    conditions: Vec<(usize, Strategy)>,
    /// Of a B-tree, or of the hash codes kept in one.
    ordered: Option<index_ranges::Search>,
    /// Of a GiST index.
    questions: Option<Questions>,
    /// Of a BRIN index: column, strategy, whether of an array's elements, type.
    asks: Vec<(usize, i16, bool, TypeRef)>,
    state: State,
    /// The rows to be shown, where they are not those handed out.
    found: u64,
}

enum State {
    Start,
    Searching(Box<Gather>),
    Walking(Box<gist::Scan>, Vec<TupleId>),
    Ranges(Box<brin::Search>),
    /// Ranges of a B-tree still to be read, last one first, and the one being read.
    Reading(Vec<Bounds>, Option<Box<TreeScan>>, Vec<TupleId>),
    Found(Vec<TupleId>, usize),
}

/// An address as a value.
pub(super) fn packed(tid: TupleId) -> i64 {
    i64::from(tid.block) << 16 | i64::from(tid.offset)
}

/// The address a value stands for.
pub(super) fn unpacked(value: i64) -> TupleId {
    TupleId::new((value >> 16) as u32, value as u16)
}

impl BitmapIndexScan {
    pub fn start(s: &plan::BitmapIndexScan, cx: &mut ExecContext) -> Result<BitmapIndexScan> {
        let (ordered, bounds) = index_ranges::Search::of(&s.bounds);
        let exprs: Vec<Expr> = s.conditions.iter().map(|c| c.value.clone()).chain(bounds).collect();
        let gin = |c: &plan::SearchCondition| match c.strategy {
            Search::Gin(strategy) => Some((c.column, strategy)),
            _ => None,
        };
        let brin = |c: &plan::SearchCondition| match c.strategy {
            Search::Brin { strategy, any } => Some((c.column, strategy, any, c.value.ty)),
            _ => None,
        };
        let questions = (s.index.method == IndexMethod::Gist).then(|| Questions::new(&s.conditions, &[]));
        Ok(BitmapIndexScan {
            storage: cx.storage()?,
            snapshot: cx.snapshot()?,
            index: s.index.clone(),
            table: s.table,
            values: Projection::new(&exprs),
            conditions: s.conditions.iter().filter_map(gin).collect(),
            questions,
            asks: s.conditions.iter().filter_map(brin).collect(),
            ordered: matches!(s.index.method, IndexMethod::Btree | IndexMethod::Hash).then_some(ordered),
            state: State::Start,
            found: 0,
        })
    }

    /// None: nothing fulfils a condition with NULL.
    fn ranges(&mut self, cx: &mut ExecContext) -> Flow<Option<brin::Search>> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        cx.backend()?.stats.count_scan(self.index.oid);
        let mut asks = Vec::with_capacity(values.len());
        for ((column, strategy, any, ty), value) in self.asks.iter().zip(&values) {
            let class = &self.index.brin[*column].class;
            let ask = match *strategy {
                gist::IS_NULL => brin::Ask::IsNull,
                gist::IS_NOT_NULL => brin::Ask::IsNotNull,
                _ if value.is_null(0) => return Ok(None),
                strategy if *any => {
                    let array = Array::new(value.get(0).bytes());
                    let element = TypeRef::of(array.element).ordered_by(ty.collation);
                    let some = array.iter().filter(|v| !v.is_null());
                    let all: Result<Vec<_>> = some.map(|v| class.query(strategy, v, element, 0.0)).collect();
                    brin::Ask::Any(all?)
                }
                strategy => brin::Ask::Query(class.query(strategy, value.get(0), *ty, 0.0)?),
            };
            asks.push((*column, ask));
        }
        let Some(table) = cx.backend()?.catalog.relation(self.table)? else { return Ok(None) };
        let store = super::seq_scan::store_of(&table)?;
        // No row that comes into a range is seen in the index.
        crate::heap::read_whole(&store, &self.snapshot)?;
        let blocks = store.nblocks(&self.storage)?;
        Ok(Some(brin::Search::new(self.index.ranges(), asks, blocks)))
    }

    fn begin(&mut self, cx: &mut ExecContext) -> Flow<Gather> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        let mut needs = Vec::with_capacity(values.len());
        for ((column, strategy), value) in self.conditions.iter().zip(&values) {
            needs.push(Need::of(*column, self.index.gin[*column], *strategy, value.get(0))?);
        }
        let backend = cx.backend()?;
        backend.stats.table(self.index.oid).scans += 1;
        let memory = backend.view.bytes(Id::WorkMem).max(1 << 16) as usize;
        let columns: Vec<usize> = self.conditions.iter().map(|c| c.0).collect();
        Ok(Gather::new(self.index.store.clone(), self.snapshot.clone(), Need::all(needs), &columns, memory))
    }

    /// Of a B-tree.
    fn stretches(&mut self, cx: &mut ExecContext) -> Flow<Vec<Bounds>> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        let found = self.ordered.as_ref().map(|o| o.ranges(self.index.store.keys(), &values)).transpose()?;
        let mut ranges = found.unwrap_or_default();
        ranges.reverse();
        cx.backend()?.stats.count_scan(self.index.oid);
        Ok(ranges)
    }

    fn count(&self, cx: &mut ExecContext, rows: usize) -> Result<()> {
        let stats = &mut cx.backend()?.stats;
        stats.table(self.index.oid).tuples_returned += rows as i64;
        stats.table(self.table).tuples_fetched += rows as i64;
        Ok(())
    }
}

/// How many addresses are kept one by one.
fn most(cx: &mut ExecContext) -> Result<usize> {
    let memory = cx.backend()?.view.bytes(Id::WorkMem).max(1 << 16) as usize;
    Ok((memory / size_of::<TupleId>()).max(1024))
}

impl Node for BitmapIndexScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            cx.poll()?;
            match &mut self.state {
                State::Start if self.ordered.is_some() => {
                    self.state = State::Reading(self.stretches(cx)?, None, Vec::new());
                }
                State::Reading(ranges, tree, tids) => {
                    let most = most(cx)?;
                    if tree.is_none()
                        && let Some(bounds) = ranges.pop()
                    {
                        let scan = TreeScan::new(self.index.store.clone(), bounds, Direction::Forward);
                        *tree = Some(Box::new(scan.seeing(&self.snapshot)));
                    }
                    let done = match tree {
                        Some(scan) => {
                            let mut piece = Vec::new();
                            let more = scan.next_tids(&self.storage, STEP, &mut piece)?;
                            tids.append(&mut piece);
                            if !more {
                                *tree = None;
                            }
                            false
                        }
                        None => true,
                    };
                    if done || tids.len() > most {
                        tidy(tids);
                        condense(tids, most);
                    }
                    if done {
                        let tids = std::mem::take(tids);
                        self.count(cx, tids.len())?;
                        self.state = State::Found(tids, 0);
                    }
                }
                State::Start => match &mut self.questions {
                    Some(questions) => {
                        let scan = questions.scan(cx, &self.index)?;
                        self.state = match scan {
                            Some(scan) => State::Walking(Box::new(scan.seeing(&self.snapshot)), Vec::new()),
                            None => State::Found(Vec::new(), 0),
                        };
                    }
                    None if self.index.method == IndexMethod::Brin => {
                        self.state = match self.ranges(cx)? {
                            Some(search) => State::Ranges(Box::new(search)),
                            None => State::Found(Vec::new(), 0),
                        };
                    }
                    None => self.state = State::Searching(Box::new(self.begin(cx)?)),
                },
                State::Walking(scan, tids) => {
                    let mut pages = PAGES;
                    while let Some(found) = scan.next(&self.storage, &mut pages)? {
                        tids.push(found.tid);
                    }
                    let most = most(cx)?;
                    let done = scan.is_done();
                    if done || tids.len() > most {
                        tidy(tids);
                        condense(tids, most);
                    }
                    if done {
                        let tids = std::mem::take(tids);
                        self.count(cx, tids.len())?;
                        self.state = State::Found(tids, 0);
                    }
                }
                State::Ranges(search) => {
                    if search.step(&self.storage, STEP)? {
                        let State::Ranges(search) = std::mem::replace(&mut self.state, State::Start) else {
                            continue;
                        };
                        let tids = search.finish();
                        // PostgreSQL 15, brin.c, bringetbitmap: a page counts as ten rows.
                        self.found += tids.len() as u64 * 10;
                        self.state = State::Found(tids, 0);
                    }
                }
                State::Searching(gather) => {
                    if gather.step(&self.storage, STEP)? {
                        let State::Searching(gather) = std::mem::replace(&mut self.state, State::Start) else {
                            continue;
                        };
                        let tids = gather.finish();
                        self.count(cx, tids.len())?;
                        self.state = State::Found(tids, 0);
                    }
                }
                State::Found(tids, at) => {
                    let piece = &tids[*at..tids.len().min(*at + BATCH_ROWS)];
                    *at += piece.len();
                    let mut column = Column::new(Phys::I64);
                    piece.iter().for_each(|t| column.push(Datum::I64(packed(*t))));
                    let rows = piece.len();
                    return Ok((rows > 0).then(|| Batch { columns: vec![column], rows }));
                }
            }
        }
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        if self.found > 0 {
            stats.rows = self.found;
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.values.reset();
        if let Some(q) = &mut self.questions {
            q.reset();
        }
        self.state = State::Start;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses keep through their form as values, and their order.
    #[test]
    fn addresses_are_values() {
        let all = [TupleId::new(0, 0), TupleId::new(0, 1), TupleId::new(7, u16::MAX), TupleId::new(u32::MAX - 1, 3)];
        for pair in all.windows(2) {
            assert!(packed(pair[0]) < packed(pair[1]));
            assert_eq!(unpacked(packed(pair[1])), pair[1]);
        }
    }
}
