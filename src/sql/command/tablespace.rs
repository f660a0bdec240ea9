//! Tablespaces: made, changed and dropped, and what TABLESPACE clauses and settings say of where a relation lies.
//!
//! PostgreSQL 15, tablespace.c: same checks in the same order. Files of a relation make their database's folder in the
//! tablespace when they are made, and DROP TABLESPACE takes only empty folders away: whoever comes second of the two fails.

use super::reloptions::{self, On};
use super::write::{delete, new_oid, put};
use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, comment_key, fixed};
use crate::catalog::{Catalog, Object, ObjectKey, Persistence, Tablespace};
use crate::disk::tablespace as folder;
use crate::err;
use crate::settings::{Id, Lookup, split_list};
use crate::sql::Backend;
use crate::sql::ast::{AlterTablespaceStmt, CreateTablespaceStmt, DropTablespaceStmt};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::Subject;
use crate::wal::{Record, Rmgr};
use std::sync::atomic::{AtomicUsize, Ordering};

/// The longest place that a link can hold, with what is in there.
const MAX_PLACE: usize = 1024 - 60;

/// # Errors
/// 42704.
pub fn named(cx: &mut ExecContext, name: &str) -> Result<Tablespace> {
    let found = cx.backend()?.catalog.tablespace_by_name(name);
    found.ok_or_else(|| err!(UNDEFINED_OBJECT, "tablespace \"{name}\" does not exist"))
}

fn check_name(name: &str) -> Result<()> {
    match name.starts_with("pg_") {
        true => Err(err!(RESERVED_NAME, "unacceptable tablespace name \"{name}\"")
            .detail("The prefix \"pg_\" is reserved for system tablespaces.")),
        false => Ok(()),
    }
}

fn denied(name: &str) -> Error {
    err!(INSUFFICIENT_PRIVILEGE, "permission denied for tablespace {name}")
}

fn check_owner(cx: &mut ExecContext, t: &Tablespace) -> Result<()> {
    match role::has_role(cx.backend()?, t.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of tablespace {}", t.name)),
    }
}

/// Logs that a tablespace is made or goes.
fn log(backend: &mut Backend, info: u8, space: Oid, place: &str) -> Result<()> {
    let storage = backend.instance.storage.clone();
    let xid = backend.txn.xid();
    storage.wal.reserve(Record::max_bytes(0, 4 + place.len())).map_err(|s| s.into_error())?;
    let data: [&[u8]; 2] = [&space.0.to_le_bytes(), place.as_bytes()];
    storage.wal.insert(&Record { rmgr: Rmgr::Tablespace, info, xid, blocks: &[], data: &data });
    // Nobody may find the folder gone, or not yet there, that a row speaks of.
    backend.txn.sync_at_commit();
    Ok(())
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateTablespaceStmt) -> Flow<String> {
    let backend = cx.backend()?;
    backend.prevent_in_block("CREATE TABLESPACE")?;
    if !backend.user.is_superuser {
        let text = format!("permission denied to create tablespace \"{}\"", stmt.name);
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text)
            .hint("Must be superuser to create a tablespace.")
            .into());
    }
    let owner = match &stmt.owner {
        Some(spec) => role::resolve(backend, spec)?.0,
        None => backend.user.current,
    };
    let location = match stmt.location.trim_end_matches('/') {
        "" if stmt.location.starts_with('/') => "/",
        trimmed => trimmed,
    };
    let in_place = location.is_empty() && backend.view.bool(Id::AllowInPlaceTablespaces);
    check_location(location, in_place)?;
    check_name(&stmt.name)?;
    names::lock_name(cx, class::TABLESPACE, Oid::INVALID, &stmt.name)?;
    if cx.backend()?.catalog.tablespace_by_name(&stmt.name).is_some() {
        return Err(err!(DUPLICATE_OBJECT, "tablespace \"{}\" already exists", stmt.name).into());
    }
    let options = reloptions::merge(cmd, On::Tablespace, &[], &stmt.options)?;
    let oid = new_oid(cx)?;
    let disk = cx.backend()?.instance.storage.disk.clone();
    folder::create(&*disk, oid, location, false)?;
    let location = location.to_string();
    log(cx.backend()?, folder::CREATE, oid, &location)?;
    put(cx, Object::Tablespace(Tablespace { oid, name: stmt.name.clone(), owner, acl: None, options, location }))?;
    Ok("CREATE TABLESPACE".into())
}

fn check_location(location: &str, in_place: bool) -> Result<()> {
    if location.contains('\'') {
        return Err(err!(INVALID_NAME, "tablespace location cannot contain single quotes"));
    }
    if !in_place && !location.starts_with('/') {
        return Err(err!(INVALID_OBJECT_DEFINITION, "tablespace location must be an absolute path"));
    }
    if location.len() > MAX_PLACE {
        return Err(err!(INVALID_OBJECT_DEFINITION, "tablespace location \"{location}\" is too long"));
    }
    Ok(())
}

pub fn drop(cx: &mut ExecContext, stmt: &DropTablespaceStmt) -> Flow<String> {
    let name = &stmt.name;
    cx.backend()?.prevent_in_block("DROP TABLESPACE")?;
    names::lock_name(cx, class::TABLESPACE, Oid::INVALID, name)?;
    let t = match named(cx, name) {
        Err(e) if stmt.missing_ok => {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", e.message()));
            return Ok("DROP TABLESPACE".into());
        }
        found => found?,
    };
    check_owner(cx, &t)?;
    if t.oid < Oid::FIRST_NORMAL {
        return Err(denied(name).into());
    }
    let users = users(cx, t.oid)?;
    if !users.is_empty() {
        let text = format!("tablespace \"{name}\" cannot be dropped because some objects depend on it");
        return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text).detail(users.join("\n")).into());
    }
    let backend = cx.backend()?;
    let disk = backend.instance.storage.disk.clone();
    if !folder::remove(&*disk, t.oid)? {
        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "tablespace \"{name}\" is not empty").into());
    }
    log(backend, folder::DROP, t.oid, "")?;
    let key = ObjectKey::new(class::TABLESPACE, t.oid);
    for gone in [comment_key(key), key] {
        delete(cx, gone)?;
    }
    Ok("DROP TABLESPACE".into())
}

/// What has no files and would have its parts' files there (PostgreSQL 15, pg_shdepend.c).
fn users(cx: &mut ExecContext, tablespace: Oid) -> Result<Vec<String>> {
    let catalog = cx.backend()?.catalog.clone();
    let there = |catalog: &Catalog| -> Vec<ObjectKey> {
        let all = catalog.all(class::RELATION);
        let of = all.iter().filter_map(|r| r.object.as_class().ok());
        let mut found: Vec<ObjectKey> = of
            .filter(|c| c.tablespace == tablespace && !c.node.is_valid())
            .map(|c| ObjectKey::new(class::RELATION, c.oid))
            .collect();
        found.sort_by_key(|k| k.oid);
        found
    };
    let mut lines = Vec::new();
    for key in there(&catalog) {
        lines.push(format!("tablespace for {}", super::drop::describe(cx, key)?));
    }
    let here = cx.backend()?.database;
    for record in catalog.all(class::DATABASE) {
        let d = record.object.as_database()?;
        if d.oid == here {
            continue;
        }
        match there(&cx.backend()?.instance.cluster.session(d.oid)?).len() {
            0 => {}
            1 => lines.push(format!("1 object in database {}", d.name)),
            n => lines.push(format!("{n} objects in database {}", d.name)),
        }
    }
    Ok(lines)
}

/// ALTER TABLESPACE … SET and RESET.
pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterTablespaceStmt) -> Flow<String> {
    names::lock_name(cx, class::TABLESPACE, Oid::INVALID, &stmt.name)?;
    let mut t = named(cx, &stmt.name)?;
    check_owner(cx, &t)?;
    t.options = match stmt.reset {
        true => reloptions::reset(On::Tablespace, &t.options, &stmt.options)?,
        false => reloptions::merge(cmd, On::Tablespace, &t.options, &stmt.options)?,
    };
    put(cx, Object::Tablespace(t))?;
    Ok("ALTER TABLESPACE".into())
}

/// A tablespace under another name.
pub fn renamed(cx: &mut ExecContext, name: &str, new: String) -> Result<Object> {
    let mut t = named(cx, name)?;
    // PostgreSQL says it so, though it asks for the owner.
    if !role::has_role(cx.backend()?, t.owner) {
        return Err(denied(name));
    }
    check_name(&new)?;
    if cx.backend()?.catalog.tablespace_by_name(&new).is_some() {
        return Err(err!(DUPLICATE_OBJECT, "tablespace \"{new}\" already exists"));
    }
    t.name = new;
    Ok(Object::Tablespace(t))
}

/// Whether the current role may make relations in a tablespace; in the database's own everybody may.
///
/// # Errors
/// 42501.
pub fn check_create(cx: &mut ExecContext, oid: Oid) -> Result<()> {
    let backend = cx.backend()?;
    let Some(t) = backend.catalog.tablespace(oid) else { return Ok(()) };
    if oid == backend.catalog.default_tablespace() || may_create(backend, &t) {
        return Ok(());
    }
    Err(denied(&t.name))
}

fn may_create_as(catalog: &Catalog, user: Oid, t: &Tablespace) -> bool {
    Subject::of(catalog, user).may(t.owner, t.acl.as_deref(), "", 'C', false)
}

pub fn may_create(backend: &Backend, t: &Tablespace) -> bool {
    may_create_as(&backend.catalog, backend.user.current, t)
}

/// A tablespace as relations name it: the database's own is 0.
fn shortened(backend: &Backend, oid: Oid) -> Oid {
    if oid == backend.catalog.default_tablespace() { Oid::INVALID } else { oid }
}

/// Where a new relation lies: as its TABLESPACE clause says, as `inherited`, or as settings say.
///
/// # Errors
/// 42704, 42501, 22023 for `pg_global`, 0A000 for what has parts.
pub fn place(
    cx: &mut ExecContext,
    clause: Option<&str>,
    inherited: Oid,
    persistence: Persistence,
    partitioned: bool,
) -> Result<Oid> {
    let own = || Error::unsupported("cannot specify default tablespace for partitioned relations");
    let oid = match clause {
        Some(name) => {
            let oid = named(cx, name)?.oid;
            if partitioned && oid == cx.backend()?.catalog.default_tablespace() {
                return Err(own());
            }
            oid
        }
        None if inherited.is_valid() => inherited,
        None if persistence == Persistence::Temp => next_temporary(cx.backend()?),
        None => {
            let backend = cx.backend()?;
            let name = backend.view.str(Id::DefaultTablespace).to_string();
            // One that is gone counts as none.
            let found = backend.catalog.tablespace_by_name(&name).map_or(Oid::INVALID, |t| t.oid);
            if partitioned && found == backend.catalog.default_tablespace() {
                return Err(own());
            }
            found
        }
    };
    check_place(cx, oid)
}

/// Whether relations may be put there, and how they name it.
///
/// # Errors
/// 42501, 22023.
pub fn check_place(cx: &mut ExecContext, oid: Oid) -> Result<Oid> {
    if oid.is_valid() {
        check_create(cx, oid)?;
    }
    if oid == fixed::GLOBAL_TABLESPACE {
        return Err(err!(INVALID_PARAMETER_VALUE, "only shared relations can be placed in pg_global tablespace"));
    }
    Ok(shortened(cx.backend()?, oid))
}

/// One of `temp_tablespaces`, in turn; those that are gone or not for the current role are passed over.
pub fn next_temporary(backend: &Backend) -> Oid {
    static NEXT: AtomicUsize = AtomicUsize::new(0);
    let text = backend.view.str(Id::TempTablespaces).to_string();
    if text.is_empty() {
        return Oid::INVALID;
    }
    let mut usable = Vec::new();
    for name in split_list(&text).unwrap_or_default() {
        match backend.catalog.tablespace_by_name(&name) {
            _ if name.is_empty() => usable.push(Oid::INVALID),
            Some(t) if t.oid == backend.catalog.default_tablespace() => usable.push(Oid::INVALID),
            Some(t) if may_create(backend, &t) => usable.push(t.oid),
            _ => {}
        }
    }
    match usable.len() {
        0 => Oid::INVALID,
        n => usable[NEXT.fetch_add(1, Ordering::Relaxed) % n],
    }
}

/// What `default_tablespace` and `temp_tablespaces` may be set to.
///
/// PostgreSQL 15, tablespace.c, check_default_tablespace, check_temp_tablespaces: same texts.
///
/// # Errors
/// 22023, 42704, 42501.
pub fn check_setting(catalog: &Catalog, name: &str, value: &str) -> Result<()> {
    let missing = |name: &str| err!(UNDEFINED_OBJECT, "tablespace \"{name}\" does not exist");
    match crate::settings::find(name) {
        Some(Id::DefaultTablespace) if !value.is_empty() && catalog.tablespace_by_name(value).is_none() => {
            Err(err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"default_tablespace\": \"{value}\"")
                .detail(format!("Tablespace \"{value}\" does not exist.")))
        }
        Some(Id::TempTablespaces) => {
            // What is no list the parameter refuses itself.
            for name in split_list(value).unwrap_or_default().iter().filter(|n| !n.is_empty()) {
                let t = catalog.tablespace_by_name(name).ok_or_else(|| missing(name))?;
                if t.oid != catalog.default_tablespace() && !may_create_as(catalog, catalog.acting().user, &t) {
                    return Err(denied(name));
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

/// For a session to come a tablespace may come, too: one that is missing is only noticed.
pub fn notice_missing(cx: &mut ExecContext, name: &str, value: &str) -> Result<()> {
    let names = match crate::settings::find(name) {
        Some(Id::DefaultTablespace) => vec![value.to_string()],
        Some(Id::TempTablespaces) => split_list(value).unwrap_or_default(),
        _ => return Ok(()),
    };
    for name in names.iter().filter(|n| !n.is_empty()) {
        if cx.backend()?.catalog.tablespace_by_name(name).is_none() {
            names::notice(cx, SqlState::UNDEFINED_OBJECT, format!("tablespace \"{name}\" does not exist"));
        }
    }
    Ok(())
}
