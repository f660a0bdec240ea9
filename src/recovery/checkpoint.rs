//! How a checkpoint is made.
//!
//! PostgreSQL 15, xlog.c, CreateCheckPoint: same steps. 1. The redo position is set: from here on, first
//! changes of pages carry images. 2. Everything dirty is written, spread over time, and synced. 3. The
//! checkpoint record is written and flushed. 4. The control file names it (REC-1). 5. Old segments go.

use super::distance::{self, Bounds, Distance};
use super::log_time::millis;
use super::request::{Board, CheckpointFlags, Outcome};
use crate::base::{Error, Lsn, Report, Result, Severity, SqlState, Xid, report};
use crate::buffer::Which;
use crate::mvcc::serializable::Limits;
use crate::settings::{Global, Id, Lookup, Snapshot};
use crate::stat::Stats;
use crate::storage::Storage;
use crate::wal::record::xlog;
use crate::wal::{CheckPoint, Control, DbState, Need, Record, Rmgr, checkpoint_segments, control};
use parking_lot::Mutex;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Everything about checkpoints that one engine shares: requests, the control file, estimates.
pub struct Checkpoints {
    storage: Arc<Storage>,
    control: Arc<Control>,
    settings: Arc<Global>,
    stats: Arc<Stats>,
    pub board: Board,
    /// The checkpointer must leave: a spread checkpoint is broken off.
    abandon: AtomicBool,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    distance: Distance,
    /// End of the last checkpoint's record, to see whether anything was logged since.
    last_end: Lsn,
}

/// What happened, for the log line and the counters.
#[derive(Default)]
struct Facts {
    buffers: usize,
    added: u32,
    removal: crate::wal::segment::Removal,
    write: Duration,
    sync: Duration,
    sync_files: u32,
    longest: Duration,
    sync_total: Duration,
}

impl Checkpoints {
    pub fn new(
        storage: Arc<Storage>,
        control: Arc<Control>,
        settings: Arc<Global>,
        stats: Arc<Stats>,
    ) -> Arc<Checkpoints> {
        Arc::new(Checkpoints {
            storage,
            control,
            settings,
            stats,
            board: Board::default(),
            abandon: AtomicBool::new(false),
            state: Mutex::default(),
        })
    }

    pub fn storage(&self) -> &Arc<Storage> {
        &self.storage
    }

    pub fn control(&self) -> &Arc<Control> {
        &self.control
    }

    pub fn settings(&self) -> &Arc<Global> {
        &self.settings
    }

    pub fn stats(&self) -> &Arc<Stats> {
        &self.stats
    }

    /// Blocks until a checkpointer runs, at most for `limit`.
    pub fn await_checkpointer(&self, limit: std::time::Duration) {
        self.board.await_server(limit);
    }

    /// The `CHECKPOINT` command: asks for one; the number is for `Wait::Checkpoint` and [`poll`](Self::poll).
    ///
    /// # Errors
    /// XX000 `could not signal for checkpoint: No such process` when no checkpointer runs.
    pub fn request(&self, flags: CheckpointFlags) -> Result<u64> {
        self.board.request(flags)
    }

    /// The outcome of a requested checkpoint, or None and `waker` will be woken at its end.
    pub fn poll(&self, number: u64, waker: &Waker) -> Option<Outcome> {
        self.board.poll(number, waker)
    }

    /// Makes the checkpointer break its checkpoint off and look up; `false` lets the next one work again.
    pub fn set_abandon(&self, on: bool) {
        self.abandon.store(on, Ordering::SeqCst);
        if on {
            self.board.nudge();
        }
    }

    pub fn is_abandoned(&self) -> bool {
        self.abandon.load(Ordering::SeqCst)
    }

    /// Takes over what a reload of the settings changed, here and in the log and the files below.
    pub fn apply_settings(&self) {
        let settings = self.settings.snapshot();
        self.storage.wal.apply_settings(&*settings);
        self.storage.mvcc.serializable.set_limits(Limits::from_settings(&*settings));
        self.storage.pool.relations().set_fsync(settings.bool(Id::Fsync));
        self.board.nudge();
    }

    /// Has the checkpointer make one and waits for it, blocking; without a checkpointer makes it here
    /// (initdb, tests).
    pub fn perform_or_ask(&self, flags: CheckpointFlags) -> Result<()> {
        match self.board.request(flags | CheckpointFlags::WAIT) {
            Ok(number) => self.board.wait(number).into_result(),
            Err(_) => self.perform(flags | CheckpointFlags::WAIT),
        }
    }

    /// Makes a checkpoint now, on this thread. The checkpointer alone calls it while it runs.
    ///
    /// # Errors
    /// Of severity PANIC where data may be lost (the caller must not go on), else of severity ERROR: the
    /// checkpoint failed, the old one stays in force.
    pub fn perform(&self, flags: CheckpointFlags) -> Result<()> {
        let log = self.settings.snapshot().bool(Id::LogCheckpoints);
        self.make(flags, log)
    }

    /// As [`perform`](Self::perform), without lines in the log (initdb).
    pub fn perform_quietly(&self, flags: CheckpointFlags) -> Result<()> {
        self.make(flags, false)
    }

    fn make(&self, flags: CheckpointFlags, log: bool) -> Result<()> {
        let settings = self.settings.snapshot();
        let (start, shutdown) = (Instant::now(), flags.has(CheckpointFlags::SHUTDOWN));
        let at_end = shutdown || flags.has(CheckpointFlags::END_OF_RECOVERY);
        if at_end {
            self.control.update(|c| c.state = DbState::Shutdowning)?;
        }
        if !at_end && !flags.has(CheckpointFlags::FORCE) && self.nothing_logged() {
            return Ok(());
        }
        let redo = {
            // No commit may lie before the redo position in the log but behind it in the commit log.
            let _gate = self.storage.mvcc.checkpoint_gate();
            self.storage.wal.begin_checkpoint()
        };
        if log {
            crate::log!("checkpoint starting:{}", flags.words());
        }
        let mut checkpoint = self.describe(redo, at_end, &settings);
        let mut facts = self.write_everything(redo, flags, &settings, start)?;
        let at = self.log_checkpoint(&mut checkpoint, at_end)?;
        let previous = self.control.get().checkpoint_copy.redo;
        self.control.update(|c| {
            c.checkpoint = at;
            c.checkpoint_copy = checkpoint.clone();
            if at_end {
                c.state = DbState::Shutdowned;
            }
        })?;
        let distance = self.update_distance(previous, redo);
        self.tidy_segments(redo, &distance, &settings, &mut facts);
        self.count(&facts);
        if log {
            self.log_completion(&facts, start.elapsed(), &distance);
        }
        Ok(())
    }

    fn nothing_logged(&self) -> bool {
        let last = self.state.lock().last_end;
        last.is_valid() && self.storage.wal.insert_lsn() == last
    }

    fn describe(&self, redo: Lsn, exact_oid: bool, settings: &Snapshot) -> CheckPoint {
        let mvcc = &self.storage.mvcc;
        CheckPoint {
            redo,
            timeline: self.storage.wal.timeline(),
            previous_timeline: self.storage.wal.timeline(),
            full_page_writes: settings.bool(Id::FullPageWrites),
            next_xid: mvcc.next_xid(),
            next_oid: self.storage.wal.oid_for_checkpoint(exact_oid),
            oldest_xid: mvcc.clog().oldest(),
            oldest_active_xid: if exact_oid { Xid::INVALID } else { mvcc.oldest_in_ring() },
            time: control::now_s(),
            ..CheckPoint::default()
        }
    }

    /// Step 2. Pages first, so that the time goes where it is spread; then the small things; then fsync.
    fn write_everything(
        &self,
        redo: Lsn,
        flags: CheckpointFlags,
        settings: &Snapshot,
        start: Instant,
    ) -> Result<Facts> {
        let at_end = CheckpointFlags::SHUTDOWN | CheckpointFlags::END_OF_RECOVERY;
        let all = at_end | CheckpointFlags::FLUSH_ALL;
        let which = if flags.has(all) { Which::All } else { Which::Permanent };
        let schedule = Schedule::new(self, settings, start);
        let hurried = at_end | CheckpointFlags::IMMEDIATE;
        let mut pace = |done: usize, total: usize| {
            if !flags.has(at_end) && self.abandon.load(Ordering::Relaxed) {
                return ControlFlow::Break(());
            }
            if !flags.has(hurried) && !self.board.must_hurry() && schedule.is_ahead(done, total) {
                self.board.pause(Duration::from_millis(100));
            }
            ControlFlow::Continue(())
        };
        let write_start = Instant::now();
        let buffers = self.storage.pool.checkpoint_write(which, &mut pace)?;
        if !flags.has(at_end) && self.abandon.load(Ordering::Relaxed) {
            return Err(Error::internal("checkpoint abandoned"));
        }
        if flags.has(CheckpointFlags::SHUTDOWN) {
            self.storage.pool.trim_files()?;
        }
        let write = write_start.elapsed();
        let sync_start = Instant::now();
        let synced = self.storage.pool.sync()?;
        let sync = sync_start.elapsed();
        let clog = self.storage.mvcc.clog().flush()?;
        let wal = &self.storage.wal;
        self.storage.twophase.checkpoint(redo, |lsn| wal.flush(lsn))?;
        Ok(Facts {
            buffers: buffers + clog,
            write,
            sync,
            sync_files: synced.files,
            longest: synced.longest,
            sync_total: synced.total,
            ..Facts::default()
        })
    }

    /// Step 3; returns where the record starts.
    fn log_checkpoint(&self, checkpoint: &mut CheckPoint, at_end: bool) -> Result<Lsn> {
        let wal = &self.storage.wal;
        if !at_end {
            // Later than at the start, since ids given out meanwhile are covered then, too.
            checkpoint.next_xid = self.storage.mvcc.next_xid();
            checkpoint.oldest_xid = self.storage.mvcc.clog().oldest();
            checkpoint.next_oid = wal.oid_for_checkpoint(false);
        }
        self.storage.mvcc.clog().cover(checkpoint.next_xid)?;
        let data = checkpoint.encode();
        wal.reserve_for(Record::max_bytes(0, data.len()), Need::Checkpoint).map_err(crate::base::Stop::into_error)?;
        let info = if at_end { xlog::CHECKPOINT_SHUTDOWN } else { xlog::CHECKPOINT_ONLINE };
        let record = Record { rmgr: Rmgr::Xlog, info, xid: Xid::INVALID, blocks: &[], data: &[&data] };
        let at = wal.insert(&record);
        wal.flush(at.end);
        if at_end && at.start != checkpoint.redo {
            let text = "concurrent write-ahead log activity while database system is shutting down";
            return Err(Error::new(SqlState::INTERNAL_ERROR, text).severity(Severity::Panic));
        }
        self.state.lock().last_end = at.end;
        Ok(at.start)
    }

    fn update_distance(&self, previous: Lsn, redo: Lsn) -> Distance {
        let mut state = self.state.lock();
        if previous.is_valid() {
            state.distance.update(redo.0 - previous.0);
        }
        state.distance
    }

    /// Step 5. A failure here costs disk space, not data: it is told and the checkpoint stands.
    fn tidy_segments(&self, redo: Lsn, distance: &Distance, settings: &Snapshot, facts: &mut Facts) {
        let wal = &self.storage.wal;
        let bytes = wal.segment_bytes();
        let bounds = Bounds {
            min_segments: settings.int(Id::MinWalSize) as u64 * (1 << 20) / bytes,
            max_segments: settings.int(Id::MaxWalSize) as u64 * (1 << 20) / bytes,
            keep_segments: settings.int(Id::WalKeepSize) as u64 * (1 << 20) / bytes,
            completion_target: settings.real(Id::CheckpointCompletionTarget),
        };
        let from = distance::keep_from(redo.0, wal.insert_lsn().0, &bounds, bytes);
        let to = distance::recycle_to(redo.0, distance, &bounds, bytes);
        let complain = |e: Error| report::log(&e.severity(Severity::Log).0);
        match wal.remove_old_segments(from, to, settings.bool(Id::WalRecycle)) {
            Ok(removal) => facts.removal = removal,
            Err(e) => complain(e),
        }
        match wal.preallocate() {
            Ok(made) => facts.added = made as u32,
            Err(e) => complain(e),
        }
    }

    fn count(&self, facts: &Facts) {
        self.stats.update_bgwriter(|s| {
            s.checkpoint_write_us += facts.write.as_micros() as i64;
            s.checkpoint_sync_us += facts.sync.as_micros() as i64;
            s.buffers_checkpoint += facts.buffers as i64;
        });
    }

    fn log_completion(&self, facts: &Facts, total: Duration, distance: &Distance) {
        let frames = self.storage.pool.frame_count().max(1) as f64;
        let average = facts.sync_total / facts.sync_files.max(1);
        crate::log!(
            "checkpoint complete: wrote {} buffers ({:.1}%); {} WAL file(s) added, {} removed, {} recycled; \
             write={} s, sync={} s, total={} s; sync files={}, longest={} s, average={} s; \
             distance={} kB, estimate={} kB",
            facts.buffers,
            facts.buffers as f64 * 100.0 / frames,
            facts.added,
            facts.removal.removed,
            facts.removal.recycled,
            millis(facts.write),
            millis(facts.sync),
            millis(total),
            facts.sync_files,
            millis(facts.longest),
            millis(average),
            distance.last / 1024,
            distance.estimate as u64 / 1024,
        );
    }
}

/// How fast a spread checkpoint may go (PostgreSQL 15, checkpointer.c, IsCheckpointOnSchedule).
struct Schedule<'a> {
    checkpoints: &'a Checkpoints,
    start: Instant,
    start_lsn: u64,
    target: f64,
    timeout: f64,
    /// Bytes of log between two checkpoints by volume.
    volume: f64,
}

impl<'a> Schedule<'a> {
    fn new(checkpoints: &'a Checkpoints, settings: &Snapshot, start: Instant) -> Schedule<'a> {
        let wal = &checkpoints.storage.wal;
        Schedule {
            checkpoints,
            start,
            start_lsn: wal.insert_lsn().0,
            target: settings.real(Id::CheckpointCompletionTarget),
            timeout: settings.int(Id::CheckpointTimeout) as f64,
            volume: checkpoint_segments(settings, wal.segment_bytes()) as f64 * wal.segment_bytes() as f64,
        }
    }

    /// Whether so much is done that a pause does no harm.
    fn is_ahead(&self, done: usize, total: usize) -> bool {
        let progress = done as f64 / total.max(1) as f64 * self.target;
        let logged = (self.checkpoints.storage.wal.insert_lsn().0 - self.start_lsn) as f64;
        progress >= logged / self.volume && progress >= self.start.elapsed().as_secs_f64() / self.timeout
    }
}

/// `checkpoints are occurring too frequently`, when one by volume follows another too soon.
pub fn warn_if_too_frequent(settings: &Snapshot, flags: CheckpointFlags, since_last: Duration) {
    let seconds = since_last.as_secs() as i64;
    if !flags.has(CheckpointFlags::CAUSE_WAL) || seconds >= settings.int(Id::CheckpointWarning) {
        return;
    }
    let unit = if seconds == 1 { "second" } else { "seconds" };
    let text = format!("checkpoints are occurring too frequently ({seconds} {unit} apart)");
    let line = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
    report::log(&line.with_hint("Consider increasing the configuration parameter \"max_wal_size\"."));
}
