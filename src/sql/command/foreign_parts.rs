//! Foreign keys and the partitions of what they refer to: [`KeyPart`]s come and go with those.

use super::constraint::{choose_name, relation};
use super::index::patiently;
use super::write::{change, new_oid};
use crate::base::{Oid, Result};
use crate::catalog::object::class;
use crate::catalog::{Constraint, KEY_PART_TRIGGERS, KeyPart, Relation};
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::sql::partition;
use crate::sql::plan::tree::{attribute_map, mapped};
use std::sync::Arc;

/// Makes the parts of a new foreign key of `table` for all partitions of the table that it refers to.
pub fn make_all(cx: &mut ExecContext, table: Oid, key: &Constraint) -> Result<()> {
    let Some(f) = &key.foreign else { return Ok(()) };
    let above = Above { constraint: key.oid, relation: f.relation, index: key.index, columns: f.columns.clone() };
    go_down(cx, table, key.oid, &above)
}

/// A new partition of `parent` gets its part of each foreign key that refers to that.
pub fn for_new_partition(cx: &mut ExecContext, parent: Oid, part: Oid) -> Result<()> {
    for (table, key) in keys_with(cx, parent)? {
        let Some(f) = &key.foreign else { continue };
        let whole = (f.relation == parent).then(|| Above {
            constraint: key.oid,
            relation: parent,
            index: key.index,
            columns: f.columns.clone(),
        });
        let above = whole.or_else(|| f.parts.iter().find(|p| p.relation == parent).map(Above::part));
        if let Some(above) = above {
            patiently(cx, |cx| cx.backend()?.txn.lock_relation(table, LockMode::ShareRowExclusive))?;
            let parent = relation(cx, parent)?;
            one(cx, table, key.oid, &above, &parent, part)?;
        }
    }
    Ok(())
}

/// A table that is no partition any more has no part in the foreign keys that refer to what it was part of.
pub fn forget(cx: &mut ExecContext, part: Oid) -> Result<()> {
    for (table, key) in keys_with(cx, part)? {
        let Some(first) = key.foreign.as_ref().and_then(|f| f.parts.iter().find(|p| p.relation == part)) else {
            continue;
        };
        let mut gone = vec![first.oid];
        change(cx, table, |c| {
            let keys = c.constraints.iter_mut().filter(|k| k.oid == key.oid);
            for f in keys.filter_map(|k| k.foreign.as_mut()) {
                // Parents come before what is below them.
                gone.extend(f.parts.iter().filter(|p| gone.contains(&p.parent)).map(|p| p.oid).collect::<Vec<_>>());
                while let Some(next) = f.parts.iter().find(|p| gone.contains(&p.parent) && !gone.contains(&p.oid)) {
                    gone.push(next.oid);
                }
                f.parts.retain(|p| !gone.contains(&p.oid));
            }
        })?;
    }
    Ok(())
}

/// The constraint that a part is part of.
struct Above {
    constraint: Oid,
    relation: Oid,
    index: Oid,
    columns: Vec<i16>,
}

impl Above {
    fn part(p: &KeyPart) -> Above {
        Above { constraint: p.oid, relation: p.relation, index: p.index, columns: p.columns.clone() }
    }
}

/// The foreign keys that may have to do with a table and are no partition's part of one, by the number of their constraint.
fn keys_with(cx: &mut ExecContext, table: Oid) -> Result<Vec<(Oid, Constraint)>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut found = Vec::new();
    for record in catalog.mentioning(class::RELATION, table) {
        let Ok(c) = record.object.as_class() else { continue };
        let own = c.constraints.iter().filter(|k| k.foreign.is_some() && !k.parent.is_valid());
        found.extend(own.map(|k| (c.oid, k.clone())));
    }
    found.sort_by_key(|(_, k)| k.oid);
    Ok(found)
}

fn go_down(cx: &mut ExecContext, table: Oid, key: Oid, above: &Above) -> Result<()> {
    let parent = relation(cx, above.relation)?;
    if !parent.is_partitioned() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let children = partition::routing(&parent, &*catalog, &cx.fx.io)?.children.clone();
    for child in children {
        one(cx, table, key, above, &parent, child)?;
    }
    Ok(())
}

fn one(cx: &mut ExecContext, table: Oid, key: Oid, above: &Above, parent: &Arc<Relation>, child: Oid) -> Result<()> {
    let child = relation(cx, child)?;
    let Some(index) = child.indexes.iter().find(|i| i.parent == above.index).map(|i| i.oid) else { return Ok(()) };
    let map = attribute_map(parent, &child)?;
    let holder = relation(cx, table)?;
    let Some(k) = holder.constraints.iter().find(|k| k.oid == key) else { return Ok(()) };
    let names: Vec<String> = k.columns.iter().map(|n| holder.attributes[*n as usize - 1].name.clone()).collect();
    let catalog = cx.backend()?.catalog.clone();
    let part = KeyPart {
        oid: new_oid(cx)?,
        name: choose_name(&catalog, holder.namespace, &holder.constraints, (&holder.name, &names.join("_")), "fkey"),
        relation: child.oid,
        columns: above.columns.iter().map(|n| mapped(&map, *n)).collect(),
        index,
        parent: above.constraint,
        triggers: (0..KEY_PART_TRIGGERS).map(|_| new_oid(cx)).collect::<Result<_>>()?,
    };
    let below = Above::part(&part);
    change(cx, table, |c| {
        let keys = c.constraints.iter_mut().filter(|k| k.oid == key);
        keys.filter_map(|k| k.foreign.as_mut()).for_each(|f| f.parts.push(part.clone()));
    })?;
    go_down(cx, table, key, &below)
}
