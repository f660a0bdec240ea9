//! The entries of an index: read out of its table, sorted, written.

use super::super::vacuum::{store_index_stats, store_stats};
use super::super::write::{attributes_read, change, class_of, columns_only, put};
use super::super::{act_restricted, restricted_as, storage, truncate};
use super::{bind_text, of_table, order_of, patiently, place};
use crate::base::{Error, Fork, Oid, Result, SqlState, TupleId};
use crate::brin;
use crate::btree::node::push_tid;
use crate::btree::{IndexEntry, Loader};
use crate::catalog::IndexMethod;
use crate::catalog::object::{IndexStage, class};
use crate::catalog::{Index, Object, Persistence, Relation};
use crate::heap::{BuildScan, HeapFetch};
use crate::lock::{LockMode, LockTag, Scope};
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::{ExecContext, KeyArena, Sorter};
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::stat::{ActivitySlot, Task};
use crate::types::{Batch, Column, ColumnData, Datum};
use std::sync::Arc;

/// An index's columns and predicate over a scan's batches.
pub struct Keys {
    pub attnos: Vec<i16>,
    pub columns: Projection,
    predicate: Option<Projection>,
}

impl Keys {
    pub fn new(cx: &mut ExecContext, table: &Arc<Relation>, index: &Index) -> Result<Keys> {
        let rel = columns_only(table.oid, &table.name, &table.attributes);
        let mut exprs = Vec::new();
        for c in &index.columns[..index.key_columns] {
            exprs.push(match &c.expr {
                Some(text) => bind_text(cx, text, &rel, Clause::IndexExpression)?,
                None => {
                    let ty = rel.attributes.get(c.attno as usize - 1).map_or(c.ty, |a| a.ty);
                    Expr::new(ExprKind::Var { rel: 0, attno: c.attno, levels_up: 0 }, ty)
                }
            });
        }
        if index.method == IndexMethod::Hash {
            exprs = exprs.into_iter().map(crate::sql::bind::hash_code).collect::<Result<_>>()?;
        }
        let mut predicate = match &index.predicate {
            Some(text) => Some(bind_text(cx, text, &rel, Clause::IndexPredicate)?),
            None => None,
        };
        let mut attnos: Vec<i16> = exprs.iter().chain(&predicate).flat_map(attributes_read).collect();
        attnos.sort_unstable();
        attnos.dedup();
        exprs.iter_mut().chain(&mut predicate).for_each(|e| place(e, &attnos));
        Ok(Keys {
            columns: Projection::new(&exprs),
            predicate: predicate.map(|p| Projection::new(std::slice::from_ref(&p))),
            attnos,
        })
    }

    /// Leaves those rows of a batch that a partial index has.
    pub fn pick(&mut self, cx: &mut ExecContext, batch: &Batch, rows: &mut Vec<u32>) -> Result<()> {
        let Some(p) = self.predicate.as_mut().filter(|_| !rows.is_empty()) else { return Ok(()) };
        let answer = patiently(cx, |cx| p.run(cx, batch, Sel::Rows(rows)))?;
        if let ColumnData::Bool(values) = &answer[0].data {
            let mut at = 0;
            rows.retain(|_| {
                at += 1;
                values[at - 1] && !answer[0].is_null(at - 1)
            });
        }
        Ok(())
    }
}

/// Tells of an index that is built. What a REINDEX has told of itself stays.
fn begin_build(cx: &mut ExecContext, table: &Relation, index: &Index, pages: u32) -> Result<Arc<ActivitySlot>> {
    let activity = cx.backend()?.activity.clone();
    if activity.facts().progress.is_none_or(|p| p.task != Task::CreateIndex) {
        activity.begin_task(Task::CreateIndex, table.oid);
        activity.progress(Task::CreateIndex, &[(0, 1)]);
    }
    activity.progress(Task::CreateIndex, &[(6, index.oid.0.into()), (9, 2), (10, 2), (15, pages.into())]);
    Ok(activity)
}

/// Reads the table and writes the index's pages; what was counted on the way is kept. `seen`: the rows it is to have, of
/// a table that is written to; None: all there are. Expressions are computed in the name of the table's owner.
///
/// # Errors
/// 23505 for duplicates.
pub fn fill(cx: &mut ExecContext, table: &Arc<Relation>, index: &Arc<Index>, seen: Option<Snapshot>) -> Result<()> {
    let owner = restricted_as(cx.backend()?, table.owner)?;
    act_restricted(cx, owner, |cx| fill_as_owner(cx, table, index, seen))
}

fn fill_as_owner(
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    index: &Arc<Index>,
    seen: Option<Snapshot>,
) -> Result<()> {
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let xid = cx.backend()?.txn.xid();
    if store.nblocks(&storage)? == 0 {
        let fork = storage.pool.open(index.file, Fork::Main, index.persistence);
        return index.method.create_empty(&storage, &fork, xid);
    }
    let activity = begin_build(cx, table, index, store.nblocks(&storage)?)?;
    let mut keys = Keys::new(cx, table, index)?;
    let mut scan = BuildScan::new(store.clone(), keys.attnos.clone(), seen);
    let memory = cx.backend()?.view.bytes(Id::MaintenanceWorkMem).max(1 << 20) as usize;
    let mut sorter = Sorter::of_keys(memory);
    if index.method == IndexMethod::Gist {
        let fork = storage.pool.open(index.file, Fork::Main, index.persistence);
        index.method.create_empty(&storage, &fork, xid)?;
    }
    let mut brin = match index.method {
        IndexMethod::Brin => Some(brin::Builder::new(&storage, index.ranges(), xid)?),
        _ => None,
    };
    let mut found = Vec::new();
    let (mut batch, mut rows) = (Batch::default(), Vec::new());
    let (mut alive, mut entries) = (0u64, 0u64);
    while scan.next(&storage, &mut batch, &mut rows)? {
        cx.interrupts.check()?;
        batch.rows = rows.len();
        alive += rows.iter().filter(|r| r.alive).count() as u64;
        activity.progress(Task::CreateIndex, &[(12, alive as i64)]);
        let mut picked: Vec<u32> = (0..batch.rows as u32).collect();
        keys.pick(cx, &batch, &mut picked)?;
        if picked.is_empty() {
            continue;
        }
        let sel = if picked.len() == batch.rows { Sel::All(batch.rows) } else { Sel::Rows(&picked) };
        let values = patiently(cx, |cx| keys.columns.run(cx, &batch, sel))?;
        for (at, row) in picked.iter().enumerate() {
            // A key may take long to make, or to find a place for.
            cx.interrupts.check()?;
            let row = rows[*row as usize];
            let has_null = !index.nulls_not_distinct && values.iter().any(|c| c.is_null(at));
            index.keys(values.iter().map(|c| c.get(at)), &mut found);
            entries += found.len() as u64;
            if let Some(builder) = &mut brin {
                builder.add(row.tid.block, &found[0])?;
                continue;
            }
            if index.method == IndexMethod::Gist {
                let entry = |key| IndexEntry { key, tid: Some(row.tid), has_null };
                let list: Vec<IndexEntry> = found.drain(..).map(entry).collect();
                patiently(cx, |_| index.insert(&storage, xid.into(), &list))?;
                continue;
            }
            for key in &mut found {
                push_tid(key, row.tid);
                index.store.check_size(key)?;
                // Behind the address, which no two rows share, it does not change the order.
                key.push((has_null || !row.alive).into());
                sorter.push_key(cx, key)?;
            }
        }
    }
    activity.progress(Task::CreateIndex, &[(10, 5)]);
    if let Some(builder) = brin {
        let count = builder.finish(scan.progress().0)?;
        activity.end_task(Task::CreateIndex);
        return keep_counts(cx, table, index, alive as f64, count as f64);
    }
    if index.method == IndexMethod::Gist {
        activity.end_task(Task::CreateIndex);
        return keep_counts(cx, table, index, alive as f64, entries as f64);
    }
    match load(cx, index, sorter)? {
        Some((_, tid)) => Err(duplicate(cx, table, index, &mut keys, tid)?),
        None => {
            activity.end_task(Task::CreateIndex);
            keep_counts(cx, table, index, alive as f64, entries as f64)
        }
    }
}

/// Writes the index's pages. Returns the first two rows with equal keys if there may be none.
fn load(cx: &mut ExecContext, index: &Index, mut sorter: Sorter) -> Result<Option<(TupleId, TupleId)>> {
    sorter.finish(cx)?;
    let storage = cx.storage()?;
    let mut loader = Loader::new(&storage, &index.store, cx.backend()?.txn.xid(), index.unique)?;
    let mut entries = KeyArena::default();
    while sorter.next(Some(&mut entries))?.is_some() {
        cx.interrupts.check()?;
        for n in 0..entries.len() {
            let Some((exempt, entry)) = entries.get(n).split_last() else { continue };
            if let Some(pair) = loader.add(entry, *exempt != 0)? {
                return Ok(Some(pair));
            }
        }
    }
    loader.finish()?;
    Ok(None)
}

/// PostgreSQL 15, index.c, index_update_stats: same facts, and an empty table that nobody has counted stays uncounted.
fn keep_counts(cx: &mut ExecContext, table: &Relation, index: &Index, rows: f64, entries: f64) -> Result<()> {
    let storage = cx.storage()?;
    store_index_stats(cx, index, entries)?;
    if rows == 0.0 && table.stats.reltuples() < 0.0 {
        return Ok(());
    }
    let pages = match &table.store {
        Some(store) => u64::from(store.nblocks(&storage)?),
        None => 0,
    };
    // Of those that build indexes of one table at once, who comes first notes its counts for all of them.
    let backend = cx.backend()?;
    let tag = LockTag::Object { db: backend.database, class: class::STATISTIC, oid: table.oid };
    if storage.locks.try_acquire(&mut backend.txn.held, tag, LockMode::Exclusive, Scope::Transaction).is_none() {
        return Ok(());
    }
    let columns = table.column_stats.load().to_vec();
    store_stats(cx, table.oid, table.store.as_deref(), pages, rows, columns, None)
}

fn duplicate(
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    index: &Index,
    keys: &mut Keys,
    tid: TupleId,
) -> Result<Error> {
    let store = table.store.clone().ok_or_else(|| Error::internal("an indexed relation without rows"))?;
    let storage = cx.storage()?;
    let snapshot: Snapshot = cx.backend()?.txn.latest_snapshot();
    let mut batch = Batch { columns: crate::heap::new_columns(store.desc(), &keys.attnos, 1), rows: 0 };
    let mut fetch = HeapFetch::new(store, snapshot, keys.attnos.clone());
    let text = format!("could not create unique index \"{}\"", index.name);
    let error = Error::new(SqlState::UNIQUE_VIOLATION, text)
        .table(table.schema.clone(), table.name.clone())
        .constraint(index.name.clone())
        .place("comparetup_index_btree", "tuplesort.c", 4359);
    if fetch.fetch(&storage, tid, &mut batch)?.is_none() {
        return Ok(error.detail("Duplicate keys exist."));
    }
    batch.rows = 1;
    let values = patiently(cx, |cx| keys.columns.run(cx, &batch, Sel::All(1)))?;
    let key = key_text(cx, index, &values);
    Ok(error.detail(format!("Key {key} is duplicated.")))
}

/// `(a, b)=(1, 2)`.
fn key_text(cx: &ExecContext, index: &Index, values: &[Column]) -> String {
    let quoted = crate::types::name::quote_identifier;
    let names: Vec<String> = index.columns[..index.key_columns]
        .iter()
        .map(|c| c.expr.as_ref().map_or_else(|| quoted(&c.name), |e| e.to_string()))
        .collect();
    let shown = values.iter().zip(&index.columns).map(|(v, c)| match v.get(0) {
        Datum::Null => "null".to_string(),
        value => {
            let mut text = Vec::new();
            let done = crate::types::text_out(c.ty, value, &mut text, &cx.fx.io);
            done.ok().and_then(|()| String::from_utf8(text).ok()).unwrap_or_else(|| "?".into())
        }
    });
    format!("({})=({})", names.join(", "), shown.collect::<Vec<_>>().join(", "))
}

/// An index that is built anew is ordered by what its columns are ordered by now, and has all rows, whatever became of
/// the one who began to make it, or to drop it (PostgreSQL 15, index.c, reindex_index: same).
fn renew(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    let mut c = class_of(cx, index)?;
    let attributes = class_of(cx, table)?.attributes;
    let Some(def) = &mut c.index else { return Ok(()) };
    let mut changed = !def.valid || def.stage != IndexStage::Ready;
    (def.valid, def.stage) = (true, IndexStage::Ready);
    let keys = match def.method() {
        IndexMethod::Btree | IndexMethod::Gist | IndexMethod::Brin => def.key_columns,
        _ => 0,
    };
    if def.method() == IndexMethod::Brin {
        let pages = super::super::reloptions::pages_per_range(&c.options);
        changed |= pages != def.pages_per_range;
        def.pages_per_range = pages;
    }
    let by_class = def.method() == IndexMethod::Btree;
    for k in &mut def.columns[..keys] {
        let opclass = if by_class { k.opclass } else { Oid::INVALID };
        let order = order_of(cx, &attributes, (k.attno, k.ty), k.named(), opclass)?;
        changed |= k.order != order;
        k.order = order;
    }
    if changed { put(cx, Object::Class(c)) } else { Ok(()) }
}

/// Gives an index new, freshly built pages (rewritten tables).
pub fn rebuild(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    rebuild_in(cx, table, index, None)
}

/// The same for REINDEX, which may name another tablespace, as relations name it.
pub fn rebuild_in(cx: &mut ExecContext, table: Oid, index: Oid, to: Option<Oid>) -> Result<()> {
    let old = class_of(cx, index)?;
    let persistence: Persistence = old.persistence;
    let method = old.index.as_ref().map_or(IndexMethod::Btree, |d| d.method());
    cx.backend()?.txn.next_command();
    renew(cx, table, index)?;
    let backend = cx.backend()?;
    backend.txn.next_command();
    let at = to.unwrap_or(old.tablespace);
    let file = storage::create_index_in(backend, at, persistence, method)?;
    truncate::replace_node(backend, index, file.node, truncate::Content::New)?;
    if at != old.tablespace {
        change(cx, index, |c| c.tablespace = at)?;
    }
    cx.backend()?.txn.next_command();
    let (table, index) = of_table(cx, table, index)?;
    let activity = &cx.backend()?.activity;
    activity.begin_task(Task::CreateIndex, table.oid);
    activity.progress(Task::CreateIndex, &[(0, 3)]);
    fill(cx, &table, &index, None)
}
