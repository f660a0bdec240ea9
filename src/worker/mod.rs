//! The auxiliary workers: when, not how.
//!
//! Each is a named OS thread with a row in `pg_stat_activity`, whose pid is the Linux thread id. What they
//! do lives below: checkpoints in `recovery`, flushing in `wal`, writing pages in `buffer`, vacuuming behind
//! [`Maintenance`].
//!
//! Must never hold a latch or a lock between two rounds, and never outlive its generation.
//!
//! Invariants
//! - WORK-1: a worker looks at its [`Stop`] at least every second and ends soon after it is set; only a
//!   running `archive_command` and an fsync may take longer.
//! - WORK-2: a panic of a worker outside a critical section restarts that worker; inside one it ends the
//!   process (`buffer::critical`).

mod archiver;
mod autovacuum;
mod bgwriter;
mod checkpointer;
mod events;
mod startup;
mod stop;
mod supervise;
mod walwriter;

pub use archiver::{ArchiveFault, ArchiveTarget, CommandTarget};
pub use autovacuum::{Maintenance, TableFacts, Thresholds, Work};
pub use startup::{run_startup, shut_down};
pub use stop::Stop;

use crate::recovery::Checkpoints;
use crate::settings::{Id, Lookup};
use std::sync::Arc;
use std::thread::JoinHandle;

/// What the workers of an engine work on.
#[derive(Clone)]
pub struct Context {
    /// Holds the storage, the control file, the settings and the counters, too.
    pub checkpoints: Arc<Checkpoints>,
    /// Rung when a log segment waits for the archiver.
    pub(crate) archive_bell: Arc<archiver::Bell>,
    /// Replaces `archive_command`, if set.
    pub archive_target: Option<Arc<dyn ArchiveTarget>>,
    /// What autovacuum calls; without it there is none.
    pub maintenance: Option<Arc<dyn Maintenance>>,
}

impl Context {
    pub fn new(checkpoints: Arc<Checkpoints>) -> Context {
        Context { checkpoints, archive_bell: Arc::default(), archive_target: None, maintenance: None }
    }
}

/// Starts the workers of a generation. They end when `stop` is set; the caller joins them.
pub fn start_all(cx: &Context, generation: u64, stop: &Stop) -> Vec<JoinHandle<()>> {
    let settings = cx.checkpoints.settings().snapshot();
    let mut threads = vec![
        checkpointer::spawn(cx, generation, stop),
        bgwriter::spawn(cx, generation, stop),
        walwriter::spawn(cx, generation, stop),
    ];
    if cx.maintenance.is_some() {
        threads.push(autovacuum::spawn(cx, generation, stop));
    }
    if settings.choice(Id::ArchiveMode) != "off" {
        threads.push(archiver::spawn(cx, generation, stop));
    }
    threads.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests;
