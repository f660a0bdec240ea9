//! Users' operators, casts and collations as catalog objects.

use super::object::Depend;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_operator`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Operator {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// Invalid: a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub function: Oid,
    #[serde(default)]
    pub commutator: Oid,
    #[serde(default)]
    pub negator: Oid,
    #[serde(default)]
    pub merges: bool,
    #[serde(default)]
    pub hashes: bool,
    /// Selectivity functions of restrictions and joins.
    #[serde(default)]
    pub restrict: Oid,
    #[serde(default)]
    pub join: Oid,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A row of `pg_cast`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cast {
    pub oid: Oid,
    pub source: Oid,
    pub target: Oid,
    /// Invalid: the value as it is, or by way of its text.
    pub function: Oid,
    /// i, a, e.
    pub context: char,
    /// f, i, b.
    pub method: char,
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A row of `pg_collation`: another name for the one order of text there is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Collation {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub collate: String,
    pub ctype: String,
}
