//! Is this a data directory we may serve? PostgreSQL 15, miscinit.c, checkDataDir, ValidatePgVersion,
//! and postmaster.c, checkControlFile: same tests and texts.

use crate::base::{Error, Result, Severity, SqlState};
use crate::process::small_file;
use crate::settings::os_text;
use rustix::fs::{FileType, Mode};
use std::io;
use std::path::Path;

/// The version whose data directories we read.
const MAJOR_VERSION: &str = "15";

/// Checks the directory and returns the umask that suits its permissions.
pub fn check(dir: &Path) -> Result<Mode> {
    let name = dir.display();
    let stat = rustix::fs::stat(dir).map_err(|e| match e {
        rustix::io::Errno::NOENT => {
            fatal(SqlState::UNDEFINED_FILE, format!("data directory \"{name}\" does not exist"))
        }
        e => {
            let text = os_text(&e.into());
            fatal(SqlState::IO_ERROR, format!("could not read permissions of directory \"{name}\": {text}"))
        }
    })?;
    let wrong = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        return Err(fatal(wrong, format!("specified data directory \"{name}\" is not a directory")));
    }
    if stat.st_uid != rustix::process::geteuid().as_raw() {
        return Err(fatal(wrong, format!("data directory \"{name}\" has wrong ownership"))
            .hint("The server must be started by the user that owns the data directory."));
    }
    if stat.st_mode & 0o027 != 0 {
        return Err(fatal(wrong, format!("data directory \"{name}\" has invalid permissions"))
            .detail("Permissions should be u=rwx (0700) or u=rwx,g=rx (0750)."));
    }
    check_version(dir)?;
    Ok(Mode::from_raw_mode(if stat.st_mode & 0o050 != 0 { 0o027 } else { 0o077 }))
}

fn check_version(dir: &Path) -> Result<()> {
    let path = dir.join("PG_VERSION");
    let invalid = |detail: String| {
        fatal(
            SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE,
            format!("\"{}\" is not a valid data directory", dir.display()),
        )
        .detail(detail)
    };
    let text = match small_file::read(&path) {
        Ok(text) => String::from_utf8_lossy(&text).trim().to_string(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            return Err(invalid(format!("File \"{}\" is missing.", path.display())));
        }
        Err(e) => {
            let text = format!("could not open file \"{}\": {}", path.display(), os_text(&e));
            return Err(fatal(SqlState::IO_ERROR, text));
        }
    };
    if text.is_empty() || !text.starts_with(|c: char| c.is_ascii_digit()) {
        let detail = format!("File \"{}\" does not contain valid data.", path.display());
        return Err(invalid(detail).hint("You might need to initdb."));
    }
    if text != MAJOR_VERSION {
        let state = SqlState::OBJECT_NOT_IN_PREREQUISITE_STATE;
        return Err(fatal(state, "database files are incompatible with server".to_string()).detail(format!(
            "The data directory was initialized by PostgreSQL version {text}, \
             which is not compatible with this version 15.0."
        )));
    }
    Ok(())
}

/// What PostgreSQL writes, past the log, before it ends with code 2: no control file that we could read.
pub fn missing_control_file(dir: &Path) -> Option<String> {
    let path = dir.join("global/pg_control");
    let e = rustix::fs::access(&path, rustix::fs::Access::READ_OK).err()?;
    Some(format!(
        "postgres: could not find the database system\n\
         Expected to find it in the directory \"{}\",\n\
         but could not open file \"{}\": {}",
        dir.display(),
        path.display(),
        os_text(&e.into())
    ))
}

fn fatal(state: SqlState, text: String) -> Error {
    Error::new(state, text).severity(Severity::Fatal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dir_with(version: Option<&str>) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        rustix::fs::chmod(dir.path(), Mode::from_raw_mode(0o700)).unwrap();
        if let Some(version) = version {
            small_file::create(dir.path().join("PG_VERSION"), version.as_bytes(), 0o600).unwrap();
        }
        dir
    }

    fn refusal(dir: &Path) -> String {
        let e = check(dir).unwrap_err();
        assert_eq!(e.0.severity, Severity::Fatal);
        format!("{} | {}", e.message(), e.0.detail.as_deref().unwrap_or("")).replace(&dir.display().to_string(), "D")
    }

    /// Each kind of unusable directory is refused with PostgreSQL's text.
    #[test]
    fn unusable_directories_are_refused() {
        let good = dir_with(Some("15\n"));
        assert_eq!(check(good.path()).unwrap(), Mode::from_raw_mode(0o077));
        rustix::fs::chmod(good.path(), Mode::from_raw_mode(0o750)).unwrap();
        assert_eq!(check(good.path()).unwrap(), Mode::from_raw_mode(0o027));
        rustix::fs::chmod(good.path(), Mode::from_raw_mode(0o755)).unwrap();
        assert_eq!(
            refusal(good.path()),
            "data directory \"D\" has invalid permissions | Permissions should be u=rwx (0700) or u=rwx,g=rx (0750)."
        );
        assert_eq!(refusal(&good.path().join("none")), "data directory \"D\" does not exist | ");
        let file = good.path().join("PG_VERSION");
        assert_eq!(refusal(&file), "specified data directory \"D\" is not a directory | ");
        let none = dir_with(None);
        assert_eq!(refusal(none.path()), "\"D\" is not a valid data directory | File \"D/PG_VERSION\" is missing.");
        assert!(refusal(dir_with(Some("junk")).path()).contains("does not contain valid data."));
        assert!(refusal(dir_with(Some("16\n")).path()).contains("by PostgreSQL version 16, which is not"));
    }
}
