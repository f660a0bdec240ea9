//! Row lockers beyond the one that a row's header has room for.
//!
//! A lock lives as long as its transaction and not across a crash, so memory is its right place. Only rows locked by
//! several transactions at once are in here (PostgreSQL 15, multixact.c, keeps the same facts on disk).

use crate::base::{RelFileId, TupleId, Xid};
use parking_lot::Mutex;
use smallvec::SmallVec;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A row version's name.
pub type RowKey = (RelFileId, TupleId);
/// Who holds it, and how strongly (the heap's numbers, the bigger the stronger).
pub type Holders = SmallVec<[(Xid, u8); 2]>;

#[derive(Default, Debug)]
struct Inner {
    rows: HashMap<RowKey, Holders>,
    by_xid: HashMap<Xid, Vec<RowKey>>,
}

#[derive(Default, Debug)]
pub struct RowLockers {
    inner: Mutex<Inner>,
    rows: AtomicUsize,
}

impl RowLockers {
    /// Adds a holder, or strengthens the one it has.
    pub fn add(&self, key: RowKey, xid: Xid, strength: u8) {
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        let holders = inner.rows.entry(key).or_default();
        match holders.iter_mut().find(|h| h.0 == xid) {
            Some(holder) => holder.1 = holder.1.max(strength),
            None => {
                holders.push((xid, strength));
                inner.by_xid.entry(xid).or_default().push(key);
            }
        }
        self.rows.store(inner.rows.len(), Ordering::Release);
    }

    pub fn get(&self, key: RowKey) -> Holders {
        if self.rows.load(Ordering::Acquire) == 0 {
            return Holders::new();
        }
        self.inner.lock().rows.get(&key).cloned().unwrap_or_default()
    }

    /// The rows these transactions hold in here.
    pub fn held_by(&self, xids: &[Xid]) -> Vec<(RowKey, Xid, u8)> {
        let inner = self.inner.lock();
        let mut all = Vec::new();
        for xid in xids {
            for key in inner.by_xid.get(xid).into_iter().flatten() {
                let holders = inner.rows.get(key).into_iter().flatten();
                all.extend(holders.filter(|h| h.0 == *xid).map(|h| (*key, *xid, h.1)));
            }
        }
        all
    }

    /// Forgets transactions that have ended.
    pub fn release<'a>(&self, xids: impl Iterator<Item = &'a Xid>) {
        if self.rows.load(Ordering::Acquire) == 0 {
            return;
        }
        let mut guard = self.inner.lock();
        let inner = &mut *guard;
        for xid in xids {
            for key in inner.by_xid.remove(xid).unwrap_or_default() {
                let Some(holders) = inner.rows.get_mut(&key) else { continue };
                holders.retain(|h| h.0 != *xid);
                if holders.is_empty() {
                    inner.rows.remove(&key);
                }
            }
        }
        self.rows.store(inner.rows.len(), Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Oid;

    /// Holders gather, strengthen, and disappear with their transactions.
    #[test]
    fn holders_go_with_their_transactions() {
        let lockers = RowLockers::default();
        let key = (RelFileId::new(Oid(5), Oid(9)), TupleId::new(0, 1));
        lockers.add(key, Xid(10), 0);
        lockers.add(key, Xid(11), 1);
        lockers.add(key, Xid(10), 1);
        assert_eq!(lockers.get(key).as_slice(), [(Xid(10), 1), (Xid(11), 1)]);
        lockers.release([Xid(10)].iter());
        assert_eq!(lockers.get(key).as_slice(), [(Xid(11), 1)]);
        lockers.release([Xid(11)].iter());
        assert!(lockers.get(key).is_empty() && lockers.inner.lock().by_xid.is_empty());
    }
}
