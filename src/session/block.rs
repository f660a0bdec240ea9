//! The transaction block: what BEGIN, COMMIT, ROLLBACK and errors make of it.
//!
//! A pure state machine; doing what it says is `transaction`'s. PostgreSQL 15, xact.c, TransactionBlockState: same
//! outcomes with fewer states, because nothing is left half-done between two messages here.

use crate::base::{Error, Result, SqlState};
use crate::wire::TransactionStatus;

/// Where the session stands between two statements.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Block {
    /// No block: each statement is its own transaction.
    #[default]
    None,
    /// Several statements in one Query message, or a pipeline up to its Sync: one transaction until told otherwise.
    Implicit,
    /// After BEGIN.
    Explicit,
    /// After an error in a block: only its end is accepted.
    Failed,
}

/// What COMMIT or ROLLBACK does to the transaction.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum End {
    Commit,
    Rollback,
    /// There was nothing to end: WARNING 25P01, and the implicit transaction, if any, goes on to its own end.
    NoBlock {
        commit: bool,
    },
}

impl Block {
    /// BEGIN: the new state, and whether a warning is due (25001).
    pub fn begin(self) -> (Block, bool) {
        match self {
            Block::None | Block::Implicit => (Block::Explicit, false),
            other => (other, true),
        }
    }

    /// COMMIT, or ROLLBACK: the new state and what happens. A failed block's COMMIT is a ROLLBACK.
    pub fn end(self, commit: bool) -> (Block, End) {
        match (self, commit) {
            (Block::Explicit, true) => (Block::None, End::Commit),
            (Block::Explicit, false) | (Block::Failed, _) => (Block::None, End::Rollback),
            (Block::None | Block::Implicit, commit) => (Block::None, End::NoBlock { commit }),
        }
    }

    /// After an error: does the block live on, failed?
    pub fn failed(self) -> Block {
        match self {
            Block::Explicit | Block::Failed => Block::Failed,
            Block::None | Block::Implicit => Block::None,
        }
    }

    /// A statement that cannot be undone piecemeal asks.
    ///
    /// # Errors
    /// 25001 inside any block.
    pub fn prevent(self, what: &str) -> Result<()> {
        match self {
            Block::None => Ok(()),
            _ => Err(Error::new(
                SqlState::ACTIVE_SQL_TRANSACTION,
                format!("{what} cannot run inside a transaction block"),
            )
            .place("PreventInTransactionBlock", "xact.c", 3486)),
        }
    }

    /// A statement that makes no sense outside a block asks.
    ///
    /// # Errors
    /// 25P01 outside.
    pub fn require(self, what: &str) -> Result<()> {
        match self {
            Block::Explicit | Block::Implicit => Ok(()),
            _ => Err(Error::new(
                SqlState::NO_ACTIVE_SQL_TRANSACTION,
                format!("{what} can only be used in transaction blocks"),
            )
            .place("CheckTransactionBlock", "xact.c", 3610)),
        }
    }

    /// A statement about savepoints asks: those of several statements at once would end with them.
    ///
    /// # Errors
    /// 25P01 outside.
    pub fn require_explicit(self, what: &str) -> Result<()> {
        if self == Block::Implicit { Block::None } else { self }.require(what)
    }

    pub fn is_explicit(self) -> bool {
        matches!(self, Block::Explicit | Block::Failed)
    }

    /// What a failed block answers to everything but its end.
    pub fn aborted_error() -> Error {
        Error::new(
            SqlState::IN_FAILED_SQL_TRANSACTION,
            "current transaction is aborted, commands ignored until end of transaction block",
        )
        .place("exec_simple_query", "postgres.c", 1123)
    }

    pub fn status(self) -> TransactionStatus {
        match self {
            Block::None | Block::Implicit => TransactionStatus::Idle,
            Block::Explicit => TransactionStatus::InBlock,
            Block::Failed => TransactionStatus::Failed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The paths through a block: good, failed, nested BEGIN, stray COMMIT.
    #[test]
    fn paths() {
        assert_eq!(Block::None.begin(), (Block::Explicit, false));
        assert_eq!(Block::Implicit.begin(), (Block::Explicit, false));
        assert_eq!(Block::Explicit.begin(), (Block::Explicit, true));
        assert_eq!(Block::Explicit.end(true), (Block::None, End::Commit));
        assert_eq!(Block::Explicit.failed(), Block::Failed);
        assert_eq!(Block::Failed.end(true), (Block::None, End::Rollback));
        assert_eq!(Block::None.failed(), Block::None);
        assert_eq!(Block::None.end(true), (Block::None, End::NoBlock { commit: true }));
        assert!(Block::Implicit.prevent("VACUUM").is_err() && Block::None.prevent("VACUUM").is_ok());
    }
}
