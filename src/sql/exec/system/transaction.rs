//! Transaction ids as values.

use super::{SystemFn, text};
use crate::base::{Flow, Xid};
use crate::err;
use crate::mvcc::XactStatus;
use crate::sql::exec::ExecContext;
use crate::types::snapshot::SnapshotValue;
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_current_xact_id" | "txid_current" => current,
        "pg_current_xact_id_if_assigned" | "txid_current_if_assigned" => current_if_assigned,
        "pg_xact_status" | "txid_status" => status,
        "pg_export_snapshot" => export,
        "pg_current_snapshot" => snapshot,
        "xid_age" => age,
        _ => return None,
    })
}

fn push(out: &mut Column, xid: Xid) {
    out.push(Datum::I64(xid.0 as i64));
}

/// The top transaction's id; savepoints have their own, which nobody asks for.
fn current(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let txn = &mut cx.backend()?.txn;
    let assigned = txn.xid();
    push(out, txn.xid_if_assigned().unwrap_or(assigned));
    Ok(())
}

fn current_if_assigned(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match cx.backend()?.txn.xid_if_assigned() {
        Some(xid) => push(out, xid),
        None => out.push_null(),
    }
    Ok(())
}

/// What is running now. Sub-transactions count, too: their ids are as good as those of transactions.
fn snapshot(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let now = cx.backend()?.instance.storage.mvcc.running();
    let running: Vec<u64> = now.running.iter().map(|x| x.0).collect();
    let value = SnapshotValue { xmin: now.oldest.0, xmax: now.next.0, running };
    text(out, &value.to_string());
    Ok(())
}

/// How many transactions ago; ids of the system are older than any.
fn age(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (xid, next) = (args[0].u32(), cx.backend()?.instance.storage.mvcc.next_xid().0 as u32);
    out.push(Datum::I32(if xid < 3 { i32::MAX } else { next.wrapping_sub(xid) as i32 }));
    Ok(())
}

fn status(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let xid = Xid(args[0].i64() as u64);
    let mvcc = &cx.backend()?.instance.storage.mvcc;
    if xid >= mvcc.next_xid() {
        return Err(err!(INVALID_PARAMETER_VALUE, "transaction ID {} is in the future", xid.0).into());
    }
    if xid.0 < 3 {
        match xid.0 {
            0 => out.push_null(),
            _ => text(out, "committed"),
        }
        return Ok(());
    }
    if xid < mvcc.clog().oldest() {
        out.push_null();
        return Ok(());
    }
    text(
        out,
        match mvcc.status(xid) {
            XactStatus::Running => "in progress",
            XactStatus::Committed(_) => "committed",
            XactStatus::Aborted => "aborted",
        },
    );
    Ok(())
}

fn export(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let snapshot = cx.snapshot()?;
    let name = cx.backend()?.txn.export_snapshot(snapshot)?;
    text(out, &name);
    Ok(())
}
