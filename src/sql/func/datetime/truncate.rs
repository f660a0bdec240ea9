//! `date_trunc` and `date_bin`.

use super::Args;
use super::cast::push_interval;
use super::zone::zone_of;
use crate::base::{Error, Result};
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::datetime::civil::{
    Civil, USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC, from_julian, iso_week, iso_week_to_julian,
};
use crate::types::datetime::token::unit;
use crate::types::datetime::{Interval, Unit, Zone, timestamp};
use crate::types::{Column, Datum};
use crate::{bail, err};

fn fault(name: &str, typ: &str) -> Error {
    let lower = name.to_ascii_lowercase();
    match unit(&lower) {
        Some(_) => err!(FEATURE_NOT_SUPPORTED, "unit \"{lower}\" not supported for type {typ}"),
        None => err!(INVALID_PARAMETER_VALUE, "unit \"{lower}\" not recognized for type {typ}"),
    }
}

/// The start of the period a local time lies in, None if the unit has no periods.
fn truncate(c: &mut Civil, unit: Unit) -> Option<()> {
    let midnight = |c: &mut Civil| c.set_time(0);
    match unit {
        Unit::Microsecond => {}
        Unit::Millisecond => c.us = c.us / 1000 * 1000,
        Unit::Second => c.us = 0,
        Unit::Minute => (c.second, c.us) = (0, 0),
        Unit::Hour => (c.minute, c.second, c.us) = (0, 0, 0),
        Unit::Day => midnight(c),
        Unit::Week => {
            let (year, week) = iso_week(c.year, c.month, c.day);
            (c.year, c.month, c.day) = from_julian(iso_week_to_julian(year, week));
            midnight(c);
        }
        Unit::Month | Unit::Quarter | Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium => {
            match unit {
                Unit::Month => {}
                Unit::Quarter => c.month = (c.month - 1) / 3 * 3 + 1,
                _ => c.month = 1,
            }
            // Centuries and millennia begin with year 1; years BC are counted from 0 downwards.
            match unit {
                Unit::Decade if c.year > 0 => c.year = c.year / 10 * 10,
                Unit::Decade => c.year = -((8 - (c.year - 1)) / 10 * 10),
                Unit::Century if c.year > 0 => c.year = (c.year + 99) / 100 * 100 - 99,
                Unit::Century => c.year = -((99 - (c.year - 1)) / 100 * 100 - 1),
                Unit::Millennium if c.year > 0 => c.year = (c.year + 999) / 1000 * 1000 - 999,
                Unit::Millennium => c.year = -((999 - (c.year - 1)) / 1000 * 1000 - 1),
                _ => {}
            }
            c.day = 1;
            midnight(c);
        }
        _ => return None,
    }
    Some(())
}

fn timestamp_trunc(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    const NAME: &str = "timestamp without time zone";
    let us = args[1].i64();
    let name = args[0].str();
    if !timestamp::is_finite(us) {
        out.push(Datum::I64(us));
        return Ok(());
    }
    let unit = unit(&name.to_ascii_lowercase()).ok_or_else(|| fault(name, NAME))?;
    let mut c = Civil::from_us(us);
    truncate(&mut c, unit).ok_or_else(|| fault(name, NAME))?;
    out.push(Datum::I64(c.to_us().ok_or_else(timestamp::out_of_range)?));
    Ok(())
}

fn in_zone(name: &str, us: i64, zone: &Zone) -> Result<i64> {
    const NAME: &str = "timestamp with time zone";
    if !timestamp::is_finite(us) {
        return Ok(us);
    }
    let unit = unit(&name.to_ascii_lowercase()).ok_or_else(|| fault(name, NAME))?;
    let east = zone.offset_at_utc(us);
    let mut c = Civil::from_us(us + i64::from(east) * USECS_PER_SEC);
    truncate(&mut c, unit).ok_or_else(|| fault(name, NAME))?;
    let local = c.to_us().ok_or_else(timestamp::out_of_range)?;
    // Periods of a day and more start where the zone's clocks show midnight, whatever the offset is now.
    let fine = matches!(unit, Unit::Microsecond | Unit::Millisecond | Unit::Second | Unit::Minute | Unit::Hour);
    if fine {
        return Ok(local - i64::from(east) * USECS_PER_SEC);
    }
    timestamp::local_to_utc(local, zone)
}

fn timestamptz_trunc(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(in_zone(args[0].str(), args[1].i64(), &cx.io.time_zone)?));
    Ok(())
}

fn timestamptz_trunc_zone(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = args[1].i64();
    // What has no end has no zone either, whatever is named.
    let cut = if timestamp::is_finite(us) { in_zone(args[0].str(), us, &zone_of(args[2].str())?)? } else { us };
    out.push(Datum::I64(cut));
    Ok(())
}

fn interval_trunc(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = args[0].str();
    let unit = unit(&name.to_ascii_lowercase()).ok_or_else(|| fault(name, "interval"))?;
    let i = Interval::from_bytes(args[1].bytes());
    let months = |n: i32| Interval { months: i.months / n * n, ..Interval::default() };
    let time = |n: i64| Interval { us: i.us / n * n, ..i };
    let cut = match unit {
        Unit::Millennium => months(12_000),
        Unit::Century => months(1200),
        Unit::Decade => months(120),
        Unit::Year => months(12),
        Unit::Quarter => months(3),
        Unit::Month => months(1),
        Unit::Day => Interval { us: 0, ..i },
        Unit::Hour => time(USECS_PER_HOUR),
        Unit::Minute => time(USECS_PER_MINUTE),
        Unit::Second => time(USECS_PER_SEC),
        Unit::Millisecond => time(1000),
        Unit::Microsecond => i,
        Unit::Week => {
            return Err(fault(name, "interval").detail("Months usually have fractional weeks."));
        }
        _ => return Err(fault(name, "interval")),
    };
    push_interval(cut, out)
}

/// `date_bin(stride, source, origin)`: the start of the stride-long bin counted from the origin.
fn bin(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let stride = Interval::from_bytes(args[0].bytes());
    let (source, origin) = (args[1].i64(), args[2].i64());
    if !timestamp::is_finite(source) {
        out.push(Datum::I64(source));
        return Ok(());
    }
    if !timestamp::is_finite(origin) {
        bail!(DATETIME_FIELD_OVERFLOW, "origin out of range");
    }
    if stride.months != 0 {
        bail!(FEATURE_NOT_SUPPORTED, "timestamps cannot be binned into intervals containing months or years");
    }
    let width = i64::from(stride.days).checked_mul(USECS_PER_DAY).and_then(|d| d.checked_add(stride.us));
    let width = width.ok_or_else(crate::types::datetime::interval::out_of_range)?;
    if width <= 0 {
        bail!(DATETIME_FIELD_OVERFLOW, "stride must be greater than zero");
    }
    let distance = source.checked_sub(origin).ok_or_else(crate::types::datetime::interval::out_of_range)?;
    let bins = i128::from(distance).div_euclid(width.into());
    let us = i128::from(origin) + bins * i128::from(width);
    let us = i64::try_from(us).ok().filter(|us| timestamp::in_range(*us));
    out.push(Datum::I64(us.ok_or_else(timestamp::out_of_range)?));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("timestamp_trunc", Scalar(timestamp_trunc)),
    ("timestamptz_trunc", Scalar(timestamptz_trunc)),
    ("timestamptz_trunc_zone", Scalar(timestamptz_trunc_zone)),
    ("interval_trunc", Scalar(interval_trunc)),
    ("timestamp_bin", Scalar(bin)),
    ("timestamptz_bin", Scalar(bin)),
];
