//! Regular expressions: PostgreSQL's advanced syntax over Rust's engines.

/// Compiled expressions of a session, so that a constant pattern is compiled once.
#[derive(Clone, Debug, Default)]
pub struct RegexCache {}
