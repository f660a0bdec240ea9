//! Conditions in the form that planning likes best: what all arms of an OR ask stands before it. PostgreSQL 15, prepqual.c,
//! canonicalize_qual.

use super::fold::{bool_expr, constant};
use crate::sql::bind::{FromNode, Query};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::types::{TypeRef, Value, oid};

/// WHERE, HAVING and the conditions of joins.
pub(super) fn conditions(query: &mut Query) {
    query.filter.iter_mut().chain(&mut query.having).for_each(canonical);
    query.from.iter_mut().for_each(of_joins);
}

fn of_joins(node: &mut FromNode) {
    if let FromNode::Join(j) = node {
        j.on.iter_mut().for_each(canonical);
        of_joins(&mut j.left);
        of_joins(&mut j.right);
    }
}

/// NULL counts as false: no row passes by either.
fn canonical(e: &mut Expr) {
    let all = match &e.kind {
        ExprKind::And(_) => true,
        ExprKind::Or(_) => false,
        _ => return,
    };
    let (ExprKind::And(parts) | ExprKind::Or(parts)) = &mut e.kind else { return };
    let mut out = Vec::with_capacity(parts.len());
    for mut part in std::mem::take(parts) {
        canonical(&mut part);
        let decided = constant(&part).map(|v| matches!(v, Value::Bool(true)));
        match (decided, part.kind) {
            (Some(v), _) if v == all => {}
            (Some(_), _) => {
                e.kind = bool_expr(!all).kind;
                return;
            }
            (None, ExprKind::And(inner)) if all => out.extend(inner),
            (None, ExprKind::Or(inner)) if !all => out.extend(inner),
            (None, kind) => out.push(Expr { kind, ..part }),
        }
    }
    e.kind = if all { joined(out, true) } else { common_first(out) };
}

/// Some conditions as one.
fn joined(mut parts: Vec<Expr>, all: bool) -> ExprKind {
    match parts.len() {
        0 => bool_expr(all).kind,
        1 => parts.swap_remove(0).kind,
        _ if all => ExprKind::And(parts),
        _ => ExprKind::Or(parts),
    }
}

fn asked(arm: &Expr) -> &[Expr] {
    match &arm.kind {
        ExprKind::And(parts) => parts,
        _ => std::slice::from_ref(arm),
    }
}

/// `(a AND b) OR (a AND c)` is `a AND (b OR c)`. PostgreSQL 15, process_duplicate_ors.
fn common_first(arms: Vec<Expr>) -> ExprKind {
    let has = |list: &[Expr], e: &Expr| list.iter().any(|o| same(o, e));
    let mut common: Vec<Expr> = Vec::new();
    if arms.len() > 1
        && let Some(shortest) = arms.iter().map(asked).min_by_key(|a| a.len())
    {
        for e in shortest {
            if !has(&common, e) && arms.iter().all(|a| has(asked(a), e)) {
                common.push(e.clone());
            }
        }
    }
    if common.is_empty() {
        return joined(arms, false);
    }
    let boolean = |kind| Expr::new(kind, TypeRef::of(oid::BOOL));
    let mut rest = Vec::with_capacity(arms.len());
    for arm in &arms {
        let own: Vec<Expr> = asked(arm).iter().filter(|e| !has(&common, e)).cloned().collect();
        // An arm that asks nothing else makes the others idle.
        if own.is_empty() {
            return joined(common, true);
        }
        rest.push(boolean(joined(own, true)));
    }
    let mut flat = Vec::with_capacity(rest.len());
    for e in rest {
        match e.kind {
            ExprKind::Or(inner) => flat.extend(inner),
            _ => flat.push(e),
        }
    }
    common.push(boolean(joined(flat, false)));
    joined(common, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn column(n: i16) -> Expr {
        Expr::new(ExprKind::Var { rel: 0, attno: n, levels_up: 0 }, TypeRef::of(oid::BOOL))
    }

    fn shown(e: &Expr) -> String {
        let list = |parts: &[Expr], word: &str| format!("({})", parts.iter().map(shown).collect::<Vec<_>>().join(word));
        match &e.kind {
            ExprKind::Var { attno, .. } => char::from(b'`' + *attno as u8).to_string(),
            ExprKind::And(parts) => list(parts, "&"),
            ExprKind::Or(parts) => list(parts, "|"),
            ExprKind::Const(v) => format!("{v:?}"),
            _ => "?".into(),
        }
    }

    fn form(e: ExprKind) -> String {
        let mut e = Expr::new(e, TypeRef::of(oid::BOOL));
        canonical(&mut e);
        shown(&e)
    }

    fn and(parts: &[i16]) -> Expr {
        Expr::new(ExprKind::And(parts.iter().map(|n| column(*n)).collect()), TypeRef::of(oid::BOOL))
    }

    #[test]
    fn what_all_arms_ask_comes_first() {
        assert_eq!(form(ExprKind::Or(vec![and(&[1, 2]), and(&[3, 1])])), "(a&(b|c))");
        assert_eq!(form(ExprKind::Or(vec![and(&[1, 2, 3]), and(&[3, 1, 4]), and(&[1, 3, 5])])), "(a&c&(b|d|e))");
        assert_eq!(form(ExprKind::Or(vec![and(&[1, 2]), column(1)])), "a");
        assert_eq!(form(ExprKind::Or(vec![and(&[1, 2]), and(&[3, 4])])), "((a&b)|(c&d))");
        let null = Expr::new(ExprKind::Const(Value::Null), TypeRef::of(oid::BOOL));
        assert_eq!(form(ExprKind::Or(vec![null.clone(), column(1)])), "a");
        assert_eq!(form(ExprKind::And(vec![null, column(1)])), "Bool(false)");
        let nested = Expr::new(ExprKind::Or(vec![and(&[1, 2]), and(&[1, 3])]), TypeRef::of(oid::BOOL));
        assert_eq!(form(ExprKind::And(vec![nested, column(4)])), "(a&(b|c)&d)");
    }
}
