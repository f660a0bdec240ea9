//! amcheck: does what lies on the pages fit together? The checks are those of `btree::verify` and `heap::verify`.
//!
//! PostgreSQL 15, verify_nbtree.c and verify_heapam.c: same refusals; what a fault is called is our own.

use super::{Code, Extension, PLAIN};
use crate::base::{BlockNo, Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::{Index, IndexMethod, RelKind, Relation};
use crate::err;
use crate::heap;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, NULL};
use crate::types::{Column, Datum, TypeRef, Value};
use std::sync::Arc;

pub(super) const EXTENSION: Extension = Extension {
    name: "amcheck",
    version: "1.3",
    comment: "functions for verifying relation integrity",
    script: include_str!("amcheck.sql"),
    code: &[
        ("bt_index_check", Code::Session(|cx, a, out| index_check(cx, a, LockMode::AccessShare, out))),
        ("bt_index_parent_check", Code::Session(|cx, a, out| index_check(cx, a, LockMode::Share, out))),
        ("verify_heapam", Code::Rows(verify_heap)),
    ],
    ..PLAIN
};

/// A whole relation is read: not on the thread that serves the clients.
fn move_to_pool(cx: &mut ExecContext) -> Flow<()> {
    match std::mem::replace(&mut cx.run.moved, true) {
        true => Ok(()),
        false => Err(Stop::Yield),
    }
}

fn relation(cx: &mut ExecContext, oid: Oid) -> Result<Arc<Relation>> {
    let found = cx.backend()?.catalog.relation(oid)?;
    found.ok_or_else(|| err!(UNDEFINED_TABLE, "could not open relation with OID {oid}"))
}

/// The index, with its table and itself locked.
fn locked_index(cx: &mut ExecContext, oid: Oid, mode: LockMode) -> Flow<Option<Arc<Index>>> {
    let catalog = cx.backend()?.catalog.clone();
    let table = catalog.class(oid).and_then(|r| r.object.as_class().ok()?.index.as_ref().map(|i| i.table));
    let Some(table) = table else {
        let found = relation(cx, oid)?;
        return match found.kind {
            // An index of the system catalogs: nothing lies on disk for it.
            RelKind::Index => Ok(None),
            _ => Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not an index", found.name).into()),
        };
    };
    cx.backend()?.txn.lock_relation(table, mode)?;
    cx.backend()?.txn.lock_relation(oid, mode)?;
    let of = relation(cx, table)?;
    let found = of.indexes.iter().find(|i| i.oid == oid).cloned();
    let Some(index) = found else {
        // Of a partitioned table.
        let text = "only B-Tree indexes are supported as targets for verification";
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text).into());
    };
    if index.method != IndexMethod::Btree {
        let text = "only B-Tree indexes are supported as targets for verification";
        let e = Error::new(SqlState::FEATURE_NOT_SUPPORTED, text);
        return Err(e.detail(format!("Relation \"{}\" is not a B-Tree index.", index.name)).into());
    }
    if !index.valid {
        let text = format!("cannot check index \"{}\"", index.name);
        return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text).detail("Index is not valid.").into());
    }
    Ok(Some(index))
}

fn index_check(cx: &mut ExecContext, args: &[Datum<'_>], mode: LockMode, out: &mut Column) -> Flow<()> {
    for (n, word) in [(1, "heapallindexed"), (2, "rootdescend")] {
        if args.get(n).is_some_and(|a| matches!(a, Datum::Bool(true))) {
            return Err(Error::unsupported(format!("{word} is not supported")).into());
        }
    }
    if let Some(index) = locked_index(cx, Oid(args[0].u32()), mode)? {
        move_to_pool(cx)?;
        let storage = cx.storage()?;
        index.store.verify(&storage)?;
        if mode == LockMode::Share {
            index.store.verify_parents(&storage)?;
        }
        cx.run.moved = false;
    }
    // The result of a function that returns void.
    out.push(Datum::Bytes(b""));
    Ok(())
}

fn number(arg: Option<&Value>) -> Option<i64> {
    match arg {
        Some(Value::I64(n)) => Some(*n),
        _ => None,
    }
}

fn flag(arg: Option<&Value>, name: &str) -> Result<bool> {
    match arg {
        Some(Value::Bool(b)) => Ok(*b),
        _ => Err(err!(INVALID_PARAMETER_VALUE, "{name} cannot be null")),
    }
}

/// Relations without a heap.
fn unfit(kind: RelKind) -> Option<&'static str> {
    match kind {
        RelKind::Table | RelKind::MatView | RelKind::Toast => None,
        RelKind::Index => Some("indexes"),
        RelKind::PartitionedIndex => Some("partitioned indexes"),
        RelKind::Sequence => Some("sequences"),
        RelKind::View => Some("views"),
        RelKind::Composite => Some("composite types"),
        RelKind::Partitioned => Some("partitioned tables"),
    }
}

fn verify_heap(cx: &mut ExecContext, args: &[Value], _: &[TypeRef]) -> Flow<Vec<Vec<Value>>> {
    let Some(Value::U32(oid)) = args.first() else {
        return Err(err!(INVALID_PARAMETER_VALUE, "relation cannot be null").into());
    };
    let stops = flag(args.get(1), "on_error_stop")?;
    flag(args.get(2), "check_toast")?;
    let Some(Value::Bytes(skip)) = args.get(3) else {
        return Err(err!(INVALID_PARAMETER_VALUE, "skip cannot be null").into());
    };
    let skip: fn(&_, &_, _) -> Result<bool> = match &*String::from_utf8_lossy(skip).to_ascii_lowercase() {
        "all-visible" => heap::is_all_visible,
        "all-frozen" => heap::is_all_frozen,
        "none" => |_, _, _| Ok(false),
        _ => {
            let e = err!(INVALID_PARAMETER_VALUE, "invalid skip option");
            return Err(e.hint("Valid skip options are \"all-visible\", \"all-frozen\", and \"none\".").into());
        }
    };
    cx.backend()?.txn.lock_relation(Oid(*oid), LockMode::AccessShare)?;
    let rel = relation(cx, Oid(*oid))?;
    if let Some(kinds) = unfit(rel.kind) {
        let text = format!("cannot check relation \"{}\"", rel.name);
        let detail = format!("This operation is not supported for {kinds}.");
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).detail(detail).into());
    }
    // System catalogs that are made up as they are read have no pages.
    let Some(store) = rel.store.clone().filter(|_| rel.generated_by.is_none()) else { return Ok(Vec::new()) };
    move_to_pool(cx)?;
    let storage = cx.storage()?;
    let blocks = store.nblocks(&storage)?;
    if blocks == 0 {
        return Ok(Vec::new());
    }
    let within = |n: Option<i64>, word: &str, default: BlockNo| match n {
        None => Ok(default),
        Some(n) => match BlockNo::try_from(n) {
            Ok(b) if b < blocks => Ok(b),
            _ => {
                let text = format!("{word} block number must be between 0 and {}", blocks - 1);
                Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text))
            }
        },
    };
    let first = within(number(args.get(4)), "starting", 0)?;
    let last = within(number(args.get(5)), "ending", blocks - 1)?;
    let mut rows = Vec::new();
    for block in first..=last {
        cx.interrupts.check()?;
        if skip(&storage, &store, block)? {
            continue;
        }
        for d in heap::verify_block(&storage, &store, block)? {
            rows.push(vec![i64::from(d.tid.block).cell(), i32::from(d.tid.offset).cell(), NULL, d.what.cell()]);
        }
        if stops && !rows.is_empty() {
            break;
        }
    }
    cx.run.moved = false;
    Ok(rows)
}
