//! Row triggers of partitioned tables: every partition has its part of them.

use super::super::constraint::relation;
use super::super::write::new_oid;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Relation, Trigger};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::plan::tree::{attribute_map, mapped};
use std::sync::Arc;

/// Gives a partition, and those below it, their parts of a trigger; `replace`: in place of their own ones of that name.
///
/// # Errors
/// 42710 where there is another trigger of that name.
pub fn give(cx: &mut ExecContext, above: &Arc<Relation>, t: &Trigger, partition: Oid, replace: bool) -> Result<()> {
    let part = relation(cx, partition)?;
    let map = attribute_map(above, &part)?;
    let have = part.triggers.iter().find(|h| h.name == t.name);
    let own = |h: &Trigger| replace && !h.parent.is_valid() && !h.constraint.is_valid() && !t.constraint.is_valid();
    if have.is_some_and(|h| h.parent != t.oid && !own(h)) {
        let text = format!("trigger \"{}\" for relation \"{}\" already exists", t.name, part.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    let own = Trigger {
        oid: match have {
            Some(h) => h.oid,
            None => new_oid(cx)?,
        },
        constraint: if t.constraint.is_valid() { new_oid(cx)? } else { Oid::INVALID },
        columns: t.columns.iter().map(|n| mapped(&map, *n)).collect(),
        parent: t.oid,
        ..t.clone()
    };
    super::put(cx, partition, own.clone())?;
    for child in cx.backend()?.catalog.children_of(partition) {
        give(cx, &part, &own, child, replace)?;
    }
    Ok(())
}

/// A new partition gets its parts of all row triggers.
///
/// # Errors
/// 42710 where it has a trigger of such a name.
pub fn for_new_partition(cx: &mut ExecContext, parent: Oid, child: Oid) -> Result<()> {
    let above = relation(cx, parent)?;
    for t in above.triggers.iter().filter(|t| t.row) {
        give(cx, &above, t, child, false)?;
    }
    Ok(())
}

/// A table that is no partition any more loses its parts.
pub fn set_free(cx: &mut ExecContext, table: Oid) -> Result<()> {
    let rel = relation(cx, table)?;
    rel.triggers.iter().filter(|t| t.parent.is_valid()).try_for_each(|t| super::remove(cx, t.oid))
}

/// The parts of a trigger in the partitions directly below.
pub fn parts_of(cx: &mut ExecContext, trigger: Oid) -> Result<Vec<Oid>> {
    let mut found = Vec::new();
    for record in cx.backend()?.catalog.mentioning(class::RELATION, trigger) {
        let Ok(c) = record.object.as_class() else { continue };
        found.extend(c.triggers.iter().filter(|t| t.parent == trigger && trigger.is_valid()).map(|t| t.oid));
    }
    Ok(found)
}

/// The table and the name of the trigger that one is part of.
pub fn parent_of(cx: &mut ExecContext, t: &Trigger) -> Result<Option<(String, String)>> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, name)) = super::super::dependency::trigger(&catalog, t.parent) else { return Ok(None) };
    Ok(Some((relation(cx, table)?.name.clone(), name)))
}

/// A table whose row triggers read transition tables stays out of trees.
///
/// # Errors
/// 0A000.
pub fn refuse_child(child: &Relation, partition: bool) -> Result<()> {
    let reads = |t: &&Trigger| t.row && (t.old_table.is_some() || t.new_table.is_some());
    let Some(t) = child.triggers.iter().find(reads) else { return Ok(()) };
    let (becoming, hierarchies) = match partition {
        true => ("a partition", "on partitions"),
        false => ("an inheritance child", "in inheritance hierarchies"),
    };
    let text = format!("trigger \"{}\" prevents table \"{}\" from becoming {becoming}", t.name, child.name);
    Err(err!(FEATURE_NOT_SUPPORTED, "{text}")
        .detail(format!("ROW triggers with transition tables are not supported {hierarchies}.")))
}
