//! Kinds of objects of which nobody can make any: those that are built in cannot be changed, and others do not exist.

use super::names;
use super::write::resolve_type;
use super::{Command, cast, collation, drop, operator, schema_object};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::IndexMethod;
use crate::catalog::ObjectKey;
use crate::catalog::object::class;
use crate::err;
use crate::sql::ast::{DropStmt, ObjectName, ObjectType, OperSignature, QualName, TypeName};
use crate::sql::exec::{ExecContext, system_view};
use crate::sql::func;

/// What a kind is called in messages.
fn word(object: ObjectType) -> Option<&'static str> {
    Some(match object {
        ObjectType::AccessMethod => "access method",
        ObjectType::Collation => "collation",
        ObjectType::Conversion => "conversion",
        ObjectType::EventTrigger => "event trigger",
        ObjectType::Extension => "extension",
        ObjectType::ForeignDataWrapper => "foreign-data wrapper",
        ObjectType::ForeignServer => "server",
        ObjectType::ForeignTable => "foreign table",
        ObjectType::Language => "language",
        ObjectType::OpClass => "operator class",
        ObjectType::OpFamily => "operator family",
        ObjectType::Subscription => "subscription",
        ObjectType::TsConfiguration => "text search configuration",
        ObjectType::TsDictionary => "text search dictionary",
        ObjectType::TsParser => "text search parser",
        ObjectType::TsTemplate => "text search template",
        _ => return None,
    })
}

/// Whether such an object is built in.
fn is_built_in(object: ObjectType, name: &str) -> bool {
    match object {
        ObjectType::AccessMethod => matches!(name, "heap" | "btree" | "hash" | "gist" | "gin" | "spgist" | "brin"),
        ObjectType::Collation => system_view::builtin_collation_named(name).is_some(),
        ObjectType::Language => matches!(name, "internal" | "c" | "sql" | "plpgsql"),
        ObjectType::OpClass | ObjectType::OpFamily => {
            system_view::opclass_named(IndexMethod::Btree, name).is_some() || name.ends_with("_ops")
        }
        ObjectType::TsConfiguration | ObjectType::TsDictionary => name == "simple" || name.starts_with("english"),
        ObjectType::TsParser => name == "default",
        ObjectType::TsTemplate => matches!(name, "simple" | "synonym" | "ispell" | "thesaurus" | "snowball"),
        _ => false,
    }
}

/// 2BP01 for what is built in.
pub fn required(what: &str) -> Error {
    err!(DEPENDENT_OBJECTS_STILL_EXIST, "cannot drop {what} because it is required by the database system")
}

/// What an ALTER of such an object comes to.
pub fn refuse_alter(cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName, what: &str) -> Error {
    let plain = match name {
        ObjectName::Name(n) => n.clone(),
        ObjectName::Type(t) => QualName { parts: t.names.clone(), pos: t.pos },
        ObjectName::OpClass { name, .. } => name.clone(),
        ObjectName::Operator(sig) => {
            return match built_in_operator(cmd, cx, sig).map_err(without_place) {
                Ok(_) => Error::unsupported(format!("{what} of operators is not supported")),
                Err(e) => e,
            };
        }
        ObjectName::LargeObject(n) => return err!(UNDEFINED_OBJECT, "large object {n} does not exist"),
        _ => return Error::unsupported(format!("{what} of this kind of object is not supported")),
    };
    match word(object) {
        Some(_) if !is_built_in(object, plain.name()) => match missing_schema(cx, &plain) {
            Err(e) => e,
            Ok(Some(schema)) => err!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist"),
            Ok(None) => missing(object, name, &plain.joined()),
        },
        _ => Error::unsupported(format!("{what} of this kind of object is not supported")),
    }
}

fn missing(object: ObjectType, name: &ObjectName, shown: &str) -> Error {
    let word = word(object).unwrap_or("object");
    let state = match object {
        ObjectType::ForeignTable => SqlState::UNDEFINED_TABLE,
        _ => SqlState::UNDEFINED_OBJECT,
    };
    let behind = match (object, name) {
        (ObjectType::Collation, _) => " for encoding \"UTF8\"".to_owned(),
        _ => String::new(),
    };
    let after = match name {
        ObjectName::OpClass { method, .. } => format!(" for access method \"{method}\""),
        _ => String::new(),
    };
    Error::new(state, format!("{word} \"{shown}\"{behind} does not exist{after}"))
}

fn missing_schema(cx: &mut ExecContext, name: &QualName) -> Result<Option<String>> {
    Ok(names::check_schema(cx, name.schema()).is_err().then(|| name.schema().unwrap_or_default().to_owned()))
}

/// DROP: true where the kind is one of these.
pub fn drop(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt) -> Flow<bool> {
    let own = matches!(stmt.object, ObjectType::Cast | ObjectType::Operator | ObjectType::Transform);
    if !own && word(stmt.object).is_none() {
        return Ok(false);
    }
    let mut targets = Vec::new();
    for name in &stmt.names {
        if let ObjectName::OpClass { method, .. } = name {
            schema_object::method(method)?;
        }
        if let Some(key) =
            own_one(cmd, cx, stmt.object, name).map_err(without_place).or_else(|e| match stmt.missing_ok {
                true if is_missing(&e) => Ok(None),
                _ => Err(e),
            })?
        {
            targets.push(key);
            continue;
        }
        match one(cmd, cx, stmt, name).map_err(without_place) {
            Ok(()) => {}
            Err(e) if stmt.missing_ok && is_missing(&e) => {
                let text = skipped(cx, stmt.object, name, &e);
                names::notice(cx, SqlState::SUCCESSFUL_COMPLETION, format!("{text}, skipping"));
            }
            Err(e) => return Err(e.into()),
        }
    }
    if !targets.is_empty() {
        drop::remove(cx, targets, stmt.behavior)?;
    }
    Ok(true)
}

/// A user's operator, cast, collation, conversion, operator class or family.
fn own_one(cmd: &Command, cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Result<Option<ObjectKey>> {
    Ok(match name {
        ObjectName::Operator(sig) if names::check_schema(cx, sig.op.schema.as_deref()).is_err() => None,
        ObjectName::Operator(sig) => operator::named(cmd, cx, sig)?.map(|o| ObjectKey::new(class::OPERATOR, o.oid)),
        ObjectName::Name(name) if object == ObjectType::Collation => {
            collation::named(cx, name)?.map(|c| ObjectKey::new(class::COLLATION, c.oid))
        }
        ObjectName::Name(name) if super::text_search::kind_of(object).is_some() => {
            let Some(kind) = super::text_search::kind_of(object) else { return Ok(None) };
            let key = super::text_search::named(cx, kind, &name.parts)?;
            if key.oid < crate::base::Oid::FIRST_NORMAL {
                let shown = kind.shown(&cx.backend()?.catalog.clone(), key.oid).unwrap_or_default();
                let what = format!("{} {shown}", kind.word());
                return Err(match key.oid < super::text_search::FIRST_UNPINNED {
                    true => required(&what),
                    false => Error::unsupported(format!("DROP of the built-in {what} is not supported")),
                });
            }
            Some(key)
        }
        ObjectName::OpClass { .. } => schema_object::find(cx, object, name)?.map(|o| o.key()),
        ObjectName::Name(_) if object == ObjectType::Conversion => {
            schema_object::find(cx, object, name)?.map(|o| o.key())
        }
        ObjectName::Cast { from, to } => cast::named(cmd, cx, from, to)?.map(|c| ObjectKey::new(class::CAST, c.oid)),
        _ => None,
    })
}

fn without_place(mut e: Error) -> Error {
    e.0.position = None;
    e
}

fn is_missing(e: &Error) -> bool {
    [SqlState::UNDEFINED_OBJECT, SqlState::UNDEFINED_FUNCTION, SqlState::UNDEFINED_TABLE, SqlState::INVALID_SCHEMA_NAME]
        .contains(&e.sqlstate())
}

fn skipped(cx: &mut ExecContext, object: ObjectType, name: &ObjectName, e: &Error) -> String {
    match name {
        ObjectName::Operator(sig) if let Err(e) = names::check_schema(cx, sig.op.schema.as_deref()) => {
            e.message().to_owned()
        }
        ObjectName::Operator(sig) if e.sqlstate() == SqlState::UNDEFINED_FUNCTION => {
            format!("operator {} does not exist", sig.op.name)
        }
        _ if object == ObjectType::Collation => e.message().replace(" for encoding \"UTF8\"", ""),
        _ => e.message().to_owned(),
    }
}

/// # Errors
/// That there is none, or that it must stay.
fn one(cmd: &Command, cx: &mut ExecContext, stmt: &DropStmt, name: &ObjectName) -> Result<()> {
    let plain = match name {
        ObjectName::Cast { from, to } => return built_in_cast(cmd, cx, from, to),
        ObjectName::Operator(sig) => {
            let (oid, shown) = built_in_operator(cmd, cx, sig)?;
            let _ = oid;
            return Err(required(&format!("operator {shown}")));
        }
        ObjectName::Transform { typ, language } => {
            let ty = resolve_type(cx, &cmd.source, typ)?;
            let shown = crate::types::format_type(ty.oid, -1, &*cx.fx.io.hooks);
            if !is_built_in(ObjectType::Language, language) {
                return Err(err!(UNDEFINED_OBJECT, "language \"{language}\" does not exist"));
            }
            let text = format!("transform for type {shown} language \"{language}\" does not exist");
            return Err(Error::new(SqlState::UNDEFINED_OBJECT, text));
        }
        ObjectName::OpClass { name, method } => {
            if !is_built_in(ObjectType::AccessMethod, method) {
                return Err(err!(UNDEFINED_OBJECT, "access method \"{method}\" does not exist"));
            }
            name.clone()
        }
        ObjectName::Name(n) => n.clone(),
        _ => return Err(Error::internal("DROP of an odd name")),
    };
    if let Some(schema) = missing_schema(cx, &plain)? {
        return Err(err!(INVALID_SCHEMA_NAME, "schema \"{schema}\" does not exist"));
    }
    if stmt.object == ObjectType::ForeignTable
        && let Some(found) = names::find_relation(cx, &names::range_var(&plain.parts))?
    {
        let actual = names::kind_word(found.kind);
        return Err(err!(WRONG_OBJECT_TYPE, "\"{}\" is not a foreign table", found.name).hint(drop::instead(actual)));
    }
    if !is_built_in(stmt.object, plain.name()) {
        return Err(missing(stmt.object, name, &plain.joined()));
    }
    let word = word(stmt.object).unwrap_or("object");
    match stmt.object {
        ObjectType::Language if plain.name() == "plpgsql" => Err(err!(
            DEPENDENT_OBJECTS_STILL_EXIST,
            "cannot drop language plpgsql because extension plpgsql requires it"
        )
        .hint("You can drop extension plpgsql instead.")),
        _ => Err(required(&format!("{word} {}", crate::types::name::quote_identifier(plain.name())))),
    }
}

fn built_in_cast(cmd: &Command, cx: &mut ExecContext, from: &TypeName, to: &TypeName) -> Result<()> {
    let (from, to) = (resolve_type(cx, &cmd.source, from)?.oid, resolve_type(cx, &cmd.source, to)?.oid);
    let shown = |t| crate::types::format_type(t, -1, &*cx.fx.io.hooks);
    let (a, b) = (shown(from), shown(to));
    match func::cast(from, to) {
        Some(_) => Err(required(&format!("cast from {a} to {b}"))),
        None => Err(err!(UNDEFINED_OBJECT, "cast from type {a} to type {b} does not exist")),
    }
}

/// A built-in operator, and how it is shown.
pub fn built_in_operator(cmd: &Command, cx: &mut ExecContext, sig: &OperSignature) -> Result<(Oid, String)> {
    let mut side = |t: &Option<TypeName>| -> Result<Oid> {
        t.as_ref().map_or(Ok(Oid::INVALID), |t| Ok(resolve_type(cx, &cmd.source, t)?.oid))
    };
    let (left, right) = (side(&sig.left)?, side(&sig.right)?);
    if !right.is_valid() {
        return Err(err!(SYNTAX_ERROR, "postfix operators are not supported"));
    }
    let elsewhere = sig.op.schema.as_deref().is_some_and(|s| s != "pg_catalog");
    let shown = |t: Oid| match t.is_valid() {
        true => crate::types::format_type(t, -1, &*cx.fx.io.hooks),
        false => "NONE".into(),
    };
    let name = &sig.op.name;
    match func::type_operator(name, left, right).filter(|_| !elsewhere) {
        Some(o) => Ok((o.oid, format!("{name}({},{})", shown(left), shown(right)))),
        None => {
            let name = match &sig.op.schema {
                Some(schema) => format!("{schema}.{name}"),
                None => name.clone(),
            };
            let text = match left.is_valid() {
                true => format!("operator does not exist: {} {name} {}", shown(left), shown(right)),
                false => format!("operator does not exist: {name} {}", shown(right)),
            };
            Err(Error::new(SqlState::UNDEFINED_FUNCTION, text))
        }
    }
}

/// Nobody provides labels. PostgreSQL 15, seclabel.c, ExecSecLabelStmt: same words.
pub fn security_label(stmt: &crate::sql::ast::SecurityLabelStmt) -> Error {
    match &stmt.provider {
        Some(name) => err!(INVALID_PARAMETER_VALUE, "security label provider \"{name}\" is not loaded"),
        None => err!(INVALID_PARAMETER_VALUE, "no security label providers have been loaded"),
    }
}

/// LOAD: what could be loaded is part of the program.
///
/// # Errors
/// 58P01 for a library that is not there, 42501 for users who may not have it.
pub fn load(cx: &mut ExecContext, name: &str) -> Result<String> {
    if !cx.backend()?.user.is_superuser {
        return Err(err!(INSUFFICIENT_PRIVILEGE, "access to library \"{name}\" is not allowed"));
    }
    crate::sql::extension::check_library(name).map(|()| "LOAD".into())
}
