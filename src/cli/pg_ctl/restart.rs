//! `pg_ctl restart`: stops, then starts with the options the server had.

use super::{Control, Done, failure, send, start, stop};
use crate::cli::data_dir;
use crate::process::small_file;
use crate::settings::os_text;

pub fn restart(control: &Control) -> Done {
    let Some(server) = control.server(1)? else {
        eprintln!("pg_ctl: PID file \"{}\" does not exist", control.pid_path().display());
        eprintln!("Is server running?\ntrying to start server anyway");
        return start_again(control);
    };
    if server.pid < 0 && data_dir::is_alive(-server.pid) {
        return failure(format!(
            "cannot restart server; single-user server is running (PID: {})\nPlease terminate the single-user server and try again.",
            -server.pid
        ));
    }
    if data_dir::is_alive(server.pid) {
        if let Err(e) = send(server.pid, control.mode.signal()) {
            return failure(format!("could not send stop signal (PID: {}): {e}", server.pid));
        }
        stop::wait_until_stopped(control)?;
    } else {
        eprintln!("pg_ctl: old server process (PID: {}) seems to be gone", server.pid.abs());
        eprintln!("starting server anyway");
    }
    start_again(control)
}

fn start_again(control: &Control) -> Done {
    let (program, options) = match saved_options(control)? {
        Some((program, options)) => (Some(program), options),
        None => (None, String::new()),
    };
    if control.server(1)?.is_some() {
        eprintln!("pg_ctl: another server might be running; trying to start server anyway");
    }
    let own = match options.is_empty() && control.directory_given {
        true => format!("-D {} ", start::quote(&control.dir().to_string_lossy())),
        false => String::new(),
    };
    // Options given now replace the saved ones, but the data directory must be named.
    let options = match &control.options {
        Some(given) => format!("-D {} {given}", start::quote(&control.dir().to_string_lossy())),
        None => options,
    };
    let program = control
        .program
        .clone()
        .or(program.filter(|p| rustix::fs::access(p.as_str(), rustix::fs::Access::EXEC_OK).is_ok()));
    start::launch(control, &own, &options, program)
}

/// The program and the quoted rest of the line in `postmaster.opts`.
fn saved_options(control: &Control) -> Result<Option<(String, String)>, super::Failure> {
    let path = control.dir().join("postmaster.opts");
    let bytes = match small_file::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(e) => return failure(format!("could not read file \"{}\": {}", path.display(), os_text(&e))),
    };
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let mut lines = text.lines();
    let (Some(line), None) = (lines.next(), lines.next()) else {
        return failure(format!("option file \"{}\" must have exactly one line", path.display()));
    };
    let at = line.find(" \"").unwrap_or(line.len());
    Ok(Some((line[..at].to_string(), line[at..].trim_start().to_string())))
}
