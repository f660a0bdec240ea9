//! What objects are called, and which a name means: `pg_describe_object`, `pg_identify_object`,
//! `pg_identify_object_as_address`, `pg_get_object_address`.
//!
//! An object is named by its catalog, its OID and, of a column, its number. [`Named`] is all three functions want to know.
//! PostgreSQL 15, objectaddress.c: same words.

mod address;
mod kinds;
mod named;
mod parts;
mod search;
mod types;

use super::{SystemFn, push_record};
use crate::base::{Flow, Oid, Result};
use crate::catalog::object::{ObjectKey, class};
use crate::sql::exec::ExecContext;
use crate::sql::exec::system_view::{Cell, NULL, texts};
use crate::sql::large_object;
use crate::types::{Column, Datum, Value};
use named::Named;

pub(super) fn find(src: &str) -> Option<SystemFn> {
    Some(match src {
        "pg_describe_object" => describe,
        "pg_get_object_address" => address::address,
        "pg_identify_object" => identify,
        "pg_identify_object_as_address" => as_address,
        _ => return None,
    })
}

/// Catalogs whose objects have names here, and what an object that is not there is said to be.
const KINDS: [(Oid, &str); 39] = [
    (class::RELATION, "relation"),
    (class::PROC, "routine"),
    (class::TYPE, "type"),
    (class::CAST, "cast"),
    (class::COLLATION, "collation"),
    (class::CONSTRAINT, "constraint"),
    (Oid(2607), "conversion"),
    (class::ATTRDEF, "default value"),
    (class::LANGUAGE, "language"),
    (Oid(2613), "large object"),
    (class::OPERATOR, "operator"),
    (Oid(2616), "operator class"),
    (Oid(2753), "operator family"),
    (class::ACCESS_METHOD, "access method"),
    (Oid(2602), "operator of access method"),
    (Oid(2603), "function of access method"),
    (class::REWRITE, "rule"),
    (class::TRIGGER, "trigger"),
    (class::NAMESPACE, "schema"),
    (class::STATISTIC_EXT, "statistics object"),
    (Oid(3601), "text search parser"),
    (Oid(3600), "text search dictionary"),
    (Oid(3764), "text search template"),
    (Oid(3602), "text search configuration"),
    (class::AUTHID, "role"),
    (class::DATABASE, "database"),
    (class::TABLESPACE, "tablespace"),
    (Oid(2328), "foreign-data wrapper"),
    (Oid(1417), "server"),
    (Oid(1418), "user mapping"),
    (class::DEFAULT_ACL, "default acl"),
    (Oid(3079), "extension"),
    (Oid(3466), "event trigger"),
    (class::POLICY, "policy"),
    (class::PUBLICATION, "publication"),
    (Oid(6106), "publication relation"),
    (Oid(6237), "publication namespace"),
    (Oid(6100), "subscription"),
    (Oid(3576), "transform"),
];

/// The object asked for, with the word for one that is not there. None: no object at all was named.
fn asked(cx: &mut ExecContext, args: &[Datum<'_>]) -> Result<Option<(ObjectKey, &'static str)>> {
    let key = ObjectKey { class: Oid(args[0].u32()), oid: Oid(args[1].u32()), sub: args[2].i32() };
    if !key.class.is_valid() && !key.oid.is_valid() {
        return Ok(None);
    }
    if key.sub != 0 && key.class != class::RELATION {
        return Err(crate::err!(INTERNAL_ERROR, "invalid non-zero objectSubId for object class {}", key.class));
    }
    let word = match KINDS.iter().find(|(class, _)| *class == key.class) {
        Some(_) if key.sub != 0 && is_relation(cx, key.oid)? => "table column",
        Some((_, word)) => word,
        None => return Err(crate::err!(INTERNAL_ERROR, "unrecognized object class: {}", key.class)),
    };
    Ok(Some((key, word)))
}

fn is_relation(cx: &mut ExecContext, oid: Oid) -> Result<bool> {
    Ok(crate::catalog::system::relation(oid).is_some() || cx.backend()?.catalog.class(oid).is_some())
}

/// What the functions of event triggers are told of an object.
pub(crate) struct Identified {
    pub word: &'static str,
    pub schema: Option<String>,
    pub name: Option<String>,
    pub identity: String,
    pub names: Vec<String>,
    pub args: Vec<String>,
}

/// The names of an object; None: it is not there.
pub(crate) fn identified(catalog: &crate::catalog::Catalog, key: ObjectKey) -> Option<Identified> {
    let Named { word, schema, name, identity, names, args, .. } = named::of(catalog, key)?;
    Some(Identified { word, schema, name, identity, names, args })
}

fn described(cx: &mut ExecContext, key: ObjectKey) -> Flow<Option<Named>> {
    if key.class == large_object::CLASS {
        return Ok(large_object::object::find(cx, key.oid, None)?.map(|o| named::large_object(o.oid)));
    }
    let catalog = cx.backend()?.catalog.clone();
    Ok(named::of(&catalog, key))
}

fn describe(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let found = match asked(cx, args)? {
        Some((key, _)) => described(cx, key)?,
        None => None,
    };
    match found {
        Some(named) => super::text(out, &named.described),
        None => out.push_null(),
    }
    Ok(())
}

fn identify(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (mut word, mut found) = (NULL, None);
    if let Some((key, unknown)) = asked(cx, args)? {
        found = described(cx, key)?;
        word = found.as_ref().map_or(unknown, |n| n.word).cell();
    }
    let quoted = |part: Option<&String>| part.map_or(NULL, |p| crate::types::name::quote_identifier(p).cell());
    let named = found.as_ref();
    let fields = [
        ("type", word),
        ("schema", quoted(named.and_then(|n| n.schema.as_ref()))),
        ("name", quoted(named.and_then(|n| n.name.as_ref()))),
        ("identity", named.map_or(NULL, |n| (&n.identity).cell())),
    ];
    push_record(out, &fields, 3839);
    Ok(())
}

fn as_address(cx: &mut ExecContext, args: &[Datum<'_>], out: &mut Column) -> Flow<()> {
    let (mut word, mut found) = (NULL, None);
    if let Some((key, unknown)) = asked(cx, args)? {
        found = described(cx, key)?;
        word = found.as_ref().map_or(unknown, |n| n.word).cell();
    }
    let list = |parts: Option<&Vec<String>>| parts.map_or(Value::Null, texts);
    let fields = [
        ("type", word),
        ("object_names", list(found.as_ref().map(|n| &n.names))),
        ("object_args", list(found.as_ref().map(|n| &n.args))),
    ];
    push_record(out, &fields, 3382);
    Ok(())
}
