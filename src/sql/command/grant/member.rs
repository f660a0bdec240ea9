//! GRANT role TO role, and REVOKE. PostgreSQL 15, user.c, AddRoleMems and DelRoleMems: same rules and words.

use crate::base::{Error, Flow, Oid, Report, Result, Severity, SqlState};
use crate::catalog::object::{Membership, Role, class, fixed};
use crate::catalog::{Catalog, Object};
use crate::err;
use crate::sql::ast::GrantRoleStmt;
use crate::sql::command::write::put;
use crate::sql::command::{names, role};
use crate::sql::exec::ExecContext;

pub fn roles(cx: &mut ExecContext, stmt: &GrantRoleStmt) -> Flow<String> {
    let grantor = match &stmt.grantor {
        // Who gave it does not matter to REVOKE, be there such a role or not.
        Some(by) if stmt.is_grant => role::resolve(cx.backend()?, by)?.0,
        _ => cx.backend()?.user.current,
    };
    // Who gets it is looked for first (PostgreSQL 15, user.c, GrantRole).
    let members = stmt.grantees.iter().map(|spec| role::resolve(cx.backend()?, spec)).collect::<Result<Vec<_>>>()?;
    for p in &stmt.roles {
        let Some(name) = &p.name else { continue };
        let found = cx.backend()?.catalog.role_by_name(name);
        let group = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?;
        may_change(cx, stmt.is_grant, &group, grantor)?;
        for (oid, name) in &members {
            let member = locked(cx, *oid, name)?;
            match stmt.is_grant {
                true => put_in(cx, &group, member, grantor, stmt.admin_option)?,
                false => take_out(cx, &group, member, stmt.admin_option)?,
            }
        }
    }
    Ok(if stmt.is_grant { "GRANT ROLE" } else { "REVOKE ROLE" }.into())
}

/// Makes a role a member of another one.
///
/// # Errors
/// 42501; 0LP01 for a circle; XX000 for the role of database owners.
pub fn add(cx: &mut ExecContext, group: Oid, member: (Oid, &str), admin: bool) -> Flow<()> {
    let by = cx.backend()?.user.current;
    let found = cx.backend()?.catalog.role(group);
    let group = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role with OID {group} does not exist"))?;
    may_change(cx, true, &group, by)?;
    let member = locked(cx, member.0, member.1)?;
    put_in(cx, &group, member, by, admin)
}

/// Takes a role out of another one.
///
/// # Errors
/// 42501.
pub fn remove(cx: &mut ExecContext, group: Oid, member: (Oid, &str)) -> Flow<()> {
    let by = cx.backend()?.user.current;
    let found = cx.backend()?.catalog.role(group);
    let group = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role with OID {group} does not exist"))?;
    may_change(cx, false, &group, by)?;
    let member = locked(cx, member.0, member.1)?;
    take_out(cx, &group, member, false)
}

fn may_change(cx: &mut ExecContext, is_grant: bool, group: &Role, grantor: Oid) -> Result<()> {
    let backend = cx.backend()?;
    let (user, superuser) = (backend.user.current, backend.user.is_superuser);
    let denied = |text: String| Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
    if !superuser {
        if group.superuser {
            return denied("must be superuser to alter superusers".into());
        }
        let creates = backend.catalog.role(user).is_some_and(|r| r.create_role);
        let asks = if is_grant { grantor } else { user };
        if !creates && !is_admin(&backend.catalog, asks, group.oid) {
            return denied(format!("must have admin option on role \"{}\"", group.name));
        }
    }
    if is_grant && group.oid == fixed::DATABASE_OWNER {
        return Err(err!(INTERNAL_ERROR, "role \"{}\" cannot have explicit members", group.name));
    }
    if is_grant && grantor != user && !superuser {
        return denied("must be superuser to set grantor".into());
    }
    Ok(())
}

/// Whether a role, or one it is a member of, may pass on a membership.
fn is_admin(catalog: &Catalog, role: Oid, group: Oid) -> bool {
    let of = |r: &Oid| catalog.role(*r).is_some_and(|r| r.member_of.iter().any(|m| m.role == group && m.admin));
    catalog.role(role).is_some_and(|r| r.superuser) || role::member_of(catalog, role).iter().any(of)
}

fn take_out(cx: &mut ExecContext, group: &Role, mut r: Role, admin_option: bool) -> Flow<()> {
    let name = r.name.clone();
    match r.member_of.iter_mut().find(|m| m.role == group.oid) {
        None => {
            let text = format!("role \"{name}\" is not a member of role \"{}\"", group.name);
            cx.notices.push(Report::notice(Severity::Warning, SqlState::WARNING, text));
            return Ok(());
        }
        Some(m) if admin_option => m.admin = false,
        Some(_) => r.member_of.retain(|m| m.role != group.oid),
    }
    Ok(put(cx, Object::Role(r))?)
}

fn put_in(cx: &mut ExecContext, group: &Role, mut r: Role, grantor: Oid, admin_option: bool) -> Flow<()> {
    let name = r.name.clone();
    if r.oid == fixed::DATABASE_OWNER {
        return Err(err!(INTERNAL_ERROR, "role \"{name}\" cannot be a member of any role").into());
    }
    let catalog = cx.backend()?.catalog.clone();
    if role::member_of(&catalog, group.oid).contains(&r.oid) {
        let text = format!("role \"{}\" is a member of role \"{name}\"", group.name);
        return Err(Error::new(SqlState::INVALID_GRANT_OPERATION, text).into());
    }
    match r.member_of.iter_mut().find(|m| m.role == group.oid) {
        Some(m) if m.admin || !admin_option => {
            let text = format!("role \"{name}\" is already a member of role \"{}\"", group.name);
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            return Ok(());
        }
        Some(m) => *m = Membership { grantor, admin: true, ..m.clone() },
        None => r.member_of.push(Membership { role: group.oid, grantor, admin: admin_option }),
    }
    Ok(put(cx, Object::Role(r))?)
}

/// The role as it is once nobody else changes it.
fn locked(cx: &mut ExecContext, oid: Oid, name: &str) -> Flow<Role> {
    names::lock_name(cx, class::AUTHID, Oid::INVALID, name)?;
    let found = cx.backend()?.catalog.role(oid);
    Ok(found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?)
}
