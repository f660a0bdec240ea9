//! The one error type: what a client or the log gets to see, with PostgreSQL's fields.
//!
//! Errors are made with [`err!`](crate::err), completed by the builder methods, and travel by `?`.
//! Whoever handles an error reports it; whoever passes it on does not log.

use super::sqlstate::SqlState;
use std::fmt;

pub type Result<T> = std::result::Result<T, Error>;

/// How bad it is. The order is that of PostgreSQL's elog.h.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Severity {
    Debug5,
    Debug4,
    Debug3,
    Debug2,
    Debug1,
    /// Server operational message: to the log, whatever `log_min_messages` says below ERROR.
    Log,
    Info,
    Notice,
    Warning,
    Error,
    Fatal,
    Panic,
}

impl Severity {
    /// The word shown to people and sent on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Debug5 | Severity::Debug4 | Severity::Debug3 | Severity::Debug2 | Severity::Debug1 => "DEBUG",
            Severity::Log => "LOG",
            Severity::Info => "INFO",
            Severity::Notice => "NOTICE",
            Severity::Warning => "WARNING",
            Severity::Error => "ERROR",
            Severity::Fatal => "FATAL",
            Severity::Panic => "PANIC",
        }
    }
}

/// Where in PostgreSQL's source the same report is made, or in ours. Shown by `\set VERBOSITY verbose`.
#[derive(Clone, Copy, Debug)]
pub struct Place {
    pub routine: &'static str,
    pub file: &'static str,
    pub line: u32,
}

/// All fields of an ErrorResponse or NoticeResponse.
#[derive(Clone, Debug)]
pub struct Report {
    pub severity: Severity,
    pub sqlstate: SqlState,
    pub message: String,
    pub detail: Option<String>,
    /// Takes the detail's place in the server log, and is never sent to a client.
    pub detail_log: Option<String>,
    pub hint: Option<String>,
    pub context: Option<String>,
    /// 1-based, in characters of the statement text.
    pub position: Option<u32>,
    /// The text of a statement run inside a routine, where the fault lies in that one.
    pub internal_query: Option<String>,
    /// As `position`, in `internal_query`.
    pub internal_position: Option<u32>,
    pub schema: Option<String>,
    pub table: Option<String>,
    pub column: Option<String>,
    pub datatype: Option<String>,
    pub constraint: Option<String>,
    /// Which row of the statement's input it is about, from 0, where somebody below knows: COPY names its line.
    pub input_row: Option<usize>,
    pub place: Place,
}

/// The hint of an error that can only come from a mistake in this program.
pub const OUR_FAULT: &str = "This is a mistake in Outlast itself. Please report it, with the statement that led to it and what the server log says of it.";

/// A boxed [`Report`] of severity ERROR or worse: 8 bytes, so that results stay small.
#[derive(Clone)]
pub struct Error(pub Box<Report>);

impl Error {
    #[track_caller]
    #[cold]
    pub fn new(sqlstate: SqlState, message: impl Into<String>) -> Error {
        let at = std::panic::Location::caller();
        Error(Box::new(Report::new(Severity::Error, sqlstate, message.into(), at)))
    }

    /// A fault of ours (XX000), not of the user. What PostgreSQL, too, answers with XX000 is made by [`err!`].
    #[track_caller]
    #[cold]
    pub fn internal(message: impl Into<String>) -> Error {
        Error::new(SqlState::INTERNAL_ERROR, message).hint(OUR_FAULT)
    }

    /// 0A000, saying what is missing.
    #[track_caller]
    #[cold]
    pub fn unsupported(message: impl Into<String>) -> Error {
        Error::new(SqlState::FEATURE_NOT_SUPPORTED, message)
    }

    pub fn severity(mut self, severity: Severity) -> Error {
        self.0.severity = severity;
        self
    }

    pub fn detail(mut self, text: impl Into<String>) -> Error {
        self.0.detail = Some(text.into());
        self
    }

    /// What only the server log may tell.
    pub fn detail_log(mut self, text: impl Into<String>) -> Error {
        self.0.detail_log = Some(text.into());
        self
    }

    pub fn hint(mut self, text: impl Into<String>) -> Error {
        self.0.hint = Some(text.into());
        self
    }

    /// It is about this row of the input.
    pub fn input_row(mut self, row: usize) -> Error {
        self.0.input_row = Some(row);
        self
    }

    /// Adds a line of context below those already there.
    pub fn context(mut self, text: impl Into<String>) -> Error {
        let text = text.into();
        self.0.context = Some(match self.0.context.take() {
            Some(inner) => format!("{inner}\n{text}"),
            None => text,
        });
        self
    }

    /// For errors in text whose place in the statement nobody is told.
    pub fn without_position(mut self) -> Error {
        self.0.position = None;
        self
    }

    /// Points at a character of the statement, 1-based; keeps a position that is already there.
    pub fn at(mut self, position: Option<u32>) -> Error {
        self.0.position = self.0.position.or(position);
        self
    }

    /// The fault lies in a statement of a routine's body: a position there is none in the client's text.
    pub fn inside(mut self, query: &str) -> Error {
        if let Some(position) = self.0.position.take() {
            self.0.internal_position = Some(position);
            self.0.internal_query = Some(query.to_owned());
        }
        self
    }

    pub fn table(mut self, schema: impl Into<String>, table: impl Into<String>) -> Error {
        self.0.schema = Some(schema.into());
        self.0.table = Some(table.into());
        self
    }

    pub fn column(mut self, column: impl Into<String>) -> Error {
        self.0.column = Some(column.into());
        self
    }

    pub fn constraint(mut self, name: impl Into<String>) -> Error {
        self.0.constraint = Some(name.into());
        self
    }

    pub fn datatype(mut self, schema: impl Into<String>, name: impl Into<String>) -> Error {
        self.0.schema = Some(schema.into());
        self.0.datatype = Some(name.into());
        self
    }

    /// Names PostgreSQL's own function, file and line for this report.
    pub fn place(mut self, routine: &'static str, file: &'static str, line: u32) -> Error {
        self.0.place = Place { routine, file, line };
        self
    }

    pub fn sqlstate(&self) -> SqlState {
        self.0.sqlstate
    }

    pub fn message(&self) -> &str {
        &self.0.message
    }
}

impl Report {
    #[track_caller]
    pub fn notice(severity: Severity, sqlstate: SqlState, message: impl Into<String>) -> Report {
        Report::new(severity, sqlstate, message.into(), std::panic::Location::caller())
    }

    fn new(
        severity: Severity,
        sqlstate: SqlState,
        message: String,
        at: &'static std::panic::Location<'static>,
    ) -> Report {
        Report {
            severity,
            sqlstate,
            message,
            detail: None,
            detail_log: None,
            hint: None,
            context: None,
            position: None,
            internal_query: None,
            internal_position: None,
            schema: None,
            table: None,
            column: None,
            datatype: None,
            constraint: None,
            input_row: None,
            place: Place { routine: "outlast", file: at.file(), line: at.line() },
        }
    }

    /// The detail as the server log has it.
    pub fn logged_detail(&self) -> Option<&str> {
        self.detail_log.as_deref().or(self.detail.as_deref())
    }

    pub fn with_detail(mut self, text: impl Into<String>) -> Report {
        self.detail = Some(text.into());
        self
    }

    pub fn with_hint(mut self, text: impl Into<String>) -> Report {
        self.hint = Some(text.into());
        self
    }

    pub fn with_place(mut self, routine: &'static str, file: &'static str, line: u32) -> Report {
        self.place = Place { routine, file, line };
        self
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.0.severity.as_str(), self.0.sqlstate.as_str(), self.0.message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl std::error::Error for Error {}

/// `err!(UNDEFINED_TABLE, "relation \"{}\" does not exist", name)`: an [`Error`] with a named SQLSTATE.
#[macro_export]
macro_rules! err {
    ($state:ident, $($arg:tt)*) => {
        $crate::base::Error::new($crate::base::SqlState::$state, format!($($arg)*))
    };
}

/// Returns early with an [`err!`], converted into the function's error type.
#[macro_export]
macro_rules! bail {
    ($state:ident, $($arg:tt)*) => {
        return Err($crate::err!($state, $($arg)*).into())
    };
}
