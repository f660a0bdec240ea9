//! Text and binary forms of ranges and multiranges. PostgreSQL 15, rangetypes.c and multirangetypes.c.

use super::{Bound, EMPTY, LOWER_INCLUSIVE, LOWER_INFINITE, Multirange, Range, UPPER_INCLUSIVE, UPPER_INFINITE};
use super::{corrupt, family, range_of};
use crate::base::{Error, Oid, Result};
use crate::types::io::{Wire, binary_in, sized_binary, text_in, text_out};
use crate::types::text::is_space;
use crate::types::{Datum, IoContext, Value};
use crate::{bail, err};

#[cold]
fn malformed(kind: &str, text: &str, detail: &str) -> Error {
    err!(INVALID_TEXT_REPRESENTATION, "malformed {kind} literal: \"{text}\"").detail(detail)
}

fn starts_with_empty(s: &str) -> bool {
    s.get(..5).is_some_and(|w| w.eq_ignore_ascii_case("empty"))
}

pub fn parse(typ: Oid, text: &str, io: &IoContext) -> Result<Vec<u8>> {
    let sub = family(typ).ok_or_else(corrupt)?.subtype;
    let bad = |detail: &str| malformed("range", text, detail);
    let rest = text.trim_start_matches(is_space);
    if starts_with_empty(rest) {
        if !rest[5..].trim_start_matches(is_space).is_empty() {
            return Err(bad("Junk after \"empty\" key word."));
        }
        return Ok(Range::empty(typ).to_bytes());
    }
    let (low_in, rest) = match rest.chars().next() {
        Some('[') => (true, &rest[1..]),
        Some('(') => (false, &rest[1..]),
        _ => return Err(bad("Missing left parenthesis or bracket.")),
    };
    let (low, rest) = bound(rest).ok_or_else(|| bad("Unexpected end of input."))?;
    let Some(rest) = rest.strip_prefix(',') else { return Err(bad("Missing comma after lower bound.")) };
    let (high, rest) = bound(rest).ok_or_else(|| bad("Unexpected end of input."))?;
    let high_in = match rest.as_bytes().first() {
        Some(b']') => true,
        Some(b')') => false,
        _ => return Err(bad("Too many commas.")),
    };
    if !rest[1..].trim_start_matches(is_space).is_empty() {
        return Err(bad("Junk after right parenthesis or bracket."));
    }
    let read = |b: Option<String>| b.map_or(Ok(Value::Null), |s| text_in(sub, &s, io));
    let (low, high) = (read(low)?, read(high)?);
    Range::make(typ, Bound::new(low.datum(), low_in, true), Bound::new(high.datum(), high_in, false))
}

/// One bound up to its comma, parenthesis or bracket; None inside: infinite; None: the text ends too soon.
fn bound(s: &str) -> Option<(Option<String>, &str)> {
    if s.starts_with([',', ')', ']']) {
        return Some((None, s));
    }
    let mut out = String::new();
    let mut quoted = false;
    let mut chars = s.char_indices().peekable();
    while let Some((i, c)) = chars.next() {
        match c {
            ',' | ')' | ']' if !quoted => return Some((Some(out), &s[i..])),
            '\\' => out.push(chars.next()?.1),
            '"' if !quoted => quoted = true,
            '"' if chars.peek().is_some_and(|(_, n)| *n == '"') => {
                chars.next();
                out.push('"');
            }
            '"' => quoted = false,
            c => out.push(c),
        }
    }
    None
}

pub fn write(stored: &[u8], out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    write_range(&Range::new(stored), out, io)
}

fn write_range(range: &Range<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    if range.empty {
        out.extend_from_slice(b"empty");
        return Ok(());
    }
    out.push(if range.lower.inclusive { b'[' } else { b'(' });
    write_bound(range, range.lower.value, out, io)?;
    out.push(b',');
    write_bound(range, range.upper.value, out, io)?;
    out.push(if range.upper.inclusive { b']' } else { b')' });
    Ok(())
}

fn write_bound(range: &Range<'_>, value: Datum<'_>, out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    if value.is_null() {
        return Ok(());
    }
    let mut text = Vec::new();
    text_out(range.sub(), value, &mut text, io)?;
    let special = |b: &u8| matches!(b, b'"' | b'\\' | b'(' | b')' | b'[' | b']' | b',') || is_space(char::from(*b));
    if !text.is_empty() && !text.iter().any(special) {
        out.extend_from_slice(&text);
        return Ok(());
    }
    out.push(b'"');
    for b in text {
        if matches!(b, b'"' | b'\\') {
            out.push(b);
        }
        out.push(b);
    }
    out.push(b'"');
    Ok(())
}

/// A flag byte, then the finite bounds with their lengths.
pub fn write_binary(stored: &[u8], out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    let range = Range::new(stored);
    out.push(range.flags());
    for bound in [range.lower, range.upper] {
        if !bound.infinite() {
            sized_binary(range.sub(), bound.value, out, io)?;
        }
    }
    Ok(())
}

pub fn from_binary(typ: Oid, bytes: &[u8], io: &IoContext) -> Result<Vec<u8>> {
    let sub = family(typ).ok_or_else(corrupt)?.subtype;
    let Some((&flags, rest)) = bytes.split_first() else { bail!(PROTOCOL_VIOLATION, "no data left in message") };
    let mut wire = Wire(rest);
    let mut values = [Value::Null, Value::Null];
    for (value, infinite) in values.iter_mut().zip([LOWER_INFINITE, UPPER_INFINITE]) {
        if flags & (EMPTY | infinite) == 0 {
            *value = match wire.sized()? {
                Some(b) => binary_in(sub, b, io)?,
                None => bail!(PROTOCOL_VIOLATION, "insufficient data left in message"),
            };
        }
    }
    if !wire.0.is_empty() {
        bail!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    }
    if flags & EMPTY != 0 {
        return Ok(Range::empty(typ).to_bytes());
    }
    let [low, high] = values;
    let lower = Bound::new(low.datum(), flags & LOWER_INCLUSIVE != 0, true);
    let upper = Bound::new(high.datum(), flags & UPPER_INCLUSIVE != 0, false);
    Range::make(typ, lower, upper)
}

pub fn multi_parse(typ: Oid, text: &str, io: &IoContext) -> Result<Vec<u8>> {
    enum At {
        Before,
        Inside(usize),
        Quoted(usize),
        After,
        Done,
    }
    let range = range_of(typ).ok_or_else(corrupt)?;
    let bad = |detail: &str| malformed("multirange", text, detail);
    let start = text.trim_start_matches(is_space);
    let Some(body) = start.strip_prefix('{') else { return Err(bad("Missing left brace.")) };
    let (mut at, mut ranges, mut seen) = (At::Before, Vec::new(), 0);
    let mut i = 0;
    while !matches!(at, At::Done) {
        let Some(c) = body[i..].chars().next() else { return Err(bad("Unexpected end of input.")) };
        let mut next = i + c.len_utf8();
        at = match at {
            at if is_space(c) => at,
            At::Before => match c {
                '[' | '(' => At::Inside(i),
                '}' if seen == 0 => At::Done,
                _ if starts_with_empty(&body[i..]) => {
                    seen += 1;
                    next = i + 5;
                    At::After
                }
                _ => return Err(bad("Expected range start.")),
            },
            At::Inside(from) => match c {
                ']' | ')' => {
                    ranges.push(parse(range, &body[from..next], io)?);
                    seen += 1;
                    At::After
                }
                '"' => At::Quoted(from),
                '\\' => {
                    next += body[next..].chars().next().map_or(0, char::len_utf8);
                    At::Inside(from)
                }
                _ => At::Inside(from),
            },
            At::Quoted(from) => match c {
                '"' if body[next..].starts_with('"') => {
                    next += 1;
                    At::Quoted(from)
                }
                '"' => At::Inside(from),
                '\\' => {
                    next += body[next..].chars().next().map_or(0, char::len_utf8);
                    At::Quoted(from)
                }
                _ => At::Quoted(from),
            },
            At::After => match c {
                ',' => At::Before,
                '}' => At::Done,
                _ => return Err(bad("Expected comma or end of multirange.")),
            },
            At::Done => At::Done,
        };
        i = next;
    }
    if !body[i..].trim_start_matches(is_space).is_empty() {
        return Err(bad("Junk after closing right brace."));
    }
    Multirange::make(typ, &ranges)
}

pub fn multi_write(stored: &[u8], out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    out.push(b'{');
    for (n, range) in Multirange::new(stored).ranges.iter().enumerate() {
        if n > 0 {
            out.push(b',');
        }
        write_range(range, out, io)?;
    }
    out.push(b'}');
    Ok(())
}

/// The number of ranges, then each with its length.
pub fn multi_write_binary(stored: &[u8], out: &mut Vec<u8>, io: &IoContext) -> Result<()> {
    let multi = Multirange::new(stored);
    out.extend_from_slice(&(multi.ranges.len() as u32).to_be_bytes());
    for range in &multi.ranges {
        let start = out.len();
        out.extend_from_slice(&[0; 4]);
        write_binary(&range.to_bytes(), out, io)?;
        let len = (out.len() - start - 4) as u32;
        out[start..start + 4].copy_from_slice(&len.to_be_bytes());
    }
    Ok(())
}

pub fn multi_from_binary(typ: Oid, bytes: &[u8], io: &IoContext) -> Result<Vec<u8>> {
    let range = range_of(typ).ok_or_else(corrupt)?;
    let mut wire = Wire(bytes);
    let count = wire.i32()? as u32;
    let mut ranges = Vec::new();
    for _ in 0..count {
        match wire.sized()? {
            Some(b) => ranges.push(from_binary(range, b, io)?),
            None => bail!(PROTOCOL_VIOLATION, "insufficient data left in message"),
        }
    }
    if !wire.0.is_empty() {
        bail!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
    }
    Multirange::make(typ, &ranges)
}
