//! What a trigger may not be.

use super::super::Command;
use crate::base::{Error, Result, SqlState};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::sql::ast::{CreateTriggerStmt, ExprKind, TriggerEvent, TriggerTiming};

fn wrong(rel: &Relation, detail: &str) -> Error {
    let word = match rel.kind {
        RelKind::View => "a view",
        _ => "a table",
    };
    Error::new(SqlState::WRONG_OBJECT_TYPE, format!("\"{}\" is {word}", rel.name)).detail(detail)
}

/// PostgreSQL 15, trigger.c, CreateTriggerFiringOn: same refusals.
pub fn kind(stmt: &CreateTriggerStmt, rel: &Relation) -> Result<()> {
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
        RelKind::Partitioned if stmt.row && !stmt.transitions.is_empty() => {
            return Err(err!(FEATURE_NOT_SUPPORTED, "\"{}\" is a partitioned table", rel.name)
                .detail("ROW triggers with transition tables are not supported on partitioned tables."));
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
    Ok(())
}

/// Generated columns have no values yet where BEFORE triggers ask for them.
fn refuse_generated(cmd: &Command, stmt: &CreateTriggerStmt, rel: &Relation, e: &crate::sql::ast::Expr) -> Result<()> {
    if stmt.timing != TriggerTiming::Before || !rel.attributes.iter().any(|a| !a.dropped && a.generated != 0) {
        return Ok(());
    }
    let mut fault = None;
    e.clone().rewrite(&mut |x| {
        let ExprKind::Column { parts, star } = &x.kind else { return };
        if fault.is_some() || parts.first().is_none_or(|p| p != "new") {
            return;
        }
        let detail = match parts.get(1) {
            Some(name) if rel.attribute(name).is_some_and(|a| a.generated != 0) => {
                format!("Column \"{name}\" is a generated column.")
            }
            None if *star || parts.len() == 1 => {
                "A whole-row reference is used and the table contains generated columns.".to_owned()
            }
            _ => return,
        };
        fault = Some((detail, x.pos));
    });
    let Some((detail, pos)) = fault else { return Ok(()) };
    let text = "BEFORE trigger's WHEN condition cannot reference NEW generated columns";
    Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text).detail(detail).at(cmd.at(pos)))
}

fn names_system(parts: &[String]) -> bool {
    parts.get(1).is_some_and(|name| crate::sql::bind::scope::system_attno(name).is_some())
}

/// What a WHEN condition may not name.
pub fn condition(cmd: &Command, stmt: &CreateTriggerStmt, rel: &Relation, e: &crate::sql::ast::Expr) -> Result<()> {
    refuse_generated(cmd, stmt, rel, e)?;
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
                Some("new") if stmt.timing == TriggerTiming::Before && names_system(parts) => {
                    "BEFORE trigger's WHEN condition cannot reference NEW system columns"
                }
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
            let state = match text.starts_with("cannot use") || text.ends_with("NEW system columns") {
                true => SqlState::FEATURE_NOT_SUPPORTED,
                false => SqlState::INVALID_OBJECT_DEFINITION,
            };
            Err(Error::new(state, text).at(cmd.at(pos)))
        }
    }
}

/// REFERENCING: the names of the old rows' table and of the new rows'. PostgreSQL 15, trigger.c, CreateTriggerFiringOn:
/// same refusals.
pub fn transitions(stmt: &CreateTriggerStmt, rel: &Relation) -> Result<(Option<String>, Option<String>)> {
    let (mut old, mut new) = (None, None);
    let has = |f: fn(&TriggerEvent) -> bool| stmt.events.iter().any(f);
    let invalid = |text: &str| Err(Error::new(SqlState::INVALID_OBJECT_DEFINITION, text));
    for t in &stmt.transitions {
        if !t.is_table {
            return Err(Error::unsupported("ROW variable naming in the REFERENCING clause is not supported")
                .hint("Use OLD TABLE or NEW TABLE for naming transition tables."));
        }
        if rel.kind == RelKind::View {
            return Err(wrong(rel, "Triggers on views cannot have transition tables."));
        }
        if stmt.timing != TriggerTiming::After {
            return invalid("transition table name can only be specified for an AFTER trigger");
        }
        if has(|e| matches!(e, TriggerEvent::Truncate)) {
            return Err(Error::unsupported("TRUNCATE triggers with transition tables are not supported"));
        }
        if stmt.row && !rel.lineage.parents.is_empty() {
            let on = if rel.is_partition() { "partitions" } else { "inheritance children" };
            let text = format!("ROW triggers with transition tables are not supported on {on}");
            return Err(Error::unsupported(text));
        }
        if stmt.events.len() != 1 {
            let text = "transition tables cannot be specified for triggers with more than one event";
            return Err(Error::unsupported(text));
        }
        if has(|e| matches!(e, TriggerEvent::Update(c) if !c.is_empty())) {
            return Err(Error::unsupported("transition tables cannot be specified for triggers with column lists"));
        }
        let (fits, word, events, name) = match t.is_new {
            true => (!has(|e| matches!(e, TriggerEvent::Delete)), "NEW", "an INSERT or UPDATE", &mut new),
            false => (!has(|e| matches!(e, TriggerEvent::Insert)), "OLD", "a DELETE or UPDATE", &mut old),
        };
        if !fits {
            return invalid(&format!("{word} TABLE can only be specified for {events} trigger"));
        }
        if name.is_some() {
            return invalid(&format!("{word} TABLE cannot be specified multiple times"));
        }
        *name = Some(t.name.clone());
    }
    if old.is_some() && old == new {
        return invalid("OLD TABLE name and NEW TABLE name cannot be the same");
    }
    Ok((old, new))
}
