//! ALTER FUNCTION, PROCEDURE and ROUTINE.

use super::create::same;
use super::find::{find, owned};
use super::options::{apply_settings, may_be_leakproof, options};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Object;
use crate::catalog::object::{Function, class};
use crate::err;
use crate::sql::ast::AlterFunctionStmt;
use crate::sql::command::write::put;
use crate::sql::command::{Command, names};
use crate::sql::exec::ExecContext;
use crate::sql::routine::shown;

/// # Errors
/// 42723 where a schema has such a function already.
pub fn check_free(cx: &mut ExecContext, f: &Function, namespace: Oid, name: &str) -> Result<()> {
    if same(cx, namespace, name, &f.inputs())?.is_none() {
        return Ok(());
    }
    let signature = shown::listed(&*cx.fx.io.hooks, name, &f.inputs());
    let schema = cx.backend()?.catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    // Whatever kind it is.
    Err(Error::new(SqlState::DUPLICATE_FUNCTION, format!("function {signature} already exists in schema \"{schema}\"")))
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterFunctionStmt) -> Flow<String> {
    let mut f = find(cmd, cx, stmt.object, &stmt.func)??;
    owned(cx, &f)?;
    if f.aggregate.is_some() {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", stmt.func.name.joined()).into());
    }
    names::lock_name(cx, class::PROC, f.namespace, &f.name)?;
    let o = options(cmd, &stmt.options, f.is_procedure())?;
    if o.rows.is_some() && !f.returns_set {
        return Err(err!(INVALID_PARAMETER_VALUE, "ROWS is not applicable when function does not return a set").into());
    }
    f.volatility = o.volatility.unwrap_or(f.volatility);
    f.strict = o.strict.unwrap_or(f.strict);
    f.security_definer = o.definer.unwrap_or(f.security_definer);
    may_be_leakproof(cx, &o)?;
    f.leakproof = o.leakproof.unwrap_or(f.leakproof);
    f.parallel = o.parallel.unwrap_or(f.parallel);
    f.cost = o.cost.unwrap_or(f.cost);
    f.rows = o.rows.unwrap_or(f.rows);
    let mut settings = std::mem::take(&mut f.settings);
    apply_settings(cx, &mut settings, &o.settings)?;
    f.settings = settings;
    put(cx, Object::Function(f))?;
    Ok(cmd.stmt.tag().into())
}
