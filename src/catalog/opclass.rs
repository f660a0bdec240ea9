//! Operator classes of users as catalog objects.

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
    /// By number: the function, and the types it is for.
    pub functions: Vec<(i16, Oid, [Oid; 2])>,
    /// The code behind it: [`crate::gin::Class::named`].
    pub code: String,
}
