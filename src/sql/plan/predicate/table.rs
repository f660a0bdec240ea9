//! What a table's constraints say of all its rows.

use super::Prover;
use crate::base::Result;
use crate::catalog::{Attribute, Relation};
use crate::sql::bind::{Names, stored};
use crate::sql::expr::{Expr, ExprKind};
use crate::sql::plan::fold::Folder;
use crate::sql::plan::scan::with_rel;
use crate::types::{IoContext, TypeRef, oid};
use std::sync::Arc;

/// `column IS NOT NULL`.
pub(in crate::sql) fn is_filled(a: &Attribute, rel: usize) -> Expr {
    let var = Expr::new(ExprKind::Var { rel, attno: a.attno, levels_up: 0 }, a.ty);
    Expr::new(ExprKind::IsNotNull(Box::new(var)), TypeRef::of(oid::BOOL))
}

/// What is false of no row: the columns that are NOT NULL, and the checks that all rows have passed.
pub(in crate::sql) fn constraints(
    t: &Arc<Relation>,
    rel: usize,
    names: &dyn Names,
    io: &IoContext,
    folder: &mut Folder,
) -> Result<Vec<Expr>> {
    let filled = t.attributes.iter().filter(|a| a.not_null && !a.dropped);
    let mut out: Vec<Expr> = filled.map(|a| is_filled(a, rel)).collect();
    if t.constraints.iter().all(|c| c.check.is_none() || !c.validated) {
        return Ok(out);
    }
    let kept = stored(t, names, io)?;
    let valid = |name: &str| t.constraints.iter().any(|c| c.name == name && c.validated);
    for (_, check) in kept.checks.iter().filter(|(name, _)| valid(name)) {
        let mut check = with_rel(check, rel);
        // What fails, fails when a row is written.
        if folder.simplify(&mut check).is_ok() {
            out.push(check);
        }
    }
    Ok(out)
}

/// The condition, on the table's own attributes, is false of none of its rows: its constraints say so. PostgreSQL 15,
/// tablecmds.c, ConstraintImpliedByRelConstraint: same rule.
///
/// # Errors
/// Those of reading the constraints.
pub fn is_implied(t: &Arc<Relation>, mut condition: Expr, names: &dyn Names, io: &IoContext) -> Result<bool> {
    let mut folder = Folder::new(io);
    let given = constraints(t, 0, names, io, &mut folder)?;
    if folder.simplify(&mut condition).is_err() {
        return Ok(false);
    }
    let given: Vec<&Expr> = given.iter().collect();
    Ok(Prover::weak(&mut folder).implied(&condition, &given))
}
