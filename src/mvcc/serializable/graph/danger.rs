//! New edges, and whether they complete a dangerous structure `in → pivot → out` with `out` committing first.
//!
//! PostgreSQL 15, predicate.c, OnConflict_CheckForSerializationFailure, PreCommit_CheckForSerializationFailure and
//! CheckForSerializableConflictOut: same rules.

use super::super::error::Fault;
use super::super::signal;
use super::super::writers::Writer;
use super::{Graph, Reader, Seq, Vertex, VertexId};
use crate::base::Xid;

impl Graph {
    /// `me` reads past what `writer` has done under `xid`; the two are known to be concurrent.
    ///
    /// # Errors
    /// If `me` must be cancelled.
    pub fn read_past(&mut self, me: VertexId, writer: Writer, xid: Xid) -> Result<(), Fault> {
        match writer {
            Writer::None => Ok(()),
            Writer::Old(first_out) => self.read_past_old(me, first_out, xid),
            Writer::Known(writer) if writer == me => Ok(()),
            Writer::Known(writer) => self.read_past_known(me, writer),
        }
    }

    fn read_past_old(&mut self, me: VertexId, first_out: Option<Seq>, xid: Xid) -> Result<(), Fault> {
        let Some(v) = self.vertices.get_mut(&me) else { return Ok(()) };
        if first_out.is_some_and(|first| !v.read_only || first <= v.seen) {
            return Err(Fault::OutToOldPivot(Some(xid)));
        }
        if v.old_in || !v.ins.is_empty() {
            return Err(Fault::PivotBeforeOld(xid));
        }
        v.old_out = true;
        Ok(())
    }

    fn read_past_known(&mut self, me: VertexId, writer: VertexId) -> Result<(), Fault> {
        let (Some(r), Some(w)) = (self.vertices.get(&me), self.vertices.get(&writer)) else { return Ok(()) };
        if w.is_doomed() {
            return Ok(());
        }
        if w.old_out {
            // The summarised one committed first, when in relation to our snapshot nobody knows any more.
            if !w.may_be_doomed() {
                return Err(Fault::OutToOldPivot(None));
            }
            w.signal.raise(signal::DOOMED);
            return Ok(());
        }
        // A reader alone comes before the writer, unless the writer had to come before somebody the reader sees.
        if r.read_only && w.is_committed() && w.first_out.is_none_or(|first| r.seen < first) {
            return Ok(());
        }
        if r.outs.contains(&writer) {
            return Ok(());
        }
        self.conflict(Reader::Known(me), writer, me)
    }

    /// `me` writes what `reader` has marked.
    ///
    /// # Errors
    /// If `me` must be cancelled.
    pub fn write_over(&mut self, me: VertexId, reader: VertexId) -> Result<(), Fault> {
        let (Some(r), Some(w)) = (self.vertices.get(&reader), self.vertices.get(&me)) else { return Ok(()) };
        let concurrent = r.committed.is_none_or(|seq| seq > w.seen);
        if reader == me || r.is_doomed() || !concurrent || self.has_edge(reader, me) {
            return Ok(());
        }
        self.conflict(Reader::Known(reader), me, me)
    }

    /// `me` writes what a summarised transaction has marked that committed at `seq`, at the latest.
    ///
    /// # Errors
    /// If `me` must be cancelled.
    pub fn write_over_old(&mut self, me: VertexId, seq: Seq) -> Result<(), Fault> {
        match self.vertices.get(&me) {
            Some(w) if seq > w.seen => self.conflict(Reader::Old, me, me),
            _ => Ok(()),
        }
    }

    /// Adds an edge, unless somebody must be cancelled for it: `me`, as an error, or the writer.
    fn conflict(&mut self, reader: Reader, writer: VertexId, me: VertexId) -> Result<(), Fault> {
        if self.is_dangerous(reader, writer) {
            let Some(w) = self.vertices.get(&writer) else { return Ok(()) };
            if writer == me {
                return Err(Fault::PivotOnWrite);
            }
            if !w.may_be_doomed() {
                return Err(Fault::OutToPivot(w.xid));
            }
            w.signal.raise(signal::DOOMED);
        }
        match reader {
            Reader::Known(reader) => self.link(reader, writer),
            Reader::Old => {
                if let Some(w) = self.vertices.get_mut(&writer) {
                    w.old_in = true;
                }
                Ok(())
            }
        }
    }

    fn is_dangerous(&self, reader: Reader, writer: VertexId) -> bool {
        let Some(w) = self.vertices.get(&writer) else { return false };
        let r = match reader {
            Reader::Known(id) => self.vertices.get(&id),
            Reader::Old => None,
        };
        // The writer has committed after one that it must precede.
        if w.is_committed() && w.first_out.is_some() || w.old_out {
            return true;
        }
        // A summarised reader committed before everybody who is still known by name.
        let Some(r) = r else { return false };
        w.outs.iter().filter_map(|id| self.vertices.get(id)).any(|out| makes_pivot(r, w, out))
            || self.reader_is_pivot(r, w)
    }

    /// Somebody must precede the reader, which must precede a writer that is committing or has committed.
    fn reader_is_pivot(&self, r: &Vertex, w: &Vertex) -> bool {
        let Some(prepared) = w.prepared.filter(|_| !r.read_only) else { return false };
        r.old_in
            || r.ins.iter().filter_map(|id| self.vertices.get(id)).any(|first| {
                !first.is_doomed()
                    && first.committed.is_none_or(|seq| seq >= prepared)
                    && (!first.read_only || first.seen >= prepared)
            })
    }

    /// The last check. Afterwards the transaction cannot be cancelled any more.
    ///
    /// Edges are checked as they come up; left is the case that the one committing now is the `out` of a structure of
    /// which nobody has committed yet. Then the pivot goes: this one commits, so that whoever tries again makes progress.
    ///
    /// # Errors
    /// If it must be cancelled itself.
    pub fn prepare(&mut self, me: VertexId) -> Result<(), Fault> {
        let Some(v) = self.vertices.get(&me) else { return Ok(()) };
        if v.prepared.is_some() {
            return Ok(());
        }
        if v.is_doomed() {
            return Err(Fault::PivotOnCommit);
        }
        for near in v.ins.iter().filter_map(|id| self.vertices.get(id)) {
            if near.is_committed() || near.is_doomed() {
                continue;
            }
            let open = |far: &Vertex| !far.is_committed() && !far.read_only && !far.is_doomed();
            let closes = |id: &VertexId| *id == me || self.vertices.get(id).is_some_and(open);
            if near.ins.iter().any(closes) {
                if !near.may_be_doomed() {
                    return Err(Fault::InFromCommittingPivot);
                }
                near.signal.raise(signal::DOOMED);
            }
        }
        let seq = self.number();
        if let Some(v) = self.vertices.get_mut(&me) {
            v.prepared = Some(seq);
        }
        Ok(())
    }
}

/// `r → w → out`: whether `out` may commit before both, and, if `r` only reads, before its snapshot.
fn makes_pivot(r: &Vertex, w: &Vertex, out: &Vertex) -> bool {
    let Some(prepared) = out.prepared else { return false };
    let before = |v: &Vertex| v.committed.is_none_or(|seq| prepared <= seq);
    before(r) && before(w) && (!r.read_only || prepared <= r.seen)
}
