//! Ways between the postmaster and the session threads that spare both of them wake-ups.
//!
//! On the channel a new connection wakes the control thread, which wakes a session thread; *established* and *closed*
//! wake the postmaster twice. With shortcuts the postmaster lays a connection straight before the thread that will
//! serve it, and reads what the engine notes of its sessions when it is awake anyway: after some more connections,
//! after a second, and always before it acts on the engine's end.
//!
//! The channel does the same work wherever a shortcut is missing or full. The postmaster keeps the only other end of
//! each, so that they end with it.

use super::{Inner, Link};
use crate::process::message::{ToEngine, ToPostmaster};
use crate::process::packet::{self, ShortPacket};
use crate::process::watched;
use rustix::pipe::{PipeFlags, pipe_with};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::io::unix::AsyncFd;

/// Notes are written only so long after a connection's arrival: the postmaster looks at them for a second.
const NOTED: Duration = Duration::from_millis(500);

/// Our ends.
#[derive(Default)]
pub(super) struct Shortcuts {
    notes: Option<OwnedFd>,
    /// One for each session thread, until its end is seen.
    intakes: Vec<Arc<OwnedFd>>,
    last_arrival: Option<Instant>,
}

impl Shortcuts {
    pub fn arrived(&mut self) {
        self.last_arrival = Some(Instant::now());
    }

    /// The postmaster is dead: nobody reads notes any more. What it laid before the session threads still counts.
    pub fn orphaned(&mut self) {
        self.notes = None;
    }

    /// Whether a connection may still be on its way.
    pub fn are_open(&self) -> bool {
        !self.intakes.is_empty()
    }
}

impl Link {
    /// Gives the postmaster a shortcut to each of `threads` session threads. Returns our ends, each to be attended to by
    /// its thread; none without a postmaster.
    ///
    /// # Errors
    /// When sockets cannot be made; everything goes by the channel then.
    pub fn open_shortcuts(&self, threads: usize) -> io::Result<Vec<Arc<OwnedFd>>> {
        let mut inner = self.shared.inner.lock();
        if inner.channel.is_none() || inner.shortcuts.are_open() {
            return Ok(Vec::new());
        }
        let (their_notes, notes) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
        let (mut ours, mut theirs) = (Vec::new(), vec![Arc::new(their_notes)]);
        for _ in 0..threads.min(packet::MAX_FDS - 1) {
            let (our, their) = packet::pair()?;
            ours.push(Arc::new(our));
            theirs.push(Arc::new(their));
        }
        inner.shortcuts = Shortcuts { notes: Some(notes), intakes: ours.clone(), last_arrival: None };
        inner.outgoing.push_back((ToPostmaster::Shortcuts.encode(), theirs));
        drop(inner);
        self.shared.waiting.notify_one();
        Ok(ours)
    }

    /// Takes in what the postmaster lays before a session thread, which is the caller's; returns at the postmaster's end.
    pub async fn attend(self, intake: Arc<OwnedFd>, thread: usize) {
        match watched::watch_input(intake.clone()) {
            Ok(watched) => while self.take_one(&watched, thread).await {},
            Err(e) => crate::log!("could not watch for connections: {}", crate::settings::os_text(&e)),
        }
        self.ended(&intake);
    }

    async fn take_one(&self, intake: &AsyncFd<Arc<OwnedFd>>, thread: usize) -> bool {
        let Ok(mut guard) = intake.readable().await else { return false };
        match guard.try_io(|fd| packet::receive_short(fd.get_ref())) {
            Ok(Ok(Some(packet))) => self.laid_before(packet, Some(thread)),
            Ok(Ok(None) | Err(_)) => return false,
            Err(_would_block) => {}
        }
        true
    }

    /// Takes in every connection on its way, whichever thread it was meant for; true when no more can come.
    pub fn sweep(&self) -> bool {
        let intakes = self.shared.inner.lock().shortcuts.intakes.clone();
        for intake in intakes {
            loop {
                match packet::receive_short(&intake) {
                    Ok(Some(packet)) => self.laid_before(packet, None),
                    Err(e) if e.kind() == io::ErrorKind::WouldBlock => break,
                    Ok(None) | Err(_) => {
                        self.ended(&intake);
                        break;
                    }
                }
            }
        }
        !self.shared.inner.lock().shortcuts.are_open()
    }

    fn laid_before(&self, packet: ShortPacket, thread: Option<usize>) {
        match ToEngine::decode(packet.bytes()) {
            Ok(ToEngine::Connection { id, ssl_refused }) => self.connection(id, packet.fd, ssl_refused, thread),
            _ => crate::log!("could not understand the postmaster: not a connection"),
        }
    }

    fn ended(&self, intake: &Arc<OwnedFd>) {
        let mut inner = self.shared.inner.lock();
        inner.shortcuts.intakes.retain(|i| !Arc::ptr_eq(i, intake));
        if !inner.shortcuts.are_open() {
            drop(inner);
            // Whoever waits to leave looks again.
            self.shared.mode.send_modify(|_| {});
        }
    }

    /// Tells the postmaster of a session's fate, without waking it if it will look soon.
    pub(super) fn note(&self, inner: &mut Inner, message: &ToPostmaster) {
        let recent = inner.shortcuts.last_arrival.is_some_and(|at| at.elapsed() < NOTED);
        let noted = match &inner.shortcuts.notes {
            Some(notes) if recent => rustix::io::write(notes, &message.encode()).is_ok(),
            _ => false,
        };
        if !noted {
            self.send_locked(inner, message);
        }
    }
}
