//! Window functions: one sort and one node for each window that differs.

use super::create::node;
use super::layout::Layout;
use super::order::{Order, without_redundant};
use super::path::{PathKey, presorted};
use super::planner::Planner;
use super::select::State;
use super::{Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::bind::{Distinct, Query};
use crate::sql::expr::{Expr, ExprKind, Frame, FrameBound, SortKey, WindowCall, WindowSpec, same, same_spec};
use std::cmp::Ordering;

impl Planner<'_> {
    pub(super) fn windows(
        &mut self,
        query: &Query,
        targets: &[Expr],
        mut plan: Plan,
        mut layout: Layout,
        state: &mut State<'_>,
    ) -> Result<(Plan, Layout)> {
        let s = self.cx.settings;
        for (spec, now) in in_order(query, targets) {
            let mut bound_spec = spec.clone();
            for e in &mut bound_spec.partition_by {
                *e = layout.bound(e)?;
            }
            for k in &mut bound_spec.order_by {
                k.expr = layout.bound(&k.expr)?;
            }
            let order = window_keys(&spec, state.held);
            let have = presorted(&state.order, &order);
            if have < order.len() {
                let key = |k: &PathKey| {
                    Ok(SortKey { expr: layout.bound(&k.expr)?, desc: k.desc, nulls_first: k.nulls_first })
                };
                let keys = order.iter().map(key).collect::<Result<_>>()?;
                plan = self.sort(plan, (keys, &order, have), None, state.facts);
                state.order = order;
            }
            let mut list = Vec::with_capacity(now.len());
            let mut next = layout.clone();
            for (e, mut w) in now {
                for x in w.args.iter_mut().chain(&mut w.filter) {
                    *x = layout.bound(x)?;
                }
                bind_frame(&mut w.spec.frame, &layout)?;
                w.spec.partition_by.clone_from(&bound_spec.partition_by);
                w.spec.order_by.clone_from(&bound_spec.order_by);
                list.push(w);
                next.push(e);
            }
            bind_frame(&mut bound_spec.frame, &layout)?;
            let mut cost = plan.cost;
            cost.total += cost.rows * s.cpu_operator_cost * (list.len() + bound_spec.partition_by.len()) as f64
                + cost.rows * s.cpu_tuple_cost;
            cost.width = next.exprs().iter().map(|e| cost::type_width(e.ty)).sum();
            layout = next;
            plan = node(PlanNode::Window { input: Box::new(plan), spec: bound_spec, calls: list }, &layout, cost);
        }
        Ok((plan, layout))
    }
}

/// The window calls of a select list, each once.
fn calls_of(targets: &[Expr]) -> Vec<(Expr, WindowCall)> {
    let mut calls: Vec<(Expr, WindowCall)> = Vec::new();
    for e in targets {
        e.walk(&mut |x| {
            if let ExprKind::Window(w) = &x.kind {
                if !calls.iter().any(|(c, _)| same(c, x)) {
                    calls.push((x.clone(), (**w).clone()));
                }
                return false;
            }
            true
        });
    }
    calls
}

/// A window, and the calls over it with what they stand for.
type Active = (WindowSpec, Vec<(Expr, WindowCall)>);

/// The windows of a select list, in the order in which they first come.
fn active(targets: &[Expr]) -> Vec<Active> {
    let mut windows: Vec<Active> = Vec::new();
    for (e, w) in calls_of(targets) {
        match windows.iter_mut().find(|(spec, _)| same_spec(spec, &w.spec)) {
            Some((_, calls)) => calls.push((e, w)),
            None => windows.push((w.spec.clone(), vec![(e, w)])),
        }
    }
    windows
}

/// A column of a window's order: the number of its expression, whether it descends, and where NULLs come.
type Column = (usize, bool, bool);

/// How two windows' orders compare in which one is a prefix of the other at most; the longer one comes first.
fn by_columns(a: &[Column], b: &[Column]) -> Ordering {
    let differ = a.iter().zip(b).map(|(a, b)| b.cmp(a)).find(|o| o.is_ne());
    differ.unwrap_or_else(|| b.len().cmp(&a.len()))
}

/// The windows in the order in which they are computed: those that share an order come one after the other, and the one
/// written last comes first. PostgreSQL 15, planner.c, select_active_windows: same rule, by the numbers that its
/// analysis gives to the expressions that anything sorts or groups by.
fn in_order(query: &Query, targets: &[Expr]) -> Vec<Active> {
    let windows = active(targets);
    let written: Vec<Expr> = query.targets.iter().map(|t| t.expr.clone()).collect();
    let specs: Vec<WindowSpec> = active(&written).into_iter().map(|w| w.0).collect();
    if windows.len() < 2 || specs.len() != windows.len() {
        return windows;
    }
    let mut numbers: Vec<&Expr> = Vec::new();
    fn number<'e>(numbers: &mut Vec<&'e Expr>, e: &'e Expr) -> usize {
        let known = numbers.iter().position(|x| same(x, e));
        known.unwrap_or_else(|| {
            numbers.push(e);
            numbers.len() - 1
        })
    }
    let distinct: Vec<usize> = match &query.distinct {
        Distinct::No => Vec::new(),
        Distinct::All => (0..written.len()).filter(|i| !query.targets[*i].junk).collect(),
        Distinct::On(on) => on.clone(),
    };
    let sorted = query.order_by.iter().map(|o| &written[o.target]);
    for e in sorted.chain(&query.group_by).chain(distinct.iter().map(|i| &written[*i])) {
        number(&mut numbers, e);
    }
    let mut ordered: Vec<(Vec<Column>, Active)> = Vec::new();
    for (spec, window) in specs.iter().zip(windows) {
        let order: Vec<Column> =
            spec.order_by.iter().map(|k| (number(&mut numbers, &k.expr), k.desc, k.nulls_first)).collect();
        let mut columns: Vec<Column> =
            spec.partition_by.iter().map(|e| (number(&mut numbers, e), false, false)).collect();
        for c in order {
            if !columns.contains(&c) {
                columns.push(c);
            }
        }
        ordered.push((columns, window));
    }
    ordered.sort_by(|a, b| by_columns(&a.0, &b.0));
    ordered.into_iter().map(|o| o.1).collect()
}

/// The order that the window needs which is computed first.
pub(super) fn first_window_keys(query: &Query, held: &[Expr]) -> Vec<PathKey> {
    let targets: Vec<Expr> = query.targets.iter().map(|t| t.expr.clone()).collect();
    in_order(query, &targets).first().map_or_else(Vec::new, |(spec, _)| window_keys(spec, held))
}

/// Partitions come together, ordered inside.
fn window_keys(spec: &WindowSpec, held: &[Expr]) -> Vec<PathKey> {
    let partition = spec.partition_by.iter().map(|e| PathKey { expr: e.clone(), desc: false, nulls_first: false });
    let order = spec.order_by.iter();
    let order = order.map(|k| PathKey { expr: k.expr.clone(), desc: k.desc, nulls_first: k.nulls_first });
    let items = without_redundant(partition.chain(order).map(|k| (0, k)), held);
    items.order()
}

fn bind_frame(frame: &mut Frame, layout: &Layout) -> Result<()> {
    for b in [&mut frame.start, &mut frame.end] {
        if let FrameBound::Preceding(e) | FrameBound::Following(e) = b {
            *e = layout.bound(e)?;
        }
    }
    Ok(())
}
