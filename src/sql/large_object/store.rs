//! The two tables, and statements on them.

use super::CLASS;
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::object::{Class, fixed};
use crate::catalog::{IndexColumn, Object, Persistence, RelKind};
use crate::heap::TupleDesc;
use crate::lock::{LockMode, LockTag};
use crate::mvcc::Snapshot;
use crate::sql::bind::{self, BindContext};
use crate::sql::command::{NewIndex, create_index, create_table_files, new_oid, put};
use crate::sql::exec::ExecContext;
use crate::sql::exec::after_row::Nested;
use crate::sql::exec::patiently;
use crate::sql::plan::{self, PlannedStatement};
use crate::types::{Batch, TypeRef, Value, oid};
use hashbrown::HashMap;
use std::sync::Arc;

const PAGES: &str = "pg_largeobject";
const OBJECTS: &str = "pg_largeobject_metadata";

/// Plans of the statements here, as long as the catalogs stay the same.
#[derive(Default)]
pub struct Statements {
    known: HashMap<&'static str, (crate::catalog::Generation, Arc<PlannedStatement>)>,
}

/// Whether a relation is one of the two tables, or an index of theirs.
pub fn is_store(c: &Class) -> bool {
    c.namespace == fixed::PG_TOAST && c.name.starts_with(PAGES)
}

fn find(cx: &mut ExecContext, name: &str) -> Result<Option<Oid>> {
    Ok(cx.backend()?.catalog.class_in(fixed::PG_TOAST, name))
}

/// Locks the two tables; false: no large object was ever made here.
pub(super) fn lock(cx: &mut ExecContext, mode: LockMode) -> Flow<bool> {
    let (Some(pages), Some(objects)) = (find(cx, PAGES)?, find(cx, OBJECTS)?) else { return Ok(false) };
    let txn = &mut cx.backend()?.txn;
    txn.lock_relation(objects, mode)?;
    txn.lock_relation(pages, mode)?;
    Ok(true)
}

/// Locks one object until the transaction ends.
pub(super) fn lock_object(cx: &mut ExecContext, object: Oid, mode: LockMode) -> Flow<()> {
    let backend = cx.backend()?;
    let tag = LockTag::Object { db: backend.database, class: CLASS, oid: object };
    backend.txn.lock(tag, mode)?;
    Ok(())
}

/// Makes the two tables unless they are there, and locks them for changes.
pub(super) fn prepare(cx: &mut ExecContext) -> Flow<()> {
    if !lock(cx, LockMode::RowExclusive)? {
        lock_object(cx, Oid::INVALID, LockMode::Exclusive)?;
        if find(cx, PAGES)?.is_none() {
            let columns = [("oid", oid::OID), ("owner", oid::OID), ("acl", oid::TEXT_ARRAY)];
            make(cx, OBJECTS, &columns, 1)?;
            make(cx, PAGES, &[("loid", oid::OID), ("pageno", oid::INT4), ("data", oid::BYTEA)], 2)?;
        }
        lock(cx, LockMode::RowExclusive)?;
    }
    Ok(())
}

/// Makes one of the tables with its unique index over the first columns.
fn make(cx: &mut ExecContext, name: &str, columns: &[(&str, Oid)], keys: usize) -> Result<()> {
    let table = new_oid(cx)?;
    let attributes: Vec<_> =
        (1..).zip(columns).map(|(n, (name, ty))| crate::catalog::Attribute::new(name, n, TypeRef::of(*ty))).collect();
    let catalog = cx.backend()?.catalog.clone();
    let desc: TupleDesc = crate::catalog::tuple_desc(&catalog, &attributes);
    let mut c = crate::catalog::object::Class::new(
        table,
        name.to_string(),
        fixed::PG_TOAST,
        RelKind::Table,
        Persistence::Permanent,
        fixed::BOOTSTRAP_SUPERUSER,
    );
    c.node = create_table_files(cx.backend()?, table, desc)?.node;
    c.attributes = attributes;
    put(cx, Object::Class(c))?;
    cx.backend()?.txn.next_command();
    let relation = cx.backend()?.catalog.relation(table)?;
    let relation = relation.ok_or_else(|| Error::internal("the table made is not there"))?;
    let key = |(attno, (name, ty)): (i16, &(&str, Oid))| IndexColumn {
        attno,
        expr: None,
        ty: TypeRef::of(*ty),
        desc: false,
        nulls_first: false,
        opclass: Oid::INVALID,
        collation: Oid::INVALID,
        derived: Oid::INVALID,
        order: String::new(),
        options: Vec::new(),
        name: name.to_string(),
    };
    let columns = (1..).zip(&columns[..keys]).map(key).collect();
    create_index(cx, &relation, NewIndex::unique(format!("{name}_index"), columns))?;
    cx.backend()?.txn.next_command();
    Ok(())
}

/// Binds and plans a statement on the tables. They are found by their index, whatever statistics say.
fn planned(cx: &mut ExecContext, text: &'static str, params: &[TypeRef]) -> Result<Arc<PlannedStatement>> {
    let catalog = cx.backend()?.catalog.clone();
    let generation = catalog.generation();
    if let Some((of, plan)) = cx.backend()?.large_objects.statements.known.get(text)
        && *of == generation
        && plan.is_current(&catalog)
    {
        return Ok(plan.clone());
    }
    let raw = crate::sql::parse::parse(text)?.pop().ok_or_else(|| Error::internal("an empty statement"))?;
    let mut bcx = BindContext { names: &*catalog, io: &cx.fx.io, text, params: params.to_vec(), infer_params: false };
    let query = bind::bind_unsecured(&mut bcx, &raw.stmt)?;
    let settings = plan::PlannerSettings { enable_seqscan: false, ..Default::default() };
    let context = plan::PlanContext { names: &*catalog, io: &cx.fx.io, settings: &settings, params };
    let plan = Arc::new(plan::plan(query, &context)?);
    cx.backend()?.large_objects.statements.known.insert(text, (generation, plan.clone()));
    Ok(plan)
}

/// Runs a statement on the tables, which are locked (LO-1).
pub(super) fn run(
    cx: &mut ExecContext,
    text: &'static str,
    params: Vec<(Oid, Value)>,
    snapshot: Option<&Snapshot>,
) -> Result<Vec<Batch>> {
    let (types, values): (Vec<TypeRef>, Vec<Value>) = params.into_iter().map(|(t, v)| (TypeRef::of(t), v)).unzip();
    let plan = planned(cx, text, &types)?;
    let txn = &mut cx.backend()?.txn;
    let snapshot = match snapshot {
        Some(s) => s.clone(),
        None => {
            txn.next_command();
            txn.latest_snapshot()
        }
    };
    let mut nested = Nested::start(cx, plan, values.into(), snapshot, None)?;
    let mut found = Vec::new();
    while let Some(batch) = patiently(cx, |cx| nested.next(cx))? {
        found.push(batch);
    }
    cx.backend()?.txn.next_command();
    Ok(found)
}
