//! Makes asynchronous commits durable within three times `wal_writer_delay`, and keeps a segment ahead.

use super::supervise::{self, Title, Worker};
use super::{Context, Stop};
use crate::base::{Severity, report};
use crate::settings::{Id, Lookup};
use crate::stat::WalStats;
use std::thread::JoinHandle;
use std::time::Duration;

const TITLE: Title = Title { thread: "walwriter", backend_type: "walwriter" };

pub fn spawn(cx: &Context, _generation: u64, stop: &Stop) -> Option<JoinHandle<()>> {
    supervise::spawn(cx, stop, TITLE, run)
}

fn run(worker: &Worker) {
    let checkpoints = &worker.cx.checkpoints;
    let wal = &checkpoints.storage().wal;
    loop {
        let end = wal.insert_lsn();
        if end > wal.durable_lsn() {
            wal.flush(end);
            if let Err(e) = wal.preallocate() {
                // The writer that needs the segment will say so to its client.
                report::log(&e.severity(Severity::Log).0);
            }
            carry(worker);
        }
        let delay = checkpoints.settings().snapshot().int(Id::WalWriterDelay) as u64;
        if worker.stop.wait(Duration::from_millis(delay)) {
            return;
        }
    }
}

/// Takes the log's counters over into `pg_stat_wal`.
fn carry(worker: &Worker) {
    let now = worker.cx.checkpoints.storage().wal.stats();
    worker.cx.checkpoints.stats().update_wal(|s| {
        *s = WalStats {
            records: now.records as i64,
            full_page_images: now.full_page_images as i64,
            bytes: now.bytes as i64,
            buffers_full: now.buffers_full as i64,
            writes: now.writes as i64,
            syncs: now.syncs as i64,
            reset_us: s.reset_us,
            ..*s
        };
    });
}
