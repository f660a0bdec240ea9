//! Columns taken together, where CREATE STATISTICS has asked for it.

use super::{Estimator, strip};
use crate::sql::expr::{Expr, ExprKind};

impl Estimator<'_> {
    /// Different values of columns that extended statistics know of together, and the expressions they say nothing of.
    /// PostgreSQL 15, selfuncs.c, estimate_multivariate_ndistinct.
    pub fn known_together<'e>(&self, exprs: &[&'e Expr]) -> (f64, Vec<&'e Expr>) {
        let mut rest = exprs.to_vec();
        let mut known = 1.0;
        for (rel, facts) in self.rels.iter().enumerate() {
            let Some(table) = &facts.table else { continue };
            let stats = table.extended_stats.load();
            if stats.is_empty() {
                continue;
            }
            let attno = |e: &Expr| match strip(e).kind {
                ExprKind::Var { rel: r, attno, levels_up: 0 } if r == rel => Some(attno),
                _ => None,
            };
            loop {
                let wanted: Vec<i16> = rest.iter().filter_map(|e| attno(e)).collect();
                let all = stats.iter().flat_map(|s| &s.distinct);
                let fitting = all.filter(|(columns, _)| columns.iter().all(|c| wanted.contains(c)));
                let Some((columns, n)) = fitting.max_by_key(|(columns, _)| columns.len()) else { break };
                known *= n;
                rest.retain(|e| !attno(e).is_some_and(|a| columns.contains(&a)));
            }
        }
        (known, rest)
    }

    /// Equalities with constants on columns that decide one another: what each further one leaves of the rows.
    /// PostgreSQL 15, dependencies.c, dependencies_clauselist_selectivity: same formula for two and more columns.
    pub(super) fn by_dependencies(&self, clauses: &[&Expr]) -> Option<(f64, Vec<usize>)> {
        for (rel, facts) in self.rels.iter().enumerate() {
            let Some(table) = &facts.table else { continue };
            let stats = table.extended_stats.load();
            if stats.iter().all(|s| s.dependencies.is_empty()) {
                continue;
            }
            let fixed = |e: &Expr| {
                let (v, _, _) = super::super::jointree::constant_equality(e)?;
                match strip(v).kind {
                    ExprKind::Var { rel: r, attno, levels_up: 0 } if r == rel => Some(attno),
                    _ => None,
                }
            };
            let found: Vec<(usize, i16)> =
                clauses.iter().enumerate().filter_map(|(n, e)| fixed(e).map(|a| (n, a))).collect();
            let mut open: Vec<(usize, i16)> = Vec::new();
            for f in found {
                if !open.iter().any(|o| o.1 == f.1) {
                    open.push(f);
                }
            }
            let used: Vec<usize> = open.iter().map(|o| o.0).collect();
            let mut steps: Vec<(f64, f64)> = Vec::new();
            loop {
                let has = |a: &i16| open.iter().any(|o| o.1 == *a);
                let all = stats.iter().flat_map(|s| &s.dependencies);
                let fitting = all.filter(|(from, to, _)| from.iter().all(has) && has(to));
                // The one with most columns, then the strongest.
                let Some((_, to, degree)) = fitting.max_by(|a, b| a.0.len().cmp(&b.0.len()).then(a.2.total_cmp(&b.2)))
                else {
                    break;
                };
                let at = open.iter().position(|o| o.1 == *to)?;
                let (n, _) = open.remove(at);
                steps.push((self.one(clauses[n]), *degree));
            }
            if steps.is_empty() {
                continue;
            }
            let mut s: f64 = open.iter().map(|o| self.one(clauses[o.0])).product();
            for (own, degree) in steps.into_iter().rev() {
                s = degree * s.min(own) + (1.0 - degree) * s * own;
            }
            return Some((s, used));
        }
        None
    }
}
