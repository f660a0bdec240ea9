//! The state of a session's transaction.

use super::files::FileChange;
use super::isolation::Isolation;
use super::savepoint::Savepoint;
use crate::base::report::Running;
use crate::base::{CommandId, Flow, Lsn, Oid, Stop, Wait, Xid};
use crate::lock::{HeldLocks, LockMode, LockTag, Scope};
use crate::mvcc::serializable::{Tracked, Who};
use crate::mvcc::{Own, Snapshot, SnapshotSlot};
use crate::storage::Storage;
use crate::twophase::Claim;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Whether a commit waits for the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SyncCommit {
    On,
    Off,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Phase {
    Idle,
    Active,
    /// The commit record ends at this position and is on its way to the disk.
    Committing(Lsn),
    /// The PREPARE record ends at this position.
    Preparing(Lsn),
}

/// One per session. Idle, active, or on its way out.
pub struct Transaction {
    pub storage: Arc<Storage>,
    pub database: Oid,
    pub held: HeldLocks,
    pub isolation: Isolation,
    pub read_only: bool,
    pub deferrable: bool,
    /// Microseconds since 1970: `now()`.
    pub start_us: i64,
    /// It has made or looked for something in the temporary schema.
    pub touched_temporary: bool,
    pub(super) phase: Phase,
    pub(super) own: Arc<Own>,
    pub(super) slot: Arc<SnapshotSlot>,
    pub(super) cid: CommandId,
    /// The current command id stands on some row: the next command needs another one.
    pub(super) cid_used: bool,
    pub(super) snapshot: Option<Snapshot>,
    /// Some query has taken a snapshot.
    queried: bool,
    /// A snapshot of which it is not known yet whether it is safe.
    candidate: Option<(Snapshot, Arc<Tracked>)>,
    pub(super) savepoints: Vec<Savepoint>,
    pub(super) files: Vec<FileChange>,
    pub(super) force_sync: bool,
    pub(super) last_commit_lsn: Lsn,
    pub(super) pid: u32,
    /// Transactions begun so far.
    pub(super) started: u32,
    /// Which one runs, for whoever logs or lists it.
    pub(super) running: Arc<Running>,
    /// Names of the snapshots offered to others.
    pub(super) exports: Vec<String>,
    /// The name under which it is being prepared, and who will hold its locks.
    pub(super) preparing: Option<(Claim, u32)>,
}

impl Transaction {
    /// An idle transaction for the session shown as `pid`.
    pub fn new(storage: Arc<Storage>, database: Oid, pid: u32) -> Transaction {
        let slot = storage.mvcc.register_for(pid, database);
        Transaction {
            storage,
            database,
            held: HeldLocks::new(pid),
            isolation: Isolation::default(),
            read_only: false,
            deferrable: false,
            start_us: 0,
            touched_temporary: false,
            phase: Phase::Idle,
            own: Arc::new(Own::new()),
            slot,
            cid: CommandId::FIRST,
            cid_used: false,
            snapshot: None,
            queried: false,
            candidate: None,
            savepoints: Vec::new(),
            files: Vec::new(),
            force_sync: false,
            last_commit_lsn: Lsn::INVALID,
            pid,
            started: 0,
            running: Arc::default(),
            exports: Vec::new(),
            preparing: None,
        }
    }

    pub fn is_active(&self) -> bool {
        self.phase != Phase::Idle
    }

    /// Which transaction runs, now and later.
    pub fn running(&self) -> &Arc<Running> {
        &self.running
    }

    /// Starts a transaction.
    ///
    /// # Panics
    /// If one is active: the session keeps track of blocks.
    pub fn begin(&mut self, isolation: Isolation, read_only: bool) {
        assert_eq!(self.phase, Phase::Idle, "a transaction is already active");
        self.phase = Phase::Active;
        self.started = self.started.wrapping_add(1);
        // 0 is none.
        self.started = self.started.max(1);
        self.running.local.store(self.started, Ordering::Relaxed);
        self.slot.begin(self.started);
        self.isolation = isolation;
        self.read_only = read_only;
        self.deferrable = false;
        self.start_us = crate::base::clock::now_us();
    }

    /// The id rows of the current (sub)transaction are stamped with; assigned on first use.
    pub fn xid(&mut self) -> Xid {
        let top = match self.own.top() {
            Some(xid) => xid,
            None => self.assign_top(),
        };
        self.sub_xid(top)
    }

    /// The id as far as there is one: reading transactions have none.
    pub fn xid_if_assigned(&self) -> Option<Xid> {
        self.own.top()
    }

    pub(super) fn assign_top(&mut self) -> Xid {
        let xid = self.storage.mvcc.assign_xid(self.database);
        self.own.set_top(xid);
        self.running.xid.store(xid.0, Ordering::Relaxed);
        self.lock_xid(xid);
        self.tell_id(xid);
        xid
    }

    /// SSI-2: before any row has it.
    pub(super) fn tell_id(&self, xid: Xid) {
        if let Some(tracked) = self.own.tracked() {
            tracked.enter_id(xid);
        }
    }

    /// Others wait for a transaction by asking for a share of its id; nobody can hold a fresh one.
    pub(super) fn lock_xid(&mut self, xid: Xid) {
        let storage = self.storage.clone();
        let got =
            storage.locks.try_acquire(&mut self.held, LockTag::Xact(xid), LockMode::Exclusive, Scope::Transaction);
        assert!(got.is_some(), "a fresh transaction id is locked");
    }

    /// Ids and combined command ids of this transaction, as snapshots and heap writes take them.
    pub fn own(&self) -> &Arc<Own> {
        &self.own
    }

    /// The command id rows written now are stamped with.
    pub fn command_for_write(&mut self) -> CommandId {
        self.cid_used = true;
        self.cid
    }

    pub fn command(&self) -> CommandId {
        self.cid
    }

    /// What the statement (or, in repeatable read, the transaction) sees. Own rows of earlier commands included.
    pub fn snapshot(&mut self) -> Snapshot {
        self.queried = true;
        if self.isolation.keeps_snapshot() {
            let kept = match self.snapshot.take() {
                Some(kept) => kept,
                None => self.first_snapshot(),
            };
            let now = kept.with_cid(self.cid);
            self.snapshot = Some(kept);
            return now;
        }
        self.latest_snapshot()
    }

    /// The one a transaction keeps.
    fn first_snapshot(&mut self) -> Snapshot {
        if self.isolation != Isolation::Serializable {
            return self.latest_snapshot();
        }
        let (snapshot, tracked) = self.enter();
        if let Some(tracked) = tracked {
            self.own.track(tracked);
        }
        snapshot
    }

    fn enter(&self) -> (Snapshot, Option<Arc<Tracked>>) {
        self.storage.mvcc.serializable.begin(&self.who(), || self.latest_snapshot())
    }

    pub(super) fn who(&self) -> Who {
        let ids = self.own.top().into_iter().chain(self.own.subs()).collect();
        Who { pid: self.held.owner(), read_only: self.read_only, ids }
    }

    /// Before the first snapshot of a SERIALIZABLE READ ONLY DEFERRABLE transaction: waits for one that needs no
    /// tracking (PostgreSQL 15, predicate.c, GetSafeSnapshot). Nothing to do for all others.
    pub fn await_safe_snapshot(&mut self) -> Flow<()> {
        let wanted = self.isolation == Isolation::Serializable && self.read_only && self.deferrable;
        if !wanted || self.snapshot.is_some() {
            return Ok(());
        }
        loop {
            match &self.candidate {
                None => match self.enter() {
                    (snapshot, None) => {
                        self.snapshot = Some(snapshot);
                        return Ok(());
                    }
                    (snapshot, Some(tracked)) => {
                        tracked.set_waiting();
                        self.candidate = Some((snapshot, tracked));
                    }
                },
                Some((snapshot, tracked)) if tracked.is_safe() => {
                    self.snapshot = Some(snapshot.clone());
                    self.candidate = None;
                    return Ok(());
                }
                Some((_, tracked)) if tracked.is_unsafe() => self.candidate = None,
                Some((_, tracked)) => return Stop::wait(Wait::SafeSnapshot(tracked.number())),
            }
        }
    }

    /// Whether there was a snapshot already: too late for other modes.
    pub fn has_snapshot(&self) -> bool {
        self.queried || self.snapshot.is_some()
    }

    /// A snapshot as of now whatever the isolation level: for look-ups that must see the newest state.
    pub fn latest_snapshot(&self) -> Snapshot {
        self.storage.mvcc.snapshot(&self.slot, &self.own, self.cid)
    }

    /// Makes the rows of the command that ended visible to the next one.
    pub fn next_command(&mut self) {
        if self.cid_used {
            self.cid = CommandId(self.cid.0 + 1);
            self.cid_used = false;
        }
    }

    /// Takes a lock until the transaction's end, or returns what to wait for.
    pub fn lock(&mut self, tag: LockTag, mode: LockMode) -> Flow<bool> {
        let storage = self.storage.clone();
        storage.locks.acquire(&mut self.held, tag, mode, Scope::Transaction)
    }

    pub fn lock_relation(&mut self, oid: Oid, mode: LockMode) -> Flow<bool> {
        self.lock(LockTag::Relation { db: self.database, rel: oid }, mode)
    }

    /// Locks a relation of a statement; a catalog that all databases share belongs to none of them.
    pub fn lock_listed(&mut self, rel: &crate::catalog::Relation, mode: LockMode) -> Flow<bool> {
        let shared = rel.generated_by.is_some() && !rel.file.db.is_valid();
        let db = if shared { Oid::INVALID } else { self.database };
        self.lock(LockTag::Relation { db, rel: rel.oid }, mode)
    }

    /// Where the last commit's record ended; for `pg_last_committed` views and tests.
    pub fn last_commit_lsn(&self) -> Lsn {
        self.last_commit_lsn
    }

    /// Back to idle, everything given back.
    pub(super) fn finish(&mut self) {
        self.withdraw_exports();
        let storage = self.storage.clone();
        storage.locks.release_to(&mut self.held, 0);
        if self.slot.end() {
            let (pid, number) = (self.pid, self.started);
            storage.locks.leave_for(pid, LockTag::Virtual { pid, number });
        }
        if !self.own.is_fresh() {
            self.own = Arc::new(Own::new());
        }
        self.candidate = None;
        self.queried = false;
        self.phase = Phase::Idle;
        self.running.local.store(0, Ordering::Relaxed);
        self.running.xid.store(0, Ordering::Relaxed);
        self.cid = CommandId::FIRST;
        self.cid_used = false;
        self.snapshot = None;
        self.savepoints.clear();
        self.files.clear();
        self.force_sync = false;
        self.touched_temporary = false;
    }
}
