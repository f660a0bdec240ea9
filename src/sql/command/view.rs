//! CREATE VIEW.

use super::known::Reads;
use super::query::{bind_query, named_attributes};
use super::write::{change, class_of, new_oid, put, relation_key};
use super::{Command, names, reloptions};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Class, Depend, class};
use crate::catalog::{Attribute, Object, ObjectKey, Persistence, RelKind, View};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CreateViewStmt, Persistence as Written, Stmt, ViewCheck, deparse};
use crate::sql::bind::{Query, Source};
use crate::sql::exec::ExecContext;
use crate::sql::expr::ExprKind as Bound;
use crate::sql::func::FuncDef;
use crate::types::{TypeRef, Value, oid};

/// The CHECK OPTION among a view's options.
pub fn check_of(options: &[String]) -> Option<String> {
    options.iter().find_map(|o| o.strip_prefix("check_option=")).map(str::to_uppercase)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateViewStmt) -> Flow<String> {
    let query = Stmt::Select(Box::new(stmt.query.clone()));
    if stmt.view.persistence == Written::Unlogged {
        return Err(err!(SYNTAX_ERROR, "views cannot be unlogged because they do not have storage").into());
    }
    if stmt.query.into_clause().is_some() {
        return Err(Error::unsupported("views must not contain SELECT INTO").into());
    }
    let bound = bind_query(cx, &query, &cmd.source)?;
    if bound.ctes.iter().any(|c| c.query.write.is_some()) {
        return Err(Error::unsupported("views must not contain data-modifying statements in WITH").into());
    }
    let found: Vec<(String, TypeRef)> = bound.output().map(|t| (t.name.clone(), t.expr.ty)).collect();
    let (mut view, depends) = stored(cmd, cx, &query)?;
    let temporary = reads_temporary(cx, &depends)?;
    let mut name = stmt.view.clone();
    if temporary && name.persistence != Written::Temporary {
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("view \"{}\" will be a temporary view", name.name));
        name.persistence = Written::Temporary;
    }
    let (namespace, persistence) = names::creation_place(cx, &name)?;
    names::lock_name(cx, class::RELATION, namespace, &name.name)?;
    let mut attributes =
        named_attributes(cx, &found, &stmt.columns, "CREATE VIEW specifies more column names than columns", false)?;
    super::collated::declare(cmd, cx, &query, &mut attributes, true)?;
    let mut options = reloptions::merge(cmd, reloptions::On::View, &[], &stmt.options)?;
    view.check_option = match stmt.check {
        ViewCheck::No => check_of(&options),
        ViewCheck::Local => Some("LOCAL".into()),
        ViewCheck::Cascaded => Some("CASCADED".into()),
    };
    if let (Some(check), true) = (&view.check_option, stmt.check != ViewCheck::No) {
        options.push(format!("check_option={}", check.to_lowercase()));
    }
    if view.check_option.is_some() {
        refuse_check(&bound)?;
    }
    let old = cx.backend()?.catalog.class_in(namespace, &name.name);
    if let Some(old) = old {
        if !stmt.replace {
            let text = format!("relation \"{}\" already exists", name.name);
            return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
        }
        replace(cx, old, (view, depends), attributes, options)?;
        return Ok("CREATE VIEW".into());
    }
    let oid = new_oid(cx)?;
    let owner = cx.backend()?.user.current;
    let mut c = Class::new(oid, name.name.clone(), namespace, RelKind::View, persistence, owner);
    c.row_type = new_oid(cx)?;
    c.row_array_type = new_oid(cx)?;
    c.acl = super::default_acl::for_new(cx.backend()?, crate::sql::ast::ObjectType::Table, owner, namespace);
    c.attributes = attributes;
    c.view = Some(view);
    c.depends = depends;
    c.options = options;
    put(cx, Object::Class(c))?;
    Ok("CREATE VIEW".into())
}

/// PostgreSQL 15, view.c, checkViewTupleDesc: same refusals.
fn replace(
    cx: &mut ExecContext,
    oid: Oid,
    (view, depends): (View, Vec<Depend>),
    attributes: Vec<Attribute>,
    options: Vec<String>,
) -> Flow<()> {
    cx.backend()?.txn.lock_relation(oid, LockMode::AccessExclusive)?;
    let old = class_of(cx, oid)?;
    if old.kind != RelKind::View {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a view", old.name).into());
    }
    let relation = super::constraint::relation(cx, oid)?;
    names::check_owner(cx, &relation)?;
    if attributes.len() < old.attributes.len() {
        return Err(err!(INVALID_TABLE_DEFINITION, "cannot drop columns from view").into());
    }
    for (a, b) in old.attributes.iter().zip(&attributes) {
        if a.name != b.name {
            return Err(err!(
                INVALID_TABLE_DEFINITION,
                "cannot change name of view column \"{}\" to \"{}\"",
                a.name,
                b.name
            )
            .hint("Use ALTER VIEW ... RENAME COLUMN ... to change name of view column instead.")
            .into());
        }
        if a.ty != b.ty {
            let hooks = &*cx.fx.io.hooks;
            return Err(err!(
                INVALID_TABLE_DEFINITION,
                "cannot change data type of view column \"{}\" from {} to {}",
                a.name,
                crate::types::format_type(a.ty.oid, a.ty.typmod, hooks),
                crate::types::format_type(b.ty.oid, b.ty.typmod, hooks)
            )
            .into());
        }
    }
    let catalog = cx.backend()?.catalog.clone();
    let collation = |a: &Attribute| match a.declared.collation {
        none if !none.is_valid() => crate::types::info(a.ty.oid).map_or(none, |i| i.collation),
        declared => declared,
    };
    for (a, b) in old.attributes.iter().zip(&attributes) {
        let [from, to] = [collation(a), collation(b)];
        if from != to {
            return Err(err!(
                INVALID_TABLE_DEFINITION,
                "cannot change collation of view column \"{}\" from \"{}\" to \"{}\"",
                a.name,
                crate::sql::reg_names::collation_name(&catalog, from),
                crate::sql::reg_names::collation_name(&catalog, to)
            )
            .into());
        }
    }
    change(cx, oid, |c| {
        let mut attributes = attributes;
        for (new, old) in attributes.iter_mut().zip(&c.attributes) {
            new.default = old.default.clone();
            new.default_oid = old.default_oid;
        }
        c.attributes = attributes;
        let rule = c.view.as_ref().map_or(view.rule, |old| old.rule);
        c.view = Some(View { rule, ..view });
        c.depends = depends;
        c.options = options;
    })?;
    Ok(())
}

/// A query as the catalogs keep it, and what it depends on. Its relations get locked.
pub fn stored(cmd: &Command, cx: &mut ExecContext, query: &Stmt) -> Result<(View, Vec<Depend>)> {
    let Stmt::Select(select) = query else { return Err(Error::internal("a view of no query")) };
    let mut bound = bind_query(cx, query, &cmd.source)?;
    if bound.ctes.iter().any(|c| c.query.write.is_some()) {
        return Err(Error::unsupported("materialized views must not use data-modifying statements in WITH"));
    }
    let mut select = (**select).clone();
    super::stored_text::settle_query(cx, &mut select)?;
    let text = deparse::select(&select)?;
    let mut depends = Vec::new();
    dependencies(&mut bound, &mut depends);
    let temporary = reads_temporary(cx, &depends)?;
    let rule = new_oid(cx)?;
    let mut reads = Reads::default();
    reads.depends(&depends);
    reads.query(&mut bound);
    let kept = reads.kept(cx, temporary)?;
    let view = View { query: text.into(), kept, check_option: None, populated: true, rule };
    Ok((view, depends))
}

/// Whether one of these is a temporary relation.
pub fn reads_temporary(cx: &mut ExecContext, depends: &[Depend]) -> Result<bool> {
    for d in depends.iter().filter(|d| d.on.class == class::RELATION) {
        if class_of(cx, d.on.oid)?.persistence == Persistence::Temp {
            return Ok(true);
        }
    }
    Ok(false)
}

/// The relations a query names itself: not those its views read.
pub fn dependencies(query: &mut Query, out: &mut Vec<Depend>) {
    for rel in &query.rels {
        if let Some(table) = rel.relation().filter(|table| table.generated_by.is_none()) {
            let depend = Depend { on: relation_key(table.oid), auto: false };
            if !out.contains(&depend) {
                out.push(depend);
            }
        }
    }
    for call in query.rels.iter().filter_map(|r| match &r.source {
        Source::Function { calls, .. } => Some(calls),
        _ => None,
    }) {
        call.iter().for_each(|c| on_function(c.func, out));
    }
    query.for_each_written_query_mut(&mut |q| dependencies(q, out));
    query.for_each_expr_mut(&mut |e| sub_dependencies(e, out));
}

/// # Errors
/// 0A000 for a view through which no row can be written, so that none is to be checked.
pub fn refuse_check(query: &Query) -> Result<()> {
    match crate::sql::bind::obstacle(query, true) {
        None => Ok(()),
        Some(why) => {
            let text = "WITH CHECK OPTION is supported only on automatically updatable views";
            Err(Error::unsupported(text).hint(why))
        }
    }
}

/// Users' functions can be dropped.
fn on_function(func: &FuncDef, out: &mut Vec<Depend>) {
    let depend = Depend { on: ObjectKey::new(class::PROC, func.oid), auto: false };
    if func.is_users() && !out.contains(&depend) {
        out.push(depend);
    }
}

/// So can their operators.
fn on_operator(oper: Oid, out: &mut Vec<Depend>) {
    let depend = Depend { on: ObjectKey::new(class::OPERATOR, oper), auto: false };
    if oper >= Oid::FIRST_NORMAL && !out.contains(&depend) {
        out.push(depend);
    }
}

/// What an expression needs, beside the columns it is over.
pub fn expression_dependencies(e: &mut crate::sql::expr::Expr, out: &mut Vec<Depend>) {
    sub_dependencies(e, out);
}

/// Types that an expression makes values of, by a cast or as they are written; those of columns and of functions are
/// theirs. PostgreSQL 15, dependency.c, find_expr_references_walker.
pub fn type_made(e: &crate::sql::expr::Expr) -> Option<Oid> {
    // Of a row, what a field is taken from.
    if let Bound::Field { arg, .. } = &e.kind {
        return Some(crate::types::base_type(arg.ty.oid)).filter(|t| *t >= Oid::FIRST_NORMAL);
    }
    let made = matches!(
        e.kind,
        Bound::Const(_)
            | Bound::Param(_)
            | Bound::Relabel(_)
            | Bound::IoCast { .. }
            | Bound::ArrayCast { .. }
            | Bound::Array { .. }
            | Bound::Row { .. }
            | Bound::ToDomain(_)
    );
    (made && e.ty.oid >= Oid::FIRST_NORMAL).then_some(e.ty.oid)
}

fn on_type(e: &crate::sql::expr::Expr, out: &mut Vec<Depend>) {
    let Some(made) = type_made(e) else { return };
    let depend = Depend { on: ObjectKey::new(class::TYPE, made), auto: false };
    if !out.contains(&depend) {
        out.push(depend);
    }
}

fn sub_dependencies(e: &mut crate::sql::expr::Expr, out: &mut Vec<Depend>) {
    on_type(e, out);
    // `nextval('s')` and its like name a relation for good.
    if let (Bound::Const(Value::U32(oid)), oid::REGCLASS) = (&e.kind, e.ty.oid)
        && *oid >= Oid::FIRST_NORMAL.0
    {
        let depend = Depend { on: relation_key(Oid(*oid)), auto: false };
        if !out.contains(&depend) {
            out.push(depend);
        }
    }
    if let (Bound::Const(Value::U32(oid)), oid::REGCONFIG | oid::REGDICTIONARY) = (&e.kind, e.ty.oid)
        && *oid >= Oid::FIRST_NORMAL.0
    {
        let kind = if e.ty.oid == oid::REGCONFIG { class::TS_CONFIG } else { class::TS_DICTIONARY };
        let depend = Depend { on: ObjectKey::new(kind, Oid(*oid)), auto: false };
        if !out.contains(&depend) {
            out.push(depend);
        }
    }
    match &e.kind {
        // Its function is the operator's own affair.
        Bound::Func { oper: Some(oper), .. } | Bound::ScalarArray { oper: Some(oper), .. } => on_operator(*oper, out),
        Bound::Func { func, .. } | Bound::SetReturning { func, .. } => on_function(func, out),
        Bound::Aggregate(call) => on_function(call.func, out),
        Bound::Window(call) => on_function(call.func, out),
        _ => {}
    }
    if let Bound::SubLink(s) = &mut e.kind {
        dependencies(&mut s.query, out);
    }
    e.for_each_child_mut(&mut |e| sub_dependencies(e, out));
}
