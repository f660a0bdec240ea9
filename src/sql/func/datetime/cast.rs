//! Casts between dates and times, and the rounding a precision asks for.

use super::Args;
use super::zone::instant_of_date;
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::datetime::civil::{USECS_PER_DAY, USECS_PER_SEC};
use crate::types::datetime::{Interval, TimeTz, date, time, timestamp};
use crate::types::{Column, Datum};
use crate::{bail, err};

fn date_timestamp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(date::to_timestamp(args[0].i32())?));
    Ok(())
}

fn date_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(instant_of_date(args[0].i32(), &cx.io.time_zone)?));
    Ok(())
}

fn timestamp_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(date::from_timestamp(args[0].i64())));
    Ok(())
}

fn timestamptz_date(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let local = timestamp::utc_to_local(args[0].i64(), &cx.io.time_zone)?;
    out.push(Datum::I32(date::from_timestamp(local)));
    Ok(())
}

fn timestamp_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::local_to_utc(args[0].i64(), &cx.io.time_zone)?));
    Ok(())
}

fn timestamptz_timestamp(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::utc_to_local(args[0].i64(), &cx.io.time_zone)?));
    Ok(())
}

fn timestamp_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = args[0].i64();
    out.push(if timestamp::is_finite(us) { Datum::I64(us.rem_euclid(USECS_PER_DAY)) } else { Datum::Null });
    Ok(())
}

fn timestamptz_time(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let local = timestamp::utc_to_local(args[0].i64(), &cx.io.time_zone)?;
    timestamp_time(cx, &[Datum::I64(local)], out)
}

fn timestamptz_timetz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = args[0].i64();
    if !timestamp::is_finite(us) {
        out.push_null();
        return Ok(());
    }
    let east = cx.io.time_zone.offset_at_utc(us);
    let local = us + i64::from(east) * USECS_PER_SEC;
    push_timetz(TimeTz { us: local.rem_euclid(USECS_PER_DAY), west: -east }, out)
}

pub(super) fn push_timetz(t: TimeTz, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&t.to_bytes()));
    Ok(())
}

pub(super) fn push_interval(i: Interval, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&i.to_bytes()));
    Ok(())
}

fn time_timetz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = args[0].i64();
    push_timetz(TimeTz { us, west: -time::offset_today(us, &cx.io) }, out)
}

fn timetz_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(TimeTz::from_bytes(args[0].bytes()).us));
    Ok(())
}

fn time_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(Interval { us: args[0].i64(), ..Interval::default() }, out)
}

fn interval_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = Interval::from_bytes(args[0].bytes()).us;
    // PostgreSQL 15, date.c, interval_time: the longest negative ones overflow, and stay what they become.
    let us = match us {
        0.. => us % USECS_PER_DAY,
        _ => {
            let days = us.wrapping_neg().wrapping_add(USECS_PER_DAY - 1) / USECS_PER_DAY;
            us.wrapping_add(days.wrapping_mul(USECS_PER_DAY))
        }
    };
    out.push(Datum::I64(us));
    Ok(())
}

/// `date + time`.
fn date_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut us = date::to_timestamp(args[0].i32())?;
    if timestamp::is_finite(us) {
        us += args[1].i64();
        if !timestamp::in_range(us) {
            return Err(timestamp::out_of_range());
        }
    }
    out.push(Datum::I64(us));
    Ok(())
}

fn time_date(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    date_time(cx, &[args[1], args[0]], out)
}

/// `timestamptz(date, time)`.
fn date_time_instant(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let us = date::to_timestamp(args[0].i32())?;
    let local = if timestamp::is_finite(us) { us + args[1].i64() } else { us };
    out.push(Datum::I64(timestamp::local_to_utc(local, &cx.io.time_zone)?));
    Ok(())
}

/// `date + timetz`.
fn date_timetz(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let days = args[0].i32();
    let t = TimeTz::from_bytes(args[1].bytes());
    let us = match days {
        date::INFINITY => timestamp::INFINITY,
        date::NEG_INFINITY => timestamp::NEG_INFINITY,
        d => {
            let us = i64::from(d).checked_mul(USECS_PER_DAY).and_then(|us| us.checked_add(t.utc_us()));
            us.filter(|us| timestamp::in_range(*us))
                .ok_or_else(|| err!(DATETIME_FIELD_OVERFLOW, "date out of range for timestamp"))?
        }
    };
    out.push(Datum::I64(us));
    Ok(())
}

fn timetz_date(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    date_timetz(cx, &[args[1], args[0]], out)
}

fn checked_precision(typmod: i32, what: &str, zone: &str) -> Result<i32> {
    if typmod > 6 {
        bail!(INVALID_PARAMETER_VALUE, "{what}({typmod}){zone} precision must be between 0 and 6");
    }
    Ok(typmod)
}

fn timestamp_scale(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I64(timestamp::round(args[0].i64(), checked_precision(args[1].i32(), "timestamp", "")?)));
    Ok(())
}

fn timetz_scale(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let t = TimeTz::from_bytes(args[0].bytes());
    push_timetz(TimeTz { us: timestamp::round(t.us, args[1].i32()), ..t }, out)
}

fn interval_scale(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(Interval::from_bytes(args[0].bytes()).apply_typmod(args[1].i32())?, out)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("date_timestamp", Scalar(date_timestamp)),
    ("date_timestamptz", Scalar(date_timestamptz)),
    ("timestamp_date", Scalar(timestamp_date)),
    ("timestamptz_date", Scalar(timestamptz_date)),
    ("timestamp_timestamptz", Scalar(timestamp_timestamptz)),
    ("timestamptz_timestamp", Scalar(timestamptz_timestamp)),
    ("timestamp_time", Scalar(timestamp_time)),
    ("timestamptz_time", Scalar(timestamptz_time)),
    ("timestamptz_timetz", Scalar(timestamptz_timetz)),
    ("time_timetz", Scalar(time_timetz)),
    ("timetz_time", Scalar(timetz_time)),
    ("time_interval", Scalar(time_interval)),
    ("interval_time", Scalar(interval_time)),
    ("datetime_timestamp", Scalar(date_time)),
    ("timedate_pl(time_without_time_zone,date)", Scalar(time_date)),
    ("timestamptz(date,time_without_time_zone)", Scalar(date_time_instant)),
    ("datetimetz_timestamptz", Scalar(date_timetz)),
    ("timetzdate_pl(time_with_time_zone,date)", Scalar(timetz_date)),
    ("timestamp_scale", Scalar(timestamp_scale)),
    ("timestamptz_scale", Scalar(timestamp_scale)),
    ("time_scale", Scalar(timestamp_scale)),
    ("timetz_scale", Scalar(timetz_scale)),
    ("interval_scale", Scalar(interval_scale)),
];
