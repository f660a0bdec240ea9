//! Partitioned tables as commands see them: PARTITION BY, FOR VALUES, ATTACH and DETACH PARTITION, indexes that go down to
//! the partitions. PostgreSQL 15, tablecmds.c, partbounds.c: same checks in the same words.

mod attach;
mod bound;
mod index;
mod key;

pub use crate::sql::command::foreign::refuse_detach;
pub use attach::{attach, attach_index, default_of, detach, may_create, place, set_free, settle, to_detach};
pub use bound::read as read_bound;
pub use index::{cascade, refuse_unique};
pub use key::{define, reads as key_reads};
