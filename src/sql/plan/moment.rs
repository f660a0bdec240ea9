//! Dates beside timestamps: PostgreSQL has the operators of all of these types in one family, so that an index on one finds
//! the values of another (date.c, date_cmp_timestamp_internal). Here the value becomes what the index has: exactly, or
//! as a bound.

use super::IndexOp;
use super::bounds::{Bound, beside, condition};
use super::fold::constant;
use super::search::widen;
use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use crate::types::datetime::civil::USECS_PER_DAY;
use crate::types::{self, TypeRef, Value, oid};

/// Microseconds from 2000 on: the years 4713 BC and 294276, but for some days at either end, for any time zone.
const FIRST: i64 = -211_813_000_000_000_000;
const LAST: i64 = 9_223_371_000_000_000_000;

/// A date compared with a timestamp, as one with that one's day.
pub(super) fn day(c: &Expr, column: &Expr, rel: usize) -> Option<Bound> {
    let ExprKind::Func { oper: Some(o), args, .. } = &c.kind else { return None };
    let [l, r] = &args[..] else { return None };
    let op = func::oper(*o)?;
    let (op, value) = match beside((l, r), column, rel)? {
        (true, value) => (op, value),
        (false, value) => (func::oper(op.commutator)?, value),
    };
    if op.left != oid::DATE || op.right != oid::TIMESTAMP || types::base_type(column.ty.oid) != oid::DATE {
        return None;
    }
    // Before noon is on that day still, and from noon on is after it.
    let (symbol, index_op) = match op.name {
        "<" | "<=" => ("<=", IndexOp::Le),
        ">" => (">", IndexOp::Gt),
        ">=" => (">=", IndexOp::Ge),
        "=" => ("=", IndexOp::Eq),
        _ => return None,
    };
    let value = match constant(value) {
        Some(Value::I64(moment)) => {
            let day = match *moment {
                i64::MIN => i32::MIN,
                i64::MAX => i32::MAX,
                us => i32::try_from(us.div_euclid(USECS_PER_DAY)).ok()?,
            };
            Expr::new(ExprKind::Const(Value::I32(day)), TypeRef::of(oid::DATE))
        }
        _ => widen(value.clone(), oid::DATE)?,
    };
    let oper = func::type_operator(symbol, oid::DATE, oid::DATE)?;
    Some(Bound { op: index_op, expr: condition(oper, column, &value)?, value })
}

/// A date or timestamp as what the index has, where the comparison makes it that, too. Values that are not known yet are
/// left alone: the comparison knows of any date, the conversion only of those in a timestamp's range.
pub(super) fn as_moment(value: &Expr, ty: Oid, column: &Expr) -> Option<Expr> {
    let target = types::base_type(column.ty.oid);
    let unknown = |e: &Expr| {
        matches!(e.kind, ExprKind::Param(_) | ExprKind::ExecParam(_) | ExprKind::Var { .. } | ExprKind::SubPlan(_))
    };
    if value.any(&mut |e| unknown(e)) {
        return None;
    }
    let within = |us: i64| (FIRST..LAST).contains(&us);
    match (target, ty, constant(value)) {
        (oid::TIMESTAMP | oid::TIMESTAMPTZ, oid::DATE, Some(Value::I32(day @ (i32::MIN | i32::MAX)))) => {
            let end = if *day == i32::MIN { i64::MIN } else { i64::MAX };
            Some(Expr::new(ExprKind::Const(Value::I64(end)), TypeRef::of(target)))
        }
        (oid::TIMESTAMP | oid::TIMESTAMPTZ, oid::DATE, Some(Value::I32(day))) => {
            let us = i64::from(*day).checked_mul(USECS_PER_DAY).filter(|us| within(*us))?;
            match target {
                oid::TIMESTAMP => Some(Expr::new(ExprKind::Const(Value::I64(us)), TypeRef::of(target))),
                _ => widen(value.clone(), target),
            }
        }
        (oid::TIMESTAMPTZ, oid::TIMESTAMP, Some(Value::I64(us))) => {
            (within(*us) || matches!(*us, i64::MIN | i64::MAX)).then(|| widen(value.clone(), target))?
        }
        (oid::TIMESTAMP, oid::DATE, None) | (oid::TIMESTAMPTZ, oid::DATE | oid::TIMESTAMP, None) => {
            widen(value.clone(), target)
        }
        _ => None,
    }
}
