//! The graph, the marks and the ids under one mutex, and how a transaction enters.

use super::error::Fault;
use super::graph::{Graph, Retired, VertexId};
use super::limits::Limits;
use super::locks::Marks;
use super::signal;
use super::target::Target;
use super::tracked::Tracked;
use super::writers::Writers;
use crate::base::{self, BlockNo, Csn, Oid, Xid};
use crate::mvcc::Snapshot;
use parking_lot::{Mutex, MutexGuard, RwLock};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;

/// What becomes of all serializable transactions of the engine.
#[derive(Debug)]
pub struct Serializable {
    state: Mutex<State>,
    /// Transactions in the graph.
    tracked: AtomicUsize,
    limits: RwLock<Limits>,
}

#[derive(Debug)]
pub(super) struct State {
    pub graph: Graph,
    pub marks: Marks,
    pub writers: Writers,
}

/// Who begins.
#[derive(Clone, Debug)]
pub struct Who {
    pub pid: u32,
    pub read_only: bool,
    /// Ids it has already, the top-level one first.
    pub ids: Vec<Xid>,
}

impl Default for Serializable {
    fn default() -> Self {
        let limits = Limits::default();
        let mut marks = Marks::default();
        marks.limit = limits.marks;
        let graph = Graph::new(limits.transactions, limits.edges);
        let state = State { graph, marks, writers: Writers::default() };
        Serializable { state: Mutex::new(state), tracked: AtomicUsize::new(0), limits: RwLock::new(limits) }
    }
}

impl Serializable {
    pub fn set_limits(&self, limits: Limits) {
        *self.limits.write() = limits;
        let mut state = self.state.lock();
        state.marks.limit = limits.marks;
        (state.graph.max_vertices, state.graph.max_edges) = (limits.transactions, limits.edges);
    }

    pub(super) fn limits(&self) -> Limits {
        *self.limits.read()
    }

    /// Whether there is anything to look after. A page's latch orders this with marks on that page.
    #[inline]
    pub fn is_idle(&self) -> bool {
        self.tracked.load(Ordering::Relaxed) == 0
    }

    /// Takes a transaction's snapshot and enters it (SSI-3). None: it only reads and nobody writes, so that its snapshot is
    /// safe from the start.
    pub fn begin(self: &Arc<Self>, who: &Who, take: impl FnOnce() -> Snapshot) -> (Snapshot, Option<Arc<Tracked>>) {
        let mut entered = None;
        let mut snapshot = None;
        self.change(|state| {
            let taken = take();
            if !(who.read_only && state.graph.nobody_writes()) {
                let id = state.graph.begin(who.pid, who.read_only, taken.csn);
                who.ids.iter().for_each(|xid| state.enter_id(id, *xid));
                entered = state.graph.get(id).map(|v| (id, v.signal.clone()));
            }
            snapshot = Some(taken);
        });
        let snapshot = snapshot.expect("taken above");
        let tracked = entered.map(|(id, signal)| Arc::new(Tracked::new(self.clone(), id, signal, who.pid)));
        (snapshot, tracked)
    }

    /// Enters a transaction that takes the snapshot of another one; None if that one has ended.
    pub fn begin_beside(self: &Arc<Self>, source: &Tracked, who: &Who) -> Option<Arc<Tracked>> {
        let (id, signal) = self.change(|state| {
            let id = state.graph.begin_beside(source.id, who.pid, who.read_only)?;
            who.ids.iter().for_each(|xid| state.enter_id(id, *xid));
            state.graph.get(id).map(|v| (id, v.signal.clone()))
        })?;
        Some(Arc::new(Tracked::new(self.clone(), id, signal, who.pid)))
    }

    /// Enters a prepared transaction after a restart, with what it had marked.
    ///
    /// # Errors
    /// 53200 if there is no room for the marks.
    pub fn recover(
        self: &Arc<Self>,
        who: &Who,
        snapshot: Csn,
        wrote: bool,
        marks: &[Target],
    ) -> base::Result<Option<Arc<Tracked>>> {
        let entered: Result<_, Fault> = self.change(|state| {
            let id = state.graph.recover(who.pid, who.read_only, snapshot);
            who.ids.iter().for_each(|xid| state.enter_id(id, *xid));
            for target in marks {
                state.marks.add(*target, id)?;
            }
            Ok(state.graph.get(id).map(|v| (id, v.signal.clone())))
        });
        let Some((id, signal)) = entered.map_err(Fault::report)? else { return Ok(None) };
        if wrote {
            signal.raise(signal::WROTE);
        }
        Ok(Some(Arc::new(Tracked::new(self.clone(), id, signal, who.pid))))
    }

    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// Changes the graph, does what follows from it, and wakes who waited for it.
    pub(super) fn change<T>(&self, f: impl FnOnce(&mut State) -> T) -> T {
        let (out, wake) = {
            let mut state = self.state.lock();
            let out = f(&mut state);
            state.settle();
            self.tracked.store(state.graph.len(), Ordering::Relaxed);
            (out, std::mem::take(&mut state.graph.wake))
        };
        wake.into_iter().for_each(Waker::wake);
        out
    }

    /// An index page's entries from some place on went to a new page (or, deleting `from`, `to` takes its range over).
    /// To be called with both latched.
    pub fn page_moved(&self, db: Oid, rel: Oid, from: BlockNo, to: BlockNo) {
        if !self.is_idle() {
            self.state.lock().marks.copy_page(db, rel, from, to);
        }
    }

    /// A table or an index of it gets new files or goes: marks on `rel` become marks on the whole table.
    pub fn rewritten(&self, db: Oid, rel: Oid, table: Oid) {
        if !self.is_idle() {
            self.state.lock().marks.promote(db, rel, table);
        }
    }

    /// All marks, with the owner's pid (0: a summarised one).
    pub fn rows(&self) -> Vec<(Target, u32)> {
        if self.is_idle() {
            return Vec::new();
        }
        let state = self.state.lock();
        let mut rows = Vec::new();
        for (target, owners) in state.marks.all() {
            let pid = |id: &VertexId| state.graph.get(*id).map_or(0, |v| v.pid);
            rows.extend(owners.living.iter().map(|id| (*target, pid(id))));
            rows.extend(owners.old.map(|_| (*target, 0)));
        }
        rows
    }

    /// Whether it is known if a read-only transaction's snapshot is safe ([`Tracked::number`]); else `waker` is called then.
    pub fn on_decided(&self, number: u64, waker: &Waker) -> bool {
        self.state.lock().graph.on_decided(VertexId(number), waker)
    }

    /// For whose ends a session waits that wants a safe snapshot.
    pub fn blockers(&self, pid: u32) -> Vec<u32> {
        if self.is_idle() { Vec::new() } else { self.state.lock().graph.blockers(pid) }
    }
}

impl State {
    pub fn enter_id(&mut self, id: VertexId, xid: Xid) {
        let Some(v) = self.graph.get_mut(id) else { return };
        if !v.xid.is_valid() {
            v.xid = xid;
        }
        v.ids.push(xid);
        self.writers.enter(xid, id);
    }

    /// Follows what the graph let go.
    fn settle(&mut self) {
        if self.graph.retired.is_empty() {
            return;
        }
        for retired in std::mem::take(&mut self.graph.retired) {
            match retired {
                Retired::Gone { id, ids, csn } => {
                    self.marks.release(id);
                    self.writers.forget(&ids);
                    csn.into_iter().for_each(|csn| self.writers.forget_commit(csn));
                }
                Retired::Quiet(id) => self.marks.release(id),
                Retired::Summarised { id, committed, csn, writer, first_out } => {
                    self.marks.summarise(id, committed);
                    match csn {
                        Some(csn) if writer => self.writers.summarise(csn, first_out),
                        Some(csn) => self.writers.forget_commit(csn),
                        None => {}
                    }
                }
            }
        }
        self.marks.release_old(self.graph.old_marks_end());
        self.writers.trim(self.graph.oldest_snapshot());
    }

    /// Looks for others' marks on `target`.
    pub fn write_over(&mut self, me: VertexId, target: &Target) -> Result<(), Fault> {
        let Some(owners) = self.marks.owners(target) else { return Ok(()) };
        let owners = owners.clone();
        for reader in owners.living {
            self.graph.write_over(me, reader)?;
        }
        match owners.old {
            Some(seq) => self.graph.write_over_old(me, seq),
            None => Ok(()),
        }
    }
}
