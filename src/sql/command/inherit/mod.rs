//! Table inheritance: what a child takes over from its parents, and changes that go down the tree.
//! PostgreSQL 15, tablecmds.c, MergeAttributes.

mod alter;
mod link;
mod rename;

pub use alter::{add_check, all_below, alter, goes_down, refuse_partitioned, tell_merging};
pub use link::{link, lock_other, refuse_conflict, unlink};
pub use rename::{rename_constraint, renamed};

use super::column::NewColumn;
use super::constraint::Wanted;
use super::write::{attribute, change, new_oid, relation_key};
use super::{Command, names};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::Depend;
use crate::catalog::{ConstraintKind, Declared, Persistence, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::RangeVar;
use crate::sql::exec::ExecContext;
use crate::types::TypeRef;
use std::sync::Arc;

/// Locks the parents named, and checks that they may have children.
pub fn parents(cmd: &Command, cx: &mut ExecContext, list: &[RangeVar], child: Persistence) -> Flow<Vec<Arc<Relation>>> {
    let mut found: Vec<Arc<Relation>> = Vec::new();
    for name in list {
        let parent = names::locked_relation(cmd, cx, name, LockMode::ShareUpdateExclusive)?;
        if parent.is_partitioned() {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from partitioned table \"{}\"", parent.name).into());
        }
        if parent.is_partition() {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from partition \"{}\"", parent.name).into());
        }
        if parent.kind != RelKind::Table || parent.generated_by.is_some() {
            let text = format!("inherited relation \"{}\" is not a table or foreign table", parent.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).into());
        }
        if parent.persistence == Persistence::Temp && child != Persistence::Temp {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from temporary relation \"{}\"", parent.name).into());
        }
        if cx.backend()?.catalog.is_other_temp(&parent) {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot inherit from temporary relation of another session").into());
        }
        names::check_owner(cx, &parent)?;
        if found.iter().any(|f| f.oid == parent.oid) {
            let text = format!("relation \"{}\" would be inherited from more than once", parent.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
        }
        found.push(parent);
    }
    Ok(found)
}

/// A CHECK taken over.
pub struct InheritedCheck {
    name: String,
    text: Arc<str>,
    count: u16,
    local: bool,
}

fn notice(cx: &mut ExecContext, text: String, detail: Option<&str>) {
    let mut report = Report::notice(Severity::Notice, SqlState::SUCCESSFUL_COMPLETION, text);
    if let Some(detail) = detail {
        report = report.with_detail(detail);
    }
    cx.notices.push(report);
}

fn same_type(cx: &ExecContext, what: &str, name: &str, a: TypeRef, b: TypeRef) -> Result<()> {
    if a == b {
        return Ok(());
    }
    let shown = |t: TypeRef| crate::types::format_type(t.oid, t.typmod, &*cx.fx.io.hooks);
    Err(err!(DATATYPE_MISMATCH, "{what}column \"{name}\" has a type conflict").detail(format!(
        "{} versus {}",
        shown(a),
        shown(b)
    )))
}

/// Merges what two definitions of a column say beside its type; what only one says, counts.
fn same_declared(
    cx: &mut ExecContext,
    what: &str,
    name: &str,
    (have, other): (&mut Declared, &Declared),
    ty: TypeRef,
) -> Result<()> {
    if have.collation != other.collation {
        let catalog = cx.backend()?.catalog.clone();
        let shown = |c: Oid| match c.is_valid() {
            true => super::collation::name(&catalog, c),
            false => "default".into(),
        };
        return Err(err!(COLLATION_MISMATCH, "{what}column \"{name}\" has a collation conflict").detail(format!(
            "\"{}\" versus \"{}\"",
            shown(have.collation),
            shown(other.collation)
        )));
    }
    // A child that says nothing of it stores as its parents do.
    let (a, b) = (super::declared::storage_of(ty, have), super::declared::storage_of(ty, other));
    if a != b && (other.storage != 0 || !what.is_empty()) {
        let shown = |s: u8| match s {
            b'p' => "PLAIN",
            b'm' => "MAIN",
            b'e' => "EXTERNAL",
            _ => "EXTENDED",
        };
        return Err(err!(DATATYPE_MISMATCH, "{what}column \"{name}\" has a storage parameter conflict")
            .detail(format!("{} versus {}", shown(a), shown(b))));
    }
    if have.compression == 0 {
        have.compression = other.compression;
    } else if other.compression != 0 && have.compression != other.compression {
        let shown = |c: u8| if c == b'l' { "lz4" } else { "pglz" };
        let (a, b) = (shown(have.compression), shown(other.compression));
        return Err(err!(DATATYPE_MISMATCH, "column \"{name}\" has a compression method conflict")
            .detail(format!("{a} versus {b}")));
    }
    Ok(())
}

/// Puts the parents' columns before the child's own; equal names become one column.
pub fn merge_columns(cx: &mut ExecContext, parents: &[Arc<Relation>], own: Vec<NewColumn>) -> Result<Vec<NewColumn>> {
    if parents.is_empty() {
        return Ok(own);
    }
    let mut out: Vec<NewColumn> = Vec::new();
    let mut conflicting: Vec<usize> = Vec::new();
    for a in parents.iter().flat_map(|p| p.attributes.iter()).filter(|a| !a.dropped) {
        // The value of an identity column is made by its own table's sequence.
        let default = a.default.clone().filter(|_| a.identity == 0);
        if let Some(n) = out.iter().position(|c| c.attribute.name == a.name) {
            notice(cx, format!("merging multiple inherited definitions of column \"{}\"", a.name), None);
            let have = &mut out[n].attribute;
            same_type(cx, "inherited ", &a.name, have.ty, a.ty)?;
            if have.generated != a.generated {
                return Err(err!(DATATYPE_MISMATCH, "inherited column \"{}\" has a generation conflict", a.name));
            }
            same_declared(cx, "inherited ", &have.name.clone(), (&mut have.declared, &a.declared), a.ty)?;
            have.inherited += 1;
            have.not_null |= a.not_null;
            match (&have.default, &default) {
                (None, Some(_)) => {
                    have.default = default;
                    have.default_oid = new_oid(cx)?;
                }
                (Some(x), Some(y)) if x != y => conflicting.push(n),
                _ => {}
            }
            continue;
        }
        let mut new = attribute(&a.name, out.len() as i16 + 1, a.ty);
        new.not_null = a.not_null;
        new.inherited = 1;
        new.local = false;
        let (collation, storage, compression) = (a.declared.collation, a.declared.storage, a.declared.compression);
        new.declared = Declared { collation, storage, compression, ..Declared::default() };
        if default.is_some() {
            new.default = default;
            new.default_oid = new_oid(cx)?;
            new.generated = a.generated;
        }
        out.push(NewColumn {
            attribute: new,
            default: None,
            generated: None,
            serial: false,
            identity: None,
            constraints: Vec::new(),
        });
    }
    for (position, mut c) in own.into_iter().enumerate() {
        let name = c.attribute.name.clone();
        let Some(n) = out.iter().position(|o| o.attribute.name == name) else {
            c.attribute.attno = out.len() as i16 + 1;
            out.push(c);
            continue;
        };
        let partition = parents[0].is_partitioned();
        match n == position {
            _ if partition => {}
            true => notice(cx, format!("merging column \"{name}\" with inherited definition"), None),
            false => notice(
                cx,
                format!("moving and merging column \"{name}\" with inherited definition"),
                Some("User-specified column moved to the position of the inherited column."),
            ),
        }
        let have = out[n].attribute.clone();
        same_type(cx, "", &name, have.ty, c.attribute.ty)?;
        let mut declared = have.declared.clone();
        if !partition {
            same_declared(cx, "", &name, (&mut declared, &c.attribute.declared), have.ty)?;
        }
        c.attribute.declared = declared;
        if have.generated != 0 && (c.default.is_some() || c.serial) {
            return Err(err!(
                INVALID_COLUMN_DEFINITION,
                "column \"{name}\" inherits from generated column but specifies default"
            ));
        }
        if have.generated != 0 && c.identity.is_some() {
            return Err(err!(
                INVALID_COLUMN_DEFINITION,
                "column \"{name}\" inherits from generated column but specifies identity"
            ));
        }
        if c.generated.is_some() && (have.generated != 0 || partition) {
            return Err(err!(
                INVALID_COLUMN_DEFINITION,
                "child column \"{name}\" specifies generation expression"
            )
            .hint("Omit the generation expression in the definition of the child table column to inherit the generation expression from the parent table."));
        }
        let replaced = c.default.is_some() || c.serial || c.identity.is_some() || c.generated.is_some();
        let (not_null, inherited) = (have.not_null, have.inherited);
        c.attribute.attno = have.attno;
        c.attribute.local = !partition;
        c.attribute.not_null |= not_null;
        c.attribute.inherited = inherited;
        match replaced {
            true => conflicting.retain(|x| *x != n),
            false => {
                c.attribute.default = have.default.clone();
                c.attribute.default_oid = have.default_oid;
                c.attribute.generated = have.generated;
            }
        }
        out[n] = c;
    }
    if let Some(n) = conflicting.first() {
        let name = &out[*n].attribute.name;
        if out[*n].attribute.generated != 0 {
            let text = format!("column \"{name}\" inherits conflicting generation expressions");
            return Err(Error::new(SqlState::INVALID_COLUMN_DEFINITION, text));
        }
        return Err(err!(INVALID_COLUMN_DEFINITION, "column \"{name}\" inherits conflicting default values")
            .hint("To resolve the conflict, specify a default explicitly."));
    }
    Ok(out)
}

/// The parents' CHECKs, which come before the child's own; those of the child's that are the same are left out.
pub fn merge_checks(
    cx: &mut ExecContext,
    table: &str,
    parents: &[Arc<Relation>],
    wanted: &mut Vec<Wanted>,
) -> Result<Vec<InheritedCheck>> {
    let mut found: Vec<InheritedCheck> = Vec::new();
    for k in parents.iter().flat_map(|p| &p.constraints) {
        let (Some(text), ConstraintKind::Check, false) = (&k.check, k.kind, k.no_inherit) else { continue };
        match found.iter_mut().find(|f| f.name == k.name) {
            Some(f) if f.text == *text => f.count += 1,
            Some(_) => {
                return Err(err!(
                    DUPLICATE_OBJECT,
                    "check constraint name \"{}\" appears multiple times but with different expressions",
                    k.name
                ));
            }
            None => found.push(InheritedCheck { name: k.name.clone(), text: text.clone(), count: 1, local: false }),
        }
    }
    for f in &mut found {
        let Some(n) = wanted.iter().position(|w| w.name.as_ref() == Some(&f.name)) else { continue };
        if wanted[n].check_text(cx)?.as_deref() != Some(&*f.text) {
            return Err(err!(DUPLICATE_OBJECT, "constraint \"{}\" for relation \"{table}\" already exists", f.name));
        }
        if wanted[n].no_inherit {
            let text = format!("constraint \"{}\" conflicts with inherited constraint on relation \"{table}\"", f.name);
            return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
        }
        notice(cx, format!("merging constraint \"{}\" with inherited definition", f.name), None);
        wanted.remove(n);
        f.local = !parents[0].is_partitioned();
    }
    let inherited = found.iter().map(|f| Wanted::stored_check(&f.name, f.text.clone(), false));
    let own = std::mem::take(wanted);
    *wanted = inherited.chain(own).collect();
    Ok(found)
}

/// Makes the new table its parents' child.
pub fn attach(cx: &mut ExecContext, oid: Oid, parents: &[Arc<Relation>], checks: &[InheritedCheck]) -> Result<()> {
    if parents.is_empty() {
        return Ok(());
    }
    change(cx, oid, |c| {
        c.lineage.parents = parents.iter().map(|p| p.oid).collect();
        c.depends.extend(parents.iter().map(|p| Depend { on: relation_key(p.oid), auto: p.is_partitioned() }));
        for k in &mut c.constraints {
            if let Some(f) = checks.iter().find(|f| f.name == k.name) {
                k.inherited = f.count;
                k.local = f.local;
            }
        }
    })
}

/// Takes the locks of a table's descendants: all that are there, nearest first. Temporary ones of other sessions nobody
/// else uses: those are not locked.
pub fn descendants(cx: &mut ExecContext, oid: Oid, mode: LockMode) -> Flow<Vec<Oid>> {
    let mut found = cx.backend()?.catalog.children_of(oid);
    let mut n = 0;
    while n < found.len() {
        let catalog = &cx.backend()?.catalog;
        if !catalog.relation(found[n])?.is_some_and(|r| catalog.is_other_temp(&r)) {
            cx.backend()?.txn.lock_relation(found[n], mode)?;
        }
        for child in cx.backend()?.catalog.children_of(found[n]) {
            if !found.contains(&child) {
                found.push(child);
            }
        }
        n += 1;
    }
    Ok(found)
}
