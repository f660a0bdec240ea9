//! Functions of `tsvector` that need no text search configuration.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::err;
use crate::types::array::{self, Array};
use crate::types::tsvector::{Lexeme, entry, make, position, read, weight};
use crate::types::{Column, Datum, oid};

type Args<'a, 'b> = &'a [Datum<'b>];

fn push(out: &mut Column, lexemes: Vec<Lexeme>) -> Result<()> {
    out.push(Datum::Bytes(&make(lexemes)));
    Ok(())
}

fn length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(read(args[0].bytes()).len() as i32));
    Ok(())
}

fn strip(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, read(args[0].bytes()).into_iter().map(|l| Lexeme { positions: Vec::new(), ..l }).collect())
}

fn set_weight(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let letter = args[1].bytes().first().copied().unwrap_or(0);
    let heavy = match letter.to_ascii_lowercase() {
        b'a' => 3,
        b'b' => 2,
        b'c' => 1,
        b'd' => 0,
        _ => return Err(err!(INTERNAL_ERROR, "unrecognized weight: {}", letter as i8)),
    };
    let mut lexemes = read(args[0].bytes());
    for p in lexemes.iter_mut().flat_map(|l| &mut l.positions) {
        *p = entry(heavy, position(*p));
    }
    push(out, lexemes)
}

/// The number of a weight's letter.
fn letter(d: Datum<'_>) -> Option<u16> {
    match d.bytes().first().copied().unwrap_or(0).to_ascii_lowercase() {
        b'a' => Some(3),
        b'b' => Some(2),
        b'c' => Some(1),
        b'd' => Some(0),
        _ => None,
    }
}

/// The texts of an array of lexemes, in order; NULL is none.
fn named(array: &[u8]) -> Vec<String> {
    let there = Array::new(array).iter().filter(|d| !d.is_null());
    let mut all: Vec<String> = there.map(|d| d.str().to_owned()).collect();
    all.sort_unstable();
    all
}

fn set_weight_of(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let unknown = || err!(INTERNAL_ERROR, "unrecognized weight: {}", String::from_utf8_lossy(args[1].bytes()));
    let heavy = letter(args[1]).ok_or_else(unknown)?;
    let named = named(args[2].bytes());
    let mut lexemes = read(args[0].bytes());
    for l in lexemes.iter_mut().filter(|l| named.binary_search(&l.text).is_ok()) {
        l.positions.iter_mut().for_each(|p| *p = entry(heavy, position(*p)));
    }
    push(out, lexemes)
}

fn delete(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let gone = args[1].str();
    push(out, read(args[0].bytes()).into_iter().filter(|l| l.text != gone).collect())
}

fn delete_all(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let gone = named(args[1].bytes());
    push(out, read(args[0].bytes()).into_iter().filter(|l| gone.binary_search(&l.text).is_err()).collect())
}

/// Only the positions of some weights, and the lexemes that have any.
fn filter(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut wanted = 0u8;
    for d in Array::new(args[1].bytes()).iter() {
        if d.is_null() {
            return Err(err!(NULL_VALUE_NOT_ALLOWED, "weight array may not contain nulls"));
        }
        let shown = || String::from_utf8_lossy(d.bytes()).into_owned();
        let heavy = letter(d);
        wanted |= 1 << heavy.ok_or_else(|| err!(INVALID_PARAMETER_VALUE, "unrecognized weight: \"{}\"", shown()))?;
    }
    let mut lexemes = read(args[0].bytes());
    lexemes.iter_mut().for_each(|l| l.positions.retain(|p| wanted >> weight(*p) & 1 == 1));
    lexemes.retain(|l| !l.positions.is_empty());
    push(out, lexemes)
}

/// The positions of the second come after those of the first.
fn concat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut all = read(args[0].bytes());
    let last = all.iter().flat_map(|l| &l.positions).map(|p| position(*p)).max().unwrap_or(0);
    for mut l in read(args[1].bytes()) {
        l.positions.iter_mut().for_each(|p| *p = entry(weight(*p), position(*p).saturating_add(last)));
        all.push(l);
    }
    push(out, all)
}

fn to_array(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let lexemes = read(args[0].bytes());
    let mut b = array::Builder::new(oid::TEXT);
    lexemes.iter().for_each(|l| b.push(Datum::Bytes(l.text.as_bytes())));
    out.push(Datum::Bytes(&b.finish()));
    Ok(())
}

fn of_array(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut lexemes = Vec::new();
    for item in Array::new(args[0].bytes()).iter() {
        match item {
            Datum::Null => return Err(err!(NULL_VALUE_NOT_ALLOWED, "lexeme array may not contain nulls")),
            v if v.str().is_empty() => {
                return Err(err!(ZERO_LENGTH_CHARACTER_STRING, "lexeme array may not contain empty strings"));
            }
            v => lexemes.push(Lexeme { text: v.str().to_string(), positions: Vec::new() }),
        }
    }
    push(out, lexemes)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("tsvector_length", Scalar(length)),
    ("tsvector_strip", Scalar(strip)),
    ("tsvector_setweight", Scalar(set_weight)),
    ("tsvector_concat", Scalar(concat)),
    ("tsvector_to_array", Scalar(to_array)),
    ("array_to_tsvector", Scalar(of_array)),
    ("tsvector_setweight_by_filter", Scalar(set_weight_of)),
    ("tsvector_delete_str", Scalar(delete)),
    ("tsvector_delete_arr", Scalar(delete_all)),
    ("tsvector_filter", Scalar(filter)),
];
