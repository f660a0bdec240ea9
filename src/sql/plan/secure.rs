//! Conditions that come before others: a policy's, a security barrier's. What could tell of the rows that they hide waits
//! until they have been judged. PostgreSQL 15, clauses.c, contain_leaked_vars, and createplan.c, order_qual_clauses.

use super::cost::expr_cost;
use super::fold::conjuncts;
use super::jointree::JoinTree;
use super::scan::BaseRel;
use super::settings::PlannerSettings;
use crate::sql::bind::{Rel, Source};
use crate::sql::expr::{Expr, ExprKind, same};

/// The expression reads a column.
fn reads(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::Var { .. } | ExprKind::Column(_) | ExprKind::SubPlan(_)))
}

/// Evaluating the expression could tell somebody the values it reads: by an error, a message, a side effect.
pub(super) fn leaks(e: &Expr) -> bool {
    let of_parts = |e: &Expr| {
        let mut found = false;
        e.walk(&mut |x| {
            if !std::ptr::eq(x, e) && !found {
                found = leaks(x);
            }
            std::ptr::eq(x, e)
        });
        found
    };
    match &e.kind {
        ExprKind::Const(_)
        | ExprKind::Param(_)
        | ExprKind::ExecParam(_)
        | ExprKind::Column(_)
        | ExprKind::Var { .. }
        | ExprKind::CaseOperand => false,
        ExprKind::Func { func, .. } | ExprKind::ScalarArray { func, .. } => {
            !func.fact.leakproof() && reads(e) || of_parts(e)
        }
        ExprKind::Distinct { eq, .. } | ExprKind::NullIf { eq, .. } => !eq.fact.leakproof() && reads(e) || of_parts(e),
        ExprKind::And(_)
        | ExprKind::Or(_)
        | ExprKind::Not(_)
        | ExprKind::IsNull(_)
        | ExprKind::IsNotNull(_)
        | ExprKind::BoolTest { .. }
        | ExprKind::Case { .. }
        | ExprKind::Coalesce(_)
        | ExprKind::Relabel(_)
        | ExprKind::Row { .. }
        | ExprKind::Array { .. }
        | ExprKind::Field { .. } => of_parts(e),
        _ => reads(e),
    }
}

/// The conditions of one step, split.
fn parts(e: &Expr) -> Vec<Expr> {
    let mut out = Vec::new();
    conjuncts(e.clone(), &mut out);
    out
}

/// Puts policies' conditions first among those of their relations. A sub-select's only says that it is a barrier.
/// Answers which these are.
pub(super) fn add_conditions(tree: &mut JoinTree, rels: &[Rel]) -> Vec<(usize, Expr)> {
    let mut first = Vec::new();
    for r in tree.rels.iter().filter(|r| matches!(rels[*r].source, Source::Table { .. })) {
        first.extend(rels[r].security.iter().flat_map(parts).map(|e| (r, e)));
    }
    let added = first.clone();
    if !first.is_empty() {
        first.append(&mut tree.restrictions);
        tree.restrictions = first;
    }
    added
}

/// How many of a relation's first conditions are those of policies, and how many of these come at once.
pub(super) fn counts(rel: &Rel) -> (usize, usize) {
    match &rel.source {
        Source::Table { .. } => {
            let all: Vec<usize> = rel.security.iter().map(|e| parts(e).len()).collect();
            (all.iter().sum(), all.first().copied().unwrap_or(0))
        }
        _ => (0, 0),
    }
}

/// Orders the conditions of a scan: cheap ones first, as far as they may; and tells which may search an index. `beside`:
/// some relation of the same query has policies, and what tells of rows waits everywhere.
pub(super) fn arrange(base: &mut BaseRel, beside: bool, settings: &PlannerSettings) {
    let by_cost = |x: &Expr, y: &Expr| expr_cost(x, settings).total_cmp(&expr_cost(y, settings));
    let (count, at_once) = base.secure;
    if count == 0 && !beside {
        base.quals.sort_by(by_cost);
        base.bound = None;
        return;
    }
    let count = count.min(base.quals.len());
    base.bound = (count > 0).then(|| base.quals[..at_once.min(count)].to_vec());
    // What costs more than a few operators waits for the policies, even if it tells nothing.
    let cheap = |e: &Expr| !leaks(e) && expr_cost(e, settings) <= 10.0 * settings.cpu_operator_cost;
    let level = |at: usize, e: &Expr| match at {
        _ if cheap(e) || at < at_once => 0,
        at if at < count => 1 + at,
        _ => 1 + count,
    };
    let mut levels: Vec<(usize, Expr)> = base.quals.drain(..).enumerate().map(|(at, e)| (level(at, &e), e)).collect();
    levels.sort_by(|x, y| x.0.cmp(&y.0).then_with(|| by_cost(&x.1, &y.1)));
    base.quals = levels.into_iter().map(|(_, e)| e).collect();
}

/// Whether a condition may search the relation, before the policies are judged.
pub(super) fn may_search(base: &BaseRel, e: &Expr) -> bool {
    base.bound.as_ref().is_none_or(|first| first.iter().any(|f| same(f, e)) || !leaks(e))
}
