//! Cursors: open queries by name that hand out their rows as these are asked for, of DECLARE, of PL/pgSQL's OPEN, and of
//! the protocol's portals that are read in pieces.
//!
//! Rows are computed in batches and kept as long as the cursor may go back to them ([`kept`](super::kept)).

use super::kept::Kept;
use super::query::{Next, QueryRun};
use crate::base::{Error, Flow, Result, SqlState, Stop};
use crate::err;
use crate::sql::ast::FetchDirection;
use crate::sql::exec::ExecContext;
use crate::sql::plan::identify::Identity;
use crate::sql::plan::{Plan, PlanNode, PlannedStatement};
use crate::types::{BATCH_BYTES, Batch};
use std::collections::VecDeque;
use std::sync::Arc;

/// What was said when the cursor was made.
pub struct CursorFacts {
    /// The statement's text, for `pg_cursors`.
    pub statement: Arc<str>,
    pub scroll: bool,
    pub hold: bool,
    pub binary: bool,
    pub created_us: i64,
}

pub struct Cursor {
    pub facts: CursorFacts,
    plan: Arc<PlannedStatement>,
    /// What the columns of `places` mean, numbered from the end of the plan's own.
    identified: Vec<Identity>,
    /// None when all rows have been computed.
    run: Option<Box<QueryRun>>,
    /// The rows that are kept.
    rows: Kept,
    /// Where the rows of each batch lie, and the number of its first row.
    places: VecDeque<(i64, Batch)>,
    /// How many rows have been computed.
    kept: i64,
    /// 0: before the first row; `kept + 1` after the last.
    pub position: i64,
    /// The rows of a WITH HOLD cursor after its transaction.
    pub held: bool,
    /// Its rows are those of a statement that changes some.
    changes: bool,
    /// Computing its rows failed.
    failed: bool,
    /// How many savepoints it was made inside of.
    depth: usize,
}

pub fn missing(name: &str) -> Error {
    err!(INVALID_CURSOR_NAME, "cursor \"{name}\" does not exist").place("PerformPortalFetch", "portalcmds.c", 195)
}

/// Whether a cursor that did not say so can be read backwards. PostgreSQL 15, execAmi.c, ExecSupportsBackwardScan: same
/// rule for each kind of node.
pub fn reads_backward(plan: &PlannedStatement) -> bool {
    fn each(plan: &Plan) -> bool {
        match &plan.node {
            PlanNode::Result { input: Some(input), .. }
            | PlanNode::Filter { input, .. }
            | PlanNode::SubqueryScan { input, .. }
            | PlanNode::Project { input, .. }
            | PlanNode::Limit { input, .. } => each(input),
            PlanNode::With { body, .. } => each(body),
            PlanNode::Append { inputs, .. } => inputs.iter().all(each),
            PlanNode::Values { .. }
            | PlanNode::SeqScan { .. }
            | PlanNode::IndexScan(_)
            | PlanNode::VirtualScan { .. }
            | PlanNode::FunctionScan { .. }
            | PlanNode::TidScan { .. }
            | PlanNode::CteScan { .. }
            | PlanNode::Sort { presorted: 0, .. }
            | PlanNode::Materialize { .. } => true,
            _ => false,
        }
    }
    plan.read_only && each(&plan.plan)
}

impl Cursor {
    pub fn new(run: Box<QueryRun>, facts: CursorFacts, depth: usize) -> Cursor {
        let mut changes = false;
        crate::sql::exec::visit_plan(&run.plan.plan, &mut |p| changes |= matches!(p.node, PlanNode::Modify(_)));
        Cursor {
            facts,
            plan: run.plan.clone(),
            identified: run.identities(),
            run: Some(run),
            rows: Kept::default(),
            places: VecDeque::new(),
            kept: 0,
            position: 0,
            held: false,
            changes,
            failed: false,
            depth,
        }
    }

    pub fn plan(&self) -> &Arc<PlannedStatement> {
        &self.plan
    }

    /// How many rows have been computed so far.
    pub fn kept(&self) -> i64 {
        self.kept
    }

    /// All rows have been handed out by somebody else.
    pub fn end(&mut self) {
        self.run = None;
        self.position = self.kept + 1;
    }

    /// Computes rows until there are `upto` of them, or all.
    ///
    /// # Errors
    /// The query's; 55000 after such an error.
    pub fn keep(&mut self, cx: &mut ExecContext, name: &str, upto: i64) -> Flow<()> {
        self.compute(cx, name, upto, false)
    }

    /// As [`keep`](Self::keep), fewer where those behind the position are long.
    pub fn keep_some(&mut self, cx: &mut ExecContext, name: &str, upto: i64) -> Flow<()> {
        self.compute(cx, name, upto, true)
    }

    fn compute(&mut self, cx: &mut ExecContext, name: &str, upto: i64, some: bool) -> Flow<()> {
        if self.failed {
            let text = format!("portal \"{name}\" cannot be run");
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text).into());
        }
        // Changes are made as a whole, however many of their rows are asked for.
        let upto = if !self.changes || upto == 0 { upto } else { i64::MAX };
        let mut ahead = 0;
        while self.kept < upto {
            if some && self.kept > self.position && ahead > BATCH_BYTES {
                return Ok(());
            }
            let Some(run) = &mut self.run else { return Ok(()) };
            match run.next_some(cx, upto - self.kept) {
                Ok(Next::Batch(mut b)) => {
                    let own = self.plan.plan.columns.len().min(b.columns.len());
                    let columns = if self.identified.is_empty() { Vec::new() } else { b.columns.split_off(own) };
                    if !columns.is_empty() {
                        self.places.push_back((self.kept + 1, Batch { columns, rows: b.rows }));
                    }
                    self.kept += b.rows as i64;
                    ahead += b.memory();
                    self.rows.push(cx, b)?;
                }
                Ok(Next::End) => self.run = None,
                Ok(Next::Stale) => {
                    let text = "a relation changed while a cursor on it was opened";
                    return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").into());
                }
                Err(stop) => {
                    self.failed = matches!(stop, Stop::Error(_));
                    return Err(stop);
                }
            }
        }
        Ok(())
    }

    /// The batch that has the row of this number, and its place there.
    pub fn find(&mut self, row: i64) -> Result<Option<(&Batch, usize)>> {
        self.rows.find(row)
    }

    /// Where the row of this number lies.
    pub fn identities(&self, row: i64) -> Option<(&Batch, usize)> {
        let n = self.places.partition_point(|(first, _)| *first <= row).checked_sub(1)?;
        let (first, batch) = self.places.get(n)?;
        let at = (row - first) as usize;
        (at < batch.rows).then_some((batch, at))
    }

    pub fn identified(&self) -> &[Identity] {
        &self.identified
    }

    /// The row of this number, alone.
    pub fn row(&mut self, row: i64) -> Result<Option<Batch>> {
        let one = |(batch, at): (&Batch, usize)| Batch {
            columns: batch.columns.iter().map(|c| c.gather_rows(&[at as u32])).collect(),
            rows: 1,
        };
        Ok(self.find(row)?.map(one))
    }

    /// Goes to the row of this number, or as near as there are rows.
    pub fn go_to(&mut self, row: i64) {
        self.position = row.clamp(0, self.kept + 1);
        if self.facts.scroll {
            return;
        }
        self.rows.forget_before(self.position);
        let passed = |(first, batch): &(i64, Batch)| first + batch.rows as i64 <= self.position;
        while self.places.front().is_some_and(passed) {
            self.places.pop_front();
        }
    }

    /// The next row.
    pub fn forward(&mut self, cx: &mut ExecContext, name: &str) -> Flow<Option<Batch>> {
        let to = self.position.saturating_add(1);
        self.keep(cx, name, to)?;
        self.go_to(to);
        Ok(self.row(self.position)?)
    }

    /// # Errors
    /// 55000 for a way back that was not asked for.
    pub fn check_way(&self, backward: bool) -> Result<()> {
        if backward && !self.facts.scroll {
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
                .hint("Declare it with SCROLL option to enable backward scan."));
        }
        Ok(())
    }

    /// What SQL's FETCH may ask for.
    ///
    /// # Errors
    /// 55000 for a way back that was not asked for.
    pub fn may_go_back(&self, direction: FetchDirection, count: i64) -> Result<()> {
        let on_row = (1..=self.kept).contains(&self.position);
        self.check_way(match direction {
            FetchDirection::Absolute => count < 0 || count <= self.position && self.position > 0,
            FetchDirection::Backward if count > 0 => true,
            _ if count == 0 => on_row,
            FetchDirection::Forward | FetchDirection::Relative => count < 0,
            FetchDirection::Backward => false,
        })
    }

    /// Which rows a FETCH touches: their numbers in order, and the position afterwards.
    pub fn targets(&self, direction: FetchDirection, count: i64) -> (Vec<i64>, i64) {
        targets(self.position, self.kept, direction, count)
    }

    /// How many rows must be there before the targets can be told.
    pub fn needed(&self, direction: FetchDirection, count: i64) -> i64 {
        needed(self.position, direction, count)
    }

    /// The savepoints inside this depth are released.
    pub fn released(&mut self, depth: usize) {
        self.depth = self.depth.min(depth);
    }

    /// Whether it was made inside a savepoint of this depth.
    pub fn is_inside(&self, depth: usize) -> bool {
        self.depth > depth && !self.held
    }
}

/// A subtransaction ends, and only this many savepoints are left: what was made or opened inside it stays or goes.
pub fn leave_to(cx: &mut ExecContext, depth: usize, keep: bool) {
    if let Ok(backend) = cx.backend() {
        backend.large_objects.leave_to(depth, keep);
        backend.messages.leave_to(depth, keep);
    }
    let cursors = &mut cx.routines.cursors;
    match keep {
        true => cursors.values_mut().for_each(|c| c.released(depth)),
        false => cursors.retain(|_, c| !c.is_inside(depth)),
    }
}

fn targets(position: i64, rows: i64, direction: FetchDirection, count: i64) -> (Vec<i64>, i64) {
    let clamp = |p: i64| p.clamp(0, rows + 1);
    let one = |p: i64| (if (1..=rows).contains(&p) { vec![p] } else { vec![] }, clamp(p));
    match direction {
        FetchDirection::Absolute if count < 0 => one(rows + 1 + count),
        FetchDirection::Absolute => one(count),
        FetchDirection::Relative => one(clamp(position.saturating_add(count))),
        FetchDirection::Forward | FetchDirection::Backward => {
            let backward = (direction == FetchDirection::Backward) != (count < 0);
            let n = count.saturating_abs();
            if n == 0 {
                return one(position);
            }
            if backward {
                let last = (position - n.min(position)).max(0);
                let low = if n >= position { 1 } else { last };
                let found: Vec<i64> = (low..position.min(rows + 1)).rev().collect();
                let after = if n >= position { 0 } else { last };
                return (found, after);
            }
            let high = position.saturating_add(n).min(rows);
            let found: Vec<i64> = (position + 1..=high).collect();
            let after = if position.saturating_add(n) > rows { rows + 1 } else { high };
            (found, after)
        }
    }
}

fn needed(position: i64, direction: FetchDirection, count: i64) -> i64 {
    match direction {
        FetchDirection::Absolute if count < 0 => i64::MAX,
        FetchDirection::Absolute => count,
        FetchDirection::Relative => position.saturating_add(count),
        FetchDirection::Forward if count >= 0 => position.saturating_add(count),
        FetchDirection::Backward if count < 0 => position.saturating_sub(count),
        _ => position,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sql::ast::FETCH_ALL;
    use FetchDirection::*;

    /// Positions before, on and after the rows, both ways.
    #[test]
    fn where_a_fetch_goes() {
        assert_eq!(targets(0, 3, Forward, 2), (vec![1, 2], 2));
        assert_eq!(targets(2, 3, Forward, 2), (vec![3], 4));
        assert_eq!(targets(4, 3, Forward, 1), (vec![], 4));
        assert_eq!(targets(4, 3, Backward, 2), (vec![3, 2], 2));
        assert_eq!(targets(2, 3, Backward, FETCH_ALL), (vec![1], 0));
        assert_eq!(targets(2, 3, Forward, 0), (vec![2], 2));
        assert_eq!(targets(0, 3, Absolute, -1), (vec![3], 3));
        assert_eq!(targets(3, 3, Relative, -2), (vec![1], 1));
        assert_eq!(targets(1, 3, Forward, -1), (vec![], 0));
        assert_eq!(targets(0, 3, Forward, FETCH_ALL), (vec![1, 2, 3], 4));
    }
}
