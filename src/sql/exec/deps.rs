//! Which run-time slots a plan reads from outside: what it keeps stays valid as long as they do (EXEC-3).

use super::ExecContext;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::Plan;

/// Versions of the slots some kept rows depend on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    slots: Vec<usize>,
    seen: Vec<u64>,
}

impl Versions {
    pub fn of(slots: Vec<usize>) -> Versions {
        Versions { slots, seen: Vec::new() }
    }

    pub fn of_plan(plan: &Plan) -> Versions {
        Versions::of(free_params(plan))
    }

    fn current(&self, cx: &ExecContext) -> Vec<u64> {
        self.slots.iter().map(|s| cx.run.versions.get(*s).copied().unwrap_or(0)).collect()
    }

    /// Notes the slots' present state as that of the kept rows.
    pub fn remember(&mut self, cx: &ExecContext) {
        self.seen = self.current(cx);
    }

    /// True if no slot changed since [`remember`](Self::remember).
    pub fn unchanged(&self, cx: &ExecContext) -> bool {
        self.slots.is_empty() || self.seen == self.current(cx)
    }
}

/// The slots a plan reads, including those it sets itself: those only cost a needless repetition.
pub(crate) fn free_params(plan: &Plan) -> Vec<usize> {
    let mut slots = Vec::new();
    collect(plan, &mut slots);
    slots.sort_unstable();
    slots.dedup();
    slots
}

fn collect(plan: &Plan, slots: &mut Vec<usize>) {
    let mut set_inside = Vec::new();
    let mut read = Vec::new();
    super::build::visit_plan(plan, &mut |p| {
        if let crate::sql::plan::PlanNode::NestLoop(j) = &p.node {
            set_inside.extend(j.params.iter().map(|(s, _)| *s));
        }
        super::build::visit_exprs(p, &mut |e| collect_expr(e, &mut read));
    });
    slots.extend(read.into_iter().filter(|s| !set_inside.contains(s)));
}

pub(crate) fn collect_expr(expr: &Expr, slots: &mut Vec<usize>) {
    match &expr.kind {
        ExprKind::ExecParam(s) => slots.push(*s),
        ExprKind::SubPlan(s) => {
            let own: Vec<usize> = s.args.iter().chain(&s.test_params).map(|(slot, _)| *slot).collect();
            let mut inner = Vec::new();
            collect(&s.plan, &mut inner);
            if let Some(t) = &s.test {
                collect_expr(t, &mut inner);
            }
            slots.extend(inner.into_iter().filter(|i| !own.contains(i)));
        }
        _ => {}
    }
    super::build::visit_children(expr, &mut |e| collect_expr(e, slots));
}
