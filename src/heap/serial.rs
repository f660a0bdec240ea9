//! What a serializable transaction's reads and writes of rows say of themselves (`mvcc::serializable`).
//!
//! To be called with the page latched, or with the whole relation marked before its pages are looked at (SSI-1).

use super::insert::WriteContext;
use super::store::TableStore;
use super::tuple::{Tuple, mask};
use super::visibility::Judge;
use crate::base::{Result, TupleId, Xid};
use crate::mvcc::serializable::{Target, Tracked};
use crate::mvcc::{Snapshot, XactStatus};
use crate::storage::Storage;

/// What is read of a table is not known row by row: all of it counts as read.
///
/// # Errors
/// 40001; 53200.
pub fn read_whole(store: &TableStore, snapshot: &Snapshot) -> Result<()> {
    match Reading::of(store, snapshot) {
        Some(reading) => reading.check().and_then(|()| reading.whole(store)),
        None => Ok(()),
    }
}

/// A serializable transaction reading one table.
pub(super) struct Reading<'a> {
    tracked: &'a Tracked,
    snapshot: &'a Snapshot,
    /// The writer last told: rows come in runs.
    told: Xid,
}

impl<'a> Reading<'a> {
    /// None: nobody needs to know.
    #[inline]
    pub fn of(store: &TableStore, snapshot: &'a Snapshot) -> Option<Reading<'a>> {
        let tracked = snapshot.tracked().filter(|_| store.is_tracked())?;
        Some(Reading { tracked, snapshot, told: Xid::INVALID })
    }

    /// # Errors
    /// 40001 if somebody has decided that the transaction must not commit.
    pub fn check(&self) -> Result<()> {
        self.tracked.check_reading()
    }

    /// # Errors
    /// 53200 without room for the mark.
    pub fn whole(&self, store: &TableStore) -> Result<()> {
        self.tracked.read(Target::relation(store.file().db, store.relid()))
    }

    /// A version was looked at: if it is `visible` it is marked (unless `scanned`: the relation is), and whoever wrote
    /// what the snapshot does not show must come after the reader.
    ///
    /// # Errors
    /// 40001 if this completes a dangerous structure; 53200.
    pub fn row(
        &mut self,
        storage: &Storage,
        store: &TableStore,
        judge: &mut Judge<'_>,
        (t, tid, visible, scanned): (Tuple<'_>, TupleId, bool, bool),
    ) -> Result<()> {
        let xid = if visible { remover(t) } else { Some(t.xmin()).filter(|_| !t.has(mask::XMIN_INVALID)) };
        if let Some(xid) = xid.filter(|x| *x != self.told && !judge.is_old(*x) && !self.snapshot.own.contains(*x)) {
            let unseen = match judge.status(xid) {
                XactStatus::Running => true,
                XactStatus::Committed(csn) => csn > self.snapshot.csn,
                XactStatus::Aborted => false,
            };
            if unseen {
                self.tracked.read_past(&storage.mvcc, xid, self.snapshot.csn)?;
                self.told = xid;
            }
        }
        if visible && !scanned && !self.snapshot.own.contains(t.xmin()) {
            self.tracked.read(Target::tuple(store.file().db, store.relid(), tid))?;
        }
        Ok(())
    }
}

/// Who deleted or replaced the version, or is about to.
fn remover(t: Tuple<'_>) -> Option<Xid> {
    (!t.has(mask::XMAX_INVALID | mask::XMAX_LOCK_ONLY)).then(|| t.xmax())
}

/// Looks who has read what is about to be written: a version, or (None) the table's having no more rows than it has.
///
/// # Errors
/// 40001 if this completes a dangerous structure.
pub(super) fn write(cx: &WriteContext<'_>, store: &TableStore, tid: Option<TupleId>) -> Result<()> {
    let Some(tracked) = cx.own.tracked().filter(|_| store.is_tracked()) else { return Ok(()) };
    let (db, rel) = (store.file().db, store.relid());
    match tid {
        // A sub-transaction may give the row up again, and with it what makes the mark superfluous.
        Some(tid) => tracked.write(Target::tuple(db, rel, tid), cx.own.top() == Some(cx.xid)),
        None => tracked.write(Target::relation(db, rel), false),
    }
}
