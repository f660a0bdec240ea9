//! CREATE [OR REPLACE] FUNCTION and PROCEDURE.

use super::check::{check_pseudo, validate};
use super::options::{apply_settings, may_be_leakproof, options};
use super::signature::{invalid, result_type, signature};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Class, Depend, Function, class};
use crate::catalog::{Kept, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{CreateFunctionStmt, FunctionBody, ObjectType};
use crate::sql::bind::scope::Clause;
use crate::sql::command::known::Reads;
use crate::sql::command::write::{bind, change, class_of, new_oid, put};
use crate::sql::command::{Command, names, role, schema, stored_text};
use crate::sql::exec::rights;
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::routine::body::SqlBody;
use crate::sql::routine::returns::Returns;
use crate::sql::routine::shown;
use crate::types::oid;

/// The text of RETURN or BEGIN ATOMIC as it was written.
pub(super) fn atomic_text(cmd: &Command, body: &FunctionBody) -> Result<String> {
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

/// # Errors
/// 42501 for a language that the user has no right to use.
pub fn check_language(cx: &mut ExecContext, name: &str) -> Result<()> {
    let backend = cx.backend()?;
    let (subject, oid) = (rights::subject(backend), system_view::language(name));
    match rights::language_allows(&backend.catalog, &subject, oid, 'U', false) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied for language {name}")),
    }
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
        "sql" | "plpgsql" => check_language(cx, &language)?,
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
    may_be_leakproof(cx, &o)?;
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
            if let FunctionBody::Atomic(statements) = b
                && let Some(other) = statements.iter().find(|s| !s.is_optimizable())
            {
                let text = format!("{} is not yet supported in unquoted SQL function body", other.tag());
                return Err(Error::unsupported(text).into());
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
    let search_path = if atomic { backend.catalog.kept_path(true) } else { Vec::new() };
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
        kept: Kept { search_path, reads: Vec::new() },
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
            f.acl = crate::sql::command::default_acl::for_new(cx.backend()?, ObjectType::Function, f.owner, namespace);
        }
    }
    let mut reads = Reads::default();
    f.depends = depends(cx, &f, &mut reads)?;
    if f.atomic {
        reads.depends(&f.depends);
        f.kept = reads.kept(cx, true)?;
    }
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

/// What an atomic body and the defaults of arguments refer to; the rows the body has as values are noted. The types of a
/// signature are found in it (`dependency`).
pub(super) fn depends(cx: &mut ExecContext, f: &Function, reads: &mut Reads) -> Result<Vec<Depend>> {
    let mut out: Vec<Depend> = Vec::new();
    if f.atomic {
        let body = SqlBody::new(cx, f, &[], Returns::Void)?;
        let mut written = body.written(cx)?;
        written.iter_mut().for_each(|query| reads.query(query));
        for (class, oid, sub) in system_view::of_queries(&written) {
            let depend = Depend { on: ObjectKey { class, oid, sub }, auto: false };
            if oid >= Oid::FIRST_NORMAL && !out.contains(&depend) {
                out.push(depend);
            }
        }
    }
    for text in f.arg_defaults.iter().flatten() {
        let source = format!("SELECT {text}");
        let expr = stored_text::parse(text)?;
        let mut bound = bind(cx, &source, &expr, None, Clause::Default, None)?;
        crate::sql::command::view::expression_dependencies(&mut bound, &mut out);
    }
    out.retain(|d| d.on != ObjectKey::new(class::PROC, f.oid));
    Ok(out)
}

/// Atomic bodies that read something of a relation that `without` takes away.
pub fn reading(cx: &mut ExecContext, table: Oid, without: impl FnOnce(&mut Class)) -> Result<Vec<Oid>> {
    let mut bodies = Vec::new();
    for (record, _) in crate::sql::command::alter_table::dependents(cx, table)? {
        if let Object::Function(f) = &record.object
            && f.atomic
        {
            bodies.push(f.clone());
        }
    }
    if bodies.is_empty() {
        return Ok(Vec::new());
    }
    bodies.sort_by_key(|f| f.oid);
    let before = class_of(cx, table)?;
    change(cx, table, without)?;
    let mut found = Vec::new();
    for f in bodies {
        if SqlBody::new(cx, &f, &[], Returns::Void)?.written(cx).is_err() {
            found.push(f.oid);
        }
    }
    put(cx, Object::Class(before))?;
    Ok(found)
}
