//! `timestamp` and `timestamptz`: microseconds since 2000-01-01, on some clock or in UTC; both infinities.

use super::civil::{Civil, USECS_PER_SEC};
use super::decode::{Moment, date_time};
use super::format::date_time_text;
use crate::base::{Error, Result};
use crate::err;
use crate::types::context::IoContext;

pub const INFINITY: i64 = i64::MAX;
pub const NEG_INFINITY: i64 = i64::MIN;
/// 4714-11-24 BC.
pub const MIN: i64 = -211_813_488_000_000_000;
/// The first instant too late: 294277-01-01.
pub const END: i64 = 9_223_371_331_200_000_000;
/// 1970-01-01.
pub const UNIX_EPOCH_US: i64 = -946_684_800 * USECS_PER_SEC;

pub fn in_range(us: i64) -> bool {
    (MIN..END).contains(&us)
}

pub fn is_finite(us: i64) -> bool {
    us != INFINITY && us != NEG_INFINITY
}

#[cold]
pub fn out_of_range() -> Error {
    err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range")
}

/// Rounds to `precision` digits after the second, half away from zero; −1: not at all.
pub fn round(us: i64, precision: i32) -> i64 {
    if !(0..6).contains(&precision) || !is_finite(us) {
        return us;
    }
    let unit = 10_i64.pow(6 - precision as u32);
    let rounded = |v: i64| (v + unit / 2) / unit * unit;
    if us >= 0 { rounded(us) } else { -rounded(-us) }
}

/// `timestamp` of a text.
pub fn parse(text: &str, typmod: i32, io: &IoContext) -> Result<i64> {
    let us = match date_time(text, io).map_err(|f| f.error(text, "timestamp"))? {
        Moment::At(c, _) => c.to_us().ok_or_else(|| too_far(text))?,
        Moment::Epoch => UNIX_EPOCH_US,
        Moment::Late => INFINITY,
        Moment::Early => NEG_INFINITY,
    };
    Ok(round(us, typmod))
}

/// `timestamptz` of a text.
pub fn parse_tz(text: &str, typmod: i32, io: &IoContext) -> Result<i64> {
    let fault = |f: super::decode::Fault| f.error(text, "timestamp with time zone");
    let us = match date_time(text, io).map_err(fault)? {
        Moment::At(c, west) => {
            let local = local_us(&c).ok_or_else(|| too_far(text))?;
            let west = west.unwrap_or_else(|| -io.time_zone.offset_at_local(local));
            local
                .checked_add(i64::from(west) * USECS_PER_SEC)
                .filter(|us| in_range(*us))
                .ok_or_else(|| too_far(text))?
        }
        Moment::Epoch => UNIX_EPOCH_US,
        Moment::Late => INFINITY,
        Moment::Early => NEG_INFINITY,
    };
    Ok(round(us, typmod))
}

/// Like [`Civil::to_us`], but a zone may bring the instant back into the range.
fn local_us(c: &Civil) -> Option<i64> {
    if !super::civil::valid_julian_range(c.year, c.month) {
        return None;
    }
    i64::from(c.days()).checked_mul(super::civil::USECS_PER_DAY)?.checked_add(c.time_us())
}

#[cold]
fn too_far(text: &str) -> Error {
    err!(DATETIME_FIELD_OVERFLOW, "timestamp out of range: \"{text}\"")
}

/// Appends the text of a `timestamp`.
pub fn write(us: i64, out: &mut Vec<u8>, io: &IoContext) {
    if !special(us, out) {
        date_time_text(&Civil::from_us(us), None, out, io);
    }
}

/// Appends the text of a `timestamptz` in the session's zone.
pub fn write_tz(us: i64, out: &mut Vec<u8>, io: &IoContext) {
    if !special(us, out) {
        let zone = io.time_zone.at_utc(us);
        let local = us + i64::from(zone.offset) * USECS_PER_SEC;
        date_time_text(&Civil::from_us(local), Some(&zone), out, io);
    }
}

fn special(us: i64, out: &mut Vec<u8>) -> bool {
    match us {
        INFINITY => out.extend_from_slice(b"infinity"),
        NEG_INFINITY => out.extend_from_slice(b"-infinity"),
        _ => return false,
    }
    true
}

/// The instant at which the zone's clocks show this local time.
pub fn local_to_utc(local: i64, zone: &super::zone::Zone) -> Result<i64> {
    if !is_finite(local) {
        return Ok(local);
    }
    let utc = local - i64::from(zone.offset_at_local(local)) * USECS_PER_SEC;
    if in_range(utc) { Ok(utc) } else { Err(out_of_range()) }
}

/// What the zone's clocks show at an instant.
pub fn utc_to_local(us: i64, zone: &super::zone::Zone) -> Result<i64> {
    if !is_finite(us) {
        return Ok(us);
    }
    let local = us + i64::from(zone.offset_at_utc(us)) * USECS_PER_SEC;
    if in_range(local) { Ok(local) } else { Err(out_of_range()) }
}
