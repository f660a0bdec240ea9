//! Set-returning functions in the select list and in GROUP BY.

use super::create::{columns_for, project_onto};
use super::layout::Layout;
use super::planner::Planner;
use super::{Plan, PlanColumn, PlanNode, SetItem};
use crate::base::{Error, Result};
use crate::sql::bind::Query;
use crate::sql::expr::{Expr, ExprKind, same};

impl Planner<'_> {
    /// Set-returning calls in GROUP BY are made below the grouping: columns of a relation that is none stand for them
    /// from there on.
    pub(super) fn spread_keys(&mut self, query: &mut Query, plan: Plan, layout: Layout) -> Result<(Plan, Layout)> {
        let calls: Vec<Expr> = query.group_by.iter().filter(|e| returns_set(e)).cloned().collect();
        let nowhere = query.rels.len();
        let targets = query.targets.iter_mut().map(|t| &mut t.expr);
        let readers = query.group_by.iter_mut().chain(targets).chain(&mut query.having);
        self.spread(&calls, readers, plan, layout, nowhere)
    }

    /// Set-returning calls that windows are divided or ordered by are made below the windows; `nowhere` is the number
    /// of a relation that is none.
    pub(super) fn spread_window_keys(
        &mut self,
        targets: &mut [Expr],
        plan: Plan,
        layout: Layout,
        nowhere: usize,
    ) -> Result<(Plan, Layout)> {
        let mut calls: Vec<Expr> = Vec::new();
        for t in targets.iter() {
            t.walk(&mut |x| {
                if let ExprKind::Window(w) = &x.kind {
                    let keys = w.spec.partition_by.iter().chain(w.spec.order_by.iter().map(|k| &k.expr));
                    calls.extend(keys.filter(|e| returns_set(e)).cloned());
                }
                true
            });
        }
        self.spread(&calls, targets.iter_mut(), plan, layout, nowhere)
    }

    /// Makes `calls` on top of a plan; `readers` read them as columns of the relation `nowhere` then.
    fn spread<'e>(
        &mut self,
        calls: &[Expr],
        readers: impl Iterator<Item = &'e mut Expr>,
        plan: Plan,
        layout: Layout,
        nowhere: usize,
    ) -> Result<(Plan, Layout)> {
        if calls.is_empty() {
            return Ok((plan, layout));
        }
        let column = |n: usize| crate::sql::bind::scope::var(nowhere, n as i16 + 1, calls[n].ty);
        for e in readers {
            e.rewrite(&mut |x| {
                if let Some(n) = calls.iter().position(|c| same(c, x)) {
                    *x = column(n).in_place_of(x);
                }
            });
        }
        let below: Vec<Expr> = layout.exprs().iter().chain(calls).cloned().collect();
        let plan = self.project_set(below, plan, &layout)?;
        let mut above = layout;
        (0..calls.len()).for_each(|n| above.push(column(n)));
        Ok((plan, above))
    }

    /// Set-returning functions in the select list; calls inside other calls come first.
    pub(super) fn project_set(&mut self, mut targets: Vec<Expr>, mut plan: Plan, layout: &Layout) -> Result<Plan> {
        // Below: everything the layout has, above: one more column per call.
        for t in &mut targets {
            *t = layout.bound(t)?;
        }
        let is_set = |e: &Expr| matches!(e.kind, ExprKind::SetReturning { .. });
        let mut round = 0;
        loop {
            let mut calls: Vec<Expr> = Vec::new();
            for t in &targets {
                innermost(t, &mut calls);
            }
            if calls.is_empty() {
                break;
            }
            let last =
                targets.iter().all(|t| is_set(t) && calls.iter().any(|c| same(c, t)) || !t.any(&mut |x| is_set(x)));
            let rows = calls
                .iter()
                .map(|c| match &c.kind {
                    ExprKind::SetReturning { func, .. } => f64::from(func.fact.rows).max(1.0),
                    _ => 1.0,
                })
                .fold(1.0, f64::max);
            let mut cost = plan.cost;
            cost.rows *= rows;
            cost.total += cost.rows * self.cx.settings.cpu_tuple_cost;
            let item = |e: Expr| match e.kind {
                ExprKind::SetReturning { func, args } => SetItem::Set { func, args },
                _ => SetItem::Plain(e),
            };
            if last {
                let columns = columns_for(&targets);
                let items = targets.into_iter().map(item).collect();
                return Ok(Plan {
                    node: PlanNode::ProjectSet { input: Box::new(plan), items },
                    columns,
                    cost,
                    params: Vec::new(),
                });
            }
            let width = plan.columns.len();
            let mut columns = plan.columns.clone();
            let mut items: Vec<SetItem> =
                columns.iter().enumerate().map(|(i, c)| SetItem::Plain(Expr::new(ExprKind::Column(i), c.ty))).collect();
            for c in &calls {
                columns.push(PlanColumn { name: String::new(), ty: c.ty });
                items.push(item(c.clone()));
            }
            for t in &mut targets {
                replace_calls(t, &calls, width);
            }
            plan =
                Plan { node: PlanNode::ProjectSet { input: Box::new(plan), items }, columns, cost, params: Vec::new() };
            round += 1;
            if round > 100 {
                return Err(Error::internal("set-returning calls never end"));
            }
        }
        Ok(project_onto(plan, targets))
    }
}

/// The set-returning calls without others inside.
fn innermost(e: &Expr, out: &mut Vec<Expr>) {
    let mut inner = false;
    e.for_each_child(&mut |c| {
        if c.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. })) {
            inner = true;
            innermost(c, out);
        }
    });
    if !inner && matches!(e.kind, ExprKind::SetReturning { .. }) && !out.iter().any(|o| same(o, e)) {
        out.push(e.clone());
    }
}

fn replace_calls(e: &mut Expr, calls: &[Expr], first: usize) {
    if let Some(i) = calls.iter().position(|c| same(c, e)) {
        e.kind = ExprKind::Column(first + i);
        return;
    }
    e.for_each_child_mut(&mut |c| replace_calls(c, calls, first));
}

pub(super) fn returns_set(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. }))
}
