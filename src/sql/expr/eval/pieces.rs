//! Long values in pieces: what PostgreSQL computes row by row is never in memory for many rows at once.
//!
//! An expression is evaluated for a whole batch, so `length(repeat('x', 10000000))` over 1,024 rows would hold 10 GB in
//! between. A loop that makes values of bytes asks [`room`] after each: once they are together longer than
//! [`BATCH_BYTES`], and rows are left, the evaluation ends there. Whoever asked for the selection ([`attempt`]) asks
//! again, for the rows up to that one, and for the others afterwards. Only what may be done twice is interrupted; lists
//! with volatile parts that make long values are evaluated row by row instead (EVAL-3).

use super::{Call, Eval, Op, Sel};
use crate::base::{Error, Flow, Stop};
use crate::sql::exec::ExecContext;
use crate::types::{BATCH_BYTES, Column, Phys, Value};

/// What the evaluation under way has to know.
#[derive(Default)]
pub(crate) struct Pieces {
    /// The selection may be cut.
    allowed: bool,
    /// The row of the batch behind which it was.
    over: Option<u32>,
}

/// To be called when one more value of `out`, which answers `sel`, is made.
///
/// # Errors
/// Ends an [`attempt`] where the values are too long together.
#[inline]
pub(super) fn room(cx: &mut ExecContext, out: &Column, sel: Sel<'_>) -> Flow<()> {
    if out.own_bytes() > BATCH_BYTES && out.len() < sel.len() && cx.run.pieces.allowed {
        return Err(over(cx, sel.row(out.len() - 1)));
    }
    Ok(())
}

#[cold]
fn over(cx: &mut ExecContext, row: u32) -> Stop {
    cx.run.pieces.over = Some(row);
    Error::internal("values too long to be in memory together").into()
}

/// Runs `f`; if `allowed`, it may be ended behind a row of the batch, whose number is the inner error.
pub(super) fn attempt<T>(
    cx: &mut ExecContext,
    allowed: bool,
    f: impl FnOnce(&mut ExecContext) -> Flow<T>,
) -> Flow<Result<T, u32>> {
    let before = std::mem::replace(&mut cx.run.pieces.allowed, allowed);
    let out = f(cx);
    cx.run.pieces.allowed = before;
    match out {
        Ok(done) => Ok(Ok(done)),
        Err(stop) => match cx.run.pieces.over.take_if(|_| allowed) {
            Some(row) => Ok(Err(row)),
            None => Err(stop),
        },
    }
}

/// Runs what is evaluated for rows of its own.
pub(in crate::sql) fn apart<T>(cx: &mut ExecContext, f: impl FnOnce(&mut ExecContext) -> Flow<T>) -> Flow<T> {
    let before = std::mem::take(&mut cx.run.pieces.allowed);
    let out = f(cx);
    cx.run.pieces.allowed = before;
    out
}

/// How many rows to ask for at once.
#[derive(Debug)]
pub(super) struct Size {
    rows: usize,
    /// Pieces of this size that went well.
    well: u32,
}

impl Default for Size {
    fn default() -> Size {
        Size { rows: usize::MAX, well: 0 }
    }
}

impl Size {
    /// After so many pieces a larger one is tried: what it costs to find that it is too large shall be little.
    const PATIENCE: u32 = 16;

    /// No values were long lately.
    pub fn is_whole(&self) -> bool {
        self.rows == usize::MAX
    }

    pub fn of(&self, left: usize) -> usize {
        self.rows.min(left)
    }

    pub fn went_well(&mut self) {
        if !self.is_whole() {
            self.well += 1;
            if self.well >= Size::PATIENCE {
                *self = Size { rows: self.rows.saturating_mul(2), well: 0 };
            }
        }
    }

    /// The evaluation of `sel` was ended behind this row of the batch.
    pub fn ended_behind(&mut self, row: u32, sel: Sel<'_>) {
        let rows = match sel {
            Sel::All(_) => row as usize + 1,
            Sel::Rows(rows) => rows.partition_point(|r| *r <= row),
        };
        *self = Size { rows: rows.max(1), well: 0 };
    }
}

/// A run of a selection; `rows` keeps it.
pub(super) fn part<'s>(sel: Sel<'s>, from: usize, to: usize, rows: &'s mut Vec<u32>) -> Sel<'s> {
    match sel {
        Sel::All(n) if from == 0 && to == n => sel,
        Sel::All(_) => {
            rows.clear();
            rows.extend(from as u32..to as u32);
            Sel::Rows(rows)
        }
        Sel::Rows(r) => Sel::Rows(&r[from..to]),
    }
}

/// It makes values of bytes, rather than handing on those of a column.
pub(super) fn makes_bytes(e: &Eval) -> bool {
    let hands_on = matches!(
        e.op,
        Op::Const { .. }
            | Op::Param { .. }
            | Op::ExecParam(_)
            | Op::Column(_)
            | Op::Operand(_)
            | Op::Relabel(_)
            | Op::Grouping { .. }
            | Op::Unsupported(_)
    );
    e.phys == Phys::Bytes && !hands_on
}

/// Functions whose answers may be much longer than their arguments.
const GROWING: [&str; 12] = [
    "repeat",
    "lpad",
    "rpad",
    "replace",
    "regexp_replace",
    "format",
    "array_fill",
    "overlay",
    "lo_get",
    "pg_read_file",
    "pg_read_binary_file",
    "query_to_xml",
];

/// Its values may be long although those of the batch's columns are not.
pub(super) fn grows(e: &mut Eval) -> bool {
    if !makes_bytes(e) {
        return false;
    }
    match &mut e.op {
        Op::Call(c) if grows_itself(c) => true,
        Op::Call(c) => c.args.iter().any(is_from_outside),
        Op::SubPlan(_) => true,
        Op::Array { elements: parts, .. } | Op::Row { fields: parts, .. } => parts.iter().any(is_from_outside),
        Op::Coalesce(parts) | Op::Extreme { args: parts, .. } => parts.iter().any(is_from_outside),
        Op::Case { arms, otherwise, .. } => arms.iter().map(|a| &a.1).chain(otherwise.as_deref()).any(is_from_outside),
        _ => false,
    }
}

fn grows_itself(c: &Call) -> bool {
    c.runs_statements() || GROWING.contains(&c.def.name)
}

/// A value that is no column's: one that is long is so for every row.
fn is_from_outside(e: &Eval) -> bool {
    match &e.op {
        Op::Const { value: Value::Bytes(b), .. } => b.len() > 1024,
        Op::Relabel(arg) => is_from_outside(arg),
        Op::Param { .. } | Op::ExecParam(_) | Op::SubPlan(_) => e.phys == Phys::Bytes,
        _ => false,
    }
}
