//! `pg_ctl status`.

use super::{Control, Done, Failure};
use crate::cli::data_dir::{self, PidFile};
use crate::process::small_file;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

pub fn status(control: &Control) -> Done {
    match control.server(4)? {
        Some(server) if server.pid < 0 && data_dir::is_alive(-server.pid) => {
            println!("pg_ctl: single-user server is running (PID: {})", -server.pid);
            Ok(())
        }
        Some(server) if data_dir::is_alive(server.pid) => {
            println!("pg_ctl: server is running (PID: {})", server.pid);
            if let Ok(bytes) = small_file::read(control.dir().join("postmaster.opts")) {
                print!("{}", String::from_utf8_lossy(&bytes));
            }
            if server.status != "ready"
                && let Some(text) = what_it_says(&server)
            {
                println!("pg_ctl: {text}");
            }
            Ok(())
        }
        _ => {
            println!("pg_ctl: no server running");
            Err(Failure(String::new(), 3))
        }
    }
}

/// So long a server that is starting or stopping may take to say so.
const PATIENCE: Duration = Duration::from_secs(1);

/// What a server that accepts nobody tells a client: the phase, and in a recovery how far it is.
fn what_it_says(server: &PidFile) -> Option<String> {
    let path = format!("{}/.s.PGSQL.{}", server.socket_dir, server.port?);
    let mut socket = UnixStream::connect(path).ok()?;
    socket.set_read_timeout(Some(PATIENCE)).ok()?;
    socket.write_all(&startup_packet()).ok()?;
    let mut answer = Vec::new();
    let mut part = [0; 4096];
    while let Ok(n) = socket.read(&mut part) {
        if n == 0 {
            break;
        }
        answer.extend_from_slice(&part[..n]);
    }
    refusal(&answer)
}

/// Protocol 3.0, user and database postgres.
fn startup_packet() -> Vec<u8> {
    let body = b"\0\x03\0\0user\0postgres\0\0";
    let mut packet = (body.len() as u32 + 4).to_be_bytes().to_vec();
    packet.extend_from_slice(body);
    packet
}

/// Message and detail of an ErrorResponse; `None` for any other answer.
fn refusal(answer: &[u8]) -> Option<String> {
    let fields = answer.strip_prefix(b"E")?.get(4..)?;
    let field = |tag: u8| {
        let found = fields.split(|b| *b == 0).find(|f| f.first() == Some(&tag))?;
        Some(String::from_utf8_lossy(&found[1..]).into_owned())
    };
    let message = field(b'M')?;
    Some(match field(b'D') {
        Some(detail) => format!("{message}\nDETAIL:  {detail}"),
        None => message,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Phase and progress are taken from the refusal; other answers say nothing.
    #[test]
    fn refusals() {
        let body = b"SFATAL\0C57P03\0Mthe database system is not yet accepting connections\0DRedo at 0/55AE540.\0\0";
        let mut message = b"E".to_vec();
        message.extend_from_slice(&(body.len() as u32 + 4).to_be_bytes());
        message.extend_from_slice(body);
        let expected = "the database system is not yet accepting connections\nDETAIL:  Redo at 0/55AE540.";
        assert_eq!(refusal(&message).as_deref(), Some(expected));
        assert_eq!(refusal(b"R\0\0\0\x08\0\0\0\0"), None);
    }
}
