//! Ranges as sets: containment, order of whole ranges, union, intersection, difference.

use super::{Bound, Range, compare_bounds, compare_values};
use crate::base::Result;
use crate::err;
use crate::types::Datum;
use std::cmp::Ordering;

fn least<'a>(r: &Range<'_>, a: &Bound<'a>, b: &Bound<'a>) -> Bound<'a> {
    if compare_bounds(r.sub(), a, b).is_le() { *a } else { *b }
}

fn greatest<'a>(r: &Range<'_>, a: &Bound<'a>, b: &Bound<'a>) -> Bound<'a> {
    if compare_bounds(r.sub(), a, b).is_ge() { *a } else { *b }
}

/// PostgreSQL 15, rangetypes.c, bounds_adjacent: nothing lies between an upper and a lower bound, nor do they overlap.
fn bounds_adjacent(r: &Range<'_>, upper: &Bound<'_>, lower: &Bound<'_>) -> Result<bool> {
    if upper.infinite() || lower.infinite() {
        return Ok(false);
    }
    match compare_values(r.sub(), upper, lower) {
        Ordering::Equal => Ok(upper.inclusive != lower.inclusive),
        Ordering::Greater => Ok(false),
        Ordering::Less if r.family.step.is_none() => Ok(false),
        Ordering::Less => {
            let from = Bound::new(upper.value, !upper.inclusive, true);
            let to = Bound::new(lower.value, !lower.inclusive, false);
            Ok(Range::new(&Range::make(r.typ, from, to)?).empty)
        }
    }
}

impl Range<'_> {
    pub fn contains_value(&self, value: Datum<'_>) -> bool {
        if self.empty {
            return false;
        }
        let low = self.lower.infinite() || {
            let o = crate::types::compare(self.sub(), self.lower.value, value);
            o.is_lt() || o.is_eq() && self.lower.inclusive
        };
        low && (self.upper.infinite() || {
            let o = crate::types::compare(self.sub(), self.upper.value, value);
            o.is_gt() || o.is_eq() && self.upper.inclusive
        })
    }

    pub fn contains(&self, other: &Range<'_>) -> bool {
        if other.empty {
            return true;
        }
        !self.empty
            && compare_bounds(self.sub(), &self.lower, &other.lower).is_le()
            && compare_bounds(self.sub(), &self.upper, &other.upper).is_ge()
    }

    pub fn overlaps(&self, other: &Range<'_>) -> bool {
        !self.empty
            && !other.empty
            && compare_bounds(self.sub(), &self.lower, &other.upper).is_le()
            && compare_bounds(self.sub(), &other.lower, &self.upper).is_le()
    }

    /// All of it lies before all of the other.
    pub fn before(&self, other: &Range<'_>) -> bool {
        !self.empty && !other.empty && compare_bounds(self.sub(), &self.upper, &other.lower).is_lt()
    }

    /// It does not reach beyond the other's upper end.
    pub fn overleft(&self, other: &Range<'_>) -> bool {
        !self.empty && !other.empty && compare_bounds(self.sub(), &self.upper, &other.upper).is_le()
    }

    /// It does not begin before the other.
    pub fn overright(&self, other: &Range<'_>) -> bool {
        !self.empty && !other.empty && compare_bounds(self.sub(), &self.lower, &other.lower).is_ge()
    }

    pub fn adjacent(&self, other: &Range<'_>) -> Result<bool> {
        if self.empty || other.empty {
            return Ok(false);
        }
        Ok(bounds_adjacent(self, &self.upper, &other.lower)? || bounds_adjacent(self, &other.upper, &self.lower)?)
    }

    /// `strict`: a gap between the two is an error; else it becomes part of the result.
    pub fn union(&self, other: &Range<'_>, strict: bool) -> Result<Vec<u8>> {
        if self.empty {
            return Ok(other.to_bytes());
        }
        if other.empty {
            return Ok(self.to_bytes());
        }
        if strict && !self.overlaps(other) && !self.adjacent(other)? {
            return Err(err!(DATA_EXCEPTION, "result of range union would not be contiguous"));
        }
        let lower = least(self, &self.lower, &other.lower);
        let upper = greatest(self, &self.upper, &other.upper);
        Range::make(self.typ, lower, upper)
    }

    pub fn intersect(&self, other: &Range<'_>) -> Result<Vec<u8>> {
        if !self.overlaps(other) {
            return Ok(Range::empty(self.typ).to_bytes());
        }
        let lower = greatest(self, &self.lower, &other.lower);
        let upper = least(self, &self.upper, &other.upper);
        Range::make(self.typ, lower, upper)
    }

    /// What is left of it without the other: one or two pieces (or an empty one).
    pub fn pieces_without(&self, other: &Range<'_>) -> Result<Vec<Vec<u8>>> {
        if self.empty || other.empty || !self.overlaps(other) {
            return Ok(vec![self.to_bytes()]);
        }
        let sub = self.sub();
        let mut out = Vec::new();
        if compare_bounds(sub, &self.lower, &other.lower).is_lt() {
            let end = Bound::new(other.lower.value, !other.lower.inclusive, false);
            out.push(Range::make(self.typ, self.lower, end)?);
        }
        if compare_bounds(sub, &self.upper, &other.upper).is_gt() {
            let start = Bound::new(other.upper.value, !other.upper.inclusive, true);
            out.push(Range::make(self.typ, start, self.upper)?);
        }
        if out.is_empty() {
            out.push(Range::empty(self.typ).to_bytes());
        }
        Ok(out)
    }

    pub fn minus(&self, other: &Range<'_>) -> Result<Vec<u8>> {
        let mut pieces = self.pieces_without(other)?;
        if pieces.len() > 1 {
            return Err(err!(DATA_EXCEPTION, "result of range difference would not be contiguous"));
        }
        Ok(pieces.pop().unwrap_or_default())
    }
}
