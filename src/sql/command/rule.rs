//! CREATE and DROP RULE. PostgreSQL 15, rewriteDefine.c: same refusals.
//!
//! Rules that do nothing, instead of a statement or beside it, under a condition or always. Others are refused.

use super::write::{change, class_of, new_oid};
use super::{Command, names, role, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::{Class, class};
use crate::catalog::{Catalog, ObjectKey, RelKind, Relation, Rule};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CreateRuleStmt, DropStmt, EnableMode, Expr, ExprKind, ObjectName, RangeVar, RuleEvent};
use crate::sql::bind::{BindContext, bind_rule_condition};
use crate::sql::exec::ExecContext;
use crate::sql::expr::ExprKind as Bound;
use std::sync::Arc;

/// `ev_type`.
pub fn letter(event: RuleEvent) -> char {
    match event {
        RuleEvent::Select => '1',
        RuleEvent::Update => '2',
        RuleEvent::Insert => '3',
        RuleEvent::Delete => '4',
    }
}

fn table(cmd: &Command, cx: &mut ExecContext, name: &RangeVar) -> Flow<Arc<Relation>> {
    let rel = names::locked_relation(cmd, cx, name, LockMode::AccessExclusive).map_err(|stop| match stop {
        Stop::Error(mut e) => {
            e.0.position = None;
            Stop::Error(e)
        }
        other => other,
    })?;
    match rel.kind {
        RelKind::Index | RelKind::PartitionedIndex => {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an index", rel.name).into());
        }
        RelKind::Table | RelKind::Partitioned | RelKind::View => {}
        kind => {
            let what = match kind {
                RelKind::Sequence => "sequences",
                RelKind::MatView => "materialized views",
                _ => "composite types",
            };
            return Err(err!(WRONG_OBJECT_TYPE, "relation \"{}\" cannot have rules", rel.name)
                .detail(format!("This operation is not supported for {what}."))
                .into());
        }
    }
    names::check_owner(cx, &rel)?;
    Ok(rel)
}

/// The condition as the catalogs keep it, and the columns it reads.
fn condition(
    cmd: &Command,
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    event: char,
    e: &Expr,
) -> Result<(Arc<str>, Vec<i16>)> {
    let mut sub_select = false;
    e.clone().rewrite(&mut |x| sub_select |= matches!(x.kind, ExprKind::SubLink(_)));
    if sub_select {
        return Err(Error::unsupported("sub-selects in conditions of rules are not supported"));
    }
    let catalog = cx.backend()?.catalog.clone();
    let mut bcx =
        BindContext { names: &*catalog, io: &cx.fx.io, text: &cmd.source, params: Vec::new(), infer_params: false };
    let bound = bind_rule_condition(&mut bcx, e, rel, event)?;
    let mut columns = Vec::new();
    bound.walk(&mut |x| {
        if let Bound::Var { attno, .. } = x.kind
            && !columns.contains(&attno)
        {
            columns.push(attno);
        }
        true
    });
    Ok((stored_text::text_of(cx, e, None)?, columns))
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateRuleStmt) -> Flow<String> {
    let rel = table(cmd, cx, &stmt.table)?;
    if stmt.event == RuleEvent::Select {
        return Err(Error::unsupported("rules ON SELECT are not supported").into());
    }
    if !stmt.actions.is_empty() {
        return Err(Error::unsupported("rules that do something are not supported, only DO [INSTEAD] NOTHING").into());
    }
    if rel.kind == RelKind::View && stmt.filter.is_some() && stmt.instead {
        return Err(Error::unsupported("conditional rules on views are not supported").into());
    }
    let event = letter(stmt.event);
    let (mut text, mut columns) = (None, Vec::new());
    if let Some(e) = &stmt.filter {
        let (kept, reads) = condition(cmd, cx, &rel, event, e)?;
        (text, columns) = (Some(kept), reads);
    }
    let old = rel.rules.iter().find(|r| r.name == stmt.name);
    if (old.is_some() || stmt.name == "_RETURN") && !stmt.replace {
        let text = format!("rule \"{}\" for relation \"{}\" already exists", stmt.name, rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    let made = Rule {
        oid: match old {
            Some(r) => r.oid,
            None => new_oid(cx)?,
        },
        name: stmt.name.clone(),
        event,
        instead: stmt.instead,
        condition: text,
        columns,
        enabled: old.map_or('O', |r| r.enabled),
        search_path: cx.backend()?.catalog.search_path(),
    };
    change(cx, rel.oid, |c| {
        c.rules.retain(|r| r.name != made.name);
        c.rules.push(made);
        c.rules.sort_by(|a, b| a.name.cmp(&b.name));
    })?;
    Ok("CREATE RULE".into())
}

fn missing(name: &str, table: &str) -> Error {
    err!(UNDEFINED_OBJECT, "rule \"{name}\" for relation \"{table}\" does not exist")
}

pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    for name in &stmt.names {
        let ObjectName::OnTable { table: of, name } = name else {
            return Err(Error::internal("DROP RULE with an odd name").into());
        };
        let var = names::range_var(&of.parts);
        if stmt.missing_ok && names::find_relation(cx, &var)?.is_none() {
            let text = format!("relation \"{}\" does not exist, skipping", of.joined());
            names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            continue;
        }
        if let Some(rel) = names::find_relation(cx, &var)?.filter(|r| r.rules.iter().any(|r| r.name == *name))
            && !role::has_role(cx.backend()?, rel.owner)
        {
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of relation {}", rel.name).into());
        }
        let rel = table(cmd, cx, &var)?;
        match rel.rules.iter().find(|r| r.name == *name) {
            Some(r) => remove(cx, r.oid)?,
            None if stmt.missing_ok => {
                let text = format!("{}, skipping", missing(name, &rel.name).message());
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            None => return Err(missing(name, &rel.name).into()),
        }
    }
    Ok(())
}

/// A rule's table and name.
pub fn find(catalog: &Catalog, oid: Oid) -> Option<(Oid, String)> {
    let holder = catalog.holder(oid)?;
    let c = holder.object.as_class().ok()?;
    c.rules.iter().find(|r| r.oid == oid).map(|r| (c.oid, r.name.clone()))
}

/// Takes a rule away from its table.
pub fn remove(cx: &mut ExecContext, rule: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = find(&catalog, rule) else { return Ok(()) };
    super::write::delete(cx, crate::catalog::object::comment_key(ObjectKey::new(class::REWRITE, rule)))?;
    change(cx, table, |c| c.rules.retain(|r| r.oid != rule))
}

/// ALTER RULE … RENAME TO.
pub fn rename(cx: &mut ExecContext, rel: &Relation, old: &str, new: &str) -> Result<()> {
    if !rel.rules.iter().any(|r| r.name == old) {
        return Err(missing(old, &rel.name));
    }
    if rel.rules.iter().any(|r| r.name == new) {
        let text = format!("rule \"{new}\" for relation \"{}\" already exists", rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    change(cx, rel.oid, |c| {
        c.rules.iter_mut().filter(|r| r.name == old).for_each(|r| r.name = new.to_owned());
        c.rules.sort_by(|a, b| a.name.cmp(&b.name));
    })
}

/// ALTER TABLE … ENABLE and DISABLE RULE.
pub fn enable(cx: &mut ExecContext, table: Oid, mode: EnableMode, name: &str) -> Result<()> {
    let letter = match mode {
        EnableMode::Enable => 'O',
        EnableMode::EnableAlways => 'A',
        EnableMode::EnableReplica => 'R',
        EnableMode::Disable => 'D',
    };
    let c = class_of(cx, table)?;
    if !c.rules.iter().any(|r| r.name == name) {
        return Err(missing(name, &c.name));
    }
    change(cx, table, |c| c.rules.iter_mut().filter(|r| r.name == name).for_each(|r| r.enabled = letter))
}

/// The rule a COMMENT is about.
pub fn named(cmd: &Command, cx: &mut ExecContext, parts: &[String], name: &str) -> Flow<Oid> {
    let rel = names::locked_relation(cmd, cx, &names::range_var(parts), LockMode::ShareUpdateExclusive)?;
    names::check_owner(cx, &rel)?;
    match rel.rules.iter().find(|r| r.name == name) {
        Some(r) => Ok(r.oid),
        None => Err(missing(name, &rel.name).into()),
    }
}

/// Gives a column another name in the table's rules.
pub fn rename_column(c: &mut Class, old: &str, new: &str) -> Result<()> {
    for r in &mut c.rules {
        if let Some(text) = &r.condition {
            r.condition = Some(stored_text::with_column_renamed(text, old, new)?);
        }
    }
    Ok(())
}
