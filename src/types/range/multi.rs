//! Multiranges: sets of ranges in order.

use super::{Range, range_of};
use crate::base::{Oid, Result};
use std::cmp::Ordering;

/// A multirange taken apart.
#[derive(Clone, Debug)]
pub struct Multirange<'a> {
    pub typ: Oid,
    pub ranges: Vec<Range<'a>>,
}

impl<'a> Multirange<'a> {
    /// Takes the stored form apart; damaged bytes read as an empty multirange.
    pub fn new(stored: &'a [u8]) -> Multirange<'a> {
        Multirange::read(stored).unwrap_or(Multirange { typ: Oid(4451), ranges: Vec::new() })
    }

    fn read(stored: &'a [u8]) -> Option<Multirange<'a>> {
        let (head, mut rest) = stored.split_first_chunk::<8>()?;
        let typ = Oid(u32::from_le_bytes([head[0], head[1], head[2], head[3]]));
        let count = u32::from_le_bytes([head[4], head[5], head[6], head[7]]) as usize;
        let mut ranges = Vec::with_capacity(count.min(rest.len()));
        for _ in 0..count {
            let (len, after) = rest.split_first_chunk::<4>()?;
            let (bytes, after) = after.split_at_checked(u32::from_le_bytes(*len) as usize)?;
            ranges.push(Range::new(bytes));
            rest = after;
        }
        Some(Multirange { typ, ranges })
    }

    pub fn range_type(&self) -> Oid {
        range_of(self.typ).unwrap_or(Oid(3904))
    }

    /// The stored form of these ranges, sorted and merged (RNG-2). PostgreSQL 15, multirangetypes.c, multirange_canonicalize.
    pub fn make(typ: Oid, ranges: &[Vec<u8>]) -> Result<Vec<u8>> {
        let mut sorted: Vec<Range<'_>> = ranges.iter().map(|r| Range::new(r)).filter(|r| !r.empty).collect();
        sorted.sort_by(Range::compare);
        let mut merged: Vec<Vec<u8>> = Vec::with_capacity(sorted.len());
        for range in sorted {
            if let Some(last) = merged.last_mut() {
                let before = Range::new(last);
                if before.adjacent(&range)? || !before.before(&range) {
                    *last = before.union(&range, false)?;
                    continue;
                }
            }
            merged.push(range.to_bytes());
        }
        Ok(stored(typ, &merged))
    }

    /// The stored form with these ranges, which are as RNG-2 wants them.
    pub fn with_ranges(&self, ranges: &[Vec<u8>]) -> Vec<u8> {
        stored(self.typ, ranges)
    }

    pub fn compare(&self, other: &Multirange<'_>) -> Ordering {
        let first = self.ranges.iter().zip(&other.ranges).map(|(a, b)| a.compare(b)).find(|o| o.is_ne());
        first.unwrap_or_else(|| self.ranges.len().cmp(&other.ranges.len()))
    }

    /// A marker before each range, 0 at the end.
    pub fn encode_key(&self, out: &mut Vec<u8>) {
        for range in &self.ranges {
            out.push(1);
            range.encode_key(out);
        }
        out.push(0);
    }

    /// The smallest range that holds all of it; empty if it is.
    pub fn span(&self) -> Range<'a> {
        match (self.ranges.first(), self.ranges.last()) {
            (Some(first), Some(last)) => Range { upper: last.upper, ..*first },
            _ => Range::empty(self.range_type()),
        }
    }
}

fn stored(typ: Oid, ranges: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::with_capacity(8 + ranges.iter().map(|r| r.len() + 4).sum::<usize>());
    out.extend_from_slice(&typ.0.to_le_bytes());
    out.extend_from_slice(&(ranges.len() as u32).to_le_bytes());
    for range in ranges {
        out.extend_from_slice(&(range.len() as u32).to_le_bytes());
        out.extend_from_slice(range);
    }
    out
}

/// Whether one of the ranges holds this one.
pub fn contains_range(ranges: &[Range<'_>], range: &Range<'_>) -> bool {
    range.empty || ranges.iter().any(|r| r.contains(range))
}

/// All pairwise intersections.
pub fn intersect_all(a: &[Range<'_>], b: &[Range<'_>]) -> Result<Vec<Vec<u8>>> {
    let mut out = Vec::new();
    for x in a {
        for y in b.iter().filter(|y| x.overlaps(y)) {
            out.push(x.intersect(y)?);
        }
    }
    Ok(out)
}

/// What is left of `a`'s ranges without `b`'s.
pub fn subtract_all(a: &[Range<'_>], b: &[Range<'_>]) -> Result<Vec<Vec<u8>>> {
    let mut left: Vec<Vec<u8>> = a.iter().map(Range::to_bytes).collect();
    for cut in b {
        let mut next = Vec::with_capacity(left.len() + 1);
        for piece in &left {
            next.extend(Range::new(piece).pieces_without(cut)?);
        }
        left = next;
    }
    Ok(left)
}
