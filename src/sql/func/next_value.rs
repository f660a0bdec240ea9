//! What identity columns draw their values by: a function that SQL cannot name. PostgreSQL 15, primnodes.h, NextValueExpr.

use super::fact::{ProcFact, p};
use super::{FuncDef, FuncImpl};
use crate::base::Oid;
use crate::types::oid;

const ARGS: &[Oid] = &[oid::REGCLASS];

static FACT: ProcFact = p(0, "nextval", ARGS, 20, "f-tvu-i", "next_value");

/// A sequence's next value, whatever the rights on it: who may insert the row may number it.
pub static NEXT_VALUE: FuncDef = FuncDef {
    oid: Oid(0),
    name: "nextval",
    args: ARGS,
    variadic: Oid(0),
    ret: oid::INT8,
    retset: false,
    strict: true,
    volatility: b'v',
    kind: b'f',
    imp: FuncImpl::System,
    collated: None,
    aggregate: None,
    fact: &FACT,
};
