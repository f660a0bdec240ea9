//! Statements and their durations in the server log.

use super::client::Client;
use super::state::Session;
use super::statement::Statement;
use crate::base::{Error, Report, Severity, SqlState, clock, report};
use crate::settings::{Id, Lookup};
use crate::sql::ast::{Stmt, StmtKind};
use crate::types::{self, TypeRef, Value};
use std::fmt::Write as _;
use std::sync::Arc;

/// What the lines about one message of the client say of it.
pub(super) struct Logged {
    /// `statement: select 1`, `execute <unnamed>: select $1`.
    pub text: String,
    pub detail: Option<String>,
    /// `log_statement` has had it logged already.
    pub done: bool,
}

/// The values of `log_statement`, in their order. PostgreSQL 15, utility.c, GetCommandLogLevel: same classes.
fn level(session: &Session, stmt: &Stmt) -> u8 {
    match stmt {
        Stmt::Prepare(p) => level(session, &p.query),
        Stmt::Execute(e) => match session.executed_last(e).ok().flatten().and_then(|s| s.stmt.clone()).as_deref() {
            // That may be an EXECUTE again, even of itself.
            None | Some(Stmt::Explain(_)) => 3,
            Some(s) => level(session, s),
        },
        Stmt::Explain(e) => match crate::sql::command::analyzes(&e.options) {
            true => level(session, &e.query),
            false => 3,
        },
        Stmt::AlterSystem(_) => 1,
        other => match other.kind() {
            StmtKind::Ddl => 1,
            StmtKind::Modify => 2,
            _ => 3,
        },
    }
}

/// The parameters of a statement, quoted; each value cut after `limit` bytes (-1: whole).
///
/// PostgreSQL 15, params.c, BuildParamLogString: same form.
fn parameters(session: &mut Session, types: &[TypeRef], params: &[Value], limit: i64) -> Option<String> {
    if params.is_empty() || limit == 0 {
        return None;
    }
    let io = &session.cx().fx.io;
    let mut text = String::new();
    for (n, (value, ty)) in params.iter().zip(types).enumerate() {
        let _ = write!(text, "{}${} = ", if n == 0 { "" } else { ", " }, n + 1);
        let mut shown = Vec::new();
        if value.is_null() || types::text_out(*ty, value.datum(), &mut shown, io).is_err() {
            text.push_str("NULL");
            continue;
        }
        let shown = String::from_utf8_lossy(&shown);
        let kept = usize::try_from(limit).map_or(&*shown, |limit| types::text::clip(&shown, limit));
        let rest = if kept.len() < shown.len() { "..." } else { "" };
        let _ = write!(text, "'{}{rest}'", kept.replace('\'', "''"));
    }
    Some(format!("parameters: {text}"))
}

/// A number from 0 to 1 that hangs on another one.
fn chance(of: u64) -> f64 {
    (of.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 11) as f64 / (1u64 << 53) as f64
}

impl Session {
    /// `log_statement` of a Query message. None: nothing of it can be logged later either.
    pub(super) fn log_simple(
        &mut self,
        client: &mut Client,
        source: &Arc<str>,
        statements: &[Arc<Statement>],
    ) -> Option<Logged> {
        let wanted = self.wanted_statements();
        // SET may ask for it with its own duration.
        let may_ask = || statements.iter().any(|s| matches!(s.stmt.as_deref(), Some(Stmt::SetVariable(_))));
        if wanted == 0 && !self.times_statements() && !may_ask() {
            return None;
        }
        let executed = statements.iter().filter_map(|s| match s.stmt.as_deref() {
            Some(Stmt::Execute(e)) => self.statements.get(&e.name).filter(|s| s.from_sql).map(|s| s.source.clone()),
            _ => None,
        });
        let detail = executed.map(|source| format!("prepare: {source}")).next();
        let text = format!("statement: {source}");
        let of_level = |s: &Arc<Statement>| s.stmt.as_deref().is_some_and(|s| level(self, s) <= wanted);
        let done = wanted == 3 || wanted > 0 && statements.iter().any(of_level);
        let logged = Logged { text, detail, done };
        if done {
            self.log_line(client, logged.text.clone(), logged.detail.clone());
        }
        Some(logged)
    }

    /// A message of the extended protocol, if its statement or its duration may be logged; `what`: `bind`, `execute`.
    pub(super) fn logged_message(
        &mut self,
        what: &str,
        portal: &str,
        statement: &Arc<Statement>,
        params: &[Value],
    ) -> Option<Logged> {
        if self.wanted_statements() == 0 && !self.times_statements() {
            return None;
        }
        let name = if statement.name.is_empty() { "<unnamed>" } else { &statement.name };
        let slash = if portal.is_empty() { "" } else { "/" };
        let text = format!("{what} {name}{slash}{portal}: {}", statement.source);
        let limit = self.backend().view.int(Id::LogParameterMaxLength);
        let types = statement.param_types(self.cx()).unwrap_or_default();
        let detail = parameters(self, &types, params, limit);
        Some(Logged { text, detail, done: false })
    }

    /// An error of a portal, with its parameters as far as `log_parameter_max_length_on_error` wants them.
    ///
    /// PostgreSQL 15, params.c, ParamsErrorCallback: same words.
    pub(super) fn with_parameters(&mut self, e: Error, portal: &str) -> Error {
        let limit = self.backend().view.int(Id::LogParameterMaxLengthOnError);
        let Some(bound) = self.portals.get(portal).filter(|p| limit != 0 && !p.params.is_empty()) else { return e };
        let (statement, params) = (bound.statement.clone(), bound.params.clone());
        let types = statement.param_types(self.cx()).unwrap_or_default();
        let Some(text) = parameters(self, &types, &params, limit) else { return e };
        match portal {
            "" => e.context(format!("unnamed portal with {text}")),
            name => e.context(format!("portal \"{name}\" with {text}")),
        }
    }

    /// `log_statement` of an Execute message.
    pub(super) fn log_execute(&mut self, client: &mut Client, stmt: &Stmt, logged: &mut Option<Logged>) {
        let wanted = self.wanted_statements();
        let Some(l) = logged else { return };
        if wanted > 0 && level(self, stmt) <= wanted {
            l.done = true;
            let (text, detail) = (l.text.clone(), l.detail.clone());
            self.log_line(client, text, detail);
        }
    }

    fn wanted_statements(&mut self) -> u8 {
        match self.backend().view.choice(Id::LogStatement) {
            "ddl" => 1,
            "mod" => 2,
            "all" => 3,
            _ => 0,
        }
    }

    fn times_statements(&mut self) -> bool {
        let view = &self.backend().view;
        view.bool(Id::LogDuration)
            || view.int(Id::LogMinDurationStatement) >= 0
            || view.int(Id::LogMinDurationSample) >= 0
            || view.real(Id::LogTransactionSampleRate) > 0.0
    }

    /// Whether chance has chosen the transaction for the log (`log_transaction_sample_rate`): the same for all of its
    /// statements.
    fn is_sampled(&mut self) -> bool {
        let rate = self.backend().view.real(Id::LogTransactionSampleRate);
        let began = (self.cx().fx.io.now_us as u64) ^ (u64::from(self.origin.pid) << 32);
        rate >= 1.0 || rate > 0.0 && chance(began) <= rate
    }

    /// How long what began with the message has taken, if that is to be logged. PostgreSQL 15, postgres.c,
    /// check_log_duration: same rules.
    pub(super) fn log_duration(&mut self, client: &mut Client, logged: Option<Logged>) {
        let Some(logged) = logged else { return };
        if !self.times_statements() {
            return;
        }
        let us = (clock::now_us() - self.statement_us()).max(0);
        let view = &self.backend().view;
        let always = view.bool(Id::LogDuration);
        let exceeds = |limit: i64| limit == 0 || limit > 0 && us / 1000 >= limit;
        let exceeded = exceeds(view.int(Id::LogMinDurationStatement));
        let rate = view.real(Id::LogStatementSampleRate);
        let sampled = exceeds(view.int(Id::LogMinDurationSample))
            && (rate >= 1.0 || rate > 0.0 && chance(us as u64) <= rate)
            || self.is_sampled();
        if !(exceeded || sampled || always) {
            return;
        }
        let duration = format!("duration: {}.{:03} ms", us / 1000, us % 1000);
        match (exceeded || sampled) && !logged.done {
            true => self.log_line(client, format!("{duration}  {}", logged.text), logged.detail),
            false => self.log_line(client, duration, None),
        }
    }

    /// A LOG line that has the statement in it, and not below it.
    fn log_line(&mut self, client: &mut Client, text: String, detail: Option<String>) {
        let mut line = Report::notice(Severity::Log, SqlState::SUCCESSFUL_COMPLETION, text);
        line.detail = detail;
        let origin = report::Origin { statement: None, ..report::Origin::clone(&self.origin) };
        report::log_as(&origin, &line);
        if self.client_wants(&line) {
            client.out.report(&line);
        }
    }
}
