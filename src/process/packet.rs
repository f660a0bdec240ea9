//! Packets with descriptors over a SOCK_SEQPACKET socket.

use rustix::net::{
    AddressFamily, RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, ReturnFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, SocketAddrUnix, SocketFlags, SocketType,
};
use smallvec::SmallVec;
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;

/// The kernel takes 253 descriptors in one message (SCM_MAX_FD).
pub const MAX_FDS: usize = 200;
/// Longer packets are never sent; a longer one received is an error.
pub const MAX_BYTES: usize = 16 * 1024;

/// One received message. Descriptors may be missing (all of them, never some) when this process is
/// at its limit: whoever expects them counts (PROC-1).
pub struct Packet {
    pub bytes: Vec<u8>,
    pub fds: Vec<OwnedFd>,
}

/// Longer ones cannot be received by [`receive_short`].
pub const SHORT_BYTES: usize = 32;

/// A received message of few bytes and at most one descriptor. The descriptor may be missing, as in [`Packet`].
pub struct ShortPacket {
    bytes: [u8; SHORT_BYTES],
    len: usize,
    pub fd: Option<OwnedFd>,
}

impl ShortPacket {
    pub fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// A connected pair, non-blocking on both ends.
pub fn pair() -> io::Result<(OwnedFd, OwnedFd)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socketpair(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// A listener at a path, readable by the owner only. Replaces what is there: the caller holds the
/// lock that makes it ours.
pub fn listen(path: &str) -> io::Result<OwnedFd> {
    let _ = rustix::fs::unlink(path);
    let socket = new_socket()?;
    rustix::net::bind(&socket, &SocketAddrUnix::new(path)?)?;
    rustix::fs::chmod(path, rustix::fs::Mode::from_raw_mode(0o600))?;
    rustix::net::listen(&socket, 64)?;
    Ok(socket)
}

/// Connects to a listener in a directory, however long the directory's path is.
pub fn connect(dir: &Path, name: &str) -> io::Result<OwnedFd> {
    use rustix::fs::{Mode, OFlags};
    let dir = rustix::fs::open(dir, OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
    let socket = new_socket()?;
    let path = format!("/proc/self/fd/{}/{name}", dir.as_raw_fd());
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    Ok(socket)
}

fn new_socket() -> io::Result<OwnedFd> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(rustix::net::socket_with(AddressFamily::UNIX, SocketType::SEQPACKET, flags, None)?)
}

/// Sends one packet; `WouldBlock` when the queue is full.
pub fn send(socket: impl AsFd, bytes: &[u8], fds: &[BorrowedFd<'_>]) -> io::Result<()> {
    assert!(bytes.len() <= MAX_BYTES && fds.len() <= MAX_FDS && !bytes.is_empty(), "PROC-1");
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let mut control = SendAncillaryBuffer::new(&mut space);
    if !fds.is_empty() {
        control.push(SendAncillaryMessage::ScmRights(fds));
    }
    rustix::io::retry_on_intr(|| {
        rustix::net::sendmsg(&socket, &[IoSlice::new(bytes)], &mut control, SendFlags::NOSIGNAL)
    })?;
    Ok(())
}

/// Receives one packet; `None` at the end of file, `WouldBlock` when there is nothing yet.
///
/// # Errors
/// `InvalidData` if bytes were cut off (PROC-1).
pub fn receive(socket: impl AsFd) -> io::Result<Option<Packet>> {
    let mut bytes = vec![0; MAX_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MAX_FDS))];
    let (len, fds) = receive_into(socket, &mut bytes, &mut space)?;
    if len == 0 && fds.is_empty() {
        return Ok(None);
    }
    bytes.truncate(len);
    bytes.shrink_to_fit();
    Ok(Some(Packet { bytes, fds: fds.into_vec() }))
}

/// As [`receive`], without an allocation, where only short packets are sent.
pub fn receive_short(socket: impl AsFd) -> io::Result<Option<ShortPacket>> {
    let mut bytes = [0; SHORT_BYTES];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let (len, mut fds) = receive_into(socket, &mut bytes, &mut space)?;
    Ok((len > 0 || !fds.is_empty()).then(|| ShortPacket { bytes, len, fd: fds.pop() }))
}

/// The length of the message and its descriptors; 0 and none at the end of file.
fn receive_into(
    socket: impl AsFd,
    bytes: &mut [u8],
    space: &mut [MaybeUninit<u8>],
) -> io::Result<(usize, SmallVec<[OwnedFd; 1]>)> {
    let mut control = RecvAncillaryBuffer::new(space);
    let got = rustix::io::retry_on_intr(|| {
        rustix::net::recvmsg(&socket, &mut [IoSliceMut::new(bytes)], &mut control, RecvFlags::CMSG_CLOEXEC)
    })?;
    let mut fds = SmallVec::new();
    for message in control.drain() {
        if let RecvAncillaryMessage::ScmRights(rights) = message {
            fds.extend(rights);
        }
    }
    if got.flags.contains(ReturnFlags::TRUNC) {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "a packet was truncated"));
    }
    // At its descriptor limit a receiver gets fewer descriptors than were sent, with no other sign.
    if got.flags.contains(ReturnFlags::CTRUNC) {
        fds.clear();
    }
    Ok((got.bytes, fds))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A descriptor arrives as another descriptor of the same open file, and the end is seen after
    /// everything that was sent before it.
    #[test]
    fn descriptors_travel_and_the_end_comes_last() {
        let (a, b) = pair().unwrap();
        let (x, y) = pair().unwrap();
        assert_eq!(receive(&b).err().map(|e| e.kind()), Some(io::ErrorKind::WouldBlock));
        send(&a, b"one", &[x.as_fd()]).unwrap();
        drop((a, x));
        let packet = receive(&b).unwrap().unwrap();
        assert_eq!((packet.bytes.as_slice(), packet.fds.len()), (&b"one"[..], 1));
        send(&packet.fds[0], b"through", &[]).unwrap();
        assert_eq!(receive(&y).unwrap().unwrap().bytes, b"through");
        assert!(receive(&b).unwrap().is_none());
    }

    /// A socket in a directory with a path far longer than sun_path allows can be reached.
    #[test]
    fn long_directories_are_no_obstacle() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("d".repeat(150));
        rustix::fs::mkdir(&dir, rustix::fs::Mode::from_raw_mode(0o700)).unwrap();
        let handle = rustix::fs::open(&dir, rustix::fs::OFlags::PATH, rustix::fs::Mode::empty()).unwrap();
        let listener = listen(&format!("/proc/self/fd/{}/sock", handle.as_raw_fd())).unwrap();
        let client = connect(&dir, "sock").unwrap();
        let served = rustix::net::accept_with(&listener, SocketFlags::NONBLOCK).unwrap();
        send(&client, b"hello", &[]).unwrap();
        assert_eq!(receive(&served).unwrap().unwrap().bytes, b"hello");
    }
}
