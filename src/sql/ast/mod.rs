//! The syntax tree of PostgreSQL 15's language, modelled on PostgreSQL's raw parse nodes.
//!
//! Must never know sqlparser, catalogs or types: names here are only names.
//!
//! - AST-1: `pos` is the 0-based byte offset of the blamed token in the whole text that was parsed (not in the
//!   single statement); [`cursor`] turns it into the 1-based character position a client gets to see.
//! - AST-2: identifiers are already folded to lower case, unquoted, and cut to 63 bytes.
//! - AST-3: special syntax is lowered to function calls and operators as PostgreSQL's grammar lowers it.
//! - AST-4: no tree is deeper than [`MAX_DEPTH`], so that walking and dropping it fits every stack.

mod ddl;
pub mod deparse;
mod dml;
mod expr;
mod foreign;
mod name;
mod query;
mod tag;
mod utility;
mod walk;

pub use ddl::*;
pub use dml::*;
pub use expr::*;
pub use foreign::*;
pub use name::*;
pub use query::*;
pub use tag::*;
pub use utility::*;

/// The deepest nesting of expressions and queries the parser hands out; beyond it is 54001.
pub const MAX_DEPTH: usize = 4000;

/// Byte offset of a token in the parsed text (AST-1).
pub type Pos = u32;

/// The position of nodes made up by the parser, which nobody can be pointed at.
pub const NOWHERE: Pos = u32::MAX;

/// One statement of a query string.
#[derive(Clone, Debug, PartialEq)]
pub struct RawStmt {
    pub stmt: Stmt,
    /// Byte offset of the statement's first byte; leading blanks belong to it, as in PostgreSQL.
    pub start: u32,
    /// Length in bytes, without the semicolon.
    pub len: u32,
}

impl RawStmt {
    /// The statement's own text: what `pg_stat_activity` and STATEMENT log lines of a split string show.
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        let start = self.start as usize;
        source.get(start..start + self.len as usize).unwrap_or(source)
    }
}

/// The 1-based character position of a byte offset in `text`, for [`crate::base::Error::at`].
pub fn cursor(text: &str, pos: Pos) -> Option<u32> {
    let before = text.as_bytes().get(..pos as usize)?;
    let chars = before.iter().filter(|b| (**b & 0xC0) != 0x80).count();
    u32::try_from(chars + 1).ok()
}

/// Any statement.
#[derive(Clone, Debug, PartialEq)]
pub enum Stmt {
    Select(Box<SelectStmt>),
    Insert(Box<InsertStmt>),
    Update(Box<UpdateStmt>),
    Delete(Box<DeleteStmt>),
    Merge(Box<MergeStmt>),

    CreateTable(Box<CreateTableStmt>),
    CreateTableAs(Box<CreateTableAsStmt>),
    AlterTable(Box<AlterTableStmt>),
    AlterTableMoveAll(Box<AlterTableMoveAllStmt>),
    CreateIndex(Box<CreateIndexStmt>),
    CreateSequence(Box<CreateSequenceStmt>),
    AlterSequence(Box<AlterSequenceStmt>),
    CreateView(Box<CreateViewStmt>),
    RefreshMatView(Box<RefreshMatViewStmt>),
    CreateSchema(Box<CreateSchemaStmt>),
    CreateDatabase(Box<CreateDatabaseStmt>),
    AlterDatabase(Box<AlterDatabaseStmt>),
    DropDatabase(Box<DropDatabaseStmt>),
    CreateTablespace(Box<CreateTablespaceStmt>),
    DropTablespace(Box<DropTablespaceStmt>),
    AlterTablespace(Box<AlterTablespaceStmt>),
    CreateEnum(Box<CreateEnumStmt>),
    AlterEnum(Box<AlterEnumStmt>),
    CreateCompositeType(Box<CreateCompositeTypeStmt>),
    CreateRange(Box<CreateRangeStmt>),
    CreateDomain(Box<CreateDomainStmt>),
    AlterDomain(Box<AlterDomainStmt>),
    /// CREATE AGGREGATE, OPERATOR, TYPE (base), COLLATION, TEXT SEARCH …
    Define(Box<DefineStmt>),
    CreateFunction(Box<CreateFunctionStmt>),
    AlterFunction(Box<AlterFunctionStmt>),
    CreateCast(Box<CreateCastStmt>),
    CreateTrigger(Box<CreateTriggerStmt>),
    CreateEventTrigger(Box<CreateEventTriggerStmt>),
    AlterEventTrigger(Box<AlterEventTriggerStmt>),
    CreateRule(Box<CreateRuleStmt>),
    CreatePolicy(Box<CreatePolicyStmt>),
    AlterPolicy(Box<AlterPolicyStmt>),
    CreateStatistics(Box<CreateStatisticsStmt>),
    AlterStatistics(Box<AlterStatisticsStmt>),
    Foreign(Box<ForeignStmt>),
    CreatePublication(Box<CreatePublicationStmt>),
    AlterPublication(Box<AlterPublicationStmt>),
    CreateExtension(Box<CreateExtensionStmt>),
    CreateOpClass(Box<CreateOpClassStmt>),
    AlterExtension(Box<AlterExtensionStmt>),
    CreateLanguage(Box<CreateLanguageStmt>),
    CreateAccessMethod(Box<CreateAccessMethodStmt>),
    CreateConversion(Box<CreateConversionStmt>),
    CreateOpFamily(Box<CreateOpFamilyStmt>),
    AlterOpFamily(Box<AlterOpFamilyStmt>),
    AlterOperator(Box<AlterOperatorStmt>),
    AlterCollation(Box<AlterCollationStmt>),
    AlterTsDictionary(Box<AlterTsDictionaryStmt>),
    AlterTsConfig(Box<AlterTsConfigStmt>),
    Drop(Box<DropStmt>),
    Rename(Box<RenameStmt>),
    AlterObjectSchema(Box<AlterObjectSchemaStmt>),
    AlterOwner(Box<AlterOwnerStmt>),
    AlterObjectDepends(Box<AlterObjectDependsStmt>),
    Comment(Box<CommentStmt>),
    SecurityLabel(Box<SecurityLabelStmt>),

    CreateRole(Box<CreateRoleStmt>),
    AlterRole(Box<AlterRoleStmt>),
    AlterRoleSet(Box<AlterRoleSetStmt>),
    DropRole(Box<DropRoleStmt>),
    Grant(Box<GrantStmt>),
    GrantRole(Box<GrantRoleStmt>),
    AlterDefaultPrivileges(Box<AlterDefaultPrivilegesStmt>),
    DropOwned(Box<DropOwnedStmt>),
    ReassignOwned(Box<ReassignOwnedStmt>),

    Truncate(Box<TruncateStmt>),
    Copy(Box<CopyStmt>),
    Vacuum(Box<VacuumStmt>),
    Cluster(Box<ClusterStmt>),
    Reindex(Box<ReindexStmt>),
    Checkpoint,
    Explain(Box<ExplainStmt>),
    Prepare(Box<PrepareStmt>),
    Execute(Box<ExecuteStmt>),
    /// `None` is ALL.
    Deallocate(Option<Name>),
    DeclareCursor(Box<DeclareCursorStmt>),
    Fetch(Box<FetchStmt>),
    /// `None` is ALL.
    ClosePortal(Option<Name>),
    Transaction(Box<TransactionStmt>),
    SetVariable(Box<SetVariableStmt>),
    ShowVariable(Box<ShowVariableStmt>),
    Discard(DiscardTarget),
    AlterSystem(Box<SetVariableStmt>),
    SetConstraints(Box<SetConstraintsStmt>),
    Lock(Box<LockStmt>),
    Listen(Name),
    /// `None` is `*`.
    Unlisten(Option<Name>),
    Notify(Box<NotifyStmt>),
    Do(Box<DoStmt>),
    Call(Box<CallStmt>),
    Load(String),
    /// A well-known statement of PostgreSQL that Outlast does not read beyond its first words.
    Unsupported(Box<UnsupportedStmt>),
}

/// A statement that is refused with 0A000, under PostgreSQL's command tag.
#[derive(Clone, Debug, PartialEq)]
pub struct UnsupportedStmt {
    /// The command as people write it: `CREATE PUBLICATION`.
    pub tag: &'static str,
    pub pos: Pos,
}
