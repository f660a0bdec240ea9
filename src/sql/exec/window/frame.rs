//! Which rows of its partition a row's frame holds.

use super::super::keys::KeyColumn;
use super::compute::Partition;
use crate::bail;
use crate::base::{Error, Result};
use crate::sql::exec::ExecContext;
use crate::sql::expr::{FrameBound, FrameExclude, FrameMode, WindowSpec};
use crate::types::numeric::Numeric;
use crate::types::{Column, Datum, TypeRef, Value, oid};
use std::cmp::Ordering;
use std::ops::Range;

/// One end of a frame; offsets are numbers into the window's evaluated offsets.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Bound {
    Start,
    End,
    Current,
    Preceding(usize),
    Following(usize),
}

pub(in crate::sql::exec) struct FrameSpec {
    mode: FrameMode,
    start: Bound,
    end: Bound,
    pub exclude: FrameExclude,
    offset_types: [Option<TypeRef>; 2],
    ordered: bool,
}

fn bound(b: &FrameBound, offset: Option<(usize, TypeRef)>) -> Bound {
    match (b, offset) {
        (FrameBound::UnboundedPreceding, _) => Bound::Start,
        (FrameBound::UnboundedFollowing, _) => Bound::End,
        (FrameBound::Preceding(_), Some((n, _))) => Bound::Preceding(n),
        (FrameBound::Following(_), Some((n, _))) => Bound::Following(n),
        _ => Bound::Current,
    }
}

impl FrameSpec {
    pub fn new(spec: &WindowSpec, start: Option<(usize, TypeRef)>, end: Option<(usize, TypeRef)>) -> FrameSpec {
        FrameSpec {
            mode: spec.frame.mode,
            start: bound(&spec.frame.start, start),
            end: bound(&spec.frame.end, end),
            exclude: spec.frame.exclude,
            offset_types: [start.map(|s| s.1), end.map(|e| e.1)],
            ordered: !spec.order_by.is_empty(),
        }
    }

    /// The frame is the whole partition for every row.
    pub fn is_whole(&self) -> bool {
        let to_end =
            self.end == Bound::End || (!self.ordered && self.mode != FrameMode::Rows && self.end == Bound::Current);
        self.exclude == FrameExclude::NoOthers && self.start == Bound::Start && to_end
    }

    /// The frame starts where the partition does.
    pub fn is_growing(&self) -> bool {
        self.exclude == FrameExclude::NoOthers && self.start == Bound::Start
    }
}

/// The frames of a partition's rows, before exclusion.
pub(super) struct Frames<'a> {
    spec: &'a FrameSpec,
    part: &'a Partition<'a>,
    offsets: [Option<Offset>; 2],
    order: Option<(&'a Column, KeyColumn)>,
    /// Rows whose ordering value is not NULL.
    known: Range<usize>,
}

/// A frame offset, checked.
#[derive(Clone)]
enum Offset {
    Count(usize),
    Value(Value, TypeRef),
}

fn check(value: &Value, which: &str, mode: FrameMode, ty: TypeRef) -> Result<Offset> {
    let negative = || crate::err!(INVALID_PRECEDING_OR_FOLLOWING_SIZE, "frame {which} offset must not be negative");
    match (value, mode) {
        (Value::Null, _) => bail!(NULL_VALUE_NOT_ALLOWED, "frame {which} offset must not be null"),
        (Value::I64(n), FrameMode::Rows | FrameMode::Groups) => {
            Ok(Offset::Count(usize::try_from(*n).map_err(|_| negative())?))
        }
        (v, _) => {
            let below = match v {
                Value::I16(n) => *n < 0,
                Value::I32(n) => *n < 0,
                Value::I64(n) => *n < 0,
                Value::F32(n) => *n < 0.0 || n.is_nan(),
                Value::F64(n) => *n < 0.0 || n.is_nan(),
                Value::Bytes(b) if ty.oid == oid::NUMERIC => {
                    let n = Numeric::from_bytes(b);
                    n.signum() < 0 || n.is_nan()
                }
                Value::Bytes(b) if ty.oid == oid::INTERVAL => {
                    crate::types::datetime::interval::Interval::from_bytes(b).total() < 0
                }
                _ => false,
            };
            if below {
                bail!(INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
            }
            Ok(Offset::Value(v.clone(), ty))
        }
    }
}

/// The offsets of a frame's ends.
fn offsets_of(spec: &FrameSpec, values: &[Value]) -> Result<[Option<Offset>; 2]> {
    let mut offsets = [None, None];
    for (slot, (b, which)) in [(spec.start, "starting"), (spec.end, "ending")].into_iter().enumerate() {
        if let Bound::Preceding(n) | Bound::Following(n) = b {
            let ty = spec.offset_types[slot].unwrap_or(TypeRef::of(oid::INT8));
            offsets[slot] = Some(check(&values[n], which, spec.mode, ty)?);
        }
    }
    Ok(offsets)
}

impl FrameSpec {
    /// Asked before the first row, and where there is none. PostgreSQL 15, nodeWindowAgg.c, calculate_frame_offsets.
    pub fn check(&self, values: &[Value]) -> Result<()> {
        offsets_of(self, values).map(|_| ())
    }
}

impl<'a> Frames<'a> {
    pub fn new(
        spec: &'a FrameSpec,
        part: &'a Partition<'a>,
        values: &[Value],
        order: Option<(&'a Column, KeyColumn)>,
    ) -> Result<Frames<'a>> {
        let offsets = offsets_of(spec, values)?;
        let mut known = part.rows.clone();
        if let Some((column, _)) = order {
            while known.start < known.end && column.is_null(known.start) {
                known.start += 1;
            }
            while known.start < known.end && column.is_null(known.end - 1) {
                known.end -= 1;
            }
        }
        Ok(Frames { spec, part, offsets, order, known })
    }

    /// The frame of a row of the partition; may be empty.
    pub fn of(&self, cx: &mut ExecContext, row: usize) -> Result<Range<usize>> {
        let start = self.edge(cx, row, self.spec.start, 0)?;
        let end = self.edge(cx, row, self.spec.end, 1)?;
        let rows = &self.part.rows;
        let start = start.clamp(rows.start, rows.end);
        Ok(start..end.clamp(start, rows.end))
    }

    /// Where the frame begins (`slot` 0), or one past where it ends (1).
    fn edge(&self, cx: &mut ExecContext, row: usize, bound: Bound, slot: usize) -> Result<usize> {
        let part = self.part;
        let peers = part.peers(row);
        let side = |r: Range<usize>| if slot == 0 { r.start } else { r.end };
        Ok(match (bound, self.spec.mode, &self.offsets[slot]) {
            (Bound::Start, ..) => part.rows.start,
            (Bound::End, ..) => part.rows.end,
            (Bound::Current, FrameMode::Rows, _) => row + slot,
            (Bound::Current, ..) => side(peers),
            (Bound::Preceding(_), FrameMode::Rows, Some(Offset::Count(n))) => {
                (row + slot).saturating_sub(*n).max(part.rows.start)
            }
            (Bound::Following(_), FrameMode::Rows, Some(Offset::Count(n))) => (row + slot).saturating_add(*n),
            (Bound::Preceding(_), FrameMode::Groups, Some(Offset::Count(n))) => {
                let group = part.group_of(row);
                match group.checked_sub(*n) {
                    Some(g) => side(part.group(g)),
                    None => part.rows.start,
                }
            }
            (Bound::Following(_), FrameMode::Groups, Some(Offset::Count(n))) => {
                let group = part.group_of(row).saturating_add(*n);
                if group < part.groups() { side(part.group(group)) } else { part.rows.end }
            }
            (b, _, Some(Offset::Value(v, ty))) => {
                self.by_value(cx, row, matches!(b, Bound::Preceding(_)), slot, v, *ty)?
            }
            _ => return Err(Error::internal("a frame without its offset")),
        })
    }

    /// RANGE with an offset: by the ordering value.
    fn by_value(
        &self,
        cx: &mut ExecContext,
        row: usize,
        preceding: bool,
        slot: usize,
        offset: &Value,
        ty: TypeRef,
    ) -> Result<usize> {
        let Some((column, key)) = self.order else { return Err(Error::internal("RANGE without ORDER BY")) };
        if column.is_null(row) {
            let peers = self.part.peers(row);
            return Ok(if slot == 0 { peers.start } else { peers.end });
        }
        // Downwards, what precedes is greater.
        let limit = Limit::new(cx, column.get(row), key.ty, offset, ty, preceding != key.desc)?;
        let inside = |r: usize| {
            let order = limit.compare(column.get(r), key.ty);
            let order = if key.desc { order.reverse() } else { order };
            if slot == 0 { order == Ordering::Less } else { order != Ordering::Greater }
        };
        let (mut low, mut high) = (self.known.start, self.known.end);
        while low < high {
            let middle = (low + high) / 2;
            if inside(middle) { low = middle + 1 } else { high = middle }
        }
        Ok(low)
    }
}

/// The value a frame's edge lies at.
enum Limit {
    Int(i128),
    Float(f64),
    Other(Value, TypeRef),
    /// Infinity less infinity: whatever is a number lies inside (PostgreSQL 15, float.c, in_range_float8_float8, and
    /// numeric.c, in_range_numeric_numeric: same rule).
    Everywhere,
}

impl Limit {
    /// `value - offset` or `value + offset`.
    fn new(
        cx: &mut ExecContext,
        value: Datum<'_>,
        ty: TypeRef,
        offset: &Value,
        offset_ty: TypeRef,
        minus: bool,
    ) -> Result<Limit> {
        let int = |d: Datum<'_>| -> Option<i128> {
            match d {
                Datum::I16(v) => Some(v.into()),
                Datum::I32(v) => Some(v.into()),
                Datum::I64(v) => Some(v.into()),
                _ => None,
            }
        };
        let float = |d: Datum<'_>| match d {
            Datum::F32(v) => Some(f64::from(v)),
            Datum::F64(v) => Some(v),
            _ => None,
        };
        if let (Some(a), Some(b)) = (int(value), int(offset.datum())) {
            return Ok(Limit::Int(if minus { a - b } else { a + b }));
        }
        if let (Some(a), Some(b)) = (float(value), float(offset.datum())) {
            if a.is_infinite() && b.is_infinite() && (a > 0.0) == minus {
                return Ok(Limit::Everywhere);
            }
            return Ok(Limit::Float(if minus { a - b } else { a + b }));
        }
        if let (Datum::Bytes(a), Value::Bytes(b)) = (value, offset)
            && ty.oid == oid::NUMERIC
        {
            let (a, b) = (Numeric::from_bytes(a), Numeric::from_bytes(b));
            if a.is_infinite() && b.is_infinite() && (a.signum() > 0) == minus {
                return Ok(Limit::Everywhere);
            }
        }
        let name = if minus { "-" } else { "+" };
        let oper = crate::sql::func::type_operator(name, ty.oid, offset_ty.oid).ok_or_else(|| {
            Error::unsupported("RANGE with offset PRECEDING/FOLLOWING is not supported for these types")
        })?;
        let func = crate::sql::func::func(oper.func).ok_or_else(|| Error::internal("an operator without function"))?;
        let result = TypeRef::of(oper.result);
        let mut out = Column::new(super::super::phys_of(result));
        crate::sql::expr::eval::call_once(cx, func, &[value, offset.datum()], None, &mut out)?;
        Ok(Limit::Other(out.get(0).to_value(), result))
    }

    /// How an ordering value compares with the limit.
    fn compare(&self, value: Datum<'_>, ty: TypeRef) -> Ordering {
        match (self, value) {
            (Limit::Everywhere, v) => {
                let is_nan = match v {
                    Datum::F32(v) => v.is_nan(),
                    Datum::F64(v) => v.is_nan(),
                    Datum::Bytes(b) => Numeric::from_bytes(b).is_nan(),
                    _ => false,
                };
                if is_nan { Ordering::Greater } else { Ordering::Equal }
            }
            (Limit::Int(l), Datum::I16(v)) => i128::from(v).cmp(l),
            (Limit::Int(l), Datum::I32(v)) => i128::from(v).cmp(l),
            (Limit::Int(l), Datum::I64(v)) => i128::from(v).cmp(l),
            (Limit::Float(l), v) => {
                let v = match v {
                    Datum::F32(v) => f64::from(v),
                    Datum::F64(v) => v,
                    _ => 0.0,
                };
                // NaN sorts above everything (float8_cmp_internal).
                match (v.is_nan(), l.is_nan()) {
                    (true, true) => Ordering::Equal,
                    (true, false) => Ordering::Greater,
                    (false, true) => Ordering::Less,
                    (false, false) => v.partial_cmp(l).unwrap_or(Ordering::Equal),
                }
            }
            (Limit::Other(l, result), Datum::I32(days)) if ty.oid == oid::DATE && result.oid == oid::TIMESTAMP => {
                let us = crate::types::datetime::date::to_timestamp(days).unwrap_or(i64::MAX);
                us.cmp(&l.datum().i64())
            }
            (Limit::Other(l, result), v) => crate::types::compare(*result, v, l.datum()),
            _ => Ordering::Equal,
        }
    }
}
