//! DROP FUNCTION, PROCEDURE and ROUTINE.

use super::find::{find, find_builtin, owned, word};
use crate::base::{Error, Flow, Result, SqlState};
use crate::catalog::ObjectKey;
use crate::catalog::object::class;
use crate::err;
use crate::sql::ast::{DropStmt, FuncParam, FuncSignature, ObjectName, ObjectType, ParamMode};
use crate::sql::command::{Command, absent, drop, names};
use crate::sql::exec::ExecContext;
use crate::sql::func::FuncDef;

/// What the notice says of a routine that is not there: the types as they were written.
pub(super) fn skipped(object: ObjectType, sig: &FuncSignature, e: &Error) -> String {
    if e.sqlstate() != SqlState::UNDEFINED_FUNCTION {
        return e.message().to_owned();
    }
    let one = |p: &FuncParam| p.typ.names.join(".") + &"[]".repeat(p.typ.array_bounds.len());
    let inputs = sig.args.iter().flatten().filter(|p| !matches!(p.mode, ParamMode::Out | ParamMode::Table));
    let types: Vec<String> = inputs.map(one).collect();
    format!("{} {}({}) does not exist", word(object), sig.name.joined(), types.join(","))
}

/// Nobody drops what is built in.
fn refuse_builtin(cx: &mut ExecContext, f: &FuncDef) -> Result<Error> {
    if !cx.backend()?.user.is_superuser {
        return Ok(err!(INSUFFICIENT_PRIVILEGE, "must be owner of function {}", f.name));
    }
    Ok(absent::required(&drop::describe(cx, ObjectKey::new(class::PROC, f.oid))?))
}

/// DROP FUNCTION, PROCEDURE, ROUTINE, AGGREGATE.
pub fn drop_routines(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Function(sig) = name else {
            return Err(Error::internal("DROP of a routine with an odd name").into());
        };
        match find(cmd, cx, stmt.object, sig)? {
            Ok(f) => {
                if f.kind == 'a' && stmt.object == ObjectType::Function {
                    return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is an aggregate function", sig.name.joined())
                        .hint("Use DROP AGGREGATE to drop aggregate functions.")
                        .into());
                }
                owned(cx, &f)?;
                names::lock_name(cx, class::PROC, f.namespace, &f.name)?;
                targets.push(ObjectKey::new(class::PROC, f.oid));
            }
            Err(e)
                if e.sqlstate() == SqlState::UNDEFINED_FUNCTION
                    && let Some(f) = find_builtin(cmd, cx, stmt.object, sig)? =>
            {
                return Err(refuse_builtin(cx, f)?.into());
            }
            Err(e) if stmt.missing_ok => {
                let text = skipped(stmt.object, sig, &e);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            }
            Err(e) => return Err(e.into()),
        }
    }
    drop::remove(cx, targets, stmt.behavior)
}
