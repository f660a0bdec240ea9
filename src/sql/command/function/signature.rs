//! Arguments and result as they are declared.

use crate::base::{Error, Oid, Result, SqlState};
use crate::err;
use crate::sql::ast::{CreateFunctionStmt, DefElem, FuncParam, ParamMode, TypeName};
use crate::sql::bind::scope::Clause;
use crate::sql::command::write::{check_usable, resolve_type};
use crate::sql::command::{Command, names, stored_text};
use crate::sql::exec::ExecContext;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// Arguments at most, as PostgreSQL's FUNC_MAX_ARGS.
pub(super) const MAX_ARGS: usize = 100;

pub(super) fn mode_letter(p: &FuncParam) -> char {
    match p.mode {
        ParamMode::Default | ParamMode::In => 'i',
        ParamMode::Out => 'o',
        ParamMode::InOut => 'b',
        ParamMode::Variadic => 'v',
        ParamMode::Table => 't',
    }
}

/// The signature being made.
#[derive(Default)]
pub(super) struct Signature {
    pub(super) types: Vec<Oid>,
    pub(super) names: Vec<String>,
    pub(super) modes: Vec<char>,
    pub(super) defaults: Vec<Option<Arc<str>>>,
    /// The type its OUT arguments make the result; None: there are none.
    pub(super) outs: Option<Oid>,
}

pub(super) fn invalid(text: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, text)
}

pub(super) fn signature(cmd: &Command, cx: &mut ExecContext, stmt: &CreateFunctionStmt) -> Result<Signature> {
    let mut out = Signature::default();
    let mut outs = Vec::new();
    let mut had_default = false;
    let mut variadic = false;
    if stmt.params.len() > MAX_ARGS {
        return Err(err!(TOO_MANY_ARGUMENTS, "functions cannot have more than {MAX_ARGS} arguments"));
    }
    for p in &stmt.params {
        let mode = mode_letter(p);
        if p.typ.setof {
            let what = if stmt.procedure { "procedures" } else { "functions" };
            return Err(invalid(format!("{what} cannot accept set arguments")));
        }
        let ty = type_or_shell(cmd, cx, stmt, &p.typ, "argument").map_err(|e| unplaced(e, false))?;
        let is_input = matches!(mode, 'i' | 'b' | 'v');
        if variadic && (is_input || mode == 'o' && stmt.procedure) {
            return Err(invalid("VARIADIC parameter must be the last input parameter"));
        }
        if mode == 'v' {
            variadic = true;
            let array = crate::types::element_type(ty.oid).is_some()
                || matches!(ty.oid, oid::ANYARRAY | oid::ANYCOMPATIBLEARRAY | oid::ANY);
            if !array {
                return Err(invalid("VARIADIC parameter must be an array"));
            }
        }
        if matches!(mode, 'o' | 'b' | 't') {
            outs.push(ty.oid);
        }
        let name = p.name.clone().unwrap_or_default();
        if !name.is_empty() {
            let clash = out.names.iter().zip(&out.modes).any(|(n, m)| {
                let both = (matches!(m, 'i' | 'v') && matches!(mode, 'o' | 't'))
                    || (matches!(m, 'o' | 't') && matches!(mode, 'i' | 'v'));
                *n == name && !both
            });
            if clash {
                return Err(invalid(format!("parameter name \"{name}\" used more than once")));
            }
        }
        match &p.default {
            Some(_) if !is_input => return Err(invalid("only input parameters can have default values")),
            Some(e) => {
                let bound =
                    crate::sql::command::write::bind(cx, &cmd.source, e, None, Clause::Default, Some((&name, ty)));
                bound.map_err(|mut e| {
                    // The words are those for arguments, not for columns.
                    if e.sqlstate() == SqlState::DATATYPE_MISMATCH {
                        e.0.position = None;
                    }
                    e
                })?;
                let text = stored_text::text_of(cx, e, Some(ty))?;
                out.defaults.push(Some(text));
                had_default = true;
            }
            None => {
                if is_input && had_default {
                    return Err(invalid("input parameters after one with a default value must also have defaults"));
                }
                if mode == 'o' && stmt.procedure && had_default {
                    return Err(invalid("procedure OUT parameters cannot appear after one with a default value"));
                }
                out.defaults.push(None);
            }
        }
        out.types.push(ty.oid);
        out.names.push(name);
        out.modes.push(mode);
    }
    out.outs = match outs.len() {
        0 => None,
        1 if !stmt.procedure => Some(outs[0]),
        _ => Some(oid::RECORD),
    };
    if out.modes.iter().all(|m| *m == 'i') {
        out.modes.clear();
    }
    if out.names.iter().all(String::is_empty) {
        out.names.clear();
    }
    if out.defaults.iter().all(Option::is_none) {
        out.defaults.clear();
    }
    Ok(out)
}

pub(super) fn result_type(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &CreateFunctionStmt,
    sig: &Signature,
) -> Result<(TypeRef, bool)> {
    if stmt.procedure {
        return Ok((TypeRef::of(if sig.outs.is_some() { oid::RECORD } else { oid::VOID }), false));
    }
    let hooks = cx.fx.io.hooks.clone();
    match (&stmt.returns, sig.outs) {
        _ if stmt.returns_table => {
            let ty = sig.outs.unwrap_or(oid::RECORD);
            Ok((TypeRef::of(ty), true))
        }
        (Some(t), outs) => {
            let ty = type_or_shell(cmd, cx, stmt, t, "return").map_err(|e| unplaced(e, true))?;
            if let Some(wanted) = outs
                && wanted != ty.oid
            {
                let shown = crate::types::format_type_plain(wanted, &*hooks);
                return Err(invalid(format!("function result type must be {shown} because of OUT parameters")));
            }
            Ok((TypeRef::of(ty.oid), t.setof))
        }
        (None, Some(ty)) => Ok((TypeRef::of(ty), false)),
        (None, None) => Err(invalid("function result type must be specified")),
    }
}

/// The type of an argument or a result; functions that make a type out of a shell may name that.
pub(super) fn type_or_shell(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &CreateFunctionStmt,
    name: &TypeName,
    what: &str,
) -> Result<TypeRef> {
    let fault = match resolve_type_name(cx, &cmd.source, name) {
        Err(e) if e.message().ends_with("is only a shell") => e,
        Err(e) => return Err(e),
        Ok(ty) => {
            check_usable(cx, ty.oid)?;
            if name.pct_type {
                let shown = crate::types::format_type_plain(ty.oid, &*cx.fx.io.hooks);
                let text = format!("type reference {}%TYPE converted to {shown}", name.names.join("."));
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            return Ok(ty);
        }
    };
    let language = stmt.options.iter().find(|o| o.name == "language").and_then(DefElem::string).unwrap_or_default();
    let Some(shell) =
        crate::sql::command::types::find(cx, &name.names)?.filter(|_| !language.eq_ignore_ascii_case("sql"))
    else {
        return Err(fault);
    };
    names::notice(cx, SqlState::WRONG_OBJECT_TYPE, format!("{what} type {} is only a shell", shell.name));
    Ok(TypeRef::of(shell.oid))
}

/// A type that does not exist is told without its place here, an argument's without quotes, too.
pub fn unplaced(mut e: Error, quoted: bool) -> Error {
    if e.sqlstate() == SqlState::UNDEFINED_OBJECT {
        e.0.position = None;
        if !quoted {
            e.0.message = e.0.message.replace('"', "");
        }
    }
    e
}

/// A type of an argument or a result: pseudo-types are allowed, names of tables, too.
pub fn resolve_type_name(cx: &mut ExecContext, source: &str, name: &TypeName) -> Result<TypeRef> {
    resolve_type(cx, source, name)
}
