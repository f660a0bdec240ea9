//! ALTER … RENAME and ALTER … SET SCHEMA.

use super::rename_readers::introduce;
use super::rename_texts::{put_renamed, put_schema};
use super::write::{change, class_of, put};
use super::{
    Command, alter_table, domain, function, inherit, names, role, schema, sequence, stored_text, table, typed,
};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{Function, UserTypeKind, class};
use crate::catalog::{Object, RelKind, Relation};
use crate::err;
use crate::sql::ast::{
    AlterObjectSchemaStmt, DropBehavior, ObjectName, ObjectType, QualName, RangeVar, RelationPart, RenameStmt,
    RenameTarget,
};
use crate::sql::exec::ExecContext;

pub fn run(cmd: &mut Command, cx: &mut ExecContext, stmt: &RenameStmt) -> Flow<String> {
    let tag = cmd.stmt.tag().to_string();
    match &stmt.what {
        RenameTarget::Relation { relation, sub } => {
            let Some(found) = find(cmd, cx, relation, stmt.missing_ok)? else { return Ok(tag) };
            match sub {
                None => rename_relation(cx, &found, stmt)?,
                Some(RelationPart::Column(old)) => {
                    if class_of(cx, found.oid)?.of_type.is_valid() {
                        return Err(err!(WRONG_OBJECT_TYPE, "cannot rename column of typed table").into());
                    }
                    let children = inherit::renamed(cx, &found, old, relation.inherit)?;
                    rename_column(cx, &found, old, &stmt.new_name)?;
                    for child in children {
                        rename_column(cx, &child, old, &stmt.new_name)?;
                    }
                }
                Some(RelationPart::Constraint(old)) => {
                    let children = inherit::rename_constraint(cx, &found, old, relation.inherit)?;
                    rename_constraint(cx, found.oid, old, &stmt.new_name)?;
                    for child in children {
                        rename_constraint(cx, child, old, &stmt.new_name)?;
                    }
                }
                Some(RelationPart::Trigger(old)) => super::trigger::rename(cx, &found, old, &stmt.new_name)?,
                Some(RelationPart::Rule(old)) => super::rule::rename(cx, &found, old, &stmt.new_name)?,
                Some(RelationPart::Policy(old)) => super::policy::rename(cx, &found, old, &stmt.new_name)?,
            }
        }
        RenameTarget::Attribute { typ, name } => {
            let Some(found) = find(cmd, cx, typ, stmt.missing_ok)? else { return Ok(tag) };
            let c = class_of(cx, found.oid)?;
            let tables = typed::tables_of(cx, c.row_type)?;
            if !tables.is_empty() && stmt.behavior != DropBehavior::Cascade {
                return Err(typed::is_used(&c).into());
            }
            rename_column(cx, &found, name, &stmt.new_name)?;
            for table in tables {
                let table = super::constraint::relation(cx, table)?;
                let children = inherit::renamed(cx, &table, name, true)?;
                rename_column(cx, &table, name, &stmt.new_name)?;
                for child in children {
                    rename_column(cx, &child, name, &stmt.new_name)?;
                }
            }
        }
        RenameTarget::DomainConstraint { domain: of, name } => {
            domain::rename_constraint(cx, of, name, &stmt.new_name)?;
        }
        RenameTarget::Object(name @ ObjectName::Name(_)) if stmt.object == ObjectType::Conversion => {
            let change = super::text_search::Change { name: Some(&stmt.new_name), ..Default::default() };
            match super::schema_object::changed(cx, stmt.object, name, &change)? {
                Some(renamed) => put(cx, renamed)?,
                None => return Err(super::absent::refuse_alter(cmd, cx, stmt.object, name, "RENAME").into()),
            }
        }
        RenameTarget::Object(ObjectName::Name(name)) => rename_object(cmd, cx, stmt, &name.parts)?,
        RenameTarget::Object(ObjectName::Type(name)) => rename_object(cmd, cx, stmt, &name.names)?,
        RenameTarget::Object(name @ ObjectName::Function(_)) => {
            let before = function::named(cmd, cx, (stmt.object, Some("function")), name)?;
            function::check_free(cx, &before, before.namespace, &stmt.new_name)?;
            let after = Function { name: stmt.new_name.clone(), ..before.clone() };
            put_renamed(cx, &Object::Function(before), Object::Function(after))?;
        }
        RenameTarget::Object(name @ ObjectName::OpClass { .. }) => {
            let change = super::text_search::Change { name: Some(&stmt.new_name), ..Default::default() };
            match super::schema_object::changed(cx, stmt.object, name, &change)? {
                Some(renamed) => put(cx, renamed)?,
                None => return Err(super::absent::refuse_alter(cmd, cx, stmt.object, name, "RENAME").into()),
            }
        }
        RenameTarget::Object(name) => {
            return Err(super::absent::refuse_alter(cmd, cx, stmt.object, name, "RENAME").into());
        }
    }
    Ok(tag)
}

fn find(
    cmd: &Command,
    cx: &mut ExecContext,
    name: &RangeVar,
    missing_ok: bool,
) -> Flow<Option<std::sync::Arc<Relation>>> {
    if missing_ok && names::find_relation(cx, name)?.is_none() {
        let text = format!("relation \"{}\" does not exist, skipping", name.name);
        names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text);
        return Ok(None);
    }
    let found = alter_table::locked(cmd, cx, name, crate::lock::LockMode::AccessExclusive)?;
    names::check_owner(cx, &found)?;
    Ok(Some(found))
}

fn rename_relation(cx: &mut ExecContext, found: &Relation, stmt: &RenameStmt) -> Flow<()> {
    // ALTER TABLE renames relations of every kind (PostgreSQL 15, RenameRelation).
    if !matches!(stmt.object, ObjectType::Table | ObjectType::Index) {
        alter_table::check_kind(found, stmt.object)?;
    }
    if stmt.object != ObjectType::Type {
        super::row_type::refuse_composite(found.kind, &found.name)?;
    }
    introduce(cx, found.oid)?;
    names::lock_name(cx, class::RELATION, found.namespace, &stmt.new_name)?;
    table::exists(cx, found.namespace, &stmt.new_name, false)?;
    let name = stmt.new_name.clone();
    change(cx, found.oid, |c| c.name = name.clone())?;
    // An index behind a constraint and the constraint have one name.
    let def = class_of(cx, found.oid)?.index;
    if let Some(def) = def.filter(|d| d.constraint.is_valid()) {
        change(cx, def.table, |t| {
            t.constraints.iter_mut().filter(|k| k.oid == def.constraint).for_each(|k| k.name = name.clone());
        })?;
    }
    Ok(())
}

fn rename_column(cx: &mut ExecContext, found: &Relation, old: &str, new: &str) -> Result<()> {
    if matches!(found.kind, RelKind::Sequence | RelKind::Toast) {
        return Err(err!(WRONG_OBJECT_TYPE, "cannot rename columns of relation \"{}\"", found.name)
            .detail(super::alter_kinds::unsupported(found.kind)));
    }
    let missing = |e: Error| match e.sqlstate() {
        SqlState::UNDEFINED_COLUMN => err!(UNDEFINED_COLUMN, "column \"{old}\" does not exist"),
        _ => e,
    };
    let n = alter_table::position(cx, found.oid, old).map_err(missing)?;
    let c = class_of(cx, found.oid)?;
    if c.attributes.iter().any(|a| !a.dropped && a.name == new) {
        return Err(err!(DUPLICATE_COLUMN, "column \"{new}\" of relation \"{}\" already exists", c.name));
    }
    if crate::sql::bind::scope::system_attno(new).is_some() {
        return Err(err!(DUPLICATE_COLUMN, "column name \"{new}\" conflicts with a system column name"));
    }
    introduce(cx, c.oid)?;
    let mut c = class_of(cx, c.oid)?;
    c.attributes[n].name = new.to_string();
    for a in c.attributes.iter_mut().filter(|a| a.generated != 0) {
        if let Some(text) = &a.default {
            a.default = Some(stored_text::with_column_renamed(text, old, new)?);
        }
    }
    for k in &mut c.constraints {
        if let Some(text) = &k.check {
            k.check = Some(stored_text::with_column_renamed(text, old, new)?);
        }
    }
    for t in &mut c.triggers {
        if let Some(text) = &t.condition {
            t.condition = Some(stored_text::with_column_renamed(text, old, new)?);
        }
    }
    let oid = c.oid;
    put(cx, Object::Class(c))?;
    super::statistics::rename_column(cx, oid, old, new)?;
    super::publication::rename_column(cx, oid, old, new)?;
    for index in cx.backend()?.catalog.indexes_of(oid) {
        let mut i = class_of(cx, index)?;
        let Some(def) = &mut i.index else { continue };
        for (a, k) in i.attributes.iter_mut().zip(&mut def.columns) {
            if k.attno == n as i16 + 1 {
                k.name = new.to_string();
                a.name = new.to_string();
            }
            if let Some(text) = &k.expr {
                k.expr = Some(stored_text::with_column_renamed(text, old, new)?);
            }
        }
        if let Some(text) = &def.predicate {
            def.predicate = Some(stored_text::with_column_renamed(text, old, new)?);
        }
        put(cx, Object::Class(i))?;
    }
    Ok(())
}

fn rename_constraint(cx: &mut ExecContext, oid: Oid, old: &str, new: &str) -> Flow<()> {
    let c = class_of(cx, oid)?;
    let named = |k: &&crate::catalog::Constraint| k.names().any(|n| n == old);
    let Some(k) = c.constraints.iter().find(named) else {
        let text = format!("constraint \"{old}\" for table \"{}\" does not exist", c.name);
        return Err(Error::new(SqlState::UNDEFINED_OBJECT, text).into());
    };
    if c.constraints.iter().flat_map(|k| k.names()).any(|n| n == new) {
        let text = format!("constraint \"{new}\" for relation \"{}\" already exists", c.name);
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    if k.index.is_valid() && k.foreign.is_none() {
        names::lock_name(cx, class::RELATION, c.namespace, new)?;
        table::exists(cx, c.namespace, new, false)?;
        change(cx, k.index, |i| i.name = new.to_string())?;
    }
    change(cx, oid, |c| {
        for k in &mut c.constraints {
            let parts = k.foreign.iter_mut().flat_map(|f| &mut f.parts).map(|p| &mut p.name);
            std::iter::once(&mut k.name).chain(parts).filter(|n| **n == old).for_each(|n| *n = new.to_string());
        }
    })?;
    Ok(())
}

fn rename_object(cmd: &Command, cx: &mut ExecContext, stmt: &RenameStmt, name: &[String]) -> Flow<()> {
    let last = name.last().cloned().unwrap_or_default();
    let new = stmt.new_name.clone();
    match stmt.object {
        ObjectType::Statistics => {
            let moved = super::statistics::moved(cx, name, Some(&new), None)?;
            return Ok(put(cx, moved)?);
        }
        ObjectType::EventTrigger => {
            let renamed = super::event_trigger::renamed(cx, &last, &new)?;
            return Ok(put(cx, renamed)?);
        }
        ObjectType::ForeignDataWrapper | ObjectType::ForeignServer => {
            let renamed = super::foreign_data::renamed(cx, stmt.object, &last, &new)?;
            return Ok(put(cx, renamed)?);
        }
        ObjectType::Publication => {
            let renamed = super::publication::renamed(cx, &last, &new)?;
            return Ok(put(cx, renamed)?);
        }
        _ => {}
    }
    if let Some(kind) = super::text_search::kind_of(stmt.object) {
        let change = super::text_search::Change { name: Some(&new), ..Default::default() };
        let renamed = super::text_search::changed(cx, kind, name, &change)?;
        return Ok(put(cx, renamed)?);
    }
    if stmt.object == ObjectType::Collation {
        let name = QualName { parts: name.to_vec(), pos: crate::sql::ast::NOWHERE };
        if let Some(mut c) = super::collation::named(cx, &name)? {
            super::collation::check_free(cx, c.namespace, &new)?;
            c.name = new;
            return Ok(put(cx, Object::Collation(c))?);
        }
    }
    let backend = cx.backend()?;
    let object = match stmt.object {
        ObjectType::Schema => {
            let record = backend.catalog.namespace_by_name(&last);
            let record = record.ok_or_else(|| err!(INVALID_SCHEMA_NAME, "schema \"{last}\" does not exist"))?;
            let mut n = record.object.as_namespace()?.clone();
            owned(role::has_role(backend, n.owner), "schema", &n.name)?;
            if new.starts_with("pg_") {
                return Err(err!(RESERVED_NAME, "unacceptable schema name \"{new}\"")
                    .detail("The prefix \"pg_\" is reserved for system schemas.")
                    .into());
            }
            if backend.catalog.namespace_by_name(&new).is_some() {
                return Err(err!(DUPLICATE_SCHEMA, "schema \"{new}\" already exists").into());
            }
            n.name = new;
            return Ok(put_schema(cx, &last, n)?);
        }
        ObjectType::Role => {
            let found = backend.catalog.role_by_name(&last);
            let mut r = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "role \"{last}\" does not exist"))?;
            if backend.catalog.role_by_name(&new).is_some() {
                return Err(err!(DUPLICATE_OBJECT, "role \"{new}\" already exists").into());
            }
            if r.oid == backend.user.session || r.oid == backend.user.current {
                let which = if r.oid == backend.user.session { "session" } else { "current" };
                return Err(Error::unsupported(format!("{which} user cannot be renamed")).into());
            }
            if r.superuser && !backend.user.is_superuser {
                return Err(err!(INSUFFICIENT_PRIVILEGE, "must be superuser to rename superusers").into());
            }
            if !role::creates_roles(backend) {
                return Err(err!(INSUFFICIENT_PRIVILEGE, "permission denied to rename role").into());
            }
            role::refuse_reserved(&last)?;
            role::refuse_reserved(&new)?;
            r.name = new;
            // The name is part of what MD5 was made of.
            if r.password.as_deref().is_some_and(|p| p.starts_with("md5")) {
                r.password = None;
                let text = "MD5 password cleared because of role rename";
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, text.to_string());
            }
            Object::Role(r)
        }
        ObjectType::Database => {
            let found = backend.catalog.database_by_name(&last);
            let mut d = found.ok_or_else(|| err!(INVALID_CATALOG_NAME, "database \"{last}\" does not exist"))?;
            owned(role::has_role(backend, d.owner), "database", &d.name)?;
            if backend.catalog.database_by_name(&new).is_some() {
                return Err(err!(DUPLICATE_DATABASE, "database \"{new}\" already exists").into());
            }
            if d.oid == backend.database {
                return Err(Error::unsupported("current database cannot be renamed").into());
            }
            let others = backend.instance.services()?.sessions_in(d.oid);
            let prepared = backend.instance.storage.twophase.count_in(d.oid);
            if others + prepared > 0 {
                return Err(err!(OBJECT_IN_USE, "database \"{last}\" is being accessed by other users")
                    .detail(super::database::others_text(others, prepared))
                    .into());
            }
            d.name = new;
            Object::Database(d)
        }
        ObjectType::Tablespace => super::tablespace::renamed(cx, &last, new)?,
        ObjectType::Type | ObjectType::Domain => {
            let schema = name.len().checked_sub(2).map(|n| name[n].as_str());
            let found = backend.catalog.user_type_by_name(schema, &last)?;
            let mut t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", name.join(".")))?;
            owned(role::has_role(backend, t.owner), "type", &t.name)?;
            if !backend.catalog.find(class::TYPE, t.namespace, &new).is_empty() {
                return Err(err!(DUPLICATE_OBJECT, "type \"{new}\" already exists").into());
            }
            let before = Object::Type(t.clone());
            t.name = new.clone();
            if let UserTypeKind::Composite { class } = &t.kind {
                let class = *class;
                change(cx, class, |c| c.name = new)?;
            }
            return Ok(put_renamed(cx, &before, Object::Type(t))?);
        }
        object => {
            let name = ObjectName::Name(QualName { parts: name.to_vec(), pos: crate::sql::ast::NOWHERE });
            return Err(super::absent::refuse_alter(cmd, cx, object, &name, "RENAME").into());
        }
    };
    put(cx, object)?;
    Ok(())
}

fn owned(yes: bool, word: &str, name: &str) -> Result<()> {
    match yes {
        true => Ok(()),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {word} {name}")),
    }
}

// ---- SET SCHEMA ----

pub fn set_schema(cmd: &mut Command, cx: &mut ExecContext, stmt: &AlterObjectSchemaStmt) -> Flow<String> {
    let tag = cmd.stmt.tag().to_string();
    let namespace = cx.backend()?.catalog.namespace_oid(&stmt.new_schema)?;
    if let Some(relation) = &stmt.relation {
        let Some(found) = find(cmd, cx, relation, stmt.missing_ok)? else { return Ok(tag) };
        schema::may_create_in(cx.backend()?, namespace)?;
        if matches!(found.kind, RelKind::Index | RelKind::PartitionedIndex) {
            return Err(err!(WRONG_OBJECT_TYPE, "cannot change schema of index \"{}\"", found.name)
                .hint("Change the schema of the table instead.")
                .into());
        }
        introduce(cx, found.oid)?;
        move_relation(cx, &found, namespace, &stmt.new_schema)?;
        return Ok(tag);
    }
    if let (ObjectType::Extension, Some(ObjectName::Name(name))) = (stmt.object, &stmt.name) {
        super::extension::set_schema(cx, name.name(), namespace)?;
        return Ok(tag);
    }
    if let Some(name @ ObjectName::Function(_)) = &stmt.name {
        let before = function::named(cmd, cx, (stmt.object, Some("function")), name)?;
        schema::may_create_in(cx.backend()?, namespace)?;
        if namespace != before.namespace {
            function::check_free(cx, &before, namespace, &before.name)?;
        }
        let after = Function { namespace, ..before.clone() };
        put_renamed(cx, &Object::Function(before), Object::Function(after))?;
        return Ok(tag);
    }
    if let (Some(kind), Some(ObjectName::Name(name))) = (super::text_search::kind_of(stmt.object), &stmt.name) {
        schema::may_create_in(cx.backend()?, namespace)?;
        let change = super::text_search::Change { namespace: Some(namespace), ..Default::default() };
        let moved = super::text_search::changed(cx, kind, &name.parts, &change)?;
        put(cx, moved)?;
        return Ok(tag);
    }
    if let (ObjectType::Collation, Some(ObjectName::Name(name))) = (stmt.object, &stmt.name)
        && let Some(mut c) = super::collation::named(cx, name)?
    {
        schema::may_create_in(cx.backend()?, namespace)?;
        super::collation::check_free(cx, namespace, &c.name)?;
        c.namespace = namespace;
        put(cx, Object::Collation(c))?;
        return Ok(tag);
    }
    if let Some(name) = &stmt.name
        && let Some(moved) = {
            let change = super::text_search::Change { namespace: Some(namespace), ..Default::default() };
            super::schema_object::changed(cx, stmt.object, name, &change)?
        }
    {
        put(cx, moved)?;
        return Ok(tag);
    }
    if let Some(ObjectName::Operator(sig)) = &stmt.name
        && let Some(mut o) = super::operator::named(cmd, cx, sig)?
    {
        schema::may_create_in(cx.backend()?, namespace)?;
        o.namespace = namespace;
        put(cx, Object::Operator(o))?;
        return Ok(tag);
    }
    let parts = match &stmt.name {
        Some(ObjectName::Name(name)) => name.parts.clone(),
        Some(ObjectName::Type(name)) => name.names.clone(),
        Some(name) => return Err(super::absent::refuse_alter(cmd, cx, stmt.object, name, "SET SCHEMA").into()),
        None => return Err(Error::internal("SET SCHEMA of nothing").into()),
    };
    if stmt.object == ObjectType::Statistics {
        schema::may_create_in(cx.backend()?, namespace)?;
        let moved = super::statistics::moved(cx, &parts, None, Some(namespace))?;
        put(cx, moved)?;
        return Ok(tag);
    }
    if !matches!(stmt.object, ObjectType::Type | ObjectType::Domain) {
        let name = ObjectName::Name(QualName { parts, pos: crate::sql::ast::NOWHERE });
        return Err(super::absent::refuse_alter(cmd, cx, stmt.object, &name, "SET SCHEMA").into());
    }
    let (last, schema) = parts.split_last().ok_or_else(|| Error::internal("an empty name"))?;
    let found = cx.backend()?.catalog.user_type_by_name(schema.last().map(String::as_str), last)?;
    let mut t = found.ok_or_else(|| err!(UNDEFINED_OBJECT, "type \"{}\" does not exist", parts.join(".")))?;
    owned(role::has_role(cx.backend()?, t.owner), "type", &t.name)?;
    let before = Object::Type(t.clone());
    t.namespace = namespace;
    if let UserTypeKind::Composite { class } = &t.kind {
        let class = *class;
        change(cx, class, |c| c.namespace = namespace)?;
    }
    put_renamed(cx, &before, Object::Type(t))?;
    Ok(tag)
}

fn move_relation(cx: &mut ExecContext, found: &Relation, namespace: Oid, schema: &str) -> Flow<()> {
    if found.namespace == namespace {
        return Ok(());
    }
    let mut all = vec![found.oid];
    all.extend(cx.backend()?.catalog.indexes_of(found.oid));
    if matches!(found.kind, RelKind::Table | RelKind::Partitioned) {
        all.extend(sequence::owned_by(cx, found.oid)?.into_iter().map(|s| s.0));
    }
    if found.kind == RelKind::Sequence && class_of(cx, found.oid)?.depends.iter().any(|d| d.auto) {
        return Err(Error::unsupported("cannot move an owned sequence into another schema").into());
    }
    for oid in &all {
        let name = class_of(cx, *oid)?.name;
        names::lock_name(cx, class::RELATION, namespace, &name)?;
        if cx.backend()?.catalog.class_in(namespace, &name).is_some() {
            let text = format!("relation \"{name}\" already exists in schema \"{schema}\"");
            return Err(Error::new(SqlState::DUPLICATE_TABLE, text).into());
        }
    }
    for oid in all {
        change(cx, oid, |c| c.namespace = namespace)?;
    }
    Ok(())
}
