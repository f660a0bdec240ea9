//! Sort, DISTINCT, LIMIT.

use super::fold::has_volatile;
use super::goal::{End, Grouping, Input, ordered};
use super::path::{PathKey, presorted};
use super::planner::Planner;
use super::search::known_count;
use super::select::State;
use super::selectivity::{Estimator, Facts};
use super::settings::PlannerSettings;
use super::{AggStrategy, Cost, Plan, PlanNode};
use crate::sql::bind::Query;
use crate::sql::expr::{Expr, ExprKind, SortKey, same_operand};
use crate::sql::func::hash::hashable;
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    /// Sorts by `keys`, which are `order` over the input's columns; its rows come in the order of the first `have`.
    pub(super) fn sort(
        &mut self,
        input: Plan,
        (keys, order, have): (Vec<SortKey>, &[PathKey], usize),
        bound: Option<Expr>,
        facts: &[Facts],
    ) -> Plan {
        if have >= keys.len() {
            return input;
        }
        let (s, limit) = (self.cx.settings, known_count(bound.as_ref()));
        let presorted = if s.enable_incremental_sort { have } else { 0 };
        let est = Estimator::new(facts, self.cx.io);
        let (startup, total) = ordered(Input::of(input.cost), order, presorted, limit, true, &est, s);
        let cost = Cost { startup, total, ..input.cost };
        let columns = input.columns.clone();
        let node = PlanNode::Sort { input: Box::new(input), keys, presorted, bound };
        Plan { node, columns, cost, params: Vec::new() }
    }

    /// ORDER BY over the columns of the computed select list.
    pub(super) fn order_by(&mut self, plan: Plan, query: &Query, state: &State<'_>) -> Plan {
        let wanted = order_keys(query, state.held);
        let order = wanted.order();
        let keys = wanted.iter().map(|(i, k)| sort_key(&plan, *i, k)).collect();
        let have = presorted(&state.order, &order);
        self.sort(plan, (keys, &order, have), bound_of(query), state.facts)
    }

    /// DISTINCT: all columns are keys. Answers the order the rows come in, too.
    pub(super) fn distinct(&mut self, input: Plan, query: &Query, state: &State<'_>) -> (Plan, Vec<PathKey>) {
        let s = self.cx.settings;
        let keys: Vec<Expr> = (0..input.columns.len()).map(|i| column(&input, i)).collect();
        let est = Estimator::new(state.facts, self.cx.io);
        let groups = if query.has_aggregates || query.set_op.is_some() {
            (input.cost.rows * 0.1).max(1.0)
        } else {
            let visible: Vec<&Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| &t.expr).collect();
            est.groups(&visible, input.cost.rows)
        };
        let wanted = distinct_keys(query, state.held);
        let order = wanted.order();
        let have = presorted(&state.order, &order);
        let best =
            distinct_grouping(query).best(Input::of(input.cost), groups, (&order, have), end_of(query, s), &est, s);
        let cost = Cost { startup: best.startup, total: best.total, rows: groups, width: input.cost.width };
        if best.strategy == AggStrategy::Hash {
            let columns = input.columns.clone();
            let node = PlanNode::Distinct { input: Box::new(input), keys, sorted: false };
            return (Plan { node, columns, cost, params: Vec::new() }, Vec::new());
        }
        let have = if have == order.len() { have } else { 0 };
        let sort = wanted.iter().map(|(i, k)| sort_key(&input, *i, k)).collect();
        let input = self.sort(input, (sort, &order, have), None, state.facts);
        (unique(input, keys, cost), order)
    }

    /// DISTINCT ON: the first row of each, in the order asked for; the ON columns lead it.
    pub(super) fn distinct_on(&mut self, input: Plan, on: &[usize], query: &Query, state: &State<'_>) -> Plan {
        let wanted = distinct_on_keys(query, on, state.held);
        let order = wanted.order();
        let have = presorted(&state.order, &order);
        let have = if have == order.len() { have } else { 0 };
        let keys: Vec<Expr> = on.iter().map(|&i| column(&input, i)).collect();
        let sort = wanted.iter().map(|(i, k)| sort_key(&input, *i, k)).collect();
        let input = self.sort(input, (sort, &order, have), None, state.facts);
        let mut cost = input.cost;
        let on: Vec<&Expr> = on.iter().map(|&i| &query.targets[i].expr).collect();
        cost.total += self.cx.settings.cpu_operator_cost * keys.len() as f64 * cost.rows;
        cost.rows = match query.has_aggregates || query.set_op.is_some() {
            true => (cost.rows * 0.1).max(1.0),
            false => Estimator::new(state.facts, self.cx.io).groups(&on, cost.rows),
        };
        unique(input, keys, cost)
    }

    pub(super) fn limit(&mut self, plan: Plan, query: &Query) -> Plan {
        if query.limit.is_none() && query.offset.is_none() {
            return plan;
        }
        let is_null = |e: &Option<Expr>| matches!(e, Some(Expr { kind: ExprKind::Const(Value::Null), .. }));
        // PostgreSQL 15, planner.c, limit_needed: nothing is skipped by OFFSET 0.
        let is_zero = |e: &Option<Expr>| matches!(e, Some(Expr { kind: ExprKind::Const(Value::I64(0)), .. }));
        let skips = query.offset.is_some() && !is_null(&query.offset) && !is_zero(&query.offset);
        if (query.limit.is_none() || is_null(&query.limit)) && !skips {
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

fn sort_key(plan: &Plan, i: usize, key: &PathKey) -> SortKey {
    SortKey { expr: column(plan, i), desc: key.desc, nulls_first: key.nulls_first }
}

/// A column held by a constant does not order anything.
pub(super) fn is_held(held: &[Expr], e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Const(_)) || held.iter().any(|h| same_operand(h, e))
}

/// The items of an order, with the targets they stand for.
pub(super) type Items = Vec<(usize, PathKey)>;

pub(super) trait Order {
    fn order(&self) -> Vec<PathKey>;
}

impl Order for Items {
    fn order(&self) -> Vec<PathKey> {
        self.iter().map(|(_, k)| k.clone()).collect()
    }
}

/// The items of an order that are not decided by those before them, nor by conditions. PostgreSQL 15, pathkeys.c,
/// pathkey_is_redundant.
pub(super) fn without_redundant(list: impl Iterator<Item = (usize, PathKey)>, held: &[Expr]) -> Items {
    let mut out: Items = Vec::new();
    for (i, key) in list {
        if has_volatile(&key.expr)
            || !is_held(held, &key.expr) && !out.iter().any(|(_, o)| same_operand(&o.expr, &key.expr))
        {
            out.push((i, key));
        }
    }
    out
}

/// ORDER BY: targets, and the query's own expressions.
pub(super) fn order_keys(query: &Query, held: &[Expr]) -> Items {
    without_redundant(asked_order(query), held)
}

fn asked_order(query: &Query) -> impl Iterator<Item = (usize, PathKey)> {
    query.order_by.iter().map(|o| {
        let expr = query.targets[o.target].expr.clone();
        (o.target, PathKey { expr, desc: o.desc, nulls_first: o.nulls_first })
    })
}

fn ascending(query: &Query, i: usize) -> (usize, PathKey) {
    (i, PathKey { expr: query.targets[i].expr.clone(), desc: false, nulls_first: false })
}

/// DISTINCT: the ORDER BY items, then the other columns.
pub(super) fn distinct_keys(query: &Query, held: &[Expr]) -> Items {
    let others = (0..query.targets.len()).filter(|i| !query.targets[*i].junk).map(|i| ascending(query, i));
    without_redundant(asked_order(query).chain(others), held)
}

pub(super) fn distinct_on_keys(query: &Query, on: &[usize], held: &[Expr]) -> Items {
    let mut list: Items = asked_order(query).collect();
    for &i in on {
        let e = &query.targets[i].expr;
        if !list.iter().any(|(o, k)| *o == i || same_operand(&k.expr, e)) {
            list.push(ascending(query, i));
        }
    }
    let is_on = |(i, k): &(usize, PathKey)| on.iter().any(|o| o == i || same_operand(&query.targets[*o].expr, &k.expr));
    list.sort_by_key(|k| !is_on(k));
    without_redundant(list.into_iter(), held)
}

/// What DISTINCT means for the rows below.
pub(super) fn distinct_grouping(query: &Query) -> Grouping {
    Grouping {
        keys: query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect(),
        can_hash: query.targets.iter().filter(|t| !t.junk).all(|t| hashable(t.expr.ty.oid)),
        kept: 1.0,
        order_asked: (!query.order_by.is_empty()).then_some(true),
        ..Grouping::default()
    }
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

/// PostgreSQL 15, planner.c, standard_planner and preprocess_limit: a part of a cursor's rows; a tenth, where LIMIT's
/// number is not known.
pub(super) fn end_of(query: &Query, settings: &PlannerSettings) -> End {
    let is_null = |e: &Expr| matches!(e.kind, ExprKind::Const(Value::Null));
    let part = match settings.cursor_tuple_fraction {
        f if !query.of_cursor || f >= 1.0 => None,
        f => Some(f.max(1e-10)),
    };
    let Some(limit) = query.limit.as_ref().filter(|l| !is_null(l)) else {
        return End { fraction: part.unwrap_or(0.0), limit: None };
    };
    let offset = query.offset.as_ref().filter(|o| !is_null(o));
    let (count, skipped) = (known_count(Some(limit)), offset.map_or(Some(0.0), |o| known_count(Some(o))));
    match count.zip(skipped) {
        Some((n, o)) => {
            let rows = n.max(1.0) + o.max(0.0);
            End { fraction: rows, limit: Some(rows) }
        }
        None => End { fraction: 0.1 * part.unwrap_or(1.0), limit: None },
    }
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
