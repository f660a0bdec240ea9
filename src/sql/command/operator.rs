//! CREATE, ALTER and DROP OPERATOR. PostgreSQL 15, operatorcmds.c and pg_operator.c: same refusals.

use super::write::{new_oid, put, resolve_type_unplaced};
use super::{Command, function, names, role, schema};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Depend, class};
use crate::catalog::{Object, ObjectKey, Operator};
use crate::err;
use crate::sql::ast::{AlterOperatorStmt, DefArg, DefElem, DefineStmt, OperName, OperSignature, QualName, TypeName};
use crate::sql::bind::Names;
use crate::sql::exec::ExecContext;
use crate::sql::func::{self, FuncDef};
use crate::sql::routine::shown;
use crate::types::oid;

#[derive(Default)]
struct Options {
    left: Option<TypeName>,
    right: Option<TypeName>,
    function: Option<QualName>,
    commutator: Option<OperName>,
    negator: Option<OperName>,
    restrict: Option<QualName>,
    join: Option<QualName>,
    hashes: bool,
    merges: bool,
}

fn definition(text: &str) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, text)
}

fn type_of(e: &DefElem) -> Result<TypeName> {
    let typ = match &e.arg {
        Some(DefArg::Type(t)) => (**t).clone(),
        Some(DefArg::Name(n)) => TypeName::named(n.parts.clone(), n.pos),
        _ => TypeName::named(vec![e.string().unwrap_or_default()], e.pos),
    };
    match typ.setof {
        true => Err(definition("SETOF type not allowed for operator argument")),
        false => Ok(typ),
    }
}

fn name_of(e: &DefElem) -> QualName {
    match &e.arg {
        Some(DefArg::Name(n)) => n.clone(),
        Some(DefArg::Type(t)) => QualName { parts: t.names.clone(), pos: t.pos },
        _ => QualName::single(e.string().unwrap_or_default().as_str(), e.pos),
    }
}

pub fn operator_of(e: &DefElem) -> Option<OperName> {
    match &e.arg {
        Some(DefArg::Operator(o)) => Some(o.clone()),
        _ => None,
    }
}

/// # Errors
/// 42602 for what no operator can be called.
fn related_name(e: &DefElem) -> Result<OperName> {
    operator_of(e).ok_or_else(|| {
        let shown = name_of(e).joined();
        err!(INVALID_NAME, "\"{shown}\" is not a valid operator name")
    })
}

fn is_true(e: &DefElem) -> bool {
    e.string().is_none_or(|s| matches!(s.to_ascii_lowercase().as_str(), "true" | "on" | "1"))
}

fn options(cx: &mut ExecContext, list: &[DefElem]) -> Result<Options> {
    let mut o = Options::default();
    for e in list {
        match e.name.as_str() {
            "leftarg" => o.left = Some(type_of(e)?),
            "rightarg" => o.right = Some(type_of(e)?),
            "function" | "procedure" => o.function = Some(name_of(e)),
            "commutator" => o.commutator = Some(related_name(e)?),
            "negator" => o.negator = Some(related_name(e)?),
            "restrict" => o.restrict = Some(name_of(e)),
            "join" => o.join = Some(name_of(e)),
            "hashes" => o.hashes = is_true(e),
            "merges" => o.merges = is_true(e),
            "sort1" | "sort2" | "ltcmp" | "gtcmp" => o.merges = true,
            other => {
                let text = format!("operator attribute \"{other}\" not recognized");
                cx.notices.push(Report::notice(Severity::Warning, SqlState::SYNTAX_ERROR, text));
            }
        }
    }
    Ok(o)
}

/// A function with exactly these arguments.
fn exact(cx: &mut ExecContext, name: &QualName, types: &[Oid]) -> Result<&'static FuncDef> {
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, name.schema(), name.name());
    let mut fits: Vec<_> = known.into_iter().filter(|(_, f)| f.args == types && f.kind == b'f').collect();
    fits.sort_by_key(|(place, _)| *place);
    match fits.first() {
        Some((_, f)) => Ok(f),
        None => {
            let listed = shown::listed(&*cx.fx.io.hooks, &name.joined(), types);
            Err(err!(UNDEFINED_FUNCTION, "function {listed} does not exist"))
        }
    }
}

const RESTRICT: [Oid; 4] = [oid::INTERNAL, oid::OID, oid::INTERNAL, oid::INT4];
const JOIN: [Oid; 5] = [oid::INTERNAL, oid::OID, oid::INTERNAL, oid::INT2, oid::INTERNAL];

/// A selectivity function. Those of joins may have one argument less.
fn selectivity(cx: &mut ExecContext, name: Option<&QualName>, args: &[Oid]) -> Result<Oid> {
    let Some(name) = name else { return Ok(Oid::INVALID) };
    let f = match exact(cx, name, args) {
        Err(e) if args.len() == JOIN.len() => exact(cx, name, &args[..4]).map_err(|_| e)?,
        found => found?,
    };
    if f.ret != oid::FLOAT8 {
        let what = if args.len() == JOIN.len() { "join" } else { "restriction" };
        let text = format!("{what} estimator function {} must return type double precision", name.joined());
        return Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
    }
    function::may_call(cx, f)?;
    Ok(f.oid)
}

fn check(o: &Options, binary: bool, boolean: bool) -> Result<()> {
    if !binary {
        for (has, what) in [
            (o.commutator.is_some(), "have commutators"),
            (o.join.is_some(), "have join selectivity"),
            (o.merges, "merge join"),
            (o.hashes, "hash"),
        ] {
            if has {
                return Err(definition(&format!("only binary operators can {what}")));
            }
        }
    }
    if !boolean {
        for (has, what) in [
            (o.negator.is_some(), "have negators"),
            (o.restrict.is_some(), "have restriction selectivity"),
            (o.join.is_some(), "have join selectivity"),
            (o.merges, "merge join"),
            (o.hashes, "hash"),
        ] {
            if has {
                return Err(definition(&format!("only boolean operators can {what}")));
            }
        }
    }
    Ok(())
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let Some(name) = &stmt.operator else { return Err(Error::internal("an operator without a name").into()) };
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, name.schema.as_deref())?;
    names::lock_name(cx, class::OPERATOR, namespace, &name.name)?;
    let o = options(cx, &stmt.options)?;
    let Some(function) = &o.function else { return Err(definition("operator function must be specified").into()) };
    let mut side = |t: &Option<TypeName>| -> Result<Oid> {
        t.as_ref().map_or(Ok(Oid::INVALID), |t| Ok(resolve_type_unplaced(cx, &cmd.source, t)?.oid))
    };
    let (left, right) = (side(&o.left)?, side(&o.right)?);
    if !left.is_valid() && !right.is_valid() {
        return Err(definition("operator argument types must be specified").into());
    }
    if !right.is_valid() {
        return Err(definition("operator right argument type must be specified")
            .detail("Postfix operators are not supported.")
            .into());
    }
    let types = if left.is_valid() { vec![left, right] } else { vec![right] };
    types.iter().try_for_each(|ty| super::write::check_usable(cx, *ty))?;
    let def = exact(cx, function, &types)?;
    function::may_call(cx, def)?;
    check(&o, left.is_valid(), def.ret == oid::BOOL)?;
    let restrict = selectivity(cx, o.restrict.as_ref(), &RESTRICT)?;
    let join = selectivity(cx, o.join.as_ref(), &JOIN)?;
    let user = cx.backend()?.user.current;
    if find(cx, namespace, &name.name, left, right)?.is_some() {
        return Err(err!(DUPLICATE_FUNCTION, "operator {} already exists", name.name).into());
    }
    let own = new_oid(cx)?;
    let mut made = Operator {
        oid: own,
        name: name.name.clone(),
        namespace,
        owner: user,
        left,
        right,
        result: def.ret,
        function: def.oid,
        commutator: Oid::INVALID,
        negator: Oid::INVALID,
        merges: o.merges,
        hashes: o.hashes,
        restrict,
        join,
        depends: Vec::new(),
    };
    made.depends = depends(&made);
    made.commutator = related(cx, &made, o.commutator.as_ref(), true)?;
    made.negator = related(cx, &made, o.negator.as_ref(), false)?;
    put(cx, Object::Operator(made))?;
    Ok("CREATE OPERATOR".into())
}

fn depends(o: &Operator) -> Vec<Depend> {
    let on = |class, oid| Depend { on: ObjectKey::new(class, oid), auto: false };
    let functions = [o.function, o.restrict, o.join].map(|f| (class::PROC, f));
    let types = [o.left, o.right, o.result].map(|t| (class::TYPE, t));
    functions.into_iter().chain(types).filter(|(_, oid)| oid.is_valid()).map(|(class, oid)| on(class, oid)).collect()
}

/// ALTER OPERATOR … SET.
pub fn alter(cmd: &Command, cx: &mut ExecContext, stmt: &AlterOperatorStmt) -> Flow<String> {
    let mut wanted: [Option<Option<QualName>>; 2] = [None, None];
    for e in &stmt.options {
        let slot = match e.name.as_str() {
            "restrict" => &mut wanted[0],
            "join" => &mut wanted[1],
            "leftarg" | "rightarg" | "function" | "procedure" | "commutator" | "negator" | "hashes" | "merges" => {
                return Err(err!(SYNTAX_ERROR, "operator attribute \"{}\" cannot be changed", e.name).into());
            }
            other => return Err(err!(SYNTAX_ERROR, "operator attribute \"{other}\" not recognized").into()),
        };
        let none = matches!(&e.arg, Some(DefArg::Str(s)) if s == "none");
        *slot = Some((!none).then(|| name_of(e)));
    }
    let Some(mut o) = named(cmd, cx, &stmt.operator)? else {
        super::absent::built_in_operator(cmd, cx, &stmt.operator)?;
        return Err(Error::unsupported("ALTER OPERATOR of built-in operators is not supported").into());
    };
    let [restrict, join] = wanted;
    let options = Options { restrict: restrict.clone().flatten(), join: join.clone().flatten(), ..Options::default() };
    let new_restrict = selectivity(cx, options.restrict.as_ref(), &RESTRICT)?;
    let new_join = selectivity(cx, options.join.as_ref(), &JOIN)?;
    check(&options, o.left.is_valid() && o.right.is_valid(), o.result == oid::BOOL)?;
    if restrict.is_some() {
        o.restrict = new_restrict;
    }
    if join.is_some() {
        o.join = new_join;
    }
    o.depends = depends(&o);
    put(cx, Object::Operator(o))?;
    Ok("ALTER OPERATOR".into())
}

/// The commutator or negator: itself, or one that is there, which learns of it. Of one that is not there nothing is kept.
fn related(cx: &mut ExecContext, made: &Operator, name: Option<&OperName>, commutes: bool) -> Result<Oid> {
    let Some(name) = name else { return Ok(Oid::INVALID) };
    let (left, right) = if commutes { (made.right, made.left) } else { (made.left, made.right) };
    let schema = name.schema.as_deref();
    let path = path(cx, schema)?;
    for namespace in path {
        if let Some(mut other) = find(cx, namespace, &name.name, left, right)? {
            let back = if commutes { &mut other.commutator } else { &mut other.negator };
            if !back.is_valid() {
                *back = made.oid;
            }
            let oid = other.oid;
            put(cx, Object::Operator(other))?;
            return Ok(oid);
        }
    }
    // PostgreSQL 15, pg_operator.c, get_other_operator: itself, where one without a schema would be made there.
    let place = match schema {
        Some(s) => cx.backend()?.catalog.namespace_oid(s)?,
        None => schema::for_new(cx.backend()?, None)?,
    };
    if name.name == made.name && place == made.namespace && (left, right) == (made.left, made.right) {
        return match commutes {
            true => Ok(made.oid),
            false => Err(definition("operator cannot be its own negator")),
        };
    }
    Ok(func::type_operator(&name.name, left, right).map_or(Oid::INVALID, |o| o.oid))
}

fn path(cx: &mut ExecContext, schema: Option<&str>) -> Result<Vec<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    names::may_look_into(&catalog, schema)?;
    Ok(match schema {
        Some(s) => vec![catalog.namespace_oid(s)?],
        None => catalog.effective_path().to_vec(),
    })
}

fn find(cx: &mut ExecContext, namespace: Oid, name: &str, left: Oid, right: Oid) -> Result<Option<Operator>> {
    let catalog = cx.backend()?.catalog.clone();
    for key in catalog.find(class::OPERATOR, namespace, name) {
        if let Some(record) = catalog.get(ObjectKey::new(class::OPERATOR, key))
            && let Object::Operator(o) = &record.object
            && (o.left, o.right) == (left, right)
        {
            return Ok(Some(o.clone()));
        }
    }
    Ok(None)
}

/// A user's operator that a signature names.
pub fn named(cmd: &Command, cx: &mut ExecContext, sig: &OperSignature) -> Result<Option<Operator>> {
    let mut side = |t: &Option<TypeName>| -> Result<Oid> {
        t.as_ref().map_or(Ok(Oid::INVALID), |t| Ok(resolve_type_unplaced(cx, &cmd.source, t)?.oid))
    };
    let (left, right) = (side(&sig.left)?, side(&sig.right)?);
    for namespace in path(cx, sig.op.schema.as_deref())? {
        if let Some(found) = find(cx, namespace, &sig.op.name, left, right)? {
            owned(cx, &found)?;
            return Ok(Some(found));
        }
    }
    Ok(None)
}

fn owned(cx: &mut ExecContext, o: &Operator) -> Result<()> {
    match role::has_role(cx.backend()?, o.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of operator {}", o.name)),
    }
}

/// `===(integer,integer)`
pub fn shown(cx: &ExecContext, o: &Operator) -> String {
    if let Some(name) = cx.fx.io.hooks.reg_out(oid::REGOPERATOR, o.oid) {
        return name;
    }
    let side = |t: Oid| match t.is_valid() {
        true => crate::types::format_type(t, -1, &*cx.fx.io.hooks),
        false => "NONE".into(),
    };
    format!("{}({},{})", o.name, side(o.left), side(o.right))
}

/// The operators related to one that goes know nothing of it any more.
pub fn forget(cx: &mut ExecContext, gone: Oid) -> Result<()> {
    for record in cx.backend()?.catalog.all(class::OPERATOR) {
        let Object::Operator(o) = &record.object else { continue };
        if o.oid != gone && (o.commutator == gone || o.negator == gone) {
            let mut o = o.clone();
            for link in [&mut o.commutator, &mut o.negator] {
                if *link == gone {
                    *link = Oid::INVALID;
                }
            }
            put(cx, Object::Operator(o))?;
        }
    }
    Ok(())
}
