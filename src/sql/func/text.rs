//! Functions of text.

use super::{FnContext, FuncImpl, push_text};
use crate::base::memory::{MUCH, claim, claim_much};
use crate::base::{Error, Result};
use crate::types::collation::Case;
use crate::types::inet::Inet;
use crate::types::text::{bpchar, char_offset, clip, trim_blanks, varchar};
use crate::types::{Column, Datum, TypeRef, array, io, name, oid};
use crate::{bail, err};

/// No value may be longer (PostgreSQL 15, memutils.h, MaxAllocSize).
pub const MAX_LEN: usize = 0x3fff_ffff;

/// The bytes PostgreSQL keeps before a value of variable length.
const HEADER: usize = 4;

/// # Errors
/// XX000 if the value that a function just made is longer than any may be. PostgreSQL 15, mcxt.c, palloc: same text.
#[inline]
pub fn check_len(made: &Column) -> Result<()> {
    match made.last_len() + HEADER {
        len if len > MAX_LEN => Err(err!(INTERNAL_ERROR, "invalid memory alloc request size {len}")),
        // It will be copied: as a constant, into a row, to the client.
        len => claim_much(3 * len, "ExprContext"),
    }
}

/// Whether a text of `has` bytes that is being made may get `more`.
///
/// # Errors
/// 54000 if it becomes longer than any may be. PostgreSQL 15, stringinfo.c, enlargeStringInfo: same texts.
fn check_room(has: usize, more: usize) -> Result<()> {
    if more < MAX_LEN.saturating_sub(has) {
        // A buffer that is full is copied to one twice as long.
        return match (has + more) / MUCH == has / MUCH {
            true => Ok(()),
            false => claim(2 * (has + more), "ExprContext"),
        };
    }
    let detail = format!("Cannot enlarge string buffer containing {has} bytes by {more} more bytes.");
    Err(err!(PROGRAM_LIMIT_EXCEEDED, "out of memory").detail(detail))
}

/// Appends to a text that is being made.
///
/// # Errors
/// 54000 if it becomes longer than any may be.
pub fn append(made: &mut Vec<u8>, more: &[u8]) -> Result<()> {
    check_room(made.len(), more.len())?;
    made.extend_from_slice(more);
    Ok(())
}

#[cold]
fn too_large() -> Error {
    err!(PROGRAM_LIMIT_EXCEEDED, "requested length too large")
}

/// The text form of a value, as its output function writes it.
pub(super) fn shown(cx: &FnContext, typ: TypeRef, value: Datum<'_>) -> Result<String> {
    io::to_text(typ, value, &cx.io)
}

type Args<'a, 'b> = &'a [Datum<'b>];

fn cat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (args[0].bytes(), args[1].bytes());
    if a.len() + b.len() > MAX_LEN {
        return Err(too_large());
    }
    out.push_bytes_with(|v| {
        v.extend_from_slice(a);
        v.extend_from_slice(b);
        Ok(())
    })
}

/// As a cast to text shows it: a boolean in full, an address with its mask.
fn cast_text(cx: &FnContext, n: usize, args: Args<'_, '_>) -> Result<String> {
    match args[n] {
        Datum::Bool(b) => Ok(b.to_string()),
        d if cx.arg_type(n).oid == oid::BPCHAR => Ok(String::from_utf8_lossy(trim_blanks(d.bytes())).into_owned()),
        d if matches!(cx.arg_type(n).oid, oid::INET | oid::CIDR) => {
            Ok(super::network::shown(Inet::from_bytes(d.bytes()), true))
        }
        d => shown(cx, cx.arg_type(n), d),
    }
}

fn any_text_cat(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, cast_text(cx, 0, args)? + args[1].str())
}

fn text_any_cat(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, args[0].str().to_owned() + &cast_text(cx, 1, args)?)
}

fn length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].str().chars().count() as i32));
    Ok(())
}

fn bpchar_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(Datum::Bytes(trim_blanks(args[0].bytes())).str().chars().count() as i32));
    Ok(())
}

fn octet_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].bytes().len() as i32));
    Ok(())
}

fn bit_length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].bytes().len() as i32 * 8));
    Ok(())
}

/// One character for one, as C's towlower and towupper do.
fn single(c: char, mut mapped: impl Iterator<Item = char>) -> char {
    match (mapped.next(), mapped.next()) {
        (Some(m), None) => m,
        _ => c,
    }
}

fn lower_char(c: char, case: Case) -> char {
    match case {
        Case::Ascii => c.to_ascii_lowercase(),
        _ => single(c, c.to_lowercase()),
    }
}

fn upper_char(c: char, case: Case) -> char {
    match case {
        Case::Ascii => c.to_ascii_uppercase(),
        _ => single(c, c.to_uppercase()),
    }
}

pub(super) fn lowered(text: &str, case: Case) -> String {
    match case {
        Case::Ascii => text.to_ascii_lowercase(),
        Case::Simple => text.chars().map(|c| lower_char(c, case)).collect(),
        Case::Full { turkic: false } => text.to_lowercase(),
        Case::Full { turkic: true } => text.replace('I', "ı").replace('İ', "i").to_lowercase(),
    }
}

fn uppered(text: &str, case: Case) -> String {
    match case {
        Case::Ascii => text.to_ascii_uppercase(),
        Case::Simple => text.chars().map(|c| upper_char(c, case)).collect(),
        Case::Full { turkic: false } => text.to_uppercase(),
        Case::Full { turkic: true } => text.replace('i', "İ").to_uppercase(),
    }
}

fn lower(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, lowered(args[0].str(), cx.collation().case()))
}

fn upper(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, uppered(args[0].str(), cx.collation().case()))
}

fn initcap(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut inside = false;
    let case = cx.collation().case();
    let text: String = args[0]
        .str()
        .chars()
        .map(|c| {
            let mapped = if inside { lower_char(c, case) } else { upper_char(c, case) };
            inside = if case == Case::Ascii { c.is_ascii_alphanumeric() } else { c.is_alphanumeric() };
            mapped
        })
        .collect();
    push_text(out, text)
}

/// Start and end of `substring(… from start for length)` in units from 0.
///
/// # Errors
/// 22011 for a negative length.
fn substring_range(start: i32, length: Option<i32>) -> Result<(usize, usize)> {
    let from = i64::from(start) - 1;
    let to = match length {
        None => i64::MAX,
        Some(l) if l < 0 => {
            // A negative length is an error even where the start would be past it.
            bail!(SUBSTRING_ERROR, "negative substring length not allowed");
        }
        Some(l) => from.saturating_add(i64::from(l)),
    };
    let from = from.max(0);
    Ok((from as usize, to.max(from) as usize))
}

fn substr(args: Args<'_, '_>, out: &mut Column, length: Option<i32>) -> Result<()> {
    let text = args[0].str();
    let (from, to) = substring_range(args[1].i32(), length)?;
    let start = char_offset(text, from).unwrap_or(text.len());
    let rest = &text[start..];
    let end = char_offset(rest, to - from).unwrap_or(rest.len());
    push_text(out, &rest[..end])
}

fn text_substr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    substr(args, out, Some(args[2].i32()))
}

fn text_substr_no_len(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    substr(args, out, None)
}

/// 1-based position in characters of the first occurrence, 0 if there is none.
fn text_position(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let at = text.find(args[1].str()).map_or(0, |i| text[..i].chars().count() as i32 + 1);
    out.push(Datum::I32(at));
    Ok(())
}

fn overlay(args: Args<'_, '_>, out: &mut Column, length: i32) -> Result<()> {
    let start = args[2].i32();
    if start <= 0 {
        bail!(SUBSTRING_ERROR, "negative substring length not allowed");
    }
    let text = args[0].str();
    let Some(after) = start.checked_add(length) else { bail!(NUMERIC_VALUE_OUT_OF_RANGE, "integer out of range") };
    let head = char_offset(text, start as usize - 1).unwrap_or(text.len());
    let tail = char_offset(text, (after - 1).max(0) as usize).unwrap_or(text.len());
    push_text(out, format!("{}{}{}", &text[..head], args[1].str(), &text[tail..]))
}

fn text_overlay(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    overlay(args, out, args[3].i32())
}

fn text_overlay_no_len(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    overlay(args, out, args[1].str().chars().count() as i32)
}

fn trimmed<'a>(text: &'a str, set: &str, left: bool, right: bool) -> &'a str {
    let mut t = text;
    if left {
        t = t.trim_start_matches(|c| set.contains(c));
    }
    if right {
        t = t.trim_end_matches(|c| set.contains(c));
    }
    t
}

macro_rules! trims {
    ($($name:ident, $left:literal, $right:literal;)*) => {$(
        fn $name(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
            let set = args.get(1).map_or(" ", |s| s.str());
            push_text(out, trimmed(args[0].str(), set, $left, $right))
        }
    )*};
}
trims! { btrim, true, true; ltrim, true, false; rtrim, false, true; }

/// What fills a text up to `len` characters: `fill` over and over, for the characters missing.
fn pad(args: Args<'_, '_>, out: &mut Column, left: bool) -> Result<()> {
    let text = args[0].str();
    let len = args[1].i32().max(0) as usize;
    let fill = args.get(2).map_or(" ", |f| f.str());
    if len > MAX_LEN / 4 {
        return Err(too_large());
    }
    let count = text.chars().count();
    if count >= len {
        return push_text(out, &text[..char_offset(text, len).unwrap_or(text.len())]);
    }
    let filler: String = fill.chars().cycle().take(if fill.is_empty() { 0 } else { len - count }).collect();
    push_text(out, if left { filler + text } else { text.to_owned() + &filler })
}

fn lpad(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    pad(args, out, true)
}

fn rpad(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    pad(args, out, false)
}

fn replace(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (text, from) = (args[0].str(), args[1].str());
    if from.is_empty() {
        return push_text(out, text);
    }
    let mut made = Vec::with_capacity(text.len());
    let mut rest = 0;
    for (at, _) in text.match_indices(from) {
        append(&mut made, &text.as_bytes()[rest..at])?;
        append(&mut made, args[2].bytes())?;
        rest = at + from.len();
    }
    append(&mut made, &text.as_bytes()[rest..])?;
    out.push(Datum::Bytes(&made));
    Ok(())
}

fn split_part(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (text, separator, n) = (args[0].str(), args[1].str(), args[2].i32());
    if n == 0 {
        bail!(INVALID_PARAMETER_VALUE, "field position must not be zero");
    }
    if separator.is_empty() || text.is_empty() {
        return push_text(out, if n == 1 || n == -1 { text } else { "" });
    }
    let at = n.unsigned_abs() as usize - 1;
    let part = if n > 0 { text.split(separator).nth(at) } else { text.rsplit(separator).nth(at) };
    push_text(out, part.unwrap_or(""))
}

fn repeat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let count = args[1].i32().max(0) as usize;
    if args[0].bytes().len().saturating_mul(count) > MAX_LEN - HEADER {
        return Err(too_large());
    }
    claim_much(2 * args[0].bytes().len() * count, "ExprContext")?;
    push_text(out, args[0].str().repeat(count))
}

fn reverse(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, args[0].str().chars().rev().collect::<String>())
}

/// The offset after `n` characters; negative: all but the last −n.
fn edge(text: &str, n: i32) -> usize {
    if n >= 0 {
        return char_offset(text, n as usize).unwrap_or(text.len());
    }
    let count = text.chars().count() as i64 + i64::from(n);
    if count <= 0 { 0 } else { char_offset(text, count as usize).unwrap_or(text.len()) }
}

fn left(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    push_text(out, &text[..edge(text, args[1].i32())])
}

fn right(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let n = args[1].i32();
    // The last n characters start where all but the last n end.
    let at = if n == 0 { text.len() } else { edge(text, n.checked_neg().unwrap_or(i32::MAX)) };
    push_text(out, &text[at..])
}

fn translate(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let from: Vec<char> = args[1].str().chars().collect();
    let to: Vec<char> = args[2].str().chars().collect();
    let mapped = |c: char| match from.iter().position(|f| *f == c) {
        None => Some(c),
        Some(at) => to.get(at).copied(),
    };
    push_text(out, args[0].str().chars().filter_map(mapped).collect::<String>())
}

/// The values of a `variadic "any"` call from argument `from` on, with their types; None for `VARIADIC NULL`.
pub(super) fn variadic<'a>(
    cx: &FnContext,
    args: &[Datum<'a>],
    from: usize,
) -> Result<Option<Vec<(TypeRef, Datum<'a>)>>> {
    if !cx.variadic_array() {
        return Ok(Some(args.iter().enumerate().skip(from).map(|(i, d)| (cx.arg_type(i), *d)).collect()));
    }
    let Some(last) = args.get(from) else { return Ok(Some(Vec::new())) };
    if last.is_null() {
        return Ok(None);
    }
    let array = array::Array::new(last.bytes());
    Ok(Some(array.iter().map(|d| (TypeRef::of(array.element), d)).collect()))
}

fn concat(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let Some(values) = variadic(cx, args, 0)? else {
        out.push_null();
        return Ok(());
    };
    let mut text = Vec::new();
    for (typ, value) in values.into_iter().filter(|(_, v)| !v.is_null()) {
        append(&mut text, shown(cx, typ, value)?.as_bytes())?;
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}

fn concat_ws(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let values = if args[0].is_null() { None } else { variadic(cx, args, 1)? };
    let Some(values) = values else {
        out.push_null();
        return Ok(());
    };
    let mut text = Vec::new();
    let given = values.into_iter().filter(|(_, v)| !v.is_null());
    for (n, (typ, value)) in given.enumerate() {
        if n > 0 {
            append(&mut text, args[0].bytes())?;
        }
        append(&mut text, shown(cx, typ, value)?.as_bytes())?;
    }
    out.push(Datum::Bytes(&text));
    Ok(())
}

/// As a literal in SQL.
pub(crate) fn quote_literal_text(text: &str) -> String {
    let escape = if text.contains('\\') { "E" } else { "" };
    format!("{escape}'{}'", text.replace('\\', "\\\\").replace('\'', "''"))
}

fn quote_ident(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, name::quote_identifier(args[0].str()))
}

fn quote_literal(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, quote_literal_text(args[0].str()))
}

fn quote_literal_any(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, quote_literal_text(&cast_text(cx, 0, args)?))
}

fn quote_nullable(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        return push_text(out, "NULL");
    }
    quote_literal(cx, args, out)
}

fn quote_nullable_any(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        return push_text(out, "NULL");
    }
    quote_literal_any(cx, args, out)
}

/// One `%…` of a format.
struct Spec {
    argument: Option<usize>,
    left: bool,
    width: Width,
    kind: char,
}

enum Width {
    None,
    Fixed(i64),
    Argument(Option<usize>),
}

fn format_spec(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Spec> {
    let unterminated =
        || err!(INVALID_PARAMETER_VALUE, "unterminated format() type specifier").hint("For a single \"%\" use \"%%\".");
    fn number(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Option<i64>> {
        let mut n = None;
        while let Some(d) = chars.peek().and_then(|c| c.to_digit(10)) {
            chars.next();
            let next = n.unwrap_or(0_i64) * 10 + i64::from(d);
            if next > i64::from(i32::MAX) {
                bail!(NUMERIC_VALUE_OUT_OF_RANGE, "number is out of range");
            }
            n = Some(next);
        }
        Ok(n)
    }
    let position = |n: i64| match n {
        0 => Err(err!(INVALID_PARAMETER_VALUE, "format specifies argument 0, but arguments are numbered from 1")),
        n => Ok(n as usize - 1),
    };
    let mut spec = Spec { argument: None, left: false, width: Width::None, kind: 's' };
    let first = number(chars)?;
    let mut width = None;
    match (first, chars.peek()) {
        (Some(n), Some('$')) => {
            chars.next();
            spec.argument = Some(position(n)?);
        }
        (Some(n), _) => width = Some(n),
        _ => {}
    }
    if width.is_none() {
        while chars.next_if_eq(&'-').is_some() {
            spec.left = true;
        }
        if chars.next_if_eq(&'*').is_some() {
            let at = number(chars)?;
            match at {
                None => spec.width = Width::Argument(None),
                Some(n) => {
                    if chars.next_if_eq(&'$').is_none() {
                        bail!(INVALID_PARAMETER_VALUE, "width argument position must be ended by \"$\"");
                    }
                    spec.width = Width::Argument(Some(position(n)?));
                }
            }
        } else {
            width = number(chars)?;
        }
    }
    if let Some(w) = width {
        spec.width = Width::Fixed(w);
    }
    spec.kind = chars.next().ok_or_else(unterminated)?;
    if !matches!(spec.kind, 's' | 'I' | 'L') {
        return Err(err!(INVALID_PARAMETER_VALUE, "unrecognized format() type specifier \"{}\"", spec.kind)
            .hint("For a single \"%\" use \"%%\"."));
    }
    Ok(spec)
}

fn format(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let values = variadic(cx, args, 1)?.unwrap_or_default();
    let mut text = String::new();
    let mut chars = args[0].str().chars().peekable();
    let mut next = 0;
    let too_few = || err!(INVALID_PARAMETER_VALUE, "too few arguments for format()");
    while let Some(c) = chars.next() {
        if c != '%' {
            text.push(c);
            continue;
        }
        if chars.next_if_eq(&'%').is_some() {
            text.push('%');
            continue;
        }
        if chars.peek().is_none() {
            return Err(err!(INVALID_PARAMETER_VALUE, "unterminated format() type specifier")
                .hint("For a single \"%\" use \"%%\"."));
        }
        let mut spec = format_spec(&mut chars)?;
        let width = match spec.width {
            Width::None => 0,
            Width::Fixed(n) => n,
            Width::Argument(at) => {
                let at = at.unwrap_or(next);
                next = at + 1;
                let (typ, value) = values.get(at).ok_or_else(too_few)?;
                match value {
                    Datum::Null => 0,
                    v => {
                        let shown = shown(cx, *typ, *v)?;
                        i64::from(crate::types::int::parse::<i32>(&shown, "integer")?)
                    }
                }
            }
        };
        if width < 0 {
            spec.left = true;
        }
        let at = spec.argument.unwrap_or(next);
        next = at + 1;
        let (typ, value) = values.get(at).ok_or_else(too_few)?;
        let piece = match (spec.kind, value) {
            ('s', Datum::Null) => String::new(),
            ('L', Datum::Null) => "NULL".to_owned(),
            ('I', Datum::Null) => {
                bail!(NULL_VALUE_NOT_ALLOWED, "null values cannot be formatted as an SQL identifier")
            }
            (kind, v) => {
                let shown = shown(cx, *typ, *v)?;
                match kind {
                    'I' => name::quote_identifier(&shown),
                    'L' => quote_literal_text(&shown),
                    _ => shown,
                }
            }
        };
        let missing = (width.unsigned_abs() as usize).saturating_sub(piece.chars().count());
        check_room(text.len(), missing)?;
        check_room(text.len() + missing, piece.len())?;
        let blanks = " ".repeat(missing);
        text += &if spec.left { piece + &blanks } else { blanks + &piece };
    }
    push_text(out, text)
}

fn ascii(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].str().chars().next().map_or(0, |c| c as i32)));
    Ok(())
}

fn chr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let n = args[0].i32();
    if n < 0 {
        bail!(INVALID_PARAMETER_VALUE, "character number must be positive");
    }
    if n == 0 {
        bail!(PROGRAM_LIMIT_EXCEEDED, "null character not permitted");
    }
    if n > 0x10ffff {
        bail!(PROGRAM_LIMIT_EXCEEDED, "requested character too large for encoding: {n}");
    }
    match char::from_u32(n as u32) {
        Some(c) => push_text(out, c.to_string()),
        None => Err(err!(PROGRAM_LIMIT_EXCEEDED, "requested character not valid for encoding: {n}")),
    }
}

fn to_hex32(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, format!("{:x}", args[0].i32()))
}

fn to_hex64(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, format!("{:x}", args[0].i64()))
}

fn starts_with(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(args[0].bytes().starts_with(args[1].bytes())));
    Ok(())
}

/// `string_to_array`.
fn to_array(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    // Each part is referred to, and stored with its length.
    claim_much(args[0].bytes().len() * 24, "ExprContext")?;
    let parts = split(args[0].str(), args[1]);
    let null = args.get(2).filter(|n| !n.is_null()).map(|n| n.str());
    let values = parts.iter().map(|p| if Some(*p) == null { Datum::Null } else { Datum::Bytes(p.as_bytes()) });
    out.push(Datum::Bytes(&array::from_values(oid::TEXT, values)));
    Ok(())
}

/// The fields of a text; a NULL separator parts all characters.
pub fn split<'a>(text: &'a str, separator: Datum<'_>) -> Vec<&'a str> {
    if text.is_empty() {
        return Vec::new();
    }
    match separator {
        Datum::Null => text.char_indices().map(|(at, c)| &text[at..at + c.len_utf8()]).collect(),
        s if s.bytes().is_empty() => vec![text],
        s => text.split(s.str()).collect(),
    }
}

/// `array_to_string`.
fn from_array(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() || args[1].is_null() {
        out.push_null();
        return Ok(());
    }
    let array = array::Array::new(args[0].bytes());
    let null = args.get(2).filter(|n| !n.is_null()).map(|n| n.str());
    let mut parts = Vec::new();
    for value in array.iter() {
        match (value, null) {
            (Datum::Null, None) => {}
            (Datum::Null, Some(n)) => parts.push(n.to_owned()),
            (v, _) => parts.push(shown(cx, TypeRef::of(array.element), v)?),
        }
    }
    push_text(out, parts.join(args[1].str()))
}

fn unistr(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let invalid = || {
        err!(SYNTAX_ERROR, "invalid Unicode escape")
            .hint("Unicode escapes must be \\XXXX, \\+XXXXXX, \\uXXXX, or \\UXXXXXXXX.")
    };
    let pair = || err!(SYNTAX_ERROR, "invalid Unicode surrogate pair");
    let mut result = String::new();
    let mut rest = text;
    let mut high: Option<u32> = None;
    while let Some(c) = rest.chars().next() {
        if c != '\\' {
            if high.is_some() {
                return Err(pair());
            }
            result.push(c);
            rest = &rest[c.len_utf8()..];
            continue;
        }
        rest = &rest[1..];
        let (skip, len) = match rest.as_bytes().first() {
            Some(b'\\') => {
                if high.is_some() {
                    return Err(pair());
                }
                result.push('\\');
                rest = &rest[1..];
                continue;
            }
            Some(b'+') => (1, 6),
            Some(b'u') => (1, 4),
            Some(b'U') => (1, 8),
            _ => (0, 4),
        };
        let digits = rest.get(skip..skip + len).filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let code = u32::from_str_radix(digits.ok_or_else(invalid)?, 16).map_err(|_| invalid())?;
        rest = &rest[skip + len..];
        let code = match (high.take(), code) {
            (None, 0xD800..=0xDBFF) => {
                high = Some(code);
                continue;
            }
            (Some(h), 0xDC00..=0xDFFF) => 0x10000 + ((h - 0xD800) << 10) + (code - 0xDC00),
            (Some(_), _) | (None, 0xDC00..=0xDFFF) => return Err(pair()),
            (None, c) => c,
        };
        match char::from_u32(code).filter(|c| *c != '\0') {
            Some(c) => result.push(c),
            None => bail!(INVALID_PARAMETER_VALUE, "invalid Unicode code point: {code:04X}"),
        }
    }
    if high.is_some() {
        return Err(pair());
    }
    push_text(out, result)
}

// Casts among the text types, and length coercions. -----------------------------------------------------------

fn same(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn to_name(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, clip(args[0].str(), crate::types::text::NAME_MAX))
}

fn bpchar_to_name(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = Datum::Bytes(trim_blanks(args[0].bytes())).str();
    push_text(out, clip(text, crate::types::text::NAME_MAX))
}

/// `text(bpchar)` and `rtrim(text)` are one function in PostgreSQL: blanks at the end go.
fn bpchar_to_text(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(trim_blanks(args[0].bytes())));
    Ok(())
}

fn to_char(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&crate::types::text::char_in(args[0].str())));
    Ok(())
}

fn char_to_text(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut text = Vec::new();
    crate::types::text::char_out(args[0].bytes(), &mut text);
    out.push(Datum::Bytes(&text));
    Ok(())
}

fn bool_to_text(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, if args[0].bool() { "true" } else { "false" })
}

fn char_to_int(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(args[0].bytes().first().map_or(0, |b| (*b as i8).into())));
    Ok(())
}

fn int_to_char(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let n = args[0].i32();
    let Ok(c) = i8::try_from(n) else {
        bail!(NUMERIC_VALUE_OUT_OF_RANGE, "\"char\" out of range");
    };
    let byte = [c as u8];
    out.push(Datum::Bytes(if c == 0 { b"" } else { &byte }));
    Ok(())
}

fn apply_varchar(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push_text(out, varchar(args[0].str(), args[1].i32(), args[2].bool())?)
}

fn apply_bpchar(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push_bytes_with(|v| bpchar(args[0].str(), args[1].i32(), args[2].bool(), v))
}

fn name_concat_oid(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let suffix = format!("_{}", args[1].u32());
    push_text(out, clip(args[0].str(), crate::types::text::NAME_MAX - suffix.len()).to_owned() + &suffix)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("textcat", Scalar(cat)),
    ("anytextcat(anynonarray,text)", Scalar(any_text_cat)),
    ("textanycat(text,anynonarray)", Scalar(text_any_cat)),
    ("textlen", Scalar(length)),
    ("bpcharlen", Scalar(bpchar_length)),
    ("textoctetlen", Scalar(octet_length)),
    ("bpcharoctetlen", Scalar(octet_length)),
    ("byteaoctetlen", Scalar(octet_length)),
    ("bit_length(text)", Scalar(bit_length)),
    ("bit_length(bytea)", Scalar(bit_length)),
    ("lower", Scalar(lower)),
    ("upper", Scalar(upper)),
    ("initcap", Scalar(initcap)),
    ("text_substr", Scalar(text_substr)),
    ("text_substr_no_len", Scalar(text_substr_no_len)),
    ("textpos", Scalar(text_position)),
    ("textoverlay", Scalar(text_overlay)),
    ("textoverlay_no_len", Scalar(text_overlay_no_len)),
    ("btrim", Scalar(btrim)),
    ("btrim1", Scalar(btrim)),
    ("ltrim", Scalar(ltrim)),
    ("ltrim1", Scalar(ltrim)),
    ("rtrim", Scalar(rtrim)),
    ("rtrim1", Scalar(bpchar_to_text)),
    ("lpad", Scalar(lpad)),
    ("rpad", Scalar(rpad)),
    ("lpad(text,integer)", Scalar(lpad)),
    ("rpad(text,integer)", Scalar(rpad)),
    ("replace_text", Scalar(replace)),
    ("split_part", Scalar(split_part)),
    ("repeat", Scalar(repeat)),
    ("text_reverse", Scalar(reverse)),
    ("text_left", Scalar(left)),
    ("text_right", Scalar(right)),
    ("translate", Scalar(translate)),
    ("text_concat", Scalar(concat)),
    ("text_concat_ws", Scalar(concat_ws)),
    ("text_format", Scalar(format)),
    ("text_format_nv", Scalar(format)),
    ("quote_ident", Scalar(quote_ident)),
    ("quote_literal", Scalar(quote_literal)),
    ("quote_nullable", Scalar(quote_nullable)),
    ("quote_literal(anyelement)", Scalar(quote_literal_any)),
    ("quote_nullable(anyelement)", Scalar(quote_nullable_any)),
    ("ascii", Scalar(ascii)),
    ("chr", Scalar(chr)),
    ("to_hex32", Scalar(to_hex32)),
    ("to_hex64", Scalar(to_hex64)),
    ("text_starts_with", Scalar(starts_with)),
    ("text_to_array", Scalar(to_array)),
    ("text_to_array_null", Scalar(to_array)),
    ("array_to_text", Scalar(from_array)),
    ("array_to_text_null", Scalar(from_array)),
    ("unistr", Scalar(unistr)),
    ("name_text", Scalar(same)),
    ("text_name", Scalar(to_name)),
    ("name_bpchar", Scalar(same)),
    ("bpchar_name", Scalar(bpchar_to_name)),
    ("char_text", Scalar(char_to_text)),
    ("char_bpchar", Scalar(same)),
    ("text_char", Scalar(to_char)),
    ("booltext", Scalar(bool_to_text)),
    ("chartoi4", Scalar(char_to_int)),
    ("i4tochar", Scalar(int_to_char)),
    ("varchar", Scalar(apply_varchar)),
    ("bpchar", Scalar(apply_bpchar)),
    ("nameconcatoid", Scalar(name_concat_oid)),
];
