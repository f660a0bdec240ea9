//! The frame for the auxiliary workers: which generation runs, and that no two ever do.
//!
//! Each worker is a named OS thread that is given a [`Stop`] and the number of its generation. The
//! old generation is joined before a new one starts (ENG-2), else two checkpointers could meet.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

/// Told to all workers of a generation when they must end.
#[derive(Clone, Default)]
pub struct Stop(Arc<(Mutex<bool>, Condvar)>);

impl Stop {
    pub fn is_set(&self) -> bool {
        *self.0.0.lock()
    }

    pub fn set(&self) {
        *self.0.0.lock() = true;
        self.0.1.notify_all();
    }

    /// Sleeps so long, or until the stop; returns whether it is set.
    pub fn wait(&self, limit: Duration) -> bool {
        let mut set = self.0.0.lock();
        if !*set {
            self.0.1.wait_for(&mut set, limit);
        }
        *set
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

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
        assert_eq!((alive.load(Ordering::SeqCst), most.load(Ordering::SeqCst)), (0, 2));
    }
}
