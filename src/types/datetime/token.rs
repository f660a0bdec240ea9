//! The first half of reading dates, times and intervals: splitting the text into fields, and the words it may hold.

/// What a field looks like before anybody knows what it means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Shape {
    Number,
    /// Digits or letters with separators: a date, or a zone name with punctuation.
    Date,
    /// Digits with colons.
    Time,
    /// A signed number.
    Zone,
    Word,
    /// A signed word (`-infinity`).
    Special,
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub shape: Shape,
    pub text: String,
}

/// What a word means.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Word {
    Now,
    Yesterday,
    Today,
    Tomorrow,
    Zulu,
    Epoch,
    Late,
    Early,
    Month(i32),
    Weekday,
    /// Seconds to add to a standard offset.
    DstModifier(i32),
    Am,
    Pm,
    Ad,
    Bc,
    Units(Unit),
    /// `t` before an ISO time.
    IsoTime,
    Ignore,
}

/// Units of time, of `extract`, and of intervals.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Unit {
    Microsecond,
    Millisecond,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Dow,
    Doy,
    IsoDow,
    IsoYear,
    Julian,
    Epoch,
    Timezone,
    TimezoneHour,
    TimezoneMinute,
}

/// Words are recognised by their first ten letters.
const TOKEN_LEN: usize = 10;

fn key(text: &str) -> &str {
    text.get(..TOKEN_LEN).unwrap_or(text)
}

/// Words of dates and times, zone abbreviations aside.
pub(super) fn date_word(text: &str) -> Option<Word> {
    use Word::*;
    Some(match key(text) {
        "-infinity" => Early,
        "infinity" => Late,
        "ad" => Ad,
        "bc" => Bc,
        "am" => Am,
        "pm" => Pm,
        "allballs" => Zulu,
        "at" | "on" => Ignore,
        "dst" => DstModifier(3600),
        "epoch" => Epoch,
        "now" => Now,
        "today" => Today,
        "tomorrow" => Tomorrow,
        "yesterday" => Yesterday,
        "t" => IsoTime,
        "jan" | "january" => Month(1),
        "feb" | "february" => Month(2),
        "mar" | "march" => Month(3),
        "apr" | "april" => Month(4),
        "may" => Month(5),
        "jun" | "june" => Month(6),
        "jul" | "july" => Month(7),
        "aug" | "august" => Month(8),
        "sep" | "sept" | "september" => Month(9),
        "oct" | "october" => Month(10),
        "nov" | "november" => Month(11),
        "dec" | "december" => Month(12),
        "mon" | "monday" | "tue" | "tues" | "tuesday" | "wed" | "weds" | "wednesday" | "thu" | "thur" | "thurs"
        | "thursday" | "fri" | "friday" | "sat" | "saturday" | "sun" | "sunday" => Weekday,
        "d" => Units(Unit::Day),
        "dow" => Units(Unit::Dow),
        "doy" => Units(Unit::Doy),
        "isodow" => Units(Unit::IsoDow),
        "isoyear" => Units(Unit::IsoYear),
        "h" => Units(Unit::Hour),
        "j" | "jd" | "julian" => Units(Unit::Julian),
        "m" => Units(Unit::Month),
        "mm" => Units(Unit::Minute),
        "s" => Units(Unit::Second),
        "y" => Units(Unit::Year),
        _ => return None,
    })
}

/// Units of intervals and of `extract`; `Err(())` for `ago`.
pub fn unit(text: &str) -> Option<Unit> {
    use Unit::*;
    Some(match key(text) {
        "c" | "cent" | "century" | "centuries" => Century,
        "d" | "day" | "days" => Day,
        "dec" | "decs" | "decade" | "decades" => Decade,
        "h" | "hr" | "hrs" | "hour" | "hours" => Hour,
        "m" | "min" | "mins" | "minute" | "minutes" => Minute,
        "mil" | "mils" | "millennia" | "millennium" => Millennium,
        "mon" | "mons" | "month" | "months" => Month,
        "ms" | "msec" | "msecs" | "msecond" | "mseconds" | "millisecon" => Millisecond,
        "qtr" | "quarter" => Quarter,
        "s" | "sec" | "secs" | "second" | "seconds" => Second,
        "timezone" => Timezone,
        "timezone_h" => TimezoneHour,
        "timezone_m" => TimezoneMinute,
        "us" | "usec" | "usecs" | "usecond" | "useconds" | "microsecon" => Microsecond,
        "w" | "week" | "weeks" => Week,
        "y" | "yr" | "yrs" | "year" | "years" => Year,
        _ => return None,
    })
}

/// The unit `extract` and `date_part` name.
pub fn extract_unit(text: &str) -> Option<Unit> {
    if let Some(u) = unit(text) {
        return Some(u);
    }
    match date_word(text)? {
        Word::Units(u) => Some(u),
        Word::Epoch => Some(Unit::Epoch),
        _ => None,
    }
}

const MAX_FIELDS: usize = 25;

/// Splits a text into fields, None if it holds what no date or time can. Letters are lowered.
pub(super) fn fields(text: &str) -> Option<Vec<Field>> {
    let mut out = Vec::new();
    let bytes = text.as_bytes();
    let at = |i: usize| bytes.get(i).copied().unwrap_or(0);
    let mut i = 0;
    let run = |i: &mut usize, text: &mut String, keep: &dyn Fn(u8) -> bool| {
        while keep(at(*i)) {
            text.push(at(*i).to_ascii_lowercase() as char);
            *i += 1;
        }
    };
    let digit = |b: u8| b.is_ascii_digit();
    let alpha = |b: u8| b.is_ascii_alphabetic();
    let space = |b: u8| b.is_ascii_whitespace() || b == 0x0b;
    while i < bytes.len() {
        let c = at(i);
        if space(c) {
            i += 1;
            continue;
        }
        let mut text = String::new();
        let shape;
        if digit(c) {
            run(&mut i, &mut text, &digit);
            match at(i) {
                b':' => {
                    shape = Shape::Time;
                    run(&mut i, &mut text, &|b| digit(b) || b == b':' || b == b'.');
                }
                delimiter @ (b'-' | b'/' | b'.') => {
                    text.push(delimiter as char);
                    i += 1;
                    if digit(at(i)) {
                        run(&mut i, &mut text, &digit);
                        if at(i) == delimiter {
                            shape = Shape::Date;
                            run(&mut i, &mut text, &|b| digit(b) || b == delimiter);
                        } else {
                            shape = if delimiter == b'.' { Shape::Number } else { Shape::Date };
                        }
                    } else {
                        shape = Shape::Date;
                        run(&mut i, &mut text, &|b| b.is_ascii_alphanumeric() || b == delimiter);
                    }
                }
                _ => shape = Shape::Number,
            }
        } else if c == b'.' {
            shape = Shape::Number;
            text.push('.');
            i += 1;
            run(&mut i, &mut text, &digit);
        } else if alpha(c) {
            run(&mut i, &mut text, &alpha);
            let dated = match at(i) {
                b'-' | b'/' | b'.' => true,
                b'+' | b'0'..=b'9' => date_word(&text).is_none(),
                _ => false,
            };
            shape = if dated { Shape::Date } else { Shape::Word };
            if dated {
                run(&mut i, &mut text, &|b| {
                    matches!(b, b'+' | b'-' | b'/' | b'_' | b'.' | b':') || b.is_ascii_alphanumeric()
                });
            }
        } else if c == b'+' || c == b'-' {
            text.push(c as char);
            i += 1;
            while space(at(i)) {
                i += 1;
            }
            if digit(at(i)) {
                shape = Shape::Zone;
                run(&mut i, &mut text, &|b| digit(b) || matches!(b, b':' | b'.' | b'-'));
            } else if alpha(at(i)) {
                shape = Shape::Special;
                run(&mut i, &mut text, &alpha);
            } else {
                return None;
            }
        } else if c.is_ascii_punctuation() {
            i += 1;
            continue;
        } else {
            return None;
        }
        if out.len() >= MAX_FIELDS {
            return None;
        }
        out.push(Field { shape, text });
    }
    Some(out)
}
