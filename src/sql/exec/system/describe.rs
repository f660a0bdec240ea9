//! Comments and definitions: `obj_description`, `pg_get_indexdef`, `pg_get_function_arguments`, …

use super::define::Look;
use super::{SystemFn, define, text};
use crate::base::{Flow, Oid, Result};
use crate::catalog::object::{Class, Function, ObjectKey, class, fixed};
use crate::catalog::{Catalog, Constraint, Object, Record, acl, key_triggers, system};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{
    builtin_comment, builtin_statement, direct_arguments, statistics_definition, statistics_expressions,
};
use crate::sql::func;
use crate::sql::names::schema_and_name;
use crate::types::context::TypeHooks;
use crate::types::name::{format_type_plain, quote_identifier};
use crate::types::{Column, Datum, TypeRef};
use std::sync::Arc;

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "obj_description(oid,name)" => |cx, args, out| description_in(cx, args, out, false),
        "shobj_description(oid,name)" => |cx, args, out| description_in(cx, args, out, true),
        "obj_description(oid)" => description,
        "col_description(oid,integer)" => column_description,
        "pg_get_userbyid" => user_by_id,
        "acldefault_sql" => default_rights,
        "makeaclitem" => access_item,
        "pg_get_expr" | "pg_get_expr_ext" => expression,
        "pg_get_indexdef" | "pg_get_indexdef_ext" => index_definition,
        "pg_get_constraintdef" | "pg_get_constraintdef_ext" => constraint_definition,
        "pg_get_viewdef" | "pg_get_viewdef_ext" | "pg_get_viewdef_wrap" => view_definition,
        "pg_get_viewdef_name" | "pg_get_viewdef_name_ext" => view_definition_by_name,
        "pg_get_function_result" => |cx, args, out| about_function(cx, args, out, result),
        "pg_get_function_arguments" => |cx, args, out| function_arguments(cx, args, out, arguments),
        "pg_get_function_identity_arguments" => |cx, args, out| function_arguments(cx, args, out, identity_arguments),
        "pg_get_function_arg_default" => argument_default,
        "pg_get_functiondef" => super::function_text::function_definition,
        "pg_get_function_sqlbody" => sql_body,
        "pg_get_triggerdef" | "pg_get_triggerdef_ext" => trigger_definition,
        "pg_get_partkeydef" => partition_key,
        "pg_get_partition_constraintdef" => partition_constraint,
        "pg_partition_root" => partition_root,
        "pg_get_ruledef" | "pg_get_ruledef_ext" => rule_definition,
        "pg_get_statisticsobjdef" => |cx, args, out| {
            let shown = statistics_definition(&*catalog(cx)?, &cx.fx.io, Oid(args[0].u32()), false);
            maybe(out, shown);
            Ok(())
        },
        "pg_get_statisticsobjdef_columns" => |cx, args, out| {
            let shown = statistics_definition(&*catalog(cx)?, &cx.fx.io, Oid(args[0].u32()), true);
            maybe(out, shown);
            Ok(())
        },
        "pg_get_statisticsobjdef_expressions" => |cx, args, out| {
            match statistics_expressions(&*catalog(cx)?, &cx.fx.io, Oid(args[0].u32())) {
                Some(list) => {
                    let bytes = crate::types::array::from_texts(crate::types::oid::TEXT, &list);
                    out.push(Datum::Bytes(&bytes));
                }
                None => out.push_null(),
            }
            Ok(())
        },
        _ => return None,
    })
}

/// What rights an object of a kind has before anybody grants any.
fn default_rights(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let kind = args[0].bytes().first().copied().unwrap_or(0);
    let (public, own) = match kind {
        b'c' => ("", ""),
        b'r' => ("", "arwdDxt"),
        b's' => ("", "rwU"),
        b'd' => ("Tc", "CTc"),
        b'f' => ("X", "X"),
        b'l' | b'T' => ("U", "U"),
        b'L' => ("", "rw"),
        b'n' => ("", "UC"),
        b'p' => ("", "sA"),
        b't' => ("", "C"),
        b'F' | b'S' => ("", "U"),
        other => {
            return Err(err!(INTERNAL_ERROR, "unrecognized objtype abbreviation: {}", other as char).into());
        }
    };
    let owner = Oid(args[1].u32());
    let owner = catalog(cx)?.role(owner).map_or_else(|| owner.to_string(), |r| acl::quoted(&r.name));
    let mut items = Vec::new();
    if !public.is_empty() {
        items.push(format!("={public}/{owner}"));
    }
    if !own.is_empty() {
        items.push(format!("{owner}={own}/{owner}"));
    }
    out.push(Datum::Bytes(&crate::types::array::from_rights(&items)));
    Ok(())
}

/// An item of access rights: grantee, grantor, one right, and whether it may be granted on.
fn access_item(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    const RIGHTS: [(&str, &str); 16] = [
        ("SELECT", "r"),
        ("INSERT", "a"),
        ("UPDATE", "w"),
        ("DELETE", "d"),
        ("TRUNCATE", "D"),
        ("REFERENCES", "x"),
        ("TRIGGER", "t"),
        ("EXECUTE", "X"),
        ("USAGE", "U"),
        ("CREATE", "C"),
        ("TEMP", "T"),
        ("TEMPORARY", "T"),
        ("CONNECT", "c"),
        ("SET", "s"),
        ("ALTER SYSTEM", "A"),
        // Was a right once, and is none.
        ("RULE", ""),
    ];
    let (grantee, grantor, word) = (Oid(args[0].u32()), Oid(args[1].u32()), args[2].str());
    let right = RIGHTS.iter().find(|(name, _)| name.eq_ignore_ascii_case(word)).map(|(_, letter)| *letter);
    let right = right.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "unrecognized privilege type: \"{word}\""))?;
    let option = if args[3].bool() && !right.is_empty() { "*" } else { "" };
    let catalog = catalog(cx)?;
    let mark = |role: Oid| if role.is_valid() { acl::role_mark(role) } else { String::new() };
    let item = format!("{}={right}{option}/{}", mark(grantee), acl::role_mark(grantor));
    text(out, acl::shown(&catalog, Some(&[item])).unwrap_or_default().first().map_or("", String::as_str));
    Ok(())
}

fn maybe(out: &mut Column, value: Option<String>) {
    match value {
        Some(v) => text(out, &v),
        None => out.push_null(),
    }
}

pub(super) fn catalog(cx: &mut ExecContext) -> Result<Arc<Catalog>> {
    Ok(cx.backend()?.catalog.clone())
}

/// Comments on what all databases share are kept apart from the others.
fn description_in(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column, shared: bool) -> Flow<()> {
    let is_shared = |k: &Oid| [class::DATABASE, class::AUTHID, class::TABLESPACE].contains(k);
    let kind = system::oid_by_name(fixed::PG_CATALOG, args[1].str());
    let found = match kind.filter(|k| is_shared(k) == shared) {
        Some(kind) => comment(&*catalog(cx)?, ObjectKey::new(kind, Oid(args[0].u32()))),
        None => None,
    };
    maybe(out, found);
    Ok(())
}

/// The comment on an object, PostgreSQL's own on a built-in one.
fn comment(catalog: &Catalog, on: ObjectKey) -> Option<String> {
    catalog.comment(on).or_else(|| builtin_comment(on).map(str::to_string))
}

fn description(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (catalog, oid) = (catalog(cx)?, Oid(args[0].u32()));
    let kinds = [class::RELATION, class::TYPE, class::PROC, class::NAMESPACE, class::CONSTRAINT, class::TRIGGER];
    maybe(out, kinds.into_iter().find_map(|k| comment(&catalog, ObjectKey::new(k, oid))));
    Ok(())
}

fn column_description(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let on = ObjectKey { class: class::RELATION, oid: Oid(args[0].u32()), sub: args[1].i32() };
    maybe(out, catalog(cx)?.comment(on));
    Ok(())
}

fn sql_body(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let record = catalog.get(ObjectKey::new(class::PROC, oid));
    let own = record.as_ref().and_then(|r| r.object.as_function().ok()).filter(|f| f.atomic);
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    maybe(out, own.map(|f| look.atomic_body(f)).or_else(|| builtin_statement(oid)));
    Ok(())
}

fn user_by_id(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let oid = Oid(args[0].u32());
    let name = catalog(cx)?.role(oid).map(|r| r.name);
    text(out, &name.unwrap_or_else(|| format!("unknown (OID={oid})")));
    Ok(())
}

/// Expressions are stored as the text they are shown as, but for names of relations.
fn expression(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let pretty = args.get(2).is_some_and(|p| p.bool());
    let shown = Look { catalog: &catalog, io: &io, pretty, width: 0 }.catalogued(Oid(args[1].u32()), args[0].str());
    text(out, &shown);
    Ok(())
}

fn rule_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let catalog = catalog(cx)?;
    let look =
        define::Look { catalog: &catalog, io: &cx.fx.io, pretty: args.get(1).is_some_and(|p| p.bool()), width: 0 };
    maybe(out, define::rule_by_oid(&look, Oid(args[0].u32())));
    Ok(())
}

fn partition_key(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let record = class_record(cx, Oid(args[0].u32()))?;
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    let shown = as_class(&record).and_then(|c| {
        let key = c.lineage.key.as_ref()?;
        Some(crate::sql::partition::text::key(key, &c.attributes, &|e| look.listed(c.oid, e)))
    });
    maybe(out, shown);
    Ok(())
}

fn partition_constraint(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let catalog = catalog(cx)?;
    let look = Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 };
    let shown =
        crate::sql::partition::constraint(&catalog, Oid(args[0].u32()), &cx.fx.io, &|of, e| look.expression(of, e));
    maybe(out, shown);
    Ok(())
}

fn partition_root(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let all = super::rows::ancestors(&*catalog(cx)?, Oid(args[0].u32()));
    match all.last() {
        Some(root) => out.push(Datum::U32(root.0)),
        None => out.push_null(),
    }
    Ok(())
}

fn class_record(cx: &mut ExecContext, oid: Oid) -> Result<Option<Arc<Record>>> {
    Ok(catalog(cx)?.class(oid))
}

fn as_class(record: &Option<Arc<Record>>) -> Option<&Class> {
    record.as_ref().and_then(|r| r.object.as_class().ok())
}

fn index_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let record = class_record(cx, Oid(args[0].u32()))?;
    let Some(c) = as_class(&record) else {
        out.push_null();
        return Ok(());
    };
    let column = args.get(1).map_or(0, |c| c.i32());
    let pretty = args.get(2).is_some_and(|p| p.bool());
    let answer = match (&c.index, usize::try_from(column).unwrap_or(0)) {
        (None, _) => None,
        (Some(_), 0) => {
            let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
            define::index(&Look { catalog: &catalog, io: &io, pretty, width: 0 }, c)
        }
        (Some(index), n) => match index.columns.get(n - 1) {
            Some(k) => {
                let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
                let look = Look { catalog: &catalog, io: &io, pretty, width: 0 };
                Some(define::index_column(&look, index.table, k, n <= index.key_columns, true))
            }
            None => Some(String::new()),
        },
    };
    maybe(out, answer);
    Ok(())
}

/// The constraint with this OID, and the table it is on.
fn constraint_by_oid(catalog: &Catalog, oid: Oid) -> Option<(Oid, Option<TypeRef>, Constraint)> {
    use crate::catalog::object::UserTypeKind;
    if let Some((table, k)) = crate::catalog::system::constraint(oid) {
        return Some((table.oid, None, k));
    }
    let holder = catalog.holder(oid)?;
    let (on, constraints) = match &holder.object {
        Object::Class(c) => ((c.oid, None), &c.constraints),
        Object::Type(t) => match &t.kind {
            UserTypeKind::Domain { base, checks, .. } => ((Oid::INVALID, Some(*base)), checks),
            _ => return None,
        },
        _ => return None,
    };
    let parts = || constraints.iter().flat_map(Constraint::parts).find(|k| k.oid == oid);
    constraints.iter().find(|k| k.oid == oid).cloned().or_else(parts).map(|k| (on.0, on.1, k))
}

/// The constraint that goes with a constraint trigger.
fn of_trigger(catalog: &Catalog, oid: Oid) -> Option<String> {
    let holder = catalog.holder(oid)?;
    let trigger = holder.object.as_class().ok()?.triggers.iter().find(|t| t.constraint == oid)?;
    let deferrable = if trigger.deferrable { " DEFERRABLE" } else { "" };
    Some(format!("TRIGGER{deferrable}{}", if trigger.deferred { " INITIALLY DEFERRED" } else { "" }))
}

fn constraint_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let catalog = catalog(cx)?;
    let found = constraint_by_oid(&catalog, Oid(args[0].u32()));
    let pretty = args.get(1).is_some_and(|p| p.bool());
    let io = cx.fx.io.clone();
    let look = Look { catalog: &catalog, io: &io, pretty, width: 0 };
    let shown = found.map(|(table, domain, k)| define::constraint(&look, table, domain, &k));
    maybe(out, shown.or_else(|| of_trigger(&catalog, Oid(args[0].u32()))));
    Ok(())
}

fn view_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    show_view(cx, Oid(args[0].u32()), args, out)
}

fn view_definition_by_name(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let name = args[0].str();
    let (schema, view) = schema_and_name(name)?;
    let found = catalog(cx)?.class_oid_by_name(schema.as_deref(), &view)?;
    let named = || schema.iter().chain([&view]).map(String::as_str).collect::<Vec<_>>().join(".");
    let oid = found.ok_or_else(|| err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", named()))?;
    show_view(cx, oid, args, out)
}

/// A second argument asks for few parentheses: true, or a width for lines (which are never filled).
fn show_view(cx: &mut ExecContext, oid: Oid, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let record = class_record(cx, oid)?;
    let pretty = matches!(args.get(1), Some(Datum::Bool(true) | Datum::I32(_)));
    let width = match args.get(1) {
        // No width at all: never a new line.
        Some(Datum::I32(n)) => usize::try_from(*n).unwrap_or(usize::MAX),
        _ => 0,
    };
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let look = Look { catalog: &catalog, io: &io, pretty, width };
    maybe(out, as_class(&record).map_or_else(|| look.system_view(oid), |c| look.view(c)));
    Ok(())
}

/// What functions tell of themselves, built in or not.
pub(super) struct Described {
    types: Vec<Oid>,
    names: Vec<String>,
    modes: Vec<char>,
    /// Of the last input arguments, as text.
    defaults: Vec<String>,
    result: Oid,
    set: bool,
    procedure: bool,
}

pub(super) fn builtin(f: &func::FuncDef) -> Described {
    let p = f.fact;
    let types = if p.all_args.is_empty() { p.args } else { p.all_args };
    let mut modes: Vec<char> = p.modes.chars().collect();
    if modes.is_empty() && p.variadic.is_valid() {
        modes = vec!['i'; types.len()];
        modes.last_mut().into_iter().for_each(|m| *m = 'v');
    }
    let defaults = split_defaults(p.default_text);
    let names = p.names.iter().map(ToString::to_string).collect();
    Described { types: types.to_vec(), names, modes, defaults, result: f.ret, set: f.retset, procedure: false }
}

/// Expressions separated by commas outside of quotes and brackets.
fn split_defaults(all: &str) -> Vec<String> {
    let (mut parts, mut depth, mut quoted, mut start) = (Vec::new(), 0, false, 0);
    for (at, c) in all.char_indices() {
        match c {
            '\'' => quoted = !quoted,
            '(' | '[' if !quoted => depth += 1,
            ')' | ']' if !quoted => depth -= 1,
            ',' if !quoted && depth == 0 => {
                parts.push(all[start..at].trim().to_string());
                start = at + 1;
            }
            _ => {}
        }
    }
    if !all.trim().is_empty() {
        parts.push(all[start..].trim().to_string());
    }
    parts
}

pub(super) fn user(look: &Look<'_>, f: &Function) -> Described {
    let default = |(text, ty): (&Option<Arc<str>>, &Oid)| {
        let text = text.as_ref()?;
        Some(match crate::sql::bind::is_polymorphic(*ty) {
            true => look.expression(Oid::INVALID, text),
            false => look.argument_default(TypeRef::of(*ty), text),
        })
    };
    Described {
        types: f.arg_types.clone(),
        names: f.arg_names.clone(),
        modes: f.arg_modes.clone(),
        defaults: f.arg_defaults.iter().zip(&f.arg_types).filter_map(default).collect(),
        result: f.result.oid,
        set: f.returns_set,
        procedure: f.is_procedure(),
    }
}

fn described(look: &Look<'_>, oid: Oid) -> Option<Described> {
    if let Some(f) = func::func(oid) {
        return Some(builtin(f));
    }
    let record = look.catalog.get(ObjectKey::new(class::PROC, oid))?;
    record.object.as_function().ok().map(|f| user(look, f))
}

fn about_function(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: fn(&Described, &dyn TypeHooks) -> Option<String>,
) -> Flow<()> {
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let found = described(&Look { catalog: &catalog, io: &io, pretty: false, width: 0 }, Oid(args[0].u32()));
    maybe(out, found.and_then(|d| f(&d, &*cx.fx.io.hooks)));
    Ok(())
}

fn function_arguments(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: fn(&Described, &dyn TypeHooks) -> Option<String>,
) -> Flow<()> {
    match ordered_set(Oid(args[0].u32()), &*cx.fx.io.hooks) {
        Some(shown) => {
            text(out, &shown);
            Ok(())
        }
        None => about_function(cx, args, out, f),
    }
}

/// PostgreSQL 15, ruleutils.c, print_function_rettype: columns declared with TABLE, else the type.
pub(super) fn result(d: &Described, hooks: &dyn TypeHooks) -> Option<String> {
    if d.procedure {
        return None;
    }
    let table: Vec<usize> = (0..d.modes.len()).filter(|n| d.modes[*n] == 't').collect();
    if !table.is_empty() {
        let column = |n: &usize| argument(d, *n, "", hooks);
        return Some(format!("TABLE({})", table.iter().map(column).collect::<Vec<_>>().join(", ")));
    }
    let plain = format_type_plain(d.result, hooks);
    Some(if d.set { format!("SETOF {plain}") } else { plain })
}

/// Name and type of one argument.
fn argument(d: &Described, n: usize, mode: &str, hooks: &dyn TypeHooks) -> String {
    let name = d.names.get(n).filter(|s| !s.is_empty()).map(|s| format!("{} ", quote_identifier(s)));
    format!("{mode}{}{}", name.unwrap_or_default(), format_type_plain(d.types[n], hooks))
}

pub(super) fn list_arguments(d: &Described, with_defaults: bool, hooks: &dyn TypeHooks) -> String {
    let mode_of = |n: usize| d.modes.get(n).copied().unwrap_or('i');
    let inputs = (0..d.types.len()).filter(|n| matches!(mode_of(*n), 'i' | 'b' | 'v')).count();
    let mut input = 0;
    let mut parts = Vec::new();
    for n in 0..d.types.len() {
        let (mode, is_input) = match mode_of(n) {
            't' => continue,
            'o' => ("OUT ", false),
            'b' => ("INOUT ", true),
            'v' => ("VARIADIC ", true),
            _ if d.procedure => ("IN ", true),
            _ => ("", true),
        };
        let mut part = argument(d, n, mode, hooks);
        if is_input {
            input += 1;
            let from_end = inputs - input;
            if with_defaults && from_end < d.defaults.len() {
                part += &format!(" DEFAULT {}", d.defaults[d.defaults.len() - 1 - from_end]);
            }
        }
        parts.push(part);
    }
    parts.join(", ")
}

/// The arguments of an ordered-set aggregate: the direct ones, ORDER BY, the aggregated ones.
fn ordered_set(oid: Oid, hooks: &dyn TypeHooks) -> Option<String> {
    let direct = direct_arguments(oid)?;
    let d = builtin(func::func(oid)?);
    let mode = |n: usize| if d.modes.get(n) == Some(&'v') { "VARIADIC " } else { "" };
    let mut shown: Vec<String> = (0..d.types.len()).map(|n| argument(&d, n, mode(n), hooks)).collect();
    if shown.len() == direct {
        // A hypothetical-set aggregate takes as many aggregated arguments as direct ones, whatever they are.
        shown.extend(shown.last().cloned());
    }
    let (before, after) = shown.split_at(direct.min(shown.len()));
    let gap = if before.is_empty() { "" } else { " " };
    Some(format!("{}{gap}ORDER BY {}", before.join(", "), after.join(", ")))
}

fn arguments(d: &Described, hooks: &dyn TypeHooks) -> Option<String> {
    Some(list_arguments(d, true, hooks))
}

fn identity_arguments(d: &Described, hooks: &dyn TypeHooks) -> Option<String> {
    Some(list_arguments(d, false, hooks))
}

fn argument_default(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (catalog, io) = (catalog(cx)?, cx.fx.io.clone());
    let look = Look { catalog: &catalog, io: &io, pretty: false, width: 0 };
    maybe(out, default_of(&look, Oid(args[0].u32()), args[1].i32()));
    Ok(())
}

/// The default of a function's nth argument, those that only come out counted too.
pub(crate) fn default_of(look: &Look<'_>, function: Oid, n: i32) -> Option<String> {
    let d = described(look, function)?;
    let inputs: Vec<usize> =
        (0..d.types.len()).filter(|n| d.modes.get(*n).is_none_or(|m| matches!(m, 'i' | 'b' | 'v'))).collect();
    let n = usize::try_from(n).ok()?.checked_sub(1)?;
    let at = inputs.iter().position(|i| *i == n)?;
    let from_end = inputs.len() - 1 - at;
    d.defaults.len().checked_sub(from_end + 1).map(|at| d.defaults[at].clone())
}

fn trigger_definition(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (catalog, oid) = (catalog(cx)?, Oid(args[0].u32()));
    let pretty = args.get(1).is_some_and(|p| p.bool());
    let io = cx.fx.io.clone();
    let look = Look { catalog: &catalog, io: &io, pretty, width: 0 };
    let holder = catalog.holder(oid);
    let c = holder.as_ref().and_then(|r| r.object.as_class().ok());
    let found = c.and_then(|c| c.triggers.iter().find(|t| t.oid == oid).map(|t| (c, t)));
    let mut shown = found.map(|(c, t)| define::trigger(&look, c, t));
    if let (None, Some(c)) = (&shown, c) {
        let parts = c.constraints.iter().flat_map(Constraint::parts).flat_map(|k| key_triggers(c.oid, &k));
        let of_key = c.constraints.iter().flat_map(|k| key_triggers(c.oid, k)).chain(parts).find(|(_, t)| t.oid == oid);
        shown = of_key.and_then(|(table, t)| {
            let record = catalog.class(table)?;
            Some(define::trigger(&look, record.object.as_class().ok()?, &t))
        });
    }
    maybe(out, shown);
    Ok(())
}

#[cfg(test)]
mod tests {
    /// Commas inside quotes and brackets do not end a default.
    #[test]
    fn defaults_are_told_apart() {
        assert_eq!(super::split_defaults("'a,b', f(1, 2), 3"), ["'a,b'", "f(1, 2)", "3"]);
        assert!(super::split_defaults("").is_empty());
    }
}
