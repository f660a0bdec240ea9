//! Small files beside the data: pid files, socket locks, facts of /proc. Never data files.

use rustix::fs::{Mode, OFlags};
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

/// The whole contents.
pub fn read(path: impl AsRef<Path>) -> io::Result<Vec<u8>> {
    let file = rustix::fs::open(path.as_ref(), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
    read_all(&file)
}

/// The contents up to the end of the file, from the descriptor's position.
pub fn read_all(file: &OwnedFd) -> io::Result<Vec<u8>> {
    let mut contents = Vec::new();
    loop {
        let mut part = [0; 4096];
        match rustix::io::retry_on_intr(|| rustix::io::read(file, &mut part))? {
            0 => return Ok(contents),
            n => contents.extend_from_slice(&part[..n]),
        }
    }
}

/// Replaces a file at once: no reader ever sees it empty or half written.
pub fn replace(path: impl AsRef<Path>, contents: &[u8], mode: u32) -> io::Result<()> {
    let path = path.as_ref();
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".tmp");
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    let file = rustix::fs::open(&temporary, flags, Mode::from_raw_mode(mode))?;
    write_all(&file, contents)?;
    rustix::fs::fsync(&file)?;
    Ok(rustix::fs::rename(&temporary, path)?)
}

/// Creates a file that must not exist.
pub fn create(path: impl AsRef<Path>, contents: &[u8], mode: u32) -> io::Result<()> {
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let file = rustix::fs::open(path.as_ref(), flags, Mode::from_raw_mode(mode))?;
    write_all(&file, contents)?;
    Ok(rustix::fs::fsync(&file)?)
}

pub fn write_all(file: &OwnedFd, mut contents: &[u8]) -> io::Result<()> {
    while !contents.is_empty() {
        let n = rustix::io::retry_on_intr(|| rustix::io::write(file, contents))?;
        contents = &contents[n..];
    }
    Ok(())
}

/// Sets both times of a file to now.
pub fn touch(path: impl AsRef<Path>) {
    use rustix::fs::{AtFlags, CWD, Timespec, Timestamps, UTIME_NOW, utimensat};
    let now = Timespec { tv_sec: 0, tv_nsec: UTIME_NOW };
    let times = Timestamps { last_access: now, last_modification: now };
    let _ = utimensat(CWD, path.as_ref(), &times, AtFlags::SYMLINK_NOFOLLOW);
}

/// Removes a file; one that is not there is fine.
pub fn remove(path: impl AsRef<Path>) {
    let _ = rustix::fs::unlink(path.as_ref());
}
