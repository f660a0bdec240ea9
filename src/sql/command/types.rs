//! CREATE TYPE (enum, composite), ALTER TYPE of enums, DROP TYPE and DROP DOMAIN.

use super::enum_label::{insert_label, number_labels};
use super::write::{attribute, class_of, new_oid, put};
use super::{Command, column, drop, names, role, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Class, Depend, EnumLabel, UserType, UserTypeKind, class};
use crate::catalog::{Object, ObjectKey, Persistence, RelKind};
use crate::err;
use crate::sql::ast::{
    AlterEnumAction, AlterEnumStmt, CreateCompositeTypeStmt, CreateEnumStmt, DefineStmt, DropStmt, ObjectName,
    ObjectType, QualName,
};
use crate::sql::exec::ExecContext;

/// Where a new type goes, its name locked and free.
pub(super) fn place(cx: &mut ExecContext, name: &QualName) -> Flow<Oid> {
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, name.schema())?;
    names::lock_name(cx, class::TYPE, namespace, name.name())?;
    names::lock_name(cx, class::RELATION, namespace, name.name())?;
    let catalog = cx.backend()?.catalog.clone();
    let row_type = catalog.class_in(namespace, name.name()).and_then(|o| catalog.relation(o).ok().flatten());
    let taken = !catalog.find(class::TYPE, namespace, name.name()).is_empty()
        || row_type.is_some_and(|r| r.row_type.is_valid());
    if taken {
        return Err(err!(DUPLICATE_OBJECT, "type \"{}\" already exists", name.name()).into());
    }
    Ok(namespace)
}

pub(super) fn new_type(cx: &mut ExecContext, name: &str, namespace: Oid, kind: UserTypeKind) -> Result<UserType> {
    let (oid, array_oid) = (new_oid(cx)?, new_oid(cx)?);
    let owner = cx.backend()?.user.current;
    let acl = super::default_acl::for_new(cx.backend()?, crate::sql::ast::ObjectType::Type, owner, namespace);
    Ok(UserType { oid, array_oid, name: name.to_string(), namespace, owner, kind, acl })
}

fn check_label(label: &str) -> Result<()> {
    match label.len() > 63 {
        true => Err(err!(INVALID_NAME, "invalid enum label \"{label}\"").detail("Labels must be 63 bytes or less.")),
        false => Ok(()),
    }
}

pub fn create_enum(_: &mut Command, cx: &mut ExecContext, stmt: &CreateEnumStmt) -> Flow<String> {
    let namespace = place(cx, &stmt.name)?;
    let mut labels = Vec::new();
    for (n, label) in stmt.labels.iter().enumerate() {
        check_label(label)?;
        if stmt.labels[..n].contains(label) {
            let text = "duplicate key value violates unique constraint \"pg_enum_typid_label_index\"";
            return Err(Error::new(SqlState::UNIQUE_VIOLATION, text).into());
        }
        labels.push(EnumLabel { oid: Oid::INVALID, label: label.clone(), sort: n as f32 + 1.0, added_by: 0 });
    }
    number_labels(cx, &mut labels)?;
    let made = new_type(cx, stmt.name.name(), namespace, UserTypeKind::Enum(labels))?;
    put(cx, Object::Type(made))?;
    Ok("CREATE TYPE".into())
}

/// A user's type by name.
pub(super) fn find(cx: &mut ExecContext, parts: &[String]) -> Result<Option<UserType>> {
    let Some((last, schema)) = parts.split_last() else { return Ok(None) };
    let catalog = cx.backend()?.catalog.clone();
    match schema.last() {
        Some(s) if catalog.namespace_by_name(s).is_none() => Ok(None),
        schema => catalog.user_type_by_name(schema.map(String::as_str), last),
    }
}

pub(super) fn owned(cx: &mut ExecContext, t: &UserType) -> Result<()> {
    match role::has_role(cx.backend()?, t.owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of type {}", t.name)),
    }
}

pub fn alter_enum(_: &mut Command, cx: &mut ExecContext, stmt: &AlterEnumStmt) -> Flow<String> {
    let shown = stmt.name.joined();
    let found = find(cx, &stmt.name.parts)?;
    let mut t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{shown}\" does not exist"))?;
    owned(cx, &t)?;
    let lock = t.oid.to_string();
    names::lock_name(cx, class::TYPE, t.namespace, &lock)?;
    let UserTypeKind::Enum(labels) = &mut t.kind else {
        return Err(err!(WRONG_OBJECT_TYPE, "{shown} is not an enum").into());
    };
    match &stmt.action {
        AlterEnumAction::Add { label, if_not_exists, neighbor, before } => {
            check_label(label)?;
            if labels.iter().any(|l| l.label == *label) {
                let text = format!("enum label \"{label}\" already exists");
                if *if_not_exists {
                    names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
                    return Ok("ALTER TYPE".into());
                }
                return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
            }
            let at = match neighbor {
                None => labels.len(),
                Some(n) => {
                    let at = labels.iter().position(|l| l.label == *n);
                    let at =
                        at.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "\"{n}\" is not an existing enum label"))?;
                    at + usize::from(!*before)
                }
            };
            insert_label(cx, labels, at, label)?;
        }
        AlterEnumAction::Rename { from, to } => {
            check_label(to)?;
            let taken = labels.iter().any(|l| l.label == *to);
            let label = labels.iter_mut().find(|l| l.label == *from);
            let label =
                label.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "\"{from}\" is not an existing enum label"))?;
            if taken {
                return Err(err!(DUPLICATE_OBJECT, "enum label \"{to}\" already exists").into());
            }
            super::rename_label::follow(cx, label.oid, from, to)?;
            label.label = to.clone();
        }
    }
    put(cx, Object::Type(t))?;
    Ok("ALTER TYPE".into())
}

/// `CREATE TYPE name`: a name that may be made a type of later.
pub fn create_shell(cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let namespace = place(cx, &stmt.name)?;
    let mut made = new_type(cx, stmt.name.name(), namespace, UserTypeKind::Shell)?;
    made.array_oid = Oid::INVALID;
    put(cx, Object::Type(made))?;
    Ok("CREATE TYPE".into())
}

pub fn create_composite(cmd: &mut Command, cx: &mut ExecContext, stmt: &CreateCompositeTypeStmt) -> Flow<String> {
    let mut parts: Vec<String> = stmt.name.schema.iter().cloned().collect();
    parts.push(stmt.name.name.clone());
    let namespace = place(cx, &QualName { parts, pos: stmt.name.pos })?;
    let mut attributes = Vec::new();
    for (n, def) in stmt.columns.iter().enumerate() {
        if stmt.columns[..n].iter().any(|o| o.name == def.name) {
            return Err(err!(DUPLICATE_COLUMN, "column \"{}\" specified more than once", def.name).into());
        }
        let Some(typ) = &def.typ else { continue };
        let ty = super::write::usable_type(cx, &cmd.source, typ).map_err(super::write::unplaced)?;
        column::check_type(cx, &def.name, ty)?;
        let mut made = attribute(&def.name, n as i16 + 1, ty);
        made.declared.collation = column::collation(cx, def.collation.as_ref(), ty, None)?;
        made.declared.dimensions = def.typ.as_ref().map_or(0, |t| t.array_bounds.len() as u16);
        attributes.push(made);
    }
    let class_oid = new_oid(cx)?;
    let made = new_type(cx, &stmt.name.name, namespace, UserTypeKind::Composite { class: class_oid })?;
    let name = stmt.name.name.clone();
    let mut c = Class::new(class_oid, name, namespace, RelKind::Composite, Persistence::Permanent, made.owner);
    c.attributes = attributes;
    c.row_type = made.oid;
    c.row_array_type = made.array_oid;
    c.depends = vec![Depend { on: ObjectKey::new(class::TYPE, made.oid), auto: true }];
    put(cx, Object::Class(c))?;
    put(cx, Object::Type(made))?;
    Ok("CREATE TYPE".into())
}

/// The row type of a table goes with the table only.
fn refuse_row_type(cx: &mut ExecContext, object: ObjectType, parts: &[String]) -> Result<()> {
    let Some((last, schema)) = parts.split_last() else { return Ok(()) };
    let catalog = cx.backend()?.catalog.clone();
    if schema.last().is_some_and(|s| catalog.namespace_by_name(s).is_none()) {
        return Ok(());
    }
    let Some(oid) = catalog.class_oid_by_name(schema.last().map(String::as_str), last)? else { return Ok(()) };
    if !catalog.class(oid).is_some_and(|r| r.object.as_class().is_ok_and(|c| c.row_type.is_valid())) {
        return Ok(());
    }
    if object == ObjectType::Domain {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a domain", parts.join(".")));
    }
    let relation = drop::describe(cx, ObjectKey::new(class::RELATION, oid))?;
    let row_type = class_of(cx, oid)?.row_type;
    let shown = drop::describe(cx, ObjectKey::new(class::TYPE, row_type))?;
    Err(err!(DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop {shown} because {relation} requires it")
        .hint(format!("You can drop {relation} instead."))
        .place("findDependentObjects", "dependency.c", 754))
}

/// Nobody drops a type that is built in.
fn refuse_builtin(cx: &mut ExecContext, object: ObjectType, parts: &[String]) -> Result<()> {
    let (schema, name) = match parts {
        [name] => (None, name),
        [.., schema, name] => (Some(schema.as_str()), name),
        [] => return Ok(()),
    };
    let builtin = schema.is_none_or(|s| s == "pg_catalog").then(|| crate::types::info::builtin_by_name(name)).flatten();
    let Some(builtin) = builtin else { return Ok(()) };
    let shown = crate::types::format_type_plain(builtin.oid, &*cx.fx.io.hooks);
    if object == ObjectType::Domain {
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a domain", parts.join(".")));
    }
    if !cx.backend()?.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of type {shown}"));
    }
    Err(super::absent::required(&format!("type {shown}")))
}

/// DROP TYPE and DROP DOMAIN.
pub fn drop(cx: &mut ExecContext, stmt: &DropStmt) -> Flow<()> {
    let mut targets = Vec::new();
    for name in &stmt.names {
        let parts = match name {
            ObjectName::Type(t) => t.names.clone(),
            ObjectName::Name(n) => n.parts.clone(),
            _ => return Err(Error::internal("DROP of an odd name").into()),
        };
        let shown = parts.join(".");
        let Some(t) = find(cx, &parts)? else {
            refuse_row_type(cx, stmt.object, &parts)?;
            refuse_builtin(cx, stmt.object, &parts)?;
            let schema = parts.len().checked_sub(2).map(|n| parts[n].clone());
            let text = match schema.filter(|s| !cx.backend().is_ok_and(|b| b.catalog.namespace_by_name(s).is_some())) {
                Some(schema) if stmt.missing_ok => format!("schema \"{schema}\" does not exist"),
                _ => format!("type \"{shown}\" does not exist"),
            };
            if stmt.missing_ok {
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
                continue;
            }
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
        };
        if stmt.object == ObjectType::Domain && !matches!(t.kind, UserTypeKind::Domain { .. }) {
            return Err(err!(WRONG_OBJECT_TYPE, "\"{shown}\" is not a domain").into());
        }
        owned(cx, &t)?;
        targets.push(ObjectKey::new(class::TYPE, t.oid));
    }
    drop::remove(cx, targets, stmt.behavior)
}
