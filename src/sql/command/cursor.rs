//! DECLARE and CLOSE inside of a routine: the cursors are the session's.

use super::{Command, explain};
use crate::base::{Error, Flow, Result};
use crate::err;
use crate::sql::ast::{CommonTable, DeclareCursorStmt, Stmt};
use crate::sql::exec::ExecContext;
use crate::sql::plpgsql::open_cursor;
use crate::sql::routine::cursor::{CursorFacts, reads_backward};
use crate::sql::routine::query::QueryRun;

/// # Errors
/// 42P03 for a name that is taken, and the query's own.
pub(super) fn declare(cmd: &Command, cx: &mut ExecContext, stmt: &DeclareCursorStmt) -> Flow<String> {
    if cx.routines.cursors.contains_key(&stmt.name) {
        return Err(duplicate(&stmt.name).into());
    }
    let plan = explain::plan_query(cmd, cx, &Stmt::Select(Box::new(stmt.query.clone())))?;
    check_declaration(stmt)?;
    let facts = CursorFacts {
        statement: cmd.text.clone(),
        scroll: stmt.scroll.unwrap_or_else(|| reads_backward(&plan)),
        hold: stmt.hold,
        binary: stmt.binary,
        created_us: cx.fx.statement_us + crate::base::clock::POSTGRES_EPOCH_US,
    };
    let run = Box::new(QueryRun::new(plan.into(), cmd.params.clone(), None));
    open_cursor(cx, stmt.name.clone(), run, facts)?;
    Ok("DECLARE CURSOR".into())
}

/// What DECLARE refuses. PostgreSQL 15, analyze.c, transformDeclareCursorStmt.
///
/// # Errors
/// 0A000, 42P11.
pub fn check_declaration(stmt: &DeclareCursorStmt) -> Result<()> {
    let changes = |t: &CommonTable| !matches!(t.query, Stmt::Select(_));
    if stmt.query.with.as_ref().is_some_and(|w| w.ctes.iter().any(changes)) {
        return Err(Error::unsupported("DECLARE CURSOR must not contain data-modifying statements in WITH"));
    }
    let Some(locking) = stmt.query.locking.first() else { return Ok(()) };
    let clause = locking.strength.clause();
    if stmt.hold {
        return Err(Error::unsupported(format!("DECLARE CURSOR WITH HOLD ... {clause} is not supported"))
            .detail("Holdable cursors must be READ ONLY."));
    }
    if stmt.scroll == Some(true) {
        return Err(Error::unsupported(format!("DECLARE SCROLL CURSOR ... {clause} is not supported"))
            .detail("Scrollable cursors must be READ ONLY."));
    }
    if stmt.insensitive == Some(true) {
        return Err(err!(INVALID_CURSOR_DEFINITION, "DECLARE INSENSITIVE CURSOR ... {clause} is not valid")
            .detail("Insensitive cursors must be READ ONLY."));
    }
    Ok(())
}

/// The name is taken.
pub fn duplicate(name: &str) -> Error {
    err!(DUPLICATE_CURSOR, "cursor \"{name}\" already exists")
}
