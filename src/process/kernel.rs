//! What no library asks of the kernel for us: two questions and a wish.
#![expect(unsafe_code, reason = "these have no safe binding")]

use rustix::ioctl::{Getter, Opcode, Updater, ioctl};
use std::ffi::c_int;
use std::os::fd::{AsFd, AsRawFd};

const SIOCOUTQ: Opcode = 0x5411;
const SIOCOUTQNSD: Opcode = 0x894B;
/// `_IOWR(0xFF, 11, struct pidfd_info)` with the structure's first version of 64 bytes.
const PIDFD_GET_INFO: Opcode = 0xC040_FF0B;
const PIDFD_INFO_EXIT: u64 = 1 << 3;

/// Bytes written to a socket that its peer has not been given: not yet sent (TCP), not yet read
/// (Unix). `None` if the kernel cannot say.
///
/// TCP is asked for SIOCOUTQNSD: SIOCOUTQ also counts bytes that were delivered and whose
/// acknowledgement is only delayed.
pub fn unsent_bytes(socket: impl AsFd, tcp: bool) -> Option<usize> {
    let count = if tcp {
        // SAFETY: the opcode is SIOCOUTQNSD, which writes one C int.
        unsafe { ioctl(socket, Getter::<SIOCOUTQNSD, i32>::new()) }
    } else {
        // SAFETY: the opcode is SIOCOUTQ, which writes one C int.
        unsafe { ioctl(socket, Getter::<SIOCOUTQ, i32>::new()) }
    };
    usize::try_from(count.ok()?).ok()
}

/// Has a TCP listener report a connection when its first bytes are there, or after `seconds` without any: whoever accepts
/// it is woken once and finds the client's request. Without effect on kernels that know no such thing.
pub fn defer_accept(listener: impl AsFd, seconds: c_int) {
    let fd = listener.as_fd().as_raw_fd();
    let len = std::mem::size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the descriptor is open while it is borrowed, and the option is one C int, which is read only.
    unsafe { libc::setsockopt(fd, libc::IPPROTO_TCP, libc::TCP_DEFER_ACCEPT, (&raw const seconds).cast(), len) };
}

/// The kernel's `struct pidfd_info`, first version.
#[repr(C)]
#[derive(Default)]
struct PidfdInfo {
    mask: u64,
    cgroup_id: u64,
    ids: [u32; 11],
    exit_code: i32,
}

/// The wait status of a process that is not our child, if it is dead, reaped, and the kernel
/// (6.15 or later) keeps it for the pidfd.
pub fn exit_status_of_stranger(pidfd: impl AsFd) -> Option<i32> {
    let mut info = PidfdInfo { mask: PIDFD_INFO_EXIT, ..PidfdInfo::default() };
    // SAFETY: the opcode names a structure of 64 bytes that is read and written, and that is ours.
    unsafe { ioctl(pidfd, Updater::<PIDFD_GET_INFO, PidfdInfo>::new(&mut info)) }.ok()?;
    (info.mask & PIDFD_INFO_EXIT != 0).then_some(info.exit_code)
}

const _: () = assert!(std::mem::size_of::<PidfdInfo>() == 64);

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    /// An idle TCP connection has nothing unsent even while its acknowledgements are delayed, and
    /// one whose peer does not read has.
    #[test]
    fn unsent_bytes_are_counted() {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let mut client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (mut server, _) = listener.accept().unwrap();
        server.write_all(b"hello").unwrap();
        client.read_exact(&mut [0; 5]).unwrap();
        assert_eq!(unsent_bytes(&server, true), Some(0));
        server.set_nonblocking(true).unwrap();
        while server.write(&[0; 65536]).is_ok() {}
        assert!(unsent_bytes(&server, true).unwrap() > 0);
        let (mut a, mut b) = std::os::unix::net::UnixStream::pair().unwrap();
        a.write_all(b"x").unwrap();
        assert!(unsent_bytes(&a, false).unwrap() > 0);
        b.read_exact(&mut [0; 1]).unwrap();
        assert_eq!(unsent_bytes(&a, false), Some(0));
    }
}
