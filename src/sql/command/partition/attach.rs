//! A table becomes a partition, or stops being one.

use super::super::constraint::{each_batch, relation};
use super::super::index::patiently;
use super::super::write::change;
use super::super::{Command, alter_kinds, foreign, foreign_parts, inherit, names, trigger};
use super::{bound, index};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::{Bound, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{AlterTableKind as Kind, PartitionBound, RangeVar};
use crate::sql::bind::condition_of;
use crate::sql::exec::ExecContext;
use crate::sql::exec::Fit;
use crate::sql::plan::predicate::is_implied;
use std::sync::Arc;

/// Locks the table a command names beside the parent, and the default partition.
pub fn place(cmd: &Command, cx: &mut ExecContext, parent: &Relation, kind: &Kind) -> Flow<()> {
    match kind {
        Kind::AttachPartition { table, .. } => {
            let child = names::locked_relation(cmd, cx, table, LockMode::AccessExclusive)?;
            inherit::descendants(cx, child.oid, LockMode::AccessExclusive)?;
        }
        // Those lock for themselves.
        Kind::DetachPartition { concurrently: true, .. } | Kind::DetachPartitionFinalize(_) => return Ok(()),
        Kind::DetachPartition { table, .. } => {
            let child = names::locked_relation(cmd, cx, table, LockMode::AccessExclusive)?;
            inherit::descendants(cx, child.oid, LockMode::AccessExclusive)?;
        }
        _ => return Ok(()),
    }
    lock_default(cx, parent)
}

/// The rows of the default partition are looked at when it loses some of its place.
fn lock_default(cx: &mut ExecContext, parent: &Relation) -> Flow<()> {
    if let Some(default) = default_of(cx, parent.oid)? {
        cx.backend()?.txn.lock_relation(default, LockMode::AccessExclusive)?;
        inherit::descendants(cx, default, LockMode::AccessExclusive)?;
    }
    Ok(())
}

pub fn default_of(cx: &mut ExecContext, parent: Oid) -> Result<Option<Oid>> {
    let catalog = &cx.backend()?.catalog;
    let is_default = |child: &Oid| {
        let record = catalog.class(*child);
        record.is_some_and(|r| r.object.as_class().is_ok_and(|c| c.lineage.bound.as_deref() == Some(&Bound::Default)))
    };
    Ok(catalog.children_of(parent).into_iter().find(is_default))
}

/// Whether a new table may become a partition of this one; locks what has to be.
pub fn may_create(cx: &mut ExecContext, parent: &Relation, persistence: Persistence) -> Flow<()> {
    if !parent.is_partitioned() {
        return Err(err!(INVALID_OBJECT_DEFINITION, "\"{}\" is not partitioned", parent.name).into());
    }
    let (own, child) = (parent.persistence == Persistence::Temp, persistence == Persistence::Temp);
    if child && !own {
        let text = format!("cannot create a temporary relation as partition of permanent relation \"{}\"", parent.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).into());
    }
    if cx.backend()?.catalog.is_other_temp(parent) {
        let text = "cannot create as partition of temporary relation of another session";
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).into());
    }
    if own && !child {
        let text = format!("cannot create a permanent relation as partition of temporary relation \"{}\"", parent.name);
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).into());
    }
    lock_default(cx, parent)
}

/// ATTACH PARTITION.
pub fn attach(
    cmd: &Command,
    cx: &mut ExecContext,
    parent: Oid,
    name: &RangeVar,
    written: &PartitionBound,
) -> Result<()> {
    let parent = relation(cx, parent)?;
    if parent.kind == RelKind::PartitionedIndex {
        return Err(err!(INVALID_OBJECT_DEFINITION, "\"{}\" is not a partitioned table", parent.name));
    }
    if !parent.is_partitioned() {
        return Err(alter_kinds::impossible(&parent, "ATTACH PARTITION"));
    }
    let found = names::find_relation(cx, name)?;
    let child = found.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.name))?;
    may_attach(cx, &parent, &child)?;
    trigger::refuse_child(&child, true)?;
    let bound = bound::read(cmd, cx, &parent, &child.name, written)?;
    inherit::link(cx, child.oid, parent.oid, true)?;
    let default = default_of(cx, parent.oid)?.filter(|_| bound != Bound::Default);
    put_in(cmd, cx, &parent, child.oid, bound)?;
    verify(cx, child.oid, None)?;
    default.map_or(Ok(()), |d| verify(cx, d, Some(())))
}

/// Gives a new child, which has no rows, its place among the others.
pub fn settle(cmd: &Command, cx: &mut ExecContext, parent: &Arc<Relation>, child: Oid, bound: Bound) -> Result<()> {
    let default = default_of(cx, parent.oid)?.filter(|_| bound != Bound::Default);
    change(cx, child, |c| c.lineage.bound = Some(Arc::new(bound.clone())))?;
    if let Some(default) = default {
        verify(cx, default, Some(()))?;
    }
    put_in(cmd, cx, parent, child, bound)
}

/// Gives a child its bound, and the indexes and constraints that go down to partitions.
fn put_in(cmd: &Command, cx: &mut ExecContext, parent: &Arc<Relation>, child: Oid, bound: Bound) -> Result<()> {
    change(cx, child, |c| c.lineage.bound = Some(Arc::new(bound)))?;
    index::for_new_partition(cmd, cx, parent.oid, child)?;
    foreign_parts::for_new_partition(cx, parent.oid, child)?;
    foreign::for_new_partition(cx, parent.oid, child)?;
    trigger::for_new_partition(cx, parent.oid, child)
}

fn may_attach(cx: &mut ExecContext, parent: &Relation, child: &Relation) -> Result<()> {
    let wrong = |text: String| Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
    if !matches!(child.kind, RelKind::Table | RelKind::Partitioned) || child.generated_by.is_some() {
        return wrong(format!("ALTER action ATTACH PARTITION cannot be performed on relation \"{}\"", child.name));
    }
    names::check_owner(cx, child)?;
    if child.of_type.is_valid() {
        return wrong("cannot attach a typed table as partition".into());
    }
    if child.is_partition() {
        return wrong(format!("\"{}\" is already a partition", child.name));
    }
    if !child.lineage.parents.is_empty() {
        return wrong("cannot attach inheritance child as partition".into());
    }
    if child.kind == RelKind::Table && !child.children.is_empty() {
        return wrong("cannot attach inheritance parent as partition".into());
    }
    if child.oid == parent.oid || inherit::all_below(cx, child.oid)?.contains(&parent.oid) {
        return Err(Error::new(SqlState::DUPLICATE_TABLE, "circular inheritance not allowed")
            .detail(format!("\"{}\" is already a child of \"{}\".", parent.name, child.name)));
    }
    match (parent.persistence == Persistence::Temp, child.persistence == Persistence::Temp) {
        (true, false) => {
            let text = "cannot attach a permanent relation as partition of temporary relation";
            return wrong(format!("{text} \"{}\"", parent.name));
        }
        (false, true) => {
            let text = "cannot attach a temporary relation as partition of permanent relation";
            return wrong(format!("{text} \"{}\"", parent.name));
        }
        _ => {}
    }
    let below = inherit::all_below(cx, child.oid)?;
    for k in &parent.constraints {
        let Some(to) = k.foreign.as_ref().map(|f| f.relation) else { continue };
        if to == child.oid || below.contains(&to) {
            let text = format!(
                "cannot attach table \"{}\" as a partition because it is referenced by foreign key \"{}\"",
                child.name, k.name
            );
            return Err(Error::unsupported(text));
        }
    }
    for a in child.visible_attributes() {
        if parent.attribute(&a.name).is_none() {
            let text = format!(
                "table \"{}\" contains column \"{}\" not found in parent \"{}\"",
                child.name, a.name, parent.name
            );
            return Err(Error::new(SqlState::DATATYPE_MISMATCH, text)
                .detail("The new partition may contain only the columns present in parent."));
        }
    }
    Ok(())
}

/// The tables with rows of a partition.
fn leaves(cx: &mut ExecContext, table: Oid) -> Result<Vec<Arc<Relation>>> {
    let mut all = vec![table];
    all.extend(inherit::all_below(cx, table)?);
    let all = all.into_iter().map(|oid| relation(cx, oid)).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|r| !r.is_partitioned()).collect())
}

/// Every row there is must belong where it lies. Where constraints say so no row is looked at (PostgreSQL 15, tablecmds.c,
/// QueuePartitionConstraintValidation).
///
/// # Errors
/// 23514.
fn verify(cx: &mut ExecContext, table: Oid, default: Option<()>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let bounds = crate::sql::partition::constraint(&catalog, table, &cx.fx.io, &|_, e| e.to_owned());
    for leaf in leaves(cx, table)? {
        if let Some(text) = &bounds
            && is_implied(&leaf, condition_of(text, &leaf, &*catalog, &cx.fx.io)?, &*catalog, &cx.fx.io)?
        {
            let of = match default {
                Some(()) => "updated partition constraint for default partition",
                None => "partition constraint for table",
            };
            names::debug(cx, format!("{of} \"{}\" is implied by existing constraints", leaf.name));
            continue;
        }
        let Some(mut fit) = Fit::of(cx, &leaf)? else { continue };
        each_batch(cx, &leaf, &mut |cx, batch| {
            if !patiently(cx, |cx| fit.test(cx, batch))?.contains(&false) {
                return Ok(());
            }
            let text = match default {
                Some(()) => format!(
                    "updated partition constraint for default partition \"{}\" would be violated by some row",
                    leaf.name
                ),
                None => format!("partition constraint of relation \"{}\" is violated by some row", leaf.name),
            };
            Err(Error::new(SqlState::CHECK_VIOLATION, text).table(leaf.schema.clone(), leaf.name.clone()))
        })?;
    }
    Ok(())
}

/// The child a DETACH names.
pub fn to_detach(cx: &mut ExecContext, parent: &Relation, name: &RangeVar) -> Result<Arc<Relation>> {
    let found = names::find_relation(cx, name)?;
    let child = found.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.name))?;
    if !child.is_partition() || !child.lineage.parents.contains(&parent.oid) {
        let text = format!("relation \"{}\" is not a partition of relation \"{}\"", child.name, parent.name);
        return Err(Error::new(SqlState::UNDEFINED_TABLE, text));
    }
    Ok(child)
}

/// DETACH PARTITION.
pub fn detach(cx: &mut ExecContext, parent: Oid, name: &RangeVar) -> Result<()> {
    let parent = relation(cx, parent)?;
    if !parent.is_partitioned() {
        return Err(alter_kinds::impossible(&parent, "DETACH PARTITION"));
    }
    let child = to_detach(cx, &parent, name)?;
    if child.lineage.detaching != 0 {
        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "cannot detach partition \"{}\"", child.name)
            .detail("The partition is being detached concurrently or has an unfinished detach.")
            .hint("Use ALTER TABLE ... DETACH PARTITION ... FINALIZE to complete the pending detach operation.")
            .place("DeleteInheritsTuple", "pg_inherits.c", 590));
    }
    foreign::refuse_detach(cx, &parent, &child)?;
    set_free(cx, parent.oid, child.oid)
}

/// What makes a partition of a table is taken from it: it is a table of its own.
pub fn set_free(cx: &mut ExecContext, parent: Oid, child: Oid) -> Result<()> {
    index::set_free(cx, child)?;
    trigger::set_free(cx, child)?;
    foreign_parts::forget(cx, child)?;
    let mut freed = Vec::new();
    change(cx, child, |c| {
        for k in c.constraints.iter_mut().filter(|k| k.parent.is_valid()) {
            k.parent = Oid::INVALID;
            k.inherited = 0;
            k.local = true;
            freed.push(k.clone());
        }
    })?;
    inherit::unlink(cx, child, parent)?;
    change(cx, child, |c| (c.lineage.bound, c.lineage.detaching) = (None, 0))?;
    freed.iter().try_for_each(|k| foreign_parts::make_all(cx, child, k))
}

/// ALTER INDEX … ATTACH PARTITION.
pub fn attach_index(cx: &mut ExecContext, parent: Oid, name: &RangeVar) -> Result<()> {
    let found = names::find_relation(cx, name)?;
    let child = found.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.name))?;
    index::attach(cx, parent, child.oid)
}
