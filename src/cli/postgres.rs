//! `postgres`: the server's own command line.

use super::arguments::{Argument, Arguments};
use super::{Call, data_dir, version_line};
use crate::base::report::{self, Origin as Speaker};
use crate::base::{Error, Severity, SqlState};
use crate::process::config_files::RealConfigFiles;
use crate::settings::{Global, Lookup, Origin, SessionSettings, find, os_text, switches};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

const HELP: &str = "\
postgres is the Outlast server, compatible with PostgreSQL 15.

Usage:
  postgres [OPTION]...

Options:
  -B NBUFFERS        number of shared buffers
  -c NAME=VALUE      set run-time parameter
  -C NAME            print value of run-time parameter, then exit
  -d 1-5             debugging level
  -D DATADIR         database directory
  -e                 use European date input format (DMY)
  -F                 turn fsync off
  -h HOSTNAME        host name or IP address to listen on
  -i                 enable TCP/IP connections
  -k DIRECTORY       Unix-domain socket location
  -l                 enable SSL connections
  -N MAX-CONNECT     maximum number of allowed connections
  -p PORT            port number to listen on
  -s                 show statistics after each query
  -S WORK-MEM        set amount of memory for sorts (in kB)
  -V, --version      output version information, then exit
  --NAME=VALUE       set run-time parameter
  --no-adopt         refuse to start while sessions of a killed postmaster live
  --describe-config  describe configuration parameters, then exit
  -?, --help         show this help, then exit
";

/// What was asked for on the command line.
#[derive(Default, Debug)]
pub struct Request {
    pub data_directory: Option<String>,
    pub settings: Vec<(String, String)>,
    pub print: Option<String>,
    pub no_adopt: bool,
}

/// A message that ends the process, and its exit code.
struct Refusal(String, u8);

pub fn main(call: Call) -> ExitCode {
    match call.arguments.first().and_then(|a| a.to_str()) {
        Some("--help" | "-?") => {
            print!("{HELP}");
            return ExitCode::SUCCESS;
        }
        Some("--version" | "-V") => {
            println!("{}", version_line("postgres"));
            return ExitCode::SUCCESS;
        }
        Some("--describe-config") => {
            print!("{}", describe_config());
            return ExitCode::SUCCESS;
        }
        Some(mode @ ("--single" | "--boot" | "--check")) => {
            eprintln!("postgres: {mode} is not supported: there is no single-user mode");
            return ExitCode::FAILURE;
        }
        _ => {}
    }
    let command_line = command_line(&call);
    crate::logger::install(
        Arc::new(Global::boot()),
        Speaker { backend_type: "postmaster", ..Speaker::default() },
        false,
    );
    match run(call, command_line) {
        Ok(code) => code,
        Err(Refusal(text, code)) => {
            if !text.is_empty() {
                eprintln!("{text}");
            }
            ExitCode::from(code)
        }
    }
}

/// As `postmaster.opts` keeps it.
fn command_line(call: &Call) -> Vec<String> {
    let program = data_dir::server_command(&call.path, "postgres");
    let arguments = call.arguments.iter().map(|a| a.to_string_lossy().into_owned());
    program.into_iter().chain(arguments).collect()
}

fn run(call: Call, command_line: Vec<String>) -> Result<ExitCode, Refusal> {
    let name = call.name.clone();
    let request = parse(call)?;
    let origin = locate(&name, &request)?;
    if let Some(parameter) = &request.print {
        return print_value(&origin, parameter);
    }
    warn_root();
    let options = crate::postmaster::Options {
        origin,
        no_adopt: request.no_adopt,
        command_line,
        check_libraries: Some(check_libraries),
    };
    Ok(crate::postmaster::run(options))
}

/// What `shared_preload_libraries` names.
pub fn check_libraries(list: &str) -> crate::base::Result<()> {
    crate::sql::extension::check_libraries(list, false)
}

/// PostgreSQL refuses root; containers often have nobody else.
fn warn_root() {
    if rustix::process::geteuid().is_root() {
        let report = crate::base::error::Report::notice(
            Severity::Warning,
            SqlState::WARNING,
            "running as \"root\": a fault in the server would have all rights",
        );
        report::log(&report.with_hint("Start the server under an unprivileged user ID."));
    }
}

fn fatal(text: String) -> Refusal {
    report::log(&Error::new(SqlState::SYNTAX_ERROR, text).severity(Severity::Fatal).0);
    Refusal(String::new(), 1)
}

fn parse(call: Call) -> Result<Request, Refusal> {
    let refuse = |line: String| Refusal(format!("{line}\nTry \"postgres --help\" for more information."), 1);
    let mut arguments = Arguments::new(&call.path, call.arguments);
    let mut request = Request::default();
    while let Some(argument) = arguments.next().map_err(refuse)? {
        match &argument {
            Argument::Long(name) if name == "no-adopt" => request.no_adopt = true,
            Argument::Long(name) => {
                let Some(value) = arguments.attached() else { return Err(fatal(format!("--{name} requires a value"))) };
                add_setting(name, value, &mut request)?;
            }
            Argument::Short(c) if let Some(with_value) = switches::takes_value(*c) => {
                let value = if with_value { arguments.value(&argument).map_err(refuse)? } else { String::new() };
                switch(*c, value, &mut request)?;
            }
            Argument::Short(_) => return Err(refuse(arguments.unknown(&argument))),
            Argument::Word(word) => return Err(refuse(format!("{}: invalid argument: \"{word}\"", call.name))),
        }
    }
    Ok(request)
}

/// A dash in a name stands for an underscore; a name nobody knows ends the start at once.
fn add_setting(name: &str, value: String, request: &mut Request) -> Result<(), Refusal> {
    let name = name.replace('-', "_");
    if find(&name).is_none() && !name.contains('.') {
        return Err(fatal(format!("unrecognized configuration parameter \"{name}\"")));
    }
    request.settings.push((name, value));
    Ok(())
}

fn switch(c: char, value: String, request: &mut Request) -> Result<(), Refusal> {
    match c {
        'D' => request.data_directory = Some(value),
        'C' => request.print = Some(value),
        'c' => {
            let Some((name, value)) = value.split_once('=') else {
                return Err(fatal(format!("-c {value} requires a value")));
            };
            return add_setting(name, value.to_string(), request);
        }
        _ => {
            let settings = switches::meaning(c, &value)
                .ok_or_else(|| fatal(format!("invalid argument for option -{c}: \"{value}\"")))?;
            request.settings.extend(settings.into_iter().map(|(name, value)| (name.to_string(), value)));
        }
    }
    Ok(())
}

/// Finds the data directory and the configuration file. PostgreSQL 15, guc.c, SelectConfigFiles.
fn locate(name: &str, request: &Request) -> Result<Origin, Refusal> {
    let given = |parameter: &str| {
        let found = request.settings.iter().rev().find(|(n, _)| n.eq_ignore_ascii_case(parameter));
        found.map(|(_, v)| PathBuf::from(v))
    };
    let dir = data_dir::chosen(request.data_directory.clone()).map(|d| data_dir::absolute(&d));
    if let Some(dir) = &dir
        && let Err(e) = rustix::fs::stat(dir)
    {
        let mut text = format!("{name}: could not access directory \"{}\": {}", dir.display(), os_text(&e.into()));
        if e == rustix::io::Errno::NOENT {
            text.push_str("\nRun initdb or pg_basebackup to initialize a PostgreSQL data directory.");
        }
        return Err(Refusal(text, 2));
    }
    let config_file = given("config_file").map(|f| data_dir::absolute(&f));
    let config = match (&config_file, &dir) {
        (Some(file), _) => file.clone(),
        (None, Some(dir)) => dir.join("postgresql.conf"),
        (None, None) => {
            let text = format!(
                "{name} does not know where to find the server configuration file.\n\
                 You must specify the --config-file or -D invocation option or set the PGDATA environment variable."
            );
            return Err(Refusal(text, 2));
        }
    };
    if let Err(e) = rustix::fs::stat(&config) {
        let shown = config.display();
        let text = os_text(&e.into());
        return Err(Refusal(format!("{name}: could not access the server configuration file \"{shown}\": {text}"), 2));
    }
    let named = given("data_directory").or_else(|| data_directory_in(&config));
    let Some(data_directory) = named.map(|d| data_dir::absolute(&d)).or(dir) else {
        let text = format!(
            "{name} does not know where to find the database system data.\n\
             This can be specified as \"data_directory\" in \"{}\", or by the -D invocation option, or by the PGDATA environment variable.",
            config.display()
        );
        return Err(Refusal(text, 2));
    };
    let moved = |parameter: &str| !matches!(parameter, "config_file" | "data_directory");
    let command_line = request.settings.iter().filter(|(n, _)| moved(&n.to_ascii_lowercase())).cloned().collect();
    Ok(Origin { data_directory, config_file, command_line })
}

/// `data_directory` as the configuration file sets it.
fn data_directory_in(config: &Path) -> Option<PathBuf> {
    let parsed = crate::settings::parse_file(&RealConfigFiles, config, true);
    let last = parsed.items.iter().rev().find(|i| i.name.eq_ignore_ascii_case("data_directory"))?;
    Some(PathBuf::from(&last.value)).filter(|p| !p.as_os_str().is_empty())
}

fn print_value(origin: &Origin, name: &str) -> Result<ExitCode, Refusal> {
    let settings = Global::load(origin.clone(), Arc::new(RealConfigFiles)).map_err(|(reports, e)| {
        reports.iter().for_each(report::log);
        report::log(&e.0);
        Refusal(String::new(), 1)
    })?;
    let shown = match find(name) {
        Some(id) => Ok(settings.show(id)),
        None => SessionSettings::new(&settings).show_by_name(name, true),
    };
    match shown {
        Ok(value) => {
            println!("{value}");
            Ok(ExitCode::SUCCESS)
        }
        Err(e) => {
            report::log(&e.severity(Severity::Fatal).0);
            Ok(ExitCode::FAILURE)
        }
    }
}

/// One tab-separated line for each parameter, as PostgreSQL's help_config.c prints them.
fn describe_config() -> String {
    use crate::settings::{Kind, PARAMETERS};
    let mut text = String::new();
    for p in PARAMETERS {
        let (kind, min, max) = match p.kind {
            Kind::Bool => ("BOOLEAN", String::new(), String::new()),
            Kind::Int { min, max, .. } => ("INTEGER", min.to_string(), max.to_string()),
            Kind::Real { min, max, .. } => ("REAL", crate::settings::format_g(min), crate::settings::format_g(max)),
            Kind::String => ("STRING", String::new(), String::new()),
            Kind::Enum { .. } => ("ENUM", String::new(), String::new()),
        };
        text.push_str(&format!(
            "{}\t{}\t{}\t{kind}\t{}\t{min}\t{max}\t{}\t\n",
            p.name,
            p.context.as_str(),
            p.category,
            p.boot,
            p.description
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(words: &[&str]) -> Result<Request, String> {
        let arguments = words.iter().map(Into::into).collect();
        parse(Call { name: "postgres".into(), path: "/b/postgres".into(), arguments }).map_err(|r| r.0)
    }

    /// Options stand for settings, in order, and dashes in long names for underscores.
    #[test]
    fn options() {
        let r =
            request(&["-D", "/d", "-p7", "-i", "-F", "--work-mem=1MB", "-c", "a.b=c=d", "--no-adopt", "-d1"]).unwrap();
        let set: Vec<_> = r.settings.iter().map(|(n, v)| format!("{n}={v}")).collect();
        assert_eq!(
            set,
            [
                "port=7",
                "listen_addresses=*",
                "fsync=false",
                "work_mem=1MB",
                "a.b=c=d",
                "log_min_messages=debug1",
                "log_connections=true",
                "log_disconnections=true"
            ]
        );
        assert!(r.no_adopt && r.data_directory.as_deref() == Some("/d"));
        let e = request(&["-z"]).unwrap_err();
        assert_eq!(e, "/b/postgres: invalid option -- 'z'\nTry \"postgres --help\" for more information.");
    }
}
