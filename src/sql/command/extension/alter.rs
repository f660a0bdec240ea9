//! ALTER EXTENSION: UPDATE, SET SCHEMA, ADD and DROP of members.

use super::{changeable, owned};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::class;
use crate::catalog::{Extension, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{AlterExtensionAction, AlterExtensionStmt, CommentStmt, ObjectName, ObjectType};
use crate::sql::command::rename_readers::{Readers, Target};
use crate::sql::command::rename_texts::put_with_texts;
use crate::sql::command::write::{change, put};
use crate::sql::command::{Command, comment, drop, function, names, schema};
use crate::sql::exec::ExecContext;
use crate::sql::extension;

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterExtensionStmt) -> Flow<String> {
    names::lock_name(cx, class::EXTENSION, Oid::INVALID, &stmt.name)?;
    match &stmt.action {
        AlterExtensionAction::Update(version) => update(cx, &stmt.name, version.as_deref())?,
        AlterExtensionAction::Add { object, name } => add(cmd, cx, stmt, *object, name)?,
        AlterExtensionAction::Drop { object, name } => remove(cmd, cx, stmt, *object, name)?,
    }
    Ok("ALTER EXTENSION".into())
}

/// There is one version of each.
fn update(cx: &mut ExecContext, name: &str, version: Option<&str>) -> Result<()> {
    owned(cx, name)?;
    let installed = cx.backend()?.catalog.extension(name).map_or_else(|| "1.0".to_owned(), |e| e.version);
    let there = extension::control(name)?.map_or("1.0", |e| e.version);
    let wanted = version.unwrap_or(there);
    if wanted == installed {
        let text = format!("version \"{installed}\" of extension \"{name}\" is already installed");
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok(());
    }
    let text = format!("extension \"{name}\" has no update path from version \"{installed}\" to version \"{wanted}\"");
    Err(Error::new(SqlState::INVALID_PARAMETER_VALUE, text))
}

/// The object ADD or DROP names, which must be the user's.
fn member(cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Flow<ObjectKey> {
    comment::object(cmd, cx, &CommentStmt { object, name: name.clone(), comment: None })
}

fn prerequisite(text: String) -> Error {
    Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, text)
}

fn add(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &AlterExtensionStmt,
    object: ObjectType,
    name: &ObjectName,
) -> Flow<()> {
    let mut e = changeable(cx, &stmt.name, "ALTER")?;
    let key = member(cmd, cx, object, name)?;
    let shown = drop::describe(cx, key)?;
    if let Some(of) = cx.backend()?.catalog.extension_of(key) {
        return Err(prerequisite(format!("{shown} is already a member of extension \"{}\"", of.name)).into());
    }
    if key == ObjectKey::new(class::NAMESPACE, e.namespace) {
        let text = format!(
            "cannot add schema \"{}\" to extension \"{}\" because the schema contains the extension",
            shown.trim_start_matches("schema "),
            e.name
        );
        return Err(prerequisite(text).into());
    }
    e.members.push(key);
    Ok(put(cx, Object::Extension(e))?)
}

fn remove(
    cmd: &Command,
    cx: &mut ExecContext,
    stmt: &AlterExtensionStmt,
    object: ObjectType,
    name: &ObjectName,
) -> Flow<()> {
    let mut e = changeable(cx, &stmt.name, "ALTER")?;
    let key = member(cmd, cx, object, name)?;
    if !e.members.contains(&key) {
        let shown = drop::describe(cx, key)?;
        return Err(prerequisite(format!("{shown} is not a member of extension \"{}\"", e.name)).into());
    }
    e.members.retain(|m| *m != key);
    Ok(put(cx, Object::Extension(e))?)
}

/// ALTER EXTENSION … SET SCHEMA.
pub fn set_schema(cx: &mut ExecContext, name: &str, namespace: Oid) -> Flow<()> {
    names::lock_name(cx, class::EXTENSION, Oid::INVALID, name)?;
    owned(cx, name)?;
    schema::may_create_in(cx.backend()?, namespace)?;
    let fixed = || err!(FEATURE_NOT_SUPPORTED, "extension \"{name}\" does not support SET SCHEMA");
    let Some(mut e) = cx.backend()?.catalog.extension(name) else { return Err(fixed().into()) };
    if e.members.contains(&ObjectKey::new(class::NAMESPACE, namespace)) {
        let to = cx.backend()?.catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
        let text =
            format!("cannot move extension \"{name}\" into schema \"{to}\" because the extension contains the schema");
        return Err(prerequisite(text).into());
    }
    if e.namespace == namespace {
        return Ok(());
    }
    if !e.relocatable {
        return Err(fixed().into());
    }
    let readers = Readers::of(cx, Target::Objects(&e.members))?;
    for member in e.members.clone() {
        if let Some(strange) = move_member(cx, &e, member, namespace)? {
            let old = cx.backend()?.catalog.namespace(e.namespace).map(|n| n.name).unwrap_or_default();
            return Err(fixed().detail(format!("{strange} is not in the extension's schema \"{old}\"")).into());
        }
    }
    e.namespace = namespace;
    put(cx, Object::Extension(e))?;
    Ok(readers.follow(cx)?)
}

/// What a member is called that is not where the extension is.
fn move_member(cx: &mut ExecContext, e: &Extension, member: ObjectKey, to: Oid) -> Result<Option<String>> {
    let Some(record) = cx.backend()?.catalog.get(member) else { return Ok(None) };
    let mut object = record.object.clone();
    if object.name().is_some_and(|(at, _)| at.is_valid() && at != e.namespace) {
        return Ok(Some(drop::describe(cx, member)?));
    }
    match &mut object {
        Object::Class(c) => {
            let indexes = cx.backend()?.catalog.indexes_of(c.oid);
            for oid in indexes.into_iter().chain([c.oid]) {
                change(cx, oid, |c| c.namespace = to)?;
            }
            return Ok(None);
        }
        Object::Function(f) => {
            function::check_free(cx, f, to, &f.name)?;
            f.namespace = to;
        }
        Object::Type(t) => t.namespace = to,
        Object::Operator(o) => o.namespace = to,
        Object::OpClass(o) => o.namespace = to,
        Object::OpFamily(f) => f.namespace = to,
        Object::Conversion(c) => c.namespace = to,
        Object::Collation(c) => c.namespace = to,
        _ => return Ok(None),
    }
    put_with_texts(cx, &record.object, object)?;
    Ok(None)
}
