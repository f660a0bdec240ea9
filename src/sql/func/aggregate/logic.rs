//! bool_and, bool_or, every; bit_and, bit_or, bit_xor.

use super::{AggregateCall, Aggregator, Groups};
use crate::base::Result;
use crate::sql::func::{FnContext, FuncDef};
use crate::types::{Column, Datum, Value, oid};

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let operator = match call.func.name {
        "bool_and" | "every" => return Some(Box::new(BoolJunction { and: true, counts: Vec::new() })),
        "bool_or" => return Some(Box::new(BoolJunction { and: false, counts: Vec::new() })),
        "bit_and" => "&",
        "bit_or" => "|",
        "bit_xor" => "#",
        _ => return None,
    };
    let ty = call.args.first()?.oid;
    let ty = if ty == oid::VARBIT { oid::BIT } else { ty };
    let func = crate::sql::func::func(crate::sql::func::type_operator(operator, ty, ty)?.func)?;
    Some(Box::new(Fold { func, values: Vec::new() }))
}

/// Values seen and values true, so that a row can be taken out again.
struct BoolJunction {
    and: bool,
    counts: Vec<(u64, u64)>,
}

impl Aggregator for BoolJunction {
    fn resize(&mut self, groups: usize) {
        self.counts.resize(groups, (0, 0));
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            if let Datum::Bool(v) = args[0].get(row) {
                let c = &mut self.counts[groups.of(row)];
                *c = (c.0 + 1, c.1 + u64::from(v));
            }
        }
        Ok(())
    }

    fn remove(&mut self, _: &mut FnContext, args: &[&Column], row: usize) -> Result<bool> {
        if let Datum::Bool(v) = args[0].get(row) {
            let c = &mut self.counts[0];
            *c = (c.0 - 1, c.1 - u64::from(v));
        }
        Ok(true)
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let (seen, yes) = self.counts[group];
        out.push(match (seen, self.and) {
            (0, _) => Datum::Null,
            (_, true) => Datum::Bool(yes == seen),
            (_, false) => Datum::Bool(yes > 0),
        });
        Ok(())
    }
}

/// A strict binary function from the first value on.
struct Fold {
    func: &'static FuncDef,
    values: Vec<Value>,
}

impl Aggregator for Fold {
    fn resize(&mut self, groups: usize) {
        self.values.resize(groups, Value::Null);
    }

    fn add(&mut self, fx: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let mut out = Column::new(args[0].phys());
        for row in 0..groups.rows() {
            let v = args[0].get(row);
            if v.is_null() {
                continue;
            }
            let state = &mut self.values[groups.of(row)];
            if state.is_null() {
                *state = v.to_value();
                continue;
            }
            crate::sql::func::call_scalar(fx, self.func, &[state.datum(), v], &mut out)?;
            *state = out.get(0).to_value();
            out = Column::new(args[0].phys());
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.values[group].datum());
        Ok(())
    }
}
