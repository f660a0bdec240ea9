//! Objects by their names, where names say all: what is stored, and what only initdb makes.

use super::named::{self, fixed_oids, fixed_row_of};
use crate::base::Oid;
use crate::catalog::object::{Object, ObjectKey, class};
use crate::catalog::{Catalog, ForeignKind};
use crate::sql::text_search::Kind;
use crate::types::IoContext;

/// What names are looked up in.
pub(super) struct Look<'a> {
    pub catalog: &'a Catalog,
    pub io: &'a IoContext,
}

fn candidates(catalog: &Catalog, class: Oid) -> Vec<Oid> {
    let mut found: Vec<Oid> = catalog.all(class).iter().map(|r| r.object.key().oid).collect();
    found.extend(fixed_oids(class));
    found
}

/// Of objects with these names the one that the search path has first.
fn first(
    catalog: &Catalog,
    class: Oid,
    fits: impl Fn(&[String]) -> Option<(Option<String>, String)>,
    names: &[String],
) -> Option<Oid> {
    let (schema, name) = match names {
        [name] => (None, name),
        [.., schema, name] => (Some(schema), name),
        [] => return None,
    };
    let path = catalog.effective_path();
    let mut best: Option<(usize, Oid)> = None;
    for oid in candidates(catalog, class) {
        let Some(found) = named::of(catalog, ObjectKey::new(class, oid)) else { continue };
        let Some((Some(own_schema), own)) = fits(&found.names) else { continue };
        if own != *name || schema.is_some_and(|s| *s != own_schema) {
            continue;
        }
        let place = catalog.namespace_oid(&own_schema).ok().and_then(|n| path.iter().position(|p| *p == n));
        let place = if schema.is_some() { Some(0) } else { place };
        if let Some(place) = place
            && best.is_none_or(|(b, _)| place < b)
        {
            best = Some((place, oid));
        }
    }
    best.map(|(_, oid)| oid)
}

pub(super) fn placed(catalog: &Catalog, class: Oid, names: &[String]) -> Option<Oid> {
    let kinds = [Kind::Parser, Kind::Dictionary, Kind::Template, Kind::Config];
    if let Some(kind) = kinds.into_iter().find(|k| k.class() == class) {
        return kind.named(catalog, names).ok();
    }
    let fits = |own: &[String]| match own {
        [schema, name] => Some((Some(schema.clone()), name.clone())),
        _ => None,
    };
    first(catalog, class, fits, names)
}

/// An operator class or family of an access method.
pub(super) fn of_method(catalog: &Catalog, class: Oid, method: &str, names: &[String]) -> Option<Oid> {
    let fits = |own: &[String]| match own {
        [m, schema, name] if m == method => Some((Some(schema.clone()), name.clone())),
        _ => None,
    };
    first(catalog, class, fits, names)
}

/// An operator or a support function of a family.
pub(super) fn member(class: Oid, family: Oid, types: (Oid, Oid), number: i32) -> Option<Oid> {
    fixed_row_of(class, |row| {
        let field = |n: usize| row.get(n).and_then(|t| t.parse::<u32>().ok()).map(Oid);
        (field(1), field(2), field(3)) == (Some(family), Some(types.0), Some(types.1))
            && row.get(4).and_then(|t| t.parse().ok()) == Some(number)
    })
}

pub(super) fn mapping(catalog: &Catalog, user: Oid, server: Oid) -> Option<Oid> {
    catalog.all(class::USER_MAPPING).iter().find_map(|r| match &r.object {
        Object::Foreign(f)
            if f.owner == user && matches!(f.kind, ForeignKind::Mapping { server: s } if s == server) =>
        {
            Some(r.object.key().oid)
        }
        _ => None,
    })
}

/// What stands in no schema.
pub(super) fn alone(catalog: &Catalog, word: &str, name: &str) -> Option<ObjectKey> {
    let class = match word {
        "role" => return catalog.role_by_name(name).map(|r| ObjectKey::new(class::AUTHID, r.oid)),
        "database" => return catalog.database_by_name(name).map(|d| ObjectKey::new(class::DATABASE, d.oid)),
        "tablespace" => return catalog.tablespace_by_name(name).map(|t| ObjectKey::new(class::TABLESPACE, t.oid)),
        "language" => class::LANGUAGE,
        "access method" => class::ACCESS_METHOD,
        "foreign-data wrapper" => class::FOREIGN_DATA_WRAPPER,
        "server" => class::FOREIGN_SERVER,
        "extension" => class::EXTENSION,
        "event trigger" => class::EVENT_TRIGGER,
        "publication" => class::PUBLICATION,
        _ => return None,
    };
    let is =
        |oid: &Oid| named::of(catalog, ObjectKey::new(class, *oid)).is_some_and(|n| n.name.as_deref() == Some(name));
    candidates(catalog, class).into_iter().find(is).map(|oid| ObjectKey::new(class, oid))
}
