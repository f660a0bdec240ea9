//! LOCK TABLE.

use super::names;
use crate::base::Flow;
use crate::err;
use crate::lock::{LockMode, LockTag, Scope};
use crate::sql::ast::LockStmt;
use crate::sql::exec::ExecContext;

pub fn run(cx: &mut ExecContext, stmt: &LockStmt) -> Flow<String> {
    let backend = cx.backend()?;
    if !backend.in_block {
        return Err(err!(NO_ACTIVE_SQL_TRANSACTION, "LOCK TABLE can only be used in transaction blocks").into());
    }
    let mode = LockMode::ALL[stmt.mode as usize - 1];
    for table in &stmt.tables {
        let relation = names::relation(cx, table)?;
        let backend = cx.backend()?;
        if stmt.nowait {
            let tag = LockTag::Relation { db: backend.database, rel: relation.oid };
            let storage = backend.instance.storage.clone();
            if storage.locks.try_acquire(&mut backend.txn.held, tag, mode, Scope::Transaction).is_none() {
                return Err(err!(LOCK_NOT_AVAILABLE, "could not obtain lock on relation \"{}\"", table.joined()).into());
            }
        } else {
            backend.txn.lock_relation(relation.oid, mode)?;
        }
    }
    Ok("LOCK TABLE".into())
}
