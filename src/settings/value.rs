//! Values: from text with units, and back to the text SHOW prints.
//!
//! PostgreSQL 15, guc.c, parse_bool, parse_int, parse_real, config_enum_lookup_by_name: same rules and texts.

use super::parameter::{Kind, Parameter, Unit, flag};
use crate::base::{Result, error::Error};
use crate::err;
use std::sync::Arc;

/// A parameter's value, in its base unit.
#[derive(Clone, PartialEq, Debug)]
pub enum Value {
    Bool(bool),
    Int(i64),
    Real(f64),
    Str(Arc<str>),
    /// The value's name in its canonical spelling.
    Enum(&'static str),
}

impl Value {
    /// Reads text as a value of this parameter; 22023 with PostgreSQL's words if it is none.
    pub fn parse(parameter: &Parameter, text: &str) -> Result<Value> {
        let name = parameter.name;
        match parameter.kind {
            Kind::Bool => match parse_bool(text) {
                Some(b) => Ok(Value::Bool(b)),
                None => Err(err!(INVALID_PARAMETER_VALUE, "parameter \"{name}\" requires a Boolean value")),
            },
            Kind::Int { min, max, unit } => {
                let n = parse_int(text, unit).map_err(|hint| invalid(name, text, hint))?;
                if n < min || n > max {
                    let space = if unit == Unit::None { "" } else { " " };
                    let unit = unit.as_str();
                    return Err(err!(
                        INVALID_PARAMETER_VALUE,
                        "{n}{space}{unit} is outside the valid range for parameter \"{name}\" ({min} .. {max})"
                    ));
                }
                Ok(Value::Int(n))
            }
            Kind::Real { min, max, unit } => {
                let r = parse_real(text, unit).map_err(|hint| invalid(name, text, hint))?;
                if r < min || r > max {
                    let space = if unit == Unit::None { "" } else { " " };
                    return Err(err!(
                        INVALID_PARAMETER_VALUE,
                        "{}{space}{} is outside the valid range for parameter \"{name}\" ({} .. {})",
                        format_g(r),
                        unit.as_str(),
                        format_g(min),
                        format_g(max)
                    ));
                }
                Ok(Value::Real(r))
            }
            Kind::String if parameter.has(flag::IS_NAME) => Ok(Value::Str(crate::base::name::cut(text).into())),
            Kind::String => Ok(Value::Str(text.into())),
            Kind::Enum { values, aliases } => match lookup_enum(values, aliases, text) {
                Some(v) => Ok(Value::Enum(v)),
                None => Err(invalid(name, text, None).hint(format!("Available values: {}.", values.join(", ")))),
            },
        }
    }

    /// The text SHOW prints: with the largest unit that leaves a whole number.
    pub fn show(&self, parameter: &Parameter) -> String {
        match (self, parameter.kind) {
            (Value::Int(n), _) if is_octal(parameter) => format!("{n:04o}"),
            (Value::Int(n), Kind::Int { unit, .. }) if *n > 0 && unit != Unit::None => {
                let (n, unit) = largest_unit(*n, unit);
                format!("{n}{unit}")
            }
            (Value::Real(r), Kind::Real { unit, .. }) if *r > 0.0 && unit != Unit::None => {
                let (r, unit) = largest_real_unit(*r, unit);
                format!("{}{unit}", format_g(r))
            }
            _ => self.plain(parameter),
        }
    }

    /// The text in `pg_settings`: in the base unit, without naming it.
    pub fn plain(&self, parameter: &Parameter) -> String {
        match self {
            Value::Bool(b) => if *b { "on" } else { "off" }.to_string(),
            Value::Int(n) if is_octal(parameter) => format!("{n:04o}"),
            Value::Int(n) => n.to_string(),
            Value::Real(r) => format_g(*r),
            Value::Str(s) => s.to_string(),
            Value::Enum(v) => v.to_string(),
        }
    }
}

/// File modes are shown as one writes them.
fn is_octal(parameter: &Parameter) -> bool {
    matches!(parameter.name, "unix_socket_permissions" | "log_file_mode" | "data_directory_mode")
}

/// `invalid value for parameter "x": "y"`, 22023.
pub fn invalid(name: &str, text: &str, hint: Option<&'static str>) -> Error {
    let e = err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\": \"{text}\"");
    match hint {
        Some(hint) => e.hint(hint),
        None => e,
    }
}

/// Unique beginnings of true, false, yes, no, on, off, and the digits 1 and 0.
pub fn parse_bool(text: &str) -> Option<bool> {
    let t = text.to_ascii_lowercase();
    let begins = |word: &str, at_least: usize| t.len() >= at_least && word.starts_with(&t);
    if begins("true", 1) || begins("yes", 1) || t == "on" || t == "1" {
        Some(true)
    } else if begins("false", 1) || begins("no", 1) || begins("off", 2) || t == "0" {
        Some(false)
    } else {
        None
    }
}

fn lookup_enum(
    values: &'static [&'static str],
    aliases: &'static [(&'static str, &'static str)],
    text: &str,
) -> Option<&'static str> {
    let offered = values.iter().find(|v| v.eq_ignore_ascii_case(text)).copied();
    offered.or_else(|| aliases.iter().find(|(a, _)| a.eq_ignore_ascii_case(text)).map(|(_, v)| *v))
}

const MEMORY_HINT: &str = "Valid units for this parameter are \"B\", \"kB\", \"MB\", \"GB\", and \"TB\".";
const TIME_HINT: &str = "Valid units for this parameter are \"us\", \"ms\", \"s\", \"min\", \"h\", and \"d\".";
const RANGE_HINT: &str = "Value exceeds integer range.";

type Parsed<T> = std::result::Result<T, Option<&'static str>>;

/// A whole number in the base unit; an error carries the HINT, if there is one.
pub fn parse_int(text: &str, unit: Unit) -> Parsed<i64> {
    let (number, rest) = read_number(text, true).ok_or(None)?;
    let value = apply_unit(number, rest, unit)?.round_ties_even();
    if value > i32::MAX as f64 || value < i32::MIN as f64 {
        return Err(Some(RANGE_HINT));
    }
    Ok(value as i64)
}

/// A number in the base unit; an error carries the HINT, if there is one.
pub fn parse_real(text: &str, unit: Unit) -> Parsed<f64> {
    let (number, rest) = read_number(text, false).ok_or(None)?;
    apply_unit(number, rest, unit)
}

fn apply_unit(number: f64, rest: &str, unit: Unit) -> Parsed<f64> {
    let word = rest.trim_matches(|c: char| c.is_ascii_whitespace());
    if word.is_empty() {
        return Ok(number);
    }
    if unit == Unit::None {
        return Err(None);
    }
    to_base_unit(number, word, unit).ok_or(Some(if unit.is_memory() { MEMORY_HINT } else { TIME_HINT }))
}

/// Reads a number as C's `strtol(…, 0)` and `strtod` do; returns it and what follows.
fn read_number(text: &str, integer: bool) -> Option<(f64, &str)> {
    let t = text.trim_start_matches(|c: char| c.is_ascii_whitespace());
    let bytes = t.as_bytes();
    let sign_len = usize::from(matches!(bytes.first(), Some(b'+' | b'-')));
    let negative = bytes.first() == Some(&b'-');
    let body = &t[sign_len..];
    if body.len() > 2 && (body.starts_with("0x") || body.starts_with("0X")) {
        let len = body[2..].bytes().take_while(u8::is_ascii_hexdigit).count();
        if len > 0 {
            let n = body[2..2 + len].chars().fold(0.0, |n, c| n * 16.0 + f64::from(c.to_digit(16).unwrap_or(0)));
            return Some((if negative { -n } else { n }, &body[2 + len..]));
        }
    }
    let digits = body.bytes().take_while(u8::is_ascii_digit).count();
    let fractional = matches!(body.as_bytes().get(digits), Some(b'.' | b'e' | b'E'));
    if integer && !fractional && digits > 1 && body.starts_with('0') {
        let len = body.bytes().take_while(|b| (b'0'..=b'7').contains(b)).count();
        let n = body[..len].bytes().fold(0.0, |n, b| n * 8.0 + f64::from(b - b'0'));
        return Some((if negative { -n } else { n }, &body[len..]));
    }
    let len = decimal_len(body);
    if len == 0 {
        return None;
    }
    let n: f64 = body[..len].parse().ok()?;
    if n.is_infinite() {
        return None;
    }
    Some((if negative { -n } else { n }, &body[len..]))
}

/// How many bytes at the start of `t` form a decimal number with optional fraction and exponent.
fn decimal_len(t: &str) -> usize {
    let b = t.as_bytes();
    let count = |from: usize| b[from..].iter().take_while(|c| c.is_ascii_digit()).count();
    let whole = count(0);
    let mut len = whole;
    let mut fraction = 0;
    if b.get(len) == Some(&b'.') {
        fraction = count(len + 1);
        len += 1 + fraction;
    }
    if whole + fraction == 0 {
        return 0;
    }
    if matches!(b.get(len), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(len + 1), Some(b'+' | b'-')));
        if len + 1 + sign <= b.len() {
            let digits = count(len + 1 + sign);
            if digits > 0 {
                len += 1 + sign + digits;
            }
        }
    }
    len
}

/// The units that text may name, largest first, and how many base units each holds.
fn conversions(unit: Unit) -> &'static [(&'static str, f64)] {
    const K: f64 = 1024.0;
    const BYTE: &[(&str, f64)] = &[("TB", K * K * K * K), ("GB", K * K * K), ("MB", K * K), ("kB", K), ("B", 1.0)];
    const KB: &[(&str, f64)] = &[("TB", K * K * K), ("GB", K * K), ("MB", K), ("kB", 1.0), ("B", 1.0 / K)];
    const MB: &[(&str, f64)] = &[("TB", K * K), ("GB", K), ("MB", 1.0), ("kB", 1.0 / K), ("B", 1.0 / (K * K))];
    const BLOCKS: &[(&str, f64)] =
        &[("TB", K * K * K / 8.0), ("GB", K * K / 8.0), ("MB", K / 8.0), ("kB", 1.0 / 8.0), ("B", 1.0 / (8.0 * K))];
    const MS: &[(&str, f64)] =
        &[("d", 86_400_000.0), ("h", 3_600_000.0), ("min", 60_000.0), ("s", 1000.0), ("ms", 1.0), ("us", 0.001)];
    const S: &[(&str, f64)] =
        &[("d", 86_400.0), ("h", 3600.0), ("min", 60.0), ("s", 1.0), ("ms", 0.001), ("us", 0.000_001)];
    const MIN: &[(&str, f64)] = &[
        ("d", 1440.0),
        ("h", 60.0),
        ("min", 1.0),
        ("s", 1.0 / 60.0),
        ("ms", 1.0 / 60_000.0),
        ("us", 1.0 / 60_000_000.0),
    ];
    match unit {
        Unit::None => &[],
        Unit::Byte => BYTE,
        Unit::KB => KB,
        Unit::MB => MB,
        Unit::Blocks => BLOCKS,
        Unit::Ms => MS,
        Unit::S => S,
        Unit::Min => MIN,
    }
}

/// A fraction such as `30.1GB` is rounded to a multiple of the next smaller unit.
fn to_base_unit(value: f64, word: &str, unit: Unit) -> Option<f64> {
    let table = conversions(unit);
    let i = table.iter().position(|(name, _)| *name == word)?;
    let converted = value * table[i].1;
    Some(match table.get(i + 1) {
        Some((_, smaller)) => (converted / smaller).round_ties_even() * smaller,
        None => converted,
    })
}

fn largest_unit(value: i64, unit: Unit) -> (i64, &'static str) {
    for &(name, factor) in conversions(unit) {
        if factor <= 1.0 || value % (factor as i64) == 0 {
            return ((value as f64 / factor).round_ties_even() as i64, name);
        }
    }
    (value, "")
}

fn largest_real_unit(value: f64, unit: Unit) -> (f64, &'static str) {
    let mut shown = (value, "");
    for &(name, factor) in conversions(unit) {
        shown = (value / factor, name);
        if shown.0 > 0.0 && (shown.0.round_ties_even() / shown.0 - 1.0).abs() <= 1e-8 {
            break;
        }
    }
    shown
}

/// C's `%g`: six significant digits, trailing zeros dropped, exponent form outside 1e-4 .. 1e6.
pub fn format_g(v: f64) -> String {
    if v == 0.0 {
        return "0".to_string();
    }
    if !v.is_finite() {
        return if v.is_nan() {
            "nan"
        } else if v > 0.0 {
            "inf"
        } else {
            "-inf"
        }
        .to_string();
    }
    let scientific = format!("{v:.5e}");
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let trim = |s: &str| match s.contains('.') {
        true => s.trim_end_matches('0').trim_end_matches('.').to_string(),
        false => s.to_string(),
    };
    if (-4..6).contains(&exponent) {
        trim(&format!("{v:.*}", (5 - exponent).max(0) as usize))
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Id, parameter};
    use super::*;

    fn set(id: Id, text: &str) -> std::result::Result<String, (String, Option<String>)> {
        let p = parameter(id);
        Value::parse(p, text).map(|v| v.show(p)).map_err(|e| (e.0.message.clone(), e.0.hint.clone()))
    }

    /// Every default in the table is a value of its parameter.
    #[test]
    fn defaults_parse() {
        for p in super::super::PARAMETERS {
            assert!(Value::parse(p, p.boot).is_ok(), "{}", p.name);
        }
    }

    /// What PostgreSQL 15 prints for these texts, taken from it.
    #[test]
    fn values_show_as_in_postgresql() {
        for (id, text, shown) in [
            (Id::WorkMem, "4096", "4MB"),
            (Id::WorkMem, "65.5kB", "66kB"),
            (Id::WorkMem, " 1 GB ", "1GB"),
            (Id::StatementTimeout, "1.5min", "90s"),
            (Id::StatementTimeout, "0x10", "16ms"),
            (Id::StatementTimeout, "0", "0"),
            (Id::VacuumCostDelay, "1500us", "1500us"),
            (Id::VacuumCostDelay, "2", "2ms"),
            (Id::GeqoSeed, "0.123456789", "0.123457"),
            (Id::CheckpointTimeout, "300", "5min"),
            (Id::SharedBuffers, "16384", "128MB"),
            (Id::CheckpointFlushAfter, "32", "256kB"),
            (Id::UnixSocketPermissions, "0777", "0777"),
            (Id::SynchronousCommit, "TRUE", "on"),
            (Id::ClientMinMessages, "info", "info"),
            (Id::ClientMinMessages, "debug", "debug2"),
            (Id::EnableSeqscan, "fal", "off"),
            (Id::SeqPageCost, "1e9", "1e+09"),
        ] {
            assert_eq!(set(id, text).as_deref(), Ok(shown), "{id:?} {text}");
        }
    }

    /// What PostgreSQL 15 refuses, with its words.
    #[test]
    fn errors_read_as_in_postgresql() {
        let cases: &[(Id, &str, &str, Option<&str>)] = &[
            (Id::WorkMem, "1XB", "invalid value for parameter \"work_mem\": \"1XB\"", Some(MEMORY_HINT)),
            (Id::WorkMem, "1 MBx", "invalid value for parameter \"work_mem\": \"1 MBx\"", Some(MEMORY_HINT)),
            (Id::WorkMem, "9999999999", "invalid value for parameter \"work_mem\": \"9999999999\"", Some(RANGE_HINT)),
            (Id::WorkMem, "1e30", "invalid value for parameter \"work_mem\": \"1e30\"", Some(RANGE_HINT)),
            (Id::WorkMem, "1", "1 kB is outside the valid range for parameter \"work_mem\" (64 .. 2147483647)", None),
            (
                Id::SeqPageCost,
                "-1",
                "-1 is outside the valid range for parameter \"seq_page_cost\" (0 .. 1.79769e+308)",
                None,
            ),
            (
                Id::VacuumCostDelay,
                "1000",
                "1000 ms is outside the valid range for parameter \"vacuum_cost_delay\" (0 .. 100)",
                None,
            ),
            (
                Id::VacuumCostDelay,
                "1 GB",
                "invalid value for parameter \"vacuum_cost_delay\": \"1 GB\"",
                Some(TIME_HINT),
            ),
            (Id::SeqPageCost, "1kB", "invalid value for parameter \"seq_page_cost\": \"1kB\"", None),
            (Id::EnableSeqscan, "o", "parameter \"enable_seqscan\" requires a Boolean value", None),
            (
                Id::SynchronousCommit,
                "tru",
                "invalid value for parameter \"synchronous_commit\": \"tru\"",
                Some("Available values: local, remote_write, remote_apply, on, off."),
            ),
        ];
        for (id, text, message, hint) in cases {
            assert_eq!(set(*id, text), Err((message.to_string(), hint.map(str::to_string))), "{text}");
        }
    }
}
