//! UNION, INTERSECT and EXCEPT by hashing: the right side is counted, the left side streams past the counts.

use super::keys::DistinctSet;
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::plan::{Plan, SetOpKind};
use crate::types::{Batch, Column, TypeRef};

pub(super) struct SetOp {
    left: Box<dyn Node>,
    right: Box<dyn Node>,
    op: SetOpKind,
    all: bool,
    types: Vec<TypeRef>,
    set: DistinctSet,
    /// How often each key of the set may still be matched.
    counts: Vec<u64>,
    right_done: bool,
    left_done: bool,
    numbers: Vec<u32>,
}

impl SetOp {
    pub fn start(left: &Plan, right: &Plan, op: SetOpKind, all: bool, cx: &mut ExecContext) -> Result<SetOp> {
        let types: Vec<TypeRef> = left.columns.iter().map(|c| c.ty).collect();
        Ok(SetOp {
            left: build(left, cx)?,
            right: build(right, cx)?,
            op,
            all,
            set: DistinctSet::new(&types),
            types,
            counts: Vec::new(),
            right_done: false,
            left_done: false,
            numbers: Vec::new(),
        })
    }

    fn number(&mut self, batch: &Batch) -> Result<()> {
        let columns: Vec<&Column> = batch.columns.iter().collect();
        self.set.numbers(&columns, batch.rows, &mut self.numbers)?;
        self.counts.resize(self.set.len(), 0);
        Ok(())
    }

    /// The rows of a left batch that come out.
    fn pass(&mut self, batch: &Batch) -> Result<Vec<u32>> {
        let known = self.set.len();
        self.number(batch)?;
        let mut out = Vec::new();
        let mut fresh = known;
        for (row, n) in self.numbers.iter().enumerate() {
            let count = &mut self.counts[*n as usize];
            let first_seen = *n as usize >= fresh;
            fresh = fresh.max(*n as usize + 1);
            let passes = match (self.op, self.all) {
                (SetOpKind::Union, true) => true,
                (SetOpKind::Union, false) => first_seen,
                (SetOpKind::Intersect, all) => {
                    let hit = *count > 0;
                    *count = if all { count.saturating_sub(1) } else { 0 };
                    hit
                }
                (SetOpKind::Except, true) => {
                    let hit = *count > 0;
                    *count = count.saturating_sub(1);
                    !hit
                }
                (SetOpKind::Except, false) => first_seen,
            };
            if passes {
                out.push(row as u32);
            }
        }
        Ok(out)
    }
}

impl Node for SetOp {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let union = self.op == SetOpKind::Union;
        while !union && !self.right_done {
            match self.right.next(cx)? {
                None => self.right_done = true,
                Some(batch) => {
                    self.number(&batch)?;
                    self.numbers.iter().for_each(|n| self.counts[*n as usize] += 1);
                }
            }
        }
        loop {
            let batch = if self.left_done {
                if !union || self.right_done {
                    return Ok(None);
                }
                self.right.next(cx)?
            } else {
                self.left.next(cx)?
            };
            let Some(mut batch) = batch else {
                self.right_done |= self.left_done;
                self.left_done = true;
                continue;
            };
            let rows = self.pass(&batch)?;
            if !rows.is_empty() {
                return Ok(Some(if rows.len() == batch.rows { batch } else { batch.gather(&rows) }));
            }
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.left.rescan(cx)?;
        self.right.rescan(cx)?;
        self.set = DistinctSet::new(&self.types);
        self.counts.clear();
        self.right_done = false;
        self.left_done = false;
        Ok(())
    }
}
