//! `pg_lsn`: a position in the log, `X/Y`.

use crate::base::{Lsn, Result};
use crate::err;

pub fn parse(text: &str) -> Result<Lsn> {
    let part = |t: &str| {
        let hex = !t.is_empty() && t.len() <= 8 && t.bytes().all(|b| b.is_ascii_hexdigit());
        hex.then(|| u64::from_str_radix(t, 16).ok()).flatten()
    };
    let read = || {
        let (high, low) = text.split_once('/')?;
        Some(Lsn(part(high)? << 32 | part(low)?))
    };
    read().ok_or_else(|| err!(INVALID_TEXT_REPRESENTATION, "invalid input syntax for type pg_lsn: \"{text}\""))
}
