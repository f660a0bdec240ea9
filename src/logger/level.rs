//! What gets into the log. PostgreSQL 15, elog.c, is_log_level_output.

use crate::base::Severity;
use crate::base::report::{Levels, Origin, Verbosity};
use crate::settings::{Id, Lookup};

/// The settings' say, of the server or of one session.
pub fn levels_of(settings: &impl Lookup) -> Levels {
    Levels {
        messages: severity(settings.choice(Id::LogMinMessages)),
        error_statement: severity(settings.choice(Id::LogMinErrorStatement)),
        verbosity: match settings.choice(Id::LogErrorVerbosity) {
            "terse" => Verbosity::Terse,
            "verbose" => Verbosity::Verbose,
            _ => Verbosity::Default,
        },
    }
}

fn severity(name: &str) -> Severity {
    match name {
        "debug5" => Severity::Debug5,
        "debug4" => Severity::Debug4,
        "debug3" => Severity::Debug3,
        "debug2" => Severity::Debug2,
        "debug1" => Severity::Debug1,
        "info" => Severity::Info,
        "notice" => Severity::Notice,
        "warning" => Severity::Warning,
        "log" => Severity::Log,
        "fatal" => Severity::Fatal,
        "panic" => Severity::Panic,
        _ => Severity::Error,
    }
}

/// Whether a report of this severity passes a minimum; LOG counts as between ERROR and FATAL.
pub fn passes(severity: Severity, minimum: Severity) -> bool {
    match (severity, minimum) {
        (Severity::Log, m) => m == Severity::Log || m <= Severity::Error,
        (s, Severity::Log) => s >= Severity::Fatal,
        (s, m) => s >= m,
    }
}

/// The statement that belongs to a report, if it is to be logged with it.
pub fn statement<'a>(origin: &'a Origin, severity: Severity, levels: &Levels) -> Option<&'a str> {
    origin.statement.as_deref().filter(|_| passes(severity, levels.error_statement))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// LOG passes unless the minimum is FATAL or PANIC; with minimum LOG only FATAL and PANIC pass besides.
    #[test]
    fn log_stands_between_error_and_fatal() {
        assert!(passes(Severity::Log, Severity::Warning));
        assert!(passes(Severity::Log, Severity::Error));
        assert!(!passes(Severity::Log, Severity::Fatal));
        assert!(!passes(Severity::Error, Severity::Log));
        assert!(passes(Severity::Panic, Severity::Log));
        assert!(!passes(Severity::Notice, Severity::Warning));
    }
}
