//! Cursors of PL/pgSQL: OPEN, FETCH, MOVE, CLOSE. Their rows are computed as they are asked for and kept, so that they
//! can move both ways; SQL's FETCH reaches them by name until the transaction ends.

use super::code::{Direction, Opening, Way};
use super::frame::{Frame, Goto, RecordValue, Shape, Slot};
use crate::base::{Error, Flow, Result, SqlState};
use crate::err;
use crate::sql::ast::FetchDirection;
use crate::sql::exec::ExecContext;
use crate::sql::routine::query::{Next, QueryRun};
use crate::types::{Batch, Value};
use std::sync::Arc;

pub struct Cursor {
    /// None when all rows are kept.
    run: Option<Box<QueryRun>>,
    shape: Arc<Shape>,
    batches: Vec<Batch>,
    pub kept: i64,
    /// 0: before the first row; `kept + 1` after the last.
    pub position: i64,
    scroll: Option<bool>,
}

pub fn missing(name: &str) -> Error {
    err!(INVALID_CURSOR_NAME, "cursor \"{name}\" does not exist")
}

impl Cursor {
    fn new(run: Box<QueryRun>, shape: Arc<Shape>, scroll: Option<bool>) -> Cursor {
        Cursor { run: Some(run), shape, batches: Vec::new(), kept: 0, position: 0, scroll }
    }

    pub fn shape(&self) -> Arc<Shape> {
        self.shape.clone()
    }

    /// Computes rows until `upto` of them are kept, or all.
    pub fn keep(&mut self, cx: &mut ExecContext, upto: i64) -> Flow<()> {
        while self.kept < upto {
            let Some(run) = &mut self.run else { return Ok(()) };
            match run.next(cx)? {
                Next::Batch(b) => {
                    self.kept += b.rows as i64;
                    self.batches.push(b);
                }
                Next::End => self.run = None,
                Next::Stale => {
                    let text = "a relation changed while a cursor on it was opened";
                    return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").into());
                }
            }
        }
        Ok(())
    }

    /// The row at a position, as a batch.
    pub fn row(&self, position: i64) -> Option<Batch> {
        let mut n = position.checked_sub(1).filter(|n| *n >= 0)?;
        for b in &self.batches {
            if n < b.rows as i64 {
                let columns = b.columns.iter().map(|c| c.gather_rows(&[n as u32])).collect();
                return Some(Batch { columns, rows: 1 });
            }
            n -= b.rows as i64;
        }
        None
    }

    /// The next row.
    pub fn forward(&mut self, cx: &mut ExecContext) -> Flow<Option<Batch>> {
        let to = self.position.saturating_add(1);
        self.keep(cx, to)?;
        self.position = to.min(self.kept + 1);
        Ok(self.row(self.position))
    }

    fn check_way(&self, backward: bool) -> Result<()> {
        if backward && self.scroll == Some(false) {
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
                .hint("Declare it with SCROLL option to enable backward scan."));
        }
        Ok(())
    }

    /// What SQL's FETCH may ask for.
    ///
    /// # Errors
    /// 55000 for a way back that was not asked for.
    pub fn may_go_back(&self, direction: FetchDirection, count: i64) -> Result<()> {
        self.check_way(match direction {
            FetchDirection::Forward | FetchDirection::Relative => count < 0,
            FetchDirection::Backward => count > 0,
            FetchDirection::Absolute => count <= self.position,
        })
    }

    /// Moves; returns the last row passed, and how many were.
    ///
    /// # Errors
    /// 55000 for a way back that was not asked for.
    pub fn go(&mut self, cx: &mut ExecContext, way: Way, count: Option<i64>) -> Flow<(Option<Batch>, i64)> {
        self.check_way(match way {
            Way::Forward => count.is_some_and(|c| c < 0),
            Way::Backward => count.is_none_or(|c| c > 0),
            Way::Absolute => count.is_some_and(|c| c < 0 || c <= self.position),
            Way::Relative => count.is_some_and(|c| c < 0),
        })?;
        let count = count.unwrap_or(i64::MAX);
        let (to, one) = match way {
            Way::Forward => (self.position.saturating_add(count), false),
            Way::Backward => (self.position.saturating_sub(count), false),
            Way::Relative => (self.position.saturating_add(count), true),
            Way::Absolute if count < 0 => {
                self.keep(cx, i64::MAX)?;
                (self.kept + 1 + count, true)
            }
            Way::Absolute => (count, true),
        };
        self.keep(cx, to)?;
        let from = self.position;
        self.position = to.clamp(0, self.kept + 1);
        let row = self.row(self.position);
        let passed = match one || count == 0 {
            true => i64::from(row.is_some()),
            false if self.position >= from => self.position.min(self.kept) - from.min(self.kept),
            false => from.min(self.kept + 1) - self.position.max(1),
        };
        // Past the end a FETCH of several rows has the last one.
        Ok((row, passed))
    }
}

impl Frame {
    /// The name in a cursor variable, given one if it has none.
    fn cursor_name(&mut self, cx: &mut ExecContext, var: usize) -> String {
        if let Value::Bytes(b) = self.slots[var].scalar() {
            return String::from_utf8_lossy(b).into_owned();
        }
        cx.routines.unnamed += 1;
        let name = format!("<unnamed portal {}>", cx.routines.unnamed);
        self.slots[var] = Slot::Scalar(Value::text(&name));
        name
    }

    fn check_free(cx: &ExecContext, name: &str) -> Flow<()> {
        match cx.routines.cursors.contains_key(name) {
            true => {
                let text = format!("cursor \"{name}\" already in use");
                Err(Error::new(SqlState::DUPLICATE_CURSOR, text).into())
            }
            false => Ok(()),
        }
    }

    /// Opens a bound cursor with its arguments; returns its name.
    pub(super) fn open_bound(&mut self, cx: &mut ExecContext, var: usize, args: &[(usize, usize)]) -> Flow<String> {
        if !self.slots[var].scalar().is_null() {
            let name = self.cursor_name(cx, var);
            Frame::check_free(cx, &name)?;
        }
        for (k, (_, e)) in args.iter().enumerate() {
            self.operand(cx, k, *e)?;
        }
        for (k, (to, e)) in args.iter().enumerate() {
            let (value, ty) = (self.values[k].clone(), self.type_of(*e));
            self.put(cx, &super::code::Target::Var(*to), value, ty)?;
        }
        let Some(decl) = self.body.vars[var].cursor.clone() else {
            return Err(Error::internal("a cursor that is not bound").into());
        };
        let run = self.start(cx, decl.query)?;
        let shape = Frame::shape_of_run(&run);
        let name = self.cursor_name(cx, var);
        Frame::check_free(cx, &name)?;
        cx.routines.cursors.insert(name.clone(), Cursor::new(run, shape, decl.scroll));
        Ok(name)
    }

    pub(super) fn open(
        &mut self,
        cx: &mut ExecContext,
        var: usize,
        what: &Opening,
        scroll: Option<bool>,
    ) -> Flow<Goto> {
        match what {
            Opening::Bound(args) => {
                self.open_bound(cx, var, args)?;
            }
            Opening::Query(q) => {
                if !self.slots[var].scalar().is_null() {
                    let name = self.cursor_name(cx, var);
                    Frame::check_free(cx, &name)?;
                }
                let (run, _) = self.open_query(cx, q)?;
                if !run.plan.returns_rows {
                    let text = format!("cannot open {} query as cursor", run.plan.tag);
                    return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, text).into());
                }
                let shape = Frame::shape_of_run(&run);
                let name = self.cursor_name(cx, var);
                cx.routines.cursors.insert(name, Cursor::new(run, shape, scroll));
            }
        }
        Ok(Goto::Next)
    }

    pub(super) fn fetch(
        &mut self,
        cx: &mut ExecContext,
        var: usize,
        direction: &Direction,
        into: Option<usize>,
    ) -> Flow<Goto> {
        let mut count = direction.count;
        if let Some(e) = direction.expr {
            count = match self.operand(cx, 0, e)? {
                Value::I64(n) => Some(n),
                Value::I32(n) => Some(i64::from(n)),
                _ => {
                    return Err(err!(NULL_VALUE_NOT_ALLOWED, "relative or absolute cursor position is null").into());
                }
            };
        }
        let Value::Bytes(b) = self.slots[var].scalar() else {
            let text = format!("cursor variable \"{}\" is null", self.body.vars[var].name);
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, text).into());
        };
        let name = String::from_utf8_lossy(b).into_owned();
        let Some(mut cursor) = cx.routines.cursors.remove(&name) else { return Err(missing(&name).into()) };
        let moved = cursor.go(cx, direction.way, count);
        let shape = cursor.shape();
        cx.routines.cursors.insert(name, cursor);
        let (row, passed) = moved?;
        let found = if direction.is_move { passed > 0 } else { row.is_some() };
        if let Some(target) = into {
            let row = match row {
                Some(b) => RecordValue {
                    values: b.columns.iter().map(|c| c.get(0).to_value()).collect(),
                    shape: Some(shape),
                    present: true,
                },
                None => super::rows::nulls(&shape),
            };
            self.put_row(cx, target, row)?;
        }
        self.row_count = passed.max(0) as u64;
        self.set_found(found);
        Ok(Goto::Next)
    }

    pub(super) fn close(&mut self, cx: &mut ExecContext, var: usize) -> Flow<Goto> {
        let Value::Bytes(b) = self.slots[var].scalar() else {
            let text = format!("cursor variable \"{}\" is null", self.body.vars[var].name);
            return Err(Error::new(SqlState::NULL_VALUE_NOT_ALLOWED, text).into());
        };
        let name = String::from_utf8_lossy(b).into_owned();
        match cx.routines.cursors.remove(&name) {
            Some(_) => Ok(Goto::Next),
            None => Err(missing(&name).into()),
        }
    }
}
