//! `cube`: boxes in up to a hundred dimensions. What they are is in [`crate::types::cube`].

use super::{Code, Extension, PLAIN, form, index_only};
use crate::base::{Error, Result, SqlState};
use crate::err;
use crate::sql::func::FnContext;
use crate::types::array::Array;
use crate::types::cube::{CODE, Cube, MAX_DIMS};
use crate::types::{Column, Datum};

pub(super) const EXTENSION: Extension = Extension {
    name: "cube",
    version: "1.5",
    comment: "data type for multidimensional cubes",
    script: include_str!("cube.sql"),
    code: &[
        ("cube_in", Code::Scalar(|_, a, out| form::read(&CODE, a, out))),
        ("cube_out", Code::Scalar(|_, a, out| form::show(&CODE, a, out))),
        ("cube_recv", Code::Scalar(|_, a, out| form::receive(&CODE, a, out))),
        ("cube_send", Code::Scalar(|_, a, out| form::send(&CODE, a, out))),
        ("cube_a_f8_f8", Code::Scalar(of_corners)),
        ("cube_a_f8", Code::Scalar(|_, a, out| push(&Cube::point(coordinates(a[0], "array is too long")?), out))),
        ("cube_eq", Code::Scalar(|_, a, out| truth(order(a).is_eq(), out))),
        ("cube_ne", Code::Scalar(|_, a, out| truth(order(a).is_ne(), out))),
        ("cube_lt", Code::Scalar(|_, a, out| truth(order(a).is_lt(), out))),
        ("cube_gt", Code::Scalar(|_, a, out| truth(order(a).is_gt(), out))),
        ("cube_le", Code::Scalar(|_, a, out| truth(order(a).is_le(), out))),
        ("cube_ge", Code::Scalar(|_, a, out| truth(order(a).is_ge(), out))),
        ("cube_cmp", Code::Scalar(|_, a, out| integer(order(a) as i32, out))),
        ("cube_contains", Code::Scalar(|_, a, out| truth(cube(a[0]).contains(&cube(a[1])), out))),
        ("cube_contained", Code::Scalar(|_, a, out| truth(cube(a[1]).contains(&cube(a[0])), out))),
        ("cube_overlap", Code::Scalar(|_, a, out| truth(cube(a[0]).overlaps(&cube(a[1])), out))),
        ("cube_union", Code::Scalar(|_, a, out| push(&cube(a[0]).union(&cube(a[1])), out))),
        ("cube_inter", Code::Scalar(|_, a, out| push(&cube(a[0]).intersection(&cube(a[1])), out))),
        ("cube_size", Code::Scalar(|_, a, out| number(cube(a[0]).size(), out))),
        ("cube_subset", Code::Scalar(subset)),
        ("cube_distance", Code::Scalar(|_, a, out| number(cube(a[0]).distance(&cube(a[1])), out))),
        ("distance_chebyshev", Code::Scalar(|_, a, out| number(cube(a[0]).chebyshev(&cube(a[1])), out))),
        ("distance_taxicab", Code::Scalar(|_, a, out| number(cube(a[0]).taxicab(&cube(a[1])), out))),
        ("cube_dim", Code::Scalar(|_, a, out| integer(cube(a[0]).dims() as i32, out))),
        ("cube_ll_coord", Code::Scalar(|_, a, out| number(bound(a, Cube::low), out))),
        ("cube_ur_coord", Code::Scalar(|_, a, out| number(bound(a, Cube::high), out))),
        ("cube_coord", Code::Scalar(coordinate)),
        ("cube_coord_llur", Code::Scalar(corner_coordinate)),
        ("cube_f8", Code::Scalar(|_, a, out| push(&Cube::point(vec![a[0].f64()]), out))),
        ("cube_f8_f8", Code::Scalar(|_, a, out| push(&Cube::of(vec![a[0].f64()], vec![a[1].f64()]), out))),
        ("cube_c_f8", Code::Scalar(|_, a, out| extended(a[0], a[1].f64(), a[1].f64(), out))),
        ("cube_c_f8_f8", Code::Scalar(|_, a, out| extended(a[0], a[1].f64(), a[2].f64(), out))),
        ("cube_is_point", Code::Scalar(|_, a, out| truth(cube(a[0]).is_point(), out))),
        ("cube_enlarge", Code::Scalar(enlarge)),
        ("g_cube_consistent", Code::Scalar(index_only)),
        ("g_cube_distance", Code::Scalar(index_only)),
    ],
    ..PLAIN
};

fn cube(value: Datum<'_>) -> Cube {
    Cube::read(value.bytes())
}

fn push(value: &Cube, out: &mut Column) -> Result<()> {
    out.push(Datum::Bytes(&value.stored()));
    Ok(())
}

fn truth(value: bool, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(value));
    Ok(())
}

fn integer(value: i32, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(value));
    Ok(())
}

fn number(value: f64, out: &mut Column) -> Result<()> {
    out.push(Datum::F64(value));
    Ok(())
}

fn order(args: &[Datum<'_>]) -> std::cmp::Ordering {
    cube(args[0]).compare(&cube(args[1]))
}

fn element_error(text: impl Into<String>) -> Error {
    Error::new(SqlState::ARRAY_SUBSCRIPT_ERROR, text.into())
}

fn too_many(text: &str) -> Error {
    err!(PROGRAM_LIMIT_EXCEEDED, "{text}").detail(format!("A cube cannot have more than {MAX_DIMS} dimensions."))
}

/// The elements of an array, which must not be NULL.
fn elements<'a>(value: Datum<'a>, long: &str) -> Result<Vec<Datum<'a>>> {
    let array = Array::new(value.bytes());
    if array.has_nulls() {
        return Err(element_error("cannot work with arrays containing NULLs"));
    }
    if array.len() > MAX_DIMS {
        return Err(too_many(long));
    }
    Ok(array.iter().collect())
}

fn coordinates(value: Datum<'_>, long: &str) -> Result<Vec<f64>> {
    Ok(elements(value, long)?.into_iter().map(|d| d.f64()).collect())
}

fn of_corners(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let has_nulls = |d: Datum<'_>| Array::new(d.bytes()).has_nulls();
    if has_nulls(args[0]) || has_nulls(args[1]) {
        return Err(element_error("cannot work with arrays containing NULLs"));
    }
    let (first, count) = (Array::new(args[0].bytes()).len(), Array::new(args[1].bytes()).len());
    if first != count {
        return Err(element_error("UR and LL arrays must be of same length"));
    }
    let corner = |n: usize| coordinates(args[n], "can't extend cube");
    push(&Cube::of(corner(0)?, corner(1)?), out)
}

fn bound(args: &[Datum<'_>], which: fn(&Cube, usize) -> f64) -> f64 {
    let n = args[1].i32();
    if n > 0 { which(&cube(args[0]), n as usize - 1) } else { 0.0 }
}

fn coordinate(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (c, n) = (cube(args[0]), args[1].i32());
    let at = usize::try_from(n).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < 2 * c.dims());
    let at = at.ok_or_else(|| element_error(format!("cube index {n} is out of bounds")))?;
    number(if at < c.dims() { c.first[at] } else { c.second[at - c.dims()] }, out)
}

fn corner_coordinate(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    match args[1].i32() {
        0 => Err(element_error("zero cube index is not defined")),
        n => number(crate::gist::cube_coordinate(&cube(args[0]), n, true), out),
    }
}

/// The chosen dimensions, in that order.
fn subset(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let c = cube(args[0]);
    let mut made = Cube { point: c.point, ..Cube::default() };
    for n in elements(args[1], "array is too long")? {
        let at = usize::try_from(n.i32()).ok().and_then(|n| n.checked_sub(1)).filter(|n| *n < c.dims());
        let at = at.ok_or_else(|| element_error("Index out of bounds"))?;
        made.first.push(c.first[at]);
        made.second.push(c.second[at]);
    }
    push(&made, out)
}

fn extended(of: Datum<'_>, a: f64, b: f64, out: &mut Column) -> Result<()> {
    let mut c = cube(of);
    if c.dims() >= MAX_DIMS {
        return Err(too_many("can't extend cube"));
    }
    c.first.push(a);
    c.second.push(b);
    c.point &= a == b;
    push(&c, out)
}

/// PostgreSQL 15, cube.c, cube_enlarge: what would turn inside out becomes its middle.
fn enlarge(_: &mut FnContext, args: &[Datum<'_>], out: &mut Column) -> Result<()> {
    let (c, by, dims) = (cube(args[0]), args[1].f64(), args[2].i32());
    let wanted = if by > 0.0 { usize::try_from(dims).unwrap_or(0).min(MAX_DIMS) } else { 0 };
    let (mut first, mut second) = (Vec::new(), Vec::new());
    for n in 0..c.dims().max(wanted) {
        let (mut low, mut high) = (c.low(n) - by, c.high(n) + by);
        if low > high {
            low = f64::midpoint(low, high);
            high = low;
        }
        first.push(low);
        second.push(high);
    }
    push(&Cube::of(first, second), out)
}
