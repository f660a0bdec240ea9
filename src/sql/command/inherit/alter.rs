//! ALTER TABLE on a table with children: what goes down to them, and what a child may not do alone.

use super::super::constraint::{self, Wanted};
use super::super::write::{change, class_of, new_oid};
use super::super::{Command, alter_table, names, partition};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::object::Class;
use crate::catalog::{Attribute, Constraint, ConstraintKind, RelKind};
use crate::err;
use crate::sql::ast::{AlterTableKind as Kind, ColumnDef, ConstraintKind as Ast, DropBehavior};
use crate::sql::exec::ExecContext;

/// One change of a table and, unless ONLY is said, of its descendants. All are locked.
pub fn alter(cmd: &Command, cx: &mut ExecContext, table: Oid, recurse: bool, kind: &Kind) -> Result<()> {
    let c = class_of(cx, table)?;
    refuse_inherited(&c, kind)?;
    refuse_partitioned(cx, &c, kind, recurse)?;
    match kind {
        Kind::AddColumn { def, if_not_exists, .. } => return add_column(cmd, cx, table, def, *if_not_exists, recurse),
        Kind::Trigger { mode, which } => return super::super::trigger::enable(cx, table, *mode, which, recurse),
        Kind::Inherit(parent) => return super::link::inherit(cx, table, parent),
        Kind::NoInherit(parent) => return super::link::no_inherit(cx, table, parent),
        Kind::AttachPartition { table: name, bound } => return partition::attach(cmd, cx, table, name, bound),
        Kind::DetachPartition { table: name, .. } => return partition::detach(cx, table, name),
        Kind::AttachIndexPartition(name) => return partition::attach_index(cx, table, name),
        _ => {}
    }
    let children = children_of(cx, table)?;
    if children.is_empty() {
        return alter_table::apply(cmd, cx, table, kind);
    }
    match kind {
        Kind::SetNotNull { name } if c.lineage.key.is_some() && !recurse => {
            let rel = constraint::relation(cx, table)?;
            super::super::key::refuse_nullable(cx, &rel, std::slice::from_ref(name))?;
            alter_table::apply(cmd, cx, table, kind)
        }
        Kind::SetDefault { .. }
        | Kind::DropDefault { .. }
        | Kind::SetNotNull { .. }
        | Kind::DropNotNull { .. }
        | Kind::SetStatistics { .. }
        | Kind::SetStorage { .. } => {
            alter_table::apply(cmd, cx, table, kind)?;
            if recurse {
                for child in all_below(cx, table)? {
                    alter_table::apply(cmd, cx, child, kind)?;
                }
            }
            Ok(())
        }
        Kind::DropColumn { name, missing_ok, behavior } => {
            drop_column(cx, table, name, *missing_ok, *behavior, recurse)
        }
        Kind::AlterType { name, .. } => {
            if !recurse {
                return Err(must_follow(format!(
                    "type of inherited column \"{name}\" must be changed in child tables too"
                )));
            }
            alter_table::position(cx, table, name)?;
            let below = below_alone(cx, table, name, "alter")?;
            alter_table::apply(cmd, cx, table, kind)?;
            below.into_iter().try_for_each(|child| alter_table::apply(cmd, cx, child, kind))
        }
        Kind::DropExpression { .. } => {
            if !recurse {
                let text = "ALTER TABLE / DROP EXPRESSION must be applied to child tables too";
                return Err(Error::unsupported(text));
            }
            alter_table::apply(cmd, cx, table, kind)?;
            all_below(cx, table)?.into_iter().try_for_each(|child| alter_table::apply(cmd, cx, child, kind))
        }
        Kind::AddConstraint(k) => {
            if matches!(k.kind, Ast::Check(_)) && !k.no_inherit && !recurse {
                return Err(must_follow("constraint must be added to child tables too".into()));
            }
            let mut wanted = Wanted::of(k, None);
            wanted.only = !recurse;
            constraint::add_all(cmd, cx, table, vec![wanted])
        }
        Kind::DropConstraint { name, missing_ok, behavior } => {
            drop_constraint(cx, table, name, *missing_ok, *behavior, recurse)
        }
        Kind::ValidateConstraint(name) => {
            let goes_down = |k: &&Constraint| k.name == *name && inheritable(k) && !k.validated;
            if c.constraints.iter().any(|k| goes_down(&k)) {
                if !recurse {
                    return Err(must_follow("constraint must be validated on child tables too".into()));
                }
                for child in all_below(cx, table)? {
                    alter_table::apply(cmd, cx, child, kind)?;
                }
            }
            alter_table::apply(cmd, cx, table, kind)
        }
        _ => alter_table::apply(cmd, cx, table, kind),
    }
}

/// Changes that children take part in.
pub fn goes_down(kind: &Kind) -> bool {
    matches!(
        kind,
        Kind::AddColumn { .. }
            | Kind::DropColumn { .. }
            | Kind::AlterType { .. }
            | Kind::SetDefault { .. }
            | Kind::DropDefault { .. }
            | Kind::SetNotNull { .. }
            | Kind::DropNotNull { .. }
            | Kind::DropExpression { .. }
            | Kind::SetStatistics { .. }
            | Kind::SetStorage { .. }
            | Kind::AddConstraint(_)
            | Kind::DropConstraint { .. }
            | Kind::ValidateConstraint(_)
            | Kind::Inherit(_)
    )
}

fn must_follow(text: String) -> Error {
    Error::new(SqlState::INVALID_TABLE_DEFINITION, text)
}

pub(super) fn children_of(cx: &mut ExecContext, table: Oid) -> Result<Vec<Oid>> {
    Ok(cx.backend()?.catalog.children_of(table))
}

/// All descendants, nearest first, each once.
pub fn all_below(cx: &mut ExecContext, table: Oid) -> Result<Vec<Oid>> {
    let mut found = children_of(cx, table)?;
    let mut n = 0;
    while n < found.len() {
        for child in children_of(cx, found[n])? {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        n += 1;
    }
    Ok(found)
}

/// All descendants, whose column may be changed only if it comes from this tree alone.
///
/// # Errors
/// 42P16.
pub(super) fn below_alone(cx: &mut ExecContext, table: Oid, column: &str, verb: &str) -> Result<Vec<Oid>> {
    let below = all_below(cx, table)?;
    for child in &below {
        let c = class_of(cx, *child)?;
        let from_here = c.lineage.parents.iter().filter(|p| **p == table || below.contains(p)).count();
        if attribute_of(&c, column).is_some_and(|a| usize::from(a.inherited) > from_here) {
            let text = match verb {
                "alter" => format!("cannot alter inherited column \"{column}\" of relation \"{}\"", c.name),
                _ => format!("cannot {verb} inherited column \"{column}\""),
            };
            return Err(must_follow(text));
        }
    }
    Ok(below)
}

fn attribute_of<'c>(c: &'c Class, name: &str) -> Option<&'c Attribute> {
    c.attributes.iter().find(|a| !a.dropped && a.name == name)
}

/// A CHECK that children have, too.
pub(super) fn inheritable(k: &Constraint) -> bool {
    k.kind == ConstraintKind::Check && !k.no_inherit
}

/// What a child has from its parents is theirs to change.
fn refuse_inherited(c: &Class, kind: &Kind) -> Result<()> {
    let inherited = |name: &str| attribute_of(c, name).is_some_and(|a| a.inherited > 0);
    let mut own = c.constraints.iter().cloned().chain(c.constraints.iter().flat_map(Constraint::parts));
    match kind {
        Kind::DropColumn { name, .. } if inherited(name) => {
            Err(err!(INVALID_TABLE_DEFINITION, "cannot drop inherited column \"{name}\""))
        }
        Kind::AlterType { name, .. } if inherited(name) => {
            Err(err!(INVALID_TABLE_DEFINITION, "cannot alter inherited column \"{name}\""))
        }
        Kind::DropExpression { name, .. } if inherited(name) => {
            Err(err!(INVALID_TABLE_DEFINITION, "cannot drop generation expression from inherited column"))
        }
        Kind::DropConstraint { name, .. } if own.any(|k| k.name == *name && k.inherited > 0) => Err(err!(
            INVALID_TABLE_DEFINITION,
            "cannot drop inherited constraint \"{name}\" of relation \"{}\"",
            c.name
        )),
        _ => Ok(()),
    }
}

/// # Errors
/// 42P16 for a column that the partition key reads, of the table or of one below it.
fn refuse_key_column(cx: &mut ExecContext, c: &Class, name: &str, verb: &str) -> Result<()> {
    for table in std::iter::once(c.oid).chain(all_below(cx, c.oid)?) {
        let of = class_of(cx, table)?;
        if of.lineage.key.is_none() {
            continue;
        }
        let attno = attribute_of(&of, name).map(|a| a.attno);
        if attno.is_some_and(|a| a > 0)
            && super::super::partition::key_reads(cx, &of)?.iter().any(|a| Some(*a) == attno)
        {
            return Err(must_follow(format!(
                "cannot {verb} column \"{name}\" because it is part of the partition key of relation \"{}\"",
                of.name
            )));
        }
    }
    Ok(())
}

/// What partitions and partitioned tables do not bear.
pub fn refuse_partitioned(cx: &mut ExecContext, c: &Class, kind: &Kind, recurse: bool) -> Result<()> {
    if c.lineage.bound.is_some() {
        match kind {
            Kind::AddColumn { .. } => return Err(err!(WRONG_OBJECT_TYPE, "cannot add column to a partition")),
            Kind::DropNotNull { name } => {
                let own = attribute_of(c, name).map_or(0, |a| a.attno);
                let in_key =
                    c.constraints.iter().any(|k| k.kind == ConstraintKind::PrimaryKey && k.columns.contains(&own));
                if let Some(parent) = c.lineage.parents.first().filter(|_| !in_key)
                    && attribute_of(&class_of(cx, *parent)?, name).is_some_and(|a| a.not_null)
                {
                    return Err(must_follow(format!("column \"{name}\" is marked NOT NULL in parent table")));
                }
            }
            _ => {}
        }
    }
    let changed = match kind {
        Kind::DropColumn { name, .. } => Some((name, "drop")),
        Kind::AlterType { name, .. } => Some((name, "alter")),
        _ => None,
    };
    if let Some((name, verb)) = changed.filter(|_| recurse || c.lineage.key.is_some()) {
        refuse_key_column(cx, c, name, verb)?;
    }
    if c.lineage.key.is_none() {
        return match (kind, c.kind) {
            (
                Kind::AttachPartition { .. } | Kind::DetachPartition { .. } | Kind::DetachPartitionFinalize(_),
                RelKind::Table,
            ) => Err(err!(INVALID_OBJECT_DEFINITION, "table \"{}\" is not partitioned", c.name)),
            _ => Ok(()),
        };
    }
    match kind {
        Kind::SetLogged | Kind::SetUnlogged => {
            return Err(Error::unsupported("this form of ALTER TABLE is not supported for partitioned tables"));
        }
        _ => {}
    }
    if recurse || children_of(cx, c.oid)?.is_empty() {
        return Ok(());
    }
    let whole = |text: &str| Err(must_follow(text.into()).hint("Do not specify the ONLY keyword."));
    // What is not there is told first; only conditions are the partitions' own to keep.
    let has_column = |name: &str| c.attributes.iter().any(|a| !a.dropped && a.name == name);
    let has_check = |name: &str| c.constraints.iter().any(|k| k.name == name && k.check.is_some() && !k.no_inherit);
    match kind {
        Kind::DropColumn { name, .. } if has_column(name) => {
            whole("cannot drop column from only the partitioned table when partitions exist")
        }
        Kind::DropConstraint { name, .. } if has_check(name) => {
            whole("cannot remove constraint from only the partitioned table when partitions exist")
        }
        Kind::DropNotNull { .. } => {
            whole("cannot remove constraint from only the partitioned table when partitions exist")
        }
        _ => Ok(()),
    }
}

// ---- columns ----

fn add_column(
    cmd: &Command,
    cx: &mut ExecContext,
    table: Oid,
    def: &ColumnDef,
    if_not_exists: bool,
    recurse: bool,
) -> Result<()> {
    let children = children_of(cx, table)?;
    let identity = def.constraints.iter().any(|c| matches!(c.kind, Ast::Identity { .. }));
    if identity && recurse && !children.is_empty() {
        return Err(must_follow("cannot recursively add identity column to table that has child tables".into()));
    }
    let Some(constraints) = alter_table::add_column(cmd, cx, table, def, if_not_exists)? else { return Ok(()) };
    if !children.is_empty() && !recurse {
        return Err(must_follow("column must be added to child tables too".into()));
    }
    let c = class_of(cx, table)?;
    if let Some(a) = attribute_of(&c, &def.name).cloned() {
        children.into_iter().try_for_each(|child| inherit_column(cx, child, &a))?;
    }
    let wanted = constraints.iter().map(|k| Wanted::of(k, Some(&def.name))).collect();
    constraint::add_all(cmd, cx, table, wanted)
}

/// A column its parent got: the child gets it, or has it already.
fn inherit_column(cx: &mut ExecContext, child: Oid, of_parent: &Attribute) -> Result<()> {
    let c = class_of(cx, child)?;
    let name = &of_parent.name;
    if let Some(n) = c.attributes.iter().position(|a| !a.dropped && a.name == *name) {
        if c.attributes[n].ty != of_parent.ty {
            return Err(err!(DATATYPE_MISMATCH, "child table \"{}\" has different type for column \"{name}\"", c.name));
        }
        change(cx, child, |c| c.attributes[n].inherited += 1)?;
        let text = format!("merging definition of column \"{name}\" for child \"{}\"", c.name);
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok(());
    }
    let mut new = of_parent.clone();
    new.attno = c.attributes.len() as i16 + 1;
    new.inherited = 1;
    new.local = false;
    new.acl = None;
    new.missing = None;
    if new.default.is_some() {
        new.default_oid = new_oid(cx)?;
    }
    alter_table::add_made_column(cx, child, new)?;
    for below in children_of(cx, child)? {
        inherit_column(cx, below, of_parent)?;
    }
    Ok(())
}

fn drop_column(
    cx: &mut ExecContext,
    table: Oid,
    name: &str,
    missing_ok: bool,
    behavior: DropBehavior,
    recurse: bool,
) -> Result<()> {
    let c = class_of(cx, table)?;
    if attribute_of(&c, name).is_some() {
        for child in children_of(cx, table)? {
            let below = class_of(cx, child)?;
            let Some(a) = attribute_of(&below, name) else { continue };
            if recurse && a.inherited == 1 && !a.local {
                drop_column(cx, child, name, false, behavior, true)?;
                continue;
            }
            let n = a.attno as usize - 1;
            change(cx, child, |c| {
                c.attributes[n].inherited = c.attributes[n].inherited.saturating_sub(1);
                c.attributes[n].local |= !recurse;
            })?;
        }
    }
    alter_table::drop_column(cx, table, name, missing_ok, behavior)
}

// ---- constraints ----

pub fn tell_merging(cx: &mut ExecContext, constraint: &str) {
    let text = format!("merging constraint \"{constraint}\" with inherited definition");
    names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
}

/// A CHECK its parent got: the child gets it, or has it already.
pub fn add_check(cx: &mut ExecContext, child: Oid, of_parent: &Constraint) -> Result<()> {
    let c = class_of(cx, child)?;
    let name = &of_parent.name;
    if let Some(have) = c.constraints.iter().find(|k| k.name == *name) {
        if have.kind != ConstraintKind::Check || have.check != of_parent.check {
            return Err(err!(DUPLICATE_OBJECT, "constraint \"{name}\" for relation \"{}\" already exists", c.name));
        }
        super::link::refuse_conflict(have, of_parent.validated, &format!("relation \"{}\"", c.name))?;
        tell_merging(cx, name);
        return change(cx, child, |c| {
            let partition = c.lineage.bound.is_some();
            for k in c.constraints.iter_mut().filter(|k| k.name == *name) {
                k.inherited += 1;
                k.local &= !partition;
            }
        });
    }
    let Some(text) = &of_parent.check else { return Ok(()) };
    let new = constraint::make_check(cx, child, name, text, of_parent.validated)?;
    let mark = |k: &mut Constraint| {
        k.inherited = 1;
        k.local = false;
    };
    change(cx, child, |c| c.constraints.iter_mut().filter(|k| k.oid == new).for_each(mark))?;
    for below in children_of(cx, child)? {
        add_check(cx, below, of_parent)?;
    }
    Ok(())
}

fn drop_constraint(
    cx: &mut ExecContext,
    table: Oid,
    name: &str,
    missing_ok: bool,
    behavior: DropBehavior,
    recurse: bool,
) -> Result<()> {
    let c = class_of(cx, table)?;
    if c.constraints.iter().any(|k| k.name == name && inheritable(k)) {
        for child in children_of(cx, table)? {
            let below = class_of(cx, child)?;
            let Some(k) = below.constraints.iter().find(|k| k.name == name) else { continue };
            if recurse && k.inherited == 1 && !k.local {
                drop_constraint(cx, child, name, false, behavior, true)?;
                continue;
            }
            let leave = |k: &mut Constraint| {
                k.inherited = k.inherited.saturating_sub(1);
                k.local |= !recurse;
            };
            change(cx, child, |c| c.constraints.iter_mut().filter(|k| k.name == name).for_each(leave))?;
        }
    }
    alter_table::drop_constraint(cx, table, name, missing_ok, behavior)
}
