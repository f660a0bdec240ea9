//! Which columns of which relations a statement reads: marked when it is bound, before views and policies change it.
//! PostgreSQL 15, parse_relation.c, markVarForSelectPriv: same rule.
//!
//! What it writes is marked where it is bound ([`super::Rel::inserted`], [`super::Rel::updated`]).

use super::Query;
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::access;

/// The attributes read, by relation; of each query level, innermost last.
type Levels = Vec<Vec<Vec<i16>>>;

/// Marks a statement, its sub-selects, and the views in it.
pub(super) fn mark(query: &mut Query) {
    mark_query(query, &mut Vec::new());
}

/// Marks the sub-selects of an expression over one relation.
pub(super) fn mark_alone(e: &mut Expr) {
    mark_expr(e, &mut vec![vec![Vec::new()]]);
}

fn mark_query(query: &mut Query, levels: &mut Levels) {
    levels.push(vec![Vec::new(); query.rels.len()]);
    query.for_each_expr_mut(&mut |e| mark_expr(e, levels));
    query.for_each_query_mut(&mut |q| mark_query(q, levels));
    let read = levels.pop().unwrap_or_default();
    for (rel, mut attnos) in query.rels.iter_mut().zip(read) {
        if attnos.is_empty() || rel.relation().is_none() {
            continue;
        }
        attnos.extend(&rel.selected);
        attnos.sort_unstable();
        attnos.dedup();
        rel.selected = attnos;
        rel.wanted |= access::SELECT;
    }
}

fn mark_expr(e: &mut Expr, levels: &mut Levels) {
    match &mut e.kind {
        ExprKind::Var { rel, attno, levels_up } => {
            let level = levels.len().checked_sub(1 + *levels_up).and_then(|n| levels.get_mut(n));
            if let Some(read) = level.and_then(|l| l.get_mut(*rel))
                && !read.contains(attno)
            {
                read.push(*attno);
            }
        }
        ExprKind::SubLink(link) => mark_query(&mut link.query, levels),
        _ => {}
    }
    e.for_each_child_mut(&mut |c| mark_expr(c, levels));
}
