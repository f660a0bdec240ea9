//! SQL types: how a value looks in memory, in a column, as text, as bytes on the wire, and in order.
//!
//! One file per SQL type. Never knows tables, transactions or clients.
//!
//! Invariants
//! - TYP-1: a value's physical form is decided by its type alone ([`Phys`]); everything that is not a
//!   fixed-width scalar is `Bytes` in the encoding its type's file documents, on pages and in memory alike.
//! - TYP-2: `key::encode` is order preserving: memcmp on keys equals the type's default order.
//! - TYP-3: values that compare equal hash equally and have equal keys.

pub mod aclitem;
pub mod array;
pub mod bit;
pub mod bool;
mod builtin;
pub mod bytea;
pub mod citext;
pub mod code;
pub mod collation;
pub mod column;
pub mod context;
pub mod cube;
pub mod datetime;
pub mod datum;
pub mod float;
pub mod geometry;
pub mod hstore;
pub mod inet;
pub mod info;
pub mod int;
pub mod intarray;
pub mod io;
pub mod json;
pub mod jsonb;
pub mod jsonpath;
pub mod key;
pub mod lsn;
pub mod ltree;
pub mod macaddr;
pub mod money;
pub mod name;
pub mod numeric;
pub mod oid;
pub mod order;
pub mod range;
pub mod record;
pub mod reg;
mod shortest;
pub mod snapshot;
pub mod stored_float;
pub mod text;
pub mod tid;
pub mod trigram;
pub mod tsquery;
pub mod tsvector;
pub mod uuid;
pub mod xml;

pub use collation::Collation;
pub use column::{Batch, BytesColumn, Column, ColumnData, long};
pub use context::IoContext;
pub use datum::{Datum, Phys, Value};
pub use info::{TypeInfo, array_type, base_type, domain_base, element_type, info, phys, promoted_array_type};
pub use io::{binary_in, binary_out, is_reg, text_in, text_out};
pub use name::{format_type, format_type_plain, parse_type, typmod_in, typmod_out};
pub use order::{compare, hash};

/// At most this many rows travel in one batch.
pub const BATCH_ROWS: usize = 1024;

/// A batch ends with the row whose values bring the bytes of its own above this: so a thousand long values are never in
/// memory at once, but one and a little.
pub const BATCH_BYTES: usize = 1 << 20;

/// A type with its modifier (`varchar(20)`, `numeric(10,2)`), −1 when there is none. PostgreSQL's encoding of typmods.
///
/// Where a value is an operand that is ordered, the binder adds the collation it is ordered by; it is no part of the type,
/// is not stored, and does not count when types are compared.
#[derive(Clone, Copy, serde::Serialize, serde::Deserialize)]
pub struct TypeRef {
    pub oid: crate::base::Oid,
    pub typmod: i32,
    #[serde(skip)]
    pub collation: Collation,
}

impl std::fmt::Debug for TypeRef {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut s = f.debug_struct("TypeRef");
        s.field("oid", &self.oid).field("typmod", &self.typmod);
        if !self.collation.is_bytewise() {
            s.field("collation", &self.collation);
        }
        s.finish()
    }
}

impl PartialEq for TypeRef {
    fn eq(&self, other: &TypeRef) -> bool {
        self.oid == other.oid && self.typmod == other.typmod
    }
}

impl Eq for TypeRef {}

impl std::hash::Hash for TypeRef {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (self.oid, self.typmod).hash(state);
    }
}

impl TypeRef {
    pub const fn of(oid: crate::base::Oid) -> TypeRef {
        TypeRef::with(oid, -1)
    }

    pub const fn with(oid: crate::base::Oid, typmod: i32) -> TypeRef {
        TypeRef { oid, typmod, collation: Collation::BYTES }
    }

    /// As it is where only equality counts, which is that of the bytes in every deterministic collation.
    pub const fn plain(self) -> TypeRef {
        match self.collation.is_deterministic() {
            true => TypeRef { collation: Collation::BYTES, ..self },
            false => self,
        }
    }

    pub const fn ordered_by(self, collation: Collation) -> TypeRef {
        TypeRef { collation, ..self }
    }
}
