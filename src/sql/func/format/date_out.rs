//! `to_char` of dates, times and intervals.

use super::template::{Case, FULL_MONTHS, Field, Node, ROMAN_MONTHS, ordinal_ending, parse};
use crate::base::Result;
use crate::err;
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::datetime::civil::{
    Civil, USECS_PER_SEC, day_of_week, day_of_year, iso_week, iso_week_to_julian, to_julian,
};
use crate::types::datetime::format::{DAYS, MONTHS};
use crate::types::datetime::zone::ZoneAt;
use crate::types::datetime::{Interval, timestamp};
use crate::types::{Column, Datum};

/// What a template can show.
struct Moment {
    year: i32,
    month: i32,
    day: i32,
    hour: i64,
    minute: i32,
    second: i32,
    us: i32,
    weekday: i32,
    day_of_year: i32,
    julian: i32,
    iso: (i32, i32, i32),
    zone: Option<ZoneAt>,
    interval: bool,
}

impl Moment {
    fn of(c: &Civil, zone: Option<ZoneAt>) -> Moment {
        let (iso_year, week) = iso_week(c.year, c.month, c.day);
        Moment {
            year: c.year,
            month: c.month,
            day: c.day,
            hour: c.hour.into(),
            minute: c.minute,
            second: c.second,
            us: c.us,
            weekday: day_of_week(c.julian()),
            day_of_year: day_of_year(c.year, c.month, c.day),
            julian: c.julian(),
            iso: (iso_year, week, c.julian() - iso_week_to_julian(iso_year, 1) + 1),
            zone,
            interval: false,
        }
    }

    /// Without a year 0, as people count; intervals are shown as they are.
    fn shown(&self, year: i32) -> i32 {
        if self.interval || year > 0 { year } else { 1 - year }
    }
}

fn cased(text: &str, case: Case) -> String {
    match case {
        Case::Upper => text.to_uppercase(),
        Case::Capital => text.to_owned(),
        Case::Lower => text.to_lowercase(),
    }
}

/// A number of at least so many digits, the sign not counted; `fill`: only as many as it has.
fn digits(n: i64, width: usize, fill: bool) -> String {
    digits_as(n, n, width, fill)
}

/// As wide as `like` would need, whose sign may be another.
fn digits_as(n: i64, like: i64, width: usize, fill: bool) -> String {
    if fill {
        return n.to_string();
    }
    let width = if like < 0 { width + 1 } else { width };
    format!("{n:0width$}")
}

fn padded(text: String, width: usize, fill: bool) -> String {
    if fill { text } else { format!("{text:<width$}") }
}

fn write(nodes: &[Node], m: &Moment) -> Result<String> {
    let mut out = String::new();
    for node in nodes {
        match node {
            Node::Char(c, _) => out.push(*c),
            Node::Field { field, case, fill, ordinal, .. } => {
                let text = show(*field, *case, *fill, m)?;
                out += &text;
                if let (Some(case), true) = (ordinal, text.ends_with(|c: char| c.is_ascii_digit())) {
                    out += &cased(ordinal_ending(&text), *case);
                }
            }
        }
    }
    Ok(out)
}

fn show(field: Field, case: Case, fill: bool, m: &Moment) -> Result<String> {
    if m.interval {
        let calendar = matches!(
            field,
            Field::Era { .. }
                | Field::DayName
                | Field::DayShort
                | Field::MonthName
                | Field::MonthShort
                | Field::Tz
                | Field::Tzh
                | Field::Tzm
                | Field::Of
                | Field::D
                | Field::Id
        );
        if calendar {
            return Err(err!(INVALID_DATETIME_FORMAT, "invalid format specification for an interval value")
                .hint("Intervals are not tied to specific calendar dates."));
        }
    }
    let number = |n: i32, width: usize| digits(n.into(), width, fill);
    let iso = |n: i32, width: usize| digits_as(n.into(), m.shown(m.year).into(), width, fill);
    // Fields that are never negative in a date count the sign as a digit.
    let plain = |n: i32, width: usize| if fill { n.to_string() } else { format!("{n:0width$}") };
    let seconds_of_day = (m.hour * 60 + i64::from(m.minute)) * 60 + i64::from(m.second);
    let year = m.shown(m.year);
    let iso_year = m.shown(m.iso.0);
    let month_name =
        |names: &[&'static str; 12]| (m.month - 1).try_into().ok().and_then(|i: usize| names.get(i).copied());
    Ok(match field {
        Field::Meridian { dots } => {
            let pm = m.hour % 24 >= 12;
            cased(
                match (pm, dots) {
                    (false, false) => "AM",
                    (false, true) => "A.M.",
                    (true, false) => "PM",
                    (true, true) => "P.M.",
                },
                case,
            )
        }
        Field::Era { dots } => cased(
            match (m.year <= 0, dots) {
                (false, false) => "AD",
                (false, true) => "A.D.",
                (true, false) => "BC",
                (true, true) => "B.C.",
            },
            case,
        ),
        Field::Cc => {
            let century = if m.interval {
                m.year / 100
            } else if m.year > 0 {
                (m.year - 1) / 100 + 1
            } else {
                m.year / 100 - 1
            };
            if (-99..=99).contains(&century) { number(century, 2) } else { century.to_string() }
        }
        Field::DayName => padded(cased(DAYS[m.weekday as usize], case), 9, fill),
        Field::DayShort => cased(&DAYS[m.weekday as usize][..3], case),
        Field::MonthName => month_name(&FULL_MONTHS).map_or(String::new(), |n| padded(cased(n, case), 9, fill)),
        Field::MonthShort => month_name(&MONTHS).map_or(String::new(), |n| cased(n, case)),
        Field::Rm => match m.month {
            0 if m.year == 0 => String::new(),
            month => {
                // An interval's months may be 0 or negative: they count backwards from December.
                let at = match month {
                    0 if m.year > 0 => 11,
                    0 => 0,
                    m if m < 0 => (m + 12).rem_euclid(12) as usize,
                    m => (m - 1).rem_euclid(12) as usize,
                };
                padded(cased(ROMAN_MONTHS[at], case), 4, fill)
            }
        },
        Field::Ddd => plain(m.day_of_year, 3),
        Field::Iddd => plain(m.iso.2, 3),
        Field::Dd => plain(m.day, 2),
        Field::D => (m.weekday + 1).to_string(),
        Field::Id => (if m.weekday == 0 { 7 } else { m.weekday }).to_string(),
        Field::Ff(n) => format!("{:0width$}", m.us / 10_i32.pow(6 - u32::from(n)), width = n.into()),
        Field::Fx => String::new(),
        Field::Hh24 => digits(m.hour, 2, fill),
        Field::Hh12 => digits_as(if m.hour % 12 == 0 { 12 } else { m.hour % 12 }, m.hour, 2, fill),
        Field::Mi => number(m.minute, 2),
        Field::Ss => number(m.second, 2),
        Field::Ms => format!("{:03}", m.us / 1000),
        Field::Us => format!("{:06}", m.us),
        Field::Ssss => seconds_of_day.to_string(),
        Field::Iw => plain(m.iso.1, 2),
        Field::Ww => plain((m.day_of_year - 1) / 7 + 1, 2),
        Field::W => ((m.day - 1) / 7 + 1).to_string(),
        Field::Q if m.month == 0 => String::new(),
        Field::Q => ((m.month - 1) / 3 + 1).to_string(),
        Field::J => m.julian.to_string(),
        Field::Mm => number(m.month, 2),
        Field::YCommaYyy => format!("{},{:03}", year / 1000, year % 1000),
        Field::Yyyy => number(year, 4),
        Field::Yyy => number(year % 1000, 3),
        Field::Yy => number(year % 100, 2),
        Field::Y => number(year % 10, 1),
        Field::Iyyy => iso(iso_year, 4),
        Field::Iyy => iso(iso_year % 1000, 3),
        Field::Iy => iso(iso_year % 100, 2),
        Field::I => iso(iso_year % 10, 1),
        Field::Tz => m.zone.as_ref().map_or(String::new(), |z| match case {
            Case::Lower => z.abbreviation.to_lowercase(),
            _ => z.abbreviation.clone(),
        }),
        Field::Tzh | Field::Tzm | Field::Of => {
            let east = m.zone.as_ref().map_or(0, |z| z.offset);
            let sign = if east < 0 { '-' } else { '+' };
            let (hours, minutes) = (east.abs() / 3600, east.abs() / 60 % 60);
            match field {
                Field::Tzm => format!("{minutes:02}"),
                Field::Tzh => format!("{sign}{hours:02}"),
                _ if minutes != 0 => format!("{sign}{}:{minutes:02}", number(hours, 2)),
                _ => format!("{sign}{}", number(hours, 2)),
            }
        }
    })
}

fn push(out: &mut Column, template: &str, m: &Moment) -> Result<()> {
    push_text(out, write(&parse(template), m)?)
}

fn of_timestamp(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let us = args[0].i64();
    if !timestamp::is_finite(us) || args[1].bytes().is_empty() {
        out.push_null();
        return Ok(());
    }
    push(out, args[1].str(), &Moment::of(&Civil::from_us(us), None))
}

fn of_timestamptz(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let us = args[0].i64();
    if !timestamp::is_finite(us) || args[1].bytes().is_empty() {
        out.push_null();
        return Ok(());
    }
    let zone = cx.io.time_zone.at_utc(us);
    let c = Civil::from_us(us + i64::from(zone.offset) * USECS_PER_SEC);
    push(out, args[1].str(), &Moment::of(&c, Some(zone)))
}

/// PostgreSQL 15, timestamp.h, JULIAN_MAXYEAR.
const LAST_YEAR: i32 = 5_874_898;

fn of_interval(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    if args[1].bytes().is_empty() {
        out.push_null();
        return Ok(());
    }
    let i = Interval::from_bytes(args[0].bytes());
    let p = i.parts();
    // As in C: of what no calendar has, DDD tells nothing, nor do the others.
    let days = (p.years.wrapping_mul(12).wrapping_add(p.months)).wrapping_mul(30).wrapping_add(p.days);
    let year = p.years.clamp(-LAST_YEAR, LAST_YEAR);
    let (iso_year, week) = iso_week(year, p.months, p.days);
    let julian = to_julian(year, p.months, p.days);
    let m = Moment {
        year: p.years,
        month: p.months,
        day: p.days,
        hour: p.hours,
        minute: p.minutes,
        second: p.seconds,
        us: p.us,
        weekday: 0,
        day_of_year: days,
        julian,
        iso: (iso_year, week, julian.wrapping_sub(iso_week_to_julian(iso_year, 1)).wrapping_add(1)),
        zone: None,
        interval: true,
    };
    push(out, args[1].str(), &m)
}

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("timestamp_to_char", FuncImpl::Scalar(of_timestamp)),
    ("timestamptz_to_char", FuncImpl::Scalar(of_timestamptz)),
    ("interval_to_char", FuncImpl::Scalar(of_interval)),
];
