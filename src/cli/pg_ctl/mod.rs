//! `pg_ctl`: starts, stops and asks a server. PostgreSQL 15, pg_ctl.c: same texts, waits and exit codes.

mod restart;
mod signal;
mod start;
mod status;
mod stop;

use super::arguments::{Argument, Arguments};
use super::data_dir::{self, PidFile, PidFileError};
use super::{Call, answers_first};
use crate::settings::os_text;
use rustix::process::Signal;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

const HELP: &str = "\
pg_ctl initializes, starts, stops, or controls an Outlast server.

Usage:
  pg_ctl init[db]   [-D DATADIR] [-s] [-o OPTIONS]
  pg_ctl start      [-D DATADIR] [-l FILENAME] [-W] [-t SECS] [-s]
                    [-o OPTIONS] [-p PATH] [-c]
  pg_ctl stop       [-D DATADIR] [-m SHUTDOWN-MODE] [-W] [-t SECS] [-s]
  pg_ctl restart    [-D DATADIR] [-m SHUTDOWN-MODE] [-W] [-t SECS] [-s]
                    [-o OPTIONS] [-c]
  pg_ctl reload     [-D DATADIR] [-s]
  pg_ctl status     [-D DATADIR]
  pg_ctl promote    [-D DATADIR] [-W] [-t SECS] [-s]
  pg_ctl logrotate  [-D DATADIR] [-s]
  pg_ctl kill       SIGNALNAME PID

Common options:
  -D, --pgdata=DATADIR   location of the database storage area
  -s, --silent           only print errors, no informational messages
  -t, --timeout=SECS     seconds to wait when using -w option
  -V, --version          output version information, then exit
  -w, --wait             wait until operation completes (default)
  -W, --no-wait          do not wait until operation completes
  -?, --help             show this help, then exit
If the -D option is omitted, the environment variable PGDATA is used.

Options for start or restart:
  -c, --core-files       allow the server to produce core files
  -l, --log=FILENAME     write (or append) server log to FILENAME
  -o, --options=OPTIONS  command line options to pass to postgres or initdb
      --no-adopt         refuse to start while sessions of a killed postmaster live
  -p PATH-TO-POSTGRES    normally not necessary

Options for stop or restart:
  -m, --mode=MODE        MODE can be \"smart\", \"fast\", or \"immediate\"

Shutdown modes are:
  smart       quit after all clients have disconnected
  fast        quit directly, with proper shutdown (default)
  immediate   quit without complete shutdown; will lead to recovery on restart

Allowed signal names for kill:
  ABRT HUP INT KILL QUIT TERM USR1 USR2
";

/// How to stop.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Mode {
    Smart,
    Fast,
    Immediate,
}

impl Mode {
    fn signal(self) -> Signal {
        match self {
            Mode::Smart => Signal::TERM,
            Mode::Fast => Signal::INT,
            Mode::Immediate => Signal::QUIT,
        }
    }
}

/// Everything the command line and the environment say.
struct Control {
    path: String,
    directory: Option<PathBuf>,
    /// Whether `-D` was given, so that it is passed on.
    directory_given: bool,
    log_file: Option<String>,
    options: Option<String>,
    program: Option<String>,
    mode: Mode,
    silent: bool,
    wait: bool,
    timeout_s: u64,
    core_files: bool,
    no_adopt: bool,
    kill: Option<(Signal, i32)>,
}

/// The text for stderr (if any) and the exit code.
struct Failure(String, u8);

type Done = Result<(), Failure>;

/// `pg_ctl: text`, exit code 1.
fn failure<T>(text: impl AsRef<str>) -> Result<T, Failure> {
    Err(Failure(format!("pg_ctl: {}", text.as_ref()), 1))
}

fn usage<T>(text: impl AsRef<str>) -> Result<T, Failure> {
    Err(Failure(format!("{}\nTry \"pg_ctl --help\" for more information.", text.as_ref()), 1))
}

pub fn main(call: Call) -> ExitCode {
    if answers_first(&call, HELP) {
        return ExitCode::SUCCESS;
    }
    match run(call) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(text, code)) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(code)
        }
    }
}

fn run(call: Call) -> Done {
    let (control, operation) = parse(call)?;
    match operation.as_str() {
        "init" | "initdb" => start::initialize(&control),
        "start" => start::start(&control),
        "stop" => stop::stop(&control),
        "restart" => restart::restart(&control),
        "reload" => signal::reload(&control),
        "status" => status::status(&control),
        "promote" => signal::promote(&control),
        "logrotate" => signal::logrotate(&control),
        _ => signal::kill(&control),
    }
}

fn parse(call: Call) -> Result<(Control, String), Failure> {
    let mut control = Control {
        path: call.path.clone(),
        directory: None,
        directory_given: false,
        log_file: None,
        options: None,
        program: None,
        mode: Mode::Fast,
        silent: false,
        wait: true,
        timeout_s: timeout_of(std::env::var("PGCTLTIMEOUT").ok()).unwrap_or(60),
        core_files: false,
        no_adopt: false,
        kill: None,
    };
    let mut words = Vec::new();
    let mut directory = None;
    let mut arguments = Arguments::new(&call.path, call.arguments);
    loop {
        let argument = match arguments.next() {
            Ok(Some(argument)) => argument,
            Ok(None) => break,
            Err(line) => return usage(line),
        };
        let short = match &argument {
            Argument::Short(c) => *c,
            Argument::Long(name) => long_option(name),
            Argument::Word(word) => {
                words.push(word.clone());
                continue;
            }
        };
        if "Dlmotp".contains(short) {
            let value = match arguments.value(&argument) {
                Ok(value) => value,
                Err(line) => return usage(line),
            };
            match short {
                'D' => directory = Some(value),
                'm' => control.mode = mode(&value)?,
                't' => control.timeout_s = timeout_of(Some(value)).unwrap_or(0),
                _ => keep(&mut control, short, value),
            }
            continue;
        }
        match short {
            's' => control.silent = true,
            'w' => control.wait = true,
            'W' => control.wait = false,
            'c' => control.core_files = true,
            'A' if matches!(argument, Argument::Long(_)) => control.no_adopt = true,
            // -N, -P, -S, -U, -e belong to Windows services.
            _ => return usage(arguments.unknown(&argument)),
        }
    }
    control.directory_given = directory.is_some();
    control.directory = data_dir::chosen(directory);
    let operation = operation(&mut control, words)?;
    Ok((control, operation))
}

fn long_option(name: &str) -> char {
    match name {
        "pgdata" => 'D',
        "log" => 'l',
        "mode" => 'm',
        "options" => 'o',
        "silent" => 's',
        "timeout" => 't',
        "core-files" => 'c',
        "wait" => 'w',
        "no-wait" => 'W',
        "no-adopt" => 'A',
        _ => '\0',
    }
}

fn keep(control: &mut Control, short: char, value: String) {
    match short {
        'l' => control.log_file = Some(value),
        'p' => control.program = Some(value),
        _ => {
            // Several -o add up.
            control.options = Some(match control.options.take() {
                Some(before) => format!("{before} {value}"),
                None => value,
            });
        }
    }
}

/// As C's atoi reads it.
fn timeout_of(text: Option<String>) -> Option<u64> {
    let text = text?;
    let digits: String = text.trim().chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

fn mode(word: &str) -> Result<Mode, Failure> {
    match word {
        "s" | "smart" => Ok(Mode::Smart),
        "f" | "fast" => Ok(Mode::Fast),
        "i" | "immediate" => Ok(Mode::Immediate),
        _ => usage(format!("pg_ctl: unrecognized shutdown mode \"{word}\"")),
    }
}

const OPERATIONS: &[&str] =
    &["init", "initdb", "start", "stop", "restart", "reload", "status", "promote", "logrotate", "kill"];

fn operation(control: &mut Control, words: Vec<String>) -> Result<String, Failure> {
    let mut words = words.into_iter();
    let Some(operation) = words.next() else { return usage("pg_ctl: no operation specified") };
    if !OPERATIONS.contains(&operation.as_str()) {
        return usage(format!("pg_ctl: unrecognized operation mode \"{operation}\""));
    }
    if operation == "kill" {
        let (Some(name), Some(pid)) = (words.next(), words.next()) else {
            return usage("pg_ctl: missing arguments for kill mode");
        };
        let signal = signal::by_name(&name)?;
        control.kill = Some((signal, pid.parse().unwrap_or(0)));
    }
    if words.next().is_some() {
        return usage(format!("pg_ctl: too many command-line arguments (first is \"{operation}\")"));
    }
    if operation != "kill" && control.directory.is_none() {
        return usage("pg_ctl: no database directory specified and environment variable PGDATA unset");
    }
    Ok(operation)
}

impl Control {
    /// The data directory; every operation but kill has one.
    fn dir(&self) -> &PathBuf {
        static NONE: std::sync::LazyLock<PathBuf> = std::sync::LazyLock::new(PathBuf::new);
        self.directory.as_ref().unwrap_or(&NONE)
    }

    /// Prints without ending the line, unless silent.
    fn say(&self, text: &str) {
        if !self.silent {
            print!("{text}");
            let _ = std::io::stdout().flush();
        }
    }

    fn pid_path(&self) -> PathBuf {
        self.dir().join(crate::process::PID_FILE)
    }

    /// The running server's pid file; `None` without one. Wrong directories end with `code`.
    fn server(&self, code: u8) -> Result<Option<PidFile>, Failure> {
        let dir = self.dir();
        let shown = dir.display();
        let fail = |text: String| Err(Failure(format!("pg_ctl: {text}"), code));
        match rustix::fs::stat(dir) {
            Err(rustix::io::Errno::NOENT) => return fail(format!("directory \"{shown}\" does not exist")),
            Err(e) => return fail(format!("could not access directory \"{shown}\": {}", os_text(&e.into()))),
            Ok(_) => {}
        }
        if let Err(rustix::io::Errno::NOENT) = rustix::fs::stat(dir.join("PG_VERSION")) {
            return fail(format!("directory \"{shown}\" is not a database cluster directory"));
        }
        data_dir::read_pid_file(dir).or_else(|PidFileError::Text(text)| failure(text))
    }

    /// As [`Control::server`], for operations that need one.
    fn running_server(&self) -> Result<PidFile, Failure> {
        match self.server(1)? {
            Some(file) => Ok(file),
            None => failure(format!("PID file \"{}\" does not exist\nIs server running?", self.pid_path().display())),
        }
    }

    /// Refuses a single-user server.
    fn refuse_single_user(&self, file: &PidFile, what: &str) -> Done {
        match file.pid {
            pid if pid < 0 => failure(format!("cannot {what} server; single-user server is running (PID: {})", -pid)),
            _ => Ok(()),
        }
    }
}

/// Sends a signal to a process by number.
fn send(pid: i32, signal: Signal) -> Result<(), String> {
    let target = rustix::process::Pid::from_raw(pid).ok_or("No such process")?;
    rustix::process::kill_process(target, signal).map_err(|e| os_text(&e.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(words: &[&str]) -> String {
        let arguments = words.iter().map(Into::into).collect();
        let call = Call { name: "pg_ctl".into(), path: "/b/pg_ctl".into(), arguments };
        match parse(call) {
            Err(Failure(text, 1)) => text.lines().next().unwrap_or("").to_string(),
            _ => panic!("{words:?}"),
        }
    }

    /// What PostgreSQL 15 refuses on the command line, with its words.
    #[test]
    fn refusals() {
        assert_eq!(refused(&[]), "pg_ctl: no operation specified");
        assert_eq!(refused(&["bogus"]), "pg_ctl: unrecognized operation mode \"bogus\"");
        assert_eq!(refused(&["start", "stop"]), "pg_ctl: too many command-line arguments (first is \"start\")");
        assert_eq!(refused(&["start", "--bogus"]), "/b/pg_ctl: unrecognized option '--bogus'");
        assert_eq!(refused(&["stop", "-D", "/x", "-m", "bogus"]), "pg_ctl: unrecognized shutdown mode \"bogus\"");
        assert_eq!(refused(&["kill", "HUP"]), "pg_ctl: missing arguments for kill mode");
        assert_eq!(refused(&["kill", "BOGUS", "1"]), "pg_ctl: unrecognized signal name \"BOGUS\"");
        assert_eq!(refused(&["stop", "-D"]), "/b/pg_ctl: option requires an argument -- 'D'");
    }
}
