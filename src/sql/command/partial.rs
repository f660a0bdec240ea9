//! How many rows of a table its partial indexes have.

use super::index::patiently;
use crate::base::Result;
use crate::catalog::{Index, Relation};
use crate::sql::bind::stored;
use crate::sql::exec::ExecContext;
use crate::sql::expr::eval::{Projection, Sel};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::{Batch, ColumnData};
use std::sync::Arc;

/// The part of the table's rows that the index had when they were counted last; of an index without a predicate all.
pub fn known_part(table: &Relation, index: &Index) -> f64 {
    let (all, own) = (table.stats.reltuples(), index.stats.reltuples());
    match index.predicate {
        Some(_) if all > 0.0 && own >= 0.0 => (own / all).min(1.0),
        _ => 1.0,
    }
}

/// The same by a sample of the rows, of these attributes (PostgreSQL 15, analyze.c, compute_index_stats). What calls users'
/// functions is not asked.
///
/// # Errors
/// The predicate cannot be evaluated.
pub fn sampled_part(
    cx: &mut ExecContext,
    table: &Arc<Relation>,
    n: usize,
    (attnos, rows): (&[i16], &Batch),
) -> Result<f64> {
    let catalog = cx.backend()?.catalog.clone();
    let kept = stored(table, &*catalog, &cx.fx.io)?;
    let Some((_, Some(predicate))) = kept.indexes.get(n) else { return Ok(1.0) };
    let Some(predicate) = over(predicate, attnos).filter(|_| rows.rows > 0) else {
        return Ok(known_part(table, &table.indexes[n]));
    };
    let mut test = Projection::new(&[predicate]);
    let answer = patiently(cx, |cx| test.run(cx, rows, Sel::All(rows.rows)))?;
    let ColumnData::Bool(values) = &answer[0].data else { return Ok(1.0) };
    let found = (0..rows.rows).filter(|r| values[*r] && !answer[0].is_null(*r)).count();
    Ok(found as f64 / rows.rows as f64)
}

/// The predicate over columns that are these attributes; None: it asks for more than these.
fn over(predicate: &Expr, attnos: &[i16]) -> Option<Expr> {
    let mut out = predicate.clone();
    let mut complete = true;
    out.rewrite(&mut |e| match &e.kind {
        ExprKind::Var { attno, .. } => match attnos.iter().position(|a| a == attno) {
            Some(n) => e.kind = ExprKind::Column(n),
            None => complete = false,
        },
        ExprKind::Func { func, .. } if func.is_users() => complete = false,
        _ => {}
    });
    Some(out).filter(|_| complete)
}
