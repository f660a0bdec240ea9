//! Sets of range-table entries: numbers that are copied and compared as such.
//!
//! Up to 127 relations are the bits of the number. What has a later one in it is entered in a table of the thread's own, and
//! the number says where: the same set has the same number, so that comparing and hashing stay what they are. The table
//! lasts as long as the statement is planned ([`Planning`]); a plan has none of these sets.

use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;

/// PostgreSQL 15, primnodes.h, INNER_VAR: relations of one query are fewer.
pub(super) const MAX_RELS: usize = 65000;

/// Relations that are bits.
const FEW: usize = 127;
const MANY: u128 = 1 << FEW;

#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub(super) struct RelSet(u128);

#[derive(Default)]
struct Large {
    sets: Vec<Box<[u64]>>,
    numbers: HashMap<Box<[u64]>, u128>,
    /// Statements being planned: functions are planned while others are.
    depth: usize,
}

thread_local! {
    static LARGE: RefCell<Large> = RefCell::default();
}

/// A statement is being planned.
pub(super) struct Planning;

impl Planning {
    pub fn begin() -> Planning {
        LARGE.with_borrow_mut(|l| l.depth += 1);
        Planning
    }
}

impl Drop for Planning {
    fn drop(&mut self) {
        LARGE.with_borrow_mut(|l| {
            l.depth -= 1;
            if l.depth == 0 && !l.sets.is_empty() {
                *l = Large::default();
            }
        });
    }
}

/// The words of a number that is a set itself.
fn halves(set: u128) -> [u64; 2] {
    [set as u64, (set >> 64) as u64]
}

impl Large {
    /// The bits of a set, however large; `few`: those of one that is not in the table.
    fn words<'a>(&'a self, set: u128, few: &'a [u64; 2]) -> &'a [u64] {
        match set & MANY == 0 {
            true => few,
            false => self.sets.get((set & !MANY) as usize).map_or(&[], |s| s),
        }
    }

    /// The number of a set.
    fn number(&mut self, mut words: &[u64]) -> u128 {
        while let [rest @ .., 0] = words {
            words = rest;
        }
        let low = |n: usize| u128::from(words.get(n).copied().unwrap_or(0));
        let few = low(0) | low(1) << 64;
        if words.len() <= 2 && few & MANY == 0 {
            return few;
        }
        if let Some(n) = self.numbers.get(words) {
            return *n;
        }
        let n = MANY | self.sets.len() as u128;
        self.sets.push(words.into());
        self.numbers.insert(words.into(), n);
        n
    }
}

fn pairs<'w>(a: &'w [u64], b: &'w [u64]) -> impl Iterator<Item = (u64, u64)> + 'w {
    let at = |w: &[u64], n: usize| w.get(n).copied().unwrap_or(0);
    (0..a.len().max(b.len())).map(move |n| (at(a, n), at(b, n)))
}

#[cold]
fn combined(a: u128, b: u128, f: impl Fn(u64, u64) -> u64) -> u128 {
    LARGE.with_borrow_mut(|l| {
        let (few_a, few_b) = (halves(a), halves(b));
        let both = pairs(l.words(a, &few_a), l.words(b, &few_b));
        let words: SmallVec<[u64; 16]> = both.map(|(x, y)| f(x, y)).collect();
        l.number(&words)
    })
}

#[cold]
fn any(a: u128, b: u128, f: impl Fn(u64, u64) -> u64) -> bool {
    LARGE.with_borrow(|l| {
        let (few_a, few_b) = (halves(a), halves(b));
        pairs(l.words(a, &few_a), l.words(b, &few_b)).any(|(x, y)| f(x, y) != 0)
    })
}

#[cold]
fn large_one(rel: usize) -> u128 {
    let mut words: SmallVec<[u64; 16]> = smallvec::smallvec![0; rel / 64 + 1];
    words[rel / 64] = 1 << (rel % 64);
    LARGE.with_borrow_mut(|l| l.number(&words))
}

/// What is asked of a set in the table.
#[cold]
fn large<T>(set: u128, f: impl FnOnce(&[u64]) -> T) -> T {
    LARGE.with_borrow(|l| f(l.words(set, &[0; 2])))
}

/// Neither set is in the table.
fn few(a: RelSet, b: RelSet) -> bool {
    (a.0 | b.0) & MANY == 0
}

impl RelSet {
    pub const EMPTY: RelSet = RelSet(0);

    pub fn one(rel: usize) -> RelSet {
        RelSet(if rel < FEW { 1 << rel } else { large_one(rel) })
    }

    pub fn has(self, rel: usize) -> bool {
        match self.0 & MANY == 0 {
            true => rel < FEW && self.0 & (1 << rel) != 0,
            false => large(self.0, |w| w.get(rel / 64).is_some_and(|w| w & (1 << (rel % 64)) != 0)),
        }
    }

    pub fn insert(&mut self, rel: usize) {
        *self = self.union(RelSet::one(rel));
    }

    pub fn union(self, o: RelSet) -> RelSet {
        RelSet(if few(self, o) { self.0 | o.0 } else { combined(self.0, o.0, |a, b| a | b) })
    }

    pub fn and(self, o: RelSet) -> RelSet {
        RelSet(if few(self, o) { self.0 & o.0 } else { combined(self.0, o.0, |a, b| a & b) })
    }

    pub fn minus(self, o: RelSet) -> RelSet {
        RelSet(if few(self, o) { self.0 & !o.0 } else { combined(self.0, o.0, |a, b| a & !b) })
    }

    pub fn overlaps(self, o: RelSet) -> bool {
        if few(self, o) { self.0 & o.0 != 0 } else { any(self.0, o.0, |a, b| a & b) }
    }

    pub fn within(self, o: RelSet) -> bool {
        if few(self, o) { self.0 & !o.0 == 0 } else { !any(self.0, o.0, |a, b| a & !b) }
    }

    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    pub fn len(self) -> usize {
        match self.0 & MANY == 0 {
            true => self.0.count_ones() as usize,
            false => large(self.0, |w| w.iter().map(|w| w.count_ones() as usize).sum()),
        }
    }

    /// The only member, if there is exactly one.
    pub fn single(self) -> Option<usize> {
        if self.len() == 1 { self.iter().next() } else { None }
    }

    pub fn iter(self) -> impl Iterator<Item = usize> {
        let large: Box<[u64]> = if self.0 & MANY == 0 { Box::default() } else { large(self.0, |w| w.into()) };
        let mut rest = if self.0 & MANY == 0 { self.0 } else { 0 };
        let mut word = 0;
        let mut part: u64 = large.first().copied().unwrap_or(0);
        std::iter::from_fn(move || {
            if rest != 0 {
                let n = rest.trailing_zeros() as usize;
                rest &= rest - 1;
                return Some(n);
            }
            while part == 0 {
                word += 1;
                part = *large.get(word)?;
            }
            let n = word * 64 + part.trailing_zeros() as usize;
            part &= part - 1;
            Some(n)
        })
    }
}

/// The relations of this level an expression reads.
pub(super) fn rels_of(e: &crate::sql::expr::Expr) -> RelSet {
    use crate::sql::expr::ExprKind;
    let mut out = RelSet::EMPTY;
    e.walk(&mut |x| {
        match &x.kind {
            ExprKind::Var { rel, levels_up: 0, .. } => out.insert(*rel),
            ExprKind::SubLink(l) => add_sub_query(&l.query, &mut out),
            _ => {}
        }
        true
    });
    out
}

fn add_sub_query(q: &crate::sql::bind::Query, out: &mut RelSet) {
    use crate::sql::expr::ExprKind;
    let mut q = q.clone();
    q.walk_mut(1, &mut |e, depth| {
        if let ExprKind::Var { rel, levels_up, .. } = e.kind
            && levels_up == depth
        {
            out.insert(rel);
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_relations() {
        let _planning = Planning::begin();
        let of = |list: &[usize]| list.iter().fold(RelSet::EMPTY, |s, r| s.union(RelSet::one(*r)));
        let large = of(&[1, 126, 127, 128, 500]);
        assert_eq!(large.iter().collect::<Vec<_>>(), [1, 126, 127, 128, 500]);
        assert_eq!(large, of(&[500, 128, 127, 126, 1]));
        assert_eq!(large.len(), 5);
        assert!(large.has(127) && large.has(500) && !large.has(2) && !large.has(5000));
        assert_eq!(large.minus(of(&[127, 128, 500])), of(&[1, 126]), "small sets have one form");
        assert_eq!(large.and(of(&[1, 3])), RelSet::one(1));
        assert!(of(&[1, 500]).within(large) && !of(&[1, 501]).within(large) && RelSet::one(1).within(large));
        assert!(large.overlaps(RelSet::one(500)) && !large.overlaps(of(&[2, 499])));
        assert_eq!(RelSet::one(127).single(), Some(127));
        assert!(RelSet::one(200).minus(RelSet::one(200)).is_empty());
    }
}
