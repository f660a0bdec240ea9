//! What one owner holds, kept by the owner: asking again for a held mode costs one local look-up.

use super::mode::LockMode;
use super::tag::LockTag;
use hashbrown::HashMap;

/// The locks of one session.
#[derive(Debug)]
pub struct HeldLocks {
    /// The pid shown in `pg_locks` and in deadlock reports.
    pub(super) owner: u32,
    pub(super) entries: HashMap<LockTag, Holding>,
    /// Locks of the running transaction in the order they were taken: a savepoint is a length of this list.
    pub(super) taken: Vec<(LockTag, LockMode)>,
    pub(super) pending: Option<(LockTag, LockMode, u64)>,
}

/// Modes of one tag.
#[derive(Debug, Default, Clone)]
pub(super) struct Holding {
    /// Bit n: mode n is held by the transaction.
    pub transaction: u16,
    /// How often each mode is held by the session (advisory locks).
    pub session: [u32; 9],
}

impl Holding {
    pub fn mask(&self) -> u16 {
        let session = self.session.iter().enumerate().filter(|(_, n)| **n > 0).fold(0, |m, (i, _)| m | 1 << i);
        self.transaction | session
    }
}

impl HeldLocks {
    pub fn new(owner: u32) -> HeldLocks {
        HeldLocks { owner, entries: HashMap::new(), taken: Vec::new(), pending: None }
    }

    pub fn owner(&self) -> u32 {
        self.owner
    }

    /// Whether the transaction or the session holds this very mode.
    pub fn holds(&self, tag: &LockTag, mode: LockMode) -> bool {
        self.entries.get(tag).is_some_and(|h| h.mask() >> mode as u8 & 1 == 1)
    }

    /// Where a savepoint stands in the list of taken locks.
    pub fn mark(&self) -> usize {
        self.taken.len()
    }

    /// What the transaction holds: each thing with its modes (bit n: mode n).
    pub fn transaction_modes(&self) -> Vec<(LockTag, u16)> {
        let mut all: Vec<_> = self.entries.iter().map(|(tag, h)| (*tag, h.transaction)).filter(|l| l.1 != 0).collect();
        all.sort();
        all
    }

    /// Whether something is held by the transaction and by the session at once.
    pub fn holds_twice(&self) -> bool {
        self.entries.values().any(|h| h.transaction != 0 && h.session.iter().any(|n| *n > 0))
    }

    /// The request that is queued, if any.
    pub fn ticket(&self) -> Option<u64> {
        self.pending.map(|p| p.2)
    }
}
