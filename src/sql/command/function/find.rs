//! Routines by the names and arguments that statements give them.

use super::signature::{resolve_type_name, unplaced};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::ObjectKey;
use crate::catalog::object::{Function, class, fixed};
use crate::err;
use crate::sql::ast::{FuncSignature, ObjectName, ObjectType, ParamMode};
use crate::sql::command::{Command, role};
use crate::sql::exec::ExecContext;
use crate::sql::func::{self, FuncDef};
use crate::sql::routine::shown;

pub(super) fn word(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Procedure => "procedure",
        ObjectType::Routine => "routine",
        ObjectType::Aggregate => "aggregate",
        _ => "function",
    }
}

/// Whether a routine of this `prokind` may be what the statement names.
fn fits(object: ObjectType, kind: char) -> bool {
    match object {
        ObjectType::Procedure => kind == 'p',
        ObjectType::Aggregate => kind == 'a',
        ObjectType::Routine => true,
        _ => kind != 'p',
    }
}

/// The built-in function a signature names.
///
/// # Errors
/// 42725 where several have the name and no arguments tell which.
pub fn find_builtin(
    cmd: &Command,
    cx: &mut ExecContext,
    object: ObjectType,
    sig: &FuncSignature,
) -> Result<Option<&'static FuncDef>> {
    let namespace = match sig.name.schema() {
        Some(s) => cx.backend()?.catalog.namespace_oid(s).ok(),
        None => Some(fixed::PG_CATALOG),
    };
    let wanted = |f: &&&FuncDef| fits(object, char::from(f.kind)) && Some(f.fact.namespace) == namespace;
    let mut found = func::funcs_named(sig.name.name()).iter().filter(wanted);
    let Some(params) = &sig.args else {
        let one = found.next();
        if found.next().is_some() {
            return Err(ambiguous(word(object), &sig.name.joined()));
        }
        return Ok(one.copied());
    };
    let mut inputs = Vec::new();
    for p in params.iter().filter(|p| !matches!(p.mode, ParamMode::Out | ParamMode::Table)) {
        inputs.push(resolve_type_name(cx, &cmd.source, &p.typ).map_err(|e| unplaced(e, true))?.oid);
    }
    Ok(found.find(|f| f.args == inputs).copied())
}

fn ambiguous(word: &str, name: &str) -> Error {
    err!(AMBIGUOUS_FUNCTION, "{word} name \"{name}\" is not unique")
        .hint(format!("Specify the argument list to select the {word} unambiguously."))
}

/// The user's routine a signature names.
///
/// # Errors
/// 42883, 42725, 42809; Ok(Err) with the error for what is not there.
pub fn find(
    cmd: &Command,
    cx: &mut ExecContext,
    object: ObjectType,
    sig: &FuncSignature,
) -> Result<std::result::Result<Function, Error>> {
    let catalog = cx.backend()?.catalog.clone();
    let path: Vec<Oid> = match sig.name.schema() {
        Some(s) => match catalog.namespace_by_name(s) {
            Some(_) => vec![catalog.namespace_oid(s)?],
            None => {
                return Ok(Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist")));
            }
        },
        None => catalog.routine_path().to_vec(),
    };
    let name = sig.name.name();
    let mut all: Vec<Function> = Vec::new();
    for namespace in &path {
        for oid in catalog.find(class::PROC, *namespace, name) {
            if let Some(record) = catalog.get(ObjectKey::new(class::PROC, oid)) {
                all.push(record.object.as_function()?.clone());
            }
        }
    }
    let shown_name = sig.name.joined();
    let word = word(object);
    let Some(params) = &sig.args else {
        all.retain(|f| fits(object, f.kind));
        return Ok(match all.len() {
            1 => Ok(all.swap_remove(0)),
            0 => Err(err!(UNDEFINED_FUNCTION, "could not find a {word} named \"{shown_name}\"")),
            _ => return Err(ambiguous(word, &shown_name)),
        });
    };
    let mut inputs = Vec::new();
    let mut everything = Vec::new();
    for p in params {
        let ty = match resolve_type_name(cx, &cmd.source, &p.typ).map_err(|e| unplaced(e, true)) {
            Ok(t) => t.oid,
            // A function may be of a type that is not made yet.
            Err(e) if e.message().ends_with("is only a shell") => {
                crate::sql::command::types::find(cx, &p.typ.names)?.map(|t| t.oid).ok_or(e)?
            }
            Err(e) if [SqlState::UNDEFINED_OBJECT, SqlState::INVALID_SCHEMA_NAME].contains(&e.sqlstate()) => {
                return Ok(Err(e));
            }
            Err(e) => return Err(e),
        };
        everything.push(ty);
        if !matches!(p.mode, ParamMode::Out | ParamMode::Table) {
            inputs.push(ty);
        }
    }
    let by_inputs = |f: &Function| f.inputs() == inputs && fits(object, f.kind);
    let found = all.iter().position(by_inputs);
    // A procedure may be named with its OUT arguments' types, too, where no argument's mode is given (PostgreSQL 15,
    // parse_func.c, LookupFuncWithArgs: both ways must not lead to different ones).
    let plain = matches!(object, ObjectType::Procedure | ObjectType::Routine)
        && params.iter().all(|p| matches!(p.mode, ParamMode::Default));
    let whole = all.iter().position(|f| plain && f.is_procedure() && fits(object, f.kind) && f.arg_types == everything);
    match (found, whole) {
        (Some(i), Some(other)) if i != other => {
            return Err(err!(AMBIGUOUS_FUNCTION, "{word} name \"{shown_name}\" is not unique"));
        }
        (Some(i), _) | (None, Some(i)) => return Ok(Ok(all.swap_remove(i))),
        (None, None) => {}
    }
    let signature = match object == ObjectType::Aggregate && inputs.is_empty() {
        true => format!("{shown_name}(*)"),
        false => shown::listed(&*cx.fx.io.hooks, &shown_name, &inputs),
    };
    // What could be of any kind is called a function.
    let word = if object == ObjectType::Routine { "function" } else { word };
    if all.iter().any(|f| f.inputs() == inputs) {
        let text = match word {
            "aggregate" => format!("function {signature} is not an aggregate"),
            _ => format!("{signature} is not a {word}"),
        };
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
    }
    Ok(Err(err!(UNDEFINED_FUNCTION, "{word} {signature} does not exist")))
}

pub(super) fn owned(cx: &mut ExecContext, f: &Function) -> Result<()> {
    match role::has_role(cx.backend()?, f.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {} {}", shown::kind_word(f), f.name)),
    }
}

/// # Errors
/// 42501 for a function the user may not call.
pub fn may_call(cx: &mut ExecContext, def: &crate::sql::func::FuncDef) -> Result<()> {
    if !def.is_users() {
        return Ok(());
    }
    let record = crate::sql::routine::record(cx, def.oid)?;
    crate::sql::routine::check_execute(cx, crate::sql::routine::function(&record)?)
}

/// An owned routine by its name in a statement; what it is called if it is not.
pub fn named(
    cmd: &Command,
    cx: &mut ExecContext,
    (object, word): (ObjectType, Option<&str>),
    name: &ObjectName,
) -> Result<Function> {
    let ObjectName::Function(sig) = name else { return Err(Error::internal("a routine with an odd name")) };
    let f = match find(cmd, cx, object, sig)? {
        Ok(f) => f,
        Err(missing) => {
            let builtin = find_builtin(cmd, cx, object, sig)?;
            return Err(
                builtin.map_or(missing, |_| Error::unsupported("changes of built-in functions are not supported"))
            );
        }
    };
    match role::has_role(cx.backend()?, f.owner) {
        true => Ok(f),
        false => {
            let word = word.unwrap_or_else(|| shown::kind_word(&f));
            Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {}", f.name))
        }
    }
}
