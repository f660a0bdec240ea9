//! Bound, typed expressions: the border between the binder, which makes them, and the executor, which runs them.
//!
//! Invariants
//! - EXPR-1: every expression knows its type; its value's physical form is that of the type.
//! - EXPR-2: functions are resolved: `func` points into the registry, arguments already have the declared types.
//! - EXPR-3: `Column(i)` names a column of the batch the evaluating node feeds in; `ExecParam(i)` a slot of the
//!   statement's run-time parameters (correlated values, results of uncorrelated sub-plans); `Param(i)` a client's `$i+1`.

mod equal;
pub mod eval;
mod volatility;
mod walk;

pub use equal::{same, same_operand, same_spec};
pub use volatility::volatility;

use crate::base::Oid;
use crate::sql::plan::Plan;
use crate::types::{TypeRef, Value};
use std::sync::Arc;

/// A bound expression.
#[derive(Clone, Debug)]
pub struct Expr {
    pub kind: ExprKind,
    pub ty: TypeRef,
    /// Byte offset in the statement of the token an error should point at.
    pub pos: Option<u32>,
}

#[derive(Clone, Debug)]
pub enum ExprKind {
    Const(Value),
    /// A client parameter, 0-based.
    Param(usize),
    /// A run-time slot, filled by the executor (see [`SubPlan`]).
    ExecParam(usize),
    /// A column of the node's input batch, 0-based.
    Column(usize),
    /// During binding only, before the planner lays out batches: range-table entry and attribute number
    /// (negative: system column). Never reaches the executor.
    Var {
        rel: usize,
        attno: i16,
        levels_up: usize,
    },
    /// A scalar function or operator (operators are their functions; `oper` keeps the operator for EXPLAIN and indexes).
    Func {
        func: &'static crate::sql::func::FuncDef,
        oper: Option<Oid>,
        args: Vec<Expr>,
        variadic: bool,
    },
    And(Vec<Expr>),
    Or(Vec<Expr>),
    Not(Box<Expr>),
    IsNull(Box<Expr>),
    IsNotNull(Box<Expr>),
    /// `IS [NOT] TRUE | FALSE | UNKNOWN`.
    BoolTest {
        arg: Box<Expr>,
        is: Option<bool>,
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`; `eq` is the equality function.
    Distinct {
        eq: &'static crate::sql::func::FuncDef,
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    /// Searched CASE; a simple CASE has its operand in `operand`, read by `CaseOperand` inside the conditions.
    Case {
        operand: Option<Box<Expr>>,
        arms: Vec<(Expr, Expr)>,
        otherwise: Option<Box<Expr>>,
    },
    CaseOperand,
    Coalesce(Vec<Expr>),
    NullIf {
        eq: &'static crate::sql::func::FuncDef,
        left: Box<Expr>,
        right: Box<Expr>,
    },
    Greatest(Vec<Expr>),
    Least(Vec<Expr>),
    /// Same bits, other type (binary-coercible cast, domain to base, varchar to text).
    Relabel(Box<Expr>),
    /// Cast through text: the source type's output function, then the target's input function.
    IoCast {
        arg: Box<Expr>,
        explicit: bool,
    },
    /// An array cast element by element; `element` converts `CaseOperand`.
    ArrayCast {
        arg: Box<Expr>,
        element: Box<Expr>,
    },
    Array {
        elements: Vec<Expr>,
        nested: bool,
    },
    Row {
        fields: Vec<Expr>,
        names: Vec<String>,
    },
    /// Row-wise comparison `(a, b) < (c, d)`, lexicographic; `op` is `<`, `<=`, `>`, `>=`, `=` or `<>`.
    RowCompare {
        op: RowOp,
        pairs: Vec<RowPair>,
    },
    /// `left op ANY/ALL (array)`.
    ScalarArray {
        func: &'static crate::sql::func::FuncDef,
        oper: Option<Oid>,
        any: bool,
        left: Box<Expr>,
        array: Box<Expr>,
    },
    /// A field of a composite value, 0-based.
    Field {
        arg: Box<Expr>,
        index: usize,
    },
    Subscript {
        array: Box<Expr>,
        /// One entry per dimension; without a slice all are None.
        lower: Vec<Option<Expr>>,
        /// The index, or the upper bound of a slice (None: the array's own).
        upper: Vec<Option<Expr>>,
        slice: bool,
    },
    SubPlan(Box<SubPlan>),
    /// During planning only: a sub-select not planned yet. Never reaches the executor.
    SubLink(Box<crate::sql::bind::SubLink>),
    /// A value checked against the constraints of the domain `ty` (its bits are those of the base type).
    ToDomain(Box<Expr>),
    /// The array with one element or slice replaced: `SET a[1] = …`.
    SubscriptSet {
        array: Box<Expr>,
        lower: Vec<Option<Expr>>,
        upper: Vec<Option<Expr>>,
        slice: bool,
        value: Box<Expr>,
    },
    /// The composite value with one field replaced, 0-based: `SET a.b = …`.
    FieldSet {
        arg: Box<Expr>,
        index: usize,
        value: Box<Expr>,
    },
    /// During planning only: an aggregate call, replaced by a `Column` of the aggregate node's output.
    Aggregate(Box<AggCall>),
    /// During planning only: a window call, replaced by a `Column` of the window node's output.
    Window(Box<WindowCall>),
    /// During planning only: a set-returning call in a select list, replaced by a `Column` of ProjectSet's output.
    SetReturning {
        func: &'static crate::sql::func::FuncDef,
        args: Vec<Expr>,
    },
    /// `GROUPING(a, b)`: bit mask over the grouping expressions named, per grouping set, of this query or of one around.
    Grouping {
        items: Vec<usize>,
        levels_up: usize,
    },
    /// Only where the binder's result is shown again: how `arg` was written. Never reaches the planner.
    Written {
        form: Form,
        arg: Box<Expr>,
    },
    /// nextval/currval/setval/lastval and others that need the session or the catalog: by name in `sql::exec::system`.
    CurrentRow,
}

/// How an expression was written, where its meaning does not tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Form {
    /// `CURRENT_DATE`, `LOCALTIME(2)`.
    Keyword(String),
    /// A call by SQL's own syntax with so many arguments: `EXTRACT(… FROM …)`.
    Special(usize),
    /// A call without all arguments in their order: for each one written, its place and the name it was given by.
    Call { given: Vec<(usize, Option<String>)>, variadic: bool },
    /// A cast, not a conversion the place asked for.
    Cast,
    /// With a COLLATE clause: the collation, and its name as its reader must write it. Kept until the binder has said by
    /// what everything is ordered.
    Collate(Oid, String),
    /// `GROUPING(…)` of these grouping expressions, as planning has made it a look-up: EXPLAIN shows it. This form alone comes
    /// to be computed.
    Grouping(Vec<usize>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RowOp {
    Eq,
    Ne,
    Lt,
    Le,
    Gt,
    Ge,
}

impl RowOp {
    /// The operator as it is written.
    pub fn symbol(self) -> &'static str {
        match self {
            RowOp::Eq => "=",
            RowOp::Ne => "<>",
            RowOp::Lt => "<",
            RowOp::Le => "<=",
            RowOp::Gt => ">",
            RowOp::Ge => ">=",
        }
    }

    /// The operator with its sides exchanged.
    pub fn commutator(self) -> RowOp {
        match self {
            RowOp::Eq | RowOp::Ne => self,
            RowOp::Lt => RowOp::Gt,
            RowOp::Le => RowOp::Ge,
            RowOp::Gt => RowOp::Lt,
            RowOp::Ge => RowOp::Le,
        }
    }
}

/// One column of a row comparison: the functions for `=` and `<`, arguments `Column`-bound as usual.
#[derive(Clone, Debug)]
pub struct RowPair {
    pub left: Expr,
    pub right: Expr,
    pub eq: &'static crate::sql::func::FuncDef,
    pub lt: &'static crate::sql::func::FuncDef,
}

/// A planned sub-select inside an expression.
#[derive(Clone, Debug)]
pub struct SubPlan {
    pub kind: SubPlanKind,
    pub plan: Arc<Plan>,
    /// (slot, outer expression): evaluated per outer row, put into the slot, then the plan is rescanned.
    /// Empty: not correlated, run at most once per statement and remembered.
    pub args: Vec<(usize, Expr)>,
    /// For `In/Any/All/Row`: compares `Column(i)` of the sub-plan's row with the outer test expressions.
    /// The test reads the outer values from slots `test_params` and the inner ones as `Column(i)`.
    pub test: Option<Expr>,
    pub test_params: Vec<(usize, Expr)>,
    /// The test is plain equality on hashable types and the plan is not correlated: build a hash table once.
    pub hashable: bool,
    /// For EXPLAIN: among all sub-plans of the statement, WITH's included, from 1.
    pub number: usize,
    /// For EXPLAIN: the slots PostgreSQL would have it fill, one for each of its columns.
    pub slots: Vec<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SubPlanKind {
    Exists,
    /// One row, one column (or a row value); no row: NULL; two rows: 21000.
    Scalar,
    Any,
    All,
    /// `ARRAY(select …)`.
    Array,
}

/// An aggregate as written; arguments and ordering are over the aggregate node's input.
#[derive(Clone, Debug)]
pub struct AggCall {
    pub func: &'static crate::sql::func::FuncDef,
    pub args: Vec<Expr>,
    pub distinct: bool,
    pub order_by: Vec<SortKey>,
    pub filter: Option<Expr>,
    /// Ordered-set aggregates: the direct arguments (`percentile_cont(0.5) within group (…)`).
    pub direct_args: Vec<Expr>,
    /// `count(*)`.
    pub star: bool,
    pub ty: TypeRef,
    /// During binding and planning only: the query, counted outwards, whose aggregate it is. 0 in plans.
    pub levels_up: usize,
}

#[derive(Clone, Debug)]
pub struct WindowCall {
    pub func: &'static crate::sql::func::FuncDef,
    pub args: Vec<Expr>,
    pub filter: Option<Expr>,
    pub star: bool,
    pub spec: WindowSpec,
    pub ty: TypeRef,
}

#[derive(Clone, Debug)]
pub struct WindowSpec {
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortKey>,
    pub frame: Frame,
    /// Only where the binder's result is shown again.
    pub written: Option<Box<WindowWritten>>,
}

/// How a window was written.
#[derive(Clone, Debug, Default)]
pub struct WindowWritten {
    /// `OVER name`.
    pub name: Option<String>,
    /// `(name …)`: the window it goes on from.
    pub base: Option<String>,
    pub own_order: bool,
    /// There is a frame clause, `BETWEEN`.
    pub frame: bool,
    pub between: bool,
}

#[derive(Clone, Debug)]
pub struct Frame {
    pub mode: FrameMode,
    pub start: FrameBound,
    pub end: FrameBound,
    pub exclude: FrameExclude,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameMode {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Debug)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Expr),
    CurrentRow,
    Following(Expr),
    UnboundedFollowing,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FrameExclude {
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

/// One ORDER BY item over a node's input.
#[derive(Clone, Debug)]
pub struct SortKey {
    pub expr: Expr,
    pub desc: bool,
    pub nulls_first: bool,
}

impl Expr {
    pub fn new(kind: ExprKind, ty: TypeRef) -> Expr {
        Expr { kind, ty, pos: None }
    }

    /// In the place of an expression with the same value: as an operand it is ordered as that one was.
    pub fn in_place_of(mut self, other: &Expr) -> Expr {
        self.ty.collation = other.ty.collation;
        self
    }

    /// Where it starts in the statement's text. PostgreSQL 15, nodeFuncs.c, exprLocation: same rule, the leftmost of the
    /// parts.
    pub fn start(&self) -> Option<u32> {
        let mut first = self.pos;
        self.for_each_child(&mut |e| first = first.into_iter().chain(e.start()).min());
        first
    }

    pub fn at(mut self, pos: u32) -> Expr {
        self.pos = Some(pos);
        self
    }
}
