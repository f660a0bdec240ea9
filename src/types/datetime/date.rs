//! `date`: days since 2000-01-01; both infinities.

use super::civil::{Civil, POSTGRES_EPOCH_JDATE, UNIX_EPOCH_JDATE, USECS_PER_DAY, valid_julian_range};
use super::decode::{Moment, date_time};
use super::format::date_text;
use super::timestamp;
use crate::base::Result;
use crate::types::context::IoContext;
use crate::{bail, err};

pub const INFINITY: i32 = i32::MAX;
pub const NEG_INFINITY: i32 = i32::MIN;
/// 4714-11-24 BC.
pub const MIN: i32 = -POSTGRES_EPOCH_JDATE;
/// The first day too late: 5874898-01-01.
pub const END: i32 = 2_145_031_949;

pub fn in_range(days: i32) -> bool {
    (MIN..END).contains(&days)
}

pub fn is_finite(days: i32) -> bool {
    days != INFINITY && days != NEG_INFINITY
}

pub fn parse(text: &str, io: &IoContext) -> Result<i32> {
    match date_time(text, io).map_err(|f| f.error(text, "date"))? {
        Moment::At(c, _) => {
            if !valid_julian_range(c.year, c.month) || !in_range(c.days()) {
                bail!(DATETIME_FIELD_OVERFLOW, "date out of range: \"{text}\"");
            }
            Ok(c.days())
        }
        Moment::Epoch => Ok(UNIX_EPOCH_JDATE - POSTGRES_EPOCH_JDATE),
        Moment::Late => Ok(INFINITY),
        Moment::Early => Ok(NEG_INFINITY),
    }
}

pub fn write(days: i32, out: &mut Vec<u8>, io: &IoContext) {
    match days {
        INFINITY => out.extend_from_slice(b"infinity"),
        NEG_INFINITY => out.extend_from_slice(b"-infinity"),
        _ => date_text(&Civil::from_days(days), out, io),
    }
}

/// Midnight of the day as a `timestamp`.
pub fn to_timestamp(days: i32) -> Result<i64> {
    match days {
        INFINITY => Ok(timestamp::INFINITY),
        NEG_INFINITY => Ok(timestamp::NEG_INFINITY),
        _ => i64::from(days)
            .checked_mul(USECS_PER_DAY)
            .filter(|us| timestamp::in_range(*us))
            .ok_or_else(|| err!(DATETIME_FIELD_OVERFLOW, "date out of range for timestamp")),
    }
}

/// The day of a `timestamp`.
pub fn from_timestamp(us: i64) -> i32 {
    match us {
        timestamp::INFINITY => INFINITY,
        timestamp::NEG_INFINITY => NEG_INFINITY,
        _ => us.div_euclid(USECS_PER_DAY) as i32,
    }
}
