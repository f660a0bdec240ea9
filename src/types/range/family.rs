//! What is known of range types: the subtype and its order, the multirange type, how discrete bounds are counted.
//!
//! The catalog makes users' range types known here as it does all types in [`info`](crate::types::info).

use crate::base::Oid;
use crate::types::{Collation, TypeRef, oid};
use parking_lot::RwLock;
use std::collections::HashMap;
use std::sync::LazyLock;

/// How the bounds of a discrete range are counted: what its canonical function does.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
pub enum Step {
    Int4,
    Int8,
    Date,
}

impl Step {
    /// By the name of the canonical function's code.
    pub fn of_code(code: &str) -> Option<Step> {
        Some(match code {
            "int4range_canonical" => Step::Int4,
            "int8range_canonical" => Step::Int8,
            "daterange_canonical" => Step::Date,
            _ => return None,
        })
    }

    /// The type of the bounds it counts.
    pub fn counts(self) -> Oid {
        match self {
            Step::Int4 => oid::INT4,
            Step::Int8 => oid::INT8,
            Step::Date => oid::DATE,
        }
    }
}

/// A range type and its multirange type.
#[derive(Clone, Copy, PartialEq, Debug)]
pub struct Family {
    pub range: Oid,
    pub multirange: Oid,
    /// The type of the bounds, with the collation they are ordered by.
    pub subtype: TypeRef,
    pub step: Option<Step>,
}

const fn built_in(range: u32, subtype: Oid, multirange: u32, step: Option<Step>) -> Family {
    Family { range: Oid(range), multirange: Oid(multirange), subtype: TypeRef::of(subtype), step }
}

static BUILT_IN: [Family; 6] = [
    built_in(3904, oid::INT4, 4451, Some(Step::Int4)),
    built_in(3906, oid::NUMERIC, 4532, None),
    built_in(3908, oid::TIMESTAMP, 4533, None),
    built_in(3910, oid::TIMESTAMPTZ, 4534, None),
    built_in(3912, oid::DATE, 4535, Some(Step::Date)),
    built_in(3926, oid::INT8, 4536, Some(Step::Int8)),
];

/// Users' range types, by the OIDs of the range type and of the multirange type; like types themselves never freed.
static USERS: LazyLock<RwLock<HashMap<Oid, &'static Family>>> = LazyLock::new(RwLock::default);

/// The family of the `int4range` that stands for what cannot be read.
pub(super) fn first() -> &'static Family {
    &BUILT_IN[0]
}

/// What a range or multirange type belongs to.
pub fn family(typ: Oid) -> Option<&'static Family> {
    if typ < Oid::FIRST_NORMAL {
        return BUILT_IN.iter().find(|f| f.range == typ || f.multirange == typ);
    }
    USERS.read().get(&typ).copied()
}

/// Makes a user's range type known; a later call for the same type replaces what was said.
pub fn register(made: Family) {
    if family(made.range).is_some_and(|f| format!("{f:?}") == format!("{made:?}")) {
        return;
    }
    let made: &'static Family = Box::leak(Box::new(made));
    let mut users = USERS.write();
    users.insert(made.range, made);
    users.insert(made.multirange, made);
}

/// The type of a range's bounds.
pub fn subtype(range: Oid) -> Option<Oid> {
    family(range).filter(|f| f.range == range).map(|f| f.subtype.oid)
}

pub fn multirange_of(range: Oid) -> Option<Oid> {
    family(range).filter(|f| f.range == range).map(|f| f.multirange)
}

pub fn range_of(multirange: Oid) -> Option<Oid> {
    family(multirange).filter(|f| f.multirange == multirange).map(|f| f.range)
}

/// A range type as the catalogs keep it, where its order can be opened.
pub fn opened(range: Oid, multirange: Oid, subtype: Oid, order: &str, step: Option<Step>) -> Option<Family> {
    let order = Collation::from_written(order).ok()?;
    Some(Family { range, multirange, subtype: TypeRef::of(subtype).ordered_by(order), step })
}
