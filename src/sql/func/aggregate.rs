//! Aggregate functions: states of many groups side by side, fed column by column.
//!
//! [`open`] finds a function's states by its name and argument types. One [`Aggregator`] holds the states of all groups
//! of one call; the executor numbers the groups.
//!
//! Invariants
//! - AGG-1: `finish` changes nothing: a window frame asks again after every row.
//! - AGG-2: result types and NULL rules are PostgreSQL 15's (`pg_aggregate.dat`, the transition functions).

mod collect;
mod extreme;
mod json;
mod logic;
mod ordered;
mod range;
mod statistics;
mod sum;
pub(super) mod transition;

use super::{FnContext, FuncDef};
use crate::base::{Error, Result};
use crate::types::{Column, TypeRef};

/// Which group each row belongs to.
#[derive(Clone, Copy)]
pub enum Groups<'a> {
    /// All rows belong to group 0; the number of rows.
    One(usize),
    /// The group of each row.
    Many(&'a [u32]),
}

impl Groups<'_> {
    pub fn rows(&self) -> usize {
        match self {
            Groups::One(n) => *n,
            Groups::Many(g) => g.len(),
        }
    }

    #[inline]
    pub fn of(&self, row: usize) -> usize {
        match self {
            Groups::One(_) => 0,
            Groups::Many(g) => g[row] as usize,
        }
    }
}

/// The states of one aggregate call.
pub trait Aggregator: Send {
    /// Makes room for this many groups; new ones start empty.
    fn resize(&mut self, groups: usize);

    /// Takes rows in. Arguments have one value per row.
    fn add(&mut self, fx: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()>;

    /// Pushes the group's result (AGG-1).
    fn finish(&self, fx: &mut FnContext, group: usize, out: &mut Column) -> Result<()>;

    /// Takes a row out of group 0 again: a frame's start moved on. False: it cannot be done, nothing was changed.
    fn remove(&mut self, fx: &mut FnContext, args: &[&Column], row: usize) -> Result<bool> {
        let _ = (fx, args, row);
        Ok(false)
    }

    /// Memory held beyond a few words per group.
    fn bytes(&self) -> usize {
        0
    }
}

/// What a call looks like.
pub struct AggregateCall<'a> {
    pub func: &'static FuncDef,
    pub args: &'a [TypeRef],
    /// Types and directions of `WITHIN GROUP (ORDER BY …)`.
    pub order: &'a [OrderedBy],
    pub ret: TypeRef,
}

/// One ordering column of an ordered-set aggregate.
#[derive(Clone, Copy, Debug)]
pub struct OrderedBy {
    pub ty: TypeRef,
    pub desc: bool,
    pub nulls_first: bool,
}

/// Ordered-set aggregates get, per row, the ordering columns first and then the direct arguments.
pub fn is_ordered_set(func: &FuncDef) -> bool {
    is_built_in(func) && matches!(func.name, "percentile_cont" | "percentile_disc" | "mode") || is_hypothetical(func)
}

/// `rank(…) WITHIN GROUP` and its kin; the window functions of the same names have no arguments.
pub fn is_hypothetical(func: &FuncDef) -> bool {
    is_built_in(func) && func.kind == b'a' && matches!(func.name, "rank" | "dense_rank" | "percent_rank" | "cume_dist")
}

fn is_built_in(func: &FuncDef) -> bool {
    !matches!(func.imp, super::FuncImpl::Routine)
}

/// The empty states of a call.
pub fn open(call: &AggregateCall<'_>) -> Result<Box<dyn Aggregator>> {
    let made = sum::open(call)
        .or_else(|| extreme::open(call))
        .or_else(|| logic::open(call))
        .or_else(|| statistics::open(call))
        .or_else(|| collect::open(call))
        .or_else(|| json::open(call))
        .or_else(|| range::open(call))
        .or_else(|| ordered::open(call));
    made.ok_or_else(|| Error::unsupported(format!("aggregate function {}() is not supported yet", call.func.name)))
}

/// True if the aggregate has code here.
pub fn is_implemented(func: &'static FuncDef) -> bool {
    let args: Vec<TypeRef> = func.args.iter().map(|a| TypeRef::of(*a)).collect();
    open(&AggregateCall { func, args: &args, order: &[], ret: TypeRef::of(func.ret) }).is_ok()
}
