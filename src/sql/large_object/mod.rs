//! Large objects: values of up to 4 TB that are read and written piece by piece.
//!
//! Their bytes lie in pages of 2048 in a table, keyed by object and page, and what is known of each object in another: both
//! are made in the schema `pg_toast` with a database's first large object and are shown to nobody but as
//! `pg_largeobject` and `pg_largeobject_metadata`. So a large object is as transactional as any row.
//! Departs from PostgreSQL 15, inv_api.c: whoever changes an object locks it until his transaction ends, where PostgreSQL
//! fails with "tuple concurrently updated" when two of them meet on a page.
//!
//! | file | what |
//! |---|---|
//! | `store` | the two tables, and statements on them |
//! | `object` | what is known of an object: owner, rights |
//! | `pages` | reading, writing, cutting its bytes |
//! | `descriptor` | what `lo_open` opens |
//!
//! Invariants
//! - LO-1: everything that can wait is a lock, and is taken before the first change: so a call that had to wait is simply
//!   made again.
//! - LO-2: a page that is not there, or the rest of a short one, reads as zeros up to the object's end.

pub mod descriptor;
pub mod object;
pub mod pages;
mod store;

pub use descriptor::Descriptors;
pub use store::{Statements, is_store};

use crate::base::{Error, Oid};
use crate::err;

/// The catalog large objects are named by in locks, comments and `pg_describe_object`.
pub const CLASS: Oid = Oid(2613);

pub(crate) fn missing(oid: Oid) -> Error {
    err!(UNDEFINED_OBJECT, "large object {oid} does not exist")
}
