//! What a reader may see, and the slots by which the horizon learns of readers.

use super::own::Own;
use super::serializable::Tracked;
use crate::base::{CommandId, Csn, Oid, Xid};
use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

/// Which rows a snapshot shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SnapshotKind {
    /// What was committed when it was taken, and own earlier commands.
    Mvcc,
    /// Everything committed now, and everything own (PostgreSQL's SnapshotSelf).
    SelfAll,
    /// Also what running transactions made; asked through [`crate::heap::occupant`].
    Dirty,
    /// Every row version that is on the page.
    Any,
}

/// A consistent view of the data. Cloning is cheap; the horizon stays behind it as long as a clone lives.
#[derive(Clone, Debug)]
pub struct Snapshot {
    pub kind: SnapshotKind,
    /// Commits up to and including this one are visible.
    pub csn: Csn,
    /// Every id below it had ended when the snapshot was taken: if it committed, it is visible. Saves asking for its
    /// CSN (PostgreSQL 15, snapshot.h, xmin: same use).
    pub ended: Xid,
    /// Own commands before this one are visible.
    pub curcid: CommandId,
    pub own: Arc<Own>,
    /// Never read: its drop tells the slot.
    pub(super) _hold: Option<Arc<Hold>>,
}

impl Snapshot {
    /// The same view with another current command.
    pub fn with_cid(&self, curcid: CommandId) -> Snapshot {
        Snapshot { curcid, ..self.clone() }
    }

    /// Whom to tell what is read by it.
    #[inline]
    pub fn tracked(&self) -> Option<&Arc<Tracked>> {
        self.own.tracked().filter(|_| self.kind == SnapshotKind::Mvcc)
    }

    /// Everything committed now and everything own: for constraint checks and catalog maintenance.
    pub fn self_all(own: Arc<Own>) -> Snapshot {
        Snapshot::timeless(SnapshotKind::SelfAll, own)
    }

    /// Every version there is, dead or alive.
    pub fn any() -> Snapshot {
        Snapshot::timeless(SnapshotKind::Any, Arc::default())
    }

    /// One that sees whatever has committed when it is asked, and holds nothing back.
    fn timeless(kind: SnapshotKind, own: Arc<Own>) -> Snapshot {
        let (csn, ended, curcid) = (Csn(u64::MAX - 1), Xid::INVALID, CommandId(u32::MAX));
        Snapshot { kind, csn, ended, curcid, own, _hold: None }
    }
}

/// No snapshot is held.
pub(super) const NONE: u64 = u64::MAX;

/// A session's place in the table of readers.
#[derive(Debug)]
pub struct SnapshotSlot {
    /// The oldest CSN among the snapshots held, [`NONE`] without any.
    pub(super) oldest: AtomicU64,
    held: Mutex<Vec<u64>>,
    /// Who reads, as `pg_stat_activity` shows it; 0 for nobody there.
    pid: u32,
    /// What [`Snapshot::ended`] is of the first snapshot since none was held.
    ended: AtomicU64,
    database: Oid,
    /// The session's number of the transaction it runs, 0 between two.
    transaction: AtomicU32,
    /// Somebody waits for the end of that transaction.
    awaited: AtomicBool,
}

/// A session's transaction, whether it has an id or not.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct VirtualXid {
    pub pid: u32,
    pub number: u32,
}

impl Default for SnapshotSlot {
    fn default() -> Self {
        SnapshotSlot::of(0, Oid::INVALID)
    }
}

/// Keeps one CSN published; dropped with the last clone of its snapshot.
#[derive(Debug)]
pub(super) struct Hold {
    slot: Arc<SnapshotSlot>,
    csn: u64,
}

impl Hold {
    pub(super) fn csn(&self) -> Csn {
        Csn(self.csn)
    }
}

impl SnapshotSlot {
    pub(super) fn of(pid: u32, database: Oid) -> SnapshotSlot {
        SnapshotSlot {
            oldest: AtomicU64::new(NONE),
            held: Mutex::default(),
            pid,
            ended: AtomicU64::new(0),
            database,
            transaction: AtomicU32::new(0),
            awaited: AtomicBool::new(false),
        }
    }

    /// The session's transaction of this number begins.
    pub fn begin(&self, number: u32) {
        self.transaction.store(number, Ordering::SeqCst);
    }

    /// The session's transaction ends. True: somebody waits for that, or has given up since.
    pub fn end(&self) -> bool {
        self.transaction.store(0, Ordering::SeqCst);
        self.awaited.load(Ordering::SeqCst) && self.awaited.swap(false, Ordering::SeqCst)
    }

    /// The transaction it runs.
    pub(super) fn running(&self) -> Option<VirtualXid> {
        let number = self.transaction.load(Ordering::SeqCst);
        (number != 0).then_some(VirtualXid { pid: self.pid, number })
    }

    pub(super) fn is_of(&self, pid: u32) -> bool {
        self.pid == pid
    }

    /// Whether it may read tables of a database, or the shared ones if that is invalid. Who belongs to none may read all.
    pub(super) fn is_in(&self, database: Oid) -> bool {
        self.database == database || !self.database.is_valid() || !database.is_valid()
    }

    /// Has the end of that transaction told to who waits for it; false: it has ended already. What [`end`](Self::end) is
    /// to find must be there before: one of both sees the other.
    pub(super) fn await_end(&self, which: VirtualXid) -> bool {
        self.awaited.store(true, Ordering::SeqCst);
        self.running() == Some(which)
    }

    /// A snapshot is about to be taken, for which every id below `ended` has ended.
    pub(super) fn note_ended(&self, ended: Xid) {
        if self.oldest.load(Ordering::Relaxed) == NONE {
            self.ended.store(ended.0, Ordering::Relaxed);
        }
    }

    /// Who holds snapshots, and the id below which all had ended for them (`backend_xmin`).
    pub(super) fn reader(&self) -> Option<(u32, Xid)> {
        self.oldest().map(|_| (self.pid, Xid(self.ended.load(Ordering::Relaxed))))
    }

    /// Publishes the present CSN and returns it (MVCC-4: published before it is used, then re-checked).
    pub(super) fn hold(self: &Arc<Self>, newest: &AtomicU64) -> Hold {
        let mut held = self.held.lock();
        let older = held.iter().copied().min().unwrap_or(NONE);
        let mut csn = newest.load(Ordering::SeqCst);
        while older > csn {
            self.oldest.store(csn, Ordering::SeqCst);
            let again = newest.load(Ordering::SeqCst);
            if again == csn {
                break;
            }
            csn = again;
        }
        held.push(csn);
        drop(held);
        Hold { slot: self.clone(), csn }
    }

    /// Publishes an older CSN that somebody else's snapshot holds, and goes on holding it.
    pub(super) fn hold_at(self: &Arc<Self>, csn: Csn) -> Hold {
        let mut held = self.held.lock();
        held.push(csn.0);
        let oldest = held.iter().copied().min().unwrap_or(NONE);
        self.oldest.store(oldest, Ordering::SeqCst);
        drop(held);
        Hold { slot: self.clone(), csn: csn.0 }
    }

    /// The oldest CSN held through this slot.
    pub fn oldest(&self) -> Option<Csn> {
        Some(self.oldest.load(Ordering::SeqCst)).filter(|c| *c != NONE).map(Csn)
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        let mut held = self.slot.held.lock();
        if let Some(at) = held.iter().position(|c| *c == self.csn) {
            held.swap_remove(at);
        }
        let oldest = held.iter().copied().min().unwrap_or(NONE);
        self.slot.oldest.store(oldest, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot publishes the oldest of the snapshots held through it, and nothing once all are gone.
    #[test]
    fn the_oldest_is_published() {
        let newest = AtomicU64::new(10);
        let slot = Arc::new(SnapshotSlot::default());
        let a = slot.hold(&newest);
        newest.store(20, Ordering::SeqCst);
        let b = slot.hold(&newest);
        assert_eq!((a.csn, b.csn, slot.oldest()), (10, 20, Some(Csn(10))));
        drop(a);
        assert_eq!(slot.oldest(), Some(Csn(20)));
        drop(b);
        assert_eq!(slot.oldest(), None);
    }
}
