//! Signals to other sessions, to the postmaster and the logger.

use super::{SystemFn, warn};
use crate::base::{Error, Flow, Oid, Result, SqlState, Stop, Wait};
use crate::sql::exec::ExecContext;
use crate::sql::exec::rights::Subject;
use crate::types::{Column, Datum};
use std::time::{Duration, Instant};

/// Members may signal sessions of others.
const PG_SIGNAL_BACKEND: Oid = Oid(4200);
/// How often a wait for a session's end looks again.
const LOOK_AGAIN: Duration = Duration::from_millis(20);

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_cancel_backend" => cancel,
        "pg_terminate_backend" => terminate,
        "pg_reload_conf" => reload,
        "pg_rotate_logfile" | "pg_rotate_logfile_v2" => rotate,
        _ => return None,
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Signal {
    Cancel,
    Terminate,
}

/// Sends the signal; false with a warning if the pid is no session's.
fn signal(cx: &mut ExecContext, pid: i32, signal: Signal) -> Result<bool> {
    let backend = cx.backend()?;
    let services = backend.instance.services()?.clone();
    let number = u32::try_from(pid).unwrap_or(0);
    let subject = crate::sql::exec::rights::subject(backend);
    if let Some((role, superuser)) = services.role_of(number) {
        check(&subject, role, superuser, signal)?;
    }
    let sent = match signal {
        _ if number == 0 => false,
        Signal::Cancel => services.cancel(number),
        Signal::Terminate => services.terminate(number),
    };
    if !sent {
        warn(cx, format!("PID {pid} is not a PostgreSQL backend process"), ("pg_signal_backend", "signalfuncs.c", 71));
    }
    Ok(sent)
}

fn check(subject: &Subject, role: Oid, superuser: bool, signal: Signal) -> Result<()> {
    let denied = |text: &str, line| {
        let routine = if signal == Signal::Cancel { "pg_cancel_backend" } else { "pg_terminate_backend" };
        Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text).place(routine, "signalfuncs.c", line))
    };
    if superuser && !subject.is_superuser() {
        return match signal {
            Signal::Cancel => denied("must be a superuser to cancel superuser query", 133),
            Signal::Terminate => denied("must be a superuser to terminate superuser process", 232),
        };
    }
    if !subject.has_role(role) && !subject.has_role(PG_SIGNAL_BACKEND) {
        return match signal {
            Signal::Cancel => {
                denied("must be a member of the role whose query is being canceled or member of pg_signal_backend", 138)
            }
            Signal::Terminate => denied(
                "must be a member of the role whose process is being terminated or member of pg_signal_backend",
                237,
            ),
        };
    }
    Ok(())
}

fn cancel(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let sent = signal(cx, args[0].i32(), Signal::Cancel)?;
    // A signal to the own session takes effect at once.
    cx.interrupts.check()?;
    out.push(Datum::Bool(sent));
    Ok(())
}

/// The end of the wait stays in the context over repeated calls, and tells that the signal was sent.
fn terminate(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (pid, timeout) = (args[0].i32(), args.get(1).map_or(0, |a| a.i64()));
    if timeout < 0 {
        return Err(crate::err!(NUMERIC_VALUE_OUT_OF_RANGE, "\"timeout\" must not be negative")
            .place("pg_terminate_backend", "signalfuncs.c", 222)
            .into());
    }
    let now = Instant::now();
    if cx.run.sleep_until.is_none() {
        let sent = signal(cx, pid, Signal::Terminate)?;
        cx.interrupts.check()?;
        if !sent || timeout == 0 {
            out.push(Datum::Bool(sent));
            return Ok(());
        }
    }
    let end = *cx.run.sleep_until.get_or_insert(now + Duration::from_millis(timeout as u64));
    let gone = cx.backend()?.instance.activity.by_pid(pid as u32).is_none();
    if !gone && now < end {
        return Stop::wait(Wait::Until(end.min(now + LOOK_AGAIN)));
    }
    cx.run.sleep_until = None;
    if !gone {
        let unit = if timeout == 1 { "millisecond" } else { "milliseconds" };
        let text = format!("backend with PID {pid} did not terminate within {timeout} {unit}");
        warn(cx, text, ("pg_wait_until_termination", "signalfuncs.c", 196));
    }
    out.push(Datum::Bool(gone));
    Ok(())
}

fn reload(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let told = cx.backend()?.instance.services()?.reload();
    if !told {
        let text = "failed to send signal to postmaster: No such process";
        warn(cx, text, ("pg_reload_conf", "signalfuncs.c", 261));
    }
    out.push(Datum::Bool(told));
    Ok(())
}

fn rotate(cx: &mut ExecContext, _: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let asked = cx.backend()?.instance.services()?.rotate_log();
    if !asked {
        let text = "rotation not possible because log collection not active";
        warn(cx, text, ("pg_rotate_logfile_v2", "signalfuncs.c", 312));
    }
    out.push(Datum::Bool(asked));
    Ok(())
}
