//! The duplicates of the sessions' sockets, kept until the engine says *closed*.

use crate::process::farewell;
use std::collections::HashMap;
use std::os::fd::OwnedFd;

struct Kept {
    socket: OwnedFd,
    /// May be sent a warning: past authentication, and not hidden in TLS.
    established: bool,
}

/// All connections handed to the engine and not yet closed by it.
pub struct Sessions {
    kept: HashMap<u64, Kept>,
    next_id: u64,
}

impl Sessions {
    /// None yet; the first one gets `next_id` (PROC-3).
    pub fn starting_at(next_id: u64) -> Sessions {
        Sessions { kept: HashMap::new(), next_id }
    }

    /// Keeps a new connection and names it.
    pub fn add(&mut self, socket: OwnedFd) -> (u64, &OwnedFd) {
        let id = self.next_id;
        self.next_id += 1;
        let kept = self.kept.entry(id).insert_entry(Kept { socket, established: false });
        (id, &kept.into_mut().socket)
    }

    /// Keeps a connection that the engine named in an adoption.
    pub fn adopt(&mut self, id: u64, socket: OwnedFd, established: bool) {
        self.next_id = self.next_id.max(id + 1);
        self.kept.insert(id, Kept { socket, established });
    }

    /// The engine knows of connections up to here.
    pub fn continue_from(&mut self, next_id: u64) {
        self.next_id = self.next_id.max(next_id);
    }

    pub fn socket(&self, id: u64) -> Option<&OwnedFd> {
        self.kept.get(&id).map(|k| &k.socket)
    }

    pub fn established(&mut self, id: u64) {
        if let Some(kept) = self.kept.get_mut(&id) {
            kept.established = true;
        }
    }

    /// Gives the duplicate up and returns it.
    pub fn closed(&mut self, id: u64) -> Option<OwnedFd> {
        self.kept.remove(&id).map(|k| k.socket)
    }

    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Warns every established session of a crash and ends all connections.
    pub fn warn_all(&mut self) {
        let warning = farewell::encode(&farewell::crash_warning());
        for kept in self.kept.values().filter(|k| k.established) {
            farewell::warn(&kept.socket, &warning);
        }
        self.close_all();
    }

    /// Ends all connections.
    pub fn close_all(&mut self) {
        for (_, kept) in self.kept.drain() {
            farewell::hang_up(&kept.socket);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::unix::net::UnixStream;

    /// Only established sessions are warned, all are ended, and ids go on after an adoption.
    #[test]
    fn warnings_go_to_established_sessions_only() {
        let mut sessions = Sessions::starting_at(5);
        let mut clients = Vec::new();
        for _ in 0..2 {
            let (server, client) = UnixStream::pair().unwrap();
            sessions.add(server.into());
            clients.push(client);
        }
        sessions.established(6);
        sessions.warn_all();
        let read = |c: &mut UnixStream| {
            let mut got = Vec::new();
            c.read_to_end(&mut got).unwrap();
            got
        };
        assert_eq!(read(&mut clients[0]), b"");
        assert_eq!(read(&mut clients[1])[0], b'N');
        let (server, _client) = UnixStream::pair().unwrap();
        sessions.adopt(90, server.into(), true);
        let (server, _client2) = UnixStream::pair().unwrap();
        assert_eq!(sessions.add(server.into()).0, 91);
        assert_eq!(sessions.len(), 2);
        assert!(sessions.closed(90).is_some() && sessions.closed(90).is_none());
    }
}
