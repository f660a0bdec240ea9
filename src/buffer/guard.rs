//! A latched page.

use super::fork::RelFork;
use super::frame::{Frame, Slot, Tag};
use crate::base::BlockNo;
use crate::page::Page;
use parking_lot::{RwLockReadGuard, RwLockWriteGuard};
use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// A page nobody can change as long as this lives.
pub struct ReadGuard<'a>(pub(super) RwLockReadGuard<'a, Slot>);

/// A page that is ours alone as long as this lives. Changes count only after [`mark_dirty`](Self::mark_dirty).
pub struct WriteGuard<'a> {
    pub(super) slot: RwLockWriteGuard<'a, Slot>,
    pub(super) frame: &'a Frame,
}

impl Deref for ReadGuard<'_> {
    type Target = Page;
    #[inline]
    fn deref(&self) -> &Page {
        &self.0.page
    }
}

impl Deref for WriteGuard<'_> {
    type Target = Page;
    #[inline]
    fn deref(&self) -> &Page {
        &self.slot.page
    }
}

impl DerefMut for WriteGuard<'_> {
    #[inline]
    fn deref_mut(&mut self) -> &mut Page {
        &mut self.slot.page
    }
}

impl WriteGuard<'_> {
    /// Tells the pool to write the page before it forgets it. Before the log record, never after (BUF-3).
    #[inline]
    pub fn mark_dirty(&mut self) {
        if !self.frame.dirty.swap(true, Ordering::Relaxed) {
            super::usage::dirtied();
        }
    }

    pub fn is_dirty(&self) -> bool {
        self.frame.dirty.load(Ordering::Relaxed)
    }

    fn tag(&self) -> &Tag {
        // A guard is only made over a tagged slot, and nobody but its holder can change the tag.
        self.slot.tag.as_ref().expect("BUF-1")
    }

    pub fn block(&self) -> BlockNo {
        self.tag().block
    }

    pub fn rel(&self) -> &Arc<RelFork> {
        &self.tag().rel
    }
}
