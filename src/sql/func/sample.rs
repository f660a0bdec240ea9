//! TABLESAMPLE. With REPEATABLE the same rows for the same seed: PostgreSQL 15, bernoulli.c, system.c: same hashes, hence
//! the same rows of a table with the same pages. Without, each row by its own chance.

use super::hash::extended_hash;
use super::{FnContext, FuncDef, FuncImpl};
use crate::base::{Oid, Result};
use crate::err;
use crate::heap::tid_from_bytes;
use crate::sql::func::fact::{ProcFact, p};
use crate::types::{Column, Datum, oid};

const ARGS: &[Oid] = &[oid::TID, oid::FLOAT4, oid::FLOAT8];

const CHANCE: &[Oid] = &[oid::FLOAT4];

const fn method(fact: &'static ProcFact, imp: super::ScalarFn) -> FuncDef {
    FuncDef {
        oid: fact.oid,
        name: fact.name,
        args: fact.args,
        variadic: Oid(0),
        ret: oid::BOOL,
        retset: false,
        strict: false,
        volatility: fact.flags.as_bytes()[3],
        kind: b'f',
        imp: FuncImpl::Scalar(imp),
        collated: None,
        aggregate: None,
        fact,
    }
}

static BERNOULLI_FACT: ProcFact = p(3313, "bernoulli", ARGS, 16, "f--ss-i", "tsm_bernoulli_handler");
static SYSTEM_FACT: ProcFact = p(3314, "system", ARGS, 16, "f--ss-i", "tsm_system_handler");
static BERNOULLI: FuncDef = method(&BERNOULLI_FACT, bernoulli);
static SYSTEM: FuncDef = method(&SYSTEM_FACT, system);

static BERNOULLI_CHANCE_FACT: ProcFact = p(3313, "bernoulli", CHANCE, 16, "f--vr-i", "tsm_bernoulli_handler");
static SYSTEM_CHANCE_FACT: ProcFact = p(3314, "system", CHANCE, 16, "f--vr-i", "tsm_system_handler");
static BERNOULLI_CHANCE: FuncDef = method(&BERNOULLI_CHANCE_FACT, chance);
static SYSTEM_CHANCE: FuncDef = method(&SYSTEM_CHANCE_FACT, chance);

/// Whether a row belongs to a sample that need not be the same again: of the percentage.
pub fn by_chance(by_row: bool) -> &'static FuncDef {
    if by_row { &BERNOULLI_CHANCE } else { &SYSTEM_CHANCE }
}

/// A condition of TABLESAMPLE.
pub fn is_sampling(f: &FuncDef) -> bool {
    [&BERNOULLI, &SYSTEM, &BERNOULLI_CHANCE, &SYSTEM_CHANCE].iter().any(|m| std::ptr::eq(*m, f))
}

fn percentage(percent: Datum<'_>) -> Result<f32> {
    match percent {
        Datum::F32(p) if (0.0..=100.0).contains(&p) => Ok(p),
        Datum::F32(_) => Err(err!(INVALID_TABLESAMPLE_ARGUMENT, "sample percentage must be between 0 and 100")),
        _ => Err(err!(INVALID_TABLESAMPLE_ARGUMENT, "TABLESAMPLE parameter cannot be null")),
    }
}

fn chance(fx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let percent = percentage(args[0])?;
    let dice = fx.random.lock().next_f64() * 100.0;
    out.push(Datum::Bool(dice < f64::from(percent)));
    Ok(())
}

/// Whether a row belongs to the sample: of its address, the percentage and the seed.
pub fn sampled(by_row: bool) -> &'static FuncDef {
    if by_row { &BERNOULLI } else { &SYSTEM }
}

fn bernoulli(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    decide(args, true, out)
}

fn system(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    decide(args, false, out)
}

fn decide(args: &[Datum<'_>], by_row: bool, out: &mut Column) -> Result<()> {
    let (tid, seed) = (args[0], args[2]);
    let percent = percentage(args[1])?;
    let Datum::F64(_) = seed else {
        return Err(err!(INVALID_TABLESAMPLE_REPEAT, "TABLESAMPLE REPEATABLE parameter cannot be null"));
    };
    let Some(tid) = (match tid {
        Datum::Bytes(b) => tid_from_bytes(b),
        _ => None,
    }) else {
        out.push(Datum::Bool(false));
        return Ok(());
    };
    let seed = extended_hash(oid::FLOAT8, seed, 0)? as u32;
    let mut key = tid.block.to_le_bytes().to_vec();
    if by_row {
        key.extend(u32::from(tid.offset).to_le_bytes());
    }
    key.extend(seed.to_le_bytes());
    let hash = super::hash::bytes_extended(&key, 0) as u32;
    let cutoff = (f64::from(percent) * (f64::from(u32::MAX) + 1.0) / 100.0).round_ties_even();
    out.push(Datum::Bool(u64::from(hash) < cutoff as u64));
    Ok(())
}
