//! System tables, the caches over them, names. Never executes.
//!
//! A database's objects, and the cluster's shared ones, are the rows of one heap each ([`object`]). They are loaded once
//! and kept as immutable, shared records ([`Folder`]), from which [`Relation`]s are put together; a transaction that
//! changes them keeps its own versions in its [`Catalog`] until it commits.
//!
//! Invariants
//! - CAT-1: the shared objects are exactly the committed rows; they change only in `apply`, called by commit
//!   before its locks are released.
//! - CAT-2: an object replaced or dropped is marked stale first, so that whoever still holds it can tell.
//! - CAT-3: whoever uses a relation takes its lock first and then looks whether it is stale.
//! - CAT-4: after `Cluster::load`, a database's folder holds only files that some object names.
//! - CAT-5: whatever holds a user's OID anywhere in it is found by that ([`Catalog::mentioning`]); so no command goes
//!   through all objects to find what depends on one.

pub mod acl;
mod build;
mod changes;
mod cluster;
mod code;
mod conversion;
mod event_trigger;
mod extension;
mod folder;
mod foreign;
mod key_parts;
mod key_triggers;
mod known_types;
mod memo;
mod mentions;
pub mod object;
pub mod opclass;
pub mod partition;
pub mod relation;
pub mod standard_domains;
mod store;
mod subject;
pub mod system;
pub mod system_indexes;
pub mod system_view;
mod tablespace;
mod text_search;
mod view;

pub use build::{phys_of, toast_store, tuple_desc};
pub use changes::Change;
pub use cluster::Cluster;
pub use code::{Cast, Collation, Operator};
pub use conversion::Conversion;
pub use event_trigger::EventTrigger;
pub use extension::Extension;
pub use folder::{Folder, Record};
pub use foreign::{Foreign, ForeignKind};
pub use key_triggers::{KEY_PART_TRIGGERS, KEY_TRIGGERS, key_triggers};
pub use known_types::{MULTIRANGE_IO, RANGE_IO, range_align};
pub use object::{IndexMethod, Object, ObjectKey, Policy, Rule, Trigger};
pub use opclass::{OpClass, OpFamily};
pub use partition::{Bound, Edge, KeyColumn, Lineage, PartitionKey, Strategy};

pub use relation::{
    Attribute, ColumnStats, Constraint, ConstraintKind, Declared, ForeignKey, Index, IndexColumn, Kept, KeyPart, Known,
    Persistence, RelKind, RelStats, Relation, SequenceParams, View,
};
pub use tablespace::{Tablespace, space_of};
pub use text_search::{TsConfig, TsDictionary};

pub use store::{CATALOG_NODE, CATALOG_TOAST_NODE, create_folder};
pub(crate) use subject::{PG_READ_ALL_DATA, PG_WRITE_ALL_DATA};
pub use subject::{Subject, schema_allows};
pub use view::{Acting, Catalog, Generation, Writer};
