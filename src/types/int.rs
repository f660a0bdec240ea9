//! `int2`, `int4`, `int8`, and the unsigned `oid`, `xid`, `cid`, `xid8`.

use crate::bail;
use crate::base::Result;

/// Reads a signed integer; `name` is the type as messages show it.
pub fn parse<T: TryFrom<i64>>(text: &str, name: &str) -> Result<T> {
    let t = text.trim_matches(super::text::is_space);
    let digits = t.strip_prefix(['-', '+']).unwrap_or(t);
    let rest = digits.trim_start_matches(|c: char| c.is_ascii_digit());
    // What the number is too large for is told before what stands behind it.
    let value = t[..t.len() - rest.len()].parse::<i64>().ok().and_then(|v| T::try_from(v).ok());
    if rest.len() == digits.len() || value.is_some() && !rest.is_empty() {
        bail!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type {name}: \"{text}\"");
    }
    match value {
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

/// The number a transaction's id begins with, as C's strtoul reads it: 0 where there is none, in octal behind 0 and in
/// hexadecimal behind 0x; PostgreSQL 15 refuses nothing here (xid.c).
pub fn leading_u64(text: &str) -> u64 {
    let t = text.trim_start_matches(super::text::is_space);
    let (negative, t) = match t.strip_prefix(['-', '+']) {
        Some(rest) => (t.starts_with('-'), rest),
        None => (false, t),
    };
    let hexadecimal = t.strip_prefix("0x").or_else(|| t.strip_prefix("0X"));
    let (digits, radix) = match hexadecimal.filter(|h| h.starts_with(|c: char| c.is_ascii_hexdigit())) {
        Some(h) => (h, 16),
        None if t.starts_with('0') => (t, 8),
        None => (t, 10),
    };
    let mut digits = digits.chars().map_while(|c| c.to_digit(radix));
    let whole = digits.try_fold(0u64, |n, d| n.checked_mul(u64::from(radix))?.checked_add(u64::from(d)));
    match whole {
        None => u64::MAX,
        Some(n) if negative => n.wrapping_neg(),
        Some(n) => n,
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
