//! A fork's length: how it grows, shrinks and goes.
//!
//! Files grow in bigger steps than blocks are handed out, so that a bulk load asks the file system seldom; the length
//! everybody sees counts only blocks handed out. Zero pages at a file's end are room, not contents: no access method
//! leaves a page zero once it used it, except maps, where zero says "nothing known".

use super::fork::{Persistence, RelFork, UNKNOWN};
use super::pool::BufferPool;
use crate::base::{BlockNo, Fork, RelFileId, Result};
use crate::page::Page;
use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Files grow by an eighth of their length, at most by this many blocks (1 MiB).
const MAX_STEP: u32 = 128;

impl BufferPool {
    /// Makes the fork's empty file. `if_missing` (redo) accepts one that is there.
    pub fn create(&self, rel: &RelFork, if_missing: bool) -> Result<()> {
        let _extending = rel.extending.lock();
        let fresh = !if_missing || !rel.file.exists();
        rel.file.create(if_missing)?;
        if fresh {
            rel.allocated.store(0, Ordering::Release);
            rel.nblocks.store(0, Ordering::Release);
        }
        Ok(())
    }

    /// The fork's length in blocks; 0 for a map that has no file yet.
    #[inline]
    pub fn nblocks(&self, rel: &RelFork) -> Result<BlockNo> {
        match rel.nblocks.load(Ordering::Acquire) {
            UNKNOWN => {
                let _extending = rel.extending.lock();
                self.learn_length(rel)
            }
            n => Ok(n),
        }
    }

    /// Called under `extending`.
    fn learn_length(&self, rel: &RelFork) -> Result<BlockNo> {
        let known = rel.nblocks.load(Ordering::Acquire);
        if known != UNKNOWN {
            return Ok(known);
        }
        if matches!(rel.fork(), Fork::Fsm | Fork::Vm) && !rel.file.exists() {
            // Made by `extend_to` when first needed.
            rel.nblocks.store(0, Ordering::Release);
            return Ok(0);
        }
        let allocated = rel.file.nblocks()?;
        let mut n = allocated;
        let mut page = Page::boxed();
        while n > 0 {
            rel.file.read(n - 1, &mut page)?;
            if !page.is_zero() {
                break;
            }
            n -= 1;
        }
        rel.allocated.store(allocated, Ordering::Release);
        rel.opened.store(n, Ordering::Release);
        rel.nblocks.store(n, Ordering::Release);
        Ok(n)
    }

    /// Hands out `n` fresh zero blocks at the end, whose disk space is there.
    ///
    /// # Errors
    /// 53100 if the disk is full; nothing was handed out then.
    pub fn extend(&self, rel: &RelFork, n: u32) -> Result<Range<BlockNo>> {
        let _extending = rel.extending.lock();
        let start = self.learn_length(rel)?;
        self.grow(rel, start, start + n)?;
        rel.nblocks.store(start + n, Ordering::Release);
        Ok(start..start + n)
    }

    /// Makes the fork at least `blocks` long: redo and maps. Creates a map's file.
    pub fn extend_to(&self, rel: &RelFork, blocks: BlockNo) -> Result<()> {
        let known = rel.nblocks.load(Ordering::Acquire);
        if known != UNKNOWN && known >= blocks {
            return Ok(());
        }
        let _extending = rel.extending.lock();
        if rel.fork() != Fork::Main && !rel.file.exists() {
            rel.file.create(true)?;
        }
        let start = self.learn_length(rel)?;
        if start < blocks {
            self.grow(rel, start, blocks)?;
            rel.nblocks.store(blocks, Ordering::Release);
        }
        Ok(())
    }

    /// Makes the file long enough for `end` blocks, with something to spare.
    fn grow(&self, rel: &RelFork, start: BlockNo, end: BlockNo) -> Result<()> {
        let allocated = rel.allocated.load(Ordering::Acquire);
        if end <= allocated {
            return Ok(());
        }
        let spare = if rel.fork() == Fork::Main { (start / 8).min(MAX_STEP) } else { 0 };
        let want = end + spare;
        if spare > 0 && rel.file.extend(allocated, want - allocated).is_ok() {
            rel.allocated.store(want, Ordering::Release);
            return Ok(());
        }
        // A nearly full disk may still have room for exactly what is needed.
        rel.file.extend(allocated, end - allocated)?;
        rel.allocated.store(end, Ordering::Release);
        Ok(())
    }

    /// Cuts the fork; the caller holds a lock that keeps everybody else out.
    pub fn truncate(&self, rel: &RelFork, blocks: BlockNo) -> Result<()> {
        let _extending = rel.extending.lock();
        let old = self.learn_length(rel)?;
        if blocks < old {
            self.forget(rel, blocks..old);
            rel.opened.fetch_min(blocks, Ordering::Relaxed);
            rel.nblocks.store(blocks, Ordering::Release);
        }
        rel.hint.store(0, Ordering::Relaxed);
        if rel.allocated.load(Ordering::Acquire) > blocks {
            rel.file.truncate(blocks)?;
            rel.allocated.store(blocks, Ordering::Release);
        }
        Ok(())
    }

    /// Gives back the room beyond the last block handed out: at a clean end.
    pub fn trim_files(&self) -> Result<()> {
        let all: Vec<Arc<RelFork>> = self.registry.lock().values().cloned().collect();
        for rel in all {
            let _extending = rel.extending.lock();
            let n = rel.nblocks.load(Ordering::Acquire);
            if n != UNKNOWN && rel.allocated.load(Ordering::Acquire) > n && rel.exists() {
                rel.file.truncate(n)?;
                rel.allocated.store(n, Ordering::Release);
            }
        }
        Ok(())
    }

    /// Removes all forks of a relation, pages and files. Missing ones are fine.
    pub fn drop_relation(&self, id: RelFileId) -> Result<()> {
        for fork in Fork::ALL {
            let rel = self.open(id, fork, Persistence::Permanent);
            rel.dropped.store(true, Ordering::Release);
            self.keep_counts(&rel);
            self.forget_all(&rel);
            self.registry.lock().remove(&(id, fork));
            rel.file.unlink()?;
        }
        Ok(())
    }

    /// Forgets all pages and handles of a database that is dropped; its files are the caller's.
    pub fn drop_database(&self, db: crate::base::Oid) {
        self.forget_forks(|id, _| id.db == db);
    }

    /// Forgets all pages and handles of an unlogged relation that recovery is about to reset. Redo may have made its
    /// files and known them as empty and permanent; the init fork stays.
    pub fn forget_unlogged(&self, relations: &BTreeSet<RelFileId>) {
        self.forget_forks(|id, fork| fork != Fork::Init && relations.contains(&id));
    }

    fn forget_forks(&self, ours: impl Fn(RelFileId, Fork) -> bool) {
        let gone: Vec<Arc<RelFork>> = {
            let mut registry = self.registry.lock();
            let mut gone = Vec::new();
            registry.retain(|(id, fork), rel| {
                let ours = ours(*id, *fork);
                if ours {
                    gone.push(rel.clone());
                }
                !ours
            });
            gone
        };
        for rel in gone {
            rel.dropped.store(true, Ordering::Release);
            self.keep_counts(&rel);
            self.forget_all(&rel);
            rel.file.close();
        }
    }

    fn forget_all(&self, rel: &RelFork) {
        let n = rel.nblocks.load(Ordering::Acquire);
        if n != UNKNOWN {
            self.forget(rel, 0..n);
        }
    }

    /// Throws pages away unwritten.
    fn forget(&self, rel: &RelFork, blocks: Range<BlockNo>) {
        for block in blocks {
            let Some(entry) = rel.entry(block) else { continue };
            let n = entry.load(Ordering::Acquire);
            if n == 0 {
                continue;
            }
            let frame = self.frames.get(n - 1);
            let mut slot = frame.latch.write();
            if !slot.tag.as_ref().is_some_and(|t| t.is(rel, block)) {
                continue;
            }
            slot.tag = None;
            frame.dirty.store(false, Ordering::Release);
            frame.set_usage(0);
            entry.store(0, Ordering::Release);
            drop(slot);
            self.free.lock().push(n - 1);
        }
    }
}
