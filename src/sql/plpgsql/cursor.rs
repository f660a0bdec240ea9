//! Cursors of PL/pgSQL: OPEN, FETCH, MOVE, CLOSE. They are the session's, so that SQL's FETCH reaches them by name until
//! the transaction ends, and those of DECLARE can be read here.

use super::code::{Direction, Opening, Query, Way};
use super::frame::{Frame, Goto, RecordValue, Slot};
use crate::base::{Error, Flow, SqlState};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::sql::routine::cursor::{Cursor, CursorFacts, reads_backward};
use crate::sql::routine::query::QueryRun;
use crate::types::{Batch, Value};
use std::sync::Arc;

pub fn missing(name: &str) -> Error {
    err!(INVALID_CURSOR_NAME, "cursor \"{name}\" does not exist")
}

/// Opens a query under a name; it sees what is there now.
pub fn open_cursor(cx: &mut ExecContext, name: String, mut run: Box<QueryRun>, facts: CursorFacts) -> Flow<()> {
    *run = run.for_cursor();
    if !run.begin(cx)? {
        let text = "a relation changed while a cursor on it was opened";
        return Err(err!(OBJECT_NOT_IN_PREREQUISITE_STATE, "{text}").into());
    }
    let depth = cx.backend()?.txn.depth();
    cx.routines.cursors.insert(name, Cursor::new(run, facts, depth));
    Ok(())
}

fn open_run(
    cx: &mut ExecContext,
    name: String,
    run: Box<QueryRun>,
    scroll: Option<bool>,
    statement: Arc<str>,
) -> Flow<()> {
    let facts = CursorFacts {
        statement,
        scroll: scroll.unwrap_or_else(|| reads_backward(&run.plan)),
        hold: false,
        binary: false,
        created_us: cx.fx.statement_us + crate::base::clock::POSTGRES_EPOCH_US,
    };
    open_cursor(cx, name, run, facts)
}

/// Moves; returns the last row passed, and how many were.
///
/// # Errors
/// 55000 for a way back that was not asked for.
fn go(
    cursor: &mut Cursor,
    cx: &mut ExecContext,
    name: &str,
    way: Way,
    count: Option<i64>,
) -> Flow<(Option<Batch>, i64)> {
    cursor.check_way(match way {
        Way::Forward => count.is_some_and(|c| c < 0),
        Way::Backward => count.is_none_or(|c| c > 0),
        Way::Absolute => count.is_some_and(|c| c < 0 || c <= cursor.position),
        Way::Relative => count.is_some_and(|c| c < 0),
    })?;
    let count = count.unwrap_or(i64::MAX);
    let (to, one) = match way {
        Way::Forward => (cursor.position.saturating_add(count), false),
        Way::Backward => (cursor.position.saturating_sub(count), false),
        Way::Relative => (cursor.position.saturating_add(count), true),
        Way::Absolute if count < 0 => {
            cursor.keep(cx, name, i64::MAX)?;
            (cursor.kept() + 1 + count, true)
        }
        Way::Absolute => (count, true),
    };
    cursor.keep(cx, name, to)?;
    let (from, kept) = (cursor.position, cursor.kept());
    cursor.go_to(to);
    let row = cursor.row(cursor.position)?;
    let passed = match one || count == 0 {
        true => i64::from(row.is_some()),
        false if cursor.position >= from => cursor.position.min(kept) - from.min(kept),
        false => from.min(kept + 1) - cursor.position.max(1),
    };
    // Past the end a FETCH of several rows has the last one.
    Ok((row, passed))
}

impl Frame {
    /// The name in a cursor variable, given one if it has none.
    fn cursor_name(&mut self, cx: &mut ExecContext, var: usize) -> Flow<String> {
        if let Value::Bytes(b) = self.slots[var].scalar() {
            return Ok(String::from_utf8_lossy(b).into_owned());
        }
        let known = &self.body.vars[var];
        if known.constant {
            return Err(err!(ERROR_IN_ASSIGNMENT, "variable \"{}\" is declared CONSTANT", known.name).into());
        }
        cx.routines.unnamed += 1;
        let name = format!("<unnamed portal {}>", cx.routines.unnamed);
        self.slots[var] = Slot::Scalar(Value::text(&name));
        Ok(name)
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
            let name = self.cursor_name(cx, var)?;
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
        let text = self.body.exprs[decl.query].source.clone();
        let name = self.cursor_name(cx, var)?;
        Frame::check_free(cx, &name)?;
        open_run(cx, name.clone(), run, decl.scroll, text)?;
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
                    let name = self.cursor_name(cx, var)?;
                    Frame::check_free(cx, &name)?;
                }
                let (run, _) = self.open_query(cx, q, true)?;
                if !run.plan.returns_rows {
                    let text = format!("cannot open {} query as cursor", run.plan.tag);
                    return Err(Error::new(SqlState::INVALID_CURSOR_DEFINITION, text).into());
                }
                let text = match q {
                    Query::Static(id) => self.body.exprs[*id].source.clone(),
                    Query::Dynamic { .. } => super::rows::text_of(&self.values).as_str().into(),
                };
                let name = self.cursor_name(cx, var)?;
                open_run(cx, name, run, scroll, text)?;
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
        let moved = go(&mut cursor, cx, &name, direction.way, count);
        let shape = super::rows::shape_of_plan(cursor.plan());
        cx.routines.cursors.insert(name, cursor);
        let (row, passed) = moved?;
        let found = if direction.is_move { passed > 0 } else { row.is_some() };
        if let Some(target) = into {
            match row {
                Some(b) => {
                    let values = b.columns.iter().map(|c| c.get(0).to_value()).collect();
                    self.put_found(cx, target, RecordValue { values, shape: Some(shape), present: true })?;
                }
                None => self.put_row(cx, target, super::rows::nulls(&shape))?,
            }
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
