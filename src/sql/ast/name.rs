//! Names, type names and the generic option lists that many statements share.

use super::{Expr, Pos};

/// An identifier, folded and cut (AST-2).
pub type Name = String;

/// A possibly qualified name: `a`, `schema.a`, `database.schema.a`, `table.column`.
#[derive(Clone, Debug, PartialEq)]
pub struct QualName {
    /// At least one part.
    pub parts: Vec<Name>,
    pub pos: Pos,
}

impl QualName {
    pub fn single(name: impl Into<Name>, pos: Pos) -> QualName {
        QualName { parts: vec![name.into()], pos }
    }

    /// The last part.
    pub fn name(&self) -> &str {
        self.parts.last().map_or("", |p| p.as_str())
    }

    /// The part before the last.
    pub fn schema(&self) -> Option<&str> {
        self.parts.len().checked_sub(2).map(|i| self.parts[i].as_str())
    }

    /// All parts joined by dots, without quotes: how PostgreSQL shows names in messages.
    pub fn joined(&self) -> String {
        self.parts.join(".")
    }
}

/// How long a relation lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Persistence {
    #[default]
    Permanent,
    Unlogged,
    Temporary,
}

/// A relation named in a statement.
#[derive(Clone, Debug, PartialEq)]
pub struct RangeVar {
    pub catalog: Option<Name>,
    pub schema: Option<Name>,
    pub name: Name,
    /// False after ONLY.
    pub inherit: bool,
    pub persistence: Persistence,
    pub alias: Option<Alias>,
    pub pos: Pos,
}

impl RangeVar {
    /// `name` or `schema.name`, as messages show it.
    pub fn joined(&self) -> String {
        match (&self.catalog, &self.schema) {
            (Some(c), Some(s)) => format!("{c}.{s}.{}", self.name),
            (_, Some(s)) => format!("{s}.{}", self.name),
            _ => self.name.clone(),
        }
    }
}

/// `AS name (columns)`.
#[derive(Clone, Debug, PartialEq)]
pub struct Alias {
    pub name: Name,
    pub columns: Vec<Name>,
}

/// A type as written, after the grammar's own renamings (`int` is `pg_catalog.int4`).
#[derive(Clone, Debug, PartialEq)]
pub struct TypeName {
    pub names: Vec<Name>,
    pub setof: bool,
    /// `table.column%TYPE`.
    pub pct_type: bool,
    /// The type modifiers as expressions. `interval` has PostgreSQL's form: a mask, then perhaps a precision.
    pub typmods: Vec<Expr>,
    /// One entry for each `[]`; -1 where no bound was written.
    pub array_bounds: Vec<i32>,
    pub pos: Pos,
}

impl TypeName {
    /// A type of `pg_catalog`, as the grammar makes it for `int`, `varchar` and the like.
    pub fn system(name: &str, pos: Pos) -> TypeName {
        TypeName::named(vec!["pg_catalog".to_owned(), name.to_owned()], pos)
    }

    pub fn named(names: Vec<Name>, pos: Pos) -> TypeName {
        TypeName { names, setof: false, pct_type: false, typmods: Vec::new(), array_bounds: Vec::new(), pos }
    }
}

/// The bits of an interval's mask: PostgreSQL 15, timestamp.h, `INTERVAL_MASK`.
pub mod interval_mask {
    pub const MONTH: i32 = 1 << 1;
    pub const YEAR: i32 = 1 << 2;
    pub const DAY: i32 = 1 << 3;
    pub const HOUR: i32 = 1 << 10;
    pub const MINUTE: i32 = 1 << 11;
    pub const SECOND: i32 = 1 << 12;
    pub const FULL_RANGE: i32 = 0x7FFF;
}

/// One `name [=] value` of an option list.
#[derive(Clone, Debug, PartialEq)]
pub struct DefElem {
    /// `toast` in `toast.autovacuum_enabled`.
    pub namespace: Option<Name>,
    pub name: Name,
    pub arg: Option<DefArg>,
    pub action: DefAction,
    pub pos: Pos,
}

/// What ALTER does with an option of a foreign object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DefAction {
    #[default]
    Unspecified,
    Set,
    Add,
    Drop,
}

/// The value of an option.
#[derive(Clone, Debug, PartialEq)]
pub enum DefArg {
    Int(i32),
    /// A number that is not an i32, as its text.
    Float(String),
    Bool(bool),
    /// A string literal or a bare word.
    Str(String),
    Type(Box<TypeName>),
    Name(QualName),
    Names(Vec<Name>),
    /// An operator name, `OPERATOR(schema.+)` or bare.
    Operator(OperName),
    Star,
    List(Vec<DefArg>),
    Set(Box<super::SetVariableStmt>),
    Roles(Vec<RoleSpec>),
}

impl DefElem {
    /// The value as text, as PostgreSQL's `defGetString` gives it; `None` without a value.
    pub fn string(&self) -> Option<String> {
        Some(match self.arg.as_ref()? {
            DefArg::Int(i) => i.to_string(),
            DefArg::Float(s) | DefArg::Str(s) => s.clone(),
            DefArg::Bool(b) => b.to_string(),
            DefArg::Type(t) => t.names.join("."),
            DefArg::Name(n) => n.joined(),
            DefArg::Names(n) => n.join("."),
            DefArg::Operator(o) => o.name.clone(),
            DefArg::Star => "*".to_owned(),
            DefArg::List(_) | DefArg::Set(_) | DefArg::Roles(_) => return None,
        })
    }
}

/// An operator's name; `schema` only after `OPERATOR(schema.op)`.
#[derive(Clone, Debug, PartialEq)]
pub struct OperName {
    pub schema: Option<Name>,
    pub name: String,
    pub pos: Pos,
}

impl OperName {
    pub fn plain(name: &str, pos: Pos) -> OperName {
        OperName { schema: None, name: name.to_owned(), pos }
    }
}

/// A role as written.
#[derive(Clone, Debug, PartialEq)]
pub struct RoleSpec {
    pub kind: RoleKind,
    pub pos: Pos,
}

#[derive(Clone, Debug, PartialEq)]
pub enum RoleKind {
    Name(Name),
    CurrentRole,
    CurrentUser,
    SessionUser,
    Public,
}

/// CASCADE or RESTRICT.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum DropBehavior {
    #[default]
    Restrict,
    Cascade,
}

/// The kinds of objects that DDL speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectType {
    AccessMethod,
    Aggregate,
    Attribute,
    Cast,
    Collation,
    Column,
    Conversion,
    Database,
    Domain,
    DomainConstraint,
    EventTrigger,
    Extension,
    ForeignDataWrapper,
    ForeignServer,
    ForeignTable,
    Function,
    Index,
    Language,
    LargeObject,
    MatView,
    OpClass,
    Operator,
    OpFamily,
    Parameter,
    Policy,
    Procedure,
    Publication,
    Role,
    Routine,
    Rule,
    Schema,
    Sequence,
    Statistics,
    Subscription,
    TableConstraint,
    Table,
    Tablespace,
    Transform,
    Trigger,
    TsConfiguration,
    TsDictionary,
    TsParser,
    TsTemplate,
    Type,
    View,
}

/// The name of an object of some [`ObjectType`], in the shape that kind is named by.
#[derive(Clone, Debug, PartialEq)]
pub enum ObjectName {
    /// Tables, types of DROP lists that are plain names, schemas, roles …
    Name(QualName),
    /// `name ON table`: triggers, rules, policies, constraints. The relation's parts come first.
    OnTable {
        table: QualName,
        name: Name,
    },
    Type(TypeName),
    /// `name ON DOMAIN type`.
    OnDomain {
        domain: TypeName,
        name: Name,
    },
    Function(FuncSignature),
    Operator(OperSignature),
    /// `USING method`.
    OpClass {
        name: QualName,
        method: Name,
    },
    Cast {
        from: TypeName,
        to: TypeName,
    },
    Transform {
        typ: TypeName,
        language: Name,
    },
    LargeObject(String),
}

/// `name (argument types)` as DROP and ALTER FUNCTION name it; `args` is `None` without parentheses.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncSignature {
    pub name: QualName,
    pub args: Option<Vec<FuncParam>>,
    /// `(*)` of an aggregate.
    pub star: bool,
    /// How many of `args` are direct arguments before ORDER BY, of an ordered-set aggregate.
    pub direct_args: Option<usize>,
}

/// `op (left, right)`; NONE is `None`.
#[derive(Clone, Debug, PartialEq)]
pub struct OperSignature {
    pub op: OperName,
    pub left: Option<TypeName>,
    pub right: Option<TypeName>,
    pub pos: Pos,
}

/// How a parameter is passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum ParamMode {
    /// Nothing written, which is IN.
    #[default]
    Default,
    In,
    Out,
    InOut,
    Variadic,
    /// A column of RETURNS TABLE.
    Table,
}

/// One parameter of a function.
#[derive(Clone, Debug, PartialEq)]
pub struct FuncParam {
    pub name: Option<Name>,
    pub mode: ParamMode,
    pub typ: TypeName,
    pub default: Option<Expr>,
}
