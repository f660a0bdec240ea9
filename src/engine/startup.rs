//! From a locked data directory to an open log, and from there to a stopped one.

use super::link::Link;
use crate::base::{Result, Severity, report};
use crate::disk::{self, durable};
use crate::process::message::EngineState;
use crate::process::title;
use crate::recovery::{self, Progress};
use crate::settings::{self, Global, Id, Lookup};
use crate::stat::{Stats, statements};
use crate::wal::segment;
use crate::worker::{self, Context, Stop};
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

/// Where the counters lie between a clean stop and the next start.
const STATISTICS: &str = "pg_stat/pgstat.stat";
/// How often a running recovery is looked at.
const LOOK: Duration = Duration::from_millis(5);

/// What the engine is called while it does nothing special.
pub const TITLE: &str = "postgres: engine";

/// Opens the storage; nothing is read yet but the control file.
pub fn open(data_dir: &Path, settings: &Arc<Global>) -> Result<Context> {
    let disk = disk::of_data_directory(data_dir);
    let stats = Arc::new(Stats::new());
    if settings::is_loaded(&*settings.snapshot(), "pg_stat_statements") {
        stats.count_statements(settings.snapshot().int(Id::PgStatStatementsMax) as usize);
    }
    let checkpoints = recovery::open(disk, settings.clone(), stats)?;
    Ok(Context::new(checkpoints))
}

/// Recovers, while the postmaster is told how far it is and a requested stop is passed on.
///
/// # Errors
/// FATAL or PANIC, not yet logged; also after a stop was requested.
pub fn recover(link: &Link, cx: &Context) -> Result<()> {
    let progress = Arc::new(Progress::default());
    let done = Stop::default();
    let outcome = thread::scope(|scope| {
        let watch = scope.spawn(|| watch(link, cx, &progress, &done));
        let outcome = worker::run_startup(cx, &progress);
        done.set();
        let _ = watch.join();
        outcome
    });
    title::set(TITLE);
    let recovered = outcome?;
    load_statistics(cx, recovered);
    load_statements(cx);
    Ok(())
}

fn watch(link: &Link, cx: &Context, progress: &Progress, done: &Stop) {
    let mut shown = String::new();
    while !done.wait(LOOK) {
        if link.stop_requested().is_some() {
            progress.stop();
        }
        let Some((from, at)) = progress.redo() else { continue };
        let control = cx.checkpoints.control().get();
        let (timeline, bytes) = (control.checkpoint_copy.timeline, u64::from(control.segment_bytes));
        let segment = segment::file_name(timeline, at.0 / bytes, bytes);
        if segment != shown {
            if cx.checkpoints.settings().snapshot().bool(Id::UpdateProcessTitle) {
                title::set(&format!("postgres: startup recovering {segment}"));
            }
            let megabytes = (at.0 - from.0) >> 20;
            let text = format!("Redo started at {from} and is at {at}, {megabytes} MB later.");
            link.report(EngineState::Redo, &text);
            shown = segment;
        }
    }
}

/// The counters survive a clean stop only. PostgreSQL 15, pgstat.c, pgstat_restore_stats: same rule.
fn load_statistics(cx: &Context, recovered: bool) {
    let disk = &*cx.checkpoints.storage().disk;
    if !disk.exists(STATISTICS) {
        return;
    }
    if !recovered {
        let loaded = durable::read(disk, STATISTICS).and_then(|bytes| cx.checkpoints.stats().load(&bytes));
        if let Err(e) = loaded {
            report::log(&e.severity(Severity::Log).0);
        }
    }
    let _ = disk.remove(STATISTICS);
}

/// Counts of statements need not be of the last moment, so they are taken over whenever a clean stop has left them.
fn load_statements(cx: &Context) {
    let disk = &*cx.checkpoints.storage().disk;
    let Some(counted) = cx.checkpoints.stats().statements().filter(|_| disk.exists(statements::FILE)) else { return };
    if cx.checkpoints.settings().snapshot().bool(Id::PgStatStatementsSave)
        && let Err(e) = durable::read(disk, statements::FILE).and_then(|bytes| counted.load(&bytes))
    {
        report::log(&e.severity(Severity::Log).0);
    }
    let _ = disk.remove(statements::FILE);
}

fn save_statements(cx: &Context) -> Result<()> {
    let disk = &*cx.checkpoints.storage().disk;
    let wanted = cx.checkpoints.settings().snapshot().bool(Id::PgStatStatementsSave);
    match cx.checkpoints.stats().statements().filter(|_| wanted) {
        Some(counted) => durable::replace(disk, statements::FILE, &counted.save()),
        None => Ok(()),
    }
}

/// The end of a clean stop: the shutdown checkpoint and the counters.
pub fn shut_down(cx: &Context) -> Result<()> {
    worker::shut_down(cx)?;
    cx.checkpoints.storage().pool.flush_counts(cx.checkpoints.stats());
    let disk = &*cx.checkpoints.storage().disk;
    let saved = durable::mkdir(disk, "pg_stat")
        .and_then(|()| durable::replace(disk, STATISTICS, &cx.checkpoints.stats().save()))
        .and_then(|()| save_statements(cx));
    if let Err(e) = saved {
        report::log(&e.severity(Severity::Log).0);
    }
    Ok(())
}
