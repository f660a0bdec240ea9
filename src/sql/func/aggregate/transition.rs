//! The functions that bring on and finish states of plain types, as functions of their own: somebody calls them, or
//! names them in CREATE AGGREGATE. The built-in aggregates keep their states in a form of their own.

use super::statistics::{Kind, Running, Spread, Sums, overflow};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::func::{FnContext, FuncImpl, push_numeric};
use crate::types::array::{Array, from_values};
use crate::types::datetime::interval::{self, Interval};
use crate::types::numeric::Numeric;
use crate::types::range::{Multirange, Range, intersect_all};
use crate::types::{Column, Datum, oid};

type Args<'a, 'b> = &'a [Datum<'b>];

/// The numbers of a state `float8[]`. PostgreSQL 15, float.c, check_float8_array.
fn floats<const N: usize>(d: Datum<'_>, caller: &str) -> Result<[f64; N]> {
    let a = Array::new(d.bytes());
    let mut out = [0.0; N];
    if a.dims.len() != 1 || a.len() != N || a.has_nulls() || a.element != oid::FLOAT8 {
        return Err(err!(INTERNAL_ERROR, "{caller}: expected {N}-element float8 array"));
    }
    out.iter_mut().zip(a.iter()).for_each(|(to, v)| *to = v.f64());
    Ok(out)
}

fn push_floats(out: &mut Column, values: &[f64]) -> Result<()> {
    out.push(Datum::Bytes(&from_values(oid::FLOAT8, values.iter().map(|v| Datum::F64(*v)))));
    Ok(())
}

fn running(d: Datum<'_>, caller: &str) -> Result<Running> {
    let [n, sum, squares] = floats(d, caller)?;
    Ok(Running { n, sum, squares })
}

fn push_running(out: &mut Column, s: &Running) -> Result<()> {
    push_floats(out, &[s.n, s.sum, s.squares])
}

fn float8_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut s = running(args[0], "float8_accum")?;
    s.add(args[1].f64())?;
    push_running(out, &s)
}

fn float4_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut s = running(args[0], "float4_accum")?;
    s.add(args[1].f32().into())?;
    push_running(out, &s)
}

fn float8_combine(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (running(args[0], "float8_combine")?, running(args[1], "float8_combine")?);
    push_running(out, &a.combine(b)?)
}

fn float8_avg(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let s = running(args[0], "float8_avg")?;
    out.push(if s.n == 0.0 { Datum::Null } else { Datum::F64(s.sum / s.n) });
    Ok(())
}

fn spread(args: Args<'_, '_>, caller: &str, sample: bool, root: bool, out: &mut Column) -> Result<()> {
    out.push(running(args[0], caller)?.spread(Spread { sample, root }).map_or(Datum::Null, Datum::F64));
    Ok(())
}

fn float8_var_pop(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    spread(args, "float8_var_pop", false, false, out)
}

fn float8_var_samp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    spread(args, "float8_var_samp", true, false, out)
}

fn float8_stddev_pop(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    spread(args, "float8_stddev_pop", false, true, out)
}

fn float8_stddev_samp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    spread(args, "float8_stddev_samp", true, true, out)
}

fn sums(d: Datum<'_>, caller: &str) -> Result<Sums> {
    let [n, x, xx, y, yy, xy] = floats(d, caller)?;
    Ok(Sums { n, x, xx, y, yy, xy })
}

fn push_sums(out: &mut Column, s: &Sums) -> Result<()> {
    push_floats(out, &[s.n, s.x, s.xx, s.y, s.yy, s.xy])
}

fn float8_regr_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut s = sums(args[0], "float8_regr_accum")?;
    s.add(args[1].f64(), args[2].f64())?;
    push_sums(out, &s)
}

fn float8_regr_combine(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (sums(args[0], "float8_regr_combine")?, sums(args[1], "float8_regr_combine")?);
    push_sums(out, &a.combine(b)?)
}

fn regression(args: Args<'_, '_>, caller: &str, kind: Kind, out: &mut Column) -> Result<()> {
    out.push(sums(args[0], caller)?.result(kind).map_or(Datum::Null, Datum::F64));
    Ok(())
}

fn float8_regr_sxx(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_sxx", Kind::Sxx, out)
}

fn float8_regr_syy(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_syy", Kind::Syy, out)
}

fn float8_regr_sxy(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_sxy", Kind::Sxy, out)
}

fn float8_regr_avgx(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_avgx", Kind::AvgX, out)
}

fn float8_regr_avgy(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_avgy", Kind::AvgY, out)
}

fn float8_regr_r2(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_r2", Kind::R2, out)
}

fn float8_regr_slope(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_slope", Kind::Slope, out)
}

fn float8_regr_intercept(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_regr_intercept", Kind::Intercept, out)
}

fn float8_covar_pop(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_covar_pop", Kind::CovarPop, out)
}

fn float8_covar_samp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_covar_samp", Kind::CovarSamp, out)
}

fn float8_corr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    regression(args, "float8_corr", Kind::Corr, out)
}

/// The count and the sum of a state `int8[]`.
fn counted(d: Datum<'_>) -> Result<(i64, i64)> {
    let a = Array::new(d.bytes());
    if a.dims.len() != 1 || a.len() != 2 || a.has_nulls() || a.element != oid::INT8 {
        return Err(err!(INTERNAL_ERROR, "expected 2-element int8 array"));
    }
    Ok((a.nth(0).i64(), a.nth(1).i64()))
}

fn push_counted(out: &mut Column, count: i64, sum: i64) -> Result<()> {
    out.push(Datum::Bytes(&from_values(oid::INT8, [Datum::I64(count), Datum::I64(sum)])));
    Ok(())
}

/// Sums of integers are not checked: PostgreSQL 15, numeric.c, do_int…_accum, relies on their width, too.
fn int_avg(args: Args<'_, '_>, value: i64, step: i64, out: &mut Column) -> Result<()> {
    let (count, sum) = counted(args[0])?;
    push_counted(out, count.wrapping_add(step), sum.wrapping_add(value.wrapping_mul(step)))
}

fn int2_avg_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_avg(args, args[1].i16().into(), 1, out)
}

fn int4_avg_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_avg(args, args[1].i32().into(), 1, out)
}

fn int2_avg_accum_inv(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_avg(args, args[1].i16().into(), -1, out)
}

fn int4_avg_accum_inv(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_avg(args, args[1].i32().into(), -1, out)
}

/// # Errors
/// XX000 outside an aggregate, as PostgreSQL's elog says it.
fn in_aggregate(fx: &FnContext, what: &str) -> Result<()> {
    match fx.in_aggregate {
        true => Ok(()),
        false => Err(err!(INTERNAL_ERROR, "{what} called in non-aggregate context")),
    }
}

fn int4_avg_combine(fx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    in_aggregate(fx, "aggregate function")?;
    let ((n, sum), (m, other)) = (counted(args[0])?, counted(args[1])?);
    push_counted(out, n.wrapping_add(m), sum.wrapping_add(other))
}

fn int8_avg(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    match counted(args[0])? {
        (0, _) => out.push_null(),
        (n, sum) => {
            let mean = Numeric::from_i128(sum.into()).div(&Numeric::from_i128(n.into()))?;
            push_numeric(out, &mean)?;
        }
    }
    Ok(())
}

fn int2int4_sum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(match counted(args[0])? {
        (0, _) => Datum::Null,
        (_, sum) => Datum::I64(sum),
    });
    Ok(())
}

/// `sum` of values that may be NULL, over a state that may be.
fn int_sum(state: Datum<'_>, value: Option<i64>, out: &mut Column) {
    out.push(match (state.is_null(), value) {
        (true, None) => Datum::Null,
        (true, Some(v)) => Datum::I64(v),
        (false, v) => Datum::I64(state.i64().wrapping_add(v.unwrap_or(0))),
    });
}

fn int2_sum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_sum(args[0], (!args[1].is_null()).then(|| args[1].i16().into()), out);
    Ok(())
}

fn int4_sum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    int_sum(args[0], (!args[1].is_null()).then(|| args[1].i32().into()), out);
    Ok(())
}

fn int8_sum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[1].is_null() {
        out.push(args[0]);
        return Ok(());
    }
    let value = Numeric::from_i128(args[1].i64().into());
    match args[0].is_null() {
        true => push_numeric(out, &value),
        false => push_numeric(out, &Numeric::from_bytes(args[0].bytes()).add(&value)),
    }
}

fn bigint_out_of_range() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")
}

/// The arguments after the count do not matter.
fn int8inc(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].i64().checked_add(1).ok_or_else(bigint_out_of_range)?));
    Ok(())
}

fn int8dec(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(args[0].i64().checked_sub(1).ok_or_else(bigint_out_of_range)?));
    Ok(())
}

/// The sum of a state `interval[]`, and the number in the time of its second element.
fn intervals(d: Datum<'_>) -> Result<(Interval, Interval)> {
    let a = Array::new(d.bytes());
    if a.has_nulls() {
        return Err(err!(NULL_VALUE_NOT_ALLOWED, "null array element not allowed in this context"));
    }
    if a.len() != 2 || a.element != oid::INTERVAL {
        return Err(err!(INTERNAL_ERROR, "expected 2-element interval array"));
    }
    Ok((Interval::from_bytes(a.nth(0).bytes()), Interval::from_bytes(a.nth(1).bytes())))
}

fn push_intervals(out: &mut Column, sum: Option<Interval>, mut count: Interval, step: i64) -> Result<()> {
    count.us = count.us.wrapping_add(step);
    let (sum, count) = (sum.ok_or_else(interval::out_of_range)?.to_bytes(), count.to_bytes());
    out.push(Datum::Bytes(&from_values(oid::INTERVAL, [Datum::Bytes(&sum), Datum::Bytes(&count)])));
    Ok(())
}

fn interval_accum(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (sum, count) = intervals(args[0])?;
    push_intervals(out, sum.checked_add(Interval::from_bytes(args[1].bytes())), count, 1)
}

fn interval_accum_inv(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (sum, count) = intervals(args[0])?;
    push_intervals(out, sum.checked_sub(Interval::from_bytes(args[1].bytes())), count, -1)
}

fn interval_combine(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let ((sum, count), (other, more)) = (intervals(args[0])?, intervals(args[1])?);
    push_intervals(out, sum.checked_add(other), count, more.us)
}

fn interval_avg(fx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (sum, count) = intervals(args[0])?;
    if count.us == 0 {
        out.push_null();
        return Ok(());
    }
    super::sum::mean_interval(fx, sum, count.us as f64, out)
}

fn range_intersect(fx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    in_aggregate(fx, "range_intersect_agg_transfn")?;
    let found = Range::new(args[0].bytes()).intersect(&Range::new(args[1].bytes()))?;
    out.push(Datum::Bytes(&found));
    Ok(())
}

fn multirange_intersect(fx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    in_aggregate(fx, "multirange_intersect_agg_transfn")?;
    let (a, b) = (Multirange::new(args[0].bytes()), Multirange::new(args[1].bytes()));
    let found = Multirange::make(a.typ, &intersect_all(&a.ranges, &b.ranges)?)?;
    out.push(Datum::Bytes(&found));
    Ok(())
}

use FuncImpl::Scalar;

pub(in crate::sql::func) const TABLE: &[(&str, FuncImpl)] = &[
    ("float8_accum", Scalar(float8_accum)),
    ("float4_accum", Scalar(float4_accum)),
    ("float8_combine", Scalar(float8_combine)),
    ("float8_avg", Scalar(float8_avg)),
    ("float8_var_pop", Scalar(float8_var_pop)),
    ("float8_var_samp", Scalar(float8_var_samp)),
    ("float8_stddev_pop", Scalar(float8_stddev_pop)),
    ("float8_stddev_samp", Scalar(float8_stddev_samp)),
    ("float8_regr_accum", Scalar(float8_regr_accum)),
    ("float8_regr_combine", Scalar(float8_regr_combine)),
    ("float8_regr_sxx", Scalar(float8_regr_sxx)),
    ("float8_regr_syy", Scalar(float8_regr_syy)),
    ("float8_regr_sxy", Scalar(float8_regr_sxy)),
    ("float8_regr_avgx", Scalar(float8_regr_avgx)),
    ("float8_regr_avgy", Scalar(float8_regr_avgy)),
    ("float8_regr_r2", Scalar(float8_regr_r2)),
    ("float8_regr_slope", Scalar(float8_regr_slope)),
    ("float8_regr_intercept", Scalar(float8_regr_intercept)),
    ("float8_covar_pop", Scalar(float8_covar_pop)),
    ("float8_covar_samp", Scalar(float8_covar_samp)),
    ("float8_corr", Scalar(float8_corr)),
    ("int2_avg_accum", Scalar(int2_avg_accum)),
    ("int4_avg_accum", Scalar(int4_avg_accum)),
    ("int2_avg_accum_inv", Scalar(int2_avg_accum_inv)),
    ("int4_avg_accum_inv", Scalar(int4_avg_accum_inv)),
    ("int4_avg_combine", Scalar(int4_avg_combine)),
    ("int8_avg", Scalar(int8_avg)),
    ("int2int4_sum", Scalar(int2int4_sum)),
    ("int2_sum", Scalar(int2_sum)),
    ("int4_sum", Scalar(int4_sum)),
    ("int8_sum", Scalar(int8_sum)),
    ("int8inc_any", Scalar(int8inc)),
    ("int8inc_float8_float8", Scalar(int8inc)),
    ("int8dec", Scalar(int8dec)),
    ("int8dec_any", Scalar(int8dec)),
    ("interval_accum", Scalar(interval_accum)),
    ("interval_accum_inv", Scalar(interval_accum_inv)),
    ("interval_combine", Scalar(interval_combine)),
    ("interval_avg", Scalar(interval_avg)),
    ("range_intersect_agg_transfn", Scalar(range_intersect)),
    ("multirange_intersect_agg_transfn", Scalar(multirange_intersect)),
];

impl Running {
    /// PostgreSQL 15, float.c, float8_combine: a side without values leaves the other as it is.
    fn combine(self, other: Running) -> Result<Running> {
        if self.n == 0.0 {
            return Ok(other);
        }
        if other.n == 0.0 {
            return Ok(self);
        }
        let n = self.n + other.n;
        let sum = sum_of(self.sum, other.sum)?;
        let apart = self.sum / self.n - other.sum / other.n;
        let squares = merged((self.squares, other.squares), self.n * other.n * apart * apart / n)?;
        Ok(Running { n, sum, squares })
    }
}

impl Sums {
    /// PostgreSQL 15, float.c, float8_regr_combine.
    fn combine(self, other: Sums) -> Result<Sums> {
        if self.n == 0.0 {
            return Ok(other);
        }
        if other.n == 0.0 {
            return Ok(self);
        }
        let n = self.n + other.n;
        let x_apart = self.x / self.n - other.x / other.n;
        let y_apart = self.y / self.n - other.y / other.n;
        let weight = self.n * other.n;
        Ok(Sums {
            n,
            x: sum_of(self.x, other.x)?,
            xx: merged((self.xx, other.xx), weight * x_apart * x_apart / n)?,
            y: sum_of(self.y, other.y)?,
            yy: merged((self.yy, other.yy), weight * y_apart * y_apart / n)?,
            xy: merged((self.xy, other.xy), weight * x_apart * y_apart / n)?,
        })
    }
}

fn sum_of(a: f64, b: f64) -> Result<f64> {
    let sum = a + b;
    match sum.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        true => Err(overflow()),
        false => Ok(sum),
    }
}

fn merged((a, b): (f64, f64), between: f64) -> Result<f64> {
    let all = a + b + between;
    match all.is_infinite() && !a.is_infinite() && !b.is_infinite() {
        true => Err(overflow()),
        false => Ok(all),
    }
}
