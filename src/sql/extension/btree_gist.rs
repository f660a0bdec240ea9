//! `btree_gist`: scalars in GiST indexes ([`crate::gist`]), beside ranges and areas, and the distances between them.

use super::{Code, Extension, PLAIN, index_only};
use crate::base::Result;
use crate::err;
use crate::sql::func::FnContext;
use crate::types::datetime::civil::USECS_PER_DAY;
use crate::types::datetime::{Interval, date, timestamp};
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "btree_gist",
    version: "1.7",
    comment: "support for indexing common datatypes in GiST",
    script: include_str!("btree_gist.sql"),
    code: &[
        ("cash_dist", Code::Scalar(|_, a, out| long(a, "money", out))),
        ("date_dist", Code::Scalar(date_dist)),
        ("float4_dist", Code::Scalar(float4_dist)),
        ("float8_dist", Code::Scalar(float8_dist)),
        ("int2_dist", Code::Scalar(int2_dist)),
        ("int4_dist", Code::Scalar(int4_dist)),
        ("int8_dist", Code::Scalar(|_, a, out| long(a, "bigint", out))),
        ("interval_dist", Code::Scalar(interval_dist)),
        ("oid_dist", Code::Scalar(oid_dist)),
        ("time_dist", Code::Scalar(time_dist)),
        ("ts_dist", Code::Scalar(ts_dist)),
        ("tstz_dist", Code::Scalar(ts_dist)),
        ("gbt_oid_consistent", Code::Scalar(index_only)),
        ("gbt_oid_distance", Code::Scalar(index_only)),
        ("gbt_int2_consistent", Code::Scalar(index_only)),
        ("gbt_int2_distance", Code::Scalar(index_only)),
        ("gbt_int4_consistent", Code::Scalar(index_only)),
        ("gbt_int4_distance", Code::Scalar(index_only)),
        ("gbt_int8_consistent", Code::Scalar(index_only)),
        ("gbt_int8_distance", Code::Scalar(index_only)),
        ("gbt_float4_consistent", Code::Scalar(index_only)),
        ("gbt_float4_distance", Code::Scalar(index_only)),
        ("gbt_float8_consistent", Code::Scalar(index_only)),
        ("gbt_float8_distance", Code::Scalar(index_only)),
        ("gbt_ts_consistent", Code::Scalar(index_only)),
        ("gbt_ts_distance", Code::Scalar(index_only)),
        ("gbt_tstz_consistent", Code::Scalar(index_only)),
        ("gbt_tstz_distance", Code::Scalar(index_only)),
        ("gbt_time_consistent", Code::Scalar(index_only)),
        ("gbt_time_distance", Code::Scalar(index_only)),
        ("gbt_timetz_consistent", Code::Scalar(index_only)),
        ("gbt_date_consistent", Code::Scalar(index_only)),
        ("gbt_date_distance", Code::Scalar(index_only)),
        ("gbt_intv_consistent", Code::Scalar(index_only)),
        ("gbt_intv_distance", Code::Scalar(index_only)),
        ("gbt_cash_consistent", Code::Scalar(index_only)),
        ("gbt_cash_distance", Code::Scalar(index_only)),
        ("gbt_macad_consistent", Code::Scalar(index_only)),
        ("gbt_text_consistent", Code::Scalar(index_only)),
        ("gbt_bpchar_consistent", Code::Scalar(index_only)),
        ("gbt_bytea_consistent", Code::Scalar(index_only)),
        ("gbt_numeric_consistent", Code::Scalar(index_only)),
        ("gbt_bit_consistent", Code::Scalar(index_only)),
        ("gbt_inet_consistent", Code::Scalar(index_only)),
        ("gbt_uuid_consistent", Code::Scalar(index_only)),
        ("gbt_macad8_consistent", Code::Scalar(index_only)),
        ("gbt_enum_consistent", Code::Scalar(index_only)),
        ("gbt_bool_consistent", Code::Scalar(index_only)),
    ],
    ..PLAIN
};

fn out_of_range(what: &str) -> crate::base::Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "{what} out of range")
}

fn int2_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let far = args[0].i16().checked_sub(args[1].i16()).and_then(i16::checked_abs);
    out.push(Datum::I16(far.ok_or_else(|| out_of_range("smallint"))?));
    Ok(())
}

fn int4_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let far = args[0].i32().checked_sub(args[1].i32()).and_then(i32::checked_abs);
    out.push(Datum::I32(far.ok_or_else(|| out_of_range("integer"))?));
    Ok(())
}

fn long(args: &[Datum<'_>], what: &str, out: &mut Column) -> Result<()> {
    let far = args[0].i64().checked_sub(args[1].i64()).and_then(i64::checked_abs);
    out.push(Datum::I64(far.ok_or_else(|| out_of_range(what))?));
    Ok(())
}

fn oid_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::U32(args[0].u32().abs_diff(args[1].u32())));
    Ok(())
}

fn overflow() -> crate::base::Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

fn float4_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].f32(), args[1].f32());
    if (a - b).is_infinite() && a.is_finite() && b.is_finite() {
        return Err(overflow());
    }
    out.push(Datum::F32((a - b).abs()));
    Ok(())
}

fn float8_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].f64(), args[1].f64());
    if (a - b).is_infinite() && a.is_finite() && b.is_finite() {
        return Err(overflow());
    }
    out.push(Datum::F64((a - b).abs()));
    Ok(())
}

fn date_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].i32(), args[1].i32());
    if !date::is_finite(a) || !date::is_finite(b) {
        return Err(err!(DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates"));
    }
    out.push(Datum::I32(a.wrapping_sub(b).wrapping_abs()));
    Ok(())
}

fn push(i: Interval, out: &mut Column) {
    out.push(Datum::Bytes(&i.to_bytes()));
}

/// The interval or its opposite, whichever is not negative.
fn absolute(i: Interval) -> Result<Interval> {
    match i.compare(Interval::default()).is_lt() {
        true => i.checked_neg().ok_or_else(|| out_of_range("interval")),
        false => Ok(i),
    }
}

fn time_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    push(absolute(Interval { us: args[0].i64() - args[1].i64(), ..Interval::default() })?, out);
    Ok(())
}

/// PostgreSQL 15, btree_ts.c: infinitely far where one is infinite.
fn ts_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].i64(), args[1].i64());
    if !timestamp::is_finite(a) || !timestamp::is_finite(b) {
        push(Interval { us: i64::MAX, days: i32::MAX, months: i32::MAX }, out);
        return Ok(());
    }
    let us = a.checked_sub(b).ok_or_else(|| out_of_range("interval"))?;
    let days = (us / USECS_PER_DAY) as i32;
    push(absolute(Interval { us: us % USECS_PER_DAY, days, months: 0 })?, out);
    Ok(())
}

fn interval_dist(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (a, b) = (Interval::from_bytes(args[0].bytes()), Interval::from_bytes(args[1].bytes()));
    push(absolute(a.checked_sub(b).ok_or_else(|| out_of_range("interval"))?)?, out);
    Ok(())
}
