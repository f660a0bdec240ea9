//! The shortest decimal that reads back as the same binary number, as PostgreSQL chooses it.
//!
//! PostgreSQL 15, d2s.c and f2s.c (Ryu): a decimal exactly half way to the neighbouring number is not taken, though it
//! would read back, and of two that are equally near the even one is. Rust's formatting decides both otherwise; it is
//! right everywhere else, so only the few numbers are looked at where either can be.

/// A binary number: `mantissa * 2^exponent`, the mantissa with all its bits.
struct Binary {
    mantissa: u64,
    exponent: i32,
}

/// A decimal: `digits * 10^exponent`.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Decimal {
    digits: u64,
    exponent: i32,
}

impl Decimal {
    /// Reads `d.ddde±x`, without a sign.
    fn read(text: &str) -> Option<(Decimal, usize)> {
        let (mantissa, exponent) = text.split_once('e')?;
        let plain: String = mantissa.chars().filter(|c| *c != '.').collect();
        let exponent = exponent.parse::<i32>().ok()? - (plain.len() as i32 - 1);
        Some((Decimal { digits: plain.parse().ok()?, exponent }, plain.len()))
    }

    /// It lies exactly between the number and one of its neighbours.
    fn is_half_way(self, b: &Binary) -> bool {
        [b.mantissa.checked_mul(2).and_then(|m| m.checked_sub(1)), b.mantissa.checked_mul(2).map(|m| m + 1)]
            .into_iter()
            .flatten()
            .any(|odd| self.equals(odd, b.exponent - 1))
    }

    /// `digits * 10^exponent == odd * 2^power`.
    fn equals(self, odd: u64, power: i32) -> bool {
        let fives = 5_u128.checked_pow(self.exponent.unsigned_abs());
        let Some(fives) = fives.filter(|_| self.digits > 0) else { return false };
        let (left, right) = match self.exponent >= 0 {
            true => (u128::from(self.digits).checked_mul(fives), Some(u128::from(odd))),
            false => (Some(u128::from(self.digits)), u128::from(odd).checked_mul(fives)),
        };
        let (Some(left), Some(right)) = (left, right) else { return false };
        // The powers of two that are left over.
        let twos = power - self.exponent;
        left.trailing_zeros() as i32 - right.trailing_zeros() as i32 == twos
            && left >> left.trailing_zeros() == right >> right.trailing_zeros()
    }

    /// Its last digit is one more or less than the other's.
    fn is_beside(self, other: Decimal) -> bool {
        self.exponent == other.exponent && self.digits.abs_diff(other.digits) == 1
    }
}

macro_rules! shortest {
    ($name:ident, $float:ty, $bits:literal, $digits:literal) => {
        /// The number as `d.ddde±x`.
        pub fn $name(v: $float) -> String {
            let text = format!("{v:e}");
            let (sign, plain) = text.strip_prefix('-').map_or(("", text.as_str()), |rest| ("-", rest));
            let Some((found, length)) = Decimal::read(plain) else { return text };
            let v = v.abs();
            let raw = v.to_bits();
            let stored = (raw >> $bits) as i32;
            let fraction = u64::from(raw & ((1 << $bits) - 1));
            let b = match stored {
                0 => Binary {
                    mantissa: fraction,
                    exponent: 1 - <$float>::MAX_EXP + 2 - <$float>::MANTISSA_DIGITS as i32,
                },
                _ => Binary {
                    mantissa: fraction | 1 << $bits,
                    exponent: stored - <$float>::MAX_EXP + 2 - <$float>::MANTISSA_DIGITS as i32,
                },
            };
            // Bits behind the binary point that the decimal can have at most.
            let reach = (-found.exponent).max(0);
            let open = |d: Decimal| !d.is_half_way(&b);
            if b.mantissa % 2 == 0 && 1 - b.exponent <= reach && !open(found) {
                for length in length + 1..=$digits {
                    let longer = format!("{v:.*e}", length - 1);
                    let fits = longer.parse() == Ok(v);
                    if fits && Decimal::read(&longer).is_some_and(|(d, _)| open(d)) {
                        return format!("{sign}{}", without_zeros(&longer));
                    }
                }
            }
            let tail = -b.exponent - b.mantissa.trailing_zeros() as i32;
            if length + 2 >= $digits && tail <= reach + 1 && found.digits % 2 == 1 {
                // Rust's exact rounding prefers the even one.
                let even = format!("{v:.*e}", length - 1);
                if even.parse() == Ok(v)
                    && Decimal::read(&even)
                        .is_some_and(|(d, _)| d.is_beside(found) && open(d) && is_tie(v.into(), length))
                {
                    return format!("{sign}{even}");
                }
            }
            text
        }
    };
}

shortest!(shortest_f64, f64, 52, 17);
shortest!(shortest_f32, f32, 23, 9);

/// Written with one digit more it ends in a 5, and that is all there is to it.
fn is_tie(v: f64, length: usize) -> bool {
    let exact = format!("{v:.40e}");
    let digits: Vec<u8> = exact.split('e').next().unwrap_or_default().bytes().filter(|b| *b != b'.').collect();
    digits.get(length) == Some(&b'5') && digits.iter().skip(length + 1).all(|d| *d == b'0')
}

/// `1.500e3` as `1.5e3`.
fn without_zeros(text: &str) -> String {
    let Some((mantissa, exponent)) = text.split_once('e') else { return text.to_owned() };
    let mantissa = if mantissa.contains('.') { mantissa.trim_end_matches('0').trim_end_matches('.') } else { mantissa };
    format!("{mantissa}e{exponent}")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As PostgreSQL 15 shows them.
    #[test]
    fn half_ways_and_ties() {
        for (v, shown) in [
            (1e23, "9.999999999999999e22"),
            (-1e23, "-9.999999999999999e22"),
            (2e23, "1.9999999999999998e23"),
            (8.41e21, "8.409999999999999e21"),
            (18_446_744_073_709_550.0, "1.8446744073709552e16"),
            (1_000_000_014_901_161.3, "1.0000000149011612e15"),
            (9.5e22, "9.5e22"),
            (5e-324, "5e-324"),
            (0.1, "1e-1"),
            (0.0, "0e0"),
            (1.7976931348623157e308, "1.7976931348623157e308"),
        ] {
            assert_eq!(shortest_f64(v), shown);
        }
        assert_eq!(shortest_f32(3.4e10), "3.3999999e10");
        assert_eq!(shortest_f32(16777217.0), "1.6777216e7");
        assert_eq!(shortest_f32(0.1), "1e-1");
    }
}
