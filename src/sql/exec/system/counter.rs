//! Cumulative statistics one by one, and their resets.

use super::{SystemFn, void};
use crate::base::{Flow, Oid, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, Stamp, fit};
use crate::stat::{BgwriterStats, DatabaseStats, TableStats};
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

macro_rules! of_database {
    ($field:ident) => {
        |cx, args, out| database(cx, args, out, |d| d.$field.cell())
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
        "pg_stat_get_blocks_fetched" => of_table!(blocks_fetched),
        "pg_stat_get_blocks_hit" => of_table!(blocks_hit),
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
        "pg_stat_get_db_blocks_fetched" => of_database!(blocks_fetched),
        "pg_stat_get_db_blocks_hit" => of_database!(blocks_hit),
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
        // Counters are read where they stand, nothing is kept to be cleared.
        "pg_stat_clear_snapshot" => |_, _, out| {
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
    push(out, &f(&backend.instance.stats.table(backend.database, Oid(args[0].u32()))));
    Ok(())
}

fn database(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: impl Fn(&DatabaseStats) -> Value,
) -> Flow<()> {
    push(out, &f(&cx.backend()?.instance.stats.database(Oid(args[0].u32()))));
    Ok(())
}

fn bgwriter(cx: &mut ExecContext, out: &mut Column, f: fn(&BgwriterStats) -> Value) -> Flow<()> {
    push(out, &f(&cx.backend()?.instance.stats.bgwriter()));
    Ok(())
}

fn backends(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let count = cx.backend()?.instance.activity.backends_in(Oid(args[0].u32()));
    out.push(Datum::I32(count as i32));
    Ok(())
}

fn reset(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let backend = cx.backend()?;
    backend.instance.stats.reset_database(backend.database);
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
    backend.instance.stats.reset_table(backend.database, Oid(args[0].u32()));
    void(out);
    Ok(())
}
