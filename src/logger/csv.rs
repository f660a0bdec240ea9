//! A report as one CSV line of 26 columns. PostgreSQL 15, csvlog.c.

use super::prefix::{is_session, session_id};
use super::text::Style;
use super::{level, time};
use crate::base::error::Report;
use crate::base::report::{Origin, Verbosity};

/// One ended line; `number` counts this session's messages.
pub fn format(origin: &Origin, report: &Report, style: &Style<'_>, number: u32) -> String {
    let session = is_session(origin);
    let remote = origin.remote.as_ref().map(|host| match origin.remote_port {
        Some(port) => format!("{host}:{port}"),
        None => host.clone(),
    });
    let statement = level::statement(origin, report.severity, &style.levels);
    let place = &report.place;
    let verbose = style.levels.verbosity == Verbosity::Verbose;
    let columns = [
        time::with_ms(style.now_us, style.zone),
        quoted(origin.user.as_deref()),
        quoted(origin.database.as_deref()),
        origin.pid.to_string(),
        quoted(remote.as_deref()),
        session_id(origin),
        number.to_string(),
        quoted(session.then_some(origin.tag)),
        time::without_ms(origin.start_us, style.zone),
        origin.virtual_id(),
        origin.xid().to_string(),
        report.severity.as_str().to_string(),
        report.sqlstate.as_str().to_string(),
        quoted(Some(&report.message)),
        quoted(report.logged_detail()),
        quoted(report.hint.as_deref()),
        String::new(),
        String::new(),
        quoted(report.context.as_deref()),
        quoted(statement),
        report.position.filter(|_| statement.is_some()).map(|p| p.to_string()).unwrap_or_default(),
        match verbose {
            true => quoted(Some(&format!("{}, {}:{}", place.routine, place.file, place.line))),
            false => String::new(),
        },
        quoted(Some(&origin.application)),
        quoted(Some(origin.backend_type)),
        String::new(),
        origin.query_id().to_string(),
    ];
    let mut line = columns.join(",");
    line.push('\n');
    line
}

fn quoted(text: Option<&str>) -> String {
    match text {
        None => String::new(),
        Some(text) => format!("\"{}\"", text.replace('"', "\"\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::{levels, report, session};
    use super::*;

    /// The lines PostgreSQL 15 wrote for the same reports.
    #[test]
    fn lines() {
        let zone = time::zone("Europe/Berlin");
        let style =
            Style { prefix: "", zone: &zone, levels: levels(Verbosity::Verbose), now_us: 1_795_176_013_592_000 };
        assert_eq!(
            format(&session(), &report(), &style, 5),
            "2026-11-20 13:00:13.592 CET,\"postgres\",\"postgres\",9424,\"127.0.0.1:52946\",6b00364d.24d0,5,\"SELECT\",2026-11-20 13:00:13 CET,9424/5,0,ERROR,42703,\"column \"\"a\nb\"\" does not exist\",,,,,,\"select \"\"a\nb\"\"\",8,\"errorMissingColumn, parse_relation.c:3665\",\"psql\",\"client backend\",,0\n"
        );
        let postmaster =
            Origin { pid: 9414, backend_type: "postmaster", start_us: 1_795_176_013_000_000, ..Origin::default() };
        let style = Style { levels: levels(Verbosity::Default), ..style };
        let ready = Report::notice(
            crate::base::Severity::Log,
            crate::base::SqlState::SUCCESSFUL_COMPLETION,
            "database system is ready to accept connections",
        );
        assert_eq!(
            format(&postmaster, &ready, &style, 4),
            "2026-11-20 13:00:13.592 CET,,,9414,,6b00364d.24c6,4,,2026-11-20 13:00:13 CET,,0,LOG,00000,\"database system is ready to accept connections\",,,,,,,,,\"\",\"postmaster\",,0\n"
        );
    }
}
