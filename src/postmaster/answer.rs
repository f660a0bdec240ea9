//! The answers the postmaster gives itself while no engine can serve: bounded in number and time.

use super::state::Admission;
use crate::base::error::{Error, Report};
use crate::base::report::{self, Origin};
use crate::base::{Severity, SqlState};
use crate::process::farewell;
use crate::process::watched;
use rustix::net::{RecvFlags, SendFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::unix::AsyncFd;

/// So many clients are answered at the same time; more are closed without a word.
const MAX_ACTIVE: usize = 256;
/// So long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(10);
/// PostgreSQL's MAX_STARTUP_PACKET_LENGTH.
const MAX_STARTUP_PACKET: usize = 10_000;

const CANCEL: u32 = 80_877_102;
const SSL: u32 = 80_877_103;
const GSSENC: u32 = 80_877_104;

/// Counts the answers under way.
#[derive(Default)]
pub struct Answers(Arc<()>);

impl Answers {
    /// Reads the client's startup packet and refuses it with `report`. `ssl_refused`: its request for TLS is the first
    /// thing that is read, and answered already.
    pub fn refuse(&self, socket: OwnedFd, report: Report, ssl_refused: bool) {
        if Arc::strong_count(&self.0) > MAX_ACTIVE {
            farewell::hang_up(&socket);
            return;
        }
        let active = self.0.clone();
        tokio::spawn(async move {
            if let Ok(socket) = watched::watch(socket) {
                let _ = tokio::time::timeout(PATIENCE, converse(&socket, report, ssl_refused)).await;
                farewell::hang_up(socket.get_ref());
            }
            drop(active);
        });
    }
}

/// Whether a new client has asked for TLS by now, and waits for the answer. The request stays there.
pub fn asks_for_ssl(socket: &OwnedFd) -> bool {
    let mut head = [0; 9];
    let got = rustix::net::recv(socket, &mut head, RecvFlags::DONTWAIT | RecvFlags::PEEK).map_or(0, |(n, _)| n);
    got == 8 && head[..4] == 8u32.to_be_bytes() && head[4..8] == SSL.to_be_bytes()
}

/// Tells it that there is none. Said here, it spares the engine a turn of its own: clients wait for this answer before
/// they say who they are.
pub fn refuse_ssl(socket: &OwnedFd) {
    // A client that is gone needs no answer, and for one byte there is room.
    let _ = rustix::net::send(socket, b"N", SendFlags::NOSIGNAL | SendFlags::DONTWAIT);
}

/// The refusal for a phase. PostgreSQL 15, postmaster.c, ProcessStartupPacket: same texts.
/// `progress`: of a recovery, for people; may be empty.
pub fn refusal(admission: Admission, progress: &str) -> Report {
    let make = |text: &str, line: u32| {
        *Error::new(SqlState::CANNOT_CONNECT_NOW, text)
            .severity(Severity::Fatal)
            .place("ProcessStartupPacket", "postmaster.c", line)
            .0
    };
    match admission {
        Admission::StartingUp => make("the database system is starting up", 2415),
        Admission::InRecovery => make("the database system is in recovery mode", 2437),
        Admission::NotYetAccepting => {
            let mut detail = "Consistent recovery state has not been yet reached.".to_string();
            if !progress.is_empty() {
                detail.push(' ');
                detail.push_str(progress);
            }
            make("the database system is not yet accepting connections", 2421).with_detail(detail)
        }
        Admission::HandOver | Admission::ShuttingDown => make("the database system is shutting down", 2432),
    }
}

/// When descriptors run out.
pub fn too_many() -> Report {
    *Error::new(SqlState::TOO_MANY_CONNECTIONS, "sorry, too many clients already")
        .severity(Severity::Fatal)
        .place("InitProcess", "proc.c", 357)
        .0
}

async fn converse(socket: &AsyncFd<OwnedFd>, report: Report, mut ssl_refused: bool) -> io::Result<()> {
    // Both kinds of encryption may be asked for, once each.
    for _ in 0..3 {
        let code = read_startup_packet(socket).await?;
        match code {
            SSL if std::mem::take(&mut ssl_refused) => {}
            SSL | GSSENC => write(socket, b"N").await?,
            CANCEL => return Ok(()),
            code if code >> 16 == 3 => return say(socket, &report).await,
            code => {
                let text = format!(
                    "unsupported frontend protocol {}.{}: server supports 3.0 to 3.0",
                    code >> 16,
                    code & 0xffff
                );
                let e = Error::new(SqlState::FEATURE_NOT_SUPPORTED, text).severity(Severity::Fatal);
                return say(socket, &e.0).await;
            }
        }
    }
    Ok(())
}

async fn say(socket: &AsyncFd<OwnedFd>, report: &Report) -> io::Result<()> {
    let origin = Origin { pid: std::process::id(), backend_type: "client backend", ..Origin::default() };
    report::log_as(&origin, report);
    write(socket, &farewell::encode(report)).await
}

/// Reads one startup packet and returns its code.
async fn read_startup_packet(socket: &AsyncFd<OwnedFd>) -> io::Result<u32> {
    let mut head = [0; 4];
    read_exact(socket, &mut head).await?;
    let len = u32::from_be_bytes(head) as usize;
    if !(8..=MAX_STARTUP_PACKET).contains(&len) {
        return Err(io::ErrorKind::InvalidData.into());
    }
    let mut body = vec![0; len - 4];
    read_exact(socket, &mut body).await?;
    head.copy_from_slice(&body[..4]);
    Ok(u32::from_be_bytes(head))
}

async fn read_exact(socket: &AsyncFd<OwnedFd>, mut buf: &mut [u8]) -> io::Result<()> {
    while !buf.is_empty() {
        let mut guard = socket.readable().await?;
        let got = guard.try_io(|s| Ok(rustix::net::recv(s.get_ref(), &mut *buf, RecvFlags::DONTWAIT)?.0));
        match got {
            Ok(Ok(0)) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(Ok(n)) => buf = &mut buf[n..],
            Ok(Err(e)) => return Err(e),
            Err(_would_block) => {}
        }
    }
    Ok(())
}

async fn write(socket: &AsyncFd<OwnedFd>, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        let mut guard = socket.writable().await?;
        let flags = SendFlags::NOSIGNAL | SendFlags::DONTWAIT;
        match guard.try_io(|s| Ok(rustix::net::send(s.get_ref(), bytes, flags)?)) {
            Ok(Ok(n)) => bytes = &bytes[n..],
            Ok(Err(e)) => return Err(e),
            Err(_would_block) => {}
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::os::unix::net::UnixStream;

    /// What a client gets that asks for TLS and then says who it is, if the postmaster had answered the first already.
    fn answers(ssl_refused: bool) -> Vec<u8> {
        let (mut client, server) = UnixStream::pair().unwrap();
        server.set_nonblocking(true).unwrap();
        for (len, code) in [(8u32, SSL), (9, 3 << 16)] {
            client.write_all(&[len.to_be_bytes(), code.to_be_bytes()].concat()).unwrap();
        }
        client.write_all(&[0]).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let socket = OwnedFd::from(server);
        runtime.block_on(async {
            let socket = watched::watch(socket).unwrap();
            converse(&socket, too_many(), ssl_refused).await.unwrap();
        });
        let mut got = Vec::new();
        client.read_to_end(&mut got).unwrap();
        got
    }

    /// One request for TLS gets one answer, whoever gives it.
    #[test]
    fn ssl_is_refused_once() {
        assert_eq!(&answers(false)[..2], b"NE");
        assert_eq!(&answers(true)[..1], b"E");
    }
}
