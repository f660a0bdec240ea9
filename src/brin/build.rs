//! Making a whole index at once: the rows come in the table's order.

use super::ranges::{Ranges, WHOLE, key};
use super::summary;
use crate::base::{BlockNo, Result, TupleId, Xid};
use crate::btree::{Loader, node};
use crate::storage::Storage;

/// Fills the freshly created, empty fork of an index.
pub struct Builder<'a> {
    ranges: Ranges<'a>,
    loader: Loader<'a>,
    /// The first block of the range that is read.
    first: BlockNo,
    summary: Vec<u8>,
    count: u64,
}

impl<'a> Builder<'a> {
    pub fn new(storage: &'a Storage, ranges: Ranges<'a>, xid: Xid) -> Result<Builder<'a>> {
        let loader = Loader::new(storage, ranges.store, xid, false)?;
        Ok(Builder { ranges, loader, first: 0, summary: summary::nothing(ranges.columns), count: 0 })
    }

    /// Adds a row, which lies behind those before, with its summary.
    pub fn add(&mut self, block: BlockNo, row: &[u8]) -> Result<()> {
        self.go_to(block)?;
        self.summary = summary::union(self.ranges.columns, &self.summary, row);
        Ok(())
    }

    fn go_to(&mut self, block: BlockNo) -> Result<()> {
        while self.ranges.first_of(block) > self.first {
            self.end_range()?;
            self.first += self.ranges.pages_per_range;
        }
        Ok(())
    }

    fn end_range(&mut self) -> Result<()> {
        let mut entry = key(self.first, WHOLE, &self.summary);
        node::push_tid(&mut entry, TupleId::new(self.first, 1));
        self.loader.add(&entry, true)?;
        self.summary = summary::nothing(self.ranges.columns);
        self.count += 1;
        Ok(())
    }

    /// The table ends; how many ranges there are.
    pub fn finish(mut self, blocks: BlockNo) -> Result<u64> {
        if blocks > 0 {
            self.go_to(blocks - 1)?;
            self.end_range()?;
        }
        self.loader.finish()?;
        Ok(self.count)
    }
}
