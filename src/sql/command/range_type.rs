//! CREATE TYPE … AS RANGE: the range type, its multirange type, their constructors and the cast between them.
//! PostgreSQL 15, typecmds.c, DefineRange: same order of checks.

use super::base_type::name_of;
use super::types::{find, new_type, place};
use super::write::{new_oid, put, resolve_type};
use super::{Command, function, index, names, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Depend, Function, RangeType, UserType, UserTypeKind, class, fixed};
use crate::catalog::{Cast, IndexMethod, Kept, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{CreateRangeStmt, DefArg, DefElem, NOWHERE, QualName, TypeName};
use crate::sql::bind::Names;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{default_opclass, opclass_named};
use crate::sql::func::FuncDef;
use crate::sql::routine::shown;
use crate::types::range::Step;
use crate::types::text::{NAME_MAX, clip};
use crate::types::{self, TypeRef, oid};

#[derive(Default)]
struct Options {
    subtype: Option<TypeRef>,
    opclass: Option<QualName>,
    collation: Option<QualName>,
    canonical: Option<QualName>,
    difference: Option<QualName>,
    multirange: Option<QualName>,
}

fn options(cmd: &Command, cx: &mut ExecContext, list: &[DefElem]) -> Result<Options> {
    let mut out = Options::default();
    for (n, e) in list.iter().enumerate() {
        let slot = match e.name.as_str() {
            "subtype" => None,
            "subtype_opclass" => Some(&mut out.opclass),
            "collation" => Some(&mut out.collation),
            "canonical" => Some(&mut out.canonical),
            "subtype_diff" => Some(&mut out.difference),
            "multirange_type_name" => Some(&mut out.multirange),
            other => return Err(err!(SYNTAX_ERROR, "type attribute \"{other}\" not recognized")),
        };
        if list[..n].iter().any(|earlier| earlier.name == e.name) {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        match slot {
            Some(slot) => *slot = Some(name_of(e)),
            None => out.subtype = Some(subtype(cmd, cx, e)?),
        }
    }
    Ok(out)
}

fn subtype(cmd: &Command, cx: &mut ExecContext, e: &DefElem) -> Result<TypeRef> {
    let written = match &e.arg {
        Some(DefArg::Type(t)) => (**t).clone(),
        _ => TypeName::named(name_of(e).parts, NOWHERE),
    };
    let found = resolve_type(cx, &cmd.source, &written);
    found.map_err(|mut e| {
        e.0.position = None;
        e
    })
}

fn invalid(text: String) -> Error {
    Error::new(SqlState::INVALID_OBJECT_DEFINITION, text)
}

/// The B-tree operator class that orders the bounds; true beside it where it orders by bytes.
fn opclass(cx: &mut ExecContext, named: Option<&QualName>, sub: TypeRef) -> Result<(Oid, bool)> {
    let Some(named) = named else {
        let found = default_opclass(IndexMethod::Btree, sub.oid);
        if found.is_valid() || index::is_ordered(sub.oid) {
            return Ok((found, false));
        }
        let shown = types::format_type_plain(sub.oid, &*cx.fx.io.hooks);
        let text = format!("data type {shown} has no default operator class for access method \"btree\"");
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).hint(
            "You must specify an operator class for the range type or define a default operator class for the subtype.",
        ));
    };
    let special = index::named_opclass(cx, named, sub, IndexMethod::Btree)?;
    match special.is_valid() {
        // Those that are not the default of a type are those of patterns.
        true => Ok((special, true)),
        false => Ok((opclass_named(IndexMethod::Btree, named.name()).map_or(special, |c| c.oid), false)),
    }
}

/// The collation of the bounds.
fn collation(cx: &mut ExecContext, named: Option<&QualName>, sub: TypeRef) -> Result<Oid> {
    let own = types::info(sub.oid).map_or(Oid::INVALID, |i| i.collation);
    match named {
        None => Ok(own),
        Some(_) if !own.is_valid() => {
            let text = "range collation specified but subtype does not support collation";
            Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text))
        }
        Some(name) => super::collation::named_oid(&cx.backend()?.catalog.clone(), name),
    }
}

/// The function of a name that takes exactly this.
fn exactly(cx: &mut ExecContext, name: &QualName, args: &[Oid]) -> Result<&'static FuncDef> {
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, name.schema(), name.name());
    let found = known.into_iter().find(|(_, f)| f.args == args).map(|(_, f)| f);
    let listed = || shown::listed(&*cx.fx.io.hooks, &name.joined(), args);
    found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "function {} does not exist", listed()))
}

/// A support function: what it answers with, and that it may be called.
fn support(cx: &mut ExecContext, what: &str, (name, args, ret): (&QualName, &[Oid], Oid)) -> Result<&'static FuncDef> {
    let f = exactly(cx, name, args)?;
    let listed = shown::listed(&*cx.fx.io.hooks, &name.joined(), args);
    if f.ret != ret {
        let wanted = match what {
            "canonical" => "range type".to_owned(),
            _ => format!("type {}", types::format_type_plain(ret, &*cx.fx.io.hooks)),
        };
        return Err(invalid(format!("range {what} function {listed} must return {wanted}")));
    }
    if f.volatility != b'i' {
        return Err(invalid(format!("range {what} function {listed} must be immutable")));
    }
    function::may_call(cx, f)?;
    Ok(f)
}

/// What a canonical function does to bounds of a type: one of the built-in ones, under whatever name.
fn step_of(f: &FuncDef, sub: TypeRef) -> Result<Step> {
    let step = Step::of_code(f.fact.src).filter(|s| f.fact.language() == b'i' && s.counts() == sub.oid);
    step.ok_or_else(|| Error::unsupported("canonical functions other than those of built-in ranges are not supported"))
}

/// PostgreSQL 15, multirangetypes.c, makeMultirangeTypeName: its first `range` becomes `multirange`.
fn multirange_name(range: &str) -> String {
    let made = match range.contains("range") {
        true => range.replacen("range", "multirange", 1),
        false => format!("{}_multirange", clip(range, NAME_MAX - 11)),
    };
    clip(&made, NAME_MAX).to_owned()
}

/// The multirange type, not yet of its range.
fn multirange(cx: &mut ExecContext, range: (&str, Oid), named: Option<&QualName>) -> Flow<UserType> {
    let kind = UserTypeKind::Multirange { range: Oid::INVALID };
    if let Some(name) = named {
        let namespace = schema::for_new(cx.backend()?, name.schema())?;
        if (name.name(), namespace) == range {
            let text = "duplicate key value violates unique constraint \"pg_type_typname_nsp_index\"";
            let detail = format!("Key (typname, typnamespace)=({}, {namespace}) already exists.", name.name());
            return Err(Error::new(SqlState::UNIQUE_VIOLATION, text).detail(detail).into());
        }
        let namespace = place(cx, name)?;
        return Ok(new_type(cx, name.name(), namespace, kind)?);
    }
    let name = multirange_name(range.0);
    let schema = cx.backend()?.catalog.namespace(range.1).map(|n| n.name).unwrap_or_default();
    place(cx, &QualName { parts: vec![schema, name.clone()], pos: NOWHERE }).map_err(|e| match e {
        crate::base::Stop::Error(e) if e.sqlstate() == SqlState::DUPLICATE_OBJECT => e
            .detail(format!("Failed while creating a multirange type for type \"{}\".", range.0))
            .hint("You can manually specify a multirange type name using the \"multirange_type_name\" attribute.")
            .into(),
        other => other,
    })?;
    Ok(new_type(cx, &name, range.1, kind)?)
}

/// Where the range type goes: a new one, or the shell that waits for it.
fn shell_or_new(cx: &mut ExecContext, name: &QualName) -> Flow<(Oid, Option<UserType>)> {
    let namespace = schema::for_new(cx.backend()?, name.schema())?;
    names::lock_name(cx, class::TYPE, namespace, name.name())?;
    let shell = find(cx, &name.parts)?;
    match shell.filter(|t| t.namespace == namespace && matches!(t.kind, UserTypeKind::Shell)) {
        Some(shell) => Ok((namespace, Some(shell))),
        None => Ok((place(cx, name)?, None)),
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateRangeStmt) -> Flow<String> {
    let name = stmt.name.name();
    let (namespace, shell) = shell_or_new(cx, &stmt.name)?;
    let o = options(cmd, cx, &stmt.options)?;
    let sub = o.subtype.ok_or_else(|| err!(SYNTAX_ERROR, "type attribute \"subtype\" is required"))?;
    if types::info(sub.oid).is_some_and(|i| i.is_pseudo()) {
        let shown = types::format_type_plain(sub.oid, &*cx.fx.io.hooks);
        return Err(err!(DATATYPE_MISMATCH, "range subtype cannot be {shown}").into());
    }
    let (opclass, by_bytes) = opclass(cx, o.opclass.as_ref(), sub)?;
    let collation = collation(cx, o.collation.as_ref(), sub)?;
    let canonical = match (&o.canonical, &shell) {
        (None, _) => None,
        (Some(name), Some(shell)) => Some(support(cx, "canonical", (name, &[shell.oid], shell.oid))?),
        (Some(_), None) => {
            let text = "cannot specify a canonical function without a pre-created shell type";
            return Err(invalid(text.into())
                .hint("Create the type as a shell type, then create its canonicalization function, then do a full CREATE TYPE.")
                .into());
        }
    };
    let step = canonical.map(|f| step_of(f, sub)).transpose()?;
    let difference = match &o.difference {
        Some(name) => support(cx, "subtype diff", (name, &[sub.oid, sub.oid], oid::FLOAT8))?.oid,
        None => Oid::INVALID,
    };
    let order = match collation.is_valid() && !by_bytes {
        true => Names::order(&*cx.backend()?.catalog.clone(), collation)?.written(),
        false => String::new(),
    };
    let mut made = match shell {
        Some(shell) => UserType { array_oid: new_oid(cx)?, ..shell },
        None => new_type(cx, name, namespace, UserTypeKind::Shell)?,
    };
    let mut multi = multirange(cx, (name, namespace), o.multirange.as_ref())?;
    let canonical = canonical.map_or(Oid::INVALID, |f| f.oid);
    let range =
        RangeType { subtype: sub.oid, multirange: multi.oid, collation, order, opclass, canonical, step, difference };
    made.kind = UserTypeKind::Range(range);
    multi.kind = UserTypeKind::Multirange { range: made.oid };
    let (range, multirange) = (made.clone(), multi.clone());
    put(cx, Object::Type(made))?;
    put(cx, Object::Type(multi))?;
    range_constructors(cx, &range, sub.oid)?;
    let from_one = multirange_constructors(cx, &range, &multirange)?;
    cast(cx, [range.oid, multirange.oid, from_one])?;
    Ok("CREATE TYPE".into())
}

fn range_constructors(cx: &mut ExecContext, range: &UserType, sub: Oid) -> Flow<()> {
    for (code, args) in [("range_constructor2", vec![sub, sub]), ("range_constructor3", vec![sub, sub, oid::TEXT])] {
        constructor(cx, (range, range.namespace), (code, args, false))?;
    }
    Ok(())
}

/// The OID of the one that takes a range.
fn multirange_constructors(cx: &mut ExecContext, range: &UserType, multi: &UserType) -> Flow<Oid> {
    constructor(cx, (multi, range.namespace), ("multirange_constructor0", Vec::new(), false))?;
    let one = constructor(cx, (multi, range.namespace), ("multirange_constructor1", vec![range.oid], false))?;
    constructor(cx, (multi, range.namespace), ("multirange_constructor2", vec![range.array_oid], true))?;
    Ok(one)
}

/// A function of the type's name that makes its values. It belongs to the type, and to the superuser; it stands in the
/// range type's schema, whichever its multirange type is in (PostgreSQL 15, typecmds.c, DefineRange).
fn constructor(
    cx: &mut ExecContext,
    (of, namespace): (&UserType, Oid),
    (code, args, variadic): (&str, Vec<Oid>, bool),
) -> Flow<Oid> {
    if function::same(cx, namespace, &of.name, &args)?.is_some() {
        let text = format!("function \"{}\" already exists with same argument types", of.name);
        return Err(Error::new(SqlState::DUPLICATE_FUNCTION, text).into());
    }
    let oid = new_oid(cx)?;
    let made = Function {
        oid,
        name: of.name.clone(),
        namespace,
        owner: fixed::BOOTSTRAP_SUPERUSER,
        kind: 'f',
        language: "internal".into(),
        arg_modes: if variadic { vec!['v'] } else { Vec::new() },
        arg_types: args,
        arg_names: Vec::new(),
        arg_defaults: Vec::new(),
        result: TypeRef::of(of.oid),
        returns_set: false,
        strict: code.starts_with("multi"),
        volatility: 'i',
        security_definer: false,
        leakproof: false,
        parallel: 's',
        cost: 1.0,
        rows: 0.0,
        body: code.into(),
        library: None,
        settings: Vec::new(),
        acl: None,
        depends: vec![part_of(class::TYPE, of.oid)],
        atomic: false,
        kept: Kept::default(),
        aggregate: None,
    };
    put(cx, Object::Function(made))?;
    Ok(oid)
}

fn part_of(class: Oid, oid: Oid) -> Depend {
    Depend { on: ObjectKey::new(class, oid), auto: true }
}

fn cast(cx: &mut ExecContext, [source, target, function]: [Oid; 3]) -> Flow<()> {
    let depends = vec![part_of(class::PROC, function), part_of(class::TYPE, source), part_of(class::TYPE, target)];
    let oid = new_oid(cx)?;
    put(cx, Object::Cast(Cast { oid, source, target, function, context: 'e', method: 'f', depends }))?;
    Ok(())
}

/// The type that made a function or a cast along with itself, of the code for it.
pub fn made_with(object: &Object) -> Option<ObjectKey> {
    match object {
        Object::Function(f) => f.depends.iter().find(|d| d.auto && d.on.class == class::TYPE).map(|d| d.on),
        Object::Cast(c) => c.depends.iter().find(|d| d.auto).map(|d| d.on),
        Object::Type(UserType { kind: UserTypeKind::Multirange { range }, .. }) => {
            Some(ObjectKey::new(class::TYPE, *range))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::multirange_name;

    #[test]
    fn a_multirange_is_named_after_its_range() {
        assert_eq!(multirange_name("floatrange"), "floatmultirange");
        assert_eq!(multirange_name("rangeyrange"), "multirangeyrange");
        assert_eq!(multirange_name("span"), "span_multirange");
        let long = "x".repeat(63);
        assert_eq!(multirange_name(&long), format!("{}_multirange", &long[..52]));
    }
}
