//! An amount of money in English words.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::types::{Column, Datum};

const SMALL: [&str; 20] = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
];
const TENS: [&str; 10] = ["", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"];

/// A number below 1,000 (PostgreSQL 15, cash.c, num_word: same words).
fn words(n: usize) -> String {
    let tail = n % 100;
    let two = match (tail, tail / 10, tail % 10) {
        (t, _, _) if t < 20 => SMALL[t].to_string(),
        (_, tens, 0) => TENS[tens].to_string(),
        (_, tens, ones) => format!("{} {}", TENS[tens], SMALL[ones]),
    };
    match (n / 100, tail) {
        (0, _) => two,
        (h, 0) => format!("{} hundred", SMALL[h]),
        (h, t) if t < 20 && (!n.is_multiple_of(10) || t <= 10) => format!("{} hundred and {two}", SMALL[h]),
        (h, _) => format!("{} hundred {two}", SMALL[h]),
    }
}

fn cash_words(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let value = args[0].i64();
    let amount = value.unsigned_abs();
    let (cents, dollars) = ((amount % 100) as usize, amount / 100);
    let mut text = String::new();
    if value < 0 {
        text += "minus ";
    }
    for (power, name) in
        [(15, " quadrillion "), (12, " trillion "), (9, " billion "), (6, " million "), (3, " thousand ")]
    {
        let part = (dollars / 10_u64.pow(power) % 1000) as usize;
        if part > 0 {
            text += &words(part);
            text += name;
        }
    }
    let part = (dollars % 1000) as usize;
    if part > 0 {
        text += &words(part);
    }
    if dollars == 0 {
        text += "zero";
    }
    text += if dollars == 1 { " dollar and " } else { " dollars and " };
    text += &words(cents);
    text += if cents == 1 { " cent" } else { " cents" };
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase()).into_iter();
    super::push_text(out, first.chain(chars).collect::<String>())
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[("cash_words", FuncImpl::Scalar(cash_words))];
