//! `bool`.

use crate::base::Result;
use crate::err;

/// Reads any unambiguous beginning of true, false, yes, no, on, off, or 1 and 0; None if it is none of them.
pub fn parse_opt(text: &str) -> Option<bool> {
    let t = text.trim_matches(super::text::is_space).to_ascii_lowercase();
    match t.as_bytes().first()? {
        b't' if "true".starts_with(&t) => Some(true),
        b'f' if "false".starts_with(&t) => Some(false),
        b'y' if "yes".starts_with(&t) => Some(true),
        b'n' if "no".starts_with(&t) => Some(false),
        b'o' if t == "on" => Some(true),
        b'o' if t == "of" || t == "off" => Some(false),
        b'1' if t == "1" => Some(true),
        b'0' if t == "0" => Some(false),
        _ => None,
    }
}

pub fn parse(text: &str) -> Result<bool> {
    parse_opt(text)
        .ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type boolean: \"{text}\""))
}
