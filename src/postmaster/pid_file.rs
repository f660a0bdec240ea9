//! `postmaster.pid` (for the tools; the lock is another file) and the sockets' lock files.
//!
//! Eight lines: pid, data directory, start time, port, socket directory, listen address, key and id,
//! status. The key is the data directory's inode as in PostgreSQL; there is no shared memory, so
//! the id is 0.

use crate::process::{PID_FILE, small_file};
use crate::settings::os_text;
use std::io;
use std::path::{Path, PathBuf};

/// What the lines say.
#[derive(Clone, Debug)]
pub struct PidFile {
    pub data_dir: PathBuf,
    pub start_s: i64,
    pub port: u16,
    /// The first directory of a Unix socket, or empty.
    pub socket_dir: String,
    /// The first listen address, or empty.
    pub address: String,
    pub key: u64,
}

impl PidFile {
    /// Writes the file with this status; readers see the old contents or the new, nothing between.
    pub fn write(&self, status: &str) -> io::Result<()> {
        let text = format!(
            "{}\n{}\n{}\n{}\n{}\n{}\n{:9} {:9}\n{status:8}\n",
            std::process::id(),
            self.data_dir.display(),
            self.start_s,
            self.port,
            self.socket_dir,
            self.address,
            self.key,
            0
        );
        small_file::replace(PID_FILE, text.as_bytes(), 0o600)
    }
}

/// Why the file is no longer ours, if it is not. PostgreSQL 15, miscinit.c, RecheckDataDirLockFile:
/// same rule, only a missing file or another pid counts, since a false alarm would end the server.
pub fn recheck() -> Option<String> {
    match small_file::read(PID_FILE) {
        Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            Some(format!("could not open file \"{PID_FILE}\": {}", os_text(&e)))
        }
        Err(_) => None,
        Ok(text) => {
            let pid = first_line_pid(&text).unwrap_or(0);
            (pid != std::process::id()).then(|| {
                format!("lock file \"{PID_FILE}\" contains wrong PID: {pid} instead of {}", std::process::id())
            })
        }
    }
}

/// The pid in a file's first line.
pub fn first_line_pid(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.lines().next()?.trim().parse().ok()
}

/// Guards a Unix socket's path against a postmaster of another data directory.
///
/// # Errors
/// The pid that owns the path.
pub fn lock_socket(path: &str, file: &PidFile) -> Result<(), SocketLockError> {
    let lock = format!("{path}.lock");
    let text = format!(
        "{}\n{}\n{}\n{}\n{}\n",
        std::process::id(),
        file.data_dir.display(),
        file.start_s,
        file.port,
        file.socket_dir
    );
    for _ in 0..100 {
        match small_file::create(&lock, text.as_bytes(), 0o600) {
            Ok(()) => return Ok(()),
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(SocketLockError::Io(lock, e)),
        }
        let old = match small_file::read(&lock) {
            Ok(old) => old,
            Err(e) if e.kind() == io::ErrorKind::NotFound => continue,
            Err(e) => return Err(SocketLockError::Io(lock, e)),
        };
        if let Some(pid) = owner(&old, &file.data_dir) {
            return Err(SocketLockError::Taken(lock, pid));
        }
        small_file::remove(&lock);
    }
    Err(SocketLockError::Io(lock, io::ErrorKind::AlreadyExists.into()))
}

/// Why a socket's path cannot be taken; the lock file's name comes first.
pub enum SocketLockError {
    Taken(String, u32),
    Io(String, io::Error),
}

/// The living process that a socket lock file names. A file of our own data directory is stale: we
/// hold that directory's lock.
fn owner(text: &[u8], data_dir: &Path) -> Option<u32> {
    let pid = first_line_pid(text)?;
    let dir = std::str::from_utf8(text).ok()?.lines().nth(1)?;
    let ours = pid == std::process::id() || Path::new(dir) == data_dir;
    (!ours && is_alive(pid)).then_some(pid)
}

fn is_alive(pid: u32) -> bool {
    let Some(pid) = i32::try_from(pid).ok().and_then(rustix::process::Pid::from_raw) else { return false };
    !matches!(rustix::process::test_kill_process(pid), Err(rustix::io::Errno::SRCH))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A lock of a living stranger is respected; a dead one's and our own directory's are replaced.
    #[test]
    fn socket_locks() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".s.PGSQL.1").display().to_string();
        let file = PidFile {
            data_dir: "/ours".into(),
            start_s: 1,
            port: 1,
            socket_dir: dir.path().display().to_string(),
            address: String::new(),
            key: 1,
        };
        let write = |text: &str| small_file::replace(format!("{path}.lock"), text.as_bytes(), 0o600).unwrap();
        write("1\n/other\n");
        assert!(matches!(lock_socket(&path, &file), Err(SocketLockError::Taken(_, 1))));
        write("1\n/ours\n");
        assert!(lock_socket(&path, &file).is_ok());
        write("2147483646\n/other\n");
        assert!(lock_socket(&path, &file).is_ok());
        write("junk");
        assert!(lock_socket(&path, &file).is_ok());
    }
}
