//! What a role has to do with objects: DROP ROLE asks, REASSIGN OWNED and DROP OWNED undo. PostgreSQL 15, pg_shdepend.c.

use super::default_acl::refuse_stranger;
use super::grant::{Items, Rights};
use super::write::{class_of, delete, put};
use super::{dependency, drop, large_object, owner, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::acl::mentions;
use crate::catalog::object::{builtin_acl_key, class, fixed};
use crate::catalog::{Catalog, Object, ObjectKey};
use crate::sql::ast::{DropOwnedStmt, ReassignOwnedStmt};
use crate::sql::exec::ExecContext;

#[derive(Clone, Copy, PartialEq, Eq)]
enum Tie {
    Owner,
    Privileges,
    /// A policy is for it.
    Policy,
}

/// Ties of a role to one database's objects, by OID.
fn ties(catalog: &Catalog, role: Oid, name: &str, shared: bool) -> Vec<(ObjectKey, Tie)> {
    let mut found = Vec::new();
    let classes = if shared { &[class::DATABASE, class::TABLESPACE][..] } else { &class::OWNED[..] };
    for record in classes.iter().flat_map(|class| catalog.all(*class)) {
        let key = record.object.key();
        let Some((owner, acl)) = record.object.owned() else { continue };
        if let Object::Class(c) = &record.object {
            for p in c.policies.iter().filter(|p| p.roles.contains(&role)) {
                found.push((ObjectKey::new(class::POLICY, p.oid), Tie::Policy));
            }
            for (attno, _) in c.column_acls().filter(|(_, acl)| owner != role && mentions(acl, role, name)) {
                found.push((ObjectKey { sub: i32::from(attno), ..key }, Tie::Privileges));
            }
        }
        if owner == role {
            found.push((key, Tie::Owner));
        } else if acl.is_some_and(|i| mentions(i, role, name)) {
            found.push((key, Tie::Privileges));
        }
    }
    if !shared {
        builtin_ties(catalog, role, name, &mut found);
    }
    found.sort_by_key(|(key, _)| (key.oid, key.sub));
    found
}

/// Rights on what is built in.
fn builtin_ties(catalog: &Catalog, role: Oid, name: &str, found: &mut Vec<(ObjectKey, Tie)>) {
    let kinds = [class::RELATION, class::PROC].map(|class| builtin_acl_key(ObjectKey::new(class, Oid::INVALID)).class);
    for record in kinds.iter().flat_map(|kind| catalog.all(*kind)) {
        let Ok(b) = record.object.as_builtin_acl() else { continue };
        for (attno, _) in b.columns.iter().filter(|(_, acl)| mentions(acl, role, name)) {
            found.push((ObjectKey { sub: i32::from(*attno), ..b.on }, Tie::Privileges));
        }
        if b.acl.as_ref().is_some_and(|acl| mentions(acl, role, name)) {
            found.push((b.on, Tie::Privileges));
        }
    }
}

/// # Errors
/// 2BP01 with what depends on the role.
pub fn refuse_drop(cx: &mut ExecContext, role: Oid, name: &str) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let mut all = ties(&catalog, role, name, true);
    all.extend(ties(&catalog, role, name, false));
    all.sort_by_key(|(key, _)| (key.oid, key.sub));
    let mut lines = Vec::new();
    for (key, tie) in all {
        let what = drop::describe(cx, key)?;
        lines.push(match tie {
            Tie::Owner => format!("owner of {what}"),
            Tie::Privileges => format!("privileges for {what}"),
            Tie::Policy => format!("target of {what}"),
        });
    }
    lines.extend(large_object::tie_lines(cx, role, name).map_err(crate::base::Stop::into_error)?);
    let here = cx.backend()?.database;
    for record in catalog.all(class::DATABASE) {
        let d = record.object.as_database()?;
        if d.oid == here || !d.allow_connections {
            continue;
        }
        let other = cx.backend()?.instance.cluster.session(d.oid)?;
        match ties(&other, role, name, false).len() {
            0 => {}
            1 => lines.push(format!("1 object in database {}", d.name)),
            n => lines.push(format!("{n} objects in database {}", d.name)),
        }
    }
    if lines.is_empty() {
        return Ok(());
    }
    let text = format!("role \"{name}\" cannot be dropped because some objects depend on it");
    Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
        .detail(lines.join("\n"))
        .place("DropRole", "user.c", 1105))
}

fn refuse_pinned(role: Oid, name: &str, what: &str) -> Result<()> {
    if role >= Oid::FIRST_NORMAL {
        return Ok(());
    }
    let text = format!("cannot {what} objects owned by role {name} because they are required by the database system");
    Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text))
}

pub fn reassign(cx: &mut ExecContext, stmt: &ReassignOwnedStmt) -> Flow<String> {
    let mut olds = Vec::new();
    for spec in &stmt.roles {
        let (old, name) = role::resolve(cx.backend()?, spec)?;
        refuse_stranger(cx.backend()?, old, "reassign")?;
        olds.push((old, name));
    }
    let new = role::resolve(cx.backend()?, &stmt.new_role)?.0;
    refuse_stranger(cx.backend()?, new, "reassign")?;
    for (old, name) in olds {
        refuse_pinned(old, &name, "reassign ownership of")?;
        let catalog = cx.backend()?.catalog.clone();
        let mut all = ties(&catalog, old, &name, false);
        all.extend(ties(&catalog, old, &name, true));
        for (key, _) in all.into_iter().filter(|(_, tie)| *tie == Tie::Owner) {
            give(cx, key, new)?;
        }
        for (object, owned) in crate::sql::large_object::object::ties(cx, old, &name)? {
            if owned {
                large_object::give(cx, object, new)?;
            }
        }
    }
    Ok("REASSIGN OWNED".into())
}

fn give(cx: &mut ExecContext, key: ObjectKey, new: Oid) -> Flow<()> {
    let Some(record) = cx.backend()?.catalog.get(key) else { return Ok(()) };
    let mut object = record.object.clone();
    match &mut object {
        Object::Class(_) => {
            cx.backend()?.txn.lock_relation(key.oid, crate::lock::LockMode::AccessExclusive)?;
            return Ok(owner::set_owner(cx, key.oid, new)?);
        }
        Object::Type(t) => {
            owner::change_owner(&mut t.owner, &mut t.acl, new);
            owner::row_follows(cx, t)?;
        }
        Object::Function(f) => owner::change_owner(&mut f.owner, &mut f.acl, new),
        Object::Namespace(n) => owner::change_owner(&mut n.owner, &mut n.acl, new),
        Object::Database(d) => owner::change_owner(&mut d.owner, &mut d.acl, new),
        Object::Tablespace(t) => owner::change_owner(&mut t.owner, &mut t.acl, new),
        Object::Statistics(s) => s.owner = new,
        Object::Publication(p) => p.owner = new,
        // User mappings stay with whom they are for.
        Object::Foreign(f) if f.is_mapping() => return Ok(()),
        Object::Foreign(f) => owner::change_owner(&mut f.owner, &mut f.acl, new),
        Object::Extension(e) => e.owner = new,
        Object::EventTrigger(t) => t.owner = new,
        Object::Operator(o) => o.owner = new,
        Object::OpClass(o) => o.owner = new,
        Object::OpFamily(o) => o.owner = new,
        Object::Conversion(c) => c.owner = new,
        Object::Collation(c) => c.owner = new,
        Object::TsConfig(c) => c.owner = new,
        Object::TsDictionary(d) => d.owner = new,
        // Default privileges stay with whom they are for.
        _ => return Ok(()),
    }
    Ok(put(cx, object)?)
}

pub fn drop_owned(cx: &mut ExecContext, stmt: &DropOwnedStmt) -> Flow<String> {
    let mut roles = Vec::new();
    for spec in &stmt.roles {
        let (oid, name) = role::resolve(cx.backend()?, spec)?;
        refuse_stranger(cx.backend()?, oid, "drop")?;
        roles.push((oid, name));
    }
    let mut targets = Vec::new();
    for (oid, name) in roles {
        refuse_pinned(oid, &name, "drop")?;
        let catalog = cx.backend()?.catalog.clone();
        let mut all = ties(&catalog, oid, &name, false);
        all.extend(ties(&catalog, oid, &name, true));
        for (key, tie) in all {
            match (tie, key.class) {
                (_, class::DEFAULT_ACL) if tie == Tie::Owner => delete(cx, key)?,
                (Tie::Owner, class::DATABASE | class::TABLESPACE) => {}
                (Tie::Owner, _) => targets.push(key),
                (Tie::Privileges, _) => take_all(cx, key, oid)?,
                (Tie::Policy, _) => super::policy::forget_role(cx, key.oid, oid)?,
            }
        }
        for (object, owned) in crate::sql::large_object::object::ties(cx, oid, &name)? {
            match owned {
                true => large_object::remove(cx, object)?,
                false => large_object::take_all(cx, object, oid, &name)?,
            }
        }
    }
    let catalog = cx.backend()?.catalog.clone();
    // What goes with something else that goes is no target of its own.
    targets.retain(|t| dependency::required_by(&catalog, *t).is_none());
    drop::remove(cx, targets, stmt.behavior)?;
    Ok("DROP OWNED".into())
}

/// Takes all rights on an object from a role, and from others what they had from it.
fn take_all(cx: &mut ExecContext, key: ObjectKey, role: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let user = cx.backend()?.user.current;
    let strip = |acl: &mut Option<Vec<String>>, owner: Oid| -> Result<()> {
        if let Some(stored) = acl {
            let mut items = Items::new(&catalog, Some(stored), owner, Rights::NONE, Rights::NONE);
            items.forget(&catalog, role, user)?;
            *stored = items.stored();
        }
        Ok(())
    };
    if let Some(mut b) = catalog.builtin_acl(ObjectKey { sub: 0, ..key }) {
        strip(&mut b.acl, fixed::BOOTSTRAP_SUPERUSER)?;
        for (_, acl) in &mut b.columns {
            let mut of_column = Some(std::mem::take(acl));
            strip(&mut of_column, fixed::BOOTSTRAP_SUPERUSER)?;
            *acl = of_column.unwrap_or_default();
        }
        return put(cx, Object::BuiltinAcl(b));
    }
    if key.class == class::RELATION {
        let mut c = class_of(cx, key.oid)?;
        match i16::try_from(key.sub).ok().filter(|n| *n != 0) {
            Some(attno) => {
                let mut acl = c.column_acl(attno).cloned();
                strip(&mut acl, c.owner)?;
                c.set_column_acl(attno, acl.unwrap_or_default());
            }
            None => strip(&mut c.acl, c.owner)?,
        }
        return put(cx, Object::Class(c));
    }
    let Some(record) = cx.backend()?.catalog.get(key) else { return Ok(()) };
    let mut object = record.object.clone();
    match &mut object {
        Object::Type(t) => strip(&mut t.acl, t.owner)?,
        Object::Function(f) => strip(&mut f.acl, f.owner)?,
        Object::Namespace(n) => strip(&mut n.acl, n.owner)?,
        Object::Database(d) => strip(&mut d.acl, d.owner)?,
        Object::Tablespace(t) => strip(&mut t.acl, t.owner)?,
        Object::DefaultAcl(d) => {
            let mut acl = Some(std::mem::take(&mut d.acl));
            strip(&mut acl, d.role)?;
            d.acl = acl.unwrap_or_default();
        }
        _ => return Ok(()),
    }
    put(cx, object)
}
