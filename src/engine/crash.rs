//! The engine's own death: who is to blame, who is warned, and how the process ends.

use super::link::Link;
use crate::base::error::Report;
use crate::base::report::{self, Origin};
use crate::base::{Severity, SqlState};
use rustix::process::{Signal, getpid, kill_process};
use std::cell::Cell;
use std::time::Duration;

thread_local! {
    /// A panic while dealing with a panic must not loop.
    static DYING: Cell<bool> = const { Cell::new(false) };
}

/// Installs what happens on PANIC and on a Rust panic. `is_critical` says whether the calling
/// thread is inside a critical section (a page is being changed, a record is being written).
///
/// A panic outside one is the failure of that statement or worker alone; inside one, or on the
/// control thread, it ends the engine.
pub fn install(link: &Link, is_critical: fn() -> bool) {
    let crashing = link.clone();
    report::on_panic(Box::new(move |_| announce(&crashing)));
    std::panic::set_hook(Box::new(move |info| {
        let message = info.payload().downcast_ref::<&str>().map(ToString::to_string);
        let message = message.or_else(|| info.payload().downcast_ref::<String>().cloned()).unwrap_or_default();
        let place = info.location().map(|l| format!("{}:{}", l.file(), l.line())).unwrap_or_default();
        let text = format!("unexpected panic at {place}: {message}");
        let fault = Report::notice(Severity::Log, SqlState::INTERNAL_ERROR, text);
        let thread = std::thread::current();
        if (is_critical() || thread.name() == Some(super::link::CONTROL_THREAD)) && !DYING.replace(true) {
            report::panic(fault);
        }
        report::log(&fault);
    }));
}

fn announce(link: &Link) {
    let origin = report::current();
    let (who, pid, statement) = match &origin {
        Some(o) => (child_name(o), o.pid, o.statement.as_ref().map(ToString::to_string)),
        None => ("server process", std::process::id(), None),
    };
    link.announce_crash(who, pid, statement);
}

/// PostgreSQL 15, postmaster.c, reaper: the words of the log for each kind of child.
fn child_name(origin: &Origin) -> &'static str {
    match origin.backend_type {
        "startup" => "startup process",
        "walwriter" => "WAL writer process",
        "checkpointer" => "checkpointer process",
        "background writer" => "background writer process",
        "autovacuum launcher" => "autovacuum launcher process",
        "archiver" => "archiver process",
        _ => "server process",
    }
}

/// Ends the engine as a fatal signal to one backend would have ended PostgreSQL's shared memory.
pub fn die_of_signal(link: &Link, pid: u32, statement: Option<String>, signal: i32) -> ! {
    link.announce_crash("server process", pid, statement);
    let signal = match signal {
        3 => std::process::exit(2),
        4 => Signal::ILL,
        6 => Signal::ABORT,
        7 => Signal::BUS,
        8 => Signal::FPE,
        11 => Signal::SEGV,
        _ => Signal::KILL,
    };
    // Rust's own handler takes the first SEGV or BUS for a stack overflow to look at, and restores
    // the default.
    for _ in 0..100 {
        let _ = kill_process(getpid(), signal);
        std::thread::sleep(Duration::from_millis(10));
    }
    std::process::abort()
}

/// SIGQUIT to one of the workers: exit code 2 and a crash cycle, as of any of PostgreSQL's.
pub fn die_of_quit(link: &Link) {
    link.announce_crash("server process", std::process::id(), None);
    std::process::exit(2);
}
