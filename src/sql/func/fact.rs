//! The shapes of the generated tables: functions, operators and casts as PostgreSQL's catalogs tell them.

use crate::base::Oid;
use crate::catalog::object::fixed;

/// One row of `pg_proc`.
#[derive(Clone, Copy, Debug)]
pub struct ProcFact {
    pub oid: Oid,
    /// `pg_catalog`, or `information_schema`.
    pub namespace: Oid,
    pub name: &'static str,
    /// Types of the input arguments.
    pub args: &'static [Oid],
    pub ret: Oid,
    /// Seven letters: kind, set, strict, volatility, parallel, leakproof, language.
    pub flags: &'static str,
    /// The name of PostgreSQL's own function; `name(types)` where that one is written in SQL.
    pub src: &'static str,
    /// Element type of a variadic last argument (`ANY` for `variadic "any"`), or 0.
    pub variadic: Oid,
    /// Types and modes (`i`, `o`, `b`, `v`, `t`) of all arguments if some are OUT arguments; else empty.
    pub all_args: &'static [Oid],
    pub modes: &'static str,
    /// Names of all arguments, or empty.
    pub names: &'static [&'static str],
    pub defaults: u8,
    /// The default expressions as SQL, separated by commas.
    pub default_text: &'static str,
    pub rows: f32,
    pub cost: f32,
}

pub(super) const fn p(
    oid: u32,
    name: &'static str,
    args: &'static [Oid],
    ret: u32,
    flags: &'static str,
    src: &'static str,
) -> ProcFact {
    ProcFact {
        oid: Oid(oid),
        namespace: fixed::PG_CATALOG,
        name,
        args,
        ret: Oid(ret),
        flags,
        src,
        variadic: Oid(0),
        all_args: &[],
        modes: "",
        names: &[],
        defaults: 0,
        default_text: "",
        rows: 0.0,
        cost: 1.0,
    }
}

impl ProcFact {
    pub(super) const fn variadic(mut self, element: u32) -> ProcFact {
        self.variadic = Oid(element);
        self
    }

    pub(super) const fn outs(
        mut self,
        all: &'static [Oid],
        modes: &'static str,
        names: &'static [&'static str],
    ) -> ProcFact {
        self.all_args = all;
        self.modes = modes;
        self.names = names;
        self
    }

    pub(super) const fn defaults(mut self, count: u8, text: &'static str) -> ProcFact {
        self.defaults = count;
        self.default_text = text;
        self
    }

    pub(super) const fn rows(mut self, rows: u32) -> ProcFact {
        self.rows = rows as f32;
        self
    }

    pub(super) const fn cost(mut self, cost: u32) -> ProcFact {
        self.cost = cost as f32;
        self
    }

    /// A function of `information_schema`, which are written in SQL there; here they have code.
    pub(super) const fn of_information_schema(mut self) -> ProcFact {
        self.namespace = fixed::INFORMATION_SCHEMA;
        self.cost = 100.0;
        self
    }

    /// The names of its arguments, all of which are input.
    pub(super) const fn named(mut self, names: &'static [&'static str]) -> ProcFact {
        self.names = names;
        self
    }

    fn flag(&self, at: usize) -> u8 {
        self.flags.as_bytes()[at]
    }

    pub fn kind(&self) -> u8 {
        self.flag(0)
    }

    pub fn retset(&self) -> bool {
        self.flag(1) == b's'
    }

    pub fn strict(&self) -> bool {
        self.flag(2) == b't'
    }

    /// `i`mmutable, `s`table or `v`olatile.
    pub fn volatility(&self) -> u8 {
        self.flag(3)
    }

    pub fn parallel(&self) -> u8 {
        self.flag(4)
    }

    pub fn leakproof(&self) -> bool {
        self.flag(5) == b'l'
    }

    /// `i`nternal, `c` or S`q`L.
    pub fn language(&self) -> u8 {
        self.flag(6)
    }
}

/// One row of `pg_operator`.
#[derive(Clone, Copy, Debug)]
pub struct OperDef {
    pub oid: Oid,
    pub name: &'static str,
    /// 0 for a prefix operator.
    pub left: Oid,
    pub right: Oid,
    pub result: Oid,
    pub func: Oid,
    pub commutator: Oid,
    pub negator: Oid,
    pub can_merge: bool,
    pub can_hash: bool,
    /// Selectivity functions of restrictions and joins, 0 if none.
    pub rest: Oid,
    pub join: Oid,
}

pub(super) const fn o(
    oid: u32,
    name: &'static str,
    types: [u32; 3],
    func: u32,
    relatives: [u32; 2],
    can_merge: bool,
    can_hash: bool,
    selectivity: [u32; 2],
) -> OperDef {
    OperDef {
        oid: Oid(oid),
        name,
        left: Oid(types[0]),
        right: Oid(types[1]),
        result: Oid(types[2]),
        func: Oid(func),
        commutator: Oid(relatives[0]),
        negator: Oid(relatives[1]),
        can_merge,
        can_hash,
        rest: Oid(selectivity[0]),
        join: Oid(selectivity[1]),
    }
}

/// What an operator's restriction selects, for the planner's estimates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Selectivity {
    None,
    Equal,
    NotEqual,
    /// `<` and `>`.
    Less,
    Greater,
    /// `<=` and `>=`.
    LessEqual,
    GreaterEqual,
    /// LIKE, ILIKE, regular expressions, and what begins with a text.
    Pattern,
    NotPattern,
    /// Arrays' `@>`, `<@` and `&&`.
    ArrayContains,
    Matching,
    TextSearch,
    /// Of areas: overlap, which side, containment.
    Area,
    Position,
    Contain,
    /// Of ranges and networks.
    Span,
    Other,
}

impl OperDef {
    pub fn selectivity(&self) -> Selectivity {
        // Object ids of eqsel, neqsel, scalar*sel, like and regex selectivity functions, and others.
        match self.rest.0 {
            0 => Selectivity::None,
            101 => Selectivity::Equal,
            102 => Selectivity::NotEqual,
            103 => Selectivity::Less,
            104 => Selectivity::Greater,
            336 => Selectivity::LessEqual,
            337 => Selectivity::GreaterEqual,
            1814 | 1818 | 1819 | 1820 | 3437 => Selectivity::Pattern,
            1815 | 1821 | 1822 | 1823 => Selectivity::NotPattern,
            3817 => Selectivity::ArrayContains,
            5040 => Selectivity::Matching,
            3686 => Selectivity::TextSearch,
            139 => Selectivity::Area,
            1300 => Selectivity::Position,
            1302 => Selectivity::Contain,
            3169 | 3560 | 4243 => Selectivity::Span,
            _ => Selectivity::Other,
        }
    }
}

/// Who may use a cast without writing it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum CastContext {
    Implicit,
    Assignment,
    Explicit,
}

/// How a cast is done.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CastMethod {
    /// By [`CastDef::func`], called with (value), (value, typmod) or (value, typmod, explicit), as it has arguments.
    Function,
    /// Through the text form.
    InOut,
    /// The value is the same, bit by bit.
    Binary,
}

/// One row of `pg_cast`. Source = target: the function applies a typmod.
#[derive(Clone, Copy, Debug)]
pub struct CastDef {
    pub oid: Oid,
    pub source: Oid,
    pub target: Oid,
    pub func: Oid,
    pub context: CastContext,
    pub method: CastMethod,
}

pub(super) const fn c(oid: u32, source: u32, target: u32, func: u32, context: u8, method: u8) -> CastDef {
    CastDef {
        oid: Oid(oid),
        source: Oid(source),
        target: Oid(target),
        func: Oid(func),
        context: match context {
            b'i' => CastContext::Implicit,
            b'a' => CastContext::Assignment,
            _ => CastContext::Explicit,
        },
        method: match method {
            b'f' => CastMethod::Function,
            b'i' => CastMethod::InOut,
            _ => CastMethod::Binary,
        },
    }
}
