//! Several inputs in the same order, merged: each row is the least of those that come next.
//! PostgreSQL 15, nodeMergeAppend.c: same rule, a heap of the inputs by their next rows.

use super::append::Pruner;
use super::keys::{KeyArena, KeyColumn};
use super::output::forms_of;
use super::row_order::MergeHeap;
use super::sort::{key_columns, key_exprs};
use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::SortKey;
use crate::sql::expr::eval::Projection;
use crate::sql::plan::Plan;
use crate::sql::plan::prune::Pruning;
use crate::types::{BATCH_ROWS, Batch, Column, Phys, long};
use std::cmp::Ordering;

pub(super) struct MergeAppend {
    inputs: Vec<Input>,
    keys: Projection,
    spec: Vec<KeyColumn>,
    forms: Vec<Phys>,
    pruner: Option<Pruner>,
    /// The inputs that have rows, made once all were asked.
    heap: Option<MergeHeap>,
    /// Inputs that have no row at hand and may have one: those are asked before anything is given.
    hungry: Vec<usize>,
    started: bool,
    out: Vec<Column>,
    rows: usize,
    rescanned: usize,
    lazy: bool,
}

struct Input {
    node: Box<dyn Node>,
    batch: Option<Batch>,
    /// Rows behind it that the keys were too long for.
    rest: Option<Batch>,
    /// Of the batch's rows.
    keys: KeyArena,
    row: usize,
}

/// How the next rows of two inputs compare.
fn by_next_row(inputs: &[Input]) -> impl Fn(usize, usize) -> Ordering {
    let key = |n: usize| inputs[n].keys.get(inputs[n].row);
    move |a, b| key(a).cmp(key(b))
}

impl MergeAppend {
    pub fn start(
        inputs: &[Plan],
        keys: &[SortKey],
        pruning: Option<&Pruning>,
        lazy: bool,
        cx: &mut ExecContext,
    ) -> Result<MergeAppend> {
        let forms = inputs.first().map_or_else(Vec::new, |p| forms_of(&p.columns));
        let input =
            |p: &Plan| Ok(Input { node: build(p, cx)?, batch: None, rest: None, keys: KeyArena::default(), row: 0 });
        let inputs = inputs.iter().map(input).collect::<Result<_>>()?;
        Ok(MergeAppend {
            inputs,
            keys: Projection::new(&key_exprs(keys)),
            spec: key_columns(keys),
            out: forms.iter().map(|f| Column::new(*f)).collect(),
            forms,
            pruner: pruning.map(Pruner::new),
            heap: None,
            hungry: Vec::new(),
            started: false,
            rows: 0,
            rescanned: 0,
            lazy,
        })
    }

    /// Gets the next rows of the inputs that have none.
    fn feed(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(&n) = self.hungry.last() {
            let input = &mut self.inputs[n];
            if input.batch.is_none() {
                input.batch = match input.rest.take() {
                    None => input.node.next(cx)?,
                    rest => rest,
                };
            }
            if input.batch.as_ref().is_some_and(|b| b.rows == 0) {
                input.batch = None;
                continue;
            }
            match self.keys.beside(cx, &mut input.batch, &mut input.rest)? {
                None => {}
                Some((batch, keys)) => {
                    let refs: Vec<&Column> = keys.iter().map(|c| &**c).collect();
                    input.keys.clear();
                    input.keys.append_rows(&refs, &self.spec, batch.rows);
                    input.row = 0;
                }
            }
            self.hungry.pop();
            let inputs = &self.inputs;
            match &mut self.heap {
                Some(heap) if inputs[n].batch.is_some() => heap.advanced(&by_next_row(inputs)),
                Some(heap) => heap.remove_first(&by_next_row(inputs)),
                None if self.hungry.is_empty() => {
                    let with_rows = (0..inputs.len()).filter(|n| inputs[*n].batch.is_some()).collect();
                    self.heap = Some(MergeHeap::build(with_rows, &by_next_row(inputs)));
                }
                None => {}
            }
        }
        Ok(())
    }

    /// Takes rows from the inputs until so many are there, or they are long, or one has no more at hand.
    fn take(&mut self, goal: usize) {
        while self.rows < goal && !long(&self.out) && self.hungry.is_empty() {
            let Some(heap) = &mut self.heap else { return };
            let Some(n) = heap.first() else { return };
            let input = &mut self.inputs[n];
            let Some(batch) = &input.batch else { return };
            for (to, from) in self.out.iter_mut().zip(&batch.columns).filter(|(_, from)| !from.is_empty()) {
                to.push(from.get(input.row));
            }
            self.rows += 1;
            input.row += 1;
            if input.row < batch.rows {
                heap.advanced(&by_next_row(&self.inputs));
            } else {
                input.batch = None;
                self.hungry.push(n);
            }
        }
    }
}

impl Node for MergeAppend {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.started {
            let wanted = match &mut self.pruner {
                Some(p) => Some(p.wanted(cx, self.inputs.len())?),
                None => None,
            };
            let read = |n: &usize| wanted.is_none_or(|w| w[*n]);
            self.hungry = (0..self.inputs.len()).filter(read).rev().collect();
            self.started = true;
        }
        let goal = if self.lazy { cx.run.row_goal.clamp(1, BATCH_ROWS) } else { BATCH_ROWS };
        loop {
            self.feed(cx)?;
            self.take(goal);
            if self.rows >= goal || self.hungry.is_empty() {
                break;
            }
        }
        cx.poll()?;
        let rows = std::mem::take(&mut self.rows);
        let fresh = self.forms.iter().map(|f| Column::new(*f)).collect();
        let columns = std::mem::replace(&mut self.out, fresh);
        Ok((rows > 0).then_some(Batch { columns, rows }))
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(input) = self.inputs.get_mut(self.rescanned) {
            input.node.rescan(cx)?;
            input.batch = None;
            self.rescanned += 1;
        }
        self.rescanned = 0;
        self.keys.reset();
        self.heap = None;
        self.hungry.clear();
        self.started = false;
        self.rows = 0;
        self.out = self.forms.iter().map(|f| Column::new(*f)).collect();
        if let Some(p) = &mut self.pruner {
            p.forget();
        }
        Ok(())
    }
}
