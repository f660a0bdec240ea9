//! Sets of elements, each known by a number: on leaves as a list where that is short, else as a signature, a bit for
//! each number modulo their count.
//!
//! Key: u8 0 and the signature's bytes, or 1 and the numbers u32 LE, ascending.

use super::divide;

const BITS: u8 = 0;
const LIST: u8 = 1;

/// How such sets are kept: the signature's bytes, and the most bytes a list may take.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    pub bytes: usize,
    pub longest: usize,
}

impl Form {
    pub fn new(bytes: usize, room: usize) -> Form {
        let room = room.saturating_sub(8);
        Form { bytes: bytes.min(room), longest: room.min(400) }
    }

    pub fn of(self, mut numbers: Vec<u32>) -> Vec<u8> {
        numbers.sort_unstable();
        numbers.dedup();
        if numbers.len() * 4 <= self.longest {
            let mut out = vec![LIST];
            numbers.iter().for_each(|n| out.extend_from_slice(&n.to_le_bytes()));
            return out;
        }
        let mut out = vec![0; 1 + self.bytes];
        numbers.iter().for_each(|n| self.set(&mut out[1..], *n));
        out
    }

    fn set(self, bits: &mut [u8], number: u32) {
        let at = number as usize % (self.bytes * 8);
        bits[at / 8] |= 1 << (at % 8);
    }

    /// The signature of a key of either kind.
    fn bits(self, key: &[u8]) -> Vec<u8> {
        let mut out = vec![0; self.bytes];
        match list(key) {
            Some(numbers) => numbers.for_each(|n| self.set(&mut out, n)),
            None => out.iter_mut().zip(&key[1.min(key.len())..]).for_each(|(o, b)| *o = *b),
        }
        out
    }

    pub fn union(self, a: &[u8], b: &[u8]) -> Vec<u8> {
        if a == b {
            return a.to_vec();
        }
        let mut out = vec![BITS];
        out.extend(self.bits(a).iter().zip(self.bits(b)).map(|(a, b)| a | b));
        out
    }

    /// Whether the element may be in the set.
    pub fn may_have(self, key: &[u8], number: u32) -> bool {
        match list(key) {
            Some(mut numbers) => numbers.any(|n| n == number),
            None => {
                let at = number as usize % (self.bytes * 8);
                key.get(1 + at / 8).is_none_or(|b| b >> (at % 8) & 1 == 1)
            }
        }
    }

    pub fn penalty(self, key: &[u8], new: &[u8]) -> f64 {
        let (key, new) = (self.bits(key), self.bits(new));
        let more: u32 = key.iter().zip(&new).map(|(k, n)| (n & !k).count_ones()).sum();
        f64::from(more)
    }

    /// Between the two that differ most.
    pub fn split(self, keys: &[&[u8]]) -> Vec<bool> {
        let all: Vec<Vec<u8>> = keys.iter().map(|k| self.bits(k)).collect();
        let far = |a: &[u8], b: &[u8]| -> u32 { a.iter().zip(b).map(|(a, b)| (a ^ b).count_ones()).sum() };
        let farthest = |from: usize| (0..all.len()).max_by_key(|n| far(&all[from], &all[*n])).unwrap_or(0);
        let left = farthest(0);
        let right = farthest(left);
        let side = |n: usize| f64::from(far(&all[left], &all[n])) - f64::from(far(&all[right], &all[n]));
        divide(all.len(), side, |order, at| (side(order[at]) + side(order[at - 1])).abs())
    }
}

/// The numbers of a list.
pub fn list(key: &[u8]) -> Option<impl Iterator<Item = u32>> {
    let (kind, numbers) = key.split_first()?;
    (*kind == LIST).then(|| numbers.as_chunks::<4>().0.iter().map(|b| u32::from_le_bytes(*b)))
}

/// The number of a text (FNV-1a): kept in indexes, so it must never change.
pub fn number(text: &str) -> u32 {
    text.bytes().fold(0x811c_9dc5, |h: u32, b| (h ^ u32::from(b)).wrapping_mul(0x0100_0193))
}
