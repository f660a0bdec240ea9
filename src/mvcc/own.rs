//! What a transaction remembers of itself that others never need: its ids and its combined command ids.

use super::serializable::Tracked;
use crate::base::{CommandId, Xid};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

/// One per transaction, shared by its snapshots and writes (`Arc`): ids given later are seen by snapshots taken before.
#[derive(Debug, Default)]
pub struct Own {
    top: AtomicU64,
    /// The highest id ever given to the transaction or one of its sub-transactions.
    last: AtomicU64,
    /// Living sub-transactions' ids, ascending; those rolled back are taken out.
    subs: RwLock<Vec<Xid>>,
    /// Pairs (cmin, cmax) of rows both made and deleted by this transaction; the row holds the pair's number.
    combos: RwLock<Combos>,
    /// A serializable transaction's handle.
    tracked: OnceLock<Arc<Tracked>>,
}

#[derive(Debug, Default)]
struct Combos {
    pairs: Vec<(CommandId, CommandId)>,
    numbers: HashMap<(CommandId, CommandId), u32>,
}

impl Own {
    pub fn new() -> Own {
        Own::default()
    }

    /// The top-level id, if one was assigned.
    pub fn top(&self) -> Option<Xid> {
        Some(Xid(self.top.load(Ordering::Relaxed))).filter(|x| x.is_valid())
    }

    pub fn set_top(&self, xid: Xid) {
        self.top.store(xid.0, Ordering::Release);
        self.last.fetch_max(xid.0, Ordering::Release);
    }

    /// The transaction is serializable: its reads and writes are to be told to `tracked`. Once.
    pub fn track(&self, tracked: Arc<Tracked>) {
        let set = self.tracked.set(tracked);
        debug_assert!(set.is_ok(), "a transaction has one handle");
    }

    /// Whom to tell of reads and writes, if they matter to anybody.
    #[inline]
    pub fn tracked(&self) -> Option<&Arc<Tracked>> {
        self.tracked.get().filter(|t| !t.is_over())
    }

    /// The handle of a serializable transaction that is tracked, or was.
    pub fn handle(&self) -> Option<&Arc<Tracked>> {
        self.tracked.get()
    }

    /// Whether nothing of a transaction is in here yet.
    pub fn is_fresh(&self) -> bool {
        self.top().is_none() && self.tracked.get().is_none()
    }

    /// Adds the id of a sub-transaction; ids are given in ascending order (MVCC-2).
    pub fn add_sub(&self, xid: Xid) {
        self.subs.write().push(xid);
        self.last.fetch_max(xid.0, Ordering::Release);
    }

    /// Forgets sub-transactions that rolled back.
    pub fn remove_subs(&self, gone: &[Xid]) {
        self.subs.write().retain(|x| !gone.contains(x));
    }

    /// Living sub-transactions' ids, ascending.
    pub fn subs(&self) -> Vec<Xid> {
        self.subs.read().clone()
    }

    /// How many ids it has: its own and those of living sub-transactions.
    pub fn count(&self) -> usize {
        self.top().is_some() as usize + self.subs.read().len()
    }

    /// Whether `xid` is this transaction's or that of one of its living sub-transactions.
    #[inline]
    pub fn contains(&self, xid: Xid) -> bool {
        let top = self.top.load(Ordering::Relaxed);
        if xid.0 < top || top == 0 {
            return false;
        }
        xid.0 == top || (xid.0 <= self.last.load(Ordering::Relaxed) && self.subs.read().binary_search(&xid).is_ok())
    }

    /// The number that stands for the pair on the row.
    pub fn combo(&self, cmin: CommandId, cmax: CommandId) -> CommandId {
        let mut guard = self.combos.write();
        let combos = &mut *guard;
        CommandId(*combos.numbers.entry((cmin, cmax)).or_insert_with(|| {
            combos.pairs.push((cmin, cmax));
            combos.pairs.len() as u32 - 1
        }))
    }

    /// The pair behind a number; a number of another transaction gives (0, 0), which nobody may rely on.
    pub fn combo_pair(&self, number: CommandId) -> (CommandId, CommandId) {
        self.combos.read().pairs.get(number.0 as usize).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Own ids are recognised, those of rolled-back sub-transactions no longer.
    #[test]
    fn own_ids() {
        let own = Own::new();
        assert!(!own.contains(Xid(7)));
        own.set_top(Xid(7));
        own.add_sub(Xid(9));
        own.add_sub(Xid(12));
        assert!(own.contains(Xid(7)) && own.contains(Xid(12)) && !own.contains(Xid(8)) && !own.contains(Xid(13)));
        own.remove_subs(&[Xid(9)]);
        assert!(!own.contains(Xid(9)) && own.contains(Xid(12)));
        let n = own.combo(CommandId(1), CommandId(4));
        assert_eq!(own.combo(CommandId(1), CommandId(4)), n);
        assert_eq!(own.combo_pair(n), (CommandId(1), CommandId(4)));
    }
}
