//! Aggregates, grouping sets, HAVING.

use super::create::node;
use super::fold::{conjunction, conjuncts};
use super::layout::Layout;
use super::planner::Planner;
use super::selectivity::{Estimator, Facts};
use super::{AggStrategy, Aggregate, Cost, Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::bind::Query;
use crate::sql::expr::{AggCall, Expr, ExprKind, SortKey, same};
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    /// The grouping of a query over `input`; `targets` and HAVING read its columns from then on.
    pub(super) fn aggregate(
        &mut self,
        query: &Query,
        targets: &mut [Expr],
        input: Plan,
        layout: &Layout,
        facts: &[Facts],
    ) -> Result<(Plan, Layout)> {
        let calls = calls_of(targets.iter().chain(&query.having));
        let bound = calls.iter().filter_map(|c| bound_call(c, layout).transpose()).collect::<Result<Vec<_>>>()?;
        let mut out = Layout::new(query.group_by.clone());
        calls.into_iter().for_each(|c| out.push(c));
        let group_by = layout.bound_all(&query.group_by)?;
        let sets = query.grouping_sets.clone().unwrap_or_else(|| vec![(0..group_by.len()).collect()]);
        let set_column = out.len();
        if query.grouping_sets.is_some() {
            // The number of the set, read by GROUPING only.
            out.push(Expr::new(ExprKind::Grouping { items: Vec::new(), levels_up: 0 }, TypeRef::of(oid::INT4)));
        }
        let mut having = query.having.clone();
        for e in targets.iter_mut().chain(&mut having) {
            grouping_to_case(e, &sets, set_column);
        }
        let having = having.map(|h| out.bound(&h)).transpose()?;
        let mut rows = rows_of_sets(query, &sets, input.cost.rows, facts);
        if having.is_some() {
            rows = (rows / 3.0).max(1.0);
        }
        let s = self.cx.settings;
        let work = input.cost.rows
            * (s.cpu_operator_cost * (bound.len() + group_by.len()) as f64
                + bound.iter().map(|a| cost::exprs_cost(&a.args, s)).sum::<f64>());
        let strategy = self.strategy(query, &bound, &input.cost, rows);
        let input = if strategy == AggStrategy::Sorted {
            let key = |e: &Expr| SortKey { expr: e.clone(), desc: false, nulls_first: false };
            self.sort(input, group_by.iter().map(key).collect(), None)
        } else {
            input
        };
        let mut cost = input.cost;
        if strategy != AggStrategy::Sorted {
            cost.startup = input.cost.total + work;
        }
        cost.total = input.cost.total + work + rows * s.cpu_tuple_cost;
        cost.rows = rows;
        cost.width = out.exprs().iter().map(|e| cost::type_width(e.ty)).sum();
        let n = Aggregate { input, strategy, group_by, sets, calls: bound, having, project: None };
        Ok((node(PlanNode::Aggregate(Box::new(n)), &out, cost), out))
    }

    /// Hashing costs no sort but must hold the groups; calls that want their rows in an order of their own are sorted for.
    fn strategy(&self, query: &Query, calls: &[AggCall], input: &Cost, groups: f64) -> AggStrategy {
        if query.group_by.is_empty() && query.grouping_sets.is_none() {
            return AggStrategy::Plain;
        }
        if query.grouping_sets.is_some() {
            return AggStrategy::Hash;
        }
        let s = self.cx.settings;
        let (_, sort_total) = cost::sort(input.total, input.rows, input.width, -1.0, s);
        let bytes = cost::row_bytes(groups, 32);
        let spill = if bytes > s.work_mem_kb * 1024.0 * s.hash_mem_multiplier {
            2.0 * (cost::row_bytes(input.rows, input.width) / 8192.0)
        } else {
            0.0
        };
        let hash_total = input.total + spill + groups * s.cpu_tuple_cost;
        let ordered = calls.iter().any(|a| a.distinct || !a.order_by.is_empty());
        if !ordered && s.enable_hashagg && hash_total <= sort_total { AggStrategy::Hash } else { AggStrategy::Sorted }
    }
}

/// The aggregate calls of this level, each once.
fn calls_of<'e>(exprs: impl Iterator<Item = &'e Expr>) -> Vec<Expr> {
    let mut calls: Vec<Expr> = Vec::new();
    for e in exprs {
        e.walk(&mut |x| {
            if let ExprKind::Aggregate(a) = &x.kind
                && a.levels_up == 0
            {
                if !calls.iter().any(|c| same(c, x)) {
                    calls.push(x.clone());
                }
                return false;
            }
            true
        });
    }
    calls
}

fn bound_call(call: &Expr, layout: &Layout) -> Result<Option<AggCall>> {
    let ExprKind::Aggregate(a) = &call.kind else { return Ok(None) };
    let mut a = (**a).clone();
    for e in a.args.iter_mut().chain(&mut a.direct_args).chain(&mut a.filter) {
        *e = layout.bound(e)?;
    }
    for k in &mut a.order_by {
        k.expr = layout.bound(&k.expr)?;
    }
    Ok(Some(a))
}

/// How many groups all sets make together.
fn rows_of_sets(query: &Query, sets: &[Vec<usize>], input: f64, facts: &[Facts]) -> f64 {
    let est = Estimator { rels: facts };
    let of_set = |set: &Vec<usize>| {
        let keys: Vec<&Expr> = set.iter().map(|&i| &query.group_by[i]).collect();
        if keys.is_empty() { 1.0 } else { groups(&est, &keys, input) }
    };
    sets.iter().map(of_set).sum()
}

/// Distinct combinations of expressions among so many rows: PostgreSQL 15, selfuncs.c, estimate_num_groups.
pub(super) fn groups(est: &Estimator<'_>, exprs: &[&Expr], rows: f64) -> f64 {
    let mut n = 1.0;
    let (known, rest) = est.known_together(exprs);
    for e in rest {
        n *= est.distinct(e);
    }
    n *= known;
    let limit = if exprs.len() > 1 { (rows * 0.1).max(est_max(est, exprs)).max(1.0) } else { rows };
    n.min(limit).min(rows).max(1.0).round()
}

fn est_max(est: &Estimator<'_>, exprs: &[&Expr]) -> f64 {
    exprs.iter().map(|e| est.distinct(e)).fold(1.0, f64::max)
}

/// GROUPING(…) as a look-up by the number of the grouping set.
fn grouping_to_case(e: &mut Expr, sets: &[Vec<usize>], column: usize) {
    if let ExprKind::Grouping { items: list, levels_up: 0 } = &e.kind {
        let mask = |set: &Vec<usize>| list.iter().fold(0i32, |m, i| (m << 1) | i32::from(!set.contains(i)));
        let int = |n: i32| Expr::new(ExprKind::Const(Value::I32(n)), TypeRef::of(oid::INT4));
        let masks: Vec<i32> = sets.iter().map(mask).collect();
        if list.is_empty() || masks.iter().all(|m| *m == masks[0]) {
            e.kind = ExprKind::Const(Value::I32(masks.first().copied().unwrap_or(0)));
            return;
        }
        let Some((op, f)) = crate::sql::func::type_operator("=", oid::INT4, oid::INT4)
            .and_then(|o| crate::sql::func::user::function_of(o).map(|f| (o, f)))
        else {
            return;
        };
        let arms = masks
            .iter()
            .enumerate()
            .map(|(i, m)| {
                let test = ExprKind::Func {
                    func: f,
                    oper: Some(op.oid),
                    args: vec![Expr::new(ExprKind::CaseOperand, TypeRef::of(oid::INT4)), int(i as i32)],
                    variadic: false,
                };
                (Expr::new(test, TypeRef::of(oid::BOOL)), int(*m))
            })
            .collect();
        let operand = Expr::new(ExprKind::Column(column), TypeRef::of(oid::INT4));
        e.kind = ExprKind::Case { operand: Some(Box::new(operand)), arms, otherwise: None };
        return;
    }
    e.for_each_child_mut(&mut |c| grouping_to_case(c, sets, column));
}

/// A target that is a grouping expression is null in the sets without it, also where planning has made both a constant,
/// or the same as another grouping expression: from here on they look like nothing else. Other constants stay what they
/// are (PostgreSQL 15, setrefs.c, set_upper_references: only a target list entry with a sort and group reference is
/// looked up as a whole).
pub(super) fn keep_items_apart(query: &mut Query) {
    if query.grouping_sets.is_none() {
        return;
    }
    for (g, target) in query.grouped.clone().into_iter().enumerate() {
        let (Some(item), Some(target)) = (query.group_by.get(g), target) else { continue };
        let is_double = query.group_by.iter().enumerate().any(|(n, x)| n != g && same(x, item));
        if !is_double && !matches!(item.kind, ExprKind::Const(_)) {
            continue;
        }
        let target = query.targets.get_mut(target).map(|t| &mut t.expr);
        for e in query.group_by.get_mut(g).into_iter().chain(target) {
            for _ in 0..=g {
                let inner = e.clone();
                e.kind = ExprKind::Relabel(Box::new(inner));
            }
        }
    }
}

/// Conditions of HAVING that read no aggregate hold before grouping as well as after.
pub(super) fn having_to_where(query: &mut Query) {
    if query.group_by.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let Some(having) = query.having.take() else { return };
    let mut parts = Vec::new();
    conjuncts(having, &mut parts);
    let (up, down): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(|p| {
        super::fold::has_volatile(p)
            || p.any(&mut |x| {
                matches!(x.kind, ExprKind::Aggregate(_) | ExprKind::Grouping { .. } | ExprKind::SubPlan(_))
            })
    });
    query.having = conjunction(up);
    if !down.is_empty() {
        let mut all = Vec::new();
        if let Some(f) = query.filter.take() {
            conjuncts(f, &mut all);
        }
        all.extend(down);
        query.filter = conjunction(all);
    }
}

/// HAVING without aggregates and without GROUP BY: one group, whatever rows there are, so none is read.
/// PostgreSQL 15, planner.c, is_degenerate_grouping.
pub(super) fn without_rows(query: &mut Query) {
    if query.having.is_none() || !query.group_by.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let is_aggregate =
        |x: &Expr| matches!(x.kind, ExprKind::Aggregate(_) | ExprKind::Grouping { .. } | ExprKind::SubLink(_));
    if query.targets.iter().map(|t| &t.expr).chain(&query.having).any(|e| e.any(&mut |x| is_aggregate(x))) {
        return;
    }
    query.from.clear();
    query.filter = query.having.take();
    query.has_aggregates = false;
}
