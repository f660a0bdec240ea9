//! Scans by BRIN indexes: the pages of the ranges in which something may fulfil the conditions, and these asked again.
//! PostgreSQL 15, indxpath.c, and selfuncs.c, brincostestimate.

use super::Search;
use super::bitmap::{outer_sets, recheck_predicate, value_of};
use super::cost::{self, BitmapInput};
use super::fold::{bool_expr, has_volatile};
use super::gist::{ordered_alike, with_column_left};
use super::jointree::Clause;
use super::path::{BitmapPath, Path, PathKind, SearchCondition, add_path};
use super::relset::{RelSet, rels_of};
use super::scan::{Around, BaseRel};
use super::selectivity::{Estimator, strip};
use super::settings::DISABLED;
use crate::brin::Family;
use crate::catalog::Index;
use crate::gist::{IS_NOT_NULL, IS_NULL};
use crate::sql::expr::{Expr, ExprKind, same};
use std::rc::Rc;
use std::sync::Arc;

/// PostgreSQL 15, brin_page.h, REVMAP_PAGE_MAXITEMS.
const RANGES_PER_MAP_PAGE: f64 = 1360.0;

/// A condition as one on an index's column.
fn match_condition(e: &Expr, n: usize, column: &Expr, family: &Family, rel: usize) -> Option<SearchCondition> {
    let asks = |strategy, any, value, shown: &Expr| SearchCondition {
        column: n,
        strategy: Search::Brin { strategy, any },
        value,
        shown: shown.clone(),
        clause: e.clone(),
    };
    match &e.kind {
        ExprKind::IsNull(a) if same(strip(a), strip(column)) => return Some(asks(IS_NULL, false, bool_expr(true), e)),
        ExprKind::IsNotNull(a) if same(strip(a), strip(column)) => {
            return Some(asks(IS_NOT_NULL, false, bool_expr(true), e));
        }
        ExprKind::ScalarArray { oper: Some(o), any: true, left, array, .. } if same(strip(left), strip(column)) => {
            if rels_of(array).has(rel) || has_volatile(array) {
                return None;
            }
            let strategy = family.strategy(*o)?;
            let alike = !family.is_ordered(strategy) || left.ty.collation == column.ty.collation;
            return alike.then(|| asks(strategy, true, (**array).clone(), e));
        }
        _ => {}
    }
    let (op, shown) = with_column_left(e, column, rel)?;
    let strategy = family.strategy(op.oid)?;
    if family.is_ordered(strategy) && !ordered_alike(&shown, column) {
        return None;
    }
    Some(asks(strategy, false, value_of(&shown)?.clone(), &shown))
}

/// The ways to search an index: with the relation's own conditions, and with the values of each set of other relations.
pub(super) fn brin_paths(
    base: &BaseRel,
    (n, index): (usize, &Arc<Index>),
    (columns, predicate): (&[Expr], Option<&Expr>),
    own: &[(usize, &Expr)],
    join_clauses: &[Clause],
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) {
    let me = RelSet::one(base.rel);
    for outer in outer_sets(base, join_clauses) {
        let mut path = BitmapPath::new(base.rel, n);
        let mut found = RelSet::EMPTY;
        let fitting = join_clauses.iter().filter(|c| c.rels.minus(me).within(outer));
        let all = own.iter().map(|(q, e)| (*e, Some(*q), None)).chain(fitting.map(|c| (&c.expr, None, Some(c.id))));
        for (e, qual, clause) in all {
            let columns = columns.iter().zip(&index.brin).enumerate();
            let matching = |(n, (column, c)): (usize, (&Expr, &crate::brin::Column))| {
                match_condition(e, n, column, &c.family, base.rel)
            };
            let Some(c) = columns.into_iter().find_map(matching) else { continue };
            found = found.union(rels_of(&c.value));
            path.conditions.push(c);
            path.covered.extend(qual);
            path.used.extend(clause);
        }
        if path.conditions.is_empty() || found != outer {
            continue;
        }
        recheck_predicate(&mut path, base, predicate, around);
        push(base, index, path, outer, around, out);
    }
}

/// How well the table's order follows that of the best of the columns asked about.
fn correlation(base: &BaseRel, index: &Index, path: &BitmapPath, around: &Around<'_>) -> f64 {
    let Some(table) = &around.facts[base.rel].table else { return 0.0 };
    let stats = table.column_stats.load();
    let of = |c: &SearchCondition| {
        let attno = index.columns.get(c.column)?.attno;
        stats.iter().find(|s| attno != 0 && s.attno == attno).map(|s| s.correlation.abs())
    };
    path.conditions.iter().filter_map(of).fold(0.0, f64::max)
}

fn push(
    base: &BaseRel,
    index: &Index,
    mut path: BitmapPath,
    outer: RelSet,
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) {
    use std::sync::atomic::Ordering::Relaxed;
    let s = around.settings;
    let est = Estimator::new(around.facts, around.io);
    let clauses: Vec<&Expr> = path.conditions.iter().map(|c| &c.clause).collect();
    let joined: Vec<&Expr> = clauses.iter().filter(|e| !base.quals.iter().any(|q| same(q, e))).copied().collect();
    let loops = outer.iter().map(|r| around.facts[r].rows).product::<f64>().max(1.0);
    let per_range = f64::from(index.pages_per_range.max(1));
    let ranges = (base.pages / per_range).ceil().max(1.0);
    let wanted = (ranges * est.all(&clauses)).ceil();
    let correlation = correlation(base, index, &path, around);
    let read = if correlation < 1e-10 { ranges } else { (wanted / correlation).min(ranges) };
    let selectivity = (read / ranges).clamp(0.0, 1.0);
    // What PostgreSQL's index of so many ranges has: a map, and beside it the summaries.
    let map = (ranges / RANGES_PER_MAP_PAGE).ceil() - 1.0;
    let own = (index.stats.pages.load(Relaxed) as f64 - 1.0).max(1.0) + 2.0;
    path.index_total =
        (s.seq_page_cost * map + s.random_page_cost * own) * loops + 0.1 * s.cpu_operator_cost * read * per_range;
    path.index_rows = (selectivity * base.tuples).round().max(0.0);
    let rows = (base.rows * est.all(&joined)).max(1.0);
    let input = BitmapInput {
        table_pages: base.pages,
        table_tuples: base.tuples,
        index_pages: own + map,
        selectivity,
        searches: 1.0,
        conditions: path.conditions.len(),
        loops,
        filter: cost::exprs_cost(&base.quals, s) + cost::exprs_cost(joined.iter().copied(), s),
    };
    // The rows found are far fewer than those looked at.
    let fewer = 0.1 * s.cpu_operator_cost * ((selectivity * base.tuples).max(1.0) - rows);
    let (mut startup, mut total) = cost::bitmap_heap(&input, path.index_total - fewer, s);
    if !s.enable_bitmapscan {
        startup += DISABLED;
        total += DISABLED;
    }
    let kind = PathKind::Bitmap(Box::new(path));
    let outer = outer.union(base.lateral);
    add_path(out, Path { rels: RelSet::one(base.rel), outer, rows, startup, total, order: Vec::new(), kind });
}
