//! Semi joins that find at most one partner anyway, because a unique index says so, are plain ones: their sides may be
//! joined either way round and in any order. PostgreSQL 15, analyzejoins.c, reduce_unique_semijoins: same rule.

use super::JoinKind;
use super::fold::{conjuncts, has_volatile};
use super::relset::rels_of;
use super::selectivity::strip;
use crate::catalog::Relation;
use crate::sql::bind::{FromNode, Query, Rel, Source, is_binary_coercible};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::func;
use crate::types::base_type;

/// Turns such joins in FROM into inner ones.
pub(super) fn reduce(query: &mut Query) {
    for node in &mut query.from {
        reduce_node(node, &query.rels);
    }
}

fn reduce_node(node: &mut FromNode, rels: &[Rel]) {
    let FromNode::Join(j) = node else { return };
    reduce_node(&mut j.left, rels);
    reduce_node(&mut j.right, rels);
    if let (JoinKind::Semi, FromNode::Rel(right), Some(on)) = (j.kind, &j.right, &j.on)
        && let Source::Table { rel, sample: None, inherit } = &rels[*right].source
        && !(rel.is_partitioned() || *inherit && !rel.children.is_empty())
    {
        let mut parts = Vec::new();
        conjuncts(on.clone(), &mut parts);
        let equal: Vec<i16> = parts.iter().filter_map(|c| equal_column(c, *right)).collect();
        if has_index(rel, &equal) {
            j.kind = JoinKind::Inner;
        }
    }
}

/// The column of `rel` that a condition says is equal to something known without it, as an index on it decides.
fn equal_column(condition: &Expr, rel: usize) -> Option<i16> {
    let ExprKind::Func { oper: Some(o), args, .. } = &condition.kind else { return None };
    let op = func::oper(*o).filter(|o| o.name == "=" && o.can_merge)?;
    let [l, r] = &args[..] else { return None };
    [(l, r, op.left), (r, l, op.right)].into_iter().find_map(|(column, other, ty)| {
        let column = strip(column);
        let ExprKind::Var { rel: of, attno, levels_up: 0 } = column.kind else { return None };
        let own = base_type(column.ty.oid);
        let decides = (ty == own || is_binary_coercible(own, ty)) && column.ty.collation.is_deterministic();
        let known = !rels_of(other).has(rel) && !has_volatile(other);
        (of == rel && attno > 0 && decides && known).then_some(attno)
    })
}

/// At most one row has given values in these columns.
pub(super) fn has_index(rel: &Relation, equal: &[i16]) -> bool {
    rel.indexes.iter().any(|i| {
        i.unique
            && i.valid
            && !rel.constraints.iter().any(|k| k.index == i.oid && k.deferrable)
            && i.predicate.is_none()
            && i.columns.iter().take(i.key_columns).all(|c| c.attno > 0 && equal.contains(&c.attno))
    })
}
