//! The real disk.

use super::{Disk, Entry, File};
use rustix::io::Errno;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

/// A directory tree of the operating system.
pub struct Posix {
    root: PathBuf,
    release: OnceLock<Box<dyn Fn() -> bool + Send + Sync>>,
}

impl Posix {
    /// A disk whose relative paths start at `root`.
    pub fn new(root: impl Into<PathBuf>) -> Posix {
        Posix { root: root.into(), release: OnceLock::new() }
    }

    pub fn root(&self) -> &Path {
        &self.root
    }

    fn at(&self, path: &str) -> PathBuf {
        self.root.join(path)
    }

    /// Opens something; where there are no descriptors left, others are given up for it.
    fn with_descriptor<T>(&self, open: impl Fn() -> io::Result<T>) -> io::Result<T> {
        let short = |e: &io::Error| matches!(Errno::from_io_error(e), Some(Errno::MFILE | Errno::NFILE));
        loop {
            match open() {
                Err(e) if short(&e) && self.release.get().is_some_and(|release| release()) => {}
                done => return done,
            }
        }
    }
}

impl Disk for Posix {
    fn on_shortage(&self, release: Box<dyn Fn() -> bool + Send + Sync>) {
        // Whoever came first keeps the files.
        let _ = self.release.set(release);
    }

    fn open(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = self.at(path);
        let file = self.with_descriptor(|| fs::OpenOptions::new().read(true).write(true).open(&path))?;
        Ok(Arc::new(PosixFile(file)))
    }

    fn access_and_change_us(&self, path: &str) -> io::Result<(i64, i64)> {
        let meta = fs::metadata(self.at(path))?;
        let us = |seconds: i64, nanoseconds: i64| seconds * 1_000_000 + nanoseconds / 1000;
        Ok((us(meta.atime(), meta.atime_nsec()), us(meta.ctime(), meta.ctime_nsec())))
    }

    fn size_on_disk(&self, path: &str) -> io::Result<u64> {
        Ok(fs::metadata(self.at(path))?.len())
    }

    fn create(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = self.at(path);
        let made = || fs::OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(&path);
        let file = self.with_descriptor(made)?;
        Ok(Arc::new(PosixFile(file)))
    }

    fn open_to_read(&self, path: &str) -> io::Result<Arc<dyn File>> {
        Ok(Arc::new(PosixFile(self.with_descriptor(|| fs::File::open(self.at(path)))?)))
    }

    fn open_to_write(&self, path: &str) -> io::Result<Arc<dyn File>> {
        let path = self.at(path);
        let is_new = fs::symlink_metadata(&path).is_err();
        let file =
            self.with_descriptor(|| fs::OpenOptions::new().write(true).create(true).truncate(true).open(&path))?;
        if is_new {
            // The server's umask keeps others from its own files; this one is for them.
            file.set_permissions(fs::Permissions::from_mode(0o644))?;
        }
        Ok(Arc::new(PosixFile(file)))
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        fs::rename(self.at(from), self.at(to))
    }

    fn remove(&self, path: &str) -> io::Result<()> {
        fs::remove_file(self.at(path))
    }

    fn mkdir(&self, path: &str) -> io::Result<()> {
        fs::DirBuilder::new().mode(0o700).create(self.at(path))
    }

    fn rmdir(&self, path: &str) -> io::Result<()> {
        fs::remove_dir(self.at(path))
    }

    fn list(&self, path: &str) -> io::Result<Vec<Entry>> {
        let mut all = Vec::new();
        for entry in self.with_descriptor(|| fs::read_dir(self.at(path)))? {
            let entry = entry?;
            // What lies behind a link counts: tablespaces are links, and the log may be one.
            let meta = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => fs::metadata(entry.path()).or_else(|_| entry.metadata()),
                _ => entry.metadata(),
            };
            match (entry.file_name().into_string(), meta) {
                (Ok(name), Ok(meta)) => all.push(describe(name, &meta)),
                // Gone between the two calls, or a name that is not ours.
                _ => continue,
            }
        }
        all.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(all)
    }

    fn stat(&self, path: &str) -> io::Result<Entry> {
        let name = path.rsplit('/').next().unwrap_or(path).to_string();
        Ok(describe(name, &fs::metadata(self.at(path))?))
    }

    fn sync_dir(&self, path: &str) -> io::Result<()> {
        self.with_descriptor(|| fs::File::open(self.at(path)))?.sync_all()
    }

    fn sync_file_system(&self, path: &str) -> io::Result<()> {
        Ok(rustix::fs::syncfs(self.with_descriptor(|| fs::File::open(self.at(path)))?)?)
    }

    fn link(&self, path: &str, target: &str) -> io::Result<()> {
        std::os::unix::fs::symlink(target, self.at(path))
    }

    fn read_link(&self, path: &str) -> io::Result<Option<String>> {
        match fs::symlink_metadata(self.at(path))?.is_symlink() {
            true => Ok(Some(fs::read_link(self.at(path))?.to_string_lossy().into_owned())),
            false => Ok(None),
        }
    }

    fn make_private(&self, path: &str) -> io::Result<()> {
        fs::set_permissions(self.at(path), fs::Permissions::from_mode(0o700))
    }

    fn os_path(&self, path: &str) -> String {
        self.at(path).to_string_lossy().into_owned()
    }
}

fn describe(name: String, meta: &fs::Metadata) -> Entry {
    let is_dir = meta.is_dir();
    let modified_us = meta.mtime() * 1_000_000 + meta.mtime_nsec() / 1000;
    Entry { name, is_dir, len: if is_dir { 0 } else { meta.len() }, modified_us }
}

struct PosixFile(fs::File);

impl File for PosixFile {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut done = 0;
        while done < buf.len() {
            match self.0.read_at(&mut buf[done..], offset + done as u64) {
                Ok(0) => break,
                Ok(n) => done += n,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(e),
            }
        }
        Ok(done)
    }

    fn write_at(&self, buf: &[u8], offset: u64) -> io::Result<()> {
        self.0.write_all_at(buf, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn sync_all(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        // Small steps are cheaper written: no unwritten extents to convert later.
        if len > 64 * 1024 {
            match fallocate(&self.0, FallocateFlags::empty(), offset, len) {
                Ok(()) => return Ok(()),
                Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::INVAL) => {}
                Err(e) => return Err(e.into()),
            }
        }
        write_zeros(self, offset, len)
    }
}

/// Writes zeroes in small steps: the kernel keeps what one call writes as one piece of its cache (Linux, large folios), and
/// whoever later writes a few bytes of a large piece pays for all of its blocks (measured: 5 µs of a commit's 100).
pub fn write_zeros(file: &dyn File, mut offset: u64, mut len: u64) -> io::Result<()> {
    let zeros = vec![0u8; len.min(64 << 10) as usize];
    while len > 0 {
        let step = len.min(zeros.len() as u64);
        file.write_at(&zeros[..step as usize], offset)?;
        offset += step;
        len -= step;
    }
    Ok(())
}
