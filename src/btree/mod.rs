//! The B-tree access method: Lehman and Yao (1981) with right links and left links, over normalised keys.
//!
//! Departures from the paper and from PostgreSQL 15, nbtree: keys are byte strings (memcmp orders everything), the
//! row's address is part of the entry, so that entries are unique and duplicates need no special care; splits of one
//! index happen one at a time, so that a split and its parent's downlink never race; unique checks look before they
//! insert, under a mutex per key, because no page may stay latched while the heap is asked.
//!
//! Must never wait for a transaction: a doubtful duplicate is returned to the caller, who waits and comes again.
//!
//! Invariants
//! - BT-1: on each level, entries ascend from left to right over all pages; a page's entries are below its high key.
//! - BT-2: who follows a link finds its key on that page or further right, never left of it.
//! - BT-3: a page is latched alone, or with its right neighbours, or a child with its parent, in that order.
//! - BT-4: a split's right half is reachable by its left neighbour's link before the parent knows it; the flag
//!   INCOMPLETE_SPLIT stays until it does.
//! - BT-5: of equal keys of a unique index at most one leads to a row that lives.
//! - BT-6: a page that left the tree is used again only when nobody is on the way to it ([`recycle`]).
//! - BT-7: what orders and is compared is an entry in its plain form; what lies on pages may be [`packed`].
//!
//! Pages: block 0 is the meta page (magic u32, version u32, root u32, level u32 in its special space), all others see
//! `node`; `dense` is how a leaf keeps entries of one length in little room.

mod build;
mod dense;
mod descend;
mod entry;
mod figures;
mod insert;
mod items;
mod keys;
pub mod node;
mod packed;
mod recycle;
pub mod redo;
mod remove;
mod scan;
mod split;
mod store;
#[cfg(test)]
mod tests;
mod unique;
mod vacuum;
mod verify;

pub use build::Loader;
pub use figures::Figures;
pub use insert::{IndexEntry, Inserted, Inserter};
pub use keys::KeyType;
pub(crate) use recycle::Use;
pub use redo::redo;
pub use scan::{Bounds, Direction, IndexScan};
pub use store::{IndexStore, Names};
pub use vacuum::VacuumStats;
