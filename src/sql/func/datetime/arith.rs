//! Adding and subtracting dates, times and intervals; `age`, `justify_*`, `OVERLAPS`.

use super::Args;
use super::cast::{push_interval, push_timetz};
use crate::base::Result;
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::datetime::civil::{Civil, USECS_PER_DAY, days_in_month, from_julian};
use crate::types::datetime::interval::out_of_range as interval_out_of_range;
use crate::types::datetime::timestamp::{self, is_finite, out_of_range};
use crate::types::datetime::{Interval, TimeTz, Zone, date};
use crate::types::{self, Column, Datum, TypeRef, oid};
use crate::{bail, err};

fn interval(args: Args<'_, '_>, n: usize) -> Interval {
    Interval::from_bytes(args[n].bytes())
}

fn negated(i: Interval) -> Result<Interval> {
    i.checked_neg().ok_or_else(interval_out_of_range)
}

// Dates. ------------------------------------------------------------------------------------------------------

fn date_add(days: i32, more: i64) -> Result<i32> {
    if !date::is_finite(days) {
        return Ok(days);
    }
    i32::try_from(i64::from(days) + more)
        .ok()
        .filter(|d| date::in_range(*d))
        .ok_or_else(|| err!(DATETIME_FIELD_OVERFLOW, "date out of range"))
}

fn date_pli(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(date_add(args[0].i32(), args[1].i32().into())?));
    Ok(())
}

fn integer_pl_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(date_add(args[1].i32(), args[0].i32().into())?));
    Ok(())
}

fn date_mii(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(date_add(args[0].i32(), -i64::from(args[1].i32()))?));
    Ok(())
}

fn date_mi(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].i32(), args[1].i32());
    if !date::is_finite(a) || !date::is_finite(b) {
        bail!(DATETIME_FIELD_OVERFLOW, "cannot subtract infinite dates");
    }
    out.push(Datum::I32(a.wrapping_sub(b)));
    Ok(())
}

// Timestamps and intervals. -----------------------------------------------------------------------------------

/// The opposite as subtraction from a date takes it: what has no opposite stays as it is.
fn turned(i: Interval) -> Interval {
    Interval { months: i.months.wrapping_neg(), days: i.days.wrapping_neg(), us: i.us.wrapping_neg() }
}

/// Adds months and days to a local time: a day that the month does not have becomes its last one.
fn shift_days(us: i64, i: Interval) -> Result<i64> {
    let mut us = us;
    if i.months != 0 {
        let mut c = Civil::from_us(us);
        let months = i64::from(c.year) * 12 + i64::from(c.month) - 1 + i64::from(i.months);
        c.year = i32::try_from(months.div_euclid(12)).map_err(|_| out_of_range())?;
        c.month = months.rem_euclid(12) as i32 + 1;
        c.day = c.day.min(days_in_month(c.year, c.month));
        us = c.to_us().ok_or_else(out_of_range)?;
    }
    if i.days != 0 {
        let mut c = Civil::from_us(us);
        let julian = c.julian().checked_add(i.days).filter(|j| *j >= 0).ok_or_else(out_of_range)?;
        (c.year, c.month, c.day) = from_julian(julian);
        us = c.to_us().ok_or_else(out_of_range)?;
    }
    Ok(us)
}

/// `timestamp + interval`.
pub fn add_interval(us: i64, i: Interval) -> Result<i64> {
    if !is_finite(us) {
        return Ok(us);
    }
    let us = shift_days(us, i)?.checked_add(i.us).ok_or_else(out_of_range)?;
    if timestamp::in_range(us) { Ok(us) } else { Err(out_of_range()) }
}

/// `timestamptz + interval`: months and days go by the zone's calendar.
pub fn add_interval_tz(us: i64, i: Interval, zone: &Zone) -> Result<i64> {
    if !is_finite(us) {
        return Ok(us);
    }
    let mut us = us;
    if i.months != 0 || i.days != 0 {
        let local = shift_days(timestamp::utc_to_local(us, zone)?, Interval { days: 0, ..i })?;
        us = timestamp::local_to_utc(local, zone)?;
        if i.days != 0 {
            let local = shift_days(timestamp::utc_to_local(us, zone)?, Interval { months: 0, ..i })?;
            us = timestamp::local_to_utc(local, zone)?;
        }
    }
    let us = us.checked_add(i.us).ok_or_else(out_of_range)?;
    if timestamp::in_range(us) { Ok(us) } else { Err(out_of_range()) }
}

/// Functions of a moment and an interval; `SWAP`: the interval comes first, `MINUS`: it is taken away.
fn timestamp_with<const MINUS: bool, const SWAP: bool>(
    _: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let i = interval(args, usize::from(!SWAP));
    let us = args[usize::from(SWAP)].i64();
    out.push(Datum::I64(add_interval(us, if MINUS { turned(i) } else { i })?));
    Ok(())
}

fn timestamptz_with<const MINUS: bool, const SWAP: bool>(
    cx: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let i = interval(args, usize::from(!SWAP));
    let us = args[usize::from(SWAP)].i64();
    out.push(Datum::I64(add_interval_tz(us, if MINUS { turned(i) } else { i }, &cx.io.time_zone)?));
    Ok(())
}

fn date_with<const MINUS: bool, const SWAP: bool>(
    _: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let i = interval(args, usize::from(!SWAP));
    let us = date::to_timestamp(args[usize::from(SWAP)].i32())?;
    out.push(Datum::I64(add_interval(us, if MINUS { turned(i) } else { i })?));
    Ok(())
}

fn time_with<const MINUS: bool, const SWAP: bool>(
    _: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let i = interval(args, usize::from(!SWAP));
    let us = args[usize::from(SWAP)].i64();
    let us = i128::from(us) + if MINUS { -i128::from(i.us) } else { i.us.into() };
    out.push(Datum::I64(us.rem_euclid(USECS_PER_DAY.into()) as i64));
    Ok(())
}

fn timetz_with<const MINUS: bool, const SWAP: bool>(
    _: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let i = interval(args, usize::from(!SWAP));
    let t = TimeTz::from_bytes(args[usize::from(SWAP)].bytes());
    let us = i128::from(t.us) + if MINUS { -i128::from(i.us) } else { i.us.into() };
    push_timetz(TimeTz { us: us.rem_euclid(USECS_PER_DAY.into()) as i64, ..t }, out)
}

/// `timestamp − timestamp`: days and time.
fn timestamp_mi(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].i64(), args[1].i64());
    if !is_finite(a) || !is_finite(b) {
        bail!(DATETIME_FIELD_OVERFLOW, "cannot subtract infinite timestamps");
    }
    let us = a.checked_sub(b).ok_or_else(interval_out_of_range)?;
    push_interval(justify_hours(Interval { us, ..Interval::default() })?, out)
}

fn time_mi_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(Interval { us: args[0].i64() - args[1].i64(), ..Interval::default() }, out)
}

// Intervals. --------------------------------------------------------------------------------------------------

fn interval_pl(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(interval(args, 0).checked_add(interval(args, 1)).ok_or_else(interval_out_of_range)?, out)
}

fn interval_mi(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(interval(args, 0).checked_sub(interval(args, 1)).ok_or_else(interval_out_of_range)?, out)
}

fn interval_um(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(negated(interval(args, 0))?, out)
}

/// Rounds to microseconds, as PostgreSQL's TSROUND.
fn tidy(seconds: f64) -> f64 {
    (seconds * 1e6).round_ties_even() / 1e6
}

/// Months, days and microseconds as computed in floating point, fractions passed down (months have 30 days).
fn cascade(months: f64, days: f64, us: f64) -> Result<Interval> {
    const SECS_PER_DAY: f64 = 86_400.0;
    let whole = |v: f64| {
        if v.is_nan() || v > f64::from(i32::MAX) || v < f64::from(i32::MIN) {
            return Err(interval_out_of_range());
        }
        Ok(v as i32)
    };
    let (m, mut d) = (whole(months)?, whole(days)?);
    let month_days = tidy((months - f64::from(m)) * 30.0);
    let mut seconds = tidy((days - f64::from(d) + month_days - month_days.trunc()) * SECS_PER_DAY);
    if seconds.abs() >= SECS_PER_DAY {
        let more = (seconds / SECS_PER_DAY) as i32;
        d = d.checked_add(more).ok_or_else(interval_out_of_range)?;
        seconds -= f64::from(more) * SECS_PER_DAY;
    }
    d = d.checked_add(month_days as i32).ok_or_else(interval_out_of_range)?;
    let us = (us + seconds * 1e6).round_ties_even();
    if us.is_nan() || !(i64::MIN as f64..i64::MAX as f64).contains(&us) {
        return Err(interval_out_of_range());
    }
    Ok(Interval { us: us as i64, days: d, months: m })
}

/// `interval * factor`.
pub fn multiply(i: Interval, factor: f64) -> Result<Interval> {
    cascade(f64::from(i.months) * factor, f64::from(i.days) * factor, i.us as f64 * factor)
}

/// `interval / divisor`.
pub fn divide(i: Interval, divisor: f64) -> Result<Interval> {
    if divisor == 0.0 {
        bail!(DIVISION_BY_ZERO, "division by zero");
    }
    cascade(f64::from(i.months) / divisor, f64::from(i.days) / divisor, i.us as f64 / divisor)
}

fn interval_mul(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(multiply(interval(args, 0), args[1].f64())?, out)
}

fn mul_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(multiply(interval(args, 1), args[0].f64())?, out)
}

fn interval_div(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(divide(interval(args, 0), args[1].f64())?, out)
}

/// Makes whole days of 24 hours, and gives days and time one sign.
fn justify_hours(i: Interval) -> Result<Interval> {
    let mut days = i.days.checked_add((i.us / USECS_PER_DAY) as i32).ok_or_else(interval_out_of_range)?;
    let mut us = i.us % USECS_PER_DAY;
    if days > 0 && us < 0 {
        us += USECS_PER_DAY;
        days -= 1;
    } else if days < 0 && us > 0 {
        us -= USECS_PER_DAY;
        days += 1;
    }
    Ok(Interval { us, days, ..i })
}

/// Makes months of 30 days, and gives months and days one sign.
fn justify_days(i: Interval) -> Result<Interval> {
    let mut months = i.months.checked_add(i.days / 30).ok_or_else(interval_out_of_range)?;
    let mut days = i.days % 30;
    if months > 0 && days < 0 {
        days += 30;
        months -= 1;
    } else if months < 0 && days > 0 {
        days -= 30;
        months += 1;
    }
    Ok(Interval { days, months, ..i })
}

fn justify_interval(i: Interval) -> Result<Interval> {
    let mut i = i;
    // Days first if they and the time have one sign, so that nothing overflows needlessly.
    if (i.days > 0 && i.us > 0) || (i.days < 0 && i.us < 0) {
        i = justify_days(i)?;
    }
    i.days = i.days.checked_add((i.us / USECS_PER_DAY) as i32).ok_or_else(interval_out_of_range)?;
    i.us %= USECS_PER_DAY;
    i.months = i.months.checked_add(i.days / 30).ok_or_else(interval_out_of_range)?;
    i.days %= 30;
    if i.months > 0 && (i.days < 0 || (i.days == 0 && i.us < 0)) {
        i.days += 30;
        i.months -= 1;
    } else if i.months < 0 && (i.days > 0 || (i.days == 0 && i.us > 0)) {
        i.days -= 30;
        i.months += 1;
    }
    if i.days > 0 && i.us < 0 {
        i.us += USECS_PER_DAY;
        i.days -= 1;
    } else if i.days < 0 && i.us > 0 {
        i.us -= USECS_PER_DAY;
        i.days += 1;
    }
    Ok(i)
}

fn fn_justify_hours(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(justify_hours(interval(args, 0))?, out)
}

fn fn_justify_days(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(justify_days(interval(args, 0))?, out)
}

fn fn_justify_interval(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(justify_interval(interval(args, 0))?, out)
}

// Ages. -------------------------------------------------------------------------------------------------------

/// Years, months, days and time from `b` to `a`, by the calendar.
fn age(a: i64, b: i64) -> Result<Interval> {
    if !is_finite(a) || !is_finite(b) {
        return Err(out_of_range());
    }
    let (c, d) = (Civil::from_us(a), Civil::from_us(b));
    let backwards = a < b;
    let sign = if backwards { -1 } else { 1 };
    let mut us = sign * (c.time_us() - d.time_us());
    let mut days = sign as i32 * (c.day - d.day);
    let mut months = sign as i32 * ((c.year - d.year) * 12 + c.month - d.month);
    if us < 0 {
        us += USECS_PER_DAY;
        days -= 1;
    }
    let reference = if backwards { c } else { d };
    while days < 0 {
        days += days_in_month(reference.year, reference.month);
        months -= 1;
    }
    Ok(Interval { us: sign * us, days: sign as i32 * days, months: sign as i32 * months })
}

fn timestamp_age(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(age(args[0].i64(), args[1].i64())?, out)
}

fn timestamptz_age(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let local = |n: usize| timestamp::utc_to_local(args[n].i64(), &cx.io.time_zone);
    push_interval(age(local(0)?, local(1)?)?, out)
}

fn today(cx: &FnContext) -> Result<i64> {
    let local = timestamp::utc_to_local(cx.io.now_us, &cx.io.time_zone)?;
    Ok(local - local.rem_euclid(USECS_PER_DAY))
}

fn timestamp_age_now(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(age(today(cx)?, args[0].i64())?, out)
}

fn timestamptz_age_now(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_interval(age(today(cx)?, timestamp::utc_to_local(args[0].i64(), &cx.io.time_zone)?)?, out)
}

// Overlaps. ---------------------------------------------------------------------------------------------------

/// Whether two periods overlap, ends in any order, NULL where that cannot be told (PostgreSQL 15, overlaps_timestamp).
fn overlaps_of<'a>(typ: TypeRef, args: &[Datum<'a>], out: &mut Column) {
    let less = |a: Datum<'_>, b: Datum<'_>| types::compare(typ, a, b).is_lt();
    // Orders one period; a NULL end comes second. None if both ends are NULL.
    let order = |s: Datum<'a>, e: Datum<'a>| match (s.is_null(), e.is_null()) {
        (true, true) => None,
        (true, false) => Some((e, Datum::Null)),
        (false, true) => Some((s, Datum::Null)),
        (false, false) if less(e, s) => Some((e, s)),
        _ => Some((s, e)),
    };
    let (Some((s1, e1)), Some((s2, e2))) = (order(args[0], args[1]), order(args[2], args[3])) else {
        return out.push_null();
    };
    let answer = match types::compare(typ, s1, s2) {
        std::cmp::Ordering::Greater if e2.is_null() => None,
        std::cmp::Ordering::Greater if less(s1, e2) => Some(true),
        std::cmp::Ordering::Greater if e1.is_null() => None,
        std::cmp::Ordering::Greater => Some(false),
        std::cmp::Ordering::Less if e1.is_null() => None,
        std::cmp::Ordering::Less if less(s2, e1) => Some(true),
        std::cmp::Ordering::Less if e2.is_null() => None,
        std::cmp::Ordering::Less => Some(false),
        std::cmp::Ordering::Equal if e1.is_null() || e2.is_null() => None,
        std::cmp::Ordering::Equal => Some(true),
    };
    out.push(answer.map_or(Datum::Null, Datum::Bool));
}

fn overlaps<const TYPE: u32>(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    overlaps_of(TypeRef::of(crate::base::Oid(TYPE)), args, out);
    Ok(())
}

/// The SQL-language forms: ends given as intervals are added to the starts.
fn overlaps_intervals<const TYPE: u32, const FIRST: bool, const SECOND: bool>(
    cx: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let sum = |s: Datum<'_>, i: Datum<'_>| -> Result<Datum<'static>> {
        if s.is_null() || i.is_null() {
            return Ok(Datum::Null);
        }
        let i = Interval::from_bytes(i.bytes());
        Ok(Datum::I64(match crate::base::Oid(TYPE) {
            oid::TIMESTAMP => add_interval(s.i64(), i)?,
            oid::TIMESTAMPTZ => add_interval_tz(s.i64(), i, &cx.io.time_zone)?,
            _ => (s.i64() + i.us % USECS_PER_DAY).rem_euclid(USECS_PER_DAY),
        }))
    };
    let first = if FIRST { sum(args[0], args[1])? } else { args[1].i64_or_null() };
    let second = if SECOND { sum(args[2], args[3])? } else { args[3].i64_or_null() };
    overlaps_of(TypeRef::of(crate::base::Oid(TYPE)), &[args[0], first, args[2], second], out);
    Ok(())
}

/// A copy that borrows nothing.
trait Detached {
    fn i64_or_null(self) -> Datum<'static>;
}

impl Detached for Datum<'_> {
    fn i64_or_null(self) -> Datum<'static> {
        if self.is_null() { Datum::Null } else { Datum::I64(self.i64()) }
    }
}

// Frames. -----------------------------------------------------------------------------------------------------

fn frame_offset(args: Args<'_, '_>) -> Result<Interval> {
    let i = interval(args, 2);
    if i.total() < 0 {
        bail!(INVALID_PRECEDING_OR_FOLLOWING_SIZE, "invalid preceding or following size in window function");
    }
    if args[3].bool() { negated(i) } else { Ok(i) }
}

fn in_frame(value: i64, bound: i64, args: Args<'_, '_>, out: &mut Column) {
    out.push(Datum::Bool(if args[4].bool() { value <= bound } else { value >= bound }));
}

fn in_range_timestamp(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    in_frame(args[0].i64(), add_interval(args[1].i64(), frame_offset(args)?)?, args, out);
    Ok(())
}

fn in_range_timestamptz(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let bound = add_interval_tz(args[1].i64(), frame_offset(args)?, &cx.io.time_zone)?;
    in_frame(args[0].i64(), bound, args, out);
    Ok(())
}

fn in_range_date(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let bound = add_interval(date::to_timestamp(args[1].i32())?, frame_offset(args)?)?;
    in_frame(date::to_timestamp(args[0].i32())?, bound, args, out);
    Ok(())
}

fn in_range_time(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    // Not wrapped around midnight: what lies beyond it is simply beyond.
    let bound = args[1].i64().saturating_add(frame_offset(args)?.us);
    in_frame(args[0].i64(), bound, args, out);
    Ok(())
}

// Predicates. -------------------------------------------------------------------------------------------------

fn timestamp_finite(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(is_finite(args[0].i64())));
    Ok(())
}

fn date_finite(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(date::is_finite(args[0].i32())));
    Ok(())
}

fn interval_finite(_: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(true));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("date_pli", Scalar(date_pli)),
    ("integer_pl_date(integer,date)", Scalar(integer_pl_date)),
    ("date_mii", Scalar(date_mii)),
    ("date_mi", Scalar(date_mi)),
    ("date_pl_interval", Scalar(date_with::<false, false>)),
    ("date_mi_interval", Scalar(date_with::<true, false>)),
    ("interval_pl_date(interval,date)", Scalar(date_with::<false, true>)),
    ("timestamp_pl_interval", Scalar(timestamp_with::<false, false>)),
    ("timestamp_mi_interval", Scalar(timestamp_with::<true, false>)),
    ("interval_pl_timestamp(interval,timestamp_without_time_zone)", Scalar(timestamp_with::<false, true>)),
    ("timestamptz_pl_interval", Scalar(timestamptz_with::<false, false>)),
    ("timestamptz_mi_interval", Scalar(timestamptz_with::<true, false>)),
    ("interval_pl_timestamptz(interval,timestamp_with_time_zone)", Scalar(timestamptz_with::<false, true>)),
    ("time_pl_interval", Scalar(time_with::<false, false>)),
    ("time_mi_interval", Scalar(time_with::<true, false>)),
    ("interval_pl_time(interval,time_without_time_zone)", Scalar(time_with::<false, true>)),
    ("timetz_pl_interval", Scalar(timetz_with::<false, false>)),
    ("timetz_mi_interval", Scalar(timetz_with::<true, false>)),
    ("interval_pl_timetz(interval,time_with_time_zone)", Scalar(timetz_with::<false, true>)),
    ("timestamp_mi", Scalar(timestamp_mi)),
    ("time_mi_time", Scalar(time_mi_time)),
    ("interval_pl", Scalar(interval_pl)),
    ("interval_mi", Scalar(interval_mi)),
    ("interval_um", Scalar(interval_um)),
    ("interval_mul", Scalar(interval_mul)),
    ("mul_d_interval", Scalar(mul_interval)),
    ("interval_div", Scalar(interval_div)),
    ("interval_justify_hours", Scalar(fn_justify_hours)),
    ("interval_justify_days", Scalar(fn_justify_days)),
    ("interval_justify_interval", Scalar(fn_justify_interval)),
    ("timestamp_age", Scalar(timestamp_age)),
    ("timestamptz_age", Scalar(timestamptz_age)),
    ("age(timestamp_without_time_zone)", Scalar(timestamp_age_now)),
    ("age(timestamp_with_time_zone)", Scalar(timestamptz_age_now)),
    ("overlaps_timestamp", Scalar(overlaps::<1114>)),
    ("overlaps_time", Scalar(overlaps::<1083>)),
    ("overlaps_timetz", Scalar(overlaps::<1266>)),
    (
        "overlaps(time_without_time_zone,interval,time_without_time_zone,interval)",
        Scalar(overlaps_intervals::<1083, true, true>),
    ),
    (
        "overlaps(time_without_time_zone,interval,time_without_time_zone,time_without_time_zone)",
        Scalar(overlaps_intervals::<1083, true, false>),
    ),
    (
        "overlaps(time_without_time_zone,time_without_time_zone,time_without_time_zone,interval)",
        Scalar(overlaps_intervals::<1083, false, true>),
    ),
    (
        "overlaps(timestamp_without_time_zone,interval,timestamp_without_time_zone,interval)",
        Scalar(overlaps_intervals::<1114, true, true>),
    ),
    (
        "overlaps(timestamp_without_time_zone,interval,timestamp_without_time_zone,timestamp_without_time_zone)",
        Scalar(overlaps_intervals::<1114, true, false>),
    ),
    (
        "overlaps(timestamp_without_time_zone,timestamp_without_time_zone,timestamp_without_time_zone,interval)",
        Scalar(overlaps_intervals::<1114, false, true>),
    ),
    (
        "overlaps(timestamp_with_time_zone,interval,timestamp_with_time_zone,interval)",
        Scalar(overlaps_intervals::<1184, true, true>),
    ),
    (
        "overlaps(timestamp_with_time_zone,interval,timestamp_with_time_zone,timestamp_with_time_zone)",
        Scalar(overlaps_intervals::<1184, true, false>),
    ),
    (
        "overlaps(timestamp_with_time_zone,timestamp_with_time_zone,timestamp_with_time_zone,interval)",
        Scalar(overlaps_intervals::<1184, false, true>),
    ),
    ("in_range_timestamp_interval", Scalar(in_range_timestamp)),
    ("in_range_timestamptz_interval", Scalar(in_range_timestamptz)),
    ("in_range_date_interval", Scalar(in_range_date)),
    ("in_range_time_interval", Scalar(in_range_time)),
    ("timestamp_finite", Scalar(timestamp_finite)),
    ("date_finite", Scalar(date_finite)),
    ("interval_finite", Scalar(interval_finite)),
];
