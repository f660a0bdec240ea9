//! CREATE EXTENSION: PL/pgSQL is built in, and there is no other.

use super::names;
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::ast::CreateExtensionStmt;
use crate::sql::exec::ExecContext;

pub fn create(cx: &mut ExecContext, stmt: &CreateExtensionStmt) -> Result<String> {
    if stmt.name != "plpgsql" {
        return Err(err!(FEATURE_NOT_SUPPORTED, "extension \"{}\" is not available", stmt.name)
            .hint("The extension must first be installed on the system where PostgreSQL is running."));
    }
    let text = format!("extension \"{}\" already exists", stmt.name);
    if !stmt.if_not_exists {
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
    }
    names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
    Ok("CREATE EXTENSION".into())
}
