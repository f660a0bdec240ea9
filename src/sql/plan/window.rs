//! Window functions: one sort and one node for each window that differs.

use super::create::node;
use super::layout::Layout;
use super::planner::Planner;
use super::{Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::expr::{Expr, ExprKind, Frame, FrameBound, SortKey, WindowCall, same, same_operand, same_spec};

impl Planner<'_> {
    pub(super) fn windows(&mut self, targets: &[Expr], mut plan: Plan, mut layout: Layout) -> Result<(Plan, Layout)> {
        let s = self.cx.settings;
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
        let mut sorted: Option<Vec<SortKey>> = None;
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
            let mut keys: Vec<SortKey> = bound_spec
                .partition_by
                .iter()
                .map(|e| SortKey { expr: e.clone(), desc: false, nulls_first: false })
                .collect();
            for k in &bound_spec.order_by {
                if !keys.iter().any(|x| same_operand(&x.expr, &k.expr)) {
                    keys.push(k.clone());
                }
            }
            let enough = sorted.as_ref().is_some_and(|have| {
                keys.len() <= have.len()
                    && keys.iter().zip(have).all(|(a, b)| {
                        a.desc == b.desc && a.nulls_first == b.nulls_first && same_operand(&a.expr, &b.expr)
                    })
            });
            if !keys.is_empty() && !enough {
                plan = self.sort(plan, keys.clone(), None);
                sorted = Some(keys);
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

fn bind_frame(frame: &mut Frame, layout: &Layout) -> Result<()> {
    for b in [&mut frame.start, &mut frame.end] {
        if let FrameBound::Preceding(e) | FrameBound::Following(e) = b {
            *e = layout.bound(e)?;
        }
    }
    Ok(())
}
