//! PGP's ASCII armour (RFC 4880, 6).

use super::failed;
use crate::base::{Flow, Result};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::func::FnContext;
use crate::types::array::Array;
use crate::types::{Column, Datum, TypeRef, Value};

const BEGIN: &str = "-----BEGIN PGP MESSAGE-----";
const END: &str = "-----END PGP MESSAGE-----";
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

fn crc24(data: &[u8]) -> u32 {
    let mut crc: u32 = 0xb7_04ce;
    for byte in data {
        crc ^= u32::from(*byte) << 16;
        for _ in 0..8 {
            crc = if crc & 0x80_0000 != 0 { crc << 1 ^ 0x186_4cfb } else { crc << 1 };
        }
    }
    crc & 0xff_ffff
}

fn encode(data: &[u8]) -> String {
    let mut out = String::new();
    for three in data.chunks(3) {
        let bits = (0..3).fold(0, |bits, n| bits << 8 | u32::from(three.get(n).copied().unwrap_or_default()));
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n)) as usize & 0x3f] as char;
            out.push(if n <= three.len() { digit } else { '=' });
        }
    }
    out
}

fn decode(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let mut out = Vec::new();
    let last = digits.len() / 4;
    for (n, four) in digits.chunks(4).enumerate() {
        let pad = four.iter().rev().take_while(|b| **b == b'=').count();
        if pad > 2 || pad > 0 && n + 1 < last {
            return None;
        }
        let mut bits: u32 = 0;
        for digit in &four[..4 - pad] {
            bits = bits << 6 | DIGITS.iter().position(|d| d == digit)? as u32;
        }
        bits <<= 6 * pad;
        out.extend(&bits.to_be_bytes()[1..4 - pad]);
    }
    Some(out)
}

/// The pairs of two arrays.
fn pairs(keys: &[u8], values: &[u8]) -> Result<Vec<(String, String)>> {
    let (keys, values) = (Array::new(keys), Array::new(values));
    if keys.dims.len() > 1 || values.dims.len() > 1 {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts"));
    }
    if keys.len() != values.len() {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "mismatched array dimensions"));
    }
    let mut out = Vec::new();
    for (key, value) in keys.iter().zip(values.iter()) {
        for (part, word) in [(key, "key"), (value, "value")] {
            if part.is_null() {
                return Err(err!(NULL_VALUE_NOT_ALLOWED, "null value not allowed for header {word}"));
            }
        }
        for (part, word) in [(key, "key"), (value, "value")] {
            let text = part.str();
            if !text.is_ascii() {
                return Err(err!(INVALID_PARAMETER_VALUE, "header {word} must not contain non-ASCII characters"));
            }
            if word == "key" && text.contains(": ") {
                return Err(err!(INVALID_PARAMETER_VALUE, "header key must not contain \": \""));
            }
            if text.contains('\n') {
                return Err(err!(INVALID_PARAMETER_VALUE, "header {word} must not contain newlines"));
            }
        }
        out.push((key.str().to_owned(), value.str().to_owned()));
    }
    Ok(out)
}

pub(super) fn armor(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let headers = match args {
        [_, keys, values] => pairs(keys.bytes(), values.bytes())?,
        _ => Vec::new(),
    };
    let mut text = format!("{BEGIN}\n");
    headers.iter().for_each(|(key, value)| text += &format!("{key}: {value}\n"));
    text.push('\n');
    let body = encode(args[0].bytes());
    let mut left = body.as_str();
    while !left.is_empty() {
        let (line, rest) = left.split_at(left.len().min(76));
        text += line;
        text.push('\n');
        left = rest;
    }
    text += &format!("={}\n{END}\n", encode(&crc24(args[0].bytes()).to_be_bytes()[1..]));
    out.push(Datum::Bytes(text.as_bytes()));
    Ok(())
}

/// The lines of the headers, and what is between them and the end.
fn parts(text: &str) -> Option<(Vec<&str>, String)> {
    let mut lines = text.lines().skip_while(|l| !(l.starts_with("-----BEGIN ") && l.trim_end().ends_with("-----")));
    lines.next()?;
    let headers: Vec<&str> = lines.by_ref().take_while(|l| !l.trim_end().is_empty()).collect();
    let mut body = String::new();
    for line in lines {
        if line.starts_with("-----END ") {
            return Some((headers, body));
        }
        body += line.trim_end();
        body.push('\n');
    }
    None
}

fn unarmored(text: &str) -> Option<Vec<u8>> {
    let (_, body) = parts(text)?;
    let (data, crc) = match body.trim_end().rsplit_once('\n') {
        Some((data, last)) if last.starts_with('=') => (data, &last[1..]),
        None if body.starts_with('=') => ("", body.trim_end().strip_prefix('=')?),
        _ => return None,
    };
    let (data, crc) = (decode(data)?, decode(crc)?);
    (crc == crc24(&data).to_be_bytes()[1..]).then_some(data)
}

pub(super) fn dearmor(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let data = unarmored(args[0].str()).ok_or_else(|| failed("Corrupt ascii-armor"))?;
    out.push(Datum::Bytes(&data));
    Ok(())
}

pub(super) fn headers(_: &mut ExecContext, args: &[Value], _: &[TypeRef]) -> Flow<Vec<Vec<Value>>> {
    let corrupt = || failed("Corrupt ascii-armor");
    let (headers, _) = parts(args[0].datum().str()).ok_or_else(corrupt)?;
    let mut rows = Vec::new();
    for line in headers {
        let (key, value) = line.split_once(": ").ok_or_else(corrupt)?;
        rows.push(vec![Value::text(key), Value::text(value)]);
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::Phys;

    /// The armour of any bytes is taken off again; a wrong sum is seen.
    #[test]
    fn there_and_back() {
        for length in [0, 1, 2, 3, 56, 57, 58, 200] {
            let data: Vec<u8> = (0..length).map(|n| n as u8).collect();
            let mut out = Column::new(Phys::Bytes);
            armor(&mut FnContext::default(), &[Datum::Bytes(&data)], &mut out).unwrap();
            let text = out.get(0).str().to_owned();
            assert_eq!(unarmored(&text).unwrap(), data);
            assert!(unarmored(&text.replace("\n=", "\n=A")).is_none());
        }
    }
}
