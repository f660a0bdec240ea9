//! PREPARE TRANSACTION, and the end of what it left.
//!
//! PostgreSQL 15, twophase.c and xact.c, PrepareTransaction: same steps, same refusals. What is applied at COMMIT
//! PREPARED is always read from the state, whether there was a restart in between or not.

use super::files;
use super::record::{self, EndRecord};
use super::transaction::{Phase, Transaction};
use crate::base::{Error, Flow, Lsn, Oid, Result, Stop, Wait, Xid, clock};
use crate::catalog::{Catalog, Change, ObjectKey};
use crate::lock::{HeldLocks, LockMode, Scope};
use crate::mvcc::RowKey;
use crate::mvcc::serializable::Who;
use crate::stat::Written;
use crate::storage::Storage;
use crate::twophase::{Claim, Finisher, Hold, Predicate, RowLock, State};
use crate::wal::{Need, Record, Rmgr};
use std::sync::Arc;

/// What the session knows of a transaction that is to be prepared.
#[derive(Debug, Default)]
pub struct Preparation {
    pub gid: String,
    pub owner: Oid,
    pub written: Vec<Written>,
    /// LISTEN, UNLISTEN or NOTIFY was executed.
    pub notified: bool,
}

impl Transaction {
    /// Prepares the transaction. `Wait::Flush` means: await the log, then call again; from the first call on it cannot be
    /// undone (XACT-5). Afterwards the session has no transaction.
    ///
    /// # Errors
    /// Before the record is in the log: then the transaction is still active and must be aborted.
    pub fn prepare(&mut self, catalog: &Catalog, ask: &Preparation) -> Flow<()> {
        let lsn = match self.phase {
            Phase::Idle | Phase::Committing(_) => return Err(Error::internal("there is nothing to prepare").into()),
            Phase::Preparing(lsn) => lsn,
            Phase::Active => {
                let lsn = self.log_prepare(catalog, ask)?;
                self.phase = Phase::Preparing(lsn);
                lsn
            }
        };
        if !self.flush_here(lsn) {
            return Stop::wait(Wait::Flush(lsn));
        }
        self.let_go(catalog);
        Ok(())
    }

    fn log_prepare(&mut self, catalog: &Catalog, ask: &Preparation) -> Flow<Lsn> {
        if let Some(tracked) = self.own.tracked() {
            tracked.prepare()?;
        }
        if self.touches_temporary(catalog) {
            let text = "cannot PREPARE a transaction that has operated on temporary objects";
            return Err(Error::unsupported(text).place("PrepareTransaction", "xact.c", 2509).into());
        }
        if !self.exports.is_empty() {
            let text = "cannot PREPARE a transaction that has exported snapshots";
            return Err(Error::unsupported(text).place("PrepareTransaction", "xact.c", 2519).into());
        }
        let claim = self.storage.twophase.reserve(&ask.gid)?;
        if ask.notified {
            let text = "cannot PREPARE a transaction that has executed LISTEN, UNLISTEN, or NOTIFY";
            return Err(Error::unsupported(text).place("AtPrepare_Notify", "async.c", 873).into());
        }
        if self.held.holds_twice() {
            let text = "cannot PREPARE while holding both session-level and transaction-level locks on the same object";
            return Err(Error::unsupported(text).place("CheckForSessionAndXactLocks", "lock.c", 3319).into());
        }
        let xid = match self.own.top() {
            Some(xid) => xid,
            None => self.assign_top(),
        };
        let owner = self.storage.twophase.new_owner();
        let state = Arc::new(self.state(catalog, xid, owner, ask));
        let body = state.encode()?;
        self.storage.wal.reserve_for(Record::max_bytes(0, body.len()), Need::End)?;
        // TWO-1: no checkpoint decides its redo position between the record and the entry.
        let gate = self.storage.mvcc.delay_checkpoint();
        let record = Record { rmgr: Rmgr::Transaction, info: record::PREPARE, xid, blocks: &[], data: &[&body] };
        let lsn = self.storage.wal.insert(&record).end;
        self.storage.twophase.logged(state.clone(), lsn);
        drop(gate);
        self.preparing = Some((claim, owner));
        Ok(self.log_late_rows(&state).unwrap_or(lsn))
    }

    /// Row locks that others passed on while the state was put together: from the entry on they see to it themselves.
    fn log_late_rows(&self, state: &State) -> Option<Lsn> {
        let ids: Vec<Xid> = state.ids().collect();
        let all = row_locks(self.storage.mvcc.lockers.held_by(&ids));
        let late = all.into_iter().filter(|row| !state.rows.contains(row) && self.storage.twophase.pass_on(*row));
        late.fold(None, |_, row| {
            let data = serde_json::to_vec(&row).unwrap_or_default();
            let (rmgr, info, xid) = (Rmgr::Transaction, record::PASS_LOCK, state.xid);
            Some(self.storage.wal.insert(&Record { rmgr, info, xid, blocks: &[], data: &[&data] }).end)
        })
    }

    /// Whether it has used the temporary schema, or something in it.
    fn touches_temporary(&self, catalog: &Catalog) -> bool {
        let locked = |tag: &crate::lock::LockTag| match tag {
            crate::lock::LockTag::Relation { rel, .. } => catalog.is_or_was_temporary(*rel),
            _ => false,
        };
        self.touched_temporary || self.held.transaction_modes().iter().any(|(tag, _)| locked(tag))
    }

    fn state(&self, catalog: &Catalog, xid: Xid, owner: u32, ask: &Preparation) -> State {
        let subs = self.own.subs();
        let files = |created: bool| self.files.iter().filter(|f| f.created == created).map(|f| f.file).collect();
        let ids: Vec<Xid> = std::iter::once(xid).chain(subs.iter().copied()).collect();
        let rows = self.storage.mvcc.lockers.held_by(&ids);
        let predicate = self.own.tracked().map(|t| {
            let (read_only, wrote, marks) = t.leave_session(owner);
            Predicate { read_only, wrote, marks }
        });
        State {
            gid: ask.gid.clone(),
            xid,
            subs,
            database: self.database,
            owner: ask.owner,
            prepared_us: clock::now_us(),
            created: files(true),
            dropped: files(false),
            locks: self.held.transaction_modes(),
            rows: row_locks(rows),
            predicate,
            changes: catalog.changes(),
            written: ask.written.clone(),
        }
    }

    /// The transaction leaves the session for the registry.
    fn let_go(&mut self, catalog: &Catalog) {
        let storage = self.storage.clone();
        let tracked = self.own.tracked().cloned();
        if let Some((claim, owner)) = self.preparing.take() {
            let held = storage.locks.hand_over(&mut self.held, owner);
            claim.prepared(Hold { held, tracked, virtual_id: Some(self.running.virtual_id(self.pid)) });
        }
        catalog.discard();
        self.finish();
    }
}

fn row_locks(held: Vec<(RowKey, Xid, u8)>) -> Vec<RowLock> {
    held.into_iter().map(|((file, tid), xid, strength)| RowLock { file, tid, xid, strength }).collect()
}

/// COMMIT PREPARED or ROLLBACK PREPARED on its way.
pub struct Ending {
    storage: Arc<Storage>,
    claim: Option<Claim>,
    state: Arc<State>,
    changes: Vec<(ObjectKey, Change)>,
    commit: bool,
    /// Where the record ends, once it is in the log.
    lsn: Option<Lsn>,
}

impl Ending {
    /// Claims a prepared transaction.
    ///
    /// # Errors
    /// If there is none of that name, or `who` may not end it.
    pub fn start(storage: &Arc<Storage>, gid: &str, who: Finisher, commit: bool) -> Result<Ending> {
        let (claim, state) = storage.twophase.claim(gid, who)?;
        let changes = if commit { Catalog::read_changes(&state.changes)? } else { Vec::new() };
        Ok(Ending { storage: storage.clone(), claim: Some(claim), state, changes, commit, lsn: None })
    }

    pub fn state(&self) -> &State {
        &self.state
    }

    /// Ends it. `Wait::Flush` means: await the log, then call again; from the first call on it cannot be undone.
    ///
    /// # Errors
    /// 53100 before the record is in the log: it stays prepared.
    pub fn step(&mut self, catalog: &Catalog) -> Flow<()> {
        let lsn = match self.lsn {
            Some(lsn) => lsn,
            None => self.log()?,
        };
        self.lsn = Some(lsn);
        if !self.storage.wal.is_durable(lsn) {
            return Stop::wait(Wait::Flush(lsn));
        }
        self.finish(catalog, lsn)?;
        Ok(())
    }

    fn unlink(&self) -> &[crate::base::RelFileId] {
        if self.commit { &self.state.dropped } else { &self.state.created }
    }

    fn log(&self) -> Flow<Lsn> {
        let State { xid, subs, .. } = &*self.state;
        let end = EndRecord { time_us: clock::now_us(), subs: subs.clone(), unlink: self.unlink().to_vec() };
        let body = end.encode();
        let storage = &self.storage;
        storage.wal.reserve_for(Record::max_bytes(0, body.len()), Need::End)?;
        let info = if self.commit { record::COMMIT_PREPARED } else { record::ABORT_PREPARED };
        let insert = || {
            let record = Record { rmgr: Rmgr::Transaction, info, xid: *xid, blocks: &[], data: &[&body] };
            storage.wal.insert(&record).end
        };
        Ok(match self.commit {
            true => storage.mvcc.log_commit(*xid, subs, || Ok(insert()))?,
            false => storage.mvcc.log_abort(*xid, subs, insert)?,
        })
    }

    /// As the end of any transaction (XACT-1); the file goes last.
    fn finish(&mut self, catalog: &Catalog, lsn: Lsn) -> Result<()> {
        let storage = self.storage.clone();
        let State { xid, subs, .. } = &*self.state;
        // As for any transaction that has changed the catalogs.
        let gate = storage.mvcc.delay_checkpoint();
        let csn = match self.commit {
            true => Some(storage.mvcc.commit(*xid, subs, lsn)),
            false => {
                storage.mvcc.abort(*xid, subs)?;
                None
            }
        };
        let hold = storage.twophase.take(*xid);
        if let Some(claim) = self.claim.take() {
            claim.over();
        }
        if let Some(mut hold) = hold {
            match (&hold.tracked, csn) {
                (Some(tracked), Some(csn)) => tracked.commit(Some(csn)),
                (Some(tracked), None) => tracked.abort(),
                (None, _) => {}
            }
            catalog.apply_changes(std::mem::take(&mut self.changes));
            drop(gate);
            storage.locks.release_to(&mut hold.held, 0);
        }
        // It has ended; a file that cannot be unlinked now is removed at the next start.
        let unlinked = files::unlink(&storage, self.unlink()).and(storage.twophase.remove_file(*xid));
        if let Err(e) = unlinked {
            crate::base::report::log(&e.0);
        }
        Ok(())
    }
}

/// The end of recovery, once prepared transactions' ids run again: they hold again what they held.
///
/// # Errors
/// I/O; 53200 if there is no room for marks of serializable ones.
pub fn recover_prepared(storage: &Storage) -> Result<()> {
    for state in storage.twophase.states() {
        crate::log!("recovering prepared transaction {} from shared memory", state.xid);
        let owner = storage.twophase.new_owner();
        let mut held = HeldLocks::new(owner);
        for (tag, modes) in &state.locks {
            for mode in LockMode::ALL.into_iter().filter(|m| modes >> *m as u8 & 1 == 1) {
                if storage.locks.try_acquire(&mut held, *tag, mode, Scope::Transaction).is_none() {
                    return Err(Error::internal(format!("lock {tag} of a prepared transaction is taken")));
                }
            }
        }
        crate::heap::restore_locks(storage, &storage.twophase.rows(state.xid))?;
        let tracked = match &state.predicate {
            None => None,
            Some(p) => {
                let who = Who { pid: owner, read_only: p.read_only, ids: state.ids().collect() };
                let newest = storage.mvcc.newest_csn();
                storage.mvcc.serializable.recover(&who, newest, p.wrote, &p.marks)?
            }
        };
        storage.twophase.ready(&state.gid, Hold { held, tracked, virtual_id: None });
    }
    Ok(())
}
