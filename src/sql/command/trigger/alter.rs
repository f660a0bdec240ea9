//! DROP TRIGGER, ALTER TABLE … ENABLE TRIGGER, ALTER TRIGGER … RENAME.

use super::super::write::{self, change, class_of};
use super::super::{Command, dependency, drop, names};
use super::part;
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{ObjectKey, RelKind, Relation, Trigger, key_triggers};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{DropStmt, EnableMode, ObjectName, TriggerSelect};
use crate::sql::exec::ExecContext;

pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    for name in &stmt.names {
        let ObjectName::OnTable { table, name } = name else {
            return Err(Error::internal("DROP TRIGGER with an odd name").into());
        };
        let Some(var) = drop::table_of_part(cx, stmt, table)? else { continue };
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
        if let Some((above, name)) = part::parent_of(cx, t)? {
            let (own, table) = (&t.name, &rel.name);
            let text = format!(
                "cannot drop trigger {own} on table {table} because trigger {name} on table {above} requires it"
            );
            return Err(Error::new(SqlState::DEPENDENT_OBJECTS_STILL_EXIST, text)
                .hint(format!("You can drop trigger {name} on table {above} instead."))
                .into());
        }
        super::super::inherit::descendants(cx, rel.oid, LockMode::AccessExclusive)?;
        super::super::event_trigger::note_part(cx, ObjectKey::new(class::TRIGGER, t.oid))?;
        remove(cx, t.oid)?;
    }
    Ok(())
}

fn missing(name: &str, table: &str) -> Error {
    err!(UNDEFINED_OBJECT, "trigger \"{name}\" for table \"{table}\" does not exist")
}

/// Takes a trigger away from its table, and its parts from the partitions.
pub fn remove(cx: &mut ExecContext, trigger: Oid) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some((table, _)) = dependency::trigger(&catalog, trigger) else { return Ok(()) };
    for part in part::parts_of(cx, trigger)? {
        remove(cx, part)?;
    }
    write::delete(cx, crate::catalog::object::comment_key(ObjectKey::new(class::TRIGGER, trigger)))?;
    change(cx, table, |c| c.triggers.retain(|t| t.oid != trigger))
}

/// ALTER TABLE … ENABLE and DISABLE TRIGGER.
///
/// Row triggers of a partitioned table are enabled and disabled in its partitions, too, unless ONLY was said.
pub fn enable(cx: &mut ExecContext, table: Oid, mode: EnableMode, which: &TriggerSelect, recurse: bool) -> Result<()> {
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
    if c.kind == RelKind::Partitioned && recurse {
        let named = |t: &&Trigger| t.row && !matches!(which, TriggerSelect::Name(n) if *n != t.name);
        for t in c.triggers.iter().filter(named) {
            for part in part::parts_of(cx, t.oid)? {
                let Some((part, name)) = dependency::trigger(&cx.backend()?.catalog.clone(), part) else { continue };
                enable(cx, part, mode, &TriggerSelect::Name(name), true)?;
            }
        }
        if matches!(which, TriggerSelect::All) {
            super::super::inherit::all_below(cx, table)?.into_iter().try_for_each(|p| enable_keys(cx, p, letter))?;
        }
    }
    if matches!(which, TriggerSelect::All) {
        enable_keys(cx, table, letter)?;
    }
    change(cx, table, |c| {
        for t in &mut c.triggers {
            if !matches!(which, TriggerSelect::Name(n) if *n != t.name) {
                t.enabled = letter;
            }
        }
    })
}

/// What foreign keys do on a table, on either side.
///
/// # Errors
/// 42501 for who is no superuser.
fn enable_keys(cx: &mut ExecContext, table: Oid, letter: char) -> Result<()> {
    let mut found = Vec::new();
    for record in cx.backend()?.catalog.mentioning(class::RELATION, table) {
        let Ok(c) = record.object.as_class() else { continue };
        for k in &c.constraints {
            let refers = k.foreign.as_ref().is_some_and(|f| f.relation == table);
            if k.foreign.is_some() && (c.oid == table || refers) {
                let first = key_triggers(c.oid, k).into_iter().find(|(on, _)| *on == table).map(|(_, t)| t.name);
                found.push((c.oid, k.oid, c.oid == table, refers, first));
            }
        }
    }
    let Some((_, key, own, _, first)) = found.first() else { return Ok(()) };
    if !cx.backend()?.user.is_superuser {
        let name = || format!("RI_ConstraintTrigger_{}_{key}", if *own { 'c' } else { 'a' });
        let name = first.clone().unwrap_or_else(name);
        return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied: \"{name}\" is a system trigger"));
    }
    for (child, key, own, refers, _) in found {
        change(cx, child, |c| {
            for f in c.constraints.iter_mut().filter(|k| k.oid == key).filter_map(|k| k.foreign.as_mut()) {
                if own {
                    f.check_enabled = letter;
                }
                if refers {
                    f.action_enabled = letter;
                }
            }
        })?;
    }
    Ok(())
}

/// ALTER TRIGGER … RENAME TO.
pub fn rename(cx: &mut ExecContext, rel: &Relation, old: &str, new: &str) -> Result<()> {
    let Some(t) = rel.triggers.iter().find(|t| t.name == old) else {
        return Err(missing(old, &rel.name));
    };
    if let Some((above, _)) = part::parent_of(cx, t)? {
        return Err(err!(INTERNAL_ERROR, "cannot rename trigger \"{old}\" on table \"{}\"", rel.name)
            .hint(format!("Rename the trigger on the partitioned table \"{above}\" instead.")));
    }
    rename_with_parts(cx, rel.oid, t.oid, new)
}

fn rename_with_parts(cx: &mut ExecContext, table: Oid, trigger: Oid, new: &str) -> Result<()> {
    let rel = super::super::constraint::relation(cx, table)?;
    if rel.triggers.iter().any(|t| t.name == new) {
        let text = format!("trigger \"{new}\" for relation \"{}\" already exists", rel.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    for part in part::parts_of(cx, trigger)? {
        let Some((table, _)) = dependency::trigger(&cx.backend()?.catalog.clone(), part) else { continue };
        rename_with_parts(cx, table, part, new)?;
    }
    change(cx, rel.oid, |c| {
        c.triggers.iter_mut().filter(|t| t.oid == trigger).for_each(|t| t.name = new.to_owned());
        c.triggers.sort_by(|a, b| a.name.cmp(&b.name));
    })
}
