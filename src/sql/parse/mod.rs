//! SQL text to our own tree ([`crate::sql::ast`]).
