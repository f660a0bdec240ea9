//! The second half of reading dates and times: what the fields mean.
//!
//! PostgreSQL 15, datetime.c, DecodeDateTime and DecodeTimeOnly: the same decisions in the same order, because every
//! one of them shows in what is accepted.

use super::civil::{Civil, USECS_PER_DAY, USECS_PER_SEC, days_in_month, from_julian, to_julian};
use super::token::{Field, Shape, Unit, Word, date_word, fields};
use super::zone::Zone;
use crate::base::Error;
use crate::err;
use crate::types::context::{DateOrder, IoContext};

/// Why a text is no date or time.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Fault {
    BadFormat,
    FieldOverflow,
    /// Month and day may have been given in another order.
    MonthDayOverflow,
    IntervalOverflow,
    ZoneOverflow,
    UnknownZone,
}

impl Fault {
    pub(super) fn error(self, text: &str, type_name: &str) -> Error {
        match self {
            Fault::BadFormat => {
                err!(INVALID_DATETIME_FORMAT, "invalid input syntax for type {type_name}: \"{text}\"")
            }
            Fault::FieldOverflow => {
                err!(DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"{text}\"")
            }
            Fault::MonthDayOverflow => err!(DATETIME_FIELD_OVERFLOW, "date/time field value out of range: \"{text}\"")
                .hint("Perhaps you need a different \"datestyle\" setting."),
            Fault::IntervalOverflow => {
                err!(INTERVAL_FIELD_OVERFLOW, "interval field value out of range: \"{text}\"")
            }
            Fault::ZoneOverflow => {
                err!(INVALID_TIME_ZONE_DISPLACEMENT_VALUE, "time zone displacement out of range: \"{text}\"")
            }
            Fault::UnknownZone => {
                let zone = fields(text)
                    .into_iter()
                    .flatten()
                    .filter(|f| f.shape == Shape::Date && f.text.starts_with(|c: char| c.is_ascii_alphabetic()))
                    .map(|f| f.text)
                    .next_back()
                    .unwrap_or_else(|| text.to_owned());
                err!(INVALID_PARAMETER_VALUE, "time zone \"{zone}\" not recognized")
            }
        }
    }
}

type Decoded<T> = Result<T, Fault>;

/// What a text stands for.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Moment {
    /// Fields and seconds west of Greenwich, if a zone was told.
    At(Civil, Option<i32>),
    Epoch,
    Late,
    Early,
}

/// Which fields are known already: one bit each.
mod mask {
    pub const YEAR: u32 = 1;
    pub const MONTH: u32 = 2;
    pub const DAY: u32 = 4;
    pub const HOUR: u32 = 8;
    pub const MINUTE: u32 = 16;
    pub const SECOND: u32 = 32;
    pub const FRACTION: u32 = 64;
    pub const ZONE: u32 = 128;
    pub const DST_MODIFIER: u32 = 256;
    pub const DAY_OF_YEAR: u32 = 512;
    pub const WEEKDAY: u32 = 1024;
    pub const AM_PM: u32 = 2048;
    pub const ERA: u32 = 4096;
    pub const DATE: u32 = YEAR | MONTH | DAY;
    pub const TIME: u32 = HOUR | MINUTE | SECOND;
}

struct Decoder<'a> {
    io: &'a IoContext,
    c: Civil,
    day_of_year: i32,
    known: u32,
    two_digit_year: bool,
    text_month: bool,
    /// Seconds west of Greenwich.
    west: i32,
}

/// The integer at the start of a text and what follows. Signs are read, too.
fn integer(text: &str) -> Decoded<(i32, &str)> {
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let len = text.len() - digits.len() + digits.bytes().take_while(u8::is_ascii_digit).count();
    if digits.bytes().next().is_none_or(|b| !b.is_ascii_digit()) {
        return Ok((0, text));
    }
    let value = text[..len].parse().map_err(|_| Fault::FieldOverflow)?;
    Ok((value, &text[len..]))
}

/// Microseconds of `.digits`, rounded as PostgreSQL's rint does (ties to even).
fn fraction(text: &str) -> Decoded<i32> {
    if text == "." {
        return Ok(0);
    }
    let digits = text.strip_prefix('.').ok_or(Fault::BadFormat)?;
    if !digits.bytes().all(|b| b.is_ascii_digit()) {
        return Err(Fault::BadFormat);
    }
    let value: f64 = text.parse().map_err(|_| Fault::BadFormat)?;
    Ok((value * USECS_PER_SEC as f64).round_ties_even() as i32)
}

/// Seconds west of Greenwich of `+hh[:mm[:ss]]` or `+hhmm`.
pub fn zone_displacement(text: &str) -> Decoded<i32> {
    let overflow = |_| Fault::ZoneOverflow;
    let sign = match text.as_bytes().first() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(Fault::BadFormat),
    };
    let (mut hour, mut rest) = integer(&text[1..]).map_err(overflow)?;
    let (mut minute, mut second) = (0, 0);
    if let Some(after) = rest.strip_prefix(':') {
        (minute, rest) = integer(after).map_err(overflow)?;
        if let Some(after) = rest.strip_prefix(':') {
            (second, rest) = integer(after).map_err(overflow)?;
        }
    } else if rest.is_empty() && text.len() > 3 {
        minute = hour % 100;
        hour /= 100;
    }
    if !(0..=15).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(Fault::ZoneOverflow);
    }
    if !rest.is_empty() {
        return Err(Fault::BadFormat);
    }
    Ok(-sign * ((hour * 60 + minute) * 60 + second))
}

fn time_overflows(c: &Civil) -> bool {
    !(0..=24).contains(&c.hour)
        || !(0..60).contains(&c.minute)
        || !(0..=60).contains(&c.second)
        || !(0..=USECS_PER_SEC as i32).contains(&c.us)
        || c.time_us() > USECS_PER_DAY
}

/// The meaning of a word in a date: an abbreviation of a zone comes first.
enum Meaning {
    Zone { east: i32, dst: bool },
    Word(Word),
    Unknown,
}

fn meaning(text: &str) -> Meaning {
    if let Some((east, dst)) = Zone::abbreviation(text) {
        return Meaning::Zone { east, dst };
    }
    date_word(text).map_or(Meaning::Unknown, Meaning::Word)
}

/// What a single field turned out to be.
enum Step {
    Known(u32),
    /// Nothing new (`on`, a prefix).
    Nothing,
}

/// What the whole text turned out to be.
#[derive(Clone, Copy, PartialEq)]
enum Special {
    None,
    Epoch,
    Late,
    Early,
}

struct State {
    prefix: Option<Prefix>,
    julian: bool,
    bc: bool,
    pm: Option<bool>,
    named: Option<Zone>,
    /// Of a time of day: the zone of an abbreviation that has meant different offsets.
    changing: Option<Zone>,
    special: Special,
}

impl State {
    fn new() -> State {
        let special = Special::None;
        State { prefix: None, julian: false, bc: false, pm: None, named: None, changing: None, special }
    }
}

#[derive(Clone, Copy, PartialEq)]
enum Prefix {
    Unit(Unit),
    IsoTime,
}

/// Reads a date with or without a time.
pub(super) fn date_time(text: &str, io: &IoContext) -> Decoded<Moment> {
    let fields = fields(text).ok_or(Fault::BadFormat)?;
    let mut d = Decoder {
        io,
        c: Civil::default(),
        day_of_year: 0,
        known: 0,
        two_digit_year: false,
        text_month: false,
        west: 0,
    };
    let mut s = State::new();
    for (i, field) in fields.iter().enumerate() {
        let step = match field.shape {
            Shape::Date => d.date_field(&field.text, &mut s)?,
            Shape::Time => {
                match s.prefix.take() {
                    None | Some(Prefix::IsoTime) => {}
                    Some(_) => return Err(Fault::BadFormat),
                }
                let known = d.time(&field.text)?;
                if time_overflows(&d.c) {
                    return Err(Fault::FieldOverflow);
                }
                Step::Known(known)
            }
            Shape::Zone => {
                d.west = zone_displacement(&field.text)?;
                Step::Known(mask::ZONE)
            }
            Shape::Number => d.number_field(&field.text, &mut s)?,
            Shape::Word | Shape::Special => d.word_field(&field.text, fields.get(i + 1), &mut s)?,
        };
        if let Step::Known(new) = step {
            if new & d.known != 0 {
                return Err(Fault::BadFormat);
            }
            d.known |= new;
        }
    }
    if s.prefix.is_some() {
        return Err(Fault::BadFormat);
    }
    match s.special {
        Special::Epoch => return Ok(Moment::Epoch),
        Special::Late => return Ok(Moment::Late),
        Special::Early => return Ok(Moment::Early),
        Special::None => {}
    }
    d.validate(&s)?;
    d.apply_meridian(s.pm)?;
    if d.known & mask::DATE != mask::DATE {
        return Err(Fault::BadFormat);
    }
    let zone = if let Some(zone) = &s.named {
        if d.known & mask::DST_MODIFIER != 0 {
            return Err(Fault::BadFormat);
        }
        Some(-d.local_offset(zone))
    } else if d.known & mask::ZONE != 0 {
        Some(d.west)
    } else if d.known & mask::DST_MODIFIER != 0 {
        return Err(Fault::BadFormat);
    } else {
        None
    };
    Ok(Moment::At(d.c, zone))
}

/// Reads a time of day, perhaps with a zone; a date is allowed (and decides the zone's offset).
pub(super) fn time_only(text: &str, io: &IoContext) -> Decoded<(Civil, Option<i32>)> {
    let fields = fields(text).ok_or(Fault::BadFormat)?;
    let mut d = Decoder {
        io,
        c: Civil::default(),
        day_of_year: 0,
        known: 0,
        two_digit_year: false,
        text_month: false,
        west: 0,
    };
    let mut s = State::new();
    for (i, field) in fields.iter().enumerate() {
        let step = match field.shape {
            Shape::Date => d.time_only_date(&field.text, i, fields.len(), fields.get(1), &mut s)?,
            Shape::Time => {
                match s.prefix.take() {
                    None | Some(Prefix::IsoTime) => {}
                    Some(_) => return Err(Fault::BadFormat),
                }
                Step::Known(d.time(&field.text)?)
            }
            Shape::Zone => {
                d.west = zone_displacement(&field.text)?;
                Step::Known(mask::ZONE)
            }
            Shape::Number => d.time_only_number(&field.text, i, fields.len(), fields.get(1), &mut s)?,
            Shape::Word | Shape::Special => d.time_only_word(&field.text, fields.get(i + 1), &mut s)?,
        };
        if let Step::Known(new) = step {
            if new & d.known != 0 {
                return Err(Fault::BadFormat);
            }
            d.known |= new;
        }
    }
    if s.prefix.is_some() {
        return Err(Fault::BadFormat);
    }
    d.validate(&s)?;
    d.apply_meridian(s.pm)?;
    if time_overflows(&d.c) {
        return Err(Fault::FieldOverflow);
    }
    if d.known & mask::TIME != mask::TIME {
        return Err(Fault::BadFormat);
    }
    let zone = if let Some(zone) = &s.named {
        if d.known & mask::DST_MODIFIER != 0 {
            return Err(Fault::BadFormat);
        }
        // A zone with changing offsets needs a date to tell which one is meant.
        if d.known & mask::DATE == mask::DATE {
            Some(-d.local_offset(zone))
        } else if let Some(east) = zone.constant_offset() {
            Some(-east)
        } else {
            return Err(Fault::BadFormat);
        }
    } else if let Some(zone) = &s.changing {
        if d.known & mask::DST_MODIFIER != 0 {
            return Err(Fault::BadFormat);
        }
        match d.known & mask::DATE {
            // Today decides.
            0 => Some(-d.today().local_offset(zone)),
            mask::DATE => Some(-d.local_offset(zone)),
            _ => return Err(Fault::BadFormat),
        }
    } else if d.known & mask::ZONE != 0 {
        Some(d.west)
    } else {
        if d.known & mask::DST_MODIFIER != 0 {
            return Err(Fault::BadFormat);
        }
        match d.known & mask::DATE {
            0 => None,
            mask::DATE => Some(-d.local_offset(&d.io.time_zone)),
            // Half a date tells no offset.
            _ => return Err(Fault::BadFormat),
        }
    };
    Ok((d.c, zone))
}

impl Decoder<'_> {
    /// Seconds east of a zone at the fields read.
    fn local_offset(&self, zone: &Zone) -> i32 {
        let us = i64::from(self.c.days()).saturating_mul(USECS_PER_DAY).saturating_add(self.c.time_us());
        zone.offset_at_local(us)
    }

    /// The time that was read, today.
    fn today(&self) -> Decoder<'_> {
        let now_us = self.io.read_clock();
        let east = self.io.time_zone.offset_at_utc(now_us);
        let mut c = Civil::from_us(now_us + i64::from(east) * USECS_PER_SEC);
        c.set_time(self.c.time_us());
        Decoder { c, ..*self }
    }

    fn apply_meridian(&mut self, pm: Option<bool>) -> Decoded<()> {
        let Some(pm) = pm else { return Ok(()) };
        if self.c.hour > 12 {
            return Err(Fault::FieldOverflow);
        }
        if !pm && self.c.hour == 12 {
            self.c.hour = 0;
        } else if pm && self.c.hour != 12 {
            self.c.hour += 12;
        }
        Ok(())
    }

    fn named_zone(&mut self, text: &str, s: &mut State) -> Decoded<Step> {
        s.named = Some(Zone::named(text).ok_or(Fault::UnknownZone)?);
        Ok(Step::Known(mask::ZONE))
    }

    fn date_field(&mut self, text: &str, s: &mut State) -> Decoded<Step> {
        if s.prefix == Some(Prefix::Unit(Unit::Julian)) {
            let (value, rest) = integer(text)?;
            if value < 0 {
                return Err(Fault::FieldOverflow);
            }
            (self.c.year, self.c.month, self.c.day) = from_julian(value);
            s.julian = true;
            self.west = zone_displacement(rest)?;
            s.prefix = None;
            return Ok(Step::Known(mask::DATE | mask::TIME | mask::ZONE));
        }
        // With month and day known it is a zone's name, or a time and a zone run together: the year may follow.
        let dated = mask::MONTH | mask::DAY;
        if self.known & dated != dated && s.prefix.is_none() {
            return self.date(text).map(Step::Known);
        }
        if !text.starts_with(|c: char| c.is_ascii_digit()) && s.prefix.is_none() {
            return self.named_zone(text, s);
        }
        match s.prefix.take() {
            None | Some(Prefix::IsoTime) => {}
            Some(_) => return Err(Fault::BadFormat),
        }
        if self.known & mask::TIME == mask::TIME {
            return Err(Fault::BadFormat);
        }
        self.run_together(text)
    }

    /// `hhmmss-zz`.
    fn run_together(&mut self, text: &str) -> Decoded<Step> {
        let dash = text.find('-').ok_or(Fault::BadFormat)?;
        self.west = zone_displacement(&text[dash..])?;
        let known = self.concatenated(&text[..dash], self.known)?;
        Ok(Step::Known(known | mask::ZONE))
    }

    fn number_field(&mut self, text: &str, s: &mut State) -> Decoded<Step> {
        if let Some(prefix) = s.prefix {
            let step = self.prefixed(prefix, text, s, self.known | mask::DATE)?;
            s.prefix = None;
            return Ok(step);
        }
        let dot = text.find('.');
        let known = if dot.is_some() && self.known & mask::DATE == 0 {
            self.date(text)?
        } else if dot.is_some_and(|d| d > 2)
            || (text.len() >= 6 && (self.known & mask::DATE == 0 || self.known & mask::TIME == 0))
        {
            self.concatenated(text, self.known)?
        } else {
            self.number(text, self.known)?
        };
        Ok(Step::Known(known))
    }

    /// A number whose meaning a word before it has told.
    fn prefixed(&mut self, prefix: Prefix, text: &str, s: &mut State, date_known: u32) -> Decoded<Step> {
        let (value, rest) = integer(text)?;
        if !rest.is_empty() && !rest.starts_with('.') {
            return Err(Fault::BadFormat);
        }
        let known = match prefix {
            Prefix::Unit(Unit::Year) => {
                self.c.year = value;
                mask::YEAR
            }
            Prefix::Unit(Unit::Month) if self.known & mask::MONTH != 0 && self.known & mask::HOUR != 0 => {
                self.c.minute = value;
                mask::MINUTE
            }
            Prefix::Unit(Unit::Month) => {
                self.c.month = value;
                mask::MONTH
            }
            Prefix::Unit(Unit::Day) => {
                self.c.day = value;
                mask::DAY
            }
            Prefix::Unit(Unit::Hour) => {
                self.c.hour = value;
                mask::HOUR
            }
            Prefix::Unit(Unit::Minute) => {
                self.c.minute = value;
                mask::MINUTE
            }
            Prefix::Unit(Unit::Second) => {
                self.c.second = value;
                if rest.starts_with('.') {
                    self.c.us = fraction(rest)?;
                    mask::SECOND | mask::FRACTION
                } else {
                    mask::SECOND
                }
            }
            Prefix::Unit(Unit::Timezone) => {
                self.west = zone_displacement(text)?;
                mask::ZONE
            }
            Prefix::Unit(Unit::Julian) => {
                if value < 0 {
                    return Err(Fault::FieldOverflow);
                }
                (self.c.year, self.c.month, self.c.day) = from_julian(value);
                s.julian = true;
                if rest.starts_with('.') {
                    let part: f64 = if rest == "." { 0.0 } else { rest.parse().map_err(|_| Fault::BadFormat)? };
                    self.c.set_time((part * USECS_PER_DAY as f64) as i64);
                    mask::DATE | mask::TIME
                } else {
                    mask::DATE
                }
            }
            Prefix::IsoTime => {
                let known = self.concatenated(text, date_known)?;
                if known != mask::TIME {
                    return Err(Fault::BadFormat);
                }
                known
            }
            Prefix::Unit(_) => return Err(Fault::BadFormat),
        };
        Ok(Step::Known(known))
    }

    fn word_field(&mut self, text: &str, next: Option<&Field>, s: &mut State) -> Decoded<Step> {
        let word = match meaning(text) {
            Meaning::Zone { .. } if Zone::of_abbreviation(text).is_some() => {
                s.named = Zone::of_abbreviation(text);
                return Ok(Step::Known(mask::ZONE));
            }
            Meaning::Zone { east, dst } => return Ok(self.zone_word(east, dst)),
            Meaning::Unknown => {
                s.named = Some(Zone::named(text).ok_or(Fault::BadFormat)?);
                return Ok(Step::Known(mask::ZONE));
            }
            Meaning::Word(w) => w,
        };
        let known = match word {
            Word::Ignore => return Ok(Step::Nothing),
            Word::Now => {
                let now_us = self.io.read_clock();
                let east = self.io.time_zone.offset_at_utc(now_us);
                self.c = Civil::from_us(now_us + i64::from(east) * USECS_PER_SEC);
                self.west = -east;
                mask::DATE | mask::TIME | mask::ZONE
            }
            Word::Today | Word::Tomorrow | Word::Yesterday => {
                let now_us = self.io.read_clock();
                let east = self.io.time_zone.offset_at_utc(now_us);
                let today = Civil::from_us(now_us + i64::from(east) * USECS_PER_SEC).julian();
                let day = match word {
                    Word::Tomorrow => today + 1,
                    Word::Yesterday => today - 1,
                    _ => today,
                };
                (self.c.year, self.c.month, self.c.day) = from_julian(day);
                mask::DATE
            }
            Word::Zulu => {
                self.c.set_time(0);
                self.west = 0;
                mask::TIME | mask::ZONE
            }
            Word::Epoch => {
                s.special = Special::Epoch;
                mask::DATE | mask::TIME | mask::ZONE
            }
            Word::Late => {
                s.special = Special::Late;
                mask::DATE | mask::TIME | mask::ZONE
            }
            Word::Early => {
                s.special = Special::Early;
                mask::DATE | mask::TIME | mask::ZONE
            }
            Word::Month(m) => {
                let mut known = mask::MONTH;
                if self.known & mask::MONTH != 0
                    && !self.text_month
                    && self.known & mask::DAY == 0
                    && (1..=31).contains(&self.c.month)
                {
                    self.c.day = self.c.month;
                    known = mask::DAY;
                }
                self.text_month = true;
                self.c.month = m;
                known
            }
            other => return self.plain_word(other, next, s),
        };
        Ok(Step::Known(known))
    }

    fn zone_word(&mut self, east: i32, _dst: bool) -> Step {
        self.west = -east;
        Step::Known(mask::ZONE)
    }

    /// Words that mean the same in dates and in times of day.
    fn plain_word(&mut self, word: Word, next: Option<&Field>, s: &mut State) -> Decoded<Step> {
        Ok(Step::Known(match word {
            Word::DstModifier(seconds) => {
                self.west -= seconds;
                mask::DST_MODIFIER
            }
            Word::Am | Word::Pm => {
                s.pm = Some(word == Word::Pm);
                mask::AM_PM
            }
            Word::Ad | Word::Bc => {
                s.bc = word == Word::Bc;
                mask::ERA
            }
            Word::Weekday => mask::WEEKDAY,
            Word::Units(u) => {
                s.prefix = Some(Prefix::Unit(u));
                return Ok(Step::Nothing);
            }
            Word::IsoTime => {
                let timely = next.is_some_and(|f| matches!(f.shape, Shape::Number | Shape::Time | Shape::Date));
                if !timely {
                    return Err(Fault::BadFormat);
                }
                s.prefix = Some(Prefix::IsoTime);
                return Ok(Step::Nothing);
            }
            _ => return Err(Fault::BadFormat),
        }))
    }

    fn time_only_date(
        &mut self,
        text: &str,
        i: usize,
        count: usize,
        second: Option<&Field>,
        s: &mut State,
    ) -> Decoded<Step> {
        // A date in front decides which offset a zone has; a single field or a zone alone cannot be one.
        if i == 0 && count >= 2 && second.is_some_and(|f| matches!(f.shape, Shape::Time)) {
            return self.date(text).map(Step::Known);
        }
        if text.starts_with(|c: char| c.is_ascii_digit()) {
            match s.prefix.take() {
                None | Some(Prefix::IsoTime) => {}
                Some(_) => return Err(Fault::BadFormat),
            }
            if self.known & mask::TIME == mask::TIME {
                return Err(Fault::BadFormat);
            }
            let dash = text.find('-').ok_or(Fault::BadFormat)?;
            self.west = zone_displacement(&text[dash..])?;
            let known = self.concatenated(&text[..dash], self.known | mask::DATE)?;
            return Ok(Step::Known(known | mask::ZONE));
        }
        self.named_zone(text, s)
    }

    fn time_only_number(
        &mut self,
        text: &str,
        i: usize,
        count: usize,
        second: Option<&Field>,
        s: &mut State,
    ) -> Decoded<Step> {
        if let Some(prefix) = s.prefix {
            let step = self.prefixed(prefix, text, s, self.known | mask::DATE)?;
            s.prefix = None;
            return Ok(step);
        }
        let dot = text.find('.');
        if i == 0 && count >= 2 && dot.is_some() && second.is_some_and(|f| f.shape == Shape::Time) {
            return self.date(text).map(Step::Known);
        }
        match dot {
            Some(d) if d > 2 => self.concatenated(text, self.known | mask::DATE).map(Step::Known),
            Some(_) => Err(Fault::BadFormat),
            None if text.len() > 4 => self.concatenated(text, self.known | mask::DATE).map(Step::Known),
            None => self.number(text, self.known | mask::DATE).map(Step::Known),
        }
    }

    fn time_only_word(&mut self, text: &str, next: Option<&Field>, s: &mut State) -> Decoded<Step> {
        let word = match meaning(text) {
            Meaning::Zone { .. } if Zone::of_abbreviation(text).is_some() => {
                s.changing = Zone::of_abbreviation(text);
                return Ok(Step::Known(mask::ZONE));
            }
            Meaning::Zone { east, dst } => return Ok(self.zone_word(east, dst)),
            Meaning::Unknown => {
                s.named = Some(Zone::named(text).ok_or(Fault::BadFormat)?);
                return Ok(Step::Known(mask::ZONE));
            }
            Meaning::Word(w) => w,
        };
        match word {
            Word::Ignore => Ok(Step::Nothing),
            Word::Now => {
                let now_us = self.io.read_clock();
                let east = self.io.time_zone.offset_at_utc(now_us);
                let now = Civil::from_us(now_us + i64::from(east) * USECS_PER_SEC);
                self.c = now;
                Ok(Step::Known(mask::TIME))
            }
            Word::Zulu => {
                self.c.set_time(0);
                self.west = 0;
                Ok(Step::Known(mask::TIME | mask::ZONE))
            }
            other => self.plain_word(other, next, s),
        }
    }

    /// A date with separators; returns what it told.
    fn date(&mut self, text: &str) -> Decoded<u32> {
        let mut parts: Vec<Option<&str>> = Vec::new();
        let mut rest = text;
        while !rest.is_empty() && parts.len() < 25 {
            rest = rest.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
            let digits = rest.starts_with(|c: char| c.is_ascii_digit());
            let len =
                rest.bytes().take_while(|b| if digits { b.is_ascii_digit() } else { b.is_ascii_alphabetic() }).count();
            if len == 0 {
                return Err(Fault::BadFormat);
            }
            parts.push(Some(&rest[..len]));
            rest = &rest[len..];
            // The separator, whatever it is; letters directly after digits start the next part.
            if rest.starts_with(|c: char| !c.is_ascii_alphanumeric()) {
                rest = &rest[1..];
                if rest.is_empty() {
                    break;
                }
            }
        }
        let mut known = 0;
        let mut seen = self.known;
        let mut text_month = false;
        for part in &mut parts {
            let Some(word) = part.filter(|p| p.starts_with(|c: char| c.is_ascii_alphabetic())) else { continue };
            match date_word(word) {
                Some(Word::Ignore) => continue,
                Some(Word::Month(m)) => self.c.month = m,
                _ => return Err(Fault::BadFormat),
            }
            if seen & mask::MONTH != 0 {
                return Err(Fault::BadFormat);
            }
            text_month = true;
            seen |= mask::MONTH;
            known |= mask::MONTH;
            *part = None;
        }
        let outer = std::mem::replace(&mut self.text_month, text_month);
        for part in parts.into_iter().flatten() {
            let new = self.number(part, seen)?;
            if seen & new != 0 {
                return Err(Fault::BadFormat);
            }
            seen |= new;
            known |= new;
        }
        self.text_month = outer;
        if seen & !(mask::DAY_OF_YEAR | mask::ZONE) != mask::DATE {
            return Err(Fault::BadFormat);
        }
        Ok(known)
    }

    /// One number of a date, by its place among those known; all known: a time.
    fn number(&mut self, text: &str, known: u32) -> Decoded<u32> {
        let (value, rest) = integer(text)?;
        if rest.len() == text.len() {
            return Err(Fault::BadFormat);
        }
        if rest.starts_with('.') {
            if text.len() - rest.len() > 2 {
                return self.concatenated(text, known | mask::DATE);
            }
            self.c.us = fraction(rest)?;
        } else if !rest.is_empty() {
            return Err(Fault::BadFormat);
        }
        let len = text.len();
        if len == 3 && known & mask::DATE == mask::YEAR && (1..=366).contains(&value) {
            self.day_of_year = value;
            return Ok(mask::DAY_OF_YEAR | mask::MONTH | mask::DAY);
        }
        let order = self.io.date_order;
        let told = match known & mask::DATE {
            0 if len >= 3 || order == DateOrder::Ymd => mask::YEAR,
            0 if order == DateOrder::Dmy => mask::DAY,
            0 => mask::MONTH,
            mask::YEAR => mask::MONTH,
            mask::MONTH if self.text_month && (len >= 3 || order == DateOrder::Ymd) => mask::YEAR,
            mask::MONTH => mask::DAY,
            x if x == mask::YEAR | mask::MONTH => {
                if self.text_month && len >= 3 && self.two_digit_year {
                    // What was read as the year was the day.
                    self.c.day = self.c.year;
                    self.c.year = value;
                    self.two_digit_year = false;
                    return Ok(mask::DAY);
                }
                mask::DAY
            }
            mask::DAY => mask::MONTH,
            x if x == mask::MONTH | mask::DAY => mask::YEAR,
            mask::DATE => return self.concatenated(text, known),
            _ => return Err(Fault::BadFormat),
        };
        match told {
            mask::YEAR => {
                self.c.year = value;
                self.two_digit_year = len <= 2;
            }
            mask::MONTH => self.c.month = value,
            _ => self.c.day = value,
        }
        Ok(told)
    }

    /// Digits run together: `yyyymmdd`, `yymmdd`, `hhmmss` or `hhmm`.
    fn concatenated(&mut self, text: &str, known: u32) -> Decoded<u32> {
        let digits = match text.find('.') {
            Some(dot) => {
                let part: f64 =
                    if text.len() == dot + 1 { 0.0 } else { text[dot..].parse().map_err(|_| Fault::BadFormat)? };
                self.c.us = (part * USECS_PER_SEC as f64).round_ties_even() as i32;
                &text[..dot]
            }
            None => {
                if known & mask::DATE != mask::DATE && text.len() >= 6 {
                    let split = text.len() - 4;
                    let number = |t: &str| t.parse::<i32>().map_err(|_| Fault::FieldOverflow);
                    self.c.year = number(&text[..split])?;
                    self.c.month = number(&text[split..split + 2])?;
                    self.c.day = number(&text[split + 2..])?;
                    if split == 2 {
                        self.two_digit_year = true;
                    }
                    return Ok(mask::DATE);
                }
                text
            }
        };
        if known & mask::TIME != mask::TIME && (digits.len() == 6 || digits.len() == 4) {
            let part = |at: usize| digits.get(at..at + 2).and_then(|t| t.parse().ok()).unwrap_or(0);
            self.c.hour = part(0);
            self.c.minute = part(2);
            self.c.second = part(4);
            return Ok(mask::TIME);
        }
        Err(Fault::BadFormat)
    }

    fn time(&mut self, text: &str) -> Decoded<u32> {
        let (hour, minute, second, us) = clock(text, false)?;
        (self.c.hour, self.c.minute, self.c.second, self.c.us) = (hour, minute, second, us);
        Ok(mask::TIME)
    }

    fn validate(&mut self, s: &State) -> Decoded<()> {
        let c = &mut self.c;
        if self.known & mask::YEAR != 0 && !s.julian {
            if s.bc {
                if c.year <= 0 {
                    return Err(Fault::FieldOverflow);
                }
                c.year = -(c.year - 1);
            } else if self.two_digit_year {
                if c.year < 0 {
                    return Err(Fault::FieldOverflow);
                }
                if c.year < 70 {
                    c.year += 2000;
                } else if c.year < 100 {
                    c.year += 1900;
                }
            } else if c.year <= 0 {
                return Err(Fault::FieldOverflow);
            }
        }
        if self.known & mask::DAY_OF_YEAR != 0 {
            (c.year, c.month, c.day) = from_julian(to_julian(c.year, 1, 1) + self.day_of_year - 1);
        }
        if self.known & mask::MONTH != 0 && !(1..=12).contains(&c.month)
            || self.known & mask::DAY != 0 && !(1..=31).contains(&c.day)
        {
            return Err(Fault::MonthDayOverflow);
        }
        if self.known & mask::DATE == mask::DATE && c.day > days_in_month(c.year, c.month) {
            return Err(Fault::FieldOverflow);
        }
        Ok(())
    }
}

/// Hour, minute, second and microsecond of `h:m[:s[.f]]`; `minute_second`: two parts are minutes and seconds.
pub(super) fn clock(text: &str, minute_second: bool) -> Decoded<(i32, i32, i32, i32)> {
    let (mut hour, rest) = integer(text)?;
    let rest = rest.strip_prefix(':').ok_or(Fault::BadFormat)?;
    let (mut minute, rest) = integer(rest)?;
    let (mut second, mut us) = (0, 0);
    if rest.is_empty() {
        if minute_second {
            (hour, minute, second) = (0, hour, minute);
        }
    } else if rest.starts_with('.') {
        us = fraction(rest)?;
        (hour, minute, second) = (0, hour, minute);
    } else {
        let rest = rest.strip_prefix(':').ok_or(Fault::BadFormat)?;
        let after;
        (second, after) = integer(rest)?;
        if after.starts_with('.') {
            us = fraction(after)?;
        } else if !after.is_empty() {
            return Err(Fault::BadFormat);
        }
    }
    if hour < 0 || !(0..60).contains(&minute) || !(0..=60).contains(&second) {
        return Err(Fault::FieldOverflow);
    }
    Ok((hour, minute, second, us))
}
