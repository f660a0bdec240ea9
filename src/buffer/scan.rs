//! Reading a fork from one end to the other: copies, several pages a read, a ring for what is not in the pool.

use super::fork::RelFork;
use super::frame::Tag;
use super::pool::BufferPool;
use super::ring::{Ring, RingKind};
use crate::base::{BlockNo, Result};
use crate::page::PAGE_SIZE;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Pages read in one go (128 KiB).
const RUN: u32 = 16;

/// A sequential reader's memory: its ring, if the fork is big.
#[derive(Debug, Default)]
pub struct ScanReader {
    ring: Option<Ring>,
    /// What the last run brought: these pages are counted as read.
    fresh: Range<BlockNo>,
}

impl ScanReader {
    /// A ring is used for forks longer than a quarter of the pool (PostgreSQL 15, heapam.c, initscan: same rule).
    pub fn new(pool: &BufferPool, nblocks: BlockNo) -> ScanReader {
        let big = nblocks > pool.frame_count() / 4;
        ScanReader { ring: big.then(|| Ring::new(pool, RingKind::BulkRead)), fresh: 0..0 }
    }

    /// Copies a page out; on a miss reads the blocks behind it, up to `end`, along with it.
    #[inline]
    pub fn copy(
        &mut self,
        pool: &BufferPool,
        rel: &Arc<RelFork>,
        block: BlockNo,
        end: BlockNo,
        out: &mut [u8],
    ) -> Result<()> {
        if pool.lookup(rel, block).is_none() && end > block + 1 {
            let loaded = pool.load_run(rel, block..end.min(block + RUN), self.ring.as_mut())?;
            self.fresh = block..block + loaded;
        }
        if self.ring.is_none() {
            pool.copy(rel, block, out)?;
        } else {
            let page = pool.read_slow(rel, block, self.ring.as_mut())?;
            out.copy_from_slice(page.bytes());
        }
        if self.fresh.contains(&block) {
            rel.uncount_hit();
        }
        Ok(())
    }
}

impl BufferPool {
    /// Brings the leading blocks of `blocks` that are not in the pool there with one read; says how many.
    pub fn load_run(&self, rel: &Arc<RelFork>, blocks: Range<BlockNo>, mut ring: Option<&mut Ring>) -> Result<u32> {
        self.check_block(rel, blocks.end - 1)?;
        let room = ring.as_ref().map_or(self.frame_count() as usize / 8, |r| r.len() / 2).max(1);
        let mut held = Vec::new();
        for block in blocks.clone().take(room) {
            // BUF-2: all entries are published before the read starts, so nobody else's newer page can be missed.
            let (n, frame, slot) = self.victim(ring.as_deref_mut())?;
            let taken = rel.entry_or_new(block).compare_exchange(0, n + 1, Ordering::AcqRel, Ordering::Acquire);
            if taken.is_err() {
                drop(slot);
                self.free.lock().push(n);
                break;
            }
            held.push((n, frame, slot));
        }
        let mut bytes = vec![0; held.len() * PAGE_SIZE];
        let read = rel.file.read_run(blocks.start, &mut bytes);
        rel.count_read(held.len() as i64);
        let loaded = held.len() as u32;
        for (i, (n, frame, mut slot)) in held.into_iter().enumerate() {
            let block = blocks.start + i as u32;
            slot.page.bytes_mut().copy_from_slice(&bytes[i * PAGE_SIZE..][..PAGE_SIZE]);
            // A damaged page is told when somebody really asks for it.
            if read.is_err() || !slot.page.verify(block, self.checksums) {
                rel.entry_or_new(block).store(0, Ordering::Release);
                drop(slot);
                self.free.lock().push(n);
                continue;
            }
            slot.tag = Some(Tag { rel: rel.clone(), block });
            frame.set_usage(1);
        }
        Ok(loaded)
    }
}
