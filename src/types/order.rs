//! Order and hash of values of any type, by its default operator class.

use super::{Datum, TypeRef};
use std::cmp::Ordering;

/// Compares two non-NULL values of one type.
///
/// # Panics
/// If the physical forms differ (TYP-1).
pub fn compare(typ: TypeRef, a: Datum<'_>, b: Datum<'_>) -> Ordering {
    let _ = typ;
    match (a, b) {
        (Datum::Bool(a), Datum::Bool(b)) => a.cmp(&b),
        (Datum::I16(a), Datum::I16(b)) => a.cmp(&b),
        (Datum::I32(a), Datum::I32(b)) => a.cmp(&b),
        (Datum::U32(a), Datum::U32(b)) => a.cmp(&b),
        (Datum::I64(a), Datum::I64(b)) => a.cmp(&b),
        (Datum::Bytes(a), Datum::Bytes(b)) => a.cmp(b),
        (a, b) => panic!("TYP-1: {a:?} compared with {b:?}"),
    }
}

/// A hash of a non-NULL value that agrees with equality (TYP-3). Not stable across versions: never stored.
pub fn hash(typ: TypeRef, value: Datum<'_>) -> u64 {
    let mut key = Vec::new();
    super::key::encode(typ, value, &mut key);
    key.iter().fold(0xcbf2_9ce4_8422_2325, |h: u64, b| (h ^ u64::from(*b)).wrapping_mul(0x0000_0100_0000_01b3))
}
