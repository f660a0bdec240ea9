//! The word to end, shared by all workers of a generation.

use parking_lot::{Condvar, Mutex};
use std::sync::Arc;
use std::time::Duration;

/// Set once; whoever sleeps on it wakes up, and everything hung on it is called.
#[derive(Clone, Default)]
pub struct Stop(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    set: bool,
    calls: Vec<Box<dyn Fn() + Send>>,
}

impl Stop {
    pub fn is_set(&self) -> bool {
        self.0.state.lock().set
    }

    pub fn set(&self) {
        let calls = {
            let mut state = self.0.state.lock();
            state.set = true;
            std::mem::take(&mut state.calls)
        };
        self.0.changed.notify_all();
        calls.iter().for_each(|call| call());
    }

    /// Sleeps so long, or until the stop; returns whether it is set.
    pub fn wait(&self, limit: Duration) -> bool {
        let mut state = self.0.state.lock();
        if !state.set {
            self.0.changed.wait_for(&mut state, limit);
        }
        state.set
    }

    /// Calls `call` when the stop is set, or now if it is.
    pub fn when_set(&self, call: impl Fn() + Send + 'static) {
        let mut state = self.0.state.lock();
        if state.set {
            drop(state);
            call();
        } else {
            state.calls.push(Box::new(call));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// Sleepers wake at once and every call is made exactly once, also those hung on too late.
    #[test]
    fn everybody_hears_it() {
        let (stop, calls) = (Stop::default(), Arc::new(AtomicU32::new(0)));
        let count = |stop: &Stop| {
            let calls = calls.clone();
            stop.when_set(move || {
                calls.fetch_add(1, Ordering::SeqCst);
            });
        };
        count(&stop);
        let sleeper = {
            let stop = stop.clone();
            std::thread::spawn(move || stop.wait(Duration::from_secs(60)))
        };
        stop.set();
        stop.set();
        count(&stop);
        assert!(sleeper.join().unwrap() && stop.is_set());
        assert_eq!(calls.load(Ordering::SeqCst), 2);
    }
}
