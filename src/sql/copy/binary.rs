//! The binary format: a signature, then per row a field count and each field's length and bytes.

use super::{Fields, RowReader};
use crate::base::Result;
use crate::err;

pub const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";

/// Signature, flags, length of the header's extension.
pub fn header() -> [u8; 19] {
    let mut h = [0; 19];
    h[..11].copy_from_slice(SIGNATURE);
    h
}

#[derive(Default)]
pub struct BinaryReader {
    buffer: Vec<u8>,
    at: usize,
    started: bool,
    ended: bool,
    row: u64,
}

impl BinaryReader {
    fn take(&self, at: usize, n: usize) -> Option<&[u8]> {
        self.buffer.get(at..at.checked_add(n)?)
    }

    fn short(ended: bool) -> Result<Option<()>> {
        if ended { Err(err!(BAD_COPY_FILE_FORMAT, "unexpected EOF in COPY data")) } else { Ok(None) }
    }

    fn start(&mut self, ended: bool) -> Result<Option<()>> {
        let Some(head) = self.take(0, 19) else {
            return if ended {
                Err(err!(BAD_COPY_FILE_FORMAT, "COPY file signature not recognized"))
            } else {
                Ok(None)
            };
        };
        if &head[..11] != SIGNATURE {
            return Err(err!(BAD_COPY_FILE_FORMAT, "COPY file signature not recognized"));
        }
        let extension = u32::from_be_bytes([head[15], head[16], head[17], head[18]]) as usize;
        if self.take(19, extension).is_none() {
            return Self::short(ended);
        }
        self.at = 19 + extension;
        self.started = true;
        Ok(Some(()))
    }
}

impl RowReader for BinaryReader {
    fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn next(&mut self, ended: bool, fields: &mut Fields) -> Result<Option<()>> {
        if self.ended || !self.started && self.start(ended)?.is_none() {
            return Ok(None);
        }
        let Some(count) = self.take(self.at, 2) else {
            return if self.at < self.buffer.len() { Self::short(ended) } else { Ok(None) };
        };
        let count = i16::from_be_bytes([count[0], count[1]]);
        if count == -1 {
            self.ended = true;
            return Ok(None);
        }
        fields.clear();
        let mut at = self.at + 2;
        for _ in 0..count {
            let Some(len) = self.take(at, 4) else { return Self::short(ended) };
            let len = i32::from_be_bytes([len[0], len[1], len[2], len[3]]);
            at += 4;
            if len == -1 {
                fields.ends.push(None);
                continue;
            }
            let Ok(len) = usize::try_from(len) else { return Err(err!(BAD_COPY_FILE_FORMAT, "invalid field size")) };
            let Some(value) = self.take(at, len) else { return Self::short(ended) };
            let start = fields.bytes.len();
            fields.bytes.extend_from_slice(value);
            fields.ends.push(Some((start, start + len)));
            at += len;
        }
        self.at = at;
        self.row += 1;
        Ok(Some(()))
    }

    fn line(&self) -> u64 {
        self.row
    }
}
