//! count, sum and avg.

use super::{AggregateCall, Aggregator, Groups};
use crate::base::{Error, Result};
use crate::err;
use crate::sql::func::FnContext;
use crate::types::datetime::interval::{self, Interval};
use crate::types::numeric::{self, Numeric};
use crate::types::{Column, ColumnData, Datum, oid};

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let avg = call.func.name == "avg";
    match call.func.name {
        "count" => return Some(Box::<Count>::default()),
        "sum" | "avg" => {}
        _ => return None,
    }
    let arg = call.args.first().map_or(oid::INT8, |t| t.oid);
    Some(match arg {
        oid::INT2 | oid::INT4 if !avg => Box::<SumInt>::default(),
        oid::INT2 | oid::INT4 | oid::INT8 => Box::new(SumWide { avg, ..SumWide::default() }),
        oid::FLOAT4 if !avg => Box::<SumFloat4>::default(),
        oid::FLOAT4 | oid::FLOAT8 => Box::new(SumFloat8 { avg, ..SumFloat8::default() }),
        oid::NUMERIC => Box::new(SumNumeric { avg, ..SumNumeric::default() }),
        oid::INTERVAL => Box::new(SumInterval { avg, ..SumInterval::default() }),
        oid::MONEY if !avg => Box::<SumMoney>::default(),
        _ => return None,
    })
}

/// `count(*)` without arguments, `count(x)` with one.
#[derive(Default)]
struct Count {
    counts: Vec<i64>,
}

impl Aggregator for Count {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let nulls = args.first().and_then(|a| a.nulls.as_ref());
        match (groups, nulls) {
            (Groups::One(n), None) => self.counts[0] += n as i64,
            (Groups::One(_), Some(n)) => self.counts[0] += n.iter().filter(|n| !**n).count() as i64,
            (Groups::Many(g), None) => g.iter().for_each(|g| self.counts[*g as usize] += 1),
            (Groups::Many(g), Some(n)) => {
                g.iter().zip(n).for_each(|(g, null)| self.counts[*g as usize] += i64::from(!null));
            }
        }
        Ok(())
    }

    fn remove(&mut self, _: &mut FnContext, args: &[&Column], row: usize) -> Result<bool> {
        self.counts[0] -= i64::from(args.first().is_none_or(|a| !a.is_null(row)));
        Ok(true)
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(Datum::I64(self.counts[group]));
        Ok(())
    }
}

/// Calls `f` with group and value of each row that is not NULL.
macro_rules! each_int {
    ($args:expr, $groups:expr, $f:expr) => {{
        let mut f = $f;
        let column = $args[0];
        macro_rules! go {
            ($v:expr) => {
                match ($groups, &column.nulls) {
                    (Groups::Many(g), None) => {
                        for (g, x) in g.iter().zip($v) {
                            f(*g as usize, (*x).into());
                        }
                    }
                    (groups, nulls) => {
                        for (row, x) in $v.iter().enumerate() {
                            if !nulls.as_ref().is_some_and(|n| n[row]) {
                                f(groups.of(row), (*x).into());
                            }
                        }
                    }
                }
            };
        }
        match &column.data {
            ColumnData::I16(v) => go!(v),
            ColumnData::I32(v) => go!(v),
            ColumnData::I64(v) => go!(v),
            _ => {}
        }
    }};
}

#[cold]
fn bigint_out_of_range() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "bigint out of range")
}

/// sum(int2), sum(int4): bigint, wrapping as PostgreSQL's (int4_sum does not check).
#[derive(Default)]
struct SumInt {
    sums: Vec<i64>,
    counts: Vec<u64>,
}

/// The sum of a whole column without NULLs.
fn whole(data: &ColumnData) -> Option<i64> {
    match data {
        ColumnData::I16(v) => Some(v.iter().map(|x| i64::from(*x)).sum()),
        ColumnData::I32(v) => Some(v.iter().map(|x| i64::from(*x)).sum()),
        _ => None,
    }
}

impl Aggregator for SumInt {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        if let (Groups::One(rows), None, Some(sum)) = (groups, &args[0].nulls, whole(&args[0].data)) {
            self.sums[0] = self.sums[0].wrapping_add(sum);
            self.counts[0] += rows as u64;
            return Ok(());
        }
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        each_int!(args, groups, |g: usize, v: i64| {
            sums[g] = sums[g].wrapping_add(v);
            counts[g] += 1;
        });
        Ok(())
    }

    fn remove(&mut self, _: &mut FnContext, args: &[&Column], row: usize) -> Result<bool> {
        let v: i64 = match args[0].get(row) {
            Datum::I16(v) => v.into(),
            Datum::I32(v) => v.into(),
            _ => return Ok(true),
        };
        self.sums[0] = self.sums[0].wrapping_sub(v);
        self.counts[0] -= 1;
        Ok(true)
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(if self.counts[group] == 0 { Datum::Null } else { Datum::I64(self.sums[group]) });
        Ok(())
    }
}

/// sum(int8) and avg of integers: numeric, by way of 128 bits.
#[derive(Default)]
struct SumWide {
    avg: bool,
    sums: Vec<i128>,
    counts: Vec<u64>,
}

impl Aggregator for SumWide {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0);
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        if let (Groups::One(rows), None, Some(sum)) = (groups, &args[0].nulls, whole(&args[0].data)) {
            self.sums[0] += i128::from(sum);
            self.counts[0] += rows as u64;
            return Ok(());
        }
        let (sums, counts) = (&mut self.sums, &mut self.counts);
        each_int!(args, groups, |g: usize, v: i128| {
            sums[g] += v;
            counts[g] += 1;
        });
        Ok(())
    }

    fn remove(&mut self, _: &mut FnContext, args: &[&Column], row: usize) -> Result<bool> {
        let v: i128 = match args[0].get(row) {
            Datum::I16(v) => v.into(),
            Datum::I32(v) => v.into(),
            Datum::I64(v) => v.into(),
            _ => return Ok(true),
        };
        self.sums[0] -= v;
        self.counts[0] -= 1;
        Ok(true)
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        if self.counts[group] == 0 {
            out.push_null();
            return Ok(());
        }
        let sum = Numeric::from_i128(self.sums[group]);
        let result = match self.avg {
            true => sum.div(&Numeric::from_i128(self.counts[group].into()))?,
            false => sum,
        };
        out.push_bytes_with(|b| result.write(b))
    }
}

#[cold]
fn overflow() -> Error {
    err!(NUMERIC_VALUE_OUT_OF_RANGE, "value out of range: overflow")
}

/// sum(float4) adds in single precision, as float4pl does.
#[derive(Default)]
struct SumFloat4 {
    sums: Vec<Option<f32>>,
}

impl Aggregator for SumFloat4 {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::F32(v) = args[0].get(row) else { continue };
            let sum = &mut self.sums[groups.of(row)];
            let new = sum.map_or(v, |s| s + v);
            if new.is_infinite() && !v.is_infinite() && !sum.is_some_and(f32::is_infinite) {
                return Err(overflow());
            }
            *sum = Some(new);
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.sums[group].map_or(Datum::Null, Datum::F32));
        Ok(())
    }
}

#[derive(Default)]
struct SumFloat8 {
    avg: bool,
    sums: Vec<f64>,
    counts: Vec<u64>,
}

impl Aggregator for SumFloat8 {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, 0.0);
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let v = match args[0].get(row) {
                Datum::F64(v) => v,
                Datum::F32(v) => v.into(),
                _ => continue,
            };
            let g = groups.of(row);
            // The first value is taken as it is: −0 stays −0.
            let new = if self.counts[g] == 0 { v } else { self.sums[g] + v };
            if new.is_infinite() && !v.is_infinite() && !self.sums[g].is_infinite() {
                return Err(overflow());
            }
            self.sums[g] = new;
            self.counts[g] += 1;
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(match (self.counts[group], self.avg) {
            (0, _) => Datum::Null,
            (n, true) => Datum::F64(self.sums[group] / n as f64),
            (_, false) => Datum::F64(self.sums[group]),
        });
        Ok(())
    }
}

#[derive(Default)]
struct SumNumeric {
    avg: bool,
    sums: Vec<numeric::Sum>,
    counts: Vec<u64>,
    /// Bytes that the sums hold beyond their own.
    heap: usize,
}

impl Aggregator for SumNumeric {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, numeric::Sum::default());
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::Bytes(b) = args[0].get(row) else { continue };
            let g = groups.of(row);
            let before = self.sums[g].heap();
            self.sums[g].add(b);
            self.heap += self.sums[g].heap() - before;
            self.counts[g] += 1;
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        if self.counts[group] == 0 {
            out.push_null();
            return Ok(());
        }
        let sum = self.sums[group].total();
        let result = match self.avg {
            true => sum.div(&Numeric::from_i128(self.counts[group].into()))?,
            false => sum,
        };
        out.push_bytes_with(|b| result.write(b))
    }

    fn bytes(&self) -> usize {
        self.sums.len() * std::mem::size_of::<numeric::Sum>() + self.heap
    }
}

#[derive(Default)]
struct SumInterval {
    avg: bool,
    sums: Vec<Option<Interval>>,
    counts: Vec<u64>,
}

impl Aggregator for SumInterval {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, None);
        self.counts.resize(groups, 0);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::Bytes(b) = args[0].get(row) else { continue };
            let g = groups.of(row);
            let v = Interval::from_bytes(b);
            self.sums[g] = Some(match self.sums[g] {
                None => v,
                Some(sum) => sum.checked_add(v).ok_or_else(interval::out_of_range)?,
            });
            self.counts[g] += 1;
        }
        Ok(())
    }

    fn finish(&self, fx: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let Some(sum) = self.sums[group] else {
            out.push_null();
            return Ok(());
        };
        if !self.avg {
            out.push(Datum::Bytes(&sum.to_bytes()));
            return Ok(());
        }
        mean_interval(fx, sum, self.counts[group] as f64, out)
    }
}

/// The type's own division by float8 carries months into days and days into time.
pub(super) fn mean_interval(fx: &mut FnContext, sum: Interval, count: f64, out: &mut Column) -> Result<()> {
    let div = crate::sql::func::type_operator("/", oid::INTERVAL, oid::FLOAT8);
    let div = div.and_then(|o| crate::sql::func::func(o.func));
    let div = div.ok_or_else(|| Error::internal("interval_div is missing"))?;
    crate::sql::func::call_scalar(fx, div, &[Datum::Bytes(&sum.to_bytes()), Datum::F64(count)], out)
}

#[derive(Default)]
struct SumMoney {
    sums: Vec<Option<i64>>,
}

impl Aggregator for SumMoney {
    fn resize(&mut self, groups: usize) {
        self.sums.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::I64(v) = args[0].get(row) else { continue };
            let sum = &mut self.sums[groups.of(row)];
            *sum = Some(sum.unwrap_or(0).checked_add(v).ok_or_else(bigint_out_of_range)?);
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.sums[group].map_or(Datum::Null, Datum::I64));
        Ok(())
    }
}
