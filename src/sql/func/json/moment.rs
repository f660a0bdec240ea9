//! Dates and times that `.datetime()` made of texts: compared across their types, and written as JSON again.
//!
//! PostgreSQL 15, jsonpath_exec.c, compareDatetime: same rules.

use crate::base::Result;
use crate::err;
use crate::sql::func::format::Moment;
use crate::types::IoContext;
use crate::types::datetime::civil::{Civil, USECS_PER_SEC};
use crate::types::datetime::time::{TimeTz, offset_today};
use crate::types::datetime::{date, format, timestamp};
use std::cmp::Ordering;

pub fn type_name(m: Moment) -> &'static str {
    match m {
        Moment::Date(_) => "date",
        Moment::Time(_) => "time without time zone",
        Moment::TimeTz(_) => "time with time zone",
        Moment::Timestamp(_) => "timestamp without time zone",
        Moment::TimestampTz { .. } => "timestamp with time zone",
    }
}

/// ISO 8601, in the zone it was told in.
pub fn text(m: Moment) -> String {
    let mut out = Vec::new();
    match m {
        Moment::Date(d) => format::json_text(&Civil::from_days(d), false, None, &mut out),
        Moment::Time(us) => crate::types::datetime::time::write(us, &mut out),
        Moment::TimeTz(t) => {
            crate::types::datetime::time::write(t.us, &mut out);
            format::json_zone(-t.west, &mut out);
        }
        Moment::Timestamp(us) => format::json_text(&Civil::from_us(us), true, None, &mut out),
        Moment::TimestampTz { us, east } => {
            let local = us + i64::from(east) * USECS_PER_SEC;
            format::json_text(&Civil::from_us(local), true, Some(east), &mut out);
        }
    }
    String::from_utf8(out).unwrap_or_default()
}

/// None: they have nothing in common.
///
/// # Errors
/// 0A000 where the session's zone would be needed and is not to be used.
pub fn compare(a: Moment, b: Moment, use_zone: bool, io: &IoContext) -> Result<Option<Ordering>> {
    use Moment as M;
    let needs_zone = |from: &str, to: &str| match use_zone {
        true => Ok(()),
        false => Err(err!(FEATURE_NOT_SUPPORTED, "cannot convert value from {from} to {to} without time zone usage")
            .hint("Use *_tz() function for time zone support.")),
    };
    Ok(Some(match (a, b) {
        (M::Date(a), M::Date(b)) => a.cmp(&b),
        (M::Time(a), M::Time(b)) | (M::Timestamp(a), M::Timestamp(b)) => a.cmp(&b),
        (M::TimeTz(a), M::TimeTz(b)) => a.compare(b),
        (M::TimestampTz { us: a, .. }, M::TimestampTz { us: b, .. }) => a.cmp(&b),
        (M::Date(d), M::Timestamp(us)) => midnight(d).cmp(&us),
        (M::Time(us), M::TimeTz(b)) => {
            needs_zone("time", "timetz")?;
            TimeTz { us, west: -offset_today(us, io) }.compare(b)
        }
        (M::Date(d), M::TimestampTz { us, .. }) => {
            needs_zone("date", "timestamptz")?;
            utc(midnight(d), io).cmp(&us)
        }
        (M::Timestamp(t), M::TimestampTz { us, .. }) => {
            needs_zone("timestamp", "timestamptz")?;
            utc(t, io).cmp(&us)
        }
        (M::Timestamp(_), M::Date(_))
        | (M::TimeTz(_), M::Time(_))
        | (M::TimestampTz { .. }, M::Date(_) | M::Timestamp(_)) => {
            return Ok(compare(b, a, use_zone, io)?.map(Ordering::reverse));
        }
        _ => return Ok(None),
    }))
}

/// A date beyond all timestamps is later than they are.
fn midnight(day: i32) -> i64 {
    date::to_timestamp(day).unwrap_or(timestamp::INFINITY)
}

fn utc(local: i64, io: &IoContext) -> i64 {
    let outside = if local < 0 { timestamp::NEG_INFINITY } else { timestamp::INFINITY };
    timestamp::local_to_utc(local, &io.time_zone).unwrap_or(outside)
}
