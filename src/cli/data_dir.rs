//! What the tools look up in a data directory: the pid file, the options file, the server's program.

use crate::process::{PID_FILE, small_file};
use crate::settings::os_text;
use std::io;
use std::path::{Path, PathBuf};

/// `-D`, else PGDATA, without trailing slashes.
pub fn chosen(option: Option<String>) -> Option<PathBuf> {
    let dir = option.or_else(|| std::env::var("PGDATA").ok()).filter(|d| !d.is_empty())?;
    let trimmed = dir.trim_end_matches('/');
    Some(PathBuf::from(if trimmed.is_empty() { "/" } else { trimmed }))
}

/// Made absolute against the working directory.
pub fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf())
}

/// What `postmaster.pid` says.
#[derive(Debug, PartialEq, Default)]
pub struct PidFile {
    /// Negative: a single-user server.
    pub pid: i32,
    pub start_s: i64,
    pub port: Option<u16>,
    pub socket_dir: String,
    /// Line 8 without its padding, empty if it is not there yet.
    pub status: String,
}

/// Why there is no answer.
#[derive(Debug)]
pub enum PidFileError {
    /// For the tool's exit: the text after its name.
    Text(String),
}

/// Reads the pid file; `None` if there is none.
pub fn read_pid_file(dir: &Path) -> Result<Option<PidFile>, PidFileError> {
    let path = dir.join(PID_FILE);
    let bytes = match small_file::read(&path) {
        Ok(bytes) => bytes,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(e) => {
            let text = format!("could not open PID file \"{}\": {}", path.display(), os_text(&e));
            return Err(PidFileError::Text(text));
        }
    };
    let text = String::from_utf8_lossy(&bytes);
    if text.is_empty() {
        return Err(PidFileError::Text(format!("the PID file \"{}\" is empty", path.display())));
    }
    parse_pid_file(&text)
        .map(Some)
        .ok_or_else(|| PidFileError::Text(format!("invalid data in PID file \"{}\"", path.display())))
}

fn parse_pid_file(text: &str) -> Option<PidFile> {
    let mut lines = text.lines();
    let pid = lines.next()?.trim().parse().ok()?;
    let rest: Vec<&str> = lines.collect();
    let line = |n: usize| rest.get(n - 2).copied().unwrap_or("").trim();
    Some(PidFile {
        pid,
        start_s: line(3).parse().unwrap_or(0),
        port: line(4).parse().ok(),
        socket_dir: line(5).to_string(),
        status: line(8).to_string(),
    })
}

/// Whether a process with this pid exists (and is not a zombie that nobody reaps).
pub fn is_alive(pid: i32) -> bool {
    let Some(target) = rustix::process::Pid::from_raw(pid) else { return false };
    if rustix::process::getppid() == Some(target) || rustix::process::getpid() == target {
        return false;
    }
    rustix::process::test_kill_process(target).is_ok()
}

/// How to run this binary as `postgres` or another tool in a shell: beside the path we were called by, if
/// such a link is there, else with the tool's name as first argument.
pub fn server_command(called_as: &str, tool: &str) -> Vec<String> {
    let us = std::env::current_exe().unwrap_or_else(|_| PathBuf::from("outlast"));
    let mut beside = Vec::new();
    if called_as.contains('/') {
        beside.push(absolute(&Path::new(called_as).with_file_name(tool)));
    } else if let Some(found) = in_path(called_as) {
        beside.push(found.with_file_name(tool));
    }
    beside.push(us.with_file_name(tool));
    for path in beside {
        if std::path::Path::canonicalize(&path).ok() == us.canonicalize().ok() {
            return vec![path.to_string_lossy().into_owned()];
        }
    }
    vec![us.to_string_lossy().into_owned(), tool.to_string()]
}

fn in_path(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|p| p.exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All eight lines are read, a file that is being written has no status yet, and junk is refused.
    #[test]
    fn pid_files() {
        let text = "13574\n/d\n1795166739\n6101\n/tmp\n127.0.0.1\n 10290643        14\nready   \n";
        let file = parse_pid_file(text).unwrap();
        assert_eq!((file.pid, file.start_s, file.port), (13574, 1_795_166_739, Some(6101)));
        assert_eq!((file.socket_dir.as_str(), file.status.as_str()), ("/tmp", "ready"));
        assert_eq!(parse_pid_file("7\n").unwrap().status, "");
        assert_eq!(parse_pid_file("junk\n"), None);
    }
}
