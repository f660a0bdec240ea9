//! ALTER TABLE … INHERIT and NO INHERIT: a table that is there becomes a child, and stops being one.
//! PostgreSQL 15, tablecmds.c, CreateInheritance, RemoveInheritance.

use super::super::write::{change, class_of, relation_key};
use super::super::{Command, alter_kinds, names, trigger};
use super::alter::{all_below, inheritable};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Class, Depend};
use crate::catalog::{Constraint, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{AlterTableKind as Kind, RangeVar};
use crate::sql::exec::ExecContext;

/// Locks the parent a change names.
pub fn lock_other(cmd: &Command, cx: &mut ExecContext, kind: &Kind) -> Flow<()> {
    if let Kind::Inherit(parent) | Kind::NoInherit(parent) = kind {
        names::locked_relation(cmd, cx, parent, LockMode::ShareUpdateExclusive)?;
    }
    Ok(())
}

fn parent_named(cx: &mut ExecContext, name: &RangeVar) -> Result<std::sync::Arc<Relation>> {
    names::find_relation(cx, name)?.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.name))
}

pub(super) fn inherit(cx: &mut ExecContext, table: Oid, name: &RangeVar) -> Result<()> {
    let child = class_of(cx, table)?;
    refuse_changing(&child)?;
    let parent = parent_named(cx, name)?;
    if parent.kind != RelKind::Table && parent.kind != RelKind::Partitioned {
        return Err(alter_kinds::impossible(&parent, "INHERIT"));
    }
    names::check_owner(cx, &parent)?;
    if parent.persistence == Persistence::Temp && child.persistence != Persistence::Temp {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from temporary relation \"{}\"", parent.name));
    }
    if parent.is_partitioned() {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from partitioned table \"{}\"", parent.name));
    }
    if parent.is_partition() {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from a partition"));
    }
    if parent.oid == table || all_below(cx, table)?.contains(&parent.oid) {
        return Err(Error::new(SqlState::DUPLICATE_TABLE, "circular inheritance not allowed".to_string())
            .detail(format!("\"{}\" is already a child of \"{}\".", parent.name, child.name)));
    }
    if child.lineage.parents.contains(&parent.oid) {
        let text = format!("relation \"{}\" would be inherited from more than once", parent.name);
        return Err(Error::new(SqlState::DUPLICATE_TABLE, text));
    }
    trigger::refuse_child(&*super::super::constraint::relation(cx, table)?, false)?;
    link(cx, table, parent.oid, false)
}

fn refuse_changing(child: &Class) -> Result<()> {
    let what = match (child.lineage.bound.is_some(), child.kind) {
        (true, _) => "a partition",
        (_, RelKind::Partitioned) => "partitioned table",
        _ => return Ok(()),
    };
    Err(err!(WRONG_OBJECT_TYPE, "cannot change inheritance of {what}"))
}

pub(super) fn no_inherit(cx: &mut ExecContext, table: Oid, name: &RangeVar) -> Result<()> {
    let child = class_of(cx, table)?;
    if child.lineage.bound.is_some() {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot change inheritance of a partition"));
    }
    let parent = parent_named(cx, name)?;
    if !child.lineage.parents.contains(&parent.oid) {
        return Err(err!(
            UNDEFINED_TABLE,
            "relation \"{}\" is not a parent of relation \"{}\"",
            parent.name,
            child.name
        ));
    }
    unlink(cx, table, parent.oid)
}

/// Makes a table the child of another whose columns and CHECKs it has. What a partition has from its parent is no
/// longer its own.
pub fn link(cx: &mut ExecContext, table: Oid, parent: Oid, partition: bool) -> Result<()> {
    let of_parent = class_of(cx, parent)?;
    let mut child = class_of(cx, table)?;
    for a in of_parent.attributes.iter().filter(|a| !a.dropped) {
        merge_column(&mut child, a, partition)?;
    }
    for k in of_parent.constraints.iter().filter(|k| inheritable(k)) {
        merge_check(&mut child, k, partition)?;
    }
    child.lineage.parents.push(parent);
    child.depends.push(Depend { on: relation_key(parent), auto: partition });
    change(cx, table, |c| *c = child)
}

fn merge_column(child: &mut Class, a: &crate::catalog::Attribute, partition: bool) -> Result<()> {
    let (table, name) = (child.name.clone(), &a.name);
    let Some(have) = child.attributes.iter_mut().find(|c| !c.dropped && c.name == *name) else {
        return Err(err!(DATATYPE_MISMATCH, "child table is missing column \"{name}\""));
    };
    if have.ty != a.ty {
        return Err(err!(DATATYPE_MISMATCH, "child table \"{table}\" has different type for column \"{name}\""));
    }
    // The type's own is meant where none is named.
    let own = crate::types::info(a.ty.oid).map_or(Oid::INVALID, |i| i.collation);
    let collation = |of: &crate::catalog::Attribute| match of.declared.collation {
        named if named.is_valid() => named,
        _ => own,
    };
    if collation(have) != collation(a) {
        return Err(err!(COLLATION_MISMATCH, "child table \"{table}\" has different collation for column \"{name}\""));
    }
    if a.not_null && !have.not_null {
        return Err(err!(DATATYPE_MISMATCH, "column \"{name}\" in child table must be marked NOT NULL"));
    }
    if a.generated != 0 && have.generated == 0 {
        return Err(err!(DATATYPE_MISMATCH, "column \"{name}\" in child table must be a generated column"));
    }
    if a.generated != 0 && a.default != have.default {
        return Err(err!(
            DATATYPE_MISMATCH,
            "column \"{name}\" in child table has a conflicting generation expression"
        ));
    }
    have.inherited += 1;
    have.local &= !partition;
    Ok(())
}

fn merge_check(child: &mut Class, k: &Constraint, partition: bool) -> Result<()> {
    let (table, name) = (child.name.clone(), &k.name);
    let Some(have) = child.constraints.iter_mut().find(|c| c.name == *name && c.kind == k.kind) else {
        return Err(err!(DATATYPE_MISMATCH, "child table is missing constraint \"{name}\""));
    };
    if have.check != k.check {
        return Err(err!(
            DATATYPE_MISMATCH,
            "child table \"{table}\" has different definition for check constraint \"{name}\""
        ));
    }
    refuse_conflict(have, true, &format!("child table \"{table}\""))?;
    have.inherited += 1;
    have.local &= !partition;
    Ok(())
}

/// A child's CHECK of the same name that cannot pass for its parent's. `valid`: the parent's holds for all rows.
pub fn refuse_conflict(have: &Constraint, valid: bool, on: &str) -> Result<()> {
    let what = match (have.no_inherit, have.validated || !valid) {
        (true, _) => "non-inherited",
        (_, false) => "NOT VALID",
        _ => return Ok(()),
    };
    let name = &have.name;
    Err(err!(INVALID_OBJECT_DEFINITION, "constraint \"{name}\" conflicts with {what} constraint on {on}"))
}

/// Ends it: what the child had from this parent alone becomes its own.
pub fn unlink(cx: &mut ExecContext, table: Oid, parent: Oid) -> Result<()> {
    let of_parent = class_of(cx, parent)?;
    change(cx, table, |c| {
        for a in c.attributes.iter_mut().filter(|a| !a.dropped && a.inherited > 0) {
            if of_parent.attributes.iter().any(|p| !p.dropped && p.name == a.name) {
                a.inherited -= 1;
                a.local |= a.inherited == 0;
            }
        }
        for k in c.constraints.iter_mut().filter(|k| k.inherited > 0 && inheritable(k)) {
            if of_parent.constraints.iter().any(|p| p.name == k.name && inheritable(p)) {
                k.inherited -= 1;
                k.local |= k.inherited == 0;
            }
        }
        c.lineage.parents.retain(|p| *p != parent);
        c.depends.retain(|d| d.on != relation_key(parent));
    })
}
