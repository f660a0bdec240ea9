//! Which parts of an expression need parentheses: PostgreSQL 15, ruleutils.c, isSimpleNode.

use crate::sql::expr::{Expr, ExprKind, Form};
use crate::sql::func;
use crate::types;

/// What a node is to the one it stands in, where parentheses depend on it.
#[derive(Clone, Copy)]
pub(super) enum Parent<'e> {
    /// An operator, with its name if it is binary and arithmetic, and its first argument.
    Op(Option<u8>, &'e Expr),
    Bool(u8),
    Cast,
    Other,
}

pub(super) fn op_name(e: &Expr) -> Option<&'static str> {
    match &e.kind {
        ExprKind::Func { oper: Some(o), .. } => func::oper(*o).map(|o| o.name),
        _ => None,
    }
}

/// `+ - * / %` between two operands.
pub(super) fn arithmetic(e: &Expr) -> Option<u8> {
    match &e.kind {
        ExprKind::Func { oper: Some(_), args, .. } if args.len() == 2 => match op_name(e)?.as_bytes() {
            [c @ (b'+' | b'-' | b'*' | b'/' | b'%')] => Some(*c),
            _ => None,
        },
        _ => None,
    }
}

pub(super) fn bool_word(e: &Expr) -> Option<u8> {
    match e.kind {
        ExprKind::And(_) => Some(b'A'),
        ExprKind::Or(_) => Some(b'O'),
        ExprKind::Not(_) => Some(b'N'),
        _ => None,
    }
}

/// What a row, or an array of rows, is under the word that it is a record: PostgreSQL has no conversion there
/// (parse_coerce.c, coerce_type).
pub(super) fn of_record(e: &Expr) -> &Expr {
    match &e.kind {
        ExprKind::Relabel(a) if matches!(e.ty.oid, types::oid::RECORD | types::oid::RECORD_ARRAY) => of_record(a),
        _ => e,
    }
}

/// The argument of a conversion.
pub(super) fn cast_arg(e: &Expr) -> Option<&Expr> {
    let e = of_record(e);
    // bpchar becomes varchar by the function that makes text of it.
    let by_text = |a: &Expr| match &a.kind {
        ExprKind::Func { func: f, args, oper: None, .. } => args
            .first()
            .and_then(|from| func::cast(types::base_type(from.ty.oid), e.ty.oid))
            .is_some_and(|cast| cast.func == f.oid && a.ty.oid != e.ty.oid),
        _ => false,
    };
    match &e.kind {
        ExprKind::Relabel(a) if by_text(a) => cast_arg(a),
        ExprKind::Relabel(a)
        | ExprKind::ToDomain(a)
        | ExprKind::IoCast { arg: a, .. }
        | ExprKind::ArrayCast { arg: a, .. } => Some(a),
        ExprKind::Func { func: f, args, oper: None, .. } => {
            let a = args.first()?;
            let same_type = a.ty.oid == e.ty.oid && args.len() > 1;
            let cast = func::cast(types::base_type(a.ty.oid), e.ty.oid)?;
            (cast.func == f.oid && (a.ty.oid != e.ty.oid || same_type)).then_some(a)
        }
        _ => None,
    }
}

pub(super) fn is_simple(e: &Expr, parent: Parent<'_>) -> bool {
    let e = of_record(e);
    if let Some(a) = cast_arg(e) {
        return matches!(e.kind, ExprKind::Func { .. }) || is_simple(a, Parent::Cast);
    }
    if let Some(word) = bool_word(e) {
        return match parent {
            Parent::Bool(outer) => match word {
                b'O' => outer == b'O',
                _ => outer != b'N',
            },
            _ => false,
        };
    }
    match &e.kind {
        ExprKind::Written { arg, form: Form::Cast } => is_simple(arg, parent),
        ExprKind::Written { form: Form::Collate(..), .. } => !matches!(parent, Parent::Op(..) | Parent::Cast),
        ExprKind::Func { oper: Some(_), .. } => match parent {
            Parent::Op(outer, first) => match (arithmetic(e), outer) {
                (Some(own), Some(outer)) => {
                    let high = |c: u8| matches!(c, b'*' | b'/' | b'%');
                    match (high(own), high(outer)) {
                        (true, false) => true,
                        (false, true) => false,
                        _ => std::ptr::eq(e, first),
                    }
                }
                _ => false,
            },
            Parent::Bool(_) => true,
            _ => false,
        },
        ExprKind::SubLink(_)
        | ExprKind::IsNull(_)
        | ExprKind::IsNotNull(_)
        | ExprKind::BoolTest { .. }
        | ExprKind::Distinct { .. } => matches!(parent, Parent::Bool(_)),
        ExprKind::ScalarArray { .. } | ExprKind::RowCompare { .. } => false,
        _ => true,
    }
}
