//! Sort, DISTINCT, LIMIT.

use super::group::groups;
use super::path::PathKey;
use super::planner::Planner;
use super::search::known_count;
use super::selectivity::{Estimator, Facts};
use super::{Cost, Plan, PlanNode, cost};
use crate::sql::bind::Query;
use crate::sql::expr::{Expr, ExprKind, SortKey, same};
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    pub(super) fn sort(&mut self, input: Plan, keys: Vec<SortKey>, bound: Option<Expr>) -> Plan {
        let limit = known_count(bound.as_ref()).unwrap_or(-1.0);
        let (startup, total) = cost::sort(input.cost.total, input.cost.rows, input.cost.width, limit, self.cx.settings);
        let cost = Cost { startup, total, ..input.cost };
        let columns = input.columns.clone();
        Plan { node: PlanNode::Sort { input: Box::new(input), keys, bound }, columns, cost, params: Vec::new() }
    }

    /// DISTINCT: all columns are keys, in any order.
    pub(super) fn distinct(&mut self, input: Plan, query: &Query, facts: &[Facts]) -> Plan {
        let s = self.cx.settings;
        let keys: Vec<Expr> = (0..input.columns.len()).map(|i| column(&input, i)).collect();
        let groups = if query.has_aggregates || query.set_op.is_some() {
            (input.cost.rows * 0.1).max(1.0)
        } else {
            let visible: Vec<&Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| &t.expr).collect();
            groups(&Estimator { rels: facts }, &visible, input.cost.rows)
        };
        let work = s.cpu_operator_cost * keys.len() as f64 * input.cost.rows;
        if s.enable_hashagg {
            let startup = input.cost.total + work;
            let total = startup + s.cpu_tuple_cost * groups;
            let cost = Cost { startup, total, rows: groups, width: input.cost.width };
            let columns = input.columns.clone();
            let node = PlanNode::Distinct { input: Box::new(input), keys, sorted: false };
            return Plan { node, columns, cost, params: Vec::new() };
        }
        let sort = keys.iter().map(|e| SortKey { expr: e.clone(), desc: false, nulls_first: false }).collect();
        let input = self.sort(input, sort, None);
        let cost = Cost { total: input.cost.total + work, rows: groups, ..input.cost };
        unique(input, keys, cost)
    }

    /// DISTINCT ON: the first row of each, in the order asked for; the ON columns lead it.
    pub(super) fn distinct_on(&mut self, input: Plan, on: &[usize], query: &Query) -> Plan {
        let mut sort = target_keys(query);
        for &i in on {
            let c = column(&input, i);
            if !sort.iter().any(|k| same(&k.expr, &c)) {
                sort.push(SortKey { expr: c, desc: false, nulls_first: false });
            }
        }
        sort.sort_by_key(|k| !on.iter().any(|&i| matches!(k.expr.kind, ExprKind::Column(c) if c == i)));
        let keys: Vec<Expr> = on.iter().map(|&i| column(&input, i)).collect();
        let input = if sort.is_empty() { input } else { self.sort(input, sort, None) };
        let cost = input.cost;
        unique(input, keys, cost)
    }

    pub(super) fn limit(&mut self, plan: Plan, query: &Query) -> Plan {
        if query.limit.is_none() && query.offset.is_none() {
            return plan;
        }
        let is_null = |e: &Option<Expr>| matches!(e, Some(Expr { kind: ExprKind::Const(Value::Null), .. }));
        if (query.limit.is_none() || is_null(&query.limit)) && (query.offset.is_none() || is_null(&query.offset)) {
            return plan;
        }
        let mut cost = plan.cost;
        let offset = known_count(query.offset.as_ref()).unwrap_or(0.0).clamp(0.0, cost.rows);
        let count = match &query.limit {
            None => cost.rows - offset,
            Some(l) => known_count(Some(l)).unwrap_or((cost.rows * 0.1).max(1.0)).clamp(0.0, cost.rows - offset),
        };
        let run = cost.total - cost.startup;
        let start = cost.startup;
        if cost.rows > 0.0 {
            cost.startup = start + run * offset / cost.rows;
            cost.total = start + run * (offset + count) / cost.rows;
        }
        cost.rows = count.max(1.0);
        let with_ties = query.with_ties.then(|| target_keys(query));
        let columns = plan.columns.clone();
        Plan {
            node: PlanNode::Limit {
                input: Box::new(plan),
                limit: query.limit.clone(),
                offset: query.offset.clone(),
                with_ties,
            },
            columns,
            cost,
            params: Vec::new(),
        }
    }
}

fn column(plan: &Plan, i: usize) -> Expr {
    Expr::new(ExprKind::Column(i), plan.columns[i].ty)
}

/// The first of each run of sorted rows that agree in `keys`.
pub(super) fn unique(input: Plan, keys: Vec<Expr>, cost: Cost) -> Plan {
    let columns = input.columns.clone();
    let node = PlanNode::Distinct { input: Box::new(input), keys, sorted: true };
    Plan { node, columns, cost, params: Vec::new() }
}

/// ORDER BY over the query's own expressions.
pub(super) fn order_keys(query: &Query) -> Vec<PathKey> {
    query
        .order_by
        .iter()
        .map(|o| PathKey { expr: query.targets[o.target].expr.clone(), desc: o.desc, nulls_first: o.nulls_first })
        .collect()
}

/// ORDER BY over the columns of the computed select list.
pub(super) fn target_keys(query: &Query) -> Vec<SortKey> {
    query
        .order_by
        .iter()
        .map(|o| SortKey {
            expr: Expr::new(ExprKind::Column(o.target), query.targets[o.target].expr.ty),
            desc: o.desc,
            nulls_first: o.nulls_first,
        })
        .collect()
}

pub(super) fn limit_rows(query: &Query) -> Option<f64> {
    let n = known_count(query.limit.as_ref())?;
    Some(n + known_count(query.offset.as_ref()).unwrap_or(0.0))
}

/// How many sorted rows are looked at: LIMIT plus OFFSET.
pub(super) fn bound_of(query: &Query) -> Option<Expr> {
    if query.with_ties {
        return None;
    }
    let limit = query.limit.as_ref()?;
    match &query.offset {
        None => Some(limit.clone()),
        Some(o) => match (&limit.kind, &o.kind) {
            (ExprKind::Const(Value::I64(a)), ExprKind::Const(Value::I64(b))) => {
                let sum = a.max(&0).saturating_add(*b.max(&0));
                Some(Expr::new(ExprKind::Const(Value::I64(sum)), TypeRef::of(oid::INT8)))
            }
            _ => None,
        },
    }
}
