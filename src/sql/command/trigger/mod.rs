//! CREATE, ALTER and DROP TRIGGER.

mod alter;
mod check;
mod part;

pub use alter::{drop, enable, remove, rename};
pub use part::{for_new_partition, refuse_child, set_free};

use super::write::{change, new_oid};
use super::{Command, inherit, names, role, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::{Attribute, Relation, Trigger};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CreateTriggerStmt, ExprKind, TriggerEvent, TriggerTiming};
use crate::sql::exec::ExecContext;
use crate::sql::exec::user_trigger;
use crate::types::oid;
use std::sync::Arc;

fn function_of(cx: &mut ExecContext, stmt: &CreateTriggerStmt) -> Result<Oid> {
    let catalog = cx.backend()?.catalog.clone();
    let name = stmt.function.joined();
    if let Some(s) = stmt.function.schema()
        && catalog.namespace_by_name(s).is_none()
    {
        return Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist"));
    }
    names::may_look_into(&catalog, stmt.function.schema())?;
    let known = crate::sql::bind::Names::functions(&*catalog, stmt.function.schema(), stmt.function.name());
    let Some((_, f)) = known.into_iter().find(|(_, f)| f.args.is_empty()) else {
        return Err(err!(UNDEFINED_FUNCTION, "function {name}() does not exist"));
    };
    if matches!(f.imp, crate::sql::func::FuncImpl::Routine) {
        crate::sql::routine::check_call(cx, f)?;
    }
    if f.ret != oid::TRIGGER {
        return Err(err!(INVALID_OBJECT_DEFINITION, "function {name} must return type trigger"));
    }
    let built_in = crate::sql::exec::built_in_trigger::is_one(f.oid);
    if !built_in && !matches!(f.imp, crate::sql::func::FuncImpl::Routine) {
        return Err(Error::unsupported(format!("trigger function {name}() is not supported")));
    }
    Ok(f.oid)
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateTriggerStmt) -> Flow<String> {
    let found = names::locked_relation(cmd, cx, &stmt.table, LockMode::ShareRowExclusive);
    let rel = found.map_err(|stop| match stop {
        Stop::Error(mut e) => {
            e.0.position = None;
            Stop::Error(e)
        }
        other => other,
    })?;
    let _ = inherit::descendants(cx, rel.oid, LockMode::ShareRowExclusive)?;
    check::kind(stmt, &rel)?;
    let (old_table, new_table) = check::transitions(stmt, &rel)?;
    may_create(cx, &rel)?;
    let referenced = match &stmt.from {
        Some(from) => names::locked_relation(cmd, cx, from, LockMode::AccessShare)?.oid,
        None => Oid::INVALID,
    };
    let function = function_of(cx, stmt)?;
    let mut columns = Vec::new();
    for e in &stmt.events {
        let TriggerEvent::Update(list) = e else { continue };
        for name in list {
            let Some(a) = rel.attribute(name) else {
                let text = format!("column \"{name}\" of relation \"{}\" does not exist", rel.name);
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, text).into());
            };
            if columns.contains(&a.attno) {
                return Err(err!(DUPLICATE_COLUMN, "column \"{name}\" specified more than once").into());
            }
            columns.push(a.attno);
        }
    }
    let condition = match &stmt.when {
        Some(e) => {
            check::condition(cmd, stmt, &rel, e)?;
            user_trigger::condition(cx, &rel, e, &cmd.source)?;
            Some(stored_text::text_of(cx, e, None)?)
        }
        None => None,
    };
    let old = rel.triggers.iter().find(|t| t.name == stmt.name);
    if let Some(old) = old {
        let text = format!("trigger \"{}\" for relation \"{}\" already exists", stmt.name, rel.name);
        if !stmt.replace {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
        }
        let relation = format!("for relation \"{}\"", rel.name);
        let taken = |what: &str| Err(err!(DUPLICATE_OBJECT, "trigger \"{}\" {relation} {what}", stmt.name).into());
        if old.parent.is_valid() {
            return taken("is an internal or a child trigger");
        }
        if stmt.constraint {
            return taken("cannot be replaced with a constraint trigger");
        }
        if old.constraint.is_valid() {
            return taken("is a constraint trigger");
        }
    }
    let has = |f: fn(&TriggerEvent) -> bool| stmt.events.iter().any(f);
    let made = Trigger {
        oid: match old {
            Some(t) => t.oid,
            None => new_oid(cx)?,
        },
        name: stmt.name.clone(),
        function,
        when: match stmt.timing {
            TriggerTiming::Before => 'b',
            TriggerTiming::After => 'a',
            TriggerTiming::InsteadOf => 'i',
        },
        row: stmt.row,
        insert: has(|e| matches!(e, TriggerEvent::Insert)),
        update: has(|e| matches!(e, TriggerEvent::Update(_))),
        delete: has(|e| matches!(e, TriggerEvent::Delete)),
        truncate: has(|e| matches!(e, TriggerEvent::Truncate)),
        columns,
        condition,
        args: stmt.args.clone(),
        enabled: 'O',
        constraint: if stmt.constraint { new_oid(cx)? } else { Oid::INVALID },
        deferrable: stmt.deferrable,
        deferred: stmt.initially_deferred,
        referenced,
        parent: Oid::INVALID,
        old_table,
        new_table,
    };
    put(cx, rel.oid, made.clone())?;
    if rel.is_partitioned() && made.row {
        for child in cx.backend()?.catalog.children_of(rel.oid) {
            part::give(cx, &rel, &made, child, stmt.replace)?;
        }
    }
    Ok("CREATE TRIGGER".into())
}

fn may_create(cx: &mut ExecContext, rel: &Relation) -> Result<()> {
    let backend = cx.backend()?;
    if role::has_role(backend, rel.owner) || role::acl_allows(backend, rel.acl.as_deref(), 't') {
        return Ok(());
    }
    let text = format!("permission denied for {} {}", names::kind_word(rel.kind), rel.name);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).place("aclcheck_error", "aclchk.c", 3512))
}

/// Gives a table a trigger, or another one of the same name.
fn put(cx: &mut ExecContext, table: Oid, made: Trigger) -> Result<()> {
    change(cx, table, |c| {
        c.triggers.retain(|t| t.name != made.name);
        c.triggers.push(made);
        c.triggers.sort_by(|a, b| a.name.cmp(&b.name));
    })
}

/// Whether a trigger is only for updates of a column, or its condition reads it.
pub fn reads(t: &Trigger, column: &Attribute) -> Result<bool> {
    let Some(text) = &t.condition else { return Ok(t.columns.contains(&column.attno)) };
    let mut found = t.columns.contains(&column.attno);
    let mut e = stored_text::parse(text)?;
    e.rewrite(&mut |x| {
        if let ExprKind::Column { parts, .. } = &x.kind {
            found |= parts.len() > 1 && parts.last() == Some(&column.name);
        }
    });
    Ok(found)
}

/// TRUNCATE's statement triggers of a table, ready to be fired.
pub fn for_truncate(cx: &mut ExecContext, rel: &Arc<Relation>, when: char) -> Result<Vec<user_trigger::UserTrigger>> {
    let wanted = rel.triggers.iter().filter(|t| t.truncate && t.when == when);
    let all = wanted.map(|t| user_trigger::UserTrigger::new(cx, rel, t)).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|t| t.fires(cx, crate::sql::exec::ChangeKind::Delete, None)).collect())
}
