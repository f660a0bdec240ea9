//! The sum of many numbers: digits are added place by place and carried once, at the end. PostgreSQL 15, numeric.c,
//! NumericSumAccum: same idea, there with a carry now and then, since its places are narrower.

use super::{Digits, Head, Kind, NBASE, Numeric};
use smallvec::SmallVec;

#[derive(Clone, Debug, Default)]
pub struct Sum {
    /// Signed digits, those of the highest place first. A place has room for those of 2^63 / 10,000 numbers.
    places: SmallVec<[i64; 4]>,
    /// Power of [`NBASE`] of the first place.
    weight: i32,
    dscale: i32,
    special: Option<Kind>,
}

impl Sum {
    /// Adds a number in its stored form.
    pub fn add(&mut self, bytes: &[u8]) {
        let Some((head, digits)) = Head::of(bytes) else { return };
        if head.kind != Kind::Finite {
            self.special = Some(match self.special {
                None => head.kind,
                Some(before) if before == head.kind => head.kind,
                Some(_) => Kind::NaN,
            });
            return;
        }
        self.dscale = self.dscale.max(head.dscale);
        if digits.is_empty() {
            return;
        }
        let from = self.place(head.weight, digits.len());
        let places = &mut self.places[from..from + digits.len()];
        let of = |d: &[u8; 2]| i64::from(i16::from_le_bytes(*d));
        if !head.neg {
            places.iter_mut().zip(digits).for_each(|(p, d)| *p += of(d));
        } else {
            places.iter_mut().zip(digits).for_each(|(p, d)| *p -= of(d));
        }
    }

    /// Makes room for so many digits from this weight downwards; answers where they begin.
    fn place(&mut self, weight: i32, digits: usize) -> usize {
        if self.places.is_empty() {
            self.weight = weight;
        }
        if weight > self.weight {
            let more = (weight - self.weight) as usize;
            let old = self.places.len();
            self.places.resize(old + more, 0);
            self.places.copy_within(..old, more);
            self.places[..more].fill(0);
            self.weight = weight;
        }
        let from = (self.weight - weight) as usize;
        if from + digits > self.places.len() {
            self.places.resize(from + digits, 0);
        }
        from
    }

    pub fn total(&self) -> Numeric {
        if let Some(kind) = self.special {
            return Numeric::special(kind);
        }
        let (mut lowest_first, mut carry) = carried(self.places.iter().rev().copied());
        let neg = carry < 0;
        if neg {
            (lowest_first, carry) = carried(self.places.iter().rev().map(|p| -p));
        }
        let mut weight = self.weight;
        while carry > 0 {
            lowest_first.push((carry % i64::from(NBASE)) as i16);
            carry /= i64::from(NBASE);
            weight += 1;
        }
        lowest_first.reverse();
        let mut n = Numeric { kind: Kind::Finite, neg, weight, dscale: self.dscale, digits: lowest_first };
        n.strip();
        n
    }

    /// What it holds beyond its own size, in bytes.
    pub fn heap(&self) -> usize {
        if self.places.spilled() { self.places.capacity() * size_of::<i64>() } else { 0 }
    }
}

/// Digits of 0 to 9,999 of places from the lowest on, and what goes on to the next place: below 0 for a negative number.
fn carried(places: impl Iterator<Item = i64>) -> (Digits, i64) {
    let mut carry = 0;
    let digits = places
        .map(|p| {
            let value = p + carry;
            carry = value.div_euclid(NBASE.into());
            value.rem_euclid(NBASE.into()) as i16
        })
        .collect();
    (digits, carry)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Numeric {
        Numeric::parse(text).unwrap()
    }

    fn sums(texts: &[&str]) -> [String; 2] {
        let (mut sum, mut one_by_one) = (Sum::default(), Numeric::zero());
        for t in texts {
            let n = number(t);
            sum.add(&n.to_bytes().unwrap());
            one_by_one = one_by_one.add(&n);
        }
        [sum.total().to_string(), one_by_one.to_string()]
    }

    #[test]
    fn known_sums() {
        let sum = |texts: &[&str]| {
            let [sum, one_by_one] = sums(texts);
            assert_eq!(sum, one_by_one, "{texts:?}");
            sum
        };
        assert_eq!(sum(&["9999.9999", "0.0001"]), "10000.0000");
        assert_eq!(sum(&["-9999", "-1", "0.50"]), "-9999.50");
        assert_eq!(sum(&["1e30", "-1e30", "0.000"]), "0.000");
        assert_eq!(sum(&["1e-20", "1e20", "-1e20"]), "0.00000000000000000001");
        let three = ["12345678901234567890", "0.000000000012345", "-99999999999999999999999"];
        assert_eq!(sum(&three), "-99987654321098765432108.999999999987655");
        assert_eq!(sum(&["Infinity", "1"]), "Infinity");
        assert_eq!(sum(&["Infinity", "-Infinity", "Infinity"]), "NaN");
        assert_eq!(sum(&["NaN", "-Infinity"]), "NaN");
        assert_eq!(sum(&["0.00", "0"]), "0.00");
    }

    /// Numbers of any size and sign, against sums made one by one.
    #[test]
    fn random_sums() {
        let mut state = 20_261_130_u64;
        let mut random = |n: u64| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) % n
        };
        for _ in 0..300 {
            let count = random(40);
            let texts: Vec<String> = (0..count)
                .map(|_| {
                    let sign = if random(2) == 0 { "-" } else { "" };
                    let digits: String = (0..1 + random(20)).map(|_| char::from(b'0' + random(10) as u8)).collect();
                    format!("{sign}{digits}e{}", random(60) as i64 - 30)
                })
                .collect();
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            let [sum, one_by_one] = sums(&texts);
            assert_eq!(sum, one_by_one, "{texts:?}");
        }
    }
}
