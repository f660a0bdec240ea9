//! What all sessions of the engine share.

use super::backends::Backends;
use super::pool::ExecutorPool;
use crate::auth::access::Access;
use crate::base::clock;
use crate::base::error::Report;
use crate::base::interrupt::Cause;
use crate::base::{Oid, SqlState};
use crate::process::kept_files::KeptFiles;
use crate::sql::{Instance, Services};
use std::sync::Arc;
use std::sync::atomic::Ordering;

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

/// One per engine.
pub struct Server {
    pub instance: Arc<Instance>,
    pub backends: Arc<Backends>,
    pub pool: Arc<ExecutorPool>,
    pub outside: Box<dyn Outside>,
    /// The configuration files in force.
    pub files: Arc<KeptFiles>,
    /// Who may connect.
    pub access: Access,
}

impl Server {
    pub fn new(
        instance: Arc<Instance>,
        pool: Arc<ExecutorPool>,
        outside: Box<dyn Outside>,
        files: Arc<KeptFiles>,
        access: Access,
    ) -> Arc<Server> {
        let server = Arc::new(Server { instance, backends: Arc::default(), pool, outside, files, access });
        server.instance.install(Arc::new(Weakly(Arc::downgrade(&server))));
        server
    }

    /// Reads the configuration files again and tells the sessions.
    pub fn reload(&self) {
        // The postmaster has logged what changed.
        let faultless = |reports: &Vec<Report>| reports.iter().all(|r| r.sqlstate != SqlState::CONFIG_FILE_ERROR);
        self.files.attempt(|| self.instance.settings.reload(), faultless);
        self.access.reload(&self.files, &self.instance.settings);
        self.instance.config_loaded_us.store(clock::now_us(), Ordering::Relaxed);
        for handle in self.backends.list() {
            handle.mailbox.lock().reload = true;
            handle.wake.notify_one();
        }
    }
}

/// The server as statements see it; weak, because the instance belongs to the server.
struct Weakly(std::sync::Weak<Server>);

impl Weakly {
    fn with<T: Default>(&self, ask: impl FnOnce(&Server) -> T) -> T {
        self.0.upgrade().map(|s| ask(&s)).unwrap_or_default()
    }
}

impl Services for Weakly {
    fn is_orphan(&self) -> bool {
        self.with(|s| s.outside.is_orphan())
    }

    fn reload(&self) -> bool {
        self.with(|s| s.outside.reload())
    }

    fn rotate_log(&self) -> bool {
        self.with(|s| s.outside.rotate_log())
    }

    fn cancel(&self, pid: u32) -> bool {
        self.with(|s| s.backends.interrupt(pid, Cause::Cancel))
    }

    fn terminate(&self, pid: u32) -> bool {
        self.with(|s| s.backends.interrupt(pid, Cause::Terminate))
    }

    fn role_of(&self, pid: u32) -> Option<(Oid, bool)> {
        self.with(|s| s.backends.get(pid).map(|h| (h.role(), h.is_superuser.load(Ordering::Relaxed))))
    }

    fn sessions_in(&self, database: Oid) -> usize {
        self.with(|s| s.backends.list().iter().filter(|h| h.database() == database).count())
    }

    fn terminate_database(&self, database: Oid) {
        self.with(|s| {
            for handle in s.backends.list().into_iter().filter(|h| h.database() == database) {
                handle.interrupt(Cause::Terminate);
            }
        });
    }

    fn postmaster_start_us(&self) -> i64 {
        self.with(|s| s.outside.postmaster_start_us())
    }
}
