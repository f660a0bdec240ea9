//! How a table is cut into partitions, and which rows a partition holds: as stored.

use crate::base::Oid;
use crate::types::{TypeRef, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Strategy {
    List,
    Range,
    Hash,
}

impl Strategy {
    /// `pg_partitioned_table.partstrat`.
    pub fn letter(self) -> u8 {
        match self {
            Strategy::List => b'l',
            Strategy::Range => b'r',
            Strategy::Hash => b'h',
        }
    }

    pub fn word(self) -> &'static str {
        match self {
            Strategy::List => "LIST",
            Strategy::Range => "RANGE",
            Strategy::Hash => "HASH",
        }
    }
}

/// A row of `pg_partitioned_table`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PartitionKey {
    pub strategy: Strategy,
    pub columns: Vec<KeyColumn>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyColumn {
    /// Attribute number of the table, 0 for an expression.
    pub attno: i16,
    pub expr: Option<Arc<str>>,
    pub ty: TypeRef,
    /// As written after the column, unless it is the type's own.
    #[serde(default)]
    pub opclass: Option<String>,
    #[serde(default)]
    pub collation: Option<String>,
    /// What its texts are ordered by, as [`crate::types::Collation::written`] notes it.
    #[serde(default)]
    pub order: String,
}

impl KeyColumn {
    /// The type, with what its values are ordered by.
    ///
    /// # Errors
    /// 22023 where the system does not have the locale any more.
    pub fn ordered(&self) -> crate::base::Result<TypeRef> {
        Ok(self.ty.ordered_by(crate::types::Collation::from_written(&self.order)?))
    }
}

/// `relpartbound`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Bound {
    Default,
    /// NULL may be among them.
    List(Vec<Value>),
    /// From inclusive, to exclusive.
    Range {
        from: Vec<Edge>,
        to: Vec<Edge>,
    },
    Hash {
        modulus: u32,
        remainder: u32,
    },
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Edge {
    Min,
    Value(Value),
    Max,
}

/// A table's place among others: `pg_inherits`, and what partitions are made of.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Lineage {
    /// Parents, in the order of `inhseqno`.
    #[serde(default)]
    pub parents: Vec<Oid>,
    /// Of a partitioned table.
    #[serde(default)]
    pub key: Option<Arc<PartitionKey>>,
    /// Of a partition.
    #[serde(default)]
    pub bound: Option<Arc<Bound>>,
    /// The transaction that began to detach it (`inhdetachpending`); 0: nobody has.
    #[serde(default)]
    pub detaching: u64,
}
