//! `extract` (exact) and `date_part` (in floating point).

use super::Args;
use crate::base::{Error, Result};
use crate::err;
use crate::sql::func::{FnContext, FuncImpl, push_numeric};
use crate::types::datetime::civil::{Civil, USECS_PER_DAY, USECS_PER_SEC, day_of_week, day_of_year, iso_week};
use crate::types::datetime::token::extract_unit;
use crate::types::datetime::{Interval, TimeTz, Unit, date, timestamp};
use crate::types::numeric::{Kind, Numeric};
use crate::types::{Column, Datum};

/// A field's value: a whole number and how many of its digits stand after the point.
enum Field {
    Scaled(i64, i32),
    Exact(Numeric),
    /// Of an infinite value.
    Infinite(bool),
    Null,
}

impl Field {
    fn whole(v: impl Into<i64>) -> Field {
        Field::Scaled(v.into(), 0)
    }

    fn push(self, out: &mut Column, exact: bool) -> Result<()> {
        match self {
            Field::Null => out.push_null(),
            Field::Infinite(positive) if exact => {
                return push_numeric(out, &Numeric::special(if positive { Kind::PosInf } else { Kind::NegInf }));
            }
            Field::Infinite(positive) => {
                out.push(Datum::F64(if positive { f64::INFINITY } else { f64::NEG_INFINITY }));
            }
            Field::Scaled(v, scale) if exact => return push_numeric(out, &scaled(v.into(), scale)),
            Field::Scaled(v, scale) => out.push(Datum::F64(v as f64 / 10_f64.powi(scale))),
            Field::Exact(n) if exact => return push_numeric(out, &n),
            Field::Exact(n) => out.push(Datum::F64(n.to_f64())),
        }
        Ok(())
    }
}

/// `v` / 10^`scale` with that scale.
fn scaled(v: i128, scale: i32) -> Numeric {
    let mut n = Numeric::from_i128(v);
    if scale > 0 {
        let mut unit = Numeric::from(1);
        unit.dscale = 0;
        for _ in 0..scale {
            unit = unit.mul(&Numeric::parse("0.1").unwrap_or_else(|_| Numeric::zero()));
        }
        n = n.mul(&unit);
        n.dscale = scale;
    }
    n
}

#[cold]
fn not_recognized(name: &str, typ: &str) -> Error {
    err!(INVALID_PARAMETER_VALUE, "unit \"{name}\" not recognized for type {typ}")
}

#[cold]
fn not_supported(name: &str, typ: &str) -> Error {
    err!(FEATURE_NOT_SUPPORTED, "unit \"{name}\" not supported for type {typ}")
}

fn unit_of(name: &str, typ: &str) -> Result<Unit> {
    let lower = name.to_ascii_lowercase();
    extract_unit(&lower).ok_or_else(|| not_recognized(&lower, typ))
}

/// Fields every calendar date has; None for other units.
fn calendar_field(unit: Unit, c: &Civil) -> Option<i64> {
    let year = i64::from(c.year);
    Some(match unit {
        Unit::Day => c.day.into(),
        Unit::Month => c.month.into(),
        Unit::Quarter => ((c.month - 1) / 3 + 1).into(),
        Unit::Week => iso_week(c.year, c.month, c.day).1.into(),
        // There is no year 0 in AD/BC notation.
        Unit::Year => {
            if year > 0 {
                year
            } else {
                year - 1
            }
        }
        Unit::Decade => {
            if year >= 0 {
                year / 10
            } else {
                -((8 - (year - 1)) / 10)
            }
        }
        Unit::Century => {
            if year > 0 {
                (year + 99) / 100
            } else {
                -((99 - (year - 1)) / 100)
            }
        }
        Unit::Millennium => {
            if year > 0 {
                (year + 999) / 1000
            } else {
                -((999 - (year - 1)) / 1000)
            }
        }
        Unit::IsoYear => {
            let y = i64::from(iso_week(c.year, c.month, c.day).0);
            if y > 0 { y } else { y - 1 }
        }
        Unit::Dow => day_of_week(c.julian()).into(),
        Unit::IsoDow => match day_of_week(c.julian()) {
            0 => 7,
            d => d.into(),
        },
        Unit::Doy => day_of_year(c.year, c.month, c.day).into(),
        _ => return None,
    })
}

fn clock_field(unit: Unit, c: &Civil) -> Option<Field> {
    let us = i64::from(c.second) * USECS_PER_SEC + i64::from(c.us);
    Some(match unit {
        Unit::Microsecond => Field::whole(us),
        Unit::Millisecond => Field::Scaled(us, 3),
        Unit::Second => Field::Scaled(us, 6),
        Unit::Minute => Field::whole(c.minute),
        Unit::Hour => Field::whole(c.hour),
        _ => return None,
    })
}

fn zone_field(unit: Unit, east: i32) -> Option<Field> {
    Some(match unit {
        Unit::Timezone => Field::whole(east),
        Unit::TimezoneHour => Field::whole(east / 3600),
        Unit::TimezoneMinute => Field::whole(east / 60 % 60),
        _ => return None,
    })
}

/// Of an infinite date or timestamp: what grows is infinite, what comes round again is unknown.
fn infinite_field(unit: Unit, positive: bool) -> Field {
    match unit {
        Unit::Year | Unit::Decade | Unit::Century | Unit::Millennium | Unit::Julian | Unit::IsoYear | Unit::Epoch => {
            Field::Infinite(positive)
        }
        _ => Field::Null,
    }
}

/// Of local fields; `epoch_us` is the number behind `epoch`, `east` the zone's offset.
fn moment_field(unit: Unit, local: i64, utc: i64, east: Option<i32>) -> Result<Option<Field>> {
    let c = Civil::from_us(local);
    Ok(Some(match unit {
        Unit::Epoch => {
            let us = i128::from(utc) - i128::from(timestamp::UNIX_EPOCH_US);
            match i64::try_from(us) {
                Ok(us) => Field::Scaled(us, 6),
                Err(_) => Field::Exact(scaled(us, 6)),
            }
        }
        Unit::Julian => {
            let part = Numeric::from(c.time_us()).div(&Numeric::from(USECS_PER_DAY))?;
            Field::Exact(Numeric::from(i64::from(c.julian())).add(&part))
        }
        u => match calendar_field(u, &c).map(Field::whole).or_else(|| clock_field(u, &c)) {
            Some(f) => f,
            None => match east.and_then(|e| zone_field(u, e)) {
                Some(f) => f,
                None => return Ok(None),
            },
        },
    }))
}

fn of_timestamp(args: Args<'_, '_>, out: &mut Column, exact: bool) -> Result<()> {
    const NAME: &str = "timestamp without time zone";
    let name = args[0].str();
    let unit = unit_of(name, NAME)?;
    let us = args[1].i64();
    if !timestamp::is_finite(us) {
        return infinite_field(unit, us > 0).push(out, exact);
    }
    match moment_field(unit, us, us, None)? {
        Some(f) => f.push(out, exact),
        None => Err(not_supported(&name.to_ascii_lowercase(), NAME)),
    }
}

fn of_timestamptz(cx: &FnContext, args: Args<'_, '_>, out: &mut Column, exact: bool) -> Result<()> {
    const NAME: &str = "timestamp with time zone";
    let name = args[0].str();
    let unit = unit_of(name, NAME)?;
    let us = args[1].i64();
    if !timestamp::is_finite(us) {
        return infinite_field(unit, us > 0).push(out, exact);
    }
    let east = cx.io.time_zone.offset_at_utc(us);
    match moment_field(unit, us + i64::from(east) * USECS_PER_SEC, us, Some(east))? {
        Some(f) => f.push(out, exact),
        None => Err(not_supported(&name.to_ascii_lowercase(), NAME)),
    }
}

fn extract_timestamp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_timestamp(args, out, true)
}

fn part_timestamp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_timestamp(args, out, false)
}

fn extract_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_timestamptz(cx, args, out, true)
}

fn part_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_timestamptz(cx, args, out, false)
}

fn extract_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let name = args[0].str();
    let unit = unit_of(name, "date")?;
    let days = args[1].i32();
    let c = Civil::from_days(days);
    let clock = matches!(
        unit,
        Unit::Microsecond
            | Unit::Millisecond
            | Unit::Second
            | Unit::Minute
            | Unit::Hour
            | Unit::Timezone
            | Unit::TimezoneHour
            | Unit::TimezoneMinute
    );
    if clock {
        return Err(not_supported(&name.to_ascii_lowercase(), "date"));
    }
    if !date::is_finite(days) {
        return infinite_field(unit, days > 0).push(out, true);
    }
    let field = match unit {
        Unit::Epoch => Field::whole((i64::from(days) * USECS_PER_DAY - timestamp::UNIX_EPOCH_US) / USECS_PER_SEC),
        Unit::Julian => Field::whole(c.julian()),
        u => match calendar_field(u, &c) {
            Some(v) => Field::whole(v),
            None => return Err(not_supported(&name.to_ascii_lowercase(), "date")),
        },
    };
    field.push(out, true)
}

/// `date_part(text, date)` goes through `timestamp`.
fn part_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_timestamp(&[args[0], Datum::I64(date::to_timestamp(args[1].i32())?)], out, false)
}

fn of_time(args: Args<'_, '_>, us: i64, zone: Option<i32>, out: &mut Column, exact: bool) -> Result<()> {
    let typ = if zone.is_some() { "time with time zone" } else { "time without time zone" };
    let name = args[0].str();
    let unit = unit_of(name, typ)?;
    let mut c = Civil::default();
    c.set_time(us);
    let field = match unit {
        Unit::Epoch => Some(Field::Scaled(us - i64::from(zone.unwrap_or(0)) * USECS_PER_SEC, 6)),
        u => clock_field(u, &c).or_else(|| zone.and_then(|e| zone_field(u, e))),
    };
    match field {
        Some(f) => f.push(out, exact),
        None => Err(not_supported(&name.to_ascii_lowercase(), typ)),
    }
}

fn extract_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_time(args, args[1].i64(), None, out, true)
}

fn part_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_time(args, args[1].i64(), None, out, false)
}

fn extract_timetz(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let t = TimeTz::from_bytes(args[1].bytes());
    of_time(args, t.us, Some(-t.west), out, true)
}

fn part_timetz(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let t = TimeTz::from_bytes(args[1].bytes());
    of_time(args, t.us, Some(-t.west), out, false)
}

fn of_interval(args: Args<'_, '_>, out: &mut Column, exact: bool) -> Result<()> {
    let name = args[0].str();
    let unit = unit_of(name, "interval")?;
    let i = Interval::from_bytes(args[1].bytes());
    let p = i.parts();
    let us = i64::from(p.seconds) * USECS_PER_SEC + i64::from(p.us);
    let field = match unit {
        Unit::Microsecond => Field::whole(us),
        Unit::Millisecond => Field::Scaled(us, 3),
        Unit::Second => Field::Scaled(us, 6),
        Unit::Minute => Field::whole(p.minutes),
        Unit::Hour => Field::whole(p.hours),
        Unit::Day => Field::whole(p.days),
        Unit::Month => Field::whole(p.months),
        Unit::Quarter => Field::whole(p.months / 3 + 1),
        Unit::Year => Field::whole(p.years),
        Unit::Decade => Field::whole(p.years / 10),
        Unit::Century => Field::whole(p.years / 100),
        Unit::Millennium => Field::whole(p.years / 1000),
        Unit::Epoch if !exact => {
            // Summed in this order, so that the last digit is PostgreSQL's.
            const DAY: f64 = 86_400.0;
            let mut seconds = i.us as f64 / USECS_PER_SEC as f64;
            seconds += 365.25 * DAY * f64::from(p.years);
            seconds += 30.0 * DAY * f64::from(p.months);
            seconds += DAY * f64::from(p.days);
            out.push(Datum::F64(seconds));
            return Ok(());
        }
        Unit::Epoch => {
            // A year counts 365.25 days here; quarters of days keep that exact.
            let quarters = 1461 * i128::from(p.years) + 120 * i128::from(p.months) + 4 * i128::from(p.days);
            let total = quarters * i128::from(USECS_PER_DAY / 4) + i128::from(i.us);
            Field::Exact(scaled(total, 6))
        }
        _ => return Err(not_supported(&name.to_ascii_lowercase(), "interval")),
    };
    field.push(out, exact)
}

fn extract_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_interval(args, out, true)
}

fn part_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    of_interval(args, out, false)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("extract_timestamp", Scalar(extract_timestamp)),
    ("extract_timestamptz", Scalar(extract_timestamptz)),
    ("extract_date", Scalar(extract_date)),
    ("extract_time", Scalar(extract_time)),
    ("extract_timetz", Scalar(extract_timetz)),
    ("extract_interval", Scalar(extract_interval)),
    ("timestamp_part", Scalar(part_timestamp)),
    ("timestamptz_part", Scalar(part_timestamptz)),
    ("date_part(text,date)", Scalar(part_date)),
    ("time_part", Scalar(part_time)),
    ("timetz_part", Scalar(part_timetz)),
    ("interval_part", Scalar(part_interval)),
];
