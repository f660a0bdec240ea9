//! The programs of the server that COPY reads from and writes to: children of the engine, each in a process group of its
//! own, that end with the statement.
//!
//! PostgreSQL 15, copyfrom.c, copyto.c, fd.c: same texts. Departs: a cancelled statement does not wait for the program;
//! its group gets SIGTERM, and what is still there after some seconds SIGKILL.

use super::backends::BackendHandle;
use super::wait::{WaitLimits, interruptible};
use crate::base::{Error, Result, Severity, SqlState};
use crate::disk::{access_error, os_text};
use crate::err;
use crate::process::outcome::Outcome;
use rustix::process::{Pid, Signal, kill_process_group};
use std::io;
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStdin, ChildStdout, Command};

/// How much is read at once.
const PIECE: usize = 64 * 1024;
/// Between SIGTERM and SIGKILL.
const GRACE: Duration = Duration::from_secs(5);
const SIGPIPE: i32 = 13;

pub(super) struct Program {
    command: String,
    /// None: it has ended, or somebody else waits for its end.
    child: Option<Child>,
    input: Option<ChildStdin>,
    output: Option<ChildStdout>,
    /// All that it wrote has been read.
    at_end: bool,
    handle: Arc<BackendHandle>,
    limits: WaitLimits,
}

impl Program {
    /// # Errors
    /// When there is no shell, or no process to be had.
    pub(super) fn read_from(command: &str, handle: Arc<BackendHandle>, limits: WaitLimits) -> Result<Program> {
        Program::start(command, Stdio::null(), Stdio::piped(), handle, limits)
    }

    /// # Errors
    /// As [`Program::read_from`].
    pub(super) fn write_to(command: &str, handle: Arc<BackendHandle>, limits: WaitLimits) -> Result<Program> {
        Program::start(command, Stdio::piped(), Stdio::inherit(), handle, limits)
    }

    fn start(
        command: &str,
        input: Stdio,
        output: Stdio,
        handle: Arc<BackendHandle>,
        limits: WaitLimits,
    ) -> Result<Program> {
        let mut shell = Command::new("/bin/sh");
        shell.arg("-c").arg(command).stdin(input).stdout(output).process_group(0);
        let mut child = shell.spawn().map_err(|e| access_error(format!("execute command \"{command}\""), &e))?;
        let (input, output) = (child.stdin.take(), child.stdout.take());
        Ok(Program { command: command.to_owned(), child: Some(child), input, output, at_end: false, handle, limits })
    }

    /// What it writes next; nothing at the end.
    ///
    /// # Errors
    /// The interrupt's.
    pub(super) async fn piece(&mut self) -> Result<Vec<u8>> {
        let mut bytes = vec![0; PIECE];
        let Some(output) = &mut self.output else { return Ok(Vec::new()) };
        let n = interruptible(&self.handle, self.limits, output.read(&mut bytes))
            .await?
            .map_err(|e| err!(INTERNAL_ERROR, "could not read from COPY program: {}", os_text(&e)))?;
        bytes.truncate(n);
        self.at_end = n == 0;
        Ok(bytes)
    }

    /// Gives it all of `bytes`.
    ///
    /// # Errors
    /// What it ended with, when it takes no more; the interrupt's.
    pub(super) async fn write(&mut self, bytes: &[u8]) -> Result<()> {
        let Some(input) = &mut self.input else { return Ok(()) };
        let Err(e) = interruptible(&self.handle, self.limits, input.write_all(bytes)).await? else { return Ok(()) };
        if e.kind() == io::ErrorKind::BrokenPipe {
            // Why it ended says more than that it has.
            self.close_to().await?;
        }
        Err(err!(INTERNAL_ERROR, "could not write to COPY program: {}", os_text(&e)).place(
            "CopySendEndOfRow",
            "copyto.c",
            232,
        ))
    }

    /// Gives it the last bytes and awaits its end. That it does not take them all is its own affair.
    ///
    /// # Errors
    /// 38000 when it failed; the interrupt's.
    pub(super) async fn end_with(mut self, bytes: &[u8]) -> Result<()> {
        if let Some(input) = &mut self.input {
            let _ = interruptible(&self.handle, self.limits, input.write_all(bytes)).await?;
        }
        self.close_to().await
    }

    async fn close_to(&mut self) -> Result<()> {
        match self.ended().await? {
            Outcome::Exited(0) => Ok(()),
            outcome => Err(self.failed(outcome).place("ClosePipeToProgram", "copyto.c", 304)),
        }
    }

    /// Awaits the end of a program that has been read from.
    ///
    /// # Errors
    /// 38000 when it failed; the interrupt's.
    pub(super) async fn finish(mut self) -> Result<()> {
        match self.ended().await? {
            Outcome::Exited(0) => Ok(()),
            // The data ended before the program: it is not to blame for that.
            Outcome::Signaled(SIGPIPE) if !self.at_end => Ok(()),
            Outcome::Exited(code) if !self.at_end && code == 128 + SIGPIPE => Ok(()),
            outcome => Err(self.failed(outcome).place("ClosePipeFromProgram", "copyfrom.c", 1622)),
        }
    }

    fn failed(&self, outcome: Outcome) -> Error {
        let text = format!("program \"{}\" failed", self.command);
        Error::new(SqlState::EXTERNAL_ROUTINE_EXCEPTION, text).detail(outcome.of_command())
    }

    /// The statement has failed: the program may come to its end, unless the statement was called off. Gives the error back.
    pub(super) async fn give_up(mut self, e: Error) -> Error {
        let called_off = matches!(e.sqlstate(), SqlState::QUERY_CANCELED | SqlState::LOCK_NOT_AVAILABLE);
        if !called_off && e.0.severity < Severity::Fatal {
            // An interrupt while it is awaited kills it, and the statement's error stays what it is.
            let _ = self.ended().await;
        }
        e
    }

    /// Closes the pipes and awaits its end.
    async fn ended(&mut self) -> Result<Outcome> {
        self.input = None;
        self.output = None;
        let Some(child) = &mut self.child else { return Ok(Outcome::Unknown) };
        let status = interruptible(&self.handle, self.limits, child.wait()).await?;
        self.child = None;
        Ok(status.map_or(Outcome::Unknown, Outcome::from))
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let Some(child) = self.child.take() else { return };
        let Some(group) = child.id().and_then(|id| Pid::from_raw(id as i32)) else { return };
        signal(group, Signal::TERM);
        match tokio::runtime::Handle::try_current() {
            Ok(runtime) => drop(runtime.spawn(bury(child, group))),
            Err(_) => signal(group, Signal::KILL),
        }
    }
}

/// That the group is gone already is fine.
fn signal(group: Pid, signal: Signal) {
    let _ = kill_process_group(group, signal);
}

async fn bury(mut child: Child, group: Pid) {
    if tokio::time::timeout(GRACE, child.wait()).await.is_err() {
        signal(group, Signal::KILL);
        let _ = child.wait().await;
    }
}
