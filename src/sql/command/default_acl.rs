//! ALTER DEFAULT PRIVILEGES: what objects made from now on are granted. PostgreSQL 15, aclchk.c: same rules.

use super::grant::{Grant, Items, rights, rights_of};
use super::write::{delete, new_oid, put};
use super::{names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{DefaultAcl, class};
use crate::catalog::{Catalog, Object, ObjectKey};
use crate::err;
use crate::sql::Backend;
use crate::sql::ast::{AlterDefaultPrivilegesStmt, GrantTarget, ObjectType};
use crate::sql::exec::ExecContext;

/// `pg_default_acl.defaclobjtype`.
fn letter_of(object: ObjectType) -> Option<char> {
    Some(match object {
        ObjectType::Table => 'r',
        ObjectType::Sequence => 'S',
        ObjectType::Function | ObjectType::Procedure | ObjectType::Routine => 'f',
        ObjectType::Type => 'T',
        ObjectType::Schema => 'n',
        _ => return None,
    })
}

fn find(catalog: &Catalog, role: Oid, namespace: Oid, kind: char) -> Option<DefaultAcl> {
    catalog.all(class::DEFAULT_ACL).into_iter().find_map(|r| match &r.object {
        Object::DefaultAcl(d) if (d.role, d.namespace, d.kind) == (role, namespace, kind) => Some(d.clone()),
        _ => None,
    })
}

/// What a schema's new objects would have had granted goes with the schema.
pub fn forget(cx: &mut ExecContext, namespace: Oid) -> Result<()> {
    for record in cx.backend()?.catalog.all(class::DEFAULT_ACL) {
        if let Object::DefaultAcl(d) = &record.object
            && d.namespace == namespace
        {
            delete(cx, ObjectKey::new(class::DEFAULT_ACL, d.oid))?;
        }
    }
    Ok(())
}

pub fn alter(cx: &mut ExecContext, stmt: &AlterDefaultPrivilegesStmt) -> Flow<String> {
    let GrantTarget::Defaults { object } = stmt.grant.target else {
        return Err(Error::internal("default privileges on an odd target").into());
    };
    let mut roles = Vec::new();
    for spec in &stmt.roles {
        let found = role::resolve(cx.backend()?, spec)?;
        if !role::has_role(cx.backend()?, found.0) {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be member of role \"{}\"", found.1).into());
        }
        roles.push(found.0);
    }
    if roles.is_empty() {
        roles.push(cx.backend()?.user.current);
    }
    let mut schemas = Vec::new();
    for schema in &stmt.schemas {
        schemas.push(cx.backend()?.catalog.namespace_oid(schema)?);
    }
    if !schemas.is_empty() && object == ObjectType::Schema {
        let text = "cannot use IN SCHEMA clause when using GRANT/REVOKE ON SCHEMAS";
        return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text).into());
    }
    if schemas.is_empty() {
        schemas.push(Oid::INVALID);
    }
    for role in roles {
        for schema in &schemas {
            change(cx, stmt, object, role, *schema)?;
        }
    }
    Ok("ALTER DEFAULT PRIVILEGES".into())
}

fn change(
    cx: &mut ExecContext,
    stmt: &AlterDefaultPrivilegesStmt,
    object: ObjectType,
    role: Oid,
    schema: Oid,
) -> Flow<()> {
    let unsupported = || Error::unsupported("default privileges on this kind of object are not supported");
    let kind = letter_of(object).ok_or_else(unsupported)?;
    let (all, public, _) = rights_of(object).ok_or_else(unsupported)?;
    names::lock_name(cx, class::DEFAULT_ACL, schema, &format!("{role} {kind}"))?;
    let (rights, _) = rights(&stmt.grant, object)?;
    let grant = Grant::new(cx, &stmt.grant)?;
    let catalog = cx.backend()?.catalog.clone();
    let old = find(&catalog, role, schema, kind);
    // In a schema only what is added to the defaults of everywhere.
    let unchanged = if schema.is_valid() { Items::none(role) } else { Items::default_of(role, all, public) };
    let mut items = match &old {
        Some(old) => Items::new(&catalog, Some(&old.acl), role, all, public),
        None => unchanged.clone(),
    };
    grant.apply(&catalog, &mut items, role, rights)?;
    // PostgreSQL 15, aclchk.c, SetDefaultACL: sorted, too.
    items.sort();
    if items.same_as(&unchanged) {
        if let Some(old) = old {
            delete(cx, ObjectKey::new(class::DEFAULT_ACL, old.oid))?;
        }
        return Ok(());
    }
    let oid = match old {
        Some(old) => old.oid,
        None => new_oid(cx)?,
    };
    Ok(put(cx, Object::DefaultAcl(DefaultAcl { oid, role, namespace: schema, kind, acl: items.stored() }))?)
}

/// What a new object of an owner starts with; None: nothing but the defaults.
pub fn for_new(backend: &Backend, object: ObjectType, owner: Oid, namespace: Oid) -> Option<Vec<String>> {
    let kind = letter_of(object)?;
    let (all, public, _) = rights_of(object)?;
    let everywhere = find(&backend.catalog, owner, Oid::INVALID, kind);
    let here = find(&backend.catalog, owner, namespace, kind).filter(|_| namespace.is_valid());
    if everywhere.is_none() && here.is_none() {
        return None;
    }
    let usual = Items::default_of(owner, all, public);
    let mut items = everywhere.map_or_else(|| usual.clone(), |d| Items::read(&d.acl, owner));
    if let Some(here) = here {
        Items::read(&here.acl, owner).iter().for_each(|i| items.merge(*i));
    }
    (!items.same_as(&usual)).then(|| items.stored())
}

/// # Errors
/// 42501.
pub fn refuse_stranger(backend: &Backend, role: Oid, what: &str) -> Result<()> {
    match role::has_role(backend, role) {
        true => Ok(()),
        false => Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied to {what} objects"))),
    }
}
