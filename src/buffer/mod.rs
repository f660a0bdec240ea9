//! The buffer pool: pages in memory, found without a lock, written after their log.
//!
//! Each fork's shared handle ([`RelFork`]) maps blocks to frames by an array of atomics. A reader takes the frame
//! number, latches the frame, and compares the tag under the latch: latch and pin are one. Readers that want to work
//! on a page for longer copy it (8 KiB, a quarter of a microsecond) and let go.
//!
//! Must never know what a page means; must never wait for a second latch while it holds one (it tries).
//!
//! Invariants
//! - BUF-1: a frame's tag changes only under its write latch; the map entry of a block names a frame only while that
//!   frame is tagged with it, or is latched by whoever is about to. So the tag compared under the latch decides.
//! - BUF-2: a block is published in the map before it is read from disk: two copies of one page never exist.
//! - BUF-3: a page is marked dirty before its record is inserted, and written only when the log is durable up to its
//!   LSN.
//! - BUF-4: a dirty flag is cleared after the write it asked for, under a latch that keeps changes out all the while.
//! - BUF-5: one latch at a time, except the B-tree's ordered pairs and heap page before map page.

mod checkpoint;
mod counts;
pub mod critical;
pub mod damage;
mod evict;
mod fork;
mod frame;
mod guard;
mod length;
mod listing;
mod log;
pub mod pace;
mod pool;
mod ring;
mod scan;
mod usage;

pub use checkpoint::{Which, Written};
pub use fork::{Persistence, RelFork};
pub use guard::{ReadGuard, WriteGuard};
pub use listing::Held;
pub use pool::{BufferPool, PoolConfig};
pub use ring::{Ring, RingKind};
pub use scan::ScanReader;
pub use usage::{Usage, usage};

#[cfg(test)]
mod tests;
