//! The CSV format.

use super::options::CopyOptions;
use super::{Fields, RowReader};
use crate::base::Result;
use crate::err;

pub struct CsvReader {
    delimiter: u8,
    quote: u8,
    escape: u8,
    null: Vec<u8>,
    buffer: Vec<u8>,
    at: usize,
    /// Where the row last read lies.
    row: (usize, usize),
    line: u64,
    /// The byte by which lines inside quotes are counted: what ends rows is known when one has ended, and until then, as
    /// where rows end in two bytes, only carriage returns count (PostgreSQL 15, copyfromparse.c, CopyReadLineText).
    counted: u8,
    ended: bool,
    /// Per column: an unquoted NULL string is data, a quoted one is NULL.
    pub not_null: Vec<bool>,
    pub quoted_null: Vec<bool>,
}

impl CsvReader {
    pub fn new(options: &CopyOptions) -> CsvReader {
        CsvReader {
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            null: options.null.clone(),
            buffer: Vec::new(),
            at: 0,
            row: (0, 0),
            line: 0,
            counted: b'\r',
            ended: false,
            not_null: Vec::new(),
            quoted_null: Vec::new(),
        }
    }

    /// The end of the row that starts at `at`: its end, the next row's start, the lines in it, and whether a quote is
    /// still open there.
    fn row_end(&self, ended: bool) -> Option<(usize, usize, u64, bool)> {
        let (mut quoted, mut lines, mut i) = (false, 1, self.at);
        while i < self.buffer.len() {
            let b = self.buffer[i];
            if quoted && b == self.escape && self.escape != self.quote {
                i += 2;
                continue;
            }
            if b == self.quote {
                quoted = !quoted;
            } else if quoted {
                lines += u64::from(b == self.counted);
            } else if b == b'\n' {
                return Some((i, i + 1, lines, false));
            } else if b == b'\r' {
                return match self.buffer.get(i + 1) {
                    Some(b'\n') => Some((i, i + 2, lines, false)),
                    None if !ended => None,
                    _ => Some((i, i + 1, lines, false)),
                };
            }
            i += 1;
        }
        if !ended || self.at >= self.buffer.len() {
            return None;
        }
        Some((self.buffer.len(), self.buffer.len(), lines, quoted))
    }

    fn fields(&self, line: &[u8], fields: &mut Fields) {
        let mut i = 0;
        loop {
            let start = fields.bytes.len();
            let (mut quoted, mut was_quoted) = (false, false);
            while i < line.len() {
                let b = line[i];
                if quoted {
                    if b == self.escape && line.get(i + 1).is_some_and(|n| *n == self.quote || *n == self.escape) {
                        fields.bytes.push(line[i + 1]);
                        i += 2;
                        continue;
                    }
                    if b == self.quote {
                        quoted = false;
                    } else {
                        fields.bytes.push(b);
                    }
                } else if b == self.delimiter {
                    break;
                } else if b == self.quote {
                    (quoted, was_quoted) = (true, true);
                } else {
                    fields.bytes.push(b);
                }
                i += 1;
            }
            let n = fields.ends.len();
            let is_null = fields.bytes[start..] == self.null[..];
            let null_allowed = match was_quoted {
                true => self.quoted_null.get(n).copied().unwrap_or(false),
                false => !self.not_null.get(n).copied().unwrap_or(false),
            };
            let end = fields.bytes.len();
            fields.ends.push(if is_null && null_allowed { None } else { Some((start, end)) });
            if i >= line.len() {
                return;
            }
            i += 1;
        }
    }
}

impl RowReader for CsvReader {
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
        let Some((end, next, lines, unterminated)) = self.row_end(ended) else { return Ok(None) };
        if self.line == 0 && self.buffer.get(end) == Some(&b'\n') {
            self.counted = b'\n';
        }
        self.line += lines;
        self.row = (self.at, end);
        if unterminated {
            return Err(err!(BAD_COPY_FILE_FORMAT, "unterminated CSV quoted field"));
        }
        let line = &self.buffer[self.at..end];
        if line == b"\\." {
            self.ended = true;
            return Ok(None);
        }
        fields.clear();
        self.fields(line, fields);
        self.at = next;
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

/// Appends a value, quoted if it must be or `force`.
pub fn write(value: &[u8], options: &CopyOptions, force: bool, single: bool, out: &mut Vec<u8>) {
    let special = |b: &u8| *b == options.delimiter || *b == options.quote || matches!(b, b'\n' | b'\r');
    let needs = force || value == options.null || value.iter().any(special) || single && value == b"\\.";
    if !needs {
        out.extend_from_slice(value);
        return;
    }
    out.push(options.quote);
    for b in value {
        if *b == options.quote || *b == options.escape {
            out.push(options.escape);
        }
        out.push(*b);
    }
    out.push(options.quote);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Quotes, doubled quotes, newlines inside quotes, NULL and the empty string.
    #[test]
    fn reads() {
        let options = CopyOptions {
            format: super::super::CopyFormat::Csv,
            delimiter: b',',
            null: vec![],
            ..CopyOptions::parse(&[], true, "").unwrap()
        };
        for piece in [1, 3, 50] {
            let mut r = CsvReader::new(&options);
            let (mut out, mut f) = (Vec::new(), Fields::default());
            for part in b"a,\"b,\"\"c\"\"\",\n\"x\ny\",\"\",z\n".chunks(piece) {
                r.feed(part);
                while r.next(false, &mut f).unwrap().is_some() {
                    out.push(
                        (0..f.len())
                            .map(|n| f.get(n).map(|b| String::from_utf8_lossy(b).to_string()))
                            .collect::<Vec<_>>(),
                    );
                }
            }
            let some = |s: &str| Some(s.to_string());
            assert_eq!(out, [vec![some("a"), some("b,\"c\""), None], vec![some("x\ny"), some(""), some("z")]]);
            assert_eq!(r.line(), 3);
        }
    }
}
