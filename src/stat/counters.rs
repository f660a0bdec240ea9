//! The shared cumulative counters: per table and index, database, function, and for the whole server.

use crate::base::{Oid, clock::now_us};
use hashbrown::HashMap;
use parking_lot::Mutex;

/// One table or index. Times are microseconds since 1970, 0 for never.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct TableStats {
    pub numscans: i64,
    pub tuples_returned: i64,
    pub tuples_fetched: i64,
    pub tuples_inserted: i64,
    pub tuples_updated: i64,
    pub tuples_deleted: i64,
    pub tuples_hot_updated: i64,
    pub live_tuples: i64,
    pub dead_tuples: i64,
    pub changes_since_analyze: i64,
    pub inserts_since_vacuum: i64,
    pub blocks_fetched: i64,
    pub blocks_hit: i64,
    pub vacuum_time_us: i64,
    pub vacuum_count: i64,
    pub autovacuum_time_us: i64,
    pub autovacuum_count: i64,
    pub analyze_time_us: i64,
    pub analyze_count: i64,
    pub autoanalyze_time_us: i64,
    pub autoanalyze_count: i64,
}

/// One database; database 0 counts the shared relations.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct DatabaseStats {
    pub xact_commit: i64,
    pub xact_rollback: i64,
    pub blocks_fetched: i64,
    pub blocks_hit: i64,
    pub tuples_returned: i64,
    pub tuples_fetched: i64,
    pub tuples_inserted: i64,
    pub tuples_updated: i64,
    pub tuples_deleted: i64,
    pub last_autovac_us: i64,
    pub conflicts: i64,
    pub deadlocks: i64,
    pub temp_files: i64,
    pub temp_bytes: i64,
    pub checksum_failures: i64,
    pub last_checksum_failure_us: i64,
    /// Microseconds spent reading and writing blocks (`track_io_timing`).
    pub block_read_us: i64,
    pub block_write_us: i64,
    pub sessions: i64,
    pub session_us: i64,
    pub active_us: i64,
    pub idle_in_transaction_us: i64,
    pub sessions_abandoned: i64,
    pub sessions_fatal: i64,
    pub sessions_killed: i64,
    pub reset_us: i64,
}

/// One user-defined function.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct FunctionStats {
    pub calls: i64,
    pub total_us: i64,
    pub self_us: i64,
}

/// The background writer and the checkpointer.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct BgwriterStats {
    pub checkpoints_timed: i64,
    pub checkpoints_requested: i64,
    pub checkpoint_write_us: i64,
    pub checkpoint_sync_us: i64,
    pub buffers_checkpoint: i64,
    pub buffers_clean: i64,
    pub maxwritten_clean: i64,
    pub buffers_backend: i64,
    pub buffers_backend_fsync: i64,
    pub buffers_alloc: i64,
    pub reset_us: i64,
}

/// The write-ahead log.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
pub struct WalStats {
    pub records: i64,
    pub full_page_images: i64,
    pub bytes: i64,
    pub buffers_full: i64,
    pub writes: i64,
    pub syncs: i64,
    pub write_us: i64,
    pub sync_us: i64,
    pub reset_us: i64,
}

/// The archiver.
#[derive(Clone, Default, PartialEq, Debug)]
pub struct ArchiverStats {
    pub archived_count: i64,
    pub last_archived_wal: String,
    pub last_archived_us: i64,
    pub failed_count: i64,
    pub last_failed_wal: String,
    pub last_failed_us: i64,
    pub reset_us: i64,
}

/// The names of `pg_stat_slru`, in their order.
pub const SLRU_NAMES: [&str; 8] =
    ["CommitTs", "MultiXactMember", "MultiXactOffset", "Notify", "Serial", "Subtrans", "Xact", "other"];

/// A database and a relation in it; database 0 for shared relations.
pub type RelationKey = (Oid, Oid);

const SHARDS: usize = 16;

/// All counters of the server.
pub struct Stats {
    pub(super) tables: [Mutex<HashMap<RelationKey, TableStats>>; SHARDS],
    pub(super) databases: Mutex<HashMap<Oid, DatabaseStats>>,
    pub(super) functions: Mutex<HashMap<RelationKey, FunctionStats>>,
    pub(super) bgwriter: Mutex<BgwriterStats>,
    pub(super) wal: Mutex<WalStats>,
    pub(super) archiver: Mutex<ArchiverStats>,
    /// When each line of `pg_stat_slru` was set back.
    slru_resets: Mutex<[i64; SLRU_NAMES.len()]>,
    /// What statements have cost, if anybody counts it.
    pub(super) statements: std::sync::OnceLock<std::sync::Arc<super::Statements>>,
    /// Where `pg_stat_get_snapshot` and the views of sessions come from.
    pub activity: super::Activity,
}

impl Default for Stats {
    fn default() -> Stats {
        let now = now_us();
        Stats {
            tables: std::array::from_fn(|_| Mutex::default()),
            databases: Mutex::default(),
            functions: Mutex::default(),
            bgwriter: Mutex::new(BgwriterStats { reset_us: now, ..Default::default() }),
            wal: Mutex::new(WalStats { reset_us: now, ..Default::default() }),
            archiver: Mutex::new(ArchiverStats { reset_us: now, ..Default::default() }),
            slru_resets: Mutex::new([now; SLRU_NAMES.len()]),
            statements: std::sync::OnceLock::new(),
            activity: super::Activity::new(),
        }
    }
}

impl Stats {
    pub fn new() -> Stats {
        Stats::default()
    }

    /// From now on the cost of statements is counted.
    pub fn count_statements(&self, max: usize) {
        let _ = self.statements.set(std::sync::Arc::new(super::Statements::new(max)));
    }

    pub fn statements(&self) -> Option<&std::sync::Arc<super::Statements>> {
        self.statements.get()
    }

    pub(super) fn shard(&self, key: RelationKey) -> &Mutex<HashMap<RelationKey, TableStats>> {
        &self.tables[(key.1.0 as usize ^ key.0.0 as usize) % SHARDS]
    }

    /// One relation's counters; zeroes if it was never touched.
    pub fn table(&self, db: Oid, rel: Oid) -> TableStats {
        self.shard((db, rel)).lock().get(&(db, rel)).copied().unwrap_or_default()
    }

    /// Whether anything was ever counted for a relation: autovacuum skips those without.
    pub fn has_table(&self, db: Oid, rel: Oid) -> bool {
        self.shard((db, rel)).lock().contains_key(&(db, rel))
    }

    /// All relations counted in a database.
    pub fn tables_of(&self, db: Oid) -> Vec<(Oid, TableStats)> {
        let mut all = Vec::new();
        for shard in &self.tables {
            all.extend(shard.lock().iter().filter(|(k, _)| k.0 == db).map(|(k, t)| (k.1, *t)));
        }
        all
    }

    pub fn update_table(&self, db: Oid, rel: Oid, change: impl FnOnce(&mut TableStats)) {
        change(self.shard((db, rel)).lock().entry((db, rel)).or_default());
    }

    /// VACUUM is done. PostgreSQL 15, pgstat_report_vacuum.
    pub fn report_vacuum(&self, db: Oid, rel: Oid, live: i64, dead: i64, auto: bool) {
        let now = now_us();
        self.update_table(db, rel, |t| {
            t.live_tuples = live;
            t.dead_tuples = dead;
            t.inserts_since_vacuum = 0;
            if auto {
                t.autovacuum_time_us = now;
                t.autovacuum_count += 1;
            } else {
                t.vacuum_time_us = now;
                t.vacuum_count += 1;
            }
        });
    }

    /// ANALYZE is done. PostgreSQL 15, pgstat_report_analyze: the caller has subtracted what its own
    /// transaction will still add.
    pub fn report_analyze(&self, db: Oid, rel: Oid, live: i64, dead: i64, reset_changes: bool, auto: bool) {
        let now = now_us();
        self.update_table(db, rel, |t| {
            t.live_tuples = live.max(0);
            t.dead_tuples = dead.max(0);
            if reset_changes {
                t.changes_since_analyze = 0;
            }
            if auto {
                t.autoanalyze_time_us = now;
                t.autoanalyze_count += 1;
            } else {
                t.analyze_time_us = now;
                t.analyze_count += 1;
            }
        });
    }

    pub fn database(&self, db: Oid) -> DatabaseStats {
        self.databases.lock().get(&db).copied().unwrap_or_default()
    }

    pub fn update_database(&self, db: Oid, change: impl FnOnce(&mut DatabaseStats)) {
        change(self.databases.lock().entry(db).or_default());
    }

    pub fn databases(&self) -> HashMap<Oid, DatabaseStats> {
        self.databases.lock().clone()
    }

    /// One function's counters; None if it was never called.
    pub fn function(&self, db: Oid, function: Oid) -> Option<FunctionStats> {
        self.functions.lock().get(&(db, function)).copied()
    }

    pub fn functions_of(&self, db: Oid) -> Vec<(Oid, FunctionStats)> {
        self.functions.lock().iter().filter(|(k, _)| k.0 == db).map(|(k, f)| (k.1, *f)).collect()
    }

    pub fn count_call(&self, db: Oid, function: Oid, total_us: i64, self_us: i64) {
        let mut functions = self.functions.lock();
        let f = functions.entry((db, function)).or_default();
        f.calls += 1;
        f.total_us += total_us;
        f.self_us += self_us;
    }

    pub fn bgwriter(&self) -> BgwriterStats {
        *self.bgwriter.lock()
    }

    pub fn update_bgwriter(&self, change: impl FnOnce(&mut BgwriterStats)) {
        change(&mut self.bgwriter.lock());
    }

    pub fn wal(&self) -> WalStats {
        *self.wal.lock()
    }

    pub fn update_wal(&self, change: impl FnOnce(&mut WalStats)) {
        change(&mut self.wal.lock());
    }

    pub fn archiver(&self) -> ArchiverStats {
        self.archiver.lock().clone()
    }

    /// A segment was archived, or could not be.
    pub fn report_archiver(&self, segment: &str, archived: bool) {
        let now = now_us();
        let mut a = self.archiver.lock();
        if archived {
            a.archived_count += 1;
            a.last_archived_wal = segment.to_string();
            a.last_archived_us = now;
        } else {
            a.failed_count += 1;
            a.last_failed_wal = segment.to_string();
            a.last_failed_us = now;
        }
    }

    /// A relation was dropped and that is committed.
    pub fn drop_relation(&self, db: Oid, rel: Oid) {
        self.shard((db, rel)).lock().remove(&(db, rel));
    }

    /// A function was dropped.
    pub fn drop_function(&self, db: Oid, function: Oid) {
        self.functions.lock().remove(&(db, function));
    }

    /// A database was dropped.
    pub fn drop_database(&self, db: Oid) {
        for shard in &self.tables {
            shard.lock().retain(|k, _| k.0 != db);
        }
        self.functions.lock().retain(|k, _| k.0 != db);
        self.databases.lock().remove(&db);
    }

    /// `pg_stat_reset()`: all of one database.
    pub fn reset_database(&self, db: Oid) {
        self.drop_database(db);
        let reset = DatabaseStats { reset_us: now_us(), ..Default::default() };
        self.databases.lock().insert(db, reset);
    }

    /// `pg_stat_reset_single_table_counters(oid)`.
    pub fn reset_table(&self, db: Oid, rel: Oid) {
        self.update_table(db, rel, |t| *t = TableStats::default());
        self.update_database(db, |d| d.reset_us = now_us());
    }

    /// `pg_stat_reset_shared(target)`; false if there is no such target.
    pub fn reset_shared(&self, target: &str) -> bool {
        let reset_us = now_us();
        match target {
            "bgwriter" => *self.bgwriter.lock() = BgwriterStats { reset_us, ..Default::default() },
            "wal" => *self.wal.lock() = WalStats { reset_us, ..Default::default() },
            "archiver" => *self.archiver.lock() = ArchiverStats { reset_us, ..Default::default() },
            "recovery_prefetch" => {}
            _ => return false,
        }
        true
    }

    pub fn slru_resets(&self) -> [i64; SLRU_NAMES.len()] {
        *self.slru_resets.lock()
    }

    /// `pg_stat_reset_slru(name)`, None: all. A name that is none of them means the last.
    pub fn reset_slru(&self, name: Option<&str>) {
        let now = now_us();
        let one = name.map(|n| SLRU_NAMES.iter().position(|s| *s == n).unwrap_or(SLRU_NAMES.len() - 1));
        let mut resets = self.slru_resets.lock();
        resets.iter_mut().enumerate().filter(|(n, _)| one.is_none_or(|o| o == *n)).for_each(|(_, r)| *r = now);
    }

    /// Forgets everything: after a crash nothing counted can be trusted (STAT-2).
    pub fn reset_all(&self) {
        for shard in &self.tables {
            shard.lock().clear();
        }
        self.databases.lock().clear();
        self.functions.lock().clear();
        for target in ["bgwriter", "wal", "archiver"] {
            self.reset_shared(target);
        }
    }
}
