//! ALTER … OWNER TO.

use super::grant::Items;
use super::write::{change, class_of, put};
use super::{Command, names, role, sequence};
use crate::base::{Error, Flow, Oid, Result};
use crate::catalog::{Object, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{AlterOwnerStmt, ObjectName, ObjectType, RoleSpec};
use crate::sql::exec::ExecContext;

/// Gives a relation and what belongs to it to another role.
pub fn set_relation_owner(cx: &mut ExecContext, oid: Oid, spec: &RoleSpec) -> Result<()> {
    let new = role::resolve(cx.backend()?, spec)?;
    may_become(cx, new.0, &new.1)?;
    set_owner(cx, oid, new.0)
}

/// The same without asking who may.
pub fn set_owner(cx: &mut ExecContext, oid: Oid, new: Oid) -> Result<()> {
    let c = class_of(cx, oid)?;
    if matches!(c.kind, RelKind::Index | RelKind::PartitionedIndex) {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot change owner of index \"{}\"", c.name)
            .hint("Change the ownership of the index's table, instead."));
    }
    super::row_type::refuse_composite(c.kind, &c.name)?;
    let mut all = vec![oid];
    all.extend(cx.backend()?.catalog.indexes_of(oid));
    all.extend(Some(c.toast).filter(|t| t.is_valid()));
    if matches!(c.kind, RelKind::Table | RelKind::Partitioned) {
        all.extend(sequence::owned_by(cx, oid)?.into_iter().map(|s| s.0));
    }
    all.into_iter().try_for_each(|o| {
        change(cx, o, |c| {
            let old = c.owner;
            let own = c.column_acls().map(|(attno, acl)| (attno, Some(acl.clone()))).collect::<Vec<_>>();
            for (attno, mut acl) in own {
                new_owner(&mut acl, old, new);
                c.set_column_acl(attno, acl.unwrap_or_default());
            }
            change_owner(&mut c.owner, &mut c.acl, new);
        })
    })
}

/// The columns of a composite type are its owner's.
pub fn row_follows(cx: &mut ExecContext, t: &crate::catalog::object::UserType) -> Result<()> {
    match t.kind {
        crate::catalog::object::UserTypeKind::Composite { class } => change(cx, class, |c| c.owner = t.owner),
        _ => Ok(()),
    }
}

/// An owner's own rights, and those it granted, become its successor's (PostgreSQL 15, acl.c, aclnewowner).
pub fn change_owner(owner: &mut Oid, acl: &mut Option<Vec<String>>, new: Oid) {
    let old = std::mem::replace(owner, new);
    new_owner(acl, old, new);
}

fn new_owner(acl: &mut Option<Vec<String>>, old: Oid, new: Oid) {
    if let Some(items) = acl {
        *items = Items::read(items, old).replace_role(old, new).stored();
    }
}

/// # Errors
/// 42501 `must be member of role "r"`.
pub(super) fn may_become(cx: &mut ExecContext, owner: Oid, name: &str) -> Result<()> {
    match role::has_role(cx.backend()?, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be member of role \"{name}\"")),
    }
}

pub fn alter(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterOwnerStmt) -> Flow<String> {
    let tag = cmd.stmt.tag().to_string();
    let new = role::resolve(cx.backend()?, &stmt.owner)?;
    if let ObjectName::Function(_) = &stmt.name {
        let mut f = super::function::named(cmd, cx, (stmt.object, Some("function")), &stmt.name)?;
        may_become(cx, new.0, &new.1)?;
        change_owner(&mut f.owner, &mut f.acl, new.0);
        put(cx, Object::Function(f))?;
        return Ok(tag);
    }
    if let (ObjectType::Collation, ObjectName::Name(name)) = (stmt.object, &stmt.name)
        && let Some(mut c) = super::collation::named(cx, name)?
    {
        may_become(cx, new.0, &new.1)?;
        c.owner = new.0;
        put(cx, Object::Collation(c))?;
        return Ok(tag);
    }
    if let (Some(kind), ObjectName::Name(name)) = (super::text_search::kind_of(stmt.object), &stmt.name) {
        let change = super::text_search::Change { owner: Some(new.0), ..Default::default() };
        let given = super::text_search::changed(cx, kind, &name.parts, &change)?;
        may_become(cx, new.0, &new.1)?;
        put(cx, given)?;
        return Ok(tag);
    }
    let change = super::text_search::Change { owner: Some(new.0), ..Default::default() };
    if let Some(given) = super::schema_object::changed(cx, stmt.object, &stmt.name, &change)? {
        may_become(cx, new.0, &new.1)?;
        put(cx, given)?;
        return Ok(tag);
    }
    if let ObjectName::Operator(sig) = &stmt.name
        && let Some(mut o) = super::operator::named(cmd, cx, sig)?
    {
        may_become(cx, new.0, &new.1)?;
        o.owner = new.0;
        put(cx, Object::Operator(o))?;
        return Ok(tag);
    }
    if let ObjectName::LargeObject(number) = &stmt.name {
        super::large_object::set_owner(cx, number, (new.0, &new.1))?;
        return Ok(tag);
    }
    let name = match &stmt.name {
        ObjectName::Name(name) => name.parts.clone(),
        ObjectName::Type(t) => t.names.clone(),
        _ => return Err(super::absent::refuse_alter(cmd, cx, stmt.object, &stmt.name, "OWNER TO").into()),
    };
    let object = match stmt.object {
        ObjectType::Schema => {
            let record = cx.backend()?.catalog.namespace_by_name(&name[0]);
            let record = record.ok_or_else(|| err!(INVALID_SCHEMA_NAME, "schema \"{}\" does not exist", name[0]))?;
            let mut n = record.object.as_namespace()?.clone();
            check(cx, n.owner, "schema", &n.name)?;
            change_owner(&mut n.owner, &mut n.acl, new.0);
            Object::Namespace(n)
        }
        ObjectType::Database => {
            let found = cx.backend()?.catalog.database_by_name(&name[0]);
            let mut d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{}\" does not exist", name[0]))?;
            check(cx, d.owner, "database", &d.name)?;
            change_owner(&mut d.owner, &mut d.acl, new.0);
            Object::Database(d)
        }
        ObjectType::Type | ObjectType::Domain => {
            let (last, schema) = name.split_last().ok_or_else(|| Error::internal("an empty name"))?;
            let found = cx.backend()?.catalog.user_type_by_name(schema.last().map(String::as_str), last)?;
            let mut t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", name.join(".")))?;
            check(cx, t.owner, "type", &t.name)?;
            change_owner(&mut t.owner, &mut t.acl, new.0);
            row_follows(cx, &t)?;
            Object::Type(t)
        }
        ObjectType::Tablespace => {
            let mut t = super::tablespace::named(cx, &name[0])?;
            check(cx, t.owner, "tablespace", &t.name)?;
            change_owner(&mut t.owner, &mut t.acl, new.0);
            Object::Tablespace(t)
        }
        ObjectType::Statistics => super::statistics::set_owner(cx, &name, new.0)?,
        ObjectType::EventTrigger => super::event_trigger::set_owner(cx, &name[0], new.0)?,
        ObjectType::Publication => super::publication::set_owner(cx, &name[0], new.0)?,
        ObjectType::ForeignDataWrapper | ObjectType::ForeignServer => {
            let given = super::foreign_data::with_owner(cx, stmt.object, &name[0], (new.0, &new.1))?;
            put(cx, given)?;
            return Ok(tag);
        }
        ObjectType::Table | ObjectType::View | ObjectType::MatView | ObjectType::Sequence => {
            let var = names::range_var(&name);
            let found = names::locked_relation(cmd, cx, &var, LockMode::AccessExclusive)?;
            names::check_owner(cx, &found)?;
            set_relation_owner(cx, found.oid, &stmt.owner)?;
            return Ok(tag);
        }
        _ => return Err(super::absent::refuse_alter(cmd, cx, stmt.object, &stmt.name, "OWNER TO").into()),
    };
    may_become(cx, new.0, &new.1)?;
    put(cx, object)?;
    Ok(tag)
}

fn check(cx: &mut ExecContext, owner: Oid, word: &str, name: &str) -> Result<()> {
    match role::has_role(cx.backend()?, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {name}")),
    }
}
