//! The session and the server themselves: addresses, times, sleeping, temporary schemas, notifications.

use super::{SystemFn, void};
use crate::base::{Flow, Oid, Stop, Wait};
use crate::err;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, Stamp, texts};
use crate::types::datetime::Interval;
use crate::types::inet::Inet;
use crate::types::{Column, Datum};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_trigger_depth" => |cx, _, out| {
            out.push(Datum::I32(cx.nesting.triggers as i32));
            Ok(())
        },
        "pg_sleep" => |cx, args, out| sleep(cx, args[0].f64(), out),
        "pg_sleep_for(interval)" => sleep_for,
        "pg_sleep_until(timestamp_with_time_zone)" => sleep_until,
        "pg_postmaster_start_time" => postmaster_start,
        "pg_conf_load_time" => conf_load,
        "inet_client_addr" => client_address,
        "inet_client_port" => client_port,
        "inet_server_addr" => |cx, _, out| {
            let own = cx.backend()?.activity.facts().server_addr;
            push_address(out, own.map(|a| a.0));
            Ok(())
        },
        "inet_server_port" => |cx, _, out| {
            let own = cx.backend()?.activity.facts().server_addr;
            out.push(own.map_or(Datum::Null, |a| Datum::I32(a.1.into())));
            Ok(())
        },
        "current_query" => current_query,
        "pg_my_temp_schema" => my_temp_schema,
        "pg_is_other_temp_schema" => is_other_temp_schema,
        "pg_notify" => notify,
        "pg_notification_queue_usage" => queue_usage,
        "pg_settings_get_flags" => setting_flags,
        "pg_jit_available" => no,
        "row_security_active" => row_security,
        "row_security_active_name" => row_security_by_name,
        "pg_relation_is_publishable" => |cx, args, out| {
            let record = cx.backend()?.catalog.class(Oid(args[0].u32()));
            let class = record.as_ref().and_then(|r| r.object.as_class().ok());
            out.push(Datum::Bool(class.is_some_and(crate::sql::exec::system_view::is_publishable)));
            Ok(())
        },
        _ => return None,
    })
}

fn row_security_of(cx: &mut ExecContext, table: Oid, out: &mut Column) -> Flow<()> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(rel) = catalog.relation(table)? else {
        return Err(crate::err!(UNDEFINED_OBJECT, "relation with OID {table} does not exist").into());
    };
    let hides = crate::sql::exec::rights::hides_rows(cx.backend()?, &rel);
    out.push(Datum::Bool(hides));
    Ok(())
}

/// PostgreSQL 15, rls.c, row_security_active.
fn row_security(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    row_security_of(cx, Oid(args[0].u32()), out)
}

fn row_security_by_name(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let catalog = cx.backend()?.catalog.clone();
    let table = crate::sql::names::reg_in(&catalog, crate::types::oid::REGCLASS, args[0].str())?;
    row_security_of(cx, table, out)
}

fn no(_: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    out.push(Datum::Bool(false));
    Ok(())
}

/// The end of the sleep stays in the context over the repeated call.
fn sleep(cx: &mut ExecContext, seconds: f64, out: &mut Column) -> Flow<()> {
    let now = Instant::now();
    let seconds = if seconds.is_nan() { 0.0 } else { seconds.clamp(0.0, 1e9) };
    let end = *cx.run.sleep_until.get_or_insert(now + Duration::from_secs_f64(seconds));
    if now < end {
        return Stop::wait(Wait::Until(end));
    }
    cx.run.sleep_until = None;
    void(out);
    Ok(())
}

fn sleep_for(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let micros = Interval::from_bytes(args[0].bytes()).total();
    sleep(cx, micros as f64 / 1e6, out)
}

fn sleep_until(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let micros = args[0].i64().saturating_sub(crate::base::clock::now_timestamptz());
    sleep(cx, micros as f64 / 1e6, out)
}

fn stamp(out: &mut Column, us: i64) {
    out.push(Stamp(us).cell().datum());
}

fn postmaster_start(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    stamp(out, cx.backend()?.instance.services()?.postmaster_start_us());
    Ok(())
}

fn conf_load(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    stamp(out, cx.backend()?.instance.config_loaded_us.load(Ordering::Relaxed));
    Ok(())
}

fn client_address(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let client = cx.backend()?.activity.facts().client_addr;
    push_address(out, client);
    Ok(())
}

fn push_address(out: &mut Column, address: Option<std::net::IpAddr>) {
    match address {
        Some(address) => {
            let bits = if address.is_ipv4() { 32 } else { 128 };
            out.push(Datum::Bytes(&Inet { address, bits }.to_bytes()));
        }
        None => out.push_null(),
    }
}

/// The statement as the activity view shows it, where that is all of it.
fn current_query(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let query = cx.backend()?.activity.facts().query;
    if query.is_empty()
        || query.len() >= 99 && query.len() + 1 >= cx.backend()?.view.int(Id::TrackActivityQuerySize) as usize
    {
        return Err(crate::base::Error::unsupported(
            "current_query() of a statement longer than track_activity_query_size",
        )
        .into());
    }
    out.push(Datum::Bytes(query.as_bytes()));
    Ok(())
}

fn client_port(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match cx.backend()?.activity.facts().client_port {
        Some(port) if port >= 0 => out.push(Datum::I32(port)),
        _ => out.push_null(),
    }
    Ok(())
}

fn my_temp_schema(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let schema = cx.backend()?.catalog.temp_schema();
    out.push(Datum::U32(schema.unwrap_or_default().0));
    Ok(())
}

fn is_other_temp_schema(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (backend, oid) = (cx.backend()?, Oid(args[0].u32()));
    let temporary = backend.catalog.namespace(oid).is_some_and(|n| n.temp_of.is_some());
    out.push(Datum::Bool(temporary && backend.catalog.temp_schema() != Some(oid)));
    Ok(())
}

/// Sent when the transaction commits, each message once (PostgreSQL 15, async.c, Async_Notify: same rules).
fn notify(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let word = |d: &Datum<'_>| if d.is_null() { String::new() } else { d.str().to_string() };
    let (channel, payload) = (word(&args[0]), word(&args[1]));
    if channel.is_empty() {
        return Err(err!(INVALID_PARAMETER_VALUE, "channel name cannot be empty").into());
    }
    if channel.len() >= 64 {
        return Err(err!(INVALID_PARAMETER_VALUE, "channel name too long").into());
    }
    if payload.len() >= 8000 {
        return Err(err!(INVALID_PARAMETER_VALUE, "payload string too long").into());
    }
    let backend = cx.backend()?;
    backend.messages.say(backend.txn.depth(), (channel, payload));
    void(out);
    Ok(())
}

/// Messages wait in the sessions' own mailboxes; there is no queue that could fill up.
fn queue_usage(_: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    out.push(Datum::F64(0.0));
    Ok(())
}

fn setting_flags(_: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    match crate::settings::flags(args[0].str()) {
        Some(flags) => out.push(texts(flags).datum()),
        None => out.push_null(),
    }
    Ok(())
}
