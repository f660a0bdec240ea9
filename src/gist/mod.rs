//! The GiST access method: a balanced tree whose inner items say of what is below them only what an operator class can
//! test (Hellerstein, Naughton, Pfeffer 1995), with right links and split numbers (Kornacker, Mohan, Hellerstein 1997).
//!
//! Departs from PostgreSQL 15, gist: who changes a tree does so alone, and every change, an insertion with all the splits
//! and wider keys it takes included, is one record over all its pages. So there is no incomplete split. Readers take no
//! part in that: they copy one page at a time. A split number is not a position of the log but counted from the parent.
//! Leaves that became empty leave the tree and are used again as those of a [`crate::btree`] are.
//!
//! Must never miss a row that fulfils the condition; where an operator class cannot tell, whoever fetches the row asks again.
//!
//! Invariants
//! - GIST-1: an inner item's key covers the keys of all items below it, column by column.
//! - GIST-2: a page's split number is greater than what its parent had seen when it led to the whole of what the page was
//!   before: a reader who comes with the older number goes on to the right, and only then.
//! - GIST-3: the root is block 0 and has no right neighbour.
//! - GIST-4: two items fit on every page: keys are no longer than [`class::ROOM`] allows.
//!
//! Pages: see `node`.

pub mod class;
mod insert;
pub mod node;
pub mod redo;
mod scan;
mod split;
mod store;
#[cfg(test)]
mod tests;
mod vacuum;

pub use class::{
    Answer, Class, Code, Family, IS_NOT_NULL, IS_NULL, Query, ROOM, cube_coordinate, interval, note_family,
};
pub use redo::redo;
pub use scan::{Condition, Found, Scan, compare as compare_distances};
pub use store::{Column, Tree, create_empty, keys_of};
