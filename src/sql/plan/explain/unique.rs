//! Whether a join finds at most one partner for a row, which EXPLAIN says. PostgreSQL 15, analyzejoins.c,
//! innerrel_is_unique and its callers: by a unique index all of whose columns must be equal to something, or because
//! the inner side is grouped by what must be equal.

use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use crate::sql::plan::unique_semi::has_index;
use crate::sql::plan::{IndexOp, JoinKind, Plan, PlanNode};

/// None: no join.
pub(super) fn is_inner_unique(plan: &Plan) -> Option<bool> {
    let (kind, right, mut equal) = match &plan.node {
        PlanNode::NestLoop(j) => {
            let mut equal = Vec::new();
            j.condition.iter().for_each(|c| equalities(c, &mut equal));
            (j.kind, &j.right, equal.into_iter().filter_map(|n| n.checked_sub(j.left.columns.len())).collect())
        }
        PlanNode::HashJoin(j) => (j.kind, &j.right, plain(&j.right_keys)),
        PlanNode::MergeJoin(j) => (j.kind, &j.right, plain(&j.right_keys)),
        _ => return None,
    };
    equal.sort_unstable();
    Some(!matches!(kind, JoinKind::Semi | JoinKind::Anti) && is_unique(right, &equal))
}

fn plain(keys: &[Expr]) -> Vec<usize> {
    keys.iter().filter_map(column).collect()
}

fn column(e: &Expr) -> Option<usize> {
    match &e.kind {
        ExprKind::Column(i) => Some(*i),
        ExprKind::Relabel(inner) => column(inner),
        _ => None,
    }
}

/// The columns that conjuncts say are equal to something.
fn equalities(e: &Expr, out: &mut Vec<usize>) {
    let equals = |o: Oid| func::oper(o).is_some_and(|o| o.name == "=" && (o.can_merge || o.can_hash));
    match &e.kind {
        ExprKind::And(parts) => parts.iter().for_each(|p| equalities(p, out)),
        ExprKind::Func { oper: Some(o), args, .. } if args.len() == 2 && equals(*o) => {
            out.extend(args.iter().filter_map(column));
        }
        _ => {}
    }
}

/// At most one row has given values in these output columns.
fn is_unique(plan: &Plan, equal: &[usize]) -> bool {
    match &plan.node {
        PlanNode::Sort { input, .. }
        | PlanNode::Materialize { input }
        | PlanNode::Memoize { input, .. }
        | PlanNode::Limit { input, .. } => is_unique(input, equal),
        PlanNode::Project { input, exprs } => is_unique(input, &mapped(equal, Some(exprs))),
        PlanNode::SubqueryScan { input, project, .. } => is_unique(input, &mapped(equal, project.as_ref())),
        PlanNode::Aggregate(a) if a.sets.len() == 1 => {
            let equal = mapped(equal, a.project.as_ref());
            (0..a.group_by.len()).all(|g| equal.contains(&g))
        }
        PlanNode::Distinct { keys, .. } => {
            plain(keys).len() == keys.len() && plain(keys).iter().all(|k| equal.contains(k))
        }
        PlanNode::SeqScan { rel, attnos, filter, project, .. } => {
            let mut read = mapped(equal, project.as_ref());
            filter.iter().for_each(|f| equalities(f, &mut read));
            has_index(rel, &attributes(&read, attnos))
        }
        PlanNode::BitmapHeapScan(s) => {
            let mut read = mapped(equal, s.project.as_ref());
            s.filter.iter().chain(&s.recheck).for_each(|f| equalities(f, &mut read));
            has_index(&s.rel, &attributes(&read, &s.attnos))
        }
        PlanNode::IndexScan(s) => {
            let mut read = mapped(equal, s.project.as_ref());
            s.filter.iter().for_each(|f| equalities(f, &mut read));
            let mut all = attributes(&read, &s.attnos);
            let held = s.conditions.iter().filter(|c| c.op == IndexOp::Eq);
            all.extend(held.filter_map(|c| s.index.columns.get(c.column)).map(|c| c.attno));
            has_index(&s.rel, &all)
        }
        _ => false,
    }
}

fn mapped(equal: &[usize], project: Option<&Vec<Expr>>) -> Vec<usize> {
    match project {
        None => equal.to_vec(),
        Some(exprs) => equal.iter().filter_map(|i| exprs.get(*i)).filter_map(column).collect(),
    }
}

fn attributes(read: &[usize], attnos: &[i16]) -> Vec<i16> {
    read.iter().filter_map(|k| attnos.get(*k)).copied().collect()
}
