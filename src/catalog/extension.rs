//! Extensions as catalog objects: rows of `pg_extension`, and what belongs to each.

use super::object::ObjectKey;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_extension`. Its members are told here alone: `pg_depend` says of each that the extension requires it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Extension {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    pub namespace: Oid,
    pub relocatable: bool,
    pub version: String,
    /// In the order of their making.
    #[serde(default)]
    pub members: Vec<ObjectKey>,
    /// Other extensions it needs.
    #[serde(default)]
    pub requires: Vec<Oid>,
    /// `extconfig`: tables whose rows a dump saves, and which of them.
    #[serde(default)]
    pub config: Vec<(Oid, String)>,
}
