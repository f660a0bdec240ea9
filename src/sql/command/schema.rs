//! CREATE SCHEMA, and who may create in one.

use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::Object;
use crate::catalog::object::{Namespace, class};
use crate::err;
use crate::settings::Lasting;
use crate::sql::Backend;
use crate::sql::ast::{CreateSchemaStmt, Stmt};
use crate::sql::exec::ExecContext;
use std::collections::VecDeque;
use std::sync::Arc;

/// How far the elements of a new schema are.
struct Elements {
    schema: String,
    left: VecDeque<Stmt>,
    command: Option<Box<Command>>,
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateSchemaStmt) -> Flow<String> {
    if cmd.progress.is_none() {
        let Some(schema) = make(cx, stmt)? else { return Ok("CREATE SCHEMA".into()) };
        let left = in_order(&stmt.elements, &schema)?;
        cmd.progress = Some(Box::new(Elements { schema, left, command: None }));
    }
    let (source, text) = (cmd.source.clone(), cmd.text.clone());
    let taken = cmd.progress.take().and_then(|p| p.downcast::<Elements>().ok());
    let mut elements = taken.ok_or_else(|| Error::internal("CREATE SCHEMA lost its progress"))?;
    let done = elements.run(cx, &source, &text);
    cmd.progress = Some(elements);
    done?;
    Ok("CREATE SCHEMA".into())
}

/// The elements with their schema, in the order in which they may need one another (PostgreSQL 15, parse_utilcmd.c,
/// transformCreateSchemaStmt).
///
/// # Errors
/// 42P15 for one of another schema.
fn in_order(elements: &[Stmt], schema: &str) -> Result<VecDeque<Stmt>> {
    let mut sorted: Vec<(u8, Stmt)> = Vec::new();
    for element in elements {
        let mut element = element.clone();
        let (rank, name) = match &mut element {
            Stmt::CreateSequence(s) => (0, Some(&mut s.sequence)),
            Stmt::CreateTable(s) => (1, Some(&mut s.table)),
            Stmt::CreateView(s) => (2, Some(&mut s.view)),
            Stmt::CreateIndex(s) => (3, Some(&mut s.table)),
            Stmt::CreateTrigger(s) => (4, Some(&mut s.table)),
            _ => (5, None),
        };
        if let Some(name) = name {
            match &name.schema {
                Some(other) if other != schema => {
                    return Err(err!(
                        INVALID_SCHEMA_DEFINITION,
                        "CREATE specifies a schema ({other}) different from the one being created ({schema})"
                    ));
                }
                _ => name.schema = Some(schema.to_owned()),
            }
        }
        sorted.push((rank, element));
    }
    sorted.sort_by_key(|(rank, _)| *rank);
    Ok(sorted.into_iter().map(|(_, element)| element).collect())
}

impl Elements {
    fn run(&mut self, cx: &mut ExecContext, source: &Arc<str>, text: &Arc<str>) -> Flow<()> {
        while let Some(element) = self.left.front() {
            if self.command.is_none() {
                cx.backend()?.txn.next_command();
                let stmt = Arc::new(element.clone());
                let mut command = Command::new(source.clone(), text.clone(), stmt, Arc::from(Vec::new()));
                command.is_part = true;
                self.command = Some(Box::new(command));
            }
            self.step(cx)?;
            self.command = None;
            self.left.pop_front();
        }
        Ok(())
    }

    /// Runs the present element with the new schema in front of the search path.
    fn step(&mut self, cx: &mut ExecContext) -> Flow<()> {
        let settings = cx.backend()?.settings.clone();
        let path = settings.lock().show_by_name("search_path", true)?;
        let first = crate::types::name::quote_identifier(&self.schema);
        let path = if path.trim().is_empty() { first.to_string() } else { format!("{first}, {path}") };
        let level = settings.lock().enter();
        let set = settings.lock().set("search_path", &path, Lasting::Save, true);
        let done = match set.and_then(|()| super::settings_changed(cx)) {
            Ok(()) => match &mut self.command {
                Some(command) => super::run_nested(command, cx),
                None => Ok(String::new()),
            },
            Err(e) => Err(e.into()),
        };
        settings.lock().leave(level, done.is_ok());
        super::settings_changed(cx)?;
        done.map(|_| ())
    }
}

/// Makes the schema itself; its name, unless it was there.
fn make(cx: &mut ExecContext, stmt: &CreateSchemaStmt) -> Flow<Option<String>> {
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
            return Ok(None);
        }
        return Err(Error::new(SqlState::DUPLICATE_SCHEMA, text).into());
    }
    let oid = backend.instance.cluster.new_oid();
    let writer = backend.writer();
    let acl = super::default_acl::for_new(backend, crate::sql::ast::ObjectType::Schema, owner.0, Oid::INVALID);
    let object = Namespace { oid, name: name.clone(), owner: owner.0, acl, temp_of: None };
    backend.catalog.put(writer, Object::Namespace(object))?;
    Ok(Some(name))
}

/// The schema a new object goes into: the one named, or the first of the search path.
///
/// # Errors
/// 3F000, 42501.
pub fn for_new(backend: &mut Backend, named: Option<&str>) -> Result<Oid> {
    let namespace = match named {
        Some("pg_temp") => return super::temp::schema(backend),
        None if backend.catalog.creates_temporary() => return super::temp::schema(backend),
        Some(schema) => backend.catalog.namespace_oid(schema)?,
        None => backend.catalog.creation_schema()?,
    };
    may_create_in(backend, namespace)?;
    Ok(namespace)
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
