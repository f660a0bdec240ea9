//! Whether two bound expressions are the same but for their positions in the text.

use super::{AggCall, Expr, ExprKind, FrameBound, SortKey, WindowCall};
use crate::types::Value;

/// PostgreSQL 15, equalfuncs.c, equal: same rule.
pub fn same(a: &Expr, b: &Expr) -> bool {
    use ExprKind::*;
    if a.ty != b.ty {
        return false;
    }
    match (&a.kind, &b.kind) {
        (Const(x), Const(y)) => same_value(x, y),
        (Param(x), Param(y)) | (ExecParam(x), ExecParam(y)) | (Column(x), Column(y)) => x == y,
        (Var { rel, attno, levels_up }, Var { rel: r, attno: n, levels_up: l }) => {
            rel == r && attno == n && levels_up == l
        }
        (Func { func, args, variadic, .. }, Func { func: g, args: b, variadic: w, .. }) => {
            func.oid == g.oid && variadic == w && all(args, b) && ordered_alike(args, b)
        }
        (Written { form, arg }, Written { form: f, arg: a }) => form == f && same(arg, a),
        (SetReturning { func, args }, SetReturning { func: g, args: b }) => func.oid == g.oid && all(args, b),
        (And(x), And(y)) | (Or(x), Or(y)) | (Coalesce(x), Coalesce(y)) => all(x, y),
        (Greatest(x), Greatest(y)) | (Least(x), Least(y)) => all(x, y) && ordered_alike(x, y),
        (Not(x), Not(y))
        | (IsNull(x), IsNull(y))
        | (IsNotNull(x), IsNotNull(y))
        | (Relabel(x), Relabel(y))
        | (ToDomain(x), ToDomain(y)) => same(x, y),
        (BoolTest { arg, is, negated }, BoolTest { arg: b, is: i, negated: n }) => {
            is == i && negated == n && same(arg, b)
        }
        (Distinct { eq, left, right, negated }, Distinct { eq: e, left: l, right: r, negated: n }) => {
            eq.oid == e.oid && negated == n && same(left, l) && same(right, r)
        }
        (NullIf { eq, left, right }, NullIf { eq: e, left: l, right: r }) => {
            eq.oid == e.oid && same(left, l) && same(right, r)
        }
        (Case { operand, arms, otherwise }, Case { operand: o, arms: m, otherwise: w }) => {
            maybe(operand.as_deref(), o.as_deref())
                && maybe(otherwise.as_deref(), w.as_deref())
                && arms.len() == m.len()
                && arms.iter().zip(m).all(|(x, y)| same(&x.0, &y.0) && same(&x.1, &y.1))
        }
        (CaseOperand, CaseOperand) | (CurrentRow, CurrentRow) => true,
        (IoCast { arg, explicit }, IoCast { arg: b, explicit: x }) => explicit == x && same(arg, b),
        (ArrayCast { arg, element }, ArrayCast { arg: b, element: e }) => same(arg, b) && same(element, e),
        (Array { elements, nested }, Array { elements: e, nested: n }) => nested == n && all(elements, e),
        (Row { fields, .. }, Row { fields: f, .. }) => all(fields, f),
        (RowCompare { op, pairs }, RowCompare { op: o, pairs: p }) => {
            op == o
                && pairs.len() == p.len()
                && pairs
                    .iter()
                    .zip(p)
                    .all(|(x, y)| x.eq.oid == y.eq.oid && same_operand(&x.left, &y.left) && same(&x.right, &y.right))
        }
        (ScalarArray { func, any, left, array, .. }, ScalarArray { func: g, any: n, left: l, array: r, .. }) => {
            func.oid == g.oid && any == n && same_operand(left, l) && same(array, r)
        }
        (Field { arg, index }, Field { arg: b, index: i }) => index == i && same(arg, b),
        (Subscript { array, lower, upper, slice }, Subscript { array: a, lower: l, upper: u, slice: s }) => {
            slice == s && same(array, a) && options(lower, l) && options(upper, u)
        }
        (Aggregate(x), Aggregate(y)) => same_aggregate(x, y),
        (Window(x), Window(y)) => same_window(x, y),
        (Grouping { items: x, levels_up: m }, Grouping { items: y, levels_up: n }) => x == y && m == n,
        // A planned sub-select is itself; one not planned yet is compared as a whole.
        (SubPlan(x), SubPlan(y)) => std::sync::Arc::ptr_eq(&x.plan, &y.plan),
        (SubLink(x), SubLink(y)) => x.kind == y.kind && same_link(x, y),
        _ => false,
    }
}

/// The same, and ordered by the same collation: only operands that are ordered have one.
pub fn same_operand(a: &Expr, b: &Expr) -> bool {
    a.ty.collation == b.ty.collation && same(a, b)
}

/// A function orders its arguments by what its first one says.
fn ordered_alike(a: &[Expr], b: &[Expr]) -> bool {
    a.first().map(|e| e.ty.collation) == b.first().map(|e| e.ty.collation)
}

/// The same bits: NaN is the same as itself, and 0 is not -0 (PostgreSQL 15, datum.c, datumIsEqual).
fn same_value(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::F32(x), Value::F32(y)) => x.to_bits() == y.to_bits(),
        (Value::F64(x), Value::F64(y)) => x.to_bits() == y.to_bits(),
        _ => a == b,
    }
}

fn same_link(a: &crate::sql::bind::SubLink, b: &crate::sql::bind::SubLink) -> bool {
    let shown = |link: &crate::sql::bind::SubLink| {
        let mut link = link.clone();
        link.test.iter_mut().for_each(|t| crate::sql::bind::walk_expr_mut(t, 0, &mut |e, _| e.pos = None));
        link.query.walk_mut(0, &mut |e, _| e.pos = None);
        format!("{:?} {:?}", link.test, link.query)
    };
    shown(a) == shown(b)
}

fn all(a: &[Expr], b: &[Expr]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| same(x, y))
}

fn maybe(a: Option<&Expr>, b: Option<&Expr>) -> bool {
    match (a, b) {
        (None, None) => true,
        (Some(x), Some(y)) => same(x, y),
        _ => false,
    }
}

fn options(a: &[Option<Expr>], b: &[Option<Expr>]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(x, y)| maybe(x.as_ref(), y.as_ref()))
}

fn same_keys(a: &[SortKey], b: &[SortKey]) -> bool {
    a.len() == b.len()
        && a.iter()
            .zip(b)
            .all(|(x, y)| x.desc == y.desc && x.nulls_first == y.nulls_first && same_operand(&x.expr, &y.expr))
}

fn same_aggregate(a: &AggCall, b: &AggCall) -> bool {
    a.func.oid == b.func.oid
        && a.distinct == b.distinct
        && a.star == b.star
        && a.levels_up == b.levels_up
        && all(&a.args, &b.args)
        && ordered_alike(&a.args, &b.args)
        && all(&a.direct_args, &b.direct_args)
        && same_keys(&a.order_by, &b.order_by)
        && maybe(a.filter.as_ref(), b.filter.as_ref())
}

fn same_bound(a: &FrameBound, b: &FrameBound) -> bool {
    match (a, b) {
        (FrameBound::Preceding(x), FrameBound::Preceding(y)) => same(x, y),
        (FrameBound::Following(x), FrameBound::Following(y)) => same(x, y),
        _ => std::mem::discriminant(a) == std::mem::discriminant(b),
    }
}

/// True if two window specifications sort and cut the rows in the same way.
pub fn same_spec(a: &super::WindowSpec, b: &super::WindowSpec) -> bool {
    all(&a.partition_by, &b.partition_by)
        && same_keys(&a.order_by, &b.order_by)
        && a.frame.mode == b.frame.mode
        && a.frame.exclude == b.frame.exclude
        && same_bound(&a.frame.start, &b.frame.start)
        && same_bound(&a.frame.end, &b.frame.end)
}

fn same_window(a: &WindowCall, b: &WindowCall) -> bool {
    a.func.oid == b.func.oid
        && a.star == b.star
        && all(&a.args, &b.args)
        && ordered_alike(&a.args, &b.args)
        && maybe(a.filter.as_ref(), b.filter.as_ref())
        && same_spec(&a.spec, &b.spec)
}
