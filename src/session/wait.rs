//! Awaiting what a statement waits for, with everything that may cut the wait short.

use super::backends::BackendHandle;
use super::server::Server;
use crate::base::interrupt::Cause;
use crate::base::report::{self, Origin};
use crate::base::{Error, Lsn, Report, Result, Severity, SqlState, Wait};
use crate::lock::{HeldLocks, LockWait};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, Instant};

/// Limits in force while a statement waits.
#[derive(Clone, Copy, Debug)]
pub struct WaitLimits {
    pub deadlock_timeout: Duration,
    pub lock_timeout: Option<Duration>,
    /// When `statement_timeout` strikes.
    pub statement_deadline: Option<Instant>,
    pub log_lock_waits: bool,
    /// How often to look whether the client is still there (`client_connection_check_interval`).
    pub client_check: Option<Duration>,
}

/// Who waits, for the lines about it in the server log.
#[derive(Clone, Copy)]
pub struct Waiter<'a> {
    pub origin: &'a Origin,
    /// What it is doing.
    pub context: Option<&'a str>,
}

impl Waiter<'_> {
    /// `process 7 <what> ShareLock on transaction 5 after 1000.123 ms`.
    ///
    /// PostgreSQL 15, proc.c, ProcSleep: same texts.
    fn log(self, what: &str, wait: &LockWait, since: Instant, queue: bool) {
        let us = since.elapsed().as_micros();
        let (pid, mode, tag) = (self.origin.pid, wait.mode.name(), wait.tag);
        let text = format!("process {pid} {what} {mode} on {tag} after {}.{:03} ms", us / 1000, us % 1000);
        let mut line = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
        if queue {
            let list = |pids: &[u32]| pids.iter().map(u32::to_string).collect::<Vec<_>>().join(", ");
            let holding = if wait.holders.len() == 1 { "Process" } else { "Processes" };
            let (holders, queue) = (list(&wait.holders), list(&wait.queue));
            line = line.with_detail(format!("{holding} holding the lock: {holders}. Wait queue: {queue}."));
        }
        line.context = self.context.map(str::to_string);
        report::log_as(self.origin, &line);
    }
}

/// Waits until the log is durable up to `lsn`. A commit that reached the log cannot be called off.
/// With a delay others get that long to commit, too, before the log is flushed for all.
pub async fn flushed(server: &Server, lsn: Lsn, mut delay: Duration) {
    poll_fn(|cx| match server.instance.storage.wal.on_durable(lsn, std::mem::take(&mut delay), cx.waker().clone()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    })
    .await
}

/// Waits for anything but client input and output.
///
/// # Errors
/// 57014, 55P03, 57P01 when interrupted, 40P01 when the wait is part of a deadlock, what a checkpoint failed with.
pub async fn wait_for(
    server: &Server,
    handle: &Arc<BackendHandle>,
    held: &HeldLocks,
    limits: WaitLimits,
    waiter: Waiter<'_>,
    what: &Wait,
) -> Result<()> {
    match what {
        Wait::Flush(lsn) => {
            flushed(server, *lsn, Duration::ZERO).await;
            Ok(())
        }
        Wait::Lock(ticket) => lock_granted(server, handle, held, limits, waiter, *ticket).await,
        Wait::Until(when) => interruptible(handle, limits, tokio::time::sleep_until((*when).into())).await,
        Wait::Checkpoint(number) => {
            let mut outcome = None;
            let done = poll_fn(|cx| match server.instance.checkpoints.poll(*number, cx.waker()) {
                Some(o) => {
                    outcome = Some(o);
                    Poll::Ready(())
                }
                None => Poll::Pending,
            });
            interruptible(handle, limits, done).await?;
            outcome.map_or(Ok(()), |o| o.into_result())
        }
        Wait::SafeSnapshot(number) => {
            let decided =
                poll_fn(|cx| match server.instance.storage.mvcc.serializable.on_decided(*number, cx.waker()) {
                    true => Poll::Ready(()),
                    false => Poll::Pending,
                });
            interruptible(handle, limits, decided).await
        }
        Wait::Output | Wait::Input | Wait::EndTransaction { .. } | Wait::Listing => Ok(()),
    }
}

/// Awaits `work` unless the session is interrupted or the statement's time is up.
///
/// # Errors
/// The interrupt's.
pub async fn interruptible<T>(
    handle: &Arc<BackendHandle>,
    limits: WaitLimits,
    work: impl Future<Output = T>,
) -> Result<T> {
    let mut work = pin!(work);
    loop {
        handle.interrupts.check()?;
        let look = limits.client_check.map(|every| Instant::now() + every);
        tokio::select! {
            biased;
            done = &mut work => return Ok(done),
            () = handle.wake.notified() => {}
            () = until(limits.statement_deadline) => handle.interrupts.raise(Cause::StatementTimeout),
            () = until(look) => handle.check_client(),
        }
    }
}

/// Waits for a lock; after `deadlock_timeout` looks once whether it can ever come.
async fn lock_granted(
    server: &Server,
    handle: &Arc<BackendHandle>,
    held: &HeldLocks,
    limits: WaitLimits,
    waiter: Waiter<'_>,
    ticket: u64,
) -> Result<()> {
    let start = Instant::now();
    let lock_deadline = limits.lock_timeout.map(|t| start + t);
    let mut deadlock_check = Some(start + limits.deadlock_timeout);
    let locks = &server.instance.storage.locks;
    let granted = poll_fn(|cx| match locks.on_grant(ticket, cx.waker()) {
        true => Poll::Ready(()),
        false => Poll::Pending,
    });
    let mut granted = pin!(granted);
    let mut told: Option<LockWait> = None;
    loop {
        handle.interrupts.check()?;
        let look = limits.client_check.map(|every| Instant::now() + every);
        tokio::select! {
            biased;
            () = &mut granted => {
                if let Some(wait) = &told {
                    waiter.log("acquired", wait, start, false);
                }
                return Ok(());
            }
            () = handle.wake.notified() => {}
            () = until(limits.statement_deadline) => handle.interrupts.raise(Cause::StatementTimeout),
            () = until(lock_deadline) => handle.interrupts.raise(Cause::LockTimeout),
            () = until(look) => handle.check_client(),
            () = until(deadlock_check) => {
                deadlock_check = None;
                let seen = || limits.log_lock_waits.then(|| locks.lock_wait(ticket)).flatten();
                told = seen();
                let deadlock = locks.check_deadlock(held);
                match told.as_mut().filter(|_| deadlock.is_some()) {
                    // It stands in the queue no more.
                    Some(wait) => wait.queue.retain(|pid| *pid != held.owner()),
                    None => told = seen(),
                }
                if let Some(wait) = &told {
                    let what = if deadlock.is_some() { "detected deadlock while waiting for" } else { "still waiting for" };
                    waiter.log(what, wait, start, true);
                }
                if let Some((error, circle)) = deadlock {
                    return Err(with_statements(server, error, &circle));
                }
            }
        }
    }
}

/// What the server log says of a deadlock, and nobody else may read: the statements of all whom it holds.
///
/// PostgreSQL 15, deadlock.c, DeadLockReport: same form.
fn with_statements(server: &Server, error: Error, circle: &[u32]) -> Error {
    let mut detail = error.0.detail.clone().unwrap_or_default();
    for pid in circle {
        let facts = server.instance.activity.by_pid(*pid);
        let text = match &facts {
            None => "<backend information not available>",
            Some(facts) if facts.query.is_empty() => "<command string not enabled>",
            Some(facts) => &facts.query,
        };
        detail.push_str(&format!("\nProcess {pid}: {text}"));
    }
    error.detail_log(detail)
}

/// Sleeps until a time that may never come.
pub async fn until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
