//! `int2`, `int4`, `int8`, and the unsigned `oid`, `xid`, `cid`, `xid8`.

use crate::bail;
use crate::base::Result;

/// Reads a signed integer; `name` is the type as messages show it.
pub fn parse<T: TryFrom<i64>>(text: &str, name: &str) -> Result<T> {
    let t = text.trim_matches(super::text::is_space);
    let digits = t.strip_prefix(['-', '+']).unwrap_or(t);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\"");
    }
    match t.parse::<i64>().ok().and_then(|v| T::try_from(v).ok()) {
        Some(v) => Ok(v),
        None => bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type {name}"),
    }
}

/// Reads an unsigned 32-bit number; a minus sign wraps around, as with C's strtoul.
pub fn parse_u32(text: &str, name: &str) -> Result<u32> {
    let t = text.trim_matches(super::text::is_space);
    let digits = t.strip_prefix(['-', '+']).unwrap_or(t);
    if digits.is_empty() || !digits.bytes().all(|b| b.is_ascii_digit()) {
        bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\"");
    }
    let value = t.parse::<i64>().ok();
    match value.filter(|v| (i64::from(i32::MIN)..=i64::from(u32::MAX)).contains(v)) {
        Some(v) => Ok(v as u32),
        None => bail!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type {name}"),
    }
}

/// Reads an `xid8`: unsigned 64 bits.
pub fn parse_u64(text: &str, name: &str) -> Result<u64> {
    let t = text.trim_matches(super::text::is_space);
    match t.parse() {
        Ok(v) => Ok(v),
        Err(_) => bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\""),
    }
}

/// Appends a number's digits.
pub fn write(value: impl Into<i128>, out: &mut Vec<u8>) {
    let mut digits = [0; 40];
    let mut at = digits.len();
    let value: i128 = value.into();
    // Nearly all numbers fit 64 bits, where division is quick.
    match u64::try_from(value.unsigned_abs()) {
        Ok(mut rest) => loop {
            at -= 1;
            digits[at] = b'0' + (rest % 10) as u8;
            rest /= 10;
            if rest == 0 {
                break;
            }
        },
        Err(_) => return out.extend_from_slice(value.to_string().as_bytes()),
    }
    if value < 0 {
        at -= 1;
        digits[at] = b'-';
    }
    out.extend_from_slice(&digits[at..]);
}
