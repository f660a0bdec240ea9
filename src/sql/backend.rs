//! The session's side of a running statement: transaction, catalogs, user, settings. Moves with the statement.

use super::instance::Instance;
use crate::base::{CommandId, Oid, Result};
use crate::catalog::{Catalog, Writer};
use crate::err;
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup, SessionSettings, View};
use crate::stat::{ActivitySlot, Consistency, Counted, PendingStats, Seen};
use crate::xact::Transaction;
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;

/// Who the session is, and who it acts as.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// Authenticated as.
    pub authenticated: Oid,
    pub authenticated_name: String,
    /// SET SESSION AUTHORIZATION.
    pub session: Oid,
    pub session_name: String,
    /// SET ROLE.
    pub current: Oid,
    pub current_name: String,
    pub is_superuser: bool,
    /// It is somebody else's code that runs, on behalf of a command: nothing may outlast it.
    pub restricted: bool,
}

/// What `currval` and `lastval` remember, and values fetched ahead (`CACHE n`).
#[derive(Default, Debug)]
pub struct Sequences {
    /// By sequence.
    pub known: HashMap<Oid, SequenceState>,
    pub last: Option<Oid>,
}

#[derive(Clone, Copy, Default, Debug)]
pub struct SequenceState {
    /// The file the values are from.
    pub node: Oid,
    pub last: i64,
    pub cached_next: i64,
    pub cached_left: i64,
}

/// One per session.
pub struct Backend {
    pub instance: Arc<Instance>,
    pub pid: u32,
    pub database: Oid,
    pub database_name: String,
    pub user: User,
    pub txn: Transaction,
    pub catalog: Arc<Catalog>,
    pub settings: Arc<Mutex<SessionSettings>>,
    /// What `session_authorization` and `role` said when `user` was made by them.
    pub followed: (String, String),
    /// The settings as the running statement sees them.
    pub view: View,
    pub activity: Arc<ActivitySlot>,
    pub stats: PendingStats,
    /// What the transaction has seen of the counters.
    pub seen: Arc<Seen>,
    pub sequences: Sequences,
    /// Temporary tables whose rows go at commit.
    pub delete_at_commit: Vec<Oid>,
    /// Temporary tables that go at commit.
    pub drop_at_commit: Vec<Oid>,
    /// Work on changed rows that awaits the commit.
    pub deferred: crate::sql::exec::after_row::Deferred,
    /// What its statements and cursors have open.
    pub in_use: Arc<crate::sql::exec::InUse>,
    /// Large objects it has open.
    pub large_objects: crate::sql::large_object::Descriptors,
    /// What it listens on, and what the transaction wants heard and said.
    pub messages: super::notify::Messages,
    /// Whether the statement runs inside a transaction block (`VACUUM` and others refuse).
    pub in_block: bool,
    /// A routine runs the statement, outside any block.
    pub in_routine: bool,
    /// Statements of the extended protocol have run since the last Sync, and are not committed.
    pub in_pipeline: bool,
    /// The statement that ran is to be committed at once.
    pub commits_at_once: bool,
    /// Text search configurations that are ready for use.
    pub text_search: Arc<super::text_search::Cache>,
}

impl Backend {
    /// The running (sub)transaction as a writer of catalog rows.
    pub fn writer(&mut self) -> Writer {
        // An object may be written twice by one statement: the second write must see the first one's row.
        self.txn.next_command();
        let xid = self.txn.xid();
        let cid: CommandId = self.txn.command_for_write();
        Writer { xid, cid, own: self.txn.own().clone() }
    }

    /// The counters as this transaction sees them.
    pub fn counted(&self) -> Counted {
        let how = Consistency::named(self.view.choice(Id::StatsFetchConsistency));
        Counted::new(self.instance.stats.clone(), self.seen.clone(), how, self.database)
    }

    /// # Errors
    /// 25001 inside a transaction block, and where other statements of a pipeline share the transaction.
    pub fn prevent_in_block(&mut self, what: &str) -> Result<()> {
        let place = |e: crate::base::Error, line| e.place("PreventInTransactionBlock", "xact.c", line);
        if self.in_block && !self.in_routine || self.txn.depth() > 0 {
            let text = err!(ACTIVE_SQL_TRANSACTION, "{what} cannot run inside a transaction block");
            return Err(place(text, 3486));
        }
        if self.in_routine {
            return Err(place(err!(ACTIVE_SQL_TRANSACTION, "{what} cannot be executed from a function"), 3516));
        }
        if self.in_pipeline {
            return Err(err!(ACTIVE_SQL_TRANSACTION, "{what} cannot be executed within a pipeline").place(
                "PreventInTransactionBlock",
                "xact.c",
                3506,
            ));
        }
        self.commits_at_once = true;
        Ok(())
    }

    /// What a statement sees. From the first one on that a transaction keeps, the catalogs show it partitions that it sees
    /// rows of still.
    pub fn snapshot(&mut self) -> Snapshot {
        let taken = self.txn.snapshot();
        if self.txn.isolation.keeps_snapshot() {
            self.catalog.keep_snapshot(Some(taken.csn));
        }
        taken
    }

    /// # Errors
    /// 25006 in a read-only transaction.
    pub fn prevent_if_read_only(&self, what: &str) -> Result<()> {
        if self.txn.read_only {
            return Err(err!(READ_ONLY_SQL_TRANSACTION, "cannot execute {what} in a read-only transaction").place(
                "PreventCommandIfReadOnly",
                "utility.c",
                414,
            ));
        }
        Ok(())
    }
}

impl Backend {
    /// The backend of a worker that runs commands of its own, as the bootstrap superuser.
    ///
    /// # Errors
    /// 3D000 if the database is gone.
    pub fn for_worker(
        instance: Arc<Instance>,
        database: Oid,
        pid: u32,
        activity: Arc<ActivitySlot>,
    ) -> Result<Backend> {
        use crate::catalog::object::fixed::BOOTSTRAP_SUPERUSER;
        let catalog = Arc::new(instance.cluster.session(database)?);
        let name = catalog.role(BOOTSTRAP_SUPERUSER).map(|r| r.name).unwrap_or_default();
        let settings = SessionSettings::new(&instance.settings);
        let view = settings.view().clone();
        let user = User {
            authenticated: BOOTSTRAP_SUPERUSER,
            authenticated_name: name.clone(),
            session: BOOTSTRAP_SUPERUSER,
            session_name: name.clone(),
            current: BOOTSTRAP_SUPERUSER,
            current_name: name,
            is_superuser: true,
            restricted: false,
        };
        let text_search = super::text_search::Cache::new(instance.storage.disk.clone(), &catalog, database);
        Ok(Backend {
            pid,
            database,
            database_name: catalog.database_by_oid(database).map(|d| d.name).unwrap_or_default(),
            user,
            txn: Transaction::new(instance.storage.clone(), database, pid),
            catalog,
            followed: (String::new(), "none".to_owned()),
            settings: Arc::new(Mutex::new(settings)),
            view,
            activity,
            stats: PendingStats::new(database),
            seen: Arc::default(),
            sequences: Sequences::default(),
            delete_at_commit: Vec::new(),
            drop_at_commit: Vec::new(),
            deferred: Default::default(),
            in_use: Default::default(),
            large_objects: Default::default(),
            messages: Default::default(),
            in_block: false,
            in_routine: false,
            in_pipeline: false,
            commits_at_once: false,
            text_search: Arc::new(text_search),
            instance,
        })
    }
}
