//! The postmaster's side of the collector: its pipe, and starting its process.

use super::{LOGGER_ARGUMENT, sink};
use crate::base::error::Report;
use crate::base::{Error, Result, Severity, SqlState, report};
use crate::settings::{Global, Id, Lookup, os_text};
use rustix::fs::{Mode, OFlags};
use rustix::pipe::PipeFlags;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// The write end of the collector's pipe. The read end belongs to the collector alone, so that
/// writers notice nothing when it is started anew.
pub struct Collector {
    pipe: OwnedFd,
    /// Kept until the first collector has it, and for restarts.
    read: OwnedFd,
}

impl Collector {
    /// A new pipe.
    pub fn new() -> Result<Collector> {
        let fail = |e: rustix::io::Errno| {
            Error::new(SqlState::IO_ERROR, format!("could not create pipe for syslog: {}", os_text(&e.into())))
                .severity(Severity::Fatal)
        };
        let (read, pipe) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC).map_err(fail)?;
        Ok(Collector { pipe, read })
    }

    /// The pipe of a collector that another postmaster started, from its write end.
    pub fn adopt(pipe: OwnedFd) -> Result<Collector> {
        // Opening the pipe by name gives its read end, whoever made it.
        let path = format!("/proc/self/fd/{}", pipe.as_raw_fd());
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let read = rustix::fs::open(path, flags, Mode::empty()).map_err(|e| {
            Error::new(SqlState::IO_ERROR, format!("could not open the logger's pipe: {}", os_text(&e.into())))
        })?;
        Ok(Collector { pipe, read })
    }

    /// The write end: the engine's stderr.
    pub fn pipe(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }

    /// Starts the collector's process. It reads the settings by itself, with the same command line.
    pub fn start(&self, settings: &Global) -> Result<Child> {
        let fail = |e: std::io::Error| {
            Error::new(SqlState::SYSTEM_ERROR, format!("could not fork system logger: {}", os_text(&e)))
        };
        let origin = settings.origin();
        let mut command = Command::new("/proc/self/exe");
        command.arg0("postgres: logger                                ").arg(LOGGER_ARGUMENT);
        command.args(crate::process::origin_args::to_args(origin));
        command.stdin(self.read.try_clone().map_err(fail)?);
        command.stdout(Stdio::null());
        if self.is_our_stderr() {
            // With its own pipe's write end the collector would never see the end (LOG-2).
            command.stderr(Stdio::null());
        }
        command.current_dir(&origin.data_directory);
        command.spawn().map_err(fail)
    }

    fn is_our_stderr(&self) -> bool {
        let (ours, pipe) = (rustix::fs::fstat(rustix::stdio::stderr()), rustix::fs::fstat(&self.pipe));
        ours.is_ok_and(|a| pipe.is_ok_and(|b| (a.st_dev, a.st_ino) == (b.st_dev, b.st_ino)))
    }

    /// Makes the pipe this process's stderr; the last lines on the old one say where to look.
    pub fn redirect_stderr(&self, settings: &Global) -> Result<()> {
        let directory = settings.str(Id::LogDirectory);
        report::log(
            &Report::notice(
                Severity::Log,
                SqlState::SUCCESSFUL_COMPLETION,
                "redirecting log output to logging collector process",
            )
            .with_hint(format!("Future log output will appear in directory \"{directory}\".")),
        );
        rustix::stdio::dup2_stderr(&self.pipe).map_err(|e| {
            Error::new(SqlState::IO_ERROR, format!("could not redirect stderr: {}", os_text(&e.into())))
                .severity(Severity::Fatal)
        })?;
        sink::set_collected(true);
        Ok(())
    }
}
