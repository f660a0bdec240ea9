//! Durable file steps: each returns only when a power loss cannot undo it.

use super::{Disk, File, access_error, parent};
use crate::base::Result;
use std::io;
use std::sync::Arc;

/// Replaces a file's contents atomically: a temporary file, fsync, rename, fsync of the directory.
pub fn replace(disk: &dyn Disk, path: &str, contents: &[u8]) -> Result<()> {
    let temporary = format!("{path}.tmp");
    let _ = disk.remove(&temporary);
    let file = disk.create(&temporary).map_err(|e| access_error(format!("create file \"{temporary}\""), &e))?;
    file.write_at(contents, 0).map_err(|e| access_error(format!("write to file \"{temporary}\""), &e))?;
    file.sync_all().map_err(|e| access_error(format!("fsync file \"{temporary}\""), &e))?;
    rename(disk, &temporary, path)
}

/// Renames a file whose contents are durable already (PostgreSQL 15, fd.c, durable_rename, without its
/// fsync of the file).
pub fn rename(disk: &dyn Disk, from: &str, to: &str) -> Result<()> {
    disk.rename(from, to).map_err(|e| access_error(format!("rename file \"{from}\" to \"{to}\""), &e))?;
    sync_dir(disk, parent(to))
}

/// Creates an empty file that survives.
pub fn create(disk: &dyn Disk, path: &str) -> Result<Arc<dyn File>> {
    let file = disk.create(path).map_err(|e| access_error(format!("create file \"{path}\""), &e))?;
    file.sync_all().map_err(|e| access_error(format!("fsync file \"{path}\""), &e))?;
    sync_dir(disk, parent(path))?;
    Ok(file)
}

pub fn remove(disk: &dyn Disk, path: &str) -> Result<()> {
    disk.remove(path).map_err(|e| access_error(format!("remove file \"{path}\""), &e))?;
    sync_dir(disk, parent(path))
}

/// Creates a directory; one that is there already is fine.
pub fn mkdir(disk: &dyn Disk, path: &str) -> Result<()> {
    match disk.mkdir(path) {
        Ok(()) => sync_dir(disk, parent(path)),
        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(e) => Err(access_error(format!("create directory \"{path}\""), &e)),
    }
}

pub fn sync_dir(disk: &dyn Disk, path: &str) -> Result<()> {
    disk.sync_dir(path).map_err(|e| access_error(format!("fsync file \"{path}\""), &e))
}

/// The whole contents of a file.
pub fn read(disk: &dyn Disk, path: &str) -> Result<Vec<u8>> {
    let file = disk.open(path).map_err(|e| access_error(format!("open file \"{path}\""), &e))?;
    let len = file.len().map_err(|e| access_error(format!("stat file \"{path}\""), &e))?;
    let mut contents = vec![0; len as usize];
    let n = file.read_at(&mut contents, 0).map_err(|e| access_error(format!("read file \"{path}\""), &e))?;
    contents.truncate(n);
    Ok(contents)
}

/// Removes a directory with everything in it; what is not there is fine. Not durable by itself.
pub fn remove_tree(disk: &dyn Disk, path: &str) -> Result<()> {
    let entries = match disk.list(path) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(access_error(format!("open directory \"{path}\""), &e)),
    };
    for entry in entries {
        let child = format!("{path}/{}", entry.name);
        if entry.is_dir {
            remove_tree(disk, &child)?;
        } else {
            disk.remove(&child).map_err(|e| access_error(format!("remove file \"{child}\""), &e))?;
        }
    }
    disk.rmdir(path).map_err(|e| access_error(format!("remove directory \"{path}\""), &e))
}
