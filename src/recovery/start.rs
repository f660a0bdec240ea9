//! The startup sequence.
//!
//! PostgreSQL 15, xlog.c, StartupXLOG, and xlogrecovery.c, PerformWalRecovery: same order, same lines.

use super::checkpoint::Checkpoints;
use super::log_time::{self, centis};
use super::redo::{checkpoint_of, redo_record};
use super::request::CheckpointFlags;
use super::unlogged::{self, Reset};
use super::usage::Usage;
use crate::base::{Error, Lsn, Oid, Report, Result, Severity, SqlState, Xid, report};
use crate::disk::{Disk, access_error, tablespace};
use crate::mvcc::serializable::Limits;
use crate::settings::{Id, Lookup};
use crate::storage::{RedoContext, Storage};
use crate::wal::{CheckPoint, ControlFile, DbState, Reader, StartAt, archive, segment};
use crate::xact;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How far recovery is, for the 57P03 DETAIL, the process title and `pg_ctl status`.
#[derive(Default)]
pub struct Progress {
    redo_from: AtomicU64,
    redo_at: AtomicU64,
    /// Set by a fast shutdown: redo stops before the next record.
    stop: std::sync::atomic::AtomicBool,
}

impl Progress {
    /// Where redo started and where it is; None before and after redo.
    pub fn redo(&self) -> Option<(Lsn, Lsn)> {
        let at = self.redo_at.load(Ordering::Relaxed);
        (at > 0).then(|| (Lsn(self.redo_from.load(Ordering::Relaxed)), Lsn(at)))
    }

    /// Asks redo to stop (fast shutdown during recovery).
    pub fn stop(&self) {
        self.stop.store(true, Ordering::SeqCst);
    }

    pub fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }
}

/// Brings the data directory to a consistent state and opens the log for inserts. True if there was
/// anything to recover from (then cumulative statistics must be thrown away).
///
/// # Errors
/// FATAL or PANIC: the engine cannot start. 57P01 if `progress.stop()` was called meanwhile.
pub fn start_up(storage: &Storage, checkpoints: &Checkpoints, progress: &Progress) -> Result<bool> {
    let disk = &*storage.disk;
    let settings = checkpoints.settings().snapshot();
    let control = checkpoints.control().get();
    report_state(&control, &settings.str(Id::LogTimezone))?;
    segment::check_directories(disk)?;
    segment::remove_temporaries(disk)?;
    remove_temporary_files(disk);
    let clean = matches!(control.state, DbState::Shutdowned | DbState::ShutdownedInRecovery);
    let interval = Duration::from_millis(settings.int(Id::LogStartupProgressInterval) as u64);
    if !clean && settings.bool(Id::Fsync) {
        match settings.choice(Id::RecoveryInitSyncMethod) {
            "syncfs" => sync_file_systems(disk, interval),
            _ => sync_directory(disk, interval)?,
        }
    }
    let (checkpoint, after, was_shutdown) = read_checkpoint(storage, &control)?;
    storage.wal.set_next_oid(checkpoint.next_oid);
    storage.mvcc.redo_seen(crate::base::Xid(checkpoint.next_xid.0 - 1));
    storage.mvcc.clog().note_oldest(checkpoint.oldest_xid);
    let recovering = checkpoint.redo < control.checkpoint || control.state != DbState::Shutdowned || !was_shutdown;
    storage.mvcc.clog().look_for_files(checkpoint.next_xid, recovering)?;
    storage.twophase.load(checkpoint.next_xid, storage.mvcc.clog())?;
    if !recovering {
        open_log(storage, checkpoints, &checkpoint, after)?;
        end_recovery(storage)?;
        checkpoints.control().update(|c| c.state = DbState::InProduction)?;
        return Ok(false);
    }
    crate::log!("database system was not properly shut down; automatic recovery in progress");
    checkpoints.control().update(|c| c.state = DbState::InCrashRecovery)?;
    unlogged::reset(disk, Reset::Cleanup)?;
    let end = replay(storage, &control, &checkpoint, after, progress, interval)?;
    storage.mvcc.clog().check_missing()?;
    open_log(storage, checkpoints, &checkpoint, end)?;
    storage.pool.flush_init_forks()?;
    storage.pool.forget_unlogged(&unlogged::relations(disk)?);
    unlogged::reset(disk, Reset::Init)?;
    end_recovery(storage)?;
    checkpoints.perform_or_ask(CheckpointFlags::END_OF_RECOVERY | CheckpointFlags::IMMEDIATE)?;
    checkpoints.control().update(|c| c.state = DbState::InProduction)?;
    Ok(true)
}

/// Who did not end is aborted, except prepared transactions, which hold again what they held.
fn end_recovery(storage: &Storage) -> Result<()> {
    let states = storage.twophase.states();
    let running: Vec<(Xid, Oid)> = states.iter().flat_map(|s| s.ids().map(|xid| (xid, s.database))).collect();
    storage.mvcc.recovery_finished(&running)?;
    xact::recover_prepared(storage)
}

fn report_state(control: &ControlFile, zone: &str) -> Result<()> {
    let at = log_time::format(control.time, zone);
    match control.state {
        DbState::Shutdowned => crate::log!("database system was shut down at {at}"),
        DbState::ShutdownedInRecovery => crate::log!("database system was shut down in recovery at {at}"),
        DbState::Shutdowning => crate::log!("database system shutdown was interrupted; last known up at {at}"),
        DbState::InCrashRecovery => {
            let text = format!("database system was interrupted while in recovery at {at}");
            let hint = "This probably means that some data is corrupted and you will have to use the last backup for \
                        recovery.";
            let line = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
            report::log(&line.with_hint(hint));
        }
        DbState::InArchiveRecovery => {
            crate::log!("database system was interrupted while in recovery at log time {at}");
        }
        DbState::InProduction => crate::log!("database system was interrupted; last known up at {at}"),
        DbState::Startup => {
            let text = "control file contains invalid database cluster state";
            return Err(Error::new(SqlState::DATA_CORRUPTED, text).severity(Severity::Fatal));
        }
    }
    Ok(())
}

/// After a crash of the engine alone, pages written but not synced are in the kernel's cache and look
/// fine to redo, which would leave them unsynced for ever (PostgreSQL 15, fd.c, SyncDataDirectory).
/// Makes the file systems durable that the directory and its tablespaces lie on. What fails is told and not more
/// (PostgreSQL 15, fd.c, do_syncfs: same rule).
fn sync_file_systems(disk: &dyn Disk, interval: Duration) {
    let mut ticker = Ticker::new(interval);
    let spaces = disk.list("pg_tblspc").unwrap_or_default();
    let spaces = spaces.into_iter().map(|e| format!("pg_tblspc/{}", e.name));
    let log = disk.read_link("pg_wal").ok().flatten().map(|_| "pg_wal".to_owned());
    for path in std::iter::once(".".to_owned()).chain(spaces).chain(log) {
        if let Some(elapsed) = ticker.due() {
            crate::log!("syncing data directory (syncfs), elapsed time: {} s, current path: {path}", centis(elapsed));
        }
        if let Err(e) = disk.sync_file_system(&path) {
            let failed = access_error(format!("synchronize file system for file \"{path}\""), &e);
            crate::base::report::log(&failed.severity(Severity::Log).0);
        }
    }
}

fn sync_directory(disk: &dyn Disk, interval: Duration) -> Result<()> {
    let mut ticker = Ticker::new(interval);
    sync_tree(disk, ".", &mut ticker)
}

fn sync_tree(disk: &dyn Disk, dir: &str, ticker: &mut Ticker) -> Result<()> {
    let Ok(entries) = disk.list(dir) else { return Ok(()) };
    for entry in entries {
        let path = if dir == "." { entry.name } else { format!("{dir}/{}", entry.name) };
        if let Some(elapsed) = ticker.due() {
            crate::log!("syncing data directory (fsync), elapsed time: {} s, current path: ./{path}", centis(elapsed));
        }
        if entry.is_dir {
            sync_tree(disk, &path, ticker)?;
        } else if is_data(&path)
            && let Ok(file) = disk.open(&path)
        {
            let failed = |e| access_error(format!("fsync file \"./{path}\""), &e).severity(Severity::Panic);
            file.sync_all().map_err(failed)?;
        }
    }
    disk.sync_dir(dir).map_err(|e| access_error(format!("fsync file \"./{dir}\""), &e))
}

/// Files that recovery relies on; logs, sockets and settings are nobody's redo.
fn is_data(path: &str) -> bool {
    ["base/", "global/", "pg_"].iter().any(|p| path.starts_with(p)) && !path.starts_with("pg_hba")
}

/// What sorts and hashes of the run before spilled (PostgreSQL 15, fd.c, RemovePgTempFiles). Best effort.
fn remove_temporary_files(disk: &dyn Disk) {
    for space in [Oid::INVALID].into_iter().chain(tablespace::all(disk).unwrap_or_default()) {
        let dir = tablespace::temporary(space);
        for entry in disk.list(&dir).unwrap_or_default() {
            if !entry.is_dir && entry.name.starts_with("pgsql_tmp") {
                let _ = disk.remove(&format!("{dir}/{}", entry.name));
            }
        }
    }
}

/// A line every so often (`log_startup_progress_interval`; 0 = never).
struct Ticker {
    start: Instant,
    interval: Duration,
    next: Duration,
}

impl Ticker {
    fn new(interval: Duration) -> Ticker {
        Ticker { start: Instant::now(), interval, next: interval }
    }

    fn due(&mut self) -> Option<Duration> {
        if self.interval.is_zero() {
            return None;
        }
        let elapsed = self.start.elapsed();
        if elapsed < self.next {
            return None;
        }
        while self.next <= elapsed {
            self.next += self.interval;
        }
        Some(elapsed)
    }
}

fn reader_at(storage: &Storage, control: &ControlFile, at: Lsn) -> Reader {
    // Incarnations never fall along the log; this much older ones are too old to be told from younger.
    let oldest = control.incarnation.saturating_sub(1 << 22);
    let (bytes, timeline) = (control.segment_bytes as u64, control.checkpoint_copy.timeline);
    Reader::new(storage.disk.clone(), bytes, timeline, control.system_identifier, at, oldest)
}

/// The checkpoint the control file names, where its record ends, and whether it was a shutdown's.
fn read_checkpoint(storage: &Storage, control: &ControlFile) -> Result<(CheckPoint, Lsn, bool)> {
    let mut reader = reader_at(storage, control, control.checkpoint);
    let found = match reader.next()? {
        Ok(record) => checkpoint_of(&record),
        Err(end) => {
            if let Some(text) = end.text {
                crate::log!("{text}");
            }
            None
        }
    };
    match found {
        Some((checkpoint, shutdown)) => Ok((checkpoint, reader.position(), shutdown)),
        None => {
            crate::log!("invalid primary checkpoint record");
            let text = "could not locate a valid checkpoint record";
            Err(Error::new(SqlState::DATA_CORRUPTED, text).severity(Severity::Panic))
        }
    }
}

/// Redoes everything from the checkpoint's redo position; returns the end of the log.
fn replay(
    storage: &Storage,
    control: &ControlFile,
    checkpoint: &CheckPoint,
    after: Lsn,
    progress: &Progress,
    interval: Duration,
) -> Result<Lsn> {
    let from = if checkpoint.redo < control.checkpoint { checkpoint.redo } else { after };
    let mut reader = reader_at(storage, control, from);
    let mut cx = RedoContext { storage };
    let (mut ticker, mut usage) = (Ticker::new(interval), Usage::now());
    let mut started = false;
    let why = loop {
        if progress.is_stopping() {
            let text = "terminating recovery due to administrator command";
            return Err(Error::new(SqlState::ADMIN_SHUTDOWN, text).severity(Severity::Fatal));
        }
        let record = match reader.next()? {
            Ok(record) => record,
            Err(end) => break end.text,
        };
        if !started {
            started = true;
            crate::log!("redo starts at {}", record.start);
            (ticker, usage) = (Ticker::new(interval), Usage::now());
            progress.redo_from.store(record.start.0, Ordering::Relaxed);
        }
        progress.redo_at.store(record.end.0, Ordering::Relaxed);
        redo_record(&mut cx, &record).map_err(|e| e.severity(Severity::Fatal))?;
        if let Some(elapsed) = ticker.due() {
            crate::log!("redo in progress, elapsed time: {} s, current LSN: {}", centis(elapsed), record.start);
        }
    };
    if let Some(text) = why {
        crate::log!("{text}");
    }
    if started {
        crate::log!("redo done at {} system usage: {usage}", reader.last_start());
    } else {
        crate::log!("redo is not required");
    }
    Ok(reader.position())
}

/// Raises the incarnation durably (REC-3), then opens the log for inserts at `end`.
fn open_log(storage: &Storage, checkpoints: &Checkpoints, checkpoint: &CheckPoint, end: Lsn) -> Result<()> {
    let most = checkpoints.settings().int(Id::MaxPreparedTransactions) as u32;
    checkpoints.control().update(|c| {
        c.incarnation = (c.incarnation + 1) & 0xFF_FFFF;
        c.max_prepared_transactions = most;
    })?;
    let control = checkpoints.control().get();
    storage.wal.start(StartAt {
        end,
        redo_lsn: checkpoint.redo,
        timeline: checkpoint.timeline,
        system_identifier: control.system_identifier,
        incarnation: control.incarnation,
    })?;
    let settings = checkpoints.settings().snapshot();
    storage.wal.apply_settings(&*settings);
    storage.mvcc.serializable.set_limits(Limits::from_settings(&*settings));
    // Segments finished just before a crash may have lost their mark.
    if storage.wal.is_archiving() && !storage.disk.exists(archive::DIR) {
        crate::disk::durable::mkdir(&*storage.disk, archive::DIR)?;
    }
    Ok(())
}
