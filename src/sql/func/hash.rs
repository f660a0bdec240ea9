//! The hash functions SQL can call (`hashtext`, `hashint4`, …): PostgreSQL's own values, because people store them.
//!
//! Bob Jenkins, lookup3 (2006), as PostgreSQL 15 uses it on little-endian machines (common/hashfn.c).

use super::{FnContext, FuncImpl, ScalarFn};
use crate::base::Result;
use crate::types::datetime::{Interval, TimeTz};
use crate::types::text::trim_blanks;
use crate::types::{Column, Datum};

const START: u32 = 0x9e37_79b9 + 3_923_095;

fn mix(a: &mut u32, b: &mut u32, c: &mut u32) {
    *a = a.wrapping_sub(*c) ^ c.rotate_left(4);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(6);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(8);
    *b = b.wrapping_add(*a);
    *a = a.wrapping_sub(*c) ^ c.rotate_left(16);
    *c = c.wrapping_add(*b);
    *b = b.wrapping_sub(*a) ^ a.rotate_left(19);
    *a = a.wrapping_add(*c);
    *c = c.wrapping_sub(*b) ^ b.rotate_left(4);
    *b = b.wrapping_add(*a);
}

fn finish(a: &mut u32, b: &mut u32, c: &mut u32) {
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(14));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(11));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(25));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(16));
    *a = (*a ^ *c).wrapping_sub(c.rotate_left(4));
    *b = (*b ^ *a).wrapping_sub(a.rotate_left(14));
    *c = (*c ^ *b).wrapping_sub(b.rotate_left(24));
}

/// A seed other than 0 is mixed in first; the result's low half is the 32-bit hash.
fn seeded(len: u32, seed: u64) -> (u32, u32, u32) {
    let start = START.wrapping_add(len);
    let (mut a, mut b, mut c) = (start, start, start);
    if seed != 0 {
        a = a.wrapping_add((seed >> 32) as u32);
        b = b.wrapping_add(seed as u32);
        mix(&mut a, &mut b, &mut c);
    }
    (a, b, c)
}

/// `hash_bytes_extended`; with seed 0 the low half is `hash_bytes`.
fn bytes_extended(bytes: &[u8], seed: u64) -> u64 {
    let (mut a, mut b, mut c) = seeded(bytes.len() as u32, seed);
    let (chunks, rest) = bytes.as_chunks::<12>();
    let word = |b: &[u8]| b.iter().rev().fold(0_u32, |n, x| n << 8 | u32::from(*x));
    for chunk in chunks {
        a = a.wrapping_add(word(&chunk[..4]));
        b = b.wrapping_add(word(&chunk[4..8]));
        c = c.wrapping_add(word(&chunk[8..]));
        mix(&mut a, &mut b, &mut c);
    }
    let part = |from: usize| word(rest.get(from..rest.len().min(from + 4)).unwrap_or(&[]));
    a = a.wrapping_add(part(0));
    b = b.wrapping_add(part(4));
    // The lowest byte of c is kept for the length.
    c = c.wrapping_add(part(8) << 8);
    finish(&mut a, &mut b, &mut c);
    u64::from(b) << 32 | u64::from(c)
}

/// `hash_bytes_uint32_extended`.
fn word_extended(k: u32, seed: u64) -> u64 {
    let (mut a, mut b, mut c) = seeded(4, seed);
    a = a.wrapping_add(k);
    finish(&mut a, &mut b, &mut c);
    u64::from(b) << 32 | u64::from(c)
}

/// So that equal numbers of different widths hash alike.
fn folded(v: i64) -> u32 {
    let (low, high) = (v as u32, (v >> 32) as u32);
    low ^ if v >= 0 { high } else { !high }
}

fn float(v: f64, seed: u64) -> u64 {
    if v == 0.0 {
        return seed;
    }
    let v = if v.is_nan() { f64::NAN } else { v };
    bytes_extended(&v.to_le_bytes(), seed)
}

/// The hash of a value by the rule its function's name tells.
#[derive(Clone, Copy, PartialEq)]
enum Rule {
    Word,
    Long,
    Float,
    Bytes,
    Blank,
    Character,
    Interval,
    TimeTz,
}

const RULES: [Rule; 8] =
    [Rule::Word, Rule::Long, Rule::Float, Rule::Bytes, Rule::Blank, Rule::Character, Rule::Interval, Rule::TimeTz];

fn hashed(rule: Rule, value: Datum<'_>, seed: u64) -> u64 {
    match rule {
        Rule::Word => word_extended(
            match value {
                Datum::I16(v) => i32::from(v) as u32,
                Datum::I32(v) => v as u32,
                Datum::Bool(v) => v.into(),
                v => v.u32(),
            },
            seed,
        ),
        Rule::Long => word_extended(folded(value.i64()), seed),
        Rule::Float => match value {
            Datum::F32(v) => float(v.into(), seed),
            v => float(v.f64(), seed),
        },
        Rule::Bytes => bytes_extended(value.bytes(), seed),
        Rule::Blank => bytes_extended(trim_blanks(value.bytes()), seed),
        Rule::Character => word_extended(value.bytes().first().map_or(0, |b| i32::from(*b as i8) as u32), seed),
        Rule::Interval => word_extended(folded(Interval::from_bytes(value.bytes()).total() as i64), seed),
        Rule::TimeTz => {
            let t = TimeTz::from_bytes(value.bytes());
            if seed == 0 {
                return word_extended(folded(t.us), 0) ^ word_extended(t.west as u32, 0);
            }
            word_extended(folded(t.us), seed) ^ word_extended(t.west as u32, seed)
        }
    }
}

fn plain<const RULE: usize>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(hashed(RULES[RULE], args[0], 0) as u32 as i32));
    Ok(())
}

fn extended<const RULE: usize>(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I64(hashed(RULES[RULE], args[0], args[1].i64() as u64) as i64));
    Ok(())
}

const fn s(f: ScalarFn) -> FuncImpl {
    FuncImpl::Scalar(f)
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("hashint2", s(plain::<0>)),
    ("hashint4", s(plain::<0>)),
    ("hashoid", s(plain::<0>)),
    ("hashenum", s(plain::<0>)),
    ("hashint8", s(plain::<1>)),
    ("timestamp_hash", s(plain::<1>)),
    ("time_hash", s(plain::<1>)),
    ("pg_lsn_hash", s(plain::<1>)),
    ("hashfloat4", s(plain::<2>)),
    ("hashfloat8", s(plain::<2>)),
    ("hashtext", s(plain::<3>)),
    ("hashname", s(plain::<3>)),
    ("hashvarlena", s(plain::<3>)),
    ("uuid_hash", s(plain::<3>)),
    ("hashbpchar", s(plain::<4>)),
    ("hashchar", s(plain::<5>)),
    ("interval_hash", s(plain::<6>)),
    ("timetz_hash", s(plain::<7>)),
    ("hashint2extended", s(extended::<0>)),
    ("hashint4extended", s(extended::<0>)),
    ("hashoidextended", s(extended::<0>)),
    ("hashenumextended", s(extended::<0>)),
    ("hashint8extended", s(extended::<1>)),
    ("timestamp_hash_extended", s(extended::<1>)),
    ("time_hash_extended", s(extended::<1>)),
    ("pg_lsn_hash_extended", s(extended::<1>)),
    ("hashfloat4extended", s(extended::<2>)),
    ("hashfloat8extended", s(extended::<2>)),
    ("hashtextextended", s(extended::<3>)),
    ("hashnameextended", s(extended::<3>)),
    ("hashvarlenaextended", s(extended::<3>)),
    ("uuid_hash_extended", s(extended::<3>)),
    ("hashbpcharextended", s(extended::<4>)),
    ("hashcharextended", s(extended::<5>)),
    ("interval_hash_extended", s(extended::<6>)),
    ("timetz_hash_extended", s(extended::<7>)),
];
