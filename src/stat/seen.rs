//! What a transaction sees of the counters: whether what it has looked at once stays as it was.
//!
//! PostgreSQL 15, pgstat.c: same three ways (`stats_fetch_consistency`).

use super::Stats;
use super::counters::{ArchiverStats, BgwriterStats, DatabaseStats, FunctionStats, RelationKey, TableStats, WalStats};
use crate::base::{Oid, clock::now_us};
use hashbrown::HashMap;
use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

/// `stats_fetch_consistency`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Consistency {
    /// Counters are read where they stand.
    None,
    /// What was looked at stays until the transaction ends.
    Cache,
    /// With the first look all are copied.
    Snapshot,
}

impl Consistency {
    pub fn named(name: &str) -> Consistency {
        match name {
            "none" => Consistency::None,
            "snapshot" => Consistency::Snapshot,
            _ => Consistency::Cache,
        }
    }
}

/// What one session keeps until its transaction ends.
#[derive(Default)]
pub struct Seen(Mutex<Kept>);

#[derive(Default)]
struct Kept {
    tables: HashMap<RelationKey, TableStats>,
    databases: HashMap<Oid, DatabaseStats>,
    functions: HashMap<RelationKey, Option<FunctionStats>>,
    bgwriter: Option<BgwriterStats>,
    wal: Option<WalStats>,
    archiver: Option<ArchiverStats>,
    /// When all were copied.
    taken_us: Option<i64>,
    filled: bool,
}

impl Seen {
    /// The transaction is over, or `pg_stat_clear_snapshot()` was called.
    pub fn clear(&self) {
        let mut kept = self.0.lock();
        if kept.filled {
            *kept = Kept::default();
        }
    }

    /// When a snapshot was taken, if there is one.
    pub fn taken_us(&self) -> Option<i64> {
        self.0.lock().taken_us
    }
}

/// The counters as a session sees them.
pub struct Counted {
    stats: Arc<Stats>,
    seen: Arc<Seen>,
    how: Consistency,
}

impl Counted {
    /// Of one database and what all share.
    pub fn new(stats: Arc<Stats>, seen: Arc<Seen>, how: Consistency, db: Oid) -> Counted {
        if how == Consistency::Snapshot {
            let mut kept = seen.0.lock();
            if kept.taken_us.is_none() {
                *kept = copy(&stats, db);
            }
        }
        Counted { stats, seen, how }
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        let mut kept = self.seen.0.lock();
        kept.filled = true;
        kept
    }

    fn is_snapshot(&self) -> bool {
        self.how == Consistency::Snapshot
    }

    pub fn table(&self, db: Oid, rel: Oid) -> TableStats {
        match self.how {
            Consistency::None => self.stats.table(db, rel),
            Consistency::Cache => *self.kept().tables.entry((db, rel)).or_insert_with(|| self.stats.table(db, rel)),
            Consistency::Snapshot => self.kept().tables.get(&(db, rel)).copied().unwrap_or_default(),
        }
    }

    pub fn database(&self, db: Oid) -> DatabaseStats {
        match self.how {
            Consistency::None => self.stats.database(db),
            Consistency::Cache => *self.kept().databases.entry(db).or_insert_with(|| self.stats.database(db)),
            Consistency::Snapshot => self.kept().databases.get(&db).copied().unwrap_or_default(),
        }
    }

    /// None: it was never called.
    pub fn function(&self, db: Oid, function: Oid) -> Option<FunctionStats> {
        match self.how {
            Consistency::None => self.stats.function(db, function),
            Consistency::Cache => {
                *self.kept().functions.entry((db, function)).or_insert_with(|| self.stats.function(db, function))
            }
            Consistency::Snapshot => self.kept().functions.get(&(db, function)).copied().flatten(),
        }
    }

    pub fn bgwriter(&self) -> BgwriterStats {
        match self.how {
            Consistency::None => self.stats.bgwriter(),
            _ => *self.kept().bgwriter.get_or_insert_with(|| self.stats.bgwriter()),
        }
    }

    pub fn wal(&self) -> WalStats {
        match self.how {
            Consistency::None => self.stats.wal(),
            _ => *self.kept().wal.get_or_insert_with(|| self.stats.wal()),
        }
    }

    pub fn archiver(&self) -> ArchiverStats {
        match self.how {
            Consistency::None => self.stats.archiver(),
            _ => self.kept().archiver.get_or_insert_with(|| self.stats.archiver()).clone(),
        }
    }

    /// Whether anything was counted for a relation.
    pub fn has_table(&self, db: Oid, rel: Oid) -> bool {
        if self.is_snapshot() { self.kept().tables.contains_key(&(db, rel)) } else { self.stats.has_table(db, rel) }
    }
}

fn copy(stats: &Stats, db: Oid) -> Kept {
    let mut kept = Kept { filled: true, taken_us: Some(now_us()), ..Kept::default() };
    for of in [db, Oid::INVALID] {
        kept.tables.extend(stats.tables_of(of).into_iter().map(|(rel, t)| ((of, rel), t)));
        kept.functions.extend(stats.functions_of(of).into_iter().map(|(oid, f)| ((of, oid), Some(f))));
    }
    kept.databases = stats.databases();
    kept.bgwriter = Some(stats.bgwriter());
    kept.wal = Some(stats.wal());
    kept.archiver = Some(stats.archiver());
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: Oid = Oid(5);

    /// What was looked at stays, in a snapshot what was not, too, until it is cleared.
    #[test]
    fn three_ways() {
        let stats = Arc::new(Stats::new());
        let count = |rel| stats.update_table(DB, Oid(rel), |t| t.numscans += 1);
        let look = |seen: &Arc<Seen>, how, rel| {
            Counted::new(stats.clone(), seen.clone(), how, DB).table(DB, Oid(rel)).numscans
        };
        let (none, cache, snapshot) = (Arc::default(), Arc::default(), Arc::default());
        let all = |rel| {
            [(&none, Consistency::None), (&cache, Consistency::Cache), (&snapshot, Consistency::Snapshot)]
                .map(|(seen, how)| look(seen, how, rel))
        };
        count(1);
        assert_eq!(all(1), [1, 1, 1]);
        count(1);
        count(2);
        assert_eq!((all(1), all(2)), ([2, 1, 1], [1, 1, 0]));
        assert!(snapshot.taken_us().is_some() && cache.taken_us().is_none());
        cache.clear();
        snapshot.clear();
        assert_eq!((all(1), all(2)), ([2, 2, 2], [1, 1, 1]));
    }
}
