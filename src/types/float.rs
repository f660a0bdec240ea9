//! `float4` and `float8`: shortest text that reads back the same, NaN equal to itself and greatest.

use super::shortest::{shortest_f32, shortest_f64};
use crate::base::Result;
use crate::{bail, err};
use std::cmp::Ordering;

/// What a text names if it is not made of digits.
fn word(t: &str) -> Option<f64> {
    let (neg, body) = match t.as_bytes().first()? {
        b'-' => (true, &t[1..]),
        b'+' => (false, &t[1..]),
        _ => (false, t),
    };
    let value = if body.eq_ignore_ascii_case("nan") {
        f64::NAN
    } else if body.eq_ignore_ascii_case("infinity") || body.eq_ignore_ascii_case("inf") {
        f64::INFINITY
    } else {
        return None;
    };
    Some(if neg { -value } else { value })
}

/// `0x1.8p3`, which C's strtod reads, too; rounded twice where it has more digits than fit.
fn hexadecimal(t: &str) -> Option<f64> {
    let body = t.strip_prefix(['-', '+']).unwrap_or(t);
    let body = body.strip_prefix("0x").or_else(|| body.strip_prefix("0X"))?;
    let (mantissa, exponent) = match body.split_once(['p', 'P']) {
        Some((m, e)) => (m, e.parse::<i32>().ok()?),
        None => (body, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for c in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
    }
    let shift = exponent.saturating_sub(i32::try_from(fraction.len()).ok()?.saturating_mul(4));
    let value = value * f64::from(2).powi(shift.clamp(-2000, 2000));
    Some(if t.starts_with('-') { -value } else { value }).filter(|v| v.is_finite())
}

fn well_formed(t: &str) -> bool {
    let t = t.strip_prefix(['-', '+']).unwrap_or(t);
    let (mantissa, exponent) = match t.find(['e', 'E']) {
        Some(at) => (&t[..at], Some(&t[at + 1..])),
        None => (t, None),
    };
    let digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let exponent_ok = exponent.is_none_or(|e| {
        let e = e.strip_prefix(['-', '+']).unwrap_or(e);
        !e.is_empty() && digits(e)
    });
    (!whole.is_empty() || !fraction.is_empty()) && digits(whole) && digits(fraction) && exponent_ok
}

fn has_nonzero_digit(t: &str) -> bool {
    let mantissa = t.split(['e', 'E']).next().unwrap_or(t);
    mantissa.bytes().any(|b| (b'1'..=b'9').contains(&b))
}

macro_rules! reader {
    ($name:ident, $t:ty, $type_name:literal) => {
        pub fn $name(text: &str) -> Result<$t> {
            let t = text.trim_matches(super::text::is_space);
            if let Some(v) = word(t).or_else(|| hexadecimal(t)) {
                return Ok(v as $t);
            }
            if !well_formed(t) {
                bail!(
                    INVALID_TEXT_REPRESENTATION,
                    concat!("invalid input syntax for type ", $type_name, ": \"{}\""),
                    text
                );
            }
            match t.parse::<$t>() {
                Ok(v) if v.is_finite() && (v != 0.0 || !has_nonzero_digit(t)) => Ok(v),
                _ => Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, concat!("\"{}\" is out of range for type ", $type_name), t)),
            }
        }
    };
}

reader!(parse_f64, f64, "double precision");
reader!(parse_f32, f32, "real");

/// Appends the text of a `float8`.
pub fn write_f64(v: f64, extra_float_digits: i32, out: &mut Vec<u8>) {
    if !v.is_finite() {
        return special(v, out);
    }
    if extra_float_digits > 0 {
        layout(&shortest_f64(v), 15, out);
    } else {
        write_g(v, (15 + extra_float_digits).max(1) as usize, out);
    }
}

/// Appends the text of a `float4`.
pub fn write_f32(v: f32, extra_float_digits: i32, out: &mut Vec<u8>) {
    if !v.is_finite() {
        return special(v.into(), out);
    }
    if extra_float_digits > 0 {
        layout(&shortest_f32(v), 6, out);
    } else {
        write_g(v.into(), (6 + extra_float_digits).max(1) as usize, out);
    }
}

fn special(v: f64, out: &mut Vec<u8>) {
    out.extend_from_slice(if v.is_nan() {
        b"NaN"
    } else if v > 0.0 {
        b"Infinity"
    } else {
        b"-Infinity"
    });
}

/// C's `%.*g`: so many significant digits, trailing zeros dropped.
pub fn write_g(v: f64, digits: usize, out: &mut Vec<u8>) {
    let text = format!("{v:.*e}", digits - 1);
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    layout(&format!("{mantissa}e{exponent}"), digits as i32, out);
}

/// Writes `d.ddde±x` plainly if −4 ≤ x < `limit`, else with an exponent of at least two digits.
fn layout(scientific: &str, limit: i32, out: &mut Vec<u8>) {
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let (sign, mantissa) = match mantissa.strip_prefix('-') {
        Some(m) => ("-", m),
        None => ("", mantissa),
    };
    out.extend_from_slice(sign.as_bytes());
    if exponent < -4 || exponent >= limit {
        out.extend_from_slice(mantissa.as_bytes());
        out.extend_from_slice(if exponent < 0 { b"e-" } else { b"e+" });
        out.extend_from_slice(format!("{:02}", exponent.abs()).as_bytes());
        return;
    }
    let digits: Vec<u8> = mantissa.bytes().filter(|b| *b != b'.').collect();
    if exponent < 0 {
        out.extend_from_slice(b"0.");
        out.resize(out.len() + (-exponent - 1) as usize, b'0');
        out.extend_from_slice(&digits);
        return;
    }
    let whole = exponent as usize + 1;
    if digits.len() <= whole {
        out.extend_from_slice(&digits);
        out.resize(out.len() + whole - digits.len(), b'0');
    } else {
        out.extend_from_slice(&digits[..whole]);
        out.push(b'.');
        out.extend_from_slice(&digits[whole..]);
    }
}

/// NaN is greatest and equals itself; −0 equals 0.
pub fn compare(a: f64, b: f64) -> Ordering {
    match a.partial_cmp(&b) {
        Some(o) => o,
        None => a.is_nan().cmp(&b.is_nan()),
    }
}

/// A number whose unsigned order is [`compare`]'s.
pub fn key(v: f64) -> u64 {
    let v = if v.is_nan() {
        f64::NAN
    } else if v == 0.0 {
        0.0
    } else {
        v
    };
    let bits = v.to_bits() & if v.is_nan() { u64::MAX >> 1 } else { u64::MAX };
    if bits >> 63 == 1 { !bits } else { bits | 1 << 63 }
}
