//! `pg_isready`: whether a server takes connections, told by a line and an exit code.
//!
//! A probe is a connection that says who it is and leaves with the first answer; the server logs nothing but what
//! `log_connections` asks for. PostgreSQL 15, fe-connect.c, internal_ping: same verdicts.

mod conninfo;
mod probe;

use super::arguments::{Argument, Arguments};
use super::{Call, answers_first};
use conninfo::Target;
use probe::Verdict;
use std::process::ExitCode;
use std::time::Duration;

const HELP: &str = "\
pg_isready tells whether a server accepts connections.

Usage:
  pg_isready [OPTION]...

Options:
  -d, --dbname=DBNAME      database name, or a connection string
  -q, --quiet              print nothing
  -V, --version            output version information, then exit
  -?, --help               show this help, then exit

Connection options:
  -h, --host=HOSTNAME      database server host or socket directory
  -p, --port=PORT          database server port
  -t, --timeout=SECS       seconds to wait for a connection, 0 waits for ever (default: 3)
  -U, --username=USERNAME  user name to connect as

Exit code: 0 accepts connections, 1 rejects them (starting, stopping), 2 no response, 3 no attempt was made.
";

/// A call that cannot be carried out ends like this, as does one without an attempt.
const NO_ATTEMPT: u8 = 3;

#[derive(Default)]
struct Request {
    quiet: bool,
    timeout: Option<String>,
    dbname: Option<String>,
    target: Target,
}

pub fn main(call: Call) -> ExitCode {
    if answers_first(&call, HELP) {
        return ExitCode::SUCCESS;
    }
    match run(call) {
        Ok(verdict) => ExitCode::from(verdict as u8),
        Err(text) => {
            eprintln!("{text}");
            ExitCode::from(NO_ATTEMPT)
        }
    }
}

fn run(call: Call) -> Result<Verdict, String> {
    let request = parse(call)?;
    let timeout = seconds(request.timeout.as_deref().unwrap_or("3"));
    let mut target = request.target;
    if let Some(name) = &request.dbname {
        target.set_dbname(name).map_err(|text| format!("pg_isready: error: {text}"))?;
    }
    let target = target.completed();
    let verdict = if target.has_service() { Verdict::NoAttempt } else { probe::probe(&target, timeout) };
    if !request.quiet {
        println!("{}:{} - {}", target.shown_host(), target.port(), verdict.text());
    }
    Ok(verdict)
}

fn parse(call: Call) -> Result<Request, String> {
    let hint = "pg_isready: hint: Try \"pg_isready --help\" for more information.";
    let hinted = |text: String| format!("{text}\n{hint}");
    let mut arguments = Arguments::new(&call.path, call.arguments);
    let mut request = Request::default();
    while let Some(argument) = arguments.next().map_err(hinted)? {
        let name = match &argument {
            Argument::Short(c) => c.to_string(),
            Argument::Long(name) => name.clone(),
            Argument::Word(word) => {
                return Err(hinted(format!(
                    "pg_isready: error: too many command-line arguments (first is \"{word}\")"
                )));
            }
        };
        match name.as_str() {
            "q" | "quiet" => request.quiet = true,
            "d" | "dbname" => request.dbname = Some(arguments.value(&argument).map_err(hinted)?),
            "h" | "host" => request.target.host = Some(arguments.value(&argument).map_err(hinted)?),
            "p" | "port" => request.target.port = Some(arguments.value(&argument).map_err(hinted)?),
            "t" | "timeout" => request.timeout = Some(arguments.value(&argument).map_err(hinted)?),
            "U" | "username" => request.target.user = Some(arguments.value(&argument).map_err(hinted)?),
            _ => return Err(hinted(arguments.unknown(&argument))),
        }
    }
    Ok(request)
}

/// libpq's connect_timeout: nothing below one waits for ever, and one means two.
fn seconds(text: &str) -> Option<Duration> {
    let n = text.trim().parse::<i32>().ok().filter(|n| *n > 0)?;
    Some(Duration::from_secs(n.max(2) as u64))
}
