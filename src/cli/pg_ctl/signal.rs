//! Operations that only tell a running server something.

use super::{Control, Done, Failure, failure, send, usage};
use crate::disk::Posix;
use crate::logger::ROTATE_REQUEST;
use crate::process::small_file;
use crate::settings::os_text;
use crate::wal::control::{ControlFile, DbState};
use rustix::process::Signal;
use std::io::ErrorKind;

pub fn reload(control: &Control) -> Done {
    let server = control.running_server()?;
    control.refuse_single_user(&server, "reload")?;
    if let Err(e) = send(server.pid, Signal::HUP) {
        return failure(format!("could not send reload signal (PID: {}): {e}", server.pid));
    }
    control.say("server signaled\n");
    Ok(())
}

/// There are no standbys, so this is always refused; the state decides with which words.
pub fn promote(control: &Control) -> Done {
    let server = control.running_server()?;
    control.refuse_single_user(&server, "promote")?;
    match ControlFile::read(&Posix::new(control.dir())) {
        Ok(file) if file.state == DbState::InArchiveRecovery => {
            failure("cannot promote server; standby mode is not supported")
        }
        Ok(_) => failure("cannot promote server; server is not in standby mode"),
        Err(_) => failure("control file appears to be corrupt"),
    }
}

pub fn logrotate(control: &Control) -> Done {
    let server = control.running_server()?;
    if server.pid < 0 {
        return failure(format!("cannot rotate log file; single-user server is running (PID: {})", -server.pid));
    }
    let request = control.dir().join(ROTATE_REQUEST);
    if let Err(e) = small_file::replace(&request, b"", 0o600) {
        return failure(format!(
            "could not create log rotation signal file \"{}\": {}",
            request.display(),
            os_text(&e)
        ));
    }
    if let Err(e) = send(server.pid, Signal::USR1) {
        small_file::remove(&request);
        return failure(format!("could not send log rotation signal (PID: {}): {e}", server.pid));
    }
    control.say("server signaled to rotate log file\n");
    Ok(())
}

/// The signals `pg_ctl kill` takes.
pub fn by_name(name: &str) -> Result<Signal, Failure> {
    Ok(match name {
        "ABRT" => Signal::ABORT,
        "HUP" => Signal::HUP,
        "INT" => Signal::INT,
        "KILL" => Signal::KILL,
        "QUIT" => Signal::QUIT,
        "TERM" => Signal::TERM,
        "USR1" => Signal::USR1,
        "USR2" => Signal::USR2,
        _ => return usage(format!("pg_ctl: unrecognized signal name \"{name}\"")),
    })
}

/// Signals a process; a backend's number is no process's, so its postmaster is asked.
pub fn kill(control: &Control) -> Done {
    let Some((signal, pid)) = control.kill else { return usage("pg_ctl: missing arguments for kill mode") };
    let sent = match u32::try_from(pid) {
        Ok(backend) if backend >= crate::process::FIRST_BACKEND_PID => signal_backend(control, backend, signal),
        _ => send(pid, signal),
    };
    match sent {
        Ok(()) => Ok(()),
        Err(e) => failure(format!("could not send signal {} (PID: {pid}): {e}", signal.as_raw())),
    }
}

fn signal_backend(control: &Control, pid: u32, signal: Signal) -> Result<(), String> {
    let nobody = || Err("No such process".to_string());
    let ask = |dir: &std::path::Path| match crate::postmaster::control::signal_backend(dir, pid, signal.as_raw()) {
        Ok(true) => Ok(()),
        Ok(false) => nobody(),
        // No postmaster of ours there: a PostgreSQL's directory, or one that is just ending.
        Err(e) if matches!(e.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) => nobody(),
        Err(e) => Err(os_text(&e)),
    };
    if let Some(dir) = &control.directory {
        return ask(dir);
    }
    // Numbers of backends are a server's own: without -D the port in the environment says which one is meant; among
    // several servers none is guessed.
    let port = std::env::var("PGPORT").ok();
    let mut servers: Vec<std::path::PathBuf> = running_servers();
    servers.retain(|dir| port.is_none() || port_of(dir) == port);
    match servers.as_slice() {
        [dir] => ask(dir),
        _ => nobody(),
    }
}

/// Data directories of the servers whose postmasters run here: a postmaster's working directory is its data directory.
fn running_servers() -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|n| n.parse::<u32>().ok()) else { continue };
        let Ok(dir) = std::fs::read_link(entry.path().join("cwd")) else { continue };
        let file = std::fs::read_to_string(dir.join("postmaster.pid")).unwrap_or_default();
        if file.lines().next().and_then(|l| l.trim().parse::<u32>().ok()) == Some(pid) {
            found.push(dir);
        }
    }
    found
}

/// The fourth line of `postmaster.pid`.
fn port_of(dir: &std::path::Path) -> Option<String> {
    let file = std::fs::read_to_string(dir.join("postmaster.pid")).ok()?;
    file.lines().nth(3).map(|l| l.trim().to_string())
}
