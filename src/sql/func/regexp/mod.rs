//! Regular expressions: PostgreSQL's advanced syntax over Rust's engines; `LIKE`; `SIMILAR TO`.
//!
//! A superset of PostgreSQL is accepted nowhere.

mod dissect;
pub mod engine;
mod functions;
mod like;
pub mod prefix;
pub mod syntax;

pub use engine::{Groups, Regex, RegexCache};
pub use functions::{all_matches, split_at_matches};
pub use syntax::Flags;

pub(super) static TABLES: &[&[(&str, super::FuncImpl)]] = &[functions::TABLE, like::TABLE];
