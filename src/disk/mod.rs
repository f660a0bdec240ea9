//! The only file access of the crate: a trait, the real disk, and a simulated one for crash tests.
//!
//! Paths are relative to the disk's root (the data directory), with `/` between parts; an absolute
//! path leaves the root. Nothing here logs or decides; whoever handles the error reports it.
//!
//! Must never be bypassed: no other module names `std::fs`.
//!
//! Invariants
//! - DISK-1: what `File::sync` and `Disk::sync_dir` returned for survives a power loss; a failure of
//!   either is never retried, since the kernel may have thrown the pages away.
//! - DISK-2: `write_at` and `read_at` at the same file need no lock; nobody depends on a file offset.

pub mod durable;
pub mod error;
pub mod posix;
pub mod relation;
pub mod simulated;
pub mod tablespace;
pub mod withheld;

pub use error::{access_error, os_text};
pub use posix::Posix;
pub use relation::{RelationFile, Relations};
pub use simulated::Simulated;
pub use withheld::Withheld;

use std::io;
use std::sync::Arc;

/// An open file. All calls take the position explicitly (DISK-2).
pub trait File: Send + Sync {
    /// Reads until `buf` is full or the file ends; returns the bytes read.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
    /// Writes all of `buf`; extends the file where it must.
    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()>;
    /// Makes contents and length durable (fdatasync).
    fn sync(&self) -> io::Result<()>;
    /// As `sync`, with all metadata (fsync).
    fn sync_all(&self) -> io::Result<()> {
        self.sync()
    }
    fn len(&self) -> io::Result<u64>;
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Cuts the file, or extends it with a hole.
    fn set_len(&self, len: u64) -> io::Result<()>;
    /// Extends the file by zeroes whose space is really there: a full disk is told now, not later.
    fn allocate(&self, offset: u64, len: u64) -> io::Result<()>;
}

/// What a directory holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    pub is_dir: bool,
    /// Bytes, 0 for directories.
    pub len: u64,
    /// Last change of the contents, microseconds since 1970; 0 where unknown.
    pub modified_us: i64,
}

/// A directory tree of files.
pub trait Disk: Send + Sync {
    /// When the process may open no more files, `release` closes some that can be opened again, and tells whether there
    /// were any; then what failed is tried once more. PostgreSQL 15, fd.c, ReleaseLruFile: same.
    fn on_shortage(&self, release: Box<dyn Fn() -> bool + Send + Sync>) {
        let _ = release;
    }
    /// Opens an existing file for reading and writing.
    fn open(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Creates a file that must not exist yet (mode 0600).
    fn create(&self, path: &str) -> io::Result<Arc<dyn File>>;
    /// Opens for reading and writing, creating an empty file if there is none.
    fn open_or_create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        match self.open(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => self.create(path),
            done => done,
        }
    }
    /// Opens a file that others may have written, only to read it.
    fn open_to_read(&self, path: &str) -> io::Result<Arc<dyn File>> {
        self.open(path)
    }
    /// Opens a file for others to read (mode 0644), or a device: what was in it is gone.
    fn open_to_write(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let file = self.open_or_create(path)?;
        file.set_len(0)?;
        Ok(file)
    }
    /// Atomically gives a file another name, replacing what was there.
    fn rename(&self, from: &str, to: &str) -> io::Result<()>;
    fn remove(&self, path: &str) -> io::Result<()>;
    /// Creates one directory (mode 0700); its parent must exist.
    fn mkdir(&self, path: &str) -> io::Result<()>;
    /// Removes an empty directory.
    fn rmdir(&self, path: &str) -> io::Result<()>;
    /// The entries of a directory, sorted by name.
    fn list(&self, path: &str) -> io::Result<Vec<Entry>>;
    fn stat(&self, path: &str) -> io::Result<Entry>;
    /// Last access and last change of anything about a file, microseconds since 1970.
    fn access_and_change_us(&self, path: &str) -> io::Result<(i64, i64)> {
        self.stat(path).map(|e| (e.modified_us, e.modified_us))
    }
    /// Bytes as the operating system counts them, of directories, too.
    fn size_on_disk(&self, path: &str) -> io::Result<u64> {
        self.stat(path).map(|e| e.len)
    }
    fn exists(&self, path: &str) -> bool {
        self.stat(path).is_ok()
    }
    /// Makes creations, renames and removals in a directory durable.
    fn sync_dir(&self, path: &str) -> io::Result<()>;
    /// Makes all durable that is on the same file system as a directory.
    fn sync_file_system(&self, _path: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Makes a symbolic link to a path of the operating system.
    fn link(&self, _path: &str, _target: &str) -> io::Result<()> {
        Err(io::ErrorKind::Unsupported.into())
    }
    /// Where a symbolic link points; None if it is none.
    fn read_link(&self, _path: &str) -> io::Result<Option<String>> {
        Ok(None)
    }
    /// Lets only the owner in.
    fn make_private(&self, _path: &str) -> io::Result<()> {
        Ok(())
    }
    /// The path as the operating system knows it, for other programs (`archive_command`).
    fn os_path(&self, path: &str) -> String;
}

/// The disk of a data directory: the real one, or with `OUTLAST_CRASH_DISK=1` in the environment one on which a
/// `kill -9` loses what was not synced (crash tests).
pub fn of_data_directory(path: impl Into<std::path::PathBuf>) -> Arc<dyn Disk> {
    let real = Arc::new(Posix::new(path));
    if std::env::var_os("OUTLAST_CRASH_DISK").is_some_and(|v| v == "1") { Arc::new(Withheld::new(real)) } else { real }
}

/// The directory a path lies in, `.` for the root.
pub fn parent(path: &str) -> &str {
    match path.rfind('/') {
        Some(0) => "/",
        Some(at) => &path[..at],
        None => ".",
    }
}
