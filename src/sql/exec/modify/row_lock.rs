//! What to do about a row somebody else has changed, is changing or has locked.

use crate::bail;
use crate::base::{CommandId, Error, Flow, Result, SqlState, TupleId, Xid};
use crate::btree::Inserter;
use crate::catalog::Relation;
use crate::heap::{self, Compression, TmResult, WriteContext};
use crate::lock::{LockMode, LockTag, Scope};
use crate::mvcc::Own;
use crate::sql::exec::ExecContext;
use crate::sql::plan::{self, LockWait};
use crate::storage::Storage;
use std::sync::Arc;

/// On whose behalf rows are written, owned.
pub(in crate::sql) struct Writer {
    pub storage: Arc<Storage>,
    pub xid: Xid,
    pub cid: CommandId,
    pub own: Arc<Own>,
    compression: Compression,
}

impl Writer {
    /// For new row versions: the command's id stands on them.
    pub fn for_rows(cx: &mut ExecContext) -> Result<Writer> {
        let compression = cx.settings.toast_compression;
        let txn = &mut cx.backend()?.txn;
        let xid = txn.xid();
        let cid = txn.command_for_write();
        Ok(Writer { storage: txn.storage.clone(), xid, cid, own: txn.own().clone(), compression })
    }

    /// For what the running statement writes: its own command id, whatever functions and triggers have done since.
    pub fn of_statement(cx: &mut ExecContext) -> Result<Writer> {
        let command = cx.run.command;
        let writer = Writer::for_rows(cx)?;
        Ok(Writer { cid: command.unwrap_or(writer.cid), ..writer })
    }

    /// For row locks alone.
    pub fn for_locks(cx: &mut ExecContext) -> Result<Writer> {
        let compression = cx.settings.toast_compression;
        let txn = &mut cx.backend()?.txn;
        let xid = txn.xid();
        Ok(Writer { storage: txn.storage.clone(), xid, cid: txn.command(), own: txn.own().clone(), compression })
    }

    pub fn inserter(&self) -> Inserter<'_> {
        Inserter { xid: self.xid, tracked: self.own.tracked().map(|t| &**t) }
    }

    pub fn context(&self) -> WriteContext<'_> {
        let compression = self.compression;
        WriteContext { storage: &self.storage, xid: self.xid, cid: self.cid, own: &self.own, compression }
    }
}

pub(in crate::sql::exec) fn strength(s: plan::LockStrength) -> heap::LockStrength {
    match s {
        plan::LockStrength::KeyShare => heap::LockStrength::KeyShare,
        plan::LockStrength::Share => heap::LockStrength::Share,
        plan::LockStrength::NoKeyUpdate => heap::LockStrength::NoKeyUpdate,
        plan::LockStrength::Update => heap::LockStrength::Update,
    }
}

/// What a write's answer means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::sql::exec) enum Claim {
    /// Done, or locked.
    Mine,
    /// Another transaction made a newer version: look at that one.
    Newer(TupleId),
    /// Not there any more, or changed by this very command: leave it.
    Gone,
    /// The transaction in the way has ended: try again.
    Again,
}

#[cold]
fn serialization(what: &str) -> Error {
    crate::err!(SERIALIZATION_FAILURE, "could not serialize access due to concurrent {what}")
}

/// `verb`: what was to be done. A row that a trigger or a function of this very statement has changed is not changed once more; one that the
/// statement has changed itself is left alone.
///
/// # Errors
/// 27000.
pub(super) fn refuse_triggered(found: &TmResult, own: CommandId, verb: &str) -> Result<()> {
    match found {
        TmResult::SelfModified { cmax } if *cmax != own => {
            let text =
                format!("tuple to be {verb} was already modified by an operation triggered by the current command");
            let hint =
                "Consider using an AFTER trigger instead of a BEFORE trigger to propagate changes to other rows.";
            Err(Error::new(SqlState::TRIGGERED_DATA_CHANGE_VIOLATION, text).hint(hint))
        }
        _ => Ok(()),
    }
}

/// Waits, follows, or gives up, by PostgreSQL's rules for each isolation level (nodeModifyTable.c, nodeLockRows.c).
pub(in crate::sql::exec) fn claim(
    cx: &mut ExecContext,
    found: TmResult,
    rel: &Relation,
    wait: LockWait,
    (doing, tid): (&str, TupleId),
) -> Flow<Claim> {
    let keeps = cx.backend()?.txn.isolation.keeps_snapshot();
    Ok(match found {
        TmResult::Ok => Claim::Mine,
        TmResult::SelfModified { .. } => Claim::Gone,
        TmResult::Invisible => {
            return Err(Error::internal(format!("attempted to change an invisible row of \"{}\"", rel.name)).into());
        }
        TmResult::Updated { .. } if keeps => return Err(serialization("update").into()),
        // PostgreSQL 15, nodeLockRows.c: who only locks is told of an update in both cases.
        TmResult::Deleted { .. } if keeps && doing == "locking" => return Err(serialization("update").into()),
        TmResult::Deleted { .. } if keeps => return Err(serialization("delete").into()),
        TmResult::Moved { .. } if keeps => return Err(serialization("update").into()),
        TmResult::Moved { .. } => {
            let text = "tuple to be locked was already moved to another partition due to concurrent update";
            return Err(Error::new(crate::base::SqlState::SERIALIZATION_FAILURE, text).into());
        }
        TmResult::Updated { ctid, .. } => Claim::Newer(ctid),
        TmResult::Deleted { .. } => Claim::Gone,
        TmResult::BeingModified(xid) => match wait {
            LockWait::Block => {
                cx.wait_for(xid, || format!("while {doing} tuple {tid} in relation \"{}\"", rel.name))?;
                Claim::Again
            }
            LockWait::NoWait if ended(cx, xid)? => Claim::Again,
            LockWait::NoWait => {
                bail!(LOCK_NOT_AVAILABLE, "could not obtain lock on row in relation \"{}\"", rel.name)
            }
            LockWait::SkipLocked => Claim::Gone,
        },
    })
}

/// Locks the newest version of a row that others have changed, beginning with the version `at`, which goes along: conditions
/// are asked of that one alone, whatever the versions between look like (PostgreSQL 15, heapam_handler.c, heapam_tuple_lock
/// with TUPLE_LOCK_FLAG_FIND_LAST_VERSION). False: the row is gone. To be repeated with the same `at` after a `Stop`.
pub(super) fn follow(
    cx: &mut ExecContext,
    target: &super::target::Target,
    at: &mut TupleId,
    strength: heap::LockStrength,
    (doing, verb): (&str, &str),
) -> Flow<bool> {
    loop {
        let writer = Writer::of_statement(cx)?;
        let found = heap::lock_tuple(&writer.context(), &target.store, *at, strength)?;
        refuse_triggered(&found, writer.cid, verb)?;
        match claim(cx, found, &target.rel, LockWait::Block, (doing, *at))? {
            Claim::Mine => return Ok(true),
            Claim::Newer(ctid) => *at = ctid,
            Claim::Gone => return Ok(false),
            Claim::Again => {}
        }
    }
}

/// True if nobody has to be waited for.
fn ended(cx: &mut ExecContext, xid: Xid) -> Result<bool> {
    let txn = &mut cx.backend()?.txn;
    let storage = txn.storage.clone();
    let tag = LockTag::Xact(xid);
    let free = storage.locks.try_acquire(&mut txn.held, tag, LockMode::Share, Scope::Transaction).is_some();
    if free {
        storage.locks.release_early(&mut txn.held, tag, LockMode::Share);
    }
    Ok(free)
}
