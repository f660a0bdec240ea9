//! Paths of labels, and arrays of such: what the extension `ltree` brings. What is found is always asked again.
//!
//! Key: the bounds that all paths below lie between, each u16 LE and so many bytes of the order's keys; then a signature of
//! their labels. Of arrays the bounds are empty.

use super::sign::number;
use super::{Answer, Class, Query, divide, maybe};
use crate::base::{Error, Result};
use crate::types::array::Array;
use crate::types::ltree::lquery::Pattern;
use crate::types::ltree::ltxtquery::Search;
use crate::types::ltree::{labels, ordered};
use crate::types::{Datum, TypeRef};

/// Bytes of a signature.
const SIGNATURE: usize = 32;
/// Bounds are not longer than this.
const LONGEST: usize = 240;

#[derive(Debug)]
pub struct Paths {
    /// Values are arrays.
    pub many: bool,
    pub room: usize,
}

/// A key taken apart.
#[derive(Clone, Copy, PartialEq)]
struct Key<'a> {
    low: &'a [u8],
    high: &'a [u8],
    sign: &'a [u8],
}

fn key(bytes: &[u8]) -> Key<'_> {
    fn bound(bytes: &[u8]) -> (&[u8], &[u8]) {
        let Some((length, rest)) = bytes.split_first_chunk::<2>() else { return (&[], &[]) };
        rest.split_at_checked(usize::from(u16::from_le_bytes(*length))).unwrap_or((&[], &[]))
    }
    let (low, rest) = bound(bytes);
    let (high, sign) = bound(rest);
    Key { low, high, sign }
}

fn build(low: &[u8], high: &[u8], sign: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(4 + low.len() + high.len() + sign.len());
    for bound in [low, high] {
        out.extend_from_slice(&(bound.len() as u16).to_le_bytes());
        out.extend_from_slice(bound);
    }
    out.extend_from_slice(sign);
    out
}

fn bit(label: &str) -> (usize, u8) {
    let at = number(label) as usize % (SIGNATURE * 8);
    (at / 8, 1 << (at % 8))
}

impl Key<'_> {
    fn may_have(&self, label: &str) -> bool {
        let (byte, bit) = bit(label);
        self.sign.get(byte).is_none_or(|b| b & bit != 0)
    }

    /// Whether there may be a path between these two.
    fn meets(&self, low: &[u8], high: &[u8]) -> bool {
        self.low <= high && self.high >= low
    }
}

/// The order's key of a path, and what no path that goes on from it comes behind.
fn range_below(path: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let low = ordered(path);
    // No label has such a byte: text is UTF-8.
    let high = [low.as_slice(), &[0xff]].concat();
    (low, high)
}

impl Class for Paths {
    fn compress(&self, value: Datum<'_>) -> Vec<u8> {
        let mut sign = vec![0; SIGNATURE];
        let mut note = |path: &[u8]| {
            for label in labels(path) {
                let (byte, bit) = bit(label);
                sign[byte] |= bit;
            }
        };
        let Datum::Bytes(stored) = value else { return build(&[], &[], &sign) };
        if self.many {
            Array::new(stored).iter().filter(|p| !p.is_null()).for_each(|p| note(p.bytes()));
            return build(&[], &[], &sign);
        }
        note(stored);
        let mut low = ordered(stored);
        let longest = LONGEST.min(self.room.saturating_sub(SIGNATURE + 6) / 2);
        if low.len() <= longest {
            return build(&low, &low, &sign);
        }
        low.truncate(longest);
        build(&low, &[low.as_slice(), &[0xff]].concat(), &sign)
    }

    fn union(&self, a: &[u8], b: &[u8]) -> Vec<u8> {
        let (a, b) = (key(a), key(b));
        let sign: Vec<u8> = a.sign.iter().zip(b.sign).map(|(a, b)| a | b).collect();
        build(a.low.min(b.low), a.high.max(b.high), &sign)
    }

    fn penalty(&self, of: &[u8], new: &[u8]) -> f64 {
        let (of, new) = (key(of), key(new));
        let more: u32 = of.sign.iter().zip(new.sign).map(|(o, n)| (n & !o).count_ones()).sum();
        // Far from the bounds is worse: the more bytes in common, the nearer.
        let apart = |bound: &[u8]| {
            let common = bound.iter().zip(new.low).take_while(|(a, b)| a == b).count();
            1.0 + 64.0 / (1 + common) as f64
        };
        let outside = match (new.low < of.low, new.high > of.high) {
            (true, _) => apart(of.low),
            (_, true) => apart(of.high),
            _ => 0.0,
        };
        outside * 4.0 + f64::from(more)
    }

    fn split(&self, keys: &[&[u8]]) -> Vec<bool> {
        let all: Vec<Key<'_>> = keys.iter().map(|k| key(k)).collect();
        let mut order: Vec<usize> = (0..all.len()).collect();
        order.sort_by(|a, b| (all[*a].low, all[*a].sign).cmp(&(all[*b].low, all[*b].sign)));
        let mut rank = vec![0.0; all.len()];
        order.iter().enumerate().for_each(|(at, n)| rank[*n] = at as f64);
        divide(all.len(), |n| rank[n], |_, _| 0.0)
    }

    fn query(&self, strategy: i16, value: Datum<'_>, _: TypeRef, _: f64) -> Result<Box<dyn Query>> {
        let Datum::Bytes(b) = value else { return Err(Error::internal("a question that is no path")) };
        let below = range_below(b);
        let names = || labels(b).into_iter().map(str::to_owned).collect();
        let asked = match strategy {
            1 => Asked::Between(Vec::new(), below.0),
            2 => Asked::Between(Vec::new(), below.0),
            3 => Asked::Below { range: Some((below.0.clone(), below.0)), labels: names() },
            4 | 5 => Asked::Between(below.0, vec![0xff; 2]),
            10 if self.many => Asked::Below { range: None, labels: names() },
            10 => {
                let all = labels(b);
                let above = |n: usize| range_below(all[..n].join(".").as_bytes()).0;
                Asked::Above((0..=all.len()).map(above).collect())
            }
            11 => Asked::Below { range: Some(below), labels: names() },
            12 => Asked::Patterns(vec![needed(&Pattern::of(b))]),
            14 => Asked::Search(Search::of(b)),
            16 => Asked::Patterns(
                Array::new(b).iter().filter(|p| !p.is_null()).map(|p| needed(&Pattern::of(p.bytes()))).collect(),
            ),
            other => return Err(Error::internal(format!("unknown strategy {other}"))),
        };
        Ok(Box::new(PathQuery(asked)))
    }
}

/// What labels a path must have that fulfils a pattern: of each of these lists one.
fn needed(pattern: &Pattern) -> Vec<Vec<String>> {
    let of_item = |item: &crate::types::ltree::lquery::Item| {
        let exact: Option<Vec<String>> = item.words.iter().map(|w| w.exact().map(str::to_owned)).collect();
        exact.filter(|words| !item.not && item.least > 0 && !words.is_empty())
    };
    pattern.0.iter().filter_map(of_item).collect()
}

#[derive(Debug)]
enum Asked {
    Between(Vec<u8>, Vec<u8>),
    Below {
        range: Option<(Vec<u8>, Vec<u8>)>,
        labels: Vec<String>,
    },
    /// One of these.
    Above(Vec<Vec<u8>>),
    Patterns(Vec<Vec<Vec<String>>>),
    Search(Option<Search>),
}

#[derive(Debug)]
struct PathQuery(Asked);

impl Query for PathQuery {
    fn consistent(&self, bytes: &[u8], _: bool) -> Answer {
        let key = key(bytes);
        maybe(match &self.0 {
            Asked::Between(low, high) => key.meets(low, high),
            Asked::Below { range, labels } => {
                range.as_ref().is_none_or(|(low, high)| key.meets(low, high)) && labels.iter().all(|l| key.may_have(l))
            }
            Asked::Above(paths) => paths.iter().any(|p| key.meets(p, p)),
            Asked::Patterns(all) => {
                all.iter().any(|needs| needs.iter().all(|words| words.iter().any(|w| key.may_have(w))))
            }
            Asked::Search(search) => search.as_ref().is_some_and(|s| s.may_hold(&|label| key.may_have(label))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::oid;

    /// Whatever fulfils a question is found below every key that covers it, long paths, too.
    #[test]
    fn keys_cover() {
        let class = Paths { many: false, room: 200 };
        let long = vec!["label"; 60].join(".");
        let paths = ["", "a", "a.b", "a.b.c", "b", "a.c", "ab", &long];
        let keys: Vec<Vec<u8>> = paths.iter().map(|p| class.compress(Datum::Bytes(p.as_bytes()))).collect();
        let all = keys.iter().skip(1).fold(keys[0].clone(), |sum, k| class.union(&sum, k));
        let ty = TypeRef::of(oid::TEXT);
        let found = |strategy, asked: &str, n: usize| {
            let query = class.query(strategy, Datum::Bytes(asked.as_bytes()), ty, 0.0).unwrap();
            let (leaf, inner) = (query.consistent(&keys[n], true), query.consistent(&all, false));
            assert!(leaf == Answer::No || inner == Answer::Maybe);
            leaf == Answer::Maybe
        };
        for (n, path) in paths.iter().enumerate() {
            assert!(found(3, path, n) && found(11, path, n) && found(10, path, n));
            for (m, other) in paths.iter().enumerate() {
                let (a, b) = (labels(path.as_bytes()), labels(other.as_bytes()));
                let above = crate::types::ltree::is_ancestor(&b, &a);
                assert!(!above || found(11, path, m) && found(10, other, n), "{path} {other}");
            }
        }
        assert!(!found(11, "b", 1) && !found(10, "b", 1) && !found(12, "x.*", 1) && !found(14, "x&a", 1));
        assert!(found(12, "*.c", 3) && found(14, "c|x", 3) && found(12, "!x.*", 2));
    }
}
