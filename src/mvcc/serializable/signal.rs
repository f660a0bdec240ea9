//! What the graph tells a transaction, and it the graph, without the mutex.

use std::sync::atomic::{AtomicU8, Ordering};

/// Another transaction's check decided that this one must not commit.
pub(super) const DOOMED: u8 = 1;
/// No tracking is needed any more: a read-only transaction's snapshot turned out to be safe.
pub(super) const SAFE: u8 = 2;
/// A read-only transaction's snapshot is not safe and never will be.
pub(super) const UNSAFE: u8 = 4;
/// It is not in the graph any more.
pub(super) const OVER: u8 = 8;
/// It has written something that others may have read.
pub(super) const WROTE: u8 = 16;

#[derive(Debug, Default)]
pub(super) struct Signal(AtomicU8);

impl Signal {
    pub fn raise(&self, bit: u8) {
        self.0.fetch_or(bit, Ordering::AcqRel);
    }

    #[inline]
    pub fn has(&self, bits: u8) -> bool {
        self.0.load(Ordering::Acquire) & bits != 0
    }
}
