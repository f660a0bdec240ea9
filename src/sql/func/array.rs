//! Functions and operators of arrays.

use super::{FnContext, FuncImpl, push_text};
use crate::base::memory::claim_much;
use crate::base::{Error, Oid, Result};
use crate::types::array::{Array, Builder, Dim, Dims, MAX_DIMS, MAX_SIZE, too_many_dims};
use crate::types::{self, Column, Datum, TypeRef, element_type, oid};
use crate::{bail, err};

type Args<'a, 'b> = &'a [Datum<'b>];

fn array<'a>(args: Args<'_, 'a>, n: usize) -> Array<'a> {
    Array::new(args[n].bytes())
}

fn push(out: &mut Column, stored: &[u8]) -> Result<()> {
    out.push(Datum::Bytes(stored));
    Ok(())
}

fn equal(typ: Oid, a: Datum<'_>, b: Datum<'_>) -> bool {
    match (a.is_null(), b.is_null()) {
        (false, false) => types::compare(TypeRef::of(typ), a, b).is_eq(),
        (x, y) => x && y,
    }
}

fn dimension(args: Args<'_, '_>) -> Option<Dim> {
    let n = args[1].i32();
    usize::try_from(n).ok()?.checked_sub(1).and_then(|at| array(args, 0).dims.get(at).copied())
}

fn length(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(dimension(args).map_or(Datum::Null, |d| Datum::I32(d.len as i32)));
    Ok(())
}

fn lower(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(dimension(args).map_or(Datum::Null, |d| Datum::I32(d.lower)));
    Ok(())
}

fn upper(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(dimension(args).map_or(Datum::Null, |d| Datum::I32(d.upper())));
    Ok(())
}

fn ndims(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let n = array(args, 0).dims.len();
    out.push(if n == 0 { Datum::Null } else { Datum::I32(n as i32) });
    Ok(())
}

fn dims(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let a = array(args, 0);
    if a.dims.is_empty() {
        out.push_null();
        return Ok(());
    }
    push_text(out, a.dims.iter().map(|d| format!("[{}:{}]", d.lower, d.upper())).collect::<String>())
}

fn cardinality(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::I32(array(args, 0).len() as i32));
    Ok(())
}

/// The element type of a call: that of an array argument, or of the result.
fn element_of(cx: &FnContext, array: Datum<'_>, at: usize) -> Oid {
    if !array.is_null() {
        return Array::new(array.bytes()).element;
    }
    element_type(cx.arg_type(at).oid).or_else(|| element_type(cx.ret_type().oid)).unwrap_or(oid::TEXT)
}

#[cold]
fn not_one_dimensional() -> Error {
    err!(DATA_EXCEPTION, "argument must be empty or one-dimensional array")
}

fn add_element(
    cx: &FnContext,
    list: Datum<'_>,
    at: usize,
    value: Datum<'_>,
    front: bool,
    out: &mut Column,
) -> Result<()> {
    let mut b = Builder::new(element_of(cx, list, at));
    let mut lower = 1;
    if list.is_null() {
        b.push(value);
        return push(out, &b.finish());
    }
    let a = Array::new(list.bytes());
    match a.dims.as_slice() {
        [] => {}
        [d] => lower = d.lower,
        _ => return Err(not_one_dimensional()),
    }
    if front {
        b.push(value);
    }
    a.iter().for_each(|v| b.push(v));
    if !front {
        b.push(value);
    }
    let len = b.len();
    push(out, &b.finish_with(Dims::from_slice(&[Dim { len, lower }])))
}

fn append(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    add_element(cx, args[0], 0, args[1], false, out)
}

fn prepend(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    add_element(cx, args[1], 1, args[0], true, out)
}

fn cat(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() || args[1].is_null() {
        out.push(if args[0].is_null() { args[1] } else { args[0] });
        return Ok(());
    }
    let (a, b) = (array(args, 0), array(args, 1));
    if a.dims.is_empty() || b.dims.is_empty() {
        out.push(if a.dims.is_empty() { args[1] } else { args[0] });
        return Ok(());
    }
    let incompatible =
        |detail: &str| err!(ARRAY_SUBSCRIPT_ERROR, "cannot concatenate incompatible arrays").detail(detail);
    let (n, m) = (a.dims.len(), b.dims.len());
    let mut dims = if n == m {
        if a.dims[1..] != b.dims[1..] {
            return Err(incompatible("Arrays with differing element dimensions are not compatible for concatenation."));
        }
        let mut d = a.dims.clone();
        d[0].len += b.dims[0].len;
        d
    } else if n == m + 1 {
        if a.dims[1..] != b.dims[..] {
            return Err(incompatible("Arrays with differing dimensions are not compatible for concatenation."));
        }
        let mut d = a.dims.clone();
        d[0].len += 1;
        d
    } else if m == n + 1 {
        if b.dims[1..] != a.dims[..] {
            return Err(incompatible("Arrays with differing dimensions are not compatible for concatenation."));
        }
        let mut d = b.dims.clone();
        d[0].len += 1;
        d
    } else {
        return Err(incompatible(&format!("Arrays of {n} and {m} dimensions are not compatible for concatenation.")));
    };
    let mut builder = Builder::new(a.element);
    a.iter().chain(b.iter()).for_each(|v| builder.push(v));
    push(out, &builder.finish_with(std::mem::take(&mut dims)))
}

fn position_from(args: Args<'_, '_>, start: Option<i32>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let a = array(args, 0);
    if a.dims.len() > 1 {
        bail!(FEATURE_NOT_SUPPORTED, "searching for elements in multidimensional arrays is not supported");
    }
    let first = a.dims.first().map_or(1, |d| d.lower);
    let found = a
        .iter()
        .enumerate()
        .map(|(i, v)| (first + i as i32, v))
        .find(|(at, v)| start.is_none_or(|s| *at >= s) && equal(a.element, *v, args[1]));
    out.push(found.map_or(Datum::Null, |(at, _)| Datum::I32(at)));
    Ok(())
}

fn position(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    position_from(args, None, out)
}

fn position_start(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[2].is_null() {
        bail!(NULL_VALUE_NOT_ALLOWED, "initial position must not be null");
    }
    position_from(args, Some(args[2].i32()), out)
}

fn positions(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let a = array(args, 0);
    if a.dims.len() > 1 {
        bail!(FEATURE_NOT_SUPPORTED, "searching for elements in multidimensional arrays is not supported");
    }
    let first = a.dims.first().map_or(1, |d| d.lower);
    let mut b = Builder::new(oid::INT4);
    for (i, v) in a.iter().enumerate().filter(|(_, v)| equal(a.element, *v, args[1])) {
        let _ = v;
        b.push(Datum::I32(first + i as i32));
    }
    push(out, &b.finish())
}

fn remove(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let a = array(args, 0);
    if a.dims.len() > 1 {
        bail!(FEATURE_NOT_SUPPORTED, "removing elements from multidimensional arrays is not supported");
    }
    let mut b = Builder::new(a.element);
    a.iter().filter(|v| !equal(a.element, *v, args[1])).for_each(|v| b.push(v));
    let (len, lower) = (b.len(), a.dims.first().map_or(1, |d| d.lower));
    push(out, &b.finish_with(Dims::from_slice(&[Dim { len, lower }])))
}

fn replace(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    if args[0].is_null() {
        out.push_null();
        return Ok(());
    }
    let a = array(args, 0);
    let mut b = Builder::new(a.element);
    a.iter().for_each(|v| b.push(if equal(a.element, v, args[1]) { args[2] } else { v }));
    push(out, &b.finish_with(a.dims))
}

fn contains(a: &Array<'_>, b: &Array<'_>) -> bool {
    b.iter().all(|x| !x.is_null() && a.iter().any(|y| !y.is_null() && equal(a.element, x, y)))
}

fn contains_op(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(contains(&array(args, 0), &array(args, 1))));
    Ok(())
}

fn contained_op(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::Bool(contains(&array(args, 1), &array(args, 0))));
    Ok(())
}

fn overlap(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (array(args, 0), array(args, 1));
    let common = a.iter().any(|x| !x.is_null() && b.iter().any(|y| !y.is_null() && equal(a.element, x, y)));
    out.push(Datum::Bool(common));
    Ok(())
}

fn fill_with(
    cx: &FnContext,
    value: Datum<'_>,
    lens: Datum<'_>,
    lowers: Option<Datum<'_>>,
    out: &mut Column,
) -> Result<()> {
    let numbers = |d: Datum<'_>| -> Result<Vec<i32>> {
        let a = Array::new(d.bytes());
        if a.dims.len() > 1 {
            return Err(err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
                .detail("Dimension array must be one dimensional."));
        }
        if a.has_nulls() {
            bail!(NULL_VALUE_NOT_ALLOWED, "dimension values cannot be null");
        }
        Ok(a.iter().map(|v| v.i32()).collect())
    };
    if lens.is_null() || lowers.is_some_and(|l| l.is_null()) {
        bail!(NULL_VALUE_NOT_ALLOWED, "dimension array or low bound array cannot be null");
    }
    let lens = numbers(lens)?;
    let lowers = match lowers {
        Some(l) => numbers(l)?,
        None => vec![1; lens.len()],
    };
    if lowers.len() != lens.len() {
        return Err(err!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts")
            .detail("Low bound array has different size than dimensions array."));
    }
    if lens.len() > MAX_DIMS {
        return Err(too_many_dims(lens.len()));
    }
    let too_large = || err!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_SIZE})");
    let mut count: usize = 1;
    for len in &lens {
        count = usize::try_from(*len)
            .ok()
            .and_then(|l| count.checked_mul(l))
            .filter(|c| *c <= MAX_SIZE)
            .ok_or_else(too_large)?;
    }
    let element = element_type(cx.ret_type().oid).unwrap_or(cx.arg_type(0).oid);
    let mut b = Builder::new(element);
    if !lens.is_empty() {
        claim_much(count.saturating_mul(4 * (value.bytes_len() + 8)), "ExprContext")?;
        (0..count).for_each(|_| b.push(value));
    }
    let dims = lens.iter().zip(&lowers).map(|(len, lower)| Dim { len: *len as usize, lower: *lower }).collect();
    push(out, &b.finish_with(dims))
}

fn fill(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    fill_with(cx, args[0], args[1], None, out)
}

fn fill_bounds(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    fill_with(cx, args[0], args[1], Some(args[2]), out)
}

fn trim(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, n) = (array(args, 0), args[1].i32());
    let len = a.dims.first().map_or(0, |d| d.len);
    if n < 0 || n as usize > len {
        bail!(ARRAY_SUBSCRIPT_ERROR, "number of elements to trim must be between 0 and {len}");
    }
    let bounds = a.dims.first().map_or(0, |d| d.lower + (len as i32 - n) - 1);
    push(out, &a.slice(&[(None, Some(bounds))]))
}

/// `width_bucket(value, thresholds)`: how many thresholds are not greater.
fn width_bucket(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let a = array(args, 1);
    if a.dims.len() > 1 {
        bail!(ARRAY_SUBSCRIPT_ERROR, "thresholds must be one-dimensional array");
    }
    if a.has_nulls() {
        bail!(NULL_VALUE_NOT_ALLOWED, "thresholds array must not contain NULLs");
    }
    let typ = TypeRef::of(a.element);
    let all: Vec<Datum<'_>> = a.iter().collect();
    out.push(Datum::I32(all.partition_point(|t| types::compare(typ, *t, args[0]).is_le()) as i32));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("array_length", Scalar(length)),
    ("array_lower", Scalar(lower)),
    ("array_upper", Scalar(upper)),
    ("array_ndims", Scalar(ndims)),
    ("array_dims", Scalar(dims)),
    ("array_cardinality", Scalar(cardinality)),
    ("array_append", Scalar(append)),
    ("array_prepend", Scalar(prepend)),
    ("array_cat", Scalar(cat)),
    ("array_position", Scalar(position)),
    ("array_position_start", Scalar(position_start)),
    ("array_positions", Scalar(positions)),
    ("array_remove", Scalar(remove)),
    ("array_replace", Scalar(replace)),
    ("arraycontains", Scalar(contains_op)),
    ("arraycontained", Scalar(contained_op)),
    ("arrayoverlap", Scalar(overlap)),
    ("array_fill", Scalar(fill)),
    ("array_fill_with_lower_bounds", Scalar(fill_bounds)),
    ("trim_array", Scalar(trim)),
    ("width_bucket_array", Scalar(width_bucket)),
];
