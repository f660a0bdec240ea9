//! Values by a set of hash codes (Bloom 1970): which ones are surely not there.
//!
//! Key: 0 and bits' numbers u16 LE, ascending, or 1 and all the bits.

use super::min_max::MinMax;
use crate::base::Result;
use crate::gist::{Answer, Class, Query};
use crate::types::{Datum, TypeRef};

const LIST: u8 = 0;
const BITS: u8 = 1;
/// Bits that a value sets.
const HASHES: u32 = 6;
/// As many numbers take a list's room.
const LONGEST: usize = 96;
const MOST_BYTES: usize = 2048;

#[derive(Debug)]
pub struct Bloom {
    values: MinMax,
    bytes: usize,
}

#[derive(Debug)]
struct BloomQuery {
    bits: Vec<u16>,
}

/// FNV-1a: kept in indexes, so it must never change.
fn hash(bytes: &[u8], start: u32) -> u32 {
    bytes.iter().fold(start, |h, b| (h ^ u32::from(*b)).wrapping_mul(0x0100_0193))
}

fn list(key: &[u8]) -> Option<impl Iterator<Item = u16>> {
    let (form, rest) = key.split_first()?;
    (*form == LIST).then(|| rest.as_chunks::<2>().0.iter().map(|b| u16::from_le_bytes(*b)))
}

fn has(key: &[u8], bit: u16) -> bool {
    match list(key) {
        Some(mut bits) => bits.any(|b| b == bit),
        None => key.get(1 + usize::from(bit) / 8).is_none_or(|b| b >> (bit % 8) & 1 == 1),
    }
}

impl Bloom {
    pub fn new(values: MinMax) -> Bloom {
        let bytes = values.room.saturating_sub(8).clamp(8, MOST_BYTES);
        Bloom { values, bytes }
    }

    fn bits(&self, value: Datum<'_>, ty: TypeRef) -> Vec<u16> {
        let key = self.values.key(value, ty);
        let (first, step) = (hash(&key, 0x811c_9dc5), hash(&key, 0x1b87_3593) | 1);
        let count = self.bytes as u32 * 8;
        let mut bits: Vec<u16> =
            (0..HASHES).map(|n| (first.wrapping_add(n.wrapping_mul(step)) % count) as u16).collect();
        bits.sort_unstable();
        bits.dedup();
        bits
    }

    fn as_list(bits: &[u16]) -> Vec<u8> {
        let mut out = vec![LIST];
        bits.iter().for_each(|b| out.extend_from_slice(&b.to_le_bytes()));
        out
    }
}

impl Class for Bloom {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        Bloom::as_list(&self.bits(value, self.values.ty))
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        if let (Some(x), Some(y)) = (list(a), list(b)) {
            let mut all: Vec<u16> = x.chain(y).collect();
            all.sort_unstable();
            all.dedup();
            if all.len() <= LONGEST {
                return Bloom::as_list(&all);
            }
        }
        let mut out = vec![0; 1 + self.bytes];
        out[0] = BITS;
        for key in [a, b] {
            match list(key) {
                Some(bits) => bits.for_each(|bit| {
                    if let Some(byte) = out.get_mut(1 + usize::from(bit) / 8) {
                        *byte |= 1 << (bit % 8);
                    }
                }),
                None => out.iter_mut().zip(key).skip(1).for_each(|(o, k)| *o |= k),
            }
        }
        out
    }

    fn query(&self, _: i16, value: Datum<'_>, ty: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        Ok(Box::new(BloomQuery { bits: self.bits(value, ty) }))
    }
}

impl Query for BloomQuery {
    fn consistent(&self, key: &[u8], _: bool) -> Answer {
        if self.bits.iter().all(|bit| has(key, *bit)) { Answer::Maybe } else { Answer::No }
    }
}
