//! When tables are vacuumed and analysed without being asked.
//!
//! PostgreSQL 15, autovacuum.c: the launcher goes round the databases in `autovacuum_naptime`, a worker per
//! visit, at most `autovacuum_max_workers` at once; the same thresholds decide.

use super::supervise::{self, AfterPanic, Title, Worker};
use super::{Context, Stop};
use crate::base::interrupt::Cause;
use crate::base::{Interrupts, Oid, Result, Severity, clock, report};
use crate::settings::{Id, Lookup, Snapshot};
use crate::stat::TableStats;
use parking_lot::Mutex;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

const LAUNCHER: Title = Title { thread: "autovac launch", backend_type: "autovacuum launcher" };
const WORKER: Title = Title { thread: "autovac worker", backend_type: "autovacuum worker" };

/// A table as autovacuum sees it.
#[derive(Clone, Debug, Default)]
pub struct TableFacts {
    pub table: Oid,
    /// For a TOAST table, vacuumed but never analysed.
    pub is_toast: bool,
    /// From the catalog; negative = never counted.
    pub row_count: f64,
    /// How many transactions ago the oldest was that its rows may need the commit log for.
    pub age: u64,
    /// `autovacuum_enabled` of its storage options.
    pub enabled: bool,
    /// Its storage options where they differ from the settings.
    pub thresholds: Thresholds,
}

/// Storage options; None = as the settings say.
#[derive(Clone, Copy, Debug, Default)]
pub struct Thresholds {
    pub vacuum: Option<i64>,
    pub vacuum_scale: Option<f64>,
    pub vacuum_insert: Option<i64>,
    pub vacuum_insert_scale: Option<f64>,
    pub analyze: Option<i64>,
    pub analyze_scale: Option<f64>,
    pub freeze_max_age: Option<i64>,
}

/// What a table needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Work {
    pub vacuum: bool,
    pub analyze: bool,
    /// The vacuum is for the table's age, whatever else is asked for.
    pub wraparound: bool,
}

/// How tables are found, vacuumed and analysed: supplied by the layers that know catalogs and commands.
pub trait Maintenance: Send + Sync {
    /// All databases, and whether they accept connections.
    fn databases(&self) -> Vec<(Oid, bool)>;
    /// The ordinary and TOAST tables and materialised views of a database; no temporary ones.
    fn tables(&self, database: Oid) -> Result<Vec<TableFacts>>;
    /// Whether the catalogs have many dead rows, which are nobody's table.
    fn is_untidy(&self, database: Oid) -> bool;
    fn tidy(&self, database: Oid, interrupts: &Interrupts) -> Result<()>;
    /// Vacuums or analyses or both, in transactions of its own; ends soon after `interrupts` is raised. A table
    /// that is gone or locked is skipped quietly.
    fn maintain(&self, database: Oid, table: Oid, work: Work, interrupts: &Arc<Interrupts>) -> Result<()>;
}

pub fn spawn(cx: &Context, _generation: u64, stop: &Stop) -> Option<JoinHandle<()>> {
    supervise::spawn(cx, stop, LAUNCHER, launch)
}

/// Interrupts of the workers that run, raised all together when the launcher is told to end.
type Running = Arc<Mutex<Vec<(JoinHandle<()>, Arc<Interrupts>)>>>;

fn launch(worker: &Worker) {
    let running = Running::default();
    let raised = running.clone();
    worker.stop.when_set(move || raised.lock().iter().for_each(|(_, i)| i.raise(Cause::Terminate)));
    let mut turn = 0;
    loop {
        let settings = worker.cx.checkpoints.settings().snapshot();
        let nap = Duration::from_secs(settings.int(Id::AutovacuumNaptime) as u64);
        let databases = worker.cx.maintenance.as_ref().map_or_else(Vec::new, |m| m.databases());
        // PostgreSQL spreads the databases over the nap time, but never naps less than 100 ms.
        let pause = (nap / databases.len().max(1) as u32).max(Duration::from_millis(100));
        if worker.stop.wait(pause) {
            break;
        }
        running.lock().retain(|(thread, _)| !thread.is_finished());
        let on = settings.bool(Id::Autovacuum) && settings.bool(Id::TrackCounts);
        if !databases.is_empty() && running.lock().len() < settings.int(Id::AutovacuumMaxWorkers) as usize {
            let (database, open) = databases[turn % databases.len()];
            turn += 1;
            let routine = on && open;
            let untidy = || worker.cx.maintenance.as_ref().is_some_and(|m| m.is_untidy(database));
            if !due(&worker.cx, database, &settings, routine).is_empty() || routine && untidy() {
                let started = visit(&worker.cx, &worker.stop, database, routine);
                running.lock().extend(started);
            }
        }
    }
    let last = std::mem::take(&mut *running.lock());
    for (thread, interrupts) in last {
        interrupts.raise(Cause::Terminate);
        let _ = thread.join();
    }
}

/// A worker for one database; without `routine` for what is too old alone.
fn visit(cx: &Context, stop: &Stop, database: Oid, routine: bool) -> Option<(JoinHandle<()>, Arc<Interrupts>)> {
    let interrupts = Arc::new(Interrupts::default());
    let shared = interrupts.clone();
    let thread = supervise::spawn_with(cx, stop, WORKER, AfterPanic::End, move |worker| {
        worker.activity.update(|f| f.database = database);
        let stats = worker.cx.checkpoints.stats();
        stats.update_database(database, |s| s.last_autovac_us = clock::now_us());
        let settings = worker.cx.checkpoints.settings().snapshot();
        let Some(maintenance) = &worker.cx.maintenance else { return };
        let tell = |e: crate::base::Error| report::log(&e.severity(Severity::Error).0);
        for (table, work) in due(&worker.cx, database, &settings, routine) {
            if worker.stop.is_set() {
                return;
            }
            if let Err(e) = maintenance.maintain(database, table, work, &interrupts)
                && !worker.stop.is_set()
            {
                tell(e);
            }
        }
        if routine
            && !worker.stop.is_set()
            && let Err(e) = maintenance.tidy(database, &interrupts)
            && !worker.stop.is_set()
        {
            tell(e);
        }
    });
    thread.map(|t| (t, shared))
}

/// The tables of a database that need work; without `routine` those that are too old.
fn due(cx: &Context, database: Oid, settings: &Snapshot, routine: bool) -> Vec<(Oid, Work)> {
    let Some(maintenance) = &cx.maintenance else { return Vec::new() };
    let tables = match maintenance.tables(database) {
        Ok(tables) => tables,
        Err(e) => {
            // A database that was dropped meanwhile has nothing to be done in.
            if maintenance.databases().iter().any(|d| d.0 == database) {
                report::log(&e.severity(Severity::Log).0);
            }
            return Vec::new();
        }
    };
    let stats = cx.checkpoints.stats();
    let decided = tables.iter().map(|t| {
        let active = routine && t.enabled && stats.has_table(database, t.table);
        let mut work = if active { decide(t, &stats.table(database, t.table), settings) } else { Work::default() };
        work.wraparound = is_too_old(t, settings);
        work.vacuum |= work.wraparound;
        (t.table, work)
    });
    decided.filter(|(_, work)| *work != Work::default()).collect()
}

/// Whether a table must be vacuumed so that the commit log can be cut.
fn is_too_old(table: &TableFacts, settings: &Snapshot) -> bool {
    let most = settings.int(Id::AutovacuumFreezeMaxAge);
    let own = table.thresholds.freeze_max_age.map_or(most, |own| own.min(most));
    table.age > own.max(0) as u64
}

/// PostgreSQL 15, autovacuum.c, relation_needs_vacanalyze: same sums.
fn decide(table: &TableFacts, stats: &TableStats, settings: &Snapshot) -> Work {
    let rows = table.row_count.max(0.0);
    let own = &table.thresholds;
    let limit = |base: Option<i64>, base_id, scale: Option<f64>, scale_id| {
        let base = base.unwrap_or_else(|| settings.int(base_id));
        (base, base as f64 + scale.unwrap_or_else(|| settings.real(scale_id)) * rows)
    };
    let vacuum = limit(own.vacuum, Id::AutovacuumVacuumThreshold, own.vacuum_scale, Id::AutovacuumVacuumScaleFactor);
    let insert = limit(
        own.vacuum_insert,
        Id::AutovacuumVacuumInsertThreshold,
        own.vacuum_insert_scale,
        Id::AutovacuumVacuumInsertScaleFactor,
    );
    let analyze =
        limit(own.analyze, Id::AutovacuumAnalyzeThreshold, own.analyze_scale, Id::AutovacuumAnalyzeScaleFactor);
    let many_inserts = insert.0 >= 0 && stats.inserts_since_vacuum as f64 > insert.1;
    Work {
        vacuum: stats.dead_tuples as f64 > vacuum.1 || many_inserts,
        analyze: !table.is_toast && stats.changes_since_analyze as f64 > analyze.1,
        wraparound: false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The default thresholds: 50 + 20 %, 1000 + 20 % inserts, 50 + 10 % for analyze; strictly more.
    #[test]
    fn thresholds() {
        let settings = Snapshot::default();
        let table = TableFacts { row_count: 1000.0, enabled: true, ..TableFacts::default() };
        let with = |dead, inserted, changed| {
            let stats = TableStats {
                dead_tuples: dead,
                inserts_since_vacuum: inserted,
                changes_since_analyze: changed,
                ..TableStats::default()
            };
            decide(&table, &stats, &settings)
        };
        assert_eq!(with(250, 1200, 150), Work::default());
        assert_eq!(with(251, 0, 0), Work { vacuum: true, ..Work::default() });
        assert_eq!(with(0, 1201, 0), Work { vacuum: true, ..Work::default() });
        assert_eq!(with(0, 0, 151), Work { analyze: true, ..Work::default() });
        let own = Thresholds { vacuum: Some(10), vacuum_scale: Some(0.0), ..Thresholds::default() };
        let stats = TableStats { dead_tuples: 11, changes_since_analyze: 9999, ..TableStats::default() };
        let toast = TableFacts { thresholds: own, is_toast: true, ..table.clone() };
        assert_eq!(decide(&toast, &stats, &settings), Work { vacuum: true, ..Work::default() });
        let old = TableFacts { age: 200_000_001, ..TableFacts::default() };
        assert!(is_too_old(&old, &settings) && !is_too_old(&table, &settings));
        let own = Thresholds { freeze_max_age: Some(100_000), ..Thresholds::default() };
        assert!(is_too_old(&TableFacts { age: 100_001, thresholds: own, ..TableFacts::default() }, &settings));
    }
}
