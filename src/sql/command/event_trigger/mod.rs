//! CREATE, ALTER and DROP EVENT TRIGGER. PostgreSQL 15, event_trigger.c: same rules.
//!
//! | file | what |
//! |---|---|
//! | `tags` | which commands have events |
//! | `fire` | a command with its events around it |
//! | `collect` | what the functions of triggers are told |

mod collect;
mod fire;
mod tags;

pub use collect::{Dropped, note_dropped, note_part};
pub use fire::{Events, around, is_wanted};

use super::write::{new_oid, put};
use super::{names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Catalog, EventTrigger, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{AlterEventTriggerStmt, CreateEventTriggerStmt, DropStmt, EnableMode, ObjectName, QualName};
use crate::sql::exec::ExecContext;
use crate::types::oid;

const EVENTS: [&str; 4] = ["ddl_command_start", "ddl_command_end", "sql_drop", "table_rewrite"];

pub fn create(cx: &mut ExecContext, stmt: &CreateEventTriggerStmt) -> Result<String> {
    let user = cx.backend()?.user.clone();
    if !user.is_superuser {
        let text = format!("permission denied to create event trigger \"{}\"", stmt.name);
        let hint = "Must be superuser to create an event trigger.";
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).hint(hint));
    }
    if !EVENTS.contains(&stmt.event.as_str()) {
        return Err(err!(SYNTAX_ERROR, "unrecognized event name \"{}\"", stmt.event));
    }
    let tags = tags(stmt)?;
    if stmt.event == "table_rewrite" {
        return Err(Error::unsupported("event triggers ON table_rewrite are not supported"));
    }
    let catalog = cx.backend()?.catalog.clone();
    if named(&catalog, &stmt.name).is_ok() {
        return Err(err!(DUPLICATE_OBJECT, "event trigger \"{}\" already exists", stmt.name));
    }
    let function = function_of(&catalog, &stmt.function)?;
    let oid = new_oid(cx)?;
    let trigger = EventTrigger::new(oid, stmt.name.clone(), stmt.event.clone(), user.current, function, tags);
    put(cx, Object::EventTrigger(trigger))?;
    Ok("CREATE EVENT TRIGGER".into())
}

/// The tags of WHEN, in capitals.
fn tags(stmt: &CreateEventTriggerStmt) -> Result<Vec<String>> {
    let mut found: Option<&Vec<String>> = None;
    for (variable, values) in &stmt.filters {
        if variable != "tag" {
            return Err(err!(SYNTAX_ERROR, "unrecognized filter variable \"{variable}\""));
        }
        if found.is_some() {
            return Err(err!(SYNTAX_ERROR, "filter variable \"{variable}\" specified more than once"));
        }
        found = Some(values);
    }
    let rewrites = ["ALTER TABLE", "ALTER TYPE", "ALTER MATERIALIZED VIEW"];
    let mut tags = Vec::new();
    for value in found.into_iter().flatten() {
        let tag = value.to_ascii_uppercase();
        let fits = match tags::has_events(&tag) {
            None => {
                let text = format!("filter value \"{value}\" not recognized for filter variable \"tag\"");
                return Err(Error::new(SqlState::SYNTAX_ERROR, text));
            }
            Some(_) if stmt.event == "table_rewrite" => rewrites.contains(&tag.as_str()),
            Some(has) => has,
        };
        if !fits {
            let text = format!("event triggers are not supported for {value}");
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text));
        }
        tags.push(tag);
    }
    Ok(tags)
}

fn function_of(catalog: &Catalog, name: &QualName) -> Result<Oid> {
    if let Some(s) = name.schema()
        && catalog.namespace_by_name(s).is_none()
    {
        return Err(err!(INVALID_SCHEMA_NAME, "schema \"{s}\" does not exist"));
    }
    let shown = name.joined();
    let known = crate::sql::bind::Names::functions(catalog, name.schema(), name.name());
    let Some((_, f)) = known.into_iter().find(|(_, f)| f.args.is_empty()) else {
        return Err(err!(UNDEFINED_FUNCTION, "function {shown}() does not exist"));
    };
    match f.ret {
        oid::EVENT_TRIGGER => Ok(f.oid),
        _ => Err(err!(INVALID_OBJECT_DEFINITION, "function {shown} must return type event_trigger")),
    }
}

/// All of them, by name.
pub fn all(catalog: &Catalog) -> Vec<EventTrigger> {
    let of = |r: &std::sync::Arc<crate::catalog::Record>| match &r.object {
        Object::EventTrigger(t) => Some(t.clone()),
        _ => None,
    };
    let mut found: Vec<EventTrigger> = catalog.all(class::EVENT_TRIGGER).iter().filter_map(of).collect();
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

pub fn named(catalog: &Catalog, name: &str) -> Result<EventTrigger> {
    let missing = || err!(UNDEFINED_OBJECT, "event trigger \"{name}\" does not exist");
    all(catalog).into_iter().find(|t| t.name == name).ok_or_else(missing)
}

/// The trigger of a name that the user owns.
///
/// # Errors
/// 42501 `must be owner of event trigger t`.
pub fn owned(cx: &mut ExecContext, name: &str) -> Result<EventTrigger> {
    let t = named(&cx.backend()?.catalog.clone(), name)?;
    match role::has_role(cx.backend()?, t.owner) {
        true => Ok(t),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of event trigger {name}")),
    }
}

pub fn alter(cx: &mut ExecContext, stmt: &AlterEventTriggerStmt) -> Result<String> {
    let mut t = owned(cx, &stmt.name)?;
    t.enabled = match stmt.mode {
        EnableMode::Enable => 'O',
        EnableMode::EnableAlways => 'A',
        EnableMode::EnableReplica => 'R',
        EnableMode::Disable => 'D',
    };
    put(cx, Object::EventTrigger(t))?;
    Ok("ALTER EVENT TRIGGER".into())
}

/// ALTER EVENT TRIGGER … RENAME TO.
pub fn renamed(cx: &mut ExecContext, old: &str, new: &str) -> Result<Object> {
    let mut t = owned(cx, old)?;
    if named(&cx.backend()?.catalog.clone(), new).is_ok() {
        return Err(err!(DUPLICATE_OBJECT, "event trigger \"{new}\" already exists"));
    }
    t.name = new.to_owned();
    Ok(Object::EventTrigger(t))
}

/// ALTER EVENT TRIGGER … OWNER TO.
pub fn set_owner(cx: &mut ExecContext, name: &str, new: Oid) -> Result<Object> {
    let mut t = owned(cx, name)?;
    if !cx.backend()?.catalog.role(new).is_some_and(|r| r.superuser) {
        let text = format!("permission denied to change owner of event trigger \"{name}\"");
        let hint = "The owner of an event trigger must be a superuser.";
        return Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).hint(hint));
    }
    t.owner = new;
    Ok(Object::EventTrigger(t))
}

pub fn drop(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { continue };
        match owned(cx, name.name()) {
            Ok(t) => targets.push(ObjectKey::new(class::EVENT_TRIGGER, t.oid)),
            Err(e) if stmt.missing_ok && e.sqlstate() == SqlState::UNDEFINED_OBJECT => {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{}, skipping", e.message()));
            }
            Err(e) => return Err(e.into()),
        }
    }
    super::drop::remove(cx, targets, stmt.behavior)
}
