//! Ranges and multiranges: `[1,10)`, `{[1,3),[5,8)}`.
//!
//! Bytes of a range: type u32 LE, flags u8 (PostgreSQL's: 1 empty, 2 and 4 the bounds are inclusive, 8 and 16 they are
//! infinite), then the finite bounds in the [form arrays keep](super::array). Bytes of a multirange: type u32 LE, number of
//! ranges u32 LE, per range its length u32 LE and its bytes.
//!
//! Invariants
//! - RNG-1: ranges over discrete types are stored as `[a,b)`; an infinite bound is never inclusive.
//! - RNG-2: the ranges of a multirange are in order, not empty, and neither overlap nor touch.

mod family;
mod multi;
mod set;
mod text;

pub use family::{Family, Step, family, multirange_of, opened, range_of, register, subtype};
pub use multi::{Multirange, contains_range, intersect_all, subtract_all};
pub use text::{
    from_binary, multi_from_binary, multi_parse, multi_write, multi_write_binary, parse, write, write_binary,
};

use super::array::{put, take};
use super::datetime::date;
use super::{Datum, TypeRef, Value, key, phys};
use crate::base::{Error, Oid, Result};
use crate::{bail, err};
use std::cmp::Ordering;

const EMPTY: u8 = 1;
const LOWER_INCLUSIVE: u8 = 2;
const UPPER_INCLUSIVE: u8 = 4;
const LOWER_INFINITE: u8 = 8;
const UPPER_INFINITE: u8 = 16;

/// One end of a range.
#[derive(Clone, Copy, Debug)]
pub struct Bound<'a> {
    /// NULL if infinite.
    pub value: Datum<'a>,
    pub inclusive: bool,
    pub lower: bool,
}

impl<'a> Bound<'a> {
    pub fn new(value: Datum<'a>, inclusive: bool, lower: bool) -> Bound<'a> {
        Bound { value, inclusive: inclusive && !value.is_null(), lower }
    }

    pub fn infinite(&self) -> bool {
        self.value.is_null()
    }
}

/// A range taken apart.
#[derive(Clone, Copy, Debug)]
pub struct Range<'a> {
    pub typ: Oid,
    family: &'static Family,
    pub empty: bool,
    pub lower: Bound<'a>,
    pub upper: Bound<'a>,
}

/// PostgreSQL 15, rangetypes.c, range_cmp_bound_values: which value is greater, inclusive or not.
pub(super) fn compare_values(sub: TypeRef, a: &Bound<'_>, b: &Bound<'_>) -> Ordering {
    let side = |bound: &Bound<'_>| if bound.lower { Ordering::Less } else { Ordering::Greater };
    match (a.infinite(), b.infinite()) {
        (true, true) if a.lower == b.lower => Ordering::Equal,
        (true, _) => side(a),
        (_, true) => side(b).reverse(),
        _ => super::compare(sub, a.value, b.value),
    }
}

/// PostgreSQL 15, rangetypes.c, range_cmp_bounds: exclusive bounds lie just inside.
pub(super) fn compare_bounds(sub: TypeRef, a: &Bound<'_>, b: &Bound<'_>) -> Ordering {
    let order = compare_values(sub, a, b);
    if order.is_ne() || a.infinite() && b.infinite() {
        return order;
    }
    let inside = |bound: &Bound<'_>| if bound.lower { Ordering::Greater } else { Ordering::Less };
    match (a.inclusive, b.inclusive) {
        (true, true) => Ordering::Equal,
        (false, false) if a.lower == b.lower => Ordering::Equal,
        (false, _) => inside(a),
        (true, false) => inside(b).reverse(),
    }
}

#[cold]
fn corrupt() -> Error {
    err!(INTERNAL_ERROR, "cache lookup failed for a range type")
}

impl<'a> Range<'a> {
    /// Takes the stored form apart; damaged bytes read as an empty range.
    pub fn new(stored: &'a [u8]) -> Range<'a> {
        Range::read(stored).unwrap_or_else(|| Range::nothing(family::first()))
    }

    fn read(stored: &'a [u8]) -> Option<Range<'a>> {
        let (head, mut rest) = stored.split_first_chunk::<5>()?;
        let typ = Oid(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
        let flags = head[4];
        let family = family(typ)?;
        let form = phys(family.subtype.oid);
        let mut bound = |infinite: u8, inclusive: u8, lower| {
            let value = if flags & (EMPTY | infinite) != 0 { Datum::Null } else { take(form, &mut rest)? };
            Some(Bound::new(value, flags & inclusive != 0, lower))
        };
        let lower = bound(LOWER_INFINITE, LOWER_INCLUSIVE, true)?;
        let upper = bound(UPPER_INFINITE, UPPER_INCLUSIVE, false)?;
        Some(Range { typ, family, empty: flags & EMPTY != 0, lower, upper })
    }

    /// The empty range of a type, of `int4range` where the type is not known.
    pub fn empty(typ: Oid) -> Range<'a> {
        Range::nothing(family(typ).unwrap_or(family::first()))
    }

    fn nothing(family: &'static Family) -> Range<'a> {
        let none = |lower| Bound::new(Datum::Null, false, lower);
        Range { typ: family.range, family, empty: true, lower: none(true), upper: none(false) }
    }

    /// With other values for its finite bounds.
    pub fn with_bounds<'b>(&self, lower: Bound<'b>, upper: Bound<'b>) -> Range<'b> {
        Range { typ: self.typ, family: self.family, empty: self.empty, lower, upper }
    }

    /// The type of the bounds, with what they are ordered by.
    pub fn sub(&self) -> TypeRef {
        self.family.subtype
    }

    /// PostgreSQL's flags of a stored range.
    pub fn flags(&self) -> u8 {
        if self.empty {
            return EMPTY;
        }
        let mut flags = 0;
        for (set, flag) in [
            (self.lower.infinite(), LOWER_INFINITE),
            (self.upper.infinite(), UPPER_INFINITE),
            (self.lower.inclusive, LOWER_INCLUSIVE),
            (self.upper.inclusive, UPPER_INCLUSIVE),
        ] {
            flags |= if set { flag } else { 0 };
        }
        flags
    }

    /// The stored form, as it is.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(24);
        out.extend_from_slice(&self.typ.0.to_le_bytes());
        out.push(self.flags());
        if !self.empty {
            put(self.lower.value, &mut out);
            put(self.upper.value, &mut out);
        }
        out
    }

    /// PostgreSQL 15, rangetypes.c, make_range: the bounds checked and brought into their canonical form (RNG-1).
    pub fn make(typ: Oid, lower: Bound<'_>, upper: Bound<'_>) -> Result<Vec<u8>> {
        let family = family(typ).ok_or_else(corrupt)?;
        let sub = family.subtype;
        let empty = || Ok(Range::nothing(family).to_bytes());
        if is_nothing(sub, &lower, &upper)? {
            return empty();
        }
        let mut low = lower.value.to_value();
        let mut high = upper.value.to_value();
        let (mut low_in, mut high_in) = (lower.inclusive, upper.inclusive);
        if let Some(step) = family.step {
            if !lower.infinite() && !lower.inclusive && steps(step, lower.value) {
                (low, low_in) = (successor(step, lower.value)?, true);
            }
            if upper.inclusive && steps(step, upper.value) {
                (high, high_in) = (successor(step, upper.value)?, false);
            }
        }
        let lower = Bound::new(low.datum(), low_in, true);
        let upper = Bound::new(high.datum(), high_in, false);
        if is_nothing(sub, &lower, &upper)? {
            return empty();
        }
        Ok(Range { typ, family, empty: false, lower, upper }.to_bytes())
    }

    pub fn compare(&self, other: &Range<'_>) -> Ordering {
        match (self.empty, other.empty) {
            (true, true) => Ordering::Equal,
            (true, false) => Ordering::Less,
            (false, true) => Ordering::Greater,
            (false, false) => {
                let sub = self.sub();
                compare_bounds(sub, &self.lower, &other.lower)
                    .then_with(|| compare_bounds(sub, &self.upper, &other.upper))
            }
        }
    }

    /// Appends a key: empty first, then by the lower and the upper bound.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        out.push(u8::from(!self.empty));
        if self.empty {
            return;
        }
        for bound in [self.lower, self.upper] {
            match bound.value {
                Datum::Null => out.push(if bound.lower { 0 } else { 2 }),
                value => {
                    out.push(1);
                    key::encode(self.sub(), value, out);
                    out.push(u8::from(bound.inclusive != bound.lower));
                }
            }
        }
    }
}

/// True if there is nothing between the bounds; bounds in the wrong order are an error.
fn is_nothing(sub: TypeRef, lower: &Bound<'_>, upper: &Bound<'_>) -> Result<bool> {
    match compare_values(sub, lower, upper) {
        Ordering::Greater => {
            Err(err!(DATA_EXCEPTION, "range lower bound must be less than or equal to range upper bound"))
        }
        Ordering::Equal => Ok(!(lower.inclusive && upper.inclusive)),
        Ordering::Less => Ok(false),
    }
}

/// An infinite date has no day after it.
fn steps(step: Step, value: Datum<'_>) -> bool {
    step != Step::Date || matches!(value, Datum::I32(v) if date::is_finite(v))
}

fn successor(step: Step, value: Datum<'_>) -> Result<Value> {
    Ok(match value {
        Datum::I32(v) if step == Step::Date => match v.checked_add(1).filter(|n| date::in_range(*n)) {
            Some(n) => Value::I32(n),
            None => bail!(DATETIME_FIELD_OVERFLOW, "date out of range"),
        },
        Datum::I32(v) => match v.checked_add(1) {
            Some(n) => Value::I32(n),
            None => bail!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range"),
        },
        Datum::I64(v) => match v.checked_add(1) {
            Some(n) => Value::I64(n),
            None => bail!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range"),
        },
        other => other.to_value(),
    })
}
