//! crypt with DES: the traditional scheme and the extended one of BSDi (`_` and 24 bits each of rounds and salt).
//!
//! Bits are numbered from 1 at the left, as in FIPS 46-3, and permutations are tables of such numbers.

use super::password::{invalid_salt, number};
use crate::base::Result;

const INITIAL: [u8; 64] = [
    58, 50, 42, 34, 26, 18, 10, 2, 60, 52, 44, 36, 28, 20, 12, 4, 62, 54, 46, 38, 30, 22, 14, 6, 64, 56, 48, 40, 32,
    24, 16, 8, 57, 49, 41, 33, 25, 17, 9, 1, 59, 51, 43, 35, 27, 19, 11, 3, 61, 53, 45, 37, 29, 21, 13, 5, 63, 55, 47,
    39, 31, 23, 15, 7,
];
const PERMUTATION: [u8; 32] = [
    16, 7, 20, 21, 29, 12, 28, 17, 1, 15, 23, 26, 5, 18, 31, 10, 2, 8, 24, 14, 32, 27, 3, 9, 19, 13, 30, 6, 22, 11, 4,
    25,
];
const KEY_CHOICE_1: [u8; 56] = [
    57, 49, 41, 33, 25, 17, 9, 1, 58, 50, 42, 34, 26, 18, 10, 2, 59, 51, 43, 35, 27, 19, 11, 3, 60, 52, 44, 36, 63, 55,
    47, 39, 31, 23, 15, 7, 62, 54, 46, 38, 30, 22, 14, 6, 61, 53, 45, 37, 29, 21, 13, 5, 28, 20, 12, 4,
];
const KEY_CHOICE_2: [u8; 48] = [
    14, 17, 11, 24, 1, 5, 3, 28, 15, 6, 21, 10, 23, 19, 12, 4, 26, 8, 16, 7, 27, 20, 13, 2, 41, 52, 31, 37, 47, 55, 30,
    40, 51, 45, 33, 48, 44, 49, 39, 56, 34, 53, 46, 42, 50, 36, 29, 32,
];
const SHIFTS: [u32; 16] = [1, 1, 2, 2, 2, 2, 2, 2, 1, 2, 2, 2, 2, 2, 2, 1];
const SUBSTITUTION: [[u8; 64]; 8] = [
    [
        14, 4, 13, 1, 2, 15, 11, 8, 3, 10, 6, 12, 5, 9, 0, 7, 0, 15, 7, 4, 14, 2, 13, 1, 10, 6, 12, 11, 9, 5, 3, 8, 4,
        1, 14, 8, 13, 6, 2, 11, 15, 12, 9, 7, 3, 10, 5, 0, 15, 12, 8, 2, 4, 9, 1, 7, 5, 11, 3, 14, 10, 0, 6, 13,
    ],
    [
        15, 1, 8, 14, 6, 11, 3, 4, 9, 7, 2, 13, 12, 0, 5, 10, 3, 13, 4, 7, 15, 2, 8, 14, 12, 0, 1, 10, 6, 9, 11, 5, 0,
        14, 7, 11, 10, 4, 13, 1, 5, 8, 12, 6, 9, 3, 2, 15, 13, 8, 10, 1, 3, 15, 4, 2, 11, 6, 7, 12, 0, 5, 14, 9,
    ],
    [
        10, 0, 9, 14, 6, 3, 15, 5, 1, 13, 12, 7, 11, 4, 2, 8, 13, 7, 0, 9, 3, 4, 6, 10, 2, 8, 5, 14, 12, 11, 15, 1, 13,
        6, 4, 9, 8, 15, 3, 0, 11, 1, 2, 12, 5, 10, 14, 7, 1, 10, 13, 0, 6, 9, 8, 7, 4, 15, 14, 3, 11, 5, 2, 12,
    ],
    [
        7, 13, 14, 3, 0, 6, 9, 10, 1, 2, 8, 5, 11, 12, 4, 15, 13, 8, 11, 5, 6, 15, 0, 3, 4, 7, 2, 12, 1, 10, 14, 9, 10,
        6, 9, 0, 12, 11, 7, 13, 15, 1, 3, 14, 5, 2, 8, 4, 3, 15, 0, 6, 10, 1, 13, 8, 9, 4, 5, 11, 12, 7, 2, 14,
    ],
    [
        2, 12, 4, 1, 7, 10, 11, 6, 8, 5, 3, 15, 13, 0, 14, 9, 14, 11, 2, 12, 4, 7, 13, 1, 5, 0, 15, 10, 3, 9, 8, 6, 4,
        2, 1, 11, 10, 13, 7, 8, 15, 9, 12, 5, 6, 3, 0, 14, 11, 8, 12, 7, 1, 14, 2, 13, 6, 15, 0, 9, 10, 4, 5, 3,
    ],
    [
        12, 1, 10, 15, 9, 2, 6, 8, 0, 13, 3, 4, 14, 7, 5, 11, 10, 15, 4, 2, 7, 12, 9, 5, 6, 1, 13, 14, 0, 11, 3, 8, 9,
        14, 15, 5, 2, 8, 12, 3, 7, 0, 4, 10, 1, 13, 11, 6, 4, 3, 2, 12, 9, 5, 15, 10, 11, 14, 1, 7, 6, 0, 8, 13,
    ],
    [
        4, 11, 2, 14, 15, 0, 8, 13, 3, 12, 9, 7, 5, 10, 6, 1, 13, 0, 11, 7, 4, 9, 1, 10, 14, 3, 5, 12, 2, 15, 8, 6, 1,
        4, 11, 13, 12, 3, 7, 14, 10, 15, 6, 8, 0, 5, 9, 2, 6, 11, 13, 8, 1, 4, 10, 7, 9, 5, 0, 15, 14, 2, 3, 12,
    ],
    [
        13, 2, 8, 4, 6, 15, 11, 1, 10, 9, 3, 14, 5, 0, 12, 7, 1, 15, 13, 8, 10, 3, 7, 4, 12, 5, 6, 11, 0, 14, 9, 2, 7,
        11, 4, 1, 9, 12, 14, 2, 0, 6, 10, 13, 15, 3, 5, 8, 2, 1, 14, 7, 4, 10, 8, 13, 15, 12, 9, 0, 3, 5, 6, 11,
    ],
];

/// Picks bits of the low `width` ones, in the order of a table.
fn permute(bits: u64, width: u32, table: &[u8]) -> u64 {
    table.iter().fold(0, |out, at| out << 1 | bits >> (width - u32::from(*at)) & 1)
}

/// The 16 keys of the rounds.
fn schedule(key: u64) -> [u64; 16] {
    let chosen = permute(key, 64, &KEY_CHOICE_1);
    let turn = |half: u64, by: u32| (half << by | half >> (28 - by)) & 0xfff_ffff;
    let (mut c, mut d) = (chosen >> 28, chosen & 0xfff_ffff);
    SHIFTS.map(|by| {
        (c, d) = (turn(c, by), turn(d, by));
        permute(c << 28 | d, 56, &KEY_CHOICE_2)
    })
}

/// Where the substitutions' results go, already permuted.
struct Boxes([[u32; 64]; 8]);

impl Boxes {
    fn new() -> Boxes {
        let mut all = [[0; 64]; 8];
        for (n, table) in SUBSTITUTION.iter().enumerate() {
            for (six, to) in all[n].iter_mut().enumerate() {
                let at = (six & 0x20 | (six & 1) << 4) | six >> 1 & 0xf;
                let four = u64::from(table[at]) << (28 - 4 * n);
                *to = permute(four, 32, &PERMUTATION) as u32;
            }
        }
        Boxes(all)
    }
}

/// The expansion of a half to 48 bits: six for each substitution, overlapping at both ends.
fn expand(half: u32) -> u64 {
    (0..8).fold(0, |out, n| out << 6 | u64::from(half.rotate_left(4 * n + 5) & 0x3f))
}

/// Encrypts a block `count` times; the salt's bits say which bits of an expansion's halves change places.
fn encrypt(block: u64, keys: &[u64; 16], salt: u64, count: u32, boxes: &Boxes) -> u64 {
    let start = permute(block, 64, &INITIAL);
    let (mut left, mut right) = ((start >> 32) as u32, start as u32);
    for _ in 0..count {
        for key in keys {
            let mut wide = expand(right);
            let swap = (wide >> 24 ^ wide) & salt;
            wide ^= (swap | swap << 24) ^ key;
            let six = |n: usize| (wide >> (42 - 6 * n)) as usize & 0x3f;
            let f = (0..8).fold(0, |f, n| f | boxes.0[n][six(n)]);
            (left, right) = (right, left ^ f);
        }
        // The last round does not change sides.
        (left, right) = (right, left);
    }
    let done = u64::from(left) << 32 | u64::from(right);
    // The inverse of the first permutation.
    INITIAL.iter().enumerate().fold(0, |out, (n, at)| out | (done >> (63 - n) & 1) << (64 - u32::from(*at)))
}

/// Seven bits of each of eight characters.
fn key_of(chars: &[u8]) -> u64 {
    (0..8).fold(0, |key, n| key << 8 | u64::from(chars.get(n).copied().unwrap_or_default() << 1))
}

/// The salt's characters as 24 bits, the first one's lowest bit leftmost.
fn salt_of(chars: &[u8]) -> u64 {
    (0..24).fold(0, |out, bit| {
        let value = chars.get(bit / 6).map_or(0, |c| number(*c));
        out << 1 | u64::from(value >> (bit % 6) & 1)
    })
}

const DIGITS: &[u8; 64] = super::password::DIGITS;

fn show(block: u64, out: &mut String) {
    let bits = u128::from(block) << 2;
    out.extend((0..11).rev().map(|n| DIGITS[(bits >> (6 * n)) as usize & 0x3f] as char));
}

/// # Errors
/// 22023 for a salt too short.
pub(super) fn crypt(password: &[u8], setting: &str) -> Result<String> {
    let boxes = Boxes::new();
    let bytes = setting.as_bytes();
    if bytes.len() < 2 {
        return Err(invalid_salt());
    }
    if bytes[0] != b'_' {
        let mut out: String = setting.chars().take(2).collect();
        let keys = schedule(key_of(password));
        show(encrypt(0, &keys, salt_of(&bytes[..2]), 25, &boxes), &mut out);
        return Ok(out);
    }
    if bytes.len() < 9 || !setting.is_ascii() {
        return Err(invalid_salt());
    }
    let count = bytes[1..5].iter().rev().fold(0, |count, c| count << 6 | number(*c));
    if count == 0 {
        return Err(super::failed("crypt(3) returned NULL"));
    }
    let (first, rest) = password.split_at(password.len().min(8));
    let mut key = key_of(first);
    for more in rest.chunks(8) {
        key = encrypt(key, &schedule(key), 0, 1, &boxes) ^ key_of(more);
    }
    let mut out = setting[..9].to_owned();
    show(encrypt(0, &schedule(key), salt_of(&bytes[5..9]), count, &boxes), &mut out);
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// FIPS 46-3's usual example, then passwords as PostgreSQL encrypts them.
    #[test]
    fn known_answers() {
        let keys = schedule(0x1334_5779_9bbc_dff1);
        assert_eq!(encrypt(0x0123_4567_89ab_cdef, &keys, 0, 1, &Boxes::new()), 0x85e8_1354_0f0a_b405);
        assert_eq!(crypt(b"pw", "ab").unwrap(), "abzlUXK5ed5rs");
        assert_eq!(crypt(b"pw", "$9$abc").unwrap(), "$9HTctN.rDQUQ");
        assert_eq!(crypt(b"", "xx").unwrap(), "xx95eIq3U1EUg");
        assert_eq!(crypt(b"pw", "_J9..rasm").unwrap(), "_J9..rasm6f5ycSbUcd6");
    }

    #[test]
    fn short_salts_are_refused() {
        assert!(crypt(b"pw", "a").is_err() && crypt(b"pw", "_J9..ras").is_err() && crypt(b"pw", "_....rasm").is_err());
    }
}
