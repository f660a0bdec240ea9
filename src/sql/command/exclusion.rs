//! EXCLUDE: an index, and operators that must not hold between any two rows. PostgreSQL 15, parse_utilcmd.c,
//! transformIndexConstraint, and indexcmds.c.

use super::constraint::{Wanted, refuse_taken, relation};
use super::index::{self, NewIndex, patiently};
use super::write::{change, class_of, new_oid};
use super::{Command, names, reloptions};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::relation::IndexColumn;
use crate::catalog::{Constraint, ConstraintKind, Index, IndexMethod, Relation};
use crate::err;
use crate::heap::HeapScan;
use crate::sql::ast::{ExcludeConstraint, OperName};
use crate::sql::bind::find_operator_in;
use crate::sql::exec::exclusion::{Exclusion, Met};
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::expr::eval::Sel;
use crate::sql::func::OperDef;
use crate::types::{self, Batch, Datum, TypeRef};
use std::sync::Arc;

/// The attribute number of a row's address.
const CTID: i16 = -1;

/// Adds the constraint to a table this transaction has locked; rows there are checked.
pub fn add(cmd: &Command, cx: &mut ExecContext, table: Oid, w: &Wanted, e: &ExcludeConstraint) -> Result<()> {
    let rel = relation(cx, table)?;
    if rel.is_partitioned() {
        let text = "exclusion constraints are not supported on partitioned tables";
        return Err(Error::unsupported(text).at(cmd.at(w.pos)));
    }
    let method = index::method(e.method.as_deref().unwrap_or("btree"))?;
    if matches!(method, IndexMethod::Gin | IndexMethod::Brin) {
        let text = format!("access method \"{}\" does not support exclusion constraints", method.name());
        return Err(Error::unsupported(text));
    }
    index::refuse_elements(method, e.elems.iter().map(|(c, _)| c), !e.including.is_empty())?;
    let keys = e.elems.iter().map(|(c, _)| index::index_element_name(c).to_string());
    let parts = index::distinct_names(keys.chain(e.including.iter().cloned()));
    let mut columns = Vec::new();
    let mut operators = Vec::new();
    for ((element, op), name) in e.elems.iter().zip(&parts) {
        if let Some(name) = element.name.as_ref().filter(|n| rel.attribute(n).is_none()) {
            return Err(err!(UNDEFINED_COLUMN, "column \"{name}\" named in key does not exist"));
        }
        let column = index::column(cmd, cx, &rel, element, name, method)?;
        operators.push(operator(cx, op, &column, method)?);
        columns.push(column);
    }
    let key_columns = columns.len();
    for name in &e.including {
        let found = index::key_column(cx, &rel, name)?;
        columns.push(found.ok_or_else(|| err!(UNDEFINED_COLUMN, "column \"{name}\" named in key does not exist"))?);
    }
    let predicate = match &e.filter {
        Some(filter) => Some(index::predicate(cmd, cx, &rel, filter)?),
        None => None,
    };
    let tablespace =
        super::tablespace::place(cx, e.tablespace.as_deref(), Oid::INVALID, rel.persistence, rel.is_partitioned())?;
    let options = reloptions::merge(cmd, reloptions::On::Index(method), &[], &e.options)?;
    let new = NewIndex {
        name: String::new(),
        unique: false,
        primary: false,
        nulls_not_distinct: false,
        columns,
        key_columns,
        predicate,
        options,
        constraint: Oid::INVALID,
        parent: Oid::INVALID,
        only: true,
        method,
        exclusion: operators,
        tablespace,
    };
    make(cx, &rel, w.name.as_deref(), &parts, new, (w.deferrable, w.deferred)).map(drop)
}

/// The constraint again, on a table that is made like another one. The OID of its index.
pub fn like(cx: &mut ExecContext, table: Oid, source: &Relation, i: &Index, k: &Constraint) -> Result<Oid> {
    let rel = relation(cx, table)?;
    let mut columns = i.columns.clone();
    for c in &mut columns {
        let name = source.attributes.get((c.attno as usize).wrapping_sub(1)).map(|a| a.name.as_str());
        if let Some(a) = name.and_then(|n| rel.attribute(n)) {
            c.attno = a.attno;
        }
    }
    let parts = index::distinct_names(columns.iter().map(|c| c.name.clone()));
    let there = class_of(cx, i.oid)?.tablespace;
    let tablespace = super::tablespace::place(cx, None, there, rel.persistence, rel.is_partitioned())?;
    let new = NewIndex {
        name: String::new(),
        unique: false,
        primary: false,
        nulls_not_distinct: false,
        columns,
        key_columns: i.key_columns,
        predicate: i.predicate.clone(),
        options: i.options.clone(),
        constraint: Oid::INVALID,
        parent: Oid::INVALID,
        only: true,
        method: i.method,
        exclusion: i.exclusion.clone(),
        tablespace,
    };
    make(cx, &rel, None, &parts, new, (k.deferrable, k.deferred))
}

fn make(
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    name: Option<&str>,
    parts: &[String],
    new: NewIndex,
    (deferrable, deferred): (bool, bool),
) -> Result<Oid> {
    let name = match name {
        Some(name) => {
            super::table::exists(cx, rel.namespace, name, false)?;
            refuse_taken(&rel.constraints, name, &rel.name)?;
            name.to_owned()
        }
        None => names::choose(cx, rel.namespace, &rel.name, &parts.join("_"), "excl", names::For::Constraint)?,
    };
    let constraint = new_oid(cx)?;
    let attnos = new.columns[..new.key_columns].iter().map(|c| c.attno).collect();
    let new = NewIndex { name: name.clone(), constraint, ..new };
    let index = index::create_object(cx, rel, new)?;
    let made = Constraint {
        oid: constraint,
        name,
        kind: ConstraintKind::Exclude,
        columns: attnos,
        check: None,
        index,
        foreign: None,
        deferrable,
        deferred,
        validated: true,
        inherited: 0,
        local: true,
        no_inherit: false,
        parent: Oid::INVALID,
    };
    change(cx, rel.oid, |c| c.constraints.push(made))?;
    check_rows(cx, rel.oid, index)?;
    Ok(index)
}

/// The operator of a column, which must be one of its class.
fn operator(cx: &mut ExecContext, name: &OperName, column: &IndexColumn, method: IndexMethod) -> Result<Oid> {
    let ty = types::base_type(column.ty.oid);
    let found = find_operator_in(name.schema.as_deref(), &name.name, Some(ty), ty).ok().flatten();
    let shown = |o: &OperDef, cx: &ExecContext| {
        let ty = |t| types::format_type_plain(t, &*cx.fx.io.hooks);
        format!("{}({},{})", o.name, ty(o.left), ty(o.right))
    };
    let Some(op) = found else {
        let ty = types::format_type_plain(ty, &*cx.fx.io.hooks);
        return Err(err!(UNDEFINED_FUNCTION, "operator does not exist: {ty} {} {ty}", name.name).hint(
            "No operator matches the given name and argument types. You might need to add explicit type casts.",
        ));
    };
    if op.commutator != op.oid {
        let text = format!("operator {} is not commutative", shown(op, cx));
        return Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text)
            .detail("Only commutative operators can be used in exclusion constraints."));
    }
    let member = match method {
        IndexMethod::Gist => {
            crate::gist::Family::of(column.opclass, column.ty.oid).is_some_and(|f| f.strategy(op.oid).is_some())
        }
        _ => op.name == "=" && index::check_class(cx, TypeRef::of(op.left), method).is_ok(),
    };
    if member {
        return Ok(op.oid);
    }
    let family = match cx.backend()?.catalog.opclass(column.opclass) {
        Some(own) => own.name,
        None => system_view::family_name(method, column.opclass, column.ty.oid),
    };
    let text = format!("operator {} is not a member of operator family \"{family}\"", shown(op, cx));
    Err(Error::new(SqlState::WRONG_OBJECT_TYPE, text)
        .detail("The exclusion operator must be related to the index operator class for the constraint."))
}

/// PostgreSQL 15, index.c, IndexCheckExclusion.
///
/// # Errors
/// 23P01 for two rows in each other's way.
pub fn check_rows(cx: &mut ExecContext, table: Oid, index: Oid) -> Result<()> {
    cx.backend()?.txn.next_command();
    let rel = relation(cx, table)?;
    let Some(index) = rel.indexes.iter().find(|i| i.oid == index).cloned() else { return Ok(()) };
    let store = rel.store.clone().ok_or_else(|| Error::internal("a table without rows"))?;
    let storage = cx.storage()?;
    if store.nblocks(&storage)? == 0 {
        return Ok(());
    }
    let width = rel.attributes.len();
    let attnos: Vec<i16> = (1..=width as i16).chain([CTID]).collect();
    let mut check = Exclusion::new(cx, &rel, &index)?;
    let snapshot = cx.backend()?.txn.latest_snapshot();
    let mut scan = HeapScan::new(store, snapshot, attnos);
    let mut more = true;
    while more {
        cx.interrupts.check()?;
        let mut batch = Batch::default();
        more = scan.next(&storage, &mut batch)?;
        let picked = patiently(cx, |cx| check.rows(cx, &batch))?;
        if picked.is_empty() {
            continue;
        }
        let values = patiently(cx, |cx| check.values(cx, &batch, Sel::Rows(&picked)))?;
        for (n, row) in picked.iter().enumerate() {
            let own = match batch.columns[width].get(*row as usize) {
                Datum::Bytes(b) => Some(types::tid::from_bytes(b)),
                _ => None,
            };
            if let Met::Row(_, existing) = patiently(cx, |cx| check.look(cx, &values, n, own))? {
                return Err(check.impossible(cx, &values, n, &existing));
            }
        }
    }
    Ok(())
}
