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
        None => {
            let e = err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{parameter}\": \"{text}\"");
            // Only a number, the name a fixed offset gets by itself, can be too much.
            Err(if text.trim().parse::<f64>().is_ok() { e.detail("UTC timezone offset is out of range.") } else { e })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The spellings PostgreSQL 15 shows for these values.
    #[test]
    fn spellings() {
        let shown = |text: &str| check("TimeZone", text).unwrap();
        assert_eq!(shown("europe/berlin"), "Europe/Berlin");
        assert_eq!(shown("utc"), "UTC");
        assert_eq!(shown("5"), "<+05>-05");
        assert_eq!(shown("-3.5"), "<-03:30>+03:30");
        assert_eq!(shown("foo+3"), "FOO+3");
        assert_eq!(shown(&shown("5")), "<+05>-05");
        assert_eq!(shown("167"), "<+167>-167");
        assert_eq!(shown(&shown("-30.5")), "<-30:30>+30:30");
        assert_eq!(
            check("TimeZone", "168").unwrap_err().0.detail.as_deref(),
            Some("UTC timezone offset is out of range.")
        );
        let e = check("TimeZone", "foo").unwrap_err();
        assert_eq!(e.message(), "invalid value for parameter \"TimeZone\": \"foo\"");
    }
}
