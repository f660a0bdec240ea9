//! The catalog heap of a folder: loading it, and writing its rows.
//!
//! Columns: class oid, object oid, sub-number int4, body bytea. File number 1, long bodies in file 2.

use super::build::toast_store;
use super::folder::{Folder, Record};
use super::object::{Object, ObjectKey, class};
use super::relation::Persistence;
use super::view::Writer;
use crate::base::{Oid, RelFileId, Result, TupleId, Xid};
use crate::disk::{access_error, tablespace};
use crate::err;
use crate::heap::{
    self, AttrDesc, Compression, HeapScan, TOAST_TARGET, TableDef, TableStore, TmResult, TupleDesc, WriteContext,
};
use crate::mvcc::Snapshot;
use crate::storage::Storage;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use hashbrown::HashSet;
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

/// The open catalog heap of a database (0: shared) in a tablespace.
pub fn open(storage: &Storage, database: Oid, space: Oid) -> Arc<TableStore> {
    let file = RelFileId { db: database, node: CATALOG_NODE, space };
    let toast = RelFileId { node: CATALOG_TOAST_NODE, ..file };
    let def = TableDef {
        relid: CATALOG_NODE,
        file,
        persistence: Persistence::Permanent,
        desc: Arc::new(desc()),
        toast: Some(toast_store(storage, CATALOG_TOAST_NODE, toast, Persistence::Permanent)),
        fillfactor: 100,
        toast_target: TOAST_TARGET,
        tracked: false,
    };
    TableStore::open(storage, def)
}

/// Makes the empty catalog heap of a new folder, whose directory exists.
pub fn create_folder(storage: &Storage, database: Oid) -> Result<Folder> {
    let store = open(storage, database, Oid::INVALID);
    store.create(storage)?;
    if let Some(toast) = store.toast() {
        toast.create(storage)?;
    }
    Ok(Folder::new((database, Oid::INVALID), store, Vec::new()))
}

/// Reads all committed objects of a folder.
///
/// # Errors
/// XX001 for a damaged row, I/O.
pub fn load(storage: &Storage, database: Oid, space: Oid) -> Result<Folder> {
    super::system::note_types();
    let store = open(storage, database, space);
    let mut scan = HeapScan::new(
        store.clone(),
        Snapshot::self_all(Arc::default()),
        vec![1, 2, 3, 4, heap::system::CTID, heap::system::XMIN],
    );
    let mut records = Vec::new();
    loop {
        let mut batch = Batch::default();
        let more = scan.next(storage, &mut batch)?;
        for row in 0..batch.rows {
            let value = |c: usize| batch.columns[c].get(row);
            let key = ObjectKey { class: Oid(value(0).u32()), oid: Oid(value(1).u32()), sub: value(2).i32() };
            let object = Object::decode(value(3).bytes())?;
            let tid = heap::tid_from_bytes(value(4).bytes()).unwrap_or(TupleId::INVALID);
            let xmin = Xid(u64::from(value(5).u32()));
            records.push((key, Record::new(object, tid, xmin)));
        }
        if !more {
            return Ok(Folder::new((database, space), store, records));
        }
    }
}

fn write_context<'a>(storage: &'a Storage, writer: &'a Writer) -> WriteContext<'a> {
    WriteContext { storage, xid: writer.xid, cid: writer.cid, own: &writer.own, compression: Compression::Lz4 }
}

/// Adds a row; returns where it lies.
pub fn insert_row(storage: &Storage, folder: &Folder, writer: &Writer, key: ObjectKey, body: &[u8]) -> Result<TupleId> {
    let mut batch = Batch { columns: [Phys::U32, Phys::U32, Phys::I32, Phys::Bytes].map(Column::new).into(), rows: 1 };
    let values = [Datum::U32(key.class.0), Datum::U32(key.oid.0), Datum::I32(key.sub), Datum::Bytes(body)];
    for (column, value) in batch.columns.iter_mut().zip(values) {
        column.push(value);
    }
    let mut tids = Vec::new();
    // A full log queue empties by itself: catalog rows are few, so waiting here holds nobody up for long.
    while let Err(stop) = heap::insert(&write_context(storage, writer), &folder.store, &batch, &mut tids) {
        match stop {
            crate::base::Stop::Wait(_) => storage.wal.flush(storage.wal.insert_lsn()),
            other => return Err(other.into_error()),
        }
    }
    tids.first().copied().ok_or_else(|| crate::base::Error::internal("a catalog row was not placed"))
}

/// Marks a row deleted.
///
/// # Errors
/// XX000 if somebody else changed it: the object's lock should have kept them out.
pub fn delete_row(storage: &Storage, folder: &Folder, writer: &Writer, tid: TupleId) -> Result<()> {
    match heap::delete(&write_context(storage, writer), &folder.store, tid).map_err(|s| s.into_error())? {
        TmResult::Ok => Ok(()),
        _ => Err(err!(INTERNAL_ERROR, "tuple concurrently updated").place("simple_heap_delete", "heapam.c", 2935)),
    }
}

/// Replaces a row; returns where the new one lies.
pub fn update_row(
    storage: &Storage,
    folder: &Folder,
    writer: &Writer,
    tid: TupleId,
    key: ObjectKey,
    body: &[u8],
) -> Result<TupleId> {
    delete_row(storage, folder, writer, tid)?;
    insert_row(storage, folder, writer, key, body)
}

/// Removes files that no object names: left by a crash between a file's creation and its transaction's end (CAT-4).
pub fn remove_orphan_files(storage: &Storage, folder: &Folder) -> Result<()> {
    let mut named: HashSet<(Oid, u32)> = [CATALOG_NODE, CATALOG_TOAST_NODE].map(|n| (folder.space, n.0)).into();
    for record in folder.all(class::RELATION) {
        let c = record.object.as_class()?;
        named.insert((super::tablespace::space_of(c.tablespace, folder.space), c.node.0));
    }
    let prepared = storage.twophase.states();
    let made = prepared.iter().flat_map(|s| &s.created).filter(|f| f.db == folder.database);
    named.extend(made.map(|f| (f.space, f.node.0)));
    let mut gone: HashSet<RelFileId> = HashSet::new();
    for place in tablespace::database_folders(&*storage.disk)?.iter().filter(|f| f.db == folder.database) {
        let entries = storage.disk.list(&place.path);
        for entry in entries.map_err(|e| access_error(format!("read directory \"{}\"", place.path), &e))? {
            let number: String = entry.name.chars().take_while(char::is_ascii_digit).collect();
            if let Ok(node) = number.parse::<u32>()
                && !named.contains(&(place.space, node))
            {
                gone.insert(RelFileId { db: folder.database, node: Oid(node), space: place.space });
            }
        }
    }
    gone.into_iter().try_for_each(|file| storage.pool.drop_relation(file))
}
