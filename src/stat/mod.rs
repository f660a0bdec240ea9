//! What the server tells about itself: activity slots of sessions and workers, and cumulative counters.
//!
//! Must never decide anything but what autovacuum reads, never wait, and never touch a file: the counters
//! are turned into bytes and back, whoever stops and starts the server stores them.
//!
//! Invariants:
//! - STAT-1: a session's counts reach the shared counters only at the end of its transaction, as
//!   the outcome decides (PostgreSQL 15, pgstat_relation.c: same rules).
//! - STAT-2: counters are never trusted after a crash: recovery starts with empty ones.
//!
//! On disk: `pg_stat/pgstat.stat`, the bytes of [`Stats::save`] (see `persist`), and `pg_stat/pg_stat_statements.stat`,
//! those of [`Statements::save`]: JSON and its CRC-32.

pub mod activity;
pub mod counters;
mod pending;
mod persist;
mod seen;
pub mod statements;

pub use activity::{Activity, ActivityFacts, ActivitySlot, Progress, SessionState, Task, TlsFacts};
pub use counters::{
    ArchiverStats, BgwriterStats, DatabaseStats, FunctionStats, SLRU_NAMES, Stats, TableStats, WalStats,
};
pub use pending::{PendingStats, PendingTable, Written};
pub use seen::{Consistency, Counted, Seen};
pub use statements::Statements;
