//! One session's counts that are not shared yet: what was read counts at once, what was written
//! depends on how the transaction and its savepoints end.

use super::counters::{FunctionStats, Stats, TableStats};
use crate::base::Oid;
use hashbrown::HashMap;
use serde::{Deserialize, Serialize};

/// Rows written at one nest level of a transaction.
#[derive(Clone, Copy, Default, Debug, PartialEq, Serialize, Deserialize)]
struct Level {
    nest: u32,
    inserted: i64,
    updated: i64,
    deleted: i64,
    /// TRUNCATE (or DROP) happened: what was written before is kept for a rollback.
    truncated: bool,
    before: (i64, i64, i64),
}

/// One relation's counts in the running transaction.
#[derive(Clone, Default, Debug)]
pub struct PendingTable {
    /// The database, or 0 for a shared relation.
    db: Oid,
    pub scans: i64,
    pub tuples_returned: i64,
    pub tuples_fetched: i64,
    pub blocks_fetched: i64,
    pub blocks_hit: i64,
    inserted: i64,
    updated: i64,
    deleted: i64,
    hot_updated: i64,
    truncated: bool,
    live_delta: i64,
    dead_delta: i64,
    changed: i64,
    levels: Vec<Level>,
}

/// What a prepared transaction has written to a relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Written {
    db: Oid,
    rel: Oid,
    level: Level,
}

/// One session's counts; flushed at each transaction end.
#[derive(Default, Debug)]
pub struct PendingStats {
    db: Oid,
    tables: HashMap<Oid, PendingTable>,
    nest: u32,
    commits: i64,
    rollbacks: i64,
    pub temp_files: i64,
    pub temp_bytes: i64,
    pub deadlocks: i64,
    pub checksum_failures: i64,
    /// Calls of users' functions in this transaction (they are shared already).
    functions: HashMap<Oid, FunctionStats>,
}

impl PendingStats {
    pub fn new(db: Oid) -> PendingStats {
        PendingStats { db, nest: 1, ..Default::default() }
    }

    /// Counts of a relation of this database, to be changed in place.
    pub fn table(&mut self, rel: Oid) -> &mut PendingTable {
        let db = self.db;
        self.tables.entry(rel).or_insert_with(|| PendingTable { db, ..Default::default() })
    }

    /// Counts of a relation that may be shared between databases.
    pub fn relation(&mut self, rel: Oid, shared: bool) -> &mut PendingTable {
        let db = if shared { Oid::INVALID } else { self.db };
        self.tables.entry(rel).or_insert_with(|| PendingTable { db, ..Default::default() })
    }

    /// A sequential or index scan starts.
    pub fn count_scan(&mut self, rel: Oid) {
        self.table(rel).scans += 1;
    }

    pub fn count_insert(&mut self, rel: Oid, rows: u64) {
        let nest = self.nest.max(1);
        self.table(rel).level(nest).inserted += rows as i64;
    }

    pub fn count_update(&mut self, rel: Oid, hot: bool) {
        let nest = self.nest.max(1);
        let table = self.table(rel);
        table.level(nest).updated += 1;
        table.hot_updated += i64::from(hot);
    }

    pub fn count_delete(&mut self, rel: Oid, rows: u64) {
        let nest = self.nest.max(1);
        self.table(rel).level(nest).deleted += rows as i64;
    }

    /// TRUNCATE or DROP: the rows written before are gone, unless it is rolled back.
    pub fn count_truncate(&mut self, rel: Oid) {
        let nest = self.nest.max(1);
        let level = self.table(rel).level(nest);
        if !level.truncated {
            level.before = (level.inserted, level.updated, level.deleted);
            level.truncated = true;
        }
        (level.inserted, level.updated, level.deleted) = (0, 0, 0);
    }

    /// Rows this transaction has inserted and deleted so far: ANALYZE subtracts them, since they are
    /// added at its end.
    pub fn uncommitted(&self, rel: Oid) -> (i64, i64) {
        let levels = self.tables.get(&rel).map_or(&[][..], |t| &t.levels);
        let live = levels.iter().map(|l| l.inserted - l.deleted).sum();
        let dead = levels.iter().map(|l| l.updated + l.deleted).sum();
        (live, dead)
    }

    /// A function of users was called. It counts at once, and for this transaction.
    pub fn count_call(&mut self, stats: &Stats, function: Oid, total_us: i64, self_us: i64) {
        stats.count_call(self.db, function, total_us, self_us);
        let f = self.functions.entry(function).or_default();
        f.calls += 1;
        f.total_us += total_us;
        f.self_us += self_us;
    }

    /// What the running transaction counted for a function; None: it has not called it.
    pub fn counted_function(&self, function: Oid) -> Option<FunctionStats> {
        self.functions.get(&function).copied()
    }

    /// What the running transaction counted for a relation so far (`pg_stat_xact_*`).
    pub fn counted(&self, rel: Oid) -> TableStats {
        let Some(t) = self.tables.get(&rel) else { return TableStats::default() };
        let sum = |f: fn(&Level) -> i64| t.levels.iter().map(f).sum::<i64>();
        TableStats {
            numscans: t.scans,
            tuples_returned: t.tuples_returned,
            tuples_fetched: t.tuples_fetched,
            tuples_inserted: t.inserted + sum(|l| l.inserted),
            tuples_updated: t.updated + sum(|l| l.updated),
            tuples_deleted: t.deleted + sum(|l| l.deleted),
            tuples_hot_updated: t.hot_updated,
            blocks_fetched: t.blocks_fetched,
            blocks_hit: t.blocks_hit,
            ..TableStats::default()
        }
    }

    /// A savepoint begins.
    pub fn enter(&mut self) {
        self.nest += 1;
    }

    /// The innermost savepoint ends: merged into the level below, or rolled back.
    pub fn leave(&mut self, kept: bool) {
        let nest = self.nest;
        for table in self.tables.values_mut() {
            table.leave(nest, kept);
        }
        self.nest = self.nest.saturating_sub(1).max(1);
    }

    /// The transaction ends: everything is added to the shared counters (STAT-1).
    pub fn end_transaction(&mut self, committed: bool, stats: &Stats) {
        self.nest = 1;
        self.functions.clear();
        if committed {
            self.commits += 1;
        } else {
            self.rollbacks += 1;
        }
        for table in self.tables.values_mut() {
            table.end(committed);
        }
        self.flush(stats);
    }

    /// The transaction is prepared: how it ends, and with that what its rows count as, is not known yet.
    pub fn prepare(&mut self, stats: &Stats) -> Vec<Written> {
        self.nest = 1;
        self.functions.clear();
        let mut written = Vec::new();
        for (rel, table) in &mut self.tables {
            let db = table.db;
            written.extend(table.take_level().map(|level| Written { db, rel: *rel, level }));
        }
        self.flush(stats);
        written.sort_by_key(|w| w.rel);
        written
    }

    /// A prepared transaction ends.
    pub fn end_prepared(committed: bool, written: &[Written], stats: &Stats) {
        for w in written {
            let mut table = PendingTable { db: w.db, levels: vec![w.level], ..Default::default() };
            table.end(committed);
            table.flush(w.rel, stats);
        }
    }

    /// Adds what is final to the shared counters; safe in the middle of a transaction, too.
    pub fn flush(&mut self, stats: &Stats) {
        let mut total = PendingTable::default();
        for (rel, table) in &mut self.tables {
            table.flush(*rel, stats);
            total.add(table);
            table.forget_counts();
        }
        self.tables.retain(|_, t| !t.levels.is_empty());
        stats.update_database(self.db, |d| {
            d.xact_commit += std::mem::take(&mut self.commits);
            d.xact_rollback += std::mem::take(&mut self.rollbacks);
            d.temp_files += std::mem::take(&mut self.temp_files);
            d.temp_bytes += std::mem::take(&mut self.temp_bytes);
            d.deadlocks += std::mem::take(&mut self.deadlocks);
            if self.checksum_failures > 0 {
                d.checksum_failures += std::mem::take(&mut self.checksum_failures);
                d.last_checksum_failure_us = crate::base::clock::now_us();
            }
            d.blocks_fetched += total.blocks_fetched;
            d.blocks_hit += total.blocks_hit;
            d.tuples_returned += total.tuples_returned;
            d.tuples_fetched += total.tuples_fetched;
            d.tuples_inserted += total.inserted;
            d.tuples_updated += total.updated;
            d.tuples_deleted += total.deleted;
        });
    }
}

impl PendingTable {
    fn level(&mut self, nest: u32) -> &mut Level {
        if self.levels.last().is_none_or(|l| l.nest < nest) {
            self.levels.push(Level { nest, ..Default::default() });
        }
        let last = self.levels.len() - 1;
        &mut self.levels[last]
    }

    /// PostgreSQL 15, AtEOSubXact_PgStat_Relations.
    fn leave(&mut self, nest: u32, kept: bool) {
        let Some(top) = self.levels.pop_if(|l| l.nest >= nest) else { return };
        if !kept {
            let top = top.rolled_back();
            self.inserted += top.inserted;
            self.updated += top.updated;
            self.deleted += top.deleted;
            self.dead_delta += top.inserted + top.updated;
            return;
        }
        let below = self.level(nest.saturating_sub(1).max(1));
        if top.truncated {
            if !below.truncated {
                below.before = (below.inserted, below.updated, below.deleted);
                below.truncated = true;
            }
            (below.inserted, below.updated, below.deleted) = (top.inserted, top.updated, top.deleted);
        } else {
            below.inserted += top.inserted;
            below.updated += top.updated;
            below.deleted += top.deleted;
        }
    }

    /// All that the transaction has written.
    fn take_level(&mut self) -> Option<Level> {
        while let Some(top) = self.levels.last().filter(|l| l.nest > 1).map(|l| l.nest) {
            self.leave(top, true);
        }
        self.levels.pop()
    }

    /// PostgreSQL 15, AtEOXact_PgStat_Relations.
    fn end(&mut self, committed: bool) {
        while let Some(top) = self.levels.last().filter(|l| l.nest > 1).map(|l| l.nest) {
            self.leave(top, committed);
        }
        let Some(level) = self.levels.pop() else { return };
        let level = if committed { level } else { level.rolled_back() };
        self.inserted += level.inserted;
        self.updated += level.updated;
        self.deleted += level.deleted;
        if committed {
            self.truncated = level.truncated;
            if level.truncated {
                (self.live_delta, self.dead_delta) = (0, 0);
            }
            self.live_delta += level.inserted - level.deleted;
            self.dead_delta += level.updated + level.deleted;
            self.changed += level.inserted + level.updated + level.deleted;
        } else {
            self.dead_delta += level.inserted + level.updated;
        }
    }

    /// PostgreSQL 15, pgstat_relation_flush_cb.
    fn flush(&self, rel: Oid, stats: &Stats) {
        let add = |t: &mut TableStats| {
            t.numscans += self.scans;
            t.tuples_returned += self.tuples_returned;
            t.tuples_fetched += self.tuples_fetched;
            t.tuples_inserted += self.inserted;
            t.tuples_updated += self.updated;
            t.tuples_deleted += self.deleted;
            t.tuples_hot_updated += self.hot_updated;
            if self.truncated {
                (t.live_tuples, t.dead_tuples, t.inserts_since_vacuum) = (0, 0, 0);
            }
            t.live_tuples = (t.live_tuples + self.live_delta).max(0);
            t.dead_tuples = (t.dead_tuples + self.dead_delta).max(0);
            t.changes_since_analyze += self.changed;
            t.inserts_since_vacuum += self.inserted;
            t.blocks_fetched += self.blocks_fetched;
            t.blocks_hit += self.blocks_hit;
        };
        stats.update_table(self.db, rel, add);
    }

    fn add(&mut self, other: &PendingTable) {
        self.tuples_returned += other.tuples_returned;
        self.tuples_fetched += other.tuples_fetched;
        self.blocks_fetched += other.blocks_fetched;
        self.blocks_hit += other.blocks_hit;
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.deleted += other.deleted;
    }

    fn forget_counts(&mut self) {
        *self = PendingTable { db: self.db, levels: std::mem::take(&mut self.levels), ..Default::default() };
    }
}

impl Level {
    /// What remains to be counted when the level is undone: a TRUNCATE in it never happened.
    fn rolled_back(mut self) -> Level {
        if self.truncated {
            (self.inserted, self.updated, self.deleted) = self.before;
            self.truncated = false;
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DB: Oid = Oid(5);
    const T: Oid = Oid(16384);

    /// Committed rows are live, rolled-back ones dead, and both count as written.
    #[test]
    fn outcome_decides() {
        let stats = Stats::new();
        let mut p = PendingStats::new(DB);
        p.count_insert(T, 10);
        p.count_scan(T);
        p.table(T).tuples_returned += 3;
        p.end_transaction(true, &stats);
        p.count_insert(T, 4);
        p.count_update(T, true);
        p.end_transaction(false, &stats);
        p.count_delete(T, 2);
        p.count_update(T, false);
        p.end_transaction(true, &stats);
        let t = stats.table(DB, T);
        assert_eq!((t.live_tuples, t.dead_tuples), (8, 4 + 1 + 2 + 1));
        assert_eq!((t.tuples_inserted, t.tuples_updated, t.tuples_hot_updated, t.tuples_deleted), (14, 2, 1, 2));
        assert_eq!((t.numscans, t.tuples_returned, t.changes_since_analyze), (1, 3, 13));
        let d = stats.database(DB);
        assert_eq!((d.xact_commit, d.xact_rollback, d.tuples_inserted), (2, 1, 14));
    }

    /// A rolled-back savepoint leaves dead rows, a released one counts with its transaction.
    #[test]
    fn savepoints() {
        let stats = Stats::new();
        let mut p = PendingStats::new(DB);
        p.count_insert(T, 1);
        p.enter();
        p.count_insert(T, 10);
        p.leave(false);
        p.enter();
        p.count_insert(T, 100);
        p.leave(true);
        assert_eq!(p.uncommitted(T), (101, 0));
        p.end_transaction(true, &stats);
        let t = stats.table(DB, T);
        assert_eq!((t.live_tuples, t.dead_tuples, t.tuples_inserted), (101, 10, 111));
    }

    /// TRUNCATE forgets the rows before it, and a rollback brings them back as if it never happened.
    #[test]
    fn truncate() {
        let stats = Stats::new();
        let mut p = PendingStats::new(DB);
        p.count_insert(T, 50);
        p.end_transaction(true, &stats);
        p.count_insert(T, 5);
        p.count_truncate(T);
        p.count_insert(T, 7);
        p.end_transaction(false, &stats);
        assert_eq!((stats.table(DB, T).live_tuples, stats.table(DB, T).dead_tuples), (50, 5));
        p.count_truncate(T);
        p.count_insert(T, 7);
        p.end_transaction(true, &stats);
        assert_eq!((stats.table(DB, T).live_tuples, stats.table(DB, T).dead_tuples), (7, 0));
        assert!(p.tables.is_empty());
    }
}
