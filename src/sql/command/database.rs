//! CREATE, ALTER and DROP DATABASE.
//!
//! A new database is a copy of its template's files through the buffer pool, every page logged as a whole
//! (PostgreSQL 15, dbcommands.c, strategy WAL_LOG: same), so that neither a checkpoint is needed nor anything but the
//! directory is special in recovery. A dropped one's files go at commit; the empty directory stays behind.

use super::move_files::copy_fork;
use super::write::{delete, new_oid, put};
use super::{Command, names, role};
use crate::base::{Error, Flow, Fork, Oid, RelFileId, Result, SqlState, Stop, Wait};
use crate::catalog::object::{Database, class, comment_key, fixed};
use crate::catalog::{CATALOG_NODE, CATALOG_TOAST_NODE, Folder, Object, ObjectKey, Persistence, Tablespace, space_of};
use crate::err;
use crate::lock::{LockMode, LockTag};
use crate::sql::Backend;
use crate::sql::ast::{
    AlterDatabaseAction, AlterDatabaseStmt, CreateDatabaseStmt, DefArg, DefElem, DropDatabaseStmt, RoleKind, RoleSpec,
};
use crate::sql::exec::ExecContext;
use crate::types::collation::{self, Collation, Provider};
use crate::wal::{Record, Rmgr};
use std::time::{Duration, Instant};

/// How long others are waited for before a database counts as in use.
const PATIENCE: Duration = Duration::from_secs(5);

/// Since when others are waited for.
struct Waiting(Instant);

/// Who uses a database (PostgreSQL 15, dbcommands.c, errdetail_busy_db: same texts).
pub fn others_text(sessions: usize, prepared: usize) -> String {
    match (sessions, prepared) {
        (0, 1) => return "There is 1 prepared transaction using the database.".into(),
        (0, n) => return format!("There are {n} prepared transactions using the database."),
        (_, 0) => {}
        (m, n) => return format!("There are {m} other session(s) and {n} prepared transaction(s) using the database."),
    }
    match sessions {
        1 => "There is 1 other session using the database.".into(),
        n => format!("There are {n} other sessions using the database."),
    }
}

fn option<'a>(list: &'a [DefElem], name: &str) -> Option<&'a DefElem> {
    list.iter().find(|e| e.name == name)
}

fn text(list: &[DefElem], name: &str) -> Option<String> {
    option(list, name).and_then(DefElem::string)
}

fn flag(e: &DefElem) -> Result<bool> {
    match e.arg.as_ref() {
        None | Some(DefArg::Bool(true)) | Some(DefArg::Int(1)) => Ok(true),
        Some(DefArg::Bool(false)) | Some(DefArg::Int(0)) => Ok(false),
        _ => match e.string().unwrap_or_default().as_str() {
            "true" | "on" => Ok(true),
            "false" | "off" => Ok(false),
            _ => Err(err!(SYNTAX_ERROR, "{} requires a Boolean value", e.name)),
        },
    }
}

fn limit(list: &[DefElem]) -> Result<Option<i32>> {
    let Some(text) = text(list, "connection_limit") else { return Ok(None) };
    match text.parse::<i32>() {
        Ok(n) if n >= -1 => Ok(Some(n)),
        _ => Err(err!(INVALID_PARAMETER_VALUE, "invalid connection limit: {text}")),
    }
}

/// Waits for the others of a database to leave.
///
/// # Errors
/// 55006 when they stay.
fn alone(cmd: &mut Command, cx: &mut ExecContext, database: Oid, message: &str) -> Flow<()> {
    let backend = cx.backend()?;
    let own = usize::from(backend.database == database);
    let others = backend.instance.services()?.sessions_in(database).saturating_sub(own);
    let prepared = backend.instance.storage.twophase.count_in(database);
    if others + prepared == 0 {
        return Ok(());
    }
    let since = cmd.progress(|| Waiting(Instant::now())).0;
    let now = Instant::now();
    if now.duration_since(since) < PATIENCE {
        return Stop::wait(Wait::Until(now + Duration::from_millis(20)));
    }
    Err(Error::new(SqlState::OBJECT_IN_USE, message).detail(others_text(others, prepared)).into())
}

const KNOWN: &[&str] = &[
    "template",
    "owner",
    "encoding",
    "lc_collate",
    "lc_ctype",
    "locale",
    "locale_provider",
    "icu_locale",
    "strategy",
    "collation_version",
    "tablespace",
    "is_template",
    "allow_connections",
    "connection_limit",
    "oid",
];

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateDatabaseStmt) -> Flow<String> {
    cx.backend()?.prevent_in_block("CREATE DATABASE")?;
    let options = &stmt.options;
    if let Some(e) = options.iter().find(|e| !KNOWN.contains(&e.name.as_str())) {
        return Err(err!(SYNTAX_ERROR, "option \"{}\" not recognized", e.name).at(cmd.at(e.pos)).into());
    }
    let backend = cx.backend()?;
    let may = backend.user.is_superuser || backend.catalog.role(backend.user.current).is_some_and(|r| r.create_db);
    if !may {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to create database").into());
    }
    let owner = match text(options, "owner") {
        Some(name) => role::resolve(backend, &RoleSpec { kind: RoleKind::Name(name), pos: 0 })?.0,
        None => backend.user.current,
    };
    if !role::has_role(backend, owner) {
        let name = backend.catalog.role(owner).map(|r| r.name).unwrap_or_default();
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be member of role \"{name}\"").into());
    }
    names::lock_name(cx, class::DATABASE, Oid::INVALID, &stmt.name)?;
    let backend = cx.backend()?;
    let template = text(options, "template").unwrap_or_else(|| "template1".into());
    let Some(source) = backend.catalog.database_by_name(&template) else {
        return Err(err!(INVALID_CATALOG_NAME, "template database \"{template}\" does not exist").into());
    };
    if !source.is_template && !role::has_role(backend, source.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to copy database \"{template}\"").into());
    }
    if backend.catalog.database_by_name(&stmt.name).is_some() {
        return Err(err!(DUPLICATE_DATABASE, "database \"{}\" already exists", stmt.name).into());
    }
    let mut new = source.clone();
    if let Some(name) = text(options, "tablespace") {
        new.tablespace = default_tablespace(cx, &name)?.oid;
    }
    if new.space() != source.space() {
        let folder = cx.backend()?.instance.cluster.folder(source.oid)?;
        if lies_in(&folder, new.default_tablespace())? {
            let name = text(options, "tablespace").unwrap_or_default();
            return Err(Error::unsupported(format!("cannot assign new default tablespace \"{name}\""))
                .detail(format!(
                    "There is a conflict because database \"{template}\" already has some tables in this tablespace."
                ))
                .into());
        }
    }
    let backend = cx.backend()?;
    locale(&mut new, options, &template)?;
    backend.txn.lock(LockTag::Object { db: Oid::INVALID, class: class::DATABASE, oid: source.oid }, LockMode::Share)?;
    alone(cmd, cx, source.oid, &format!("source database \"{template}\" is being accessed by other users"))?;
    new.oid = new_oid(cx)?;
    new.name = stmt.name.clone();
    new.owner = owner;
    new.acl = None;
    new.is_template = option(options, "is_template").map_or(Ok(false), flag)?;
    new.allow_connections = option(options, "allow_connections").map_or(Ok(true), flag)?;
    new.connection_limit = limit(options)?.unwrap_or(-1);
    copy(cx.backend()?, &source, &new)?;
    put(cx, Object::Database(new))?;
    Ok("CREATE DATABASE".into())
}

/// Encoding and locales: the template's, or given; with template0 they may differ.
fn locale(new: &mut crate::catalog::object::Database, options: &[DefElem], template: &str) -> Result<()> {
    if let Some(encoding) = text(options, "encoding") {
        let word = encoding.to_ascii_uppercase().replace(['-', '_'], "");
        if word != "UTF8" && word != "UNICODE" && word != "6" {
            return Err(Error::unsupported(format!("encoding \"{encoding}\" is not supported")));
        }
    }
    let both = text(options, "locale");
    let collate = text(options, "lc_collate").or_else(|| both.clone());
    let ctype = text(options, "lc_ctype").or(both);
    for name in [&collate, &ctype].into_iter().flatten() {
        if let Err(e) = Collation::open(Provider::Libc, name) {
            let known = e.sqlstate() == SqlState::INVALID_OBJECT_DEFINITION;
            return Err(if known { e } else { err!(WRONG_OBJECT_TYPE, "invalid locale name: \"{name}\"") });
        }
    }
    provider(new, options, template)?;
    for (word, given, of) in [("collation", collate, &mut new.collate), ("LC_CTYPE", ctype, &mut new.ctype)] {
        let Some(given) = given.filter(|g| g != of) else { continue };
        if template != "template0" {
            return Err(err!(
                INVALID_PARAMETER_VALUE,
                "new {word} ({given}) is incompatible with the {word} of the template database ({of})"
            )
            .hint(format!("Use the same {word} as in the template database, or use template0 as template.")));
        }
        *of = given;
    }
    new.collation_version = text(options, "collation_version").or_else(|| collation::version(new.locale()));
    Ok(())
}

/// Who orders by default: the C library or ICU.
fn provider(new: &mut crate::catalog::object::Database, options: &[DefElem], template: &str) -> Result<()> {
    let name = |icu: bool| if icu { "icu" } else { "libc" };
    let from = new.icu_locale.is_some();
    let icu = match text(options, "locale_provider").map(|p| p.to_ascii_lowercase()).as_deref() {
        None => from,
        Some("libc") => false,
        Some("icu") => true,
        Some(other) => return Err(err!(INVALID_OBJECT_DEFINITION, "unrecognized locale provider: {other}")),
    };
    let locale = text(options, "icu_locale");
    if !icu && locale.is_some() {
        let text = "ICU locale cannot be specified unless locale provider is ICU";
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
    }
    if icu && locale.is_none() && new.icu_locale.is_none() {
        return Err(err!(INVALID_PARAMETER_VALUE, "ICU locale must be specified"));
    }
    if let Some(locale) = &locale {
        Collation::open(Provider::Icu, locale)?;
    }
    let hint = |what: &str| format!("Use the same {what} as in the template database, or use template0 as template.");
    if template != "template0" {
        if icu != from {
            let (new, old) = (name(icu), name(from));
            return Err(err!(
                INVALID_PARAMETER_VALUE,
                "new locale provider ({new}) does not match locale provider of the template database ({old})"
            )
            .hint(hint("locale provider")));
        }
        if let (Some(new), Some(old)) = (&locale, &new.icu_locale)
            && new != old
        {
            return Err(err!(
                INVALID_PARAMETER_VALUE,
                "new ICU locale ({new}) is incompatible with the ICU locale of the template database ({old})"
            )
            .hint(hint("ICU locale")));
        }
    }
    new.icu_locale = if icu { locale.or_else(|| new.icu_locale.take()) } else { None };
    Ok(())
}

/// The tablespace a database is to be in.
///
/// # Errors
/// 42704, 42501, 22023 for `pg_global`.
fn default_tablespace(cx: &mut ExecContext, name: &str) -> Result<Tablespace> {
    let t = super::tablespace::named(cx, name)?;
    if !super::tablespace::may_create(cx.backend()?, &t) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for tablespace {name}"));
    }
    match t.oid {
        fixed::GLOBAL_TABLESPACE => {
            Err(err!(INVALID_PARAMETER_VALUE, "pg_global cannot be used as default tablespace"))
        }
        _ => Ok(t),
    }
}

/// Whether relations of a database say that they lie in a tablespace.
fn lies_in(folder: &Folder, tablespace: Oid) -> Result<bool> {
    for record in folder.all(class::RELATION) {
        let c = record.object.as_class()?;
        if c.tablespace == tablespace && c.node.is_valid() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The files of a database: number, tablespace as relations say it, how they survive.
fn files_of(folder: &Folder) -> Result<Vec<(Oid, Oid, Persistence)>> {
    let own = |node| (node, Oid::INVALID, Persistence::Permanent);
    let mut files = vec![own(CATALOG_NODE), own(CATALOG_TOAST_NODE)];
    for record in folder.all(class::RELATION) {
        let c = record.object.as_class()?;
        if c.node.is_valid() {
            files.push((c.node, c.tablespace, c.persistence));
        }
    }
    Ok(files)
}

/// Makes and logs a database's directory.
fn make_directory(backend: &mut Backend, database: &Database) -> Result<()> {
    let storage = backend.instance.storage.clone();
    let xid = backend.txn.xid();
    let file = RelFileId { db: database.oid, node: Oid::INVALID, space: database.space() };
    storage.wal.reserve(Record::max_bytes(0, 64)).map_err(|s| s.into_error())?;
    crate::disk::durable::mkdir(&*storage.disk, &file.folder())?;
    let (oid, space) = (file.db.0.to_le_bytes(), file.space.0.to_le_bytes());
    let data: &[&[u8]] = if file.space.is_valid() { &[&oid, &space] } else { &[&oid] };
    storage.wal.insert(&Record { rmgr: Rmgr::Database, info: 0, xid, blocks: &[], data });
    Ok(())
}

/// Copies all files of a database, its directory made and logged first.
fn copy(backend: &mut Backend, from: &Database, to: &Database) -> Result<()> {
    make_directory(backend, to)?;
    let folder = backend.instance.cluster.folder(from.oid)?;
    for (node, tablespace, persistence) in files_of(&folder)? {
        if persistence == Persistence::Temp {
            continue;
        }
        let source = RelFileId { db: from.oid, node, space: space_of(tablespace, from.space()) };
        let target = RelFileId { db: to.oid, node, space: space_of(tablespace, to.space()) };
        for fork in [Fork::Main, Fork::Init] {
            copy_fork(backend, source, target, fork, persistence)?;
        }
    }
    Ok(())
}

/// ALTER DATABASE SET TABLESPACE: all files that lie in the old one go to the new one.
///
/// PostgreSQL 15, dbcommands.c, movedb: same checks.
fn move_to(cmd: &mut Command, cx: &mut ExecContext, mut d: Database, name: &str) -> Flow<()> {
    cx.backend()?.prevent_in_block("ALTER DATABASE SET TABLESPACE")?;
    let tag = LockTag::Object { db: Oid::INVALID, class: class::DATABASE, oid: d.oid };
    cx.backend()?.txn.lock(tag, LockMode::AccessExclusive)?;
    if d.oid == cx.backend()?.database {
        return Err(err!(OBJECT_IN_USE, "cannot change the tablespace of the currently open database").into());
    }
    let to = default_tablespace(cx, name)?;
    if to.space() == d.space() {
        return Ok(());
    }
    alone(cmd, cx, d.oid, &format!("database \"{}\" is being accessed by other users", d.name))?;
    let backend = cx.backend()?;
    let folder = backend.instance.cluster.folder(d.oid)?;
    if lies_in(&folder, to.oid)? {
        let text = format!("some relations of database \"{}\" are already in tablespace \"{name}\"", d.name);
        return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
            .hint("You must move them back to the database's default tablespace before using this command.")
            .into());
    }
    let old = d.space();
    d.tablespace = to.oid;
    make_directory(backend, &d)?;
    for (node, _, persistence) in files_of(&folder)?.into_iter().filter(|(_, t, _)| !t.is_valid()) {
        let source = RelFileId { db: d.oid, node, space: old };
        for fork in [Fork::Main, Fork::Init] {
            copy_fork(backend, source, RelFileId { space: d.space(), ..source }, fork, persistence)?;
        }
        backend.txn.file_dropped(source, persistence);
    }
    backend.txn.sync_at_commit();
    Ok(put(cx, Object::Database(d))?)
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterDatabaseStmt) -> Flow<String> {
    names::lock_name(cx, class::DATABASE, Oid::INVALID, &stmt.name)?;
    let backend = cx.backend()?;
    let Some(mut d) = backend.catalog.database_by_name(&stmt.name) else {
        return Err(err!(INVALID_CATALOG_NAME, "database \"{}\" does not exist", stmt.name).into());
    };
    if !role::has_role(backend, d.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of database {}", stmt.name).into());
    }
    match &stmt.action {
        AlterDatabaseAction::Set(set) => role::store_setting(cx, d.oid, Oid::INVALID, &set.action)?,
        AlterDatabaseAction::RefreshCollationVersion => {
            let now = collation::version(d.locale());
            let text = match (&d.collation_version, &now) {
                (Some(old), Some(new)) if old != new => format!("changing version from {old} to {new}"),
                (Some(_), Some(_)) | (None, None) => "version has not changed".to_owned(),
                _ => return Err(err!(INTERNAL_ERROR, "invalid collation version change").into()),
            };
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            if d.collation_version != now {
                d.collation_version = now;
                put(cx, Object::Database(d))?;
            }
        }
        AlterDatabaseAction::Options(options) if options.iter().any(|e| e.name == "tablespace") => {
            move_to(cmd, cx, d, &text(options, "tablespace").unwrap_or_default())?;
        }
        AlterDatabaseAction::Options(options) => {
            for e in options {
                match e.name.as_str() {
                    "is_template" => d.is_template = flag(e)?,
                    "allow_connections" => d.allow_connections = flag(e)?,
                    "connection_limit" => d.connection_limit = limit(options)?.unwrap_or(-1),
                    other => return Err(err!(SYNTAX_ERROR, "option \"{other}\" not recognized").into()),
                }
            }
            if !d.allow_connections && d.oid == backend.database {
                return Err(err!(INVALID_PARAMETER_VALUE, "cannot disallow connections for current database").into());
            }
            put(cx, Object::Database(d))?;
        }
    }
    Ok("ALTER DATABASE".into())
}

pub fn drop(cmd: &mut Command, cx: &mut ExecContext, stmt: &DropDatabaseStmt) -> Flow<String> {
    cx.backend()?.prevent_in_block("DROP DATABASE")?;
    names::lock_name(cx, class::DATABASE, Oid::INVALID, &stmt.name)?;
    let backend = cx.backend()?;
    let Some(d) = backend.catalog.database_by_name(&stmt.name) else {
        let text = format!("database \"{}\" does not exist", stmt.name);
        if stmt.missing_ok {
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            return Ok("DROP DATABASE".into());
        }
        return Err(Error::new(SqlState::INVALID_CATALOG_NAME, text).into());
    };
    if !role::has_role(backend, d.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of database {}", stmt.name).into());
    }
    if d.oid == backend.database {
        return Err(err!(OBJECT_IN_USE, "cannot drop the currently open database").into());
    }
    if d.is_template {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot drop a template database").into());
    }
    let tag = LockTag::Object { db: Oid::INVALID, class: class::DATABASE, oid: d.oid };
    backend.txn.lock(tag, LockMode::AccessExclusive)?;
    if stmt.options.iter().any(|o| o.name == "force") {
        let prepared = backend.instance.storage.twophase.count_in(d.oid);
        if prepared > 0 {
            let text = format!("database \"{}\" is being used by prepared transactions", stmt.name);
            return Err(Error::new(SqlState::OBJECT_IN_USE, text).detail(others_text(0, prepared)).into());
        }
        backend.instance.services()?.terminate_database(d.oid);
    }
    alone(cmd, cx, d.oid, &format!("database \"{}\" is being accessed by other users", stmt.name))?;
    let backend = cx.backend()?;
    let folder = backend.instance.cluster.folder(d.oid)?;
    for (node, tablespace, _) in files_of(&folder)? {
        let file = RelFileId { db: d.oid, node, space: space_of(tablespace, d.space()) };
        backend.txn.file_dropped(file, Persistence::Permanent);
    }
    backend.instance.cluster.forget(d.oid);
    let settings: Vec<ObjectKey> =
        backend.catalog.all(class::DB_ROLE_SETTING).iter().map(|r| r.object.key()).filter(|k| k.oid == d.oid).collect();
    let key = ObjectKey::new(class::DATABASE, d.oid);
    for gone in settings.into_iter().chain([comment_key(key), key]) {
        delete(cx, gone)?;
    }
    Ok("DROP DATABASE".into())
}
