//! Serializable transactions and the rw-edges between them: a pure structure, without locks and clocks.
//!
//! A vertex is active, then committing (*prepared*: it has passed its last check and cannot be cancelled any more), then
//! committed; ends are numbered in one sequence. An aborted one leaves at once.

mod danger;
mod retire;
mod safe;

use super::error::Fault;
use super::signal::{self, Signal};
use crate::base::{Csn, Xid};
use hashbrown::HashMap;
use std::collections::{BTreeSet, VecDeque};
use std::sync::Arc;
use std::task::Waker;

pub(in crate::mvcc::serializable) use retire::Retired;

/// A place in the order of preparations and commits of serializable transactions.
pub(super) type Seq = u64;
/// Before every commit.
const FIRST: Seq = 1;

#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub(super) struct VertexId(pub u64);

#[derive(Debug)]
pub(super) struct Vertex {
    /// The session.
    pub pid: u32,
    /// The top-level id, once there is one; messages name it.
    pub xid: Xid,
    /// All ids, sub-transactions' included, while it runs.
    pub ids: Vec<Xid>,
    pub csn: Option<Csn>,
    /// What its snapshot sees.
    pub snapshot: Csn,
    /// The last end numbered when its snapshot was taken.
    pub seen: Seq,
    pub prepared: Option<Seq>,
    pub committed: Option<Seq>,
    /// Declared so; it never counts as a writer.
    declared_read_only: bool,
    /// Declared so, or committed without having written.
    read_only: bool,
    pub signal: Arc<Signal>,
    /// Of a committed one: when the first of those its edges lead to began to commit.
    first_out: Option<Seq>,
    /// Some edge came from (went to) a transaction that is summarised now.
    old_in: bool,
    old_out: bool,
    /// Whom it must precede; who must precede it.
    outs: BTreeSet<VertexId>,
    ins: BTreeSet<VertexId>,
    /// Read-only: the writers that may still make its snapshot unsafe. A writer: whose snapshots it may make unsafe.
    threats: BTreeSet<VertexId>,
    waker: Option<Waker>,
    /// Waits for its snapshot to turn out safe or not.
    waiting: bool,
}

impl Vertex {
    fn is_doomed(&self) -> bool {
        self.signal.has(signal::DOOMED)
    }

    fn is_committed(&self) -> bool {
        self.committed.is_some()
    }

    /// An active one that can still be made to give way.
    fn may_be_doomed(&self) -> bool {
        self.prepared.is_none()
    }
}

/// Who reads, in an edge to a writer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Reader {
    Known(VertexId),
    /// A summarised one.
    Old,
}

#[derive(Debug)]
pub(super) struct Graph {
    vertices: HashMap<VertexId, Vertex>,
    next: u64,
    /// The last end numbered.
    last: Seq,
    /// Those that have not ended, by what they have seen.
    active: BTreeSet<(Seq, VertexId)>,
    /// Active ones not declared read-only.
    writable: usize,
    /// Committed ones, in the order of their commits.
    finished: VecDeque<VertexId>,
    /// No writer is concurrent with those that committed up to here: nobody will meet their marks.
    quiet_through: Seq,
    /// How far that was made use of.
    quietened: Seq,
    edges: usize,
    pub max_vertices: usize,
    pub max_edges: usize,
    /// To be taken over by the owner after each call.
    pub retired: Vec<Retired>,
    pub wake: Vec<Waker>,
}

impl Graph {
    pub fn new(max_vertices: usize, max_edges: usize) -> Graph {
        Graph {
            vertices: HashMap::new(),
            next: 0,
            last: FIRST,
            active: BTreeSet::new(),
            writable: 0,
            finished: VecDeque::new(),
            quiet_through: 0,
            quietened: 0,
            edges: 0,
            max_vertices,
            max_edges,
            retired: Vec::new(),
            wake: Vec::new(),
        }
    }

    pub fn len(&self) -> usize {
        self.vertices.len()
    }

    pub fn get(&self, id: VertexId) -> Option<&Vertex> {
        self.vertices.get(&id)
    }

    pub fn get_mut(&mut self, id: VertexId) -> Option<&mut Vertex> {
        self.vertices.get_mut(&id)
    }

    /// Whether no transaction that could write is active: then a read-only one needs no vertex.
    pub fn nobody_writes(&self) -> bool {
        self.writable == 0
    }

    /// Enters a transaction whose snapshot was taken just now.
    pub fn begin(&mut self, pid: u32, read_only: bool, snapshot: Csn) -> VertexId {
        let id = self.enter(pid, read_only, (self.last, snapshot));
        if read_only {
            self.watch_writers(id);
        }
        id
    }

    /// Enters a transaction with the snapshot of an active one; None if that one is not active. Of writers that have
    /// ended since nobody knows whether they made the snapshot unsafe.
    pub fn begin_beside(&mut self, source: VertexId, pid: u32, read_only: bool) -> Option<VertexId> {
        let taken = self.vertices.get(&source).filter(|v| !v.is_committed()).map(|v| (v.seen, v.snapshot))?;
        let id = self.enter(pid, read_only, taken);
        if let Some(v) = self.vertices.get(&id) {
            v.signal.raise(signal::UNSAFE);
        }
        Some(id)
    }

    fn enter(&mut self, pid: u32, read_only: bool, (seen, snapshot): (Seq, Csn)) -> VertexId {
        while self.vertices.len() >= self.max_vertices && self.summarise_oldest() {}
        self.next += 1;
        let id = VertexId(self.next);
        let vertex = Vertex {
            pid,
            xid: Xid::INVALID,
            ids: Vec::new(),
            csn: None,
            snapshot,
            seen,
            prepared: None,
            committed: None,
            declared_read_only: read_only,
            read_only,
            signal: Arc::default(),
            first_out: None,
            old_in: false,
            old_out: false,
            outs: BTreeSet::new(),
            ins: BTreeSet::new(),
            threats: BTreeSet::new(),
            waker: None,
            waiting: false,
        };
        self.vertices.insert(id, vertex);
        self.active.insert((seen, id));
        self.writable += usize::from(!read_only);
        id
    }

    /// Enters a prepared transaction that comes back from a restart. Whom it had edges with nobody knows any more, so it
    /// counts as having both kinds (PostgreSQL 15, predicate.c, predicatelock_twophase_recover: same).
    pub fn recover(&mut self, owner: u32, read_only: bool, snapshot: Csn) -> VertexId {
        let id = self.enter(owner, read_only, (self.last, snapshot));
        let last = self.last;
        if let Some(v) = self.vertices.get_mut(&id) {
            v.prepared = Some(last);
            (v.old_in, v.old_out) = (!read_only, !read_only);
        }
        id
    }

    /// A prepared transaction belongs to no session; whether it was declared read-only.
    pub fn leave_session(&mut self, id: VertexId, owner: u32) -> bool {
        self.vertices.get_mut(&id).is_some_and(|v| {
            v.pid = owner;
            v.declared_read_only
        })
    }

    /// The oldest snapshot of an active transaction.
    pub fn oldest_snapshot(&self) -> Option<Csn> {
        self.active.iter().filter_map(|(_, id)| self.vertices.get(id)).map(|v| v.snapshot).min()
    }

    /// What the oldest active transaction has seen.
    pub fn oldest_seen(&self) -> Option<Seq> {
        self.active.first().map(|a| a.0)
    }

    fn number(&mut self) -> Seq {
        self.last += 1;
        self.last
    }

    fn has_edge(&self, reader: VertexId, writer: VertexId) -> bool {
        self.vertices.get(&reader).is_some_and(|v| v.outs.contains(&writer))
    }

    fn link(&mut self, reader: VertexId, writer: VertexId) -> Result<(), Fault> {
        if self.edges >= self.max_edges {
            return Err(Fault::TooManyEdges);
        }
        let (Some(r), true) = (self.vertices.get_mut(&reader), reader != writer) else { return Ok(()) };
        if r.outs.insert(writer) {
            self.edges += 1;
            if let Some(w) = self.vertices.get_mut(&writer) {
                w.ins.insert(reader);
            }
        }
        Ok(())
    }

    fn unlink(&mut self, reader: VertexId, writer: VertexId) {
        if let Some(w) = self.vertices.get_mut(&writer) {
            w.ins.remove(&reader);
        }
        if self.vertices.get_mut(&reader).is_some_and(|r| r.outs.remove(&writer)) {
            self.edges -= 1;
        }
    }

    fn outs(&self, id: VertexId) -> Vec<VertexId> {
        self.vertices.get(&id).map(|v| v.outs.iter().copied().collect()).unwrap_or_default()
    }

    fn ins(&self, id: VertexId) -> Vec<VertexId> {
        self.vertices.get(&id).map(|v| v.ins.iter().copied().collect()).unwrap_or_default()
    }

    /// A commit that has become visible. `wrote`: something that others may have read.
    pub fn commit(&mut self, id: VertexId, csn: Option<Csn>, wrote: bool) {
        let seq = self.number();
        let Some(v) = self.vertices.get_mut(&id) else { return };
        v.committed = Some(seq);
        v.csn = csn;
        v.read_only |= !wrote;
        if !v.read_only && v.old_out {
            // Nobody knows any more which one it was.
            v.first_out = Some(FIRST);
        }
        let (declared, reads_only, seen) = (v.declared_read_only, v.read_only, v.seen);
        self.active.remove(&(seen, id));
        self.leave_active(declared);
        for out in self.outs(id) {
            let Some(o) = self.vertices.get(&out) else { continue };
            if !o.is_committed() {
                continue;
            }
            let prepared = o.prepared;
            if !reads_only && let Some(v) = self.vertices.get_mut(&id) {
                v.first_out = v.first_out.into_iter().chain(prepared).min();
            }
            self.unlink(id, out);
        }
        for from in self.ins(id) {
            if self.vertices.get(&from).is_some_and(|v| v.is_committed() || v.read_only) {
                self.unlink(from, id);
            }
        }
        match declared {
            true => self.stop_watching(id),
            false => self.tell_watchers(id, wrote),
        }
        self.finished.push_back(id);
        self.sweep();
    }

    /// It will not commit, or need not be tracked any more.
    pub fn abort(&mut self, id: VertexId) {
        let Some(v) = self.vertices.get_mut(&id) else { return };
        v.signal.raise(signal::DOOMED);
        v.prepared = None;
        let (declared, seen) = (v.declared_read_only, v.seen);
        self.active.remove(&(seen, id));
        self.leave_active(declared);
        match declared {
            true => self.stop_watching(id),
            false => self.tell_watchers(id, false),
        }
        self.remove(id);
        self.sweep();
    }

    /// One less that could write; after the last one no committed transaction's marks matter any more.
    fn leave_active(&mut self, declared_read_only: bool) {
        if !declared_read_only {
            self.writable -= 1;
            if self.writable == 0 {
                self.quiet_through = self.last;
            }
        }
    }
}
