//! `citext`: text whose case does not matter. What its values are is in [`crate::types::citext`].

use super::{Code, Extension, PLAIN};
use crate::base::Result;
use crate::sql::func::{FnContext, hash};
use crate::types::citext::folded;
use crate::types::{Column, Datum, oid, text};
use std::cmp::Ordering;

pub(super) const EXTENSION: Extension = Extension {
    name: "citext",
    version: "1.6",
    comment: "data type for case-insensitive character strings",
    script: include_str!("citext.sql"),
    code: &[
        ("citextin", Code::Scalar(same)),
        ("citextout", Code::Scalar(same)),
        ("citextrecv", Code::Scalar(receive)),
        ("citextsend", Code::Scalar(same)),
        ("citext_eq", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_eq))),
        ("citext_ne", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_ne))),
        ("citext_lt", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_lt))),
        ("citext_le", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_le))),
        ("citext_gt", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_gt))),
        ("citext_ge", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_ge))),
        ("citext_cmp", Code::Scalar(order)),
        ("citext_hash", Code::Scalar(hashed)),
        ("citext_hash_extended", Code::Scalar(hashed_extended)),
        ("citext_smaller", Code::Scalar(|_, a, out| chosen(a, out, Ordering::Less))),
        ("citext_larger", Code::Scalar(|_, a, out| chosen(a, out, Ordering::Greater))),
        // In the order of bytes, as all text is here.
        ("citext_pattern_lt", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_lt))),
        ("citext_pattern_le", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_le))),
        ("citext_pattern_gt", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_gt))),
        ("citext_pattern_ge", Code::Scalar(|_, a, out| holds(a, out, Ordering::is_ge))),
        ("citext_pattern_cmp", Code::Scalar(order)),
    ],
    ..PLAIN
};

fn same(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn receive(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(text::check(args[0].bytes())?.as_bytes()));
    Ok(())
}

fn compare(args: &[Datum<'_>]) -> Ordering {
    folded(args[0].str()).cmp(&folded(args[1].str()))
}

fn holds(args: &[Datum<'_>], out: &mut Column, test: fn(Ordering) -> bool) -> Result<()> {
    out.push(Datum::Bool(test(compare(args))));
    Ok(())
}

fn order(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::I32(compare(args) as i32));
    Ok(())
}

/// The value that comes first, or last; of equal ones the second.
fn chosen(args: &[Datum<'_>], out: &mut Column, wanted: Ordering) -> Result<()> {
    out.push(if compare(args) == wanted { args[0] } else { args[1] });
    Ok(())
}

fn hashed(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let folded = folded(args[0].str());
    out.push(Datum::I32(hash::extended_hash(oid::TEXT, Datum::Bytes(folded.as_bytes()), 0)? as i32));
    Ok(())
}

fn hashed_extended(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let folded = folded(args[0].str());
    let hash = hash::extended_hash(oid::TEXT, Datum::Bytes(folded.as_bytes()), args[1].i64() as u64)?;
    out.push(Datum::I64(hash as i64));
    Ok(())
}
