//! Hands finished log segments to the archive.
//!
//! PostgreSQL 15, pgarch.c: same texts and retries. One try a second, three tries, then a WARNING and a pause
//! until the next segment or the next minute.

use super::supervise::{self, Title, Worker};
use super::{Context, Stop};
use crate::base::{Report, Severity, SqlState, report};
use crate::process::outcome::signal_text;
use crate::settings::{Id, Lookup};
use crate::wal::archive;
use async_trait::async_trait;
use parking_lot::{Condvar, Mutex};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

const TITLE: Title = Title { thread: "archiver", backend_type: "archiver" };
const TRIES: u32 = 3;
const LOOK_EVERY: Duration = Duration::from_secs(60);
/// After a FATAL the archiver comes back no sooner.
const RESTART: Duration = Duration::from_secs(10);

/// Where finished segments go.
#[async_trait]
pub trait ArchiveTarget: Send + Sync {
    /// Whether it is set up at all; if not, segments are kept.
    fn is_configured(&self) -> bool;
    /// Stores the file at `path` (relative to the data directory) under `name`, durably. It may have been
    /// stored before: the same contents must be accepted, other contents refused.
    async fn archive(&self, path: &str, name: &str) -> Result<(), ArchiveFault>;
}

/// Why a segment could not be archived.
#[derive(Debug)]
pub struct ArchiveFault {
    /// What to log, if the target has not logged it itself.
    pub report: Option<Report>,
    /// The archiver must end and be started again, as when its command was killed.
    pub fatal: bool,
}

/// Tells the archiver that a segment is ready.
#[derive(Default)]
pub struct Bell {
    rung: Mutex<bool>,
    changed: Condvar,
}

impl Bell {
    pub fn ring(&self) {
        *self.rung.lock() = true;
        self.changed.notify_all();
    }

    fn wait(&self, limit: Duration) {
        let mut rung = self.rung.lock();
        if !*rung {
            self.changed.wait_for(&mut rung, limit);
        }
        *rung = false;
    }
}

/// `archive_command`, run by the shell in the data directory.
pub struct CommandTarget {
    settings: Arc<crate::settings::Global>,
}

impl CommandTarget {
    pub fn new(settings: Arc<crate::settings::Global>) -> CommandTarget {
        CommandTarget { settings }
    }
}

#[async_trait]
impl ArchiveTarget for CommandTarget {
    fn is_configured(&self) -> bool {
        !self.settings.snapshot().str(Id::ArchiveCommand).is_empty()
    }

    async fn archive(&self, path: &str, name: &str) -> Result<(), ArchiveFault> {
        let command = expand(&self.settings.snapshot().str(Id::ArchiveCommand), path, name);
        let status = Command::new("/bin/sh").arg("-c").arg(&command).stdin(Stdio::null()).status();
        match status {
            Ok(status) if status.success() => Ok(()),
            Ok(status) => Err(fault_of(status, &command)),
            Err(e) => {
                let e = crate::disk::access_error(format!("execute command \"{command}\""), &e);
                Err(ArchiveFault { report: Some(*e.severity(Severity::Log).0), fatal: false })
            }
        }
    }
}

/// `%p` the path, `%f` the name, `%%` a percent sign; anything else stays.
fn expand(template: &str, path: &str, name: &str) -> String {
    let mut out = String::with_capacity(template.len() + path.len() + name.len());
    let mut chars = template.chars();
    while let Some(c) = chars.next() {
        match (c, if c == '%' { chars.clone().next() } else { None }) {
            ('%', Some('p')) => out.push_str(path),
            ('%', Some('f')) => out.push_str(name),
            ('%', Some('%')) => out.push('%'),
            _ => {
                out.push(c);
                continue;
            }
        }
        chars.next();
    }
    out
}

/// PostgreSQL 15, shell_archive.c: a signal, or an exit code that stands for one, ends the archiver.
fn fault_of(status: ExitStatus, command: &str) -> ArchiveFault {
    let (text, fatal) = match (status.code(), status.signal()) {
        (Some(code), _) => (format!("archive command failed with exit code {code}"), code > 125),
        (None, Some(n)) => (format!("archive command was terminated by signal {n}: {}", signal_text(n)), true),
        (None, None) => ("archive command exited with unrecognized status".to_string(), false),
    };
    let severity = if fatal { Severity::Fatal } else { Severity::Log };
    let line = Report::notice(severity, SqlState::SUCCESSFUL_COMPLETION, text);
    let detail = format!("The failed archive command was: {command}");
    ArchiveFault { report: Some(line.with_detail(detail)), fatal }
}

pub fn spawn(cx: &Context, _generation: u64, stop: &Stop) -> Option<JoinHandle<()>> {
    let bell = cx.archive_bell.clone();
    stop.when_set(move || bell.ring());
    supervise::spawn(cx, stop, TITLE, run)
}

/// After the shutdown checkpoint: what is ready now, with the usual tries.
pub fn last_round(cx: &Context) {
    let stop = Stop::default();
    let cx2 = cx.clone();
    let round = supervise::spawn(cx, &stop, TITLE, move |_| {
        // A FATAL has been logged, and there is no later round.
        let _ = archive_all(&cx2, &Stop::default());
    });
    if let Some(thread) = round {
        let _ = thread.join();
    }
}

fn run(worker: &Worker) {
    let mut warned: Option<Instant> = None;
    while !worker.stop.is_set() {
        if target(&worker.cx).is_configured() {
            if archive_all(&worker.cx, &worker.stop).is_err() && worker.stop.wait(RESTART) {
                return;
            }
        } else if warned.is_none_or(|at| at.elapsed() >= LOOK_EVERY) && any_ready(&worker.cx) {
            warned = Some(Instant::now());
            warning("archive_mode enabled, yet archiving is not configured");
        }
        worker.cx.archive_bell.wait(LOOK_EVERY);
    }
}

fn target(cx: &Context) -> Arc<dyn ArchiveTarget> {
    match &cx.archive_target {
        Some(target) => target.clone(),
        None => Arc::new(CommandTarget::new(cx.checkpoints.settings().clone())),
    }
}

fn any_ready(cx: &Context) -> bool {
    archive::ready(&*cx.checkpoints.storage().disk).is_ok_and(|names| !names.is_empty())
}

fn warning(text: &str) {
    report::log(&Report::notice(Severity::Warning, SqlState::WARNING, text));
}

/// Archives everything that is ready. Err: a FATAL was logged, the archiver must pause.
fn archive_all(cx: &Context, stop: &Stop) -> Result<(), ()> {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(e) => {
            report::log(&crate::err!(INTERNAL_ERROR, "could not start the archiver: {e}").severity(Severity::Log).0);
            return Err(());
        }
    };
    let disk = &*cx.checkpoints.storage().disk;
    loop {
        let names = match archive::ready(disk) {
            Ok(names) => names,
            Err(e) => {
                report::log(&e.severity(Severity::Log).0);
                return Ok(());
            }
        };
        if names.is_empty() || stop.is_set() {
            return Ok(());
        }
        for name in names {
            if !archive_one(cx, stop, &runtime, &name)? {
                return Ok(());
            }
        }
    }
}

/// Up to three tries. False: given up for now.
fn archive_one(cx: &Context, stop: &Stop, runtime: &tokio::runtime::Runtime, name: &str) -> Result<bool, ()> {
    let (disk, path) = (&*cx.checkpoints.storage().disk, format!("pg_wal/{name}"));
    if !disk.exists(&path) {
        // A crash between removing a segment and its mark (PostgreSQL 15: same words).
        let mark = format!("{}/{name}.ready", archive::DIR);
        if disk.remove(&mark).is_ok() {
            warning(&format!("removed orphan archive status file \"{mark}\""));
        }
        return Ok(true);
    }
    for attempt in 1..=TRIES {
        match runtime.block_on(target(cx).archive(&path, name)) {
            Ok(()) => {
                cx.checkpoints.stats().report_archiver(name, true);
                if let Err(e) = archive::mark_done(disk, name) {
                    report::log(&e.severity(Severity::Warning).0);
                }
                return Ok(true);
            }
            Err(fault) => {
                cx.checkpoints.stats().report_archiver(name, false);
                fault.report.iter().for_each(report::log);
                if fault.fatal {
                    return Err(());
                }
            }
        }
        if attempt < TRIES {
            stop.wait(Duration::from_secs(1));
        }
    }
    warning(&format!("archiving write-ahead log file \"{name}\" failed too many times, will try again later"));
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The command's placeholders, as PostgreSQL expands them.
    #[test]
    fn placeholders() {
        assert_eq!(expand("cp %p /a/%f", "pg_wal/X", "X"), "cp pg_wal/X /a/X");
        assert_eq!(expand("%%p %x %", "p", "f"), "%p %x %");
    }

    /// Exit codes and signals get PostgreSQL's words and weight.
    #[test]
    fn faults() {
        let run = |c: &str| fault_of(Command::new("/bin/sh").arg("-c").arg(c).status().unwrap(), c);
        let fault = run("exit 1");
        let line = fault.report.unwrap();
        assert_eq!((line.message.as_str(), fault.fatal), ("archive command failed with exit code 1", false));
        assert_eq!(line.detail.as_deref(), Some("The failed archive command was: exit 1"));
        assert!(run("exit 126").fatal);
        // One that no shell around can have told it to ignore.
        let fault = run("kill -KILL $$");
        assert_eq!(fault.report.unwrap().message, "archive command was terminated by signal 9: Killed");
    }
}
