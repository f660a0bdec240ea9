//! The functions of regular expressions.

use super::engine::{Groups, Regex, next_char};
use super::syntax::Flags;
use crate::base::Result;
use crate::base::memory::Claimed;
use crate::sql::func::{FnContext, FuncImpl, push_text};
use crate::types::collation::Case;
use crate::types::text::char_offset;
use crate::types::{Column, Datum, array, oid};
use crate::{bail, err};
use std::ops::Range;
use std::sync::Arc;

type Args<'a, 'b> = &'a [Datum<'b>];

fn flags(args: Args<'_, '_>, n: usize) -> Result<Flags> {
    args.get(n).map_or(Ok(Flags::default()), |f| Flags::parse(f.str()))
}

/// Flags of a function that has no use for `g`.
fn local_flags(args: Args<'_, '_>, n: usize, name: &str) -> Result<Flags> {
    let f = flags(args, n)?;
    if f.global {
        bail!(INVALID_PARAMETER_VALUE, "{name} does not support the \"global\" option");
    }
    Ok(f)
}

fn test<const IGNORE_CASE: bool, const NEGATED: bool>(
    cx: &mut FnContext,
    args: Args<'_, '_>,
    out: &mut Column,
) -> Result<()> {
    let flags = Flags { ignore_case: IGNORE_CASE, ..Flags::default() };
    let found = regex_of(cx, args[1].str(), flags)?.is_match(args[0].str())?;
    out.push(Datum::Bool(found != NEGATED));
    Ok(())
}

/// An expression as the call's collation has letters.
fn regex_of(cx: &mut FnContext, pattern: &str, flags: Flags) -> Result<Arc<Regex>> {
    let ascii = cx.collation().case() == Case::Ascii;
    cx.regexes.get(pattern, Flags { ascii, ..flags })
}

fn group<'a>(text: &'a str, groups: &Groups, n: usize) -> Option<&'a str> {
    groups.get(n).cloned().flatten().map(|r| &text[r])
}

/// `substring(text from pattern)`: the first group if there is one, else the whole match.
fn substring(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let text = args[0].str();
    let regex = regex_of(cx, args[1].str(), Flags::default())?;
    let found = regex.find(text, 0)?;
    let n = usize::from(regex.groups() > 1);
    match found.and_then(|g| group(text, &g, n)) {
        Some(t) => push_text(out, t),
        None => {
            out.push_null();
            Ok(())
        }
    }
}

/// `substring(text similar pattern escape e)`.
fn substring_similar(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut escapes = args[2].str().chars();
    let escape = escapes.next();
    if escapes.next().is_some() {
        return Err(err!(INVALID_ESCAPE_SEQUENCE, "invalid escape string")
            .hint("Escape string must be empty or one character."));
    }
    let pattern = super::like::similar(args[1].str(), escape)?;
    substring(cx, &[args[0], Datum::Bytes(pattern.as_bytes())], out)
}

/// Writes a replacement: `\1` to `\9` are groups, `\&` the match, `\\` a backslash.
fn substitute(text: &str, groups: &Groups, replacement: &str, out: &mut String) {
    let mut chars = replacement.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match chars.next() {
            Some(d @ '1'..='9') => {
                out.push_str(group(text, groups, d as usize - '0' as usize).unwrap_or(""));
            }
            Some('&') => out.push_str(group(text, groups, 0).unwrap_or("")),
            Some('\\') => out.push('\\'),
            Some(other) => {
                out.push('\\');
                out.push(other);
            }
            None => out.push('\\'),
        }
    }
}

/// Replaces the `n`th match from `start` on, or all from there on if `n` is 0.
fn replace_matches(text: &str, regex: &Regex, replacement: &str, start: usize, n: usize) -> Result<String> {
    let mut out = String::new();
    let (mut copied, mut from, mut count) = (0, start, 0);
    while from <= text.len() {
        let Some(groups) = regex.find(text, from)? else { break };
        let Some(whole) = groups[0].clone() else { break };
        count += 1;
        from = if whole.is_empty() { next_char(text, whole.end) } else { whole.end };
        if n > 0 && count < n {
            continue;
        }
        out.push_str(&text[copied..whole.start]);
        substitute(text, &groups, replacement, &mut out);
        copied = whole.end;
        if n > 0 {
            break;
        }
    }
    out.push_str(&text[copied..]);
    Ok(out)
}

/// `regexp_replace(text, pattern, replacement [, flags])`.
fn replace(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if let Some(first) = args.get(3).and_then(|f| f.str().chars().next())
        && first.is_ascii_digit()
    {
        return Err(err!(INVALID_PARAMETER_VALUE, "invalid regular expression option: \"{first}\"").hint(
            "If you meant to use regexp_replace() with a start parameter, cast the fourth argument to integer explicitly.",
        ));
    }
    let flags = flags(args, 3)?;
    let regex = regex_of(cx, args[1].str(), Flags { global: false, ..flags })?;
    push_text(out, replace_matches(args[0].str(), &regex, args[2].str(), 0, usize::from(!flags.global))?)
}

/// `regexp_replace(text, pattern, replacement, start [, n [, flags]])`.
fn replace_extended(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let start = positive(args, 3, "start")?;
    let n = match args.get(4).map(|n| n.i32()) {
        None => None,
        Some(n) if n < 0 => bail!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"n\": {n}"),
        Some(n) => Some(n as usize),
    };
    let flags = flags(args, 5)?;
    let n = n.unwrap_or(usize::from(!flags.global));
    let regex = regex_of(cx, args[1].str(), Flags { global: false, ..flags })?;
    let text = args[0].str();
    let from = char_offset(text, start - 1).unwrap_or(text.len() + 1);
    push_text(out, replace_matches(text, &regex, args[2].str(), from, n)?)
}

/// A parameter that must be at least 1; 1 if it is left out.
fn positive(args: Args<'_, '_>, at: usize, name: &str) -> Result<usize> {
    match args.get(at).map(|n| n.i32()) {
        None => Ok(1),
        Some(n) if n > 0 => Ok(n as usize),
        Some(n) => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"{name}\": {n}")),
    }
}

/// The groups of a match as `regexp_match` shows them: the whole if there are none.
pub fn match_texts<'a>(text: &'a str, regex: &Regex, groups: &Groups) -> Vec<Option<&'a str>> {
    if regex.groups() == 1 {
        return vec![group(text, groups, 0)];
    }
    (1..regex.groups()).map(|n| group(text, groups, n)).collect()
}

fn text_array(texts: &[Option<&str>]) -> Vec<u8> {
    array::from_values(oid::TEXT, texts.iter().map(|t| t.map_or(Datum::Null, |t| Datum::Bytes(t.as_bytes()))))
}

fn first_match(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let flags = flags(args, 2)?;
    if flags.global {
        return Err(err!(INVALID_PARAMETER_VALUE, "regexp_match() does not support the \"global\" option")
            .hint("Use the regexp_matches function instead."));
    }
    let text = args[0].str();
    let regex = regex_of(cx, args[1].str(), flags)?;
    match regex.find(text, 0)? {
        Some(groups) => out.push(Datum::Bytes(&text_array(&match_texts(text, &regex, &groups)))),
        None => out.push_null(),
    }
    Ok(())
}

/// The rows of `regexp_matches(text, pattern [, flags])`: one text array a match.
pub fn all_matches(cx: &mut FnContext, text: &str, pattern: &str, flags: &str) -> Result<Vec<Vec<u8>>> {
    let flags = Flags::parse(flags)?;
    let regex = cx.regexes.get(pattern, Flags { global: false, ..flags })?;
    let found = regex.find_all(text, if flags.global { usize::MAX } else { 1 })?;
    Ok(found.iter().map(|g| text_array(&match_texts(text, &regex, g))).collect())
}

/// The parts of `regexp_split_to_array` and `…_to_table`; `name` is the function, for messages.
pub fn split_at_matches<'a>(
    cx: &mut FnContext,
    text: &'a str,
    pattern: &str,
    flags: &str,
    name: &str,
) -> Result<Vec<&'a str>> {
    let flags = Flags::parse(flags)?;
    if flags.global {
        bail!(INVALID_PARAMETER_VALUE, "{name} does not support the \"global\" option");
    }
    let regex = cx.regexes.get(pattern, flags)?;
    let mut parts = Vec::new();
    let (mut start, mut from) = (0, 0);
    let mut claimed = Claimed::default();
    while from <= text.len() {
        claimed.grown(parts.len() * 64, "ExprContext")?;
        let Some(Range { start: s, end: e }) = regex.find(text, from)?.and_then(|g| g[0].clone()) else { break };
        from = if s == e { next_char(text, e) } else { e };
        // An empty match at either end, or right behind the last one, parts nothing.
        if s == e && (s == start || s >= text.len()) {
            continue;
        }
        parts.push(&text[start..s]);
        start = e;
    }
    parts.push(&text[start..]);
    Ok(parts)
}

fn split_to_array(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let flags = args.get(2).map_or("", |f| f.str());
    let parts = split_at_matches(cx, args[0].str(), args[1].str(), flags, "regexp_split_to_array()")?;
    out.push(Datum::Bytes(&array::from_texts(oid::TEXT, parts)));
    Ok(())
}

/// All matches from character `start` on.
fn from_start(
    cx: &mut FnContext,
    args: Args<'_, '_>,
    start: usize,
    flags: Flags,
    limit: usize,
) -> Result<(Arc<Regex>, Vec<Groups>)> {
    let text = args[0].str();
    let regex = regex_of(cx, args[1].str(), flags)?;
    let mut out = Vec::new();
    let mut from = char_offset(text, start - 1).unwrap_or(text.len() + 1);
    while out.len() < limit && from <= text.len() {
        let Some(groups) = regex.find(text, from)? else { break };
        let Some(whole) = groups[0].clone() else { break };
        from = if whole.is_empty() { next_char(text, whole.end) } else { whole.end };
        out.push(groups);
    }
    Ok((regex, out))
}

fn count(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let start = positive(args, 2, "start")?;
    let flags = local_flags(args, 3, "regexp_count()")?;
    let (_, found) = from_start(cx, args, start, flags, usize::MAX)?;
    out.push(Datum::I32(found.len() as i32));
    Ok(())
}

fn like(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let flags = local_flags(args, 2, "regexp_like()")?;
    let found = regex_of(cx, args[1].str(), flags)?.is_match(args[0].str())?;
    out.push(Datum::Bool(found));
    Ok(())
}

/// Which group a parameter at `at` names: 0 is the whole match.
fn subexpression(args: Args<'_, '_>, at: usize) -> Result<usize> {
    match args.get(at).map_or(0, |n| n.i32()) {
        n if n < 0 => Err(err!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"subexpr\": {n}")),
        n => Ok(n as usize),
    }
}

/// `regexp_instr(text, pattern [, start [, n [, endoption [, flags [, subexpr]]]]])`.
fn position(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let start = positive(args, 2, "start")?;
    let n = positive(args, 3, "n")?;
    let behind = match args.get(4).map_or(0, |e| e.i32()) {
        0 => false,
        1 => true,
        e => bail!(INVALID_PARAMETER_VALUE, "invalid value for parameter \"endoption\": {e}"),
    };
    let flags = local_flags(args, 5, "regexp_instr()")?;
    let sub = subexpression(args, 6)?;
    let (_, found) = from_start(cx, args, start, flags, n)?;
    let range = found.get(n - 1).and_then(|g| g.get(sub).cloned().flatten());
    let text = args[0].str();
    let at = range.map_or(0, |r| text[..if behind { r.end } else { r.start }].chars().count() as i32 + 1);
    out.push(Datum::I32(at));
    Ok(())
}

/// `regexp_substr(text, pattern [, start [, n [, flags [, subexpr]]]])`.
fn substr(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let start = positive(args, 2, "start")?;
    let n = positive(args, 3, "n")?;
    let flags = local_flags(args, 4, "regexp_substr()")?;
    let sub = subexpression(args, 5)?;
    let (_, found) = from_start(cx, args, start, flags, n)?;
    match found.get(n - 1).and_then(|g| group(args[0].str(), g, sub)) {
        Some(t) => push_text(out, t),
        None => {
            out.push_null();
            Ok(())
        }
    }
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("textregexeq", Scalar(test::<false, false>)),
    ("textregexne", Scalar(test::<false, true>)),
    ("texticregexeq", Scalar(test::<true, false>)),
    ("texticregexne", Scalar(test::<true, true>)),
    ("nameregexeq", Scalar(test::<false, false>)),
    ("nameregexne", Scalar(test::<false, true>)),
    ("nameicregexeq", Scalar(test::<true, false>)),
    ("nameicregexne", Scalar(test::<true, true>)),
    ("textregexsubstr", Scalar(substring)),
    ("substring(text,text,text)", Scalar(substring_similar)),
    ("textregexreplace_noopt", Scalar(replace)),
    ("textregexreplace", Scalar(replace)),
    ("textregexreplace_extended", Scalar(replace_extended)),
    ("textregexreplace_extended_no_flags", Scalar(replace_extended)),
    ("textregexreplace_extended_no_n", Scalar(replace_extended)),
    ("regexp_match", Scalar(first_match)),
    ("regexp_match_no_flags", Scalar(first_match)),
    ("regexp_split_to_array", Scalar(split_to_array)),
    ("regexp_split_to_array_no_flags", Scalar(split_to_array)),
    ("regexp_count", Scalar(count)),
    ("regexp_count_no_start", Scalar(count)),
    ("regexp_count_no_flags", Scalar(count)),
    ("regexp_like", Scalar(like)),
    ("regexp_like_no_flags", Scalar(like)),
    ("regexp_instr", Scalar(position)),
    ("regexp_instr_no_start", Scalar(position)),
    ("regexp_instr_no_n", Scalar(position)),
    ("regexp_instr_no_endoption", Scalar(position)),
    ("regexp_instr_no_flags", Scalar(position)),
    ("regexp_instr_no_subexpr", Scalar(position)),
    ("regexp_substr", Scalar(substr)),
    ("regexp_substr_no_start", Scalar(substr)),
    ("regexp_substr_no_n", Scalar(substr)),
    ("regexp_substr_no_flags", Scalar(substr)),
    ("regexp_substr_no_subexpr", Scalar(substr)),
];
