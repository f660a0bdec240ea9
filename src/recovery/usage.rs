//! What this thread has used, as in `system usage: CPU: user: 0.00 s, system: 0.00 s, elapsed: 0.00 s`.

use super::log_time::centis;
use crate::process::small_file;
use std::time::{Duration, Instant};

/// A start to measure from.
pub struct Usage {
    start: Instant,
    cpu: (Duration, Duration),
}

impl Usage {
    pub fn now() -> Usage {
        Usage { start: Instant::now(), cpu: thread_times() }
    }

    pub fn elapsed(&self) -> Duration {
        self.start.elapsed()
    }
}

impl std::fmt::Display for Usage {
    /// PostgreSQL 15, pg_rusage.c, pg_rusage_show: same shape.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (user, system) = thread_times();
        let (user, system) = (user.saturating_sub(self.cpu.0), system.saturating_sub(self.cpu.1));
        let elapsed = self.elapsed();
        write!(f, "CPU: user: {} s, system: {} s, elapsed: {} s", centis(user), centis(system), centis(elapsed))
    }
}

/// What pieces of work have used that may run on different threads.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cpu {
    pub user: Duration,
    pub system: Duration,
}

impl Cpu {
    /// Adds what `work` uses on this thread.
    pub fn during<T>(&mut self, work: impl FnOnce() -> T) -> T {
        let before = thread_times();
        let done = work();
        let after = thread_times();
        self.user += after.0.saturating_sub(before.0);
        self.system += after.1.saturating_sub(before.1);
        done
    }

    /// With the time that has passed (PostgreSQL 15, pg_rusage.c, pg_rusage_show: same shape).
    pub fn show(&self, elapsed: Duration) -> String {
        let (user, system) = (centis(self.user), centis(self.system));
        format!("CPU: user: {user} s, system: {system} s, elapsed: {} s", centis(elapsed))
    }
}

/// User and system time of this thread, to 10 ms; zero where /proc does not tell.
fn thread_times() -> (Duration, Duration) {
    let Ok(stat) = small_file::read("/proc/thread-self/stat") else { return Default::default() };
    let text = String::from_utf8_lossy(&stat);
    // Behind the name, which may hold blanks: state is field 3, utime 14, stime 15.
    let after = text.rsplit(')').next().unwrap_or("");
    let ticks = |n: usize| after.split_ascii_whitespace().nth(n).and_then(|t| t.parse().ok()).unwrap_or(0u64);
    (Duration::from_millis(ticks(11) * 10), Duration::from_millis(ticks(12) * 10))
}
