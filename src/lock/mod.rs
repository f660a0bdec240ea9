//! Table, row and advisory locks with deadlock detection.

mod mode;

pub use mode::LockMode;
