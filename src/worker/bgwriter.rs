//! Writes pages that are about to be evicted, so that sessions find clean frames; carries the pool's and
//! the log's figures to the cumulative statistics.

use super::supervise::{self, Title, Worker};
use super::{Context, Stop};
use crate::base::{Severity, report};
use crate::buffer::Written;
use crate::settings::{Id, Lookup};
use std::thread::JoinHandle;
use std::time::Duration;

const TITLE: Title = Title { thread: "bgwriter", backend_type: "background writer" };
/// An idle pool is looked at this much less often.
const HIBERNATE: u32 = 50;

pub fn spawn(cx: &Context, _generation: u64, stop: &Stop) -> Option<JoinHandle<()>> {
    supervise::spawn(cx, stop, TITLE, run)
}

fn run(worker: &Worker) {
    let checkpoints = &worker.cx.checkpoints;
    let pool = &checkpoints.storage().pool;
    let mut before = pool.written();
    loop {
        let settings = checkpoints.settings().snapshot();
        let max = settings.int(Id::BgwriterLruMaxpages) as usize;
        let mut written = 0;
        if max > 0 {
            match pool.bgwriter_round(max) {
                Ok(n) => written = n,
                Err(e) => report::log(&e.severity(Severity::Error).0),
            }
        }
        let now = pool.written();
        let idle = written == 0 && now.allocated == before.allocated;
        carry(worker, before, now);
        before = now;
        let delay = Duration::from_millis(settings.int(Id::BgwriterDelay) as u64);
        if worker.stop.wait(if idle { (delay * HIBERNATE).min(Duration::from_secs(10)) } else { delay }) {
            carry(worker, before, pool.written());
            return;
        }
    }
}

fn carry(worker: &Worker, before: Written, now: Written) {
    worker.cx.checkpoints.stats().update_bgwriter(|s| {
        s.buffers_clean += (now.bgwriter - before.bgwriter) as i64;
        s.maxwritten_clean += (now.bgwriter_maxed - before.bgwriter_maxed) as i64;
        s.buffers_backend += (now.backend - before.backend) as i64;
        s.buffers_alloc += (now.allocated - before.allocated) as i64;
    });
}
