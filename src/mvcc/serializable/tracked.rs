//! A serializable transaction's own handle: what it says of its reads and writes.

use super::error::Fault;
use super::graph::VertexId;
use super::held::Held;
use super::manager::Serializable;
use super::signal::{self, Signal};
use super::target::Target;
use crate::base::{Csn, Oid, Result, Xid};
use crate::mvcc::{Mvcc, XactStatus};
use parking_lot::Mutex;
use std::sync::Arc;

/// Hangs on the transaction's [`Own`](crate::mvcc::Own), so that its snapshots and writes lead here.
#[derive(Debug)]
pub struct Tracked {
    pub(super) home: Arc<Serializable>,
    pub(super) id: VertexId,
    pub(super) signal: Arc<Signal>,
    pid: u32,
    held: Mutex<Held>,
}

impl Tracked {
    pub(super) fn new(home: Arc<Serializable>, id: VertexId, signal: Arc<Signal>, pid: u32) -> Tracked {
        Tracked { home, id, signal, pid, held: Mutex::default() }
    }

    /// Whether reads and writes need not be told any more.
    #[inline]
    pub fn is_over(&self) -> bool {
        self.signal.has(signal::OVER | signal::SAFE) && self.leave()
    }

    /// A snapshot that has turned out to be safe needs no tracking.
    #[cold]
    fn leave(&self) -> bool {
        if !self.signal.has(signal::OVER) {
            self.abort();
        }
        true
    }

    pub fn is_safe(&self) -> bool {
        self.signal.has(signal::SAFE)
    }

    pub fn is_unsafe(&self) -> bool {
        self.signal.has(signal::UNSAFE)
    }

    /// It waits for its snapshot to turn out safe or not, and others may ask for whom.
    pub fn set_waiting(&self) {
        self.home.state().graph.set_waiting(self.id);
    }

    /// Marks what is about to be read (SSI-1).
    ///
    /// # Errors
    /// 53200 if there are too many marks.
    pub fn read(&self, target: Target) -> Result<()> {
        let mut held = self.held.lock();
        if held.covers(&target) {
            return Ok(());
        }
        let change = held.plan(target, &self.home.limits());
        let mut state = self.home.state();
        if let Some(target) = change.add {
            state.marks.add(target, self.id).map_err(Fault::report)?;
        }
        // The coarser mark is there before the finer ones go (SSI-4).
        change.remove.iter().for_each(|t| state.marks.remove(t, self.id));
        drop(state);
        held.apply(&change);
        Ok(())
    }

    /// 40001 if somebody has decided that this transaction must not commit.
    pub fn check_reading(&self) -> Result<()> {
        match self.signal.has(signal::DOOMED) {
            true => Err(Fault::PivotOnReadCheck.report()),
            false => Ok(()),
        }
    }

    /// `xid` has written what a snapshot that sees commits up to `csn` does not show, or removed what it shows.
    ///
    /// # Errors
    /// 40001 if this completes a dangerous structure.
    pub fn read_past(&self, mvcc: &Mvcc, xid: Xid, csn: Csn) -> Result<()> {
        if mvcc.serializable.is_idle() {
            return Ok(());
        }
        self.check_reading()?;
        let mut state = self.home.state();
        let status = mvcc.status(xid);
        if matches!(status, XactStatus::Committed(c) if c <= csn) {
            return Ok(());
        }
        let writer = state.writers.find(xid, status);
        state.graph.read_past(self.id, writer, xid).map_err(Fault::report)
    }

    /// Looks who has read what is about to be written: `target` and what covers it, from fine to coarse, so that a
    /// promotion under way hides nothing. `locked`: this row version stays locked until the transaction ends, so that its
    /// own mark is of no more use.
    ///
    /// # Errors
    /// 40001 if this completes a dangerous structure.
    pub fn write(&self, target: Target, locked: bool) -> Result<()> {
        if self.signal.has(signal::DOOMED) {
            return Err(Fault::PivotOnWriteCheck.report());
        }
        self.signal.raise(signal::WROTE);
        let mut held = self.held.lock();
        let mut state = self.home.state();
        for t in std::iter::once(target).chain(target.ancestors()) {
            state.write_over(self.id, &t).map_err(Fault::report)?;
        }
        if locked && held.has(&target) {
            state.marks.remove(&target, self.id);
            held.remove(&target);
        }
        Ok(())
    }

    /// A whole table is emptied or dropped: as if each of its rows were written.
    ///
    /// # Errors
    /// 40001 if this completes a dangerous structure.
    pub fn write_all(&self, db: Oid, rel: Oid) -> Result<()> {
        self.signal.raise(signal::WROTE);
        let mut state = self.home.state();
        let all: Vec<Target> = state.marks.on(db, rel).map(|(t, _)| *t).collect();
        for target in all {
            state.write_over(self.id, &target).map_err(Fault::report)?;
        }
        Ok(())
    }

    /// An id was given to the transaction or one of its sub-transactions (SSI-2).
    pub fn enter_id(&self, xid: Xid) {
        self.home.state().enter_id(self.id, xid);
    }

    /// The last point at which it may fail for the sake of serializability.
    ///
    /// # Errors
    /// 40001.
    pub fn prepare(&self) -> Result<()> {
        match self.is_over() {
            true => Ok(()),
            false => self.home.state().graph.prepare(self.id).map_err(Fault::report),
        }
    }

    /// It has committed, visibly if it has written (with the number it got).
    pub fn commit(&self, csn: Option<Csn>) {
        if self.is_over() {
            return;
        }
        self.signal.raise(signal::OVER);
        let wrote = self.signal.has(signal::WROTE);
        self.home.change(|state| {
            let ids = state.graph.get_mut(self.id).map(|v| std::mem::take(&mut v.ids)).unwrap_or_default();
            match csn {
                Some(csn) => state.writers.committed(csn, &ids, self.id),
                None => state.writers.forget(&ids),
            }
            state.graph.commit(self.id, csn, wrote);
        });
    }

    /// It was rolled back, or need not be tracked.
    pub fn abort(&self) {
        if !self.signal.has(signal::OVER) {
            self.signal.raise(signal::OVER);
            self.home.change(|state| state.graph.abort(self.id));
        }
    }

    /// What a prepared transaction must remember of itself: whether it only reads, whether it wrote, what it marked. It
    /// belongs to `owner` from now on, who is no session.
    pub fn leave_session(&self, owner: u32) -> (bool, bool, Vec<Target>) {
        let mut state = self.home.state();
        let marks = state.marks.of(self.id);
        let read_only = state.graph.leave_session(self.id, owner);
        (read_only, self.signal.has(signal::WROTE), marks)
    }

    /// The session.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Its number in the graph.
    pub fn number(&self) -> u64 {
        self.id.0
    }
}

impl Drop for Tracked {
    fn drop(&mut self) {
        self.abort();
    }
}
