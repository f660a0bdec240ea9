//! PostgreSQL's own compression (PostgreSQL 15, pg_lzcompress.c, PGLZ_strategy_default): what it makes small enough for an
//! index must be small enough here.
//!
//! A control byte tells of the next eight items, from its lowest bit, which of them are references: two bytes (high
//! nibble of the distance and length − 3, low byte of the distance), and one more byte, length − 18, where the second
//! nibble is 15. The others are bytes as they are.

const LEAST: usize = 3;
const MOST: usize = 273;
const WINDOW: usize = 4096;
const HASH_BITS: u32 = 13;
/// Nothing saved after so many bytes: nothing will be.
const FIRST_SUCCESS: usize = 1024;
/// A match of this length is good enough to look no further; for each one looked at a tenth less is.
const GOOD: usize = 128;

/// Where each sequence of four bytes has been, within the window: the last place, and from each place the one before.
struct Places {
    last: Vec<u32>,
    before: Vec<u32>,
}

impl Places {
    fn new() -> Places {
        Places { last: vec![0; 1 << HASH_BITS], before: vec![0; WINDOW] }
    }

    fn slot(input: &[u8], at: usize) -> Option<usize> {
        let four = input.get(at..at + 4)?.first_chunk::<4>()?;
        Some((u32::from_le_bytes(*four).wrapping_mul(2_654_435_761) >> (32 - HASH_BITS)) as usize)
    }

    fn note(&mut self, input: &[u8], at: usize) {
        if let Some(slot) = Places::slot(input, at) {
            self.before[at % WINDOW] = self.last[slot];
            self.last[slot] = at as u32 + 1;
        }
    }

    /// The longest match for what stands at a place: its distance and length.
    fn find(&self, input: &[u8], at: usize) -> Option<(usize, usize)> {
        let mut next = self.last[Places::slot(input, at)?] as usize;
        let most = MOST.min(input.len() - at);
        let mut good = GOOD;
        let mut best = None;
        let mut longest = LEAST - 1;
        while let Some(place) = next.checked_sub(1) {
            let distance = at - place;
            if distance >= WINDOW {
                break;
            }
            if longest < most && input[place + longest] == input[at + longest] {
                let len = (0..most).take_while(|n| input[place + n] == input[at + n]).count();
                if len > longest {
                    (longest, best) = (len, Some((distance, len)));
                }
            }
            if longest >= good || longest == most {
                break;
            }
            good -= good / 10;
            let older = self.before[place % WINDOW] as usize;
            if older >= next {
                break;
            }
            next = older;
        }
        best
    }
}

/// The compressed bytes, if they are at least a quarter fewer.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() < 32 || input.len() >= 1 << 30 {
        return None;
    }
    let limit = input.len() - input.len() / 4;
    let mut places = Places::new();
    let mut out = Vec::new();
    let (mut at, mut control, mut items, mut found_any) = (0, 0, 8, false);
    while at < input.len() {
        if out.len() >= limit || !found_any && out.len() >= FIRST_SUCCESS {
            return None;
        }
        if items == 8 {
            (control, items) = (out.len(), 0);
            out.push(0);
        }
        let len = match places.find(input, at) {
            Some((distance, len)) => {
                out[control] |= 1 << items;
                let high = ((distance >> 4) & 0xF0) as u8;
                match len {
                    18.. => out.extend_from_slice(&[high | 15, distance as u8, (len - 18) as u8]),
                    _ => out.extend_from_slice(&[high | (len - LEAST) as u8, distance as u8]),
                }
                found_any = true;
                len
            }
            None => {
                out.push(input[at]);
                1
            }
        };
        items += 1;
        (at..at + len).for_each(|n| places.note(input, n));
        at += len;
    }
    (out.len() < limit).then_some(out)
}

/// What was compressed, `raw` bytes of it; None if the bytes are damaged.
pub fn decompress(input: &[u8], raw: usize) -> Option<Vec<u8>> {
    // No three bytes stand for more.
    let mut out = Vec::with_capacity(raw.min(input.len().saturating_mul(MOST)));
    let mut rest = input.iter().copied();
    while out.len() < raw {
        let control = rest.next()?;
        for item in 0..8 {
            if out.len() >= raw {
                break;
            }
            if control >> item & 1 == 0 {
                out.push(rest.next()?);
                continue;
            }
            let (first, low) = (rest.next()?, rest.next()?);
            let distance = usize::from(first >> 4) << 8 | usize::from(low);
            let mut len = usize::from(first & 15) + LEAST;
            if len == 18 {
                len += usize::from(rest.next()?);
            }
            if distance == 0 || distance > out.len() || out.len() + len > raw {
                return None;
            }
            let from = out.len() - distance;
            (0..len).for_each(|n| out.push(out[from + n]));
        }
    }
    rest.next().is_none().then_some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, mut seed: u64) -> Vec<u8> {
        let mut byte = || {
            seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (seed >> 56) as u8
        };
        (0..n).map(|_| byte()).collect()
    }

    /// What goes in comes out, also where a distance is the longest or a match runs into itself.
    #[test]
    fn round_trips() {
        for n in [32, 33, 100, 300, 5000, 100_000] {
            let part = noise(n / 3, 5);
            let mixed = [part.clone(), b"abcabcabcabc".iter().copied().cycle().take(n / 2).collect(), part].concat();
            for input in [vec![b'x'; n], mixed, b"hello world, ".repeat(n / 13 + 6)] {
                if let Some(packed) = compress(&input) {
                    assert_eq!(decompress(&packed, input.len()).as_deref(), Some(&input[..]));
                }
            }
        }
        assert!(compress(&noise(10_000, 1)).is_none());
        assert!((110..125).contains(&compress(&vec![b'x'; 10_000]).unwrap().len()));
    }

    /// Damaged bytes never panic.
    #[test]
    fn damage_is_refused() {
        let packed = compress(&b"some text that repeats, some text that repeats. ".repeat(20)).unwrap();
        for i in 0..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[i] ^= 1 << bit;
                assert!(decompress(&bad, 960).is_none_or(|out| out.len() == 960));
            }
            assert!(decompress(&packed[..i], 960).is_none());
        }
    }
}
