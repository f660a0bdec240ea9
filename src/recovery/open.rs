//! Builds the storage over a data directory, and makes an empty directory into one.

use super::checkpoint::Checkpoints;
use super::request::CheckpointFlags;
use crate::base::{Lsn, Result, Xid};
use crate::buffer::{BufferPool, PoolConfig};
use crate::disk::{Disk, Relations, durable};
use crate::lock::LockManager;
use crate::mvcc::{Clog, Mvcc};
use crate::settings::{Global, Id, Lookup};
use crate::stat::Stats;
use crate::storage::Storage;
use crate::twophase::TwoPhase;
use crate::wal::{Control, ControlFile, StartAt, Wal, WalConfig};
use std::sync::Arc;

/// The directories the storage needs; more than these only PostgreSQL's tools look for.
const DIRECTORIES: [&str; 5] = ["base", "global", "pg_wal", "pg_wal/archive_status", "pg_xact"];

/// What initdb decides for ever.
#[derive(Clone, Copy, Debug)]
pub struct NewCluster {
    pub system_identifier: u64,
    pub segment_bytes: u32,
    pub data_checksums: bool,
    pub mock_nonce: [u8; 32],
}

impl NewCluster {
    /// A system identifier of the time and the process, as PostgreSQL makes it, and a random nonce.
    pub fn random(segment_bytes: u32, data_checksums: bool) -> Result<NewCluster> {
        let mut mock_nonce = [0; 32];
        getrandom::fill(&mut mock_nonce)
            .map_err(|_| crate::err!(INTERNAL_ERROR, "could not generate secret authorization token"))?;
        let now = crate::base::clock::now_us() as u64;
        let (seconds, micros) = (now / 1_000_000, now % 1_000_000);
        let system_identifier = seconds << 32 | micros << 12 | (std::process::id() & 0xFFF) as u64;
        Ok(NewCluster { system_identifier, segment_bytes, data_checksums, mock_nonce })
    }
}

/// Makes the storage's directories, the control file and the first log segment with a shutdown checkpoint at
/// `0/1000028` (for 16 MiB segments): an empty cluster that starts without recovery.
pub fn create(disk: Arc<dyn Disk>, cluster: &NewCluster) -> Result<()> {
    for dir in DIRECTORIES {
        durable::mkdir(&*disk, dir)?;
    }
    Clog::create(&*disk)?;
    let NewCluster { system_identifier, segment_bytes, data_checksums, mock_nonce } = *cluster;
    ControlFile::new(system_identifier, segment_bytes, data_checksums, mock_nonce).create(&*disk)?;
    let checkpoints = open(disk, Arc::new(Global::boot()), Arc::new(Stats::new()))?;
    // The first segment's number is 1, so that no LSN is 0.
    let first = Lsn(segment_bytes as u64);
    let at = StartAt { end: first, redo_lsn: first, timeline: 1, system_identifier, incarnation: 1 };
    checkpoints.storage().wal.start(at)?;
    checkpoints.perform_quietly(CheckpointFlags::SHUTDOWN | CheckpointFlags::IMMEDIATE)
}

/// Reads the control file and builds log, pool and transactions by the settings. Nothing else is read; the log
/// cannot be written before [`start_up`](super::start_up).
///
/// # Errors
/// FATAL: the control file is damaged or of another version.
pub fn open(disk: Arc<dyn Disk>, settings: Arc<Global>, stats: Arc<Stats>) -> Result<Arc<Checkpoints>> {
    let control = ControlFile::read(&*disk)?;
    let snapshot = settings.snapshot();
    let config = WalConfig::from_settings(&*snapshot, control.segment_bytes as u64);
    open_with(disk, settings, stats, control, &config, snapshot.int(Id::SharedBuffers) as usize)
}

/// As [`open`], with a log and a pool made to measure (tests).
pub fn open_with(
    disk: Arc<dyn Disk>,
    settings: Arc<Global>,
    stats: Arc<Stats>,
    control: ControlFile,
    config: &WalConfig,
    frames: usize,
) -> Result<Arc<Checkpoints>> {
    let relations = Relations::new(disk.clone());
    relations.set_fsync(config.fsync);
    let wal = Wal::new(disk.clone(), config);
    let pool = BufferPool::new(relations, wal.clone(), PoolConfig { frames, checksums: control.data_checksums });
    let mvcc = Mvcc::new(Clog::new(disk.clone(), wal.clone()), Xid::FIRST_NORMAL);
    let twophase = Arc::new(TwoPhase::new(disk.clone()));
    twophase.set_limit(settings.snapshot().int(Id::MaxPreparedTransactions) as usize);
    let storage = Arc::new(Storage { disk: disk.clone(), wal, pool, mvcc, locks: LockManager::new(), twophase });
    let control = Arc::new(Control::new(disk, control));
    Ok(Checkpoints::new(storage, control, settings, stats))
}
