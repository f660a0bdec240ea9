//! Flags by which a session, a worker or the postmaster interrupts running work.

use super::error::{Error, Result};
use super::sqlstate::SqlState;
use std::sync::atomic::{AtomicU8, Ordering};

/// Why a statement was told to stop. The order is the weight: a heavier cause replaces a lighter one.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Cause {
    None = 0,
    /// A CancelRequest or `pg_cancel_backend`.
    Cancel = 1,
    StatementTimeout = 2,
    LockTimeout = 3,
    /// `pg_terminate_backend`, SIGTERM or a fast shutdown.
    Terminate = 4,
    /// The client hung up while its statement ran.
    ClientLost = 5,
}

/// One per session, shared with everyone who may interrupt it. Polled at each batch.
#[derive(Default, Debug)]
pub struct Interrupts(AtomicU8);

impl Interrupts {
    pub fn raise(&self, cause: Cause) {
        self.0.fetch_max(cause as u8, Ordering::SeqCst);
    }

    pub fn cause(&self) -> Cause {
        match self.0.load(Ordering::Relaxed) {
            0 => Cause::None,
            1 => Cause::Cancel,
            2 => Cause::StatementTimeout,
            3 => Cause::LockTimeout,
            4 => Cause::Terminate,
            _ => Cause::ClientLost,
        }
    }

    /// Forgets everything but a termination, which stays.
    pub fn clear(&self) {
        let _ = self.0.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |c| (c < Cause::Terminate as u8).then_some(0));
    }

    /// The error the statement ends with, if it was interrupted.
    #[inline]
    pub fn check(&self) -> Result<()> {
        match self.0.load(Ordering::Relaxed) {
            0 => Ok(()),
            _ => Err(self.error()),
        }
    }

    #[cold]
    fn error(&self) -> Error {
        let canceled = |why: &str, line| {
            Error::new(SqlState::QUERY_CANCELED, format!("canceling statement due to {why}")).place(
                "ProcessInterrupts",
                "postgres.c",
                line,
            )
        };
        match self.cause() {
            Cause::None | Cause::Cancel => canceled("user request", 3349),
            Cause::StatementTimeout => canceled("statement timeout", 3329),
            Cause::LockTimeout => Error::new(SqlState::LOCK_NOT_AVAILABLE, "canceling statement due to lock timeout")
                .place("ProcessInterrupts", "postgres.c", 3321),
            Cause::Terminate => {
                Error::new(SqlState::ADMIN_SHUTDOWN, "terminating connection due to administrator command")
                    .severity(super::Severity::Fatal)
                    .place("ProcessInterrupts", "postgres.c", 3211)
            }
            Cause::ClientLost => Error::new(SqlState::CONNECTION_FAILURE, "connection to client lost")
                .severity(super::Severity::Fatal)
                .place("ProcessInterrupts", "postgres.c", 3238),
        }
    }
}
