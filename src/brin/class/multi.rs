//! Values that have an order, by several spans: what lies far from the others does not blur the rest.
//!
//! Key: the spans' keys in their order, each its length u16 and its bytes.

use super::min_max::MinMax;
use crate::base::Result;
use crate::gist::interval::{self, Relation, Span, View};
use crate::gist::{Answer, Class, Query};
use crate::types::{Datum, TypeRef};

/// PostgreSQL 15, brin_minmax_multi.c, MINMAX_MULTI_DEFAULT_VALUES_PER_PAGE: the ends of half as many spans.
const VALUES_PER_RANGE: usize = 32;

#[derive(Debug)]
pub struct Multi {
    values: MinMax,
    /// How many spans there may be.
    most: usize,
}

#[derive(Debug)]
struct MultiQuery {
    relation: Relation,
    span: Span,
}

impl Multi {
    pub fn new(values: MinMax, values_per_range: Option<usize>) -> Multi {
        Multi { values, most: (values_per_range.unwrap_or(VALUES_PER_RANGE) / 2).max(1) }
    }
}

/// The spans' keys. Damaged bytes read as everything.
fn spans(key: &[u8]) -> Vec<&[u8]> {
    let mut out: Vec<&[u8]> = Vec::new();
    let mut rest = key;
    while let Some((len, tail)) = rest.split_first_chunk::<2>() {
        let Some((span, tail)) = tail.split_at_checked(u16::from_le_bytes(*len) as usize) else {
            return vec![&[]];
        };
        out.push(span);
        rest = tail;
    }
    out
}

fn joined(spans: &[Vec<u8>]) -> Vec<u8> {
    let mut out = Vec::new();
    for s in spans {
        out.extend_from_slice(&(s.len() as u16).to_le_bytes());
        out.extend_from_slice(s);
    }
    out
}

fn ends(key: &[u8]) -> (&[u8], &[u8]) {
    View::new(key).ends.unwrap_or((&[], &[0xFF]))
}

fn covers(a: &[u8], b: &[u8]) -> bool {
    let (a, b) = (ends(a), ends(b));
    a.0 <= b.0 && b.1 <= a.1
}

impl Class for Multi {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        joined(&[Span::of_value(&self.values.key(value, self.values.ty)).to_key(self.values.room / 4)])
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        let (old, new) = (spans(a), spans(b));
        if new.iter().all(|n| old.iter().any(|o| covers(o, n))) {
            return a.to_vec();
        }
        let mut all: Vec<Vec<u8>> = old.into_iter().chain(new).map(<[u8]>::to_vec).collect();
        all.sort_by(|a, b| ends(a).cmp(&ends(b)));
        let mut sum: Vec<Vec<u8>> = Vec::with_capacity(all.len());
        for next in all {
            match sum.last_mut() {
                Some(last) if ends(&next).0 <= ends(last).1 => *last = interval::union(last, &next),
                _ => sum.push(next),
            }
        }
        let bytes = |sum: &[Vec<u8>]| sum.iter().map(|s| s.len() + 2).sum::<usize>();
        while sum.len() > self.most || sum.len() > 1 && bytes(&sum) > self.values.room {
            let gap = |n: &usize| interval::gap(ends(&sum[*n]).1, ends(&sum[*n + 1]).0);
            let nearest = (0..sum.len() - 1).min_by(|a, b| gap(a).total_cmp(&gap(b))).unwrap_or(0);
            let right = sum.remove(nearest + 1);
            sum[nearest] = interval::union(&sum[nearest], &right);
        }
        joined(&sum)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, ty: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let (relation, span) = self.values.question(strategy, value, ty)?;
        Ok(Box::new(MultiQuery { relation, span }))
    }
}

impl Query for MultiQuery {
    fn consistent(&self, key: &[u8], leaf: bool) -> Answer {
        let may = |s: &&[u8]| self.relation.ask(s, &self.span, leaf, true) != Answer::No;
        if spans(key).iter().any(may) { Answer::Maybe } else { Answer::No }
    }
}
