//! Roles: CREATE, ALTER, DROP ROLE, SET ROLE, membership.

use super::stored_setting::{put_in_place, stored_setting};
use super::write::put;
use super::{Command, apply_role, grant, names};
use crate::auth::verifier::{self, Stored};
use crate::base::{Error, Flow, Oid, Result, SqlState, clock};
use crate::catalog::object::{ObjectKey, Role, RoleSetting, class, comment_key};
use crate::catalog::{Catalog, Object};
use crate::err;
use crate::settings::{Id, Lasting, Lookup, View};
use crate::sql::Backend;
use crate::sql::ast::{
    AlterRoleSetStmt, AlterRoleStmt, CreateRoleKind, CreateRoleStmt, DefArg, DefElem, DropRoleStmt, RoleKind, RoleSpec,
    SetAction,
};
use crate::sql::exec::ExecContext;
use crate::types::{self, TypeRef, Value};

/// A role named in a statement: OID and name.
///
/// # Errors
/// 42704.
pub fn resolve(backend: &Backend, spec: &RoleSpec) -> Result<(Oid, String)> {
    match &spec.kind {
        RoleKind::Name(name) => backend
            .catalog
            .role_by_name(name)
            .map(|r| (r.oid, r.name))
            .ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist")),
        RoleKind::CurrentRole | RoleKind::CurrentUser => Ok((backend.user.current, backend.user.current_name.clone())),
        RoleKind::SessionUser => Ok((backend.user.session, backend.user.session_name.clone())),
        RoleKind::Public => Err(err!(UNDEFINED_OBJECT, "role \"public\" does not exist")),
    }
}

/// Roles one is a member of, directly or not, itself included: also those whose rights it does not inherit.
pub(super) fn member_of(catalog: &Catalog, role: Oid) -> Vec<Oid> {
    let mut all = vec![role];
    let mut n = 0;
    while n < all.len() {
        for m in catalog.role(all[n]).map(|r| r.member_of).unwrap_or_default() {
            if !all.contains(&m.role) {
                all.push(m.role);
            }
        }
        n += 1;
    }
    all
}

/// Whether the current role has the rights of another one.
pub fn has_role(backend: &Backend, role: Oid) -> bool {
    crate::sql::exec::rights::subject(backend).has_role(role)
}

pub fn is_member(backend: &Backend, name: &str) -> bool {
    backend.catalog.role_by_name(name).is_some_and(|r| has_role(backend, r.oid))
}

/// Whether ACL items give the current role a right; None: only the owner has any.
pub fn acl_allows(backend: &Backend, acl: Option<&[String]>, right: char) -> bool {
    crate::sql::exec::rights::subject(backend).may(Oid::INVALID, acl, "", right, false)
}

pub fn creates_roles(backend: &Backend) -> bool {
    backend.user.is_superuser || backend.catalog.role(backend.user.current).is_some_and(|r| r.create_role)
}

fn denied<T>(text: impl Into<String>) -> Result<T> {
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text))
}

/// PostgreSQL 15, user.c, CreateRole.
fn may_create(backend: &Backend, role: &Role) -> Result<()> {
    if backend.user.is_superuser {
        return Ok(());
    }
    match role {
        Role { superuser: true, .. } => denied("must be superuser to create superusers"),
        Role { replication: true, .. } => denied("must be superuser to create replication users"),
        Role { bypass_rls: true, .. } => denied("must be superuser to create bypassrls users"),
        _ if !creates_roles(backend) => denied("permission denied to create role"),
        _ => Ok(()),
    }
}

/// PostgreSQL 15, user.c, AlterRole.
fn may_alter(backend: &Backend, role: &Role, options: &[DefElem]) -> Result<()> {
    if backend.user.is_superuser {
        return Ok(());
    }
    let names = |name: &str| options.iter().any(|o| o.name == name);
    if role.superuser || names("superuser") {
        return denied("must be superuser to alter superuser roles or change superuser attribute");
    }
    if role.replication || names("isreplication") {
        return denied("must be superuser to alter replication roles or change replication attribute");
    }
    if names("bypassrls") {
        return denied("must be superuser to change bypassrls attribute");
    }
    let own_password = role.oid == backend.user.current && options.iter().all(|o| o.name == "password");
    match creates_roles(backend) || own_password {
        true => Ok(()),
        false => denied("permission denied"),
    }
}

fn boolean(e: &DefElem) -> bool {
    match &e.arg {
        None => true,
        Some(DefArg::Bool(b)) => *b,
        Some(DefArg::Int(n)) => *n != 0,
        Some(_) => e.string().is_some_and(|s| matches!(s.as_str(), "true" | "on" | "1")),
    }
}

fn apply(cx: &mut ExecContext, role: &mut Role, options: &[DefElem]) -> Result<()> {
    for option in options {
        match option.name.as_str() {
            "superuser" => role.superuser = boolean(option),
            "inherit" => role.inherit = boolean(option),
            "createrole" => role.create_role = boolean(option),
            "createdb" => role.create_db = boolean(option),
            "canlogin" => role.login = boolean(option),
            "isreplication" => role.replication = boolean(option),
            "bypassrls" => role.bypass_rls = boolean(option),
            "connectionlimit" => {
                let given = option.string().unwrap_or_default();
                let limit = given.parse().ok().filter(|n| *n >= -1);
                role.connection_limit =
                    limit.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "invalid connection limit: {given}"))?;
            }
            "password" => role.password = password(cx, &role.name, option.string())?,
            "validUntil" => role.valid_until_us = Some(moment(cx, &option.string().unwrap_or_default())?),
            "addroleto" | "rolemembers" | "adminmembers" => {}
            "sysid" => {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, "SYSID can no longer be specified".to_string())
            }
            other => return Err(Error::unsupported(format!("role option \"{other}\" is not supported"))),
        }
    }
    Ok(())
}

/// What is stored of a password: never the password itself.
fn password(cx: &mut ExecContext, user: &str, given: Option<String>) -> Result<Option<String>> {
    let Some(given) = given else { return Ok(None) };
    // PostgreSQL 15, user.c: neither "" nor a hash of it lets anybody in.
    let is_empty = given.is_empty() || Stored::parse(&given).is_some_and(|s| verifier::check_plain(&s, user, ""));
    if is_empty {
        let text = "empty string is not a valid password, clearing password".to_string();
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok(None);
    }
    let method = cx.backend()?.view.choice(Id::PasswordEncryption);
    verifier::encrypt(&given, user, method).map(Some)
}

/// A `timestamptz` in microseconds since 1970.
fn moment(cx: &ExecContext, text: &str) -> Result<i64> {
    let ty = TypeRef::of(types::oid::TIMESTAMPTZ);
    match types::text_in(ty, text, &cx.fx.io)? {
        Value::I64(us @ (i64::MIN | i64::MAX)) => Ok(us),
        Value::I64(us) => Ok(us + clock::POSTGRES_EPOCH_US),
        _ => Err(Error::internal("a timestamp that is no integer")),
    }
}

fn role_list<'a>(options: &'a [DefElem], name: &str) -> &'a [RoleSpec] {
    options
        .iter()
        .find(|o| o.name == name)
        .and_then(|o| match &o.arg {
            Some(DefArg::Roles(roles)) => Some(roles.as_slice()),
            _ => None,
        })
        .unwrap_or_default()
}

pub fn refuse_reserved(name: &str) -> Result<()> {
    match name.starts_with("pg_") {
        true => Err(err!(RESERVED_NAME, "role name \"{name}\" is reserved")
            .detail("Role names starting with \"pg_\" are reserved.")),
        false => Ok(()),
    }
}

pub fn create(_: &mut Command, cx: &mut ExecContext, stmt: &CreateRoleStmt) -> Flow<String> {
    let backend = cx.backend()?;
    refuse_reserved(&stmt.name)?;
    let oid = backend.instance.cluster.new_oid();
    let mut role = Role {
        oid,
        name: stmt.name.clone(),
        superuser: false,
        inherit: true,
        create_role: false,
        create_db: false,
        login: stmt.kind == CreateRoleKind::User,
        replication: false,
        bypass_rls: false,
        connection_limit: -1,
        password: None,
        valid_until_us: None,
        member_of: Vec::new(),
    };
    apply(cx, &mut role, &stmt.options)?;
    may_create(cx.backend()?, &role)?;
    names::lock_name(cx, class::AUTHID, Oid::INVALID, &stmt.name)?;
    let backend = cx.backend()?;
    if backend.catalog.role_by_name(&stmt.name).is_some() {
        return Err(err!(DUPLICATE_OBJECT, "role \"{}\" already exists", stmt.name).into());
    }
    let mut joins = Vec::new();
    for (list, admin) in [("addroleto", false), ("adminmembers", true), ("rolemembers", false)] {
        for spec in role_list(&stmt.options, list) {
            let (other, other_name) = match &spec.kind {
                RoleKind::Name(name) if *name == stmt.name => (oid, stmt.name.clone()),
                _ => resolve(cx.backend()?, spec)?,
            };
            // Before anything is changed: a wait begins the command anew.
            names::lock_name(cx, class::AUTHID, Oid::INVALID, &other_name)?;
            joins.push(match list {
                "addroleto" => (other, (oid, stmt.name.clone()), admin),
                _ => (oid, (other, other_name), admin),
            });
        }
    }
    put(cx, Object::Role(role))?;
    for (group, (member, name), admin) in joins {
        grant::add_member(cx, group, (member, &name), admin)?;
    }
    Ok("CREATE ROLE".into())
}

pub fn alter(_: &mut Command, cx: &mut ExecContext, stmt: &AlterRoleStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let (oid, name) = resolve(backend, &stmt.role)?;
    names::lock_name(cx, class::AUTHID, Oid::INVALID, &name)?;
    let backend = cx.backend()?;
    let mut role = backend.catalog.role(oid).ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{name}\" does not exist"))?;
    may_alter(backend, &role, &stmt.options)?;
    apply(cx, &mut role, &stmt.options)?;
    let backend = cx.backend()?;
    let writer = backend.writer();
    backend.catalog.put(writer, Object::Role(role))?;
    if let Some(add) = stmt.group_add {
        for spec in role_list(&stmt.options, "rolemembers") {
            let (member, name) = resolve(cx.backend()?, spec)?;
            match add {
                true => grant::add_member(cx, oid, (member, &name), false)?,
                false => grant::remove_member(cx, oid, (member, &name))?,
            }
        }
    }
    Ok("ALTER ROLE".into())
}

/// ALTER ROLE … SET.
pub fn alter_set(_: &mut Command, cx: &mut ExecContext, stmt: &AlterRoleSetStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let role = match &stmt.role {
        Some(spec) => resolve(backend, spec)?.0,
        None => Oid::INVALID,
    };
    may_set(backend, role, stmt.database.as_deref())?;
    let database = match &stmt.database {
        Some(name) => {
            let found = backend.catalog.database_by_name(name);
            found.map(|d| d.oid).ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{name}\" does not exist"))?
        }
        None => Oid::INVALID,
    };
    store_setting(cx, database, role, &stmt.set.action)?;
    Ok("ALTER ROLE".into())
}

/// PostgreSQL 15, user.c, AlterRoleSet.
fn may_set(backend: &Backend, role: Oid, database: Option<&str>) -> Result<()> {
    if backend.user.is_superuser {
        return Ok(());
    }
    if role.is_valid() {
        if backend.catalog.role(role).is_some_and(|r| r.superuser) {
            return denied("must be superuser to alter superusers");
        }
        return match creates_roles(backend) || role == backend.user.current {
            true => Ok(()),
            false => denied("permission denied"),
        };
    }
    match database {
        None => denied("must be superuser to alter settings globally"),
        Some(name) => match backend.catalog.database_by_name(name) {
            Some(d) if !has_role(backend, d.owner) => denied(format!("must be owner of database {name}")),
            _ => Ok(()),
        },
    }
}

/// Changes what is stored for a database and a role (0: for all).
pub fn store_setting(cx: &mut ExecContext, database: Oid, role: Oid, action: &SetAction) -> Flow<()> {
    names::lock_name(cx, class::DB_ROLE_SETTING, database, &role.to_string())?;
    let set = stored_setting(cx, action)?;
    if let Some((name, Some(text))) = &set {
        super::tablespace::notice_missing(cx, name, text)?;
    }
    let backend = cx.backend()?;
    let mut stored =
        backend.catalog.role_setting(database, role).unwrap_or(RoleSetting { database, role, settings: Vec::new() });
    match set {
        Some((name, value)) => {
            if let Some(text) = &value {
                // A trial on a copy refuses what could not be set at the session's start.
                backend.settings.lock().clone().set_at_start(&name, text, crate::settings::Source::Session, true)?;
            }
            let place = stored.settings.iter().position(|(n, _)| n.eq_ignore_ascii_case(&name));
            put_in_place(&mut stored.settings, place, value.map(|v| (name, v)));
        }
        None => stored.settings.clear(),
    }
    let writer = backend.writer();
    let object = Object::RoleSetting(stored);
    match &object {
        Object::RoleSetting(s) if s.settings.is_empty() => backend.catalog.delete(writer, object.key())?,
        _ => backend.catalog.put(writer, object)?,
    }
    Ok(())
}

pub fn drop(_: &mut Command, cx: &mut ExecContext, stmt: &DropRoleStmt) -> Flow<String> {
    if !creates_roles(cx.backend()?) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to drop role").into());
    }
    for spec in &stmt.roles {
        let backend = cx.backend()?;
        let (oid, name) = match resolve(backend, spec) {
            Ok(found) => found,
            Err(e) if stmt.missing_ok => {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", e.message()));
                continue;
            }
            Err(e) => return Err(e.into()),
        };
        if oid == backend.user.current {
            return Err(err!(OBJECT_IN_USE, "current user cannot be dropped").into());
        }
        if oid == backend.user.session {
            return Err(err!(OBJECT_IN_USE, "session user cannot be dropped").into());
        }
        if !backend.user.is_superuser && backend.catalog.role(oid).is_some_and(|r| r.superuser) {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to drop superusers").into());
        }
        if oid < Oid::FIRST_NORMAL {
            return Err(err!(
                DEPENDENT_OBJECTS_STILL_EXIST,
                "cannot drop role {name} because it is required by the database system"
            )
            .into());
        }
        names::lock_name(cx, class::AUTHID, Oid::INVALID, &name)?;
        super::owned::refuse_drop(cx, oid, &name)?;
        forget(cx.backend()?, oid)?;
    }
    Ok("DROP ROLE".into())
}

/// Deletes a role with its memberships, settings and comment.
fn forget(backend: &mut Backend, role: Oid) -> Result<()> {
    for record in backend.catalog.all(class::AUTHID) {
        if let Object::Role(member) = &record.object
            && member.member_of.iter().any(|m| m.role == role)
        {
            let mut member = member.clone();
            member.member_of.retain(|m| m.role != role);
            let writer = backend.writer();
            backend.catalog.put(writer, Object::Role(member))?;
        }
    }
    let key = ObjectKey::new(class::AUTHID, role);
    let of_role = |k: &ObjectKey| k.sub == role.0 as i32;
    let settings: Vec<ObjectKey> =
        backend.catalog.all(class::DB_ROLE_SETTING).iter().map(|r| r.object.key()).filter(of_role).collect();
    for gone in settings.into_iter().chain([comment_key(key), key]) {
        let writer = backend.writer();
        backend.catalog.delete(writer, gone)?;
    }
    Ok(())
}

/// SET ROLE; it lasts as other settings do.
///
/// # Errors
/// 22023 for a role that is not there, 42501 for one the session's user is no member of.
pub fn set_role(cx: &mut ExecContext, name: &str, lasting: Lasting) -> Result<()> {
    let name = crate::base::name::cut(name);
    let backend = cx.backend()?;
    own_right(&backend.catalog, &backend.view, "role")?;
    may_act_as(&backend.catalog, backend.user.session, Id::Role, name)?;
    backend.settings.lock().force(Id::Role, name, lasting)?;
    follow_settings(cx)
}

/// SET SESSION AUTHORIZATION; None: back to who logged in. The role is given up.
///
/// # Errors
/// 22023, 42501 for who is no superuser.
pub fn set_session_authorization(cx: &mut ExecContext, name: Option<&str>, lasting: Lasting) -> Result<()> {
    let backend = cx.backend()?;
    own_right(&backend.catalog, &backend.view, "session_authorization")?;
    let name = name.map_or_else(|| backend.user.authenticated_name.clone(), |n| crate::base::name::cut(n).to_owned());
    may_act_as(&backend.catalog, backend.user.authenticated, Id::SessionAuthorization, &name)?;
    let settings = backend.settings.clone();
    settings.lock().force(Id::SessionAuthorization, &name, lasting)?;
    settings.lock().force(Id::Role, "none", lasting)?;
    follow_settings(cx)
}

/// # Errors
/// 42501 where a routine acts as its owner: who that is must not change under it.
pub fn own_right(catalog: &Catalog, view: &View, setting: &str) -> Result<()> {
    let (session, role) = (view.str(Id::SessionAuthorization), view.str(Id::Role));
    let named = if &*role == "none" { session } else { role };
    match catalog.role(catalog.acting().user).is_none_or(|r| *r.name == *named) {
        true => Ok(()),
        false => {
            let text = format!("cannot set parameter \"{setting}\" within security-definer function");
            Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text))
        }
    }
}

/// Whether `by` may take on a role (`role`), or be somebody else altogether (`session_authorization`).
///
/// # Errors
/// 22023, 42501.
pub fn may_act_as(catalog: &Catalog, by: Oid, setting: Id, name: &str) -> Result<()> {
    if setting == Id::Role && name == "none" {
        return Ok(());
    }
    let Some(role) = catalog.role_by_name(name) else {
        return Err(err!(INVALID_PARAMETER_VALUE, "role \"{name}\" does not exist"));
    };
    if role.oid == by || catalog.role(by).is_some_and(|r| r.superuser) {
        return Ok(());
    }
    match setting {
        Id::Role if member_of(catalog, by).contains(&role.oid) => Ok(()),
        Id::Role => Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to set role \"{name}\"")),
        _ => Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to set session authorization \"{name}\"")),
    }
}

/// Makes the user the one that the settings name, if they name another one than before: they come and go with
/// transactions, savepoints and functions.
pub fn follow_settings(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    let named = {
        let settings = backend.settings.lock();
        let (session, role) = (settings.view().str(Id::SessionAuthorization), settings.view().str(Id::Role));
        if (&*session, &*role) == (&*backend.followed.0, &*backend.followed.1) {
            return Ok(());
        }
        (session.to_string(), role.to_string())
    };
    let catalog = backend.catalog.clone();
    let find = |name: &str| catalog.role_by_name(name).map(|r| (r.oid, r.name, r.superuser));
    if named.0 != backend.followed.0
        && may_act_as(&catalog, backend.user.authenticated, Id::SessionAuthorization, &named.0).is_ok()
        && let Some((oid, name, _)) = find(&named.0)
    {
        (backend.user.session, backend.user.session_name) = (oid, name);
    }
    let session = backend.user.session_name.clone();
    let allowed = may_act_as(&catalog, backend.user.session, Id::Role, &named.1).is_ok();
    let wanted = if named.1 == "none" || !allowed { session } else { named.1.clone() };
    if let Some((oid, name, superuser)) = find(&wanted) {
        (backend.user.current, backend.user.current_name, backend.user.is_superuser) = (oid, name, superuser);
    }
    backend.followed = named;
    apply_role(backend);
    let superuser = if backend.user.is_superuser { "on" } else { "off" };
    backend.settings.lock().force(Id::IsSuperuser, superuser, Lasting::Session)
}
