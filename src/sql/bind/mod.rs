//! Names to typed expressions.

pub mod query;
pub mod scope;
pub use query::*;
