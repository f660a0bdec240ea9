//! The write-ahead log and the control file.
//!
//! A writer reserves ([`Wal::reserve`], may fail or wait), enters its critical section, changes pages,
//! inserts one record ([`Wal::insert`], cannot fail) and stamps the pages with the record's end.
//! Whoever needs it on disk calls [`Wal::flush`] (blocking) or [`Wal::on_durable`] (a waker).
//! Positions and file names are PostgreSQL's; the record format is ours.
//!
//! Must never know what a record means, and never write a data file.
//!
//! Invariants
//! - WAL-1: bytes reach the files in LSN order; a segment is durable before the next is begun.
//! - WAL-2: `durable_lsn` grows only after an fsync of everything below it.
//! - WAL-3: a record is accepted by the reader only if its own LSN, its incarnation (not older than its
//!   predecessor's) and its CRC fit, so that stale bytes of a recycled segment or of a tail that an
//!   earlier recovery cut off are never taken for log.
//! - WAL-4: after `reserve` returned, a quarter of a segment beyond the insert position exists on disk
//!   with its space really there; inserts never meet a full disk while their sum stays below that. What frees
//!   space or ends transactions ([`Need`]) goes on in that quarter when no segment can be had.
//! - WAL-5: an I/O error below an insert, a write or an fsync is a PANIC; fsync is never tried twice.
//!
//! On disk (little endian). A segment starts with a header of 40 bytes ([`segment`]); records follow,
//! each at a multiple of 8, running on into the next segment after its header:
//!
//! | bytes | what |
//! |---|---|
//! | 0..4 | length of the record without padding; 0 = end of log |
//! | 4..8 | CRC-32 of the body, then of the header without this field |
//! | 8..16 | bits 0..40: own LSN / 8; bits 40..64: incarnation |
//! | 16..22 | xid |
//! | 22 | resource manager |
//! | 23 | info |
//! | 24 | number of block references, each: flags (fork 2 bits, mode 2, image 1, same relation 1), [db u32, node u32], block u32, [hole offset u16, hole length u16] |
//! | … | page images without their holes, then the data |

pub mod archive;
pub mod control;
pub mod find;
mod flush;
mod insert;
mod oid;
pub mod reader;
pub mod record;
pub mod segment;
mod stats;
mod usage;

pub use control::{CheckPoint, Control, ControlFile, DbState};
pub use insert::{Inserted, Need};
pub use reader::{End, Reader};
pub use record::{BlockMode, BlockRef, Image, Record, RedoBlock, RedoRecord, Rmgr};
pub use stats::WalStats;
pub use usage::{Usage, usage};

use crate::base::Lsn;
use crate::disk::Disk;
use crate::settings::{Id, Lookup};
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// What the settings say about the log. Those that may change while it runs have setters.
#[derive(Clone, Debug)]
pub struct WalConfig {
    /// Bytes of a segment: a power of two from 64 KiB (tests) to 1 GiB.
    pub segment_bytes: u64,
    /// Bytes kept in memory before a writer must write some out.
    pub buffer_bytes: usize,
    pub fsync: bool,
    /// `wal_sync_method = fsync` instead of fdatasync.
    pub sync_metadata: bool,
    pub full_page_writes: bool,
    /// How long writing and syncing takes is counted (`track_wal_io_timing`, as the server's own settings say).
    pub time_io: bool,
    /// Zero-fill new segments (`wal_init_zero`); otherwise only their space is allocated.
    pub init_zero: bool,
    /// Finished segments get a `.ready` file for the archiver.
    pub archiving: bool,
    /// Serve waiters by a thread of its own; off in tests that count disk operations.
    pub flusher: bool,
}

impl WalConfig {
    /// What the settings say; the segment size is the control file's.
    pub fn from_settings(settings: &impl Lookup, segment_bytes: u64) -> WalConfig {
        WalConfig {
            segment_bytes,
            buffer_bytes: buffer_bytes(settings, segment_bytes),
            fsync: settings.bool(Id::Fsync),
            sync_metadata: settings.choice(Id::WalSyncMethod) == "fsync",
            full_page_writes: settings.bool(Id::FullPageWrites),
            time_io: settings.bool(Id::TrackWalIoTiming),
            init_zero: settings.bool(Id::WalInitZero),
            archiving: settings.choice(Id::ArchiveMode) != "off",
            flusher: true,
        }
    }
}

/// PostgreSQL 15, xlog.c, XLOGChooseNumBuffers: -1 means a 32nd of the buffer pool, at most a segment.
fn buffer_bytes(settings: &impl Lookup, segment_bytes: u64) -> usize {
    let blocks = match settings.int(Id::WalBuffers) {
        -1 => (settings.int(Id::SharedBuffers) / 32).clamp(8, (segment_bytes / 8192) as i64),
        n => n.max(4),
    };
    blocks as usize * 8192
}

impl Default for WalConfig {
    fn default() -> WalConfig {
        WalConfig {
            segment_bytes: 16 << 20,
            buffer_bytes: 16 << 20,
            fsync: true,
            sync_metadata: false,
            full_page_writes: true,
            time_io: false,
            init_zero: true,
            archiving: false,
            flusher: true,
        }
    }
}

/// Where the log goes on after recovery, or begins in initdb.
#[derive(Clone, Copy, Debug)]
pub struct StartAt {
    /// The end of the last valid record.
    pub end: Lsn,
    pub redo_lsn: Lsn,
    pub timeline: u32,
    pub system_identifier: u64,
    /// One more than that of the run before; on disk in the control file already (WAL-3).
    pub incarnation: u32,
}

/// Told about events of the log. Called without any of its locks held, by the thread that caused them.
pub trait Observer: Send + Sync {
    /// Enough log was written since the last checkpoint's redo position to want another one. Called once
    /// per segment begun beyond the threshold.
    fn checkpoint_due(&self);
    /// A segment is complete and waits for the archiver.
    fn segment_ready(&self);
    /// The disk has no room for the next segment, and a checkpoint would free an old one.
    fn disk_full(&self);
}

/// The log of one engine.
pub struct Wal {
    disk: Arc<dyn Disk>,
    segment_bytes: u64,
    buffer_bytes: AtomicU64,
    insert: Mutex<insert::State>,
    write: Mutex<flush::Writer>,
    waiters: Arc<flush::Waiters>,
    /// Serialises creation, recycling and removal of segment files.
    files: Mutex<()>,
    /// Copies of what the mutexes guard, for cheap reading.
    inserted: AtomicU64,
    written: AtomicU64,
    durable: AtomicU64,
    allocated_end: AtomicU64,
    redo: AtomicU64,
    full_page_writes: AtomicBool,
    fsync: AtomicBool,
    sync_metadata: AtomicBool,
    init_zero: AtomicBool,
    archiving: AtomicBool,
    /// Segments after the redo position's before a checkpoint is due; 0 = never.
    checkpoint_segments: AtomicU32,
    checkpoint_due: AtomicBool,
    /// Pages built anew by records since the redo position.
    built_pages: AtomicU64,
    /// The flusher was told to write behind a bulk load and has not begun yet.
    behind: AtomicBool,
    /// False until `start`: recovery's flushes are no-ops, since it reads only what is on disk.
    started: AtomicBool,
    timeline: AtomicU32,
    system_identifier: AtomicU64,
    counters: stats::Counters,
    /// What `new_stats` has told.
    told: Mutex<WalStats>,
    observer: OnceLock<Box<dyn Observer>>,
    oids: Mutex<oid::State>,
    disk_is_slow: AtomicBool,
    /// The last attempt to make a segment failed.
    no_room: AtomicBool,
}

impl Wal {
    /// A log that cannot be written yet: pages may be read and written back, since all their records are
    /// on disk. [`start`](Wal::start) opens it for inserts.
    pub fn new(disk: Arc<dyn Disk>, config: &WalConfig) -> Arc<Wal> {
        assert!(config.segment_bytes.is_power_of_two() && config.segment_bytes >= 64 << 10);
        let wal = Arc::new(Wal {
            disk,
            segment_bytes: config.segment_bytes,
            buffer_bytes: AtomicU64::new(config.buffer_bytes.max(64 << 10) as u64),
            insert: Mutex::new(insert::State::new(config)),
            write: Mutex::new(flush::Writer::default()),
            waiters: Arc::default(),
            files: Mutex::new(()),
            inserted: AtomicU64::new(0),
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            allocated_end: AtomicU64::new(0),
            redo: AtomicU64::new(0),
            full_page_writes: AtomicBool::new(config.full_page_writes),
            fsync: AtomicBool::new(config.fsync),
            sync_metadata: AtomicBool::new(config.sync_metadata),
            init_zero: AtomicBool::new(config.init_zero),
            archiving: AtomicBool::new(config.archiving),
            checkpoint_segments: AtomicU32::new(0),
            checkpoint_due: AtomicBool::new(false),
            built_pages: AtomicU64::new(0),
            behind: AtomicBool::new(false),
            started: AtomicBool::new(false),
            timeline: AtomicU32::new(1),
            system_identifier: AtomicU64::new(0),
            counters: stats::Counters::default(),
            told: Mutex::default(),
            observer: OnceLock::new(),
            oids: Mutex::default(),
            disk_is_slow: AtomicBool::new(false),
            no_room: AtomicBool::new(false),
        });
        if config.flusher {
            flush::spawn_flusher(&wal);
        }
        wal
    }

    /// Opens the log for inserts: what is inserted next continues at `at.end`. Makes sure the current
    /// segment is there.
    pub fn start(&self, at: StartAt) -> crate::base::Result<()> {
        assert!(at.end.0.is_multiple_of(record::ALIGNMENT as u64) && at.incarnation < 1 << 24);
        self.timeline.store(at.timeline, Ordering::SeqCst);
        self.system_identifier.store(at.system_identifier, Ordering::SeqCst);
        self.insert.lock().start(at);
        for position in [&self.inserted, &self.written, &self.durable] {
            position.store(at.end.0, Ordering::SeqCst);
        }
        self.redo.store(at.redo_lsn.0, Ordering::SeqCst);
        let first = self.segment_of(at.end.0);
        self.allocated_end.store(first * self.segment_bytes, Ordering::SeqCst);
        self.started.store(true, Ordering::SeqCst);
        self.allocate_to(at.end.0 + 1)
    }

    pub fn is_started(&self) -> bool {
        self.started.load(Ordering::SeqCst)
    }

    /// Who is told when a checkpoint is due or a segment ready; the first one stays.
    pub fn observe(&self, observer: Box<dyn Observer>) {
        let _ = self.observer.set(observer);
    }

    /// The end of what was inserted: where the next record's bytes (or a segment header) go.
    pub fn insert_lsn(&self) -> Lsn {
        Lsn(self.inserted.load(Ordering::Acquire))
    }

    /// The end of what was given to the operating system (`pg_current_wal_lsn`).
    pub fn written_lsn(&self) -> Lsn {
        Lsn(self.written.load(Ordering::Acquire))
    }

    /// The end of what survives a power loss.
    pub fn durable_lsn(&self) -> Lsn {
        Lsn(self.durable.load(Ordering::Acquire))
    }

    /// Where a recovery would begin: pages not changed since get a full image with their next change.
    pub fn redo_lsn(&self) -> Lsn {
        Lsn(self.redo.load(Ordering::Acquire))
    }

    pub fn timeline(&self) -> u32 {
        self.timeline.load(Ordering::Relaxed)
    }

    pub fn system_identifier(&self) -> u64 {
        self.system_identifier.load(Ordering::Relaxed)
    }

    pub fn segment_bytes(&self) -> u64 {
        self.segment_bytes
    }

    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The number of the segment a position lies in.
    pub fn segment_of(&self, lsn: u64) -> u64 {
        lsn / self.segment_bytes
    }

    pub fn set_fsync(&self, on: bool) {
        self.fsync.store(on, Ordering::Relaxed);
    }

    pub fn set_sync_metadata(&self, on: bool) {
        self.sync_metadata.store(on, Ordering::Relaxed);
    }

    pub fn set_init_zero(&self, on: bool) {
        self.init_zero.store(on, Ordering::Relaxed);
    }

    pub fn set_archiving(&self, on: bool) {
        self.archiving.store(on, Ordering::Relaxed);
    }

    pub fn is_archiving(&self) -> bool {
        self.archiving.load(Ordering::Relaxed)
    }

    /// Takes effect with the next record, under the insert mutex.
    pub fn set_full_page_writes(&self, on: bool) {
        self.insert.lock().full_page_writes = on;
        self.full_page_writes.store(on, Ordering::SeqCst);
    }

    pub fn full_page_writes(&self) -> bool {
        self.full_page_writes.load(Ordering::Relaxed)
    }

    /// How many segments after the redo position's make a checkpoint due (from `max_wal_size`).
    pub fn set_checkpoint_segments(&self, segments: u32) {
        self.checkpoint_segments.store(segments, Ordering::Relaxed);
    }

    /// Takes over what a reload of the settings changed.
    pub fn apply_settings(&self, settings: &impl Lookup) {
        let config = WalConfig::from_settings(settings, self.segment_bytes);
        self.buffer_bytes.store(config.buffer_bytes as u64, Ordering::Relaxed);
        self.set_fsync(config.fsync);
        self.set_sync_metadata(config.sync_metadata);
        self.set_init_zero(config.init_zero);
        self.counters.timed.store(config.time_io, Ordering::Relaxed);
        self.set_archiving(config.archiving);
        if config.full_page_writes != self.full_page_writes() {
            self.set_full_page_writes(config.full_page_writes);
        }
        self.set_checkpoint_segments(checkpoint_segments(settings, self.segment_bytes));
        // The archiver tries again at once: what it failed with may have been mended (PostgreSQL 15, pgarch.c: same).
        if config.archiving
            && let Some(observer) = self.observer.get()
        {
            observer.segment_ready();
        }
    }

    /// What was counted since this was last asked.
    pub fn new_stats(&self) -> WalStats {
        let mut told = self.told.lock();
        let now = self.stats();
        let new = now.since(&told);
        *told = now;
        new
    }

    /// The counters of `pg_stat_wal`.
    pub fn stats(&self) -> WalStats {
        self.counters.snapshot(&self.insert.lock())
    }
}

/// Segments after which a checkpoint is due, so that the next one ends within `max_wal_size`
/// (PostgreSQL 15, xlog.c, CalculateCheckpointSegments: same).
pub fn checkpoint_segments(settings: &impl Lookup, segment_bytes: u64) -> u32 {
    let segments = (settings.int(Id::MaxWalSize) as u64 * (1 << 20) / segment_bytes) as f64;
    ((segments / (1.0 + settings.real(Id::CheckpointCompletionTarget))) as u32).max(1)
}

impl Drop for Wal {
    fn drop(&mut self) {
        self.waiters.stop();
    }
}

#[cfg(test)]
mod tests;
