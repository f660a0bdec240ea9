//! Finding a page in the pool, and bringing it there.

use super::damage;
use super::fork::{Persistence, RelFork};
use super::frame::{Frame, Frames, Slot, Tag};
use super::guard::{ReadGuard, WriteGuard};
use super::ring::Ring;
use crate::base::error::{Place, Report};
use crate::base::{BlockNo, Error, Fork, Oid, RelFileId, Result, Severity, SqlState};
use crate::disk::Relations;
use crate::page::PAGE_SIZE;
use crate::wal::Wal;
use parking_lot::{Mutex, RwLockReadGuard, RwLockWriteGuard};
use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU32, AtomicU64, Ordering};

/// How the pool is made.
#[derive(Clone, Copy, Debug)]
pub struct PoolConfig {
    /// `shared_buffers` in pages.
    pub frames: usize,
    /// Whether pages carry checksums.
    pub checksums: bool,
}

/// All pages in memory.
pub struct BufferPool {
    pub(super) relations: Relations,
    pub(super) wal: Arc<Wal>,
    pub(super) checksums: bool,
    pub(super) frames: Frames,
    /// Frames ever used; those behind it were never touched.
    pub(super) used: AtomicU32,
    /// The clock's hand.
    pub(super) hand: AtomicU64,
    /// Frames that hold nothing.
    pub(super) free: Mutex<Vec<u32>>,
    pub(super) registry: Mutex<HashMap<(RelFileId, Fork), Arc<RelFork>>>,
    pub(super) totals: Totals,
    /// Pages hit and read of files that are gone, by database, see `counts`.
    pub(super) gone: Mutex<HashMap<Oid, (i64, i64)>>,
    /// When the counts were last handed over, see `counts`.
    pub(super) flushed_us: AtomicI64,
}

/// Counted since the start, for `pg_stat_bgwriter`.
#[derive(Default)]
pub(super) struct Totals {
    pub checkpoint: AtomicU64,
    pub bgwriter: AtomicU64,
    pub bgwriter_maxed: AtomicU64,
    pub backend: AtomicU64,
    pub allocated: AtomicU64,
}

impl BufferPool {
    pub fn new(relations: Relations, wal: Arc<Wal>, config: PoolConfig) -> BufferPool {
        BufferPool {
            relations,
            wal,
            checksums: config.checksums,
            frames: Frames::new(config.frames.clamp(16, 1 << 30) as u32),
            used: AtomicU32::new(0),
            hand: AtomicU64::new(0),
            free: Mutex::default(),
            registry: Mutex::default(),
            totals: Totals::default(),
            gone: Mutex::default(),
            flushed_us: AtomicI64::new(0),
        }
    }

    /// The handle on a fork: the same one for everybody. Touches no file.
    pub fn open(&self, id: RelFileId, fork: Fork, persistence: Persistence) -> Arc<RelFork> {
        let mut registry = self.registry.lock();
        let new = || Arc::new(RelFork::new(self.relations.open(id, fork), id, fork, persistence));
        registry.entry((id, fork)).or_insert_with(new).clone()
    }

    /// Number of frames.
    pub fn frame_count(&self) -> u32 {
        self.frames.count()
    }

    pub fn wal(&self) -> &Arc<Wal> {
        &self.wal
    }

    pub fn relations(&self) -> &Relations {
        &self.relations
    }

    pub fn checksums(&self) -> bool {
        self.checksums
    }

    /// The frame that holds a block at the moment, to be checked again under its latch (BUF-1).
    #[inline]
    pub(super) fn lookup(&self, rel: &RelFork, block: BlockNo) -> Option<&Frame> {
        match rel.entry(block)?.load(Ordering::Acquire) {
            0 => None,
            n => Some(self.frames.get(n - 1)),
        }
    }

    /// A page to look at.
    ///
    /// # Errors
    /// XX001 if the block is damaged or lies behind the end.
    #[inline]
    pub fn read(&self, rel: &Arc<RelFork>, block: BlockNo) -> Result<ReadGuard<'_>> {
        if let Some(frame) = self.lookup(rel, block) {
            let slot = frame.latch.read();
            if slot.tag.as_ref().is_some_and(|t| t.is(rel, block)) {
                frame.touch();
                rel.count_hit();
                return Ok(ReadGuard(slot));
            }
        }
        self.read_slow(rel, block, None)
    }

    #[cold]
    pub(super) fn read_slow(
        &self,
        rel: &Arc<RelFork>,
        block: BlockNo,
        mut ring: Option<&mut Ring>,
    ) -> Result<ReadGuard<'_>> {
        loop {
            if let Some(frame) = self.lookup(rel, block) {
                let slot = frame.latch.read();
                if slot.tag.as_ref().is_some_and(|t| t.is(rel, block)) {
                    if ring.is_none() {
                        // A page in a ring must not look as if others wanted it.
                        frame.touch();
                    }
                    rel.count_hit();
                    return Ok(ReadGuard(slot));
                }
            }
            if let Some((slot, _)) = self.load(rel, block, true, ring.as_deref_mut())? {
                return Ok(ReadGuard(RwLockWriteGuard::downgrade(slot)));
            }
        }
    }

    /// A page to change.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    #[inline]
    pub fn write(&self, rel: &Arc<RelFork>, block: BlockNo) -> Result<WriteGuard<'_>> {
        loop {
            if let Some(frame) = self.lookup(rel, block) {
                let slot = frame.latch.write();
                if slot.tag.as_ref().is_some_and(|t| t.is(rel, block)) {
                    frame.touch();
                    rel.count_hit();
                    return Ok(WriteGuard { slot, frame });
                }
            }
            if let Some((slot, frame)) = self.load(rel, block, true, None)? {
                return Ok(WriteGuard { slot, frame });
            }
        }
    }

    /// As [`write`](Self::write), but gives up at once if somebody has the page.
    pub fn try_write(&self, rel: &Arc<RelFork>, block: BlockNo) -> Option<WriteGuard<'_>> {
        let frame = self.lookup(rel, block)?;
        let slot = frame.latch.try_write()?;
        slot.tag.as_ref().is_some_and(|t| t.is(rel, block)).then_some(WriteGuard { slot, frame })
    }

    /// A zeroed page to fill; what the block held before is not read. For fresh blocks and redo.
    pub fn init(&self, rel: &Arc<RelFork>, block: BlockNo) -> Result<WriteGuard<'_>> {
        loop {
            if let Some(frame) = self.lookup(rel, block) {
                let mut slot = frame.latch.write();
                if slot.tag.as_ref().is_some_and(|t| t.is(rel, block)) {
                    slot.page.bytes_mut().fill(0);
                    return Ok(WriteGuard { slot, frame });
                }
            }
            if let Some((slot, frame)) = self.load(rel, block, false, None)? {
                return Ok(WriteGuard { slot, frame });
            }
        }
    }

    /// Copies a page of 8192 bytes out.
    #[inline]
    pub fn copy(&self, rel: &Arc<RelFork>, block: BlockNo, out: &mut [u8]) -> Result<()> {
        let page = self.read(rel, block)?;
        out.copy_from_slice(page.bytes());
        Ok(())
    }

    /// Brings a block into a frame; `None` if somebody else did meanwhile. Without `read` it is zeroed.
    fn load(
        &self,
        rel: &Arc<RelFork>,
        block: BlockNo,
        read: bool,
        ring: Option<&mut Ring>,
    ) -> Result<Option<(RwLockWriteGuard<'_, Slot>, &Frame)>> {
        self.check_block(rel, block)?;
        let (n, frame, mut slot) = self.victim(ring)?;
        let entry = rel.entry_or_new(block);
        // BUF-2: from here on others who look for the block wait for our latch.
        if entry.compare_exchange(0, n + 1, Ordering::AcqRel, Ordering::Acquire).is_err() {
            drop(slot);
            self.free.lock().push(n);
            return Ok(None);
        }
        let done = match read {
            true => self.fill(rel, block, &mut slot),
            false => {
                slot.page.bytes_mut().fill(0);
                Ok(())
            }
        };
        if let Err(e) = done {
            entry.store(0, Ordering::Release);
            drop(slot);
            self.free.lock().push(n);
            return Err(e);
        }
        slot.tag = Some(Tag { rel: rel.clone(), block });
        frame.set_usage(1);
        Ok(Some((slot, frame)))
    }

    fn fill(&self, rel: &RelFork, block: BlockNo, slot: &mut Slot) -> Result<()> {
        rel.file.read(block, &mut slot.page)?;
        rel.count_read(1);
        self.verify(rel, block, slot)
    }

    /// Refuses a damaged page; maps, which can be rebuilt, are emptied instead.
    pub(super) fn verify(&self, rel: &RelFork, block: BlockNo, slot: &mut Slot) -> Result<()> {
        let page = &mut slot.page;
        if page.verify(block, self.checksums) {
            return Ok(());
        }
        let warn = |message: String, routine, file, line| {
            let mut report = Report::notice(Severity::Warning, SqlState::DATA_CORRUPTED, message);
            report.place = Place { routine, file, line };
            report
        };
        let tolerance = damage::tolerance();
        if self.checksums && !page.is_new() && page.stored_checksum() != page.checksum(block) {
            let text = format!(
                "page verification failed, calculated checksum {} but expected {}",
                page.checksum(block),
                page.stored_checksum()
            );
            damage::warn(warn(text, "PageIsVerifiedExtended", "bufpage.c", 150), true);
            if tolerance.ignore_checksums && page.has_sane_header() {
                return Ok(());
            }
        }
        let message = format!("invalid page in block {block} of relation {}", rel.path());
        let map = matches!(rel.fork(), Fork::Fsm | Fork::Vm);
        if map || tolerance.zero {
            let text = format!("{message}; zeroing out page");
            damage::warn(warn(text, "ReadBuffer_common", "bufmgr.c", 1044), false);
            page.bytes_mut().fill(0);
            return Ok(());
        }
        Err(Error::new(SqlState::DATA_CORRUPTED, message).place("ReadBuffer_common", "bufmgr.c", 1052))
    }

    #[inline]
    pub(super) fn check_block(&self, rel: &RelFork, block: BlockNo) -> Result<()> {
        if rel.dropped.load(Ordering::Acquire) {
            return Err(missing_file(rel));
        }
        let known = rel.nblocks.load(Ordering::Acquire);
        if block < known && known != super::fork::UNKNOWN || block < self.nblocks(rel)? {
            return Ok(());
        }
        let message = format!(
            "could not read block {block} in file \"{}\": read only 0 of {PAGE_SIZE} bytes",
            rel.file.path_of(block)
        );
        Err(Error::new(SqlState::DATA_CORRUPTED, message).place("mdread", "md.c", 702))
    }

    /// A frame's read latch, if it still holds what the caller expects.
    pub(super) fn latch_if<'a>(&'a self, frame: &'a Frame, tag: &Tag) -> Option<RwLockReadGuard<'a, Slot>> {
        let slot = frame.latch.read();
        slot.tag.as_ref().is_some_and(|t| t.is(&tag.rel, tag.block)).then_some(slot)
    }
}

fn missing_file(rel: &RelFork) -> Error {
    Error::new(SqlState::UNDEFINED_FILE, format!("could not open file \"{}\": No such file or directory", rel.path()))
        .place("mdopenfork", "md.c", 539)
}

impl std::fmt::Debug for BufferPool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "BufferPool({} frames)", self.frames.count())
    }
}
