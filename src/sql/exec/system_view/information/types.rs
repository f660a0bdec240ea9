//! Data types as these views tell them.

use super::Scene;
use crate::base::Oid;
use crate::catalog::object::class;
use crate::catalog::{Object, ObjectKey};
use crate::sql::func::standard;
use crate::types::name::format_type_sql;
use crate::types::{self, TypeRef};
use std::sync::Arc;

/// Length, precision, radix, scale, and precision of times, as the standard's columns have them.
#[derive(Default, Clone, Copy)]
pub struct Sizes {
    pub length: Option<i32>,
    pub octets: Option<i32>,
    pub precision: Option<i32>,
    pub radix: Option<i32>,
    pub scale: Option<i32>,
    pub time: Option<i32>,
}

pub fn sizes(ty: TypeRef) -> Sizes {
    let narrow = |n: Option<i64>| n.and_then(|n| i32::try_from(n).ok());
    Sizes {
        length: narrow(standard::char_max_length(ty)),
        octets: narrow(standard::char_octet_length(ty)),
        precision: narrow(standard::numeric_precision(ty)),
        radix: narrow(standard::numeric_precision_radix(ty)),
        scale: narrow(standard::numeric_scale(ty)),
        time: narrow(standard::datetime_precision(ty)),
    }
}

/// A type and the domain it is of, if any.
pub struct Described {
    pub data_type: String,
    pub udt_schema: Arc<str>,
    pub udt_name: &'static str,
    pub sizes: Sizes,
    /// The fields of an interval that was given some: `DAY TO SECOND(3)`.
    pub interval: Option<String>,
    pub domain: Option<(Arc<str>, &'static str)>,
}

/// A type's schema and name.
pub fn name_of(scene: &Scene, ty: Oid) -> (Arc<str>, &'static str) {
    types::info(ty).map_or(("".into(), ""), |i| (scene.schema(i.namespace), i.name))
}

pub fn word(scene: &Scene, ty: Oid) -> String {
    match types::info(ty) {
        Some(i) if i.is_array() => "ARRAY".to_string(),
        _ => plain_word(scene, ty),
    }
}

/// Of what a domain is made: arrays are no exception.
pub fn plain_word(scene: &Scene, ty: Oid) -> String {
    match types::info(ty) {
        Some(i) if scene.schema(i.namespace).as_ref() == "pg_catalog" => format_type_sql(ty, None, &*scene.io.hooks),
        _ => "USER-DEFINED".to_string(),
    }
}

/// Of a column or an attribute: what stands below a domain counts.
pub fn describe(scene: &Scene, ty: TypeRef) -> Described {
    let domain = types::info(ty.oid).filter(|i| i.kind == b'd');
    let base = domain.map_or(ty, |i| TypeRef::with(i.base, i.base_typmod));
    let (udt_schema, udt_name) = name_of(scene, base.oid);
    Described {
        data_type: word(scene, base.oid),
        udt_schema,
        udt_name,
        sizes: sizes(base),
        interval: standard::interval_type(base, &*scene.io.hooks),
        domain: domain.map(|i| (scene.schema(i.namespace), i.name)),
    }
}

/// A collation that is not the default one: schema and name.
pub fn collation(scene: &Scene, declared: Oid, ty: Oid) -> Option<(String, String)> {
    let own = if declared.is_valid() { declared } else { types::info(ty).map_or(Oid::INVALID, |i| i.collation) };
    match own.0 {
        0 | 100 => None,
        n => match super::super::code::builtin_collation(Oid(n)) {
            Some(c) => Some(("pg_catalog".into(), c.name.into())),
            None => match &scene.catalog.get(ObjectKey::new(class::COLLATION, own))?.object {
                Object::Collation(c) => Some((scene.schema(c.namespace).to_string(), c.name.clone())),
                _ => None,
            },
        },
    }
}
