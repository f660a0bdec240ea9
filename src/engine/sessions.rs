//! Between the link and the sessions: who serves a connection, who answers for a pid, who tells everybody to leave.

use super::link::{Backends, Connection, Link, Mode, Peer};
use crate::base::error::Report;
use crate::base::interrupt::Cause;
use crate::base::{Result, Severity, SqlState};
use crate::catalog::Cluster;
use crate::process::farewell;
use crate::process::message::StopMode;
use crate::protocol::{self, Surroundings};
use crate::session::{ExecutorPool, Outside, Server};
use crate::sql::Instance;
use crate::worker::Context;
use async_trait::async_trait;
use std::sync::Arc;

/// Makes what all sessions share, once the storage is recovered.
pub fn open(link: &Link, cx: &Context) -> Result<Arc<Server>> {
    let checkpoints = cx.checkpoints.clone();
    let storage = checkpoints.storage().clone();
    let cluster = Cluster::load(storage.clone())?;
    let instance = Instance::new(
        storage,
        cluster,
        checkpoints.settings().clone(),
        checkpoints.clone(),
        checkpoints.stats().activity.clone(),
        checkpoints.stats().clone(),
    );
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let pool = ExecutorPool::start(cores)
        .map_err(|e| crate::err!(INSUFFICIENT_RESOURCES, "could not start executor threads: {e}"))?;
    Ok(Server::new(
        Arc::new(instance),
        pool,
        Box::new(World { link: link.clone(), start_us: crate::base::clock::now_us() }),
    ))
}

/// The postmaster and the logger as statements reach them.
struct World {
    link: Link,
    start_us: i64,
}

impl Outside for World {
    fn is_orphan(&self) -> bool {
        self.link.is_orphan()
    }

    fn reload(&self) -> bool {
        self.link.ask_reload()
    }

    fn rotate_log(&self) -> bool {
        self.link.ask_log_rotation()
    }

    fn postmaster_start_us(&self) -> i64 {
        self.start_us
    }
}

/// The sessions by pid, for signals from outside.
pub struct ByPid(pub Arc<Server>);

impl Backends for ByPid {
    fn exists(&self, pid: u32) -> bool {
        self.0.backends.get(pid).is_some()
    }

    fn cancel(&self, pid: u32) {
        self.0.backends.interrupt(pid, Cause::Cancel);
    }

    fn terminate(&self, pid: u32) {
        self.0.backends.interrupt(pid, Cause::Terminate);
    }

    fn statement(&self, pid: u32) -> Option<String> {
        self.0.instance.activity.by_pid(pid).map(|f| f.query).filter(|q| !q.is_empty())
    }
}

/// Tells the sessions what the postmaster wants of them.
pub async fn follow(link: Link, server: Arc<Server>) {
    let mut mode = link.mode();
    loop {
        if mode.borrow_and_update().stop == Some(StopMode::Fast) {
            server.backends.interrupt_all(Cause::Terminate);
        }
        if mode.changed().await.is_err() {
            return;
        }
    }
}

/// Serves one connection.
pub async fn serve(link: Link, server: Arc<Server>, connection: Connection) {
    let pid = connection.pid;
    let id = connection.id;
    let address = match &connection.peer {
        Peer::Local => None,
        Peer::Tcp(address) => Some((address.ip(), address.port())),
    };
    if let Ok(socket) = connection.into_socket() {
        let around = Box::new(Around { link, id });
        protocol::serve(server, Box::new(socket), pid, address, around).await;
    }
}

/// What one connection hears of the world.
struct Around {
    link: Link,
    id: u64,
}

/// What everybody is told who has to leave at once.
fn word(mode: Mode) -> Option<Report> {
    if mode.crash {
        return Some(farewell::crash_warning());
    }
    (mode.stop == Some(StopMode::Immediate)).then(|| {
        let text = "terminating connection due to immediate shutdown command";
        Report::notice(Severity::Warning, SqlState::ADMIN_SHUTDOWN, text).with_place("quickdie", "postgres.c", 2907)
    })
}

#[async_trait]
impl Surroundings for Around {
    fn established(&self) {
        self.link.established(self.id, false);
    }

    fn is_stopping(&self) -> bool {
        self.link.stop_requested().is_some()
    }

    async fn last_word(&self) -> Report {
        let mut mode = self.link.mode();
        loop {
            if let Some(word) = word(*mode.borrow_and_update()) {
                return word;
            }
            if mode.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }
}
