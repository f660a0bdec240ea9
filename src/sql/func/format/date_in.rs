//! `to_timestamp` and `to_date` of a text by template.

use super::template::{FULL_MONTHS, Field, Kind, Node, ROMAN_MONTHS, parse};
use crate::base::{Error, Result};
use crate::sql::func::{FnContext, FuncImpl};
use crate::types::datetime::civil::{
    Civil, USECS_PER_SEC, day_of_year, days_in_month, from_julian, iso_week_to_julian, to_julian, valid_julian_range,
};
use crate::types::datetime::format::{DAYS, MONTHS};
use crate::types::datetime::time::TimeTz;
use crate::types::datetime::{date, timestamp};
use crate::types::{Column, Datum};
use crate::{bail, err};

/// A date, a time, or both.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Moment {
    Date(i32),
    Time(i64),
    TimeTz(TimeTz),
    Timestamp(i64),
    /// The instant, and the zone it was told in, in seconds east of Greenwich.
    TimestampTz {
        us: i64,
        east: i32,
    },
}

/// What a text told, field by field; 0 where it told nothing.
#[derive(Default)]
struct Told {
    hour: i32,
    pm: Option<bool>,
    twelve: bool,
    minute: i32,
    second: i32,
    seconds_of_day: i32,
    /// 1 to 7, Sunday is 1.
    weekday: i32,
    day: i32,
    day_of_year: i32,
    month: i32,
    ms: i32,
    us: i32,
    /// FF1 to FF6: the fraction is rounded to so many digits.
    digits: Option<i32>,
    year: i32,
    year_told: bool,
    bc: bool,
    week: i32,
    week_of_month: i32,
    century: i32,
    julian: i32,
    year_digits: u8,
    zone_sign: i32,
    zone_hour: i32,
    zone_minute: i32,
    mode: Option<bool>,
}

#[cold]
fn invalid(message: String) -> Error {
    Error::new(crate::base::SqlState::INVALID_DATETIME_FORMAT, message)
}

struct Reader<'a> {
    rest: &'a str,
    fixed: bool,
    /// More separators were read than the template has, and the last one was a minus.
    minus: bool,
}

fn separator(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_alphanumeric()
}

fn is_digit_field(field: Field) -> bool {
    !matches!(
        field,
        Field::Meridian { .. }
            | Field::Era { .. }
            | Field::DayName
            | Field::DayShort
            | Field::MonthName
            | Field::MonthShort
            | Field::Fx
            | Field::Of
            | Field::Rm
            | Field::Tz
            | Field::Tzh
    )
}

/// Whether what follows a node cannot be a digit, so that the number before it may have any length.
fn ends_number(nodes: &[Node], at: usize) -> bool {
    if let Node::Field { ordinal: Some(_), .. } = &nodes[at] {
        return true;
    }
    match nodes.get(at + 1) {
        None => true,
        Some(Node::Field { field, .. }) => !is_digit_field(*field),
        Some(Node::Char(c, _)) => !c.is_ascii_digit(),
    }
}

impl<'a> Reader<'a> {
    fn spaces(&mut self) -> i32 {
        let trimmed = self.rest.trim_start_matches(crate::types::text::is_space);
        let n = self.rest.len() - trimmed.len();
        self.rest = trimmed;
        n as i32
    }

    /// A number of `len` characters, or of any length; returns it and how many characters it had.
    fn number(&mut self, len: usize, nodes: &[Node], at: usize) -> Result<(i32, usize)> {
        let Node::Field { name, fill, .. } = &nodes[at] else { return Ok((0, 0)) };
        self.spaces();
        let start = self.rest;
        let free = *fill || ends_number(nodes, at);
        let window = if free { start } else { &start[..start.char_indices().nth(len).map_or(start.len(), |(i, _)| i)] };
        let body = window.strip_prefix(['-', '+']).unwrap_or(window);
        let count = body.bytes().take_while(u8::is_ascii_digit).count();
        let used = if count == 0 { 0 } else { window.len() - body.len() + count };
        if !free {
            let have = window.chars().count();
            if have < len {
                return Err(invalid(format!("source string too short for \"{name}\" formatting field"))
                    .detail(format!("Field requires {len} characters, but only {have} remain."))
                    .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
            }
            if used > 0 && used < len {
                return Err(invalid(format!("invalid value \"{window}\" for \"{name}\""))
                    .detail(format!("Field requires {len} characters, but only {used} could be parsed."))
                    .hint("If your source string is not fixed-width, try using the \"FM\" modifier."));
            }
        }
        if used == 0 {
            let shown: String = start.chars().take(len).collect();
            return Err(
                invalid(format!("invalid value \"{shown}\" for \"{name}\"")).detail("Value must be an integer.")
            );
        }
        let value = window[..used].parse::<i32>().map_err(|_| {
            err!(DATETIME_FIELD_OVERFLOW, "value for \"{name}\" in source string is out of range").detail(format!(
                "Value must be in the range {} to {}.",
                i32::MIN,
                i32::MAX
            ))
        })?;
        self.rest = &start[used..];
        Ok((value, used))
    }

    /// One of some words, whatever its case.
    fn word(&mut self, words: &[&str], name: &str) -> Result<usize> {
        // The longest one that fits, so that `VII` is not read as `V`.
        let found = words
            .iter()
            .enumerate()
            .filter(|(_, w)| self.rest.get(..w.len()).is_some_and(|h| h.eq_ignore_ascii_case(w)))
            .max_by_key(|(_, w)| w.len());
        match found {
            Some((i, w)) => {
                self.rest = &self.rest[w.len()..];
                Ok(i)
            }
            None => {
                let shown: String = self.rest.chars().take_while(|c| !c.is_whitespace()).collect();
                Err(invalid(format!("invalid value \"{shown}\" for \"{name}\""))
                    .detail("The given value did not match any of the allowed values for this field."))
            }
        }
    }
}

fn set(slot: &mut i32, value: i32, name: &str) -> Result<()> {
    if *slot != 0 && *slot != value {
        return Err(invalid(format!("conflicting values for \"{name}\" field in formatting string"))
            .detail("This value contradicts a previous setting for the same field type."));
    }
    *slot = value;
    Ok(())
}

/// Years of one to three digits are those nearest to 2020.
fn near_2020(year: i32) -> i32 {
    match year {
        y if y < 70 => y + 2000,
        y if y < 100 => y + 1900,
        y if y < 520 => y + 2000,
        y if y < 1000 => y + 1000,
        y => y,
    }
}

/// Reads by the rules of the SQL standard (`standard`) all that is there, or as `to_timestamp` does.
fn read(text: &str, nodes: &[Node], standard: bool) -> Result<Told> {
    let mut t = Told::default();
    let mut r = Reader { rest: text, fixed: standard, minus: false };
    let mut read = 0;
    let mut extra = 0;
    for (at, node) in nodes.iter().enumerate() {
        if r.rest.is_empty() {
            break;
        }
        read = at + 1;
        let (field, name, ordinal) = match node {
            Node::Char(wanted, kind) => {
                if !r.fixed && at == 0 {
                    extra += r.spaces();
                }
                let first = r.rest.chars().next().unwrap_or(' ');
                if standard && first != *wanted {
                    let what = if *kind == Kind::Text { "character" } else { "separator" };
                    return Err(invalid(format!("unmatched format {what} \"{wanted}\"")));
                }
                match kind {
                    Kind::Space | Kind::Separator if !r.fixed => {
                        extra -= 1;
                        if crate::types::text::is_space(first) || separator(first) {
                            r.rest = &r.rest[first.len_utf8()..];
                            extra += 1;
                        }
                    }
                    Kind::Text if !r.fixed && extra > 0 => extra -= 1,
                    _ => r.rest = r.rest.get(first.len_utf8()..).unwrap_or(""),
                }
                continue;
            }
            Node::Field { field, name, ordinal, .. } => (*field, name.as_str(), ordinal.is_some()),
        };
        if !r.fixed {
            extra += r.spaces();
        }
        if field == Field::Fx {
            r.fixed = true;
            continue;
        }
        r.minus = extra > 0 && text[..text.len() - r.rest.len()].ends_with('-');
        field_value(field, name, nodes, at, &mut r, &mut t)?;
        if ordinal {
            r.rest = r.rest.get(2..).unwrap_or("");
        }
        if !r.fixed {
            extra = r.spaces();
        }
    }
    if standard {
        if read < nodes.len() {
            return Err(invalid("input string is too short for datetime format".into()));
        }
        r.spaces();
        if !r.rest.is_empty() {
            return Err(invalid("trailing characters remain in input string after datetime format".into()));
        }
    }
    Ok(t)
}

fn field_value(field: Field, name: &str, nodes: &[Node], at: usize, r: &mut Reader<'_>, t: &mut Told) -> Result<()> {
    let iso = match field {
        Field::Iyyy | Field::Iyy | Field::Iy | Field::I | Field::Iw | Field::Id | Field::Iddd => Some(true),
        Field::Yyyy
        | Field::Yyy
        | Field::Yy
        | Field::Y
        | Field::YCommaYyy
        | Field::Mm
        | Field::MonthName
        | Field::MonthShort
        | Field::Rm
        | Field::Dd
        | Field::Ddd
        | Field::D
        | Field::DayName
        | Field::DayShort
        | Field::Ww
        | Field::W
        | Field::Cc
        | Field::Era { .. } => Some(false),
        _ => None,
    };
    if let Some(iso) = iso {
        // Names of days and eras go with both.
        let neutral = matches!(field, Field::DayName | Field::DayShort | Field::Era { .. } | Field::Cc);
        if !neutral {
            if t.mode.is_some_and(|m| m != iso) {
                return Err(invalid("invalid combination of date conventions".into())
                    .hint("Do not mix Gregorian and ISO week date conventions in a formatting template."));
            }
            t.mode = Some(iso);
        }
    }
    match field {
        Field::Meridian { dots } => {
            let words: &[&str] = if dots { &["A.M.", "P.M."] } else { &["AM", "PM"] };
            t.pm = Some(r.word(words, name)? == 1);
            t.twelve = true;
        }
        Field::Era { dots } => {
            let words: &[&str] = if dots { &["A.D.", "B.C."] } else { &["AD", "BC"] };
            t.bc = r.word(words, name)? == 1;
        }
        Field::Hh12 => {
            set(&mut t.hour, r.number(2, nodes, at)?.0, name)?;
            t.twelve = true;
        }
        Field::Hh24 => set(&mut t.hour, r.number(2, nodes, at)?.0, name)?,
        Field::Mi => set(&mut t.minute, r.number(2, nodes, at)?.0, name)?,
        Field::Ss => set(&mut t.second, r.number(2, nodes, at)?.0, name)?,
        Field::Ms => {
            let (value, len) = r.number(3, nodes, at)?;
            set(&mut t.ms, value * 10_i32.pow(3_u32.saturating_sub(len as u32)), name)?;
        }
        Field::Us | Field::Ff(_) => {
            let width = if let Field::Ff(n) = field { usize::from(n) } else { 6 };
            if let Field::Ff(n) = field {
                t.digits = Some(i32::from(n));
            }
            let (value, len) = r.number(width, nodes, at)?;
            set(&mut t.us, value * 10_i32.pow(6_u32.saturating_sub(len as u32)), name)?;
        }
        Field::Ssss => set(&mut t.seconds_of_day, r.number(name.len(), nodes, at)?.0, name)?,
        Field::Tz | Field::Of => {
            bail!(FEATURE_NOT_SUPPORTED, "formatting field \"{name}\" is only supported in to_char")
        }
        Field::Tzh => {
            // The sign may have been taken for a separator.
            let told = r.rest.starts_with(['+', '-', ' ']);
            let negative = if told { r.rest.starts_with('-') } else { r.minus };
            t.zone_sign = if negative { -1 } else { 1 };
            if told {
                r.rest = &r.rest[1..];
            }
            t.zone_hour = r.number(2, nodes, at)?.0;
        }
        Field::Tzm => {
            if t.zone_sign == 0 {
                t.zone_sign = 1;
            }
            t.zone_minute = r.number(2, nodes, at)?.0;
        }
        Field::MonthName => {
            let month = r.word(&FULL_MONTHS, name)? as i32 + 1;
            set(&mut t.month, month, name)?;
        }
        Field::MonthShort => {
            let month = r.word(&MONTHS, name)? as i32 + 1;
            set(&mut t.month, month, name)?;
        }
        Field::Rm => {
            let month = r.word(&ROMAN_MONTHS, name)? as i32 + 1;
            set(&mut t.month, month, name)?;
        }
        Field::Mm => set(&mut t.month, r.number(2, nodes, at)?.0, name)?,
        Field::DayName => t.weekday = r.word(&DAYS, name)? as i32 + 1,
        Field::DayShort => t.weekday = r.word(&DAYS.map(|d| &d[..3]), name)? as i32 + 1,
        Field::Ddd => set(&mut t.day_of_year, r.number(3, nodes, at)?.0, name)?,
        Field::Iddd => set(&mut t.day_of_year, r.number(3, nodes, at)?.0, name)?,
        Field::Dd => set(&mut t.day, r.number(2, nodes, at)?.0, name)?,
        Field::D => set(&mut t.weekday, r.number(1, nodes, at)?.0, name)?,
        Field::Id => {
            let day = r.number(1, nodes, at)?.0;
            set(&mut t.weekday, day % 7 + 1, name)?;
        }
        Field::Ww | Field::Iw => set(&mut t.week, r.number(2, nodes, at)?.0, name)?,
        Field::W => set(&mut t.week_of_month, r.number(1, nodes, at)?.0, name)?,
        Field::Q => {
            r.number(1, nodes, at)?;
        }
        Field::Cc => set(&mut t.century, r.number(2, nodes, at)?.0, name)?,
        Field::J => set(&mut t.julian, r.number(1, nodes, at)?.0, name)?,
        Field::YCommaYyy => {
            let (thousands, rest) =
                r.rest.split_once(',').ok_or_else(|| invalid("invalid input string for \"Y,YYY\"".into()))?;
            let len = rest.bytes().take_while(u8::is_ascii_digit).count().min(3);
            let number = |s: &str| s.trim().parse::<i32>().ok();
            let (Some(k), Some(n)) = (number(thousands), number(&rest[..len])) else {
                return Err(invalid("invalid input string for \"Y,YYY\"".into()));
            };
            r.rest = &rest[len..];
            t.year = k * 1000 + n;
            t.year_told = true;
            t.year_digits = 4;
        }
        Field::Yyyy | Field::Iyyy => {
            set(&mut t.year, r.number(4, nodes, at)?.0, name)?;
            t.year_told = true;
            t.year_digits = 4;
        }
        Field::Yyy | Field::Iyy | Field::Yy | Field::Iy | Field::Y | Field::I => {
            let width = match field {
                Field::Yyy | Field::Iyy => 3,
                Field::Yy | Field::Iy => 2,
                _ => 1,
            };
            let (value, len) = r.number(width, nodes, at)?;
            let year = if len < 4 { near_2020(value) } else { value };
            set(&mut t.year, year, name)?;
            t.year_told = true;
            t.year_digits = width as u8;
        }
        Field::Fx => {}
    }
    Ok(())
}

/// The local time told, and seconds east of Greenwich if told.
fn resolve(text: &str, template: &str) -> Result<(Civil, Option<i32>)> {
    made_of(text, read(text, &parse(template), false)?)
}

/// Which parts of a moment a template is about: the date, the time, the zone.
fn parts(nodes: &[Node]) -> Result<(bool, bool, bool)> {
    let (mut dated, mut timed, mut zoned) = (false, false, false);
    for node in nodes {
        let Node::Field { field, name, .. } = node else { continue };
        match field {
            Field::Fx | Field::Iw => {}
            Field::Meridian { .. }
            | Field::Hh12
            | Field::Hh24
            | Field::Mi
            | Field::Ss
            | Field::Ms
            | Field::Us
            | Field::Ff(_)
            | Field::Ssss => timed = true,
            Field::Tz | Field::Of => {
                bail!(FEATURE_NOT_SUPPORTED, "formatting field \"{name}\" is only supported in to_char")
            }
            Field::Tzh | Field::Tzm => zoned = true,
            _ => dated = true,
        }
    }
    Ok((dated, timed, zoned))
}

/// A moment by a template of the SQL standard: of which type it is, the template says
/// (PostgreSQL 15, formatting.c, parse_datetime).
///
/// # Errors
/// 22007, 22008, 22009.
pub fn read_standard(text: &str, nodes: &[Node]) -> Result<Moment> {
    let told = read(text, nodes, true)?;
    let (dated, timed, zoned) = parts(nodes)?;
    let (c, zone) = made_of(text, told)?;
    let east = zone.unwrap_or(0);
    Ok(match (dated, timed, zoned) {
        (true, true, false) => Moment::Timestamp(c.to_us().ok_or_else(timestamp::out_of_range)?),
        (true, true, true) => {
            let us = c.to_us().map(|us| us - i64::from(east) * USECS_PER_SEC).filter(|us| timestamp::in_range(*us));
            let out = || err!(DATETIME_FIELD_OVERFLOW, "timestamptz out of range");
            Moment::TimestampTz { us: us.ok_or_else(out)?, east }
        }
        (true, false, true) => return Err(invalid("datetime format is zoned but not timed".into())),
        (true, false, false) => Moment::Date(day_of(&c, text)?),
        (false, true, false) => Moment::Time(c.time_us()),
        (false, true, true) => Moment::TimeTz(TimeTz { us: c.time_us(), west: -east }),
        (false, false, _) => return Err(invalid("datetime format is not dated and not timed".into())),
    })
}

fn day_of(c: &Civil, text: &str) -> Result<i32> {
    if !valid_julian_range(c.year, c.month) || !date::in_range(c.days()) {
        bail!(DATETIME_FIELD_OVERFLOW, "date out of range: \"{text}\"");
    }
    Ok(c.days())
}

fn made_of(text: &str, mut t: Told) -> Result<(Civil, Option<i32>)> {
    let out_of_range = || err!(DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"{text}\"");
    let mut c = Civil { year: 0, month: 1, day: 1, ..Civil::default() };
    if t.seconds_of_day != 0 {
        let s = t.seconds_of_day;
        (t.hour, t.minute, t.second) = (s / 3600, s / 60 % 60, s % 60);
    }
    if t.twelve {
        if !(1..=12).contains(&t.hour) {
            return Err(invalid(format!("hour \"{}\" is invalid for the 12-hour clock", t.hour))
                .hint("Use the 24-hour clock, or give an hour between 1 and 12."));
        }
        match t.pm {
            Some(true) if t.hour < 12 => t.hour += 12,
            Some(false) | None if t.hour == 12 && t.pm == Some(false) => t.hour = 0,
            _ => {}
        }
    }
    let mut year = t.year;
    if t.year_told {
        // A century and a year within it.
        if t.century != 0 && t.year_digits <= 2 {
            let century = if t.bc { -t.century } else { t.century };
            year = t.year % 100;
            year = match (century >= 0, year) {
                (true, 0) => century * 100,
                (true, y) => (century - 1) * 100 + y,
                (false, y) => (century + 1) * 100 - y + 1,
            };
        } else {
            // A negative year is BC, and BC turns the sign; there is no year 0.
            year = if t.bc { -year } else { year };
            year += i32::from(year < 0);
        }
    } else if t.century != 0 {
        let century = if t.bc { -t.century } else { t.century };
        year = if century >= 0 { (century - 1) * 100 + 1 } else { century * 100 + 1 };
    }
    c.year = year;
    if t.julian != 0 {
        (c.year, c.month, c.day) = from_julian(t.julian);
    } else {
        if t.month != 0 {
            c.month = t.month;
        }
        if t.day != 0 {
            c.day = t.day;
        }
        if t.week != 0 {
            if t.mode == Some(true) {
                // Monday is day 1 of an ISO week; without a day it is the Monday.
                let day = if t.weekday == 0 { 1 } else { (t.weekday + 5) % 7 + 1 };
                (c.year, c.month, c.day) = from_julian(iso_week_to_julian(c.year, t.week) + day - 1);
            } else {
                t.day_of_year = (t.week - 1) * 7 + 1;
            }
        }
        if t.week_of_month != 0 {
            c.day = (t.week_of_month - 1) * 7 + 1;
        }
        if t.day_of_year != 0 && (t.month == 0 || t.day == 0) {
            if !t.year_told && t.century == 0 {
                return Err(invalid("cannot calculate day of year without year information".into()));
            }
            let first = if t.mode == Some(true) { iso_week_to_julian(c.year, 1) } else { to_julian(c.year, 1, 1) };
            (c.year, c.month, c.day) = from_julian(first + t.day_of_year - 1);
            let length = if t.mode == Some(true) { 371 } else { day_of_year(year, 12, 31) };
            if !(1..=length).contains(&t.day_of_year) {
                return Err(out_of_range());
            }
        }
    }
    (c.hour, c.minute, c.second) = (t.hour, t.minute, t.second);
    c.us = t.ms * 1000 + t.us;
    let valid = (1..=12).contains(&c.month)
        && (1..=days_in_month(c.year, c.month)).contains(&c.day)
        && (0..24).contains(&c.hour)
        && (0..60).contains(&c.minute)
        && (0..60).contains(&c.second)
        && (0..USECS_PER_SEC as i32).contains(&c.us);
    if !valid {
        return Err(out_of_range());
    }
    if let Some(n) = t.digits {
        let unit = 10_i32.pow(6_u32.saturating_sub(n as u32));
        c.us = (c.us + unit / 2) / unit * unit;
    }
    let zone = match t.zone_sign {
        0 => None,
        sign => {
            if t.zone_hour > 15 || !(0..60).contains(&t.zone_minute) {
                bail!(INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range: \"{text}\"");
            }
            Some(sign * (t.zone_hour * 3600 + t.zone_minute * 60))
        }
    };
    Ok((c, zone))
}

fn to_timestamp(cx: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (c, zone) = resolve(args[0].str(), args[1].str())?;
    let local = c.to_us().ok_or_else(timestamp::out_of_range)?;
    let us = match zone {
        Some(east) => local - i64::from(east) * USECS_PER_SEC,
        None => timestamp::local_to_utc(local, &cx.io.time_zone)?,
    };
    out.push(Datum::I64(us));
    Ok(())
}

fn to_date(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let (c, _) = resolve(text, args[1].str())?;
    out.push(Datum::I32(day_of(&c, text)?));
    Ok(())
}

pub(super) static TABLE: &[(&str, FuncImpl)] =
    &[("to_timestamp", FuncImpl::Scalar(to_timestamp)), ("to_date", FuncImpl::Scalar(to_date))];
