//! Configuration files as they are on disk, for the processes that have no `disk` open.

use super::small_file;
use crate::settings::ConfigFiles;
use rustix::fs::{Dir, Mode, OFlags};
use std::io;
use std::path::Path;

pub struct RealConfigFiles;

impl ConfigFiles for RealConfigFiles {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        small_file::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let dir = rustix::fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        let mut names = Vec::new();
        for entry in Dir::read_from(&dir)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if name != "." && name != ".." {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        small_file::replace(path, bytes, 0o600)?;
        // The new name must survive a power loss, too.
        let parent = path.parent().unwrap_or(Path::new("."));
        let dir = rustix::fs::open(parent, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())?;
        Ok(rustix::fs::fsync(&dir)?)
    }
}
