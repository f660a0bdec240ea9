//! INSERT into a partitioned table: each row goes to its partition.

use super::Modify;
use super::partition::{Router, Share, as_root};
use super::statement::Statements;
use crate::base::{Error, Flow, Result, Stop};
use crate::sql::exec::{ExecContext, Node, build};
use crate::sql::expr::eval::Projection;
use crate::sql::plan::{self, ModifyKind};
use crate::types::{Batch, Column};
use std::collections::VecDeque;

/// Rows on their way into partitions, and what comes back of them.
pub(super) struct Routed {
    router: Router,
    returning: Option<Projection>,
    /// Rows whose partitions are not known yet.
    unrouted: Option<Batch>,
    queue: VecDeque<Share>,
    /// Which rows of the input the present partition works on.
    rows: Vec<u32>,
    at: Option<usize>,
    ready: Option<Batch>,
    counted: bool,
    /// Values that RETURNING reads beside the row, if there is only one row.
    pub beside: Vec<Column>,
}

impl Routed {
    pub fn new(router: Router, returning: Option<Projection>, counted: bool) -> Routed {
        Routed {
            router,
            returning,
            unrouted: None,
            queue: VecDeque::new(),
            rows: Vec::new(),
            at: None,
            ready: None,
            counted,
            beside: Vec::new(),
        }
    }

    pub fn feed(&mut self, batch: Batch) {
        self.unrouted = Some(batch);
    }

    /// What RETURNING gives of the rows fed; None: all are done.
    pub fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let (true, Some(p)) = (self.ready.is_some(), &mut self.returning) {
                return p.take(cx, &mut self.ready).map(Some);
            }
            if let Some(n) = self.at {
                if !self.work(cx, n)? {
                    self.at = None;
                }
                continue;
            }
            if let Some(share) = self.queue.pop_front() {
                self.router.leaf(share.leaf).modify.accept(share.batch);
                self.at = Some(share.leaf);
                self.rows = share.rows;
                continue;
            }
            let Some(batch) = &self.unrouted else { return Ok(None) };
            self.queue = self.router.split(cx, batch)?.into();
            self.unrouted = None;
        }
    }

    /// A partition's row is another one of the input.
    fn of_input(&self, stop: Stop) -> Stop {
        let Stop::Error(mut e) = stop else { return stop };
        e.0.input_row = e.0.input_row.and_then(|row| self.rows.get(row)).map(|row| *row as usize);
        Stop::Error(e)
    }

    /// False: nothing is left to do in this partition.
    fn work(&mut self, cx: &mut ExecContext, n: usize) -> Flow<bool> {
        let root = self.router.root.clone();
        let leaf = self.router.leaf(n);
        if !leaf.modify.busy && !leaf.modify.take_waiting() {
            return Ok(false);
        }
        if let Err(stop) = leaf.modify.work(cx) {
            return Err(self.of_input(stop));
        }
        let leaf = self.router.leaf(n);
        let changed = leaf.modify.take_changed();
        if self.counted {
            cx.processed += changed.rows as u64;
        }
        if changed.rows > 0 && self.returning.is_some() {
            let leaf = self.router.leaf(n);
            let width = leaf.modify.target.forms.len();
            let mut ready = as_root(&leaf.map, width, &root, &changed);
            ready.columns.extend(self.beside.iter().map(|c| c.gather_rows(&vec![0; changed.rows])));
            self.ready = Some(ready);
        }
        Ok(true)
    }
}

pub(in crate::sql::exec) struct InsertTree {
    input: Box<dyn Node>,
    routed: Routed,
    statements: Statements,
}

impl InsertTree {
    pub fn start(m: &plan::Modify, counted: bool, cx: &mut ExecContext) -> Result<InsertTree> {
        let ModifyKind::Insert { on_conflict } = &m.kind else { return Err(Error::internal("not an INSERT")) };
        let router = Router::new(cx, m, on_conflict.clone(), m.row_checks.clone(), m.returning.is_some())?;
        let returning = m.returning.as_ref().map(|r| Projection::new(r));
        Ok(InsertTree {
            input: build(&m.input, cx)?,
            routed: Routed::new(router, returning, counted),
            statements: Statements::new(cx, m)?,
        })
    }
}

impl Node for InsertTree {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        loop {
            if let Some(batch) = self.routed.next(cx)? {
                return Ok(Some(batch));
            }
            cx.poll()?;
            self.statements.begin(cx)?;
            let Some(batch) = self.input.next(cx)? else {
                self.statements.end(cx);
                return Ok(None);
            };
            self.routed.feed(batch);
        }
    }

    /// A data-modifying node runs once.
    fn rescan(&mut self, _: &mut ExecContext) -> Flow<()> {
        Err(Error::internal("a data-modifying plan cannot be run again").into())
    }
}

impl Modify {
    /// An INSERT into a partition whose rows are fed.
    pub(super) fn of_leaf(m: &plan::Modify, wanted: bool, cx: &mut ExecContext) -> Result<Modify> {
        let mut modify = Modify::start(m, false, cx)?;
        modify.changed.wanted = wanted;
        modify.target.routed = true;
        modify.statements = None;
        Ok(modify)
    }

    pub(super) fn take_changed(&mut self) -> Batch {
        self.busy = self.goes_on();
        self.changed.take()
    }
}
