//! Cursors as SQL and the protocol see them: DECLARE, FETCH, MOVE, CLOSE, and portals that are read in pieces.
//!
//! The cursors themselves are `sql::routine::cursor`'s, kept in the execution context by name.

use super::client::{Client, OUTPUT_LIMIT};
use super::job::{Done, Work, is_full};
use super::query::complete;
use super::state::Session;
use super::statement::{Cached, Statement, row_columns};
use crate::base::memory::claim;
use crate::base::{Error, Flow, Result, Stop, Wait};
use crate::sql::ast::{DeclareCursorStmt, FETCH_ALL, FetchDirection, FetchStmt, RawStmt, Stmt};
use crate::sql::command::cursor::{check_declaration, duplicate};
use crate::sql::exec::ExecContext;
use crate::sql::routine::cursor::{Cursor, CursorFacts, missing, reads_backward};
use crate::sql::routine::query::QueryRun;
use crate::types::{BATCH_ROWS, Value};
use crate::wire::{Format, Output, RowColumn};
use std::sync::Arc;

/// What reads a cursor.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reader {
    Fetch,
    /// Rows are passed over.
    Move,
    /// Execute, of a portal with a statement of this tag.
    Execute(&'static str),
}

/// Rows of a cursor on their way to the client.
struct Reading {
    name: String,
    reader: Reader,
    direction: FetchDirection,
    count: i64,
    columns: Vec<RowColumn>,
    /// The client awaits a RowDescription, which stands before the first row.
    describes: bool,
    /// Rows passed so far.
    passed: u64,
    /// Forwards from row to row: where the cursor will stand at the end.
    goal: Option<i64>,
    /// Otherwise the rows to send, how many are, and the position afterwards.
    targets: Option<(Vec<i64>, usize, i64)>,
}

impl Reading {
    fn new(name: &str, reader: Reader, direction: FetchDirection, count: i64, columns: Vec<RowColumn>) -> Reading {
        let (describes, passed, goal, targets) = (false, 0, None, None);
        Reading { name: name.to_string(), reader, direction, count, columns, describes, passed, goal, targets }
    }

    fn describe(&mut self, out: &mut Output) {
        if std::mem::take(&mut self.describes) {
            out.row_description(&self.columns);
        }
    }

    fn is_silent(&self) -> bool {
        self.reader == Reader::Move
    }

    /// Forwards, row by row: what has been read need not be kept.
    fn onwards(&mut self, cursor: &mut Cursor, cx: &mut ExecContext, out: &mut Output) -> Flow<()> {
        let goal = *self.goal.get_or_insert_with(|| cursor.position.saturating_add(self.count));
        while cursor.position < goal {
            // Rows are sent once those of a whole piece are there: of a short FETCH that fails, none.
            cursor.keep_some(cx, &self.name, goal.min(cursor.position + BATCH_ROWS as i64))?;
            let next = cursor.position + 1;
            let Some((batch, at)) = cursor.find(next)? else {
                cursor.go_to(next);
                return Ok(());
            };
            if !self.is_silent() && is_full(out) {
                return Stop::wait(Wait::Output);
            }
            let room = usize::try_from(goal - next + 1).unwrap_or(usize::MAX);
            let to = at.saturating_add(room.min(64)).min(batch.rows);
            let mut passed = to - at;
            if !self.is_silent() {
                if std::mem::take(&mut self.describes) {
                    out.row_description(&self.columns);
                }
                passed = out.rows_within(batch, at..to, &self.columns, &cx.fx.io, OUTPUT_LIMIT)?;
            }
            self.passed += passed as u64;
            cursor.go_to(next - 1 + passed as i64);
        }
        Ok(())
    }

    fn jump(&mut self, cursor: &mut Cursor, cx: &mut ExecContext, out: &mut Output) -> Flow<()> {
        if self.targets.is_none() {
            cursor.keep(cx, &self.name, cursor.needed(self.direction, self.count))?;
            let (rows, after) = cursor.targets(self.direction, self.count);
            self.targets = Some((rows, 0, after));
            self.describe(out);
        }
        let silent = self.is_silent();
        let Some((rows, sent, after)) = &mut self.targets else { return Ok(()) };
        while let Some(row) = rows.get(*sent).filter(|_| !silent) {
            if is_full(out) {
                return Stop::wait(Wait::Output);
            }
            if let Some((batch, at)) = cursor.find(*row)? {
                out.rows(batch, at, at + 1, &self.columns, &cx.fx.io)?;
            }
            *sent += 1;
        }
        self.passed = rows.len() as u64;
        cursor.go_to(*after);
        Ok(())
    }

    fn read(&mut self, cursor: &mut Cursor, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        if self.goal.is_none() && self.targets.is_none() {
            cursor.may_go_back(self.direction, self.count)?;
        }
        match self.direction {
            FetchDirection::Forward if self.count > 0 => self.onwards(cursor, cx, out)?,
            _ => self.jump(cursor, cx, out)?,
        }
        self.describe(out);
        Ok(match self.reader {
            Reader::Fetch => Done::Complete(format!("FETCH {}", self.passed)),
            Reader::Move => Done::Complete(format!("MOVE {}", self.passed)),
            Reader::Execute(_) if self.passed == self.count as u64 => Done::Suspended,
            Reader::Execute(tag) => Done::Complete(complete(tag, self.passed)),
        })
    }
}

impl Work for Reading {
    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        let found = cx.routines.cursors.remove_entry(&self.name);
        let (name, mut cursor) = found.ok_or_else(|| missing(&self.name))?;
        let done = self.read(&mut cursor, cx, out);
        cx.routines.cursors.insert(name, cursor);
        done
    }
}

/// Computes all rows of the cursors that are to outlive their transaction.
struct Holding {
    names: Vec<String>,
}

impl Work for Holding {
    fn step(&mut self, cx: &mut ExecContext, _: &mut Output) -> Flow<Done> {
        while let Some(name) = self.names.last() {
            if let Some((name, mut cursor)) = cx.routines.cursors.remove_entry(name) {
                let done = cursor.keep(cx, &name, i64::MAX);
                cursor.held = done.is_ok();
                cx.routines.cursors.insert(name, cursor);
                done?;
            }
            self.names.pop();
        }
        Ok(Done::Complete(String::new()))
    }
}

impl Session {
    /// DECLARE CURSOR.
    pub(super) async fn declare(
        &mut self,
        client: &mut Client,
        outer: &Statement,
        stmt: &DeclareCursorStmt,
        params: Arc<[Value]>,
    ) -> Result<String> {
        if !stmt.hold {
            self.block.require("DECLARE CURSOR")?;
        }
        if self.has_portal(&stmt.name) {
            return Err(duplicate(&stmt.name));
        }
        if self.cx().routines.cursors.len() % 16 == 15 {
            claim(0, "PortalContext")?;
        }
        let select = Stmt::Select(Box::new(stmt.query.clone()));
        let source = outer.source.clone();
        let raw = RawStmt { stmt: select, start: 0, len: source.len() as u32 };
        let statement = Arc::new(Statement::immediate(source.clone(), raw, outer.known_param_types()));
        let own = match params.is_empty() {
            true => None,
            false => Some(statement.plan_with(self.cx(), &params)?),
        };
        if own.is_none() {
            statement.plan(self.cx())?;
        }
        check_declaration(stmt)?;
        let run = self.begin_run(client, &statement, params, own).await?;
        let facts = CursorFacts {
            statement: source,
            scroll: stmt.scroll.unwrap_or_else(|| reads_backward(&run.plan)),
            hold: stmt.hold,
            binary: stmt.binary,
            created_us: self.statement_us(),
        };
        let depth = self.backend().txn.depth();
        self.cx().routines.cursors.insert(stmt.name.clone(), Cursor::new(run, facts, depth));
        Ok("DECLARE CURSOR".into())
    }

    /// A query with its locks and its snapshot.
    async fn begin_run(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        params: Arc<[Value]>,
        mut own: Option<Cached>,
    ) -> Result<Box<QueryRun>> {
        loop {
            let plan = self.lock_and_plan(client, statement, &mut own, &params).await?;
            let mut run = Box::new(QueryRun::new(plan, params.clone(), None).for_cursor());
            loop {
                match run.begin(self.cx()) {
                    Ok(true) => return Ok(run),
                    Ok(false) => break,
                    Err(Stop::Wait(what)) => self.wait_here(client, &what).await?,
                    Err(stop) => return Err(stop.into_error()),
                }
            }
        }
    }

    /// When the running statement began, as microseconds since 1970.
    pub(super) fn statement_us(&mut self) -> i64 {
        self.cx().fx.statement_us + crate::base::clock::POSTGRES_EPOCH_US
    }

    pub(super) fn has_portal(&mut self, name: &str) -> bool {
        self.portals.contains(name) || self.cx().routines.cursors.contains_key(name)
    }

    pub(super) fn drop_portal(&mut self, name: &str) -> bool {
        let bound = self.portals.remove(name).is_some();
        self.cx().routines.cursors.remove(name).is_some() || bound
    }

    /// Makes a bound statement the cursor of its name, so that it can be read in pieces.
    pub(super) async fn open_portal(&mut self, client: &mut Client, name: &str) -> Result<()> {
        let Some(portal) = self.portals.get(name).filter(|p| !p.is_cursor) else { return Ok(()) };
        let (statement, params, created_us) = (portal.statement.clone(), portal.params.clone(), portal.created_us);
        let (own, finished) = (portal.own.clone(), portal.finished);
        if !statement.stmt.as_deref().is_some_and(Stmt::is_optimizable) {
            return Err(Error::unsupported("FETCH from a portal of a statement that is no query is not supported"));
        }
        let run = match finished {
            true => Box::new(QueryRun::new(statement.plan(self.cx())?, params, None)),
            false => self.begin_run(client, &statement, params, own).await?,
        };
        let text = statement.source.clone();
        let facts = CursorFacts { statement: text, scroll: false, hold: false, binary: false, created_us };
        let depth = self.backend().txn.depth();
        let mut cursor = Cursor::new(run, facts, depth);
        if finished {
            cursor.end();
        }
        self.cx().routines.cursors.insert(name.to_string(), cursor);
        if let Some(portal) = self.portals.get_mut(name) {
            portal.is_cursor = true;
        }
        Ok(())
    }

    /// The columns a cursor's rows have; `formats` are those the client asked for, if it did.
    pub(super) fn cursor_columns(&mut self, name: &str, formats: Option<&[Format]>) -> Result<Vec<RowColumn>> {
        let binary = [Format::Binary];
        if let Some(cursor) = self.cx().routines.cursors.get(name) {
            let own: &[Format] = if cursor.facts.binary { &binary } else { &[] };
            return Ok(row_columns(cursor.plan(), formats.unwrap_or(own)));
        }
        let statement = self.portals.get(name).map(|p| p.statement.clone()).ok_or_else(|| missing(name))?;
        Ok(self.result_columns(&statement, formats.unwrap_or_default())?.unwrap_or_default())
    }

    /// FETCH and MOVE.
    pub(super) async fn fetch(
        &mut self,
        client: &mut Client,
        stmt: &FetchStmt,
        formats: Option<&[Format]>,
    ) -> Result<String> {
        self.open_portal(client, &stmt.cursor).await?;
        let columns = self.cursor_columns(&stmt.cursor, formats)?;
        let reader = if stmt.is_move { Reader::Move } else { Reader::Fetch };
        let mut reading = Reading::new(&stmt.cursor, reader, stmt.direction, stmt.count, columns);
        // The extended protocol has asked before.
        reading.describes = formats.is_none() && !stmt.is_move;
        Ok(super::simple::tag_of(self.drive(client, Box::new(reading)).await.0?))
    }

    /// Execute of a portal that is a cursor.
    pub(super) async fn execute_cursor(
        &mut self,
        client: &mut Client,
        name: &str,
        tag: &'static str,
        max_rows: u32,
        formats: Option<&[Format]>,
    ) -> Result<Done> {
        let columns = self.cursor_columns(name, formats)?;
        let count = if max_rows == 0 { FETCH_ALL } else { max_rows.into() };
        let reading = Reading::new(name, Reader::Execute(tag), FetchDirection::Forward, count, columns);
        self.drive(client, Box::new(reading)).await.0
    }

    /// Before a commit: WITH HOLD cursors compute and keep all their rows.
    pub(super) async fn hold_cursors(&mut self, client: &mut Client) -> Result<()> {
        let cursors = self.cx().routines.cursors.iter();
        let names: Vec<String> = cursors.filter(|(_, c)| c.facts.hold && !c.held).map(|(n, _)| n.clone()).collect();
        if !names.is_empty() {
            self.drive(client, Box::new(Holding { names })).await.0?;
        }
        Ok(())
    }

    /// CLOSE.
    pub(super) fn close_cursor(&mut self, name: Option<&str>) -> Result<String> {
        match name {
            None => {
                self.portals.clear();
                self.cx().routines.cursors.clear();
                Ok("CLOSE CURSOR ALL".into())
            }
            Some(name) if self.drop_portal(name) => Ok("CLOSE CURSOR".into()),
            Some(name) => Err(missing(name)),
        }
    }
}
