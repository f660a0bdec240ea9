//! `money`: cents, as the C locale shows them.

use crate::base::Result;
use crate::err;

pub fn parse(text: &str) -> Result<i64> {
    let invalid = || err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type money: \"{text}\"");
    let overflow = || err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type money");
    let mut t = text.trim();
    let mut negative = false;
    if let Some(inner) = t.strip_prefix('(') {
        t = inner.strip_suffix(')').unwrap_or(inner);
        negative = true;
    }
    loop {
        t = t.trim();
        if let Some(rest) = t.strip_prefix('-') {
            negative = true;
            t = rest;
        } else if let Some(rest) = t.strip_prefix(['+', '$']) {
            t = rest;
        } else if let Some(rest) = t.strip_suffix('-') {
            negative = true;
            t = rest;
        } else {
            break;
        }
    }
    let (whole, fraction) = t.split_once('.').unwrap_or((t, ""));
    if whole.is_empty() && fraction.is_empty() || !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return Err(invalid());
    }
    let mut cents: i64 = 0;
    let mut push = |d: u8| -> Result<()> {
        cents = cents.checked_mul(10).and_then(|c| c.checked_sub(i64::from(d))).ok_or_else(overflow)?;
        Ok(())
    };
    for b in whole.bytes() {
        match b {
            b'0'..=b'9' => push(b - b'0')?,
            b',' => {}
            _ => return Err(invalid()),
        }
    }
    let digit = |i: usize| fraction.as_bytes().get(i).map_or(0, |b| b - b'0');
    push(digit(0))?;
    push(digit(1))?;
    if digit(2) >= 5 {
        cents = cents.checked_sub(1).ok_or_else(overflow)?;
    }
    if negative { Ok(cents) } else { cents.checked_neg().ok_or_else(overflow) }
}

pub fn write(cents: i64, out: &mut Vec<u8>) {
    if cents < 0 {
        out.push(b'-');
    }
    out.push(b'$');
    let units = (cents.unsigned_abs() / 100).to_string();
    for (i, b) in units.bytes().enumerate() {
        if i > 0 && (units.len() - i).is_multiple_of(3) {
            out.push(b',');
        }
        out.push(b);
    }
    out.extend_from_slice(format!(".{:02}", cents.unsigned_abs() % 100).as_bytes());
}
