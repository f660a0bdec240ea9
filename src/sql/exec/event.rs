//! What the event trigger function that runs can ask for: the commands done, the objects dropped.

use super::ExecContext;
use crate::base::Flow;
use crate::err;
use crate::types::Value;

/// An event, while its triggers are fired.
#[derive(Clone, Debug, Default)]
pub struct Event {
    /// `ddl_command_start`, `ddl_command_end`, `sql_drop`.
    pub name: &'static str,
    pub tag: &'static str,
    /// Rows of `pg_event_trigger_ddl_commands`.
    pub commands: Vec<Vec<Value>>,
    /// Rows of `pg_event_trigger_dropped_objects`.
    pub dropped: Vec<Vec<Value>>,
}

/// The rows of a function about the event that fires; None: it is about something else.
pub fn rows(cx: &mut ExecContext, src: &str) -> Flow<Option<Vec<Vec<Value>>>> {
    Ok(Some(match src {
        "pg_event_trigger_ddl_commands" => match &cx.event {
            Some(event) => event.commands.clone(),
            None => return Err(misplaced(src, "an event trigger function").into()),
        },
        "pg_event_trigger_dropped_objects" => match &cx.event {
            Some(event) if event.name == "sql_drop" => event.dropped.clone(),
            _ => return Err(misplaced(src, "a sql_drop event trigger function").into()),
        },
        _ => return Ok(None),
    }))
}

pub(super) fn find(src: &str) -> Option<super::system::SystemFn> {
    // No event tells of tables that are rewritten.
    const PLACE: &str = "a table_rewrite event trigger function";
    Some(match src {
        "pg_event_trigger_table_rewrite_oid" => {
            |_, _, _| Err(misplaced("pg_event_trigger_table_rewrite_oid", PLACE).into())
        }
        "pg_event_trigger_table_rewrite_reason" => {
            |_, _, _| Err(misplaced("pg_event_trigger_table_rewrite_reason", PLACE).into())
        }
        _ => return None,
    })
}

fn misplaced(function: &str, place: &str) -> crate::base::Error {
    err!(EVENT_TRIGGER_PROTOCOL_VIOLATED, "{function}() can only be called in {place}")
}
