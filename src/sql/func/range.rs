//! Functions of ranges and multiranges.

use super::{FnContext, FuncImpl};
use crate::base::Result;
use crate::types::array::Array;
use crate::types::numeric::Numeric;
use crate::types::range::{Bound, Multirange, Range, contains_range, intersect_all, multirange_of, subtract_all};
use crate::types::{Column, Datum};
use crate::{bail, err};

type Args<'a, 'b> = &'a [Datum<'b>];

fn range<'b>(args: Args<'_, 'b>, n: usize) -> Range<'b> {
    Range::new(args[n].bytes())
}

fn multi<'b>(args: Args<'_, 'b>, n: usize) -> Multirange<'b> {
    Multirange::new(args[n].bytes())
}

fn push(out: &mut Column, bytes: Vec<u8>) -> Result<()> {
    out.push(Datum::Bytes(&bytes));
    Ok(())
}

fn construct(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (lower, upper) = match args.get(2) {
        None => (true, false),
        Some(Datum::Null) => bail!(DATA_EXCEPTION, "range constructor flags argument must not be null"),
        Some(flags) => match flags.bytes() {
            b"[]" => (true, true),
            b"[)" => (true, false),
            b"(]" => (false, true),
            b"()" => (false, false),
            _ => {
                return Err(err!(SYNTAX_ERROR, "invalid range bound flags")
                    .hint("Valid values are \"[]\", \"[)\", \"(]\", and \"()\"."));
            }
        },
    };
    push(out, Range::make(cx.ret_type().oid, Bound::new(args[0], lower, true), Bound::new(args[1], upper, false))?)
}

/// `name = |cx?, arguments| answer` for functions that answer a truth.
macro_rules! tests {
    ($($name:ident($($arg:ident: $get:ident),*) = $body:expr;)*) => {$(
        fn $name(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
            let mut n = 0..;
            $(let $arg = $get(args, n.next().unwrap_or(0));)*
            out.push(Datum::Bool($body));
            Ok(())
        }
    )*};
}

fn value<'b>(args: Args<'_, 'b>, n: usize) -> Datum<'b> {
    args[n]
}

tests! {
    empty(r: range) = r.empty;
    lower_inc(r: range) = r.lower.inclusive;
    upper_inc(r: range) = r.upper.inclusive;
    lower_inf(r: range) = !r.empty && r.lower.infinite();
    upper_inf(r: range) = !r.empty && r.upper.infinite();
    overlaps(a: range, b: range) = a.overlaps(&b);
    contains_elem(r: range, v: value) = r.contains_value(v);
    elem_contained(v: value, r: range) = r.contains_value(v);
    contains(a: range, b: range) = a.contains(&b);
    contained(a: range, b: range) = b.contains(&a);
    adjacent(a: range, b: range) = a.adjacent(&b)?;
    before(a: range, b: range) = a.before(&b);
    after(a: range, b: range) = b.before(&a);
    overleft(a: range, b: range) = a.overleft(&b);
    overright(a: range, b: range) = a.overright(&b);
    m_empty(m: multi) = m.ranges.is_empty();
    m_lower_inc(m: multi) = m.span().lower.inclusive;
    m_upper_inc(m: multi) = m.span().upper.inclusive;
    m_lower_inf(m: multi) = !m.ranges.is_empty() && m.span().lower.infinite();
    m_upper_inf(m: multi) = !m.ranges.is_empty() && m.span().upper.infinite();
    r_overlaps_m(r: range, m: multi) = m.ranges.iter().any(|x| x.overlaps(&r));
    m_overlaps_r(m: multi, r: range) = m.ranges.iter().any(|x| x.overlaps(&r));
    m_overlaps_m(a: multi, b: multi) = a.ranges.iter().any(|x| b.ranges.iter().any(|y| x.overlaps(y)));
    m_contains_elem(m: multi, v: value) = m.ranges.iter().any(|r| r.contains_value(v));
    elem_contained_m(v: value, m: multi) = m.ranges.iter().any(|r| r.contains_value(v));
    m_contains_r(m: multi, r: range) = contains_range(&m.ranges, &r);
    r_contained_m(r: range, m: multi) = contains_range(&m.ranges, &r);
    r_contains_m(r: range, m: multi) = r.contains(&m.span());
    m_contained_r(m: multi, r: range) = r.contains(&m.span());
    m_contains_m(a: multi, b: multi) = b.ranges.iter().all(|r| contains_range(&a.ranges, r));
    m_contained_m(a: multi, b: multi) = a.ranges.iter().all(|r| contains_range(&b.ranges, r));
    r_adjacent_m(r: range, m: multi) = r.adjacent(&m.span())?;
    m_adjacent_r(m: multi, r: range) = m.span().adjacent(&r)?;
    m_adjacent_m(a: multi, b: multi) = a.span().adjacent(&b.span())?;
    r_before_m(r: range, m: multi) = r.before(&m.span());
    m_before_r(m: multi, r: range) = m.span().before(&r);
    m_before_m(a: multi, b: multi) = a.span().before(&b.span());
    r_after_m(r: range, m: multi) = m.span().before(&r);
    m_after_r(m: multi, r: range) = r.before(&m.span());
    m_after_m(a: multi, b: multi) = b.span().before(&a.span());
    r_overleft_m(r: range, m: multi) = r.overleft(&m.span());
    m_overleft_r(m: multi, r: range) = m.span().overleft(&r);
    m_overleft_m(a: multi, b: multi) = a.span().overleft(&b.span());
    r_overright_m(r: range, m: multi) = r.overright(&m.span());
    m_overright_r(m: multi, r: range) = m.span().overright(&r);
    m_overright_m(a: multi, b: multi) = a.span().overright(&b.span());
}

fn lower(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(range(args, 0).lower.value);
    Ok(())
}

fn upper(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(range(args, 0).upper.value);
    Ok(())
}

fn m_lower(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(multi(args, 0).span().lower.value);
    Ok(())
}

fn m_upper(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(multi(args, 0).span().upper.value);
    Ok(())
}

fn union(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, range(args, 0).union(&range(args, 1), true)?)
}

fn merge(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, range(args, 0).union(&range(args, 1), false)?)
}

fn intersect(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, range(args, 0).intersect(&range(args, 1))?)
}

fn minus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, range(args, 0).minus(&range(args, 1))?)
}

fn m_span(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, multi(args, 0).span().to_bytes())
}

fn m_union(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (multi(args, 0), multi(args, 1));
    let all: Vec<Vec<u8>> = a.ranges.iter().chain(&b.ranges).map(Range::to_bytes).collect();
    push(out, Multirange::make(a.typ, &all)?)
}

fn m_intersect(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (multi(args, 0), multi(args, 1));
    push(out, Multirange::make(a.typ, &intersect_all(&a.ranges, &b.ranges)?)?)
}

fn m_minus(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (multi(args, 0), multi(args, 1));
    push(out, Multirange::make(a.typ, &subtract_all(&a.ranges, &b.ranges)?)?)
}

fn m_construct0(cx: &mut FnContext, _: Args<'_, '_>, out: &mut Column) -> Result<()> {
    push(out, Multirange::make(cx.ret_type().oid, &[])?)
}

fn m_construct1(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let r = range(args, 0);
    let typ = multirange_of(r.typ).unwrap_or(crate::base::Oid::INVALID);
    push(out, Multirange::make(typ, &[r.to_bytes()])?)
}

fn m_construct2(cx: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let array = Array::new(args[0].bytes());
    if array.dims.len() > 1 {
        bail!(CARDINALITY_VIOLATION, "multiranges cannot be constructed from multidimensional arrays");
    }
    let mut ranges = Vec::with_capacity(array.len());
    for item in array.iter() {
        match item {
            Datum::Null => bail!(NULL_VALUE_NOT_ALLOWED, "multirange values cannot contain null members"),
            r => ranges.push(r.bytes().to_vec()),
        }
    }
    push(out, Multirange::make(cx.ret_type().oid, &ranges)?)
}

fn canonical(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(args[0]);
    Ok(())
}

fn int4_subdiff(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::F64(f64::from(args[0].i32()) - f64::from(args[1].i32())));
    Ok(())
}

fn int8_subdiff(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::F64(args[0].i64() as f64 - args[1].i64() as f64));
    Ok(())
}

fn numeric_subdiff(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    let (a, b) = (Numeric::from_bytes(args[0].bytes()), Numeric::from_bytes(args[1].bytes()));
    out.push(Datum::F64(a.sub(&b).to_f64()));
    Ok(())
}

fn micros_subdiff(_: &mut FnContext, args: Args<'_, '_>, out: &mut Column) -> Result<()> {
    out.push(Datum::F64((args[0].i64() as f64 - args[1].i64() as f64) / 1_000_000.0));
    Ok(())
}

use FuncImpl::Scalar;

pub(super) static TABLE: &[(&str, FuncImpl)] = &[
    ("range_constructor2", Scalar(construct)),
    ("range_constructor3", Scalar(construct)),
    ("range_lower", Scalar(lower)),
    ("range_upper", Scalar(upper)),
    ("range_empty", Scalar(empty)),
    ("range_lower_inc", Scalar(lower_inc)),
    ("range_upper_inc", Scalar(upper_inc)),
    ("range_lower_inf", Scalar(lower_inf)),
    ("range_upper_inf", Scalar(upper_inf)),
    ("range_overlaps", Scalar(overlaps)),
    ("range_contains_elem", Scalar(contains_elem)),
    ("elem_contained_by_range", Scalar(elem_contained)),
    ("range_contains", Scalar(contains)),
    ("range_contained_by", Scalar(contained)),
    ("range_adjacent", Scalar(adjacent)),
    ("range_before", Scalar(before)),
    ("range_after", Scalar(after)),
    ("range_overleft", Scalar(overleft)),
    ("range_overright", Scalar(overright)),
    ("range_union", Scalar(union)),
    ("range_merge", Scalar(merge)),
    ("range_intersect", Scalar(intersect)),
    ("range_minus", Scalar(minus)),
    ("int4range_canonical", Scalar(canonical)),
    ("int8range_canonical", Scalar(canonical)),
    ("daterange_canonical", Scalar(canonical)),
    ("int4range_subdiff", Scalar(int4_subdiff)),
    ("daterange_subdiff", Scalar(int4_subdiff)),
    ("int8range_subdiff", Scalar(int8_subdiff)),
    ("numrange_subdiff", Scalar(numeric_subdiff)),
    ("tsrange_subdiff", Scalar(micros_subdiff)),
    ("tstzrange_subdiff", Scalar(micros_subdiff)),
    ("range_merge_from_multirange", Scalar(m_span)),
    ("multirange_lower", Scalar(m_lower)),
    ("multirange_upper", Scalar(m_upper)),
    ("multirange_empty", Scalar(m_empty)),
    ("multirange_lower_inc", Scalar(m_lower_inc)),
    ("multirange_upper_inc", Scalar(m_upper_inc)),
    ("multirange_lower_inf", Scalar(m_lower_inf)),
    ("multirange_upper_inf", Scalar(m_upper_inf)),
    ("range_overlaps_multirange", Scalar(r_overlaps_m)),
    ("multirange_overlaps_range", Scalar(m_overlaps_r)),
    ("multirange_overlaps_multirange", Scalar(m_overlaps_m)),
    ("multirange_contains_elem", Scalar(m_contains_elem)),
    ("elem_contained_by_multirange", Scalar(elem_contained_m)),
    ("multirange_contains_range", Scalar(m_contains_r)),
    ("range_contained_by_multirange", Scalar(r_contained_m)),
    ("range_contains_multirange", Scalar(r_contains_m)),
    ("multirange_contained_by_range", Scalar(m_contained_r)),
    ("multirange_contains_multirange", Scalar(m_contains_m)),
    ("multirange_contained_by_multirange", Scalar(m_contained_m)),
    ("range_adjacent_multirange", Scalar(r_adjacent_m)),
    ("multirange_adjacent_range", Scalar(m_adjacent_r)),
    ("multirange_adjacent_multirange", Scalar(m_adjacent_m)),
    ("range_before_multirange", Scalar(r_before_m)),
    ("multirange_before_range", Scalar(m_before_r)),
    ("multirange_before_multirange", Scalar(m_before_m)),
    ("range_after_multirange", Scalar(r_after_m)),
    ("multirange_after_range", Scalar(m_after_r)),
    ("multirange_after_multirange", Scalar(m_after_m)),
    ("range_overleft_multirange", Scalar(r_overleft_m)),
    ("multirange_overleft_range", Scalar(m_overleft_r)),
    ("multirange_overleft_multirange", Scalar(m_overleft_m)),
    ("range_overright_multirange", Scalar(r_overright_m)),
    ("multirange_overright_range", Scalar(m_overright_r)),
    ("multirange_overright_multirange", Scalar(m_overright_m)),
    ("multirange_union", Scalar(m_union)),
    ("multirange_minus", Scalar(m_minus)),
    ("multirange_intersect", Scalar(m_intersect)),
    ("multirange_constructor0", Scalar(m_construct0)),
    ("multirange_constructor1", Scalar(m_construct1)),
    ("multirange_constructor2", Scalar(m_construct2)),
];
