//! Starting and ending transactions, and the statements that do.

use super::block::{Block, End};
use super::client::Client;
use super::job::{Done, Work};
use super::state::Session;
use super::wait;
use crate::base::error::Report;
use crate::base::{Flow, Result, Severity, SqlState, Stop, Wait};
use crate::catalog::ObjectKey;
use crate::catalog::object::class;
use crate::err;
use crate::settings::{Id, Lasting, Lookup};
use crate::sql::ast::{TransactionMode, TransactionStmt};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::{self, DeferredEvents};
use crate::sql::routine::cursor;
use crate::wire::Output;
use crate::xact::{Isolation, SyncCommit};
use std::time::Duration;

/// Deferred constraints, before a commit.
struct DeferredWork(DeferredEvents);

impl Work for DeferredWork {
    fn step(&mut self, cx: &mut ExecContext, _: &mut Output) -> Flow<Done> {
        self.0.run(cx)?;
        Ok(Done::Complete(String::new()))
    }
}

impl Session {
    /// Makes sure a transaction is active.
    pub(super) fn ensure_transaction(&mut self) {
        if self.backend().txn.is_active() {
            return;
        }
        let settings = self.settings.clone();
        let backend = self.backend();
        let isolation = Isolation::parse(backend.view.choice(Id::DefaultTransactionIsolation)).unwrap_or_default();
        let read_only = backend.view.bool(Id::DefaultTransactionReadOnly);
        backend.txn.begin(isolation, read_only);
        backend.catalog.keep_snapshot(None);
        backend.txn.deferrable = backend.view.bool(Id::DefaultTransactionDeferrable);
        settings.lock().begin();
        // A transaction starts when the statement came that starts it.
        let statement_us = self.cx().fx.statement_us;
        let backend = self.backend();
        if statement_us != 0 {
            backend.txn.start_us = statement_us + crate::base::clock::POSTGRES_EPOCH_US;
        }
        let start_us = backend.txn.start_us;
        self.started_at(start_us);
        self.show_modes();
    }

    /// What `now()` is in the transaction.
    fn started_at(&mut self, us: i64) {
        let backend = self.backend();
        backend.txn.start_us = us;
        backend.activity.transaction(us);
        self.cx().fx.io.now_us = us - crate::base::clock::POSTGRES_EPOCH_US;
    }

    /// What SHOW says of the transaction's modes is how it runs.
    fn show_modes(&mut self) {
        let txn = &self.backend().txn;
        let flag = |on| if on { "on" } else { "off" };
        let modes = [
            (Id::TransactionIsolation, txn.isolation.as_str()),
            (Id::TransactionReadOnly, flag(txn.read_only)),
            (Id::TransactionDeferrable, flag(txn.deferrable)),
        ];
        for (id, text) in modes {
            let view = &self.backend().view;
            let shown = match id {
                Id::TransactionIsolation => view.choice(id) == text,
                _ => flag(view.bool(id)) == text,
            };
            if !shown {
                // The table of settings has these values.
                let _ = self.settings.clone().lock().force(id, text, Lasting::Local);
                self.settings_changed();
            }
        }
    }

    /// `commit_delay`, if `commit_siblings` others are in the middle of something (PostgreSQL 15, xlog.c, XLogFlush).
    pub(super) fn commit_delay(&mut self) -> Duration {
        let backend = self.backend();
        let Ok(delay @ 1..) = u64::try_from(backend.view.int(Id::CommitDelay)) else { return Duration::ZERO };
        let others = backend.txn.others_running();
        let enough = backend.view.bool(Id::Fsync) && others as i64 >= backend.view.int(Id::CommitSiblings);
        if enough { Duration::from_micros(delay) } else { Duration::ZERO }
    }

    /// Commits the active transaction, if any.
    ///
    /// # Errors
    /// What kept it from committing; it is rolled back then.
    pub(super) async fn commit(&mut self) -> Result<()> {
        if !self.backend().txn.is_active() {
            return Ok(());
        }
        if let Err(e) = crate::sql::command::before_commit(self.cx()) {
            self.rollback();
            return Err(e);
        }
        let backend = self.backend();
        let gone = backend.catalog.gone_after(true);
        let off = backend.view.choice(Id::SynchronousCommit) == "off";
        let sync = if off { SyncCommit::Off } else { SyncCommit::On };
        loop {
            let backend = self.backend();
            let catalog = backend.catalog.clone();
            match backend.txn.commit(&catalog, sync) {
                Ok(()) => break,
                Err(Stop::Wait(w)) => match *w {
                    Wait::Flush(lsn) => {
                        let delay = self.commit_delay();
                        wait::flushed(&self.server, lsn, delay).await
                    }
                    _ => tokio::task::yield_now().await,
                },
                Err(Stop::Yield) => {}
                Err(Stop::Error(e)) => {
                    self.rollback();
                    return Err(e);
                }
            }
        }
        self.after_end(true);
        self.forget_counts(&gone);
        Ok(())
    }

    /// What was counted of objects that are gone goes, too.
    fn forget_counts(&mut self, gone: &[ObjectKey]) {
        let backend = self.backend();
        let (stats, db) = (backend.instance.stats.clone(), backend.database);
        for key in gone {
            match key.class {
                class::RELATION => stats.drop_relation(db, key.oid),
                _ => stats.drop_function(db, key.oid),
            }
        }
    }

    /// What changed rows still await before a commit: deferred constraints.
    ///
    /// # Errors
    /// Theirs; the transaction is then to be rolled back.
    pub(super) async fn run_deferred(&mut self, client: &mut Client) -> Result<()> {
        if self.backend().deferred.is_empty() {
            return Ok(());
        }
        let done = self.drive(client, Box::new(DeferredWork(DeferredEvents::all()))).await.0;
        done.map(drop)
    }

    /// COMMIT or ROLLBACK inside a procedure: the transaction ends, and the next one begins.
    pub(super) async fn end_inside(&mut self, client: &mut Client, what: &Wait) -> Result<()> {
        let Wait::EndTransaction { commit, chain } = *what else { return Ok(()) };
        let txn = &self.backend().txn;
        let (isolation, read_only, deferrable) = (txn.isolation, txn.read_only, txn.deferrable);
        match commit {
            true => {
                self.run_deferred(client).await?;
                self.hold_cursors(client).await?;
                self.commit().await?;
            }
            false => self.rollback(),
        }
        self.ensure_transaction();
        // PostgreSQL 15, xact.c, StartTransaction: inside of a procedure no statement has come that starts it.
        self.started_at(crate::base::clock::now_us());
        if chain {
            let backend = self.backend();
            (backend.txn.isolation, backend.txn.read_only, backend.txn.deferrable) = (isolation, read_only, deferrable);
            self.show_modes();
        }
        self.settings_changed();
        Ok(())
    }

    /// Rolls the active transaction back, if any.
    pub(super) fn rollback(&mut self) {
        if !self.backend().txn.is_active() {
            return;
        }
        let backend = self.backend();
        let catalog = backend.catalog.clone();
        let gone = catalog.gone_after(false);
        backend.txn.abort(&catalog);
        self.after_end(false);
        self.forget_counts(&gone);
    }

    pub(super) fn after_end(&mut self, committed: bool) {
        match committed {
            true => self.settings.lock().commit(),
            false => self.settings.lock().rollback(),
        }
        match committed {
            true => self.portals.clear(),
            false => self.portals.fail(),
        }
        self.cx().routines.cursors.retain(|_, c| c.held);
        let backend = self.backend();
        let stats = backend.instance.stats.clone();
        backend.stats.end_transaction(committed, &stats);
        backend.seen.clear();
        backend.activity.transaction(0);
        backend.delete_at_commit.retain(|_| committed);
        after_row::forget(&mut backend.deferred);
        backend.large_objects.close_all();
        let (notes, heard_anew) = backend.messages.end(committed);
        if heard_anew {
            let channels = backend.messages.channels().to_vec();
            self.server.backends.listeners.set(&self.handle, &channels);
        }
        if !notes.is_empty() {
            let database = self.handle.database();
            self.server.backends.listeners.send(database, self.handle.pid, notes);
        }
        self.settings_changed();
    }

    /// After an error: what the transaction and the block become.
    pub(super) fn fail(&mut self) {
        // Nobody will ask for what the statement has read.
        self.cx().fx.io.hooks.take_unchecked();
        let next = self.block.failed();
        match next {
            // The block stays, but what it did is undone at once: locks are given back, others go on.
            Block::Failed => self.abort_inside_block(),
            _ => self.rollback(),
        }
        self.block = next;
    }

    /// In a failed block savepoints can still be gone back to; without one everything is undone now.
    fn abort_inside_block(&mut self) {
        if self.backend().txn.depth() == 0 {
            self.rollback();
        }
    }

    /// BEGIN, COMMIT, ROLLBACK and savepoints. Returns the command tag.
    pub(super) async fn transaction_stmt(&mut self, client: &mut Client, stmt: &TransactionStmt) -> Result<String> {
        let tag = match stmt {
            TransactionStmt::Begin { start, modes } => {
                self.begin_block(client, modes)?;
                if *start { "START TRANSACTION" } else { "BEGIN" }
            }
            TransactionStmt::Commit { chain } => {
                let failed = self.block == Block::Failed;
                self.end_block(client, true, *chain).await?;
                if failed { "ROLLBACK" } else { "COMMIT" }
            }
            TransactionStmt::Rollback { chain } => {
                self.end_block(client, false, *chain).await?;
                "ROLLBACK"
            }
            TransactionStmt::Savepoint(name) => {
                self.block.require_explicit("SAVEPOINT")?;
                self.settings.lock().enter();
                let backend = self.backend();
                let catalog = backend.catalog.clone();
                backend.txn.savepoint(&catalog, name);
                backend.stats.enter();
                "SAVEPOINT"
            }
            TransactionStmt::Release(name) => {
                self.block.require_explicit("RELEASE SAVEPOINT")?;
                let backend = self.backend();
                let catalog = backend.catalog.clone();
                let before = backend.txn.depth();
                backend.txn.release_savepoint(&catalog, name)?;
                let depth = backend.txn.depth();
                self.leave_levels(before - depth, depth, true);
                self.show_modes();
                "RELEASE"
            }
            TransactionStmt::RollbackTo(name) => {
                if !self.block.is_explicit() {
                    self.block.require_explicit("ROLLBACK TO SAVEPOINT")?;
                }
                let backend = self.backend();
                let catalog = backend.catalog.clone();
                let before = backend.txn.depth();
                if !backend.txn.is_active() {
                    return Err(err!(INVALID_SAVEPOINT_SPECIFICATION, "savepoint \"{name}\" does not exist"));
                }
                let at = backend.txn.rollback_to_savepoint(&catalog, name)?;
                self.leave_levels(before - at, at, false);
                self.settings.lock().enter();
                self.backend().stats.enter();
                self.block = Block::Explicit;
                "ROLLBACK"
            }
            TransactionStmt::Prepare(gid) => self.prepare_transaction(client, gid).await?,
            TransactionStmt::CommitPrepared(gid) => {
                self.block.prevent("COMMIT PREPARED")?;
                self.end_prepared(gid, true).await?;
                "COMMIT PREPARED"
            }
            TransactionStmt::RollbackPrepared(gid) => {
                self.block.prevent("ROLLBACK PREPARED")?;
                self.end_prepared(gid, false).await?;
                "ROLLBACK PREPARED"
            }
        };
        Ok(tag.to_string())
    }

    fn leave_levels(&mut self, levels: usize, depth: usize, keep: bool) {
        let mut settings = self.settings.lock();
        for _ in 0..levels {
            let level = settings.level();
            settings.leave(level, keep);
        }
        drop(settings);
        for _ in 0..levels {
            self.backend().stats.leave(keep);
        }
        cursor::leave_to(self.cx(), depth, keep);
        self.settings_changed();
    }

    fn begin_block(&mut self, client: &mut Client, modes: &[TransactionMode]) -> Result<()> {
        let (next, warn) = self.block.begin();
        if warn {
            let text = "there is already a transaction in progress";
            self.warn(client, SqlState::ACTIVE_SQL_TRANSACTION, text);
        }
        self.ensure_transaction();
        self.set_modes(modes)?;
        self.block = next;
        Ok(())
    }

    /// SET TRANSACTION, and the modes of BEGIN.
    pub(super) fn set_modes(&mut self, modes: &[TransactionMode]) -> Result<()> {
        crate::sql::command::transaction_modes::set(self.cx(), modes)?;
        self.settings_changed();
        Ok(())
    }

    /// `transaction_isolation` and its kin change the running transaction.
    pub(super) fn apply_transaction_setting(&mut self, id: Id, text: &str) -> Result<()> {
        crate::sql::command::transaction_modes::apply(self.backend(), id, text)
    }

    pub(super) async fn end_block(&mut self, client: &mut Client, commit: bool, chain: bool) -> Result<()> {
        let (next, end) = self.block.end(commit);
        let txn = &self.backend().txn;
        let (isolation, read_only, deferrable) = (txn.isolation, txn.read_only, txn.deferrable);
        match end {
            End::NoBlock { .. } => {
                if chain {
                    let what = if commit { "COMMIT AND CHAIN" } else { "ROLLBACK AND CHAIN" };
                    return Err(err!(NO_ACTIVE_SQL_TRANSACTION, "{what} can only be used in transaction blocks"));
                }
                self.warn(client, SqlState::NO_ACTIVE_SQL_TRANSACTION, "there is no transaction in progress");
                match commit {
                    true => self.commit().await?,
                    false => self.rollback(),
                }
                return Ok(());
            }
            End::Commit => {
                self.block = Block::None;
                self.commit().await?;
            }
            End::Rollback => self.rollback(),
        }
        self.block = next;
        if chain {
            self.ensure_transaction();
            let backend = self.backend();
            (backend.txn.isolation, backend.txn.read_only, backend.txn.deferrable) = (isolation, read_only, deferrable);
            self.show_modes();
            self.block = Block::Explicit;
        }
        Ok(())
    }

    /// Tells client and log of something that is no error.
    pub(super) fn warn(&mut self, client: &mut Client, state: SqlState, text: &str) {
        let report = Report::notice(Severity::Warning, state, text);
        self.tell(client, report);
    }

    /// Sends a notice as far as `client_min_messages` wants it, and logs it.
    pub(super) fn tell(&mut self, client: &mut Client, report: Report) {
        let origin = self.origin.clone();
        crate::base::report::log_as(&origin, &report);
        if self.client_wants(&report) {
            client.out.report(&report);
        }
    }
}
