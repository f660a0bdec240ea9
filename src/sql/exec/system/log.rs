//! The write-ahead log and the control file, as functions tell of them.

use super::{SystemFn, push_record, text};
use crate::base::{Flow, Lsn, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, Stamp};
use crate::types::{Column, Datum, Value};
use crate::wal::Wal;
use std::sync::Arc;

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_switch_wal" => switch,
        "pg_current_wal_lsn" => written,
        "pg_current_wal_insert_lsn" => inserted,
        "pg_current_wal_flush_lsn" => flushed,
        "pg_walfile_name" => file_name,
        "pg_walfile_name_offset" => file_name_offset,
        "pg_is_in_recovery" => in_recovery,
        "pg_last_wal_receive_lsn" | "pg_last_wal_replay_lsn" | "pg_last_xact_replay_timestamp" => none,
        "pg_is_wal_replay_paused"
        | "pg_get_wal_replay_pause_state"
        | "pg_wal_replay_pause"
        | "pg_wal_replay_resume"
        | "pg_promote" => not_in_recovery,
        "pg_control_system" => control_system,
        "pg_control_checkpoint" => control_checkpoint,
        "pg_control_init" => control_init,
        "pg_control_recovery" => control_recovery,
        _ => return None,
    })
}

fn wal(cx: &mut ExecContext) -> Result<Arc<Wal>> {
    Ok(cx.backend()?.instance.storage.wal.clone())
}

fn push_lsn(out: &mut Column, lsn: Lsn) {
    out.push(Datum::I64(lsn.0 as i64));
}

fn switch(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let end = wal(cx)?.switch()?;
    push_lsn(out, end);
    Ok(())
}

fn written(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    push_lsn(out, wal(cx)?.written_lsn());
    Ok(())
}

fn inserted(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    push_lsn(out, wal(cx)?.insert_lsn());
    Ok(())
}

fn flushed(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    push_lsn(out, wal(cx)?.durable_lsn());
    Ok(())
}

/// The segment the byte before a position lies in (PostgreSQL 15, xlogfuncs.c: same rule).
fn segment(wal: &Wal, lsn: i64) -> String {
    wal.file_name(Lsn((lsn as u64).saturating_sub(1)))
}

fn file_name(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let name = segment(&*wal(cx)?, args[0].i64());
    text(out, &name);
    Ok(())
}

fn file_name_offset(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let wal = wal(cx)?;
    let lsn = args[0].i64();
    let offset = lsn as u64 % wal.segment_bytes();
    push_record(out, &[("file_name", segment(&wal, lsn).cell()), ("file_offset", (offset as i32).cell())], 2850);
    Ok(())
}

/// Sessions are served only when recovery is over.
fn in_recovery(_: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    out.push(Datum::Bool(false));
    Ok(())
}

fn none(_: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    out.push_null();
    Ok(())
}

fn not_in_recovery(_: &mut ExecContext, _: &[Datum<'_>], _: &mut Column) -> Flow<()> {
    Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "recovery is not in progress")
        .hint("Recovery control functions can only be executed during recovery.")
        .into())
}

fn control_system(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let c = cx.backend()?.instance.checkpoints.control().get();
    let fields = [
        ("pg_control_version", (c.control_version as i32).cell()),
        ("catalog_version_no", (c.catalog_version as i32).cell()),
        ("system_identifier", c.system_identifier.cell()),
        ("pg_control_last_modified", Stamp(c.time * 1_000_000).cell()),
    ];
    push_record(out, &fields, 3441);
    Ok(())
}

fn control_checkpoint(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let instance = cx.backend()?.instance.clone();
    let c = instance.checkpoints.control().get();
    let k = &c.checkpoint_copy;
    let xid = |x: crate::base::Xid| Value::U32(x.0 as u32);
    let fields = [
        ("checkpoint_lsn", c.checkpoint.cell()),
        ("redo_lsn", k.redo.cell()),
        ("redo_wal_file", instance.storage.wal.file_name(k.redo).cell()),
        ("timeline_id", (k.timeline as i32).cell()),
        ("prev_timeline_id", (k.previous_timeline as i32).cell()),
        ("full_page_writes", k.full_page_writes.cell()),
        ("next_xid", format!("{}:{}", k.next_xid.0 >> 32, k.next_xid.0 as u32).cell()),
        ("next_oid", k.next_oid.cell()),
        ("next_multixact_id", k.next_multi.cell()),
        ("next_multi_offset", k.next_multi_offset.cell()),
        ("oldest_xid", xid(k.oldest_xid)),
        ("oldest_xid_dbid", k.oldest_xid_db.cell()),
        ("oldest_active_xid", xid(k.oldest_active_xid)),
        ("oldest_multi_xid", 1u32.cell()),
        ("oldest_multi_dbid", k.oldest_xid_db.cell()),
        ("oldest_commit_ts_xid", 0u32.cell()),
        ("newest_commit_ts_xid", 0u32.cell()),
        ("checkpoint_time", Stamp(k.time * 1_000_000).cell()),
    ];
    push_record(out, &fields, 3442);
    Ok(())
}

fn control_init(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let c = cx.backend()?.instance.checkpoints.control().get();
    let number = |n: usize| Value::I32(n as i32);
    let fields = [
        ("max_data_alignment", number(8)),
        ("database_block_size", number(crate::page::PAGE_SIZE)),
        ("blocks_per_segment", number(crate::disk::relation::SEGMENT_BLOCKS as usize)),
        ("wal_block_size", number(8192)),
        ("bytes_per_wal_segment", number(c.segment_bytes as usize)),
        ("max_identifier_length", number(64)),
        ("max_index_columns", number(32)),
        ("max_toast_chunk_size", number(1996)),
        ("large_object_chunk_size", number(2048)),
        ("float8_pass_by_value", Value::Bool(true)),
        ("data_page_checksum_version", number(usize::from(c.data_checksums))),
    ];
    push_record(out, &fields, 3444);
    Ok(())
}

fn control_recovery(_: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let zero = Lsn(0);
    let fields = [
        ("min_recovery_end_lsn", zero.cell()),
        ("min_recovery_end_timeline", 0i32.cell()),
        ("backup_start_lsn", zero.cell()),
        ("backup_end_lsn", zero.cell()),
        ("end_of_backup_record_required", false.cell()),
    ];
    push_record(out, &fields, 3443);
    Ok(())
}
