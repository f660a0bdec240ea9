//! Scans that collect the addresses of rows in an index first, and then read the table in its own order, asking the
//! conditions again. PostgreSQL 15, indxpath.c and selfuncs.c, gincostestimate.

use super::Search;
use super::cost::{self, BitmapInput};
use super::fold::{Folder, constant};
use super::jointree::Clause;
use super::path::{BitmapPath, Path, PathKind, SearchCondition, add_path};
use super::predicate::{follow, unsaid};
use super::relset::{RelSet, rels_of};
use super::scan::{Around, BaseRel};
use super::selectivity::{Estimator, strip};
use super::settings::DISABLED;
use crate::base::Result;
use crate::catalog::Index;
use crate::gin::{Class, Need, Strategy};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::func;
use crate::types;
use std::rc::Rc;
use std::sync::Arc;

/// A condition as one on an index's column: what is asked, and the condition with the column on its left.
fn match_condition(e: &Expr, column: &Expr, class: Class, rel: usize) -> Option<(Strategy, Expr)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let [l, r] = &args[..] else { return None };
    let is_column = |e: &Expr| same(strip(e), strip(column));
    let free = |e: &Expr| !rels_of(e).has(rel) && !super::fold::has_volatile(e);
    let op = func::oper(*o)?;
    let (op, value) = match (is_column(l) && free(r), is_column(r) && free(l)) {
        (true, _) => (op, r),
        (_, true) => (func::oper(op.commutator)?, l),
        _ => return None,
    };
    let symbol = func::user::function_of(op).map_or("", |f| f.fact.src);
    if let Class::Scalar(ty) = class
        && !(op.name == "=" && [op.left, op.right].iter().all(|t| *t == ty))
    {
        return None;
    }
    let strategy = match class {
        Class::Scalar(_) => Strategy::Equals,
        _ => class.strategy(op.oid, symbol)?,
    };
    if class == Class::Array && strategy != Strategy::Formula && !same_elements(column, value) {
        return None;
    }
    if std::ptr::eq(value, r) {
        return Some((strategy, e.clone()));
    }
    let func = func::user::function_of(op)?;
    let args = vec![r.clone(), l.clone()];
    Some((strategy, Expr::new(ExprKind::Func { func, oper: Some(op.oid), args, variadic: false }, e.ty)))
}

/// Elements are looked for in their own type's form.
fn same_elements(column: &Expr, value: &Expr) -> bool {
    let element = |e: &Expr| {
        let element = types::base_type(types::element_type(e.ty.oid)?);
        Some(if element == types::oid::VARCHAR { types::oid::TEXT } else { element })
    };
    let own = element(strip(column));
    own.is_some() && own == element(value)
}

pub(super) fn value_of(condition: &Expr) -> Option<&Expr> {
    match &condition.kind {
        ExprKind::Func { args, .. } => args.get(1),
        _ => None,
    }
}

/// What is known of a search before it is done.
enum Known {
    /// It finds nothing out.
    Nothing,
    Searches(f64),
}

fn foresee(c: &SearchCondition, class: Class) -> Known {
    let Some(value) = constant(&c.value) else { return Known::Searches(5.0) };
    let Search::Gin(strategy) = c.strategy else { return Known::Nothing };
    match Need::of(c.column, class, strategy, value.datum()) {
        Ok(Need::Everything) => Known::Nothing,
        Ok(need) => Known::Searches(need.searches() as f64),
        Err(_) => Known::Searches(1.0),
    }
}

/// The ways to search a GIN index: with the relation's own conditions, and with the values of each set of other relations.
pub(super) fn gin_paths(
    base: &BaseRel,
    (n, index): (usize, &Arc<Index>),
    (columns, predicate): (&[Expr], Option<&Expr>),
    own: &[(usize, &Expr)],
    join_clauses: &[Clause],
    around: &Around<'_>,
    out: &mut Vec<Rc<Path>>,
) -> Result<()> {
    for outer in outer_sets(base, join_clauses) {
        let mut path = BitmapPath::new(base.rel, n);
        let mut found = RelSet::EMPTY;
        let fitting = join_clauses.iter().filter(|c| c.rels.minus(RelSet::one(base.rel)).within(outer));
        let all = own.iter().map(|(q, e)| (*e, Some(*q), None)).chain(fitting.map(|c| (&c.expr, None, Some(c.id))));
        for (e, qual, clause) in all {
            for (column, (expr, class)) in columns.iter().zip(&index.gin).enumerate() {
                let Some((strategy, shown)) = match_condition(e, expr, *class, base.rel) else { continue };
                let Some(value) = value_of(&shown).cloned() else { continue };
                let strategy = Search::Gin(strategy);
                let c = SearchCondition { column, strategy, value, shown, clause: e.clone() };
                let Known::Searches(searches) = foresee(&c, *class) else { continue };
                found = found.union(rels_of(&c.value));
                path.searches += searches;
                path.conditions.push(c);
                path.covered.extend(qual);
                path.used.extend(clause);
            }
        }
        if path.conditions.is_empty() || found != outer {
            continue;
        }
        recheck_predicate(&mut path, base, predicate, around);
        push(base, index, path, outer, around, out);
    }
    Ok(())
}

/// The sets of other relations whose values an index may be searched with; first of all none.
pub(super) fn outer_sets(base: &BaseRel, join_clauses: &[Clause]) -> Vec<RelSet> {
    let mut outers = vec![RelSet::EMPTY];
    for c in join_clauses {
        let outer = c.rels.minus(RelSet::one(base.rel));
        if !outers.contains(&outer) {
            outers.push(outer);
        }
    }
    outers
}

/// What a partial index's predicate says, beyond the conditions, is among what is asked again; what follows from all that
/// is not asked besides (PostgreSQL 15, createplan.c, create_bitmap_subplan and create_bitmap_scan_plan).
pub(super) fn recheck_predicate(path: &mut BitmapPath, base: &BaseRel, predicate: Option<&Expr>, around: &Around<'_>) {
    let mut folder = Folder::new(around.io);
    let mut asked: Vec<&Expr> = path.conditions.iter().map(|c| &c.clause).collect();
    let unsaid = unsaid(predicate, &asked, &mut folder);
    asked.extend(&unsaid);
    let covered = follow(&base.quals, &asked, &mut folder);
    path.implied.extend(unsaid.into_iter().cloned());
    path.covered.extend(covered.into_iter().filter(|q| !path.covered.contains(q)).collect::<Vec<_>>());
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
    let selectivity = est.all(&clauses);
    let joined: Vec<&Expr> = clauses.iter().filter(|e| !base.quals.iter().any(|q| same(q, e))).copied().collect();
    let input = BitmapInput {
        table_pages: base.pages,
        table_tuples: base.tuples,
        index_pages: (index.stats.pages.load(Relaxed) as f64).max(1.0),
        selectivity,
        searches: path.searches,
        conditions: path.conditions.len(),
        loops: outer.iter().map(|r| around.facts[r].rows).product::<f64>().max(1.0),
        filter: cost::exprs_cost(&base.quals, s) + cost::exprs_cost(joined.iter().copied(), s),
    };
    path.index_total = cost::gin_search(&input, s);
    path.index_rows = (selectivity * base.tuples).round().max(0.0);
    let (mut startup, mut total) = cost::bitmap_heap(&input, path.index_total, s);
    if !s.enable_bitmapscan {
        startup += DISABLED;
        total += DISABLED;
    }
    let rows = (base.rows * est.all(&joined)).max(1.0);
    let kind = PathKind::Bitmap(Box::new(path));
    let outer = outer.union(base.lateral);
    add_path(out, Path { rels: RelSet::one(base.rel), outer, rows, startup, total, order: Vec::new(), kind });
}
