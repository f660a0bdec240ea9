//! CREATE COLLATION: another name for the order of bytes. PostgreSQL 15, collationcmds.c: same refusals.

use super::write::{new_oid, put};
use super::{Command, names, role, schema};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::object::{class, fixed};
use crate::catalog::{Catalog, Collation, Object, ObjectKey};
use crate::err;
use crate::sql::ast::{DefElem, DefineStmt, QualName};
use crate::sql::exec::ExecContext;
use crate::types::{TypeRef, Value, oid};

/// A user's collation by name.
pub fn find(catalog: &Catalog, name: &QualName) -> Option<Collation> {
    let path = match name.schema() {
        Some(s) => vec![catalog.namespace_by_name(s)?.object.as_namespace().ok()?.oid],
        None => catalog.effective_path().to_vec(),
    };
    path.into_iter().find_map(|namespace| in_schema(catalog, namespace, name.name()))
}

/// A collation's name, without its schema.
pub fn name(catalog: &Catalog, oid: Oid) -> String {
    match catalog.get(ObjectKey::new(class::COLLATION, oid)).map(|r| r.object.clone()) {
        Some(Object::Collation(c)) => c.name,
        _ => crate::sql::exec::system_view::collation_name(oid).unwrap_or_default().to_string(),
    }
}

fn in_schema(catalog: &Catalog, namespace: Oid, name: &str) -> Option<Collation> {
    let oid = *catalog.find(class::COLLATION, namespace, name).first()?;
    match &catalog.get(ObjectKey::new(class::COLLATION, oid))?.object {
        Object::Collation(c) => Some(c.clone()),
        _ => None,
    }
}

/// A user's own collation.
pub fn named(cx: &mut ExecContext, name: &QualName) -> Result<Option<Collation>> {
    let catalog = cx.backend()?.catalog.clone();
    let Some(found) = find(&catalog, name) else { return Ok(None) };
    match role::has_role(cx.backend()?, found.owner) {
        true => Ok(Some(found)),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of collation {}", found.name)),
    }
}

/// # Errors
/// 42710 where a schema has one of this name.
pub fn check_free(cx: &mut ExecContext, namespace: Oid, name: &str) -> Result<()> {
    let catalog = cx.backend()?.catalog.clone();
    if in_schema(&catalog, namespace, name).is_none() {
        return Ok(());
    }
    let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
    let text = format!("collation \"{name}\" for encoding \"UTF8\" already exists in schema \"{schema}\"");
    Err(Error::new(SqlState::DUPLICATE_OBJECT, text))
}

/// The locales: how text is ordered, and what is a letter.
fn locales(cmd: &Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Result<(String, String)> {
    if let Some(from) = &stmt.from {
        return copied(cx, from);
    }
    let (mut locale, mut collate, mut ctype, mut provider) = (None, None, None, None);
    for e in &stmt.options {
        let slot = match e.name.as_str() {
            "locale" => &mut locale,
            "lc_collate" => &mut collate,
            "lc_ctype" => &mut ctype,
            "provider" => &mut provider,
            "deterministic" if is_false(e) => {
                return Err(Error::unsupported("nondeterministic collations not supported with this provider"));
            }
            "deterministic" | "version" => continue,
            other => {
                let text = format!("collation attribute \"{other}\" not recognized");
                return Err(Error::new(SqlState::SYNTAX_ERROR, text).at(cmd.at(e.pos)));
            }
        };
        if slot.is_some() {
            return Err(err!(SYNTAX_ERROR, "conflicting or redundant options").at(cmd.at(e.pos)));
        }
        *slot = e.string();
    }
    if locale.is_some() && (collate.is_some() || ctype.is_some()) {
        return Err(err!(SYNTAX_ERROR, "conflicting or redundant options")
            .detail("LOCALE cannot be specified together with LC_COLLATE or LC_CTYPE."));
    }
    match provider.as_deref() {
        None | Some("libc") => {}
        Some("icu") => return Err(Error::unsupported("collations by ICU are not supported")),
        Some(other) => return Err(err!(INVALID_OBJECT_DEFINITION, "unrecognized collation provider: {other}")),
    }
    let missing = |name: &str| err!(INVALID_OBJECT_DEFINITION, "parameter \"{name}\" must be specified");
    let collate = collate.or_else(|| locale.clone()).ok_or_else(|| missing("lc_collate"))?;
    let ctype = ctype.or(locale).ok_or_else(|| missing("lc_ctype"))?;
    for name in [&collate, &ctype] {
        if !matches!(name.as_str(), "C" | "POSIX") {
            return Err(Error::unsupported(format!(
                "locale \"{name}\" is not supported: there is only the order of bytes"
            )));
        }
    }
    Ok((collate, ctype))
}

fn is_false(e: &DefElem) -> bool {
    e.string().is_some_and(|s| matches!(s.to_ascii_lowercase().as_str(), "false" | "off" | "0"))
}

fn copied(cx: &mut ExecContext, from: &QualName) -> Result<(String, String)> {
    let catalog = cx.backend()?.catalog.clone();
    if let Some(c) = find(&catalog, from) {
        return Ok((c.collate, c.ctype));
    }
    let quoted = from.parts.iter().map(|p| crate::types::name::quote_identifier(p)).collect::<Vec<_>>().join(".");
    let known = crate::types::text_in(TypeRef::of(oid::REGCOLLATION), &quoted, &cx.fx.io)?;
    if matches!(known, Value::U32(c) if Oid(c) == fixed::DEFAULT_COLLATION) {
        return Err(err!(INVALID_OBJECT_DEFINITION, "collation \"default\" cannot be copied"));
    }
    match from.name() {
        name @ ("C" | "POSIX") => Ok((name.to_owned(), name.to_owned())),
        "ucs_basic" => Ok(("C".into(), "C".into())),
        other => Err(Error::unsupported(format!("collation \"{other}\" is not supported"))),
    }
}

pub fn create(cmd: &mut Command, cx: &mut ExecContext, stmt: &DefineStmt) -> Flow<String> {
    let backend = cx.backend()?;
    let namespace = schema::for_new(backend, stmt.name.schema())?;
    let owner = backend.user.current;
    let name = stmt.name.name().to_owned();
    names::lock_name(cx, class::COLLATION, namespace, &name)?;
    let (collate, ctype) = locales(cmd, cx, stmt)?;
    let catalog = cx.backend()?.catalog.clone();
    if in_schema(&catalog, namespace, &name).is_some() {
        let text = format!("collation \"{name}\" already exists");
        if stmt.if_not_exists {
            names::notice(cx, SqlState::DUPLICATE_OBJECT, format!("{text}, skipping"));
            return Ok("CREATE COLLATION".into());
        }
        return Err(Error::new(SqlState::DUPLICATE_OBJECT, text).into());
    }
    let oid = new_oid(cx)?;
    put(cx, Object::Collation(Collation { oid, name, namespace, owner, collate, ctype }))?;
    Ok("CREATE COLLATION".into())
}

/// How it is called in messages.
pub fn shown(catalog: &Catalog, c: &Collation) -> String {
    let name = crate::types::name::quote_identifier(&c.name);
    match catalog.namespace(c.namespace) {
        Some(n) if !catalog.effective_path().contains(&c.namespace) => {
            format!("{}.{name}", crate::types::name::quote_identifier(&n.name))
        }
        _ => name,
    }
}
