//! CREATE SCHEMA, and who may create in one.

use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Object;
use crate::catalog::object::{Namespace, class};
use crate::err;
use crate::sql::Backend;
use crate::sql::ast::CreateSchemaStmt;
use crate::sql::exec::ExecContext;

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateSchemaStmt) -> Flow<String> {
    let owner = match &stmt.owner {
        Some(spec) => role::resolve(cx.backend()?, spec)?,
        None => {
            let backend = cx.backend()?;
            (backend.user.current, backend.user.current_name.clone())
        }
    };
    let name = stmt.name.clone().unwrap_or_else(|| owner.1.clone());
    if name.starts_with("pg_") {
        return Err(err!(RESERVED_NAME, "unacceptable schema name \"{name}\"")
            .detail("The prefix \"pg_\" is reserved for system schemas.")
            .into());
    }
    names::lock_name(cx, class::NAMESPACE, Oid::INVALID, &name)?;
    let backend = cx.backend()?;
    if backend.catalog.namespace_by_name(&name).is_some() {
        let text = format!("schema \"{name}\" already exists");
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_SCHEMA, format!("{text}, skipping"));
            return Ok("CREATE SCHEMA".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_SCHEMA, text).into());
    }
    if !stmt.elements.is_empty() {
        return Err(Error::unsupported("CREATE SCHEMA with elements is not supported; create them one by one").into());
    }
    let _ = cmd;
    let oid = backend.instance.cluster.new_oid();
    let writer = backend.writer();
    let acl = super::default_acl::for_new(backend, crate::sql::ast::ObjectType::Schema, owner.0, Oid::INVALID);
    let object = Namespace { oid, name, owner: owner.0, acl, temp_of: None };
    backend.catalog.put(writer, Object::Namespace(object))?;
    Ok("CREATE SCHEMA".into())
}

/// # Errors
/// 42501 `permission denied for schema s`.
pub fn may_create_in(backend: &Backend, namespace: Oid) -> Result<()> {
    let Some(n) = backend.catalog.namespace(namespace) else { return Ok(()) };
    if role::has_role(backend, n.owner) || role::acl_allows(backend, n.acl.as_deref(), 'C') {
        return Ok(());
    }
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, format!("permission denied for schema {}", n.name)).place(
        "aclcheck_error",
        "aclchk.c",
        3512,
    ))
}
