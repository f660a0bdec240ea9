//! Expressions over a column whose type changes: CHECKs, and the columns and conditions of indexes.

use super::index::bind_text;
use super::stored_text;
use super::write::{attributes_read, class_of, columns_only, put};
use crate::base::{Oid, Result};
use crate::catalog::{Object, Relation};
use crate::sql::bind::scope::Clause;
use crate::sql::exec::ExecContext;
use crate::sql::exec::system::define::Look;
use std::sync::Arc;

/// Writes the stored expressions that read a column out with the types they have now, before it gets another one: what
/// was compared as double precision goes on being compared so. PostgreSQL 15, tablecmds.c, ATExecAlterColumnType: same,
/// since the definitions it makes anew are taken before the change.
pub fn keep_types(cx: &mut ExecContext, table: Oid, attno: i16) -> Result<()> {
    let mut c = class_of(cx, table)?;
    let rel = columns_only(table, &c.name, &c.attributes);
    let mut changed = false;
    for k in &mut c.constraints {
        changed |= keep_one(cx, &rel, attno, k.check.as_mut(), Clause::Check)?;
    }
    if changed {
        put(cx, Object::Class(c))?;
    }
    for index in cx.backend()?.catalog.indexes_of(table) {
        let mut i = class_of(cx, index)?;
        let Some(def) = &mut i.index else { continue };
        let mut changed = keep_one(cx, &rel, attno, def.predicate.as_mut(), Clause::IndexPredicate)?;
        for k in &mut def.columns {
            changed |= keep_one(cx, &rel, attno, k.expr.as_mut(), Clause::IndexExpression)?;
        }
        if changed {
            put(cx, Object::Class(i))?;
        }
    }
    Ok(())
}

fn keep_one(
    cx: &mut ExecContext,
    rel: &Arc<Relation>,
    attno: i16,
    text: Option<&mut Arc<str>>,
    clause: Clause,
) -> Result<bool> {
    let Some(text) = text else { return Ok(false) };
    if !attributes_read(&bind_text(cx, text, rel, clause)?).contains(&attno) {
        return Ok(false);
    }
    let catalog = cx.backend()?.catalog.clone();
    let shown = Look { catalog: &catalog, io: &cx.fx.io, pretty: false, width: 0 }.expression(rel.oid, text);
    let kept = stored_text::text_of(cx, &stored_text::parse(&shown)?, None)?;
    Ok(std::mem::replace(text, kept.clone()) != kept)
}
