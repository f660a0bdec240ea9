//! The pipe to the collector: reports cut into chunks that the kernel writes whole.
//!
//! Bytes of a chunk, little-endian, at most PIPE_BUF (4096) in all: 2 zero bytes, payload length u16,
//! pid u32, message number u32, flags u8, payload. What does not begin with two zero bytes is text that
//! some library or program wrote on its own, and goes to the stderr log as it is.

use std::collections::HashMap;

const HEAD: usize = 13;
const CHUNK: usize = 4096;
const LAST: u8 = 1;

/// Which file a message goes to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
#[repr(u8)]
pub enum Destination {
    Stderr = 0x10,
    Csv = 0x20,
    Json = 0x40,
}

impl Destination {
    pub const ALL: [Destination; 3] = [Destination::Stderr, Destination::Csv, Destination::Json];

    fn from_flags(flags: u8) -> Option<Destination> {
        Destination::ALL.into_iter().find(|d| *d as u8 == flags & !LAST)
    }

    /// The word in `log_destination` and `current_logfiles`.
    pub fn as_str(self) -> &'static str {
        match self {
            Destination::Stderr => "stderr",
            Destination::Csv => "csvlog",
            Destination::Json => "jsonlog",
        }
    }
}

/// The chunks of one message.
pub fn cut(message: &[u8], pid: u32, number: u32, destination: Destination) -> Vec<Vec<u8>> {
    let parts: Vec<&[u8]> = message.chunks(CHUNK - HEAD).collect();
    let count = parts.len();
    let chunk = |(i, part): (usize, &&[u8])| {
        let mut bytes = vec![0, 0];
        bytes.extend_from_slice(&(part.len() as u16).to_le_bytes());
        bytes.extend_from_slice(&pid.to_le_bytes());
        bytes.extend_from_slice(&number.to_le_bytes());
        bytes.push(destination as u8 | if i + 1 == count { LAST } else { 0 });
        bytes.extend_from_slice(part);
        bytes
    };
    parts.iter().enumerate().map(chunk).collect()
}

/// Puts the messages together again.
#[derive(Default)]
pub struct Assembler {
    buffer: Vec<u8>,
    open: HashMap<(u32, u32, Destination), Vec<u8>>,
}

impl Assembler {
    /// Takes bytes from the pipe; calls `write` for each whole message or foreign text.
    pub fn feed(&mut self, bytes: &[u8], mut write: impl FnMut(Destination, &[u8])) {
        self.buffer.extend_from_slice(bytes);
        let mut at = 0;
        while at < self.buffer.len() {
            let rest = &self.buffer[at..];
            match head(rest) {
                Head::Chunk { len, key, last } => {
                    let payload = &rest[HEAD..HEAD + len];
                    if last && !self.open.contains_key(&key) {
                        write(key.2, payload);
                    } else {
                        let message = self.open.entry(key).or_default();
                        message.extend_from_slice(payload);
                        if last && let Some(message) = self.open.remove(&key) {
                            write(key.2, &message);
                        }
                    }
                    at += HEAD + len;
                }
                Head::Incomplete => break,
                Head::Foreign => {
                    let len = rest[1..].iter().position(|b| *b == 0).map_or(rest.len(), |n| n + 1);
                    write(Destination::Stderr, &rest[..len]);
                    at += len;
                }
            }
        }
        self.buffer.drain(..at);
    }

    /// The pipe has ended: what is left is written as it is.
    pub fn finish(&mut self, mut write: impl FnMut(Destination, &[u8])) {
        for ((_, _, destination), message) in self.open.drain() {
            write(destination, &message);
        }
        if !self.buffer.is_empty() {
            write(Destination::Stderr, &self.buffer);
            self.buffer.clear();
        }
    }
}

enum Head {
    Chunk { len: usize, key: (u32, u32, Destination), last: bool },
    Incomplete,
    Foreign,
}

fn head(bytes: &[u8]) -> Head {
    if bytes[0] != 0 || bytes.len() > 1 && bytes[1] != 0 {
        return Head::Foreign;
    }
    let Some(h) = bytes.first_chunk::<HEAD>() else { return Head::Incomplete };
    let len = u16::from_le_bytes([h[2], h[3]]) as usize;
    let pid = u32::from_le_bytes([h[4], h[5], h[6], h[7]]);
    let number = u32::from_le_bytes([h[8], h[9], h[10], h[11]]);
    match Destination::from_flags(h[12]) {
        Some(destination) if len > 0 && len <= CHUNK - HEAD => {
            if bytes.len() < HEAD + len {
                return Head::Incomplete;
            }
            Head::Chunk { len, key: (pid, number, destination), last: h[12] & LAST != 0 }
        }
        _ => Head::Foreign,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Long messages of two writers, mixed on the pipe and read in odd pieces with a library's text
    /// between them, come out whole.
    #[test]
    fn mixed_writers_come_out_whole() {
        let long: Vec<u8> = (0..10_000u32).map(|i| b'a' + (i % 26) as u8).collect();
        let a = cut(&long, 1, 7, Destination::Stderr);
        let b = cut(&long[1..], 2, 7, Destination::Csv);
        assert!(a.iter().all(|c| c.len() <= CHUNK) && a.len() == 3);
        let mut pipe = Vec::new();
        for (x, y) in a.iter().zip(&b) {
            pipe.extend_from_slice(x);
            pipe.extend_from_slice(b"foreign\n");
            pipe.extend_from_slice(y);
        }
        let mut got = Vec::new();
        let mut assembler = Assembler::default();
        for piece in pipe.chunks(777) {
            assembler.feed(piece, |d, m| got.push((d, m.to_vec())));
        }
        assembler.finish(|d, m| got.push((d, m.to_vec())));
        assert!(got.contains(&(Destination::Stderr, long.clone())));
        assert!(got.contains(&(Destination::Csv, long[1..].to_vec())));
        let foreign: Vec<u8> = got.iter().filter(|(_, m)| m.len() < 100).flat_map(|(_, m)| m.clone()).collect();
        assert_eq!(foreign, b"foreign\nforeign\nforeign\n");
    }
}
