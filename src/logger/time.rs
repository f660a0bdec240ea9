//! Times in the log, in `log_timezone`, and file names with strftime's escapes.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// `2026-11-20 09:25:39.921 UTC`.
pub fn with_ms(us: i64, zone: &TimeZone) -> String {
    let at = local(us, zone);
    format!("{}.{:03} {}", at.strftime("%Y-%m-%d %H:%M:%S"), us.rem_euclid(1_000_000) / 1000, at.strftime("%Z"))
}

/// `2026-11-20 09:25:39 UTC`.
pub fn without_ms(us: i64, zone: &TimeZone) -> String {
    local(us, zone).strftime("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// `Nov  5 09:25:39`, as RFC 3164 has it.
pub fn syslog(us: i64, zone: &TimeZone) -> String {
    local(us, zone).strftime("%b %e %H:%M:%S").to_string()
}

/// Seconds with three decimals, as `%n` shows them.
pub fn epoch_ms(us: i64) -> String {
    format!("{}.{:03}", us.div_euclid(1_000_000), us.rem_euclid(1_000_000) / 1000)
}

fn local(us: i64, zone: &TimeZone) -> jiff::Zoned {
    Timestamp::from_microsecond(us).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

/// The zone of that name; UTC if it is unknown.
pub fn zone(name: &str) -> TimeZone {
    match name {
        "GMT" | "UTC" | "Etc/UTC" => TimeZone::get(name).unwrap_or(TimeZone::UTC),
        name => TimeZone::get(name).unwrap_or(TimeZone::UTC),
    }
}

/// Fills a file name's strftime escapes; a name that cannot be formatted stays as it is.
pub fn file_name(pattern: &str, us: i64, zone: &TimeZone) -> String {
    jiff::fmt::strtime::format(pattern, &local(us, zone)).unwrap_or_else(|_| pattern.to_string())
}

/// When files next rotate by age: multiples of the interval in local time.
/// PostgreSQL 15, syslogger.c, set_next_rotation_time.
pub fn next_rotation(us: i64, age_min: i64, zone: &TimeZone) -> Option<i64> {
    if age_min <= 0 {
        return None;
    }
    let interval = age_min * 60;
    let now = us.div_euclid(1_000_000);
    let offset = i64::from(local(us, zone).offset().seconds());
    let shifted = now + offset;
    Some((shifted - shifted.rem_euclid(interval) + interval - offset) * 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Times, names and rotation follow the zone.
    #[test]
    fn times_follow_the_zone() {
        let berlin = zone("Europe/Berlin");
        let us = 1_795_176_013_484_000;
        assert_eq!(with_ms(us, &berlin), "2026-11-20 13:00:13.484 CET");
        assert_eq!(without_ms(us, &zone("UTC")), "2026-11-20 12:00:13 UTC");
        assert_eq!(with_ms(us, &zone("GMT")), "2026-11-20 12:00:13.484 GMT");
        assert_eq!(epoch_ms(us), "1795176013.484");
        assert_eq!(file_name("postgresql-%Y-%m-%d_%H%M%S.log", us, &berlin), "postgresql-2026-11-20_130013.log");
        let next = next_rotation(us, 1440, &berlin).unwrap();
        assert_eq!(without_ms(next, &berlin), "2026-11-21 00:00:00 CET");
        assert_eq!(next_rotation(us, 0, &berlin), None);
    }
}
