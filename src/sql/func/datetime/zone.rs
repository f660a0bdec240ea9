//! `AT TIME ZONE`, the clock, and what depends on the session's zone.

use super::Args;
use super::cast::push_timetz;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::datetime::civil::{Civil, USECS_PER_DAY, USECS_PER_SEC};
use crate::types::datetime::{Interval, TimeTz, Zone, date, format, timestamp};
use crate::types::{Column, Datum};
use crate::{bail, err};

/// Midnight of a day on the zone's clocks.
pub(super) fn instant_of_date(days: i32, zone: &Zone) -> Result<i64> {
    timestamp::local_to_utc(date::to_timestamp(days)?, zone)
        .map_err(|_| err!(DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"))
}

/// Microseconds since 2000-01-01 UTC.
pub fn clock_us() -> i64 {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    now.map_or(0, |d| d.as_micros() as i64) + timestamp::UNIX_EPOCH_US
}

/// A zone by abbreviation or name.
pub(super) fn zone_of(name: &str) -> Result<Zone> {
    if let Some(zone) = Zone::of_abbreviation(name) {
        return Ok(zone);
    }
    let by_abbreviation = Zone::abbreviation(name).and_then(|(east, _)| Zone::fixed(east));
    by_abbreviation
        .or_else(|| Zone::named(name))
        .ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "time zone \"{name}\" not recognized"))
}

/// Seconds east of Greenwich given as an interval, however many.
fn east_of_interval(bytes: &[u8], cx: &FnContext) -> Result<i64> {
    let i = Interval::from_bytes(bytes);
    let shown = || {
        let mut out = Vec::new();
        i.write(&mut out, &cx.io);
        String::from_utf8_lossy(&out).into_owned()
    };
    if i.months != 0 || i.days != 0 {
        bail!(INVALID_PARAMETER_VALUE, "interval time zone \"{}\" must not include months or days", shown());
    }
    Ok(i64::from((i.us / USECS_PER_SEC) as i32))
}

/// A moment moved by seconds.
fn moved(us: i64, seconds: i64, out: &mut Column) -> Result<()> {
    let us = us.checked_add(seconds * USECS_PER_SEC).filter(|us| timestamp::in_range(*us));
    out.push(Datum::I64(us.ok_or_else(timestamp::out_of_range)?));
    Ok(())
}

fn to_utc(local: i64, zone: &Zone, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::local_to_utc(local, zone)?));
    Ok(())
}

fn to_local(us: i64, zone: &Zone, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::utc_to_local(us, zone)?));
    Ok(())
}

/// What has no end is the same in every zone, even in one that is not known.
fn boundless(us: i64, out: &mut Column) -> bool {
    let boundless = !timestamp::is_finite(us);
    if boundless {
        out.push(Datum::I64(us));
    }
    boundless
}

fn timestamp_zone(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if boundless(args[1].i64(), out) {
        return Ok(());
    }
    to_utc(args[1].i64(), &zone_of(args[0].str())?, out)
}

fn timestamptz_zone(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if boundless(args[1].i64(), out) {
        return Ok(());
    }
    to_local(args[1].i64(), &zone_of(args[0].str())?, out)
}

fn timestamp_izone(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if boundless(args[1].i64(), out) {
        return Ok(());
    }
    moved(args[1].i64(), -east_of_interval(args[0].bytes(), cx)?, out)
}

fn timestamptz_izone(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if boundless(args[1].i64(), out) {
        return Ok(());
    }
    moved(args[1].i64(), east_of_interval(args[0].bytes(), cx)?, out)
}

fn move_timetz(t: TimeTz, east: i32, out: &mut Column) -> Result<()> {
    let us = (t.utc_us() + i64::from(east) * USECS_PER_SEC).rem_euclid(USECS_PER_DAY);
    push_timetz(TimeTz { us, west: -east }, out)
}

fn timetz_zone(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let zone = zone_of(args[0].str())?;
    move_timetz(TimeTz::from_bytes(args[1].bytes()), zone.offset_at_utc(cx.io.now_us), out)
}

fn timetz_izone(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    move_timetz(TimeTz::from_bytes(args[1].bytes()), east_of_interval(args[0].bytes(), cx)? as i32, out)
}

fn now(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(cx.io.now_us));
    Ok(())
}

fn statement_timestamp(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(cx.statement_us));
    Ok(())
}

fn clock_timestamp(_: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(clock_us()));
    Ok(())
}

fn timeofday(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = clock_us();
    let zone = cx.io.time_zone.at_utc(us);
    let c = Civil::from_us(us + i64::from(zone.offset) * USECS_PER_SEC);
    let day = format::DAYS[crate::types::datetime::civil::day_of_week(c.julian()) as usize];
    let month = format::MONTHS[(c.month - 1) as usize];
    push_text(
        out,
        format!(
            "{} {month} {:02} {:02}:{:02}:{:02}.{:06} {} {}",
            &day[..3],
            c.day,
            c.hour,
            c.minute,
            c.second,
            c.us,
            c.year,
            zone.abbreviation
        ),
    )
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("timestamp_zone", Scalar(timestamp_zone)),
    ("timestamptz_zone", Scalar(timestamptz_zone)),
    ("timestamp_izone", Scalar(timestamp_izone)),
    ("timestamptz_izone", Scalar(timestamptz_izone)),
    ("timetz_zone", Scalar(timetz_zone)),
    ("timetz_izone", Scalar(timetz_izone)),
    ("now", Scalar(now)),
    ("statement_timestamp", Scalar(statement_timestamp)),
    ("clock_timestamp", Scalar(clock_timestamp)),
    ("timeofday", Scalar(timeofday)),
];
