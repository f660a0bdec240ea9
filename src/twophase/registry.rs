//! The prepared transactions of the engine.

use super::file;
use super::state::{RowLock, State};
use crate::base::{Lsn, Oid, Report, Result, Severity, SqlState, Xid, report};
use crate::disk::Disk;
use crate::err;
use crate::lock::HeldLocks;
use crate::mvcc::serializable::Tracked;
use crate::mvcc::{Clog, ClogStatus};
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};

/// The longest name, its end included (PostgreSQL 15, xact.h, GIDSIZE).
const NAME_BYTES: usize = 200;
/// Owners of locks that are no sessions: above every pid.
const FIRST_OWNER: u32 = 1 << 31;

/// Whether a lock's owner is a prepared transaction.
pub fn is_prepared_owner(owner: u32) -> bool {
    owner >= FIRST_OWNER
}

/// One per engine.
pub struct TwoPhase {
    disk: Arc<dyn Disk>,
    /// `max_prepared_transactions`.
    limit: AtomicUsize,
    /// How many entries there are: whoever locks rows looks here first.
    some: AtomicUsize,
    next_owner: AtomicU32,
    entries: Mutex<Vec<Entry>>,
}

struct Entry {
    gid: String,
    /// The session that prepares or ends it.
    busy: bool,
    /// From its record on.
    state: Option<Arc<State>>,
    /// Row locks passed on to it (TWO-3).
    passed: Vec<RowLock>,
    /// Where its record ends.
    lsn: Lsn,
    on_disk: bool,
    /// The file lacks some of `passed`.
    outdated: bool,
    /// Once it is prepared.
    hold: Option<Hold>,
}

/// What it holds in memory.
#[derive(Debug)]
pub struct Hold {
    pub held: HeldLocks,
    pub tracked: Option<Arc<Tracked>>,
    /// How the session called the transaction; None after a restart.
    pub virtual_id: Option<String>,
}

/// Who wants to end one.
#[derive(Clone, Copy, Debug)]
pub struct Finisher {
    pub role: Oid,
    pub is_superuser: bool,
    pub database: Oid,
}

/// A line of `pg_prepared_xact()`.
#[derive(Clone, Debug)]
pub struct Listed {
    pub state: Arc<State>,
    /// Under which its locks are listed.
    pub owner: u32,
    pub virtual_id: String,
}

/// The right to work on one entry: given back when dropped.
pub struct Claim {
    home: Arc<TwoPhase>,
    gid: String,
    over: bool,
}

impl TwoPhase {
    pub fn new(disk: Arc<dyn Disk>) -> TwoPhase {
        TwoPhase {
            disk,
            limit: AtomicUsize::new(0),
            some: AtomicUsize::new(0),
            next_owner: AtomicU32::new(FIRST_OWNER),
            entries: Mutex::default(),
        }
    }

    pub fn set_limit(&self, limit: usize) {
        self.limit.store(limit, Ordering::Relaxed);
    }

    /// Whether transactions can be prepared: then row locks must last.
    #[inline]
    pub fn is_enabled(&self) -> bool {
        self.limit.load(Ordering::Relaxed) > 0
    }

    fn change(&self) -> MutexGuard<'_, Vec<Entry>> {
        self.entries.lock()
    }

    fn count(&self, entries: &[Entry]) {
        self.some.store(entries.len(), Ordering::Release);
    }

    /// An owner for the locks of one that is being prepared, or comes back from a restart.
    pub fn new_owner(&self) -> u32 {
        self.next_owner.fetch_add(1, Ordering::Relaxed) | FIRST_OWNER
    }

    /// Takes a name for a transaction that is about to be prepared (PostgreSQL 15, twophase.c, MarkAsPreparing: same
    /// refusals).
    ///
    /// # Errors
    /// 22023, 55000, 42710, 53200.
    pub fn reserve(self: &Arc<Self>, gid: &str) -> Result<Claim> {
        if gid.len() >= NAME_BYTES {
            let text = format!("transaction identifier \"{gid}\" is too long");
            return Err(err!(INVALID_PARAMETER_VALUE, "{text}").place("MarkAsPreparing", "twophase.c", 384));
        }
        let limit = self.limit.load(Ordering::Relaxed);
        if limit == 0 {
            let e = err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "prepared transactions are disabled")
                .hint("Set max_prepared_transactions to a nonzero value.");
            return Err(e.place("MarkAsPreparing", "twophase.c", 391));
        }
        let mut entries = self.change();
        if entries.iter().any(|e| e.gid == gid) {
            let text = format!("transaction identifier \"{gid}\" is already in use");
            return Err(err!(DUPLICATE_OBJECT, "{text}").place("MarkAsPreparing", "twophase.c", 411));
        }
        if entries.len() >= limit {
            return Err(too_many(limit).place("MarkAsPreparing", "twophase.c", 420));
        }
        entries.push(Entry {
            gid: gid.to_string(),
            busy: true,
            state: None,
            passed: Vec::new(),
            lsn: Lsn::INVALID,
            on_disk: false,
            outdated: false,
            hold: None,
        });
        self.count(&entries);
        Ok(Claim { home: self.clone(), gid: gid.to_string(), over: false })
    }

    /// The record is in the log. To be called before a checkpoint can decide its redo position (TWO-1).
    pub fn logged(&self, state: Arc<State>, lsn: Lsn) {
        if let Some(e) = self.change().iter_mut().find(|e| e.gid == state.gid) {
            (e.state, e.lsn) = (Some(state), lsn);
        }
    }

    /// Anybody may end it from now on: it is prepared, or has come back from a restart.
    pub fn ready(&self, gid: &str, hold: Hold) {
        if let Some(e) = self.change().iter_mut().find(|e| e.gid == gid) {
            (e.hold, e.busy) = (Some(hold), false);
        }
    }

    /// Claims one to end it (PostgreSQL 15, twophase.c, LockGXact: same refusals).
    ///
    /// # Errors
    /// 42704, 55000, 42501, 0A000.
    pub fn claim(self: &Arc<Self>, gid: &str, who: Finisher) -> Result<(Claim, Arc<State>)> {
        let mut entries = self.change();
        let found = entries.iter_mut().find(|e| e.gid == gid && (e.hold.is_some() || e.state.is_some() && !e.busy));
        let Some((entry, state)) = found.and_then(|e| e.state.clone().map(|s| (e, s))) else {
            let text = format!("prepared transaction with identifier \"{gid}\" does not exist");
            return Err(err!(UNDEFINED_OBJECT, "{text}").place("LockGXact", "twophase.c", 631));
        };
        if entry.busy {
            let text = format!("prepared transaction with identifier \"{gid}\" is busy");
            return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").place("LockGXact", "twophase.c", 597));
        }
        if state.owner != who.role && !who.is_superuser {
            let e = err!(INSUFFICIENT_PRIVILEGE, "permission denied to finish prepared transaction")
                .hint("Must be superuser or the user that prepared the transaction.");
            return Err(e.place("LockGXact", "twophase.c", 603));
        }
        if state.database != who.database {
            let e = err!(FEATURE_NOT_SUPPORTED, "prepared transaction belongs to another database")
                .hint("Connect to the database where the transaction was prepared to finish it.");
            return Err(e.place("LockGXact", "twophase.c", 615));
        }
        entry.busy = true;
        Ok((Claim { home: self.clone(), gid: gid.to_string(), over: false }, state))
    }

    /// It has ended: what it holds, to be released.
    pub fn take(&self, xid: Xid) -> Option<Hold> {
        let mut entries = self.change();
        let at = entries.iter().position(|e| e.state.as_ref().is_some_and(|s| s.xid == xid))?;
        let entry = entries.swap_remove(at);
        self.count(&entries);
        entry.hold
    }

    /// Removes the file of one that has ended (TWO-2).
    pub fn remove_file(&self, xid: Xid) -> Result<()> {
        file::remove(&*self.disk, xid)
    }

    /// Somebody is about to pass a row lock on to `row.xid`; false if that is no prepared transaction's. Noted before the
    /// record of it is written, so that a checkpoint that begins behind the record knows of it.
    pub fn pass_on(&self, row: RowLock) -> bool {
        if self.some.load(Ordering::Acquire) == 0 {
            return false;
        }
        let mut entries = self.change();
        let of = |e: &&mut Entry| e.state.as_ref().is_some_and(|s| s.ids().any(|x| x == row.xid));
        let Some(entry) = entries.iter_mut().find(of) else { return false };
        if !entry.passed.contains(&row) {
            entry.passed.push(row);
            entry.outdated = true;
        }
        true
    }

    /// All that are prepared.
    pub fn list(&self) -> Vec<Listed> {
        let entries = self.change();
        let listed = |e: &Entry| {
            let (state, hold) = (e.state.clone()?, e.hold.as_ref()?);
            let virtual_id = hold.virtual_id.clone().unwrap_or_else(|| format!("-1/{}", state.xid));
            Some(Listed { state, owner: hold.held.owner(), virtual_id })
        };
        entries.iter().filter_map(listed).collect()
    }

    /// Everything that has a record, prepared by now or not.
    pub fn states(&self) -> Vec<Arc<State>> {
        self.change().iter().filter_map(|e| e.state.clone()).collect()
    }

    /// How many a database has.
    pub fn count_in(&self, database: Oid) -> usize {
        self.states().iter().filter(|s| s.database == database).count()
    }

    /// Writes the files of those whose records lie before a checkpoint's redo position (TWO-1). `flush` makes the log
    /// durable up to a place: a file must not tell of what the log has lost.
    pub fn checkpoint(&self, redo: Lsn, flush: impl Fn(Lsn)) -> Result<usize> {
        let due: Vec<(State, Lsn)> = {
            let mut entries = self.change();
            let is_due = |e: &&mut Entry| if e.on_disk { e.outdated } else { e.lsn <= redo };
            let due = entries.iter_mut().filter(|e| e.state.is_some()).filter(is_due);
            due.filter_map(|e| {
                e.outdated = false;
                Some((e.whole()?, e.lsn))
            })
            .collect()
        };
        for (state, lsn) in &due {
            flush(*lsn);
            let written = file::write(&*self.disk, state);
            let mut entries = self.change();
            let mut entry = entries.iter_mut().find(|e| e.state.as_ref().is_some_and(|s| s.xid == state.xid));
            match &mut entry {
                Some(e) if written.is_ok() => e.on_disk = true,
                Some(e) => e.outdated = true,
                // It ended meanwhile.
                None => file::remove(&*self.disk, state.xid)?,
            }
            written?;
        }
        Ok(due.len())
    }

    /// The start of recovery: what the files tell. `next` is the first id that the checkpoint knows nothing of.
    ///
    /// # Errors
    /// XX001 for a damaged file, 53200 if there are more than may be.
    pub fn load(&self, next: Xid, clog: &Clog) -> Result<()> {
        for xid in file::list(&*self.disk)? {
            if xid >= next {
                warn(format!("removing future two-phase state file for transaction {xid}"));
                file::remove(&*self.disk, xid)?;
            } else if xid < clog.oldest() || clog.get(xid)? != ClogStatus::InProgress {
                warn(format!("removing stale two-phase state file for transaction {xid}"));
                file::remove(&*self.disk, xid)?;
            } else {
                self.restore(file::read(&*self.disk, xid)?, Lsn::INVALID, true)?;
            }
        }
        Ok(())
    }

    /// Recovery met a PREPARE record.
    ///
    /// # Errors
    /// 53200 if there are more than may be.
    pub fn redo_prepare(&self, state: State, lsn: Lsn) -> Result<()> {
        let known = self.change().iter().any(|e| e.state.as_ref().is_some_and(|s| s.xid == state.xid));
        match known {
            // Its file was written by a checkpoint that came to nothing.
            true => Ok(()),
            false => self.restore(state, lsn, false),
        }
    }

    fn restore(&self, state: State, lsn: Lsn, on_disk: bool) -> Result<()> {
        let limit = self.limit.load(Ordering::Relaxed);
        let mut entries = self.change();
        if entries.len() >= limit {
            return Err(too_many(limit).severity(Severity::Fatal).place("PrepareRedoAdd", "twophase.c", 2471));
        }
        entries.push(Entry {
            gid: state.gid.clone(),
            busy: true,
            state: Some(Arc::new(state)),
            passed: Vec::new(),
            lsn,
            on_disk,
            outdated: false,
            hold: None,
        });
        self.count(&entries);
        Ok(())
    }

    /// Recovery met the end of one.
    pub fn redo_end(&self, xid: Xid) -> Result<()> {
        self.take(xid);
        file::remove(&*self.disk, xid)
    }

    /// The row locks of one: those it had, and those passed on to it.
    pub fn rows(&self, xid: Xid) -> Vec<RowLock> {
        let entries = self.change();
        let entry = entries.iter().find(|e| e.state.as_ref().is_some_and(|s| s.xid == xid));
        entry.and_then(Entry::whole).map(|s| s.rows).unwrap_or_default()
    }
}

impl Entry {
    /// The state with what came later.
    fn whole(&self) -> Option<State> {
        let mut state = State::clone(self.state.as_ref()?);
        state.rows.extend(&self.passed);
        Some(state)
    }
}

fn warn(text: String) {
    report::log(&Report::notice(Severity::Warning, SqlState::WARNING, text));
}

fn too_many(limit: usize) -> crate::base::Error {
    err!(OUT_OF_MEMORY, "maximum number of prepared transactions reached")
        .hint(format!("Increase max_prepared_transactions (currently {limit})."))
}

impl Claim {
    /// The transaction is prepared: from now on anybody may end it.
    pub fn prepared(self, hold: Hold) {
        let (home, gid) = (self.home.clone(), self.gid.clone());
        self.over();
        home.ready(&gid, hold);
    }

    /// The entry is gone: nothing is to be given back.
    pub fn over(mut self) {
        self.over = true;
    }
}

impl Drop for Claim {
    /// A name without a record goes; an entry that did not end can be claimed again.
    fn drop(&mut self) {
        if self.over {
            return;
        }
        let mut entries = self.home.change();
        let Some(at) = entries.iter().position(|e| e.gid == self.gid && e.busy) else { return };
        match (&entries[at].state, &entries[at].hold) {
            (None, _) => drop(entries.swap_remove(at)),
            (Some(_), Some(_)) => entries[at].busy = false,
            // On its way from the log to `ready`.
            (Some(_), None) => {}
        }
        self.home.count(&entries);
    }
}
