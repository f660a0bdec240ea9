//! The GIN access method: an inverted index from the elements of a row's values (array elements, JSON keys and values,
//! lexemes) to the rows.
//!
//! Departs from PostgreSQL 15, gin: there are no posting lists and no pending list. An entry is an element and one row's
//! address, and lies in a [`crate::btree`], which brings the log, redo, splits, VACUUM and bulk loading with it. What a
//! search finds are candidates: whoever fetches the rows asks the condition again, always.
//!
//! Must never miss a row that fulfils the condition; it may find too many.
//!
//! Invariants
//! - GIN-1: a row that is indexed has at least one entry in each column, if only that of a NULL or of an empty value.
//! - GIN-2: no key is a proper prefix of another one, so that a search for a key finds the entries of that key alone.
//! - GIN-3: an index and its queries take values apart by the same functions ([`extract`]).
//!
//! A key: the column's number u8 (from 0), its category u8 ([`extract::category`]), then the element's bytes.

mod class;
mod extract;
mod gather;
mod need;
mod path;
#[cfg(test)]
mod tests;
mod tids;

pub use class::{Class, Strategy, note_class};
pub use extract::keys;
pub use gather::Gather;
pub use need::Need;
pub use tids::{WHOLE_PAGE, condense, intersect, tidy};
