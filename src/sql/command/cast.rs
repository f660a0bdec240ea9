//! CREATE and DROP CAST. PostgreSQL 15, functioncmds.c, CreateCast: same refusals.

use super::write::{new_oid, put, resolve_type, resolve_type_unplaced};
use super::{Command, function, names, role};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Depend, class};
use crate::catalog::{Cast, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{CastContext, CreateCastStmt, FuncSignature, ParamMode, TypeName};
use crate::sql::bind::{self, Names};
use crate::sql::exec::ExecContext;
use crate::sql::func::{self, FuncDef};
use crate::sql::routine::shown;
use crate::types::{self, oid};

fn invalid(text: &str) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, text)
}

fn type_shown(cx: &ExecContext, t: Oid) -> String {
    types::format_type(t, -1, &*cx.fx.io.hooks)
}

/// The function that does the cast.
fn function_of(cmd: &Command, cx: &mut ExecContext, sig: &FuncSignature) -> Result<&'static FuncDef> {
    let mut given = Vec::new();
    for p in sig.args.iter().flatten().filter(|p| !matches!(p.mode, ParamMode::Out | ParamMode::Table)) {
        given.push(resolve_type(cx, &cmd.source, &p.typ)?.oid);
    }
    let catalog = cx.backend()?.catalog.clone();
    let mut known = Names::functions(&*catalog, sig.name.schema(), sig.name.name());
    known.retain(|(_, f)| sig.args.is_none() || f.args == given);
    known.sort_by_key(|(place, _)| *place);
    match known.first() {
        Some((_, f)) => Ok(f),
        None => {
            let listed = shown::listed(&*cx.fx.io.hooks, &sig.name.joined(), &given);
            Err(err!(UNDEFINED_FUNCTION, "function {listed} does not exist"))
        }
    }
}

fn check_function(f: &FuncDef, source: Oid, target: Oid) -> Result<()> {
    let text = if !(1..=3).contains(&f.args.len()) {
        "cast function must take one to three arguments"
    } else if !bind::is_binary_coercible(source, f.args[0]) {
        "argument of cast function must match or be binary-coercible from source data type"
    } else if f.args.get(1).is_some_and(|t| *t != oid::INT4) {
        "second argument of cast function must be type integer"
    } else if f.args.get(2).is_some_and(|t| *t != oid::BOOL) {
        "third argument of cast function must be type boolean"
    } else if !bind::is_binary_coercible(f.ret, target) {
        "return data type of cast function must match or be binary-coercible to target data type"
    } else if f.kind != b'f' {
        "cast function must be a normal function"
    } else if f.retset {
        "cast function must not return a set"
    } else {
        return Ok(());
    };
    Err(invalid(text))
}

/// WITHOUT FUNCTION: the values must be the same, byte by byte.
fn check_binary(cx: &mut ExecContext, source: Oid, target: Oid) -> Result<()> {
    if !cx.backend()?.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create a cast WITHOUT FUNCTION"));
    }
    let (Some(a), Some(b)) = (types::info(source), types::info(target)) else { return Ok(()) };
    let same = (a.len, a.byval, a.align) == (b.len, b.byval, b.align) && types::phys(source) == types::phys(target);
    if !same {
        return Err(invalid("source and target data types are not physically compatible"));
    }
    for (kind, what) in [(b'c', "composite"), (b'e', "enum")] {
        if a.kind == kind || b.kind == kind {
            return Err(invalid(&format!("{what} data types are not binary-compatible")));
        }
    }
    if a.is_array() || b.is_array() {
        return Err(invalid("array data types are not binary-compatible"));
    }
    if a.kind == b'd' || b.kind == b'd' {
        return Err(invalid("domain data types must not be marked binary-compatible"));
    }
    Ok(())
}

fn owns(cx: &mut ExecContext, t: Oid) -> Result<bool> {
    let backend = cx.backend()?;
    let owner = match backend.catalog.user_type(t) {
        Some(t) => t.owner,
        None => crate::catalog::object::fixed::BOOTSTRAP_SUPERUSER,
    };
    Ok(role::has_role(backend, owner))
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateCastStmt) -> Flow<String> {
    let (source, target) = (place(cmd, cx, &stmt.from)?, place(cmd, cx, &stmt.to)?);
    for (t, which) in [(source, "source"), (target, "target")] {
        if types::info(t).is_some_and(|i| i.is_pseudo()) {
            let text = format!("{which} data type {} is a pseudo-type", type_shown(cx, t));
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text).into());
        }
    }
    if !owns(cx, source)? && !owns(cx, target)? {
        let (a, b) = (type_shown(cx, source), type_shown(cx, target));
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of type {a} or type {b}").into());
    }
    super::write::check_usable(cx, source)?;
    super::write::check_usable(cx, target)?;
    let domain = |t: &(Oid, &str)| types::info(t.0).is_some_and(|i| i.kind == b'd');
    // One of them is told.
    if let Some((_, which)) = [(source, "source"), (target, "target")].into_iter().find(domain) {
        let text = format!("cast will be ignored because the {which} data type is a domain");
        cx.notices.push(Report::notice(Severity::Warning, SqlState::WRONG_OBJECT_TYPE, text));
    }
    names::lock_name(cx, class::CAST, Oid::INVALID, &format!("{} {}", source.0, target.0))?;
    let (function, method, args) = match (&stmt.func, stmt.inout) {
        (Some(sig), _) => {
            let f = function_of(cmd, cx, sig)?;
            function::may_call(cx, f)?;
            check_function(f, source, target)?;
            (f.oid, 'f', f.args.len())
        }
        (None, true) => (Oid::INVALID, 'i', 0),
        (None, false) => {
            check_binary(cx, source, target)?;
            (Oid::INVALID, 'b', 0)
        }
    };
    if source == target && args < 2 {
        return Err(invalid("source data type and target data type are the same").into());
    }
    if source == target {
        return Err(Error::unsupported("casts of users that apply a type modifier are not supported").into());
    }
    if func::cast(source, target).is_some() || find(cx, source, target)?.is_some() {
        let (a, b) = (type_shown(cx, source), type_shown(cx, target));
        return Err(err!(DUPLICATE_OBJECT, "cast from type {a} to type {b} already exists").into());
    }
    let on = |class, oid| Depend { on: ObjectKey::new(class, oid), auto: false };
    let mut depends = vec![on(class::TYPE, source), on(class::TYPE, target)];
    if function.is_valid() {
        depends.push(on(class::PROC, function));
    }
    let context = match stmt.context {
        CastContext::Implicit => 'i',
        CastContext::Assignment => 'a',
        CastContext::Explicit => 'e',
    };
    let oid = new_oid(cx)?;
    put(cx, Object::Cast(Cast { oid, source, target, function, context, method, depends }))?;
    Ok("CREATE CAST".into())
}

/// A type of a cast: messages have no position.
fn place(cmd: &Command, cx: &mut ExecContext, typ: &TypeName) -> Result<Oid> {
    resolve_type_unplaced(cx, &cmd.source, typ).map(|t| t.oid)
}

fn find(cx: &mut ExecContext, source: Oid, target: Oid) -> Result<Option<Cast>> {
    let is = |c: &Cast| c.source == source && c.target == target;
    Ok(cx.backend()?.catalog.all(class::CAST).iter().find_map(|r| match &r.object {
        Object::Cast(c) if is(c) => Some(c.clone()),
        _ => None,
    }))
}

/// A user's cast that a statement names.
pub fn named(cmd: &Command, cx: &mut ExecContext, from: &TypeName, to: &TypeName) -> Result<Option<Cast>> {
    let (source, target) = (place(cmd, cx, from)?, place(cmd, cx, to)?);
    let Some(found) = find(cx, source, target)? else { return Ok(None) };
    if !owns(cx, source)? && !owns(cx, target)? {
        let (a, b) = (type_shown(cx, source), type_shown(cx, target));
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of type {a} or type {b}"));
    }
    Ok(Some(found))
}

/// `cast from a to b`
pub fn shown(cx: &ExecContext, c: &Cast) -> String {
    format!("cast from {} to {}", type_shown(cx, c.source), type_shown(cx, c.target))
}
