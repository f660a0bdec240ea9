//! The executor: a tree of nodes, one file per node, that passes batches of rows upwards.
//!
//! [`start`] makes the tree of a plan; whoever runs the statement calls [`Node::next`] until it answers None. A node
//! never sleeps: what it has to wait for travels up as [`Stop`](crate::base::Stop), and the same call is repeated.
//!
//! Must never await, never hold a latch over a call of a child, and never keep rows only in locals.
//!
//! Invariants
//! - FLOW-1: a node's state lives in the node, never in locals that live across a `?` that can return `Wait` or
//!   `Yield`; a child's `Stop` never consumes input. [`inject`] proves it in the tests of every node.
//! - EXEC-1: a batch has at most [`BATCH_ROWS`](crate::types::BATCH_ROWS) rows and at least one.
//! - EXEC-2: after None a node answers None again until it is rescanned.
//! - EXEC-3: what a node keeps between two rescans depends only on run-time slots whose versions it remembers
//!   ([`deps`]).

pub mod after_row;
mod aggregate;
mod append;
mod bitmap_combine;
mod bitmap_heap_scan;
mod bitmap_index_scan;
mod build;
pub(crate) mod built_in_trigger;
pub mod context;
mod cte;
mod deps;
mod distinct;
pub mod domain;
pub mod event;
pub(in crate::sql) mod exclusion;
mod filter;
mod function_scan;
mod gist_scan;
mod hash_join;
mod in_use;
mod incremental_sort;
mod index_ranges;
mod index_scan;
pub mod inject;
pub mod instrument;
mod keys;
mod limit;
mod lock_rows;
mod materialize;
mod memoize;
mod merge_append;
mod merge_join;
mod modify;
pub(in crate::sql) use modify::{Fit, Writer};
mod nest_loop;
mod output;
mod pairs;
mod patience;
mod project_set;
mod recursive_union;
pub mod replica_identity;
mod result;
pub mod rights;
mod row_order;
mod seq_scan;
mod sequence;
mod set_op;
mod sieve;
mod sort;
mod sorter;
mod spill;
mod store;
pub mod system;
pub mod system_view;
mod tid_scan;
mod transition_scan;
mod user_aggregate;
pub mod user_trigger;
mod values;
mod virtual_rows;
mod virtual_scan;
mod window;

pub(crate) use build::build;
#[cfg(test)]
mod bench;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;

pub(crate) use build::visit_plan;
pub use build::{pruned, start, start_piecemeal, start_plain, start_seeing};
pub use context::{Budget, ExecContext, ExecSettings};
pub(crate) use deps::Versions;
pub use in_use::InUse;
pub(crate) use keys::{KeyArena, KeyColumn, SubKeys};
pub(crate) use materialize::{Place, Tuplestore};
pub use modify::ChangeKind;
pub(crate) use output::phys_of;
pub use patience::patiently;
pub(crate) use sorter::{Sorter, Ties};
pub(crate) use spill::Frames;
pub(crate) use store::RowStore;

use crate::base::Flow;
use crate::types::Batch;

/// A running plan node.
pub trait Node: Send {
    /// The next rows (EXEC-1), or None at the end (EXEC-2).
    fn next(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>>;

    /// Starts over, with the run-time slots as they are now.
    fn rescan(&mut self, cx: &mut ExecContext) -> Flow<()>;

    /// What EXPLAIN ANALYZE shows besides rows and time.
    fn report(&self, stats: &mut instrument::NodeStats) {
        let _ = stats;
    }
}
