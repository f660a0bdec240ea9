//! Transaction ids, commit log, snapshots, horizons: who sees which row version.
//!
//! A snapshot is one number, the commit sequence number (CSN) of the last commit it sees. The ring
//! tells each recent transaction's CSN; below the ring the 2-bit commit log in `pg_xact/` tells
//! committed from aborted, and whatever committed there is visible to everyone.
//!
//! Must never wait for a transaction (that is the lock manager's) nor know what a row is.
//!
//! Invariants
//! - MVCC-1: an id's state changes once, from running to committed or aborted.
//! - MVCC-2: ids are given in ascending order; a sub-transaction's is above its parent's.
//! - MVCC-3: an id leaves the ring only when it has ended, its end stands in the commit log, its commit
//!   record is durable, and every snapshot held or to come sees it.
//! - MVCC-4: a reader publishes its CSN before it uses it and re-checks that no commit came between; so no
//!   horizon is ever beyond a snapshot in use.
//! - MVCC-5: the CSN of a commit is stored before it is published; all ids of a transaction get the same.
//! - MVCC-6: a page of the commit log is written only when the log is durable up to its newest commit.
//! - MVCC-7: the commit log is cut only behind ids of which every version on every page says in itself, durably, what
//!   became of them; whoever asks for one all the same is not answered.
//!
//! On disk: `pg_xact/NNNN`, segments of 32 pages of 8 KiB, two bits a transaction (0 in progress or
//! crashed, 1 committed, 2 aborted), lowest bits first (PostgreSQL 15, clog.c: same bits).

mod clog;
mod export;
mod horizon;
mod lockers;
mod own;
mod redo;
mod ring;
pub mod serializable;
mod snapshot;
mod transactions;

pub use clog::{Clog, ClogStatus};
pub use export::{Exported, Exports};
pub use horizon::Horizon;
pub use lockers::{RowKey, RowLockers};
pub use own::Own;
pub use redo::redo;
pub use serializable::{Serializable, Tracked};
pub use snapshot::{Snapshot, SnapshotKind, SnapshotSlot, VirtualXid};
pub use transactions::{Mvcc, RunningXids, XactStatus};
