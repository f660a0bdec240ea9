//! Files of relations: made and given up through the transaction (CMD-2).

use crate::base::{Fork, Oid, RelFileId, Result, Stop};
use crate::catalog::IndexMethod;
use crate::catalog::{Persistence, toast_store};
use crate::heap::{TableDef, TableStore, TupleDesc};
use crate::sql::Backend;
use crate::storage::log_create;
use crate::wal::{Need, Record};
use std::sync::Arc;

/// A fresh file number in a tablespace.
pub fn new_file(backend: &Backend, tablespace: Oid) -> RelFileId {
    let space = backend.catalog.space(tablespace);
    RelFileId { db: backend.database, node: backend.instance.cluster.new_oid(), space }
}

/// The tablespace of a relation that is there already.
fn tablespace_of(backend: &Backend, relid: Oid) -> Oid {
    let record = backend.catalog.class(relid);
    record.and_then(|r| r.object.as_class().ok().map(|c| c.tablespace)).unwrap_or_default()
}

fn note_created(backend: &mut Backend, file: RelFileId, persistence: Persistence) -> Result<()> {
    // Whoever aborts must find the file named before it exists.
    backend.txn.file_created(file);
    let xid = backend.txn.xid();
    let storage = &backend.instance.storage;
    storage.wal.reserve_for(2 * Record::max_bytes(0, 16), Need::Catalog).map_err(Stop::into_error)?;
    match persistence {
        Persistence::Permanent => {
            log_create(storage, xid, file, Fork::Main);
        }
        Persistence::Unlogged => {
            log_create(storage, xid, file, Fork::Main);
            log_create(storage, xid, file, Fork::Init);
        }
        Persistence::Temp => {}
    }
    Ok(())
}

/// Makes empty files for a table, where it is now.
pub fn create_table(backend: &mut Backend, relid: Oid, persistence: Persistence, desc: TupleDesc) -> Result<RelFileId> {
    create_table_in(backend, tablespace_of(backend, relid), relid, persistence, desc)
}

/// Makes an empty table's files in a tablespace.
pub fn create_table_in(
    backend: &mut Backend,
    tablespace: Oid,
    relid: Oid,
    persistence: Persistence,
    desc: TupleDesc,
) -> Result<RelFileId> {
    let file = new_file(backend, tablespace);
    note_created(backend, file, persistence)?;
    let def = TableDef::plain(relid, file, persistence, Arc::new(desc));
    let storage = backend.instance.storage.clone();
    TableStore::open(&storage, def).create(&storage)?;
    Ok(file)
}

/// Makes the files of an empty, permanent table.
pub fn create_plain(backend: &mut Backend, relid: Oid, desc: TupleDesc) -> Result<RelFileId> {
    create_table(backend, relid, Persistence::Permanent, desc)
}

/// Makes empty files for a table of large values, where it is now.
pub fn create_toast(backend: &mut Backend, relid: Oid, persistence: Persistence) -> Result<RelFileId> {
    create_toast_in(backend, tablespace_of(backend, relid), relid, persistence)
}

/// Makes the empty files of a table for large values in a tablespace.
pub fn create_toast_in(
    backend: &mut Backend,
    tablespace: Oid,
    relid: Oid,
    persistence: Persistence,
) -> Result<RelFileId> {
    let file = new_file(backend, tablespace);
    note_created(backend, file, persistence)?;
    let storage = backend.instance.storage.clone();
    toast_store(&storage, relid, file, persistence).create(&storage)?;
    Ok(file)
}

/// Makes new files for an index, where it is now.
pub fn create_index(
    backend: &mut Backend,
    index: Oid,
    persistence: Persistence,
    method: IndexMethod,
) -> Result<RelFileId> {
    create_index_in(backend, tablespace_of(backend, index), persistence, method)
}

/// Makes an index's files in a tablespace; its pages are the builder's.
pub fn create_index_in(
    backend: &mut Backend,
    tablespace: Oid,
    persistence: Persistence,
    method: IndexMethod,
) -> Result<RelFileId> {
    let file = new_file(backend, tablespace);
    note_created(backend, file, persistence)?;
    let xid = backend.txn.xid();
    let storage = backend.instance.storage.clone();
    let fork = storage.pool.open(file, Fork::Main, persistence);
    storage.pool.create(&fork, false)?;
    if persistence == Persistence::Unlogged {
        // After a crash the index is reset to this: empty, but an index.
        let init = storage.pool.open(file, Fork::Init, persistence);
        storage.pool.create(&init, false)?;
        method.create_empty(&storage, &init, xid)?;
    }
    Ok(file)
}
