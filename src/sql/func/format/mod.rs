//! `to_char`, `to_date`, `to_timestamp`, `to_number`: values by template.
//!
//! PostgreSQL 15, formatting.c: the same templates, read in the same order, because their oddities are relied upon.

mod date_in;
mod date_out;
mod number;
mod number_in;
mod template;

pub use date_in::{Moment, read_standard};
pub use template::parse_standard;

pub(super) static TABLES: &[&[(&str, super::FuncImpl)]] =
    &[date_in::TABLE, date_out::TABLE, number::TABLE, number_in::TABLE];
