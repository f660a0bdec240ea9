//! Frames: a page, whose it is, and the latch over both. Allocated in small chunks as the pool fills.

use super::fork::RelFork;
use crate::base::BlockNo;
use crate::page::Page;
use parking_lot::RwLock;
use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Arc, OnceLock};

/// Frames per allocation (512 KiB of pages).
const CHUNK: usize = 64;
/// PostgreSQL 15, buf_internals.h, BM_MAX_USAGE_COUNT: same bound.
const MAX_USAGE: u8 = 5;

/// Whose page a frame holds.
#[derive(Clone, Debug)]
pub(super) struct Tag {
    pub rel: Arc<RelFork>,
    pub block: BlockNo,
}

impl Tag {
    #[inline]
    pub fn is(&self, rel: &RelFork, block: BlockNo) -> bool {
        self.block == block && std::ptr::eq(&*self.rel, rel)
    }
}

/// What the latch protects. Without a tag the frame is free.
pub(super) struct Slot {
    pub tag: Option<Tag>,
    pub page: Page,
}

#[repr(align(64))]
pub(super) struct Frame {
    pub latch: RwLock<Slot>,
    usage: AtomicU8,
    /// Set under the write latch; cleared under either latch after the page was written (BUF-4).
    pub dirty: AtomicBool,
}

impl Frame {
    fn new() -> Frame {
        Frame {
            latch: RwLock::new(Slot { tag: None, page: Page::default() }),
            usage: AtomicU8::new(0),
            dirty: AtomicBool::new(false),
        }
    }

    /// Stored only when it changes: hot pages' cache lines stay shared.
    #[inline]
    pub fn touch(&self) {
        let usage = self.usage.load(Ordering::Relaxed);
        if usage < MAX_USAGE {
            self.usage.store(usage + 1, Ordering::Relaxed);
        }
    }

    pub fn usage(&self) -> u8 {
        self.usage.load(Ordering::Relaxed)
    }

    pub fn set_usage(&self, usage: u8) {
        self.usage.store(usage, Ordering::Relaxed);
    }
}

/// All frames by number.
pub(super) struct Frames {
    chunks: Box<[OnceLock<Box<[Frame]>>]>,
    count: u32,
}

impl Frames {
    pub fn new(count: u32) -> Frames {
        Frames { chunks: (0..count.div_ceil(CHUNK as u32)).map(|_| OnceLock::new()).collect(), count }
    }

    pub fn count(&self) -> u32 {
        self.count
    }

    #[inline]
    pub fn get(&self, n: u32) -> &Frame {
        let chunk = &self.chunks[n as usize / CHUNK];
        let chunk = chunk.get_or_init(|| (0..CHUNK).map(|_| Frame::new()).collect());
        &chunk[n as usize % CHUNK]
    }
}
