//! A statement's work, as something that can be run piece by piece on any thread.

use crate::base::report::{self, Origin};
use crate::base::{Error, Flow, Stop, Wait};
use crate::buffer::damage::{self, Met, Tolerance};
use crate::session::client::OUTPUT_LIMIT;
use crate::settings::{Id, Lookup};
use crate::sql::exec::{ExecContext, domain};
use crate::sql::track::Track;
use crate::types::name::quoting;
use crate::wire::Output;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Work that can be taken up again where it stopped (FLOW-1).
pub trait Work: Send {
    /// Goes on until done (the command tag's text), or returns what to wait for. Rows go to `out`; when it is
    /// full the work returns `Wait::Output`.
    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done>;

    /// Whether a step may take long without giving others their turn.
    fn is_long(&self) -> bool {
        false
    }
}

/// How a statement ended well.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Done {
    /// The text of CommandComplete.
    Complete(String),
    /// A row limit was reached: there may be more.
    Suspended,
}

/// What a run of a job came to.
#[derive(Debug)]
pub enum Step {
    Done(Done),
    Wait(Box<Wait>),
    Yield,
    Failed(Error),
}

/// The error of a statement that has panicked.
fn fault() -> Error {
    Error::internal("the statement failed unexpectedly")
}

/// What the session does for a statement beside its job (parsing, binding, its own commands) is the statement's failure, too.
pub async fn unharmed<T>(work: impl Future<Output = crate::base::Result<T>>) -> crate::base::Result<T> {
    let mut work = std::pin::pin!(work);
    std::future::poll_fn(|cx| {
        let polled = catch_unwind(AssertUnwindSafe(|| work.as_mut().poll(cx)));
        polled.unwrap_or_else(|_| std::task::Poll::Ready(Err(fault())))
    })
    .await
}

/// [`unharmed`] of what never waits.
pub fn unharmed_now<T>(work: impl FnOnce() -> crate::base::Result<T>) -> crate::base::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(fault()))
}

/// A statement with everything it needs, owned: it may move between threads.
pub struct Job {
    pub cx: Box<ExecContext>,
    pub work: Box<dyn Work>,
    pub out: Output,
    pub origin: Arc<Origin>,
}

impl Job {
    /// The first part of the work, by whoever awaits it: short work is all done then, and long work is not begun.
    pub fn begin(&mut self, budget: Duration) -> Step {
        if self.work.is_long() { Step::Yield } else { self.run(Some(budget)) }
    }

    /// Runs for at most `budget` (none: until something stops it).
    pub fn run(&mut self, budget: Option<Duration>) -> Step {
        let reentry = self.cx.nesting.begin_turn();
        self.cx.budget.deadline = budget.map(|b| Instant::now() + b + reentry);
        let origin = self.origin.clone();
        let counted = self.cx.settings.tracking.which != Track::None;
        if counted {
            self.cx.meter.begin_turn();
        }
        let (cx, work, out) = (&mut self.cx, &mut self.work, &mut self.out);
        let tolerance = tolerance(cx);
        let quote_all = cx.backend.as_ref().is_some_and(|b| b.view.bool(Id::QuoteAllIdentifiers));
        let step = || {
            // What was read while the statement was bound, and at its very end.
            domain::check_unchecked(cx)?;
            let done = work.step(cx, out)?;
            domain::check_unchecked(cx)?;
            Ok(done)
        };
        let step = || catch_unwind(AssertUnwindSafe(|| quoting(quote_all, step)));
        let (result, met) = damage::during(tolerance, || report::with_origin(&origin, step));
        if counted {
            self.cx.meter.end_turn();
        }
        note_damage(&mut self.cx, met);
        send_notices(&mut self.cx, &mut self.out, &origin);
        match result {
            Ok(Ok(done)) => Step::Done(done),
            Ok(Err(Stop::Wait(w))) => Step::Wait(w),
            Ok(Err(Stop::Yield)) => Step::Yield,
            Ok(Err(Stop::Error(e))) => Step::Failed(e),
            // Outside critical sections a panic is this statement's own failure (inside one the process is gone).
            Err(_) => Step::Failed(fault()),
        }
    }
}

fn tolerance(cx: &ExecContext) -> Tolerance {
    let Some(backend) = &cx.backend else { return Tolerance::default() };
    let on = |id| backend.view.bool(id);
    Tolerance { ignore_checksums: on(Id::IgnoreChecksumFailure), zero: on(Id::ZeroDamagedPages) }
}

/// Tells the client of damaged pages, and counts them.
fn note_damage(cx: &mut ExecContext, met: Met) {
    cx.notices.extend(met.warnings);
    if let Some(backend) = &mut cx.backend {
        backend.stats.checksum_failures += i64::from(met.checksum_failures);
    }
}

/// Moves what the statement has to say into the log and, as far as the client wants to hear it, into the output.
fn send_notices(cx: &mut ExecContext, out: &mut Output, origin: &Origin) {
    for notice in std::mem::take(&mut cx.notices) {
        report::log_as(origin, &notice);
        if cx.backend().is_ok_and(|b| super::setting::wanted(&b.view, &notice)) {
            out.report(&notice);
        }
    }
}

/// Whether rows should leave before more are made.
pub fn is_full(out: &Output) -> bool {
    out.len() >= OUTPUT_LIMIT
}
