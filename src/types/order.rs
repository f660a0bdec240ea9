//! Order and hash of values of any type, by its default operator class.

use super::array::Array;
use super::context::TypeHooks;
use super::datetime::{Interval, TimeTz};
use super::inet::Inet;
use super::jsonb::Jsonb;
use super::numeric::Numeric;
use super::range::{Multirange, Range};
use super::record::Record;
use super::{Datum, TypeRef, base_type, float, format_type_plain, info, key, oid, text, tid};
use crate::base::{Oid, Result};
use crate::{bail, err};
use std::cmp::Ordering;

/// Compares two non-NULL values of one type.
///
/// # Panics
/// If the physical forms differ (TYP-1).
pub fn compare(typ: TypeRef, a: Datum<'_>, b: Datum<'_>) -> Ordering {
    match (a, b) {
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(&b),
        (Datum::I16(a), Datum::I16(b)) => a.cmp(&b),
        (Datum::I32(a), Datum::I32(b)) => a.cmp(&b),
        (Datum::U32(a), Datum::U32(b)) => a.cmp(&b),
        (Datum::I64(a), Datum::I64(b)) if matches!(typ.oid, oid::PG_LSN | oid::XID8) => (a as u64).cmp(&(b as u64)),
        (Datum::I64(a), Datum::I64(b)) => a.cmp(&b),
        (Datum::F32(a), Datum::F32(b)) => float::compare(a.into(), b.into()),
        (Datum::F64(a), Datum::F64(b)) => float::compare(a, b),
        (Datum::Bytes(a), Datum::Bytes(b)) => compare_bytes(typ, a, b),
        (a, b) => panic!("TYP-1: {a:?} compared with {b:?}"),
    }
}

fn compare_bytes(typ: TypeRef, a: &[u8], b: &[u8]) -> Ordering {
    match typ.oid {
        oid::BYTEA | oid::UUID => a.cmp(b),
        oid::TEXT | oid::VARCHAR | oid::NAME | oid::UNKNOWN | oid::CSTRING | oid::CHAR => typ.collation.compare(a, b),
        oid::BPCHAR => typ.collation.compare(text::trim_blanks(a), text::trim_blanks(b)),
        oid::NUMERIC => Numeric::compare_bytes(a, b),
        oid::INTERVAL => Interval::from_bytes(a).compare(Interval::from_bytes(b)),
        oid::TIMETZ => TimeTz::from_bytes(a).compare(TimeTz::from_bytes(b)),
        oid::JSONB => Jsonb::new(a).compare(Jsonb::new(b)),
        oid::TSVECTOR => super::tsvector::compare(a, b),
        oid::TSQUERY => super::tsquery::compare(a, b),
        oid::TID => tid::from_bytes(a).cmp(&tid::from_bytes(b)),
        oid::INET | oid::CIDR => Inet::from_bytes(a).compare(Inet::from_bytes(b)),
        oid::BIT | oid::VARBIT => compare_bits(a, b),
        oid::RECORD => compare_records(typ, a, b),
        oid::ANYARRAY => compare_arrays(typ, a, b),
        oid::OIDVECTOR => compare_vectors(a, b),
        oid::ANYRANGE => Range::new(a).compare(&Range::new(b)),
        oid::ANYMULTIRANGE => Multirange::new(a).compare(&Multirange::new(b)),
        other => match info(base_type(other)) {
            Some(t) if t.is_array() => compare_arrays(typ, a, b),
            Some(t) if t.kind == b'c' => compare_records(typ, a, b),
            Some(t) if t.kind == b'r' => Range::new(a).compare(&Range::new(b)),
            Some(t) if t.kind == b'm' => Multirange::new(a).compare(&Multirange::new(b)),
            Some(t) if let Some(key) = t.code.and_then(|c| c.key) => {
                let (mut x, mut y) = (Vec::new(), Vec::new());
                key(a, &mut x);
                key(b, &mut y);
                x.cmp(&y)
            }
            Some(t) if t.oid != other => compare_bytes(TypeRef::of(t.oid).ordered_by(typ.collation), a, b),
            _ => a.cmp(b),
        },
    }
}

/// The length, then the members; where the first one stands tells nothing (PostgreSQL 15, nbtcompare.c, btoidvectorcmp).
fn compare_vectors(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Array::new(a), Array::new(b));
    let member = TypeRef::of(oid::OID);
    let differing = || a.iter().zip(b.iter()).map(|(x, y)| nulls_last(member, x, y)).find(|o| o.is_ne());
    a.len().cmp(&b.len()).then_with(|| differing().unwrap_or(Ordering::Equal))
}

/// The bits as bytes, then the length (PostgreSQL 15, varbit.c, bit_cmp).
fn compare_bits(a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (super::bit::Bits::new(a), super::bit::Bits::new(b));
    a.bytes.cmp(b.bytes).then(a.len.cmp(&b.len))
}

fn nulls_last(typ: TypeRef, a: Datum<'_>, b: Datum<'_>) -> Ordering {
    match (a.is_null(), b.is_null()) {
        (true, true) => Ordering::Equal,
        (true, false) => Ordering::Greater,
        (false, true) => Ordering::Less,
        (false, false) => compare(typ, a, b),
    }
}

/// Elements in order, then their number, then the dimensions (PostgreSQL 15, arrayfuncs.c, array_cmp).
pub(super) fn compare_arrays(typ: TypeRef, a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Array::new(a), Array::new(b));
    let typ = TypeRef::of(a.element).ordered_by(typ.collation);
    for (x, y) in a.iter().zip(b.iter()) {
        let o = nulls_last(typ, x, y);
        if o.is_ne() {
            return o;
        }
    }
    a.len().cmp(&b.len()).then(a.dims.len().cmp(&b.dims.len())).then_with(|| {
        let pairs = || a.dims.iter().zip(&b.dims);
        let lens = pairs().map(|(x, y)| x.len.cmp(&y.len)).find(|o| o.is_ne());
        lens.or_else(|| pairs().map(|(x, y)| x.lower.cmp(&y.lower)).find(|o| o.is_ne())).unwrap_or(Ordering::Equal)
    })
}

fn compare_records(typ: TypeRef, a: &[u8], b: &[u8]) -> Ordering {
    let (a, b) = (Record::new(a), Record::new(b));
    for (x, y) in a.columns.iter().zip(&b.columns) {
        // Only what nobody asked to be comparable has other types: any order will do.
        let o = match x.typ == y.typ {
            true => nulls_last(TypeRef::of(x.typ).ordered_by(typ.collation), x.value, y.value),
            false => x.typ.0.cmp(&y.typ.0),
        };
        if o.is_ne() {
            return o;
        }
    }
    a.columns.len().cmp(&b.columns.len())
}

/// Built-in types whose values have no order: no operator class for B-trees has them.
const UNORDERED: &[Oid] = &[
    oid::JSON,
    Oid(600),
    Oid(601),
    Oid(602),
    Oid(603),
    Oid(604),
    Oid(628),
    Oid(718),
    Oid(28),
    Oid(29),
    Oid(142),
    Oid(1790),
    Oid(1033),
    Oid(4072),
];

/// Of these, those which hash: they can be told equal.
const HASHED: &[Oid] = &[Oid(28), Oid(29), Oid(1033)];

pub fn has_order(ty: Oid) -> bool {
    !UNORDERED.contains(&base_type(ty))
}

pub fn has_equality(ty: Oid) -> bool {
    has_order(ty) || HASHED.contains(&base_type(ty))
}

/// # Errors
/// 42883.
fn refuse_incomparable(ty: Oid, equality: bool, hooks: &dyn TypeHooks) -> Result<()> {
    let (known, what) = match equality {
        true => (has_equality(ty), "an equality operator"),
        false => (has_order(ty), "a comparison function"),
    };
    match known {
        true => Ok(()),
        false => {
            let shown = format_type_plain(ty, hooks);
            Err(err!(UNDEFINED_FUNCTION, "could not identify {what} for type {shown}"))
        }
    }
}

/// Refuses rows, and arrays of them, whose columns cannot be compared: as many and of the same types, up to the first
/// that differs (PostgreSQL 15, rowtypes.c, record_cmp).
pub fn check_comparable(typ: TypeRef, a: Datum<'_>, b: Datum<'_>, equality: bool, hooks: &dyn TypeHooks) -> Result<()> {
    if a.is_null() || b.is_null() {
        return Ok(());
    }
    let kind = |t: Oid| info(base_type(t)).map_or(0, |i| i.kind);
    if typ.oid == oid::RECORD || kind(typ.oid) == b'c' {
        return check_records(a.bytes(), b.bytes(), equality, hooks);
    }
    if typ.oid == oid::ANYARRAY || info(base_type(typ.oid)).is_some_and(|i| i.is_array()) {
        let (a, b) = (Array::new(a.bytes()), Array::new(b.bytes()));
        let element = TypeRef::of(a.element);
        if element.oid != oid::RECORD && kind(element.oid) != b'c' {
            return refuse_incomparable(element.oid, equality, hooks);
        }
        for (x, y) in a.iter().zip(b.iter()) {
            check_comparable(element, x, y, equality, hooks)?;
            if nulls_last(element, x, y).is_ne() {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn check_records(a: &[u8], b: &[u8], equality: bool, hooks: &dyn TypeHooks) -> Result<()> {
    let (a, b) = (Record::new(a), Record::new(b));
    for (i, (x, y)) in a.columns.iter().zip(&b.columns).enumerate() {
        if x.typ != y.typ {
            let (x, y) = (format_type_plain(x.typ, hooks), format_type_plain(y.typ, hooks));
            let column = i + 1;
            bail!(DATATYPE_MISMATCH, "cannot compare dissimilar column types {x} and {y} at record column {column}");
        }
        refuse_incomparable(x.typ, equality, hooks)?;
        check_comparable(TypeRef::of(x.typ), x.value, y.value, equality, hooks)?;
        if nulls_last(TypeRef::of(x.typ), x.value, y.value).is_ne() {
            return Ok(());
        }
    }
    if a.columns.len() != b.columns.len() {
        bail!(DATATYPE_MISMATCH, "cannot compare record types with different numbers of columns");
    }
    Ok(())
}

/// Spreads a number over all bits.
pub fn mix(n: u64) -> u64 {
    let n = (n ^ (n >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    let n = (n ^ (n >> 32)).wrapping_mul(0xD6E8_FEB8_6659_FD93);
    n ^ (n >> 32)
}

/// A hash of bytes, eight at a time.
pub fn hash_bytes(bytes: &[u8]) -> u64 {
    let (words, rest) = bytes.as_chunks::<8>();
    let mut h = 0x9E37_79B9_7F4A_7C15 ^ bytes.len() as u64;
    for w in words {
        h = (h ^ u64::from_le_bytes(*w)).wrapping_mul(0x9FB2_1C65_1E98_DF25);
        h ^= h >> 35;
    }
    let mut last = [0; 8];
    last[..rest.len()].copy_from_slice(rest);
    mix(h ^ u64::from_le_bytes(last))
}

/// A hash of a non-NULL value that agrees with equality (TYP-3); integers of all widths agree, and both floats.
/// Not stable across versions: never stored.
pub fn hash(typ: TypeRef, value: Datum<'_>) -> u64 {
    match value {
        Datum::Null => 0,
        Datum::Bool(v) => mix(v.into()),
        Datum::I16(v) => mix(i64::from(v) as u64),
        Datum::I32(v) => mix(i64::from(v) as u64),
        Datum::U32(v) => mix(v.into()),
        Datum::I64(v) => mix(v as u64),
        Datum::F32(v) => mix(float::key(v.into())),
        Datum::F64(v) => mix(float::key(v)),
        Datum::Bytes(b) => match typ.oid {
            _ if !typ.collation.is_deterministic() => {
                let mut k = Vec::with_capacity(b.len() + 8);
                key::encode(typ, value, &mut k);
                hash_bytes(&k)
            }
            oid::TEXT | oid::VARCHAR | oid::NAME | oid::BYTEA | oid::UUID | oid::UNKNOWN | oid::CHAR => hash_bytes(b),
            oid::BPCHAR => hash_bytes(text::trim_blanks(b)),
            _ => {
                let mut k = Vec::with_capacity(b.len() + 8);
                key::encode(typ.plain(), value, &mut k);
                hash_bytes(&k)
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::context::{IoContext, NoHooks};
    use crate::types::{Value, io, parse_type};
    use std::collections::BTreeMap;

    /// For every type, and every pair of its recorded values: keys sort as values compare, and what is equal has
    /// one hash (TYP-2, TYP-3).
    #[test]
    fn keys_and_hashes_agree_with_the_order() {
        let golden = include_str!("../../sql-tests/golden/functions.txt");
        let cx = IoContext::default();
        let mut by_type: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
        for line in golden.lines().filter(|l| !l.contains('\\')) {
            let fields: Vec<&str> = line.split('\t').collect();
            if let (Some(name), Some(text)) = (fields[0].strip_prefix("in:"), fields.get(2))
                && let Ok(v) = io::text_in(parse_type(name, &NoHooks).unwrap(), text, &cx)
            {
                by_type.entry(name).or_default().push(v);
            }
        }
        assert!(by_type.len() > 30);
        for (name, values) in by_type.into_iter().filter(|(n, _)| *n != "json") {
            let typ = parse_type(name, &NoHooks).unwrap();
            let keys: Vec<Vec<u8>> = values
                .iter()
                .map(|v| {
                    let mut k = Vec::new();
                    key::encode(typ, v.datum(), &mut k);
                    k
                })
                .collect();
            for (a, ka) in values.iter().zip(&keys) {
                for (b, kb) in values.iter().zip(&keys) {
                    let order = compare(typ, a.datum(), b.datum());
                    assert_eq!(order, ka.cmp(kb), "{name}: {a:?} and {b:?}");
                    assert!(ka == kb || !kb.starts_with(ka), "{name}: the key of {a:?} begins that of {b:?}");
                    if order.is_eq() {
                        assert_eq!(hash(typ, a.datum()), hash(typ, b.datum()), "{name}: {a:?} and {b:?}");
                    }
                }
            }
        }
    }
}
