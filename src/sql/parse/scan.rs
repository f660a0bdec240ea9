//! PostgreSQL's lexical rules, for every token that sqlparser reads differently.
//!
//! PostgreSQL 15, scan.l: same tokens and messages. All functions take the text and a byte offset on a character
//! boundary and give the token's end.

use super::ParseOptions;
use super::keyword::Kw;
use super::token::Tok;
use super::unicode;
use crate::base::{Error, Report, Result, Severity, SqlState};
use crate::err;
use crate::sql::ast::cursor;

/// One scanned token.
pub(super) struct Scanned {
    pub tok: Tok,
    pub end: usize,
    pub value: Option<String>,
    /// What the first backslash of a string stands before that would not be an escape in a standard string.
    pub escape: Option<u8>,
}

impl Scanned {
    fn plain(tok: Tok, end: usize) -> Scanned {
        Scanned { tok, end, value: None, escape: None }
    }

    fn with(tok: Tok, end: usize, value: String) -> Scanned {
        Scanned { tok, end, value: Some(value), escape: None }
    }
}

/// Bytes of operators.
fn is_op(b: u8) -> bool {
    b"~!@#^&|`?+-*/%<>=".contains(&b)
}

fn is_ident_start(b: u8) -> bool {
    b.is_ascii_alphabetic() || b == b'_' || b >= 0x80
}

fn is_ident_part(b: u8) -> bool {
    is_ident_start(b) || b.is_ascii_digit() || b == b'$'
}

pub(super) fn is_space(b: u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\n' | b'\r' | 0x0c)
}

/// `message at or near "token"` at a byte offset; `end` is where the shown text stops.
#[cold]
pub(super) fn error_near(text: &str, message: &str, start: usize, end: usize) -> Error {
    let near = text.get(start..end).unwrap_or("");
    let e = match near.is_empty() {
        true => err!(SYNTAX_ERROR, "{message} at end of input"),
        false => err!(SYNTAX_ERROR, "{message} at or near \"{near}\""),
    };
    e.at(cursor(text, start as u32)).place("scanner_yyerror", "scan.l", 1188)
}

/// The next token at or after `at`, skipping blanks and comments. The token's start is also given.
pub(super) fn next(
    text: &str,
    at: usize,
    options: &ParseOptions,
) -> std::result::Result<(usize, Scanned), (usize, Error)> {
    let start = skip_blanks(text, at)?;
    token(text, start, options).map(|s| (start, s)).map_err(|e| (start, e))
}

/// Past blanks and comments.
pub(super) fn skip_blanks(text: &str, mut at: usize) -> std::result::Result<usize, (usize, Error)> {
    let b = text.as_bytes();
    loop {
        match b.get(at) {
            Some(c) if is_space(*c) => at += 1,
            Some(b'-') if b.get(at + 1) == Some(&b'-') => at = line_comment(b, at),
            Some(b'/') if b.get(at + 1) == Some(&b'*') => match block_comment(b, at) {
                Some(end) => at = end,
                None => return Err((at, error_near(text, "unterminated /* comment", at, text.len()))),
            },
            _ => return Ok(at),
        }
    }
}

fn line_comment(b: &[u8], at: usize) -> usize {
    b[at..].iter().position(|c| matches!(c, b'\n' | b'\r')).map_or(b.len(), |n| at + n)
}

/// Past a comment, with those nested in it.
fn block_comment(b: &[u8], at: usize) -> Option<usize> {
    let mut depth = 0usize;
    let mut i = at;
    while i + 1 < b.len() {
        match (b[i], b[i + 1]) {
            (b'/', b'*') => {
                depth += 1;
                i += 2;
            }
            (b'*', b'/') => {
                depth -= 1;
                i += 2;
                if depth == 0 {
                    return Some(i);
                }
            }
            _ => i += 1,
        }
    }
    None
}

/// The token that starts exactly at `at`.
fn token(text: &str, at: usize, options: &ParseOptions) -> Result<Scanned> {
    let b = text.as_bytes();
    let Some(&first) = b.get(at) else { return Ok(Scanned::plain(Tok::Eof, at)) };
    let next = b.get(at + 1).copied().unwrap_or(0);
    match (first, next) {
        (b'\'', _) if options.standard_conforming_strings => plain_string(text, at, at, Tok::Str, ""),
        (b'\'', _) => escape_string(text, at, at, options),
        (b'e' | b'E', b'\'') => Ok(Scanned { escape: None, ..escape_string(text, at, at + 1, options)? }),
        (b'b' | b'B', b'\'') => plain_string(text, at, at + 1, Tok::Bit, "b"),
        (b'x' | b'X', b'\'') => plain_string(text, at, at + 1, Tok::Bit, "x"),
        // The letter alone is the type name; the string follows as a token of its own.
        (b'n' | b'N', b'\'') => Ok(Scanned::plain(Tok::Kw(Kw::Nchar), at + 1)),
        (b'u' | b'U', b'&') => match b.get(at + 2) {
            Some(b'\'') if !options.standard_conforming_strings => {
                Err(err!(FEATURE_NOT_SUPPORTED, "unsafe use of string constant with Unicode escapes")
                    .detail(
                        "String constants with Unicode escapes cannot be used when standard_conforming_strings is off.",
                    )
                    .at(cursor(text, at as u32)))
            }
            Some(b'\'') => plain_string(text, at, at + 2, Tok::UStr, ""),
            Some(b'"') => quoted_identifier(text, at, at + 2, Tok::UIdent),
            _ => Ok(word(text, at)),
        },
        (b'"', _) => quoted_identifier(text, at, at, Tok::Ident),
        (b'$', b'0'..=b'9') => parameter(text, at),
        (b'$', _) => dollar_string(text, at),
        (b'0'..=b'9', _) | (b'.', b'0'..=b'9') => number(text, at),
        (b'.', b'.') => Ok(Scanned::plain(Tok::DotDot, at + 2)),
        (b':', b':') => Ok(Scanned::plain(Tok::TypeCast, at + 2)),
        (b':', b'=') => Ok(Scanned::plain(Tok::ColonEquals, at + 2)),
        (c, _) if is_ident_start(c) => Ok(word(text, at)),
        (c, _) if is_op(c) => operator(text, at),
        (c, _) => Ok(Scanned::plain(Tok::Char(c), at + 1)),
    }
}

/// Past the bytes of an identifier.
fn ident_end(b: &[u8], at: usize) -> usize {
    b[at..].iter().position(|c| !is_ident_part(*c)).map_or(b.len(), |n| at + n)
}

/// An unquoted word: a keyword or an identifier.
fn word(text: &str, at: usize) -> Scanned {
    let b = text.as_bytes();
    let end = ident_end(b, at);
    let folded = text[at..end].to_ascii_lowercase();
    match Kw::find(&folded) {
        Some(kw) => Scanned::plain(Tok::Kw(kw), end),
        None => Scanned::with(Tok::Ident, end, folded),
    }
}

/// `$1`
fn parameter(text: &str, at: usize) -> Result<Scanned> {
    let b = text.as_bytes();
    let end = b[at + 1..].iter().position(|c| !c.is_ascii_digit()).map_or(b.len(), |n| at + 1 + n);
    if b.get(end).is_some_and(|c| is_ident_start(*c)) {
        return Err(error_near(text, "trailing junk after parameter", at, ident_end(b, end)));
    }
    // PostgreSQL 15 reads the number with atol and keeps 32 bits of it; a wrapped number is of no use to anyone.
    Ok(Scanned::plain(Tok::Param(text[at + 1..end].parse().unwrap_or(0)), end))
}

fn char_len(text: &str, at: usize) -> usize {
    text.get(at..).and_then(|t| t.chars().next()).map_or(0, char::len_utf8)
}

/// Integers, decimals and reals, and the junk that PostgreSQL 15 refuses behind them.
fn number(text: &str, at: usize) -> Result<Scanned> {
    let b = text.as_bytes();
    let digits = |from: usize| b[from..].iter().position(|c| !c.is_ascii_digit()).map_or(b.len(), |n| from + n);
    let mut end = digits(at);
    let mut integer = true;
    // `1..10` is an integer and two dots.
    if b.get(end) == Some(&b'.') && (b.get(end + 1) != Some(&b'.') || end == at) {
        integer = false;
        end = digits(end + 1);
    }
    if matches!(b.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(b.get(end + 1), Some(b'+' | b'-')));
        let exponent = digits((end + 1 + sign).min(b.len()));
        if exponent > end + 1 + sign {
            integer = false;
            end = exponent;
        } else if sign == 1 {
            return Err(error_near(text, "trailing junk after numeric literal", at, end + 2));
        }
    }
    if b.get(end).is_some_and(|c| is_ident_start(*c)) {
        return Err(error_near(text, "trailing junk after numeric literal", at, ident_end(b, end)));
    }
    let literal = &text[at..end];
    match literal.parse::<i32>() {
        Ok(value) if integer => Ok(Scanned::plain(Tok::Int(value), end)),
        _ => Ok(Scanned::with(Tok::Float, end, literal.to_owned())),
    }
}

/// The longest operator by PostgreSQL's rules: it stops before a comment, and ends in + or - only if it also holds a
/// character that no SQL operator has.
fn operator(text: &str, at: usize) -> Result<Scanned> {
    let b = text.as_bytes();
    let full = b[at..].iter().position(|c| !is_op(*c)).map_or(b.len(), |n| at + n);
    let mut end = full;
    for i in at..full.saturating_sub(1) {
        if matches!((b[i], b[i + 1]), (b'/', b'*') | (b'-', b'-')) {
            end = i;
            break;
        }
    }
    if end - at > 1 && !b[at..end - 1].iter().any(|c| b"~!@#^&|`?%".contains(c)) {
        while end - at > 1 && matches!(b[end - 1], b'+' | b'-') {
            end -= 1;
        }
    }
    let op = &text[at..end];
    let tok = match op {
        _ if end - at == 1 && b"+-*/%^<>=".contains(&b[at]) => Tok::Char(b[at]),
        "=>" => Tok::EqualsGreater,
        "<=" => Tok::LessEquals,
        ">=" => Tok::GreaterEquals,
        "<>" | "!=" => Tok::NotEquals,
        _ if end - at >= 64 => return Err(error_near(text, "operator too long", at, end)),
        _ => Tok::Op,
    };
    Ok(Scanned::plain(tok, end))
}

/// Where a string goes on after its closing quote at `at - 1`: over blanks with at least one newline among them.
fn continuation(b: &[u8], at: usize) -> Option<usize> {
    let mut i = at;
    let mut newline = false;
    loop {
        match b.get(i)? {
            b'\n' | b'\r' => {
                newline = true;
                i += 1;
            }
            b' ' | b'\t' | 0x0c => i += 1,
            b'-' if b.get(i + 1) == Some(&b'-') => i = line_comment(b, i),
            b'\'' if newline => return Some(i + 1),
            _ => return None,
        }
    }
}

/// A string without escapes whose opening quote is at `quote`. `start` is the token's, for the error.
fn plain_string(text: &str, start: usize, quote: usize, tok: Tok, prefix: &str) -> Result<Scanned> {
    let b = text.as_bytes();
    let mut value = prefix.to_owned();
    let mut i = quote + 1;
    loop {
        let Some(n) = b[i..].iter().position(|c| *c == b'\'') else {
            let what = match (tok, prefix) {
                (Tok::Bit, "b") => "unterminated bit string literal",
                (Tok::Bit, _) => "unterminated hexadecimal string literal",
                _ => "unterminated quoted string",
            };
            return Err(error_near(text, what, start, text.len()));
        };
        value.push_str(&text[i..i + n]);
        i += n + 1;
        if b.get(i) == Some(&b'\'') {
            value.push('\'');
            i += 1;
        } else if let Some(next) = continuation(b, i) {
            i = next;
        } else {
            return Ok(Scanned::with(tok, i, value));
        }
    }
}

/// An `E'…'` string whose opening quote is at `quote`.
fn escape_string(text: &str, start: usize, quote: usize, options: &ParseOptions) -> Result<Scanned> {
    let b = text.as_bytes();
    let mut value: Vec<u8> = Vec::new();
    let mut first = None;
    let mut i = quote + 1;
    let unterminated = || error_near(text, "unterminated quoted string", start, text.len());
    loop {
        let n = b[i..].iter().position(|c| matches!(c, b'\'' | b'\\')).ok_or_else(unterminated)?;
        value.extend_from_slice(&b[i..i + n]);
        i += n + 1;
        if b[i - 1] == b'\\' {
            if b.get(i) == Some(&b'\'') && !options.backslash_quote {
                return Err(err!(NONSTANDARD_USE_OF_ESCAPE_CHARACTER, "unsafe use of \\' in a string literal")
                    .hint("Use '' to write quotes in strings. \\' is insecure in client-only encodings.")
                    .at(cursor(text, start as u32)));
            }
            first = first.or(b.get(i).copied());
            i = escape(text, i, &mut value).ok_or_else(unterminated)??;
        } else if b.get(i) == Some(&b'\'') {
            value.push(b'\'');
            i += 1;
        } else if let Some(next) = continuation(b, i) {
            i = next;
        } else {
            break;
        }
    }
    let value = unicode::verify(value)?;
    Ok(Scanned { escape: first, ..Scanned::with(Tok::Str, i, value) })
}

/// What PostgreSQL says of a plain string in which a backslash is an escape.
///
/// PostgreSQL 15, scan.l, check_string_escape_warning and check_escape_warning: same texts.
pub(super) fn escape_warning(text: &str, start: usize, escape: u8) -> Report {
    let (what, hint) = match escape {
        b'\'' => ("\\'", "Use '' to write quotes in strings, or use the escape string syntax (E'...')."),
        b'\\' => ("\\\\", "Use the escape string syntax for backslashes, e.g., E'\\\\'."),
        _ => ("escape", "Use the escape string syntax for escapes, e.g., E'\\r\\n'."),
    };
    let message = format!("nonstandard use of {what} in a string literal");
    let mut report = Report::notice(Severity::Warning, SqlState::NONSTANDARD_USE_OF_ESCAPE_CHARACTER, message);
    report.hint = Some(hint.into());
    report.position = cursor(text, start as u32);
    report
}

/// Decodes the escape whose backslash is at `at - 1`; gives where it ends, `None` at the end of the text.
fn escape(text: &str, at: usize, out: &mut Vec<u8>) -> Option<Result<usize>> {
    let b = text.as_bytes();
    let plain = |c: u8, out: &mut Vec<u8>| {
        out.push(c);
        Some(Ok(at + 1))
    };
    match *b.get(at)? {
        b'b' => plain(0x08, out),
        b'f' => plain(0x0c, out),
        b'n' => plain(b'\n', out),
        b'r' => plain(b'\r', out),
        b't' => plain(b'\t', out),
        b'v' => plain(0x0b, out),
        b'0'..=b'7' => {
            let n = b[at..].iter().take(3).take_while(|c| matches!(c, b'0'..=b'7')).count();
            let value = b[at..at + n].iter().fold(0u32, |v, c| v * 8 + u32::from(c - b'0'));
            out.push(value as u8);
            Some(Ok(at + n))
        }
        b'x' if b.get(at + 1).is_some_and(u8::is_ascii_hexdigit) => {
            let n = b[at + 1..].iter().take(2).take_while(|c| c.is_ascii_hexdigit()).count();
            out.push(unicode::hex(&b[at + 1..at + 1 + n]) as u8);
            Some(Ok(at + 1 + n))
        }
        b'u' => Some(unicode_escape(text, at, 4, out)),
        b'U' => Some(unicode_escape(text, at, 8, out)),
        c => {
            // Any other character stands for itself, whole.
            if c < 0x80 {
                return plain(c, out);
            }
            let n = char_len(text, at);
            out.extend_from_slice(&b[at..at + n]);
            Some(Ok(at + n))
        }
    }
}

/// `\uXXXX` or `\UXXXXXXXX`, perhaps the first half of a surrogate pair. `at` is that of the letter.
fn unicode_escape(text: &str, at: usize, digits: usize, out: &mut Vec<u8>) -> Result<usize> {
    let b = text.as_bytes();
    let read = |at: usize, digits: usize| -> Option<u32> {
        let d = b.get(at + 1..at + 1 + digits)?;
        d.iter().all(u8::is_ascii_hexdigit).then(|| unicode::hex(d))
    };
    let wrong_form = |at: usize| {
        Error::new(SqlState::INVALID_ESCAPE_SEQUENCE, "invalid Unicode escape")
            .hint("Unicode escapes must be \\uXXXX or \\UXXXXXXXX.")
            .at(cursor(text, (at - 1) as u32))
    };
    let near = |at: usize, digits: usize| error_near(text, "invalid Unicode surrogate pair", at - 1, at + 1 + digits);
    let code = read(at, digits).ok_or_else(|| wrong_form(at))?;
    let mut end = at + 1 + digits;
    let mut scalar = code;
    if (0xD800..0xDC00).contains(&code) {
        let digits2 = match (b.get(end), b.get(end + 1)) {
            (Some(b'\\'), Some(b'u')) => 4,
            (Some(b'\\'), Some(b'U')) => 8,
            (Some(_), _) => {
                return Err(error_near(text, "invalid Unicode surrogate pair", end, end + char_len(text, end)));
            }
            (None, _) => return Err(error_near(text, "unterminated quoted string", at, text.len())),
        };
        let low = read(end + 1, digits2).ok_or_else(|| wrong_form(end + 1))?;
        if !(0xDC00..0xE000).contains(&low) {
            return Err(near(end + 1, digits2));
        }
        scalar = 0x10000 + ((code & 0x3FF) << 10) + (low & 0x3FF);
        end += 2 + digits2;
    } else if (0xDC00..0xE000).contains(&code) {
        return Err(near(at, digits));
    }
    match char::from_u32(scalar).filter(|c| *c != '\0') {
        Some(c) => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        None => return Err(error_near(text, "invalid Unicode escape value", at - 1, end)),
    }
    Ok(end)
}

/// `"…"`; the value is unquoted but not yet cut.
fn quoted_identifier(text: &str, start: usize, quote: usize, tok: Tok) -> Result<Scanned> {
    let b = text.as_bytes();
    let mut value = String::new();
    let mut i = quote + 1;
    loop {
        let Some(n) = b[i..].iter().position(|c| *c == b'"') else {
            return Err(error_near(text, "unterminated quoted identifier", start, text.len()));
        };
        value.push_str(&text[i..i + n]);
        i += n + 1;
        if b.get(i) != Some(&b'"') {
            break;
        }
        value.push('"');
        i += 1;
    }
    match value.is_empty() {
        true => Err(error_near(text, "zero-length delimited identifier", start, i)),
        false => Ok(Scanned::with(tok, i, value)),
    }
}

/// `$tag$…$tag$`; a lone dollar is a character of its own.
fn dollar_string(text: &str, at: usize) -> Result<Scanned> {
    let b = text.as_bytes();
    let tag_end = match b.get(at + 1) {
        Some(b'$') => at + 1,
        Some(c) if is_ident_start(*c) => {
            b[at + 1..].iter().position(|c| *c == b'$' || !is_ident_part(*c)).map_or(b.len(), |n| at + 1 + n)
        }
        _ => return Ok(Scanned::plain(Tok::Char(b'$'), at + 1)),
    };
    if b.get(tag_end) != Some(&b'$') {
        return Ok(Scanned::plain(Tok::Char(b'$'), at + 1));
    }
    let tag = &text[at..=tag_end];
    let body = tag_end + 1;
    match text[body..].find(tag) {
        Some(n) => Ok(Scanned::with(Tok::Str, body + n + tag.len(), text[body..body + n].to_owned())),
        None => Err(error_near(text, "unterminated dollar-quoted string", at, text.len())),
    }
}
