//! WHERE CURRENT OF as a condition on `ctid`: a function that SQL cannot name.

use super::fact::{ProcFact, p};
use super::{FuncDef, FuncImpl};
use crate::base::Oid;
use crate::types::oid;

const ARGS: &[Oid] = &[oid::TEXT, oid::OID];

static FACT: ProcFact = p(0, "current_of", ARGS, 27, "f-tsr-i", "current_of");

/// Where the row lies that a cursor (its name) stands on in a table (its object id); NULL: in another table.
pub static CURRENT_OF: FuncDef = FuncDef {
    oid: Oid(0),
    name: "current_of",
    args: ARGS,
    variadic: Oid(0),
    ret: oid::TID,
    retset: false,
    strict: true,
    volatility: b's',
    kind: b'f',
    imp: FuncImpl::System,
    collated: None,
    aggregate: None,
    fact: &FACT,
};
