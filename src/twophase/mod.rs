//! Prepared transactions: what of them is shared, and what lasts.
//!
//! PREPARE TRANSACTION writes all that a transaction still holds ([`State`]) into the log and lets go of its session.
//! From then on an entry in [`TwoPhase`] holds it: its ids run on, its locks belong to an owner that is no session.
//! COMMIT PREPARED and ROLLBACK PREPARED, from any session of its database, end it (`xact::prepared`).
//!
//! Must never decide what becomes of one, nor know what its changes mean.
//!
//! Invariants
//! - TWO-1: a state that lies in the log before a checkpoint's redo position is in a file when that checkpoint's record
//!   is written; until then the log has it (PostgreSQL 15, twophase.c: same).
//! - TWO-2: the record of its end is durable before the file goes. A file that outlives it is known to be stale by the
//!   commit log.
//! - TWO-3: row locks that others pass on to it from version to version are logged, and are in the file from the next
//!   checkpoint on.
//!
//! On disk: `pg_twophase/XXXXXXXX`, named after the id: 4 bytes magic, the state (JSON), its CRC-32.

mod file;
mod registry;
mod state;
#[cfg(test)]
mod tests;

pub use registry::{Claim, Finisher, Hold, Listed, TwoPhase, is_prepared_owner};
pub use state::{CatalogChange, NewRow, Predicate, RowLock, State};
