//! Replaying the ends of transactions.

use super::files;
use super::record::{ABORT, COMMIT, EndRecord};
use crate::base::Result;
use crate::err;
use crate::storage::RedoContext;
use crate::wal::RedoRecord;

/// Redo of the resource manager `Xact`.
pub fn redo(cx: &mut RedoContext<'_>, rec: &RedoRecord<'_>) -> Result<()> {
    let end = EndRecord::decode(rec.data)?;
    let storage = cx.storage;
    match rec.info {
        COMMIT => storage.mvcc.redo_commit(rec.xid, &end.subs, rec.end)?,
        ABORT => storage.mvcc.redo_abort(rec.xid, &end.subs)?,
        other => return Err(err!(DATA_CORRUPTED, "unknown transaction record type {other}")),
    }
    files::unlink(storage, &end.unlink)
}
