//! Handing everything over to a new postmaster.

use super::{Inner, Link, control};
use crate::process::message::{StopMode, ToEngine, ToPostmaster};
use crate::process::packet::{self, MAX_FDS};
use crate::process::watched;
use rustix::net::SocketFlags;
use rustix::process::PidfdFlags;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream as StdStream;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;
use tokio::sync::mpsc;

/// So long a caller may take to say who it is.
const PATIENCE: Duration = Duration::from_secs(2);

/// Accepts callers on the control socket; those that ask to adopt us are passed on.
pub async fn listen(listener: AsyncFd<OwnedFd>, candidates: mpsc::Sender<AsyncFd<OwnedFd>>) {
    loop {
        let Ok(mut guard) = listener.readable().await else { return };
        let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
        let Ok(Ok(socket)) = guard.try_io(|l| Ok(rustix::net::accept_with(l.get_ref(), flags)?)) else { continue };
        let candidates = candidates.clone();
        tokio::spawn(async move {
            if let Ok(Ok(Some(socket))) = tokio::time::timeout(PATIENCE, introduce(socket)).await {
                let _ = candidates.send(socket).await;
            }
        });
    }
}

/// Checks a caller's user and reads its first words.
async fn introduce(socket: OwnedFd) -> io::Result<Option<AsyncFd<OwnedFd>>> {
    // The library's own way fails for a peer in another pid namespace, whose pid reads 0.
    let stream = tokio::net::UnixStream::from_std(StdStream::from(socket))?;
    let uid = stream.peer_cred()?.uid();
    let socket = OwnedFd::from(stream.into_std()?);
    if uid != rustix::process::geteuid().as_raw() && uid != 0 {
        return Ok(None);
    }
    let socket = watched::watch_input(socket)?;
    let Some(hello) = control::receive(&socket).await? else { return Ok(None) };
    Ok(matches!(ToEngine::decode(&hello.bytes)?, ToEngine::Adopt { .. }).then_some(socket))
}

/// Hands everything over if there is no postmaster; the caller becomes our channel.
pub fn offer(link: &Link, socket: AsyncFd<OwnedFd>) -> Option<Arc<AsyncFd<OwnedFd>>> {
    let swept = link.sweep();
    let mut inner = link.shared.inner.lock();
    if inner.channel.is_some() || !swept {
        let _ = packet::send(socket.get_ref(), &ToPostmaster::Busy.encode(), &[]);
        return None;
    }
    if inner.leaving {
        return None;
    }
    let Ok(last) = last_packet(&inner) else { return None };
    let channel = Arc::new(socket);
    inner.outgoing.clear();
    queue_sessions(&mut inner);
    inner.outgoing.push_back(last);
    let configuration = inner.configuration.clone();
    inner.outgoing.extend(configuration.map(|file| (ToPostmaster::Configuration.encode(), vec![file])));
    inner.channel = Some(channel.clone());
    drop(inner);
    link.shared.waiting.notify_one();
    Some(channel)
}

fn queue_sessions(inner: &mut Inner) {
    let all: Vec<_> = inner.sessions.iter().map(|(id, e)| (*id, e.established && !e.tls, e.socket.clone())).collect();
    for part in all.chunks(MAX_FDS) {
        let ids = part.iter().map(|(id, established, _)| (*id, *established)).collect();
        let fds = part.iter().map(|(_, _, socket)| socket.clone()).collect();
        inner.outgoing.push_back((ToPostmaster::Sessions { ids }.encode(), fds));
    }
}

/// Our own pidfd lets a postmaster that is not our parent see our end, whatever the pid namespaces.
fn last_packet(inner: &Inner) -> io::Result<(Vec<u8>, Vec<Arc<OwnedFd>>)> {
    let handover = ToPostmaster::Handover {
        pid: std::process::id(),
        next_id: inner.next_id,
        state: inner.state,
        generation: inner.generation,
        detail: inner.detail.clone(),
    };
    let pidfd = rustix::process::pidfd_open(rustix::process::getpid(), PidfdFlags::empty())?;
    let stderr = std::io::stderr().as_fd().try_clone_to_owned()?;
    let mut fds = vec![Arc::new(pidfd), Arc::new(stderr)];
    fds.extend(inner.logger.clone());
    Ok((handover.encode(), fds))
}

/// The new postmaster has everything and listens: orphan mode is over.
pub fn complete(link: &Link) {
    let mut inner = link.shared.inner.lock();
    inner.generation += 1;
    let generation = inner.generation;
    drop(inner);
    link.shared.mode.send_modify(|m| {
        m.postmaster = Some(generation);
        // A smart stop was the dead postmaster's wish; what has begun to end goes on ending.
        if m.stop == Some(StopMode::Smart) {
            m.stop = None;
        }
    });
}
