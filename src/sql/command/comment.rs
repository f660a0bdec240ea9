//! COMMENT ON.

use super::write::{delete, put};
use super::{Command, names, role};
use crate::base::{Error, Flow, Oid, Report, Result, Severity, SqlState};
use crate::catalog::object::{Comment, class, comment_key, fixed};
use crate::catalog::{Constraint, Object, ObjectKey, RelKind};
use crate::err;
use crate::lock::LockMode;
use crate::sql::ast::{CommentStmt, ObjectName, ObjectType};
use crate::sql::exec::ExecContext;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &CommentStmt) -> Flow<String> {
    if missing_database(cx, stmt)? {
        return Ok("COMMENT".into());
    }
    let on = object(cmd, cx, stmt)?;
    match stmt.comment.as_ref().filter(|t| !t.is_empty()) {
        Some(text) => put(cx, Object::Comment(Comment { on, text: text.clone() }))?,
        None => delete(cx, comment_key(on))?,
    }
    Ok("COMMENT".into())
}

fn parts(name: &ObjectName) -> Result<Vec<String>> {
    match name {
        ObjectName::Name(name) => Ok(name.parts.clone()),
        ObjectName::Type(t) => Ok(t.names.clone()),
        ObjectName::OnTable { table, .. } => Ok(table.parts.clone()),
        ObjectName::OnDomain { domain, .. } => Ok(domain.names.clone()),
        _ => Err(Error::unsupported("comments on this kind of object are not supported")),
    }
}

/// A database that is not there is no error, so that dumps can be restored under another name.
fn missing_database(cx: &mut ExecContext, stmt: &CommentStmt) -> Result<bool> {
    let ObjectName::Name(name) = &stmt.name else { return Ok(false) };
    let last = name.parts.last().map_or("", String::as_str);
    if stmt.object != ObjectType::Database || cx.backend()?.catalog.database_by_name(last).is_some() {
        return Ok(false);
    }
    let text = format!("database \"{last}\" does not exist");
    cx.notices.push(Report::notice(Severity::Warning, SqlState::INVALID_CATALOG_NAME, text));
    Ok(true)
}

pub fn object(cmd: &Command, cx: &mut ExecContext, stmt: &CommentStmt) -> Flow<ObjectKey> {
    if let ObjectName::Function(_) = &stmt.name {
        let f = super::function::named(cmd, cx, (stmt.object, None), &stmt.name)?;
        return Ok(ObjectKey::new(class::PROC, f.oid));
    }
    if let ObjectName::Operator(sig) = &stmt.name {
        return Ok(match super::operator::named(cmd, cx, sig)? {
            Some(o) => ObjectKey::new(class::OPERATOR, o.oid),
            None => ObjectKey::new(class::OPERATOR, super::absent::built_in_operator(cmd, cx, sig)?.0),
        });
    }
    if let ObjectName::Cast { from, to } = &stmt.name {
        let found = super::cast::named(cmd, cx, from, to)?;
        let found = found.ok_or_else(|| Error::unsupported("comments on built-in casts are not supported"))?;
        return Ok(ObjectKey::new(class::CAST, found.oid));
    }
    if matches!(stmt.object, ObjectType::Conversion | ObjectType::OpClass | ObjectType::OpFamily) {
        return match super::schema_object::find(cx, stmt.object, &stmt.name)? {
            Some(found) => Ok(found.key()),
            None => Err(super::absent::refuse_alter(cmd, cx, stmt.object, &stmt.name, "COMMENT").into()),
        };
    }
    if let (ObjectType::Collation, ObjectName::Name(name)) = (stmt.object, &stmt.name) {
        let found = super::collation::named(cx, name)?;
        let found = found.ok_or_else(|| {
            err!(UNDEFINED_OBJECT, "collation \"{}\" for encoding \"UTF8\" does not exist", name.joined())
        })?;
        return Ok(ObjectKey::new(class::COLLATION, found.oid));
    }
    if let (Some(kind), ObjectName::Name(name)) = (super::text_search::kind_of(stmt.object), &stmt.name) {
        return Ok(super::text_search::named(cx, kind, &name.parts)?);
    }
    if let ObjectName::LargeObject(number) = &stmt.name {
        return super::large_object::commented(cx, number);
    }
    let mut name = parts(&stmt.name)?;
    let last = name.last().cloned().unwrap_or_default();
    match stmt.object {
        ObjectType::Table | ObjectType::Index | ObjectType::Sequence | ObjectType::View | ObjectType::MatView => {
            let found = names::locked_relation(cmd, cx, &names::range_var(&name), LockMode::ShareUpdateExclusive)?;
            super::alter_table::check_kind(&found, stmt.object)?;
            if stmt.object == ObjectType::Table && !matches!(found.kind, RelKind::Table | RelKind::Partitioned) {
                return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a table", found.name).into());
            }
            names::check_owner(cx, &found)?;
            Ok(ObjectKey::new(class::RELATION, found.oid))
        }
        ObjectType::Column => {
            name.pop();
            if name.is_empty() {
                return Err(err!(SYNTAX_ERROR, "column name must be qualified").into());
            }
            let found = names::locked_relation(cmd, cx, &names::range_var(&name), LockMode::ShareUpdateExclusive)?;
            names::check_owner(cx, &found)?;
            let Some(a) = found.attribute(&last) else {
                let text = format!("column \"{last}\" of relation \"{}\" does not exist", found.name);
                return Err(Error::new(SqlState::UNDEFINED_COLUMN, text).into());
            };
            Ok(ObjectKey { class: class::RELATION, oid: found.oid, sub: i32::from(a.attno) })
        }
        ObjectType::TableConstraint => {
            let ObjectName::OnTable { name: constraint, .. } = &stmt.name else {
                return Err(Error::internal("a constraint without table").into());
            };
            let found = names::locked_relation(cmd, cx, &names::range_var(&name), LockMode::ShareUpdateExclusive)?;
            names::check_owner(cx, &found)?;
            let parts = found.constraints.iter().flat_map(Constraint::parts);
            let Some(k) = found.constraints.iter().cloned().chain(parts).find(|k| k.name == *constraint) else {
                let text = format!("constraint \"{constraint}\" for table \"{}\" does not exist", found.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
            };
            Ok(ObjectKey::new(class::CONSTRAINT, k.oid))
        }
        ObjectType::DomainConstraint => {
            let ObjectName::OnDomain { name: constraint, .. } = &stmt.name else {
                return Err(Error::internal("a constraint without domain").into());
            };
            let found = super::domain::constraint_oid(cx, &name, constraint)?;
            Ok(ObjectKey::new(class::CONSTRAINT, found))
        }
        ObjectType::Trigger => {
            let ObjectName::OnTable { name: trigger, .. } = &stmt.name else {
                return Err(Error::internal("a trigger without table").into());
            };
            let found = names::locked_relation(cmd, cx, &names::range_var(&name), LockMode::ShareUpdateExclusive)?;
            names::check_owner(cx, &found)?;
            let Some(t) = found.triggers.iter().find(|t| t.name == *trigger) else {
                let text = format!("trigger \"{trigger}\" for table \"{}\" does not exist", found.name);
                return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
            };
            Ok(ObjectKey::new(class::TRIGGER, t.oid))
        }
        ObjectType::Statistics => {
            let s = super::statistics::find(&cx.backend()?.catalog.clone(), &name)?;
            super::statistics::check_owner(cx, &s)?;
            Ok(ObjectKey::new(class::STATISTIC_EXT, s.oid))
        }
        ObjectType::Extension => Ok(super::extension::owned(cx, &last)?),
        ObjectType::EventTrigger => {
            let t = super::event_trigger::owned(cx, &last)?;
            Ok(ObjectKey::new(class::EVENT_TRIGGER, t.oid))
        }
        ObjectType::ForeignDataWrapper | ObjectType::ForeignServer => {
            Ok(super::foreign_data::owned(cx, stmt.object, &last)?.key())
        }
        ObjectType::Publication => {
            let p = super::publication::named(&cx.backend()?.catalog.clone(), &last)?;
            super::publication::check_owner(cx, &p)?;
            Ok(ObjectKey::new(class::PUBLICATION, p.oid))
        }
        ObjectType::Rule => {
            let ObjectName::OnTable { name: rule, .. } = &stmt.name else {
                return Err(Error::internal("a rule without table").into());
            };
            Ok(ObjectKey::new(class::REWRITE, super::rule::named(cmd, cx, &name, rule)?))
        }
        ObjectType::Policy => {
            let ObjectName::OnTable { name: policy, .. } = &stmt.name else {
                return Err(Error::internal("a policy without table").into());
            };
            Ok(ObjectKey::new(class::POLICY, super::policy::named(cmd, cx, &name, policy)?))
        }
        ObjectType::Schema => {
            let oid = cx.backend()?.catalog.namespace_oid(&last)?;
            let owner = cx.backend()?.catalog.namespace(oid).map_or(Oid::INVALID, |n| n.owner);
            owned(cx, owner, "schema", &last)?;
            Ok(ObjectKey::new(class::NAMESPACE, oid))
        }
        ObjectType::Database => {
            let found = cx.backend()?.catalog.database_by_name(&last);
            let d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{last}\" does not exist"))?;
            owned(cx, d.owner, "database", &last)?;
            Ok(ObjectKey::new(class::DATABASE, d.oid))
        }
        ObjectType::Tablespace => {
            let t = super::tablespace::named(cx, &last)?;
            owned(cx, t.owner, "tablespace", &last)?;
            Ok(ObjectKey::new(class::TABLESPACE, t.oid))
        }
        ObjectType::Language => {
            let oid = match last.as_str() {
                "internal" | "c" | "sql" | "plpgsql" => crate::sql::exec::system_view::language(&last),
                _ => return Err(err!(UNDEFINED_OBJECT, "language \"{last}\" does not exist").into()),
            };
            owned(cx, fixed::BOOTSTRAP_SUPERUSER, "language", &last)?;
            Ok(ObjectKey::new(class::LANGUAGE, oid))
        }
        ObjectType::Role => {
            let found = cx.backend()?.catalog.role_by_name(&last);
            let r = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{last}\" does not exist"))?;
            // A role's owner is who may make such roles.
            let backend = cx.backend()?;
            if r.superuser && !backend.user.is_superuser {
                return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser").into());
            }
            if !role::creates_roles(backend) {
                return Err(err!(INSUFFICIENT_PRIVILEGE, "must have CREATEROLE privilege").into());
            }
            Ok(ObjectKey::new(class::AUTHID, r.oid))
        }
        ObjectType::Type | ObjectType::Domain => {
            let schema = name.len().checked_sub(2).map(|n| name[n].clone());
            let found = cx.backend()?.catalog.user_type_by_name(schema.as_deref(), &last)?;
            let t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", name.join(".")))?;
            owned(cx, t.owner, "type", &t.name)?;
            Ok(ObjectKey::new(class::TYPE, t.oid))
        }
        _ => Err(Error::unsupported("comments on this kind of object are not supported").into()),
    }
}

fn owned(cx: &mut ExecContext, owner: Oid, word: &str, name: &str) -> Result<()> {
    match role::has_role(cx.backend()?, owner) {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {name}")),
    }
}
