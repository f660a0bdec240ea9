//! min() and max() by an index. PostgreSQL 15, planagg.c.

use super::Plan;
use super::planner::Planner;
use super::selectivity::strip;
use super::tree::{attribute_map, is_tree, mapped, members};
use crate::base::Result;
use crate::catalog::{Index, IndexMethod, Relation};
use crate::sql::bind::{FromNode, OrderItem, Query, Rel, Source, SubLink, Target, sort_operator};
use crate::sql::expr::{AggCall, Expr, ExprKind, SubPlanKind};
use crate::types::{TypeRef, Value, oid};

impl Planner<'_> {
    /// A query of nothing but min() and max() of columns that an index has: each is the first row of a scan of it. That is
    /// sure to win without conditions; with some the costs decide.
    pub(super) fn min_max(&mut self, query: &Query) -> Result<Option<Plan>> {
        if !query.has_aggregates
            || !query.group_by.is_empty()
            || query.grouping_sets.is_some()
            || query.has_windows
            || query.has_set_returning
        {
            return Ok(None);
        }
        let [FromNode::Rel(rel)] = query.from[..] else { return Ok(None) };
        let Source::Table { rel: t, sample: None, .. } = &query.rels[rel].source else { return Ok(None) };
        if query.filter.as_ref().is_some_and(|f| !is_own(f)) {
            return Ok(None);
        }
        let tables = match is_tree(&query.rels[rel]) {
            true => members(self.cx.names, t)?,
            false => vec![t.clone()],
        };
        for table in tables.iter().filter(|t| !t.is_partitioned()) {
            if !reads_extremes_only(query, table, &attribute_map(t, table)?) {
                return Ok(None);
            }
        }
        if tables.iter().all(|t| t.is_partitioned()) {
            return Ok(None);
        }
        let mut new = query.clone();
        new.from.clear();
        new.has_aggregates = false;
        new.filter = None;
        let filter = query.filter.as_ref();
        for t in &mut new.targets {
            replace(&mut t.expr, &query.rels[rel], filter);
        }
        new.filter = new.having.take();
        if let Some(f) = &mut new.filter {
            replace(f, &query.rels[rel], filter);
        }
        self.prepare_all(&mut new)?;
        let joined = self.no_from(&mut new)?;
        self.upper(new, joined).map(Some)
    }
}

/// All that is read of the table are extremes that an index has.
fn reads_extremes_only(query: &Query, table: &Relation, map: &[i16]) -> bool {
    let (mut found, mut fits) = (false, true);
    for e in query.targets.iter().map(|t| &t.expr).chain(&query.having) {
        e.walk(&mut |x| {
            match &x.kind {
                ExprKind::Aggregate(a) => {
                    found = true;
                    fits &= is_extreme(a, table, map, query.filter.is_some());
                    return false;
                }
                ExprKind::Var { levels_up: 0, .. } | ExprKind::SubLink(_) => fits = false,
                _ => {}
            }
            true
        });
    }
    found && fits
}

fn is_extreme(a: &AggCall, table: &Relation, map: &[i16], conditions: bool) -> bool {
    let leads = |attno| {
        let attno = mapped(map, attno);
        let by = |i: &Index| i.valid && i.method == IndexMethod::Btree && i.predicate.is_none();
        // Columns in front of it may be held by conditions.
        let columns = |i: &Index| if conditions { i.key_columns } else { 1 };
        table.indexes.iter().any(|i| by(i) && i.columns.iter().take(columns(i)).any(|c| c.attno == attno))
    };
    a.levels_up == 0
        && last_first(a).is_some()
        && a.filter.is_none()
        && a.order_by.is_empty()
        && matches!(a.args.first().map(|x| &strip(x).kind),
            Some(ExprKind::Var { attno, levels_up: 0, .. }) if leads(*attno))
}

/// Whether an aggregate is what comes first in order: false, or last: true. None: something else.
/// PostgreSQL 15, planagg.c: the aggregate's sort operator says it.
fn last_first(a: &AggCall) -> Option<bool> {
    let Some(fact) = a.func.aggregate else {
        return match (a.func.name, a.func.is_users()) {
            ("min", false) => Some(false),
            ("max", false) => Some(true),
            _ => None,
        };
    };
    let ty = a.func.args.first()?;
    let is = |name| sort_operator(name, *ty).is_some_and(|o| o.oid == fact.sort_operator);
    if is("<") { Some(false) } else { is(">").then_some(true) }
}

/// Conditions on the table alone, which may be asked once for each extreme.
fn is_own(filter: &Expr) -> bool {
    let odd = |x: &Expr| match x.kind {
        ExprKind::SubLink(_) => true,
        ExprKind::Var { levels_up, .. } => levels_up > 0,
        _ => false,
    };
    !filter.any(&mut |x| odd(x)) && !super::fold::has_volatile(filter)
}

/// Each min and max in `e` becomes (SELECT column FROM table WHERE … AND column IS NOT NULL ORDER BY column LIMIT 1).
fn replace(e: &mut Expr, table: &Rel, conditions: Option<&Expr>) {
    let ExprKind::Aggregate(a) = &e.kind else {
        e.for_each_child_mut(&mut |c| replace(c, table, conditions));
        return;
    };
    let arg = a.args[0].clone();
    let max = last_first(a) == Some(true);
    let moved = |e: &Expr| {
        let mut e = e.clone();
        e.rewrite(&mut |x| {
            if let ExprKind::Var { rel, .. } = &mut x.kind {
                *rel = 0;
            }
        });
        e
    };
    let column = moved(&arg);
    let mut filter = Expr::new(ExprKind::IsNotNull(Box::new(column.clone())), TypeRef::of(oid::BOOL));
    if let Some(conditions) = conditions {
        filter = Expr::new(ExprKind::And(vec![moved(conditions), filter]), TypeRef::of(oid::BOOL));
    }
    let query = Query {
        rels: vec![table.clone()],
        from: vec![FromNode::Rel(0)],
        filter: Some(filter),
        targets: vec![Target { name: a.func.name.to_owned(), expr: column, junk: false, origin: None }],
        order_by: vec![OrderItem { target: 0, desc: max, nulls_first: max }],
        limit: Some(Expr::new(ExprKind::Const(Value::I64(1)), TypeRef::of(oid::INT8))),
        ..Query::default()
    };
    let link = SubLink { kind: SubPlanKind::Scalar, test: None, query };
    let inner = Expr::new(ExprKind::SubLink(Box::new(link)), arg.ty);
    let found =
        if arg.ty == e.ty { inner } else { Expr { kind: ExprKind::Relabel(Box::new(inner)), ty: e.ty, pos: None } };
    *e = found.in_place_of(e);
}
