//! What the frames hold at the moment, for who looks at the pool as a whole.

use super::pool::BufferPool;
use crate::base::{BlockNo, Fork, RelFileId};
use std::sync::atomic::Ordering;

/// A page in its frame.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    pub file: RelFileId,
    pub fork: Fork,
    pub block: BlockNo,
    pub dirty: bool,
    pub usage: u8,
}

impl BufferPool {
    /// What a frame holds; None: nothing, or somebody is just changing that.
    pub fn held(&self, frame: u32) -> Option<Held> {
        if frame >= self.used.load(Ordering::Acquire) {
            return None;
        }
        let frame = self.frames.get(frame);
        let slot = frame.latch.try_read()?;
        let tag = slot.tag.as_ref()?;
        Some(Held {
            file: tag.rel.id(),
            fork: tag.rel.fork(),
            block: tag.block,
            dirty: frame.dirty.load(Ordering::Relaxed),
            usage: frame.usage(),
        })
    }
}
