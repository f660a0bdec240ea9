//! `LIKE`, `ILIKE`, and the translations behind `SIMILAR TO`.

use crate::base::{Error, Result};
use crate::sql::func::text::lowered;
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::collation::Case;
use crate::types::{Column, Datum};
use crate::{bail, err};

#[cold]
fn ends_with_escape() -> Error {
    err!(INVALID_ESCAPE_SEQUENCE, "LIKE pattern must not end with escape character")
}

/// Whether a whole text fits a pattern. Works on bytes: `_` skips a UTF-8 character, everything else is exact.
fn matches(text: &[u8], pattern: &[u8]) -> Result<bool> {
    fits(text, pattern, |b| b & 0xC0 == 0x80)
}

/// As [`matches`]; `inner`: a byte that belongs to the character before it.
fn fits(text: &[u8], pattern: &[u8], inner: fn(u8) -> bool) -> Result<bool> {
    let (mut t, mut p) = (0, 0);
    // Where to go on after the latest `%` if the rest does not fit: pattern behind it, text not yet tried.
    let mut star: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(p) {
            None if t == text.len() => return Ok(true),
            None => false,
            Some(b'%') => {
                p += 1;
                if p == pattern.len() {
                    return Ok(true);
                }
                star = Some((p, t));
                continue;
            }
            Some(b'_') if t < text.len() => {
                t += 1;
                while text.get(t).is_some_and(|b| inner(*b)) {
                    t += 1;
                }
                p += 1;
                true
            }
            Some(b'\\') => {
                match pattern.get(p + 1) {
                    // PostgreSQL finds it only where a character of the text is held against it.
                    None if t < text.len() || star.is_some_and(|(after, _)| after == p) => {
                        return Err(ends_with_escape());
                    }
                    b if b.is_some() && text.get(t) == b => {
                        t += 1;
                        p += 2;
                        true
                    }
                    _ => false,
                }
            }
            Some(b) if text.get(t) == Some(b) => {
                t += 1;
                p += 1;
                true
            }
            Some(_) => false,
        };
        if step {
            continue;
        }
        match &mut star {
            Some((after, from)) if *from < text.len() => {
                *from += 1;
                while text.get(*from).is_some_and(|b| inner(*b)) {
                    *from += 1;
                }
                (p, t) = (*after, *from);
            }
            _ => return Ok(false),
        }
    }
}

/// Whether a text fits a pattern whatever the case of their letters, one character for one.
fn matches_any_case(cx: &FnContext, args: Args<'_, '_>) -> Result<bool> {
    let case = match cx.collation().case() {
        Case::Ascii => Case::Ascii,
        _ => Case::Simple,
    };
    matches(lowered(args[0].str(), case).as_bytes(), lowered(args[1].str(), case).as_bytes())
}

type Args<'a, 'b> = &'a [Datum<'b>];

fn like(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(matches(args[0].bytes(), args[1].bytes())?));
    Ok(())
}

fn not_like(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(!matches(args[0].bytes(), args[1].bytes())?));
    Ok(())
}

fn ilike(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(matches_any_case(cx, args)?));
    Ok(())
}

fn not_ilike(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(!matches_any_case(cx, args)?));
    Ok(())
}

/// A byte of a `bytea` is a character of its own.
fn bytes_like(args: Args<'_, '_>) -> Result<bool> {
    fits(args[0].bytes(), args[1].bytes(), |_| false)
}

fn bytea_like(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(bytes_like(args)?));
    Ok(())
}

fn bytea_not_like(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(!bytes_like(args)?));
    Ok(())
}

fn like_escape(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let escape = one_character(args[1].str())?;
    push_text(out, rewritten(args[0].str().chars(), escape).collect::<String>())
}

fn like_escape_bytea(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    // Characters up to U+00FF stand for the bytes.
    let text = |d: Datum<'_>| d.bytes().iter().map(|b| char::from(*b)).collect::<String>();
    let escape = one_character(&text(args[1]))?;
    let bytes: Vec<u8> = rewritten(text(args[0]).chars(), escape).map(|c| c as u8).collect();
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

/// A pattern with another escape character as one with a backslash.
fn rewritten(pattern: impl Iterator<Item = char>, escape: Option<char>) -> impl Iterator<Item = char> {
    let mut result = Vec::new();
    let mut after_escape = false;
    for c in pattern {
        if escape == Some('\\') {
            result.push(c);
        } else if Some(c) == escape && !after_escape {
            result.push('\\');
            after_escape = true;
        } else if c == '\\' {
            result.push('\\');
            if !after_escape {
                result.push('\\');
            }
            after_escape = false;
        } else {
            result.push(c);
            after_escape = false;
        }
    }
    result.into_iter()
}

fn one_character(escape: &str) -> Result<Option<char>> {
    let mut chars = escape.chars();
    let first = chars.next();
    if chars.next().is_some() {
        return Err(err!(INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    Ok(first)
}

/// A bracket expression being read. Brackets nest (`[[:alpha:]_]`), and one that closes is an ordinary character right
/// at the beginning, also after the caret there.
#[derive(Default)]
struct Class {
    depth: usize,
    /// 2 right at the beginning, 1 after a caret there.
    begun: u8,
}

impl Class {
    fn take(&mut self, c: char) {
        match c {
            ']' if self.begun == 0 => self.depth -= 1,
            '[' => self.depth += 1,
            _ => {}
        }
        self.begun = if c == '^' { self.begun.saturating_sub(1) } else { 0 };
    }
}

/// An SQL regular expression as an advanced one (PostgreSQL 15, regexp.c, similar_escape_internal).
pub(super) fn similar(pattern: &str, escape: Option<char>) -> Result<String> {
    let mut out = String::from("^(?:");
    // What comes before the first separator matches as little as it can.
    let separated = escape.is_some_and(|e| pattern.contains(&format!("{e}\"")));
    let (mut after_escape, mut class, mut quotes) = (false, Class::default(), 0);
    for c in pattern.chars() {
        if after_escape {
            after_escape = false;
            if c == '"' && class.depth == 0 {
                match quotes {
                    0 => out += "){1,1}?(",
                    1 => out += "){1,1}(?:",
                    _ => bail!(
                        INVALID_USE_OF_ESCAPE_CHARACTER,
                        "SQL regular expression may not contain more than two escape-double-quote separators"
                    ),
                }
                quotes += 1;
            } else {
                out.push('\\');
                out.push(c);
                class.begun = 0;
            }
        } else if Some(c) == escape {
            after_escape = true;
        } else if class.depth > 0 {
            if c == '\\' {
                out.push('\\');
            }
            out.push(c);
            class.take(c);
        } else {
            match c {
                '[' => {
                    out.push(c);
                    class = Class { depth: 1, begun: 2 };
                }
                '%' => out += if separated && quotes == 0 { ".*?" } else { ".*" },
                '*' | '+' | '?' | '}' if separated && quotes == 0 => {
                    out.push(c);
                    out.push('?');
                }
                '_' => out.push('.'),
                '(' => out += "(?:",
                '\\' | '.' | '^' | '$' => {
                    out.push('\\');
                    out.push(c);
                }
                c => out.push(c),
            }
        }
    }
    out += ")$";
    Ok(out)
}

fn similar_to(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let escape = match args.get(1) {
        None => Some('\\'),
        Some(e) => one_character(e.str())?,
    };
    push_text(out, similar(args[0].str(), escape)?)
}

/// The old form is not strict: a NULL escape means a backslash.
fn similar_escape(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let escape = if args[1].is_null() { Some('\\') } else { one_character(args[1].str())? };
    push_text(out, similar(args[0].str(), escape)?)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("textlike", Scalar(like)),
    ("textnlike", Scalar(not_like)),
    ("namelike", Scalar(like)),
    ("namenlike", Scalar(not_like)),
    ("bytealike", Scalar(bytea_like)),
    ("byteanlike", Scalar(bytea_not_like)),
    ("texticlike", Scalar(ilike)),
    ("texticnlike", Scalar(not_ilike)),
    ("nameiclike", Scalar(ilike)),
    ("nameicnlike", Scalar(not_ilike)),
    ("like_escape", Scalar(like_escape)),
    ("like_escape_bytea", Scalar(like_escape_bytea)),
    ("similar_to_escape_1", Scalar(similar_to)),
    ("similar_to_escape_2", Scalar(similar_to)),
    ("similar_escape", Scalar(similar_escape)),
];
