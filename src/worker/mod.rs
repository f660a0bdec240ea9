//! The auxiliary workers: when, not how.
