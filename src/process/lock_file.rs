//! Exclusive locks that the kernel releases with their process (PROC-2).

use super::small_file;
use rustix::fs::{FlockOperation, Mode, OFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// Held until it is dropped or the process ends.
#[derive(Debug)]
pub struct Lock {
    _file: OwnedFd,
}

/// Takes the lock and writes our pid into its file, for people and for error texts; `None` if
/// another process holds it.
pub fn try_lock(path: impl AsRef<Path>) -> io::Result<Option<Lock>> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(path.as_ref(), flags, Mode::from_raw_mode(0o600))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => {}
        Err(rustix::io::Errno::WOULDBLOCK) => return Ok(None),
        Err(e) => return Err(e.into()),
    }
    rustix::fs::ftruncate(&file, 0)?;
    small_file::write_all(&file, format!("{}\n", std::process::id()).as_bytes())?;
    Ok(Some(Lock { _file: file }))
}

/// Whether nobody holds the lock at this moment.
pub fn is_free(path: impl AsRef<Path>) -> io::Result<bool> {
    let flags = OFlags::RDWR | OFlags::CREATE | OFlags::CLOEXEC;
    let file = rustix::fs::open(path.as_ref(), flags, Mode::from_raw_mode(0o600))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
        Err(e) => Err(e.into()),
    }
}

/// The pid its last holder wrote, as that holder saw it.
pub fn holder(path: impl AsRef<Path>) -> Option<u32> {
    let text = small_file::read(path).ok()?;
    std::str::from_utf8(&text).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The second taker is refused while the first holds it, and not afterwards.
    #[test]
    fn one_holder_at_a_time() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        assert!(is_free(&path).unwrap());
        let lock = try_lock(&path).unwrap().unwrap();
        assert!(try_lock(&path).unwrap().is_none());
        assert!(!is_free(&path).unwrap());
        assert_eq!(holder(&path), Some(std::process::id()));
        drop(lock);
        assert!(try_lock(&path).unwrap().is_some());
    }
}
