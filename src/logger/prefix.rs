//! `log_line_prefix`. PostgreSQL 15, elog.c, log_line_prefix: same escapes, padding and stand-ins.

use super::time;
use crate::base::SqlState;
use crate::base::report::Origin;
use jiff::tz::TimeZone;
use std::fmt::Write;
use std::sync::atomic::Ordering;

/// `hex(start).hex(pid)`.
pub fn session_id(origin: &Origin) -> String {
    format!("{:x}.{:x}", origin.start_us.div_euclid(1_000_000), origin.pid)
}

/// `host(port)`, or `[local]`.
fn remote_with_port(origin: &Origin) -> Option<String> {
    let host = origin.remote.as_deref()?;
    Some(match origin.remote_port {
        Some(port) => format!("{host}({port})"),
        None => host.to_string(),
    })
}

/// A connection's process, in PostgreSQL's terms: it has a peer.
pub fn is_session(origin: &Origin) -> bool {
    origin.remote.is_some()
}

/// Appends the prefix of one line; counts the line (`%l`).
pub fn append(out: &mut String, format: &str, origin: &Origin, state: SqlState, now_us: i64, zone: &TimeZone) {
    let line = origin.line_no.fetch_add(1, Ordering::Relaxed) as u32 + 1;
    let mut rest = format.chars().peekable();
    while let Some(c) = rest.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let mut padding = String::new();
        while let Some(d) = rest.next_if(|d| *d == '-' || d.is_ascii_digit()) {
            padding.push(d);
        }
        let Some(escape) = rest.next() else { return };
        if escape == '%' {
            out.push('%');
            continue;
        }
        if escape == 'q' {
            if !is_session(origin) {
                return;
            }
            continue;
        }
        let text = expand(escape, origin, state, now_us, zone, line);
        pad(out, &text, padding.parse().unwrap_or(0));
    }
}

fn expand(escape: char, origin: &Origin, state: SqlState, now_us: i64, zone: &TimeZone, line: u32) -> String {
    let in_session = |text: Option<&str>| match is_session(origin) {
        true => text.filter(|t| !t.is_empty()).unwrap_or("[unknown]").to_string(),
        false => String::new(),
    };
    match escape {
        'a' => in_session(Some(&origin.application)),
        'u' => in_session(origin.user.as_deref()),
        'd' => in_session(origin.database.as_deref()),
        'r' => remote_with_port(origin).unwrap_or_default(),
        'h' => origin.remote.clone().unwrap_or_default(),
        'b' => origin.backend_type.to_string(),
        'p' => origin.pid.to_string(),
        't' => time::without_ms(now_us, zone),
        'm' => time::with_ms(now_us, zone),
        'n' => time::epoch_ms(now_us),
        'i' if is_session(origin) => origin.tag.to_string(),
        'e' => state.as_str().to_string(),
        'c' => session_id(origin),
        'l' => line.to_string(),
        's' => time::without_ms(origin.start_us, zone),
        'v' => origin.virtual_id(),
        'x' => origin.xid().to_string(),
        'Q' => origin.query_id().to_string(),
        // %i outside a session, %P (there are no parallel workers), and escapes nobody knows.
        _ => String::new(),
    }
}

/// Positive: right-aligned; negative: left-aligned.
fn pad(out: &mut String, text: &str, width: i32) {
    let size = width.unsigned_abs() as usize;
    let _ = if width < 0 { write!(out, "{text:<size$}") } else { write!(out, "{text:>size$}") };
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::report::Running;
    use std::sync::Arc;

    fn show(format: &str, origin: &Origin) -> String {
        let mut out = String::new();
        let utc = time::zone("UTC");
        append(&mut out, format, origin, SqlState::UNDEFINED_COLUMN, 1_795_176_013_592_000, &utc);
        out
    }

    /// Every escape as PostgreSQL 15 printed it for the same session, and the stop for processes without one.
    #[test]
    fn escapes() {
        let mut origin = Origin { pid: 9424, backend_type: "client backend", ..Origin::default() };
        origin.start_us = 1_795_176_013_000_000;
        let all = "%m [%p] %b %q%a|%u|%d|%r|%h|%t|%n|%i|%e|%c|%l|%s|%v|%x|%Q|%P|%10u|%-10d|%%";
        assert_eq!(show(all, &origin), "2026-11-20 12:00:13.592 UTC [9424] client backend ");
        origin.remote = Some("127.0.0.1".into());
        origin.remote_port = Some(52946);
        origin.tag = "SELECT";
        origin.running = Some(Arc::new(Running { local: 3.into(), ..Running::default() }));
        origin.user = Some("postgres".into());
        origin.database = Some("postgres".into());
        origin.application = "psql".into();
        assert_eq!(
            show(all, &origin),
            "2026-11-20 12:00:13.592 UTC [9424] client backend psql|postgres|postgres|127.0.0.1(52946)|127.0.0.1|2026-11-20 12:00:13 UTC|1795176013.592|SELECT|42703|6b00364d.24d0|2|2026-11-20 12:00:13 UTC|9424/3|0|0||  postgres|postgres  |%"
        );
    }
}
