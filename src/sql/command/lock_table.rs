//! LOCK TABLE. PostgreSQL 15, lockcmds.c: a table is locked with its children, a view with what it reads.

use super::{Command, names};
use crate::base::{Flow, Oid, Result};
use crate::catalog::{RelKind, Relation};
use crate::err;
use crate::lock::{LockMode, LockTag, Scope};
use crate::sql::ast::LockStmt;
use crate::sql::bind::{self, Query, Source};
use crate::sql::exec::{ExecContext, rights};
use crate::sql::expr::{Expr, ExprKind};
use std::sync::Arc;

pub fn run(cmd: &Command, cx: &mut ExecContext, stmt: &LockStmt) -> Flow<String> {
    let backend = cx.backend()?;
    if !backend.in_block {
        return Err(err!(NO_ACTIVE_SQL_TRANSACTION, "LOCK TABLE can only be used in transaction blocks").into());
    }
    let mode = LockMode::ALL[stmt.mode as usize - 1];
    for table in &stmt.tables {
        let relation = names::relation(cx, table)?;
        if !matches!(relation.kind, RelKind::Table | RelKind::Partitioned | RelKind::View) {
            let detail = format!("This operation is not supported for {}.", names::kind_words(relation.kind));
            return Err(err!(WRONG_OBJECT_TYPE, "cannot lock relation \"{}\"", relation.name).detail(detail).into());
        }
        check(cx, &relation, None, mode)?;
        let relation = match stmt.nowait {
            true => {
                take(cx, relation.oid, &relation.name, mode, true)?;
                relation
            }
            false => names::locked_relation(cmd, cx, table, mode)?,
        };
        if relation.kind == RelKind::View {
            behind_view(cx, &relation, mode, stmt.nowait)?;
        } else if table.inherit {
            children(cx, relation.oid, mode, stmt.nowait)?;
        }
    }
    Ok("LOCK TABLE".into())
}

/// # Errors
/// 42501 for who may do nothing with a table that the lock would keep others from; 55P03 where another one has it.
fn check(cx: &mut ExecContext, relation: &Relation, by: Option<Oid>, mode: LockMode) -> Result<()> {
    let any_of = match mode {
        LockMode::AccessShare => "r",
        LockMode::RowExclusive => "awdD",
        _ => "wdD",
    };
    rights::check_any(cx.backend()?, relation, by, any_of)
}

fn take(cx: &mut ExecContext, oid: Oid, name: &str, mode: LockMode, nowait: bool) -> Flow<()> {
    let backend = cx.backend()?;
    if !nowait {
        backend.txn.lock_relation(oid, mode)?;
        return Ok(());
    }
    let tag = LockTag::Relation { db: backend.database, rel: oid };
    let storage = backend.instance.storage.clone();
    match storage.locks.try_acquire(&mut backend.txn.held, tag, mode, Scope::Transaction) {
        Some(_) => Ok(()),
        None => Err(err!(LOCK_NOT_AVAILABLE, "could not obtain lock on relation \"{name}\"").into()),
    }
}

/// Rights on a table are rights on its children.
fn children(cx: &mut ExecContext, oid: Oid, mode: LockMode, nowait: bool) -> Flow<()> {
    if !nowait {
        return super::inherit::descendants(cx, oid, mode).map(|_| ());
    }
    for child in super::inherit::all_below(cx, oid)? {
        if let Some(relation) = cx.backend()?.catalog.relation(child)? {
            take(cx, child, &relation.name, mode, true)?;
        }
    }
    Ok(())
}

/// A relation that a view reads.
struct Behind {
    relation: Arc<Relation>,
    /// Whose rights count; None: the current user's.
    by: Option<Oid>,
    inherit: bool,
}

fn behind_view(cx: &mut ExecContext, view: &Relation, mode: LockMode, nowait: bool) -> Flow<()> {
    let Some(definition) = &view.view else { return Ok(()) };
    let catalog = cx.backend()?.catalog.clone();
    let mut query = bind::view_query(definition, &*catalog, &cx.fx.io)?;
    let mut found = Vec::new();
    gather(&mut query, bind::reads_as(view), &mut found);
    for b in found {
        check(cx, &b.relation, b.by, mode)?;
        take(cx, b.relation.oid, &b.relation.name, mode, nowait)?;
        if b.inherit {
            children(cx, b.relation.oid, mode, nowait)?;
        }
    }
    Ok(())
}

/// The tables and views of a query at any depth, those a view reads behind it.
fn gather(query: &mut Query, by: Option<Oid>, found: &mut Vec<Behind>) {
    for rel in &mut query.rels {
        match (&rel.view, &mut rel.source) {
            (Some(view), Source::Subquery(inner)) => {
                let as_view = bind::reads_as(view);
                found.push(Behind { relation: view.clone(), by, inherit: false });
                gather(inner, as_view, found);
            }
            (_, Source::Table { rel, inherit, .. }) if matches!(rel.kind, RelKind::Table | RelKind::Partitioned) => {
                found.push(Behind { relation: rel.clone(), by, inherit: *inherit });
            }
            _ => {}
        }
    }
    query.for_each_written_query_mut(&mut |q| gather(q, by, found));
    query.for_each_expr_mut(&mut |e| of_expr(e, by, found));
}

fn of_expr(e: &mut Expr, by: Option<Oid>, found: &mut Vec<Behind>) {
    if let ExprKind::SubLink(link) = &mut e.kind {
        gather(&mut link.query, by, found);
    }
    e.for_each_child_mut(&mut |c| of_expr(c, by, found));
}
