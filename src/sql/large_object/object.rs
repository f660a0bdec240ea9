//! What is known of an object: that it is there, its owner, its rights.

use super::{missing, store};
use crate::base::{Error, Flow, Oid, Result, SqlState};
use crate::catalog::acl::mentions;
use crate::err;
use crate::lock::LockMode;
use crate::mvcc::Snapshot;
use crate::settings::{Id, Lookup};
use crate::sql::exec::ExecContext;
use crate::types::array::{self, Array};
use crate::types::{Batch, Datum, Value, oid};

/// One large object without its bytes.
#[derive(Clone, Debug)]
pub struct LargeObject {
    pub oid: Oid,
    pub owner: Oid,
    pub acl: Option<Vec<String>>,
}

fn read(batches: &[Batch]) -> Vec<LargeObject> {
    let mut found = Vec::new();
    for batch in batches {
        for row in 0..batch.rows {
            let value = |n: usize| batch.columns.get(n).map_or(Datum::Null, |c| c.get(row));
            let acl = match value(2) {
                Datum::Bytes(items) => Some(Array::new(items).iter().map(|i| i.str().to_string()).collect()),
                _ => None,
            };
            found.push(LargeObject { oid: Oid(value(0).u32()), owner: Oid(value(1).u32()), acl });
        }
    }
    found
}

/// All objects a snapshot sees, None: as of now.
pub fn all(cx: &mut ExecContext, snapshot: Option<&Snapshot>) -> Flow<Vec<LargeObject>> {
    if !store::lock(cx, LockMode::AccessShare)? {
        return Ok(Vec::new());
    }
    let text = "SELECT oid, owner, acl FROM pg_toast.pg_largeobject_metadata";
    Ok(read(&store::run(cx, text, Vec::new(), snapshot)?))
}

/// An object by its number.
pub fn find(cx: &mut ExecContext, object: Oid, snapshot: Option<&Snapshot>) -> Flow<Option<LargeObject>> {
    if !store::lock(cx, LockMode::AccessShare)? {
        return Ok(None);
    }
    let text = "SELECT oid, owner, acl FROM pg_toast.pg_largeobject_metadata WHERE oid = $1";
    let found = store::run(cx, text, vec![(oid::OID, Value::U32(object.0))], snapshot)?;
    Ok(read(&found).pop())
}

/// Makes an empty object; 0: with a new number.
///
/// # Errors
/// 23505 if there is one of this number.
pub fn create(cx: &mut ExecContext, wanted: Oid) -> Flow<Oid> {
    store::prepare(cx)?;
    let mut object = wanted;
    loop {
        if !wanted.is_valid() {
            object = crate::sql::command::new_oid(cx)?;
        }
        store::lock_object(cx, object, LockMode::Exclusive)?;
        match find(cx, object, None)? {
            None => break,
            Some(_) if wanted.is_valid() => return Err(taken(object).into()),
            Some(_) => {}
        }
    }
    let owner = cx.backend()?.user.current;
    let text = "INSERT INTO pg_toast.pg_largeobject_metadata VALUES ($1, $2, NULL)";
    store::run(cx, text, vec![(oid::OID, Value::U32(object.0)), (oid::OID, Value::U32(owner.0))], None)?;
    Ok(object)
}

fn taken(object: Oid) -> Error {
    let index = "pg_largeobject_metadata_oid_index";
    err!(UNIQUE_VIOLATION, "duplicate key value violates unique constraint \"{index}\"")
        .detail(format!("Key (oid)=({object}) already exists."))
        .table("pg_catalog", "pg_largeobject_metadata")
        .constraint(index)
        .place("_bt_check_unique", "nbtinsert.c", 664)
}

/// Removes an object with its bytes. Who may is the caller's business.
pub fn remove(cx: &mut ExecContext, object: Oid) -> Flow<()> {
    store::prepare(cx)?;
    store::lock_object(cx, object, LockMode::AccessExclusive)?;
    if find(cx, object, None)?.is_none() {
        return Err(missing(object).into());
    }
    let key = || vec![(oid::OID, Value::U32(object.0))];
    store::run(cx, "DELETE FROM pg_toast.pg_largeobject_metadata WHERE oid = $1", key(), None)?;
    store::run(cx, "DELETE FROM pg_toast.pg_largeobject WHERE loid = $1", key(), None)?;
    Ok(())
}

/// Writes down another owner or other rights.
pub fn change(cx: &mut ExecContext, object: Oid, f: impl FnOnce(&mut LargeObject)) -> Flow<()> {
    store::prepare(cx)?;
    store::lock_object(cx, object, LockMode::Exclusive)?;
    let Some(mut known) = find(cx, object, None)? else { return Err(missing(object).into()) };
    f(&mut known);
    let acl = known.acl.map_or(Value::Null, |items| Value::Bytes(array::from_texts(oid::TEXT, items).into()));
    let params = vec![(oid::OID, Value::U32(object.0)), (oid::OID, Value::U32(known.owner.0)), (oid::TEXT_ARRAY, acl)];
    let text = "UPDATE pg_toast.pg_largeobject_metadata SET owner = $2, acl = $3 WHERE oid = $1";
    store::run(cx, text, params, None)?;
    Ok(())
}

/// # Errors
/// 42501 unless the current role may read (`r`) or write (`w`) the object.
pub fn check(cx: &mut ExecContext, object: &LargeObject, right: char) -> Result<()> {
    let backend = cx.backend()?;
    let allowed = backend.view.bool(Id::LoCompatPrivileges)
        || crate::sql::exec::rights::subject(backend).may(object.owner, object.acl.as_deref(), "", right, false);
    if allowed {
        return Ok(());
    }
    let text = format!("permission denied for large object {}", object.oid);
    Err(Error::new(SqlState::INSUFFICIENT_PRIVILEGE, text))
}

/// # Errors
/// 42501 unless the current role has the owner's rights.
pub fn check_owner(cx: &mut ExecContext, object: &LargeObject) -> Result<()> {
    if crate::sql::exec::rights::subject(cx.backend()?).has_role(object.owner) {
        return Ok(());
    }
    Err(err!(INSUFFICIENT_PRIVILEGE, "must be owner of large object {}", object.oid))
}

/// The object of this number, if there is one.
///
/// # Errors
/// 42704 if there is none.
pub fn named(cx: &mut ExecContext, object: Oid, snapshot: Option<&Snapshot>) -> Flow<LargeObject> {
    Ok(find(cx, object, snapshot)?.ok_or_else(|| missing(object))?)
}

/// Objects a role owns (true) or has rights on.
pub fn ties(cx: &mut ExecContext, role: Oid, name: &str) -> Flow<Vec<(Oid, bool)>> {
    let mut found = Vec::new();
    for object in all(cx, None)? {
        if object.owner == role || object.acl.as_ref().is_some_and(|items| mentions(items, role, name)) {
            found.push((object.oid, object.owner == role));
        }
    }
    found.sort_unstable();
    Ok(found)
}
