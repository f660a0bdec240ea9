//! SQL types: how a value looks in memory, in a column, as text, as bytes on the wire, and in order.
//!
//! One file per SQL type. Never knows tables, transactions or clients.
//!
//! Invariants
//! - TYP-1: a value's physical form is decided by its type alone ([`Phys`]); everything that is not a
//!   fixed-width scalar is `Bytes` in the encoding its type's file documents, on pages and in memory alike.
//! - TYP-2: `key::encode` is order preserving: memcmp on keys equals the type's default order.
//! - TYP-3: values that compare equal hash equally and have equal keys.

pub mod array;
pub mod bit;
pub mod bool;
mod builtin;
pub mod bytea;
pub mod citext;
pub mod code;
pub mod column;
pub mod context;
pub mod datetime;
pub mod datum;
pub mod float;
pub mod geometry;
pub mod hstore;
pub mod inet;
pub mod info;
pub mod int;
pub mod io;
pub mod json;
pub mod jsonb;
pub mod jsonpath;
pub mod key;
pub mod lsn;
pub mod macaddr;
pub mod money;
pub mod name;
pub mod numeric;
pub mod oid;
pub mod order;
pub mod range;
pub mod record;
pub mod reg;
pub mod snapshot;
pub mod stored_float;
pub mod text;
pub mod tid;
pub mod trigram;
pub mod tsquery;
pub mod tsvector;
pub mod uuid;
pub mod xml;

pub use column::{Batch, BytesColumn, Column, ColumnData};
pub use context::IoContext;
pub use datum::{Datum, Phys, Value};
pub use info::{TypeInfo, array_type, base_type, domain_base, element_type, info, phys};
pub use io::{binary_in, binary_out, text_in, text_out};
pub use name::{format_type, format_type_plain, parse_type, typmod_in, typmod_out};
pub use order::{compare, hash};

/// At most this many rows travel in one batch.
pub const BATCH_ROWS: usize = 1024;

/// A type with its modifier (`varchar(20)`, `numeric(10,2)`), −1 when there is none. PostgreSQL's encoding of typmods.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, serde::Serialize, serde::Deserialize)]
pub struct TypeRef {
    pub oid: crate::base::Oid,
    pub typmod: i32,
}

impl TypeRef {
    pub const fn of(oid: crate::base::Oid) -> TypeRef {
        TypeRef { oid, typmod: -1 }
    }
}
