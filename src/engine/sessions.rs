//! Between the link and the sessions: who serves a connection, who answers for a pid, who tells everybody to leave.

use super::link::{Backends, Connection, Link, Mode, Peer};
use crate::auth::access::Access;
use crate::base::Result;
use crate::base::error::Report;
use crate::base::interrupt::Cause;
use crate::catalog::Cluster;
use crate::process::farewell;
use crate::process::kept_files::KeptFiles;
use crate::process::message::StopMode;
use crate::protocol::{self, Gate, Surroundings, Tls};
use crate::session::{ClientSocket, ExecutorPool, Outside, Server};
use crate::settings::TcpTimes;
use crate::sql::Instance;
use crate::worker::Context;
use async_trait::async_trait;
use rustix::net::sockopt;
use std::net::{IpAddr, SocketAddr};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream as StdStream;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Makes what all sessions share, once the storage is recovered.
pub fn open(link: &Link, cx: &Context, files: Arc<KeptFiles>, access: Access, tls: Tls) -> Result<Arc<Gate>> {
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
    let server = Server::new(Arc::new(instance), pool, Box::new(World { link: link.clone() }), files, access);
    link.install_backends(Box::new(ByPid(server.clone())));
    let gate = Arc::new(Gate { server, tls });
    let (reloaded, teller) = (gate.clone(), link.clone());
    link.on_reload(Box::new(move || {
        reloaded.server.reload();
        let settings = &reloaded.server.instance.settings;
        reloaded.tls.reload(&reloaded.server.files, settings);
        match reloaded.server.files.to_memory() {
            Ok(kept) => teller.keep_configuration(kept),
            Err(e) => crate::log!("could not keep the configuration: {}", crate::settings::os_text(&e)),
        }
        crate::logger::reloaded(settings);
        reloaded.server.instance.checkpoints.apply_settings();
    }));
    Ok(gate)
}

/// The postmaster and the logger as statements reach them.
struct World {
    link: Link,
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
        self.link.postmaster_start_us()
    }
}

/// The sessions by pid, for signals from outside.
struct ByPid(Arc<Server>);

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

/// Serves one connection to its end.
pub async fn serve(gate: Arc<Gate>, connection: Connection) {
    let is_tcp = matches!(connection.peer, Peer::Tcp(_));
    let around = Around { link: connection.link().clone(), id: connection.id, socket: connection.descriptor(), is_tcp };
    let pid = connection.pid;
    let address = match &connection.peer {
        Peer::Local => None,
        Peer::Tcp(address) => Some((address.ip(), address.port())),
    };
    let ssl_refused = connection.ssl_refused;
    match connection.into_socket() {
        Ok(socket) => protocol::serve(gate, Box::new(socket), pid, address, Box::new(around), ssl_refused).await,
        Err(e) => crate::log!("could not watch a client's socket: {}", crate::settings::os_text(&e)),
    }
}

/// What one connection hears of the world.
struct Around {
    link: Link,
    id: u64,
    socket: Arc<OwnedFd>,
    is_tcp: bool,
}

/// The client's socket as the kernel knows it.
#[derive(Debug)]
struct KernelSocket {
    socket: Arc<OwnedFd>,
    is_tcp: bool,
}

/// TCP's times on sockets that nobody has set any on. The same for all, so that one connection asks for all.
static SYSTEM_TIMES: OnceLock<TcpTimes> = OnceLock::new();

fn system_times(socket: &OwnedFd) -> Option<TcpTimes> {
    let idle = sockopt::tcp_keepidle(socket).ok()?.as_secs() as i64;
    let interval = sockopt::tcp_keepintvl(socket).ok()?.as_secs() as i64;
    let count = i64::from(sockopt::tcp_keepcnt(socket).ok()?);
    Some([idle, interval, count, i64::from(sockopt::tcp_user_timeout(socket).ok()?)])
}

impl ClientSocket for KernelSocket {
    fn is_closed(&self) -> bool {
        use rustix::event::{PollFd, PollFlags, Timespec, poll};
        let mut asked = [PollFd::new(&*self.socket, PollFlags::RDHUP)];
        let now = Timespec { tv_sec: 0, tv_nsec: 0 };
        let gone = PollFlags::RDHUP | PollFlags::HUP | PollFlags::ERR;
        poll(&mut asked, Some(&now)).is_ok() && asked[0].revents().intersects(gone)
    }

    fn times(&self) -> Option<TcpTimes> {
        if !self.is_tcp {
            return None;
        }
        if let Some(known) = SYSTEM_TIMES.get() {
            return Some(*known);
        }
        let read = system_times(&self.socket)?;
        Some(*SYSTEM_TIMES.get_or_init(|| read))
    }

    fn set_times(&self, from: TcpTimes, to: TcpTimes) {
        let seconds = |n: i64| Duration::from_secs(n as u64);
        for at in (0..to.len()).filter(|at| from[*at] != to[*at]) {
            let n = to[at];
            let (name, done) = match at {
                0 => ("TCP_KEEPIDLE", sockopt::set_tcp_keepidle(&self.socket, seconds(n))),
                1 => ("TCP_KEEPINTVL", sockopt::set_tcp_keepintvl(&self.socket, seconds(n))),
                2 => ("TCP_KEEPCNT", sockopt::set_tcp_keepcnt(&self.socket, n as u32)),
                _ => ("TCP_USER_TIMEOUT", sockopt::set_tcp_user_timeout(&self.socket, n as u32)),
            };
            if let Err(e) = done {
                crate::log!("setsockopt({name}) failed: {}", crate::settings::os_text(&e.into()));
            }
        }
    }
}

/// What everybody is told who has to leave at once.
fn word(mode: Mode) -> Option<Report> {
    if mode.crash {
        return Some(farewell::crash_warning());
    }
    (mode.stop == Some(StopMode::Immediate)).then(farewell::immediate_stop_warning)
}

#[async_trait]
impl Surroundings for Around {
    fn established(&self, tls: bool) {
        self.link.established(self.id, tls);
    }

    fn peer_uid(&self) -> Option<u32> {
        let socket = self.socket.try_clone().ok()?;
        // rustix fails for a peer in another pid namespace, whose pid reads 0.
        let stream = tokio::net::UnixStream::from_std(StdStream::from(socket)).ok()?;
        stream.peer_cred().ok().map(|c| c.uid())
    }

    fn server_address(&self) -> Option<(IpAddr, u16)> {
        let own = rustix::net::getsockname(&self.socket).ok()?;
        SocketAddr::try_from(own).ok().map(|a| (a.ip(), a.port()))
    }

    fn socket(&self) -> Arc<dyn ClientSocket> {
        Arc::new(KernelSocket { socket: self.socket.clone(), is_tcp: self.is_tcp })
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
