//! What postmaster and engine tell each other, and their bytes.
//!
//! One tag byte, then the fields: integers little-endian, texts as u32 length and UTF-8.

use std::io;

/// How to stop. The order is the weight: a heavier request replaces a lighter one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum StopMode {
    /// When the last session has left.
    Smart = 1,
    /// After ending the sessions, with a checkpoint.
    Fast = 2,
    /// At once, without one.
    Immediate = 3,
}

/// What an engine is doing, as far as the postmaster must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum EngineState {
    Starting = 1,
    /// Replaying the log.
    Redo = 2,
    /// Serving.
    Ready = 3,
    ShuttingDown = 4,
    /// Everything is on disk; the process ends now.
    ShutDown = 5,
}

/// From the postmaster to the engine.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToEngine {
    /// A client. One descriptor: its socket. `ssl_refused`: it has asked for TLS, which is the
    /// first thing to be read from it, and the postmaster answers.
    Connection {
        id: u64,
        ssl_refused: bool,
    },
    Stop(StopMode),
    /// Read the configuration files again.
    Reload,
    /// `pg_ctl kill` for a backend's pid; answered by [`ToPostmaster::Signaled`].
    Signal {
        ticket: u64,
        pid: u32,
        signal: i32,
    },
    /// Who the postmaster is; the first words to a new engine, and again at an adoption.
    Postmaster {
        pid: u32,
        start_s: u64,
    },
    /// A logger was started. Descriptors: the write end of its pipe, its pidfd.
    Logger,
    /// First words of a new postmaster on the control socket.
    Adopt {
        postmaster_pid: u32,
    },
    /// The new postmaster has taken everything over and listens: workers may start.
    Adopted,
    /// The first words to a new engine. One descriptor if there was an engine before: what that one last sent as
    /// [`ToPostmaster::Configuration`].
    Configuration,
}

/// From the engine to the postmaster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ToPostmaster {
    /// `detail`: progress for people, may be empty.
    State {
        state: EngineState,
        detail: String,
    },
    /// The session may be warned from now on: authentication is over, and no TLS hides its bytes.
    Established {
        id: u64,
    },
    Closed {
        id: u64,
    },
    /// A connection whose socket has not arrived, since the engine has no descriptor left: the postmaster's is the only
    /// one, so it has to tell the client.
    Unserved {
        id: u64,
        ssl_refused: bool,
    },
    Signaled {
        ticket: u64,
        found: bool,
    },
    /// `pg_reload_conf()`.
    Reload,
    /// `pg_rotate_logfile()`.
    RotateLog,
    /// About to die, and by whose fault.
    Victim {
        who: String,
        pid: u32,
        statement: Option<String>,
    },
    /// Ways around this channel. Descriptors: where the engine notes [`ToPostmaster::Established`] and
    /// [`ToPostmaster::Closed`] (a pipe, whose writes of [`NOTE_BYTES`] are whole), to be read now and then; then one for [`ToEngine::Connection`] per session thread.
    Shortcuts,
    /// To a new postmaster: not now, the old one's end has not been seen yet. Try again.
    Busy,
    /// Adoption: one descriptor for each session, and whether it is established.
    Sessions {
        ids: Vec<(u64, bool)>,
    },
    /// The configuration files in force (`process::kept_files`), one descriptor: for the engine that follows this one
    /// when it crashes.
    Configuration,
    /// The last message of an adoption. Descriptors: the engine's own pidfd, its stderr, and the
    /// logger's pidfd if it has one. `next_id`: the next connection's (PROC-3).
    Handover {
        pid: u32,
        next_id: u64,
        state: EngineState,
        generation: u64,
        detail: String,
    },
}

/// From `pg_ctl` to the postmaster, on its control socket; answered by one byte, 1 if found.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SignalRequest {
    pub pid: u32,
    pub signal: i32,
}

impl StopMode {
    fn from_byte(byte: u8) -> io::Result<StopMode> {
        [StopMode::Smart, StopMode::Fast, StopMode::Immediate]
            .into_iter()
            .find(|m| *m as u8 == byte)
            .ok_or_else(malformed)
    }
}

impl EngineState {
    fn from_byte(byte: u8) -> io::Result<EngineState> {
        use EngineState::*;
        [Starting, Redo, Ready, ShuttingDown, ShutDown].into_iter().find(|s| *s as u8 == byte).ok_or_else(malformed)
    }
}

impl ToEngine {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        match self {
            ToEngine::Connection { id, ssl_refused } => {
                out.push(if *ssl_refused { b'N' } else { b'C' });
                put_u64(&mut out, *id);
            }
            ToEngine::Stop(mode) => out.extend([b'S', *mode as u8]),
            ToEngine::Reload => out.push(b'R'),
            ToEngine::Signal { ticket, pid, signal } => {
                out.push(b'K');
                put_u64(&mut out, *ticket);
                put_u32(&mut out, *pid);
                put_u32(&mut out, *signal as u32);
            }
            ToEngine::Postmaster { pid, start_s } => {
                out.push(b'P');
                put_u32(&mut out, *pid);
                put_u64(&mut out, *start_s);
            }
            ToEngine::Logger => out.push(b'L'),
            ToEngine::Adopt { postmaster_pid } => {
                out.push(b'A');
                put_u32(&mut out, *postmaster_pid);
            }
            ToEngine::Adopted => out.push(b'D'),
            ToEngine::Configuration => out.push(b'F'),
        }
        out
    }

    /// # Errors
    /// `InvalidData` for anything that [`ToEngine::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> io::Result<ToEngine> {
        let mut r = Reader(bytes);
        let message = match r.u8()? {
            b'C' => ToEngine::Connection { id: r.u64()?, ssl_refused: false },
            b'N' => ToEngine::Connection { id: r.u64()?, ssl_refused: true },
            b'S' => ToEngine::Stop(StopMode::from_byte(r.u8()?)?),
            b'R' => ToEngine::Reload,
            b'K' => ToEngine::Signal { ticket: r.u64()?, pid: r.u32()?, signal: r.u32()? as i32 },
            b'P' => ToEngine::Postmaster { pid: r.u32()?, start_s: r.u64()? },
            b'L' => ToEngine::Logger,
            b'A' => ToEngine::Adopt { postmaster_pid: r.u32()? },
            b'D' => ToEngine::Adopted,
            b'F' => ToEngine::Configuration,
            _ => return Err(malformed()),
        };
        r.end()?;
        Ok(message)
    }
}

/// The bytes of a note: of [`ToPostmaster::Established`] and [`ToPostmaster::Closed`].
pub const NOTE_BYTES: usize = 9;

impl ToPostmaster {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(16);
        match self {
            ToPostmaster::State { state, detail } => {
                out.extend([b's', *state as u8]);
                put_text(&mut out, detail);
            }
            ToPostmaster::Established { id } => {
                out.push(b'e');
                put_u64(&mut out, *id);
            }
            ToPostmaster::Closed { id } => {
                out.push(b'c');
                put_u64(&mut out, *id);
            }
            ToPostmaster::Unserved { id, ssl_refused } => {
                out.push(b'u');
                put_u64(&mut out, *id);
                out.push(u8::from(*ssl_refused));
            }
            ToPostmaster::Signaled { ticket, found } => {
                out.push(b'k');
                put_u64(&mut out, *ticket);
                out.push(u8::from(*found));
            }
            ToPostmaster::Victim { who, pid, statement } => {
                out.push(b'v');
                put_u32(&mut out, *pid);
                put_text(&mut out, who);
                out.push(u8::from(statement.is_some()));
                put_text(&mut out, statement.as_deref().unwrap_or(""));
            }
            ToPostmaster::Reload => out.push(b'r'),
            ToPostmaster::RotateLog => out.push(b'l'),
            ToPostmaster::Shortcuts => out.push(b'w'),
            ToPostmaster::Busy => out.push(b'b'),
            ToPostmaster::Configuration => out.push(b'f'),
            ToPostmaster::Sessions { ids } => {
                out.push(b'n');
                for (id, established) in ids {
                    put_u64(&mut out, *id);
                    out.push(u8::from(*established));
                }
            }
            ToPostmaster::Handover { pid, next_id, state, generation, detail } => {
                out.extend([b'h', *state as u8]);
                put_u32(&mut out, *pid);
                put_u64(&mut out, *next_id);
                put_u64(&mut out, *generation);
                put_text(&mut out, detail);
            }
        }
        out
    }

    /// # Errors
    /// `InvalidData` for anything that [`ToPostmaster::encode`] does not write.
    pub fn decode(bytes: &[u8]) -> io::Result<ToPostmaster> {
        let mut r = Reader(bytes);
        let message = match r.u8()? {
            b's' => ToPostmaster::State { state: EngineState::from_byte(r.u8()?)?, detail: r.text()? },
            b'e' => ToPostmaster::Established { id: r.u64()? },
            b'c' => ToPostmaster::Closed { id: r.u64()? },
            b'u' => ToPostmaster::Unserved { id: r.u64()?, ssl_refused: r.u8()? != 0 },
            b'k' => ToPostmaster::Signaled { ticket: r.u64()?, found: r.u8()? != 0 },
            b'v' => {
                let (pid, who, has) = (r.u32()?, r.text()?, r.u8()? != 0);
                let statement = r.text()?;
                ToPostmaster::Victim { who, pid, statement: has.then_some(statement) }
            }
            b'r' => ToPostmaster::Reload,
            b'l' => ToPostmaster::RotateLog,
            b'w' => ToPostmaster::Shortcuts,
            b'b' => ToPostmaster::Busy,
            b'f' => ToPostmaster::Configuration,
            b'n' => {
                let mut ids = Vec::new();
                while !r.0.is_empty() {
                    ids.push((r.u64()?, r.u8()? != 0));
                }
                ToPostmaster::Sessions { ids }
            }
            b'h' => ToPostmaster::Handover {
                state: EngineState::from_byte(r.u8()?)?,
                pid: r.u32()?,
                next_id: r.u64()?,
                generation: r.u64()?,
                detail: r.text()?,
            },
            _ => return Err(malformed()),
        };
        r.end()?;
        Ok(message)
    }
}

impl SignalRequest {
    pub fn encode(&self) -> Vec<u8> {
        let mut out = vec![b'K'];
        put_u32(&mut out, self.pid);
        put_u32(&mut out, self.signal as u32);
        out
    }

    pub fn decode(bytes: &[u8]) -> io::Result<SignalRequest> {
        let mut r = Reader(bytes);
        if r.u8()? != b'K' {
            return Err(malformed());
        }
        let request = SignalRequest { pid: r.u32()?, signal: r.u32()? as i32 };
        r.end()?;
        Ok(request)
    }
}

fn put_u32(out: &mut Vec<u8>, n: u32) {
    out.extend(n.to_le_bytes());
}

fn put_u64(out: &mut Vec<u8>, n: u64) {
    out.extend(n.to_le_bytes());
}

/// A text is cut (at a character) so that the packet stays far below its limit.
fn put_text(out: &mut Vec<u8>, text: &str) {
    let mut len = text.len().min(4096);
    while !text.is_char_boundary(len) {
        len -= 1;
    }
    put_u32(out, len as u32);
    out.extend(&text.as_bytes()[..len]);
}

#[cold]
fn malformed() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "malformed message between postmaster and engine")
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, n: usize) -> io::Result<&'a [u8]> {
        let (head, rest) = self.0.split_at_checked(n).ok_or_else(malformed)?;
        self.0 = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> io::Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> io::Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    fn u32(&mut self) -> io::Result<u32> {
        Ok(u32::from_le_bytes(self.array()?))
    }

    fn u64(&mut self) -> io::Result<u64> {
        Ok(u64::from_le_bytes(self.array()?))
    }

    fn text(&mut self) -> io::Result<String> {
        let len = self.u32()? as usize;
        String::from_utf8(self.take(len)?.to_vec()).map_err(|_| malformed())
    }

    fn end(&self) -> io::Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(malformed()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every message comes back as it was, and none of its proper prefixes is taken for a message
    /// (but a list of sessions, whose prefixes are shorter lists or cut entries).
    #[test]
    fn messages_survive_the_journey() {
        let to_engine = [
            ToEngine::Connection { id: 7, ssl_refused: false },
            ToEngine::Connection { id: 8, ssl_refused: true },
            ToEngine::Stop(StopMode::Fast),
            ToEngine::Reload,
            ToEngine::Signal { ticket: 1, pid: 4_194_400, signal: 15 },
            ToEngine::Postmaster { pid: 1, start_s: 2 },
            ToEngine::Logger,
            ToEngine::Adopt { postmaster_pid: 9 },
            ToEngine::Adopted,
            ToEngine::Configuration,
        ];
        for m in to_engine {
            let bytes = m.encode();
            assert_eq!(ToEngine::decode(&bytes).unwrap(), m);
            assert!((0..bytes.len()).all(|n| ToEngine::decode(&bytes[..n]).is_err()), "{m:?}");
        }
        let to_postmaster = [
            ToPostmaster::State { state: EngineState::Redo, detail: "50 %".into() },
            ToPostmaster::Established { id: 1 },
            ToPostmaster::Closed { id: u64::MAX },
            ToPostmaster::Unserved { id: 2, ssl_refused: true },
            ToPostmaster::Signaled { ticket: 3, found: true },
            ToPostmaster::Victim { who: "server process".into(), pid: 5, statement: Some("select 1".into()) },
            ToPostmaster::Victim { who: "WAL writer process".into(), pid: 5, statement: None },
            ToPostmaster::Reload,
            ToPostmaster::RotateLog,
            ToPostmaster::Shortcuts,
            ToPostmaster::Busy,
            ToPostmaster::Configuration,
            ToPostmaster::Handover {
                pid: 1,
                next_id: 2,
                state: EngineState::Ready,
                generation: 3,
                detail: String::new(),
            },
        ];
        for m in to_postmaster {
            let bytes = m.encode();
            assert_eq!(ToPostmaster::decode(&bytes).unwrap(), m);
            assert!((0..bytes.len()).all(|n| ToPostmaster::decode(&bytes[..n]).is_err()), "{m:?}");
        }
        let sessions = ToPostmaster::Sessions { ids: vec![(1, true), (2, false)] };
        assert_eq!(ToPostmaster::decode(&sessions.encode()).unwrap(), sessions);
        let request = SignalRequest { pid: 4_194_305, signal: 9 };
        assert_eq!(SignalRequest::decode(&request.encode()).unwrap(), request);
    }

    /// A statement of any length fits into a packet, cut between characters.
    #[test]
    fn long_statements_are_cut() {
        let long = "ä".repeat(100_000);
        let m = ToPostmaster::Victim { who: "server process".into(), pid: 1, statement: Some(long) };
        let bytes = m.encode();
        assert!(bytes.len() < super::super::packet::MAX_BYTES);
        assert!(ToPostmaster::decode(&bytes).is_ok());
    }
}
