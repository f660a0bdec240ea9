//! CLUSTER: a table's rows in the order of one of its indexes.

use super::vacuum::flag;
use super::write::change;
use super::{Command, names, rewrite};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::IndexMethod;
use crate::catalog::object::class;
use crate::catalog::{Index, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::ClusterStmt;
use crate::sql::exec::ExecContext;
use std::sync::Arc;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &ClusterStmt) -> Flow<String> {
    let mut verbose = false;
    for o in &stmt.options {
        match o.name.as_str() {
            "verbose" => verbose = flag(o)?,
            other => {
                return Err(err!(SYNTAX_ERROR, "unrecognized CLUSTER option \"{other}\"").at(cmd.at(o.pos)).into());
            }
        }
    }
    match &stmt.table {
        Some(name) => {
            let table = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive)?;
            names::check_owner(cx, &table)?;
            check_table(&table)?;
            names::refuse_other_temp(cx, table.oid, "cluster")?;
            names::check_not_in_use(cx, (table.oid, &table.name), "CLUSTER")?;
            match table.is_partitioned() {
                true => partitions(cmd, cx, (&table, stmt.index.as_deref()), verbose)?,
                false => {
                    let index = wanted_index(cx, &table, stmt.index.as_deref())?;
                    one_table(cx, &table, &index, verbose)?;
                }
            }
        }
        None => all(cmd, cx, verbose)?,
    }
    Ok("CLUSTER".into())
}

fn check_table(table: &Relation) -> Result<()> {
    match table.kind {
        RelKind::Table | RelKind::MatView | RelKind::Partitioned if table.generated_by.is_none() => Ok(()),
        _ => Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table or materialized view", table.name)),
    }
}

/// The index named, or the one the table was clustered by before.
fn wanted_index(cx: &mut ExecContext, table: &Relation, name: Option<&str>) -> Result<Arc<Index>> {
    let Some(name) = name else {
        return table.indexes.iter().find(|i| i.clustered).cloned().ok_or_else(|| {
            err!(UNDEFINED_OBJECT, "there is no previously clustered index for table \"{}\"", table.name)
        });
    };
    let index = find_index(cx, table, name)?;
    check_index(&index)?;
    Ok(index)
}

/// # Errors
/// 42704, 42809.
pub fn find_index(cx: &mut ExecContext, table: &Relation, name: &str) -> Result<Arc<Index>> {
    if let Some(i) = table.indexes.iter().find(|i| i.name == name) {
        return Ok(i.clone());
    }
    let catalog = cx.backend()?.catalog.clone();
    let other = catalog.class_in(table.namespace, name).and_then(|oid| catalog.class(oid));
    Err(match other {
        None => err!(UNDEFINED_OBJECT, "index \"{name}\" for table \"{}\" does not exist", table.name),
        Some(r) if r.object.as_class()?.index.is_some() => {
            err!(WRONG_OBJECT_TYPE, "\"{name}\" is not an index for table \"{}\"", table.name)
        }
        Some(_) => err!(WRONG_OBJECT_TYPE, "\"{name}\" is not an index"),
    })
}

/// Only an index that has all rows, in order.
pub fn check_index(index: &Index) -> Result<()> {
    if !matches!(index.method, IndexMethod::Btree | IndexMethod::Gist) {
        let text =
            format!("cannot cluster on index \"{}\" because access method does not support clustering", index.name);
        return Err(err!(FEATURE_NOT_SUPPORTED, "{text}"));
    }
    if index.predicate.is_some() {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot cluster on partial index \"{}\"", index.name));
    }
    if !index.valid {
        return Err(err!(FEATURE_NOT_SUPPORTED, "cannot cluster on invalid index \"{}\"", index.name));
    }
    Ok(())
}

fn one_table(cx: &mut ExecContext, table: &Relation, index: &Arc<Index>, verbose: bool) -> Result<()> {
    mark(cx, table, Some(index.oid))?;
    let now = super::constraint::relation(cx, table.oid)?;
    // A materialized view that was never filled has nothing to be ordered.
    if now.view.as_ref().is_some_and(|v| !v.populated) {
        return Ok(());
    }
    rewrite::table(cx, &now, Some(index), verbose)
}

/// Every partition with rows of its own, by its part of an index, as far as it is the user's.
///
/// PostgreSQL 15, cluster.c, get_tables_to_cluster_partitioned: same; there each is a transaction of its own.
fn partitions(
    cmd: &mut Command,
    cx: &mut ExecContext,
    (table, index): (&Relation, Option<&str>),
    verbose: bool,
) -> Flow<()> {
    cx.backend()?.prevent_in_block("CLUSTER")?;
    if cmd.progress.is_none() {
        let index = wanted_index(cx, table, index)?;
        let mut left = parts_of(cx, index.oid)?;
        left.reverse();
        cmd.progress(|| left);
    }
    loop {
        let Some((oid, index)) = cmd.progress(Vec::<(Oid, Oid)>::new).last().copied() else { return Ok(()) };
        cx.backend()?.txn.lock_relation(oid, LockMode::AccessExclusive)?;
        if let Some(part) = cx.backend()?.catalog.relation(oid)?
            && let Some(index) = part.indexes.iter().find(|i| i.oid == index).cloned()
        {
            check_index(&index)?;
            names::check_not_in_use(cx, (part.oid, &part.name), "CLUSTER")?;
            one_table(cx, &part, &index, verbose)?;
        }
        cmd.progress(Vec::<(Oid, Oid)>::new).pop();
    }
}

/// The user's tables with an index that is part of this one, with that index.
fn parts_of(cx: &mut ExecContext, index: Oid) -> Result<Vec<(Oid, Oid)>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut found = Vec::new();
    for child in catalog.children_of(index) {
        let Some(record) = catalog.class(child) else { continue };
        let c = record.object.as_class()?;
        match (&c.index, c.kind) {
            (Some(def), RelKind::Index) if super::role::has_role(cx.backend()?, c.owner) => {
                found.push((def.table, child));
            }
            (_, RelKind::PartitionedIndex) => found.extend(parts_of(cx, child)?),
            _ => {}
        }
    }
    Ok(found)
}

/// Remembers the index a table is clustered by.
///
/// # Errors
/// 0A000 for a partitioned table, whose partitions remember theirs.
pub fn mark(cx: &mut ExecContext, table: &Relation, index: Option<Oid>) -> Result<()> {
    if table.is_partitioned() {
        return Err(Error::unsupported("cannot mark index clustered in partitioned table"));
    }
    for i in &table.indexes {
        let on = index == Some(i.oid);
        if i.clustered != on {
            change(cx, i.oid, |c| c.index.iter_mut().for_each(|d| d.clustered = on))?;
        }
    }
    Ok(())
}

/// All tables of the user's that were clustered before.
fn all(cmd: &mut Command, cx: &mut ExecContext, verbose: bool) -> Flow<()> {
    if cmd.progress.is_none() {
        cx.backend()?.prevent_in_block("CLUSTER")?;
        let mut tables: Vec<Oid> = Vec::new();
        for record in cx.backend()?.catalog.all(class::RELATION) {
            let c = record.object.as_class()?;
            if let Some(def) = c.index.as_ref().filter(|d| d.clustered)
                && super::role::has_role(cx.backend()?, c.owner)
            {
                tables.push(def.table);
            }
        }
        tables.sort_unstable();
        tables.reverse();
        cmd.progress(|| tables);
    }
    loop {
        let Some(oid) = cmd.progress(Vec::<Oid>::new).last().copied() else { return Ok(()) };
        cx.backend()?.txn.lock_relation(oid, LockMode::AccessExclusive)?;
        if let Some(table) = cx.backend()?.catalog.relation(oid)?
            && let Some(index) = table.indexes.iter().find(|i| i.clustered).cloned()
        {
            one_table(cx, &table, &index, verbose)?;
        }
        cmd.progress(Vec::<Oid>::new).pop();
    }
}
