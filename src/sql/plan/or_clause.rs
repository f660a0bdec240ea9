//! What an OR over several relations asks of one of them in each of its arms restricts that one alone, before any join:
//! `(a.x = 1 AND b.y = 2) OR (a.x = 3 AND b.y = 4)` leaves rows of `a` with x in 1 and 3 only. PostgreSQL 15, orclauses.c.

use super::JoinKind;
use super::fold::has_volatile;
use super::jointree::{Clause, JoinTree};
use super::relset::{RelSet, rels_of};
use super::selectivity::{Estimator, Facts};
use crate::sql::bind::Rel;
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{IoContext, TypeRef, oid};

/// A restriction that keeps more of the rows is not worth asking.
const WORTH_IT: f64 = 0.9;

/// Adds such restrictions. The conditions they come from are estimated as leaving less from then on.
pub(super) fn restrict(tree: &mut JoinTree, rels: &[Rel], io: &IoContext) {
    let has_or = |c: &Clause| matches!(c.expr.kind, ExprKind::Or(_));
    if !tree.clauses.iter().chain(tree.specials.iter().flat_map(|s| &s.on)).any(has_or) {
        return;
    }
    let facts: Vec<Facts> = rels.iter().map(Facts::known).collect();
    let est = Estimator::new(&facts, io);
    // Where an outer join below makes up rows of a relation, its own rows are not all there are.
    let whole = |side: RelSet| {
        let all = side.iter().filter(|r| !tree.may_be_missing(*r, side));
        all.fold(RelSet::EMPTY, |set, r| set.union(RelSet::one(r)))
    };
    let everywhere = whole(tree.rels);
    // The rows of a side that are kept without a partner may not be dropped for having none.
    let of_special = tree.specials.iter().map(|s| match s.kind {
        JoinKind::Left | JoinKind::Anti => whole(s.syn_right),
        JoinKind::Semi => whole(s.syn_left).union(whole(s.syn_right)),
        _ => RelSet::EMPTY,
    });
    let of_special: Vec<RelSet> = of_special.collect();
    let mut new = Vec::new();
    for c in tree.clauses.iter_mut().filter(|c| has_or(c) && c.required == c.rels) {
        add(c, everywhere, &est, &mut new);
    }
    for (s, allowed) in tree.specials.iter_mut().zip(of_special) {
        s.on.iter_mut().filter(|c| has_or(c)).for_each(|c| add(c, allowed, &est, &mut new));
    }
    tree.restrictions.extend(new);
}

fn add(c: &mut Clause, allowed: RelSet, est: &Estimator<'_>, out: &mut Vec<(usize, Expr)>) {
    let whole = est.one(&c.expr);
    let mut given = 1.0;
    for rel in c.rels.and(allowed).iter() {
        let Some(own) = of_rel(&c.expr, rel) else { continue };
        let kept = est.one(&own);
        if kept <= WORTH_IT && kept > 0.0 {
            given *= kept;
            out.push((rel, own));
        }
    }
    if given < 1.0 {
        c.selectivity = Some((whole / given).min(1.0));
    }
}

/// What every arm of the OR asks of the relation alone; None if one asks nothing of it. PostgreSQL 15, extract_or_clause.
fn of_rel(e: &Expr, rel: usize) -> Option<Expr> {
    let ExprKind::Or(arms) = &e.kind else { return None };
    let only = |e: &Expr| rels_of(e) == RelSet::one(rel) && !has_volatile(e);
    let one = |e: &Expr| match e.kind {
        ExprKind::Or(_) if !only(e) => of_rel(e, rel),
        _ => only(e).then(|| e.clone()),
    };
    let mut out = Vec::with_capacity(arms.len());
    for arm in arms {
        let mut own: Vec<Expr> = match &arm.kind {
            ExprKind::And(parts) => parts.iter().filter_map(one).collect(),
            _ => one(arm).into_iter().collect(),
        };
        match own.len() {
            0 => return None,
            1 => match own.swap_remove(0) {
                Expr { kind: ExprKind::Or(inner), .. } => out.extend(inner),
                other => out.push(other),
            },
            _ => out.push(Expr::new(ExprKind::And(own), TypeRef::of(oid::BOOL))),
        }
    }
    Some(Expr::new(ExprKind::Or(out), TypeRef::of(oid::BOOL)))
}
