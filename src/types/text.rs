//! `text`, `varchar`, `bpchar`, `name` and `"char"`: UTF-8 without NUL characters.
//!
//! Bytes: the text; `bpchar` with its blanks; `"char"` is one byte, or none for the NUL character.

use crate::base::Result;
use crate::err;

/// Bytes a `name` can hold.
pub const NAME_MAX: usize = 63;

/// What C's isspace takes for a blank.
pub fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0b' | '\x0c' | '\r')
}

/// Cuts a text to at most `max` bytes without splitting a character.
pub fn clip(text: &str, max: usize) -> &str {
    if text.len() <= max {
        return text;
    }
    let mut end = max;
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The byte offset of character `n`, None if the text has fewer.
pub fn char_offset(text: &str, n: usize) -> Option<usize> {
    if text.len() <= n && text.is_ascii() {
        return (text.len() == n).then_some(n);
    }
    text.char_indices().map(|(i, _)| i).chain(std::iter::once(text.len())).nth(n)
}

/// Applies `varchar(n)`: blanks beyond n characters are dropped, anything else there is an error.
/// An explicit cast cuts silently.
pub fn varchar(text: &str, typmod: i32, explicit: bool) -> Result<&str> {
    if typmod < 4 {
        return Ok(text);
    }
    let max = (typmod - 4) as usize;
    fit(text, max, explicit)
        .ok_or_else(|| err!(STRING_DATA_RIGHT_TRUNCATION, "value too long for type character varying({max})"))
}

/// The first `max` characters, None if something other than blanks would be lost.
fn fit(text: &str, max: usize, explicit: bool) -> Option<&str> {
    if text.len() <= max {
        return Some(text);
    }
    match char_offset(text, max) {
        None => Some(text),
        Some(end) if explicit || text[end..].bytes().all(|b| b == b' ') => Some(&text[..end]),
        Some(_) => None,
    }
}

/// Applies `character(n)`: fills with blanks or cuts, as [`varchar`] does.
pub fn bpchar(text: &str, typmod: i32, explicit: bool, out: &mut Vec<u8>) -> Result<()> {
    if typmod < 4 {
        out.extend_from_slice(text.as_bytes());
        return Ok(());
    }
    let max = (typmod - 4) as usize;
    let fitting = fit(text, max, explicit)
        .ok_or_else(|| err!(STRING_DATA_RIGHT_TRUNCATION, "value too long for type character({max})"))?;
    out.extend_from_slice(fitting.as_bytes());
    let chars = fitting.chars().count();
    out.resize(out.len() + max.saturating_sub(chars), b' ');
    Ok(())
}

/// Without the blanks at the end, which do not count in a `bpchar`.
pub fn trim_blanks(bytes: &[u8]) -> &[u8] {
    let mut end = bytes.len();
    // Whole words first: long blank tails are common.
    while end >= 8 && bytes[end - 8..end] == *b"        " {
        end -= 8;
    }
    while end > 0 && bytes[end - 1] == b' ' {
        end -= 1;
    }
    &bytes[..end]
}

/// A value of type `"char"`: the first byte, or one written as three octal digits. Empty: the byte 0.
pub fn char_in(s: &str) -> Vec<u8> {
    let byte = match s.as_bytes() {
        [b'\\', a @ b'0'..=b'7', b @ b'0'..=b'7', c @ b'0'..=b'7'] => {
            let value = u32::from(a - b'0') << 6 | u32::from(b - b'0') << 3 | u32::from(c - b'0');
            value as u8
        }
        [first, ..] => *first,
        [] => 0,
    };
    if byte == 0 { Vec::new() } else { vec![byte] }
}

/// Its text: bytes that are no character alone as octal digits.
pub fn char_out(value: &[u8], out: &mut Vec<u8>) {
    match value {
        [b] if !b.is_ascii() => out.extend_from_slice(format!("\\{b:03o}").as_bytes()),
        _ => out.extend_from_slice(value),
    }
}

/// Text received from a client: valid UTF-8 without NUL.
pub fn check(bytes: &[u8]) -> Result<&str> {
    let invalid = |at: usize, len: usize| {
        let shown: Vec<String> = bytes[at..(at + len).min(bytes.len())].iter().map(|b| format!("0x{b:02x}")).collect();
        err!(CHARACTER_NOT_IN_REPERTOIRE, "invalid byte sequence for encoding \"UTF8\": {}", shown.join(" "))
    };
    match std::str::from_utf8(bytes) {
        Ok(t) => match bytes.iter().position(|b| *b == 0) {
            None => Ok(t),
            Some(at) => Err(invalid(at, 1)),
        },
        Err(e) => {
            let at = e.valid_up_to();
            let expected = match bytes[at] {
                0xC0..=0xDF => 2,
                0xE0..=0xEF => 3,
                0xF0..=0xF7 => 4,
                _ => 1,
            };
            Err(invalid(at, expected))
        }
    }
}
