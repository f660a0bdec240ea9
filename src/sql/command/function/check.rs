//! What a new routine must be: its types, and its body.

use super::signature::invalid;
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::Object;
use crate::catalog::object::Function;
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::command::Command;
use crate::sql::command::write::put;
use crate::sql::exec::ExecContext;
use crate::sql::func::polymorphic;
use crate::sql::routine::body::SqlBody;
use crate::sql::routine::returns::Returns;
use crate::sql::{extension, func};
use crate::types::{TypeRef, oid};

pub(super) fn is_coded(f: &Function) -> bool {
    matches!(f.language.as_str(), "c" | "internal")
}

/// The code behind a function without body must be there.
pub(super) fn check_code(f: &Function) -> Result<()> {
    let Some(library) = &f.library else {
        return match func::implementation(&f.body) {
            Some(_) => Ok(()),
            None => Err(err!(UNDEFINED_FUNCTION, "there is no built-in function named \"{}\"", f.body)),
        };
    };
    if !extension::has_library(library) {
        return Err(err!(UNDEFINED_FILE, "could not access file \"{library}\": No such file or directory"));
    }
    match extension::symbol(library, &f.body).1 {
        Some(_) => Ok(()),
        None => Err(err!(UNDEFINED_FUNCTION, "could not find function \"{}\" in file \"{library}\"", f.body)),
    }
}

/// PostgreSQL 15, parse_coerce.c, check_valid_polymorphic_signature: a polymorphic result follows from an argument.
/// check_valid_internal_signature: so does one of type internal.
pub(in crate::sql::command) fn check_result(cx: &ExecContext, inputs: &[Oid], result: Oid) -> Result<()> {
    let among = |family: &[Oid]| inputs.iter().any(|t| family.contains(t));
    let (fine, family) = match result {
        oid::ANYRANGE | oid::ANYMULTIRANGE => {
            (among(&[oid::ANYRANGE, oid::ANYMULTIRANGE]), "anyrange or anymultirange")
        }
        oid::ANYCOMPATIBLERANGE | oid::ANYCOMPATIBLEMULTIRANGE => (
            among(&[oid::ANYCOMPATIBLERANGE, oid::ANYCOMPATIBLEMULTIRANGE]),
            "anycompatiblerange or anycompatiblemultirange",
        ),
        r if polymorphic::is_first(r) => (
            inputs.iter().any(|t| polymorphic::is_first(*t)),
            "anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange",
        ),
        r if polymorphic::is_second(r) => (
            inputs.iter().any(|t| polymorphic::is_second(*t)),
            "anycompatible, anycompatiblearray, anycompatiblenonarray, anycompatiblerange, or anycompatiblemultirange",
        ),
        oid::INTERNAL if !inputs.contains(&oid::INTERNAL) => {
            return Err(invalid("unsafe use of pseudo-type \"internal\"")
                .detail("A result of type internal requires at least one input of type internal."));
        }
        _ => return Ok(()),
    };
    if fine {
        return Ok(());
    }
    let shown = crate::types::format_type_plain(result, &*cx.fx.io.hooks);
    Err(invalid("cannot determine result data type")
        .detail(format!("A result of type {shown} requires at least one input of type {family}.")))
}

pub(super) fn check_pseudo(cx: &ExecContext, f: &Function) -> Result<()> {
    let is_pseudo = |t: Oid| crate::types::info(t).is_some_and(|i| i.is_pseudo());
    let polymorphic = polymorphic::is_polymorphic;
    let shown = |t: Oid| crate::types::format_type_plain(t, &*cx.fx.io.hooks);
    let r = f.result.oid;
    check_result(cx, &f.inputs(), r)?;
    for n in (0..f.arg_types.len()).filter(|n| !f.is_input(*n)) {
        check_result(cx, &f.inputs(), f.arg_types[n])?;
    }
    if is_coded(f) {
        return Ok(());
    }
    let (language, word) = match f.language.as_str() {
        "sql" => ("SQL functions", "return"),
        _ => ("PL/pgSQL functions", "return"),
    };
    let fine = polymorphic(r)
        || matches!(r, oid::VOID | oid::RECORD)
        || f.language == "plpgsql" && matches!(r, oid::TRIGGER | oid::EVENT_TRIGGER);
    if is_pseudo(r) && !fine {
        let state =
            if f.language == "sql" { SqlState::INVALID_FUNCTION_DEFINITION } else { SqlState::FEATURE_NOT_SUPPORTED };
        return Err(Error::new(state, format!("{language} cannot {word} type {}", shown(r))));
    }
    for n in 0..f.arg_types.len() {
        let t = f.arg_types[n];
        if is_pseudo(t) && !polymorphic(t) && !(f.language == "plpgsql" && t == oid::RECORD) && f.is_input(n) {
            let text = match f.language.as_str() {
                "sql" => format!("SQL functions cannot have arguments of type {}", shown(t)),
                _ => format!("PL/pgSQL functions cannot accept type {}", shown(t)),
            };
            let state = if f.language == "sql" {
                SqlState::INVALID_FUNCTION_DEFINITION
            } else {
                SqlState::FEATURE_NOT_SUPPORTED
            };
            return Err(Error::new(state, text));
        }
    }
    Ok(())
}

/// Checks a body as far as check_function_bodies wants it. The function need not be in the catalogs.
pub(super) fn validate(cmd: &Command, cx: &mut ExecContext, f: &Function) -> Result<()> {
    if !cx.backend()?.view.bool(Id::CheckFunctionBodies) {
        return Ok(());
    }
    if is_coded(f) {
        return check_code(f);
    }
    // Bodies may call the function itself: it has to be there.
    let backend = cx.backend()?;
    let catalog = backend.catalog.clone();
    backend.txn.next_command();
    let depth = backend.txn.depth();
    backend.txn.savepoint(&catalog, "");
    let level = backend.settings.lock().enter();
    let told = cx.notices.len();
    let checked = put(cx, Object::Function(f.clone())).and_then(|()| check(cx, f));
    for notice in cx.notices.iter_mut().skip(told) {
        let e = transposed(cmd, &f.body, Error(Box::new(notice.clone())));
        *notice = *e.0;
    }
    let backend = cx.backend()?;
    backend.settings.lock().leave(level, false);
    backend.txn.undo_from(&catalog, depth)?;
    checked.map_err(|e| if f.atomic { e } else { transposed(cmd, &f.body, e) })
}

pub(super) fn check(cx: &mut ExecContext, f: &Function) -> Result<()> {
    let polymorphic = f.inputs().iter().any(|t| crate::types::info(*t).is_some_and(|i| i.is_pseudo()));
    let types: Vec<TypeRef> = f.inputs().iter().map(|t| TypeRef::of(*t)).collect();
    match f.language.as_str() {
        "sql" => {
            let in_function = |e: Error| match e.0.internal_position {
                Some(_) => e,
                None => e.context(format!("SQL function \"{}\"", f.name)),
            };
            let returns = Returns::of(cx, f, f.result, &types, None);
            let body = SqlBody::new(cx, f, &types, returns).map_err(in_function)?;
            if polymorphic {
                return Ok(());
            }
            body.check(cx).map_err(in_function)
        }
        _ => crate::sql::plpgsql::compile_checked(cx, f, &types, f.result).map(|_| ()),
    }
}

/// A position in the body as one in the statement. PostgreSQL 15, pg_proc.c, function_parse_error_transpose.
pub fn transposed(cmd: &Command, body: &str, mut e: Error) -> Error {
    let Some(position) = e.0.internal_position else { return e };
    if e.0.internal_query.as_deref() != Some(body) {
        return e;
    }
    let mut found = cmd.source.match_indices(body).filter(|(at, _)| {
        let before = cmd.source[..*at].chars().next_back();
        matches!(before, Some('$' | '\''))
    });
    if let (Some((at, _)), None) = (found.next(), found.next()) {
        let before = cmd.source[..at].chars().count() as u32;
        e.0.position = Some(before + position);
        e.0.internal_position = None;
        e.0.internal_query = None;
    }
    e
}
