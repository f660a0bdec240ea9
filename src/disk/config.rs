//! Configuration files, read and replaced for `settings`, which lies below and knows no disk.

use super::{Disk, Posix, durable};
use crate::settings::ConfigFiles;
use std::io;
use std::path::Path;

impl ConfigFiles for Posix {
    fn read(&self, path: &Path) -> io::Result<Vec<u8>> {
        std::fs::read(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Vec<String>> {
        let path = dir.to_string_lossy();
        Ok(Disk::list(self, &path)?.into_iter().filter(|e| !e.is_dir).map(|e| e.name).collect())
    }

    fn replace(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        durable::replace(self, &path.to_string_lossy(), bytes).map_err(|e| io::Error::other(e.message().to_string()))
    }
}
