//! Forgetting committed transactions: wholly, in part, or into a summary (Ports and Grittner 2012, section 6).

use super::{Graph, Seq, VertexId};
use crate::base::{Csn, Xid};

/// What the owner of the graph must do about a transaction's marks and ids.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::mvcc::serializable) enum Retired {
    /// It is gone.
    Gone { id: VertexId, ids: Vec<Xid>, csn: Option<Csn> },
    /// It stays, but nobody will meet its marks.
    Quiet(VertexId),
    /// It is gone; what is left of it is nameless. Without a `writer` it has written nothing.
    Summarised { id: VertexId, committed: Seq, csn: Option<Csn>, writer: bool, first_out: Option<Seq> },
}

impl Graph {
    /// Lets go of whatever no active transaction can meet any more (SSI-5).
    pub(super) fn sweep(&mut self) {
        let oldest = self.oldest_seen();
        while let Some(first) = self.finished.front().copied() {
            let committed = self.vertices.get(&first).and_then(|v| v.committed).unwrap_or(0);
            if oldest.is_some_and(|seen| seen < committed) {
                break;
            }
            self.finished.pop_front();
            self.remove(first);
        }
        if self.quietened < self.quiet_through {
            self.quieten();
        }
    }

    /// Only read-only transactions are concurrent with these: their marks and the edges into them are of no use.
    fn quieten(&mut self) {
        let (from, through) = (self.quietened, self.quiet_through);
        let seq = |graph: &Graph, id: &VertexId| graph.vertices.get(id).and_then(|v| v.committed).unwrap_or(0);
        let all: Vec<VertexId> = self.finished.iter().take_while(|id| seq(self, id) <= through).copied().collect();
        let fresh: Vec<VertexId> = all.into_iter().filter(|id| seq(self, id) > from).collect();
        for id in fresh {
            if self.vertices.get(&id).is_some_and(|v| v.read_only) {
                self.finished.retain(|f| *f != id);
                self.remove(id);
                continue;
            }
            for reader in self.ins(id) {
                self.unlink(reader, id);
            }
            self.retired.push(Retired::Quiet(id));
        }
        self.quietened = through;
    }

    /// Up to which commit summarised marks may go.
    pub fn old_marks_end(&self) -> Seq {
        self.oldest_seen().unwrap_or(Seq::MAX).max(self.quiet_through)
    }

    pub(super) fn remove(&mut self, id: VertexId) {
        self.cut_off(id);
        if let Some(v) = self.vertices.remove(&id) {
            self.retired.push(Retired::Gone { id, ids: v.ids, csn: v.csn });
        }
    }

    fn cut_off(&mut self, id: VertexId) {
        for out in self.outs(id) {
            self.unlink(id, out);
        }
        for reader in self.ins(id) {
            self.unlink(reader, id);
        }
    }

    /// Makes room: the transaction that committed first loses its name. False if none has committed.
    pub(super) fn summarise_oldest(&mut self) -> bool {
        let Some(id) = self.finished.pop_front() else { return false };
        for out in self.outs(id) {
            if let Some(v) = self.vertices.get_mut(&out) {
                v.old_in = true;
            }
        }
        for reader in self.ins(id) {
            if let Some(v) = self.vertices.get_mut(&reader) {
                v.old_out = true;
            }
        }
        self.cut_off(id);
        if let Some(v) = self.vertices.remove(&id) {
            let committed = v.committed.unwrap_or(self.last);
            let writer = !v.read_only;
            self.retired.push(Retired::Summarised { id, committed, csn: v.csn, writer, first_out: v.first_out });
        }
        true
    }
}
