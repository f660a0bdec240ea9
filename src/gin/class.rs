//! Operator classes: how a value is taken apart, and which operators an index answers.

use crate::base::Oid;
use crate::types::{element_type, oid};

/// PostgreSQL 15, pg_opclass.dat: the classes of its core for `gin`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Array,
    Jsonb,
    /// Only the hash codes of paths to values.
    JsonbPath,
    Tsvector,
}

/// What a search asks of the indexed value.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Strategy {
    Overlaps,
    Contains,
    ContainedBy,
    Equals,
    HasKey,
    HasAnyKey,
    HasAllKeys,
    PathExists,
    PathMatches,
    Matches,
}

const ARRAY_OPS: Oid = Oid(10064);
const TSVECTOR_OPS: Oid = Oid(10073);
const JSONB_OPS: Oid = Oid(10090);
const JSONB_PATH_OPS: Oid = Oid(10091);

impl Class {
    /// The class of a column: the one named, or else the default one of its type.
    pub fn of(opclass: Oid, ty: Oid) -> Option<Class> {
        match opclass {
            ARRAY_OPS => Some(Class::Array),
            TSVECTOR_OPS => Some(Class::Tsvector),
            JSONB_OPS => Some(Class::Jsonb),
            JSONB_PATH_OPS => Some(Class::JsonbPath),
            _ => Class::default_of(ty),
        }
    }

    fn default_of(ty: Oid) -> Option<Class> {
        match crate::types::base_type(ty) {
            oid::JSONB => Some(Class::Jsonb),
            oid::TSVECTOR => Some(Class::Tsvector),
            _ => element_type(ty).map(|_| Class::Array),
        }
    }

    /// PostgreSQL 15, pg_amop.dat: what an operator, with the indexed value on its left, asks for.
    pub fn strategy(self, operator: Oid) -> Option<Strategy> {
        Some(match (self, operator.0) {
            (Class::Array, 2750) => Strategy::Overlaps,
            (Class::Array, 2751) => Strategy::Contains,
            (Class::Array, 2752) => Strategy::ContainedBy,
            (Class::Array, 1070) => Strategy::Equals,
            (Class::Tsvector, 3636 | 3660) => Strategy::Matches,
            (Class::Jsonb | Class::JsonbPath, 3246) => Strategy::Contains,
            (Class::Jsonb, 3247) => Strategy::HasKey,
            (Class::Jsonb, 3248) => Strategy::HasAnyKey,
            (Class::Jsonb, 3249) => Strategy::HasAllKeys,
            (Class::Jsonb | Class::JsonbPath, 4012) => Strategy::PathExists,
            (Class::Jsonb | Class::JsonbPath, 4013) => Strategy::PathMatches,
            _ => return None,
        })
    }
}
