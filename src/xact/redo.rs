//! Replaying the ends of transactions.

use super::files;
use super::record::{ABORT, ABORT_PREPARED, COMMIT, COMMIT_PREPARED, EndRecord, PASS_LOCK, PREPARE};
use crate::base::Result;
use crate::err;
use crate::storage::{RedoContext, Storage};
use crate::twophase::State;
use crate::wal::RedoRecord;

/// Redo of the resource manager `Xact`.
pub fn redo(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    let storage = cx.storage;
    match rec.info {
        PREPARE => return redo_prepare(storage, rec),
        PASS_LOCK => {
            let row = serde_json::from_slice(rec.data)
                .map_err(|e| err!(DATA_CORRUPTED, "row lock of a prepared transaction is damaged: {e}"))?;
            storage.twophase.pass_on(row);
            return Ok(());
        }
        _ => {}
    }
    let end = EndRecord::decode(rec.data)?;
    match rec.info {
        COMMIT | COMMIT_PREPARED => storage.mvcc.redo_commit(rec.xid, &end.subs, rec.end)?,
        ABORT | ABORT_PREPARED => storage.mvcc.redo_abort(rec.xid, &end.subs)?,
        other => return Err(err!(DATA_CORRUPTED, "unknown transaction record type {other}")),
    }
    if matches!(rec.info, COMMIT_PREPARED | ABORT_PREPARED) {
        storage.twophase.redo_end(rec.xid)?;
    }
    files::unlink(storage, &end.unlink)
}

fn redo_prepare(storage: &Storage, rec: &RedoRecord<'_>) -> Result<()> {
    let state = State::decode(rec.data)?;
    state.ids().for_each(|xid| storage.mvcc.redo_seen(xid));
    storage.twophase.redo_prepare(state, rec.end)
}
