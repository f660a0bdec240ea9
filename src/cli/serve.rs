//! `outlast serve`: a server here and now.

use super::arguments::{Argument, Arguments};
use super::{Call, data_dir, initdb, postgres};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

const HELP: &str = "\
outlast serve starts a server in the foreground. An empty or missing data directory is made first.

Usage:
  outlast [serve] [-D DIRECTORY] [-p PORT] [-h ADDRESSES] [-k DIRECTORY] [-c NAME=VALUE]...

Options:
  -D, --pgdata=DIRECTORY  data directory (else PGDATA, else ./data)
  -U, --username=NAME     superuser's name, when the directory is made (default postgres)
  -A, --auth=METHOD       authentication, when the directory is made (default trust)
      --pwfile=FILE       the superuser's password, when the directory is made
  -p PORT, -h ADDRESSES, -k DIRECTORY, -c NAME=VALUE, --NAME=VALUE   as for postgres
";

#[derive(Default)]
struct Request {
    directory: Option<String>,
    initdb: Vec<OsString>,
    postgres: Vec<OsString>,
}

pub fn main(call: Call) -> ExitCode {
    if super::answers_first(&call, HELP) {
        return ExitCode::SUCCESS;
    }
    let path = call.path.clone();
    let request = match parse(call) {
        Ok(request) => request,
        Err(text) => {
            eprintln!("{text}\nTry \"outlast serve --help\" for more information.");
            return ExitCode::FAILURE;
        }
    };
    let directory = data_dir::chosen(request.directory.clone()).unwrap_or_else(|| PathBuf::from("data"));
    let directory = data_dir::absolute(&directory);
    if !has_cluster(&directory) {
        let code = make(&path, &directory, &request);
        if code != ExitCode::SUCCESS {
            return code;
        }
    }
    let mut arguments: Vec<OsString> = vec!["-D".into(), directory.clone().into()];
    arguments.extend(request.postgres);
    say_how_to_connect(&directory, &arguments);
    postgres::main(Call { name: "postgres".into(), path, arguments })
}

fn parse(call: Call) -> Result<Request, String> {
    let mut arguments = Arguments::new(&call.path, call.arguments);
    let mut request = Request::default();
    while let Some(argument) = arguments.next()? {
        match &argument {
            Argument::Short('D') => request.directory = Some(arguments.value(&argument)?),
            Argument::Long(name) if name == "pgdata" => request.directory = Some(arguments.value(&argument)?),
            Argument::Long(name) if matches!(name.as_str(), "username" | "auth" | "pwfile") => {
                let value = arguments.value(&argument)?;
                request.initdb.push(format!("--{name}={value}").into());
            }
            Argument::Short(c @ ('U' | 'A')) => {
                let value = arguments.value(&argument)?;
                request.initdb.push(format!("-{c}{value}").into());
            }
            Argument::Long(name) => {
                let word = match arguments.attached() {
                    Some(value) => format!("--{name}={value}"),
                    None => format!("--{name}"),
                };
                request.postgres.push(word.into());
            }
            Argument::Short(c) if "BcdhkNpS".contains(*c) => {
                let value = arguments.value(&argument)?;
                request.postgres.extend([format!("-{c}").into(), value.into()]);
            }
            Argument::Short(c) if "iF".contains(*c) => request.postgres.push(format!("-{c}").into()),
            other => return Err(arguments.unknown(other)),
        }
    }
    Ok(request)
}

fn has_cluster(directory: &Path) -> bool {
    rustix::fs::access(directory.join("PG_VERSION"), rustix::fs::Access::EXISTS).is_ok()
}

fn make(path: &str, directory: &Path, request: &Request) -> ExitCode {
    let mut arguments: Vec<OsString> = vec!["-D".into(), directory.into(), "--no-instructions".into()];
    arguments.push("--username=postgres".into());
    if !request
        .initdb
        .iter()
        .any(|a| a.to_string_lossy().starts_with("-A") || a.to_string_lossy().starts_with("--auth"))
    {
        arguments.push("--auth=trust".into());
    }
    arguments.extend(request.initdb.iter().cloned());
    initdb::main(Call { name: "initdb".into(), path: path.to_string(), arguments })
}

/// The line a person copies; the port and address that the settings will give.
fn say_how_to_connect(directory: &Path, arguments: &[OsString]) {
    use crate::settings::{Global, Id, Lookup, Origin};
    let mut origin = Origin { data_directory: directory.to_path_buf(), ..Origin::default() };
    let mut words = arguments.iter().map(|a| a.to_string_lossy().into_owned()).peekable();
    while let Some(word) = words.next() {
        if word == "-p"
            && let Some(port) = words.next()
        {
            origin.command_line.push(("port".into(), port));
        } else if word == "-k"
            && let Some(dir) = words.next()
        {
            origin.command_line.push(("unix_socket_directories".into(), dir));
        }
    }
    let files = std::sync::Arc::new(crate::process::config_files::RealConfigFiles);
    let Ok(settings) = Global::load(origin, files) else { return };
    let sockets = settings.str(Id::UnixSocketDirectories);
    let socket = sockets.split(',').next().unwrap_or("").trim().to_string();
    let host = if socket.is_empty() { "localhost" } else { &socket };
    eprintln!("Connect with:\n\n    psql -h {host} -p {} -U postgres\n", settings.int(Id::Port));
}
