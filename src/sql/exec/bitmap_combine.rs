//! The addresses of rows that all, or any, of several nodes find. PostgreSQL 15, nodeBitmapAnd.c and nodeBitmapOr.c.

use super::bitmap_index_scan::{packed, unpacked};
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result, TupleId};
use crate::gin::{condense, intersect, tidy};
use crate::settings::{Id, Lookup};
use crate::sql::plan::Plan;
use crate::types::{BATCH_ROWS, Batch, Column, Datum, Phys};

pub(super) struct BitmapCombine {
    inputs: Vec<Box<dyn Node>>,
    /// Only what all of them find.
    all: bool,
    /// The input being read, and what it has found so far.
    at: usize,
    found: Vec<TupleId>,
    /// What those before it have found.
    result: Vec<TupleId>,
    rescanned: usize,
    given: Option<usize>,
}

impl BitmapCombine {
    pub fn start(inputs: &[Plan], all: bool, cx: &mut ExecContext) -> Result<BitmapCombine> {
        let inputs = inputs.iter().map(|p| build(p, cx)).collect::<Result<_>>()?;
        let (found, result) = (Vec::new(), Vec::new());
        Ok(BitmapCombine { inputs, all, at: 0, found, result, rescanned: 0, given: None })
    }

    fn combine(&mut self, most: usize) {
        let found = std::mem::take(&mut self.found);
        self.result = match (self.at, self.all) {
            (0, _) => found,
            (_, true) => intersect(&self.result, &found),
            (_, false) => {
                let mut both = std::mem::take(&mut self.result);
                both.extend(found);
                tidy(&mut both);
                condense(&mut both, most);
                both
            }
        };
    }
}

impl Node for BitmapCombine {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        while self.given.is_none() {
            let Some(input) = self.inputs.get_mut(self.at) else {
                self.given = Some(0);
                break;
            };
            if let Some(batch) = input.next(cx)? {
                self.found.extend((0..batch.rows).map(|n| unpacked(batch.columns[0].get(n).i64())));
                continue;
            }
            let memory = cx.backend()?.view.bytes(Id::WorkMem).max(1 << 16) as usize;
            self.combine((memory / size_of::<TupleId>()).max(1024));
            self.at += 1;
            // Nothing is in all of them.
            if self.all && self.result.is_empty() {
                self.given = Some(0);
            }
        }
        let from = self.given.unwrap_or(0);
        let piece = &self.result[from..self.result.len().min(from + BATCH_ROWS)];
        let mut column = Column::new(Phys::I64);
        piece.iter().for_each(|t| column.push(Datum::I64(packed(*t))));
        let rows = piece.len();
        self.given = Some(from + rows);
        Ok((rows > 0).then(|| Batch { columns: vec![column], rows }))
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(input) = self.inputs.get_mut(self.rescanned) {
            input.rescan(cx)?;
            self.rescanned += 1;
        }
        self.rescanned = 0;
        self.at = 0;
        self.found.clear();
        self.result.clear();
        self.given = None;
        Ok(())
    }
}
