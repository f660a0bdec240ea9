//! What kept rows were computed from: they stay valid as long as that does (EXEC-3).

use super::ExecContext;
use crate::sql::expr::ExprKind;
use crate::sql::plan::{Plan, PlanNode};

/// State of the slots, work tables and CTEs some kept rows depend on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Versions {
    slots: Vec<usize>,
    work_tables: Vec<usize>,
    ctes: Vec<usize>,
    seen: Option<Vec<u64>>,
}

impl Versions {
    pub fn of_plan(plan: &Plan) -> Versions {
        let mut v = Versions { slots: plan.params.clone(), ..Versions::default() };
        v.add(plan);
        v
    }

    /// Nothing that may change.
    pub fn is_free(&self) -> bool {
        self.slots.is_empty() && self.work_tables.is_empty() && self.ctes.is_empty()
    }

    /// As if nothing depended on these slots.
    pub fn without(mut self, slots: &[usize]) -> Versions {
        self.slots.retain(|s| !slots.contains(s));
        self
    }

    /// What is scanned in a plan, and in the sub-plans of its expressions (whose slots are among the plan's).
    fn add(&mut self, plan: &Plan) {
        super::build::visit_plan(plan, &mut |p| {
            match &p.node {
                PlanNode::WorkTableScan { work_table, .. } => self.work_tables.push(*work_table),
                PlanNode::CteScan { cte, .. } => self.ctes.push(*cte),
                _ => {}
            }
            p.for_each_expr(&mut |e| {
                e.walk(&mut |e| {
                    if let ExprKind::SubPlan(s) = &e.kind {
                        self.add(&s.plan);
                    }
                    true
                });
            });
        });
    }

    fn current(&self, cx: &ExecContext) -> Vec<u64> {
        let slots = self.slots.iter().map(|s| cx.run.versions.get(*s).copied().unwrap_or(0));
        let tables = self.work_tables.iter().map(|w| cx.run.work_tables.get(*w).map_or(0, |t| t.round));
        let ctes = self.ctes.iter().map(|c| cx.run.cte_rounds.get(*c).copied().unwrap_or(0));
        slots.chain(tables).chain(ctes).collect()
    }

    /// Notes the present state as that of the kept rows.
    pub fn remember(&mut self, cx: &ExecContext) {
        self.seen = Some(self.current(cx));
    }

    /// True if nothing changed since [`remember`](Self::remember).
    pub fn unchanged(&self, cx: &ExecContext) -> bool {
        self.seen.as_ref().is_some_and(|s| s.is_empty() || *s == self.current(cx))
    }
}
