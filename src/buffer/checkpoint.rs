//! Writing pages nobody waits for: checkpoints, the background writer, single relations.

use super::fork::{Persistence, RelFork};
use super::frame::{Frame, Slot, Tag};
use super::pool::BufferPool;
use crate::base::{Fork, Result};
use crate::disk::relation::SyncReport;
use parking_lot::RwLockReadGuard;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// At most this many neighbours go out in one write (128 KiB).
const RUN: usize = 16;

/// What is written by [`BufferPool::checkpoint_write`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Which {
    /// Permanent relations: an ordinary checkpoint.
    Permanent,
    /// Unlogged ones as well: at shutdown and at the end of recovery.
    All,
}

/// Counted since the start, for `pg_stat_bgwriter`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    pub checkpoint: u64,
    pub bgwriter: u64,
    pub bgwriter_maxed: u64,
    pub backend: u64,
    pub allocated: u64,
}

impl BufferPool {
    /// Writes all pages that are dirty now, in file and block order; returns how many were written.
    ///
    /// `pace(done, total)` is called between writes; it may sleep, or break off an abandoned checkpoint.
    pub fn checkpoint_write(
        &self,
        which: Which,
        pace: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<usize> {
        let dirty = self.collect(|tag| match tag.rel.persistence() {
            Persistence::Permanent => true,
            Persistence::Unlogged => which == Which::All || tag.rel.is_logged(),
            Persistence::Temp => false,
        });
        let written = self.write_sorted(&dirty, pace)?;
        self.totals.checkpoint.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    /// Makes everything written so far durable.
    ///
    /// # Errors
    /// Of severity PANIC.
    pub fn sync(&self) -> Result<SyncReport> {
        self.relations.sync_pending()
    }

    /// Writes all dirty pages of one fork.
    pub fn flush_relation(&self, rel: &Arc<RelFork>) -> Result<usize> {
        let dirty = self.collect(|tag| Arc::ptr_eq(&tag.rel, rel));
        self.write_sorted(&dirty, &mut |_, _| ControlFlow::Continue(()))
    }

    /// Writes all dirty pages of init forks: recovery copies their files over the unlogged relations'.
    pub fn flush_init_forks(&self) -> Result<usize> {
        let dirty = self.collect(|tag| tag.rel.fork() == Fork::Init);
        self.write_sorted(&dirty, &mut |_, _| ControlFlow::Continue(()))
    }

    /// Writes up to `max` pages that the clock's hand will reach soon; returns how many.
    pub fn bgwriter_round(&self, max: usize) -> Result<usize> {
        let (count, used) = (self.frames.count() as u64, self.used.load(Ordering::Acquire));
        if (used as u64) < count {
            // Nothing is evicted before all frames were used.
            return Ok(0);
        }
        let hand = self.hand.load(Ordering::Relaxed);
        let mut written = 0;
        // Look a tenth of the pool ahead.
        for step in 0..(count / 10).max(16) {
            let frame = self.frames.get(((hand + step) % count) as u32);
            if frame.usage() > 0 || !frame.dirty.load(Ordering::Relaxed) {
                continue;
            }
            let Some(slot) = frame.latch.try_read() else { continue };
            let Some(tag) = &slot.tag else { continue };
            if tag.rel.persistence() == Persistence::Temp || !frame.dirty.load(Ordering::Acquire) {
                continue;
            }
            self.write_out(frame, tag, &slot.page)?;
            written += 1;
            if written >= max {
                self.totals.bgwriter_maxed.fetch_add(1, Ordering::Relaxed);
                break;
            }
        }
        self.totals.bgwriter.fetch_add(written as u64, Ordering::Relaxed);
        Ok(written)
    }

    pub fn written(&self) -> Written {
        let t = &self.totals;
        Written {
            checkpoint: t.checkpoint.load(Ordering::Relaxed),
            bgwriter: t.bgwriter.load(Ordering::Relaxed),
            bgwriter_maxed: t.bgwriter_maxed.load(Ordering::Relaxed),
            backend: t.backend.load(Ordering::Relaxed),
            allocated: t.allocated.load(Ordering::Relaxed),
        }
    }

    /// Dirty pages the caller wants, in file and block order.
    fn collect(&self, wanted: impl Fn(&Tag) -> bool) -> Vec<(Tag, u32)> {
        let mut found = Vec::new();
        for n in 0..self.used.load(Ordering::Acquire) {
            let frame = self.frames.get(n);
            if !frame.dirty.load(Ordering::Acquire) {
                continue;
            }
            // Waits for whoever is just changing the page.
            let slot = frame.latch.read();
            if let Some(tag) = slot.tag.as_ref().filter(|t| wanted(t)) {
                found.push((tag.clone(), n));
            }
        }
        found.sort_unstable_by_key(|(t, _)| (t.rel.id().db, t.rel.id().node, t.rel.fork() as u8, t.block));
        found
    }

    fn write_sorted(
        &self,
        dirty: &[(Tag, u32)],
        pace: &mut dyn FnMut(usize, usize) -> ControlFlow<()>,
    ) -> Result<usize> {
        let (mut at, mut written) = (0, 0);
        while at < dirty.len() {
            let (seen, wrote) = self.write_neighbours(&dirty[at..])?;
            at += seen;
            written += wrote;
            if pace(at, dirty.len()).is_break() {
                break;
            }
        }
        Ok(written)
    }

    /// Writes the first page and those directly behind it; returns how many entries are done, how many written.
    fn write_neighbours(&self, dirty: &[(Tag, u32)]) -> Result<(usize, usize)> {
        let (first, n) = &dirty[0];
        let frame = self.frames.get(*n);
        let Some(slot) = self.latch_if(frame, first).filter(|_| frame.dirty.load(Ordering::Acquire)) else {
            return Ok((1, 0));
        };
        let mut run: Vec<(&Frame, RwLockReadGuard<'_, Slot>)> = vec![(frame, slot)];
        for (i, (tag, n)) in dirty.iter().enumerate().take(RUN).skip(1) {
            if !Arc::ptr_eq(&tag.rel, &first.rel) || tag.block != first.block + i as u32 {
                break;
            }
            let frame = self.frames.get(*n);
            // Only the first latch may be waited for: whoever holds this one might wait for that one.
            let Some(slot) = frame.latch.try_read() else { break };
            let ours = slot.tag.as_ref().is_some_and(|t| t.is(&tag.rel, tag.block));
            if !ours || !frame.dirty.load(Ordering::Acquire) {
                break;
            }
            run.push((frame, slot));
        }
        let pages: Vec<_> = run.iter().map(|(f, s)| (*f, &s.page)).collect();
        self.write_run(first, &pages)?;
        Ok((run.len(), run.len()))
    }
}
