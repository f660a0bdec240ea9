//! How many rows a condition keeps: PostgreSQL 15, clausesel.c and selfuncs.c, same formulas and defaults.
//!
//! - `scalar`: a column beside a constant, by its most common values and its histogram.
//! - `pattern`: LIKE and regular expressions.
//! - `join`: equalities between two relations.
//! - `groups`: how many there are of rows that are grouped.
//! - `extended`: what CREATE STATISTICS knows of columns together.
//! - `position`: where a value lies between two bounds of a histogram.

mod bucket;
mod extended;
mod groups;
mod join;
mod pattern;
mod position;
mod scalar;

use super::fold::constant;
use super::relset::rels_of;
use crate::catalog::{ColumnStats, Relation};
use crate::sql::bind::Rel;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, Selectivity};
use crate::types::{self, IoContext, TypeRef, Value};
use std::sync::Arc;

const DEFAULT_EQ: f64 = 0.005;
const DEFAULT_INEQ: f64 = 0.333_333_333_333_333_3;
const DEFAULT_RANGE: f64 = 0.005;
const DEFAULT_MATCH: f64 = 0.005;
const DEFAULT_CONTAIN: f64 = 0.005;
const DEFAULT_MATCHING: f64 = 0.010;
const DEFAULT_TEXT_SEARCH: f64 = 0.001;
const DEFAULT_UNKNOWN: f64 = 0.005;
const DEFAULT_DISTINCT: f64 = 200.0;

/// What estimates know about a relation of the level.
#[derive(Clone, Debug, Default)]
pub(super) struct Facts {
    pub table: Option<Arc<Relation>>,
    /// Its children's rows are meant, too.
    pub tree: bool,
    /// Rows before any condition.
    pub tuples: f64,
    /// Rows after the relation's own conditions.
    pub rows: f64,
}

impl Facts {
    /// What is known of a relation before its size is looked at.
    pub fn known(rel: &Rel) -> Facts {
        let table = super::scan::table(rel).cloned();
        let tuples = table.as_ref().map(|t| t.stats.reltuples()).filter(|n| *n >= 1.0).unwrap_or(1000.0);
        let tree = table.as_ref().is_some_and(|t| !t.children.is_empty());
        Facts { table, tree, tuples, rows: tuples }
    }
}

/// Estimates over the relations of one query level.
pub(super) struct Estimator<'a> {
    rels: &'a [Facts],
    io: &'a IoContext,
}

/// The statistics of one column, as they are kept with those of the table's others.
pub(super) struct Known {
    all: Arc<Vec<ColumnStats>>,
    at: usize,
}

impl std::ops::Deref for Known {
    type Target = ColumnStats;

    fn deref(&self) -> &ColumnStats {
        &self.all[self.at]
    }
}

/// A column of a table with its statistics.
pub(super) struct Variable {
    pub rel: usize,
    pub stats: Option<Known>,
    pub unique: bool,
    pub tuples: f64,
    pub ty: TypeRef,
}

fn clamp(p: f64) -> f64 {
    p.clamp(0.0, 1.0)
}

/// The column under casts that change nothing.
pub(super) fn strip(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Relabel(a) => strip(a),
        _ => e,
    }
}

impl<'a> Estimator<'a> {
    pub fn new(rels: &'a [Facts], io: &'a IoContext) -> Estimator<'a> {
        Estimator { rels, io }
    }

    pub fn variable(&self, e: &Expr) -> Option<Variable> {
        let inner = strip(e);
        let ExprKind::Var { rel, attno, levels_up: 0 } = inner.kind else { return None };
        let facts = self.rels.get(rel)?;
        let stats = facts.table.as_ref().and_then(|t| {
            let stats = if facts.tree { &t.tree_stats } else { &t.column_stats };
            let all = stats.load_full();
            all.iter().position(|s| s.attno == attno).map(|at| Known { all, at })
        });
        let unique = attno == -1
            || facts.table.as_ref().is_some_and(|t| {
                t.indexes.iter().any(|i| {
                    i.unique && i.valid && i.key_columns == 1 && i.columns[0].attno == attno && i.predicate.is_none()
                })
            });
        Some(Variable { rel, stats, unique, tuples: facts.tuples.max(1.0), ty: inner.ty })
    }

    /// Different values of an expression in all rows of its relation.
    pub fn distinct(&self, e: &Expr) -> f64 {
        if let ExprKind::Const(_) | ExprKind::Param(_) | ExprKind::ExecParam(_) = e.kind {
            return 1.0;
        }
        match self.variable(e) {
            Some(v) => v.distinct(),
            None if e.ty.oid == types::oid::BOOL => 2.0,
            None => match rels_of(e).iter().map(|r| self.rels[r].tuples).fold(1.0, f64::max) {
                t if t < DEFAULT_DISTINCT => t,
                _ => DEFAULT_DISTINCT,
            },
        }
    }

    /// [`distinct`](Self::distinct) has something to go by.
    pub fn knows(&self, e: &Expr) -> bool {
        match self.variable(e) {
            Some(v) => v.stats.is_some() || v.unique || v.tuples < DEFAULT_DISTINCT,
            None => e.ty.oid == types::oid::BOOL,
        }
    }

    /// The part of the rows a list of conditions keeps, ranges on one column taken together.
    pub fn all(&self, clauses: &[&Expr]) -> f64 {
        let mut s = 1.0;
        let mut ranges: Vec<(&Expr, Option<f64>, Option<f64>)> = Vec::new();
        let mut covered = Vec::new();
        if clauses.len() > 1
            && let Some((together, used)) = self.by_dependencies(clauses)
        {
            s = together;
            covered = used;
        }
        for (_, c) in clauses.iter().enumerate().filter(|(n, _)| !covered.contains(n)) {
            let part = self.one(c);
            match range_side(c) {
                Some((var, low)) => {
                    let slot = match ranges.iter_mut().position(|(v, ..)| crate::sql::expr::same(v, var)) {
                        Some(i) => &mut ranges[i],
                        None => {
                            ranges.push((var, None, None));
                            let last = ranges.len() - 1;
                            &mut ranges[last]
                        }
                    };
                    let side = if low { &mut slot.1 } else { &mut slot.2 };
                    *side = Some(side.map_or(part, |o: f64| o.min(part)));
                }
                None => s *= part,
            }
        }
        for (var, low, high) in ranges {
            s *= match (low, high) {
                (Some(l), Some(h)) if l == DEFAULT_INEQ || h == DEFAULT_INEQ => DEFAULT_RANGE,
                (Some(l), Some(h)) => {
                    // Both leave out the NULLs.
                    let nulls = self.variable(var).map_or(DEFAULT_UNKNOWN, |v| v.null_frac());
                    match l + h - 1.0 + nulls {
                        both if both > 0.0 => both,
                        both if both < -0.01 => DEFAULT_RANGE,
                        _ => 1.0e-10,
                    }
                }
                (Some(x), None) | (None, Some(x)) => x,
                _ => 1.0,
            };
        }
        clamp(s)
    }

    /// The part of the rows one condition keeps.
    pub fn one(&self, e: &Expr) -> f64 {
        clamp(match &e.kind {
            ExprKind::Const(Value::Bool(true)) => 1.0,
            ExprKind::Const(_) => 0.0,
            ExprKind::And(parts) => self.all(&parts.iter().collect::<Vec<_>>()),
            ExprKind::Or(parts) => parts.iter().map(|p| self.one(p)).fold(0.0, |a, b| a + b - a * b),
            ExprKind::Not(a) => 1.0 - self.one(a),
            ExprKind::IsNull(a) => self.null_fraction(a),
            ExprKind::IsNotNull(a) => 1.0 - self.null_fraction(a),
            ExprKind::BoolTest { arg, is, negated } => self.boolean_test(arg, *is, *negated),
            ExprKind::Var { .. } => self.boolean(e),
            ExprKind::Func { oper: Some(o), args, .. } if args.len() == 2 => self.operator(*o, &args[0], &args[1]),
            ExprKind::ScalarArray { oper, any, left, array, .. } => self.scalar_array(*oper, *any, left, array),
            ExprKind::Distinct { left, right, negated, .. } => {
                let (l, r) = (types::base_type(left.ty.oid), types::base_type(right.ty.oid));
                let same = func::type_operator("=", l, r).map_or(DEFAULT_EQ, |op| self.operator(op.oid, left, right));
                if *negated { same } else { 1.0 - same }
            }
            // PostgreSQL 15, plancat.c and clausesel.c, rowcomparesel: the first columns alone are looked at.
            ExprKind::RowCompare { op, pairs } => {
                let first = pairs.first().and_then(|p| {
                    let base = |e: &Expr| crate::types::base_type(e.ty.oid);
                    let op = func::type_operator(op.symbol(), base(&p.left), base(&p.right))?;
                    Some(self.operator(op.oid, &p.left, &p.right))
                });
                first.unwrap_or(DEFAULT_INEQ)
            }
            ExprKind::SubPlan(_) | ExprKind::SubLink(_) => 0.5,
            // PostgreSQL 15, like_support.c, text_starts_with_support.
            ExprKind::Func { func, args, .. } if func.name == "starts_with" && args.len() == 2 => {
                match func::type_operator("^@", types::oid::TEXT, types::oid::TEXT) {
                    Some(op) => self.pattern(op, &args[0], &args[1], false),
                    None => DEFAULT_INEQ,
                }
            }
            ExprKind::Func { .. } => DEFAULT_INEQ,
            _ => 0.5,
        })
    }

    /// PostgreSQL 15, selfuncs.c, booltestsel: NULLs count for what is not.
    fn boolean_test(&self, arg: &Expr, is: Option<bool>, negated: bool) -> f64 {
        let nulls = match self.variable(arg) {
            Some(Variable { stats: Some(s), .. }) => Some(s.null_frac),
            _ => None,
        };
        let p = match (is, nulls) {
            (Some(true), _) => self.one(arg),
            (Some(false), Some(nulls)) => 1.0 - nulls - self.one(arg),
            (Some(false), None) => 1.0 - self.one(arg),
            (None, nulls) => nulls.unwrap_or(DEFAULT_UNKNOWN),
        };
        if negated { 1.0 - p } else { p }
    }

    /// A column of booleans as a condition.
    fn boolean(&self, e: &Expr) -> f64 {
        let truth = Expr::new(ExprKind::Const(Value::Bool(true)), TypeRef::of(types::oid::BOOL));
        match (func::type_operator("=", types::oid::BOOL, types::oid::BOOL), self.variable(e)) {
            (Some(equal), Some(Variable { stats: Some(_), .. })) => self.equality(equal, e, &truth, false),
            _ => 0.5,
        }
    }

    fn null_fraction(&self, e: &Expr) -> f64 {
        match self.variable(e) {
            Some(Variable { stats: Some(s), .. }) => s.null_frac,
            Some(Variable { rel, .. }) => {
                let not_null = match &strip(e).kind {
                    ExprKind::Var { attno, .. } => {
                        *attno < 0
                            || self.rels[rel]
                                .table
                                .as_ref()
                                .is_some_and(|t| t.attributes.get(*attno as usize - 1).is_some_and(|a| a.not_null))
                    }
                    _ => false,
                };
                if not_null { 0.0 } else { DEFAULT_UNKNOWN }
            }
            None => DEFAULT_UNKNOWN,
        }
    }

    fn operator(&self, oper: crate::base::Oid, left: &Expr, right: &Expr) -> f64 {
        let Some(op) = func::oper(oper) else { return 0.5 };
        let (l, r) = (rels_of(left), rels_of(right));
        let both = !l.is_empty() && !r.is_empty();
        // Of two columns of one relation nothing is known together.
        if both && l.union(r).single().is_some() {
            return match op.selectivity() {
                Selectivity::Equal => DEFAULT_EQ,
                Selectivity::NotEqual => 1.0 - DEFAULT_EQ,
                Selectivity::None => 0.5,
                Selectivity::Pattern => DEFAULT_MATCH,
                Selectivity::NotPattern => 1.0 - DEFAULT_MATCH,
                _ => DEFAULT_INEQ,
            };
        }
        match op.selectivity() {
            Selectivity::Equal if both => self.join_equality(left, right),
            Selectivity::Equal => self.equality(op, left, right, false),
            Selectivity::NotEqual if both => 1.0 - self.join_equality(left, right),
            Selectivity::NotEqual => match func::oper(op.negator) {
                Some(equal) => self.equality(equal, left, right, true),
                None => 1.0 - DEFAULT_EQ,
            },
            Selectivity::Less | Selectivity::Greater | Selectivity::LessEqual | Selectivity::GreaterEqual if both => {
                DEFAULT_INEQ
            }
            Selectivity::Less => self.inequality(op, left, right, (true, false)),
            Selectivity::LessEqual => self.inequality(op, left, right, (true, true)),
            Selectivity::Greater => self.inequality(op, left, right, (false, false)),
            Selectivity::GreaterEqual => self.inequality(op, left, right, (false, true)),
            Selectivity::Pattern => self.pattern(op, left, right, false),
            Selectivity::NotPattern => self.pattern(op, left, right, true),
            Selectivity::ArrayContains => array_contains(op.name, left, right),
            Selectivity::Matching => DEFAULT_MATCHING,
            Selectivity::TextSearch => DEFAULT_TEXT_SEARCH,
            // PostgreSQL 15, geo_selfuncs.c, rangetypes_selfuncs.c and network_selfuncs.c, without statistics.
            Selectivity::Area => 0.005,
            Selectivity::Position => 0.1,
            Selectivity::Contain => 0.001,
            Selectivity::Span => match op.name {
                "&&" => 0.01,
                "@>" | "<@" => 0.005,
                "<<" | ">>" | "<<=" | ">>=" if op.left == crate::types::oid::INET => 0.005,
                _ => DEFAULT_INEQ,
            },
            Selectivity::Other => DEFAULT_INEQ,
            Selectivity::None => 0.5,
        }
    }

    fn scalar_array(&self, oper: Option<crate::base::Oid>, any: bool, left: &Expr, array: &Expr) -> f64 {
        let equal = oper.and_then(func::oper).map(func::OperDef::selectivity);
        let values: Option<Vec<Value>> = match &array.kind {
            ExprKind::Const(Value::Bytes(b)) => {
                Some(types::array::Array::new(b).iter().map(|d| d.to_value()).collect())
            }
            ExprKind::Array { elements, .. } => Some(vec![Value::Null; elements.len()]),
            _ => None,
        };
        let element = types::element_type(array.ty.oid).unwrap_or(left.ty.oid);
        let each: Vec<f64> = match (&values, &array.kind) {
            (Some(v), ExprKind::Const(_)) => v
                .iter()
                .map(|v| {
                    let c = Expr::new(ExprKind::Const(v.clone()), TypeRef::of(element));
                    oper.map_or(0.5, |o| self.operator(o, left, &c))
                })
                .collect(),
            // PostgreSQL 15, selfuncs.c, scalararraysel: ten elements, of which nothing is known.
            (known, _) => {
                let some = Expr::new(ExprKind::ExecParam(usize::MAX), TypeRef::of(element));
                vec![oper.map_or(0.5, |o| self.operator(o, left, &some)); known.as_ref().map_or(10, Vec::len)]
            }
        };
        match (equal, any) {
            (Some(Selectivity::Equal), true) => clamp(each.iter().sum()),
            (Some(Selectivity::NotEqual), false) => clamp(1.0 - each.iter().map(|p| 1.0 - p).sum::<f64>()),
            (_, true) => 1.0 - each.iter().map(|p| 1.0 - p).product::<f64>(),
            (_, false) => each.iter().product(),
        }
    }
}

impl Variable {
    pub fn distinct(&self) -> f64 {
        if self.unique {
            return self.tuples;
        }
        let n = match &self.stats {
            Some(s) if s.n_distinct > 0.0 => s.n_distinct,
            Some(s) if s.n_distinct < 0.0 => -s.n_distinct * self.tuples,
            _ if self.ty.oid == types::oid::BOOL => 2.0,
            _ if self.tuples < DEFAULT_DISTINCT => self.tuples,
            _ => DEFAULT_DISTINCT,
        };
        n.round().clamp(1.0, self.tuples)
    }
}

/// How many elements an array has. PostgreSQL 15, selfuncs.c, estimate_array_length.
pub(super) fn elements(array: &Expr) -> f64 {
    match &strip(array).kind {
        ExprKind::Const(Value::Bytes(b)) => types::array::Array::new(b).len() as f64,
        ExprKind::Const(_) => 0.0,
        ExprKind::Array { elements, nested: false } => elements.len() as f64,
        _ => 10.0,
    }
}

/// PostgreSQL 15, array_selfuncs.c, of elements about which nothing is known.
fn array_contains(op: &str, left: &Expr, right: &Expr) -> f64 {
    let elements = match (constant(right), constant(left)) {
        (Some(Value::Bytes(b)), _) | (_, Some(Value::Bytes(b))) => Some(types::array::Array::new(b).len() as i32),
        _ => None,
    };
    match (op, elements) {
        ("@>", Some(n)) if constant(right).is_some() => DEFAULT_CONTAIN.powi(n),
        ("<@", Some(n)) if constant(right).is_none() => DEFAULT_CONTAIN.powi(n),
        ("&&", Some(n)) => 1.0 - (1.0 - DEFAULT_CONTAIN).powi(n),
        ("&&", None) => 2.0 * DEFAULT_CONTAIN,
        _ => DEFAULT_CONTAIN,
    }
}

/// `var > const` is the low side of a range, `var < const` the high one.
fn range_side(e: &Expr) -> Option<(&Expr, bool)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let [l, r] = &args[..] else { return None };
    let side = func::oper(*o)?.selectivity();
    let greater = match side {
        Selectivity::Greater | Selectivity::GreaterEqual => true,
        Selectivity::Less | Selectivity::LessEqual => false,
        _ => return None,
    };
    if matches!(strip(l).kind, ExprKind::Var { levels_up: 0, .. }) && rels_of(r).is_empty() {
        return Some((l, greater));
    }
    if matches!(strip(r).kind, ExprKind::Var { levels_up: 0, .. }) && rels_of(l).is_empty() {
        return Some((r, !greater));
    }
    None
}
