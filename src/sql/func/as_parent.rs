//! Rows of a table as rows of one it inherits from: a function that SQL cannot name. PostgreSQL 15, execExprInterp.c,
//! ExecEvalConvertRowtype: same rule, columns are found by their names.

use super::fact::{ProcFact, p};
use super::{FnContext, FuncDef, FuncImpl};
use crate::base::{Oid, Result};
use crate::types::{Column, Datum, oid, record};

const ARGS: &[Oid] = &[oid::RECORD];

static FACT: ProcFact = p(0, "as_parent", ARGS, 2249, "f-tsi-i", "as_parent");

/// The call's own type tells whose row it becomes.
pub static AS_PARENT: FuncDef = FuncDef {
    oid: Oid(0),
    name: "as_parent",
    args: ARGS,
    variadic: Oid(0),
    ret: oid::RECORD,
    retset: false,
    strict: true,
    volatility: b'i',
    kind: b'f',
    imp: FuncImpl::Scalar(as_parent),
    collated: None,
    aggregate: None,
    fact: &FACT,
};

fn as_parent(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let to = cx.ret_type();
    let fields = cx.io.hooks.composite(to.oid).unwrap_or_default();
    out.push_bytes_with(|arena| {
        record::with_fitted(args[0].bytes(), &cx.io, |row| {
            let value = |name: &str| row.columns.iter().find(|c| c.name == name).map_or(Datum::Null, |c| c.value);
            record::build(to, fields.iter().map(|f| (f.name.as_str(), f.typ.oid, value(&f.name))), arena);
        });
        Ok(())
    })
}
