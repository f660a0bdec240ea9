//! Why a statement's tree returned without a result: an error, or something to wait for.
//!
//! Below `session` nothing sleeps. Whoever meets another transaction's lock returns
//! `Err(Stop::Wait(..))` through `?`; the session awaits it and calls the tree again.
//! Invariant FLOW-1: a node's state lives in the node, never in locals that live across a `?`
//! that can return `Wait` or `Yield`, since the call will be repeated from its start.

use super::error::Error;
use super::id::Lsn;
use std::time::Instant;

pub type Flow<T> = Result<T, Stop>;

/// 16 bytes, so that it travels in registers.
#[derive(Debug)]
pub enum Stop {
    Error(Error),
    Wait(Box<Wait>),
    /// The inline budget or the slice is used up: call again, perhaps on another thread.
    Yield,
}

/// What to wait for before calling again.
#[derive(Debug, Clone, PartialEq)]
pub enum Wait {
    /// A request is queued in the lock manager under this ticket; calling again finds it granted.
    Lock(u64),
    /// The log must be durable up to here.
    Flush(Lsn),
    /// Nothing but time (`pg_sleep`).
    Until(Instant),
    /// A checkpoint requested by this session; the number is that of the request.
    Checkpoint(u64),
    /// Until it is known whether this serializable transaction's snapshot is safe.
    SafeSnapshot(u64),
    /// The client must take some rows first: the output buffer is full.
    Output,
    /// Data of a COPY FROM STDIN.
    Input,
    /// The session is to end the transaction and begin another: COMMIT and ROLLBACK in a procedure.
    EndTransaction { commit: bool, chain: bool },
    /// The session is to tell what it keeps: prepared statements and bound portals.
    Listing,
}

impl From<Error> for Stop {
    fn from(e: Error) -> Stop {
        Stop::Error(e)
    }
}

impl Stop {
    pub fn wait<T>(what: Wait) -> Flow<T> {
        Err(Stop::Wait(Box::new(what)))
    }

    /// For places that cannot wait (catalog look-ups, recovery): a wait there is a fault of ours.
    #[track_caller]
    pub fn into_error(self) -> Error {
        match self {
            Stop::Error(e) => e,
            Stop::Wait(w) => Error::internal(format!("unexpected wait for {w:?}")),
            Stop::Yield => Error::internal("unexpected yield"),
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_flow_stays_two_words() {
        assert!(std::mem::size_of::<super::Flow<()>>() <= 16);
    }
}
