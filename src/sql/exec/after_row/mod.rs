//! What has to be done after rows were changed: foreign keys, constraints checked late, and AFTER ROW triggers.
//!
//! A data-modifying node tells [`note`] of every row it changed; what the relation's [`RowTriggers`] want to do about it
//! becomes an [`Event`] of the running statement. When the statement's tree has come to its end, [`AfterRows`] (the node
//! above the tree) works the events off, in order; statements that foreign keys run for their actions add theirs to the
//! end of the same queue, so that a long cascade is a loop and no recursion. Events of deferred constraints move to the
//! transaction ([`Deferred`]) and are worked off before it commits, or by SET CONSTRAINTS.
//!
//! Departs from PostgreSQL 15, trigger.c: there is no stack of query levels, each statement's node has its own queue; and
//! an event is about any number of rows of one trigger, so that keys are looked up together.
//!
//! Invariants
//! - AFTER-1: an event is worked off after all rows of its statement were changed, and sees them.
//! - AFTER-2: an event counts only while the (sub)transaction that made it does: its id is looked for among the living
//!   ones, so a rollback to a savepoint needs to forget nothing. The same goes for "has been worked off".

mod deferred;
pub mod foreign_key;
mod nested;
mod triggers;

pub use deferred::{Deferred, DeferredEvents, forget, has_pending, set_constraints};
pub use nested::Nested;
pub use triggers::{RowTrigger, RowTriggers, Work, of_relation};

use super::modify::ChangeKind;
use super::{ExecContext, Node};
use crate::base::{Flow, Result, TupleId, Xid};
use crate::types::{Batch, Column};
use std::collections::VecDeque;
use std::sync::Arc;

/// Rows of one trigger that await it.
pub struct Event {
    pub trigger: Arc<RowTrigger>,
    /// Who changed them.
    pub xid: Xid,
    /// The columns the trigger looks at: a check's key; an action's old key, then its new one.
    pub rows: Batch,
    /// Where the new versions lie.
    pub tids: Vec<TupleId>,
}

/// A changed row.
pub struct RowChange<'a> {
    pub kind: ChangeKind,
    pub old: Option<(&'a [Column], usize)>,
    pub new: Option<(&'a [Column], usize)>,
    pub old_tid: TupleId,
    pub tid: TupleId,
}

/// Events of a running statement.
#[derive(Default)]
pub struct Queue {
    events: VecDeque<Event>,
}

/// How far from the end of the queue rows may still join an event of the same trigger.
const JOIN: usize = 8;

impl Queue {
    /// The event rows of this trigger are to be added to.
    fn event(&mut self, trigger: &Arc<RowTrigger>, xid: Xid, columns: impl FnOnce() -> Vec<Column>) -> &mut Event {
        let from = self.events.len().saturating_sub(JOIN);
        let known = self.events.range(from..).position(|e| Arc::ptr_eq(&e.trigger, trigger) && e.xid == xid);
        let at = match known {
            Some(n) => from + n,
            None => {
                let rows = Batch { columns: columns(), rows: 0 };
                self.events.push_back(Event { trigger: trigger.clone(), xid, rows, tids: Vec::new() });
                self.events.len() - 1
            }
        };
        &mut self.events[at]
    }
}

/// Takes note of a changed row, for the triggers of its relation.
pub(super) fn note(cx: &mut ExecContext, triggers: &RowTriggers, change: &RowChange<'_>) -> Result<()> {
    for trigger in triggers.of(change.kind) {
        let Some(mut queue) = cx.after_rows.take() else { return Ok(()) };
        let noted = trigger.work.note(cx, trigger, change, &mut queue);
        cx.after_rows = Some(queue);
        noted?;
    }
    Ok(())
}

/// An event being worked off.
enum Running {
    Check(Box<foreign_key::Check>),
    Action(Box<foreign_key::Action>),
}

impl Running {
    fn start(cx: &mut ExecContext, event: Event) -> Result<Option<Running>> {
        Ok(match event.trigger.work.clone() {
            Work::Check(reference) => Some(Running::Check(Box::new(foreign_key::Check::start(cx, reference, event)?))),
            Work::Deleted(reference) => {
                Some(Running::Action(Box::new(foreign_key::Action::start(reference, false, event.rows))))
            }
            Work::Updated(reference) => {
                Some(Running::Action(Box::new(foreign_key::Action::start(reference, true, event.rows))))
            }
        })
    }

    fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        match self {
            Running::Check(check) => check.run(cx),
            Running::Action(action) => action.run(cx),
        }
    }
}

/// Events on their way: those in the queue and the one under work. State of whoever runs them (FLOW-1).
#[derive(Default)]
pub struct Worker {
    queue: Option<Box<Queue>>,
    current: Option<Running>,
}

impl Worker {
    pub fn of(queue: Box<Queue>) -> Worker {
        Worker { queue: Some(queue), current: None }
    }

    /// Lets `f` run with this queue as the place for new events.
    pub fn collect<T>(&mut self, cx: &mut ExecContext, f: impl FnOnce(&mut ExecContext) -> T) -> T {
        let outer = cx.after_rows.replace(self.queue.take().unwrap_or_default());
        let done = f(cx);
        self.queue = std::mem::replace(&mut cx.after_rows, outer);
        done
    }

    /// Works off everything that cannot wait for the commit.
    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if self.current.is_none() {
                let Some(event) = self.queue.as_mut().and_then(|q| q.events.pop_front()) else { return Ok(()) };
                if deferred::is_deferred(cx, &event)? {
                    cx.backend()?.deferred.push(event);
                    continue;
                }
                cx.backend()?.txn.next_command();
                self.current = Running::start(cx, event)?;
            }
            let Some(mut current) = self.current.take() else { continue };
            let done = self.collect(cx, |cx| current.run(cx));
            if done.is_err() {
                self.current = Some(current);
            }
            done?;
        }
    }
}

/// The node above a data-modifying statement's tree.
pub(super) struct AfterRows {
    child: Box<dyn Node>,
    worker: Worker,
    ended: bool,
}

impl AfterRows {
    pub fn new(child: Box<dyn Node>) -> AfterRows {
        AfterRows { child, worker: Worker::default(), ended: false }
    }
}

impl Node for AfterRows {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        if !self.ended {
            let child = &mut self.child;
            let batch = self.worker.collect(cx, |cx| child.next(cx))?;
            if batch.is_some() {
                return Ok(batch);
            }
            self.ended = true;
        }
        self.worker.run(cx)?;
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        self.child.rescan(cx)
    }

    fn report(&self, stats: &mut super::instrument::NodeStats) {
        self.child.report(stats);
    }
}
