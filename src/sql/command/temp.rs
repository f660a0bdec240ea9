//! Temporary schemas: made at the first temporary object, emptied at the session's end.

use super::drop;
use crate::base::{Oid, Result, Stop};
use crate::catalog::object::{Namespace, class, fixed};
use crate::catalog::{Object, ObjectKey};
use crate::err;
use crate::sql::Backend;
use crate::sql::exec::ExecContext;

/// The session's temporary schema, made if need be.
pub fn schema(backend: &mut Backend) -> Result<Oid> {
    backend.txn.touched_temporary = true;
    if let Some(oid) = backend.catalog.temp_schema() {
        return Ok(oid);
    }
    let oid = backend.instance.cluster.new_oid();
    let name = format!("pg_temp_{}", backend.pid);
    let object = Namespace { oid, name, owner: fixed::BOOTSTRAP_SUPERUSER, acl: None, temp_of: Some(backend.pid) };
    let writer = backend.writer();
    backend.catalog.put(writer, Object::Namespace(object))?;
    backend.catalog.set_temp_schema(Some(oid));
    Ok(oid)
}

/// Drops everything temporary of this session (DISCARD TEMP, the session's end).
///
/// # Errors
/// 55P03 where another session is at a table that uses a temporary type or function.
pub fn discard_temp(cx: &mut ExecContext) -> Result<()> {
    let Some(schema) = cx.backend()?.catalog.temp_schema() else { return Ok(()) };
    remove(cx, &[ObjectKey::new(class::NAMESPACE, schema)])?;
    let backend = cx.backend()?;
    backend.catalog.set_temp_schema(None);
    backend.delete_at_commit.clear();
    backend.drop_at_commit.clear();
    Ok(())
}

/// Removes temporary objects with what depends on them.
fn remove(cx: &mut ExecContext, targets: &[ObjectKey]) -> Result<()> {
    match drop::remove_quietly(cx, targets) {
        Ok(()) => Ok(()),
        Err(Stop::Error(e)) => Err(e),
        Err(_) => Err(err!(LOCK_NOT_AVAILABLE, "what depends on temporary objects is in use")),
    }
}

/// ON COMMIT DELETE ROWS and ON COMMIT DROP. PostgreSQL 15, tablecmds.c, PreCommit_on_commit_actions: what is emptied comes
/// first, then all that is dropped goes at once, with what depends on it.
pub fn on_commit(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    if backend.delete_at_commit.is_empty() && backend.drop_at_commit.is_empty() {
        return Ok(());
    }
    let dropped = std::mem::take(&mut backend.drop_at_commit);
    let emptied = backend.delete_at_commit.clone();
    let mut relations = Vec::new();
    for oid in emptied {
        relations.extend(cx.backend()?.catalog.relation(oid)?);
    }
    super::truncate::refuse_other_fate(cx, &relations)?;
    for relation in relations.iter().filter(|r| !r.is_partitioned()) {
        super::truncate::empty(cx, relation)?;
    }
    let catalog = cx.backend()?.catalog.clone();
    let targets = dropped.into_iter().filter(|oid| catalog.class(*oid).is_some());
    let targets: Vec<ObjectKey> = targets.map(|oid| ObjectKey::new(class::RELATION, oid)).collect();
    match targets.is_empty() {
        true => Ok(()),
        false => remove(cx, &targets),
    }
}
