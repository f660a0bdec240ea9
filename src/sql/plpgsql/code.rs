//! A compiled body.

use super::expr::PlExpr;
use crate::base::{Oid, Result, SqlState};
use crate::sql::bind::Conflict;
use crate::sql::exec::ExecContext;
use crate::sql::routine::query::Generation;
use crate::types::TypeRef;
use std::sync::Arc;

/// A body ready to run; shared by all calls of a session.
pub struct Function {
    pub name: String,
    /// As CONTEXT lines name it: `f(integer)`, `inline_code_block`.
    pub signature: String,
    pub source: Arc<str>,
    pub code: Vec<Instr>,
    pub vars: Vec<Var>,
    pub names: Vec<Entry>,
    pub exprs: Vec<PlExpr>,
    pub handlers: Vec<Handler>,
    /// Variables of the arguments, in the order they are given.
    pub args: Vec<usize>,
    /// The OUT arguments: one variable, or a row of them.
    pub out: Option<usize>,
    pub found: usize,
    pub trigger: Option<TriggerVars>,
    /// Of an event trigger's function: TG_EVENT and TG_TAG.
    pub event: Option<[usize; 2]>,
    pub conflict: Conflict,
    /// Loops that need a place for their state.
    pub loops: usize,
    pub returns_set: bool,
    pub result: TypeRef,
    pub is_procedure: bool,
    pub is_trigger: bool,
    pub print_strict: bool,
    /// The row types of variables, and when they were last seen to be there.
    pub row_types: Vec<Oid>,
    pub seen: parking_lot::Mutex<Option<Generation>>,
    /// Evaluators of calls that ended, for those to come.
    pub pool: parking_lot::Mutex<Vec<Vec<Option<super::expr::Ready>>>>,
}

impl Function {
    /// The types of its variables are still there; a table made anew has another row type.
    ///
    /// # Errors
    /// XX000 without a session.
    pub fn is_current(&self, cx: &mut ExecContext) -> Result<bool> {
        if self.row_types.is_empty() {
            return Ok(true);
        }
        let generation = cx.backend()?.catalog.generation();
        let mut seen = self.seen.lock();
        if *seen == Some(generation) {
            return Ok(true);
        }
        let there = self.row_types.iter().all(|t| cx.fx.io.hooks.composite(*t).is_some());
        *seen = there.then_some(generation);
        Ok(there)
    }
}

/// Variables a trigger function finds set.
pub struct TriggerVars {
    pub new: usize,
    pub old: usize,
    /// TG_NAME, TG_WHEN, TG_LEVEL, TG_OP, TG_RELID, TG_RELNAME, TG_TABLE_NAME, TG_TABLE_SCHEMA, TG_NARGS, TG_ARGV.
    pub facts: [usize; 10],
}

#[derive(Clone)]
pub struct Var {
    pub name: String,
    pub kind: VarKind,
    pub constant: bool,
    pub not_null: bool,
    pub line: u32,
    /// A bound cursor: its query, and the variables of its arguments with their names.
    pub cursor: Option<Arc<CursorDecl>>,
}

#[derive(Clone, Debug)]
pub enum VarKind {
    Scalar(TypeRef),
    /// `record`, or a composite type.
    Record(TypeRef),
    /// Several variables that take a row together.
    Row(Vec<usize>),
}

pub struct CursorDecl {
    pub args: Vec<(String, usize)>,
    pub query: usize,
    pub scroll: Option<bool>,
}

/// A name in reach, and what lies outside it.
pub struct Entry {
    pub parent: Option<usize>,
    pub what: Named,
}

pub enum Named {
    /// A block, a loop, or the function itself.
    Label {
        name: String,
        is_loop: bool,
    },
    Var {
        name: String,
        var: usize,
    },
}

/// Where a value is put.
#[derive(Clone, Debug)]
pub enum Target {
    Var(usize),
    Field {
        record: usize,
        field: String,
    },
    /// A part of a variable: the expression makes the whole variable's new value.
    Part {
        var: usize,
        field: Option<String>,
    },
}

pub struct Instr {
    pub op: Op,
    pub line: u32,
    pub what: &'static str,
}

/// Where INTO puts a row.
#[derive(Clone, Debug)]
pub struct Into {
    pub target: usize,
    pub strict: bool,
}

pub enum Query {
    /// A statement of the text; its number among the expressions.
    Static(usize),
    Dynamic {
        text: usize,
        using: Vec<usize>,
    },
}

pub enum Op {
    /// A variable of a block gets its first value.
    Init {
        var: usize,
        value: Option<usize>,
    },
    Assign {
        target: Target,
        value: usize,
    },
    Jump(usize),
    /// Goes on at the place unless the condition holds.
    Unless {
        condition: usize,
        to: usize,
    },
    CaseMissing,
    ForInt {
        place: usize,
        var: usize,
        lower: usize,
        upper: usize,
        step: Option<usize>,
        reverse: bool,
    },
    ForIntNext {
        place: usize,
        var: usize,
        end: usize,
    },
    ForQuery {
        place: usize,
        query: Query,
        target: usize,
    },
    ForCursor {
        place: usize,
        var: usize,
        args: Vec<(usize, usize)>,
        target: usize,
    },
    ForRow {
        place: usize,
        target: usize,
        end: usize,
    },
    ForEnd {
        place: usize,
        closes: bool,
    },
    ForEach {
        place: usize,
        array: usize,
        slice: u32,
        target: Target,
    },
    ForEachNext {
        place: usize,
        target: Target,
        end: usize,
    },
    Perform(usize),
    Sql {
        query: usize,
        into: Option<Into>,
    },
    Execute {
        query: Query,
        into: Option<Into>,
    },
    Call {
        query: usize,
    },
    Return(Option<usize>),
    /// RETURN of the OUT variables, or of nothing.
    ReturnOut,
    ReturnNext(Option<usize>),
    ReturnQuery(Query),
    /// The end of a body that should have returned.
    Missing,
    Raise(Box<Raise>),
    Assert {
        condition: usize,
        message: Option<usize>,
    },
    Guard(usize),
    /// Leaves this many blocks with handlers.
    Unguard(usize),
    /// The end of a handler: the error it handled is forgotten.
    Handled,
    Diagnostics {
        stacked: bool,
        items: Vec<(Target, Diagnostic)>,
    },
    Open {
        var: usize,
        what: Opening,
        scroll: Option<bool>,
    },
    Fetch {
        var: usize,
        direction: Direction,
        into: Option<usize>,
    },
    Close {
        var: usize,
    },
    EndTransaction {
        commit: bool,
        chain: bool,
    },
}

pub enum Opening {
    Query(Query),
    /// The cursor's own query, with its arguments.
    Bound(Vec<(usize, usize)>),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Way {
    Forward,
    Backward,
    Absolute,
    Relative,
}

pub struct Direction {
    pub way: Way,
    /// How many; None: all.
    pub count: Option<i64>,
    /// How many, computed.
    pub expr: Option<usize>,
    pub is_move: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Diagnostic {
    RowCount,
    Context,
    SqlState,
    Message,
    Detail,
    Hint,
    ErrorContext,
    Column,
    Constraint,
    Datatype,
    Table,
    Schema,
}

pub struct Raise {
    pub level: Level,
    /// A condition's name as written, with its code.
    pub condition: Option<(String, SqlState)>,
    pub message: Option<String>,
    pub params: Vec<usize>,
    pub options: Vec<(RaiseOption, usize)>,
    /// RAISE alone: the error being handled again.
    pub again: bool,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Level {
    Debug,
    Log,
    Info,
    Notice,
    Warning,
    Exception,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum RaiseOption {
    Errcode,
    Message,
    Detail,
    Hint,
    Column,
    Constraint,
    Datatype,
    Table,
    Schema,
}

/// EXCEPTION of one block.
pub struct Handler {
    /// Conditions, and where their statements begin.
    pub arms: Vec<(Vec<Condition>, usize)>,
    pub sqlstate: usize,
    pub sqlerrm: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Condition {
    Others,
    State(SqlState),
}
