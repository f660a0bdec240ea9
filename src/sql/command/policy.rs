//! CREATE, ALTER and DROP POLICY; row security of tables. PostgreSQL 15, policy.c: same refusals.

use super::known::Reads;
use super::write::{change, class_of, new_oid, put, relation_key};
use super::{Command, names, role, stored_text, view};
use crate::base::error::Report;
use crate::base::{Error, Flow, Oid, Result, Severity, SqlState};
use crate::catalog::object::{Class, Depend, class};
use crate::catalog::{Catalog, Kept, Object, ObjectKey, Persistence, Policy, RelKind, Relation};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    AlterPolicyStmt, CreatePolicyStmt, DropStmt, Expr, ExprKind, ObjectName, RangeVar, RoleKind, RoleSpec,
};
use crate::sql::bind::scope::Clause;
use crate::sql::bind::{BindContext, Names, Written, bind_condition, parse_expression, walk_expr_mut};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::Look;
use crate::sql::expr::ExprKind as Bound;
use std::sync::Arc;

/// The table of a policy, locked.
fn table(cmd: &Command, cx: &mut ExecContext, name: &RangeVar) -> Flow<Arc<Relation>> {
    let rel = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive).map_err(|stop| match stop {
        crate::base::Stop::Error(mut e) => {
            e.0.position = None;
            crate::base::Stop::Error(e)
        }
        other => other,
    })?;
    names::check_owner(cx, &rel)?;
    match rel.kind {
        RelKind::Table | RelKind::Partitioned => Ok(rel),
        _ => Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", rel.name).into()),
    }
}

/// The roles a policy is for; invalid: PUBLIC.
fn roles(cx: &mut ExecContext, list: &[RoleSpec]) -> Result<Vec<Oid>> {
    if list.iter().any(|r| r.kind == RoleKind::Public) {
        if list.len() > 1 {
            let text = "ignoring specified roles other than PUBLIC";
            let report = Report::notice(Severity::Warning, SqlState::INVALID_PARAMETER_VALUE, text.to_string());
            cx.notices.push(report.with_hint("All roles are members of the PUBLIC role."));
        }
        return Ok(vec![Oid::INVALID]);
    }
    list.iter().map(|r| Ok(role::resolve(cx.backend()?, r)?.0)).collect()
}

/// How a policy's conditions are kept.
fn kept(cx: &mut ExecContext, rel: &Relation, conditions: &mut [Option<Condition>; 2]) -> Result<(Kept, Vec<Depend>)> {
    let depends: Vec<Depend> = conditions.iter().flatten().flat_map(|c| c.depends.iter().cloned()).collect();
    let mut reads = Reads::default();
    reads.relation(rel.oid);
    reads.depends(&depends);
    conditions.iter_mut().flatten().for_each(|c| reads.expression(&mut c.bound));
    let temporary = rel.persistence == Persistence::Temp || view::reads_temporary(cx, &depends)?;
    Ok((reads.kept(cx, temporary)?, depends))
}

/// A condition as it was given.
struct Condition {
    text: Arc<str>,
    bound: crate::sql::expr::Expr,
    depends: Vec<Depend>,
}

/// A condition as the catalogs keep it, and what it depends on.
fn condition(cmd: &Command, cx: &mut ExecContext, rel: &Arc<Relation>, e: &Expr) -> Result<Condition> {
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        BindContext { names: &*catalog, io: &cx.fx.io, text: &cmd.source, params: Vec::new(), infer_params: false };
    // PostgreSQL gives no position here.
    let bound = bind_condition(&mut bcx, e, rel, Clause::Policy).map_err(|mut e| {
        e.0.position = None;
        e
    })?;
    let mut e = e.clone();
    // Outside of sub-selects columns need no table's name, and the table may get another one.
    e.rewrite(&mut |x| {
        if let ExprKind::Column { parts, star: false } = &mut x.kind
            && parts.len() > 1
            && rel.attribute(&parts[parts.len() - 1]).is_some()
        {
            parts.drain(..parts.len() - 1);
        }
    });
    let text = stored_text::text_of(cx, &e, None)?;
    Ok(Condition { text, depends: depends_on(rel.oid, bound.clone()), bound })
}

/// The conditions of USING and WITH CHECK, as far as they are given.
fn given(
    cmd: &Command,
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    [using, check]: [&Option<Expr>; 2],
) -> Result<[Option<Condition>; 2]> {
    let mut one = |e: &Option<Expr>| e.as_ref().map(|e| condition(cmd, cx, rel, e)).transpose();
    Ok([one(using)?, one(check)?])
}

/// A condition that a policy has, as it would be given now.
fn again(cmd: &Command, cx: &mut ExecContext, rel: &Arc<Relation>, old: &Policy, text: &Arc<str>) -> Result<Condition> {
    let (catalog, io) = (cx.backend()?.catalog.clone(), cx.fx.io.clone());
    let written = Written(&*catalog);
    let names = written.along(&old.kept);
    let mut bcx = BindContext { names: &*names, io: &io, text, params: Vec::new(), infer_params: false };
    let bound = bind_condition(&mut bcx, &parse_expression(text)?, rel, Clause::Policy)?;
    let shown = Look { catalog: &catalog, io: &io, pretty: false, width: 0 }.written_expression(&bound, rel);
    let shown =
        shown.ok_or_else(|| Error::unsupported("changing one condition of this policy alone is not supported"))?;
    condition(cmd, cx, rel, &parse_expression(&shown)?)
}

/// The table's columns a condition reads, and what else it names.
fn depends_on(table: Oid, mut bound: crate::sql::expr::Expr) -> Vec<Depend> {
    let mut out = Vec::new();
    walk_expr_mut(&mut bound, 0, &mut |x, depth| {
        if let Bound::Var { rel: 0, attno, levels_up } = x.kind
            && levels_up == depth
            && attno > 0
        {
            let on = ObjectKey { class: class::RELATION, oid: table, sub: i32::from(attno) };
            let depend = Depend { on, auto: false };
            if !out.contains(&depend) {
                out.push(depend);
            }
        }
    });
    view::expression_dependencies(&mut bound, &mut out);
    out.retain(|d| d.on != relation_key(table));
    out
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreatePolicyStmt) -> Flow<String> {
    let command = match stmt.command.as_str() {
        "select" => 'r',
        "insert" => 'a',
        "update" => 'w',
        "delete" => 'd',
        _ => '*',
    };
    if matches!(command, 'r' | 'd') && stmt.with_check.is_some() {
        return Err(err!(SYNTAX_ERROR, "WITH CHECK cannot be applied to SELECT or DELETE").into());
    }
    if command == 'a' && stmt.using.is_some() {
        return Err(err!(SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT").into());
    }
    let roles = roles(cx, &stmt.roles)?;
    let rel = table(cmd, cx, &stmt.table)?;
    let mut conditions = given(cmd, cx, &rel, [&stmt.using, &stmt.with_check])?;
    if rel.policies.iter().any(|p| p.name == stmt.name) {
        return Err(exists(&stmt.name, &rel.name).into());
    }
    let (kept, depends) = kept(cx, &rel, &mut conditions)?;
    let [using, check] = conditions.map(|c| c.map(|c| c.text));
    let made = Policy {
        oid: new_oid(cx)?,
        name: stmt.name.clone(),
        permissive: stmt.permissive,
        command,
        roles,
        using,
        check,
        kept,
        depends,
    };
    change(cx, rel.oid, |c| {
        c.policies.push(made);
        c.policies.sort_by(|a, b| a.name.cmp(&b.name));
    })?;
    Ok("CREATE POLICY".into())
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterPolicyStmt) -> Flow<String> {
    let new_roles = match &stmt.roles {
        Some(list) => Some(roles(cx, list)?),
        None => None,
    };
    let rel = table(cmd, cx, &stmt.table)?;
    let mut conditions = given(cmd, cx, &rel, [&stmt.using, &stmt.with_check])?;
    let Some(old) = rel.policies.iter().find(|p| p.name == stmt.name) else {
        return Err(missing(&stmt.name, &rel.name).into());
    };
    if matches!(old.command, 'r' | 'd') && stmt.with_check.is_some() {
        return Err(err!(SYNTAX_ERROR, "only USING expression allowed for SELECT, DELETE").into());
    }
    if old.command == 'a' && stmt.using.is_some() {
        return Err(err!(SYNTAX_ERROR, "only WITH CHECK expression allowed for INSERT").into());
    }
    let mut new = old.clone();
    if let Some(roles) = new_roles {
        new.roles = roles;
    }
    if conditions.iter().any(Option::is_some) {
        // Both are looked up alike.
        for (condition, text) in conditions.iter_mut().zip([&old.using, &old.check]) {
            if let (None, Some(text)) = (&condition, text) {
                *condition = Some(again(cmd, cx, &rel, old, text)?);
            }
        }
        (new.kept, new.depends) = kept(cx, &rel, &mut conditions)?;
        [new.using, new.check] = conditions.map(|c| c.map(|c| c.text));
    }
    change(cx, rel.oid, |c| {
        c.policies.iter_mut().filter(|p| p.oid == new.oid).for_each(|p| *p = new.clone());
    })?;
    Ok("ALTER POLICY".into())
}

pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    for name in &stmt.names {
        let ObjectName::OnTable { table: of, name } = name else {
            return Err(Error::internal("DROP POLICY with an odd name").into());
        };
        let var = names::range_var(&of.parts);
        if stmt.missing_ok && names::find_relation(cx, &var)?.is_none() {
            let text = format!("relation \"{}\" does not exist, skipping", of.joined());
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            continue;
        }
        let found = names::find_relation(cx, &var)?.filter(|r| r.generated_by.is_none());
        if let Some(rel) = found.filter(|r| r.policies.iter().any(|p| p.name == *name))
            && !role::has_role(cx.backend()?, rel.owner)
        {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of relation {}", rel.name).into());
        }
        // A relation that can have none has not this one either.
        let other = names::find_relation(cx, &var)?;
        let rel = match other.filter(|r| !matches!(r.kind, RelKind::Table | RelKind::Partitioned)) {
            Some(rel) => rel,
            None => table(cmd, cx, &var)?,
        };
        match rel.policies.iter().find(|p| p.name == *name) {
            Some(p) => {
                super::event_trigger::note_part(cx, ObjectKey::new(class::POLICY, p.oid))?;
                remove(cx, p.oid)?;
            }
            None if stmt.missing_ok => {
                let text = format!("policy \"{name}\" for relation \"{}\" does not exist, skipping", rel.name);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            None => return Err(missing(name, &rel.name).into()),
        }
    }
    Ok(())
}

fn missing(name: &str, table: &str) -> Error {
    err!(UNDEFINED_OBJECT, "policy \"{name}\" for table \"{table}\" does not exist")
}

fn exists(name: &str, table: &str) -> Error {
    err!(DUPLICATE_OBJECT, "policy \"{name}\" for table \"{table}\" already exists")
}

/// Takes a policy away from its table.
pub fn remove(cx: &mut ExecContext, policy: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = find(&catalog, policy) else { return Ok(()) };
    super::write::delete(cx, crate::catalog::object::comment_key(ObjectKey::new(class::POLICY, policy)))?;
    change(cx, table, |c| c.policies.retain(|p| p.oid != policy))
}

/// ALTER POLICY … RENAME TO.
pub fn rename(cx: &mut ExecContext, rel: &Relation, old: &str, new: &str) -> Result<()> {
    if rel.policies.iter().any(|p| p.name == new) {
        return Err(exists(new, &rel.name));
    }
    if !rel.policies.iter().any(|p| p.name == old) {
        return Err(missing(old, &rel.name));
    }
    change(cx, rel.oid, |c| {
        c.policies.iter_mut().filter(|p| p.name == old).for_each(|p| p.name = new.to_owned());
        c.policies.sort_by(|a, b| a.name.cmp(&b.name));
    })
}

/// The policy a COMMENT is about.
pub fn named(cmd: &Command, cx: &mut ExecContext, parts: &[String], name: &str) -> Flow<Oid> {
    let rel = names::locked_relation(cmd, cx, &names::range_var(parts), LockMode::ShareUpdateExclusive)?;
    names::check_owner(cx, &rel)?;
    match rel.policies.iter().find(|p| p.name == name) {
        Some(p) => Ok(p.oid),
        None => Err(missing(name, &rel.name).into()),
    }
}

/// A policy's table and name.
pub fn find(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    c.policies.iter().find(|p| p.oid == oid).map(|p| (c.oid, p.name.clone()))
}

/// Policies whose conditions need an object (or a column, `key.sub`).
pub fn depending(catalog: &Catalog, key: ObjectKey) -> Vec<Oid> {
    let needs = |d: &Depend| d.on.class == key.class && d.on.oid == key.oid && (key.sub == 0 || d.on.sub == key.sub);
    let mut found = Vec::new();
    for record in catalog.mentioning(class::RELATION, key.oid) {
        let Ok(c) = record.object.as_class() else { continue };
        found.extend(c.policies.iter().filter(|p| p.depends.iter().any(needs)).map(|p| p.oid));
    }
    found
}

/// Policies of other tables that read a column of this one, found out by taking it away.
pub fn reading_elsewhere(cx: &mut ExecContext, key: ObjectKey) -> Result<Vec<Oid>> {
    let catalog = cx.backend()?.catalog.clone();
    let mut candidates = Vec::new();
    for record in catalog.mentioning(class::RELATION, key.oid) {
        let Ok(c) = record.object.as_class() else { continue };
        let reads = |p: &&Policy| c.oid != key.oid && p.depends.iter().any(|d| d.on == relation_key(key.oid));
        candidates.extend(c.policies.iter().filter(reads).map(|p| (c.oid, p.clone())));
    }
    if candidates.is_empty() {
        return Ok(Vec::new());
    }
    let before = class_of(cx, key.oid)?;
    change(cx, key.oid, |c| c.attributes[key.sub as usize - 1].dropped = true)?;
    let mut found = Vec::new();
    for (table, p) in candidates {
        let rel = super::constraint::relation(cx, table)?;
        let catalog = cx.backend()?.catalog.clone();
        let along = Names::along(&*catalog, &p.kept);
        let broken = |text: &Arc<str>| {
            let e = parse_expression(text)?;
            let mut bcx = BindContext { names: &*along, io: &cx.fx.io, text, params: Vec::new(), infer_params: false };
            Ok::<bool, Error>(bind_condition(&mut bcx, &e, &rel, Clause::Policy).is_err())
        };
        let mut any = false;
        for text in [&p.using, &p.check].into_iter().flatten() {
            any |= broken(text)?;
        }
        if any {
            found.push(p.oid);
        }
    }
    put(cx, Object::Class(before))?;
    Ok(found)
}

/// # Errors
/// 0A000 for a column that a policy reads.
pub fn refuse_new_type(cx: &mut ExecContext, c: &Class, n: usize) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let key = ObjectKey { class: class::RELATION, oid: c.oid, sub: n as i32 + 1 };
    let mut found = depending(&catalog, key);
    found.extend(reading_elsewhere(cx, key)?);
    let Some((table, name)) = found.first().and_then(|p| find(&catalog, *p)) else { return Ok(()) };
    let table = super::drop::describe(cx, relation_key(table))?;
    let column = &c.attributes[n].name;
    Err(err!(FEATURE_NOT_SUPPORTED, "cannot alter type of a column used in a policy definition")
        .detail(format!("policy {name} on {table} depends on column \"{column}\"")))
}

/// Takes a role out of the policies that name it; those for nobody else go. For DROP OWNED.
pub fn forget_role(cx: &mut ExecContext, policy: Oid, role: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = find(&catalog, policy) else { return Ok(()) };
    let only = class_of(cx, table)?.policies.iter().any(|p| p.oid == policy && p.roles.iter().all(|r| *r == role));
    if only {
        return remove(cx, policy);
    }
    change(cx, table, |c| {
        c.policies.iter_mut().filter(|p| p.oid == policy).for_each(|p| p.roles.retain(|r| *r != role));
    })
}
