//! Operator classes of users as catalog objects.

use super::object::fixed;
use crate::base::Oid;
use serde::{Deserialize, Serialize};

/// A row of `pg_opclass` with the family it is alone in, and what is in it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OpClass {
    pub oid: Oid,
    /// The OID of its row in `pg_opfamily`.
    pub family: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    /// The access method's OID.
    pub method: Oid,
    pub input: Oid,
    pub default: bool,
    /// What the index stores; invalid: the input type.
    pub key: Oid,
    /// By strategy: the operator, and its argument types.
    pub operators: Vec<(i16, Oid, [Oid; 2])>,
    /// Operators that order rows, each with the B-tree family that its results are ordered by.
    #[serde(default)]
    pub ordering: Vec<(Oid, Oid)>,
    /// By number: the function, and the types it is for.
    pub functions: Vec<(i16, Oid, [Oid; 2])>,
    /// The code behind it: [`crate::gin::Class::named`], [`crate::gist::note_family`].
    pub code: String,
}

impl OpClass {
    /// The access method's name.
    pub fn method_name(&self) -> &'static str {
        if self.method == fixed::GIST_AM { "gist" } else { "gin" }
    }
}
