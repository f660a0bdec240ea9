//! Operator classes: how a value is taken apart, and which operators an index answers.

use crate::base::Oid;
use crate::types::{element_type, oid};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::LazyLock;

/// PostgreSQL 15, pg_opclass.dat: the classes of its core for `gin`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Class {
    Array,
    Jsonb,
    /// Only the hash codes of paths to values.
    JsonbPath,
    Tsvector,
    /// The trigrams of a text.
    Trigram,
    /// Keys and values, apart.
    Hstore,
    /// The value itself, of this type.
    Scalar(Oid),
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
    /// LIKE and ILIKE.
    Like,
    /// Has trigrams in common.
    Similar,
    /// A `query_int`.
    Formula,
}

const ARRAY_OPS: Oid = Oid(10064);
const TSVECTOR_OPS: Oid = Oid(10073);
const JSONB_OPS: Oid = Oid(10090);
const JSONB_PATH_OPS: Oid = Oid(10091);

/// Classes that live in the catalogs, by OID: one registry serves all databases, as OIDs are the cluster's.
static KNOWN: LazyLock<RwLock<HashMap<Oid, Class>>> = LazyLock::new(RwLock::default);

/// Makes an operator class of the catalogs known; one whose code is not there stays unknown.
pub fn note_class(oid: Oid, code: &str, input: Oid) {
    if let Some(class) = Class::named(code, input) {
        KNOWN.write().insert(oid, class);
    }
}

impl Class {
    /// The class of a column: the one named, or else the default one of its type.
    pub fn of(opclass: Oid, ty: Oid) -> Option<Class> {
        match opclass {
            ARRAY_OPS => Some(Class::Array),
            TSVECTOR_OPS => Some(Class::Tsvector),
            JSONB_OPS => Some(Class::Jsonb),
            JSONB_PATH_OPS => Some(Class::JsonbPath),
            oid if oid >= Oid::FIRST_NORMAL => KNOWN.read().get(&oid).copied(),
            _ => Class::default_of(ty),
        }
    }

    /// The class behind an operator class of an extension.
    fn named(code: &str, input: Oid) -> Option<Class> {
        match code {
            "trigram" => Some(Class::Trigram),
            "hstore" => Some(Class::Hstore),
            "numbers" => Some(Class::Array),
            "scalar" => Some(Class::Scalar(input)),
            _ => None,
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
    /// Extensions' operators are known by the symbol of their function.
    pub fn strategy(self, operator: Oid, symbol: &str) -> Option<Strategy> {
        if self == Class::Trigram && operator >= Oid::FIRST_NORMAL {
            return symbol
                .ends_with("similarity_op")
                .then_some(Strategy::Similar)
                .or_else(|| symbol.ends_with("similarity_commutator_op").then_some(Strategy::Similar));
        }
        if self == Class::Hstore {
            return match symbol.rsplit(':').next()? {
                "hstore_contains" => Some(Strategy::Contains),
                "hstore_exists" => Some(Strategy::HasKey),
                "hstore_exists_any" => Some(Strategy::HasAnyKey),
                "hstore_exists_all" => Some(Strategy::HasAllKeys),
                _ => None,
            };
        }
        if self == Class::Array && operator >= Oid::FIRST_NORMAL {
            return match symbol.rsplit(':').next()? {
                "_int_overlap" => Some(Strategy::Overlaps),
                "_int_contains" => Some(Strategy::Contains),
                "_int_contained" => Some(Strategy::ContainedBy),
                "boolop" => Some(Strategy::Formula),
                _ => None,
            };
        }
        Some(match (self, operator.0) {
            (Class::Trigram, 1209 | 1627) => Strategy::Like,
            (Class::Trigram, 98) => Strategy::Equals,
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
