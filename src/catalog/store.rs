//! The catalog heap of a folder: loading it, and writing its rows.
//!
//! Columns: class oid, object oid, sub-number int4, body bytea. File number 1, long bodies in file 2.

use super::folder::{Folder, Record};
use super::object::{Object, ObjectKey};
use super::relation::Persistence;
use super::view::Writer;
use crate::base::{CommandId, Fork, Oid, RelFileId, Result, TupleId, Xid};
use crate::err;
use crate::heap::{AttrDesc, HeapScan, TableStore, TmResult, TupleDesc, WriteContext};
use crate::storage::Storage;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use std::sync::Arc;

/// File number of a folder's catalog heap.
pub const CATALOG_NODE: Oid = Oid(1);
/// File number of its out-of-line values.
pub const CATALOG_TOAST_NODE: Oid = Oid(2);

fn desc() -> TupleDesc {
    TupleDesc::new(vec![
        AttrDesc::new(Phys::U32, TypeRef::of(oid::OID)),
        AttrDesc::new(Phys::U32, TypeRef::of(oid::OID)),
        AttrDesc::new(Phys::I32, TypeRef::of(oid::INT4)),
        AttrDesc::new(Phys::Bytes, TypeRef::of(oid::BYTEA)),
    ])
}

/// The open catalog heap of a database (0: shared).
pub fn open(storage: &Storage, database: Oid) -> Arc<TableStore> {
    let file = RelFileId { db: database, node: CATALOG_NODE };
    let toast = RelFileId { db: database, node: CATALOG_TOAST_NODE };
    TableStore::open(storage, CATALOG_NODE, file, Persistence::Permanent.into(), desc(), Some(toast))
}
