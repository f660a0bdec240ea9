//! The shared state below the catalog: one struct that all layers above hold, and what redo gets to see of it.

use crate::base::{BlockNo, Fork, Lsn, Oid, RelFileId, Result, Xid};
use crate::buffer::{BufferPool, Persistence, WriteGuard};
use crate::disk::Disk;
use crate::lock::LockManager;
use crate::mvcc::Mvcc;
use crate::twophase::TwoPhase;
use crate::wal::{BlockMode, Record, RedoRecord, Rmgr, Wal};
use smallvec::SmallVec;
use std::sync::Arc;

/// Everything the access methods need. Held as `Arc` by everyone above.
pub struct Storage {
    pub disk: Arc<dyn Disk>,
    pub wal: Arc<Wal>,
    pub pool: BufferPool,
    pub mvcc: Mvcc,
    pub locks: LockManager,
    pub twophase: Arc<TwoPhase>,
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Storage")
    }
}

/// What a resource manager's redo works on.
pub struct RedoContext<'a> {
    pub storage: &'a Storage,
}

/// What is to be done about one block of a record.
pub enum Action<'a> {
    /// The page was put back from its full image: nothing to do.
    Restored,
    /// Apply the change to the page, then call [`RedoContext::applied`]. An `Init` block is zeroed.
    Apply(WriteGuard<'a>),
    /// The page has this change already.
    Done,
    /// The block was never written, or is gone: a later record drops or truncates the relation.
    Missing,
}

impl<'a> RedoContext<'a> {
    /// Gets the record's `i`-th block ready. Files that are missing are made: a later record will drop them
    /// (PostgreSQL 15, xlogutils.c, XLogReadBufferExtended: same rule).
    pub fn block(&self, record: &RedoRecord<'_>, i: usize) -> Result<Action<'a>> {
        let block = &record.blocks[i];
        let pool = &self.storage.pool;
        let rel = pool.open(block.file, block.fork, Persistence::Permanent);
        if block.fork == Fork::Main && !rel.exists() {
            pool.create(&rel, true)?;
        }
        pool.extend_to(&rel, block.block + 1)?;
        if let Some(image) = &block.image {
            let mut page = pool.init(&rel, block.block)?;
            image.restore(&mut page);
            page.set_lsn(record.end);
            page.mark_dirty();
            return Ok(Action::Restored);
        }
        if block.mode == BlockMode::Init {
            return Ok(Action::Apply(pool.init(&rel, block.block)?));
        }
        let page = pool.write(&rel, block.block)?;
        if page.is_new() {
            return Ok(Action::Missing);
        }
        if page.lsn() >= record.end {
            return Ok(Action::Done);
        }
        Ok(Action::Apply(page))
    }

    /// Stamps a page that redo has changed.
    pub fn applied(&self, record: &RedoRecord<'_>, page: &mut WriteGuard<'_>) {
        page.set_lsn(record.end);
        page.mark_dirty();
    }
}

/// Kinds of `Rmgr::Storage` (PostgreSQL 15, storage_xlog.h: same numbers).
mod kind {
    pub const CREATE: u8 = 0x10;
    pub const TRUNCATE: u8 = 0x20;
}

/// The tablespace, at a record's end, where there is one.
fn space_bytes(file: &RelFileId) -> SmallVec<[u8; 4]> {
    match file.space.is_valid() {
        true => file.space.0.to_le_bytes().into(),
        false => SmallVec::new(),
    }
}

fn file_bytes(file: RelFileId) -> [u8; 8] {
    let mut b = [0; 8];
    b[..4].copy_from_slice(&file.db.0.to_le_bytes());
    b[4..].copy_from_slice(&file.node.0.to_le_bytes());
    b
}

/// Logs that a fork's empty file was made, so that recovery makes it again. Call `wal.reserve` before.
/// Data: database, node (4 bytes each), fork (1), the tablespace if any (4).
pub fn log_create(storage: &Storage, xid: Xid, file: RelFileId, fork: Fork) -> Lsn {
    let data: [&[u8]; 3] = [&file_bytes(file), &[fork as u8], &space_bytes(&file)];
    let record = Record { rmgr: Rmgr::Storage, info: kind::CREATE, xid, blocks: &[], data: &data };
    storage.wal.insert(&record).end
}

/// Logs that a relation is cut to so many blocks; flush the log before doing it. Call `wal.reserve` before.
/// Data: database, node (4 bytes each), blocks (4), the tablespace if any (4).
pub fn log_truncate(storage: &Storage, file: RelFileId, blocks: BlockNo) -> Lsn {
    let data: [&[u8]; 3] = [&file_bytes(file), &blocks.to_le_bytes(), &space_bytes(&file)];
    let record = Record { rmgr: Rmgr::Storage, info: kind::TRUNCATE, xid: Xid::INVALID, blocks: &[], data: &data };
    storage.wal.insert(&record).end
}

/// Redoes a record of `Rmgr::Storage`.
pub fn redo(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let word = |at: usize| record.data.get(at..at + 4).map(|b| u32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    let short = || crate::err!(INTERNAL_ERROR, "smgr_redo: short record at {}", record.start);
    let (db, node) = (Oid(word(0).ok_or_else(short)?), Oid(word(4).ok_or_else(short)?));
    let at = if record.info == kind::CREATE { 9 } else { 12 };
    let file = RelFileId { db, node, space: Oid(word(at).unwrap_or(0)) };
    let pool = &cx.storage.pool;
    match record.info {
        kind::CREATE => {
            let fork = record.data.get(8).copied().and_then(Fork::from_u8).ok_or_else(short)?;
            pool.create(&pool.open(file, fork, Persistence::Permanent), true)
        }
        kind::TRUNCATE => {
            let blocks = word(8).ok_or_else(short)?;
            let main = pool.open(file, Fork::Main, Persistence::Permanent);
            pool.create(&main, true)?;
            cut_maps(cx.storage, file)?;
            pool.truncate(&main, blocks)
        }
        other => Err(crate::err!(INTERNAL_ERROR, "smgr_redo: unknown op code {other}")),
    }
}

/// The maps of a table that is cut are emptied: what they knew of the rest is found again.
fn cut_maps(storage: &Storage, file: RelFileId) -> Result<()> {
    for fork in [Fork::Fsm, Fork::Vm] {
        let map = storage.pool.open(file, fork, Persistence::Permanent);
        if map.exists() {
            storage.pool.truncate(&map, 0)?;
        }
    }
    Ok(())
}

#[cfg(test)]
pub mod testing {
    //! A small engine room on a simulated disk, for the tests of the layers above.

    use super::{RedoContext, Storage};
    use crate::base::{Lsn, Result, Xid};
    use crate::buffer::{BufferPool, PoolConfig};
    use crate::disk::{Disk, Relations, Simulated, durable};
    use crate::mvcc::{Clog, Mvcc};
    use crate::twophase::TwoPhase;
    use crate::wal::{Reader, RedoRecord, Rmgr, StartAt, Wal, WalConfig};
    use std::sync::Arc;

    pub const SEGMENT_BYTES: u64 = 1 << 20;

    /// A log that is not started: as in recovery.
    pub fn unstarted(disk: &Simulated, frames: usize) -> Arc<Storage> {
        let shared: Arc<dyn Disk> = Arc::new(disk.clone());
        let config =
            WalConfig { segment_bytes: SEGMENT_BYTES, flusher: false, init_zero: false, ..WalConfig::default() };
        let wal = Wal::new(shared.clone(), &config);
        let pool = BufferPool::new(Relations::new(shared.clone()), wal.clone(), PoolConfig { frames, checksums: true });
        let mvcc = Mvcc::new(Clog::new(shared.clone(), wal.clone()), Xid::FIRST_NORMAL);
        let twophase = Arc::new(TwoPhase::new(shared.clone()));
        Arc::new(Storage { disk: shared, wal, pool, mvcc, locks: crate::lock::LockManager::new(), twophase })
    }

    /// A fresh, empty system with database 5.
    pub fn fresh(disk: &Simulated, frames: usize) -> Arc<Storage> {
        for dir in ["base", "base/5", "global", "pg_wal"] {
            durable::mkdir(disk, dir).unwrap();
        }
        Clog::create(disk).unwrap();
        let storage = unstarted(disk, frames);
        storage.wal.start(start_at(SEGMENT_BYTES)).unwrap();
        storage
    }

    /// What recovery makes of the log from its beginning on, of the files and of one resource manager's pages; then it goes
    /// on with the next start's log.
    pub fn recovered(
        disk: &Simulated,
        frames: usize,
        rmgr: Rmgr,
        redo: fn(&mut RedoContext<'_>, &RedoRecord<'_>) -> Result<()>,
    ) -> Arc<Storage> {
        let storage = unstarted(disk, frames);
        let mut cx = RedoContext { storage: &storage };
        let mut reader = Reader::new(storage.disk.clone(), SEGMENT_BYTES, 1, 7, Lsn(SEGMENT_BYTES), 0);
        while let Ok(record) = reader.next().unwrap() {
            if record.rmgr == rmgr {
                redo(&mut cx, &record).unwrap();
            } else if record.rmgr == Rmgr::Storage {
                super::redo(&mut cx, &record).unwrap();
            }
        }
        let end = reader.position();
        storage.wal.start(StartAt { redo_lsn: end, incarnation: 2, ..start_at(end.0) }).unwrap();
        storage
    }

    /// A fresh system in a directory, with a log of 16 MiB segments: for measurements.
    pub fn on_disk(path: &std::path::Path, frames: usize) -> Arc<Storage> {
        let disk: Arc<dyn Disk> = Arc::new(crate::disk::Posix::new(path));
        for dir in ["base", "base/5", "global", "pg_wal"] {
            durable::mkdir(&*disk, dir).unwrap();
        }
        Clog::create(&*disk).unwrap();
        let config = WalConfig::default();
        let wal = Wal::new(disk.clone(), &config);
        wal.start(start_at(config.segment_bytes)).unwrap();
        let pool = BufferPool::new(Relations::new(disk.clone()), wal.clone(), PoolConfig { frames, checksums: true });
        let mvcc = Mvcc::new(Clog::new(disk.clone(), wal.clone()), Xid::FIRST_NORMAL);
        let twophase = Arc::new(TwoPhase::new(disk.clone()));
        Arc::new(Storage { disk, wal, pool, mvcc, locks: crate::lock::LockManager::new(), twophase })
    }

    pub fn start_at(lsn: u64) -> StartAt {
        StartAt { end: Lsn(lsn), redo_lsn: Lsn(lsn), timeline: 1, system_identifier: 7, incarnation: 1 }
    }
}
