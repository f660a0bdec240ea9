//! CREATE and ALTER OPERATOR FAMILY. PostgreSQL 15, opclasscmds.c: same checks, texts and order.
//!
//! What a family says of the operators across its types is for the planner, which here knows the built-in families alone.

use super::opclass::{function, oper};
use super::write::{new_oid, put, resolve_type};
use super::{Command, names, schema, schema_object};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Object, OpFamily};
use crate::err;
use crate::sql::ast::{
    AlterOpFamilyAction, AlterOpFamilyStmt, CreateOpFamilyStmt, ObjectName, ObjectType, OpClassItem, OpFamilyMember,
    TypeName,
};
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::func;
use crate::types::oid;

/// The highest numbers of operators and functions that an access method has; 0: it takes any.
pub fn limits(method: Oid) -> (i32, i32) {
    match method {
        fixed::BTREE_AM => (5, 5),
        fixed::HASH_AM => (1, 3),
        fixed::GIN_AM => (0, 7),
        fixed::GIST_AM => (0, 11),
        fixed::BRIN_AM => (0, 15),
        _ => (0, 7),
    }
}

pub fn create(cx: &mut ExecContext, stmt: &CreateOpFamilyStmt) -> Flow<String> {
    let namespace = schema::for_new(cx.backend()?, stmt.name.schema())?;
    let method = schema_object::method(&stmt.method)?;
    if !cx.backend()?.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to create an operator family").into());
    }
    let name = stmt.name.name();
    names::lock_name(cx, class::OPFAMILY, namespace, name)?;
    if cx.backend()?.catalog.opfamily_in(namespace, method, name).is_some() {
        let text = format!("operator family \"{name}\" for access method \"{}\" already exists", stmt.method);
        return Err(err!(DUPLICATE_OBJECT, "{text}").into());
    }
    new(cx, namespace, method, name)?;
    Ok("CREATE OPERATOR FAMILY".into())
}

/// Makes an empty family.
pub fn new(cx: &mut ExecContext, namespace: Oid, method: Oid, name: &str) -> Result<Oid> {
    let (oid, owner) = (new_oid(cx)?, cx.backend()?.user.current);
    put(
        cx,
        Object::OpFamily(OpFamily {
            oid,
            name: name.to_owned(),
            namespace,
            owner,
            method,
            operators: Vec::new(),
            ordering: Vec::new(),
            functions: Vec::new(),
        }),
    )?;
    Ok(oid)
}

pub fn alter(cmd: &Command, cx: &mut ExecContext, stmt: &AlterOpFamilyStmt) -> Flow<String> {
    let method = schema_object::method(&stmt.method)?;
    let name = ObjectName::OpClass { name: stmt.name.clone(), method: stmt.method.clone() };
    names::check_schema(cx, stmt.name.schema())?;
    names::may_look_into(&cx.backend()?.catalog.clone(), stmt.name.schema())?;
    let superuser = cx.backend()?.user.is_superuser;
    let refuse = || err!(INSUFFICIENT_PRIVILEGE, "must be superuser to alter an operator family");
    let found = match schema_object::find(cx, ObjectType::OpFamily, &name) {
        Ok(Some(_)) | Err(_) if !superuser => return Err(refuse().into()),
        found => found?,
    };
    let Some(Object::OpFamily(mut family)) = found else {
        return Err(super::absent::refuse_alter(cmd, cx, ObjectType::OpFamily, &name, "ADD and DROP").into());
    };
    match &stmt.action {
        AlterOpFamilyAction::Add(items) => {
            let mut added = OpFamily { operators: Vec::new(), functions: Vec::new(), ..family.clone() };
            items.iter().try_for_each(|item| add(cmd, cx, item, method, &mut added))?;
            store(cx, &mut family, added)?;
        }
        AlterOpFamilyAction::Drop(members) => {
            members.iter().try_for_each(|m| remove(cmd, cx, m, method, &mut family))?;
        }
    }
    put(cx, Object::OpFamily(family))?;
    Ok("ALTER OPERATOR FAMILY".into())
}

pub fn number(what: &str, given: i32, most: i32) -> Result<i16> {
    let most = if most == 0 { i32::from(i16::MAX) } else { most };
    match given > 0 && given <= most {
        true => Ok(given as i16),
        false => Err(err!(INVALID_OBJECT_DEFINITION, "invalid {what} number {given}, must be between 1 and {most}")),
    }
}

fn pair(cmd: &Command, cx: &mut ExecContext, types: &[TypeName]) -> Result<[Oid; 2]> {
    let mut given = Vec::new();
    for t in types {
        given.push(resolve_type(cx, &cmd.source, t)?.oid);
    }
    match given[..] {
        [one] => Ok([one; 2]),
        [left, right] => Ok([left, right]),
        _ => Err(err!(SYNTAX_ERROR, "one or two argument types must be specified")),
    }
}

fn add(cmd: &Command, cx: &mut ExecContext, item: &OpClassItem, method: Oid, to: &mut OpFamily) -> Result<()> {
    let (operators, functions) = limits(method);
    match item {
        OpClassItem::Operator { number: n, types, order_by, .. } => {
            let n = number("operator", *n, operators)?;
            let Some(sig) = types else {
                return Err(err!(SYNTAX_ERROR, "operator argument types must be specified in ALTER OPERATOR FAMILY"));
            };
            let (oid, of) = oper(cmd, cx, sig)?;
            if let Some(name) = order_by {
                if method != fixed::GIST_AM && to.method_name() != "spgist" {
                    let text = format!("access method \"{}\" does not support ordering operators", to.method_name());
                    return Err(err!(INVALID_OBJECT_DEFINITION, "{text}"));
                }
                let known = system_view::family_named(crate::catalog::IndexMethod::Btree, name.name());
                let text = "does not exist for access method \"btree\"";
                let sorts =
                    known.ok_or_else(|| err!(UNDEFINED_OBJECT, "operator family \"{}\" {text}", name.joined()))?;
                to.ordering.push((oid, sorts));
            } else if result_of(cx, oid) != oid::BOOL {
                return Err(err!(INVALID_OBJECT_DEFINITION, "index search operators must return boolean"));
            }
            if of.iter().any(|t| !t.is_valid()) {
                return Err(err!(INVALID_OBJECT_DEFINITION, "index operators must be binary"));
            }
            if to.operators.iter().any(|m| (m.0, m.2) == (n, of)) {
                return Err(twice(cx, "operator", n, of));
            }
            to.operators.push((n, oid, of));
        }
        OpClassItem::Function { number: n, types, function: sig } => {
            let n = number("function", *n, functions)?;
            let f = function(cmd, cx, sig)?;
            let of = match types.is_empty() {
                false => pair(cmd, cx, types)?,
                true => of_function(method, n, f)?,
            };
            let options = n == if method == fixed::HASH_AM { 3 } else { 5 };
            if matches!(method, fixed::BTREE_AM | fixed::HASH_AM) && options && of[0] != of[1] {
                let what = "left and right associated data types for operator class options parsing functions";
                return Err(err!(INVALID_OBJECT_DEFINITION, "{what} must match"));
            }
            check_function(method, n, f)?;
            if method == fixed::BTREE_AM && n == 4 && of[0] != of[1] {
                return Err(err!(INVALID_OBJECT_DEFINITION, "btree equal image functions must not be cross-type"));
            }
            if to.functions.iter().any(|m| (m.0, m.2) == (n, of)) {
                return Err(twice(cx, "function", n, of));
            }
            to.functions.push((n, f.oid, of));
        }
        OpClassItem::Storage(_) => {
            return Err(err!(SYNTAX_ERROR, "STORAGE cannot be specified in ALTER OPERATOR FAMILY"));
        }
    }
    Ok(())
}

fn result_of(cx: &mut ExecContext, operator: Oid) -> Oid {
    let catalog = cx.backend().map(|b| b.catalog.clone()).ok();
    let key = crate::catalog::ObjectKey::new(class::OPERATOR, operator);
    match catalog.and_then(|c| c.get(key)).map(|r| r.object.clone()) {
        Some(Object::Operator(o)) => o.result,
        _ => func::oper(operator).map_or(Oid::INVALID, |o| o.result),
    }
}

/// What a support function must be like that orders or hashes.
pub fn check_function(method: Oid, n: i16, f: &func::FuncDef) -> Result<()> {
    let fault = |text: String| Err(err!(INVALID_OBJECT_DEFINITION, "{text}"));
    let (args, ret) = (f.args, f.ret);
    let options = match method {
        fixed::BTREE_AM => 5,
        fixed::HASH_AM => 3,
        _ => 0,
    };
    if n == options {
        return match args == [oid::INTERNAL] && ret == oid::VOID {
            true => Ok(()),
            false => Err(err!(INVALID_OBJECT_DEFINITION, "invalid operator class options parsing function")
                .hint("Valid signature of operator class options parsing function is (internal) RETURNS void.")),
        };
    }
    match (method, n) {
        (fixed::BTREE_AM, 1) if args.len() != 2 => fault("btree comparison functions must have two arguments".into()),
        (fixed::BTREE_AM, 1) if ret != oid::INT4 => fault("btree comparison functions must return integer".into()),
        (fixed::BTREE_AM, 2) if args != [oid::INTERNAL] => {
            fault("btree sort support functions must accept type \"internal\"".into())
        }
        (fixed::BTREE_AM, 2) if ret != oid::VOID => fault("btree sort support functions must return void".into()),
        (fixed::BTREE_AM, 3) if args.len() != 5 => fault("btree in_range functions must have five arguments".into()),
        (fixed::BTREE_AM, 3) if ret != oid::BOOL => fault("btree in_range functions must return boolean".into()),
        (fixed::BTREE_AM, 4) if args.len() != 1 => fault("btree equal image functions must have one argument".into()),
        (fixed::BTREE_AM, 4) if ret != oid::BOOL => fault("btree equal image functions must return boolean".into()),
        (fixed::HASH_AM, 1) if args.len() != 1 => fault("hash function 1 must have one argument".into()),
        (fixed::HASH_AM, 1) if ret != oid::INT4 => fault("hash function 1 must return integer".into()),
        (fixed::HASH_AM, 2) if args.len() != 2 => fault("hash function 2 must have two arguments".into()),
        (fixed::HASH_AM, 2) if ret != oid::INT8 => fault("hash function 2 must return bigint".into()),
        _ => Ok(()),
    }
}

/// The types a support function is for, where none are told: those of its arguments.
fn of_function(method: Oid, n: i16, f: &func::FuncDef) -> Result<[Oid; 2]> {
    let found = match (method, n, f.args) {
        (fixed::BTREE_AM, 1, [left, right]) => Some([*left, *right]),
        (fixed::BTREE_AM, 3, [left, _, right, ..]) => Some([*left, *right]),
        (fixed::HASH_AM, 1 | 2, [of, ..]) => Some([*of; 2]),
        _ => None,
    };
    check_function(method, n, f)?;
    let text = "associated data types must be specified for index support function";
    found.ok_or_else(|| err!(INVALID_OBJECT_DEFINITION, "{text}"))
}

fn of_types(cx: &ExecContext, of: [Oid; 2]) -> String {
    let shown = |t: Oid| crate::types::format_type(t, -1, &*cx.fx.io.hooks);
    format!("{},{}", shown(of[0]), shown(of[1]))
}

fn twice(cx: &ExecContext, what: &str, n: i16, of: [Oid; 2]) -> Error {
    err!(INVALID_OBJECT_DEFINITION, "{what} number {n} for ({}) appears more than once", of_types(cx, of))
}

/// Members of classes are the family's, too.
fn store(cx: &mut ExecContext, family: &mut OpFamily, added: OpFamily) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let classes: Vec<_> = catalog.all(class::OPCLASS).into_iter().collect();
    let (mut operators, mut functions) = (family.operators.clone(), family.functions.clone());
    for record in &classes {
        if let Object::OpClass(o) = &record.object
            && o.family == family.oid
        {
            operators.extend(&o.operators);
            functions.extend(&o.functions);
        }
    }
    for (what, have, new) in [("operator", &operators, &added.operators), ("function", &functions, &added.functions)] {
        for (n, _, of) in new {
            if have.iter().any(|m| (m.0, m.2) == (*n, *of)) {
                let shown = format!("{what} {n}({})", of_types(cx, *of));
                let text = format!("{shown} already exists in operator family \"{}\"", family.name);
                return Err(err!(DUPLICATE_OBJECT, "{text}"));
            }
        }
    }
    family.operators.extend(added.operators);
    family.functions.extend(added.functions);
    family.ordering = added.ordering;
    Ok(())
}

fn remove(
    cmd: &Command,
    cx: &mut ExecContext,
    member: &OpFamilyMember,
    method: Oid,
    family: &mut OpFamily,
) -> Result<()> {
    let (operators, functions) = limits(method);
    let what = if member.operator { "operator" } else { "function" };
    let n = number(what, member.number, if member.operator { operators } else { functions })?;
    let of = pair(cmd, cx, &member.types)?;
    let list = if member.operator { &mut family.operators } else { &mut family.functions };
    let before = list.len();
    list.retain(|m| (m.0, m.2) != (n, of));
    if list.len() == before {
        let shown = format!("{what} {n}({})", of_types(cx, of));
        let text = format!("{shown} does not exist in operator family \"{}\"", family.name);
        return Err(err!(UNDEFINED_OBJECT, "{text}"));
    }
    Ok(())
}
