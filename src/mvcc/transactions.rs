//! The life of transactions: ids, commits, aborts, and what has become of them.

use super::clog::{Clog, ClogStatus};
use super::export::Exports;
use super::horizon::{Horizon, Readers};
use super::lockers::RowLockers;
use super::own::Own;
use super::ring::{ABORTED, RUNNING, Ring};
use super::serializable::Serializable;
use super::snapshot::{Snapshot, SnapshotKind, SnapshotSlot, VirtualXid};
use crate::base::{CommandId, Csn, Lsn, Oid, Result, Xid};
use parking_lot::{Mutex, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// The CSN of everything that committed before the server started.
const FROZEN: Csn = Csn(1);

/// What has become of a transaction. A transaction lost in a crash is aborted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum XactStatus {
    Running,
    /// With the CSN; one at or below every horizon if it is no longer known exactly.
    Committed(Csn),
    Aborted,
}

/// For `pg_current_snapshot()`, the checkpoint record and `pg_stat_activity`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunningXids {
    /// The oldest id still running, or `next`.
    pub oldest: Xid,
    /// The first id not given yet.
    pub next: Xid,
    /// All running ids, sub-transactions' included, ascending.
    pub running: Vec<Xid>,
}

#[derive(Debug)]
struct Shared {
    next: u64,
    /// Running ids of transactions and sub-transactions, with the database each works in.
    running: BTreeMap<u64, Oid>,
}

impl Shared {
    /// The oldest running id, or the next one.
    fn oldest(&self) -> u64 {
        self.running.keys().next().copied().unwrap_or(self.next)
    }

    /// The oldest running id of whoever may write in a database's tables, or the next one.
    fn oldest_in(&self, database: Oid) -> u64 {
        let may_write = |db: Oid| db == database || !db.is_valid();
        self.running.iter().find(|(_, db)| may_write(**db)).map_or(self.next, |(xid, _)| *xid)
    }
}

/// The transaction manager's shared state.
#[derive(Debug)]
pub struct Mvcc {
    ring: Ring,
    clog: Clog,
    /// The newest published CSN.
    newest: AtomicU64,
    /// Every id below it has ended: published after the CSN that ended it.
    ended: AtomicU64,
    shared: Mutex<Shared>,
    readers: Readers,
    /// Held shared from the insertion of a commit record until the commit log knows of it.
    gate: RwLock<()>,
    /// Row lockers that have no room in the rows' headers.
    pub lockers: RowLockers,
    pub exports: Exports,
    /// Reads and writes of serializable transactions.
    pub serializable: Arc<Serializable>,
}

impl Mvcc {
    /// The state after a clean start: everything below `next` has ended and stands in the commit log.
    pub fn new(clog: Clog, next: Xid) -> Mvcc {
        let next = next.max(Xid::FIRST_NORMAL);
        Mvcc {
            ring: Ring::starting_at(next),
            clog,
            newest: AtomicU64::new(FROZEN.0),
            ended: AtomicU64::new(next.0),
            shared: Mutex::new(Shared { next: next.0, running: BTreeMap::new() }),
            readers: Readers::new(FROZEN),
            gate: RwLock::new(()),
            lockers: RowLockers::default(),
            exports: Exports::default(),
            serializable: Arc::default(),
        }
    }

    /// Gives out the next id and marks it running, in a database or (invalid) in any. For sub-transactions as well: add it
    /// with [`Own::add_sub`].
    pub fn assign_xid(&self, database: Oid) -> Xid {
        let mut shared = self.shared.lock();
        self.skip_special(&mut shared);
        let xid = Xid(shared.next);
        let grown = self.ring.grow(xid);
        shared.running.insert(xid.0, database);
        shared.next += 1;
        drop(shared);
        if grown {
            self.trim(self.clog.durable_lsn());
        }
        xid
    }

    /// Passes by ids whose low half, which is all that `xmin` shows, would look like a special one (PostgreSQL 15,
    /// transam.h, FullTransactionIdAdvance: same). Nobody has them: they count as aborted.
    fn skip_special(&self, shared: &mut Shared) {
        while (shared.next as u32) < Xid::FIRST_NORMAL.0 as u32 {
            let nobody = Xid(shared.next);
            self.ring.grow(nobody);
            self.ring.set(nobody, ABORTED, Lsn::INVALID);
            shared.next += 1;
        }
    }

    /// The first id not given yet.
    pub fn next_xid(&self) -> Xid {
        Xid(self.shared.lock().next)
    }

    /// Writes a commit record and enters it in the commit log, as one step for checkpoints.
    ///
    /// `insert` adds the record to the log and returns its end. Others see the transaction only after
    /// [`commit`](Self::commit). PostgreSQL 15, xact.c, DELAY_CHKPT_START: same purpose, because a checkpoint
    /// whose redo position lies behind the record must find it in the commit log.
    pub fn log_commit(&self, top: Xid, subs: &[Xid], insert: impl FnOnce() -> Result<Lsn>) -> Result<Lsn> {
        let _gate = self.gate.read();
        let lsn = insert()?;
        for &xid in subs.iter().chain([&top]) {
            self.clog.set(xid, ClogStatus::Committed, lsn)?;
        }
        Ok(lsn)
    }

    /// As [`log_commit`](Self::log_commit) for a rollback that no checkpoint may forget: a prepared transaction's.
    pub fn log_abort(&self, top: Xid, subs: &[Xid], insert: impl FnOnce() -> Lsn) -> Result<Lsn> {
        let _gate = self.gate.read();
        let lsn = insert();
        for &xid in subs.iter().chain([&top]) {
            self.clog.set(xid, ClogStatus::Aborted, lsn)?;
        }
        Ok(lsn)
    }

    /// Held by a checkpoint while it decides its redo position: no commit is between its record and the commit log.
    pub fn checkpoint_gate(&self) -> RwLockWriteGuard<'_, ()> {
        self.gate.write()
    }

    /// While it lives no checkpoint decides its redo position: for changes of files that a record announces.
    pub fn delay_checkpoint(&self) -> RwLockReadGuard<'_, ()> {
        self.gate.read()
    }

    /// Makes a transaction visible, with all its sub-transactions. `lsn` is the end of its commit record.
    pub fn commit(&self, top: Xid, subs: &[Xid], lsn: Lsn) -> Csn {
        let mut shared = self.shared.lock();
        let csn = self.newest.load(Ordering::Relaxed) + 1;
        for &xid in subs.iter().chain([&top]) {
            self.ring.set(xid, csn, lsn);
            shared.running.remove(&xid.0);
        }
        self.lockers.release(subs.iter().chain([&top]));
        // MVCC-5: published after all ids carry it.
        self.newest.store(csn, Ordering::SeqCst);
        self.publish_ended(&shared);
        Csn(csn)
    }

    /// After running ids have gone, or recovery has found more.
    fn publish_ended(&self, shared: &Shared) {
        self.ended.store(shared.oldest(), Ordering::SeqCst);
    }

    /// Ends a transaction, or sub-transactions alone, without effect.
    ///
    /// # Errors
    /// If the commit log cannot be written; the transaction is over all the same, and unknown ones count as aborted.
    pub fn abort(&self, top: Xid, subs: &[Xid]) -> Result<()> {
        let all = || subs.iter().chain([&top]);
        let written = all().try_for_each(|&xid| self.clog.set(xid, ClogStatus::Aborted, Lsn::INVALID));
        let mut shared = self.shared.lock();
        for &xid in all() {
            self.ring.set(xid, ABORTED, Lsn::INVALID);
            shared.running.remove(&xid.0);
        }
        self.publish_ended(&shared);
        drop(shared);
        self.lockers.release(all());
        written
    }

    /// Every id below this one has ended, its end stands in the commit log, and if it committed everybody sees it.
    #[inline]
    pub fn oldest_in_ring(&self) -> Xid {
        Xid(self.ring.base())
    }

    /// What has become of `xid`.
    #[inline]
    pub fn status(&self, xid: Xid) -> XactStatus {
        match self.ring.get(xid) {
            Some(RUNNING) => XactStatus::Running,
            Some(ABORTED) => XactStatus::Aborted,
            Some(csn) => XactStatus::Committed(Csn(csn)),
            None => self.old_status(xid),
        }
    }

    #[cold]
    fn old_status(&self, xid: Xid) -> XactStatus {
        if xid < Xid::FIRST_NORMAL {
            return if xid.is_valid() { XactStatus::Committed(FROZEN) } else { XactStatus::Aborted };
        }
        // Only a damaged page asks for what was cut off: nothing may be guessed.
        assert!(xid >= self.clog.oldest(), "could not access status of transaction {xid}");
        match self.clog.get(xid) {
            Ok(ClogStatus::Committed) => XactStatus::Committed(FROZEN),
            Ok(_) => XactStatus::Aborted,
            // The commit log cannot be read: nothing may be decided from here on.
            Err(e) => crate::base::report::panic(*e.0),
        }
    }

    pub fn is_running(&self, xid: Xid) -> bool {
        // An id below the ring has ended, whether the commit log still knows how or not.
        self.ring.get(xid) == Some(RUNNING)
    }

    /// Up to where the log must be durable before a page on disk may say that `xid` committed.
    pub fn commit_lsn(&self, xid: Xid) -> Lsn {
        self.ring.commit_lsn(xid)
    }

    /// Registers a session. The slot disappears with its last owner.
    pub fn register(&self) -> Arc<SnapshotSlot> {
        self.register_for(0, Oid::INVALID)
    }

    /// Registers a session of a database, shown as `pid`.
    pub fn register_for(&self, pid: u32, database: Oid) -> Arc<SnapshotSlot> {
        let slot = Arc::new(SnapshotSlot::of(pid, database));
        self.readers.add(&slot);
        slot
    }

    /// Takes a snapshot as of now.
    pub fn snapshot(&self, slot: &Arc<SnapshotSlot>, own: &Arc<Own>, curcid: CommandId) -> Snapshot {
        // Read before the CSN: what had ended by then carries this CSN or an older one (MVCC-5).
        let ended = Xid(self.ended.load(Ordering::SeqCst));
        slot.note_ended(ended);
        let hold = slot.hold(&self.newest);
        let csn = hold.csn();
        Snapshot { kind: SnapshotKind::Mvcc, csn, ended, curcid, own: own.clone(), _hold: Some(Arc::new(hold)) }
    }

    /// The view another reader has, which holds its snapshot while this is called.
    pub fn same_snapshot(&self, other: &Snapshot, slot: &Arc<SnapshotSlot>, own: &Arc<Own>) -> Snapshot {
        // Nobody puts a horizon together meanwhile, who might miss the CSN on its way from slot to slot (MVCC-4).
        let _slots = self.readers.slots();
        slot.note_ended(other.ended);
        let hold = slot.hold_at(other.csn);
        let (csn, ended, curcid) = (hold.csn(), other.ended, CommandId::FIRST);
        Snapshot { kind: SnapshotKind::Mvcc, csn, ended, curcid, own: own.clone(), _hold: Some(Arc::new(hold)) }
    }

    /// The sessions that hold snapshots, each with the id below which all had ended for its oldest one.
    pub fn readers(&self) -> Vec<(u32, Xid)> {
        self.readers.slots().iter().filter_map(Weak::upgrade).filter_map(|s| s.reader()).collect()
    }

    /// The transaction that the session shown as `pid` runs.
    pub fn running_of(&self, pid: u32) -> Option<VirtualXid> {
        self.readers.slots().iter().filter_map(Weak::upgrade).filter(|s| s.is_of(pid)).find_map(|s| s.running())
    }

    /// The transactions in a database that hold snapshots in which some commit up to `csn` is missing.
    pub fn behind(&self, csn: Csn, database: Oid) -> Vec<VirtualXid> {
        let slots = self.readers.slots();
        let old = slots.iter().filter_map(Weak::upgrade).filter(|s| s.is_in(database));
        old.filter(|s| s.oldest().is_some_and(|o| o < csn)).filter_map(|s| s.running()).collect()
    }

    /// Has the session's [`SnapshotSlot::end`] tell of that transaction's end; false: it has ended.
    pub fn await_end(&self, which: VirtualXid) -> bool {
        let slots = self.readers.slots();
        slots.iter().filter_map(Weak::upgrade).filter(|s| s.is_of(which.pid)).any(|s| s.await_end(which))
    }

    /// The CSN of the newest commit.
    pub fn newest_csn(&self) -> Csn {
        Csn(self.newest.load(Ordering::SeqCst))
    }

    /// The horizon of a database's tables, invalid for the shared ones.
    pub fn horizon(&self, database: Oid) -> Arc<Horizon> {
        self.readers.horizon(database)
    }

    /// Every snapshot in use or to come on these tables sees commits up to and including this one. May lag by some
    /// milliseconds.
    #[inline]
    pub fn oldest_visible(&self, horizon: &Horizon) -> Csn {
        if horizon.is_old() { self.compute_horizon(horizon) } else { horizon.known() }
    }

    /// [`oldest_visible`](Self::oldest_visible) as of now: for VACUUM.
    pub fn compute_horizon(&self, horizon: &Horizon) -> Csn {
        let newest = self.newest_csn();
        self.readers.compute(horizon, newest)
    }

    /// Whoever reads or writes a database's tables now (invalid: any tables) began to when this id, or a later one, was
    /// the next one: nobody follows a link that was cut when the next id was lower. Who writes in other databases does not
    /// count (PostgreSQL 15, procarray.c, ComputeXidHorizons: same).
    pub fn oldest_on_the_way(&self, database: Oid) -> Xid {
        // Read first: a snapshot not found below was published later, and its reader begins later.
        let ended = match database.is_valid() {
            true => Xid(self.shared.lock().oldest_in(database)),
            false => Xid(self.ended.load(Ordering::SeqCst)),
        };
        self.readers.oldest_begun(database, ended)
    }

    /// Frees the ring's chunks that no reader needs (done by itself with every chunk added). `durable` is the log's durable position.
    pub fn trim(&self, durable: Lsn) {
        let horizon = self.compute_horizon(self.readers.everybody()).0;
        let _shared = self.shared.lock();
        self.ring.trim(|lsn| lsn <= durable, |state| state == ABORTED || (state != RUNNING && state <= horizon));
    }

    /// Whether any transaction with an id is running beside this one.
    pub fn others_run(&self, own: &Own) -> bool {
        self.others_running(own) > 0
    }

    /// How many ids of others run.
    pub fn others_running(&self, own: &Own) -> usize {
        self.shared.lock().running.len().saturating_sub(own.count())
    }

    /// The ids running now, sub-transactions' included.
    pub fn running(&self) -> RunningXids {
        let shared = self.shared.lock();
        let running: Vec<Xid> = shared.running.keys().map(|x| Xid(*x)).collect();
        let next = Xid(shared.next);
        RunningXids { oldest: running.first().copied().unwrap_or(next), next, running }
    }

    /// Begins a ring at `first` with room up to `next` (the end of recovery; nobody else is there).
    pub(super) fn restart_ring(&self, first: Xid, next: Xid) {
        let _shared = self.shared.lock();
        self.ring.restart(first, next);
    }

    pub(super) fn frozen_state(&self) -> u64 {
        FROZEN.0
    }

    pub(super) fn set_ended(&self, xid: Xid, state: u64) {
        self.ring.set(xid, state, Lsn::INVALID);
    }

    pub(super) fn set_running(&self, xids: &[(Xid, Oid)]) {
        let mut shared = self.shared.lock();
        shared.running.extend(xids.iter().map(|(xid, database)| (xid.0, *database)));
        self.publish_ended(&shared);
    }

    pub fn clog(&self) -> &Clog {
        &self.clog
    }

    /// Recovery met this id in the log: it was given.
    pub fn redo_seen(&self, xid: Xid) {
        let mut shared = self.shared.lock();
        if xid.0 >= shared.next {
            shared.next = xid.0 + 1;
        }
    }

    /// Recovery met a commit record.
    pub fn redo_commit(&self, top: Xid, subs: &[Xid], lsn: Lsn) -> Result<()> {
        for &xid in subs.iter().chain([&top]) {
            self.redo_seen(xid);
            self.clog.set(xid, ClogStatus::Committed, lsn)?;
        }
        Ok(())
    }

    /// Recovery met an abort record.
    pub fn redo_abort(&self, top: Xid, subs: &[Xid]) -> Result<()> {
        for &xid in subs.iter().chain([&top]) {
            self.redo_seen(xid);
            self.clog.set(xid, ClogStatus::Aborted, Lsn::INVALID)?;
        }
        Ok(())
    }
}
