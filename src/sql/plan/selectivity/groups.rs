//! How many groups rows fall into: PostgreSQL 15, selfuncs.c, estimate_num_groups.

use super::{Estimator, strip};
use crate::sql::expr::{Expr, ExprKind, same};
use crate::sql::plan::fold::has_volatile;
use crate::types::oid;

impl Estimator<'_> {
    /// Distinct combinations of expressions among so many rows.
    pub fn groups(&self, exprs: &[&Expr], rows: f64) -> f64 {
        let mut n = 1.0;
        let mut columns: Vec<Expr> = Vec::new();
        for e in exprs {
            if e.ty.oid == oid::BOOL {
                n *= 2.0;
                continue;
            }
            let known = self.variable(e).is_some_and(|v| v.stats.is_some() || v.unique);
            let found = if known { vec![strip(e).clone()] } else { columns_in(e) };
            if found.is_empty() && has_volatile(e) {
                return rows.max(1.0);
            }
            for c in found {
                if !columns.iter().any(|o| same(o, &c)) {
                    columns.push(c);
                }
            }
        }
        for (rel, facts) in self.rels.iter().enumerate() {
            let of_rel = |e: &&Expr| matches!(e.kind, ExprKind::Var { rel: r, .. } if r == rel);
            let own: Vec<&Expr> = columns.iter().filter(of_rel).collect();
            if !own.is_empty() {
                n *= self.groups_of(facts.tuples.max(1.0), facts.rows, &own);
            }
        }
        n.ceil().min(rows).max(1.0)
    }

    /// Of the columns of one relation, of whose `tuples` so many `rows` are left.
    fn groups_of(&self, tuples: f64, rows: f64, columns: &[&Expr]) -> f64 {
        let (known, rest) = self.known_together(columns);
        let mut n: f64 = known * rest.iter().map(|e| self.distinct(e)).product::<f64>();
        let largest = rest.iter().map(|e| self.distinct(e)).fold(known, f64::max);
        // Several columns are hardly ever independent.
        let limit = if columns.len() > 1 { (tuples * 0.1).max(largest).min(tuples) } else { tuples };
        n = n.min(limit);
        // A value is met if one of the rows that have it is left.
        if n > 0.0 && rows < tuples {
            n *= 1.0 - ((tuples - rows) / tuples).powf(tuples / n);
        }
        n.round().max(1.0)
    }
}

/// The columns of this level that an expression reads.
fn columns_in(e: &Expr) -> Vec<Expr> {
    let mut out = Vec::new();
    e.any(&mut |x| {
        if matches!(x.kind, ExprKind::Var { levels_up: 0, .. }) {
            out.push(x.clone());
        }
        false
    });
    out
}
