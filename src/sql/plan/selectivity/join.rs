//! Equalities between two relations: PostgreSQL 15, selfuncs.c, eqjoinsel, with the common values of both sides matched.

use super::scalar::alike;
use super::{Estimator, Variable, clamp};
use crate::sql::expr::Expr;
use crate::types::{self, TypeRef, Value};
use std::collections::HashMap;

/// The common values of two columns, side by side.
#[derive(Default)]
struct Matched {
    count: usize,
    /// The sum of the products of their parts of the rows.
    product: f64,
    /// The parts of the rows of each side that have a common value of the other's.
    left: f64,
    right: f64,
}

impl Matched {
    /// None where one side has no common values, or they cannot be compared without asking an operator.
    fn of(l: &Variable, r: &Variable, right_limit: usize) -> Option<Matched> {
        let (ls, rs) = (l.stats.as_ref()?, r.stats.as_ref()?);
        if ls.most_common.is_empty() || rs.most_common.is_empty() {
            return None;
        }
        let key = Key::of(l.ty, r.ty)?;
        let mut known: HashMap<Vec<u8>, f64> = HashMap::with_capacity(rs.most_common.len());
        for (v, f) in rs.most_common.iter().take(right_limit) {
            known.insert(key.bytes(v, r.ty)?, *f);
        }
        let mut out = Matched::default();
        for (v, f) in &ls.most_common {
            // Each value of one side has one partner at most.
            if let Some(other) = known.remove(&key.bytes(v, l.ty)?) {
                out.count += 1;
                out.product += f * other;
                out.left += f;
                out.right += other;
            }
        }
        Some(out)
    }
}

/// How equal values of two types are told.
enum Key {
    OneType,
    Integers,
}

impl Key {
    fn of(l: TypeRef, r: TypeRef) -> Option<Key> {
        let integer = |t: TypeRef| {
            use types::oid;
            matches!(types::base_type(t.oid), oid::INT2 | oid::INT4 | oid::INT8)
        };
        match () {
            () if alike(l, r) && l.collation == r.collation => Some(Key::OneType),
            () if integer(l) && integer(r) => Some(Key::Integers),
            () => None,
        }
    }

    fn bytes(&self, v: &Value, ty: TypeRef) -> Option<Vec<u8>> {
        match self {
            Key::OneType => {
                let mut out = Vec::new();
                types::key::encode(ty, v.datum(), &mut out);
                Some(out)
            }
            Key::Integers => Some(match v {
                Value::I16(n) => i64::from(*n).to_be_bytes().to_vec(),
                Value::I32(n) => i64::from(*n).to_be_bytes().to_vec(),
                Value::I64(n) => n.to_be_bytes().to_vec(),
                _ => return None,
            }),
        }
    }
}

fn common(v: &Variable) -> (usize, f64) {
    v.stats.as_ref().map_or((0, 0.0), |s| (s.most_common.len(), s.most_common.iter().map(|(_, f)| f).sum()))
}

impl Estimator<'_> {
    /// The part of all pairs of rows that are equal: eqjoinsel_inner.
    pub(in crate::sql::plan) fn join_equality(&self, left: &Expr, right: &Expr) -> f64 {
        let (nl, nr) = (self.distinct(left).max(1.0), self.distinct(right).max(1.0));
        let (l, r) = (self.variable(left), self.variable(right));
        if let (Some(l), Some(r)) = (&l, &r)
            && let Some(m) = Matched::of(l, r, usize::MAX)
        {
            let side = |v: &Variable, matched: f64| {
                let (count, all) = common(v);
                let unmatched = clamp(all - matched);
                (count as f64, unmatched, clamp(1.0 - v.null_frac() - matched - unmatched))
            };
            let (lc, l_unmatched, l_other) = side(l, m.left);
            let (rc, r_unmatched, r_other) = side(r, m.right);
            let matches = m.count as f64;
            // What has no partner among the common ones may have one among the others.
            let total =
                |mine_unmatched: f64, mine_other: f64, other_unmatched: f64, other_other: f64, n: f64, c: f64| {
                    let mut p = m.product;
                    if n > c {
                        p += mine_unmatched * other_other / (n - c);
                    }
                    if n > matches {
                        p += mine_other * (other_other + other_unmatched) / (n - matches);
                    }
                    p
                };
            let of_right = total(l_unmatched, l_other, r_unmatched, r_other, nr, rc);
            let of_left = total(r_unmatched, r_other, l_unmatched, l_other, nl, lc);
            return clamp(of_right.min(of_left));
        }
        let known = (1.0 - self.null_fraction(left).min(0.99)) * (1.0 - self.null_fraction(right).min(0.99));
        known / nl.max(nr)
    }

    /// The part of the left rows that have a partner: eqjoinsel_semi. `right_rows`: of the right side, its conditions
    /// applied.
    pub(in crate::sql::plan) fn semi_equality(&self, left: &Expr, right: &Expr, right_rows: f64) -> f64 {
        let certain = |e: &Expr| self.knows(e);
        let nl = self.distinct(left);
        let limited = self.distinct(right) >= right_rows;
        let nr = self.distinct(right).min(right_rows);
        let sure = certain(left) && (limited || certain(right));
        let (l, r) = (self.variable(left), self.variable(right));
        let nulls = l.as_ref().map_or(0.0, Variable::null_frac);
        let matched = match (&l, &r) {
            (Some(l), Some(r)) => Matched::of(l, r, nr.max(1.0) as usize),
            _ => None,
        };
        let (count, common) = matched.map_or((0.0, 0.0), |m| (m.count as f64, m.left));
        let (nl, nr) = (nl - count, nr - count);
        let uncertain = match () {
            () if !sure => 0.5,
            () if nl <= nr || nr < 0.0 => 1.0,
            () => nr / nl,
        };
        clamp(common + uncertain * clamp(1.0 - common - nulls))
    }
}
