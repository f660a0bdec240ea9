//! VACUUM: dead rows' room is given back, table by table.

use super::partial::known_part;
use super::vacuum_report::{self, Found, Meter};
use super::{Command, analyze, names, role, vacuum_cost};
use crate::base::error::Report;
use crate::base::{Error, Flow, Interrupts, Oid, Result, Severity, SqlState, TupleId, Xid};
use crate::btree::VacuumStats;
use crate::buffer::pace::{self, Pace};
use crate::catalog::object::{ObjectKey, Stats, class};
use crate::catalog::{Index, Object, Persistence, RelKind, Relation};
use crate::err;
use crate::heap::{self, IndexVacuum, Vacuum, VacuumHost, VacuumOptions};
use crate::lock::{LockMode, LockTag, Scope};
use crate::settings::{Id, Lookup};
use crate::sql::Backend;
use crate::sql::ast::{DefArg, DefElem, VacuumStmt};
use crate::sql::exec::ExecContext;
use crate::stat::Task;
use crate::storage::Storage;
use std::sync::Arc;

/// The options of a VACUUM or ANALYZE.
#[derive(Clone, Copy, Debug)]
pub struct Options {
    pub vacuum: bool,
    pub analyze: bool,
    pub verbose: bool,
    pub full: bool,
    pub skip_locked: bool,
    pub auto: bool,
    /// Its TOAST table, too (PROCESS_TOAST).
    pub toast: bool,
    /// FREEZE: whatever may be frozen is.
    pub freeze: bool,
    /// Autovacuum comes because of the table's age alone.
    pub wraparound: bool,
    /// PARALLEL asks for workers. There are none; where PostgreSQL refuses them it is said.
    pub parallel: bool,
    pub heap: VacuumOptions,
}

/// What a VACUUM remembers between two calls.
struct Progress {
    options: Options,
    tables: Vec<(Oid, Vec<String>)>,
    next: usize,
    running: Option<Running>,
    pace: Option<Pace>,
}

/// One table's VACUUM.
pub struct Running {
    relation: Arc<Relation>,
    vacuum: Vacuum,
    aggressive: bool,
    /// Of each index, how many pages its passes have taken out; none if there was no pass.
    indexes: Vec<Option<VacuumStats>>,
    meter: Meter,
    /// Nobody older than this ran when it began.
    cutoff: Xid,
    /// Its own VACUUM is over, statistics and words included.
    finished: bool,
    /// The VACUUM of its TOAST table, once it has begun.
    toast: Option<Box<Running>>,
}

/// How many workers PARALLEL asks for.
fn parallel_workers(cmd: &Command, e: &DefElem) -> Result<i64> {
    let Some(text) = e.string() else {
        let text = format!("parallel option requires a value between 0 and {MAX_PARALLEL_WORKERS}");
        return Err(err!(SYNTAX_ERROR, "{text}").at(cmd.at(e.pos)));
    };
    let workers = text.parse().map_err(|_| err!(SYNTAX_ERROR, "{} requires an integer value", e.name))?;
    match (0..=MAX_PARALLEL_WORKERS).contains(&workers) {
        true => Ok(workers),
        false => {
            let text = format!("parallel workers for vacuum must be between 0 and {MAX_PARALLEL_WORKERS}");
            Err(err!(SYNTAX_ERROR, "{text}").at(cmd.at(e.pos)))
        }
    }
}

/// PostgreSQL 15, bgworker_internals.h, MAX_PARALLEL_WORKER_LIMIT.
const MAX_PARALLEL_WORKERS: i64 = 1024;

/// A Boolean option.
pub fn flag(e: &DefElem) -> Result<bool> {
    match &e.arg {
        None => Ok(true),
        Some(DefArg::Bool(b)) => Ok(*b),
        Some(DefArg::Int(n)) => Ok(*n != 0),
        Some(_) => match e.string().unwrap_or_default().to_ascii_lowercase().as_str() {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            _ => Err(err!(SYNTAX_ERROR, "{} requires a Boolean value", e.name)),
        },
    }
}

fn options(cmd: &Command, stmt: &VacuumStmt, backend: &Backend) -> Result<Options> {
    let mut parallel = 0;
    let mut o = Options {
        vacuum: stmt.is_vacuum,
        analyze: !stmt.is_vacuum,
        verbose: false,
        full: false,
        skip_locked: false,
        auto: false,
        toast: true,
        freeze: false,
        wraparound: false,
        parallel: false,
        heap: VacuumOptions {
            memory_bytes: backend.view.bytes(Id::MaintenanceWorkMem).max(1 << 20) as usize,
            ..VacuumOptions::default()
        },
    };
    for e in &stmt.options {
        match (e.name.as_str(), stmt.is_vacuum) {
            ("verbose", _) => o.verbose = flag(e)?,
            ("skip_locked", _) => o.skip_locked = flag(e)?,
            ("analyze", true) => o.analyze = flag(e)?,
            ("full", true) => o.full = flag(e)?,
            ("freeze", true) => o.freeze = flag(e)?,
            ("process_toast", true) => o.toast = flag(e)?,
            ("parallel", true) => parallel = parallel_workers(cmd, e)?,
            ("disable_page_skipping", true) => o.heap.all_pages = flag(e)?,
            ("truncate", true) => o.heap.truncate = flag(e)?,
            ("index_cleanup", true) => {
                o.heap.index_cleanup = e.string().as_deref() == Some("auto") || flag(e)?;
            }
            (other, vacuum) => {
                let word = if vacuum { "VACUUM" } else { "ANALYZE" };
                return Err(err!(SYNTAX_ERROR, "unrecognized {word} option \"{other}\"").at(cmd.at(e.pos)));
            }
        }
    }
    if stmt.tables.iter().any(|t| !t.columns.is_empty()) && !o.analyze {
        return Err(err!(FEATURE_NOT_SUPPORTED, "ANALYZE option must be specified when a column list is provided"));
    }
    o.parallel = parallel > 0;
    if o.full && o.parallel {
        return Err(err!(FEATURE_NOT_SUPPORTED, "VACUUM FULL cannot be performed in parallel"));
    }
    if o.full && !o.toast {
        return Err(err!(FEATURE_NOT_SUPPORTED, "PROCESS_TOAST required with VACUUM FULL"));
    }
    if o.full && o.heap.all_pages {
        return Err(err!(FEATURE_NOT_SUPPORTED, "VACUUM option DISABLE_PAGE_SKIPPING cannot be used with FULL"));
    }
    Ok(o)
}

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &VacuumStmt) -> Flow<String> {
    let tag = if stmt.is_vacuum { "VACUUM" } else { "ANALYZE" };
    if cmd.progress.is_none() {
        let backend = cx.backend()?;
        if stmt.is_vacuum {
            backend.prevent_in_block("VACUUM")?;
        }
        let options = options(cmd, stmt, backend)?;
        let tables = tables(cx, stmt, &options)?;
        let pace = vacuum_cost::of_session(cx)?;
        cmd.progress = Some(Box::new(Progress { options, tables, next: 0, running: None, pace }));
    }
    let progress = cmd.progress.take();
    let mut progress: Box<Progress> =
        progress.and_then(|p| p.downcast().ok()).ok_or_else(|| Error::internal("VACUUM lost its progress"))?;
    let mut pace = progress.pace.take();
    let done = pace::during(&mut pace, || go_on(cx, &mut progress));
    progress.pace = pace;
    let whole = stmt.tables.is_empty();
    cmd.progress = Some(progress);
    done?;
    if stmt.is_vacuum {
        super::freeze::after(cx, whole)?;
    }
    Ok(tag.into())
}

/// The tables to look at, with the columns to analyse.
fn tables(cx: &mut ExecContext, stmt: &VacuumStmt, options: &Options) -> Result<Vec<(Oid, Vec<String>)>> {
    let mut found = Vec::new();
    for t in &stmt.tables {
        let relation = names::relation(cx, &t.table)?;
        found.push((relation.oid, t.columns.clone()));
        if relation.is_partitioned() {
            found.extend(super::inherit::all_below(cx, relation.oid)?.into_iter().map(|p| (p, t.columns.clone())));
        }
    }
    if stmt.tables.is_empty() {
        for record in cx.backend()?.catalog.all(crate::catalog::object::class::RELATION) {
            let c = record.object.as_class()?;
            let ours = c.persistence != Persistence::Temp || cx.backend()?.catalog.temp_schema() == Some(c.namespace);
            // VACUUM has nothing to do where there are no rows.
            let parted = c.kind == RelKind::Partitioned && options.analyze;
            if ours && (matches!(c.kind, RelKind::Table | RelKind::MatView) || parted) {
                found.push((c.oid, Vec::new()));
            }
        }
        found.sort();
    }
    Ok(found)
}

fn go_on(cx: &mut ExecContext, p: &mut Progress) -> Flow<()> {
    while p.next < p.tables.len() {
        let (oid, columns) = p.tables[p.next].clone();
        one_table(cx, &p.options, oid, &columns, &mut p.running)?;
        p.running = None;
        p.next += 1;
    }
    Ok(())
}

/// Whether the table may be worked on; says why not.
fn is_allowed(cx: &mut ExecContext, relation: &Relation, options: &Options) -> Result<bool> {
    let verb = if options.vacuum { "vacuum" } else { "analyze" };
    let warning = |text: String, place, line| {
        Report::notice(Severity::Warning, SqlState::WARNING, text).with_place(place, "vacuum.c", line)
    };
    let backend = cx.backend()?;
    if relation.generated_by.is_some() {
        // Nothing is stored there: there is nothing to do.
        let owner = backend.catalog.database_by_oid(backend.database).map(|d| d.owner);
        let shared = !relation.file.db.is_valid();
        let owned = !shared && owner.is_some_and(|o| role::has_role(backend, o));
        if !backend.user.is_superuser && !owned {
            let who = if shared { "superuser" } else { "superuser or database owner" };
            let text = format!("skipping \"{}\" --- only {who} can {verb} it", relation.name);
            cx.notices.push(warning(text, "vacuum_is_relation_owner", 604));
        }
        return Ok(false);
    }
    let database_owner = backend.catalog.database_by_oid(backend.database).map(|d| d.owner);
    let owner = super::role::has_role(backend, relation.owner)
        || database_owner.is_some_and(|o| super::role::has_role(backend, o));
    if !owner {
        let text = format!("skipping \"{}\" --- only table or database owner can {verb} it", relation.name);
        cx.notices.push(warning(text, "vacuum_is_relation_owner", 604));
        return Ok(false);
    }
    // Only its partitions have rows.
    if relation.is_partitioned() {
        return Ok(options.analyze);
    }
    if !matches!(relation.kind, RelKind::Table | RelKind::MatView | RelKind::Toast) {
        let text = match options.vacuum {
            true => format!("skipping \"{}\" --- cannot vacuum non-tables or special system tables", relation.name),
            false => format!("skipping \"{}\" --- cannot analyze non-tables or special system tables", relation.name),
        };
        cx.notices.push(warning(text, "vacuum_rel", 1963));
        return Ok(false);
    }
    Ok(true)
}

/// Vacuums and analyses one table, going on where the last call stopped.
pub fn one_table(
    cx: &mut ExecContext,
    options: &Options,
    oid: Oid,
    columns: &[String],
    running: &mut Option<Running>,
) -> Flow<()> {
    if running.is_none() {
        let Some(relation) = cx.backend()?.catalog.relation(oid)? else { return Ok(()) };
        // Silently: there is little to be done about it (PostgreSQL 15, vacuum.c, vacuum_rel).
        if cx.backend()?.catalog.is_other_temp(&relation) || !is_allowed(cx, &relation, options)? {
            return Ok(());
        }
        // Rows refer to the places of their large values: those move with their table only.
        let full = options.full && relation.kind != RelKind::Toast;
        let mode = if full { LockMode::AccessExclusive } else { LockMode::ShareUpdateExclusive };
        if !lock(cx, oid, mode, options)? {
            return Ok(());
        }
        let Some(relation) = cx.backend()?.catalog.relation(oid)? else { return Ok(()) };
        let Some(store) = relation.store.clone() else {
            return if relation.is_partitioned() { analyze::tree(cx, &relation, columns, options) } else { Ok(()) };
        };
        let may_split = options.parallel && options.vacuum && !full && relation.indexes.len() > 1;
        if may_split && relation.persistence == Persistence::Temp {
            let text = format!(
                "disabling parallel option of vacuum on \"{}\" --- cannot vacuum temporary tables in parallel",
                relation.name
            );
            cx.notices.push(Report::notice(Severity::Warning, SqlState::WARNING, text));
        }
        if full {
            super::rewrite::table(cx, &relation, None, options.verbose)?;
        }
        if options.vacuum && !full {
            let pages = i64::from(store.nblocks(&*cx.storage()?)?);
            let activity = &cx.backend()?.activity;
            activity.begin_task(Task::Vacuum, oid);
            activity.progress(Task::Vacuum, &[(1, pages)]);
        }
        let heap = super::freeze::heap_options(cx, &relation, options)?;
        if options.verbose && options.vacuum && !full {
            vacuum_report::begin(cx, &relation, heap.aggressive)?;
        }
        let vacuum = Vacuum::new(store, heap);
        let indexes = vec![None; relation.indexes.len()];
        let cutoff = cx.storage()?.mvcc.running().oldest;
        let meter = Meter::start();
        *running = Some(Running {
            relation,
            vacuum,
            aggressive: heap.aggressive,
            indexes,
            meter,
            cutoff,
            finished: false,
            toast: None,
        });
    }
    let Some(run) = running else { return Ok(()) };
    if options.vacuum && (!options.full || run.relation.kind == RelKind::Toast) {
        if !run.finished {
            vacuum(cx, run)?;
            super::index::after_vacuum(cx, run.relation.oid)?;
            finish(cx, run, options)?;
            run.finished = true;
            cx.backend()?.activity.end_task(Task::Vacuum);
        }
        let toast = run.relation.toast;
        if toast.is_valid() && options.toast {
            let only = Options { analyze: false, ..*options };
            let mut inner = run.toast.take().map(|r| *r);
            let done = one_table(cx, &only, toast, &[], &mut inner);
            run.toast = inner.map(Box::new);
            done?;
        }
    }
    if options.analyze && run.relation.kind != RelKind::Toast {
        let relation = cx.backend()?.catalog.relation(oid)?.unwrap_or_else(|| run.relation.clone());
        analyze::table(cx, &relation, columns, options)?;
        if !relation.children.is_empty() {
            analyze::tree(cx, &relation, columns, options)?;
        }
    }
    Ok(())
}

/// Takes the table's lock; false if it is to be skipped.
fn lock(cx: &mut ExecContext, oid: Oid, mode: LockMode, options: &Options) -> Flow<bool> {
    let backend = cx.backend()?;
    if !options.skip_locked {
        backend.txn.lock_relation(oid, mode)?;
        return Ok(true);
    }
    let tag = LockTag::Relation { db: backend.database, rel: oid };
    let storage = backend.instance.storage.clone();
    if storage.locks.try_acquire(&mut backend.txn.held, tag, mode, Scope::Transaction).is_some() {
        return Ok(true);
    }
    if !options.auto {
        let name = backend.catalog.relation(oid)?.map(|r| r.name.clone()).unwrap_or_default();
        let text = format!("skipping vacuum of \"{name}\" --- lock not available");
        cx.notices.push(Report::notice(Severity::Warning, SqlState::LOCK_NOT_AVAILABLE, text));
    }
    Ok(false)
}

/// An index as the heap's VACUUM sees it.
struct OneIndex<'a> {
    index: &'a Index,
    stats: &'a mut Option<VacuumStats>,
}

impl IndexVacuum for OneIndex<'_> {
    fn bulk_delete(&mut self, storage: &Storage, dead: &[TupleId]) -> Result<u64> {
        let done = self.index.bulk_delete(storage, dead)?;
        let before = self.stats.map_or(0, |s| s.pages_deleted);
        *self.stats = Some(VacuumStats { pages_deleted: before + done.pages_deleted, ..done });
        Ok(done.entries_removed)
    }

    fn clean_up(&mut self, storage: &Storage) -> Result<()> {
        *self.stats = self.index.clean_up(storage)?;
        Ok(())
    }
}

/// What the heap's VACUUM needs of its surroundings.
struct Host<'a> {
    interrupts: &'a Interrupts,
    storage: &'a Storage,
    backend: &'a mut Backend,
    tag: LockTag,
}

impl VacuumHost for Host<'_> {
    fn pace(&mut self) -> Result<()> {
        pace::point()?;
        self.interrupts.check()
    }

    fn lock_to_truncate(&mut self) -> bool {
        let held = &mut self.backend.txn.held;
        self.storage.locks.try_acquire(held, self.tag, LockMode::AccessExclusive, Scope::Transaction).is_some()
    }

    fn truncated(&mut self) {
        self.storage.locks.release_early(&mut self.backend.txn.held, self.tag, LockMode::AccessExclusive);
    }
}

fn vacuum(cx: &mut ExecContext, run: &mut Running) -> Flow<()> {
    loop {
        cx.poll()?;
        let interrupts = cx.interrupts.clone();
        let backend = cx.backend()?;
        let storage = backend.instance.storage.clone();
        let tag = LockTag::Relation { db: backend.database, rel: run.relation.oid };
        let mut host = Host { interrupts: &interrupts, storage: &storage, backend, tag };
        let all = run.relation.indexes.iter().zip(&mut run.indexes).filter(|(index, _)| index.ready);
        let mut indexes: Vec<OneIndex<'_>> = all.map(|(index, stats)| OneIndex { index, stats }).collect();
        let mut refs: Vec<&mut dyn IndexVacuum> = indexes.iter_mut().map(|i| i as &mut dyn IndexVacuum).collect();
        let work = &mut run.vacuum;
        let more = run.meter.during(|| work.step(&storage, &mut refs, &mut host))?;
        let (report, (phase, dead)) = (run.vacuum.report(), run.vacuum.progress());
        let scanned = i64::from(report.pages_scanned);
        let numbers = [(0, phase), (2, scanned), (4, i64::from(report.index_scans)), (6, dead as i64)];
        cx.backend()?.activity.progress(Task::Vacuum, &numbers);
        if !more {
            return Ok(());
        }
    }
}

/// Statistics and words after a table's VACUUM.
fn finish(cx: &mut ExecContext, run: &Running, options: &Options) -> Result<()> {
    let report = run.vacuum.report();
    let relation = &run.relation;
    let old_pages = relation.stats.pages.load(std::sync::atomic::Ordering::Relaxed) as u32;
    let rows = report.estimate_rows(old_pages, relation.stats.reltuples());
    let pages = u64::from(report.pages_before - report.pages_removed);
    let columns = relation.column_stats.load().to_vec();
    let before = super::freeze::frozen_of(&cx.backend()?.catalog, relation.oid);
    let frozen = run.vacuum.frozen().filter(|f| *f > before);
    store_stats(cx, relation.oid, relation.store.as_deref(), pages, rows, columns, frozen)?;
    for index in relation.indexes.iter().filter(|i| i.ready) {
        store_index_stats(cx, index, (rows * known_part(relation, index)).ceil())?;
    }
    let backend = cx.backend()?;
    let (live, dead) = (rows as i64, report.tuples_recently_dead as i64);
    backend.instance.stats.report_vacuum(backend.database, relation.oid, live, dead, options.auto);
    if options.verbose || options.auto {
        let found = Found {
            report: &report,
            rows: rows + report.tuples_recently_dead as f64,
            cutoff: run.cutoff,
            indexes: &run.indexes,
            aggressive: run.aggressive,
            frozen: frozen.map(|f| (before, f)),
        };
        vacuum_report::end(cx, relation, &run.meter, &found, options)?;
    }
    Ok(())
}

/// Keeps what was counted of a relation. `store`: a table's, whose visibility map is counted, too.
pub fn store_stats(
    cx: &mut ExecContext,
    relation: Oid,
    store: Option<&heap::TableStore>,
    pages: u64,
    tuples: f64,
    columns: Vec<crate::catalog::ColumnStats>,
    frozen: Option<Xid>,
) -> Result<()> {
    let backend = cx.backend()?;
    let writer = backend.writer();
    let known = backend.catalog.get(ObjectKey::new(class::STATISTIC, relation));
    let known = known.as_ref().and_then(|r| r.object.as_stats().ok());
    let before = known.map_or(0, |s| s.frozen);
    let (tree, extended) = known.map(|s| (s.tree.clone(), s.extended.clone())).unwrap_or_default();
    let frozen = frozen.map_or(0, |f| f.0).max(before);
    let all_visible = match store {
        Some(store) => heap::count_all_visible(&backend.instance.storage, store)?.into(),
        None => 0,
    };
    let stats = Stats { relation, pages, tuples, all_visible, columns, tree, extended, frozen };
    backend.catalog.put(writer, Object::Stats(stats))
}

/// What was found out of a tree's rows. A partitioned table has their number, too: it has no other.
pub fn store_tree_stats(
    cx: &mut ExecContext,
    root: &Relation,
    rows: f64,
    tree: Vec<crate::catalog::ColumnStats>,
) -> Result<()> {
    let backend = cx.backend()?;
    let known = backend.catalog.get(ObjectKey::new(class::STATISTIC, root.oid));
    let known = known.as_ref().and_then(|r| r.object.as_stats().ok()).cloned();
    let none = Stats {
        relation: root.oid,
        pages: 0,
        tuples: -1.0,
        all_visible: 0,
        columns: Vec::new(),
        tree: Vec::new(),
        extended: Vec::new(),
        frozen: 0,
    };
    let mut stats = Stats { tree, ..known.unwrap_or(none) };
    if root.is_partitioned() {
        stats.tuples = rows;
    }
    let writer = backend.writer();
    backend.catalog.put(writer, Object::Stats(stats))
}

pub fn store_index_stats(cx: &mut ExecContext, index: &Index, rows: f64) -> Result<()> {
    let storage = cx.backend()?.instance.storage.clone();
    let pages = storage.pool.nblocks(&index.store.fork)?;
    store_stats(cx, index.oid, None, pages.into(), rows, Vec::new(), None)
}
