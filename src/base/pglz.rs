//! Compression of large values as PostgreSQL does it by default (pg_lzcompress.c: same format and same choices, so that
//! values take as much room as there).
//!
//! Eight items follow a control byte, lowest bit first: 0 is a byte as it is, 1 a tag of two or three bytes, which says
//! that 3 to 273 bytes stand up to 4095 bytes back.
//!
//! | bits of a tag | what |
//! |---|---|
//! | 0..4 of byte 0 | length − 3; 15: a third byte says how much longer than 18 |
//! | 4..8 of byte 0, byte 1 | distance |

use std::cell::Cell;

/// Shorter values are left alone.
const MIN_INPUT: usize = 32;
/// The output must be so many percent smaller.
const MIN_RATE: usize = 25;
/// Nothing found up to here: nothing will be.
const FIRST_SUCCESS_BY: usize = 1024;
const MIN_MATCH: usize = 3;
const MAX_MATCH: usize = 273;
const MAX_DISTANCE: usize = 0x0fff;
/// A match this long ends the search; each step along a chain lowers what is thought long by a tenth.
const GOOD_MATCH: usize = 128;
const GOOD_DROP: usize = 10;
/// Places remembered: those that a tag can reach, entry 0 stands for none.
const HISTORY: usize = 4096;

/// Where four bytes stood before: chains of places by hash, newest first, and each entry used again in turn.
struct History {
    heads: Vec<u16>,
    next: Vec<u16>,
    /// The newer entry of the chain, 0 for its head.
    newer: Vec<u16>,
    place: Vec<u32>,
    slot: Vec<u16>,
    turn: usize,
    full: bool,
    mask: usize,
}

thread_local! {
    /// The last one of this thread: most of it need not be cleared.
    static SPARE: Cell<Option<History>> = const { Cell::new(None) };
}

impl History {
    fn new() -> History {
        History {
            heads: Vec::new(),
            next: vec![0; HISTORY + 1],
            newer: vec![0; HISTORY + 1],
            place: vec![0; HISTORY + 1],
            slot: vec![0; HISTORY + 1],
            turn: 1,
            full: false,
            mask: 0,
        }
    }

    /// An empty one for so many bytes.
    fn of(input: usize) -> History {
        let slots = match input {
            0..128 => 512,
            128..256 => 1024,
            256..512 => 2048,
            512..1024 => 4096,
            _ => 8192,
        };
        let mut history = SPARE.take().unwrap_or_else(History::new);
        history.heads.clear();
        history.heads.resize(slots, 0);
        History { turn: 1, full: false, mask: slots - 1, ..history }
    }

    #[inline]
    fn slot_of(&self, rest: &[u8]) -> usize {
        // Bytes have a sign, as there on most machines.
        let signed = |b: u8| i32::from(b as i8);
        let mixed = match *rest {
            [a, b, c, d, ..] => signed(a) << 6 ^ signed(b) << 4 ^ signed(c) << 2 ^ signed(d),
            [a, ..] => signed(a),
            [] => 0,
        };
        mixed as usize & self.mask
    }

    #[inline]
    fn add(&mut self, input: &[u8], at: usize) {
        let slot = self.slot_of(&input[at..]);
        let entry = self.turn;
        if self.full {
            // It is the oldest of its chain, so nothing follows it that could still be reached.
            let (newer, next) = (self.newer[entry], self.next[entry]);
            match newer {
                0 => self.heads[self.slot[entry] as usize] = next,
                n => self.next[n as usize] = next,
            }
            if next != 0 {
                self.newer[next as usize] = newer;
            }
        }
        let head = self.heads[slot];
        self.next[entry] = head;
        self.newer[entry] = 0;
        self.slot[entry] = slot as u16;
        self.place[entry] = at as u32;
        if head != 0 {
            self.newer[head as usize] = entry as u16;
        }
        self.heads[slot] = entry as u16;
        self.turn += 1;
        if self.turn > HISTORY {
            self.turn = 1;
            self.full = true;
        }
    }

    /// The longest earlier occurrence of what starts at `at`: its length and how far back, if it is worth a tag.
    #[inline]
    fn find(&self, input: &[u8], at: usize) -> Option<(usize, usize)> {
        let here = &input[at..];
        let most = here.len().min(MAX_MATCH);
        let mut entry = self.heads[self.slot_of(here)] as usize;
        let (mut length, mut distance, mut good) = (0, 0, GOOD_MATCH);
        while entry != 0 {
            let place = self.place[entry] as usize;
            let back = at - place;
            if back >= MAX_DISTANCE {
                break;
            }
            let there = &input[place..place + most];
            // Only a longer one counts: once there is a good one its length must agree at once.
            let found = if length >= 16 && here[..length] != there[..length] { 0 } else { same(&here[..most], there) };
            if found > length {
                (length, distance) = (found, back);
            }
            entry = self.next[entry] as usize;
            if entry != 0 {
                if length >= good {
                    break;
                }
                good -= good * GOOD_DROP / 100;
            }
        }
        (length >= MIN_MATCH).then_some((length, distance))
    }
}

/// How many bytes are the same at the front.
#[inline]
fn same(a: &[u8], b: &[u8]) -> usize {
    let mut n = 0;
    for (x, y) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        let word = |c: &[u8]| u64::from_le_bytes([c[0], c[1], c[2], c[3], c[4], c[5], c[6], c[7]]);
        let differ = word(x) ^ word(y);
        if differ != 0 {
            return n + differ.trailing_zeros() as usize / 8;
        }
        n += 8;
    }
    n + a[n..].iter().zip(&b[n..]).take_while(|(x, y)| x == y).count()
}

/// Output under a control byte that is filled as items come.
struct Items {
    out: Vec<u8>,
    control: usize,
    bit: u8,
}

impl Items {
    #[inline]
    fn item(&mut self, tag: bool) {
        if self.bit == 0 {
            self.control = self.out.len();
            self.out.push(0);
            self.bit = 1;
        }
        if tag {
            self.out[self.control] |= self.bit;
        }
        self.bit <<= 1;
    }
}

/// The compressed bytes, if they are enough smaller.
pub fn compress(input: &[u8]) -> Option<Vec<u8>> {
    if input.len() < MIN_INPUT || input.len() >= 1 << 30 {
        return None;
    }
    let most = match i32::try_from(input.len() * 100) {
        Ok(_) => input.len() * (100 - MIN_RATE) / 100,
        Err(_) => input.len() / 100 * (100 - MIN_RATE),
    };
    let mut history = History::of(input.len());
    let packed = pack(&mut history, input, most);
    SPARE.set(Some(history));
    packed
}

fn pack(history: &mut History, input: &[u8], most: usize) -> Option<Vec<u8>> {
    let mut items = Items { out: Vec::with_capacity(most + 4), control: 0, bit: 0 };
    let (mut at, mut found_any) = (0, false);
    while at < input.len() {
        if items.out.len() >= most || !found_any && items.out.len() >= FIRST_SUCCESS_BY {
            return None;
        }
        let run = match history.find(input, at) {
            Some((length, distance)) => {
                found_any = true;
                items.item(true);
                let high = (distance >> 4) as u8 & 0xf0;
                match length {
                    3..18 => items.out.extend_from_slice(&[high | (length - 3) as u8, distance as u8]),
                    _ => items.out.extend_from_slice(&[high | 0x0f, distance as u8, (length - 18) as u8]),
                }
                length
            }
            None => {
                items.item(false);
                items.out.push(input[at]);
                1
            }
        };
        for _ in 0..run {
            history.add(input, at);
            at += 1;
        }
    }
    (items.out.len() < most).then_some(items.out)
}

/// Appends what was compressed; `None` (and `out` as it was) if the bytes are damaged or not `raw` long.
pub fn decompress(input: &[u8], raw: usize, out: &mut Vec<u8>) -> Option<()> {
    let start = out.len();
    let done = unpack(input, start, start + raw, out);
    if done.is_none() || out.len() != start + raw {
        out.truncate(start);
        return None;
    }
    Some(())
}

fn unpack(input: &[u8], start: usize, end: usize, out: &mut Vec<u8>) -> Option<()> {
    let mut at = 0;
    while at < input.len() && out.len() < end {
        let mut control = input[at];
        at += 1;
        if control == 0 && at + 8 <= input.len() && out.len() + 8 <= end {
            out.extend_from_slice(&input[at..at + 8]);
            at += 8;
            continue;
        }
        for _ in 0..8 {
            if at >= input.len() || out.len() >= end {
                break;
            }
            if control & 1 == 0 {
                out.push(input[at]);
                at += 1;
            } else {
                let (first, second) = (input[at], *input.get(at + 1)?);
                let distance = (first as usize & 0xf0) << 4 | second as usize;
                let mut length = (first & 0x0f) as usize + MIN_MATCH;
                at += 2;
                if length == 18 {
                    length += *input.get(at)? as usize;
                    at += 1;
                }
                let length = length.min(end - out.len());
                if distance == 0 || distance > out.len() - start {
                    return None;
                }
                repeat(out, distance, length);
            }
            control >>= 1;
        }
    }
    (at == input.len()).then_some(())
}

/// Appends `length` bytes that stand `distance` back, those just appended included.
#[inline]
fn repeat(out: &mut Vec<u8>, distance: usize, length: usize) {
    let from = out.len() - distance;
    let mut left = length;
    while left > 0 {
        // Each turn there is twice as much to copy.
        let n = left.min(out.len() - from);
        out.extend_from_within(from..from + n);
        left -= n;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noise(n: usize, mut seed: u64, letters: u64) -> Vec<u8> {
        (0..n)
            .map(|_| {
                seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
                ((seed >> 40) % letters) as u8 + b'a'
            })
            .collect()
    }

    /// What goes in comes out.
    #[test]
    fn round_trips() {
        for n in [32, 33, 127, 300, 5000, 100_000] {
            let mut mixed = noise(n / 2, 5, 20);
            mixed.extend_from_within(..);
            for input in [vec![b'x'; n], noise(n, 7, 2), noise(n, 9, 4), mixed, b"hello, ".repeat(n / 7 + 8)] {
                if let Some(packed) = compress(&input) {
                    let mut out = vec![1, 2];
                    decompress(&packed, input.len(), &mut out).unwrap();
                    assert_eq!(&out[2..], &input[..]);
                }
            }
        }
        assert!(compress(&noise(10_000, 1, 100)).is_none());
        assert!(compress(&[b'x'; 31]).is_none());
    }

    /// As many bytes as on PostgreSQL 15 (`pg_column_size` less the lengths before them).
    #[test]
    fn sizes_are_postgresqls() {
        let numbers: Vec<String> = (1..=3000).map(|n| format!("{n}ä")).collect();
        for (input, bytes) in [
            (vec![b'x'; 2100], 27),
            (vec![b'x'; 90_000], 1033),
            (vec![b'x'; 900_000], 10_305),
            (b"abcdefgh ".repeat(1000), 114),
            (numbers.join(" ").into_bytes(), 9910),
        ] {
            assert_eq!(compress(&input).unwrap().len(), bytes);
        }
    }

    /// Damaged bytes never panic nor pass for something of another length.
    #[test]
    fn damage_is_refused() {
        let packed = compress(&b"some text that repeats, some text that repeats. ".repeat(20)).unwrap();
        for i in 0..packed.len() {
            for bit in 0..8 {
                let mut bad = packed.clone();
                bad[i] ^= 1 << bit;
                let mut out = Vec::new();
                if decompress(&bad, 960, &mut out).is_some() {
                    assert_eq!(out.len(), 960);
                }
            }
            assert!(decompress(&packed[..i], 960, &mut Vec::new()).is_none());
        }
    }
}
