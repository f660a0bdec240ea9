//! Who keeps values of a row type: its columns cannot become others under them.
//!
//! PostgreSQL 15, tablecmds.c, find_composite_type_dependencies: same refusals.

use super::write::{self, class_of};
use super::{names, rewrite_rows};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{Class, UserTypeKind, class};
use crate::catalog::{Attribute, Catalog, Object, ObjectKey, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::sql::expr::Expr;
use crate::types;
use crate::types::record::Reshape;

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

/// The CHECKs of domains over rows whose fields have become others mean these now.
///
/// # Errors
/// Those of binding them.
pub fn reread_checks(cx: &mut ExecContext, row_type: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    for record in catalog.all(class::TYPE) {
        let Object::Type(t) = &record.object else { continue };
        let UserTypeKind::Domain { base, checks, .. } = &t.kind else { continue };
        if !checks.is_empty() && contains(&catalog, base.oid, row_type, 0) {
            // A new version of the object: what was bound goes with the old one.
            write::put(cx, Object::Type(t.clone()))?;
            let now = cx.backend()?.catalog.clone();
            if let Some(record) = now.get(ObjectKey::new(class::TYPE, t.oid)) {
                crate::sql::bind::domain_level(&record, &*now, &cx.fx.io).map_err(write::unplaced)?;
            }
        }
    }
    Ok(())
}

/// A stored column with values of a type; those of arrays come first.
fn user(catalog: &Catalog, of: Oid) -> Option<(String, String)> {
    let stored = |c: &&Class| c.node.is_valid() || c.kind == RelKind::Partitioned;
    let all = catalog.all(class::RELATION);
    let classes: Vec<&Class> = all.iter().filter_map(|r| r.object.as_class().ok()).filter(stored).collect();
    for arrays in [true, false] {
        for c in &classes {
            let holds =
                |t: Oid| types::element_type(types::base_type(t)).is_some() == arrays && contains(catalog, t, of, 0);
            if let Some(a) = c.attributes.iter().find(|a| !a.dropped && holds(a.ty.oid)) {
                return Some((c.name.clone(), a.name.clone()));
            }
        }
    }
    None
}

/// The tables with rows of a type inside their rows or the keys of their indexes.
fn users(catalog: &Catalog, of: Oid) -> Vec<Oid> {
    let mut found = Vec::new();
    for record in catalog.all(class::RELATION) {
        let Ok(c) = record.object.as_class() else { continue };
        if !c.node.is_valid() {
            continue;
        }
        match &c.index {
            Some(i) if i.columns.iter().any(|k| contains(catalog, k.ty.oid, of, 0)) => found.push(i.table),
            None if c.attributes.iter().any(|a| !a.dropped && contains(catalog, a.ty.oid, of, 0)) => found.push(c.oid),
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

/// Types in types at most.
const DEPTH: usize = 32;

fn contains(catalog: &Catalog, ty: Oid, of: Oid, depth: usize) -> bool {
    let ty = types::base_type(ty);
    if ty == of {
        return true;
    }
    if depth == DEPTH || ty < Oid::FIRST_NORMAL {
        return false;
    }
    if let Some(family) = types::range::family(ty) {
        return contains(catalog, family.subtype.oid, of, depth + 1);
    }
    if let Some(element) = types::element_type(ty) {
        return contains(catalog, element, of, depth + 1);
    }
    let relation = match catalog.user_type(ty).map(|t| t.kind) {
        Some(UserTypeKind::Composite { class }) => Some(class),
        Some(_) => None,
        None => catalog.class_of_row_type(ty),
    };
    let Some(record) = relation.and_then(|r| catalog.class(r)) else { return false };
    let Ok(c) = record.object.as_class() else { return false };
    c.attributes.iter().any(|a| !a.dropped && contains(catalog, a.ty.oid, of, depth + 1))
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
