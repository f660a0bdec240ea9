//! Waiting for the ends of other transactions, with or without ids.

use super::transaction::Transaction;
use crate::base::{Csn, Flow, Xid};
use crate::lock::{LockMode, LockTag, Scope};
use crate::mvcc::VirtualXid;
use crate::twophase::is_prepared_owner;

impl Transaction {
    /// Waits for the end of another transaction; the share of its id is given back at once.
    pub fn wait_for(&mut self, xid: Xid) -> Flow<()> {
        self.wait_on(LockTag::Xact(xid))
    }

    fn wait_on(&mut self, tag: LockTag) -> Flow<()> {
        let storage = self.storage.clone();
        storage.locks.acquire(&mut self.held, tag, LockMode::Share, Scope::Transaction)?;
        storage.locks.release_early(&mut self.held, tag, LockMode::Share);
        Ok(())
    }

    /// Waits for the end of a transaction that may have no id (PostgreSQL 15, lock.c, VirtualXactLock: same). A prepared
    /// one has left its session, and has an id.
    pub fn wait_for_virtual(&mut self, which: VirtualXid) -> Flow<()> {
        let storage = self.storage.clone();
        let VirtualXid { pid, number } = which;
        let tag = LockTag::Virtual { pid, number };
        // Entered first: the transaction's end either finds it there or is found below.
        storage.locks.enter_for(pid, tag);
        if !storage.mvcc.await_end(which) {
            storage.locks.leave_for(pid, tag);
        }
        self.wait_on(tag)
    }

    /// Those who hold modes of a table's lock that exclude `mode`: running ones.
    pub fn lockers(&self, tag: LockTag, mode: LockMode) -> Vec<VirtualXid> {
        let others = self.storage.locks.holders(&tag, mode).into_iter().filter(|owner| *owner != self.held.owner());
        others.filter_map(|owner| self.storage.mvcc.running_of(owner)).collect()
    }

    /// The same among prepared transactions.
    pub fn prepared_lockers(&self, tag: LockTag, mode: LockMode) -> Vec<Xid> {
        let owners: Vec<u32> =
            self.storage.locks.holders(&tag, mode).into_iter().filter(|owner| is_prepared_owner(*owner)).collect();
        if owners.is_empty() {
            return Vec::new();
        }
        let all = self.storage.twophase.list();
        all.iter().filter(|p| owners.contains(&p.owner)).map(|p| p.state.xid).collect()
    }

    /// The running transactions with snapshots in which some commit up to `csn` is missing.
    pub fn behind(&self, csn: Csn) -> Vec<VirtualXid> {
        let mut all = self.storage.mvcc.behind(csn, self.database);
        all.retain(|v| v.pid != self.pid);
        all
    }
}
