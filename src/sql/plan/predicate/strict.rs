//! Expressions that cannot be true where another is NULL. PostgreSQL 15, predtest.c, clause_is_strict_for.

use super::elements;
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::plan::selectivity::strip;
use crate::types::{self, Value, oid};

/// Where `part` is NULL so is `e`; at the top false will do, too.
pub(super) fn is_strict_for(e: &Expr, part: &Expr, or_false: bool) -> bool {
    let (e, part) = (strip(e), strip(part));
    if same(e, part) {
        return true;
    }
    match &e.kind {
        ExprKind::Func { func, args, .. } => func.strict && args.iter().any(|a| is_strict_for(a, part, false)),
        ExprKind::IoCast { arg, .. } | ExprKind::ArrayCast { arg, .. } | ExprKind::ToDomain(arg) => {
            is_strict_for(arg, part, false)
        }
        ExprKind::ScalarArray { func, any, left, array, .. } => {
            // Of an empty list ANY is false and ALL is true, whatever is looked for.
            let asked = or_false && *any || has_elements(array);
            func.strict && asked && is_strict_for(left, part, false) || is_strict_for(array, part, false)
        }
        ExprKind::Const(v) => v.is_null(),
        _ => false,
    }
}

fn has_elements(array: &Expr) -> bool {
    match &array.kind {
        ExprKind::Const(Value::Bytes(bytes)) => !types::array::Array::new(bytes).is_empty(),
        _ => elements(array).is_some_and(|l| !l.is_empty()),
    }
}

/// IS NULL looks into rows.
pub(super) fn is_row(e: &Expr) -> bool {
    matches!(e.kind, ExprKind::Row { .. })
        || e.ty.oid == oid::RECORD
        || types::info(e.ty.oid).is_some_and(|i| i.kind == b'c')
}
