//! The frame for the auxiliary workers: which generation runs, and that no two ever do.
//!
//! Each worker is a named OS thread that is given a [`Stop`] and the number of its generation. The
//! old generation is joined before a new one starts (ENG-2), else two checkpointers could meet.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;

pub use crate::worker::Stop;

/// Starts the workers of one generation; each must end soon after the stop is set.
pub type StartWorkers = Box<dyn FnMut(u64, Stop) -> Vec<JoinHandle<()>> + Send>;

/// The generation that runs, if one does.
pub struct Workers {
    start: StartWorkers,
    running: Option<(u64, Stop, Vec<JoinHandle<()>>)>,
}

impl Workers {
    pub fn new(start: StartWorkers) -> Workers {
        Workers { start, running: None }
    }

    /// Makes `generation` the one that runs; blocks until an older one has ended.
    pub fn run(&mut self, generation: u64) {
        if self.running.as_ref().is_some_and(|(now, ..)| *now == generation) {
            return;
        }
        self.stop();
        let stop = Stop::default();
        let threads = (self.start)(generation, stop.clone());
        self.running = Some((generation, stop, threads));
    }

    /// Ends the generation that runs; blocks until all its threads have ended.
    pub fn stop(&mut self) {
        if let Some((_, stop, threads)) = self.running.take() {
            stop.set();
            for thread in threads {
                // A worker that panicked has been reported by the panic hook.
                let _ = thread.join();
            }
        }
    }
}

/// Starts and stops generations on a thread of its own, since the end of an old one can take as long
/// as an fsync or an `archive_command`, and nobody who serves sessions may wait for that.
pub struct Foreman {
    wanted: Arc<(Mutex<Wanted>, Condvar)>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Wanted {
    Generation(u64),
    Nobody,
    /// Nobody any more.
    End,
}

impl Foreman {
    pub fn start(mut workers: Workers) -> std::io::Result<Foreman> {
        let wanted = Arc::new((Mutex::new(Wanted::Nobody), Condvar::new()));
        let orders = wanted.clone();
        let thread = std::thread::Builder::new().name("foreman".into()).spawn(move || {
            let mut done = Wanted::Nobody;
            while done != Wanted::End {
                let next = {
                    let mut wanted = orders.0.lock();
                    while *wanted == done {
                        orders.1.wait(&mut wanted);
                    }
                    *wanted
                };
                match next {
                    Wanted::Generation(generation) => workers.run(generation),
                    Wanted::Nobody | Wanted::End => workers.stop(),
                }
                done = next;
            }
        })?;
        Ok(Foreman { wanted, thread: Some(thread) })
    }

    /// From now on this generation shall work, or nobody. Does not wait for it.
    pub fn want(&self, generation: Option<u64>) {
        self.order(generation.map_or(Wanted::Nobody, Wanted::Generation));
    }

    /// Ends all workers for good, and waits for their end.
    pub fn finish(&mut self) {
        self.order(Wanted::End);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }

    fn order(&self, order: Wanted) {
        if std::mem::replace(&mut *self.wanted.0.lock(), order) != order {
            self.wanted.1.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// However fast generations follow each other, workers of two never run together.
    #[test]
    fn generations_do_not_overlap() {
        let (alive, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (a, m) = (alive.clone(), most.clone());
        let mut workers = Workers::new(Box::new(move |_, stop| {
            let one = || {
                let (a, m, stop) = (a.clone(), m.clone(), stop.clone());
                std::thread::spawn(move || {
                    m.fetch_max(a.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                    while !stop.wait(Duration::from_secs(60)) {}
                    a.fetch_sub(1, Ordering::SeqCst);
                })
            };
            vec![one(), one()]
        }));
        for generation in 1..=20 {
            workers.run(generation);
            workers.run(generation);
        }
        workers.stop();
        // A worker may be told to end before its neighbour has begun.
        assert_eq!(alive.load(Ordering::SeqCst), 0);
        assert!(most.load(Ordering::SeqCst) <= 2);
    }

    /// Orders that come faster than workers end are skipped; the last one counts, and after the end
    /// nobody works.
    #[test]
    fn the_last_order_counts() {
        let now = Arc::new(AtomicUsize::new(0));
        let seen = now.clone();
        let mut foreman = Foreman::start(Workers::new(Box::new(move |generation, stop: Stop| {
            let seen = seen.clone();
            vec![std::thread::spawn(move || {
                seen.store(generation as usize, Ordering::SeqCst);
                while !stop.wait(Duration::from_secs(60)) {}
                std::thread::sleep(Duration::from_millis(2));
                seen.store(0, Ordering::SeqCst);
            })]
        })))
        .unwrap();
        for generation in 1..=50 {
            foreman.want(Some(generation));
            foreman.want(None);
        }
        foreman.want(Some(99));
        while now.load(Ordering::SeqCst) != 99 {
            std::thread::yield_now();
        }
        foreman.finish();
        assert_eq!(now.load(Ordering::SeqCst), 0);
    }
}
