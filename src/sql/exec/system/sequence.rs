//! Functions over sequences, and the last value of one as `pg_sequences` shows it.

use super::SystemFn;
use crate::base::{Flow, Oid, Result};
use crate::heap::HeapScan;
use crate::mvcc::Snapshot;
use crate::sql::command::sequence as values;
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Column, Datum};

/// None before the first `nextval`.
pub(crate) fn last_value(cx: &mut ExecContext, sequence: Oid) -> Result<Option<i64>> {
    let backend = cx.backend()?;
    let Some(store) = backend.catalog.relation(sequence)?.and_then(|r| r.store.clone()) else { return Ok(None) };
    // Columns of a sequence: last_value, log_cnt, is_called. Its one row has no other version.
    let mut scan = HeapScan::new(store, Snapshot::any(), vec![1, 3]);
    let mut batch = Batch { columns: Vec::new(), rows: 0 };
    while scan.next(&backend.instance.storage, &mut batch)? {
        if let Some(last) = batch.rows.checked_sub(1)
            && let (Datum::I64(value), Datum::Bool(called)) = (batch.columns[0].get(last), batch.columns[1].get(last))
        {
            return Ok(called.then_some(value));
        }
    }
    Ok(None)
}

/// nextval and its kin; the work is done by the sequence commands.
pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "nextval_oid" => |cx, args, out| number(values::nextval(cx, Oid(args[0].u32()))?, out),
        "next_value" => |cx, args, out| number(values::next_identity(cx, Oid(args[0].u32()))?, out),
        "currval_oid" => |cx, args, out| number(values::currval(cx, Oid(args[0].u32()))?, out),
        "lastval" => |cx, _, out| number(values::lastval(cx)?, out),
        "setval_oid" => |cx, args, out| number(values::setval(cx, Oid(args[0].u32()), args[1].i64(), true)?, out),
        "setval3_oid" => {
            |cx, args, out| number(values::setval(cx, Oid(args[0].u32()), args[1].i64(), args[2].bool())?, out)
        }
        "pg_sequence_last_value" => |cx, args, out| match values::last_value(cx, Oid(args[0].u32()))? {
            Some(n) => number(n, out),
            None => {
                out.push_null();
                Ok(())
            }
        },
        "pg_get_serial_sequence" => serial_sequence,
        _ => return None,
    })
}

fn number(n: i64, out: &mut Column) -> Flow<()> {
    out.push(Datum::I64(n));
    Ok(())
}

fn serial_sequence(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match values::serial_sequence(cx, args[0].str(), args[1].str())? {
        Some(name) => out.push(Datum::Bytes(name.as_bytes())),
        None => out.push_null(),
    }
    Ok(())
}
