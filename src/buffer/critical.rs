//! Critical sections: from the first changed byte of a page until its log record is in.
//!
//! PostgreSQL 15, miscadmin.h, START_CRIT_SECTION: same rule, because a page half changed must never be seen,
//! neither by others nor by the disk; only recovery can repair it.

use crate::base::error::Report;
use crate::base::{Severity, SqlState};
use std::cell::Cell;
use std::marker::PhantomData;

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// While it lives, a panic of this thread ends the process. Declare it after the guards of the pages, so that it
/// is dropped before they let go.
#[must_use]
pub struct Critical(PhantomData<*const ()>);

pub fn enter() -> Critical {
    DEPTH.set(DEPTH.get() + 1);
    Critical(PhantomData)
}

/// Whether this thread is in a critical section.
pub fn active() -> bool {
    DEPTH.get() > 0
}

impl Drop for Critical {
    fn drop(&mut self) {
        DEPTH.set(DEPTH.get() - 1);
        if std::thread::panicking() {
            crate::base::report::panic(Report::notice(
                Severity::Panic,
                SqlState::INTERNAL_ERROR,
                "a page change or log insertion was cut short by a panic",
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    /// Sections nest, and are over when the last guard is gone.
    #[test]
    fn sections_nest() {
        assert!(!super::active());
        let a = super::enter();
        let b = super::enter();
        drop(b);
        assert!(super::active());
        drop(a);
        assert!(!super::active());
    }
}
