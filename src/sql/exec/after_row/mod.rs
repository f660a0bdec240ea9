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
pub mod transition;
mod triggers;
pub mod unique;
mod user;

pub use deferred::{Deferred, DeferredEvents, forget, has_pending, set_constraints};
pub use nested::Nested;
pub(in crate::sql::exec) use triggers::referenced_between;
pub use triggers::{RowTrigger, RowTriggers, Work, of_relation};

use super::modify::ChangeKind;
use super::{ExecContext, Node, Tuplestore};
use crate::base::memory::Claimed;
use crate::base::{Error, Flow, Oid, Result, SqlState, TupleId, Xid};
use crate::types::{Batch, Column, Phys};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Instant;

/// Rows of one trigger that await it.
pub struct Event {
    pub trigger: Arc<RowTrigger>,
    /// Who changed them.
    pub xid: Xid,
    /// The columns the trigger looks at: a check's key; an action's old key, then its new one; a user's whole rows, new
    /// and old, of which those before are in `earlier`.
    pub rows: Batch,
    earlier: Option<Arc<Tuplestore>>,
    /// Where the new versions lie.
    pub tids: Vec<TupleId>,
    /// The rows kept for the trigger's transition tables.
    kept: Option<usize>,
    pub transitions: transition::Transitions,
}

impl Event {
    fn new(trigger: Arc<RowTrigger>, xid: Xid, rows: Batch) -> Event {
        Event { trigger, xid, rows, earlier: None, tids: Vec::new(), kept: None, transitions: None }
    }

    /// Puts rows that have become many into `earlier`, which goes to a file beyond `work_mem`; true: the event's own are
    /// none now.
    fn settle(&mut self, cx: &mut ExecContext) -> Result<bool> {
        if !self.rows.is_full() {
            return Ok(false);
        }
        let forms: Vec<Phys> = self.rows.columns.iter().map(Column::phys).collect();
        let store = self.earlier.get_or_insert_with(|| Arc::new(Tuplestore::new(&forms)));
        // Nobody else has it before the event is taken from its queue.
        let Some(store) = Arc::get_mut(store) else { return Ok(false) };
        store.append(cx, &self.rows)?;
        self.rows = Batch { columns: forms.into_iter().map(Column::new).collect(), rows: 0 };
        Ok(true)
    }

    /// The same rows for the same trigger.
    fn again(&self) -> Event {
        let (tids, earlier) = (self.tids.clone(), self.earlier.clone());
        Event { tids, earlier, ..Event::new(self.trigger.clone(), self.xid, self.rows.clone()) }
    }
}

/// A changed row.
pub struct RowChange<'a> {
    pub kind: ChangeKind,
    pub old: Option<(&'a [Column], usize)>,
    pub new: Option<(&'a [Column], usize)>,
    pub old_tid: TupleId,
    pub tid: TupleId,
    /// The attributes the statement assigns, where it assigns some.
    pub assigned: Option<&'a [usize]>,
}

/// Events of a running statement.
#[derive(Default)]
pub struct Queue {
    events: VecDeque<Event>,
    /// Bytes of the rows that have joined.
    held: usize,
    claimed: Claimed,
    /// Relations whose BEFORE STATEMENT triggers were fired, by what happens to them.
    begun: Vec<(Oid, ChangeKind)>,
    kept: Vec<transition::Kept>,
    /// AFTER STATEMENT triggers to be fired when all rows are done.
    statements: VecDeque<(Arc<RowTrigger>, Option<usize>)>,
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
                self.events.push_back(Event::new(trigger.clone(), xid, rows));
                self.events.len() - 1
            }
        };
        &mut self.events[at]
    }

    /// Takes note of a row that joins.
    ///
    /// # Errors
    /// 53200.
    fn hold(&mut self, row: &Batch) -> Result<()> {
        let value = |c: &Column| 16 + c.last_len();
        self.held += row.columns.iter().map(value).sum::<usize>();
        self.claimed.grown(self.held, "AfterTriggerEvents")
    }

    /// The event rows of this trigger are to be added to, where the order of rows and triggers is to be kept.
    fn last(
        &mut self,
        trigger: &Arc<RowTrigger>,
        xid: Xid,
        kept: Option<usize>,
        columns: impl FnOnce() -> Vec<Column>,
    ) -> &mut Event {
        let same = |e: &Event| Arc::ptr_eq(&e.trigger, trigger) && e.xid == xid && e.kept == kept;
        if !self.events.back().is_some_and(same) {
            let rows = Batch { columns: columns(), rows: 0 };
            self.events.push_back(Event { kept, ..Event::new(trigger.clone(), xid, rows) });
        }
        let at = self.events.len() - 1;
        &mut self.events[at]
    }
}

/// A statement begins to change a relation; true: it is the first to do so in this way, so that BEFORE STATEMENT triggers
/// are to be fired.
pub(super) fn begin(cx: &mut ExecContext, relation: Oid, kind: ChangeKind) -> bool {
    let Some(queue) = &mut cx.after_rows else { return true };
    if queue.begun.contains(&(relation, kind)) {
        return false;
    }
    queue.begun.push((relation, kind));
    true
}

/// A statement has changed all rows of a relation: its AFTER STATEMENT triggers are to be fired once.
pub(super) fn end(cx: &mut ExecContext, triggers: &RowTriggers, kind: ChangeKind, assigned: Option<&[usize]>) {
    for t in triggers.statements(kind) {
        if let Work::User(user, _) = &t.work
            && user.fires(cx, kind, assigned)
            && let Some(queue) = &mut cx.after_rows
            && !queue.statements.iter().any(|s| Arc::ptr_eq(&s.0, &t))
        {
            let kept = user.reads_transitions().then(|| queue.kept(&user.rel, kind));
            queue.statements.push_back((t.clone(), kept));
        }
    }
}

/// Takes note of a changed row, for the triggers of its relation.
pub(super) fn note(
    cx: &mut ExecContext,
    triggers: &RowTriggers,
    capture: Option<&transition::Capture>,
    change: &RowChange<'_>,
) -> Result<()> {
    if let (Some(capture), Some(queue)) = (capture, &mut cx.after_rows) {
        capture.note(queue, change);
    }
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
    User(Box<user::Firing>),
    Unique(Box<unique::Recheck>),
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
            Work::Unique(key) => Some(Running::Unique(Box::new(unique::Recheck::start(key, event)))),
            Work::User(user, kind) => Some(Running::User(Box::new(user::Firing::start(user, kind, event)))),
        })
    }

    fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        match self {
            Running::Check(check) => check.run(cx),
            Running::Action(action) => action.run(cx),
            Running::User(firing) => firing.run(cx),
            Running::Unique(recheck) => recheck.run(cx),
        }
    }
}

/// Events on their way: those in the queue and the one under work. State of whoever runs them (FLOW-1).
#[derive(Default)]
pub struct Worker {
    queue: Option<Box<Queue>>,
    current: Option<Running>,
    /// The foreign key of the one under work and how many rows it is about, where EXPLAIN wants to know.
    foreign: Option<(String, Arc<foreign_key::Reference>, u64)>,
}

impl Worker {
    pub fn of(queue: Box<Queue>) -> Worker {
        Worker { queue: Some(queue), ..Worker::default() }
    }

    /// Lets `f` run with this queue as the place for new events.
    pub fn collect<T>(&mut self, cx: &mut ExecContext, f: impl FnOnce(&mut ExecContext) -> T) -> T {
        let outer = cx.after_rows.replace(self.queue.take().unwrap_or_default());
        let done = f(cx);
        self.queue = std::mem::replace(&mut cx.after_rows, outer);
        done
    }

    /// The next event; when all rows are done, the next statement trigger as one.
    fn next_event(&mut self, cx: &mut ExecContext) -> Result<Option<Event>> {
        let Some(queue) = &mut self.queue else { return Ok(None) };
        if let Some(event) = queue.events.pop_front() {
            return Ok(Some(event));
        }
        let Some((trigger, kept)) = queue.statements.pop_front() else { return Ok(None) };
        let xid = cx.backend()?.txn.xid();
        Ok(Some(Event { kept, ..Event::new(trigger, xid, Batch::default()) }))
    }

    /// Works off everything that cannot wait for the commit.
    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if self.current.is_none() {
                let Some(mut event) = self.next_event(cx)? else { return Ok(()) };
                if deferred::is_deferred(cx, &event)? {
                    if cx.backend()?.user.restricted {
                        let text = "cannot fire deferred trigger within security-restricted operation";
                        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).into());
                    }
                    cx.backend()?.deferred.push(event);
                    continue;
                }
                if let (Some(kept), Some(queue), Work::User(user, _)) =
                    (event.kept, &mut self.queue, &event.trigger.work)
                {
                    event.transitions = queue.tables(kept, &user.rel, &user.def);
                }
                cx.backend()?.txn.next_command();
                self.foreign = match (&cx.instrument, &event.trigger.work) {
                    (Some(_), Work::Check(r) | Work::Deleted(r) | Work::Updated(r)) => {
                        Some((event.trigger.name.clone(), r.clone(), event.rows.rows as u64))
                    }
                    _ => None,
                };
                self.current = Running::start(cx, event)?;
            }
            let Some(mut current) = self.current.take() else { continue };
            let started = cx.instrument.is_some().then(Instant::now);
            let done = self.collect(cx, |cx| current.run(cx));
            if let (Some(started), Some(i), Some((name, reference, rows))) =
                (started, &mut cx.instrument, &self.foreign)
            {
                let calls = if done.is_ok() { *rows } else { 0 };
                i.fired(name, &reference.child.name, Some(&reference.constraint.name), calls, started.elapsed());
            }
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
