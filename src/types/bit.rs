//! `bit` and `varbit`. Bytes: number of bits u32 LE, then the bits, first one highest, unused ones zero.

use crate::base::Result;
use crate::{bail, err};

/// A bit string taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Bits<'a> {
    pub len: usize,
    pub bytes: &'a [u8],
}

impl<'a> Bits<'a> {
    pub fn new(stored: &'a [u8]) -> Bits<'a> {
        match stored.split_first_chunk::<4>() {
            Some((len, bytes)) => Bits { len: (u32::from_le_bytes(*len) as usize).min(bytes.len() * 8), bytes },
            None => Bits { len: 0, bytes: &[] },
        }
    }

    pub fn get(self, at: usize) -> bool {
        self.bytes[at / 8] >> (7 - at % 8) & 1 == 1
    }

    pub fn iter(self) -> impl Iterator<Item = bool> + 'a {
        (0..self.len).map(move |i| self.get(i))
    }
}

/// The stored form of some bits.
pub fn build(bits: impl Iterator<Item = bool>) -> Vec<u8> {
    let mut out = vec![0; 4];
    let mut len = 0_u32;
    for bit in bits {
        if len.is_multiple_of(8) {
            out.push(0);
        }
        if bit && let Some(last) = out.last_mut() {
            *last |= 0x80 >> (len % 8);
        }
        len += 1;
    }
    out[..4].copy_from_slice(&len.to_le_bytes());
    out
}

/// Reads `0101`, `b0101` or `x5`.
pub fn parse(text: &str, typmod: i32, varying: bool) -> Result<Vec<u8>> {
    let (hex, digits) = match text.as_bytes().first() {
        Some(b'b' | b'B') => (false, &text[1..]),
        Some(b'x' | b'X') => (true, &text[1..]),
        _ => (false, text),
    };
    let mut bits = Vec::with_capacity(digits.len() * if hex { 4 } else { 1 });
    for c in digits.chars() {
        match (hex, c.to_digit(16)) {
            (false, Some(d @ 0..=1)) => bits.push(d == 1),
            (false, _) => bail!(INVALID_TEXT_REPRESENTATION, "\"{c}\" is not a valid binary digit"),
            (true, Some(d)) => bits.extend((0..4).rev().map(|i| d >> i & 1 == 1)),
            (true, None) => bail!(INVALID_TEXT_REPRESENTATION, "\"{c}\" is not a valid hexadecimal digit"),
        }
    }
    check_length(bits.len(), typmod, varying)?;
    Ok(build(bits.into_iter()))
}

fn check_length(len: usize, typmod: i32, varying: bool) -> Result<()> {
    if typmod < 0 {
        return Ok(());
    }
    if varying && len > typmod as usize {
        return Err(err!(STRING_DATA_RIGHT_TRUNCATION, "bit string too long for type bit varying({typmod})"));
    }
    if !varying && len != typmod as usize {
        return Err(err!(STRING_DATA_LENGTH_MISMATCH, "bit string length {len} does not match type bit({typmod})"));
    }
    Ok(())
}

/// Applies `bit(n)` or `bit varying(n)`; an explicit cast cuts or fills with zeros.
pub fn apply_typmod(stored: &[u8], typmod: i32, varying: bool, explicit: bool) -> Result<Vec<u8>> {
    let bits = Bits::new(stored);
    if typmod <= 0 || bits.len == typmod as usize || (varying && bits.len < typmod as usize) {
        return Ok(stored.to_vec());
    }
    if !explicit {
        check_length(bits.len, typmod, varying)?;
    }
    Ok(build(bits.iter().chain(std::iter::repeat(false)).take(typmod as usize)))
}

pub fn write(stored: &[u8], out: &mut Vec<u8>) {
    out.extend(Bits::new(stored).iter().map(|b| if b { b'1' } else { b'0' }));
}
