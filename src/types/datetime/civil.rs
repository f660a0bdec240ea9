//! The proleptic Gregorian calendar: days, and the fields of a point in time.

pub const USECS_PER_SEC: i64 = 1_000_000;
pub const USECS_PER_MINUTE: i64 = 60 * USECS_PER_SEC;
pub const USECS_PER_HOUR: i64 = 3600 * USECS_PER_SEC;
pub const USECS_PER_DAY: i64 = 86_400 * USECS_PER_SEC;
/// Julian day of 2000-01-01.
pub const POSTGRES_EPOCH_JDATE: i32 = 2_451_545;
/// Julian day of 1970-01-01.
pub const UNIX_EPOCH_JDATE: i32 = 2_440_588;

/// Fields of a point in time. The year is astronomical: 1 BC is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Civil {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub hour: i32,
    pub minute: i32,
    pub second: i32,
    pub us: i32,
}

/// Julian day of a date (PostgreSQL 15, datetime.c, date2j). An interval's fields may be far from those of any date: then
/// it wraps around, as there.
pub fn to_julian(year: i32, month: i32, day: i32) -> i32 {
    let (year, month) =
        if month > 2 { (year.wrapping_add(4800), month + 1) } else { (year.wrapping_add(4799), month + 13) };
    let century = year / 100;
    let days = year.wrapping_mul(365).wrapping_sub(32167).wrapping_add(year / 4 - century + century / 4);
    days.wrapping_add(7834 * month / 256).wrapping_add(day)
}

/// Year, month and day of a Julian day (PostgreSQL 15, datetime.c, j2date).
pub fn from_julian(jd: i32) -> (i32, i32, i32) {
    let mut julian = jd as u32;
    julian = julian.wrapping_add(32044);
    let mut quad = julian / 146_097;
    let extra = (julian - quad * 146_097) * 4 + 3;
    julian = julian.wrapping_add(60 + quad * 3 + extra / 146_097);
    quad = julian / 1461;
    julian -= quad * 1461;
    let mut y = (julian * 4 / 1461) as i32;
    julian = if y != 0 { (julian + 305) % 365 } else { (julian + 306) % 366 } + 123;
    y += (quad * 4) as i32;
    let year = y - 4800;
    quad = julian * 2141 / 65536;
    let day = julian - 7834 * quad / 256;
    let month = (quad + 10) % 12 + 1;
    (year, month as i32, day as i32)
}

/// 0 is Sunday.
pub fn day_of_week(julian: i32) -> i32 {
    (julian + 1).rem_euclid(7)
}

pub fn is_leap(year: i32) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

pub fn days_in_month(year: i32, month: i32) -> i32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

pub fn day_of_year(year: i32, month: i32, day: i32) -> i32 {
    to_julian(year, month, day) - to_julian(year, 1, 1) + 1
}

/// Julian day of the Monday of ISO week `week` of `year`.
pub fn iso_week_to_julian(year: i32, week: i32) -> i32 {
    let fourth = to_julian(year, 1, 4);
    // A Julian day divisible by seven is a Monday.
    fourth.wrapping_sub(fourth.rem_euclid(7)).wrapping_add((week - 1) * 7)
}

/// ISO year and week of a date.
pub fn iso_week(year: i32, month: i32, day: i32) -> (i32, i32) {
    let jd = to_julian(year, month, day);
    let mut iso_year = year;
    if jd < iso_week_to_julian(year, 1) {
        iso_year -= 1;
    } else if jd >= iso_week_to_julian(year + 1, 1) {
        iso_year += 1;
    }
    (iso_year, jd.wrapping_sub(iso_week_to_julian(iso_year, 1)) / 7 + 1)
}

impl Civil {
    /// Fields of microseconds since 2000-01-01.
    pub fn from_us(us: i64) -> Civil {
        let days = us.div_euclid(USECS_PER_DAY);
        let mut c = Civil::from_days(days as i32);
        c.set_time(us.rem_euclid(USECS_PER_DAY));
        c
    }

    /// Midnight of a day since 2000-01-01.
    pub fn from_days(days: i32) -> Civil {
        let (year, month, day) = from_julian(days.wrapping_add(POSTGRES_EPOCH_JDATE));
        Civil { year, month, day, ..Civil::default() }
    }

    /// Sets the time of day from microseconds since midnight.
    pub fn set_time(&mut self, us: i64) {
        self.hour = (us / USECS_PER_HOUR) as i32;
        self.minute = (us / USECS_PER_MINUTE % 60) as i32;
        self.second = (us / USECS_PER_SEC % 60) as i32;
        self.us = (us % USECS_PER_SEC) as i32;
    }

    pub fn julian(&self) -> i32 {
        to_julian(self.year, self.month, self.day)
    }

    /// Days since 2000-01-01.
    pub fn days(&self) -> i32 {
        self.julian() - POSTGRES_EPOCH_JDATE
    }

    /// Microseconds since midnight.
    pub fn time_us(&self) -> i64 {
        i64::from(self.hour * 60 + self.minute) * USECS_PER_MINUTE
            + i64::from(self.second) * USECS_PER_SEC
            + i64::from(self.us)
    }

    /// Microseconds since 2000-01-01, None if that is outside the calendar PostgreSQL supports
    /// (4714-11-24 BC to 294276-12-31).
    pub fn to_us(&self) -> Option<i64> {
        if !valid_julian_range(self.year, self.month) {
            return None;
        }
        let us = i64::from(self.days()).checked_mul(USECS_PER_DAY)?.checked_add(self.time_us())?;
        super::timestamp::in_range(us).then_some(us)
    }
}

/// The dates that have a Julian day we can count (PostgreSQL 15, timestamp.h, IS_VALID_JULIAN).
pub fn valid_julian_range(year: i32, month: i32) -> bool {
    (year > -4713 || (year == -4713 && month >= 11)) && (year < 5_874_898 || (year == 5_874_898 && month < 6))
}
