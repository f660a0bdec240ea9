//! CREATE, ALTER and DROP TRIGGER.

use super::write::{change, class_of, new_oid};
use super::{Command, names, role, stored_text};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop};
use crate::catalog::object::class;
use crate::catalog::{Attribute, ObjectKey, RelKind, Relation, Trigger};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{
    CreateTriggerStmt, DropStmt, EnableMode, ExprKind, ObjectName, TriggerEvent, TriggerSelect, TriggerTiming,
};
use crate::sql::exec::ExecContext;
use crate::sql::exec::user_trigger;
use crate::types::oid;
use std::sync::Arc;

fn wrong(rel: &Relation, detail: &str) -> Error {
    let word = match rel.kind {
        RelKind::View => "a view",
        _ => "a table",
    };
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is {word}", rel.name)).detail(detail)
}

/// PostgreSQL 15, trigger.c, CreateTriggerFiringOn: same refusals.
fn check_kind(stmt: &CreateTriggerStmt, rel: &Relation) -> Result<()> {
    let instead = stmt.timing == TriggerTiming::InsteadOf;
    let truncate = stmt.events.iter().any(|e| matches!(e, TriggerEvent::Truncate));
    match rel.kind {
        RelKind::Table if rel.generated_by.is_some() => {
            let text = format!("permission denied: \"{}\" is a system catalog", rel.name);
            return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text));
        }
        RelKind::Table if instead => return Err(wrong(rel, "Tables cannot have INSTEAD OF triggers.")),
        RelKind::Table => {}
        RelKind::Partitioned if instead => return Err(wrong(rel, "Tables cannot have INSTEAD OF triggers.")),
        RelKind::Partitioned if stmt.row => {
            return Err(Error::unsupported("row triggers on partitioned tables are not supported"));
        }
        RelKind::Partitioned => {}
        RelKind::View if !instead && stmt.row => {
            return Err(wrong(rel, "Views cannot have row-level BEFORE or AFTER triggers."));
        }
        RelKind::View if truncate => return Err(wrong(rel, "Views cannot have TRUNCATE triggers.")),
        RelKind::View => {}
        _ => {
            let text = format!("relation \"{}\" cannot have triggers", rel.name);
            return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text));
        }
    }
    if truncate && stmt.row {
        return Err(err!(FEATURE_NOT_SUPPORTED, "TRUNCATE FOR EACH ROW triggers are not supported"));
    }
    if instead {
        if !stmt.row {
            return Err(err!(FEATURE_NOT_SUPPORTED, "INSTEAD OF triggers must be FOR EACH ROW"));
        }
        if stmt.when.is_some() {
            return Err(err!(FEATURE_NOT_SUPPORTED, "INSTEAD OF triggers cannot have WHEN conditions"));
        }
        if stmt.events.iter().any(|e| matches!(e, TriggerEvent::Update(c) if !c.is_empty())) {
            return Err(err!(FEATURE_NOT_SUPPORTED, "INSTEAD OF triggers cannot have column lists"));
        }
    }
    if !stmt.transitions.is_empty() {
        return Err(Error::unsupported("transition tables (REFERENCING) are not supported"));
    }
    Ok(())
}

/// What a WHEN condition may not name.
fn check_condition(cmd: &Command, stmt: &CreateTriggerStmt, e: &crate::sql::ast::Expr) -> Result<()> {
    let has = |f: fn(&TriggerEvent) -> bool| stmt.events.iter().any(f);
    let inserts = has(|e| matches!(e, TriggerEvent::Insert));
    let deletes = has(|e| matches!(e, TriggerEvent::Delete));
    let mut fault = None;
    let mut e = e.clone();
    e.rewrite(&mut |x| {
        if let ExprKind::Column { parts, .. } = &x.kind
            && fault.is_none()
        {
            let text = match parts.first().map(String::as_str) {
                Some("new" | "old") if !stmt.row => "statement trigger's WHEN condition cannot reference column values",
                Some("old") if inserts => "INSERT trigger's WHEN condition cannot reference OLD values",
                Some("new") if deletes => "DELETE trigger's WHEN condition cannot reference NEW values",
                _ => return,
            };
            fault = Some((text, x.pos));
        }
        if matches!(x.kind, ExprKind::SubLink(_)) && fault.is_none() {
            fault = Some(("cannot use subquery in trigger WHEN condition", x.pos));
        }
    });
    match fault {
        None => Ok(()),
        Some((text, pos)) => {
            let state = match text.starts_with("cannot use") {
                true => SqlState::FEATURE_NOT_SUPPORTED,
                false => SqlState::INVALID_OBJECT_DEFINITION,
            };
            Err(Error::new(state, text).at(cmd.at(pos)))
        }
    }
}

fn function_of(cx: &mut ExecContext, stmt: &CreateTriggerStmt) -> Result<Oid> {
    let catalog = cx.backend()?.catalog.clone();
    let name = stmt.function.joined();
    if let Some(s) = stmt.function.schema()
        && catalog.namespace_by_name(s).is_none()
    {
        return Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist"));
    }
    let known = crate::sql::bind::Names::functions(&*catalog, stmt.function.schema(), stmt.function.name());
    let Some((_, f)) = known.into_iter().find(|(_, f)| f.args.is_empty()) else {
        return Err(err!(UNDEFINED_FUNCTION, "function {name}() does not exist"));
    };
    if f.ret != oid::TRIGGER {
        return Err(err!(INVALID_OBJECT_DEFINITION, "function {name} must return type trigger"));
    }
    if !matches!(f.imp, crate::sql::func::FuncImpl::Routine) {
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
    check_kind(stmt, &rel)?;
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
            check_condition(cmd, stmt, e)?;
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
        if old.constraint.is_valid() {
            let text = format!("trigger \"{}\" for relation \"{}\" is a constraint trigger", stmt.name, rel.name);
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
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
    };
    change(cx, rel.oid, |c| {
        c.triggers.retain(|t| t.name != made.name);
        c.triggers.push(made);
        c.triggers.sort_by(|a, b| a.name.cmp(&b.name));
    })?;
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

pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    for name in &stmt.names {
        let ObjectName::OnTable { table, name } = name else {
            return Err(Error::internal("DROP TRIGGER with an odd name").into());
        };
        let var = names::range_var(&table.parts);
        let Some(_) = names::find_relation(cx, &var)? else {
            let text = format!("relation \"{}\" does not exist", table.joined());
            if stmt.missing_ok {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
                continue;
            }
            return Err(Error::new(SqlState::UNDEFINED_TABLE, text).into());
        };
        let rel = names::locked_relation(cmd, cx, &var, LockMode::AccessExclusive)?;
        let Some(t) = rel.triggers.iter().find(|t| t.name == *name) else {
            if stmt.missing_ok {
                let text = format!("trigger \"{name}\" for relation \"{}\" does not exist, skipping", rel.name);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
                continue;
            }
            return Err(missing(name, &rel.name).into());
        };
        names::check_owner(cx, &rel)?;
        remove(cx, t.oid)?;
    }
    Ok(())
}

fn missing(name: &str, table: &str) -> Error {
    err!(UNDEFINED_OBJECT, "trigger \"{name}\" for table \"{table}\" does not exist")
}

/// Takes a trigger away from its table.
pub fn remove(cx: &mut ExecContext, trigger: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = super::dependency::trigger(&catalog, trigger) else { return Ok(()) };
    super::write::delete(cx, crate::catalog::object::comment_key(ObjectKey::new(class::TRIGGER, trigger)))?;
    change(cx, table, |c| c.triggers.retain(|t| t.oid != trigger))
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

/// ALTER TABLE … ENABLE and DISABLE TRIGGER.
pub fn enable(cx: &mut ExecContext, table: Oid, mode: EnableMode, which: &TriggerSelect) -> Result<()> {
    let letter = match mode {
        EnableMode::Enable => 'O',
        EnableMode::EnableAlways => 'A',
        EnableMode::EnableReplica => 'R',
        EnableMode::Disable => 'D',
    };
    let c = class_of(cx, table)?;
    if let TriggerSelect::Name(name) = which
        && !c.triggers.iter().any(|t| t.name == *name)
    {
        return Err(missing(name, &c.name));
    }
    change(cx, table, |c| {
        for t in &mut c.triggers {
            if !matches!(which, TriggerSelect::Name(n) if *n != t.name) {
                t.enabled = letter;
            }
        }
    })
}

/// ALTER TRIGGER … RENAME TO.
pub fn rename(cx: &mut ExecContext, rel: &Relation, old: &str, new: &str) -> Result<()> {
    if !rel.triggers.iter().any(|t| t.name == old) {
        return Err(missing(old, &rel.name));
    }
    if rel.triggers.iter().any(|t| t.name == new) {
        let text = format!("trigger \"{new}\" for relation \"{}\" already exists", rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    change(cx, rel.oid, |c| {
        c.triggers.iter_mut().filter(|t| t.name == old).for_each(|t| t.name = new.to_owned());
        c.triggers.sort_by(|a, b| a.name.cmp(&b.name));
    })
}

/// TRUNCATE's statement triggers of a table, ready to be fired.
pub fn for_truncate(cx: &mut ExecContext, rel: &Arc<Relation>, when: char) -> Result<Vec<user_trigger::UserTrigger>> {
    let wanted = rel.triggers.iter().filter(|t| t.truncate && t.when == when);
    let all = wanted.map(|t| user_trigger::UserTrigger::new(cx, rel, t)).collect::<Result<Vec<_>>>()?;
    Ok(all.into_iter().filter(|t| t.fires(cx, crate::sql::exec::ChangeKind::Delete, None)).collect())
}
