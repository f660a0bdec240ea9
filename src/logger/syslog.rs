//! The log as syslog gets it: a datagram for each line, to `/dev/log`.
//!
//! PostgreSQL 15, elog.c, write_syslog: same cutting, numbers and priorities. The C library's `syslog` puts in front of a
//! text what RFC 3164 asks for; here that is done by hand.

use super::time;
use crate::base::{Severity, clock};
use crate::settings::{Global, Id, Lookup};
use jiff::tz::TimeZone;
use std::os::unix::net::UnixDatagram;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the system's logger listens.
const SOCKET: &str = "/dev/log";
/// What a line may be long, in bytes.
const LIMIT: usize = 900;

/// What the settings say.
#[derive(Clone, Debug)]
pub struct Syslog {
    facility: u8,
    ident: String,
    numbered: bool,
    split: bool,
}

static NUMBER: AtomicU64 = AtomicU64::new(0);
static OPEN: Mutex<Option<UnixDatagram>> = Mutex::new(None);

impl Syslog {
    pub fn of(settings: &Global) -> Syslog {
        let local = settings.choice(Id::SyslogFacility).strip_prefix("local").and_then(|n| n.parse::<u8>().ok());
        Syslog {
            facility: 16 + local.unwrap_or_default(),
            ident: settings.str(Id::SyslogIdent).to_string(),
            numbered: settings.bool(Id::SyslogSequenceNumbers),
            split: settings.bool(Id::SyslogSplitMessages),
        }
    }

    /// Sends a report's text. What cannot be sent is lost.
    pub fn send(&self, severity: Severity, text: &str) {
        let number = NUMBER.fetch_add(1, Ordering::Relaxed) + 1;
        let when = time::syslog(clock::now_us(), &TimeZone::system());
        let priority = self.facility << 3 | level(severity);
        let head = format!("<{priority}>{when} {}[{}]: ", self.ident, std::process::id());
        for line in self.lines(text, number) {
            write(format!("{head}{line}").as_bytes());
        }
    }

    fn lines(&self, text: &str, number: u64) -> Vec<String> {
        let text = text.strip_suffix('\n').unwrap_or(text);
        if !self.split || text.len() <= LIMIT && !text.contains('\n') {
            return vec![if self.numbered { format!("[{number}] {text}") } else { text.to_owned() }];
        }
        let pieces = text.split('\n').filter(|l| !l.is_empty()).flat_map(pieces);
        let numbered = |(at, piece): (usize, &str)| match self.numbered {
            true => format!("[{number}-{}] {piece}", at + 1),
            false => format!("[{}] {piece}", at + 1),
        };
        pieces.enumerate().map(numbered).collect()
    }
}

/// A line in parts that are short enough, cut between words where that can be.
fn pieces(mut line: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    while line.len() > LIMIT {
        let most = line.floor_char_boundary(LIMIT);
        let cut = match line[most..].starts_with(char::is_whitespace) {
            true => most,
            false => line[..most].rfind(char::is_whitespace).filter(|at| *at > 0).unwrap_or(most),
        };
        parts.push(&line[..cut]);
        line = &line[cut..];
    }
    parts.push(line);
    parts
}

/// LOG_CRIT … LOG_DEBUG.
fn level(severity: Severity) -> u8 {
    match severity {
        Severity::Panic => 2,
        Severity::Fatal => 3,
        Severity::Error => 4,
        Severity::Warning | Severity::Notice => 5,
        Severity::Log | Severity::Info => 6,
        _ => 7,
    }
}

fn write(bytes: &[u8]) {
    let Ok(mut open) = OPEN.lock() else { return };
    if open.as_ref().is_some_and(|socket| socket.send(bytes).is_ok()) {
        return;
    }
    // The logger may have started anew since.
    *open = UnixDatagram::unbound().ok().filter(|socket| socket.connect(SOCKET).is_ok());
    if let Some(socket) = &*open {
        let _ = socket.send(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(numbered: bool, split: bool, text: &str) -> Vec<String> {
        Syslog { facility: 16, ident: "postgres".into(), numbered, split }.lines(text, 7)
    }

    /// One line is one message; several, or a long one, are cut, between words if there are any.
    #[test]
    fn cut() {
        assert_eq!(lines(true, true, "LOG:  x\n"), ["[7] LOG:  x"]);
        assert_eq!(lines(false, true, "LOG:  x\n"), ["LOG:  x"]);
        assert_eq!(lines(true, true, "ERROR:  x\n\nSTATEMENT:  y\n"), ["[7-1] ERROR:  x", "[7-2] STATEMENT:  y"]);
        assert_eq!(lines(false, true, "a\nb"), ["[1] a", "[2] b"]);
        assert_eq!(lines(true, false, "a\nb\n"), ["[7] a\nb"]);
        let (first, second) = ("x".repeat(890), "y".repeat(20));
        let cut = lines(true, true, &format!("{first} {second}"));
        assert_eq!(cut, [format!("[7-1] {first}"), format!("[7-2]  {second}")]);
        let whole = lines(true, true, &"ä".repeat(451));
        assert_eq!(whole, [format!("[7-1] {}", "ä".repeat(450)), "[7-2] ä".to_string()]);
    }
}
