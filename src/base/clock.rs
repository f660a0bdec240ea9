//! The wall clock in PostgreSQL's and Unix's terms.

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds between 1970-01-01 and 2000-01-01, PostgreSQL's epoch.
pub const POSTGRES_EPOCH_US: i64 = 946_684_800_000_000;

/// Microseconds since 1970-01-01 00:00 UTC.
pub fn now_us() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_micros() as i64)
}

/// Microseconds since 2000-01-01 00:00 UTC: a timestamptz.
pub fn now_timestamptz() -> i64 {
    now_us() - POSTGRES_EPOCH_US
}
