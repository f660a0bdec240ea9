//! Nested loops whose inner side remembers what it gave for the values of an outer row. PostgreSQL 15, joinpath.c,
//! get_memoize_path, and costsize.c, cost_memoize_rescan.

use super::fold::has_volatile;
use super::path::{Keep, Path, PathKind};
use super::relset::{RelSet, rels_of};
use super::scan::BaseRel;
use super::selectivity::Estimator;
use super::settings::PlannerSettings;
use super::{Cost, IndexOp, Plan, PlanNode, cost};
use crate::sql::expr::{Expr, ExprKind};

/// The inner side of a nested loop.
pub(super) struct Inner<'i> {
    pub path: &'i Path,
    /// The relations on the outer side.
    pub left: RelSet,
    pub width: i32,
    pub base: &'i [BaseRel],
}

impl Inner<'_> {
    /// What the first run costs, and each further one; None: there is nothing to remember by.
    pub fn costs(&self, calls: f64, est: &Estimator<'_>, s: &PlannerSettings) -> Option<(Keep, f64, f64)> {
        if !s.enable_memoize {
            return None;
        }
        let mut binary = false;
        let keys = self.keys(self.path, &mut binary)?;
        if keys.is_empty() || keys.iter().any(has_volatile) {
            return None;
        }
        let (rows, input) = (self.path.rows.max(1.0), self.path.total);
        let memory = s.work_mem_kb * 1024.0 * s.hash_mem_multiplier;
        // PostgreSQL's entry, key and tuple heads.
        let entry = cost::row_bytes(rows, self.width) + 48.0 + 16.0 * rows;
        let fit = (memory / entry).floor();
        let distinct = match keys.iter().all(|k| est.knows(k)) {
            true => est.groups(&keys.iter().collect::<Vec<_>>(), calls),
            false => calls,
        };
        let evicted = 1.0 - fit.min(distinct) / distinct;
        let hits = ((calls - distinct) / calls * (fit / distinct.max(fit).max(1.0))).clamp(0.0, 1.0);
        let again = input * (1.0 - hits)
            + s.cpu_operator_cost
            + s.cpu_tuple_cost * evicted
            + s.cpu_operator_cost * evicted * rows
            + s.cpu_tuple_cost
            + s.cpu_operator_cost * rows;
        Some((Keep::ByValues { binary }, input + s.cpu_tuple_cost, again))
    }

    /// The outer values the path is run with. `binary`: they are compared by more than equality.
    fn keys(&self, path: &Path, binary: &mut bool) -> Option<Vec<Expr>> {
        let mut keys = Vec::new();
        let outer = |e: &Expr| rels_of(e).overlaps(self.left);
        match &path.kind {
            PathKind::Index(i) => {
                for c in i.conditions.iter().filter(|c| outer(&c.value)) {
                    *binary |= c.op != IndexOp::Eq;
                    match &c.value.kind {
                        ExprKind::Row { fields, .. } if !c.row.is_empty() => {
                            keys.extend(fields.iter().filter(|e| outer(e)).cloned())
                        }
                        _ => keys.push(c.value.clone()),
                    }
                }
            }
            PathKind::Bitmap(b) | PathKind::Gist(b) => {
                *binary = true;
                keys.extend(b.conditions.iter().map(|c| &c.value).filter(|e| outer(e)).cloned());
            }
            PathKind::Append { parts, .. } => {
                for part in parts {
                    for key in self.keys(part.path(), binary)? {
                        if !keys.iter().any(|k| crate::sql::expr::same(k, &key)) {
                            keys.push(key);
                        }
                    }
                }
            }
            PathKind::Other(rel) => {
                let base = self.base.iter().find(|b| b.rel == *rel)?;
                let (_, values) = base.sub.as_ref()?;
                *binary = true;
                keys.extend(values.iter().map(|(_, e)| e).filter(|e| outer(e)).cloned());
            }
            _ => return None,
        }
        Some(keys)
    }
}

/// The inner side with its memory. What gives other rows each time, or locks or changes some, is run each time.
pub(super) fn memoized(right: Plan, params: &[(usize, Expr)], binary: bool, s: &PlannerSettings) -> Plan {
    if params.is_empty() || !is_repeatable(&right) {
        return right;
    }
    let keys = params.iter().map(|(slot, e)| Expr::new(ExprKind::ExecParam(*slot), e.ty)).collect();
    let startup = right.cost.startup + s.cpu_tuple_cost;
    let cost = Cost { startup, total: right.cost.total + s.cpu_tuple_cost, ..right.cost };
    let columns = right.columns.clone();
    Plan { node: PlanNode::Memoize { input: Box::new(right), keys, binary }, columns, cost, params: Vec::new() }
}

fn is_repeatable(plan: &Plan) -> bool {
    let own = match &plan.node {
        PlanNode::LockRows { .. } | PlanNode::Modify(_) | PlanNode::Sequence { .. } => false,
        PlanNode::FunctionScan { calls, .. } => calls.iter().all(|c| c.func.volatility != b'v'),
        PlanNode::ProjectSet { items, .. } => items.iter().all(|i| match i {
            super::SetItem::Plain(_) => true,
            super::SetItem::Set { func, .. } => func.volatility != b'v',
        }),
        PlanNode::Aggregate(a) => a.calls.iter().all(|c| c.func.volatility != b'v'),
        PlanNode::Window { calls, .. } => calls.iter().all(|c| c.func.volatility != b'v'),
        _ => true,
    };
    let mut all = own;
    plan.for_each_expr(&mut |e| {
        all &= !e.any(&mut |x| match &x.kind {
            ExprKind::SubPlan(p) => !is_repeatable(&p.plan),
            _ => false,
        }) && !has_volatile(e);
    });
    all && plan.inputs().into_iter().all(is_repeatable)
}
