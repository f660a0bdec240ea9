//! How many rows of a hash join's table share a bucket: PostgreSQL 15, selfuncs.c, estimate_hash_bucket_stats.

use super::{Estimator, strip};
use crate::sql::expr::{Expr, ExprKind};
use crate::types::oid;

impl Estimator<'_> {
    /// The part of the inner rows that a row of the other side finds in its bucket, of so many.
    pub fn bucket_fraction(&self, key: &Expr, buckets: f64) -> f64 {
        let variable = self.variable(key);
        let stats = variable.as_ref().and_then(|v| v.stats.as_deref());
        let commonest = stats.and_then(|s| s.most_common.first()).map_or(0.0, |m| m.1);
        if !self.knows(key) && key.ty.oid != oid::BOOL {
            return commonest.max(0.1);
        }
        let mut distinct = self.distinct(key);
        let average = (1.0 - stats.map_or(0.0, |s| s.null_frac)) / distinct;
        // What the scan leaves of the table has fewer.
        if let ExprKind::Var { rel, .. } = strip(key).kind
            && let Some(facts) = self.rels.get(rel)
            && facts.tuples > 0.0
        {
            distinct = (distinct * facts.rows / facts.tuples).round().max(1.0);
        }
        let mut fraction = 1.0 / distinct.min(buckets);
        if average > 0.0 && commonest > average {
            fraction *= commonest / average;
        }
        fraction.clamp(1e-6, 1.0)
    }
}
