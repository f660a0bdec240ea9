//! Safe snapshots: when a read-only transaction needs no tracking (Ports and Grittner 2012, section 4).
//!
//! A read-only transaction takes part in an anomaly only as the `in` of a structure whose `out` committed before its
//! snapshot. So its snapshot is safe once every writer active when it was taken has ended without having had to precede
//! somebody who committed before it.

use super::super::signal;
use super::{Graph, VertexId};
use std::task::Waker;

impl Graph {
    /// Enters the writers that could make a new read-only transaction's snapshot unsafe.
    pub(super) fn watch_writers(&mut self, reader: VertexId) {
        let writers: Vec<VertexId> = self.active.iter().map(|a| a.1).filter(|id| *id != reader).collect();
        for writer in writers {
            let Some(w) = self.vertices.get_mut(&writer) else { continue };
            if w.is_doomed() || w.declared_read_only {
                continue;
            }
            w.threats.insert(reader);
            if let Some(r) = self.vertices.get_mut(&reader) {
                r.threats.insert(writer);
            }
        }
        self.decide(reader);
    }

    /// A reader has ended, or its snapshot is known to be unsafe.
    pub(super) fn stop_watching(&mut self, reader: VertexId) {
        let Some(r) = self.vertices.get_mut(&reader) else { return };
        for writer in std::mem::take(&mut r.threats) {
            if let Some(w) = self.vertices.get_mut(&writer) {
                w.threats.remove(&reader);
            }
        }
    }

    /// A writer has ended.
    pub(super) fn tell_watchers(&mut self, writer: VertexId, committed_writes: bool) {
        let Some(w) = self.vertices.get_mut(&writer) else { return };
        let first_out = w.first_out.filter(|_| committed_writes);
        for reader in std::mem::take(&mut w.threats) {
            let Some(r) = self.vertices.get_mut(&reader) else { continue };
            r.threats.remove(&writer);
            if first_out.is_some_and(|first| first <= r.seen) {
                r.signal.raise(signal::UNSAFE);
                self.stop_watching(reader);
            }
            self.decide(reader);
        }
    }

    fn decide(&mut self, reader: VertexId) {
        let Some(r) = self.vertices.get_mut(&reader) else { return };
        if !r.signal.has(signal::UNSAFE) {
            if !r.threats.is_empty() {
                return;
            }
            r.signal.raise(signal::SAFE);
        }
        self.wake.extend(r.waker.take());
    }

    /// Whether it is known of a read-only transaction's snapshot if it is safe; else `waker` is called when it is.
    pub fn on_decided(&mut self, reader: VertexId, waker: &Waker) -> bool {
        match self.vertices.get_mut(&reader) {
            Some(r) if !r.signal.has(signal::SAFE | signal::UNSAFE) => {
                r.waker = Some(waker.clone());
                false
            }
            _ => true,
        }
    }

    pub fn set_waiting(&mut self, reader: VertexId) {
        if let Some(r) = self.vertices.get_mut(&reader) {
            r.waiting = true;
        }
    }

    /// The sessions for whose ends a session waits that wants a safe snapshot.
    pub fn blockers(&self, pid: u32) -> Vec<u32> {
        let waiting = self.active.iter().filter_map(|a| self.vertices.get(&a.1)).find(|v| v.pid == pid && v.waiting);
        let threats = waiting.map(|v| v.threats.clone()).unwrap_or_default();
        threats.iter().filter_map(|id| self.vertices.get(id)).map(|v| v.pid).collect()
    }
}
