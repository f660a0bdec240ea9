//! From the buffer to the disk, and waking those who wait for it.
//!
//! One writer at a time holds the write mutex. A waiter never sleeps on it: it registers a waker and the
//! flusher thread serves all that are there with one fdatasync. A lone committer flushes by itself,
//! inline, which saves the hand-over (40-65 µs). Nobody waits for more committers to come.
//!
//! The lock order is: write, then insert or files. The waiters' mutex is taken alone.

use super::insert::Chunk;
use super::{Wal, segment};
use crate::base::{Error, Lsn, Report, Severity, SqlState, report};
use crate::disk::{File, access_error};
use parking_lot::{Condvar, Mutex};
use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

/// A disk that syncs more slowly than this is left to the flusher: other sessions share the committer's thread, and
/// beside such a sync the hand-over costs nothing.
const INLINE_SYNC: Duration = Duration::from_micros(500);

/// What the write mutex guards.
#[derive(Default)]
pub(super) struct Writer {
    segment: Option<(u64, Arc<dyn File>)>,
    /// Something was written to the open segment since its last sync.
    unsynced: bool,
}

/// Those who wait for their LSN, in its order.
#[derive(Default)]
pub(super) struct Waiters {
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Default)]
struct Queue {
    waiting: BTreeMap<(u64, u64), Waker>,
    ticket: u64,
    /// A flush up to here was asked for without waiting (walwriter's nudge).
    wanted: u64,
    /// How long to wait for others before the next flush (`commit_delay`).
    delay: Duration,
    stopped: bool,
}

impl Waiters {
    pub fn stop(&self) {
        self.queue.lock().stopped = true;
        self.work.notify_all();
    }

    /// Takes out everyone whose LSN is durable.
    fn take(&self, durable: u64) -> Vec<Waker> {
        let mut queue = self.queue.lock();
        if queue.waiting.is_empty() {
            return Vec::new();
        }
        let later = queue.waiting.split_off(&(durable + 1, 0));
        let now = std::mem::replace(&mut queue.waiting, later);
        now.into_values().collect()
    }
}

/// The thread that flushes for waiters. It ends when the log is dropped.
pub(super) fn spawn_flusher(wal: &Arc<Wal>) {
    let (waiters, wal) = (wal.waiters.clone(), Arc::downgrade(wal));
    let spawned = std::thread::Builder::new().name("wal flusher".into()).spawn(move || {
        let work = std::panic::AssertUnwindSafe(|| flusher(&waiters, &wal));
        if std::panic::catch_unwind(work).is_err() {
            report::panic(crate::err!(INTERNAL_ERROR, "the WAL flusher failed").0.as_ref().clone());
        }
    });
    if let Err(e) = spawned {
        panic_over(access_error("create the WAL flusher's thread", &e));
    }
}

fn flusher(waiters: &Waiters, wal: &Weak<Wal>) {
    loop {
        let delay = {
            let mut queue = waiters.queue.lock();
            while queue.waiting.is_empty() && queue.wanted == 0 && !queue.stopped {
                waiters.work.wait(&mut queue);
            }
            if queue.stopped {
                return;
            }
            queue.wanted = 0;
            std::mem::take(&mut queue.delay)
        };
        if !delay.is_zero() {
            std::thread::sleep(delay);
        }
        let Some(wal) = wal.upgrade() else { return };
        wal.flush_group();
    }
}

impl Wal {
    /// Returns when everything up to `lsn` is durable. Blocks the thread; any thread may call it.
    pub fn flush(&self, lsn: Lsn) {
        if !self.is_started() || self.durable.load(Ordering::Acquire) >= lsn.0 {
            return;
        }
        {
            let mut writer = self.write.lock();
            if self.durable.load(Ordering::Acquire) < lsn.0 {
                self.write_and_sync(&mut writer);
            }
        }
        self.wake();
        let durable = self.durable_lsn();
        if durable < lsn {
            // A page from the future: damaged, but nothing is lost by it here.
            let text = format!("xlog flush request {lsn} is not satisfied --- flushed only to {durable}");
            report::log(&Report::notice(Severity::Error, SqlState::INTERNAL_ERROR, text));
        }
    }

    /// Whether everything up to `lsn` is durable (or the log is not open for inserts, and nothing is owed).
    pub fn is_durable(&self, lsn: Lsn) -> bool {
        self.durable.load(Ordering::Acquire) >= lsn.0 || !self.is_started()
    }

    /// A lone committer's first step: true if `lsn` is durable on return. It flushes inline if nobody else is
    /// flushing and the disk was quick; otherwise the caller registers with `on_durable`.
    pub fn flush_alone(&self, lsn: Lsn) -> bool {
        if self.is_durable(lsn) {
            return true;
        }
        if self.disk_is_slow.load(Ordering::Relaxed) {
            return false;
        }
        {
            let Some(mut writer) = self.write.try_lock() else { return false };
            if self.durable.load(Ordering::Acquire) < lsn.0 {
                self.write_and_sync(&mut writer);
            }
        }
        self.wake();
        true
    }

    /// Has `waker` woken once when `lsn` is durable, or returns true if it is already (and keeps nothing).
    /// The queue's mutex is held over the check, so that no wake-up is lost. With a delay the flusher gives others that
    /// long to come before it flushes for all.
    pub fn on_durable(&self, lsn: Lsn, delay: Duration, waker: Waker) -> bool {
        let mut queue = self.waiters.queue.lock();
        if self.durable.load(Ordering::SeqCst) >= lsn.0 || !self.is_started() {
            return true;
        }
        queue.ticket += 1;
        let key = (lsn.0, queue.ticket);
        queue.waiting.insert(key, waker);
        queue.delay = queue.delay.max(delay);
        drop(queue);
        self.waiters.work.notify_one();
        false
    }

    /// Asks the flusher to flush what is there, without waiting.
    pub fn request_flush(&self) {
        self.waiters.queue.lock().wanted = 1;
        self.waiters.work.notify_one();
    }

    /// Gives everything inserted to the operating system, without fsync.
    pub fn write_out(&self) {
        let mut writer = self.write.lock();
        self.write_pending(&mut writer);
    }

    /// The flusher's step.
    fn flush_group(&self) {
        {
            let mut writer = self.write.lock();
            self.behind.store(false, Ordering::Relaxed);
            if self.durable.load(Ordering::Acquire) < self.inserted.load(Ordering::Acquire) {
                self.write_and_sync(&mut writer);
            }
        }
        self.wake();
    }

    /// Wakes those whose LSN is durable, in LSN order.
    fn wake(&self) {
        self.waiters.take(self.durable.load(Ordering::SeqCst)).into_iter().for_each(Waker::wake);
    }

    fn write_and_sync(&self, writer: &mut Writer) {
        let end = self.write_pending(writer);
        if writer.unsynced {
            self.sync_segment(writer);
        }
        self.durable.store(end, Ordering::SeqCst);
    }

    /// Writes all chunks out; returns the position they end at.
    fn write_pending(&self, writer: &mut Writer) -> u64 {
        let (chunks, end) = {
            let mut state = self.insert.lock();
            state.seal();
            (std::mem::take(&mut state.sealed), state.position)
        };
        let mut emptied: smallvec::SmallVec<[Vec<u8>; 4]> = smallvec::SmallVec::new();
        for chunk in chunks {
            self.write_chunk(writer, &chunk);
            emptied.push(chunk.bytes);
        }
        if !emptied.is_empty() {
            let mut state = self.insert.lock();
            emptied.into_iter().for_each(|bytes| state.reuse(bytes));
        }
        self.written.store(end, Ordering::Release);
        if let Some((number, _)) = &writer.segment
            && end / self.segment_bytes > *number
        {
            self.finish_segment(writer);
        }
        end
    }

    fn write_chunk(&self, writer: &mut Writer, chunk: &Chunk) {
        let (mut position, mut bytes) = (chunk.start, &chunk.bytes[..]);
        while !bytes.is_empty() {
            let (number, within) = (position / self.segment_bytes, position % self.segment_bytes);
            let (now, later) = bytes.split_at(bytes.len().min((self.segment_bytes - within) as usize));
            let file = self.switch_to(writer, number);
            let start = Instant::now();
            if let Err(e) = file.write_at(now, within) {
                let name = segment::file_name(self.timeline(), number, self.segment_bytes);
                let what = format!("write to log file {name} at offset {within}, length {}", now.len());
                panic_over(access_error(what, &e).place("XLogWrite", "xlog.c", 2251));
            }
            self.counters.wrote(start.elapsed());
            writer.unsynced = true;
            position += now.len() as u64;
            bytes = later;
        }
    }

    /// The file of a segment; leaving another one finishes that (WAL-1).
    fn switch_to(&self, writer: &mut Writer, number: u64) -> Arc<dyn File> {
        if let Some((open, file)) = &writer.segment
            && *open == number
        {
            return file.clone();
        }
        if writer.segment.is_some() {
            self.finish_segment(writer);
        }
        match self.open_segment(number) {
            Ok(file) => {
                writer.segment = Some((number, file.clone()));
                file
            }
            Err(e) => panic_over(e),
        }
    }

    /// Makes the open segment durable, closes it and hands it to the archiver.
    fn finish_segment(&self, writer: &mut Writer) {
        if writer.unsynced {
            self.sync_segment(writer);
        }
        if let Some((number, _)) = writer.segment.take()
            && let Err(e) = self.segment_finished(number)
        {
            report::log(&e.severity(Severity::Log).0);
        }
    }

    fn sync_segment(&self, writer: &mut Writer) {
        writer.unsynced = false;
        let Some((number, file)) = &writer.segment else { return };
        if !self.fsync.load(Ordering::Relaxed) {
            return;
        }
        let start = Instant::now();
        let done = if self.sync_metadata.load(Ordering::Relaxed) { file.sync_all() } else { file.sync() };
        if let Err(e) = done {
            let name = segment::file_name(self.timeline(), *number, self.segment_bytes);
            panic_over(access_error(format!("fdatasync file \"{name}\""), &e).place(
                "issue_xlog_fsync",
                "xlog.c",
                8097,
            ));
        }
        let took = start.elapsed();
        self.disk_is_slow.store(took > INLINE_SYNC, Ordering::Relaxed);
        self.counters.synced(took);
    }
}

/// WAL-5.
#[cold]
fn panic_over(e: Error) -> ! {
    report::panic(*e.0)
}
