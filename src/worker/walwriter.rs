//! Makes asynchronous commits durable within three times `wal_writer_delay`, and keeps a segment ahead.

use super::supervise::{self, Title, Worker};
use super::{Context, Stop};
use crate::base::{Severity, report};
use crate::settings::{Id, Lookup};
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
    let new = worker.cx.checkpoints.storage().wal.new_stats();
    worker.cx.checkpoints.stats().update_wal(|s| {
        s.records += new.records as i64;
        s.full_page_images += new.full_page_images as i64;
        s.bytes += new.bytes as i64;
        s.buffers_full += new.buffers_full as i64;
        s.writes += new.writes as i64;
        s.syncs += new.syncs as i64;
        s.write_us += new.write_time_us as i64;
        s.sync_us += new.sync_time_us as i64;
    });
}
