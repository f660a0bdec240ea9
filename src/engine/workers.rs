//! The frame for the auxiliary workers: which generation runs, and that no two ever do.
//!
//! Each worker is a named OS thread that is given a [`Stop`] and the number of its generation. The
//! old generation is joined before a new one starts (ENG-2), else two checkpointers could meet.

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

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
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
}
