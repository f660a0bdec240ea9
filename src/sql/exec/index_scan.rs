//! Rows by an index: equality on leading columns, then a range; `= ANY` as several ranges one after the other.

use super::index_ranges::Search;
use super::output::Output;
use super::seq_scan::store_of;
use super::sieve::Sieve;
use super::{ExecContext, Node};
use crate::base::{Flow, Oid, Result, TupleId};
use crate::btree::{Bounds, Direction, IndexScan as TreeScan, IndexStore};
use crate::heap::HeapFetch;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan;
use crate::storage::Storage;
use crate::types::{BATCH_ROWS, Batch};
use std::sync::Arc;

/// The first batch is small: a LIMIT or a unique key may want no more.
const FIRST_BATCH: usize = 16;

pub(super) struct IndexScan {
    storage: Arc<Storage>,
    /// For the statistics.
    oid: Oid,
    index: Arc<IndexStore>,
    fetch: HeapFetch,
    values: Projection,
    search: Search,
    direction: Direction,
    /// Ranges still to scan, last one first; None: not computed yet.
    ranges: Option<Vec<Bounds>>,
    /// The range under way, or, if it is not, what the last one leaves for the next.
    tree: Option<TreeScan>,
    is_under_way: bool,
    /// Addresses the index gave, fetched up to `at`.
    tids: Vec<TupleId>,
    at: usize,
    batch_rows: usize,
    sieve: Sieve,
    output: Output,
}

impl IndexScan {
    pub fn start(s: &plan::IndexScan, lazy: bool, cx: &mut ExecContext) -> Result<IndexScan> {
        let (search, exprs) = Search::of(&s.conditions);
        Ok(IndexScan {
            storage: cx.storage()?,
            oid: s.index.oid,
            index: s.index.store.clone(),
            fetch: HeapFetch::new(store_of(&s.rel)?, cx.snapshot()?, s.attnos.clone()),
            values: Projection::new(&exprs),
            search,
            direction: if s.backward { Direction::Backward } else { Direction::Forward },
            ranges: None,
            tree: None,
            is_under_way: false,
            tids: Vec::new(),
            at: 0,
            batch_rows: FIRST_BATCH,
            sieve: Sieve::default(),
            output: Output::new(s.filter.as_ref(), s.project.as_deref()).lazy(lazy),
        })
    }

    fn compute_ranges(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let nothing = Batch { columns: Vec::new(), rows: 1 };
        let values = self.values.run(cx, &nothing, Sel::All(1))?;
        let mut ranges = self.search.ranges(self.index.keys(), &values)?;
        if self.direction == Direction::Forward {
            ranges.reverse();
        }
        self.ranges = Some(ranges);
        cx.backend()?.stats.count_scan(self.oid);
        Ok(())
    }

    /// Rows of the next stretch of the index.
    fn fetch_batch(&mut self, cx: &mut ExecContext) -> Result<Option<Batch>> {
        let mut batch = Batch::default();
        let mut entries = 0;
        loop {
            while let Some(tid) = self.tids.get(self.at)
                && !self.fetch.is_full(&batch)
            {
                self.at += 1;
                self.fetch.fetch(&self.storage, *tid, &mut batch)?;
            }
            if self.at < self.tids.len() || batch.rows >= self.batch_rows {
                break;
            }
            if !self.is_under_way {
                let Some(bounds) = self.ranges.as_mut().and_then(Vec::pop) else { break };
                match &mut self.tree {
                    Some(tree) => tree.restart(bounds),
                    None => {
                        let tree = TreeScan::new(self.index.clone(), bounds, self.direction);
                        self.tree = Some(tree.seeing(self.fetch.snapshot()));
                    }
                }
                self.is_under_way = true;
            }
            let Some(tree) = &mut self.tree else { break };
            self.tids.clear();
            self.at = 0;
            self.is_under_way = tree.next_tids(&self.storage, self.batch_rows - batch.rows, &mut self.tids)?;
            entries += self.tids.len() as i64;
        }
        self.batch_rows = (self.batch_rows * 4).min(BATCH_ROWS);
        let counts = cx.backend()?.stats.table(self.oid);
        counts.tuples_returned += entries;
        counts.tuples_fetched += batch.rows as i64;
        Ok((batch.rows > 0).then_some(batch))
    }
}

impl Node for IndexScan {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if self.ranges.is_none() {
                self.compute_ranges(cx)?;
            }
            if !self.output.is_busy()
                && !self.sieve.give(cx, &self.storage, &mut [&mut self.output], &mut self.fetch)?
            {
                cx.poll()?;
                let places = self.sieve.places(&mut [&mut self.output], &self.fetch);
                let sifted = places.is_some();
                self.fetch.sift(places);
                let Some(batch) = self.fetch_batch(cx)? else { return Ok(None) };
                match sifted {
                    true => self.sieve.put(batch),
                    false => self.output.feed(batch),
                }
            }
            if let Some(batch) = self.output.take(cx)? {
                return Ok(Some(batch));
            }
        }
    }

    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        self.values.reset();
        self.ranges = None;
        self.is_under_way = false;
        self.tids.clear();
        self.at = 0;
        self.batch_rows = FIRST_BATCH;
        self.fetch.forget();
        self.sieve.reset();
        self.output.reset();
        Ok(())
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        stats.rows_removed_by_filter = self.output.removed;
    }
}
