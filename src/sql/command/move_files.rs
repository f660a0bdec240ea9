//! Moving relations to other tablespaces: ALTER … SET TABLESPACE, ALTER … ALL IN TABLESPACE.
//!
//! All pages are copied into new files, each logged as a whole; the old files go at commit (PostgreSQL 15, tablecmds.c,
//! ATExecSetTableSpace: same).

use super::write::{change, class_of};
use super::{names, role, storage, tablespace};
use crate::base::{Error, Flow, Fork, Oid, RelFileId, Result, SqlState};
use crate::buffer::critical;
use crate::catalog::object::{Class, class, fixed};
use crate::catalog::{Persistence, RelKind};
use crate::err;
use crate::lock::{LockMode, LockTag, Scope};
use crate::sql::Backend;
use crate::sql::ast::{AlterTableMoveAllStmt, ObjectType};
use crate::sql::exec::ExecContext;
use crate::storage::log_create;
use crate::wal::record::xlog;
use crate::wal::{BlockMode, Record, Rmgr};

/// SET TABLESPACE of a relation that is locked against everybody.
///
/// # Errors
/// 42704, 42501, 22023 for `pg_global`.
pub fn set_tablespace(cx: &mut ExecContext, oid: Oid, name: &str) -> Result<()> {
    let to = tablespace::named(cx, name)?.oid;
    let to = tablespace::check_place(cx, to)?;
    move_to(cx, oid, to)
}

/// Moves a relation, and its large values with it, to a tablespace as relations name it.
pub fn move_to(cx: &mut ExecContext, oid: Oid, to: Oid) -> Result<()> {
    let c = class_of(cx, oid)?;
    if c.tablespace == to {
        return Ok(());
    }
    let node = match c.node.is_valid() {
        true => copy_all(cx.backend()?, &c, to)?,
        false => Oid::INVALID,
    };
    change(cx, oid, |c| {
        c.tablespace = to;
        c.node = node;
    })?;
    match c.toast.is_valid() {
        true => move_to(cx, c.toast, to),
        false => Ok(()),
    }
}

/// Copies a relation's files to a tablespace. The new file number.
fn copy_all(backend: &mut Backend, c: &Class, to: Oid) -> Result<Oid> {
    let from = backend.catalog.file_of(c);
    let new = storage::new_file(backend, to);
    for fork in [Fork::Main, Fork::Init] {
        copy_fork(backend, from, new, fork, c.persistence)?;
    }
    backend.txn.file_dropped(from, c.persistence);
    backend.txn.places_change(c.oid, c.index.as_ref().map_or(c.oid, |i| i.table));
    Ok(new.node)
}

/// Copies the pages of a fork, if there is one, into a new file.
pub fn copy_fork(
    backend: &mut Backend,
    from: RelFileId,
    to: RelFileId,
    fork: Fork,
    persistence: Persistence,
) -> Result<()> {
    let storage = backend.instance.storage.clone();
    let source = storage.pool.open(from, fork, persistence);
    if !source.exists() {
        return Ok(());
    }
    if fork == Fork::Main {
        backend.txn.file_created(to);
    }
    let xid = backend.txn.xid();
    let target = storage.pool.open(to, fork, persistence);
    if persistence != Persistence::Temp {
        storage.wal.reserve(Record::max_bytes(0, 64)).map_err(|s| s.into_error())?;
        log_create(&storage, xid, to, fork);
    }
    storage.pool.create(&target, true)?;
    for block in 0..storage.pool.nblocks(&source)? {
        if target.is_logged() {
            storage.wal.reserve(Record::max_bytes(1, 0)).map_err(|s| s.into_error())?;
        }
        let copied = storage.pool.read(&source, block)?.clone();
        let at = storage.pool.extend(&target, 1)?.start;
        let mut page = storage.pool.init(&target, at)?;
        let _critical = critical::enter();
        page.bytes_mut().copy_from_slice(copied.bytes());
        storage.pool.log(Rmgr::Xlog, xlog::FPI, xid, &mut [(&mut page, BlockMode::Image)], &[]);
    }
    Ok(())
}

/// ALTER TABLE, INDEX or MATERIALIZED VIEW ALL IN TABLESPACE. PostgreSQL 15, tablecmds.c, AlterTableMoveAll.
pub fn move_all(cx: &mut ExecContext, stmt: &AlterTableMoveAllStmt) -> Flow<String> {
    let (tag, kinds): (&str, &[RelKind]) = match stmt.object {
        ObjectType::Index => ("ALTER INDEX", &[RelKind::Index, RelKind::PartitionedIndex]),
        ObjectType::MatView => ("ALTER MATERIALIZED VIEW", &[RelKind::MatView]),
        _ => ("ALTER TABLE", &[RelKind::Table, RelKind::Partitioned]),
    };
    let mut owners = Vec::new();
    for spec in &stmt.owned_by {
        owners.push(role::resolve(cx.backend()?, spec)?.0);
    }
    let (from, to) = (tablespace::named(cx, &stmt.from)?.oid, tablespace::named(cx, &stmt.to)?.oid);
    if [from, to].contains(&fixed::GLOBAL_TABLESPACE) {
        return Err(err!(INVALID_PARAMETER_VALUE, "cannot move relations in to or out of pg_global tablespace").into());
    }
    tablespace::check_create(cx, to)?;
    let backend = cx.backend()?;
    let own = backend.catalog.default_tablespace();
    let short = |oid: Oid| if oid == own { Oid::INVALID } else { oid };
    let (from, to) = (short(from), short(to));
    if from == to {
        return Ok(tag.into());
    }
    let all = backend.catalog.all(class::RELATION);
    let mut found: Vec<Class> = all.iter().filter_map(|r| r.object.as_class().ok()).cloned().collect();
    found.retain(|c| {
        c.tablespace == from
            && kinds.contains(&c.kind)
            && c.namespace != fixed::PG_TOAST
            && c.persistence != Persistence::Temp
            && (owners.is_empty() || owners.contains(&c.owner))
            && c.oid >= Oid::FIRST_NORMAL
    });
    found.sort_by_key(|c| c.oid);
    for c in &found {
        if !role::has_role(cx.backend()?, c.owner) {
            let what = names::kind_word(c.kind);
            return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {what} {}", c.name).into());
        }
        lock(cx, c, stmt.nowait)?;
    }
    if found.is_empty() {
        let name = if from.is_valid() { stmt.from.as_str() } else { "(database default)" };
        names::notice(cx, SqlState::NO_DATA_FOUND, format!("no matching relations in tablespace \"{name}\" found"));
    }
    for c in found {
        move_to(cx, c.oid, to)?;
    }
    Ok(tag.into())
}

fn lock(cx: &mut ExecContext, c: &Class, nowait: bool) -> Flow<()> {
    let backend = cx.backend()?;
    if !nowait {
        return backend.txn.lock_relation(c.oid, LockMode::AccessExclusive).map(drop);
    }
    let tag = LockTag::Relation { db: backend.database, rel: c.oid };
    let storage = backend.instance.storage.clone();
    match storage.locks.try_acquire(&mut backend.txn.held, tag, LockMode::AccessExclusive, Scope::Transaction) {
        Some(_) => Ok(()),
        None => {
            let schema = backend.catalog.namespace(c.namespace).map(|n| n.name).unwrap_or_default();
            let text = format!("aborting because lock on relation \"{schema}.{}\" is not available", c.name);
            Err(Error::new(SqlState::OBJECT_IN_USE, text).into())
        }
    }
}
