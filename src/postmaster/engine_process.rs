//! One engine as the postmaster sees it: a pidfd to watch, a channel to talk through.

use super::sessions::Sessions;
use crate::process::message::{EngineState, NOTE_BYTES, ToEngine, ToPostmaster};
use crate::process::outcome::Outcome;
use crate::process::packet::{self, Packet};
use crate::process::watched;
use crate::process::{ENGINE_ARGUMENT, exit_status_of_stranger, origin_args};
use crate::settings::Origin;
use rustix::process::{Pid, PidfdFlags, Signal, WaitId, WaitIdOptions};
use std::collections::VecDeque;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

/// Notes read at once.
const NOTES: usize = 64;
/// While so many packets wait for room in the channel, no further connection is accepted.
const MAX_OUTGOING: usize = 64;
/// Exit code of an engine that found the directory's engine lock taken.
pub const LOCK_BUSY: i32 = 75;

enum Outgoing {
    Plain(Vec<u8>),
    Connection { id: u64, ssl_refused: bool },
    Descriptors(Vec<u8>, Vec<OwnedFd>),
}

/// Who the engine said was at fault, before it died.
pub struct Victim {
    pub who: String,
    pub pid: u32,
    pub statement: Option<String>,
}

pub struct Engine {
    pub pid: u32,
    pidfd: AsyncFd<OwnedFd>,
    channel: AsyncFd<OwnedFd>,
    /// The other end is gone; only the end of the process is awaited.
    channel_ended: bool,
    /// The channel again, while something waits for room in it. Watched for always, room would wake the postmaster at
    /// every packet the engine takes.
    room: Option<AsyncFd<OwnedFd>>,
    outgoing: VecDeque<Outgoing>,
    /// Ways around the channel, as far as the engine gave them.
    notes: Option<OwnedFd>,
    intakes: Vec<OwnedFd>,
    /// Whose turn it is among the intakes.
    turn: usize,
    pub victim: Option<Victim>,
    pub state: EngineState,
    /// Of a recovery, for people.
    pub progress: String,
}

/// Starts a new engine as our child. `configuration`: what the engine before it said is in force.
pub fn spawn(origin: &Origin, configuration: Option<&OwnedFd>) -> io::Result<Engine> {
    let (ours, theirs) = packet::pair()?;
    let configuration: Vec<_> = configuration.iter().map(AsFd::as_fd).collect();
    packet::send(&ours, &ToEngine::Configuration.encode(), &configuration)?;
    let mut command = Command::new("/proc/self/exe");
    command.arg0("postgres: engine").arg(ENGINE_ARGUMENT).args(origin_args::to_args(origin));
    let child = command.stdin(Stdio::from(theirs)).spawn()?;
    let pid = child.id();
    let pidfd = rustix::process::pidfd_open(to_pid(pid)?, PidfdFlags::empty())?;
    Engine::new(pid, pidfd, ours)
}

/// A pid as the kernel's calls want it.
pub fn to_pid(pid: u32) -> io::Result<Pid> {
    i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or_else(|| io::ErrorKind::InvalidInput.into())
}

impl Engine {
    /// An engine reached through `channel`, started by us or adopted.
    pub fn new(pid: u32, pidfd: OwnedFd, channel: OwnedFd) -> io::Result<Engine> {
        Ok(Engine {
            pid,
            pidfd: watched::watch_input(pidfd)?,
            channel: watched::watch_input(channel)?,
            room: None,
            channel_ended: false,
            outgoing: VecDeque::new(),
            notes: None,
            intakes: Vec::new(),
            turn: 0,
            victim: None,
            state: EngineState::Starting,
            progress: String::new(),
        })
    }

    pub fn send(&mut self, message: &ToEngine) {
        self.outgoing.push_back(Outgoing::Plain(message.encode()));
    }

    pub fn send_with(&mut self, message: &ToEngine, fds: Vec<OwnedFd>) {
        self.outgoing.push_back(Outgoing::Descriptors(message.encode(), fds));
    }

    /// Passes a connection on: straight to a session thread, or by the channel, where it waits for room.
    pub fn send_connection(&mut self, id: u64, socket: &OwnedFd, ssl_refused: bool) {
        self.turn = self.turn.wrapping_add(1);
        let intake = self.intakes.get(self.turn.checked_rem(self.intakes.len()).unwrap_or(0));
        let message = ToEngine::Connection { id, ssl_refused }.encode();
        if !intake.is_some_and(|intake| packet::send(intake, &message, &[socket.as_fd()]).is_ok()) {
            self.outgoing.push_back(Outgoing::Connection { id, ssl_refused });
        }
    }

    /// The engine's ways around the channel; those of before are gone.
    pub fn take_shortcuts(&mut self, fds: Vec<OwnedFd>) {
        let mut fds = fds.into_iter();
        self.notes = fds.next();
        self.intakes = fds.collect();
    }

    /// What the engine has noted: some of it, or nothing if nothing is left.
    pub fn next_notes(&self) -> Vec<ToPostmaster> {
        let mut bytes = [0; NOTES * NOTE_BYTES];
        let read = self.notes.as_ref().and_then(|notes| rustix::io::read(notes, &mut bytes).ok()).unwrap_or(0);
        bytes[..read].chunks(NOTE_BYTES).filter_map(|note| ToPostmaster::decode(note).ok()).collect()
    }

    /// Whether further connections must wait in the kernel's backlog.
    pub fn is_congested(&self) -> bool {
        self.outgoing.len() >= MAX_OUTGOING
    }

    /// Sends what can be sent now. Returns a connection that the kernel refuses to pass on (too
    /// many descriptors in flight): it must be turned away; and whether its request for TLS was refused.
    pub fn flush(&mut self, sessions: &Sessions) -> Option<(u64, bool)> {
        while let Some(next) = self.outgoing.front() {
            let channel = self.channel.get_ref();
            let sent = match next {
                Outgoing::Plain(bytes) => packet::send(channel, bytes, &[]),
                Outgoing::Descriptors(bytes, fds) => {
                    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
                    packet::send(channel, bytes, &fds)
                }
                Outgoing::Connection { id, ssl_refused } => match sessions.socket(*id) {
                    Some(socket) => {
                        let message = ToEngine::Connection { id: *id, ssl_refused: *ssl_refused };
                        packet::send(channel, &message.encode(), &[socket.as_fd()])
                    }
                    None => Ok(()),
                },
            };
            match sent {
                Ok(()) => {}
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => return None,
                Err(e) if e.raw_os_error() == Some(rustix::io::Errno::TOOMANYREFS.raw_os_error()) => {
                    if let Some(Outgoing::Connection { id, ssl_refused }) = self.outgoing.pop_front() {
                        return Some((id, ssl_refused));
                    }
                    continue;
                }
                // The engine is going; its end will be seen by the pidfd.
                Err(_) => {
                    self.outgoing.clear();
                    return None;
                }
            }
            self.outgoing.pop_front();
        }
        None
    }

    /// Ready when queued packets may fit into the channel again.
    pub fn poll_room(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        if self.outgoing.is_empty() || self.channel_ended {
            return Poll::Pending;
        }
        let room = match self.room.take() {
            Some(room) => room,
            None => match self.channel.get_ref().try_clone().and_then(watched::watch_room) {
                Ok(room) => room,
                Err(_) => return Poll::Pending,
            },
        };
        let ready = room.poll_write_ready(cx).is_ready();
        match ready {
            // The caller flushes; if the channel is still full the next poll watches anew.
            true => Poll::Ready(()),
            false => {
                self.room = Some(room);
                Poll::Pending
            }
        }
    }

    /// The next message; pending for ever once the other end is gone.
    pub fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Packet> {
        while !self.channel_ended {
            let Ok(mut guard) = ready!(self.channel.poll_read_ready(cx)) else { break };
            match packet::receive(self.channel.get_ref()) {
                Ok(Some(packet)) => return Poll::Ready(packet),
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => guard.clear_ready(),
                Ok(None) | Err(_) => self.channel_ended = true,
            }
        }
        Poll::Pending
    }

    /// A message that is there already; for draining the channel of a dead engine.
    pub fn next_message(&mut self) -> Option<Packet> {
        packet::receive(self.channel.get_ref()).ok().flatten()
    }

    /// Ready when the process has ended.
    pub fn poll_end(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match ready!(self.pidfd.poll_read_ready(cx)) {
            Ok(_) => Poll::Ready(()),
            Err(_) => Poll::Pending,
        }
    }

    /// How the ended process ended. Children of the engine that outlived it are killed with its group.
    pub fn outcome(&self) -> Outcome {
        if let Ok(pid) = to_pid(self.pid) {
            let _ = rustix::process::kill_process_group(pid, Signal::KILL);
        }
        outcome(self.pidfd.get_ref())
    }

    pub fn kill(&self) {
        let _ = rustix::process::pidfd_send_signal(self.pidfd.get_ref(), Signal::KILL);
    }
}

/// How an ended process ended, be it our child or not.
pub fn outcome(pidfd: &OwnedFd) -> Outcome {
    match rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED) {
        Ok(Some(status)) => match (status.exit_status(), status.terminating_signal()) {
            (Some(code), _) => Outcome::Exited(code),
            (None, Some(signal)) => Outcome::Signaled(signal),
            (None, None) => Outcome::Unknown,
        },
        _ => outcome_of_stranger(pidfd),
    }
}

/// An adopted engine is PID 1's child; the kernel tells its status once PID 1 has reaped it, which
/// is a matter of milliseconds and not worth more.
fn outcome_of_stranger(pidfd: &OwnedFd) -> Outcome {
    let until = Instant::now() + Duration::from_millis(30);
    loop {
        if let Some(status) = exit_status_of_stranger(pidfd) {
            return Outcome::from_wait_status(status);
        }
        if Instant::now() >= until {
            return Outcome::Unknown;
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}
