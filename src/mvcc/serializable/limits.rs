//! How many marks and transactions are kept.

use super::target::Target;
use crate::settings::{Id, Lookup};

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// A transaction's marks on the rows and pages of one relation, before it marks the whole.
    pub per_relation: u32,
    /// A transaction's marks on the rows of one page, before it marks the page.
    pub per_page: u32,
    /// Marks of all transactions together.
    pub marks: usize,
    /// Transactions in the graph; beyond, the oldest committed ones are summarised.
    pub transactions: usize,
    pub edges: usize,
}

impl Limits {
    /// PostgreSQL 15, predicate.c, MaxPredicateChildLocks and PredicateLockShmemSize: same figures.
    pub fn from_settings(settings: &impl Lookup) -> Limits {
        let per_transaction = settings.int(Id::MaxPredLocksPerTransaction).max(1) as usize;
        let sessions = settings.int(Id::MaxConnections).max(1) as usize;
        let per_relation = match settings.int(Id::MaxPredLocksPerRelation) {
            n if n < 0 => (per_transaction as i64 / -n - 1).max(0),
            n => n,
        };
        Limits {
            per_relation: u32::try_from(per_relation).unwrap_or(u32::MAX),
            per_page: u32::try_from(settings.int(Id::MaxPredLocksPerPage)).unwrap_or(u32::MAX),
            marks: per_transaction * sessions,
            transactions: sessions * 10,
            edges: sessions * 50,
        }
    }

    /// How many marks below a target are kept before it is marked itself.
    pub(super) fn below(&self, target: &Target) -> u32 {
        if target.block().is_some() { self.per_page } else { self.per_relation }
    }
}

impl Default for Limits {
    /// The settings' defaults.
    fn default() -> Limits {
        Limits { per_relation: 31, per_page: 2, marks: 6400, transactions: 1000, edges: 5000 }
    }
}
