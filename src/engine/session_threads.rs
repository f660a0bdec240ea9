//! The threads that sessions run on: one runtime of one thread per core, each session on one of them for life.
//!
//! A runtime that shares its tasks among threads wakes a second thread for nearly every message of a client: a system
//! call on either side, and cold caches. Here the thread that hears of a message also answers it. What would hold the
//! others on a thread up does not run there: statements beyond their inline budget move to the executor pool, and
//! slow disks are left to the flusher (`Wal::flush_alone`).

use crate::base::stack;
use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;
use tokio::runtime::{Builder, Handle};

/// Where new sessions are put. The threads live as long as the process.
pub struct SessionThreads {
    threads: Vec<Thread>,
}

struct Thread {
    runtime: Handle,
    sessions: Arc<AtomicUsize>,
    near_timer: Arc<NearTimer>,
}

/// While connections arrive a timer that is never far away. A runtime interrupts its own wait, at the price of a system
/// call and a second wait, for each timer that is due before all others, as the time limit of a login mostly would be.
#[derive(Default)]
struct NearTimer {
    runs: AtomicBool,
    arrived: AtomicBool,
}

const NEAR: Duration = Duration::from_secs(1);

impl NearTimer {
    /// A connection is there; on its thread.
    fn arrival(self: &Arc<Self>) {
        self.arrived.store(true, Ordering::Relaxed);
        if !self.runs.swap(true, Ordering::Relaxed) {
            let timer = self.clone();
            tokio::spawn(async move {
                while timer.arrived.swap(false, Ordering::Relaxed) {
                    tokio::time::sleep(NEAR).await;
                }
                timer.runs.store(false, Ordering::Relaxed);
            });
        }
    }
}

/// A session's place on its thread.
struct Place(Arc<AtomicUsize>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl SessionThreads {
    /// # Errors
    /// When a runtime or its thread cannot be made.
    pub fn start(count: usize) -> io::Result<SessionThreads> {
        let threads = (0..count.max(1)).map(Thread::start).collect::<io::Result<Vec<_>>>()?;
        Ok(SessionThreads { threads })
    }

    pub fn count(&self) -> usize {
        self.threads.len()
    }

    /// Runs a session to its end: on the thread `came_to` unless another has clearly fewer, since a second thread would
    /// have to be woken.
    pub fn spawn(&self, session: impl Future<Output = ()> + Send + 'static, came_to: Option<usize>) {
        let load = |t: &Thread| t.sessions.load(Ordering::Relaxed);
        let Some(emptiest) = self.threads.iter().min_by_key(|t| load(t)) else { return };
        let near = came_to.and_then(|n| self.threads.get(n)).filter(|t| load(t) <= load(emptiest) + 1);
        let thread = near.unwrap_or(emptiest);
        thread.sessions.fetch_add(1, Ordering::Relaxed);
        let place = Place(thread.sessions.clone());
        let timer = thread.near_timer.clone();
        thread.runtime.spawn(async move {
            timer.arrival();
            session.await;
            drop(place);
        });
    }

    /// Runs what serves all sessions of one thread.
    pub fn spawn_on(&self, thread: usize, work: impl Future<Output = ()> + Send + 'static) {
        if let Some(thread) = self.threads.get(thread) {
            thread.runtime.spawn(work);
        }
    }
}

impl Thread {
    fn start(n: usize) -> io::Result<Thread> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        stack::spawn(format!("session {n}"), move || runtime.block_on(std::future::pending::<()>()))?;
        Ok(Thread { runtime: handle, sessions: Arc::default(), near_timer: Arc::default() })
    }
}
