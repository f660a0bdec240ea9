//! `intarray`: arrays of integers as sets, and formulas over them.

use super::{Code, Extension, PLAIN, index_only};
use crate::base::Result;
use crate::err;
use crate::sql::func::FnContext;
use crate::types::array::{Array, Builder, from_values};
use crate::types::intarray::{CODE, Formula};
use crate::types::{Column, Datum, oid};

pub(super) const EXTENSION: Extension = Extension {
    name: "intarray",
    version: "1.5",
    comment: "functions, operators, and index support for 1-D arrays of integers",
    script: include_str!("intarray.sql"),
    code: &[
        ("bqarr_in", Code::Scalar(read)),
        ("bqarr_out", Code::Scalar(show)),
        ("querytree", Code::Scalar(|_, _, _| Err(err!(INTERNAL_ERROR, "querytree is no longer implemented")))),
        ("boolop", Code::Scalar(|_, a, out| holds(a[0], a[1], out))),
        ("rboolop", Code::Scalar(|_, a, out| holds(a[1], a[0], out))),
        ("_int_matchsel", Code::Scalar(index_only)),
        ("_int_contains", Code::Scalar(|_, a, out| truth(contains(&set(a[0])?, &set(a[1])?), out))),
        ("_int_contained", Code::Scalar(|_, a, out| truth(contains(&set(a[1])?, &set(a[0])?), out))),
        ("_int_overlap", Code::Scalar(|_, a, out| truth(!common(&set(a[0])?, &set(a[1])?).is_empty(), out))),
        ("_int_same", Code::Scalar(|_, a, out| truth(sorted(a[0])? == sorted(a[1])?, out))),
        ("_int_different", Code::Scalar(|_, a, out| truth(sorted(a[0])? != sorted(a[1])?, out))),
        ("_int_union", Code::Scalar(union)),
        ("_int_inter", Code::Scalar(|_, a, out| push(common(&set(a[0])?, &set(a[1])?), out))),
        ("_int_overlap_sel", Code::Scalar(index_only)),
        ("_int_contains_sel", Code::Scalar(index_only)),
        ("_int_contained_sel", Code::Scalar(index_only)),
        ("_int_overlap_joinsel", Code::Scalar(index_only)),
        ("_int_contains_joinsel", Code::Scalar(index_only)),
        ("_int_contained_joinsel", Code::Scalar(index_only)),
        ("intset", Code::Scalar(|_, a, out| push([a[0].i32()], out))),
        ("icount", Code::Scalar(count)),
        ("sort", Code::Scalar(sort)),
        ("sort_asc", Code::Scalar(|_, a, out| in_order(a[0], false, out))),
        ("sort_desc", Code::Scalar(|_, a, out| in_order(a[0], true, out))),
        ("uniq", Code::Scalar(uniq)),
        ("idx", Code::Scalar(position)),
        ("subarray", Code::Scalar(part)),
        ("intarray_push_elem", Code::Scalar(|_, a, out| push(numbers(a[0])?.into_iter().chain([a[1].i32()]), out))),
        ("intarray_push_array", Code::Scalar(|_, a, out| push([numbers(a[0])?, numbers(a[1])?].concat(), out))),
        (
            "intarray_del_elem",
            Code::Scalar(|_, a, out| push(numbers(a[0])?.into_iter().filter(|n| *n != a[1].i32()), out)),
        ),
        ("intset_union_elem", Code::Scalar(union_element)),
        ("intset_subtract", Code::Scalar(subtract)),
        ("g_int_consistent", Code::Scalar(index_only)),
        ("g_intbig_consistent", Code::Scalar(index_only)),
    ],
    ..PLAIN
};

fn read(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&(CODE.read)(args[0].str())?));
    Ok(())
}

fn show(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn truth(value: bool, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(value));
    Ok(())
}

fn number(value: usize, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(value as i32));
    Ok(())
}

fn push(numbers: impl IntoIterator<Item = i32>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&from_values(oid::INT4, numbers.into_iter().map(Datum::I32))));
    Ok(())
}

/// # Errors
/// 22004 for NULLs (PostgreSQL 15, _int.h, CHECKARRVALID).
fn checked(value: Datum<'_>) -> Result<Array<'_>> {
    let array = Array::new(value.bytes());
    if array.has_nulls() {
        return Err(err!(NULL_VALUE_NOT_ALLOWED, "array must not contain nulls"));
    }
    Ok(array)
}

fn numbers(value: Datum<'_>) -> Result<Vec<i32>> {
    Ok(checked(value)?.iter().map(|d| d.i32()).collect())
}

fn sorted(value: Datum<'_>) -> Result<Vec<i32>> {
    let mut all = numbers(value)?;
    all.sort_unstable();
    Ok(all)
}

/// Each once, ascending.
fn set(value: Datum<'_>) -> Result<Vec<i32>> {
    let mut all = sorted(value)?;
    all.dedup();
    Ok(all)
}

fn contains(all: &[i32], some: &[i32]) -> bool {
    some.iter().all(|n| all.binary_search(n).is_ok())
}

fn common(a: &[i32], b: &[i32]) -> Vec<i32> {
    a.iter().copied().filter(|n| b.binary_search(n).is_ok()).collect()
}

fn holds(array: Datum<'_>, formula: Datum<'_>, out: &mut Column) -> Result<()> {
    let all = set(array)?;
    truth(Formula::of(formula.bytes()).holds(|n| all.binary_search(&n).is_ok()), out)
}

fn union(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut all = [numbers(args[0])?, numbers(args[1])?].concat();
    all.sort_unstable();
    all.dedup();
    push(all, out)
}

fn union_element(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut all = numbers(args[0])?;
    all.push(args[1].i32());
    all.sort_unstable();
    all.dedup();
    push(all, out)
}

fn subtract(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let gone = set(args[1])?;
    push(set(args[0])?.into_iter().filter(|n| gone.binary_search(n).is_err()), out)
}

fn count(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    number(Array::new(args[0].bytes()).len(), out)
}

fn sort(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    // Where there is nothing to sort nobody asks how.
    let few = numbers(args[0])?.len() < 2;
    let down = match args.get(1).map(|d| d.str().to_ascii_lowercase()).as_deref() {
        None | Some("asc") => false,
        Some("desc") => true,
        Some(_) if few => false,
        Some(_) => {
            let text = "second parameter must be \"ASC\" or \"DESC\"";
            return Err(err!(INVALID_PARAMETER_VALUE, "{text}"));
        }
    };
    in_order(args[0], down, out)
}

/// Sorted, in the array's own dimensions.
fn in_order(value: Datum<'_>, down: bool, out: &mut Column) -> Result<()> {
    let mut all = sorted(value)?;
    if down {
        all.reverse();
    }
    let mut b = Builder::new(oid::INT4);
    all.into_iter().for_each(|n| b.push(Datum::I32(n)));
    out.push(Datum::Bytes(&b.finish_with(checked(value)?.dims)));
    Ok(())
}

/// Of equal numbers that follow each other the first stays.
fn uniq(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let mut all = numbers(args[0])?;
    let before = all.len();
    all.dedup();
    let mut dims = checked(args[0])?.dims;
    if all.len() != before {
        let mut left = all.len();
        dims.iter_mut().for_each(|d| d.len = std::mem::replace(&mut left, 1));
    }
    let mut b = Builder::new(oid::INT4);
    all.into_iter().for_each(|n| b.push(Datum::I32(n)));
    out.push(Datum::Bytes(&b.finish_with(dims)));
    Ok(())
}

fn position(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let sought = args[1].i32();
    number(numbers(args[0])?.iter().position(|n| *n == sought).map_or(0, |at| at + 1), out)
}

/// PostgreSQL 15, _int_op.c, subarray.
fn part(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let all = numbers(args[0])?;
    let count = all.len() as i64;
    let start = i64::from(args[1].i32());
    let length = args.get(2).map_or(0, |l| i64::from(l.i32()));
    let start = match start {
        1.. => start - 1,
        0 => 0,
        _ => count + start,
    };
    let end = match length {
        0 => count,
        1.. => start + length,
        _ => count + length,
    };
    let (from, to) = (start.clamp(0, count), end.clamp(0, count));
    push(all[from as usize..to.max(from) as usize].iter().copied(), out)
}
