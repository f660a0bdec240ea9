//! Foreign data wrappers, servers and user mappings. PostgreSQL 15, foreigncmds.c: same checks in the same order.
//!
//! No wrapper has a handler, since those are code in C: what servers and mappings say is for others to read.

use super::write::{new_oid, put};
use super::{Command, drop, names, role};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Depend, ObjectKey, class};
use crate::catalog::{Catalog, Foreign, ForeignKind, Object};
use crate::err;
use crate::sql::ast::{
    DefAction, DefArg, DefElem, DropStmt, ForeignStmt, ObjectName, ObjectType, QualName, RoleKind, RoleSpec,
};
use crate::sql::bind::Names;
use crate::sql::exec::{ExecContext, rights};
use crate::types::oid;

/// The only validator there is: `postgresql_fdw_validator`.
const VALIDATOR: Oid = Oid(2316);
const FDW_HANDLER: Oid = Oid(3115);
/// What it knows of servers, and of user mappings (PostgreSQL 15, foreign.c, libpq_conninfo_options).
const SERVER_OPTIONS: [&str; 12] = [
    "authtype",
    "service",
    "connect_timeout",
    "dbname",
    "host",
    "hostaddr",
    "port",
    "tty",
    "options",
    "requiressl",
    "sslmode",
    "gsslib",
];
const MAPPING_OPTIONS: [&str; 2] = ["user", "password"];

fn all(catalog: &Catalog, class: Oid) -> Vec<Foreign> {
    let of = |r: std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::Foreign(f) => Some(f.clone()),
        _ => None,
    };
    catalog.all(class).into_iter().filter_map(of).collect()
}

fn find(catalog: &Catalog, class: Oid, name: &str) -> Option<Foreign> {
    all(catalog, class).into_iter().find(|f| f.name == name)
}

/// The class of a kind, and what messages call it where it is not there, and where somebody may not do something.
fn words(object: ObjectType) -> Option<(Oid, &'static str, &'static str)> {
    Some(match object {
        ObjectType::ForeignDataWrapper => (class::FOREIGN_DATA_WRAPPER, "foreign-data wrapper", "foreign-data wrapper"),
        ObjectType::ForeignServer => (class::FOREIGN_SERVER, "server", "foreign server"),
        _ => return None,
    })
}

/// A wrapper or server by its name.
///
/// # Errors
/// 42704.
pub fn named(cx: &mut ExecContext, object: ObjectType, name: &str) -> Result<Foreign> {
    let (class, word, _) = words(object).ok_or_else(|| Error::internal("not foreign data"))?;
    let found = find(&cx.backend()?.catalog.clone(), class, name);
    found.ok_or_else(|| err!(UNDEFINED_OBJECT, "{word} \"{name}\" does not exist"))
}

/// The same, which the user owns.
pub fn owned(cx: &mut ExecContext, object: ObjectType, name: &str) -> Result<Foreign> {
    let found = named(cx, object, name)?;
    let word = words(object).map_or("", |w| w.2);
    match role::has_role(cx.backend()?, found.owner) {
        true => Ok(found),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {name}")),
    }
}

fn allowed(cx: &mut ExecContext, f: &Foreign, object: ObjectType) -> Result<()> {
    let subject = rights::subject(cx.backend()?);
    if subject.may(f.owner, f.acl.as_deref(), "", 'U', false) {
        return Ok(());
    }
    let word = words(object).map_or("", |w| w.2);
    Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for {word} {}", f.name))
}

fn check_free(cx: &mut ExecContext, object: ObjectType, name: &str) -> Result<()> {
    match named(cx, object, name) {
        Ok(_) => {
            let word = words(object).map_or("", |w| w.1);
            Err(err!(DUPLICATE_OBJECT, "{word} \"{name}\" already exists"))
        }
        Err(_) => Ok(()),
    }
}

// ---- options ----

fn text_of(e: &DefElem) -> String {
    match &e.arg {
        Some(DefArg::Str(s)) => s.clone(),
        _ => String::new(),
    }
}

/// PostgreSQL 15, foreigncmds.c, transformGenericOptions.
fn change(options: &mut Vec<(String, String)>, changes: &[DefElem]) -> Result<()> {
    for e in changes {
        let at = options.iter().position(|(name, _)| *name == e.name);
        let missing = || err!(UNDEFINED_OBJECT, "option \"{}\" not found", e.name);
        match (e.action, at) {
            (DefAction::Drop, at) => drop_at(options, at.ok_or_else(missing)?),
            (DefAction::Set, at) => options[at.ok_or_else(missing)?].1 = text_of(e),
            (_, Some(_)) => return Err(err!(DUPLICATE_OBJECT, "option \"{}\" provided more than once", e.name)),
            (_, None) => options.push((e.name.clone(), text_of(e))),
        }
    }
    Ok(())
}

fn drop_at(options: &mut Vec<(String, String)>, at: usize) {
    options.remove(at);
}

/// What the wrapper's validator says of options. PostgreSQL 15, foreign.c, postgresql_fdw_validator.
fn validate(validator: Oid, options: &[(String, String)], class: Oid) -> Result<()> {
    if !validator.is_valid() {
        return Ok(());
    }
    let known: &[&str] = match class {
        class::FOREIGN_SERVER => &SERVER_OPTIONS,
        class::USER_MAPPING => &MAPPING_OPTIONS,
        _ => &[],
    };
    let Some((name, _)) = options.iter().find(|(name, _)| !known.contains(&name.as_str())) else { return Ok(()) };
    let hint = match known {
        [] => "There are no valid options in this context.".to_owned(),
        known => format!("Valid options in this context are: {}", known.join(", ")),
    };
    Err(err!(SYNTAX_ERROR, "invalid option \"{name}\"").hint(hint))
}

fn validator_of(catalog: &Catalog, wrapper: Oid) -> Oid {
    let record = catalog.get(ObjectKey::new(class::FOREIGN_DATA_WRAPPER, wrapper));
    match record.as_ref().map(|r| &r.object) {
        Some(Object::Foreign(Foreign { kind: ForeignKind::Wrapper { validator }, .. })) => *validator,
        _ => Oid::INVALID,
    }
}

// ---- wrappers ----

/// The function of a name that takes exactly these types.
fn function(cx: &mut ExecContext, name: &QualName, args: &[Oid]) -> Result<(Oid, Oid)> {
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, name.schema(), name.name());
    let found = known.into_iter().find(|(_, f)| f.args == args).map(|(_, f)| (f.oid, f.ret));
    let shown: Vec<String> = args.iter().map(|a| crate::types::format_type_plain(*a, &*cx.fx.io.hooks)).collect();
    found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "function {}({}) does not exist", name.joined(), shown.join(", ")))
}

/// What is said of handler and validator: whether anything is, and what.
#[derive(Default)]
struct Functions {
    handler: bool,
    validator: Option<Oid>,
}

fn functions(cmd: &Command, cx: &mut ExecContext, list: &[DefElem]) -> Result<Functions> {
    let mut found = Functions::default();
    for e in list {
        let twice = match e.name.as_str() {
            "handler" => found.handler,
            _ => found.validator.is_some(),
        };
        if twice {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        let name = match &e.arg {
            Some(DefArg::Name(n)) => Some(n),
            _ => None,
        };
        if e.name == "handler" {
            found.handler = true;
            let Some(name) = name else { continue };
            if function(cx, name, &[])?.1 != FDW_HANDLER {
                let text = format!("function {} must return type fdw_handler", name.joined());
                return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
            }
            return Err(Error::unsupported("handlers of foreign data wrappers are not supported"));
        }
        found.validator = Some(match name {
            None => Oid::INVALID,
            Some(name) => match function(cx, name, &[oid::TEXT_ARRAY, oid::OID])?.0 {
                VALIDATOR => VALIDATOR,
                _ => {
                    return Err(Error::unsupported("validators other than postgresql_fdw_validator are not supported"));
                }
            },
        });
    }
    Ok(found)
}

fn warn(cx: &mut ExecContext, text: &str) {
    cx.notices.push(Report::notice(Severity::Warning, SqlState::WARNING, text.to_owned()));
}

fn only_superusers(cx: &mut ExecContext, verb: &str, name: &str) -> Result<()> {
    if cx.backend()?.user.is_superuser {
        return Ok(());
    }
    Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to {verb} foreign-data wrapper \"{name}\"")
        .hint(format!("Must be superuser to {verb} a foreign-data wrapper.")))
}

fn wrapper(
    cmd: &Command,
    cx: &mut ExecContext,
    (create, name): (bool, &str),
    given: &[DefElem],
    options: &[DefElem],
) -> Flow<()> {
    names::lock_name(cx, class::FOREIGN_DATA_WRAPPER, Oid::INVALID, name)?;
    only_superusers(cx, if create { "create" } else { "alter" }, name)?;
    let mut made = match create {
        true => {
            check_free(cx, ObjectType::ForeignDataWrapper, name)?;
            let kind = ForeignKind::Wrapper { validator: Oid::INVALID };
            new(cx, name, kind, Vec::new())?
        }
        false => named(cx, ObjectType::ForeignDataWrapper, name)?,
    };
    let found = functions(cmd, cx, given)?;
    if found.handler && !create {
        warn(cx, "changing the foreign-data wrapper handler can change behavior of existing foreign tables");
    }
    if let (Some(new), ForeignKind::Wrapper { validator }) = (found.validator, &mut made.kind) {
        *validator = new;
        if new.is_valid() && !create {
            let text = "changing the foreign-data wrapper validator can cause the options for dependent objects to become invalid";
            warn(cx, text);
        }
    }
    change(&mut made.options, options)?;
    if let ForeignKind::Wrapper { validator } = made.kind
        && (create || !options.is_empty())
    {
        validate(validator, &made.options, class::FOREIGN_DATA_WRAPPER)?;
    }
    Ok(put(cx, Object::Foreign(made))?)
}

fn new(cx: &mut ExecContext, name: &str, kind: ForeignKind, depends: Vec<Depend>) -> Result<Foreign> {
    let oid = new_oid(cx)?;
    let owner = cx.backend()?.user.current;
    Ok(Foreign { oid, name: name.to_owned(), owner, acl: None, options: Vec::new(), kind, depends })
}

// ---- servers and mappings ----

fn mapping_of(catalog: &Catalog, user: Oid, server: Oid) -> Option<Foreign> {
    let is = |f: &Foreign| f.owner == user && f.kind == ForeignKind::Mapping { server };
    all(catalog, class::USER_MAPPING).into_iter().find(is)
}

fn user_of(cx: &mut ExecContext, spec: &RoleSpec) -> Result<(Oid, String)> {
    match spec.kind {
        RoleKind::Public => Ok((Oid::INVALID, "public".into())),
        _ => role::resolve(cx.backend()?, spec),
    }
}

/// PostgreSQL 15, foreigncmds.c, user_mapping_ddl_aclcheck: everybody may for himself who may use the server.
fn may_map(cx: &mut ExecContext, user: Oid, server: &Foreign) -> Result<()> {
    let backend = cx.backend()?;
    if role::has_role(backend, server.owner) {
        return Ok(());
    }
    match backend.user.current == user {
        true => allowed(cx, server, ObjectType::ForeignServer),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of foreign server {}", server.name)),
    }
}

fn wrapper_of(server: &Foreign) -> Oid {
    match server.kind {
        ForeignKind::Server { wrapper, .. } => wrapper,
        _ => Oid::INVALID,
    }
}

fn no_mapping(user: &str, server: &str) -> String {
    format!("user mapping for \"{user}\" does not exist for server \"{server}\"")
}

fn depends(class: Oid, oid: Oid) -> Vec<Depend> {
    vec![Depend { on: ObjectKey::new(class, oid), auto: false }]
}

fn skip(cx: &mut ExecContext, state: SqlState, text: &str) {
    names::notice(cx, state, format!("{text}, skipping"));
}

fn create_server(cx: &mut ExecContext, stmt: &ForeignStmt) -> Flow<()> {
    let ForeignStmt::CreateServer { name, missing_ok, word, version, wrapper, options } = stmt else { return Ok(()) };
    names::lock_name(cx, class::FOREIGN_SERVER, Oid::INVALID, name)?;
    match check_free(cx, ObjectType::ForeignServer, name) {
        Err(e) if *missing_ok => {
            skip(cx, SqlState::DUPLICATE_OBJECT, e.message());
            return Ok(());
        }
        done => done?,
    }
    let of = named(cx, ObjectType::ForeignDataWrapper, wrapper)?;
    allowed(cx, &of, ObjectType::ForeignDataWrapper)?;
    let kind = ForeignKind::Server { wrapper: of.oid, word: word.clone(), version: version.clone() };
    let mut made = new(cx, name, kind, depends(class::FOREIGN_DATA_WRAPPER, of.oid))?;
    change(&mut made.options, options)?;
    let validator = validator_of(&cx.backend()?.catalog.clone(), of.oid);
    validate(validator, &made.options, class::FOREIGN_SERVER)?;
    Ok(put(cx, Object::Foreign(made))?)
}

fn mapping(
    cx: &mut ExecContext,
    (spec, server): (&RoleSpec, &str),
    options: &[DefElem],
    create: Option<bool>,
) -> Flow<()> {
    let (user, user_name) = user_of(cx, spec)?;
    let of = named(cx, ObjectType::ForeignServer, server)?;
    may_map(cx, user, &of)?;
    names::lock_name(cx, class::USER_MAPPING, of.oid, &user_name)?;
    let known = mapping_of(&cx.backend()?.catalog.clone(), user, of.oid);
    let mut made = match (known, create) {
        (Some(_), Some(missing_ok)) => {
            let text = format!("user mapping for \"{user_name}\" already exists for server \"{server}\"");
            if !missing_ok {
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
            }
            skip(cx, SqlState::DUPLICATE_OBJECT, &text);
            return Ok(());
        }
        (Some(known), None) => known,
        (None, None) => return Err(Error::new(SqlState::UNDEFINED_OBJECT, no_mapping(&user_name, server)).into()),
        (None, Some(_)) => {
            let kind = ForeignKind::Mapping { server: of.oid };
            Foreign { owner: user, ..new(cx, "", kind, depends(class::FOREIGN_SERVER, of.oid))? }
        }
    };
    change(&mut made.options, options)?;
    let validator = validator_of(&cx.backend()?.catalog.clone(), wrapper_of(&of));
    validate(validator, &made.options, class::USER_MAPPING)?;
    Ok(put(cx, Object::Foreign(made))?)
}

fn drop_mapping(cx: &mut ExecContext, spec: &RoleSpec, server: &str, missing_ok: bool) -> Flow<()> {
    let found = user_of(cx, spec).and_then(|u| Ok((u, named(cx, ObjectType::ForeignServer, server)?)));
    let ((user, user_name), of) = match found {
        Err(e) if missing_ok => {
            skip(cx, SqlState::SUCCESSFUL_COMPLETION, e.message());
            return Ok(());
        }
        found => found?,
    };
    let Some(known) = mapping_of(&cx.backend()?.catalog.clone(), user, of.oid) else {
        let text = no_mapping(&user_name, server);
        if missing_ok {
            skip(cx, SqlState::SUCCESSFUL_COMPLETION, &text);
            return Ok(());
        }
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
    };
    may_map(cx, user, &of)?;
    drop::remove(cx, vec![known.key()], crate::sql::ast::DropBehavior::Cascade)
}

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &ForeignStmt) -> Flow<String> {
    match stmt {
        ForeignStmt::Wrapper { create, name, functions, options } => {
            wrapper(cmd, cx, (*create, name), functions, options)?;
        }
        ForeignStmt::CreateServer { .. } => create_server(cx, stmt)?,
        ForeignStmt::AlterServer { name, version, options } => {
            let mut made = owned(cx, ObjectType::ForeignServer, name)?;
            if let (Some(new), ForeignKind::Server { version, .. }) = (version, &mut made.kind) {
                version.clone_from(new);
            }
            if !options.is_empty() {
                change(&mut made.options, options)?;
                let validator = validator_of(&cx.backend()?.catalog.clone(), wrapper_of(&made));
                validate(validator, &made.options, class::FOREIGN_SERVER)?;
            }
            put(cx, Object::Foreign(made))?;
        }
        ForeignStmt::CreateMapping { user, server, missing_ok, options } => {
            mapping(cx, (user, server), options, Some(*missing_ok))?;
        }
        ForeignStmt::AlterMapping { user, server, options } => mapping(cx, (user, server), options, None)?,
        ForeignStmt::DropMapping { user, server, missing_ok, .. } => drop_mapping(cx, user, server, *missing_ok)?,
    }
    Ok(stmt.tag().into())
}

// ---- what other commands do with them ----

pub fn drop_all(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { continue };
        match named(cx, stmt.object, name.name()) {
            Err(e) if stmt.missing_ok => skip(cx, SqlState::SUCCESSFUL_COMPLETION, e.message()),
            Err(e) => return Err(e.into()),
            Ok(_) => targets.push(owned(cx, stmt.object, name.name())?.key()),
        }
    }
    if targets.is_empty() { Ok(()) } else { drop::remove(cx, targets, stmt.behavior) }
}

pub fn renamed(cx: &mut ExecContext, object: ObjectType, name: &str, new: &str) -> Result<Object> {
    let found = owned(cx, object, name)?;
    check_free(cx, object, new)?;
    Ok(Object::Foreign(Foreign { name: new.to_owned(), ..found }))
}

/// With another owner. PostgreSQL 15, AlterForeignDataWrapperOwner_internal, AlterForeignServerOwner_internal.
pub fn with_owner(cx: &mut ExecContext, object: ObjectType, name: &str, new: (Oid, &str)) -> Result<Object> {
    let mut found = match object {
        ObjectType::ForeignServer => owned(cx, object, name)?,
        _ => {
            let text = format!("permission denied to change owner of foreign-data wrapper \"{name}\"");
            let denied = |hint: &str| Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text.clone()).hint(hint);
            if !cx.backend()?.user.is_superuser {
                return Err(denied("Must be superuser to change owner of a foreign-data wrapper."));
            }
            let found = named(cx, object, name)?;
            if !cx.backend()?.catalog.role(new.0).is_some_and(|r| r.superuser) {
                return Err(denied("The owner of a foreign-data wrapper must be a superuser."));
            }
            found
        }
    };
    if object == ObjectType::ForeignServer && !cx.backend()?.user.is_superuser {
        super::owner::may_become(cx, new.0, new.1)?;
        let catalog = cx.backend()?.catalog.clone();
        let of = all(&catalog, class::FOREIGN_DATA_WRAPPER).into_iter().find(|w| w.oid == wrapper_of(&found));
        let subject = rights::Subject::of(&catalog, new.0);
        if let Some(of) = of.filter(|w| !subject.may(w.owner, w.acl.as_deref(), "", 'U', false)) {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for foreign-data wrapper {}", of.name));
        }
    }
    super::owner::change_owner(&mut found.owner, &mut found.acl, new.0);
    Ok(Object::Foreign(found))
}

/// What it is called in messages about dependencies.
pub fn shown(catalog: &Catalog, f: &Foreign) -> String {
    match f.kind {
        ForeignKind::Wrapper { .. } => format!("foreign-data wrapper {}", f.name),
        ForeignKind::Server { .. } => format!("server {}", f.name),
        ForeignKind::Mapping { server } => {
            let record = catalog.get(ObjectKey::new(class::FOREIGN_SERVER, server));
            let server = match record.as_ref().map(|r| &r.object) {
                Some(Object::Foreign(s)) => s.name.clone(),
                _ => String::new(),
            };
            let user = catalog.role(f.owner).map_or_else(|| "public".to_owned(), |r| r.name);
            format!("user mapping for {user} on server {server}")
        }
    }
}
