//! `time`: microseconds since midnight, up to 24:00. `timetz`: the same with seconds west of Greenwich.
//!
//! Bytes of `timetz`: microseconds i64 LE, seconds west i32 LE.

use super::civil::{Civil, USECS_PER_DAY, USECS_PER_SEC};
use super::decode::time_only;
use super::format::{seconds, zone_text};
use super::timestamp::round;
use crate::base::Result;
use crate::types::context::IoContext;
use std::cmp::Ordering;

/// A time with the offset of its zone.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct TimeTz {
    pub us: i64,
    /// Seconds west of Greenwich.
    pub west: i32,
}

pub fn parse(text: &str, typmod: i32, io: &IoContext) -> Result<i64> {
    let (c, _) = time_only(text, io).map_err(|f| f.error(text, "time"))?;
    Ok(round(c.time_us(), typmod))
}

pub fn parse_tz(text: &str, typmod: i32, io: &IoContext) -> Result<TimeTz> {
    let (c, west) = time_only(text, io).map_err(|f| f.error(text, "time with time zone"))?;
    let west = west.unwrap_or_else(|| -offset_today(c.time_us(), io));
    Ok(TimeTz { us: round(c.time_us(), typmod), west })
}

/// Seconds east of the session's zone at this time of the current day.
pub fn offset_today(us: i64, io: &IoContext) -> i32 {
    let now_us = io.read_clock();
    let east = io.time_zone.offset_at_utc(now_us);
    let local = now_us + i64::from(east) * USECS_PER_SEC;
    io.time_zone.offset_at_local(local.div_euclid(USECS_PER_DAY) * USECS_PER_DAY + us)
}

pub fn write(us: i64, out: &mut Vec<u8>) {
    clock_text(us, out);
}

pub fn write_tz(t: TimeTz, out: &mut Vec<u8>) {
    clock_text(t.us, out);
    zone_text(-t.west, out);
}

fn clock_text(us: i64, out: &mut Vec<u8>) {
    let mut c = Civil::default();
    c.set_time(us);
    out.extend_from_slice(format!("{:02}:{:02}:", c.hour, c.minute).as_bytes());
    seconds(c.second, c.us, true, out);
}

impl TimeTz {
    pub fn from_bytes(b: &[u8]) -> TimeTz {
        let us = b.first_chunk().map_or(0, |b| i64::from_le_bytes(*b));
        let west = b.get(8..).and_then(<[u8]>::first_chunk).map_or(0, |b| i32::from_le_bytes(*b));
        TimeTz { us, west }
    }

    pub fn to_bytes(self) -> [u8; 12] {
        let mut out = [0; 12];
        out[..8].copy_from_slice(&self.us.to_le_bytes());
        out[8..].copy_from_slice(&self.west.to_le_bytes());
        out
    }

    /// Microseconds since midnight in Greenwich.
    pub fn utc_us(self) -> i64 {
        self.us + i64::from(self.west) * USECS_PER_SEC
    }

    /// By the instant, then by the zone.
    pub fn compare(self, other: TimeTz) -> Ordering {
        self.utc_us().cmp(&other.utc_us()).then(self.west.cmp(&other.west))
    }
}
