//! Templates of dates and times, taken apart.

use crate::base::{Error, Result, SqlState};

/// A template pattern, whatever the case it was written in.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Field {
    /// `AM`, `PM`, with dots if `dots`.
    Meridian {
        dots: bool,
    },
    /// `AD`, `BC`.
    Era {
        dots: bool,
    },
    Cc,
    /// `DAY`, `Day`, `day`.
    DayName,
    /// `DY`.
    DayShort,
    Ddd,
    Dd,
    D,
    Ff(u8),
    Fx,
    Hh24,
    Hh12,
    Iddd,
    Id,
    Iw,
    Iyyy,
    Iyy,
    Iy,
    I,
    J,
    Mi,
    Mm,
    MonthName,
    MonthShort,
    Ms,
    Of,
    Q,
    Rm,
    Ssss,
    Ss,
    Tzh,
    Tzm,
    Tz,
    Us,
    Ww,
    W,
    YCommaYyy,
    Yyyy,
    Yyy,
    Yy,
    Y,
}

/// How letters of a name are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Case {
    Upper,
    Capital,
    Lower,
}

/// One piece of a template.
#[derive(Clone, Debug, PartialEq)]
pub enum Node {
    Field {
        field: Field,
        /// As it is written in the template.
        name: String,
        case: Case,
        /// `FM`: no padding.
        fill: bool,
        /// `TH` or `th`: an ordinal ending in that case.
        ordinal: Option<Case>,
    },
    /// A character to show as it is; quoted ones are never separators.
    Char(char, Kind),
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    Text,
    Separator,
    Space,
}

use Field::*;

/// In the order in which they are tried: longer ones first where one begins with another.
const PATTERNS: &[(&str, Field)] = &[
    ("A.D.", Era { dots: true }),
    ("A.M.", Meridian { dots: true }),
    ("AD", Era { dots: false }),
    ("AM", Meridian { dots: false }),
    ("B.C.", Era { dots: true }),
    ("BC", Era { dots: false }),
    ("CC", Cc),
    ("DAY", DayName),
    ("DDD", Ddd),
    ("DD", Dd),
    ("DY", DayShort),
    ("D", D),
    ("FF1", Ff(1)),
    ("FF2", Ff(2)),
    ("FF3", Ff(3)),
    ("FF4", Ff(4)),
    ("FF5", Ff(5)),
    ("FF6", Ff(6)),
    ("FX", Fx),
    ("HH24", Hh24),
    ("HH12", Hh12),
    ("HH", Hh12),
    ("IDDD", Iddd),
    ("ID", Id),
    ("IW", Iw),
    ("IYYY", Iyyy),
    ("IYY", Iyy),
    ("IY", Iy),
    ("I", I),
    ("J", J),
    ("MI", Mi),
    ("MM", Mm),
    ("MONTH", MonthName),
    ("MON", MonthShort),
    ("MS", Ms),
    ("OF", Of),
    ("P.M.", Meridian { dots: true }),
    ("PM", Meridian { dots: false }),
    ("Q", Q),
    ("RM", Rm),
    ("SSSSS", Ssss),
    ("SSSS", Ssss),
    ("SS", Ss),
    ("TZH", Tzh),
    ("TZM", Tzm),
    ("TZ", Tz),
    ("US", Us),
    ("WW", Ww),
    ("W", W),
    ("Y,YYY", YCommaYyy),
    ("YYYY", Yyyy),
    ("YYY", Yyy),
    ("YY", Yy),
    ("Y", Y),
];

/// A pattern at the start of the text: all upper case, all lower case, or a name with a capital.
fn pattern(text: &str) -> Option<(&'static str, Field, Case)> {
    for (name, field) in PATTERNS {
        let Some(head) = text.get(..name.len()) else { continue };
        if head == *name {
            return Some((name, *field, Case::Upper));
        }
        if head.eq_ignore_ascii_case(name) {
            if head.bytes().all(|b| !b.is_ascii_uppercase()) {
                return Some((name, *field, Case::Lower));
            }
            let named = matches!(field, DayName | DayShort | MonthName | MonthShort);
            if named && head.as_bytes()[0].is_ascii_uppercase() && head.bytes().skip(1).all(|b| b.is_ascii_lowercase())
            {
                return Some((name, *field, Case::Capital));
            }
        }
    }
    None
}

fn is_separator(c: char) -> bool {
    c.is_ascii_graphic() && !c.is_ascii_alphanumeric()
}

pub fn parse(text: &str) -> Vec<Node> {
    take_apart(text, &|_| true).0
}

/// A template of the SQL standard, which knows few separators.
///
/// # Errors
/// 22007.
pub fn parse_standard(text: &str) -> Result<Vec<Node>> {
    match take_apart(text, &|c| "-./,':; \"".contains(c)) {
        (nodes, None) => Ok(nodes),
        (_, Some(c)) => {
            let text = format!("invalid datetime format separator: \"{c}\"");
            Err(Error::new(SqlState::INVALID_DATETIME_FORMAT, text))
        }
    }
}

/// The pieces up to the first character between patterns that is not allowed.
fn take_apart(text: &str, allowed: &dyn Fn(char) -> bool) -> (Vec<Node>, Option<char>) {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let mut body = rest;
        let mut fill = false;
        let mut localized = false;
        for prefix in ["FM", "fm", "TM", "tm"] {
            if let Some(after) = body.strip_prefix(prefix) {
                fill |= prefix.eq_ignore_ascii_case("FM");
                localized |= prefix.eq_ignore_ascii_case("TM");
                body = after;
                break;
            }
        }
        if let Some((name, field, case)) = pattern(body) {
            // Names in the session's language are never padded.
            fill |= localized && matches!(field, DayName | MonthName);
            let name = body[..name.len()].to_owned();
            rest = &body[name.len()..];
            let mut ordinal = None;
            if let Some(after) = rest.strip_prefix("TH") {
                (ordinal, rest) = (Some(Case::Upper), after);
            } else if let Some(after) = rest.strip_prefix("th") {
                (ordinal, rest) = (Some(Case::Lower), after);
            } else if let Some(after) = rest.strip_prefix("SP") {
                rest = after;
            }
            out.push(Node::Field { field, name, case, fill, ordinal });
            continue;
        }
        if body.len() != rest.len() {
            // A prefix without a pattern shows nothing.
            rest = body;
            continue;
        }
        if !allowed(c) {
            return (out, Some(c));
        }
        rest = &rest[c.len_utf8()..];
        match c {
            '"' => {
                while let Some(q) = rest.chars().next() {
                    rest = &rest[q.len_utf8()..];
                    match q {
                        '"' => break,
                        '\\' => {
                            if let Some(escaped) = rest.chars().next() {
                                rest = &rest[escaped.len_utf8()..];
                                out.push(Node::Char(escaped, Kind::Text));
                            }
                        }
                        q => out.push(Node::Char(q, Kind::Text)),
                    }
                }
            }
            '\\' if rest.starts_with('"') => {
                rest = &rest[1..];
                out.push(Node::Char('"', Kind::Text));
            }
            c if c.is_ascii_whitespace() => out.push(Node::Char(c, Kind::Space)),
            c if is_separator(c) => out.push(Node::Char(c, Kind::Separator)),
            c => out.push(Node::Char(c, Kind::Text)),
        }
    }
    (out, None)
}

pub const FULL_MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

pub const ROMAN_MONTHS: [&str; 12] = ["I", "II", "III", "IV", "V", "VI", "VII", "VIII", "IX", "X", "XI", "XII"];

/// `st`, `nd`, `rd` or `th` for the number that ends so.
pub fn ordinal_ending(digits: &str) -> &'static str {
    let tail: Vec<u8> = digits.bytes().rev().take(2).collect();
    if tail.get(1) == Some(&b'1') {
        return "th";
    }
    match tail.first() {
        Some(b'1') => "st",
        Some(b'2') => "nd",
        Some(b'3') => "rd",
        _ => "th",
    }
}
