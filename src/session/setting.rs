//! SET, SHOW, RESET, DISCARD, and what follows from a changed setting.

use super::block::Block;
use super::client::Client;
use super::state::Session;
use crate::base::error::Report;
use crate::base::{Result, Severity, SqlState};
use crate::err;
use crate::settings::{Id, Lasting, Lookup, SessionSettings, View, find};
use crate::sql::ast::{DiscardTarget, SetAction, SetVariableStmt, ShowVariableStmt};
use crate::sql::command::{is_list, list_text};
use crate::sql::notify::Action;
use crate::types::{Batch, Column, Datum, Phys, TypeRef, oid};
use crate::wire::{Format, RowColumn};
use std::sync::Arc;

/// Does `client_min_messages` let the client hear of it?
pub(super) fn wanted(view: &View, report: &Report) -> bool {
    let least = match view.choice(Id::ClientMinMessages) {
        "debug5" => Severity::Debug5,
        "debug4" => Severity::Debug4,
        "debug3" => Severity::Debug3,
        "debug2" => Severity::Debug2,
        "debug1" => Severity::Debug1,
        "log" => Severity::Log,
        "warning" => Severity::Warning,
        "error" => Severity::Error,
        _ => Severity::Notice,
    };
    match report.severity {
        Severity::Info => true,
        // To clients LOG ranks below NOTICE; to the log it ranks above ERROR.
        severity => severity >= least,
    }
}

impl Session {
    /// Brings everything that is derived from settings up to date. Cheap when nothing changed.
    pub(super) fn settings_changed(&mut self) {
        // A role that is gone leaves the session as it is.
        let _ = crate::sql::command::follow_settings(self.cx());
        let view = self.settings.lock().view().clone();
        match view.is(&self.backend().view) {
            true => crate::sql::command::apply_role(self.backend()),
            false => self.apply_settings(),
        }
    }

    /// The same in a session that has just begun and followed none yet.
    pub(super) fn first_settings(&mut self) {
        let _ = crate::sql::command::follow_settings(self.cx());
        self.apply_settings();
    }

    fn apply_settings(&mut self) {
        let view = self.settings.lock().view().clone();
        let application = view.str(Id::ApplicationName).to_string();
        if self.origin.application != application {
            Arc::make_mut(&mut self.origin).application = application.clone();
            self.backend().activity.update(|f| f.application = application.into());
        }
        let levels = Some(crate::logger::levels_of(&view));
        if self.origin.levels != levels {
            Arc::make_mut(&mut self.origin).levels = levels;
        }
        if let Some(times) = &mut self.tcp_times {
            times.follow(&view);
        }
        let cx = self.cx();
        super::context::apply(cx, &view);
        let backend = self.backend();
        backend.view = view;
        super::context::apply_search_path(backend);
    }

    pub(super) fn client_wants(&mut self, report: &Report) -> bool {
        wanted(&self.backend().view, report)
    }

    /// SET and RESET. Returns the command tag.
    pub(super) fn set_stmt(&mut self, client: &mut Client, stmt: &SetVariableStmt) -> Result<String> {
        if stmt.local && self.block == Block::None {
            let text = "SET LOCAL can only be used in transaction blocks";
            self.warn(client, SqlState::NO_ACTIVE_SQL_TRANSACTION, text);
        }
        self.forget_queries();
        let lasting = if stmt.local { Lasting::Local } else { Lasting::Session };
        let tag = match &stmt.action {
            SetAction::Value { name, args } => {
                if args.len() > 1 && !is_list(name) {
                    return Err(err!(INVALID_PARAMETER_VALUE, "SET {name} takes only one argument"));
                }
                let texts: Vec<String> = args.iter().map(|a| a.text()).collect();
                let text = if is_list(name) { list_text(name, &texts) } else { texts.concat() };
                if let Some(notice) = name_notice(name, &text) {
                    self.tell(client, notice);
                }
                self.set_one(name, &text, lasting)?;
                "SET"
            }
            SetAction::Default(name) => {
                self.reset_one(name, lasting)?;
                "SET"
            }
            SetAction::Reset(name) => {
                self.reset_one(name, lasting)?;
                "RESET"
            }
            SetAction::ResetAll => {
                self.settings.lock().reset_all();
                "RESET"
            }
            SetAction::FromCurrent(_) => "SET",
            SetAction::Transaction(modes) => {
                if self.block == Block::None {
                    let text = "SET TRANSACTION can only be used in transaction blocks";
                    self.warn(client, SqlState::NO_ACTIVE_SQL_TRANSACTION, text);
                }
                self.set_modes(modes)?;
                "SET"
            }
            SetAction::Characteristics(modes) => {
                use crate::sql::ast::TransactionMode as M;
                for mode in modes {
                    let (name, text) = match mode {
                        M::Isolation(level) => ("default_transaction_isolation", level.as_str()),
                        M::ReadOnly(on) => ("default_transaction_read_only", if *on { "on" } else { "off" }),
                        M::Deferrable(on) => ("default_transaction_deferrable", if *on { "on" } else { "off" }),
                    };
                    self.set_one(name, text, Lasting::Session)?;
                }
                "SET"
            }
            SetAction::Snapshot(name) => {
                if self.block == Block::None {
                    let text = "SET TRANSACTION can only be used in transaction blocks";
                    self.warn(client, SqlState::NO_ACTIVE_SQL_TRANSACTION, text);
                }
                self.backend().txn.import_snapshot(name)?;
                "SET"
            }
        };
        self.settings_changed();
        self.follow_encoding(client);
        Ok(tag.to_string())
    }

    fn set_one(&mut self, name: &str, text: &str, lasting: Lasting) -> Result<()> {
        match name {
            "session_authorization" => {
                return crate::sql::command::set_session_authorization(self.cx(), Some(text), lasting);
            }
            "role" => return crate::sql::command::set_role(self.cx(), text, lasting),
            _ => {}
        }
        if let Some(id @ (Id::TransactionIsolation | Id::TransactionReadOnly | Id::TransactionDeferrable)) = find(name)
        {
            self.apply_transaction_setting(id, text)?;
        }
        crate::sql::command::check_tablespace_setting(&self.backend().catalog.clone(), name, text)?;
        let text = &*crate::sql::text_search::checked_setting(&self.backend().catalog.clone(), name, text)?;
        let privileged = self.backend().user.is_superuser;
        self.settings.lock().set(name, text, lasting, privileged)
    }

    fn reset_one(&mut self, name: &str, lasting: Lasting) -> Result<()> {
        match name {
            "session_authorization" => return crate::sql::command::set_session_authorization(self.cx(), None, lasting),
            "role" => return crate::sql::command::set_role(self.cx(), "none", lasting),
            _ => {}
        }
        let privileged = self.backend().user.is_superuser;
        self.settings.lock().reset(name, lasting, privileged)
    }

    /// The columns SHOW answers with.
    pub(super) fn show_columns(stmt: &ShowVariableStmt, formats: &[Format]) -> Vec<RowColumn> {
        let mut columns = match &stmt.name {
            Some(name) => vec![text_column(&SessionSettings::canonical_name(name))],
            None => ["name", "setting", "description"].map(text_column).into(),
        };
        columns.iter_mut().enumerate().for_each(|(n, c)| c.format = Format::of(formats, n));
        columns
    }

    /// SHOW: the rows, as text.
    pub(super) fn show_rows(&mut self, stmt: &ShowVariableStmt) -> Result<Vec<Vec<String>>> {
        let reads_all = self.backend().user.is_superuser;
        let settings = self.settings.lock();
        match &stmt.name {
            Some(name) => Ok(vec![vec![settings.show_by_name(name, reads_all)?]]),
            None => {
                let mut rows = Vec::new();
                for parameter in crate::settings::PARAMETERS.iter() {
                    if let Ok(value) = settings.show_by_name(parameter.name, reads_all) {
                        rows.push(vec![parameter.name.to_string(), value, parameter.description.to_string()]);
                    }
                }
                Ok(rows)
            }
        }
    }

    /// Simple queries are planned anew: something that their plans may depend on has changed.
    fn forget_queries(&mut self) {
        self.recent.clear();
        self.templates.clear();
    }

    /// DISCARD.
    pub(super) fn discard(&mut self, what: DiscardTarget) -> Result<String> {
        let tag = match what {
            DiscardTarget::All => {
                self.block.prevent("DISCARD ALL")?;
                self.close_cursor(None)?;
                crate::sql::command::set_session_authorization(self.cx(), None, Lasting::Session)?;
                self.settings.lock().reset_all();
                self.statements.clear();
                self.forget_queries();
                let backend = self.backend();
                backend.messages.act(0, Action::Unlisten(None));
                backend.sequences = Default::default();
                let storage = backend.instance.storage.clone();
                storage.locks.release_all_session(&mut backend.txn.held);
                crate::sql::command::discard_temp(self.cx())?;
                "DISCARD ALL"
            }
            DiscardTarget::Plans => {
                self.statements.values().for_each(|s| s.forget_plan());
                self.forget_queries();
                "DISCARD PLANS"
            }
            DiscardTarget::Sequences => {
                self.backend().sequences = Default::default();
                "DISCARD SEQUENCES"
            }
            DiscardTarget::Temp => {
                crate::sql::command::discard_temp(self.cx())?;
                "DISCARD TEMP"
            }
        };
        self.settings_changed();
        Ok(tag.to_string())
    }

    /// Tells the client of reported parameters that changed.
    pub(super) fn report_changes(&mut self, client: &mut Client) {
        for (name, value) in self.settings.lock().take_changed() {
            client.out.parameter_status(name, &value);
        }
        self.follow_encoding(client);
    }

    /// From now on the client's texts are what `client_encoding` says.
    pub fn follow_encoding(&mut self, client: &mut Client) {
        client.out.charset = self.cx().fx.io.charset;
    }
}

pub(super) fn text_column(name: &str) -> RowColumn {
    RowColumn { name: name.to_string(), table: 0, attno: 0, ty: TypeRef::of(oid::TEXT), format: Format::Text }
}

/// Rows of text as a batch.
pub(super) fn text_batch(rows: &[Vec<String>], columns: usize) -> Batch {
    let mut batch = Batch { columns: (0..columns).map(|_| Column::new(Phys::Bytes)).collect(), rows: rows.len() };
    for row in rows {
        for (column, text) in batch.columns.iter_mut().zip(row) {
            column.push(Datum::Bytes(text.as_bytes()));
        }
    }
    batch
}

/// What is told of a value that is cut like a name.
pub(super) fn name_notice(name: &str, text: &str) -> Option<Report> {
    let is_name = find(name).is_some_and(|id| crate::settings::parameter(id).has(crate::settings::flag::IS_NAME));
    if is_name { crate::base::name::notice(text) } else { None }
}
