//! The four operations, remainder, rounding.

use super::{DEC_DIGITS, Digits, Kind, MAX_DISPLAY_SCALE, MAX_SCALE, MIN_SIG_DIGITS, NBASE, Numeric};
use crate::base::Result;
use crate::err;
use dashu_int::UBig;
use std::cmp::Ordering;

/// Above this many digits in both factors, `dashu` multiplies and divides.
const BIG: usize = 300;

const POW10: [i16; 4] = [1, 10, 100, 1000];

#[cold]
fn division_by_zero() -> crate::base::Error {
    err!(DIVISION_BY_ZERO, "division by zero")
}

impl Numeric {
    /// Rounds half away from zero to `rscale` decimal digits after the point, which may be negative.
    pub fn round(&mut self, rscale: i32) {
        self.cut(rscale, true);
    }

    /// Drops what follows `rscale` decimal digits after the point.
    pub fn truncate(&mut self, rscale: i32) {
        self.cut(rscale, false);
    }

    fn cut(&mut self, rscale: i32, round: bool) {
        if self.kind != Kind::Finite {
            return;
        }
        self.dscale = rscale;
        // Decimal digits wanted, counted from the first digit's first place.
        let wanted = (self.weight + 1) * DEC_DIGITS + rscale;
        if wanted < 0 || (wanted == 0 && !round) {
            self.digits.clear();
            self.strip();
            return;
        }
        let keep = ((wanted + DEC_DIGITS - 1) / DEC_DIGITS) as usize;
        let part = wanted % DEC_DIGITS;
        if keep > self.digits.len() || (keep == self.digits.len() && part == 0) {
            return;
        }
        let mut carry;
        if part == 0 {
            carry = round && self.digits[keep] >= (NBASE / 2) as i16;
            self.digits.truncate(keep);
        } else {
            self.digits.truncate(keep);
            let unit = POW10[(DEC_DIGITS - part) as usize];
            let last = &mut self.digits[keep - 1];
            let extra = *last % unit;
            *last -= extra;
            carry = false;
            if round && extra >= unit / 2 {
                *last += unit;
                if i32::from(*last) >= NBASE {
                    *last -= NBASE as i16;
                    carry = true;
                }
            }
            if carry {
                self.carry_into(keep - 1);
                carry = false;
            }
        }
        if carry {
            self.carry_into(keep);
        }
        self.strip();
    }

    /// Adds one to the digit before `at`.
    fn carry_into(&mut self, at: usize) {
        for i in (0..at).rev() {
            if i32::from(self.digits[i]) + 1 < NBASE {
                self.digits[i] += 1;
                return;
            }
            self.digits[i] = 0;
        }
        self.digits.insert(0, 1);
        self.weight += 1;
    }

    pub fn ceil(&self) -> Numeric {
        self.integral(false)
    }

    pub fn floor(&self) -> Numeric {
        self.integral(true)
    }

    fn integral(&self, down: bool) -> Numeric {
        let mut n = self.clone();
        n.truncate(0);
        if n.kind == Kind::Finite && n != *self && self.neg == down {
            let one = Numeric::from(1);
            n = if down { n.sub(&one) } else { n.add(&one) };
        }
        n
    }

    pub fn add(&self, other: &Numeric) -> Numeric {
        match (self.kind, other.kind) {
            (Kind::Finite, Kind::Finite) => {}
            (Kind::NaN, _) | (_, Kind::NaN) => return Numeric::nan(),
            (Kind::Finite, k) | (k, Kind::Finite) => return Numeric::special(k),
            (a, b) if a == b => return Numeric::special(a),
            _ => return Numeric::nan(),
        }
        let mut n = if self.neg == other.neg {
            Numeric { neg: self.neg, ..self.add_abs(other) }
        } else {
            match self.cmp_abs(other) {
                Ordering::Equal => Numeric::zero(),
                Ordering::Greater => Numeric { neg: self.neg, ..self.sub_abs(other) },
                Ordering::Less => Numeric { neg: other.neg, ..other.sub_abs(self) },
            }
        };
        n.dscale = self.dscale.max(other.dscale);
        n.strip();
        n
    }

    pub fn sub(&self, other: &Numeric) -> Numeric {
        self.add(&other.clone().negated())
    }

    /// The digit with weight `at`.
    fn digit(&self, at: i32) -> i32 {
        let i = self.weight - at;
        if i < 0 { 0 } else { self.digits.get(i as usize).map_or(0, |d| i32::from(*d)) }
    }

    fn lowest(&self) -> i32 {
        self.weight - self.digits.len() as i32 + 1
    }

    fn add_abs(&self, other: &Numeric) -> Numeric {
        if self.digits.is_empty() {
            return other.clone();
        }
        if other.digits.is_empty() {
            return self.clone();
        }
        let high = self.weight.max(other.weight) + 1;
        let low = self.lowest().min(other.lowest());
        let mut digits = Digits::from_elem(0, (high - low + 1) as usize);
        let mut carry = 0;
        for at in low..=high {
            let sum = self.digit(at) + other.digit(at) + carry;
            carry = i32::from(sum >= NBASE);
            digits[(high - at) as usize] = (sum - carry * NBASE) as i16;
        }
        Numeric { kind: Kind::Finite, neg: false, weight: high, dscale: 0, digits }
    }

    /// |self| − |other|, where |self| is not smaller.
    fn sub_abs(&self, other: &Numeric) -> Numeric {
        if other.digits.is_empty() {
            return self.clone();
        }
        let high = self.weight;
        let low = self.lowest().min(other.lowest());
        let mut digits = Digits::from_elem(0, (high - low + 1) as usize);
        let mut borrow = 0;
        for at in low..=high {
            let difference = self.digit(at) - other.digit(at) - borrow;
            borrow = i32::from(difference < 0);
            digits[(high - at) as usize] = (difference + borrow * NBASE) as i16;
        }
        Numeric { kind: Kind::Finite, neg: false, weight: high, dscale: 0, digits }
    }

    /// The exact product; its scale is the sum of the scales.
    pub fn mul(&self, other: &Numeric) -> Numeric {
        if !self.is_finite() || !other.is_finite() {
            let sign = self.signum() * other.signum();
            return match sign {
                _ if self.is_nan() || other.is_nan() => Numeric::nan(),
                0 => Numeric::nan(),
                1 => Numeric::special(Kind::PosInf),
                _ => Numeric::special(Kind::NegInf),
            };
        }
        let mut n = Numeric {
            kind: Kind::Finite,
            neg: self.neg != other.neg,
            weight: self.weight + other.weight + 1,
            dscale: self.dscale + other.dscale,
            digits: multiply(&self.digits, &other.digits),
        };
        n.strip();
        if n.dscale > MAX_SCALE {
            n.round(MAX_SCALE);
        }
        n
    }

    /// The scale PostgreSQL chooses for a quotient: at least 16 significant digits, and the operands' scales.
    fn div_scale(&self, other: &Numeric) -> i32 {
        let first = |n: &Numeric| n.digits.first().copied().unwrap_or(0);
        let mut weight = self.weight - other.weight;
        if first(self) <= first(other) {
            weight -= 1;
        }
        (MIN_SIG_DIGITS - weight * DEC_DIGITS).max(self.dscale).max(other.dscale).clamp(0, MAX_DISPLAY_SCALE)
    }

    pub fn div(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.div_special(other)? {
            return Ok(special);
        }
        Ok(self.div_finite(other, self.div_scale(other), true))
    }

    /// The quotient without its fraction.
    pub fn div_trunc(&self, other: &Numeric) -> Result<Numeric> {
        if let Some(special) = self.div_special(other)? {
            return Ok(special);
        }
        Ok(self.div_finite(other, 0, false))
    }

    fn div_special(&self, other: &Numeric) -> Result<Option<Numeric>> {
        if self.is_nan() || other.is_nan() {
            return Ok(Some(Numeric::nan()));
        }
        if other.is_zero() {
            return Err(division_by_zero());
        }
        Ok(match (self.is_infinite(), other.is_infinite()) {
            (false, false) => None,
            (true, true) => Some(Numeric::nan()),
            (false, true) => Some(Numeric::zero()),
            (true, false) => {
                let positive = self.signum() == other.signum();
                Some(Numeric::special(if positive { Kind::PosInf } else { Kind::NegInf }))
            }
        })
    }

    /// Quotient of finite numbers with `rscale` digits after the point, rounded or cut off.
    pub(super) fn div_finite(&self, other: &Numeric, rscale: i32, round: bool) -> Numeric {
        if self.digits.is_empty() {
            return Numeric { dscale: rscale, ..Numeric::zero() };
        }
        // One digit more than the scale needs decides the rounding; the cut-off rest never does.
        let fraction = (rscale + DEC_DIGITS - 1).div_euclid(DEC_DIGITS) + 1;
        let shift = (fraction + self.lowest() - other.lowest()).max(0);
        let fraction = shift - self.lowest() + other.lowest();
        let mut dividend: Vec<u32> = self.digits.iter().map(|d| *d as u32).collect();
        dividend.resize(dividend.len() + shift as usize, 0);
        let digits = divide(&dividend, &other.digits);
        let mut n = Numeric {
            kind: Kind::Finite,
            neg: self.neg != other.neg,
            weight: digits.len() as i32 - 1 - fraction,
            dscale: 0,
            digits,
        };
        n.strip();
        n.cut(rscale, round);
        n
    }

    /// The remainder, with the sign of the dividend.
    pub fn rem(&self, other: &Numeric) -> Result<Numeric> {
        if self.is_nan() || other.is_nan() {
            return Ok(Numeric::nan());
        }
        if other.is_zero() {
            return Err(division_by_zero());
        }
        if self.is_infinite() {
            return Ok(Numeric::nan());
        }
        if other.is_infinite() {
            return Ok(self.clone());
        }
        let quotient = self.div_finite(other, 0, false);
        Ok(self.sub(&quotient.mul(other)))
    }
}

fn multiply(a: &[i16], b: &[i16]) -> Digits {
    if a.is_empty() || b.is_empty() {
        return Digits::new();
    }
    if a.len() > BIG && b.len() > BIG {
        let product = to_big(a) * to_big(b);
        return from_big(&product, a.len() + b.len());
    }
    // A column sums fewer than 10^5 products below 10^8, so 64 bits cannot overflow.
    let mut columns = smallvec::SmallVec::<[u64; 16]>::from_elem(0, a.len() + b.len());
    for (i, x) in a.iter().enumerate() {
        let x = *x as u64;
        for (column, y) in columns[i + 1..].iter_mut().zip(b) {
            *column += x * *y as u64;
        }
    }
    let mut carry = 0;
    let mut digits = Digits::from_elem(0, columns.len());
    for i in (0..columns.len()).rev() {
        let total = columns[i] + carry;
        digits[i] = (total % NBASE as u64) as i16;
        carry = total / NBASE as u64;
    }
    digits
}

/// Digits of the whole quotient. The divisor has no leading zero digit and is not empty.
fn divide(dividend: &[u32], divisor: &[i16]) -> Digits {
    if let [d] = divisor {
        let d = *d as u32;
        let mut rest = 0;
        return dividend
            .iter()
            .map(|x| {
                let part = rest * NBASE as u32 + x;
                rest = part % d;
                (part / d) as i16
            })
            .collect();
    }
    if dividend.len() < divisor.len() {
        return Digits::new();
    }
    if divisor.len() > BIG && dividend.len() > 2 * BIG {
        let a: Vec<i16> = dividend.iter().map(|d| *d as i16).collect();
        return from_big(&(to_big(&a) / to_big(divisor)), dividend.len());
    }
    long_division(dividend, divisor)
}

/// Knuth, The Art of Computer Programming 2, 4.3.1, algorithm D, in base 10,000.
fn long_division(dividend: &[u32], divisor: &[i16]) -> Digits {
    let base = NBASE as u32;
    let scale = base / (divisor[0] as u32 + 1);
    let v: Vec<u32> = {
        let mut out = vec![0; divisor.len()];
        let mut carry = 0;
        for i in (0..divisor.len()).rev() {
            let t = divisor[i] as u32 * scale + carry;
            out[i] = t % base;
            carry = t / base;
        }
        out
    };
    let mut u = vec![0; dividend.len() + 1];
    let mut carry = 0;
    for i in (0..dividend.len()).rev() {
        let t = dividend[i] * scale + carry;
        u[i + 1] = t % base;
        carry = t / base;
    }
    u[0] = carry;
    let n = v.len();
    let mut quotient = Digits::new();
    for j in 0..=dividend.len() - n {
        let top = u[j] * base + u[j + 1];
        let mut guess = (top / v[0]).min(base - 1);
        while guess * v[1] > (top - guess * v[0]).saturating_mul(base).saturating_add(u[j + 2]) {
            guess -= 1;
        }
        let mut borrow: i64 = 0;
        for i in (0..n).rev() {
            let t = i64::from(u[i + j + 1]) - i64::from(guess * v[i]) - borrow;
            let digit = t.rem_euclid(i64::from(base));
            u[i + j + 1] = digit as u32;
            borrow = (digit - t) / i64::from(base);
        }
        let mut top = i64::from(u[j]) - borrow;
        if top < 0 {
            guess -= 1;
            let mut carry = 0;
            for i in (0..n).rev() {
                let t = u[i + j + 1] + v[i] + carry;
                u[i + j + 1] = t % base;
                carry = t / base;
            }
            top += i64::from(carry);
        }
        u[j] = top as u32;
        quotient.push(guess as i16);
    }
    quotient
}

/// The whole number the digits spell.
pub(super) fn to_big(digits: &[i16]) -> UBig {
    let mut text = String::with_capacity(digits.len() * 4);
    for d in digits {
        use std::fmt::Write;
        let _ = write!(text, "{d:04}");
    }
    text.parse().unwrap_or(UBig::ZERO)
}

/// The digits of a whole number, filled with zeros in front up to `len` at least.
fn from_big(n: &UBig, len: usize) -> Digits {
    let text = n.to_string();
    let groups = text.len().div_ceil(4).max(len);
    // Not a format's width: that ends at 65,535.
    let mut padded = "0".repeat(groups * 4 - text.len());
    padded.push_str(&text);
    padded.as_bytes().as_chunks::<4>().0.iter().map(|c| c.iter().fold(0, |n, b| n * 10 + i16::from(b - b'0'))).collect()
}

impl Numeric {
    /// ⌊|self| · 10^`scale`⌋ as a whole number.
    pub(super) fn to_scaled(&self, scale: i32) -> UBig {
        let mut n = self.clone();
        n.truncate(scale.max(-n.weight * DEC_DIGITS - 8));
        let exponent = n.lowest() * DEC_DIGITS + scale;
        let whole = to_big(&n.digits);
        if exponent >= 0 {
            whole * UBig::from(10u8).pow(exponent as usize)
        } else {
            whole / UBig::from(10u8).pow(-exponent as usize)
        }
    }

    /// `n` / 10^`scale`.
    pub(super) fn from_scaled(n: &UBig, scale: i32, neg: bool) -> Numeric {
        let text = n.to_string();
        let point = text.len() as i64 - i64::from(scale);
        let mut out = super::text::from_decimal(text.bytes().map(|b| b - b'0'), point);
        out.dscale = scale.max(0);
        out.neg = neg && !out.digits.is_empty();
        out
    }
}
