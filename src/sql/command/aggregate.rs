//! CREATE AGGREGATE. PostgreSQL 15, aggregatecmds.c and pg_aggregate.c: same refusals.

use super::write::{new_oid, put, resolve_type, resolve_type_unplaced};
use super::{Command, default_acl, function, names, schema};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{AggregateDef, Depend, Function, MovingDef, class};
use crate::catalog::{Kept, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{DefArg, DefElem, DefineStmt, ObjectType, OperName, ParamMode, QualName, TypeName};
use crate::sql::bind;
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::func::{FuncDef, is_implemented};
use crate::sql::routine::shown;
use crate::types::{TypeRef, oid};

/// What the definition says, by attribute.
#[derive(Default)]
struct Options<'a> {
    transition: Option<QualName>,
    finish: Option<QualName>,
    finish_extra: bool,
    finish_modify: Option<char>,
    state: Option<TypeName>,
    initial: Option<String>,
    base: Option<TypeName>,
    base_any: bool,
    parallel: Option<char>,
    space: i32,
    combine: Option<QualName>,
    serialize: Option<QualName>,
    deserialize: Option<QualName>,
    sort_operator: Option<OperName>,
    /// The attributes of moving states that were given.
    moving: Vec<&'a str>,
    moving_transition: Option<QualName>,
    moving_inverse: Option<QualName>,
    moving_finish: Option<QualName>,
    moving_finish_extra: bool,
    moving_finish_modify: Option<char>,
    moving_state: Option<TypeName>,
    moving_space: i32,
    moving_initial: Option<String>,
    hypothetical: bool,
}

fn definition(text: impl Into<std::borrow::Cow<'static, str>>) -> Error {
    Error::new(SqlState::INVALID_FUNCTION_DEFINITION, text.into().into_owned())
}

fn name_of(e: &DefElem) -> QualName {
    match &e.arg {
        Some(DefArg::Name(n)) => n.clone(),
        Some(DefArg::Type(t)) => QualName { parts: t.names.clone(), pos: t.pos },
        Some(DefArg::Names(n)) => QualName { parts: n.clone(), pos: e.pos },
        _ => QualName::single(e.string().unwrap_or_default().as_str(), e.pos),
    }
}

fn type_of(e: &DefElem) -> TypeName {
    match &e.arg {
        Some(DefArg::Type(t)) => (**t).clone(),
        _ => {
            let name = name_of(e);
            TypeName::named(name.parts, name.pos)
        }
    }
}

fn is_true(e: &DefElem) -> bool {
    e.string().is_none_or(|s| matches!(s.to_ascii_lowercase().as_str(), "true" | "on" | "1"))
}

fn options<'a>(cx: &mut ExecContext, list: &'a [DefElem]) -> Result<Options<'a>> {
    let mut o = Options::default();
    for e in list {
        match e.name.as_str() {
            "sfunc" | "sfunc1" => o.transition = Some(name_of(e)),
            "finalfunc" => o.finish = Some(name_of(e)),
            "finalfunc_extra" => o.finish_extra = is_true(e),
            "finalfunc_modify" => o.finish_modify = Some(modify(e)?),
            "stype" | "stype1" => o.state = Some(type_of(e)),
            "initcond" | "initcond1" => o.initial = e.string(),
            "basetype" => {
                o.base_any = e.string().is_some_and(|s| s.eq_ignore_ascii_case("any"));
                o.base = Some(type_of(e));
            }
            "sspace" => o.space = e.string().and_then(|s| s.parse().ok()).unwrap_or(0),
            "parallel" => {
                o.parallel = Some(match e.string().unwrap_or_default().as_str() {
                    "safe" => 's',
                    "restricted" => 'r',
                    "unsafe" => 'u',
                    _ => {
                        let text = "parameter \"parallel\" must be SAFE, RESTRICTED, or UNSAFE";
                        return Err(err!(SYNTAX_ERROR, "{text}"));
                    }
                });
            }
            "hypothetical" => o.hypothetical = is_true(e),
            "combinefunc" => o.combine = Some(name_of(e)),
            "serialfunc" => o.serialize = Some(name_of(e)),
            "deserialfunc" => o.deserialize = Some(name_of(e)),
            "sortop" => {
                let named = |name: String| OperName { schema: None, name, pos: e.pos };
                o.sort_operator = super::operator::operator_of(e).or_else(|| e.string().map(named));
            }
            name if moving(&mut o, name, e)? => {}
            other => {
                let text = format!("aggregate attribute \"{other}\" not recognized");
                cx.notices.push(Report::notice(Severity::Warning, SqlState::SYNTAX_ERROR, text));
            }
        }
    }
    Ok(o)
}

/// The attributes of moving states; false: it is another one.
fn moving<'a>(o: &mut Options<'a>, name: &'a str, e: &DefElem) -> Result<bool> {
    match name {
        "mstype" => o.moving_state = Some(type_of(e)),
        "msfunc" => o.moving_transition = Some(name_of(e)),
        "minvfunc" => o.moving_inverse = Some(name_of(e)),
        "mfinalfunc" => o.moving_finish = Some(name_of(e)),
        "msspace" => o.moving_space = e.string().and_then(|s| s.parse().ok()).unwrap_or(0),
        "minitcond" => o.moving_initial = e.string(),
        "mfinalfunc_extra" => o.moving_finish_extra = is_true(e),
        "mfinalfunc_modify" => o.moving_finish_modify = Some(modify(e)?),
        _ => return Ok(false),
    }
    if !matches!(name, "mstype" | "mfinalfunc_extra" | "mfinalfunc_modify") {
        o.moving.push(name);
    }
    Ok(true)
}

fn modify(e: &DefElem) -> Result<char> {
    match e.string().unwrap_or_default().as_str() {
        "read_only" => Ok('r'),
        "shareable" => Ok('s'),
        "read_write" => Ok('w'),
        _ => Err(err!(SYNTAX_ERROR, "parameter \"{}\" must be READ_ONLY, SHAREABLE, or READ_WRITE", e.name)),
    }
}

/// The definition is whole.
fn check(o: &Options<'_>, stmt: &DefineStmt) -> Result<()> {
    if o.state.is_none() {
        return Err(definition("aggregate stype must be specified"));
    }
    if o.transition.is_none() {
        return Err(definition("aggregate sfunc must be specified"));
    }
    for name in ["msfunc", "minvfunc"] {
        if o.moving_state.is_some() && !o.moving.contains(&name) {
            return Err(definition(format!("aggregate {name} must be specified when mstype is specified")));
        }
    }
    if let (false, Some(name)) = (o.moving_state.is_some(), o.moving.first()) {
        return Err(definition(format!("aggregate {name} must not be specified without mstype")));
    }
    match (&stmt.args, &o.base) {
        (None, None) => Err(definition("aggregate input type must be specified")),
        (Some(_), Some(_)) => Err(definition("basetype is redundant with aggregate input type specification")),
        _ => Ok(()),
    }
}

/// The arguments: types, names, modes.
type Signature = (Vec<Oid>, Vec<String>, Vec<char>);

fn signature(cmd: &Command, cx: &mut ExecContext, stmt: &DefineStmt, o: &Options<'_>) -> Result<Signature> {
    let Some(sig) = &stmt.args else {
        let types = match (&o.base, o.base_any) {
            (Some(t), false) => vec![resolve_type_unplaced(cx, &cmd.source, t)?.oid],
            _ => Vec::new(),
        };
        return Ok((types, Vec::new(), Vec::new()));
    };
    if sig.direct_args.is_some() {
        return Err(Error::unsupported("ordered-set aggregates of users are not supported"));
    }
    let (mut types, mut names, mut modes) = (Vec::new(), Vec::new(), Vec::new());
    for p in sig.args.iter().flatten() {
        if p.default.is_some() {
            return Err(definition("aggregate functions cannot have default arguments"));
        }
        types.push(resolve_type(cx, &cmd.source, &p.typ).map_err(|e| super::function::unplaced(e, false))?.oid);
        names.push(p.name.clone().unwrap_or_default());
        modes.push(match p.mode {
            ParamMode::Variadic => 'v',
            ParamMode::Out | ParamMode::InOut | ParamMode::Table => {
                return Err(Error::unsupported("aggregates cannot have output arguments"));
            }
            _ => 'i',
        });
    }
    if !modes.contains(&'v') {
        modes.clear();
    }
    Ok((types, names, modes))
}

/// A function for the states. PostgreSQL 15, pg_aggregate.c, lookup_agg_function.
fn lookup(cx: &mut ExecContext, name: &QualName, types: &[Oid]) -> Result<(&'static FuncDef, Oid)> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        bind::BindContext { names: &*catalog, io: &cx.fx.io, text: "", params: Vec::new(), infer_params: false };
    let listed = shown::listed(&*cx.fx.io.hooks, &name.joined(), types);
    let Some(found) = bind::function_for(&mut bcx, name.schema(), name.name(), types)? else {
        return Err(err!(UNDEFINED_FUNCTION, "function {listed} does not exist"));
    };
    if found.def.retset {
        return Err(err!(DATATYPE_MISMATCH, "function {listed} returns a set"));
    }
    if !found.as_is {
        let listed = shown::listed(&*cx.fx.io.hooks, &name.joined(), &found.declared);
        return Err(err!(DATATYPE_MISMATCH, "function {listed} requires run-time type coercion"));
    }
    let takes_internal = types.contains(&oid::INTERNAL);
    if !found.def.is_users() && !is_implemented(found.def.oid) && !takes_internal {
        return Err(Error::unsupported(format!("function {listed} is not supported in an aggregate")));
    }
    function::may_call(cx, found.def)?;
    Ok((found.def, found.ret))
}

fn state_type(
    cmd: &Command,
    cx: &mut ExecContext,
    (name, initial): (&Option<TypeName>, &Option<String>),
    inputs: &[Oid],
) -> Result<TypeRef> {
    let Some(name) = name else { return Err(Error::internal("no state type")) };
    let state = resolve_type_unplaced(cx, &cmd.source, name)?;
    let polymorphic = bind::is_polymorphic(state.oid);
    let superuser = cx.backend()?.user.is_superuser;
    let shown = |t: Oid| crate::types::format_type(t, -1, &*cx.fx.io.hooks);
    if !polymorphic && crate::types::info(state.oid).is_some_and(|i| i.is_pseudo()) {
        // Code that trusts its callers: PostgreSQL leaves it to superusers.
        if state.oid == oid::INTERNAL && initial.is_none() && superuser {
            return Ok(state);
        }
        return Err(definition(format!("aggregate transition data type cannot be {}", shown(state.oid))));
    }
    if polymorphic && !inputs.iter().any(|t| bind::is_polymorphic(*t)) {
        return Err(definition("cannot determine transition data type").detail(format!(
            "A result of type {} requires at least one input of type anyelement, anyarray, anynonarray, anyenum, anyrange, or anymultirange.",
            shown(state.oid)
        )));
    }
    if let (Some(text), false) = (initial, polymorphic) {
        crate::types::text_in(state, text, &cx.fx.io)?;
    }
    Ok(state)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, stmt.name.schema())?;
    let name = stmt.name.name().to_owned();
    names::lock_name(cx, class::PROC, namespace, &name)?;
    let o = options(cx, &stmt.options)?;
    check(&o, stmt)?;
    if o.hypothetical && stmt.args.as_ref().is_none_or(|a| a.direct_args.is_none()) {
        return Err(definition("only ordered-set aggregates can be hypothetical").into());
    }
    let (arg_types, arg_names, arg_modes) = signature(cmd, cx, stmt, &o)?;
    arg_types.iter().try_for_each(|ty| super::write::check_usable(cx, *ty))?;
    let state = state_type(cmd, cx, (&o.state, &o.initial), &arg_types)?;
    super::write::check_usable(cx, state.oid)?;
    check_serialization(&o, state)?;
    let def = states(cmd, cx, &o, &arg_types, state)?;
    let owner = cx.backend()?.user.current;
    let mut f = Function {
        oid: Oid::INVALID,
        name,
        namespace,
        owner,
        kind: 'a',
        language: "internal".into(),
        arg_defaults: vec![None; arg_types.len()],
        arg_types,
        arg_names,
        arg_modes,
        result: TypeRef::of(def.1),
        returns_set: false,
        strict: false,
        volatility: 'i',
        security_definer: false,
        leakproof: false,
        parallel: o.parallel.unwrap_or('u'),
        cost: 1.0,
        rows: 0.0,
        body: "aggregate_dummy".into(),
        settings: Vec::new(),
        acl: None,
        depends: depends(&def.0),
        atomic: false,
        kept: Kept::default(),
        library: None,
        aggregate: Some(def.0),
    };
    match function::same(cx, namespace, &f.name, &f.inputs())? {
        Some(old) => {
            function::replace(cx, stmt.or_replace, &old, &f)?;
            (f.oid, f.owner, f.acl) = (old.oid, old.owner, old.acl);
        }
        None => {
            f.oid = new_oid(cx)?;
            f.acl = default_acl::for_new(cx.backend()?, ObjectType::Function, owner, namespace);
        }
    }
    put(cx, Object::Function(f))?;
    Ok("CREATE AGGREGATE".into())
}

/// How the states work, and the type of the result.
fn states(
    cmd: &Command,
    cx: &mut ExecContext,
    o: &Options<'_>,
    inputs: &[Oid],
    state: TypeRef,
) -> Result<(AggregateDef, Oid)> {
    let shown = |cx: &ExecContext, t: Oid| crate::types::format_type(t, -1, &*cx.fx.io.hooks);
    let with_args: Vec<Oid> = std::iter::once(state.oid).chain(inputs.iter().copied()).collect();
    let Some(name) = &o.transition else { return Err(Error::internal("no transition function")) };
    let (transition, returned) = lookup(cx, name, &with_args)?;
    if returned != state.oid {
        return Err(err!(
            DATATYPE_MISMATCH,
            "return type of transition function {} is not {}",
            name.joined(),
            shown(cx, state.oid)
        ));
    }
    let fits = inputs.first().is_some_and(|t| bind::is_binary_coercible(*t, state.oid));
    if transition.strict && o.initial.is_none() && !fits {
        return Err(definition(
            "must not omit initial value when transition function is strict and transition type is not compatible with input type",
        ));
    }
    let mut result = state.oid;
    let mut finish = Oid::INVALID;
    if let Some(name) = &o.finish {
        let given = if o.finish_extra { &with_args[..] } else { &with_args[..1] };
        let (def, returned) = lookup(cx, name, given)?;
        if o.finish_extra && def.strict {
            return Err(definition("final function with extra arguments must not be declared STRICT"));
        }
        (finish, result) = (def.oid, returned);
    }
    let combine = combine(cx, o, state)?;
    let (serialize, deserialize) = serialization(cx, o)?;
    function::check_result(cx, inputs, result)?;
    let moving = moving_states(cmd, cx, o, inputs, result)?;
    let sort_operator = sort_operator(cx, o, inputs)?;
    let same_as = if state.oid == oid::INTERNAL { built_in_states(transition.oid, finish)? } else { Oid::INVALID };
    let def = AggregateDef {
        serialize,
        deserialize,
        same_as,
        combine,
        sort_operator,
        moving,
        transition: transition.oid,
        finish,
        finish_extra: o.finish_extra,
        finish_modify: o.finish_modify.unwrap_or('r'),
        state: state.oid,
        space: o.space,
        initial: o.initial.clone(),
    };
    Ok((def, result))
}

/// # Errors
/// 42804 for a function whose result is another type than the state.
fn same_type(cx: &ExecContext, what: &str, name: &QualName, returned: Oid, state: Oid) -> Result<()> {
    if returned == state {
        return Ok(());
    }
    let shown = crate::types::format_type(state, -1, &*cx.fx.io.hooks);
    Err(err!(DATATYPE_MISMATCH, "return type of {what} function {} is not {shown}", name.joined()))
}

fn combine(cx: &mut ExecContext, o: &Options<'_>, state: TypeRef) -> Result<Oid> {
    let Some(name) = &o.combine else { return Ok(Oid::INVALID) };
    let (def, returned) = lookup(cx, name, &[state.oid, state.oid])?;
    same_type(cx, "combine", name, returned, state.oid)?;
    if state.oid == oid::INTERNAL && def.strict {
        return Err(definition("combine function with transition type internal must not be declared STRICT"));
    }
    Ok(def.oid)
}

/// # Errors
/// 42P13 for one without the other, or of states that need neither: before any function is looked for.
fn check_serialization(o: &Options<'_>, state: TypeRef) -> Result<()> {
    let one = o.serialize.is_some() || o.deserialize.is_some();
    if one && state.oid != oid::INTERNAL {
        let text = "serialization functions may be specified only when the aggregate transition data type is internal";
        return Err(definition(text));
    }
    match o.serialize.is_some() == o.deserialize.is_some() {
        true => Ok(()),
        false => Err(definition("must specify both or neither of serialization and deserialization functions")),
    }
}

/// How states of type internal travel between processes.
fn serialization(cx: &mut ExecContext, o: &Options<'_>) -> Result<(Oid, Oid)> {
    let (Some(write), Some(read)) = (&o.serialize, &o.deserialize) else { return Ok((Oid::INVALID, Oid::INVALID)) };
    let (to, returned) = lookup(cx, write, &[oid::INTERNAL])?;
    same_type(cx, "serialization", write, returned, oid::BYTEA)?;
    let (from, returned) = lookup(cx, read, &[oid::BYTEA, oid::INTERNAL])?;
    same_type(cx, "deserialization", read, returned, oid::INTERNAL)?;
    Ok((to.oid, from.oid))
}

/// The built-in aggregate whose states these are.
///
/// # Errors
/// 0A000 for functions that belong to no aggregate together: states of type internal are code's own affair, and here the
/// code of a built-in aggregate keeps them in a form of its own.
fn built_in_states(transition: Oid, finish: Oid) -> Result<Oid> {
    system_view::aggregate_of_states(transition, finish).ok_or_else(|| {
        Error::unsupported("states of type internal are supported for the functions of one built-in aggregate only")
    })
}

/// How states move with a frame: the same checks as for those that do not.
fn moving_states(
    cmd: &Command,
    cx: &mut ExecContext,
    o: &Options<'_>,
    inputs: &[Oid],
    result: Oid,
) -> Result<Option<MovingDef>> {
    let (Some(forward), Some(back)) = (&o.moving_transition, &o.moving_inverse) else { return Ok(None) };
    let state = state_type(cmd, cx, (&o.moving_state, &o.moving_initial), inputs)?;
    let with_args: Vec<Oid> = std::iter::once(state.oid).chain(inputs.iter().copied()).collect();
    let (transition, returned) = lookup(cx, forward, &with_args)?;
    same_type(cx, "transition", forward, returned, state.oid)?;
    let fits = inputs.first().is_some_and(|t| bind::is_binary_coercible(*t, state.oid));
    if transition.strict && o.moving_initial.is_none() && !fits {
        return Err(definition(
            "must not omit initial value when transition function is strict and transition type is not compatible with input type",
        ));
    }
    let (inverse, returned) = lookup(cx, back, &with_args)?;
    same_type(cx, "inverse transition", back, returned, state.oid)?;
    if transition.strict != inverse.strict {
        return Err(definition("strictness of aggregate's forward and inverse transition functions must match"));
    }
    let (mut finish, mut moved) = (Oid::INVALID, state.oid);
    if let Some(name) = &o.moving_finish {
        let given = if o.moving_finish_extra { &with_args[..] } else { &with_args[..1] };
        let (def, returned) = lookup(cx, name, given)?;
        if o.moving_finish_extra && def.strict {
            return Err(definition("final function with extra arguments must not be declared STRICT"));
        }
        (finish, moved) = (def.oid, returned);
    }
    if moved != result {
        let shown = |t: Oid| crate::types::format_type(t, -1, &*cx.fx.io.hooks);
        return Err(definition(format!(
            "moving-aggregate implementation returns type {}, but plain implementation returns type {}",
            shown(moved),
            shown(result)
        )));
    }
    Ok(Some(MovingDef {
        transition: transition.oid,
        inverse: inverse.oid,
        finish,
        finish_extra: o.moving_finish_extra,
        finish_modify: o.moving_finish_modify.unwrap_or('r'),
        state: state.oid,
        space: o.moving_space,
        initial: o.moving_initial.clone(),
    }))
}

fn sort_operator(cx: &mut ExecContext, o: &Options<'_>, inputs: &[Oid]) -> Result<Oid> {
    let Some(op) = &o.sort_operator else { return Ok(Oid::INVALID) };
    let [input] = inputs else {
        return Err(definition("sort operator can only be specified for single-argument aggregates"));
    };
    let shown = crate::types::format_type(*input, -1, &*cx.fx.io.hooks);
    let schema = op.schema.as_deref().map(|s| format!("{}.", crate::types::name::quote_identifier(s)));
    let name = format!("{}{}", schema.unwrap_or_default(), op.name);
    let found = crate::types::text_in(TypeRef::of(oid::REGOPERATOR), &format!("{name}({shown},{shown})"), &cx.fx.io);
    match found {
        Ok(crate::types::Value::U32(found)) => Ok(Oid(found)),
        _ => Err(err!(UNDEFINED_FUNCTION, "operator does not exist: {shown} {name} {shown}")),
    }
}

fn depends(a: &AggregateDef) -> Vec<Depend> {
    let on = |oid: &Oid| Depend { on: ObjectKey::new(class::PROC, *oid), auto: false };
    let moving = a.moving.iter().flat_map(|m| [m.transition, m.inverse, m.finish]);
    let functions: Vec<Oid> =
        [a.transition, a.finish, a.combine, a.serialize, a.deserialize].into_iter().chain(moving).collect();
    let mut out: Vec<Depend> = functions.iter().filter(|o| o.is_valid()).map(on).collect();
    out.push(Depend { on: ObjectKey::new(class::TYPE, a.state), auto: false });
    out
}
