//! The one table from resource manager to redo function.

use crate::base::{Error, Lsn, Oid, Result};
use crate::storage::{Action, RedoContext};
use crate::wal::record::xlog;
use crate::wal::{CheckPoint, RedoRecord, Rmgr};
use crate::{btree, gist, heap, mvcc, xact};

/// Replays one record.
///
/// # Errors
/// With the record's place as CONTEXT; recovery cannot go on then.
pub fn redo_record(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    if record.xid.is_valid() {
        cx.storage.mvcc.redo_seen(record.xid);
    }
    let done = match record.rmgr {
        Rmgr::Xlog => redo_xlog(cx, record),
        Rmgr::Clog => mvcc::redo(&cx.storage.mvcc, record),
        Rmgr::Transaction => xact::redo(cx, record),
        Rmgr::Storage => crate::storage::redo(cx, record),
        Rmgr::Heap | Rmgr::Heap2 => heap::redo(cx, record),
        Rmgr::Btree => btree::redo(cx, record),
        Rmgr::Gist => gist::redo(cx, record),
        Rmgr::Database => redo_database(cx, record),
        Rmgr::Sequence => redo_images(cx, record),
        other => Err(Error::internal(format!("unexpected resource manager {}", other.name()))),
    };
    done.map_err(|e| e.context(describe(record)))
}

/// A new database's directory; its files have records of their own. Data: the database's OID.
fn redo_database(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let oid = record.data.try_into().map(u32::from_le_bytes);
    let oid = oid.map_err(|_| Error::internal(format!("dbase_redo: short record at {}", record.start)))?;
    let path = format!("base/{oid}");
    match cx.storage.disk.exists(&path) {
        true => Ok(()),
        false => crate::disk::durable::mkdir(&*cx.storage.disk, &path),
    }
}

/// Sequences: every record brings its page as a whole.
fn redo_images(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    for i in 0..record.blocks.len() {
        if let Action::Apply(_) = cx.block(record, i)? {
            return Err(Error::internal(format!("seq_redo: no image at {}", record.start)));
        }
    }
    Ok(())
}

fn describe(record: &RedoRecord<'_>) -> String {
    format!("WAL redo at {} for {}/{:02X}", record.start, record.rmgr.name(), record.info)
}

/// The log's own records (PostgreSQL 15, xlog.c, xlog_redo).
fn redo_xlog(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let malformed = || Error::internal(format!("malformed XLOG record at {}", record.start));
    match record.info {
        xlog::NEXTOID => {
            let next = record.data.try_into().map_err(|_| malformed())?;
            cx.storage.wal.set_next_oid(Oid(u32::from_le_bytes(next)));
        }
        xlog::CHECKPOINT_SHUTDOWN => {
            let checkpoint = CheckPoint::decode(record.data).ok_or_else(malformed)?;
            cx.storage.wal.set_next_oid(checkpoint.next_oid);
            see_next_xid(cx, &checkpoint);
        }
        xlog::CHECKPOINT_ONLINE => {
            // Object ids: the NEXTOID records say more (PostgreSQL 15: same).
            let checkpoint = CheckPoint::decode(record.data).ok_or_else(malformed)?;
            see_next_xid(cx, &checkpoint);
        }
        xlog::FPI => {
            for i in 0..record.blocks.len() {
                if !matches!(cx.block(record, i)?, Action::Restored) {
                    return Err(malformed());
                }
            }
        }
        xlog::NOOP | xlog::SWITCH | xlog::PARAMETER_CHANGE | xlog::END_OF_RECOVERY => {}
        other => return Err(Error::internal(format!("xlog_redo: unknown op code {other}"))),
    }
    Ok(())
}

fn see_next_xid(cx: &RedoContext<'_>, checkpoint: &CheckPoint) {
    let last = crate::base::Xid(checkpoint.next_xid.0.saturating_sub(1));
    if last.is_valid() {
        cx.storage.mvcc.redo_seen(last);
    }
}

/// Whether a record is a checkpoint; its contents and whether it was a shutdown's.
pub(super) fn checkpoint_of(record: &RedoRecord<'_>) -> Option<(CheckPoint, bool)> {
    let known = matches!(record.info, xlog::CHECKPOINT_ONLINE | xlog::CHECKPOINT_SHUTDOWN);
    if record.rmgr != Rmgr::Xlog || !known || record.start == Lsn::INVALID {
        return None;
    }
    Some((CheckPoint::decode(record.data)?, record.info == xlog::CHECKPOINT_SHUTDOWN))
}
