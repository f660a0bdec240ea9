//! Making room: the clock sweep, and writing a page out. The one way from a frame to the disk.

use super::frame::{Frame, Slot, Tag};
use super::pool::BufferPool;
use super::ring::Ring;
use super::usage;
use crate::base::{Error, Result, SqlState};
use crate::page::{PAGE_SIZE, Page};
use parking_lot::RwLockWriteGuard;
use std::sync::atomic::Ordering;

impl BufferPool {
    /// A free frame under its write latch, without a tag. Never waits for a latch.
    pub(super) fn victim(&self, ring: Option<&mut Ring>) -> Result<(u32, &Frame, RwLockWriteGuard<'_, Slot>)> {
        self.totals.allocated.fetch_add(1, Ordering::Relaxed);
        if let Some(ring) = ring {
            return self.ring_victim(ring);
        }
        if let Some(found) = self.free_frame() {
            return Ok(found);
        }
        let count = self.frames.count();
        // Five turns wear out every usage counter; more only if all frames are latched.
        for _ in 0..count as u64 * 20 {
            let n = (self.hand.fetch_add(1, Ordering::Relaxed) % count as u64) as u32;
            let frame = self.frames.get(n);
            match frame.usage() {
                0 => {}
                used => {
                    frame.set_usage(used - 1);
                    continue;
                }
            }
            let Some(mut slot) = frame.latch.try_write() else { continue };
            if slot.tag.is_none() {
                // On the free list, or just being taken from it.
                continue;
            }
            if frame.dirty.load(Ordering::Relaxed) {
                self.totals.backend.fetch_add(1, Ordering::Relaxed);
            }
            self.evict(frame, &mut slot)?;
            return Ok((n, frame, slot));
        }
        match self.free_frame() {
            Some(found) => Ok(found),
            None => Err(Error::new(SqlState::INSUFFICIENT_RESOURCES, "no unpinned buffers available").place(
                "StrategyGetBuffer",
                "freelist.c",
                358,
            )),
        }
    }

    fn free_frame(&self) -> Option<(u32, &Frame, RwLockWriteGuard<'_, Slot>)> {
        while let Some(n) = self.free.lock().pop() {
            let frame = self.frames.get(n);
            // Whoever put it there has let go or is about to.
            let slot = frame.latch.write();
            if slot.tag.is_none() {
                return Some((n, frame, slot));
            }
        }
        let count = self.frames.count();
        let fresh = self.used.fetch_update(Ordering::AcqRel, Ordering::Acquire, |u| (u < count).then_some(u + 1));
        let n = fresh.ok()?;
        let frame = self.frames.get(n);
        Some((n, frame, frame.latch.write()))
    }

    /// Takes the page out of the frame, written first if it must be.
    pub(super) fn evict(&self, frame: &Frame, slot: &mut Slot) -> Result<()> {
        let Some(tag) = slot.tag.clone() else { return Ok(()) };
        if frame.dirty.load(Ordering::Relaxed) {
            self.write_out(frame, &tag, &slot.page)?;
        }
        slot.tag = None;
        tag.rel.entry_or_new(tag.block).store(0, Ordering::Release);
        Ok(())
    }

    /// Writes a latched page: log first (BUF-3), then the page with its checksum. Clears the dirty flag only
    /// afterwards (BUF-4): whoever finds it clear may rely on the write being done.
    pub(super) fn write_out(&self, frame: &Frame, tag: &Tag, page: &Page) -> Result<()> {
        if page.lsn() > self.wal.durable_lsn() {
            self.wal.flush(page.lsn());
        }
        if !self.checksums || page.is_new() {
            tag.rel.file.write(tag.block, page)?;
        } else {
            let mut copy = page.clone();
            copy.set_checksum(tag.block);
            tag.rel.file.write(tag.block, &copy)?;
        }
        frame.dirty.store(false, Ordering::Release);
        usage::written(1);
        Ok(())
    }

    /// Writes consecutive latched pages in one go.
    pub(super) fn write_run(&self, first: &Tag, pages: &[(&Frame, &Page)]) -> Result<()> {
        if let [(frame, page)] = pages {
            return self.write_out(frame, first, page);
        }
        let newest = pages.iter().map(|(_, p)| p.lsn()).max().unwrap_or_default();
        if newest > self.wal.durable_lsn() {
            self.wal.flush(newest);
        }
        let mut bytes = Vec::with_capacity(pages.len() * PAGE_SIZE);
        for (i, (_, page)) in pages.iter().enumerate() {
            let start = bytes.len();
            bytes.extend_from_slice(page.bytes());
            if self.checksums && !page.is_new() {
                let sum = page.checksum(first.block + i as u32);
                bytes[start + 8..start + 12].copy_from_slice(&sum.to_le_bytes());
            }
        }
        first.rel.file.write_run(first.block, &bytes)?;
        for (frame, _) in pages {
            frame.dirty.store(false, Ordering::Release);
        }
        usage::written(pages.len() as u64);
        Ok(())
    }
}
