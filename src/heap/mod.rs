//! The heap: row versions in slotted pages, and everything that reads, writes and cleans them.
//!
//! Must never wait for a transaction itself (it returns [`TmResult::BeingModified`]), nor know indexes beyond
//! "may this update be HOT" and [`IndexVacuum`].
mod desc;
mod result;

pub use desc::{AttrDesc, TupleDesc};
pub use result::{LockStrength, Occupant, TmResult, UpdateKind, Updated};

/// A table's open storage.
#[derive(Debug)]
pub struct TableStore;
