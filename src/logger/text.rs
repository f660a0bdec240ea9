//! A report as lines of text. PostgreSQL 15, elog.c, send_message_to_server_log.

use super::{level, prefix};
use crate::base::error::Report;
use crate::base::report::{Levels, Origin, Verbosity};
use jiff::tz::TimeZone;

/// The prefix and zone to format with.
pub struct Style<'a> {
    pub prefix: &'a str,
    pub zone: &'a TimeZone,
    pub levels: Levels,
    pub now_us: i64,
}

/// All lines, each ended.
pub fn format(origin: &Origin, report: &Report, style: &Style<'_>) -> String {
    let mut out = String::with_capacity(256);
    let verbose = style.levels.verbosity == Verbosity::Verbose;
    start(&mut out, origin, report, style, report.severity.as_str());
    if verbose {
        out.push_str(report.sqlstate.as_str());
        out.push_str(": ");
    }
    append_indented(&mut out, if report.message.is_empty() { "missing error text" } else { &report.message });
    if let Some(position) = report.position {
        out.push_str(&format!(" at character {position}"));
    }
    out.push('\n');
    if style.levels.verbosity >= Verbosity::Default {
        for (word, text) in [
            ("DETAIL", report.logged_detail()),
            ("HINT", report.hint.as_deref()),
            ("CONTEXT", report.context.as_deref()),
        ] {
            if let Some(text) = text {
                line(&mut out, origin, report, style, word, text);
            }
        }
    }
    if verbose {
        let place = &report.place;
        let text = format!("{}, {}:{}", place.routine, place.file, place.line);
        line(&mut out, origin, report, style, "LOCATION", &text);
    }
    if let Some(statement) = level::statement(origin, report.severity, &style.levels) {
        line(&mut out, origin, report, style, "STATEMENT", statement);
    }
    out
}

fn start(out: &mut String, origin: &Origin, report: &Report, style: &Style<'_>, word: &str) {
    prefix::append(out, style.prefix, origin, report.sqlstate, style.now_us, style.zone);
    out.push_str(word);
    out.push_str(":  ");
}

fn line(out: &mut String, origin: &Origin, report: &Report, style: &Style<'_>, word: &str, text: &str) {
    start(out, origin, report, style, word);
    append_indented(out, text);
    out.push('\n');
}

/// A line break inside a text is followed by a tab.
fn append_indented(out: &mut String, text: &str) {
    for c in text.chars() {
        out.push(c);
        if c == '\n' {
            out.push('\t');
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::time;
    use super::*;
    use crate::base::report::Running;
    use crate::base::{Error, Severity, SqlState};
    use std::sync::Arc;

    pub fn session() -> Origin {
        Origin {
            pid: 9424,
            backend_type: "client backend",
            user: Some("postgres".into()),
            database: Some("postgres".into()),
            remote: Some("127.0.0.1".into()),
            remote_port: Some(52946),
            application: "psql".into(),
            start_us: 1_795_176_013_000_000,
            running: Some(Arc::new(Running { local: 5.into(), ..Running::default() })),
            tag: "SELECT",
            statement: Some("select \"a\nb\"".into()),
            ..Origin::default()
        }
    }

    pub fn levels(verbosity: Verbosity) -> Levels {
        Levels { messages: Severity::Warning, error_statement: Severity::Error, verbosity }
    }

    pub fn report() -> Report {
        let e = Error::new(SqlState::UNDEFINED_COLUMN, "column \"a\nb\" does not exist").at(Some(8));
        *e.place("errorMissingColumn", "parse_relation.c", 3665).0
    }

    /// The lines PostgreSQL 15 wrote for the same error, verbose and terse.
    #[test]
    fn lines() {
        let zone = time::zone("UTC");
        let show = |verbosity, report: &Report| {
            let style = Style { prefix: "[%p] ", zone: &zone, levels: levels(verbosity), now_us: 0 };
            format(&session(), report, &style)
        };
        assert_eq!(
            show(Verbosity::Verbose, &report()),
            "[9424] ERROR:  42703: column \"a\n\tb\" does not exist at character 8\n\
             [9424] LOCATION:  errorMissingColumn, parse_relation.c:3665\n\
             [9424] STATEMENT:  select \"a\n\tb\"\n"
        );
        let mut full = report();
        full.message = "m".into();
        full.detail = Some("d".into());
        full.hint = Some("h".into());
        full.context = Some("c".into());
        full.position = None;
        assert_eq!(
            show(Verbosity::Default, &full),
            "[9424] ERROR:  m\n[9424] DETAIL:  d\n[9424] HINT:  h\n[9424] CONTEXT:  c\n\
             [9424] STATEMENT:  select \"a\n\tb\"\n"
        );
        full.severity = Severity::Warning;
        assert_eq!(show(Verbosity::Terse, &full), "[9424] WARNING:  m\n");
    }
}
