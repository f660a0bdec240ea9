//! The extended query protocol: Parse, Bind, Describe, Execute, Close, Sync.

use super::block::Block;
use super::client::Client;
use super::job::{Done, unharmed, unharmed_now};
use super::portal::Portal;
use super::prepare::duplicate;
use super::query::{Destination, QueryWork};
use super::setting::text_column;
use super::state::Session;
use super::statement::Statement;
use crate::base::{Error, Oid, Result, SqlState};
use crate::err;
use crate::sql::ast::Stmt;
use crate::sql::command::cursor::duplicate as duplicate_cursor;
use crate::sql::parse::parse_with;
use crate::types::{self, TypeRef, Value};
use crate::wire::{Bind, Format, Frontend, Parse, RowColumn, Target};
use std::sync::Arc;

/// Columns of text, whose two formats are the same bytes, said to be in the ones asked for.
fn in_formats(mut columns: Vec<RowColumn>, formats: &[Format]) -> Vec<RowColumn> {
    for (n, column) in columns.iter_mut().enumerate() {
        column.format = Format::of(formats, n);
    }
    columns
}

impl Session {
    /// Answers one message of the extended protocol.
    ///
    /// # Errors
    /// FATAL only.
    pub async fn extended(&mut self, client: &mut Client, message: Frontend) -> Result<()> {
        if matches!(message, Frontend::Sync) {
            self.skip_to_sync = false;
            return self.finish_message(client).await;
        }
        if self.skip_to_sync {
            return Ok(());
        }
        if let Frontend::FunctionCall(call) = message {
            return self.function_call(client, call).await;
        }
        let answered = match message {
            Frontend::Execute { portal, max_rows } => {
                unharmed(self.on_execute(client, &portal, max_rows)).await.map_err(|e| self.with_parameters(e, &portal))
            }
            // The others never wait, and are spared the future of a whole statement.
            message => unharmed_now(|| self.on_message(client, message)),
        };
        if let Err(e) = answered {
            self.skip_to_sync = true;
            self.report_error(client, e)?;
        }
        Ok(())
    }

    fn on_message(&mut self, client: &mut Client, message: Frontend) -> Result<()> {
        match message {
            Frontend::Parse(m) => self.on_parse(client, m),
            Frontend::Bind(m) => self.on_bind(client, m),
            Frontend::Describe(target, name) => self.on_describe(client, target, &name),
            Frontend::Close(target, name) => {
                self.on_close(target, &name);
                client.out.close_complete();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Whether a message of this type is skipped, as all are from an error to the next Sync (SES-3).
    pub fn skips(&self, kind: u8) -> bool {
        self.skip_to_sync && !matches!(kind, b'S' | b'X')
    }

    /// A message whose body is not what its type demands: an error like any other, since the next message's beginning
    /// is known (PostgreSQL 15, postgres.c, PostgresMain: same rule).
    ///
    /// # Errors
    /// FATAL only.
    pub async fn malformed(&mut self, client: &mut Client, kind: u8, e: Error) -> Result<()> {
        self.report_error(client, e)?;
        match kind {
            b'P' | b'B' | b'D' | b'E' | b'C' | b'H' => {
                self.skip_to_sync = true;
                Ok(())
            }
            b'S' => {
                self.skip_to_sync = false;
                self.finish_message(client).await
            }
            _ => self.finish_message(client).await,
        }
    }

    /// A pipeline's statements share a transaction up to the Sync, as those of one Query message do.
    fn enter_pipeline(&mut self) {
        self.ensure_transaction();
    }

    fn on_parse(&mut self, client: &mut Client, m: Parse) -> Result<()> {
        let source: Arc<str> = m.query.as_str().into();
        self.begin_statement(&source, "PARSE");
        if !m.name.is_empty() && self.statements.contains_key(&m.name) {
            return Err(duplicate(&m.name));
        }
        let given = m.types.iter().map(|t| given_type(*t)).collect();
        let mut notices = Vec::new();
        let parsed = parse_with(&source, &self.parse_options(), &mut notices);
        notices.into_iter().for_each(|n| self.tell(client, n));
        let mut parsed = parsed?;
        if parsed.len() > 1 {
            return Err(err!(SYNTAX_ERROR, "cannot insert multiple commands into a prepared statement"));
        }
        let statement = Arc::new(Statement::new(&m.name, source, parsed.pop(), given));
        if let Some(stmt) = &statement.stmt {
            if self.block == Block::Failed && !stmt.is_transaction_exit() {
                return Err(Block::aborted_error());
            }
            if stmt.takes_parameters() {
                self.enter_pipeline();
                statement.param_types(self.cx())?;
            }
        }
        let logged = self.logged_message("parse", "", &statement, &[]);
        self.room_for_statement()?;
        self.statements.insert(m.name, statement);
        client.out.parse_complete();
        self.log_duration(client, logged);
        Ok(())
    }

    fn on_bind(&mut self, client: &mut Client, m: Bind) -> Result<()> {
        let statement = self.find_statement(&m.statement)?;
        let source = statement.text.clone();
        self.begin_statement(&source, "BIND");
        if let Some(stmt) = &statement.stmt
            && self.block == Block::Failed
            && !stmt.is_transaction_exit()
        {
            return Err(Block::aborted_error());
        }
        if !m.portal.is_empty() && self.has_portal(&m.portal) {
            return Err(duplicate_cursor(&m.portal));
        }
        let types = statement.param_types(self.cx())?;
        if m.formats.len() > 1 && m.formats.len() != m.parameters.len() {
            return Err(err!(
                PROTOCOL_VIOLATION,
                "bind message has {} parameter formats but {} parameters",
                m.formats.len(),
                m.parameters.len()
            ));
        }
        if types.len() != m.parameters.len() {
            return Err(err!(
                PROTOCOL_VIOLATION,
                "bind message supplies {} parameters, but prepared statement \"{}\" requires {}",
                m.parameters.len(),
                m.statement,
                types.len()
            ));
        }
        self.enter_pipeline();
        let mut params = Vec::with_capacity(types.len());
        for (i, (bytes, ty)) in m.parameters.iter().zip(&types).enumerate() {
            let format = Format::of(&m.formats, i);
            let value = self.parameter(bytes.as_deref(), *ty, format);
            let checked = value.and_then(|v| crate::sql::exec::domain::check_unchecked(self.cx()).map(|()| v));
            let value = checked.map_err(|e| {
                let e = if format == Format::Binary { naming_parameter(e, i) } else { e };
                e.context(parameter_context(&m.portal, i, bytes.as_deref(), format))
            });
            params.push(value?);
        }
        let own = statement.choose(self.cx(), &params)?;
        let logged = self.logged_message("bind", &m.portal, &statement, &params);
        let portal = Portal::new(statement, params.into(), own, m.result_formats, self.statement_us());
        self.drop_portal(&m.portal);
        self.portals.insert(m.portal, portal);
        client.out.bind_complete();
        self.log_duration(client, logged);
        Ok(())
    }

    pub(super) fn parameter(&mut self, bytes: Option<&[u8]>, ty: TypeRef, format: Format) -> Result<Value> {
        let io = &self.cx().fx.io;
        let Some(bytes) = bytes else {
            types::io::null_in(ty.oid, io)?;
            return Ok(Value::Null);
        };
        match format {
            Format::Text => types::text_in(ty, types::text::check(bytes)?, io),
            Format::Binary => types::binary_in(ty, bytes, io),
        }
    }

    fn on_describe(&mut self, client: &mut Client, target: Target, name: &str) -> Result<()> {
        match target {
            Target::Statement => {
                let statement = self.find_statement(name)?;
                self.enter_pipeline();
                let types = statement.param_types(self.cx())?;
                let oids: Vec<u32> = types.iter().map(|t| t.oid.0).collect();
                client.out.parameter_description(&oids);
                self.describe(client, &statement, &[])
            }
            Target::Portal => {
                let Some(portal) = self.portals.get(name) else {
                    let columns = self.cursor_columns(name, None).map_err(|_| no_portal(name))?;
                    client.out.row_description(&columns);
                    return Ok(());
                };
                let (statement, formats) = (portal.statement.clone(), portal.formats.clone());
                self.enter_pipeline();
                self.describe(client, &statement, &formats)
            }
        }
    }

    /// RowDescription or NoData.
    fn describe(&mut self, client: &mut Client, statement: &Arc<Statement>, formats: &[Format]) -> Result<()> {
        match self.result_columns(statement, formats)? {
            Some(columns) => client.out.row_description(&columns),
            None => client.out.no_data(),
        }
        Ok(())
    }

    pub(super) fn result_columns(
        &mut self,
        statement: &Arc<Statement>,
        formats: &[Format],
    ) -> Result<Option<Vec<RowColumn>>> {
        let Some(stmt) = statement.stmt.clone() else { return Ok(None) };
        Ok(match &*stmt {
            s if s.is_optimizable() => statement.columns(self.cx(), formats)?,
            Stmt::ShowVariable(s) => Some(Session::show_columns(s, formats)),
            Stmt::Call(s) => {
                let columns =
                    crate::sql::command::call_columns(self.cx(), s, &statement.source, statement.known_param_types())?;
                let column =
                    |(n, (name, ty))| RowColumn { name, table: 0, attno: 0, ty, format: Format::of(formats, n) };
                let columns: Vec<RowColumn> = columns.into_iter().enumerate().map(column).collect();
                (!columns.is_empty()).then_some(columns)
            }
            Stmt::Explain(s) => {
                let (name, ty) = crate::sql::command::explained_as(s);
                Some(in_formats(vec![RowColumn { ty, ..text_column(&name) }], formats))
            }
            Stmt::Fetch(s) if !s.is_move => Some(self.cursor_columns(&s.cursor, Some(formats))?),
            Stmt::Execute(s) => {
                let Some(last) = self.executed_last(s)? else { return Ok(None) };
                return self.result_columns(&last, formats);
            }
            _ => None,
        })
    }

    async fn on_execute(&mut self, client: &mut Client, name: &str, max_rows: u32) -> Result<()> {
        if self.block == Block::Failed && self.portals.has_failed(name) {
            return Err(Block::aborted_error());
        }
        let Some(portal) = self.portals.get(name) else { return self.execute_declared(client, name, max_rows).await };
        let (statement, params, formats) = (portal.statement.clone(), portal.params.clone(), portal.formats.clone());
        let own = portal.own.clone();
        let (finished, is_cursor) = (portal.finished, portal.is_cursor);
        // PostgreSQL calls what goes on with a portal a fetch.
        let what = if finished || is_cursor { "execute fetch from" } else { "execute" };
        let Some(stmt) = statement.stmt.clone() else {
            client.out.empty_query();
            return Ok(());
        };
        let text = statement.text.clone();
        self.begin_statement(&text, stmt.tag());
        let mut logged = self.logged_message(what, name, &statement, &params);
        self.log_execute(client, &stmt, &mut logged);
        if self.block == Block::Failed && !stmt.is_transaction_exit() {
            return Err(Block::aborted_error());
        }
        if !stmt.is_optimizable() {
            if self.block == Block::None && !matches!(&*stmt, Stmt::Transaction(_)) {
                self.enter_pipeline();
            }
            let tag = self.run_statement(client, &statement, params, None, &formats, Destination::Plain).await?;
            let backend = self.backend();
            backend.in_pipeline = !matches!(&*stmt, Stmt::Transaction(_));
            if std::mem::take(&mut backend.commits_at_once) && self.block == Block::None {
                // PostgreSQL 15, postgres.c, exec_execute_message: what must not be rolled back later is committed now.
                self.commit_implicit(client).await?;
                // Those that commit by themselves on the way leave another transaction behind there.
                self.backend().in_pipeline =
                    matches!(&*stmt, Stmt::Vacuum(_) | Stmt::Cluster(_) | Stmt::CreateIndex(_));
            }
            client.out.command_complete(&tag);
            self.log_duration(client, logged);
            return Ok(());
        }
        self.enter_pipeline();
        if finished {
            client.out.command_complete(&super::query::complete(stmt.tag(), 0));
            self.log_duration(client, logged);
            return Ok(());
        }
        let in_pieces = is_cursor || max_rows > 0 && statement.returns_rows(self.cx())?;
        let done = if in_pieces {
            self.open_portal(client, name).await?;
            self.execute_cursor(client, name, stmt.tag(), max_rows, Some(&formats)).await?
        } else {
            let work = Box::new(QueryWork::new(statement, params, own, formats, Destination::Plain));
            let done = self.drive(client, work).await.0?;
            if let Some(portal) = self.portals.get_mut(name) {
                portal.finished = true;
            }
            done
        };
        self.executed(client, done);
        self.log_duration(client, logged);
        Ok(())
    }

    /// Execute of a cursor that DECLARE or a routine has opened.
    async fn execute_declared(&mut self, client: &mut Client, name: &str, max_rows: u32) -> Result<()> {
        let found = self.cx().routines.cursors.get(name).map(|c| (c.facts.statement.clone(), c.plan().tag));
        let (text, tag) = found.ok_or_else(|| no_portal(name))?;
        self.begin_statement(&text, tag);
        if self.block == Block::Failed {
            return Err(Block::aborted_error());
        }
        self.enter_pipeline();
        let done = self.execute_cursor(client, name, tag, max_rows, None).await?;
        self.executed(client, done);
        Ok(())
    }

    fn executed(&mut self, client: &mut Client, done: Done) {
        match done {
            Done::Complete(tag) => {
                self.backend().txn.next_command();
                self.backend().in_pipeline = true;
                client.out.command_complete(&tag);
            }
            Done::Suspended => client.out.portal_suspended(),
        }
    }

    fn on_close(&mut self, target: Target, name: &str) {
        match target {
            Target::Statement => {
                self.statements.remove(name);
            }
            Target::Portal => {
                self.drop_portal(name);
            }
        }
    }
}

/// Which parameter could not be read; its text is not shown. PostgreSQL 15, params.c, ParamsErrorCallback.
/// Bytes that a value's binary form leaves over are told of with the parameter's number.
///
/// PostgreSQL 15, postgres.c, exec_bind_message: same text.
fn naming_parameter(mut e: Error, n: usize) -> Error {
    if e.sqlstate() == SqlState::INVALID_BINARY_REPRESENTATION && e.message() == "incorrect binary data format" {
        e.0.message.push_str(&format!(" in bind parameter {}", n + 1));
    }
    e
}

/// The value is hinted at where it is text.
fn parameter_context(portal: &str, n: usize, bytes: Option<&[u8]>, format: Format) -> String {
    let is_text = format == Format::Text && bytes.is_none_or(|b| types::text::check(b).is_ok());
    let value = if is_text { " = '...'" } else { "" };
    match portal {
        "" => format!("unnamed portal parameter ${}{value}", n + 1),
        name => format!("portal \"{name}\" parameter ${}{value}", n + 1),
    }
}

fn no_portal(name: &str) -> Error {
    Error::new(SqlState::INVALID_CURSOR_NAME, format!("portal \"{name}\" does not exist"))
}

/// 0 and `unknown` mean: infer it.
fn given_type(oid: u32) -> TypeRef {
    match oid {
        0 => crate::sql::bind::UNKNOWN_PARAM,
        oid => TypeRef::of(Oid(oid)),
    }
}
