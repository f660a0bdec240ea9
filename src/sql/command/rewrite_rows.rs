//! Rewriting a table's rows under new columns: ALTER TABLE.

use super::index::{self, patiently};
use super::write::{change, class_of};
use super::{constraint, storage, table};
use crate::base::{Error, Oid, Result};
use crate::catalog::{Attribute, Persistence};
use crate::sql::exec::{ExecContext, Writer};
use crate::sql::expr::Expr;
use crate::sql::expr::eval::{Projection, Sel};
use crate::types::record::Reshape;
use crate::types::{Batch, Column, Datum, Phys};

/// What a rewrite makes of a table.
pub struct NewRows {
    pub attributes: Vec<Attribute>,
    /// 0-based attribute, and its value over the old attributes (`Column(n)` is old attribute n + 1).
    pub values: Vec<(usize, Expr)>,
    pub persistence: Persistence,
}

/// Writes all rows into new files (PostgreSQL 15, tablecmds.c, ATRewriteTable: same, rows are this transaction's).
/// The table is locked against everybody.
pub fn rewrite(cx: &mut ExecContext, oid: Oid, new: NewRows) -> Result<()> {
    rewrite_with(cx, oid, new, None)
}

/// Writes all rows into new files, the rows of a type inside them in the shape that it has now.
pub fn reshape(cx: &mut ExecContext, oid: Oid, shape: &Reshape) -> Result<()> {
    let c = class_of(cx, oid)?;
    let new = NewRows { attributes: c.attributes, values: Vec::new(), persistence: c.persistence };
    rewrite_with(cx, oid, new, Some(shape))
}

fn rewrite_with(cx: &mut ExecContext, oid: Oid, new: NewRows, shape: Option<&Reshape>) -> Result<()> {
    let old = constraint::relation(cx, oid)?;
    let catalog = cx.backend()?.catalog.clone();
    let desc = crate::catalog::tuple_desc(&catalog, &new.attributes);
    let forms: Vec<Phys> = desc.attrs.iter().map(|a| a.phys).collect();
    let large = super::declared::needs_toast(&new.attributes);
    let backend = cx.backend()?;
    let file = storage::create_table(backend, oid, new.persistence, desc)?;
    backend.txn.file_dropped(old.file, old.persistence);
    backend.txn.places_change(oid, oid);
    let mut c = class_of(cx, oid)?;
    c.persistence = new.persistence;
    // All rows are made anew.
    let oldest = cx.storage()?.mvcc.running().oldest.0;
    if c.toast.is_valid() {
        let toast = storage::create_toast(cx.backend()?, c.toast, new.persistence)?;
        let gone = class_of(cx, c.toast)?;
        let backend = cx.backend()?;
        backend.txn.file_dropped(backend.catalog.file_of(&gone), old.persistence);
        change(cx, c.toast, |t| {
            t.node = toast.node;
            t.frozen = t.frozen.max(oldest);
            t.persistence = new.persistence;
        })?;
    } else if large {
        c.toast = table::create_toast(cx, &c)?;
    }
    let toast = c.toast;
    let mut attributes = new.attributes;
    attributes.iter_mut().for_each(|a| a.missing = None);
    change(cx, oid, |c| {
        c.node = file.node;
        c.frozen = c.frozen.max(oldest);
        c.toast = toast;
        c.persistence = new.persistence;
        c.attributes = attributes;
    })?;
    for i in &old.indexes {
        change(cx, i.oid, |c| c.persistence = new.persistence)?;
    }
    copy_rows(cx, oid, &old, &forms, &new.values, shape)?;
    // What else the command does to the table sees the rows: checks them, or computes from them.
    cx.backend()?.txn.next_command();
    for i in &old.indexes {
        index::rebuild(cx, oid, i.oid)?;
    }
    Ok(())
}

fn copy_rows(
    cx: &mut ExecContext,
    oid: Oid,
    old: &crate::catalog::Relation,
    forms: &[Phys],
    values: &[(usize, Expr)],
    shape: Option<&Reshape>,
) -> Result<()> {
    let now = constraint::relation(cx, oid)?;
    let store = now.store.clone().ok_or_else(|| Error::internal("a table without rows"))?;
    let exprs: Vec<Expr> = values.iter().map(|v| v.1.clone()).collect();
    let mut projection = Projection::new(&exprs);
    constraint::each_batch(cx, old, &mut |cx, batch| {
        let mut computed = match exprs.is_empty() {
            true => Vec::new(),
            false => patiently(cx, |cx| projection.run(cx, batch, Sel::All(batch.rows)))?,
        };
        let mut columns = Vec::with_capacity(forms.len());
        for (n, form) in forms.iter().enumerate() {
            columns.push(match values.iter().position(|v| v.0 == n) {
                Some(at) => std::mem::replace(&mut computed[at], Column::new(*form)),
                None => match shape {
                    Some(shape) => reshaped(shape, old.attributes[n].ty.oid, &batch.columns[n]),
                    None => batch.columns[n].clone(),
                },
            });
        }
        let rows = Batch { columns, rows: batch.rows };
        let mut tids = Vec::new();
        patiently(cx, |cx| {
            let writer = Writer::for_rows(cx)?;
            crate::heap::insert(&writer.context(), &store, &rows, &mut tids)
        })
    })
}

fn reshaped(shape: &Reshape, typ: Oid, column: &Column) -> Column {
    if crate::types::phys(typ) != Phys::Bytes {
        return column.clone();
    }
    let mut out = Column::with_capacity(Phys::Bytes, column.len());
    for at in 0..column.len() {
        let value = column.get(at);
        out.push(shape.of(typ, value).as_deref().map_or(value, Datum::Bytes));
    }
    out
}
