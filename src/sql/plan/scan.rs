//! Ways to read one relation: sequential, by index, by ctid, or as its kind demands. PostgreSQL 15, allpaths.c,
//! indxpath.c, tidpath.c.

use super::cost::{self, IndexInput};
use super::fold::{Folder, constant};
use super::jointree::{Clause, JoinTree};
use super::path::{IndexPath, Path, PathCondition, PathKey, PathKind, add_path, presorted};
use super::planner::Planner;
use super::relset::{RelSet, rels_of};
use super::selectivity::{Estimator, Facts, strip};
use super::settings::DISABLED;
use super::{IndexOp, Plan};
use crate::base::{Error, Oid, Result};
use crate::catalog::IndexMethod;
use crate::catalog::{Index, Relation};
use crate::sql::bind::{Rel, Source, stored};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::func;
use crate::types::{self, IoContext, Value, oid};
use std::collections::BTreeSet;
use std::rc::Rc;
use std::sync::Arc;

/// A relation of the level being planned.
pub(super) struct BaseRel {
    pub rel: usize,
    pub pages: f64,
    pub tuples: f64,
    pub rows: f64,
    pub width: i32,
    /// Conditions on this relation alone.
    pub quals: Vec<Expr>,
    /// See [`super::secure::counts`].
    pub secure: (usize, usize),
    /// Of a relation with policies: those of their conditions that may search it.
    pub bound: Option<Vec<Expr>>,
    /// Attributes read above the scan or by its conditions.
    pub needed: BTreeSet<i16>,
    /// Those of them that nothing but the conditions on this relation reads.
    pub asked: BTreeSet<i16>,
    /// Relations a LATERAL item reads.
    pub lateral: RelSet,
    /// A sub-select's plan and the values it takes from its neighbours.
    pub sub: Option<(Plan, Vec<(usize, Expr)>)>,
    /// By index of the table: its columns, and its predicate, as expressions of the level, simplified as its conditions are.
    pub indexes: Vec<(Vec<Expr>, Option<Expr>)>,
    pub all_visible: f64,
    /// The table read, if it is one; a member of a tree has its own.
    pub table: Option<Arc<Relation>>,
    /// Of a member of a tree: its attribute numbers of the root's attributes.
    pub map: Option<Vec<i16>>,
    /// Another name than the query's, for EXPLAIN.
    pub alias: Option<String>,
    /// The members of a tree.
    pub children: Option<Vec<BaseRel>>,
    /// How they are divided.
    pub shape: Option<super::prune::Shape>,
    /// The root of the tree.
    pub root: Option<Arc<Relation>>,
    /// Its rows are locked or changed, or those of another relation of the query: a row that changed meanwhile is looked
    /// at again, with all conditions (PostgreSQL 15, EvalPlanQual).
    pub marked: bool,
}

/// The relation's table, if it is one with storage.
pub(super) fn table(rel: &Rel) -> Option<&Arc<Relation>> {
    match &rel.source {
        Source::Table { rel, .. } => Some(rel),
        _ => None,
    }
}

/// Types whose values are ordered alike, so that an index on one can be searched for another's.
pub(super) fn family(ty: Oid) -> u32 {
    match types::base_type(ty) {
        oid::INT2 | oid::INT4 | oid::INT8 => 1,
        oid::TEXT | oid::VARCHAR => 2,
        t => t.0,
    }
}

fn index_op(name: &str) -> Option<IndexOp> {
    Some(match name {
        "=" => IndexOp::Eq,
        "<" => IndexOp::Lt,
        "<=" => IndexOp::Le,
        ">" => IndexOp::Gt,
        ">=" => IndexOp::Ge,
        _ => return None,
    })
}

/// Equal values are found in any order, but for those that only a nondeterministic one finds equal; the others in their own.
pub(super) fn finds(op: IndexOp, operand: &Expr, column: &Expr) -> bool {
    let (a, b) = (operand.ty.collation, column.ty.collation);
    a == b || op == IndexOp::Eq && a.is_deterministic() && b.is_deterministic()
}

/// A condition as one on an index column: the operator and the value compared with.
pub(super) fn match_condition(c: &Expr, column: &Expr, rel: usize) -> Option<(IndexOp, Expr)> {
    let is_column = |e: &Expr| same(strip(e), strip(column));
    let free = |e: &Expr| !rels_of(e).has(rel) && !super::fold::has_volatile(e);
    match &c.kind {
        ExprKind::Func { oper: Some(o), args, .. } => {
            let [l, r] = &args[..] else { return None };
            let op = func::oper(*o)?;
            let fits = |op: &func::OperDef, value: &Expr| {
                let found = index_op(op.name).filter(|i| op.result == oid::BOOL && finds(*i, l, column))?;
                let own = |ty| family(ty) == family(column.ty.oid) || polymorphic(ty);
                match (own(op.left), own(op.right)) {
                    (true, true) => Some((found, value.clone())),
                    (true, false) => Some((found, super::moment::as_moment(value, op.right, column)?)),
                    _ => None,
                }
            };
            if is_column(l) && free(r) {
                return fits(op, r);
            }
            if is_column(r) && free(l) {
                return fits(func::oper(op.commutator)?, l);
            }
            None
        }
        ExprKind::ScalarArray { oper: Some(o), any: true, left, array, .. } => {
            let op = func::oper(*o)?;
            let element = types::element_type(array.ty.oid)?;
            let alike = types::base_type(element) == types::base_type(column.ty.oid)
                || family(element) == 2 && family(column.ty.oid) == 2;
            let alike = alike && finds(IndexOp::Eq, left, column);
            (op.name == "=" && is_column(left) && free(array) && alike).then(|| (IndexOp::EqAny, (**array).clone()))
        }
        ExprKind::IsNull(a) if is_column(a) => Some((IndexOp::IsNull, super::fold::bool_expr(true))),
        ExprKind::IsNotNull(a) if is_column(a) => Some((IndexOp::IsNotNull, super::fold::bool_expr(true))),
        // PostgreSQL 15, indxpath.c, match_boolean_index_clause: same rule.
        ExprKind::BoolTest { arg, is: Some(value), negated: false } if is_column(arg) => {
            Some((IndexOp::Eq, super::fold::bool_expr(*value)))
        }
        ExprKind::Not(a) if a.ty.oid == oid::BOOL && is_column(a) => Some((IndexOp::Eq, super::fold::bool_expr(false))),
        _ if c.ty.oid == oid::BOOL && is_column(c) => Some((IndexOp::Eq, super::fold::bool_expr(true))),
        _ => None,
    }
}

fn polymorphic(ty: Oid) -> bool {
    matches!(ty, oid::ANYARRAY | oid::ANYENUM | oid::RECORD | oid::ANYRANGE)
}

/// The conditions of an index that can bound a scan.
#[derive(Default)]
pub(super) struct Match {
    pub conditions: Vec<PathCondition>,
    /// Positions in the relation's own conditions.
    pub covered: Vec<usize>,
    /// Ids and classes of join clauses.
    pub used: Vec<usize>,
    /// As the conditions were, one by one.
    pub exprs: Vec<Expr>,
    /// Those that only bound what is asked (see [`super::bounds`]).
    pub bounds: Vec<Expr>,
    /// The conditions that `exprs` come from: where one of these is a bound, what it bounds.
    pub origins: Vec<Expr>,
    /// Positions in the relation's own conditions of all that are searched by, bounds included.
    pub asked: Vec<usize>,
    pub outer: RelSet,
    /// Leading columns held by one value.
    pub fixed: usize,
    pub has_array: bool,
}

/// A candidate condition for index columns.
#[derive(Clone, Copy)]
pub(super) struct Candidate<'c> {
    pub expr: &'c Expr,
    pub qual: Option<usize>,
    pub clause: Option<&'c Clause>,
}

/// A condition on a column of an index: who asks, how, with what; a bound that it puts on the column as a condition.
type Found<'c> = (&'c Candidate<'c>, IndexOp, Expr, Option<Expr>);

impl Match {
    fn take(&mut self, c: &Candidate<'_>, condition: PathCondition, bound: Option<Expr>) {
        self.outer = self.outer.union(rels_of(&condition.value));
        self.conditions.push(condition);
        self.origins.push(c.expr.clone());
        self.asked.extend(c.qual);
        if let Some(bound) = bound {
            self.exprs.push(bound.clone());
            self.bounds.push(bound);
            return;
        }
        self.exprs.push(c.expr.clone());
        if let Some(q) = c.qual {
            self.covered.push(q);
        }
        if let Some(cl) = c.clause {
            self.used.push(cl.id);
        }
    }
}

pub(super) fn match_index(columns: &[Expr], keys: usize, candidates: &[Candidate<'_>], rel: usize) -> Match {
    let mut out = Match::default();
    for (i, column) in columns.iter().take(keys).enumerate() {
        let mut found: Vec<Found<'_>> = Vec::new();
        for c in candidates {
            // A comparison of rows says what it says beside any other condition.
            if let Some(r) = super::bounds::rows(c.expr, &columns[i..keys], rel)
                && (r.bound.is_none() || c.qual.is_some())
            {
                let row = (i + 1..i + r.columns).collect();
                out.take(c, PathCondition { column: i, row, op: r.op, value: r.value }, r.bound);
                continue;
            }
            match match_condition(c.expr, column, rel) {
                Some((op, value)) => found.push((c, op, value, None)),
                None if c.qual.is_some() => {
                    let bounds = super::bounds::bounds(c.expr, column, rel).into_iter();
                    let bounds = bounds.chain(super::moment::day(c.expr, column, rel));
                    found.extend(bounds.map(|b| (c, b.op, b.value, Some(b.expr))));
                }
                None => {}
            }
        }
        let take = |out: &mut Match, (c, op, value, bound): Found<'_>| {
            out.take(c, PathCondition { column: i, row: Vec::new(), op, value }, bound);
        };
        // An equality with the relation's own constants is better than one with another relation's columns.
        let rank = |op: IndexOp, c: &Candidate<'_>| match op {
            IndexOp::Eq if c.qual.is_some() => 0,
            IndexOp::IsNull => 1,
            IndexOp::Eq => 2,
            IndexOp::EqAny => 3,
            _ => 9,
        };
        let best = found.iter().enumerate().min_by_key(|(_, (c, op, ..))| rank(*op, c)).map(|(n, _)| n);
        let Some(best) = best else { break };
        if rank(found[best].1, found[best].0) < 9 {
            let best = found.swap_remove(best);
            out.has_array |= best.1 == IndexOp::EqAny;
            take(&mut out, best);
            out.fixed = i + 1;
            continue;
        }
        let (mut low, mut high, mut not_null) = (false, false, false);
        for one in found {
            let slot = match one.1 {
                IndexOp::Lt | IndexOp::Le => &mut high,
                IndexOp::Gt | IndexOp::Ge => &mut low,
                IndexOp::IsNotNull => &mut not_null,
                _ => continue,
            };
            if !*slot {
                *slot = true;
                take(&mut out, one);
            }
        }
        break;
    }
    out
}

impl BaseRel {
    pub(super) fn mark(&mut self, marked: bool) {
        self.marked = marked;
        self.children.iter_mut().flatten().for_each(|c| c.mark(marked));
    }
}

impl Planner<'_> {
    /// Size and columns of a relation; its conditions come later.
    pub(super) fn base_rel(
        &mut self,
        rels: &mut [Rel],
        rel: usize,
        needed: BTreeSet<i16>,
        quals: Vec<Expr>,
    ) -> Result<BaseRel> {
        let entry = &mut rels[rel];
        let mut base = BaseRel {
            rel,
            pages: 1.0,
            tuples: 1000.0,
            rows: 1000.0,
            width: 0,
            quals,
            secure: super::secure::counts(entry),
            bound: None,
            needed,
            asked: BTreeSet::new(),
            lateral: RelSet::EMPTY,
            sub: None,
            indexes: Vec::new(),
            all_visible: 0.0,
            table: table(entry).cloned(),
            map: None,
            alias: None,
            children: None,
            shape: None,
            root: None,
            marked: false,
        };
        if let Source::Table { sample: Some(s), .. } = &entry.source {
            let args = std::iter::once(&s.percent).chain(&s.seed);
            base.lateral = args.fold(base.lateral, |set, e| set.union(rels_of(e)));
        }
        let mut tree = None;
        match &mut entry.source {
            Source::Table { rel: t, inherit, .. } if t.is_partitioned() || *inherit && !t.children.is_empty() => {
                if *inherit {
                    tree = Some(t.clone());
                } else {
                    base.children = Some(Vec::new());
                }
            }
            Source::Table { rel: t, .. } => {
                self.table_size(t, &mut base);
                base.indexes = self.index_expressions(t, rel)?;
                if self.is_excluded(t, rel, &base.quals, false)? {
                    base.children = Some(Vec::new());
                }
            }
            Source::Subquery(q) => {
                let query = std::mem::take(&mut **q);
                let barrier = !entry.security.is_empty();
                let query = self.push_down(query, &mut base, barrier)?;
                let query = super::push::drop_unused(query, &base.needed);
                let (plan, outer) = self.query(query, super::planner::LevelKind::Rel)?;
                base.tuples = plan.cost.rows;
                base.lateral = outer.iter().fold(RelSet::EMPTY, |s, (_, e)| s.union(rels_of(e)));
                base.sub = Some((plan, outer));
            }
            Source::Function { calls, .. } => {
                base.tuples = calls
                    .iter()
                    .map(|c| match (&c.scalar, c.func.retset) {
                        (None, true) => rows_by_arguments(c).unwrap_or(f64::from(c.func.fact.rows).max(1.0)),
                        _ => 1.0,
                    })
                    .fold(1.0, f64::max);
                for c in calls.iter() {
                    let exprs = c.args.iter().chain(&c.scalar);
                    base.lateral = exprs.fold(base.lateral, |s, e| s.union(rels_of(e)));
                }
            }
            Source::Values(rows) => {
                base.tuples = rows.len() as f64;
                base.lateral = rows.iter().flatten().fold(RelSet::EMPTY, |s, e| s.union(rels_of(e)));
            }
            Source::Cte { index, levels_up } => {
                base.tuples = self.find_cte(*index, *levels_up)?.rows;
            }
            Source::WorkTable { index, levels_up } => {
                base.tuples = self.find_cte(*index, *levels_up)?.rows;
            }
        }
        if let Some(root) = tree {
            let (children, shape) = self.children(&base, &root)?;
            base.tuples = children.iter().map(|c| c.tuples).sum();
            base.pages = children.iter().map(|c| c.pages).sum();
            base.children = Some(children);
            base.shape = Some(shape);
            base.root = Some(root);
        }
        base.tuples = base.tuples.max(1.0);
        base.rows = base.tuples;
        base.width = base.needed.iter().map(|&a| self.attribute_width(&rels[rel], a)).sum();
        Ok(base)
    }

    pub(super) fn index_expressions(
        &mut self,
        t: &Arc<Relation>,
        rel: usize,
    ) -> Result<Vec<(Vec<Expr>, Option<Expr>)>> {
        if t.indexes.is_empty() {
            return Ok(Vec::new());
        }
        let kept = stored(t, self.cx.names, self.cx.io)?;
        let mut own = |e: &Expr| {
            let e = with_rel(e, rel);
            let mut simple = e.clone();
            // What fails, fails when a row is entered.
            if self.folder.simplify(&mut simple).is_ok() { simple } else { e }
        };
        let indexes = kept.indexes.iter();
        Ok(indexes.map(|(columns, p)| (columns.iter().map(&mut own).collect(), p.as_ref().map(&mut own))).collect())
    }

    pub(super) fn attribute_width(&self, rel: &Rel, attno: i16) -> i32 {
        let fixed = rel.attribute(attno).and_then(|ty| types::info(ty.oid)).is_some_and(|i| i.len > 0);
        if !fixed
            && let Some(t) = table(rel)
            && let Some(s) = t.column_stats.load().iter().find(|s| s.attno == attno)
            && s.avg_width > 0
        {
            return s.avg_width;
        }
        rel.attribute(attno).map_or(4, cost::type_width)
    }

    /// PostgreSQL 15, plancat.c, estimate_rel_size.
    pub(super) fn table_size(&self, t: &Arc<Relation>, base: &mut BaseRel) {
        use std::sync::atomic::Ordering::Relaxed;
        if t.generated_by.is_some() {
            (base.pages, base.tuples) = (10.0, 500.0);
            return;
        }
        let known_pages = t.stats.pages.load(Relaxed) as f64;
        let known_tuples = t.stats.reltuples();
        let mut pages = self.cx.names.blocks(t).map_or(known_pages, f64::from);
        if known_tuples < 0.0 && pages < 10.0 && t.children.is_empty() {
            pages = 10.0;
        }
        let density = if known_tuples >= 0.0 && known_pages > 0.0 {
            known_tuples / known_pages
        } else {
            let width: i32 = t.visible_attributes().map(|a| cost::type_width(a.ty)).sum();
            ((8192.0 - 24.0) / (f64::from((width + 7) & !7) + 28.0)).floor()
        };
        base.pages = pages;
        base.tuples = (density * pages).round();
        if known_pages > 0.0 {
            base.all_visible = (t.stats.all_visible.load(Relaxed) as f64 / known_pages).clamp(0.0, 1.0);
        }
    }
}

/// The rows of `generate_series` with constants, and of an array's elements. PostgreSQL 15, int.c,
/// generate_series_int4_support; arrayfuncs.c, array_unnest_support.
fn rows_by_arguments(c: &crate::sql::bind::FunctionItem) -> Option<f64> {
    match (c.func.name, &c.args[..]) {
        ("unnest", [array]) if types::element_type(array.ty.oid).is_some() => {
            return Some(super::selectivity::elements(array));
        }
        ("generate_series", _) => {}
        _ => return None,
    }
    let number = |e: &Expr| match constant(e)? {
        Value::I32(n) => Some(f64::from(*n)),
        Value::I64(n) => Some(*n as f64),
        _ => None,
    };
    let (a, b) = (number(c.args.first()?)?, number(c.args.get(1)?)?);
    let step = match c.args.get(2) {
        Some(s) => number(s)?,
        None => 1.0,
    };
    if step == 0.0 { None } else { Some(((b - a + step) / step).floor().max(1.0)) }
}

/// What path making needs to know of the level.
pub(super) struct Around<'t> {
    pub tree: &'t JoinTree,
    pub facts: &'t [Facts],
    pub wanted: &'t [PathKey],
    /// See [`super::join::Joined::held`].
    pub held: &'t [Expr],
    pub settings: &'t super::settings::PlannerSettings,
    pub io: &'t IoContext,
    /// The rels whose rows are wanted in a hurry: LIMIT is above.
    pub rels: &'t [Rel],
}

/// All paths of one relation.
pub(super) fn base_paths(base: &BaseRel, around: &Around<'_>) -> Result<Vec<Rc<Path>>> {
    if let Some(children) = &base.children {
        return super::tree::tree_paths(base, children, around);
    }
    let mut out = Vec::new();
    let rel = base.rel;
    let entry = &around.rels[rel];
    let s = around.settings;
    let qual = cost::exprs_cost(&base.quals, s);
    let me = RelSet::one(rel);
    let make = |startup, total, order, kind| Path {
        rels: me,
        outer: base.lateral,
        rows: base.rows,
        startup,
        total,
        order,
        kind,
    };
    match &entry.source {
        Source::Table { rel: t, .. } if t.generated_by.is_none() => {
            let (start, total) = cost::seq_scan(base.pages, base.tuples, qual, s);
            add_path(&mut out, make(start, total, Vec::new(), PathKind::Seq(rel)));
            tid_paths(base, around, &mut out);
            let t = base.table.as_ref().unwrap_or(t);
            index_paths(base, t, around, &mut out)?;
            super::bitmap_tree::bitmap_paths(base, t, around, &mut out);
        }
        Source::Table { rel: t, .. } => {
            let (start, total) = cost::seq_scan(base.pages, base.tuples, qual, s);
            add_path(&mut out, make(start, total, Vec::new(), PathKind::Seq(rel)));
            super::keyed::keyed_paths(base, t, around, &mut out);
        }
        Source::Subquery(_) => {
            let Some((plan, _)) = &base.sub else { return Err(Error::internal("a sub-select without a plan")) };
            let total = plan.cost.total + base.tuples * (s.cpu_tuple_cost * 0.1 + qual);
            add_path(&mut out, make(plan.cost.startup, total, Vec::new(), PathKind::Other(rel)));
        }
        Source::Function { .. } => {
            let total = s.cpu_operator_cost + base.tuples * (s.cpu_tuple_cost + qual);
            add_path(&mut out, make(s.cpu_operator_cost, total, Vec::new(), PathKind::Other(rel)));
        }
        Source::Values(_) => {
            let total = base.tuples * (s.cpu_operator_cost + s.cpu_tuple_cost + qual);
            add_path(&mut out, make(0.0, total, Vec::new(), PathKind::Other(rel)));
        }
        Source::Cte { .. } | Source::WorkTable { .. } => {
            let total = base.tuples * (s.cpu_tuple_cost * 2.0 + qual);
            add_path(&mut out, make(0.0, total, Vec::new(), PathKind::Other(rel)));
        }
    }
    Ok(out)
}

fn tid_paths(base: &BaseRel, around: &Around<'_>, out: &mut Vec<Rc<Path>>) {
    let allowed = |q: &&Expr| super::secure::may_search(base, q);
    let is_ctid = |e: &Expr| matches!(e.kind, ExprKind::Var { rel, attno: -1, levels_up: 0 } if rel == base.rel);
    for (i, q) in base.quals.iter().enumerate().filter(|(_, q)| allowed(q)) {
        let tids = match &q.kind {
            ExprKind::Func { oper: Some(o), args, .. } if func::oper(*o).is_some_and(|o| o.name == "=") => {
                match &args[..] {
                    [l, r] if is_ctid(l) && rels_of(r).is_empty() => vec![r.clone()],
                    [l, r] if is_ctid(r) && rels_of(l).is_empty() => vec![l.clone()],
                    _ => continue,
                }
            }
            ExprKind::ScalarArray { oper: Some(o), any: true, left, array, .. }
                if is_ctid(left) && func::oper(*o).is_some_and(|o| o.name == "=") =>
            {
                match &array.kind {
                    ExprKind::Array { elements, .. } if elements.iter().all(|e| rels_of(e).is_empty()) => {
                        elements.clone()
                    }
                    _ => continue,
                }
            }
            _ => continue,
        };
        let s = around.settings;
        let n = tids.len() as f64;
        let start = if s.enable_tidscan { 0.0 } else { DISABLED };
        add_path(
            out,
            Path {
                rels: RelSet::one(base.rel),
                outer: base.lateral,
                rows: n.min(base.rows.max(1.0)),
                startup: start,
                total: start + n * (s.random_page_cost + s.cpu_tuple_cost),
                order: Vec::new(),
                kind: PathKind::Tid { rel: base.rel, tids, clause: i },
            },
        );
    }
}

fn index_paths(base: &BaseRel, t: &Arc<Relation>, around: &Around<'_>, out: &mut Vec<Rc<Path>>) -> Result<()> {
    let rel = base.rel;
    let own: Vec<Candidate<'_>> =
        base.quals.iter().enumerate().map(|(i, e)| Candidate { expr: e, qual: Some(i), clause: None }).collect();
    let own: Vec<Candidate<'_>> = own.into_iter().filter(|c| super::secure::may_search(base, c.expr)).collect();
    let mut join_clauses = join_candidates(rel, around.tree);
    if let Some(map) = &base.map {
        join_clauses.iter_mut().for_each(|c| c.expr = super::tree::to_child(&c.expr, rel, map));
    }
    join_clauses.retain(|c| super::secure::may_search(base, &c.expr));
    let all = own;
    // Of equally good indexes PostgreSQL takes the newest.
    for (n, index) in t.indexes.iter().enumerate().rev() {
        if !index.valid {
            continue;
        }
        let Some((columns, predicate)) = base.indexes.get(n) else { continue };
        let Some(said) = super::predicate::said_by(predicate.as_ref(), base, &join_clauses, around) else { continue };
        let own: Vec<Candidate<'_>> =
            all.iter().filter(|c| c.qual.is_none_or(|q| !said.contains(&q))).copied().collect();
        if index.method == IndexMethod::Gin {
            let own: Vec<(usize, &Expr)> = own.iter().filter_map(|c| Some((c.qual?, c.expr))).collect();
            let index = (n, index);
            super::bitmap::gin_paths(base, index, (columns, predicate.as_ref()), &own, &join_clauses, around, out)?;
            continue;
        }
        if index.method == IndexMethod::Gist {
            let own: Vec<(usize, &Expr)> = own.iter().filter_map(|c| Some((c.qual?, c.expr))).collect();
            let index = (n, index);
            super::gist::gist_paths(base, index, (columns, predicate.as_ref()), &own, &join_clauses, around, out);
            continue;
        }
        if index.method == IndexMethod::Brin {
            let own: Vec<(usize, &Expr)> = own.iter().filter_map(|c| Some((c.qual?, c.expr))).collect();
            let index = (n, index);
            super::brin::brin_paths(base, index, (columns, predicate.as_ref()), &own, &join_clauses, around, out);
            continue;
        }
        if index.method == IndexMethod::Hash {
            hash_paths(base, (n, index), (&columns[0], &said), &own, &join_clauses, around, out)?;
            continue;
        }
        let only = index_only(base, index, &said);
        let mut m = match_index(columns, index.key_columns, &own, rel);
        m.covered.extend(&said);
        let order = index_order(index, columns, &m, around.held);
        let forward = presorted(&order, around.wanted);
        let back: Vec<PathKey> = order
            .iter()
            .map(|k| PathKey { desc: !k.desc, nulls_first: !k.nulls_first, expr: k.expr.clone() })
            .collect();
        let backward = presorted(&back, around.wanted);
        if !m.conditions.is_empty() || forward > 0 || only || predicate.is_some() {
            push_index(base, n, index, &m, false, only, around.wanted[..forward].to_vec(), 1.0, around, out);
        }
        if backward > 0 {
            push_index(base, n, index, &m, true, only, around.wanted[..backward].to_vec(), 1.0, around, out);
        }
        // With values of other relations: all of them, then those of each single relation.
        if join_clauses.is_empty() {
            continue;
        }
        let mut tried: Vec<RelSet> = Vec::new();
        let mut groups: Vec<RelSet> = Vec::new();
        for c in &join_clauses {
            let outer = c.rels.minus(RelSet::one(rel));
            if !groups.contains(&outer) {
                groups.push(outer);
            }
        }
        let all = groups.iter().fold(RelSet::EMPTY, |s, g| s.union(*g));
        if !groups.contains(&all) && groups.len() <= 6 {
            groups.push(all);
        }
        for g in groups {
            let mut list: Vec<Candidate<'_>> =
                own.iter().map(|c| Candidate { expr: c.expr, qual: c.qual, clause: None }).collect();
            list.extend(join_clauses.iter().filter(|c| c.rels.minus(RelSet::one(rel)).within(g)).map(|c| Candidate {
                expr: &c.expr,
                qual: None,
                clause: Some(c),
            }));
            let mut m = match_index(columns, index.key_columns, &list, rel);
            m.covered.extend(&said);
            if m.outer.is_empty() || tried.contains(&m.outer) {
                continue;
            }
            tried.push(m.outer);
            let loops = m.outer.iter().map(|r| around.facts[r].rows).product::<f64>().max(1.0);
            push_index(base, n, index, &m, false, only, Vec::new(), loops, around, out);
        }
    }
    Ok(())
}

/// A hash index finds the rows whose value has the hash code of the one looked for. The condition itself stays a filter,
/// or one of the join: other values may have the same code.
fn hash_paths(
    base: &BaseRel,
    (n, index): (usize, &Arc<Index>),
    (code, said): (&Expr, &[usize]),
    own: &[Candidate<'_>],
    join_clauses: &[Clause],
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) -> Result<()> {
    let column = crate::sql::bind::hashed_value(code);
    let joins = join_clauses.iter().map(|c| Candidate { expr: &c.expr, qual: None, clause: Some(c) });
    let candidates = own.iter().map(|c| Candidate { expr: c.expr, qual: c.qual, clause: None }).chain(joins);
    for c in candidates {
        let Some((IndexOp::Eq, value)) = match_condition(c.expr, column, base.rel) else { continue };
        let outer = rels_of(&value);
        let value = crate::sql::bind::hash_code(value)?;
        let m = Match {
            conditions: vec![PathCondition { column: 0, row: Vec::new(), op: IndexOp::Eq, value }],
            covered: said.to_vec(),
            exprs: vec![c.expr.clone()],
            outer,
            ..Match::default()
        };
        let loops = outer.iter().map(|r| around.facts[r].rows).product::<f64>().max(1.0);
        push_index(base, n, index, &m, false, false, Vec::new(), loops, around, out);
    }
    Ok(())
}

/// Join conditions that could search an index of the relation: plain ones, those of outer joins that leave it empty,
/// and the classes' pairs.
pub(super) fn join_candidates(rel: usize, tree: &JoinTree) -> Vec<Clause> {
    let me = RelSet::one(rel);
    let mut out: Vec<Clause> = Vec::new();
    for c in &tree.clauses {
        if c.rels.has(rel) && c.rels.len() > 1 && c.required == c.rels {
            out.push(c.clone());
        }
    }
    for s in &tree.specials {
        if matches!(s.kind, super::JoinKind::Left | super::JoinKind::Semi | super::JoinKind::Anti) && s.min_right == me
        {
            out.extend(s.on.iter().filter(|c| c.rels.has(rel) && c.rels.len() > 1).cloned());
        }
        // The other side of a semi join may come first, each value of it once.
        if s.kind == super::JoinKind::Semi && s.syn_left.has(rel) {
            let equal = |c: &&Clause| c.equality.is_some() && c.rels.has(rel) && c.rels.overlaps(s.syn_right);
            out.extend(s.on.iter().filter(equal).cloned());
        }
    }
    for (i, class) in tree.classes.iter().enumerate() {
        if class.constant.is_some() {
            continue;
        }
        for (m, r) in class.members.iter().filter(|(_, r)| *r == me) {
            for (o, ro) in class.members.iter().filter(|(_, x)| !x.overlaps(me)) {
                if let Some(expr) = super::jointree::make_equality(class.oper, m.clone(), o.clone()) {
                    let rels = r.union(*ro);
                    out.push(Clause {
                        id: usize::MAX - i,
                        expr,
                        rels,
                        required: rels,
                        equality: None,
                        selectivity: None,
                    });
                }
            }
        }
    }
    out
}

/// An expression over a relation's own attributes as one of the level.
pub(super) fn with_rel(e: &Expr, rel: usize) -> Expr {
    let mut e = e.clone();
    e.rewrite(&mut |x| {
        if let ExprKind::Var { rel: r, .. } = &mut x.kind {
            *r = rel;
        }
    });
    e
}

/// The index has all that is read of the table, but for the conditions it makes true (`said`).
pub(super) fn index_only(base: &BaseRel, index: &Index, said: &[usize]) -> bool {
    let asks = |q: &Expr, of: i16| q.any(&mut |x| matches!(x.kind, ExprKind::Var { attno, .. } if attno == of));
    let asked = |a: i16| base.quals.iter().enumerate().any(|(n, q)| !said.contains(&n) && asks(q, a));
    let left_out = |a: &i16| !said.is_empty() && base.asked.contains(a) && !asked(*a);
    base.needed.iter().all(|a| left_out(a) || index.holds(*a))
}

/// The order an index gives beyond the columns held by one value.
fn index_order(index: &Index, columns: &[Expr], m: &Match, held: &[Expr]) -> Vec<PathKey> {
    if m.has_array {
        return Vec::new();
    }
    columns
        .iter()
        .zip(&index.columns)
        .take(index.key_columns)
        .skip(m.fixed)
        .filter(|(e, _)| !super::order::is_held(held, e))
        .map(|(e, c)| PathKey { expr: e.clone(), desc: c.desc, nulls_first: c.nulls_first })
        .collect()
}

fn push_index(
    base: &BaseRel,
    n: usize,
    index: &Arc<Index>,
    m: &Match,
    backward: bool,
    only: bool,
    order: Vec<PathKey>,
    loops: f64,
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) {
    use std::sync::atomic::Ordering::Relaxed;
    let s = around.settings;
    let only = only && s.enable_indexonlyscan;
    let est = Estimator::new(around.facts, around.io);
    let mut refs: Vec<&Expr> = m.exprs.iter().collect();
    // The entries are those of the predicate's rows.
    if let Some(p) = base.indexes.get(n).and_then(|i| i.1.as_ref()) {
        let unsaid = super::predicate::unsaid(Some(p), &refs, &mut Folder::new(around.io));
        refs.extend(unsaid);
    }
    let unique_hit = index.unique && m.conditions.iter().filter(|c| c.op == IndexOp::Eq).count() == index.key_columns;
    let mut selectivity = est.all(&refs);
    if unique_hit {
        selectivity = selectivity.min(1.0 / base.tuples.max(1.0));
    }
    let mut rest: Vec<&Expr> = Vec::new();
    for (i, q) in base.quals.iter().enumerate() {
        if !m.covered.contains(&i) {
            rest.push(q);
        }
    }
    let used: Vec<&Expr> = m.exprs.iter().filter(|e| !base.quals.iter().chain(&m.bounds).any(|q| same(q, e))).collect();
    let mut rows = (base.rows * est.all(&used)).max(1.0);
    if unique_hit {
        rows = 1.0;
    }
    let index_tuples = match index.stats.reltuples() {
        t if t > 0.0 => t,
        _ => base.tuples,
    };
    let index_pages = match index.stats.pages.load(Relaxed) {
        0 => (index_tuples * 24.0 / 8192.0).ceil().max(1.0),
        p => p as f64,
    };
    let descents = m
        .conditions
        .iter()
        .filter(|c| c.op == IndexOp::EqAny)
        .map(|c| match &c.value.kind {
            ExprKind::Const(Value::Bytes(b)) => types::array::Array::new(b).len() as f64,
            ExprKind::Array { elements, .. } => elements.len() as f64,
            _ => 10.0,
        })
        .product::<f64>()
        .max(1.0);
    let correlation = around.facts[base.rel]
        .table
        .as_ref()
        .and_then(|t| t.column_stats.load().iter().find(|c| c.attno == index.columns[0].attno).map(|c| c.correlation))
        .unwrap_or(0.0)
        * if index.key_columns > 1 { 0.75 } else { 1.0 };
    let input = IndexInput {
        table_pages: base.pages,
        table_tuples: base.tuples,
        index_pages,
        index_tuples,
        selectivity,
        descents,
        conditions: m.conditions.len(),
        correlation,
        all_visible: if only { base.all_visible } else { 0.0 },
        loops,
        filter: cost::exprs_cost(rest, s),
    };
    let (mut startup, mut total) = cost::index_scan(&input, s);
    if !s.enable_indexscan {
        startup += DISABLED;
        total += DISABLED;
    }
    add_path(
        out,
        Path {
            rels: RelSet::one(base.rel),
            outer: m.outer.union(base.lateral),
            rows,
            startup,
            total,
            order,
            kind: PathKind::Index(Box::new(IndexPath {
                rel: base.rel,
                index: n,
                conditions: m.conditions.clone(),
                backward,
                only,
                used: m.used.clone(),
                covered: m.covered.clone(),
            })),
        },
    );
}
