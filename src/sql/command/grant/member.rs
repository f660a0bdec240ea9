//! GRANT role TO role, and REVOKE. PostgreSQL 15, user.c, AddRoleMems and DelRoleMems: same rules and words.

use crate::base::{Error, Flow, Oid, Report, Result, Severity, SqlState};
use crate::catalog::object::{Membership, Role, class, fixed};
use crate::catalog::{Catalog, Object};
use crate::err;
use crate::sql::ast::{GrantRoleStmt, RoleSpec};
use crate::sql::command::write::put;
use crate::sql::command::{names, role};
use crate::sql::exec::ExecContext;

pub fn roles(cx: &mut ExecContext, stmt: &GrantRoleStmt) -> Flow<String> {
    let grantor = match &stmt.grantor {
        Some(by) => role::resolve(cx.backend()?, by)?.0,
        None => cx.backend()?.user.current,
    };
    for p in &stmt.roles {
        let Some(name) = &p.name else { continue };
        let found = cx.backend()?.catalog.role_by_name(name);
        let group = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?;
        may_change(cx, stmt, &group, grantor)?;
        for spec in &stmt.grantees {
            member(cx, stmt, &group, spec, grantor)?;
        }
    }
    Ok(if stmt.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" }.into())
}

fn may_change(cx: &mut ExecContext, stmt: &GrantRoleStmt, group: &Role, grantor: Oid) -> Result<()> {
    let backend = cx.backend()?;
    let (user, superuser) = (backend.user.current, backend.user.is_superuser);
    let denied = |text: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
    if !superuser {
        if group.superuser {
            return denied("must be superuser to alter superusers".into());
        }
        let creates = backend.catalog.role(user).is_some_and(|r| r.create_role);
        let asks = if stmt.is_grant { grantor } else { user };
        if !creates && !is_admin(&backend.catalog, asks, group.oid) {
            return denied(format!("must have admin option on role \"{}\"", group.name));
        }
    }
    if stmt.is_grant && group.oid == fixed::DATABASE_OWNER {
        return Err(Error::internal(format!("role \"{}\" cannot have explicit members", group.name)));
    }
    if stmt.is_grant && grantor != user && !superuser {
        return denied("must be superuser to set grantor".into());
    }
    Ok(())
}

/// Whether a role, or one it is a member of, may pass on a membership.
fn is_admin(catalog: &Catalog, role: Oid, group: Oid) -> bool {
    let of = |r: &Oid| catalog.role(*r).is_some_and(|r| r.member_of.iter().any(|m| m.role == group && m.admin));
    catalog.role(role).is_some_and(|r| r.superuser) || role::member_of(catalog, role).iter().any(of)
}

fn member(cx: &mut ExecContext, stmt: &GrantRoleStmt, group: &Role, spec: &RoleSpec, grantor: Oid) -> Flow<()> {
    let (oid, name) = role::resolve(cx.backend()?, spec)?;
    names::lock_name(cx, class::AUTHID, Oid::INVALID, &name)?;
    let catalog = cx.backend()?.catalog.clone();
    let Some(mut r) = catalog.role(oid) else { return Ok(()) };
    let there = r.member_of.iter_mut().find(|m| m.role == group.oid);
    if !stmt.is_grant {
        match there {
            None => {
                let text = format!("role \"{name}\" is not a member of role \"{}\"", group.name);
                cx.notices.push(Report::notice(Severity::Warning, SqlState::WARNING, text));
                return Ok(());
            }
            Some(m) if stmt.admin_option => m.admin = false,
            Some(_) => r.member_of.retain(|m| m.role != group.oid),
        }
        return Ok(put(cx, Object::Role(r))?);
    }
    if oid == fixed::DATABASE_OWNER {
        return Err(Error::internal(format!("role \"{name}\" cannot be a member of any role")).into());
    }
    if role::member_of(&catalog, group.oid).contains(&oid) {
        let text = format!("role \"{}\" is a member of role \"{name}\"", group.name);
        return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text).into());
    }
    match there {
        Some(m) if m.admin || !stmt.admin_option => {
            let text = format!("role \"{name}\" is already a member of role \"{}\"", group.name);
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            return Ok(());
        }
        Some(m) => *m = Membership { grantor, admin: true, ..m.clone() },
        None => r.member_of.push(Membership { role: group.oid, grantor, admin: stmt.admin_option }),
    }
    Ok(put(cx, Object::Role(r))?)
}
