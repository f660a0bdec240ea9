//! Text and wire forms of `numeric`.

use super::{DEC_DIGITS, Digits, Kind, MAX_SCALE, NBASE, Numeric, overflow};
use crate::base::Result;
use crate::{bail, err};

impl Numeric {
    /// Reads a number as PostgreSQL's `numeric_in` does, surrounding blanks allowed.
    pub fn parse(text: &str) -> Result<Numeric> {
        let invalid = || err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type numeric: \"{text}\"");
        let s = text.trim_matches(|c: char| c.is_ascii_whitespace() || c == '\x0b');
        let (neg, body) = match s.as_bytes().first() {
            Some(b'-') => (true, &s[1..]),
            Some(b'+') => (false, &s[1..]),
            _ => (false, s),
        };
        match body.as_bytes().first() {
            Some(b'0'..=b'9' | b'.') => {}
            _ if body.eq_ignore_ascii_case("infinity") || body.eq_ignore_ascii_case("inf") => {
                return Ok(Numeric::special(if neg { Kind::NegInf } else { Kind::PosInf }));
            }
            _ if s.eq_ignore_ascii_case("nan") => return Ok(Numeric::nan()),
            _ => return Err(invalid()),
        }
        let mut n = parse_finite(body).map_err(|e| e.unwrap_or_else(invalid))?;
        n.neg = neg && !n.digits.is_empty();
        if n.weight > super::MAX_WEIGHT || n.dscale > MAX_SCALE {
            return Err(overflow());
        }
        Ok(n)
    }

    /// Appends the text form with exactly `dscale` digits after the point.
    pub fn write_text(&self, out: &mut Vec<u8>) {
        match self.kind {
            Kind::NaN => return out.extend_from_slice(b"NaN"),
            Kind::PosInf => return out.extend_from_slice(b"Infinity"),
            Kind::NegInf => return out.extend_from_slice(b"-Infinity"),
            Kind::Finite => {}
        }
        if self.neg {
            out.push(b'-');
        }
        let digit = |position: i32| -> i16 {
            let at = self.weight - position;
            if at < 0 { 0 } else { self.digits.get(at as usize).copied().unwrap_or(0) }
        };
        if self.weight < 0 || self.digits.is_empty() {
            out.push(b'0');
        } else {
            let first = digit(self.weight);
            out.extend_from_slice(first.to_string().as_bytes());
            for position in (0..self.weight).rev() {
                out.extend_from_slice(&four(digit(position)));
            }
        }
        if self.dscale > 0 {
            out.push(b'.');
            let end = out.len() + self.dscale as usize;
            let mut position = -1;
            while out.len() < end {
                out.extend_from_slice(&four(digit(position)));
                position -= 1;
            }
            out.truncate(end);
        }
    }

    /// PostgreSQL's binary format: ndigits, weight, sign, dscale, digits, each int16 big-endian.
    pub fn write_binary(&self, out: &mut Vec<u8>) {
        let (sign, dscale): (u16, u16) = match self.kind {
            Kind::Finite => (if self.neg { 0x4000 } else { 0 }, self.dscale as u16),
            Kind::NaN => (0xC000, 0),
            Kind::PosInf => (0xD000, 0x20),
            Kind::NegInf => (0xF000, 0x20),
        };
        out.extend_from_slice(&(self.digits.len() as u16).to_be_bytes());
        out.extend_from_slice(&(self.weight as i16).to_be_bytes());
        out.extend_from_slice(&sign.to_be_bytes());
        out.extend_from_slice(&dscale.to_be_bytes());
        for d in &self.digits {
            out.extend_from_slice(&d.to_be_bytes());
        }
    }

    pub fn from_binary(bytes: &[u8]) -> Result<Numeric> {
        let words: Vec<u16> = bytes.as_chunks::<2>().0.iter().map(|c| u16::from_be_bytes(*c)).collect();
        let short = || err!(PROTOCOL_VIOLATION, "insufficient data left in message");
        let [ndigits, weight, sign, dscale] = *words.first_chunk::<4>().ok_or_else(short)?;
        let kind = match sign {
            0 | 0x4000 => Kind::Finite,
            0xC000 => Kind::NaN,
            0xD000 => Kind::PosInf,
            0xF000 => Kind::NegInf,
            _ => bail!(INVALID_BINARY_REPRESENTATION, "invalid sign in external \"numeric\" value"),
        };
        if dscale as i32 > MAX_SCALE {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid scale in external \"numeric\" value");
        }
        let digits = words.get(4..4 + ndigits as usize).ok_or_else(short)?;
        if digits.iter().any(|d| i32::from(*d) >= NBASE) {
            bail!(INVALID_BINARY_REPRESENTATION, "invalid digit in external \"numeric\" value");
        }
        if bytes.len() != 8 + 2 * digits.len() {
            bail!(INVALID_BINARY_REPRESENTATION, "incorrect binary data format");
        }
        if kind != Kind::Finite {
            return Ok(Numeric::special(kind));
        }
        let mut n = Numeric {
            kind,
            neg: sign == 0x4000,
            weight: (weight as i16).into(),
            dscale: dscale.into(),
            digits: digits.iter().map(|d| *d as i16).collect(),
        };
        n.strip();
        n.truncate(n.dscale);
        Ok(n)
    }
}

impl std::fmt::Display for Numeric {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = Vec::new();
        self.write_text(&mut out);
        f.write_str(std::str::from_utf8(&out).unwrap_or("?"))
    }
}

fn four(d: i16) -> [u8; 4] {
    let d = d as u16;
    [b'0' + (d / 1000) as u8, b'0' + (d / 100 % 10) as u8, b'0' + (d / 10 % 10) as u8, b'0' + (d % 10) as u8]
}

/// Digits, an optional point, an optional exponent. `Err(None)`: not a number.
fn parse_finite(body: &str) -> std::result::Result<Numeric, Option<crate::base::Error>> {
    let (mantissa, exponent) = match body.find(['e', 'E']) {
        Some(at) => (&body[..at], Some(&body[at + 1..])),
        None => (body, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if whole.is_empty() && fraction.is_empty() || !all_digits(whole) || !all_digits(fraction) {
        return Err(None);
    }
    let mut point = whole.len() as i64;
    let mut dscale = fraction.len() as i64;
    if let Some(e) = exponent {
        let digits = e.strip_prefix(['+', '-']).unwrap_or(e);
        if digits.is_empty() || !all_digits(digits) {
            return Err(None);
        }
        // PostgreSQL refuses exponents beyond INT_MAX/2 as overflow.
        let e: i64 = match e.parse::<i64>() {
            Ok(e) if e.abs() < i64::from(i32::MAX / 2) => e,
            _ => return Err(Some(overflow())),
        };
        point += e;
        dscale = (dscale - e).max(0);
    }
    if dscale > i64::from(MAX_SCALE) {
        return Err(Some(overflow()));
    }
    let mut n = from_decimal(whole.bytes().chain(fraction.bytes()).map(|b| b - b'0'), point);
    if n.weight > super::MAX_WEIGHT {
        return Err(Some(overflow()));
    }
    n.dscale = dscale as i32;
    Ok(n)
}

/// Builds a number from decimal digits; the point stands after `point` of them (may be negative or beyond).
pub(super) fn from_decimal(decimal: impl Iterator<Item = u8>, point: i64) -> Numeric {
    // Groups of four are counted from the point: how many zeros complete the first group.
    let width = i64::from(DEC_DIGITS);
    let lead = (-point).rem_euclid(width);
    let weight = (point + lead) / width - 1;
    let mut digits = Digits::new();
    let mut group: i16 = 0;
    let mut filled = lead;
    for d in decimal {
        group = group * 10 + i16::from(d);
        filled += 1;
        if filled == width {
            digits.push(group);
            (group, filled) = (0, 0);
        }
    }
    if filled > 0 {
        for _ in filled..width {
            group *= 10;
        }
        digits.push(group);
    }
    let weight = weight.clamp(i64::from(i32::MIN / 2), i64::from(i32::MAX / 2)) as i32;
    let mut n = Numeric { kind: Kind::Finite, neg: false, weight, dscale: 0, digits };
    n.strip();
    n
}
