//! What some parameters demand of a value beyond their type, and its canonical spelling.
//!
//! Layers above register their own checks (time zones, search paths) with [`register`].

use super::snapshot::parameter;
use super::table::{Id, PARAMETERS};
use super::value::invalid;
use crate::base::Result;
use crate::base::charset::{self, Charset};
use crate::err;
use std::sync::{LazyLock, OnceLock};

/// Returns the canonical spelling, or the error a client sees. `old` is the value in force, for those
/// parameters where a new value changes only a part.
pub type Check = fn(new: &str, old: &str) -> Result<String>;

static CHECKS: LazyLock<Vec<OnceLock<Check>>> =
    LazyLock::new(|| (0..PARAMETERS.len()).map(|_| OnceLock::new()).collect());

/// Registers the check of a string parameter; the first registration stays.
pub fn register(id: Id, check: Check) {
    let _ = CHECKS[id as usize].set(check);
}

/// Runs the registered check, or the built-in one.
pub fn check(id: Id, new: &str, old: &str) -> Result<String> {
    if let Some(check) = CHECKS[id as usize].get() {
        return check(new, old);
    }
    match id {
        Id::LogDestination => words(id, new, &["stderr", "csvlog", "jsonlog", "syslog"]),
        Id::RestrictNonsystemRelationKind => words(id, new, &["view", "foreign-table"]),
        Id::DateStyle => date_style(new, old),
        Id::ClientEncoding => client_encoding(new),
        Id::LcMessages | Id::LcMonetary | Id::LcNumeric | Id::LcTime => locale(id, new),
        Id::ApplicationName | Id::ClusterName => Ok(printable(new)),
        Id::DefaultTableAccessMethod => table_access_method(new),
        Id::SearchPath | Id::TempTablespaces | Id::ListenAddresses => match split_list(new) {
            Some(_) => Ok(new.to_string()),
            None => Err(bad(id, new).detail("List syntax is invalid.")),
        },
        _ => Ok(new.to_string()),
    }
}

fn bad(id: Id, text: &str) -> crate::base::Error {
    invalid(parameter(id).name, text, None)
}

/// Bytes that are not printable ASCII become question marks (PostgreSQL 15, pg_clean_ascii).
fn printable(text: &str) -> String {
    text.bytes().map(|b| if (32..127).contains(&b) { b as char } else { '?' }).collect()
}

/// There is one way to store tables.
fn table_access_method(name: &str) -> Result<String> {
    match name {
        "heap" => Ok(name.to_string()),
        "" => Err(bad(Id::DefaultTableAccessMethod, name).detail("default_table_access_method cannot be empty.")),
        _ => {
            Err(bad(Id::DefaultTableAccessMethod, name)
                .detail(format!("Table access method \"{name}\" does not exist.")))
        }
    }
}

/// A list of some of these words.
fn words(id: Id, text: &str, known: &[&str]) -> Result<String> {
    let list = split_list(text).ok_or_else(|| bad(id, text).detail("List syntax is invalid."))?;
    for word in &list {
        if !known.iter().any(|k| k.eq_ignore_ascii_case(word)) {
            return Err(bad(id, text).detail(format!("Unrecognized key word: \"{word}\".")));
        }
    }
    Ok(text.to_string())
}

/// Splits a comma-separated list of identifiers: unquoted ones are folded to lower case. `None`: bad syntax.
///
/// PostgreSQL 15, varlena.c, SplitIdentifierString.
pub fn split_list(text: &str) -> Option<Vec<String>> {
    let mut out = Vec::new();
    let mut rest = text.trim_start();
    if rest.is_empty() {
        return Some(out);
    }
    loop {
        let (word, after) = match rest.strip_prefix('"') {
            Some(quoted) => quoted_word(quoted)?,
            None => {
                let len = rest.find(|c: char| c == ',' || c.is_whitespace()).unwrap_or(rest.len());
                if len == 0 {
                    return None;
                }
                (rest[..len].to_ascii_lowercase(), &rest[len..])
            }
        };
        out.push(word);
        rest = after.trim_start();
        if rest.is_empty() {
            return Some(out);
        }
        rest = rest.strip_prefix(',')?.trim_start();
    }
}

fn quoted_word(mut s: &str) -> Option<(String, &str)> {
    let mut word = String::new();
    loop {
        let end = s.find('"')?;
        word.push_str(&s[..end]);
        s = &s[end + 1..];
        match s.strip_prefix('"') {
            Some(after) => {
                word.push('"');
                s = after;
            }
            None => return Some((word, s)),
        }
    }
}

/// `ISO, MDY`: the words may come alone, then the other half stays as it was.
///
/// PostgreSQL 15, variable.c, check_datestyle.
fn date_style(new: &str, old: &str) -> Result<String> {
    let fail = |detail: &str| bad(Id::DateStyle, new).detail(detail.to_string());
    let mut halves = old.split(", ");
    let mut style = halves.next().unwrap_or("ISO").to_string();
    let mut order = halves.next().unwrap_or("MDY").to_string();
    let (mut have_style, mut have_order) = (false, false);
    let words = split_list(new).ok_or_else(|| fail("List syntax is invalid."))?;
    for word in &words {
        let set_style = match word.as_str() {
            "iso" => Some("ISO"),
            "sql" => Some("SQL"),
            "german" => Some("German"),
            w if w.starts_with("postgres") => Some("Postgres"),
            _ => None,
        };
        let set_order = match word.as_str() {
            "ymd" => Some("YMD"),
            "dmy" => Some("DMY"),
            "mdy" | "us" => Some("MDY"),
            w if w.starts_with("euro") => Some("DMY"),
            w if w.starts_with("noneuro") => Some("MDY"),
            _ => None,
        };
        if let Some(s) = set_style {
            if have_style && style != s {
                return Err(fail("Conflicting \"datestyle\" specifications."));
            }
            if s == "German" && !have_order {
                order = "DMY".into();
            }
            style = s.into();
            have_style = true;
        } else if let Some(o) = set_order {
            if have_order && order != o {
                return Err(fail("Conflicting \"datestyle\" specifications."));
            }
            order = o.into();
            have_order = true;
        } else if word == "default" {
            let boot = parameter(Id::DateStyle).boot.split_once(", ").unwrap_or(("ISO", "MDY"));
            if !have_style {
                style = boot.0.into();
            }
            if !have_order {
                order = boot.1.into();
            }
        } else {
            return Err(fail(&format!("Unrecognized key word: \"{word}\".")));
        }
    }
    Ok(format!("{style}, {order}"))
}

/// Locales change nothing here but are asked for by name; a name must look like one.
fn locale(id: Id, new: &str) -> Result<String> {
    let base = new.split(['.', '@']).next().unwrap_or("");
    let (language, country) = base.split_once('_').unwrap_or((base, ""));
    let known = matches!(base, "" | "C" | "POSIX")
        || ((2..=3).contains(&language.len())
            && language.bytes().all(|b| b.is_ascii_lowercase())
            && country.len() == 2
            && country.bytes().all(|b| b.is_ascii_uppercase()));
    if known { Ok(new.to_string()) } else { Err(bad(id, new)) }
}

/// The server stores UTF-8; clients may speak that, plain ASCII bytes, and what can be converted.
fn client_encoding(new: &str) -> Result<String> {
    match charset::canonical(new) {
        Some(name @ ("UTF8" | "SQL_ASCII")) => Ok(name.into()),
        Some(name) if Charset::named(name).is_some() => Ok(name.into()),
        // PostgreSQL 15, variable.c, check_client_encoding: same text.
        Some(name @ "MULE_INTERNAL") => {
            Err(err!(FEATURE_NOT_SUPPORTED, "invalid value for parameter \"client_encoding\": \"{new}\"")
                .detail(format!("Conversion between {name} and UTF8 is not supported.")))
        }
        Some(_) => Err(err!(FEATURE_NOT_SUPPORTED, "client encoding \"{new}\" is not supported").hint("Use UTF8.")),
        None => Err(bad(Id::ClientEncoding, new)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Half a date style changes that half; conflicts and strange words are refused as in PostgreSQL.
    #[test]
    fn date_styles() {
        let ok = |new, old| date_style(new, old).unwrap();
        assert_eq!(ok("german", "ISO, MDY"), "German, DMY");
        assert_eq!(ok("SQL", "ISO, DMY"), "SQL, DMY");
        assert_eq!(ok("european", "SQL, MDY"), "SQL, DMY");
        assert_eq!(ok("default", "SQL, DMY"), "ISO, MDY");
        let e = date_style("foo", "ISO, MDY").unwrap_err();
        assert_eq!(e.message(), "invalid value for parameter \"DateStyle\": \"foo\"");
        assert_eq!(e.0.detail.as_deref(), Some("Unrecognized key word: \"foo\"."));
        assert!(date_style("iso, sql", "ISO, MDY").is_err());
    }

    /// Lists fold unquoted words, keep quoted ones, and refuse stray commas.
    #[test]
    fn lists() {
        assert_eq!(split_list("\"$user\", Public"), Some(vec!["$user".into(), "public".into()]));
        assert_eq!(split_list("\"a\"\"b\""), Some(vec!["a\"b".into()]));
        assert_eq!(split_list(""), Some(vec![]));
        assert_eq!(split_list("a,"), None);
        assert_eq!(split_list("a b"), None);
    }
}
