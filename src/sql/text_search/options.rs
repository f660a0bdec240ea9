//! The options of dictionaries as the catalog keeps them, and those of headlines: `name = 'value', …`.
//! PostgreSQL 15, tsearchcmds.c, serialize_deflist and deserialize_deflist: same form.

use crate::base::{Error, Result};
use crate::err;
use crate::types::name::quote_identifier;

/// An option; numbers stand without quotes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DictionaryOption {
    pub name: String,
    pub value: String,
    pub number: bool,
}

pub fn write(options: &[DictionaryOption]) -> Option<String> {
    let one = |o: &DictionaryOption| {
        let name = quote_identifier(&o.name);
        if o.number {
            return format!("{name} = {}", o.value);
        }
        let escape = if o.value.contains('\\') { "E" } else { "" };
        format!("{name} = {escape}'{}'", o.value.replace('\\', "\\\\").replace('\'', "''"))
    };
    (!options.is_empty()).then(|| options.iter().map(one).collect::<Vec<_>>().join(", "))
}

#[cold]
fn broken(text: &str) -> Error {
    err!(SYNTAX_ERROR, "invalid parameter list format: \"{text}\"")
}

/// Reads a list.
pub fn read(text: &str) -> Result<Vec<DictionaryOption>> {
    let mut found = Vec::new();
    let mut rest = text.trim_start_matches(|c| is_space(c) || c == ',');
    while !rest.is_empty() {
        let (name, after) = name(rest, text)?;
        rest = after.trim_start_matches(is_space).strip_prefix('=').ok_or_else(|| broken(text))?;
        let (value, number, after) = value(rest.trim_start_matches(is_space), text)?;
        found.push(DictionaryOption { name, value, number });
        rest = after.trim_start_matches(|c| is_space(c) || c == ',');
    }
    Ok(found)
}

fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\x0B' | '\x0C' | '\r')
}

/// A name is everything up to a space or an equals sign, or in double quotes.
fn name<'a>(rest: &'a str, whole: &str) -> Result<(String, &'a str)> {
    if let Some(quoted) = rest.strip_prefix('"') {
        return until(quoted, '"', false, whole);
    }
    let end = rest.find(|c| is_space(c) || c == '=').unwrap_or(rest.len());
    if end == 0 {
        return Err(broken(whole));
    }
    Ok((rest[..end].to_owned(), &rest[end..]))
}

fn value<'a>(rest: &'a str, whole: &str) -> Result<(String, bool, &'a str)> {
    if let Some(quoted) = rest.strip_prefix("E'") {
        return until(quoted, '\'', true, whole).map(|(v, r)| (v, false, r));
    }
    if let Some(quoted) = rest.strip_prefix('\'') {
        return until(quoted, '\'', true, whole).map(|(v, r)| (v, false, r));
    }
    if let Some(quoted) = rest.strip_prefix('"') {
        return until(quoted, '"', false, whole).map(|(v, r)| (v, false, r));
    }
    let end = rest.find(|c| is_space(c) || c == ',').unwrap_or(rest.len());
    if end == 0 {
        return Err(broken(whole));
    }
    let value = &rest[..end];
    let digits = value.strip_prefix(['+', '-']).unwrap_or(value);
    let number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    Ok((value.to_owned(), number, &rest[end..]))
}

/// The text before a quote; a doubled one stands for itself.
fn until<'a>(rest: &'a str, quote: char, escapes: bool, whole: &str) -> Result<(String, &'a str)> {
    let mut out = String::new();
    let mut chars = rest.chars();
    while let Some(c) = chars.next() {
        if c == quote {
            if !chars.as_str().starts_with(quote) {
                return Ok((out, chars.as_str()));
            }
            chars.next();
        } else if c == '\\' && escapes && chars.as_str().starts_with('\\') {
            chars.next();
        }
        out.push(c);
    }
    Err(broken(whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is written reads back.
    #[test]
    fn both_ways() {
        let one = |name: &str, value: &str, number| DictionaryOption { name: name.into(), value: value.into(), number };
        let all = vec![one("stopwords", "english", false), one("Odd Name", "it's \\", false), one("n", "12", true)];
        let text = write(&all).unwrap();
        assert_eq!(text, "stopwords = 'english', \"Odd Name\" = E'it''s \\\\', n = 12");
        assert_eq!(read(&text).unwrap(), all);
        assert_eq!(read("MaxWords=10,  MinWords = 5").unwrap().len(), 2);
        for wrong in ["a", "a =", "= b", "a = 'b", "a='b'c"] {
            assert!(read(wrong).is_err(), "{wrong}");
        }
        assert!(write(&[]).is_none());
    }
}
