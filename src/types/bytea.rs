//! `bytea`: any bytes; text in hex (`\x…`) or escape form.

use super::context::ByteaOutput;
use crate::base::Result;
use crate::{bail, err};

pub fn parse(text: &str) -> Result<Vec<u8>> {
    if let Some(hex) = text.strip_prefix("\\x") {
        return parse_hex(hex);
    }
    let b = text.as_bytes();
    let octal = |i: usize, max: u8| b.get(i).filter(|c| (b'0'..=max).contains(c)).map(|c| c - b'0');
    let mut out = Vec::with_capacity(b.len());
    let mut i = 0;
    while i < b.len() {
        if b[i] != b'\\' {
            out.push(b[i]);
            i += 1;
        } else if let (Some(x), Some(y), Some(z)) = (octal(i + 1, b'3'), octal(i + 2, b'7'), octal(i + 3, b'7')) {
            out.push(x << 6 | y << 3 | z);
            i += 4;
        } else if b.get(i + 1) == Some(&b'\\') {
            out.push(b'\\');
            i += 2;
        } else {
            bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type bytea");
        }
    }
    Ok(out)
}

/// Hexadecimal digits in pairs; blanks between pairs are allowed.
pub fn parse_hex(text: &str) -> Result<Vec<u8>> {
    let digit = |c: char| match c.to_digit(16) {
        Some(d) => Ok(d as u8),
        None => Err(err!(INVALID_PARAMETER_VALUE, "invalid hexadecimal digit: \"{c}\"")),
    };
    let mut out = Vec::with_capacity(text.len() / 2);
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if matches!(c, ' ' | '\n' | '\t' | '\r') {
            continue;
        }
        let high = digit(c)?;
        let Some(low) = chars.next() else {
            bail!(INVALID_PARAMETER_VALUE, "invalid hexadecimal data: odd number of digits")
        };
        out.push(high << 4 | digit(low)?);
    }
    Ok(out)
}

pub fn write_hex(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    out.reserve(2 * bytes.len());
    for b in bytes {
        out.push(DIGITS[(b >> 4) as usize]);
        out.push(DIGITS[(b & 15) as usize]);
    }
}

pub fn write_escape(bytes: &[u8], out: &mut Vec<u8>) {
    for &b in bytes {
        match b {
            b'\\' => out.extend_from_slice(b"\\\\"),
            0x20..=0x7e => out.push(b),
            _ => out.extend_from_slice(&[b'\\', b'0' + (b >> 6), b'0' + (b >> 3 & 7), b'0' + (b & 7)]),
        }
    }
}

pub fn write(bytes: &[u8], style: ByteaOutput, out: &mut Vec<u8>) {
    match style {
        ByteaOutput::Hex => {
            out.extend_from_slice(b"\\x");
            write_hex(bytes, out);
        }
        ByteaOutput::Escape => write_escape(bytes, out),
    }
}
