//! Bounds that a condition puts on a column of an index without saying all it asks: LIKE and regular expressions by what
//! matching texts begin with, comparisons of rows by those of their columns that the index has first, or all of
//! them. The condition itself is asked of the rows found.
//! PostgreSQL 15, like_support.c, match_pattern_prefix; indxpath.c, match_rowcompare_to_indexcol.

use super::IndexOp;
use super::fold::has_volatile;
use super::relset::rels_of;
use super::scan::{family, finds};
use super::selectivity::strip;
use crate::base::Oid;
use crate::sql::expr::{Expr, ExprKind, RowOp, RowPair, same};
use crate::sql::func::regexp::prefix;
use crate::sql::func::{self, OperDef};
use crate::types::{self, TypeRef, Value, oid};

/// The operators `~~` and `~` of texts.
const LIKE: Oid = Oid(1209);
const MATCHES: Oid = Oid(641);
/// The operator `^@`.
const BEGINS: Oid = Oid(3877);
/// Texts in the order of their bytes: `~>=~` and `~<~`; those in their own, if that is the same; and `=`.
const FROM: [Oid; 2] = [Oid(2317), Oid(667)];
const BELOW: [Oid; 2] = [Oid(2314), Oid(664)];
const IS: Oid = Oid(98);

/// A bound, and the same as a condition.
pub(super) struct Bound {
    pub op: IndexOp,
    pub value: Expr,
    pub expr: Expr,
}

/// A comparison of rows of which leading columns are those of an index.
pub(super) struct RowBound {
    pub op: IndexOp,
    /// How many columns: two at least.
    pub columns: usize,
    /// The row they are compared with.
    pub value: Expr,
    /// What it says of these columns alone, where it asks more.
    pub bound: Option<Expr>,
}

/// What a comparison of rows says of the index's columns from here on. PostgreSQL 15, indxpath.c,
/// match_rowcompare_to_indexcol and expand_indexqual_rowcompare: the columns follow one another here.
pub(super) fn rows(c: &Expr, columns: &[Expr], rel: usize) -> Option<RowBound> {
    let ExprKind::RowCompare { op, pairs } = &c.kind else { return None };
    let held: Vec<(bool, IndexOp)> = pairs.iter().zip(columns).map_while(|(p, c)| side(*op, p, c, rel)).collect();
    let (&(left, index_op), n) = (held.first()?, held.iter().take_while(|h| h.0 == held[0].0).count());
    if n < 2 {
        return None;
    }
    let whole = n == pairs.len();
    let values = pairs[..n].iter().map(|p| if left { p.right.clone() } else { p.left.clone() }).collect();
    let names = (1..=n).map(|k| format!("f{k}")).collect();
    let row = Expr::new(ExprKind::Row { fields: values, names }, TypeRef::of(oid::RECORD));
    let weak = match op {
        RowOp::Gt | RowOp::Ge => RowOp::Ge,
        _ => RowOp::Le,
    };
    let bound = || {
        let kind = ExprKind::RowCompare { op: weak, pairs: pairs[..n].to_vec() };
        Expr { kind, ty: c.ty, pos: None }
    };
    let weaker = match index_op {
        IndexOp::Gt => IndexOp::Ge,
        IndexOp::Lt => IndexOp::Le,
        other => other,
    };
    Some(RowBound { op: if whole { index_op } else { weaker }, columns: n, value: row, bound: (!whole).then(bound) })
}

/// Of the two sides of a comparison one is the column and the other is free of its relation: whether the column stands
/// left, and the other.
pub(super) fn beside<'e>((l, r): (&'e Expr, &'e Expr), column: &Expr, rel: usize) -> Option<(bool, &'e Expr)> {
    let is_column = |e: &Expr| same(strip(e), strip(column));
    let free = |e: &Expr| !rels_of(e).has(rel) && !has_volatile(e);
    match () {
        () if is_column(l) && free(r) => Some((true, r)),
        () if is_column(r) && free(l) => Some((false, l)),
        () => None,
    }
}

/// Whether the column is on the left, and how it is compared.
fn side(op: RowOp, p: &RowPair, column: &Expr, rel: usize) -> Option<(bool, IndexOp)> {
    let (left, value) = beside((&p.left, &p.right), column, rel)?;
    let op = match (op, left) {
        (RowOp::Gt, true) | (RowOp::Lt, false) => IndexOp::Gt,
        (RowOp::Ge, true) | (RowOp::Le, false) => IndexOp::Ge,
        (RowOp::Lt, true) | (RowOp::Gt, false) => IndexOp::Lt,
        (RowOp::Le, true) | (RowOp::Ge, false) => IndexOp::Le,
        (RowOp::Eq | RowOp::Ne, _) => return None,
    };
    (family(column.ty.oid) == family(value.ty.oid) && finds(op, &p.left, column)).then_some((left, op))
}

/// What the condition says of the column of an index at least.
pub(super) fn bounds(c: &Expr, column: &Expr, rel: usize) -> Vec<Bound> {
    match &c.kind {
        ExprKind::Func { oper: Some(o), args, .. } => match &args[..] {
            [text, pattern] => begin(*o, text, pattern, column),
            _ => Vec::new(),
        },
        // PostgreSQL 15, like_support.c, text_starts_with_support.
        ExprKind::Func { func, args, .. } if func.name == "starts_with" => match &args[..] {
            [text, prefix] => begin(BEGINS, text, prefix, column),
            _ => Vec::new(),
        },
        ExprKind::RowCompare { op, pairs } => {
            pairs.first().and_then(|p| first(*op, p, column, rel)).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

pub(super) fn condition(op: &'static OperDef, left: &Expr, right: &Expr) -> Option<Expr> {
    let func = func::user::function_of(op)?;
    let kind = ExprKind::Func { func, oper: Some(op.oid), args: vec![left.clone(), right.clone()], variadic: false };
    Some(Expr::new(kind, TypeRef::of(oid::BOOL)))
}

/// `(a, b) > (1, 2)`: a is at least 1.
fn first(op: RowOp, p: &RowPair, column: &Expr, rel: usize) -> Option<Bound> {
    let up = match op {
        RowOp::Gt | RowOp::Ge => true,
        RowOp::Lt | RowOp::Le => false,
        RowOp::Eq | RowOp::Ne => return None,
    };
    let (left, value) = beside((&p.left, &p.right), column, rel)?;
    let (side, up) = if left { (&p.left, up) } else { (&p.right, !up) };
    let (symbol, op) = if up { (">=", IndexOp::Ge) } else { ("<=", IndexOp::Le) };
    if family(column.ty.oid) != family(value.ty.oid) || !finds(op, &p.left, column) {
        return None;
    }
    let oper = func::type_operator(symbol, types::base_type(side.ty.oid), types::base_type(value.ty.oid))?;
    let mut side = side.clone();
    side.ty.collation = p.left.ty.collation;
    Some(Bound { op, value: value.clone(), expr: condition(oper, &side, value)? })
}

/// What texts that match begin with, where the index has them in the order of their bytes.
fn begin(op: Oid, text: &Expr, pattern: &Expr, column: &Expr) -> Vec<Bound> {
    let ExprKind::Const(value @ Value::Bytes(_)) = &pattern.kind else { return Vec::new() };
    let fits = matches!(types::base_type(column.ty.oid), oid::TEXT | oid::VARCHAR)
        && same(strip(text), strip(column))
        && column.ty.collation.is_in_byte_order()
        && text.ty.collation.is_deterministic();
    if !fits {
        return Vec::new();
    }
    let pattern = value.datum().str().to_owned();
    let found = match op {
        LIKE => prefix::of_like(&pattern),
        MATCHES => prefix::of_regex(&pattern),
        BEGINS => Some((pattern, false)).filter(|(p, _)| !p.is_empty()),
        _ => None,
    };
    let Some((prefix, exact)) = found else { return Vec::new() };
    let bound = |op: IndexOp, oper: Oid, limit: &str| {
        let ty = TypeRef { collation: column.ty.collation, ..TypeRef::of(oid::TEXT) };
        let value = Expr::new(ExprKind::Const(Value::text(limit)), ty);
        Some(Bound { op, expr: condition(func::oper(oper)?, text, &value)?, value })
    };
    if exact {
        return bound(IndexOp::Eq, IS, &prefix).into_iter().collect();
    }
    let own = usize::from(text.ty.collation.is_in_byte_order());
    let from = bound(IndexOp::Ge, FROM[own], &prefix);
    let below = next(&prefix).and_then(|n| bound(IndexOp::Lt, BELOW[own], &n));
    from.into_iter().chain(below).collect()
}

/// The first text behind all that begin so.
pub(super) fn next(prefix: &str) -> Option<String> {
    let mut chars: Vec<char> = prefix.chars().collect();
    while let Some(last) = chars.pop() {
        // Between these there are no characters.
        let greater = if last == '\u{D7FF}' { Some('\u{E000}') } else { char::from_u32(last as u32 + 1) };
        if let Some(c) = greater {
            chars.push(c);
            return Some(chars.into_iter().collect());
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_behind() {
        assert_eq!(next("ab"), Some("ac".into()));
        assert_eq!(next("a\u{7F}"), Some("a\u{80}".into()));
        assert_eq!(next("a\u{10FFFF}"), Some("b".into()));
        assert_eq!(next("\u{D7FF}"), Some("\u{E000}".into()));
        assert_eq!(next("\u{10FFFF}"), None);
        assert!("ab\u{10FFFF}\u{10FFFF}".as_bytes() < "ac".as_bytes());
    }
}
