//! The simple query protocol: a string of statements, one answer each, one ReadyForQuery.

use super::block::Block;
use super::client::Client;
use super::command::{CommandWork, Said};
use super::job::{Done, unharmed};
use super::query::{Destination, QueryWork};
use super::setting::text_batch;
use super::state::Session;
use super::statement::{Cached, Statement};
use crate::base::{Error, Result, Severity, SqlState, Stop, Wait};
use crate::settings::{Id, Lookup};
use crate::sql::ast::Stmt;
use crate::sql::parse::{ParseOptions, parse_with};
use crate::sql::plan::PlannedStatement;
use crate::sql::track::Account;
use crate::wire::RowColumn;
use std::sync::Arc;
use std::sync::atomic::Ordering;

impl Session {
    /// Answers a Query message, ReadyForQuery included.
    ///
    /// # Errors
    /// FATAL only: the connection ends with it.
    pub async fn simple_query(&mut self, client: &mut Client, text: &str) -> Result<()> {
        let source: Arc<str> = text.into();
        self.drop_portal("");
        self.statements.remove("");
        self.begin_statement(&source, "");
        if let Err(e) = unharmed(self.simple_statements(client, &source)).await {
            self.report_error(client, e)?;
        }
        self.finish_message(client).await
    }

    /// What ends a Query message or a Sync: the implicit transaction, news for the client, ReadyForQuery.
    pub(super) async fn finish_message(&mut self, client: &mut Client) -> Result<()> {
        if !self.block.is_explicit() {
            self.block = Block::None;
            if let Err(e) = self.commit_implicit(client).await {
                self.report_error(client, e)?;
            }
        }
        let backend = self.backend();
        (backend.in_pipeline, backend.commits_at_once) = (false, false);
        self.end_statement();
        self.report_changes(client);
        if self.block == Block::None {
            self.deliver_notifications(client);
        }
        client.out.ready(self.block.status());
        Ok(())
    }

    async fn simple_statements(&mut self, client: &mut Client, source: &Arc<str>) -> Result<()> {
        let (statements, params) = match self.template(source) {
            Some(filled) => filled,
            None => (self.parse(client, source)?, Arc::from([])),
        };
        if statements.is_empty() {
            client.out.empty_query();
            return Ok(());
        }
        let logged = self.log_simple(client, source, &statements);
        let several = statements.len() > 1;
        for (i, statement) in statements.iter().enumerate() {
            if several {
                if self.block == Block::None {
                    self.block = Block::Implicit;
                }
                self.restart_timeout();
                self.backend().txn.running().query_id.store(0, Ordering::Relaxed);
            }
            if let Some(stmt) = &statement.stmt {
                self.note_tag(stmt.tag());
            }
            let tag = self.run_statement(client, statement, params.clone(), None, &[], Destination::Described).await?;
            let last = i + 1 == statements.len();
            if last && self.block == Block::Implicit {
                self.block = Block::None;
            }
            if self.block == Block::None {
                self.commit_implicit(client).await?;
            }
            client.out.command_complete(&tag);
        }
        self.log_duration(client, logged);
        Ok(())
    }

    /// How the session's settings have texts read.
    pub(super) fn parse_options(&mut self) -> ParseOptions {
        let view = &self.backend().view;
        ParseOptions {
            standard_conforming_strings: view.bool(Id::StandardConformingStrings),
            escape_string_warning: view.bool(Id::EscapeStringWarning),
            // Unsafe only where a byte of a character can look like a backslash, which in UTF-8 none does.
            backslash_quote: view.choice(Id::BackslashQuote) != "off",
        }
    }

    /// Parses a query string, or finds it among those run lately.
    pub(super) fn parse(&mut self, client: &mut Client, source: &Arc<str>) -> Result<Arc<Vec<Arc<Statement>>>> {
        let options = self.parse_options();
        if options.standard_conforming_strings
            && let Some(known) = self.recent.get(source)
        {
            return Ok(known);
        }
        let mut notices = Vec::new();
        let parsed = parse_with(source, &options, &mut notices);
        for notice in notices {
            self.tell(client, notice);
        }
        let statements: Vec<_> =
            parsed?.into_iter().map(|raw| Arc::new(Statement::immediate(source.clone(), raw, Vec::new()))).collect();
        let statements = Arc::new(statements);
        if options.standard_conforming_strings {
            self.recent.put(source.clone(), statements.clone());
        }
        Ok(statements)
    }

    /// Commits what ran outside a block.
    pub(super) async fn commit_implicit(&mut self, client: &mut Client) -> Result<()> {
        if self.backend().txn.is_active() {
            self.run_deferred(client).await?;
            self.hold_cursors(client).await?;
            self.commit().await?;
        }
        Ok(())
    }

    /// Runs one statement of any kind, rows to the client. Returns its command tag.
    pub(super) async fn run_statement(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        params: Arc<[crate::types::Value]>,
        own: Option<Cached>,
        formats: &[crate::wire::Format],
        destination: Destination,
    ) -> Result<String> {
        let Some(stmt) = statement.stmt.clone() else { return Ok(String::new()) };
        if self.block == Block::Failed && !stmt.is_transaction_exit() {
            return Err(Block::aborted_error());
        }
        if stmt.is_optimizable() {
            self.ensure_transaction();
            let work = QueryWork::new(statement.clone(), params, own, formats.to_vec(), destination);
            let done = self.drive(client, Box::new(work)).await.0?;
            self.backend().txn.next_command();
            return Ok(tag_of(done));
        }
        self.utility(client, statement, &stmt, params, formats, destination).await
    }

    /// A statement that is no query. Its cost is counted, but that of EXECUTE and the like is of what they are about.
    async fn utility(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        stmt: &Arc<Stmt>,
        params: Arc<[crate::types::Value]>,
        formats: &[crate::wire::Format],
        destination: Destination,
    ) -> Result<String> {
        if matches!(**stmt, Stmt::Prepare(_) | Stmt::Execute(_) | Stmt::Deallocate(_)) {
            return self.command(client, statement, stmt, params, formats, destination).await;
        }
        let account = Account::of_command(self.cx(), &statement.text);
        self.cx().meter.level += 1;
        let done = self.command(client, statement, stmt, params, formats, destination).await;
        self.cx().meter.level = self.cx().meter.level.saturating_sub(1);
        if let (Ok(tag), Some(mut account)) = (&done, account) {
            account.pause(self.cx(), counted_rows(tag));
        }
        done
    }

    /// Statements that are not queries: the session's own, or the commands'.
    async fn command(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        stmt: &Arc<Stmt>,
        params: Arc<[crate::types::Value]>,
        formats: &[crate::wire::Format],
        destination: Destination,
    ) -> Result<String> {
        if let Stmt::Transaction(t) = &**stmt {
            self.identify_command(statement);
            if matches!(&**t, crate::sql::ast::TransactionStmt::Commit { .. }) {
                if self.block == Block::Explicit
                    && let Err(e) = self.run_deferred(client).await
                {
                    // A COMMIT that fails ends the block, too.
                    self.block = Block::None;
                    return Err(e);
                }
                self.hold_cursors(client).await?;
            }
            return self.transaction_stmt(client, t).await;
        }
        self.identify_command(statement);
        self.ensure_transaction();
        let described = destination == Destination::Described;
        let tag = match &**stmt {
            Stmt::SetVariable(s) => self.set_stmt(client, s)?,
            Stmt::ShowVariable(s) => {
                let rows = self.show_rows(s)?;
                self.send_text(client, &Session::show_columns(s, formats), &rows, described)?;
                "SHOW".into()
            }
            Stmt::Discard(what) => self.discard(*what)?,
            Stmt::Prepare(s) => self.prepare_stmt(statement, s)?,
            Stmt::Execute(s) => self.execute_stmt(client, &statement.source, s, formats, destination).await?,
            Stmt::Deallocate(name) => self.deallocate(name.as_deref())?,
            Stmt::DeclareCursor(s) => self.declare(client, statement, s, params).await?,
            Stmt::Fetch(s) => {
                let formats = (!described).then_some(formats);
                self.fetch(client, s, formats).await?
            }
            Stmt::ClosePortal(name) => self.close_cursor(name.as_deref())?,
            Stmt::Copy(s) => self.copy(client, statement, s).await?,
            Stmt::Listen(_) | Stmt::Unlisten(_) | Stmt::Notify(_) => {
                let tag = crate::sql::command::notify(self.cx(), stmt)?;
                for said in std::mem::take(&mut self.cx().notices) {
                    self.tell(client, said);
                }
                tag
            }
            _ => {
                self.backend().in_block = self.block != Block::None;
                let said = Said { stmt: stmt.clone(), source: statement.source.clone(), params, plan: None };
                let said = self.spelled_out(said)?;
                let work = CommandWork::new(statement, said, formats.to_vec(), described);
                tag_of(self.drive(client, Box::new(work)).await.0?)
            }
        };
        if self.backend().txn.is_active() {
            self.backend().txn.next_command();
        }
        Ok(tag)
    }

    /// A statement that is no query is known by its text. EXECUTE is known by what it executes.
    fn identify_command(&mut self, statement: &Statement) {
        if self.cx().settings.identify_queries && !matches!(statement.stmt.as_deref(), Some(Stmt::Execute(_))) {
            let id = crate::sql::bind::jumble::text_id(statement.text.as_bytes());
            self.backend().txn.running().identify(id);
        }
    }

    /// What log lines call the command that runs.
    fn note_tag(&mut self, tag: &'static str) {
        if self.origin.tag != tag {
            Arc::make_mut(&mut self.origin).tag = tag;
        }
    }

    pub(super) fn send_text(
        &mut self,
        client: &mut Client,
        columns: &[RowColumn],
        rows: &[Vec<String>],
        described: bool,
    ) -> Result<()> {
        if described {
            client.out.row_description(columns);
        }
        let batch = text_batch(rows, columns.len());
        client.out.rows(&batch, 0, batch.rows, columns, &self.cx().fx.io)
    }

    /// Plans a statement and takes its locks, waiting for them.
    pub(super) async fn lock_and_plan(
        &mut self,
        client: &mut Client,
        statement: &Arc<Statement>,
        own: &mut Option<Cached>,
        params: &[crate::types::Value],
    ) -> Result<Arc<PlannedStatement>> {
        while let Err(stop) = self.backend().txn.await_safe_snapshot() {
            match stop {
                Stop::Wait(what) => self.wait_here(client, &what).await?,
                stop => return Err(stop.into_error()),
            }
        }
        loop {
            let plan = statement.plan_for(self.cx(), own, params)?;
            if self.lock_plan(client, &plan).await? {
                // COPY and cursors run their plans from here: the same rights as any query's.
                crate::sql::exec::rights::check(self.cx(), &plan)?;
                return Ok(plan);
            }
        }
    }

    /// False if a relation was changed before its lock was ours.
    async fn lock_plan(&mut self, client: &mut Client, plan: &PlannedStatement) -> Result<bool> {
        for (rel, mode) in &plan.relations {
            loop {
                match self.backend().txn.lock_listed(rel, *mode) {
                    Ok(_) => break,
                    Err(Stop::Wait(what)) => self.wait_here(client, &what).await?,
                    Err(stop) => return Err(stop.into_error()),
                }
            }
            if rel.is_stale() {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Awaits something in the session's own code, not in a job.
    pub(super) async fn wait_here(&mut self, client: &mut Client, what: &Wait) -> Result<()> {
        if matches!(what, Wait::Output) {
            return client.flush().await;
        }
        let limits = self.limits();
        let Some(backend) = self.cx.as_ref().and_then(|cx| cx.backend.as_ref()) else {
            return Err(Error::internal("SES-1"));
        };
        let waiter = super::wait::Waiter { origin: &self.origin, context: None };
        super::wait::wait_for(&self.server, &self.handle, &backend.txn.held, limits, waiter, what).await
    }

    /// Tells client and log of an error, and undoes what must be undone.
    ///
    /// # Errors
    /// The error itself if it is FATAL, untold: whoever ends the connection tells of it. But a client that is gone is only
    /// worth a line while it was waiting for an answer, which nobody knows later.
    pub(super) fn report_error(&mut self, client: &mut Client, mut e: Error) -> Result<()> {
        if e.0.severity == Severity::Error && self.backend().view.bool(Id::ExitOnError) {
            e = e.severity(Severity::Fatal);
        }
        let fatal = e.0.severity >= Severity::Fatal;
        if !fatal || e.sqlstate() == SqlState::CONNECTION_FAILURE {
            let origin = self.origin.clone();
            crate::base::report::log_as(&origin, &e.0);
        }
        if fatal {
            return Err(e);
        }
        client.out.report(&e.0);
        self.fail();
        Ok(())
    }

    /// NotificationResponses for the channels this session listens on.
    pub fn deliver_notifications(&mut self, client: &mut Client) {
        if self.handle.mailbox.lock().notifications.is_empty() {
            return;
        }
        let waiting = std::mem::take(&mut self.handle.mailbox.lock().notifications);
        for (pid, channel, payload) in waiting {
            if self.backend().messages.is_heard(&channel) {
                client.out.notification(pid as i32, &channel, &payload);
            }
        }
    }
}

/// The rows that a command tells of. PostgreSQL 15, pg_stat_statements.c, pgss_ProcessUtility: of these commands.
fn counted_rows(tag: &str) -> u64 {
    match tag.rsplit_once(' ') {
        Some(("COPY" | "FETCH" | "SELECT" | "REFRESH MATERIALIZED VIEW", count)) => count.parse().unwrap_or(0),
        _ => 0,
    }
}

pub(super) fn tag_of(done: Done) -> String {
    match done {
        Done::Complete(tag) => tag,
        Done::Suspended => String::new(),
    }
}
