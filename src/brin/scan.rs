//! Searching: the pages of all ranges in which something may fulfil the conditions.

use super::class::Column;
use super::ranges::{Ranges, WHOLE, taken_apart};
use super::summary::{self, Part};
use crate::base::{BlockNo, Result, TupleId};
use crate::btree::{Bounds, Direction, IndexScan};
use crate::gin::WHOLE_PAGE;
use crate::gist::{Answer, Query};
use crate::storage::Storage;

/// What is asked of a column.
#[derive(Debug)]
pub enum Ask {
    Query(Box<dyn Query>),
    /// One of these (`= ANY`).
    Any(Vec<Box<dyn Query>>),
    IsNull,
    IsNotNull,
}

impl Ask {
    fn may_hold(&self, part: Part<'_>) -> bool {
        let may = |q: &dyn Query, key: &[u8]| q.consistent(key, false) != Answer::No;
        match self {
            Ask::Query(q) => part.key.is_some_and(|key| may(&**q, key)),
            Ask::Any(all) => part.key.is_some_and(|key| all.iter().any(|q| may(&**q, key))),
            Ask::IsNull => part.nulls,
            Ask::IsNotNull => part.key.is_some(),
        }
    }
}

/// A search on its way.
#[derive(Debug)]
pub struct Search {
    scan: IndexScan,
    columns: Vec<Column>,
    asks: Vec<(usize, Ask)>,
    pages_per_range: u32,
    blocks: BlockNo,
    /// The range whose entries are read: what they say, and whether that is all.
    range: Option<(BlockNo, Vec<u8>, bool)>,
    /// The first block of which nothing has been decided.
    next: BlockNo,
    found: Vec<TupleId>,
}

impl Search {
    /// In a table of so many blocks.
    pub fn new(ranges: Ranges<'_>, asks: Vec<(usize, Ask)>, blocks: BlockNo) -> Search {
        Search {
            scan: IndexScan::new(ranges.store.clone(), Bounds::default(), Direction::Forward).with_keys(),
            columns: ranges.columns.to_vec(),
            asks,
            pages_per_range: ranges.pages_per_range.max(1),
            blocks,
            range: None,
            next: 0,
            found: Vec::new(),
        }
    }

    /// Reads so many entries at most; true at the end.
    pub fn step(&mut self, storage: &Storage, entries: usize) -> Result<bool> {
        for _ in 0..entries {
            if self.scan.next(storage)?.is_none() {
                self.end_range();
                self.take_up_to(self.blocks);
                return Ok(true);
            }
            let Some((first, kind, summary)) = taken_apart(self.scan.key()) else { continue };
            let whole = kind == WHOLE;
            match &mut self.range {
                Some((at, sum, is_whole)) if *at == first => {
                    *sum = summary::union(&self.columns, sum, summary);
                    *is_whole |= whole;
                }
                _ => {
                    let new = (first, summary.to_vec(), whole);
                    self.end_range();
                    self.range = Some(new);
                }
            }
        }
        Ok(false)
    }

    /// Decides about the range whose entries have been read, and takes what lies before it, of which there were none.
    fn end_range(&mut self) {
        let Some((first, sum, whole)) = self.range.take() else { return };
        self.take_up_to(first.min(self.blocks));
        let parts: Vec<Part<'_>> = summary::parts(&sum).collect();
        let may = |(n, ask): &(usize, Ask)| parts.get(*n).is_none_or(|part| ask.may_hold(*part));
        let end = first.saturating_add(self.pages_per_range).min(self.blocks);
        if !whole || self.asks.iter().all(may) {
            self.take_up_to(end);
        }
        self.next = self.next.max(end);
    }

    fn take_up_to(&mut self, end: BlockNo) {
        self.found.extend((self.next..end).map(|block| TupleId::new(block, WHOLE_PAGE)));
        self.next = self.next.max(end);
    }

    /// The pages found, in order.
    pub fn finish(self) -> Vec<TupleId> {
        self.found
    }
}
