//! The order of rows where SQL leaves it open, as PostgreSQL 15's algorithms make it: ties of sorts, groups of a hash
//! table, partners in a hash join. Nobody may rely on it, and every recorded result does.
//!
//! Our own algorithms stay what does the work; what is here puts small results into the order PostgreSQL's would have
//! given them. Larger ones keep ours.

mod bounded_heap;
mod buckets;
mod group_table;
mod hash_key;
mod merge_heap;
mod quicksort;

pub(super) use bounded_heap::BoundedHeap;
pub(super) use buckets::Buckets;
pub(super) use group_table::{GROUPS_UP_TO, GroupTable, room_for};
pub(super) use hash_key::hash_group;
pub(super) use merge_heap::MergeHeap;
pub(super) use quicksort::quicksort;
