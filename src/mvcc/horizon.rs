//! What every reader sees of one database's tables.

use super::snapshot::SnapshotSlot;
use crate::base::{Csn, Oid, Xid};
use parking_lot::{Mutex, MutexGuard};
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// How old a cached horizon may be: it only lags, which is always safe.
const AGE: Duration = Duration::from_millis(2);

/// The newest commit that every snapshot sees which can be used on a database's tables: those of its own sessions, and of
/// whoever belongs to no database (PostgreSQL 15, procarray.c, ComputeXidHorizons: same, because nobody else can open its
/// tables). Each table holds its database's.
#[derive(Debug)]
pub struct Horizon {
    /// Invalid: the shared relations, which everybody reads.
    database: Oid,
    csn: AtomicU64,
    computed: Mutex<Instant>,
}

impl Horizon {
    fn of(database: Oid, csn: Csn) -> Horizon {
        Horizon { database, csn: AtomicU64::new(csn.0), computed: Mutex::new(Instant::now()) }
    }

    /// As it was found last.
    #[inline]
    pub(super) fn known(&self) -> Csn {
        Csn(self.csn.load(Ordering::SeqCst))
    }

    /// Whether to compute it again, which the caller then does; another one does not meanwhile.
    #[inline]
    pub(super) fn is_old(&self) -> bool {
        let Some(mut at) = self.computed.try_lock().filter(|at| at.elapsed() > AGE) else { return false };
        *at = Instant::now();
        true
    }
}

/// The sessions' slots, and the horizons made of them.
#[derive(Debug)]
pub(super) struct Readers {
    slots: Mutex<Vec<Weak<SnapshotSlot>>>,
    horizons: Mutex<HashMap<Oid, Weak<Horizon>>>,
    everybody: Arc<Horizon>,
}

impl Readers {
    /// Nobody reads yet; whatever has committed up to `frozen` is seen by all.
    pub(super) fn new(frozen: Csn) -> Readers {
        let everybody = Arc::new(Horizon::of(Oid::INVALID, frozen));
        Readers { slots: Mutex::default(), horizons: Mutex::default(), everybody }
    }

    pub(super) fn add(&self, slot: &Arc<SnapshotSlot>) {
        let mut slots = self.slots.lock();
        slots.retain(|s| s.strong_count() > 0);
        slots.push(Arc::downgrade(slot));
    }

    /// The slots; while they are held nobody puts a horizon together.
    pub(super) fn slots(&self) -> MutexGuard<'_, Vec<Weak<SnapshotSlot>>> {
        self.slots.lock()
    }

    /// The horizon of the tables of a database, or of the shared ones.
    pub(super) fn horizon(&self, database: Oid) -> Arc<Horizon> {
        if !database.is_valid() {
            return self.everybody.clone();
        }
        let mut horizons = self.horizons.lock();
        if let Some(found) = horizons.get(&database).and_then(Weak::upgrade) {
            return found;
        }
        horizons.retain(|_, h| h.strong_count() > 0);
        let made = Arc::new(Horizon::of(database, self.everybody.known()));
        horizons.insert(database, Arc::downgrade(&made));
        made
    }

    pub(super) fn everybody(&self) -> &Horizon {
        &self.everybody
    }

    /// Moves a horizon up to what is held back no more. `newest` was read before this is called: a snapshot that is not
    /// found here was published later and re-checks (MVCC-4).
    pub(super) fn compute(&self, horizon: &Horizon, newest: Csn) -> Csn {
        let slots = self.slots.lock();
        let readers = slots.iter().filter_map(Weak::upgrade).filter(|s| s.is_in(horizon.database));
        let held = readers.filter_map(|s| s.oldest()).min();
        drop(slots);
        let found = held.unwrap_or(newest).min(newest).0;
        Csn(horizon.csn.fetch_max(found, Ordering::SeqCst).max(found))
    }

    /// The oldest id that was not known to have ended when some reader of a database's tables began; `ended` was read
    /// before.
    pub(super) fn oldest_begun(&self, database: Oid, ended: Xid) -> Xid {
        let slots = self.slots.lock();
        let readers = slots.iter().filter_map(Weak::upgrade).filter(|s| s.is_in(database));
        readers.filter_map(|s| s.reader()).map(|(_, ended)| ended).min().map_or(ended, |h| h.min(ended))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A snapshot holds back what its own database's tables and the shared ones may lose, in no other database.
    #[test]
    fn databases_do_not_hold_one_another_back() {
        let readers = Readers::new(Csn(1));
        let slot = |database| {
            let slot = Arc::new(SnapshotSlot::of(1, Oid(database)));
            readers.add(&slot);
            slot
        };
        let (here, nowhere) = (slot(5), slot(0));
        let [own, other, shared] = [5, 6, 0].map(|d| readers.horizon(Oid(d)));
        let newest = AtomicU64::new(10);
        let held = here.hold(&newest);
        let all = |newest| [&own, &other, &shared].map(|h| readers.compute(h, Csn(newest)).0);
        assert_eq!(all(20), [10, 20, 10]);
        newest.store(30, Ordering::SeqCst);
        let everywhere = nowhere.hold(&newest);
        drop(held);
        assert_eq!(all(40), [30, 30, 30]);
        drop(everywhere);
        assert_eq!(all(40), [40, 40, 40]);
        assert!(Arc::ptr_eq(&own, &readers.horizon(Oid(5))));
    }

    /// Who writes in another database holds back neither freezing nor the reuse of pages; a snapshot does, as far as it
    /// goes back.
    #[test]
    fn writers_count_in_their_own_database() {
        let storage = crate::storage::testing::fresh(&crate::disk::Simulated::new(7), 8);
        let mvcc = &storage.mvcc;
        let begin = |database| mvcc.assign_xid(Oid(database));
        let (there, here) = (begin(6), begin(5));
        let all = || [5, 6, 7, 0].map(|d| mvcc.oldest_on_the_way(Oid(d)));
        assert_eq!(all(), [here, there, mvcc.next_xid(), there]);
        let nowhere = begin(0);
        assert_eq!(all(), [here, there, nowhere, there]);
        mvcc.abort(nowhere, &[]).unwrap();
        let slot = mvcc.register_for(1, Oid(7));
        let snapshot = mvcc.snapshot(&slot, &Arc::default(), crate::base::CommandId::FIRST);
        mvcc.commit(there, &[], crate::base::Lsn::INVALID);
        assert_eq!(all(), [here, mvcc.next_xid(), there, there]);
        drop(snapshot);
        mvcc.commit(here, &[], crate::base::Lsn::INVALID);
        assert_eq!(all(), [mvcc.next_xid(); 4]);
    }
}
