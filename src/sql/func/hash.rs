//! The hash functions SQL can call (`hashtext`, `hashint4`, …): PostgreSQL's own values, because people store them.
//!
//! Bob Jenkins, lookup3 (2006), as PostgreSQL 15 uses it on little-endian machines (common/hashfn.c).

use super::{FnContext, FuncImpl, ScalarFn};
use crate::base::{Oid, Result};
use crate::err;
use crate::types::array::Array;
use crate::types::datetime::{Interval, TimeTz};
use crate::types::inet::Inet;
use crate::types::jsonb::Jsonb;
use crate::types::numeric::Numeric;
use crate::types::range::{Multirange, Range};
use crate::types::record::Record;
use crate::types::text::trim_blanks;
use crate::types::{Column, Datum, aclitem, base_type, info, oid};

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
pub(super) fn bytes_extended(bytes: &[u8], seed: u64) -> u64 {
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

fn numeric(bytes: &[u8], seed: u64) -> u64 {
    let n = Numeric::from_bytes(bytes);
    if !n.is_finite() {
        return seed;
    }
    if n.digits.is_empty() {
        return seed.wrapping_sub(1);
    }
    let digits: Vec<u8> = n.digits.iter().flat_map(|d| d.to_le_bytes()).collect();
    bytes_extended(&digits, seed) ^ i64::from(n.weight) as u64
}

/// The rule of a base type that has a simple one.
fn rule_of(typ: Oid) -> Option<Rule> {
    Some(match typ {
        oid::INT2 | oid::INT4 | oid::OID | oid::DATE | oid::BOOL | oid::XID | oid::CID => Rule::Word,
        oid::INT8 | oid::TIMESTAMP | oid::TIMESTAMPTZ | oid::TIME | oid::PG_LSN | oid::XID8 => Rule::Long,
        oid::FLOAT4 | oid::FLOAT8 => Rule::Float,
        oid::TEXT | oid::VARCHAR | oid::BYTEA | oid::NAME | oid::UUID | oid::MACADDR | oid::MACADDR8 => Rule::Bytes,
        oid::BPCHAR => Rule::Blank,
        oid::CHAR => Rule::Character,
        oid::INTERVAL => Rule::Interval,
        oid::TIMETZ => Rule::TimeTz,
        _ => return None,
    })
}

/// `v * 31 + next` as PostgreSQL combines the hashes of parts.
fn combined(so_far: u64, next: u64) -> u64 {
    (so_far << 5).wrapping_sub(so_far).wrapping_add(next)
}

/// Both halves turned by one bit (common/hashfn.h, ROTATE_HIGH_AND_LOW_32BITS).
fn turned(v: u64) -> u64 {
    (v << 1) & 0xffff_fffe_ffff_fffe | (v >> 31) & 0x1_0000_0001
}

/// The hash of a value of any type that has one. With seed 0 the low half is the 32-bit hash.
fn any(typ: Oid, value: Datum<'_>, seed: u64) -> Result<u64> {
    let typ = base_type(typ);
    if value.is_null() && typ != oid::UNKNOWN {
        return Ok(0);
    }
    if let Some(rule) = rule_of(typ) {
        return Ok(hashed(rule, value, seed));
    }
    match (typ, info(typ)) {
        (oid::NUMERIC, _) => Ok(numeric(value.bytes(), seed)),
        (oid::JSONB, _) => Ok(jsonb(value.bytes(), seed)),
        (oid::INET | oid::CIDR, _) => Ok(network(value.bytes(), seed)),
        (oid::RECORD, _) => record(value.bytes(), seed),
        (_, Some(t)) if let Some(key) = t.code.and_then(|c| c.key) => {
            let mut bytes = Vec::new();
            key(value.bytes(), &mut bytes);
            // The end of a text belongs to its key alone.
            Ok(hashed(Rule::Bytes, Datum::Bytes(bytes.strip_suffix(&[0]).unwrap_or(&bytes)), seed))
        }
        (_, Some(t)) if t.is_array() => array(value.bytes(), seed),
        (_, Some(t)) if t.kind == b'e' => Ok(hashed(Rule::Word, value, seed)),
        (_, Some(t)) if t.kind == b'c' => record(value.bytes(), seed),
        (_, Some(t)) if t.kind == b'r' => range(&Range::new(value.bytes()), seed),
        (_, Some(t)) if t.kind == b'm' => {
            let parts = Multirange::new(value.bytes());
            parts.ranges.iter().try_fold(1, |sum, r| Ok(combined(sum, range(r, seed)?)))
        }
        _ => Err(err!(
            UNDEFINED_FUNCTION,
            "could not identify a hash function for type {}",
            crate::types::format_type_plain(typ, &crate::types::context::NoHooks)
        )),
    }
}

/// Whether values of the type have a hash.
pub fn hashable(typ: Oid) -> bool {
    let typ = base_type(typ);
    rule_of(typ).is_some()
        || matches!(typ, oid::NUMERIC | oid::JSONB | oid::INET | oid::CIDR)
        || info(typ).is_some_and(|t| {
            t.is_array() || matches!(t.kind, b'c' | b'e' | b'r' | b'm') || t.code.is_some_and(|c| c.key.is_some())
        })
}

/// The seeded 64-bit hash of a value, by which HASH partitions are found.
pub fn extended_hash(typ: Oid, value: Datum<'_>, seed: u64) -> Result<u64> {
    any(typ, value, seed)
}

fn array(bytes: &[u8], seed: u64) -> Result<u64> {
    let array = Array::new(bytes);
    array.iter().try_fold(1, |sum, v| Ok(combined(sum, any(array.element, v, seed)?)))
}

fn record(bytes: &[u8], seed: u64) -> Result<u64> {
    Record::new(bytes).columns.iter().try_fold(0, |sum, c| Ok(combined(sum, any(c.typ, c.value, seed)?)))
}

fn range(r: &Range<'_>, seed: u64) -> Result<u64> {
    if !r.sub().collation.is_deterministic() {
        let text = "nondeterministic collations are not supported for hash functions";
        return Err(crate::base::Error::unsupported(text));
    }
    let sub = r.sub().oid;
    let flags = word_extended(r.flags().into(), seed);
    Ok(turned(flags ^ any(sub, r.lower.value, seed)?) ^ any(sub, r.upper.value, seed)?)
}

/// Family, prefix length and address, as PostgreSQL lays them out (its families are 2 and 3).
fn network(bytes: &[u8], seed: u64) -> u64 {
    let inet = Inet::from_bytes(bytes);
    let mut key = vec![if inet.address.is_ipv4() { 2 } else { 3 }, inet.bits];
    match inet.address {
        std::net::IpAddr::V4(a) => key.extend_from_slice(&a.octets()),
        std::net::IpAddr::V6(a) => key.extend_from_slice(&a.octets()),
    }
    bytes_extended(&key, seed)
}

/// PostgreSQL 15, jsonb_op.c, jsonb_hash and jsonb_hash_extended: all scalars, and the kinds of their containers.
/// A scalar alone counts as an array of one.
fn jsonb(bytes: &[u8], seed: u64) -> u64 {
    let mut sum = 0;
    let top = Jsonb::new(bytes);
    if matches!(&top, Jsonb::Array(items) if items.is_empty())
        || matches!(&top, Jsonb::Object(pairs) if pairs.is_empty())
    {
        return seed;
    }
    if top.is_scalar() {
        sum ^= JSON_ARRAY;
    }
    add_json(top, seed, &mut sum);
    sum
}

const JSON_ARRAY: u64 = 0x4000_0000_4000_0000;
const JSON_OBJECT: u64 = 0x2000_0000_2000_0000;

fn add_json(value: Jsonb<'_>, seed: u64, sum: &mut u64) {
    let scalar = match value {
        Jsonb::Array(items) => {
            *sum ^= JSON_ARRAY;
            return items.iter().for_each(|v| add_json(v, seed, sum));
        }
        Jsonb::Object(pairs) => {
            *sum ^= JSON_OBJECT;
            return pairs.iter().for_each(|(k, v)| {
                *sum = turned(*sum) ^ bytes_extended(k.as_bytes(), seed);
                add_json(v, seed, sum);
            });
        }
        Jsonb::Null => seed.wrapping_add(1),
        Jsonb::String(s) => bytes_extended(s.as_bytes(), seed),
        Jsonb::Number(n) => numeric(n, seed),
        Jsonb::Bool(v) if seed == 0 => {
            if v {
                2
            } else {
                4
            }
        }
        Jsonb::Bool(v) => word_extended(v.into(), seed),
    };
    *sum = turned(*sum) ^ scalar;
}

fn any_plain(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(any(cx.arg_type(0).oid, args[0], 0)? as u32 as i32));
    Ok(())
}

fn any_extended(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let hash = any(cx.arg_type(0).oid, args[0], args[1].i64() as u64).map_err(|mut e| {
        e.0.message = e.0.message.replace("identify a hash", "identify an extended hash");
        e
    })?;
    out.push(Datum::I64(hash as i64));
    Ok(())
}

fn rights(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(aclitem::sum(args[0].str(), &cx.io)? as i32));
    Ok(())
}

fn rights_extended(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (sum, seed) = (aclitem::sum(args[0].str(), &cx.io)?, args[1].i64() as u64);
    out.push(Datum::I64(if seed == 0 { sum.into() } else { word_extended(sum, seed) as i64 }));
    Ok(())
}

/// The bytes of an `oidvector`'s numbers.
fn vector(value: Datum<'_>) -> Vec<u8> {
    Array::new(value.bytes()).iter().flat_map(|v| v.u32().to_le_bytes()).collect()
}

fn vector_plain(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(bytes_extended(&vector(args[0]), 0) as u32 as i32));
    Ok(())
}

fn vector_extended(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I64(bytes_extended(&vector(args[0]), args[1].i64() as u64) as i64));
    Ok(())
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
    ("hashmacaddr", s(plain::<3>)),
    ("hashmacaddr8", s(plain::<3>)),
    ("hashbpchar", s(plain::<4>)),
    ("hashchar", s(plain::<5>)),
    ("interval_hash", s(plain::<6>)),
    ("timetz_hash", s(plain::<7>)),
    ("hash_numeric", s(any_plain)),
    ("hash_array", s(any_plain)),
    ("hash_record", s(any_plain)),
    ("hash_range", s(any_plain)),
    ("hash_multirange", s(any_plain)),
    ("hashinet", s(any_plain)),
    ("jsonb_hash", s(any_plain)),
    ("hash_numeric_extended", s(any_extended)),
    ("hash_array_extended", s(any_extended)),
    ("hash_record_extended", s(any_extended)),
    ("hash_range_extended", s(any_extended)),
    ("hash_multirange_extended", s(any_extended)),
    ("hashinetextended", s(any_extended)),
    ("jsonb_hash_extended", s(any_extended)),
    ("hash_aclitem", s(rights)),
    ("hash_aclitem_extended", s(rights_extended)),
    ("hashoidvector", s(vector_plain)),
    ("hashoidvectorextended", s(vector_extended)),
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
    ("hashmacaddrextended", s(extended::<3>)),
    ("hashmacaddr8extended", s(extended::<3>)),
    ("hashbpcharextended", s(extended::<4>)),
    ("hashcharextended", s(extended::<5>)),
    ("interval_hash_extended", s(extended::<6>)),
    ("timetz_hash_extended", s(extended::<7>)),
];
