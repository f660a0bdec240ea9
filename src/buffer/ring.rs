//! A few frames reused in turn, so that one big scan does not empty the pool for everybody else.
//!
//! PostgreSQL 15, freelist.c, GetAccessStrategy: same sizes (256 KiB to read and to vacuum, 16 MiB to write in bulk,
//! never more than an eighth of the pool).

use super::frame::{Frame, Slot};
use super::pool::BufferPool;
use crate::base::Result;
use parking_lot::RwLockWriteGuard;

/// What a ring is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RingKind {
    BulkRead,
    BulkWrite,
    Vacuum,
}

#[derive(Debug)]
pub struct Ring {
    frames: Vec<u32>,
    next: usize,
    size: usize,
}

impl Ring {
    pub fn new(pool: &BufferPool, kind: RingKind) -> Ring {
        let wanted = match kind {
            RingKind::BulkRead | RingKind::Vacuum => 32,
            RingKind::BulkWrite => 2048,
        };
        Ring { frames: Vec::new(), next: 0, size: wanted.min(pool.frame_count() as usize / 8).max(1) }
    }
}

impl Ring {
    pub(super) fn len(&self) -> usize {
        self.size
    }
}

impl BufferPool {
    /// The ring's next frame, if nobody else took an interest in it.
    pub(super) fn ring_victim(&self, ring: &mut Ring) -> Result<(u32, &Frame, RwLockWriteGuard<'_, Slot>)> {
        if ring.frames.len() < ring.size {
            let victim = self.victim(None)?;
            ring.frames.push(victim.0);
            return Ok(victim);
        }
        let at = ring.next;
        ring.next = (at + 1) % ring.size;
        let n = ring.frames[at];
        let frame = self.frames.get(n);
        if frame.usage() <= 1
            && let Some(mut slot) = frame.latch.try_write()
            && slot.tag.is_some()
        {
            self.evict(frame, &mut slot)?;
            return Ok((n, frame, slot));
        }
        let victim = self.victim(None)?;
        ring.frames[at] = victim.0;
        Ok(victim)
    }
}
