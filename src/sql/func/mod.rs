//! Functions, operators and casts: PostgreSQL's facts about them, and what they do.
//!
//! Must never touch tables, transactions or clients; functions that need them are reached through
//! [`SystemHooks`]. Aggregates, window and set-returning functions have their facts here and their code in
//! `aggregate.rs`, `window.rs` and `setof.rs`.
//!
//! Invariants
//! - FN-1: a scalar function pushes exactly one value on success and none on error.
//! - FN-2: a strict function never sees NULL; the evaluator answers NULL for it.
//! - FN-3: the object ids are PostgreSQL 15's.

pub mod aggregate;
pub mod as_parent;
pub mod context;
pub mod current_of;
pub mod fact;
pub mod next_value;

mod array;
mod bytea;
mod casts;
pub mod collated;
mod compare;
mod datetime;
mod enums;
mod float;
mod format;
mod geometry;
#[cfg(test)]
mod golden;
pub mod hash;
mod inout;
mod int;
pub mod json;
mod macaddr;
mod money;
mod network;
mod normalize;
mod numeric;
mod opers;
pub mod polymorphic;
mod procs;
mod range;
pub mod regexp;
mod registry;
pub mod sample;
mod session;
pub mod setof;
mod snapshot;
pub mod standard;
pub(crate) mod text;
mod tsquery;
mod tsvector;
pub mod user;
pub mod vector;
pub mod window;
mod xml;

pub use collated::Collated;
pub use context::{CallTypes, FnContext, Random, SessionFacts, SystemHooks};
pub use fact::{CastContext, CastDef, CastMethod, OperDef, ProcFact, Selectivity};
pub use registry::{
    cast, casts, func, funcs, funcs_in, funcs_named, implementation, is_implemented, oper, opers, opers_named,
    type_operator, wants_types,
};

use crate::base::{Oid, Result};
use crate::types::{Column, Datum};

/// Pushes exactly one value on the column (FN-1).
pub type ScalarFn = fn(&mut FnContext, &[Datum<'_>], &mut Column) -> Result<()>;

/// Computes a column of `rows` values; answers NULL where a strict argument is NULL, without looking at the value.
pub type VectorFn = fn(&mut FnContext, &[&Column], usize) -> Result<Column>;

/// What a function does.
#[derive(Clone, Copy, Debug)]
pub enum FuncImpl {
    Scalar(ScalarFn),
    /// Hot functions: a kernel over columns.
    Vector(VectorFn),
    /// Reached through [`SystemHooks::call`]; also everything nobody implements (0A000).
    System,
    /// Aggregate, window and set-returning functions: looked up by `src` or `oid` in their own files.
    Elsewhere,
    /// A user's: its body is in the catalog ([`crate::sql::routine`]).
    Routine,
}

/// A function: its facts and its code.
#[derive(Clone, Copy, Debug)]
pub struct FuncDef {
    pub oid: Oid,
    pub name: &'static str,
    pub args: &'static [Oid],
    /// Element type of a variadic last argument (`ANY` for `variadic "any"`), or 0.
    pub variadic: Oid,
    pub ret: Oid,
    pub retset: bool,
    pub strict: bool,
    /// `i`mmutable, `s`table or `v`olatile.
    pub volatility: u8,
    /// `f`unction, `a`ggregate, `w`indow function or `p`rocedure.
    pub kind: u8,
    pub imp: FuncImpl,
    /// What it needs to know its arguments' collation for.
    pub collated: Option<Collated>,
    /// Of a user's aggregate.
    pub aggregate: Option<AggregateFact>,
    pub fact: &'static ProcFact,
}

/// What of a user's aggregate is known without its row of the catalogs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AggregateFact {
    /// The built-in aggregate whose states its own are, where they are of type internal; or invalid.
    pub same_as: Oid,
    /// `pg_aggregate.aggsortop`
    pub sort_operator: Oid,
}

impl FuncDef {
    /// What computes this aggregate where its states are built in: itself, or the one it is made of.
    pub fn known_states(&'static self) -> &'static FuncDef {
        self.aggregate.and_then(|a| func(a.same_as)).unwrap_or(self)
    }

    /// A row of the catalogs, so that it can be dropped and has rights of its own.
    pub fn is_users(&self) -> bool {
        self.oid >= Oid::FIRST_NORMAL
    }
}

/// Code by PostgreSQL's name of the function ([`ProcFact::src`]).
fn implementations() -> std::collections::HashMap<&'static str, FuncImpl> {
    let mut all = std::collections::HashMap::new();
    let tables: &[&[(&'static str, FuncImpl)]] = &[
        aggregate::transition::TABLE,
        array::TABLE,
        bytea::TABLE,
        enums::TABLE,
        float::TABLE,
        hash::TABLE,
        int::TABLE,
        macaddr::TABLE,
        network::TABLE,
        money::TABLE,
        normalize::TABLE,
        numeric::TABLE,
        range::TABLE,
        session::TABLE,
        snapshot::TABLE,
        standard::TABLE,
        text::TABLE,
        tsquery::TABLE,
        tsvector::TABLE,
        xml::TABLE,
    ];
    for table in tables
        .iter()
        .chain(compare::TABLES)
        .chain(datetime::TABLES)
        .chain(geometry::TABLES)
        .chain(format::TABLES)
        .chain(json::TABLES)
        .chain(regexp::TABLES)
    {
        all.extend(table.iter().copied());
    }
    all
}

/// Pushes a `numeric`.
fn push_numeric(out: &mut Column, n: &crate::types::numeric::Numeric) -> Result<()> {
    out.push_bytes_with(|arena| n.write(arena))
}

/// Pushes a text.
fn push_text(out: &mut Column, text: impl AsRef<str>) -> Result<()> {
    out.push(Datum::Bytes(text.as_ref().as_bytes()));
    Ok(())
}

/// Calls a function that neither waits nor needs a session, with one row.
pub fn call_scalar(fx: &mut FnContext, def: &FuncDef, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if def.strict && args.iter().any(|a| a.is_null()) {
        out.push_null();
        return Ok(());
    }
    collated::check(def.collated, fx.collation())?;
    match def.imp {
        FuncImpl::Scalar(f) => f(fx, args, out).and_then(|()| text::check_len(out)),
        FuncImpl::Vector(f) => {
            let column = |(n, d): (usize, &Datum<'_>)| {
                let phys = def.args.get(n).map_or(crate::types::Phys::Bytes, |t| crate::types::phys(*t));
                Column::constant(phys, *d, 1)
            };
            let columns: Vec<Column> = args.iter().enumerate().map(column).collect();
            let answer = f(fx, &columns.iter().collect::<Vec<_>>(), 1)?;
            out.push(answer.get(0));
            Ok(())
        }
        FuncImpl::System | FuncImpl::Elsewhere | FuncImpl::Routine => {
            Err(crate::base::Error::unsupported(format!("function {}() is not supported here", def.name)))
        }
    }
}
