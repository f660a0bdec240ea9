//! How long a name may be.

use super::error::{Report, Severity};
use super::sqlstate::SqlState;

/// In bytes.
pub const NAME_LEN: usize = 63;

/// A name as it is kept: cut at a character's boundary.
pub fn cut(name: &str) -> &str {
    &name[..name.floor_char_boundary(NAME_LEN)]
}

/// What is told of a name that is too long. PostgreSQL 15, scansup.c, `truncate_identifier`.
pub fn notice(name: &str) -> Option<Report> {
    if name.len() <= NAME_LEN {
        return None;
    }
    let message = format!("identifier \"{name}\" will be truncated to \"{}\"", cut(name));
    let notice = Report::notice(Severity::Notice, SqlState::NAME_TOO_LONG, message);
    Some(notice.with_place("truncate_identifier", "scansup.c", 101))
}
