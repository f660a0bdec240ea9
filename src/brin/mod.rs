//! The BRIN access method: of each range of a table's pages only a summary of the values there.
//!
//! Departs from PostgreSQL 15, brin: there is no map of ranges and no tuple that is changed in place. The summaries are
//! entries of a [`crate::btree`], so that their log, their recovery and their pages are a B-tree's. Of one range there may
//! be several entries, and what holds of it is their union: whoever puts a row into a range whose summary does not cover
//! it adds an entry, and changes none. Many are made one again ([`ranges`]).
//!
//! Must never leave out a range with a row that fulfils the condition and is seen; whoever fetches the rows asks again.
//!
//! Entry: 0, the range's first block u32 big endian, its kind u8, the [`summary`]. Kinds: 0, something more that is there;
//! 1, the summary of all that was there when it was made, and of the other entries then. A range without the second kind
//! has no summary: all its pages are found.
//!
//! Invariants
//! - BRIN-1: a row that is put into a range of which there is any entry is covered by the union of them from then on.
//!   (So an entry of the first kind that says nothing is put in before a range is read for its summary.)
//! - BRIN-2: entries of the second kind are taken out before those of the first that were there with them, and read after
//!   them: who has read one of the second kind has read all that counted with it.
//! - BRIN-3: what is there is changed under a mutex per range.

mod build;
mod class;
mod ranges;
mod scan;
pub mod summary;
#[cfg(test)]
mod tests;

pub use build::Builder;
pub use class::{Column, Family};
pub use ranges::{MAX_PAGES_PER_RANGE, PAGES_PER_RANGE, Ranges};
pub use scan::{Ask, Search};
