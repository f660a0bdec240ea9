//! A report as one JSON line. PostgreSQL 15, jsonlog.c: same keys in the same order.

use super::prefix::{is_session, session_id};
use super::text::Style;
use super::{level, time};
use crate::base::SqlState;
use crate::base::error::Report;
use crate::base::report::{Origin, Verbosity};
use serde_json::{Map, Value, json};

/// One ended line; `number` counts this session's messages.
pub fn format(origin: &Origin, report: &Report, style: &Style<'_>, number: u32) -> String {
    let mut map = Map::new();
    let mut put = |key: &str, value: Option<Value>| {
        if let Some(value) = value {
            map.insert(key.to_string(), value);
        }
    };
    let text = |t: &Option<String>| t.clone().map(Value::String);
    let session = is_session(origin);
    let statement = level::statement(origin, report.severity, &style.levels);
    put("timestamp", Some(time::with_ms(style.now_us, style.zone).into()));
    put("user", text(&origin.user));
    put("dbname", text(&origin.database));
    put("pid", Some(origin.pid.into()));
    put("remote_host", text(&origin.remote));
    put("remote_port", origin.remote_port.map(Value::from));
    put("session_id", Some(session_id(origin).into()));
    put("line_num", Some(number.into()));
    put("ps", session.then(|| origin.tag.into()));
    put("session_start", Some(time::without_ms(origin.start_us, style.zone).into()));
    put("vxid", Some(origin.virtual_id()).filter(|v| !v.is_empty()).map(Value::from));
    put("txid", Some(origin.xid().into()));
    put("error_severity", Some(report.severity.as_str().into()));
    put(
        "state_code",
        match report.sqlstate {
            SqlState::SUCCESSFUL_COMPLETION => None,
            state => Some(state.as_str().into()),
        },
    );
    put("message", Some(report.message.as_str().into()));
    put("detail", report.logged_detail().map(Value::from));
    put("hint", text(&report.hint));
    put("context", text(&report.context));
    put("statement", statement.map(Value::from));
    put("cursor_position", report.position.filter(|_| statement.is_some()).map(Value::from));
    if style.levels.verbosity == Verbosity::Verbose {
        put("func_name", Some(report.place.routine.into()));
        put("file_name", Some(report.place.file.into()));
        put("file_line_num", Some(json!(report.place.line)));
    }
    put("application_name", Some(&origin.application).filter(|a| !a.is_empty()).map(|a| a.as_str().into()));
    put("backend_type", Some(origin.backend_type.into()));
    put("query_id", Some(origin.query_id().into()));
    let mut line = Value::Object(map).to_string();
    line.push('\n');
    line
}

#[cfg(test)]
mod tests {
    use super::super::text::tests::{levels, report, session};
    use super::*;

    /// The line PostgreSQL 15 wrote for the same report.
    #[test]
    fn line() {
        let zone = time::zone("Europe/Berlin");
        let style =
            Style { prefix: "", zone: &zone, levels: levels(Verbosity::Verbose), now_us: 1_795_176_013_592_000 };
        assert_eq!(
            format(&session(), &report(), &style, 5),
            r#"{"timestamp":"2026-11-20 13:00:13.592 CET","user":"postgres","dbname":"postgres","pid":9424,"remote_host":"127.0.0.1","remote_port":52946,"session_id":"6b00364d.24d0","line_num":5,"ps":"SELECT","session_start":"2026-11-20 13:00:13 CET","vxid":"9424/5","txid":0,"error_severity":"ERROR","state_code":"42703","message":"column \"a\nb\" does not exist","statement":"select \"a\nb\"","cursor_position":8,"func_name":"errorMissingColumn","file_name":"parse_relation.c","file_line_num":3665,"application_name":"psql","backend_type":"client backend","query_id":0}
"#
        );
    }
}
