//! The control thread: the channel's reader and writer, the control socket, the signals.

use super::{Link, adoption, signals};
use crate::base::report::Origin;
use crate::process::message::{ToEngine, ToPostmaster};
use crate::process::packet::{self, Packet};
use crate::process::watched;
use crate::process::{ENGINE_CONTROL, outcome::signal_text};
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::mpsc as std_mpsc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// The name of the thread; a panic on it ends the engine, since a deaf engine could not be adopted.
pub const THREAD: &str = "control";

/// Starts the thread and waits until signals are caught and the control socket is bound.
pub fn start(link: Link, channel: OwnedFd) -> io::Result<()> {
    let (started, wait) = std_mpsc::channel();
    let origin = Arc::new(Origin { pid: std::process::id(), backend_type: "engine", ..Origin::default() });
    std::thread::Builder::new().name(THREAD.into()).spawn(move || {
        crate::base::report::with_origin(&origin, || {
            let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
                Ok(runtime) => runtime,
                Err(e) => return drop(started.send(Err(e))),
            };
            runtime.block_on(run(link, channel, started));
        });
    })?;
    wait.recv().unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into()))
}

async fn run(link: Link, channel: OwnedFd, started: std_mpsc::Sender<io::Result<()>>) {
    let (listener, channel) = match set_up(&link, channel) {
        Ok(both) => both,
        Err(e) => return drop(started.send(Err(e))),
    };
    let _ = started.send(Ok(()));
    let (candidates, mut candidate) = mpsc::channel(4);
    tokio::spawn(adoption::listen(listener, candidates));
    tokio::spawn(write_loop(link.clone()));
    let mut channel = Some(channel);
    loop {
        let packet = async {
            match &channel {
                Some(channel) => receive(channel).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            packet = packet => match packet {
                Ok(Some(packet)) => obey(&link, packet),
                Ok(None) | Err(_) => {
                    channel = None;
                    link.orphaned();
                }
            },
            Some(socket) = candidate.recv() => {
                if let Some(old) = &channel && take_the_rest(&link, old) {
                    channel = None;
                    link.orphaned();
                }
                if let Some(new) = adoption::offer(&link, socket) {
                    channel = Some(new);
                }
            }
        }
    }
}

fn set_up(link: &Link, channel: OwnedFd) -> io::Result<(AsyncFd<OwnedFd>, Arc<AsyncFd<OwnedFd>>)> {
    signals::catch(link.clone())?;
    let listener = watched::watch_input(packet::listen(ENGINE_CONTROL)?)?;
    let channel = Arc::new(watched::watch_input(channel)?);
    link.shared.inner.lock().channel = Some(channel.clone());
    Ok((listener, channel))
}

/// The next packet, `None` at the end.
pub async fn receive(channel: &AsyncFd<OwnedFd>) -> io::Result<Option<Packet>> {
    loop {
        let mut guard = channel.readable().await?;
        if let Ok(result) = guard.try_io(|s| packet::receive(s.get_ref())) {
            return result;
        }
    }
}

/// Takes what is there already; true if the channel has ended.
fn take_the_rest(link: &Link, channel: &AsyncFd<OwnedFd>) -> bool {
    loop {
        match packet::receive(channel.get_ref()) {
            Ok(Some(packet)) => obey(link, packet),
            Ok(None) => return true,
            Err(e) => return e.kind() != io::ErrorKind::WouldBlock,
        }
    }
}

/// Sends what did not fit at once, as soon as it does.
async fn write_loop(link: Link) {
    loop {
        link.shared.waiting.notified().await;
        while !link.flush() {
            let Some(channel) = link.shared.inner.lock().channel.clone() else { break };
            // Room is watched for only now: else every packet the postmaster takes would wake this thread.
            let room = channel.get_ref().try_clone().and_then(watched::watch_room);
            match room {
                Ok(room) => drop(room.writable().await),
                Err(_) => tokio::time::sleep(Duration::from_millis(10)).await,
            }
        }
    }
}

fn obey(link: &Link, packet: Packet) {
    let mut fds = packet.fds.into_iter();
    match ToEngine::decode(&packet.bytes) {
        Ok(ToEngine::Connection { id, ssl_refused }) => link.connection(id, fds.next(), ssl_refused, None),
        Ok(ToEngine::Stop(mode)) => link.stop(mode),
        Ok(ToEngine::Reload) => {
            if let Some(hook) = link.shared.on_reload.get() {
                hook();
            }
        }
        Ok(ToEngine::Signal { ticket, pid, signal }) => signal_backend(link, ticket, pid, signal),
        Ok(ToEngine::Postmaster { start_s, .. }) => link.shared.inner.lock().postmaster_start_s = start_s,
        Ok(ToEngine::Logger) => {
            if let (Some(pipe), pidfd) = (fds.next(), fds.next()) {
                let _ = rustix::stdio::dup2_stderr(pipe.as_fd());
                crate::logger::set_collected(true);
                link.shared.inner.lock().logger = pidfd.map(Arc::new);
            }
        }
        Ok(ToEngine::Adopted) => adoption::complete(link),
        Ok(ToEngine::Adopt { .. } | ToEngine::Configuration) => {}
        Err(e) => crate::log!("could not understand the postmaster: {e}"),
    }
}

/// PostgreSQL's effect of a signal to one backend; those that would kill its process end the engine.
fn signal_backend(link: &Link, ticket: u64, pid: u32, signal: i32) {
    let backends = link.shared.backends.get();
    let found = backends.is_some_and(|b| b.exists(pid));
    {
        let mut inner = link.shared.inner.lock();
        link.send_locked(&mut inner, &ToPostmaster::Signaled { ticket, found });
    }
    let (true, Some(backends)) = (found, backends) else { return };
    match signal {
        2 => backends.cancel(pid),
        15 => backends.terminate(pid),
        3 | 4 | 6 | 7 | 8 | 9 | 11 => {
            let statement = backends.statement(pid);
            crate::engine::crash::die_of_signal(link, pid, statement, signal);
        }
        1 | 10 | 12 => {}
        other => crate::log!("signal {other} ({}) to backend {pid} is ignored", signal_text(other)),
    }
}
