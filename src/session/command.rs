//! Utility commands as work: `sql::command` does them, EXPLAIN and CREATE TABLE AS among them.

use super::job::{Done, Work};
use super::setting::{text_batch, text_column};
use super::statement::Statement;
use crate::base::Flow;
use crate::sql::ast::Stmt;
use crate::sql::command::{self, Command, Outcome};
use crate::sql::exec::ExecContext;
use crate::sql::plan::PlannedStatement;
use crate::types::Value;
use crate::wire::{Format, Output, RowColumn};
use std::sync::Arc;

/// One execution of a command.
pub struct CommandWork {
    command: Command,
    described: bool,
    formats: Vec<Format>,
}

/// What a command is to do: what was written, or what that stands for.
pub(super) struct Said {
    pub stmt: Arc<Stmt>,
    /// The text its positions are in.
    pub source: Arc<str>,
    pub params: Arc<[Value]>,
    /// EXPLAIN EXECUTE: the plan of what is executed.
    pub plan: Option<Arc<PlannedStatement>>,
}

impl CommandWork {
    pub fn new(statement: &Statement, said: Said, formats: Vec<Format>, described: bool) -> CommandWork {
        let mut command = Command::new(said.source, statement.text.clone(), said.stmt, said.params);
        command.param_types = statement.known_param_types();
        command.executed = said.plan;
        CommandWork { command, described, formats }
    }
}

/// Commands whose work grows with the tables they are about and is done in one go.
fn is_long(stmt: &Stmt) -> bool {
    matches!(
        stmt,
        Stmt::CreateIndex(_)
            | Stmt::AlterTable(_)
            | Stmt::AlterDomain(_)
            | Stmt::Reindex(_)
            | Stmt::Cluster(_)
            | Stmt::Vacuum(_)
            | Stmt::RefreshMatView(_)
            | Stmt::CreateDatabase(_)
    )
}

impl Work for CommandWork {
    fn is_long(&self) -> bool {
        is_long(&self.command.stmt)
    }

    fn step(&mut self, cx: &mut ExecContext, out: &mut Output) -> Flow<Done> {
        if matches!(*self.command.stmt, Stmt::Explain(_) | Stmt::Do(_) | Stmt::Call(_)) {
            cx.backend()?.txn.await_safe_snapshot()?;
        }
        match command::run(&mut self.command, cx)? {
            Outcome::Tag(tag) => Ok(Done::Complete(tag)),
            // CALL with OUT arguments.
            Outcome::Rows { columns, batch, tag } => {
                let columns: Vec<RowColumn> = columns
                    .into_iter()
                    .enumerate()
                    .map(|(n, (name, ty))| RowColumn {
                        name,
                        table: 0,
                        attno: 0,
                        ty,
                        format: Format::of(&self.formats, n),
                    })
                    .collect();
                if self.described {
                    out.row_description(&columns);
                }
                out.rows(&batch, 0, batch.rows, &columns, &cx.fx.io)?;
                Ok(Done::Complete(tag))
            }
            // EXPLAIN: one text column.
            Outcome::Text { column, lines, tag } => {
                let (name, ty) = column;
                let columns = [RowColumn { ty, format: Format::of(&self.formats, 0), ..text_column(&name) }];
                if self.described {
                    out.row_description(&columns);
                }
                let rows: Vec<Vec<String>> = lines.into_iter().map(|l| vec![l]).collect();
                let batch = text_batch(&rows, 1);
                out.rows(&batch, 0, batch.rows, &columns, &cx.fx.io)?;
                Ok(Done::Complete(tag))
            }
        }
    }
}
