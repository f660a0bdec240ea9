//! Sessions one by one, by their places in the list of all: `pg_stat_get_backend_pid`, … (PostgreSQL 15, pgstatfuncs.c).

use super::SystemFn;
use crate::base::{Flow, Result};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{self, Cell, NULL, Stamp};
use crate::stat::ActivityFacts;
use crate::types::{Column, Datum, Value};

/// A fact that only those may know who may see the session.
macro_rules! own {
    (|$f:ident| $value:expr) => {
        |cx, args, out| fact(cx, args, out, NULL, |$f| $value)
    };
}

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_stat_get_backend_pid" => |cx, args, out| open_fact(cx, args, out, |f| f.pid.cell()),
        "pg_stat_get_backend_dbid" => |cx, args, out| open_fact(cx, args, out, |f| f.database.cell()),
        "pg_stat_get_backend_userid" => |cx, args, out| open_fact(cx, args, out, |f| f.user.cell()),
        "pg_stat_get_backend_activity" => activity,
        "pg_stat_get_backend_start" => own!(|f| Stamp(f.backend_start_us).cell()),
        "pg_stat_get_backend_activity_start" => own!(|f| Stamp(f.query_start_us).cell()),
        "pg_stat_get_backend_xact_start" => own!(|f| Stamp(f.xact_start_us).cell()),
        "pg_stat_get_backend_client_addr" => own!(|f| system_view::address(f)),
        "pg_stat_get_backend_client_port" => own!(|f| f.client_port.cell()),
        "pg_stat_get_backend_wait_event" => own!(|f| f.wait_event.map(|e| e.1).cell()),
        "pg_stat_get_backend_wait_event_type" => own!(|f| f.wait_event.map(|e| e.0).cell()),
        _ => return None,
    })
}

fn at(cx: &mut ExecContext, place: i32) -> Result<Option<ActivityFacts>> {
    let all = system_view::sessions(cx)?;
    Ok(usize::try_from(place).ok().and_then(|n| all.into_iter().nth(n.checked_sub(1)?)))
}

fn push(out: &mut Column, value: &Value) {
    let form = out.phys();
    out.push(system_view::fit(value.datum(), form));
}

fn open_fact(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    f: impl FnOnce(&ActivityFacts) -> Value,
) -> Flow<()> {
    let value = at(cx, args[0].i32())?.map_or(NULL, |facts| f(&facts));
    push(out, &value);
    Ok(())
}

fn fact(
    cx: &mut ExecContext,
    args: &[Datum<'_>],
    out: &mut Column,
    hidden: Value,
    f: impl FnOnce(&ActivityFacts) -> Value,
) -> Flow<()> {
    let sight = system_view::Sight::of(cx)?;
    let value = match at(cx, args[0].i32())? {
        Some(facts) if sight.sees(facts.user) => f(&facts),
        Some(_) => hidden,
        None => NULL,
    };
    push(out, &value);
    Ok(())
}

fn activity(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let sight = system_view::Sight::of(cx)?;
    let text = match at(cx, args[0].i32())? {
        None => "<backend information not available>".to_string(),
        Some(f) if !sight.sees(f.user) => "<insufficient privilege>".to_string(),
        Some(f) if f.query.is_empty() => "<command string not enabled>".to_string(),
        Some(f) => f.query,
    };
    super::text(out, &text);
    Ok(())
}

/// The places of all sessions and workers.
pub(super) fn places(cx: &mut ExecContext) -> Result<Vec<Vec<Value>>> {
    let count = system_view::sessions(cx)?.len() as i32;
    Ok((1..=count).map(|n| vec![n.cell()]).collect())
}
