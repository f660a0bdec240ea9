//! The postmaster's control socket: `pg_ctl kill` for backends, whose pids are not the kernel's.

use crate::process::message::SignalRequest;
use crate::process::watched;
use crate::process::{POSTMASTER_CONTROL, packet};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};

/// A request on its way to the engine; the answer is whether the pid was found.
pub type Request = (SignalRequest, oneshot::Sender<bool>);

/// So long either side waits for the other.
const PATIENCE: Duration = Duration::from_secs(5);

/// Signals a backend of the running server at `data_dir` by its pid (above 2^22). Blocking.
///
/// Returns whether there is such a backend.
///
/// # Errors
/// `NotFound` or `ConnectionRefused` without a postmaster, `TimedOut` with one that does not answer.
pub fn signal_backend(data_dir: &Path, pid: u32, signal: i32) -> io::Result<bool> {
    let socket = packet::connect(data_dir, POSTMASTER_CONTROL)?;
    packet::send(&socket, &SignalRequest { pid, signal }.encode(), &[])?;
    let limit = Timespec { tv_sec: PATIENCE.as_secs() as i64, tv_nsec: 0 };
    let ready = rustix::io::retry_on_intr(|| poll(&mut [PollFd::new(&socket, PollFlags::IN)], Some(&limit)))?;
    if ready == 0 {
        return Err(io::ErrorKind::TimedOut.into());
    }
    match packet::receive(&socket)? {
        Some(answer) => Ok(answer.bytes == [1]),
        None => Err(io::ErrorKind::UnexpectedEof.into()),
    }
}

/// Serves one connection: reads its request, passes it on, writes the answer.
pub fn serve(socket: OwnedFd, requests: mpsc::Sender<Request>) {
    tokio::spawn(async move {
        let _ = tokio::time::timeout(PATIENCE, converse(socket, requests)).await;
    });
}

async fn converse(socket: OwnedFd, requests: mpsc::Sender<Request>) -> io::Result<()> {
    let socket = watched::watch(socket)?;
    loop {
        let mut guard = socket.readable().await?;
        let packet = match guard.try_io(|s| packet::receive(s.get_ref())) {
            Ok(packet) => packet?,
            Err(_would_block) => continue,
        };
        let Some(packet) = packet else { return Ok(()) };
        let request = SignalRequest::decode(&packet.bytes)?;
        let (answer, answered) = oneshot::channel();
        requests.send((request, answer)).await.map_err(|_| io::ErrorKind::BrokenPipe)?;
        let found = answered.await.unwrap_or(false);
        packet::send(socket.get_ref(), &[u8::from(found)], &[])?;
    }
}
