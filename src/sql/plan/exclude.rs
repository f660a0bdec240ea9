//! Tables whose constraints say that none of their rows fulfils the conditions. PostgreSQL 15, plancat.c,
//! relation_excluded_by_constraints.

use super::fold::Folder;
use super::planner::Planner;
use super::predicate::{Prover, constraints};
use super::settings::Exclusion;
use crate::base::Result;
use crate::catalog::Relation;
use crate::sql::expr::{Expr, ExprKind, volatility};
use std::sync::Arc;

impl Planner<'_> {
    /// No row of the table fulfils `quals`, which are over its own attributes. `member`: of a tree.
    pub(super) fn is_excluded(&mut self, t: &Arc<Relation>, rel: usize, quals: &[Expr], member: bool) -> Result<bool> {
        let asked = match self.cx.settings.constraint_exclusion {
            Exclusion::Off => false,
            Exclusion::Partition => member,
            Exclusion::On => true,
        };
        if !asked || quals.is_empty() || t.generated_by.is_some() {
            return Ok(false);
        }
        let safe: Vec<&Expr> = quals.iter().filter(|q| is_certain(q)).collect();
        if Prover::weak(&mut Folder::new(self.cx.io)).refuted(&safe, &safe) {
            return Ok(true);
        }
        let constraints = constraints(t, rel, self.cx.names, self.cx.io, &mut self.folder)?;
        let constraints: Vec<&Expr> = constraints.iter().filter(|c| is_certain(c)).collect();
        let quals: Vec<&Expr> = quals.iter().collect();
        Ok(Prover::new(&mut Folder::new(self.cx.io)).refuted(&constraints, &quals))
    }
}

/// It depends on nothing but the row.
fn is_certain(e: &Expr) -> bool {
    volatility(e) == b'i' && !e.any(&mut |x| matches!(x.kind, ExprKind::SubPlan(_) | ExprKind::SubLink(_)))
}
