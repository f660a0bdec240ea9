//! The way every report takes to the server log, whichever process or thread makes it.
//!
//! Lower layers call [`log`]; who writes where and in which format is decided once at start by
//! [`install`] (module `logger`). Before that, reports go to stderr in plain form.
//! Per-thread facts that log lines carry (user, database, pid, backend type, statement) are set by
//! the session around each piece of work with [`with_origin`].

use super::error::{Report, Severity};
use std::cell::RefCell;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// Who a log line speaks of. Sessions build one and share it; it changes rarely.
#[derive(Clone, Debug, Default)]
pub struct Origin {
    /// The pid shown (`%p`): a thread id of a worker, a virtual pid of a backend, or the process's.
    pub pid: u32,
    /// `client backend`, `checkpointer`, `postmaster`, … (`%b`).
    pub backend_type: &'static str,
    pub user: Option<String>,
    pub database: Option<String>,
    /// `[local]` or an address, with `(port)` when there is one.
    pub remote: Option<String>,
    pub remote_port: Option<u16>,
    pub application: String,
    /// Microseconds since 1970 at which the session or the process started.
    pub start_us: i64,
    /// The transactions of a session.
    pub running: Option<Arc<Running>>,
    /// The command tag, or what the session does between commands, shown as `%i`.
    pub tag: &'static str,
    /// The text that goes below an error as STATEMENT, if any.
    pub statement: Option<Arc<str>>,
    /// What this session wants logged, where it is not what the server's settings say.
    pub levels: Option<Levels>,
    /// Lines logged by this session or process so far (`%l`): text lines in the low half, messages in the high.
    pub line_no: Arc<AtomicU64>,
}

/// Which transaction a session runs: kept by the transaction, read whenever a line is logged.
#[derive(Debug, Default)]
pub struct Running {
    /// The session's own number of it, 0 between transactions.
    pub local: AtomicU32,
    /// Its id, 0 while it has none.
    pub xid: AtomicU64,
    /// What the client's query, the running one or the last, is known by, 0 for nothing (`%Q`).
    pub query_id: AtomicI64,
}

impl Running {
    /// The client's query has this identifier, if it has none yet: what it calls is not the client's.
    pub fn identify(&self, query_id: i64) {
        if query_id != 0 && self.query_id.load(Ordering::Relaxed) == 0 {
            self.query_id.store(query_id, Ordering::Relaxed);
        }
    }

    /// The virtual transaction id of the session shown as `pid`.
    pub fn virtual_id(&self, pid: u32) -> String {
        format!("{pid}/{}", self.local.load(Ordering::Relaxed))
    }
}

impl Origin {
    /// The virtual transaction id `N/M`; empty where there are no transactions.
    pub fn virtual_id(&self) -> String {
        self.running.as_ref().map_or(String::new(), |r| r.virtual_id(self.pid))
    }

    /// The running transaction's id, 0 if it has none.
    pub fn xid(&self) -> u64 {
        self.running.as_ref().map_or(0, |r| r.xid.load(Ordering::Relaxed))
    }

    /// What the query is known by, 0 for nothing.
    pub fn query_id(&self) -> i64 {
        self.running.as_ref().map_or(0, |r| r.query_id.load(Ordering::Relaxed))
    }
}

/// What is logged, and how fully.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Levels {
    /// `log_min_messages`.
    pub messages: Severity,
    /// `log_min_error_statement`.
    pub error_statement: Severity,
    pub verbosity: Verbosity,
}

/// `log_error_verbosity`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Verbosity {
    Terse,
    Default,
    Verbose,
}

/// What takes the reports: installed once per process.
pub trait Sink: Send + Sync {
    /// Writes the report, with the origin's facts, if the settings want it in the log.
    fn log(&self, origin: &Origin, report: &Report);
}

static SINK: OnceLock<Box<dyn Sink>> = OnceLock::new();
static PROCESS: OnceLock<Arc<Origin>> = OnceLock::new();
thread_local! {
    static ORIGIN: RefCell<Option<Arc<Origin>>> = const { RefCell::new(None) };
}

/// Installs the process's sink; later calls change nothing.
pub fn install(sink: Box<dyn Sink>) {
    let _ = SINK.set(sink);
}

/// Says who speaks on threads without an origin of their own; later calls change nothing.
pub fn set_process_origin(origin: Origin) {
    let _ = PROCESS.set(Arc::new(origin));
}

/// Runs `work` with this thread's reports attributed to `origin`.
pub fn with_origin<T>(origin: &Arc<Origin>, work: impl FnOnce() -> T) -> T {
    struct Restore(Option<Arc<Origin>>);
    impl Drop for Restore {
        fn drop(&mut self) {
            let back = self.0.take();
            ORIGIN.with(|o| *o.borrow_mut() = back);
        }
    }
    let _restore = Restore(ORIGIN.with(|o| o.borrow_mut().replace(origin.clone())));
    work()
}

/// Sends a report to the log under this thread's origin.
pub fn log(report: &Report) {
    let origin = ORIGIN.with(|o| o.borrow().clone()).or_else(|| PROCESS.get().cloned());
    match origin {
        Some(origin) => log_as(&origin, report),
        None => log_as(&Origin { pid: std::process::id(), backend_type: "postmaster", ..Origin::default() }, report),
    }
}

/// This thread's origin, if work under one is going on.
pub fn current() -> Option<Arc<Origin>> {
    ORIGIN.with(|o| o.try_borrow().ok().and_then(|o| o.clone()))
}

/// Sends a report to the log under a given origin.
pub fn log_as(origin: &Origin, report: &Report) {
    match SINK.get() {
        Some(sink) => sink.log(origin, report),
        None => eprintln!("{}:  {}", report.severity.as_str(), report.message),
    }
}

/// `log!("redo starts at {}", lsn)`: a LOG line without further fields.
#[macro_export]
macro_rules! log {
    ($($arg:tt)*) => {
        $crate::base::report::log(&$crate::base::error::Report::notice(
            $crate::base::Severity::Log, $crate::base::SqlState::SUCCESSFUL_COMPLETION, format!($($arg)*)))
    };
}

/// Ends the process at once over a fault that makes shared memory suspect or the log not durable.
///
/// PostgreSQL 15, elog.c, `errfinish` with PANIC: same rule, the postmaster restarts us and recovery repairs.
pub fn panic(mut report: Report) -> ! {
    report.severity = Severity::Panic;
    if let Some(hook) = PANIC_HOOK.get() {
        hook(&report);
    }
    log(&report);
    std::process::abort()
}

static PANIC_HOOK: OnceLock<Box<dyn Fn(&Report) + Send + Sync>> = OnceLock::new();

/// Installs what the engine does before it aborts: warn all sessions, tell the postmaster who failed.
pub fn on_panic(hook: Box<dyn Fn(&Report) + Send + Sync>) {
    let _ = PANIC_HOOK.set(hook);
}
