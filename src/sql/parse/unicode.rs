//! Unicode in literals: `U&'…'`, `U&"…"` with UESCAPE, and the check of decoded bytes.

use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::ast::cursor;

/// The value of up to eight hexadecimal digits.
pub(super) fn hex(digits: &[u8]) -> u32 {
    digits.iter().fold(0, |v, c| (v << 4) | char::from(*c).to_digit(16).unwrap_or(0))
}

/// The bytes as text, or PostgreSQL's 22021.
pub(super) fn verify(bytes: Vec<u8>) -> Result<String> {
    let bad_at = match std::str::from_utf8(&bytes) {
        Ok(_) => bytes.iter().position(|b| *b == 0),
        Err(e) => Some(e.valid_up_to().min(bytes.iter().position(|b| *b == 0).unwrap_or(usize::MAX))),
    };
    let Some(at) = bad_at else {
        return String::from_utf8(bytes).map_err(|_| Error::internal("string changed while it was checked"));
    };
    // As many bytes are shown as the first one announces.
    let len = match bytes[at] {
        0xC0..=0xDF => 2,
        0xE0..=0xEF => 3,
        0xF0..=0xF7 => 4,
        _ => 1,
    };
    let shown: Vec<String> = bytes[at..].iter().take(len).map(|b| format!("0x{b:02x}")).collect();
    Err(err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": {}", shown.join(" ")).place(
        "report_invalid_encoding",
        "mbutils.c",
        1698,
    ))
}

/// Whether UESCAPE may name this character.
pub(super) fn is_escape_char(c: u8) -> bool {
    !(c.is_ascii_hexdigit() || matches!(c, b'+' | b'\'' | b'"' | b' ' | b'\t' | b'\n' | b'\r' | 0x0c | 0x0b))
}

/// Replaces `\XXXX`, `\+XXXXXX` and `\\`. `body` is the source offset of the literal's first character: positions of
/// errors are counted from there as if no quote were doubled, as PostgreSQL counts them.
pub(super) fn unescape(text: &str, value: &str, escape: u8, body: usize) -> Result<String> {
    let b = value.as_bytes();
    let mut out = String::with_capacity(value.len());
    let mut high: Option<u32> = None;
    let mut i = 0;
    let pair_error =
        |i: usize| err!(SYNTAX_ERROR, "invalid Unicode surrogate pair").at(cursor(text, (body + i) as u32));
    while i < b.len() {
        if b[i] != escape {
            if high.is_some() {
                return Err(pair_error(i));
            }
            let n = b[i..].iter().position(|c| *c == escape).unwrap_or(b.len() - i);
            out.push_str(&value[i..i + n]);
            i += n;
            continue;
        }
        let digits =
            |from: usize, n: usize| b.get(from..from + n).filter(|d| d.iter().all(u8::is_ascii_hexdigit)).map(hex);
        let (code, len) = if b.get(i + 1) == Some(&escape) {
            if high.is_some() {
                return Err(pair_error(i));
            }
            out.push(char::from(escape));
            i += 2;
            continue;
        } else if let Some(code) = digits(i + 1, 4) {
            (code, 5)
        } else if let Some(code) = (b.get(i + 1) == Some(&b'+')).then(|| digits(i + 2, 6)).flatten() {
            (code, 8)
        } else {
            return Err(Error::new(SqlState::SYNTAX_ERROR, "invalid Unicode escape")
                .hint("Unicode escapes must be \\XXXX or \\+XXXXXX.")
                .at(cursor(text, (body + i) as u32)));
        };
        let scalar = match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => {
                high = Some(code);
                i += len;
                continue;
            }
            (Some(h), 0xDC00..=0xDFFF) => 0x10000 + ((h & 0x3FF) << 10) + (code & 0x3FF),
            (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(pair_error(i)),
            (None, c) => c,
        };
        match char::from_u32(scalar).filter(|c| *c != '\0') {
            Some(c) => out.push(c),
            None => return Err(err!(SYNTAX_ERROR, "invalid Unicode escape value").at(cursor(text, (body + i) as u32))),
        }
        i += len;
    }
    match high {
        Some(_) => Err(pair_error(i)),
        None => Ok(out),
    }
}
