//! Scans of GiST indexes: the rows as the index finds them, in the order of a distance where that is wanted, or their
//! addresses first. PostgreSQL 15, indxpath.c, and selfuncs.c, gistcostestimate.

use super::Search;
use super::bitmap::{outer_sets, recheck_predicate, value_of};
use super::cost::{self, BitmapInput, IndexInput};
use super::fold::{bool_expr, has_volatile};
use super::jointree::Clause;
use super::path::{BitmapPath, Distance, Path, PathKey, PathKind, SearchCondition, add_path};
use super::relset::{RelSet, rels_of};
use super::scan::{Around, BaseRel, index_only};
use super::selectivity::{Estimator, strip};
use super::settings::DISABLED;
use crate::catalog::Index;
use crate::gist::{Code, Family, IS_NOT_NULL, IS_NULL};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::func;
use std::rc::Rc;
use std::sync::Arc;

/// An operator with the column on its left: the operator, and the expression written so.
pub(super) fn with_column_left(e: &Expr, column: &Expr, rel: usize) -> Option<(&'static func::OperDef, Expr)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let [l, r] = &args[..] else { return None };
    let is_column = |e: &Expr| same(strip(e), strip(column));
    let free = |e: &Expr| !rels_of(e).has(rel) && !has_volatile(e);
    let op = func::oper(*o)?;
    if is_column(l) && free(r) {
        return Some((op, e.clone()));
    }
    if !(is_column(r) && free(l)) {
        return None;
    }
    let op = func::oper(op.commutator)?;
    let func = func::user::function_of(op)?;
    let args = vec![r.clone(), l.clone()];
    Some((op, Expr::new(ExprKind::Func { func, oper: Some(op.oid), args, variadic: false }, e.ty)))
}

/// Whether the column's side is compared by what the index is ordered by.
pub(super) fn ordered_alike(shown: &Expr, column: &Expr) -> bool {
    match &shown.kind {
        ExprKind::Func { args, .. } => args.first().is_some_and(|l| l.ty.collation == column.ty.collation),
        _ => false,
    }
}

/// A condition as one on an index's column.
fn match_condition(e: &Expr, n: usize, column: &Expr, family: &Family, rel: usize) -> Option<SearchCondition> {
    let null = |strategy| SearchCondition {
        column: n,
        strategy: Search::Gist(strategy),
        value: bool_expr(true),
        shown: e.clone(),
        clause: e.clone(),
    };
    match &e.kind {
        ExprKind::IsNull(a) if same(strip(a), strip(column)) => return Some(null(IS_NULL)),
        ExprKind::IsNotNull(a) if same(strip(a), strip(column)) => return Some(null(IS_NOT_NULL)),
        _ => {}
    }
    let (op, shown) = with_column_left(e, column, rel)?;
    let strategy = family.strategy(op.oid)?;
    // Equal values are found in any order, the others only in their own.
    if family.code == Code::Scalar && !matches!(strategy, 3 | 6) && !ordered_alike(&shown, column) {
        return None;
    }
    let strategy = Search::Gist(strategy);
    let value = value_of(&shown)?.clone();
    Some(SearchCondition { column: n, strategy, value, shown, clause: e.clone() })
}

/// The wanted order as distances of the index's columns.
fn match_order(wanted: &[PathKey], columns: &[Expr], index: &Index, rel: usize) -> Option<Vec<Distance>> {
    let of_key = |k: &PathKey| {
        if k.desc || k.nulls_first {
            return None;
        }
        columns.iter().zip(&index.gist).enumerate().find_map(|(n, (column, c))| {
            let (op, expr) = with_column_left(&k.expr, column, rel)?;
            let strategy = c.family.ordering(op.oid)?;
            Some(Distance { column: n, strategy, value: value_of(&expr)?.clone(), expr })
        })
    };
    if wanted.is_empty() { None } else { wanted.iter().map(of_key).collect() }
}

/// The ways to search an index: with the relation's own conditions, and with the values of each set of other relations.
pub(super) fn gist_paths(
    base: &BaseRel,
    (n, index): (usize, &Arc<Index>),
    (columns, predicate): (&[Expr], Option<&Expr>),
    own: &[(usize, &Expr)],
    join_clauses: &[Clause],
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) {
    let me = RelSet::one(base.rel);
    let returned = |n: usize| index.gist.get(n).is_none_or(|c| c.family.code.is_returnable());
    let only = index_only(base, index, &[])
        && base.needed.iter().all(|a| index.columns.iter().enumerate().any(|(n, c)| c.attno == *a && returned(n)));
    for outer in outer_sets(base, join_clauses) {
        let mut path = BitmapPath::new(base.rel, n);
        path.only = only;
        let mut found = RelSet::EMPTY;
        let fitting = join_clauses.iter().filter(|c| c.rels.minus(me).within(outer));
        let all = own.iter().map(|(q, e)| (*e, Some(*q), None)).chain(fitting.map(|c| (&c.expr, None, Some(c.id))));
        for (e, qual, clause) in all {
            for (n, (column, c)) in columns.iter().zip(&index.gist).enumerate() {
                let Some(c) = match_condition(e, n, column, &c.family, base.rel) else { continue };
                found = found.union(rels_of(&c.value));
                path.conditions.push(c);
                path.covered.extend(qual);
                path.used.extend(clause);
                break;
            }
        }
        if found != outer {
            continue;
        }
        recheck_predicate(&mut path, base, predicate, around);
        let orders = if outer.is_empty() { match_order(around.wanted, columns, index, base.rel) } else { None };
        push(base, index, path, orders, outer, around, out);
    }
}

fn push(
    base: &BaseRel,
    index: &Index,
    path: BitmapPath,
    orders: Option<Vec<Distance>>,
    outer: RelSet,
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) {
    use std::sync::atomic::Ordering::Relaxed;
    let s = around.settings;
    let est = Estimator::new(around.facts, around.io);
    let clauses: Vec<&Expr> = path.conditions.iter().map(|c| &c.clause).collect();
    let joined: Vec<&Expr> = clauses.iter().filter(|e| !base.quals.iter().any(|q| same(q, e))).copied().collect();
    let index_tuples = match index.stats.reltuples() {
        t if t > 0.0 => t,
        _ => base.tuples,
    };
    let rest = base.quals.iter().enumerate().filter(|(n, _)| !path.covered.contains(n)).map(|(_, q)| q);
    let mut input = IndexInput {
        table_pages: base.pages,
        table_tuples: base.tuples,
        index_pages: (index.stats.pages.load(Relaxed) as f64).max(1.0),
        index_tuples,
        selectivity: est.all(&clauses),
        descents: 1.0,
        conditions: path.conditions.len(),
        correlation: 0.0,
        all_visible: if path.only && s.enable_indexonlyscan { base.all_visible } else { 0.0 },
        loops: outer.iter().map(|r| around.facts[r].rows).product::<f64>().max(1.0),
        filter: cost::exprs_cost(rest, s),
    };
    let rows = (base.rows * est.all(&joined)).max(1.0);
    let outer = outer.union(base.lateral);
    let disabled = |on: bool| if on { 0.0 } else { DISABLED };
    let mut add = |(startup, total): cost::Pair, off: f64, order: Vec<PathKey>, kind: PathKind| {
        let (startup, total) = (startup + off, total + off);
        add_path(out, Path { rels: RelSet::one(base.rel), outer, rows, startup, total, order, kind });
    };
    if !path.conditions.is_empty() || path.only || !path.implied.is_empty() {
        let kind = PathKind::Gist(Box::new(path.clone()));
        add(cost::index_scan(&input, s), disabled(s.enable_indexscan), Vec::new(), kind);
    }
    if !path.conditions.is_empty() {
        let mut path = path.clone();
        path.index_total = cost::index_part(&input, s).1;
        path.index_rows = (input.selectivity * base.tuples).round().max(0.0);
        let bitmap = BitmapInput {
            table_pages: base.pages,
            table_tuples: base.tuples,
            index_pages: input.index_pages,
            selectivity: input.selectivity,
            searches: 1.0,
            conditions: path.conditions.len(),
            loops: input.loops,
            filter: cost::exprs_cost(&base.quals, s) + cost::exprs_cost(joined.iter().copied(), s),
        };
        let costs = cost::bitmap_heap(&bitmap, path.index_total, s);
        add(costs, disabled(s.enable_bitmapscan), Vec::new(), PathKind::Bitmap(Box::new(path)));
    }
    if let Some(orders) = orders {
        input.conditions += orders.len();
        let path = BitmapPath { orders, ..path };
        let costs = cost::index_scan(&input, s);
        add(costs, disabled(s.enable_indexscan), around.wanted.to_vec(), PathKind::Gist(Box::new(path)));
    }
}
