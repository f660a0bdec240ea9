//! Data types as these views tell them.

use super::Scene;
use crate::base::Oid;
use crate::types::name::{format_type, format_type_sql};
use crate::types::{self, TypeRef, oid};
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

/// What a text may have at most where nothing limits it.
const UNLIMITED: i32 = 1 << 30;

pub fn sizes(ty: TypeRef) -> Sizes {
    let m = ty.typmod;
    let number = |precision, radix, scale| Sizes { precision, radix: Some(radix), scale, ..Sizes::default() };
    match ty.oid {
        oid::BPCHAR | oid::VARCHAR => {
            let length = (m >= 0).then_some(m - 4);
            Sizes { length, octets: Some(length.map_or(UNLIMITED, |l| l.saturating_mul(4))), ..Sizes::default() }
        }
        oid::TEXT => Sizes { octets: Some(UNLIMITED), ..Sizes::default() },
        oid::BIT | oid::VARBIT => Sizes { length: (m >= 0).then_some(m), ..Sizes::default() },
        oid::INT2 => number(Some(16), 2, Some(0)),
        oid::INT4 => number(Some(32), 2, Some(0)),
        oid::INT8 => number(Some(64), 2, Some(0)),
        oid::FLOAT4 => number(Some(24), 2, None),
        oid::FLOAT8 => number(Some(53), 2, None),
        oid::NUMERIC => match m {
            -1 => number(None, 10, None),
            m => number(Some((m - 4) >> 16 & 0xffff), 10, Some((m - 4) & 0xffff)),
        },
        oid::DATE => Sizes { time: Some(0), ..Sizes::default() },
        oid::TIME | oid::TIMETZ | oid::TIMESTAMP | oid::TIMESTAMPTZ => {
            Sizes { time: Some(if m < 0 { 6 } else { m }), ..Sizes::default() }
        }
        oid::INTERVAL => {
            let precision = m & 0xffff;
            Sizes { time: Some(if m < 0 || precision == 0xffff { 6 } else { precision }), ..Sizes::default() }
        }
        _ => Sizes::default(),
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
        Some(i) if scene.schema(i.namespace).as_ref() == "pg_catalog" => format_type_sql(ty, None, &*scene.io.hooks),
        _ => "USER-DEFINED".to_string(),
    }
}

fn interval(scene: &Scene, ty: TypeRef) -> Option<String> {
    if ty.oid != oid::INTERVAL {
        return None;
    }
    let text = format_type(ty.oid, ty.typmod, &*scene.io.hooks);
    Some(text.strip_prefix("interval ")?.to_uppercase())
}

/// Of a column or an attribute: what stands below a domain counts.
pub fn describe(scene: &Scene, ty: TypeRef) -> Described {
    let domain = types::info(ty.oid).filter(|i| i.kind == b'd');
    let base = domain.map_or(ty, |i| TypeRef { oid: i.base, typmod: i.base_typmod });
    let (udt_schema, udt_name) = name_of(scene, base.oid);
    Described {
        data_type: word(scene, base.oid),
        udt_schema,
        udt_name,
        sizes: sizes(base),
        interval: interval(scene, base),
        domain: domain.map(|i| (scene.schema(i.namespace), i.name)),
    }
}

/// A collation that is not the default one: schema and name.
pub fn collation(declared: Oid, ty: Oid) -> Option<(&'static str, &'static str)> {
    let own = if declared.is_valid() { declared } else { types::info(ty).map_or(Oid::INVALID, |i| i.collation) };
    match own.0 {
        0 | 100 => None,
        n => super::super::code::collation_name(Oid(n)).map(|name| ("pg_catalog", name)),
    }
}
