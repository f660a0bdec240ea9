//! The engine's end of everything between it and the postmaster: connections, reports, stop
//! requests, orphan mode, adoption.
//!
//! A thread of its own (`control`) serves the channel, the control socket and the signals, so that
//! an engine that is busy recovering can be talked to and adopted.
//!
//! Must never wait for a session or a worker, and must survive whatever they do.
//!
//! Invariants
//! - LINK-1: a connection is in the registry from its arrival until its socket is dropped; orphan
//!   mode ends only when the registry is empty or a new postmaster has adopted it.
//! - LINK-2: a socket is shut down before it is closed: the postmaster holds a duplicate.
//! - LINK-3: after `leave_if_idle` returned true, no postmaster can adopt this engine any more.

mod adoption;
mod control;
pub use control::THREAD as CONTROL_THREAD;
mod shortcut;
mod signals;
mod socket;

pub use socket::{Connection, Peer, Socket};

use crate::base::error::Report;
use crate::process::message::{EngineState, StopMode, ToPostmaster};
use crate::process::{farewell, packet};
use parking_lot::Mutex;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::sync::{Notify, watch};

/// What everybody in the engine may have to know about the world outside.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Mode {
    /// The heaviest stop requested so far.
    pub stop: Option<StopMode>,
    /// Which postmaster we have, counted from 1; `None` in orphan mode.
    pub postmaster: Option<u64>,
    /// The engine is about to die of a crash: say so to the client at once, and go.
    pub crash: bool,
}

/// How the sessions are reached by pid. Installed by whoever runs them.
pub trait Backends: Send + Sync {
    fn exists(&self, pid: u32) -> bool;
    /// SIGINT: cancels the running statement.
    fn cancel(&self, pid: u32);
    /// SIGTERM: ends the session.
    fn terminate(&self, pid: u32);
    /// The running statement, or the last one.
    fn statement(&self, pid: u32) -> Option<String>;
}

/// A handle for all threads; cheap to clone.
#[derive(Clone)]
pub struct Link {
    shared: Arc<Shared>,
}

struct Shared {
    inner: Mutex<Inner>,
    mode: watch::Sender<Mode>,
    /// Whether a connection is in the registry. Not how many: whoever listens is woken by each change.
    occupied: watch::Sender<bool>,
    intake: Mutex<Intake>,
    /// Something is waiting in `outgoing`.
    waiting: Notify,
    backends: OnceLock<Box<dyn Backends>>,
    on_reload: OnceLock<Box<dyn Fn() + Send + Sync>>,
    on_orphaned: OnceLock<Box<dyn Fn() + Send + Sync>>,
}

/// Where connections go.
enum Intake {
    /// Nobody serves yet.
    Waiting(Vec<Connection>),
    /// Called on the control thread or on the session thread with the given number; must only pass the connection on.
    Serving(Serve),
}

type Serve = Arc<dyn Fn(Connection, Option<usize>) + Send + Sync>;

struct Inner {
    channel: Option<Arc<AsyncFd<OwnedFd>>>,
    outgoing: VecDeque<(Vec<u8>, Vec<Arc<OwnedFd>>)>,
    sessions: HashMap<u64, Entry>,
    shortcuts: shortcut::Shortcuts,
    next_id: u64,
    state: EngineState,
    detail: String,
    /// Postmasters so far.
    generation: u64,
    logger: Option<Arc<OwnedFd>>,
    /// The configuration in force.
    configuration: Option<Arc<OwnedFd>>,
    /// The last postmaster's start, seconds since 1970.
    postmaster_start_s: u64,
    leaving: bool,
}

struct Entry {
    socket: Arc<OwnedFd>,
    established: bool,
    tls: bool,
}

impl Link {
    /// Starts the control thread: from now on signals are caught and the control socket answers.
    /// Connections wait for `take_in`.
    ///
    /// # Errors
    /// If the thread or the control socket cannot be created.
    pub fn start(channel: OwnedFd) -> io::Result<Link> {
        let inner = Inner {
            channel: None,
            outgoing: VecDeque::new(),
            sessions: HashMap::new(),
            shortcuts: shortcut::Shortcuts::default(),
            next_id: 1,
            state: EngineState::Starting,
            detail: String::new(),
            generation: 1,
            logger: None,
            configuration: None,
            postmaster_start_s: 0,
            leaving: false,
        };
        let shared = Arc::new(Shared {
            inner: Mutex::new(inner),
            mode: watch::Sender::new(Mode { stop: None, postmaster: Some(1), crash: false }),
            occupied: watch::Sender::new(false),
            intake: Mutex::new(Intake::Waiting(Vec::new())),
            waiting: Notify::new(),
            backends: OnceLock::new(),
            on_reload: OnceLock::new(),
            on_orphaned: OnceLock::new(),
        });
        let link = Link { shared };
        control::start(link.clone(), channel)?;
        Ok(link)
    }

    /// From now on, and for those that wait, `serve` is given each connection, with the session thread it came to.
    pub fn take_in(&self, serve: impl Fn(Connection, Option<usize>) + Send + Sync + 'static) {
        let mut intake = self.shared.intake.lock();
        if let Intake::Waiting(waiting) = &mut *intake {
            waiting.drain(..).for_each(|connection| serve(connection, None));
        }
        *intake = Intake::Serving(Arc::new(serve));
    }

    /// Stop requests, orphan mode, crash: the value now and each change.
    pub fn mode(&self) -> watch::Receiver<Mode> {
        self.shared.mode.subscribe()
    }

    /// Whether there are connections, also such that nobody has taken in yet: the value now and each change.
    pub fn occupied(&self) -> watch::Receiver<bool> {
        self.shared.occupied.subscribe()
    }

    /// Whether the postmaster is dead.
    pub fn is_orphan(&self) -> bool {
        self.shared.mode.borrow().postmaster.is_none()
    }

    /// Whether a stop was requested; polled by recovery, which cannot be subscribed.
    pub fn stop_requested(&self) -> Option<StopMode> {
        self.shared.mode.borrow().stop
    }

    /// Tells the postmaster, now or at adoption, what this engine is doing. `detail`: progress for people.
    pub fn report(&self, state: EngineState, detail: &str) {
        let mut inner = self.shared.inner.lock();
        inner.state = state;
        inner.detail = detail.to_string();
        self.send_locked(&mut inner, &ToPostmaster::State { state, detail: detail.to_string() });
    }

    /// From now on the client may be sent a warning between two messages. Over TLS only the session
    /// itself can do that.
    pub fn established(&self, id: u64, tls: bool) {
        let mut inner = self.shared.inner.lock();
        if let Some(entry) = inner.sessions.get_mut(&id) {
            (entry.established, entry.tls) = (true, tls);
        }
        if !tls {
            self.note(&mut inner, &ToPostmaster::Established { id });
        }
    }

    /// Gives the postmaster, now or at adoption, the configuration in force (`process::kept_files`).
    pub fn keep_configuration(&self, file: OwnedFd) {
        let mut inner = self.shared.inner.lock();
        let file = Arc::new(file);
        inner.configuration = Some(file.clone());
        if inner.channel.is_some() {
            inner.outgoing.push_back((ToPostmaster::Configuration.encode(), vec![file]));
            self.shared.waiting.notify_one();
        }
    }

    /// Asks the postmaster to have everybody read the configuration files again; false without one.
    pub fn ask_reload(&self) -> bool {
        self.ask(&ToPostmaster::Reload)
    }

    /// Asks for a new log file; false without a logger or a postmaster.
    pub fn ask_log_rotation(&self) -> bool {
        self.shared.inner.lock().logger.is_some() && self.ask(&ToPostmaster::RotateLog)
    }

    fn ask(&self, what: &ToPostmaster) -> bool {
        let mut inner = self.shared.inner.lock();
        self.send_locked(&mut inner, what);
        inner.channel.is_some()
    }

    /// When the postmaster, the last one if it is dead, started: microseconds since 1970.
    pub fn postmaster_start_us(&self) -> i64 {
        self.shared.inner.lock().postmaster_start_s as i64 * 1_000_000
    }

    /// Who answers for pids above 2^22. May be set once.
    pub fn install_backends(&self, backends: Box<dyn Backends>) {
        let _ = self.shared.backends.set(backends);
    }

    /// What to do when the configuration files are to be read again. May be set once.
    pub fn on_reload(&self, hook: Box<dyn Fn() + Send + Sync>) {
        let _ = self.shared.on_reload.set(hook);
    }

    /// What to do, once, at each loss of the postmaster (`revive_postmaster`). May be set once.
    pub fn on_orphaned(&self, hook: Box<dyn Fn() + Send + Sync>) {
        let _ = self.shared.on_orphaned.set(hook);
    }

    /// Decides to leave: true if there is neither a postmaster nor a connection, nor one on its way (LINK-3).
    pub fn leave_if_idle(&self) -> bool {
        let mut inner = self.shared.inner.lock();
        inner.leaving |= inner.channel.is_none() && inner.sessions.is_empty() && !inner.shortcuts.are_open();
        inner.leaving
    }

    /// Waits until everything said so far has left for the postmaster.
    pub fn drain(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while !self.shared.inner.lock().outgoing.is_empty() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(1));
        }
    }

    /// Says who is to blame for the crash that follows, and warns those whom the postmaster cannot
    /// warn: TLS sessions, and all if there is no postmaster. Never waits for a lock for long: the
    /// caller's thread may hold any.
    pub fn announce_crash(&self, who: &str, pid: u32, statement: Option<String>) {
        let Some(inner) = self.shared.inner.try_lock_for(Duration::from_millis(200)) else { return };
        let victim = ToPostmaster::Victim { who: who.to_string(), pid, statement };
        let orphan = inner.channel.is_none();
        if let Some(channel) = &inner.channel {
            let _ = packet::send(channel.get_ref(), &victim.encode(), &[]);
        }
        let tls = inner.sessions.values().filter(|e| e.established && e.tls).count();
        drop(inner);
        if tls > 0 {
            self.shared.mode.send_modify(|m| m.crash = true);
            self.wait_for_tls_sessions(Duration::from_millis(300));
        }
        if orphan {
            self.dismiss(&farewell::crash_warning());
        }
    }

    fn wait_for_tls_sessions(&self, limit: Duration) {
        let until = Instant::now() + limit;
        while Instant::now() < until {
            let left = self.shared.inner.try_lock().map(|i| i.sessions.values().any(|e| e.established && e.tls));
            if left == Some(false) {
                return;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Says a last word to every session that may be spoken to, and ends all connections. Only for a
    /// process that ends right after: the sessions themselves are not asked.
    pub fn dismiss(&self, last_word: &Report) {
        let Some(inner) = self.shared.inner.try_lock_for(Duration::from_millis(200)) else { return };
        let bytes = farewell::encode(last_word);
        for entry in inner.sessions.values() {
            if entry.established && !entry.tls {
                farewell::warn(&entry.socket, &bytes);
            }
            farewell::hang_up(&entry.socket);
        }
    }

    /// Ends the connections that have not logged in: at a fast stop nobody waits for their password.
    pub fn hang_up_strangers(&self) {
        let inner = self.shared.inner.lock();
        for entry in inner.sessions.values().filter(|e| !e.established) {
            farewell::hang_up(&entry.socket);
        }
    }

    /// Called by a connection's guard, after its socket was shut down.
    fn closed(&self, id: u64) {
        let mut inner = self.shared.inner.lock();
        if inner.sessions.remove(&id).is_some() {
            self.note(&mut inner, &ToPostmaster::Closed { id });
        }
        self.count(&inner);
    }

    /// Tells of the first connection and of the last one's end; the lock keeps the two in order.
    fn count(&self, inner: &Inner) {
        let now = !inner.sessions.is_empty();
        self.shared.occupied.send_if_modified(|occupied| std::mem::replace(occupied, now) != now);
    }

    /// Takes a connection in and passes it on to those who serve; `thread` is the session thread it came to.
    fn connection(&self, id: u64, socket: Option<OwnedFd>, ssl_refused: bool, thread: Option<usize>) {
        let mut inner = self.shared.inner.lock();
        let Some(socket) = socket.map(Arc::new) else {
            inner.next_id = inner.next_id.max(id + 1);
            self.send_locked(&mut inner, &ToPostmaster::Unserved { id, ssl_refused });
            drop(inner);
            crate::log!("too many open files; a new connection is refused");
            return;
        };
        inner.shortcuts.arrived();
        inner.next_id = inner.next_id.max(id + 1);
        inner.sessions.insert(id, Entry { socket: socket.clone(), established: false, tls: false });
        self.count(&inner);
        drop(inner);
        let connection = Connection::new(self.clone(), id, socket, ssl_refused);
        let serve = match &mut *self.shared.intake.lock() {
            Intake::Waiting(waiting) => return waiting.push(connection),
            Intake::Serving(serve) => serve.clone(),
        };
        serve(connection, thread);
    }

    /// Sends at once if nothing waits before it; a full channel makes it wait its turn.
    fn send_locked(&self, inner: &mut Inner, message: &ToPostmaster) {
        let Some(channel) = &inner.channel else { return };
        let bytes = message.encode();
        if inner.outgoing.is_empty() {
            match packet::send(channel.get_ref(), &bytes, &[]) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {}
                // Sent; or the postmaster is gone, which the channel's reader notices.
                _ => return,
            }
        }
        inner.outgoing.push_back((bytes, Vec::new()));
        self.shared.waiting.notify_one();
    }

    /// Sends what waits, as far as the channel takes it; true when nothing is left.
    fn flush(&self) -> bool {
        let mut inner = self.shared.inner.lock();
        let Some(channel) = inner.channel.clone() else { return true };
        while let Some((bytes, fds)) = inner.outgoing.front() {
            let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
            match packet::send(channel.get_ref(), bytes, &fds) {
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return false,
                Err(_) => inner.outgoing.clear(),
                Ok(()) => {
                    inner.outgoing.pop_front();
                }
            }
        }
        true
    }

    /// The postmaster is dead.
    fn orphaned(&self) {
        let mut inner = self.shared.inner.lock();
        inner.channel = None;
        inner.outgoing.clear();
        inner.shortcuts.orphaned();
        drop(inner);
        self.shared.mode.send_modify(|m| m.postmaster = None);
        if let Some(hook) = self.shared.on_orphaned.get() {
            hook();
        }
    }

    fn stop(&self, mode: StopMode) {
        self.shared.mode.send_modify(|m| m.stop = m.stop.max(Some(mode)));
        let serving = matches!(self.shared.inner.lock().state, EngineState::Ready | EngineState::ShuttingDown);
        if mode == StopMode::Immediate && !serving {
            // Nobody is served yet, and recovery may be killed at any moment.
            std::process::exit(0);
        }
    }
}
