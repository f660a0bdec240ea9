//! CREATE OPERATOR CLASS, as the scripts of extensions have it. PostgreSQL 15, opclasscmds.c.
//!
//! What an index does with values is code of the program: a class is made of functions that have some. B-trees and hash
//! indexes order and hash the values of a type in one way only: classes of other orders are kept, and refused where an
//! index or a partition's key names one.

use super::write::{new_oid, put, resolve_type};
use super::{Command, names, operator, opfamily, schema, schema_object};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, IndexMethod, Object, OpClass};
use crate::err;
use crate::sql::ast::{CreateOpClassStmt, FuncSignature, ObjectName, ObjectType, OpClassItem, OperSignature, QualName};
use crate::sql::bind::Names;
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::func;

/// The code of a class, by the symbol of the function that takes a value apart (GIN: `extractValue`, number 2), or that
/// asks a key (GiST: `consistent`, number 1).
fn code_of(symbol: &str) -> Option<&'static str> {
    match symbol.rsplit(':').next()? {
        "gin_extract_value_trgm" => Some("trigram"),
        "gin_extract_hstore" => Some("hstore"),
        "gtrgm_consistent" => Some("trigram"),
        "g_cube_consistent" => Some("cube"),
        "ltree_consistent" => Some("path"),
        "_ltree_consistent" => Some("paths"),
        "g_int_consistent" | "g_intbig_consistent" => Some("numbers"),
        "ginarrayextract" => Some("numbers"),
        of_scalar if of_scalar.starts_with("gbt_") && of_scalar.ends_with("_consistent") => Some("scalar"),
        of_scalar if of_scalar.starts_with("gin_extract_value_") => Some("scalar"),
        _ => None,
    }
}

/// A function by name and types, those of `internal` included.
pub fn function(cmd: &Command, cx: &mut ExecContext, sig: &FuncSignature) -> Result<&'static func::FuncDef> {
    let mut given = Vec::new();
    for p in sig.args.iter().flatten() {
        given.push(resolve_type(cx, &cmd.source, &p.typ)?.oid);
    }
    let catalog = cx.backend()?.catalog.clone();
    let known = Names::functions(&*catalog, sig.name.schema(), sig.name.name());
    let found = known.into_iter().find(|(_, f)| f.args == given).map(|(_, f)| f);
    let listed = || crate::sql::routine::shown::listed(&*cx.fx.io.hooks, &sig.name.joined(), &given);
    found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "function {} does not exist", listed()))
}

/// An operator of users, or a built-in one, and its argument types.
pub fn oper(cmd: &Command, cx: &mut ExecContext, sig: &OperSignature) -> Result<(Oid, [Oid; 2])> {
    if let Some(o) = operator::named(cmd, cx, sig)? {
        return Ok((o.oid, [o.left, o.right]));
    }
    let (oid, _) = super::absent::built_in_operator(cmd, cx, sig)?;
    let types = func::oper(oid).map_or([Oid::INVALID; 2], |o| [o.left, o.right]);
    Ok((oid, types))
}

pub fn create(cmd: &Command, cx: &mut ExecContext, stmt: &CreateOpClassStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, stmt.name.schema())?;
    if !backend.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create an operator class").into());
    }
    let owner = backend.user.current;
    names::lock_name(cx, class::OPCLASS, namespace, stmt.name.name())?;
    let input = resolve_type(cx, &cmd.source, &stmt.typ)?.oid;
    schema_object::method(&stmt.method)?;
    let Some(method) = IndexMethod::named(&stmt.method).filter(|m| *m != IndexMethod::Brin) else {
        return Err(Error::unsupported(format!("operator classes for {} are not supported", stmt.method)).into());
    };
    let mut made = OpClass {
        oid: Oid::INVALID,
        family: Oid::INVALID,
        name: stmt.name.name().to_owned(),
        namespace,
        owner,
        method: method.oid(),
        input,
        default: stmt.default,
        key: Oid::INVALID,
        operators: Vec::new(),
        ordering: Vec::new(),
        functions: Vec::new(),
        code: String::new(),
    };
    for item in &stmt.items {
        take(cmd, cx, item, &mut made)?;
    }
    let compares = matches!(method, IndexMethod::Btree | IndexMethod::Hash);
    if compares && made.key.is_valid() && made.key != input {
        let text = "storage type cannot be different from data type for access method";
        return Err(err!(INVALID_OBJECT_DEFINITION, "{text} \"{}\"", method.name()).into());
    }
    if made.key == input {
        made.key = Oid::INVALID;
    }
    if made.code.is_empty() && !compares {
        return Err(Error::unsupported("operator classes other than those of extensions are not supported").into());
    }
    if named(&cx.backend()?.catalog.clone(), method, &stmt.name)?.is_some_and(|o| o.namespace == namespace) {
        let text = format!("operator class \"{}\" for access method \"{}\" already exists", made.name, method.name());
        return Err(err!(DUPLICATE_OBJECT, "{text}").into());
    }
    if made.default {
        refuse_second(cx, &made, (method, &stmt.typ.names.join(".")))?;
    }
    made.family = family(cmd, cx, stmt, namespace, method)?;
    made.oid = new_oid(cx)?;
    put(cx, Object::OpClass(made))?;
    Ok("CREATE OPERATOR CLASS".into())
}

/// # Errors
/// 42710 where the type has a default class.
fn refuse_second(cx: &mut ExecContext, made: &OpClass, (method, shown): (IndexMethod, &str)) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let built_in = system_view::opclass_of(method, system_view::default_opclass(method, made.input));
    let built_in = built_in.filter(|c| c.input == made.input).map(|c| c.name.to_owned());
    let of_users = catalog.all(class::OPCLASS).into_iter().find_map(|r| match &r.object {
        Object::OpClass(o) if o.default && (o.method, o.input) == (made.method, made.input) => Some(o.name.clone()),
        _ => None,
    });
    let Some(other) = built_in.or(of_users) else { return Ok(()) };
    let text = format!("could not make operator class \"{}\" be default for type {shown}", made.name);
    Err(err!(DUPLICATE_OBJECT, "{text}").detail(format!("Operator class \"{other}\" already is the default.")))
}

/// The family named, the one of the class's name, or a new one of this name.
fn family(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &CreateOpClassStmt,
    namespace: Oid,
    method: IndexMethod,
) -> Result<Oid> {
    if let Some(name) = &stmt.family {
        let name = ObjectName::OpClass { name: name.clone(), method: stmt.method.clone() };
        return match schema_object::find(cx, ObjectType::OpFamily, &name)? {
            Some(Object::OpFamily(f)) => Ok(f.oid),
            _ => Err(super::absent::refuse_alter(cmd, cx, ObjectType::OpFamily, &name, "FAMILY")),
        };
    }
    match cx.backend()?.catalog.opfamily_in(namespace, method.oid(), stmt.name.name()) {
        Some(f) => Ok(f.oid),
        None => opfamily::new(cx, namespace, method.oid(), stmt.name.name()),
    }
}

fn take(cmd: &Command, cx: &mut ExecContext, item: &OpClassItem, made: &mut OpClass) -> Result<()> {
    match item {
        OpClassItem::Storage(t) => made.key = resolve_type(cx, &cmd.source, t)?.oid,
        OpClassItem::Function { number, types, function: sig } => {
            opfamily::number("function", *number, opfamily::limits(made.method).1)?;
            let f = function(cmd, cx, sig)?;
            if !types.is_empty() || matches!(made.method, fixed::BTREE_AM | fixed::HASH_AM) {
                opfamily::check_function(made.method, *number as i16, f)?;
            }
            let mut of = [made.input; 2];
            for (slot, t) in of.iter_mut().zip(types) {
                *slot = resolve_type(cx, &cmd.source, t)?.oid;
            }
            let tells = match made.method {
                fixed::GIST_AM => *number == 1,
                fixed::GIN_AM => *number == 2,
                _ => false,
            };
            if tells {
                made.code = code_of(f.fact.src).unwrap_or_default().to_owned();
            }
            // The type's own order, or hash.
            let of_type = *number == 1 && f.fact.src.starts_with("$libdir/") && of_code(made.input);
            if matches!(made.method, fixed::BTREE_AM | fixed::HASH_AM) && of_type {
                made.code = "type".to_owned();
            }
            made.functions.push((*number as i16, f.oid, of));
        }
        OpClassItem::Operator { number, op, types, order_by } => {
            opfamily::number("operator", *number, opfamily::limits(made.method).0)?;
            let (oid, of) = match types {
                Some(sig) => oper(cmd, cx, sig)?,
                None => of_input(cx, op.schema.as_deref(), &op.name, made.input)?,
            };
            if let Some(family) = order_by {
                let name = family.name();
                let known = system_view::family_named(IndexMethod::Btree, name);
                made.ordering.push((
                    oid,
                    known.ok_or_else(|| {
                        let text = "does not exist for access method \"btree\"";
                        err!(UNDEFINED_OBJECT, "operator family \"{name}\" {text}")
                    })?,
                ));
            }
            made.operators.push((*number as i16, oid, of));
        }
    }
    Ok(())
}

/// The operator that has the class's type on both sides.
fn of_input(cx: &mut ExecContext, schema: Option<&str>, name: &str, input: Oid) -> Result<(Oid, [Oid; 2])> {
    if let Some(o) = func::type_operator(name, input, input) {
        return Ok((o.oid, [input; 2]));
    }
    let catalog = cx.backend()?.catalog.clone();
    let place = schema.map(|s| catalog.namespace_oid(s)).transpose()?;
    let found = catalog.all(class::OPERATOR).into_iter().find_map(|r| match &r.object {
        Object::Operator(o) if o.name == name && [o.left, o.right] == [input; 2] => {
            place.is_none_or(|p| p == o.namespace).then_some(o.oid)
        }
        _ => None,
    });
    let oid = found.ok_or_else(|| err!(UNDEFINED_FUNCTION, "operator does not exist: {name}"))?;
    Ok((oid, [input; 2]))
}

/// The class of users that a name means.
pub fn named(catalog: &Catalog, method: IndexMethod, name: &QualName) -> Result<Option<OpClass>> {
    catalog.opclass_named(method, name.schema(), name.name())
}

/// Whether values of a type are ordered and hashed by code that an extension brings.
fn of_code(ty: Oid) -> bool {
    let info = crate::types::info(crate::types::base_type(ty));
    info.and_then(|i| i.code).is_some_and(|c| c.key.is_some())
}

/// Whether values of a type, or of the domain's, are hashed as far as its operator classes go: those of an extension's
/// type may have an order alone.
pub fn is_hashed(catalog: &Catalog, ty: Oid) -> bool {
    crate::sql::func::hash::hashable(ty) && (!of_code(ty) || catalog.default_opclass(IndexMethod::Hash, ty).is_some())
}
