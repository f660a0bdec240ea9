//! Dates and timestamps as text in the styles of `DateStyle`.

use super::civil::{Civil, day_of_week};
use super::zone::ZoneAt;
use crate::types::context::{DateOrder, DateStyle, IoContext};
use std::io::Write;

pub const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Writing to a `Vec` cannot fail.
macro_rules! put {
    ($out:expr, $($arg:tt)*) => { let _ = write!($out, $($arg)*); };
}

fn shown_year(c: &Civil) -> i32 {
    if c.year > 0 { c.year } else { 1 - c.year }
}

fn era(c: &Civil, out: &mut Vec<u8>) {
    if c.year <= 0 {
        out.extend_from_slice(b" BC");
    }
}

fn two(n: i32, out: &mut Vec<u8>) {
    out.push(b'0' + (n / 10 % 10) as u8);
    out.push(b'0' + (n % 10) as u8);
}

/// The hours of an offset: a week has more than two digits of them.
fn hours(n: i32, out: &mut Vec<u8>) {
    if n >= 100 {
        out.push(b'0' + (n / 100) as u8);
    }
    two(n, out);
}

/// The year with at least four digits.
fn year(c: &Civil, out: &mut Vec<u8>) {
    let y = shown_year(c);
    if y < 10_000 {
        two(y / 100, out);
        two(y % 100, out);
    } else {
        put!(out, "{y}");
    }
}

/// Seconds with their fraction, trailing zeros left out; `fill`: at least two digits.
pub(super) fn seconds(second: i32, us: i32, fill: bool, out: &mut Vec<u8>) {
    let (second, us) = (second.abs(), us.abs());
    if fill {
        two(second, out);
    } else {
        put!(out, "{second}");
    }
    if us != 0 {
        put!(out, ".{us:06}");
        while out.last() == Some(&b'0') {
            out.pop();
        }
    }
}

/// `+hh[:mm[:ss]]` of an offset east of Greenwich.
pub fn zone_text(east: i32, out: &mut Vec<u8>) {
    let s = east.abs();
    out.push(if east < 0 { b'-' } else { b'+' });
    hours(s / 3600, out);
    if s % 3600 != 0 {
        out.push(b':');
        two(s / 60 % 60, out);
        if s % 60 != 0 {
            out.push(b':');
            two(s % 60, out);
        }
    }
}

fn day_month(c: &Civil, order: DateOrder, separator: u8, out: &mut Vec<u8>) {
    let (first, second) = if order == DateOrder::Dmy { (c.day, c.month) } else { (c.month, c.day) };
    two(first, out);
    out.push(separator);
    two(second, out);
}

fn iso_date(c: &Civil, out: &mut Vec<u8>) {
    year(c, out);
    out.push(b'-');
    two(c.month, out);
    out.push(b'-');
    two(c.day, out);
}

fn german_date(c: &Civil, out: &mut Vec<u8>) {
    two(c.day, out);
    out.push(b'.');
    two(c.month, out);
    out.push(b'.');
    year(c, out);
}

pub(super) fn date_text(c: &Civil, out: &mut Vec<u8>, io: &IoContext) {
    match io.date_style {
        DateStyle::Iso => iso_date(c, out),
        DateStyle::German => german_date(c, out),
        DateStyle::Sql | DateStyle::Postgres => {
            let separator = if io.date_style == DateStyle::Sql { b'/' } else { b'-' };
            day_month(c, io.date_order, separator, out);
            out.push(separator);
            year(c, out);
        }
    }
    era(c, out);
}

fn clock(c: &Civil, out: &mut Vec<u8>) {
    two(c.hour, out);
    out.push(b':');
    two(c.minute, out);
    out.push(b':');
    seconds(c.second, c.us, true, out);
}

/// A timestamp; with `zone`, its offset or abbreviation as the style shows it.
pub(super) fn date_time_text(c: &Civil, zone: Option<&ZoneAt>, out: &mut Vec<u8>, io: &IoContext) {
    match io.date_style {
        DateStyle::Iso => {
            iso_date(c, out);
            out.push(b' ');
            clock(c, out);
            if let Some(zone) = zone {
                zone_text(zone.offset, out);
            }
        }
        DateStyle::Sql | DateStyle::German => {
            if io.date_style == DateStyle::German {
                german_date(c, out);
            } else {
                day_month(c, io.date_order, b'/', out);
                out.push(b'/');
                year(c, out);
            }
            out.push(b' ');
            clock(c, out);
            if let Some(zone) = zone {
                named_zone(zone, out);
            }
        }
        DateStyle::Postgres => {
            let day = DAYS[day_of_week(c.julian()) as usize];
            let month = MONTHS[(c.month - 1) as usize];
            out.extend_from_slice(&day.as_bytes()[..3]);
            out.push(b' ');
            if io.date_order == DateOrder::Dmy {
                put!(out, "{:02} {month} ", c.day);
            } else {
                put!(out, "{month} {:02} ", c.day);
            }
            clock(c, out);
            out.push(b' ');
            year(c, out);
            if let Some(zone) = zone {
                named_zone(zone, out);
            }
        }
    }
    era(c, out);
}

fn named_zone(zone: &ZoneAt, out: &mut Vec<u8>) {
    put!(out, " {:.10}", zone.abbreviation);
}

/// A timestamp as JSON wants it: ISO 8601 with `T`, whatever the style.
pub fn json_text(c: &Civil, with_time: bool, east: Option<i32>, out: &mut Vec<u8>) {
    iso_date(c, out);
    if with_time {
        out.push(b'T');
        clock(c, out);
    }
    if let Some(east) = east {
        json_zone(east, out);
    }
    era(c, out);
}

/// A zone as JSON wants it: always with minutes.
pub fn json_zone(east: i32, out: &mut Vec<u8>) {
    out.push(if east < 0 { b'-' } else { b'+' });
    let s = east.abs();
    hours(s / 3600, out);
    out.push(b':');
    two(s / 60 % 60, out);
    if s % 60 != 0 {
        out.push(b':');
        two(s % 60, out);
    }
}
