//! INSERT, UPDATE, DELETE, MERGE.

use super::{Expr, FromItem, IndexElem, Indirection, Name, Pos, RangeVar, SelectStmt, Target, WithClause};

/// A column to be assigned, with what is assigned inside it: `a`, `a[1]`, `a.field`.
#[derive(Clone, Debug, PartialEq)]
pub struct TargetColumn {
    pub name: Name,
    pub path: Vec<Indirection>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct InsertStmt {
    pub with: Option<WithClause>,
    /// With its alias, if any.
    pub table: RangeVar,
    pub columns: Vec<TargetColumn>,
    pub overriding: Overriding,
    pub source: InsertSource,
    pub on_conflict: Option<OnConflict>,
    pub returning: Vec<Target>,
    /// It stands for a COPY, with which rules have nothing to do.
    pub of_copy: bool,
}

#[derive(Clone, Debug, PartialEq)]
pub enum InsertSource {
    DefaultValues,
    /// VALUES is a [`super::SelectBody::Values`].
    Query(Box<SelectStmt>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Overriding {
    #[default]
    No,
    UserValue,
    SystemValue,
}

#[derive(Clone, Debug, PartialEq)]
pub struct OnConflict {
    pub target: Option<ConflictTarget>,
    pub action: ConflictAction,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConflictTarget {
    Columns { elems: Vec<IndexElem>, filter: Option<Expr>, pos: Pos },
    Constraint { name: Name, pos: Pos },
}

#[derive(Clone, Debug, PartialEq)]
pub enum ConflictAction {
    Nothing,
    Update { set: Vec<Assignment>, filter: Option<Expr> },
}

/// One item of SET.
#[derive(Clone, Debug, PartialEq)]
pub enum Assignment {
    One {
        column: TargetColumn,
        value: Expr,
    },
    /// `(a, b) = source`: a row constructor or a subquery.
    Many {
        columns: Vec<TargetColumn>,
        source: Expr,
    },
}

#[derive(Clone, Debug, PartialEq)]
pub struct UpdateStmt {
    pub with: Option<WithClause>,
    pub table: RangeVar,
    pub set: Vec<Assignment>,
    pub from: Vec<FromItem>,
    /// May be [`super::ExprKind::CurrentOf`].
    pub filter: Option<Expr>,
    pub returning: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct DeleteStmt {
    pub with: Option<WithClause>,
    pub table: RangeVar,
    pub using: Vec<FromItem>,
    /// May be [`super::ExprKind::CurrentOf`].
    pub filter: Option<Expr>,
    pub returning: Vec<Target>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MergeStmt {
    pub with: Option<WithClause>,
    pub table: RangeVar,
    pub source: FromItem,
    pub on: Expr,
    pub whens: Vec<MergeWhen>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct MergeWhen {
    pub matched: bool,
    pub condition: Option<Expr>,
    pub action: MergeAction,
}

#[derive(Clone, Debug, PartialEq)]
pub enum MergeAction {
    Nothing,
    Delete,
    Update(Vec<Assignment>),
    /// No values is DEFAULT VALUES.
    Insert {
        columns: Vec<TargetColumn>,
        overriding: Overriding,
        values: Vec<Expr>,
    },
}
