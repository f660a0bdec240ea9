//! What a write finds at a row, and how strongly a row can be locked.

use crate::base::{CommandId, TupleId, Xid};

/// The four strengths of a row lock, weakest first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum LockStrength {
    KeyShare = 0,
    Share = 1,
    NoKeyUpdate = 2,
    Update = 3,
}

impl LockStrength {
    /// Whether two transactions cannot hold these at once (PostgreSQL 15, 13.3.2: same table).
    pub fn conflicts(self, other: LockStrength) -> bool {
        use LockStrength::*;
        match self {
            KeyShare => other == Update,
            Share => other >= NoKeyUpdate,
            NoKeyUpdate => other >= Share,
            Update => true,
        }
    }
}

/// What stands in the way of changing or locking a row version (PostgreSQL 15, tableam.h, TM_Result: same cases).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum TmResult {
    /// Done.
    Ok,
    /// The row version is not visible at all: the caller's snapshot should not have shown it.
    Invisible,
    /// Changed by this transaction already, in command `cmax`.
    SelfModified { cmax: CommandId },
    /// A committed update made a newer version.
    Updated { ctid: TupleId, xmax: Xid },
    /// A committed delete.
    Deleted { xmax: Xid },
    /// A committed update took it into another partition.
    Moved { xmax: Xid },
    /// This transaction holds it; wait for its end and try again.
    BeingModified(Xid),
}

/// What an update did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Updated {
    pub result: TmResult,
    /// The new version, when `result` is `Ok`.
    pub tid: TupleId,
    /// The new version hangs on the old one's index entries: indexes need nothing.
    pub hot: bool,
}

/// What an update changes, as far as the heap must know.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct UpdateKind {
    /// A column changed that some index (or its predicate or expressions) uses: no HOT.
    pub indexed_changed: bool,
    /// A column of a unique index that a foreign key could refer to changed: locks as strongly as DELETE.
    pub key_changed: bool,
}

/// What the versions an index entry leads to mean for a unique index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Occupant {
    /// Nothing living; `all_dead`: not even for any snapshot, so the entry may go.
    None { all_dead: bool },
    /// A row that is there for good, or one of our own.
    Live(TupleId),
    /// This version's life depends on this transaction's end: inserted (or deleted) by it, not ended yet.
    Running(TupleId, Xid),
}
