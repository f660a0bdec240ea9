//! The answers of window calls for the rows of one partition.

use super::super::keys::{KeyArena, KeyColumn};
use super::CallSpec;
use super::frame::Frames;
use crate::bail;
use crate::base::Result;
use crate::sql::exec::ExecContext;
use crate::sql::exec::user_aggregate::States;
use crate::sql::expr::FrameExclude;
use crate::sql::func::aggregate::Groups;
use crate::sql::func::window::WindowKind;
use crate::types::{Column, ColumnData, Datum, Value};
use std::ops::Range;

/// A run of rows of the store with its groups of peers.
pub(super) struct Partition<'a> {
    pub rows: Range<usize>,
    values: &'a [Column],
    /// Where each group of peers begins, and the partition's end.
    groups: Vec<usize>,
}

impl<'a> Partition<'a> {
    pub fn new(rows: Range<usize>, values: &'a [Column], order_keys: &KeyArena) -> Partition<'a> {
        let mut groups = vec![rows.start];
        groups.extend((rows.start + 1..rows.end).filter(|r| order_keys.get(*r) != order_keys.get(*r - 1)));
        groups.push(rows.end);
        Partition { rows, values, groups }
    }

    pub fn groups(&self) -> usize {
        self.groups.len() - 1
    }

    pub fn group(&self, n: usize) -> Range<usize> {
        self.groups[n]..self.groups[n + 1]
    }

    pub fn group_of(&self, row: usize) -> usize {
        self.groups.partition_point(|g| *g <= row) - 1
    }

    /// The rows that tie with a row, itself included.
    pub fn peers(&self, row: usize) -> Range<usize> {
        self.group(self.group_of(row))
    }

    fn len(&self) -> usize {
        self.rows.len()
    }
}

/// The evaluated ordering columns and their order.
type Order<'a> = (Range<usize>, &'a [KeyColumn]);

/// Pushes the call's answer for each row of the partition.
pub(super) fn call(
    cx: &mut ExecContext,
    call: &CallSpec,
    part: &Partition<'_>,
    offsets: &[Value],
    order: Order<'_>,
    out: &mut Column,
) -> Result<()> {
    match call.kind {
        WindowKind::RowNumber => (1..=part.len() as i64).for_each(|n| out.push(Datum::I64(n))),
        WindowKind::Rank | WindowKind::DenseRank | WindowKind::PercentRank | WindowKind::CumeDist => {
            ranks(call.kind, part, out);
        }
        WindowKind::Ntile => ntile(call, part, out)?,
        WindowKind::Lag | WindowKind::Lead => shifted(call, part, out),
        WindowKind::FirstValue | WindowKind::LastValue | WindowKind::NthValue => {
            framed_values(cx, call, part, offsets, order, out)?;
        }
        WindowKind::Aggregate => aggregates(cx, call, part, offsets, order, out)?,
    }
    Ok(())
}

fn ranks(kind: WindowKind, part: &Partition<'_>, out: &mut Column) {
    let n = part.len();
    for g in 0..part.groups() {
        let group = part.group(g);
        let before = group.start - part.rows.start;
        let through = group.end - part.rows.start;
        let value = match kind {
            WindowKind::Rank => Datum::I64(before as i64 + 1),
            WindowKind::DenseRank => Datum::I64(g as i64 + 1),
            WindowKind::PercentRank if n <= 1 => Datum::F64(0.0),
            WindowKind::PercentRank => Datum::F64(before as f64 / (n - 1) as f64),
            _ => Datum::F64(through as f64 / n as f64),
        };
        group.for_each(|_| out.push(value));
    }
}

/// PostgreSQL 15, windowfuncs.c, window_ntile: the first buckets take the remainder, one row each.
fn ntile(call: &CallSpec, part: &Partition<'_>, out: &mut Column) -> Result<()> {
    let buckets = match part.values[call.args.start].get(part.rows.start) {
        Datum::I32(n) if n > 0 => n as usize,
        Datum::Null => {
            part.rows.clone().for_each(|_| out.push_null());
            return Ok(());
        }
        _ => {
            let error = crate::err!(INVALID_ARGUMENT_FOR_NTILE, "argument of ntile must be greater than zero");
            return Err(error.place("window_ntile", "windowfuncs.c", 305));
        }
    };
    let (small, extra) = (part.len() / buckets, part.len() % buckets);
    for at in 0..part.len() {
        let in_large = extra * (small + 1);
        let bucket = if at < in_large { at / (small + 1) } else { extra + (at - in_large) / small.max(1) };
        out.push(Datum::I32(bucket as i32 + 1));
    }
    Ok(())
}

/// lag and lead: value, offset (1), default (NULL).
fn shifted(call: &CallSpec, part: &Partition<'_>, out: &mut Column) {
    let arg = |n: usize| part.values.get(call.args.start + n).filter(|_| n < call.args.len());
    let Some(values) = arg(0) else { return };
    for row in part.rows.clone() {
        let offset = match arg(1).map(|c| c.get(row)) {
            None => 1,
            Some(Datum::I32(n)) => i64::from(n),
            Some(_) => {
                out.push_null();
                continue;
            }
        };
        let at = row as i64 + if call.kind == WindowKind::Lag { -offset } else { offset };
        let inside = usize::try_from(at).ok().filter(|at| part.rows.contains(at));
        match inside {
            Some(at) => out.push_from(values, at),
            None => out.push(arg(2).map_or(Datum::Null, |d| d.get(row))),
        }
    }
}

fn frames<'a>(
    call: &'a CallSpec,
    part: &'a Partition<'a>,
    offsets: &[Value],
    (columns, keys): Order<'a>,
) -> Result<Frames<'a>> {
    let order = keys.first().map(|k| (&part.values[columns.start], *k));
    Frames::new(&call.frame, part, offsets, order)
}

/// A frame without the rows excluded: up to three runs.
fn runs(frame: Range<usize>, exclude: FrameExclude, row: usize, part: &Partition<'_>) -> [Range<usize>; 3] {
    let gap = match exclude {
        FrameExclude::NoOthers => return [frame, 0..0, 0..0],
        FrameExclude::CurrentRow => row..row + 1,
        FrameExclude::Group | FrameExclude::Ties => part.peers(row),
    };
    let before = frame.start..gap.start.clamp(frame.start, frame.end);
    let after = gap.end.clamp(frame.start, frame.end)..frame.end;
    let own = if exclude == FrameExclude::Ties && frame.contains(&row) { row..row + 1 } else { 0..0 };
    [before, own, after]
}

/// first_value, last_value and nth_value.
fn framed_values(
    cx: &mut ExecContext,
    call: &CallSpec,
    part: &Partition<'_>,
    offsets: &[Value],
    order: Order<'_>,
    out: &mut Column,
) -> Result<()> {
    let frames = frames(call, part, offsets, order)?;
    let values = &part.values[call.args.start];
    for row in part.rows.clone() {
        let runs = runs(frames.of(cx, row)?, call.frame.exclude, row, part);
        let found = match call.kind {
            WindowKind::FirstValue => runs.iter().find(|r| !r.is_empty()).map(|r| r.start),
            WindowKind::LastValue => runs.iter().rev().find(|r| !r.is_empty()).map(|r| r.end - 1),
            _ => match part.values[call.args.start + 1].get(row) {
                Datum::I32(n) if n > 0 => {
                    let mut left = n as usize - 1;
                    runs.iter().find_map(|r| {
                        let found = (left < r.len()).then(|| r.start + left);
                        left = left.saturating_sub(r.len());
                        found
                    })
                }
                Datum::Null => None,
                _ => bail!(INVALID_ARGUMENT_FOR_NTH_VALUE, "argument of nth_value must be greater than zero"),
            },
        };
        match found {
            Some(at) => out.push_from(values, at),
            None => out.push_null(),
        }
    }
    Ok(())
}

/// The states of an aggregate over a frame that moves.
struct Moving<'a> {
    call: &'a CallSpec,
    args: Vec<&'a Column>,
    filter: Option<&'a Column>,
    states: States,
    /// Rows taken in.
    held: Range<usize>,
}

impl<'a> Moving<'a> {
    fn new(call: &'a CallSpec, part: &Partition<'a>) -> Result<Moving<'a>> {
        Ok(Moving {
            call,
            args: call.args.clone().map(|n| &part.values[n]).collect(),
            filter: call.filter.map(|n| &part.values[n]),
            states: Self::open(call)?,
            held: 0..0,
        })
    }

    fn open(call: &CallSpec) -> Result<States> {
        let mut states = States::open(call.user.as_ref(), &call.aggregate())?;
        states.resize(1);
        Ok(states)
    }

    fn passes(&self, row: usize) -> bool {
        self.filter.is_none_or(|f| matches!(&f.data, ColumnData::Bool(v) if v[row] && !f.is_null(row)))
    }

    fn restart(&mut self, at: usize) -> Result<()> {
        self.states = Self::open(self.call)?;
        self.held = at..at;
        Ok(())
    }

    /// Takes rows in.
    fn add(&mut self, cx: &mut ExecContext, rows: Range<usize>) -> Result<()> {
        if rows.is_empty() {
            return Ok(());
        }
        let (columns, count): (Vec<Column>, usize) = match self.filter {
            None => (self.args.iter().map(|c| c.slice(rows.clone())).collect(), rows.len()),
            Some(_) => {
                let list: Vec<u32> = rows.filter(|r| self.passes(*r)).map(|r| r as u32).collect();
                (self.args.iter().map(|c| c.gather_rows(&list)).collect(), list.len())
            }
        };
        self.states.add(cx, &columns.iter().collect::<Vec<_>>(), Groups::One(count))
    }

    /// Makes the rows held those of the frame, by the least work.
    fn move_to(&mut self, cx: &mut ExecContext, frame: &Range<usize>) -> Result<()> {
        let apart = frame.start >= self.held.end || frame.end < self.held.end || frame.start < self.held.start;
        if apart {
            self.restart(frame.start)?;
        }
        while self.held.start < frame.start {
            let row = self.held.start;
            if self.passes(row) && !self.states.remove(cx, &self.args, row)? {
                self.restart(frame.start)?;
                break;
            }
            self.held.start += 1;
        }
        self.add(cx, self.held.end..frame.end)?;
        self.held.end = frame.end;
        Ok(())
    }
}

fn aggregates(
    cx: &mut ExecContext,
    call: &CallSpec,
    part: &Partition<'_>,
    offsets: &[Value],
    order: Order<'_>,
    out: &mut Column,
) -> Result<()> {
    let mut moving = Moving::new(call, part)?;
    let mut answer = Column::new(out.phys());
    if call.frame.is_whole() {
        moving.add(cx, part.rows.clone())?;
        moving.states.finish(cx, 0, &mut answer)?;
        part.rows.clone().for_each(|_| out.push_from(&answer, 0));
        return Ok(());
    }
    let frames = frames(call, part, offsets, order)?;
    let mut last: Option<Range<usize>> = None;
    moving.held = part.rows.start..part.rows.start;
    for row in part.rows.clone() {
        let frame = frames.of(cx, row)?;
        if call.frame.exclude != FrameExclude::NoOthers {
            moving.restart(frame.start)?;
            for run in runs(frame, call.frame.exclude, row, part) {
                moving.add(cx, run)?;
            }
            answer = Column::new(out.phys());
            moving.states.finish(cx, 0, &mut answer)?;
        } else if last.as_ref() != Some(&frame) {
            // A growing frame never gives rows back, so that float sums stay exact.
            if call.frame.is_growing() {
                moving.add(cx, moving.held.end..frame.end)?;
                moving.held.end = frame.end;
            } else {
                moving.move_to(cx, &frame)?;
            }
            answer = Column::new(out.phys());
            moving.states.finish(cx, 0, &mut answer)?;
            last = Some(frame);
        }
        out.push_from(&answer, 0);
    }
    Ok(())
}
