//! How many rows a condition keeps: PostgreSQL 15, clausesel.c and selfuncs.c, same defaults.

use super::fold::constant;
use super::relset::rels_of;
use crate::catalog::{ColumnStats, Relation};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func::{self, Selectivity};
use crate::types::{self, TypeRef, Value};
use std::cmp::Ordering;
use std::sync::Arc;

const DEFAULT_EQ: f64 = 0.005;
const DEFAULT_INEQ: f64 = 0.333_333_333_333_333_3;
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

/// Estimates over the relations of one query level.
pub(super) struct Estimator<'a> {
    pub rels: &'a [Facts],
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

impl Estimator<'_> {
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

    /// Different values of columns that extended statistics know of together, and the expressions they say nothing of.
    /// PostgreSQL 15, selfuncs.c, estimate_multivariate_ndistinct.
    pub fn known_together<'e>(&self, exprs: &[&'e Expr]) -> (f64, Vec<&'e Expr>) {
        let mut rest = exprs.to_vec();
        let mut known = 1.0;
        for (rel, facts) in self.rels.iter().enumerate() {
            let Some(table) = &facts.table else { continue };
            let stats = table.extended_stats.load();
            if stats.is_empty() {
                continue;
            }
            let attno = |e: &Expr| match strip(e).kind {
                ExprKind::Var { rel: r, attno, levels_up: 0 } if r == rel => Some(attno),
                _ => None,
            };
            loop {
                let wanted: Vec<i16> = rest.iter().filter_map(|e| attno(e)).collect();
                let all = stats.iter().flat_map(|s| &s.distinct);
                let fitting = all.filter(|(columns, _)| columns.iter().all(|c| wanted.contains(c)));
                let Some((columns, n)) = fitting.max_by_key(|(columns, _)| columns.len()) else { break };
                known *= n;
                rest.retain(|e| !attno(e).is_some_and(|a| columns.contains(&a)));
            }
        }
        (known, rest)
    }

    /// Equalities with constants on columns that decide one another: what each further one leaves of the rows.
    /// PostgreSQL 15, dependencies.c, dependencies_clauselist_selectivity: same formula for two and more columns.
    fn by_dependencies(&self, clauses: &[&Expr]) -> Option<(f64, Vec<usize>)> {
        for (rel, facts) in self.rels.iter().enumerate() {
            let Some(table) = &facts.table else { continue };
            let stats = table.extended_stats.load();
            if stats.iter().all(|s| s.dependencies.is_empty()) {
                continue;
            }
            let fixed = |e: &Expr| {
                let (v, _, _) = super::jointree::constant_equality(e)?;
                match strip(v).kind {
                    ExprKind::Var { rel: r, attno, levels_up: 0 } if r == rel => Some(attno),
                    _ => None,
                }
            };
            let found: Vec<(usize, i16)> =
                clauses.iter().enumerate().filter_map(|(n, e)| fixed(e).map(|a| (n, a))).collect();
            let mut open: Vec<(usize, i16)> = Vec::new();
            for f in found {
                if !open.iter().any(|o| o.1 == f.1) {
                    open.push(f);
                }
            }
            let used: Vec<usize> = open.iter().map(|o| o.0).collect();
            let mut steps: Vec<(f64, f64)> = Vec::new();
            loop {
                let has = |a: &i16| open.iter().any(|o| o.1 == *a);
                let all = stats.iter().flat_map(|s| &s.dependencies);
                let fitting = all.filter(|(from, to, _)| from.iter().all(has) && has(to));
                // The one with most columns, then the strongest.
                let Some((_, to, degree)) = fitting.max_by(|a, b| a.0.len().cmp(&b.0.len()).then(a.2.total_cmp(&b.2)))
                else {
                    break;
                };
                let at = open.iter().position(|o| o.1 == *to)?;
                let (n, _) = open.remove(at);
                steps.push((self.one(clauses[n]), *degree));
            }
            if steps.is_empty() {
                continue;
            }
            let mut s: f64 = open.iter().map(|o| self.one(clauses[o.0])).product();
            for (own, degree) in steps.into_iter().rev() {
                s = degree * s.min(own) + (1.0 - degree) * s * own;
            }
            return Some((s, used));
        }
        None
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
        for (_, low, high) in ranges {
            s *= match (low, high) {
                (Some(l), Some(h)) if l == DEFAULT_INEQ || h == DEFAULT_INEQ => 0.005,
                (Some(l), Some(h)) => {
                    let both = l + h - 1.0;
                    if both > 0.0 { both } else { 1.0e-10_f64.max(both.abs().min(0.005)) }
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
            ExprKind::BoolTest { arg, is, negated } => {
                let p = match is {
                    Some(true) => self.one(arg),
                    Some(false) => 1.0 - self.one(arg),
                    None => DEFAULT_UNKNOWN,
                };
                if *negated { 1.0 - p } else { p }
            }
            ExprKind::Var { .. } => self.boolean(e),
            ExprKind::Func { oper: Some(o), args, .. } if args.len() == 2 => self.operator(*o, &args[0], &args[1]),
            ExprKind::ScalarArray { oper, any, left, array, .. } => self.scalar_array(*oper, *any, left, array),
            ExprKind::Distinct { left, right, negated, .. } => {
                let p = self.equality(left, right);
                if *negated { p } else { 1.0 - p }
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
            ExprKind::Func { .. } => DEFAULT_INEQ,
            _ => 0.5,
        })
    }

    fn boolean(&self, e: &Expr) -> f64 {
        let Some(stats) = self.variable(e).and_then(|v| v.stats) else { return 0.5 };
        match stats.most_common.iter().find(|(v, _)| *v == Value::Bool(true)) {
            Some((_, f)) => *f,
            None => match stats.most_common.first() {
                Some((_, f)) => 1.0 - f - stats.null_frac,
                None => 0.5,
            },
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
        let both = !rels_of(left).is_empty() && !rels_of(right).is_empty();
        match op.selectivity() {
            Selectivity::Equal if both => self.join_equality(left, right),
            Selectivity::Equal => self.equality(left, right),
            Selectivity::NotEqual if both => 1.0 - self.join_equality(left, right),
            Selectivity::NotEqual => 1.0 - self.equality(left, right),
            Selectivity::Less | Selectivity::Greater if both => DEFAULT_INEQ,
            Selectivity::Less => self.inequality(left, right, true),
            Selectivity::Greater => self.inequality(left, right, false),
            Selectivity::Like => DEFAULT_MATCH,
            Selectivity::NotLike => 1.0 - DEFAULT_MATCH,
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

    fn sides<'e>(&self, left: &'e Expr, right: &'e Expr) -> Option<(Variable, &'e Expr, bool)> {
        match self.variable(left) {
            Some(v) => Some((v, right, false)),
            None => self.variable(right).map(|v| (v, left, true)),
        }
    }

    fn equality(&self, left: &Expr, right: &Expr) -> f64 {
        let Some((v, other, _)) = self.sides(left, right) else {
            return match rels_of(left).union(rels_of(right)).single() {
                Some(_) => 1.0 / self.distinct(left).max(self.distinct(right)).max(1.0),
                None => DEFAULT_EQ,
            };
        };
        if v.unique {
            return 1.0 / v.tuples;
        }
        let Some(stats) = &v.stats else {
            return 1.0 / v.distinct();
        };
        let Some(value) = constant(other) else {
            // The average over all values that are no NULL.
            let p = (1.0 - stats.null_frac) / v.distinct();
            return stats.most_common.first().map_or(p, |(_, f)| p.min(*f));
        };
        if value.is_null() {
            return 0.0;
        }
        let same = |m: &Value| {
            strip(other).ty.oid == v.ty.oid && types::compare(v.ty, m.datum(), value.datum()) == Ordering::Equal
                || m == value
        };
        if let Some((_, f)) = stats.most_common.iter().find(|(m, _)| same(m)) {
            return *f;
        }
        let common: f64 = stats.most_common.iter().map(|(_, f)| f).sum();
        let rest = clamp(1.0 - common - stats.null_frac);
        let others = (v.distinct() - stats.most_common.len() as f64).max(1.0);
        let p = rest / others;
        stats.most_common.last().map_or(p, |(_, f)| p.min(*f))
    }

    fn join_equality(&self, left: &Expr, right: &Expr) -> f64 {
        let (l, r) = (self.distinct(left), self.distinct(right));
        let known = (1.0 - self.null_fraction(left).min(0.99)) * (1.0 - self.null_fraction(right).min(0.99));
        known / l.max(r).max(1.0)
    }

    fn inequality(&self, left: &Expr, right: &Expr, less: bool) -> f64 {
        let Some((v, other, swapped)) = self.sides(left, right) else { return DEFAULT_INEQ };
        let less = less != swapped;
        let (Some(stats), Some(value)) = (&v.stats, constant(other)) else { return DEFAULT_INEQ };
        if value.is_null() {
            return 0.0;
        }
        let comparable = types::phys(other.ty.oid) == types::phys(v.ty.oid);
        if !comparable {
            return DEFAULT_INEQ;
        }
        let below = |m: &Value| types::compare(v.ty, m.datum(), value.datum()) == Ordering::Less;
        let common: f64 = stats.most_common.iter().filter(|(m, _)| below(m) == less).map(|(_, f)| f).sum();
        let all_common: f64 = stats.most_common.iter().map(|(_, f)| f).sum();
        let rest = clamp(1.0 - all_common - stats.null_frac);
        let fraction = histogram_fraction(&stats.histogram, value, v.ty);
        let part = match fraction {
            Some(f) => {
                let f = if less { f } else { 1.0 - f };
                f.clamp(0.0001, 0.9999)
            }
            None if stats.most_common.is_empty() => return DEFAULT_INEQ,
            None => 0.5,
        };
        clamp(common + rest * part)
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
            (Some(v), _) => vec![self.equality(left, array); v.len()],
            _ => vec![self.equality(left, array); 10],
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

/// The part of a histogram below a value.
fn histogram_fraction(bounds: &[Value], value: &Value, ty: TypeRef) -> Option<f64> {
    if bounds.len() < 2 {
        return None;
    }
    let buckets = (bounds.len() - 1) as f64;
    let at = bounds.partition_point(|b| types::compare(ty, b.datum(), value.datum()) == Ordering::Less);
    if at == 0 {
        return Some(0.0);
    }
    if at == bounds.len() {
        return Some(1.0);
    }
    let inside = match (number(&bounds[at - 1]), number(&bounds[at]), number(value)) {
        (Some(a), Some(b), Some(x)) if b > a => (x - a) / (b - a),
        _ => 0.5,
    };
    Some(((at - 1) as f64 + inside.clamp(0.0, 1.0)) / buckets)
}

fn number(v: &Value) -> Option<f64> {
    Some(match v {
        Value::I16(n) => f64::from(*n),
        Value::I32(n) => f64::from(*n),
        Value::U32(n) => f64::from(*n),
        Value::I64(n) => *n as f64,
        Value::F32(n) => f64::from(*n),
        Value::F64(n) => *n,
        _ => return None,
    })
}

/// `var > const` is the low side of a range, `var < const` the high one.
fn range_side(e: &Expr) -> Option<(&Expr, bool)> {
    let ExprKind::Func { oper: Some(o), args, .. } = &e.kind else { return None };
    let [l, r] = &args[..] else { return None };
    let side = func::oper(*o)?.selectivity();
    let greater = match side {
        Selectivity::Greater => true,
        Selectivity::Less => false,
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
