//! The beginning and the end: recovery and the shutdown checkpoint, on the threads that log them.

use super::events::LogEvents;
use super::supervise::{Title, Worker};
use super::{Context, Stop, archiver, checkpointer};
use crate::base::{Result, Severity, report};
use crate::recovery::{CheckpointFlags, Progress, start_up};
use crate::settings::{Id, Lookup};
use std::sync::Arc;
use std::thread;

const STARTUP: Title = Title { thread: "startup", backend_type: "startup" };

/// Recovers on a thread `startup`, with a checkpointer beside it; blocks until the log is open. True if
/// there was anything to recover from.
///
/// # Errors
/// FATAL or PANIC, not yet logged: the engine must not start.
pub fn run_startup(cx: &Context, progress: &Arc<Progress>) -> Result<bool> {
    let storage = cx.checkpoints.storage();
    storage.pool.relations().set_fsync(cx.checkpoints.settings().snapshot().bool(Id::Fsync));
    let events = LogEvents { checkpoints: Arc::downgrade(&cx.checkpoints), bell: cx.archive_bell.clone() };
    storage.wal.observe(Box::new(events));
    let stop = Stop::default();
    let helper = checkpointer::spawn(cx, 0, &stop);
    // The request for the end-of-recovery checkpoint must find the checkpointer there.
    while helper.is_some() && !cx.checkpoints.board.is_served() {
        thread::yield_now();
    }
    let (cx, progress) = (cx.clone(), progress.clone());
    let outcome = on_thread(cx, stop.clone(), STARTUP, move |worker| {
        start_up(worker.cx.checkpoints.storage(), &worker.cx.checkpoints, &progress)
    });
    stop.set();
    if let Some(helper) = helper {
        let _ = helper.join();
    }
    outcome
}

/// The end of a clean stop, after all sessions and workers are gone: the shutdown checkpoint, and a last
/// try to archive what is ready.
pub fn shut_down(cx: &Context) -> Result<()> {
    on_thread(cx.clone(), Stop::default(), checkpointer::TITLE, |worker| {
        crate::log!("shutting down");
        let checkpoints = &worker.cx.checkpoints;
        if !checkpoints.storage().wal.is_started() {
            // Stopped in recovery: there is nothing to write and nothing to write it to.
            return checkpoints.control().update(|c| c.state = crate::wal::DbState::ShutdownedInRecovery);
        }
        if checkpoints.storage().wal.is_archiving() {
            // PostgreSQL 15, xlog.c, ShutdownXLOG: what is complete goes to the archive, too. A disk without room for
            // another segment is no reason to stop otherwise than cleanly.
            if let Err(stop) = checkpoints.storage().wal.switch() {
                report::log(&stop.into_error().severity(Severity::Log).0);
            }
        }
        checkpoints.set_abandon(false);
        checkpoints.perform(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)
    })?;
    if cx.checkpoints.settings().snapshot().choice(Id::ArchiveMode) != "off" {
        archiver::last_round(cx);
    }
    Ok(())
}

fn on_thread<T: Send + 'static>(
    cx: Context,
    stop: Stop,
    title: Title,
    work: impl FnOnce(&Worker) -> Result<T> + Send + 'static,
) -> Result<T> {
    let thread = thread::Builder::new().name(title.thread.to_string());
    let spawned = thread.spawn(move || {
        let worker = Worker::here(cx, stop, title);
        report::with_origin(&worker.origin(title), || work(&worker))
    });
    let failed = |why: String| crate::err!(INTERNAL_ERROR, "{} process failed: {why}", title.backend_type);
    match spawned.map(thread::JoinHandle::join) {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(panic)) => Err(failed(panic_text(&*panic))),
        Err(e) => Err(failed(crate::disk::os_text(&e))),
    }
}

fn panic_text(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
    text.or_else(|| panic.downcast_ref::<String>().cloned()).unwrap_or_else(|| "unknown panic".into())
}
