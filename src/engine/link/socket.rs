//! A client's socket in the engine: taken from the postmaster, given up with a shutdown (LINK-2).

use super::Link;
use crate::process::watched;
use crate::process::{backend_pid, farewell};
use rustix::net::{RecvFlags, SendFlags};
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Where a client is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Peer {
    Local,
    Tcp(SocketAddr),
}

/// A connection as it arrives; whoever drops it ends it.
pub struct Connection {
    /// Never reused, whoever is postmaster.
    pub id: u64,
    /// The pid shown to people and sent in BackendKeyData.
    pub pid: u32,
    pub peer: Peer,
    /// The postmaster answers the client's SSLRequest, the first thing to be read: no TLS.
    pub ssl_refused: bool,
    guard: Guard,
}

/// Ends the connection and takes it out of the registry.
struct Guard {
    link: Link,
    id: u64,
    socket: Arc<OwnedFd>,
}

impl Drop for Guard {
    fn drop(&mut self) {
        farewell::hang_up(&self.socket);
        self.link.closed(self.id);
    }
}

impl Connection {
    pub(super) fn new(link: Link, id: u64, socket: Arc<OwnedFd>, ssl_refused: bool) -> Connection {
        let address = rustix::net::getpeername(&socket).ok().flatten();
        let peer = match address.map(SocketAddr::try_from) {
            Some(Ok(address)) => Peer::Tcp(address),
            _ => Peer::Local,
        };
        Connection { id, pid: backend_pid(id), peer, ssl_refused, guard: Guard { link, id, socket } }
    }

    /// Registers the socket with the runtime of the calling task.
    pub fn into_socket(self) -> io::Result<Socket> {
        Ok(Socket { io: watched::watch(self.guard.socket.clone())?, guard: self.guard })
    }

    /// The socket, for questions to the kernel only.
    pub fn descriptor(&self) -> Arc<OwnedFd> {
        self.guard.socket.clone()
    }

    pub fn link(&self) -> &Link {
        &self.guard.link
    }
}

/// A byte stream to and from the client.
pub struct Socket {
    // Deregistered before the guard shuts the socket down: fields drop in this order.
    io: AsyncFd<Arc<OwnedFd>>,
    guard: Guard,
}

impl Socket {
    /// Reads without waiting; `WouldBlock` if there is nothing, `Ok(0)` at the client's end.
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::net::recv(self.io.get_ref(), &mut *buf, RecvFlags::DONTWAIT)?.0)
    }

    /// Writes without waiting what fits.
    pub fn try_write(&self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::net::send(self.io.get_ref(), bytes, SendFlags::NOSIGNAL | SendFlags::DONTWAIT)?)
    }

    /// Reads at least one byte, waiting for it; `Ok(0)` at the client's end.
    pub async fn read(&self, buf: &mut [u8]) -> io::Result<usize> {
        loop {
            let mut guard = self.io.readable().await?;
            match guard.try_io(|s| Ok(rustix::net::recv(s.get_ref(), &mut *buf, RecvFlags::DONTWAIT)?.0)) {
                Ok(result) => return result,
                Err(_would_block) => {}
            }
        }
    }

    /// Writes everything, waiting for room.
    pub async fn write_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_write(bytes) {
                Ok(n) => bytes = &bytes[n..],
                Err(e) if e.kind() == io::ErrorKind::WouldBlock => {
                    let mut guard = self.io.writable().await?;
                    if let Ok(result) = guard.try_io(|_| self.try_write(bytes)) {
                        bytes = &bytes[result?..];
                    }
                }
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(())
    }

    /// The connection's id, for [`Link::established`].
    pub fn id(&self) -> u64 {
        self.guard.id
    }
}

impl AsFd for Socket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.io.get_ref().as_fd()
    }
}

impl AsyncRead for Socket {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.io.poll_read_ready(cx))?;
            let space = buf.initialize_unfilled();
            match guard.try_io(|s| Ok(rustix::net::recv(s.get_ref(), &mut *space, RecvFlags::DONTWAIT)?.0)) {
                Ok(Ok(n)) => {
                    // A short read has emptied the socket: what comes later is a new event (edge-triggered), and the
                    // read that would only answer EAGAIN is spared. At the client's end readiness is kept.
                    if n > 0 && n < space.len() {
                        guard.clear_ready();
                    }
                    buf.advance(n);
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(e)) => return Poll::Ready(Err(e)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for Socket {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.io.poll_write_ready(cx))?;
            match guard.try_io(|_| self.try_write(bytes)) {
                Ok(Err(e)) if e.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The guard does it, for every way a connection ends (LINK-2).
        Poll::Ready(Ok(()))
    }
}
