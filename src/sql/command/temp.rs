//! Temporary schemas: made at the first temporary object, emptied at the session's end.

use super::drop;
use crate::base::{Oid, Result};
use crate::catalog::object::{Namespace, class, fixed};
use crate::catalog::{Object, Record};
use crate::sql::Backend;
use crate::sql::exec::ExecContext;
use std::sync::Arc;

/// What a temporary schema can hold beside relations.
const OTHERS: [Oid; 5] = [class::TYPE, class::PROC, class::STATISTIC_EXT, class::OPERATOR, class::COLLATION];

/// The session's temporary schema, made if need be.
pub fn schema(backend: &mut Backend) -> Result<Oid> {
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
pub fn discard_temp(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    let Some(schema) = backend.catalog.temp_schema() else { return Ok(()) };
    let classes = backend.catalog.all(class::RELATION);
    let ours: Vec<Oid> = classes
        .iter()
        .filter_map(|r| r.object.as_class().ok())
        .filter(|c| c.namespace == schema)
        .map(|c| c.oid)
        .collect();
    for oid in ours {
        drop::remove_relation(cx, oid)?;
    }
    let catalog = cx.backend()?.catalog.clone();
    for class in OTHERS {
        let ours = |r: &Arc<Record>| r.object.name().is_some_and(|(place, _)| place == schema);
        for record in catalog.all(class).into_iter().filter(ours) {
            super::write::delete(cx, record.object.key())?;
            super::write::delete(cx, crate::catalog::object::comment_key(record.object.key()))?;
        }
    }
    let backend = cx.backend()?;
    let writer = backend.writer();
    backend.catalog.delete(writer, crate::catalog::ObjectKey::new(class::NAMESPACE, schema))?;
    backend.catalog.set_temp_schema(None);
    backend.delete_at_commit.clear();
    backend.drop_at_commit.clear();
    Ok(())
}

/// ON COMMIT DELETE ROWS and ON COMMIT DROP.
pub fn on_commit(cx: &mut ExecContext) -> Result<()> {
    let backend = cx.backend()?;
    if backend.delete_at_commit.is_empty() && backend.drop_at_commit.is_empty() {
        return Ok(());
    }
    let dropped = std::mem::take(&mut backend.drop_at_commit);
    let emptied = backend.delete_at_commit.clone();
    for oid in dropped {
        drop::remove_relation(cx, oid)?;
    }
    for oid in emptied {
        if let Some(relation) = cx.backend()?.catalog.relation(oid)? {
            super::truncate::empty(cx, &relation)?;
        }
    }
    Ok(())
}
