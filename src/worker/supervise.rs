//! A worker's thread: its name, its row in `pg_stat_activity`, its origin in the log, its restarts.

use super::{Context, Stop};
use crate::base::report::{self, Origin};
use crate::base::{Report, Severity, SqlState, clock};
use crate::disk::access_error;
use crate::stat::{ActivityFacts, ActivitySlot};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// What a worker's body gets.
pub struct Worker {
    pub cx: Context,
    pub stop: Stop,
    /// Its place in `pg_stat_activity`.
    pub activity: ActivitySlot,
}

/// Who a worker is.
#[derive(Clone, Copy)]
pub struct Title {
    /// The thread's name; the kernel keeps 15 bytes.
    pub thread: &'static str,
    /// `pg_stat_activity.backend_type` and `%b`.
    pub backend_type: &'static str,
}

/// What follows a panic of a worker's body.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum AfterPanic {
    /// It is run again after a second.
    Restart,
    /// The worker ends: whoever started it decides.
    End,
}

/// Starts a worker. A body that returns ends it; one that panics is run again after a second.
pub fn spawn(
    cx: &Context,
    stop: &Stop,
    title: Title,
    body: impl Fn(&Worker) + Send + 'static,
) -> Option<JoinHandle<()>> {
    spawn_with(cx, stop, title, AfterPanic::Restart, body)
}

/// As [`spawn`], with the choice of what a panic leads to.
pub fn spawn_with(
    cx: &Context,
    stop: &Stop,
    title: Title,
    after_panic: AfterPanic,
    body: impl Fn(&Worker) + Send + 'static,
) -> Option<JoinHandle<()>> {
    assert!(title.thread.len() <= 15);
    let (cx, stop) = (cx.clone(), stop.clone());
    let thread = std::thread::Builder::new().name(title.thread.to_string());
    let spawned = thread.spawn(move || {
        let worker = Worker::here(cx, stop, title);
        report::with_origin(&worker.origin(title), || {
            while catch_unwind(AssertUnwindSafe(|| body(&worker))).is_err() {
                if after_panic == AfterPanic::End {
                    break;
                }
                let text = format!("{} failed and is started again", title.backend_type);
                report::log(&Report::notice(Severity::Log, SqlState::INTERNAL_ERROR, text));
                if worker.stop.wait(Duration::from_secs(1)) {
                    break;
                }
            }
        });
    });
    match spawned {
        Ok(handle) => Some(handle),
        Err(e) => {
            let e = access_error(format!("fork {} process", title.backend_type), &e);
            report::log(&e.severity(Severity::Log).0);
            None
        }
    }
}

impl Worker {
    /// This thread as a worker.
    pub fn here(cx: Context, stop: Stop, title: Title) -> Worker {
        let facts = ActivityFacts { pid: thread_id(), backend_type: title.backend_type, ..ActivityFacts::default() };
        let activity = cx.checkpoints.stats().activity.register(facts);
        Worker { cx, stop, activity }
    }

    pub fn origin(&self, title: Title) -> Arc<Origin> {
        Arc::new(Origin {
            pid: thread_id(),
            backend_type: title.backend_type,
            start_us: clock::now_us(),
            ..Origin::default()
        })
    }
}

/// The Linux thread id, shown as the worker's pid.
fn thread_id() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get() as u32
}
