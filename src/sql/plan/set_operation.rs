//! UNION, INTERSECT, EXCEPT: PostgreSQL 15, prepunion.c.

use super::layout::Layout;
use super::path::PathKey;
use super::planner::{LevelKind, Planner};
use super::select::State;
use super::selectivity::{Estimator, Facts};
use super::{Cost, Plan, PlanNode, SetOpKind, cost};
use crate::base::{Error, Result};
use crate::sql::bind::{Distinct, Query, Rel, SetTree, Source};
use crate::sql::expr::{Expr, ExprKind, SortKey};
use crate::sql::func::hash::hashable;
use crate::types::IoContext;

impl Planner<'_> {
    pub(super) fn set_operation(&mut self, mut query: Query) -> Result<Plan> {
        let Some(tree) = query.set_op.take() else { return Err(Error::internal("no set operation")) };
        let mut rels = std::mem::take(&mut query.rels);
        for e in query.limit.iter_mut().chain(&mut query.offset) {
            self.prepare(e)?;
        }
        let mut plan = self.set_tree(&tree, &mut rels)?.0;
        // The leftmost leaf's types may say more than all leaves together do.
        for t in &query.targets {
            t.expr.walk(&mut |x| {
                if let ExprKind::Var { attno, levels_up: 0, .. } = x.kind
                    && let Some(c) = plan.columns.get_mut(attno as usize - 1)
                {
                    c.ty = x.ty;
                }
                true
            });
        }
        // The outputs are Vars of the leftmost leaf; conversions may stand around them.
        let first = leftmost(&tree);
        let layout = Layout::new(
            plan.columns
                .iter()
                .enumerate()
                .map(|(i, c)| crate::sql::bind::scope::var(first, i as i16 + 1, c.ty))
                .collect(),
        );
        let mut targets = Vec::with_capacity(query.targets.len());
        for t in &query.targets {
            let mut e = t.expr.clone();
            e.rewrite(&mut |x| {
                if let ExprKind::Var { rel, levels_up: 0, .. } = &mut x.kind {
                    *rel = first;
                }
            });
            self.prepare(&mut e)?;
            targets.push(e);
        }
        debug_assert!(matches!(query.distinct, Distinct::No));
        let mut state = State::default();
        if let PlanNode::Distinct { sorted: true, .. } = &plan.node {
            let key = |e: &Expr| PathKey { expr: e.clone(), desc: false, nulls_first: false };
            state.order = layout.exprs().iter().map(key).collect();
        }
        self.output(&query, targets, plan, layout, state)
    }

    /// The plan of a tree, and how many different rows it gives.
    fn set_tree(&mut self, tree: &SetTree, rels: &mut [Rel]) -> Result<(Plan, f64)> {
        match tree {
            SetTree::Leaf(i) => {
                let Source::Subquery(q) = &mut rels[*i].source else {
                    return Err(Error::internal("a set operation over something else than queries"));
                };
                let q = std::mem::take(&mut **q);
                let source = Leaf::of(&q);
                let plan = self.query(q, LevelKind::Rel)?.0;
                let different = source.different(plan.cost.rows, self.cx.io);
                Ok((plan, different))
            }
            SetTree::Node { op: SetOpKind::Union, all, .. } => {
                let mut inputs = Vec::new();
                self.flatten(tree, *all, rels, &mut inputs)?;
                let mut cost = Cost::default();
                for i in &inputs {
                    cost.total += i.cost.total;
                    cost.rows += i.cost.rows;
                    cost.width = cost.width.max(i.cost.width);
                }
                cost.startup = inputs.first().map_or(0.0, |i| i.cost.startup);
                let columns = inputs.first().map_or_else(Vec::new, |i| i.columns.clone());
                let append = Plan {
                    node: PlanNode::Append { inputs, pruning: None, merge: Vec::new(), removed: 0, alias: None },
                    columns,
                    cost,
                    params: Vec::new(),
                };
                let plan = if *all { append } else { self.unique(append) };
                let rows = plan.cost.rows;
                Ok((plan, rows))
            }
            SetTree::Node { op, all, left, right } => {
                let (left, of_left) = self.set_tree(left, rels)?;
                let (right, of_right) = self.set_tree(right, rels)?;
                let total = left.cost.total
                    + right.cost.total
                    + (left.cost.rows + right.cost.rows) * self.cx.settings.cpu_operator_cost;
                let (different, most) = match op {
                    SetOpKind::Intersect => (of_left.min(of_right), left.cost.rows.min(right.cost.rows)),
                    _ => (of_left, left.cost.rows),
                };
                let rows = if *all { most } else { different };
                let cost = Cost { startup: total, total, rows, width: left.cost.width };
                let columns = left.columns.clone();
                // The smaller one goes into the table.
                let right_first = *op == SetOpKind::Intersect && of_left > of_right;
                let groups = if right_first { of_right } else { of_left };
                let (left, right) = (Box::new(left), Box::new(right));
                let node = PlanNode::SetOp { left, right, op: *op, all: *all, groups, right_first };
                Ok((Plan { node, columns, cost, params: Vec::new() }, different))
            }
        }
    }

    /// The inputs of nested UNIONs of the same kind; below UNION also those of UNION ALL.
    fn flatten(&mut self, tree: &SetTree, all: bool, rels: &mut [Rel], out: &mut Vec<Plan>) -> Result<()> {
        if let SetTree::Node { op: SetOpKind::Union, all: a, left, right } = tree
            && (*a == all || !all)
        {
            self.flatten(left, all, rels, out)?;
            return self.flatten(right, all, rels, out);
        }
        out.push(self.set_tree(tree, rels)?.0);
        Ok(())
    }

    /// By hashing or by sorting, whichever is cheaper. PostgreSQL 15, prepunion.c, choose_hashed_setop.
    fn unique(&mut self, input: Plan) -> Plan {
        let s = self.cx.settings;
        let keys: Vec<Expr> =
            input.columns.iter().enumerate().map(|(i, c)| Expr::new(ExprKind::Column(i), c.ty)).collect();
        let (rows, width) = (input.cost.rows, input.cost.width);
        let compared = rows * s.cpu_operator_cost * keys.len() as f64;
        let (first, spilled) = cost::hash_spill((rows, width), rows, 0, s);
        let work = input.cost.total + compared;
        let hashed = Cost { startup: work + first, total: work + spilled + rows * s.cpu_tuple_cost, ..input.cost };
        let (startup, total) = cost::sort(input.cost.total, rows, width, -1.0, s);
        let can_hash = s.enable_hashagg && keys.iter().all(|k| hashable(k.ty.oid));
        let columns = input.columns.clone();
        let of = |node, cost| Plan { node, columns: columns.clone(), cost, params: Vec::new() };
        if can_hash && hashed.total < total + compared {
            return of(PlanNode::Distinct { input: Box::new(input), keys, sorted: false }, hashed);
        }
        let order = keys.iter().map(|k| SortKey { expr: k.clone(), desc: false, nulls_first: false }).collect();
        let cost = Cost { startup, total, ..input.cost };
        let sort = of(PlanNode::Sort { input: Box::new(input), keys: order, presorted: 0, bound: None }, cost);
        let cost = Cost { total: total + compared, ..cost };
        of(PlanNode::Distinct { input: Box::new(sort), keys, sorted: true }, cost)
    }
}

/// What is known of a query's rows before it is planned.
struct Leaf {
    facts: Vec<Facts>,
    /// None: its rows differ by what it is.
    columns: Option<Vec<Expr>>,
}

impl Leaf {
    fn of(q: &Query) -> Leaf {
        let grouped = q.has_aggregates
            || !q.group_by.is_empty()
            || q.having.is_some()
            || !matches!(q.distinct, Distinct::No)
            || q.set_op.is_some();
        let columns = (!grouped).then(|| q.output().map(|t| t.expr.clone()).collect());
        Leaf { facts: q.rels.iter().map(Facts::known).collect(), columns }
    }

    /// PostgreSQL 15, prepunion.c, recurse_set_operations: same rule.
    fn different(mut self, rows: f64, io: &IoContext) -> f64 {
        let Some(columns) = self.columns else { return rows };
        self.facts.iter_mut().for_each(|f| f.rows = f.rows.min(rows));
        Estimator::new(&self.facts, io).groups(&columns.iter().collect::<Vec<_>>(), rows)
    }
}

fn leftmost(tree: &SetTree) -> usize {
    let mut t = tree;
    loop {
        match t {
            SetTree::Leaf(i) => return *i,
            SetTree::Node { left, .. } => t = left,
        }
    }
}
