//! Table, row and advisory locks with deadlock detection.
