//! The one table from resource manager to redo function.

use crate::base::{Lsn, Oid, RelFileId, Result};
use crate::disk::tablespace;
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
        Rmgr::Tablespace => redo_tablespace(cx, record),
        Rmgr::Sequence => redo_images(cx, record),
        other => Err(crate::err!(INTERNAL_ERROR, "unexpected resource manager {}", other.name())),
    };
    done.map_err(|e| e.context(describe(record)))
}

/// A new database's directory; its files have records of their own. Data: the database's OID, its tablespace's if any.
fn redo_database(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let short = || crate::err!(INTERNAL_ERROR, "dbase_redo: short record at {}", record.start);
    let oid = |at: usize| {
        let bytes = record.data.get(at..at + 4)?.try_into().ok()?;
        Some(Oid(u32::from_le_bytes(bytes)))
    };
    let file = RelFileId { db: oid(0).ok_or_else(short)?, node: Oid::INVALID, space: oid(4).unwrap_or_default() };
    tablespace::make_path(&*cx.storage.disk, &file.folder())
}

/// A tablespace's link, made or gone (kinds as PostgreSQL 15, tablespace.h). Data: its OID, and where it is.
fn redo_tablespace(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let short = || crate::err!(INTERNAL_ERROR, "tblspc_redo: short record at {}", record.start);
    let (oid, place) = record.data.split_first_chunk().ok_or_else(short)?;
    let (disk, oid) = (&*cx.storage.disk, Oid(u32::from_le_bytes(*oid)));
    match record.info {
        tablespace::CREATE => tablespace::create(disk, oid, &String::from_utf8_lossy(place), true),
        tablespace::DROP => tablespace::remove(disk, oid).map(drop),
        other => Err(crate::err!(INTERNAL_ERROR, "tblspc_redo: unknown op code {other}")),
    }
}

/// Sequences: every record brings its page as a whole.
fn redo_images(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    for i in 0..record.blocks.len() {
        if let Action::Apply(_) = cx.block(record, i)? {
            return Err(crate::err!(INTERNAL_ERROR, "seq_redo: no image at {}", record.start));
        }
    }
    Ok(())
}

fn describe(record: &RedoRecord<'_>) -> String {
    format!("WAL redo at {} for {}/{:02X}", record.start, record.rmgr.name(), record.info)
}

/// The log's own records (PostgreSQL 15, xlog.c, xlog_redo).
fn redo_xlog(cx: &mut RedoContext<'_>, record: &RedoRecord<'_>) -> Result<()> {
    let malformed = || crate::err!(INTERNAL_ERROR, "malformed XLOG record at {}", record.start);
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
        other => return Err(crate::err!(INTERNAL_ERROR, "xlog_redo: unknown op code {other}")),
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
