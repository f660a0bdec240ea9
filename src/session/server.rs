//! What all sessions of the engine share.

use super::backends::Backends;
use super::pool::ExecutorPool;
use crate::base::Result;
use crate::catalog::Cluster;
use crate::recovery::Checkpoints;
use crate::settings::Global;
use crate::stat::{Activity, Stats};
use crate::storage::Storage;
use std::sync::Arc;

/// The world outside the engine, as far as statements reach it.
pub trait Outside: Send + Sync {
    /// No postmaster is there.
    fn is_orphan(&self) -> bool;
    /// Asks the postmaster to have everybody read the configuration files again; false if it could not be told.
    fn reload(&self) -> bool;
    /// Asks the logger for a new file.
    fn rotate_log(&self) -> bool;
    /// When the postmaster started, microseconds since 1970.
    fn postmaster_start_us(&self) -> i64;
}

/// One per engine, shared by all sessions.
pub struct Server {
    pub storage: Arc<Storage>,
    pub cluster: Arc<Cluster>,
    pub settings: Arc<Global>,
    pub checkpoints: Arc<Checkpoints>,
    pub activity: Activity,
    pub stats: Arc<Stats>,
    pub backends: Arc<Backends>,
    pub pool: Arc<ExecutorPool>,
    pub outside: Box<dyn Outside>,
    /// When the configuration was read last, microseconds since 1970.
    pub config_loaded_us: std::sync::atomic::AtomicI64,
}

impl Server {
    /// Reads the configuration files again and tells the sessions.
    pub fn reload(&self) -> Result<()> {
        for report in self.settings.reload() {
            crate::base::report::log(&report);
        }
        self.config_loaded_us.store(crate::base::clock::now_us(), std::sync::atomic::Ordering::Relaxed);
        for handle in self.backends.list() {
            handle.mailbox.lock().reload = true;
            handle.wake.notify_one();
        }
        Ok(())
    }
}
