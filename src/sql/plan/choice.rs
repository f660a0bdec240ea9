//! One plan for all values of a statement's parameters, or a plan of its own for the values at hand.
//!
//! PostgreSQL 15, plancache.c: same rules. The first executions get plans of their own (*custom* ones), in which the values
//! stand as constants; after that the plan for all values (the *generic* one) is taken as long as it does not cost more
//! than a custom one on the average, the work of planning included.
//!
//! Departs where the values cannot matter ([`values_matter`]): there the generic plan is run, and the executions are
//! counted as PostgreSQL counts them.

use super::scan::match_condition;
use super::{IndexOp, PlannedStatement, PlannerSettings};
use crate::catalog::{Acting, Catalog, Generation, Relation};
use crate::settings::{Id, Lookup, View};
use crate::sql::bind::{FromNode, Query, Source, Write, WriteKind};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::Value;
use std::sync::Arc;

/// So many executions get a custom plan before the generic one is thought of.
const CUSTOM_FIRST: i64 = 5;

/// `plan_cache_mode`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CacheMode {
    Auto,
    Generic,
    Custom,
}

impl CacheMode {
    pub fn of(view: &View) -> CacheMode {
        match view.choice(Id::PlanCacheMode) {
            "force_generic_plan" => CacheMode::Generic,
            "force_custom_plan" => CacheMode::Custom,
            _ => CacheMode::Auto,
        }
    }
}

/// What is known of a statement's plans so far.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    generic_cost: Option<f64>,
    /// Of all custom plans together.
    custom_cost: f64,
    custom_plans: i64,
    generic_plans: i64,
}

impl Choice {
    /// Whether the next execution gets a custom plan. To be asked again when the generic plan's cost has become known.
    pub fn is_custom(&self, mode: CacheMode) -> bool {
        let pays = |cost: f64| cost >= self.custom_cost / self.custom_plans as f64;
        self.is_custom_first(mode) || mode == CacheMode::Auto && self.generic_cost.is_some_and(pays)
    }

    /// The same where the values do not matter: both plans cost the same, but for the planning.
    pub fn is_custom_first(&self, mode: CacheMode) -> bool {
        mode == CacheMode::Custom || mode == CacheMode::Auto && self.custom_plans < CUSTOM_FIRST
    }

    pub fn costs_generic(&mut self, plan: &PlannedStatement) {
        self.generic_cost = Some(plan.total_cost());
    }

    pub fn count_generic(&mut self) {
        self.generic_plans += 1;
    }

    /// PostgreSQL 15, plancache.c, cached_plan_cost: the planning is thought to cost more the more relations there are.
    pub fn count_custom(&mut self, plan: &PlannedStatement, settings: &PlannerSettings) {
        self.custom_plans += 1;
        self.custom_cost += plan.total_cost() + 1000.0 * settings.cpu_operator_cost * (plan.entries as f64 + 1.0);
    }

    /// Counts an execution of a statement whose values do not matter.
    pub fn count_settled(&mut self, mode: CacheMode) {
        match self.is_custom_first(mode) {
            true => self.custom_plans += 1,
            false => self.generic_plans += 1,
        }
    }

    /// (generic, custom)
    pub fn counts(&self) -> (i64, i64) {
        (self.generic_plans, self.custom_plans)
    }
}

impl PlannedStatement {
    fn total_cost(&self) -> f64 {
        match &self.plan.node {
            super::PlanNode::Sequence { steps, .. } => steps.iter().map(|s| s.plan.cost.total).sum(),
            _ => self.plan.cost.total,
        }
    }
}

/// A bound statement, to be planned as long as what it names is the same.
pub struct Bound {
    pub generation: Generation,
    pub query: Query,
    relations: Vec<Arc<Relation>>,
    acting: Option<Acting>,
}

impl Bound {
    pub fn new(generation: Generation, mut query: Query, catalog: &Catalog) -> Bound {
        let mut relations = Vec::new();
        gather(&mut query, &mut relations);
        let acting = query.depends_on_role.then(|| catalog.acting());
        Bound { generation, query, relations, acting }
    }

    pub fn is_current(&self, catalog: &Catalog) -> bool {
        self.generation == catalog.generation() && self.is_valid(catalog)
    }

    /// The same for who knows the generation to be the same.
    pub fn is_valid(&self, catalog: &Catalog) -> bool {
        self.relations.iter().all(|r| !r.is_stale() && catalog.is_seen_alike(r))
            && self.acting.is_none_or(|a| a == catalog.acting())
    }
}

/// Puts values in the places of a statement's parameters.
pub fn put_values(query: &mut Query, values: &[Value]) {
    for_each_param(query, &mut |e, n| {
        if let Some(v) = values.get(n) {
            e.kind = ExprKind::Const(v.clone());
        }
    });
}

fn for_each_param(query: &mut Query, f: &mut dyn FnMut(&mut Expr, usize)) {
    query.steps.iter_mut().for_each(|q| for_each_param(q, f));
    query.walk_mut(0, &mut |e, _| {
        if let ExprKind::Param(n) = e.kind {
            f(e, n);
        }
    });
}

/// The relations a statement names, at any depth.
fn gather(query: &mut Query, out: &mut Vec<Arc<Relation>>) {
    let named = query.rels.iter().filter_map(|r| r.relation()).filter(|r| r.generated_by.is_none());
    out.extend(named.cloned());
    query.steps.iter_mut().for_each(|q| gather(q, out));
    query.for_each_query_mut(&mut |q| gather(q, out));
    query.for_each_expr_mut(&mut |e| gather_in(e, out));
}

fn gather_in(e: &mut Expr, out: &mut Vec<Arc<Relation>>) {
    e.for_each_child_mut(&mut |c| gather_in(c, out));
    if let ExprKind::SubLink(link) = &mut e.kind {
        gather(&mut link.query, out);
    }
}

/// Whether planning with the values could lead to another plan than planning without, or to another error.
///
/// Not for a statement that
/// - has no parameters, or inserts VALUES, or reads no relation at all: its expressions are computed once anyway, whether
///   by the planner or by the executor;
/// - reads one table by all columns of a unique index: that is one row by the index, or one page of a table so small that
///   no index pays, whatever the values are and whatever else is asked of the row. An estimate for a column that is
///   unique by itself does not look at the value, and one for several columns can only become less than a row. Then
///   no parameter may stand where the planner alone would compute it: `1 / $1` fails there even if there is no row.
///
/// EXPLAIN shows the values, so it plans with them in any case.
pub fn values_matter(query: &mut Query) -> bool {
    let mut any = false;
    for_each_param(query, &mut |_, _| any = true);
    any && !(query.steps.is_empty() && is_flat(query) && (reads_nothing(query) || reads_one_row(query)))
}

/// No sub-selects, no sets, no WITH.
fn is_flat(query: &mut Query) -> bool {
    let mut flat = query.ctes.is_empty()
        && query.set_op.is_none()
        && query
            .rels
            .iter()
            .all(|r| r.view.is_none() && r.security.is_empty() && !matches!(r.source, Source::Subquery(_)));
    query.walk_mut(0, &mut |e, _| flat &= !matches!(e.kind, ExprKind::SubLink(_)));
    flat
}

fn reads_nothing(query: &Query) -> bool {
    let values = |n: &FromNode| matches!(n, FromNode::Rel(r) if matches!(query.rels[*r].source, Source::Values(_)));
    let plain = match &query.write {
        None => true,
        Some(w) => matches!(&w.kind, WriteKind::Insert { on_conflict, .. } if on_conflict.is_none()),
    };
    plain && query.filter.is_none() && query.having.is_none() && query.from.iter().all(values)
}

fn reads_one_row(query: &Query) -> bool {
    let [FromNode::Rel(rel)] = query.from[..] else { return false };
    let Source::Table { rel: table, sample: None, .. } = &query.rels[rel].source else { return false };
    let odd = query.has_aggregates || query.has_windows || query.has_set_returning || query.limit.is_some();
    if odd
        || query.offset.is_some()
        || table.is_partitioned()
        || !table.children.is_empty()
        || table.generated_by.is_some()
    {
        return false;
    }
    let Some(filter) = &query.filter else { return false };
    let conditions = match &filter.kind {
        ExprKind::And(parts) => parts.as_slice(),
        _ => std::slice::from_ref(filter),
    };
    let equals = |attno: i16| {
        let Some(ty) = query.rels[rel].attribute(attno) else { return false };
        let key = Expr::new(ExprKind::Var { rel, attno, levels_up: 0 }, ty);
        let is = |c: &Expr| matches!(match_condition(c, &key, rel), Some((IndexOp::Eq, v)) if matches!(v.kind, ExprKind::Param(_) | ExprKind::Const(_)));
        conditions.iter().any(is)
    };
    let keyed = table.indexes.iter().any(|i| {
        let plain = i.unique && i.valid && i.predicate.is_none();
        plain && i.columns.iter().take(i.key_columns).all(|c| c.attno > 0 && equals(c.attno))
    });
    let simple = conditions.iter().chain(query.targets.iter().map(|t| &t.expr)).all(leaves_params);
    keyed && simple && query.write.as_deref().is_none_or(writes_simply)
}

fn writes_simply(w: &Write) -> bool {
    let set = match &w.kind {
        WriteKind::Update { set } => set.as_slice(),
        WriteKind::Delete => &[],
        _ => return false,
    };
    set.iter().map(|(_, e)| e).chain(w.returning.iter().map(|t| &t.expr)).all(leaves_params)
}

/// Nothing in the expression becomes something else when its parameters become constants: each is an operand beside
/// something that only a row can tell. Nor is a volatile function left out because its other argument is NULL.
fn leaves_params(e: &Expr) -> bool {
    let fixed = |e: &Expr| matches!(e.kind, ExprKind::Const(_) | ExprKind::Param(_));
    match &e.kind {
        ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::Var { .. } => true,
        ExprKind::Func { func, args, .. } => {
            func.volatility != b'v'
                && args.iter().all(leaves_params)
                && !(args.iter().all(fixed) && args.iter().any(holds_param))
        }
        ExprKind::And(parts) | ExprKind::Or(parts) => parts.iter().all(leaves_params),
        ExprKind::Not(a) | ExprKind::IsNull(a) | ExprKind::IsNotNull(a) => leaves_params(a) && !fixed(a),
        _ => !holds_param(e) && !super::fold::has_volatile(e),
    }
}

fn holds_param(e: &Expr) -> bool {
    e.any(&mut |x| matches!(x.kind, ExprKind::Param(_)))
}
