//! range_agg and range_intersect_agg.

use super::{AggregateCall, Aggregator, Groups};
use crate::base::{Oid, Result};
use crate::sql::func::FnContext;
use crate::types::range::{Multirange, Range, intersect_all};
use crate::types::{Column, Datum};

pub(super) fn open(call: &AggregateCall<'_>) -> Option<Box<dyn Aggregator>> {
    match (call.func.name, call.func.oid.0) {
        ("range_agg", _) => Some(Box::new(RangeAgg { ret: call.ret.oid, ranges: Vec::new(), bytes: 0 })),
        ("range_intersect_agg", 4450) => Some(Box::new(Intersection { multi: false, found: Vec::new() })),
        ("range_intersect_agg", _) => Some(Box::new(Intersection { multi: true, found: Vec::new() })),
        _ => None,
    }
}

/// The union of ranges or multiranges.
struct RangeAgg {
    ret: Oid,
    /// None: nothing but NULLs so far.
    ranges: Vec<Option<Vec<Vec<u8>>>>,
    bytes: usize,
}

impl Aggregator for RangeAgg {
    fn resize(&mut self, groups: usize) {
        self.ranges.resize(groups, None);
    }

    fn add(&mut self, fx: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        let _ = fx;
        for row in 0..groups.rows() {
            let Datum::Bytes(value) = args[0].get(row) else { continue };
            self.bytes += value.len() + 24;
            let list = self.ranges[groups.of(row)].get_or_insert_with(Vec::new);
            // The first word tells ranges and multiranges apart.
            let typ = value.first_chunk::<4>().map_or(Oid::INVALID, |b| Oid(u32::from_le_bytes(*b)));
            match crate::types::range::range_of(typ) {
                Some(_) => list.extend(Multirange::new(value).ranges.iter().map(Range::to_bytes)),
                None => list.push(value.to_vec()),
            }
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        match &self.ranges[group] {
            None => out.push_null(),
            Some(list) => out.push(Datum::Bytes(&Multirange::make(self.ret, list)?)),
        }
        Ok(())
    }

    fn bytes(&self) -> usize {
        self.bytes
    }
}

struct Intersection {
    multi: bool,
    found: Vec<Option<Vec<u8>>>,
}

impl Aggregator for Intersection {
    fn resize(&mut self, groups: usize) {
        self.found.resize(groups, None);
    }

    fn add(&mut self, _: &mut FnContext, args: &[&Column], groups: Groups<'_>) -> Result<()> {
        for row in 0..groups.rows() {
            let Datum::Bytes(value) = args[0].get(row) else { continue };
            let state = &mut self.found[groups.of(row)];
            *state = Some(match state {
                None => value.to_vec(),
                Some(so_far) if self.multi => {
                    let (a, b) = (Multirange::new(so_far), Multirange::new(value));
                    Multirange::make(a.typ, &intersect_all(&a.ranges, &b.ranges)?)?
                }
                Some(so_far) => Range::new(so_far).intersect(&Range::new(value))?,
            });
        }
        Ok(())
    }

    fn finish(&self, _: &mut FnContext, group: usize, out: &mut Column) -> Result<()> {
        out.push(self.found[group].as_deref().map_or(Datum::Null, Datum::Bytes));
        Ok(())
    }
}
