//! What every layer speaks: ids, errors with SQLSTATE, byte codecs, interrupt flags.
//!
//! Must never import from any other module of the crate.

pub mod charset;
pub mod clock;
pub mod error;
pub mod id;
pub mod interrupt;
pub mod memory;
pub mod name;
pub mod pglz;
pub mod report;
pub mod sqlstate;
pub mod stack;
pub mod stop;
pub mod unguessable;

pub use error::{Error, Report, Result, Severity};
pub use id::{BlockNo, CommandId, Csn, Fork, Lsn, Oid, RelFileId, TupleId, Xid};
pub use interrupt::Interrupts;
pub use sqlstate::SqlState;
pub use stop::{Flow, Stop, Wait};
