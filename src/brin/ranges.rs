//! The entries of an index, range by range: added, made one, taken out.

use super::class::Column;
use super::summary;
use crate::base::{BlockNo, Flow, Result, TupleId, Xid};
use crate::btree::{Bounds, Direction, IndexEntry, IndexScan, IndexStore, Inserter, node};

use crate::storage::Storage;
use std::sync::Arc;

/// PostgreSQL 15, brin.h, BRIN_DEFAULT_PAGES_PER_RANGE.
pub const PAGES_PER_RANGE: u32 = 128;
pub const MAX_PAGES_PER_RANGE: u32 = 131_072;

/// More entries of one range than that become one.
const MOST: usize = 24;

pub(super) const MORE: u8 = 0;
pub(super) const WHOLE: u8 = 1;
const TID: usize = 6;

/// An index and how to read it.
#[derive(Clone, Copy)]
pub struct Ranges<'a> {
    pub store: &'a Arc<IndexStore>,
    pub columns: &'a [Column],
    pub pages_per_range: u32,
}

/// What is there of one range.
pub(super) struct Known {
    /// As they lie in the tree.
    pub entries: Vec<Vec<u8>>,
    pub whole: bool,
    pub union: Vec<u8>,
}

/// The bytes that all entries of a range begin with.
pub(super) fn prefix(first: BlockNo) -> Vec<u8> {
    let mut out = vec![0];
    out.extend_from_slice(&first.to_be_bytes());
    out
}

/// The key of an entry.
pub(super) fn key(first: BlockNo, kind: u8, summary: &[u8]) -> Vec<u8> {
    let mut out = prefix(first);
    out.push(kind);
    out.extend_from_slice(summary);
    out
}

/// Range, kind and summary of a key.
pub(super) fn taken_apart(key: &[u8]) -> Option<(BlockNo, u8, &[u8])> {
    let (head, summary) = key.split_first_chunk::<6>()?;
    Some((u32::from_be_bytes([head[1], head[2], head[3], head[4]]), head[5], summary))
}

impl Ranges<'_> {
    /// The first block of the range that a block is in.
    pub fn first_of(&self, block: BlockNo) -> BlockNo {
        block - block % self.pages_per_range.max(1)
    }

    /// The places of rows of a range have no meaning, but an entry has one.
    fn place(first: BlockNo) -> TupleId {
        TupleId::new(first, 1)
    }

    pub(super) fn known(&self, storage: &Storage, first: BlockNo) -> Result<Known> {
        let mut scan =
            IndexScan::new(self.store.clone(), Bounds::prefix(prefix(first)), Direction::Forward).with_keys();
        let mut known = Known { entries: Vec::new(), whole: false, union: summary::nothing(self.columns) };
        while let Some(tid) = scan.next(storage)? {
            let key = scan.key();
            let Some((_, kind, summary)) = taken_apart(key) else { continue };
            known.whole |= kind == WHOLE;
            known.union = summary::union(self.columns, &known.union, summary);
            let mut entry = key.to_vec();
            node::push_tid(&mut entry, tid);
            known.entries.push(entry);
        }
        Ok(known)
    }

    /// Adds an entry, unless the same one is there.
    fn add(&self, storage: &Storage, by: Inserter<'_>, known: &Known, key: Vec<u8>) -> Flow<()> {
        if known.entries.iter().any(|e| e.len() == key.len() + TID && e.starts_with(&key)) {
            return Ok(());
        }
        let first = taken_apart(&key).map_or(0, |k| k.0);
        let entry = IndexEntry { key, tid: Some(Self::place(first)), ..Default::default() };
        self.store.insert(storage, by, &[entry])
    }

    /// Rows are put into their ranges; the entries' keys are the rows' summaries. To be repeated after a `Stop`.
    ///
    /// # Errors
    /// I/O.
    pub fn insert(&self, storage: &Storage, by: Inserter<'_>, rows: &[IndexEntry]) -> Flow<()> {
        let first = |e: &IndexEntry| self.first_of(e.tid.unwrap_or(TupleId::INVALID).block);
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|n| first(&rows[*n]));
        for group in order.chunk_by(|a, b| first(&rows[*a]) == first(&rows[*b])) {
            let range = first(&rows[group[0]]);
            let _alone = self.store.unique_mutex(&prefix(range));
            let known = self.known(storage, range)?;
            if known.entries.is_empty() {
                continue;
            }
            let all =
                group.iter().fold(known.union.clone(), |sum, n| summary::union(self.columns, &sum, &rows[*n].key));
            if all == known.union {
                continue;
            }
            if known.entries.len() >= MOST {
                let kind = if known.whole { WHOLE } else { MORE };
                self.add(storage, by, &known, key(range, kind, &all))?;
                self.take_out(storage, &known.entries, Some(&key(range, kind, &all)))?;
                continue;
            }
            let nothing = summary::nothing(self.columns);
            let new = group.iter().fold(nothing, |sum, n| summary::union(self.columns, &sum, &rows[*n].key));
            self.add(storage, by, &known, key(range, MORE, &new))?;
        }
        Ok(())
    }

    /// Takes entries out, but for the one with a key that is to stay (BRIN-2).
    fn take_out(&self, storage: &Storage, entries: &[Vec<u8>], stays: Option<&[u8]>) -> Flow<()> {
        let of_kind = |kind: u8| entries.iter().filter(move |e| e.get(5) == Some(&kind));
        for entry in of_kind(WHOLE).chain(of_kind(MORE)) {
            if stays != entry.len().checked_sub(TID).and_then(|n| entry.get(..n)) {
                self.store.remove(storage, entry)?;
            }
        }
        Ok(())
    }

    /// Whether a range has a summary.
    pub fn is_summarized(&self, storage: &Storage, first: BlockNo) -> Result<bool> {
        Ok(self.known(storage, first)?.whole)
    }

    /// From now on whoever puts a row into the range adds it (BRIN-1).
    pub fn begin_summary(&self, storage: &Storage, xid: Xid, first: BlockNo) -> Flow<()> {
        let _alone = self.store.unique_mutex(&prefix(first));
        let known = self.known(storage, first)?;
        self.add(storage, xid.into(), &known, key(first, MORE, &summary::nothing(self.columns)))
    }

    /// The range has been read: this is what was there.
    pub fn end_summary(&self, storage: &Storage, xid: Xid, first: BlockNo, summary: &[u8]) -> Flow<()> {
        let _alone = self.store.unique_mutex(&prefix(first));
        let known = self.known(storage, first)?;
        let all = summary::union(self.columns, &known.union, summary);
        self.add(storage, xid.into(), &known, key(first, WHOLE, &all))?;
        self.take_out(storage, &known.entries, Some(&key(first, WHOLE, &all)))
    }

    /// Forgets what is known of a range; whether that was anything.
    pub fn forget(&self, storage: &Storage, first: BlockNo) -> Flow<bool> {
        let _alone = self.store.unique_mutex(&prefix(first));
        let known = self.known(storage, first)?;
        self.take_out(storage, &known.entries, None)?;
        Ok(known.whole)
    }
}
