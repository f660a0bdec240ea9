//! WHERE CURRENT OF: where the row lies that a cursor stands on. PostgreSQL 15, execCurrent.c, execCurrentOf.

use super::SystemFn;
use crate::base::{Error, Flow, Oid, Result, TupleId};
use crate::err;
use crate::heap::{latest, tid_bytes, tid_from_bytes};
use crate::sql::exec::ExecContext;
use crate::sql::plan::identify::Identity;
use crate::sql::routine::cursor::{Cursor, missing};
use crate::types::{Column, Datum};

pub(super) fn find(src: &str) -> Option<SystemFn> {
    (src == "current_of").then_some(current_of as SystemFn)
}

fn current_of(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (name, table) = (args[0].str(), Oid(args[1].u32()));
    let rel = cx.backend()?.catalog.relation(table)?.ok_or_else(|| Error::internal("a table is missing"))?;
    let cursor = cx.routines.cursors.get(name).ok_or_else(|| missing(name))?;
    let Some(tid) = place(cursor, name, table, &rel.name)? else {
        out.push_null();
        return Ok(());
    };
    let Some(store) = rel.store.clone() else { return Err(Error::internal("a table without rows").into()) };
    let (snapshot, storage) = (cx.snapshot()?, cx.storage()?);
    out.push(Datum::Bytes(&tid_bytes(latest(&storage, &store, &snapshot, tid)?)));
    Ok(())
}

/// None: the row stands in another table.
fn place(cursor: &Cursor, name: &str, table: Oid, rel: &str) -> Result<Option<TupleId>> {
    if cursor.plan().tag != "SELECT" {
        return Err(err!(INVALID_CURSOR_STATE, "cursor \"{name}\" is not a SELECT query"));
    }
    if cursor.held {
        return Err(err!(INVALID_CURSOR_STATE, "cursor \"{name}\" is held from a previous transaction"));
    }
    let Some((batch, at)) = cursor.identities(cursor.position) else {
        identity(cursor.identified(), name, table, rel)?;
        return Err(err!(INVALID_CURSOR_STATE, "cursor \"{name}\" is not positioned on a row"));
    };
    let id = identity(cursor.identified(), name, table, rel)?;
    let first = cursor.plan().plan.columns.len();
    let value = |column: usize| batch.columns[column - first].get(at);
    if let Some(column) = id.tableoid
        && value(column) != Datum::U32(table.0)
    {
        return Ok(None);
    }
    Ok(match value(id.ctid) {
        Datum::Bytes(b) => tid_from_bytes(b),
        _ => None,
    })
}

fn identity<'a>(known: &'a [Identity], name: &str, table: Oid, rel: &str) -> Result<&'a Identity> {
    let mut of_table = known.iter().filter(|id| id.tables.contains(&table));
    let (found, again) = (of_table.next(), of_table.next());
    let text = match (known.iter().any(|id| id.locked), found, again) {
        (_, Some(id), None) => return Ok(id),
        (true, Some(_), _) => {
            format!("cursor \"{name}\" has multiple FOR UPDATE/SHARE references to table \"{rel}\"")
        }
        (true, None, _) => {
            format!("cursor \"{name}\" does not have a FOR UPDATE/SHARE reference to table \"{rel}\"")
        }
        (false, ..) => format!("cursor \"{name}\" is not a simply updatable scan of table \"{rel}\""),
    };
    Err(err!(INVALID_CURSOR_STATE, "{text}"))
}
