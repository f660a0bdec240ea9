//! Roots, exponentials, logarithms, powers, and number theory.
//!
//! PostgreSQL's rules for the scale of each result (PostgreSQL 15, numeric.c), but computed in binary fixed point
//! with guard bits over `dashu` and rounded once.

use super::{Kind, MAX_DISPLAY_SCALE, MIN_SIG_DIGITS, Numeric, overflow};
use crate::base::Result;
use crate::{bail, err};
use dashu_int::ops::{BitTest, SquareRoot};
use dashu_int::{IBig, UBig};

/// ln(10).
const LN10: f64 = std::f64::consts::LN_10;
const LOG10_E: f64 = std::f64::consts::LOG10_E;
/// No result beyond 10^2000 comes out of exp() or power() by logarithms.
const MAX_RESULT_SCALE: f64 = 2000.0;
/// Bits kept beyond what the result's digits need.
const GUARD_BITS: usize = 80;

fn bits(decimal_digits: i32) -> usize {
    (f64::from(decimal_digits.max(0)) * std::f64::consts::LOG2_10) as usize + GUARD_BITS
}

/// value · 2^`frac`, rounded down.
fn to_fixed(n: &Numeric, frac: usize) -> IBig {
    let scale = n.min_scale();
    let whole = n.to_scaled(scale);
    let fixed = (whole << frac) / UBig::from(10u8).pow(scale as usize);
    if n.neg { -IBig::from(fixed) } else { fixed.into() }
}

/// `fixed` / 2^`frac` with `rscale` digits after the point, rounded half away from zero.
fn from_fixed(fixed: &IBig, frac: usize, rscale: i32) -> Numeric {
    let neg = *fixed < IBig::ZERO;
    let magnitude: UBig = if neg { -fixed.clone() } else { fixed.clone() }.try_into().unwrap_or(UBig::ZERO);
    let scaled = magnitude * UBig::from(10u8).pow(rscale as usize);
    let rounded = (scaled + (UBig::ONE << (frac - 1))) >> frac;
    let mut n = Numeric::from_scaled(&rounded, rscale, neg);
    n.dscale = rscale;
    n
}

/// ln 2 · 2^`frac`, by 2·atanh(1/3).
fn ln2(frac: usize) -> IBig {
    let mut term = (IBig::ONE << (frac + 1)) / IBig::from(3);
    let mut sum = IBig::ZERO;
    let mut k = 1;
    while term != IBig::ZERO {
        sum += &term / IBig::from(k);
        term /= IBig::from(9);
        k += 2;
    }
    sum
}

/// e^x · 2^`frac` for fixed-point x; |x| below a few thousand.
fn exp_fixed(x: &IBig, frac: usize) -> IBig {
    // x = k ln 2 + r; then r / 2^h by Taylor, squared h times.
    let k = {
        let estimate = (x >> (frac - 20)).to_f64().value() / f64::from(1 << 20) / std::f64::consts::LN_2;
        estimate.round() as i64
    };
    let extra = 64 + k.unsigned_abs() as usize;
    let work = frac + extra;
    let r = (x << extra) - ln2(work) * IBig::from(k);
    let halvings = (work as f64).sqrt() as usize / 2 + 4;
    let work2 = work + 2 * halvings;
    let small = (r << (2 * halvings)) >> halvings;
    let one = IBig::ONE << work2;
    let mut sum = one.clone();
    let mut term = one;
    let mut n = 1u32;
    loop {
        term = ((term * &small) >> work2) / IBig::from(n);
        if term == IBig::ZERO || term == IBig::NEG_ONE {
            break;
        }
        sum += &term;
        n += 1;
    }
    for _ in 0..halvings {
        sum = (&sum * &sum) >> work2;
    }
    let drop = work2 - frac;
    let shift = drop as i64 - k;
    if shift >= 0 { sum >> shift as usize } else { sum << (-shift) as usize }
}

/// ln(x) · 2^`frac` for x = `x` / 2^`x_frac` > 0.
fn ln_fixed(x: &UBig, x_frac: usize, frac: usize) -> IBig {
    let work = frac + 64;
    // x = m · 2^k with m in [0.5, 1), then moved near 1 by square roots.
    let len = x.bit_len();
    let k = len as i64 - x_frac as i64;
    let roots = ((work as f64).sqrt() / 3.0) as usize + 2;
    let inner = work + 2 * roots;
    let mut m: UBig = if inner >= len { x << (inner - len) } else { x >> (len - inner) };
    for _ in 0..roots {
        m = (m << inner).sqrt();
    }
    let m = IBig::from(m);
    let one = IBig::ONE << inner;
    let y = ((&m - &one) << inner) / (&m + &one);
    let y2 = (&y * &y) >> inner;
    let mut term = y;
    let mut sum = IBig::ZERO;
    let mut n = 1;
    while term != IBig::ZERO && term != IBig::NEG_ONE {
        sum += &term / IBig::from(n);
        term = (term * &y2) >> inner;
        n += 2;
    }
    let ln_m = sum << (roots + 1);
    let total = ln_m + ln2(inner) * IBig::from(k);
    total >> (inner - frac)
}

impl Numeric {
    fn clamp_scale(rscale: i32) -> i32 {
        rscale.clamp(0, MAX_DISPLAY_SCALE)
    }

    pub fn sqrt(&self) -> Result<Numeric> {
        match self.kind {
            Kind::NaN | Kind::PosInf => return Ok(self.clone()),
            _ if self.signum() < 0 => {
                bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "cannot take square root of a negative number")
            }
            _ => {}
        }
        // Assumes half of the argument's digits before the point, as PostgreSQL does.
        let weight = if self.weight >= 0 { (self.weight + 1) * 4 / 2 - 1 } else { 1 - (1 - self.weight) * 4 / 2 };
        let weight = if self.weight >= 0 { weight } else { (self.weight + 1) * 4 / 2 - 1 };
        Ok(self.sqrt_to(Numeric::clamp_scale((MIN_SIG_DIGITS - weight).max(self.dscale))))
    }

    /// The square root of a finite number that is not negative, to as many digits behind the point as it has itself.
    pub fn sqrt_of_same_scale(&self) -> Numeric {
        self.sqrt_to(self.dscale)
    }

    fn sqrt_to(&self, rscale: i32) -> Numeric {
        let scaled = self.to_scaled(2 * (rscale + 4));
        let mut n = Numeric::from_scaled(&scaled.sqrt(), rscale + 4, false);
        n.round(rscale);
        n
    }

    pub fn exp(&self) -> Result<Numeric> {
        match self.kind {
            Kind::NaN | Kind::PosInf => return Ok(self.clone()),
            Kind::NegInf => return Ok(Numeric::zero()),
            Kind::Finite => {}
        }
        let weight = (self.to_f64() * LOG10_E).clamp(-MAX_RESULT_SCALE, MAX_RESULT_SCALE);
        let rscale = Numeric::clamp_scale((MIN_SIG_DIGITS - weight as i32).max(self.dscale));
        self.exp_scaled(rscale)
    }

    fn exp_scaled(&self, rscale: i32) -> Result<Numeric> {
        let value = self.to_f64();
        if value.abs() >= MAX_RESULT_SCALE * 3.0 {
            if value > 0.0 {
                return Err(overflow());
            }
            return Ok(Numeric { dscale: rscale, ..Numeric::zero() });
        }
        let result_digits = (value * LOG10_E) as i32;
        let frac = bits(rscale.max(rscale + result_digits).max(8));
        Ok(from_fixed(&exp_fixed(&to_fixed(self, frac), frac), frac, rscale))
    }

    /// The power of ten of the first digit of ln(self), roughly; PostgreSQL's own estimate, since scales depend on it.
    fn ln_weight(&self) -> i32 {
        if self.signum() <= 0 {
            return 0;
        }
        let near = |text| Numeric::parse(text).map(|n| self.compare(&n));
        let (Ok(low), Ok(high)) = (near("0.9"), near("1.1")) else { return 0 };
        if low.is_ge() && high.is_le() {
            let x = self.sub(&Numeric::from(1));
            return if x.digits.is_empty() { 0 } else { x.decimal_weight() };
        }
        let mut digits = f64::from(self.digits[0]);
        let mut weight = self.weight * 4;
        if let Some(second) = self.digits.get(1) {
            digits = digits * 10_000.0 + f64::from(*second);
            weight -= 4;
        }
        (digits.ln() + f64::from(weight) * LN10).abs().log10() as i32
    }

    /// ln(self) · 2^frac with enough bits for `digits` decimal digits after the point.
    fn ln_raw(&self, digits: i32) -> (IBig, usize) {
        let frac = bits(digits);
        let scale = self.min_scale();
        // The argument as a binary fraction with as many significant bits as the result needs.
        let whole = self.to_scaled(scale);
        let divisor = UBig::from(10u8).pow(scale as usize);
        let x_frac = (frac + 64 + divisor.bit_len()).saturating_sub(whole.bit_len()) + divisor.bit_len();
        let x = (whole << x_frac) / divisor;
        (ln_fixed(&x, x_frac, frac), frac)
    }

    fn check_logarithm(&self) -> Result<()> {
        match self.signum() {
            0 if !self.is_nan() => Err(err!(INVALID_ARGUMENT_FOR_LOGARITHM, "cannot take logarithm of zero")),
            -1 => Err(err!(INVALID_ARGUMENT_FOR_LOGARITHM, "cannot take logarithm of a negative number")),
            _ => Ok(()),
        }
    }

    pub fn ln(&self) -> Result<Numeric> {
        self.check_logarithm()?;
        if !self.is_finite() {
            return Ok(self.clone());
        }
        let rscale = Numeric::clamp_scale((MIN_SIG_DIGITS - self.ln_weight()).max(self.dscale));
        let (ln, frac) = self.ln_raw(rscale);
        Ok(from_fixed(&ln, frac, rscale))
    }

    /// The logarithm of `self` to `base`.
    pub fn log(&self, base: &Numeric) -> Result<Numeric> {
        if self.is_nan() || base.is_nan() {
            return Ok(Numeric::nan());
        }
        base.check_logarithm()?;
        self.check_logarithm()?;
        match (base.is_infinite(), self.is_infinite()) {
            (true, true) => return Ok(Numeric::nan()),
            (true, false) => return Ok(Numeric::zero()),
            (false, true) => {
                return Ok(match base.compare(&Numeric::from(1)) {
                    std::cmp::Ordering::Less => Numeric::special(Kind::NegInf),
                    std::cmp::Ordering::Greater => Numeric::special(Kind::PosInf),
                    std::cmp::Ordering::Equal => bail!(DIVISION_BY_ZERO, "division by zero"),
                });
            }
            (false, false) => {}
        }
        let (base_weight, weight) = (base.ln_weight(), self.ln_weight());
        let result = weight - base_weight;
        let rscale = Numeric::clamp_scale((MIN_SIG_DIGITS - result).max(base.dscale).max(self.dscale));
        let digits = rscale + result.abs() + weight.abs() + base_weight.abs() + 8;
        let (ln_base, frac) = base.ln_raw(digits);
        let (ln, _) = self.ln_raw(digits);
        if ln_base == IBig::ZERO {
            bail!(DIVISION_BY_ZERO, "division by zero");
        }
        Ok(from_fixed(&((ln << frac) / ln_base), frac, rscale))
    }

    /// `self` raised to `exponent`.
    pub fn power(&self, exponent: &Numeric) -> Result<Numeric> {
        if !self.is_finite() || !exponent.is_finite() {
            return self.power_special(exponent);
        }
        if self.is_zero() && exponent.signum() < 0 {
            bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
        }
        if self.signum() < 0 && !exponent.is_integral() {
            bail!(
                INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                "a negative number raised to a non-integer power yields a complex result"
            );
        }
        if exponent.is_integral()
            && let Some(n) = exponent.to_i128().and_then(|n| i32::try_from(n).ok())
        {
            return self.power_int(n, MIN_SIG_DIGITS.max(self.dscale).min(MAX_DISPLAY_SCALE));
        }
        if self.is_zero() {
            return Ok(Numeric { dscale: MIN_SIG_DIGITS, ..Numeric::zero() });
        }
        let base = self.clone().abs();
        let neg = self.neg && !exponent.div_finite(&Numeric::from(2), 1, false).is_integral();
        let (rough, rough_frac) = base.ln_raw((8 - base.ln_weight()).clamp(0, MAX_DISPLAY_SCALE));
        // The result's scale follows from this estimate, so it is as rough as PostgreSQL's.
        let local = (8 - base.ln_weight()).clamp(0, MAX_DISPLAY_SCALE);
        let mut estimate = from_fixed(&rough, rough_frac, local).mul(exponent);
        estimate.round(local);
        let value = estimate.to_f64();
        if value.abs() > MAX_RESULT_SCALE * 3.01 {
            if value > 0.0 {
                return Err(overflow());
            }
            return Ok(Numeric { dscale: MAX_DISPLAY_SCALE, ..Numeric::zero() });
        }
        let weight = (value * LOG10_E) as i32;
        let rscale = Numeric::clamp_scale((MIN_SIG_DIGITS - weight).max(self.dscale).max(exponent.dscale));
        if value.abs() >= MAX_RESULT_SCALE * 3.0 && value < 0.0 {
            return Ok(Numeric { dscale: rscale, ..Numeric::zero() });
        }
        let (ln, frac) = base.ln_raw((rscale + weight.max(0)).max(8) + exponent.decimal_weight().max(0) + 8);
        let product = (ln * to_fixed(exponent, frac)) >> frac;
        let mut n = from_fixed(&exp_fixed(&product, frac), frac, rscale);
        n.neg = neg && !n.digits.is_empty();
        Ok(n)
    }

    /// PostgreSQL 15, numeric.c, numeric_power: the cases of POSIX pow().
    fn power_special(&self, exponent: &Numeric) -> Result<Numeric> {
        let one = Numeric::from(1);
        if self.is_nan() {
            return Ok(if exponent.is_zero() { one } else { Numeric::nan() });
        }
        if exponent.is_nan() {
            return Ok(if *self == one { one } else { Numeric::nan() });
        }
        if exponent.is_zero() || *self == one {
            return Ok(one);
        }
        if self.is_zero() {
            if exponent.signum() < 0 {
                bail!(INVALID_ARGUMENT_FOR_POWER_FUNCTION, "zero raised to a negative power is undefined");
            }
            return Ok(Numeric::zero());
        }
        if exponent.is_infinite() {
            let magnitude = self.clone().abs().compare(&one);
            return Ok(match (magnitude, exponent.kind) {
                (std::cmp::Ordering::Equal, _) => one,
                (std::cmp::Ordering::Greater, Kind::PosInf) | (std::cmp::Ordering::Less, Kind::NegInf) => {
                    Numeric::special(Kind::PosInf)
                }
                _ => Numeric::zero(),
            });
        }
        if self.kind == Kind::NegInf && !exponent.is_integral() {
            bail!(
                INVALID_ARGUMENT_FOR_POWER_FUNCTION,
                "a negative number raised to a non-integer power yields a complex result"
            );
        }
        if self.kind == Kind::PosInf {
            return Ok(if exponent.signum() > 0 { self.clone() } else { Numeric::zero() });
        }
        if exponent.signum() < 0 {
            return Ok(Numeric::zero());
        }
        let even = exponent.div_finite(&Numeric::from(2), 1, false).is_integral();
        Ok(Numeric::special(if even { Kind::PosInf } else { Kind::NegInf }))
    }

    fn power_int(&self, exponent: i32, rscale: i32) -> Result<Numeric> {
        match exponent {
            0 => return Ok(Numeric { dscale: rscale, ..Numeric::from(1) }),
            1 => {
                let mut n = self.clone();
                n.round(rscale);
                return Ok(n);
            }
            -1 if !self.is_zero() => return Ok(Numeric::from(1).div_finite(self, rscale, true)),
            2 => {
                let mut n = self.mul(self);
                n.round(rscale);
                return Ok(n);
            }
            _ => {}
        }
        if self.is_zero() {
            if exponent < 0 {
                bail!(DIVISION_BY_ZERO, "division by zero");
            }
            return Ok(Numeric { dscale: rscale, ..Numeric::zero() });
        }
        let leading = self.digits.iter().take(4).fold(0.0, |f, d| f * 10_000.0 + f64::from(*d));
        let power = (self.weight + 1 - self.digits.len().min(4) as i32) * 4;
        let weight = f64::from(exponent) * (leading.log10() + f64::from(power));
        if weight > 3.0 * f64::from(i16::MAX) * 4.0 {
            return Err(overflow());
        }
        if weight + 1.0 < f64::from(-rscale) || weight + 1.0 < f64::from(-MAX_DISPLAY_SCALE) {
            return Ok(Numeric { dscale: rscale, ..Numeric::zero() });
        }
        // Square and multiply, keeping the significant digits the result needs and some more.
        let significant = 1 + rscale + weight as i32 + f64::from(exponent).abs().ln() as i32 + 24;
        let keep = |n: Numeric| {
            let scale = significant - n.decimal_weight();
            let mut n = n;
            if n.min_scale() > scale {
                n.round(scale);
            }
            n
        };
        let mut base = self.clone();
        let mut result = Numeric::from(1);
        let mut left = exponent.unsigned_abs();
        loop {
            if left & 1 == 1 {
                result = keep(result.mul(&base));
            }
            left >>= 1;
            if left == 0 {
                break;
            }
            base = keep(base.mul(&base));
            if base.weight > i32::from(i16::MAX) * 2 {
                if exponent > 0 {
                    return Err(overflow());
                }
                return Ok(Numeric { dscale: rscale, ..Numeric::zero() });
            }
            if base.is_zero() {
                break;
            }
        }
        if exponent < 0 {
            return Ok(Numeric::from(1).div_finite(&result, rscale, true));
        }
        result.round(rscale);
        Ok(result)
    }

    pub fn gcd(&self, other: &Numeric) -> Numeric {
        if !self.is_finite() || !other.is_finite() {
            return Numeric::nan();
        }
        let dscale = self.dscale.max(other.dscale);
        let (mut a, mut b) = (self.clone().abs(), other.clone().abs());
        while !b.is_zero() {
            let rest = a.sub(&a.div_finite(&b, 0, false).mul(&b));
            (a, b) = (b, rest);
        }
        a.dscale = dscale;
        a
    }

    pub fn lcm(&self, other: &Numeric) -> Numeric {
        if !self.is_finite() || !other.is_finite() {
            return Numeric::nan();
        }
        let dscale = self.dscale.max(other.dscale);
        if self.is_zero() || other.is_zero() {
            return Numeric { dscale, ..Numeric::zero() };
        }
        let quotient = self.div_finite(&self.gcd(other), 0, false);
        let mut n = quotient.mul(other).abs();
        n.dscale = dscale;
        n
    }
}

/// `factorial(n)`.
pub fn factorial(n: i64) -> Result<Numeric> {
    if n < 0 {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "factorial of a negative number is undefined");
    }
    if n > 32177 {
        return Err(overflow());
    }
    fn product(low: u64, high: u64) -> UBig {
        if high - low < 16 {
            return (low..=high).fold(UBig::ONE, |p, k| p * UBig::from(k));
        }
        let middle = low.midpoint(high);
        product(low, middle) * product(middle + 1, high)
    }
    if n < 2 {
        return Ok(Numeric::from(1));
    }
    Ok(Numeric::from_scaled(&product(1, n as u64), 0, false))
}

/// `width_bucket(operand, low, high, count)`.
pub fn width_bucket(operand: &Numeric, low: &Numeric, high: &Numeric, count: i32) -> Result<i32> {
    if count <= 0 {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "count must be greater than zero");
    }
    if operand.is_nan() || low.is_nan() || high.is_nan() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "operand, lower bound, and upper bound cannot be NaN");
    }
    if low.is_infinite() || high.is_infinite() {
        bail!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower and upper bounds must be finite");
    }
    let too_many = || err!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range");
    let inside = |distance: Numeric, width: Numeric| -> Result<i32> {
        // PostgreSQL 15, numeric.c, compute_bucket: the quotient is rounded, which may reach beyond the last bucket.
        let bucket = distance.mul(&Numeric::from(i64::from(count))).div(&width)?.floor();
        bucket.to_i128().and_then(|b| i32::try_from(b + 1).ok()).ok_or_else(too_many)
    };
    match low.compare(high) {
        std::cmp::Ordering::Equal => {
            Err(err!(INVALID_ARGUMENT_FOR_WIDTH_BUCKET, "lower bound cannot equal upper bound"))
        }
        std::cmp::Ordering::Less if operand.compare(low).is_lt() => Ok(0),
        std::cmp::Ordering::Less if operand.compare(high).is_ge() => count.checked_add(1).ok_or_else(too_many),
        std::cmp::Ordering::Less => inside(operand.sub(low), high.sub(low)),
        std::cmp::Ordering::Greater if operand.compare(low).is_gt() => Ok(0),
        std::cmp::Ordering::Greater if operand.compare(high).is_le() => count.checked_add(1).ok_or_else(too_many),
        std::cmp::Ordering::Greater => inside(low.sub(operand), low.sub(high)),
    }
}
