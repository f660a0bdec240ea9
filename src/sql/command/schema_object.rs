//! Conversions, operator classes and operator families of users: of these a name, a schema and an owner are all that can
//! be altered. PostgreSQL 15, alter.c: same checks in the same order.

use super::text_search::Change;
use super::{names, role, schema};
use crate::base::{Error, Oid, Result, SqlState};
use crate::catalog::opclass::{method_name, method_named};
use crate::catalog::{Catalog, Object};
use crate::err;
use crate::sql::ast::{ObjectName, ObjectType, QualName};
use crate::sql::exec::ExecContext;

/// What is looked for: the kind, the name, the access method.
struct Wanted<'a> {
    object: ObjectType,
    name: &'a QualName,
    method: Oid,
}

/// # Errors
/// 42704 for an access method that is none.
pub fn method(name: &str) -> Result<Oid> {
    method_named(name).ok_or_else(|| err!(UNDEFINED_OBJECT, "access method \"{name}\" does not exist"))
}

fn wanted(object: ObjectType, name: &ObjectName) -> Result<Option<Wanted<'_>>> {
    Ok(match name {
        ObjectName::Name(name) if object == ObjectType::Conversion => {
            Some(Wanted { object, name, method: Oid::INVALID })
        }
        ObjectName::OpClass { name, method: m } => Some(Wanted { object, name, method: method(m)? }),
        _ => None,
    })
}

fn in_schema(catalog: &Catalog, object: ObjectType, method: Oid, namespace: Oid, name: &str) -> Option<Object> {
    match object {
        ObjectType::Conversion => catalog.conversion_in(namespace, name).map(Object::Conversion),
        ObjectType::OpClass => catalog.opclass_in(namespace, method, name).map(Object::OpClass),
        _ => catalog.opfamily_in(namespace, method, name).map(Object::OpFamily),
    }
}

/// What such an object is called in messages, and its access method.
fn words(o: &Object) -> (&'static str, String) {
    let of = |method: Oid| format!(" for access method \"{}\"", method_name(method));
    match o {
        Object::OpClass(o) => ("operator class", of(o.method)),
        Object::OpFamily(f) => ("operator family", of(f.method)),
        _ => ("conversion", String::new()),
    }
}

/// The user's own object of this name; None where there is none of users, or the name is of another kind of object.
///
/// # Errors
/// 42501 for somebody else's.
pub fn find(cx: &mut ExecContext, object: ObjectType, name: &ObjectName) -> Result<Option<Object>> {
    let Some(w) = wanted(object, name)? else { return Ok(None) };
    let catalog = cx.backend()?.catalog.clone();
    names::may_look_into(&catalog, w.name.schema())?;
    let path = match w.name.schema() {
        Some(_) if names::check_schema(cx, w.name.schema()).is_err() => return Ok(None),
        Some(s) => [catalog.namespace_oid(s)?].into_iter().collect(),
        None => catalog.effective_path(),
    };
    let found = path.into_iter().find_map(|n| in_schema(&catalog, w.object, w.method, n, w.name.name()));
    let Some(found) = found else { return Ok(None) };
    match found.owned().is_none_or(|(owner, _)| cx.backend().is_ok_and(|b| role::has_role(b, owner))) {
        true => Ok(Some(found)),
        false => Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of {} {}", words(&found).0, w.name.joined())),
    }
}

/// The object under its new name, in its new place or with its new owner.
///
/// # Errors
/// 42710 where there is one of that name; 42501.
pub fn changed(
    cx: &mut ExecContext,
    object: ObjectType,
    name: &ObjectName,
    change: &Change<'_>,
) -> Result<Option<Object>> {
    let Some(mut found) = find(cx, object, name)? else { return Ok(None) };
    let (word, of) = words(&found);
    let method = match &found {
        Object::OpClass(o) => o.method,
        Object::OpFamily(f) => f.method,
        _ => Oid::INVALID,
    };
    let (place, own, owner) = match &mut found {
        Object::OpClass(o) => (&mut o.namespace, &mut o.name, &mut o.owner),
        Object::OpFamily(f) => (&mut f.namespace, &mut f.name, &mut f.owner),
        Object::Conversion(c) => (&mut c.namespace, &mut c.name, &mut c.owner),
        _ => return Err(Error::internal("an object of another kind")),
    };
    if change.name.is_some() || change.namespace.is_some() {
        let (namespace, new) = (change.namespace.unwrap_or(*place), change.name.unwrap_or(own));
        schema::may_create_in(cx.backend()?, namespace)?;
        let catalog = cx.backend()?.catalog.clone();
        if (namespace != *place || new != own.as_str()) && in_schema(&catalog, object, method, namespace, new).is_some()
        {
            let schema = catalog.namespace(namespace).map(|n| n.name).unwrap_or_default();
            let text = format!("{word} \"{new}\"{of} already exists in schema \"{schema}\"");
            return Err(Error::new(SqlState::DUPLICATE_OBJECT, text));
        }
        (*own, *place) = (new.to_owned(), namespace);
    }
    *owner = change.owner.unwrap_or(*owner);
    Ok(Some(found))
}

/// `operator class c for access method gin`, with the schema where the search path does not find it.
pub fn shown(catalog: &Catalog, o: &Object) -> String {
    let (namespace, name) = o.name().unwrap_or_default();
    let visible = catalog.effective_path().contains(&namespace);
    let schema = catalog.namespace(namespace).map(|n| format!("{}.", n.name)).filter(|_| !visible);
    let (word, of) = words(o);
    format!("{word} {}{name}{}", schema.unwrap_or_default(), of.replace('"', ""))
}
