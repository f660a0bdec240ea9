//! SELECT, VALUES, set operations, WITH and FROM.

use super::{Alias, Expr, Name, Pos, QualName, RangeVar, SortBy, Stmt, TypeName, WindowDef};

/// A query with what may stand around it. Parentheses leave no trace but nesting.
#[derive(Clone, Debug, PartialEq)]
pub struct SelectStmt {
    pub with: Option<WithClause>,
    pub body: SelectBody,
    pub order_by: Vec<SortBy>,
    pub limit: Option<Limit>,
    pub offset: Option<Expr>,
    pub locking: Vec<LockingClause>,
    /// The first token of the body.
    pub pos: Pos,
    /// A cursor's: its first rows are wanted soon, and perhaps no others.
    pub of_cursor: bool,
}

impl SelectStmt {
    /// Nothing stands around it.
    pub fn of(body: SelectBody, pos: Pos) -> SelectStmt {
        SelectStmt {
            with: None,
            body,
            order_by: Vec::new(),
            limit: None,
            offset: None,
            locking: Vec::new(),
            pos,
            of_cursor: false,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub enum SelectBody {
    Select(Box<SelectCore>),
    /// Rows of equal or unequal length; may hold [`super::ExprKind::Default`] below INSERT.
    Values(Vec<Vec<Expr>>),
    SetOp(Box<SetOp>),
}

/// `SELECT … FROM … WHERE … GROUP BY … HAVING … WINDOW …`. `TABLE t` is `SELECT * FROM t`.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct SelectCore {
    pub distinct: Distinct,
    pub targets: Vec<Target>,
    pub into: Option<IntoClause>,
    /// The comma-separated items.
    pub from: Vec<FromItem>,
    pub filter: Option<Expr>,
    pub group_by: Vec<GroupItem>,
    pub group_distinct: bool,
    pub having: Option<Expr>,
    pub windows: Vec<WindowDef>,
}

#[derive(Clone, Debug, PartialEq, Default)]
pub enum Distinct {
    #[default]
    No,
    All,
    On(Vec<Expr>),
}

/// An output column of SELECT or RETURNING.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    /// The label, if one was written.
    pub name: Option<Name>,
    pub expr: Expr,
    pub pos: Pos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SetOpKind {
    Union,
    Intersect,
    Except,
}

#[derive(Clone, Debug, PartialEq)]
pub struct SetOp {
    pub kind: SetOpKind,
    pub all: bool,
    pub left: SelectStmt,
    pub right: SelectStmt,
    /// The keyword.
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Limit {
    /// NULL: LIMIT ALL.
    pub count: Expr,
    pub with_ties: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct LockingClause {
    pub strength: RowLockStrength,
    /// Empty: all tables of the query.
    pub of: Vec<RangeVar>,
    pub wait: LockWait,
    pub pos: Pos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RowLockStrength {
    KeyShare,
    Share,
    NoKeyUpdate,
    Update,
}

impl RowLockStrength {
    /// The clause, as messages name it.
    pub fn clause(self) -> &'static str {
        match self {
            RowLockStrength::KeyShare => "FOR KEY SHARE",
            RowLockStrength::Share => "FOR SHARE",
            RowLockStrength::NoKeyUpdate => "FOR NO KEY UPDATE",
            RowLockStrength::Update => "FOR UPDATE",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum LockWait {
    #[default]
    Block,
    Skip,
    Error,
}

/// SELECT INTO's and CREATE TABLE AS's target.
#[derive(Clone, Debug, PartialEq)]
pub struct IntoClause {
    pub table: RangeVar,
    pub columns: Vec<Name>,
    pub access_method: Option<Name>,
    pub options: Vec<super::DefElem>,
    pub on_commit: super::OnCommit,
    pub tablespace: Option<Name>,
    /// WITH NO DATA.
    pub skip_data: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub struct WithClause {
    pub recursive: bool,
    pub ctes: Vec<CommonTable>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CommonTable {
    pub name: Name,
    pub columns: Vec<Name>,
    /// `MATERIALIZED` or `NOT MATERIALIZED` if written.
    pub materialized: Option<bool>,
    /// SELECT, INSERT, UPDATE or DELETE.
    pub query: Stmt,
    pub search: Option<CteSearch>,
    pub cycle: Option<CteCycle>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CteSearch {
    pub breadth_first: bool,
    pub columns: Vec<Name>,
    pub sequence: Name,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CteCycle {
    pub columns: Vec<Name>,
    pub mark: Name,
    /// TRUE and FALSE where not written.
    pub mark_value: Expr,
    pub mark_default: Expr,
    pub path: Name,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum GroupItem {
    Expr(Expr),
    /// `()`
    Empty(Pos),
    Rollup(Vec<GroupItem>, Pos),
    Cube(Vec<GroupItem>, Pos),
    Sets(Vec<GroupItem>, Pos),
}

#[derive(Clone, Debug, PartialEq)]
pub enum FromItem {
    Table(Box<RangeVar>),
    Sample(Box<TableSample>),
    Subquery(Box<RangeSubquery>),
    Function(Box<RangeFunction>),
    Join(Box<JoinExpr>),
}

/// `table TABLESAMPLE method (args) REPEATABLE (seed)`.
#[derive(Clone, Debug, PartialEq)]
pub struct TableSample {
    pub table: RangeVar,
    pub method: QualName,
    pub args: Vec<Expr>,
    pub repeatable: Option<Expr>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeSubquery {
    pub lateral: bool,
    pub query: SelectStmt,
    pub alias: Alias,
    pub pos: Pos,
}

/// One function or ROWS FROM several.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeFunction {
    pub lateral: bool,
    pub ordinality: bool,
    pub rows_from: bool,
    pub functions: Vec<RangeFunctionItem>,
    pub alias: Option<Alias>,
    /// `AS (a int, b text)` after the call.
    pub coldefs: Vec<FuncColumn>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct RangeFunctionItem {
    /// A [`super::ExprKind::Func`], or one of the expressions that look like calls (`current_date`, `coalesce(…)`).
    pub call: Expr,
    pub coldefs: Vec<FuncColumn>,
}

/// A column of a function's definition list.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncColumn {
    pub name: Name,
    pub typ: TypeName,
    pub collation: Option<QualName>,
    pub pos: Pos,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum JoinKind {
    /// Also CROSS JOIN.
    Inner,
    Left,
    Right,
    Full,
}

#[derive(Clone, Debug, PartialEq)]
pub struct JoinExpr {
    pub kind: JoinKind,
    pub natural: bool,
    pub left: FromItem,
    pub right: FromItem,
    pub condition: JoinCondition,
    /// `(a JOIN b …) AS alias`.
    pub alias: Option<Alias>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum JoinCondition {
    None,
    On(Expr),
    Using { columns: Vec<Name>, alias: Option<Alias> },
}
