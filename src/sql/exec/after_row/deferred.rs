//! Events that wait for the commit, and SET CONSTRAINTS.

use super::triggers::Known;
use super::{Event, Queue, Running, Worker};
use crate::base::{Flow, Oid, Result, Xid};
use crate::sql::exec::ExecContext;

/// A transaction's deferred events; what its SET CONSTRAINTS said; what the session knows about triggers.
#[derive(Default)]
pub struct Deferred {
    /// With the (sub)transaction that worked it off (AFTER-2).
    events: Vec<(Event, Option<Xid>)>,
    /// By whom, which constraints (None: all), deferred or not. The last word counts.
    modes: Vec<(Xid, Option<Vec<Oid>>, bool)>,
    pub(super) known: Known,
}

impl Deferred {
    pub(super) fn push(&mut self, event: Event) {
        self.events.push((event, None));
    }

    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}

/// Whether an event has to wait for the commit.
pub(super) fn is_deferred(cx: &mut ExecContext, event: &Event) -> Result<bool> {
    let Some((oid, deferrable, mut deferred)) = event.trigger.work.constraint() else { return Ok(false) };
    if !deferrable {
        return Ok(false);
    }
    let backend = cx.backend()?;
    let own = backend.txn.own();
    for (xid, constraints, on) in &backend.deferred.modes {
        if own.contains(*xid) && constraints.as_ref().is_none_or(|c| c.contains(&oid)) {
            deferred = *on;
        }
    }
    Ok(deferred)
}

/// SET CONSTRAINTS: from now on to the end of the transaction. Events that have waited so far are the caller's to run.
pub fn set_constraints(cx: &mut ExecContext, constraints: Option<Vec<Oid>>, deferred: bool) -> Result<()> {
    let backend = cx.backend()?;
    let xid = backend.txn.xid();
    backend.deferred.modes.push((xid, constraints, deferred));
    Ok(())
}

/// The transaction is over.
pub fn forget(deferred: &mut Deferred) {
    deferred.events.clear();
    deferred.modes.clear();
}

/// Works deferred events off: all of them (before a commit), or those that SET CONSTRAINTS made immediate.
pub struct DeferredEvents {
    all: bool,
    /// The next one to look at.
    next: usize,
    current: Option<Running>,
    worker: Worker,
}

impl DeferredEvents {
    pub fn all() -> DeferredEvents {
        DeferredEvents { all: true, next: 0, current: None, worker: Worker::default() }
    }

    pub fn immediate() -> DeferredEvents {
        DeferredEvents { all: false, ..DeferredEvents::all() }
    }

    pub fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        loop {
            if let Some(mut current) = self.current.take() {
                let done = self.worker.collect(cx, |cx| current.run(cx));
                if done.is_err() {
                    self.current = Some(current);
                }
                done?;
                continue;
            }
            // What an action's own statements did, first.
            self.worker.run(cx)?;
            let Some(event) = self.pick(cx)? else { return Ok(()) };
            cx.backend()?.txn.next_command();
            self.current = Running::start(cx, event)?;
        }
    }

    /// The next event whose turn it is, marked as worked off.
    fn pick(&mut self, cx: &mut ExecContext) -> Result<Option<Event>> {
        while self.next < cx.backend()?.deferred.events.len() {
            let n = self.next;
            self.next += 1;
            let backend = cx.backend()?;
            let own = backend.txn.own().clone();
            let (event, by) = &mut backend.deferred.events[n];
            if !own.contains(event.xid) || by.is_some_and(|by| own.contains(by)) {
                continue;
            }
            let event = event.again();
            if !self.all && is_deferred(cx, &event)? {
                continue;
            }
            let backend = cx.backend()?;
            let xid = backend.txn.xid();
            backend.deferred.events[n].1 = Some(xid);
            let mut event = event;
            match super::triggers::again(cx, &event.trigger)? {
                Some(trigger) => event.trigger = trigger,
                None => continue,
            }
            return Ok(Some(event));
        }
        Ok(None)
    }
}

/// Whether a relation has rows whose events still wait.
pub fn has_pending(cx: &mut ExecContext, relation: Oid) -> Result<bool> {
    let backend = cx.backend()?;
    let own = backend.txn.own().clone();
    Ok(backend.deferred.events.iter().any(|(e, by)| {
        own.contains(e.xid) && !by.is_some_and(|by| own.contains(by)) && e.trigger.work.relation() == Some(relation)
    }))
}

impl Queue {
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }
}
