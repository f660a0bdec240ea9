//! What `timezone` and `log_timezone` accept.

use super::zone::Zone;
use crate::base::Result;
use crate::err;
use crate::settings::{Id, register};

/// Registers the checks with `settings`, which knows no time zones. Call once, before any setting is read.
pub fn register_checks() {
    register(Id::TimeZone, |new, _| check("TimeZone", new));
    register(Id::LogTimezone, |new, _| check("log_timezone", new));
}

/// The name in its own spelling; a number of hours becomes a POSIX string.
fn check(parameter: &str, text: &str) -> Result<String> {
    match Zone::setting(text) {
        Some(zone) => Ok(zone.name),
        None => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{parameter}\": \"{text}\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spellings PostgreSQL 15 shows for these values.
    #[test]
    fn spellings() {
        let shown = |text| check("TimeZone", text).unwrap();
        assert_eq!(shown("europe/berlin"), "Europe/Berlin");
        assert_eq!(shown("utc"), "UTC");
        assert_eq!(shown("5"), "<+05>-05");
        assert_eq!(shown("-3.5"), "<-03:30>+03:30");
        assert_eq!(shown("foo+3"), "FOO+3");
        assert_eq!(shown(&shown("5")), "<+05>-05");
        let e = check("TimeZone", "foo").unwrap_err();
        assert_eq!(e.message(), "invalid value for parameter \"TimeZone\": \"foo\"");
    }
}
