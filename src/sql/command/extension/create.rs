//! CREATE EXTENSION: those it needs first, each a row and a script.

use super::script::Script;
use super::{PLPGSQL, script};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Comment, Namespace, class};
use crate::catalog::{self, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{CreateExtensionStmt, DefElem};
use crate::sql::command::write::{new_oid, put};
use crate::sql::command::{Command, names, role};
use crate::sql::exec::ExecContext;
use crate::sql::extension::{self, Extension};

/// What the clauses say.
struct Options {
    schema: Option<String>,
    version: Option<String>,
    cascade: bool,
}

/// The extensions to be made, those needed first, and the script under way.
struct Work {
    left: Vec<&'static Extension>,
    options: Options,
    script: Option<Script>,
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateExtensionStmt) -> Flow<String> {
    if cmd.progress.is_none() {
        let Some(work) = begin(cmd, cx, stmt)? else { return Ok("CREATE EXTENSION".into()) };
        cmd.progress = Some(Box::new(work));
    }
    let taken = cmd.progress.take().and_then(|p| p.downcast::<Work>().ok());
    let mut work = taken.ok_or_else(|| Error::internal("CREATE EXTENSION lost its progress"))?;
    let done = work.run(cx);
    cmd.progress = Some(work);
    done?;
    Ok("CREATE EXTENSION".into())
}

fn options(cmd: &Command, list: &[DefElem]) -> Result<Options> {
    let mut out = Options { schema: None, version: None, cascade: false };
    for (n, o) in list.iter().enumerate() {
        if list[..n].iter().any(|earlier| earlier.name == o.name) {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(o.pos)));
        }
        match o.name.as_str() {
            "schema" => out.schema = o.string(),
            "new_version" => out.version = o.string(),
            _ => out.cascade = true,
        }
    }
    Ok(out)
}

fn exists(cx: &mut ExecContext, name: &str) -> Result<bool> {
    Ok(name == PLPGSQL || cx.backend()?.catalog.extension(name).is_some())
}

/// None: it is there already, and that is no error.
fn begin(cmd: &Command, cx: &mut ExecContext, stmt: &CreateExtensionStmt) -> Flow<Option<Work>> {
    names::lock_name(cx, class::EXTENSION, Oid::INVALID, &stmt.name)?;
    if exists(cx, &stmt.name)? {
        let text = format!("extension \"{}\" already exists", stmt.name);
        if !stmt.if_not_exists {
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text)
                .place("CreateExtension", "extension.c", 1969)
                .into());
        }
        names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
        return Ok(None);
    }
    if cx.backend()?.catalog.notes_made() {
        return Err(Error::unsupported("nested CREATE EXTENSION is not supported").into());
    }
    let options = options(cmd, &stmt.options)?;
    let Some(own) = extension::control(&stmt.name)? else { return Ok(None) };
    if let Some(version) = options.version.as_ref().filter(|v| **v != own.version) {
        return Err(no_version(own, version).into());
    }
    if let Some(schema) = &options.schema {
        cx.backend()?.catalog.namespace_oid(schema)?;
    }
    let mut left = Vec::new();
    needed(cx, own, options.cascade, &mut left)?;
    Ok(Some(Work { left, options, script: None }))
}

fn no_version(own: &Extension, version: &str) -> Error {
    let text =
        format!("extension \"{}\" has no installation script nor update path for version \"{version}\"", own.name);
    Error::new(SqlState::INVALID_PARAMETER_VALUE, text)
}

/// The extension, and before it those it needs that are not there.
fn needed(
    cx: &mut ExecContext,
    own: &'static Extension,
    cascade: bool,
    left: &mut Vec<&'static Extension>,
) -> Flow<()> {
    for name in own.requires {
        if exists(cx, name)? || left.iter().any(|e| e.name == *name) {
            continue;
        }
        if !cascade {
            return Err(err!(UNDEFINED_OBJECT, "required extension \"{name}\" is not installed")
                .hint("Use CREATE EXTENSION ... CASCADE to install required extensions too.")
                .into());
        }
        names::lock_name(cx, class::EXTENSION, Oid::INVALID, name)?;
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("installing required extension \"{name}\""));
        if let Some(required) = extension::control(name)? {
            needed(cx, required, cascade, left)?;
        }
    }
    left.push(own);
    Ok(())
}

impl Work {
    fn run(&mut self, cx: &mut ExecContext) -> Flow<()> {
        while let Some(own) = self.left.first().copied() {
            if self.script.is_none() {
                self.script = Some(start(cx, own, &self.options)?);
            }
            if let Some(script) = &mut self.script {
                script.run(cx)?;
            }
            self.script = None;
            self.left.remove(0);
        }
        Ok(())
    }
}

/// Makes the row of an extension; its script is yet to run.
fn start(cx: &mut ExecContext, own: &'static Extension, options: &Options) -> Result<Script> {
    let namespace = place(cx, own, options)?;
    let schema = cx.backend()?.catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    let user = script::user(cx, own)?;
    let oid = new_oid(cx)?;
    let backend = cx.backend()?;
    let required = |name: &&str| backend.catalog.extension(name).map(|e| (e.oid, e.namespace));
    let requires: Vec<(Oid, Oid)> = own.requires.iter().filter_map(required).collect();
    let made = catalog::Extension {
        oid,
        name: own.name.into(),
        owner: backend.user.current,
        namespace,
        relocatable: own.relocatable,
        version: own.version.into(),
        members: Vec::new(),
        requires: requires.iter().map(|r| r.0).collect(),
        config: Vec::new(),
    };
    put(cx, Object::Extension(made))?;
    let comment = Comment { on: ObjectKey::new(class::EXTENSION, oid), text: own.comment.into() };
    put(cx, Object::Comment(comment))?;
    let behind: Vec<Oid> = requires.iter().map(|r| r.1).collect();
    Script::new(cx, own, oid, &schema, &behind, user)
}

/// The schema the objects go into.
fn place(cx: &mut ExecContext, own: &Extension, options: &Options) -> Result<Oid> {
    let backend = cx.backend()?;
    if let Some(fixed) = own.schema {
        if options.schema.as_ref().is_some_and(|s| s != fixed) {
            let text = format!("extension \"{}\" must be installed in schema \"{fixed}\"", own.name);
            return Err(Error::new(SqlState::FEATURE_NOT_SUPPORTED, text));
        }
        return match backend.catalog.namespace_by_name(fixed) {
            Some(found) => Ok(found.object.as_namespace()?.oid),
            None => {
                let oid = backend.instance.cluster.new_oid();
                let owner = backend.user.current;
                let made = Namespace { oid, name: fixed.into(), owner, acl: None, temp_of: None };
                put(cx, Object::Namespace(made))?;
                Ok(oid)
            }
        };
    }
    match &options.schema {
        Some(schema) => backend.catalog.namespace_oid(schema),
        None => backend.catalog.creation_schema(),
    }
}

/// Whether the user may create objects of databases in this one.
pub(super) fn may_create_here(cx: &mut ExecContext) -> Result<bool> {
    let backend = cx.backend()?;
    let Some(d) = backend.catalog.database_by_oid(backend.database) else { return Ok(false) };
    Ok(role::has_role(backend, d.owner) || role::acl_allows(backend, d.acl.as_deref(), 'C'))
}
