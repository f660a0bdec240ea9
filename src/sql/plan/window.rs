//! Window functions: one sort and one node for each window that differs.

use super::create::node;
use super::layout::Layout;
use super::order::{Order, without_redundant};
use super::path::{PathKey, presorted};
use super::planner::Planner;
use super::select::State;
use super::{Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::expr::{Expr, ExprKind, Frame, FrameBound, SortKey, WindowCall, WindowSpec, same, same_spec};

impl Planner<'_> {
    pub(super) fn windows(
        &mut self,
        targets: &[Expr],
        mut plan: Plan,
        mut layout: Layout,
        state: &mut State<'_>,
    ) -> Result<(Plan, Layout)> {
        let s = self.cx.settings;
        let mut calls = calls_of(targets);
        while !calls.is_empty() {
            let spec = calls[0].1.spec.clone();
            let (now, later): (Vec<_>, Vec<_>) = calls.into_iter().partition(|(_, w)| same_spec(&w.spec, &spec));
            calls = later;
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

/// The order that the window needs which is computed first.
pub(super) fn first_window_keys(targets: &[Expr], held: &[Expr]) -> Vec<PathKey> {
    calls_of(targets).first().map_or_else(Vec::new, |(_, w)| window_keys(&w.spec, held))
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
