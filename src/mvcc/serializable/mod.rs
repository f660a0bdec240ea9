//! Serializable snapshot isolation: repeatable read that gives up where it could show what no serial order shows.
//!
//! The idea (Cahill, Röhm, Fekete 2008; Fekete et al. 2005): a transaction that reads something a concurrent one
//! replaces must come before it in any serial order: an *rw-edge* from reader to writer. Every circle that snapshot
//! isolation lets happen has two such edges in a row, `in → pivot → out`, where `out` is the first of the circle to
//! commit. Whoever completes such a *dangerous structure* is cancelled, or dooms the pivot; some of those cancelled were
//! innocent, no anomaly gets through. The rules that spare innocents (commit order, read-only transactions, safe
//! snapshots) and those that bound the memory are from Ports and Grittner 2012, "Serializable Snapshot Isolation in
//! PostgreSQL", sections 3 to 6; PostgreSQL 15, predicate.c: same rules, limits and texts.
//!
//! How edges are found: a reader leaves a mark (SIREAD lock: [`locks`]) on what it read, rows, pages of tables and of
//! indexes, or whole relations; who writes later looks for marks. A reader that meets a row version it does not see, or
//! a newer one of what it sees, looks who wrote it ([`writers`]). Marks outlive the commit of their owner until nobody
//! concurrent is left ([`graph::retire`]).
//!
//! Must never wait, and never know pages: the access methods say what was read and written, under the latch of the page.
//!
//! Invariants
//! - SSI-1: a reader's mark is there before it looks; a writer looks for marks, under the page's exclusive latch, before
//!   it changes the page. So of a reader and a writer of one place at least one meets the other.
//! - SSI-2: a writer's id is entered here before it stands on any row.
//! - SSI-3: snapshots are taken, and ends are numbered, under one mutex; a commit gets its number after it has become
//!   visible. So who began with `seen` at or above a commit's number sees that commit.
//! - SSI-4: a mark is replaced only by marks that cover it (promotion, page splits, rewrites).
//! - SSI-5: whoever could still become part of a dangerous structure stays in the graph, itself or summarised.

mod error;
mod graph;
mod held;
#[cfg(test)]
mod history_tests;
mod limits;
mod locks;
mod manager;
mod signal;
mod target;
#[cfg(test)]
mod tests;
mod tracked;
mod writers;

pub use limits::Limits;
pub use manager::{Serializable, Who};
pub use target::Target;
pub use tracked::Tracked;
