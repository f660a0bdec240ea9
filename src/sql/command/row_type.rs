//! Who keeps values of a row type: its columns cannot become others under them.
//!
//! PostgreSQL 15, tablecmds.c, find_composite_type_dependencies: same refusals.

use super::write::{self, class_of};
use super::{dependency, names, rewrite_rows};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{Class, UserTypeKind, class};
use crate::catalog::{Attribute, Catalog, Object, ObjectKey, Record, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use crate::types;
use crate::types::record::Reshape;
use std::sync::Arc;

/// # Errors
/// 0A000 where a table's column has such rows inside.
pub fn refuse_use(cx: &mut ExecContext, c: &Class) -> Result<()> {
    if !c.row_type.is_valid() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, column)) = user(&catalog, c.row_type) else { return refuse_checks(cx, c) };
    let name = &c.name;
    Err(Error::unsupported(match c.kind {
        RelKind::Composite => format!("cannot alter type \"{name}\" because column \"{table}.{column}\" uses it"),
        _ => format!("cannot alter table \"{name}\" because column \"{table}.{column}\" uses its row type"),
    }))
}

/// # Errors
/// 0A000 where a CHECK of another table makes such rows (PostgreSQL 15, tablecmds.c, find_composite_type_dependencies).
fn refuse_checks(cx: &mut ExecContext, c: &Class) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    if !may_be_made(&catalog, c) {
        return Ok(());
    }
    for record in catalog.all(class::RELATION) {
        let Ok(other) = record.object.as_class() else { continue };
        if other.oid == c.oid || !other.constraints.iter().any(|k| k.check.is_some()) {
            continue;
        }
        let Some(rel) = catalog.relation(other.oid)? else { continue };
        let stored = crate::sql::bind::stored(&rel, &*catalog, &cx.fx.io)?;
        let makes = |e: &Expr| e.any(&mut |e| types::base_type(e.ty.oid) == c.row_type);
        if let Some((check, _)) = stored.checks.iter().find(|(_, e)| makes(e)) {
            let (what, uses) = match c.kind {
                RelKind::Composite => ("type", "it"),
                _ => ("table", "its row type"),
            };
            let (name, table) = (&c.name, &other.name);
            return Err(Error::unsupported(format!(
                "cannot alter {what} \"{name}\" because constraint {check} on table {table} uses {uses}"
            )));
        }
    }
    Ok(())
}

/// Whether expressions of other relations can have rows of this one for values: by a type or a function that has to do with
/// them, or by its name.
fn may_be_made(catalog: &Catalog, c: &Class) -> bool {
    let types = holding(catalog, c.row_type);
    let named = catalog.naming(class::RELATION, &c.name);
    let others = |r: &Arc<Record>| r.object.key().oid != c.oid;
    types.iter().any(|t| ![c.row_type, c.row_array_type].contains(t))
        || types.iter().any(|t| !catalog.mentioning(class::PROC, *t).is_empty())
        || having(catalog, &types).iter().chain(&named).any(others)
}

/// The CHECKs of domains over rows whose fields have become others mean these now.
///
/// # Errors
/// Those of binding them.
pub fn reread_checks(cx: &mut ExecContext, row_type: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for typ in holding(&catalog, row_type) {
        let Some(t) = catalog.user_type(typ) else { continue };
        let UserTypeKind::Domain { checks, .. } = &t.kind else { continue };
        if !checks.is_empty() {
            // A new version of the object: what was bound goes with the old one.
            write::put(cx, Object::Type(t))?;
            let now = cx.backend()?.catalog.clone();
            if let Some(record) = now.get(ObjectKey::new(class::TYPE, typ)) {
                crate::sql::bind::domain_level(&record, &*now, &cx.fx.io).map_err(write::unplaced)?;
            }
        }
    }
    Ok(())
}

/// A stored column with values of a type; those of arrays come first.
fn user(catalog: &Catalog, of: Oid) -> Option<(String, String)> {
    let stored = |c: &&Class| c.node.is_valid() || c.kind == RelKind::Partitioned;
    let types = holding(catalog, of);
    let all = having(catalog, &types);
    let classes: Vec<&Class> = all.iter().filter_map(|r| r.object.as_class().ok()).filter(stored).collect();
    for arrays in [true, false] {
        for c in &classes {
            let holds = |t: Oid| types::element_type(types::base_type(t)).is_some() == arrays && types.contains(&t);
            if let Some(a) = c.attributes.iter().find(|a| !a.dropped && holds(a.ty.oid)) {
                return Some((c.name.clone(), a.name.clone()));
            }
        }
    }
    None
}

/// The tables with rows of a type inside their rows or the keys of their indexes.
fn users(catalog: &Catalog, of: Oid) -> Vec<Oid> {
    let types = holding(catalog, of);
    let mut found = Vec::new();
    for record in having(catalog, &types) {
        let Ok(c) = record.object.as_class() else { continue };
        if !c.node.is_valid() {
            continue;
        }
        match &c.index {
            Some(i) if i.columns.iter().any(|k| types.contains(&k.ty.oid)) => found.push(i.table),
            None if c.attributes.iter().any(|a| !a.dropped && types.contains(&a.ty.oid)) => found.push(c.oid),
            _ => {}
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// Locks the tables whose rows have to be written anew when a relation gets or loses a column.
pub fn lock_users(cx: &mut ExecContext, oid: Oid) -> Flow<()> {
    let row_type = class_of(cx, oid)?.row_type;
    if !row_type.is_valid() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    for table in users(&catalog, row_type) {
        cx.backend()?.txn.lock_relation(table, LockMode::AccessExclusive)?;
        let name = class_of(cx, table)?.name;
        names::check_not_in_use(cx, (table, &name), "ALTER TYPE")?;
    }
    Ok(())
}

/// Brings stored rows of a relation's row type, wherever they are, into the shape it has now; `before`: the columns they
/// were stored with. The tables are locked.
///
/// Departs from PostgreSQL, which leaves them as they are and reads a row that is shorter or has columns that are gone by
/// its type: here rows tell their columns themselves, and the keys of indexes are made of them.
pub fn reshape(cx: &mut ExecContext, oid: Oid, before: &[Attribute]) -> Result<()> {
    let c = class_of(cx, oid)?;
    if !c.row_type.is_valid() {
        return Ok(());
    }
    let catalog = cx.backend()?.catalog.clone();
    let tables = users(&catalog, c.row_type);
    if tables.is_empty() {
        return Ok(());
    }
    let old: Vec<&Attribute> = before.iter().filter(|a| !a.dropped).collect();
    let from = |a: &Attribute| old.iter().position(|o| o.attno == a.attno);
    let now = c.attributes.iter().filter(|a| !a.dropped);
    let shape = Reshape {
        row: c.row_type,
        before: old.iter().map(|a| (a.name.clone(), a.ty.oid)).collect(),
        after: now.map(|a| (a.name.clone(), a.ty.oid, from(a))).collect(),
    };
    for table in tables {
        rewrite_rows::reshape(cx, table, &shape)?;
    }
    Ok(())
}

/// A type and those that have its values inside: arrays, ranges and domains of them, rows with such columns.
pub fn holding(catalog: &Catalog, of: Oid) -> Vec<Oid> {
    let mut found = vec![of];
    let mut next = 0;
    while let Some(inside) = found.get(next).copied() {
        let mut over: Vec<Oid> = dependency::array_over(catalog, inside).into_iter().collect();
        for record in catalog.mentioning(class::TYPE, inside) {
            let Object::Type(t) = &record.object else { continue };
            let holds = match &t.kind {
                UserTypeKind::Domain { base, .. } => base.oid == inside,
                UserTypeKind::Range(r) => r.subtype == inside,
                UserTypeKind::Multirange { range } => *range == inside,
                _ => false,
            };
            over.extend(Some(t.oid).filter(|_| holds));
        }
        for record in catalog.mentioning(class::RELATION, inside) {
            let Ok(c) = record.object.as_class() else { continue };
            let holds = c.row_type.is_valid() && c.attributes.iter().any(|a| !a.dropped && a.ty.oid == inside);
            over.extend(Some(c.row_type).filter(|_| holds));
        }
        over.retain(|t| !found.contains(t));
        found.extend(over);
        next += 1;
    }
    found
}

/// The relations that may have columns of some types, ascending.
pub fn having(catalog: &Catalog, types: &[Oid]) -> Vec<Arc<Record>> {
    let mut found: Vec<_> = types.iter().flat_map(|t| catalog.mentioning(class::RELATION, *t)).collect();
    found.sort_by_key(|r| r.object.key());
    found.dedup_by_key(|r| r.object.key());
    found
}

/// # Errors
/// 42809 for what only ALTER TYPE does.
pub fn refuse_composite(kind: RelKind, name: &str) -> Result<()> {
    match kind {
        RelKind::Composite => {
            Err(err!(WRONG_OBJECT_TYPE, "\"{name}\" is a composite type").hint("Use ALTER TYPE instead."))
        }
        _ => Ok(()),
    }
}
