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
];
