//! `macaddr` and `macaddr8`: six and eight bytes as they go over the wire.

use crate::base::Result;
use crate::err;

/// Reads the seven forms PostgreSQL knows (PostgreSQL 15, mac.c, macaddr_in): six numbers between colons or hyphens,
/// two or three groups, or twelve digits.
pub fn parse(text: &str) -> Result<[u8; 6]> {
    let t = text.trim_matches(super::text::is_space);
    let found = ([':', '-'].iter().find_map(|s| numbers(t, *s))).or_else(|| groups(t));
    let numbers =
        found.ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type macaddr: \"{text}\""))?;
    if numbers.iter().any(|n| *n > 255) {
        return Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "invalid octet value in \"macaddr\" value: \"{text}\""));
    }
    Ok(numbers.map(|n| n as u8))
}

/// Six numbers of any length.
fn numbers(text: &str, separator: char) -> Option<[u32; 6]> {
    let mut parts = text.split(separator);
    let mut out = [0; 6];
    for n in &mut out {
        let part = parts.next()?;
        if part.is_empty() || part.len() > 8 || !part.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        *n = u32::from_str_radix(part, 16).ok()?;
    }
    parts.next().is_none().then_some(out)
}

/// `xxxxxx:xxxxxx`, `xxxxxx-xxxxxx`, `xxxx.xxxx.xxxx`, `xxxx-xxxx-xxxx`, `xxxxxxxxxxxx`.
fn groups(text: &str) -> Option<[u32; 6]> {
    let lens = |separator: char| text.split(separator).map(str::len).collect::<Vec<_>>();
    let separator = match () {
        () if lens(':') == [6, 6] => ':',
        () if lens('-') == [6, 6] || lens('-') == [4, 4, 4] => '-',
        () if lens('.') == [4, 4, 4] => '.',
        () if text.len() == 12 => ' ',
        () => return None,
    };
    let digits: Vec<u32> = text.chars().filter(|c| *c != separator).map(|c| c.to_digit(16)).collect::<Option<_>>()?;
    let pairs = digits.as_chunks::<2>().0;
    <[u32; 6]>::try_from(pairs.iter().map(|[a, b]| a << 4 | b).collect::<Vec<_>>()).ok()
}

/// Reads six or eight pairs of digits, all with the same separator or none (PostgreSQL 15, mac8.c, macaddr8_in).
pub fn parse8(text: &str) -> Result<[u8; 8]> {
    read8(text.trim_matches(super::text::is_space))
        .ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type macaddr8: \"{text}\""))
}

fn read8(text: &str) -> Option<[u8; 8]> {
    let mut found = Vec::with_capacity(8);
    let mut separator = None;
    let mut chars = text.chars().peekable();
    while chars.peek().is_some() {
        let byte = chars.next()?.to_digit(16)? << 4 | chars.next()?.to_digit(16)?;
        found.push(byte as u8);
        if let Some(c) = chars.next_if(|c| matches!(c, ':' | '-' | '.'))
            && *separator.get_or_insert(c) != c
        {
            return None;
        }
    }
    match found.as_slice() {
        [a, b, c, d, e, f] => Some([*a, *b, *c, 0xFF, 0xFE, *d, *e, *f]),
        other => other.try_into().ok(),
    }
}

pub fn write(bytes: &[u8], out: &mut Vec<u8>) {
    for (n, b) in bytes.iter().enumerate() {
        if n > 0 {
            out.push(b':');
        }
        super::bytea::write_hex(&[*b], out);
    }
}

/// The longer form, `FF FE` in the middle.
pub fn widened(bytes: &[u8]) -> [u8; 8] {
    match *bytes {
        [a, b, c, d, e, f] => [a, b, c, 0xFF, 0xFE, d, e, f],
        _ => bytes.try_into().unwrap_or_default(),
    }
}
