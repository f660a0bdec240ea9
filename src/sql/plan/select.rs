//! SELECT: joins, then grouping, windows, set-returning functions, DISTINCT, ORDER BY, LIMIT.
//! PostgreSQL 15, planner.c, grouping_planner.

use super::create::{project_onto, vars_of};
use super::fold::has_volatile;
use super::group::{having_to_where, keep_items_apart, without_rows};
use super::join::Joined;
use super::layout::Layout;
use super::order::{Order, bound_of, order_keys, unique};
use super::path::{PathKey, presorted};
use super::planner::Planner;
use super::project_set::returns_set;
use super::relset::MAX_RELS;
use super::selectivity::Facts;
use super::tree::is_tree;
use super::{Plan, cost};
use crate::base::Result;
use crate::err;
use crate::sql::bind::{Distinct, Query};
use crate::sql::expr::{Expr, ExprKind, SortKey};

/// What is known of the rows of a plan on the way up.
#[derive(Default)]
pub(super) struct State<'q> {
    /// The order they come in.
    pub order: Vec<PathKey>,
    /// Expressions with one value in all of them.
    pub held: &'q [Expr],
    pub facts: &'q [Facts],
}

impl Planner<'_> {
    pub(super) fn select(&mut self, mut query: Query) -> Result<Plan> {
        self.rewrite(&mut query)?;
        without_rows(&mut query);
        let extremes = self.min_max(&query)?;
        if query.filter.is_none()
            && let Some(plan) = extremes
        {
            return Ok(plan);
        }
        self.prepare_all(&mut query)?;
        having_to_where(&mut query);
        super::group::arrange_keys(&mut query);
        let mut top = Vec::new();
        for t in &query.targets {
            vars_of(&t.expr, &mut top);
        }
        query.group_by.iter().chain(&query.having).for_each(|e| vars_of(e, &mut top));
        for l in &query.locks {
            top.push((l.rel, -1));
            top.extend(is_tree(&query.rels[l.rel]).then_some((l.rel, -6)));
        }
        let joined = self.joined(&mut query, top)?;
        if !query.locks.is_empty() {
            return self.locking(query, joined);
        }
        let plan = self.upper(query, joined)?;
        Ok(match extremes {
            Some(extremes) if extremes.cost.total < plan.cost.total => extremes,
            _ => plan,
        })
    }

    /// The rewriting before planning; rels that come in from sub-selects are noted.
    pub(super) fn rewrite(&mut self, query: &mut Query) -> Result<()> {
        let known = query.rels.len();
        super::prepare::prepare(query);
        self.note_relations(query, known);
        if query.rels.len() >= MAX_RELS {
            return Err(err!(PROGRAM_LIMIT_EXCEEDED, "too many range table entries"));
        }
        Ok(())
    }

    /// Folds and prepares every expression of the level.
    pub(super) fn prepare_all(&mut self, query: &mut Query) -> Result<()> {
        let by_sub_select = query.group_by.iter().any(|g| g.any(&mut |x| matches!(x.kind, ExprKind::SubLink(_))));
        let before = std::mem::replace(&mut self.planned_links, by_sub_select.then(Vec::new));
        let rows = std::mem::replace(&mut self.planned_rows, query.write.is_some().then(Vec::new));
        let mut failed = None;
        query.for_each_expr_mut(&mut |e| {
            if failed.is_none() {
                failed = self.prepare(e).err();
            }
        });
        self.planned_links = before;
        self.planned_rows = rows;
        keep_items_apart(query);
        super::canonical::conditions(query);
        failed.map_or(Ok(()), Err)
    }

    /// Everything above the joins.
    pub(super) fn upper(&mut self, mut query: Query, joined: Joined) -> Result<Plan> {
        let Joined { mut plan, mut layout, order, held, mut facts, .. } = joined;
        if query.has_set_returning {
            facts.resize(query.rels.len() + 2, Facts::default());
            if !query.group_by.is_empty() {
                (plan, layout) = self.spread_keys(&mut query, plan, layout)?;
            }
        }
        let mut state = State { order, held: &held, facts: &facts };
        let mut targets: Vec<Expr> = query.targets.iter().map(|t| t.expr.clone()).collect();
        if query.has_aggregates {
            (plan, layout) = self.aggregate(&query, &mut targets, plan, &layout, &mut state)?;
        }
        if query.has_windows {
            if query.has_set_returning {
                let nowhere = query.rels.len() + 1;
                (plan, layout) = self.spread_window_keys(&mut targets, plan, layout, nowhere)?;
            }
            (plan, layout) = self.windows(&query, &targets, plan, layout, &mut state)?;
        }
        self.output(&query, targets, plan, layout, state)
    }

    /// Select list, DISTINCT, ORDER BY, LIMIT over what the layout offers.
    pub(super) fn output(
        &mut self,
        query: &Query,
        targets: Vec<Expr>,
        mut plan: Plan,
        layout: Layout,
        mut state: State<'_>,
    ) -> Result<Plan> {
        let s = self.cx.settings;
        if is_postponed(query, &targets) {
            return self.postponed(query, targets, plan, layout, state);
        }
        let has_set = targets.iter().any(returns_set);
        if has_set {
            state.order.clear();
            state.held = &[];
        }
        let junk = query.targets.iter().any(|t| t.junk);
        let keys = order_keys(query, state.held);
        let need_sort = presorted(&state.order, &keys.order()) < keys.len();
        plan.cost.total += plan.cost.rows * cost::exprs_cost(&targets, s);
        if has_set {
            plan = self.project_set(targets, plan, &layout)?;
        } else {
            // Hidden columns are only computed where something sorts or groups by them.
            let all = need_sort || query.with_ties || matches!(query.distinct, Distinct::On(_)) || !junk;
            let list: Vec<Expr> = if all {
                targets
            } else {
                query.targets.iter().zip(targets).filter(|(t, _)| !t.junk).map(|(_, e)| e).collect()
            };
            plan = project_onto(plan, layout.bound_all(&list)?);
        }
        let narrowed = plan.columns.len() < query.targets.len();
        plan = match &query.distinct {
            Distinct::No if !need_sort => plan,
            Distinct::No => self.order_by(plan, query, &state),
            Distinct::All => {
                (plan, state.order) = self.distinct(plan, query, &state);
                self.order_by(plan, query, &state)
            }
            Distinct::On(on) => self.distinct_on(plan, on, query, &state),
        };
        plan = self.limit(plan, query);
        if junk && !narrowed {
            let kept: Vec<Expr> = query
                .targets
                .iter()
                .enumerate()
                .filter(|(_, t)| !t.junk)
                .map(|(i, t)| Expr::new(ExprKind::Column(i), t.expr.ty))
                .collect();
            plan = project_onto(plan, kept);
        }
        name_columns(&mut plan, query);
        Ok(plan)
    }

    /// Sorts first, and computes the select list from the sorted rows: only of those that LIMIT leaves, unless its
    /// calls return sets.
    fn postponed(
        &mut self,
        query: &Query,
        targets: Vec<Expr>,
        mut plan: Plan,
        layout: Layout,
        state: State<'_>,
    ) -> Result<Plan> {
        let on: &[usize] = if let Distinct::On(on) = &query.distinct { on } else { &[] };
        let bound = |i: usize| layout.bound(&targets[i]);
        let wanted = order_keys(query, state.held);
        let order = wanted.order();
        let mut keys = Vec::new();
        for (i, o) in &wanted {
            keys.push(SortKey { expr: bound(*i)?, desc: o.desc, nulls_first: o.nulls_first });
        }
        let have = presorted(&state.order, &order);
        let have = if on.is_empty() || have == order.len() { have } else { 0 };
        let limit = if on.is_empty() && !targets.iter().any(returns_set) { bound_of(query) } else { None };
        plan = self.sort(plan, (keys, &order, have), limit, state.facts);
        if !on.is_empty() {
            let cost = plan.cost;
            plan = unique(plan, on.iter().map(|i| bound(*i)).collect::<Result<_>>()?, cost);
        }
        let visible = query.targets.iter().zip(targets).filter(|(t, _)| !t.junk).map(|(_, e)| e);
        let visible: Vec<Expr> = visible.collect();
        plan = if visible.iter().any(returns_set) {
            let plan = self.project_set(visible, plan, &layout)?;
            self.limit(plan, query)
        } else {
            project_onto(self.limit(plan, query), layout.bound_all(&visible)?)
        };
        name_columns(&mut plan, query);
        Ok(plan)
    }
}

/// Output columns that call something volatile or return sets are computed after the sort that does not need them.
/// PostgreSQL 15, planner.c, make_sort_input_target.
fn is_postponed(query: &Query, targets: &[Expr]) -> bool {
    let on: &[usize] = match &query.distinct {
        Distinct::No => &[],
        Distinct::On(on) => on,
        Distinct::All => return false,
    };
    let late = |e: &Expr| has_volatile(e) || returns_set(e);
    let is_key = |i: usize| query.order_by.iter().any(|o| o.target == i) || on.contains(&i);
    // The ON columns lead, and all of them are sorted by.
    let leads = on.iter().all(|i| query.order_by.iter().take(on.len()).any(|o| o.target == *i));
    !query.order_by.is_empty()
        && !query.with_ties
        && leads
        && targets.iter().enumerate().any(|(i, e)| !query.targets[i].junk && !is_key(i) && late(e))
        && !targets.iter().enumerate().any(|(i, e)| is_key(i) && late(e))
}

pub(super) fn name_columns(plan: &mut Plan, query: &Query) {
    for (c, t) in plan.columns.iter_mut().zip(query.targets.iter().filter(|t| !t.junk)) {
        c.name.clone_from(&t.name);
    }
}
