//! Finding the row a key names in the parent, and locking it FOR KEY SHARE.

use super::{Reference, is_int};
use crate::base::{Flow, Result, TupleId};
use crate::heap::{HeapFetch, LockStrength};
use crate::mvcc::Snapshot;
use crate::sql::exec::ExecContext;
use crate::sql::exec::modify::{Claim, Writer, claim};
use crate::sql::plan::LockWait;
use crate::types::{Batch, Column, Datum, TypeRef, oid};

/// Where the look-up of one key stands: the version it has followed changes to.
#[derive(Default)]
pub(super) struct Lookup {
    reached: Option<TupleId>,
}

/// A value as the index's column takes it; None: no row can have it.
fn as_key<'a>(value: Datum<'a>, key: TypeRef) -> Option<Datum<'a>> {
    let wide = match value {
        Datum::I16(v) => i64::from(v),
        Datum::I32(v) => i64::from(v),
        Datum::I64(v) => v,
        other => return Some(other),
    };
    if !is_int(key) {
        return Some(value);
    }
    match key.oid {
        oid::INT2 => i16::try_from(wide).ok().map(Datum::I16),
        oid::INT4 => i32::try_from(wide).ok().map(Datum::I32),
        _ => Some(Datum::I64(wide)),
    }
}

impl Reference {
    /// The index key of a row whose columns are in the constraint's order; false: no row can have it.
    pub(super) fn encode(&self, columns: &[Column], row: usize, key: &mut Vec<u8>) -> bool {
        key.clear();
        let types = self.index.store.keys();
        let mut values = Vec::with_capacity(self.order.len());
        for (n, k) in self.order.iter().zip(types) {
            match as_key(columns[*n].get(row), k.ty) {
                Some(v) => values.push(v),
                None => return false,
            }
        }
        self.index.store.encode_key(values.into_iter(), key);
        true
    }
}

impl Lookup {
    /// Whether the parent has a row with this key, by the snapshot or a newer version of what it shows. To be repeated
    /// after a wait.
    pub fn run(&mut self, cx: &mut ExecContext, r: &Reference, key: &[u8], snapshot: &Snapshot) -> Flow<bool> {
        let store = super::super::super::seq_scan::store_of(&r.parent)?;
        let storage = cx.storage()?;
        loop {
            let tid = match self.reached {
                Some(tid) => tid,
                None => match find(cx, r, key, snapshot)? {
                    Some(tid) => tid,
                    None => return Ok(false),
                },
            };
            let writer = Writer::for_locks(cx)?;
            let found = crate::heap::lock_tuple(&writer.context(), &store, tid, LockStrength::KeyShare)?;
            match claim(cx, found, &r.parent, LockWait::Block, ("locking", tid))? {
                Claim::Mine if self.reached.is_none() => return Ok(true),
                Claim::Mine => {
                    // The newest version may have another key.
                    let attnos = r.foreign.columns.clone();
                    let mut row = Batch::default();
                    let mut fetch = HeapFetch::new(store.clone(), Snapshot::any(), attnos);
                    let there = fetch.fetch_version(&storage, tid, &mut row)?.is_some();
                    let mut other = Vec::new();
                    return Ok(there && r.encode(&row.columns, 0, &mut other) && other == key);
                }
                Claim::Newer(ctid) => self.reached = Some(ctid),
                Claim::Gone => return Ok(false),
                Claim::Again => {}
            }
        }
    }
}

fn find(cx: &mut ExecContext, r: &Reference, key: &[u8], snapshot: &Snapshot) -> Result<Option<TupleId>> {
    let storage = cx.storage()?;
    let store = super::super::super::seq_scan::store_of(&r.parent)?;
    let mut fetch = HeapFetch::new(store, snapshot.clone(), Vec::new());
    let mut row = Batch::default();
    cx.backend()?.stats.count_scan(r.index.oid);
    for tid in r.index.store.tids_of(&storage, key, snapshot.tracked().map(|t| &**t))? {
        if let Some(at) = fetch.fetch(&storage, tid, &mut row)? {
            let counts = cx.backend()?.stats.table(r.index.oid);
            counts.tuples_returned += 1;
            counts.tuples_fetched += 1;
            return Ok(Some(at));
        }
    }
    Ok(None)
}
