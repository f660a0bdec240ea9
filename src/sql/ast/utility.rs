//! Roles, rights, maintenance, cursors, transactions, settings.

use super::*;

#[derive(Clone, Debug, PartialEq)]
pub struct CreateRoleStmt {
    pub kind: CreateRoleKind,
    pub name: Name,
    /// PostgreSQL's option names: `password`, `superuser`, `inherit`, `createrole`, `createdb`, `canlogin`, `isreplication`,
    /// `bypassrls`, `connectionlimit`, `validUntil`, `addroleto`, `rolemembers`, `adminmembers`, `sysid`.
    pub options: Vec<DefElem>,
    pub pos: Pos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CreateRoleKind {
    Role,
    User,
    Group,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterRoleStmt {
    pub role: RoleSpec,
    pub options: Vec<DefElem>,
    /// Of ALTER GROUP: ADD (true) or DROP USER, in an option `rolemembers`.
    pub group_add: Option<bool>,
}

/// ALTER ROLE … [IN DATABASE …] SET | RESET.
#[derive(Clone, Debug, PartialEq)]
pub struct AlterRoleSetStmt {
    /// `None` is ALL.
    pub role: Option<RoleSpec>,
    pub database: Option<Name>,
    pub set: SetVariableStmt,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropRoleStmt {
    pub roles: Vec<RoleSpec>,
    pub missing_ok: bool,
}

/// GRANT and REVOKE of privileges on objects.
#[derive(Clone, Debug, PartialEq)]
pub struct GrantStmt {
    pub is_grant: bool,
    /// Empty is ALL PRIVILEGES.
    pub privileges: Vec<Privilege>,
    pub target: GrantTarget,
    pub grantees: Vec<RoleSpec>,
    /// WITH GRANT OPTION, or REVOKE GRANT OPTION FOR.
    pub grant_option: bool,
    pub grantor: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

/// One privilege word; `None` is ALL, with columns.
#[derive(Clone, Debug, PartialEq)]
pub struct Privilege {
    pub name: Option<Name>,
    pub columns: Vec<Name>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GrantTarget {
    Objects {
        object: ObjectType,
        names: Vec<ObjectName>,
    },
    /// Tables by RangeVar's parts are [`GrantTarget::Objects`] with [`ObjectType::Table`]; this is ALL … IN SCHEMA.
    AllInSchema {
        object: ObjectType,
        schemas: Vec<Name>,
    },
    /// Of ALTER DEFAULT PRIVILEGES: ON TABLES and the like.
    Defaults {
        object: ObjectType,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct GrantRoleStmt {
    pub is_grant: bool,
    pub roles: Vec<Privilege>,
    pub grantees: Vec<RoleSpec>,
    pub admin_option: bool,
    pub grantor: Option<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Clone, Debug, PartialEq)]
pub struct AlterDefaultPrivilegesStmt {
    pub roles: Vec<RoleSpec>,
    pub schemas: Vec<Name>,
    pub grant: GrantStmt,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DropOwnedStmt {
    pub roles: Vec<RoleSpec>,
    pub behavior: DropBehavior,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReassignOwnedStmt {
    pub roles: Vec<RoleSpec>,
    pub new_role: RoleSpec,
}

#[derive(Clone, Debug, PartialEq)]
pub struct TruncateStmt {
    pub tables: Vec<RangeVar>,
    pub restart_identity: bool,
    pub behavior: DropBehavior,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CopyStmt {
    pub source: CopySource,
    pub is_from: bool,
    pub target: CopyTarget,
    /// In the new names: `format`, `freeze`, `delimiter`, `null`, `header`, `quote`, `escape`, `force_quote`, `force_not_null`, `force_null`, `encoding`.
    pub options: Vec<DefElem>,
    pub filter: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum CopySource {
    Table {
        table: RangeVar,
        columns: Vec<TargetColumn>,
    },
    /// SELECT, INSERT, UPDATE or DELETE.
    Query(Box<Stmt>),
}

#[derive(Clone, Debug, PartialEq)]
pub enum CopyTarget {
    /// STDIN or STDOUT.
    Std,
    File(String),
    Program(String),
}

/// VACUUM and ANALYZE.
#[derive(Clone, Debug, PartialEq)]
pub struct VacuumStmt {
    /// False: ANALYZE alone.
    pub is_vacuum: bool,
    pub options: Vec<DefElem>,
    pub tables: Vec<VacuumTable>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct VacuumTable {
    pub table: RangeVar,
    pub columns: Vec<Name>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ClusterStmt {
    /// `None`: all tables clustered before.
    pub table: Option<RangeVar>,
    pub index: Option<Name>,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ReindexStmt {
    pub target: ReindexTarget,
    /// Also holds `concurrently`.
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ReindexTarget {
    Index(RangeVar),
    Table(RangeVar),
    Schema(Name),
    System(Name),
    Database(Name),
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExplainStmt {
    pub query: Stmt,
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct PrepareStmt {
    pub name: Name,
    pub types: Vec<TypeName>,
    pub query: Stmt,
}

#[derive(Clone, Debug, PartialEq)]
pub struct ExecuteStmt {
    pub name: Name,
    pub args: Vec<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeclareCursorStmt {
    pub name: Name,
    pub binary: bool,
    /// SCROLL (true), NO SCROLL (false), neither.
    pub scroll: Option<bool>,
    /// INSENSITIVE (true), ASENSITIVE (false), neither.
    pub insensitive: Option<bool>,
    pub hold: bool,
    pub query: SelectStmt,
}

/// FETCH and MOVE.
#[derive(Clone, Debug, PartialEq)]
pub struct FetchStmt {
    pub cursor: Name,
    pub is_move: bool,
    pub direction: FetchDirection,
    /// [`FETCH_ALL`] for ALL; may be negative or 0.
    pub count: i64,
}

/// The count of FETCH ALL.
pub const FETCH_ALL: i64 = i64::MAX;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FetchDirection {
    Forward,
    Backward,
    Absolute,
    Relative,
}

#[derive(Clone, Debug, PartialEq)]
pub enum TransactionStmt {
    /// `start`: it was START TRANSACTION.
    Begin {
        start: bool,
        modes: Vec<TransactionMode>,
    },
    Commit {
        chain: bool,
    },
    Rollback {
        chain: bool,
    },
    Savepoint(Name),
    Release(Name),
    RollbackTo(Name),
    Prepare(String),
    CommitPrepared(String),
    RollbackPrepared(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TransactionMode {
    Isolation(IsolationLevel),
    ReadOnly(bool),
    Deferrable(bool),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsolationLevel {
    ReadUncommitted,
    ReadCommitted,
    RepeatableRead,
    Serializable,
}

impl IsolationLevel {
    /// The value of `transaction_isolation`.
    pub fn as_str(self) -> &'static str {
        match self {
            IsolationLevel::ReadUncommitted => "read uncommitted",
            IsolationLevel::ReadCommitted => "read committed",
            IsolationLevel::RepeatableRead => "repeatable read",
            IsolationLevel::Serializable => "serializable",
        }
    }
}

/// SET and RESET.
#[derive(Clone, Debug, PartialEq)]
pub struct SetVariableStmt {
    /// SET LOCAL.
    pub local: bool,
    pub action: SetAction,
}

/// Special names are already those of the settings: `TIME ZONE` is `timezone`, `SESSION AUTHORIZATION` is
/// `session_authorization`, `NAMES` is `client_encoding`, `SCHEMA` is `search_path`, `ROLE` is `role`.
#[derive(Clone, Debug, PartialEq)]
pub enum SetAction {
    Value {
        name: Name,
        args: Vec<SetArg>,
    },
    /// `= DEFAULT`, `TIME ZONE DEFAULT | LOCAL`.
    Default(Name),
    FromCurrent(Name),
    Reset(Name),
    ResetAll,
    /// SET TRANSACTION.
    Transaction(Vec<TransactionMode>),
    /// SET SESSION CHARACTERISTICS AS TRANSACTION.
    Characteristics(Vec<TransactionMode>),
    /// SET TRANSACTION SNAPSHOT.
    Snapshot(String),
}

/// One value of a list.
#[derive(Clone, Debug, PartialEq)]
pub enum SetArg {
    Int(i32),
    Float(String),
    /// A string or a bare word; TRUE, FALSE and ON are words.
    Str(String),
    /// `TIME ZONE INTERVAL '…' HOUR TO MINUTE`: a cast of the string.
    Interval(Expr),
}

impl SetArg {
    /// The value as text; an interval's begins with `INTERVAL` (PostgreSQL 15, guc.c, flatten_set_variable_args: same).
    pub fn text(&self) -> String {
        match self {
            SetArg::Int(i) => i.to_string(),
            SetArg::Float(s) | SetArg::Str(s) => s.clone(),
            SetArg::Interval(e) => match &e.kind {
                ExprKind::Cast { arg, typ } => match &arg.kind {
                    // A bare number counts the last of the fields.
                    ExprKind::Const(Const::Str(s)) if s.trim().parse::<i32>().is_ok() && !typ.typmods.is_empty() => {
                        let hours = ExprKind::Const(Const::Int(super::interval_mask::HOUR));
                        let unit = if typ.typmods[0].kind == hours { "hours" } else { "minutes" };
                        format!("INTERVAL '{s} {unit}'")
                    }
                    ExprKind::Const(Const::Str(s)) => format!("INTERVAL '{s}'"),
                    _ => String::new(),
                },
                _ => String::new(),
            },
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub struct ShowVariableStmt {
    /// `None` is ALL.
    pub name: Option<Name>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiscardTarget {
    All,
    Plans,
    Sequences,
    Temp,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetConstraintsStmt {
    /// Empty is ALL.
    pub names: Vec<RangeVar>,
    pub deferred: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LockStmt {
    pub tables: Vec<RangeVar>,
    pub mode: TableLockMode,
    pub nowait: bool,
}

/// PostgreSQL's eight table locks, by number (1 to 8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
pub enum TableLockMode {
    AccessShare = 1,
    RowShare = 2,
    RowExclusive = 3,
    ShareUpdateExclusive = 4,
    Share = 5,
    ShareRowExclusive = 6,
    Exclusive = 7,
    AccessExclusive = 8,
}

#[derive(Clone, Debug, PartialEq)]
pub struct NotifyStmt {
    pub channel: Name,
    pub payload: Option<String>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DoStmt {
    /// `as` (the body) and `language`.
    pub options: Vec<DefElem>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CallStmt {
    pub call: FuncCall,
    pub pos: Pos,
}
