//! Owner, rights and comments of large objects.

use super::grant::Grant;
use super::owner;
use super::write::delete;
use crate::base::{Flow, Oid, Result};
use crate::catalog::ObjectKey;
use crate::catalog::object::comment_key;
use crate::err;
use crate::sql::ast::ObjectType;
use crate::sql::exec::ExecContext;
use crate::sql::large_object::{CLASS, object};

/// The number a statement names an object by.
///
/// # Errors
/// 22003 for what is no OID.
pub fn number(text: &str) -> Result<Oid> {
    text.parse().map(Oid).map_err(|_| err!(NUMERIC_VALUE_OUT_OF_RANGE, "value \"{text}\" is out of range for type oid"))
}

/// The object a comment is on.
pub fn commented(cx: &mut ExecContext, text: &str) -> Flow<ObjectKey> {
    let known = object::named(cx, number(text)?, None)?;
    object::check_owner(cx, &known)?;
    Ok(ObjectKey::new(CLASS, known.oid))
}

/// The comment on an object that goes.
pub fn forget_comment(cx: &mut ExecContext, object: Oid) -> Result<()> {
    let key = comment_key(ObjectKey::new(CLASS, object));
    match cx.backend()?.catalog.get(key).is_some() {
        true => delete(cx, key),
        false => Ok(()),
    }
}

/// ALTER LARGE OBJECT … OWNER TO.
pub fn set_owner(cx: &mut ExecContext, text: &str, new: (Oid, &str)) -> Flow<()> {
    let known = object::named(cx, number(text)?, None)?;
    object::check_owner(cx, &known)?;
    owner::may_become(cx, new.0, new.1)?;
    give(cx, known.oid, new.0)
}

/// The same without asking who may.
pub fn give(cx: &mut ExecContext, id: Oid, new: Oid) -> Flow<()> {
    object::change(cx, id, |o| owner::change_owner(&mut o.owner, &mut o.acl, new))
}

/// GRANT and REVOKE ON LARGE OBJECT.
pub fn grant(cx: &mut ExecContext, what: &Grant<'_>, text: &str) -> Flow<()> {
    let known = object::named(cx, number(text)?, None)?;
    let mut acl = known.acl.clone();
    what.on(cx, ObjectType::LargeObject, &format!("large object {}", known.oid), known.owner, &mut acl)?;
    object::change(cx, known.oid, |o| o.acl = acl)
}

/// Takes all rights on an object from a role.
pub fn take_all(cx: &mut ExecContext, id: Oid, role: Oid, name: &str) -> Flow<()> {
    use crate::catalog::acl::{is_role, split};
    object::change(cx, id, |o| o.acl.iter_mut().for_each(|items| items.retain(|i| !is_role(split(i).0, role, name))))
}

/// Removes an object with its comment; the caller has asked who may.
pub fn remove(cx: &mut ExecContext, id: Oid) -> Flow<()> {
    object::remove(cx, id)?;
    Ok(forget_comment(cx, id)?)
}

/// Lines for the objects that keep a role from going.
pub fn tie_lines(cx: &mut ExecContext, role: Oid, name: &str) -> Flow<Vec<String>> {
    let found = object::ties(cx, role, name)?;
    let line = |(id, owned): (Oid, bool)| match owned {
        true => format!("owner of large object {id}"),
        false => format!("privileges for large object {id}"),
    };
    Ok(found.into_iter().map(line).collect())
}
