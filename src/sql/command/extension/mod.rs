//! CREATE, ALTER and DROP EXTENSION. PostgreSQL 15, extension.c: same refusals.
//!
//! PL/pgSQL is built in: it is there in every database, and cannot be changed.

mod alter;
mod create;
mod script;

pub use alter::{alter, set_schema};
pub use create::create;

use super::{drop, names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Extension, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{DropStmt, ObjectName};
use crate::sql::exec::ExecContext;

const PLPGSQL: &str = "plpgsql";
/// Its row, which initdb makes.
const PLPGSQL_OID: Oid = Oid(13559);

fn missing(name: &str) -> Error {
    err!(UNDEFINED_OBJECT, "extension \"{name}\" does not exist")
}

fn check_owner(cx: &mut ExecContext, owner: Oid, name: &str) -> Result<()> {
    match role::has_role(cx.backend()?, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of extension {name}")),
    }
}

/// The extension of this name, as an object that its owner may comment on.
pub fn owned(cx: &mut ExecContext, name: &str) -> Result<ObjectKey> {
    let (oid, owner) = match cx.backend()?.catalog.extension(name) {
        Some(e) => (e.oid, e.owner),
        None if name == PLPGSQL => (PLPGSQL_OID, fixed::BOOTSTRAP_SUPERUSER),
        None => return Err(missing(name)),
    };
    check_owner(cx, owner, name)?;
    Ok(ObjectKey::new(class::EXTENSION, oid))
}

/// One that is not built in, to be changed by its owner.
fn changeable(cx: &mut ExecContext, name: &str, what: &str) -> Result<Extension> {
    let key = owned(cx, name)?;
    let record = cx.backend()?.catalog.get(key);
    match record.as_ref().map(|r| &r.object) {
        Some(Object::Extension(e)) => Ok(e.clone()),
        _ => Err(Error::unsupported(format!("{what} of extension \"{name}\", which is built in, is not supported"))),
    }
}

pub fn drop(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let ObjectName::Name(name) = name else { return Err(Error::internal("an extension with an odd name").into()) };
        names::lock_name(cx, class::EXTENSION, Oid::INVALID, name.name())?;
        match changeable(cx, name.name(), "DROP") {
            Ok(e) => targets.push(ObjectKey::new(class::EXTENSION, e.oid)),
            Err(e) if stmt.missing_ok && e.sqlstate() == SqlState::UNDEFINED_OBJECT => {
                let text = format!("{}, skipping", e.message());
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
            }
            Err(e) => return Err(e.into()),
        }
    }
    if targets.is_empty() {
        return Ok(());
    }
    drop::remove(cx, targets, stmt.behavior)
}
