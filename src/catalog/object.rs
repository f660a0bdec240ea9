//! Catalog objects as they are stored: one heap row per object, key and a self-describing body.
//!
//! Departs from PostgreSQL, which spreads a table over rows of pg_class, pg_attribute, pg_constraint, pg_index and
//! more: here an object is written, replaced and rolled back as a whole, one load reads everything, and the SQL
//! catalogs are generated from the objects, so the two cannot disagree. The body is JSON, because fields will be
//! added and old directories must stay readable.

use super::relation::{
    Attribute, ColumnStats, Constraint, IndexColumn, Kept, Persistence, RelKind, SequenceParams, View,
};
use crate::base::{Error, Oid, Result};
use crate::types::TypeRef;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// OIDs of PostgreSQL's catalogs, as they name kinds of objects in keys, dependencies and comments.
pub mod class {
    use crate::base::Oid;

    pub const TYPE: Oid = Oid(1247);
    pub const PROC: Oid = Oid(1255);
    pub const RELATION: Oid = Oid(1259);
    pub const AUTHID: Oid = Oid(1260);
    pub const DATABASE: Oid = Oid(1262);
    pub const CONSTRAINT: Oid = Oid(2606);
    pub const ATTRDEF: Oid = Oid(2604);
    pub const NAMESPACE: Oid = Oid(2615);
    pub const STATISTIC: Oid = Oid(2619);
    pub const DESCRIPTION: Oid = Oid(2609);
    pub const SHDESCRIPTION: Oid = Oid(2396);
    pub const DEFAULT_ACL: Oid = Oid(826);
    pub const DB_ROLE_SETTING: Oid = Oid(2964);
    pub const REWRITE: Oid = Oid(2618);
    pub const CAST: Oid = Oid(2605);
    pub const OPERATOR: Oid = Oid(2617);
    pub const COLLATION: Oid = Oid(3456);
    pub const TABLESPACE: Oid = Oid(1213);
    pub const ACCESS_METHOD: Oid = Oid(2601);
    pub const LANGUAGE: Oid = Oid(2612);
    pub const TRIGGER: Oid = Oid(2620);
    pub const POLICY: Oid = Oid(3256);
    pub const STATISTIC_EXT: Oid = Oid(3381);
    pub const EXTENSION: Oid = Oid(3079);
    pub const OPCLASS: Oid = Oid(2616);
    pub const OPFAMILY: Oid = Oid(2753);
    pub const EVENT_TRIGGER: Oid = Oid(3466);
    pub const PUBLICATION: Oid = Oid(6104);
    pub const PUBLICATION_REL: Oid = Oid(6106);
    pub const PUBLICATION_NAMESPACE: Oid = Oid(6237);
    pub const FOREIGN_DATA_WRAPPER: Oid = Oid(2328);
    pub const FOREIGN_SERVER: Oid = Oid(1417);
    pub const USER_MAPPING: Oid = Oid(1418);
    pub const AMOP: Oid = Oid(2602);
    pub const AMPROC: Oid = Oid(2603);
    pub const CONVERSION: Oid = Oid(2607);
    pub const TS_DICTIONARY: Oid = Oid(3600);
    pub const TS_PARSER: Oid = Oid(3601);
    pub const TS_CONFIG: Oid = Oid(3602);
    pub const TS_TEMPLATE: Oid = Oid(3764);

    /// Classes of one database whose objects have owners of their own ([`super::Object::owned`]).
    pub const OWNED: [Oid; 17] = [
        RELATION,
        TYPE,
        PROC,
        NAMESPACE,
        DEFAULT_ACL,
        STATISTIC_EXT,
        PUBLICATION,
        EXTENSION,
        EVENT_TRIGGER,
        OPERATOR,
        OPCLASS,
        COLLATION,
        TS_CONFIG,
        TS_DICTIONARY,
        FOREIGN_DATA_WRAPPER,
        FOREIGN_SERVER,
        USER_MAPPING,
    ];
}

/// OIDs that initdb gives, all PostgreSQL's.
pub mod fixed {
    use crate::base::Oid;

    pub const PG_CATALOG: Oid = Oid(11);
    pub const PG_TOAST: Oid = Oid(99);
    pub const PUBLIC: Oid = Oid(2200);
    pub const INFORMATION_SCHEMA: Oid = Oid(13000);
    pub const BOOTSTRAP_SUPERUSER: Oid = Oid(10);
    pub const DATABASE_OWNER: Oid = Oid(6171);
    pub const PG_READ_ALL_STATS: Oid = Oid(3375);
    pub const TEMPLATE1: Oid = Oid(1);
    pub const TEMPLATE0: Oid = Oid(4);
    pub const POSTGRES: Oid = Oid(5);
    pub const DEFAULT_TABLESPACE: Oid = Oid(1663);
    pub const GLOBAL_TABLESPACE: Oid = Oid(1664);
    pub const DEFAULT_COLLATION: Oid = Oid(100);
    pub const C_COLLATION: Oid = Oid(950);
    pub const HEAP_AM: Oid = Oid(2);
    pub const BTREE_AM: Oid = Oid(403);
    pub const HASH_AM: Oid = Oid(405);
    pub const GIN_AM: Oid = Oid(2742);
    pub const GIST_AM: Oid = Oid(783);
    pub const BRIN_AM: Oid = Oid(3580);
    pub const SPGIST_AM: Oid = Oid(4000);
}

/// What names an object: its kind's catalog, its OID, and a sub-number (a comment's column).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct ObjectKey {
    pub class: Oid,
    pub oid: Oid,
    pub sub: i32,
}

impl ObjectKey {
    pub const fn new(class: Oid, oid: Oid) -> ObjectKey {
        ObjectKey { class, oid, sub: 0 }
    }
}

/// Any catalog object.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Object {
    Namespace(Namespace),
    Class(Class),
    Type(UserType),
    Function(Function),
    Role(Role),
    Database(Database),
    Stats(Stats),
    Comment(Comment),
    RoleSetting(RoleSetting),
    DefaultAcl(DefaultAcl),
    BuiltinAcl(BuiltinAcl),
    Statistics(Statistics),
    Publication(Publication),
    Operator(super::Operator),
    Cast(super::Cast),
    Collation(super::Collation),
    Extension(super::Extension),
    TsConfig(super::TsConfig),
    TsDictionary(super::TsDictionary),
    OpClass(super::OpClass),
    OpFamily(super::OpFamily),
    Conversion(super::Conversion),
    EventTrigger(super::EventTrigger),
    Tablespace(super::Tablespace),
    Foreign(super::Foreign),
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Namespace {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    /// Of a session's temporary schema: the session's pid while it lives.
    #[serde(default)]
    pub temp_of: Option<u32>,
}

/// A row of `pg_class` with what hangs on it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Class {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub kind: RelKind,
    pub persistence: Persistence,
    pub owner: Oid,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    /// What is granted on system columns, by their attribute numbers.
    #[serde(default)]
    pub system_acl: ColumnAcls,
    /// File number below the database's folder; 0 for views.
    pub node: Oid,
    /// The oldest transaction that ran when it was made: nothing in it is older; 0: not known.
    #[serde(default)]
    pub frozen: u64,
    #[serde(default)]
    pub row_type: Oid,
    #[serde(default)]
    pub row_array_type: Oid,
    #[serde(default)]
    pub attributes: Vec<Attribute>,
    #[serde(default)]
    pub constraints: Vec<Constraint>,
    #[serde(default)]
    pub toast: Oid,
    #[serde(default)]
    pub view: Option<View>,
    #[serde(default)]
    pub sequence: Option<SequenceParams>,
    #[serde(default)]
    pub index: Option<IndexDef>,
    #[serde(default)]
    pub options: Vec<String>,
    /// What this object needs: dropping one of them needs CASCADE, or takes this along when `auto`.
    #[serde(default)]
    pub depends: Vec<Depend>,
    /// `d` default, `n` nothing, `f` full, `i` index.
    #[serde(default)]
    pub replica_identity: Option<char>,
    #[serde(default)]
    pub lineage: super::Lineage,
    #[serde(default)]
    pub triggers: Vec<Trigger>,
    #[serde(default)]
    pub policies: Vec<Policy>,
    #[serde(default)]
    pub rules: Vec<Rule>,
    /// `relrowsecurity`: the policies count.
    #[serde(default)]
    pub row_security: bool,
    /// `relforcerowsecurity`: for the owner, too.
    #[serde(default)]
    pub force_row_security: bool,
    /// `reloftype`: of a typed table.
    #[serde(default)]
    pub of_type: Oid,
    /// `reltablespace`: 0 for the database's own.
    #[serde(default)]
    pub tablespace: Oid,
}

impl Class {
    /// A relation without anything: the fields a kind does not need.
    pub fn new(oid: Oid, name: String, namespace: Oid, kind: RelKind, persistence: Persistence, owner: Oid) -> Class {
        Class {
            oid,
            name,
            namespace,
            kind,
            persistence,
            owner,
            acl: None,
            system_acl: Vec::new(),
            node: Oid::INVALID,
            frozen: 0,
            row_type: Oid::INVALID,
            row_array_type: Oid::INVALID,
            attributes: Vec::new(),
            constraints: Vec::new(),
            toast: Oid::INVALID,
            view: None,
            sequence: None,
            index: None,
            options: Vec::new(),
            depends: Vec::new(),
            replica_identity: None,
            lineage: Default::default(),
            triggers: Vec::new(),
            of_type: Oid::INVALID,
            tablespace: Oid::INVALID,
            policies: Vec::new(),
            rules: Vec::new(),
            row_security: false,
            force_row_security: false,
        }
    }

    /// What is granted on columns that are there, by attribute number.
    pub fn column_acls(&self) -> impl Iterator<Item = (i16, &Vec<String>)> {
        let own = self.attributes.iter().filter(|a| !a.dropped);
        let own = own.filter_map(|a| Some((a.attno, a.acl.as_ref()?)));
        self.system_acl.iter().map(|(attno, acl)| (*attno, acl)).chain(own)
    }

    pub fn column_acl(&self, attno: i16) -> Option<&Vec<String>> {
        self.column_acls().find(|(n, _)| *n == attno).map(|(_, acl)| acl)
    }

    /// No items: nothing is granted.
    pub fn set_column_acl(&mut self, attno: i16, acl: Vec<String>) {
        let acl = Some(acl).filter(|a| !a.is_empty());
        if let Some(a) = self.attributes.iter_mut().find(|a| a.attno == attno) {
            a.acl = acl;
            return;
        }
        self.system_acl.retain(|(n, _)| *n != attno);
        self.system_acl.extend(acl.map(|acl| (attno, acl)));
        self.system_acl.sort_by_key(|(n, _)| *n);
    }
}

/// A rule: what is done instead of a statement, or beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Rule {
    pub oid: Oid,
    pub name: String,
    /// `ev_type`: 2 UPDATE, 3 INSERT, 4 DELETE.
    pub event: char,
    pub instead: bool,
    /// SQL text over `old` and `new`.
    #[serde(default)]
    pub condition: Option<Arc<str>>,
    /// Statements over `old` and `new`; none: nothing is done.
    #[serde(default)]
    pub actions: Vec<Arc<str>>,
    /// Attribute numbers the condition and the actions read of OLD and NEW.
    #[serde(default)]
    pub columns: Vec<i16>,
    /// Other relations and functions that they name.
    #[serde(default)]
    pub depends: Vec<Depend>,
    /// `O`rigin, `D`isabled, `R`eplica, `A`lways.
    pub enabled: char,
    #[serde(flatten)]
    pub kept: Kept,
}

/// A policy of a table: which of its rows roles may see and make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    pub oid: Oid,
    pub name: String,
    /// Permissive ones are alternatives, restrictive ones must all hold.
    pub permissive: bool,
    /// `polcmd`: r, a, w, d, `*` for all.
    pub command: char,
    /// Ascending as written; invalid: PUBLIC.
    pub roles: Vec<Oid>,
    /// SQL text of the conditions.
    #[serde(default)]
    pub using: Option<Arc<str>>,
    #[serde(default)]
    pub check: Option<Arc<str>>,
    #[serde(flatten)]
    pub kept: Kept,
    /// What the conditions' sub-selects read, functions they call.
    #[serde(default)]
    pub depends: Vec<Depend>,
}

/// A trigger of a relation.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Trigger {
    pub oid: Oid,
    pub name: String,
    pub function: Oid,
    /// `b`efore, `a`fter, `i`nstead of.
    pub when: char,
    pub row: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
    /// UPDATE OF: attribute numbers; empty: any.
    #[serde(default)]
    pub columns: Vec<i16>,
    #[serde(default)]
    pub condition: Option<Arc<str>>,
    #[serde(default)]
    pub args: Vec<String>,
    /// `O`rigin, `D`isabled, `R`eplica, `A`lways.
    pub enabled: char,
    /// Of a constraint trigger: its constraint's OID.
    #[serde(default)]
    pub constraint: Oid,
    #[serde(default)]
    pub deferrable: bool,
    #[serde(default)]
    pub deferred: bool,
    /// FROM of a constraint trigger.
    #[serde(default)]
    pub referenced: Oid,
    /// `tgparentid`: the partitioned table's trigger this one is part of.
    #[serde(default)]
    pub parent: Oid,
    /// REFERENCING: names of the changed rows as they were, and as they became.
    #[serde(default)]
    pub old_table: Option<String>,
    #[serde(default)]
    pub new_table: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Depend {
    pub on: ObjectKey,
    /// Goes away with what it depends on (an identity sequence with its column), without CASCADE.
    pub auto: bool,
}

/// What writers of the table do about an index that is made, or dropped, while they work.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum IndexStage {
    /// They put their rows in (`indisready`).
    #[default]
    Ready,
    /// Nothing but to mind it where an update may be heap-only.
    Building,
    /// Nothing (not `indislive`).
    Dead,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct IndexDef {
    pub table: Oid,
    pub unique: bool,
    pub primary: bool,
    #[serde(default)]
    pub nulls_not_distinct: bool,
    pub valid: bool,
    #[serde(default)]
    pub stage: IndexStage,
    /// By what OID serializable transactions mark its file's pages as read, if not by its own: the file was another's.
    #[serde(default)]
    pub marks: Oid,
    pub columns: Vec<IndexColumn>,
    pub key_columns: usize,
    #[serde(default)]
    pub predicate: Option<Arc<str>>,
    #[serde(default)]
    pub constraint: Oid,
    #[serde(default)]
    pub clustered: bool,
    /// The index that is the table's replica identity.
    #[serde(default)]
    pub replica_identity: bool,
    /// USING hash: ordered by the values' hash codes.
    #[serde(default)]
    pub hash: bool,
    /// USING gin: ordered by the values' elements.
    #[serde(default)]
    pub gin: bool,
    /// USING gist: a tree of what covers the values.
    #[serde(default)]
    pub gist: bool,
    /// USING brin: the pages of a range, as the index was built; 0: it is none.
    #[serde(default)]
    pub pages_per_range: u32,
    /// EXCLUDE: the operator of each key column that must not hold between two rows.
    #[serde(default)]
    pub exclusion: Vec<Oid>,
}

impl IndexDef {
    /// See `marks`; `own` is the index's.
    pub fn marks_oid(&self, own: Oid) -> Oid {
        if self.marks.is_valid() { self.marks } else { own }
    }

    pub fn method(&self) -> IndexMethod {
        match (self.hash, self.gin, self.gist) {
            _ if self.pages_per_range > 0 => IndexMethod::Brin,
            (true, ..) => IndexMethod::Hash,
            (_, true, _) => IndexMethod::Gin,
            (.., true) => IndexMethod::Gist,
            _ => IndexMethod::Btree,
        }
    }
}

/// The access method of an index.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum IndexMethod {
    Btree,
    /// The key is the hash code of the column's value.
    Hash,
    /// A key for each element of each column's value.
    Gin,
    /// [`crate::gist`].
    Gist,
    /// [`crate::brin`].
    Brin,
}

impl IndexMethod {
    pub fn named(name: &str) -> Option<IndexMethod> {
        [IndexMethod::Btree, IndexMethod::Hash, IndexMethod::Gin, IndexMethod::Gist, IndexMethod::Brin]
            .into_iter()
            .find(|m| m.name() == name)
    }

    /// By its row in `pg_am`.
    pub fn of(oid: Oid) -> Option<IndexMethod> {
        [IndexMethod::Btree, IndexMethod::Hash, IndexMethod::Gin, IndexMethod::Gist, IndexMethod::Brin]
            .into_iter()
            .find(|m| m.oid() == oid)
    }

    pub fn name(self) -> &'static str {
        match self {
            IndexMethod::Btree => "btree",
            IndexMethod::Hash => "hash",
            IndexMethod::Gin => "gin",
            IndexMethod::Gist => "gist",
            IndexMethod::Brin => "brin",
        }
    }

    /// Its row in `pg_am`.
    pub fn oid(self) -> Oid {
        match self {
            IndexMethod::Btree => fixed::BTREE_AM,
            IndexMethod::Hash => fixed::HASH_AM,
            IndexMethod::Gin => fixed::GIN_AM,
            IndexMethod::Gist => fixed::GIST_AM,
            IndexMethod::Brin => fixed::BRIN_AM,
        }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct UserType {
    pub oid: Oid,
    pub array_oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub kind: UserTypeKind,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum UserTypeKind {
    /// Labels in order, each with its `pg_enum` OID and sort position.
    Enum(Vec<EnumLabel>),
    Domain {
        base: TypeRef,
        /// Where one was named, here or for the domain it is made over.
        #[serde(default)]
        collation: Oid,
        not_null: bool,
        default: Option<Arc<str>>,
        checks: Vec<Constraint>,
        /// `typndims`: how many dimensions the base type was written with.
        #[serde(default)]
        dimensions: u16,
    },
    /// The composite's `pg_class` row holds its attributes.
    Composite {
        class: Oid,
    },
    Range(RangeType),
    /// What goes with a range type.
    Multirange {
        range: Oid,
    },
    /// An extension's.
    Base(BaseType),
    /// `CREATE TYPE name;`
    Shell,
}

/// A row of `pg_range`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RangeType {
    pub subtype: Oid,
    pub multirange: Oid,
    /// Of the bounds; invalid where they have none.
    pub collation: Oid,
    /// What the bounds are ordered by, as an index notes it.
    #[serde(default)]
    pub order: String,
    pub opclass: Oid,
    #[serde(default)]
    pub canonical: Oid,
    /// What the canonical function does.
    #[serde(default)]
    pub step: Option<crate::types::range::Step>,
    #[serde(default)]
    pub difference: Oid,
}

/// A type whose values are read and ordered by code of the program.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BaseType {
    /// The name of the code: [`crate::types::code`].
    pub code: String,
    /// Input, output, receive, send.
    pub functions: [Oid; 4],
    pub align: char,
    pub storage: char,
    pub category: char,
    pub collatable: bool,
}

/// Access items of columns, by attribute number.
pub type ColumnAcls = Vec<(i16, Vec<String>)>;

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct EnumLabel {
    pub oid: Oid,
    pub label: String,
    pub sort: f32,
    /// The transaction that added it to a type that was there; 0: it came with the type.
    #[serde(default)]
    pub added_by: u64,
}

/// A user's function, procedure or aggregate.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Function {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub kind: char,
    pub language: String,
    pub arg_types: Vec<Oid>,
    pub arg_names: Vec<String>,
    /// i, o, b, v, t per argument; empty: all in.
    pub arg_modes: Vec<char>,
    pub arg_defaults: Vec<Option<Arc<str>>>,
    pub result: TypeRef,
    pub returns_set: bool,
    pub strict: bool,
    pub volatility: char,
    pub security_definer: bool,
    pub leakproof: bool,
    pub parallel: char,
    #[serde(with = "crate::types::stored_float")]
    pub cost: f32,
    #[serde(with = "crate::types::stored_float")]
    pub rows: f32,
    /// Of languages C and internal: the name of the code behind it.
    pub body: Arc<str>,
    /// `probin`: the library the code is in.
    #[serde(default)]
    pub library: Option<String>,
    pub settings: Vec<String>,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    #[serde(default)]
    pub depends: Vec<Depend>,
    /// The body was written as RETURN or BEGIN ATOMIC: its names are those of its creation.
    #[serde(default)]
    pub atomic: bool,
    /// Of its body, where `atomic`.
    #[serde(flatten)]
    pub kept: Kept,
    /// Of an aggregate.
    #[serde(default)]
    pub aggregate: Option<AggregateDef>,
}

/// How an aggregate's states work: a row of `pg_aggregate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AggregateDef {
    pub transition: Oid,
    /// Makes the result of the state; invalid: the state is the result.
    pub finish: Oid,
    /// It gets NULLs for the arguments, too.
    pub finish_extra: bool,
    pub finish_modify: char,
    pub state: Oid,
    pub space: i32,
    pub initial: Option<String>,
    /// What only PostgreSQL's planner and executor use: frames are computed without it here.
    #[serde(default)]
    pub combine: Oid,
    #[serde(default)]
    pub sort_operator: Oid,
    #[serde(default)]
    pub moving: Option<MovingDef>,
    #[serde(default)]
    pub serialize: Oid,
    #[serde(default)]
    pub deserialize: Oid,
    /// The built-in aggregate that has the same functions, where states are of type internal: its states are these.
    #[serde(default)]
    pub same_as: Oid,
}

/// How the states of an aggregate move with a window's frame: the columns `aggm…` of `pg_aggregate`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MovingDef {
    pub transition: Oid,
    pub inverse: Oid,
    pub finish: Oid,
    pub finish_extra: bool,
    pub finish_modify: char,
    pub state: Oid,
    pub space: i32,
    pub initial: Option<String>,
}

impl Function {
    /// Whether the n-th argument is given by the caller.
    pub fn is_input(&self, n: usize) -> bool {
        self.arg_modes.get(n).is_none_or(|m| matches!(m, 'i' | 'b' | 'v'))
    }

    /// The types of the arguments a caller gives.
    pub fn inputs(&self) -> Vec<Oid> {
        (0..self.arg_types.len()).filter(|n| self.is_input(*n)).map(|n| self.arg_types[n]).collect()
    }

    pub fn is_procedure(&self) -> bool {
        self.kind == 'p'
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Role {
    pub oid: Oid,
    pub name: String,
    pub superuser: bool,
    pub inherit: bool,
    pub create_role: bool,
    pub create_db: bool,
    pub login: bool,
    pub replication: bool,
    pub bypass_rls: bool,
    pub connection_limit: i32,
    /// SCRAM verifier or md5 hash, as `pg_authid.rolpassword`.
    #[serde(default)]
    pub password: Option<String>,
    #[serde(default)]
    pub valid_until_us: Option<i64>,
    /// Roles this one is a member of.
    #[serde(default)]
    pub member_of: Vec<Membership>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Membership {
    pub role: Oid,
    pub grantor: Oid,
    pub admin: bool,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Database {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    pub is_template: bool,
    pub allow_connections: bool,
    pub connection_limit: i32,
    pub encoding: i32,
    pub collate: String,
    pub ctype: String,
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    /// ICU's locale, where ICU orders by default.
    #[serde(default)]
    pub icu_locale: Option<String>,
    /// The version of what ordered when it was made.
    #[serde(default)]
    pub collation_version: Option<String>,
    /// Where its files lie that say nothing else; 0: `pg_default`.
    #[serde(default)]
    pub tablespace: Oid,
}

impl Database {
    /// Library and locale.
    pub fn locale(&self) -> (crate::types::collation::Provider, &str) {
        crate::types::collation::named(self.icu_locale.as_deref(), &self.collate)
    }

    /// The version of what orders when the database was made and now, where these differ.
    pub fn version_mismatch(&self) -> Option<(String, String)> {
        let recorded = self.collation_version.clone()?;
        let now = crate::types::collation::version(self.locale())?;
        (recorded != now).then_some((recorded, now))
    }

    /// What text is ordered by where nothing says otherwise.
    ///
    /// # Errors
    /// 22023 where the system has no such locale.
    pub fn order(&self) -> crate::base::Result<crate::types::Collation> {
        let (provider, locale) = self.locale();
        let order = crate::types::Collation::open(provider, locale)?;
        Ok(if self.icu_locale.is_some() { order } else { order.with_case_of(&self.ctype) })
    }
}

/// `ALTER DATABASE … SET`, `ALTER ROLE … [IN DATABASE …] SET`: keyed by (database, role) in one row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct RoleSetting {
    pub database: Oid,
    pub role: Oid,
    pub settings: Vec<(String, String)>,
}

/// What ANALYZE found out about a table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Stats {
    pub relation: Oid,
    pub pages: u64,
    #[serde(with = "crate::types::stored_float")]
    pub tuples: f64,
    #[serde(default)]
    pub all_visible: u64,
    #[serde(default)]
    pub columns: Vec<ColumnStats>,
    /// Of the rows of a tree with children.
    #[serde(default)]
    pub tree: Vec<ColumnStats>,
    #[serde(default)]
    pub extended: Vec<ExtendedStats>,
    /// Below this transaction id nothing in the table needs the commit log; 0: never looked at.
    #[serde(default)]
    pub frozen: u64,
}

/// What CREATE STATISTICS made. What ANALYZE found out is in the table's [`Stats`].
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Statistics {
    pub oid: Oid,
    pub name: String,
    pub namespace: Oid,
    pub owner: Oid,
    pub table: Oid,
    /// Attribute numbers, ascending.
    pub columns: Vec<i16>,
    /// SQL text over the table's columns.
    #[serde(default)]
    pub exprs: Vec<Arc<str>>,
    /// `d` distinct values, `f` functional dependencies, `m` most common values, `e` expressions.
    pub kinds: Vec<char>,
    #[serde(default = "no_target")]
    pub target: i32,
}

fn no_target() -> i32 {
    -1
}

/// What ANALYZE found out about several columns of a table.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ExtendedStats {
    pub statistics: Oid,
    /// Columns (expressions are −1, −2, …), and how many values they have together.
    #[serde(default)]
    pub distinct: Vec<(Vec<i16>, f64)>,
    /// Columns that decide a further one, and for how many rows.
    #[serde(default)]
    pub dependencies: Vec<(Vec<i16>, i16, f64)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Publication {
    pub oid: Oid,
    pub name: String,
    pub owner: Oid,
    pub all_tables: bool,
    pub insert: bool,
    pub update: bool,
    pub delete: bool,
    pub truncate: bool,
    /// Changes of partitions are those of the table above.
    pub via_root: bool,
    #[serde(default)]
    pub tables: Vec<PublishedTable>,
    /// OIDs in `pg_publication_namespace`, and the schemas.
    #[serde(default)]
    pub schemas: Vec<(Oid, Oid)>,
}

/// A row of `pg_publication_rel`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PublishedTable {
    pub oid: Oid,
    pub table: Oid,
    /// Empty: all columns.
    #[serde(default)]
    pub columns: Vec<i16>,
    #[serde(default)]
    pub filter: Option<Arc<str>>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Comment {
    pub on: ObjectKey,
    pub text: String,
}

/// The rights on something built in since GRANT or REVOKE changed them: it has no object of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct BuiltinAcl {
    pub on: ObjectKey,
    /// Of the whole; None: as initdb left them.
    #[serde(default)]
    pub acl: Option<Vec<String>>,
    /// Of columns, by attribute number.
    #[serde(default)]
    pub columns: Vec<(i16, Vec<String>)>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct DefaultAcl {
    pub oid: Oid,
    pub role: Oid,
    pub namespace: Oid,
    pub kind: char,
    pub acl: Vec<String>,
}

impl Object {
    pub fn key(&self) -> ObjectKey {
        match self {
            Object::Namespace(o) => ObjectKey::new(class::NAMESPACE, o.oid),
            Object::Class(o) => ObjectKey::new(class::RELATION, o.oid),
            Object::Type(o) => ObjectKey::new(class::TYPE, o.oid),
            Object::Function(o) => ObjectKey::new(class::PROC, o.oid),
            Object::Role(o) => ObjectKey::new(class::AUTHID, o.oid),
            Object::Database(o) => ObjectKey::new(class::DATABASE, o.oid),
            Object::Stats(o) => ObjectKey::new(class::STATISTIC, o.relation),
            // A comment's own class keeps it apart from what it is on; its database folder tells shared ones.
            Object::Comment(o) => ObjectKey { class: Oid(o.on.class.0 | COMMENT_BIT), oid: o.on.oid, sub: o.on.sub },
            Object::RoleSetting(o) => {
                ObjectKey { class: class::DB_ROLE_SETTING, oid: o.database, sub: o.role.0 as i32 }
            }
            Object::DefaultAcl(o) => ObjectKey::new(class::DEFAULT_ACL, o.oid),
            Object::BuiltinAcl(o) => builtin_acl_key(o.on),
            Object::Statistics(o) => ObjectKey::new(class::STATISTIC_EXT, o.oid),
            Object::Publication(o) => ObjectKey::new(class::PUBLICATION, o.oid),
            Object::Operator(o) => ObjectKey::new(class::OPERATOR, o.oid),
            Object::Cast(o) => ObjectKey::new(class::CAST, o.oid),
            Object::Collation(o) => ObjectKey::new(class::COLLATION, o.oid),
            Object::Extension(o) => ObjectKey::new(class::EXTENSION, o.oid),
            Object::TsConfig(o) => ObjectKey::new(class::TS_CONFIG, o.oid),
            Object::TsDictionary(o) => ObjectKey::new(class::TS_DICTIONARY, o.oid),
            Object::OpClass(o) => ObjectKey::new(class::OPCLASS, o.oid),
            Object::OpFamily(o) => ObjectKey::new(class::OPFAMILY, o.oid),
            Object::Conversion(o) => ObjectKey::new(class::CONVERSION, o.oid),
            Object::EventTrigger(o) => ObjectKey::new(class::EVENT_TRIGGER, o.oid),
            Object::Tablespace(o) => ObjectKey::new(class::TABLESPACE, o.oid),
            Object::Foreign(o) => o.key(),
        }
    }

    /// Lives in the folder shared by all databases.
    pub fn is_shared(&self) -> bool {
        match self {
            Object::Role(_) | Object::Database(_) | Object::Tablespace(_) | Object::RoleSetting(_) => true,
            Object::Comment(c) => matches!(c.on.class, class::AUTHID | class::DATABASE | class::TABLESPACE),
            _ => false,
        }
    }

    /// The schema and the name the object is found by.
    pub fn name(&self) -> Option<(Oid, &str)> {
        match self {
            Object::Namespace(o) => Some((Oid::INVALID, &o.name)),
            Object::Class(o) => Some((o.namespace, &o.name)),
            Object::Type(o) => Some((o.namespace, &o.name)),
            Object::Function(o) => Some((o.namespace, &o.name)),
            Object::Role(o) => Some((Oid::INVALID, &o.name)),
            Object::Database(o) => Some((Oid::INVALID, &o.name)),
            Object::Tablespace(o) => Some((Oid::INVALID, &o.name)),
            Object::Statistics(o) => Some((o.namespace, &o.name)),
            Object::Publication(o) => Some((Oid::INVALID, &o.name)),
            Object::Operator(o) => Some((o.namespace, &o.name)),
            Object::Collation(o) => Some((o.namespace, &o.name)),
            Object::Extension(o) => Some((Oid::INVALID, &o.name)),
            Object::EventTrigger(o) => Some((Oid::INVALID, &o.name)),
            Object::TsConfig(o) => Some((o.namespace, &o.name)),
            Object::TsDictionary(o) => Some((o.namespace, &o.name)),
            Object::OpClass(o) => Some((o.namespace, &o.name)),
            Object::OpFamily(o) => Some((o.namespace, &o.name)),
            Object::Conversion(o) => Some((o.namespace, &o.name)),
            Object::Foreign(o) => (!o.is_mapping()).then_some((Oid::INVALID, o.name.as_str())),
            Object::Cast(_)
            | Object::Stats(_)
            | Object::Comment(_)
            | Object::RoleSetting(_)
            | Object::DefaultAcl(_)
            | Object::BuiltinAcl(_) => None,
        }
    }

    pub fn depends(&self) -> &[Depend] {
        match self {
            Object::Class(o) => &o.depends,
            Object::Function(o) => &o.depends,
            Object::Operator(o) => &o.depends,
            Object::Cast(o) => &o.depends,
            Object::TsConfig(o) => &o.depends,
            Object::EventTrigger(o) => &o.depends,
            Object::Foreign(o) => &o.depends,
            _ => &[],
        }
    }

    /// OIDs of what is kept inside the object: constraints, triggers, defaults, row types, arrays.
    pub fn parts(&self) -> Vec<Oid> {
        let mut parts = Vec::new();
        match self {
            Object::Class(c) => {
                parts.extend([c.row_type, c.row_array_type]);
                parts.extend(c.attributes.iter().map(|a| a.default_oid));
                parts.extend(c.constraints.iter().map(|k| k.oid));
                parts.extend(c.triggers.iter().flat_map(|t| [t.oid, t.constraint]));
                for f in c.constraints.iter().filter_map(|k| k.foreign.as_ref()) {
                    parts.extend(&f.triggers);
                    parts.extend(f.parts.iter().flat_map(|p| std::iter::once(&p.oid).chain(&p.triggers)));
                }
                parts.extend(c.policies.iter().map(|p| p.oid));
                parts.extend(c.rules.iter().map(|r| r.oid));
                parts.extend(c.view.as_ref().map(|v| v.rule));
            }
            Object::Publication(p) => {
                parts.extend(p.tables.iter().map(|t| t.oid));
                parts.extend(p.schemas.iter().map(|(oid, _)| *oid));
            }
            Object::Type(t) => {
                parts.push(t.array_oid);
                match &t.kind {
                    UserTypeKind::Domain { checks, .. } => parts.extend(checks.iter().map(|k| k.oid)),
                    // Labels have numbers of their type's own.
                    UserTypeKind::Enum(_)
                    | UserTypeKind::Composite { .. }
                    | UserTypeKind::Range(_)
                    | UserTypeKind::Multirange { .. }
                    | UserTypeKind::Base(_)
                    | UserTypeKind::Shell => {}
                }
            }
            _ => {}
        }
        parts.retain(|p| p.is_valid());
        parts
    }

    /// Who owns the object, and what is granted on it; None for what is owned with something else.
    pub fn owned(&self) -> Option<(Oid, Option<&Vec<String>>)> {
        Some(match self {
            Object::Class(c) if c.index.is_some() || matches!(c.kind, RelKind::Toast | RelKind::Composite) => {
                return None;
            }
            Object::Class(c) => (c.owner, c.acl.as_ref()),
            Object::Type(t) => (t.owner, t.acl.as_ref()),
            Object::Function(f) => (f.owner, f.acl.as_ref()),
            Object::Namespace(n) if n.temp_of.is_some() => return None,
            Object::Namespace(n) => (n.owner, n.acl.as_ref()),
            Object::Database(d) => (d.owner, d.acl.as_ref()),
            Object::Tablespace(t) => (t.owner, t.acl.as_ref()),
            Object::DefaultAcl(d) => (d.role, Some(&d.acl)),
            Object::Statistics(s) => (s.owner, None),
            Object::Publication(p) => (p.owner, None),
            Object::Extension(e) => (e.owner, None),
            Object::EventTrigger(t) => (t.owner, None),
            Object::Operator(o) => (o.owner, None),
            Object::OpClass(o) => (o.owner, None),
            Object::OpFamily(o) => (o.owner, None),
            Object::Conversion(o) => (o.owner, None),
            Object::Collation(c) => (c.owner, None),
            Object::TsConfig(c) => (c.owner, None),
            Object::TsDictionary(d) => (d.owner, None),
            Object::Foreign(f) => (f.owner, f.acl.as_ref()),
            _ => return None,
        })
    }

    pub fn encode(&self) -> Vec<u8> {
        // Serialising plain structs into memory has no way to fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// # Errors
    /// XX001 for a body that is no object.
    pub fn decode(body: &[u8]) -> Result<Object> {
        serde_json::from_slice(body).map_err(|e| crate::err!(DATA_CORRUPTED, "catalog object is damaged: {e}"))
    }
}

/// Set in a comment's key class.
pub const COMMENT_BIT: u32 = 1 << 31;

/// The key of the comment on an object.
pub fn comment_key(on: ObjectKey) -> ObjectKey {
    ObjectKey { class: Oid(on.class.0 | COMMENT_BIT), ..on }
}

/// Set in the key class of the rights on something built in.
pub const BUILTIN_ACL_BIT: u32 = 1 << 30;

/// The key of the rights on something built in.
pub fn builtin_acl_key(on: ObjectKey) -> ObjectKey {
    ObjectKey { class: Oid(on.class.0 | BUILTIN_ACL_BIT), ..on }
}

macro_rules! accessors {
    ($($fn:ident => $variant:ident($ty:ty);)*) => {
        impl Object {
            $(pub fn $fn(&self) -> Result<&$ty> {
                match self {
                    Object::$variant(o) => Ok(o),
                    other => Err(Error::internal(format!("{:?} is not a {}", other.key(), stringify!($variant)))),
                }
            })*
        }
    };
}

accessors! {
    as_namespace => Namespace(Namespace);
    as_class => Class(Class);
    as_type => Type(UserType);
    as_function => Function(Function);
    as_role => Role(Role);
    as_database => Database(Database);
    as_stats => Stats(Stats);
    as_role_setting => RoleSetting(RoleSetting);
    as_statistics => Statistics(Statistics);
    as_publication => Publication(Publication);
    as_tablespace => Tablespace(super::Tablespace);
    as_builtin_acl => BuiltinAcl(BuiltinAcl);
}
