//! The postmaster's loop: waits for whatever happens, asks the state machine, does what it says.

use super::adoption::{self, Adopted};
use super::answer::{self, Answers, refusal, too_many};
use super::control::{self, Request};
use super::engine_process::{self, Engine, LOCK_BUSY};
use super::listener::Listeners;
use super::logger_process::{LoggerProcess, RESTART_DELAY};
use super::pid_file::{self, PidFile};
use super::sessions::Sessions;
use super::state::{Action, Admission, Event, Policy, State};
use crate::base::error::Report;
use crate::base::report;
use crate::base::{Error, Result, Severity, SqlState};
use crate::process::message::{EngineState, SignalRequest, StopMode, ToEngine, ToPostmaster};
use crate::process::outcome::Outcome;
use crate::process::packet::Packet;
use crate::process::watched;
use crate::settings::{Global, Id, Lookup, os_text};
use rustix::net::SocketFlags;
use std::collections::HashMap;
use std::future::{Future, poll_fn};
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Interval, MissedTickBehavior, Sleep, interval, sleep};

/// PostgreSQL's SIGKILL_CHILDREN_AFTER_SECS.
const KILL_DELAY: Duration = Duration::from_secs(5);
/// How often `postmaster.pid` is looked at.
const RECHECK: Duration = Duration::from_secs(60);

/// The sockets' files are touched after so many looks at the pid file: every 58 minutes.
const TOUCH_AFTER_LOOKS: u32 = 58;
/// So long after the last connection the engine's notes are looked at.
const NOTES_DELAY: Duration = Duration::from_secs(1);
/// After so many connections at the latest: that many duplicates of closed sockets may be open.
const UNREAD: u32 = 32;

/// Something happened.
enum Wake {
    Signal(Asked),
    Message(Packet),
    EngineEnded,
    Connection(OwnedFd, bool),
    Control(OwnedFd),
    Request(Request),
    KillDelayOver,
    Recheck,
    LoggerEnded,
    LoggerDelayOver,
    NotesDue,
    /// There may be room in the channel again.
    Room,
}

/// Caught signals and what they ask for.
pub type Signals = Vec<(Signal, Asked)>;

/// What a signal asks for.
#[derive(Clone, Copy)]
pub enum Asked {
    Stop(StopMode),
    Reload,
    RotateLog,
    Nothing,
}

struct Door {
    socket: AsyncFd<OwnedFd>,
    tcp: bool,
}

pub struct Supervisor {
    settings: Arc<Global>,
    file: PidFile,
    state: State,
    engine: Option<Engine>,
    sessions: Sessions,
    max_sessions: usize,
    signals: Signals,
    doors: Vec<Door>,
    /// Removes the sockets' files when the postmaster ends.
    listeners: Listeners,
    /// Looks at the pid file since the sockets' files were touched.
    looks: u32,
    control: AsyncFd<OwnedFd>,
    requests: (mpsc::Sender<Request>, mpsc::Receiver<Request>),
    /// Signal requests passed to the engine, by ticket.
    passed: HashMap<u64, oneshot::Sender<bool>>,
    next_ticket: u64,
    answers: Answers,
    kill_delay: Option<Pin<Box<Sleep>>>,
    /// What the engine said is in force, for the one that follows it.
    configuration: Option<OwnedFd>,
    logger: Option<LoggerProcess>,
    logger_delay: Option<Pin<Box<Sleep>>>,
    recheck: Interval,
    notes_due: Option<Pin<Box<Sleep>>>,
    last_admission: Instant,
    /// Connections since the notes were read.
    unread: u32,
    exit: Option<u8>,
}

/// The signals a postmaster obeys, caught from now on.
pub fn catch_signals() -> std::io::Result<Signals> {
    Ok(vec![
        (signal(SignalKind::quit())?, Asked::Stop(StopMode::Immediate)),
        (signal(SignalKind::interrupt())?, Asked::Stop(StopMode::Fast)),
        (signal(SignalKind::terminate())?, Asked::Stop(StopMode::Smart)),
        (signal(SignalKind::hangup())?, Asked::Reload),
        (signal(SignalKind::user_defined1())?, Asked::RotateLog),
        (signal(SignalKind::user_defined2())?, Asked::Nothing),
        (signal(SignalKind::alarm())?, Asked::Nothing),
        // Children are watched by pidfd. Catching SIGCHLD undoes an inherited SIG_IGN, with which
        // the kernel would reap them and keep their status from us.
        (signal(SignalKind::child())?, Asked::Nothing),
    ])
}

/// What the supervisor starts with.
pub struct Start {
    pub settings: Arc<Global>,
    pub file: PidFile,
    pub listeners: Listeners,
    pub control: OwnedFd,
    pub signals: Signals,
    pub adopted: Option<Adopted>,
    pub logger: Option<LoggerProcess>,
    /// How many descriptors this process may open.
    pub descriptors: usize,
}

impl Supervisor {
    /// Registers everything with the runtime; spawns nothing yet.
    pub fn new(mut start: Start) -> Result<Supervisor> {
        let broken = |e: std::io::Error| {
            let text = format!("could not set up the postmaster's event loop: {}", os_text(&e));
            Error::new(SqlState::INTERNAL_ERROR, text).severity(Severity::Fatal)
        };
        let mut doors = Vec::new();
        for listener in std::mem::take(&mut start.listeners.sockets) {
            let socket = watched::watch_input(listener.socket).map_err(broken)?;
            doors.push(Door { socket, tcp: listener.tcp });
        }
        let mut recheck = interval(RECHECK);
        recheck.set_missed_tick_behavior(MissedTickBehavior::Delay);
        recheck.reset();
        let (engine, sessions) = match start.adopted {
            Some(adopted) => (Some(adopted.engine), adopted.sessions),
            None => (None, Sessions::starting_at(1)),
        };
        Ok(Supervisor {
            settings: start.settings,
            file: start.file,
            state: State::default(),
            engine,
            sessions,
            // The engine has the same limit and needs descriptors for its files, too.
            max_sessions: start.descriptors - (start.descriptors / 4).min(1200),
            signals: start.signals,
            doors,
            listeners: start.listeners,
            looks: 0,
            control: watched::watch_input(start.control).map_err(broken)?,
            requests: mpsc::channel(16),
            passed: HashMap::new(),
            next_ticket: 1,
            answers: Answers::default(),
            kill_delay: None,
            configuration: None,
            logger: start.logger,
            logger_delay: None,
            recheck,
            notes_due: None,
            last_admission: Instant::now(),
            unread: 0,
            exit: None,
        })
    }

    /// Serves until it is over; returns the exit code.
    pub async fn run(mut self) -> u8 {
        match &self.engine {
            Some(engine) => {
                let (state, pid) = (engine.state, engine.pid);
                let sessions = self.sessions.len();
                self.introduce();
                self.tell_engine(&ToEngine::Adopted);
                self.step(Event::Adopted { engine: state, pid, sessions }).await;
            }
            None => self.spawn_engine().await,
        }
        loop {
            self.flush();
            if let Some(code) = self.exit {
                return code;
            }
            match poll_fn(|cx| self.poll(cx)).await {
                Wake::Signal(Asked::Stop(mode)) => self.step(Event::Requested(mode)).await,
                Wake::Signal(Asked::Reload) => self.reload(),
                Wake::Signal(Asked::RotateLog) => self.rotate_log(),
                Wake::Signal(Asked::Nothing) | Wake::Room => {}
                Wake::LoggerEnded => self.logger_ended(),
                Wake::LoggerDelayOver => self.start_logger(),
                Wake::NotesDue => self.notes_due(),
                Wake::Message(packet) => self.message(packet).await,
                Wake::EngineEnded => self.engine_ended().await,
                Wake::Connection(socket, tcp) => self.admit(socket, tcp),
                Wake::Control(socket) => control::serve(socket, self.requests.0.clone()),
                Wake::Request(request) => self.pass_request(request),
                Wake::KillDelayOver => {
                    self.kill_delay = None;
                    self.step(Event::KillDelayOver).await;
                }
                Wake::Recheck => {
                    self.looks += 1;
                    if self.looks >= TOUCH_AFTER_LOOKS {
                        self.looks = 0;
                        self.listeners.touch();
                    }
                    if let Some(why) = pid_file::recheck() {
                        self.step(Event::LockFileLost(why)).await;
                    }
                }
            }
        }
    }

    /// Signals and the engine's words come first, new connections last.
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Wake> {
        for (signal, asked) in &mut self.signals {
            if signal.poll_recv(cx).is_ready() {
                return Poll::Ready(Wake::Signal(*asked));
            }
        }
        if let Some(engine) = &mut self.engine {
            if let Poll::Ready(packet) = engine.poll_message(cx) {
                return Poll::Ready(Wake::Message(packet));
            }
            if engine.poll_end(cx).is_ready() {
                return Poll::Ready(Wake::EngineEnded);
            }
            if engine.poll_room(cx).is_ready() {
                return Poll::Ready(Wake::Room);
            }
        }
        if let Some(delay) = &mut self.kill_delay
            && delay.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Wake::KillDelayOver);
        }
        if let Some(delay) = &mut self.logger_delay
            && delay.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Wake::LoggerDelayOver);
        }
        if let Some(logger) = &mut self.logger
            && logger.poll_end(cx).is_ready()
        {
            return Poll::Ready(Wake::LoggerEnded);
        }
        if let Some(delay) = &mut self.notes_due
            && delay.as_mut().poll(cx).is_ready()
        {
            return Poll::Ready(Wake::NotesDue);
        }
        if self.recheck.poll_tick(cx).is_ready() {
            return Poll::Ready(Wake::Recheck);
        }
        if let Poll::Ready(Some(request)) = self.requests.1.poll_recv(cx) {
            return Poll::Ready(Wake::Request(request));
        }
        if let Poll::Ready(socket) = poll_accept(&self.control, cx) {
            return Poll::Ready(Wake::Control(socket));
        }
        if self.engine.as_ref().is_some_and(Engine::is_congested) {
            return Poll::Pending;
        }
        // Each door gets its turn.
        for i in 0..self.doors.len() {
            if let Poll::Ready(socket) = poll_accept(&self.doors[i].socket, cx) {
                let tcp = self.doors[i].tcp;
                self.doors.rotate_left(i + 1);
                return Poll::Ready(Wake::Connection(socket, tcp));
            }
        }
        Poll::Pending
    }

    fn flush(&mut self) {
        while let Some(engine) = &mut self.engine
            && let Some((refused, ssl_refused)) = engine.flush(&self.sessions)
        {
            if let Some(socket) = self.sessions.closed(refused) {
                self.answers.refuse(socket, too_many(), ssl_refused);
            }
        }
    }

    fn admit(&mut self, socket: OwnedFd, tcp: bool) {
        let admission = self.state.admission();
        if self.sessions.len() >= self.max_sessions {
            self.read_notes();
        }
        match &mut self.engine {
            Some(_) if admission == Admission::HandOver && self.sessions.len() >= self.max_sessions => {
                self.answers.refuse(socket, too_many(), false);
            }
            Some(engine) if admission == Admission::HandOver => {
                let refuse_ssl = tcp && !self.settings.bool(Id::Ssl) && answer::asks_for_ssl(&socket);
                // Before the hand-over: whoever kills us in between leaves no client that waits for the answer.
                if refuse_ssl {
                    answer::refuse_ssl(&socket);
                }
                let (id, socket) = self.sessions.add(socket);
                engine.send_connection(id, socket, refuse_ssl);
                self.last_admission = Instant::now();
                self.notes_due.get_or_insert_with(|| Box::pin(sleep(NOTES_DELAY)));
                self.unread += 1;
                if self.unread >= UNREAD {
                    self.read_notes();
                }
            }
            engine => {
                let progress = engine.as_ref().map_or("", |e| &e.progress);
                self.answers.refuse(socket, refusal(admission, progress), false);
            }
        }
    }

    /// Takes in what the engine noted of its sessions.
    fn read_notes(&mut self) {
        self.unread = 0;
        while let Some(notes) = self.engine.as_ref().map(Engine::next_notes).filter(|n| !n.is_empty()) {
            for note in notes {
                match note {
                    ToPostmaster::Established { id } => self.sessions.established(id),
                    ToPostmaster::Closed { id } => drop(self.sessions.closed(id)),
                    _ => {}
                }
            }
        }
    }

    /// The engine writes notes for a while after each connection; later it uses the channel.
    fn notes_due(&mut self) {
        self.read_notes();
        let more = self.last_admission.elapsed() < NOTES_DELAY;
        self.notes_due = more.then(|| Box::pin(sleep(NOTES_DELAY)));
    }

    fn pass_request(&mut self, (request, answer): Request) {
        let SignalRequest { pid, signal } = request;
        let Some(engine) = &mut self.engine else { return };
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.passed.retain(|_, waiting| !waiting.is_closed());
        self.passed.insert(ticket, answer);
        engine.send(&ToEngine::Signal { ticket, pid, signal });
    }

    async fn message(&mut self, packet: Packet) {
        match ToPostmaster::decode(&packet.bytes) {
            Ok(ToPostmaster::State { state, detail }) => {
                if let Some(engine) = &mut self.engine {
                    engine.state = state;
                    engine.progress = detail;
                }
                self.step(Event::Reported(state)).await;
            }
            Ok(ToPostmaster::Established { id }) => self.sessions.established(id),
            Ok(ToPostmaster::Closed { id }) => drop(self.sessions.closed(id)),
            Ok(ToPostmaster::Unserved { id, ssl_refused }) => {
                if let Some(socket) = self.sessions.closed(id) {
                    self.answers.refuse(socket, too_many(), ssl_refused);
                }
            }
            Ok(ToPostmaster::Shortcuts) => {
                if let Some(engine) = &mut self.engine {
                    engine.take_shortcuts(packet.fds);
                }
            }
            Ok(ToPostmaster::Signaled { ticket, found }) => {
                if let Some(answer) = self.passed.remove(&ticket) {
                    let _ = answer.send(found);
                }
            }
            Ok(ToPostmaster::Victim { who, pid, statement }) => {
                if let Some(engine) = &mut self.engine {
                    engine.victim = Some(engine_process::Victim { who, pid, statement });
                }
            }
            Ok(ToPostmaster::Configuration) => self.configuration = packet.fds.into_iter().next(),
            Ok(ToPostmaster::Reload) => self.reload(),
            Ok(ToPostmaster::RotateLog) => self.rotate_log(),
            Ok(ToPostmaster::Busy | ToPostmaster::Sessions { .. } | ToPostmaster::Handover { .. }) => {}
            Err(e) => crate::log!("could not understand the engine: {e}"),
        }
    }

    /// Everything the engine said is taken in before its end is acted upon.
    async fn engine_ended(&mut self) {
        while let Some(packet) = self.engine.as_mut().and_then(Engine::next_message) {
            self.message(packet).await;
        }
        self.read_notes();
        let Some(engine) = self.engine.take() else { return };
        self.kill_delay = None;
        self.passed.clear();
        let outcome = engine.outcome();
        if outcome == Outcome::Exited(LOCK_BUSY) {
            return self.adopt_instead().await;
        }
        let shut_down = engine.state == EngineState::ShutDown;
        let (who, pid, statement) = match engine.victim {
            Some(victim) => (Some(victim.who), victim.pid, victim.statement),
            None => (None, engine.pid, None),
        };
        self.step(Event::Died { outcome, who, pid, statement, shut_down }).await;
    }

    /// The engine we spawned found another one holding the directory: an engine whose postmaster
    /// died between spawning it and this start.
    async fn adopt_instead(&mut self) {
        match adoption::adopt(&self.file.data_dir.clone()).await {
            Ok(Some(adopted)) => {
                let mut engine = adopted.engine;
                engine.send(&ToEngine::Adopted);
                self.sessions = adopted.sessions;
                let event = Event::Adopted { engine: adopted.state, pid: engine.pid, sessions: self.sessions.len() };
                self.engine = Some(engine);
                self.step(event).await;
            }
            Ok(None) => self.spawn_engine().await,
            Err(e) => {
                report::log(&e.0);
                self.exit = Some(1);
            }
        }
    }

    async fn step(&mut self, event: Event) {
        let policy = Policy { restart_after_crash: self.settings.bool(Id::RestartAfterCrash) };
        for action in self.state.step(event, policy) {
            self.act(action).await;
        }
    }

    async fn act(&mut self, action: Action) {
        match action {
            Action::Log(text) => log(text, None),
            Action::LogDetail(text, detail) => log(text, Some(detail)),
            Action::PidFile(status) => {
                if let Err(e) = self.file.write(status) {
                    crate::log!("could not write file \"{}\": {}", crate::process::PID_FILE, os_text(&e));
                }
            }
            Action::TellEngine(mode) => self.tell_engine(&ToEngine::Stop(mode)),
            Action::WarnSessions => {
                self.read_notes();
                self.sessions.warn_all();
            }
            Action::CloseSessions => self.sessions.close_all(),
            Action::SpawnEngine => Box::pin(self.spawn_engine()).await,
            Action::ArmKill => self.kill_delay = Some(Box::pin(sleep(KILL_DELAY))),
            Action::KillEngine => {
                if let Some(engine) = &self.engine {
                    engine.kill();
                }
            }
            Action::Exit(code) => self.exit = Some(code),
        }
    }

    async fn spawn_engine(&mut self) {
        match engine_process::spawn(self.settings.origin(), self.configuration.as_ref()) {
            Ok(engine) => {
                self.engine = Some(engine);
                self.introduce();
            }
            Err(e) => {
                log(format!("could not fork startup process: {}", os_text(&e)), None);
                log("database system is shut down".to_string(), None);
                self.exit = Some(1);
            }
        }
    }

    fn tell_engine(&mut self, message: &ToEngine) {
        if let Some(engine) = &mut self.engine {
            engine.send(message);
        }
    }

    /// First words to an engine, new or adopted.
    fn introduce(&mut self) {
        self.tell_engine(&ToEngine::Postmaster { pid: std::process::id(), start_s: self.file.start_s as u64 });
        self.tell_engine_of_logger();
    }

    /// It will need it when another postmaster adopts it.
    fn tell_engine_of_logger(&mut self) {
        if let (Some(engine), Some(fds)) = (&mut self.engine, self.logger.as_ref().and_then(LoggerProcess::for_engine))
        {
            engine.send_with(&ToEngine::Logger, fds);
        }
    }

    /// Nobody but the log itself notices. PostgreSQL 15, postmaster.c, reaper: same line. Started
    /// anew after a short while, so that one that cannot live does not eat the machine.
    fn logger_ended(&mut self) {
        if let Some((pid, outcome)) = self.logger.as_mut().and_then(LoggerProcess::ended) {
            let pid = pid.map_or(String::new(), |pid| format!(" (PID {pid})"));
            log(format!("system logger process{pid} {outcome}"), None);
        }
        self.logger_delay = Some(Box::pin(sleep(RESTART_DELAY)));
    }

    fn start_logger(&mut self) {
        self.logger_delay = None;
        let Some(logger) = &mut self.logger else { return };
        match logger.start(&self.settings) {
            Ok(()) => self.tell_engine_of_logger(),
            Err(e) => {
                report::log(&e.0);
                self.logger_delay = Some(Box::pin(sleep(RESTART_DELAY)));
            }
        }
    }

    fn rotate_log(&mut self) {
        if let Some(logger) = &self.logger {
            logger.rotate();
        }
    }

    fn reload(&mut self) {
        crate::log!("received SIGHUP, reloading configuration files");
        for line in self.settings.reload() {
            report::log(&line);
        }
        crate::logger::reloaded(&self.settings);
        if let Some(logger) = &self.logger {
            logger.reload();
        }
        self.tell_engine(&ToEngine::Reload);
    }
}

fn log(text: String, detail: Option<String>) {
    let mut report = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
    report.detail = detail;
    report::log(&report);
}

/// accept4 by ourselves: a runtime's listener would register each new socket for nothing.
fn poll_accept(door: &AsyncFd<OwnedFd>, cx: &mut Context<'_>) -> Poll<OwnedFd> {
    loop {
        let mut guard = match door.poll_read_ready(cx) {
            Poll::Ready(Ok(guard)) => guard,
            _ => return Poll::Pending,
        };
        match rustix::net::accept_with(door.get_ref(), SocketFlags::CLOEXEC | SocketFlags::NONBLOCK) {
            Ok(socket) => return Poll::Ready(socket),
            Err(rustix::io::Errno::INTR | rustix::io::Errno::CONNABORTED) => {}
            // Nothing more; or no descriptor left, which the session cap prevents.
            Err(_) => guard.clear_ready(),
        }
    }
}
