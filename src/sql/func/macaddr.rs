//! Functions of `macaddr` and `macaddr8`.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::err;
use crate::types::{Column, Datum, macaddr};

type Args<'a, 'b> = &'a [Datum<'b>];

fn push(out: &mut Column, bytes: impl AsRef<[u8]>) -> Result<()> {
    out.push(Datum::Bytes(bytes.as_ref()));
    Ok(())
}

fn not(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, args[0].bytes().iter().map(|b| !b).collect::<Vec<_>>())
}

fn combine(args: Args<'_, '_>, f: fn(u8, u8) -> u8) -> Vec<u8> {
    args[0].bytes().iter().zip(args[1].bytes()).map(|(a, b)| f(*a, *b)).collect()
}

fn and(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, combine(args, |a, b| a & b))
}

fn or(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, combine(args, |a, b| a | b))
}

/// The manufacturer's part.
fn trunc(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, args[0].bytes().iter().enumerate().map(|(n, b)| if n < 3 { *b } else { 0 }).collect::<Vec<_>>())
}

fn widen(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, macaddr::widened(args[0].bytes()))
}

fn narrow(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    match *args[0].bytes() {
        [a, b, c, 0xFF, 0xFE, d, e, f] => push(out, [a, b, c, d, e, f]),
        _ => Err(err!(NUMERIC_VALUE_OUT_OF_RANGE, "macaddr8 data out of range to convert to macaddr").hint(
            "Only addresses that have FF and FE as values in the 4th and 5th bytes from the left, for example xx:xx:xx:ff:fe:xx:xx:xx, are eligible to be converted from macaddr8 to macaddr.",
        )),
    }
}

fn set_local_bit(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let mut bytes = args[0].bytes().to_vec();
    if let Some(first) = bytes.first_mut() {
        *first |= 2;
    }
    push(out, bytes)
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("macaddr_not", Scalar(not)),
    ("macaddr_and", Scalar(and)),
    ("macaddr_or", Scalar(or)),
    ("macaddr_trunc", Scalar(trunc)),
    ("macaddr8_not", Scalar(not)),
    ("macaddr8_and", Scalar(and)),
    ("macaddr8_or", Scalar(or)),
    ("macaddr8_trunc", Scalar(trunc)),
    ("macaddrtomacaddr8", Scalar(widen)),
    ("macaddr8tomacaddr", Scalar(narrow)),
    ("macaddr8_set7bit", Scalar(set_local_bit)),
];
