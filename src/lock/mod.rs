//! Table, row and advisory locks with deadlock detection.
//!
//! A request that cannot be granted is queued and returned as [`Stop::Wait`](crate::base::Stop); the session
//! awaits the grant ([`LockManager::on_grant`]) and asks again. Nothing in here ever sleeps.
//!
//! Must never know sessions or transactions: an owner is a pid, what it holds stands in its [`HeldLocks`].
//!
//! Invariants
//! - LOCK-1: two owners never hold conflicting modes of one tag at once.
//! - LOCK-2: a waiter is overtaken only by a request that does not conflict with it, or by an owner whose present
//!   locks already stand in the waiter's way (PostgreSQL 15, proc.c, ProcSleep: same rule).
//! - LOCK-3: every grant, queued request and release goes through the shard's mutex; shards are locked together only
//!   by the deadlock check, in ascending order.

mod deadlock;
mod held;
mod manager;
mod mode;
mod tag;

pub use held::HeldLocks;
pub use manager::{LockManager, LockRow, LockWait, Scope};
pub use mode::LockMode;
pub use tag::LockTag;
