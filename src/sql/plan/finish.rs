//! Last touches: which slots a finished plan reads from outside.

use super::{IndexScan, ModifyKind, Plan, PlanNode};
use crate::sql::expr::{Expr, ExprKind};
use std::collections::BTreeSet;

/// Fills `params` of every node (see [`Plan::params`]).
pub(super) fn set_params(plan: &mut Plan) {
    let mut reads = BTreeSet::new();
    let mut fills: Vec<usize> = Vec::new();
    plan.for_each_expr(&mut |e| slots(e, &mut reads));
    if let PlanNode::NestLoop(n) = &plan.node {
        fills.extend(n.params.iter().map(|(s, _)| *s));
    }
    plan.for_each_input_mut(&mut |p| {
        set_params(p);
        reads.extend(p.params.iter().copied());
    });
    plan.params = reads.into_iter().filter(|s| !fills.contains(s)).collect();
}

fn slots(e: &Expr, out: &mut BTreeSet<usize>) {
    e.walk(&mut |x| {
        match &x.kind {
            ExprKind::ExecParam(s) => {
                out.insert(*s);
            }
            ExprKind::SubPlan(p) => {
                let mut inner: BTreeSet<usize> = p.plan.params.iter().copied().collect();
                if let Some(t) = &p.test {
                    slots(t, &mut inner);
                }
                for (s, _) in p.args.iter().chain(&p.test_params) {
                    inner.remove(s);
                }
                out.extend(inner);
            }
            _ => {}
        }
        true
    });
}

fn each<'a>(list: impl IntoIterator<Item = &'a Expr>, f: &mut dyn FnMut(&'a Expr)) {
    list.into_iter().for_each(f);
}

fn modify_exprs<'a>(m: &'a super::Modify, f: &mut dyn FnMut(&'a Expr)) {
    each(m.returning.iter().flatten(), f);
    each(m.checks.iter().map(|(_, e)| e), f);
    each(m.row_checks.iter().map(|c| &c.expr), f);
    each(m.generated.iter().map(|(_, e)| e), f);
    match &m.kind {
        ModifyKind::Update { set, recheck, .. } => {
            each(set.iter().map(|s| &s.expr), f);
            each(recheck, f);
        }
        ModifyKind::Delete { recheck, .. } => each(recheck, f),
        ModifyKind::Merge { whens, recheck, .. } => {
            each(whens.iter().flat_map(super::MergeWhen::exprs), f);
            each(recheck, f);
        }
        ModifyKind::Instead(_) => {}
        ModifyKind::Insert { on_conflict } => {
            if let Some(c) = on_conflict {
                each(c.set.iter().flatten().map(|(_, e)| e), f);
                each(&c.filter, f);
            }
        }
    }
    for p in m.members.iter().flat_map(|t| &t.parts) {
        modify_exprs(p, f);
    }
}

impl Plan {
    /// Calls `f` for every expression of this node, not of its inputs.
    pub fn for_each_expr<'a>(&'a self, f: &mut dyn FnMut(&'a Expr)) {
        match &self.node {
            PlanNode::Result { exprs, one_time, .. } => {
                each(exprs, f);
                each(one_time, f);
            }
            PlanNode::Values { rows } => each(rows.iter().flatten(), f),
            PlanNode::SeqScan { filter, project, .. }
            | PlanNode::VirtualScan { filter, project, .. }
            | PlanNode::CteScan { filter, project, .. }
            | PlanNode::SubqueryScan { filter, project, .. }
            | PlanNode::WorkTableScan { filter, project, .. } => {
                each(filter, f);
                each(project.iter().flatten(), f);
            }
            PlanNode::IndexScan(s) => {
                let IndexScan { conditions, filter, project, .. } = &**s;
                each(conditions.iter().map(|c| &c.value), f);
                each(filter, f);
                each(project.iter().flatten(), f);
            }
            PlanNode::BitmapIndexScan(s) => {
                each(s.conditions.iter().map(|c| &c.value).chain(s.bounds.iter().map(|c| &c.value)), f);
            }
            PlanNode::GistScan(s) => {
                each(s.conditions.iter().chain(&s.orders).map(|c| &c.value), f);
                each(&s.recheck, f);
                each(&s.distances, f);
                each(&s.filter, f);
                each(s.project.iter().flatten(), f);
            }
            PlanNode::BitmapHeapScan(s) => {
                each(&s.recheck, f);
                each(&s.filter, f);
                each(s.project.iter().flatten(), f);
            }
            PlanNode::FunctionScan { calls, filter, project, .. } => {
                each(calls.iter().flat_map(|c| &c.args), f);
                each(filter, f);
                each(project.iter().flatten(), f);
            }
            PlanNode::TidScan { tids, filter, project, .. } => {
                each(tids, f);
                each(filter, f);
                each(project.iter().flatten(), f);
            }
            PlanNode::Filter { filter, .. } => f(filter),
            PlanNode::Project { exprs, .. } => each(exprs, f),
            PlanNode::ProjectSet { items, .. } => {
                for i in items {
                    match i {
                        super::SetItem::Plain(e) => f(e),
                        super::SetItem::Set { args, .. } => each(args, f),
                    }
                }
            }
            PlanNode::NestLoop(j) => {
                each(j.params.iter().map(|(_, e)| e), f);
                each(&j.condition, f);
                each(j.project.iter().flatten(), f);
            }
            PlanNode::HashJoin(j) => {
                each(j.left_keys.iter().chain(&j.right_keys).chain(&j.condition), f);
                each(j.project.iter().flatten(), f);
            }
            PlanNode::MergeJoin(j) => {
                each(j.left_keys.iter().chain(&j.right_keys).chain(&j.condition), f);
                each(j.project.iter().flatten(), f);
            }
            PlanNode::Sort { keys, bound, .. } => {
                each(keys.iter().map(|k| &k.expr), f);
                each(bound, f);
            }
            PlanNode::Limit { limit, offset, with_ties, .. } => {
                each(limit, f);
                each(offset, f);
                each(with_ties.iter().flatten().map(|k| &k.expr), f);
            }
            PlanNode::Aggregate(a) => {
                each(&a.group_by, f);
                for c in &a.calls {
                    each(c.args.iter().chain(&c.direct_args).chain(&c.filter), f);
                    each(c.order_by.iter().map(|k| &k.expr), f);
                }
                each(&a.having, f);
                each(a.project.iter().flatten(), f);
            }
            PlanNode::Window { spec, calls, .. } => {
                each(&spec.partition_by, f);
                each(spec.order_by.iter().map(|k| &k.expr), f);
                for c in calls {
                    each(c.args.iter().chain(&c.filter), f);
                    for b in [&c.spec.frame.start, &c.spec.frame.end] {
                        if let crate::sql::expr::FrameBound::Preceding(e) | crate::sql::expr::FrameBound::Following(e) =
                            b
                        {
                            f(e);
                        }
                    }
                }
            }
            PlanNode::Distinct { keys, .. } | PlanNode::Memoize { keys, .. } => each(keys, f),
            PlanNode::LockRows { outer, recheck, .. } => each(outer.iter().map(|(on, _)| on).chain(recheck), f),
            PlanNode::Modify(m) => modify_exprs(m, f),
            PlanNode::Append { pruning, merge, .. } => {
                pruning.iter().for_each(|p| p.for_each_expr(f));
                each(merge.iter().map(|k| &k.expr), f);
            }
            PlanNode::BitmapCombine { .. }
            | PlanNode::SetOp { .. }
            | PlanNode::Materialize { .. }
            | PlanNode::With { .. }
            | PlanNode::RecursiveUnion { .. }
            | PlanNode::Sequence { .. }
            | PlanNode::Empty => {}
        }
    }

    /// The node's inputs, in execution order.
    pub fn inputs(&self) -> Vec<&Plan> {
        match &self.node {
            PlanNode::Result { input, .. } => input.iter().map(|p| &**p).collect(),
            PlanNode::Filter { input, .. }
            | PlanNode::SubqueryScan { input, .. }
            | PlanNode::Project { input, .. }
            | PlanNode::ProjectSet { input, .. }
            | PlanNode::Sort { input, .. }
            | PlanNode::Limit { input, .. }
            | PlanNode::Window { input, .. }
            | PlanNode::Distinct { input, .. }
            | PlanNode::Materialize { input }
            | PlanNode::Memoize { input, .. }
            | PlanNode::LockRows { input, .. } => vec![input],
            PlanNode::BitmapHeapScan(s) => vec![&s.source],
            PlanNode::NestLoop(j) => vec![&j.left, &j.right],
            PlanNode::HashJoin(j) => vec![&j.left, &j.right],
            PlanNode::MergeJoin(j) => vec![&j.left, &j.right],
            PlanNode::Aggregate(a) => vec![&a.input],
            PlanNode::Append { inputs, .. } | PlanNode::BitmapCombine { inputs, .. } => inputs.iter().collect(),
            PlanNode::SetOp { left, right, .. } | PlanNode::RecursiveUnion { left, right, .. } => vec![left, right],
            PlanNode::With { ctes, body } => ctes.iter().map(|c| &c.plan).chain([&**body]).collect(),
            PlanNode::Modify(m) => vec![&m.input],
            _ => Vec::new(),
        }
    }

    pub(in crate::sql) fn for_each_input_mut(&mut self, f: &mut dyn FnMut(&mut Plan)) {
        match &mut self.node {
            PlanNode::Result { input, .. } => input.iter_mut().for_each(|p| f(p)),
            PlanNode::Filter { input, .. }
            | PlanNode::SubqueryScan { input, .. }
            | PlanNode::Project { input, .. }
            | PlanNode::ProjectSet { input, .. }
            | PlanNode::Sort { input, .. }
            | PlanNode::Limit { input, .. }
            | PlanNode::Window { input, .. }
            | PlanNode::Distinct { input, .. }
            | PlanNode::Materialize { input }
            | PlanNode::Memoize { input, .. }
            | PlanNode::LockRows { input, .. } => f(input),
            PlanNode::BitmapHeapScan(s) => f(&mut s.source),
            PlanNode::NestLoop(j) => {
                f(&mut j.left);
                f(&mut j.right);
            }
            PlanNode::HashJoin(j) => {
                f(&mut j.left);
                f(&mut j.right);
            }
            PlanNode::MergeJoin(j) => {
                f(&mut j.left);
                f(&mut j.right);
            }
            PlanNode::Aggregate(a) => f(&mut a.input),
            PlanNode::Append { inputs, .. } | PlanNode::BitmapCombine { inputs, .. } => inputs.iter_mut().for_each(f),
            PlanNode::SetOp { left, right, .. } | PlanNode::RecursiveUnion { left, right, .. } => {
                f(left);
                f(right);
            }
            PlanNode::With { ctes, body } => {
                ctes.iter_mut().for_each(|c| f(&mut c.plan));
                f(body);
            }
            PlanNode::Modify(m) => f(&mut m.input),
            _ => {}
        }
    }
}
