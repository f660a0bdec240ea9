//! Time zones: the IANA rules bundled with `jiff`, fixed offsets, POSIX strings, abbreviations.

use super::civil::{Civil, USECS_PER_DAY, USECS_PER_SEC};
use super::interval::Interval;
use crate::types::IoContext;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};

/// A time zone with the name `SHOW timezone` gives it.
#[derive(Clone, Debug)]
pub struct Zone {
    pub name: String,
    rules: Rules,
}

#[derive(Clone, Debug)]
enum Rules {
    /// Of the IANA database or of a POSIX string.
    Changing(TimeZone),
    /// Always the same seconds east of Greenwich: up to a week, where `jiff` knows a day and a bit.
    Fixed { east: i32, abbreviation: String },
    /// What an abbreviation meant in a zone at the time.
    Abbreviated { zone: Box<Zone>, word: String },
}

/// PostgreSQL 15, localtime.c, getsecs: hours may go up to a week.
const MAX_HOURS: i32 = 24 * 7 - 1;

/// What holds in a zone at an instant.
#[derive(Clone, Debug, PartialEq)]
pub struct ZoneAt {
    /// Seconds east of Greenwich.
    pub offset: i32,
    pub dst: bool,
    pub abbreviation: String,
}

/// The Gregorian calendar, weekdays included, repeats after 400 years.
const CYCLE_US: i64 = 146_097 * USECS_PER_DAY;
/// Microseconds from 1970 to 2000.
const EPOCH_US: i64 = 946_684_800 * USECS_PER_SEC;
/// Rules are asked for years 0 to 9000 only; what lies outside is moved there by whole cycles.
const LATEST_US: i64 = 17 * CYCLE_US;
const EARLIEST_US: i64 = -5 * CYCLE_US;

impl Zone {
    pub fn utc() -> Zone {
        Zone { name: "GMT".into(), rules: Rules::Changing(TimeZone::UTC) }
    }

    /// A zone with a fixed offset, named as POSIX would (`<+05:30>-05:30`).
    pub fn fixed(east_seconds: i32) -> Option<Zone> {
        if east_seconds.unsigned_abs() / 3600 > MAX_HOURS.unsigned_abs() {
            return None;
        }
        let show = |sign: char| {
            let s = east_seconds.abs();
            let mut text = format!("{sign}{:02}", s / 3600);
            if s % 3600 != 0 {
                text += &format!(":{:02}", s / 60 % 60);
            }
            if s % 60 != 0 {
                text += &format!(":{:02}", s % 60);
            }
            text
        };
        let (shown, posix) = if east_seconds < 0 { ('-', '+') } else { ('+', '-') };
        let abbreviation = show(shown);
        let name = format!("<{abbreviation}>{}", show(posix));
        Some(Zone { name, rules: Rules::Fixed { east: east_seconds, abbreviation } })
    }

    /// The offset of a zone that never changes it.
    pub fn constant_offset(&self) -> Option<i32> {
        match &self.rules {
            Rules::Changing(rules) => rules.to_fixed_offset().ok().map(Offset::seconds),
            Rules::Fixed { east, .. } => Some(*east),
            Rules::Abbreviated { .. } => None,
        }
    }

    /// A zone by the name of the IANA database, whatever its case, or by a POSIX string (`EST5EDT`, `UTC+3`).
    pub fn named(name: &str) -> Option<Zone> {
        if name.is_empty() || name.eq_ignore_ascii_case("local") || name.eq_ignore_ascii_case("posixrules") {
            return None;
        }
        if name.eq_ignore_ascii_case("gmt") {
            return Some(Zone::utc());
        }
        if let Ok(rules) = jiff::tz::db().get(name) {
            let name = rules.iana_name().unwrap_or(name).to_owned();
            return Some(Zone { name, rules: Rules::Changing(rules) });
        }
        if !name.contains(|c: char| c.is_ascii_digit()) || name.contains(char::is_whitespace) {
            return None;
        }
        // As tzcode does, a summer name without rules means those of the United States.
        let upper = name.to_ascii_uppercase();
        if let Some((abbreviation, east)) = posix_fixed(&upper) {
            return Some(Zone { name: upper, rules: Rules::Fixed { east, abbreviation } });
        }
        let rules = TimeZone::posix(&upper)
            .or_else(|_| TimeZone::posix(&format!("{upper},M3.2.0,M11.1.0")))
            .or_else(|_| TimeZone::posix(&format!("UTC{upper}")))
            .ok()?;
        Some(Zone { name: upper, rules: Rules::Changing(rules) })
    }

    /// What `SET timezone` accepts: a name, or hours east of Greenwich.
    pub fn setting(text: &str) -> Option<Zone> {
        let text = text.trim();
        if let Ok(hours) = text.parse::<f64>() {
            return Zone::fixed((hours * 3600.0) as i32);
        }
        if let Some(quoted) = text.get(..8).filter(|w| w.eq_ignore_ascii_case("interval")).map(|_| text[8..].trim()) {
            let inner = quoted.strip_prefix('\'')?.strip_suffix('\'')?;
            let interval = Interval::parse(inner, -1, &IoContext::default()).ok()?;
            let hours_only = interval.months == 0 && interval.days == 0;
            return Zone::fixed(i32::try_from(interval.us / 1_000_000).ok().filter(|_| hours_only)?);
        }
        Zone::named(text)
    }

    /// The offset of an abbreviation (`PST`), seconds east, and whether it is a summer time.
    pub fn abbreviation(name: &str) -> Option<(i32, bool)> {
        let name = name.to_ascii_lowercase();
        let table = super::abbreviation::ABBREVIATIONS;
        let at = table.binary_search_by(|(n, _, _)| (*n).cmp(&name)).ok()?;
        Some((table[at].1, table[at].2))
    }

    /// The zone an abbreviation stands for that has meant different offsets.
    pub fn of_abbreviation(name: &str) -> Option<Zone> {
        let word = name.to_ascii_uppercase();
        let table = super::abbreviation::CHANGING;
        let at = table.binary_search_by(|(n, _)| (*n).cmp(&name.to_ascii_lowercase())).ok()?;
        let zone = Box::new(Zone::named(table[at].1)?);
        Some(Zone { name: word.clone(), rules: Rules::Abbreviated { zone, word } })
    }

    /// What an abbreviation means at an instant: as it was used last before, or else first after it; what holds there in
    /// the zone if it never was. PostgreSQL 15, localtime.c, pg_interpret_timezone_abbrev: same rule.
    fn meaning(&self, word: &str, us: i64) -> ZoneAt {
        let now = self.at_utc(us);
        let Rules::Changing(rules) = &self.rules else { return now };
        if now.abbreviation == word {
            return now;
        }
        let found = |t: jiff::tz::TimeZoneTransition<'_>| {
            (t.abbreviation() == word).then(|| ZoneAt {
                offset: t.offset().seconds(),
                dst: t.dst().is_dst(),
                abbreviation: word.to_owned(),
            })
        };
        let at = instant(us);
        rules.preceding(at).find_map(found).or_else(|| rules.following(at).find_map(found)).unwrap_or(now)
    }

    /// The names of all zones of the database.
    pub fn names() -> Vec<String> {
        jiff::tz::db().available().map(|name| name.as_str().to_owned()).collect()
    }

    /// All abbreviations known: name, seconds east, whether it is a summer time.
    pub fn abbreviations() -> impl Iterator<Item = (String, i32, bool)> {
        super::abbreviation::ABBREVIATIONS.iter().map(|(name, east, dst)| (name.to_ascii_uppercase(), *east, *dst))
    }

    /// What holds at an instant, microseconds since 2000-01-01 UTC.
    pub fn at_utc(&self, us: i64) -> ZoneAt {
        match &self.rules {
            Rules::Changing(rules) => {
                let info = rules.to_offset_info(instant(us));
                ZoneAt {
                    offset: info.offset().seconds(),
                    dst: info.dst().is_dst(),
                    abbreviation: info.abbreviation().to_owned(),
                }
            }
            Rules::Fixed { east, abbreviation } => {
                ZoneAt { offset: *east, dst: false, abbreviation: abbreviation.clone() }
            }
            Rules::Abbreviated { zone, word } => zone.meaning(word, us),
        }
    }

    /// Seconds east of Greenwich at an instant, microseconds since 2000-01-01 UTC.
    pub fn offset_at_utc(&self, us: i64) -> i32 {
        match &self.rules {
            Rules::Changing(rules) => rules.to_offset(instant(us)).seconds(),
            Rules::Fixed { east, .. } => *east,
            Rules::Abbreviated { zone, word } => zone.meaning(word, us).offset,
        }
    }

    /// Seconds east of Greenwich at a local time, microseconds since 2000-01-01 on the zone's clocks.
    ///
    /// PostgreSQL 15, datetime.c, DetermineTimeZoneOffset: a time that does not exist is read with the offset before
    /// the change, one that exists twice with the one after it.
    pub fn offset_at_local(&self, local_us: i64) -> i32 {
        let rules = match &self.rules {
            Rules::Changing(rules) => rules,
            Rules::Fixed { east, .. } => return *east,
            Rules::Abbreviated { zone, word } => {
                let us = local_us.saturating_sub(i64::from(zone.offset_at_local(local_us)) * USECS_PER_SEC);
                return zone.meaning(word, us).offset;
            }
        };
        let local = into_cycle(local_us);
        let c = Civil::from_us(local);
        let date = jiff::civil::DateTime::new(
            c.year as i16,
            c.month as i8,
            c.day as i8,
            c.hour as i8,
            c.minute as i8,
            c.second as i8,
            0,
        );
        let Ok(date) = date else { return 0 };
        match rules.to_ambiguous_timestamp(date).offset() {
            AmbiguousOffset::Unambiguous { offset } => offset.seconds(),
            AmbiguousOffset::Gap { before, .. } => before.seconds(),
            AmbiguousOffset::Fold { after, .. } => after.seconds(),
        }
    }
}

/// A POSIX string without a summer time, `FOO+30` or `<+05>-05:30`: the abbreviation and seconds east.
fn posix_fixed(text: &str) -> Option<(String, i32)> {
    let (abbreviation, offset) = match text.strip_prefix('<') {
        Some(rest) => rest.split_once('>')?,
        None => text.split_at(text.find(|c: char| c.is_ascii_digit() || matches!(c, '+' | '-' | ','))?),
    };
    let (east_sign, clock) = match offset.strip_prefix('-') {
        Some(rest) => (1, rest),
        None => (-1, offset.strip_prefix('+').unwrap_or(offset)),
    };
    let mut seconds = 0;
    for (i, part) in clock.split(':').enumerate() {
        let n: i32 = part.parse().ok().filter(|_| part.bytes().all(|b| b.is_ascii_digit()))?;
        let (most, unit) = *[(MAX_HOURS, 3600), (59, 60), (60, 1)].get(i)?;
        if n > most {
            return None;
        }
        seconds += n * unit;
    }
    Some((abbreviation.to_owned(), east_sign * seconds))
}

fn into_cycle(us: i64) -> i64 {
    if us > LATEST_US {
        let cycles = (us - LATEST_US) / CYCLE_US + 1;
        us - cycles * CYCLE_US
    } else if us < EARLIEST_US {
        let cycles = (EARLIEST_US - us) / CYCLE_US + 1;
        us + cycles * CYCLE_US
    } else {
        us
    }
}

fn instant(us: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_microsecond(into_cycle(us) + EPOCH_US).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

impl PartialEq for Zone {
    fn eq(&self, other: &Zone) -> bool {
        self.name == other.name
    }
}
