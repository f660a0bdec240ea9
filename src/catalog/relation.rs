//! What the catalogs say about one relation, put together: columns, indexes, constraints, storage.

use crate::base::{Flow, Oid, RelFileId, Result, TupleId, Xid};
use crate::btree::{Bounds, Direction, IndexEntry, IndexScan, IndexStore, Inserter, VacuumStats};
pub use crate::buffer::Persistence;
use crate::buffer::RelFork;
use crate::catalog::IndexMethod;
use crate::storage::Storage;
use crate::types::{Datum, TypeRef, Value};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// `pg_class.relkind`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum RelKind {
    Table = b'r',
    Index = b'i',
    Sequence = b'S',
    Toast = b't',
    View = b'v',
    MatView = b'm',
    Composite = b'c',
    Partitioned = b'p',
    PartitionedIndex = b'I',
}

/// A partition that is being detached while its table is read. Whose snapshot is older than that sees its rows still.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Detaching {
    pub child: Oid,
    /// The transaction that began it.
    pub by: Xid,
    /// It is among the relation's children nevertheless.
    pub shown: bool,
}

/// A row of `pg_attribute`, with its default.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Attribute {
    pub name: String,
    /// 1-based; never reused.
    pub attno: i16,
    pub ty: TypeRef,
    pub not_null: bool,
    pub dropped: bool,
    /// SQL text of the DEFAULT or generation expression.
    pub default: Option<Arc<str>>,
    /// 'a' always, 'd' by default, 0 none.
    pub identity: u8,
    /// 's' stored, 0 none.
    pub generated: u8,
    /// Value of rows written before the column was added.
    pub missing: Option<Value>,
    /// The default's OID in `pg_attrdef`.
    pub default_oid: Oid,
    /// `attstattarget`, −1: the default.
    pub stat_target: i32,
    pub acl: Option<Vec<String>>,
    /// `attinhcount`: how many parents have it.
    #[serde(default)]
    pub inherited: u16,
    /// `attislocal`: it was defined here, too.
    #[serde(default = "yes")]
    pub local: bool,
    #[serde(default)]
    pub declared: Declared,
}

fn yes() -> bool {
    true
}

/// What a column was declared with beyond its type. The server has one order of text and chooses itself where values
/// are kept; tools read these back to make the column again.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Declared {
    /// `attcollation` where one was named.
    #[serde(default)]
    pub collation: Oid,
    /// `attstorage` where it is not the type's; 0 otherwise.
    #[serde(default)]
    pub storage: u8,
    /// `attcompression`; 0: the default.
    #[serde(default)]
    pub compression: u8,
    /// `attoptions`, `name=value`.
    #[serde(default)]
    pub options: Vec<String>,
    /// `attndims`: how many dimensions the type was written with.
    #[serde(default)]
    pub dimensions: u16,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[repr(u8)]
pub enum ConstraintKind {
    Check = b'c',
    ForeignKey = b'f',
    PrimaryKey = b'p',
    Unique = b'u',
    Exclude = b'x',
}

/// A row of `pg_constraint`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraint {
    pub oid: Oid,
    pub name: String,
    pub kind: ConstraintKind,
    /// Attribute numbers of the constrained columns.
    pub columns: Vec<i16>,
    /// SQL text of a CHECK.
    pub check: Option<Arc<str>>,
    pub index: Oid,
    pub foreign: Option<ForeignKey>,
    pub deferrable: bool,
    pub deferred: bool,
    pub validated: bool,
    /// `coninhcount`, `conislocal`, `connoinherit`.
    #[serde(default)]
    pub inherited: u16,
    #[serde(default = "yes")]
    pub local: bool,
    #[serde(default)]
    pub no_inherit: bool,
    /// `conparentid`: the partitioned table's constraint this one is part of.
    #[serde(default)]
    pub parent: Oid,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ForeignKey {
    pub relation: Oid,
    pub columns: Vec<i16>,
    /// `confupdtype`, `confdeltype`: a, r, c, n, d.
    pub on_update: u8,
    pub on_delete: u8,
    /// `confmatchtype`: s simple, f full.
    pub match_type: u8,
    /// Which of the referring columns ON DELETE SET NULL | DEFAULT changes; empty: all.
    #[serde(default)]
    pub delete_columns: Vec<i16>,
    /// `tgenabled` of the triggers that look for what rows refer to, and of those on the table referred to.
    #[serde(default = "origin")]
    pub check_enabled: char,
    #[serde(default = "origin")]
    pub action_enabled: char,
    /// The numbers of the triggers that stand for it ([`super::key_triggers`]).
    #[serde(default)]
    pub triggers: Vec<Oid>,
    /// What it is to the partitions of the table that it refers to.
    #[serde(default)]
    pub parts: Vec<KeyPart>,
}

/// A foreign key's constraint for one partition of the table that it refers to ([`Constraint::parts`]).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPart {
    pub oid: Oid,
    pub name: String,
    pub relation: Oid,
    pub columns: Vec<i16>,
    pub index: Oid,
    /// The constraint for what the partition is part of.
    pub parent: Oid,
    /// The numbers of the triggers on the partition.
    pub triggers: Vec<Oid>,
}

/// Triggers fire unless the session replays another server's changes.
fn origin() -> char {
    'O'
}

/// A key or included column of an index.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct IndexColumn {
    /// Attribute number of the table, 0 for an expression.
    pub attno: i16,
    /// SQL text of an expression column.
    pub expr: Option<Arc<str>>,
    pub ty: TypeRef,
    pub desc: bool,
    pub nulls_first: bool,
    /// The operator class, where it is not the type's default one.
    pub opclass: Oid,
    /// The collation, where one was named.
    #[serde(default)]
    pub collation: Oid,
    /// The collation an expression has of itself, where it is not its type's.
    #[serde(default)]
    pub derived: Oid,
    /// What its texts are ordered by, as [`crate::types::Collation::written`] notes it.
    #[serde(default)]
    pub order: String,
    /// What its operator class was told, `name=value`.
    #[serde(default)]
    pub options: Vec<String>,
    pub name: String,
}

impl IndexColumn {
    /// What orders it other than a column of the table does: a collation named, else that of its expression.
    pub fn named(&self) -> Oid {
        if self.collation.is_valid() { self.collation } else { self.derived }
    }
}

/// A row of `pg_index` with the index's own `pg_class` row.
#[derive(Debug)]
pub struct Index {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub table: Oid,
    pub file: RelFileId,
    pub persistence: Persistence,
    pub unique: bool,
    pub primary: bool,
    pub nulls_not_distinct: bool,
    /// All rows are in it: it may be searched.
    pub valid: bool,
    /// Writers put their rows in. If not, they mind only that an update that changes what it would hold is not heap-only.
    pub ready: bool,
    /// Key columns, then `INCLUDE`d ones.
    pub columns: Vec<IndexColumn>,
    pub key_columns: usize,
    /// SQL text of a partial index's WHERE.
    pub predicate: Option<Arc<str>>,
    /// The constraint the index belongs to, if any.
    pub constraint: Oid,
    pub options: Vec<String>,
    pub owner: Oid,
    pub clustered: bool,
    pub method: IndexMethod,
    /// Of a GIN index: how its columns' values are taken apart.
    pub gin: Vec<crate::gin::Class>,
    /// Of a GiST index: what its key columns' classes can do.
    pub gist: Vec<crate::gist::Column>,
    /// Of a BRIN index: the same, and the pages of a range.
    pub brin: Vec<crate::brin::Column>,
    pub pages_per_range: u32,
    /// EXCLUDE: the operator of each key column.
    pub exclusion: Vec<Oid>,
    /// The partitioned index it is part of.
    pub parent: Oid,
    /// It has no entries of its own: the partitions' indexes have.
    pub partitioned: bool,
    pub stats: RelStats,
    /// The open file: blocks, a B-tree's metapage cache.
    pub store: Arc<crate::btree::IndexStore>,
}

impl IndexMethod {
    /// Makes an empty index in a fork whose file was just created.
    pub fn create_empty(self, storage: &Storage, fork: &Arc<RelFork>, xid: Xid) -> Result<()> {
        match self {
            IndexMethod::Gist => crate::gist::create_empty(storage, fork, xid),
            _ => IndexStore::create_empty(storage, fork, xid),
        }
    }
}

impl Index {
    /// One of its columns is the attribute itself.
    pub fn holds(&self, attno: i16) -> bool {
        attno > 0 && self.columns.iter().any(|c| c.attno == attno && c.expr.is_none())
    }

    /// It is for a constraint on pairs of rows.
    pub fn constrains(&self) -> bool {
        self.unique || !self.exclusion.is_empty()
    }

    /// The tree of a GiST index.
    pub fn tree(&self) -> crate::gist::Tree<'_> {
        crate::gist::Tree { store: &self.store, columns: &self.gist }
    }

    /// The ranges of a BRIN index.
    pub fn ranges(&self) -> crate::brin::Ranges<'_> {
        crate::brin::Ranges { store: &self.store, columns: &self.brin, pages_per_range: self.pages_per_range.max(1) }
    }

    /// Puts entries in that may have equals.
    ///
    /// # Errors
    /// 54000 for a key that is too long; I/O.
    pub fn insert(&self, storage: &Storage, by: Inserter<'_>, entries: &[IndexEntry]) -> Flow<()> {
        match self.method {
            IndexMethod::Gist => self.tree().insert(storage, by, entries),
            IndexMethod::Brin => self.ranges().insert(storage, by, entries),
            _ => self.store.insert(storage, by, entries),
        }
    }

    /// Removes every entry that leads to one of `dead` (ascending).
    pub fn bulk_delete(&self, storage: &Storage, dead: &[TupleId]) -> Result<VacuumStats> {
        match self.method {
            IndexMethod::Gist => self.tree().bulk_delete(storage, dead),
            // Dead rows stay in their ranges' summaries.
            IndexMethod::Brin => self.store.bulk_delete(storage, &[]),
            _ => self.store.bulk_delete(storage, dead),
        }
    }

    /// Hands out where every entry leads, in no order, some of them twice. Nobody takes entries out meanwhile.
    pub fn every_tid(&self, storage: &Storage, take: &mut dyn FnMut(TupleId) -> Result<()>) -> Result<()> {
        if self.method == IndexMethod::Brin {
            // Of no row it is known whether it is there: each one is put in again.
            return Ok(());
        }
        if self.method == IndexMethod::Gist {
            let mut scan = crate::gist::Scan::new(self.tree(), Vec::new(), Vec::new());
            let mut pages = usize::MAX;
            while let Some(found) = scan.next(storage, &mut pages)? {
                take(found.tid)?;
            }
            return Ok(());
        }
        let mut scan = IndexScan::new(self.store.clone(), Bounds::default(), Direction::Forward);
        while let Some(tid) = scan.next(storage)? {
            take(tid)?;
        }
        Ok(())
    }

    /// VACUUM's look for pages that may be used again, when no entry had to go.
    pub fn clean_up(&self, storage: &Storage) -> Result<Option<VacuumStats>> {
        match self.method {
            IndexMethod::Gist => self.tree().clean_up(storage),
            _ => self.store.clean_up(storage),
        }
    }

    /// The keys of a row with these values of the key columns: one, or of a GIN index one for each element. `out` is
    /// emptied first; its memory is used again.
    pub fn keys<'a>(&self, values: impl Iterator<Item = Datum<'a>>, out: &mut Vec<Vec<u8>>) {
        if self.method == IndexMethod::Gin {
            out.clear();
            for (n, (class, value)) in self.gin.iter().zip(values).enumerate() {
                crate::gin::keys(n, *class, value, out);
            }
            return;
        }
        if self.method == IndexMethod::Gist {
            out.clear();
            out.push(crate::gist::keys_of(&self.gist, values));
            return;
        }
        if self.method == IndexMethod::Brin {
            out.clear();
            out.push(crate::brin::summary::of_row(&self.brin, values));
            return;
        }
        out.resize_with(1, Vec::new);
        out[0].clear();
        self.store.encode_key(values, &mut out[0]);
    }
}

/// `pg_class.relpages`, `reltuples`: rewritten in place by VACUUM and ANALYZE.
#[derive(Debug, Default)]
pub struct RelStats {
    pub pages: AtomicU64,
    /// Bits of an f64; −1 never counted.
    pub tuples: AtomicU64,
    pub all_visible: AtomicU64,
}

impl RelStats {
    pub fn reltuples(&self) -> f64 {
        f64::from_bits(self.tuples.load(Ordering::Relaxed))
    }
}

/// What `CREATE VIEW` was given.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct View {
    /// The SELECT as text.
    pub query: Arc<str>,
    #[serde(flatten)]
    pub kept: Kept,
    /// `LOCAL` or `CASCADED` check option, if any.
    pub check_option: Option<String>,
    /// A materialized view holds rows.
    pub populated: bool,
    /// The OID of its rule in `pg_rewrite`; invalid in directories of old, where the view's own stands for it.
    #[serde(default)]
    pub rule: Oid,
}

/// How the names in a kept text are looked up: as when it was written, whatever they would mean by now.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Kept {
    /// Schemas its names were looked up in.
    #[serde(default)]
    pub search_path: Vec<String>,
    #[serde(default)]
    pub reads: Vec<Known>,
}

/// A relation as a kept text knows it: as it was when that was written. A view keeps reading the relations and the columns
/// that it read then, under whatever names; columns of later are none of its.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Known {
    pub oid: Oid,
    pub row_type: Oid,
    pub schema: String,
    pub name: String,
    /// The name alone found it.
    pub plain: bool,
    /// Numbers and names of its columns, in order.
    pub columns: Vec<(i16, String)>,
}

impl Known {
    /// What a column was called; None: there was none of this number.
    pub fn column(&self, attno: i16) -> Option<&str> {
        let found = self.columns.binary_search_by_key(&attno, |c| c.0).ok()?;
        Some(&self.columns[found].1)
    }
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SequenceParams {
    pub ty: Oid,
    pub start: i64,
    pub increment: i64,
    pub min: i64,
    pub max: i64,
    pub cache: i64,
    pub cycle: bool,
}

/// The generator of relations that are rows a statement changed, as its triggers name them.
pub const TRANSITION: &str = "transition table";

/// A relation as one committed (or own, uncommitted) state of the catalogs shows it. Immutable but for statistics.
pub struct Relation {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub schema: String,
    pub kind: RelKind,
    pub persistence: Persistence,
    pub owner: Oid,
    /// `relacl` items as text (`joe=arw/postgres`); None: the default.
    pub acl: Option<Vec<String>>,
    /// What is granted on system columns, by their attribute numbers.
    pub system_acl: super::object::ColumnAcls,
    pub file: RelFileId,
    /// Row type's OID in `pg_type`.
    pub row_type: Oid,
    pub attributes: Vec<Attribute>,
    /// All but those that are about to be gone.
    pub indexes: Vec<Arc<Index>>,
    pub constraints: Vec<Constraint>,
    pub toast: Oid,
    pub view: Option<View>,
    pub sequence: Option<SequenceParams>,
    /// `reloptions`, `name=value`.
    pub options: Vec<String>,
    pub stats: RelStats,
    /// Per-column statistics by ANALYZE, by attribute number.
    pub column_stats: arc_swap::ArcSwap<Vec<ColumnStats>>,
    /// The same of its own rows and its children's.
    pub tree_stats: arc_swap::ArcSwap<Vec<ColumnStats>>,
    /// What ANALYZE found out for extended statistics.
    pub extended_stats: arc_swap::ArcSwap<Vec<super::object::ExtendedStats>>,
    /// Open storage of tables, sequences, materialized views and TOAST tables.
    pub store: Option<Arc<crate::heap::TableStore>>,
    /// A catalog whose rows are generated from the engine's registries or state: the name of its generator.
    pub generated_by: Option<&'static str>,
    pub lineage: super::Lineage,
    /// Direct children, ascending.
    pub children: Vec<Oid>,
    /// The partition that is on its way out.
    pub detaching: Option<Detaching>,
    /// The same relation with that partition among its children, filled on first use.
    pub whole: std::sync::OnceLock<Arc<Relation>>,
    /// How rows find their partition, filled on first use.
    pub routing: std::sync::OnceLock<Arc<dyn std::any::Any + Send + Sync>>,
    /// Shared with [`Relation::whole`].
    pub stale: Arc<AtomicBool>,
    /// Bound defaults, checks and index expressions, filled by the binder on first use.
    pub bound: std::sync::OnceLock<Arc<dyn std::any::Any + Send + Sync>>,
    pub triggers: Vec<super::object::Trigger>,
    pub policies: Vec<super::object::Policy>,
    pub rules: Vec<super::object::Rule>,
    pub row_security: bool,
    pub force_row_security: bool,
    /// The composite type of a typed table.
    pub of_type: Oid,
}

/// What is learned of its rows meanwhile is none of it: queries are compared by what this gives.
impl std::fmt::Debug for Relation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relation")
            .field("oid", &self.oid)
            .field("schema", &self.schema)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// A row of `pg_statistic` in the planner's terms.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct ColumnStats {
    pub attno: i16,
    #[serde(with = "crate::types::stored_float")]
    pub null_frac: f64,
    pub avg_width: i32,
    /// As `stadistinct`: negative means a fraction of the rows.
    #[serde(with = "crate::types::stored_float")]
    pub n_distinct: f64,
    pub most_common: Vec<(Value, f64)>,
    /// Equal-frequency bucket bounds, ascending.
    pub histogram: Vec<Value>,
    #[serde(with = "crate::types::stored_float")]
    pub correlation: f64,
}

impl Attribute {
    /// The sequence that an identity column takes its values from; a serial column of before may have left it others.
    pub fn identity_sequence(&self) -> Option<Oid> {
        let default = self.default.as_deref().filter(|_| self.identity != 0)?;
        default.strip_prefix("nextval('")?.split('\'').next()?.parse().ok().map(Oid)
    }

    /// A column without anything special.
    pub fn new(name: &str, attno: i16, ty: TypeRef) -> Attribute {
        Attribute {
            name: name.to_string(),
            attno,
            ty,
            not_null: false,
            dropped: false,
            default: None,
            identity: 0,
            generated: 0,
            missing: None,
            default_oid: Oid::INVALID,
            stat_target: -1,
            acl: None,
            inherited: 0,
            local: true,
            declared: Declared::default(),
        }
    }
}

impl Relation {
    /// A relation that exists only as columns: for binding expressions that no table has.
    pub fn of_columns(oid: Oid, name: &str, attributes: &[Attribute]) -> Relation {
        Relation {
            oid,
            name: name.to_string(),
            namespace: Oid::INVALID,
            schema: String::new(),
            kind: RelKind::Table,
            persistence: Persistence::Permanent,
            owner: Oid::INVALID,
            acl: None,
            system_acl: Vec::new(),
            file: RelFileId::new(Oid::INVALID, Oid::INVALID),
            row_type: Oid::INVALID,
            attributes: attributes.to_vec(),
            indexes: Vec::new(),
            constraints: Vec::new(),
            toast: Oid::INVALID,
            view: None,
            sequence: None,
            options: Vec::new(),
            stats: RelStats::unknown(),
            column_stats: Default::default(),
            tree_stats: Default::default(),
            extended_stats: Default::default(),
            store: None,
            generated_by: None,
            lineage: Default::default(),
            children: Vec::new(),
            detaching: None,
            whole: Default::default(),
            routing: Default::default(),
            stale: Arc::default(),
            bound: Default::default(),
            triggers: Vec::new(),
            policies: Vec::new(),
            rules: Vec::new(),
            row_security: false,
            force_row_security: false,
            of_type: Oid::INVALID,
        }
    }

    /// Replaced or dropped since this object was made (CAT-2).
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Acquire)
    }

    pub fn attribute(&self, name: &str) -> Option<&Attribute> {
        self.attributes.iter().find(|a| !a.dropped && a.name == name)
    }

    /// A view with INSTEAD OF triggers for a statement of this kind (`INSERT`, `UPDATE`, `DELETE`).
    pub fn has_instead_of(&self, verb: &str) -> bool {
        let is_for = |t: &super::object::Trigger| match verb {
            "INSERT" => t.insert,
            "UPDATE" => t.update,
            "DELETE" => t.delete,
            _ => false,
        };
        self.triggers.iter().any(|t| t.when == 'i' && is_for(t))
    }

    pub fn is_partitioned(&self) -> bool {
        self.kind == RelKind::Partitioned
    }

    pub fn is_partition(&self) -> bool {
        self.lineage.bound.is_some()
    }

    /// Columns a `*` shows.
    pub fn visible_attributes(&self) -> impl Iterator<Item = &Attribute> {
        self.attributes.iter().filter(|a| !a.dropped)
    }
}

impl Relation {
    /// Takes over new statistics of itself or of one of its indexes.
    pub fn take_stats(&self, new: &super::object::Stats) {
        if new.relation == self.oid {
            self.stats.take(new);
            self.column_stats.store(Arc::new(new.columns.clone()));
            self.tree_stats.store(Arc::new(new.tree.clone()));
            self.extended_stats.store(Arc::new(new.extended.clone()));
        } else if let Some(index) = self.indexes.iter().find(|i| i.oid == new.relation) {
            index.stats.take(new);
        }
    }
}

impl RelStats {
    pub fn take(&self, new: &super::object::Stats) {
        self.pages.store(new.pages, Ordering::Relaxed);
        self.tuples.store(new.tuples.to_bits(), Ordering::Relaxed);
        self.all_visible.store(new.all_visible, Ordering::Relaxed);
    }

    /// Nothing counted yet.
    pub fn unknown() -> RelStats {
        RelStats { tuples: AtomicU64::new((-1f64).to_bits()), ..RelStats::default() }
    }
}
