//! The counters of `pg_stat_wal`.

use super::insert;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

/// A copy of the counters.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct WalStats {
    pub records: u64,
    pub full_page_images: u64,
    pub bytes: u64,
    /// Times a writer had to write out because the buffer was full.
    pub buffers_full: u64,
    pub writes: u64,
    pub syncs: u64,
    pub write_time_us: u64,
    pub sync_time_us: u64,
}

impl WalStats {
    /// What was added since.
    pub fn since(&self, before: &WalStats) -> WalStats {
        WalStats {
            records: self.records - before.records,
            full_page_images: self.full_page_images - before.full_page_images,
            bytes: self.bytes - before.bytes,
            buffers_full: self.buffers_full - before.buffers_full,
            writes: self.writes - before.writes,
            syncs: self.syncs - before.syncs,
            write_time_us: self.write_time_us - before.write_time_us,
            sync_time_us: self.sync_time_us - before.sync_time_us,
        }
    }
}

#[derive(Default)]
pub(super) struct Counters {
    pub buffers_full: AtomicU64,
    pub writes: AtomicU64,
    pub syncs: AtomicU64,
    pub write_time_us: AtomicU64,
    pub sync_time_us: AtomicU64,
    /// Whether times are counted at all.
    pub timed: AtomicBool,
}

impl Counters {
    pub fn wrote(&self, took: Duration) {
        self.writes.fetch_add(1, Ordering::Relaxed);
        self.add(&self.write_time_us, took);
    }

    pub fn synced(&self, took: Duration) {
        self.syncs.fetch_add(1, Ordering::Relaxed);
        self.add(&self.sync_time_us, took);
    }

    fn add(&self, to: &AtomicU64, took: Duration) {
        if self.timed.load(Ordering::Relaxed) {
            to.fetch_add(took.as_micros() as u64, Ordering::Relaxed);
        }
    }

    pub fn snapshot(&self, state: &insert::State) -> WalStats {
        let get = |c: &AtomicU64| c.load(Ordering::Relaxed);
        WalStats {
            records: state.records,
            full_page_images: state.images,
            bytes: state.bytes,
            buffers_full: get(&self.buffers_full),
            writes: get(&self.writes),
            syncs: get(&self.syncs),
            write_time_us: get(&self.write_time_us),
            sync_time_us: get(&self.sync_time_us),
        }
    }
}
