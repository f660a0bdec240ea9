//! Times and durations as the server log shows them.

use std::time::Duration;

/// `2026-11-20 09:25:38 UTC`, in the zone of `log_timezone`.
pub fn format(seconds: i64, zone: &str) -> String {
    let stamp = jiff::Timestamp::from_second(seconds).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    let zone = jiff::tz::TimeZone::get(zone).unwrap_or(jiff::tz::TimeZone::UTC);
    stamp.to_zoned(zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `1.097`: seconds with three digits.
pub fn millis(d: Duration) -> String {
    format!("{}.{:03}", d.as_secs(), d.subsec_millis())
}

/// `1.01`: seconds with two digits.
pub fn centis(d: Duration) -> String {
    format!("{}.{:02}", d.as_secs(), d.subsec_millis() / 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shapes are PostgreSQL's.
    #[test]
    fn shapes() {
        assert_eq!(format(1_795_166_738, "UTC"), "2026-11-20 09:25:38 UTC");
        assert_eq!(format(1_795_166_738, "GMT"), "2026-11-20 09:25:38 GMT");
        assert_eq!(millis(Duration::from_micros(1_097_900)), "1.097");
        assert_eq!(centis(Duration::from_millis(1019)), "1.01");
    }
}
