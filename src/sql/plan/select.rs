//! SELECT: joins, then grouping, windows, set-returning functions, DISTINCT, ORDER BY, LIMIT.
//! PostgreSQL 15, planner.c, grouping_planner.

use super::cost;
use super::create::{Maker, columns_for, node, project_onto, vars_of};
use super::fold::{conjunction, conjuncts};
use super::jointree::{JoinTree, constant_equality};
use super::layout::Layout;
use super::path::{Path, PathKey, ordered_for};
use super::planner::Planner;
use super::relset::MAX_RELS;
use super::search::{Search, known_count};
use super::selectivity::{Estimator, Facts};
use super::{AggStrategy, Aggregate, Cost, Plan, PlanColumn, PlanNode, RowLock, SetItem};
use crate::bail;
use crate::base::{Error, Result};
use crate::catalog::IndexMethod;
use crate::sql::bind::{Distinct, Query, Source};
use crate::sql::expr::{AggCall, Expr, ExprKind, SortKey, WindowCall, same, same_operand};
use crate::types::{TypeRef, Value, oid};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

/// The joined relations of a query.
pub(super) struct Joined {
    pub plan: Plan,
    pub layout: Layout,
    /// Its rows come in the order asked for.
    pub sorted: bool,
    pub facts: Vec<Facts>,
    /// All conditions that hold for the rows, for re-checks.
    pub conditions: Vec<Expr>,
}

/// PostgreSQL 15, initsplan.c, make_outerjoininfo: a row that may not be there cannot be locked.
fn refuse_nullable(tree: &JoinTree, lock: &crate::sql::bind::RowMark) -> Result<()> {
    let nullable = |s: &super::jointree::Special| {
        s.syn_right.has(lock.rel) || s.kind == super::JoinKind::Full && s.syn_left.has(lock.rel)
    };
    if tree.specials.iter().any(nullable) {
        let clause = lock.strength.clause();
        return Err(Error::unsupported(format!("{clause} cannot be applied to the nullable side of an outer join")));
    }
    Ok(())
}

impl Planner<'_> {
    pub(super) fn select(&mut self, mut query: Query) -> Result<Plan> {
        self.rewrite(&mut query)?;
        without_rows(&mut query);
        if let Some(plan) = self.min_max(&query)? {
            return Ok(plan);
        }
        self.prepare_all(&mut query)?;
        having_to_where(&mut query);
        let keys = order_keys(&query);
        let simple = !query.has_aggregates
            && !query.has_windows
            && !query.has_set_returning
            && matches!(query.distinct, Distinct::No);
        let wanted = if simple { keys } else { Vec::new() };
        let fraction = if simple { limit_rows(&query) } else { None };
        let mut top = Vec::new();
        for t in &query.targets {
            vars_of(&t.expr, &mut top);
        }
        query.group_by.iter().chain(&query.having).for_each(|e| vars_of(e, &mut top));
        for l in &query.locks {
            top.push((l.rel, -1));
            top.extend(super::tree::is_tree(&query.rels[l.rel]).then_some((l.rel, -6)));
        }
        let joined = self.joined(&mut query, top, wanted, fraction)?;
        if !query.locks.is_empty() {
            return self.locking(query, joined);
        }
        self.upper(query, joined)
    }

    /// The rewriting before planning; rels that come in from sub-selects are noted.
    pub(super) fn rewrite(&mut self, query: &mut Query) -> Result<()> {
        let known = query.rels.len();
        super::prepare::prepare(query);
        self.note_relations(query, known);
        if query.rels.len() > MAX_RELS {
            return Err(Error::unsupported(format!("a query of more than {MAX_RELS} relations is not supported")));
        }
        Ok(())
    }

    /// Folds and prepares every expression of the level.
    pub(super) fn prepare_all(&mut self, query: &mut Query) -> Result<()> {
        let by_sub_select = query.group_by.iter().any(|g| g.any(&mut |x| matches!(x.kind, ExprKind::SubLink(_))));
        let before = std::mem::replace(&mut self.planned_links, by_sub_select.then(Vec::new));
        let mut failed = None;
        query.for_each_expr_mut(&mut |e| {
            if failed.is_none() {
                failed = self.prepare(e).err();
            }
        });
        self.planned_links = before;
        keep_items_apart(query);
        failed.map_or(Ok(()), Err)
    }

    /// Plans the joins. `top`: columns read above.
    pub(super) fn joined(
        &mut self,
        query: &mut Query,
        mut top: Vec<(usize, i16)>,
        mut wanted: Vec<PathKey>,
        rows_wanted: Option<f64>,
    ) -> Result<Joined> {
        if query.from.is_empty() {
            return self.no_from(query);
        }
        let mut tree = JoinTree::new(&query.from, query.filter.as_ref());
        super::secure::add_conditions(&mut tree, &query.rels);
        let tree = tree;
        for l in &query.locks {
            refuse_nullable(&tree, l)?;
        }
        let mut conditions: Vec<Expr> = tree.restrictions.iter().map(|(_, e)| e.clone()).collect();
        conditions.extend(tree.clauses.iter().map(|c| c.expr.clone()));
        for class in tree.classes.iter().filter(|c| c.constant.is_none()) {
            for pair in class.members.windows(2) {
                conditions.extend(super::jointree::make_equality(class.oper, pair[0].0.clone(), pair[1].0.clone()));
            }
        }
        if !query.locks.is_empty() || query.write.is_some() {
            conditions.iter().for_each(|e| vars_of(e, &mut top));
        }
        let mut needed: BTreeMap<usize, BTreeSet<i16>> = BTreeMap::new();
        let mut read = top.clone();
        tree.restrictions.iter().for_each(|(_, e)| vars_of(e, &mut read));
        tree.clauses.iter().for_each(|c| vars_of(&c.expr, &mut read));
        tree.specials.iter().flat_map(|s| &s.on).for_each(|c| vars_of(&c.expr, &mut read));
        tree.classes.iter().flat_map(|c| &c.members).for_each(|(e, _)| vars_of(e, &mut read));
        for r in tree.rels.iter() {
            match &query.rels[r].source {
                Source::Function { calls, .. } => {
                    calls.iter().flat_map(|c| c.args.iter().chain(&c.scalar)).for_each(|e| vars_of(e, &mut read));
                }
                Source::Values(rows) => rows.iter().flatten().for_each(|e| vars_of(e, &mut read)),
                Source::Subquery(q) if query.rels[r].lateral => {
                    let mut q = (**q).clone();
                    q.walk_mut(1, &mut |e, depth| {
                        if let ExprKind::Var { rel, attno, levels_up } = e.kind
                            && levels_up == depth
                        {
                            read.push((rel, attno));
                        }
                    });
                }
                _ => {}
            }
        }
        let repeats =
            |r: &usize| matches!(&query.rels[*r].source, Source::Table { sample: Some(s), .. } if s.seed.is_some());
        read.extend(tree.rels.iter().filter(repeats).map(|r| (r, -1)));
        for (r, a) in read {
            needed.entry(r).or_default().insert(a);
        }
        let mut base = Vec::new();
        let mut facts: Vec<Facts> = vec![Facts::default(); query.rels.len()];
        for r in tree.rels.iter() {
            let quals: Vec<Expr> = tree.restrictions.iter().filter(|(x, _)| *x == r).map(|(_, e)| e.clone()).collect();
            let quals = self.sample(r, &query.rels[r].source, quals)?;
            let b = self.base_rel(&mut query.rels, r, needed.remove(&r).unwrap_or_default(), quals)?;
            facts[r] = Facts { table: super::scan::table(&query.rels[r]).cloned(), tuples: b.tuples, rows: b.tuples };
            base.push(b);
        }
        for b in &mut base {
            super::secure::arrange(b, self.cx.settings);
            let refs: Vec<&Expr> = b.quals.iter().collect();
            let s = Estimator { rels: &facts }.all(&refs);
            b.rows = (b.tuples * s).round().max(1.0);
            self.estimate_children(b, &facts);
        }
        for b in &base {
            facts[b.rel].rows = b.rows;
        }
        let asked = !wanted.is_empty();
        // A column held by a constant does not order anything.
        wanted.retain(|k| {
            let fixed =
                tree.restrictions.iter().any(|(_, c)| constant_equality(c).is_some_and(|(v, _, _)| same(v, &k.expr)));
            !fixed && !matches!(k.expr.kind, ExprKind::Const(_))
        });
        let paths = {
            let mut search = Search::new(&tree, &facts, &wanted, self.cx.settings, &query.rels, &base);
            search.run()?
        };
        let best = choose(&paths, &wanted, rows_wanted, self.cx.settings);
        let sorted = asked && ordered_for(&best.order, &wanted);
        let top: BTreeSet<(usize, i16)> = top.into_iter().collect();
        let gates = tree.gates.clone();
        let (mut plan, layout) = Maker::new(self, &mut query.rels, base, &tree, top).make(&best)?;
        if !gates.is_empty() {
            plan = gate(plan, gates, &layout)?;
        }
        Ok(Joined { plan, layout, sorted, facts, conditions })
    }

    /// SELECT without FROM: one row, or none.
    fn no_from(&mut self, query: &mut Query) -> Result<Joined> {
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
        Ok(Joined { plan: node(n, &layout, cost), layout, sorted: false, facts: Vec::new(), conditions: Vec::new() })
    }

    /// TABLESAMPLE as a condition that keeps each row with its probability.
    fn sample(&mut self, rel: usize, source: &Source, mut quals: Vec<Expr>) -> Result<Vec<Expr>> {
        let Source::Table { sample: Some(s), .. } = source else { return Ok(quals) };
        match s.percent.kind {
            ExprKind::Const(Value::Null) => {
                bail!(INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null")
            }
            ExprKind::Const(Value::F32(p)) if !(0.0..=100.0).contains(&p) => {
                bail!(INVALID_TABLESAMPLE_ARGUMENT, "sample percentage must be between 0 and 100")
            }
            _ => {}
        }
        if let Some(seed) = &s.seed {
            if let ExprKind::Const(Value::Null) = seed.kind {
                bail!(INVALID_TABLESAMPLE_REPEAT, "TABLESAMPLE REPEATABLE parameter cannot be null");
            }
            let tid = Expr::new(ExprKind::Var { rel, attno: -1, levels_up: 0 }, TypeRef::of(oid::TID));
            let args = vec![tid, s.percent.clone(), seed.clone()];
            let func = crate::sql::func::sample::sampled(s.bernoulli);
            quals.push(Expr::new(ExprKind::Func { func, oper: None, args, variadic: false }, TypeRef::of(oid::BOOL)));
            return Ok(quals);
        }
        let find = |name: &str, l, r| {
            crate::sql::func::type_operator(name, l, r)
                .and_then(|o| crate::sql::func::user::function_of(o).map(|f| (o, f)))
                .ok_or_else(|| Error::internal(format!("operator {name} is missing")))
        };
        let random = crate::sql::func::funcs_named("random")
            .first()
            .copied()
            .ok_or_else(|| Error::internal("function random() is missing"))?;
        let float = TypeRef::of(oid::FLOAT8);
        let call = |f, o: Option<crate::base::Oid>, args, ty| {
            Expr::new(ExprKind::Func { func: f, oper: o, args, variadic: false }, ty)
        };
        let hundred = Expr::new(ExprKind::Const(Value::F64(100.0)), float);
        let (times, times_f) = find("*", oid::FLOAT8, oid::FLOAT8)?;
        let (less, less_f) = find("<", oid::FLOAT8, oid::FLOAT4)?;
        let dice = call(times_f, Some(times.oid), vec![call(random, None, Vec::new(), float), hundred], float);
        quals.push(call(less_f, Some(less.oid), vec![dice, s.percent.clone()], TypeRef::of(oid::BOOL)));
        Ok(quals)
    }

    /// Set-returning calls in GROUP BY are made below the grouping: columns of a relation that is none stand for them
    /// from there on.
    fn spread_keys(&mut self, query: &mut Query, plan: Plan, layout: Layout) -> Result<(Plan, Layout)> {
        let is_set = |e: &Expr| e.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. }));
        let calls: Vec<Expr> = query.group_by.iter().filter(|e| is_set(e)).cloned().collect();
        if calls.is_empty() {
            return Ok((plan, layout));
        }
        let nowhere = query.rels.len();
        let column = |n: usize| crate::sql::bind::scope::var(nowhere, n as i16 + 1, calls[n].ty);
        for e in query.group_by.iter_mut().chain(query.targets.iter_mut().map(|t| &mut t.expr)).chain(&mut query.having)
        {
            e.rewrite(&mut |x| {
                if let Some(n) = calls.iter().position(|c| same(c, x)) {
                    *x = column(n).in_place_of(x);
                }
            });
        }
        let below: Vec<Expr> = layout.exprs().iter().chain(&calls).cloned().collect();
        let plan = self.project_set(below, plan, &layout)?;
        let mut above = layout;
        (0..calls.len()).for_each(|n| above.push(column(n)));
        Ok((plan, above))
    }

    fn upper(&mut self, mut query: Query, joined: Joined) -> Result<Plan> {
        let Joined { mut plan, mut layout, mut sorted, mut facts, .. } = joined;
        if query.has_set_returning && !query.group_by.is_empty() {
            (plan, layout) = self.spread_keys(&mut query, plan, layout)?;
            facts.resize(query.rels.len() + 1, Facts::default());
        }
        let mut targets: Vec<Expr> = query.targets.iter().map(|t| t.expr.clone()).collect();
        if query.has_aggregates {
            (plan, layout) = self.aggregate(&query, &mut targets, plan, &layout, &facts)?;
            sorted = false;
        }
        if query.has_windows {
            (plan, layout) = self.windows(&targets, plan, layout)?;
            sorted = false;
        }
        self.output(&query, targets, plan, layout, sorted, &facts)
    }

    /// Select list, DISTINCT, ORDER BY, LIMIT over what the layout offers.
    pub(super) fn output(
        &mut self,
        query: &Query,
        targets: Vec<Expr>,
        mut plan: Plan,
        layout: Layout,
        sorted: bool,
        facts: &[Facts],
    ) -> Result<Plan> {
        let s = self.cx.settings;
        if is_postponed(query, &targets) {
            return self.postponed(query, targets, plan, layout, sorted);
        }
        let has_set = targets.iter().any(returns_set);
        let junk = query.targets.iter().any(|t| t.junk);
        let need_sort = !query.order_by.is_empty() && (!sorted || has_set);
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
        match &query.distinct {
            Distinct::No => {
                if need_sort {
                    plan = self.sort(plan, target_keys(query), bound_of(query));
                }
            }
            Distinct::All => {
                let keys: Vec<Expr> =
                    plan.columns.iter().enumerate().map(|(i, c)| Expr::new(ExprKind::Column(i), c.ty)).collect();
                plan = self.distinct(plan, keys, query, facts);
                if !query.order_by.is_empty() {
                    plan = self.sort(plan, target_keys(query), bound_of(query));
                }
            }
            Distinct::On(on) => {
                let mut sort = target_keys(query);
                for &i in on {
                    let c = Expr::new(ExprKind::Column(i), plan.columns[i].ty);
                    if !sort.iter().any(|k| same(&k.expr, &c)) {
                        sort.push(SortKey { expr: c, desc: false, nulls_first: false });
                    }
                }
                // The ON columns lead.
                sort.sort_by_key(|k| !on.iter().any(|&i| matches!(k.expr.kind, ExprKind::Column(c) if c == i)));
                let keys: Vec<Expr> = on.iter().map(|&i| Expr::new(ExprKind::Column(i), plan.columns[i].ty)).collect();
                if !sort.is_empty() {
                    plan = self.sort(plan, sort, None);
                }
                let cost = plan.cost;
                let columns = plan.columns.clone();
                plan = Plan {
                    node: PlanNode::Distinct { input: Box::new(plan), keys, sorted: true },
                    columns,
                    cost,
                    params: Vec::new(),
                };
            }
        }
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
        sorted: bool,
    ) -> Result<Plan> {
        let on: &[usize] = if let Distinct::On(on) = &query.distinct { on } else { &[] };
        let bound = |i: usize| layout.bound(&targets[i]);
        if !sorted || !on.is_empty() {
            let mut keys = Vec::new();
            for o in &query.order_by {
                keys.push(SortKey { expr: bound(o.target)?, desc: o.desc, nulls_first: o.nulls_first });
            }
            let limit = if on.is_empty() && !targets.iter().any(returns_set) { bound_of(query) } else { None };
            plan = self.sort(plan, keys, limit);
        }
        if !on.is_empty() {
            let (keys, cost, columns) =
                (on.iter().map(|i| bound(*i)).collect::<Result<_>>()?, plan.cost, plan.columns.clone());
            let distinct = PlanNode::Distinct { input: Box::new(plan), keys, sorted: true };
            plan = Plan { node: distinct, columns, cost, params: Vec::new() };
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

    pub(super) fn sort(&mut self, input: Plan, keys: Vec<SortKey>, bound: Option<Expr>) -> Plan {
        let limit = known_count(bound.as_ref()).unwrap_or(-1.0);
        let (startup, total) = cost::sort(input.cost.total, input.cost.rows, input.cost.width, limit, self.cx.settings);
        let cost = Cost { startup, total, ..input.cost };
        let columns = input.columns.clone();
        Plan { node: PlanNode::Sort { input: Box::new(input), keys, bound }, columns, cost, params: Vec::new() }
    }

    fn distinct(&mut self, input: Plan, keys: Vec<Expr>, query: &Query, facts: &[Facts]) -> Plan {
        let s = self.cx.settings;
        let est = Estimator { rels: facts };
        let groups = if query.has_aggregates || query.set_op.is_some() {
            (input.cost.rows * 0.1).max(1.0)
        } else {
            let visible: Vec<&Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| &t.expr).collect();
            groups(&est, &visible, input.cost.rows)
        };
        let work = s.cpu_operator_cost * keys.len() as f64 * input.cost.rows;
        let hash_total = input.cost.total + work;
        let columns = input.columns.clone();
        if s.enable_hashagg {
            let cost = Cost {
                startup: hash_total,
                total: hash_total + s.cpu_tuple_cost * groups,
                rows: groups,
                width: input.cost.width,
            };
            return Plan {
                node: PlanNode::Distinct { input: Box::new(input), keys, sorted: false },
                columns,
                cost,
                params: Vec::new(),
            };
        }
        let sort = keys.iter().map(|e| SortKey { expr: e.clone(), desc: false, nulls_first: false }).collect();
        let input = self.sort(input, sort, None);
        let cost = Cost { total: input.cost.total + work, rows: groups, ..input.cost };
        Plan {
            node: PlanNode::Distinct { input: Box::new(input), keys, sorted: true },
            columns,
            cost,
            params: Vec::new(),
        }
    }

    fn aggregate(
        &mut self,
        query: &Query,
        targets: &mut [Expr],
        input: Plan,
        layout: &Layout,
        facts: &[Facts],
    ) -> Result<(Plan, Layout)> {
        let s = self.cx.settings;
        let mut calls: Vec<Expr> = Vec::new();
        for e in targets.iter().chain(&query.having) {
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
        let mut out = Layout::new(query.group_by.clone());
        let mut bound: Vec<AggCall> = Vec::with_capacity(calls.len());
        for c in calls {
            if let ExprKind::Aggregate(a) = &c.kind {
                let mut a = (**a).clone();
                for e in a.args.iter_mut().chain(&mut a.direct_args).chain(&mut a.filter) {
                    *e = layout.bound(e)?;
                }
                for k in &mut a.order_by {
                    k.expr = layout.bound(&k.expr)?;
                }
                bound.push(a);
            }
            out.push(c);
        }
        let group_by = layout.bound_all(&query.group_by)?;
        let n = group_by.len();
        let sets = query.grouping_sets.clone().unwrap_or_else(|| vec![(0..n).collect()]);
        let with_number = query.grouping_sets.is_some();
        let set_column = out.len();
        if with_number {
            // The number of the set, read by GROUPING only.
            out.push(Expr::new(ExprKind::Grouping(Vec::new()), TypeRef::of(oid::INT4)));
        }
        let mut having = query.having.clone();
        for e in targets.iter_mut().chain(&mut having) {
            grouping_to_case(e, &sets, set_column);
        }
        let having = having.map(|h| out.bound(&h)).transpose()?;
        let est = Estimator { rels: facts };
        let refs: Vec<&Expr> = query.group_by.iter().collect();
        let rows: f64 = sets
            .iter()
            .map(|set| {
                let keys: Vec<&Expr> = set.iter().map(|&i| refs[i]).collect();
                if keys.is_empty() { 1.0 } else { groups(&est, &keys, input.cost.rows) }
            })
            .sum();
        let rows = if having.is_some() { (rows / 3.0).max(1.0) } else { rows };
        let ordered = bound.iter().any(|a| a.distinct || !a.order_by.is_empty());
        let work = input.cost.rows
            * (s.cpu_operator_cost * (bound.len() + n) as f64
                + bound.iter().map(|a| cost::exprs_cost(&a.args, s)).sum::<f64>());
        let (strategy, input) = if n == 0 {
            (AggStrategy::Plain, input)
        } else if with_number {
            (AggStrategy::Hash, input)
        } else {
            let (_, sort_total) = cost::sort(input.cost.total, input.cost.rows, input.cost.width, -1.0, s);
            let bytes = cost::row_bytes(rows, 32);
            let spill = if bytes > s.work_mem_kb * 1024.0 * s.hash_mem_multiplier {
                2.0 * (cost::row_bytes(input.cost.rows, input.cost.width) / 8192.0)
            } else {
                0.0
            };
            let hash_total = input.cost.total + spill + rows * s.cpu_tuple_cost;
            if !ordered && s.enable_hashagg && hash_total <= sort_total {
                (AggStrategy::Hash, input)
            } else {
                let keys =
                    group_by.iter().map(|e| SortKey { expr: e.clone(), desc: false, nulls_first: false }).collect();
                (AggStrategy::Sorted, self.sort(input, keys, None))
            }
        };
        let mut cost = input.cost;
        match strategy {
            AggStrategy::Sorted => {}
            _ => cost.startup = input.cost.total + work,
        }
        cost.total = input.cost.total + work + rows * s.cpu_tuple_cost;
        cost.rows = rows;
        cost.width = out.exprs().iter().map(|e| cost::type_width(e.ty)).sum();
        let n = PlanNode::Aggregate(Box::new(Aggregate {
            input,
            strategy,
            group_by,
            sets,
            calls: bound,
            having,
            project: None,
        }));
        Ok((node(n, &out, cost), out))
    }

    fn windows(&mut self, targets: &[Expr], mut plan: Plan, mut layout: Layout) -> Result<(Plan, Layout)> {
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
            let (now, later): (Vec<_>, Vec<_>) =
                calls.into_iter().partition(|(_, w)| crate::sql::expr::same_spec(&w.spec, &spec));
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

    /// Set-returning functions in the select list; calls inside other calls come first.
    fn project_set(&mut self, mut targets: Vec<Expr>, mut plan: Plan, layout: &Layout) -> Result<Plan> {
        // Below: everything the layout has, above: one more column per call.
        for t in &mut targets {
            *t = layout.bound(t)?;
        }
        let is_set = |e: &Expr| matches!(e.kind, ExprKind::SetReturning { .. });
        let mut round = 0;
        loop {
            let mut calls: Vec<Expr> = Vec::new();
            for t in &targets {
                innermost(t, &mut calls);
            }
            if calls.is_empty() {
                break;
            }
            let last =
                targets.iter().all(|t| is_set(t) && calls.iter().any(|c| same(c, t)) || !t.any(&mut |x| is_set(x)));
            let rows = calls
                .iter()
                .map(|c| match &c.kind {
                    ExprKind::SetReturning { func, .. } => f64::from(func.fact.rows).max(1.0),
                    _ => 1.0,
                })
                .fold(1.0, f64::max);
            let mut cost = plan.cost;
            cost.rows *= rows;
            cost.total += cost.rows * self.cx.settings.cpu_tuple_cost;
            let item = |e: Expr| match e.kind {
                ExprKind::SetReturning { func, args } => SetItem::Set { func, args },
                _ => SetItem::Plain(e),
            };
            if last {
                let columns = columns_for(&targets);
                let items = targets.into_iter().map(item).collect();
                return Ok(Plan {
                    node: PlanNode::ProjectSet { input: Box::new(plan), items },
                    columns,
                    cost,
                    params: Vec::new(),
                });
            }
            let width = plan.columns.len();
            let mut columns = plan.columns.clone();
            let mut items: Vec<SetItem> =
                columns.iter().enumerate().map(|(i, c)| SetItem::Plain(Expr::new(ExprKind::Column(i), c.ty))).collect();
            for c in &calls {
                columns.push(PlanColumn { name: String::new(), ty: c.ty });
                items.push(item(c.clone()));
            }
            for t in &mut targets {
                replace_calls(t, &calls, width);
            }
            plan =
                Plan { node: PlanNode::ProjectSet { input: Box::new(plan), items }, columns, cost, params: Vec::new() };
            round += 1;
            if round > 100 {
                return Err(Error::internal("set-returning calls never end"));
            }
        }
        Ok(project_onto(plan, targets))
    }

    /// FOR UPDATE: sort, lock, then compute the select list from the newest rows.
    fn locking(&mut self, query: Query, joined: Joined) -> Result<Plan> {
        let Joined { mut plan, layout, sorted, conditions, .. } = joined;
        let keys = order_keys(&query);
        if !keys.is_empty() && !sorted {
            let sort = keys
                .iter()
                .map(|k| Ok(SortKey { expr: layout.bound(&k.expr)?, desc: k.desc, nulls_first: k.nulls_first }))
                .collect::<Result<Vec<_>>>()?;
            plan = self.sort(plan, sort, None);
        }
        let mut locks = Vec::new();
        for l in &query.locks {
            let Source::Table { rel, .. } = &query.rels[l.rel].source else { continue };
            let place =
                |attno, ty| match layout.bound(&crate::sql::bind::scope::var(l.rel, attno, TypeRef::of(ty)))?.kind {
                    ExprKind::Column(n) => Ok(n),
                    _ => Err(Error::internal("a row identity is missing")),
                };
            let ctid = place(-1, oid::TID)?;
            let mut members = Vec::new();
            let mut tableoid = None;
            if super::tree::is_tree(&query.rels[l.rel]) {
                tableoid = Some(place(-6, oid::OID)?);
                for member in self.expanded(l.rel)? {
                    let map = super::tree::attribute_map(rel, &member)?;
                    members.push((member, map));
                }
            } else {
                members.push((rel.clone(), (1..=rel.attributes.len() as i16).collect()));
            }
            let refresh = layout
                .exprs()
                .iter()
                .enumerate()
                .filter_map(|(i, e)| match e.kind {
                    ExprKind::Var { rel, attno, .. } if rel == l.rel => Some((i, attno)),
                    _ => None,
                })
                .collect();
            locks.push(RowLock { members, tableoid, ctid, refresh, strength: l.strength, wait: l.wait });
        }
        let recheck: Vec<Expr> = conditions.iter().filter_map(|c| layout.bound(c).ok()).collect();
        let cost = plan.cost;
        let n = PlanNode::LockRows { input: Box::new(plan), locks, recheck: conjunction(recheck) };
        plan = node(n, &layout, cost);
        let visible: Vec<Expr> = query.targets.iter().filter(|t| !t.junk).map(|t| t.expr.clone()).collect();
        let limited = self.limit(plan, &Query { with_ties: false, ..query.clone() });
        let mut plan = project_onto(limited, layout.bound_all(&visible)?);
        name_columns(&mut plan, &query);
        Ok(plan)
    }

    /// min() and max() of indexed columns: each is the first row of an index scan. PostgreSQL 15, planagg.c.
    fn min_max(&mut self, query: &Query) -> Result<Option<Plan>> {
        if !query.has_aggregates
            || !query.group_by.is_empty()
            || query.grouping_sets.is_some()
            || query.has_windows
            || query.has_set_returning
        {
            return Ok(None);
        }
        let [crate::sql::bind::FromNode::Rel(rel)] = query.from[..] else { return Ok(None) };
        let Source::Table { rel: t, sample: None, inherit } = &query.rels[rel].source else { return Ok(None) };
        if *inherit && !t.children.is_empty() || t.is_partitioned() {
            return Ok(None);
        }
        let mut found = false;
        let mut fits = true;
        for e in query.targets.iter().map(|t| &t.expr).chain(&query.having) {
            e.walk(&mut |x| {
                match &x.kind {
                    ExprKind::Aggregate(a) => {
                        found = true;
                        fits &= a.levels_up == 0
                            && matches!(a.func.name, "min" | "max")
                            && a.filter.is_none()
                            && a.order_by.is_empty()
                            && matches!(a.args.first().map(|x| &super::selectivity::strip(x).kind),
                                Some(ExprKind::Var { attno, levels_up: 0, .. })
                                    if t.indexes.iter().any(|i| i.valid && i.method == IndexMethod::Btree && i.predicate.is_none() && i.columns[0].attno == *attno));
                        return false;
                    }
                    ExprKind::Var { levels_up: 0, .. } => fits = false,
                    ExprKind::SubLink(_) => fits = false,
                    _ => {}
                }
                true
            });
        }
        // With a condition PostgreSQL compares costs; the index is only sure to win without one.
        if !found || !fits || query.filter.is_some() {
            return Ok(None);
        }
        let mut new = query.clone();
        new.from.clear();
        new.has_aggregates = false;
        for t in &mut new.targets {
            self.replace_min_max(&mut t.expr, query, rel);
        }
        new.filter = new.having.take();
        if let Some(f) = &mut new.filter {
            self.replace_min_max(f, query, rel);
        }
        self.prepare_all(&mut new)?;
        let joined = self.no_from(&mut new)?;
        self.upper(new, joined).map(Some)
    }

    fn replace_min_max(&mut self, e: &mut Expr, query: &Query, rel: usize) {
        if let ExprKind::Aggregate(a) = &e.kind {
            let arg = a.args[0].clone();
            let max = a.func.name == "max";
            let mut column = arg.clone();
            column.rewrite(&mut |x| {
                if let ExprKind::Var { rel, .. } = &mut x.kind {
                    *rel = 0;
                }
            });
            let filter = Expr::new(ExprKind::IsNotNull(Box::new(column.clone())), TypeRef::of(oid::BOOL));
            let sub = Query {
                rels: vec![query.rels[rel].clone()],
                from: vec![crate::sql::bind::FromNode::Rel(0)],
                filter: Some(filter),
                targets: vec![crate::sql::bind::Target {
                    name: a.func.name.to_owned(),
                    expr: column,
                    junk: false,
                    origin: None,
                }],
                order_by: vec![crate::sql::bind::OrderItem { target: 0, desc: max, nulls_first: max }],
                limit: Some(Expr::new(ExprKind::Const(Value::I64(1)), TypeRef::of(oid::INT8))),
                ..Query::default()
            };
            let link =
                crate::sql::bind::SubLink { kind: crate::sql::expr::SubPlanKind::Scalar, test: None, query: sub };
            let inner = Expr::new(ExprKind::SubLink(Box::new(link)), arg.ty);
            *e = if arg.ty == e.ty {
                inner
            } else {
                Expr { kind: ExprKind::Relabel(Box::new(inner)), ty: e.ty, pos: None }
            }
            .in_place_of(e);
            return;
        }
        e.for_each_child_mut(&mut |c| self.replace_min_max(c, query, rel));
    }
}

fn bind_frame(frame: &mut crate::sql::expr::Frame, layout: &Layout) -> Result<()> {
    use crate::sql::expr::FrameBound;
    for b in [&mut frame.start, &mut frame.end] {
        if let FrameBound::Preceding(e) | FrameBound::Following(e) = b {
            *e = layout.bound(e)?;
        }
    }
    Ok(())
}

/// The path cheapest for what is wanted of it: its order counts against a sort, LIMIT against the total.
fn choose(
    paths: &[Rc<Path>],
    wanted: &[PathKey],
    rows_wanted: Option<f64>,
    s: &super::settings::PlannerSettings,
) -> Rc<Path> {
    let price = |p: &Path| {
        let ordered = wanted.is_empty() || ordered_for(&p.order, wanted);
        let (startup, total) = if ordered {
            (p.startup, p.total)
        } else {
            cost::sort(p.total, p.rows, 32, rows_wanted.unwrap_or(-1.0), s)
        };
        match rows_wanted {
            Some(n) if p.rows > 0.0 && n < p.rows => startup + (total - startup) * n / p.rows,
            _ => total,
        }
    };
    let mut best = &paths[0];
    for p in &paths[1..] {
        if price(p) < price(best) {
            best = p;
        }
    }
    best.clone()
}

/// A condition without columns above a plan.
/// A target that is a grouping expression is null in the sets without it, also where planning has made both a constant,
/// or the same as another grouping expression: from here on they look like nothing else. Other constants stay what they
/// are (PostgreSQL 15, setrefs.c, set_upper_references: only a target list entry with a sort and group reference is
/// looked up as a whole).
fn keep_items_apart(query: &mut Query) {
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

fn gate(plan: Plan, gates: Vec<Expr>, layout: &Layout) -> Result<Plan> {
    if gates.iter().any(|g| matches!(&g.kind, ExprKind::Const(v) if *v != Value::Bool(true))) {
        let cost = Cost { startup: 0.0, total: 0.0, rows: 1.0, width: plan.cost.width };
        return Ok(node(PlanNode::Empty, layout, cost));
    }
    let gates: Vec<Expr> = gates.into_iter().filter(|g| !matches!(g.kind, ExprKind::Const(_))).collect();
    let Some(one_time) = conjunction(gates) else { return Ok(plan) };
    let exprs: Vec<Expr> = plan.columns.iter().enumerate().map(|(i, c)| Expr::new(ExprKind::Column(i), c.ty)).collect();
    let cost = plan.cost;
    Ok(node(PlanNode::Result { input: Some(Box::new(plan)), exprs, one_time: Some(one_time) }, layout, cost))
}

/// Distinct combinations of expressions among so many rows: PostgreSQL 15, selfuncs.c, estimate_num_groups.
pub(super) fn groups(est: &Estimator<'_>, exprs: &[&Expr], rows: f64) -> f64 {
    let mut n = 1.0;
    let (known, rest) = est.known_together(exprs);
    for e in rest {
        n *= est.distinct(e);
    }
    n *= known;
    let limit = if exprs.len() > 1 { (rows * 0.1).max(est_max(est, exprs)).max(1.0) } else { rows };
    n.min(limit).min(rows).max(1.0).round()
}

fn est_max(est: &Estimator<'_>, exprs: &[&Expr]) -> f64 {
    exprs.iter().map(|e| est.distinct(e)).fold(1.0, f64::max)
}

/// ORDER BY over the query's own expressions.
fn order_keys(query: &Query) -> Vec<PathKey> {
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

fn limit_rows(query: &Query) -> Option<f64> {
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

fn returns_set(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. }))
}

/// Output columns that call something volatile or return sets are computed after the sort that does not need them.
/// PostgreSQL 15, planner.c, make_sort_input_target.
fn is_postponed(query: &Query, targets: &[Expr]) -> bool {
    let on: &[usize] = match &query.distinct {
        Distinct::No => &[],
        Distinct::On(on) => on,
        Distinct::All => return false,
    };
    let late = |e: &Expr| super::fold::has_volatile(e) || returns_set(e);
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

/// HAVING without aggregates and without GROUP BY: one group, whatever rows there are, so none is read.
/// PostgreSQL 15, planner.c, is_degenerate_grouping.
fn without_rows(query: &mut Query) {
    if query.having.is_none() || !query.group_by.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let is_aggregate =
        |x: &Expr| matches!(x.kind, ExprKind::Aggregate(_) | ExprKind::Grouping(_) | ExprKind::SubLink(_));
    if query.targets.iter().map(|t| &t.expr).chain(&query.having).any(|e| e.any(&mut |x| is_aggregate(x))) {
        return;
    }
    query.from.clear();
    query.filter = query.having.take();
    query.has_aggregates = false;
}

/// Conditions of HAVING that read no aggregate hold before grouping as well as after.
fn having_to_where(query: &mut Query) {
    if query.group_by.is_empty() || query.grouping_sets.is_some() {
        return;
    }
    let Some(having) = query.having.take() else { return };
    let mut parts = Vec::new();
    conjuncts(having, &mut parts);
    let (up, down): (Vec<Expr>, Vec<Expr>) = parts.into_iter().partition(|p| {
        super::fold::has_volatile(p)
            || p.any(&mut |x| matches!(x.kind, ExprKind::Aggregate(_) | ExprKind::Grouping(_) | ExprKind::SubPlan(_)))
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

/// GROUPING(…) as a look-up by the number of the grouping set.
fn grouping_to_case(e: &mut Expr, sets: &[Vec<usize>], column: usize) {
    if let ExprKind::Grouping(list) = &e.kind {
        let mask = |set: &Vec<usize>| list.iter().fold(0i32, |m, i| (m << 1) | i32::from(!set.contains(i)));
        let int = |n: i32| Expr::new(ExprKind::Const(Value::I32(n)), TypeRef::of(oid::INT4));
        let masks: Vec<i32> = sets.iter().map(mask).collect();
        if list.is_empty() || masks.iter().all(|m| *m == masks[0]) {
            e.kind = ExprKind::Const(Value::I32(masks.first().copied().unwrap_or(0)));
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
        e.kind = ExprKind::Case { operand: Some(Box::new(operand)), arms, otherwise: None };
        return;
    }
    e.for_each_child_mut(&mut |c| grouping_to_case(c, sets, column));
}

/// The set-returning calls without others inside.
fn innermost(e: &Expr, out: &mut Vec<Expr>) {
    let mut inner = false;
    e.for_each_child(&mut |c| {
        if c.any(&mut |x| matches!(x.kind, ExprKind::SetReturning { .. })) {
            inner = true;
            innermost(c, out);
        }
    });
    if !inner && matches!(e.kind, ExprKind::SetReturning { .. }) && !out.iter().any(|o| same(o, e)) {
        out.push(e.clone());
    }
}

fn replace_calls(e: &mut Expr, calls: &[Expr], first: usize) {
    if let Some(i) = calls.iter().position(|c| same(c, e)) {
        e.kind = ExprKind::Column(first + i);
        return;
    }
    e.for_each_child_mut(&mut |c| replace_calls(c, calls, first));
}
