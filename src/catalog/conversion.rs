//! Conversions of users as catalog objects.

use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_conversion`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Conversion {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// PostgreSQL's numbers of encodings.
    pub from: i32,
    pub to: i32,
    pub function: Oid,
    pub default: bool,
}
