//! The last words to a client, written by whoever still holds its socket: the postmaster's few
//! answers and the warning of a crash.

use super::kernel::unsent_bytes;
use crate::base::error::Report;
use crate::base::{Severity, SqlState};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, Shutdown};
use std::os::fd::AsFd;

/// The bytes of an ErrorResponse, or of a NoticeResponse for a report below ERROR.
pub fn encode(report: &Report) -> Vec<u8> {
    let kind = if report.severity >= Severity::Error { b'E' } else { b'N' };
    let mut bytes = vec![kind, 0, 0, 0, 0];
    let mut field = |code: u8, text: &str| {
        bytes.push(code);
        bytes.extend(text.bytes().filter(|b| *b != 0));
        bytes.push(0);
    };
    field(b'S', report.severity.as_str());
    field(b'V', report.severity.as_str());
    field(b'C', report.sqlstate.as_str());
    field(b'M', &report.message);
    if let Some(detail) = &report.detail {
        field(b'D', detail);
    }
    if let Some(hint) = &report.hint {
        field(b'H', hint);
    }
    field(b'F', report.place.file);
    field(b'L', &report.place.line.to_string());
    field(b'R', report.place.routine);
    bytes.push(0);
    let len = (bytes.len() - 1) as u32;
    bytes[1..5].copy_from_slice(&len.to_be_bytes());
    bytes
}

/// What sessions are told when another one, a worker or the whole engine crashed.
pub fn crash_warning() -> Report {
    let text = "terminating connection because of crash of another server process";
    Report::notice(Severity::Warning, SqlState::CRASH_SHUTDOWN, text)
        .with_detail(
            "The postmaster has commanded this server process to roll back the current transaction and exit, \
             because another server process exited abnormally and possibly corrupted shared memory.",
        )
        .with_hint("In a moment you should be able to reconnect to the database and repeat your command.")
        .with_place("quickdie", "postgres.c", 2895)
}

/// What sessions are told at an immediate stop.
pub fn immediate_stop_warning() -> Report {
    let text = "terminating connection due to immediate shutdown command";
    Report::notice(Severity::Warning, SqlState::ADMIN_SHUTDOWN, text).with_place("quickdie", "postgres.c", 2907)
}

/// Writes `message` to a client between two messages, if it has been given everything before; a
/// client that is in the middle of one would take it for data.
pub fn warn(socket: impl AsFd, message: &[u8]) {
    let tcp = is_tcp(&socket);
    if unsent_bytes(&socket, tcp) == Some(0) {
        let _ = rustix::net::send(&socket, message, SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
    }
}

/// Ends a connection for all who hold its socket. What the client has sent is read away first:
/// with it unread Linux would send a reset, which can overtake our last words.
pub fn hang_up(socket: impl AsFd) {
    let _ = rustix::net::shutdown(&socket, Shutdown::Write);
    let mut waste = [0u8; 4096];
    for _ in 0..64 {
        match rustix::net::recv(&socket, &mut waste[..], RecvFlags::DONTWAIT) {
            // The client has ended its side too: nothing is left to shut.
            Ok((0, _)) => return,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    let _ = rustix::net::shutdown(&socket, Shutdown::Both);
}

/// Whether a socket is TCP (and not Unix).
pub fn is_tcp(socket: impl AsFd) -> bool {
    rustix::net::getsockname(socket).is_ok_and(|a| a.address_family() != AddressFamily::UNIX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;

    /// An idle client reads the warning and then the end; one with unread data reads only that.
    #[test]
    fn only_a_client_between_messages_is_warned() {
        let warning = encode(&crash_warning());
        for pending in [false, true] {
            let (server, mut client) = std::os::unix::net::UnixStream::pair().unwrap();
            if pending {
                std::io::Write::write_all(&mut &server, b"half a message").unwrap();
            }
            warn(&server, &warning);
            hang_up(&server);
            let mut got = Vec::new();
            client.read_to_end(&mut got).unwrap();
            assert_eq!(got == warning, !pending);
            assert_eq!(got == b"half a message", pending);
        }
    }

    /// The length covers everything but the type byte.
    #[test]
    fn the_length_is_that_of_the_message() {
        let bytes = encode(&crash_warning());
        assert_eq!(bytes[0], b'N');
        let len: [u8; 4] = bytes[1..5].try_into().unwrap();
        assert_eq!(u32::from_be_bytes(len) as usize, bytes.len() - 1);
        assert_eq!(bytes[bytes.len() - 2..], [0, 0]);
    }
}
