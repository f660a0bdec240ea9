//! Conditions pushed down into sub-selects, and their unused columns dropped. PostgreSQL 15, allpaths.c.

use super::fold::{conjunction, conjuncts, has_volatile};
use super::planner::Planner;
use super::scan::BaseRel;
use crate::base::Result;
use crate::sql::bind::{Distinct, Query, SetTree, Source};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::SetOpKind;
use std::collections::BTreeSet;

impl Planner<'_> {
    /// Moves what can be moved of the rel's conditions into the sub-select.
    pub(super) fn push_down(&mut self, mut query: Query, base: &mut BaseRel, barrier: bool) -> Result<Query> {
        if !accepts(&query) {
            return Ok(query);
        }
        let quals = std::mem::take(&mut base.quals);
        for q in quals {
            let passes = !barrier || !super::secure::leaks(&q);
            if passes && movable(&q, base.rel) && safe(&query, &q) {
                push_into(&mut query, &q);
            } else {
                base.quals.push(q);
            }
        }
        Ok(query)
    }
}

/// Rows are not counted or numbered inside.
fn accepts(q: &Query) -> bool {
    q.limit.is_none()
        && q.offset.is_none()
        && q.write.is_none()
        && !q.has_set_returning
        && match &q.set_op {
            Some(t) => pushable_tree(t),
            None => !q.targets.is_empty(),
        }
}

fn pushable_tree(t: &SetTree) -> bool {
    match t {
        SetTree::Leaf(_) => true,
        SetTree::Node { op, left, right, .. } => {
            *op != SetOpKind::Except && pushable_tree(left) && pushable_tree(right)
        }
    }
}

/// The condition reads the rel only, by plain columns, and runs nothing that must not run twice.
fn movable(q: &Expr, rel: usize) -> bool {
    !has_volatile(q)
        && !q.any(&mut |x| {
            matches!(x.kind, ExprKind::SubPlan(_) | ExprKind::SubLink(_))
                || matches!(x.kind, ExprKind::Var { rel: r, levels_up: 0, .. } if r != rel)
        })
}

fn safe(query: &Query, q: &Expr) -> bool {
    let mut attnos = BTreeSet::new();
    q.walk(&mut |x| {
        if let ExprKind::Var { attno, levels_up: 0, .. } = x.kind {
            attnos.insert(attno);
        }
        true
    });
    if query.set_op.is_some() {
        return query.rels.iter().all(|r| match &r.source {
            Source::Subquery(leaf) => accepts(leaf) && leaf_safe(leaf, &attnos),
            _ => false,
        });
    }
    leaf_safe(query, &attnos)
}

fn leaf_safe(query: &Query, attnos: &BTreeSet<i16>) -> bool {
    let visible: Vec<(usize, &crate::sql::bind::Target)> =
        query.targets.iter().enumerate().filter(|(_, t)| !t.junk).collect();
    attnos.iter().all(|&a| {
        let Some((i, t)) = usize::try_from(a).ok().and_then(|n| n.checked_sub(1)).and_then(|n| visible.get(n)) else {
            return false;
        };
        if has_volatile(&t.expr)
            || t.expr.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. } | ExprKind::SubLink(_)))
        {
            return false;
        }
        // A grouping set nulls such a column as a whole: what it says stands for it no longer.
        let is_var = |x: &Expr| matches!(x.kind, ExprKind::Var { .. });
        let twice = || query.group_by.iter().filter(|g| crate::sql::expr::same(g, &t.expr)).count() > 1;
        if query.grouping_sets.is_some() && (!t.expr.any(&mut |x| is_var(x)) || twice()) {
            return false;
        }
        match &query.distinct {
            Distinct::On(on) if !on.contains(i) => return false,
            _ => {}
        }
        // Below a window function only conditions on what partitions every window keep the windows whole.
        !query.has_windows || partitions_all(query, &t.expr)
    })
}

fn partitions_all(query: &Query, e: &Expr) -> bool {
    let mut ok = true;
    for t in &query.targets {
        t.expr.walk(&mut |x| {
            if let ExprKind::Window(w) = &x.kind {
                ok &= w.spec.partition_by.iter().any(|p| crate::sql::expr::same(p, e));
            }
            true
        });
    }
    ok
}

fn push_into(query: &mut Query, q: &Expr) {
    if query.set_op.is_some() {
        for r in &mut query.rels {
            if let Source::Subquery(leaf) = &mut r.source {
                push_into(leaf, q);
            }
        }
        return;
    }
    let outputs: Vec<Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect();
    let mut e = q.clone();
    substitute(&mut e, &outputs);
    let slot = if query.has_aggregates { &mut query.having } else { &mut query.filter };
    let mut parts = Vec::new();
    if let Some(old) = slot.take() {
        conjuncts(old, &mut parts);
    }
    parts.push(e);
    *slot = conjunction(parts);
}

fn substitute(e: &mut Expr, outputs: &[Expr]) {
    if let ExprKind::Var { attno, levels_up: 0, .. } = e.kind {
        if let Some(x) = usize::try_from(attno).ok().and_then(|n| n.checked_sub(1)).and_then(|n| outputs.get(n)) {
            *e = x.clone().in_place_of(e);
        }
        return;
    }
    e.for_each_child_mut(&mut |c| substitute(c, outputs));
}

/// Output columns nobody reads become NULL constants, so that what they would need is not read either.
pub(super) fn drop_unused(mut query: Query, needed: &BTreeSet<i16>) -> Query {
    if query.set_op.is_some() || query.write.is_some() || !matches!(query.distinct, Distinct::No) {
        return query;
    }
    let ordered: Vec<usize> = query.order_by.iter().map(|o| o.target).collect();
    let mut n = 0;
    for (i, t) in query.targets.iter_mut().enumerate() {
        if t.junk {
            continue;
        }
        n += 1;
        let droppable = !needed.contains(&n)
            && !ordered.contains(&i)
            && !has_volatile(&t.expr)
            && !t.expr.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. }));
        if droppable && !matches!(t.expr.kind, ExprKind::Const(_)) {
            t.expr = Expr::new(ExprKind::Const(crate::types::Value::Null), t.expr.ty);
        }
    }
    query
}
