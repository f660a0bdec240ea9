//! What was counted: `pg_stat_*` and `pg_statio_*`.

use super::cell::Stamp;
use super::class::{as_class, system_relations, user_classes};
use super::{Sink, View, catalog, row};
use crate::base::{Flow, Oid, Result};
use crate::catalog::object::{Class, class};
use crate::catalog::{Catalog, Object, RelKind, system};
use crate::sql::exec::ExecContext;
use crate::stat::{Counted, TableStats};
use crate::types::Value;
use crate::types::numeric::Numeric;
use std::sync::Arc;

pub(super) const VIEWS: &[View] = &[
    View { name: "pg_stat_all_tables", rows: |cx, sink| tables(cx, sink, Which::All) },
    View { name: "pg_stat_sys_tables", rows: |cx, sink| tables(cx, sink, Which::System) },
    View { name: "pg_stat_user_tables", rows: |cx, sink| tables(cx, sink, Which::User) },
    View { name: "pg_stat_xact_all_tables", rows: |cx, sink| xact_tables(cx, sink, Which::All) },
    View { name: "pg_stat_xact_sys_tables", rows: |cx, sink| xact_tables(cx, sink, Which::System) },
    View { name: "pg_stat_xact_user_tables", rows: |cx, sink| xact_tables(cx, sink, Which::User) },
    View { name: "pg_statio_all_tables", rows: |cx, sink| table_io(cx, sink, Which::All) },
    View { name: "pg_statio_sys_tables", rows: |cx, sink| table_io(cx, sink, Which::System) },
    View { name: "pg_statio_user_tables", rows: |cx, sink| table_io(cx, sink, Which::User) },
    View { name: "pg_stat_all_indexes", rows: |cx, sink| indexes(cx, sink, Which::All) },
    View { name: "pg_stat_sys_indexes", rows: |cx, sink| indexes(cx, sink, Which::System) },
    View { name: "pg_stat_user_indexes", rows: |cx, sink| indexes(cx, sink, Which::User) },
    View { name: "pg_statio_all_indexes", rows: |cx, sink| index_io(cx, sink, Which::All) },
    View { name: "pg_statio_sys_indexes", rows: |cx, sink| index_io(cx, sink, Which::System) },
    View { name: "pg_statio_user_indexes", rows: |cx, sink| index_io(cx, sink, Which::User) },
    View { name: "pg_statio_all_sequences", rows: |cx, sink| sequence_io(cx, sink, Which::All) },
    View { name: "pg_statio_sys_sequences", rows: |cx, sink| sequence_io(cx, sink, Which::System) },
    View { name: "pg_statio_user_sequences", rows: |cx, sink| sequence_io(cx, sink, Which::User) },
    View { name: "pg_stat_database", rows: databases },
    View { name: "pg_stat_database_conflicts", rows: conflicts },
    View { name: "pg_stat_user_functions", rows: functions },
    View { name: "pg_stat_xact_user_functions", rows: xact_functions },
    View { name: "pg_stat_slru", rows: slru },
    View { name: "pg_stat_archiver", rows: archiver },
    View { name: "pg_stat_bgwriter", rows: bgwriter },
    View { name: "pg_stat_wal", rows: wal },
];

/// The caches of PostgreSQL's logs of transactions and the like, of which there are none here: nothing happens in them.
fn slru(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let resets = cx.backend()?.instance.stats.slru_resets();
    for (name, reset_us) in crate::stat::SLRU_NAMES.into_iter().zip(resets) {
        row![sink; name, 0, 0, 0, 0, 0, 0, 0, Stamp(reset_us)];
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    All,
    System,
    User,
}

impl Which {
    fn has(self, schema: &str) -> bool {
        let system = matches!(schema, "pg_catalog" | "information_schema") || schema.starts_with("pg_toast");
        match self {
            Which::All => true,
            Which::System => system,
            Which::User => !system,
        }
    }
}

/// A relation a view lists.
struct Listed {
    oid: Oid,
    schema: String,
    name: String,
    class: Option<Arc<crate::catalog::Record>>,
}

impl Listed {
    fn class(&self) -> Option<&Class> {
        self.class.as_deref().and_then(as_class)
    }
}

fn schema_of(catalog: &Catalog, namespace: Oid) -> String {
    catalog.namespace(namespace).map(|n| n.name).unwrap_or_default()
}

/// Tables, materialized views and TOAST tables, or sequences, that the keys leave over.
fn listed(cx: &mut ExecContext, sink: &Sink, which: Which, kinds: &[RelKind]) -> Result<Vec<Listed>> {
    let catalog = catalog(cx)?;
    let (oid, name) = (sink.oid_key("relid"), sink.text_key("relname"));
    let mut found = Vec::new();
    for r in system_relations(oid, name.as_deref()) {
        if kinds.contains(&r.kind) && which.has(&r.schema) {
            found.push(Listed { oid: r.oid, schema: r.schema.clone(), name: r.name.clone(), class: None });
        }
    }
    for record in user_classes(&catalog, oid, name.as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let schema = schema_of(&catalog, c.namespace);
        if kinds.contains(&c.kind) && which.has(&schema) {
            found.push(Listed { oid: c.oid, schema, name: c.name.clone(), class: Some(record.clone()) });
        }
    }
    Ok(found)
}

const TABLES: [RelKind; 4] = [RelKind::Table, RelKind::Toast, RelKind::MatView, RelKind::Partitioned];
const TABLES_WITH_FILES: [RelKind; 3] = [RelKind::Table, RelKind::Toast, RelKind::MatView];

fn counters(cx: &mut ExecContext) -> Result<(Counted, Oid)> {
    let backend = cx.backend()?;
    // What the pool has counted by itself is told first.
    backend.instance.counters();
    Ok((backend.counted(), backend.database))
}

/// What was counted for all indexes of a table; None if it has none.
fn index_sums(catalog: &Catalog, stats: &Counted, db: Oid, table: Oid) -> Option<TableStats> {
    let indexes = catalog.indexes_of(table);
    if indexes.is_empty() {
        return None;
    }
    let mut sum = TableStats::default();
    for s in indexes.into_iter().map(|i| stats.table(db, i)) {
        sum.numscans += s.numscans;
        sum.tuples_fetched += s.tuples_fetched;
        sum.blocks_fetched += s.blocks_fetched;
        sum.blocks_hit += s.blocks_hit;
    }
    Some(sum)
}

fn tables(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed(cx, sink, which, &TABLES)?;
    let ((stats, db), catalog) = (counters(cx)?, catalog(cx)?);
    for t in found {
        let s = stats.table(db, t.oid);
        let i = index_sums(&catalog, &stats, db, t.oid);
        row![sink;
            t.oid, t.schema, t.name, s.numscans, s.tuples_returned, i.map(|i| i.numscans),
            i.map(|i| i.tuples_fetched + s.tuples_fetched), s.tuples_inserted, s.tuples_updated, s.tuples_deleted,
            s.tuples_hot_updated, s.live_tuples, s.dead_tuples, s.changes_since_analyze, s.inserts_since_vacuum,
            Stamp(s.vacuum_time_us), Stamp(s.autovacuum_time_us), Stamp(s.analyze_time_us),
            Stamp(s.autoanalyze_time_us), s.vacuum_count, s.autovacuum_count, s.analyze_count, s.autoanalyze_count,
        ];
    }
    Ok(())
}

fn xact_tables(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed(cx, sink, which, &TABLES)?;
    let catalog = catalog(cx)?;
    for t in found {
        let indexes = catalog.indexes_of(t.oid);
        let mut scans = (!indexes.is_empty()).then_some((0, 0));
        let pending = &cx.backend()?.stats;
        for i in indexes {
            let s = pending.counted(i);
            scans = scans.map(|(n, f)| (n + s.numscans, f + s.tuples_fetched));
        }
        let s = pending.counted(t.oid);
        row![sink;
            t.oid, t.schema, t.name, s.numscans, s.tuples_returned, scans.map(|i| i.0),
            scans.map(|i| i.1 + s.tuples_fetched), s.tuples_inserted, s.tuples_updated, s.tuples_deleted,
            s.tuples_hot_updated,
        ];
    }
    Ok(())
}

fn table_io(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed(cx, sink, which, &TABLES_WITH_FILES)?;
    let ((stats, db), catalog) = (counters(cx)?, catalog(cx)?);
    for t in found {
        let s = stats.table(db, t.oid);
        let i = index_sums(&catalog, &stats, db, t.oid);
        let toast = t.class().map(|c| c.toast).filter(|o| o.is_valid());
        let (h, ti) = (toast.map(|o| stats.table(db, o)), toast.and_then(|o| index_sums(&catalog, &stats, db, o)));
        row![sink;
            t.oid, &t.schema, &t.name, s.blocks_fetched - s.blocks_hit, s.blocks_hit,
            i.map(|i| i.blocks_fetched - i.blocks_hit), i.map(|i| i.blocks_hit),
            h.map(|h| h.blocks_fetched - h.blocks_hit), h.map(|h| h.blocks_hit),
            ti.map(|i| i.blocks_fetched - i.blocks_hit), ti.map(|i| i.blocks_hit),
        ];
    }
    Ok(())
}

/// An index with its table, as the views over indexes name them.
struct ListedIndex {
    table: Oid,
    index: Oid,
    schema: String,
    table_name: String,
    name: String,
}

fn listed_indexes(cx: &mut ExecContext, sink: &Sink, which: Which) -> Result<Vec<ListedIndex>> {
    let catalog = catalog(cx)?;
    let mut found = Vec::new();
    for record in user_classes(&catalog, sink.oid_key("indexrelid"), sink.text_key("indexrelname").as_deref()) {
        let Some(c) = as_class(&record) else { continue };
        let Some(index) = &c.index else { continue };
        let (kind, namespace, table_name) = match system::relation(index.table) {
            Some(r) => (r.kind, r.namespace, r.name.clone()),
            None => {
                let table = catalog.class(index.table);
                let Some(t) = table.as_deref().and_then(as_class) else { continue };
                (t.kind, t.namespace, t.name.clone())
            }
        };
        let schema = schema_of(&catalog, namespace);
        if TABLES_WITH_FILES.contains(&kind) && which.has(&schema) {
            let table = index.table;
            found.push(ListedIndex { table, index: c.oid, schema, table_name, name: c.name.clone() });
        }
    }
    Ok(found)
}

fn indexes(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed_indexes(cx, sink, which)?;
    let (stats, db) = counters(cx)?;
    for i in found {
        let s = stats.table(db, i.index);
        row![sink;
            i.table, i.index, i.schema, i.table_name, i.name, s.numscans, s.tuples_returned, s.tuples_fetched,
        ];
    }
    Ok(())
}

fn index_io(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed_indexes(cx, sink, which)?;
    let (stats, db) = counters(cx)?;
    for i in found {
        let s = stats.table(db, i.index);
        row![sink;
            i.table, i.index, i.schema, i.table_name, i.name, s.blocks_fetched - s.blocks_hit, s.blocks_hit,
        ];
    }
    Ok(())
}

fn sequence_io(cx: &mut ExecContext, sink: &mut Sink, which: Which) -> Flow<()> {
    let found = listed(cx, sink, which, &[RelKind::Sequence])?;
    let (stats, db) = counters(cx)?;
    for t in found {
        let s = stats.table(db, t.oid);
        row![sink; t.oid, t.schema, t.name, s.blocks_fetched - s.blocks_hit, s.blocks_hit];
    }
    Ok(())
}

/// OIDs and names of the databases, first the pseudo-database of the shared relations.
fn database_list(cx: &mut ExecContext) -> Result<Vec<(Oid, Option<String>)>> {
    let mut all: Vec<(Oid, Option<String>)> = catalog(cx)?
        .all(class::DATABASE)
        .iter()
        .filter_map(|r| r.object.as_database().ok().map(|d| (d.oid, Some(d.name.clone()))))
        .collect();
    all.push((Oid::INVALID, None));
    all.sort();
    Ok(all)
}

fn millis(us: i64) -> f64 {
    us as f64 / 1000.0
}

fn databases(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let all = database_list(cx)?;
    let instance = cx.backend()?.instance.clone();
    let checksums = instance.storage.pool.checksums();
    let stats = counters(cx)?.0;
    for (oid, name) in all {
        let d = stats.database(oid);
        let sessions = if oid.is_valid() { Some(instance.activity.backends_in(oid)) } else { None };
        row![sink;
            oid, name, sessions.unwrap_or(0), d.xact_commit, d.xact_rollback, d.blocks_fetched - d.blocks_hit,
            d.blocks_hit, d.tuples_returned, d.tuples_fetched, d.tuples_inserted, d.tuples_updated, d.tuples_deleted,
            d.conflicts, d.temp_files, d.temp_bytes, d.deadlocks, checksums.then_some(d.checksum_failures),
            checksums.then_some(Stamp(d.last_checksum_failure_us)), millis(d.block_read_us), millis(d.block_write_us),
            millis(d.session_us), millis(d.active_us), millis(d.idle_in_transaction_us), d.sessions,
            d.sessions_abandoned, d.sessions_fatal, d.sessions_killed, Stamp(d.reset_us),
        ];
    }
    Ok(())
}

fn conflicts(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    // Queries are cancelled by recovery on standbys only; a standby is nothing this server can be.
    for (oid, name) in database_list(cx)?.into_iter().filter(|d| d.0.is_valid()) {
        row![sink; oid, name, 0, 0, 0, 0, 0];
    }
    Ok(())
}

fn functions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let ((stats, db), catalog) = (counters(cx)?, catalog(cx)?);
    for record in catalog.all(class::PROC) {
        let Object::Function(f) = &record.object else { continue };
        if let Some(s) = stats.function(db, f.oid) {
            let schema = schema_of(&catalog, f.namespace);
            row![sink; f.oid, schema, &f.name, s.calls, millis(s.total_us), millis(s.self_us)];
        }
    }
    Ok(())
}

fn xact_functions(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let catalog = catalog(cx)?;
    for record in catalog.all(class::PROC) {
        let Object::Function(f) = &record.object else { continue };
        if let Some(s) = cx.backend()?.stats.counted_function(f.oid) {
            let schema = schema_of(&catalog, f.namespace);
            row![sink; f.oid, schema, &f.name, s.calls, millis(s.total_us), millis(s.self_us)];
        }
    }
    Ok(())
}

fn archiver(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let s = counters(cx)?.0.archiver();
    let name = |s: String| (!s.is_empty()).then_some(s);
    row![sink;
        s.archived_count, name(s.last_archived_wal), Stamp(s.last_archived_us), s.failed_count,
        name(s.last_failed_wal), Stamp(s.last_failed_us), Stamp(s.reset_us),
    ];
    Ok(())
}

fn bgwriter(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let s = counters(cx)?.0.bgwriter();
    row![sink;
        s.checkpoints_timed, s.checkpoints_requested, millis(s.checkpoint_write_us), millis(s.checkpoint_sync_us),
        s.buffers_checkpoint, s.buffers_clean, s.maxwritten_clean, s.buffers_backend, s.buffers_backend_fsync,
        s.buffers_alloc, Stamp(s.reset_us),
    ];
    Ok(())
}

fn wal(cx: &mut ExecContext, sink: &mut Sink) -> Flow<()> {
    let s = counters(cx)?.0.wal();
    let bytes = Numeric::from_i128(i128::from(s.bytes)).to_bytes()?;
    row![sink;
        s.records, s.full_page_images, Value::Bytes(bytes.into()), s.buffers_full, s.writes, s.syncs,
        millis(s.write_us), millis(s.sync_us), Stamp(s.reset_us),
    ];
    Ok(())
}
