//! Time zones: the IANA rules bundled with `jiff`, fixed offsets and POSIX strings.

use jiff::tz::TimeZone;

/// A time zone with the name the session gave it.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: String,
    pub rules: TimeZone,
}

impl Zone {
    pub fn utc() -> Zone {
        Zone { name: "GMT".into(), rules: TimeZone::UTC }
    }
}
