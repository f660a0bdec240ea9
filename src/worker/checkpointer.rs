//! When checkpoints are made: on request, by log volume, by time. Also switches segments for
//! `archive_timeout`.
//!
//! PostgreSQL 15, checkpointer.c, CheckpointerMain: same loop.

use super::supervise::{self, Title, Worker};
use super::{Context, Stop};
use crate::base::{Error, Severity, report};
use crate::recovery::checkpoint::warn_if_too_frequent;
use crate::recovery::{CheckpointFlags, Checkpoints};
use crate::settings::{Id, Lookup};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

pub const TITLE: Title = Title { thread: "checkpointer", backend_type: "checkpointer" };
/// After a failure the next timed one comes this soon.
const RETRY: Duration = Duration::from_secs(15);

pub fn spawn(cx: &Context, _generation: u64, stop: &Stop) -> Option<JoinHandle<()>> {
    let checkpoints = cx.checkpoints.clone();
    checkpoints.set_abandon(false);
    stop.when_set({
        let checkpoints = checkpoints.clone();
        move || checkpoints.set_abandon(true)
    });
    supervise::spawn(cx, stop, TITLE, run)
}

/// On the board as long as it lives, whatever ends it.
struct Attached<'a>(&'a Checkpoints);

impl<'a> Attached<'a> {
    fn new(checkpoints: &'a Checkpoints) -> Attached<'a> {
        checkpoints.board.attach();
        Attached(checkpoints)
    }
}

impl Drop for Attached<'_> {
    fn drop(&mut self) {
        self.0.board.detach();
    }
}

fn run(worker: &Worker) {
    let checkpoints = &*worker.cx.checkpoints;
    let _attached = Attached::new(checkpoints);
    let mut last = Instant::now();
    let mut switched = (Instant::now(), 0);
    while !worker.stop.is_set() {
        let settings = checkpoints.settings().snapshot();
        let timeout = Duration::from_secs(settings.int(Id::CheckpointTimeout) as u64);
        let timed = last.elapsed() >= timeout && checkpoints.storage().wal.is_started();
        if timed || checkpoints.board.pending() != CheckpointFlags::default() {
            last = make(worker, timed, last, timeout);
        }
        let archive_timeout = Duration::from_secs(settings.int(Id::ArchiveTimeout) as u64);
        switch_if_due(checkpoints, archive_timeout, &mut switched);
        let mut until = last + timeout;
        if !archive_timeout.is_zero() {
            until = until.min(switched.0 + archive_timeout);
        }
        checkpoints.board.sleep(until.max(Instant::now() + Duration::from_millis(10)));
    }
}

/// Makes one checkpoint; returns when the next timed one counts from.
fn make(worker: &Worker, timed: bool, last: Instant, timeout: Duration) -> Instant {
    let checkpoints = &*worker.cx.checkpoints;
    let (number, mut flags) = checkpoints.board.begin();
    checkpoints.stats().update_bgwriter(|s| match timed && flags == CheckpointFlags::default() {
        true => s.checkpoints_timed += 1,
        false => s.checkpoints_requested += 1,
    });
    if timed {
        flags = flags | CheckpointFlags::CAUSE_TIME;
    }
    if !flags.has(CheckpointFlags::END_OF_RECOVERY) {
        warn_if_too_frequent(&checkpoints.settings().snapshot(), flags, last.elapsed());
    }
    let start = Instant::now();
    let outcome = checkpoints.perform(flags);
    if outcome.is_err() && checkpoints.is_abandoned() {
        // Nobody makes it now: `detach` tells those who wait.
        return last;
    }
    checkpoints.board.end(number, outcome.is_ok());
    match outcome {
        Ok(()) => start,
        Err(e) => {
            complain(e);
            start + RETRY - timeout.min(start.elapsed() + timeout)
        }
    }
}

fn complain(e: Error) {
    if e.0.severity == Severity::Panic {
        report::panic(*e.0);
    }
    report::log(&e.0);
}

/// `archive_timeout`: a segment with anything in it is not kept back longer than this.
fn switch_if_due(checkpoints: &Checkpoints, timeout: Duration, switched: &mut (Instant, u64)) {
    let wal = &checkpoints.storage().wal;
    if timeout.is_zero() || !wal.is_started() {
        return;
    }
    let segment = wal.segment_of(wal.insert_lsn().0);
    if segment != switched.1 {
        *switched = (Instant::now(), segment);
        return;
    }
    if switched.0.elapsed() >= timeout {
        if wal.last_record() > checkpoints.control().get().checkpoint
            && let Err(e) = wal.switch()
        {
            report::log(&e.into_error().severity(Severity::Log).0);
        }
        *switched = (Instant::now(), wal.segment_of(wal.insert_lsn().0));
    }
}
