//! From an I/O error to what a client or the log gets to see.

use crate::base::{Error, SqlState};
use rustix::io::Errno;
use std::io;

/// The operating system's words for an error, without Rust's `(os error 2)`.
pub fn os_text(e: &io::Error) -> String {
    let text = e.to_string();
    match text.rfind(" (os error ") {
        Some(at) if text.ends_with(')') => text[..at].to_string(),
        _ => text,
    }
}

/// `could not <what>: <os text>`, with the SQLSTATE of the errno.
///
/// PostgreSQL 15, elog.c, errcode_for_file_access: same table.
#[track_caller]
#[cold]
pub fn access_error(what: impl AsRef<str>, e: &io::Error) -> Error {
    let error = Error::new(state_of(e), format!("could not {}: {}", what.as_ref(), os_text(e)));
    match Errno::from_io_error(e) {
        Some(Errno::NOSPC) if what.as_ref().starts_with("extend file") => error.hint("Check free disk space."),
        _ => error,
    }
}

/// The SQLSTATE that stands for an errno.
pub fn state_of(e: &io::Error) -> SqlState {
    match Errno::from_io_error(e) {
        Some(Errno::PERM | Errno::ACCESS | Errno::ROFS) => SqlState::INSUFFICIENT_PRIVILEGE,
        Some(Errno::NOENT) => SqlState::UNDEFINED_FILE,
        Some(Errno::EXIST) => SqlState::DUPLICATE_FILE,
        Some(Errno::NOTDIR | Errno::ISDIR | Errno::NOTEMPTY) => SqlState::WRONG_OBJECT_TYPE,
        Some(Errno::NOSPC) => SqlState::DISK_FULL,
        Some(Errno::NFILE | Errno::MFILE) => SqlState::INSUFFICIENT_RESOURCES,
        Some(Errno::IO) => SqlState::IO_ERROR,
        _ => SqlState::INTERNAL_ERROR,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Text and SQLSTATE are PostgreSQL's.
    #[test]
    fn texts_are_postgresqls() {
        let e = access_error("open file \"base/5/16384\"", &io::Error::from(Errno::NOENT));
        assert_eq!(e.message(), "could not open file \"base/5/16384\": No such file or directory");
        assert_eq!(e.sqlstate(), SqlState::UNDEFINED_FILE);
        let e = access_error("extend file \"base/5/1\"", &io::Error::from(Errno::NOSPC));
        assert_eq!(e.0.hint.as_deref(), Some("Check free disk space."));
        assert_eq!(e.sqlstate(), SqlState::DISK_FULL);
    }
}
