//! Expressions, before anything is known of types.

use super::{Name, OperName, Pos, SelectStmt, TypeName};

/// An expression. `pos` is PostgreSQL's `location` of that node: the operator of an operator call, the first token
/// of nearly everything else, the `::` of such a cast.
#[derive(Clone, Debug, PartialEq)]
pub struct Expr {
    pub kind: ExprKind,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum ExprKind {
    /// `a`, `t.a`, `s.t.a`, `t.*`, `*` (no parts).
    Column {
        parts: Vec<Name>,
        star: bool,
    },
    Const(Const),
    /// `$1` is 1.
    Param(i32),
    /// `left op right`; no `left` for a prefix operator.
    Op {
        op: OperName,
        left: Option<Box<Expr>>,
        right: Box<Expr>,
    },
    /// `left op ANY|ALL (array)`.
    OpArray {
        op: OperName,
        left: Box<Expr>,
        right: Box<Expr>,
        all: bool,
    },
    /// Two or more, flattened.
    And(Vec<Expr>),
    /// Two or more, flattened.
    Or(Vec<Expr>),
    Not(Box<Expr>),
    /// `IS [NOT] DISTINCT FROM`.
    Distinct {
        left: Box<Expr>,
        right: Box<Expr>,
        negated: bool,
    },
    NullIf {
        left: Box<Expr>,
        right: Box<Expr>,
    },
    /// `IN (list)`; the operator is `=`, or `<>` when negated.
    In {
        arg: Box<Expr>,
        list: Vec<Expr>,
        negated: bool,
    },
    /// LIKE, ILIKE, SIMILAR TO. `pattern` has ESCAPE folded in as PostgreSQL folds it (`like_escape`, `similar_to_escape`).
    Like {
        kind: LikeKind,
        arg: Box<Expr>,
        pattern: Box<Expr>,
        negated: bool,
    },
    Between {
        arg: Box<Expr>,
        low: Box<Expr>,
        high: Box<Expr>,
        symmetric: bool,
        negated: bool,
    },
    IsNull {
        arg: Box<Expr>,
        negated: bool,
    },
    IsBool {
        arg: Box<Expr>,
        test: BoolTest,
    },
    Case(Box<CaseExpr>),
    Coalesce(Vec<Expr>),
    /// GREATEST and LEAST.
    MinMax {
        greatest: bool,
        args: Vec<Expr>,
    },
    /// CURRENT_DATE and its kind, with the precision if one was written.
    SqlValue {
        kind: SqlValue,
        precision: Option<i32>,
    },
    Cast {
        arg: Box<Expr>,
        typ: TypeName,
    },
    Collate {
        arg: Box<Expr>,
        collation: Vec<Name>,
    },
    Func(Box<FuncCall>),
    /// `name => value` among a function's arguments.
    NamedArg {
        name: Name,
        value: Box<Expr>,
    },
    /// `ARRAY[…]`; inner `[…]` are `Array` again.
    Array(Vec<Expr>),
    /// `ROW(…)` (explicit) or `(a, b)`.
    Row {
        fields: Vec<Expr>,
        explicit: bool,
    },
    /// Field selections and subscripts of something that is not a bare column name.
    Indirection {
        arg: Box<Expr>,
        path: Vec<Indirection>,
    },
    SubLink(Box<SubLink>),
    Grouping(Vec<Expr>),
    /// DEFAULT, in INSERT's rows and UPDATE's SET.
    Default,
    /// `WHERE CURRENT OF cursor`.
    CurrentOf(Name),
    /// Right side of `SET (a, b) = (…)`, column `index` (0-based) of `columns`. Made by the binder, never by the parser.
    MultiAssign {
        source: Box<Expr>,
        index: usize,
        columns: usize,
    },
}

/// A literal.
#[derive(Clone, Debug, PartialEq)]
pub enum Const {
    Null,
    Bool(bool),
    Int(i32),
    /// Any other number, as its text: `1.5`, `1e10`, `99999999999`. It may have a leading `-`.
    Float(String),
    Str(String),
    /// `b` or `x` and the digits.
    Bit(String),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LikeKind {
    Like,
    ILike,
    Similar,
}

impl LikeKind {
    /// The operator it stands for.
    pub fn operator(self, negated: bool) -> &'static str {
        match (self, negated) {
            (LikeKind::Like, false) => "~~",
            (LikeKind::Like, true) => "!~~",
            (LikeKind::ILike, false) => "~~*",
            (LikeKind::ILike, true) => "!~~*",
            (LikeKind::Similar, false) => "~",
            (LikeKind::Similar, true) => "!~",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BoolTest {
    IsTrue,
    IsNotTrue,
    IsFalse,
    IsNotFalse,
    IsUnknown,
    IsNotUnknown,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SqlValue {
    CurrentDate,
    CurrentTime,
    CurrentTimestamp,
    LocalTime,
    LocalTimestamp,
    CurrentRole,
    CurrentUser,
    User,
    SessionUser,
    CurrentCatalog,
    CurrentSchema,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CaseExpr {
    pub arg: Option<Expr>,
    pub whens: Vec<CaseWhen>,
    pub default: Option<Expr>,
}

#[derive(Clone, Debug, PartialEq)]
pub struct CaseWhen {
    pub when: Expr,
    pub then: Expr,
    pub pos: Pos,
}

/// A call of a function, aggregate or window function.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncCall {
    pub name: Vec<Name>,
    pub args: Vec<Expr>,
    /// `count(*)`.
    pub star: bool,
    pub distinct: bool,
    /// The last argument was written VARIADIC.
    pub variadic: bool,
    /// ORDER BY inside the parentheses, or of WITHIN GROUP.
    pub order_by: Vec<SortBy>,
    pub within_group: bool,
    pub filter: Option<Expr>,
    pub over: Option<WindowDef>,
    /// It was SQL's special syntax (`EXTRACT(… FROM …)`), and is to be shown so again.
    pub sql_syntax: bool,
}

/// One step after an expression.
#[derive(Clone, Debug, PartialEq)]
pub enum Indirection {
    Field(Name),
    /// `.*`
    Star,
    /// `[i]`
    Subscript(Expr),
    /// `[low:high]`, each of them optional.
    Slice {
        low: Option<Expr>,
        high: Option<Expr>,
    },
}

/// A query inside an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct SubLink {
    pub kind: SubLinkKind,
    pub query: SelectStmt,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SubLinkKind {
    Exists,
    /// `left op ANY (query)`; `IN (query)` has no operator name and means `=`.
    Any {
        left: Box<Expr>,
        op: Option<OperName>,
    },
    All {
        left: Box<Expr>,
        op: OperName,
    },
    /// A scalar subquery.
    Scalar,
    /// `ARRAY(query)`.
    Array,
}

/// ORDER BY's item.
#[derive(Clone, Debug, PartialEq)]
pub struct SortBy {
    pub expr: Expr,
    pub dir: SortDir,
    pub nulls: NullsOrder,
    /// Position of the USING operator; [`super::NOWHERE`] otherwise.
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum SortDir {
    Default,
    Asc,
    Desc,
    Using(OperName),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum NullsOrder {
    #[default]
    Default,
    First,
    Last,
}

/// A window: of OVER or of the WINDOW clause.
#[derive(Clone, Debug, PartialEq)]
pub struct WindowDef {
    /// `WINDOW name AS`, or `OVER name`.
    pub name: Option<Name>,
    /// The existing window named inside the parentheses.
    pub refname: Option<Name>,
    pub partition_by: Vec<Expr>,
    pub order_by: Vec<SortBy>,
    pub frame: Option<Frame>,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub struct Frame {
    pub mode: FrameMode,
    pub start: FrameBound,
    /// CURRENT ROW where BETWEEN was not written.
    pub end: FrameBound,
    pub between: bool,
    pub exclude: FrameExclude,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FrameMode {
    Rows,
    Range,
    Groups,
}

#[derive(Clone, Debug, PartialEq)]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum FrameExclude {
    #[default]
    NoOthers,
    CurrentRow,
    Group,
    Ties,
}

impl Expr {
    pub fn new(kind: ExprKind, pos: Pos) -> Expr {
        Expr { kind, pos }
    }

    pub fn string(text: impl Into<String>, pos: Pos) -> Expr {
        Expr::new(ExprKind::Const(Const::Str(text.into())), pos)
    }

    pub fn int(value: i32, pos: Pos) -> Expr {
        Expr::new(ExprKind::Const(Const::Int(value)), pos)
    }

    /// A call of a function of `pg_catalog`, as special syntax is lowered to it.
    pub fn system_call(name: &str, args: Vec<Expr>, sql_syntax: bool, pos: Pos) -> Expr {
        let name = vec!["pg_catalog".to_owned(), name.to_owned()];
        Expr::new(ExprKind::Func(Box::new(FuncCall { sql_syntax, ..FuncCall::new(name, args) })), pos)
    }

    /// Where the expression starts: PostgreSQL 15, nodeFuncs.c, `exprLocation`: same rule, the leftmost of a node and
    /// its left operand, because most messages point at the start and only some at the operator.
    pub fn start(&self) -> Pos {
        match &self.kind {
            ExprKind::Op { left: Some(left), .. }
            | ExprKind::OpArray { left, .. }
            | ExprKind::Distinct { left, .. }
            | ExprKind::In { arg: left, .. }
            | ExprKind::Like { arg: left, .. }
            | ExprKind::Between { arg: left, .. }
            | ExprKind::IsNull { arg: left, .. }
            | ExprKind::IsBool { arg: left, .. }
            | ExprKind::Collate { arg: left, .. } => self.pos.min(left.start()),
            ExprKind::Indirection { arg, .. } => arg.start(),
            // A literal of that type, which is where its text is.
            ExprKind::Cast { arg, .. } if matches!(arg.kind, ExprKind::Const(Const::Str(_) | Const::Null)) => arg.pos,
            ExprKind::Cast { arg, typ } => self.pos.min(arg.start()).min(typ.pos),
            ExprKind::And(args) | ExprKind::Or(args) => self.pos.min(args.first().map_or(self.pos, Expr::start)),
            ExprKind::SubLink(link) => match &link.kind {
                SubLinkKind::Any { left, .. } | SubLinkKind::All { left, .. } => self.pos.min(left.start()),
                _ => self.pos,
            },
            ExprKind::Func(call) => self.pos.min(call.args.first().map_or(self.pos, Expr::start)),
            _ => self.pos,
        }
    }
}

impl FuncCall {
    pub fn new(name: Vec<Name>, args: Vec<Expr>) -> FuncCall {
        FuncCall {
            name,
            args,
            star: false,
            distinct: false,
            variadic: false,
            order_by: Vec::new(),
            within_group: false,
            filter: None,
            over: None,
            sql_syntax: false,
        }
    }
}
