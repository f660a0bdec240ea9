//! Ordered-set aggregates (percentile_cont, percentile_disc, mode) and hypothetical-set ones (rank and its kin).
//!
//! The executor feeds rows in the order of `WITHIN GROUP (ORDER BY …)`: the ordering columns first, then the direct
//! arguments, which are the same in every row of a group.

use super::{AggregateCall, Aggregator, Groups, OrderedBy};
use crate::bail;
use crate::base::{Error, Result};
use crate::sql::func::FnContext;
use crate::types::array::{Array, Builder};
use crate::types::datetime::interval::Interval;
use crate::types::{Column, Datum, Phys, TypeRef, Value, oid};

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let kind = match call.func.name {
        "percentile_cont" => Kind::Continuous,
        "percentile_disc" => Kind::Discrete,
        "mode" => Kind::Mode,
        "rank" | "dense_rank" | "percent_rank" | "cume_dist" if call.func.kind == b'a' => {
            return Some(Box::new(Hypothetical {
                name: call.func.name,
                order: call.order.to_vec(),
                states: Vec::new(),
            }));
        }
        _ => return None,
    };
    let ty = call.order.first().map_or(*call.args.last()?, |o| o.ty);
    Some(Box::new(OrderedSet { kind, ty, ret: call.ret, states: Vec::new(), bytes: 0 }))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Continuous,
    Discrete,
    Mode,
}

#[derive(Clone)]
struct Sorted {
    /// The values that are not NULL, in order.
    values: Column,
    fraction: Value,
}

struct OrderedSet {
    kind: Kind,
    ty: TypeRef,
    ret: TypeRef,
    states: Vec<Sorted>,
    bytes: usize,
}

fn check(fraction: f64) -> Result<f64> {
    if !(0.0..=1.0).contains(&fraction) {
        let shown = crate::settings::format_g(fraction);
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "percentile value {shown} is not between 0 and 1");
    }
    Ok(fraction)
}

impl OrderedSet {
    /// The value at a fraction of the sorted values.
    fn at(&self, values: &Column, fraction: f64, out: &mut Column) -> Result<()> {
        let n = values.len();
        let fraction = check(fraction)?;
        if self.kind == Kind::Discrete {
            let row = (fraction * n as f64).ceil() as usize;
            out.push(values.get(row.max(1) - 1));
            return Ok(());
        }
        let place = fraction * (n as f64 - 1.0);
        let (low, high) = (place.floor() as usize, place.ceil() as usize);
        let part = place - place.floor();
        match (values.get(low), values.get(high)) {
            (a, _) if low == high => out.push(a),
            (Datum::F64(a), Datum::F64(b)) => out.push(Datum::F64(a + part * (b - a))),
            (Datum::Bytes(a), Datum::Bytes(b)) => {
                let mixed = between(Interval::from_bytes(a), Interval::from_bytes(b), part)?;
                out.push(Datum::Bytes(&mixed.to_bytes()));
            }
            (a, _) => out.push(a),
        }
        Ok(())
    }

    fn mode(&self, values: &Column, out: &mut Column) {
        let mut best = (0, 0);
        let mut start = 0;
        for row in 0..values.len() {
            if row > 0 && crate::types::compare(self.ty, values.get(row), values.get(start)).is_ne() {
                start = row;
            }
            if row + 1 - start > best.1 {
                best = (start, row + 1 - start);
            }
        }
        out.push(values.get(best.0));
    }
}

/// `low + (high - low) * part` by the interval type's own product, which carries months into days.
fn between(low: Interval, high: Interval, part: f64) -> Result<Interval> {
    let out_of_range = crate::types::datetime::interval::out_of_range;
    let difference = high.checked_sub(low).ok_or_else(out_of_range)?;
    let mul = crate::sql::func::type_operator("*", oid::INTERVAL, oid::FLOAT8);
    let mul = mul.and_then(|o| crate::sql::func::func(o.func));
    let mul = mul.ok_or_else(|| Error::internal("interval_mul is missing"))?;
    let mut out = Column::new(Phys::Bytes);
    let args = [Datum::Bytes(&difference.to_bytes()), Datum::F64(part)];
    crate::sql::func::call_scalar(&mut FnContext::default(), mul, &args, &mut out)?;
    low.checked_add(Interval::from_bytes(out.get(0).bytes())).ok_or_else(out_of_range)
}

impl Aggregator for OrderedSet {
    fn resize(&mut self, groups: usize) {
        let values = Column::new(crate::sql::exec::phys_of(self.ty));
        self.states.resize(groups, Sorted { values, fraction: Value::Null });
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let state = &mut self.states[groups.of(row)];
            if let Some(fraction) = args.get(1)
                && state.fraction.is_null()
            {
                state.fraction = fraction.get(row).to_value();
            }
            let v = args[0].get(row);
            if !v.is_null() {
                self.bytes += if let Datum::Bytes(b) = v { b.len() + 12 } else { 8 };
                state.values.push(v);
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let state = &self.states[group];
        if state.values.is_empty() {
            out.push_null();
            return Ok(());
        }
        if self.kind == Kind::Mode {
            self.mode(&state.values, out);
            return Ok(());
        }
        match state.fraction.datum() {
            Datum::F64(f) => self.at(&state.values, f, out),
            Datum::Bytes(stored) => {
                let fractions = Array::new(stored);
                let mut results = Builder::new(crate::types::element_type(self.ret.oid).unwrap_or(self.ty.oid));
                for f in fractions.iter() {
                    let mut one = Column::new(state.values.phys());
                    match f {
                        Datum::F64(f) => self.at(&state.values, f, &mut one)?,
                        _ => one.push_null(),
                    }
                    results.push(one.get(0));
                }
                out.push(Datum::Bytes(&results.finish_with(fractions.dims.clone())));
                Ok(())
            }
            _ => {
                out.push_null();
                Ok(())
            }
        }
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

/// How many rows there are, how many come before the hypothetical one, how many tie with it, how many keys before it.
#[derive(Clone, Default)]
struct Place {
    rows: i64,
    before: i64,
    ties: i64,
    keys_before: i64,
    last: Option<Vec<u8>>,
}

struct Hypothetical {
    name: &'static str,
    order: Vec<OrderedBy>,
    states: Vec<Place>,
}

impl Hypothetical {
    fn key(&self, columns: &[&Column], row: usize) -> Vec<u8> {
        let mut key = Vec::new();
        for (c, o) in columns.iter().zip(&self.order) {
            let v = c.get(row);
            if v.is_null() {
                key.push(if o.nulls_first { 0 } else { 2 });
                continue;
            }
            key.push(1);
            let start = key.len();
            crate::types::key::encode(o.ty, v, &mut key);
            if o.desc {
                key[start..].iter_mut().for_each(|b| *b = !*b);
            }
        }
        key
    }
}

impl Aggregator for Hypothetical {
    fn resize(&mut self, groups: usize) {
        self.states.resize(groups, Place::default());
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let (rows, asked) = args.split_at(self.order.len());
        for row in 0..groups.rows() {
            let (key, wanted) = (self.key(rows, row), self.key(asked, row));
            let p = &mut self.states[groups.of(row)];
            p.rows += 1;
            match key.cmp(&wanted) {
                std::cmp::Ordering::Less => {
                    p.before += 1;
                    p.keys_before += i64::from(p.last.as_ref() != Some(&key));
                    p.last = Some(key);
                }
                std::cmp::Ordering::Equal => p.ties += 1,
                std::cmp::Ordering::Greater => {}
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let p = &self.states[group];
        out.push(match self.name {
            "rank" => Datum::I64(p.before + 1),
            "dense_rank" => Datum::I64(p.keys_before + 1),
            "percent_rank" if p.rows == 0 => Datum::F64(0.0),
            "percent_rank" => Datum::F64(p.before as f64 / p.rows as f64),
            _ => Datum::F64((p.before + p.ties + 1) as f64 / (p.rows + 1) as f64),
        });
        Ok(())
    }
}
