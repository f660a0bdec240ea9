//! Between `numeric` and machine numbers.

use super::{DEC_DIGITS, Digits, Kind, NBASE, Numeric};
use crate::base::Result;
use crate::{bail, err};

impl From<i64> for Numeric {
    fn from(v: i64) -> Numeric {
        Numeric::from_i128(v.into())
    }
}

impl Numeric {
    pub fn from_i128(v: i128) -> Numeric {
        let mut digits = Digits::new();
        let mut rest = v.unsigned_abs();
        while rest > 0 {
            digits.push((rest % NBASE as u128) as i16);
            rest /= NBASE as u128;
        }
        digits.reverse();
        let weight = (digits.len() as i32 - 1).max(0);
        let mut n = Numeric { kind: Kind::Finite, neg: v < 0, weight, dscale: 0, digits };
        n.strip();
        n
    }

    /// The whole number nearest to this one (half away from zero), None if it does not fit.
    pub fn to_i128(&self) -> Option<i128> {
        if !self.is_finite() {
            return None;
        }
        let mut n = self.clone();
        n.round(0);
        if n.weight > 9 {
            return None;
        }
        let mut out: i128 = 0;
        for i in 0..=n.weight {
            let d = n.digits.get(i as usize).copied().unwrap_or(0);
            out = out.checked_mul(NBASE.into())?.checked_add(d.into())?;
        }
        if n.digits.is_empty() {
            out = 0;
        }
        Some(if n.neg { -out } else { out })
    }

    /// Rounds to a whole number that must fit; `name` is the target type as messages show it.
    pub fn to_int<T: TryFrom<i128>>(&self, name: &str) -> Result<T> {
        match self.kind {
            Kind::NaN => bail!(FEATURE_NOT_SUPPORTED, "cannot convert NaN to {name}"),
            Kind::PosInf | Kind::NegInf => bail!(FEATURE_NOT_SUPPORTED, "cannot convert infinity to {name}"),
            Kind::Finite => {}
        }
        match self.to_i128().and_then(|v| T::try_from(v).ok()) {
            Some(v) => Ok(v),
            None => Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "{name} out of range")),
        }
    }

    /// The nearest double; out of range becomes infinite.
    pub fn to_f64(&self) -> f64 {
        match self.kind {
            Kind::NaN => f64::NAN,
            Kind::PosInf => f64::INFINITY,
            Kind::NegInf => f64::NEG_INFINITY,
            Kind::Finite
                if self.digits.len() <= 3 && self.weight + 1 >= self.digits.len() as i32 && self.weight < 3 =>
            {
                self.to_i128().map_or(0.0, |v| v as f64)
            }
            Kind::Finite => self.to_string().parse().unwrap_or(f64::NAN),
        }
    }

    pub fn to_f32(&self) -> f32 {
        match self.kind {
            Kind::NaN => f32::NAN,
            Kind::PosInf => f32::INFINITY,
            Kind::NegInf => f32::NEG_INFINITY,
            Kind::Finite => self.to_string().parse().unwrap_or(f32::NAN),
        }
    }

    /// With 15 significant digits, as PostgreSQL's cast does.
    pub fn from_f64(v: f64) -> Numeric {
        Numeric::from_float(v, 15)
    }

    /// With 6 significant digits.
    pub fn from_f32(v: f32) -> Numeric {
        Numeric::from_float(v.into(), 6)
    }

    fn from_float(v: f64, digits: usize) -> Numeric {
        if v.is_nan() {
            return Numeric::nan();
        }
        if v.is_infinite() {
            return Numeric::special(if v > 0.0 { Kind::PosInf } else { Kind::NegInf });
        }
        // `%.15g` drops trailing zeros of the mantissa; so does this.
        let text = format!("{v:.*e}", digits - 1);
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let mantissa =
            if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
        Numeric::parse(&format!("{mantissa}e{exponent}")).unwrap_or_else(|_| Numeric::zero())
    }

    /// Decimal digits before the point minus one: the power of ten of the first non-zero decimal digit.
    pub(super) fn decimal_weight(&self) -> i32 {
        let first = self.digits.first().map_or(0, |d| d.ilog10() as i32);
        self.weight * DEC_DIGITS + first
    }

    /// The smallest scale that shows the value exactly.
    pub fn min_scale(&self) -> i32 {
        let Some(last) = self.digits.last() else { return 0 };
        let scale = (self.digits.len() as i32 - self.weight - 1) * DEC_DIGITS;
        let mut zeros = 0;
        let mut d = *last;
        while d % 10 == 0 {
            d /= 10;
            zeros += 1;
        }
        (scale - zeros).max(0)
    }
}
