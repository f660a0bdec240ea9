//! Arrays and rows: building them, taking them apart.

use super::{Eval, Sel};
use crate::base::{Error, Flow, Result};
use crate::sql::exec::ExecContext;
use crate::types::{Batch, Column, Datum, Phys, TypeRef};

pub(super) fn is_composite(ty: TypeRef) -> bool {
    ty.oid == crate::types::oid::RECORD || crate::types::info(ty.oid).is_some_and(|i| i.kind == b'c')
}

// STAND-IN: the encodings of arrays and records are `types`'; until they land these answer 0A000.
fn missing<T>() -> Result<T> {
    Err(Error::unsupported("arrays and records are not supported yet"))
}

pub(super) fn row_null_test(value: Datum<'_>, negated: bool) -> Result<bool> {
    if value.is_null() {
        return Ok(!negated);
    }
    missing()
}

/// The elements of an array in storage order.
pub(crate) fn elements(array: Datum<'_>, element: TypeRef) -> Result<Column> {
    let _ = (array, element);
    missing()
}

/// A one-dimensional array of a column's values.
pub(crate) fn array_of(values: &Column, element: TypeRef, out: &mut Vec<u8>) -> Result<()> {
    let _ = (values, element, out);
    missing()
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
    let _ = (arg, slot, element, ty, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn array(
    items: &mut [Eval],
    nested: bool,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let _ = (items, nested, ty, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn row(fields: &mut [Eval], cx: &mut ExecContext, batch: &Batch, sel: Sel<'_>) -> Flow<Column> {
    let _ = (fields, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn field(
    arg: &mut Eval,
    index: usize,
    phys: Phys,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let _ = (arg, index, phys, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn field_set(
    arg: &mut Eval,
    index: usize,
    value: &mut Eval,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let _ = (arg, index, value, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn subscript(
    array: &mut Eval,
    lower: &mut [Option<Eval>],
    upper: &mut [Option<Eval>],
    slice: bool,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let _ = (array, lower, upper, slice, ty, cx, batch, sel);
    Ok(missing()?)
}

pub(super) fn subscript_set(
    array: &mut Eval,
    bounds: (&mut [Option<Eval>], &mut [Option<Eval>], bool),
    value: &mut Eval,
    ty: TypeRef,
    cx: &mut ExecContext,
    batch: &Batch,
    sel: Sel<'_>,
) -> Flow<Column> {
    let _ = (array, bounds, value, ty, cx, batch, sel);
    Ok(missing()?)
}

/// The answer of `ARRAY(select …)`: one dimension more if the elements are arrays themselves.
pub(super) fn array_of_any(values: &Column, ty: TypeRef, out: &mut Vec<u8>) -> Result<()> {
    array_of(values, ty, out)
}
