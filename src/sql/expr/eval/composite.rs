//! Arrays and rows: building them, taking them apart.

use super::logic::set_operand;
use super::pieces::{apart, room};
use super::{Eval, Sel, document};
use crate::bail;
use crate::base::{Flow, Result};
use crate::sql::exec::{ExecContext, phys_of};
use crate::types::array::{Array, Builder, Dim, Dims, MAX_SIZE, nest};
use crate::types::record::{self, Record};
use crate::types::{Batch, Column, Datum, IoContext, Phys, TypeRef, element_type, oid};
use smallvec::SmallVec;

/// PostgreSQL 15, c.h, MAXDIM.
const MAX_DIMS: usize = 6;

pub(super) fn is_composite(ty: TypeRef) -> bool {
    ty.oid == oid::RECORD || crate::types::info(ty.oid).is_some_and(|i| i.kind == b'c')
}

pub(super) fn row_null_test(value: Datum<'_>, negated: bool, io: &IoContext) -> Result<bool> {
    if value.is_null() {
        return Ok(!negated);
    }
    let test = |r: &Record<'_>| r.columns.iter().all(|c| c.value.is_null() != negated);
    Ok(record::with_fitted(value.bytes(), io, test))
}

/// The elements of an array in storage order.
pub(crate) fn elements(array: Datum<'_>, element: TypeRef) -> Result<Column> {
    let array = Array::new(array.bytes());
    let mut out = Column::with_capacity(phys_of(element), array.len());
    array.iter().for_each(|v| out.push(v));
    Ok(out)
}

/// The answer of `ARRAY(select …)`: one dimension more if the elements are arrays themselves.
pub(crate) fn array_of(values: &Column, ty: TypeRef) -> Result<Vec<u8>> {
    // What has arrays of its own, as int2vector has, is an element (get_promoted_array_type).
    let info = crate::types::info(ty.oid);
    if let Some(element) = info.filter(|i| i.is_array() && !i.array.is_valid()).map(|i| i.element) {
        let parts: Vec<Datum<'_>> = (0..values.len()).map(|r| values.get(r)).collect();
        return nest(element, &parts);
    }
    let mut b = Builder::new(ty.oid);
    (0..values.len()).for_each(|r| b.push(values.get(r)));
    Ok(b.finish())
}

/// One bytes value per row.
pub(super) fn each(
    cx: &mut ExecContext,
    sel: Sel<'_>,
    mut make: impl FnMut(&mut ExecContext, usize) -> Flow<Option<Vec<u8>>>,
) -> Flow<Column> {
    let mut out = Column::with_capacity(Phys::Bytes, sel.len());
    for at in 0..sel.len() {
        match make(cx, at)? {
            Some(bytes) => out.push(Datum::Bytes(&bytes)),
            None => out.push_null(),
        }
        room(cx, &out, sel)?;
    }
    Ok(out)
}

fn columns(list: &mut [Eval], cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Vec<Column>> {
    let mut out = Vec::with_capacity(list.len());
    for e in list {
        out.push(e.eval(cx, batch, sel)?.into_owned());
    }
    Ok(out)
}

pub(super) fn array_cast(
    arg: &mut Eval,
    slot: usize,
    element: &mut Eval,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let from = TypeRef::of(element_type(arg.ty.oid).unwrap_or(arg.ty.oid));
    let to = element_type(ty.oid).unwrap_or(ty.oid);
    let arrays = arg.eval(cx, batch, sel)?.into_owned();
    each(cx, sel, |cx, at| {
        let Datum::Bytes(stored) = arrays.get(at) else { return Ok(None) };
        let values = elements(Datum::Bytes(stored), from)?;
        let count = values.len();
        let none = Batch { columns: Vec::new(), rows: count };
        set_operand(cx, slot, values, Sel::All(count));
        let cast = apart(cx, |cx| element.eval(cx, &none, Sel::All(count)))?;
        let mut b = Builder::new(to);
        (0..count).for_each(|r| b.push(cast.get(r)));
        Ok(Some(b.finish_with(Array::new(stored).dims.clone())))
    })
}

pub(super) fn array(
    items: &mut [Eval],
    nested: bool,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let element = element_type(ty.oid).unwrap_or(oid::TEXT);
    let values = columns(items, cx, batch, sel)?;
    each(cx, sel, |_, at| {
        if nested {
            let parts: Vec<Datum<'_>> = values.iter().map(|c| c.get(at)).collect();
            return Ok(Some(nest(element, &parts)?));
        }
        let mut b = Builder::new(element);
        values.iter().for_each(|c| b.push(c.get(at)));
        Ok(Some(b.finish()))
    })
}

pub(super) fn row(
    fields: &mut [Eval],
    names: &[String],
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let types: Vec<TypeRef> = fields.iter().map(Eval::ty).collect();
    let values = columns(fields, cx, batch, sel)?;
    let made: Vec<String> = (1..=types.len()).map(|n| format!("f{n}")).collect();
    let name = |n: usize| names.get(n).unwrap_or(&made[n]).as_str();
    each(cx, sel, |_, at| {
        let mut out = Vec::new();
        let parts = values.iter().enumerate().map(|(n, c)| (name(n), types[n].oid, c.get(at)));
        record::build(ty, parts, &mut out);
        Ok(Some(out))
    })
}

pub(super) fn field(
    arg: &mut Eval,
    index: usize,
    phys: Phys,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let fields = cx.fx.io.hooks.composite(crate::types::domain_base(arg.ty).oid);
    let rows = arg.eval(cx, batch, sel)?;
    let mut out = Column::with_capacity(phys, rows.len());
    for at in 0..rows.len() {
        match (rows.get(at), &fields) {
            (Datum::Null, _) => out.push_null(),
            (d, None) => out.push(Record::new(d.bytes()).field(index)),
            (d, Some(fields)) => out.push(Record::new(d.bytes()).fitted(fields).field(index)),
        }
    }
    Ok(out)
}

pub(super) fn field_set(
    arg: &mut Eval,
    index: usize,
    value: &mut Eval,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let ty = crate::types::domain_base(arg.ty);
    let rows = arg.eval(cx, batch, sel)?.into_owned();
    let values = value.eval(cx, batch, sel)?.into_owned();
    let fields = cx.fx.io.hooks.composite(ty.oid).unwrap_or_default();
    each(cx, sel, |_, at| {
        let stored = match rows.get(at) {
            Datum::Null => None,
            d => Some(Record::new(d.bytes()).fitted(&fields)),
        };
        let mut out = Vec::new();
        let old = |n: usize| stored.as_ref().map_or(Datum::Null, |r| r.field(n));
        let parts = fields
            .iter()
            .enumerate()
            .map(|(n, f)| (f.name.as_str(), f.typ.oid, if n == index { values.get(at) } else { old(n) }));
        record::build(ty, parts, &mut out);
        Ok(Some(out))
    })
}

/// Subscripts of all rows: a column for each bound given.
struct Bounds {
    lower: Vec<Option<Column>>,
    upper: Vec<Option<Column>>,
}

type BoundExprs<'a> = (&'a mut [Option<Eval>], &'a mut [Option<Eval>]);

impl Bounds {
    fn eval((lower, upper): BoundExprs<'_>, cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Bounds> {
        let mut all = |list: &mut [Option<Eval>]| -> Flow<Vec<Option<Column>>> {
            let mut out = Vec::with_capacity(list.len());
            for e in list {
                out.push(match e {
                    Some(e) => Some(e.eval(cx, batch, sel)?.into_owned()),
                    None => None,
                });
            }
            Ok(out)
        };
        Ok(Bounds { lower: all(lower)?, upper: all(upper)? })
    }

    /// The row's bounds; None if one of those given is NULL.
    fn row(&self, at: usize) -> Option<SmallVec<[(Option<i32>, Option<i32>); 2]>> {
        let one = |c: &Option<Column>| match c.as_ref().map(|c| c.get(at)) {
            None => Some(None),
            Some(Datum::I32(n)) => Some(Some(n)),
            Some(_) => None,
        };
        self.lower.iter().zip(&self.upper).map(|(l, u)| Some((one(l)?, one(u)?))).collect()
    }
}

pub(super) fn subscript(
    array: &mut Eval,
    bounds: BoundExprs<'_>,
    slice: bool,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    if let Some(rules) = document::rules(array.ty().oid) {
        return document::part(rules, array, bounds.1, cx, batch, sel);
    }
    let fixed = element_type(array.ty().oid).is_none();
    let arrays = array.eval(cx, batch, sel)?.into_owned();
    let bounds = Bounds::eval(bounds, cx, batch, sel)?;
    let mut out = Column::with_capacity(phys_of(ty), arrays.len());
    for at in 0..arrays.len() {
        let (stored, Some(b)) = (arrays.get(at), bounds.row(at)) else {
            out.push_null();
            continue;
        };
        match stored {
            Datum::Null => out.push_null(),
            stored if fixed => {
                let index = if b.len() == 1 { b[0].1.unwrap_or(-1) } else { -1 };
                push_part(stored.bytes(), index, ty.oid, &mut out);
            }
            stored if slice => {
                // A plain subscript among slices means 1:n.
                let cut = Array::new(stored.bytes()).slice(&b);
                out.push(Datum::Bytes(&cut));
            }
            stored => {
                let at: SmallVec<[i32; 2]> = b.iter().map(|(_, u)| u.unwrap_or(0)).collect();
                out.push(Array::new(stored.bytes()).get(&at));
            }
        }
    }
    Ok(out)
}

/// A part of a value of a fixed number of parts, counted from 0: a coordinate, a point, a character of a name.
fn push_part(stored: &[u8], index: i32, element: crate::base::Oid, out: &mut Column) {
    let width = width_of(element);
    let part = usize::try_from(index).ok().and_then(|n| n.checked_mul(width)).and_then(|from| {
        // A name is as long as its type, the rest of it zeros.
        if width == 1 && from >= stored.len() { (from < 64).then_some(&[][..]) } else { stored.get(from..from + width) }
    });
    match (part, element) {
        (None, _) => out.push_null(),
        (Some(p), oid::FLOAT8) => out.push(Datum::F64(f64::from_le_bytes(p.try_into().unwrap_or_default()))),
        (Some(p), _) => out.push(Datum::Bytes(p)),
    }
}

pub(super) fn subscript_set(
    array: &mut Eval,
    bounds: BoundExprs<'_>,
    slice: bool,
    value: &mut Eval,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    if let Some(rules) = document::rules(ty.oid) {
        return document::with_part(rules, array, bounds.1, value, cx, batch, sel);
    }
    let fixed = element_type(ty.oid).is_none();
    let element = element_type(ty.oid).unwrap_or(value.ty().oid);
    let arrays = array.eval(cx, batch, sel)?.into_owned();
    let bounds = Bounds::eval(bounds, cx, batch, sel)?;
    let values = value.eval(cx, batch, sel)?.into_owned();
    each(cx, sel, |_, at| {
        let Some(b) = bounds.row(at) else {
            bail!(NULL_VALUE_NOT_ALLOWED, "array subscript in assignment must not be null")
        };
        if fixed {
            return match (arrays.get(at), values.get(at)) {
                (Datum::Null, _) => Ok(None),
                (whole, Datum::Null) => Ok(Some(whole.bytes().to_vec())),
                (whole, part) => Ok(Some(assign_fixed(whole.bytes(), &b, part, element)?)),
            };
        }
        let empty = Builder::new(element).finish();
        let stored = match arrays.get(at) {
            Datum::Null => empty.as_slice(),
            d => d.bytes(),
        };
        let old = Array::new(stored);
        if slice {
            if values.is_null(at) {
                return Ok(Some(stored.to_vec()));
            }
            let new = Array::new(values.get(at).bytes());
            return Ok(Some(assign_slice(&old, &b, &new, element)?));
        }
        let index: SmallVec<[i32; 2]> = b.iter().map(|(_, u)| u.unwrap_or(0)).collect();
        Ok(Some(assign_element(&old, &index, values.get(at), element)?))
    })
}

/// The bytes of a part of a value of a fixed number of parts.
fn width_of(element: crate::base::Oid) -> usize {
    match element {
        oid::FLOAT8 => 8,
        oid::POINT => 16,
        _ => 1,
    }
}

/// `p[0] = v` of a value of a fixed number of parts (PostgreSQL 15, arrayfuncs.c, array_set_element: same errors).
fn assign_fixed(
    whole: &[u8],
    index: &[(Option<i32>, Option<i32>)],
    part: Datum<'_>,
    element: crate::base::Oid,
) -> Result<Vec<u8>> {
    let [(_, Some(n))] = index else { bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts") };
    let width = width_of(element);
    let from = usize::try_from(*n).ok().and_then(|n| n.checked_mul(width));
    let part = match part {
        Datum::F64(v) => v.to_le_bytes().to_vec(),
        v => v.bytes().to_vec(),
    };
    let mut out = whole.to_vec();
    // A name is as long as its type, the rest of it zeros that nobody sees.
    if width == 1 && from.is_some_and(|from| from >= out.len() && from <= crate::types::text::NAME_MAX) {
        return Ok(out);
    }
    match from.and_then(|from| out.get_mut(from..from + width)).filter(|_| part.len() == width) {
        Some(place) => place.copy_from_slice(&part),
        None => bail!(ARRAY_SUBSCRIPT_ERROR, "array subscript out of range"),
    }
    Ok(out)
}

/// `a[i] = v`. A one-dimensional array grows, the gap is filled with NULL.
///
/// PostgreSQL 15, arrayfuncs.c, array_set_element: same rules.
fn assign_element(old: &Array<'_>, index: &[i32], value: Datum<'_>, element: crate::base::Oid) -> Result<Vec<u8>> {
    if index.len() > MAX_DIMS {
        return Err(crate::types::array::too_many_dims(index.len()));
    }
    if old.dims.is_empty() {
        let dims: Dims = index.iter().map(|i| Dim { len: 1, lower: *i }).collect();
        let mut b = Builder::new(element);
        b.push(value);
        return Ok(b.finish_with(dims));
    }
    if old.dims.len() != index.len() {
        bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    }
    if let ([d], [i]) = (old.dims.as_slice(), index) {
        let lower = d.lower.min(*i);
        let upper = d.upper().max(*i);
        let len = span(lower, upper)?;
        let mut b = Builder::new(element);
        for n in lower..=upper {
            b.push(if n == *i { value } else { old.get(&[n]) });
        }
        return Ok(b.finish_with(Dims::from_slice(&[Dim { len, lower }])));
    }
    let Some(position) = old.position(index) else {
        bail!(ARRAY_SUBSCRIPT_ERROR, "array subscript out of range");
    };
    let mut b = Builder::new(element);
    old.iter().enumerate().for_each(|(n, v)| b.push(if n == position { value } else { v }));
    Ok(b.finish_with(old.dims.clone()))
}

/// A number of elements an array may have.
fn sized(elements: Option<usize>) -> Result<usize> {
    elements
        .filter(|n| *n <= MAX_SIZE)
        .ok_or_else(|| crate::err!(PROGRAM_LIMIT_EXCEEDED, "array size exceeds the maximum allowed ({MAX_SIZE})"))
}

/// Elements between two subscripts, both included; `lower` is not above `upper`.
fn span(lower: i32, upper: i32) -> Result<usize> {
    // As PostgreSQL, which counts them in 32 bits: the last subscript itself is out of reach.
    let next = upper.checked_add(1).map(i64::from);
    sized(next.map(|u| (u - i64::from(lower)) as usize))
}

/// `a[l:u] = source`. PostgreSQL 15, arrayfuncs.c, array_set_slice: same rules for one dimension; more dimensions must
/// lie inside the array.
fn assign_slice(
    old: &Array<'_>,
    bounds: &[(Option<i32>, Option<i32>)],
    source: &Array<'_>,
    element: crate::base::Oid,
) -> Result<Vec<u8>> {
    let too_small = || crate::err!(ARRAY_SUBSCRIPT_ERROR, "source array too small");
    let inverted = || crate::err!(ARRAY_SUBSCRIPT_ERROR, "upper bound cannot be less than lower bound");
    let dims: Dims = if old.dims.is_empty() {
        let mut dims = Dims::new();
        for (l, u) in bounds {
            let (Some(lower), Some(upper)) = (*l, *u) else {
                let text = "array slice subscript must provide both boundaries";
                let detail =
                    "When assigning to a slice of an empty array value, slice boundaries must be fully specified.";
                return Err(crate::err!(ARRAY_SUBSCRIPT_ERROR, "{text}").detail(detail));
            };
            if upper < lower {
                return Err(inverted());
            }
            dims.push(Dim { len: span(lower, upper)?, lower });
        }
        dims
    } else {
        old.dims.clone()
    };
    if dims.len() < bounds.len() {
        bail!(ARRAY_SUBSCRIPT_ERROR, "wrong number of array subscripts");
    }
    let mut ranges: Vec<(i32, i32)> = Vec::new();
    for (n, d) in dims.iter().enumerate() {
        let (l, u) = bounds.get(n).copied().unwrap_or((None, None));
        let (l, u) = (l.unwrap_or(d.lower), u.unwrap_or(d.upper()));
        if u < l {
            return Err(inverted());
        }
        if dims.len() > 1 && (l < d.lower || u > d.upper()) {
            bail!(ARRAY_SUBSCRIPT_ERROR, "array subscript out of range");
        }
        ranges.push((l, u));
    }
    let mut wanted = 1;
    for (l, u) in &ranges {
        wanted = sized(span(*l, *u)?.checked_mul(wanted))?;
    }
    if source.len() < wanted {
        return Err(too_small());
    }
    let mut all = dims.clone();
    if let ([d], [(l, u)]) = (dims.as_slice(), ranges.as_slice()) {
        let (lower, upper) = (d.lower.min(*l), d.upper().max(*u));
        all = Dims::from_slice(&[Dim { len: span(lower, upper)?, lower }]);
    }
    let mut b = Builder::new(element);
    let mut next = source.iter();
    let total: usize = all.iter().map(|d| d.len).product();
    let mut index: Vec<i32> = all.iter().map(|d| d.lower).collect();
    for _ in 0..total {
        let inside = index.iter().zip(&ranges).all(|(i, (l, u))| i >= l && i <= u);
        b.push(if inside { next.next().unwrap_or(Datum::Null) } else { old.get(&index) });
        for n in (0..index.len()).rev() {
            index[n] += 1;
            if index[n] <= all[n].upper() {
                break;
            }
            index[n] = all[n].lower;
        }
    }
    Ok(b.finish_with(all))
}
