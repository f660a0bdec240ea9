//! The heap: row versions in slotted pages, and everything that reads, writes and cleans them.
//!
//! Must never wait for a transaction itself (it returns [`TmResult::BeingModified`]), nor know indexes beyond
//! "may this update be HOT" and [`IndexVacuum`].
//!
//! Invariants
//! - HEAP-1: a version's xmin and xmax fit 48 bits; ids are never reused.
//! - HEAP-2: a page's ALL_VISIBLE flag is set only while every version on it is visible to everybody; whoever changes
//!   the page clears it first, with its bit in the map. The map's bit implies the flag.
//! - HEAP-3: a version never moves to another page, and its line pointer never changes while an index may lead to it.
//! - HEAP-4: the holder of a version's lock finds it unchanged.
//! - HEAP-5: a line pointer is reused only after every index entry that leads to it is gone.
//! - HEAP-6: below a table's `relfrozenxid`, no version on its pages needs the commit log ([`freeze`]); the map's second bit
//!   says so of one page.
//!
//! On disk: pages as in `page`, without special space. A version (little endian), its length a multiple of 4:
//!
//! | bytes | what |
//! |---|---|
//! | 0..6 | xmin: who made it |
//! | 6..12 | xmax: who deleted, replaced or locked it |
//! | 12..16 | cmin, cmax, or the number of the pair in the transaction's memory |
//! | 16..22 | ctid: itself, or the version that replaced it (block, line) |
//! | 22..24 | infomask2: number of columns (11 bits), flags |
//! | 24..26 | infomask: flags ([`tuple::mask`]) |
//! | 26 | where the values start, in steps of 4 |
//! | 27.. | null bitmap if some value is NULL: bit set = there |
//! | … | the values, packed: fixed width, or length and bytes ([`encode`]; out of line: [`toast`]) |
//!
//! With four bytes more than PostgreSQL's header but without its alignment to 8, tables take the same number of pages.

mod build;
mod census;
mod decode;
mod desc;
mod encode;
mod facts;
mod fetch;
mod freeze;
pub mod fsm;
mod hint;
mod insert;
mod lz;
mod modify;
mod prune;
pub mod record;
mod redo;
mod restore;
mod result;
mod rewrite;
mod sample;
mod scan;
mod serial;
mod shrink;
mod store;
mod toast;
pub mod tuple;
mod unchanged;
mod vacuum;
mod verify;
mod view;
mod visibility;
mod vm;

pub use build::{BuildRow, BuildScan};
pub use census::{Census, unfrozen, unseen};
pub use decode::{LongValues, STAND_IN, WIDTH_LIMIT, new_columns, system, tid_bytes, tid_from_bytes};
pub use desc::{AttrDesc, Compression, Strategy, TupleDesc};
pub use encode::frozen_row;
pub use facts::Fact;
pub use fetch::{HeapFetch, latest, occupant, xmin_of};
pub use insert::{WriteContext, insert};
pub use modify::{delete, delete_moved, lock_tuple, overwrite, update};
pub use redo::redo;
pub use restore::restore_locks;
pub use result::{LockStrength, Occupant, TmResult, UpdateKind, Updated};
pub use rewrite::{Rewrite, RewriteReport, rewrite, rewrite_by_index};
pub use sample::{Random, Sample, sample};
pub use scan::HeapScan;
pub use serial::read_whole;
pub use shrink::TOAST_TARGET;
pub use store::{TableDef, TableStore};
pub use toast::toast_desc;
pub use vacuum::{IndexVacuum, Vacuum, VacuumHost, VacuumOptions, VacuumReport, truncate};
pub use verify::{Damage, verify, verify_block};
pub use vm::all_frozen as is_all_frozen;
pub use vm::all_visible as is_all_visible;
pub use vm::{all_visible, count as count_all_visible};

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;
