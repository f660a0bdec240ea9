//! generate_series, generate_subscripts, unnest.

use super::{Call, Rows, SetStream, unnest};
use crate::bail;
use crate::base::{Flow, Result};
use crate::sql::exec::ExecContext;
use crate::types::array::Array;
use crate::types::datetime::interval::Interval;
use crate::types::numeric::Numeric;
use crate::types::{Column, ColumnData, Datum, Value};

pub(super) fn open(call: &Call<'_>, cx: &mut ExecContext) -> Result<Option<Box<dyn SetStream>>> {
    Ok(Some(match call.func.fact.src {
        "generate_series_int4" | "generate_series_step_int4" => {
            let step = if call.args.len() > 2 { call.arg(2).i32().into() } else { 1 };
            int(call.arg(0).i32().into(), call.arg(1).i32().into(), step, i32::MAX.into())?
        }
        "generate_series_int8" | "generate_series_step_int8" => {
            let step = if call.args.len() > 2 { call.arg(2).i64() } else { 1 };
            int(call.arg(0).i64(), call.arg(1).i64(), step, i64::MAX)?
        }
        "generate_series_numeric" | "generate_series_step_numeric" => numeric(call)?,
        "generate_series_timestamp" | "generate_series_timestamptz" => timestamp(call, cx)?,
        "generate_subscripts" | "generate_subscripts_nodir" => subscripts(call)?,
        "_pg_expandarray(anyarray)" => Rows::stream(numbered(call)),
        "array_unnest" => Rows::stream(unnest(call, &cx.fx.io)),
        "multirange_unnest" => {
            let mut out = Rows::empty(call.columns);
            let ranges = crate::types::range::Multirange::new(call.arg(0).bytes()).ranges;
            ranges.iter().for_each(|r| out[0].push(Datum::Bytes(&r.to_bytes())));
            Rows::stream(out)
        }
        _ => return Ok(None),
    }))
}

/// int4 and int8 alike; the column's form decides.
struct IntSeries {
    next: Option<i64>,
    end: i64,
    step: i64,
}

fn int(start: i64, end: i64, step: i64, _max: i64) -> Result<Box<dyn SetStream>> {
    if step == 0 {
        bail!(INVALID_PARAMETER_VALUE, "step size cannot equal zero");
    }
    Ok(Box::new(IntSeries { next: Some(start), end, step }))
}

impl SetStream for IntSeries {
    fn next(&mut self, _: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        let Some(start) = self.next else { return Ok(false) };
        let distance = i128::from(self.end) - i128::from(start);
        let left =
            if (distance < 0) != (self.step < 0) && distance != 0 { 0 } else { distance / i128::from(self.step) + 1 };
        let count = left.min(max as i128) as i64;
        // Within the bounds, so neither the product nor the narrowing overflows.
        match &mut out[0].data {
            ColumnData::I32(v) => v.extend((0..count).map(|n| (start + n * self.step) as i32)),
            ColumnData::I64(v) => v.extend((0..count).map(|n| start + n * self.step)),
            _ => {}
        }
        if let Some(n) = &mut out[0].nulls {
            n.extend((0..count).map(|_| false));
        }
        self.next = if i128::from(count) < left { Some(start + count * self.step) } else { None };
        Ok(count > 0)
    }
}

struct NumericSeries {
    next: Numeric,
    end: Numeric,
    step: Numeric,
}

fn numeric(call: &Call<'_>) -> Result<Box<dyn SetStream>> {
    let read = |n: usize, what: &str| {
        let v = Numeric::from_bytes(call.arg(n).bytes());
        if v.is_nan() {
            bail!(INVALID_PARAMETER_VALUE, "{what} cannot be NaN");
        }
        if v.is_infinite() {
            bail!(INVALID_PARAMETER_VALUE, "{what} cannot be infinity");
        }
        Ok(v)
    };
    let (next, end) = (read(0, "start value")?, read(1, "stop value")?);
    let step = if call.args.len() > 2 { read(2, "step size")? } else { Numeric::from_i128(1) };
    if step.is_zero() {
        bail!(INVALID_PARAMETER_VALUE, "step size cannot equal zero");
    }
    Ok(Box::new(NumericSeries { next, end, step }))
}

impl SetStream for NumericSeries {
    fn next(&mut self, _: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        let mut rows = 0;
        while rows < max {
            let order = self.next.compare(&self.end);
            let past = if self.step.signum() > 0 { order.is_gt() } else { order.is_lt() };
            if past {
                break;
            }
            out[0].push_bytes_with(|b| self.next.write(b))?;
            self.next = self.next.add(&self.step);
            rows += 1;
        }
        Ok(rows > 0)
    }
}

/// timestamp and timestamptz: the addition is the type's own function, so that the time zone's rules hold.
struct TimeSeries {
    next: i64,
    end: i64,
    step: Value,
    forward: bool,
    plus: &'static crate::sql::func::FuncDef,
    done: bool,
}

fn timestamp(call: &Call<'_>, _: &mut ExecContext) -> Result<Box<dyn SetStream>> {
    let zoned = call.func.fact.src == "generate_series_timestamptz";
    let step = Interval::from_bytes(call.arg(2).bytes());
    let sign = step.total().signum();
    if sign == 0 {
        bail!(INVALID_PARAMETER_VALUE, "step size cannot equal zero");
    }
    let name = if zoned { "timestamptz_pl_interval" } else { "timestamp_pl_interval" };
    let left = if zoned { crate::types::oid::TIMESTAMPTZ } else { crate::types::oid::TIMESTAMP };
    let plus = crate::sql::func::type_operator("+", left, crate::types::oid::INTERVAL)
        .and_then(|o| crate::sql::func::func(o.func))
        .ok_or_else(|| crate::base::Error::internal(format!("{name} is missing")))?;
    Ok(Box::new(TimeSeries {
        next: call.arg(0).i64(),
        end: call.arg(1).i64(),
        step: call.args[2].clone(),
        forward: sign > 0,
        plus,
        done: false,
    }))
}

impl SetStream for TimeSeries {
    fn next(&mut self, cx: &mut ExecContext, max: usize, out: &mut [Column]) -> Flow<bool> {
        let mut rows = 0;
        let mut sum = Column::new(crate::types::Phys::I64);
        while rows < max && !self.done {
            let past = if self.forward { self.next > self.end } else { self.next < self.end };
            if past {
                self.done = true;
                break;
            }
            out[0].push(Datum::I64(self.next));
            rows += 1;
            let args = [Datum::I64(self.next), self.step.datum()];
            crate::sql::expr::eval::call_once(cx, self.plus, &args, None, &mut sum)?;
            self.next = sum.get(sum.len() - 1).i64();
        }
        Ok(rows > 0)
    }
}

/// `_pg_expandarray`: the elements along the first dimension, counted from 1. Those of more dimensions are no elements.
fn numbered(call: &Call<'_>) -> Vec<Column> {
    let mut out = Rows::empty(call.columns);
    let array = Array::new(call.arg(0).bytes());
    let flat = array.dims.len() == 1;
    let count = array.dims.first().map_or(0, |d| i64::from(d.upper()) - i64::from(d.lower) + 1);
    let mut elements = array.iter();
    if let [x, n] = out.as_mut_slice() {
        for place in 1..=count {
            x.push(if flat { elements.next().unwrap_or(Datum::Null) } else { Datum::Null });
            n.push(Datum::I32(place as i32));
        }
    }
    out
}

fn subscripts(call: &Call<'_>) -> Result<Box<dyn SetStream>> {
    let array = Array::new(call.arg(0).bytes());
    let wanted = call.arg(1).i32();
    let reverse = call.args.len() > 2 && call.arg(2).bool();
    let dim = usize::try_from(wanted).ok().and_then(|n| n.checked_sub(1)).and_then(|n| array.dims.get(n));
    let Some(d) = dim else { return Ok(Rows::stream(Rows::empty(call.columns))) };
    let (lower, upper) = (d.lower.into(), d.upper().into());
    if reverse { int(upper, lower, -1, i32::MAX.into()) } else { int(lower, upper, 1, i32::MAX.into()) }
}
