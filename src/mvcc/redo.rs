//! Redo of the transaction manager's own records, and its start after recovery.

use super::ring::ABORTED;
use super::transactions::Mvcc;
use super::{ClogStatus, XactStatus};
use crate::base::{Oid, Result, Xid};
use crate::wal::RedoRecord;
use std::collections::BTreeSet;

/// That it was cut is all the commit log itself records: commits and aborts are redone by `xact`, which calls
/// [`Mvcc::redo_commit`] and [`Mvcc::redo_abort`].
pub fn redo(mvcc: &Mvcc, record: &RedoRecord<'_>) -> Result<()> {
    if record.info == super::clog::TRUNCATE
        && let Some(oldest) = record.data.first_chunk::<8>()
    {
        let oldest = Xid(u64::from_le_bytes(*oldest));
        mvcc.clog().note_oldest(oldest);
        return mvcc.clog().remove_below(oldest);
    }
    Err(crate::err!(INTERNAL_ERROR, "clog_redo: unknown op code {}", record.info))
}

impl Mvcc {
    /// Ends recovery: every id below the next one that did not end is aborted, except prepared transactions and
    /// their sub-transactions, which run on in their databases.
    pub fn recovery_finished(&self, prepared: &[(Xid, Oid)]) -> Result<()> {
        let next = self.next_xid();
        let ids: BTreeSet<Xid> = prepared.iter().map(|p| p.0).collect();
        let first = ids.first().copied().unwrap_or(next);
        self.restart_ring(first, next);
        for n in first.0..next.0 {
            let xid = Xid(n);
            if ids.contains(&xid) {
                continue;
            }
            let state = match self.clog().get(xid)? {
                ClogStatus::Committed => self.frozen_state(),
                _ => ABORTED,
            };
            self.set_ended(xid, state);
        }
        self.set_running(prepared);
        debug_assert!(ids.iter().all(|x| self.status(*x) == XactStatus::Running));
        Ok(())
    }
}
