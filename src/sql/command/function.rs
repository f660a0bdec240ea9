//! CREATE, ALTER and DROP of functions and procedures.

use super::write::{new_oid, put, resolve_type};
use super::{Command, drop, names, role, schema, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Depend, Function, class};
use crate::catalog::{Object, ObjectKey};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::ast::{
    AlterFunctionStmt, CreateFunctionStmt, DefArg, DefElem, DropStmt, FuncParam, FuncSignature, FunctionBody,
    ObjectName, ObjectType, ParamMode, SetAction, TypeName,
};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::func::polymorphic;
use crate::sql::routine::body::SqlBody;
use crate::sql::routine::returns::Returns;
use crate::sql::routine::shown;
use crate::sql::{extension, func};
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// Arguments at most, as PostgreSQL's FUNC_MAX_ARGS.
const MAX_ARGS: usize = 100;

/// What the clauses after the signature say.
#[derive(Default)]
struct Options {
    body: Option<String>,
    /// `AS file, symbol`.
    symbol: Option<String>,
    language: Option<String>,
    volatility: Option<char>,
    strict: Option<bool>,
    definer: Option<bool>,
    leakproof: Option<bool>,
    cost: Option<f32>,
    rows: Option<f32>,
    parallel: Option<char>,
    settings: Vec<crate::sql::ast::SetVariableStmt>,
    window: bool,
}

fn redundant(cmd: &Command, o: &DefElem) -> Error {
    err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(o.pos))
}

fn number(o: &DefElem) -> Option<f32> {
    match &o.arg {
        Some(DefArg::Int(n)) => Some(*n as f32),
        Some(DefArg::Float(f)) => f.parse().ok(),
        _ => None,
    }
}

fn options(cmd: &Command, list: &[DefElem], procedure: bool) -> Result<Options> {
    let mut out = Options::default();
    let mut seen: Vec<&str> = Vec::new();
    for o in list {
        if o.name != "set" && seen.contains(&o.name.as_str()) {
            return Err(redundant(cmd, o));
        }
        seen.push(&o.name);
        if procedure
            && matches!(
                o.name.as_str(),
                "volatility" | "strict" | "leakproof" | "cost" | "rows" | "support" | "parallel" | "window"
            )
        {
            let e = Error::new(SqlState::INVALID_FUNCTION_DEFINITION, "invalid attribute in procedure definition");
            return Err(e.at(cmd.at(o.pos)));
        }
        let text = || o.string().unwrap_or_default();
        let yes = matches!(o.arg, Some(DefArg::Bool(true)));
        match o.name.as_str() {
            "as" => {
                let parts: Vec<String> = match &o.arg {
                    Some(DefArg::List(l)) => l
                        .iter()
                        .map(|a| match a {
                            DefArg::Str(s) => s.clone(),
                            _ => String::new(),
                        })
                        .collect(),
                    _ => vec![text()],
                };
                let mut parts = parts.into_iter();
                out.body = parts.next();
                out.symbol = parts.next();
            }
            "language" => out.language = Some(text()),
            "volatility" => out.volatility = text().chars().next(),
            "strict" => out.strict = Some(yes),
            "security" => out.definer = Some(yes),
            "leakproof" => out.leakproof = Some(yes),
            "cost" => {
                out.cost = number(o);
                if out.cost.is_some_and(|c| c <= 0.0) {
                    return Err(err!(INVALID_PARAMETER_VALUE, "COST must be positive"));
                }
            }
            "rows" => {
                out.rows = number(o);
                if out.rows.is_some_and(|c| c <= 0.0) {
                    return Err(err!(INVALID_PARAMETER_VALUE, "ROWS must be positive"));
                }
            }
            "parallel" => {
                out.parallel = Some(match text().as_str() {
                    "safe" => 's',
                    "unsafe" => 'u',
                    "restricted" => 'r',
                    _ => {
                        let text = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
                        return Err(err!(SYNTAX_ERROR, "{text}"));
                    }
                });
            }
            "set" => {
                if let Some(DefArg::Set(s)) = &o.arg {
                    out.settings.push((**s).clone());
                }
            }
            "window" => out.window = yes,
            "support" => return Err(Error::unsupported("SUPPORT of functions is not supported")),
            "transform" => return Err(Error::unsupported("TRANSFORM is not supported")),
            other => return Err(Error::internal(format!("option \"{other}\" of a function"))),
        }
    }
    Ok(out)
}

fn mode_letter(p: &FuncParam) -> char {
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
struct Signature {
    types: Vec<Oid>,
    names: Vec<String>,
    modes: Vec<char>,
    defaults: Vec<Option<Arc<str>>>,
    /// The type its OUT arguments make the result; None: there are none.
    outs: Option<Oid>,
}

fn invalid(text: impl Into<String>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, text)
}

fn signature(cmd: &Command, cx: &mut ExecContext, stmt: &CreateFunctionStmt) -> Result<Signature> {
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
                let bound = super::write::bind(cx, &cmd.source, e, None, Clause::Default, Some((&name, ty)));
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

fn result_type(
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
fn type_or_shell(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &CreateFunctionStmt,
    name: &TypeName,
    what: &str,
) -> Result<TypeRef> {
    let fault = match resolve_type_name(cx, &cmd.source, name) {
        Err(e) if e.message().ends_with("is only a shell") => e,
        other => return other,
    };
    let language = stmt.options.iter().find(|o| o.name == "language").and_then(DefElem::string).unwrap_or_default();
    let Some(shell) = super::types::find(cx, &name.names)?.filter(|_| !language.eq_ignore_ascii_case("sql")) else {
        return Err(fault);
    };
    names::notice(cx, SqlState::WRONG_OBJECT_TYPE, format!("{what} type {} is only a shell", shell.name));
    Ok(TypeRef::of(shell.oid))
}

/// A type that does not exist is told without its place here, an argument's without quotes, too.
fn unplaced(mut e: Error, quoted: bool) -> Error {
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

fn is_coded(f: &Function) -> bool {
    matches!(f.language.as_str(), "c" | "internal")
}

/// The code behind a function without body must be there.
fn check_code(f: &Function) -> Result<()> {
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
fn check_polymorphic(cx: &ExecContext, f: &Function, result: Oid) -> Result<()> {
    let inputs = f.inputs();
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
        _ => return Ok(()),
    };
    if fine {
        return Ok(());
    }
    let shown = crate::types::format_type_plain(result, &*cx.fx.io.hooks);
    Err(invalid("cannot determine result data type")
        .detail(format!("A result of type {shown} requires at least one input of type {family}.")))
}

fn check_pseudo(cx: &ExecContext, f: &Function) -> Result<()> {
    let is_pseudo = |t: Oid| crate::types::info(t).is_some_and(|i| i.is_pseudo());
    let polymorphic = polymorphic::is_polymorphic;
    let shown = |t: Oid| crate::types::format_type_plain(t, &*cx.fx.io.hooks);
    let r = f.result.oid;
    check_polymorphic(cx, f, r)?;
    for n in (0..f.arg_types.len()).filter(|n| !f.is_input(*n)) {
        check_polymorphic(cx, f, f.arg_types[n])?;
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

/// A setting's own spelling.
fn canonical(name: &str) -> String {
    crate::settings::find(name).map_or_else(|| name.to_owned(), |id| crate::settings::parameter(id).name.to_owned())
}

/// `name=value` as the catalogs keep a SET clause.
fn setting(cx: &mut ExecContext, s: &crate::sql::ast::SetVariableStmt) -> Result<Option<(String, Option<String>)>> {
    Ok(match &s.action {
        SetAction::Value { name, args } => {
            let texts: Vec<String> = args.iter().map(|a| a.text()).collect();
            let text = if super::is_list(name) { super::list_text(name, &texts) } else { texts.concat() };
            Some((canonical(name), Some(text)))
        }
        SetAction::FromCurrent(name) => {
            let settings = cx.backend()?.settings.clone();
            let text = settings.lock().show_by_name(name, true)?;
            Some((canonical(name), Some(text)))
        }
        SetAction::Default(name) | SetAction::Reset(name) => Some((canonical(name), None)),
        SetAction::ResetAll => None,
        _ => return Err(Error::unsupported("this form of SET is not supported for functions")),
    })
}

/// Would the value be taken?
fn check_setting(cx: &mut ExecContext, name: &str, value: &str) -> Result<()> {
    let backend = cx.backend()?;
    let privileged = backend.user.is_superuser;
    crate::sql::text_search::checked_setting(&backend.catalog, name, value)?;
    let mut settings = backend.settings.lock();
    let level = settings.enter();
    let done = settings.set(name, value, crate::settings::Lasting::Save, privileged);
    settings.leave(level, false);
    done
}

fn apply_settings(
    cx: &mut ExecContext,
    into: &mut Vec<String>,
    list: &[crate::sql::ast::SetVariableStmt],
) -> Result<()> {
    for s in list {
        match setting(cx, s)? {
            None => into.clear(),
            Some((name, value)) => {
                into.retain(|x| x.split_once('=').is_none_or(|(n, _)| n != name));
                if let Some(v) = value {
                    check_setting(cx, &name, &v)?;
                    into.push(format!("{name}={v}"));
                }
            }
        }
    }
    Ok(())
}

/// The text of RETURN or BEGIN ATOMIC as it was written.
fn atomic_text(cmd: &Command, body: &FunctionBody) -> Result<String> {
    if let FunctionBody::Return(e) = body {
        return Ok(format!("RETURN {}", crate::sql::ast::deparse::expr(e)?));
    }
    let lower = cmd.text.to_ascii_lowercase();
    let mut from = 0;
    while let Some(at) = lower[from..].find("begin") {
        let rest = &lower[from + at + 5..];
        if rest.trim_start().starts_with("atomic") {
            return Ok(cmd.text[from + at..].trim().trim_end_matches(';').to_owned());
        }
        from += at + 5;
    }
    Err(Error::internal("BEGIN ATOMIC that is not there"))
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateFunctionStmt) -> Flow<String> {
    let tag = if stmt.procedure { "CREATE PROCEDURE" } else { "CREATE FUNCTION" };
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, stmt.name.schema())?;
    let name = stmt.name.name().to_owned();
    names::lock_name(cx, class::PROC, namespace, &name)?;
    let o = options(cmd, &stmt.options, stmt.procedure)?;
    let language = match (&o.language, &stmt.body) {
        (Some(l), _) => l.to_ascii_lowercase(),
        (None, Some(_)) => "sql".into(),
        (None, None) => return Err(invalid("no language specified").into()),
    };
    match language.as_str() {
        "sql" | "plpgsql" => {}
        "internal" | "c" if cx.backend()?.user.is_superuser => {}
        "internal" | "c" => {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for language {language}").into());
        }
        other => {
            let e = err!(UNDEFINED_OBJECT, "language \"{other}\" does not exist");
            let known = matches!(other, "plperl" | "plperlu" | "plpython3u" | "pltcl" | "pltclu");
            let hint = "Use CREATE EXTENSION to load the language into the database.";
            return Err(if known { e.hint(hint) } else { e }.into());
        }
    }
    if o.window {
        return Err(Error::unsupported("window functions of users are not supported").into());
    }
    let sig = signature(cmd, cx, stmt)?;
    let (result, returns_set) = result_type(cmd, cx, stmt, &sig)?;
    let (body, atomic) = match (&stmt.body, &o.body) {
        (Some(_), Some(_)) => return Err(invalid("duplicate function body specified").into()),
        (Some(b), None) => {
            if language != "sql" {
                return Err(invalid("inline SQL function body only valid for language SQL").into());
            }
            (atomic_text(cmd, b)?, true)
        }
        (None, Some(_)) if o.symbol.is_some() && language != "c" => {
            return Err(invalid(format!("only one AS item needed for language \"{language}\"")).into());
        }
        (None, Some(b)) => (b.clone(), false),
        (None, None) => return Err(invalid("no function body specified").into()),
    };
    if o.rows.is_some() && !returns_set {
        return Err(err!(INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set").into());
    }
    let coded = matches!(language.as_str(), "c" | "internal");
    let (body, library) = match language.as_str() {
        "c" => (o.symbol.clone().unwrap_or_else(|| name.clone()), Some(body)),
        _ => (body, None),
    };
    let backend = cx.backend()?;
    let search_path = if atomic { backend.catalog.search_path() } else { Vec::new() };
    let owner = backend.user.current;
    let mut settings = Vec::new();
    apply_settings(cx, &mut settings, &o.settings)?;
    let mut f = Function {
        oid: Oid::INVALID,
        name,
        namespace,
        owner,
        kind: if stmt.procedure { 'p' } else { 'f' },
        language,
        arg_types: sig.types,
        arg_names: sig.names,
        arg_modes: sig.modes,
        arg_defaults: sig.defaults,
        result,
        returns_set,
        strict: o.strict.unwrap_or(false),
        volatility: o.volatility.unwrap_or('v'),
        security_definer: o.definer.unwrap_or(false),
        leakproof: o.leakproof.unwrap_or(false),
        parallel: o.parallel.unwrap_or('u'),
        cost: o.cost.unwrap_or(if coded { 1.0 } else { 100.0 }),
        rows: o.rows.unwrap_or(if returns_set { 1000.0 } else { 0.0 }),
        body: body.into(),
        library,
        settings,
        acl: None,
        depends: Vec::new(),
        atomic,
        search_path,
        aggregate: None,
    };
    check_pseudo(cx, &f)?;
    let old = same(cx, namespace, &f.name, &f.inputs())?;
    match old {
        Some(old) => {
            replace(cx, stmt.replace, &old, &f)?;
            f.oid = old.oid;
            f.owner = old.owner;
            f.acl = old.acl;
        }
        None => {
            f.oid = new_oid(cx)?;
            f.acl = super::default_acl::for_new(cx.backend()?, ObjectType::Function, f.owner, namespace);
        }
    }
    f.depends = depends(cx, &f)?;
    validate(cmd, cx, &f)?;
    put(cx, Object::Function(f))?;
    Ok(tag.into())
}

/// The function of a schema with exactly these arguments.
pub fn same(cx: &mut ExecContext, namespace: Oid, name: &str, inputs: &[Oid]) -> Result<Option<Function>> {
    let catalog = cx.backend()?.catalog.clone();
    for oid in catalog.find(class::PROC, namespace, name) {
        if let Some(record) = catalog.get(ObjectKey::new(class::PROC, oid))
            && let Object::Function(f) = &record.object
            && f.inputs() == inputs
        {
            return Ok(Some(f.clone()));
        }
    }
    Ok(None)
}

/// What CREATE OR REPLACE may change. PostgreSQL 15, pg_proc.c, ProcedureCreate: same rules.
pub fn replace(cx: &mut ExecContext, allowed: bool, old: &Function, new: &Function) -> Result<()> {
    let word = shown::kind_word(old);
    if !allowed {
        let text = format!("function \"{}\" already exists with same argument types", old.name);
        return Err(Error::new(SqlState::DUPLICATE_FUNCTION, text).place("ProcedureCreate", "pg_proc.c", 399));
    }
    if !role::has_role(cx.backend()?, old.owner) {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {}", old.name));
    }
    if old.kind != new.kind {
        let article = if word.starts_with('a') { "an" } else { "a" };
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, "cannot change routine kind")
            .detail(format!("\"{}\" is {article} {word}.", old.name)));
    }
    let catalog = cx.backend()?.catalog.clone();
    let signature = shown::procedure(&catalog, &*cx.fx.io.hooks, old);
    let hint = format!("Use DROP {} {signature} first.", word.to_uppercase());
    if old.result.oid != new.result.oid || old.returns_set != new.returns_set {
        let text = match new.is_procedure() {
            true => "cannot change whether a procedure has output parameters",
            false => "cannot change return type of existing function",
        };
        return Err(invalid(text).hint(hint));
    }
    let outs = |f: &Function| -> Vec<(Oid, String)> {
        let modes = f.arg_modes.iter().enumerate().filter(|(_, m)| matches!(m, 'o' | 'b' | 't'));
        modes.map(|(n, _)| (f.arg_types[n], f.arg_names.get(n).cloned().unwrap_or_default())).collect()
    };
    if old.result.oid == oid::RECORD && outs(old) != outs(new) {
        return Err(invalid("cannot change return type of existing function")
            .detail("Row type defined by OUT parameters is different.")
            .hint(hint));
    }
    let input_names = |f: &Function| -> Vec<String> {
        (0..f.arg_types.len())
            .filter(|n| f.is_input(*n))
            .map(|n| f.arg_names.get(n).cloned().unwrap_or_default())
            .collect()
    };
    for (a, b) in input_names(old).iter().zip(input_names(new)) {
        if !a.is_empty() && *a != b {
            return Err(invalid(format!("cannot change name of input parameter \"{a}\"")).hint(hint));
        }
    }
    if new.arg_defaults.iter().flatten().count() < old.arg_defaults.iter().flatten().count() {
        return Err(invalid("cannot remove parameter defaults from existing function").hint(hint));
    }
    Ok(())
}

/// What an atomic body reads. The types of a signature are found in it (`dependency`).
fn depends(cx: &mut ExecContext, f: &Function) -> Result<Vec<Depend>> {
    let mut out: Vec<Depend> = Vec::new();
    let mut add = |on: ObjectKey| {
        let d = Depend { on, auto: false };
        if !out.contains(&d) {
            out.push(d);
        }
    };
    if f.atomic {
        let body = SqlBody::new(cx, f, &[], Returns::Void)?;
        for oid in body.relations(cx)? {
            add(ObjectKey::new(class::RELATION, oid));
        }
    }
    Ok(out)
}

/// Checks a body as far as check_function_bodies wants it. The function need not be in the catalogs.
fn validate(cmd: &Command, cx: &mut ExecContext, f: &Function) -> Result<()> {
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
    let checked = put(cx, Object::Function(f.clone())).and_then(|()| check(cx, f));
    let backend = cx.backend()?;
    backend.settings.lock().leave(level, false);
    backend.txn.undo_from(&catalog, depth)?;
    checked.map_err(|e| if f.atomic { e } else { transposed(cmd, &f.body, e) })
}

fn check(cx: &mut ExecContext, f: &Function) -> Result<()> {
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
        _ => crate::sql::plpgsql::compile(cx, f, &types, f.result).map(|_| ()),
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

// ---- naming ----

fn word(object: ObjectType) -> &'static str {
    match object {
        ObjectType::Procedure => "procedure",
        ObjectType::Routine => "routine",
        ObjectType::Aggregate => "aggregate",
        _ => "function",
    }
}

fn fits(object: ObjectType, f: &Function) -> bool {
    match object {
        ObjectType::Procedure => f.kind == 'p',
        ObjectType::Aggregate => f.kind == 'a',
        ObjectType::Routine => true,
        _ => f.kind != 'p',
    }
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
        all.retain(|f| fits(object, f));
        return Ok(match all.len() {
            1 => Ok(all.swap_remove(0)),
            0 => Err(err!(UNDEFINED_FUNCTION, "could not find a {word} named \"{shown_name}\"")),
            _ => {
                return Err(err!(AMBIGUOUS_FUNCTION, "{word} name \"{shown_name}\" is not unique")
                    .hint(format!("Specify the argument list to select the {word} unambiguously.")));
            }
        });
    };
    let mut inputs = Vec::new();
    let mut everything = Vec::new();
    for p in params {
        let ty = match resolve_type_name(cx, &cmd.source, &p.typ) {
            Ok(t) => t.oid,
            // A function may be of a type that is not made yet.
            Err(e) if e.message().ends_with("is only a shell") => {
                super::types::find(cx, &p.typ.names)?.map(|t| t.oid).ok_or(e)?
            }
            Err(e) if e.sqlstate() == SqlState::UNDEFINED_OBJECT => return Ok(Err(e)),
            Err(e) => return Err(e),
        };
        everything.push(ty);
        if !matches!(p.mode, ParamMode::Out | ParamMode::Table) {
            inputs.push(ty);
        }
    }
    let found = all.iter().position(|f| f.inputs() == inputs && fits(object, f)).or_else(|| {
        // A procedure may be named with its OUT arguments' types, too.
        all.iter().position(|f| f.is_procedure() && fits(object, f) && f.arg_types == everything)
    });
    if let Some(i) = found {
        return Ok(Ok(all.swap_remove(i)));
    }
    let signature = shown::listed(&*cx.fx.io.hooks, &shown_name, &inputs);
    // What could be of any kind is called a function.
    let word = if object == ObjectType::Routine { "function" } else { word };
    if all.iter().any(|f| f.inputs() == inputs) {
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, format!("{signature} is not a {word}")));
    }
    Ok(Err(err!(UNDEFINED_FUNCTION, "{word} {signature} does not exist")))
}

fn owned(cx: &mut ExecContext, f: &Function) -> Result<()> {
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

/// An owned routine by its name in a statement.
pub fn named(cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Result<Function> {
    let ObjectName::Function(sig) = name else { return Err(Error::internal("a routine with an odd name")) };
    let f = find(cmd, cx, object, sig)??;
    owned(cx, &f)?;
    Ok(f)
}

/// # Errors
/// 42723 where a schema has such a function already.
pub fn check_free(cx: &mut ExecContext, f: &Function, namespace: Oid, name: &str) -> Result<()> {
    if same(cx, namespace, name, &f.inputs())?.is_none() {
        return Ok(());
    }
    let signature = shown::listed(&*cx.fx.io.hooks, name, &f.inputs());
    let schema = cx.backend()?.catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    let word = shown::kind_word(f);
    Err(Error::new(SqlState::DUPLICATE_FUNCTION, format!("{word} {signature} already exists in schema \"{schema}\"")))
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterFunctionStmt) -> Flow<String> {
    let mut f = find(cmd, cx, stmt.object, &stmt.func)??;
    owned(cx, &f)?;
    names::lock_name(cx, class::PROC, f.namespace, &f.name)?;
    let o = options(cmd, &stmt.options, f.is_procedure())?;
    if o.rows.is_some() && !f.returns_set {
        return Err(err!(INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set").into());
    }
    f.volatility = o.volatility.unwrap_or(f.volatility);
    f.strict = o.strict.unwrap_or(f.strict);
    f.security_definer = o.definer.unwrap_or(f.security_definer);
    f.leakproof = o.leakproof.unwrap_or(f.leakproof);
    f.parallel = o.parallel.unwrap_or(f.parallel);
    f.cost = o.cost.unwrap_or(f.cost);
    f.rows = o.rows.unwrap_or(f.rows);
    let mut settings = std::mem::take(&mut f.settings);
    apply_settings(cx, &mut settings, &o.settings)?;
    f.settings = settings;
    put(cx, Object::Function(f))?;
    Ok(cmd.stmt.tag().into())
}

/// What the notice says of a routine that is not there: the types as they were written.
fn skipped(object: ObjectType, sig: &FuncSignature, e: &Error) -> String {
    if e.sqlstate() != SqlState::UNDEFINED_FUNCTION {
        return e.message().to_owned();
    }
    let one = |p: &FuncParam| p.typ.names.join(".") + &"[]".repeat(p.typ.array_bounds.len());
    let inputs = sig.args.iter().flatten().filter(|p| !matches!(p.mode, ParamMode::Out | ParamMode::Table));
    let types: Vec<String> = inputs.map(one).collect();
    format!("{} {}({}) does not exist", word(object), sig.name.joined(), types.join(","))
}

/// DROP FUNCTION, PROCEDURE, ROUTINE, AGGREGATE.
pub fn drop_routines(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Function(sig) = name else {
            return Err(Error::internal("DROP of a routine with an odd name").into());
        };
        match find(cmd, cx, stmt.object, sig)? {
            Ok(f) => {
                if f.kind == 'a' && stmt.object == ObjectType::Function {
                    return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", f.name)
                        .hint("Use DROP AGGREGATE to drop aggregate functions.")
                        .into());
                }
                owned(cx, &f)?;
                names::lock_name(cx, class::PROC, f.namespace, &f.name)?;
                targets.push(ObjectKey::new(class::PROC, f.oid));
            }
            Err(e) if stmt.missing_ok => {
                let text = skipped(stmt.object, sig, &e);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            }
            Err(e) => return Err(e.into()),
        }
    }
    drop::remove(cx, targets, stmt.behavior)
}
