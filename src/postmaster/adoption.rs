//! Taking over a running engine whose postmaster died.

use super::engine_process::Engine;
use super::sessions::Sessions;
use crate::base::{Error, Result, Severity, SqlState};
use crate::process::message::{EngineState, ToEngine, ToPostmaster};
use crate::process::packet::{self, Packet};
use crate::process::watched;
use crate::process::{ENGINE_CONTROL, ENGINE_LOCK, lock_file};
use crate::settings::os_text;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::path::Path;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::time::{Instant, sleep, timeout};

/// So long an engine that took our call may take to hand everything over.
const DEADLINE: Duration = Duration::from_secs(8);
/// So long one without a control socket may hold the directory: it is just starting, or it is writing
/// its last checkpoint. `pg_ctl start` waits for 60 s: who called it shall learn why.
const PATIENCE: Duration = Duration::from_secs(50);
/// After so long the log says what is waited for.
const SILENCE: Duration = Duration::from_secs(1);

/// Everything a running engine handed over.
pub struct Adopted {
    pub engine: Engine,
    pub sessions: Sessions,
    pub state: EngineState,
    /// The engine's stderr: the logger's pipe if there is one.
    pub stderr: Option<OwnedFd>,
    /// The logger's pidfd.
    pub logger: Option<OwnedFd>,
}

impl Adopted {
    /// The logger's pipe (the engine's stderr) and pidfd, if there is a logger.
    pub fn take_logger(&mut self) -> Option<(OwnedFd, OwnedFd)> {
        self.logger.take().and_then(|pidfd| Some((self.stderr.take()?, pidfd)))
    }
}

/// Adopts the engine of the current directory; `None` if there is none.
///
/// # Errors
/// FATAL if an engine is alive and does not answer within the deadline, or cannot be called and does not leave: no
/// second one may ever share its directory.
pub async fn adopt(data_dir: &Path) -> Result<Option<Adopted>> {
    let begun = Instant::now();
    let mut told = false;
    let mut pause = Duration::from_millis(1);
    loop {
        let free = lock_file::is_free(ENGINE_LOCK).map_err(|e| {
            let text = format!("could not lock file \"{ENGINE_LOCK}\": {}", os_text(&e));
            Error::new(SqlState::IO_ERROR, text).severity(Severity::Fatal)
        })?;
        if free {
            return Ok(None);
        }
        match timeout(DEADLINE, try_adopt()).await {
            Ok(Ok(adopted)) => return Ok(Some(adopted)),
            // Refused, busy or ended: starting, leaving, or its old postmaster's end not seen yet.
            Ok(Err(_)) if begun.elapsed() < PATIENCE => {}
            Ok(Err(_)) => return Err(stays(data_dir)),
            Err(_) => return Err(hung(data_dir)),
        }
        if !told && begun.elapsed() >= SILENCE {
            crate::log!("waiting for the engine{} that holds \"{ENGINE_LOCK}\" to answer or to leave", holder());
            told = true;
        }
        sleep(pause).await;
        pause = (pause * 2).min(Duration::from_millis(50));
    }
}

fn hung(data_dir: &Path) -> Error {
    let text = format!("could not adopt the running engine{}: no answer within {} s", holder(), DEADLINE.as_secs());
    Error::new(SqlState::OBJECT_IN_USE, text)
        .severity(Severity::Fatal)
        .detail(format!("It still serves data directory \"{}\".", data_dir.display()))
        .hint("If it hangs, end it with SIGKILL and start again; what was committed is kept.")
}

fn stays(data_dir: &Path) -> Error {
    let text = format!("lock file \"{ENGINE_LOCK}\" is still held by another engine{}", holder());
    Error::new(SqlState::LOCK_FILE_EXISTS, text)
        .severity(Severity::Fatal)
        .detail(format!(
            "It works in data directory \"{}\" and could not be called for {} s: it has no \"{ENGINE_CONTROL}\", or refuses.",
            data_dir.display(),
            PATIENCE.as_secs()
        ))
        .hint("Wait until it has left, or end it with SIGKILL and start again; what was committed is kept.")
}

/// Who holds the directory, for texts.
fn holder() -> String {
    lock_file::holder(ENGINE_LOCK).map_or(String::new(), |pid| format!(" (PID {pid})"))
}

async fn try_adopt() -> io::Result<Adopted> {
    let socket = packet::connect(Path::new("."), ENGINE_CONTROL)?;
    let hello = ToEngine::Adopt { postmaster_pid: std::process::id() };
    packet::send(&socket, &hello.encode(), &[])?;
    let socket = watched::watch_input(socket)?;
    let mut sessions = Sessions::starting_at(1);
    loop {
        let Packet { bytes, fds } = receive(&socket).await?;
        match ToPostmaster::decode(&bytes)? {
            ToPostmaster::Busy => return Err(io::ErrorKind::ResourceBusy.into()),
            ToPostmaster::Sessions { ids } => {
                if ids.len() != fds.len() {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "PROC-1: descriptors are missing"));
                }
                for ((id, established), fd) in ids.into_iter().zip(fds) {
                    sessions.adopt(id, fd, established);
                }
            }
            ToPostmaster::Handover { pid, next_id, state, detail, .. } => {
                sessions.continue_from(next_id);
                let mut fds = fds.into_iter();
                let pidfd = fds.next().ok_or(io::ErrorKind::InvalidData)?;
                let (stderr, logger) = (fds.next(), fds.next());
                let mut engine = Engine::new(pid, pidfd, socket.into_inner())?;
                engine.state = state;
                engine.progress = detail;
                return Ok(Adopted { engine, sessions, state, stderr, logger });
            }
            _ => return Err(io::ErrorKind::InvalidData.into()),
        }
    }
}

async fn receive(socket: &AsyncFd<OwnedFd>) -> io::Result<Packet> {
    loop {
        let mut guard = socket.readable().await?;
        match guard.try_io(|s| packet::receive(s.get_ref().as_fd())) {
            Ok(Ok(Some(packet))) => return Ok(packet),
            Ok(Ok(None)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Err(e)) => return Err(e),
            Err(_would_block) => {}
        }
    }
}
