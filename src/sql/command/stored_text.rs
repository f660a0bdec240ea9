//! Expressions as the catalogs keep them: SQL text that means the same for every session.
//!
//! Sequences are kept by OID (`nextval('16385'::regclass)`), so that renaming one changes nothing; `define::expression` puts
//! the names back for people.

use crate::base::{Oid, Result};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, ObjectKey};
use crate::sql::ast::{self, Const, Expr, ExprKind, TypeName, deparse};
use crate::sql::bind::Names;
use crate::sql::exec::ExecContext;
use crate::sql::func::FuncDef;
use crate::sql::text_search::Kind;
use crate::types::{TypeRef, oid};
use std::sync::Arc;

/// The text of an expression for the catalogs. A bare literal gets the type it is a value of, as PostgreSQL shows it.
pub fn text_of(cx: &mut ExecContext, expr: &Expr, ty: Option<TypeRef>) -> Result<Arc<str>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut expr = expr.clone();
    if let (ExprKind::Const(Const::Str(_) | Const::Null), Some(typ)) =
        (&expr.kind, ty.and_then(|t| type_name(&catalog, t.oid)))
    {
        let pos = expr.pos;
        expr = Expr::new(ExprKind::Cast { arg: Box::new(expr), typ }, pos);
    }
    if let (ExprKind::Const(Const::Int(n)), Some(oid::INT4)) = (&expr.kind, ty.map(|t| t.oid))
        && *n < 0
    {
        let (pos, text) = (expr.pos, n.to_string());
        let arg = Box::new(Expr::string(text, pos));
        expr = Expr::new(ExprKind::Cast { arg, typ: TypeName::system("int4", pos) }, pos);
    }
    let mut failed = None;
    expr.rewrite(&mut |e| {
        if let Err(error) = settle(&catalog, e) {
            failed.get_or_insert(error);
        }
    });
    match failed {
        Some(e) => Err(e),
        None => Ok(deparse::expr(&expr)?.into()),
    }
}

/// Settles the names in a query that its search path does not: those that stand in strings.
pub fn settle_query(cx: &mut ExecContext, query: &mut ast::SelectStmt) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let mut failed = None;
    query.rewrite(&mut |e| {
        if let Err(error) = settle(&catalog, e) {
            failed.get_or_insert(error);
        }
    });
    failed.map_or(Ok(()), Err)
}

/// The written name of a type, without modifiers; with its schema unless it is built in.
fn type_name(catalog: &Catalog, ty: Oid) -> Option<TypeName> {
    let info = crate::types::info(ty)?;
    let word = info.name;
    let grammar = [
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "bool",
        "numeric",
        "varchar",
        "time",
        "timetz",
        "timestamp",
        "timestamptz",
        "interval",
        "varbit",
    ];
    Some(match word {
        w if grammar.contains(&w) => TypeName::system(w, ast::NOWHERE),
        // An array's name in pg_type is no type name people write.
        w if info.is_array() && w.starts_with('_') => {
            let mut t = type_name(catalog, info.element)?;
            t.array_bounds.push(-1);
            t
        }
        w if info.namespace == fixed::PG_CATALOG => TypeName::named(vec![w.to_string()], ast::NOWHERE),
        w => TypeName::named(vec![catalog.namespace(info.namespace)?.name, w.to_string()], ast::NOWHERE),
    })
}

/// Names inside an expression that other sessions could find elsewhere.
fn settle(catalog: &Catalog, e: &mut Expr) -> Result<()> {
    match &mut e.kind {
        ExprKind::Cast { arg, typ } => {
            let last = typ.names.last().map(String::as_str);
            if last == Some("regclass") && typ.array_bounds.is_empty() {
                return settle_class(catalog, arg);
            }
            if let Some(kind) = last.and_then(text_search).filter(|_| typ.array_bounds.is_empty()) {
                settle_text_search(catalog, kind, arg);
                return Ok(());
            }
            if let [name] = typ.names.as_slice()
                && let Ok(Some(t)) = catalog.user_type_by_name(None, name)
                && let Some(n) = catalog.namespace(t.namespace)
            {
                typ.names.insert(0, n.name);
            }
        }
        ExprKind::Func(call) => {
            let sequence = matches!(call.name.last().map(String::as_str), Some("nextval" | "currval" | "setval"));
            if let (true, Some(first)) = (sequence, call.args.first_mut())
                && matches!(first.kind, ExprKind::Const(Const::Str(_)))
            {
                settle_class(catalog, first)?;
                let pos = first.pos;
                let arg = Box::new(std::mem::replace(first, Expr::int(0, pos)));
                let typ = TypeName::named(vec!["regclass".into()], pos);
                *first = Expr::new(ExprKind::Cast { arg, typ }, pos);
            }
            let args = call.args.len();
            if let (Some(kind), Some(first)) =
                (named_first(call.name.last().map_or("", String::as_str), args), call.args.first_mut())
                && settle_text_search(catalog, kind, first)
            {
                let pos = first.pos;
                let arg = Box::new(std::mem::replace(first, Expr::int(0, pos)));
                let word = if kind == Kind::Config { "regconfig" } else { "regdictionary" };
                *first = Expr::new(ExprKind::Cast { arg, typ: TypeName::named(vec![word.into()], pos) }, pos);
            }
            settle_function(catalog, &mut call.name);
        }
        _ => {}
    }
    Ok(())
}

/// The kind of object a type's values name.
fn text_search(typ: &str) -> Option<Kind> {
    match typ {
        "regconfig" => Some(Kind::Config),
        "regdictionary" => Some(Kind::Dictionary),
        _ => None,
    }
}

/// What the first argument of a text search function names, in a call with so many of them.
fn named_first(function: &str, args: usize) -> Option<Kind> {
    match (function, args) {
        ("to_tsvector" | "to_tsquery" | "plainto_tsquery" | "phraseto_tsquery" | "websearch_to_tsquery", 2)
        | ("json_to_tsvector" | "jsonb_to_tsvector", 3)
        | ("ts_headline", 4)
        | ("ts_debug", 2) => Some(Kind::Config),
        ("ts_lexize", 2) => Some(Kind::Dictionary),
        _ => None,
    }
}

/// Puts the number of a user's object in the place of its name; false: it is none.
fn settle_text_search(catalog: &Catalog, kind: Kind, arg: &mut Expr) -> bool {
    let ExprKind::Const(Const::Str(name)) = &mut arg.kind else { return false };
    let Ok((schema, plain)) = crate::sql::names::schema_and_name(name) else { return false };
    match kind.find(catalog, schema.as_deref(), &plain) {
        Ok(Some(oid)) if oid >= Oid::FIRST_NORMAL => {
            *name = oid.to_string();
            true
        }
        _ => false,
    }
}

/// A function that only the search path of now finds gets its schema's name.
fn settle_function(catalog: &Catalog, name: &mut Vec<String>) {
    let [only] = name.as_slice() else { return };
    let found = Names::functions(catalog, None, only);
    let schema = |f: &FuncDef| {
        let record = catalog.get(ObjectKey::new(class::PROC, f.oid));
        record.and_then(|r| r.object.as_function().ok().map(|f| f.namespace))
    };
    if found.iter().all(|(_, f)| f.oid >= Oid::FIRST_NORMAL)
        && let Some((_, first)) = found.iter().min_by_key(|(place, _)| *place)
        && let Some(n) = schema(first).and_then(|n| catalog.namespace(n))
    {
        name.insert(0, n.name);
    }
}

fn settle_class(catalog: &Catalog, arg: &mut Expr) -> Result<()> {
    if let ExprKind::Const(Const::Str(name)) = &mut arg.kind
        && !name.bytes().all(|b| b.is_ascii_digit())
    {
        *name = crate::sql::names::reg_in(catalog, oid::REGCLASS, name)?.to_string();
    }
    Ok(())
}

/// Relations a stored text names by OID.
pub fn classes_named(text: &str) -> Vec<Oid> {
    let mut found = Vec::new();
    each_class(text, |oid| found.push(oid));
    found
}

fn each_class(text: &str, mut f: impl FnMut(Oid)) -> Vec<(&str, Oid)> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("'::regclass") {
        let digits = rest[..at].rfind('\'').map_or(at, |q| q + 1);
        let oid = rest[digits..at].parse().ok().map(Oid).unwrap_or(Oid::INVALID);
        let end = at + "'::regclass".len();
        if oid.is_valid() {
            f(oid);
        }
        parts.push((&rest[..end], oid));
        rest = &rest[end..];
    }
    parts.push((rest, Oid::INVALID));
    parts
}

/// A stored text with a column's name changed.
pub fn with_column_renamed(text: &str, old: &str, new: &str) -> Result<Arc<str>> {
    let mut expr = parse(text)?;
    expr.rewrite(&mut |e| {
        if let ExprKind::Column { parts, .. } = &mut e.kind
            && let Some(last) = parts.last_mut()
            && last == old
        {
            *last = new.to_string();
        }
    });
    Ok(deparse::expr(&expr)?.into())
}

/// A stored text back as a tree.
pub fn parse(text: &str) -> Result<Expr> {
    let mut parsed = crate::sql::parse::parse(&format!("SELECT {text}"))?;
    if let Some(ast::RawStmt { stmt: ast::Stmt::Select(s), .. }) = parsed.pop()
        && let ast::SelectBody::Select(mut core) = s.body
        && let Some(target) = core.targets.pop()
    {
        return Ok(target.expr);
    }
    Err(crate::base::Error::internal(format!("not an expression: {text}")))
}

/// Columns of tables whose defaults use a relation: (table, attribute number).
pub fn defaults_using(catalog: &Catalog, used: Oid) -> Vec<(Oid, i16)> {
    let mut found = Vec::new();
    for record in catalog.naming(class::RELATION, &used.to_string()) {
        let Ok(c) = record.object.as_class() else { continue };
        for a in c.attributes.iter().filter(|a| !a.dropped) {
            if a.default.as_ref().is_some_and(|d| classes_named(d).contains(&used)) {
                found.push((c.oid, a.attno));
            }
        }
    }
    found
}
