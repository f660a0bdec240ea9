//! Cutting the byte stream into messages.

use crate::base::memory::claim_much;
use crate::base::{Error, Result, Severity, SqlState};
use crate::err;
use bytes::{Buf, Bytes, BytesMut};

/// PostgreSQL 15, pqcomm.h, PQ_LARGE_MESSAGE_LIMIT.
const MAX_LARGE: usize = 0x3FFF_FFFF - 1;
/// PQ_SMALL_MESSAGE_LIMIT, and the limit of a startup packet.
const MAX_SMALL: usize = 10_000;

/// Room made for each read: small messages take little, and an idle connection keeps no more.
const SMALL_STEP: usize = 1000;
const LARGE_STEP: usize = 8 * 1024;

/// PostgreSQL 15, auth.h, PG_MAX_AUTH_TOKEN_LENGTH.
const MAX_UNTRUSTED: usize = 65_535;

/// A typed message: its type byte and exactly its body.
#[derive(Clone, Debug)]
pub struct Frame {
    pub kind: u8,
    pub body: Bytes,
    /// There was no memory for the body, which was passed over.
    pub refused: Option<Error>,
}

/// Bytes received and not used yet.
#[derive(Default, Debug)]
pub struct Reader {
    buf: BytesMut,
    /// Room was made for much: given back when the client is quiet.
    large: bool,
    /// The client has proved who it is: large messages are taken from it.
    trusted: bool,
    /// Memory was asked for, for the message that is arriving.
    claimed: bool,
    /// A message that there is no memory for: how many of its bytes are still to come.
    refused: Option<(usize, u8, Error)>,
}

/// What comes before any typed message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Startup {
    Ssl,
    Gss,
    Cancel {
        pid: u32,
        key: Vec<u8>,
    },
    /// Protocol version (major << 16 | minor) and parameters in order.
    Start {
        version: u32,
        parameters: Vec<(String, String)>,
    },
}

fn violation(message: impl Into<String>) -> Error {
    Error::new(SqlState::PROTOCOL_VIOLATION, message).severity(Severity::Fatal)
}

/// How large a message of a type may be.
fn limit(kind: u8) -> usize {
    match kind {
        b'Q' | b'P' | b'B' | b'F' | b'd' => MAX_LARGE,
        _ => MAX_SMALL,
    }
}

impl Reader {
    /// Where the next bytes from the socket go. A client that has filled all the room it had (`much`) gets more.
    pub fn buffer(&mut self, much: bool) -> &mut BytesMut {
        // A portal keeps the message that bound it, and the buffer cannot start over meanwhile: what is left of it is
        // used up first, or each small message would take a new one.
        let step = if much { LARGE_STEP } else { SMALL_STEP };
        if self.buf.capacity() - self.buf.len() < step / 4 {
            self.buf.reserve(step);
            self.large |= self.buf.capacity() > SMALL_STEP;
        }
        &mut self.buf
    }

    /// Whether bytes are waiting: they must not be carried over a TLS handshake.
    pub fn is_empty(&self) -> bool {
        self.buf.is_empty()
    }

    /// From now on messages may be large (WIRE-2).
    pub fn trust(&mut self) {
        self.trusted = true;
    }

    /// Gives memory back when the client is quiet, but for what small messages need.
    pub fn rest(&mut self) {
        if self.buf.is_empty() && self.large {
            self.buf = BytesMut::new();
            self.large = false;
        }
    }

    /// The next typed message, if it has arrived completely.
    ///
    /// # Errors
    /// FATAL 08P01 for a type nobody knows or an impossible length.
    pub fn frame(&mut self) -> Result<Option<Frame>> {
        if let Some((left, kind, e)) = self.refused.take() {
            let come = left.min(self.buf.len());
            self.buf.advance(come);
            if come < left {
                self.refused = Some((left - come, kind, e));
                return Ok(None);
            }
            return Ok(Some(Frame { kind, body: Bytes::new(), refused: Some(e) }));
        }
        let Some(head) = self.buf.first_chunk::<5>() else { return Ok(None) };
        let kind = head[0];
        if !matches!(
            kind,
            b'Q' | b'P' | b'B' | b'D' | b'E' | b'C' | b'H' | b'S' | b'X' | b'F' | b'd' | b'c' | b'f' | b'p'
        ) {
            return Err(violation(format!("invalid frontend message type {kind}")).place(
                "SocketBackend",
                "postgres.c",
                465,
            ));
        }
        let len = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
        let limit = if self.trusted { limit(kind) } else { MAX_UNTRUSTED };
        if len < 4 || len > limit {
            return Err(violation("invalid message length").place("pq_getmessage", "pqcomm.c", 1215));
        }
        if self.buf.len() < len + 1 {
            if !std::mem::replace(&mut self.claimed, true)
                && let Err(e) = claim_much(2 * len, "MessageContext")
            {
                // PostgreSQL 15, pqcomm.c, pq_getmessage: the statement fails, the connection does not.
                self.claimed = false;
                self.refused = Some((len + 1, kind, e));
                return self.frame();
            }
            return Ok(None);
        }
        self.claimed = false;
        let mut whole = self.buf.split_to(len + 1);
        whole.advance(5);
        Ok(Some(Frame { kind, body: whole.freeze(), refused: None }))
    }

    /// The next startup packet, if it has arrived completely.
    ///
    /// # Errors
    /// FATAL 08P01.
    pub fn startup(&mut self) -> Result<Option<Startup>> {
        let Some(head) = self.buf.first_chunk::<4>() else { return Ok(None) };
        let len = u32::from_be_bytes(*head) as usize;
        if !(8..=MAX_SMALL).contains(&len) {
            return Err(violation("invalid length of startup packet").place(
                "ProcessStartupPacket",
                "postmaster.c",
                2037,
            ));
        }
        if self.buf.len() < len {
            return Ok(None);
        }
        let mut body = self.buf.split_to(len).freeze();
        body.advance(4);
        decode_startup(&body).map(Some)
    }
}

/// Reads the body of a startup packet, length word excluded.
///
/// # Errors
/// FATAL 08P01 for a malformed one, 0A000 for a protocol we do not speak.
pub fn decode_startup(body: &[u8]) -> Result<Startup> {
    let Some((code, rest)) = body.split_first_chunk::<4>() else { return Err(violation("incomplete startup packet")) };
    match u32::from_be_bytes(*code) {
        80_877_103 => Ok(Startup::Ssl),
        80_877_104 => Ok(Startup::Gss),
        80_877_102 => {
            let Some((pid, key)) = rest.split_first_chunk::<4>() else {
                return Err(violation("invalid length of startup packet"));
            };
            Ok(Startup::Cancel { pid: u32::from_be_bytes(*pid), key: key.to_vec() })
        }
        version if version >> 16 != 3 => Err(unsupported_protocol(version)),
        version => parameters(rest).map(|parameters| Startup::Start { version, parameters }),
    }
}

/// FATAL 0A000 for a version of the protocol that nobody speaks.
pub fn unsupported_protocol(version: u32) -> Error {
    let (major, minor) = (version >> 16, version & 0xFFFF);
    err!(FEATURE_NOT_SUPPORTED, "unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.0")
        .severity(Severity::Fatal)
        .place("ProcessStartupPacket", "postmaster.c", 2195)
}

fn parameters(rest: &[u8]) -> Result<Vec<(String, String)>> {
    let layout = || violation("invalid startup packet layout: expected terminator as last byte");
    let Some((0, pairs)) = rest.split_last() else { return Err(layout()) };
    if pairs.is_empty() {
        return Ok(Vec::new());
    }
    let Some((0, pairs)) = pairs.split_last() else { return Err(layout()) };
    let mut words = pairs.split(|b| *b == 0).map(|w| {
        std::str::from_utf8(w).map(str::to_string).map_err(|_| {
            err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\" in startup packet")
                .severity(Severity::Fatal)
        })
    });
    let mut found = Vec::new();
    while let Some(name) = words.next() {
        let Some(value) = words.next() else { return Err(layout()) };
        found.push((name?, value?));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message is handed out only whole, and never with a byte of the next one.
    #[test]
    fn frames() {
        let mut r = Reader::default();
        let bytes = b"Q\0\0\0\x0dselect 1\0S\0\0\0\x04X";
        r.trust();
        for (i, b) in bytes.iter().enumerate() {
            r.buffer(false).extend_from_slice(&[*b]);
            match r.frame().unwrap() {
                Some(f) if i == 13 => assert_eq!((f.kind, &f.body[..]), (b'Q', &b"select 1\0"[..])),
                Some(f) => assert_eq!((i, f.kind, f.body.len()), (18, b'S', 0)),
                None => assert!(i != 13 && i != 18),
            }
        }
    }

    /// Lengths that lie and types nobody knows are refused.
    #[test]
    fn refusals() {
        for bad in [&b"Q\0\0\0\x03"[..], b"S\0\x10\0\0", b"!\0\0\0\x04", b"P\xff\xff\xff\xff"] {
            let mut r = Reader::default();
            r.buffer(false).extend_from_slice(bad);
            assert_eq!(r.frame().unwrap_err().sqlstate(), SqlState::PROTOCOL_VIOLATION);
        }
        for bad in
            [&b"\0\0\0\x04"[..], b"\0\0\0\x09\0\x03\0\0x", b"\0\0\0\x0d\0\x03\0\0user\0", b"\0\0\0\x08\0\x02\0\0"]
        {
            let mut r = Reader::default();
            r.buffer(false).extend_from_slice(bad);
            assert!(r.startup().is_err(), "{bad:?}");
        }
    }

    /// Parameters come in order; the special codes are told apart.
    #[test]
    fn startups() {
        let body = b"\0\x03\0\0user\0joe\0database\0d\0\0";
        let Startup::Start { version, parameters } = decode_startup(body).unwrap() else { panic!() };
        assert_eq!(version, 196_608);
        assert_eq!(parameters, [("user".into(), "joe".into()), ("database".into(), "d".into())]);
        assert_eq!(decode_startup(&80_877_103u32.to_be_bytes()).unwrap(), Startup::Ssl);
    }
}
