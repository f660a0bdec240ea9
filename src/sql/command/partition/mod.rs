//! Partitioned tables as commands see them: PARTITION BY, FOR VALUES, ATTACH and DETACH PARTITION, indexes that go down to
//! the partitions. PostgreSQL 15, tablecmds.c, partbounds.c: same checks in the same words.

mod attach;
mod bound;
mod index;
mod key;

pub use attach::{attach, attach_index, detach, may_create, place, settle};
pub use bound::read as read_bound;
pub use index::{cascade, refuse_unique};
pub use key::{define, reads as key_reads};
