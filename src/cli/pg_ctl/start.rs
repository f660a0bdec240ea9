//! `pg_ctl start` and `pg_ctl initdb`.

use super::{Control, Done, failure};
use crate::base::clock::now_us;
use crate::cli::data_dir;
use crate::cli::hidden::DETACH_ARGUMENT;
use crate::settings::os_text;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

const WAITS_PER_S: u64 = 10;

#[derive(PartialEq)]
enum Waited {
    Ready,
    StillStarting,
    Failed,
}

pub fn start(control: &Control) -> Done {
    if control.server(1)?.is_some() {
        eprintln!("pg_ctl: another server might be running; trying to start server anyway");
    }
    let own = if control.directory_given {
        format!("-D {} ", quote(&control.dir().to_string_lossy()))
    } else {
        String::new()
    };
    launch(control, &own, control.options.as_deref().unwrap_or(""), control.program.clone())
}

/// Starts the server and waits. `own` and `options` are pieces of a shell command line.
pub fn launch(control: &Control, own: &str, options: &str, program: Option<String>) -> Done {
    if control.core_files {
        allow_core_files();
    }
    let start_s = now_us() / 1_000_000;
    let mut child = match spawn(control, own, options, program) {
        Ok(child) => child,
        Err(e) => return failure(format!("could not start server: {}", os_text(&e))),
    };
    if !control.wait {
        control.say("server starting\n");
        return Ok(());
    }
    control.say("waiting for server to start...");
    match wait_until_ready(control, &mut child, start_s) {
        Waited::Ready => {
            control.say(" done\nserver started\n");
            Ok(())
        }
        Waited::StillStarting => {
            control.say(" stopped waiting\n");
            failure("server did not start in time")
        }
        Waited::Failed => {
            control.say(" stopped waiting\n");
            failure("could not start server\nExamine the log output.")
        }
    }
}

/// For the shell, in double quotes.
pub fn quote(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        if matches!(c, '"' | '\\' | '$' | '`') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

fn allow_core_files() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Core);
    if limit.maximum == Some(0) {
        eprintln!("pg_ctl: cannot set core file size limit; disallowed by hard limit");
        return;
    }
    limit.current = limit.maximum;
    let _ = setrlimit(Resource::Core, limit);
}

/// The shell resolves the options' quotes and then becomes the server, in a session of its own, so that
/// the terminal's signals do not reach it.
fn spawn(control: &Control, own: &str, options: &str, program: Option<String>) -> std::io::Result<Child> {
    let program = match program {
        Some(program) => quote(&program),
        None => {
            let words = data_dir::server_command(&control.path, "postgres");
            words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" ")
        }
    };
    let no_adopt = if control.no_adopt { "--no-adopt " } else { "" };
    let output = match &control.log_file {
        Some(file) => format!("< /dev/null >> {} 2>&1", quote(file)),
        None => "< /dev/null 2>&1".to_string(),
    };
    let line = format!("exec {program} {own}{no_adopt}{options} {output}");
    // PostgreSQL gives the log file the data directory's permissions.
    rustix::process::umask(rustix::fs::Mode::from_raw_mode(umask(control)));
    let mut command = Command::new(std::env::current_exe()?);
    command.args([DETACH_ARGUMENT, "/bin/sh", "-c", &line]).stdin(Stdio::null());
    if let Some(dir) = &control.directory {
        command.env("PGDATA", dir);
    }
    command.spawn()
}

fn umask(control: &Control) -> u32 {
    match rustix::fs::stat(control.dir()) {
        Ok(stat) if stat.st_mode & 0o050 != 0 => 0o027,
        _ => 0o077,
    }
}

/// PostgreSQL 15, pg_ctl.c, wait_for_postmaster_start: line 8 of the pid file of the server we started.
fn wait_until_ready(control: &Control, child: &mut Child, start_s: i64) -> Waited {
    for i in 0..control.timeout_s * WAITS_PER_S {
        if let Ok(Some(file)) = data_dir::read_pid_file(control.dir())
            && file.start_s >= start_s - 2
            && file.pid == child.id() as i32
            && matches!(file.status.as_str(), "ready" | "standby")
        {
            return Waited::Ready;
        }
        if !matches!(child.try_wait(), Ok(None)) {
            return Waited::Failed;
        }
        if i % WAITS_PER_S == 0 {
            control.say(".");
        }
        std::thread::sleep(Duration::from_millis(1000 / WAITS_PER_S));
    }
    Waited::StillStarting
}

/// `pg_ctl initdb`: runs initdb with the options of -o.
pub fn initialize(control: &Control) -> Done {
    let words = data_dir::server_command(&control.path, "initdb");
    let program = words.iter().map(|w| quote(w)).collect::<Vec<_>>().join(" ");
    let own = match &control.directory {
        Some(dir) if control.directory_given => format!("-D {} ", quote(&dir.to_string_lossy())),
        _ => String::new(),
    };
    let output = if control.silent { " > /dev/null" } else { "" };
    let line = format!("{program} {own}{}{output}", control.options.as_deref().unwrap_or(""));
    match Command::new("/bin/sh").args(["-c", &line]).status() {
        Ok(status) if status.success() => Ok(()),
        _ => failure("database system initialization failed"),
    }
}
