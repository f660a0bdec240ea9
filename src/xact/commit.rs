//! The end of a transaction.

use super::files;
use super::record::{self, EndRecord};
use super::transaction::{Phase, SyncCommit, Transaction};
use crate::base::{Flow, Lsn, RelFileId, Result, Wait, Xid};
use crate::base::{Stop, clock};
use crate::catalog::Catalog;
use crate::wal::{Need, Record, Rmgr};

impl Transaction {
    /// Commits. `Wait::Flush` means: await the log, then call again; from the first call on it cannot be undone (XACT-2).
    ///
    /// # Errors
    /// Only before the record is in the log (53100; 40001 of a serializable transaction): then the transaction is still active and must be aborted.
    pub fn commit(&mut self, catalog: &Catalog, sync: SyncCommit) -> Flow<()> {
        let lsn = match self.phase {
            Phase::Idle => return Ok(()),
            Phase::Committing(lsn) => lsn,
            // `prepare` goes on with it.
            Phase::Preparing(lsn) => return Stop::wait(Wait::Flush(lsn)),
            Phase::Active => {
                if let Some(tracked) = self.own.tracked() {
                    tracked.prepare()?;
                }
                let Some(xid) = self.own.top() else {
                    self.end_without_id(catalog)?;
                    return Ok(());
                };
                let lsn = self.log_commit(xid)?;
                self.phase = Phase::Committing(lsn);
                lsn
            }
        };
        let wait = sync == SyncCommit::On || self.force_sync;
        if wait && !self.flush_here(lsn) {
            return Stop::wait(Wait::Flush(lsn));
        }
        self.make_visible(catalog, lsn);
        Ok(())
    }

    /// True if the commit is durable on return. With no other transaction running nobody is held up by a flush on this
    /// thread, and a hand-over to the flusher and back is saved; beside others it would stall those on this thread, and
    /// the flusher takes them all along.
    pub(super) fn flush_here(&self, lsn: Lsn) -> bool {
        let wal = &self.storage.wal;
        wal.is_durable(lsn) || (!self.storage.mvcc.others_run(&self.own) && wal.flush_alone(lsn))
    }

    /// How many other transactions have written something and not ended.
    pub fn others_running(&self) -> usize {
        self.storage.mvcc.others_running(&self.own)
    }

    /// A transaction that wrote nothing; files it made and dropped again may still be there (XACT-3).
    fn end_without_id(&mut self, catalog: &Catalog) -> Result<()> {
        catalog.discard();
        if let Some(tracked) = self.own.tracked() {
            tracked.commit(None);
        }
        let dropped = self.files_at_commit();
        self.finish();
        files::unlink(&self.storage, &dropped)
    }

    fn files_at_commit(&self) -> Vec<RelFileId> {
        self.files.iter().filter(|f| !f.created).map(|f| f.file).collect()
    }

    fn log_commit(&mut self, xid: Xid) -> Flow<Lsn> {
        let subs = self.own.subs();
        let end = EndRecord { time_us: clock::now_us(), subs: subs.clone(), unlink: self.files_at_commit() };
        let body = end.encode();
        self.storage.wal.reserve_for(Record::max_bytes(0, body.len()), Need::End)?;
        let storage = &self.storage;
        let lsn = storage.mvcc.log_commit(xid, &subs, || {
            let record = Record { rmgr: Rmgr::Transaction, info: record::COMMIT, xid, blocks: &[], data: &[&body] };
            Ok(storage.wal.insert(&record).end)
        })?;
        Ok(lsn)
    }

    fn make_visible(&mut self, catalog: &Catalog, lsn: Lsn) {
        let storage = self.storage.clone();
        // Who cuts the commit log must not see that it has ended before he sees what tables it has made.
        let gate = catalog.is_changed().then(|| storage.mvcc.delay_checkpoint());
        if let Some(xid) = self.own.top() {
            let csn = self.storage.mvcc.commit(xid, &self.own.subs(), lsn);
            // SSI-3: its end is numbered once it is visible.
            if let Some(tracked) = self.own.tracked() {
                tracked.commit(Some(csn));
            }
        }
        catalog.apply();
        drop(gate);
        let dropped = self.files_at_commit();
        self.last_commit_lsn = lsn;
        self.finish();
        // The commit stands; a file that cannot be unlinked now is removed at the next start.
        if let Err(e) = files::unlink(&self.storage, &dropped) {
            crate::base::report::log(&e.0);
        }
    }

    /// Undoes the whole transaction. Nothing happens if none is active.
    pub fn abort(&mut self, catalog: &Catalog) {
        if self.phase == Phase::Idle {
            return;
        }
        assert_eq!(self.phase, Phase::Active, "XACT-2");
        catalog.discard();
        let made: Vec<RelFileId> = self.files.iter().filter(|f| f.created).map(|f| f.file).collect();
        if let Some(xid) = self.own.top() {
            let subs = self.own.subs();
            self.log_abort(xid, &subs, &made);
            // The commit log calls unknown transactions aborted, so a failure to write it changes nothing.
            if let Err(e) = self.storage.mvcc.abort(xid, &subs) {
                crate::base::report::log(&e.0);
            }
        }
        if let Some(tracked) = self.own.tracked() {
            tracked.abort();
        }
        self.storage.clone().locks.release_command(&mut self.held);
        self.finish();
        if let Err(e) = files::unlink(&self.storage, &made) {
            crate::base::report::log(&e.0);
        }
    }

    /// Tells the log of an abort. Best effort: without the record, recovery comes to the same answer, only later.
    pub(super) fn log_abort(&self, xid: Xid, subs: &[Xid], made: &[RelFileId]) {
        let end = EndRecord { time_us: clock::now_us(), subs: subs.to_vec(), unlink: made.to_vec() };
        let body = end.encode();
        if self.storage.wal.reserve_for(Record::max_bytes(0, body.len()), Need::End).is_ok() {
            let record = Record { rmgr: Rmgr::Transaction, info: record::ABORT, xid, blocks: &[], data: &[&body] };
            self.storage.wal.insert(&record);
        }
    }
}
