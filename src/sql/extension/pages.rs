//! What the extensions that look at pages share: the relation by its name or OID, and what may be asked of it.

use crate::base::{Error, Flow, Fork, Oid, Result, SqlState, Stop};
use crate::catalog::object::{Class, class};
use crate::catalog::{Index, ObjectKey, RelKind};
use crate::err;
use crate::heap::TableStore;
use crate::lock::LockMode;
use crate::sql::exec::ExecContext;
use crate::types::{Column, Datum, TypeRef, Value, oid};
use std::sync::Arc;

/// A whole relation is read: not on the thread that serves the clients. Say `cx.run.moved = false` at the end.
pub fn move_to_pool(cx: &mut ExecContext) -> Flow<()> {
    match std::mem::replace(&mut cx.run.moved, true) {
        true => Ok(()),
        false => Err(Stop::Yield),
    }
}

/// The relation that an argument means: its OID, or its name as a text.
pub fn named(cx: &mut ExecContext, arg: &Value) -> Result<Oid> {
    match arg.datum() {
        Datum::U32(n) => Ok(Oid(n)),
        text => cx.fx.io.hooks.clone().reg_in(oid::REGCLASS, text.str()),
    }
}

/// A relation that is known by name alone where the server makes up its rows: it has no pages.
pub enum Found {
    Stored(Box<Class>),
    Generated(RelKind, String),
}

impl Found {
    pub fn kind(&self) -> RelKind {
        match self {
            Found::Stored(c) => c.kind,
            Found::Generated(kind, _) => *kind,
        }
    }

    pub fn name(&self) -> &str {
        match self {
            Found::Stored(c) => &c.name,
            Found::Generated(_, name) => name,
        }
    }
}

/// The relation, locked against being changed.
pub fn locked(cx: &mut ExecContext, oid: Oid) -> Flow<Found> {
    let missing = || err!(UNDEFINED_TABLE, "could not open relation with OID {oid}");
    if let Some(r) = crate::catalog::system::relation(oid) {
        return Ok(Found::Generated(r.kind, r.name.clone()));
    }
    if cx.backend()?.catalog.class(oid).is_none() {
        return Err(missing().into());
    }
    cx.backend()?.txn.lock_relation(oid, LockMode::AccessShare)?;
    let record = cx.backend()?.catalog.get(ObjectKey::new(class::RELATION, oid)).ok_or_else(missing)?;
    Ok(Found::Stored(Box::new(record.object.as_class()?.clone())))
}

/// What is said of a relation of the wrong kind (PostgreSQL 15, pg_class.c, errdetail_relkind_not_supported).
pub fn wrong_kind(state: SqlState, text: String, kind: RelKind) -> Error {
    let kinds = match kind {
        RelKind::Table => "tables",
        RelKind::MatView => "materialized views",
        RelKind::Toast => "TOAST tables",
        RelKind::Index => "indexes",
        RelKind::PartitionedIndex => "partitioned indexes",
        RelKind::Sequence => "sequences",
        RelKind::View => "views",
        RelKind::Composite => "composite types",
        RelKind::Partitioned => "partitioned tables",
    };
    Error::new(state, text).detail(format!("This operation is not supported for {kinds}."))
}

/// Pushes a row.
pub fn push_row(fields: &[(&str, Oid, Value)], out: &mut Column) {
    let columns = fields.iter().map(|(name, ty, value)| (*name, *ty, value.datum()));
    let mut bytes = Vec::new();
    crate::types::record::build(TypeRef::of(oid::RECORD), columns, &mut bytes);
    out.push(Datum::Bytes(&bytes));
}

/// The pages of a table or of what is like one; None: the server makes up its rows.
pub fn table_store(cx: &mut ExecContext, oid: Oid) -> Result<Option<Arc<TableStore>>> {
    let relation = cx.backend()?.catalog.relation(oid)?;
    Ok(relation.filter(|r| r.generated_by.is_none()).and_then(|r| r.store.clone()))
}

/// An index by its OID.
pub fn index(cx: &mut ExecContext, c: &Class) -> Result<Option<Arc<Index>>> {
    let Some(table) = c.index.as_ref().map(|i| i.table) else { return Ok(None) };
    let of = cx.backend()?.catalog.relation(table)?;
    Ok(of.and_then(|r| r.indexes.iter().find(|i| i.oid == c.oid).cloned()))
}

/// How many pages a relation has.
pub fn page_count(cx: &mut ExecContext, found: &Found) -> Result<u32> {
    let Found::Stored(c) = found else { return Ok(0) };
    if !c.node.is_valid() {
        return Ok(0);
    }
    let file = cx.backend()?.catalog.file_of(c);
    let storage = cx.storage()?;
    storage.pool.nblocks(&storage.pool.open(file, Fork::Main, c.persistence))
}
