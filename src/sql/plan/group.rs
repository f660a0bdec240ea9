//! Aggregates, grouping sets, HAVING.

use super::create::node;
use super::fold::{conjunction, conjuncts};
use super::goal::{Grouping, Input};
use super::layout::Layout;
use super::order::{end_of, is_held, order_keys};
use super::path::{PathKey, presorted};
use super::planner::Planner;
use super::select::State;
use super::selectivity::Estimator;
use super::settings::PlannerSettings;
use super::{AggStrategy, Aggregate, Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::bind::{Distinct, Query};
use crate::sql::expr::{AggCall, Expr, ExprKind, Form, SortKey, same, same_operand};
use crate::sql::func::hash::hashable;
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    /// The grouping of a query over `input`; `targets` and HAVING read its columns from then on.
    pub(super) fn aggregate(
        &mut self,
        query: &Query,
        targets: &mut [Expr],
        input: Plan,
        layout: &Layout,
        state: &mut State<'_>,
    ) -> Result<(Plan, Layout)> {
        let facts = state.facts;
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
        let expected = rows_of_sets(query, &sets, input.cost.rows, &Estimator::new(facts, self.cx.io));
        let groups: f64 = expected.iter().sum();
        let mut rows = groups;
        if having.is_some() {
            rows = (rows / 3.0).max(1.0);
        }
        let s = self.cx.settings;
        let mut cost = input.cost;
        let grouping = grouping(query, s);
        let mut order = Vec::new();
        let (strategy, input) = if query.group_by.is_empty() || query.grouping_sets.is_some() {
            let per_row = grouping.per_row + s.cpu_operator_cost * group_by.len() as f64;
            cost.startup = input.cost.total + per_row * input.cost.rows;
            cost.total = cost.startup + groups * (grouping.per_group + s.cpu_tuple_cost);
            let plain = query.group_by.is_empty() && query.grouping_sets.is_none();
            (if plain { AggStrategy::Plain } else { AggStrategy::Hash }, input)
        } else {
            let keys = group_keys(query, state.held);
            let have = presorted(&state.order, &keys);
            let est = Estimator::new(facts, self.cx.io);
            let best = grouping.best(Input::of(input.cost), groups, (&keys, have), end_of(query, s), &est, s);
            (cost.startup, cost.total) = (best.startup, best.total);
            let input = if best.strategy == AggStrategy::Sorted {
                let sort = keys
                    .iter()
                    .map(|k| Ok(SortKey { expr: layout.bound(&k.expr)?, desc: k.desc, nulls_first: k.nulls_first }))
                    .collect::<Result<_>>()?;
                let input = self.sort(input, (sort, &keys, have), None, facts);
                order = keys;
                input
            } else {
                input
            };
            (best.strategy, input)
        };
        state.order = order;
        if query.grouping_sets.is_some() {
            state.held = &[];
        }
        cost.rows = rows;
        cost.width = out.exprs().iter().map(|e| cost::type_width(e.ty)).sum();
        let n = Aggregate { input, strategy, group_by, sets, groups: expected, calls: bound, having, project: None };
        Ok((node(PlanNode::Aggregate(Box::new(n)), &out, cost), out))
    }
}

/// What GROUP BY means for the rows below.
pub(super) fn grouping(query: &Query, s: &PlannerSettings) -> Grouping {
    let calls = calls_of(query.targets.iter().map(|t| &t.expr).chain(&query.having));
    let mut out = Grouping {
        keys: query.group_by.clone(),
        calls: calls.len(),
        can_hash: query.group_by.iter().all(|g| hashable(g.ty.oid)),
        incremental: true,
        kept: if query.having.is_some() { 1.0 / 3.0 } else { 1.0 },
        ..Grouping::default()
    };
    for call in &calls {
        let ExprKind::Aggregate(a) = &call.kind else { continue };
        out.per_row += s.cpu_operator_cost + cost::exprs_cost(a.args.iter().chain(&a.filter), s);
        // Calls that want their rows in an order of their own are sorted for.
        out.can_hash &= !a.distinct && a.order_by.is_empty();
    }
    let above = query.has_windows || query.has_set_returning || !matches!(query.distinct, Distinct::No);
    if !above && !query.order_by.is_empty() {
        let order = order_keys(query, &[]);
        let leading = group_keys(query, &[]);
        let alike = |((_, o), k): (&(usize, PathKey), &PathKey)| same_operand(&o.expr, &k.expr);
        out.order_asked = Some(order.len() <= leading.len() && order.iter().zip(&leading).all(alike));
    }
    out
}

/// GROUP BY's items as they are gone through.
pub(super) fn arrange_keys(query: &mut Query) {
    if query.group_by.len() < 2 || query.order_by.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let keys = group_keys(query, &[]);
    let place = |g: &Expr| keys.iter().position(|k| same_operand(&k.expr, g)).unwrap_or(keys.len());
    let mut items: Vec<(Expr, Option<usize>)> = std::mem::take(&mut query.group_by)
        .into_iter()
        .enumerate()
        .map(|(n, e)| (e, query.grouped.get(n).copied().flatten()))
        .collect();
    items.sort_by_key(|(e, _)| place(e));
    (query.group_by, query.grouped) = items.into_iter().unzip();
}

/// The order for going through groups: that of ORDER BY as far as it is about the keys, then the others' own.
/// PostgreSQL 15, planner.c, preprocess_groupclause.
pub(super) fn group_keys(query: &Query, held: &[Expr]) -> Vec<PathKey> {
    let mut keys: Vec<PathKey> = Vec::new();
    for (_, key) in order_keys(query, held) {
        if !query.group_by.iter().any(|g| same_operand(g, &key.expr)) {
            break;
        }
        keys.push(key);
    }
    for g in &query.group_by {
        if !is_held(held, g) && !keys.iter().any(|k| same_operand(&k.expr, g)) {
            keys.push(PathKey { expr: g.clone(), desc: false, nulls_first: false });
        }
    }
    keys
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

/// How many groups each set makes.
fn rows_of_sets(query: &Query, sets: &[Vec<usize>], input: f64, est: &Estimator<'_>) -> Vec<f64> {
    let of_set = |set: &Vec<usize>| {
        let keys: Vec<&Expr> = set.iter().map(|&i| &query.group_by[i]).collect();
        if keys.is_empty() { 1.0 } else { est.groups(&keys, input) }
    };
    sets.iter().map(of_set).collect()
}

/// GROUPING(…) as a look-up by the number of the grouping set.
fn grouping_to_case(e: &mut Expr, sets: &[Vec<usize>], column: usize) {
    if let ExprKind::Grouping { items: list, levels_up: 0 } = &e.kind {
        let mask = |set: &Vec<usize>| list.iter().fold(0i32, |m, i| (m << 1) | i32::from(!set.contains(i)));
        let int = |n: i32| Expr::new(ExprKind::Const(Value::I32(n)), TypeRef::of(oid::INT4));
        let masks: Vec<i32> = sets.iter().map(mask).collect();
        let form = Form::Grouping(list.clone());
        let shown = |kind| {
            let arg = Box::new(Expr::new(kind, TypeRef::of(oid::INT4)));
            ExprKind::Written { form: form.clone(), arg }
        };
        if list.is_empty() || masks.iter().all(|m| *m == masks[0]) {
            e.kind = shown(ExprKind::Const(Value::I32(masks.first().copied().unwrap_or(0))));
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
        e.kind = shown(ExprKind::Case { operand: Some(Box::new(operand)), arms, otherwise: None });
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
