//! Which serializable transaction an id on a row belongs to.
//!
//! While a transaction runs it is found by its ids, once committed by its commit sequence number, which all its ids
//! share; so a transaction with many savepoints costs no more than another one.

use super::graph::{Seq, VertexId};
use crate::base::{Csn, Xid};
use crate::mvcc::XactStatus;
use hashbrown::HashMap;
use std::collections::BTreeMap;

/// Summarised writers kept one by one; beyond, the older half is known only by its end.
const KEPT: usize = 4096;

#[derive(Debug, Default)]
pub(super) struct Writers {
    running: HashMap<Xid, VertexId>,
    committed: HashMap<Csn, VertexId>,
    /// Summarised ones: the first commit any of their edges leads to.
    old: BTreeMap<Csn, Option<Seq>>,
    /// Whoever committed up to here may be a summarised one. PostgreSQL 15 keeps them all, on disk.
    old_through: Option<(Csn, Option<Seq>)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Writer {
    /// Not serializable, or too old to matter.
    None,
    Known(VertexId),
    /// Summarised, with the first commit that one of its edges leads to.
    Old(Option<Seq>),
}

impl Writers {
    pub fn enter(&mut self, xid: Xid, id: VertexId) {
        self.running.insert(xid, id);
    }

    pub fn committed(&mut self, csn: Csn, xids: &[Xid], id: VertexId) {
        self.committed.insert(csn, id);
        self.forget(xids);
    }

    pub fn forget(&mut self, xids: &[Xid]) {
        xids.iter().for_each(|x| {
            self.running.remove(x);
        });
    }

    pub fn forget_commit(&mut self, csn: Csn) {
        self.committed.remove(&csn);
    }

    /// A committed writer leaves the graph.
    pub fn summarise(&mut self, csn: Csn, first_out: Option<Seq>) {
        self.committed.remove(&csn);
        self.old.insert(csn, first_out);
        if self.old.len() > KEPT {
            let Some(middle) = self.old.keys().nth(KEPT / 2).copied() else { return };
            let rest = self.old.split_off(&middle);
            let gone = std::mem::replace(&mut self.old, rest);
            let known = self.old_through.and_then(|o| o.1);
            let first = gone.values().flatten().copied().chain(known).min();
            self.old_through = gone.keys().next_back().map(|csn| (*csn, first));
        }
    }

    /// Nobody has a snapshot older than `csn` (None: nobody has one).
    pub fn trim(&mut self, csn: Option<Csn>) {
        let Some(csn) = csn else {
            self.old.clear();
            self.old_through = None;
            return;
        };
        while self.old.first_key_value().is_some_and(|(c, _)| *c <= csn) {
            self.old.pop_first();
        }
        self.old_through = self.old_through.filter(|(c, _)| *c > csn);
    }

    /// `status` must be asked under the mutex that guards this.
    pub fn find(&self, xid: Xid, status: XactStatus) -> Writer {
        let csn = match status {
            XactStatus::Aborted => return Writer::None,
            XactStatus::Running => return self.running.get(&xid).map_or(Writer::None, |id| Writer::Known(*id)),
            XactStatus::Committed(csn) => csn,
        };
        // Visible already, but its end not entered yet: still under its ids.
        if let Some(id) = self.committed.get(&csn).or_else(|| self.running.get(&xid)) {
            return Writer::Known(*id);
        }
        match (self.old.get(&csn), self.old_through) {
            (Some(first), _) => Writer::Old(*first),
            (None, Some((through, first))) if csn <= through => Writer::Old(first),
            _ => Writer::None,
        }
    }

    #[cfg(test)]
    pub fn is_empty(&self) -> bool {
        self.running.is_empty() && self.committed.is_empty() && self.old.is_empty() && self.old_through.is_none()
    }
}
