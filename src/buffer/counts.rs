//! Pages looked at, relation by relation, until the statistics take them over.

use super::fork::RelFork;
use super::{BufferPool, usage};
use crate::base::Oid;
use crate::base::clock::now_us;
use crate::stat::Stats;
use std::sync::atomic::{AtomicI64, AtomicU32, Ordering};

/// One fork's counters, on a cache line of their own: what is read beside them rarely changes.
#[derive(Default)]
#[repr(align(64))]
pub(super) struct Counts {
    hit: AtomicI64,
    read: AtomicI64,
    /// The relation's OID, 0 while nobody has said it: files have numbers of their own.
    pub(super) relation: AtomicU32,
}

/// What was counted for a relation since it was last asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Counted {
    db: Oid,
    /// Invalid: only the database is known.
    relation: Oid,
    hit: i64,
    read: i64,
}

impl RelFork {
    /// A page was found in the pool.
    #[inline]
    pub(super) fn count_hit(&self) {
        usage::hit();
        self.counts.hit.fetch_add(1, Ordering::Relaxed);
    }

    /// The hit counted last was of a page that was read along with others for this very reader, and counted then.
    pub(super) fn uncount_hit(&self) {
        usage::unhit();
        self.counts.hit.fetch_sub(1, Ordering::Relaxed);
    }

    /// Pages were read from the file.
    pub(super) fn count_read(&self, pages: i64) {
        usage::read(pages as u64);
        self.counts.read.fetch_add(pages, Ordering::Relaxed);
    }

    fn take_counts(&self) -> Option<Counted> {
        let take = |n: &AtomicI64| if n.load(Ordering::Relaxed) == 0 { 0 } else { n.swap(0, Ordering::Relaxed) };
        let (hit, read) = (take(&self.counts.hit), take(&self.counts.read));
        let relation = Oid(self.counts.relation.load(Ordering::Relaxed));
        (hit != 0 || read != 0).then_some(Counted { db: self.id().db, relation, hit, read })
    }
}

impl BufferPool {
    /// Hands what was counted since the last call to the shared counters, of relations and of databases.
    pub fn flush_counts(&self, stats: &Stats) {
        for c in self.take_counts() {
            if c.relation.is_valid() {
                stats.update_table(c.db, c.relation, |t| {
                    t.blocks_fetched += c.hit + c.read;
                    t.blocks_hit += c.hit;
                });
            }
            stats.update_database(c.db, |d| {
                d.blocks_fetched += c.hit + c.read;
                d.blocks_hit += c.hit;
            });
        }
    }

    /// The same, unless it was done a moment ago.
    pub fn flush_counts_lately(&self, stats: &Stats) {
        let now = now_us();
        if (now - self.flushed_us.swap(now, Ordering::Relaxed)).abs() > 10_000 {
            self.flush_counts(stats);
        }
    }

    fn take_counts(&self) -> Vec<Counted> {
        let mut all: Vec<Counted> = std::mem::take(&mut *self.gone.lock())
            .into_iter()
            .map(|(db, (hit, read))| Counted { db, relation: Oid::INVALID, hit, read })
            .collect();
        all.extend(self.registry.lock().values().filter_map(|rel| rel.take_counts()));
        all
    }

    /// A file goes: what was counted for it remains the database's. Its relation may have another file already, or be
    /// gone, too.
    pub(super) fn keep_counts(&self, rel: &RelFork) {
        if let Some(c) = rel.take_counts() {
            let mut gone = self.gone.lock();
            let sum = gone.entry(c.db).or_default();
            *sum = (sum.0 + c.hit, sum.1 + c.read);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::{Fork, RelFileId};
    use crate::buffer::Persistence;
    use crate::disk::Simulated;
    use crate::storage::testing::fresh;

    /// Pages count for the relation and its database, once; what a dropped file counted stays the database's.
    #[test]
    fn counts_reach_the_statistics_once() {
        let (storage, stats) = (fresh(&Simulated::new(1), 64), Stats::new());
        let pool = &storage.pool;
        let id = |node| RelFileId::new(Oid(5), Oid(node));
        let rel = pool.open(id(7), Fork::Main, Persistence::Permanent);
        rel.count_for(Oid(16384));
        rel.count_hit();
        rel.count_read(2);
        pool.flush_counts(&stats);
        pool.flush_counts(&stats);
        let t = stats.table(Oid(5), Oid(16384));
        assert_eq!((t.blocks_fetched, t.blocks_hit), (3, 1));
        rel.count_hit();
        pool.keep_counts(&rel);
        pool.flush_counts(&stats);
        assert_eq!(stats.table(Oid(5), Oid(16384)).blocks_hit, 1);
        assert_eq!((stats.database(Oid(5)).blocks_fetched, stats.database(Oid(5)).blocks_hit), (4, 2));
    }
}
