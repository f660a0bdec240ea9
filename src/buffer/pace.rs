//! Work that leaves the disk to others: VACUUM and ANALYZE pause when what they did with pages has cost enough.
//!
//! PostgreSQL 15, vacuum.c, vacuum_delay_point: same sums. What a page costs depends on what this thread's counters say
//! of it, so a pace belongs to one thread at a time; who moves on takes it along.

use super::usage::{Usage, usage};
use crate::base::{Interrupts, Result};
use crate::stat::ActivitySlot;
use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A pause is at most so many times as long as was asked for.
const LONGEST: f64 = 4.0;

/// What pages cost, and when a pause is due.
#[derive(Clone, Copy, Debug)]
pub struct Cost {
    /// `vacuum_cost_page_hit`, `_miss`, `_dirty`.
    pub hit: u64,
    pub miss: u64,
    pub dirty: u64,
    /// `vacuum_cost_limit`.
    pub limit: u64,
    /// `vacuum_cost_delay`; zero: no pauses.
    pub delay: Duration,
}

impl Cost {
    fn of(&self, used: Usage) -> u64 {
        used.hit * self.hit + used.read * self.miss + used.dirtied * self.dirty
    }

    /// How long to pause for what has been spent.
    fn pause(&self, spent: u64, limit: u64) -> Option<Duration> {
        (spent >= limit).then(|| self.delay.mul_f64((spent as f64 / limit.max(1) as f64).min(LONGEST)))
    }
}

/// Workers that share one limit among them.
#[derive(Default, Debug)]
pub struct Shared(AtomicU64);

/// One piece of work with its costs so far.
pub struct Pace {
    cost: Cost,
    spent: u64,
    counted: Usage,
    shared: Option<Arc<Shared>>,
    interrupts: Arc<Interrupts>,
    activity: Arc<ActivitySlot>,
}

impl Pace {
    /// None if there is nothing to wait for. `shared`: with whom the limit is divided.
    pub fn new(
        cost: Cost,
        shared: Option<Arc<Shared>>,
        interrupts: Arc<Interrupts>,
        activity: Arc<ActivitySlot>,
    ) -> Option<Pace> {
        if cost.delay.is_zero() {
            return None;
        }
        if let Some(shared) = &shared {
            shared.0.fetch_add(1, Ordering::Relaxed);
        }
        Some(Pace { cost, spent: 0, counted: usage(), shared, interrupts, activity })
    }

    /// Adds what was used since the last time; how long to pause for it.
    fn due(&mut self) -> Option<Duration> {
        let now = usage();
        self.spent += self.cost.of(now.since(self.counted));
        self.counted = now;
        let sharers = self.shared.as_ref().map_or(1, |s| s.0.load(Ordering::Relaxed).max(1));
        let pause = self.cost.pause(self.spent, (self.cost.limit / sharers).max(1))?;
        self.spent = 0;
        Some(pause)
    }
}

impl Drop for Pace {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.0.fetch_sub(1, Ordering::Relaxed);
        }
    }
}

thread_local! {
    static PACE: RefCell<Option<Pace>> = const { RefCell::new(None) };
}

/// Runs work at this pace, which the caller keeps for the next piece.
pub fn during<T>(pace: &mut Option<Pace>, work: impl FnOnce() -> T) -> T {
    struct Back<'a>(&'a mut Option<Pace>);
    impl Drop for Back<'_> {
        fn drop(&mut self) {
            *self.0 = PACE.take();
        }
    }
    if let Some(p) = pace {
        // Another thread may have run the piece before.
        p.counted = usage();
    }
    PACE.set(pace.take());
    let _back = Back(pace);
    work()
}

/// Between two pages, with no latch held: pauses if it is time to.
///
/// # Errors
/// That of an interrupt.
pub fn point() -> Result<()> {
    let due = PACE.with_borrow_mut(|p| {
        let pace = p.as_mut()?;
        let pause = pace.due()?;
        Some((pause, pace.activity.clone(), pace.interrupts.clone()))
    });
    let Some((pause, activity, interrupts)) = due else { return Ok(()) };
    activity.wait_event(Some(("Timeout", "VacuumDelay")));
    std::thread::sleep(pause);
    activity.wait_event(None);
    interrupts.check()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Nothing before the limit; then as long as it was passed by, but not for ever.
    #[test]
    fn pauses() {
        let cost = Cost { hit: 1, miss: 2, dirty: 20, limit: 200, delay: Duration::from_millis(10) };
        assert_eq!(cost.of(Usage { hit: 3, read: 4, dirtied: 5, written: 9 }), 3 + 8 + 100);
        assert_eq!(cost.pause(199, 200), None);
        assert_eq!(cost.pause(300, 200), Some(Duration::from_millis(15)));
        assert_eq!(cost.pause(300, 100), Some(Duration::from_millis(30)));
        assert_eq!(cost.pause(9000, 200), Some(Duration::from_millis(40)));
    }
}
