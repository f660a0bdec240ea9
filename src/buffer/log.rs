//! Logging a page change.

use super::guard::WriteGuard;
use super::pool::BufferPool;
use crate::base::{Lsn, Xid};
use crate::wal::record::xlog;
use crate::wal::{BlockMode, BlockRef, Record, Rmgr};
use smallvec::SmallVec;

impl BufferPool {
    /// Marks the pages, all of one relation's persistence, dirty; if they are logged, inserts the record and stamps
    /// them with its end, which is returned. Call it in the critical section, after `wal.reserve`.
    pub fn log(
        &self,
        rmgr: Rmgr,
        info: u8,
        xid: Xid,
        pages: &mut [(&mut WriteGuard<'_>, BlockMode)],
        data: &[&[u8]],
    ) -> Lsn {
        let mut logged = true;
        for (page, _) in pages.iter_mut() {
            // BUF-3: before the record, so that a checkpoint that starts behind the record finds the page dirty.
            page.mark_dirty();
            logged &= page.rel().is_logged();
        }
        if !logged {
            return Lsn::INVALID;
        }
        let blocks: SmallVec<[BlockRef<'_>; 4]> = pages
            .iter()
            .map(|(page, mode)| BlockRef {
                file: page.rel().id(),
                fork: page.rel().fork(),
                block: page.block(),
                page,
                mode: *mode,
            })
            .collect();
        let inserted = self.wal.insert(&Record { rmgr, info, xid, blocks: &blocks, data });
        drop(blocks);
        for (page, _) in pages.iter_mut() {
            page.set_lsn(inserted.end);
        }
        inserted.end
    }

    /// Marks a page dirty over a change that may be lost, such as a hint.
    ///
    /// With checksums on, a torn write of such a page could not be told from damage: the first such change after a
    /// checkpoint logs the whole page (PostgreSQL 15, bufmgr.c, MarkBufferDirtyHint: same rule). Returns false, and
    /// the caller must not change the page, if that is impossible now (in recovery). Call it before the change.
    #[must_use]
    pub fn may_hint(&self, page: &WriteGuard<'_>) -> bool {
        !page.rel().is_logged() || !self.checksums || self.wal.is_started()
    }

    /// After the change that [`may_hint`](Self::may_hint) allowed. `reserve` must have been called.
    pub fn mark_hint(&self, page: &mut WriteGuard<'_>) {
        let clean = !page.is_dirty();
        page.mark_dirty();
        let image = clean
            && self.checksums
            && page.rel().is_logged()
            && self.wal.full_page_writes()
            && page.lsn() <= self.wal.redo_lsn();
        if image {
            self.log(Rmgr::Xlog, xlog::FPI, Xid::INVALID, &mut [(page, BlockMode::Image)], &[]);
        }
    }
}
