//! Dates and times from their parts.

use super::Args;
use super::cast::push_interval;
use super::zone::zone_of;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::datetime::civil::{
    Civil, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC, days_in_month, valid_julian_range,
};
use crate::types::datetime::{Fault, Interval, Zone, date, interval, timestamp, zone_displacement};
use crate::types::{Column, Datum};
use crate::{bail, err};

/// A negative year is BC.
fn civil_date(year: i32, month: i32, day: i32) -> Option<Civil> {
    let year = match year {
        0 => return None,
        y if y < 0 => y + 1,
        y => y,
    };
    let ok = (1..=12).contains(&month) && day >= 1 && day <= days_in_month(year, month);
    (ok && valid_julian_range(year, month)).then_some(Civil { year, month, day, ..Civil::default() })
}

fn make_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (y, m, d) = (args[0].i32(), args[1].i32(), args[2].i32());
    let Some(c) = civil_date(y, m, d) else {
        bail!(DATETIME_FIELD_OVERFLOW, "date field value out of range: {y}-{m:02}-{d:02}");
    };
    if !date::in_range(c.days()) {
        bail!(DATETIME_FIELD_OVERFLOW, "date out of range: {y}-{m:02}-{d:02}");
    }
    out.push(Datum::I32(c.days()));
    Ok(())
}

/// Microseconds since midnight; 24:00:00 and second 60 are allowed.
fn clock(hour: i32, minute: i32, second: f64) -> Option<i64> {
    if second.is_nan() || !(0..=24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..=60.0).contains(&second) {
        return None;
    }
    let us = (second * USECS_PER_SEC as f64).round_ties_even() as i64;
    let total = i64::from(hour) * USECS_PER_HOUR + i64::from(minute) * USECS_PER_MINUTE + us;
    (total <= USECS_PER_DAY).then_some(total)
}

/// As C's `%02g` shows it.
fn shown(second: f64) -> String {
    if !second.is_finite() {
        return if second.is_nan() { "NaN".into() } else { format!("{second:02}") };
    }
    let mut out = Vec::new();
    crate::types::float::write_g(second, 6, &mut out);
    let text = String::from_utf8_lossy(&out).into_owned();
    format!("{text:0>2}")
}

fn make_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (h, m, s) = (args[0].i32(), args[1].i32(), args[2].f64());
    let us = clock(h, m, s)
        .ok_or_else(|| err!(DATETIME_FIELD_OVERFLOW, "time field value out of range: {h}:{m:02}:{}", shown(s)))?;
    out.push(Datum::I64(us));
    Ok(())
}

fn local(args: Args<'_, '_>) -> Result<i64> {
    let int = |n: usize| args[n].i32();
    let (y, mo, d, h, mi, s) = (int(0), int(1), int(2), int(3), int(4), args[5].f64());
    let Some(c) = civil_date(y, mo, d) else {
        bail!(DATETIME_FIELD_OVERFLOW, "date field value out of range: {y}-{mo:02}-{d:02}");
    };
    let Some(time) = clock(h, mi, s) else {
        bail!(DATETIME_FIELD_OVERFLOW, "time field value out of range: {h}:{mi:02}:{}", shown(s));
    };
    let us = i64::from(c.days()).checked_mul(USECS_PER_DAY).and_then(|us| us.checked_add(time));
    us.filter(|us| timestamp::in_range(*us)).ok_or_else(|| {
        err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range: {y}-{mo:02}-{d:02} {h}:{mi:02}:{}", shown(s))
    })
}

fn make_timestamp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(local(args)?));
    Ok(())
}

fn make_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::local_to_utc(local(args)?, &cx.io.time_zone)?));
    Ok(())
}

fn make_timestamptz_at(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = args[6].str();
    let zone = match name.as_bytes().first() {
        Some(b'+' | b'-') => numeric_zone(name)?,
        Some(b'0'..=b'9') => {
            return Err(err!(INVALID_PARAMETER_VALUE, "invalid input syntax for type numeric time zone: \"{name}\"")
                .hint("Numeric time zones must have \"-\" or \"+\" as first character."));
        }
        _ => zone_of(name)?,
    };
    out.push(Datum::I64(timestamp::local_to_utc(local(args)?, &zone)?));
    Ok(())
}

/// `+hh[:mm[:ss]]`, or a name that begins so. PostgreSQL 15, timestamp.c, parse_sane_timezone: same rule.
fn numeric_zone(text: &str) -> Result<Zone> {
    let refused = || err!(INVALID_PARAMETER_VALUE, "numeric time zone \"{text}\" out of range");
    match zone_displacement(text) {
        Ok(west) => Zone::fixed(-west).ok_or_else(refused),
        Err(Fault::ZoneOverflow) => Err(refused()),
        Err(_) => zone_of(text),
    }
}

const TWO_TO_63: f64 = 9_223_372_036_854_775_808.0;

fn make_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let int = |n: usize| args[n].i32();
    let seconds = args[6].f64();
    if !seconds.is_finite() {
        return Err(interval::out_of_range());
    }
    let us = (seconds * USECS_PER_SEC as f64).round_ties_even();
    // PostgreSQL 15, timestamp.c, make_interval: what is too large wraps around, and seconds become the lowest number.
    let us = if (-TWO_TO_63..TWO_TO_63).contains(&us) { us as i64 } else { i64::MIN };
    let hours = i64::from(int(4)) * USECS_PER_HOUR;
    push_interval(
        Interval {
            us: hours.wrapping_add(i64::from(int(5)) * USECS_PER_MINUTE).wrapping_add(us),
            days: int(2).wrapping_mul(7).wrapping_add(int(3)),
            months: int(0).wrapping_mul(12).wrapping_add(int(1)),
        },
        out,
    )
}

/// `to_timestamp(double precision)`: seconds since 1970.
fn from_epoch(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let seconds = args[0].f64();
    if seconds.is_nan() {
        bail!(DATETIME_FIELD_OVERFLOW, "timestamp cannot be NaN");
    }
    if seconds.is_infinite() {
        out.push(Datum::I64(if seconds > 0.0 { timestamp::INFINITY } else { timestamp::NEG_INFINITY }));
        return Ok(());
    }
    let range = || {
        let mut shown = Vec::new();
        crate::types::float::write_g(seconds, 6, &mut shown);
        err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"{}\"", String::from_utf8_lossy(&shown))
    };
    let us = (seconds * USECS_PER_SEC as f64 + timestamp::UNIX_EPOCH_US as f64).round_ties_even();
    if !(timestamp::MIN as f64..timestamp::END as f64).contains(&us) {
        return Err(range());
    }
    out.push(Datum::I64(us as i64));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("make_date", Scalar(make_date)),
    ("make_time", Scalar(make_time)),
    ("make_timestamp", Scalar(make_timestamp)),
    ("make_timestamptz", Scalar(make_timestamptz)),
    ("make_timestamptz_at_timezone", Scalar(make_timestamptz_at)),
    ("make_interval", Scalar(make_interval)),
    ("float8_timestamptz", Scalar(from_epoch)),
];
