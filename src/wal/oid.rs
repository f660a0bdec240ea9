//! Object ids: a counter whose next 8192 numbers are always in the log already, so that none is given
//! out twice across a crash.
//!
//! PostgreSQL 15, varsup.c, GetNewObjectId: same. That an id may be taken (after a wrap-around) is for the
//! caller to check.

use super::Wal;
use super::insert::Need;
use super::record::{Record, Rmgr, xlog};
use crate::base::{Flow, Oid, Xid};

const PREFETCH: u32 = 8192;

#[derive(Default)]
pub(super) struct State {
    next: u32,
    /// Numbers from `next` on that the log covers.
    covered: u32,
}

impl Wal {
    /// Gives out the next object id.
    ///
    /// # Errors
    /// As [`reserve`](Wal::reserve).
    pub fn next_oid(&self) -> Flow<Oid> {
        let mut state = self.oids.lock();
        if state.next < Oid::FIRST_NORMAL.0 {
            state.next = Oid::FIRST_NORMAL.0;
            state.covered = 0;
        }
        if state.covered == 0 {
            self.reserve_for(Record::max_bytes(0, 4), Need::Catalog)?;
            let until = state.next.wrapping_add(PREFETCH).to_le_bytes();
            let record =
                Record { rmgr: Rmgr::Xlog, info: xlog::NEXTOID, xid: Xid::INVALID, blocks: &[], data: &[&until] };
            self.insert(&record);
            state.covered = PREFETCH;
        }
        let oid = Oid(state.next);
        state.next = state.next.wrapping_add(1);
        state.covered -= 1;
        Ok(oid)
    }

    /// Where a checkpoint lets the counter start: behind what is covered, or exactly (at shutdown).
    pub fn oid_for_checkpoint(&self, exactly: bool) -> Oid {
        let state = self.oids.lock();
        Oid(if exactly { state.next } else { state.next.wrapping_add(state.covered) })
    }

    /// The id that would be given out next.
    pub fn peek_oid(&self) -> Oid {
        Oid(self.oids.lock().next.max(Oid::FIRST_NORMAL.0))
    }

    /// Recovery and initdb: the counter goes on here.
    pub fn set_next_oid(&self, next: Oid) {
        *self.oids.lock() = State { next: next.0, covered: 0 };
    }
}
