//! User-defined routines: functions and procedures, in SQL and PL/pgSQL.
//!
//! | file | what |
//! |---|---|
//! | `def` | a function's signature as the binder knows functions |
//! | `invoke` | one call: rights, SET clauses, SECURITY DEFINER, depth; scalar or a stream of rows |
//! | `inline` | a body that stands for its calls |
//! | `returns` | what a routine returns, and how rows become that |
//! | `body` | a body written in SQL |
//! | `call` | CALL of a procedure |
//! | `named` | the variables that a command inside a routine names |
//! | `query` | a statement inside a routine: planned with the routine's variables, run inside another statement |
//! | `shown` | signatures and definitions as text |
//!
//! A call is a value that is stepped: where it meets a wait it returns it, and the next step goes on there (FLOW-1).
//!
//! Invariants
//! - RTN-1: after every step, also one that ends with a wait or an error, user and executor state are the caller's.
//! - RTN-2: no side effect of a body happens twice: what was done is in the call's frame before anything can stop it.

pub mod body;
mod call;
pub mod cursor;
mod def;
pub mod inline;
mod invoke;
mod kept;
pub mod named;
mod nesting;
pub mod query;
pub mod returns;
pub mod shown;

pub use call::ProcedureRun;
pub use def::def;
pub use invoke::{Invocation, check_call, check_columns, check_execute, check_execute_as, open};
pub use nesting::{Level, Nesting, deeper, too_deep};

use crate::base::{Error, Oid, Result};
use crate::catalog::object::{Function, class};
use crate::catalog::{Object, ObjectKey, Record};
use crate::sql::exec::ExecContext;
use hashbrown::HashMap;
use std::any::Any;
use std::sync::Arc;

/// Bodies this session has parsed and planned, by function and the types it is called with.
#[derive(Default)]
pub struct Cache {
    known: HashMap<Key, (Arc<Record>, Arc<dyn Any + Send + Sync>)>,
    active: Vec<Active>,
    /// The session's cursors by name.
    pub cursors: HashMap<String, cursor::Cursor>,
    /// For names of cursors that have none.
    pub unnamed: u64,
}

/// What a compiled body depends on.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Key {
    pub function: Oid,
    pub types: Vec<Oid>,
    pub returns: Oid,
    /// The relation a trigger function is fired for.
    pub relation: Oid,
}

/// Bodies kept at most.
const KEPT: usize = 1000;

/// The compiled form of a function, made by `make` unless it is there already.
pub fn compiled<T: Any + Send + Sync>(
    cx: &mut ExecContext,
    record: &Arc<Record>,
    key: Key,
    make: impl FnOnce(&mut ExecContext) -> Result<T>,
) -> Result<Arc<T>> {
    if let Some((of, body)) = cx.routines.known.get(&key)
        && Arc::ptr_eq(of, record)
        && let Ok(found) = body.clone().downcast::<T>()
    {
        return Ok(found);
    }
    let made = Arc::new(make(cx)?);
    if cx.routines.known.len() >= KEPT {
        cx.routines.known.clear();
    }
    cx.routines.known.insert(key, (record.clone(), made.clone()));
    Ok(made)
}

/// The stored form of a function.
///
/// # Errors
/// XX000 if it is gone.
pub fn record(cx: &mut ExecContext, oid: Oid) -> Result<Arc<Record>> {
    let found = cx.backend()?.catalog.get(ObjectKey::new(class::PROC, oid));
    found.ok_or_else(|| crate::err!(INTERNAL_ERROR, "cache lookup failed for function {}", oid.0))
}

/// A function of any kind, built in or a user's.
///
/// # Errors
/// XX000 if it is gone.
pub fn any(cx: &mut ExecContext, oid: Oid) -> Result<&'static crate::sql::func::FuncDef> {
    match crate::sql::func::func(oid) {
        Some(f) => Ok(f),
        None => Ok(def(function(&*record(cx, oid)?)?)),
    }
}

/// A record known to be a function's.
pub fn function(record: &Record) -> Result<&Function> {
    match &record.object {
        Object::Function(f) => Ok(f),
        _ => Err(Error::internal("not a function")),
    }
}

/// A PL/pgSQL call on the stack, for CONTEXT lines.
struct Active {
    body: Arc<crate::sql::plpgsql::Function>,
    pc: usize,
}

impl Cache {
    /// Lets a body be compiled anew.
    fn forget(&mut self, key: &Key) {
        self.known.remove(key);
    }

    /// A call's body goes on to run; returns what [`Cache::pop`] takes.
    pub fn push(&mut self, body: Arc<crate::sql::plpgsql::Function>) -> usize {
        self.active.push(Active { body, pc: 0 });
        self.active.len() - 1
    }

    pub fn pop(&mut self, to: usize) {
        self.active.truncate(to);
    }

    /// The innermost call is at this instruction.
    pub fn at(&mut self, pc: usize) {
        if let Some(a) = self.active.last_mut() {
            a.pc = pc;
        }
    }

    /// Where all calls are, innermost first.
    pub fn context(&self) -> String {
        let lines = self.active.iter().rev().map(|a| crate::sql::plpgsql::context_of(&a.body, a.pc));
        lines.collect::<Vec<_>>().join("\n")
    }
}
