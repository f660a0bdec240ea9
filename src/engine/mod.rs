//! Opens the data directory, recovers, serves, stops: the shared-memory domain as one process.
//!
//! Must never touch the data directory before its lock is held, nor leave its descriptor 0 (the
//! channel) to a child.
//!
//! Invariants
//! - ENG-1: one engine per data directory, by the engine's lock, whatever happened to pid files.
//! - ENG-2: workers of two generations never run at the same time.
//! - ENG-3: no signal ends the engine by its default action, from its first line on.

pub mod bootstrap;
pub mod crash;
pub mod link;
mod maintenance;
mod revive;
mod serve;
mod session_threads;
mod sessions;
mod startup;
pub mod workers;

use crate::auth::access::Access;
use crate::base::{Error, Severity, report};
use crate::process::lock_file::{self, Lock};
use crate::process::message::EngineState;
use crate::process::{ENGINE_LOCK, descriptor_limit, farewell, kept_files::KeptFiles, origin_args, packet, title};
use crate::protocol::Tls;
use crate::settings::{Global, Id, Lookup, Origin, os_text};
use crate::worker::{self, Context};
use link::Link;
use rustix::fs::{Mode, OFlags};
use serve::End;
use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};
use workers::{Foreman, Workers};

/// The exit code when another engine holds the directory.
const LOCK_BUSY: u8 = 75;
/// An engine that has just been orphaned without sessions leaves within this time.
const LOCK_PATIENCE: Duration = Duration::from_secs(1);

/// Runs the engine: the whole life of the process. Arguments: as `process::origin_args` wrote them.
pub fn run() -> ExitCode {
    let origin = origin_args::from_args(std::env::args_os().skip(2));
    match live(origin) {
        Ok(code) => code,
        Err(e) => {
            crate::log!("could not start the engine: {}", os_text(&e));
            ExitCode::FAILURE
        }
    }
}

fn live(origin: Origin) -> io::Result<ExitCode> {
    let channel = take_channel()?;
    let files = Arc::new(configuration(&channel)?);
    // Ctrl-C on the terminal is the postmaster's alone.
    let _ = rustix::process::setsid();
    rustix::process::chdir(&origin.data_directory)?;
    descriptor_limit::raise();
    title::set(startup::TITLE);
    give_up_segv_handler();
    let _ = rustix::thread::set_name(c"engine");
    let Some(_lock) = lock()? else { return Ok(ExitCode::from(LOCK_BUSY)) };
    let link = Link::start(channel)?;
    crash::install(&link, crate::buffer::critical::active);
    let Some(settings) = load_settings(origin, &files) else { return Ok(ExitCode::FAILURE) };
    let speaker = report::Origin { backend_type: "startup", ..report::Origin::default() };
    // Whether stderr is the collector's pipe is the postmaster's doing, which has the same settings.
    crate::logger::install(settings.clone(), speaker, settings.bool(Id::LoggingCollector));
    install_hooks(&link, &settings);

    let (access, tls) = match doors(&settings, &files) {
        Ok(doors) => doors,
        Err(e) => return Ok(failed(e)),
    };
    files.go_on();
    link.keep_configuration(files.to_memory()?);
    link.report(EngineState::Starting, "");
    let cx = match startup::open(&settings.origin().data_directory, &settings) {
        Ok(cx) => cx,
        Err(e) => return Ok(failed(e)),
    };
    match startup::recover(&link, &cx) {
        Ok(()) => {}
        Err(_) if link.stop_requested().is_some() => stop(&link, &cx, None, End::Clean),
        Err(e) => return Ok(failed(e)),
    }

    let gate = match sessions::open(&link, &cx, files, access, tls) {
        Ok(gate) => gate,
        Err(e) => return Ok(failed(e)),
    };
    let cores = std::thread::available_parallelism().map_or(2, usize::from);
    let threads = session_threads::SessionThreads::start(cores)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let mut workers_cx = cx.clone();
    workers_cx.maintenance = Some(Arc::new(maintenance::Autovacuum(gate.server.instance.clone())));
    let start = move |generation, stop: worker::Stop| worker::start_all(&workers_cx, generation, &stop);
    let workers = Foreman::start(Workers::new(Box::new(start)))?;
    // A postmaster that dies here is heard of by `serve`.
    let postmaster = link.mode().borrow().postmaster;
    if let Some(generation) = postmaster {
        workers.want(Some(generation));
        cx.checkpoints.await_checkpointer(Duration::from_secs(5));
    }
    link.report(EngineState::Ready, "");
    let end = runtime.block_on(serve::serve(&link, &gate, threads, &workers));
    stop(&link, &cx, Some(workers), end)
}

/// Who may connect, and how it is encrypted: faults show before anything slow begins.
fn doors(settings: &Arc<Global>, files: &KeptFiles) -> crate::base::Result<(Access, Tls)> {
    Ok((Access::load(files, settings)?, Tls::load(files, settings)?))
}

/// A start that failed: the postmaster says what that means for the server.
fn failed(e: Error) -> ExitCode {
    if e.0.severity >= Severity::Panic {
        report::panic(*e.0);
    }
    report::log(&e.0);
    ExitCode::FAILURE
}

/// Does what the end demands and ends the process; threads that still run end with it.
fn stop(link: &Link, cx: &Context, workers: Option<Foreman>, end: End) -> ! {
    let _ = rustix::fs::unlink(crate::process::ENGINE_CONTROL);
    if end == End::Clean {
        link.report(EngineState::ShuttingDown, "");
        if let Some(mut workers) = workers {
            workers.finish();
        }
        if let Err(e) = startup::shut_down(cx) {
            report::panic(*e.0);
        }
        link.report(EngineState::ShutDown, "");
        link.drain(Duration::from_secs(5));
    }
    if end == End::Immediate {
        link.dismiss(&farewell::immediate_stop_warning());
    }
    std::process::exit(0)
}

/// The configuration files; after a crash those that were in force, which the postmaster's first packet carries.
fn configuration(channel: &OwnedFd) -> io::Result<KeptFiles> {
    let first = packet::receive(channel)?;
    KeptFiles::of(first.and_then(|p| p.fds.into_iter().next()).as_ref())
}

/// The channel is descriptor 0 at the start; no child may inherit it there.
fn take_channel() -> io::Result<OwnedFd> {
    let channel = rustix::io::fcntl_dupfd_cloexec(rustix::stdio::stdin(), 3)?;
    let null = rustix::fs::open("/dev/null", OFlags::RDWR | OFlags::CLOEXEC, Mode::empty())?;
    rustix::stdio::dup2_stdin(&null)?;
    Ok(channel)
}

/// Rust's runtime catches SEGV and BUS to tell a stack overflow; one sent by `kill` it would swallow
/// the first time, and restore the default. That first time is now, so that a SEGV from outside ends
/// the engine as it ends PostgreSQL's processes.
fn give_up_segv_handler() {
    for signal in [rustix::process::Signal::SEGV, rustix::process::Signal::BUS] {
        let _ = rustix::process::kill_process(rustix::process::getpid(), signal);
    }
}

/// ENG-1. Another engine may be just about to leave, or a postmaster be looking whether we live.
fn lock() -> io::Result<Option<Lock>> {
    let until = Instant::now() + LOCK_PATIENCE;
    loop {
        match lock_file::try_lock(ENGINE_LOCK)? {
            None if Instant::now() < until => std::thread::sleep(Duration::from_millis(2)),
            held => return Ok(held),
        }
    }
}

fn load_settings(origin: Origin, files: &Arc<KeptFiles>) -> Option<Arc<Global>> {
    match files.attempt(|| Global::load(origin, files.clone()), Result::is_ok) {
        Ok(settings) => Some(Arc::new(settings)),
        Err((reports, e)) => {
            reports.iter().for_each(report::log);
            report::log(&e.0);
            None
        }
    }
}

fn install_hooks(link: &Link, settings: &Arc<Global>) {
    let settings = settings.clone();
    link.on_orphaned(Box::new(move || {
        if settings.bool(Id::RevivePostmaster) {
            revive::revive(settings.origin());
        }
    }));
}
