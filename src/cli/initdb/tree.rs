//! The data directory as a tree: claimed, filled, cleaned up after a failure, made durable.

use super::{Done, fail, fail_with_hint};
use crate::base::Result;
use crate::disk::{Disk, Posix, access_error, durable};
use crate::settings::os_text;
use rustix::fs::{AtFlags, CWD, FileType, Mode, OFlags};
use rustix::io::Errno;
use std::io::Write;
use std::path::Path;

const SUBDIRECTORIES: &[&str] = &[
    "global",
    "pg_wal",
    "pg_wal/archive_status",
    "pg_commit_ts",
    "pg_dynshmem",
    "pg_notify",
    "pg_serial",
    "pg_snapshots",
    "pg_subtrans",
    "pg_twophase",
    "pg_multixact",
    "pg_multixact/members",
    "pg_multixact/offsets",
    "base",
    "base/1",
    "pg_replslot",
    "pg_tblspc",
    "pg_stat",
    "pg_stat_tmp",
    "pg_xact",
    "pg_logical",
    "pg_logical/snapshots",
    "pg_logical/mappings",
];

/// What was there before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Claimed {
    /// We made the directory.
    Made,
    /// It was there, and empty.
    Found,
}

fn directory_mode(group_access: bool) -> Mode {
    Mode::from_raw_mode(if group_access { 0o750 } else { 0o700 })
}

/// Makes the directory, or takes an empty one. `shown` is how the user named it.
pub fn claim(shown: &Path, dir: &Path, group_access: bool) -> Done<Claimed> {
    let name = shown.display();
    let start = |text: String| {
        print!("{text} ... ");
        let _ = std::io::stdout().flush();
    };
    rustix::process::umask(Mode::from_raw_mode(if group_access { 0o027 } else { 0o077 }));
    match Disk::list(&Posix::new(dir), ".") {
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            start(format!("creating directory {name}"));
            if let Err(e) = make_with_parents(dir, group_access) {
                println!();
                return fail(format!("could not create directory \"{name}\": {}", os_text(&e.into())));
            }
            println!("ok");
            Ok(Claimed::Made)
        }
        Err(e) => fail(format!("could not access directory \"{name}\": {}", os_text(&e))),
        Ok(entries) if entries.is_empty() => {
            start(format!("fixing permissions on existing directory {name}"));
            if let Err(e) = rustix::fs::chmod(dir, directory_mode(group_access)) {
                println!();
                return fail(format!("could not change permissions of directory \"{name}\": {}", os_text(&e.into())));
            }
            println!("ok");
            Ok(Claimed::Found)
        }
        Ok(entries) => {
            let text = format!("directory \"{name}\" exists but is not empty");
            if entries.iter().all(|e| e.name.starts_with('.')) {
                return fail_with_hint(
                    text,
                    "It contains a dot-prefixed/invisible file, perhaps due to it being a mount point.",
                );
            }
            if entries.iter().any(|e| e.name == "lost+found") {
                return fail_with_hint(
                    text,
                    "It contains a lost+found directory, perhaps due to it being a mount point.",
                );
            }
            fail_with_hint(
                text,
                format!(
                    "If you want to create a new database system, either remove or empty the directory \"{name}\" or run initdb with an argument other than \"{name}\"."
                ),
            )
        }
    }
}

fn make_with_parents(dir: &Path, group_access: bool) -> std::result::Result<(), Errno> {
    match rustix::fs::mkdir(dir, directory_mode(group_access)) {
        Err(Errno::NOENT) => {
            let Some(parent) = dir.parent() else { return Err(Errno::NOENT) };
            // Parents are ordinary directories: the umask for them is the usual one.
            let before = rustix::process::umask(Mode::from_raw_mode(0o022));
            let made = make_parents(parent);
            rustix::process::umask(before);
            made?;
            rustix::fs::mkdir(dir, directory_mode(group_access))
        }
        done => done,
    }
}

fn make_parents(dir: &Path) -> std::result::Result<(), Errno> {
    match rustix::fs::mkdir(dir, Mode::from_raw_mode(0o777)) {
        Err(Errno::NOENT) => {
            make_parents(dir.parent().ok_or(Errno::NOENT)?)?;
            rustix::fs::mkdir(dir, Mode::from_raw_mode(0o777))
        }
        Err(Errno::EXIST) => Ok(()),
        done => done,
    }
}

pub fn make_subdirectories(dir: &Path, group_access: bool) -> Result<()> {
    for name in SUBDIRECTORIES {
        let path = dir.join(name);
        rustix::fs::mkdir(&path, directory_mode(group_access))
            .map_err(|e| access_error(format!("create directory \"{}\"", path.display()), &e.into()))?;
    }
    write_file(dir, "PG_VERSION", "15\n")?;
    write_file(dir, "base/1/PG_VERSION", "15\n")
}

/// Writes a new file that is made durable by the last step.
pub fn write_file(dir: &Path, name: &str, text: &str) -> Result<()> {
    let path = dir.join(name);
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::CLOEXEC;
    // The umask leaves the group its right to read, or not.
    let file = rustix::fs::open(&path, flags, Mode::from_raw_mode(0o640))
        .map_err(|e| access_error(format!("open file \"{}\" for writing", path.display()), &e.into()))?;
    crate::process::small_file::write_all(&file, text.as_bytes())
        .map_err(|e| access_error(format!("write file \"{}\"", path.display()), &e))
}

/// After a failure: nothing of ours stays, unless that was asked for.
pub fn clean_up(dir: &Path, claimed: Claimed, keep: bool) {
    let name = dir.display();
    if keep {
        eprintln!("initdb: data directory \"{name}\" not removed at user's request");
        return;
    }
    let disk = Posix::new(dir);
    match claimed {
        Claimed::Made => eprintln!("initdb: removing data directory \"{name}\""),
        Claimed::Found => eprintln!("initdb: removing contents of data directory \"{name}\""),
    }
    for entry in Disk::list(&disk, ".").unwrap_or_default() {
        let removed = match entry.is_dir {
            true => durable::remove_tree(&disk, &entry.name).is_ok(),
            false => disk.remove(&entry.name).is_ok(),
        };
        if !removed {
            eprintln!("initdb: error: failed to remove contents of data directory");
            return;
        }
    }
    if claimed == Claimed::Made && rustix::fs::unlinkat(CWD, dir, AtFlags::REMOVEDIR).is_err() {
        eprintln!("initdb: error: failed to remove data directory");
    }
}

/// Makes everything below durable.
pub fn sync(dir: &Path) -> Result<()> {
    let fail = |path: &Path, e: Errno| access_error(format!("fsync file \"{}\"", path.display()), &e.into());
    let entries = rustix::fs::open(dir, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
        .map_err(|e| access_error(format!("open directory \"{}\"", dir.display()), &e.into()))?;
    let listed = rustix::fs::Dir::read_from(&entries).map_err(|e| fail(dir, e))?;
    for entry in listed {
        let entry = entry.map_err(|e| fail(dir, e))?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if name == "." || name == ".." {
            continue;
        }
        let path = dir.join(&name);
        match entry.file_type() {
            FileType::Directory => sync(&path)?,
            FileType::RegularFile => {
                let file = rustix::fs::open(&path, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())
                    .map_err(|e| fail(&path, e))?;
                rustix::fs::fsync(&file).map_err(|e| fail(&path, e))?;
            }
            _ => {}
        }
    }
    rustix::fs::fsync(&entries).map_err(|e| fail(dir, e))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A missing directory is made with its parents, filled, synced, refused when not empty, and removed again.
    #[test]
    fn life_of_a_tree() {
        let root = tempfile::tempdir().unwrap();
        let dir = root.path().join("a/b/data");
        assert_eq!(claim(&dir, &dir, false).ok(), Some(Claimed::Made));
        make_subdirectories(&dir, false).unwrap();
        sync(&dir).unwrap();
        assert_eq!(crate::process::small_file::read(dir.join("PG_VERSION")).unwrap(), b"15\n");
        let mode = rustix::fs::stat(&dir).unwrap().st_mode & 0o777;
        assert_eq!(mode, 0o700);
        let refused = claim(&dir, &dir, false).err().unwrap();
        assert_eq!(refused.text, format!("directory \"{}\" exists but is not empty", dir.display()));
        clean_up(&dir, Claimed::Made, false);
        assert!(rustix::fs::stat(&dir).is_err());
    }
}
