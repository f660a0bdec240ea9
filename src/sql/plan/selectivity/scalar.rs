//! A column beside a constant: PostgreSQL 15, selfuncs.c, var_eq_const, scalarineqsel and ineq_histogram_selectivity.

use super::position::position;
use super::{DEFAULT_EQ, DEFAULT_INEQ, Estimator, Variable, clamp};
use crate::catalog::ColumnStats;
use crate::sql::expr::Expr;
use crate::sql::func::{self, FuncDef, OperDef, Selectivity};
use crate::sql::plan::fold::{Folder, constant};
use crate::sql::plan::relset::rels_of;
use crate::types::collation::Collation;
use crate::types::{self, IoContext, TypeRef, Value, oid};
use std::cmp::Ordering;

/// An operator asked about the values that statistics keep of a column, beside a constant.
pub(super) struct Test<'a> {
    how: How<'a>,
    pub value: &'a Value,
    pub value_type: TypeRef,
}

enum How<'a> {
    /// By the order of the column's own type.
    Compared(TypeRef, fn(Ordering) -> bool),
    /// By the operator's function; `bool`: the constant stands left.
    Called(Box<Folder<'a>>, &'static FuncDef, TypeRef, bool),
}

/// What an operator of this kind says of an order.
fn accepts(kind: Selectivity) -> Option<fn(Ordering) -> bool> {
    Some(match kind {
        Selectivity::Equal => Ordering::is_eq,
        Selectivity::Less => Ordering::is_lt,
        Selectivity::LessEqual => Ordering::is_le,
        Selectivity::Greater => Ordering::is_gt,
        Selectivity::GreaterEqual => Ordering::is_ge,
        _ => return None,
    })
}

/// The comparison seen from its other side.
fn mirrored(kind: Selectivity) -> Selectivity {
    match kind {
        Selectivity::Less => Selectivity::Greater,
        Selectivity::LessEqual => Selectivity::GreaterEqual,
        Selectivity::Greater => Selectivity::Less,
        Selectivity::GreaterEqual => Selectivity::LessEqual,
        other => other,
    }
}

/// Values of the two types are one another's.
pub(super) fn alike(a: TypeRef, b: TypeRef) -> bool {
    let text = |t| matches!(t, oid::TEXT | oid::VARCHAR);
    let (a, b) = (types::base_type(a.oid), types::base_type(b.oid));
    a == b || text(a) && text(b)
}

impl<'a> Test<'a> {
    /// `swapped`: the constant is the operator's left side. None: nobody may call the operator now.
    pub fn new(
        io: &'a IoContext,
        op: &'static OperDef,
        column: TypeRef,
        (value, value_type): (&'a Value, TypeRef),
        collation: Collation,
        swapped: bool,
    ) -> Option<Test<'a>> {
        let kind = if swapped { mirrored(op.selectivity()) } else { op.selectivity() };
        let column = TypeRef { collation, ..column };
        let plain = matches!(op.name, "=" | "<" | "<=" | ">" | ">=");
        let how = match accepts(kind).filter(|_| plain && alike(column, value_type)) {
            Some(accepts) => How::Compared(column, accepts),
            None => {
                let f = func::user::function_of(op).filter(|f| !f.is_users())?;
                How::Called(Box::new(Folder::new(io)), f, column, swapped)
            }
        };
        Some(Test { how, value, value_type })
    }

    /// A comparison in the column's own order.
    pub fn compared(kind: Selectivity, column: TypeRef, value: &'a Value) -> Option<Test<'a>> {
        Some(Test { how: How::Compared(column, accepts(kind)?), value, value_type: column })
    }

    pub fn holds(&mut self, of_column: &Value) -> bool {
        match &mut self.how {
            How::Compared(ty, accepts) => accepts(types::compare(*ty, of_column.datum(), self.value.datum())),
            How::Called(folder, f, column, swapped) => {
                let (mut values, mut types) = ([of_column, self.value], vec![*column, self.value_type]);
                if *swapped {
                    values.reverse();
                    types.reverse();
                    types[0].collation = column.collation;
                }
                matches!(folder.tried(f, &values, types, TypeRef::of(oid::BOOL)), Some(Value::Bool(true)))
            }
        }
    }

    /// The part of the rows that have a common value for which it holds, and of all that have a common one.
    pub fn common(&mut self, stats: &ColumnStats) -> (f64, f64) {
        let held = stats.most_common.iter().filter(|(m, _)| self.holds(m)).map(|(_, f)| f).sum();
        (held, stats.most_common.iter().map(|(_, f)| f).sum())
    }
}

impl Variable {
    pub(super) fn null_frac(&self) -> f64 {
        self.stats.as_ref().map_or(0.0, |s| s.null_frac)
    }

    /// PostgreSQL 15, var_eq_const.
    pub(super) fn equals(&self, test: Option<Test<'_>>) -> f64 {
        if self.unique {
            return 1.0 / self.tuples;
        }
        let (Some(stats), Some(mut test)) = (&self.stats, test) else { return 1.0 / self.distinct() };
        if let Some((_, f)) = stats.most_common.iter().find(|(m, _)| test.holds(m)) {
            return *f;
        }
        let common: f64 = stats.most_common.iter().map(|(_, f)| f).sum();
        let rest = clamp(1.0 - common - stats.null_frac);
        let others = (self.distinct() - stats.most_common.len() as f64).max(1.0);
        let p = rest / others;
        stats.most_common.last().map_or(p, |(_, f)| p.min(*f))
    }

    /// PostgreSQL 15, var_eq_non_const: the average over all values that are no NULL.
    fn equals_something(&self) -> f64 {
        if self.unique {
            return 1.0 / self.tuples;
        }
        let Some(stats) = &self.stats else { return 1.0 / self.distinct() };
        let p = (1.0 - stats.null_frac) / self.distinct();
        stats.most_common.first().map_or(p, |(_, f)| p.min(*f))
    }

    /// The part of what the histogram stands for that passes; None: there is no histogram. `ordered`: it is in the
    /// test's own order. PostgreSQL 15, ineq_histogram_selectivity.
    pub(super) fn histogram(&self, test: &mut Test<'_>, (less, equal): (bool, bool), ordered: bool) -> Option<f64> {
        let stats = self.stats.as_ref()?;
        let bounds = &stats.histogram;
        if bounds.len() < 2 {
            return None;
        }
        let bins = (bounds.len() - 1) as f64;
        let cutoff = 0.01 / bins;
        if !ordered {
            let passing = bounds.iter().filter(|b| test.holds(b)).count();
            return Some((passing as f64 / bounds.len() as f64).clamp(cutoff, 1.0 - cutoff));
        }
        let at = bounds.partition_point(|b| test.holds(b) == less);
        let strict = less != equal;
        let below = if at == 0 {
            0.0
        } else if at == bounds.len() {
            1.0
        } else {
            let others = self.distinct() - stats.most_common.len() as f64;
            let same = if others > 1.0 { 1.0 / others } else { 0.0 };
            let (low, high) = (&bounds[at - 1], &bounds[at]);
            let inside = position((test.value, test.value_type), low, high, self.ty);
            let mut below = ((at - 1) as f64 + inside) / bins;
            if at == 1 {
                below += same * (1.0 - inside);
            }
            // So far it is the part up to the value and with it.
            if strict {
                below -= same;
            }
            below
        };
        Some(if less { below } else { 1.0 - below }.clamp(cutoff, 1.0 - cutoff))
    }
}

impl Estimator<'_> {
    /// The column, what stands beside it, and whether that stands left.
    pub(super) fn sides<'e>(&self, left: &'e Expr, right: &'e Expr) -> Option<(Variable, &'e Expr, bool)> {
        match self.variable(left) {
            Some(v) => Some((v, right, false)),
            None => self.variable(right).map(|v| (v, left, true)),
        }
    }

    /// PostgreSQL 15, eqsel; `negated`: neqsel, of whose operator `op` is the negator.
    pub(super) fn equality(&self, op: &'static OperDef, left: &Expr, right: &Expr, negated: bool) -> f64 {
        let Some((v, other, swapped)) = self.sides(left, right) else {
            let p = match rels_of(left).union(rels_of(right)).single() {
                Some(_) => 1.0 / self.distinct(left).max(self.distinct(right)).max(1.0),
                None => DEFAULT_EQ,
            };
            return if negated { 1.0 - p } else { p };
        };
        let p = match constant(other) {
            Some(value) if value.is_null() => return 0.0,
            Some(value) => v.equals(Test::new(self.io, op, v.ty, (value, other.ty), left.ty.collation, swapped)),
            None => v.equals_something(),
        };
        clamp(if negated { 1.0 - p - v.null_frac() } else { p })
    }

    /// PostgreSQL 15, scalarineqsel. `less`, `equal`: what the operator asks of its left side.
    pub(super) fn inequality(
        &self,
        op: &'static OperDef,
        left: &Expr,
        right: &Expr,
        (less, equal): (bool, bool),
    ) -> f64 {
        let Some((v, other, swapped)) = self.sides(left, right) else { return DEFAULT_INEQ };
        let Some(value) = constant(other) else { return DEFAULT_INEQ };
        if value.is_null() {
            return 0.0;
        }
        let Some(stats) = &v.stats else { return DEFAULT_INEQ };
        let collation = left.ty.collation;
        let test = Test::new(self.io, op, v.ty, (value, other.ty), collation, swapped);
        let Some(mut test) = test else { return DEFAULT_INEQ };
        let (held, common) = test.common(stats);
        // Statistics are in the column's own order.
        let ordered = matches!(op.name, "<" | "<=" | ">" | ">=") && v.ty.collation == collation;
        let part = v.histogram(&mut test, (less != swapped, equal), ordered).unwrap_or(0.5);
        clamp(clamp(1.0 - stats.null_frac - common) * part + held)
    }
}
