//! The executor pool: where statements go that need longer than an inline budget.
//!
//! As many threads as cores, a little less urgent than the runtime, so that short statements stay quick beside long
//! ones. A job runs in slices when others queue; between two slices it may change threads.

use super::job::{Job, Step};
use crate::base::stack;
use parking_lot::{Condvar, Mutex};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::oneshot;

/// How long a job runs before others get their turn.
const SLICE: Duration = Duration::from_millis(5);
/// Threads of the pool are this much less urgent (a higher number cannot be taken back without privilege).
const NICE: i32 = 5;

struct Queued {
    job: Job,
    reply: oneshot::Sender<(Job, Step)>,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Queued>,
    stopping: bool,
}

/// Threads that run statements.
pub struct ExecutorPool {
    queue: Mutex<Queue>,
    work: Condvar,
}

/// Runs a job that does not let others have their turn on a thread of its own. It comes back if there can be none.
fn run_apart(queued: Queued) -> Option<Queued> {
    let kept = Arc::new(Mutex::new(Some(queued)));
    let given = kept.clone();
    let run = move || {
        let _ = rustix::process::nice(NICE);
        let Some(mut queued) = given.lock().take() else { return };
        let step = loop {
            match queued.job.run(None) {
                Step::Yield => {}
                step => break step,
            }
        };
        drop(queued.reply.send((queued.job, step)));
    };
    match stack::spawn("command".into(), run) {
        Ok(_) => None,
        Err(_) => kept.lock().take(),
    }
}

impl ExecutorPool {
    /// Starts `threads` threads.
    pub fn start(threads: usize) -> std::io::Result<Arc<ExecutorPool>> {
        let pool = Arc::new(ExecutorPool { queue: Mutex::default(), work: Condvar::new() });
        for n in 0..threads.max(1) {
            let pool = pool.clone();
            stack::spawn(format!("executor {n}"), move || pool.serve())?;
        }
        Ok(pool)
    }

    /// Runs a job until it is done, fails, or waits for something; it comes back with what it came to.
    ///
    /// None only while the engine goes down: the job is lost with its session.
    pub async fn run(&self, job: Job) -> Option<(Job, Step)> {
        let (reply, answer) = oneshot::channel();
        let queued = Queued { job, reply };
        let queued = if queued.job.work.is_long() { run_apart(queued) } else { Some(queued) };
        if let Some(queued) = queued {
            self.queue.lock().jobs.push_back(queued);
            self.work.notify_one();
        }
        answer.await.ok()
    }

    pub fn stop(&self) {
        self.queue.lock().stopping = true;
        self.work.notify_all();
    }

    fn next(&self) -> Option<Queued> {
        let mut queue = self.queue.lock();
        loop {
            if queue.stopping {
                return None;
            }
            if let Some(next) = queue.jobs.pop_front() {
                return Some(next);
            }
            self.work.wait(&mut queue);
        }
    }

    fn others_wait(&self) -> bool {
        !self.queue.lock().jobs.is_empty()
    }

    fn serve(&self) {
        // Failing to become less urgent costs smoothness only.
        let _ = rustix::process::nice(NICE);
        while let Some(mut queued) = self.next() {
            let step = loop {
                match queued.job.run(Some(SLICE)) {
                    Step::Yield if self.others_wait() => break Step::Yield,
                    Step::Yield => {}
                    step => break step,
                }
            };
            match step {
                Step::Yield => self.queue.lock().jobs.push_back(queued),
                // The receiver is gone when the session was dropped with the connection: nobody wants the answer.
                step => drop(queued.reply.send((queued.job, step))),
            }
        }
    }
}
