//! `numeric`: decimal numbers of up to 131,072 digits before and 16,383 after the point, NaN and both infinities.
//!
//! Bytes: a header u16 LE, for most numbers a short one with all that is to be known (PostgreSQL 15, numeric.c,
//! NUMERIC_SHORT: same fields), then the digits u16 LE, each 0-9,999, without leading or trailing zero digits. Zero has no
//! digits.
//!
//! | bits 15, 14 | header |
//! |---|---|
//! | 11 | short: bit 13 negative, bits 7-12 display scale, bits 0-6 weight (power of 10,000 of the first digit, signed) |
//! | 00, 01 | positive, negative: bits 0-13 display scale; the weight i16 LE follows |
//! | 10 | special: bits 0-1 tell NaN 0, Infinity 1, −Infinity 2; nothing follows |
//!
//! Invariants
//! - NUM-1: digits are stripped, zero has weight 0 and is positive; so equal values differ at most in the scale.

mod arith;
mod convert;
mod math;
mod sum;
mod text;

use crate::base::{Error, Result};
use crate::err;
use smallvec::SmallVec;
use std::cmp::Ordering;

pub use math::{factorial, width_bucket};
pub use sum::Sum;

/// The radix of the digits.
pub const NBASE: i32 = 10_000;
/// Decimal digits in a digit.
pub const DEC_DIGITS: i32 = 4;
/// At least this many significant digits in the results of inexact operations.
pub const MIN_SIG_DIGITS: i32 = 16;
/// Greatest scale an inexact operation chooses by itself.
pub const MAX_DISPLAY_SCALE: i32 = 1000;
/// Greatest scale a value can have.
pub const MAX_SCALE: i32 = 0x3FFF;
pub const MAX_WEIGHT: i32 = i16::MAX as i32;

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Finite,
    NaN,
    PosInf,
    NegInf,
}

pub type Digits = SmallVec<[i16; 8]>;

/// A number taken apart.
#[derive(Clone, Debug)]
pub struct Numeric {
    pub kind: Kind,
    pub neg: bool,
    /// Power of [`NBASE`] of the first digit.
    pub weight: i32,
    /// Decimal digits shown after the point.
    pub dscale: i32,
    pub digits: Digits,
}

/// Bits 14 and 15 of a header.
const FORM: u16 = 3 << 14;
const SHORT: u16 = FORM;
const SPECIAL: u16 = 1 << 15;
const NEGATIVE: u16 = 1 << 14;
/// Of a short header.
const SHORT_NEGATIVE: u16 = 1 << 13;
const SHORT_SCALE_SHIFT: u32 = 7;
const MAX_SHORT_SCALE: i32 = 0x3F;
const SHORT_WEIGHTS: std::ops::RangeInclusive<i32> = -64..=63;

/// What a number's bytes begin with.
#[derive(Clone, Copy)]
struct Head {
    kind: Kind,
    neg: bool,
    weight: i32,
    dscale: i32,
}

impl Head {
    /// The head and the digits; None for no bytes at all. A damaged form reads as some number.
    #[inline]
    fn of(bytes: &[u8]) -> Option<(Head, &[[u8; 2]])> {
        let (header, rest) = bytes.split_first_chunk::<2>()?;
        let header = u16::from_le_bytes(*header);
        let (head, rest) = match header & FORM {
            SHORT => {
                // The sign of the weight is bit 6.
                let weight = i32::from(((header << 1) as u8) as i8 >> 1);
                let dscale = i32::from(header >> SHORT_SCALE_SHIFT) & MAX_SHORT_SCALE;
                (Head { kind: Kind::Finite, neg: header & SHORT_NEGATIVE != 0, weight, dscale }, rest)
            }
            SPECIAL => {
                let kind = match header & 3 {
                    0 => Kind::NaN,
                    1 => Kind::PosInf,
                    _ => Kind::NegInf,
                };
                (Head { kind, neg: false, weight: 0, dscale: 0 }, &[][..])
            }
            form => {
                let (weight, rest) = rest.split_first_chunk::<2>().unwrap_or((&[0, 0], &[]));
                let (weight, dscale) = (i16::from_le_bytes(*weight).into(), (header & !FORM).into());
                (Head { kind: Kind::Finite, neg: form == NEGATIVE, weight, dscale }, rest)
            }
        };
        Some((head, rest.as_chunks::<2>().0))
    }

    fn write(self, out: &mut Vec<u8>) {
        let (weight, dscale) = (self.weight as u16, self.dscale as u16);
        if self.dscale <= MAX_SHORT_SCALE && SHORT_WEIGHTS.contains(&self.weight) {
            let sign = if self.neg { SHORT_NEGATIVE } else { 0 };
            out.extend_from_slice(&(SHORT | sign | dscale << SHORT_SCALE_SHIFT | weight & 0x7F).to_le_bytes());
        } else {
            out.extend_from_slice(&(dscale | if self.neg { NEGATIVE } else { 0 }).to_le_bytes());
            out.extend_from_slice(&weight.to_le_bytes());
        }
    }
}

#[cold]
pub(crate) fn overflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value overflows numeric format")
}

impl Numeric {
    pub fn zero() -> Numeric {
        Numeric { kind: Kind::Finite, neg: false, weight: 0, dscale: 0, digits: Digits::new() }
    }

    pub fn special(kind: Kind) -> Numeric {
        Numeric { kind, ..Numeric::zero() }
    }

    pub fn nan() -> Numeric {
        Numeric::special(Kind::NaN)
    }

    pub fn is_nan(&self) -> bool {
        self.kind == Kind::NaN
    }

    pub fn is_finite(&self) -> bool {
        self.kind == Kind::Finite
    }

    pub fn is_infinite(&self) -> bool {
        matches!(self.kind, Kind::PosInf | Kind::NegInf)
    }

    /// −1, 0 or 1; 0 for NaN.
    pub fn signum(&self) -> i32 {
        match self.kind {
            Kind::NaN => 0,
            Kind::PosInf => 1,
            Kind::NegInf => -1,
            Kind::Finite if self.digits.is_empty() => 0,
            Kind::Finite => 1 - 2 * i32::from(self.neg),
        }
    }

    pub fn is_zero(&self) -> bool {
        self.kind == Kind::Finite && self.digits.is_empty()
    }

    /// A finite number without digits after the point, whatever its scale.
    pub fn is_integral(&self) -> bool {
        self.kind == Kind::Finite && self.digits.len() as i32 <= self.weight + 1 || self.is_zero()
    }

    /// The number in its stored form; a damaged form reads as some number, never panics.
    pub fn from_bytes(bytes: &[u8]) -> Numeric {
        let Some((Head { kind, neg, weight, dscale }, digits)) = Head::of(bytes) else { return Numeric::zero() };
        Numeric { kind, neg, weight, dscale, digits: digits.iter().map(|d| i16::from_le_bytes(*d)).collect() }
    }

    /// Appends the stored form.
    ///
    /// # Errors
    /// 22003 if the number is too large for it.
    pub fn write(&self, out: &mut Vec<u8>) -> Result<()> {
        let special = |n: u16| (SPECIAL | n).to_le_bytes();
        match self.kind {
            Kind::NaN => out.extend_from_slice(&special(0)),
            Kind::PosInf => out.extend_from_slice(&special(1)),
            Kind::NegInf => out.extend_from_slice(&special(2)),
            Kind::Finite => {
                if self.weight > MAX_WEIGHT || self.dscale > MAX_SCALE || self.weight < i16::MIN.into() {
                    return Err(overflow());
                }
                Head { kind: self.kind, neg: self.neg, weight: self.weight, dscale: self.dscale }.write(out);
                for d in &self.digits {
                    out.extend_from_slice(&d.to_le_bytes());
                }
            }
        }
        Ok(())
    }

    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut out = Vec::with_capacity(4 + 2 * self.digits.len());
        self.write(&mut out)?;
        Ok(out)
    }

    /// Removes zero digits at both ends (NUM-1).
    pub(super) fn strip(&mut self) {
        while self.digits.last() == Some(&0) {
            self.digits.pop();
        }
        let leading = self.digits.iter().take_while(|d| **d == 0).count();
        if leading > 0 {
            self.digits.drain(..leading);
            self.weight -= leading as i32;
        }
        if self.digits.is_empty() {
            self.weight = 0;
            self.neg = false;
        }
    }

    /// Compares magnitudes of finite numbers.
    pub(super) fn cmp_abs(&self, other: &Numeric) -> Ordering {
        match (self.digits.is_empty(), other.digits.is_empty()) {
            (true, true) => return Ordering::Equal,
            (true, false) => return Ordering::Less,
            (false, true) => return Ordering::Greater,
            _ => {}
        }
        self.weight.cmp(&other.weight).then_with(|| self.digits.as_slice().cmp(other.digits.as_slice()))
    }

    /// The order of SQL: −Infinity, numbers, Infinity, NaN; NaN equals itself.
    pub fn compare(&self, other: &Numeric) -> Ordering {
        let rank = |n: &Numeric| match n.kind {
            Kind::NegInf => 0,
            Kind::Finite => 1,
            Kind::PosInf => 2,
            Kind::NaN => 3,
        };
        if !self.is_finite() || !other.is_finite() {
            return rank(self).cmp(&rank(other));
        }
        match (self.neg, other.neg) {
            (false, true) => Ordering::Greater,
            (true, false) => Ordering::Less,
            (false, false) => self.cmp_abs(other),
            (true, true) => other.cmp_abs(self),
        }
    }

    /// Compares two stored forms without taking them apart where that is possible.
    pub fn compare_bytes(a: &[u8], b: &[u8]) -> Ordering {
        Numeric::from_bytes(a).compare(&Numeric::from_bytes(b))
    }

    /// Appends the memcmp-able key: class, then for numbers the weight and the digits (+1) with an end mark,
    /// all inverted for negative ones.
    pub fn encode_key(bytes: &[u8], out: &mut Vec<u8>) {
        let n = Numeric::from_bytes(bytes);
        let class = match n.kind {
            Kind::NegInf => 1,
            Kind::Finite if n.digits.is_empty() => 3,
            Kind::Finite if n.neg => 2,
            Kind::Finite => 4,
            Kind::PosInf => 5,
            Kind::NaN => 6,
        };
        out.push(class);
        if class != 2 && class != 4 {
            return;
        }
        let start = out.len();
        out.extend_from_slice(&((n.weight as i16 as u16) ^ 0x8000).to_be_bytes());
        for d in &n.digits {
            out.extend_from_slice(&(*d as u16 + 1).to_be_bytes());
        }
        out.extend_from_slice(&[0, 0]);
        if n.neg {
            out[start..].iter_mut().for_each(|b| *b = !*b);
        }
    }

    pub fn negated(mut self) -> Numeric {
        match self.kind {
            Kind::PosInf => self.kind = Kind::NegInf,
            Kind::NegInf => self.kind = Kind::PosInf,
            Kind::Finite => self.neg = !self.neg && !self.digits.is_empty(),
            Kind::NaN => {}
        }
        self
    }

    pub fn abs(mut self) -> Numeric {
        if self.kind == Kind::NegInf {
            self.kind = Kind::PosInf;
        }
        self.neg = false;
        self
    }

    /// Rounds to a typmod's scale and checks its precision.
    ///
    /// # Errors
    /// 22003 `numeric field overflow`.
    pub fn apply_typmod(mut self, typmod: i32) -> Result<Numeric> {
        if typmod < 4 {
            return Ok(self);
        }
        let (precision, scale) = super::name::numeric_typmod(typmod);
        if self.is_nan() {
            return Ok(self);
        }
        let field_overflow =
            |detail: String| Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "numeric field overflow").detail(detail));
        if self.is_infinite() {
            return field_overflow(format!(
                "A field with precision {precision}, scale {scale} cannot hold an infinite value."
            ));
        }
        self.round(scale);
        self.dscale = self.dscale.max(0);
        let max_digits = precision - scale;
        if let Some(first) = self.digits.first() {
            let digits = (self.weight + 1) * DEC_DIGITS - (DEC_DIGITS - 1 - first.ilog10() as i32);
            if digits > max_digits {
                let (base, exponent) = if max_digits == 0 { ("", 1) } else { ("10^", max_digits) };
                return field_overflow(format!(
                    "A field with precision {precision}, scale {scale} must round to an absolute value less than {base}{exponent}."
                ));
            }
        }
        Ok(self)
    }
}

impl PartialEq for Numeric {
    fn eq(&self, other: &Numeric) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

#[cfg(test)]
mod tests;
