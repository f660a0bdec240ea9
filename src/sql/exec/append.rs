//! One input after the other; of a partitioned table only those in which there can be rows.

use super::{ExecContext, Node, build};
use crate::base::{Flow, Result};
use crate::sql::expr::Expr;
use crate::sql::expr::ExprKind;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::plan::prune::{Child, Pruning};
use crate::sql::plan::{Plan, PlanNode};
use crate::types::{Batch, Value};
use hashbrown::HashMap;

pub(super) struct Append {
    inputs: Vec<Box<dyn Node>>,
    at: usize,
    rescanned: usize,
    pruner: Option<Pruner>,
}

/// Finds out which inputs are read, once per scan.
pub(super) struct Pruner {
    pruning: Pruning,
    values: Projection,
    /// None: not found out yet.
    wanted: Option<Vec<bool>>,
}

impl Pruner {
    pub fn new(pruning: &Pruning) -> Pruner {
        let mut exprs = Vec::new();
        pruning.for_each_expr(&mut |e| {
            if !matches!(e.kind, ExprKind::Const(_)) {
                exprs.push(e.clone());
            }
        });
        Pruner { pruning: pruning.clone(), values: Projection::new(&exprs), wanted: None }
    }

    /// Which inputs are read.
    pub fn wanted(&mut self, cx: &mut ExecContext, inputs: usize) -> Flow<&[bool]> {
        if self.wanted.is_none() {
            self.look(cx, inputs)?;
        }
        Ok(self.wanted.as_deref().unwrap_or_default())
    }

    /// Before the next scan.
    pub fn forget(&mut self) {
        self.wanted = None;
    }

    fn look(&mut self, cx: &mut ExecContext, inputs: usize) -> Flow<()> {
        let columns = self.values.run(cx, &Batch { columns: Vec::new(), rows: 1 }, Sel::All(1))?;
        let mut values = columns.iter().map(|c| c.get(0).to_value());
        let mut known: HashMap<*const Expr, Value> = HashMap::new();
        self.pruning.for_each_expr(&mut |e| {
            let value = match &e.kind {
                ExprKind::Const(v) => Some(v.clone()),
                _ => values.next(),
            };
            known.extend(value.map(|v| (std::ptr::from_ref(e), v)));
        });
        let mut wanted = vec![false; inputs];
        mark(&self.pruning, &known, &mut wanted)?;
        self.wanted = Some(wanted);
        Ok(())
    }
}

/// Leaves out the partitions of which it is known before the plan runs that they are not read: what EXPLAIN shows.
/// PostgreSQL 15, execPartition.c, ExecInitPartitionPruning.
pub(crate) fn remove_pruned(plan: &mut Plan, cx: &mut ExecContext) -> Result<()> {
    let mut failed = None;
    plan.for_each_input_mut(&mut |p| {
        if failed.is_none() {
            failed = remove_pruned(p, cx).err();
        }
    });
    if let Some(e) = failed {
        return Err(e);
    }
    let PlanNode::Append { inputs, pruning: pruning @ Some(_), removed, .. } = &mut plan.node else { return Ok(()) };
    let Some(p) = pruning else { return Ok(()) };
    let later = |e: &Expr| e.any(&mut |x| matches!(x.kind, ExprKind::ExecParam(_) | ExprKind::SubPlan(_)));
    let (mut early, mut known, mut any_later) = (Vec::new(), HashMap::new(), false);
    p.for_each_expr(&mut |e| match &e.kind {
        ExprKind::Const(v) => drop(known.insert(std::ptr::from_ref(e), v.clone())),
        _ if later(e) => any_later = true,
        _ => early.push(e),
    });
    if early.is_empty() {
        return Ok(());
    }
    let mut values = Projection::new(&early.iter().map(|e| (*e).clone()).collect::<Vec<_>>());
    let one = Batch { columns: Vec::new(), rows: 1 };
    let columns = super::patiently(cx, |cx| values.run(cx, &one, Sel::All(1)))?;
    known.extend(early.iter().zip(&columns).map(|(e, c)| (std::ptr::from_ref(*e), c.get(0).to_value())));
    let mut wanted = vec![false; inputs.len()];
    mark(p, &known, &mut wanted)?;
    *removed += wanted.iter().filter(|w| !**w).count();
    let before = |n: usize| wanted[..n].iter().filter(|w| **w).count();
    let places: Vec<Option<usize>> = wanted.iter().enumerate().map(|(n, w)| w.then(|| before(n))).collect();
    let mut stay = wanted.iter();
    inputs.retain(|_| stay.next() == Some(&true));
    rename(inputs);
    match any_later {
        true => renumber(p, &places),
        false => *pruning = None,
    }
    Ok(())
}

/// The tables that stay are numbered anew: `t_1`, `t_2`.
fn rename(inputs: &mut [Plan]) {
    let mut found: Vec<(usize, String)> = Vec::new();
    for input in &mut *inputs {
        for_each_alias(input, &mut |alias| {
            let number = alias.rsplit_once('_').and_then(|(_, n)| n.parse().ok());
            found.extend(number.map(|n| (n, alias.clone())));
        });
    }
    found.sort();
    found.dedup();
    for input in inputs {
        for_each_alias(input, &mut |alias| {
            let at = found.iter().position(|(_, old)| old == alias);
            if let (Some(at), Some((name, _))) = (at, alias.rsplit_once('_')) {
                *alias = format!("{name}_{}", at + 1);
            }
        });
    }
}

fn for_each_alias(plan: &mut Plan, f: &mut dyn FnMut(&mut String)) {
    match &mut plan.node {
        PlanNode::SeqScan { alias, .. } | PlanNode::TidScan { alias, .. } => f(alias),
        PlanNode::IndexScan(s) => f(&mut s.alias),
        PlanNode::GistScan(s) => f(&mut s.alias),
        PlanNode::BitmapHeapScan(s) => f(&mut s.alias),
        _ => plan.for_each_input_mut(&mut |p| for_each_alias(p, f)),
    }
}

fn renumber(pruning: &mut Pruning, places: &[Option<usize>]) {
    for child in &mut pruning.children {
        match child {
            Child::Gone => {}
            Child::Input(n) => *child = places[*n].map_or(Child::Gone, Child::Input),
            Child::Below(p) => renumber(p, places),
        }
    }
}

fn mark(pruning: &Pruning, known: &HashMap<*const Expr, Value>, wanted: &mut [bool]) -> Result<()> {
    let mut evaluate = |e: &Expr| Ok(known.get(&std::ptr::from_ref(e)).cloned());
    let stay = pruning.routing.survivors(&pruning.test, &mut evaluate)?;
    for (child, _) in pruning.children.iter().zip(stay).filter(|(_, stay)| *stay) {
        match child {
            Child::Gone => {}
            Child::Input(n) => wanted[*n] = true,
            Child::Below(p) => mark(p, known, wanted)?,
        }
    }
    Ok(())
}

impl Append {
    pub fn start(inputs: &[Plan], pruning: Option<&Pruning>, cx: &mut ExecContext) -> Result<Append> {
        let inputs = inputs.iter().map(|p| build(p, cx)).collect::<Result<_>>()?;
        Ok(Append { inputs, at: 0, rescanned: 0, pruner: pruning.map(Pruner::new) })
    }
}

impl Node for Append {
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let wanted = match &mut self.pruner {
            Some(p) => Some(p.wanted(cx, self.inputs.len())?),
            None => None,
        };
        while let Some(input) = self.inputs.get_mut(self.at) {
            if wanted.is_none_or(|w| w[self.at])
                && let Some(batch) = input.next(cx)?
            {
                return Ok(Some(batch));
            }
            self.at += 1;
        }
        Ok(None)
    }

    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(input) = self.inputs.get_mut(self.rescanned) {
            input.rescan(cx)?;
            self.rescanned += 1;
        }
        self.rescanned = 0;
        self.at = 0;
        if let Some(p) = &mut self.pruner {
            p.forget();
        }
        Ok(())
    }
}
