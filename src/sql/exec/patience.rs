//! Steps that come to their end where they began: in the middle of something that nobody can be called again for.

use super::ExecContext;
use crate::base::interrupt::Cause;
use crate::base::{Flow, Result, Stop, Wait};
use crate::settings::{Id, Lookup};
use std::sync::Arc;
use std::task::{Wake, Waker};
use std::thread::{self, Thread};
use std::time::{Duration, Instant};

/// How often somebody who waits looks whether he is to stop.
const LOOK: Duration = Duration::from_millis(10);

/// Lets a step that may have to wait come to its end here, where nothing may be left half done.
pub fn patiently<T>(cx: &mut ExecContext, mut step: impl FnMut(&mut ExecContext) -> Flow<T>) -> Result<T> {
    // A budget that is used up would end every step at once.
    let budget = std::mem::take(&mut cx.budget);
    let done = loop {
        match step(cx) {
            Ok(done) => break Ok(done),
            Err(Stop::Wait(what)) => {
                if let Err(e) = wait(cx, &what) {
                    break Err(e);
                }
            }
            Err(Stop::Yield) => {}
            Err(other) => break Err(other.into_error()),
        }
        if let Err(e) = cx.interrupts.check() {
            break Err(e);
        }
    };
    cx.budget = budget;
    done
}

/// Waits on this thread.
fn wait(cx: &mut ExecContext, what: &Wait) -> Result<()> {
    let storage = cx.storage()?;
    match what {
        Wait::Flush(lsn) => storage.wal.flush(*lsn),
        Wait::Lock(ticket) => return granted(cx, *ticket),
        Wait::Until(when) => {
            while let Some(left) = when.checked_duration_since(Instant::now()).filter(|d| !d.is_zero()) {
                cx.interrupts.check()?;
                thread::sleep(left.min(LOOK));
            }
        }
        _ => {
            storage.wal.flush(storage.wal.insert_lsn());
            thread::sleep(Duration::from_millis(1));
        }
    }
    Ok(())
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for a lock; after `deadlock_timeout` looks once whether it can ever come.
///
/// # Errors
/// 40P01, and the interrupt's.
fn granted(cx: &mut ExecContext, ticket: u64) -> Result<()> {
    let storage = cx.storage()?;
    let view = &cx.backend()?.view;
    let limit = |id| Duration::from_millis(view.int(id) as u64);
    let (to_look, most) = (limit(Id::DeadlockTimeout), limit(Id::LockTimeout));
    let start = Instant::now();
    let mut looked = false;
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    while !storage.locks.on_grant(ticket, &waker) {
        cx.interrupts.check()?;
        thread::park_timeout(LOOK);
        if !looked && start.elapsed() >= to_look {
            looked = true;
            if let Some((error, _)) = storage.locks.check_deadlock(&cx.backend()?.txn.held) {
                return Err(error);
            }
        }
        if !most.is_zero() && start.elapsed() >= most {
            cx.interrupts.raise(Cause::LockTimeout);
        }
    }
    Ok(())
}
