//! Functions that need more than their arguments and the session's facts: sequences, sleeping, locks, sizes.
//!
//! They get the whole [`ExecContext`] and may wait, having pushed nothing. What is not in the table here goes to the
//! session's [`SystemHooks`](crate::sql::func::SystemHooks).

pub(crate) mod define;
pub(crate) mod sequence;

use super::ExecContext;
use crate::base::{Flow, Oid, Stop, Wait};
use crate::sql::command::sequence as values;
use crate::sql::func::FuncDef;
use crate::types::{Column, Datum};
use std::time::{Duration, Instant};

/// Pushes exactly one value, or fails, or waits having pushed nothing.
pub type SystemFn = fn(&mut ExecContext, &[Datum<'_>], &mut Column) -> Flow<()>;

/// By PostgreSQL's own name of the function.
fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_sleep" => pg_sleep,
        "nextval_oid" => |cx, args, out| number(values::nextval(cx, Oid(args[0].u32()))?, out),
        "currval_oid" => |cx, args, out| number(values::currval(cx, Oid(args[0].u32()))?, out),
        "lastval" => |cx, _, out| number(values::lastval(cx)?, out),
        "setval_oid" => |cx, args, out| number(values::setval(cx, Oid(args[0].u32()), args[1].i64(), true)?, out),
        "setval3_oid" => {
            |cx, args, out| number(values::setval(cx, Oid(args[0].u32()), args[1].i64(), args[2].bool())?, out)
        }
        "pg_sequence_last_value" => |cx, args, out| match values::last_value(cx, Oid(args[0].u32()))? {
            Some(n) => number(n, out),
            None => {
                out.push_null();
                Ok(())
            }
        },
        "pg_get_serial_sequence" => serial_sequence,
        _ => return None,
    })
}

pub fn call(cx: &mut ExecContext, def: &'static FuncDef, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    if let Some(f) = find(def.fact.src) {
        return f(cx, args, out);
    }
    let system = cx.fx.system.clone();
    system.call(&mut cx.fx, def, args, out)
}

/// The end of the sleep stays in the context over the repeated call.
fn pg_sleep(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let now = Instant::now();
    let seconds = args[0].f64().clamp(0.0, 1e9);
    let end = *cx.run.sleep_until.get_or_insert(now + Duration::from_secs_f64(seconds));
    if now < end {
        return Stop::wait(Wait::Until(end));
    }
    cx.run.sleep_until = None;
    // void's one value is the empty text (PostgreSQL 15, void_out).
    match out.phys() {
        crate::types::Phys::Bytes => out.push(Datum::Bytes(b"")),
        _ => out.push_null(),
    }
    Ok(())
}

fn number(n: i64, out: &mut Column) -> Flow<()> {
    out.push(Datum::I64(n));
    Ok(())
}

fn serial_sequence(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let text = |n: usize| String::from_utf8_lossy(args[n].bytes()).into_owned();
    match values::serial_sequence(cx, &text(0), &text(1))? {
        Some(name) => out.push(Datum::Bytes(name.as_bytes())),
        None => out.push_null(),
    }
    Ok(())
}
