//! Startup, redo and checkpoints: how the data directory comes from any state to a consistent one.
//!
//! [`start_up`] reads the control file's state, replays the log from the last checkpoint's redo position
//! through the one table of resource managers ([`redo`]), resets unlogged relations, and asks for the
//! end-of-recovery checkpoint. [`Checkpoints`] takes requests for checkpoints and performs them; when is
//! the `worker`'s business.
//!
//! Must never change a page by itself: only resource managers know theirs.
//!
//! Invariants
//! - REC-1: the control file's checkpoint position is changed only after everything before that
//!   checkpoint's redo position is durable in the data files.
//! - REC-2: repeating recovery from its start, or being killed anywhere in it, changes nothing in the
//!   outcome: redo is decided by page LSNs, and no record is written before redo has ended.
//! - REC-3: the incarnation in the control file is raised, durably, before the first record of a run is
//!   inserted (WAL-3).
//! - REC-4: old segments go only when the control file no longer needs them.

pub mod checkpoint;
mod distance;
mod log_time;
mod open;
mod redo;
mod request;
mod start;
mod unlogged;
mod usage;

pub use checkpoint::Checkpoints;
pub use open::{NewCluster, create, open, open_with};
pub use redo::redo_record;
pub use request::{CheckpointFlags, Outcome};
pub use start::{Progress, start_up};
pub use unlogged::Reset;
pub use usage::{Cpu, Usage};

#[cfg(test)]
mod sweep;
#[cfg(test)]
mod sweep_prepared;
#[cfg(test)]
mod tests;
