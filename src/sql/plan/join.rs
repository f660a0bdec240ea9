//! The joined relations of a query: what is read of each, the search for the order, the cheapest path for what is wanted.

use super::create::{Maker, node, vars_of};
use super::fold::conjunction;
use super::goal::{Goal, Grouping};
use super::group::{group_keys, grouping};
use super::jointree::{JoinTree, constant_equality};
use super::layout::Layout;
use super::order::{Order, distinct_grouping, distinct_keys, distinct_on_keys, end_of, order_keys};
use super::path::PathKey;
use super::planner::Planner;
use super::recheck::Recheck;
use super::scan::BaseRel;
use super::search::Search;
use super::selectivity::{Estimator, Facts};
use super::window::first_window_keys;
use super::{Cost, Plan, PlanNode, cost};
use crate::base::Result;
use crate::sql::bind::{Distinct, Query, Rel, Source};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::Value;
use std::collections::{BTreeMap, BTreeSet};

/// The joined relations of a query.
pub(super) struct Joined {
    pub plan: Plan,
    pub layout: Layout,
    /// The order its rows come in, as far as it is of use.
    pub order: Vec<PathKey>,
    /// Expressions with one value in all rows.
    pub held: Vec<Expr>,
    pub facts: Vec<Facts>,
    pub recheck: Recheck,
}

impl Planner<'_> {
    /// Plans the joins. `top`: columns read above.
    pub(super) fn joined(&mut self, query: &mut Query, mut top: Vec<(usize, i16)>) -> Result<Joined> {
        if query.from.is_empty() {
            return self.no_from(query);
        }
        let mut tree = JoinTree::new(&query.from, query.filter.as_ref());
        let secure = super::secure::add_conditions(&mut tree, &query.rels);
        super::or_clause::restrict(&mut tree, &query.rels, self.cx.io);
        let tree = tree;
        for l in &query.locks {
            super::lock_rows::refuse_nullable(&tree, l)?;
        }
        let recheck = Recheck::of(query, &tree, secure);
        recheck.read(&mut top);
        let held = held(&tree);
        let goal = self.goal(query, &held);
        let (base, facts) =
            self.base_rels(query, &tree, columns_read(query, &tree, &top), columns_above(query, &tree, &top))?;
        let paths = Search::new(&tree, &facts, &goal.order, &held, self.cx, &query.rels, &base).run()?;
        let top: BTreeSet<(usize, i16)> = top.into_iter().collect();
        let width = |(r, a): &(usize, i16)| query.rels[*r].attribute(*a).map_or(4, cost::type_width);
        let best =
            goal.choose(&paths, top.iter().map(width).sum(), &Estimator::new(&facts, self.cx.io), self.cx.settings);
        let gates = tree.gates.clone();
        let (mut plan, layout) = Maker::new(self, &mut query.rels, base, &tree, top).make(&best)?;
        if !gates.is_empty() {
            plan = gate(plan, gates, &layout)?;
        }
        Ok(Joined { plan, layout, order: best.order.clone(), held, facts, recheck })
    }

    /// What is known of each relation alone: its ways in, its conditions, how many of its rows hold them.
    fn base_rels(
        &mut self,
        query: &mut Query,
        tree: &JoinTree,
        mut read: Columns,
        above: Columns,
    ) -> Result<(Vec<BaseRel>, Vec<Facts>)> {
        let mut base = Vec::new();
        let mut facts: Vec<Facts> = vec![Facts::default(); query.rels.len()];
        let marked = !query.locks.is_empty() || self.target.is_some_and(|(level, _)| level == self.levels.len());
        for r in tree.rels.iter() {
            let quals: Vec<Expr> = tree.restrictions.iter().filter(|(x, _)| *x == r).map(|(_, e)| e.clone()).collect();
            let quals = self.sample(r, &query.rels[r].source, quals)?;
            let mut b = self.base_rel(&mut query.rels, r, read.remove(&r).unwrap_or_default(), quals)?;
            let elsewhere = above.get(&r);
            b.asked = b.needed.iter().filter(|a| !elsewhere.is_some_and(|e| e.contains(a))).copied().collect();
            b.mark(marked);
            let table = super::scan::table(&query.rels[r]).cloned();
            facts[r] = Facts { table, tree: b.children.is_some(), tuples: b.tuples, rows: b.tuples };
            base.push(b);
        }
        let beside = base.iter().any(|b| b.secure.0 > 0);
        for b in &mut base {
            super::secure::arrange(b, beside, self.cx.settings);
            let refs: Vec<&Expr> = b.quals.iter().collect();
            let s = Estimator::new(&facts, self.cx.io).all(&refs);
            b.rows = (b.tuples * s).round().max(1.0);
            self.estimate_children(b, beside, &facts);
        }
        for b in &base {
            facts[b.rel].rows = b.rows;
        }
        Ok((base, facts))
    }

    /// SELECT without FROM: one row, or none.
    pub(super) fn no_from(&mut self, query: &mut Query) -> Result<Joined> {
        let one_time = query.filter.take();
        let cost = Cost { startup: 0.0, total: self.cx.settings.cpu_tuple_cost, rows: 1.0, width: 0 };
        let layout = Layout::default();
        let n = match &one_time {
            Some(Expr { kind: ExprKind::Const(v), .. }) if *v != Value::Bool(true) => PlanNode::Empty,
            _ => PlanNode::Result {
                input: None,
                exprs: Vec::new(),
                one_time: one_time.filter(|f| !matches!(f.kind, ExprKind::Const(_))),
            },
        };
        let plan = node(n, &layout, cost);
        let (order, held, facts) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Joined { plan, layout, order, held, facts, recheck: Recheck::default() })
    }

    /// What the levels above make of the joined rows. PostgreSQL 15, planner.c, standard_qp_callback.
    fn goal(&self, query: &Query, held: &[Expr]) -> Goal {
        if query.has_aggregates || !query.group_by.is_empty() {
            if query.group_by.is_empty() || query.grouping_sets.is_some() || query.has_set_returning {
                return Goal::default();
            }
            let order = group_keys(query, held);
            return Goal {
                order,
                end: end_of(query, self.cx.settings),
                grouping: Some(grouping(query, self.cx.settings)),
            };
        }
        if query.has_set_returning {
            return Goal::default();
        }
        if query.has_windows {
            return Goal { order: first_window_keys(query, held), ..Goal::default() };
        }
        let end = end_of(query, self.cx.settings);
        match &query.distinct {
            Distinct::No => Goal { order: order_keys(query, held).order(), end, grouping: None },
            Distinct::All => {
                let order = distinct_keys(query, held).order();
                Goal { order, end, grouping: Some(distinct_grouping(query)) }
            }
            Distinct::On(on) => {
                let keys = on.iter().map(|i| query.targets[*i].expr.clone()).collect();
                let order = distinct_on_keys(query, on, held).order();
                Goal { order, end, grouping: Some(Grouping { keys, can_hash: false, ..distinct_grouping(query) }) }
            }
        }
    }
}

/// The columns read of each relation, by its number.
type Columns = BTreeMap<usize, BTreeSet<i16>>;

/// What is read of each relation: by the levels above (`top`), the conditions, and relations beside it (LATERAL).
fn columns_read(query: &Query, tree: &JoinTree, top: &[(usize, i16)]) -> Columns {
    let mut needed = columns_above(query, tree, top);
    let mut read = Vec::new();
    tree.restrictions.iter().for_each(|(_, e)| vars_of(e, &mut read));
    for (r, a) in read {
        needed.entry(r).or_default().insert(a);
    }
    needed
}

/// Likewise, but by what is no condition on the relation alone.
fn columns_above(query: &Query, tree: &JoinTree, top: &[(usize, i16)]) -> Columns {
    let mut read = top.to_vec();
    tree.clauses.iter().for_each(|c| vars_of(&c.expr, &mut read));
    tree.specials.iter().flat_map(|s| &s.on).for_each(|c| vars_of(&c.expr, &mut read));
    tree.classes.iter().flat_map(|c| &c.members).for_each(|(e, _)| vars_of(e, &mut read));
    for r in tree.rels.iter() {
        read_by(r, &query.rels[r], &mut read);
    }
    let mut needed = Columns::new();
    for (r, a) in read {
        needed.entry(r).or_default().insert(a);
    }
    needed
}

/// What the relation numbered `r` reads itself: of those beside it, and its own row's place for a repeatable sample.
fn read_by(r: usize, rel: &Rel, read: &mut Vec<(usize, i16)>) {
    match &rel.source {
        Source::Function { calls, .. } => {
            calls.iter().flat_map(|c| c.args.iter().chain(&c.scalar)).for_each(|e| vars_of(e, read));
        }
        Source::Values(rows) => rows.iter().flatten().for_each(|e| vars_of(e, read)),
        Source::Subquery(q) if rel.lateral => {
            (**q).clone().walk_mut(1, &mut |e, depth| {
                if let ExprKind::Var { rel, attno, levels_up } = e.kind
                    && levels_up == depth
                {
                    read.push((rel, attno));
                }
            });
        }
        Source::Table { sample: Some(s), .. } if s.seed.is_some() => read.push((r, -1)),
        _ => {}
    }
}

/// What conditions hold at one value in all joined rows: not in those that an outer join makes up.
fn held(tree: &JoinTree) -> Vec<Expr> {
    let all = tree.restrictions.iter().filter(|(r, _)| !tree.may_be_missing(*r, tree.rels));
    all.filter_map(|(_, c)| constant_equality(c).map(|(v, _, _)| v.clone())).collect()
}

/// A condition without columns above a plan.
fn gate(plan: Plan, gates: Vec<Expr>, layout: &Layout) -> Result<Plan> {
    if gates.iter().any(|g| matches!(&g.kind, ExprKind::Const(v) if *v != Value::Bool(true))) {
        let cost = Cost::default();
        return Ok(node(PlanNode::Empty, layout, cost));
    }
    let gates: Vec<Expr> = gates.into_iter().filter(|g| !matches!(g.kind, ExprKind::Const(_))).collect();
    let Some(one_time) = conjunction(gates) else { return Ok(plan) };
    let exprs: Vec<Expr> = plan.columns.iter().enumerate().map(|(i, c)| Expr::new(ExprKind::Column(i), c.ty)).collect();
    let cost = plan.cost;
    Ok(node(PlanNode::Result { input: Some(Box::new(plan)), exprs, one_time: Some(one_time) }, layout, cost))
}
