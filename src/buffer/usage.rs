//! What this thread did with the pool: EXPLAIN (BUFFERS) and the statistics take differences of it.

use std::cell::Cell;

/// Pages found in the pool, read, first dirtied and written by this thread.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    pub hit: u64,
    pub read: u64,
    pub dirtied: u64,
    pub written: u64,
}

thread_local! {
    static USAGE: Cell<Usage> = const { Cell::new(Usage { hit: 0, read: 0, dirtied: 0, written: 0 }) };
}

/// This thread's counters since it started.
pub fn usage() -> Usage {
    USAGE.get()
}

impl Usage {
    /// What was added since `before` was taken on the same thread.
    pub fn since(self, before: Usage) -> Usage {
        Usage {
            hit: self.hit - before.hit,
            read: self.read - before.read,
            dirtied: self.dirtied - before.dirtied,
            written: self.written - before.written,
        }
    }
}

#[inline]
fn add(change: impl FnOnce(&mut Usage)) {
    let mut usage = USAGE.get();
    change(&mut usage);
    USAGE.set(usage);
}

#[inline]
pub(super) fn hit() {
    add(|u| u.hit += 1);
}

pub(super) fn unhit() {
    add(|u| u.hit = u.hit.saturating_sub(1));
}

pub(super) fn read(pages: u64) {
    add(|u| u.read += pages);
}

pub(super) fn dirtied() {
    add(|u| u.dirtied += 1);
}

pub(super) fn written(pages: u64) {
    add(|u| u.written += pages);
}
