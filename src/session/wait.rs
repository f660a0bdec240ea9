//! Awaiting what a statement waits for, with everything that may cut the wait short.

use super::backends::BackendHandle;
use super::server::Server;
use crate::base::interrupt::Cause;
use crate::base::{Lsn, Result, Wait};
use crate::lock::HeldLocks;
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
}

/// Waits until the log is durable up to `lsn`. A commit that reached the log cannot be called off.
pub async fn flushed(server: &Server, lsn: Lsn) {
    poll_fn(|cx| match server.instance.storage.wal.on_durable(lsn, cx.waker().clone()) {
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
    what: &Wait,
) -> Result<()> {
    match what {
        Wait::Flush(lsn) => {
            flushed(server, *lsn).await;
            Ok(())
        }
        Wait::Lock(ticket) => lock_granted(server, handle, held, limits, *ticket).await,
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
async fn interruptible(handle: &Arc<BackendHandle>, limits: WaitLimits, work: impl Future<Output = ()>) -> Result<()> {
    let mut work = pin!(work);
    loop {
        handle.interrupts.check()?;
        tokio::select! {
            biased;
            () = &mut work => return Ok(()),
            () = handle.wake.notified() => {}
            () = until(limits.statement_deadline) => handle.interrupts.raise(Cause::StatementTimeout),
        }
    }
}

/// Waits for a lock; after `deadlock_timeout` looks once whether it can ever come.
async fn lock_granted(
    server: &Server,
    handle: &Arc<BackendHandle>,
    held: &HeldLocks,
    limits: WaitLimits,
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
    loop {
        handle.interrupts.check()?;
        tokio::select! {
            biased;
            () = &mut granted => return Ok(()),
            () = handle.wake.notified() => {}
            () = until(limits.statement_deadline) => handle.interrupts.raise(Cause::StatementTimeout),
            () = until(lock_deadline) => handle.interrupts.raise(Cause::LockTimeout),
            () = until(deadlock_check) => {
                deadlock_check = None;
                if let Some(deadlock) = locks.check_deadlock(held) {
                    return Err(deadlock);
                }
            }
        }
    }
}

/// Sleeps until a time that may never come.
pub async fn until(when: Option<Instant>) {
    match when {
        Some(when) => tokio::time::sleep_until(when.into()).await,
        None => std::future::pending().await,
    }
}
