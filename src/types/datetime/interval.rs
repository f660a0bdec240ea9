//! `interval`: microseconds, days and months, each with its own sign.
//!
//! Bytes: microseconds i64 LE, days i32 LE, months i32 LE.

use super::civil::{USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC};
use super::decode::{Fault, clock};
use super::format::seconds;
use super::token::{Shape, Unit, fields, unit};
use crate::base::{Error, Result};
use crate::err;
use crate::types::context::{IntervalStyle, IoContext};
use crate::types::name::{INTERVAL_FULL_RANGE, field, interval_typmod};
use std::cmp::Ordering;
use std::io::Write;

#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Interval {
    pub us: i64,
    pub days: i32,
    pub months: i32,
}

/// The parts an interval is shown in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts {
    pub years: i32,
    pub months: i32,
    pub days: i32,
    pub hours: i64,
    pub minutes: i32,
    pub seconds: i32,
    pub us: i32,
}

#[cold]
pub fn out_of_range() -> Error {
    err!(DATETIME_FIELD_OVERFLOW, "interval out of range")
}

impl Interval {
    pub fn from_bytes(b: &[u8]) -> Interval {
        let int = |at: usize| b.get(at..).and_then(<[u8]>::first_chunk).map_or(0, |c| i32::from_le_bytes(*c));
        Interval { us: b.first_chunk().map_or(0, |c| i64::from_le_bytes(*c)), days: int(8), months: int(12) }
    }

    pub fn to_bytes(self) -> [u8; 16] {
        let mut out = [0; 16];
        out[..8].copy_from_slice(&self.us.to_le_bytes());
        out[8..12].copy_from_slice(&self.days.to_le_bytes());
        out[12..].copy_from_slice(&self.months.to_le_bytes());
        out
    }

    /// Microseconds, months counted as 30 days: what order and equality go by.
    pub fn total(self) -> i128 {
        (i128::from(self.months) * 30 + i128::from(self.days)) * i128::from(USECS_PER_DAY) + i128::from(self.us)
    }

    pub fn compare(self, other: Interval) -> Ordering {
        self.total().cmp(&other.total())
    }

    pub fn checked_neg(self) -> Option<Interval> {
        Some(Interval {
            us: self.us.checked_neg()?,
            days: self.days.checked_neg()?,
            months: self.months.checked_neg()?,
        })
    }

    pub fn checked_add(self, other: Interval) -> Option<Interval> {
        Some(Interval {
            us: self.us.checked_add(other.us)?,
            days: self.days.checked_add(other.days)?,
            months: self.months.checked_add(other.months)?,
        })
    }

    pub fn checked_sub(self, other: Interval) -> Option<Interval> {
        Some(Interval {
            us: self.us.checked_sub(other.us)?,
            days: self.days.checked_sub(other.days)?,
            months: self.months.checked_sub(other.months)?,
        })
    }

    pub fn parts(self) -> Parts {
        Parts {
            years: self.months / 12,
            months: self.months % 12,
            days: self.days,
            hours: self.us / USECS_PER_HOUR,
            minutes: (self.us / USECS_PER_MINUTE % 60) as i32,
            seconds: (self.us / USECS_PER_SEC % 60) as i32,
            us: (self.us % USECS_PER_SEC) as i32,
        }
    }

    /// Drops the fields a typmod excludes and rounds the seconds.
    pub fn apply_typmod(mut self, typmod: i32) -> Result<Interval> {
        if typmod < 0 {
            return Ok(self);
        }
        let (range, precision) = interval_typmod(typmod);
        let cut = |us: i64, unit: i64| us / unit * unit;
        if range == field::YEAR {
            self = Interval { months: self.months / 12 * 12, ..Interval::default() };
        } else if range == field::MONTH || range == field::YEAR | field::MONTH {
            self = Interval { months: self.months, ..Interval::default() };
        } else if range == field::DAY {
            self.us = 0;
        } else if range != INTERVAL_FULL_RANGE {
            if range & (field::MINUTE | field::SECOND) == 0 {
                self.us = cut(self.us, USECS_PER_HOUR);
            } else if range & field::SECOND == 0 {
                self.us = cut(self.us, USECS_PER_MINUTE);
            }
        }
        if (0..6).contains(&precision) {
            let unit = 10_i64.pow(6 - precision as u32);
            let half = if self.us >= 0 { unit / 2 } else { -(unit / 2) };
            // PostgreSQL does not look for an overflow here: the longest ones turn their sign.
            self.us = self.us.wrapping_add(half) / unit * unit;
        }
        Ok(self)
    }

    pub fn parse(text: &str, typmod: i32, io: &IoContext) -> Result<Interval> {
        let (range, _) = interval_typmod(typmod);
        let built = match decode(text, range, io) {
            Err(Fault::BadFormat) => iso8601(text),
            other => other,
        };
        let built = built.map_err(|f| match f {
            Fault::FieldOverflow => Fault::IntervalOverflow.error(text, "interval"),
            other => other.error(text, "interval"),
        })?;
        let months = built.years.checked_mul(12).and_then(|m| m.checked_add(built.months));
        let months = months.and_then(|m| i32::try_from(m).ok()).ok_or_else(out_of_range)?;
        Interval { us: built.us, days: built.days, months }.apply_typmod(typmod)
    }

    pub fn write(self, out: &mut Vec<u8>, io: &IoContext) {
        let p = self.parts();
        match io.interval_style {
            IntervalStyle::Postgres => postgres(p, out),
            IntervalStyle::PostgresVerbose => verbose(p, out),
            IntervalStyle::SqlStandard => sql_standard(p, out),
            IntervalStyle::Iso8601 => iso(p, out),
        }
    }
}

/// An interval while it is read.
#[derive(Default)]
struct Building {
    us: i64,
    days: i32,
    months: i64,
    years: i64,
}

type Built<T = ()> = std::result::Result<T, Fault>;

impl Building {
    fn add_us(&mut self, us: i64) -> Built {
        self.us = self.us.checked_add(us).ok_or(Fault::FieldOverflow)?;
        Ok(())
    }

    fn fraction_us(&mut self, fraction: f64, unit: i64) -> Built {
        let scaled = fraction * unit as f64;
        let mut us = scaled as i64;
        let rest = scaled - us as f64;
        if rest > 0.5 {
            us += 1;
        } else if rest < -0.5 {
            us -= 1;
        }
        self.add_us(us)
    }

    fn microseconds(&mut self, value: i64, fraction: f64, unit: i64) -> Built {
        self.add_us(value.checked_mul(unit).ok_or(Fault::FieldOverflow)?)?;
        self.fraction_us(fraction, unit)
    }

    fn add_days(&mut self, value: i64, unit: i64) -> Built {
        let days = value.checked_mul(unit).and_then(|d| i32::try_from(d).ok());
        self.days = days.and_then(|d| self.days.checked_add(d)).ok_or(Fault::FieldOverflow)?;
        Ok(())
    }

    fn fraction_days(&mut self, fraction: f64, unit: i32) -> Built {
        let scaled = fraction * f64::from(unit);
        let days = scaled as i32;
        self.add_days(days.into(), 1)?;
        self.fraction_us(scaled - f64::from(days), USECS_PER_DAY)
    }

    fn add_months(&mut self, value: i64) -> Built {
        let months = i32::try_from(value).ok().and_then(|m| self.months.checked_add(m.into()));
        self.months = months.filter(|m| i32::try_from(*m).is_ok()).ok_or(Fault::FieldOverflow)?;
        Ok(())
    }

    fn add_years(&mut self, value: i64, unit: i64) -> Built {
        let years = value.checked_mul(unit).and_then(|y| self.years.checked_add(y));
        self.years = years.filter(|y| i32::try_from(*y).is_ok()).ok_or(Fault::FieldOverflow)?;
        Ok(())
    }

    fn fraction_years(&mut self, fraction: f64, unit: i32) -> Built {
        self.add_months((fraction * f64::from(unit) * 12.0).round_ties_even() as i64)
    }

    /// Adds a value with its unit; returns the mask of what is known then.
    fn add(&mut self, unit: Unit, value: i64, fraction: f64) -> Built<u32> {
        match unit {
            Unit::Microsecond => self.microseconds(value, fraction, 1)?,
            Unit::Millisecond => self.microseconds(value, fraction, 1000)?,
            Unit::Second => self.microseconds(value, fraction, USECS_PER_SEC)?,
            Unit::Minute => self.microseconds(value, fraction, USECS_PER_MINUTE)?,
            Unit::Hour => self.microseconds(value, fraction, USECS_PER_HOUR)?,
            Unit::Day => {
                self.add_days(value, 1)?;
                self.fraction_us(fraction, USECS_PER_DAY)?;
            }
            Unit::Week => {
                self.add_days(value, 7)?;
                self.fraction_days(fraction, 7)?;
            }
            Unit::Month => {
                self.add_months(value)?;
                self.fraction_days(fraction, 30)?;
            }
            Unit::Year => {
                self.add_years(value, 1)?;
                self.fraction_years(fraction, 1)?;
            }
            Unit::Decade => {
                self.add_years(value, 10)?;
                self.fraction_years(fraction, 10)?;
            }
            Unit::Century => {
                self.add_years(value, 100)?;
                self.fraction_years(fraction, 100)?;
            }
            Unit::Millennium => {
                self.add_years(value, 1000)?;
                self.fraction_years(fraction, 1000)?;
            }
            _ => return Err(Fault::BadFormat),
        }
        let bit = 1 << (unit as u32);
        Ok(match unit {
            Unit::Second if fraction != 0.0 => SECONDS_ALL,
            _ => bit,
        })
    }
}

const SECONDS_ALL: u32 = 1 << (Unit::Second as u32) | 1 << (Unit::Millisecond as u32) | 1 << (Unit::Microsecond as u32);
const CLOCK: u32 = 1 << (Unit::Hour as u32) | 1 << (Unit::Minute as u32) | SECONDS_ALL;

/// What the last number means if it has no unit, by the fields of the type.
fn rightmost_unit(range: i32) -> Unit {
    if range == INTERVAL_FULL_RANGE || range & field::SECOND != 0 {
        Unit::Second
    } else if range & field::MINUTE != 0 {
        Unit::Minute
    } else if range & field::HOUR != 0 {
        Unit::Hour
    } else if range & field::DAY != 0 {
        Unit::Day
    } else if range & field::MONTH != 0 {
        Unit::Month
    } else {
        Unit::Year
    }
}

/// The digits at the start, sign included, and what follows.
fn long(text: &str) -> Built<(i64, &str)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let len = text.len() - digits.len() + count;
    if count == 0 {
        // As strtol does: nothing was read; `.5` goes on with its fraction.
        return Ok((0, if digits.starts_with('.') { digits } else { text }));
    }
    Ok((text[..len].parse().map_err(|_| Fault::FieldOverflow)?, &text[len..]))
}

/// The value of `.digits`.
fn fraction(text: &str) -> Built<f64> {
    if text == "." {
        return Ok(0.0);
    }
    if !text[1..].bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::BadFormat);
    }
    text.parse().map_err(|_| Fault::BadFormat)
}

/// PostgreSQL 15, datetime.c, DecodeInterval: from right to left, so that units come before their values.
fn decode(text: &str, range: i32, io: &IoContext) -> Built<Building> {
    let fields = fields(text).ok_or(Fault::BadFormat)?;
    let signed = |t: &str| t.starts_with(['-', '+']);
    let negative_all = io.interval_style == IntervalStyle::SqlStandard
        && fields.first().is_some_and(|f| f.text.starts_with('-'))
        && !fields.iter().skip(1).any(|f| signed(&f.text));
    let mut b = Building::default();
    let mut known = 0;
    let mut current = None;
    let mut ago = false;
    for f in fields.iter().rev() {
        let mut new = 0;
        let as_clock = match f.shape {
            Shape::Time => Some(interval_clock(&f.text, range)?),
            Shape::Zone if f.text.contains(':') => match interval_clock(&f.text[1..], range) {
                Ok(us) => Some(if f.text.starts_with('-') { -us } else { us }),
                Err(_) => None,
            },
            _ => None,
        };
        if let Some(us) = as_clock {
            b.us = if negative_all && us > 0 { -us } else { us };
            current = Some(Unit::Day);
            new = CLOCK;
        } else {
            match f.shape {
                Shape::Zone | Shape::Date | Shape::Number => {
                    new = decode_number(&f.text, &mut current, range, negative_all, &mut b)?;
                }
                Shape::Word | Shape::Special if f.text == "ago" => {
                    ago = true;
                    current = None;
                }
                Shape::Word | Shape::Special if f.text == "at" || f.text == "on" => continue,
                Shape::Word | Shape::Special => current = Some(unit(&f.text).ok_or(Fault::BadFormat)?),
                Shape::Time => return Err(Fault::BadFormat),
            }
        }
        if new & known != 0 {
            return Err(Fault::BadFormat);
        }
        known |= new;
    }
    if known == 0 {
        return Err(Fault::BadFormat);
    }
    if ago {
        b.us = b.us.checked_neg().ok_or(Fault::FieldOverflow)?;
        b.days = b.days.checked_neg().ok_or(Fault::FieldOverflow)?;
        b.months = -b.months;
        b.years = -b.years;
    }
    Ok(b)
}

fn decode_number(
    text: &str,
    current: &mut Option<Unit>,
    range: i32,
    negative_all: bool,
    b: &mut Building,
) -> Built<u32> {
    let mut kind = *current.get_or_insert_with(|| rightmost_unit(range));
    let (mut value, rest) = long(text)?;
    let mut part = 0.0;
    if let Some(months) = rest.strip_prefix('-') {
        let (months, rest) = long(months)?;
        if !(0..12).contains(&months) {
            return Err(Fault::FieldOverflow);
        }
        if !rest.is_empty() {
            return Err(Fault::BadFormat);
        }
        kind = Unit::Month;
        *current = Some(kind);
        let months = if text.starts_with('-') { -months } else { months };
        value = value.checked_mul(12).and_then(|v| v.checked_add(months)).ok_or(Fault::FieldOverflow)?;
    } else if rest.starts_with('.') {
        part = fraction(rest)?;
        if text.starts_with('-') {
            part = -part;
        }
    } else if !rest.is_empty() {
        return Err(Fault::BadFormat);
    }
    if negative_all {
        value = -value.abs();
        part = -part.abs();
    }
    if kind == Unit::Hour {
        // What stands before hours are days.
        *current = Some(Unit::Day);
    }
    b.add(kind, value, part)
}

/// Microseconds of `h:m[:s[.f]]`, hours unlimited.
fn interval_clock(text: &str, range: i32) -> Built<i64> {
    // Hours may exceed 32 bits here, unlike in a time of day.
    let (hours, rest) = long(text)?;
    let minute_second = range == field::MINUTE | field::SECOND;
    if i32::try_from(hours).is_err() {
        let (_, minute, second, us) = clock(&format!("0{rest}"), false)?;
        return compose(hours, minute, second, us);
    }
    let (hour, minute, second, us) = clock(text, minute_second)?;
    compose(hour.into(), minute, second, us)
}

fn compose(hours: i64, minute: i32, second: i32, us: i32) -> Built<i64> {
    hours
        .checked_mul(USECS_PER_HOUR)
        .and_then(|t| t.checked_add(i64::from(minute) * USECS_PER_MINUTE))
        .and_then(|t| t.checked_add(i64::from(second) * USECS_PER_SEC + i64::from(us)))
        .ok_or(Fault::FieldOverflow)
}

/// A number of an ISO 8601 duration: value, fraction, what follows.
fn iso_number(text: &str) -> Built<(i64, f64, &str)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let len = digits.bytes().take_while(|b| b.is_ascii_digit() || *b == b'.').count();
    if !digits.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        return Err(Fault::BadFormat);
    }
    // Exponents are allowed, as strtod reads them.
    let mut len = text.len() - digits.len() + len;
    let tail = &text[len..];
    if let Some(e) = tail.strip_prefix(['e', 'E']) {
        let exponent = e.strip_prefix(['-', '+']).unwrap_or(e);
        let count = exponent.bytes().take_while(u8::is_ascii_digit).count();
        if count > 0 {
            len += tail.len() - exponent.len() + count;
        }
    }
    let value: f64 = text[..len].parse().map_err(|_| Fault::BadFormat)?;
    if value.abs() > 9.2e18 {
        return Err(Fault::FieldOverflow);
    }
    let whole = value as i64;
    Ok((whole, value - whole as f64, &text[len..]))
}

/// Durations as ISO 8601 writes them: `P1Y2M3DT4H5M6S`, `P0001-02-03T04:05:06`, `P00010203T040506`.
fn iso8601(text: &str) -> Built<Building> {
    let mut rest = text.strip_prefix('P').filter(|r| !r.is_empty()).ok_or(Fault::BadFormat)?;
    let mut b = Building::default();
    let mut in_date = true;
    let mut have_field = false;
    let width = |t: &str| t.strip_prefix('-').unwrap_or(t).bytes().take_while(u8::is_ascii_digit).count();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix('T') {
            (in_date, have_field, rest) = (false, false, after);
            continue;
        }
        let start = rest;
        let (value, part, after) = iso_number(rest)?;
        let mark = after.chars().next();
        rest = mark.map_or("", |c| &after[c.len_utf8()..]);
        if in_date {
            match mark {
                Some('Y') => _ = b.add(Unit::Year, value, part)?,
                Some('M') => _ = b.add(Unit::Month, value, part)?,
                Some('W') => _ = b.add(Unit::Week, value, part)?,
                Some('D') => _ = b.add(Unit::Day, value, part)?,
                Some('T') | None if width(start) == 8 && !have_field => {
                    b.add_years(value / 10_000, 1)?;
                    b.add_months(value / 100 % 100)?;
                    b.add_days(value % 100, 1)?;
                    b.fraction_us(part, USECS_PER_DAY)?;
                    in_date = false;
                    have_field = false;
                    continue;
                }
                Some('T' | '-') | None => {
                    if have_field {
                        return Err(Fault::BadFormat);
                    }
                    b.add(Unit::Year, value, part)?;
                    if mark == Some('T') {
                        in_date = false;
                        continue;
                    }
                    if mark.is_none() {
                        return Ok(b);
                    }
                    rest = iso_extended_date(rest, &mut b)?;
                    in_date = false;
                    have_field = false;
                    continue;
                }
                _ => return Err(Fault::BadFormat),
            }
        } else {
            match mark {
                Some('H') => _ = b.add(Unit::Hour, value, part)?,
                Some('M') => _ = b.add(Unit::Minute, value, part)?,
                Some('S') => _ = b.add(Unit::Second, value, part)?,
                None if width(start) == 6 && !have_field => {
                    b.microseconds(value / 10_000, 0.0, USECS_PER_HOUR)?;
                    b.microseconds(value / 100 % 100, 0.0, USECS_PER_MINUTE)?;
                    b.microseconds(value % 100, part, USECS_PER_SEC)?;
                    return Ok(b);
                }
                Some(':') | None => {
                    if have_field {
                        return Err(Fault::BadFormat);
                    }
                    b.add(Unit::Hour, value, part)?;
                    if mark.is_none() {
                        return Ok(b);
                    }
                    let (minutes, part, after) = iso_number(rest)?;
                    b.add(Unit::Minute, minutes, part)?;
                    if after.is_empty() {
                        return Ok(b);
                    }
                    let after = after.strip_prefix(':').ok_or(Fault::BadFormat)?;
                    let (secs, part, after) = iso_number(after)?;
                    b.add(Unit::Second, secs, part)?;
                    return if after.is_empty() { Ok(b) } else { Err(Fault::BadFormat) };
                }
                _ => return Err(Fault::BadFormat),
            }
        }
        have_field = true;
    }
    Ok(b)
}

/// `mm[-dd]` after the year; returns the time part.
fn iso_extended_date<'a>(rest: &'a str, b: &mut Building) -> Built<&'a str> {
    let (months, part, rest) = iso_number(rest)?;
    b.add(Unit::Month, months, part)?;
    if rest.is_empty() {
        return Ok(rest);
    }
    if let Some(time) = rest.strip_prefix('T') {
        return Ok(time);
    }
    let rest = rest.strip_prefix('-').ok_or(Fault::BadFormat)?;
    let (days, part, rest) = iso_number(rest)?;
    b.add(Unit::Day, days, part)?;
    if rest.is_empty() {
        return Ok(rest);
    }
    rest.strip_prefix('T').ok_or(Fault::BadFormat)
}

/// Writing to a `Vec` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = write!($out, $($arg)*); };
}

fn postgres(p: Parts, out: &mut Vec<u8>) {
    let start = out.len();
    let mut before = false;
    for (value, name) in [(p.years, "year"), (p.months, "mon"), (p.days, "day")] {
        if value == 0 {
            continue;
        }
        let space = if out.len() > start { " " } else { "" };
        let sign = if before && value > 0 { "+" } else { "" };
        put!(out, "{space}{sign}{value} {name}{}", if value == 1 { "" } else { "s" });
        before = value < 0;
    }
    let empty = out.len() == start;
    if empty || p.hours != 0 || p.minutes != 0 || p.seconds != 0 || p.us != 0 {
        let minus = p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.us < 0;
        let sign = if minus {
            "-"
        } else if before {
            "+"
        } else {
            ""
        };
        put!(out, "{}{sign}{:02}:{:02}:", if empty { "" } else { " " }, p.hours.abs(), p.minutes.abs());
        seconds(p.seconds, p.us, true, out);
    }
}

fn verbose(p: Parts, out: &mut Vec<u8>) {
    out.push(b'@');
    let mut zero = true;
    let mut before = false;
    let parts = [
        (i64::from(p.years), "year"),
        (p.months.into(), "mon"),
        (p.days.into(), "day"),
        (p.hours, "hour"),
        (p.minutes.into(), "min"),
    ];
    for (mut value, name) in parts {
        if value == 0 {
            continue;
        }
        if zero {
            before = value < 0;
            value = value.abs();
        } else if before {
            value = -value;
        }
        put!(out, " {value} {name}{}", if value == 1 { "" } else { "s" });
        zero = false;
    }
    if p.seconds != 0 || p.us != 0 {
        out.push(b' ');
        if p.seconds < 0 || p.us < 0 {
            if zero {
                before = true;
            } else if !before {
                out.push(b'-');
            }
        } else if before {
            out.push(b'-');
        }
        seconds(p.seconds, p.us, false, out);
        put!(out, " sec{}", if p.seconds.abs() != 1 || p.us != 0 { "s" } else { "" });
        zero = false;
    }
    if zero {
        out.extend_from_slice(b" 0");
    }
    if before {
        out.extend_from_slice(b" ago");
    }
}

fn sql_standard(p: Parts, out: &mut Vec<u8>) {
    let signs =
        [i64::from(p.years), p.months.into(), p.days.into(), p.hours, p.minutes.into(), p.seconds.into(), p.us.into()];
    let negative = signs.iter().any(|v| *v < 0);
    let positive = signs.iter().any(|v| *v > 0);
    let year_month = p.years != 0 || p.months != 0;
    let day_time = signs[2..].iter().any(|v| *v != 0);
    let mixed = negative && positive || year_month && day_time;
    let standard = !mixed;
    if !negative && !positive {
        out.push(b'0');
        return;
    }
    let (years, months, days) = (p.years.abs(), p.months.abs(), p.days.unsigned_abs());
    let (hours, minutes) = (p.hours.abs(), p.minutes.abs());
    if !standard {
        let sign = |neg: bool| if neg { '-' } else { '+' };
        let time = p.hours < 0 || p.minutes < 0 || p.seconds < 0 || p.us < 0;
        put!(
            out,
            "{}{years}-{months} {}{days} {}{hours}:{minutes:02}:",
            sign(p.years < 0 || p.months < 0),
            sign(p.days < 0),
            sign(time)
        );
        return seconds(p.seconds, p.us, true, out);
    }
    if negative {
        out.push(b'-');
    }
    if year_month {
        put!(out, "{years}-{months}");
        return;
    }
    if p.days != 0 {
        put!(out, "{days} ");
    }
    put!(out, "{hours}:{minutes:02}:");
    seconds(p.seconds, p.us, true, out);
}

fn iso(p: Parts, out: &mut Vec<u8>) {
    let time = p.hours != 0 || p.minutes != 0 || p.seconds != 0 || p.us != 0;
    if !time && p.years == 0 && p.months == 0 && p.days == 0 {
        out.extend_from_slice(b"PT0S");
        return;
    }
    let part = |value: i64, mark: char, out: &mut Vec<u8>| {
        if value != 0 {
            put!(out, "{value}{mark}");
        }
    };
    out.push(b'P');
    part(p.years.into(), 'Y', out);
    part(p.months.into(), 'M', out);
    part(p.days.into(), 'D', out);
    if time {
        out.push(b'T');
        part(p.hours, 'H', out);
        part(p.minutes.into(), 'M', out);
        if p.seconds != 0 || p.us != 0 {
            if p.seconds < 0 || p.us < 0 {
                out.push(b'-');
            }
            seconds(p.seconds, p.us, false, out);
            out.push(b'S');
        }
    }
}
