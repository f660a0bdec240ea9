//! min and max of any ordered type.

use super::{AggregateCall, Aggregator, Groups};
use crate::base::Result;
use crate::sql::func::FnContext;
use crate::types::{Column, ColumnData, Datum, TypeRef, Value};
use std::cmp::Ordering;

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    let greatest = match call.func.name {
        "max" => true,
        "min" => false,
        _ => return None,
    };
    let ty = *call.args.first()?;
    Some(match crate::sql::exec::phys_of(ty) {
        crate::types::Phys::I32 | crate::types::Phys::I64 | crate::types::Phys::I16 if is_plain_int(ty) => {
            Box::new(IntExtreme { greatest, best: Vec::new() })
        }
        _ => Box::new(Extreme { ty, greatest, last: looks_differ(ty), best: Vec::new(), bytes: 0 }),
    })
}

/// Ordered as the signed number it is kept as.
fn is_plain_int(ty: TypeRef) -> bool {
    use crate::types::oid::{DATE, INT2, INT4, INT8, MONEY, TIME, TIMESTAMP, TIMESTAMPTZ};
    matches!(ty.oid, INT2 | INT4 | INT8 | DATE | TIME | TIMESTAMP | TIMESTAMPTZ | MONEY)
}

/// Equal values of the type may look different.
fn looks_differ(ty: TypeRef) -> bool {
    use crate::types::oid::{FLOAT4, FLOAT8, INET, INTERVAL, NUMERIC};
    let base = crate::types::base_type(ty.oid);
    matches!(base, NUMERIC | INTERVAL | FLOAT4 | FLOAT8 | INET) || crate::types::element_type(base).is_some()
}

struct IntExtreme {
    greatest: bool,
    best: Vec<Option<i64>>,
}

impl Aggregator for IntExtreme {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let greatest = self.greatest;
        let mut take = |row: usize, v: i64| {
            if !args[0].is_null(row) {
                let best = &mut self.best[groups.of(row)];
                *best = Some(best.map_or(v, |b| if greatest { b.max(v) } else { b.min(v) }));
            }
        };
        match &args[0].data {
            ColumnData::I16(v) => v.iter().enumerate().for_each(|(r, v)| take(r, (*v).into())),
            ColumnData::I32(v) => v.iter().enumerate().for_each(|(r, v)| take(r, (*v).into())),
            ColumnData::I64(v) => v.iter().enumerate().for_each(|(r, v)| take(r, *v)),
            _ => {}
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        let Some(v) = self.best[group] else {
            out.push_null();
            return Ok(());
        };
        // Every value came from a column of the same width.
        out.push(match out.data {
            ColumnData::I16(_) => Datum::I16(v as i16),
            ColumnData::I32(_) => Datum::I32(v as i32),
            _ => Datum::I64(v),
        });
        Ok(())
    }
}

struct Extreme {
    ty: TypeRef,
    greatest: bool,
    /// Of equal values that look different (`1.5` and `1.50`) the last one counts, as in PostgreSQL's `numeric_larger`.
    last: bool,
    best: Vec<Value>,
    bytes: usize,
}

impl Aggregator for Extreme {
    fn resize(&mut self, groups: usize) {
        self.best.resize(groups, Value::Null);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let wanted = if self.greatest { Ordering::Greater } else { Ordering::Less };
        for row in 0..groups.rows() {
            let v = args[0].get(row);
            if v.is_null() {
                continue;
            }
            let best = &mut self.best[groups.of(row)];
            let found = if best.is_null() { wanted } else { crate::types::compare(self.ty, v, best.datum()) };
            if found == wanted || found == Ordering::Equal && self.last {
                if let Datum::Bytes(b) = v {
                    self.bytes += b.len();
                }
                if let Value::Bytes(b) = best {
                    self.bytes = self.bytes.saturating_sub(b.len());
                }
                *best = v.to_value();
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.best[group].datum());
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}
