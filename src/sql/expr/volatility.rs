//! Whether an expression's value may change while its columns do not.

use super::{Expr, ExprKind};
use crate::base::Oid;
use crate::sql::func::{self, FuncDef};
use crate::types;

/// What an expression's functions are at worst: `v`, `s` or `i`. Casts through text count by the functions of the types
/// (PostgreSQL 15, nodeFuncs.c, check_functions_in_node).
pub fn volatility(e: &Expr) -> u8 {
    let mut worst = b'i';
    let mut met = |found: u8| match found {
        b'v' => worst = b'v',
        b's' if worst == b'i' => worst = b's',
        _ => {}
    };
    e.walk(&mut |e| {
        match &e.kind {
            ExprKind::Func { func, args, .. } => met(of_call(func, args)),
            ExprKind::SetReturning { func, .. } | ExprKind::ScalarArray { func, .. } => met(func.volatility),
            ExprKind::Distinct { eq, .. } | ExprKind::NullIf { eq, .. } => met(eq.volatility),
            ExprKind::IoCast { arg, .. } => {
                met(of_io(arg.ty.oid, |i| i.output));
                met(of_io(e.ty.oid, |i| i.input));
            }
            _ => {}
        }
        true
    });
    worst
}

/// `||` of a text and something else is the text of both in PostgreSQL, which looks into it.
fn of_call(func: &FuncDef, args: &[Expr]) -> u8 {
    match func.fact.src {
        "textanycat(text,anynonarray)" | "anytextcat(anynonarray,text)" => {
            let worst = args.iter().map(|a| of_io(a.ty.oid, |i| i.output));
            if worst.into_iter().any(|v| v != b'i') { b's' } else { b'i' }
        }
        _ => func.volatility,
    }
}

/// The same of a type's input or output function; those of labels and rows ask the catalogs.
fn of_io(ty: Oid, function: fn(&types::TypeInfo) -> Oid) -> u8 {
    let known = types::info(types::base_type(ty));
    if known.is_some_and(|i| matches!(i.kind, b'e' | b'c')) {
        return b's';
    }
    let known = known.and_then(|i| func::func(function(i)));
    known.map_or(b'i', |f| f.volatility)
}
