//! pg_visibility: what the map of all-visible pages says, and whether it is true.

use super::pages::{self, locked, move_to_pool, push_row, wrong_kind};
use super::{Code, Extension, PLAIN};
use crate::base::{BlockNo, Flow, Oid, Result, SqlState, TupleId};
use crate::catalog::RelKind;
use crate::err;
use crate::heap::{self, TableStore};
use crate::page::ALL_VISIBLE;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::Cell;
use crate::storage::Storage;
use crate::types::{Column, Datum, Value, oid};
use std::sync::Arc;

pub(super) const EXTENSION: Extension = Extension {
    name: "pg_visibility",
    version: "1.2",
    comment: "examine the visibility map (VM) and page-level visibility info",
    trusted: false,
    script: include_str!("pg_visibility.sql"),
    code: &[
        ("pg_visibility_map", Code::Session(|cx, a, out| of_page(cx, a, false, out))),
        ("pg_visibility", Code::Session(|cx, a, out| of_page(cx, a, true, out))),
        ("pg_visibility_map_rel", Code::Rows(|cx, a, _| of_relation(cx, a, false))),
        ("pg_visibility_rel", Code::Rows(|cx, a, _| of_relation(cx, a, true))),
        ("pg_visibility_map_summary", Code::Session(summary)),
        ("pg_check_frozen", Code::Rows(|cx, a, _| check(cx, a, heap::unfrozen))),
        ("pg_check_visible", Code::Rows(|cx, a, _| check(cx, a, heap::unseen))),
    ],
    ..PLAIN
};

/// The table's pages; None: the server makes up its rows.
fn store(cx: &mut ExecContext, oid: Oid) -> Flow<Option<Arc<TableStore>>> {
    let found = locked(cx, oid)?;
    if !matches!(found.kind(), RelKind::Table | RelKind::MatView | RelKind::Toast) {
        let text = format!("relation \"{}\" is of wrong relation kind", found.name());
        return Err(wrong_kind(SqlState::WRONG_OBJECT_TYPE, text, found.kind()).into());
    }
    Ok(pages::table_store(cx, oid)?)
}

fn flags(storage: &Storage, store: &TableStore, block: BlockNo, page: bool) -> Result<Vec<Value>> {
    let visible = heap::is_all_visible(storage, store, block)?;
    let mut found = vec![visible.cell(), heap::is_all_frozen(storage, store, block)?.cell()];
    if page {
        let is_there = block < store.nblocks(storage)?;
        let own = is_there && storage.pool.read(store.main(), block)?.has_flag(ALL_VISIBLE);
        found.push(own.cell());
    }
    Ok(found)
}

const NAMES: [&str; 3] = ["all_visible", "all_frozen", "pd_all_visible"];

fn of_page(cx: &mut ExecContext, args: &[Datum<'_>], page: bool, out: &mut Column) -> Flow<()> {
    let store = store(cx, Oid(args[0].u32()))?;
    let block = BlockNo::try_from(args[1].i64()).ok().filter(|b| *b < BlockNo::MAX);
    let Some(block) = block else {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid block number").into());
    };
    let found = match store {
        Some(store) => flags(&*cx.storage()?, &store, block, page)?,
        None => vec![false.cell(); 2 + usize::from(page)],
    };
    let fields: Vec<(&str, Oid, Value)> = NAMES.into_iter().zip(found).map(|(n, v)| (n, oid::BOOL, v)).collect();
    push_row(&fields, out);
    Ok(())
}

/// Does something with each page of a table.
fn each(
    cx: &mut ExecContext,
    relation: Oid,
    mut work: impl FnMut(&Storage, &TableStore, BlockNo) -> Result<()>,
) -> Flow<()> {
    let Some(store) = store(cx, relation)? else { return Ok(()) };
    move_to_pool(cx)?;
    let storage = cx.storage()?;
    for block in 0..store.nblocks(&storage)? {
        cx.interrupts.check()?;
        work(&storage, &store, block)?;
    }
    cx.run.moved = false;
    Ok(())
}

fn relation_of(args: &[Value]) -> Oid {
    match args.first() {
        Some(Value::U32(n)) => Oid(*n),
        _ => Oid::INVALID,
    }
}

fn of_relation(cx: &mut ExecContext, args: &[Value], page: bool) -> Flow<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    each(cx, relation_of(args), |storage, store, block| {
        let mut row = vec![i64::from(block).cell()];
        row.extend(flags(storage, store, block, page)?);
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

fn summary(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (mut visible, mut frozen) = (0i64, 0i64);
    each(cx, Oid(args[0].u32()), |storage, store, block| {
        visible += i64::from(heap::is_all_visible(storage, store, block)?);
        frozen += i64::from(heap::is_all_frozen(storage, store, block)?);
        Ok(())
    })?;
    push_row(&[(NAMES[0], oid::INT8, visible.cell()), (NAMES[1], oid::INT8, frozen.cell())], out);
    Ok(())
}

type Faults = fn(&Storage, &TableStore, BlockNo) -> Result<Vec<TupleId>>;

fn check(cx: &mut ExecContext, args: &[Value], faults: Faults) -> Flow<Vec<Vec<Value>>> {
    let mut rows = Vec::new();
    each(cx, relation_of(args), |storage, store, block| {
        rows.extend(faults(storage, store, block)?.into_iter().map(|t| vec![Value::Bytes(heap::tid_bytes(t).into())]));
        Ok(())
    })?;
    Ok(rows)
}
