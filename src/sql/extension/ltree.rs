//! `ltree`: paths of labels, and patterns over them. What they are is in [`crate::types::ltree`].

use super::{Code, Extension, PLAIN, index_only};
use crate::base::Result;
use crate::err;
use crate::sql::func::FnContext;
use crate::types::array::Array;
use crate::types::code::TypeCode;
use crate::types::ltree::{self, common_ancestor, compare, from_labels, is_ancestor, labels};
use crate::types::ltree::{lquery, ltxtquery};
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "ltree",
    version: "1.2",
    comment: "data type for hierarchical tree-like structures",
    script: include_str!("ltree.sql"),
    code: &[
        ("ltree_in", Code::Scalar(|_, a, out| read(&ltree::CODE, a, out))),
        ("ltree_out", Code::Scalar(text)),
        ("ltree_recv", Code::Scalar(|_, a, out| receive(&ltree::CODE, a, out))),
        ("ltree_send", Code::Scalar(|_, a, out| send(&ltree::CODE, a, out))),
        ("lquery_in", Code::Scalar(|_, a, out| read(&lquery::CODE, a, out))),
        ("lquery_out", Code::Scalar(text)),
        ("lquery_recv", Code::Scalar(|_, a, out| receive(&lquery::CODE, a, out))),
        ("lquery_send", Code::Scalar(|_, a, out| send(&lquery::CODE, a, out))),
        ("ltxtq_in", Code::Scalar(|_, a, out| read(&ltxtquery::CODE, a, out))),
        ("ltxtq_out", Code::Scalar(text)),
        ("ltxtq_recv", Code::Scalar(|_, a, out| receive(&ltxtquery::CODE, a, out))),
        ("ltxtq_send", Code::Scalar(|_, a, out| send(&ltxtquery::CODE, a, out))),
        ("ltree_cmp", Code::Scalar(|_, a, out| number(order(a), out))),
        ("ltree_lt", Code::Scalar(|_, a, out| truth(order(a) < 0, out))),
        ("ltree_le", Code::Scalar(|_, a, out| truth(order(a) <= 0, out))),
        ("ltree_eq", Code::Scalar(|_, a, out| truth(order(a) == 0, out))),
        ("ltree_ge", Code::Scalar(|_, a, out| truth(order(a) >= 0, out))),
        ("ltree_gt", Code::Scalar(|_, a, out| truth(order(a) > 0, out))),
        ("ltree_ne", Code::Scalar(|_, a, out| truth(order(a) != 0, out))),
        ("subltree", Code::Scalar(|_, a, out| part(a[0], a[1].i32(), a[2].i32(), out))),
        ("subpath", Code::Scalar(subpath)),
        ("ltree_index", Code::Scalar(index)),
        ("nlevel", Code::Scalar(|_, a, out| number(labels(a[0].bytes()).len() as i32, out))),
        ("ltree2text", Code::Scalar(text)),
        ("text2ltree", Code::Scalar(|_, a, out| read(&ltree::CODE, a, out))),
        ("_lca", Code::Scalar(|_, a, out| ancestor(elements(a[0])?, out))),
        ("lca", Code::Scalar(|_, a, out| ancestor(a.iter().copied(), out))),
        ("ltree_isparent", Code::Scalar(|_, a, out| truth(above(a[0], a[1]), out))),
        ("ltree_risparent", Code::Scalar(|_, a, out| truth(above(a[1], a[0]), out))),
        ("ltree_addltree", Code::Scalar(|_, a, out| joined(&labels(a[0].bytes()), &labels(a[1].bytes()), out))),
        ("ltree_addtext", Code::Scalar(add_text)),
        ("ltree_textadd", Code::Scalar(text_add)),
        ("ltreeparentsel", Code::Scalar(index_only)),
        ("ltq_regex", Code::Scalar(|_, a, out| truth(fits(a[0], a[1]), out))),
        ("ltq_rregex", Code::Scalar(|_, a, out| truth(fits(a[1], a[0]), out))),
        ("lt_q_regex", Code::Scalar(|_, a, out| truth(fits_any(a[0], a[1])?, out))),
        ("lt_q_rregex", Code::Scalar(|_, a, out| truth(fits_any(a[1], a[0])?, out))),
        ("ltxtq_exec", Code::Scalar(|_, a, out| truth(has(a[0], a[1]), out))),
        ("ltxtq_rexec", Code::Scalar(|_, a, out| truth(has(a[1], a[0]), out))),
        ("ltree_consistent", Code::Scalar(index_only)),
        ("_ltree_isparent", Code::Scalar(|_, a, out| some(a[0], |p| above(p, a[1]), out))),
        ("_ltree_r_isparent", Code::Scalar(|_, a, out| some(a[1], |p| above(p, a[0]), out))),
        ("_ltree_risparent", Code::Scalar(|_, a, out| some(a[0], |p| above(a[1], p), out))),
        ("_ltree_r_risparent", Code::Scalar(|_, a, out| some(a[1], |p| above(a[0], p), out))),
        ("_ltq_regex", Code::Scalar(|_, a, out| some(a[0], |p| fits(p, a[1]), out))),
        ("_ltq_rregex", Code::Scalar(|_, a, out| some(a[1], |p| fits(p, a[0]), out))),
        ("_lt_q_regex", Code::Scalar(|_, a, out| some_fits_any(a[0], a[1], out))),
        ("_lt_q_rregex", Code::Scalar(|_, a, out| some_fits_any(a[1], a[0], out))),
        ("_ltxtq_exec", Code::Scalar(|_, a, out| some(a[0], |p| has(p, a[1]), out))),
        ("_ltxtq_rexec", Code::Scalar(|_, a, out| some(a[1], |p| has(p, a[0]), out))),
        ("_ltree_extract_isparent", Code::Scalar(|_, a, out| first(a[0], |p| above(p, a[1]), out))),
        ("_ltree_extract_risparent", Code::Scalar(|_, a, out| first(a[0], |p| above(a[1], p), out))),
        ("_ltq_extract_regex", Code::Scalar(|_, a, out| first(a[0], |p| fits(p, a[1]), out))),
        ("_ltxtq_extract_exec", Code::Scalar(|_, a, out| first(a[0], |p| has(p, a[1]), out))),
        ("_ltree_consistent", Code::Scalar(index_only)),
    ],
    ..PLAIN
};

fn read(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&(code.read)(args[0].str())?));
    Ok(())
}

fn receive(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&(code.receive)(args[0].bytes())?));
    Ok(())
}

fn send(code: &TypeCode, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut bytes = Vec::new();
    (code.send)(args[0].bytes(), &mut bytes);
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

/// All three types are stored as they are shown.
fn text(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn number(value: i32, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(value));
    Ok(())
}

fn truth(value: bool, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(value));
    Ok(())
}

fn order(args: &[Datum<'_>]) -> i32 {
    compare(args[0].bytes(), args[1].bytes())
}

/// Whether a path is above another one, or the same.
fn above(path: Datum<'_>, of: Datum<'_>) -> bool {
    is_ancestor(&labels(of.bytes()), &labels(path.bytes()))
}

fn fits(path: Datum<'_>, pattern: Datum<'_>) -> bool {
    lquery::Pattern::of(pattern.bytes()).matches(&labels(path.bytes()))
}

fn has(path: Datum<'_>, search: Datum<'_>) -> bool {
    ltxtquery::Search::of(search.bytes()).is_some_and(|s| s.matches(&labels(path.bytes())))
}

/// The labels from a number on up to before another one. PostgreSQL 15, ltree_op.c, inner_subltree.
fn part(of: Datum<'_>, start: i32, end: i32, out: &mut Column) -> Result<()> {
    let all = labels(of.bytes());
    let invalid = || err!(INVALID_PARAMETER_VALUE, "invalid positions");
    let from = usize::try_from(start).map_err(|_| invalid())?;
    let to = usize::try_from(end).map_err(|_| invalid())?;
    if from >= all.len() || from > to {
        return Err(invalid());
    }
    out.push(Datum::Bytes(&from_labels(&all[from..to.min(all.len())])?));
    Ok(())
}

/// PostgreSQL 15, ltree_op.c, subpath: a start before the beginning is counted from the end again.
fn subpath(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let levels = labels(args[0].bytes()).len() as i32;
    let mut start = args[1].i32();
    let length = args.get(2).map(|l| l.i32());
    for _ in 0..2 {
        if start < 0 {
            start = start.wrapping_add(levels);
        }
    }
    let end = match length {
        None => 0xffff,
        Some(length) if length < 0 => levels.wrapping_add(length),
        Some(length) => start.wrapping_add(length),
    };
    part(args[0], start, end, out)
}

/// PostgreSQL 15, ltree_op.c, ltree_index.
fn index(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (all, sought) = (labels(args[0].bytes()), labels(args[1].bytes()));
    let start = args.get(2).map_or(0, |s| s.i32());
    let start = match usize::try_from(start) {
        Ok(start) => start,
        Err(_) => all.len().saturating_sub(start.unsigned_abs() as usize),
    };
    if all.is_empty() || sought.is_empty() {
        return number(-1, out);
    }
    let found = all.windows(sought.len()).enumerate().skip(start).find(|(_, w)| *w == sought);
    number(found.map_or(-1, |(at, _)| at as i32), out)
}

fn ancestor<'a>(paths: impl Iterator<Item = Datum<'a>>, out: &mut Column) -> Result<()> {
    let paths: Vec<Vec<&str>> = paths.map(|p| labels(p.bytes())).collect();
    match common_ancestor(&paths) {
        Some(found) => out.push(Datum::Bytes(&from_labels(&found)?)),
        None => out.push_null(),
    }
    Ok(())
}

fn joined(a: &[&str], b: &[&str], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&from_labels(&[a, b].concat())?));
    Ok(())
}

fn add_text(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let more = ltree::parse(args[1].str())?;
    joined(&labels(args[0].bytes()), &labels(more.as_bytes()), out)
}

fn text_add(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let first = ltree::parse(args[0].str())?;
    joined(&labels(first.as_bytes()), &labels(args[1].bytes()), out)
}

/// The elements of an array of paths or patterns. PostgreSQL 15, _ltree_op.c, array_iterator: same faults.
fn elements(list: Datum<'_>) -> Result<crate::types::array::Elements<'_>> {
    let list = Array::new(list.bytes());
    if list.dims.len() > 1 {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "array must be one-dimensional"));
    }
    if list.has_nulls() {
        return Err(err!(NULL_VALUE_NOT_ALLOWED, "array must not contain nulls"));
    }
    Ok(list.iter())
}

fn fits_any(path: Datum<'_>, patterns: Datum<'_>) -> Result<bool> {
    Ok(elements(patterns)?.any(|pattern| fits(path, pattern)))
}

fn some(list: Datum<'_>, holds: impl Fn(Datum<'_>) -> bool, out: &mut Column) -> Result<()> {
    truth(elements(list)?.any(holds), out)
}

fn some_fits_any(list: Datum<'_>, patterns: Datum<'_>, out: &mut Column) -> Result<()> {
    let patterns: Vec<Datum<'_>> = elements(patterns)?.collect();
    some(list, |p| patterns.iter().any(|q| fits(p, *q)), out)
}

fn first(list: Datum<'_>, holds: impl Fn(Datum<'_>) -> bool, out: &mut Column) -> Result<()> {
    out.push(elements(list)?.find(|p| holds(*p)).unwrap_or(Datum::Null));
    Ok(())
}
