//! Where tablespaces lie: `pg_tblspc/<oid>`, a link to the place it was given (or a directory, where it is in place), and in
//! there a folder of this version's own with one folder for each database.

use super::{Disk, access_error, durable};
use crate::base::id::TABLESPACE_VERSION;
use crate::base::{Oid, Result};
use crate::err;
use std::io;

/// The folder of the links.
pub const DIR: &str = "pg_tblspc";

/// The link of a tablespace.
pub fn link(space: Oid) -> String {
    format!("{DIR}/{space}")
}

/// What holds the databases' folders of a tablespace; invalid: the data directory's own.
pub fn root(space: Oid) -> String {
    match space.is_valid() {
        true => format!("{DIR}/{space}/{TABLESPACE_VERSION}"),
        false => "base".to_string(),
    }
}

/// Where temporary files of a tablespace lie.
pub fn temporary(space: Oid) -> String {
    format!("{}/pgsql_tmp", root(space))
}

/// The tablespaces there are links or directories of.
pub fn all(disk: &dyn Disk) -> Result<Vec<Oid>> {
    let entries = match disk.list(DIR) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.map_err(|e| access_error(format!("open directory \"{DIR}\""), &e))?,
    };
    Ok(entries.iter().filter_map(|e| e.name.parse().ok().map(Oid)).collect())
}

/// A database's files in a tablespace.
pub struct DatabaseFolder {
    pub space: Oid,
    pub db: Oid,
    pub path: String,
}

/// All folders of databases, in the data directory and in tablespaces.
pub fn database_folders(disk: &dyn Disk) -> Result<Vec<DatabaseFolder>> {
    let mut found = Vec::new();
    for space in [Oid::INVALID].into_iter().chain(all(disk)?) {
        let root = root(space);
        let entries = match disk.list(&root) {
            Err(e) if space.is_valid() && e.kind() == io::ErrorKind::NotFound => continue,
            entries => entries.map_err(|e| access_error(format!("open directory \"{root}\""), &e))?,
        };
        for entry in entries.iter().filter(|e| e.is_dir) {
            if let Ok(db) = entry.name.parse() {
                found.push(DatabaseFolder { space, db: Oid(db), path: format!("{root}/{}", entry.name) });
            }
        }
    }
    Ok(found)
}

/// Makes a directory and what is above it, as far as it is missing: redo of changes in a tablespace that is dropped later
/// finds no link (PostgreSQL 15, tablespace.c, TablespaceCreateDbspace: same).
pub fn make_path(disk: &dyn Disk, path: &str) -> Result<()> {
    for (at, _) in path.match_indices('/').chain([(path.len(), "")]) {
        let part = &path[..at];
        if !part.is_empty() && !disk.exists(part) {
            durable::mkdir(disk, part)?;
        }
    }
    Ok(())
}

/// Kinds of log records about tablespaces (PostgreSQL 15, tablespace.h: same numbers).
pub const CREATE: u8 = 0x00;
pub const DROP: u8 = 0x10;

/// Makes the link and this version's folder; no place: a directory instead of the link. `again`: by redo, or by a start that
/// misses them, when some of it may be there.
///
/// PostgreSQL 15, tablespace.c, create_tablespace_directories: same checks and texts.
///
/// # Errors
/// 58P01, 42501, 55006 when another tablespace lies there.
pub fn create(disk: &dyn Disk, space: Oid, place: &str, again: bool) -> Result<()> {
    let link = link(space);
    durable::mkdir(disk, DIR)?;
    if place.is_empty() {
        durable::mkdir(disk, &link)?;
        return durable::mkdir(disk, &root(space));
    }
    disk.make_private(place).map_err(|e| match e.kind() {
        io::ErrorKind::NotFound => {
            let missing = err!(UNDEFINED_FILE, "directory \"{place}\" does not exist");
            if again {
                missing.hint("Create this directory for the tablespace before restarting the server.")
            } else {
                missing
            }
        }
        _ => access_error(format!("set permissions on directory \"{place}\""), &e),
    })?;
    let folder = format!("{place}/{TABLESPACE_VERSION}");
    match disk.stat(&folder) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => durable::mkdir(disk, &folder)?,
        Err(e) => return Err(access_error(format!("stat directory \"{folder}\""), &e)),
        Ok(found) if !found.is_dir => return Err(err!(WRONG_OBJECT_TYPE, "\"{folder}\" is not a directory")),
        Ok(_) if again => {}
        Ok(_) => return Err(err!(OBJECT_IN_USE, "directory \"{folder}\" already in use as a tablespace")),
    }
    if again {
        match disk.read_link(&link) {
            Ok(Some(_)) => durable::remove(disk, &link)?,
            // Redo of changes in a tablespace that is gone again made a directory.
            Ok(None) => durable::remove_tree(disk, &link)?,
            Err(_) => {}
        }
    }
    disk.link(&link, place).map_err(|e| access_error(format!("create symbolic link \"{link}\""), &e))?;
    durable::sync_dir(disk, DIR)
}

/// Removes the link and the folders behind it; false if a database has files there.
///
/// # Errors
/// I/O.
pub fn remove(disk: &dyn Disk, space: Oid) -> Result<bool> {
    let root = root(space);
    let list = |path: &str| match disk.list(path) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        entries => entries.map_err(|e| access_error(format!("open directory \"{path}\""), &e)),
    };
    let folders: Vec<String> = list(&root)?.into_iter().map(|e| format!("{root}/{}", e.name)).collect();
    for folder in &folders {
        if !list(folder)?.is_empty() {
            return Ok(false);
        }
    }
    let rmdir = |path: &str| match disk.rmdir(path) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => Err(access_error(format!("remove directory \"{path}\""), &e)),
        _ => Ok(()),
    };
    folders.iter().try_for_each(|folder| rmdir(folder))?;
    rmdir(&root)?;
    let link = link(space);
    match disk.read_link(&link) {
        Ok(Some(_)) => durable::remove(disk, &link)?,
        Ok(None) => rmdir(&link)?,
        Err(_) => {}
    }
    durable::sync_dir(disk, DIR)?;
    Ok(true)
}
