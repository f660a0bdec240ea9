//! What every statement of the engine can reach: storage, catalogs, settings, statistics, the other sessions.

use crate::base::Result;
use crate::catalog::Cluster;
use crate::recovery::Checkpoints;
use crate::settings::Global;
use crate::stat::{Activity, Statements, Stats};
use crate::storage::Storage;
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

/// What statements ask of the layers above: other sessions, the postmaster, the logger.
pub trait Services: Send + Sync {
    /// No postmaster is there.
    fn is_orphan(&self) -> bool;
    /// Has everybody read the configuration files again; false if the postmaster could not be told.
    fn reload(&self) -> bool;
    /// Asks the logger for a new file; false if there is no logger.
    fn rotate_log(&self) -> bool;
    /// `pg_cancel_backend`: false if there is no such session.
    fn cancel(&self, pid: u32) -> bool;
    /// `pg_terminate_backend`: false if there is no such session.
    fn terminate(&self, pid: u32) -> bool;
    /// The role a session was authenticated as, and whether it is a superuser; None if there is no such session.
    fn role_of(&self, pid: u32) -> Option<(crate::base::Oid, bool)>;
    /// How many sessions are connected to a database.
    fn sessions_in(&self, database: crate::base::Oid) -> usize;
    /// Ends all sessions of a database (DROP DATABASE … FORCE).
    fn terminate_database(&self, database: crate::base::Oid);
    /// When the postmaster started, microseconds since 1970.
    fn postmaster_start_us(&self) -> i64;
}

/// One per engine.
pub struct Instance {
    pub storage: Arc<Storage>,
    pub cluster: Arc<Cluster>,
    pub settings: Arc<Global>,
    pub checkpoints: Arc<Checkpoints>,
    pub activity: Activity,
    pub stats: Arc<Stats>,
    /// When the configuration was read last, microseconds since 1970.
    pub config_loaded_us: AtomicI64,
    /// What `pg_stat_statements` has counted, if it was loaded at the start.
    pub statements: Option<Arc<Statements>>,
    services: std::sync::OnceLock<Arc<dyn Services>>,
}

impl Instance {
    pub fn new(
        storage: Arc<Storage>,
        cluster: Arc<Cluster>,
        settings: Arc<Global>,
        checkpoints: Arc<Checkpoints>,
        activity: Activity,
        stats: Arc<Stats>,
    ) -> Instance {
        let config_loaded_us = AtomicI64::new(crate::base::clock::now_us());
        let services = std::sync::OnceLock::new();
        let statements = stats.statements().cloned();
        Instance { storage, cluster, settings, checkpoints, activity, stats, config_loaded_us, statements, services }
    }

    /// The shared counters, with the pages the pool has counted by itself until now.
    pub fn counters(&self) -> &Arc<Stats> {
        self.storage.pool.flush_counts(&self.stats);
        &self.stats
    }

    /// Set once, before the first session.
    pub fn install(&self, services: Arc<dyn Services>) {
        let _ = self.services.set(services);
    }

    /// # Errors
    /// XX000 before a session layer is there (bootstrap).
    pub fn services(&self) -> Result<&Arc<dyn Services>> {
        self.services.get().ok_or_else(|| crate::base::Error::internal("no sessions are served yet"))
    }
}
