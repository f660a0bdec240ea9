//! SQL cursors: DECLARE, FETCH, MOVE, CLOSE.
//!
//! A cursor's rows are computed as they are asked for and kept, so that it can move both ways; what is kept honours no
//! limit yet.

use super::client::Client;
use super::portal::Portal;
use super::state::Session;
use super::statement::{Statement, row_columns};
use crate::base::{Error, Flow, Result, SqlState, Stop};
use crate::err;
use crate::sql::ast::{DeclareCursorStmt, FETCH_ALL, FetchDirection, FetchStmt, RawStmt, Stmt};
use crate::sql::exec::{self, ExecContext, Node};
use crate::sql::plan::PlannedStatement;
use crate::sql::plpgsql;
use crate::types::{Batch, TypeRef};
use crate::wire::{Format, Output, RowColumn};
use std::sync::Arc;

/// A declared cursor.
pub struct Cursor {
    pub columns: Vec<RowColumn>,
    plan: Arc<PlannedStatement>,
    /// None when all rows are kept.
    node: Option<Box<dyn Node>>,
    batches: Vec<Batch>,
    kept: i64,
    /// 0: before the first row; `kept + 1` after the last.
    position: i64,
    scroll: Option<bool>,
    pub hold: bool,
    held: bool,
}

impl Cursor {
    pub fn is_held(&self) -> bool {
        self.held
    }

    /// Computes rows until `upto` of them are kept, or all.
    fn keep(&mut self, cx: &mut ExecContext, upto: i64) -> Flow<()> {
        while self.kept < upto {
            let Some(node) = &mut self.node else { return Ok(()) };
            match node.next(cx)? {
                Some(batch) => {
                    self.kept += batch.rows as i64;
                    self.batches.push(batch);
                }
                None => self.node = None,
            }
        }
        Ok(())
    }

    fn send(&self, row: i64, out: &mut Output, io: &crate::types::IoContext) -> Result<()> {
        let mut n = row - 1;
        for batch in &self.batches {
            if n < batch.rows as i64 {
                return out.rows(batch, n as usize, n as usize + 1, &self.columns, io);
            }
            n -= batch.rows as i64;
        }
        Ok(())
    }
}

/// Which rows a FETCH touches, given how many there are: their numbers in order, and the position afterwards.
fn targets(position: i64, rows: i64, direction: FetchDirection, count: i64) -> (Vec<i64>, i64) {
    let clamp = |p: i64| p.clamp(0, rows + 1);
    let one = |p: i64| (if (1..=rows).contains(&p) { vec![p] } else { vec![] }, clamp(p));
    match direction {
        FetchDirection::Absolute if count < 0 => one(rows + 1 + count),
        FetchDirection::Absolute => one(count),
        FetchDirection::Relative => one(clamp(position.saturating_add(count))),
        FetchDirection::Forward | FetchDirection::Backward => {
            let backward = (direction == FetchDirection::Backward) != (count < 0);
            let n = if count == FETCH_ALL { i64::MAX } else { count.abs() };
            if n == 0 {
                return one(position);
            }
            if backward {
                let last = (position - n.min(position)).max(0);
                let low = if n >= position { 1 } else { last };
                let found: Vec<i64> = (low..position.min(rows + 1)).rev().collect();
                let after = if n >= position { 0 } else { last };
                return (found, after);
            }
            let high = position.saturating_add(n).min(rows);
            let found: Vec<i64> = (position + 1..=high).collect();
            let after = if position.saturating_add(n) > rows { rows + 1 } else { high };
            (found, after)
        }
    }
}

/// How many rows must be known before the targets can be told.
fn needed(position: i64, direction: FetchDirection, count: i64) -> i64 {
    match direction {
        FetchDirection::Absolute if count < 0 => i64::MAX,
        FetchDirection::Absolute => count,
        FetchDirection::Relative => position.saturating_add(count),
        FetchDirection::Forward if count == FETCH_ALL => i64::MAX,
        FetchDirection::Forward if count >= 0 => position.saturating_add(count),
        FetchDirection::Backward if count < 0 => position.saturating_add(-count),
        _ => position,
    }
}

fn missing(name: &str) -> Error {
    err!(INVALID_CURSOR_NAME, "cursor \"{name}\" does not exist").place("PerformPortalFetch", "portalcmds.c", 195)
}

impl Session {
    /// DECLARE CURSOR.
    pub(super) async fn declare(
        &mut self,
        client: &mut Client,
        source: &Arc<str>,
        stmt: &DeclareCursorStmt,
    ) -> Result<String> {
        if !stmt.hold {
            self.block.require("DECLARE CURSOR")?;
        }
        if self.portals.contains_key(&stmt.name) {
            return Err(err!(DUPLICATE_CURSOR, "cursor \"{}\" already exists", stmt.name));
        }
        let select = Stmt::Select(Box::new(stmt.query.clone()));
        let raw = RawStmt { stmt: select, start: 0, len: source.len() as u32 };
        let statement = Arc::new(Statement::new("", source.clone(), Some(raw), Vec::new()));
        let plan = self.lock_and_plan(client, &statement).await?;
        let cx = self.cx();
        cx.params = Arc::from([]);
        let node = exec::start(&plan, cx)?;
        let formats = if stmt.binary { vec![Format::Binary] } else { vec![] };
        let cursor = Cursor {
            columns: row_columns(&plan, &formats),
            plan,
            node: Some(node),
            batches: Vec::new(),
            kept: 0,
            position: 0,
            scroll: stmt.scroll,
            hold: stmt.hold,
            held: false,
        };
        let mut portal = Portal::new(statement, Arc::from([]), formats);
        portal.cursor = Some(cursor);
        self.portals.insert(stmt.name.clone(), portal);
        Ok("DECLARE CURSOR".into())
    }

    /// The columns a FETCH answers with.
    pub(super) fn fetch_columns(&mut self, stmt: &FetchStmt) -> Result<Vec<RowColumn>> {
        if self.is_of_routine(&stmt.cursor) {
            let found = self.cx().routines.cursors.get(&stmt.cursor).map(plpgsql::Cursor::shape);
            let shape = found.ok_or_else(|| missing(&stmt.cursor))?;
            let column = |(name, ty): (&String, &TypeRef)| RowColumn {
                name: name.clone(),
                table: 0,
                attno: 0,
                ty: crate::types::domain_base(*ty),
                format: Format::Text,
            };
            return Ok(shape.names.iter().zip(&shape.types).map(column).collect());
        }
        let portal = self.portals.get(&stmt.cursor).ok_or_else(|| missing(&stmt.cursor))?;
        Ok(portal.cursor.as_ref().map(|c| c.columns.clone()).unwrap_or_default())
    }

    /// FETCH and MOVE. The RowDescription is the caller's.
    pub(super) async fn fetch(&mut self, client: &mut Client, stmt: &FetchStmt) -> Result<String> {
        if self.is_of_routine(&stmt.cursor) {
            return self.fetch_of_routine(client, stmt).await;
        }
        let portal = self.portals.get_mut(&stmt.cursor).ok_or_else(|| missing(&stmt.cursor))?;
        let mut cursor = portal.cursor.take().ok_or_else(|| missing(&stmt.cursor))?;
        let done = self.fetch_from(client, &mut cursor, stmt).await;
        if let Some(portal) = self.portals.get_mut(&stmt.cursor) {
            portal.cursor = Some(cursor);
        }
        done
    }

    async fn fetch_from(&mut self, client: &mut Client, cursor: &mut Cursor, stmt: &FetchStmt) -> Result<String> {
        let backward = match stmt.direction {
            FetchDirection::Backward => stmt.count > 0,
            FetchDirection::Forward => stmt.count < 0,
            FetchDirection::Absolute => stmt.count <= cursor.position,
            FetchDirection::Relative => stmt.count < 0,
        };
        if backward && cursor.scroll == Some(false) {
            return Err(Error::new(SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE, "cursor can only scan forward")
                .hint("Declare it with SCROLL option to enable backward scan."));
        }
        let wanted = needed(cursor.position, stmt.direction, stmt.count);
        self.keep_rows(client, cursor, wanted).await?;
        let (rows, position) = targets(cursor.position, cursor.kept, stmt.direction, stmt.count);
        if !stmt.is_move {
            for row in &rows {
                cursor.send(*row, &mut client.out, &self.cx().fx.io)?;
                if super::job::is_full(&client.out) {
                    client.flush().await?;
                }
            }
        }
        cursor.position = position;
        let word = if stmt.is_move { "MOVE" } else { "FETCH" };
        Ok(format!("{word} {}", rows.len()))
    }

    /// A cursor that a routine opened.
    fn is_of_routine(&mut self, name: &str) -> bool {
        !self.portals.contains_key(name) && self.cx().routines.cursors.contains_key(name)
    }

    async fn fetch_of_routine(&mut self, client: &mut Client, stmt: &FetchStmt) -> Result<String> {
        let columns = self.fetch_columns(stmt)?;
        let found = self.cx().routines.cursors.remove(&stmt.cursor);
        let mut cursor = found.ok_or_else(|| missing(&stmt.cursor))?;
        let done = self.fetch_from_routine(client, &mut cursor, stmt, &columns).await;
        self.cx().routines.cursors.insert(stmt.cursor.clone(), cursor);
        done
    }

    async fn fetch_from_routine(
        &mut self,
        client: &mut Client,
        cursor: &mut plpgsql::Cursor,
        stmt: &FetchStmt,
        columns: &[RowColumn],
    ) -> Result<String> {
        cursor.may_go_back(stmt.direction, stmt.count)?;
        let wanted = needed(cursor.position, stmt.direction, stmt.count);
        loop {
            self.cx().budget.deadline = None;
            match cursor.keep(self.cx(), wanted) {
                Ok(()) => break,
                Err(Stop::Error(e)) => return Err(e),
                Err(Stop::Yield) => {}
                Err(Stop::Wait(what)) => self.wait_here(client, &what).await?,
            }
        }
        let (rows, position) = targets(cursor.position, cursor.kept, stmt.direction, stmt.count);
        for row in rows.iter().filter(|_| !stmt.is_move) {
            let Some(batch) = cursor.row(*row) else { continue };
            client.out.rows(&batch, 0, 1, columns, &self.cx().fx.io)?;
            if super::job::is_full(&client.out) {
                client.flush().await?;
            }
        }
        cursor.position = position;
        let word = if stmt.is_move { "MOVE" } else { "FETCH" };
        Ok(format!("{word} {}", rows.len()))
    }

    async fn keep_rows(&mut self, client: &mut Client, cursor: &mut Cursor, wanted: i64) -> Result<()> {
        loop {
            self.cx().budget.deadline = None;
            match cursor.keep(self.cx(), wanted) {
                Ok(()) => return Ok(()),
                Err(Stop::Error(e)) => return Err(e),
                Err(Stop::Yield) => {}
                Err(Stop::Wait(what)) => self.wait_here(client, &what).await?,
            }
        }
    }

    /// Before a commit: WITH HOLD cursors compute and keep all their rows.
    pub(super) async fn hold_cursors(&mut self, client: &mut Client) -> Result<()> {
        let names: Vec<String> = self
            .portals
            .iter()
            .filter(|(_, p)| p.cursor.as_ref().is_some_and(|c| c.hold && !c.held))
            .map(|(n, _)| n.clone())
            .collect();
        for name in names {
            let Some(mut cursor) = self.portals.get_mut(&name).and_then(|p| p.cursor.take()) else { continue };
            let done = self.keep_rows(client, &mut cursor, i64::MAX).await;
            cursor.held = done.is_ok();
            cursor.node = None;
            let _ = &cursor.plan;
            if let Some(portal) = self.portals.get_mut(&name) {
                portal.cursor = Some(cursor);
            }
            done?;
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
            Some(name) => match self.portals.remove(name) {
                Some(_) => Ok("CLOSE CURSOR".into()),
                None if self.cx().routines.cursors.remove(name).is_some() => Ok("CLOSE CURSOR".into()),
                None => Err(missing(name)),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use FetchDirection::*;

    /// Positions before, on and after the rows, both ways.
    #[test]
    fn where_a_fetch_goes() {
        assert_eq!(targets(0, 3, Forward, 2), (vec![1, 2], 2));
        assert_eq!(targets(2, 3, Forward, 2), (vec![3], 4));
        assert_eq!(targets(4, 3, Forward, 1), (vec![], 4));
        assert_eq!(targets(4, 3, Backward, 2), (vec![3, 2], 2));
        assert_eq!(targets(2, 3, Backward, FETCH_ALL), (vec![1], 0));
        assert_eq!(targets(2, 3, Forward, 0), (vec![2], 2));
        assert_eq!(targets(0, 3, Absolute, -1), (vec![3], 3));
        assert_eq!(targets(3, 3, Relative, -2), (vec![1], 1));
        assert_eq!(targets(1, 3, Forward, -1), (vec![], 0));
        assert_eq!(targets(0, 3, Forward, FETCH_ALL), (vec![1, 2, 3], 4));
    }
}
