//! Cumulative statistics one by one, and their resets.

use super::{SystemFn, void};
use crate::base::{Flow, Oid, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, Stamp, fit};
use crate::stat::{BgwriterStats, DatabaseStats, FunctionStats, TableStats};
use crate::types::{Column, Datum, Value};

/// One counter of a table or index.
macro_rules! of_table {
    ($field:ident) => {
        |cx, args, out| table(cx, args, out, |t| t.$field.cell())
    };
    ($field:ident as time) => {
        |cx, args, out| table(cx, args, out, |t| Stamp(t.$field).cell())
    };
}

/// One counter of the running transaction.
macro_rules! of_transaction {
    ($field:ident) => {
        |cx, args, out| {
            let counted = cx.backend()?.stats.counted(Oid(args[0].u32()));
            push(out, &counted.$field.cell());
            Ok(())
        }
    };
}

/// Microseconds as the milliseconds that are shown.
macro_rules! millis_of_database {
    ($field:ident) => {
        |cx, args, out| database(cx, args, out, |d| (d.$field as f64 / 1000.0).cell())
    };
}

macro_rules! of_function {
    ($f:expr) => {
        |cx, args, out| function(cx, args, out, $f)
    };
}

macro_rules! of_database {
    ($field:ident) => {
        |cx, args, out| database(cx, args, out, |d| d.$field.cell())
    };
}

/// Pages, which the pool counts by itself. Called once for every row, so not each call makes it tell.
macro_rules! of_pages {
    ($of:ident, $field:ident) => {
        |cx, args, out| {
            let instance = &cx.backend()?.instance;
            instance.storage.pool.flush_counts_lately(&instance.stats);
            $of(cx, args, out, |s| s.$field.cell())
        }
    };
}

macro_rules! of_bgwriter {
    ($field:ident) => {
        |cx, _, out| bgwriter(cx, out, |b| b.$field.cell())
    };
}

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_stat_get_numscans" => of_table!(numscans),
        "pg_stat_get_tuples_returned" => of_table!(tuples_returned),
        "pg_stat_get_tuples_fetched" => of_table!(tuples_fetched),
        "pg_stat_get_tuples_inserted" => of_table!(tuples_inserted),
        "pg_stat_get_tuples_updated" => of_table!(tuples_updated),
        "pg_stat_get_tuples_deleted" => of_table!(tuples_deleted),
        "pg_stat_get_tuples_hot_updated" => of_table!(tuples_hot_updated),
        "pg_stat_get_live_tuples" => of_table!(live_tuples),
        "pg_stat_get_dead_tuples" => of_table!(dead_tuples),
        "pg_stat_get_mod_since_analyze" => of_table!(changes_since_analyze),
        "pg_stat_get_ins_since_vacuum" => of_table!(inserts_since_vacuum),
        "pg_stat_get_blocks_fetched" => of_pages!(table, blocks_fetched),
        "pg_stat_get_blocks_hit" => of_pages!(table, blocks_hit),
        "pg_stat_get_vacuum_count" => of_table!(vacuum_count),
        "pg_stat_get_autovacuum_count" => of_table!(autovacuum_count),
        "pg_stat_get_analyze_count" => of_table!(analyze_count),
        "pg_stat_get_autoanalyze_count" => of_table!(autoanalyze_count),
        "pg_stat_get_last_vacuum_time" => of_table!(vacuum_time_us as time),
        "pg_stat_get_last_autovacuum_time" => of_table!(autovacuum_time_us as time),
        "pg_stat_get_last_analyze_time" => of_table!(analyze_time_us as time),
        "pg_stat_get_last_autoanalyze_time" => of_table!(autoanalyze_time_us as time),
        "pg_stat_get_db_xact_commit" => of_database!(xact_commit),
        "pg_stat_get_db_xact_rollback" => of_database!(xact_rollback),
        "pg_stat_get_db_blocks_fetched" => of_pages!(database, blocks_fetched),
        "pg_stat_get_db_blocks_hit" => of_pages!(database, blocks_hit),
        "pg_stat_get_db_tuples_returned" => of_database!(tuples_returned),
        "pg_stat_get_db_tuples_fetched" => of_database!(tuples_fetched),
        "pg_stat_get_db_tuples_inserted" => of_database!(tuples_inserted),
        "pg_stat_get_db_tuples_updated" => of_database!(tuples_updated),
        "pg_stat_get_db_tuples_deleted" => of_database!(tuples_deleted),
        "pg_stat_get_db_deadlocks" => of_database!(deadlocks),
        "pg_stat_get_db_checksum_failures" => |cx, args, out| {
            let checksums = cx.backend()?.instance.storage.pool.checksums();
            database(cx, args, out, |d| checksums.then_some(d.checksum_failures).cell())
        },
        "pg_stat_get_db_checksum_last_failure" => |cx, args, out| {
            let checksums = cx.backend()?.instance.storage.pool.checksums();
            database(cx, args, out, |d| checksums.then_some(Stamp(d.last_checksum_failure_us)).cell())
        },
        "pg_stat_get_db_temp_files" => of_database!(temp_files),
        "pg_stat_get_db_temp_bytes" => of_database!(temp_bytes),
        "pg_stat_get_db_sessions" => of_database!(sessions),
        "pg_stat_get_db_stat_reset_time" => |cx, args, out| database(cx, args, out, |d| Stamp(d.reset_us).cell()),
        "pg_stat_get_db_numbackends" => backends,
        "pg_stat_get_db_blk_read_time" => millis_of_database!(block_read_us),
        "pg_stat_get_db_blk_write_time" => millis_of_database!(block_write_us),
        "pg_stat_get_db_session_time" => millis_of_database!(session_us),
        "pg_stat_get_db_active_time" => millis_of_database!(active_us),
        "pg_stat_get_db_idle_in_transaction_time" => millis_of_database!(idle_in_transaction_us),
        "pg_stat_get_db_sessions_abandoned" => of_database!(sessions_abandoned),
        "pg_stat_get_db_sessions_fatal" => of_database!(sessions_fatal),
        "pg_stat_get_db_sessions_killed" => of_database!(sessions_killed),
        "pg_stat_get_db_conflict_all" => of_database!(conflicts),
        // Queries are cancelled by recovery on standbys only; a standby is nothing this server can be.
        "pg_stat_get_db_conflict_tablespace"
        | "pg_stat_get_db_conflict_lock"
        | "pg_stat_get_db_conflict_snapshot"
        | "pg_stat_get_db_conflict_bufferpin"
        | "pg_stat_get_db_conflict_startup_deadlock" => |_, _, out| {
            out.push(Datum::I64(0));
            Ok(())
        },
        "pg_stat_get_checkpoint_write_time" => {
            |cx, _, out| bgwriter(cx, out, |b| (b.checkpoint_write_us as f64 / 1000.0).cell())
        }
        "pg_stat_get_checkpoint_sync_time" => {
            |cx, _, out| bgwriter(cx, out, |b| (b.checkpoint_sync_us as f64 / 1000.0).cell())
        }
        "pg_stat_get_xact_numscans" => of_transaction!(numscans),
        "pg_stat_get_xact_tuples_returned" => of_transaction!(tuples_returned),
        "pg_stat_get_xact_tuples_fetched" => of_transaction!(tuples_fetched),
        "pg_stat_get_xact_tuples_inserted" => of_transaction!(tuples_inserted),
        "pg_stat_get_xact_tuples_updated" => of_transaction!(tuples_updated),
        "pg_stat_get_xact_tuples_deleted" => of_transaction!(tuples_deleted),
        "pg_stat_get_xact_tuples_hot_updated" => of_transaction!(tuples_hot_updated),
        "pg_stat_get_xact_blocks_fetched" => of_transaction!(blocks_fetched),
        "pg_stat_get_xact_blocks_hit" => of_transaction!(blocks_hit),
        "pg_stat_get_function_calls" => of_function!(|f| f.calls.cell()),
        "pg_stat_get_function_total_time" => of_function!(|f| (f.total_us as f64 / 1000.0).cell()),
        "pg_stat_get_function_self_time" => of_function!(|f| (f.self_us as f64 / 1000.0).cell()),
        "pg_stat_get_xact_function_calls" => |cx, args, out| xact_function(cx, args, out, |f| f.calls.cell()),
        "pg_stat_get_xact_function_total_time" => {
            |cx, args, out| xact_function(cx, args, out, |f| (f.total_us as f64 / 1000.0).cell())
        }
        "pg_stat_get_xact_function_self_time" => {
            |cx, args, out| xact_function(cx, args, out, |f| (f.self_us as f64 / 1000.0).cell())
        }
        "pg_stat_reset_slru" => |cx, args, out| {
            let name = if args[0].is_null() { None } else { Some(args[0].str()) };
            cx.backend()?.instance.stats.reset_slru(name);
            void(out);
            Ok(())
        },
        "pg_stat_get_wal" => |cx, _, out| row_of(cx, "pg_stat_wal", 1136, out),
        "pg_stat_get_archiver" => |cx, _, out| row_of(cx, "pg_stat_archiver", 3195, out),
        "pg_stat_have_stats" => have_stats,
        "pg_stat_get_snapshot_timestamp" => |cx, _, out| {
            push(out, &cx.backend()?.seen.taken_us().map(Stamp).cell());
            Ok(())
        },
        "pg_stat_get_bgwriter_timed_checkpoints" => of_bgwriter!(checkpoints_timed),
        "pg_stat_get_bgwriter_requested_checkpoints" => of_bgwriter!(checkpoints_requested),
        "pg_stat_get_bgwriter_buf_written_checkpoints" => of_bgwriter!(buffers_checkpoint),
        "pg_stat_get_bgwriter_buf_written_clean" => of_bgwriter!(buffers_clean),
        "pg_stat_get_bgwriter_maxwritten_clean" => of_bgwriter!(maxwritten_clean),
        "pg_stat_get_buf_written_backend" => of_bgwriter!(buffers_backend),
        "pg_stat_get_buf_fsync_backend" => of_bgwriter!(buffers_backend_fsync),
        "pg_stat_get_buf_alloc" => of_bgwriter!(buffers_alloc),
        "pg_stat_get_bgwriter_stat_reset_time" => |cx, _, out| bgwriter(cx, out, |b| Stamp(b.reset_us).cell()),
        "pg_stat_reset" => reset,
        "pg_stat_reset_shared" => reset_shared,
        "pg_stat_reset_single_table_counters" | "pg_stat_reset_single_function_counters" => reset_one,
        "pg_stat_clear_snapshot" => |cx, _, out| {
            cx.backend()?.seen.clear();
            void(out);
            Ok(())
        },
        "pg_stat_force_next_flush" => |_, _, out| {
            void(out);
            Ok(())
        },
        _ => return None,
    })
}

fn push(out: &mut Column, value: &Value) {
    let form = out.phys();
    out.push(fit(value.datum(), form));
}

fn table(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column, f: fn(&TableStats) -> Value) -> Flow<()> {
    let backend = cx.backend()?;
    push(out, &f(&backend.counted().table(backend.database, Oid(args[0].u32()))));
    Ok(())
}

fn function(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column, f: fn(&FunctionStats) -> Value) -> Flow<()> {
    let backend = cx.backend()?;
    match backend.counted().function(backend.database, Oid(args[0].u32())) {
        Some(s) => push(out, &f(&s)),
        None => out.push_null(),
    }
    Ok(())
}

fn xact_function(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: fn(&FunctionStats) -> Value,
) -> Flow<()> {
    match cx.backend()?.stats.counted_function(Oid(args[0].u32())) {
        Some(s) => push(out, &f(&s)),
        None => out.push_null(),
    }
    Ok(())
}

/// The only row of a view as a function's record: their columns are the same.
fn row_of(cx: &mut ExecContext, view: &str, function: u32, out: &mut Column) -> Flow<()> {
    let relation = crate::catalog::system::oid_by_name(crate::catalog::object::fixed::PG_CATALOG, view)
        .and_then(crate::catalog::system::relation)
        .ok_or_else(|| crate::base::Error::internal(format!("no view {view}")))?;
    let types: Vec<crate::types::TypeRef> = relation.attributes.iter().map(|a| a.ty).collect();
    let columns = super::rows::view(cx, view, &types)?;
    let value = |n: usize| columns.get(n).map_or(Value::Null, |c| c.get(0).to_value());
    let fields: Vec<(&str, Value)> =
        relation.attributes.iter().enumerate().map(|(n, a)| (a.name.as_str(), value(n))).collect();
    super::push_record(out, &fields, function);
    Ok(())
}

/// PostgreSQL 15, pgstat.c, pgstat_have_entry.
fn have_stats(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (kind, db, object) = (args[0].str(), Oid(args[1].u32()), Oid(args[2].u32()));
    let backend = cx.backend()?;
    let stats = backend.counted();
    let there = match kind {
        "database" => !object.is_valid() && backend.catalog.database_by_oid(db).is_some(),
        "relation" => stats.has_table(db, object),
        "function" => stats.function(db, object).is_some(),
        "archiver" | "bgwriter" | "checkpointer" | "slru" | "wal" => true,
        "replslot" | "subscription" => false,
        _ => return Err(err!(INVALID_PARAMETER_VALUE, "invalid statistics kind: \"{kind}\"").into()),
    };
    out.push(Datum::Bool(there));
    Ok(())
}

fn database(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: impl Fn(&DatabaseStats) -> Value,
) -> Flow<()> {
    push(out, &f(&cx.backend()?.counted().database(Oid(args[0].u32()))));
    Ok(())
}

fn bgwriter(cx: &mut ExecContext, out: &mut Column, f: fn(&BgwriterStats) -> Value) -> Flow<()> {
    push(out, &f(&cx.backend()?.counted().bgwriter()));
    Ok(())
}

fn backends(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let count = cx.backend()?.instance.activity.backends_in(Oid(args[0].u32()));
    out.push(Datum::I32(count as i32));
    Ok(())
}

fn reset(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let backend = cx.backend()?;
    backend.instance.counters().reset_database(backend.database);
    void(out);
    Ok(())
}

fn reset_shared(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let target = args[0].str();
    let known: Result<()> = match cx.backend()?.instance.stats.reset_shared(target) {
        true => Ok(()),
        false => Err(err!(INVALID_PARAMETER_VALUE, "unrecognized reset target: \"{target}\"")
            .hint("Target must be \"archiver\", \"bgwriter\", \"recovery_prefetch\", or \"wal\".")),
    };
    known?;
    void(out);
    Ok(())
}

fn reset_one(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let backend = cx.backend()?;
    backend.instance.counters().reset_table(backend.database, Oid(args[0].u32()));
    void(out);
    Ok(())
}
