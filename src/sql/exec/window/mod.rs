//! Window functions: input sorted by partition and order, one partition (or several small ones) at a time. Its rows wait
//! in a [`Tuplestore`]; what the calls are computed from, and their answers, are in memory.

mod compute;
mod frame;

use super::keys::{KeyArena, KeyColumn};
use super::materialize::{Place, Tuplestore};
use super::output::forms_of;
use super::sort::{key_columns, key_exprs};
use super::store::RowStore;
use super::user_aggregate::UserAggregate;
use super::{ExecContext, Node, build};
use crate::base::memory::Claimed;
use crate::base::{Error, Flow, Result};
use crate::sql::expr::eval::{Projection, Single};
use crate::sql::expr::{Expr, FrameBound, WindowCall, WindowSpec};
use crate::sql::func::FuncDef;
use crate::sql::func::aggregate::AggregateCall;
use crate::sql::func::window::{WindowKind, kind};
use crate::sql::plan::Plan;
use crate::types::{BATCH_ROWS, Batch, Column, Phys, TypeRef, Value};
use frame::FrameSpec;
use std::ops::Range;
use std::sync::Arc;

/// One call: where its expressions stand among the evaluated ones.
pub(super) struct CallSpec {
    pub kind: WindowKind,
    pub func: &'static FuncDef,
    pub args: Range<usize>,
    pub arg_types: Vec<TypeRef>,
    pub filter: Option<usize>,
    pub ret: TypeRef,
    pub frame: FrameSpec,
    /// None: a built-in aggregate, or none.
    pub user: Option<Arc<UserAggregate>>,
}

impl CallSpec {
    pub fn aggregate(&self) -> AggregateCall<'_> {
        AggregateCall { func: self.func, args: &self.arg_types, order: &[], ret: self.ret }
    }
}

/// Frame offsets of all calls; evaluated once.
struct Offsets {
    exprs: Vec<Single>,
    values: Vec<Value>,
}

pub(super) struct Window {
    input: Box<dyn Node>,
    exprs: Projection,
    partition: Vec<KeyColumn>,
    order: Vec<KeyColumn>,
    calls: Vec<CallSpec>,
    offsets: Offsets,
    batch: Option<Batch>,
    /// Input rows from those that are given out next, and how far they were.
    rows: Tuplestore,
    place: Place,
    forms: Vec<Phys>,
    /// The evaluated expressions of the rows not computed yet.
    values: RowStore,
    order_keys: KeyArena,
    last_partition: Option<Vec<u8>>,
    /// Where each partition begins among them.
    starts: Vec<usize>,
    done: bool,
    /// The answers for the rows that are given out next, and how many were.
    ready: Option<Vec<Column>>,
    finished: usize,
    given: usize,
    claimed: Claimed,
}

impl Window {
    pub fn start(input: &Plan, spec: &WindowSpec, calls: &[WindowCall], cx: &mut ExecContext) -> Result<Window> {
        let mut list: Vec<Expr> = spec.partition_by.clone();
        list.extend(key_exprs(&spec.order_by));
        let mut offsets = Vec::new();
        let mut specs = Vec::with_capacity(calls.len());
        for c in calls {
            let first = list.len();
            if !c.star {
                list.extend(c.args.iter().cloned());
            }
            let args = first..list.len();
            let filter = c.filter.as_ref().map(|f| {
                list.push(f.clone());
                list.len() - 1
            });
            let missing = || Error::unsupported(format!("window function {}() is not supported yet", c.func.name));
            let mut offset = |b: &FrameBound| match b {
                FrameBound::Preceding(e) | FrameBound::Following(e) => {
                    offsets.push(Single::new(e));
                    Some((offsets.len() - 1, e.ty))
                }
                _ => None,
            };
            let (start, end) = (offset(&c.spec.frame.start), offset(&c.spec.frame.end));
            let mut made = CallSpec {
                kind: kind(c.func).ok_or_else(missing)?,
                func: c.func,
                arg_types: c.args.iter().map(|a| a.ty).collect(),
                args,
                filter,
                ret: c.ty,
                frame: FrameSpec::new(&c.spec, start, end),
                user: None,
            };
            if made.kind == WindowKind::Aggregate {
                made.user = UserAggregate::of(cx, &made.aggregate(), "function")?;
            }
            specs.push(made);
        }
        let exprs = Projection::new(&list);
        let forms = forms_of(&input.columns);
        Ok(Window {
            partition: spec.partition_by.iter().map(|e| KeyColumn::ascending(e.ty)).collect(),
            order: key_columns(&spec.order_by),
            calls: specs,
            offsets: Offsets { exprs: offsets, values: Vec::new() },
            batch: None,
            rows: Tuplestore::new(&forms),
            place: Place::default(),
            forms,
            values: RowStore::new(&exprs.forms()),
            exprs,
            order_keys: KeyArena::default(),
            last_partition: None,
            starts: Vec::new(),
            done: false,
            ready: None,
            finished: 0,
            given: 0,
            claimed: Claimed::default(),
            input: build(input, cx)?,
        })
    }

    /// Reads until at least a batch of rows of whole partitions is there, or the input ends.
    fn fill(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while !self.done {
            if self.batch.is_none() {
                self.batch = self.input.next(cx)?;
            }
            let Some(batch) = &self.batch else {
                self.done = true;
                break;
            };
            let values = self.exprs.run(cx, batch, crate::sql::expr::eval::Sel::All(batch.rows))?;
            // Nothing from here on waits.
            let keys: Vec<&Column> = values.iter().collect();
            let (partition, rest) = keys.split_at(self.partition.len());
            let mut arena = KeyArena::default();
            arena.append_rows(partition, &self.partition, batch.rows);
            for row in 0..batch.rows {
                if self.last_partition.as_deref() != Some(arena.get(row)) {
                    self.starts.push(self.values.len() + row);
                    self.last_partition = Some(arena.get(row).to_vec());
                }
            }
            self.order_keys.append_rows(&rest[..self.order.len()], &self.order, batch.rows);
            self.rows.append(cx, batch)?;
            self.values.append_columns(values.iter(), batch.rows, None);
            let held = self.values.bytes() + self.order_keys.memory();
            self.claimed.grown(held, "WindowAgg Partition")?;
            self.batch = None;
            if self.starts.last().is_some_and(|s| *s >= BATCH_ROWS) {
                break;
            }
        }
        Ok(())
    }

    /// Computes all complete partitions; the last one stays unless the input is done.
    fn compute(&mut self, cx: &mut ExecContext) -> Result<()> {
        let end = if self.done { self.values.len() } else { self.starts.last().copied().unwrap_or(0) };
        if end == 0 {
            return Ok(());
        }
        let mut out: Vec<Column> =
            self.calls.iter().map(|c| Column::with_capacity(super::phys_of(c.ret), end)).collect();
        let mut bounds: Vec<usize> = self.starts.iter().copied().filter(|s| *s < end).collect();
        bounds.push(end);
        for pair in bounds.windows(2) {
            cx.interrupts.check()?;
            let part = compute::Partition::new(pair[0]..pair[1], self.values.columns(), &self.order_keys);
            let order = self.partition.len()..self.partition.len() + self.order.len();
            for (call, out) in self.calls.iter().zip(&mut out) {
                compute::call(cx, call, &part, &self.offsets.values, (order.clone(), &self.order), out)?;
            }
        }
        let total = self.values.len();
        let mut values = RowStore::new(&self.values.forms());
        if end < total {
            values.append(&self.values.slice(end..total));
        }
        let mut keys = KeyArena::default();
        (end..total).for_each(|r| keys.push(self.order_keys.get(r)));
        self.rows.finish();
        self.values = values;
        self.order_keys = keys;
        self.starts = if end < total { vec![0] } else { Vec::new() };
        self.ready = Some(out);
        (self.finished, self.given) = (end, 0);
        Ok(())
    }
}

impl Node for Window {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            while let Some(e) = self.offsets.exprs.get_mut(self.offsets.values.len()) {
                let value = e.run(cx)?;
                self.offsets.values.push(value);
                if self.offsets.values.len() == self.offsets.exprs.len() {
                    self.calls.iter().try_for_each(|c| c.frame.check(&self.offsets.values))?;
                }
            }
            if let Some(out) = &self.ready {
                if self.given < self.finished
                    && let Some(mut batch) = self.rows.read_some(&mut self.place, self.finished - self.given)?
                {
                    let end = self.given + batch.rows;
                    batch.columns.extend(out.iter().map(|c| c.slice(self.given..end)));
                    self.given = end;
                    return Ok(Some(batch));
                }
                self.ready = None;
                self.rows = self.rows.rest(cx, &mut self.place)?;
                self.place = Place::default();
            }
            if self.done && self.values.is_empty() {
                return Ok(None);
            }
            self.fill(cx)?;
            self.compute(cx)?;
        }
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.input.rescan(cx)?;
        self.exprs.reset();
        self.offsets.values.clear();
        self.batch = None;
        self.rows = Tuplestore::new(&self.forms);
        self.place = Place::default();
        self.values.clear();
        self.order_keys.clear();
        self.last_partition = None;
        self.starts.clear();
        self.done = false;
        self.ready = None;
        Ok(())
    }
}
