//! Functions that need more than their arguments and the session's facts: sequences, sleeping, locks, sizes.
//!
//! They get the whole [`ExecContext`] and may wait, having pushed nothing. What is not in the table here goes to the
//! session's [`SystemHooks`](crate::sql::func::SystemHooks).

pub(crate) mod define;
pub(crate) mod sequence;

use super::ExecContext;
use crate::base::{Flow, Stop, Wait};
use crate::sql::func::FuncDef;
use crate::types::{Column, Datum};
use std::time::{Duration, Instant};

/// Pushes exactly one value, or fails, or waits having pushed nothing.
pub type SystemFn = fn(&mut ExecContext, &[Datum<'_>], &mut Column) -> Flow<()>;

/// By PostgreSQL's own name of the function.
fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_sleep" => pg_sleep,
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
