//! What is done by hand with the summaries of BRIN indexes. PostgreSQL 15, brin.c.

use super::{SystemFn, void};
use crate::base::{BlockNo, Error, Flow, Oid, Result};
use crate::catalog::{IndexMethod, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::command::{act_restricted, restricted_as, summarize};
use crate::sql::exec::{ExecContext, patiently};
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "brin_summarize_new_values" => |cx, args, out| {
            let of = locked(cx, Oid(args[0].u32()))?;
            out.push(Datum::I32(as_owner(cx, of, None)? as i32));
            Ok(())
        },
        "brin_summarize_range" => |cx, args, out| {
            let block = block(args[1].i64())?;
            let of = locked(cx, Oid(args[0].u32()))?;
            let only = (block != BlockNo::MAX).then_some(block);
            out.push(Datum::I32(as_owner(cx, of, only)? as i32));
            Ok(())
        },
        "brin_desummarize_range" => desummarize,
        _ => return None,
    })
}

/// Makes summaries with the rights of the table's owner, whose functions the index may call.
fn as_owner(cx: &mut ExecContext, (table, index): (Oid, Oid), only: Option<BlockNo>) -> Result<u64> {
    let rel = cx.backend()?.catalog.relation(table)?;
    let owner = rel.ok_or_else(|| Error::internal(format!("relation {table} is gone")))?.owner;
    let owner = restricted_as(cx.backend()?, owner)?;
    act_restricted(cx, owner, |cx| summarize(cx, table, index, only, true))
}

/// The greatest number there is stands for all blocks.
fn block(number: i64) -> Result<BlockNo> {
    BlockNo::try_from(number).map_err(|_| {
        err!(NUMERIC_VALUE_OUT_OF_RANGE, "block number out of range: {number}").place(
            "brin_summarize_range",
            "brin.c",
            1040,
        )
    })
}

/// The index and its table, whose summaries nobody else makes meanwhile.
fn locked(cx: &mut ExecContext, oid: Oid) -> Flow<(Oid, Oid)> {
    let of_index = |cx: &mut ExecContext| -> Result<Option<Oid>> {
        let record = cx.backend()?.catalog.class(oid);
        Ok(record.and_then(|r| r.object.as_class().ok().and_then(|c| c.index.as_ref().map(|i| i.table))))
    };
    if let Some(table) = of_index(cx)? {
        cx.backend()?.txn.lock_relation(table, LockMode::ShareUpdateExclusive)?;
        cx.backend()?.txn.lock_relation(oid, LockMode::ShareUpdateExclusive)?;
    }
    let backend = cx.backend()?;
    let Some(record) = backend.catalog.class(oid) else {
        if let Some(name) = backend.catalog.relation(oid)?.map(|r| r.name.clone()) {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is not an index").into());
        }
        return Err(err!(INTERNAL_ERROR, "could not open relation with OID {oid}").into());
    };
    let class = record.object.as_class()?;
    let wrong = match class.index.as_ref().map(|i| i.method()) {
        Some(IndexMethod::Brin) if class.kind == RelKind::Index => None,
        Some(_) => Some("a BRIN index"),
        None => Some("an index"),
    };
    if let Some(wrong) = wrong {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not {wrong}", class.name).into());
    }
    if !crate::sql::exec::rights::subject(backend).has_role(class.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of index {}", class.name).into());
    }
    let table = class.index.as_ref().map_or(Oid::INVALID, |i| i.table);
    Ok((table, oid))
}

fn desummarize(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let block = match block(args[1].i64())? {
        BlockNo::MAX => {
            return Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "block number out of range: {}", BlockNo::MAX).into());
        }
        block => block,
    };
    let (table, oid) = locked(cx, Oid(args[0].u32()))?;
    let rel = cx.backend()?.catalog.relation(table)?;
    let index = rel.and_then(|r| r.indexes.iter().find(|i| i.oid == oid).cloned());
    if let Some(index) = index {
        let storage = cx.storage()?;
        let ranges = index.ranges();
        patiently(cx, |_| ranges.forget(&storage, ranges.first_of(block)))?;
    }
    void(out);
    Ok(())
}
