//! Begin, commit, abort, savepoints: the one place where WAL, commit log, locks, files and catalogs meet.
//!
//! A [`Transaction`] belongs to one session and lives as long as it; between transactions it is idle and costs nothing.
//! Transaction *blocks* (BEGIN … COMMIT, what a failed one still accepts) are the session's.
//!
//! Invariants
//! - XACT-1: order of a commit: record into the log and commit log, log durable (unless asynchronous), visible, catalogs
//!   applied, locks released, files of dropped relations unlinked.
//! - XACT-2: once its commit record is in the log, a commit cannot fail or be cancelled any more.
//! - XACT-3: a transaction without an id writes nothing to the log at its end.
//! - XACT-4: files made by an aborted (sub)transaction, and those dropped by a committed one, are unlinked; a crash
//!   between is repaired by redo of the record, which names them.
//!
//! - XACT-5: from its PREPARE record on a transaction is nobody's session's; until its COMMIT PREPARED or ROLLBACK
//!   PREPARED record is in the log it can neither be lost nor end.
//!
//! Records (resource manager `Transaction`): see `record`.

mod commit;
mod files;
mod isolation;
mod prepared;
pub mod record;
mod redo;
mod savepoint;
mod share;
#[cfg(test)]
mod tests;
mod transaction;
mod wait;

pub use files::FileChange;
pub use isolation::Isolation;
pub use prepared::{Ending, Preparation, recover_prepared};
pub use record::EndRecord;
pub use redo::redo;
pub use transaction::{SyncCommit, Transaction};
