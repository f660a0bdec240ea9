//! The regular expressions of `like_regex`. PostgreSQL 15, jsonpath.c, jspConvertRegexFlags.

use crate::base::Result;
use crate::sql::func::regexp::{Flags, Regex};

/// Refuses what is no regular expression (PostgreSQL 15, jsonpath_gram.y, makeItemLikeRegex: when the path is read).
///
/// # Errors
/// 2201B.
pub fn check(pattern: &str, flags: &str) -> Result<()> {
    Regex::new(pattern, self::flags(flags)?).map(|_| ())
}

/// As the functions on texts have them.
pub(super) fn flags(flags: &str) -> Result<Flags> {
    let has = |c| flags.contains(c);
    let mut letters = String::new();
    if has('i') {
        letters.push('i');
    }
    letters.push(match (has('s'), has('m')) {
        (false, false) => 'p',
        (false, true) => 'n',
        (true, true) => 'w',
        (true, false) => 's',
    });
    if has('q') {
        letters.push('q');
    }
    Flags::parse(&letters)
}
