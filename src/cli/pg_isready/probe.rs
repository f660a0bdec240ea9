//! One connection attempt: a startup packet, the first answer, and away.

use super::conninfo::Target;
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::time::Duration;

/// The exit codes of the tool.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Verdict {
    Accepts = 0,
    Rejects = 1,
    NoResponse = 2,
    NoAttempt = 3,
}

impl Verdict {
    pub fn text(self) -> &'static str {
        match self {
            Verdict::Accepts => "accepting connections",
            Verdict::Rejects => "rejecting connections",
            Verdict::NoResponse => "no response",
            Verdict::NoAttempt => "no attempt",
        }
    }
}

const PROTOCOL: u32 = 196_608;
/// More of an error message is not read.
const MAX_ANSWER: usize = 30_000;

/// The first place that says anything decides.
pub fn probe(target: &Target, timeout: Option<Duration>) -> Verdict {
    let said = target.places().iter().find_map(|(host, port)| ask(target, host, *port, timeout).ok());
    said.unwrap_or(Verdict::NoResponse)
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

fn ask(target: &Target, host: &str, port: u16, timeout: Option<Duration>) -> io::Result<Verdict> {
    let mut stream = connect(host, port, timeout)?;
    stream.write_all(&startup_packet(target))?;
    let mut head = [0; 5];
    stream.read_exact(&mut head)?;
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    match head[0] {
        b'R' => Ok(Verdict::Accepts),
        b'E' => {
            let mut body = vec![0; length.saturating_sub(4).min(MAX_ANSWER)];
            stream.read_exact(&mut body)?;
            Ok(of_error(&body))
        }
        _ => Err(io::ErrorKind::InvalidData.into()),
    }
}

/// An error of any other kind (no such database, too many clients) comes from a server that takes connections.
fn of_error(body: &[u8]) -> Verdict {
    let state = body.split(|b| *b == 0).find_map(|field| field.strip_prefix(b"C"));
    match state {
        Some(b"57P03") => Verdict::Rejects,
        Some(state) if state.len() == 5 => Verdict::Accepts,
        _ => Verdict::NoResponse,
    }
}

fn connect(host: &str, port: u16, timeout: Option<Duration>) -> io::Result<Box<dyn Stream>> {
    if host.starts_with('/') {
        let stream = UnixStream::connect(format!("{host}/.s.PGSQL.{port}"))?;
        stream.set_read_timeout(timeout)?;
        return Ok(Box::new(stream));
    }
    let mut fault = io::Error::from(io::ErrorKind::NotFound);
    for address in (host, port).to_socket_addrs()? {
        let tried = match timeout {
            Some(timeout) => TcpStream::connect_timeout(&address, timeout),
            None => TcpStream::connect(address),
        };
        match tried {
            Ok(stream) => {
                stream.set_read_timeout(timeout)?;
                return Ok(Box::new(stream));
            }
            Err(e) => fault = e,
        }
    }
    Err(fault)
}

fn startup_packet(target: &Target) -> Vec<u8> {
    let user = target.user.clone().unwrap_or_else(crate::cli::initdb::own_user_name);
    let database = target.dbname.clone().unwrap_or_else(|| user.clone());
    let mut body = PROTOCOL.to_be_bytes().to_vec();
    for text in ["user", &user, "database", &database, "application_name", "pg_isready"] {
        body.extend(text.as_bytes());
        body.push(0);
    }
    body.push(0);
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend(body);
    packet
}
