//! RAISE, ASSERT and GET DIAGNOSTICS.

use super::code::{Diagnostic, Level, Raise, RaiseOption, Target};
use super::frame::{Frame, Goto};
use crate::base::{Error, Flow, Report, Result, Severity, SqlState};
use crate::err;
use crate::sql::exec::ExecContext;
use crate::types::{TypeRef, Value, oid};

impl Frame {
    pub(super) fn raise(&mut self, cx: &mut ExecContext, raise: &Raise) -> Flow<Goto> {
        if raise.again {
            return match self.handled.last() {
                Some(h) => {
                    // It knows where it comes from.
                    self.again = true;
                    Err(h.error.clone().into())
                }
                None => Err(err!(
                    STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                    "RAISE without parameters cannot be used outside an exception handler"
                )
                .into()),
            };
        }
        // All values first: each is computed once.
        for (k, p) in raise.params.iter().enumerate() {
            self.operand(cx, k, *p)?;
        }
        for (k, (_, p)) in raise.options.iter().enumerate() {
            self.operand(cx, raise.params.len() + k, *p)?;
        }
        let report = self.report(cx, raise)?;
        self.values.clear();
        if raise.level == Level::Exception {
            return Err(Error(Box::new(report)).into());
        }
        let mut report = report;
        let context = cx.routines.context();
        report.context = (!context.is_empty()).then_some(context);
        cx.notices.push(report);
        Ok(Goto::Next)
    }

    fn report(&self, cx: &ExecContext, raise: &Raise) -> Result<Report> {
        let severity = match raise.level {
            Level::Debug => Severity::Debug1,
            Level::Log => Severity::Log,
            Level::Info => Severity::Info,
            Level::Notice => Severity::Notice,
            Level::Warning => Severity::Warning,
            Level::Exception => Severity::Error,
        };
        let mut state = raise.condition.as_ref().map(|c| c.1);
        let mut message = match &raise.message {
            Some(format) => Some(self.format_message(cx, format, raise)?),
            None => None,
        };
        let mut blank = Report::notice(severity, SqlState::SUCCESSFUL_COMPLETION, "");
        for (k, (option, _)) in raise.options.iter().enumerate() {
            let value = &self.values[raise.params.len() + k];
            if value.is_null() {
                return Err(err!(NULL_VALUE_NOT_ALLOWED, "RAISE statement option cannot be null"));
            }
            let text = value.datum().str().to_owned();
            let place = match option {
                RaiseOption::Errcode => {
                    if state.is_some() {
                        return Err(given_already("ERRCODE"));
                    }
                    let known = super::condition::code(&text).or(super::condition::named(&text).first().copied());
                    let unknown = || err!(UNDEFINED_OBJECT, "unrecognized exception condition \"{text}\"");
                    state = Some(known.ok_or_else(unknown)?);
                    continue;
                }
                RaiseOption::Message => {
                    if message.is_some() {
                        return Err(given_already("MESSAGE"));
                    }
                    message = Some(text);
                    continue;
                }
                RaiseOption::Detail => (&mut blank.detail, "DETAIL"),
                RaiseOption::Hint => (&mut blank.hint, "HINT"),
                RaiseOption::Column => (&mut blank.column, "COLUMN"),
                RaiseOption::Constraint => (&mut blank.constraint, "CONSTRAINT"),
                RaiseOption::Datatype => (&mut blank.datatype, "DATATYPE"),
                RaiseOption::Table => (&mut blank.table, "TABLE"),
                RaiseOption::Schema => (&mut blank.schema, "SCHEMA"),
            };
            if place.0.is_some() {
                return Err(given_already(place.1));
            }
            *place.0 = Some(text);
        }
        let default = match raise.level {
            Level::Exception => SqlState::RAISE_EXCEPTION,
            Level::Warning => SqlState::WARNING,
            _ => SqlState::SUCCESSFUL_COMPLETION,
        };
        let name = raise.condition.as_ref().map(|c| c.0.clone());
        blank.message = message.or(name).unwrap_or_else(|| state.unwrap_or(default).as_str().to_owned());
        blank.sqlstate = state.unwrap_or(default);
        Ok(blank.with_place("exec_stmt_raise", "pl_exec.c", 3911))
    }

    fn format_message(&self, cx: &ExecContext, format: &str, raise: &Raise) -> Result<String> {
        let mut out = String::with_capacity(format.len());
        let mut next = 0;
        let mut chars = format.chars().peekable();
        while let Some(c) = chars.next() {
            if c != '%' {
                out.push(c);
                continue;
            }
            if chars.next_if_eq(&'%').is_some() {
                out.push('%');
                continue;
            }
            let (Some(value), Some(expr)) = (self.values.get(next), raise.params.get(next)) else {
                return Err(err!(SYNTAX_ERROR, "too few parameters specified for RAISE"));
            };
            next += 1;
            match value {
                Value::Null => out.push_str("<NULL>"),
                v => out.push_str(&self.text(cx, v.datum(), self.type_of(*expr))?),
            }
        }
        Ok(out)
    }

    pub(super) fn assert(&mut self, cx: &mut ExecContext, condition: usize, message: Option<usize>) -> Flow<Goto> {
        let on = cx.fx.session.setting("plpgsql.check_asserts").is_none_or(|s| s != "off");
        if !on {
            return Ok(Goto::Next);
        }
        if let Value::Bool(true) = self.operand(cx, 0, condition)? {
            return Ok(Goto::Next);
        }
        let text = match message {
            Some(m) => match self.operand(cx, 1, m)? {
                Value::Null => None,
                v => Some(v.datum().str().to_owned()),
            },
            None => None,
        };
        Err(Error::new(SqlState::ASSERT_FAILURE, text.unwrap_or_else(|| "assertion failed".into())).into())
    }

    pub(super) fn diagnostics(
        &mut self,
        cx: &mut ExecContext,
        stacked: bool,
        items: &[(Target, Diagnostic)],
    ) -> Flow<Goto> {
        if stacked && self.handled.is_empty() {
            return Err(err!(
                STACKED_DIAGNOSTICS_ACCESSED_WITHOUT_ACTIVE_HANDLER,
                "GET STACKED DIAGNOSTICS cannot be used outside an exception handler"
            )
            .into());
        }
        for (target, item) in items {
            let text = |s: Option<String>| (Value::text(s.unwrap_or_default()), TypeRef::of(oid::TEXT));
            let report = self.handled.last().map(|h| (*h.error.0).clone());
            let report = |f: fn(Report) -> Option<String>| text(report.and_then(f));
            let (value, ty) = match item {
                Diagnostic::RowCount => (Value::I64(self.row_count as i64), TypeRef::of(oid::INT8)),
                Diagnostic::Context => text(Some(cx.routines.context())),
                Diagnostic::SqlState => report(|r| Some(r.sqlstate.as_str().to_owned())),
                Diagnostic::Message => report(|r| Some(r.message)),
                Diagnostic::Detail => report(|r| r.detail),
                Diagnostic::Hint => report(|r| r.hint),
                Diagnostic::ErrorContext => report(|r| r.context),
                Diagnostic::Column => report(|r| r.column),
                Diagnostic::Constraint => report(|r| r.constraint),
                Diagnostic::Datatype => report(|r| r.datatype),
                Diagnostic::Table => report(|r| r.table),
                Diagnostic::Schema => report(|r| r.schema),
            };
            self.put(cx, target, value, ty)?;
        }
        Ok(Goto::Next)
    }
}

fn given_already(option: &str) -> Error {
    err!(SYNTAX_ERROR, "RAISE option already specified: {option}")
}
