//! The text format: one line a row, backslash escapes.

use super::options::CopyOptions;
use super::{Fields, RowReader};
use crate::base::Result;
use crate::err;

pub struct TextReader {
    delimiter: u8,
    null: Vec<u8>,
    buffer: Vec<u8>,
    at: usize,
    /// Where the row last read lies.
    row: (usize, usize),
    line: u64,
    ended: bool,
}

impl TextReader {
    pub fn new(options: &CopyOptions) -> TextReader {
        let null = options.null.clone();
        TextReader { delimiter: options.delimiter, null, buffer: Vec::new(), at: 0, row: (0, 0), line: 0, ended: false }
    }

    /// The end of the line that starts at `at`: position of its terminator and where the next line starts.
    fn line_end(&self, ended: bool) -> Option<(usize, usize)> {
        let mut from = self.at;
        loop {
            let rest = &self.buffer[from..];
            let Some(i) = rest.iter().position(|b| matches!(b, b'\n' | b'\r')) else {
                return (ended && self.at < self.buffer.len()).then_some((self.buffer.len(), self.buffer.len()));
            };
            let end = from + i;
            // A backslash before the line's end is part of the data, unless it is escaped itself.
            let slashes = self.buffer[self.at..end].iter().rev().take_while(|b| **b == b'\\').count();
            if slashes % 2 == 1 {
                from = end + 1;
                continue;
            }
            return match (self.buffer[end], self.buffer.get(end + 1)) {
                (b'\r', Some(b'\n')) => Some((end, end + 2)),
                (b'\r', None) if !ended => None,
                _ => Some((end, end + 1)),
            };
        }
    }
}

fn hex(b: u8) -> Option<u8> {
    char::from(b).to_digit(16).map(|d| d as u8)
}

/// Appends a field without its escapes.
fn unescape(raw: &[u8], out: &mut Vec<u8>) {
    let mut i = 0;
    while i < raw.len() {
        let b = raw[i];
        i += 1;
        if b != b'\\' || i == raw.len() {
            out.push(b);
            continue;
        }
        let c = raw[i];
        i += 1;
        match c {
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(11),
            b'0'..=b'7' => {
                let mut value = u32::from(c - b'0');
                for _ in 0..2 {
                    match raw.get(i) {
                        Some(d @ b'0'..=b'7') => value = value * 8 + u32::from(d - b'0'),
                        _ => break,
                    }
                    i += 1;
                }
                out.push(value as u8);
            }
            b'x' if raw.get(i).is_some_and(|d| hex(*d).is_some()) => {
                let mut value = 0;
                for _ in 0..2 {
                    let Some(d) = raw.get(i).and_then(|d| hex(*d)) else { break };
                    value = value * 16 + d;
                    i += 1;
                }
                out.push(value);
            }
            other => out.push(other),
        }
    }
}

impl RowReader for TextReader {
    fn feed(&mut self, bytes: &[u8]) {
        if self.at > 0 {
            self.buffer.drain(..self.at);
            self.at = 0;
            self.row = (0, 0);
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn next(&mut self, ended: bool, fields: &mut Fields) -> Result<Option<()>> {
        if self.ended {
            return Ok(None);
        }
        let Some((end, next)) = self.line_end(ended) else { return Ok(None) };
        self.line += 1;
        self.row = (self.at, end);
        let line = &self.buffer[self.at..end];
        if line == b"\\." {
            self.ended = true;
            return Ok(None);
        }
        fields.clear();
        let mut from = 0;
        loop {
            let mut to = from;
            let mut escaped = false;
            while to < line.len() && line[to] != self.delimiter {
                if line[to] == b'\\' {
                    escaped = true;
                    to += 1;
                }
                to += 1;
            }
            let to = to.min(line.len());
            let raw = &line[from..to];
            if raw == self.null {
                fields.ends.push(None);
            } else {
                let start = fields.bytes.len();
                if escaped {
                    unescape(raw, &mut fields.bytes)
                } else {
                    fields.bytes.extend_from_slice(raw)
                }
                fields.ends.push(Some((start, fields.bytes.len())));
            }
            if to >= line.len() {
                break;
            }
            from = to + 1;
        }
        self.at = next;
        if fields.bytes.contains(&0) {
            return Err(err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": 0x00"));
        }
        Ok(Some(()))
    }

    fn has_ended(&self) -> bool {
        self.ended
    }

    fn line(&self) -> u64 {
        self.line
    }

    fn row_text(&self) -> &[u8] {
        &self.buffer[self.row.0..self.row.1]
    }
}

/// Appends a value with its escapes.
pub fn escape(value: &[u8], delimiter: u8, out: &mut Vec<u8>) {
    for &b in value {
        let short = match b {
            8 => b'b',
            12 => b'f',
            b'\n' => b'n',
            b'\r' => b'r',
            b'\t' => b't',
            11 => b'v',
            b'\\' => b'\\',
            b if b == delimiter => b,
            b => {
                out.push(b);
                continue;
            }
        };
        out.extend_from_slice(&[b'\\', short]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(input: &[u8], piece: usize) -> Vec<Vec<Option<String>>> {
        let mut r = TextReader::new(&CopyOptions::parse(&[], true, "").unwrap());
        let (mut out, mut fields) = (Vec::new(), Fields::default());
        for part in input.chunks(piece) {
            r.feed(part);
            while r.next(false, &mut fields).unwrap().is_some() {
                out.push(
                    (0..fields.len()).map(|n| fields.get(n).map(|b| String::from_utf8(b.to_vec()).unwrap())).collect(),
                );
            }
        }
        while r.next(true, &mut fields).unwrap().is_some() {
            out.push(
                (0..fields.len()).map(|n| fields.get(n).map(|b| String::from_utf8(b.to_vec()).unwrap())).collect(),
            );
        }
        out
    }

    /// However the stream is cut, the rows are the same; escapes, NULL, the end mark and a missing last newline.
    #[test]
    fn reads() {
        let input = b"1\ta\\tb\n2\t\\N\r\n3\tx\\\ny\n\n4\t\\x41\\102\n5\tlast";
        let some = |s: &str| Some(s.to_string());
        let expected = vec![
            vec![some("1"), some("a\tb")],
            vec![some("2"), None],
            vec![some("3"), some("x\ny")],
            vec![some("")],
            vec![some("4"), some("AB")],
            vec![some("5"), some("last")],
        ];
        for piece in [1, 2, 3, 7, 100] {
            assert_eq!(rows(input, piece), expected);
        }
        assert_eq!(rows(b"1\n\\.\n2\n", 3).len(), 1);
    }

    /// What is written is read back.
    #[test]
    fn writes() {
        let mut out = Vec::new();
        escape(b"a\tb\\c\nd", b'\t', &mut out);
        assert_eq!(out, b"a\\tb\\\\c\\nd");
    }
}
