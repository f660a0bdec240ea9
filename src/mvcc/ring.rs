//! The commit sequence numbers of recent transactions: chunks of atomics from the horizon upwards.

use crate::base::{Lsn, Xid};
use arc_swap::ArcSwap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Transaction ids per chunk.
pub(super) const CHUNK: u64 = 4096;
/// Transaction ids that share one remembered commit LSN (PostgreSQL 15, clog.c, CLOG_XACTS_PER_LSN_GROUP: same idea).
const LSN_GROUP: u64 = 32;

/// The state of a transaction that has not ended.
pub(super) const RUNNING: u64 = 0;
pub(super) const ABORTED: u64 = u64::MAX;

#[derive(Debug)]
pub(super) struct Chunk {
    csns: Box<[AtomicU64]>,
    lsns: Box<[AtomicU64]>,
}

impl Chunk {
    fn new() -> Arc<Chunk> {
        Arc::new(Chunk {
            csns: (0..CHUNK).map(|_| AtomicU64::new(RUNNING)).collect(),
            lsns: (0..CHUNK / LSN_GROUP).map(|_| AtomicU64::new(0)).collect(),
        })
    }
}

/// Consecutive chunks; `base` is the first id of the first one.
#[derive(Debug)]
struct Directory {
    base: u64,
    chunks: Vec<Arc<Chunk>>,
}

/// Readers load the directory without a lock; it is replaced under the owner's mutex.
#[derive(Debug)]
pub(super) struct Ring(ArcSwap<Directory>);

impl Ring {
    /// A ring whose first id is `first`.
    pub(super) fn starting_at(first: Xid) -> Ring {
        Ring(ArcSwap::from_pointee(Directory { base: first.0, chunks: vec![Chunk::new()] }))
    }

    /// The first id the ring still answers for.
    pub(super) fn base(&self) -> u64 {
        self.0.load().base
    }

    /// Forgets everything and begins at `first`, with room up to `next`.
    pub(super) fn restart(&self, first: Xid, next: Xid) {
        let base = first.0;
        let chunks = (0..=(next.0 - base) / CHUNK).map(|_| Chunk::new()).collect();
        self.0.store(Arc::new(Directory { base, chunks }));
    }

    /// The state of an id; `None` if it lies below the ring. Ids beyond its end are running.
    #[inline]
    pub(super) fn get(&self, xid: Xid) -> Option<u64> {
        let d = self.0.load();
        let at = xid.0.checked_sub(d.base)?;
        match d.chunks.get((at / CHUNK) as usize) {
            Some(chunk) => Some(chunk.csns[(at % CHUNK) as usize].load(Ordering::Acquire)),
            None => Some(RUNNING),
        }
    }

    /// Stores the state of an id that lies in the ring, and the end of its commit record.
    pub(super) fn set(&self, xid: Xid, state: u64, lsn: Lsn) {
        let d = self.0.load();
        assert!(xid.0 >= d.base, "MVCC-3: transaction {xid} ended below the ring");
        let at = xid.0 - d.base;
        let chunk = &d.chunks[(at / CHUNK) as usize];
        chunk.lsns[(at % CHUNK / LSN_GROUP) as usize].fetch_max(lsn.0, Ordering::Relaxed);
        chunk.csns[(at % CHUNK) as usize].store(state, Ordering::Release);
    }

    /// Up to where the log must be durable before a page may say that `xid` committed.
    pub(super) fn commit_lsn(&self, xid: Xid) -> Lsn {
        let d = self.0.load();
        let Some(at) = xid.0.checked_sub(d.base) else {
            return Lsn::INVALID;
        };
        match d.chunks.get((at / CHUNK) as usize) {
            Some(chunk) => Lsn(chunk.lsns[(at % CHUNK / LSN_GROUP) as usize].load(Ordering::Relaxed)),
            None => Lsn::INVALID,
        }
    }

    /// Makes room up to and including `xid`; true if a chunk was added. Called under the owner's mutex.
    pub(super) fn grow(&self, xid: Xid) -> bool {
        let d = self.0.load();
        let need = ((xid.0 - d.base) / CHUNK + 1) as usize;
        if need <= d.chunks.len() {
            return false;
        }
        let mut chunks = d.chunks.clone();
        chunks.resize_with(need, Chunk::new);
        self.0.store(Arc::new(Directory { base: d.base, chunks }));
        true
    }

    /// Drops leading chunks whose highest commit LSN and all of whose states `lsn_ok` and `state_ok` accept.
    /// Called under the owner's mutex.
    pub(super) fn trim(&self, lsn_ok: impl Fn(Lsn) -> bool, state_ok: impl Fn(u64) -> bool) {
        let d = self.0.load();
        let mut gone = 0;
        while gone + 1 < d.chunks.len() {
            let chunk = &d.chunks[gone];
            let lsn = chunk.lsns.iter().map(|l| l.load(Ordering::Relaxed)).max().unwrap_or(0);
            if !lsn_ok(Lsn(lsn)) || !chunk.csns.iter().all(|c| state_ok(c.load(Ordering::Acquire))) {
                break;
            }
            gone += 1;
        }
        if gone > 0 {
            let (base, chunks) = (d.base + gone as u64 * CHUNK, d.chunks[gone..].to_vec());
            self.0.store(Arc::new(Directory { base, chunks }));
        }
    }
}
