//! Foreign keys as commands see them.

use super::constraint::{Wanted, choose_name, refuse_taken, relation};
use super::index::patiently;
use super::write::{change, new_oid};
use super::{Command, dependency, names};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Class, class};
use crate::catalog::{
    Attribute, Constraint, ConstraintKind, ForeignKey, KEY_TRIGGERS, ObjectKey, Persistence, RelKind, Relation,
};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    self, AlterTableKind, AlterTableStmt, ConstraintKind as Ast, CreateTableStmt, FkAction, FkMatch, RangeVar,
    TableElement,
};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::foreign_key::{self, Reference};
use std::sync::Arc;

/// Tables whose foreign keys point at this one, with the constraint's name. Itself left out.
pub fn referencing(cx: &mut ExecContext, table: Oid) -> Result<Vec<(Oid, String)>> {
    let mut found = Vec::new();
    let catalog = cx.backend()?.catalog.clone();
    let referred = with_ancestors(&catalog, table);
    for on in referred {
        let others = catalog.keys_to(on).into_iter().filter(|(holder, k)| !k.parent.is_valid() && *holder != table);
        found.extend(others.map(|(holder, k)| (k.oid, holder, k.name)));
    }
    found.sort();
    Ok(found.into_iter().map(|(_, table, name)| (table, name)).collect())
}

/// A table and the partitioned ones it is part of.
pub fn with_ancestors(catalog: &crate::catalog::Catalog, table: Oid) -> Vec<Oid> {
    let mut found = vec![table];
    let mut at = table;
    while let Some(record) = catalog.class(at)
        && let Ok(c) = record.object.as_class()
        && c.lineage.bound.is_some()
        && let Some(parent) = c.lineage.parents.first()
    {
        found.push(*parent);
        at = *parent;
    }
    found
}

// ---- locks ----

/// Locks what the foreign keys of a new table refer to: before anything is changed.
pub fn lock_for_create(cmd: &Command, cx: &mut ExecContext, stmt: &CreateTableStmt) -> Flow<()> {
    for element in &stmt.elements {
        match element {
            TableElement::Column(def) => lock_all(cmd, cx, def.constraints.iter())?,
            TableElement::Constraint(c) => lock_all(cmd, cx, std::iter::once(c))?,
            TableElement::Like { .. } => {}
        }
    }
    Ok(())
}

/// Locks the other ends of foreign keys that are added, validated or dropped.
pub fn lock_for_alter(cmd: &Command, cx: &mut ExecContext, table: Oid, stmt: &AlterTableStmt) -> Flow<()> {
    for command in &stmt.commands {
        match &command.kind {
            AlterTableKind::AddColumn { def, .. } => lock_all(cmd, cx, def.constraints.iter())?,
            AlterTableKind::AddConstraint(c) => lock_all(cmd, cx, std::iter::once(c))?,
            AlterTableKind::AlterType { name, .. } => lock_ends(cx, table, name)?,
            AlterTableKind::ValidateConstraint(name) => lock_parent(cx, table, name, LockMode::RowShare)?,
            AlterTableKind::DropConstraint { name, .. } => {
                lock_parent(cx, table, name, LockMode::AccessExclusive)?;
                lock_dependents(cx, table, |c| {
                    let found = c.constraints.iter().find(|k| k.name == *name)?;
                    Some(ObjectKey::new(class::CONSTRAINT, found.oid))
                })?;
            }
            AlterTableKind::DropColumn { name, .. } => lock_dependents(cx, table, |c| {
                let found = c.attributes.iter().find(|a| a.name == *name && !a.dropped)?;
                Some(ObjectKey { class: class::RELATION, oid: table, sub: i32::from(found.attno) })
            })?,
            _ => {}
        }
    }
    Ok(())
}

fn lock_all<'a>(
    cmd: &Command,
    cx: &mut ExecContext,
    constraints: impl Iterator<Item = &'a ast::Constraint>,
) -> Flow<()> {
    for c in constraints {
        if let Ast::ForeignKey(f) = &c.kind
            && names::find_relation(cx, &f.table)?.is_some()
        {
            names::locked_relation(cmd, cx, &f.table, LockMode::ShareRowExclusive)?;
        }
    }
    Ok(())
}

fn lock_parent(cx: &mut ExecContext, table: Oid, name: &str, mode: LockMode) -> Flow<()> {
    let Some(record) = cx.backend()?.catalog.class(table) else { return Ok(()) };
    let found = record.object.as_class()?.constraints.iter().find(|k| k.name == name);
    if let Some(f) = found.and_then(|k| k.foreign.as_ref()) {
        cx.backend()?.txn.lock_relation(f.relation, mode)?;
    }
    Ok(())
}

/// Locks what depends on a part of a table that is going to be dropped.
fn lock_dependents(cx: &mut ExecContext, table: Oid, part: impl FnOnce(&Class) -> Option<ObjectKey>) -> Flow<()> {
    let Some(record) = cx.backend()?.catalog.class(table) else { return Ok(()) };
    if let Some(part) = part(record.object.as_class()?) {
        dependency::collect(cx, &[part])?;
    }
    Ok(())
}

/// Locks the other ends of all foreign keys a column takes part in.
fn lock_ends(cx: &mut ExecContext, table: Oid, column: &str) -> Flow<()> {
    let Some(record) = cx.backend()?.catalog.class(table) else { return Ok(()) };
    let Some(attno) = record.object.as_class()?.attributes.iter().find(|a| a.name == column).map(|a| a.attno) else {
        return Ok(());
    };
    for (child, k) in taking_part(cx, table, attno)? {
        let Some(f) = &k.foreign else { continue };
        let other = if child == table { f.relation } else { child };
        cx.backend()?.txn.lock_relation(other, LockMode::AccessExclusive)?;
    }
    Ok(())
}

/// Foreign keys a column takes part in, at either end, with their tables.
pub fn taking_part(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<Vec<(Oid, Constraint)>> {
    let mut found = Vec::new();
    for record in cx.backend()?.catalog.mentioning(class::RELATION, table) {
        let Ok(c) = record.object.as_class() else { continue };
        for k in &c.constraints {
            let Some(f) = &k.foreign else { continue };
            if c.oid == table && k.columns.contains(&attno) || f.relation == table && f.columns.contains(&attno) {
                found.push((c.oid, k.clone()));
            }
        }
    }
    Ok(found)
}

/// After a column got another type: its foreign keys must still be possible, and hold.
///
/// # Errors
/// 42804, 23503.
pub fn recheck(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<()> {
    for (child, k) in taking_part(cx, table, attno)? {
        let Some(f) = &k.foreign else { continue };
        let (from, to) = (relation(cx, child)?, relation(cx, f.relation)?);
        check_types(cx, (&from, &k.columns), (&to, &f.columns), &k.name)?;
        if k.validated {
            validate(cx, child, &k)?;
        }
    }
    Ok(())
}

// ---- definition ----

/// Adds a foreign key to a table; both are locked.
pub fn add(cmd: &Command, cx: &mut ExecContext, table: Oid, w: &Wanted, f: &ast::ForeignKey) -> Result<()> {
    let child = relation(cx, table)?;
    let parent = parent(cmd, cx, &child, &f.table)?;
    let columns = attnos(&child, &f.columns)?;
    let (index, referenced) = referenced(&parent, &f.ref_columns)?;
    may_refer(cx, &parent, &referenced)?;
    refuse_generated(&child, &columns, f)?;
    if columns.len() != referenced.len() {
        return Err(err!(INVALID_FOREIGN_KEY, "number of referencing and referenced columns for foreign key disagree"));
    }
    let delete_columns = delete_columns(&child, &columns, &f.on_delete_columns)?;
    let name = match &w.name {
        Some(name) => {
            refuse_taken(&child.constraints, name, &child.name)?;
            name.clone()
        }
        None => {
            let all: Vec<String> = f.columns.iter().map(ToString::to_string).collect();
            let of = (&*child.name, &*all.join("_"));
            choose_name(&cx.backend()?.catalog, child.namespace, &child.constraints, of, "fkey")
        }
    };
    check_types(cx, (&child, &columns), (&parent, &referenced), &name)?;
    let constraint = Constraint {
        oid: new_oid(cx)?,
        name,
        kind: ConstraintKind::ForeignKey,
        columns,
        check: None,
        index,
        foreign: Some(ForeignKey {
            relation: parent.oid,
            columns: referenced,
            on_update: letter(f.on_update),
            on_delete: letter(f.on_delete),
            match_type: if f.match_kind == FkMatch::Full { b'f' } else { b's' },
            delete_columns,
            check_enabled: 'O',
            action_enabled: 'O',
            triggers: trigger_numbers(cx)?,
            parts: Vec::new(),
        }),
        deferrable: w.deferrable,
        deferred: w.deferred,
        validated: !w.not_valid,
        inherited: 0,
        local: true,
        no_inherit: !child.is_partitioned(),
        parent: Oid::INVALID,
    };
    let stored = constraint.clone();
    change(cx, table, |c| c.constraints.push(stored))?;
    super::foreign_parts::make_all(cx, table, &constraint)?;
    if child.is_partitioned() {
        if w.only && !child.children.is_empty() {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "cannot use ONLY for foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                    child.name, parent.name
                ),
            ));
        }
        if w.not_valid {
            return Err(Error::new(
                SqlState::WRONG_OBJECT_TYPE,
                format!(
                    "cannot add NOT VALID foreign key on partitioned table \"{}\" referencing relation \"{}\"",
                    child.name, parent.name
                ),
            )
            .detail("This feature is not yet supported on partitioned tables."));
        }
        for part in cx.backend()?.catalog.children_of(table) {
            go_down(cx, &child, part, &constraint)?;
        }
        return Ok(());
    }
    match w.not_valid {
        true => Ok(()),
        false => validate(cx, table, &constraint),
    }
}

// ---- partitions ----

/// Locks what the foreign keys of a partitioned table refer to, for a new partition of it.
pub fn lock_referenced(cx: &mut ExecContext, table: &Relation) -> Flow<()> {
    for f in table.constraints.iter().filter_map(|k| k.foreign.as_ref()) {
        cx.backend()?.txn.lock_relation(f.relation, LockMode::ShareRowExclusive)?;
    }
    Ok(())
}

/// A partition gets the foreign keys of its parent.
pub fn for_new_partition(cx: &mut ExecContext, parent: Oid, part: Oid) -> Result<()> {
    let above = relation(cx, parent)?;
    for k in above.constraints.iter().filter(|k| k.foreign.is_some()) {
        go_down(cx, &above, part, k)?;
    }
    Ok(())
}

fn trigger_numbers(cx: &mut ExecContext) -> Result<Vec<Oid>> {
    (0..KEY_TRIGGERS).map(|_| new_oid(cx)).collect()
}

/// A partition's own part of a foreign key: one that is there, or a new one; its rows are checked.
fn go_down(cx: &mut ExecContext, above: &Arc<Relation>, part: Oid, k: &Constraint) -> Result<()> {
    let below = relation(cx, part)?;
    // What was a tree of partitions before it came here has its own parts of its own keys.
    if below.constraints.iter().any(|h| h.parent == k.oid) {
        return Ok(());
    }
    let map = crate::sql::plan::tree::attribute_map(above, &below)?;
    let own = |n: &i16| crate::sql::plan::tree::mapped(&map, *n);
    let columns: Vec<i16> = k.columns.iter().map(own).collect();
    let mut foreign = k.foreign.clone();
    if let Some(f) = &mut foreign {
        f.delete_columns = f.delete_columns.iter().map(own).collect();
        f.parts.clear();
    }
    let plain = |f: &Option<ForeignKey>| f.clone().map(|f| ForeignKey { triggers: Vec::new(), parts: Vec::new(), ..f });
    let same = |h: &&Constraint| {
        plain(&h.foreign) == plain(&foreign)
            && h.columns == columns
            && !h.parent.is_valid()
            && (h.deferrable, h.deferred) == (k.deferrable, k.deferred)
    };
    let made = match below.constraints.iter().find(same) {
        Some(have) => {
            // The partition's rows are referred to from what it is part of now.
            let foreign = have.foreign.clone().map(|f| ForeignKey { parts: Vec::new(), ..f });
            Constraint { parent: k.oid, inherited: 1, local: false, validated: true, foreign, ..have.clone() }
        }
        None => {
            let taken = below.constraints.iter().any(|c| c.name == k.name);
            let name = match taken {
                false => k.name.clone(),
                true => {
                    let names: Vec<String> =
                        columns.iter().map(|n| below.attributes[*n as usize - 1].name.clone()).collect();
                    let of = (&*below.name, &*names.join("_"));
                    choose_name(&cx.backend()?.catalog, below.namespace, &below.constraints, of, "fkey")
                }
            };
            let oid = new_oid(cx)?;
            let triggers = trigger_numbers(cx)?;
            let foreign = foreign.map(|f| ForeignKey { triggers, ..f });
            Constraint {
                oid,
                name,
                columns,
                foreign,
                inherited: 1,
                local: false,
                no_inherit: false,
                parent: k.oid,
                ..k.clone()
            }
        }
    };
    let known = below.constraints.iter().any(|c| c.oid == made.oid && c.validated);
    let put = made.clone();
    change(cx, part, |c| {
        c.constraints.retain(|c| c.oid != put.oid);
        c.constraints.push(put);
    })?;
    if !known {
        validate(cx, part, &made)?;
    }
    for next in cx.backend()?.catalog.children_of(part) {
        go_down(cx, &below, next, &made)?;
    }
    Ok(())
}

/// Rows of a partition that others refer to may not leave with it (PostgreSQL 15, tablecmds.c,
/// ATDetachCheckNoForeignKeyRefs).
///
/// # Errors
/// 23503.
pub fn refuse_detach(cx: &mut ExecContext, parent: &Relation, part: &Arc<Relation>) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let referred = with_ancestors(&catalog, parent.oid);
    let mut found = Vec::new();
    for on in referred {
        let tops = catalog.keys_to(on).into_iter().filter(|(_, k)| !k.parent.is_valid());
        found.extend(tops.map(|(holder, k)| (k.oid, holder, on, k)));
    }
    found.sort_by_key(|f| f.0);
    for (_, child, referred, constraint) in found {
        patiently(cx, |cx| cx.backend()?.txn.lock_relation(child, LockMode::Share))?;
        let (child, referred) = (relation(cx, child)?, relation(cx, referred)?);
        let reference = Reference::new(cx, child, referred, &constraint)?.for_partition(part)?;
        let mut leaving = foreign_key::Leaving::new(reference, part.clone());
        patiently(cx, |cx| leaving.run(cx))?;
    }
    Ok(())
}

/// Every row there is must refer to one.
///
/// # Errors
/// 23503.
pub fn validate(cx: &mut ExecContext, table: Oid, constraint: &Constraint) -> Result<()> {
    let child = relation(cx, table)?;
    let Some(store) = child.store.clone() else { return Ok(()) };
    let storage = cx.storage()?;
    if store.nblocks(&storage)? == 0 {
        return Ok(());
    }
    let Some(foreign) = &constraint.foreign else { return Ok(()) };
    let parent = relation(cx, foreign.relation)?;
    let reference = Arc::new(Reference::new(cx, child, parent, constraint)?);
    cx.backend()?.txn.next_command();
    let mut validation = foreign_key::Validation::new(reference);
    patiently(cx, |cx| validation.run(cx))
}

fn letter(action: FkAction) -> u8 {
    match action {
        FkAction::NoAction => b'a',
        FkAction::Restrict => b'r',
        FkAction::Cascade => b'c',
        FkAction::SetNull => b'n',
        FkAction::SetDefault => b'd',
    }
}

fn parent(cmd: &Command, cx: &mut ExecContext, child: &Relation, name: &RangeVar) -> Result<Arc<Relation>> {
    let parent = names::find_relation(cx, name)?.ok_or_else(|| {
        err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name.joined()).at(cmd.at(ast::NOWHERE))
    })?;
    if parent.generated_by.is_some() {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied: \"{}\" is a system catalog", parent.name));
    }
    if !matches!(parent.kind, RelKind::Table | RelKind::Partitioned) {
        return Err(err!(WRONG_OBJECT_TYPE, "referenced relation \"{}\" is not a table", parent.name));
    }
    let (fits, text) = match child.persistence {
        Persistence::Permanent => (
            parent.persistence == Persistence::Permanent,
            "constraints on permanent tables may reference only permanent tables",
        ),
        Persistence::Unlogged => (
            parent.persistence != Persistence::Temp,
            "constraints on unlogged tables may reference only permanent or unlogged tables",
        ),
        Persistence::Temp => (
            parent.persistence == Persistence::Temp,
            "constraints on temporary tables may reference only temporary tables",
        ),
    };
    if !fits {
        return Err(err!(INVALID_TABLE_DEFINITION, "{text}"));
    }
    if cx.backend()?.catalog.is_other_temp(&parent) {
        let text = "constraints on temporary tables must involve temporary tables of this session";
        return Err(err!(INVALID_TABLE_DEFINITION, "{text}"));
    }
    Ok(parent)
}

fn attnos<S: AsRef<str>>(rel: &Relation, columns: &[S]) -> Result<Vec<i16>> {
    let of = |name: &S| {
        let name = name.as_ref();
        if crate::sql::bind::scope::system_attno(name).is_some() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "system columns cannot be used in foreign keys"));
        }
        rel.attribute(name).map(|a| a.attno).ok_or_else(|| {
            err!(UNDEFINED_COLUMN, "column \"{name}\" referenced in foreign key constraint does not exist")
        })
    };
    let found: Vec<i16> = columns.iter().map(of).collect::<Result<_>>()?;
    if found.len() > 32 {
        return Err(err!(TOO_MANY_COLUMNS, "cannot have more than 32 keys in a foreign key"));
    }
    Ok(found)
}

/// The index behind the referenced columns, and the columns: the primary key's if none are named.
fn referenced<S: AsRef<str>>(parent: &Relation, columns: &[S]) -> Result<(Oid, Vec<i16>)> {
    // A foreign key of the table to itself names the index, too.
    let behind = |index: Oid| parent.constraints.iter().find(|k| k.index == index && k.foreign.is_none());
    let deferrable = |index: Oid| behind(index).is_some_and(|k| k.deferrable);
    if columns.is_empty() {
        let Some(primary) = parent.indexes.iter().find(|i| i.primary && i.valid) else {
            return Err(err!(UNDEFINED_OBJECT, "there is no primary key for referenced table \"{}\"", parent.name));
        };
        if deferrable(primary.oid) {
            return Err(err!(
                OBJECT_NOT_IN_PREREQUISITE_STATE,
                "cannot use a deferrable primary key for referenced table \"{}\"",
                parent.name
            ));
        }
        return Ok((primary.oid, primary.columns[..primary.key_columns].iter().map(|c| c.attno).collect()));
    }
    let wanted = attnos(parent, columns)?;
    if (1..wanted.len()).any(|n| wanted[..n].contains(&wanted[n])) {
        return Err(err!(INVALID_FOREIGN_KEY, "foreign key referenced-columns list must not contain duplicates"));
    }
    let mut late = false;
    for index in &parent.indexes {
        let keys = &index.columns[..index.key_columns];
        let plain = index.unique && index.valid && index.predicate.is_none() && keys.iter().all(|c| c.expr.is_none());
        if !plain || keys.len() != wanted.len() || !keys.iter().all(|c| wanted.contains(&c.attno)) {
            continue;
        }
        if !deferrable(index.oid) {
            return Ok((index.oid, wanted));
        }
        late = true;
    }
    if late {
        return Err(err!(
            OBJECT_NOT_IN_PREREQUISITE_STATE,
            "cannot use a deferrable unique constraint for referenced table \"{}\"",
            parent.name
        ));
    }
    Err(err!(
        INVALID_FOREIGN_KEY,
        "there is no unique constraint matching given keys for referenced table \"{}\"",
        parent.name
    ))
}

/// The right REFERENCES, on the table or on each of the columns.
fn may_refer(cx: &mut ExecContext, parent: &Relation, columns: &[i16]) -> Result<()> {
    let backend = cx.backend()?;
    let allows = |acl: Option<&[String]>| super::role::acl_allows(backend, acl, 'x');
    let column = |n: &i16| parent.attributes.get(*n as usize - 1).is_some_and(|a: &Attribute| allows(a.acl.as_deref()));
    if super::role::has_role(backend, parent.owner) || allows(parent.acl.as_deref()) || columns.iter().all(column) {
        return Ok(());
    }
    Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for table {}", parent.name).place(
        "aclcheck_error",
        "aclchk.c",
        3512,
    ))
}

fn refuse_generated(child: &Relation, columns: &[i16], f: &ast::ForeignKey) -> Result<()> {
    if columns.iter().all(|n| child.attributes[*n as usize - 1].generated == 0) {
        return Ok(());
    }
    let refuse = |word: &str| {
        Err(err!(SYNTAX_ERROR, "invalid {word} action for foreign key constraint containing generated column"))
    };
    match (f.on_update, f.on_delete) {
        (FkAction::SetNull | FkAction::SetDefault | FkAction::Cascade, _) => refuse("ON UPDATE"),
        (_, FkAction::SetNull | FkAction::SetDefault) => refuse("ON DELETE"),
        _ => Ok(()),
    }
}

fn delete_columns<S: AsRef<str>>(child: &Relation, columns: &[i16], names: &[S]) -> Result<Vec<i16>> {
    let mut wanted = attnos(child, names)?;
    for (n, name) in wanted.iter().zip(names) {
        if !columns.contains(n) {
            return Err(err!(
                INVALID_COLUMN_REFERENCE,
                "column \"{}\" referenced in ON DELETE SET action must be part of foreign key",
                name.as_ref()
            ));
        }
    }
    let mut seen = Vec::new();
    wanted.retain(|n| {
        !seen.contains(n) && {
            seen.push(*n);
            true
        }
    });
    Ok(wanted)
}

/// Values of both sides must be comparable by the index's order, as they are or after an implicit cast.
fn check_types(
    cx: &mut ExecContext,
    child: (&Arc<Relation>, &[i16]),
    parent: (&Arc<Relation>, &[i16]),
    name: &str,
) -> Result<()> {
    for (c, p) in child.1.iter().zip(parent.1) {
        let (from, to) = (&child.0.attributes[*c as usize - 1], &parent.0.attributes[*p as usize - 1]);
        let catalog = cx.backend()?.catalog.clone();
        if foreign_key::comparable(&catalog, from.ty, to.ty) {
            continue;
        }
        let word = |ty: crate::types::TypeRef| crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
        return Err(err!(DATATYPE_MISMATCH, "foreign key constraint \"{name}\" cannot be implemented").detail(
            format!(
                "Key columns \"{}\" and \"{}\" are of incompatible types: {} and {}.",
                from.name,
                to.name,
                word(from.ty),
                word(to.ty)
            ),
        ));
    }
    Ok(())
}
