//! The session itself: what lasts from one statement to the next.

use super::backends::{BackendHandle, Registration};
use super::block::Block;
use super::client::Client;
use super::job::{Done, Job, Step, Work};
use super::portal::{Portal, Portals};
use super::server::Server;
use super::statement::Statement;
use super::wait::{self, WaitLimits};
use crate::base::interrupt::Cause;
use crate::base::report::Origin;
use crate::base::{Error, Result, Severity, Wait, clock};
use crate::settings::{Id, Lookup, SessionSettings};
use crate::sql::Backend;
use crate::sql::exec::ExecContext;
use crate::sql::exec::context::{Listing, PortalFacts};
use hashbrown::HashMap;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long a statement may keep the runtime's thread before it moves to the pool.
const INLINE: Duration = Duration::from_micros(100);

/// One connection's session.
pub struct Session {
    pub server: Arc<Server>,
    pub handle: Arc<BackendHandle>,
    /// None only while a job has it (SES-1).
    pub(super) cx: Option<Box<ExecContext>>,
    pub(super) settings: Arc<Mutex<SessionSettings>>,
    pub(super) block: Block,
    pub(super) statements: HashMap<String, Arc<Statement>>,
    pub(super) portals: Portals,
    /// Recent simple queries by text, with their plans.
    pub(super) recent: super::statement::Recent,
    /// And by their shape, numbers apart.
    pub(super) templates: super::template::Templates,
    /// Who log lines speak of; a job has a share of it while it runs, else it is changed in place.
    pub(super) origin: Arc<Origin>,
    /// Extended protocol: an error occurred, everything up to Sync is skipped (SES-3).
    pub(super) skip_to_sync: bool,
    /// How many EXECUTE are inside each other: the protocol can prepare an EXECUTE, even of itself.
    pub(super) executes: usize,
    pub(super) statement_deadline: Option<Instant>,
    pub(super) tcp_times: Option<super::socket::Times>,
    /// Leaves the registry last.
    pub(super) _registration: Registration,
}

impl Session {
    /// The execution context, between statements.
    ///
    /// # Panics
    /// While a job has it (SES-1).
    pub fn cx(&mut self) -> &mut ExecContext {
        self.cx.as_mut().expect("SES-1")
    }

    pub fn backend(&mut self) -> &mut Backend {
        self.cx().backend.as_mut().expect("a session's context has its backend")
    }

    pub fn block(&self) -> Block {
        self.block
    }

    pub(super) fn limits(&mut self) -> WaitLimits {
        let statement_deadline = self.statement_deadline;
        let view = &self.backend().view;
        let lock_timeout = view.int(Id::LockTimeout) as u64;
        WaitLimits {
            deadlock_timeout: Duration::from_millis(view.int(Id::DeadlockTimeout) as u64),
            lock_timeout: (lock_timeout > 0).then(|| Duration::from_millis(lock_timeout)),
            log_lock_waits: view.bool(Id::LogLockWaits),
            client_check: match view.int(Id::ClientConnectionCheckInterval) {
                0 => None,
                ms => Some(Duration::from_millis(ms as u64)),
            },
            statement_deadline,
        }
    }

    /// Runs work to its end: inline at first, then on the pool, waiting where it must.
    ///
    /// # Errors
    /// The statement's, or FATAL when the client is gone. The work is handed back either way.
    pub(super) async fn drive(
        &mut self,
        client: &mut Client,
        work: Box<dyn Work>,
    ) -> (Result<Done>, Option<Box<dyn Work>>) {
        let mut limits = self.limits();
        let Some(cx) = self.cx.take() else { return (Err(Error::internal("SES-1")), Some(work)) };
        let mut job = Job { cx, work, out: std::mem::take(&mut client.out), origin: self.origin.clone() };
        let mut step = job.begin(INLINE);
        let result = loop {
            match step {
                Step::Done(done) => break Ok(done),
                Step::Failed(e) => break Err(e),
                Step::Yield => match on_pool(self.server.clone(), self.handle.clone(), job, limits).await {
                    Some((back, next, in_time)) => {
                        (job, step) = (back, next);
                        limits.statement_deadline = limits.statement_deadline.filter(|_| in_time);
                    }
                    None => return (Err(Error::internal("the executor pool is gone")), None),
                },
                Step::Wait(what) if matches!(*what, Wait::EndTransaction { .. }) => {
                    // For the while the context is the session's own again.
                    let Job { cx, work, out, origin } = job;
                    self.cx = Some(cx);
                    let ended = Box::pin(self.end_inside(client, &what)).await;
                    let Some(cx) = self.cx.take() else { return (Err(Error::internal("SES-1")), Some(work)) };
                    job = Job { cx, work, out, origin };
                    if let Err(e) = ended {
                        break Err(e);
                    }
                    step = job.begin(INLINE);
                }
                Step::Wait(what) if matches!(*what, Wait::Listing) => {
                    job.cx.listing = Some(self.listing());
                    step = job.begin(INLINE);
                }
                Step::Wait(what) => {
                    let settled =
                        settle(self.server.clone(), self.handle.clone(), client, &mut job, limits, &what).await;
                    let Err(e) = settled else {
                        // Rows that leave as fast as they are made never come to where a deadline is awaited.
                        if limits.statement_deadline.is_some_and(|at| at <= Instant::now()) {
                            limits.statement_deadline = None;
                            self.handle.interrupts.raise(Cause::StatementTimeout);
                        }
                        step = job.begin(INLINE);
                        continue;
                    };
                    let e = match job.cx.wait_context.take() {
                        Some(context) if matches!(*what, Wait::Lock(_)) => e.context(context),
                        _ => e,
                    };
                    // Once more, so that the error arises inside; nobody there took it: it is the statement's.
                    if e.0.severity >= Severity::Fatal {
                        break Err(e);
                    }
                    let cause = self.handle.interrupts.cause();
                    limits.statement_deadline = limits.statement_deadline.filter(|_| cause != Cause::StatementTimeout);
                    self.handle.interrupts.clear();
                    job.cx.failed_wait = Some(e);
                    step = job.run(Some(INLINE));
                    match (&step, job.cx.failed_wait.take()) {
                        (Step::Wait(_), Some(e)) => break Err(e),
                        // What was waited for came after all.
                        (_, Some(_)) => self.handle.interrupts.raise(cause),
                        (_, None) => {}
                    }
                }
            }
        };
        client.out = job.out;
        self.cx = Some(job.cx);
        if result.is_err() {
            let backend = self.backend();
            let storage = backend.instance.storage.clone();
            storage.locks.cancel(&mut backend.txn.held);
        }
        (result, Some(job.work))
    }

    /// What `pg_prepared_statements` and `pg_cursors` show of this session. Unnamed statements are not among it, and
    /// portals that are cursors are known to the context.
    pub(super) fn listing(&self) -> Box<Listing> {
        let named = self.statements.values().filter(|s| !s.name.is_empty());
        let bound = self.portals.iter().filter(|(_, p)| !p.is_cursor);
        let portal = |(name, p): (&str, &Portal)| PortalFacts {
            name: name.to_string(),
            text: p.statement.source.clone(),
            created_us: p.created_us,
        };
        Box::new(Listing { statements: named.map(|s| s.facts()).collect(), portals: bound.map(portal).collect() })
    }

    /// What every statement starts with: its time, its limits, its place in `pg_stat_activity` and in log lines.
    pub(super) fn begin_statement(&mut self, text: &Arc<str>, tag: &'static str) {
        let now = clock::now_us();
        self.handle.interrupts.clear();
        let origin = Arc::make_mut(&mut self.origin);
        origin.statement = Some(text.clone());
        if !tag.is_empty() {
            origin.tag = tag;
        }
        self.restart_timeout();
        let limit = self.backend().view.int(Id::TrackActivityQuerySize) as usize;
        self.cx().meter.level = 0;
        self.cx().fx.statement_us = now - clock::POSTGRES_EPOCH_US;
        self.backend().activity.statement(text, now, limit);
    }

    /// `statement_timeout` counts for each statement of a Query message by itself.
    pub(super) fn restart_timeout(&mut self) {
        let timeout = self.backend().view.int(Id::StatementTimeout) as u64;
        self.statement_deadline = (timeout > 0).then(|| Instant::now() + Duration::from_millis(timeout));
    }

    /// Back to waiting for the client.
    pub(super) fn end_statement(&mut self) {
        use crate::stat::SessionState;
        self.statement_deadline = None;
        let (state, tag) = match self.block {
            Block::None | Block::Implicit => (SessionState::Idle, "idle"),
            Block::Explicit => (SessionState::IdleInTransaction, "idle in transaction"),
            Block::Failed => (SessionState::IdleInTransactionAborted, "idle in transaction (aborted)"),
        };
        let origin = Arc::make_mut(&mut self.origin);
        origin.statement = None;
        origin.tag = tag;
        self.backend().activity.state(state);
    }
}

/// Runs a job on the pool; a statement timeout reaches it there. False at the end: it has struck.
async fn on_pool(
    server: Arc<Server>,
    handle: Arc<BackendHandle>,
    job: Job,
    limits: WaitLimits,
) -> Option<(Job, Step, bool)> {
    let running = server.pool.run(job);
    tokio::pin!(running);
    let mut deadline = limits.statement_deadline;
    loop {
        let look = limits.client_check.map(|every| Instant::now() + every);
        tokio::select! {
            biased;
            back = &mut running => {
                let in_time = deadline == limits.statement_deadline;
                return back.map(|(job, step)| (job, step, in_time));
            }
            () = wait::until(deadline) => {
                deadline = None;
                handle.interrupts.raise(Cause::StatementTimeout);
            }
            () = wait::until(look) => handle.check_client(),
        }
    }
}

/// Awaits what a job waits for.
async fn settle(
    server: Arc<Server>,
    handle: Arc<BackendHandle>,
    client: &mut Client,
    job: &mut Job,
    limits: WaitLimits,
    what: &Wait,
) -> Result<()> {
    if matches!(what, Wait::Output) {
        let Some(backend) = job.cx.backend.as_mut() else { return Err(Error::internal("a job without a backend")) };
        backend.activity.wait_event(Some(wait_event(&server, what)));
        std::mem::swap(&mut client.out, &mut job.out);
        // What is made so far still has to leave; the statement need not wait for it when it is called off.
        let sent = tokio::select! {
            biased;
            sent = client.flush_unless(Cause::Cancel) => sent,
            () = wait::until(limits.statement_deadline) => {
                handle.interrupts.raise(Cause::StatementTimeout);
                handle.interrupts.check()
            }
        };
        std::mem::swap(&mut client.out, &mut job.out);
        backend.activity.wait_event(None);
        return sent;
    }
    let Some(backend) = job.cx.backend.as_mut() else { return Err(Error::internal("a job without a backend")) };
    backend.activity.wait_event(Some(wait_event(&server, what)));
    let waiter = wait::Waiter { origin: &job.origin, context: job.cx.wait_context.as_deref() };
    let done = wait::wait_for(&server, &handle, &backend.txn.held, limits, waiter, what).await;
    backend.activity.wait_event(None);
    done
}

fn wait_event(server: &Server, what: &Wait) -> (&'static str, &'static str) {
    match what {
        Wait::Lock(ticket) => {
            ("Lock", server.instance.storage.locks.waiting_for(*ticket).map_or("relation", |t| t.kind()))
        }
        Wait::Flush(_) => ("IO", "WALSync"),
        Wait::Until(_) => ("Timeout", "PgSleep"),
        Wait::Checkpoint(_) => ("IPC", "CheckpointDone"),
        Wait::SafeSnapshot(_) => ("IPC", "SafeSnapshot"),
        Wait::Output => ("Client", "ClientWrite"),
        Wait::Input | Wait::EndTransaction { .. } | Wait::Listing => ("Client", "ClientRead"),
    }
}
