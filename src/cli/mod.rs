//! The command line: `postgres`, `initdb`, `pg_ctl`, `pg_controldata`, `pg_waldump`, `pg_isready`, and our own `serve` and `link`.
//!
//! Must never do a server's work: it reads arguments, prints PostgreSQL's texts, returns its exit codes, and
//! calls the parts that do the work.
//!
//! Invariants:
//! - CLI-1: a tool finds out what it is by the name it was called by, or else by its first argument.
//! - CLI-2: whatever comes from outside (arguments, pid files) is an error text and an exit code, never a panic.
//!
//! Files written: by `initdb` a data directory; by `pg_ctl logrotate` the request file.

mod arguments;
mod data_dir;
mod hidden;
mod initdb;
mod link;
mod pg_controldata;
mod pg_ctl;
mod pg_isready;
mod pg_waldump;
mod postgres;
mod serve;

pub use data_dir::server_command;

use std::ffi::OsString;
use std::path::Path;
use std::process::ExitCode;

/// What every tool knows of its call.
pub struct Call {
    /// The name in messages: `pg_ctl`.
    pub name: String,
    /// As it was called: the path in getopt's messages.
    pub path: String,
    pub arguments: Vec<OsString>,
}

const TOOLS: &[(&str, fn(Call) -> ExitCode)] = &[
    ("postgres", postgres::main),
    ("postmaster", postgres::main),
    ("initdb", initdb::main),
    ("pg_ctl", pg_ctl::main),
    ("pg_controldata", pg_controldata::main),
    ("pg_waldump", pg_waldump::main),
    ("pg_isready", pg_isready::main),
];

/// Names that `outlast link` makes.
pub(crate) fn tool_names() -> impl Iterator<Item = &'static str> {
    TOOLS.iter().map(|(name, _)| *name)
}

const HELP: &str = "\
Outlast is a PostgreSQL-compatible server whose sessions outlive its main process.

Usage:
  outlast [serve] [-D DIRECTORY] [-p PORT]   start a server here and now, making its data first if needed
  outlast link DIRECTORY                     make postgres, initdb, pg_ctl and the others as links there
  outlast TOOL [OPTION]...                   be that tool

Tools, with PostgreSQL's options (TOOL --help):
  postgres  initdb  pg_ctl  pg_controldata  pg_waldump  pg_isready

Options:
  -V, --version   show the version, then exit
  -?, --help      show this help, then exit
";

/// Runs the tool that the process was called as.
pub fn main() -> ExitCode {
    crate::types::datetime::setting::register_checks();
    let mut arguments: Vec<OsString> = std::env::args_os().collect();
    let path = if arguments.is_empty() { OsString::from("outlast") } else { arguments.remove(0) };
    if let Some(first) = arguments.first().and_then(|a| a.to_str()) {
        let hidden = first.to_string();
        if let Some(code) = hidden::run(&hidden, &arguments[1..]) {
            return code;
        }
    }
    end_quietly_when_nobody_reads();
    let name = base_name(&path);
    if let Some((_, tool)) = TOOLS.iter().find(|(tool, _)| *tool == name) {
        return tool(Call { name, path: path.to_string_lossy().into_owned(), arguments });
    }
    own(path, arguments)
}

/// `pg_ctl status | head -1` closes the pipe early: the tool ends as others do by SIGPIPE, which the runtime ignores.
fn end_quietly_when_nobody_reads() {
    let standard = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |fault| {
        let text = fault.payload().downcast_ref::<String>();
        if text.is_some_and(|t| t.starts_with("failed printing to std") && t.contains("Broken pipe")) {
            std::process::exit(128 + 13);
        }
        standard(fault);
    }));
}

fn base_name(path: &OsString) -> String {
    Path::new(path).file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default()
}

/// Called as `outlast`, or by any other name.
fn own(path: OsString, mut arguments: Vec<OsString>) -> ExitCode {
    let path = path.to_string_lossy().into_owned();
    let first = arguments.first().map(|a| a.to_string_lossy().into_owned()).unwrap_or_default();
    if let Some((tool, run)) = TOOLS.iter().find(|(tool, _)| *tool == first) {
        arguments.remove(0);
        let path = Path::new(&path).with_file_name(tool).to_string_lossy().into_owned();
        return run(Call { name: tool.to_string(), path, arguments });
    }
    let call = |name: &str, arguments| Call { name: name.to_string(), path: path.clone(), arguments };
    match first.as_str() {
        "link" => link::main(call("outlast", arguments.split_off(1))),
        "serve" => serve::main(call("outlast", arguments.split_off(1))),
        "--help" | "-?" | "help" => {
            print!("{HELP}");
            ExitCode::SUCCESS
        }
        "--version" | "-V" | "version" => {
            println!("outlast {} (compatible with PostgreSQL 15)", env!("CARGO_PKG_VERSION"));
            ExitCode::SUCCESS
        }
        word if word.is_empty() || word.starts_with('-') => serve::main(call("outlast", arguments)),
        word => {
            eprintln!("outlast: unknown command \"{word}\"\nTry \"outlast --help\" for more information.");
            ExitCode::FAILURE
        }
    }
}

/// `postgres (PostgreSQL) 15.0 (Outlast 0.1.0)`.
fn version_line(name: &str) -> String {
    format!("{name} (PostgreSQL) {}", crate::settings::SERVER_VERSION)
}

/// Whether the first argument asks for help or the version, as every tool of PostgreSQL takes it; prints it.
fn answers_first(call: &Call, help: &str) -> bool {
    match call.arguments.first().and_then(|a| a.to_str()) {
        Some("--help" | "-?") => print!("{help}"),
        Some("--version" | "-V") => println!("{}", version_line(&call.name)),
        _ => return false,
    }
    true
}
