//! Who sees a row version. Pure decisions over a header, a snapshot, and what has become of two transactions.
//!
//! PostgreSQL 15, heapam_visibility.c: same rules, with commit sequence numbers instead of lists of running ids.

use super::tuple::{Tuple, mask};
use crate::base::{CommandId, Csn, Lsn, Xid};
use crate::mvcc::{Mvcc, Own, Snapshot, SnapshotKind, XactStatus};
use crate::storage::Storage;

/// What VACUUM and pruning may do with a version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fate {
    /// Nobody sees it any more.
    Dead,
    /// Deleted, but some snapshot may still see it.
    RecentlyDead,
    Live,
    InsertInProgress(Xid),
    DeleteInProgress(Xid),
}

/// Judges versions one after another, remembering the last transaction it asked about.
pub struct Judge<'a> {
    mvcc: &'a Mvcc,
    last: (Xid, XactStatus),
    /// Every id below it that committed is visible to everybody.
    oldest: Xid,
    durable: Lsn,
    /// The last id found to have a durable commit record.
    hintable: Xid,
    storage: &'a Storage,
}

impl<'a> Judge<'a> {
    pub fn new(storage: &'a Storage) -> Judge<'a> {
        Judge {
            mvcc: &storage.mvcc,
            last: (Xid::INVALID, XactStatus::Aborted),
            oldest: storage.mvcc.oldest_in_ring(),
            durable: storage.wal.durable_lsn(),
            hintable: Xid::INVALID,
            storage,
        }
    }

    /// What has become of `xid`, asked freshly unless it has ended.
    #[inline]
    pub fn status(&mut self, xid: Xid) -> XactStatus {
        if self.last.0 == xid {
            return self.last.1;
        }
        let status = self.mvcc.status(xid);
        if status != XactStatus::Running {
            self.last = (xid, status);
        }
        status
    }

    /// Whether an id is so old that all there is to know of it is whether it committed.
    #[inline]
    pub fn is_old(&self, xid: Xid) -> bool {
        xid < self.oldest
    }

    /// The commit's number, of a transaction known to have committed.
    #[inline]
    fn csn(&mut self, xid: Xid) -> Csn {
        if xid < self.oldest {
            return Csn(0);
        }
        match self.status(xid) {
            XactStatus::Committed(csn) => csn,
            // A hint said committed: only damage contradicts it.
            _ => Csn(u64::MAX),
        }
    }

    /// Whether a page on disk may already say that `xid` committed.
    #[inline]
    fn may_hint(&mut self, xid: Xid) -> bool {
        self.hintable == xid || self.ask_hintable(xid)
    }

    fn ask_hintable(&mut self, xid: Xid) -> bool {
        let lsn = self.mvcc.commit_lsn(xid);
        if lsn > self.durable {
            self.durable = self.storage.wal.durable_lsn();
        }
        if lsn <= self.durable {
            self.hintable = xid;
        }
        lsn <= self.durable
    }

    fn hint_commit(&mut self, xid: Xid, bit: u16) -> u16 {
        if self.may_hint(xid) { bit } else { 0 }
    }

    /// Whether the snapshot shows the version; `hints` collects bits worth setting in its header.
    #[inline]
    pub fn visible(&mut self, t: Tuple<'_>, snapshot: &Snapshot, hints: &mut u16) -> bool {
        match snapshot.kind {
            SnapshotKind::Any => true,
            _ => self.xmin_visible(t, snapshot, hints) && self.xmax_permits(t, snapshot, hints),
        }
    }

    #[inline]
    fn xmin_visible(&mut self, t: Tuple<'_>, snapshot: &Snapshot, hints: &mut u16) -> bool {
        let bits = t.infomask();
        let xmin = t.xmin();
        if bits & mask::XMIN_COMMITTED != 0 {
            return xmin < snapshot.ended || self.csn(xmin) <= snapshot.csn;
        }
        if bits & mask::XMIN_INVALID != 0 {
            return false;
        }
        if snapshot.own.contains(xmin) {
            return snapshot.kind != SnapshotKind::Mvcc || cmin(t, &snapshot.own) < snapshot.curcid;
        }
        match self.status(xmin) {
            XactStatus::Running => false,
            XactStatus::Aborted => {
                *hints |= mask::XMIN_INVALID;
                false
            }
            XactStatus::Committed(csn) => {
                *hints |= self.hint_commit(xmin, mask::XMIN_COMMITTED);
                csn <= snapshot.csn
            }
        }
    }

    /// Whether the version's deletion, if any, is out of the snapshot's sight.
    #[inline]
    fn xmax_permits(&mut self, t: Tuple<'_>, snapshot: &Snapshot, hints: &mut u16) -> bool {
        let bits = t.infomask();
        if bits & mask::XMAX_INVALID != 0 {
            return true;
        }
        let xmax = t.xmax();
        if bits & mask::XMAX_LOCK_ONLY != 0 {
            // A lock that is over is worth forgetting: the page can be all visible again.
            if bits & mask::XMAX_MULTI == 0 && !self.mvcc.is_running(xmax) {
                *hints |= mask::XMAX_INVALID;
            }
            return true;
        }
        if bits & mask::XMAX_COMMITTED != 0 {
            return xmax >= snapshot.ended && self.csn(xmax) > snapshot.csn;
        }
        if snapshot.own.contains(xmax) {
            return snapshot.kind == SnapshotKind::Mvcc && cmax(t, &snapshot.own) >= snapshot.curcid;
        }
        match self.status(xmax) {
            XactStatus::Running => true,
            XactStatus::Aborted => {
                *hints |= mask::XMAX_INVALID;
                true
            }
            XactStatus::Committed(csn) => {
                *hints |= self.hint_commit(xmax, mask::XMAX_COMMITTED);
                csn > snapshot.csn
            }
        }
    }

    /// Whether everybody, now and later, sees a version with this infomask and xmin.
    #[inline]
    pub fn visible_to_all(&mut self, bits: u16, xmin: Xid, horizon: Csn) -> bool {
        if bits & (mask::XMAX_INVALID | mask::XMIN_COMMITTED) != mask::XMAX_INVALID | mask::XMIN_COMMITTED {
            return false;
        }
        xmin < self.oldest || self.csn(xmin) <= horizon
    }

    /// What may be done with the version, given that every snapshot sees commits up to `horizon`.
    pub fn fate(&mut self, t: Tuple<'_>, horizon: Csn, hints: &mut u16) -> Fate {
        let bits = t.infomask();
        if bits & mask::XMIN_COMMITTED == 0 {
            if bits & mask::XMIN_INVALID != 0 {
                return Fate::Dead;
            }
            match self.status(t.xmin()) {
                XactStatus::Running => return self.fate_of_new(t),
                XactStatus::Aborted => {
                    *hints |= mask::XMIN_INVALID;
                    return Fate::Dead;
                }
                XactStatus::Committed(_) => *hints |= self.hint_commit(t.xmin(), mask::XMIN_COMMITTED),
            }
        }
        if bits & (mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY) != 0 {
            return Fate::Live;
        }
        let csn = if bits & mask::XMAX_COMMITTED != 0 {
            self.csn(t.xmax())
        } else {
            match self.status(t.xmax()) {
                XactStatus::Running => return Fate::DeleteInProgress(t.xmax()),
                XactStatus::Aborted => {
                    *hints |= mask::XMAX_INVALID;
                    return Fate::Live;
                }
                XactStatus::Committed(csn) => {
                    *hints |= self.hint_commit(t.xmax(), mask::XMAX_COMMITTED);
                    csn
                }
            }
        };
        if csn <= horizon { Fate::Dead } else { Fate::RecentlyDead }
    }

    /// Of a version whose maker is running: only the maker can have deleted it, and may have rolled that back.
    fn fate_of_new(&mut self, t: Tuple<'_>) -> Fate {
        let deleted = !t.has(mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY) && self.status(t.xmax()) == XactStatus::Running;
        if deleted { Fate::DeleteInProgress(t.xmax()) } else { Fate::InsertInProgress(t.xmin()) }
    }
}

/// The command that made an own version.
pub fn cmin(t: Tuple<'_>, own: &Own) -> CommandId {
    if t.has(mask::COMBO_CID) { own.combo_pair(t.cid()).0 } else { t.cid() }
}

/// The command that deleted or locked a version on our behalf.
pub fn cmax(t: Tuple<'_>, own: &Own) -> CommandId {
    if t.has(mask::COMBO_CID) { own.combo_pair(t.cid()).1 } else { t.cid() }
}
