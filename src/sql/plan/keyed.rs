//! Rows of a generated relation by the value another relation has: the inner side of a nested loop.
//!
//! A generator makes all rows of a catalog, or those of one object; in a database of many tables the second is what a
//! client wants that asks about one of them.

use super::cost::exprs_cost;
use super::path::{KeyedPath, Path, PathKind, add_path};
use super::relset::{RelSet, rels_of};
use super::scan::{Around, BaseRel, join_candidates};
use super::selectivity::{Estimator, strip};
use crate::base::Oid;
use crate::catalog::{Relation, system};
use crate::sql::expr::{Expr, ExprKind};
use std::rc::Rc;

/// `oideq`
const OID_EQUALS: Oid = Oid(184);

/// What it costs to ask a generator for the rows of one object, in rows of a scan of the whole.
const ROWS_OF_A_CALL: f64 = 10.0;

pub(super) fn keyed_paths(base: &BaseRel, table: &Relation, around: &Around<'_>, out: &mut Vec<Rc<Path>>) {
    let key = table.generated_by.and_then(system::key);
    let Some(key) = key.and_then(|k| table.attributes.iter().find(|a| a.name == k)) else { return };
    let s = around.settings;
    let mut tried = Vec::new();
    for c in join_candidates(base.rel, around.tree) {
        let outer = c.rels.minus(RelSet::one(base.rel));
        if !names_key(&c.expr, base.rel, key.attno)
            || tried.contains(&outer)
            || !super::secure::may_search(base, &c.expr)
        {
            continue;
        }
        tried.push(outer);
        let rows = (base.rows * Estimator::new(around.facts, around.io).all(&[&c.expr])).max(1.0);
        let row = s.cpu_tuple_cost + exprs_cost(&base.quals, s);
        add_path(
            out,
            Path {
                rels: RelSet::one(base.rel),
                outer: outer.union(base.lateral),
                rows,
                startup: 0.0,
                total: (ROWS_OF_A_CALL + rows) * row,
                order: Vec::new(),
                kind: PathKind::Keyed(Box::new(KeyedPath { rel: base.rel, condition: c.expr, used: c.id })),
            },
        );
    }
}

/// `key = value`, the value being others'.
fn names_key(e: &Expr, rel: usize, attno: i16) -> bool {
    let ExprKind::Func { func, args, .. } = &e.kind else { return false };
    let is_key = |e: &Expr| match strip(e).kind {
        ExprKind::Var { rel: r, attno: a, levels_up: 0 } => (r, a) == (rel, attno),
        _ => false,
    };
    let [left, right] = &args[..] else { return false };
    let fits = |key: &Expr, value: &Expr| is_key(key) && !rels_of(value).has(rel) && !super::fold::has_volatile(value);
    func.oid == OID_EQUALS && (fits(left, right) || fits(right, left))
}
