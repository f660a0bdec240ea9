//! CREATE, ALTER and DROP of everything, and comments.

use super::*;

/// A column of CREATE TABLE, ALTER TABLE ADD COLUMN or CREATE TYPE AS.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnDef {
    pub name: Name,
    /// `None` in `CREATE TABLE … OF type (name WITH OPTIONS …)` and in views' and CTAS's column lists.
    pub typ: Option<TypeName>,
    pub storage: Option<Name>,
    pub compression: Option<Name>,
    pub collation: Option<QualName>,
    pub constraints: Vec<Constraint>,
    pub pos: Pos,
}

impl ColumnDef {
    /// A column of which nothing is said but its name.
    pub fn plain(name: &str) -> ColumnDef {
        ColumnDef {
            name: name.into(),
            typ: None,
            storage: None,
            compression: None,
            collation: None,
            constraints: Vec::new(),
            pos: super::NOWHERE,
        }
    }
}

/// A constraint of a column or a table.
#[derive(Clone, Debug, PartialEq)]
pub struct Constraint {
    pub name: Option<Name>,
    pub kind: ConstraintKind,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// NOT VALID.
    pub skip_validation: bool,
    pub no_inherit: bool,
    pub pos: Pos,
}

impl Constraint {
    pub fn is_identity(&self) -> bool {
        matches!(self.kind, ConstraintKind::Identity { .. })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConstraintKind {
    Null,
    NotNull,
    Default(Expr),
    Check(Expr),
    /// GENERATED ALWAYS AS (…) STORED.
    Generated(Expr),
    Identity {
        always: bool,
        options: Vec<DefElem>,
    },
    Unique(IndexConstraint),
    PrimaryKey(IndexConstraint),
    Exclude(Box<ExcludeConstraint>),
    ForeignKey(Box<ForeignKey>),
}

/// The index behind PRIMARY KEY and UNIQUE.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct IndexConstraint {
    /// Empty on a column constraint, and after USING INDEX.
    pub columns: Vec<Name>,
    pub including: Vec<Name>,
    pub nulls_not_distinct: bool,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Name>,
    /// USING INDEX.
    pub index: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExcludeConstraint {
    pub method: Option<Name>,
    pub elems: Vec<(IndexElem, OperName)>,
    pub including: Vec<Name>,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Name>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ForeignKey {
    /// Empty on a column constraint.
    pub columns: Vec<Name>,
    pub table: RangeVar,
    /// Empty: the primary key.
    pub ref_columns: Vec<Name>,
    pub match_kind: FkMatch,
    pub on_update: FkAction,
    pub on_delete: FkAction,
    /// Of ON DELETE SET NULL | DEFAULT (columns).
    pub on_delete_columns: Vec<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FkMatch {
    #[default]
    Simple,
    Full,
    Partial,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FkAction {
    #[default]
    NoAction,
    Restrict,
    Cascade,
    SetNull,
    SetDefault,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnCommit {
    #[default]
    Noop,
    PreserveRows,
    DeleteRows,
    Drop,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableStmt {
    /// `persistence` is that of the table.
    pub table: RangeVar,
    pub if_not_exists: bool,
    pub elements: Vec<TableElement>,
    pub inherits: Vec<RangeVar>,
    pub partition_by: Option<PartitionSpec>,
    /// PARTITION OF: the parent is in `inherits`.
    pub partition_bound: Option<PartitionBound>,
    pub of_type: Option<TypeName>,
    pub access_method: Option<Name>,
    pub options: Vec<DefElem>,
    pub on_commit: OnCommit,
    pub tablespace: Option<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TableElement {
    Column(ColumnDef),
    Constraint(Constraint),
    Like { table: RangeVar, options: LikeOptions },
}

/// INCLUDING and EXCLUDING of `LIKE table`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct LikeOptions {
    pub comments: bool,
    pub compression: bool,
    pub constraints: bool,
    pub defaults: bool,
    pub generated: bool,
    pub identity: bool,
    pub indexes: bool,
    pub statistics: bool,
    pub storage: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionSpec {
    /// `list`, `range` or `hash`, or what else was written.
    pub strategy: Name,
    pub params: Vec<PartitionElem>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PartitionElem {
    pub name: Option<Name>,
    pub expr: Option<Expr>,
    pub collation: Option<QualName>,
    pub opclass: Option<QualName>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum PartitionBound {
    Default(Pos),
    In {
        values: Vec<Expr>,
        pos: Pos,
    },
    /// MINVALUE and MAXVALUE are column references of these names.
    Range {
        lower: Vec<Expr>,
        upper: Vec<Expr>,
        pos: Pos,
    },
    Hash {
        modulus: i32,
        remainder: i32,
        pos: Pos,
    },
}

/// CREATE TABLE AS, CREATE MATERIALIZED VIEW. (SELECT INTO stays a SELECT with `into`.)
#[derive(Clone, Debug, PartialEq)]
pub struct CreateTableAsStmt {
    pub into: IntoClause,
    /// SELECT or EXECUTE.
    pub query: Stmt,
    pub materialized_view: bool,
    pub if_not_exists: bool,
}

/// ALTER TABLE | INDEX | SEQUENCE | VIEW | MATERIALIZED VIEW | FOREIGN TABLE | TYPE with a list of changes.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTableStmt {
    pub object: ObjectType,
    pub table: RangeVar,
    pub missing_ok: bool,
    pub commands: Vec<AlterTableCommand>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTableCommand {
    pub kind: AlterTableKind,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterTableKind {
    AddColumn {
        def: ColumnDef,
        if_not_exists: bool,
        behavior: DropBehavior,
    },
    DropColumn {
        name: Name,
        missing_ok: bool,
        behavior: DropBehavior,
    },
    AlterType {
        name: Name,
        typ: TypeName,
        collation: Option<QualName>,
        using: Option<Expr>,
        behavior: DropBehavior,
    },
    SetDefault {
        name: Name,
        expr: Expr,
    },
    DropDefault {
        name: Name,
    },
    SetNotNull {
        name: Name,
    },
    DropNotNull {
        name: Name,
    },
    DropExpression {
        name: Name,
        missing_ok: bool,
    },
    /// The column by name, or by number of an index's.
    SetStatistics {
        column: ColumnRef,
        target: i32,
    },
    SetColumnOptions {
        name: Name,
        options: Vec<DefElem>,
    },
    ResetColumnOptions {
        name: Name,
        options: Vec<DefElem>,
    },
    SetStorage {
        name: Name,
        storage: Name,
    },
    SetCompression {
        name: Name,
        method: Name,
    },
    AddIdentity {
        name: Name,
        always: bool,
        options: Vec<DefElem>,
    },
    SetIdentity {
        name: Name,
        options: Vec<DefElem>,
    },
    DropIdentity {
        name: Name,
        missing_ok: bool,
    },
    AddConstraint(Constraint),
    AlterConstraint(Constraint),
    ValidateConstraint(Name),
    DropConstraint {
        name: Name,
        missing_ok: bool,
        behavior: DropBehavior,
    },
    ClusterOn(Name),
    SetWithoutCluster,
    SetWithoutOids,
    SetLogged,
    SetUnlogged,
    SetTablespace(Name),
    SetAccessMethod(Name),
    SetOptions(Vec<DefElem>),
    ResetOptions(Vec<DefElem>),
    Inherit(RangeVar),
    NoInherit(RangeVar),
    Of(TypeName),
    NotOf,
    Owner(RoleSpec),
    ReplicaIdentity(ReplicaIdentity),
    Trigger {
        mode: EnableMode,
        which: TriggerSelect,
    },
    Rule {
        mode: EnableMode,
        name: Name,
    },
    EnableRowSecurity,
    DisableRowSecurity,
    ForceRowSecurity,
    NoForceRowSecurity,
    AttachPartition {
        table: RangeVar,
        bound: PartitionBound,
    },
    /// `ALTER INDEX … ATTACH PARTITION`.
    AttachIndexPartition(RangeVar),
    DetachPartition {
        table: RangeVar,
        concurrently: bool,
    },
    DetachPartitionFinalize(RangeVar),
    /// Options of a foreign table.
    GenericOptions(Vec<DefElem>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ColumnRef {
    Name(Name),
    Number(i16),
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReplicaIdentity {
    Nothing,
    Full,
    Default,
    Index(Name),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EnableMode {
    Enable,
    EnableAlways,
    EnableReplica,
    Disable,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TriggerSelect {
    All,
    User,
    Name(Name),
}

/// `ALTER TABLE ALL IN TABLESPACE a SET TABLESPACE b`.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterTableMoveAllStmt {
    pub object: ObjectType,
    pub from: Name,
    pub to: Name,
    pub owned_by: Vec<RoleSpec>,
    pub nowait: bool,
}

/// A column or expression of an index, or of ON CONFLICT.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexElem {
    pub name: Option<Name>,
    pub expr: Option<Expr>,
    pub collation: Option<QualName>,
    pub opclass: Option<QualName>,
    pub opclass_options: Vec<DefElem>,
    pub dir: SortDir,
    pub nulls: NullsOrder,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateIndexStmt {
    pub name: Option<Name>,
    pub table: RangeVar,
    pub unique: bool,
    pub concurrently: bool,
    pub if_not_exists: bool,
    /// `btree` when not written.
    pub method: Name,
    pub columns: Vec<IndexElem>,
    pub including: Vec<IndexElem>,
    pub nulls_not_distinct: bool,
    pub options: Vec<DefElem>,
    pub tablespace: Option<Name>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSequenceStmt {
    pub sequence: RangeVar,
    pub if_not_exists: bool,
    /// `as`, `cache`, `cycle`, `increment`, `maxvalue`, `minvalue`, `owned_by`, `sequence_name`, `start`, `restart`, as PostgreSQL names them.
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterSequenceStmt {
    pub sequence: RangeVar,
    pub missing_ok: bool,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateViewStmt {
    pub view: RangeVar,
    pub columns: Vec<Name>,
    /// For RECURSIVE it already is the WITH RECURSIVE query.
    pub query: SelectStmt,
    pub replace: bool,
    pub options: Vec<DefElem>,
    pub check: ViewCheck,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ViewCheck {
    #[default]
    No,
    Local,
    Cascaded,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RefreshMatViewStmt {
    pub view: RangeVar,
    pub concurrently: bool,
    pub skip_data: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateSchemaStmt {
    /// `None`: that of the authorized role.
    pub name: Option<Name>,
    pub owner: Option<RoleSpec>,
    pub elements: Vec<Stmt>,
    pub if_not_exists: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDatabaseStmt {
    pub name: Name,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDatabaseStmt {
    pub name: Name,
    pub action: AlterDatabaseAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterDatabaseAction {
    Options(Vec<DefElem>),
    RefreshCollationVersion,
    Set(SetVariableStmt),
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropDatabaseStmt {
    pub name: Name,
    pub missing_ok: bool,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTablespaceStmt {
    pub name: Name,
    pub owner: Option<RoleSpec>,
    pub location: String,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropTablespaceStmt {
    pub name: Name,
    pub missing_ok: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTablespaceStmt {
    pub name: Name,
    pub options: Vec<DefElem>,
    pub reset: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateEnumStmt {
    pub name: QualName,
    pub labels: Vec<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterEnumStmt {
    pub name: QualName,
    pub action: AlterEnumAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterEnumAction {
    Add { label: String, if_not_exists: bool, neighbor: Option<String>, before: bool },
    Rename { from: String, to: String },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateCompositeTypeStmt {
    pub name: RangeVar,
    pub columns: Vec<ColumnDef>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRangeStmt {
    pub name: QualName,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateDomainStmt {
    pub name: QualName,
    pub typ: TypeName,
    pub collation: Option<QualName>,
    pub constraints: Vec<Constraint>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDomainStmt {
    pub name: QualName,
    pub action: AlterDomainAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterDomainAction {
    SetDefault(Expr),
    DropDefault,
    SetNotNull,
    DropNotNull,
    AddConstraint(Constraint),
    DropConstraint { name: Name, missing_ok: bool, behavior: DropBehavior },
    ValidateConstraint(Name),
}

/// CREATE of an object that is described by a list of options.
#[derive(Clone, Debug, PartialEq)]
pub struct DefineStmt {
    pub object: ObjectType,
    /// Operators use `operator`.
    pub name: QualName,
    pub operator: Option<OperName>,
    /// CREATE AGGREGATE's new style: the arguments, and how many are direct.
    pub args: Option<FuncSignature>,
    pub options: Vec<DefElem>,
    pub or_replace: bool,
    pub if_not_exists: bool,
    /// `CREATE COLLATION a FROM b`.
    pub from: Option<QualName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateFunctionStmt {
    pub procedure: bool,
    pub replace: bool,
    pub name: QualName,
    pub params: Vec<FuncParam>,
    pub returns: Option<TypeName>,
    pub returns_table: bool,
    /// `as` (list of one or two strings), `language`, `volatility`, `strict`, `security`, `cost`, `rows`, …
    pub options: Vec<DefElem>,
    /// The SQL-standard body: RETURN or BEGIN ATOMIC.
    pub body: Option<FunctionBody>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FunctionBody {
    Return(Expr),
    Atomic(Vec<Stmt>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterFunctionStmt {
    pub object: ObjectType,
    pub func: FuncSignature,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateCastStmt {
    pub from: TypeName,
    pub to: TypeName,
    /// `None` with `inout` false is WITHOUT FUNCTION.
    pub func: Option<FuncSignature>,
    pub inout: bool,
    pub context: CastContext,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum CastContext {
    Implicit,
    Assignment,
    #[default]
    Explicit,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateTriggerStmt {
    pub replace: bool,
    pub constraint: bool,
    pub name: Name,
    pub table: RangeVar,
    pub timing: TriggerTiming,
    pub events: Vec<TriggerEvent>,
    pub row: bool,
    pub when: Option<Expr>,
    /// `REFERENCING NEW|OLD TABLE AS name`.
    pub transitions: Vec<TriggerTransition>,
    pub function: QualName,
    pub args: Vec<String>,
    pub deferrable: bool,
    pub initially_deferred: bool,
    /// FROM of a constraint trigger.
    pub from: Option<RangeVar>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TriggerTiming {
    Before,
    After,
    InsteadOf,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TriggerEvent {
    Insert,
    Delete,
    Update(Vec<Name>),
    Truncate,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TriggerTransition {
    pub name: Name,
    pub is_new: bool,
    pub is_table: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateEventTriggerStmt {
    pub name: Name,
    pub event: Name,
    pub filters: Vec<(Name, Vec<String>)>,
    pub function: QualName,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterEventTriggerStmt {
    pub name: Name,
    pub mode: EnableMode,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRuleStmt {
    pub replace: bool,
    pub name: Name,
    pub table: RangeVar,
    pub event: RuleEvent,
    pub filter: Option<Expr>,
    pub instead: bool,
    pub actions: Vec<Stmt>,
    /// As they are written.
    pub action_texts: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RuleEvent {
    Select,
    Insert,
    Update,
    Delete,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePolicyStmt {
    pub name: Name,
    pub table: RangeVar,
    pub permissive: bool,
    /// `all`, `select`, `insert`, `update`, `delete`.
    pub command: Name,
    pub roles: Vec<RoleSpec>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterPolicyStmt {
    pub name: Name,
    pub table: RangeVar,
    pub roles: Option<Vec<RoleSpec>>,
    pub using: Option<Expr>,
    pub with_check: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateStatisticsStmt {
    pub name: Option<QualName>,
    pub if_not_exists: bool,
    pub kinds: Vec<Name>,
    /// Column references or expressions.
    pub exprs: Vec<Expr>,
    pub from: Vec<FromItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterStatisticsStmt {
    pub name: QualName,
    pub missing_ok: bool,
    pub target: i32,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreatePublicationStmt {
    pub name: Name,
    pub all_tables: bool,
    pub objects: Vec<PublicationObject>,
    pub options: Vec<DefElem>,
}

/// What a publication takes in.
#[derive(Clone, Debug, PartialEq)]
pub enum PublicationObject {
    Table(Box<PublishedTable>),
    /// None: the current schema.
    Schema(Option<Name>, Pos),
}

#[derive(Clone, Debug, PartialEq)]
pub struct PublishedTable {
    pub table: RangeVar,
    pub columns: Vec<Name>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterPublicationStmt {
    pub name: Name,
    pub action: AlterPublicationAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterPublicationAction {
    Options(Vec<DefElem>),
    Add(Vec<PublicationObject>),
    Set(Vec<PublicationObject>),
    Drop(Vec<PublicationObject>),
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateExtensionStmt {
    pub name: Name,
    pub if_not_exists: bool,
    /// `schema`, `new_version`, `cascade`.
    pub options: Vec<DefElem>,
}

/// CREATE OPERATOR CLASS.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateOpClassStmt {
    pub name: QualName,
    pub default: bool,
    pub typ: TypeName,
    pub method: Name,
    pub family: Option<QualName>,
    pub items: Vec<OpClassItem>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum OpClassItem {
    /// Without types: those of the class on both sides.
    Operator {
        number: i32,
        op: OperName,
        types: Option<Box<OperSignature>>,
        order_by: Option<QualName>,
    },
    Function {
        number: i32,
        types: Vec<TypeName>,
        function: Box<FuncSignature>,
    },
    Storage(TypeName),
}

/// ALTER OPERATOR … SET.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterOperatorStmt {
    pub operator: OperSignature,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateOpFamilyStmt {
    pub name: QualName,
    pub method: Name,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterOpFamilyStmt {
    pub name: QualName,
    pub method: Name,
    pub action: AlterOpFamilyAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterOpFamilyAction {
    Add(Vec<OpClassItem>),
    Drop(Vec<OpFamilyMember>),
}

/// A member of an operator family, by number and types.
#[derive(Clone, Debug, PartialEq)]
pub struct OpFamilyMember {
    pub operator: bool,
    pub number: i32,
    pub types: Vec<TypeName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterExtensionStmt {
    pub name: Name,
    pub action: AlterExtensionAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum AlterExtensionAction {
    Update(Option<String>),
    Add { object: ObjectType, name: ObjectName },
    Drop { object: ObjectType, name: ObjectName },
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateLanguageStmt {
    pub replace: bool,
    pub trusted: bool,
    pub name: Name,
    pub handler: Option<QualName>,
    pub inline: Option<QualName>,
    pub validator: Option<QualName>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateAccessMethodStmt {
    pub name: Name,
    pub table: bool,
    pub handler: QualName,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CreateConversionStmt {
    pub name: QualName,
    pub default: bool,
    pub from: String,
    pub to: String,
    pub function: QualName,
}

/// ALTER COLLATION … REFRESH VERSION.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterCollationStmt {
    pub name: QualName,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTsDictionaryStmt {
    pub name: QualName,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterTsConfigStmt {
    pub name: QualName,
    pub mapping: Mapping,
}

/// What becomes of a configuration's lists of dictionaries.
#[derive(Clone, Debug, PartialEq)]
pub enum Mapping {
    Add {
        tokens: Vec<Name>,
        dictionaries: Vec<QualName>,
    },
    Alter {
        tokens: Vec<Name>,
        dictionaries: Vec<QualName>,
    },
    /// No tokens: all of them.
    Replace {
        tokens: Vec<Name>,
        old: QualName,
        new: QualName,
    },
    Drop {
        tokens: Vec<Name>,
        missing_ok: bool,
    },
}

/// DROP of all that has no statement of its own.
#[derive(Clone, Debug, PartialEq)]
pub struct DropStmt {
    pub object: ObjectType,
    pub names: Vec<ObjectName>,
    pub behavior: DropBehavior,
    pub missing_ok: bool,
    pub concurrently: bool,
}

/// ALTER … RENAME.
#[derive(Clone, Debug, PartialEq)]
pub struct RenameStmt {
    pub object: ObjectType,
    pub missing_ok: bool,
    pub what: RenameTarget,
    pub new_name: Name,
    pub behavior: DropBehavior,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RenameTarget {
    /// A relation; also of a column, constraint, trigger, rule, policy, named in `sub`.
    Relation {
        relation: RangeVar,
        sub: Option<RelationPart>,
    },
    /// Anything else.
    Object(ObjectName),
    /// An attribute of a composite type.
    Attribute {
        typ: RangeVar,
        name: Name,
    },
    DomainConstraint {
        domain: QualName,
        name: Name,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub enum RelationPart {
    Column(Name),
    Constraint(Name),
    Trigger(Name),
    Rule(Name),
    Policy(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterObjectSchemaStmt {
    pub object: ObjectType,
    pub missing_ok: bool,
    pub relation: Option<RangeVar>,
    pub name: Option<ObjectName>,
    pub new_schema: Name,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterOwnerStmt {
    pub object: ObjectType,
    pub name: ObjectName,
    pub owner: RoleSpec,
}

/// ALTER … [NO] DEPENDS ON EXTENSION.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterObjectDependsStmt {
    pub object: ObjectType,
    pub relation: Option<RangeVar>,
    pub name: Option<ObjectName>,
    pub extension: Name,
    pub remove: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommentStmt {
    pub object: ObjectType,
    pub name: ObjectName,
    /// `None` is IS NULL.
    pub comment: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SecurityLabelStmt {
    pub provider: Option<Name>,
    pub object: ObjectType,
    pub name: ObjectName,
    pub label: Option<String>,
}
