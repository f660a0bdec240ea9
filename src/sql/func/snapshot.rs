//! Functions of `pg_snapshot`.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::types::snapshot::SnapshotValue;
use crate::types::{Column, Datum};

type Args<'a, 'b> = &'a [Datum<'b>];

fn xmin(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(SnapshotValue::parse(args[0].str())?.xmin as i64));
    Ok(())
}

fn xmax(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(SnapshotValue::parse(args[0].str())?.xmax as i64));
    Ok(())
}

fn visible(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(SnapshotValue::parse(args[1].str())?.sees(args[0].i64() as u64)));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("pg_snapshot_xmin", Scalar(xmin)),
    ("pg_snapshot_xmax", Scalar(xmax)),
    ("pg_visible_in_snapshot", Scalar(visible)),
];
